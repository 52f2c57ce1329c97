"""Admission and execution of work.

No gRPC in here. A caller takes a `Ticket` for the bytes that it holds (`Admission.admit`, or
`Admission.admit_when_free` where waiting is better than refusing), adds the items once it knows them, and
runs its work. Work runs on the executor that the admission was given, never on the event loop. A ticket is
given back when the work has really ended - not when its caller went away - so that the bounds hold for what
is in memory.

Work that was cancelled or whose deadline has passed by the time a worker is free is dropped before it
starts; where that happens while it runs, it ends at its next checkpoint (:mod:`pycore.base.deadline`). When
no worker has come free for `stall_after` seconds nothing more is taken in.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pycore.base.deadline import AbandonedError, Budget
from pycore.service.callers import current, take
from pycore.service.locked import locked
from pycore.service.pieces import in_pieces
from pycore.service.priorities import Bounds, Priority, Room
from pycore.service.request_ids import Request, current_request
from pycore.service.scheduling import TURN
from pycore.service.work import Work
from pycore.service.workers import Running, Workers
from pycore.wire.refusals import OverloadedError, RefusedError, StalledError, ThrottledError

T = TypeVar("T")

_MIN_RETRY_S, _MAX_RETRY_S = 0.01, 5.0
_OF = {priority: f" of {priority.word}" for priority in Priority}


@dataclass
class Load:
    """The work that is waiting or running now."""

    requests: int = 0
    items: int = 0
    nbytes: int = 0


class Observer(Protocol):
    """Is told what happens to work; on any thread, in the context of its request."""

    def waited(self, seconds: float) -> None:
        """Work has come to a worker."""

    def worked(self, work: Work, result: Any, seconds: float) -> None:
        """Work is done."""

    def joined(self, requests: Sequence[tuple[Request | None, float]]) -> AbstractContextManager[None]:
        """Small requests are done together inside the block: each with how long it has waited, in seconds."""
        ...

    def answered(self, work: Work, result: Any) -> None:
        """The current request's part of what was done together."""


class _Job(Generic[T]):
    """Something on its way to a worker. Forgotten when its caller goes: the executor keeps the job until a
    worker is free, and what it holds - the request - must not stay in memory that long."""

    def __init__(
        self, admission: Admission, function: Callable[[], T], budget: Budget, workers: Workers, what: str,
        priority: Priority, client: str,
    ) -> None:  # fmt: skip
        self.priority = priority
        self.client = client
        self._admission = admission
        self._call: Callable[[], T] | None = function
        self._budget = budget
        self._workers = workers
        self._what = what
        self._submitted = admission.clock()
        self._served = current.get()  # work asks about rights on its thread as well
        self._request = current_request.get()

    def __call__(self) -> T:
        clock, call = self._admission.clock, self._call
        self._budget.check()
        assert call is not None, "a call is forgotten after its budget was cancelled"
        began = clock()
        served, request = current.set(self._served), current_request.set(self._request)
        try:
            if self._workers is self._admission.workers and self._admission._metrics is not None:
                self._admission._metrics.waited(began - self._submitted)
            with self._workers.busy(self._what), self._budget:
                return call()
        finally:
            current.reset(served)
            current_request.reset(request)
            self._submitted = clock()  # where it has more to do it waits again
            if self._workers is self._admission.workers:
                self._admission._note_duration(clock() - began)

    def forget(self) -> None:
        """Stops the job: before it begins, or at its next checkpoint."""
        self._budget.cancel()
        self._call = None


