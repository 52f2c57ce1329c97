"""Admission and execution, with a clock and an executor that the test moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from pycore.service.batcher import Batcher, Bounds, ExpiredError, OverloadedError

pytestmark = pytest.mark.asyncio


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def executor() -> HandExecutor:
    return HandExecutor()


@pytest.fixture
def batcher(executor: HandExecutor, clock: Clock) -> Batcher:
    return Batcher(executor, Bounds(items=100, nbytes=1000), workers=2, clock=clock)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_runs_work_and_gives_its_result(batcher: Batcher, executor: HandExecutor) -> None:
    with batcher.admit(10) as ticket:
        ticket.add_items(3)
        assert (batcher.load.requests, batcher.load.items, batcher.load.nbytes) == (1, 3, 10)
        running = asyncio.create_task(ticket.run(lambda: "done"))
        await settle()
        assert executor.step()
        assert await running == "done"
    assert (batcher.load.requests, batcher.load.items, batcher.load.nbytes) == (0, 0, 0)


async def test_an_exception_of_the_work_reaches_the_caller_and_frees_the_room(
    batcher: Batcher, executor: HandExecutor
) -> None:
    with batcher.admit(10) as ticket:
        running = asyncio.create_task(ticket.run(lambda: 1 // 0))
        await settle()
        executor.step()
        with pytest.raises(ZeroDivisionError):
            await running
    assert batcher.load.requests == 0


async def test_bytes_are_bounded(batcher: Batcher) -> None:
    first = batcher.admit(600)
    second = batcher.admit(400)
    with pytest.raises(OverloadedError, match=r"1000 bytes in flight, 1 more asked for, limit 1000"):
        batcher.admit(1)
    first.release()
    batcher.admit(600).release()
    second.release()


async def test_items_are_bounded_and_a_refused_ticket_keeps_what_it_has(batcher: Batcher) -> None:
    first = batcher.admit(1)
    first.add_items(60)
    second = batcher.admit(1)
    with pytest.raises(OverloadedError, match="60 items in flight, 41 more"):
        second.add_items(41)
    second.add_items(40)
    second.release()
    assert batcher.load.items == 60
    first.release()
    assert batcher.load.items == 0


async def test_a_single_request_above_the_bounds_is_let_in_alone(batcher: Batcher) -> None:
    with batcher.admit(5000) as ticket:
        ticket.add_items(500)
        with pytest.raises(OverloadedError):
            batcher.admit(1)


async def test_release_is_idempotent(batcher: Batcher) -> None:
    ticket = batcher.admit(7)
    ticket.release()
    ticket.release()
    assert batcher.load.nbytes == 0


async def test_work_whose_deadline_passed_in_the_queue_never_runs(
    batcher: Batcher, executor: HandExecutor, clock: Clock
) -> None:
    ran: list[int] = []
    with batcher.admit(1) as ticket:
        running = asyncio.create_task(ticket.run(lambda: ran.append(1), deadline=101.0))
        await settle()
        clock.now = 101.0
        executor.step()
        with pytest.raises(ExpiredError):
            await running
    assert ran == []


async def test_cancelled_work_that_has_not_begun_never_runs(batcher: Batcher, executor: HandExecutor) -> None:
    ran: list[int] = []

    async def handler() -> None:
        with batcher.admit(1) as ticket:
            await ticket.run(lambda: ran.append(1))

    running = asyncio.create_task(handler())
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert batcher.load.requests == 0
    assert not executor.step()
    assert ran == []


async def test_room_is_kept_until_running_work_has_ended_even_if_its_caller_is_gone() -> None:
    with ThreadPoolExecutor(1) as pool:
        batcher = Batcher(pool, Bounds(100, 1000))
        begun, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

        async def handler() -> None:
            with batcher.admit(900) as ticket:
                await ticket.run(work)

        running = asyncio.create_task(handler())
        await asyncio.wait_for(begun.wait(), 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert batcher.load.nbytes == 900
        with pytest.raises(OverloadedError):
            batcher.admit(200)
        go_on.set()
        for _ in range(200):
            if batcher.load.nbytes == 0:
                break
            await asyncio.sleep(0.01)
        assert batcher.load.nbytes == 0


async def test_waiters_get_in_when_room_is_free_in_order(batcher: Batcher) -> None:
    first = batcher.admit(900)
    order: list[str] = []

    async def waiter(name: str) -> None:
        ticket = await batcher.admit_when_free(800)
        order.append(name)
        await asyncio.sleep(0)
        ticket.release()

    waiting = [asyncio.create_task(waiter(name)) for name in "abc"]
    await settle()
    assert order == []
    first.release()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert order == ["a", "b", "c"]
    assert batcher.load.requests == 0


async def test_a_cancelled_waiter_does_not_lose_the_wake_up_of_the_others(batcher: Batcher) -> None:
    first = batcher.admit(1000)
    gone = asyncio.create_task(batcher.admit_when_free(500))
    stays = asyncio.create_task(batcher.admit_when_free(500))
    await settle()
    first.release()
    gone.cancel()
    ticket = await asyncio.wait_for(stays, 5)
    ticket.release()
    if not gone.cancelled():
        (await gone).release()
    assert batcher.load.requests == 0


async def test_retry_after_follows_the_work_in_flight(batcher: Batcher, executor: HandExecutor, clock: Clock) -> None:
    assert batcher.retry_after() == 0.01
    for _ in range(50):
        with batcher.admit(1) as ticket:
            running = asyncio.create_task(ticket.run(lambda: setattr(clock, "now", clock.now + 2.0)))
            await settle()
            executor.step()
            await running
    tickets = [batcher.admit(1) for _ in range(4)]
    assert 2.0 < batcher.retry_after() <= 5.0
    for ticket in tickets:
        ticket.release()
