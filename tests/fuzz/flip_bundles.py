"""Flips bits of the bundles in tests/vectors/bundles: none of them may still prove anything.

    python tests/fuzz/flip_bundles.py --all                    every bit of every file, some minutes
    python tests/fuzz/flip_bundles.py --seconds 10 --seed 1    bits at random

A bundle with a bit flipped is refused with an InputError that names a field, or its report is not `proven` and has no
facts. A flip that proves something is printed with file and bit, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from pycore import InputError, bundle
from pycore.bundle import Trusted

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "bundles"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.bundle")))
IRRELEVANT: dict[tuple[str, int], str] = {}
"""(file, bit) -> why it may be flipped. So far every bit of every bundle matters."""


@lru_cache(maxsize=4)
def load(name: str) -> tuple[bytes, Trusted]:
    """A file and the state that trusts it."""
    return (FOLDER / f"{name}.bundle").read_bytes(), bundle.read_trusted(FOLDER / f"{name}.trusted.json")


def flipped(data: bytes, bit: int) -> bytes:
    """The data with one bit changed; bit 0 is the lowest of the first byte."""
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def proves(data: bytes, trusted: Trusted) -> bool:
    """Whether anything is proven by bytes that somebody changed."""
    try:
        report = bundle.verify(data, trusted)
    except InputError:
        return False
    if not report.proven and (report.facts or report.certified_by):
        raise AssertionError("facts without a proof")
    return report.proven


def accepted(name: str, bits: Iterable[int]) -> list[int]:
    """The bits that may be flipped, of those that are tried, and that are not listed as irrelevant."""
    data, trusted = load(name)
    tried = (bit for bit in bits if (name, bit) not in IRRELEVANT)
    return [bit for bit in tried if proves(flipped(data, bit), trusted)]


def _random_bits(names: list[str], seconds: float, seed: int) -> Iterator[tuple[str, range]]:
    rng, end = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < end:
        name = rng.choice(names)
        start = rng.randrange(8 * len(load(name)[0]))
        yield name, range(start, start + 1)


def main() -> int:
    """The exit status: 1 where a flip proves something."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every bit of every file")
    parser.add_argument("--only", default="", help="of the files with this in their names")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    names = [name for name in NAMES if options.only in name]
    every = ((name, range(8 * len(load(name)[0]))) for name in names)
    tried, found = 0, 0
    for name, bits in every if options.all else _random_bits(names, options.seconds, seed):
        bad = accepted(name, bits)
        tried, found = tried + len(bits), found + len(bad)
        for bit in bad:
            print(f"{name}.bundle proves something with bit {bit & 7} of byte {bit >> 3} flipped")
        if options.all:
            print(f"{name}: {len(bits)} flips, {len(bad)} accepted", flush=True)
    print(f"{tried} flips, {found} accepted" + ("" if options.all else f", seed {seed}"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
