"""Records from columns: the part of the C interface that ``csrc/wire/write.c`` is behind. As in ``pycore.base.ffi``,
nothing here judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import parallel
from pycore.base.columns import Column, trusted_column
from pycore.base.ffi import ffi, lib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LITERAL = int(lib.PC_WRITE_LITERAL)
BYTES = int(lib.PC_WRITE_BYTES)
BE32, BE64 = int(lib.PC_WRITE_BE32), int(lib.PC_WRITE_BE64)
LE32, LE64 = int(lib.PC_WRITE_LE32), int(lib.PC_WRITE_LE64)
DECIMAL, VARINT = int(lib.PC_WRITE_DECIMAL), int(lib.PC_WRITE_VARINT)
BE64_SIZED, VARINT_SIZED = int(lib.PC_WRITE_BE64_SIZED), int(lib.PC_WRITE_VARINT_SIZED)
HEX, BASE64, JSON_BASE64 = int(lib.PC_WRITE_HEX), int(lib.PC_WRITE_BASE64), int(lib.PC_WRITE_JSON_BASE64)
JSON, JSON_BF = int(lib.PC_WRITE_JSON), int(lib.PC_WRITE_JSON_BF)
SPLIT, ROWS, BE64_ROWS = int(lib.PC_WRITE_SPLIT), int(lib.PC_WRITE_ROWS), int(lib.PC_WRITE_BE64_ROWS)
NUMBERS = frozenset((BE32, BE64, LE32, LE64, DECIMAL, VARINT))

_WRITING = ffi.typeof("pc_writing *")
_TABLES = ffi.typeof("pc_write_table[]")
_PARTS = ffi.typeof("pc_write_part[]")
_BYTES = ffi.typeof("uint8_t *")
_NUMBERS = ffi.typeof("int64_t *")
_NULL = ffi.NULL
_PART_NS = 30


def literal_part(text: bytes, where: NDArray[np.bool_] | None) -> tuple[Any, ...]:
    """A ``pc_write_part``: the same bytes in every record. Parts point into what they are made of: keep it alive."""
    return LITERAL, 0, _NULL, _NULL, 0, _mask(where), ffi.from_buffer(_BYTES, text), len(text)


def number_part(kind: int, values: NDArray[np.int64], where: NDArray[np.bool_] | None) -> tuple[Any, ...]:
    """A number of each record: int64 (n,), with any stride that is not negative."""
    return kind, 0, _column(values), _NULL, values.strides[0] >> 3, _mask(where), _NULL, 0


def span_part(kind: int, cells: NDArray[np.int64], column: int, where: NDArray[np.bool_] | None) -> tuple[Any, ...]:
    """Bytes of each record: int64 (n, width), contiguous, with where they begin and end in two columns of it."""
    start = ffi.from_buffer(_NUMBERS, cells) + column
    return kind, 0, start, start + 1, cells.shape[1], _mask(where), _NULL, 0


def cell_part(kind: int, cells: NDArray[np.int64], column: int) -> tuple[Any, ...]:
    """As :func:`number_part` of a column of it, or :func:`span_part`."""
    start = ffi.from_buffer(_NUMBERS, cells) + column
    end = _NULL if kind in NUMBERS else start + 1
    return kind, 0, start, end, cells.shape[1], _NULL, _NULL, 0


def split_part() -> tuple[Any, ...]:
    """The record goes on as another row of the output."""
    return SPLIT, 0, _NULL, _NULL, 0, _NULL, _NULL, 0


def rows_part(kind: int, table: int, parents: NDArray[np.int64]) -> tuple[Any, ...]:
    """The records of another table. parents: as the values of :func:`number_part`, ascending."""
    return kind, table, _column(parents), _NULL, parents.strides[0] >> 3, _NULL, _NULL, 0


def _mask(where: NDArray[np.bool_] | None) -> Any:
    return _NULL if where is None else ffi.from_buffer(_BYTES, where)


def _column(values: NDArray[np.int64]) -> Any:
    return ffi.cast(_NUMBERS, values.__array_interface__["data"][0])


class Writing:
    """Tables of records that can be written, all or some; on any thread."""

    def __init__(self, tables: Sequence[tuple[Sequence[Any], int]], data: NDArray[np.uint8], alive: Any) -> None:
        """tables: the parts of a record and how many records there are, of the records first; alive: what the parts
        point into."""
        parts = [ffi.new(_PARTS, list(one)) for one, _ in tables]
        made = ffi.new(_TABLES, [(part, len(part), n) for part, (_, n) in zip(parts, tables, strict=True)])
        self._alive = alive, parts, made, data
        self._native = ffi.new(_WRITING, (made, len(parts), ffi.from_buffer(_BYTES, data), data.size))
        self._pieces = 1 + sum(part[0] == SPLIT for part in tables[0][0])
        self._cost = parallel.Cost(item_ns=60 + _PART_NS * sum(map(len, parts)), byte_ns=0)
        self.n = tables[0][1]

    def column(self, first: int, last: int, threads: int | None = 1) -> Column:
        """Records first up to last, written one after another into a new column; threads as in
        :mod:`pycore.base.parallel`."""
        n, pieces, native = last - first, self._pieces, self._native
        offsets = np.zeros(n * pieces + 1, np.int64)
        at = ffi.from_buffer(_NUMBERS, offsets)

        def measure(start: int, stop: int) -> None:
            _checked(lib.pc_write_sizes(native, first + start, stop - start, at + 1 + start * pieces))

        parallel.run(measure, n, threads, self._cost)
        np.cumsum(offsets, out=offsets)
        out = np.empty(int(offsets[-1]), np.uint8)
        to = ffi.from_buffer(_BYTES, out)

        def write(start: int, stop: int) -> None:
            places = at + start * pieces
            _checked(lib.pc_write_records(native, first + start, stop - start, places, to, out.size))

        parallel.run(write, n, threads, self._cost)
        return trusted_column(out, offsets)


def _checked(code: int) -> None:
    """A negative result is a mistake of the caller in this package."""
    if code < 0:
        raise RuntimeError(f"parts that do not fit their data (code {code})")
