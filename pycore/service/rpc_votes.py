"""VerifyVotes: votes of one chain as they come, into a collector that lives as long as the stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pycore.base.columns import Column
from pycore.consensus import chains
from pycore.consensus.collector import VoteCollector
from pycore.consensus.events import VoteEvent
from pycore.errors import InputError, LengthError
from pycore.service.callers import require_chain
from pycore.service.rpc_consensus import Validators, cost_of
from pycore.service.work import Chained, Work
from pycore.wire.columns import from_column
from pycore.wire.schema import votes_pb2
from pycore.wire.settings import Settings
from pycore.wire.votes import from_extensions, from_limits, to_event

_NAME = "VerifyVotes"
_FIRST_ONLY = ("chain", "chain_id", "extensions")
_KEPT_VOTE = 384
"""Bytes that a vote takes in a collector besides its own."""
_KEPT_ROUND = 2048
"""Bytes that a round with votes takes."""
_MANY, _LEAST_BYTES = 4096, 64  # what is no vote is found out one by one
_MOST_PEER = 256  # characters: the name is kept with every round that it opens
_MOST_HEIGHT, _MOST_ROUND = (1 << 62) - 1, (1 << 31) - 1


class _Part(NamedTuple):
    """One message without its votes."""

    validators: Validators | None
    height: int
    round: int
    peer: str
    time_ns: int | None


class _Counted(NamedTuple):
    events: Sequence[votes_pb2.VoteEvent]
    counts: dict[str, int]
    height: int
    round: int


class _Stream:
    """A stream of votes, from its first message on. Its works are done one after another."""

    def __init__(self, request: votes_pb2.VerifyVotesRequest, settings: Settings) -> None:
        chains.check_chain_id(chains.rules(request.chain), request.chain_id)
        require_chain(request.chain)
        self.chain = request.chain
        self._chain_id = request.chain_id
        self._extensions = from_extensions(request.extensions)
        self._limits = from_limits(request.limits)
        self._collector: VoteCollector | None = None
        self._most = settings.limits.max_message_bytes
        self._sets: dict[int, int] = {}  # height -> bytes of its validators
        self._votes: dict[int, int] = {}  # height at which votes came -> bytes of those that were kept
        self._longest = 0
        self.read = False

    @property
    def held_bytes(self) -> int:
        """Of the votes that are kept, and of the validators of their heights; no less than there are."""
        sets, collector = sum(self._sets.values()), self._collector
        if collector is None:
            return sets
        kept, rounds = collector.kept, sum(len(collector.rounds(height)) for height in list(self._votes))
        votes = min(sum(self._votes.values()), kept * self._longest)
        return sets + rounds * _KEPT_ROUND + kept * _KEPT_VOTE + votes

    def part(self, request: votes_pb2.VerifyVotesRequest) -> _Part:
        """Reads all that a message says besides votes. InputError where it may not say so."""
        if self.read:
            for name in _FIRST_ONLY:
                if value := getattr(request, name):
                    raise InputError(name, repr(value)[:60], "nothing: the first message has it")
            if request.HasField("limits"):
                raise InputError("limits", "limits", "nothing: the first message has them")
        lowest = 0 if self.read else 1
        if not lowest <= request.height <= _MOST_HEIGHT:
            raise InputError("height", str(request.height), f"from {lowest} to {_MOST_HEIGHT}")
        if request.round > _MOST_ROUND:
            raise InputError("round", str(request.round), f"at most {_MOST_ROUND}")
        if len(request.peer) > _MOST_PEER:
            raise LengthError("peer", f"{len(request.peer)} characters", f"at most {_MOST_PEER}")
        self.read = True
        validators = None
        if request.height:
            validators = Validators(self.chain, request.validators_form or "rpc", request.validators)
        elif request.validators or request.validators_form:
            raise InputError("height", "0", "the height of these validators")
        time_ns = request.evidence_time_ns if request.HasField("evidence_time_ns") else None
        return _Part(validators, request.height, request.round, request.peer, time_ns)

    def count(self, part: _Part, votes: Column, threads: int | None) -> _Counted:
        """Moves on, and counts the votes."""
        events: list[VoteEvent] = []
        if part.validators is not None:
            events += self._move(part, part.validators, threads)
        collector = self._collector
        assert collector is not None, "the first message has a height"
        if part.validators is None and part.round > collector.round:
            events += collector.move_to_round(part.round)
        before, kept = collector.counts, collector.kept
        events += collector.add_bytes(votes, peer=part.peer)
        events += collector.flush()
        self._note(collector.height, collector.kept - kept, votes)
        counts = {name: many - before[name] for name, many in collector.counts.items() if many > before[name]}
        told = [to_event(event, part.time_ns) for event in events]
        return _Counted(told, counts, collector.height, collector.round)

    def _move(self, part: _Part, given: Validators, threads: int | None) -> Sequence[VoteEvent]:
        collector, events = self._collector, []
        if collector is None:
            self._collector = VoteCollector(
                given.read(),
                chain_id=self._chain_id,
                height=part.height,
                round=part.round,
                limits=self._limits,
                extensions=self._extensions,
                threads=threads,
            )
        else:
            events = collector.move_to(part.height, given.read(), round=part.round)
            lowest = part.height - self._limits.heights_behind
            for sizes in (self._sets, self._votes):
                for height in [one for one in sizes if one < lowest]:
                    del sizes[height]
        self._sets[part.height], self._votes[part.height] = len(given.data), 0
        return events

    def _note(self, height: int, more: int, votes: Column) -> None:
        """Adds up what is kept: of so many votes more, none longer than the longest of the message."""
        longest = int(votes.lengths.max()) if votes.n else 0
        self._longest = max(self._longest, longest)
        self._votes[height] += min(max(0, more) * longest, votes.nbytes)
        if self.held_bytes > self._most:
            raise LengthError("votes", f"{self.held_bytes} bytes to keep", f"at most {self._most} in a stream")


def _decode(whole: _Stream, request: votes_pb2.VerifyVotesRequest, settings: Settings) -> Work:
    part = whole.part(request)
    votes = from_column(request.votes, "votes", settings)
    if votes.n > _MANY and votes.nbytes < _LEAST_BYTES * votes.n:
        wanted = f"at most {_MANY}, or at least {_LEAST_BYTES} bytes each, as a signature alone has"
        raise LengthError("votes", f"{votes.n} votes in {votes.nbytes} bytes", wanted)
    return Work(_NAME, (whole, part), (votes,), votes.n, votes.n + cost_of(len(request.validators)))


def _run(work: Work, settings: Settings) -> _Counted:
    asked: Any = work.options
    whole, part = asked
    (votes,) = work.columns
    counted: _Counted = whole.count(part, votes, settings.threads)
    settings.check_answer(sum(event.ByteSize() for event in counted.events), "votes")
    return counted


def _encode(counted: _Counted) -> tuple[list[votes_pb2.VerifyVotesResponse], None]:
    answer = votes_pb2.VerifyVotesResponse(
        events=counted.events, counts=counted.counts, height=counted.height, round=counted.round
    )
    return [answer], None


RPCS = {_NAME: Chained(_Stream, _decode, _encode, lambda whole: whole.held_bytes, lambda _: None)}
KINDS = {_NAME: _run}
