"""Requests of one row that differ in nothing but the row: read once, and recognised from then on.

Protobuf reads a message from its tags and lengths. So two messages of one length that are equal outside of the bytes
of the row - the shape - are read alike, and all that the second one says besides its row is what the first one said.
The first message of a shape is read and checked as any other; of those after it only the row is cut out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice

import numpy as np

from pycore.base.columns import Column, trusted_column
from pycore.service.work import Work
from pycore.wire.count import walk
from pycore.wire.schema import column_pb2

__all__ = ["MOST_BYTES", "Shaped", "Shapes", "join_shaped"]

MOST_BYTES = 4096  # of a request that is compared
_MOST_SHAPES = 256
_ROW_FIELDS = {column_pb2.Column.DATA_FIELD_NUMBER, column_pb2.Column.ROWS_FIELD_NUMBER}
_BYTES = 2
_GROUPS = (3, 4)
_MOST_FIELDS = 64
_MOST_NUMBER = (1 << 29) - 1


class _Shape:
    """What requests have in common."""

    __slots__ = ("joint", "kind", "options", "parts", "ragged", "spans")

    def __init__(self, raw: bytes, work: Work, spans: Sequence[tuple[int, int]], joint: Hashable) -> None:
        self.kind = work.kind
        self.options = work.options
        self.joint = joint
        self.ragged = tuple(column.offsets is not None for column in work.columns)
        self.spans = spans
        edges = [0, *(edge for span in sorted(spans) for edge in span), len(raw)]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        self.parts = [(start, end, raw[start:end]) for start, end in pairs if start < end]

    def fits(self, raw: bytes) -> bool:
        for start, end, part in self.parts:  # noqa: SIM110 - all() takes twice as long
            if raw[start:end] != part:
                return False
        return True


class Shaped(Work):
    """The work of a request whose shape is known. Its columns are made when they are asked for."""

    def __init__(self, shape: _Shape, raw: bytes) -> None:
        vars(self).update(shape=shape, raw=raw, marks=[])

    kind: str = property(lambda self: self.shape.kind)  # type: ignore[assignment]
    options: Hashable = property(lambda self: self.shape.options)
    columns = property(lambda self: _columns([self]))
    n = 1
    cost = 1
    joined = False
    shape: _Shape
    raw: bytes

    @property
    def joint(self) -> Hashable:
        """As `batching.joint` says of the work that the first request was read as."""
        return self.shape.joint

    def cells(self) -> list[bytes]:
        """The row: of each column its bytes."""
        raw = self.raw
        return [raw[start:end] for start, end in self.shape.spans]


class Shapes:
    """The shapes of one RPC. Belongs to one event loop.

    Args:
        columns: the numbers of the request's fields that are columns, in the order of the work's.
    """

    def __init__(self, columns: Sequence[int]) -> None:
        self._columns = columns
        self._known: dict[int, list[_Shape]] = {}  # by the length of the request
        self._count = 0

    def recognise(self, raw: bytes) -> Shaped | None:
        """The work of a request, where its shape is known."""
        known = self._known.get(len(raw))
        if known is None:
            return None
        raw = bytes(raw)  # no copy of what is bytes; memory that somebody else may write to must not be kept
        for shape in known:
            if shape.fits(raw):
                return Shaped(shape, raw)
        return None

    def learn(self, raw: bytes, work: Work, joint: Hashable) -> None:
        """Remembers the shape of a request that was read as a work, if it has one row in each column."""
        if work.n != 1 or work.cost != 1 or type(raw) is not bytes:
            return
        spans = self._spans(raw)
        if spans is None:
            return
        for column, (start, end) in zip(work.columns, spans, strict=True):
            if not isinstance(column, Column) or column.n != 1 or column[0] != raw[start:end]:
                return
        if self._count >= _MOST_SHAPES:
            self._known.clear()
            self._count = 0
        self._known.setdefault(len(raw), []).append(_Shape(raw, work, spans, joint))
        self._count += 1

    def _spans(self, raw: bytes) -> list[tuple[int, int]] | None:
        """Where the row's bytes are in a request that protobuf reads; None where a column has other than one piece."""
        found: dict[int, tuple[int, int]] = {}
        fields = _plain(raw, 0, len(raw))
        if fields is None:
            return None
        for number, kind, start, end in fields:
            if number not in self._columns:
                continue
            inside = _plain(raw, start, end) if kind == _BYTES and number not in found else None
            rows = [one for one in inside or () if one[0] in _ROW_FIELDS]
            if len(rows) != 1 or rows[0][1] != _BYTES:
                return None
            found[number] = rows[0][2:]
        return [found[number] for number in self._columns] if len(found) == len(self._columns) else None


def _plain(raw: bytes, start: int, end: int) -> list[tuple[int, int, int, int]] | None:
    """The fields of a message; None where the walk did not come to its end, or met what parsers read otherwise: a field
    that it has not seen may say another thing than one that it has."""
    fields = list(islice(walk(raw, start, end), _MOST_FIELDS))
    if fields and fields[-1][3] != end:
        return None
    if any(kind in _GROUPS or not 0 < number <= _MOST_NUMBER for number, kind, _, _ in fields):
        return None
    return fields


def join_shaped(works: Sequence[Work]) -> tuple[Column, ...] | None:
    """The columns of works that are all of known shapes and may be joined; None where one is not."""
    if any(type(work) is not Shaped for work in works):
        return None
    return _columns(works)  # type: ignore[arg-type]


def _columns(works: Sequence[Shaped]) -> tuple[Column, ...]:
    found = []
    ragged = [any(one) for one in zip(*{work.shape.ragged for work in works}, strict=True)]
    for cells, always in zip(zip(*(work.cells() for work in works), strict=True), ragged, strict=True):
        data = np.frombuffer(b"".join(cells), dtype=np.uint8)
        lengths = {len(cell) for cell in cells}
        if len(lengths) == 1 and not always:
            found.append(trusted_column(data.reshape(len(cells), lengths.pop()), None))
        else:
            offsets = np.zeros(len(cells) + 1, dtype=np.int64)
            np.cumsum([len(cell) for cell in cells], out=offsets[1:])
            found.append(trusted_column(data, offsets))
    return tuple(found)
