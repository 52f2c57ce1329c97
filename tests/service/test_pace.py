"""Calls that cannot be answered in time are refused, and only those: a queue in simulated time."""

from __future__ import annotations

import collections
import heapq
from dataclasses import dataclass, field

import pytest

from pycore.loadtest.arrivals import due_times
from pycore.service.pace import Pace
from pycore.service.unread import Unread
from pycore.wire.refusals import OverloadedError

from .conftest import Clock


@dataclass
class Queue:
    """One worker, first come, first served; the most urgent level first. Calls that expired before they begin cost
    nothing. A caller hears of an answer `lag` seconds after the service has it."""

    clock: Clock
    paces: list[Pace]
    service: float
    timeout: float
    lag: float
    seen: collections.Counter[tuple[str, int]] = field(default_factory=collections.Counter)
    waits: list[float] = field(default_factory=list)

    def run(self, arrivals: list[tuple[float, int]]) -> None:
        """Arrivals are (time, level), in order."""
        waiting: list[tuple[int, float, float]] = []
        free, start = 0.0, self.clock.now
        pending = collections.deque(arrivals)
        while pending or waiting:
            if pending and (not waiting or pending[0][0] <= free):
                at, level = pending.popleft()
                free = max(free, at) if not waiting else free
                self.clock.now = start + at
                began = 0.0
                if self.paces:
                    try:
                        began = self.paces[level].enter(self.timeout)
                    except OverloadedError as error:
                        self.seen["refused" if 0 < error.retry_after <= 5 else "refused oddly", level] += 1
                        continue
                heapq.heappush(waiting, (level, at, began))
                continue
            level, at, began = heapq.heappop(waiting)
            expired = free - at > self.timeout
            free = free if expired else free + self.service
            self.clock.now = start + max(free, self.clock.now - start)
            if self.paces:
                self.paces[level].leave(began, answered=not expired)
            in_time = not expired and free - at + self.lag <= self.timeout
            self.seen["answered" if in_time else "late", level] += 1
            self.waits.append(free - at)


def simulated(
    share: float, *, paced: bool, seed: int, levels: tuple[float, ...] = (1.0,), seconds: float = 60.0
) -> Queue:
    """A queue that gets `share` times what it can do."""
    clock = Clock()
    queue = Queue(clock, [Pace(clock) for _ in levels] if paced else [], service=0.004, timeout=5.0, lag=0.3)
    arrivals = [(float(at), level) for level, part in enumerate(levels)
                for at in due_times("poisson", part * share / 0.004, seconds, seed + level)]  # fmt: skip
    queue.run(sorted(arrivals))
    return queue


def test_five_times_too_much_is_answered_as_fast_as_can_be(seed: int) -> None:
    """Without the pace everything is answered just too late; with it nearly all of the work is for somebody."""
    most = 60.0 / 0.004
    without, paced = (simulated(5.0, paced=one, seed=seed) for one in (False, True))
    assert without.seen["answered", 0] < 0.2 * most
    assert paced.seen["answered", 0] > 0.8 * most
    assert paced.seen["late", 0] < 0.1 * most
    assert paced.seen["refused", 0] > 3 * most


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_nobody_is_refused_where_there_is_room(seed: int, share: float) -> None:
    queue = simulated(share, paced=True, seed=seed)
    assert set(queue.seen) == {("answered", 0)}


def test_the_urgent_are_not_refused_for_what_waits_behind_them(seed: int) -> None:
    queue = simulated(5.0, paced=True, seed=seed, levels=(0.1, 0.3, 0.6))
    votes = sum(count for (_, level), count in queue.seen.items() if level == 0)
    assert queue.seen["answered", 0] == votes
    assert queue.seen["refused", 2] > queue.seen["refused", 1] > queue.seen["refused", 0] == 0
    assert queue.seen["answered", 0] + queue.seen["answered", 1] > 0.8 * 60.0 / 0.004


@pytest.mark.parametrize("after", [10.0, 1000.0])
def test_a_burst_on_a_service_that_was_idle_is_taken(after: float) -> None:
    clock = Clock()
    queue = Queue(clock, [Pace(clock)], service=0.001, timeout=1.0, lag=0.0)
    one_by_one = [(0.1 * i, 0) for i in range(100)]
    queue.run([*one_by_one, *((after, 0) for _ in range(900))])
    assert set(queue.seen) == {("answered", 0)}


def test_few_slow_calls_refuse_nobody_and_neither_do_calls_without_a_deadline() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(10):
        began = pace.enter(3.0)
        clock.now += 2.0
        pace.leave(began)
    for _ in range(30):
        pace.enter(3.0)
    for _ in range(1000):
        pace.enter(None)


def test_large_calls_of_others_do_not_keep_small_ones_out() -> None:
    """Forty calls of thirty seconds each are open, and always will be; a call of a millisecond has two seconds."""
    clock = Clock()
    pace = Pace(clock)
    open_calls = collections.deque(pace.enter(None) for _ in range(40))
    seen: collections.Counter[str] = collections.Counter()
    for step in range(600):
        clock.now += 0.1
        if step % 10 == 0:
            pace.leave(open_calls.popleft())
            open_calls.append(pace.enter(None))
        if step < 300:  # long enough for nobody to remember how quick a small one is
            continue
        try:
            began = pace.enter(2.0)
        except OverloadedError:
            seen["refused"] += 1
        else:
            clock.now += 0.001
            pace.leave(began)
            seen["answered"] += 1
    assert seen["answered"] > 10 * seen["refused"]


def test_an_answer_may_be_empty_and_holds_nothing() -> None:
    unread = Unread(100, 100)
    unread.hold("a", 0)
    unread.hold("a", 0)
    unread.hold("a", 5)
    for nbytes in (0, 5, 0):
        unread.give_back("a", nbytes)
    assert (unread.total, unread.each) == (0, {})
