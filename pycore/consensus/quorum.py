"""Whether a quorum stands behind a claim: the rule, the count, and the decision. Every chain decides here.

Three steps, each a plain value that can be looked at::

    electorate = Electorate({"a": 10, "b": 20, "c": 30})          who may vote, and with which power
    count = tally(ballots, electorate)                            who counts, for what; who does not, and why
    decide(count, Rule.more_than(2, 3), block_hash).require()     whether that is enough

A chain brings what is particular to it: which messages are votes, the claim of each (a block's hash), a
*flaw* in words for a vote that must not count, what happens to a voter who occurs twice, and objections to
the certificate as a whole. It may tally before signatures are known, verify only those that matter, and
hand the bad ones to :func:`decide` as objections; or verify first and mark the bad ones as flaws. The
former refuses a certificate for one bad signature, the latter counts the others.

How chains map to this, as read in public copies of their code:

    ChainMaker TBFT, DPoS   one vote per validator, ``more_than(2, 3)``; claim: the vote's hash, None for
                            a nil vote; any bad signature is an objection
    ChainMaker MaxBFT       the same rule; an author who is unknown or occurs twice is an objection
    CometBFT                voting power, ``more_than(2, 3)``, in Go's integers ``got > total * 2 / 3``;
                            no ballot for an absent signature, claim None for a nil vote; any bad
                            signature is an objection; ``limit``: its total is at most (2^63 - 1) / 8
    light client            trust level 1/3: ``more_than(1, 3)`` of the trusted set's power; strangers are
                            ignored, a validator who occurs twice is refused
    FISCO BCOS PBFT         weights, ``more_than(2, 3)``: the same as its ``n - (n - 1) / 3`` for every n, and
                            2 f + 1 of 3 f + 1
    Fabric, OutOf(k, ...)   ``at_least(k)`` over the principals that a signature satisfies, bad signatures
                            being flaws; a nested policy is a decision by itself, and votes in the outer
                            one if reached
    Fabric, ImplicitMeta    ANY: ``at_least(1)``, MAJORITY: ``more_than(1, 2)``, ALL: ``at_least(1, 1)``.
                            Over no organizations at all Fabric says yes and this says no; the caller has
                            to answer that

Numbers are Python's integers: exact at any size, so nothing rounds and nothing wraps.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from pycore.base.columns import quote
from pycore.errors import InputError, LengthError, QuorumNotReached

INT64_MAX = (1 << 63) - 1

UNKNOWN_VOTER = "not a validator"
COUNTED_ALREADY = "this voter is counted already"
NO_CLAIM = "a vote for nothing"
ANOTHER_CLAIM = "a vote for something else"


# ---- the rule --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """How much is enough. Made by :meth:`more_than` and :meth:`at_least`.

    Attributes:
        comparison: "more than" or "at least".
        numerator, denominator: the share of the total; with `denominator` None, `numerator` is an amount.

    >>> [Rule.more_than(2, 3).needed(n) for n in (1, 3, 4, 7)]
    [1, 3, 3, 5]
    >>> for rule in (Rule.at_least(1, 2), Rule.at_least(4)):
    ...     print(rule, "of 5 is", rule.needed(5))
    at least 1/2 of 5 is 3
    at least 4 of 5 is 4
    """

    comparison: str
    numerator: int
    denominator: int | None = None

    def __post_init__(self) -> None:
        if self.comparison not in ("more than", "at least"):
            raise InputError("comparison", quote(self.comparison), "'more than' or 'at least'")
        lowest = 1 if self.comparison == "at least" else 0
        _whole("numerator", self.numerator, lowest)  # at least nothing: every certificate would meet it
        if self.denominator is not None:
            _whole("denominator", self.denominator, 1)
            if self.numerator > self.denominator:
                raise InputError("numerator", quote(self.numerator), f"at most the denominator, {self.denominator}")

    @classmethod
    def more_than(cls, numerator: int, denominator: int | None = None) -> Rule:
        """More than a share of the total, or than an amount. InputError on a share above 1 or below 0."""
        return cls("more than", numerator, denominator)

    @classmethod
    def at_least(cls, numerator: int, denominator: int | None = None) -> Rule:
        """At least a share of the total, or an amount. InputError on a share above 1, or on 0."""
        return cls("at least", numerator, denominator)

    def needed(self, total: int) -> int:
        """The smallest power that is enough: at least 1, so that nobody at all is never a quorum.

        It may be above `total`; then nothing is enough.
        """
        whole, rest = (self.numerator, 0) if self.denominator is None else divmod(
            self.numerator * total, self.denominator
        )  # fmt: skip
        return max(1, whole + 1 if self.comparison == "more than" or rest else whole)

    def __str__(self) -> str:
        share = "" if self.denominator is None else f"/{self.denominator}"
        return f"{self.comparison} {self.numerator}{share}"


# ---- who may vote ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Electorate:
    """Who may vote, each with a power from 0 up; a copy is kept.

    Args:
        powers: voter -> power; a voter is anything hashable: an address, a name, a position.
        limit: the largest total that the chain can hold (2^63 - 1 where power is a signed 64-bit integer).

    Raises:
        InputError: a power that is no integer or below 0, or a total above `limit`.

    >>> Electorate({"a": 10, "b": 20}).total, Electorate.equal(["a", "b", "c"]).total
    (30, 3)
    """

    powers: Mapping[Hashable, int]
    limit: int = INT64_MAX
    total: int = field(init=False)

    def __post_init__(self) -> None:
        powers = dict(self.powers)
        if {*map(type, powers.values())} - {int} or min(powers.values(), default=0) < 0:
            powers = {voter: _whole(f"powers[{quote(voter)}]", power, 0) for voter, power in powers.items()}
        total = sum(powers.values())
        if total > _whole("limit", self.limit, 0):
            raise InputError("powers", f"a sum of {total}", f"at most {self.limit}")
        object.__setattr__(self, "powers", MappingProxyType(powers))
        object.__setattr__(self, "total", total)

    @classmethod
    def equal(cls, voters: Iterable[Hashable]) -> Electorate:
        """One vote for every voter; a voter listed twice has one."""
        return cls(dict.fromkeys(voters, 1))


# ---- counting --------------------------------------------------------------------------------------------------------


Ballot = tuple[Hashable, Hashable, str]
"""What the count takes of a vote, (voter, claim, flaw). A bare tuple: there may be thousands of them.

    voter   a key of the electorate, or a stranger
    claim   what the vote is for, such as a block's hash; None for nothing (a nil vote): it uses up the voter
    flaw    why the vote does not count, in words; "" where it does. A flawed vote does not use up the voter
