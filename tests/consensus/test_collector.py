"""The collector of votes: what each vote is called, what is told, which rounds open, what is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import tiny_chain
from tiny_chain import CHAIN, RULES, H, Voters, collector_of, counted, forged, named, told

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


@pytest.fixture(autouse=True)
def _chains(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_chain.register(monkeypatch)


@pytest.fixture(params=["tiny", "tiny-columns"])
def voters(request: pytest.FixtureRequest) -> Voters:
    """Forty validators of power 1: more than the number of votes that are read one by one."""
    return Voters([1] * 40, chain=request.param)


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


def test_readers_that_disagree_make_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of many said one thing, that of one vote another: nothing is claimed about anybody."""
    voters = Voters([1] * 40, chain="tiny-columns")
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
        ("peer", lambda v: collector_of(v).add_bytes(b"x", peer=[])),
        ("peer", lambda v: collector_of(v).add(v.vote(0, "A"), peer={})),
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


@pytest.mark.parametrize("step", ["_finish", "_count", "_end"])
def test_an_interrupt_anywhere_does_not_stop_the_others(
    voters: Voters, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Ctrl-C comes between any two steps; a batch that lost its place in the order would stop all behind it."""
    collector = collector_of(voters)
    raws = voters.raws([(i, "A") for i in range(40)])
    collector.add_bytes(raws[:3])
    usual, times = getattr(VoteCollector, step), iter([True])

    def interrupted(*arguments: Any) -> Any:
        if next(times, False):
            raise KeyboardInterrupt
        return usual(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(VoteCollector, step, interrupted)
        try:
            collector.flush()
        except KeyboardInterrupt:
            pass
        else:
            pytest.fail("nothing was interrupted")
    assert len(told(collector, raws)) == 1
