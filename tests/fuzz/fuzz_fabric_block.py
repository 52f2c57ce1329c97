"""Fuzzes Fabric's block parser and validator.

    python tests/fuzz/fuzz_fabric_block.py --seconds 10 --seed 1

Starts from generated blocks that are valid and changes bytes, lengths and the messages that lie in each other. Whatever
the input, the validator answers with an InputError that names a field, or with a report that turns into JSON; and
transactions are valid only where they are those of an original.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError

from pycore import InputError, ledgers
from pycore._pb.ledgers.fabric.v1 import block_pb2, transaction_pb2
from pycore.ledgers.fabric.block import open_block
from pycore.testing.fabric import FabricChannel

LEDGER = ledgers.get("fabric")
Block, Envelope, Payload = block_pb2.Block, block_pb2.Envelope, block_pb2.Payload


@lru_cache(maxsize=1)
def seeds() -> list[tuple[bytes, Any]]:
    """(block, context) of valid blocks."""
    found = []
    for options in ({}, {"bft": True, "orderers": 4}):
        channel = FabricChannel(seed=1, organisations=1, peers=2, **options)
        block = channel.block(1, channel.genesis_hash, channel.transactions(1, 2))
        found.append((block, channel.context(1, channel.genesis_hash)))
        moved = channel.config_block(1, channel.genesis_hash)
        found.append((moved, channel.context(1, channel.genesis_hash)))
    return found


@lru_cache(maxsize=1)
def originals() -> set[bytes]:
    """What valid envelopes of the blocks sign."""
    return {Envelope.FromString(entry).payload for block, _ in seeds() for entry in Block.FromString(block).data.data}


def check(data: bytes, context: Any) -> str:
    """Validates one input and checks what must hold for any; the answer says which kind it was."""
    try:
        report = LEDGER.validate_block(data, context)
    except InputError as error:
        refusal = error
    else:
        return check_report(report, data)
    assert refusal.field.startswith("block"), f"an error about {refusal.field!r}"
    return "refused"


def check_report(report: Any, data: bytes) -> str:
    """What must hold for every report."""
    json.dumps(report.to_dict())
    entries = open_block(data).entries.items()
    assert len(report.transactions) == len(report.codes) == len(entries)
    for entry, verdict in zip(entries, report.transactions, strict=True):
        if verdict.name == "VALID":
            assert Envelope.FromString(entry).payload in originals(), "another transaction passes for valid"
    return "valid" if report.valid else "invalid"


def flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] if rng.random() < 0.3 else data[:at] + data[at + rng.randrange(40) :]


def double(data: bytes, rng: random.Random) -> bytes:
    """The message once more behind itself, whole or in part: fields that come twice."""
    at = rng.randrange(len(data) + 1)
    return data + data[at:]


def inner(data: bytes, rng: random.Random) -> bytes:
    """Changes something inside of an envelope, some levels down."""
    try:
        block = Block.FromString(data)
        if not block.data.data:
            return data
        at = rng.randrange(len(block.data.data))
        block.data.data[at] = _envelope(block.data.data[at], rng)
        return block.SerializeToString()
    except DecodeError:
        return data


def _envelope(data: bytes, rng: random.Random) -> bytes:
    envelope = Envelope.FromString(data)
    payload = Payload.FromString(envelope.payload)
    change = rng.choice((flip, cut, double))
    depth = rng.randrange(4)
    if depth == 0:
        envelope.payload = change(envelope.payload, rng)
    elif depth == 1:
        payload.header.channel_header = change(payload.header.channel_header, rng)
    elif depth == 2:
        payload.header.signature_header = change(payload.header.signature_header, rng)
    else:
        body = transaction_pb2.Transaction.FromString(payload.data)
        if body.actions:
            body.actions[0].payload = change(body.actions[0].payload, rng)
            payload.data = body.SerializeToString()
    if depth:
        envelope.payload = payload.SerializeToString()
    return envelope.SerializeToString()


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Some changes."""
    for _ in range(rng.choice((1, 1, 2))):
        data = rng.choice((flip, cut, double, inner, inner, inner))(data, rng)
    return data


def run(seconds: float, seed: int, limit: int | None = None) -> dict[str, int]:
    """Fuzzes for so long or so many inputs; how many came out in which way."""
    rng, counts = random.Random(seed), {"refused": 0, "invalid": 0, "valid": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end and (limit is None or sum(counts.values()) < limit):
        block, context = rng.choice(seeds())
        data = mutate(block, rng)
        try:
            counts[check(data, context)] += 1
        except BaseException:
            print(f"seed {seed}, input {sum(counts.values())}: {data.hex()}")
            raise
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(run(given.seconds, given.seed))
    sys.exit(0)
