"""XuperChain's entries of `python -m bench.chains`: blocks whose transactions each have a key and a signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import pycore
from bench import chain_programs
from bench.chains import Entry, Peer
from pycore import ledgers
from pycore.ledgers.xuper.keys import SCHEMES
from pycore.ledgers.xuper.messages import InternalBlock
from pycore.testing.xuper import START_HEIGHT, XuperMaker, digests_of, sign_drafts

NAME = "xuperchain"


def entries(n: int) -> Sequence[Entry]:
    """Version 3 on P-256 and on SM2, and version 1, whose encoding is JSON, on P-256: calls and transfers in turn.

    "twice signed": the initiator is in auth_require as well, as the chain's tools have it; that signature is hashed,
    and by the chain's rules not verified.
    """
    return [
        _entry(n, 3, "p-256", 0.6),
        _entry(n, 3, "p-256", None, twice=True),
        _entry(n, 1, "p-256", 0.25),
        _entry(n, 1, "p-256", None, twice=True),
        _entry(n, 3, "sm2", None),
    ]


def _entry(n: int, version: int, crypto: str, target: float | None, *, twice: bool = False) -> Entry:
    maker = XuperMaker(1, crypto=crypto, version=version, users=n)
    drafts = [maker.draft(index) for index in range(n)]
    if not twice:
        for draft in drafts:
            draft.others = []
            del draft.tx.auth_require[:]
    txs = sign_drafts(drafts)
    block = maker.block(START_HEIGHT, maker.origin, txs).SerializeToString()
    context = maker.context.replace(height=START_HEIGHT, previous_block_hash=maker.origin)
    keys = np.frombuffer(b"".join(key.point for key in maker.users), np.uint8).reshape(n, 65)
    signatures = [tx.initiator_signs[0].sign for tx in txs]
    alone = _alone(SCHEMES[maker.users[0].kind], pycore.batch(keys), signatures, digests_of(txs).signed)
    ledger: Any = ledgers.get(NAME)

    def whole() -> None:
        if not ledger.validate_block(block, context).valid:
            raise RuntimeError("the block is not valid")

    name = f"version {version}, {crypto}" + (", twice signed" if twice else "")
    return Entry(NAME, name, n, whole, alone, peers=[] if twice else [_peer(txs)], target=target)


def _peer(txs: Sequence[Any]) -> Peer:
    """xupercore's functions over the same transactions: ids, digests, addresses of keys, signatures."""
    given = [
        [f"load {InternalBlock(transactions=share).SerializeToString().hex()}"] for share in chain_programs.shares(txs)
    ]
    return chain_programs.peer("xupercore's own functions", len(txs), chain_programs.xuper, given, "verify")


def _alone(scheme: str, keys: Any, signatures: list[bytes], digests: Any) -> Callable[[], None]:
    column = pycore.batch(signatures)

    def verify() -> None:
        if not pycore.verify_batch(scheme, keys, column, digests, prehashed=True, encoding="der").all_valid:
            raise RuntimeError("a signature is not valid")

    return verify