class Ticket:
    """The right to hold bytes and items. Made by the admission only; a context manager that gives the room back."""

    def __init__(self, admission: Admission, nbytes: int, priority: Priority, client: str) -> None:
        self._admission = admission
        self.priority = priority
        self.client = client
        self._running: Future[Any] | None = None
        self._released = False
        self.nbytes = nbytes
        self.items = 0

    def add_items(self, items: int) -> None:
        """Claims room for `items` more items.

        Raises:
            OverloadedError: there is none. The ticket keeps what it has.
            ThrottledError: the caller has used up its items of this second.
        """
        self._admission._claim_items(self, items)

    async def add_items_when_free(self, items: int) -> None:
        """As `add_items`, but waits until there is room."""
        await self._admission._retry_until_free(lambda: self.add_items(items))

    async def run(self, work: Work, answer: Callable[[Any], T], *, deadline: float | None = None, what: str = "") -> T:
        """Does `work` on a worker. May be called again after it returned.

        Cancelling the awaiting task stops the work: it never begins, or ends at its next checkpoint.

        Args:
            work: what the admission's `execute` is given.
            answer: makes what is returned of the result, on the worker.
            deadline: a time of the admission's clock, or None.
            what: a name for the log; the work's kind by default.

        Raises:
            ExpiredError: the deadline passed before the work began, or while it ran.
            Exception: whatever the work or `answer` raises.
        """
        admission = self._admission
        function: Callable[[], T] = in_pieces(work, answer, admission.do, admission.workers, self.priority)
        return await self._submit(function, deadline, admission.workers, what or work.kind, self.priority)

    def run_here(
        self, work: Work, answer: Callable[[Any], T], *, deadline: float | None, what: str,
        begun: Callable[[Callable[[], None]], None],
    ) -> T:  # fmt: skip
        """As `run`, on the calling thread, which has a worker's place (`Workers.enter`).

        Args:
            begun: is given what stops the work: it never begins, or ends at its next checkpoint.

        Raises:
            asyncio.CancelledError: it was stopped.
        """
        admission = self._admission
        budget = Budget(deadline, admission.clock)
        job = _Job(admission, _never, budget, admission.workers, what, self.priority, self.client)
        admission._keep(job)
        begun(job.forget)
        try:
            budget.check()
            with admission.workers.busy(what), budget:
                return admission.do_and_tell(work, answer)
        except AbandonedError:
            raise asyncio.CancelledError from None
        finally:
            admission._drop(job)

    def begin(self, work: Work, answer: Callable[[Any], T], *, deadline: float | None, what: str) -> asyncio.Future[T]:
        """As `run`, without waiting: the future of the answer. Cancelling it stops the work."""
        admission = self._admission
        function: Callable[[], T] = in_pieces(work, answer, admission.do, admission.workers, self.priority)
        job, future = self._hand_over(function, deadline, admission.workers, what, self.priority)

        def ended(done: asyncio.Future[T]) -> None:
            admission._drop(job)
            if done.cancelled():
                job.forget()

        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(ended)
        return waiting

    async def call(
        self,
        function: Callable[[], T],
        *,
        deadline: float | None = None,
        workers: Workers | None = None,
        what: str = "work",
        priority: Priority | None = None,
    ) -> T:
        """As `run`, for what is no work of a request: `function` is called without arguments.

        Args:
            function: called on a worker thread.
            deadline: a time of the admission's clock, or None.
            workers: where; None means the admission's own.
            what: a name for the log.
            priority: its place in the queue; None means the ticket's.
        """
        urgent = self.priority if priority is None else priority
        return await self._submit(function, deadline, workers or self._admission.workers, what, urgent)

    def _hand_over(
        self, function: Callable[[], T], deadline: float | None, workers: Workers, what: str, priority: Priority
    ) -> tuple[_Job[T], Future[T]]:
        admission = self._admission
        job = _Job(admission, function, Budget(deadline, admission.clock), workers, what, priority, self.client)
        future: Future[T] = workers.executor.submit(job)
        self._running = future
        admission._keep(job)
        return job, future

    async def _submit(
        self, function: Callable[[], T], deadline: float | None, workers: Workers, what: str, priority: Priority
    ) -> T:
        job, future = self._hand_over(function, deadline, workers, what, priority)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            job.forget()
            raise
        finally:
            self._admission._drop(job)

    def hold_until(self, running: Future[Any]) -> None:
        """Keeps the room until work that others share with this ticket has ended."""
        self._running = running

    def release(self) -> None:
        """Gives the room back: now, or when the work that is still running on a worker ends. Idempotent."""
        if self._released:
            return
        self._released = True
        if self._running is None or self._running.done():
            self._admission._release(self)
        else:
            self._running.add_done_callback(self._admission._release_soon(self))

    def __enter__(self) -> Ticket:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


