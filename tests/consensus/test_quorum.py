"""The quorum rule, the tally and the decision, against oracles in fractions that try every small case."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from collections.abc import Hashable, Iterator
from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.consensus import (
    ANOTHER_CLAIM,
    COUNTED_ALREADY,
    INT64_MAX,
    NO_CLAIM,
    UNKNOWN_VOTER,
    Ballot,
    Electorate,
    Repeat,
    Repeats,
    Rule,
    RunningTally,
    decide,
    tally,
    tally_columns,
)

UINT64_MAX = (1 << 64) - 1
TWO_THIRDS = Rule.more_than(2, 3)
SHARES = [(n, d) for d in range(1, 8) for n in range(d + 1)]
AMOUNTS = range(6)


def vote(voter: Hashable, claim: Hashable, flaw: str = "") -> Ballot:
    return voter, claim, flaw


def every_rule() -> Iterator[Rule]:
    for share in (*SHARES, *((amount, None) for amount in AMOUNTS)):
        yield Rule.more_than(*share)
        if share[0]:
            yield Rule.at_least(*share)


def is_enough(rule: Rule, power: int, total: int) -> bool:
    """The rule as one reads it; no power at all is never enough."""
    bound = Fraction(rule.numerator, rule.denominator or 1) * (1 if rule.denominator is None else total)
    return power > 0 and (power > bound if rule.comparison == "more than" else power >= bound)


# ---- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", list(every_rule()), ids=str)
def test_a_rule_is_what_it_says(rule: Rule) -> None:
    for total in range(40):
        needed = rule.needed(total)
        for power in range(total + 3):
            assert (power >= needed) == is_enough(rule, power, total), (power, total)


@given(st.integers(0, UINT64_MAX), st.integers(1, UINT64_MAX), st.data())
def test_rules_do_not_round(total: int, denominator: int, data: st.DataObject) -> None:
    """Products of two 64-bit numbers, and every power next to the bound."""
    numerator = data.draw(st.integers(1, denominator))
    for rule in (Rule.more_than(numerator, denominator), Rule.at_least(numerator, denominator)):
        needed = rule.needed(total)
        assert is_enough(rule, needed, total)
        assert not is_enough(rule, needed - 1, total)


@given(st.one_of(st.integers(1, 300), st.integers(1, UINT64_MAX)))
def test_the_formulas_of_the_chains(n: int) -> None:
    assert TWO_THIRDS.needed(n) == 2 * n // 3 + 1  # ChainMaker; CometBFT: got > total * 2 / 3
    assert TWO_THIRDS.needed(n) == n - (n - 1) // 3  # FISCO BCOS
    assert TWO_THIRDS.needed(3 * n + 1) == 2 * n + 1  # f = n
    assert Rule.more_than(1, 3).needed(n) == n // 3 + 1  # a light client's trust level
    assert Rule.more_than(1, 2).needed(n) == n // 2 + 1  # Fabric: MAJORITY
    assert Rule.at_least(1, 1).needed(n) == n
    assert Rule.at_least(n).needed(0) == n


def test_rules_are_values() -> None:
    assert Rule.more_than(2, 3) == TWO_THIRDS != Rule.at_least(2, 3)
    assert len({Rule.at_least(3), Rule.at_least(3), Rule.more_than(3)}) == 2
    assert [str(rule) for rule in (TWO_THIRDS, Rule.at_least(4))] == ["more than 2/3", "at least 4"]
    with pytest.raises(FrozenInstanceError):
        TWO_THIRDS.numerator = 0  # type: ignore[misc]


# ---- deciding, over all small electorates ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(5))
def test_every_assignment_of_power_to_a_small_set(size: int) -> None:
    """All powers from 0 to 3, all subsets of voters, as many rules as matter."""
    rules = [TWO_THIRDS, Rule.more_than(1, 3), Rule.more_than(1, 2), Rule.at_least(2, 3), Rule.at_least(1, 1)]
    rules += [Rule.at_least(1), Rule.at_least(3), Rule.more_than(4)]
    for powers in itertools.product(range(4), repeat=size):
        electorate = Electorate(dict(enumerate(powers)))
        for chosen in range(1 << size):
            voters = tuple(voter for voter in range(size) if chosen >> voter & 1)
            count = tally([vote(voter, "block") for voter in voters], electorate)
            got = sum(powers[voter] for voter in voters)
            for rule in rules:
                found = decide(count, rule, "block")
                assert (found.got, found.total) == (got, sum(powers))
                assert (found.counted, found.ignored) == (voters, ())
                assert found.reached == is_enough(rule, got, sum(powers)), (powers, voters, rule)


VOTES = list(itertools.product("abz", ("x", "y", None), ("", "bad signature")))
POWERS = {"a": 2, "b": 3}


def plain_tally(ballots: tuple[Ballot, ...], repeats: Repeat) -> tuple[dict[Hashable, int], dict[int, str], bool]:
    """(power by claim, reasons of the votes that do not count, whether the certificate is refused)."""
    power: dict[Hashable, int] = {}
    reasons = {}
    for position, (voter, claim, flaw) in enumerate(ballots):
        spent = any(other == voter and not wrong for other, _, wrong in ballots[:position])
        if flaw:
            reasons[position] = flaw
        elif voter not in POWERS:
            reasons[position] = UNKNOWN_VOTER
        elif spent and repeats is not Repeat.COUNTED:
            reasons[position] = COUNTED_ALREADY
        elif claim is None:
            reasons[position] = NO_CLAIM
        else:
            power[claim] = power.get(claim, 0) + POWERS[voter]
    names = [voter for voter, _, _ in ballots]
    return power, reasons, repeats is Repeat.REFUSED and len(set(names)) < len(names)


@pytest.mark.parametrize("repeats", list(Repeat))
@pytest.mark.parametrize("size", range(4))
def test_every_short_sequence_of_votes(size: int, repeats: Repeat) -> None:
    """Known and unknown voters, two claims and none, flawed and not, in any order, with repeats."""
    electorate = Electorate(POWERS)
    for ballots in itertools.product(VOTES, repeat=size):
        count = tally(ballots, electorate, repeats=repeats)
        power, reasons, refused = plain_tally(ballots, repeats)
        assert count.power == power
        assert {vote.position: vote.reason for vote in count.ignored} == reasons
        assert all(vote.voter == ballots[vote.position][0] for vote in count.ignored)
        assert sorted([*count.counted, *reasons]) == list(range(size))
        assert bool(count.refused) == refused
        winners = {claim for claim in power if is_enough(TWO_THIRDS, power[claim], 5)}
        assert count.winner(TWO_THIRDS) == next(iter(winners), None)
        found = decide(count, TWO_THIRDS, "x")
        assert found.got == (0 if refused else power.get("x", 0))
        assert found.reached == (not refused and "x" in winners)
        behind = tuple(ballots[i][0] for i in count.counted if ballots[i][1] == "x")
        assert found.counted == (() if refused else behind)
        others = {i: ANOTHER_CLAIM for i in count.counted if ballots[i][1] != "x"}
        assert [(i, reason) for i, _, reason in found.ignored] == sorted((reasons | others).items())


def test_the_empty_set_never_has_a_quorum() -> None:
    for electorate in (Electorate({}), Electorate({"a": 0, "b": 0}), Electorate.equal([])):
        for rule in every_rule():
            count = tally([vote("a", "x"), vote("b", "x")], electorate)
            found = decide(count, rule, "x")
            assert not found.reached
            assert (found.got, found.total) == (0, 0)
            assert found.needed >= 1
            assert count.winner(rule) is None
            assert not decide(tally([], Electorate.equal("abc")), rule, "x").reached


def test_nothing_is_never_decided_on() -> None:
    """Votes for nothing have no quorum, however many they are."""
    count = tally([vote(voter, None) for voter in "abcd"], Electorate.equal("abcd"))
    assert (count.winner(Rule.at_least(1)), count.power) == (None, {})
    assert not decide(count, Rule.at_least(1), None).reached


def test_a_voter_without_power_counts_and_adds_nothing() -> None:
    found = decide(tally([vote("a", 1), vote("b", 1)], Electorate({"a": 0, "b": 2})), TWO_THIRDS, 1)
    assert (found.got, found.counted, found.reached) == (2, ("a", "b"), True)


# ---- repeats ---------------------------------------------------------------------------------------------------------


def test_a_flawed_vote_does_not_use_up_the_voter() -> None:
    votes = [vote("a", 1, "bad signature"), vote("a", 1), vote("a", 1)]
    count = tally(votes, Electorate.equal("a"))
    assert count.counted == (1,)
    assert [vote.reason for vote in count.ignored] == ["bad signature", COUNTED_ALREADY]


def test_repeats_by_position() -> None:
    """The predicate sees the voter's previous vote and this one, for every repeat."""
    seen: list[tuple[int, int]] = []

    def fate(previous: int, again: int) -> Repeat:
        seen.append((previous, again))
        return Repeat.COUNTED if previous == 0 else Repeat.REFUSED

    rule: Repeats = fate
    count = tally([vote(voter, 1) for voter in "abacaz"], Electorate.equal("abc"), repeats=rule)
    assert seen == [(0, 2), (2, 4)]
    assert (count.counted, count.power, count.refused) == ((0, 1, 2, 3), {1: 4}, ((2, 4),))
    found = decide(count, Rule.at_least(1), 1)
    assert (found.reached, found.got, found.counted) == (False, 0, ())
    assert found.objections == ("votes 2 and 4 are by one voter",)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy")), max_size=12))
