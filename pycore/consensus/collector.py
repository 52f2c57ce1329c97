"""Votes that stream in: verified in micro-batches, counted once, a quorum told once.

>>> from pycore.consensus import Quorum, ValidatorSet, VoteCollector
>>> from pycore.ledgers.cometbft import encoding
>>> from pycore.ledgers.cometbft.messages import BlockId
>>> from pycore.testing.cometbft import CHAIN_ID, make_signers, make_vote
>>> signers, block = make_signers(4, seed=1), BlockId(b"b" * 32, 1, b"p" * 32)
>>> votes = [make_vote(one, height=7, block_id=block, position=i) for i, one in enumerate(signers)]
>>> collector = VoteCollector(ValidatorSet(one.validator for one in signers), chain_id=CHAIN_ID, height=7)
>>> collector.add_bytes([encoding.vote(vote) for vote in votes[:3]], peer="node-3")
[]
>>> (event,) = collector.flush()
>>> isinstance(event, Quorum), event.kind, event.got, event.needed, event.total
(True, 'precommit', 30, 27, 40)
>>> collector.add_bytes(encoding.vote(votes[0])), collector.flush(), collector.counts["duplicate"]
([], [], 1)

The rules, for every chain:

    signature first   a vote counts for nothing, evidence included, before its signature and its extensions' hold
    one vote each     the first valid vote of a validator in a height, round and kind counts. Another one for another
                      claim makes evidence, once, and counts for nothing
    told once         a quorum for a claim is told by the call that decides it, and by no other
    in order          votes are counted in the order in which they were added, so it does not matter where batches end
    bounded           strangers, bad signatures, malformed and late votes cost no lasting memory; rounds open as
                      :class:`CollectorLimits` says; all else is one vote per validator, round and kind

A quorum here is of the votes as they came: where a validator cast two, the first one counts. So a certificate that
needs the second one is not found here; :func:`pycore.consensus.verify_commit` judges certificates.

Rounds open by themselves: one ahead of the current one, and further ones as peers send valid votes for them, a bounded
number each (CometBFT's ``HeightVoteSet``, which opens them before it checks a signature; here after). The current round
moves by :meth:`VoteCollector.move_to_round`, and when a quorum of power has voted in a later one, for whatever.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import Column, as_column, quote
from pycore.base.parallel import resolve_threads
from pycore.consensus.chains import check_chain_id
from pycore.consensus.height_votes import CollectorLimits, HeightVotes
from pycore.consensus.validators import ValidatorSet
from pycore.consensus.vote_batches import Outcome, Pending, ReadVotes, Setting, judge, rows
from pycore.consensus.votes import Vote
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from pycore.base.columns import BatchOfBytes
    from pycore.consensus.events import VoteEvent
    from pycore.consensus.vote_batches import Part

__all__ = ["CollectorLimits", "Outcome", "VoteCollector"]


class _Place:
    """The place of a batch in the order in which batches are counted. It ends with the call that took it, wherever that
    is interrupted: also before it came to a `finally`, or in it.

    Attributes:
        number: of the batch, from 1.
        uncounted: votes of it that are not counted.
    """

    def __init__(self, number: int, votes: int, end: Callable[[_Place], None]) -> None:
        self.number = number
        self.uncounted = votes
        self._end: Callable[[_Place], None] | None = end

    def end(self) -> None:
        """Lets the next one be counted. More than once is once."""
        if self._end is not None:
            self._end(self)
            self._end = None

    def __del__(self) -> None:
        self.end()


class VoteCollector:
    """Votes of one chain, at its current height and a few before. Safe to use from any number of threads.

    It has no thread: a call that fills a batch verifies it, and :meth:`flush` what waits. Each call returns the events
    that it decided, so every event is returned exactly once, to one of the callers. For a thread or asyncio see
    :mod:`pycore.consensus.collector_drivers`.

    Args:
        validators: of the current height; its chain's rules are the ones that apply.
        chain_id: of the chain, as votes sign it.
        height: the current one, 1 or more.
        round: the current one.
        limits: the bounds; defaults as :class:`CollectorLimits` says.
        extensions: whether votes carry extensions ("precommit" for a claim; CometBFT from 0.38 on, where the chain
            enables them): True: each such vote must have one, and no other may. False: none may. None: either; whatever
            is there must hold.
        clock: seconds, never going back; for `limits.delay`.
        threads: how many threads may work on one batch; see ``pycore.base.parallel``.
        watch: called with (peer, outcome's name, number of votes) after each batch, outside all locks: who sends what.
            It must not raise: the events of that batch would be lost.

    Raises:
        InputError: a malformed argument.
    """

    def __init__(
        self,
        validators: ValidatorSet,
        *,
        chain_id: str,
        height: int,
        round: int = 0,
        limits: CollectorLimits | None = None,
        extensions: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        threads: int | None = None,
        watch: Callable[[Hashable, str, int], None] | None = None,
    ) -> None:
        self._rules = _checked_set(validators).rules
        check_chain_id(self._rules, chain_id)
        if extensions not in (True, False, None):
            raise InputError("extensions", quote(extensions), "True, False or None")
        if threads is not None:
            resolve_threads(threads)
        self.chain_id = chain_id
        self.limits = limits if limits is not None else CollectorLimits()
        self._extensions, self._clock, self._threads, self._watch = extensions, clock, threads, watch
        self._turn = threading.Condition()  # guards all that follows
        self._height = _whole("height", height, 1)
        first = HeightVotes(chain_id, height, validators, _whole("round", round, 0), self.limits)
        self._heights = {height: first}
        self._counts = [0] * len(Outcome)
        self._pending = Pending()
        self._oldest = 0.0  # when the first of the pending votes came
        self._taken = self._applied = 0  # batches, which are counted in the order in which they were taken
        self._ended: set[int] = set()  # batches that ended before their turn came

    # ---- votes in ----------------------------------------------------------------------------------------------------

    def add(self, votes: Vote | Iterable[Vote], *, peer: Hashable = None) -> list[VoteEvent]:
        """Take votes that a chain's reader made (``ConsensusRules.read_vote``), one or several.

        Returns the events that this call decided: none, unless it filled a batch or the votes before waited too long.
        `peer` is who sent them, for the rounds that one peer may open, and for `watch`. InputError on anything else
        than votes; then none of the call's votes is taken.
        """
        _check_peer(peer)
        many = [votes] if isinstance(votes, Vote) else list(votes)
        for i, vote in enumerate(many):
            _check_vote(vote, f"votes[{i}]")
        events: list[VoteEvent] = []
        at = 0
        while at < len(many):
            with self._turn:
                part = many[at : at + self._room()]
                taken = self._enqueue(part, peer)
            at += len(part)
            if taken is not None:
                events += self._finish(*taken)
        return events

    def add_bytes(self, votes: BatchOfBytes, *, peer: Hashable = None) -> list[VoteEvent]:
        """The same for votes in the chain's own form (CometBFT: protobuf), any number: the fast way.

        `votes` is one vote as ``bytes``, or a batch of bytes in any form of ``pycore.base.columns``, one row for each
        vote. Bytes that are no vote are counted as malformed.
        """
        _check_peer(peer)
        many: list[bytes] | Column
        if type(votes) is bytes:
            many = [votes]
        elif type(votes) is list and {*map(type, votes)} <= {bytes}:
            many = list(votes)
        else:
            many = as_column(votes, "votes")
        events: list[VoteEvent] = []
        at = 0
        while at < len(many):
            with self._turn:
                stop = _end(many, at, self._room(), self.limits.batch_bytes)
                part: Part = many[at:stop]
                if isinstance(part, Column) and len(part) < self._room():
                    part = rows(part)  # a copy: it waits, and the caller may go on to change the column
                taken = self._enqueue(part, peer)
            at = stop
            if taken is not None:
                events += self._finish(*taken)
        return events

    def offer(self, vote: Vote | bytes, *, peer: Hashable = None) -> bool:
        """Take one vote, a value or bytes, without verifying anything. True: a batch is full, and somebody should call
        :meth:`flush`."""
        _check_peer(peer)
        if type(vote) is not bytes:
            _check_vote(vote, "vote")
        with self._turn:
            self._wait_behind([vote], peer)  # type: ignore[arg-type]
            return self._is_due()

    def flush(self) -> list[VoteEvent]:
        """Verify and count whatever waits; returns when every vote added before is counted, by whichever thread."""
        with self._turn:
            taken = self._take()
        return self._finish(*taken)

    def poll(self) -> list[VoteEvent]:
        """:meth:`flush`, but only where votes waited for `limits.delay` or fill a batch."""
        with self._turn:
            if not self._is_due():
                return []
            taken = self._take()
        return self._finish(*taken)

    @property
    def time_left(self) -> float:
        """Seconds until :meth:`poll` should be called: 0 or less, now; infinite where nothing waits."""
        with self._turn:
            return self._time_left()

    def wait_until_due(self, stopped: threading.Event) -> bool:
        """Blocks until there is something for :meth:`poll`: True; or until `stopped` is set and :meth:`wake` called:
        False."""
        with self._turn:
            while not stopped.is_set():
                left = self._time_left()
                if left <= 0 or self._is_due():
                    return True
                self._turn.wait(None if left == math.inf else left)
        return False

    def wake(self) -> None:
        """Lets :meth:`wait_until_due` look again."""
        with self._turn:
            self._turn.notify_all()

    # ---- heights and rounds ------------------------------------------------------------------------------------------

    def move_to(self, height: int, validators: ValidatorSet, *, round: int = 0) -> list[VoteEvent]:
        """Go on to a later height. What waits is counted first; heights too far behind are forgotten.

        InputError: not a later height, or a set of another chain.
        """
        _whole("round", round, 0)
        if _checked_set(validators).chain != self._rules.chain:
            raise InputError("validators", f"a set of {validators.chain!r}", f"one of {self._rules.chain!r}")
        with self._turn:
            _whole("height", height, self._height + 1)
            taken = self._take()
        events = self._finish(*taken)
        with self._turn:
            if height > self._height:  # unless another thread went further in the meantime
                self._height = height
                lowest = height - self.limits.heights_behind
                kept = {one: votes for one, votes in self._heights.items() if one >= lowest}
                kept[height] = HeightVotes(self.chain_id, height, validators, round, self.limits)
                self._heights = kept
        return events

    def move_to_round(self, round: int) -> list[VoteEvent]:
        """Go on to a later round of the current height. What waits is counted first; going back does nothing."""
        _whole("round", round, 0)
        events = self.flush()
        with self._turn:
            self._heights[self._height].move_to_round(round)
        return events

    # ---- what is there -----------------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        """The current one."""
        return self._height

    @property
    def round(self) -> int:
        """The current one of the current height."""
        with self._turn:
            return self._heights[self._height].round

    @property
    def counts(self) -> dict[str, int]:
        """Name of an outcome in lower case -> how many votes had it so far. Those that wait are not in it."""
        with self._turn:
            return {one.name.lower(): self._counts[one] for one in Outcome}

    @property
    def waiting(self) -> int:
        """Votes that wait for a batch."""
        return self._pending.count

    @property
    def kept(self) -> int:
        """Votes that are remembered, of all heights."""
        with self._turn:
            return sum(len(one.known) for one in self._heights.values())

    def rounds(self, height: int) -> tuple[int, ...]:
        """Rounds of a height that there are votes of."""
        with self._turn:
            found = self._heights.get(height)
            return found.rounds if found is not None else ()

    def power(self, height: int, round: int, kind: str) -> Mapping[bytes | None, int]:
        """Claim -> power behind it so far; None: for nothing."""
        with self._turn:
            found = self._heights.get(height)
            return found.power(round, kind) if found is not None else {}

    def votes(self, height: int, round: int, kind: str) -> list[Vote]:
        """The votes that count there, for whatever claim, by position: what a certificate is made of."""
        with self._turn:
            found = self._heights.get(height)
            box = found.box(round, kind) if found is not None else None
            first = sorted(box.first.items()) if box is not None else []
        return [found.read(entry) for _, (_, entry) in first] if found is not None else []

    # ---- batches -----------------------------------------------------------------------------------------------------

    def _room(self) -> int:
        return max(1, self.limits.batch - self._pending.count)

    def _is_due(self) -> bool:
        pending, limits = self._pending, self.limits
        if pending.count >= limits.batch or pending.nbytes >= limits.batch_bytes:
            return True
        return self._time_left() <= 0

    def _time_left(self) -> float:
        if not self._pending.count:
            return math.inf
        return self._oldest + self.limits.delay - self._clock()

    def _wait_behind(self, votes: Part, peer: Hashable) -> None:
        if not self._pending.count:
            self._oldest = self._clock()
            self._turn.notify_all()
        self._pending.add(votes, peer)

    def _enqueue(self, votes: Part, peer: Hashable) -> tuple[Pending, _Place] | None:
        self._wait_behind(votes, peer)
        return self._take() if self._is_due() else None

    def _take(self) -> tuple[Pending, _Place]:
        """What waits, and the place of this batch in the order."""
        place = _Place(self._taken + 1, self._pending.count, self._end)
        self._taken += 1
        taken, self._pending = self._pending, Pending()
        return taken, place

    def _end(self, place: _Place) -> None:
        """A batch was counted, or never will be: whatever ended its call must not stop the others."""
        with self._turn:
            if self._applied < place.number <= self._taken:
                self._ended.add(place.number)
            while self._applied + 1 in self._ended:
                self._applied += 1
                self._ended.remove(self._applied)
            self._counts[Outcome.UNVERIFIED] += place.uncounted
            place.uncounted = 0
            self._turn.notify_all()

    def _setting(self) -> Setting:
        with self._turn:
            heights = self._heights
        return Setting(
            rules=self._rules,
            chain_id=self.chain_id,
            sets={height: one.validators for height, one in heights.items()},
            known={height: one.known for height, one in heights.items()},
            extensions=self._extensions,
            max_vote_bytes=self.limits.vote_bytes,
            threads=self._threads,
        )

    def _finish(self, pending: Pending, place: _Place) -> list[VoteEvent]:
        """Verifies a batch, waits until those before are counted, and counts it."""
        events: list[VoteEvent] = []
        seen: Counter[tuple[Hashable, int]] = Counter()
        judged: list[ReadVotes] = []
        try:
            if pending.count:
                judged = judge(pending, self._setting())
            with self._turn:
                self._turn.wait_for(lambda: self._applied == place.number - 1)
                for votes in judged:
                    self._count(votes, events, seen)
                place.uncounted = 0
        finally:
            place.end()
        if self._watch is not None:
            for (peer, outcome), many in seen.items():
                self._watch(peer, Outcome(outcome).name.lower(), many)
        return events

    def _count(self, votes: ReadVotes, events: list[VoteEvent], seen: Counter[tuple[Hashable, int]]) -> None:
        outcomes = votes.outcomes.tolist()
        rows = np.flatnonzero(votes.outcomes == Outcome.COUNTED).tolist()
        for number, run in itertools.groupby(rows, votes.heights.__getitem__):
            height = self._heights.get(number)
            if height is not None:
                height.add_all(votes, list(run), outcomes, events)
            else:  # the collector went on in the meantime
                for i in run:
                    outcomes[i] = int(Outcome.LATE_HEIGHT)
        for outcome, many in Counter(outcomes).items():
            self._counts[outcome] += many
        if self._watch is not None:
            seen.update(zip(votes.peers, outcomes, strict=True))


def _end(votes: list[bytes] | Column, at: int, rows: int, nbytes: int) -> int:
    """Where a part that starts at row `at` ends: one row at least, else within both bounds."""
    stop = min(len(votes), at + rows)
    if isinstance(votes, list):
        size = 0
        for i in range(at, stop):
            size += len(votes[i])
            if size > nbytes:
                return max(at + 1, i)
        return stop
    if votes.width is not None:
        return min(stop, at + max(1, nbytes // max(1, votes.width)))
    assert votes.offsets is not None
    most = int(votes.offsets[at]) + nbytes
    return max(at + 1, min(stop, int(np.searchsorted(votes.offsets, most, "right")) - 1))


# ---- arguments -------------------------------------------------------------------------------------------------------


def _checked_set(validators: object) -> ValidatorSet:
    if not isinstance(validators, ValidatorSet):
        raise InputError("validators", quote(validators), "a ValidatorSet")
    return validators


def _whole(name: str, value: object, lowest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise InputError(
            name, str(value) if isinstance(value, int) else quote(value), f"an integer of {lowest} or more"
        )
    return value


def _check_peer(peer: Hashable) -> None:
    try:
        hash(peer)
    except TypeError:
        raise InputError("peer", quote(peer), "something hashable: a name, an address") from None


_INTEGERS = ("height", "round", "position")
_BYTES = ("address", "message", "signature", "raw")


def _check_vote(vote: Any, name: str) -> None:
    """Whether it is a vote whose fields are of their types: a batch is no place to find out."""
    if type(vote) is not Vote:
        raise InputError(name, quote(vote), "a Vote")
    for field in _INTEGERS:
        if type(getattr(vote, field)) is not int:
            raise InputError(f"{name}.{field}", quote(getattr(vote, field)), "an integer")
    for field in _BYTES:
        if type(getattr(vote, field)) is not bytes:
            raise InputError(f"{name}.{field}", quote(getattr(vote, field)), "bytes")
    if type(vote.kind) is not str:
        raise InputError(f"{name}.kind", quote(vote.kind), "text")
    if vote.claim is not None and type(vote.claim) is not bytes:
        raise InputError(f"{name}.claim", quote(vote.claim), "bytes or None")
    pairs: Any = vote.extensions
    if type(pairs) is not tuple or any(len(one) != 2 or {*map(type, one)} != {bytes} for one in pairs):
        raise InputError(f"{name}.extensions", quote(pairs), "pairs of bytes")
