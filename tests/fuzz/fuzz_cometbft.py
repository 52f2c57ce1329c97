"""Mutated blocks, light blocks and evidence of CometBFT, in protobuf and in JSON.

    python tests/fuzz/fuzz_cometbft.py --seconds 10 --seed 1

For every mutated record:

* bytes are refused with InputError, or they are another message than the original, and are written again as they are;
* a text is refused with InputError, or what it says is written and read again in protobuf as the same;
* a block with another id than the original is never valid and complete;
* a signed header that is not the original has a report, and is never valid.

A difference is printed with its bytes and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pycore import ledgers
from pycore.consensus import ValidatorSet
from pycore.consensus.commits import verify_commit
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, rpc, wire
from pycore.ledgers.cometbft.evidence import duplicate_vote, light_client_attack
from pycore.testing import cometbft_json as answers
from pycore.testing.cometbft import Chain, conflicting_block, make_vote

LEDGER: Any = ledgers.get("cometbft")


class DifferenceError(AssertionError):
    """An answer that cannot be right."""


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with something changed."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, what = rng.randrange(len(made) + 1), rng.randrange(5)
        if what == 0 and made:
            made[at % len(made)] ^= 1 << rng.randrange(8)
        elif what == 1:
            made[at:at] = rng.randbytes(rng.randrange(1, 4))
        elif what == 2:
            del made[at : at + rng.randrange(1, 9)]
        elif what == 3:
            to = rng.randrange(len(made) + 1)
            made[at:at] = made[min(at, to) : max(at, to)][:64]
        else:
            made[at:at] = b"\xff" * rng.randrange(1, 11)
    return bytes(made)


def changed(value: Any, rng: random.Random) -> Any:
    """A JSON document with one value changed, dropped or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        found = dict(value)
        if rng.random() < 0.1:
            del found[name]
        else:
            found[name] = changed(value[name], rng)
        return found
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        found = list(value)
        if rng.random() < 0.1:
            found.insert(at, value[at])
        else:
            found[at] = changed(value[at], rng)
        return found
    if isinstance(value, str) and value and rng.random() < 0.6:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice("0Aa=Z-.+/ é\x00") + value[at + rng.randrange(2) :]
    return rng.choice((None, True, 0, -1, 1 << 64, 0.5, "", "0", "AA==", "00", [], {}, "0001-01-01T00:00:00Z"))


class Records:
    """Records to mutate, and how each is judged."""

    def __init__(self, seed: int) -> None:
        chain = Chain(blocks=3, validators=4, seed=seed, absent=(2,), nil=(3,), powers=[60, 50, 7, 6])
        votes = [make_vote(chain.signers[0][0], height=2, block_id=one) for one in chain.block_ids[:2]]
        double = duplicate_vote(*votes, chain.validators(0), chain.blocks[1].header.time_ns)
        attack = light_client_attack(conflicting_block(chain, 1), chain.light_block(0), chain.light_block(1))
        full = Chain(blocks=3, validators=4, seed=seed, evidence=(double, attack), powers=[60, 50, 7, 6])
        self.block = full.block_bytes[2]
        self.context = LEDGER.context({**full.context(2), "commit": encoding.commit(full.commits[2])})
        self.id = full.block_ids[2].hash
        self.validators = ValidatorSet(chain.validators(1))
        self.signed = encoding.signed_header(chain.signed_header(1))
        light = chain.light_block(1)
        self.forms: list[tuple[bytes, Callable[[bytes], Any], Callable[[Any], bytes], Any, Callable[[Any], Any]]] = [
            (self.block, wire.block, encoding.block, answers.block(full.blocks[2]), rpc.block),
            (encoding.light_block(light), wire.light_block, encoding.light_block, answers.light_block(light),
             rpc.light_block),
            (self.signed, wire.signed_header, encoding.signed_header,
             answers.signed_header(chain.signed_header(1)), rpc.signed_header),
            (encoding.evidence_union(double), wire.evidence, encoding.evidence_union, answers.evidence(double),
             rpc.evidence),
            (encoding.evidence_union(attack), wire.evidence, encoding.evidence_union, answers.evidence(attack),
             rpc.evidence),
            (encoding.vote(votes[0]), wire.vote, encoding.vote, answers.vote(votes[0]), rpc.vote),
        ]  # fmt: skip

    def read(self, rng: random.Random) -> str:
        """One record in both forms."""
        data, read, write, document, read_json = rng.choice(self.forms)
        made = mutated(data, rng)
        try:
            found = read(made)
        except InputError:
            outcome = "refused"
        else:
            outcome = "read"
            if write(found) != made or (made != data and found == read(data)):
                raise DifferenceError(f"two byte strings of one message: {made.hex()}")
        text = json.dumps(changed(document, rng))
        try:
            value = read_json(text)
        except InputError:
            return outcome
        if read(write(value)) != value:
            raise DifferenceError(f"another message in protobuf: {text}")
        return outcome

    def judge(self, rng: random.Random) -> str:
        """A block and a signed header."""
        made = mutated(self.block, rng)
        try:
            report = LEDGER.validate_block(made, self.context)
        except InputError:
            outcome = "refused"
        else:
            outcome = "invalid"
            if report.valid and report.complete and made != self.block:
                raise DifferenceError(f"another block is valid: {made.hex()}")
        made = mutated(self.signed, rng)
        signed = verify_commit(self.validators, made, form="wire", mode="full")
        if signed.valid and made != self.signed:
            raise DifferenceError(f"another signed header is valid: {made.hex()}")
        return outcome


def run(*, seconds: float, seed: int, limit: int | None = None) -> Counter[str]:
    """Until the time is over, or after `limit` rounds; counts what came out."""
    rng, records = random.Random(seed), Records(seed)
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end and (limit is None or counts["rounds"] < limit):
        counts["rounds"] += 1
        counts[records.read(rng)] += 1
        counts[records.judge(rng)] += 1
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    try:
        counts = run(seconds=given.seconds, seed=given.seed)
    except DifferenceError as error:
        print(error)
        return 1
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