def test_no_voter_has_more_than_its_power(votes: list[tuple[str, str]]) -> None:
    """Unless a chain counts repeats on purpose, all claims together have at most the total."""
    electorate = Electorate({"a": 1, "b": 5, "c": 7})
    for repeats in (Repeat.IGNORED, Repeat.REFUSED):
        count = tally([vote(*fields) for fields in votes], electorate, repeats=repeats)
        voters = {voter for voter, _ in votes}
        assert sum(count.power.values()) == sum(electorate.powers.get(voter, 0) for voter in voters)


# ---- one ballot at a time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(5))
def test_a_running_tally_is_the_tally(size: int) -> None:
    """After every ballot of every short sequence: the same power, reasons and decisions."""
    electorate = Electorate(POWERS)
    for ballots in itertools.product(VOTES, repeat=size):
        running = RunningTally(electorate, TWO_THIRDS)
        reasons = {i: reason for i, ballot in enumerate(ballots) if (reason := running.add(*ballot))}
        count = tally(ballots, electorate)
        assert running.power == count.power
        assert running.voted == sum(POWERS[voter] for voter in {v for v, _, wrong in ballots if not wrong} & {*POWERS})
        assert reasons == {vote.position: vote.reason for vote in count.ignored}
        for claim in ("x", "y", None):
            found, wanted = running.decide(claim), decide(count, TWO_THIRDS, claim)
            assert dataclasses.replace(found, ignored=wanted.ignored) == wanted
            assert (running.got(claim), running.reached(claim)) == (wanted.got, wanted.reached)


