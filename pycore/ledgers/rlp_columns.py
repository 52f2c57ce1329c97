"""RLP records as columns: one level of many lists at a time, in C (``csrc/wire/rlp.c``).

A record is read by calls that each go one level down, so a chain's code chooses the depth and the input does not:

>>> from pycore.base import rlp
>>> records = Spans.joined([rlp.encode([1, [b"a", b"b"]]), rlp.encode([2, []]), b"\\xc1"])
>>> rows = Fields.of(records, 2)
>>> rows.sound.tolist(), rows.column(0).items()
([True, True, False], [b'\\x01', b'\\x02', b''])
>>> [item for item in Items.of(rows.column(1), most=10).spans.items()]
[b'a', b'b']

Only canonical encodings are read, so a record has one form only, and its bytes are what its hash is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pycore.base import rlp
from pycore.base.columns import Column, trusted_column
from pycore.base.ffi import ffi, lib
from pycore.ledgers.ffi_scan import Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Marks = NDArray[np.bool_]

PARENT, START, END, ITEM, LIST, CELLS = (
    int(lib.PC_RLP_PARENT), int(lib.PC_RLP_START), int(lib.PC_RLP_END), int(lib.PC_RLP_ITEM), int(lib.PC_RLP_LIST),
    int(lib.PC_RLP_CELLS),
)  # fmt: skip
TOO_MANY = int(lib.PC_RLP_TOO_MANY)
MAX_NUMBER = 8
"""Bytes of a number that a column can hold as uint64."""

_NUMBERS, _BYTES, _NULL = ffi.typeof("int64_t *"), ffi.typeof("uint8_t *"), ffi.NULL


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The items of n pieces, each the content of a list.

    Attributes:
        data: that the pieces are of.
        cells: int64 (items, CELLS): PARENT, START and END of the content, ITEM where it begins with its header, LIST.
        firsts: int64 (n + 1,): the items of piece i are rows firsts[i] up to firsts[i + 1].
        faults: uint8 (n,): 0, or why a piece is not canonical RLP of at most `most` items; such a piece has no rows.
    """

    data: NDArray[np.uint8]
    cells: Numbers
    firsts: Numbers
    faults: NDArray[np.uint8]

    @classmethod
    def of(cls, pieces: Spans, *, most: int, smallest: int = 1, room: int | None = None) -> Items:
        """Reads the pieces.

        most        items of a piece
        smallest    bytes that each item has at least, if it is one that is looked for: a piece that would need more of
                    them than it has bytes for is not read, as one with more than `most` is not, or rows would take
                    forty times the memory of hostile bytes
        room        how many items to expect; more are read in a second pass
        """
        n = len(pieces)
        crowded = None
        if smallest > 1:
            crowded = _counts(pieces, most) * smallest > pieces.lengths
            start = pieces.start.copy()
            pieces = Spans.of(pieces.data, start, np.where(crowded, start, pieces.end))
        firsts, faults = np.empty(n + 1, np.int64), np.empty(n, np.uint8)
        cells = np.empty((n if room is None else room, CELLS), np.int64)
        native = pieces.to_native()
        while True:
            count = lib.pc_rlp_items(
                native, most, ffi.from_buffer(_NUMBERS, cells), len(cells), ffi.from_buffer(_NUMBERS, firsts),
                ffi.from_buffer(_BYTES, faults),
            )  # fmt: skip
            if count < 0:
                raise RuntimeError(f"a span that leaves its data (code {count})")
            if count <= len(cells):
                if crowded is not None:
                    faults[crowded] = TOO_MANY
                return cls(pieces.data, cells[:count], firsts, faults)
            cells = np.empty((count, CELLS), np.int64)

    @property
    def spans(self) -> Spans:
        """The content of every item."""
        return Spans(self.data, self.cells, START)

    @property
    def whole(self) -> Spans:
        """Every item with its header."""
        return Spans.of(self.data, self.cells[:, ITEM], self.cells[:, END])

    @property
    def parents(self) -> Numbers:
        """int64 (items,): the piece of every item."""
        return self.cells[:, PARENT]

    @property
    def lists(self) -> Marks:
        """bool (items,): whether an item is a list."""
        return self.cells[:, LIST].astype(np.bool_)

    @property
    def counts(self) -> Numbers:
        """int64 (n,): items of every piece."""
        return np.diff(self.firsts)

    def any_of(self, marks: Marks, n: int) -> Marks:
        """bool (n,): the pieces that have a marked item."""
        found = np.zeros(n, np.bool_)
        found[self.parents[marks]] = True
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """n lists of the same number of items: a table of fields.

    Attributes:
        data: that the records are of.
        sound: bool (n,): whether a record is a list of that many items. The others have empty fields.
        cells: int64 (n, width, CELLS).
        strings: bool (width, n), whether a field is a string; an absent one is not.
    """

    data: NDArray[np.uint8]
    sound: Marks
    cells: Numbers
    strings: Marks

    @classmethod
    def of(cls, records: Spans, width: int, *, fewest: int | None = None) -> Fields:
        """Records that are one list each, of `width` items exactly, or of `fewest` up to that; the rest is absent."""
        outer = Items.of(records, most=1)
        lists = np.zeros((len(records), CELLS), np.int64)
        lists[outer.parents] = outer.cells
        sound = lists[:, LIST] == 1
        lists[~sound] = 0
        return cls.inside(Spans(records.data, lists, START), width, fewest=fewest, sound=sound)

    @classmethod
    def inside(cls, lists: Spans, width: int, *, fewest: int | None = None, sound: Marks | None = None) -> Fields:
        """The same of lists whose content is given; `sound`: those that are."""
        n = len(lists)
        items = Items.of(lists, most=width, room=n * width)
        counts = items.counts
        good = (items.faults == 0) & (counts >= (width if fewest is None else fewest))
        if sound is not None:
            good &= sound
        if fewest is None and good.all():
            cells = items.cells.reshape(n, width, CELLS)
        else:
            cells = np.zeros((n, width, CELLS), np.int64)
            kept = good[items.parents]
            places = np.arange(len(items.cells)) - items.firsts[items.parents]
            cells[items.parents[kept], places[kept]] = items.cells[kept]
        strings = (cells[:, :, LIST] == 0) & (cells[:, :, END] > 0)
        return cls(items.data, good, cells, np.ascontiguousarray(strings.T))

    def take(self, rows: NDArray[np.intp]) -> Fields:
        """These records."""
        return Fields(self.data, self.sound[rows], self.cells[rows], self.strings[:, rows])

    def __len__(self) -> int:
        return len(self.cells)

    def column(self, field: int) -> Spans:
        """The content of a field of every record."""
        return Spans(self.data, self.cells.reshape(len(self), self.cells.shape[1] * CELLS), field * CELLS + START)

    def is_list(self, field: int) -> Marks:
        """bool (n,): whether the field is a list."""
        return self.cells[:, field, LIST].astype(np.bool_)

    def is_string(self, field: int) -> Marks:
        """bool (n,): whether the field is a string; an absent field and one of a record that is not sound are not."""
        found: Marks = self.strings[field]
        return found

    def is_number(self, field: int, size: int) -> Marks:
        """bool (n,): whether the field is a number of at most `size` bytes without leading zeros."""
        found: Marks = self.is_string(field) & minimal(self.column(field), size)
        return found

    def is_bytes(self, field: int, *sizes: int) -> Marks:
        """bool (n,): whether the field is a string of one of these sizes."""
        return self.is_string(field) & np.isin(self.column(field).lengths, sizes)

    def numbers(self, field: int) -> NDArray[np.uint64]:
        """uint64 (n,): the numbers of a field that has at most MAX_NUMBER bytes; more bytes are cut off."""
        return to_numbers(self.column(field))

    def before(self, field: int) -> Spans:
        """The items ahead of a field, with their headers: what a signature covers."""
        first = self.cells[:, 0, ITEM]
        return Spans.of(self.data, first, np.maximum(first, self.cells[:, field, ITEM]))


