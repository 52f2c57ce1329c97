"""The collector against a model of ten lines: every sequence of votes, however it is cut into batches.

python tests/consensus/test_collector_model.py    every sequence of four with nil votes and bad signatures: 65,536
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

import pytest
import tiny_chain
from tiny_chain import CHAIN, Voters

from pycore.consensus import VoteCollector
from pycore.consensus.events import Equivocation, NilQuorum, Quorum, VoteEvent

POWERS = (1, 1, 1, 1)
Ballot = tuple[int, str]  # who, and for what: "A", "B", "-" for nil, and with "!" at the end with a bad signature


@pytest.fixture(autouse=True)
def _chains(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_chain.register(monkeypatch)


def model(ballots: Sequence[Ballot], powers: Sequence[int]) -> list[tuple[object, ...]]:
    """Events in order: ("quorum", claim) and ("twice", who, first claim, second claim)."""
    first: dict[int, str] = {}
    twice, told = set(), []
    for who, claim in ballots:
        if claim.endswith("!"):
            continue
        if who not in first:
            before = 3 * sum(powers[w] for w, c in first.items() if c == claim)
            first[who] = claim
            if before <= 2 * sum(powers) < before + 3 * powers[who]:
                told.append(("quorum", claim))
        elif claim != first[who] and who not in twice:
            twice.add(who)
            told.append(("twice", who, first[who], claim))
    return told


def shown(event: VoteEvent) -> tuple[object, ...]:
    """The event as the model has it."""
    if isinstance(event, Equivocation):
        claims = [(vote.claim or b"-").decode() for vote in (event.first, event.second)]
        return ("twice", event.first.position, *claims)
    assert isinstance(event, Quorum | NilQuorum)
    return ("quorum", event.claim.decode() if isinstance(event, Quorum) else "-")


class Case:
    """Voters with every vote made once."""

    def __init__(self, chain: str, powers: Sequence[int] = POWERS) -> None:
        self.voters = Voters(powers, chain=chain)
        options = list(itertools.product(range(len(powers)), ("A", "B", "C", "-")))
        self.raw = dict(zip(options, self.voters.raws(options), strict=True))
        for (who, claim), raw in list(self.raw.items()):
            wrong = b"1" if raw.endswith(b"0") else b"0"
            self.raw[who, claim + "!"] = raw[:-1] + wrong

    def run(self, ballots: Sequence[Ballot], cut: int) -> VoteCollector:
        """Collects them; bit i of `cut`: a batch ends after ballot i. Asserts what is told."""
        collector = VoteCollector(self.voters.set, chain_id=CHAIN, height=5, threads=1)
        events: list[VoteEvent] = []
        begin = 0
        for i in range(len(ballots)):
            if cut >> i & 1 or i == len(ballots) - 1:
                events += collector.add_bytes([self.raw[one] for one in ballots[begin : i + 1]])
                events += collector.flush()
                begin = i + 1
        assert [shown(event) for event in events] == model(ballots, self.voters.set.powers.tolist()), ballots
        return collector


def sequences(size: int, claims: Sequence[str]) -> Iterator[tuple[Ballot, ...]]:
    return itertools.product(itertools.product(range(4), claims), repeat=size)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_short_sequence(size: int) -> None:
    """Of four validators' votes for two claims and none, good and bad, in every cut into batches."""
    case = Case("tiny")
    for i, ballots in enumerate(sequences(size, ("A", "B", "-", "A!"))):
        for cut in range(1 << size - 1) if size < 3 else [i % 4]:
            case.run(ballots, cut)


def test_every_sequence_of_four() -> None:
    """Of four validators' votes for two claims: 4,096, each in one of the eight cuts."""
    case = Case("tiny")
    for i, ballots in enumerate(sequences(4, ("A", "B"))):
        case.run(ballots, i % 8)


def test_every_order_of_four_votes_and_an_equivocation() -> None:
    """All validators vote, and one votes twice: every order of the five, every claim of the fifth."""
    case = Case("tiny")
    for claims in itertools.product("AB", repeat=4):
        votes = list(enumerate(claims))
        for again in [(who, claim) for who in range(4) for claim in "AB" if claims[who] != claim]:
            for ballots in itertools.permutations([*votes, again]):
                if ballots[0] <= ballots[1]:  # half of them: the other half swaps two votes at the start
                    case.run(ballots, 0)


@pytest.mark.parametrize("chain", ["tiny", "tiny-columns"])
def test_long_random_sequences_in_every_kind_of_batch(chain: str) -> None:
    """Unequal powers, many votes at once, columns or not: the same events, and every vote has one outcome."""
    for seed in range(60):
        rng = random.Random(seed)
        case = Case(chain, [rng.choice((1, 2, 3, 10, 1000)) for _ in range(rng.randint(1, 12))])
        names = list(case.raw)
        ballots = [rng.choice(names) for _ in range(rng.randint(1, 60))]
        counts = set()
        for cut in (0, (1 << 60) - 1, rng.getrandbits(60), rng.getrandbits(60) & rng.getrandbits(60)):
            found = case.run(ballots, cut).counts
            assert sum(found.values()) == len(ballots)
            assert found["bad_signature"] == sum(claim.endswith("!") for _, claim in ballots)
            counts.add(tuple(found.items()))
        assert len(counts) == 1


def test_a_batch_size_changes_nothing() -> None:
    """The same votes by `limits.batch` from 1 up."""
    from pycore.consensus import CollectorLimits

    case = Case("tiny-columns", [5, 3, 2, 2, 1])
    rng = random.Random(7)
    ballots = [rng.choice(list(case.raw)) for _ in range(100)]
    for batch in (1, 2, 3, 7, 16, 64, 99, 100, 101):
        limits = CollectorLimits(batch=batch, delay=3600.0)
        collector = VoteCollector(case.voters.set, chain_id=CHAIN, height=5, limits=limits)
        events = collector.add_bytes([case.raw[one] for one in ballots])
        assert collector.waiting == len(ballots) % batch
        events += collector.flush()
        assert [shown(event) for event in events] == model(ballots, case.voters.set.powers.tolist())


if __name__ == "__main__":
    tiny_chain.register(pytest.MonkeyPatch())
    everything = Case("tiny")
    for number, four in enumerate(sequences(4, ("A", "B", "-", "A!"))):
        everything.run(four, number % 8)
    print(number + 1, "sequences")
