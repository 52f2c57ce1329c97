"""Compares the scanner of protobuf records (``csrc/wire``) with protobuf's own parser on mutated records.

    python tests/fuzz/fuzz_scan.py --seconds 10 --seed 1
    python tests/fuzz/fuzz_scan.py --records 10000000 --vectors ../shared/vectors

For every record:

* the scanner finds a fault exactly where ``ParseFromString`` refuses;
* a record without flags (but KEPT) is written again to its own bytes, and one with others to different bytes;
* every cell and row is what was parsed, unless the record has TWICE or TWO_OF_ONE;
* what protobuf writes for a flagged record is scanned without flags, and its cells are what was parsed;
* a record with a field cut out is what protobuf writes after ``ClearField``;
* UNKNOWN is set exactly where there are unknown fields.

A difference is printed with its case, seed and bytes, and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import BytesValue

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scan_cases import Case, Mutator, Node, make_cases

from pycore.base.descriptors import is_repeated
from pycore.ledgers import ffi_scan
from pycore.ledgers.scan import END, FAULT, FLAGS, KEPT, NUMBER, PARENT, START, VALUE, Plan, Spans, Tables

UNUSABLE = ffi_scan.TWICE | ffi_scan.TWO_OF_ONE
LONG_NUMBER = int(ffi_scan.lib.PC_SCAN_LONG_NUMBER)
BATCH = 1000


def _takes_long_lengths() -> bool:
    """Whether this protobuf reads a length of six bytes: those before 7 do."""
    try:
        return BytesValue.FromString(bytes.fromhex("0a8180808080007f")).value == b"\x7f"
    except DecodeError:
        return False


LONG_LENGTHS = _takes_long_lengths()


class DifferenceError(AssertionError):
    """The scanner and protobuf do not agree."""


# ---- what a record says: by protobuf, and by the tables --------------------------------------------------------------


def _bits(f: FieldDescriptor) -> Callable[[Any], int]:
    """From a parsed number to what its cell holds."""
    if f.type == f.TYPE_FLOAT:
        return lambda v: struct.unpack("<I", struct.pack("<f", v))[0]
    if f.type == f.TYPE_DOUBLE:
        return lambda v: struct.unpack("<q", struct.pack("<d", v))[0]
    if f.type == f.TYPE_SFIXED32:
        return lambda v: v & 0xFFFFFFFF
    if f.cpp_type == f.CPPTYPE_UINT64:
        return lambda v: v - (1 << 64) if v >> 63 else v
    return int


def _quiet(bits: int) -> int:
    """A float's bits, every NaN the same: Python keeps floats as doubles, which loses the kind of a NaN."""
    return 0x7FC00000 if bits & 0x7FFFFFFF > 0x7F800000 else bits


class Leaf:
    """A field by its path from a message: how its value reads by protobuf, and from the cells of a row."""

    def __init__(self, kind: Any, path: str, place: int = 0) -> None:
        self.around, self.tagged, self.place = path.rstrip("!").split("."), path.endswith("!"), place
        self.name = self.around.pop()
        for name in self.around:
            kind = kind.fields_by_name[name].message_type
        self.field: FieldDescriptor = kind.fields_by_name[self.name]
        f = self.field
        self.message = f.message_type is not None
        self.wide = self.message or f.type in (f.TYPE_BYTES, f.TYPE_STRING)
        self.bits = _bits(f)
        self.clean: Callable[[int], int] = _quiet if f.type == f.TYPE_FLOAT else int
        self.absent: Any = False if self.message else b"" if self.wide else (0, False) if self.tagged else 0

    def value(self, value: Any) -> Any:
        """A value of the field, single or one of many."""
        if self.wide:
            return value.encode() if isinstance(value, str) else value
        return self.clean(self.bits(value))

    def get(self, message: Any) -> Any:
        """The field of a parsed message; None where it, or a message around it, is absent."""
        for name in self.around:
            if not message.HasField(name):
                return None
            message = getattr(message, name)
        if self.field.has_presence and not message.HasField(self.name):
            return None
        return getattr(message, self.name)

    def wanted(self, message: Any) -> Any:
        """The value that the cells should have."""
        got = self.get(message)
        if got is None:
            return self.absent
        if self.message:
            return True
        value = self.value(got)
        return (value, self.field.has_presence or value != 0) if self.tagged and not self.wide else value

    def found(self, data: bytes, row: list[int]) -> Any:
        """The value that they have. A zero that a writer leaves out counts as absent, as it does once parsed."""
        first = row[self.place]
        if self.message:
            return first > 0
        if self.wide:
            return data[first : row[self.place + 1]]
        value = self.clean(first)
        present = row[self.place + 1] > 0 and (self.field.has_presence or value != 0) if self.tagged else False
        return (value, present) if self.tagged else value


