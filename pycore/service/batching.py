"""Dynamic batching: small requests that ask the same question are answered by one piece of work.

Signatures and messages of several callers are joined where priority, kind and options are equal and the rows have forms
that are judged alike; the answer is cut again, and each caller gets what it would have got alone. Where a joined piece
raises, each of its works is done by itself, so an error reaches the one that made it.

A request waits for others only where others come. How many calls wait in gRPC cannot be seen from here, so it is tried
out: where a request finds another one open, the batch that it begins is held, and the number of requests that came in
that time is what the next batches expect. Where these are many every batch is held for `max_delay`. Where they are few,
batches go as soon as they are so many, and are held for no more than a part of it (`Holding`): callers who wait for
each other come at once, and those who do not would gain little and wait long. Every `_LOOK_EVERY`th batch is held for
the whole time, to learn whether more would have come. Where nobody came in the whole time, nothing is held for
`_BACK_OFF_S`. A lone caller has no other call open and never waits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from pycore.base.columns import Column, join_columns
from pycore.base.deadline import ExpiredError, StoppedError
from pycore.base.verdicts import Verdicts
from pycore.service.admission import Admission, Ticket
from pycore.service.priorities import Priority
from pycore.service.request_ids import Request, current_request
from pycore.service.shapes import Shaped, join_shaped
from pycore.service.work import Work

__all__ = ["AT_ONCE", "ONE_BY_ONE", "Holding", "Joiner", "cut", "join", "joint"]

T = TypeVar("T")

_log = logging.getLogger("pycore.service")

_LOOK_EVERY = 8
_BACK_OFF_S = 0.05
_SMALL = 64  # items; larger requests fill the lanes by themselves

_WIDTHS_MATTER = {"VerifySignatures": (True, True, False), "HashBatch": (False,)}
"""Kind -> of each column, whether rows of another width are judged otherwise (a key of the wrong width in a column of
fixed width is an error of the call, in a ragged one a verdict)."""


def joint(work: Work) -> Hashable | None:
    """Works of equal ones may be joined; None where it may be with no other."""
    if isinstance(work, Shaped):
        return work.joint
    matter = _WIDTHS_MATTER.get(work.kind)
    if matter is None or not 0 < work.n <= _SMALL:
        return None
    widths = []
    for column, matters in zip(work.columns, matter, strict=True):
        if not isinstance(column, Column) or column.n != work.n:  # one row for all, or a malformed request
            return None
        widths.append(column.width if matters else None)
    return work.kind, work.options, tuple(widths)


def join(works: list[Work]) -> Work:
    """One work with the rows of all, which have one :func:`joint`."""
    first = works[0]
    columns = join_shaped(works)
    if columns is None:
        columns = tuple(join_columns(parts) for parts in zip(*(work.columns for work in works), strict=True))
    n, cost = sum(work.n for work in works), sum(work.cost for work in works)
    marks: list[bytes | None] = []
    if any(work.marks for work in works):
        marks = [mark for work in works for mark in work.marks or [None] * work.n]
    return Work(first.kind, first.options, columns, n, cost, joined=True, marks=marks)


def cut(result: Any, works: list[Work]) -> list[Any]:
    """The result of joined works as the results of each."""
    parts, begin = [], 0
    for work in works:
        parts.append(result[begin : begin + work.n])
        begin += work.n
    return parts


@dataclass(eq=False)
class _Waiting:
    """One request. `work` is None once its caller has gone; `known` is its result, where no work is needed."""

    work: Work | None
    deadline: float | None
    priority: Priority
    result: asyncio.Future[Any]
    since: float
    request: Request | None
    known: Any = None
    batch: _Batch | None = None


class _Batch:
    """Requests on their way to a worker. Who goes before it begins takes its rows along."""

    def __init__(self, requests: list[_Waiting], admission: Admission) -> None:
        self.running: Future[Any] | None = None
        self._requests = requests
        self._admission = admission
        self._do = admission.do
        self._lock = threading.Lock()
        self._begun = False

    def leave(self, one: _Waiting) -> bool:
        """Whether the rows of a request could be left out."""
        with self._lock:
            if not self._begun:
                one.work = None
            return not self._begun

    def __call__(self) -> list[tuple[_Waiting, Any]]:
        """On a worker: each request with its result, or with what it raised."""
        with self._lock:
            self._begun = True
            left = [(one, one.work) for one in self._requests if one.work is not None]
        now = self._admission.clock()
        late = {one for one, _ in left if one.deadline is not None and one.deadline <= now}
        left = [(one, work) for one, work in left if one not in late]
        works = [work for _, work in left]
        if not works:
            return [(one, ExpiredError("the deadline passed")) for one in late]
        with self._admission.joined([(one.request, now - one.since) for one, _ in left]):
            done = [(one, result) for (one, _), result in zip(left, self._results(works), strict=True)]
        return done + [(one, ExpiredError("the deadline passed")) for one in late]

    def _results(self, works: list[Work]) -> list[Any]:
        if len(works) > 1:
            try:
                return cut(self._do(join(works)), works)
            except StoppedError:
                raise
            except Exception:
                _log.debug("joined work failed and is done one by one", exc_info=True)
        return [self._alone(work) for work in works]

    def _alone(self, work: Work) -> Any:
        try:
            return self._do(work)
        except StoppedError:
            raise
        except Exception as error:
            return error


@dataclass
class _Queue:
    waiting: list[_Waiting] = field(default_factory=list)
    items: int = 0
    timer: asyncio.TimerHandle | None = None
    whole: bool = True  # it is held for all of the delay


class Holding(NamedTuple):
    """How batches are held: for `part` of `max_delay` where fewer than `many` requests are expected."""

    many: int
    part: float


AT_ONCE = Holding(10, 0.1)
"""For calls that arrive as they were sent."""
ONE_BY_ONE = Holding(6, 1.0)
"""For calls that arrive a quarter of a millisecond apart, however they were sent, as they do from grpcio."""


class Joiner:
    """Runs works, small ones together. Belongs to one event loop.

    Args:
        admission: runs them.
        max_items: items of one piece of work; 1 joins nothing.
        max_delay: seconds that the oldest of its requests may have waited.
        clock: seconds, monotonic: for deadlines, the admission's; and for the pace of arrivals.
        known: the verdicts of a small work, where they are known without computing, else None; called on the event
            loop.
        holding: how calls arrive.
    """

    def __init__(
        self,
        admission: Admission,
        max_items: int,
        max_delay: float,
        clock: Callable[[], float] = time.monotonic,
        known: Callable[[Work], Any] | None = None,
        holding: Holding = AT_ONCE,
    ) -> None:
        self._holding = holding
        self._known = known
        self._admission = admission
        self._max_items = max_items
        self._max_delay = max_delay
        self._clock = clock
        self._queues: dict[Hashable, _Queue] = {}
        self._open = 0
        self._expected = 0
        self._held = 0
        self._hold_again_at = 0.0

    async def run(
        self, ticket: Ticket, work: Work, answer: Callable[[Any], T], *, deadline: float | None, what: str
    ) -> T:
        """As `Ticket.run`."""
        alike = joint(work) if self._max_items > 1 else None
        key = None if alike is None else (ticket.priority, alike)
        known = self._known(work) if self._known is not None else None
        self._open += 1
        try:
            if known is not None and not self._holds(key):
                await asyncio.sleep(0)  # or nobody ever saw another one: what is known would be answered in one go
            if key is None or not self._holds(key):
                if known is not None:
                    self._admission.note(work, known)
                    return answer(known)
                return await ticket.run(work, answer, deadline=deadline, what=what)
            result = asyncio.get_running_loop().create_future()
            since = self._admission.clock()
            one = _Waiting(work, deadline, ticket.priority, result, since, current_request.get(), known)
            self._add(key, one, work.n)
            try:
                found = await one.result
                self._admission.answered(work, found)
                return answer(found)
            except asyncio.CancelledError:
                if one.batch is not None and not one.batch.leave(one):
                    assert one.batch.running is not None
                    ticket.hold_until(one.batch.running)
                raise
        finally:
            self._open -= 1

    def begins_alone(self, work: Work) -> bool:
        """Whether a work would not wait for others now. Any thread may ask."""
        return not self._open or self._max_items <= 1 or joint(work) is None

    def run_here(
        self, ticket: Ticket, work: Work, answer: Callable[[Any], T], *, deadline: float | None, what: str,
        begun: Callable[[Callable[[], None]], None],
    ) -> T:  # fmt: skip
        """As `Ticket.run_here`; verdicts that are known take no work."""
        known = self._known(work) if self._known is not None else None
        if known is None:
            return ticket.run_here(work, answer, deadline=deadline, what=what, begun=begun)
        found = answer(known)
        self._admission.note(work, known)
        return found

    def _holds(self, key: Hashable | None) -> bool:
        """Whether a request waits for others."""
        if key in self._queues or self._expected > 1:
            return True
        return self._open > 1 and self._clock() >= self._hold_again_at

    def _add(self, key: Hashable, one: _Waiting, items: int) -> None:
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue()
            few = 1 < self._expected < self._holding.many and not self._looks
            delay = self._max_delay * (self._holding.part if few else 1)
            queue.whole = not few
            queue.timer = asyncio.get_running_loop().call_later(delay, self._time_is_up, key)
        queue.waiting.append(one)
        queue.items += items
        if queue.items >= self._max_items:
            self._expected = len(queue.waiting)
            self._close(key)
        elif 1 < self._expected < self._holding.many and not self._looks and len(queue.waiting) >= self._expected:
            self._close(key)

    @property
    def _looks(self) -> bool:
        """Whether the next batch is held for the whole time, however many are expected."""
        return self._held % _LOOK_EVERY == 0

    def _time_is_up(self, key: Hashable) -> None:
        queue = self._queues[key]
        self._expected = len(queue.waiting)
        if self._expected < 2 and queue.whole:
            self._hold_again_at = self._clock() + _BACK_OFF_S
        self._close(key)

    def _close(self, key: Hashable) -> None:
        """Sends a queue to the workers."""
        queue = self._queues.pop(key)
        assert queue.timer is not None
        queue.timer.cancel()
        self._held += 1
        now = self._admission.clock()
        alive: list[_Waiting] = []
        known: list[_Waiting] = []
        for one in queue.waiting:  # whoever has gone, or is late, leaves before the work
            if one.result.done():
                continue
            if one.deadline is not None and one.deadline <= now:
                one.result.set_exception(ExpiredError("the deadline passed"))
                continue
            (alive if one.known is None else known).append(one)
        if known:
            self._answer(known)
        if alive:
            self._start(alive)

    def _answer(self, known: list[_Waiting]) -> None:
        """Answers what needs no work. It waited with the others all the same: answers that leave together cost less."""
        works = [one.work for one in known if one.work is not None]
        self._admission.note(join(works), Verdicts.of_kernel(np.concatenate([one.known.codes for one in known])))
        for one in known:
            one.result.set_result(one.known)

    def _start(self, alive: list[_Waiting]) -> None:
        deadlines = [one.deadline for one in alive]
        latest = None if None in deadlines else max(filter(None, deadlines))
        batch = _Batch(alive, self._admission)
        for one in alive:
            one.batch = batch
        batch.running = self._admission.start(batch, latest, "joined requests", alive[0].priority)
        loop = asyncio.get_running_loop()
        batch.running.add_done_callback(lambda done: loop.is_closed() or loop.call_soon_threadsafe(_give, done, alive))


def _give(done: Future[list[tuple[_Waiting, Any]]], alive: list[_Waiting]) -> None:
    """Tells the callers that are still there."""
    failure: BaseException | None = asyncio.CancelledError() if done.cancelled() else done.exception()
    answers = [(one, failure) for one in alive] if failure is not None else done.result()
    for one, result in answers:
        if one.result.done():
            continue
        if isinstance(result, asyncio.CancelledError):
            one.result.cancel()
        elif isinstance(result, BaseException):
            one.result.set_exception(result)
        else:
            one.result.set_result(result)
