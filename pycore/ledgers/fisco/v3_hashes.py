"""The bytes under the hashes of FISCO BCOS 3.x: plain concatenations, without lengths and without Tars.

    transaction  i32(version) chainID groupID i64(blockLimit) nonce to input abi
                 from version 1: value gasPrice i64(gasLimit) maxFeePerGas maxPriorityFeePerGas; from 2: extension
    receipt      i32(version) gasUsed contractAddress i32(status) output [from 1: effectiveGasPrice]
                 for each log: address topics data; i64(blockNumber)

Integers are big-endian; text is hashed as it was sent. Because there are no lengths, bytes that move from one field to
its neighbour give the same hash: chainID and groupID are therefore compared with the configured ones, and what a
proof may say about the others is in :mod:`pycore.ledgers.fisco.v3_proofs`.

Source: bcos-tars-protocol/impl/TarsHashable.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.columns import Column, trusted_column
from pycore.hashing.batch import hash_batch
from pycore.ledgers.scan import END, PARENT, START, Spans, Tables

Numbers = NDArray[np.int64]
_COST = parallel.Cost(item_ns=900, byte_ns=3, batch=256)


class Layout:
    """The parts of n messages, put together when they are needed: cells of neighbouring rows of a table, and numbers.

    Parts are added in the order in which they are hashed; a part may be absent from some of the messages.
    """

    def __init__(self, data: NDArray[np.uint8], rows: Numbers) -> None:
        """rows: of the records."""
        self._rows, self._low = rows, int(rows[0, START]) if len(rows) else 0
        self._data = [data[self._low : int(rows[-1, END])] if len(rows) else data[:0]]
        self._size = self._data[0].size
        self._columns: list[int] = []
        self._among: list[NDArray[np.bool_] | None] = []
        self._numbers: list[tuple[int, Numbers, int]] = []

    def span(self, column: int, among: NDArray[np.bool_] | None = None) -> None:
        """A field; `column`: the first of its cells; `among`: only of these messages."""
        self._columns += column, column + 1
        self._among.append(among)

    def number(self, values: Numbers, size: int, among: NDArray[np.bool_] | None = None) -> None:
        """A number in 4 or 8 bytes, big-endian."""
        self._data.append(values.astype(f">i{size}").view(np.uint8))
        start = self._size + size * np.arange(len(self._rows), dtype=np.int64)
        self._size += size * len(self._rows)
        self._numbers.append((len(self._columns), start, size))
        self.span(START, among)

    def close(self) -> Messages:
        """The messages; the data is copied once, with the numbers behind it."""
        cells = np.maximum(self._rows.take(self._columns, axis=1) - self._low, 0)  # absent ones are at 0
        for column, start, size in self._numbers:
            cells[:, column], cells[:, column + 1] = start, start + size
        for part, among in enumerate(self._among):
            if among is not None:
                cells[:, 2 * part + 1] = np.where(among, cells[:, 2 * part + 1], cells[:, 2 * part])
        offsets = np.arange(len(cells) + 1, dtype=np.int64) * len(self._among)
        return Messages(np.concatenate(self._data), cells.reshape(-1, 2), offsets)


class Messages:
    """n messages, each of several pieces of one run of bytes.

    Attributes:
        nbytes: of all messages.
    """

    def __init__(self, data: NDArray[np.uint8], cells: Numbers, offsets: Numbers) -> None:
        """cells (pieces, 2): start and end of each; message i has pieces offsets[i] up to offsets[i + 1]."""
        self._data, self._cells, self._offsets = data, cells, offsets
        self.nbytes = int((cells[:, 1] - cells[:, 0]).sum())

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def slice(self, first: int, last: int) -> Column:
        """Messages first up to last, in a new column."""
        pieces = self._offsets[first : last + 1]
        column = Spans(self._data, self._cells[pieces[0] : pieces[-1]]).gather()
        assert column.offsets is not None
        return trusted_column(column.data, column.offsets[pieces - pieces[0]])

    def hashes(self, hash: str, threads: int | None = None) -> NDArray[np.uint8]:
        """uint8 (n, 32)."""
        out = np.empty((len(self), 32), np.uint8)

        def work(first: int, last: int) -> None:
            out[first:last] = hash_batch(hash, self.slice(first, last), threads=1)

        if len(self):
            cost = parallel.Cost(_COST.item_ns + _COST.byte_ns * self.nbytes / len(self), 0, batch=_COST.batch)
            parallel.run(work, len(self), threads, cost)
        return out


def transaction_messages(tables: Tables) -> Messages:
    """The bytes under the hash of every transaction of a table "tx"."""
    layout = Layout(tables.data, tables["tx"])
    version = tables.number("tx", "data.version").astype(np.uint32)  # compared without a sign, as the chain does
    one, two = version >= 1, version >= 2

    def span(name: str, among: NDArray[np.bool_] | None = None) -> None:
        layout.span(tables.plan.place("tx", f"data.{name}"), among)

    layout.number(tables.number("tx", "data.version"), 4)
    span("chain_id")
    span("group_id")
    layout.number(tables.number("tx", "data.block_limit"), 8)
    for name in ("nonce", "to", "input", "abi"):
        span(name)
    if one.any():
        span("value", one)
        span("gas_price", one)
        layout.number(tables.number("tx", "data.gas_limit"), 8, one)
        span("max_fee_per_gas", one)
        span("max_priority_fee_per_gas", one)
    if two.any():
        span("extension", two)
    return layout.close()


def receipt_messages(tables: Tables) -> Messages:
    """The bytes under the hash of every receipt of a table "receipt"; logs and topics have separate tables."""
    n, log, topic = len(tables["receipt"]), tables["log"], tables["topic"]
    every, logs, topics = (np.arange(len(one), dtype=np.int64) for one in (tables["receipt"], log, topic))
    of_log, of_topic = log[:, PARENT], topic[:, PARENT]
    # Rows of logs and topics are in order, so what stands before a piece is counted, not sorted: seven pieces to a
    # receipt, two to a log, one to a topic.
    logs_before = np.searchsorted(of_log, np.arange(n + 1))
    topics_before = np.searchsorted(of_topic, np.arange(len(log) + 1))
    offsets = 7 * np.arange(n + 1, dtype=np.int64) + 2 * logs_before + topics_before[logs_before]
    cells = np.empty((int(offsets[-1]), 2), np.int64)
    data, size = [tables.data], tables.data.size

    def put(at: Numbers, start: Numbers, end: Numbers) -> None:
        cells[at, 0], cells[at, 1] = start, end

    def number(name: str, width: int, at: Numbers) -> None:
        nonlocal size
        data.append(tables.number("receipt", f"data.{name}").astype(f">i{width}").view(np.uint8))
        start = size + width * every
        size += width * n
        put(at, start, start + width)

    def span(name: str, at: Numbers, among: NDArray[np.bool_] | None = None) -> None:
        piece = tables.span("receipt", f"data.{name}")
        put(at, piece.start, piece.end if among is None else np.where(among, piece.end, piece.start))

    first = offsets[:-1]
    number("version", 4, first)
    span("gas_used", first + 1)
    span("contract_address", first + 2)
    number("status", 4, first + 3)
    span("output", first + 4)
    # A receipt's version is compared with its sign, unlike a transaction's.
    span("effective_gas_price", first + 5, tables.number("receipt", "data.version") >= 1)
    begin = 7 * of_log + 6 + 2 * logs + topics_before[:-1]
    address, content, inner = tables.span("log", "address"), tables.span("log", "data"), tables.span("topic")
    put(begin, address.start, address.end)
    put(begin[of_topic] + 1 + topics - topics_before[of_topic], inner.start, inner.end)
    put(begin + 1 + np.diff(topics_before), content.start, content.end)
    number("block_number", 8, offsets[1:] - 1)
    return Messages(np.concatenate(data), cells, offsets)


_NOT_DIGITS = bytes(sorted(set(range(256)) - set(b"0123456789")))
_NOT_HEX = bytes(sorted(set(range(256)) - set(b"0123456789abcdefABCDEF")))
_MAX_GAS_DIGITS, _ADDRESS_DIGITS = 20, 40


def parted_receipts(tables: Tables) -> NDArray[np.bool_]:
    """Which receipts have a status with one reading: gasUsed of at most 20 digits, contractAddress nothing or 40
    hexadecimal digits, and a status from 0 to 2^24 - 1, whose first byte is no digit. The rest, from the output to the
    last log, has many readings in any receipt."""
    gas, address = tables.span("receipt", "data.gas_used"), tables.span("receipt", "data.contract_address")
    status = tables.number("receipt", "data.status")
    plain = (gas.lengths > 0) & (gas.lengths <= _MAX_GAS_DIGITS) & ~gas.having(_NOT_DIGITS)
    plain &= ((address.lengths == 0) | (address.lengths == _ADDRESS_DIGITS)) & ~address.having(_NOT_HEX)
    return np.asarray(plain & (status >= 0) & (status < 1 << 24))


# ---- one at a time ---------------------------------------------------------------------------------------------------


def header_message(header: Mapping[str, Any]) -> bytes:
    """The bytes under the hash of a header; keys as in :data:`~pycore.ledgers.fisco.v3_records.HEADER_DATA`.

    Headers of version 4, which 3.0.0-rc4 wrote, have their integers as four bytes big-endian and four zero bytes.
    """
    old = header["version"] == RC4_VERSION

    def number(value: int, size: int = 8) -> bytes:
        if old:
            return (value & 0xFFFFFFFF).to_bytes(4, "big") + bytes(4)
        return value.to_bytes(size, "big", signed=True)

    parents: Sequence[tuple[int, bytes]] = header["parents"]
    return b"".join(
        [
            number(header["version"], 4),
            *(number(parent) + hash_ for parent, hash_ in parents),
            header["tx_root"],
            header["receipt_root"],
            header["state_root"],
            number(header["number"]),
            header["gas_used"],
            number(header["timestamp"]),
            number(header["sealer"]),
            *header["sealers"],
            header["extra_data"],
            *(number(weight) for weight in header["weights"]),
        ]
    )


LOG_BOUNDS = (
    "the hash of a receipt has no lengths: what a contract returns can be made to look like another contract's log"
)
RC4_VERSION = 4
"""Header version of 3.0.0-rc4; released versions are 0x03000000 and up."""
