"""The collector of votes: what each vote is called, what is told, which rounds open, what is remembered."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiny_chain
from tiny_chain import CHAIN, RULES, Voters

from pycore.consensus import (
    CollectorLimits,
    Equivocation,
    NilQuorum,
    Quorum,
    Validator,
    ValidatorSet,
    Vote,
    VoteCollector,
)
from pycore.errors import InputError

H = 5


@pytest.fixture(autouse=True)
def _chains(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_chain.register(monkeypatch)


@pytest.fixture(params=["tiny", "tiny-columns"])
def voters(request: pytest.FixtureRequest) -> Voters:
    """Forty validators of power 1: more than the number of votes that are read one by one."""
    return Voters([1] * 40, chain=request.param)


def collector_of(voters: Voters, **options: Any) -> VoteCollector:
    return VoteCollector(voters.set, **{"chain_id": CHAIN, "height": H, "threads": 1} | options)


def counted(collector: VoteCollector) -> dict[str, int]:
    return {name: many for name, many in collector.counts.items() if many}


def told(collector: VoteCollector, raws: list[bytes], **options: Any) -> list[Any]:
    return collector.add_bytes(raws, **options) + collector.flush()


# ---- quorum ----------------------------------------------------------------------------------------------------------


def test_a_quorum_is_told_once_and_at_once(voters: Voters) -> None:
    collector = collector_of(voters)
    raws = voters.raws([(i, "A") for i in range(40)])
    assert told(collector, raws[:26]) == []
    (event,) = told(collector, raws[26:27])
    assert event == Quorum(CHAIN, H, 0, "precommit", b"A", 27, 27, 40, tuple(range(27)))
    assert told(collector, raws[27:]) == []
    assert told(collector, raws) == []
    assert counted(collector) == {"counted": 40, "duplicate": 40}
    assert collector.power(H, 0, "precommit") == {b"A": 40}


def test_a_quorum_for_each_height_round_and_kind(voters: Voters) -> None:
    collector = collector_of(voters)
    lines = [(i, "A", H, round_, kind) for round_ in (0, 1) for kind in ("prevote", "precommit") for i in range(27)]
    events = told(collector, voters.lines(lines))
    assert [(one.round, one.kind) for one in events] == [
        (0, "prevote"), (0, "precommit"), (1, "prevote"), (1, "precommit"),
    ]  # fmt: skip


def test_a_quorum_for_nothing_is_another_kind_of_event(voters: Voters) -> None:
    events = told(collector_of(voters), voters.raws([(i, "-") for i in range(40)]))
    assert events == [NilQuorum(CHAIN, H, 0, "precommit", 27, 27, 40, tuple(range(27)))]


def test_power_counts_not_heads() -> None:
    voters = Voters([70, 10, 10, 10])
    collector = collector_of(voters)
    assert [one.got for one in told(collector, voters.raws([(0, "A")]))] == [70]
    collector = collector_of(voters)
    assert told(collector, voters.raws([(i, "A") for i in (1, 2, 3)])) == []


def test_a_lone_vote_is_answered_by_flush() -> None:
    voters = Voters([1])
    collector = collector_of(voters)
    assert collector.add(voters.vote(0, "A")) == []
    assert collector.waiting == 1
    (event,) = collector.flush()
    assert isinstance(event, Quorum)
    assert (collector.waiting, collector.flush()) == (0, [])


def test_votes_of_two_thirds_for_different_claims_are_no_quorum(voters: Voters) -> None:
    collector = collector_of(voters)
    assert told(collector, voters.raws([(i, "AB"[i % 2]) for i in range(40)])) == []
    assert collector.power(H, 0, "precommit") == {b"A": 20, b"B": 20}


# ---- what a vote is called -------------------------------------------------------------------------------------------


def forged(raw: bytes) -> bytes:
    """With another last digit of its signature."""
    return raw[:-1] + (b"1" if raw.endswith(b"0") else b"0")


def named(voters: Voters, name: str) -> list[bytes]:
    """Twenty votes that are called so, whatever the collector has seen; none of them counts."""
    good = voters.raws([(i, "A") for i in range(20)])
    if name == "malformed":
        return [*[raw[:n] for n, raw in enumerate(good[:17])], b"", b"x" * 100_000, b"precommit 5 0 A 0 zz zz"]
    if name == "stranger":
        fields = [raw.split(b" ") for raw in good]
        for i, one in enumerate(fields):
            if i % 3 == 0:
                one[4] = (b"40", b"-1", b"99999999999")[i % 9 // 3]
            elif i % 3 == 1:
                one[5] = voters.set.addresses[i + 1].hex().encode()
            else:
                one[5] = one[5][:-2]
        return [b" ".join(one) for one in fields]
    if name == "bad_signature":
        return [forged(raw) for raw in good[:18]] + [good[18][:-2], good[19] + b"00"]
    place = {"late_height": 3, "future_height": 6}[name]
    return voters.raws([(i, "A") for i in range(20)], height=place)


@pytest.mark.parametrize("name", ["malformed", "stranger", "bad_signature", "late_height", "future_height"])
def test_what_does_not_count_is_counted_by_name(voters: Voters, name: str) -> None:
    collector = collector_of(voters)
    raws = named(voters, name)
    assert told(collector, raws) == []
    assert counted(collector) == {name: 20}
    assert (collector.kept, collector.rounds(H)) == (0, ())
    for raw in raws:  # one by one, and after good ones
        told(collector, [raw])
    good = voters.raws([(i, "A") for i in range(20)])
    told(collector, good + raws)
    assert counted(collector) == {name: 60, "counted": 20}
    assert collector.kept == 20


def test_a_signature_comes_before_evidence(voters: Voters) -> None:
    """A forged vote for something else proves nothing, before or after the good one; nor does it use up the voter."""
    for order in ([1, 0], [0, 1], [1, 1, 0, 1]):
        raws = [voters.raws([(3, "A")])[0], forged(voters.raws([(3, "B")])[0])]
        collector = collector_of(voters)
        assert told(collector, [raws[i] for i in order]) == []
        assert counted(collector) == {"counted": 1, "bad_signature": order.count(1)}


def test_signatures_of_another_chain_are_bad(voters: Voters) -> None:
    collector = collector_of(voters)
    told(collector, voters.raws([(i, "A") for i in range(20)], chain_id="tiny-2"))
    assert counted(collector) == {"bad_signature": 20}
    collector.add(voters.vote(1, "A", chain_id="tiny-2"))
    collector.flush()
    assert collector.counts["other_chain"] == 1


def test_a_vote_whose_scheme_is_not_built_never_counts(voters: Voters) -> None:
    odd = Validator(b"k" * 32, 100, "odd")
    validators = ValidatorSet([*voters.set.validators, odd], chain=voters.set.chain)
    line = f"precommit {H} 0 A 40 {validators.addresses[40].hex()} {'00' * 64}".encode()
    collector = VoteCollector(validators, chain_id=CHAIN, height=H)
    assert told(collector, [line] * 20 + [line]) == []
    assert counted(collector) == {"unsupported": 21}


def test_repeated_votes(voters: Voters) -> None:
    """The same claim with another signature: here a second good signature is the first with other bytes around it."""
    (raw,) = voters.raws([(0, "A")], extensions=True)
    (bare,) = voters.raws([(0, "A")])
    collector = collector_of(voters)
    told(collector, [bare, raw, bare, raw])
    assert counted(collector) == {"counted": 1, "repeated": 2, "duplicate": 1}
    assert collector.kept == 1


def test_every_vote_is_watched(voters: Voters) -> None:
    seen: list[tuple[Any, str, int]] = []
    collector = collector_of(voters, watch=lambda *one: seen.append(one))
    good = voters.raws([(i, "A") for i in range(20)])
    collector.add_bytes(good, peer="p")
    collector.add_bytes([forged(raw) for raw in good], peer="q")
    collector.flush()
    assert sorted(seen) == [("p", "counted", 20), ("q", "bad_signature", 20)]


# ---- equivocation ----------------------------------------------------------------------------------------------------


def test_two_votes_are_evidence_that_verifies_by_itself(voters: Voters) -> None:
    collector = collector_of(voters)
    raws = voters.raws([(7, "A"), (7, "B"), (7, "-"), (7, "A"), (7, "B"), (7, "C")])
    (event,) = told(collector, raws)
    assert isinstance(event, Equivocation)
    assert counted(collector) == {"counted": 1, "equivocation": 1, "conflicting": 2, "duplicate": 2}
    assert (event.first.claim, event.second.claim, event.validator) == (b"A", b"B", voters.set.validators[7])
    report = event.verify()
    assert report.valid
    assert report.complete
    again = voters.set.rules.read_equivocation(event.to_bytes(1234), "wire", chain_id=CHAIN)
    assert {*again} == {event.first, event.second}
    assert collector.power(H, 0, "precommit") == {b"A": 1}


@pytest.mark.parametrize(
    ("failed", "change"),
    [
        ("signatures", {"signature": bytes(64)}),
        ("read", {"signature": bytes(64)}),
        ("read", {"message": b"another"}),
        ("read", {"raw": b"no vote"}),
        ("read", {"claim": b"Z"}),
        ("claims", {"claim": b"A"}),
        ("same_place", {"height": 6}),
        ("same_place", {"round": 1}),
        ("same_place", {"kind": "prevote"}),
        ("same_place", {"chain_id": "tiny-2"}),
        ("validator", {"position": 8}),
        ("validator", {"address": b"12345678"}),
    ],
)
def test_evidence_that_does_not_verify(failed: str, change: dict[str, Any]) -> None:
    voters = Voters([1] * 10)
    (event,) = told(collector_of(voters), voters.raws([(7, "A"), (7, "B")]))
    for which in ("first", "second"):
        if failed == "claims" and which == "first":
            continue
        report = replace(event, **{which: replace(getattr(event, which), **change)}).verify()
        assert not (report.valid and report.complete)
        assert report.check(failed).ok is False


def test_evidence_about_somebody_else_does_not_verify() -> None:
    voters = Voters([1] * 10)
    (event,) = told(collector_of(voters), voters.raws([(7, "A"), (7, "B")]))
    assert not replace(event, validator=voters.set.validators[6]).verify().valid
    assert not replace(event, validators=Voters([1] * 10, seed=2).set).verify().valid
    bare = replace(event, first=replace(event.first, raw=b"")).verify()
    assert bare.check("read").ok is None
    assert not bare.complete


def test_readers_that_disagree_make_no_evidence(voters: Voters, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of many said one thing, that of one vote another: nothing is claimed about anybody."""
    if voters.set.chain == "tiny":
        pytest.skip("a chain with one reader")
    collector = collector_of(voters)
    told(collector, voters.raws([(i, "A") for i in range(20)]))
    rules = type(voters.set.rules)
    read = rules.read_vote

    def other(self: Any, data: Any, form: str, *, chain_id: str) -> Vote:
        vote = read(self, data, form, chain_id=chain_id)
        return replace(vote, round=vote.round + 1) if vote.claim == b"B" else vote

    monkeypatch.setattr(rules, "_read", lambda self, record, chain_id: read(self, record, "wire", chain_id=chain_id))
    monkeypatch.setattr(rules, "read_vote", other)
    assert told(collector, voters.raws([(i, "B") for i in range(6)] + [(i, "A") for i in range(6, 20)])) == []
    assert counted(collector) == {"counted": 20, "malformed": 6, "duplicate": 14}


