"""How far a stream of requests may run ahead of its answers.

HTTP/2 slows a sender down by bytes, which lets thousands of small batches be under way, and where answers are not read
it is the service that keeps them. Here requests are made, and the caller's batches read, only while fewer than `limit`
are without an answer that the caller has taken: a slow service and a slow reader both stop the sender, and what the
client keeps is bounded by `limit` messages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Gate:
    """For a stream whose requests are made in another thread than the one that takes answers.

    Args:
        limit: most requests without an answer.
        pending: how many there are.
    """

    def __init__(self, limit: int, pending: Callable[[], int]) -> None:
        self._limit = limit
        self._pending = pending
        self._changed = threading.Condition()
        self._closed = False

    def paced(self, source: Iterable[T]) -> Iterator[T]:
        """The source, read while there is room; ends early where the stream has."""
        iterator = iter(source)
        while self._wait():
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._pending() < self._limit)
            return not self._closed

    def tell(self) -> None:
        """An answer was taken."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """The stream is over: whoever waits stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class AsyncGate:
    """The same for one event loop. Arguments: those of :class:`Gate`."""

    def __init__(self, limit: int, pending: Callable[[], int]) -> None:
        self._limit = limit
        self._pending = pending
        self._changed = asyncio.Event()
        self._closed = False

    async def paced(self, source: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
        """The source of either kind, read while there is room; ends early where the stream has."""
        iterator = aiter(source) if isinstance(source, AsyncIterable) else _asynchronous(source)
        while await self._wait():
            try:
                item = await anext(iterator)
            except StopAsyncIteration:
                return
            yield item

    async def _wait(self) -> bool:
        while not self._closed and self._pending() >= self._limit:
            self._changed.clear()
            await self._changed.wait()
        return not self._closed

    def tell(self) -> None:
        """An answer was taken."""
        self._changed.set()

    def close(self) -> None:
        """The stream is over: whoever waits stops."""
        self._closed = True
        self._changed.set()


async def _asynchronous(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