class Admission:
    """Bounds what is in flight and runs it on an executor. Belongs to one event loop; other threads may call `admit`
    and what a ticket does without waiting.

    A single request larger than a bound is let in when nothing else is there, so that the bounds and the
    limits per request can be set independently.

    Args:
        executor: where work runs. The admission does not shut it down.
        bounds: how much may wait or run at once.
        execute: does a work, on a worker, and gives its result.
        workers: how many pieces of work the executor runs at once.
        stall_after: seconds without a free worker after which nothing is taken in.
        clock: seconds, monotonic.
        metrics: told of work.

    Attributes:
        load: what is waiting or running.
        lock: held while it is looked at and changed.
        workers: the executor's threads, and what they are at.
        ended: how many tickets were given back.
    """

    def __init__(
        self,
        executor: Executor,
        bounds: Bounds,
        execute: Callable[[Work], Any],
        *,
        workers: int = 1,
        stall_after: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        metrics: Observer | None = None,
    ) -> None:
        self._metrics = metrics
        self.lock = threading.RLock()
        self.bounds = bounds
        self.clock = clock
        self.load = Load()
        self.workers = Workers(executor, workers, clock)
        self._all_workers = [self.workers]
        self._execute = execute
        self._stall_after = stall_after
        self._mean_duration = 0.0
        self._waiters: list[tuple[Priority, asyncio.Future[None]]] = []
        self.ended = 0
        self._loads: dict[Priority | str, Load] = {}
        self._jobs: set[_Job[Any]] = set()

    def add_workers(self, executor: Executor, size: int) -> Workers:
        """Other threads for `Ticket.run`; they count as the admission's own where it is asked what runs or stalls."""
        workers = Workers(executor, size, self.clock)
        self._all_workers.append(workers)
        return workers

    def running(self) -> list[Running]:
        """The work on threads now, longest first."""
        rows = [row for workers in self._all_workers for row in workers.running()]
        return sorted(rows, key=lambda row: -row.seconds)

    @locked
    def _keep(self, job: _Job[Any]) -> None:
        self._jobs.add(job)

    @locked
    def _drop(self, job: _Job[Any]) -> None:
        self._jobs.discard(job)

    @locked
    def call_off(self) -> None:
        """Stops all work: what has not begun never will, the rest ends at its next checkpoint."""
        for job in self._jobs:
            job.forget()

    def stalled_for(self) -> float:
        """Seconds since the last worker came free, when they are at least `stall_after`; else 0."""
        longest = 0.0
        for workers in self._all_workers:
            longest = max(longest, workers.busy_for())
        return longest if longest >= self._stall_after else 0.0

    @locked
    def admit(self, nbytes: int) -> Ticket:
        """A ticket for a request of `nbytes` bytes.

        Raises:
            OverloadedError: there is no room for them.
            StalledError: no worker has come free for `stall_after` seconds.
            ThrottledError: the caller has used up its bytes of this second.
        """
        call = current.get()
        priority, client = (Priority.TRANSACTIONS, "") if call is None else (call.priority, call.client)
        for load, room, what in self._rooms(priority, client):
            if load.requests and load.nbytes + nbytes > room.nbytes:
                raise OverloadedError(f"bytes{what}", load.nbytes, nbytes, room.nbytes, self.retry_after())
        stalled = self.stalled_for()
        if stalled:
            raise StalledError(f"no worker has come free for {stalled:.0f} seconds", self.retry_after())
        take(nbytes, 0)
        ticket = Ticket(self, nbytes, priority, client)
        for key in (priority, client):
            if key not in self._loads:
                self._loads[key] = Load()
        for load in self._loads_of(ticket):
            load.nbytes += nbytes
            load.requests += 1
        return ticket

    def _rooms(self, priority: Priority, client: str) -> list[tuple[Load, Bounds | Room, str]]:
        """What bounds a request: what is there, how much may be, and whose it is in words."""
        bounds, loads = self.bounds, self._loads
        found: list[tuple[Load, Bounds | Room, str]] = [(self.load, bounds, "")]
        if priority in loads and priority in bounds.priorities:
            found.append((loads[priority], bounds.priorities[priority], _OF[priority]))
        if bounds.client is not None and client and client in loads:
            found.append((loads[client], bounds.client, " of this client"))
        return found

    async def admit_when_free(self, nbytes: int) -> Ticket:
        """As `admit`, but waits until there is room."""
        return await self._retry_until_free(lambda: self.admit(nbytes))

    def retry_after(self) -> float:
        """Seconds after which what is in flight now should have ended, within sensible limits."""
        estimate = self._mean_duration * self.load.requests / self.workers.size
        estimate = max(estimate, self.workers.busy_for())  # what takes long already is likely to go on
        return min(max(estimate, _MIN_RETRY_S), _MAX_RETRY_S)

    async def _retry_until_free(self, claim: Callable[[], T]) -> T:
        while True:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            call = current.get()
            try:
                with self.lock:  # what is given back between the claim and the wait would wake nobody
                    try:
                        return claim()
                    except ThrottledError:
                        raise
                    except RefusedError:
                        self._waiters.append((Priority.TRANSACTIONS if call is None else call.priority, waiter))
            except ThrottledError as error:  # what others give back does not help this caller
                await asyncio.sleep(error.retry_after)
                continue
            await waiter

    def start(self, function: Callable[[], T], deadline: float | None, what: str, priority: Priority) -> Future[T]:
        """Does something on a worker for several tickets of one priority. Nobody waits for it here; it ends at its
        deadline, or when all work is called off."""
        job = _Job(self, function, Budget(deadline, self.clock), self.workers, what, priority, "")
        job._request = None  # it is nobody's alone
        future: Future[T] = self.workers.executor.submit(job)
        self._keep(job)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(self._drop, job))
        return future

    def note(self, work: Work, result: Any) -> None:
        """Tells the observer of a work whose result was known."""
        if self._metrics is not None:
            self._metrics.worked(work, result, 0.0)

    def do(self, work: Work) -> Any:
        """The result of a work. Called on a worker."""
        began = self.clock()
        result = self._execute(work)
        if self._metrics is not None:
            self._metrics.worked(work, result, self.clock() - began)
        return result

    def do_and_tell(self, work: Work, answer: Callable[[Any], T]) -> T:
        """The answer to a work; the observer is told after it was made. Called on the thread that does it."""
        began = self.clock()
        result = self._execute(work)
        seconds = self.clock() - began
        found = answer(result)
        if self._metrics is not None:
            self._metrics.waited(0.0)
            self._metrics.worked(work, result, seconds)
        self._note_duration(seconds)
        return found

    def joined(self, requests: Sequence[tuple[Request | None, float]]) -> AbstractContextManager[None]:
        """Tells the observer that small requests are done together inside the block."""
        return self._metrics.joined(requests) if self._metrics is not None else nullcontext()

    def answered(self, work: Work, result: Any) -> None:
        """Tells the observer what the current request's part of joined work was."""
        if self._metrics is not None:
            self._metrics.answered(work, result)

    @locked
    def _claim_items(self, ticket: Ticket, items: int) -> None:
        for load, room, what in self._rooms(ticket.priority, ticket.client):
            if load.items and load.items + items > room.items:
                raise OverloadedError(f"items{what}", load.items, items, room.items, self.retry_after())
        take(0, items)
        for load in self._loads_of(ticket):
            load.items += items
        ticket.items += items

    def _loads_of(self, ticket: Ticket) -> tuple[Load, Load, Load]:
        return self.load, self._loads[ticket.priority], self._loads[ticket.client]

    @locked
    def _release(self, ticket: Ticket) -> None:
        for load in self._loads_of(ticket):
            load.requests -= 1
            load.items -= ticket.items
            load.nbytes -= ticket.nbytes
        if not self._loads[ticket.client].requests:
            del self._loads[ticket.client]
        waiters, self._waiters = self._waiters, []
        self.ended += 1
        if self.ended % (TURN + 1):  # now and then whoever has waited longest comes first
            waiters.sort(key=lambda one: one[0])
        if waiters:
            _on_loop(waiters[0][1].get_loop(), _let_try, waiters)

    def _release_soon(self, ticket: Ticket) -> Callable[[Future[Any]], None]:
        """A callback for a worker thread: releases the ticket on the event loop."""
        loop = asyncio.get_running_loop()

        def hop(_: Future[Any]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._release, ticket)

        return hop

    def _note_duration(self, seconds: float) -> None:
        # Written by workers without a lock: a lost update only makes an estimate older.
        self._mean_duration += 0.1 * (seconds - self._mean_duration)


def _never() -> None:
    """For a job that is not run as one."""
    raise AssertionError


def _on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any) -> None:
    """Calls a function on a loop: at once, where this is its thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # a thread of the lane
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, *arguments)
        return
    function(*arguments)


def _let_try(waiters: Sequence[tuple[Priority, asyncio.Future[None]]]) -> None:
    """Each tries again: the urgent first, and then in order of arrival."""
    for _, waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
