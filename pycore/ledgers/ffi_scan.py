"""Records as columns: the part of the C interface that ``csrc/wire/`` is behind. As in ``pycore.base.ffi``, nothing
here judges."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import parallel
from pycore.base.columns import Column, trusted_column
from pycore.base.ffi import HashStream, current_backend, ffi, lib
from pycore.base.registry import HASHES, lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Cells = NDArray[np.int64]

PARENT, VALUE, START, END, NUMBER, FLAGS, FAULT, FIRST_CELL = (
    int(lib.PC_ROW_PARENT), int(lib.PC_ROW_VALUE), int(lib.PC_ROW_START), int(lib.PC_ROW_END), int(lib.PC_ROW_NUMBER),
    int(lib.PC_ROW_FLAGS), int(lib.PC_ROW_FAULT), int(lib.PC_ROW_CELLS),
)  # fmt: skip
KEPT = int(lib.PC_SCAN_KEPT)
OVERFLOW = int(lib.PC_SCAN_OVERFLOW)
UNKNOWN = int(lib.PC_SCAN_UNKNOWN)
BYTES, STRING, MESSAGE, UINT64, UINT32, INT32, BOOL, SINT32, SINT64, FIXED32, FIXED64 = range(11)
TWICE, TWO_OF_ONE = int(lib.PC_SCAN_TWICE), int(lib.PC_SCAN_TWO_OF_ONE)
REPEATED, PRESENCE, TAGGED, SINGLY = (
    int(lib.PC_SCAN_REPEATED), int(lib.PC_SCAN_PRESENCE), int(lib.PC_SCAN_TAGGED), int(lib.PC_SCAN_SINGLY),
)  # fmt: skip
MAX_TABLES, MAX_CELLS = int(lib.PC_SCAN_TABLES), int(lib.PC_SCAN_CELLS)
MAX_FIELDS, MAX_MESSAGES, MAX_DEPTH = int(lib.PC_SCAN_FIELDS), int(lib.PC_SCAN_MESSAGES), int(lib.PC_SCAN_DEPTH)
MAX_ONEOFS = 31

_SPANS = ffi.typeof("pc_spans *")
_PLAN = ffi.typeof("pc_scan_plan *")
_FIELDS = ffi.typeof("pc_scan_field[]")
_MESSAGES = ffi.typeof("pc_scan_message[]")
_WIDTHS = ffi.typeof("uint32_t[]")
_BYTES = ffi.typeof("uint8_t *")
_NUMBERS = ffi.typeof("int64_t *")
_ROWS = ffi.typeof("uint32_t *")
_TABLES = ffi.typeof("pc_scan_table[]")
_FAULT = ffi.typeof("pc_scan_fault *")
_SET = ffi.typeof("uint64_t[4]")
_NULL = ffi.NULL
_NUMBERS_COST = parallel.Cost(item_ns=500, byte_ns=0)
_KEY = secrets.token_bytes(272)  # of one process: nobody outside can aim pieces at one slot of a table


@dataclass(frozen=True, slots=True)
class Fault:
    """Where bytes are no message: code (``PC_SCAN_*``), record, offset in the data, numbers of the fields around it."""

    code: int
    record: int
    offset: int
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """n pieces of one run of bytes.

    Attributes:
        data: uint8 (size,), contiguous.
        cells: int64 (n, width), contiguous: rows of a table.
        column: piece i is ``data[cells[i, column]:cells[i, column + 1]]``; both cells are 0 where a field is absent.
    """

    data: NDArray[np.uint8]
    cells: Cells
    column: int = 0

    @classmethod
    def of(cls, data: NDArray[np.uint8], start: Cells, end: Cells) -> Spans:
        """The pieces between two columns of places."""
        cells = np.empty((len(start), 2), np.int64)
        cells[:, 0], cells[:, 1] = start, end
        return cls(data, cells)

    @classmethod
    def joined(cls, items: Sequence[bytes]) -> Spans:
        """Byte strings, copied one after another."""
        ends = np.cumsum(np.fromiter(map(len, items), np.int64, len(items)))
        starts = np.zeros_like(ends)
        starts[1:] = ends[:-1]
        return cls.of(np.frombuffer(b"".join(items), np.uint8), starts, ends)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: int) -> bytes:
        start, end = self.cells[index, self.column : self.column + 2].tolist()
        return self.data[start:end].tobytes()

    def items(self) -> list[bytes]:
        """The pieces as bytes, each copied."""
        data, places = self.data, self.cells[:, self.column : self.column + 2].tolist()
        return [data[start:end].tobytes() for start, end in places]

    @property
    def start(self) -> Cells:
        """int64 (n,): where each piece begins, a view."""
        return self.cells[:, self.column]

    @property
    def end(self) -> Cells:
        """int64 (n,): behind each piece, a view."""
        return self.cells[:, self.column + 1]

    @property
    def lengths(self) -> Cells:
        """int64 (n,): bytes of each piece."""
        return self.end - self.start

    @property
    def absent(self) -> NDArray[np.bool_]:
        """bool (n,): whether a record lacks the field. Content lies behind a tag, so it never begins at 0."""
        return np.equal(self.start, 0)

    def part(self, first: int, last: int) -> Spans:
        """Pieces first up to last, as a view."""
        return Spans(self.data, self.cells[first:last], self.column)

    def take(self, rows: NDArray[Any]) -> Spans:
        """These pieces; their places are copied, their bytes are not."""
        return Spans(self.data, self.cells[:, self.column : self.column + 2][rows])

    def gather(self, rows: NDArray[np.uint32] | None = None) -> Column:
        """The pieces, or those that `rows` name, one after another in a new column (one copy)."""
        n = len(self) if rows is None else len(rows)
        offsets = np.empty(n + 1, np.int64)
        at, chosen = ffi.from_buffer(_NUMBERS, offsets), _NULL if rows is None else ffi.from_buffer(_ROWS, rows)
        pieces = self.to_native()
        size = _checked(lib.pc_spans_gather(pieces, chosen, n, _NULL, at))
        out = np.empty(size, np.uint8)
        _checked(lib.pc_spans_gather(pieces, chosen, n, ffi.from_buffer(_BYTES, out), at))
        return trusted_column(out, offsets)

    def digest(self, hash: str) -> bytes:
        """The hash of the pieces one after another, which are not copied. hash: as in the registry."""
        row = lookup(HASHES, hash, "hash")
        stream = HashStream(current_backend(), row.id, row.digest_size)
        stream.absorb(self.to_native())
        return stream.digest()

    def group(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Which pieces are equal: (groups, firsts), uint32 (n,) and (number of groups,).

        Piece i is in group groups[i], groups are numbered as they first appear, and group g first appears at firsts[g].
        """
        n = len(self)
        slots = np.empty(1 << max(n + n // 2, 1).bit_length(), np.uint32)
        groups, firsts = np.empty(n, np.uint32), np.empty(n, np.uint32)
        to, first = ffi.from_buffer(_ROWS, groups), ffi.from_buffer(_ROWS, firsts)
        count = lib.pc_spans_group(self.to_native(), _KEY, ffi.from_buffer(_ROWS, slots), len(slots), to, first)
        return groups, firsts[: _checked(count)]

    def having(self, characters: bytes) -> NDArray[np.bool_]:
        """bool (n,): whether a piece has one of these bytes."""
        words = [sum(1 << (c & 63) for c in set(characters) if c >> 6 == w) for w in range(4)]
        marks = np.empty(len(self), np.bool_)
        _checked(lib.pc_spans_having(self.to_native(), ffi.new(_SET, words), ffi.from_buffer(_BYTES, marks)))
        return marks

    def equal(self, other: Spans | bytes) -> NDArray[np.bool_]:
        """bool (n,): whether a piece equals the other's piece, or these bytes."""
        if isinstance(other, bytes):
            other = Spans(np.frombuffer(other, np.uint8), np.array([[0, len(other)]], np.int64))
        marks = np.empty(len(self), np.bool_)
        _checked(lib.pc_spans_equal(self.to_native(), other.to_native(), ffi.from_buffer(_BYTES, marks)))
        return marks

    def decimals(
        self, literals: Sequence[bytes], width: int, threads: int | None = 1
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Texts that are fixed but for decimal numbers, such as ``{"X":12,"Y":34}``; literals: what stands before,
        between and behind the numbers.

        Returns the numbers, uint8 (n, numbers * width), big endian, and which pieces are such texts, with numbers that
        have no leading zeros and fit `width` bytes; the numbers of others are 0.
        """
        n, count = len(self), len(literals) - 1
        out, marks = np.empty((n, count * width), np.uint8), np.empty(n, np.bool_)
        ends = ffi.new(_WIDTHS, np.cumsum([len(literal) for literal in literals]).tolist())
        text, to, marked = b"".join(literals), ffi.from_buffer(_BYTES, out), ffi.from_buffer(_BYTES, marks)

        def work(first: int, last: int) -> None:
            at = to + first * count * width, marked + first
            _checked(lib.pc_spans_decimals(self.part(first, last).to_native(), text, ends, count, width, *at))

        parallel.run(work, n, threads, _NUMBERS_COST)
        return out, marks

    def to_native(self) -> Any:
        """The ``pc_spans``; points into these arrays: keep them alive while C reads."""
        n, width = self.cells.shape
        start = ffi.from_buffer(_NUMBERS, self.cells) + self.column
        return ffi.new(_SPANS, (ffi.from_buffer(_BYTES, self.data), self.data.size, start, start + 1, width, n))


@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """Pieces that are put together when they are needed. rows: uint32 (n,), which pieces, in which order."""

    pieces: Spans
    rows: NDArray[np.uint32]

    def slice(self, start: int, stop: int) -> Column:
        """Rows start up to stop in a new column."""
        return self.pieces.gather(self.rows[start:stop])

    def offsets(self) -> NDArray[np.int64]:
        """int64 (n + 1,): bytes before each row, and of all."""
        return running(self.pieces.lengths[self.rows])


def running(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 (n + 1,): the sum of the numbers before each, and of all.

    >>> running(np.array([3, 0, 2])).tolist()
    [0, 3, 3, 5]
    """
    found = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(numbers, out=found[1:])
    return found


@dataclass(frozen=True, slots=True)
class NativePlan:
    """A ``pc_scan_plan`` with the arrays that it points to, and the cells of a row of each table."""

    struct: Any
    widths: tuple[int, ...]
    arrays: tuple[Any, ...]


def native_plan(
    fields: Sequence[tuple[int, int, int, int, int, int, int]],
    messages: Sequence[tuple[int, int]],
    widths: Sequence[int],
) -> NativePlan:
    """A plan for C. fields: (number, kind, flags, message, table, cell, oneof); messages: (first field, how many)."""
    rows = ffi.new(_FIELDS, list(fields)), ffi.new(_MESSAGES, list(messages)), ffi.new(_WIDTHS, list(widths))
    struct = ffi.new(_PLAN, (*rows, len(fields), len(messages), len(widths)))
    return NativePlan(struct, tuple(widths), rows)


def scan(
    plan: NativePlan, records: Spans, tables: Sequence[Cells], most: Sequence[int], reader: str = "protobuf"
) -> tuple[int, list[int], Fault | None]:
    """Scans records into tables (int64 (capacity, width) each; table 0 has a row for each record).

    most    rows of each table that one record may have; one with more keeps none, and its row is flagged
    reader  "protobuf" | "go", protobuf as Go reads it | "tars"

    Returns how many records have a fault, the rows of each table (more than its capacity: those beyond were not
    written), and the first fault.
    """
    native = ffi.new(
        _TABLES, [(ffi.from_buffer(_NUMBERS, t), len(t), limit, 0) for t, limit in zip(tables, most, strict=True)]
    )
    fault = ffi.new(_FAULT)
    walk = {"protobuf": lib.pc_scan_records, "go": lib.pc_scan_go, "tars": lib.pc_scan_tars}[reader]
    faulty = _checked(walk(plan.struct, records.to_native(), native, fault))
    found = Fault(fault.code, fault.record, fault.offset, tuple(fault.path[0 : fault.depth])) if faulty else None
    return faulty, [table.rows for table in native], found


def cut(records: Spans, around: Sequence[int], field: int) -> Column:
    """Records of a table (`records.column` is START) without one of their fields, in a new column.

    around    first cells of the messages around the field, the outermost first
    field     first of the field's three cells
    """
    cells, data = records.cells, records.data
    n, width = cells.shape
    offsets = np.empty(n + 1, np.int64)
    out = np.empty(int(records.lengths.sum()), np.uint8)
    outer, to, at = ffi.new(_WIDTHS, list(around)), ffi.from_buffer(_BYTES, out), ffi.from_buffer(_NUMBERS, offsets)
    size = lib.pc_spans_cut(
        ffi.from_buffer(_BYTES, data), data.size, ffi.from_buffer(_NUMBERS, cells), width, n, outer, len(around), field,
        to, at,
    )  # fmt: skip
    return trusted_column(out[: _checked(size)], offsets)


def base58(
    rows: NDArray[np.uint8], digits: bytes, room: int, threads: int | None = 1
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Rows of C-contiguous uint8 (n, width), width at most 64, as numbers in base 58.

    digits: 58 letters; room: letters of a row of the result, at least 1.37 width.

    Returns the letters, uint8 (n, room), at the right end of each row, and where they begin, int64 (n,). Of leading
    zero bytes, for which a text would have a first digit each, nothing is told.
    """
    n, width = rows.shape
    out, starts = np.empty((n, room), np.uint8), np.empty(n, np.int64)
    numbers, to, at = ffi.from_buffer(_BYTES, rows), ffi.from_buffer(_BYTES, out), ffi.from_buffer(_NUMBERS, starts)

    def work(first: int, last: int) -> None:
        places = to + first * room, at + first
        _checked(lib.pc_base58(numbers + first * width, last - first, width, digits, room, *places))

    parallel.run(work, n, threads, _NUMBERS_COST)
    return out, starts


def _checked(code: int) -> int:
    """A result of C; a negative one is a mistake of the caller in this package."""
    if code < 0:
        raise RuntimeError(f"a plan, span or row that does not fit its data (code {code})")
    return int(code)
