"""Opens a block: the header as a message, its transactions as columns. Nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.errors import InputError
from pycore.ledgers.scan import Spans, Tables
from pycore.ledgers.xuper.messages import InternalBlock, parse
from pycore.ledgers.xuper.plans import BLOCK

MAX_BLOCK_BYTES = 256 << 20
MAX_RECORDS = 1 << 18
"""Transactions, nodes of the tree, failed transactions: more of one of them is no block that a node makes."""
MAX_SIGNS = 1 << 10
"""Signatures of a certificate."""
FEW_RECORDS = 1 << 12
MIN_TRANSACTION_BYTES = 64
"""Bytes that transactions have on average where there are more than FEW_RECORDS: a signature alone is longer."""

_LIMITS = {"tx": MAX_RECORDS, "tree": 2 * MAX_RECORDS, "failed": MAX_RECORDS}
_TX_TAG, _TREE_TAG = 11 << 3 | 2, 13 << 3 | 2


@dataclass(slots=True, eq=False)
class OpenBlock:
    """A block in parts.

    Attributes:
        header: everything but the transactions and the nodes of the tree.
        txs: the transactions.
        tree: the nodes.
        size: bytes of the block.
    """

    header: Any
    txs: Spans
    tree: Spans
    size: int


def open_block(view: NDArray[np.uint8], field: str = "block") -> OpenBlock:
    """A block from its bytes, whose transactions are left where they are. InputError where they are not one."""
    if not 0 < view.size <= MAX_BLOCK_BYTES:
        raise InputError(field, got=f"{view.size} bytes", wanted=f"a XuperChain block of 1 to {MAX_BLOCK_BYTES} bytes")
    whole = Spans(view, np.array([[0, view.size]], np.int64))
    tables = BLOCK.scan(whole, room={"tx": view.size // 128 + 16, "tree": 64, "failed": 16}, limits=_LIMITS)
    for name, most in _LIMITS.items():
        if tables.counts[name] > most:
            raise InputError(field, got=f"more than {most} records of {name!r}", wanted=f"at most {most}")
    if tables.faulty:
        raise tables.refusal(field, "a XuperChain InternalBlock", view.size)
    count = len(tables["tx"])
    if count > FEW_RECORDS and view.size < MIN_TRANSACTION_BYTES * count:  # verdicts cost far more than such bytes
        wanted = f"at least {MIN_TRANSACTION_BYTES} bytes for each of more than {FEW_RECORDS} transactions"
        raise InputError(f"{field}.transactions", got=f"{count} transactions in {view.size} bytes", wanted=wanted)
    header = parse(InternalBlock, _header_bytes(tables), field)
    del header.transactions[:], header.merkle_tree[:]
    check_counts(header, field)
    return OpenBlock(header, tables.span("tx"), tables.span("tree"), view.size)


def check_counts(header: Any, field: str) -> None:
    """InputError where a header has more than MAX_SIGNS votes, or MAX_RECORDS failed transactions."""
    if len(header.failed_txs) > MAX_RECORDS:
        raise InputError(
            f"{field}.failed_txs", got=f"{len(header.failed_txs)} records", wanted=f"at most {MAX_RECORDS}"
        )
    if len(header.justify.sign_infos.qc_sign_infos) > MAX_SIGNS:
        got = f"{len(header.justify.sign_infos.qc_sign_infos)} signatures"
        raise InputError(f"{field}.justify", got=got, wanted=f"at most {MAX_SIGNS}")


def open_header(data: bytes, field: str = "header") -> Any:
    """The header of a block with or without its transactions."""
    return open_block(np.frombuffer(data, np.uint8), field).header


def _header_bytes(tables: Tables) -> bytes:
    """The block without its transactions and tree; whole, where their tags are not where writers put them."""
    data = tables.data
    spans, tags = [tables.span("tx"), tables.span("tree")], []
    for one, tag in zip(spans, (_TX_TAG, _TREE_TAG), strict=True):
        length, size = one.lengths, np.ones(len(one), np.int64)
        for bits in range(7, 35, 7):
            size += length >> bits > 0
        places = one.start - size - 1
        if (data[places] != tag).any():
            return data.tobytes()
        tags.append(places)
    if not sum(map(len, spans)):
        return data.tobytes()
    cut_from, cut_to = np.concatenate(tags), np.concatenate([one.end for one in spans])
    order = np.argsort(cut_from)
    starts, ends = np.append(0, cut_to[order]), np.append(cut_from[order], data.size)
    pieces = np.flatnonzero(ends > starts)
    return b"".join(data[a:b].tobytes() for a, b in zip(starts[pieces].tolist(), ends[pieces].tolist(), strict=True))
