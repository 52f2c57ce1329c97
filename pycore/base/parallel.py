"""One thread pool for the whole process, and how a batch is cut into pieces for it.

The kernels release the GIL, so plain threads use every core. A call runs on the calling thread plus up to
``threads - 1`` helpers from the pool; ``threads=1`` never touches the pool. Helpers that have not started when the
caller has finished the last piece are cancelled, so that nested and concurrent calls cannot wait for each other.

How many threads a call takes: its ``threads=`` argument, else :func:`set_threads`, else ``PYCORE_THREADS``, else the
CPUs this process may run on. Small batches use fewer: a piece is worth handing over only from about 100 microseconds
of work. The environment is read only for batches that can be cut: the look-up costs more than a small batch.

Pieces are also where work for a caller that has gone ends (:mod:`pycore.base.deadline`): a call with a
deadline is cut more finely, even on one thread.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from pycore.base.columns import quote
from pycore.base.deadline import checkpoint, limited
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


__all__ = ["get_threads", "set_threads"]

MAX_THREADS = 1024
_PIECE_NS = 100_000
_PIECES_PER_THREAD = 4  # more pieces than threads, so that one slow core does not decide the whole batch
_LIMITED_NS = 10_000_000  # a call with a deadline looks at the clock about this often
_GRAIN = 64  # pieces are multiples of this: whole vectors on every instruction set, and full batch inversions


class Cost(NamedTuple):
    """Rough nanoseconds per item and per message byte on one thread; decides only how finely a batch is cut.

    Kernels that share work among the items of a call get slower in small pieces: as long as every thread has one,
    pieces are not smaller than `batch` items.
    """

    item_ns: float
    byte_ns: float
    batch: int = 1


_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_threads: int | None = None


def _after_fork_in_child() -> None:
    """The pool's threads did not survive the fork, and its lock may have been held: start afresh."""
    global _lock, _pool, _pool_size
    _usable_cpus.cache_clear()
    _lock = threading.Lock()
    _pool = None
    _pool_size = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def set_threads(n: int | None) -> None:
    """Set how many threads a call without ``threads=`` may use in this process.

    Args:
        n: 1 to 1024, or None to go back to ``PYCORE_THREADS`` or the number of usable CPUs.

    Raises:
        InputError: n is not such a number.

    >>> set_threads(2)
    >>> get_threads()
    2
    >>> set_threads(None)
    """
    global _threads
    _threads = None if n is None else _checked(n, "n")


def get_threads() -> int:
    """How many threads a call without ``threads=`` may use."""
    if _threads is not None:
        return _threads
    variable = os.environ.get("PYCORE_THREADS", "")
    if variable:
        try:
            return _checked(int(variable), "PYCORE_THREADS")
        except ValueError:
            raise InputError("PYCORE_THREADS", quote(variable), f"a number from 1 to {MAX_THREADS}") from None
    return _usable_cpus()


@cache
def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MAX_THREADS)
    return min(os.cpu_count() or 1, MAX_THREADS)


def resolve_threads(threads: int | None) -> int:
    """The ``threads=`` argument of a call as a number."""
    return get_threads() if threads is None else _checked(threads, "threads")


def _checked(n: object, field: str) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 1 <= n <= MAX_THREADS:
        raise InputError(field, quote(n), f"a number from 1 to {MAX_THREADS}")
    return int(n)


class Weighed(Protocol):
    """The bytes of the items of a call: how many there are and, where rows are ragged, where each begins."""

    @property
    def nbytes(self) -> int: ...

    @property
    def offsets(self) -> Any: ...


def is_small(n: int, cost: Cost, messages: Weighed | None = None) -> bool:
    """Whether :func:`cut` would leave n items in one piece for any number of threads."""
    return n * cost.item_ns + (0 if messages is None else messages.nbytes * cost.byte_ns) < 2 * _PIECE_NS


