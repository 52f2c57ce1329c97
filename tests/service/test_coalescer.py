"""One-item calls sent together: verdicts as alone, errors to whom they belong, retries, fallback."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

import pycore
from pycore import testing
from pycore.client import AsyncCoalescer, AsyncValidationClient, Coalescer, ServiceError, ValidationClient
from pycore.client.coalescer import _Entry
from pycore.errors import InputError, InvalidSignature
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import PATIENCE, Gate
from .proxies import Proxy


def mixed(rng: random.Random, count: int) -> list[tuple[bytes, bytes, bytes]]:
    """Items of which some are wrong in every way that has a verdict."""
    keys, signatures, messages = testing.generate_signatures("sm2", count, seed=7, signers=5)
    items = []
    for key, signature, message in zip(keys, signatures, messages, strict=True):
        item = [bytes(key), bytes(signature), bytes(message)]
        kind = rng.randrange(6)
        if kind == 1:
            item[1] = bytes(64)
        elif kind == 2:
            item[0] = b"short"
        elif kind == 3:
            item[1] = item[1][:63]
        elif kind == 4:
            item[2] += b"x"
        items.append((item[0], item[1], item[2]))
    return items


@pytest.fixture
def server() -> Iterator[Server]:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        yield server


def sent(server: Server) -> float:
    """Calls that the service has answered."""
    found = server.metrics.registry.get_sample_value("pycore_calls_total", {"rpc": "VerifySignatures", "code": "OK"})
    return found or 0.0


async def test_tasks_get_the_verdicts_of_their_items(server: Server, rng: random.Random) -> None:
    items = mixed(rng, 300)
    async with AsyncValidationClient(server.target) as client:
        coalescer = AsyncCoalescer(client, "sm2", max_items=64)
        found = await asyncio.gather(*(coalescer.verdict(*item) for item in items))
    wanted = [next(iter(pycore.verify_batch("sm2", *([part] for part in item)))) for item in items]
    assert found == wanted
    assert len(set(found)) >= 4
    assert sent(server) <= 6


def test_threads_get_the_verdicts_of_their_items(server: Server, rng: random.Random) -> None:
    items = mixed(rng, 200)
    wanted = [next(iter(pycore.verify_batch("sm2", *([part] for part in item)))) for item in items]
    for max_items in (1, 3, 1024):
        with ValidationClient(server.target) as client, ThreadPoolExecutor(16) as pool:
            coalescer = Coalescer(client, "sm2", max_items=max_items)
            assert list(pool.map(coalescer.verdict, *zip(*items, strict=True))) == wanted
            assert coalescer._leaders == 0
            assert not coalescer._waiting


def test_what_waits_goes_together(server: Server, rng: random.Random) -> None:
    items = mixed(rng, 40)
    gate = Gate(server)
    gate.hold(server.config.workers)
    with ValidationClient(server.target) as client, ThreadPoolExecutor(40) as pool:
        coalescer = Coalescer(client, "sm2", in_flight=1)
        futures = [pool.submit(coalescer.verdict, *item) for item in items]
        while len(coalescer._waiting) < 39:
            threading.Event().wait(0.001)
        gate.open()
        assert len({future.result() for future in futures}) >= 4
    assert sent(server) == 2


def test_an_interrupt_of_one_thread_is_not_another_s() -> None:
    class Interrupted:
        """A client of which every call is interrupted."""

        def using(self, **_: Any) -> Interrupted:
            return self

        def verify_batch(self, *_: Any) -> None:
            raise KeyboardInterrupt

    client: Any = Interrupted()
    coalescer = Coalescer(client, "ed25519", in_flight=1)
    mine, other = (_Entry((b"", b"", b"")) for _ in range(2))
    coalescer._waiting = [mine, other]
    coalescer._leaders, mine.leads = 1, True
    with pytest.raises(KeyboardInterrupt):
        coalescer._lead(mine)
    assert other.told.is_set()
    assert isinstance(other.error, ServiceError)
    assert other.error.code is grpc.StatusCode.CANCELLED


@pytest.mark.parametrize("promoted", [False, True])
def test_a_thread_that_stops_waiting_leaves_no_gap(server: Server, promoted: bool) -> None:
    item = tuple(bytes(part[0]) for part in testing.generate_signatures("ed25519", 1, seed=3))
    with ValidationClient(server.target) as client, ThreadPoolExecutor(1) as pool:
        coalescer = Coalescer(client, "ed25519", in_flight=1)
        gone = _Entry(item)
        coalescer._waiting.append(gone)
        coalescer._leaders = 1
        waiting = pool.submit(coalescer.verdict, *item)  # behind somebody who leads
        while len(coalescer._waiting) < 2:
            threading.Event().wait(0.001)
        gone.leads = promoted
        coalescer._leave(gone)
        if not promoted:
            assert not waiting.done()
            coalescer._hand_over()
        assert waiting.result(PATIENCE) is pycore.Verdict.VALID
        assert coalescer._leaders == 0
        assert not coalescer._waiting


async def test_an_item_that_makes_a_call_malformed_gets_its_error(server: Server) -> None:
    keys, signatures, messages = testing.generate_signatures("ecdsa-p256", 6, seed=3)
    digests = [hashlib.sha256(bytes(message)).digest() for message in messages]
    digests[2] = b"short"
    items = [(bytes(k), bytes(s), d) for k, s, d in zip(keys, signatures, digests, strict=True)]
    async with AsyncValidationClient(server.target) as client:
        coalescer = AsyncCoalescer(client, "ecdsa-p256", prehashed=True)
        found = await asyncio.gather(*(coalescer.verdict(*item) for item in items), return_exceptions=True)
    with ValidationClient(server.target) as client, ThreadPoolExecutor(6) as pool:
        blocking = Coalescer(client, "ecdsa-p256", prehashed=True)
        futures = [pool.submit(blocking.verdict, *item) for item in items]
        again = [future.exception() or future.result() for future in futures]
    for outcome in (found, again):
        assert isinstance(outcome[2], InputError) or outcome[2] is not pycore.Verdict.VALID
        assert [one for i, one in enumerate(outcome) if i != 2] == [pycore.Verdict.VALID] * 5


async def test_verify_raises_what_pycore_verify_raises(server: Server) -> None:
    key, signature, message = (bytes(part[0]) for part in testing.generate_signatures("ed25519", 1, seed=3))
    async with AsyncValidationClient(server.target) as client:
        coalescer = AsyncCoalescer(client, "ed25519")
        await coalescer.verify(key, signature, message)
        with pytest.raises(InvalidSignature):
            await coalescer.verify(key, signature, message + b"x")
        with pytest.raises(InputError, match="public_key"):
            await coalescer.verdict("text", signature, message)  # type: ignore[arg-type]
    with ValidationClient(server.target) as client:
        blocking = Coalescer(client, "ed25519")
        blocking.verify(key, signature, message)
        with pytest.raises(InvalidSignature):
            blocking.verify(key, signature, message + b"x")


def test_a_batch_is_sent_again_where_that_is_safe(server: Server) -> None:
    item = tuple(bytes(part[0]) for part in testing.generate_signatures("ed25519", 1, seed=3))
    left = [0, grpc.StatusCode.OK]

    def refuse(_: str, context: grpc.ServicerContext) -> None:
        if left[0]:
            left[0] -= 1
            context.abort(left[1], "not now")

    with Proxy(server.target, refuse) as proxy, ValidationClient(proxy.target) as client:
        for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
            left[:] = 2, code
            assert Coalescer(client, "ed25519").verdict(*item) is pycore.Verdict.VALID
            left[:] = 3, code
            with pytest.raises(ServiceError, match="not now"):
                Coalescer(client, "ed25519").verdict(*item)
        left[:] = 1, grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(ServiceError, match="PERMISSION_DENIED"):
            Coalescer(client, "ed25519").verdict(*item)
        assert left[0] == 0


async def test_without_a_service_this_process_verifies_if_it_was_asked_to(rng: random.Random) -> None:
    items = mixed(rng, 20)
    wanted = [next(iter(pycore.verify_batch("sm2", *([part] for part in item)))) for item in items]
    async with AsyncValidationClient("127.0.0.1:1", timeout=PATIENCE) as client:
        local = AsyncCoalescer(client, "sm2", attempts=1, fallback="local")
        assert await asyncio.gather(*(local.verdict(*item) for item in items)) == wanted
        none = AsyncCoalescer(client, "sm2", attempts=1)
        found = await asyncio.gather(*(none.verdict(*item) for item in items), return_exceptions=True)
        assert {type(one) for one in found} == {ServiceError}


async def test_a_task_that_goes_takes_only_its_item_along(server: Server, rng: random.Random) -> None:
    items = mixed(rng, 10)
    async with AsyncValidationClient(server.target) as client:
        coalescer = AsyncCoalescer(client, "sm2")
        tasks = [asyncio.create_task(coalescer.verdict(*item)) for item in items]
        await asyncio.sleep(0)
        tasks[3].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[3], asyncio.CancelledError)
    assert all(isinstance(one, pycore.Verdict) for i, one in enumerate(found) if i != 3)


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"max_items": 0}, "max_items"), ({"in_flight": 0}, "in_flight"), ({"attempts": 0}, "attempts"),
     ({"fallback": "accept"}, "fallback"), ({"rules": "lax"}, "rules")],
)  # fmt: skip
def test_wrong_settings_are_named(server: Server, settings: dict[str, Any], field: str) -> None:
    with ValidationClient(server.target) as client, pytest.raises(InputError, match=field):
        Coalescer(client, "ed25519", **settings)