class Read:
    """The tables of a scan as lists, with the rows below each row."""

    def __init__(self, tables: Tables) -> None:
        self.data = tables.data.tobytes()
        self.rows = {name: tables[name].tolist() for name in tables.plan.names}
        self.below: dict[str, dict[tuple[int, int], list[int]]] = {}
        for name in tables.plan.names[1:]:
            found = self.below[name] = {}
            narrow = tables[name].shape[1] == VALUE + 1
            for i, row in enumerate(self.rows[name]):
                found.setdefault((row[PARENT], 0 if narrow else row[NUMBER]), []).append(i)


class Reader:
    """Rows of one table, and of those below it: by protobuf, and by the scan."""

    def __init__(self, case: Case, plan: Plan, kind: Any, path: str) -> None:
        table = case.tables[path]
        self.cells = [Leaf(kind, one, plan.place(table, one.rstrip("!"))) for one in case.cells.get(table, [])]
        self.children: list[tuple[str, Leaf, Reader | None]] = []
        start = f"{path}." if path else ""
        inside = [one for one in case.tables if one.startswith(start) and one != path]
        for below in inside:
            if any(below.startswith(f"{other}.") for other in inside):
                continue  # a table of a table
            leaf = Leaf(kind, below[len(start) :])
            reader = Reader(case, plan, leaf.field.message_type, below) if leaf.message else None
            self.children.append((case.tables[below], leaf, reader))

    def wanted(self, message: Any) -> list[Any]:
        """By protobuf."""
        out = [leaf.wanted(message) for leaf in self.cells]
        for _, leaf, reader in self.children:
            got = leaf.get(message)
            values = [] if got is None else got if is_repeated(leaf.field) else [got]
            out.append([reader.wanted(value) if reader else leaf.value(value) for value in values])
        return out

    def found(self, read: Read, row: list[int], index: int) -> list[Any]:
        """By the tables."""
        out = [leaf.found(read.data, row) for leaf in self.cells]
        for table, leaf, reader in self.children:
            rows, values = read.rows[table], []
            for i in read.below[table].get((index, leaf.field.number if leaf.wide else 0), ()):
                if reader:
                    values.append(reader.found(read, rows[i], i))
                else:
                    values.append(read.data[rows[i][START] : rows[i][END]] if leaf.wide else leaf.clean(rows[i][VALUE]))
            out.append(values)
        return out


# ---- the comparison --------------------------------------------------------------------------------------------------


