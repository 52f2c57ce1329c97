"""The votes of one height: who voted for what in which round, which rounds are open, who voted twice.

Only valid votes come here, so memory is bounded by what validators sign: one vote for each validator, round and kind,
and one more for each who votes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycore.base.columns import quote
from pycore.consensus.events import Equivocation, NilQuorum, Quorum
from pycore.consensus.quorum import RunningTally
from pycore.consensus.vote_batches import Entry, Outcome, ReadVotes
from pycore.consensus.votes import Vote
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from pycore.consensus.events import VoteEvent
    from pycore.consensus.validators import ValidatorSet

__all__ = ["CollectorLimits", "HeightVotes"]

_COUNTED = int(Outcome.COUNTED)
_NIL = "nil"  # how votes for nothing are tallied: as a claim that no bytes equal, since their power is wanted


@dataclass(frozen=True, slots=True)
class CollectorLimits:
    """Bounds of a collector, each an integer of 0 or more unless said otherwise.

    batch                 votes that are verified in one call, 1 or more
    batch_bytes           bytes of such votes, 1 or more
    delay                 seconds (a float) that a vote may wait for others
    vote_bytes            the longest vote, in bytes
    heights_behind        heights before the current one that votes are still taken for. 1, as CometBFT does for
                          precommits that come late
    rounds_ahead          rounds after the current one that are open to everybody. 1, as in CometBFT
    rounds_behind         rounds before the current one that are kept
    rounds_per_peer       further rounds that votes from one peer may open in a height. 2, as in CometBFT
    rounds_per_validator  further rounds that votes of one validator may open: whoever has many addresses has no more
                          keys
    rounds_opened         further rounds that may be open in one height at a time, whoever opened them
    """

    batch: int = 1024
    batch_bytes: int = 8 << 20
    delay: float = 0.005
    vote_bytes: int = 1 << 16
    heights_behind: int = 1
    rounds_ahead: int = 1
    rounds_behind: int = 64
    rounds_per_peer: int = 2
    rounds_per_validator: int = 2
    rounds_opened: int = 128

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            lowest = 1 if name.startswith("batch") else 0
            fits = isinstance(value, (int, float) if name == "delay" else int) and not isinstance(value, bool)
            if not fits or not value >= lowest:
                raise InputError(name, quote(value), f"a number of {lowest} or more")


class _Box:
    """The votes of one round and kind."""

    __slots__ = ("announced", "first", "second", "tally")

    def __init__(self, tally: RunningTally) -> None:
        self.tally = tally
        self.first: dict[int, tuple[bytes | None, Entry]] = {}  # position -> what counts
        self.second: dict[int, tuple[bytes | None, Entry]] = {}  # position -> what evidence was made of
        self.announced: set[Hashable] = set()


class HeightVotes:
    """The state of one height. Not safe for threads by itself.

    chain_id, height, validators   of the votes
    round                          where the height stands: rounds up to `rounds_ahead` after it are open
    known                          every vote that is kept
    """

    def __init__(
        self, chain_id: str, height: int, validators: ValidatorSet, round_: int, limits: CollectorLimits
    ) -> None:
        self.chain_id, self.height, self.validators, self.round = chain_id, height, validators, round_
        self.known: set[Entry] = set()
        self._limits = limits
        self._lowest = max(0, round_ - limits.rounds_behind)
        self._boxes: dict[tuple[int, str], _Box] = {}
        self._opened: set[int] = set()
        self._openings: dict[Hashable, int] = {}  # peer, or ("validator", position) -> rounds opened

    def box(self, round_: int, kind: str) -> _Box | None:
        """Votes of a round and kind that are there."""
        return self._boxes.get((round_, kind))

    @property
    def rounds(self) -> tuple[int, ...]:
        """Rounds with votes."""
        return tuple(sorted({round_ for round_, _ in self._boxes}))

    def move_to_round(self, round_: int) -> None:
        """Go forward; rounds too far behind are forgotten."""
        self.round = max(self.round, round_)
        lowest = max(self._lowest, self.round - self._limits.rounds_behind)
        if lowest > self._lowest:
            self._lowest = lowest
            self._opened = {one for one in self._opened if one >= lowest}
            for key in [key for key in self._boxes if key[0] < lowest]:
                box = self._boxes.pop(key)
                self.known.difference_update(entry for kept in (box.first, box.second) for _, entry in kept.values())

    def add_all(self, votes: ReadVotes, rows: Sequence[int], outcomes: list[int], events: list[VoteEvent]) -> None:
        """Count the valid votes in these rows, in order: their outcomes and what they bring about.

        As :meth:`add` one by one. Nearly all of them are the first vote of their validator in a box that is there,
        which is done here. Votes move the round on to their own at most, so the box that they are in stays.
        """
        rounds, kinds, positions, claims, entries = (
            votes.rounds, votes.kinds, votes.positions, votes.claims, votes.entries
        )  # fmt: skip
        place: tuple[int, str] | None = None
        box: _Box | None = None
        for i in rows:
            here, position = (rounds[i], kinds[i]), positions[i]
            if here != place:
                place, box = here, self._boxes.get(here)
            if box is None or position in box.first:
                outcomes[i], event = self.add(votes.peers[i], *here, position, claims[i], entries[i])
                place = None
            else:
                event = self._counted(box, *here, position, claims[i], entries[i])
                outcomes[i] = _COUNTED
            if event is not None:
                events.append(event)

    def add(
        self, peer: Hashable, round_: int, kind: str, position: int, claim: bytes | None, entry: Entry
    ) -> tuple[Outcome, VoteEvent | None]:
        """Count a valid vote by the validator at `position`."""
        box = self._boxes.get((round_, kind))
        if box is None:
            refusal = self._refusal(peer, round_, position)
            if refusal is not None:
                return refusal, None
            box = _Box(RunningTally(self.validators.electorate, self.validators.rules.quorum))
            self._boxes[round_, kind] = box
        before = box.first.get(position)
        if before is None:
            return Outcome.COUNTED, self._counted(box, round_, kind, position, claim, entry)
        if entry in self.known:
            return Outcome.DUPLICATE, None
        if claim == before[0]:
            return Outcome.REPEATED, None
        second = box.second.get(position)
        if second is not None:
            return (Outcome.REPEATED if claim == second[0] else Outcome.CONFLICTING), None
        event = self._evidence(before[1], entry, (self.height, round_, kind, position), (before[0], claim))
        if event is None:
            return Outcome.MALFORMED, None
        box.second[position] = claim, entry
        self.known.add(entry)
        return Outcome.EQUIVOCATION, event

    def _refusal(self, peer: Hashable, round_: int, position: int) -> Outcome | None:
        """Why a round stays closed; None where it is open now."""
        if round_ < self._lowest:
            return Outcome.LATE_ROUND
        if round_ <= self.round + self._limits.rounds_ahead or round_ in self._opened:
            return None
        limits = self._limits
        by = (("peer", peer), limits.rounds_per_peer), (("validator", position), limits.rounds_per_validator)
        if len(self._opened) >= limits.rounds_opened or any(self._openings.get(who, 0) >= most for who, most in by):
            return Outcome.FUTURE_ROUND
        self._opened.add(round_)
        for who, _ in by:
            self._openings[who] = self._openings.get(who, 0) + 1
        return None

    def _counted(
        self, box: _Box, round_: int, kind: str, position: int, claim: bytes | None, entry: Entry
    ) -> VoteEvent | None:
        """Keeps and tallies the first vote of a validator: a quorum that it completes."""
        box.first[position] = claim, entry
        self.known.add(entry)
        tally, voted_for = box.tally, _NIL if claim is None else claim
        tally.add(position, voted_for)
        if tally.voted < tally.needed:
            return None
        if round_ > self.round:
            self.move_to_round(round_)  # as CometBFT enters a round in which two thirds have voted, for whatever
        if voted_for in box.announced or not tally.reached(voted_for):
            return None
        box.announced.add(voted_for)
        found = tally.decide(voted_for)
        power = found.got, found.needed, found.total
        positions = tuple(one for one in found.counted if isinstance(one, int))
        if claim is not None:
            return Quorum(self.chain_id, self.height, round_, kind, claim, *power, positions)
        return NilQuorum(self.chain_id, self.height, round_, kind, *power, positions)

    def read(self, entry: Entry) -> Vote:
        """The value of what is remembered. InputError where its bytes do not read."""
        if isinstance(entry, Vote):
            return entry
        return self.validators.rules.read_vote(entry, "wire", chain_id=self.chain_id)

    def _evidence(
        self, first: Entry, second: Entry, place: tuple[int, int, str, int], claims: tuple[bytes | None, bytes | None]
    ) -> Equivocation | None:
        """None where the chain's two readers of votes disagree: then nothing is claimed about anybody."""
        try:
            votes = self.read(first), self.read(second)
        except InputError:
            return None
        if any((vote.height, vote.round, vote.kind, vote.position) != place for vote in votes):
            return None
        if (votes[0].claim, votes[1].claim) != claims:
            return None
        return Equivocation(*votes, self.validators.validators[place[3]], self.validators)

    def power(self, round_: int, kind: str) -> Mapping[bytes | None, int]:
        """Claim -> power behind it; None: nil."""
        box = self.box(round_, kind)
        found = {} if box is None else box.tally.power
        return {claim if isinstance(claim, bytes) else None: power for claim, power in found.items()}
