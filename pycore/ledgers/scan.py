"""Plans: which fields of a chain's messages become columns, and the tables that a scan fills.

A plan is made once, from a protobuf descriptor and two lists of names, so the .proto file stays the only place that
knows field numbers and types:

>>> from pycore._pb.ledgers.chainmaker.v1.transaction_pb2 import TxRWSet
>>> plan = Plan(TxRWSet.DESCRIPTOR, {"": "set", "tx_writes": "write"}, {"set": ["tx_id"], "write": ["key"]})
>>> data = TxRWSet(tx_id="a", tx_writes=[{"key": b"k"}, {"key": b"l"}]).SerializeToString()
>>> tables = plan.scan(Spans.joined([data]))
>>> tables.span("set", "tx_id")[0], list(tables.span("write", "key").gather())
(b'a', [b'k', b'l'])

The walk itself is in C (``csrc/wire/``); ``csrc/README.md`` shows how to add the messages of another chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.descriptors import is_repeated
from pycore.errors import InputError
from pycore.ledgers import ffi_scan as native
from pycore.ledgers.ffi_scan import (
    END,
    FAULT,
    FIRST_CELL,
    FLAGS,
    KEPT,
    NUMBER,
    OVERFLOW,
    PARENT,
    START,
    VALUE,
    Picked,
    Spans,
    running,
)

__all__ = [
    "END",
    "FAULT",
    "FIRST_CELL",
    "FLAGS",
    "KEPT",
    "NUMBER",
    "OVERFLOW",
    "PARENT",
    "START",
    "VALUE",
    "Picked",
    "Plan",
    "Spans",
    "Tables",
    "running",
]

_F = FieldDescriptor
_KINDS = {
    _F.TYPE_BYTES: native.BYTES,
    _F.TYPE_STRING: native.STRING,
    _F.TYPE_MESSAGE: native.MESSAGE,
    _F.TYPE_UINT64: native.UINT64,
    _F.TYPE_INT64: native.UINT64,
    _F.TYPE_UINT32: native.UINT32,
    _F.TYPE_INT32: native.INT32,
    _F.TYPE_ENUM: native.INT32,
    _F.TYPE_BOOL: native.BOOL,
    _F.TYPE_SINT32: native.SINT32,
    _F.TYPE_SINT64: native.SINT64,
    _F.TYPE_FIXED32: native.FIXED32,
    _F.TYPE_SFIXED32: native.FIXED32,
    _F.TYPE_FLOAT: native.FIXED32,
    _F.TYPE_FIXED64: native.FIXED64,
    _F.TYPE_SFIXED64: native.FIXED64,
    _F.TYPE_DOUBLE: native.FIXED64,
}
_REASONS = {
    1: "end early",
    2: "have a number or length of too many bytes",
    3: "have a tag that no field has",
    4: "have a group that does not end where it should",
    5: "are not UTF-8",
}
_NO_LIMIT = (1 << 63) - 1
_COST = parallel.Cost(item_ns=40, byte_ns=0)  # few pieces: each brings its own tables


@dataclass(slots=True)
class PlannedField:
    """A field of a message, as the plan reads it."""

    number: int
    kind: int
    flags: int
    oneof: int
    message: PlannedMessage | None = None
    table: str | None = None
    cell: int = -1


@dataclass(slots=True)
class PlannedMessage:
    """A message in the table that its fields' cells are in. Equal types at different places are different messages."""

    fields: list[PlannedField] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlannedPlace:
    """Where a message is met: its path from the record, the table that its fields' cells are in, its path from that
    table's row, whether that row may have several of it, and the messages around it."""

    path: str
    table: str
    inner: str
    shared: bool
    around: tuple[Descriptor | None, ...]


def _inside(at: PlannedPlace, f: FieldDescriptor, whole: str, local: str, own: str | None) -> PlannedPlace:
    """The place of the message in field f. Names what has to be taken as bytes."""
    kind, around = f.message_type, (*at.around, f.containing_type)
    assert kind is not None
    if kind in around:
        raise InputError("raw", f"no {whole!r}, a {kind.full_name} inside a {kind.full_name}", "this path among them")
    if kind.GetOptions().map_entry:
        raise InputError("raw", f"no {whole!r}, a map", "this path among them")
    if len(around) >= native.MAX_DEPTH:
        raise InputError("raw", f"no {whole!r}, more than {native.MAX_DEPTH} levels down", "this path among them")
    if own is not None:
        return PlannedPlace(whole, own, "", False, around)
    return PlannedPlace(whole, at.table, local, at.shared or is_repeated(f), around)


