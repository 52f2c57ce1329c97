"""Records written from columns: what is hashed or signed, where that is not a view of what was sent.

Many chains hash the parts of a record in their own order and notation: numbers with fixed bytes, lengths before
texts, JSON. :class:`Records` says, part by part, what every record consists of; parts are whole columns, and lists are
records of another table. Nothing is copied: the loops over the records, and over those within, are in C
(``csrc/wire/write.c``).

>>> import numpy as np
>>> from pycore.ledgers.scan import Spans
>>> names, keys = Spans.joined([b"ann", b"bo"]), Spans.joined([b"<k>", b"l", b"m"])
>>> data = np.concatenate([names.data, keys.data])
>>> key = Spans(data, keys.cells + len(names.data))
>>> owner = np.array([0, 0, 1])                              # the record that each key belongs to
>>> inner = Records(3, data)
>>> inner.literal(b",", where=following(owner))
>>> inner.span(JSON, key)
>>> records = Records(2, data)
>>> records.span(BYTES, Spans(data, names.cells))
>>> records.number(DECIMAL, np.array([7, -8]))
>>> records.literal(b"[")
>>> records.rows(inner, owner)
>>> records.literal(b"]")
>>> list(records.column())
[b'ann7["\\\\u003ck\\\\u003e","l"]', b'bo-8["m"]']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.errors import InputError
from pycore.ledgers import ffi_write as native
from pycore.ledgers.ffi_write import (
    BASE64,
    BE32,
    BE64,
    BE64_SIZED,
    BYTES,
    DECIMAL,
    HEX,
    JSON,
    JSON_BASE64,
    JSON_BF,
    LE32,
    LE64,
    NUMBERS,
    VARINT,
    VARINT_SIZED,
    Writing,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.ledgers.ffi_scan import Spans

__all__ = [
    "BASE64",
    "BE32",
    "BE64",
    "BE64_SIZED",
    "BYTES",
    "DECIMAL",
    "HEX",
    "JSON",
    "JSON_BASE64",
    "JSON_BF",
    "LE32",
    "LE64",
    "VARINT",
    "VARINT_SIZED",
    "Records",
    "Writing",
    "counts",
    "following",
]


def following(parents: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool (rows,): whether a row comes after another one of its parent, so that a comma stands before it. parents:
    int64 (rows,), ascending."""
    marks = np.zeros(len(parents), np.bool_)
    np.equal(parents[1:], parents[:-1], out=marks[1:])
    return marks


def counts(parents: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """int64 (n,): rows of each parent."""
    return np.bincount(parents, minlength=n).astype(np.int64, copy=False)


class Records:
    """What n records consist of. Parts are written in the order of the calls; arrays that are given are read when the
    records are written."""

    def __init__(self, n: int, data: NDArray[np.uint8]) -> None:
        """n: records; data: uint8 (size,), what all spans of them and of the records within point into."""
        self.n = n
        self.data = data
        self._parts: list[tuple[Any, ...]] = []
        self._inner: list[tuple[int, Records]] = []  # place among the parts, table
        self._split = False
        self._alive: list[Any] = []  # what the parts point into

    def literal(self, text: bytes, where: NDArray[np.bool_] | None = None) -> None:
        """The same bytes in every record, or where `where`, bool (n,), says so."""
        self._parts.append(native.literal_part(text, self._mask(where)))
        self._alive.append(text)

    def number(self, kind: int, values: Any, where: NDArray[np.bool_] | None = None) -> None:
        """A number of each record in one of the notations BE32 BE64 LE32 LE64 DECIMAL VARINT; values: int64 (n,), or
        one number for all."""
        if kind not in NUMBERS:
            raise InputError("kind", str(kind), "a notation of numbers")
        if type(values) is not np.ndarray or values.dtype != np.int64 or values.shape != (self.n,):
            values = np.broadcast_to(np.asarray(values, np.int64), (self.n,))
        self._parts.append(native.number_part(kind, self._kept(values), self._mask(where)))

    def span(self, kind: int, spans: Spans, where: NDArray[np.bool_] | None = None) -> None:
        """Bytes of each record in one of the other notations; an absent field has none."""
        if kind in NUMBERS or not 0 < kind < native.SPLIT:
            raise InputError("kind", str(kind), "a notation of bytes")
        if spans.data is not self.data or len(spans) != self.n:
            raise InputError("spans", f"{len(spans)} pieces of {spans.data.size} bytes", f"{self.n} pieces of `data`")
        self._parts.append(native.span_part(kind, spans.cells, spans.column, self._mask(where)))
        self._alive.append(spans.cells)

    def cells(self, kind: int, rows: NDArray[np.int64], column: int) -> None:
        """As :meth:`number` or :meth:`span`, of rows of a table over `data`: int64 (n, width), contiguous."""
        width = column + (1 if kind in NUMBERS else 2)
        if not 0 < kind < native.SPLIT:
            raise InputError("kind", str(kind), "a notation of numbers or bytes")
        if len(rows) != self.n or not 0 <= column <= width <= rows.shape[1] or not rows.flags.c_contiguous:
            raise InputError("rows", f"array of shape {rows.shape}", f"contiguous ({self.n}, {width} or more)")
        self._parts.append(native.cell_part(kind, rows, column))
        self._alive.append(rows)

    def rows(self, inner: Records, parents: NDArray[np.int64], *, counted: bool = False) -> None:
        """The records of another table that belong to each record. parents: int64 (inner.n,), ascending, below n;
        counted: their number stands before them in 8 bytes, big endian."""
        if inner.data is not self.data or len(parents) != inner.n:
            raise InputError("inner", f"{inner.n} records, {len(parents)} parents", "as many, over the same `data`")
        if inner.n and (parents[0] < 0 or parents[-1] >= self.n or (parents[1:] < parents[:-1]).any()):
            raise InputError("parents", "a record that does not exist, or a descent", "ascending record numbers")
        self._inner.append((len(self._parts), inner))
        kind = native.BE64_ROWS if counted else native.ROWS
        self._parts.append(native.rows_part(kind, 0, self._kept(np.asarray(parents, np.int64))))

    def split(self) -> None:
        """Ends a record of the output here: with k splits each record is written as k + 1 rows of the column."""
        self._split = True
        self._parts.append(native.split_part())

    def writing(self) -> Writing:
        """All that is needed to write the records, some of them or all."""
        tables: list[Records] = [self]
        made: list[tuple[list[tuple[Any, ...]], int]] = []
        for table in tables:  # which grows meanwhile: every table stands behind the one that it is in
            parts = table._parts
            if table._inner:
                parts = parts.copy()
                for place, inner in table._inner:
                    if inner._split:
                        raise InputError("inner", "a split", "splits of the records themselves alone")
                    kind, _, *rest = parts[place]
                    parts[place] = (kind, len(tables), *rest)
                    tables.append(inner)
            made.append((parts, table.n))
        return Writing(made, self.data, [table._alive for table in tables])

    def column(self, threads: int | None = 1) -> Column:
        """The records, written."""
        return self.writing().column(0, self.n, threads)

    def _mask(self, where: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        if where is None:
            return None
        if where.dtype != np.bool_ or where.shape != (self.n,):
            raise InputError("where", f"{where.dtype} array of shape {where.shape}", f"bool ({self.n},)")
        where = np.ascontiguousarray(where)
        self._alive.append(where)
        return where

    def _kept(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """The column, or a copy where C cannot take the steps between its values."""
        if values.strides[0] < 0 or values.strides[0] & 7:
            values = values.copy()
        self._alive.append(values)
        return values
