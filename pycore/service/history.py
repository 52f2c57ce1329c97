"""The last ten minutes of a service, in slots of five seconds: what the admin page plots.

Nothing is added to the way of a call for it: a thread reads the counters that there are anyway, and keeps how they
differ from five seconds before. Numbers of a moment, such as requests in flight, are read once a second, and a slot
keeps the highest.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pycore.service.admission import Admission
from pycore.service.metrics import BOUNDS_S, Metrics, Totals
from pycore.service.priorities import Priority
from pycore.service.scheduling import Scheduler

__all__ = ["SLOTS", "SLOT_S", "History", "Slot", "quantile"]

K = TypeVar("K")
SLOT_S = 5.0
SLOTS = 120
_TICK_S = 1.0


@dataclass(frozen=True)
class Moment:
    """Numbers that go up and down; of a slot, the highest of each.

    requests, items, nbytes       waiting or running
    votes, transactions, audits   pieces of work of each priority that wait for a worker
    busy                          workers that compute
    calls                         calls and streams open
    lag                           seconds that the event loop was late
    """

    requests: int = 0
    items: int = 0
    nbytes: int = 0
    votes: int = 0
    transactions: int = 0
    audits: int = 0
    busy: int = 0
    calls: int = 0
    lag: float = 0.0

    def highest(self, other: Moment) -> Moment:
        """The higher of each."""
        return Moment(*(max(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Slot:
    """What happened in some seconds.

    Attributes:
        end: seconds since 1970.
        seconds: how long it was; more than five where this process did not get to run.
        totals: what was counted in it; buckets are not cumulative here.
        highest: the highest number of each kind.
        cpu: seconds of CPU that the process used.
        memory: bytes of memory that it had at the end; 0 where that is not known.
    """

    end: float
    seconds: float
    totals: Totals
    highest: Moment
    cpu: float
    memory: int


@dataclass
class _Before:
    totals: Totals = field(default_factory=Totals)
    at: float = 0.0
    cpu: float = 0.0


class History:
    """Watches a service from a thread of its process.

    Args:
        metrics: the counters.
        admission: what is in flight.
        scheduler: what waits.
        calls: how many calls and streams are open.
    """

    def __init__(self, metrics: Metrics, admission: Admission, scheduler: Scheduler, calls: Callable[[], int]) -> None:
        self._scheduler = scheduler
        self._metrics = metrics
        self._admission = admission
        self._calls = calls
        self._slots: deque[Slot] = deque(maxlen=SLOTS)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._lag = 0.0
        self._sent: float | None = None
        self._highest = Moment()
        self._before = _Before()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins; `loop` is the one whose lag is measured."""
        self._before = _Before(self._metrics.totals(), time.monotonic(), time.process_time())
        self._thread = threading.Thread(target=self._run, args=(loop,), name="pycore-history", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def slots(self) -> list[Slot]:
        """All of the last ten minutes, oldest first."""
        with self._lock:
            return list(self._slots)

    def now(self) -> Moment:
        """The numbers of this moment."""
        load, busy = self._admission.load, len(self._admission.workers.running())
        late = time.monotonic() - self._sent if self._sent is not None else 0.0
        waiting = {priority.word: self._scheduler.waiting(priority) for priority in Priority}
        shown = Moment(load.requests, load.items, load.nbytes, busy=busy, calls=self._calls(), lag=max(self._lag, late))
        return replace(shown, **waiting)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._ended.wait(_TICK_S):
            self._probe(loop)
            self.tick()

    def _probe(self, loop: asyncio.AbstractEventLoop) -> None:
        """Asks the event loop for a sign of life; how late it comes is the lag until the next."""
        if self._sent is None and not loop.is_closed():
            self._sent = time.monotonic()
            loop.call_soon_threadsafe(self._answered, self._sent)

    def _answered(self, sent: float) -> None:
        self._lag = time.monotonic() - sent
        self._sent = None

    def tick(self) -> None:
        """Looks once; closes the slot when its time is up."""
        self._highest = self._highest.highest(self.now())
        before, now = self._before, time.monotonic()
        if now - before.at < SLOT_S - _TICK_S / 2:
            return
        totals, cpu = self._metrics.totals(), time.process_time()
        slot = Slot(
            time.time(), now - before.at, _difference(totals, before.totals), self._highest, cpu - before.cpu, _memory()
        )
        self._before, self._highest = _Before(totals, now, cpu), Moment()
        with self._lock:
            self._slots.append(slot)


def _memory() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - no file of a folder
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _difference(after: Totals, before: Totals) -> Totals:
    def counters(one: Mapping[K, float], other: Mapping[K, float]) -> dict[K, float]:
        found = {key: value - other.get(key, 0.0) for key, value in one.items()}
        return {key: value for key, value in found.items() if value}

    def buckets(one: Mapping[K, Sequence[float]], other: Mapping[K, Sequence[float]]) -> dict[K, list[float]]:
        found = {}
        for key, row in one.items():
            old = other.get(key, [0.0] * len(row))
            upto = [value - was for value, was in zip(row, old, strict=True)]
            if upto[-1]:
                found[key] = [value - below for value, below in zip(upto, [0.0, *upto], strict=False)]
        return found

    return Totals(
        counters(after.calls, before.calls),
        counters(after.verdicts, before.verdicts),
        counters(after.refusals, before.refusals),
        counters(after.kernel_seconds, before.kernel_seconds),
        counters(after.work_seconds, before.work_seconds),
        buckets(after.call_seconds, before.call_seconds),
        buckets(after.queue_seconds, before.queue_seconds),
    )


def quantile(rows: Iterable[Sequence[float]], share: float) -> float | None:
    """The time below which a share of what was measured lies, as `histogram_quantile` of Prometheus reckons it.

    Args:
        rows: counts by bucket, not cumulative; they are added up.
        share: from 0 to 1.

    Returns:
        Seconds; None where nothing was measured. Above the last bound it is that bound.

    >>> quantile([[0] * 3 + [10] + [0] * 12], 0.5)
    0.00375
    """
    counts: list[float] = [sum(column) for column in zip(*rows, strict=True)]
    whole = sum(counts)
    if not whole:
        return None
    rank, below = share * whole, 0.0
    for i, count in enumerate(counts):
        if count and below + count >= rank:
            if i >= len(BOUNDS_S):
                break
            low = BOUNDS_S[i - 1] if i else 0.0
            return low + (BOUNDS_S[i] - low) * (rank - below) / count
        below += count
    return BOUNDS_S[-1]