# ---- extensions ------------------------------------------------------------------------------------------------------


def test_extensions_must_hold(voters: Voters) -> None:
    good = voters.raws([(i, "A") for i in range(20)], extensions=True)
    bad = []
    for raw in good:
        parts = raw.split(b" ")
        parts[-2] = forged(parts[-2])
        bad.append(b" ".join(parts))
    bare = voters.raws([(i, "A") for i in range(20)])
    for wanted, raws, name in [
        (None, good, "counted"), (None, bare, "counted"), (None, bad, "bad_extension"),
        (True, good, "counted"), (True, bare, "bad_extension"), (True, bad, "bad_extension"),
        (False, good, "bad_extension"), (False, bare, "counted"), (False, bad, "bad_extension"),
    ]:  # fmt: skip
        collector = collector_of(voters, extensions=wanted)
        told(collector, raws)
        for raw in raws[:2]:
            told(collector, [raw])
        assert collector.counts[name] == 20 + 2 * (name != "counted"), (wanted, name)
        assert collector.counts["duplicate"] == 2 * (name == "counted")


def test_only_votes_that_decide_have_extensions(voters: Voters) -> None:
    for kind, claim, extended, fits in [
        ("precommit", "A", True, True), ("precommit", "-", True, False), ("precommit", "-", False, True),
        ("prevote", "A", True, False), ("prevote", "A", False, True),
    ]:  # fmt: skip
        collector = collector_of(voters, extensions=True)
        told(collector, voters.raws([(i, claim) for i in range(20)], kind=kind, extensions=extended))
        assert counted(collector) == {"counted" if fits else "bad_extension": 20}, (kind, claim)


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


