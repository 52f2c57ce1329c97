"""CometBFT's own HeightVoteSet and our collector over the same votes, valid and hostile, one after another.

    PYTHONPATH=. python tests/ledgers/cometbft_votes_peer.py --votes 100000 [--seed 7]

prints how many votes had which pair of outcomes, and raises at any other pair of outcomes, at a quorum that only one
side has, at another block, and at evidence that only one side makes. The same votes count, exactly. Names differ on
purpose: for CometBFT a vote is a duplicate or repeated by its block and signature alone, before anything is verified,
and here where everything holds; a second vote that conflicts is remembered here, as part of the evidence; and CometBFT
puts one that conflicts in the place of the first where its block has a majority. CometBFT opens rounds for votes before
it looks at their height and signatures, so hostile votes are sent for rounds that are open.
"""

from __future__ import annotations

import argparse
import random
import subprocess
from collections import Counter
from dataclasses import replace
from typing import Any

from bench import chain_programs
from pycore.consensus import CollectorLimits, NilQuorum, Quorum, ValidatorSet, VoteCollector
from pycore.consensus.chains import rules
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.messages import PRECOMMIT, PREVOTE, BlockId, Vote
from pycore.testing.cometbft import START_NS, Signer, make_signers, make_votes

CHAIN_ID, HEIGHT = "votes-1", 9
BLOCKS = [BlockId(), *(BlockId(octet * 32, 2, octet * 32) for octet in (b"a", b"b", b"c"))]
# Outcome of CometBFT -> those of the collector that mean the same.
SAME = {
    "counted": {"counted"},
    "duplicate": {"duplicate", "repeated", "conflicting", "bad_signature", "bad_extension"},
    "repeated": {"repeated", "duplicate", "conflicting", "bad_signature", "bad_extension"},
    "conflicting": {"equivocation", "conflicting", "duplicate", "repeated"},
    "stranger": {"stranger"},
    "bad": {"bad_signature", "bad_extension"},
    "unwanted": {"future_round", "bad_extension"},
    "height": {"late_height", "future_height"},
    "malformed": {"malformed"},
    "rewritten": {"malformed"},
}
_LIMITS = CollectorLimits(rounds_per_validator=1 << 30, rounds_opened=1 << 30, rounds_behind=1 << 30)


class DifferenceError(AssertionError):
    """An outcome that the other side does not have."""


