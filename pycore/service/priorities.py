"""How urgent a call is, and what may be in flight of each priority and of each client. No gRPC in here.

    votes           what consensus waits for
    transactions    everything else
    audits          what may take its time: runs of blocks

A call names its priority in the metadata `pycore-priority`; without it the RPC decides. A client of the access file is
never served above its `highest_priority`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from pycore.base.columns import quote
from pycore.errors import InputError

__all__ = ["PRIORITY_KEY", "Bounds", "Priority", "Room", "priority_of", "room_of"]

PRIORITY_KEY = "pycore-priority"


class Priority(IntEnum):
    """The most urgent first."""

    VOTES = 0
    TRANSACTIONS = 1
    AUDITS = 2

    @property
    def word(self) -> str:
        """As metadata and settings spell it."""
        return self.name.lower()


_BY_WORD = {priority.word: priority for priority in Priority}
_BY_RPC = {
    "LightVerify": Priority.VOTES,
    "ValidateBlocks": Priority.AUDITS,
    "VerifyCommit": Priority.VOTES,
    "VerifyCommits": Priority.VOTES,
    "VerifyVotes": Priority.VOTES,
}


def priority_of(metadata: Iterable[tuple[str, str | bytes]], rpc: str, highest: Priority = Priority.VOTES) -> Priority:
    """The priority of a call.

    Args:
        metadata: the call's, as (key, value).
        rpc: which it is of.
        highest: the most urgent that its caller may have.

    Raises:
        InputError: the metadata name another one, or two.

    >>> priority_of([("pycore-priority", "audits")], "VerifySignatures").word
    'audits'
    >>> priority_of([], "VerifyVotes", Priority.TRANSACTIONS).word
    'transactions'
    """
    asked: Priority | None = None
    for key, value in metadata:
        if key != PRIORITY_KEY:
            continue
        if asked is not None:
            raise InputError(PRIORITY_KEY, "given more than once", "one value")
        asked = _BY_WORD.get(value) if isinstance(value, str) else None
        if asked is None:
            raise InputError(PRIORITY_KEY, quote(value), f"one of {', '.join(map(repr, _BY_WORD))}")
    if asked is None:
        asked = _BY_RPC.get(rpc, Priority.TRANSACTIONS)
    return max(asked, highest)


@dataclass(frozen=True)
class Room:
    """Items and request bytes that may be waiting or running at once."""

    items: int
    nbytes: int


@dataclass(frozen=True)
class Bounds:
    """What may be waiting or running at once: over all requests, of each priority, and of any one client.

    A priority that is not named, and a client where there is no `client`, may have all of it.
    """

    items: int
    nbytes: int
    priorities: dict[Priority, Room] = field(default_factory=dict)
    client: Room | None = None


_KEPT_FREE = {Priority.VOTES: 0, Priority.TRANSACTIONS: 8, Priority.AUDITS: 2}
"""One part in so many is what a priority leaves to the more urgent ones, where no setting says otherwise."""
_OF_A_CLIENT = 2


def room_of(whole: int, priority: Priority | None) -> int:
    """How much of something one priority may take by default; None for one client.

    >>> [room_of(1000, priority) for priority in (Priority.VOTES, Priority.TRANSACTIONS, Priority.AUDITS, None)]
    [1000, 875, 500, 500]
    """
    part = _OF_A_CLIENT if priority is None else _KEPT_FREE[priority]
    return whole - whole // part if part else whole
