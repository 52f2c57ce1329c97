"""Clients with several connections and targets: turns, health, attempts, hedges, and what calls say of themselves."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

import pycore
from pycore import testing
from pycore.client import AsyncCoalescer, AsyncValidationClient, Coalescer, ServiceError, ValidationClient
from pycore.client.connection import is_loopback, split_targets
from pycore.client.routes import HedgeBudget, pause_before, state_of
from pycore.errors import InputError
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.wire.errors import DETAILS_KEY
from pycore.wire.schema import SERVICE_NAME

from .conftest import PATIENCE, Spawn
from .proxies import Proxy

READY = grpc.ChannelConnectivity.READY


@pytest.fixture
def two() -> Iterator[tuple[Server, Server]]:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0)
    with background(config) as one, background(config) as other:
        yield one, other


def answered(server: Server, rpc: str = "HashBatch") -> int:
    found = server.metrics.registry.get_sample_value("pycore_calls_total", {"rpc": rpc, "code": "OK"})
    return int(found or 0)


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.005)


def all_ready(client: ValidationClient) -> None:
    wait_until(lambda: all(route.state() is READY for route in client._routes.all))


async def all_ready_soon(client: AsyncValidationClient) -> None:
    while any(route.state() is not READY for route in client._routes.all):  # noqa: ASYNC110 - gRPC is asked
        await asyncio.sleep(0.005)


def tell_health(server: Server, status: int) -> None:
    asyncio.run_coroutine_threadsafe(server._health.set(status, "", SERVICE_NAME), server.loop).result(PATIENCE)


def mixed(rng: random.Random, count: int = 200) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """A batch of which every fifth item is wrong."""
    columns = tuple([bytes(row) for row in part] for part in testing.generate_signatures("ed25519", count, seed=5))
    for i in range(0, count, 5):
        columns[1][i] = rng.randbytes(rng.choice([63, 64]))
    return columns


# ---- turns -----------------------------------------------------------------------------------------------------------


def test_calls_take_turns_among_targets(two: tuple[Server, Server]) -> None:
    for target in ([two[0].target, two[1].target], f"{two[0].target}, {two[1].target}"):
        before = [answered(server) for server in two]
        with ValidationClient(target) as client:
            client.wait_until_ready(PATIENCE)
            all_ready(client)
            for _ in range(20):
                client.hash("sha256", b"abc")
        assert [answered(server) - was for server, was in zip(two, before, strict=True)] == [10, 10]


async def test_tasks_take_turns_as_well(two: tuple[Server, Server]) -> None:
    async with AsyncValidationClient([server.target for server in two]) as client:
        await client.wait_until_ready(PATIENCE)
        await all_ready_soon(client)
        await asyncio.gather(*(client.hash("sha256", b"abc") for _ in range(20)))
    assert [answered(server) for server in two] == [10, 10]


def test_one_connection_to_every_address_of_a_name(two: tuple[Server, Server]) -> None:
    """`ipv4:` is a name with two addresses that needs no name server."""
    target = "ipv4:" + ",".join(server.target for server in two)
    with ValidationClient(target, balance="round_robin") as client:
        client.wait_until_ready(PATIENCE)

        def both() -> bool:
            client.hash("sha256", b"abc")
            return all(answered(server) > 0 for server in two)

        wait_until(both)
        before = [answered(server) for server in two]
        for _ in range(20):
            client.hash("sha256", b"abc")
    assert [answered(server) - was for server, was in zip(two, before, strict=True)] == [10, 10]


def test_connections_are_real_ones(service: Server) -> None:
    with Proxy(service.target) as proxy, ValidationClient(proxy.target, connections=3) as client:
        all_ready(client)
        for _ in range(9):
            client.hash("sha256", b"abc")
        peers = [peer for method, _, peer in proxy.calls if method == "HashBatch"]
        assert sorted(map(peers.count, set(peers))) == [3, 3, 3]


def test_what_is_not_serving_gets_no_calls(two: tuple[Server, Server]) -> None:
    sick, well = two
    with ValidationClient([sick.target, well.target]) as client:
        all_ready(client)
        tell_health(sick, health_pb2.HealthCheckResponse.NOT_SERVING)
        wait_until(lambda: client._routes.all[0].state() is not READY)
        before = answered(sick)
        for _ in range(20):
            client.hash("sha256", b"abc")
        assert (answered(sick) - before, answered(well)) == (0, 20)
        tell_health(sick, health_pb2.HealthCheckResponse.SERVING)
        all_ready(client)
        client.hash("sha256", b"abc")
        client.hash("sha256", b"abc")
        assert answered(sick) - before == 1
    with ValidationClient([sick.target, well.target], health_checks=False) as client:
        tell_health(sick, health_pb2.HealthCheckResponse.NOT_SERVING)
        all_ready(client)


# ---- faults ----------------------------------------------------------------------------------------------------------


class Load:
    """Threads that verify a batch again and again, some with further attempts and some without."""

    def __init__(self, clients: list[ValidationClient], rng: random.Random) -> None:
        self._batch = mixed(rng)
        self._wanted = pycore.verify_batch("ed25519", *self._batch)
        self._good = threading.Semaphore(0)
        self._stop = threading.Event()
        self.wrong: list[object] = []
        self.errors: list[tuple[ValidationClient, Exception]] = []
        self._pool = ThreadPoolExecutor(len(clients))
        self._done = [self._pool.submit(self._run, client) for client in clients]

    def _run(self, client: ValidationClient) -> None:
        while not self._stop.is_set():
            try:
                found = client.verify_batch("ed25519", *self._batch, timeout=PATIENCE)
            except Exception as error:  # noqa: PERF203 - the next call may be answered
                self.errors.append((client, error))
            else:
                if found == self._wanted:
                    self._good.release()
                else:
                    self.wrong.append(found)

    def more(self, count: int) -> None:
        """Returns after so many more good answers."""
        for _ in range(count):
            assert self._good.acquire(timeout=PATIENCE)

    def stop(self) -> None:
        self._stop.set()
        for one in self._done:
            one.result(PATIENCE)
        self._pool.shutdown()


@pytest.mark.slow
def test_a_service_that_dies_under_load(spawn: Spawn, rng: random.Random) -> None:
    services = [spawn("--workers", "1"), spawn("--workers", "1")]
    targets = [one.wait_for_target() for one in services]
    with ValidationClient(targets) as client:
        all_ready(client)
        stubborn = client.using(attempts=4)
        load = Load([client, client, stubborn, stubborn], rng)
        try:
            load.more(20)
            services[0].signal(signal.SIGKILL)
            services[0].wait()
            load.more(40)
            spawn("--workers", "1", "--address", targets[0]).wait_for_target()
            wait_until(lambda: client._routes.all[0].state() is READY)
            load.more(20)
            services[1].signal(signal.SIGKILL)
            services[1].wait()
            load.more(40)
        finally:
            load.stop()
    assert not load.wrong
    assert {type(error) for _, error in load.errors} <= {ServiceError}
    assert {error.code for _, error in load.errors if isinstance(error, ServiceError)} <= {grpc.StatusCode.UNAVAILABLE}
    assert not [error for caller, error in load.errors if caller is stubborn]


def test_a_service_that_stops_under_load(service: Server, spawn: Spawn, rng: random.Random) -> None:
    """A real drain, without the delay that lets balancers turn away: some calls come when it no longer takes any, and
    end with CANCELLED or UNAVAILABLE. Those that may be made again are answered elsewhere."""
    stopping = spawn("--workers", "1", "--drain-delay", "0", "--no-warm-up")
    target = stopping.wait_for_target()
    with ValidationClient([target, service.target], health_checks=False) as client, ValidationClient(target) as one:
        all_ready(client)
        stubborn = client.using(attempts=4)
        load = Load([stubborn, stubborn, stubborn, stubborn, one, one], rng)
        try:
            load.more(30)
            stopping.signal()
            assert stopping.wait() == 0
            load.more(10)
        finally:
            load.stop()
    assert not load.wrong
    codes = {error.code for _, error in load.errors if isinstance(error, ServiceError)}
    assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert {caller for caller, _ in load.errors} <= {one}


async def test_a_call_that_its_caller_gave_up_is_not_made_again(service: Server) -> None:
    """Closing a client ends its calls with CANCELLED, as a service that stops does."""
    for closed_by_itself in (False, True):
        held = Held()
        with Proxy(service.target, held) as proxy:
            client = ValidationClient(proxy.target, attempts=5)
            with ThreadPoolExecutor(1) as pool:
                call = pool.submit(client.hash, "sm3", b"abc")
                assert held.begun.acquire(timeout=PATIENCE)
                client.close()
                with pytest.raises(ServiceError, match="CANCELLED"):
                    call.result(PATIENCE)
            other = AsyncValidationClient(proxy.target, attempts=5)
            waiting = asyncio.ensure_future(other.hash("sm3", b"abc"))
            assert await asyncio.to_thread(held.begun.acquire, timeout=PATIENCE)
            if closed_by_itself and sys.version_info >= (3, 11):
                await other.close()
                with pytest.raises(ServiceError, match="CANCELLED"):
                    await waiting
            else:
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                await other.close()
            assert len(proxy.calls) == 2
            held.go.set()


@pytest.mark.parametrize("settings", [{}, {"attempts": 3}, {"max_message_bytes": 1 << 16}, {"hedge_after": 5.0}])
async def test_a_client_that_was_closed_says_so(service: Server, settings: dict[str, Any]) -> None:
    messages = [bytes(1000)] * 200
    for transport in ("grpcio", "auto"):
        client = ValidationClient(service.target, transport=transport, **settings)
        client.close()
        with pytest.raises(ServiceError, match="CANCELLED"):
            client.hash_batch("sm3", messages)
    other = AsyncValidationClient(service.target, **settings)
    await other.close()
    if sys.version_info >= (3, 11):
        with pytest.raises(ServiceError, match="CANCELLED"):
            await other.hash_batch("sm3", messages)


def refusing(times: int, code: grpc.StatusCode, retry_after: float | None = None) -> Callable[[str, Any], None]:
    """Refuses so many calls."""
    left = [times]

    def before(_: str, context: Any) -> None:
        if not left[0]:
            return
        left[0] -= 1
        status = status_pb2.Status(code=code.value[0], message="not now")
        if retry_after is not None:
            detail, packed = error_details_pb2.RetryInfo(), any_pb2.Any()
            detail.retry_delay.CopyFrom(duration_pb2.Duration(nanos=int(retry_after * 1e9)))
            packed.Pack(detail)
            status.details.append(packed)
        context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()), ("x-request-id", "theirs")))
        context.abort(code, "not now")

    return before


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED]
)
async def test_a_message_is_sent_again_where_that_is_safe(service: Server, code: grpc.StatusCode) -> None:
    digest = pycore.hash("sm3", b"abc")
    with Proxy(service.target) as proxy:
        with ValidationClient(proxy.target, attempts=3) as client:
            proxy.before = refusing(2, code, 0.001)
            assert client.hash("sm3", b"abc") == digest
            proxy.before = refusing(3, code)
            with pytest.raises(ServiceError, match="not now") as caught:
                client.hash("sm3", b"abc")
            assert caught.value.code is code
            proxy.before = refusing(1, code)
            with pytest.raises(ServiceError):
                client.using(attempts=1).hash("sm3", b"abc")
            several = client.using(attempts=2)
            several._budget = type(several._budget)(4, 1 << 20)  # more messages than are under way at once
            proxy.before = refusing(2, code, 0.001)
            messages = [bytes([i]) for i in range(30)]
            assert bytes(several.hash_batch("sm3", messages)[29]) == pycore.hash("sm3", messages[29])
        async with AsyncValidationClient(proxy.target, attempts=3) as other:
            proxy.before = refusing(2, code, 0.001)
            assert await other.hash("sm3", b"abc") == digest
            proxy.before = refusing(3, code)
            with pytest.raises(ServiceError, match="not now"):
                await other.hash("sm3", b"abc")


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL])
def test_other_refusals_are_final(service: Server, code: grpc.StatusCode) -> None:
    with Proxy(service.target, refusing(1, code)) as proxy, ValidationClient(proxy.target, attempts=5) as client:
        with pytest.raises(ServiceError, match="not now"):
            client.hash("sm3", b"abc")
        assert len(proxy.calls) == 1
        with pytest.raises(InputError):
            client.append_merkle_tree([[b"a"]], indices=[5])


def test_a_message_that_is_too_large_is_sent_once() -> None:
    small = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_message_bytes=100_000)
    with background(small) as server, ValidationClient(server.target, attempts=5) as client:
        with pytest.raises(ServiceError, match="RESOURCE_EXHAUSTED"):
            client.hash("sm3", bytes(200_000))
        assert pause_before(client._settings, 1, _error("Received message larger than max (2 vs. 1)"), False) is None
        assert pause_before(client._settings, 1, _error("full"), False) is not None


def _error(words: str) -> ServiceError:
    return ServiceError(grpc.StatusCode.RESOURCE_EXHAUSTED, words)


def test_attempts_end_with_the_deadline(service: Server) -> None:
    full = refusing(100, grpc.StatusCode.RESOURCE_EXHAUSTED, 0.9)
    with Proxy(service.target, full) as proxy, ValidationClient(proxy.target, attempts=10) as client:
        with pytest.raises(ServiceError, match="RESOURCE_EXHAUSTED"):
            client.using(timeout=0.5).hash("sm3", b"abc")
        assert len(proxy.calls) == 1  # the pause that the service asks for is longer than the time that is left


def test_a_large_batch_goes_over_a_new_stream(service: Server, rng: random.Random) -> None:
    batch = mixed(rng)
    wanted = pycore.verify_batch("ed25519", *batch)
    root = pycore.merkle_root(batch[0])
    with Proxy(service.target) as proxy, ValidationClient(proxy.target, attempts=2, max_batch_items=10) as client:
        proxy.before = refusing(1, grpc.StatusCode.UNAVAILABLE)
        assert client.verify_batch("ed25519", *batch) == wanted
        assert [method for method, *_ in proxy.calls] == ["VerifySignatureStream"] * 2
    with ValidationClient(service.target, attempts=2, max_batch_items=10) as client:
        assert client.merkle_root(batch[0]) == root


# ---- hedges ----------------------------------------------------------------------------------------------------------


class Held:
    """Holds calls until they are let go, or their callers have gone."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, _: str, context: Any) -> None:
        self.begun.release()
        while not self.go.wait(0.01) and context.is_active():
            pass


