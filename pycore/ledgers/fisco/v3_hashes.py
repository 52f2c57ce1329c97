"""What the hashes of FISCO BCOS 3.x are taken over: plain concatenations, without lengths and without Tars.

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
from pycore.ledgers.scan import PARENT, Spans, Tables

Numbers = NDArray[np.int64]
_COST = parallel.Cost(item_ns=900, byte_ns=3, batch=256)


class Layout:
    """The parts of n messages, put together when they are needed.

    Parts are added in the order in which they are hashed; a part may be absent from some of the messages.
    """

    def __init__(self, data: NDArray[np.uint8], n: int) -> None:
        self.n = n
        self._data = [data]
        self._size = data.size
        self._parts: list[tuple[Numbers, Numbers]] = []

    def span(self, piece: Spans, among: NDArray[np.bool_] | None = None) -> None:
        """A field; `among`: only of these messages."""
        start, end = piece.start, piece.end
        self._parts.append((start, end if among is None else np.where(among, end, start)))

    def number(self, values: Numbers, size: int, among: NDArray[np.bool_] | None = None) -> None:
        """A number in 4 or 8 bytes, big-endian."""
        self._data.append(values.astype(f">i{size}").view(np.uint8))
        start = self._size + size * np.arange(self.n, dtype=np.int64)
        self._size += size * self.n
        self._parts.append((start, start + size if among is None else start + size * among))

    def close(self) -> Messages:
        """The messages; the data is copied once, with the numbers behind it."""
        cells = np.empty((self.n, len(self._parts), 2), np.int64)
        for i, (start, end) in enumerate(self._parts):
            cells[:, i, 0], cells[:, i, 1] = start, end
        offsets = np.arange(self.n + 1, dtype=np.int64) * len(self._parts)
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
    """What the hash of every transaction of a table "tx" is taken over."""
    layout = Layout(tables.data, len(tables["tx"]))
    version = tables.number("tx", "data.version").astype(np.uint32)  # compared without a sign, as the chain does
    one, two = version >= 1, version >= 2

    def span(name: str, among: NDArray[np.bool_] | None = None) -> None:
        layout.span(tables.span("tx", f"data.{name}"), among)

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
    """What the hash of every receipt of a table "receipt" is taken over; logs and topics have tables of their own."""
    n, data = len(tables["receipt"]), [tables.data]
    size = tables.data.size
    starts: list[Numbers] = []
    ends: list[Numbers] = []
    owners: list[Numbers] = []
    order: list[Numbers] = []
    every = np.arange(n, dtype=np.int64)
    far = np.int64(1) << 40

    def put(start: Numbers, end: Numbers, owner: Numbers, place: Any) -> None:
        starts.append(start)
        ends.append(end)
        owners.append(owner)
        order.append(np.broadcast_to(np.asarray(place, np.int64), start.shape))

    def number(name: str, width: int, place: Any) -> None:
        nonlocal size
        data.append(tables.number("receipt", f"data.{name}").astype(f">i{width}").view(np.uint8))
        start = size + width * every
        size += width * n
        put(start, start + width, every, place)

    def span(name: str, place: int) -> None:
        piece = tables.span("receipt", f"data.{name}")
        put(piece.start, piece.end, every, place)

    number("version", 4, 0)
    span("gas_used", 1)
    span("contract_address", 2)
    number("status", 4, 3)
    span("output", 4)
    price = tables.span("receipt", "data.effective_gas_price")
    newer = tables.number("receipt", "data.version") >= 1  # with its sign, unlike a transaction's
    put(price.start, np.where(newer, price.end, price.start), every, 5)
    # Logs are rows in order, each behind all topics of those before it; its topics lie between its address and data.
    log, topic = tables["log"], tables["topic"]
    logs = np.arange(len(log), dtype=np.int64)
    base = 8 + 2 * logs + np.searchsorted(topic[:, PARENT], logs)
    address, content = tables.span("log", "address"), tables.span("log", "data")
    put(address.start, address.end, log[:, PARENT], base)
    inner = tables.span("topic")
    of = topic[:, PARENT]
    put(inner.start, inner.end, log[:, PARENT][of], 8 + 2 * of + np.arange(len(topic)) + 1)
    put(content.start, content.end, log[:, PARENT], 9 + 2 * logs + np.searchsorted(topic[:, PARENT], logs, "right"))
    number("block_number", 8, far)
    owner = np.concatenate(owners)
    sorting = np.lexsort((np.concatenate(order), owner))
    cells = np.stack([np.concatenate(starts), np.concatenate(ends)], axis=1)[sorting]
    offsets = np.searchsorted(owner[sorting], np.arange(n + 1))
    return Messages(np.concatenate(data), cells, offsets.astype(np.int64))


# ---- one at a time ---------------------------------------------------------------------------------------------------


def header_message(header: Mapping[str, Any]) -> bytes:
    """What the hash of a header is taken over; keys as in :data:`~pycore.ledgers.fisco.v3_records.HEADER_DATA`.

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


RC4_VERSION = 4
"""Header version of 3.0.0-rc4; released versions are 0x03000000 and up."""