@pytest.mark.parametrize("rule", list(every_rule()), ids=str)
def test_a_running_tally_decides_by_its_rule(rule: Rule) -> None:
    running = RunningTally(Electorate(POWERS), rule)
    ballots = [vote(voter, "x") for voter in POWERS]
    for ballot in ballots:
        running.add(*ballot)
    assert running.reached("x") == decide(tally(ballots, Electorate(POWERS)), rule, "x").reached
    assert not RunningTally(Electorate({}), rule).reached("x")


# ---- objections and outcome ------------------------------------------------------------------------------------------


def test_one_objection_is_enough() -> None:
    count = tally([vote(voter, 1) for voter in "abc"], Electorate.equal("abc"))
    assert decide(count, TWO_THIRDS, 1).reached
    found = decide(count, TWO_THIRDS, 1, objections=(reason for reason in ["votes of another height"]))
    assert not found.reached
    assert (found.got, found.counted, found.objections) == (0, (), ("votes of another height",))
    with pytest.raises(pycore.QuorumNotReached) as caught:
        found.require()
    assert (caught.value.got, caught.value.needed) == (0, 3)


def test_require() -> None:
    electorate = Electorate({"a": 10, "b": 20, "c": 30})
    decide(tally([vote("b", 1), vote("c", 1)], electorate), TWO_THIRDS, 1).require()
    found = decide(tally([vote("a", 1), vote("c", 1)], electorate), TWO_THIRDS, 1)
    with pytest.raises(pycore.QuorumNotReached, match="got 40, needed 41"):
        found.require()
    with pytest.raises(FrozenInstanceError):
        found.got = 41  # type: ignore[misc]


def test_the_winner_has_the_most() -> None:
    """Rules of a half and less can be met by several claims."""
    count = tally([vote("a", "x"), vote("b", "y"), vote("c", "y")], Electorate.equal("abc"))
    assert count.winner(Rule.at_least(1)) == "y"
    assert count.winner(TWO_THIRDS) is None


# ---- large numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [INT64_MAX, UINT64_MAX, INT64_MAX // 8])
def test_totals_at_the_limit(limit: int) -> None:
    electorate = Electorate({"a": limit - 5, "b": 5, "c": 0}, limit=limit)
    assert electorate.total == limit
    count = tally([vote(voter, 1) for voter in "abc"], electorate)
    assert decide(count, Rule.at_least(1, 1), 1).got == limit
    for powers in ({"a": limit - 5, "b": 6}, {"a": limit + 1}, {"a": limit, "b": limit}):
        total = sum(powers.values())
        with pytest.raises(pycore.InputError, match=f"a sum of {total}, wanted at most {limit}"):
            Electorate(powers, limit=limit)