def test_the_quick_one_answers_for_the_slow_one(service: Server) -> None:
    held = Held()
    with Proxy(service.target, held) as slow, Proxy(service.target) as quick:
        settings: dict[str, Any] = {"health_checks": False, "hedge_after": 0.01}
        with ValidationClient([slow.target, quick.target], **settings) as client:
            all_ready(client)
            client._routes._turn = iter([0, 1])  # the slow one first
            assert client.hash("sm3", b"abc") == pycore.hash("sm3", b"abc")
            assert (len(slow.calls), len(quick.calls)) == (1, 1)
            assert slow.cancelled.acquire(timeout=PATIENCE)  # its call was given up
        held.go.set()


async def test_the_quick_one_answers_tasks_as_well(service: Server) -> None:
    held = Held()
    with Proxy(service.target, held) as slow, Proxy(service.target) as quick:
        settings: dict[str, Any] = {"health_checks": False, "hedge_after": 0.01}
        async with AsyncValidationClient([slow.target, quick.target], **settings) as client:
            await all_ready_soon(client)
            client._routes._turn = iter([0, 1])
            assert await client.hash("sm3", b"abc") == pycore.hash("sm3", b"abc")
            assert (len(slow.calls), len(quick.calls)) == (1, 1)
            assert await asyncio.to_thread(slow.cancelled.acquire, timeout=PATIENCE)
        held.go.set()