"""


class BallotColumns(Sequence[Ballot]):
    """Ballots in three columns of one length, made when they are looked at one by one."""

    __slots__ = ("claims", "flaws", "voters")

    def __init__(self, voters: Sequence[Hashable], claims: Sequence[Hashable], flaws: Sequence[str]) -> None:
        self.voters, self.claims, self.flaws = tuple(voters), tuple(claims), tuple(flaws)
        if not len(self.voters) == len(self.claims) == len(self.flaws):
            raise LengthError(
                "claims", f"{len(self.claims)}, and {len(self.flaws)} flaws", f"{len(self.voters)} of both"
            )

    def __len__(self) -> int:
        return len(self.voters)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self)[index]
        return self.voters[index], self.claims[index], self.flaws[index]

    def __iter__(self) -> Iterator[Ballot]:
        return zip(self.voters, self.claims, self.flaws, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, BallotColumns)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Ignored(NamedTuple):
    """A vote that does not count: its position among the ballots, who cast it, and why, in words."""

    position: int
    voter: Hashable
    reason: str


class Repeat(Enum):
    """What becomes of a voter's second vote."""

    IGNORED = "ignored"
    """The first vote that can count does, the others do not."""
    COUNTED = "counted"
    """It counts once more: only for chains that are known to do so."""
    REFUSED = "refused"
    """The certificate falls, whatever the two votes say, flawed or not."""


Repeats = Callable[[int, int], Repeat]
"""Positions of a voter's previous vote and of the one at hand -> what becomes of the latter."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Who counts, and for what.

    Attributes:
        electorate, ballots: what was counted.
        power: claim -> power of the votes that count for it.
        counted: positions of the ballots that count, for whatever claim.
        ignored: the others, in order.
        refused: (earlier, later) positions of votes by one voter that :attr:`Repeat.REFUSED` was said of.
    """

    electorate: Electorate
    ballots: Sequence[Ballot]
    power: Mapping[Hashable, int]
    counted: tuple[int, ...]
    ignored: tuple[Ignored, ...]
    refused: tuple[tuple[int, int], ...]

    def winner(self, rule: Rule) -> Any:
        """The claim with the most power if that is enough, else None."""
        best = max(self.power, key=self.power.__getitem__, default=None)
        return best if best is not None and self.power[best] >= rule.needed(self.electorate.total) else None


