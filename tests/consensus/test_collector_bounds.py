"""The collector of votes over time: which rounds open, how heights go on, when batches end, what is remembered."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import tiny_chain
from tiny_chain import H, Voters, collector_of, counted, forged, named, told

from pycore.consensus import CollectorLimits, Equivocation, Quorum, VoteCollector
from pycore.errors import InputError


@pytest.fixture(autouse=True)
def _chains(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_chain.register(monkeypatch)


@pytest.fixture(params=["tiny", "tiny-columns"])
def voters(request: pytest.FixtureRequest) -> Voters:
    """Forty validators of power 1: more than the number of votes that are read one by one."""
    return Voters([1] * 40, chain=request.param)


# ---- rounds and heights ----------------------------------------------------------------------------------------------


def rounds_of(collector: VoteCollector) -> tuple[int, ...]:
    return collector.rounds(H)


def test_rounds_that_peers_open() -> None:
    """Round 0 and 1 are open; one peer opens two more, whoever signs; others open theirs (HeightVoteSet)."""
    voters = Voters([1] * 40)
    collector = collector_of(voters)
    for round_, who in [(1, 0), (9, 1), (7, 2), (8, 3), (9, 4), (7, 4)]:
        told(collector, voters.raws([(who, "A")], round=round_), peer="p")
    assert rounds_of(collector) == (1, 7, 9)
    assert counted(collector) == {"counted": 5, "future_round": 1}
    told(collector, voters.raws([(3, "A")], round=8), peer="q")
    assert rounds_of(collector) == (1, 7, 8, 9)


def test_rounds_that_a_validator_opens() -> None:
    """From however many addresses it sends them."""
    voters = Voters([1] * 40)
    collector = collector_of(voters)
    for round_ in range(2, 30):
        told(collector, voters.raws([(0, "A")], round=round_), peer=f"peer-{round_}")
    assert rounds_of(collector) == (2, 3)
    assert collector.counts["future_round"] == 26


def test_rounds_that_all_together_open() -> None:
    voters = Voters([1] * 40)
    collector = collector_of(voters, limits=CollectorLimits(rounds_opened=10, rounds_per_validator=1))
    for round_ in range(2, 40):
        told(collector, voters.raws([(round_, "A")], round=round_), peer=f"peer-{round_}")
    assert rounds_of(collector) == tuple(range(2, 12))


def test_forged_votes_open_no_round(voters: Voters) -> None:
    collector = collector_of(voters)
    raws = [forged(raw) for round_ in range(2, 30) for raw in voters.raws([(0, "A")], round=round_)]
    told(collector, raws, peer="p")
    assert (rounds_of(collector), collector.kept) == ((), 0)
    told(collector, voters.raws([(0, "A")], round=9), peer="p")
    assert rounds_of(collector) == (9,)


def test_the_round_moves_on() -> None:
    voters = Voters([1] * 40)
    collector = collector_of(voters, limits=CollectorLimits(rounds_behind=2))
    told(collector, voters.raws([(i, "A") for i in range(40)]))
    collector.add(voters.vote(0, "A", round=1))
    assert collector.move_to_round(3) == []  # what waits is counted first
    assert (collector.round, rounds_of(collector), collector.kept) == (3, (1,), 1)
    told(collector, voters.raws([(1, "A")]))
    assert collector.counts["late_round"] == 1
    told(collector, voters.raws([(1, "A")], round=4))
    assert rounds_of(collector) == (1, 4)
    collector.move_to_round(0)
    assert collector.round == 3


def test_two_thirds_in_a_later_round_move_on() -> None:
    """Whatever they vote for, as CometBFT enters such a round; the next one is open then."""
    voters = Voters([1] * 40)
    collector = collector_of(voters, limits=CollectorLimits(rounds_per_validator=1))
    for round_ in range(1, 20):
        told(collector, voters.raws([(i, "AB-"[i % 3]) for i in range(26)], round=round_), peer="p")
        assert collector.round == round_ - 1
        told(collector, voters.raws([(26, "A")], round=round_), peer="p")
        assert collector.round == round_
    assert collector.counts["future_round"] == 0


def test_a_round_that_moves_on_within_a_batch_forgets_the_ones_before() -> None:
    voters = Voters([1] * 4)
    limits = CollectorLimits(rounds_behind=0)
    lines = [(i, "A", H, round_, "precommit") for round_ in (0, 1) for i in range(3)] + [(3, "A", H, 0, "precommit")]
    raws = voters.lines(lines)
    for parts in ([raws], [[raw] for raw in raws]):
        collector = collector_of(voters, limits=limits)
        events = [event for part in parts for event in told(collector, part)]
        assert [event.round for event in events] == [0, 1]
        assert counted(collector) == {"counted": 6, "late_round": 1}
        assert (collector.kept, rounds_of(collector)) == (3, (1,))


def test_heights_move_on(voters: Voters) -> None:
    """The one before stays open for votes that come late; those before that are forgotten."""
    collector = collector_of(voters)
    raws = {height: voters.raws([(i, "A") for i in range(40)], height=height) for height in range(4, 9)}
    told(collector, raws[5][:20])
    collector.add_bytes(raws[5][20:26])
    assert collector.move_to(6, voters.set) == []  # what waits is counted first
    assert collector.power(5, 0, "precommit") == {b"A": 26}
    assert [one.height for one in told(collector, raws[5][26:] + raws[6])] == [5, 6]
    collector.move_to(7, voters.set)
    assert (collector.kept, collector.height) == (40, 7)
    told(collector, raws[5] + raws[8])
    assert collector.counts["late_height"] == 40
    assert collector.counts["future_height"] == 40
    collector.move_to(100, voters.set)
    assert collector.kept == 0
    for height in (100, 99, 0, -1, 1.5, True, None):
        with pytest.raises(InputError, match="height"):
            collector.move_to(height, voters.set)  # type: ignore[arg-type]


def test_another_set_at_the_next_height() -> None:
    """Each height's votes are judged by its own validators, also in one batch."""
    first, second = Voters([1] * 12, chain="tiny-columns"), Voters([1] * 12, chain="tiny-columns", seed=2)
    collector = collector_of(first)
    collector.move_to(H + 1, second.set)
    asked = [(i, "A") for i in range(12)]
    events = told(collector, first.raws(asked) + second.raws(asked, height=H + 1) + second.raws(asked))
    assert [one.height for one in events] == [H, H + 1]
    assert counted(collector) == {"counted": 24, "stranger": 12}
    with pytest.raises(InputError, match="validators"):
        collector.move_to(H + 2, Voters([1]).set)


