"""BIF's entries of `bench.chains`: blocks of Ed25519 and of SM2 transactions, a key for each.

Signatures alone are checked by the rules that the validator asks for: Ed25519 without cofactor, which the default of
`verify_batch` is not. One row more has that default, which combines equations and is faster.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import pycore
from bench import chain_programs
from bench.chains import Entry, Peer
from pycore import ledgers
from pycore._pb.ledgers.bif.v1 import ledger_pb2
from pycore.testing.bif import BifLedger

TARGET = 0.5
NODE_ITEMS = 100
"""What is measured of the JavaScript library, which takes milliseconds for a signature."""


def entries(n: int) -> list[Entry]:
    """The rows for blocks of n transactions."""
    found = []
    for scheme, rules in (("ed25519", "rfc8032"), ("ed25519", None), ("sm2", None)):
        made = BifLedger(blocks=1, transactions=n, scheme=scheme, seed=1)
        name = scheme + (", against the default rules" if scheme == "ed25519" and rules is None else "")
        target = TARGET if rules is not None else None
        others = peers(made, scheme) if target is not None or scheme == "sm2" else []
        found.append(Entry("bif", name, n, whole(made), signatures(made, scheme, rules), others, target))
    return found


def peers(made: BifLedger, scheme: str) -> list[Peer]:
    """The Go SDK over the same transactions: hashes, addresses of keys, signatures. For SM2 also the JavaScript SDK's
    library, which verifies signatures alone, of the first transactions."""
    txs = ledger_pb2.ConsensusValue.FromString(made.values[0]).txset.txs
    ledger: Any = ledgers.get("bif")
    hashes = [ledger.transaction_hash(tx.transaction.SerializeToString()).hex() for tx in txs]
    lines = [
        line({"op": "load", "message": tx.SerializeToString().hex(), "hash": hash_})
        for tx, hash_ in zip(txs, hashes, strict=True)
    ]
    found = [in_shares("BIF-Core-SDK-Go", chain_programs.bif_go, lines)]
    if scheme == "sm2":
        lines = [
            line({
                "op": "load",
                "message": tx.transaction.SerializeToString().hex(),
                "key": tx.signatures[0].public_key[6:],
                "signature": tx.signatures[0].sign_data.hex(),
            })
            for tx in txs[:NODE_ITEMS]
        ]  # fmt: skip
        name = f"{chain_programs.BIF_NODE}, {len(lines)} signatures alone"
        found.append(in_shares(name, chain_programs.bif_node, lines))
    return found


def line(document: dict[str, str]) -> str:
    """A request as the programs read it."""
    return json.dumps(document)


def in_shares(name: str, command: Callable[[], list[str]], lines: Sequence[str]) -> Peer:
    """A peer that is given a line for each item."""
    return chain_programs.peer(name, len(lines), command, chain_programs.shares(lines), line({"op": "count"}))


def whole(made: BifLedger) -> Callable[[], object]:
    """A block's bytes to its report."""
    ledger, block, context = ledgers.get("bif"), made.blocks[0], made.context_for(0)

    def run() -> object:
        report = ledger.validate_block(block, context)
        assert report.valid, report.failed
        assert report.complete, report.skipped
        return report

    return run


def signatures(made: BifLedger, scheme: str, rules: str | None) -> Callable[[], object]:
    """The same signatures as columns."""
    txs = ledger_pb2.ConsensusValue.FromString(made.values[0]).txset.txs
    keys = np.stack([np.frombuffer(bytes.fromhex(tx.signatures[0].public_key)[3:], np.uint8) for tx in txs])
    signed = np.stack([np.frombuffer(tx.signatures[0].sign_data, np.uint8) for tx in txs])
    messages = pycore.batch([tx.transaction.SerializeToString() for tx in txs])

    def run() -> object:
        verdicts = pycore.verify_batch(scheme, keys, signed, messages, rules=rules)
        assert verdicts.all_valid
        return verdicts

    return run