def cut(n: int, threads: int, cost: Cost, messages: Weighed | None = None) -> list[int]:
    """Boundaries of the pieces that n items are cut into: 0 first, n last, strictly increasing (``[0, 0]`` for n = 0).

    Pieces have about the same cost; long messages weigh by their bytes.
    """
    total = n * cost.item_ns + (0 if messages is None else messages.nbytes * cost.byte_ns)
    pieces = min(threads * _PIECES_PER_THREAD, int(total / _PIECE_NS), max(threads, n // cost.batch), n)
    if threads == 1:
        pieces = 1
    if limited():
        pieces = min(max(pieces, int(total / _LIMITED_NS)), n)
    if pieces <= 1:
        return [0, n]
    # Rounding to whole vectors matters where items are cheap; a few megabyte-long messages are cut one by one.
    grain = _GRAIN if total / n < _PIECE_NS else 1
    targets = np.arange(1, pieces) * (total / pieces)
    if messages is None or messages.offsets is None:
        inner = targets / (total / n)
    else:
        reached = np.arange(n + 1) * cost.item_ns + (messages.offsets - messages.offsets[0]) * cost.byte_ns
        inner = np.searchsorted(reached, targets).astype(np.float64)
    rounded = (np.rint(inner / grain) * grain).astype(np.int64)
    return sorted({0, n, *rounded[(rounded > 0) & (rounded < n)].tolist()})


def _nothing(_start: int, _stop: int) -> None:
    """The work of a job that is over."""


class _Job:
    """The pieces of one call; the caller and its helpers take them one by one."""

    def __init__(self, work: Callable[[int, int], None], bounds: list[int]) -> None:
        self._work = work
        self._bounds = bounds
        self._next = 0
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []

    def drain(self) -> None:
        while True:
            with self._lock:
                piece = self._next
                if piece + 1 >= len(self._bounds) or self._errors:
                    return
                self._next = piece + 1
            try:
                checkpoint()
                self._work(self._bounds[piece], self._bounds[piece + 1])
            except BaseException as error:  # handed to the caller, whichever thread it happened on
                self._errors.append(error)

    def stop(self) -> None:
        with self._lock:
            self._next = len(self._bounds)

    def forget(self) -> None:
        """Lets the work go, when all of it is done or left."""
        self._work, self._bounds = _nothing, []

    def finish(self) -> None:
        if self._errors:
            raise self._errors[0]


def run_pieces(work: Callable[[int, int], None], bounds: list[int], threads: int) -> None:
    """Call ``work(start, stop)`` for every piece, on up to `threads` threads; returns when all are done.

    The first exception that a piece raises is raised here, after the pieces under way have ended. Pieces see the
    caller's context variables.
    """
    pieces = len(bounds) - 1
    if threads == 1 or pieces <= 1:
        for start, stop in pairwise(bounds):
            checkpoint()
            work(start, stop)
        return
    Started(work, bounds, min(threads, pieces) - 1).finish()


class Started:
    """Work that helpers have begun; whoever wants its result does what is left of it."""

    def __init__(self, work: Callable[[int, int], None], bounds: list[int], helpers: int) -> None:
        self._job = _Job(work, bounds)
        self._helpers = _submit(self._job, helpers) if helpers else []

    def finish(self) -> None:
        """Returns when every piece is done; raises the first exception that one raised."""
        self._job.drain()
        self._wait()
        self._job.finish()

    def abandon(self) -> None:
        """Returns when no piece is under way; those that nobody has begun are left. Nothing after :meth:`finish`."""
        self._job.stop()
        self._wait()

    def _wait(self) -> None:
        for helper in self._helpers:
            if not helper.cancel():
                helper.result()
        self._helpers = []
        # Pieces often know who began them. Such a circle would keep what they read until the garbage collector comes.
        self._job.forget()


def start_tasks(tasks: Sequence[Callable[[], None]], threads: int) -> Started:
    """As :func:`start_pieces`, with a piece for each of these, in order."""
    return start_pieces(lambda index, _: tasks[index](), list(range(len(tasks) + 1)), threads)


def start_pieces(work: Callable[[int, int], None], bounds: list[int], threads: int) -> Started:
    """As :func:`run_pieces`, but returns at once: up to ``threads - 1`` helpers begin, and the caller goes on.

    The caller must call ``finish()``, or ``abandon()`` when it fails itself, lest the pieces outlive what they read.
    """
    return Started(work, bounds, min(threads - 1, len(bounds) - 1))


def run(
    work: Callable[[int, int], None], n: int, threads: int | None, cost: Cost, messages: Weighed | None = None
) -> None:
    """Call ``work(start, stop)`` for the pieces of n items; threads: None for as many as :func:`get_threads` says."""
    if is_small(n, cost, messages):
        work(0, n)
        return
    count = get_threads() if threads is None else threads
    run_pieces(work, cut(n, count, cost, messages), count)


def _submit(job: _Job, count: int) -> list[Future[None]]:
    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size < count:
            if _pool is not None:
                _pool.shutdown(wait=False)  # what it has queued still runs
            _pool_size = max(count, get_threads())
            _pool = ThreadPoolExecutor(_pool_size, thread_name_prefix="pycore")
        try:
            # Each gets its own context: only one thread at a time can be inside one.
            return [_pool.submit(copy_context().run, job.drain) for _ in range(count)]
        except RuntimeError:  # the interpreter is shutting down: the caller does all the work itself
            return []
