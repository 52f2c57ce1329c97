"""Fuzzes the reader of many CometBFT votes against the reader of one.

    python tests/fuzz/fuzz_cometbft_votes.py --seconds 10 --seed 1

Starts from votes with fields of every size and changes bytes, fields and order. A vote that the reader of many takes as
usual is read by the other one as well, and to the same: place, claim, validator, signed bytes, signatures. A vote that
the other one takes is usual, unless its signatures have another length than 64 bytes or its time does not fit 64 bits.
A finding is printed with its bytes.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from pycore.base.columns import as_column
from pycore.consensus import chains
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.messages import SECOND, YEAR_1, YEAR_10000, BlockId, Vote

NUMBERS = [0, 1, 2, 3, 31, 32, 127, 128, 2**14, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, -1, -(2**31), -(2**63)]
SIZES = [0, 1, 19, 20, 21, 31, 32, 33, 63, 64, 65, 127, 128, 200]
TIMES = [0, 1, SECOND, SECOND - 1, -1, YEAR_1, YEAR_10000 - 1, YEAR_10000, YEAR_1 - 1, 9 * 10**18, -9 * 10**18, 2**63]
BATCH = 64


class DifferenceError(AssertionError):
    """Two readers that do not agree."""


def octets(rng: random.Random, usual: int) -> bytes:
    """Bytes of the usual size, or of another one."""
    return rng.randbytes(usual if rng.random() < 0.85 else rng.choice(SIZES))


def some_vote(rng: random.Random) -> Vote:
    """A vote whose fields are mostly as they should be."""

    def often(value: int) -> int:
        return value if rng.random() < 0.9 else rng.choice(NUMBERS)

    block_id = BlockId(octets(rng, 32), often(rng.randint(1, 200)), octets(rng, 32))
    if rng.random() < 0.25:
        block_id = BlockId()
    extended = rng.random() < 0.4
    return Vote(
        often(rng.choice((1, 2, 2))),
        often(rng.choice((1, 5, 2**40))),
        often(rng.choice((0, 0, 1, 300))),
        block_id,
        rng.choice(TIMES) if rng.random() < 0.1 else 1_700_000_000_000_000_000 + rng.randrange(10**12),
        octets(rng, 20),
        often(rng.randint(0, 200)),
        octets(rng, 64),
        rng.randbytes(rng.choice((0, 1, 5, 127, 128, 20_000))) if extended and rng.random() < 0.8 else b"",
        octets(rng, 64) if extended and rng.random() < 0.9 else b"",
    )


def mutated(rng: random.Random, raw: bytes) -> bytes:
    """The same with bytes changed, cut, doubled or added; half of the time as it is."""
    if rng.random() < 0.5 or not raw:
        return raw
    at, to = sorted((rng.randrange(len(raw)), rng.randrange(len(raw))))
    kind = rng.randrange(6)
    if kind == 0:
        return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]
    if kind == 1:
        return raw[:at] + raw[to:]
    if kind == 2:
        return raw[:to] + raw[at:]
    if kind == 3:  # an unknown field, a known one again, an empty one
        return raw + rng.choice((b"\x78\x01", b"\x08\x02", b"\x5a\x00", b"\x4a\x00", b"\x38\x00", b"\x2a\x00"))
    if kind == 4:
        return raw[at:to] + raw[:at] + raw[to:]
    return raw[:at] + rng.randbytes(rng.randrange(4)) + raw[at:]


def check(raws: list[bytes], chain_id: str, counts: Counter[str]) -> None:
    """Compares the readers on these bytes."""
    rules = chains.rules("cometbft")
    many = rules.read_votes(as_column(raws, "votes"), chain_id=chain_id)
    extensions = {}
    for k, owner in enumerate(many.extension_of.tolist()):
        extensions[owner] = ((many.extension_messages[k], many.extension_signatures[k]),)
    for i, raw in enumerate(raws):
        try:
            one = rules.read_vote(raw, "wire", chain_id=chain_id)
        except InputError:
            one = None
        usual = bool(many.usual[i])
        counts["usual" if usual else "read by one" if one else "refused"] += 1
        if one is None:
            if usual:
                raise DifferenceError(f"usual, and refused: {raw.hex()}")
            continue
        lengths = {len(one.signature), *(len(signature) for _, signature in one.extensions)}
        if usual != (lengths == {64} and -9_000_000_000 <= one.time_ns // SECOND < 9_000_000_000):
            raise DifferenceError(f"usual is {usual}: {raw.hex()}")
        if not usual:
            continue
        counts["extended"] += bool(one.extensions)
        found = (
            int(many.heights[i]), int(many.rounds[i]), many.kinds[i], many.claims[i], int(many.positions[i]),
            bytes(many.addresses[i]), many.messages[i], many.signatures[i], extensions.get(i, ()),
        )  # fmt: skip
        wanted = (
            one.height, one.round, one.kind, one.claim, one.position, one.address, one.message, one.signature,
            one.extensions,
        )  # fmt: skip
        if found != wanted:
            raise DifferenceError(f"{found} is not {wanted}: {raw.hex()}")


def run(batches: int, seed: int) -> Counter[str]:
    """So many batches of votes; how often which answer came."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for _ in range(batches):
        raws = [mutated(rng, encoding.vote(some_vote(rng))) for _ in range(rng.choice((1, BATCH)))]
        check(raws, rng.choice(("pycore-test", "", "x" * 50, "é" * 200)), counts)
    return counts


def main() -> int:
    """Runs for a while; prints what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    end, seed, counts = time.monotonic() + given.seconds, given.seed, Counter[str]()
    while time.monotonic() < end:
        counts += run(20, seed)
        seed += 1
    print(dict(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