def test_a_failed_hedge_leaves_the_first_call_alone(service: Server) -> None:
    held = Held()
    no = refusing(1, grpc.StatusCode.INTERNAL)
    with (
        Proxy(service.target, held) as slow,
        Proxy(service.target, no) as broken,
        ThreadPoolExecutor(1) as pool,
        ValidationClient([slow.target, broken.target], health_checks=False, hedge_after=0.01) as client,
    ):
        all_ready(client)
        client._routes._turn = iter([0, 1])
        answer = pool.submit(client.hash, "sm3", b"abc")
        wait_until(lambda: len(broken.calls) == 1)
        held.go.set()
        assert answer.result(PATIENCE) == pycore.hash("sm3", b"abc")


def test_hedges_are_few() -> None:
    """A service that is slow for everybody is not asked everything twice."""
    budget = HedgeBudget()
    hedged = 0
    for _ in range(1000):
        budget.earn()
        hedged += budget.take()
    assert 90 <= hedged <= 101
    assert sum(budget.take() for _ in range(100)) <= 10
    for _ in range(1000):
        budget.earn()
    assert sum(budget.take() for _ in range(100)) == 10


def test_no_call_is_hedged_unless_asked(service: Server) -> None:
    held = Held()
    with (
        Proxy(service.target, held) as slow,
        ThreadPoolExecutor(1) as pool,
        ValidationClient(slow.target, connections=2) as client,
    ):
        answer = pool.submit(client.hash, "sm3", b"abc")
        assert held.begun.acquire(timeout=PATIENCE)
        assert not held.begun.acquire(timeout=0.2)
        held.go.set()
        assert answer.result(PATIENCE)


