"""Records written from columns: what is hashed or signed, where that is not a view of what was sent.

Many chains hash the parts of a record in their own order and notation: numbers with fixed bytes, lengths before
texts, JSON. :class:`Records` says, part by part, what every record consists of; parts are whole columns, and lists are
records of another table. The loop over the records is in C (``csrc/wire/write.c``).

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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.errors import InputError
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
    LITERAL,
    NUMBERS,
    VARINT,
    VARINT_SIZED,
    Pieces,
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
    "Pieces",
    "Records",
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


@dataclass(slots=True)
class _Part:
    """One piece in every record (`where` None) or in some; or the pieces of the rows of another table; or a split."""

    kind: int = LITERAL
    a: Any = 0
    b: Any = 0
    where: NDArray[np.bool_] | None = None
    rows: Records | None = None
    parents: NDArray[np.int64] | None = None
    split: bool = False


class Records:
    """What n records consist of. Parts are written in the order of the calls."""

    def __init__(self, n: int, data: NDArray[np.uint8]) -> None:
        """n: records; data: uint8 (size,), what all spans of them and of the records within point into."""
        self.n = n
        self.data = data
        self._parts: list[_Part] = []

    def literal(self, text: bytes, where: NDArray[np.bool_] | None = None) -> None:
        """The same bytes in every record, or where `where`, bool (n,), says so."""
        self._parts.append(_Part(LITERAL, text, None, self._mask(where)))

    def number(self, kind: int, values: Any, where: NDArray[np.bool_] | None = None) -> None:
        """A number of each record in one of the notations BE32 BE64 LE32 LE64 DECIMAL VARINT; values: int64 (n,), or
        one number for all."""
        if kind not in NUMBERS:
            raise InputError("kind", str(kind), "a notation of numbers")
        values = np.broadcast_to(np.asarray(values, np.int64), (self.n,))
        self._parts.append(_Part(kind, values, 0, self._mask(where)))

    def span(self, kind: int, spans: Spans, where: NDArray[np.bool_] | None = None) -> None:
        """Bytes of each record in one of the other notations; an absent field has none."""
        if kind in NUMBERS or kind == LITERAL:
            raise InputError("kind", str(kind), "a notation of bytes")
        if spans.data is not self.data or len(spans) != self.n:
            raise InputError("spans", f"{len(spans)} pieces of {spans.data.size} bytes", f"{self.n} pieces of `data`")
        self._parts.append(_Part(kind, spans.start, spans.end, self._mask(where)))

    def rows(self, inner: Records, parents: NDArray[np.int64]) -> None:
        """The records of another table that belong to each record. parents: int64 (inner.n,), ascending, below n."""
        if inner.data is not self.data or len(parents) != inner.n:
            raise InputError("inner", f"{inner.n} records, {len(parents)} parents", "as many, over the same `data`")
        if inner.n and (parents[0] < 0 or parents[-1] >= self.n or (parents[1:] < parents[:-1]).any()):
            raise InputError("parents", "a record that does not exist, or a descent", "ascending record numbers")
        self._parts.append(_Part(rows=inner, parents=parents))

    def split(self) -> None:
        """Ends a record of the output here: with k splits each record is written as k + 1 rows of the column."""
        self._parts.append(_Part(split=True))

    def pieces(self) -> Pieces:
        """All pieces, in order."""
        pool: dict[bytes, int] = {}
        texts: list[bytes] = []
        kind, a, b, first = self._flat(pool, texts)
        return Pieces(kind, a, b, first, self.data, b"".join(texts))

    def column(self, threads: int | None = 1) -> Column:
        """The records, written."""
        return self.pieces().column(threads)

    # ---- flattening --------------------------------------------------------------------------------------------------

    def _mask(self, where: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        if where is not None and (where.dtype != np.bool_ or where.shape != (self.n,)):
            raise InputError("where", f"{where.dtype} array of shape {where.shape}", f"bool ({self.n},)")
        return where

    def _flat(self, pool: dict[bytes, int], texts: list[bytes]) -> tuple[Any, Any, Any, NDArray[np.int64]]:
        if all(part.where is None and part.rows is None and not part.split for part in self._parts):
            return self._flat_matrix(pool, texts)
        inside = {id(part): part.rows._flat(pool, texts) for part in self._parts if part.rows is not None}
        per_record = np.zeros(self.n, np.int64)
        shares: list[Any] = []  # pieces of each part in each record: a number or an array
        for part in self._parts:
            share: Any = 0 if part.split else 1
            if part.rows is not None:
                assert part.parents is not None
                if any(other.split for other in part.rows._parts):
                    raise InputError("inner", "a split", "splits of the records themselves alone")
                bounds = np.searchsorted(part.parents, np.arange(self.n + 1))
                share = np.diff(inside[id(part)][3][bounds])
            elif part.where is not None:
                share = part.where
            shares.append(share)
            per_record += share
        at = np.cumsum(per_record)
        total = int(at[-1]) if self.n else 0
        at -= per_record
        kind, a, b = np.empty(total, np.uint8), np.empty(total, np.int64), np.empty(total, np.int64)
        cuts = [at.copy()]
        for part, share in zip(self._parts, shares, strict=True):
            if part.split:
                cuts.append(at.copy())
            elif part.rows is not None:
                _place(inside[id(part)], at, share, (kind, a, b))
            else:
                chosen = at if part.where is None else at[part.where]
                kind[chosen] = part.kind
                if part.kind == LITERAL:
                    start = _pooled(part.a, pool, texts)
                    a[chosen], b[chosen] = start, start + len(part.a)
                else:
                    a[chosen] = part.a if part.where is None else part.a[part.where]
                    b[chosen] = part.b if part.where is None or np.isscalar(part.b) else part.b[part.where]
            at += share
        first = np.full(self.n * len(cuts) + 1, total, np.int64)
        first[:-1] = np.column_stack(cuts).ravel()
        return kind, a, b, first

    def _flat_matrix(self, pool: dict[bytes, int], texts: list[bytes]) -> tuple[Any, Any, Any, NDArray[np.int64]]:
        """As :meth:`_flat`, where every record has every piece."""
        size = (self.n, len(self._parts))
        kind, a, b = np.empty(size, np.uint8), np.empty(size, np.int64), np.empty(size, np.int64)
        kind[:] = [part.kind for part in self._parts]
        for column, part in enumerate(self._parts):
            if part.kind == LITERAL:
                start = _pooled(part.a, pool, texts)
                a[:, column], b[:, column] = start, start + len(part.a)
            else:
                a[:, column], b[:, column] = part.a, part.b
        return kind.ravel(), a.ravel(), b.ravel(), np.arange(self.n + 1) * size[1]


def _place(inner: tuple[Any, Any, Any, Any], at: NDArray[np.int64], share: NDArray[np.int64], to: Any) -> None:
    """The pieces of rows at their places: those of one record lie next to each other in both."""
    count = len(inner[0])
    moved = np.repeat(at - (np.cumsum(share) - share), share)
    moved += np.arange(count)
    for array, values in zip(to, inner, strict=False):
        array[moved] = values


def _pooled(text: bytes, pool: dict[bytes, int], texts: list[bytes]) -> int:
    """Where a literal begins among all."""
    if text not in pool:
        pool[text] = sum(map(len, texts))
        texts.append(text)
    return pool[text]
