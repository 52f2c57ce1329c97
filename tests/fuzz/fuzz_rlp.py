"""Compares the readers of RLP - columns in C, records in Python - with the oracle on mutated records.

    python tests/fuzz/fuzz_rlp.py --seconds 10 --seed 1

A record is read where the oracle finds its bytes canonical, to the same items, by both. A difference is printed with
its bytes and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from oracle import rlp as oracle
from oracle.trie import Item, rlp

from pycore.base import rlp as records
from pycore.errors import InputError
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.rlp_columns import Items

BATCH = 500


class DifferenceError(AssertionError):
    """Two readers do not agree."""


def make(rng: random.Random, depth: int = 3) -> Item:
    """Any item, with lengths about the steps of the encoding."""
    if depth and rng.random() < 0.5:
        return [make(rng, depth - 1) for _ in range(rng.choice((0, 1, 2, 3, 5)))]
    size = rng.choice((0, 1, 1, 1, 2, 20, 32, 54, 55, 56, 57, 255, 256, 300))
    return rng.randbytes(size)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """One small change, mostly at a header."""
    out, kind = bytearray(data), rng.randrange(6)
    at = rng.randrange(len(out))
    if kind == 0:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        out[at] = rng.choice((0x00, 0x7F, 0x80, 0x81, 0xB7, 0xB8, 0xBF, 0xC0, 0xC1, 0xF7, 0xF8, 0xFF))
    elif kind == 2:
        out.insert(at, rng.randrange(256))
    elif kind == 3:
        del out[at]
    elif kind == 4:
        return bytes(out[:at])
    else:
        out[at:at] = rng.choice((b"\x81\x05", b"\xb8\x01\xff", b"\xf8\x00", b"\xb9\x00\x38"))
    return bytes(out)


def by_columns(pieces: Spans, depth: int) -> list[list[Item] | None]:
    """The items of each piece, one level after another; None where it or a list in it is not sound."""
    items = Items.of(pieces, most=1 << 20)
    contents = items.spans.items()
    found: list[Item | None] = list(contents)
    inner = [i for i, is_list in enumerate(items.lists.tolist()) if is_list]
    if inner and depth:
        below = by_columns(items.spans.take(np.array(inner)), depth - 1)
        for i, one in zip(inner, below, strict=True):
            found[i] = one
    answer: list[list[Item] | None] = []
    for i, fault in enumerate(items.faults.tolist()):
        mine = found[int(items.firsts[i]) : int(items.firsts[i + 1])]
        whole = [one for one in mine if one is not None]
        answer.append(None if fault or len(whole) < len(mine) else whole)
    return answer


def run(count: int, seed: int, seconds: float | None = None) -> Counter[str]:
    """That many records; how many were read and refused."""
    rng, counts = random.Random(seed), Counter[str]()
    end = None if seconds is None else time.monotonic() + seconds
    while sum(counts.values()) < count and (end is None or time.monotonic() < end):
        batch = [rlp(make(rng)) for _ in range(min(BATCH, count - sum(counts.values())))]
        for _ in range(2):
            batch = [mutated(rng, one) if one and rng.random() < 0.5 else one for one in batch]
        columns = by_columns(Spans.joined(batch), 15)
        for data, items in zip(batch, columns, strict=True):
            wanted = oracle.read(data)
            found = items[0] if items is not None and len(items) == 1 else None
            try:
                single: Item | None = records.decode(data)
            except InputError:
                single = None
            if found != wanted or single != wanted:
                raise DifferenceError(f"{data.hex()}: columns {found}, record {single}, wanted {wanted}")
            if wanted is not None and records.encode(wanted) != data:  # type: ignore[arg-type]
                raise DifferenceError(f"{data.hex()}: written to other bytes")
            counts["refused" if wanted is None else "read"] += 1
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
    print(f"RLP: {dict(counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