def tally(ballots: Iterable[Ballot], electorate: Electorate, *, repeats: Repeat | Repeats = Repeat.IGNORED) -> Tally:
    """Count the votes for every claim in one pass. A voter counts once, not once for each claim.

    Args:
        ballots: the votes, in the order in which the chain looks at them.
        electorate: who may vote.
        repeats: what becomes of a voter's further votes, always or by the positions of the two.

    >>> votes = [("a", 7, ""), ("b", 8, ""), ("a", 8, ""), ("z", 7, ""), ("c", None, "")]
    >>> count = tally(votes, Electorate({"a": 10, "b": 20, "c": 30}))
    >>> dict(count.power), count.counted
    ({7: 10, 8: 20}, (0, 1))
    >>> [f"{vote.voter}: {vote.reason}" for vote in count.ignored]
    ['a: this voter is counted already', 'z: not a validator', 'c: a vote for nothing']
    """
    ballots = tuple(ballots)
    left = dict(electorate.powers)  # of the voters who are not used up
    power: dict[Hashable, int] = {}
    counted: list[int] = []
    ignored: list[Ignored] = []
    refused: list[tuple[int, int]] = []
    latest: dict[Hashable, int] = {}
    watched = repeats is not Repeat.IGNORED
    for position, (voter, claim, flaw) in enumerate(ballots):
        once_more = False
        if watched:
            previous = latest.get(voter)
            latest[voter] = position
            if previous is not None:
                fate = repeats if isinstance(repeats, Repeat) else repeats(previous, position)
                once_more = fate is Repeat.COUNTED
                if fate is Repeat.REFUSED:
                    refused.append((previous, position))
        if flaw:
            ignored.append(Ignored(position, voter, flaw))
            continue
        weight = left.pop(voter, None)
        if weight is None and once_more:
            weight = electorate.powers.get(voter)
        if weight is None:
            reason = COUNTED_ALREADY if voter in electorate.powers else UNKNOWN_VOTER
            ignored.append(Ignored(position, voter, reason))
        elif claim is None:
            ignored.append(Ignored(position, voter, NO_CLAIM))
        else:
            counted.append(position)
            power[claim] = power.get(claim, 0) + weight
    return Tally(electorate, ballots, MappingProxyType(power), tuple(counted), tuple(ignored), tuple(refused))


def tally_columns(
    voters: Sequence[Hashable],
    claims: Sequence[Hashable],
    flaws: Sequence[str],
    electorate: Electorate,
    *,
    repeats: Repeat | Repeats = Repeat.IGNORED,
) -> Tally:
    """:func:`tally` of ballots in three columns, without a step for each vote in the usual case: nothing is wrong with
    any, voters are known and occur once, and all that vote for something vote for the same. LengthError: columns of
    different lengths.

    >>> count = tally_columns([0, 2, 1], [7, 7, None], ["", "", ""], Electorate.equal(range(4)))
    >>> dict(count.power), count.counted, count == tally(count.ballots, count.electorate)
    ({7: 2}, (0, 1), True)
    """
    ballots = BallotColumns(voters, claims, flaws)
    voters, claims = ballots.voters, ballots.claims
    nil = claims.count(None)
    claim = claims[0] if claims and not nil else next((one for one in claims if one is not None), None)
    alike = claim is not None and claims.count(claim) + nil == len(claims)
    if not alike or any(flaws) or len({*voters}) < len(voters):
        return tally(ballots, electorate, repeats=repeats)
    try:
        weights = [*map(electorate.powers.__getitem__, voters)]
    except KeyError:
        return tally(ballots, electorate, repeats=repeats)
    counted = tuple(range(len(ballots)))
    power = sum(weights)
    ignored: tuple[Ignored, ...] = ()
    if nil:
        for_nothing = [i for i, one in enumerate(claims) if one is None]
        power -= sum([weights[i] for i in for_nothing])
        ignored = tuple([Ignored(i, voters[i], NO_CLAIM) for i in for_nothing])
        counted = tuple([i for i, one in enumerate(claims) if one is not None])
    return Tally(electorate, ballots, MappingProxyType({claim: power}), counted, ignored, ())


# ---- deciding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a claim has a quorum.

    Attributes:
        got: the power behind the claim; 0 where there are objections.
        needed: the smallest power that is enough.
        total: the power of the whole electorate.
        counted: the voters behind the claim, in the ballots' order; nobody where there are objections.
        ignored: the votes that do not count for the claim, in order, each with the reason.
        objections: why the certificate falls whatever its votes say, in words.
    """

    got: int
    needed: int
    total: int
    counted: tuple[Hashable, ...]
    ignored: tuple[Ignored, ...]
    objections: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether it is enough."""
        return self.got >= self.needed

    def require(self) -> None:
        """Return if the quorum is reached; else raise QuorumNotReached(got, needed)."""
        if not self.reached:
            raise QuorumNotReached(self.got, self.needed)


