"""Changes the bundles in tests/vectors/bundles: none of them may still prove anything.

    python tests/fuzz/flip_bundles.py --all                    every bit of every file, some minutes
    python tests/fuzz/flip_bundles.py --seconds 10 --seed 1    bits, bytes, fields and parts of others at random

A bundle that was changed is refused with an InputError that names a field, or its report is not `proven` and has no
facts. A change that proves something is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pycore import InputError, bundle
from pycore.bundle import Trusted

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "bundles"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.bundle")))
IRRELEVANT: dict[tuple[str, int], str] = {}
"""(file, bit) -> why it may be flipped. So far every bit of every bundle matters."""


@lru_cache(maxsize=64)
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


def mutated(name: str, rng: random.Random) -> bytes:
    """A file with a random change of bytes, or of the fields in its JSON form."""
    data = bytearray(load(name)[0])
    other = load(rng.choice(NAMES))[0]
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 2, 4, 32, 200)))
    kind = rng.randrange(6)
    if kind == 0:
        data[start] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[start:end]
    elif kind == 2:
        data[start:start] = rng.choice((b"\0", bytes(data[start:end]), rng.randbytes(end - start)))
    elif kind == 3:
        at = rng.randrange(len(other))
        data[start:end] = other[at : at + end - start]
    elif kind == 4:
        data[start:end] = bytes(end - start)
    else:
        return _other_fields(bytes(data), other, rng)
    return bytes(data)


def _other_fields(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The JSON form with one of its parts taken from another bundle, or with another number."""
    document, donor = bundle.to_dict(bundle.from_bytes(data)), bundle.to_dict(bundle.from_bytes(other))
    name = rng.choice([*document])
    part = document[name]
    if isinstance(part, dict):
        inner = rng.choice([*part])
        number = isinstance(part[inner], int)
        part[inner] = rng.choice((0, 1, part[inner] + 1, 1 << 31)) if number else donor[name][inner]
    elif isinstance(part, list):
        part[rng.randrange(len(part))] = rng.choice(donor[name])
        if rng.random() < 0.5:
            part.append(part[0])
    else:
        document[name] = donor[name]
    return json.dumps(document).encode()


def accepts(data: bytes, name: str) -> bool:
    """Whether changed bytes prove anything to those who trust the state of `name`, unless they are a bundle that was
    made for that very state, or another claim about the item of one, which is as true: its second event."""
    trusted = load(name)[1]
    if not proves(data, trusted):
        return False
    made = bundle.read(data)
    for sound in (bundle.from_bytes(load(one)[0]) for one in NAMES if load(one)[1] == trusted):
        claim = dataclasses.replace(sound.statement, item=made.statement.item)
        if dataclasses.replace(made, statement=claim) == sound:
            return False
    return True


def at_random(names: list[str], seconds: float, seed: int) -> tuple[int, int]:
    """How many changes were tried, and how many of them were accepted."""
    rng, end = random.Random(seed), time.monotonic() + seconds
    tried = found = 0
    while time.monotonic() < end:
        name = rng.choice(names)
        data = mutated(name, rng)
        tried += 1
        if accepts(data, name):
            found += 1
            file = Path(f"fuzz-bundle-{seed}-{tried}.bin")
            file.write_bytes(data)
            print(f"a changed {name} proves something: {file}")
    return tried, found


def every_bit(names: list[str]) -> tuple[int, int]:
    """The same for every bit of these files."""
    tried = found = 0
    for name in names:
        bits = range(8 * len(load(name)[0]))
        bad = accepted(name, bits)
        tried, found = tried + len(bits), found + len(bad)
        for bit in bad:
            print(f"{name}.bundle proves something with bit {bit & 7} of byte {bit >> 3} flipped")
        print(f"{name}: {len(bits)} flips, {len(bad)} accepted", flush=True)
    return tried, found


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
    tried, found = every_bit(names) if options.all else at_random(names, options.seconds, seed)
    print(f"{tried} changes, {found} accepted" + ("" if options.all else f", seed {seed}"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
