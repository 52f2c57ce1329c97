"""Workers that do not come free: health says so, new work is refused, and neither waits for a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

import pycore
from pycore._pb.validation.v1 import column_pb2, hash_pb2
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import METHOD, PATIENCE, Clock, Gate, RawCaller, wait_for_load

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
NAMES = ("", "pycore.validation.v1.ValidationService")
SMALL = hash_pb2.HashBatchRequest(
    algorithm="sha256", messages=column_pb2.Column(data=b"abc", width=3)
).SerializeToString()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    """Two workers; a stall is 20 seconds of a clock that the test moves."""
    config = ServiceConfig(address="127.0.0.1:0", workers=2, threads=1, drain_delay=0, stall_after=20)
    with background(config, clock=clock) as server:
        yield server


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    gate = Gate(server)
    yield gate
    gate.open()


@pytest.fixture
def caller(server: Server) -> Iterator[RawCaller]:
    caller = RawCaller(server.target)
    yield caller
    caller.channel.close()


def health(caller: RawCaller) -> set[int]:
    stub = health_pb2_grpc.HealthStub(caller.channel)
    return {stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE).status for name in NAMES}


def watch(caller: RawCaller) -> Any:
    stub = health_pb2_grpc.HealthStub(caller.channel)
    return stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE)


def test_health_answers_while_every_worker_is_busy(server: Server, caller: RawCaller, gate: Gate) -> None:
    gate.hold(2)
    call = caller.channel.unary_unary(METHOD + "HashBatch")
    waiting = [call.future(SMALL, timeout=PATIENCE) for _ in range(8)]
    wait_for_load(server, lambda load: load.requests == 2 + 8)
    for _ in range(20):
        assert health(caller) == {SERVING}
    assert not any(future.done() for future in waiting)  # nor did anything run where health is answered
    gate.open()
    assert {future.result() for future in waiting} == {caller("HashBatch", SMALL)}


def test_health_turns_when_no_worker_has_come_free(server: Server, clock: Clock, caller: RawCaller, gate: Gate) -> None:
    watcher = watch(caller)
    assert next(watcher).status == SERVING
    gate.hold(1)
    clock.now += 1000
    assert health(caller) == {SERVING}  # one worker is free
    gate.hold(1)
    clock.now += 19.9
    assert health(caller) == {SERVING}  # one was, less than 20 seconds ago
    clock.now += 0.1
    assert health(caller) == {NOT_SERVING}
    assert next(watcher).status == NOT_SERVING
    gate.open()
    assert health(caller) == {SERVING}
    assert next(watcher).status == SERVING
    assert caller("HashBatch", SMALL)


def test_watchers_are_told_though_nobody_checks(server: Server, clock: Clock, caller: RawCaller, gate: Gate) -> None:
    watcher = watch(caller)
    assert next(watcher).status == SERVING
    gate.hold(2)
    clock.now += 20
    assert next(watcher).status == NOT_SERVING
    gate.open()
    assert next(watcher).status == SERVING


def test_work_that_keeps_ending_is_no_stall(server: Server, clock: Clock, caller: RawCaller) -> None:
    for _ in range(5):
        gate = Gate(server)
        gate.hold(2)
        clock.now += 15
        assert health(caller) == {SERVING}
        gate.open()


def test_new_work_is_refused_in_a_stall(
    server: Server, clock: Clock, caller: RawCaller, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    gate.hold(2)
    call = caller.channel.unary_unary(METHOD + "HashBatch")
    queued = call.future(SMALL, timeout=PATIENCE)
    wait_for_load(server, lambda load: load.requests == 2 + 1)
    clock.now += 25
    with caplog.at_level("INFO", "pycore.service"):
        assert health(caller) == {NOT_SERVING}
    assert "no worker has come free for 25 seconds" in caplog.text
    assert caplog.text.count("still running: a gate") == 2
    error = caller.refused("HashBatch", SMALL)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() == "no worker has come free for 25 seconds"
    details = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert details is not None
    retry = error_details_pb2.RetryInfo()
    assert details.details[0].Unpack(retry)
    assert retry.retry_delay.ToNanoseconds() == 5e9
    with ValidationClient(server.target) as client:
        with pytest.raises(ServiceError) as caught:
            client.hash("sha256", b"abc")
        assert (caught.value.code, caught.value.retry_after) == (grpc.StatusCode.UNAVAILABLE, 5.0)
        assert not queued.done()  # what was taken in before stays in
        gate.open()
        assert queued.result()
        assert client.hash("sha256", b"abc") == pycore.hash("sha256", b"abc")


def test_streams_wait_for_the_end_of_a_stall(server: Server, clock: Clock, gate: Gate) -> None:
    gate.hold(2)
    clock.now += 25
    batch = ([bytes(32)], [bytes(64)], [b""])
    with ValidationClient(server.target, timeout=PATIENCE) as client:
        answers = client.verify_stream("ed25519", [batch] * 3)
        gate.open()
        assert len(list(answers)) == 3


def test_a_full_queue_is_said_before_a_stall(clock: Clock) -> None:
    config = ServiceConfig(
        address="127.0.0.1:0", workers=1, max_inflight_items=2, max_client_items=2, drain_delay=0, stall_after=20
    )
    with background(config, clock=clock) as server:
        caller, gate = RawCaller(server.target), Gate(server)
        gate.hold()
        call = caller.channel.unary_unary(METHOD + "HashBatch")
        queued = [call.future(SMALL, timeout=PATIENCE) for _ in range(2)]
        wait_for_load(server, lambda load: load.items == 2)
        clock.now += 3
        error = caller.refused("HashBatch", SMALL)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        details = rpc_status.from_call(error)  # type: ignore[arg-type]
        assert details is not None
        retry = error_details_pb2.RetryInfo()
        assert details.details[0].Unpack(retry)
        assert retry.retry_delay.ToNanoseconds() == 3e9  # it has taken that long already
        gate.open()
        assert all(future.result() for future in queued)
        caller.channel.close()