# ---- what calls say --------------------------------------------------------------------------------------------------


async def test_calls_say_their_priority_and_their_name(service: Server) -> None:
    batch = ([bytes(32)], [bytes(64)], [b""])
    with Proxy(service.target) as proxy:

        def said() -> tuple[str | None, str | None]:
            metadata = proxy.calls[-1][1]
            return metadata.get("pycore-priority"), metadata.get("x-request-id")

        with ValidationClient(proxy.target) as client:
            client.hash("sm3", b"")
            assert said() == (None, None)
            client.hash("sm3", b"", priority="votes", request_id="block 7")
            assert said() == ("votes", "block 7")
            client.using(priority="audits").verify_batch("ed25519", *batch)
            assert said() == ("audits", None)
            list(client.verify_stream("ed25519", [batch], priority="transactions", request_id="s"))
            assert said() == ("transactions", "s")
            Coalescer(client, "ed25519", priority="votes").verdict(bytes(32), bytes(64), b"")
            assert said() == ("votes", None)
        async with AsyncValidationClient(proxy.target, priority="votes", token="secret") as other:
            await other.hash("sm3", b"", request_id="me")
            assert said() == ("votes", "me")
            assert proxy.calls[-1][1]["authorization"] == "Bearer secret"
            [one async for one in other.using(request_id="they").verify_stream("ed25519", [batch])]
            assert said() == ("votes", "they")


