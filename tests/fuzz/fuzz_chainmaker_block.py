"""Fuzzes the ChainMaker block parser and validator.

    python tests/fuzz/fuzz_chainmaker_block.py --seconds 10 --seed 1
    python tests/fuzz/fuzz_chainmaker_block.py --atheris corpus/        (needs the atheris package)

Starts from generated blocks that are valid and changes bytes, lengths, fields and records. Whatever the input, the
validator answers with an InputError that names a field, or with a report that turns into JSON; and a report that finds
nothing wrong is only given to a block whose hashes are those of an original.

A finding is printed with its seed and written to ``fuzz-chainmaker-<seed>.bin``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import pycore.testing
from pycore import InputError, ledgers
from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.block import is_block_info

LEDGER = ledgers.get("chainmaker")
HASHES = {"sm2": "sm3", "p256": "sha256"}
INTERESTING = [0, 1, 2, 127, 128, 255, 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1]


@lru_cache(maxsize=1)
def seeds() -> list[tuple[bytes, Any, str]]:
    """(BlockInfo bytes, context, hash) of valid blocks."""
    found = []
    for suite, hash_ in HASHES.items():
        ledger = pycore.testing.generate_ledger(chain="chainmaker", blocks=2, txs_per_block=4, suite=suite, seed=1)
        for index in range(2):
            context = ledger.context_for(index)
            found.append((ledger.block_info(index), context.replace(rw_sets=None), hash_))
            found.append((bytes(ledger.blocks[index]), context, hash_))
    return found


def digests(data: bytes, hash_: str) -> dict[str, Any]:
    return LEDGER.block_digests(data, hash=hash_)


@lru_cache(maxsize=1)
def originals() -> list[dict[str, Any]]:
    return [digests(data, hash_) for data, _, hash_ in seeds()]


def check(data: bytes, context: Any, hash_: str) -> str:
    """Validates one input and checks what must hold for any; the answer says which kind it was."""
    try:
        report = LEDGER.validate_block(data, context)
    except InputError as error:
        refusal = error
    else:
        return check_report(report, data, hash_)
    assert refusal.field.startswith("block"), f"an error about {refusal.field!r}"
    return "refused"


def check_report(report: Any, data: bytes, hash_: str) -> str:
    """What must hold for every report."""
    json.dumps(report.to_dict())
    assert len(report.transactions) == report.counts["transactions"]
    assert len(report.faults) == report.counts["invalid"]
    if report.valid and report.complete:
        assert digests(data, hash_) in originals(), "another block passes for valid"
        return "valid"
    return "invalid"


# ---- mutations -------------------------------------------------------------------------------------------------------


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Some changes to the bytes, or some to the parsed message."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice((flip, splice, cut, number, field, field, record))(data, rng)
    return data


def flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def splice(data: bytes, rng: random.Random) -> bytes:
    """Moves a piece of the block to another place in it."""
    start, at = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    return data[:at] + data[start : start + rng.randrange(200)] + data[at + rng.randrange(200) :]


def cut(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] if rng.random() < 0.3 else data[:start] + data[start + rng.randrange(1, 50) :]


def number(data: bytes, rng: random.Random) -> bytes:
    """Writes a varint of a telling size over whatever is there."""
    value = rng.choice(INTERESTING)
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes(encoded) + data[at + rng.randrange(2) :]


def _parsed(data: bytes) -> Any:
    kind = messages.BlockInfo if is_block_info(np.frombuffer(data, np.uint8)) else messages.Block
    try:
        return messages.parse(kind, data, "block")
    except InputError:
        return None


def _inside(message: Any, rng: random.Random) -> Any:
    """A message somewhere inside, and one of its fields that is set."""
    while True:
        present = message.ListFields()
        if not present:
            return message, None, None
        descriptor, value = rng.choice(present)
        if descriptor.message_type is None or rng.random() < 0.15 or descriptor.message_type.GetOptions().map_entry:
            return message, descriptor, value
        if not hasattr(value, "ListFields"):
            value = rng.choice(list(value))
        message = value


def field(data: bytes, rng: random.Random) -> bytes:
    """Clears a field somewhere in the message, or gives it another value."""
    message = _parsed(data)
    if message is None:
        return flip(data, rng)
    inside, descriptor, value = _inside(message, rng)
    if descriptor is None:
        return data
    if rng.random() < 0.4 or not isinstance(value, (int, str, bytes)):
        inside.ClearField(descriptor.name)
    elif isinstance(value, int):
        limit = 2**31 - 1 if "32" in str(descriptor.type) or descriptor.enum_type else 2**31
        setattr(inside, descriptor.name, min(rng.choice(INTERESTING), limit))
    elif isinstance(value, str):
        setattr(inside, descriptor.name, rng.choice(("", "x", value + "x", value[::-1], "\u00e9" * 40)))
    else:
        setattr(inside, descriptor.name, rng.choice((b"", b"\0" * 32, value[:-1], value + b"\0", flip(value, rng))))
    return bytes(message.SerializeToString())


def record(data: bytes, rng: random.Random) -> bytes:
    """Repeats, drops or swaps a transaction or a vertex."""
    message = _parsed(data)
    if message is None:
        return cut(data, rng)
    block = message.block if isinstance(message, messages.BlockInfo) else message
    rows = rng.choice((block.txs, block.dag.vertexes))
    if not len(rows):
        return data
    action = rng.randrange(3)
    if action == 0:
        rows.add().CopyFrom(rng.choice(list(rows)))
    elif action == 1:
        del rows[rng.randrange(len(rows))]
    else:
        here, there = rows[rng.randrange(len(rows))], rows[rng.randrange(len(rows))]
        kept = here.SerializeToString()
        here.CopyFrom(there)
        there.ParseFromString(kept)
    return bytes(message.SerializeToString())


# ---- running ---------------------------------------------------------------------------------------------------------


def one(seed: int) -> str:
    """One input, fixed by its seed."""
    rng = random.Random(seed)
    data, context, hash_ = rng.choice(seeds())
    data = mutate(data, rng)
    try:
        return check(data, context, hash_)
    except Exception:
        path = Path(f"fuzz-chainmaker-{seed}.bin")
        path.write_bytes(data)
        print(f"seed {seed}: the input is in {path}", file=sys.stderr)
        raise


def run(seconds: float, seed: int, limit: int | None = None) -> dict[str, int]:
    """Inputs until the time is over or `limit` are done; how many were refused, invalid and valid."""
    counts = {"refused": 0, "invalid": 0, "valid": 0}
    for data, context, hash_ in seeds():
        assert check(data, context, hash_) == "valid", "a seed is not valid"
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end and (limit is None or done < limit):
        counts[one(seed + done)] += 1
        done += 1
    return counts


def run_atheris(arguments: list[str]) -> None:
    """Coverage-guided, with atheris' own command line."""
    import atheris

    _, context, hash_ = seeds()[0]
    atheris.Setup([sys.argv[0], *arguments], lambda data: check(data, context, hash_))
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, help="the rest of the line is for atheris")
    arguments = parser.parse_args()
    if arguments.atheris is not None:
        run_atheris(arguments.atheris)
        return
    counts = run(arguments.seconds, arguments.seed)
    print(f"chainmaker block: {sum(counts.values())} inputs, {counts}")


if __name__ == "__main__":
    main()