# ---- time ------------------------------------------------------------------------------------------------------------


def test_a_batch_ends_by_time() -> None:
    now = [100.0]
    voters = Voters([1])
    collector = collector_of(voters, limits=CollectorLimits(delay=0.5), clock=lambda: now[0])
    assert (collector.poll(), collector.time_left) == ([], float("inf"))
    assert collector.add(voters.vote(0, "A", kind="prevote")) == []
    now[0] = 100.25
    assert (collector.time_left, collector.poll()) == (0.25, [])
    now[0] = 100.5
    assert [one.kind for one in collector.poll()] == ["prevote"]
    collector.offer(voters.vote(0, "A"))
    now[0] = 101.0
    assert [type(one) for one in collector.add(voters.vote(0, "B"))] == [Quorum, Equivocation]
    assert collector.waiting == 0


def test_a_batch_ends_by_its_bytes() -> None:
    voters = Voters([1] * 40)
    raws = voters.raws([(i, "A") for i in range(40)])
    limits = CollectorLimits(batch_bytes=3 * len(raws[0]), delay=3600.0)
    collector = collector_of(voters, limits=limits)
    assert len(collector.add_bytes(raws)) == 1
    assert collector.waiting < 3
    assert collector.counts["counted"] + collector.waiting == 40


# ---- memory ----------------------------------------------------------------------------------------------------------


def test_spam_is_not_remembered(voters: Voters) -> None:
    """10,000 hostile votes of every name from 100 peers: no entry, and no memory beyond what a batch takes."""
    collector = collector_of(voters, limits=CollectorLimits(batch=256))
    names = ["malformed", "stranger", "bad_signature", "late_height", "future_height"]
    hostile = [raw for name in names for raw in named(voters, name) if len(raw) < 1000]
    far = voters.raws([(0, "A")], round=100) + voters.raws([(0, "A")], round=101) + voters.raws([(0, "A")], round=102)
    asked = voters.set.verify([0] * 3000, [bytes(64)] * 3000, [b"%d" % i for i in range(3000)])
    assert not asked.valid.any()  # and the set has the tables of its keys, which it makes once
    for i in range(4):
        told(collector, hostile + far, peer=f"peer-{i}")
    kept = collector.kept
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for i in range(10_000 // len(hostile)):
            told(collector, [*hostile, far[i % 3]], peer=f"peer-{i}")
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert (collector.kept, kept) == (2, 2)
    assert after - before < 64 << 10
    assert sum(collector.counts.values()) > 10_000


def test_a_validator_who_votes_for_everything_is_remembered_twice(voters: Voters) -> None:
    collector = collector_of(voters)
    events = told(collector, voters.raws([(0, f"claim-{i}") for i in range(2000)]))
    assert (len(events), collector.kept) == (1, 2)
    assert counted(collector) == {"counted": 1, "equivocation": 1, "conflicting": 1998}


def test_all_that_hostile_validators_can_store_is_bounded() -> None:
    """A third of the set signs for every round, both kinds and three claims, from any number of peers."""
    voters = Voters([1] * 12)
    collector = collector_of(voters)
    hostile = range(4)
    for round_ in range(2, 60):
        lines = [
            (who, claim, H, round_, kind) for who in hostile for claim in "ABC" for kind in ("prevote", "precommit")
        ]
        told(collector, voters.lines(lines), peer=f"peer-{round_}")
    assert len(rounds_of(collector)) <= 2 * len(hostile)
    assert collector.kept <= len(rounds_of(collector)) * 2 * 2 * len(hostile)


def test_long_votes_are_malformed(voters: Voters) -> None:
    collector = collector_of(voters, limits=CollectorLimits(vote_bytes=500))
    extended = voters.raws([(i, "A") for i in range(20)], extensions=True)
    bare = voters.raws([(i, "A") for i in range(20)])
    shortest = min(map(len, extended))
    assert max(map(len, bare)) < shortest
    collector = collector_of(voters, limits=CollectorLimits(vote_bytes=shortest - 1))
    told(collector, extended + bare + extended[:1])
    assert counted(collector) == {"malformed": 21, "counted": 20}


def test_bytes_that_wait_are_copies(voters: Voters) -> None:
    """The caller may reuse its buffer at once."""
    raws = voters.raws([(i, "A") for i in range(40)])
    offsets = np.cumsum([0, *map(len, raws)])
    buffer = bytearray(b"".join(raws))
    collector = collector_of(voters)
    assert collector.add_bytes((buffer, offsets)) == []
    buffer[:] = bytes(len(buffer))
    assert len(collector.flush()) == 1