def _require_proto3(kind: Descriptor) -> None:
    """Other messages have groups, closed enumerations, required fields and unchecked strings, which plans lack."""
    file = FileDescriptorProto()
    kind.file.CopyToProto(file)
    if file.syntax != "proto3":
        raise InputError("message", f"{kind.full_name} of {file.syntax or 'proto2'}", "proto3")


class Plan:
    """The fields that are read of one message type.

    Attributes:
        names: the tables, the records' first.
    """

    _reader = "protobuf"  # which walk of ``csrc/wire/`` reads the records

    def __init__(
        self,
        message: Any,  # protobuf's descriptors have two types
        tables: Mapping[str, str],
        cells: Mapping[str, Sequence[str]],
        *,
        raw: Sequence[str] = (),
        most: Mapping[str, int] | None = None,
        reader: str = "protobuf",
    ) -> None:
        """Compiles a plan.

        tables   path of a field ("txs", "dag.vertexes") -> the table in which each occurrence is a row; "" is the
                 record. Several paths may share a table: NUMBER tells them apart.
        cells    table -> the fields, by their paths from its row, that become cells. One that ends in "!" also keeps
                 the place of its tag, which :meth:`Tables.cut` needs.
        raw      paths of messages that are taken as bytes and not looked into; maps, whose order a writer chooses, and
                 messages that contain themselves have to be among them
        most     table -> rows of it that one record may have
        reader   whose faults count: "protobuf", protobuf's own parser, or "go", the one in Go

        InputError: a path that leads nowhere, or to a cell that several occurrences would share; messages that are not
        proto3; more than the limits of ``csrc/pycore.h`` allow.
        """
        if reader != "protobuf":
            self._reader = reader
        self.names = tuple(dict.fromkeys(tables.values()))
        self._descriptor = message
        self._tables = dict(tables)
        self._wanted = {(table, path.rstrip("!")): path for table, paths in cells.items() for path in paths}
        self._raw = frozenset(raw)
        self._places: dict[tuple[str, str], int] = {}
        self._widths = dict.fromkeys(self.names, FIRST_CELL)
        self._most = [(most or {}).get(name, _NO_LIMIT) for name in self.names]
        self._nested = False  # whether a table hangs on another one than the records'
        order: list[PlannedMessage] = []
        self._seen = {""}
        self._visit(message, PlannedPlace("", tables[""], "", False, ()), order)
        self._check_names(most or {})
        self._native = self._compile(order[::-1])  # every message before those inside it

    def place(self, table: str, path: str) -> int:
        """First cell of a field in the rows of a table."""
        return self._places[table, path]

    def scan(
        self,
        records: Spans,
        *,
        room: Mapping[str, int] | None = None,
        limits: Mapping[str, int] | None = None,
        threads: int | None = 1,
    ) -> Tables:
        """Scans every record.

        room      rows to make room for in the tables below the records'; a table that needs more is scanned again
        limits    rows of a table that are kept at most; `counts` says how many there are
        threads   as in :mod:`pycore.base.parallel`; one is taken where tables hang on others than the records'
        """
        n = len(records)
        if not n:
            none = {name: self._rows(name, 0) for name in self.names}
            return Tables(self, records.data, none, dict.fromkeys(self.names, 0), 0, None)
        top = np.empty((n, self._widths[self.names[0]]), np.int64)
        if threads == 1 or n < 256 or self._nested:
            return self._scan_part(records, top, 0, room or {}, limits or {})
        bounds = parallel.cut(n, parallel.resolve_threads(threads), _COST)
        found: dict[int, Tables] = {}

        def work(first: int, last: int) -> None:
            share = {name: rows * (last - first) // n + 64 for name, rows in (room or {}).items()}
            found[first] = self._scan_part(records.part(first, last), top[first:last], first, share, limits or {})

        parallel.run_pieces(work, bounds, parallel.resolve_threads(threads))
        parts = [found[first] for first in sorted(found)]
        return parts[0] if len(parts) == 1 else self._joined(records.data, top, parts, limits or {})

    def where(self, path: Sequence[int]) -> str:
        """Names of the fields on a path of numbers."""
        names: list[str] = []
        message: Descriptor | None = self._descriptor
        for number in path:
            assert message is not None
            found = message.fields_by_number[number]
            names.append(found.name)
            message = found.message_type
        return ".".join(names)

    # ---- compiling ---------------------------------------------------------------------------------------------------

    def _visit(self, kind: Descriptor, at: PlannedPlace, order: list[PlannedMessage]) -> PlannedMessage:
        made = PlannedMessage()
        _require_proto3(kind)
        oneofs = [group.name for group in kind.oneofs if len(group.fields) > 1]
        if len(kind.fields) > native.MAX_FIELDS or len(oneofs) > native.MAX_ONEOFS:
            got = f"{len(kind.fields)} fields, {len(oneofs)} oneofs in {kind.full_name}"
            wanted = f"at most {native.MAX_FIELDS} and {native.MAX_ONEOFS}, or the message among `raw`"
            raise InputError("message", got, wanted)
        for f in sorted(kind.fields, key=lambda f: f.number):
            whole, local = f"{at.path}.{f.name}".lstrip("."), f"{at.inner}.{f.name}".lstrip(".")
            own, place = self._tables.get(whole), _KINDS[f.type]
            self._seen.add(whole)
            if place == native.MESSAGE and whole in self._raw:
                place = native.BYTES
            flags = (native.REPEATED if is_repeated(f) else 0) | (native.PRESENCE if f.has_presence else 0)
            if is_repeated(f) and place > native.MESSAGE and not f.is_packed:
                flags |= native.SINGLY
            group = f.containing_oneof.name if f.containing_oneof is not None else ""
            one = PlannedField(f.number, place, flags, 1 + oneofs.index(group) if group in oneofs else 0, table=own)
            self._nested |= own is not None and at.table != self.names[0]
            self._give_cells(one, at.table, local, at.shared or is_repeated(f))
            if place == native.MESSAGE:
                assert f.message_type is not None
                one.message = self._visit(f.message_type, _inside(at, f, whole, local, own), order)
            elif own is not None and place > native.MESSAGE:
                self._widths[own] = VALUE + 1
            made.fields.append(one)
        order.append(made)
        if len(order) > native.MAX_MESSAGES:
            raise InputError("message", f"more than {native.MAX_MESSAGES} messages", "some of them among `raw`")
        return made

    def _give_cells(self, one: PlannedField, table: str, local: str, shared: bool) -> None:
        path = self._wanted.get((table, local))
        if path is None:
            return
        if shared:
            raise InputError("cells", f"{table}: {local}, which may be there often", "a table for it or around it")
        size = 1 if one.kind > native.MESSAGE else 2
        if path.endswith("!"):
            one.flags |= native.TAGGED
            size = 3
        if (table, local) not in self._places:
            self._places[table, local] = self._widths[table]
            self._widths[table] += size
        one.cell = self._places[table, local]

    def _compile(self, order: list[PlannedMessage]) -> native.NativePlan:
        at = {id(message): i for i, message in enumerate(order)}
        fields: list[tuple[int, int, int, int, int, int, int]] = []
        messages = []
        for message in order:
            messages.append((len(fields), len(message.fields)))
            for f in message.fields:
                inside = at[id(f.message)] if f.message is not None else -1
                table = self.names.index(f.table) if f.table is not None else -1
                fields.append((f.number, f.kind, f.flags, inside, table, f.cell, f.oneof))
        wide = {name: width for name, width in self._widths.items() if width > native.MAX_CELLS}
        if wide or len(self.names) > native.MAX_TABLES:
            wanted = f"at most {native.MAX_TABLES} of at most {native.MAX_CELLS}"
            raise InputError("tables", f"{len(self.names)} tables, cells of a row: {self._widths}", wanted)
        return native.native_plan(fields, messages, [self._widths[name] for name in self.names])

    def _check_names(self, most: Mapping[str, int]) -> None:
        kind = self._descriptor.full_name
        lost = [f"{table}: {path}" for (table, path) in self._wanted if (table, path) not in self._places]
        for field_name, unknown, wanted in (
            ("cells", lost, f"fields of {kind}"),
            ("tables", sorted(set(self._tables) - self._seen), f"paths of fields of {kind}"),
            ("raw", sorted(self._raw - self._seen), f"paths of fields of {kind}"),
            ("most", sorted(set(most) - set(self.names)), "names of tables"),
        ):
            if unknown:
                raise InputError(field_name, ", ".join(unknown), wanted)

    # ---- scanning ----------------------------------------------------------------------------------------------------

    def _scan_part(
        self, records: Spans, top: NDArray[np.int64], first: int, room: Mapping[str, int], limits: Mapping[str, int]
    ) -> Tables:
        arrays = [top, *(self._rows(name, room.get(name, 0)) for name in self.names[1:])]
        faulty, counts, fault = native.scan(self._native, records, arrays, self._most, self._reader)
        sizes = [min(rows, limits.get(name, rows)) for name, rows in zip(self.names, counts, strict=True)]
        if any(size > len(array) for size, array in zip(sizes, arrays, strict=True)):
            arrays[1:] = [self._rows(name, size) for name, size in zip(self.names[1:], sizes[1:], strict=True)]
            faulty, counts, fault = native.scan(self._native, records, arrays, self._most, self._reader)
        kept = {name: array[:size] for name, array, size in zip(self.names, arrays, sizes, strict=True)}
        if first:
            top[:, PARENT] += first
            if fault is not None:
                fault = native.Fault(fault.code, fault.record + first, fault.offset, fault.path)
        return Tables(self, records.data, kept, dict(zip(self.names, counts, strict=True)), faulty, fault)

    def _rows(self, name: str, count: int) -> NDArray[np.int64]:
        return np.empty((count, self._widths[name]), np.int64)

    def _joined(
        self, data: NDArray[np.uint8], top: NDArray[np.int64], parts: Sequence[Tables], limits: Mapping[str, int]
    ) -> Tables:
        """The tables of neighbouring ranges of records as one; parents are counted from the first record on.

        Only plans whose tables hang on the records themselves are scanned in parts.
        """
        rows, counts, before = {self.names[0]: top}, {self.names[0]: len(top)}, 0
        for part in parts:
            for name in self.names[1:]:
                part.rows[name][:, PARENT] += before
            before += len(part.rows[self.names[0]])
        for name in self.names[1:]:
            counts[name] = sum(part.counts[name] for part in parts)
            whole = np.concatenate([part.rows[name] for part in parts])
            rows[name] = whole[: limits.get(name, len(whole))]
        faults = [part.fault for part in parts if part.fault is not None]
        return Tables(self, data, rows, counts, sum(part.faulty for part in parts), faults[0] if faults else None)


@dataclass(slots=True, eq=False)
class Tables:
    """The result of a scan.

    Attributes:
        plan, data: that were scanned.
        rows: table -> int64 (rows, cells).
        counts: table -> rows that there are; those beyond a limit were not kept.
        faulty: records that are no message.
        fault: the first of them.
    """

    plan: Plan
    data: NDArray[np.uint8]
    rows: dict[str, NDArray[np.int64]]
    counts: dict[str, int]
    faulty: int
    fault: native.Fault | None

    def __getitem__(self, table: str) -> NDArray[np.int64]:
        return self.rows[table]

    def number(self, table: str, path: str) -> NDArray[np.int64]:
        """int64 (rows,): a number of each row, 0 where it is absent; a view."""
        return self.rows[table][:, self.plan.place(table, path)]

    def span(self, table: str, path: str = "") -> Spans:
        """Where a field of each row stands; "" is the row's own content."""
        return Spans(self.data, self.rows[table], self.plan.place(table, path) if path else START)

    def tag(self, table: str, path: str) -> NDArray[np.int64]:
        """int64 (rows,): where the tag of a field ("!") stands, 0 where it is absent (or is the data's first byte); a
        view."""
        return self.rows[table][:, self.plan.place(table, path) + 2]

    def rewritten(self, table: str) -> NDArray[np.int64]:
        """Rows whose bytes a writer would have put otherwise."""
        return np.flatnonzero(self.rows[table][:, FLAGS] & ~KEPT)

    def cut(self, around: Sequence[str], path: str, first: int, last: int) -> Any:
        """Records first up to last without one of their numbers ("!"), which lies in these messages, as a column."""
        table, plan = self.plan.names[0], self.plan
        return native.cut(
            self.span(table).part(first, last), [plan.place(table, one) for one in around], plan.place(table, path)
        )

    def refusal(self, field_name: str, wanted: str, size: int) -> InputError:
        """The error for the first fault; `field_name` is what the records are called."""
        fault = self.fault
        assert fault is not None
        path = self.plan.where(fault.path)
        reason = _REASONS[fault.code]
        got = f"{size} bytes that {reason} at byte {fault.offset}" + (f", in {path}" if path else "")
        return InputError(field_name, got, wanted)
