"""Batches of Fabric-X transactions as rows; the part of the C interface that ``csrc/wire/fabricx.c`` is behind.

Rows are int64 arrays whose columns the constants name; spans are (start, end) in `data`, ranges (first row, count).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import Column, trusted_column
from pycore.base.ffi import ffi, lib
from pycore.ledgers.fabricx.messages import MalformedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Rows", "answers", "scan", "sizes", "updates"]

RE_PARTS, RE_ID, RE_NAMESPACES, RE_LISTS = (
    int(lib.PC_FX_RE_PARTS), int(lib.PC_FX_RE_ID), int(lib.PC_FX_RE_NAMESPACES), int(lib.PC_FX_RE_LISTS),
)  # fmt: skip
NS_REQUEST, NS_INDEX, NS_ID = int(lib.PC_FX_NS_REQUEST), int(lib.PC_FX_NS_INDEX), int(lib.PC_FX_NS_ID)
LI_FIRST, LI_COUNT = int(lib.PC_FX_LI_FIRST), int(lib.PC_FX_LI_COUNT)
EN_SIGNATURE, EN_IDENTITIES, EN_IDENTITY = (
    int(lib.PC_FX_EN_SIGNATURE), int(lib.PC_FX_EN_IDENTITIES), int(lib.PC_FX_EN_IDENTITY),
)  # fmt: skip
WHOLE = 3
"""RE_PARTS of a request that has both a reference and a content."""
TABLES = int(lib.PC_FX_TABLES)
REQUESTS, UPDATES = int(lib.PC_FX_REQUESTS), int(lib.PC_FX_UPDATES)
_WIDTHS = tuple(
    int(width)
    for width in (
        lib.PC_FX_REQUEST_CELLS, lib.PC_FX_NAMESPACE_CELLS, lib.PC_FX_METADATA_CELLS, lib.PC_FX_LIST_CELLS,
        lib.PC_FX_ENDORSEMENT_CELLS, lib.PC_FX_UPDATE_CELLS,
    )
)  # fmt: skip
_FULL, _MALFORMED = int(lib.PC_FX_FULL), int(lib.PC_FX_MALFORMED)
_TABLES = ffi.typeof("pc_scan_table[]")
_AT = ffi.typeof("size_t *")
_BYTES = ffi.typeof("uint8_t *")
_CELLS = ffi.typeof("int64_t *")
_CHOSEN = ffi.typeof("uint32_t *")
_ROWS = ffi.typeof("pc_fabricx_rows *")
_ANY = (1 << 64) - 1


@dataclass(slots=True, eq=False)
class Rows:
    """What some VerifierBatch messages hold.

    Attributes:
        data: uint8 (size,), the bytes that spans point into.
        requests, namespaces, metadata, lists, endorsements, updates: int64 (rows, cells).
    """

    data: NDArray[np.uint8]
    requests: NDArray[np.int64]
    namespaces: NDArray[np.int64]
    metadata: NDArray[np.int64]
    lists: NDArray[np.int64]
    endorsements: NDArray[np.int64]
    updates: NDArray[np.int64]

    def signed(self, chosen: NDArray[np.uint32], room: int) -> Column:
        """The DER that is signed for the namespaces in these rows, in order, as far as `room` bytes go; one at least.

        SEQUENCE { tx_id, [metadata], namespace, version, reads, read-writes, writes } as ``api/applicationpb/asn1.go``
        of fabric-x-common has it: plain tags, no metadata where there are none, versions as int64, -1 left out.
        """
        n = len(chosen)
        offsets = np.empty(n + 1, np.int64)
        rows = self._native()
        picked, to = ffi.from_buffer(_CHOSEN, chosen), ffi.from_buffer(_CELLS, offsets)
        data = ffi.from_buffer(_BYTES, self.data)
        out = np.empty(room, np.uint8)
        done = _checked(
            lib.pc_fabricx_signed(data, self.data.size, rows, picked, n, ffi.from_buffer(_BYTES, out), room, to)
        )
        if n and not done:  # one that is larger than the room
            _checked(lib.pc_fabricx_signed(data, self.data.size, rows, picked, 1, ffi.NULL, 0, to))
            return self.signed(chosen[:1], int(offsets[1]))
        return trusted_column(out[: offsets[done]], offsets[: done + 1])

    def _native(self) -> Any:
        r, n, m = self.requests, self.namespaces, self.metadata
        cells = [ffi.from_buffer(_CELLS, one) if len(one) else ffi.NULL for one in (r, n, m)]
        return ffi.new(_ROWS, (*cells, len(r), len(n), len(m)))


def sizes(batch: bytes) -> list[int]:
    """Rows of each table that a VerifierBatch fills. Raises MalformedError."""
    tables, at = ffi.new(_TABLES, [(ffi.NULL, 0, _ANY, 0)] * TABLES), ffi.new(_AT, 0)
    if _checked(lib.pc_fabricx_scan(ffi.from_buffer(_BYTES, batch), len(batch), at, 0, tables)) == _MALFORMED:
        raise MalformedError(
            f"{len(batch)} bytes that are no VerifierBatch: byte {at[0]} begins what Go would not read"
        )
    return [int(table.rows) for table in tables]


def scan(batch: bytes, start: int, capacity: Sequence[int]) -> tuple[Rows, int]:
    """Reads requests of a sound VerifierBatch from byte `start` on, as many as fit `capacity` rows of each table.

    Returns the rows, and where the next ones begin.
    """
    arrays = [np.empty((rows, width), np.int64) for rows, width in zip(capacity, _WIDTHS, strict=True)]
    tables = ffi.new(
        _TABLES, [(ffi.from_buffer(_CELLS, one) if len(one) else ffi.NULL, len(one), _ANY, 0) for one in arrays]
    )
    at = ffi.new(_AT, start)
    _checked(lib.pc_fabricx_scan(ffi.from_buffer(_BYTES, batch), len(batch), at, 1, tables))
    kept = [array[: int(table.rows)] for array, table in zip(arrays, tables, strict=True)]
    return Rows(np.frombuffer(batch, np.uint8), *kept), int(at[0])


def updates(batch: bytes, count: int) -> list[bytes]:
    """The updates of a sound VerifierBatch that has `count` of them. Put together they are one, as messages merge."""
    array = np.empty((count, _WIDTHS[UPDATES]), np.int64)
    given = [(ffi.NULL, 0, _ANY, 0)] * UPDATES + [(ffi.from_buffer(_CELLS, array), count, _ANY, 0)]
    _checked(
        lib.pc_fabricx_scan(
            ffi.from_buffer(_BYTES, batch), len(batch), ffi.new(_AT, 0), lib.PC_FX_KEEP_UPDATES, ffi.new(_TABLES, given)
        )
    )
    return [batch[start:end] for start, end in array.tolist()]


def answers(rows: Rows, which: NDArray[np.intp], status: NDArray[np.uint8]) -> Column:
    """One field `status` of a TxStatusBatch for each of these requests. Runs of them are such messages."""
    n = len(which)
    offsets = np.empty(n + 1, np.int64)
    requests = rows.requests if n == len(rows.requests) else rows.requests[which]
    given = (
        ffi.from_buffer(_BYTES, rows.data), rows.data.size, ffi.from_buffer(_CELLS, requests),
        ffi.from_buffer(_BYTES, np.ascontiguousarray(status)), n,
    )  # fmt: skip
    to = ffi.from_buffer(_CELLS, offsets)
    out = np.empty(_checked(lib.pc_fabricx_answers(*given, ffi.NULL, to)), np.uint8)
    _checked(lib.pc_fabricx_answers(*given, ffi.from_buffer(_BYTES, out), to))
    return trusted_column(out, offsets)


def _checked(code: int) -> int:
    """A result of C; a negative one is a mistake of the caller in this package."""
    if code < 0:
        raise RuntimeError(f"rows or spans that do not fit their data (code {code})")
    return int(code)
