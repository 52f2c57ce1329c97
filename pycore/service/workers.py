"""Threads that run work: what each of them is at, and since when none of them has been free.

A kernel or a parser that does not come back cannot be ended from outside. It can be seen, though: work that
is under way is listed here from its first moment to its last, so that health can say that nothing moves,
admission can refuse what would only wait, and a service that ends can name what it leaves behind.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from pycore.service.priorities import Priority
from pycore.service.scheduling import Scheduler


@dataclass(frozen=True)
class Running:
    """Work that is on a thread now.

    Attributes:
        what: the method that asked for it.
        seconds: how long it has been running.
        thread: the thread's identifier.
    """

    what: str
    seconds: float
    thread: int

    def stack(self) -> str:
        """Where the thread is, as a traceback shows it; empty when it has ended."""
        frame = sys._current_frames().get(self.thread)
        return "" if frame is None else "".join(traceback.format_stack(frame))


class Workers:
    """The threads of one executor. Any thread may call any method.

    Args:
        executor: runs the work. It is not shut down here.
        size: how many pieces of work it runs at once.
        clock: seconds, monotonic.
    """

    def __init__(self, executor: Executor, size: int, clock: Callable[[], float]) -> None:
        self.executor = executor
        self.size = max(1, size)
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[object, tuple[str, float, int]] = {}
        self._last_free = clock()

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Counts the calling thread as busy with `what` inside the block."""
        token = object()
        with self._lock:
            now = self._clock()
            self._running[token] = (what, now, threading.get_ident())
            self._last_free = now  # this one was, until now
        try:
            yield
        finally:
            with self._lock:
                del self._running[token]
                self._last_free = self._clock()

    def busy_for(self) -> float:
        """Seconds since a worker was last free; 0 while one is."""
        if len(self._running) < self.size:
            return 0.0  # without the lock, which every call would take
        with self._lock:
            return 0.0 if len(self._running) < self.size else max(0.0, self._clock() - self._last_free)

    @property
    def is_idle(self) -> bool:
        """Whether :meth:`enter` is worth trying."""
        return isinstance(self.executor, Scheduler) and self.executor.is_idle

    def enter(self, priority: Priority) -> bool:
        """Takes a worker's place for the calling thread, as `Scheduler.enter` does; :meth:`leave` must follow."""
        return isinstance(self.executor, Scheduler) and self.executor.enter(priority)

    def leave(self, priority: Priority) -> None:
        """Gives the place back."""
        assert isinstance(self.executor, Scheduler)
        self.executor.leave(priority)

    def others_wait(self, priority: Priority) -> bool:
        """Whether work of this priority that is between two steps should let others go first."""
        return isinstance(self.executor, Scheduler) and self.executor.others_wait(priority)

    def running(self) -> list[Running]:
        """The work under way, longest first."""
        with self._lock:
            now = self._clock()
            rows = [Running(what, now - since, thread) for what, since, thread in self._running.values()]
        return sorted(rows, key=lambda row: -row.seconds)
