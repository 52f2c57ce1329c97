"""The call for votes as they come."""

from __future__ import annotations

import collections
from collections.abc import AsyncIterable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc

from pycore.base.columns import Column, as_column, quote
from pycore.client.requests import Budget, Caller, Feed, stream
from pycore.consensus import ValidatorSet, Vote
from pycore.consensus.collector import CollectorLimits
from pycore.consensus.events import VoteEvent
from pycore.errors import InputError
from pycore.wire.columns import split
from pycore.wire.errors import ServiceError
from pycore.wire.packing import packed
from pycore.wire.schema import votes_pb2
from pycore.wire.votes import (
    CountedVotes,
    NextHeight,
    NextRound,
    VoteBatch,
    from_event,
    to_extensions,
    to_limits,
)

Item: TypeAlias = "VoteBatch | NextHeight | NextRound | Any"
"""Votes, with their sender or without, or a step on."""


class VoteCalls(Caller):
    """`verify_votes`."""

    @stream
    def verify_votes(
        self,
        validators: ValidatorSet,
        items: Iterable[Item] | AsyncIterable[Item],
        *,
        chain_id: str,
        height: int,
        round: int = 0,
        limits: CollectorLimits | None = None,
        extensions: bool | None = None,
        threads: int | None = None,
    ) -> Feed[CountedVotes]:
        """A `pycore.consensus.VoteCollector` on the service, for as long as the stream is open.

        Args:
            validators, chain_id, height, round, limits, extensions: as for `VoteCollector`. Of the limits, those about
                batches mean nothing here: each item is verified when it comes.
            items: each a batch of votes, as bytes in any form or as values, alone or in a `VoteBatch` that says who
                sent them; or a `NextHeight` or `NextRound`. Read ahead of the answers: by a blocking client from
                another thread. The iterable may be an asynchronous one where the client is.

        Yields:
            `CountedVotes` for each item, in order: what it brought about, and how many of its votes counted. Close the
            iterator to end the stream; what was counted is then forgotten.

        Raises:
            InputError: any other item, or a step back; the ones before it were answered.
            ServiceError: the stream broke. It has no time limit.
        """
        votes = _Votes(self._budget, validators, chain_id, limits or CollectorLimits())
        first = {
            "chain": validators.chain, "chain_id": chain_id, "extensions": to_extensions(extensions),
            "limits": to_limits(votes.limits),
        }  # fmt: skip
        votes.move(height, validators, round, first)
        return Feed(
            "VerifyVotes", items, votes.messages, votes.take, rest=votes.rest, waiting=votes.waiting,
            pending=votes.pending,
        )  # fmt: skip


