"""The requests of a run, with the verdicts that their answers must have.

Signatures are made from the seed, and some are spoilt; which ones is known before anything is sent. The verdicts come
from this process, and are compared with what was spoilt before they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pycore.base.columns import as_column
from pycore.base.verdicts import Verdicts
from pycore.loadtest.scenario import BLOCK, Scenario
from pycore.signatures.batch import verify_batch
from pycore.testing import generate_ledger, generate_signatures, tamper
from pycore.wire.columns import fill_column
from pycore.wire.schema import block_pb2, signature_pb2

__all__ = ["Request", "Traffic"]


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        body: as it is sent: VerifySignaturesRequest, VerifySignatureStreamRequest or ValidateBlockRequest.
        items: signatures or transactions in it.
        invalid: how many of them are not valid.
        row: key, signature and message, where it has one.
        codes: the verdict of each.
    """

    body: bytes
    items: int
    invalid: int
    row: tuple[bytes, bytes, bytes] | None
    codes: bytes


class Traffic:
    """The requests of a scenario, in the order in which they are sent again and again.

    Attributes:
        requests: the distinct ones.
        check: whether a serialised answer has the verdicts that a request must have.
        method: the RPC.
        work: what a request costs in this process: a function that does the request's work here, with one thread.
    """

    requests: list[Request]
    check: Callable[[bytes, Request], bool]
    method: str
    work: Callable[[int], object]

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        if scenario.shape == BLOCK:
            self._blocks()
        else:
            self._signatures()

    def __getitem__(self, number: int) -> Request:
        """The request with a number; they come again in turn."""
        return self.requests[number % len(self.requests)]

    def _signatures(self) -> None:
        scenario = self.scenario
        count = max(1, scenario.pool // scenario.items)
        n = count * scenario.items
        columns = generate_signatures(
            scenario.scheme, n, signers=scenario.signers or None, message_size=scenario.message_size, seed=scenario.seed
        )
        spoilt = _chosen(n, scenario.invalid, scenario.seed)
        keys, signatures, messages = columns = tamper(*columns, map(int, np.flatnonzero(spoilt)))
        verdicts = verify_batch(scenario.scheme, *columns)
        _agree(verdicts, spoilt)
        codes = verdicts.codes.tobytes()
        streamed = scenario.shape == "stream"
        self.method = "VerifySignatureStream" if streamed else "VerifySignatures"
        self.check = _streamed_as_known if streamed else _as_known
        self.requests = []
        for i in range(count):
            rows = slice(i * scenario.items, (i + 1) * scenario.items)
            message = signature_pb2.VerifySignaturesRequest(scheme=scenario.scheme)
            for name, column in zip(("public_keys", "signatures", "messages"), columns, strict=True):
                fill_column(getattr(message, name), as_column(column[rows], name))
            whole: Any = signature_pb2.VerifySignatureStreamRequest(id=i, batch=message) if streamed else message
            row = None
            if scenario.items == 1:
                row = keys[i].tobytes(), signatures[i].tobytes(), messages[i].tobytes()
            known = codes[rows]
            bad = int(spoilt[rows].sum())
            self.requests.append(Request(whole.SerializeToString(), scenario.items, bad, row, known))
        parts = [
            tuple(column[i * scenario.items : (i + 1) * scenario.items] for column in columns) for i in range(count)
        ]
        self.work = lambda number: verify_batch(scenario.scheme, *parts[number % count], threads=1)

    def _blocks(self) -> None:
        from pycore import ledgers

        scenario = self.scenario
        chain = ledgers.get("chainmaker")
        count = min(16, max(1, scenario.pool // scenario.items))
        every = round(1 / scenario.invalid) if scenario.invalid else 0
        ledger = generate_ledger(
            blocks=count, txs_per_block=scenario.items, suite=scenario.suite, seed=scenario.seed,
            invalid_every=every, kinds=["signature-bit"] if every else None,
        )  # fmt: skip
        self.method = "ValidateBlock"
        self.check = _block_as_known
        self.requests, blocks = [], []
        for i in range(count):
            context = ledger.context_for(i)
            raw = ledger.block_info(i)
            report = chain.validate_block(raw, context, threads=1)
            spoilt = np.zeros(scenario.items, bool)
            spoilt[[one.tx for one in ledger.invalid if one.block == i]] = True
            _agree(report.transactions, spoilt)
            body = block_pb2.ValidateBlockRequest(
                chain="chainmaker", block=raw, context_json=context.to_json().encode()
            ).SerializeToString()
            codes = report.transactions.codes.tobytes()
            self.requests.append(Request(body, scenario.items, int(spoilt.sum()), None, codes))
            blocks.append((raw, context))
        self.work = lambda number: chain.validate_block(*blocks[number % count], threads=1)


def _chosen(n: int, share: float, seed: int) -> Any:
    """Which of n items are spoilt: the nearest number to the share, at places that follow from the seed."""
    spoilt = np.zeros(n, bool)
    spoilt[np.random.default_rng(seed).permutation(n)[: round(n * share)]] = True
    return spoilt


def _agree(verdicts: Verdicts, spoilt: Any) -> None:
    if (np.asarray(verdicts.valid) == spoilt).any():
        raise AssertionError("the verdicts in this process are not those of the items that were spoilt")


def _as_known(answer: bytes, request: Request) -> bool:
    found = signature_pb2.VerifySignaturesResponse.FromString(answer).verdicts
    return found.codes == request.codes and found.count == request.items


def _streamed_as_known(answer: bytes, request: Request) -> bool:
    found = signature_pb2.VerifySignatureStreamResponse.FromString(answer)
    return found.WhichOneof("outcome") == "verdicts" and found.verdicts.codes == request.codes


def _block_as_known(answer: bytes, request: Request) -> bool:
    found = block_pb2.ValidateBlockResponse.FromString(answer).report
    return found.transactions.codes == request.codes and found.valid == (request.invalid == 0)
