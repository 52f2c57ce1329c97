"""Compares the reader of Tars in C with the oracle on mutated records.

    python tests/fuzz/fuzz_tars.py --seconds 10 --seed 1

A record is read where the oracle reads it, to the same values, with the same things found odd about its bytes; and one
with nothing odd is written again to the same bytes. A difference is printed with its bytes and ends the run with
status 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from oracle import tars as oracle

from pycore.ledgers.scan import FAULT, FLAGS, PARENT, VALUE
from pycore.ledgers.tars import Field, Spans, Struct, Tables, TarsPlan, encode

BATCH = 500
INNER = Struct("Inner", Field(1, "n", "long"), Field(2, "text", "string"), Field(15, "parts", "bytes", repeated=True))
OUTER = Struct(
    "Outer",
    Field(1, "flag", "byte"),
    Field(2, "small", "int"),
    Field(3, "big", "long"),
    Field(4, "name", "string"),
    Field(5, "data", "bytes"),
    Field(6, "one", INNER),
    Field(7, "many", INNER, repeated=True),
    Field(8, "numbers", "long", repeated=True),
    Field(9, "must", "int", required=True),
    Field(200, "far", "unsigned int"),
)
PLAN = TarsPlan(
    OUTER,
    {"": "outer", "many": "inner", "many.parts": "part", "numbers": "number"},
    {
        "outer": ["flag", "small", "big", "name", "data", "one", "one.n", "one.text", "must", "far"],
        "inner": ["n", "text"],
    },
)
ODD = {"unordered": 1, "not minimal": 2, "default": 4, "twice": 8, "unknown": 128}
TOO_WIDE = 32
NUMBERS = (0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32769, (1 << 31) - 1, 1 << 31, -(1 << 31) - 1, (1 << 63) - 1)


class DifferenceError(AssertionError):
    """Two readers do not agree."""


def inner(rng: random.Random) -> dict[str, Any]:
    """Values of an inner struct."""
    parts = [rng.randbytes(rng.choice((0, 1, 32))) for _ in range(rng.choice((0, 0, 1, 3)))]
    return {"n": rng.choice(NUMBERS), "text": rng.randbytes(rng.choice((0, 3, 255, 256))), "parts": parts}


def make(rng: random.Random) -> bytes:
    """A record with some of the fields."""
    small = [n for n in NUMBERS if -(1 << 31) <= n < 1 << 31]
    values: dict[str, Any] = {
        "flag": rng.choice((0, 1, -128, 127)), "small": rng.choice(small), "big": rng.choice(NUMBERS),
        "name": rng.randbytes(rng.choice((0, 1, 255, 256, 300))), "data": rng.randbytes(rng.choice((0, 1, 128, 300))),
        "one": inner(rng), "many": [inner(rng) for _ in range(rng.choice((0, 1, 2, 4)))],
        "numbers": [rng.choice(NUMBERS) for _ in range(rng.choice((0, 1, 5)))], "must": rng.choice(small),
        "far": rng.choice((0, 1, (1 << 32) - 1)),
    }  # fmt: skip
    return encode(OUTER, {name: value for name, value in values.items() if rng.random() < 0.8})


def mutated(rng: random.Random, data: bytes) -> bytes:
    """One small change."""
    out, kind = bytearray(data), rng.randrange(7)
    at = rng.randrange(len(out))
    if kind == 0:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        out[at] = rng.randrange(256)
    elif kind == 2:
        out.insert(at, rng.randrange(256))
    elif kind == 3:
        del out[at]
    elif kind == 4:
        return bytes(out[:at])
    elif kind == 5:  # in front or behind, where a field may stand
        field = rng.choice((b"\xfc\x63", b"\xfa\x63\x1c\x0b", b"\xf9\x63\x00\x02\x0c\x0c",
                            b"\xf8\x63\x00\x01\x0c\x06\x00", b"\x1c", b"\x20\x00", b"\x46\x00",
                            b"\x47\x00\x00\x00\x01a", b"\xf4\x63\x00\x00\x00\x00",
                            b"\xfc\x01", b"\x9c", b"\xf9\x63" + b"\x00\x01\x09" * 40))  # fmt: skip
        return bytes(field + out) if rng.random() < 0.5 else bytes(out + field)
    else:
        out[at:at] = rng.choice((b"\x0b", b"\x7c", b"\x89\x0c", b"\x6a\x0b", b"\x03" + b"\xff" * 8))
    return bytes(out)


def by_columns(records: list[bytes]) -> list[tuple[dict[str, Any], int] | None]:
    """The values of each record and its flags; None where it has a fault."""
    tables = PLAN.scan(Spans.joined(records))
    return [None if row[FAULT] else (_values(tables, i), int(row[FLAGS])) for i, row in enumerate(tables["outer"])]


def _values(tables: Tables, row: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("flag", "small", "big", "must", "far", "one.n"):
        found[name] = int(tables.number("outer", name)[row])
    for name in ("name", "data", "one.text"):
        found[name] = tables.span("outer", name)[row]
    numbers = tables["number"]
    found["numbers"] = numbers[numbers[:, PARENT] == row][:, VALUE].tolist()
    found["many"] = []
    for at in np.flatnonzero(tables["inner"][:, PARENT] == row).tolist():
        parts = [tables.span("part")[i] for i in np.flatnonzero(tables["part"][:, PARENT] == at).tolist()]
        n, text = int(tables.number("inner", "n")[at]), tables.span("inner", "text")[at]
        found["many"].append({"n": n, "text": text, "parts": parts})
    return found


def wanted(record: bytes) -> tuple[dict[str, Any], int, dict[str, Any]] | None:
    """The same by the oracle, and the values as they were read."""
    try:
        values, odd = oracle.decode(OUTER, record)
    except oracle.BadRecordError:
        return None
    empty = {"n": 0, "text": b"", "parts": []}
    one = empty | values.get("one", {})
    found = {name: values.get(name, 0) for name in ("flag", "small", "big", "must", "far")}
    found |= {"one.n": one["n"], "one.text": one["text"]}
    found |= {name: values.get(name, b"") for name in ("name", "data")}
    found |= {"numbers": values.get("numbers", []), "many": [empty | each for each in values.get("many", [])]}
    flags = sum(ODD[name] for name in odd)
    return found, flags | (0 if 0 <= found["far"] < 1 << 32 else TOO_WIDE), values


def compare(records: list[bytes], counts: Counter[str]) -> None:
    """Raises DifferenceError where the readers differ."""
    for record, found in zip(records, by_columns(records), strict=True):
        right = wanted(record)
        if (found is None) != (right is None):
            raise DifferenceError(f"{record.hex()}: columns {found}, oracle {right}")
        if found is None or right is None:
            counts["refused"] += 1
            continue
        counts["odd" if right[1] else "read"] += 1
        if found[1] != right[1] or (not right[1] & ODD["twice"] and found[0] != right[0]):
            raise DifferenceError(f"{record.hex()}: columns {found}, oracle {right}")
        if not right[1] and encode(OUTER, right[2]) != record and "must" in right[2]:
            raise DifferenceError(f"{record.hex()}: written to other bytes")


def run(count: int, seed: int, seconds: float | None = None) -> Counter[str]:
    """That many records; how many were read, odd and refused."""
    rng, counts = random.Random(seed), Counter[str]()
    end = None if seconds is None else time.monotonic() + seconds
    while sum(counts.values()) < count and (end is None or time.monotonic() < end):
        batch = [make(rng) for _ in range(min(BATCH, count - sum(counts.values())))]
        for _ in range(2):
            batch = [mutated(rng, one) if one and rng.random() < 0.5 else one for one in batch]
        compare(batch, counts)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--records", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        counts = run(arguments.records, arguments.seed, arguments.seconds)
    except DifferenceError as difference:
        print(f"seed {arguments.seed}: {difference}", file=sys.stderr)
        return 1
    print(f"Tars: {dict(counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
