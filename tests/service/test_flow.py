"""Streams run no further ahead of their answers than they may, whoever is slow."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import pycore
from pycore import testing
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient, requests_signatures
from pycore.client.flow import AsyncGate, Gate
from pycore.service.server import Server

from .conftest import PATIENCE
from .proxies import Proxy
from .test_connections import Held, wait_until

BATCH = tuple([bytes(row) for row in part] for part in testing.generate_signatures("ed25519", 3, seed=1))
VERDICTS = pycore.verify_batch("ed25519", *BATCH)
SETTLED_S = 0.15  # a sender that did not stop would have sent some more by then


class Counted:
    """Batches, and how many of them were read."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.read = 0

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self._count):
            self.read += 1
            yield BATCH

    async def __aiter__(self) -> AsyncIterator[Any]:
        for batch in self:
            yield batch


def settled(read: Callable[[], int]) -> int:
    """A count that no longer grows."""
    while True:
        before = read()
        time.sleep(SETTLED_S)
        if read() == before:
            return before


@pytest.mark.parametrize("window", [4])
def test_a_slow_reader_stops_the_sender(service: Server, window: int) -> None:
    batches = Counted(200)
    with ValidationClient(service.target, stream_window=window) as client:
        answers = client.verify_stream("ed25519", batches)
        for taken in range(1, 41):
            assert next(answers) == VERDICTS
            if taken in (1, 20, 40):
                assert settled(lambda: batches.read) <= taken + window
            assert batches.read <= taken + window
        assert len(list(answers)) == 160
    assert batches.read == 200


async def test_a_slow_task_stops_the_sender(service: Server) -> None:
    batches = Counted(100)
    async with AsyncValidationClient(service.target, stream_window=5) as client:
        taken = 0
        async for verdicts in client.verify_stream("ed25519", batches):
            taken += 1
            assert verdicts == VERDICTS
            assert batches.read <= taken + 5
            if taken in (1, 50):
                await asyncio.sleep(SETTLED_S)
                assert batches.read <= taken + 5
    assert taken == batches.read == 100


def test_a_slow_service_stops_the_sender(service: Server) -> None:
    held, batches = Held(), Counted(50)
    with (
        Proxy(service.target, held) as slow,
        ThreadPoolExecutor(1) as pool,
        ValidationClient(slow.target, stream_window=6) as client,
    ):
        answers = pool.submit(lambda: list(client.verify_stream("ed25519", batches)))
        assert held.begun.acquire(timeout=PATIENCE)
        wait_until(lambda: batches.read >= 6)
        assert settled(lambda: batches.read) == 6
        held.go.set()
        assert answers.result(PATIENCE) == [VERDICTS] * 50


async def test_a_slow_service_stops_a_task(service: Server) -> None:
    held, batches = Held(), Counted(50)
    with Proxy(service.target, held) as slow:
        async with AsyncValidationClient(slow.target, stream_window=6) as client:

            async def all_of_them() -> list[Any]:
                return [one async for one in client.verify_stream("ed25519", batches)]

            answers = asyncio.create_task(all_of_them())
            assert await asyncio.to_thread(held.begun.acquire, timeout=PATIENCE)
            while batches.read < 6:  # noqa: ASYNC110 - gRPC reads when it will
                await asyncio.sleep(0.001)
            await asyncio.sleep(SETTLED_S)
            assert batches.read == 6
            held.go.set()
            assert await answers == [VERDICTS] * 50


def test_parts_of_a_batch_count_each(service: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One large batch is made into messages while there is room, not at once."""
    made, parts = [0], requests_signatures.packed_parts

    def counted(*arguments: Any) -> Any:
        made[0] += 1
        return parts(*arguments)

    monkeypatch.setattr(requests_signatures, "packed_parts", counted)
    keys, signatures, messages = testing.generate_signatures("ed25519", 100, seed=1)
    held = Held()
    with (
        Proxy(service.target, held) as slow,
        ThreadPoolExecutor(1) as pool,
        ValidationClient(slow.target, stream_window=4, max_batch_items=2) as client,
    ):
        answer = pool.submit(client.verify_batch, "ed25519", keys, signatures, messages)
        assert held.begun.acquire(timeout=PATIENCE)
        wait_until(lambda: made[0] >= 4)
        assert settled(lambda: made[0]) == 4
        held.go.set()
        assert answer.result(PATIENCE).all_valid
        assert made[0] == 50


def test_runs_are_held_back_as_well(service: Server) -> None:
    ledger = testing.generate_ledger(blocks=20, txs_per_block=1, seed=1)
    read = [0]

    def blocks() -> Iterator[bytes]:
        for i in range(20):
            read[0] += 1
            yield ledger.block_info(i)

    context = ledger.context_for(0).replace(rw_sets=None)
    with ValidationClient(service.target, stream_window=4) as client:
        run = client.validate_blocks("chainmaker", blocks(), context, window_blocks=2)
        assert next(run).report.valid
        assert settled(lambda: read[0]) <= 1 + 2 * 4
        assert sum(one.report.valid for one in run) == 19


def test_a_stream_that_ends_lets_its_sender_go(service: Server) -> None:
    """The thread that makes requests must not wait for an answer that nobody will take."""
    threads = threading.active_count()
    batches = Counted(1000)
    with ValidationClient(service.target, stream_window=4) as client:
        for _ in range(5):
            answers = client.verify_stream("ed25519", batches)
            assert next(answers) == VERDICTS
            answers.close()  # type: ignore[attr-defined]
        wait_until(lambda: threading.active_count() <= threads + 2)
        held = Held()
        with Proxy(service.target, held) as slow, ValidationClient(slow.target) as other:
            answers = other.verify_stream("ed25519", batches)
            with ThreadPoolExecutor(1) as pool:
                first = pool.submit(next, answers)
                assert held.begun.acquire(timeout=PATIENCE)
                slow._server.stop(None).wait(PATIENCE)
                with pytest.raises(ServiceError):
                    first.result(PATIENCE)
            held.go.set()
    wait_until(lambda: threading.active_count() <= threads + 2)


def test_gates_open_and_close() -> None:
    pending = [0]
    gate = Gate(2, lambda: pending[0])
    source = gate.paced(iter(range(10)))
    assert next(source) == 0
    pending[0] = 2
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, source)
        time.sleep(0.02)
        assert not waiting.done()
        pending[0] = 1
        gate.tell()
        assert waiting.result(PATIENCE) == 1
        pending[0] = 2
        stopped = pool.submit(list, source)
        gate.close()
        assert stopped.result(PATIENCE) == []


async def test_gates_of_tasks_open_and_close() -> None:
    pending = [2]
    gate = AsyncGate(2, lambda: pending[0])
    source = gate.paced(iter(range(10)))
    waiting = asyncio.ensure_future(anext(source))
    await asyncio.sleep(0)
    pending[0] = 1
    gate.tell()
    assert await waiting == 0
    pending[0] = 2
    stopped = asyncio.ensure_future(anext(source, None))
    await asyncio.sleep(0)
    gate.close()
    assert await stopped is None