class Peer:
    """The Go program, alive."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            chain_programs.cometbft_votes(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *words: str | bytes) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = " ".join(word if isinstance(word, str) else word.hex() or "-" for word in words)
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


def some_votes(rng: random.Random, signers: list[Signer], extensions: bool, n: int) -> list[bytes]:
    """Votes in protobuf, many of them for the same things."""
    made, who = [], []
    for _ in range(n):
        i = rng.randrange(len(signers))
        block = rng.choice((BLOCKS[1],) * 6 + tuple(BLOCKS))
        kind = rng.choice((PREVOTE, PRECOMMIT))
        round_, wrong = rng.choice((0, 0, 0, 0, 1, 1, 2, 3, 5, 9)), rng.random()
        if round_ > 1:
            wrong = 1.0
        height = rng.choice((HEIGHT - 1, HEIGHT + 1)) if wrong < 0.03 else HEIGHT
        extended = kind == PRECOMMIT and not block.is_nil and extensions != (0.03 < wrong < 0.06)
        time_ns, extension = START_NS + rng.choice((0, 0, 0, 1)), rng.choice((b"", b"x")) if extended else b""
        made.append(
            Vote(
                kind, height, round_, block, time_ns, signers[i].address, i, b"", extension, b"?" if extended else b""
            )
        )  # fmt: skip
        who.append(signers[i])
    raws = []
    for vote in make_votes(who, made, CHAIN_ID):
        raws.append(
            encoding.vote(hostile(rng, vote)) if vote.round < 2 and rng.random() < 0.15 else encoding.vote(vote)
        )
        if rng.random() < 0.1:
            raws.append(rng.choice(raws))
        if rng.random() < 0.02:
            raws.append(raws[-1][: rng.randrange(len(raws[-1]))] + rng.randbytes(rng.randrange(3)))
    return raws


def hostile(rng: random.Random, vote: Vote) -> Vote:
    """The vote with one thing changed."""
    changes: list[dict[str, Any]] = [
        {"signature": bytes([vote.signature[0] ^ 1]) + vote.signature[1:]},
        {"signature": vote.signature[:-1]},
        {"time_ns": vote.time_ns + 5},
        {"block_id": rng.choice(BLOCKS)},
        {"position": rng.choice((vote.position + 1, 1000, -1))},
        {"address": rng.choice((bytes(20), vote.address[:19]))},
        {"type": rng.choice((0, 3, 32))},
        {"round": -1},
        {"extension": b"other"},
        {"extension_signature": bytes(64)},
    ]
    return replace(vote, **rng.choice(changes))


def wanted_quorum(answer: str) -> tuple[bool, bytes | None]:
    """Whether there is one, and for which block."""
    return answer != "nothing", None if answer in ("nothing", "nil") else bytes.fromhex(answer)


def run(peer: Peer, votes: int, seed: int) -> Counter[tuple[str, str]]:
    """So many votes in sets of validators of several sizes; how often which pair of outcomes came."""
    rng = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    while sum(counts.values()) < votes:
        size, extensions = rng.choice((1, 4, 7)), rng.random() < 0.5
        signers = make_signers(size, seed=rng.randrange(50), powers=[rng.choice((1, 3, 10)) for _ in range(size)])
        validators = ValidatorSet([one.validator for one in signers])
        started = peer(
            "start",
            CHAIN_ID.encode(),
            str(HEIGHT),
            str(extensions).lower(),
            rules("cometbft").write_validators(validators),
        )
        assert started == "started", started
        seen: list[str] = []
        collector = VoteCollector(
            validators, chain_id=CHAIN_ID, height=HEIGHT, limits=_LIMITS, extensions=extensions, threads=1,
            watch=lambda _, name, many, seen=seen: seen.extend([name] * many),
        )  # fmt: skip
        told: dict[tuple[int, str], bytes | None] = {}
        twice: set[tuple[int, str, int]] = set()
        for raw in some_votes(rng, signers, extensions, 60):
            counts[_compare(peer, collector, raw, rng.choice("pqr"), seen, told, twice)] += 1
    return counts


def _compare(
    peer: Peer,
    collector: VoteCollector,
    raw: bytes,
    sender: str,
    seen: list[str],
    told: dict[tuple[int, str], bytes | None],
    twice: set[tuple[int, str, int]],
) -> tuple[str, str]:
    theirs, quorum = peer("vote", sender, raw).split()
    before = collector.round
    for event in collector.add_bytes(raw, peer=sender) + collector.flush():
        if isinstance(event, Quorum | NilQuorum):
            claim = event.claim[2:34] if isinstance(event, Quorum) else None
            if (event.round, event.kind) in told or wanted_quorum(quorum) != (True, claim):
                raise DifferenceError(f"{event} is {quorum}: {raw.hex()}")
            told[event.round, event.kind] = claim
    ours = seen.pop()
    if ours not in SAME[theirs]:
        raise DifferenceError(f"{ours} is {theirs}: {raw.hex()}")
    if theirs in ("counted", "conflicting", "duplicate"):
        vote = rules("cometbft").read_vote(raw, "wire", chain_id=CHAIN_ID)
        evident = (vote.round, vote.kind, vote.position)
        if (ours == "equivocation") != (theirs == "conflicting" and evident not in twice):
            raise DifferenceError(f"evidence on one side only, {ours} and {theirs}: {raw.hex()}")
        if ours == "equivocation":
            twice.add(evident)
        there = (vote.round, vote.kind) in told
        if (there, told.get((vote.round, vote.kind))) != wanted_quorum(quorum):
            raise DifferenceError(f"no quorum, or another, where CometBFT has {quorum}: {raw.hex()}")
    if collector.round != before:
        peer("round", str(collector.round))
    return theirs, ours


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    peer = Peer()
    for pair, many in sorted(run(peer, given.votes, given.seed).items()):
        print(f"{many:8} {pair[0]:12} {pair[1]}")
    peer.close()


if __name__ == "__main__":
    main()