def decide(count: Tally, rule: Rule, claim: Hashable, *, objections: Iterable[str] = ()) -> Decision:
    """Whether the votes for a claim are enough.

    Args:
        count: from :func:`tally`.
        rule: how much is enough.
        claim: what a quorum is asked for; None is never reached.
        objections: why the certificate falls, in words: one is enough. The tally's refused repeats are added.

    >>> count = tally([("a", 7, ""), ("b", 7, ""), ("c", 8, "")], Electorate.equal("abcd"))
    >>> decision = decide(count, Rule.more_than(2, 3), 7)
    >>> decision.reached, decision.got, decision.needed, decision.total, decision.counted
    (False, 2, 3, 4, ('a', 'b'))
    >>> decide(count, Rule.at_least(1, 2), 7, objections=["the signature of 'b' does not verify"]).reached
    False
    """
    against = [f"votes {first} and {again} are by one voter" for first, again in count.refused]
    against += objections
    ballots = count.ballots
    if [*count.power] == [claim]:
        voters = ballots.voters if isinstance(ballots, BallotColumns) else [ballot[0] for ballot in ballots]
        whole = len(count.counted) == len(voters)
        behind = tuple(voters) if whole else tuple([voters[i] for i in count.counted])
    else:
        behind = tuple([ballots[i][0] for i in count.counted if ballots[i][1] == claim])
    ignored = list(count.ignored)
    if len(behind) < len(count.counted):
        ignored += (Ignored(i, ballots[i][0], ANOTHER_CLAIM) for i in count.counted if ballots[i][1] != claim)
        ignored.sort(key=itemgetter(0))
    return Decision(
        got=0 if against else count.power.get(claim, 0),
        needed=rule.needed(count.electorate.total),
        total=count.electorate.total,
        counted=() if against else behind,
        ignored=tuple(ignored),
        objections=tuple(against),
    )


class RunningTally:
    """A tally that takes one ballot at a time, for votes that arrive over hours: :func:`tally` with
    :attr:`Repeat.IGNORED`, and :func:`decide` at any moment.

    It remembers who counts and for what, and nothing of the ballots that do not: a million of them cost no memory.
    Their reasons are what :meth:`add` returns.

    Args:
        electorate: who may vote.
        rule: how much is enough.

    Attributes:
        needed: the smallest power that is enough.
        voted: power of those who are used up, for whatever claim or none.

    >>> count = RunningTally(Electorate({"a": 10, "b": 20, "c": 30}), Rule.more_than(2, 3))
    >>> [count.add(*ballot) for ballot in [("a", 7, ""), ("a", 8, ""), ("c", 7, "")]]
    ['', 'this voter is counted already', '']
    >>> count.got(7), count.reached(7), count.add("b", 7), count.reached(7)
    (40, False, '', True)
    """

    __slots__ = ("_claims", "_power", "_powers", "electorate", "needed", "voted")

    def __init__(self, electorate: Electorate, rule: Rule) -> None:
        self.electorate = electorate
        self.needed = rule.needed(electorate.total)
        self._powers = electorate.powers
        self._claims: dict[Hashable, Hashable] = {}  # voter -> claim, of those who are used up, in order
        self._power: dict[Hashable, int] = {}
        self.voted = 0

    def add(self, voter: Hashable, claim: Hashable, flaw: str = "") -> str:
        """Take a ballot: "" where it counts, else why it does not, in words."""
        if flaw:
            return flaw
        if voter in self._claims:
            return COUNTED_ALREADY
        weight = self._powers.get(voter)
        if weight is None:
            return UNKNOWN_VOTER
        self._claims[voter] = claim
        self.voted += weight
        if claim is None:
            return NO_CLAIM
        self._power[claim] = self._power.get(claim, 0) + weight
        return ""

    @property
    def power(self) -> Mapping[Hashable, int]:
        """Claim -> power of the votes that count for it so far."""
        return MappingProxyType(self._power)

    def got(self, claim: Hashable) -> int:
        """The power behind a claim so far."""
        return self._power.get(claim, 0)

    def reached(self, claim: Hashable) -> bool:
        """Whether that is enough; None is never reached."""
        return self._power.get(claim, 0) >= self.needed

    def decide(self, claim: Hashable) -> Decision:
        """The decision about a claim, with nothing in `ignored`."""
        behind = () if claim is None else tuple(voter for voter, one in self._claims.items() if one == claim)
        return Decision(self.got(claim), self.needed, self.electorate.total, behind, ())


def _whole(name: str, value: object, lowest: int) -> int:
    """The value as a Python integer, or InputError."""
    if type(value) is int and value >= lowest:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < lowest:
        raise InputError(name, quote(value), f"an integer of {lowest} or more")
    return int(value)