class Checker:
    """Compares batches of one case's mutated records."""

    def __init__(self, case: Case, others: list[list[Node]], rng: random.Random) -> None:
        self.case, self.rng = case, rng
        self.plan = Plan(case.kind.DESCRIPTOR, case.tables, case.cells)
        self.top = self.plan.names[0]
        self.reader = Reader(case, self.plan, case.kind.DESCRIPTOR, "")
        self.mutator = Mutator(case, others, rng)
        self.counts: Counter[str] = Counter()

    def scan(self, records: list[bytes]) -> Tables:
        room = {name: self.rng.choice((0, 1, len(records), 8 * len(records))) for name in self.plan.names[1:]}
        return self.plan.scan(Spans.joined(records), room=room)

    def batch(self, count: int) -> None:
        """That many mutated records."""
        records = [self.mutator.one() for _ in range(count)]
        messages = [self.parse(data) for data in records]
        tables = self.scan(records)
        faults, flags = tables[self.top][:, FAULT].tolist(), tables[self.top][:, FLAGS].tolist()
        read = Read(tables)
        clean: list[int] = []
        again: list[tuple[int, bytes]] = []
        for i, (data, message) in enumerate(zip(records, messages, strict=True)):
            if LONG_LENGTHS and faults[i] == LONG_NUMBER:  # the scanner reads as the newest protobuf does
                message = None
            if (message is None) != bool(faults[i]):
                self.fail("accepted by one, refused by the other", data, f"fault {faults[i]}")
            if message is None:
                self.counts["refused"] += 1
                continue
            written = message.SerializeToString()
            if (written == data) != (not flags[i] & ~KEPT):
                self.fail("written again to other bytes than the flags say", data, f"flags {flags[i]}")
            if flags[i] & ~KEPT:
                again.append((i, written))
            else:
                clean.append(i)
            if not flags[i] & UNUSABLE:
                self.compare(read, i, data, message)
        self.check_faults(tables, faults)
        self.counts["kept"] += len(clean)
        self.counts["written again"] += len(again)
        self.check_written(again, messages)
        self.check_cut(tables, clean, messages, records)

    def parse(self, data: bytes) -> Any:
        try:
            return self.case.kind.FromString(data)
        except DecodeError:
            return None

    def compare(self, read: Read, index: int, data: bytes, message: Any) -> None:
        found = self.reader.found(read, read.rows[self.top][index], index)
        wanted = self.reader.wanted(message)
        if found != wanted:
            self.fail("other cells", data, f"{found}, wanted {wanted}")

    def check_faults(self, tables: Tables, faults: list[int]) -> None:
        """The fault that is told is the first one, and lies in its record."""
        bad = [i for i, code in enumerate(faults) if code]
        assert tables.faulty == len(bad)
        if not bad:
            assert tables.fault is None
            return
        fault, row = tables.fault, tables[self.top][bad[0]]
        assert fault is not None
        assert (fault.record, fault.code) == (bad[0], faults[bad[0]])
        assert row[START] <= fault.offset <= row[END]
        tables.refusal("record", "a message", int(row[END] - row[START]))

    def check_written(self, again: list[tuple[int, bytes]], messages: list[Any]) -> None:
        """What protobuf writes for a record has no flags, and the cells are what was parsed."""
        tables = self.scan([data for _, data in again])
        read = Read(tables)
        for index, (i, data) in enumerate(again):
            row = tables[self.top][index]
            if row[FAULT] or row[FLAGS] & ~KEPT:
                self.fail("what protobuf wrote is flagged", data, f"flags {row[FLAGS]}, fault {row[FAULT]}")
            self.compare(read, index, data, messages[i])

    def check_cut(self, tables: Tables, clean: list[int], messages: list[Any], records: list[bytes]) -> None:
        """Records without a field, and without unknown ones."""
        if not self.case.cut or not clean:
            return
        rows, place = Spans(tables.data, tables[self.top][np.array(clean)], START), self.plan.place
        around = [place(self.top, one) for one in self.case.around]
        column = ffi_scan.cut(rows, around, place(self.top, self.case.cut))
        leaf = Leaf(self.case.kind.DESCRIPTOR, self.case.cut)
        for i, short, flags in zip(clean, column, rows.cells[:, FLAGS], strict=True):
            message = messages[i]
            if leaf.get(message) is not None:
                inside = message
                for name in leaf.around:
                    inside = getattr(inside, name)
                inside.ClearField(leaf.name)
            if bytes(short) != message.SerializeToString():
                self.fail("cut to other bytes", records[i], bytes(short).hex())
            message.DiscardUnknownFields()
            if bool(flags & ffi_scan.UNKNOWN) != (message.SerializeToString() != bytes(short)):
                self.fail("unknown fields are not told", records[i], "")

    def fail(self, what: str, data: bytes, more: str) -> None:
        raise DifferenceError(f"{self.case.name}: {what}: {data.hex()} ({more})")


def run(records: int, seed: int, seconds: float | None = None, vectors: Path | None = None) -> Counter[str]:
    """Mutated records of every case, by turns; how many were refused, kept as they are and written again."""
    rng = random.Random(seed)
    others: list[list[Node]] = []
    checkers = [Checker(case, others, rng) for case in make_cases(seed, vectors)]
    end = None if seconds is None else time.monotonic() + seconds
    done = 0
    while done < records and (end is None or time.monotonic() < end):
        count = min(BATCH, records - done, max(1, records // len(checkers)))
        rng.choice(checkers).batch(count)
        done += count
    return sum((checker.counts for checker in checkers), Counter())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--records", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--vectors", type=Path, help="a folder of published vectors: its real blocks are mutated as well"
    )
    arguments = parser.parse_args()
    begin = time.monotonic()
    try:
        counts = run(arguments.records, arguments.seed, arguments.seconds, arguments.vectors)
    except DifferenceError as difference:
        print(f"seed {arguments.seed}: {difference}", file=sys.stderr)
        return 1
    print(f"scanner: {sum(counts.values())} records in {time.monotonic() - begin:.0f} s, {dict(counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