def test_sums_do_not_wrap() -> None:
    """Four powers of 2^63: 0 in 64 bits."""
    powers = dict.fromkeys("abcd", np.uint64(1 << 63))
    for limit in (INT64_MAX, UINT64_MAX):
        with pytest.raises(pycore.InputError, match="powers"):
            Electorate(powers, limit=limit)
    electorate = Electorate(powers, limit=1 << 70)
    found = decide(tally([vote(voter, 1) for voter in "abc"], electorate), TWO_THIRDS, 1)
    assert (found.got, found.needed, found.total) == (3 << 63, (1 << 66) // 3 + 1, 1 << 65)
    assert found.reached


@given(st.lists(st.integers(0, UINT64_MAX), max_size=8), st.data())
def test_large_powers(powers: list[int], data: st.DataObject) -> None:
    electorate = Electorate(dict(enumerate(powers)), limit=1 << 80)
    voters = data.draw(st.lists(st.integers(-1, len(powers)), unique=True))
    got = sum(powers[voter] for voter in voters if 0 <= voter < len(powers))
    count = tally([vote(voter, b"x") for voter in voters], electorate)
    for rule in (TWO_THIRDS, Rule.more_than(1, 3), Rule.at_least(1, 1)):
        found = decide(count, rule, b"x")
        assert found.got == got
        assert found.reached == is_enough(rule, got, sum(powers))


def test_many_voters() -> None:
    electorate = Electorate({voter: voter + 1 for voter in range(50_000)})
    count = tally([vote(voter, voter % 3 == 0) for voter in range(49_999, -1, -1)], electorate)
    assert decide(count, TWO_THIRDS, False).got == sum(v + 1 for v in range(50_000) if v % 3)


# ---- what goes in ----------------------------------------------------------------------------------------------------


def test_an_electorate_keeps_a_copy() -> None:
    powers: dict[Hashable, Any] = {"a": np.int32(2), "b": np.uint64(3)}
    electorate = Electorate(powers)
    powers["a"] = 50
    assert (electorate.powers, electorate.total) == ({"a": 2, "b": 3}, 5)
    assert {type(power) for power in electorate.powers.values()} == {int}
    with pytest.raises(TypeError):
        electorate.powers["a"] = 50  # type: ignore[index]
    assert Electorate.equal(["a", "b", "a"]) == Electorate({"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Electorate({"a": -1}), "powers['a']"),
        (lambda: Electorate({"a": 1.0}), "powers['a']"),
        (lambda: Electorate({"a": True}), "powers['a']"),
        (lambda: Electorate({"a": None}), "powers['a']"),
        (lambda: Electorate({"a": 1}, limit=-1), "limit"),
        (lambda: Electorate({"a": 1}, limit=1.5), "limit"),
        (lambda: Electorate({"a": 2}, limit=1), "powers"),
        (lambda: Rule.more_than(3, 2), "numerator"),
        (lambda: Rule.more_than(-1, 2), "numerator"),
        (lambda: Rule.at_least(0, 2), "numerator"),
        (lambda: Rule.at_least(0), "numerator"),
        (lambda: Rule.at_least(0.5), "numerator"),
        (lambda: Rule.at_least(True), "numerator"),
        (lambda: Rule.more_than(0, 0), "denominator"),
        (lambda: Rule.more_than(1, -2), "denominator"),
        (lambda: Rule("over", 1, 2), "comparison"),
    ],
)
def test_malformed(call: Any, field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert caught.value.field == field


def test_imported_when_first_used_and_without_numba() -> None:
    code = """
import sys, pycore
assert "pycore.consensus" not in sys.modules
room = pycore.consensus
assert not room.decide(room.tally([], room.Electorate({})), room.Rule.at_least(1), 1).reached
assert room.QuorumNotReached is pycore.QuorumNotReached
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([None, 1, 1, 1, 2]), st.sampled_from(["", "", "", "", "bad"])),
        max_size=7,
    ),
    st.sampled_from(list(Repeat)),
)
def test_columns_are_counted_as_ballots_are(ballots: list[tuple[int, int | None, str]], repeats: Repeat) -> None:
    electorate = Electorate({0: 5, 1: 0, 2: 7, 3: 1, 4: 2})
    columns = [list(column) for column in zip(*ballots, strict=True)] if ballots else [[], [], []]
    found = tally_columns(*columns, electorate, repeats=repeats)
    wanted = tally(ballots, electorate, repeats=repeats)
    assert found == wanted
    for claim in (1, 2, None):
        assert decide(found, TWO_THIRDS, claim) == decide(wanted, TWO_THIRDS, claim)


@pytest.mark.parametrize("nil", [0, 1, 3])
def test_plain_columns_are_counted_as_ballots_are(nil: int) -> None:
    electorate = Electorate.equal(range(6))
    claims = [None] * nil + ["block"] * (5 - nil)
    found = tally_columns(range(5), claims, [""] * 5, electorate)
    assert found == tally(zip(range(5), claims, [""] * 5, strict=True), electorate)
    assert dict(found.power) == {"block": 5 - nil}
