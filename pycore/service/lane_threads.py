"""Threads that take calls of the same-host lane and answer them without a way over the event loop.

The way from a socket to the loop, from there to a worker and back is two threads that are woken, a task and a future: a
tenth of what a call with 256 Ed25519 signatures takes. Where a worker is free and nothing waits, a thread of the lane
does all of it: it is the coroutine that the loop would run, driven by hand, so nothing is decided otherwise. Where it
must wait for something, it goes on on the loop (:func:`on_the_loop`).
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import select
import sys
import threading
import types
from collections.abc import Coroutine, Generator
from typing import Any, Protocol

from pycore.service.scheduling import give_way

__all__ = ["HAVE_THREADS", "Rest", "Threads", "on_the_loop"]

HAVE_THREADS = sys.platform == "linux" and sys.version_info >= (3, 11)
"""Whether a coroutine can change from a thread to the loop: with its context variables, which tasks take from 3.11."""


@types.coroutine
def on_the_loop() -> Generator[None, None, None]:
    """What follows this where it is awaited happens on the event loop; nothing where that is so already.

    Calls of one request may begin on a thread. Whatever waits in one of them must await this first.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        yield


class Rest:
    """The rest of a coroutine that began on a thread; a task with its context awaits it."""

    def __init__(self, coroutine: Coroutine[Any, Any, bytes], context: contextvars.Context) -> None:
        self._coroutine = coroutine
        self.context = context

    def __await__(self) -> Generator[Any, Any, bytes]:
        return (yield from self._coroutine.__await__())

    def close(self) -> None:
        """Ends it where it is; nothing to one that has ended."""
        self.context.run(self._coroutine.close)


class Served(Protocol):
    """A connection."""

    def fileno(self) -> int:
        """The descriptor of its socket."""
        ...

    def on_thread(self) -> None:
        """There is something to read. Must not raise."""
        ...

    def close(self) -> None:
        """The caller has gone. Called on the loop."""
        ...


class Threads:
    """Threads that wait for all connections together. Each connection is looked at by one of them at a time: once it
    has come up it must be waited for again.

    Args:
        size: how many; one more than may be busy at once, so that one is always there.
    """

    def __init__(self, size: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._coming = select.epoll()
        self._going = select.epoll()  # callers are seen to go while their calls are served
        self._end = os.eventfd(0, os.EFD_CLOEXEC)
        self._coming.register(self._end, select.EPOLLIN)
        self._loop.add_reader(self._going.fileno(), self._look)
        self._of: dict[int, Served] = {}
        self._lock = threading.Lock()
        self._left = size
        for i in range(size):
            threading.Thread(target=self._work, name=f"pycore-lane_{i}", daemon=True).start()

    def add(self, one: Served) -> None:
        """Waits for a connection, and looks from now on whether its caller goes."""
        fd = one.fileno()
        self._of[fd] = one
        self._coming.register(fd, select.EPOLLIN | select.EPOLLONESHOT)
        self._going.register(fd, select.EPOLLRDHUP | select.EPOLLET)

    def wait_for(self, one: Served) -> None:
        """Waits for a connection again. Any thread may ask."""
        self._coming.modify(one.fileno(), select.EPOLLIN | select.EPOLLONESHOT)

    def remove(self, one: Served) -> None:
        """A connection is about to be closed."""
        fd = one.fileno()
        del self._of[fd]
        self._coming.unregister(fd)
        self._going.unregister(fd)

    def stop(self) -> None:
        """Ends the threads, each after its call."""
        self._loop.remove_reader(self._going.fileno())
        self._going.close()
        os.eventfd_write(self._end, 1)

    def _look(self) -> None:
        for fd, _ in self._going.poll(0):
            if fd in self._of:
                self._of[fd].close()

    def _work(self) -> None:
        give_way()
        while True:
            ((fd, _),) = self._coming.poll(maxevents=1) or ((-1, 0),)
            if fd == self._end:
                break
            one = self._of.get(fd)
            if one is not None:  # else it was closed in the meantime
                one.on_thread()
            one = None
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._coming.close()
            with contextlib.suppress(OSError):
                os.close(self._end)
