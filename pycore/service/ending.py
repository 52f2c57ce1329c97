"""How a service ends that cannot end well: work that does not stop, a front end that takes no calls any more.

Ends        whether a front end has ended by itself
leave       ends the process now
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Generator
from typing import Any, NoReturn

from pycore.service.workers import Running

__all__ = ["EXIT_ENDED", "EXIT_STUCK", "Ends", "leave", "log_running"]

_log = logging.getLogger("pycore.service")

EXIT_STUCK = 4
"""Exit status of a service that ended with work on its workers that could not be stopped."""
EXIT_ENDED = 5
"""Exit status of a service whose front end took no calls any more; whoever looks after the process starts it again."""


class Ends:
    """Notices when a front end ends before it is told to.

    An exception in `grpc.aio`'s own loop, which hands over each call, ends that loop alone: the port stays open, and no
    call is answered.

    Attributes:
        seen: set when it has.
    """

    def __init__(self) -> None:
        self.seen = asyncio.Event()
        self._expected = False

    async def start(self, front: Any) -> None:
        """Starts a front end. What its first step begins runs as long as it takes calls; tasks of calls come
        later."""
        await _Start(front, self._done)

    def expect(self) -> None:
        """From here on the end is wanted."""
        self._expected = True

    def _done(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if not self._expected and (error is not None or task.cancelled()):
            _log.critical("the front end has ended: no more calls are taken", exc_info=error)
            self.seen.set()


class _Start:
    """The start of a front end: its first step in one piece, so that nobody else begins a task meanwhile."""

    def __init__(self, front: Any, done: Callable[[asyncio.Task[Any]], None]) -> None:
        self._front = front
        self._done = done

    def __await__(self) -> Generator[Any, Any, None]:
        before = asyncio.all_tasks()
        steps = self._front.start().__await__()
        waits, over = None, False
        try:
            waits = next(steps)
        except StopIteration:
            over = True
        for task in asyncio.all_tasks() - before:
            task.add_done_callback(self._done)
        if not over:
            yield waits
            yield from steps


def log_running(rows: list[Running]) -> None:
    """A line in the log for each piece of work that is still running."""
    for row in rows:
        _log.error(
            "still running: %s",
            row.what,
            extra={"method": row.what, "seconds": round(row.seconds, 3), "stack": row.stack()},
        )


def leave(status: int) -> NoReturn:
    """Ends the process now. A normal exit would wait for the threads that are stuck, or compile."""
    logging.shutdown()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(status)