def _counts(pieces: Spans, most: int) -> Numbers:
    """int64 (n,): items of each piece; 0 where it is not sound."""
    n = len(pieces)
    firsts, faults, native = np.empty(n + 1, np.int64), np.empty(n, np.uint8), pieces.to_native()
    at, marks = ffi.from_buffer(_NUMBERS, firsts), ffi.from_buffer(_BYTES, faults)
    _checked(lib.pc_rlp_items(native, most, ffi.NULL, 0, at, marks))
    return np.diff(firsts)


def minimal(spans: Spans, size: int) -> Marks:
    """bool (n,): pieces of at most `size` bytes that do not begin with a zero."""
    first = spans.data[np.minimum(spans.start, max(spans.data.size - 1, 0))] if spans.data.size else np.uint8(0)
    found: Marks = (spans.lengths <= size) & ((spans.lengths == 0) | (first != 0))
    return found


def to_numbers(spans: Spans) -> NDArray[np.uint64]:
    """uint64 (n,): the first MAX_NUMBER bytes of each piece as a number, big-endian."""
    found = np.zeros(len(spans), np.uint64)
    start, lengths = spans.start, spans.lengths
    for place in range(min(int(lengths.max(initial=0)), MAX_NUMBER)):
        more = lengths > place
        found[more] = (found[more] << np.uint64(8)) | spans.data[start[more] + place]
    return found


def to_rows(spans: Spans, width: int) -> NDArray[np.uint8]:
    """uint8 (n, width): pieces of at most `width` bytes with zeros in front; longer ones are all zeros."""
    n = len(spans)
    found = np.zeros((n, width), np.uint8)
    if n == 0 or not spans.data.size:
        return found
    start, lengths = spans.start, spans.lengths
    whole = np.flatnonzero(lengths == width)
    if len(whole) == n:
        rows: NDArray[np.uint8] = spans.gather().data.reshape(n, width)
        return rows
    found[whole] = spans.take(whole).gather().data.reshape(len(whole), width)
    for i in np.flatnonzero((lengths < width) & (lengths > 0)).tolist():
        begin, end = int(start[i]), int(start[i] + lengths[i])
        found[i, width - (end - begin) :] = spans.data[begin:end]
    return found


def lists(pieces: Spans, *, heads: Sequence[bytes] | bytes = b"", tails: Sequence[bytes] | bytes = b"") -> Column:
    """Messages that are signed: message i is heads[i] and a list of what is in pieces[i] and tails[i].

    heads, tails    of each, or one byte string for all
    """
    before, behind = (Spans.joined([given] if isinstance(given, bytes) else list(given)) for given in (heads, tails))
    native = before.to_native(), pieces.to_native(), behind.to_native()  # of arrays that live until the end
    offsets = np.empty(len(pieces) + 1, np.int64)
    at = ffi.from_buffer(_NUMBERS, offsets)
    out = np.empty(_checked(lib.pc_rlp_lists(*native, _NULL, at)), np.uint8)
    _checked(lib.pc_rlp_lists(*native, ffi.from_buffer(_BYTES, out), at))
    return trusted_column(out, offsets)


def number_list(value: int) -> bytes:
    """The items (a number, nothing, nothing) that EIP-155 signs behind a transaction's own."""
    return rlp.encode(value) + b"\x80\x80"


def _checked(code: int) -> int:
    if code < 0:
        raise RuntimeError(f"spans that do not fit each other or their data (code {code})")
    return int(code)
