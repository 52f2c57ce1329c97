"""Votes of a stream as messages, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pycore.base.columns import BatchOfBytes
from pycore.consensus import ValidatorSet, Vote
from pycore.consensus.collector import CollectorLimits
from pycore.consensus.events import Equivocation, NilQuorum, Quorum, VoteEvent
from pycore.errors import InputError
from pycore.wire.schema import votes_pb2

SENT_LIMITS = tuple(votes_pb2.VoteLimits.DESCRIPTOR.fields_by_name)
"""The members of CollectorLimits that a client may choose. The others are about batches: here, the messages."""
MOST_HEIGHTS_BEHIND = 16

_EXTENSIONS: Mapping[bool | None, Any] = {
    None: votes_pb2.VOTE_EXTENSIONS_UNSPECIFIED,
    True: votes_pb2.VOTE_EXTENSIONS_REQUIRED,
    False: votes_pb2.VOTE_EXTENSIONS_FORBIDDEN,
}


@dataclass(frozen=True)
class VoteBatch:
    """Votes from one peer.

    votes  a batch of bytes, each a vote in the chain's own form, or values with such bytes in `raw`
    peer   who sent them
    """

    votes: BatchOfBytes | Iterable[Vote]
    peer: str = ""


@dataclass(frozen=True)
class NextHeight:
    """Go on to a later height.

    validators  a ValidatorSet
    round       that the height is in
    """

    height: int
    validators: ValidatorSet
    round: int = 0


@dataclass(frozen=True)
class NextRound:
    """Go on to a later round of the current height."""

    round: int


@dataclass(frozen=True)
class CountedVotes:
    """The answer to one item of a stream of votes.

    events         what it brought about, in the order of the votes: Quorum, NilQuorum, Equivocation
    counts         outcome in lower case -> how many of its votes had it; see :class:`pycore.consensus.Outcome`
    height, round  where the voting stands after it
    """

    events: tuple[VoteEvent, ...]
    counts: Mapping[str, int]
    height: int
    round: int


def to_extensions(extensions: object) -> Any:
    """Whether votes have extensions, for sending. InputError where it is neither True, False nor None."""
    if extensions is not None and type(extensions) is not bool:
        raise InputError("extensions", repr(extensions)[:40], "True, False or None")
    return _EXTENSIONS[extensions]


def from_extensions(number: int) -> bool | None:
    """Of a request."""
    for extensions, one in _EXTENSIONS.items():
        if one == number:
            return extensions
    raise InputError("extensions", str(number), "a number of VoteExtensions")


def to_limits(limits: CollectorLimits) -> votes_pb2.VoteLimits:
    """Bounds for sending. InputError for a number that a message does not hold."""
    found = votes_pb2.VoteLimits()
    for name in SENT_LIMITS:
        value = getattr(limits, name)
        if value >= 1 << 32:
            raise InputError(f"limits.{name}", str(value), "a number below 2^32")
        setattr(found, name, value)
    return found


def from_limits(message: votes_pb2.VoteLimits) -> CollectorLimits:
    """Bounds of a request."""
    limits = CollectorLimits(**{name: getattr(message, name) for name in SENT_LIMITS if message.HasField(name)})
    if limits.heights_behind > MOST_HEIGHTS_BEHIND:
        raise InputError("limits.heights_behind", str(limits.heights_behind), f"at most {MOST_HEIGHTS_BEHIND}")
    return limits


# ---- events ----------------------------------------------------------------------------------------------------------


def to_event(event: VoteEvent, time_ns: int | None = None) -> votes_pb2.VoteEvent:
    """An event for sending. `time_ns`: of the block that evidence is about; without it none is made."""
    if isinstance(event, Equivocation):
        first = event.first
        told = votes_pb2.Equivocation(
            height=first.height,
            round=first.round,
            kind=first.kind,
            position=first.position,
            address=event.validator.address,
            power=event.validator.power,
            total=event.validators.total,
            first=first.raw,
            second=event.second.raw,
            evidence=b"" if time_ns is None else event.to_bytes(time_ns),
        )
        return votes_pb2.VoteEvent(equivocation=told)
    quorum = votes_pb2.Quorum(
        height=event.height,
        round=event.round,
        kind=event.kind,
        claim=event.claim if isinstance(event, Quorum) else None,
        got=event.got,
        needed=event.needed,
        total=event.total,
        positions=event.positions,
    )
    return votes_pb2.VoteEvent(quorum=quorum)


def from_event(message: votes_pb2.VoteEvent, chain_id: str, sets: Mapping[int, ValidatorSet]) -> VoteEvent:
    """A received event; `sets` has the validators of its height."""
    if message.WhichOneof("event") == "equivocation":
        told = message.equivocation
        validators = sets[told.height]
        read = validators.rules.read_vote
        first, second = (read(raw, "wire", chain_id=chain_id) for raw in (told.first, told.second))
        return Equivocation(first, second, validators.validators[told.position], validators)
    quorum = message.quorum
    place = chain_id, quorum.height, quorum.round, quorum.kind
    rest = quorum.got, quorum.needed, quorum.total, tuple(quorum.positions)
    return Quorum(*place, quorum.claim, *rest) if quorum.HasField("claim") else NilQuorum(*place, *rest)
