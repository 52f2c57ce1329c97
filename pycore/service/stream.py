"""The handler of a stream of batches: reads ahead, answers in order.

A message takes the short way where it can: it is admitted, read and handed to a worker without a task, and its future
stands in line for its answer. Large messages, and those for which there is no room, take the long way: a task that
waits for a parser, or for room, while the peer is slowed down by HTTP/2 flow control.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

from pycore.service.admission import Admission, Ticket
from pycore.service.work import Batches
from pycore.wire.refusals import DrainingError, RefusedError
from pycore.wire.schema import Method

__all__ = ["PARSE_HERE_BYTES", "Stream", "Ways"]

_DRAINED = "the service is shutting down; batches after the last answer were not read"

PARSE_HERE_BYTES = 256 * 1024
"""Parses in well under a millisecond, or some milliseconds at the hostile worst: done on the event loop."""

_Answer: TypeAlias = "asyncio.Future[bytes]"


class Ways(NamedTuple):
    """How a message of a stream becomes work: as every message of the service does.

    Attributes:
        admission: admits it and runs its work.
        rpc: reads it and makes its answer.
        method: the RPC's name and messages.
        deadline: the stream's, in time of the admission's clock, or None.
        parse: the work of a small message, at once.
        parse_later: the work of any message, on a parser's thread where it is large.
    """

    admission: Admission
    rpc: Batches
    method: Method
    deadline: float | None
    parse: Callable[..., Any]
    parse_later: Callable[..., Awaitable[Any]]


class Stream:
    """One stream.

    Args:
        ways: how its messages become work.
        window: messages that are in progress at once.
    """

    def __init__(self, ways: Ways, window: int) -> None:
        self._ways = ways
        self._window = window
        self._line: deque[tuple[int | None, _Answer]] = deque()  # answers in order; a task knows its number itself
        self._moved = asyncio.Event()  # the line has changed, or the end is near
        self._end: Exception | None = None
        self._ended = self._reading = self._draining = False
        self._reader: asyncio.Task[None] | None = None

    def drain(self) -> None:
        """Nothing more is read."""
        self._draining = True
        self._moved.set()
        if self._reading and self._reader is not None:
            self._reader.cancel()

    async def answers(self, requests: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """An answer for each request, in order. What ended the stream is raised after the last."""
        self._reader = asyncio.create_task(self._read(requests))
        line = self._line
        try:
            while True:
                while not line and not self._ended:
                    await self._until_moved()
                if not line:
                    break
                yield await self._answer_to(*line[0])
                line.popleft()
                self._moved.set()
            if self._end is not None:
                raise self._end
        finally:
            self._reader.cancel()
            for _, future in line:
                future.cancel()

    async def _until_moved(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    async def _answer_to(self, number: int | None, future: _Answer) -> bytes:
        try:
            return await future
        except Exception as error:
            if number is None:  # the request did not even parse: there is no number to answer to
                raise
            return self._ways.rpc.refuse(number, error).SerializeToString()

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        """Reads batches while there is room for them."""
        try:
            while (raw := await self._next(requests)) is not None:
                self._line.append(self._begin(raw) or (None, await self._begin_slowly(raw)))
                self._moved.set()
        except asyncio.CancelledError:
            if not self._draining:
                raise
        except Exception as error:
            self._end = error
        finally:
            if self._draining and self._end is None:
                self._end = DrainingError(_DRAINED)
            self._ended = True
            self._moved.set()

    async def _next(self, requests: AsyncIterator[bytes]) -> bytes | None:
        """The next request, once there is room for it; None at the end of the stream or when the service drains."""
        while len(self._line) >= self._window and not self._draining:
            await self._until_moved()
        if self._draining:
            return None
        self._reading = True
        try:
            return await anext(requests, None)
        finally:
            self._reading = False

    def _begin(self, raw: bytes) -> tuple[int | None, _Answer] | None:
        """The short way: the number of a batch, and its answer to be; None where it has to take the long one. A batch
        whose items find no room goes on with the ticket that it has: its caller paid for the bytes."""
        ways = self._ways
        if len(raw) > PARSE_HERE_BYTES:
            return None
        try:
            ticket = ways.admission.admit(len(raw))
        except RefusedError:
            return None
        begun = False
        try:
            number, work = ways.parse(raw, ways.method.request, ways.rpc.decode)
            if isinstance(work, Exception):
                return number, _failed(work)
            ticket.add_items(work.cost)
            future = ticket.begin(work, self._encoder(number), deadline=ways.deadline, what=ways.method.name)
            future.add_done_callback(lambda _: ticket.release())
            begun = True
            return number, future
        except RefusedError:
            begun = True
            return None, self._waiting(ticket, raw)
        finally:
            if not begun:
                ticket.release()

    def _encoder(self, number: int) -> Callable[[Any], bytes]:
        encode = self._ways.rpc.encode
        return lambda result: encode(number, result).SerializeToString()

    async def _begin_slowly(self, raw: bytes) -> _Answer:
        return self._waiting(await self._ways.admission.admit_when_free(len(raw)), raw)

    def _waiting(self, ticket: Ticket, raw: bytes) -> _Answer:
        """A task that waits for what a batch needs."""
        task = asyncio.create_task(self._answer_one(ticket, raw))
        task.add_done_callback(lambda _: ticket.release())  # also when it is cancelled before its first step
        return task

    async def _answer_one(self, ticket: Ticket, raw: bytes) -> bytes:
        ways = self._ways
        number, work = await ways.parse_later(ticket, raw, ways.method.request, ways.rpc.decode, ways.deadline)
        try:
            if isinstance(work, Exception):
                raise work
            await ticket.add_items_when_free(work.cost)
            encoder = self._encoder(number)
            return await ticket.run(work, encoder, deadline=ways.deadline, what=ways.method.name)
        except Exception as error:
            return ways.rpc.refuse(number, error).SerializeToString()


def _failed(error: Exception) -> _Answer:
    future: _Answer = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    future.exception()  # or the loop complains where a stream ends before its turn
    return future