def test_errors_name_the_call(service: Server) -> None:
    with Proxy(service.target) as proxy, ValidationClient(proxy.target) as client:
        proxy.before = refusing(1, grpc.StatusCode.INTERNAL)
        with pytest.raises(ServiceError) as caught:
            client.hash("sm3", b"", request_id="mine")
        assert caught.value.request_id == "theirs"  # as the service has it in its log
    with ValidationClient("127.0.0.1:1") as client:
        with pytest.raises(ServiceError) as caught:
            client.hash("sm3", b"", request_id="mine")
        assert caught.value.request_id == "mine"
        with pytest.raises(ServiceError) as caught:
            client.hash("sm3", b"")
        assert caught.value.request_id is None


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"connections": 0}, "connections"), ({"connections": True}, "connections"), ({"balance": "random"}, "balance"),
     ({"health_checks": True}, "health_checks"), ({"priority": "first"}, "priority"),
     ({"request_id": ""}, "request_id"), ({"request_id": "a\n"}, "request_id"),
     ({"request_id": "x" * 129}, "request_id"), ({"attempts": 0}, "attempts"),
     ({"attempts": 11}, "attempts"), ({"hedge_after": 0}, "hedge_after"), ({"timeout": -1}, "timeout"),
     ({"stream_window": 3}, "stream_window"), ({"target": ""}, "target"), ({"target": "a:1,,b:1"}, "target"),
     ({"target": ["a:1", "a:1"]}, "target"), ({"target": []}, "target"), ({"target": 7}, "target")],
)  # fmt: skip
def test_wrong_settings_are_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        ValidationClient(**{"target": "127.0.0.1:1", **settings})
    assert caught.value.field == field


