"""Measures what hostile records cost the scanner of csrc/wire: nanoseconds for a byte of input, by shape.

    python tools/measure_scan.py [--size 262144] [--rounds 7]

The message has 64 fields, so that a field is found as slowly as it may be, and messages lie 15 deep. The first figure
is a walk that keeps no rows; the second keeps all, in memory that is new to the process, and is followed by the bytes
of rows for a byte of input: rows are what costs then, and their number is the caller's to bound (`limits`, `most`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from pycore.ledgers.scan import Plan, Spans

_F = descriptor_pb2.FieldDescriptorProto
DEPTH = 15


def make_plan() -> Plan:
    """Fields 1: a row each, 2: packed numbers, 3: the next message down, 4: text, from 5 on: numbers."""
    file = descriptor_pb2.FileDescriptorProto(name="cost.proto", package="cost", syntax="proto3")
    for level in range(DEPTH + 1):
        made = file.message_type.add(name=f"M{level}")
        made.field.add(name="rows", number=1, label=_F.LABEL_REPEATED, type=_F.TYPE_BYTES)
        made.field.add(name="packed", number=2, label=_F.LABEL_REPEATED, type=_F.TYPE_UINT32)
        if level < DEPTH:
            name = f".cost.M{level + 1}"
            made.field.add(name="down", number=3, label=_F.LABEL_OPTIONAL, type=_F.TYPE_MESSAGE, type_name=name)
        made.field.add(name="text", number=4, label=_F.LABEL_REPEATED, type=_F.TYPE_STRING)
        for number in range(5, 65):
            made.field.add(name=f"n{number}", number=number, label=_F.LABEL_OPTIONAL, type=_F.TYPE_UINT64)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    cells = {"record": [f"n{number}" for number in range(5, 31)]}
    return Plan(pool.FindMessageTypeByName("cost.M0"), {"": "record", "rows": "row", "packed": "number"}, cells)


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def long(tag: int, content: bytes) -> bytes:
    """One field of many bytes."""
    return bytes([tag]) + varint(len(content)) + content


def shapes(size: int) -> dict[str, list[bytes]]:
    """Records by name, about `size` bytes together."""

    def again(piece: bytes) -> list[bytes]:
        return [piece * (size // len(piece))]

    nested = b""
    for _ in range(DEPTH):
        nested = long(0x1A, nested)
    mixed = b"".join(varint((7 * k % 60 + 5) << 3) + b"\x05" for k in range(60))
    return {
        "two-byte records": [b"\x28\x05"] * (size // 2),
        "one-byte records that are no message": [b"\x00"] * size,
        "rows of two bytes": again(b"\x0a\x00"),
        "packed numbers of one byte": [long(0x12, b"\x05" * size)],
        "numbers of one byte, unpacked": again(b"\x10\x05"),
        "one field again and again": again(b"\x28\x05"),
        "the last field and the first by turns": again(b"\x80\x04\x05\x28\x05"),
        "fields in another order than their numbers": again(mixed),
        "empty messages": again(b"\x1a\x00"),
        "messages 15 deep": again(nested),
        "unknown groups": again(b"\xfb\x04\xfc\x04"),
        "unknown groups 100 deep": again(b"\xfb\x04" * 100 + b"\xfc\x04" * 100),
        "known numbers as groups": again(b"\x2b\x2c"),
        "unknown fields, numbers of two bytes": again(b"\x88\x04\x05"),
        "unknown fields, the highest number": again(b"\xf8\xff\xff\xff\x0f\x05"),
        "known numbers, wrong wire type": again(b"\x20\x05"),
        "numbers in ten bytes": again(b"\x28" + b"\x80" * 9 + b"\x00"),
        "empty texts": again(b"\x22\x00"),
        "text of three-byte characters, wrong at its end": [long(0x22, b"\xe4\xb8\xad" * (size // 3) + b"\xff")],
        "text of two-byte characters": [long(0x22, b"\xc3\xa9" * (size // 2))],
    }


def best(call: Callable[[], Any], rounds: int) -> float:
    """Nanoseconds of the quickest round."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1 << 18)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    plan = make_plan()
    print(f"{'input':50} {'ns/byte':>8} {'kept':>8} {'rows':>6}")
    for name, records in shapes(arguments.size).items():
        spans = Spans.joined(records)
        size = spans.data.size
        none = dict.fromkeys(plan.names[1:], 0)
        walk = best(lambda spans=spans, none=none: plan.scan(spans, limits=none), arguments.rounds) / size
        room = plan.scan(spans, limits=none).counts
        kept = best(lambda spans=spans, room=room: plan.scan(spans, room=room), arguments.rounds) / size
        rows = sum(table.nbytes for table in plan.scan(spans, room=room).rows.values()) / size
        print(f"{name:50} {walk:8.1f} {kept:8.1f} {rows:6.0f}")


if __name__ == "__main__":
    main()