class _Votes:
    """Makes messages of items, and puts the answers to each item together."""

    def __init__(self, budget: Budget, validators: ValidatorSet, chain_id: str, limits: CollectorLimits) -> None:
        if not isinstance(validators, ValidatorSet):
            raise InputError("validators", quote(validators), "a ValidatorSet")
        if not isinstance(chain_id, str):
            raise InputError("chain_id", quote(chain_id), "text")
        if not isinstance(limits, CollectorLimits):
            raise InputError("limits", quote(limits), "CollectorLimits or None")
        self._budget, self._chain_id, self.limits = budget, chain_id, limits
        self._chain = validators.chain
        self._height = 0
        self._sets: dict[int, ValidatorSet] = {}
        self._words: dict[str, Any] = {}  # of the next message
        self._pieces: collections.deque[_Pieces] = collections.deque()  # of each item without an answer
        self._begun = False
        self._sent = self._answered = 0

    def move(self, height: object, validators: object, round_: object, words: dict[str, Any]) -> None:
        """Puts a height into the next message."""
        if not isinstance(validators, ValidatorSet):
            raise InputError("validators", quote(validators), "a ValidatorSet")
        if validators.chain != self._chain:
            raise InputError("validators", f"a set of {validators.chain!r}", f"one of {self._chain!r}")
        at = _whole("height", height, self._height + 1, 1 << 62)
        self._words = words | {
            "height": at, "validators": validators.to_bytes(), "validators_form": "wire",
            "round": _whole("round", round_, 0, 1 << 31),
        }  # fmt: skip
        self._height = at
        self._sets[at] = validators

    def messages(self, item: Item) -> Iterator[bytes]:
        """The messages of one item."""
        if isinstance(item, (NextHeight, NextRound)):
            if not self._begun:
                yield self._message(_Pieces(1, shown=False))
            if isinstance(item, NextHeight):
                self.move(item.height, item.validators, item.round, {})
            else:
                self._words = {"round": _whole("round", item.round, 0, 1 << 31)}
            yield self._message(_Pieces(1))
            return
        batch = item if isinstance(item, VoteBatch) else VoteBatch(item)
        if not isinstance(batch.peer, str):
            raise InputError("peer", quote(batch.peer), "text")
        column = self._column(batch.votes)
        ranges = split([column], self._budget.items, self._budget.nbytes)
        for place, (start, stop) in enumerate(ranges):
            self._words |= {"peer": batch.peer}
            yield self._message(None if place else _Pieces(len(ranges)), column.slice(start, stop))

    def _column(self, votes: Any) -> Column:
        if isinstance(votes, Vote):
            votes = [votes]
        if isinstance(votes, (list, tuple)) and any(isinstance(one, Vote) for one in votes):
            for i, one in enumerate(votes):
                if not isinstance(one, Vote) or not one.raw:
                    got = "a Vote without its bytes" if isinstance(one, Vote) else quote(one)
                    raise InputError(f"votes[{i}]", got, "a Vote with `raw`, as the chain's reader makes it")
            votes = [one.raw for one in votes]
        return as_column(votes, "votes")

    def _message(self, begun: _Pieces | None, votes: Column | None = None) -> bytes:
        """The next message. `begun`: the messages of which it is the first."""
        words, self._words = self._words, {}
        self._begun = True
        self._sent += 1
        if begun is not None:
            self._pieces.append(begun)
        bare = votes_pb2.VerifyVotesRequest(**words)
        return packed(bare, [] if votes is None else [(bare.VOTES_FIELD_NUMBER, votes)])

    def rest(self) -> Iterator[bytes]:
        """A stream without items has a message all the same, for its options."""
        if not self._begun:
            yield self._message(_Pieces(1, shown=False))

    def waiting(self) -> bool:
        """Whether an item has no answer yet."""
        return any(one.shown for one in self._pieces)

    def pending(self) -> int:
        """Messages without an answer."""
        return self._sent - self._answered

    def take(self, answer: votes_pb2.VerifyVotesResponse) -> CountedVotes | None:
        """The answer to an item, with the last message that answers it."""
        if not self._pieces:
            raise ServiceError(grpc.StatusCode.UNKNOWN, "an answer to a message that was not sent")
        self._answered += 1
        pieces = self._pieces[0]
        pieces.left -= 1
        pieces.events += self._events(answer)
        pieces.counts.update(answer.counts)
        for height in [one for one in list(self._sets) if one < answer.height - self.limits.heights_behind]:
            self._sets.pop(height, None)
        if pieces.left:
            return None
        self._pieces.popleft()
        if not pieces.shown:
            return None
        return CountedVotes(tuple(pieces.events), dict(pieces.counts), answer.height, answer.round)

    def _events(self, answer: votes_pb2.VerifyVotesResponse) -> list[VoteEvent]:
        try:
            return [from_event(one, self._chain_id, self._sets) for one in answer.events]
        except (LookupError, InputError) as error:
            raise ServiceError(grpc.StatusCode.UNKNOWN, f"an event that does not fit the votes ({error})") from error


@dataclass
class _Pieces:
    """The messages of one item: how many have no answer, and what the others brought about."""

    left: int
    shown: bool = True
    events: list[VoteEvent] = field(default_factory=list)
    counts: collections.Counter[str] = field(default_factory=collections.Counter)


def _whole(name: str, value: object, lowest: int, limit: int) -> int:
    """An integer from `lowest` to below `limit`, or InputError."""
    if type(value) is not int or not lowest <= value < limit:
        raise InputError(name, quote(value), f"an integer of {lowest} or more, below {limit}")
    return value
