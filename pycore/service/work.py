"""A request as data, and how an RPC turns requests into work and results into answers.

Work is not a closure, so that it can be compared: two works of one kind with equal options ask the same
question of different rows. Their columns may be joined and the result cut again, and each caller gets what
it would have got alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pycore.wire.settings import Settings

if TYPE_CHECKING:
    from google.protobuf.message import Message


@dataclass(frozen=True, eq=False)
class Work:
    """One piece of work.

    Attributes:
        kind: what is to be done: a key of `handlers.KINDS`.
        options: how: everything but the rows. Equal options mean that the rows may be done together.
        columns: on what: a `Column` or an array for each input, a row of it for each of the n items. Of the roots of
            proofs there may be one row for all.
        n: how many items it has.
        cost: as how many items it counts against the bounds of what may be in flight: n, or more where an item's
            answer takes more to hold than the item.
        joined: whether it is of several requests.
        marks: of each row what a cache knows it by, None where it did not look; empty where it looked at none.
    """

    kind: str
    options: Hashable
    columns: tuple[Any, ...]
    n: int
    cost: int
    joined: bool = False
    marks: list[bytes | None] = field(default_factory=list)


Run: TypeAlias = Callable[[Work, Settings], Any]
"""Does work on a worker; its result. InputError for what only those who compute can tell."""


@dataclass(frozen=True)
class Unary:
    """An RPC of one request and one answer.

    Attributes:
        decode: the work of a request; InputError where it is malformed. Must be quick: it runs on the event loop.
        encode: the answer for a result.
        parse: the request from its bytes, where that is not the message as protobuf parses it; DecodeError where they
            are not one.
        rows: the numbers of the columns of a request whose shape may be recognised (`shapes`); empty for none.
    """

    decode: Callable[[Any, Settings], Work]
    encode: Callable[[Any], Message]
    parse: Callable[[bytes], Any] | None = None
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Batches:
    """An RPC of many requests, each with an answer, in the order of the requests.

    Attributes:
        decode: the number of a request, and its work, or the InputError that it is answered with.
        encode: the answer for a number and a result.
        refuse: the answer for a number and the exception that there is instead of a result.
    """

    decode: Callable[[Any, Settings], tuple[int, Work | Exception]]
    encode: Callable[[int, Any], Message]
    refuse: Callable[[int, Exception], Message]


@dataclass(frozen=True)
class Pieces:
    """An RPC of many requests and one answer at the end.

    Attributes:
        begin: what grows from request to request, made from the first; InputError where that is malformed.
        decode: the work of a request, the first included.
        encode: the answer, after the last.
    """

    begin: Callable[[Any, Settings], Any]
    decode: Callable[[Any, Any, Settings], Work]
    encode: Callable[[Any], Message]


@dataclass(frozen=True)
class Chained:
    """An RPC of many requests, each of which goes on where the one before ended, and of any number of answers to each.

    Attributes:
        begin: what goes on from request to request, made from the first; InputError where that is malformed.
        decode: the work of a request, the first included. Works of one stream are done one after another.
        encode: the answers of a result, and what ends the stream behind them, or None.
        held: how many bytes of earlier requests are kept for the next work. They count with its request's.
        end: the work after the last request; None where there is none.
        parse: as of `Unary`.
    """

    begin: Callable[[Any, Settings], Any]
    decode: Callable[[Any, Any, Settings], Work]
    encode: Callable[[Any], tuple[Sequence[Message], Exception | None]]
    held: Callable[[Any], int]
    end: Callable[[Any], Work | None]
    parse: Callable[[bytes], Any] | None = None


Rpc: TypeAlias = "Unary | Batches | Pieces | Chained"