# ---- what can be asked -----------------------------------------------------------------------------------------------


def test_votes_for_a_certificate(voters: Voters) -> None:
    collector = collector_of(voters)
    told(collector, voters.raws([(i, "A") for i in range(30, 3, -1)] + [(2, "B"), (5, "B"), (1, "-")]))
    votes = collector.votes(H, 0, "precommit")
    assert [vote.position for vote in votes] == [1, 2, *range(4, 31)]
    assert [vote for vote in votes if vote.claim == b"A"] == [voters.vote(i, "A") for i in range(4, 31)]
    assert collector.power(H, 0, "precommit") == {b"A": 27, b"B": 1, None: 1}
    assert collector.votes(H, 1, "precommit") == collector.votes(9, 0, "precommit") == []
    assert collector.power(9, 0, "prevote") == {}


def test_values_and_bytes_are_the_same() -> None:
    voters = Voters([1] * 10)
    raws = voters.raws([(i, "A") for i in range(10)] + [(3, "B"), (3, "A")])
    by_bytes, by_value = collector_of(voters), collector_of(voters)
    events = told(by_bytes, raws)
    votes = [RULES.read_vote(raw, "wire", chain_id=CHAIN) for raw in raws]
    assert by_value.add(votes) + by_value.flush() == events
    assert by_value.counts == by_bytes.counts
    assert by_value.votes(H, 0, "precommit") == by_bytes.votes(H, 0, "precommit")


