"""Fuzzes the reader of Fabric-X's batches against the slow one, and what is signed.

    python tests/fuzz/fuzz_fabricx.py --seconds 10 --seed 1

Starts from generated batches and changes bytes, fields, numbers and order. Both readers refuse the same bytes;
where they do not refuse, references, endorsements and the DER of every namespace are the same. A finding is printed
with its seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from oracle import fabricx as slow

from pycore.ledgers.fabricx import columns
from pycore.ledgers.fabricx.messages import MalformedError
from pycore.testing.fabricx import KINDS, FabricXNetwork, batch, field, varint

NUMBERS = [0, 1, 2, 127, 128, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


@lru_cache(maxsize=1)
def originals() -> list[bytes]:
    network = FabricXNetwork()
    found = [batch(network.requests(kind, 3), field(2, b"") if kind == "free" else None) for kind in KINDS]
    return [*found, b""]


def number(rng: random.Random, value: int) -> bytes:
    """A varint, sometimes with more bytes than it needs."""
    made = bytearray(varint(value))
    if rng.random() < 0.3:
        for _ in range(rng.randrange(1, 12)):
            made[-1] |= 0x80
            made.append(0)
    return bytes(made)


def some_field(rng: random.Random, depth: int = 0) -> bytes:
    """A field of any of these messages, or of none."""
    tag = number(
        rng,
        rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 15, 2**29 - 1, 2**29, 2**31]) << 3
        | rng.choice([0, 2, 2, 2, 2, 5, 1, 3, 4]),
    )
    wire = tag[0] & 7
    if wire == 0:
        return tag + number(rng, rng.choice(NUMBERS))
    if wire == 2:
        inside = b"".join(some_field(rng, depth + 1) for _ in range(rng.randrange(4))) if depth < 6 else b""
        if rng.random() < 0.3:
            inside = rng.choice([b"", b"text", "ü€😀".encode(), b"\xff", b"\xed\xa0\x80", rng.randbytes(3)])
        return tag + number(rng, len(inside) + (rng.random() < 0.02)) + inside
    if wire == 3:
        return tag + b"".join(some_field(rng, depth + 1) for _ in range(rng.randrange(3))) + varint((tag[0] & 0xF8) | 4)
    return tag + rng.randbytes({1: 8, 5: 4}.get(wire, 0))


def mutated(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(originals()))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = some_field(rng)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 4)]
        elif kind == 3:
            data += some_field(rng)
        else:
            data = bytearray(field(2, b"".join(some_field(rng) for _ in range(rng.randrange(1, 5))))) + data
    return bytes(data)


def check(data: bytes) -> str:
    """Reads in both ways and compares."""
    try:
        wanted = slow.read(data, slow.BATCH)
    except slow.NotAMessage:
        wanted = None
    try:
        counts = columns.sizes(data)
    except MalformedError:
        assert wanted is None, "refused, though Go reads it"
        return "refused"
    assert wanted is not None, "read, though Go refuses it"
    assert columns.updates(data, counts[columns.UPDATES]) == wanted.get("update", [])
    rows, behind = columns.scan(data, 0, counts)
    assert behind == len(data)
    requests = wanted.get("requests", [])
    assert len(rows.requests) == len(requests) == counts[columns.REQUESTS]
    expected = []
    for row, request in zip(rows.requests.tolist(), requests, strict=True):
        ref, tx = request.get("ref", {}), request.get("content", {})
        assert row[columns.RE_PARTS] == ("ref" in request) + 2 * ("content" in request)
        assert (row[1] % 2**64, row[2]) == (ref.get("block_num", 0), ref.get("tx_num", 0) % 2**32)
        tx_id = ref.get("tx_id", b"")
        assert data[row[columns.RE_ID] : row[columns.RE_ID + 1]] == tx_id
        expected += [slow.signed(tx_id, tx, i) for i in range(len(tx.get("namespaces", [])))]
        lists = rows.lists[row[columns.RE_LISTS] :][: row[columns.RE_LISTS + 1]]
        assert len(lists) == len(tx.get("endorsements", []))
        for one, held in zip(lists.tolist(), tx.get("endorsements", []), strict=True):
            entries = rows.endorsements[one[columns.LI_FIRST] :][: one[columns.LI_COUNT]].tolist()
            assert len(entries) == len(held.get("entries", []))
            for entry, wanted_entry in zip(entries, held.get("entries", []), strict=True):
                at = columns.EN_SIGNATURE
                assert data[entry[at] : entry[at + 1]] == wanted_entry.get("signature", b"")
                assert bool(entry[columns.EN_IDENTITIES]) == ("identity" in wanted_entry)
    made: list[bytes] = []
    while len(made) < len(rows.namespaces):
        made += rows.signed(np.arange(len(made), len(rows.namespaces), dtype=np.uint32), 64)
    assert made == expected
    answers = columns.answers(rows, np.arange(len(requests)), np.full(len(requests), 2, np.uint8))
    status = slow.read(
        answers.data.tobytes(), {"status": (1, {"ref": (1, slow.REF, False), "status": (2, "uint", False)}, True)}
    )
    for one, request in zip(status.get("status", []), requests, strict=True):
        ref = request.get("ref", {})
        kept = {
            "block_num": ref.get("block_num", 0),
            "tx_num": ref.get("tx_num", 0) % 2**32,
            "tx_id": ref.get("tx_id", b""),
        }
        assert one == {"ref": {name: value for name, value in kept.items() if value}, "status": 2}
    return "read"


def run(*, seconds: float, seed: int, limit: int = sys.maxsize) -> Counter[str]:
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end and counts.total() < limit:
        case = f"{seed}:{counts.total()}"
        data = mutated(random.Random(case))
        try:
            counts[check(data)] += 1
        except BaseException:
            print(f"finding {case}: {data.hex()}")
            raise
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(dict(run(seconds=given.seconds, seed=given.seed)))
