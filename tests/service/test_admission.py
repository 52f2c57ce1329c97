"""Admission and execution, with a clock and an executor that the test moves by hand."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from pycore.base.deadline import AbandonedError, ExpiredError, checkpoint
from pycore.service.admission import Admission, Bounds
from pycore.service.work import Work
from pycore.service.workers import Workers
from pycore.wire.refusals import OverloadedError, StalledError

from .conftest import PATIENCE, Clock

pytestmark = pytest.mark.asyncio


class HandExecutor(Executor):
    """Keeps work until `step` runs the oldest piece of it."""

    def __init__(self) -> None:
        self.queue: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.queue.append((future, lambda: fn(*args, **kwargs)))
        return future

    def step(self) -> bool:
        future, work = self.queue.pop(0)
        if not future.set_running_or_notify_cancel():
            return False
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        return True


def count_rows(work: Work) -> int:
    return len(work.columns[0])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def executor() -> HandExecutor:
    return HandExecutor()


@pytest.fixture
def admission(executor: HandExecutor, clock: Clock) -> Admission:
    return Admission(executor, Bounds(items=100, nbytes=1000), count_rows, workers=2, stall_after=10, clock=clock)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_runs_work_and_gives_its_result(admission: Admission, executor: HandExecutor) -> None:
    with admission.admit(10) as ticket:
        ticket.add_items(3)
        assert (admission.load.requests, admission.load.items, admission.load.nbytes) == (1, 3, 10)
        running = asyncio.create_task(ticket.call(lambda: "done"))
        await settle()
        assert executor.step()
        assert await running == "done"
    assert (admission.load.requests, admission.load.items, admission.load.nbytes) == (0, 0, 0)


async def test_work_is_executed_and_answered_on_a_worker(admission: Admission, executor: HandExecutor) -> None:
    work = Work("rows", None, ([b"a", b"b"],), 2, 2)
    with admission.admit(10) as ticket:
        running = asyncio.create_task(ticket.run(work, lambda count: f"{count} rows"))
        await settle()
        assert not running.done()
        assert executor.step()
        assert await running == "2 rows"


async def test_an_exception_of_the_work_reaches_the_caller_and_frees_the_room(
    admission: Admission, executor: HandExecutor
) -> None:
    with admission.admit(10) as ticket:
        running = asyncio.create_task(ticket.call(lambda: 1 // 0))
        await settle()
        executor.step()
        with pytest.raises(ZeroDivisionError):
            await running
    assert admission.load.requests == 0


async def test_bytes_are_bounded(admission: Admission) -> None:
    first = admission.admit(600)
    second = admission.admit(400)
    with pytest.raises(OverloadedError, match=r"1000 bytes in flight, 1 more asked for, limit 1000"):
        admission.admit(1)
    first.release()
    admission.admit(600).release()
    second.release()


async def test_items_are_bounded_and_a_refused_ticket_keeps_what_it_has(admission: Admission) -> None:
    first = admission.admit(1)
    first.add_items(60)
    second = admission.admit(1)
    with pytest.raises(OverloadedError, match="60 items in flight, 41 more"):
        second.add_items(41)
    second.add_items(40)
    second.release()
    assert admission.load.items == 60
    first.release()
    assert admission.load.items == 0


async def test_a_single_request_above_the_bounds_is_let_in_alone(admission: Admission) -> None:
    with admission.admit(5000) as ticket:
        ticket.add_items(500)
        with pytest.raises(OverloadedError):
            admission.admit(1)


async def test_release_is_idempotent(admission: Admission) -> None:
    ticket = admission.admit(7)
    ticket.release()
    ticket.release()
    assert admission.load.nbytes == 0


async def test_work_whose_deadline_passed_in_the_queue_never_runs(
    admission: Admission, executor: HandExecutor, clock: Clock
) -> None:
    ran: list[int] = []
    with admission.admit(1) as ticket:
        running = asyncio.create_task(ticket.call(lambda: ran.append(1), deadline=1001.0))
        await settle()
        clock.now = 1001.0
        executor.step()
        with pytest.raises(ExpiredError):
            await running
    assert ran == []


async def test_cancelled_work_that_has_not_begun_never_runs(admission: Admission, executor: HandExecutor) -> None:
    ran: list[int] = []

    async def handler() -> None:
        with admission.admit(1) as ticket:
            await ticket.call(lambda: ran.append(1))

    running = asyncio.create_task(handler())
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert admission.load.requests == 0
    assert not executor.step()
    assert ran == []


async def test_room_is_kept_until_running_work_has_ended_even_if_its_caller_is_gone() -> None:
    with ThreadPoolExecutor(1) as pool:
        admission = Admission(pool, Bounds(100, 1000), count_rows)
        begun, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(PATIENCE)

        async def handler() -> None:
            with admission.admit(900) as ticket:
                await ticket.call(work)

        running = asyncio.create_task(handler())
        await asyncio.wait_for(begun.wait(), PATIENCE)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert admission.load.nbytes == 900
        with pytest.raises(OverloadedError):
            admission.admit(200)
        go_on.set()
        # Room of the same size comes free when the work has ended, not before.
        (await asyncio.wait_for(admission.admit_when_free(900), PATIENCE)).release()
        assert admission.load.requests == 0


async def test_waiters_get_in_when_room_is_free_in_order(admission: Admission) -> None:
    first = admission.admit(900)
    order: list[str] = []

    async def waiter(name: str) -> None:
        ticket = await admission.admit_when_free(800)
        order.append(name)
        await asyncio.sleep(0)
        ticket.release()

    waiting = [asyncio.create_task(waiter(name)) for name in "abc"]
    await settle()
    assert order == []
    first.release()
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
    assert order == ["a", "b", "c"]
    assert admission.load.requests == 0


async def test_a_cancelled_waiter_does_not_lose_the_wake_up_of_the_others(admission: Admission) -> None:
    first = admission.admit(1000)
    gone = asyncio.create_task(admission.admit_when_free(500))
    stays = asyncio.create_task(admission.admit_when_free(500))
    await settle()
    first.release()
    gone.cancel()
    ticket = await asyncio.wait_for(stays, PATIENCE)
    ticket.release()
    if not gone.cancelled():
        (await gone).release()
    assert admission.load.requests == 0


async def test_retry_after_follows_the_work_in_flight(
    admission: Admission, executor: HandExecutor, clock: Clock
) -> None:
    assert admission.retry_after() == 0.01
    for _ in range(50):
        with admission.admit(1) as ticket:
            running = asyncio.create_task(ticket.call(lambda: setattr(clock, "now", clock.now + 2.0)))
            await settle()
            executor.step()
            await running
    tickets = [admission.admit(1) for _ in range(4)]
    assert 2.0 < admission.retry_after() <= 5.0
    for ticket in tickets:
        ticket.release()


# ---- work that nobody waits for --------------------------------------------------------------------------------------


async def test_running_work_ends_at_its_first_checkpoint_after_the_deadline(
    admission: Admission, executor: HandExecutor, clock: Clock
) -> None:
    steps: list[int] = []

    def work() -> None:
        for step in range(10):
            checkpoint()
            steps.append(step)
            clock.now += 1

    with admission.admit(1) as ticket:
        running = asyncio.create_task(ticket.call(work, deadline=clock.now + 3))
        await settle()
        executor.step()
        with pytest.raises(ExpiredError):
            await running
    assert steps == [0, 1, 2]
    checkpoint()  # the budget no longer applies on this thread


async def test_running_work_ends_at_its_first_checkpoint_after_its_caller_went() -> None:
    with ThreadPoolExecutor(1) as pool:
        admission = Admission(pool, Bounds(100, 1000), count_rows)
        begun, gone = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[BaseException | None] = loop.create_future()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            gone.wait(PATIENCE)
            try:
                checkpoint()
            except AbandonedError as error:
                loop.call_soon_threadsafe(ended.set_result, error)
                raise
            loop.call_soon_threadsafe(ended.set_result, None)

        async def handler() -> None:
            with admission.admit(900) as ticket:
                await ticket.call(work)

        running = asyncio.create_task(handler())
        await asyncio.wait_for(begun.wait(), PATIENCE)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        gone.set()
        assert isinstance(await asyncio.wait_for(ended, PATIENCE), AbandonedError)
        (await asyncio.wait_for(admission.admit_when_free(900), PATIENCE)).release()


async def test_what_cancelled_work_holds_does_not_wait_for_a_worker(
    admission: Admission, executor: HandExecutor
) -> None:
    """A stuck executor keeps what was submitted to it; the bytes of requests that were given up must not stay there."""

    class Request:
        pass

    async def handler() -> None:
        request = Request()
        requests.append(weakref.ref(request))
        with admission.admit(1) as ticket:
            await ticket.call(lambda: request)

    requests: list[weakref.ref[Request]] = []
    handlers = [asyncio.create_task(handler()) for _ in range(3)]
    await settle()
    for one in handlers:
        one.cancel()
    await asyncio.gather(*handlers, return_exceptions=True)
    del one, handlers
    await settle()  # what the loop itself still holds of them
    gc.collect()
    assert len(executor.queue) == 3
    assert [request() for request in requests] == [None] * 3
    assert admission.load.requests == 0


async def test_calling_off_stops_what_waits_and_what_runs(admission: Admission, executor: HandExecutor) -> None:
    ran: list[str] = []

    def first() -> None:
        admission.call_off()  # as the loop does it, while this runs
        ran.append("first")
        checkpoint()
        ran.append("not reached")

    tickets = [admission.admit(1), admission.admit(1)]
    running = [
        asyncio.create_task(tickets[0].call(first)),
        asyncio.create_task(tickets[1].call(lambda: ran.append("second"))),
    ]
    await settle()
    for task in running:
        executor.step()
        with pytest.raises(AbandonedError):
            await task
    assert ran == ["first"]
    for ticket in tickets:
        ticket.release()


# ---- stalls ----------------------------------------------------------------------------------------------------------


async def test_a_stall_is_every_worker_busy_for_long_enough(admission: Admission, clock: Clock) -> None:
    with admission.workers.busy("one"):
        clock.now += 100
        assert admission.stalled_for() == 0
        with admission.workers.busy("two"):
            clock.now += 9.5
            assert admission.stalled_for() == 0
            admission.admit(1).release()
            clock.now += 0.5
            assert admission.stalled_for() == 10
            with pytest.raises(StalledError, match="no worker has come free for 10 seconds") as caught:
                admission.admit(1)
            assert caught.value.retry_after == 5.0
            assert [(row.what, row.seconds) for row in admission.running()] == [("one", 110), ("two", 10)]
        assert admission.stalled_for() == 0
        with admission.workers.busy("three"):
            clock.now += 9
            assert admission.stalled_for() == 0
    assert admission.running() == []


async def test_other_workers_stall_as_well(admission: Admission, executor: HandExecutor, clock: Clock) -> None:
    parsers = admission.add_workers(executor, 1)
    with parsers.busy("parsing"):
        clock.now += 10
        assert admission.stalled_for() == 10
        assert "test_other_workers_stall_as_well" in admission.running()[0].stack()
    assert admission.stalled_for() == 0
    with admission.admit(1) as ticket:
        running = asyncio.create_task(ticket.call(lambda: parsers.busy_for(), workers=parsers, what="parsing"))
        await settle()
        executor.step()
        assert await running == 0  # it has just begun


async def test_work_that_raises_frees_its_worker(clock: Clock) -> None:
    workers = Workers(HandExecutor(), 1, clock)
    with pytest.raises(ZeroDivisionError), workers.busy("fault"):
        raise ZeroDivisionError
    clock.now += 100
    assert (workers.running(), workers.busy_for()) == ([], 0)