def test_using_takes_settings_of_calls_only(client: ValidationClient) -> None:
    with pytest.raises(InputError, match="connections"):
        client.using(connections=2)
    with pytest.raises(InputError, match="priority"):
        client.hash("sm3", b"", priority="urgent")
    quick = client.using(timeout=7)
    assert (quick.timeout, client.timeout) == (7, 60.0)
    assert quick.hash("sm3", b"") == pycore.hash("sm3", b"")


def test_targets_are_told_apart() -> None:
    assert split_targets("a:1, b:2") == ("a:1", "b:2")
    assert split_targets("ipv4:1.1.1.1:1,2.2.2.2:2") == ("ipv4:1.1.1.1:1,2.2.2.2:2",)
    assert split_targets("unix:/run/a,b") == ("unix:/run/a,b",)
    for target in (
        "127.0.0.1:1",
        "[::1]:1",
        "localhost:1",
        "unix:/a",
        "dns:///localhost:1",
        "ipv4:127.0.0.1:1,127.0.0.2:2",
    ):
        assert is_loopback(target)
    assert not any(map(is_loopback, ("10.0.0.1:1", "node:1", "ipv4:127.0.0.1:1,10.0.0.1:2", "dns:///example.org:1")))


# ---- verdicts --------------------------------------------------------------------------------------------------------


async def test_every_way_has_the_verdicts_of_the_call_in_process(
    two: tuple[Server, Server], rng: random.Random
) -> None:
    batch = mixed(rng)
    wanted = pycore.verify_batch("ed25519", *batch)
    assert len(set(wanted)) >= 3
    targets = [server.target for server in two]
    halves = [tuple(column[:70] for column in batch), tuple(column[70:] for column in batch)]
    ways: list[dict[str, Any]] = [
        {}, {"connections": 3}, {"hedge_after": 1e-6}, {"attempts": 3}, {"max_batch_items": 7},
        {"max_batch_items": 7, "stream_window": 4, "connections": 2},
    ]  # fmt: skip
    for settings in ways:
        with ValidationClient(targets, **settings) as client:
            client.wait_until_ready(PATIENCE)
            assert client.verify_batch("ed25519", *batch) == wanted
            streamed = [list(one) for one in client.verify_stream("ed25519", halves)]
            assert streamed[0] + streamed[1] == list(wanted)
            with ThreadPoolExecutor(8) as pool:
                found = pool.map(Coalescer(client, "ed25519", max_items=50).verdict, *batch)
                assert list(found) == list(wanted)
        async with AsyncValidationClient(targets, **settings) as other:
            await other.wait_until_ready(PATIENCE)
            assert await other.verify_batch("ed25519", *batch) == wanted
            again = [list(one) async for one in other.verify_stream("ed25519", halves)]
            assert again == streamed
            coalescer = AsyncCoalescer(other, "ed25519", max_items=50)
            assert await asyncio.gather(*map(coalescer.verdict, *batch)) == list(wanted)


def test_a_client_that_is_forgotten_starts_no_threads_and_leaves_none() -> None:
    before = set(threading.enumerate())  # those of other tests may end meanwhile
    for _ in range(10):
        client = ValidationClient("127.0.0.1:1,127.0.0.1:2", connections=3)
        assert client._routes.pick() in client._routes.all
    assert not set(threading.enumerate()) - before


def test_without_states_calls_take_turns(two: tuple[Server, Server]) -> None:
    """Where grpc keeps a channel's state elsewhere than it does today."""
    with ValidationClient([server.target for server in two]) as client:
        for route in client._routes.all:
            route.state = state_of(object())  # type: ignore[arg-type]
        for _ in range(4):
            client.hash("sha256", b"abc")
    assert [answered(server) for server in two] == [2, 2]