# ---- malformed calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("validators", lambda v: VoteCollector([1], chain_id=CHAIN, height=1)),
        ("chain_id", lambda v: VoteCollector(v.set, chain_id=b"x", height=1)),
        ("height", lambda v: VoteCollector(v.set, chain_id=CHAIN, height=0)),
        ("height", lambda v: VoteCollector(v.set, chain_id=CHAIN, height="5")),
        ("round", lambda v: VoteCollector(v.set, chain_id=CHAIN, height=1, round=-1)),
        ("extensions", lambda v: VoteCollector(v.set, chain_id=CHAIN, height=1, extensions="yes")),
        ("threads", lambda v: VoteCollector(v.set, chain_id=CHAIN, height=1, threads=-1)),
        ("batch", lambda v: CollectorLimits(batch=0)),
        ("delay", lambda v: CollectorLimits(delay=-1.0)),
        ("delay", lambda v: CollectorLimits(delay=float("nan"))),
        ("rounds_opened", lambda v: CollectorLimits(rounds_opened=1.5)),
        ("round", lambda v: collector_of(v).move_to_round(-1)),
        ("votes", lambda v: collector_of(v).add_bytes("text")),
        ("votes[1]", lambda v: collector_of(v).add([v.vote(0, "A"), b"x"])),
        ("vote", lambda v: collector_of(v).offer("x")),
        ("votes[0].height", lambda v: collector_of(v).add(replace(v.vote(0, "A"), height="5"))),
        ("votes[0].position", lambda v: collector_of(v).add(replace(v.vote(0, "A"), position=1.0))),
        ("votes[0].claim", lambda v: collector_of(v).add(replace(v.vote(0, "A"), claim="A"))),
        ("votes[0].kind", lambda v: collector_of(v).add(replace(v.vote(0, "A"), kind=1))),
        ("votes[0].message", lambda v: collector_of(v).add(replace(v.vote(0, "A"), message=None))),
        ("votes[0].extensions", lambda v: collector_of(v).add(replace(v.vote(0, "A"), extensions=((b"x",),)))),
    ],
)
def test_malformed_calls(field: str, call: Any) -> None:
    with pytest.raises(InputError) as caught:
        call(Voters([1] * 3))
    assert caught.value.field == field


def test_a_malformed_call_takes_no_vote() -> None:
    voters = Voters([1] * 3)
    collector = collector_of(voters)
    with pytest.raises(InputError):
        collector.add([voters.vote(0, "A"), b"x"])  # type: ignore[list-item]
    assert collector.waiting == 0


def test_an_exception_does_not_stop_the_others(voters: Voters, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch that it ended is counted as such, and the collector goes on."""
    collector = collector_of(voters)
    raws = voters.raws([(i, "A") for i in range(40)])
    collector.add_bytes(raws[:3])
    with monkeypatch.context() as patched:
        patched.setattr(ValidatorSet, "verify", lambda *args, **options: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            collector.flush()
    assert counted(collector) == {"unverified": 3}
    assert len(told(collector, raws)) == 1
