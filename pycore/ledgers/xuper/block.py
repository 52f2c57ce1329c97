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
_TX_TAG = 11 << 3 | 2


@dataclass(slots=True, eq=False)
class OpenBlock:
    """A block in parts.

    Attributes:
        header: everything but the transactions.
        txs: the transactions.
        size: bytes of the block.
    """

    header: Any
    txs: Spans
    size: int


def open_block(view: NDArray[np.uint8], field: str = "block") -> OpenBlock:
    """A block from its bytes, whose transactions are left where they are. InputError where they are none."""
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
    del header.transactions[:]
    if len(header.justify.sign_infos.qc_sign_infos) > MAX_SIGNS:
        got = f"{len(header.justify.sign_infos.qc_sign_infos)} signatures"
        raise InputError(f"{field}.justify", got=got, wanted=f"at most {MAX_SIGNS}")
    return OpenBlock(header, tables.span("tx"), view.size)


def open_header(data: bytes, field: str = "header") -> Any:
    """The header of a block with or without its transactions."""
    return open_block(np.frombuffer(data, np.uint8), field).header


def _header_bytes(tables: Tables) -> bytes:
    """The block without its transactions; whole, where their tags are not where writers put them."""
    data, txs = tables.data, tables.span("tx")
    if not len(txs):
        return data.tobytes()
    length, size = txs.lengths, np.ones(len(txs), np.int64)
    for bits in range(7, 35, 7):
        size += length >> bits > 0
    tags = txs.start - size - 1
    if (data[tags] != _TX_TAG).any():
        return data.tobytes()
    starts, ends = np.append(0, txs.end), np.append(tags, data.size)
    pieces = np.flatnonzero(ends > starts)
    return b"".join(data[a:b].tobytes() for a, b in zip(starts[pieces].tolist(), ends[pieces].tolist(), strict=True))
