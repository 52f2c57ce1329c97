"""A drain loses nothing that was accepted, and health says so first. Real processes, real signals."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

import pycore
from pycore import testing
from pycore._pb.validation.v1 import column_pb2, signature_pb2
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import background

from .conftest import METHOD, ServiceProcess

Spawn = Callable[..., ServiceProcess]
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING


# What keeps a worker busy here must not become quick with the CPU, nor with keys that come back.
SLOW = {"PYCORE_BACKEND": "portable", "PYCORE_KEY_CACHE": "0"}


def work() -> bytes:
    """A serialised request that is small on the wire and keeps a SLOW worker busy for some ten milliseconds."""
    keys, signatures, messages = (
        column_pb2.Column(data=column.tobytes(), width=column.shape[1])
        for column in testing.generate_signatures("ecdsa-p256", 400, signers=4, seed=3)
    )
    return signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256", public_keys=keys, signatures=signatures, messages=messages
    ).SerializeToString()


def is_answered(answer: bytes) -> bool:
    return signature_pb2.VerifySignaturesResponse.FromString(answer).verdicts.valid_count == 400


def watch(channel: grpc.Channel) -> Any:
    call: Any = channel.unary_stream(
        "/grpc.health.v1.Health/Watch", response_deserializer=health_pb2.HealthCheckResponse.FromString
    )
    return call(health_pb2.HealthCheckRequest().SerializeToString(), timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_accepted_call_is_answered_and_health_flips_first(spawn: Spawn, number: int) -> None:
    process = spawn("--workers", "1", "--threads", "1", "--drain-delay", "0.5", environment=SLOW)
    target = process.wait_for_target()
    with grpc.insecure_channel(target) as channel:
        watcher = watch(channel)
        assert next(watcher).status == SERVING
        verify: Any = channel.unary_unary(METHOD + "VerifySignatures")
        request = work()
        accepted = [verify.future(request, timeout=60) for _ in range(12)]
        accepted[0].result()  # the others are in flight or waiting
        assert not all(future.done() for future in accepted)
        process.signal(number)
        assert next(watcher).status == NOT_SERVING
        late = verify.future(request, timeout=60)  # inside the drain delay: still taken
        assert all(is_answered(future.result()) for future in [*accepted, late])
        assert list(watcher) == []  # ended by the service, not by its grace period
    assert process.wait() == 0
    messages = [line for line in process.lines if '"draining"' in line or '"stopped"' in line]
    assert len(messages) == 2, process.lines


def code_of_a_new_connection(target: str) -> grpc.StatusCode:
    with ValidationClient(target, timeout=5, options=[("grpc.use_local_subchannel_pool", 1)]) as client:
        try:
            client.health()  # does not queue behind the work
        except ServiceError as error:
            return error.code
    return grpc.StatusCode.OK


def test_new_calls_are_refused_after_the_delay(spawn: Spawn) -> None:
    # the delay: time to take in what was sent
    process = spawn("--workers", "1", "--threads", "1", "--drain-delay", "0.2", environment=SLOW)
    target = process.wait_for_target()
    with grpc.insecure_channel(target) as channel:
        verify: Any = channel.unary_unary(METHOD + "VerifySignatures")
        accepted = [verify.future(work(), timeout=60) for _ in range(20)]
        accepted[0].result()
        process.signal()
        process.event("draining")
        outcomes = []
        while not all(future.done() for future in accepted):
            outcomes.append(code_of_a_new_connection(target))
            time.sleep(0.01)
        assert all(is_answered(future.result()) for future in accepted)
        closed = outcomes.index(next(code for code in outcomes if code is not grpc.StatusCode.OK))
        # CANCELLED: the connection was made in the very moment in which the listener closed.
        assert set(outcomes[closed:]) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, outcomes
    assert process.wait() == 0


def test_open_streams_get_the_answers_to_what_was_read(spawn: Spawn) -> None:
    process = spawn("--workers", "1", "--drain-delay", "0")
    target = process.wait_for_target()
    batch = signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256",
        public_keys=column_pb2.Column(data=bytes(33 * 200), width=33),
        signatures=column_pb2.Column(data=bytes(64 * 200), width=64),
        messages=column_pb2.Column(data=bytes(200), width=1),
    )
    stop = threading.Event()

    def requests() -> Iterator[bytes]:
        number = 0
        while not stop.is_set():
            number += 1
            yield signature_pb2.VerifySignatureStreamRequest(id=number, batch=batch).SerializeToString()
            time.sleep(0.001)

    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream(METHOD + "VerifySignatureStream")(requests(), timeout=60)
        seen = []
        for answer in call_until_error(call):
            response = signature_pb2.VerifySignatureStreamResponse.FromString(answer)
            assert response.verdicts.count == 200
            seen.append(response.id)
            if len(seen) == 20:
                process.signal()
        stop.set()
        assert seen == list(range(1, len(seen) + 1))
        assert len(seen) >= 20
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        assert "shutting down" in call.details()
    started = time.monotonic()
    assert process.wait() == 0
    assert time.monotonic() - started < 10


def call_until_error(call: Any) -> Iterator[bytes]:
    try:
        yield from call
    except grpc.RpcError:
        return


def test_an_idle_stream_does_not_hold_up_a_drain(spawn: Spawn) -> None:
    process = spawn("--drain-delay", "0", "--drain-grace", "60")
    target = process.wait_for_target()
    stop = threading.Event()

    def silent() -> Iterator[bytes]:
        stop.wait(60)
        yield from ()

    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream(METHOD + "VerifySignatureStream")(silent(), timeout=60)
        watcher = watch(channel)
        assert next(watcher).status == SERVING
        process.signal()
        started = time.monotonic()
        assert process.wait() == 0
        assert time.monotonic() - started < 10
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        stop.set()


def test_grace_is_an_end(spawn: Spawn) -> None:
    process = spawn("--workers", "1", "--threads", "1", "--drain-delay", "0", "--drain-grace", "0.05", environment=SLOW)
    target = process.wait_for_target()
    with grpc.insecure_channel(target) as channel:
        verify: Any = channel.unary_unary(METHOD + "VerifySignatures")
        accepted = [verify.future(work(), timeout=60) for _ in range(12)]
        accepted[0].result()
        process.signal()
        assert process.wait() == 0
        codes = {future.code() for future in accepted}
        assert codes & {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, codes


def test_a_second_signal_ends_what_is_left_at_once(spawn: Spawn) -> None:
    process = spawn("--workers", "1", "--threads", "1", "--drain-delay", "0", "--drain-grace", "60", environment=SLOW)
    target = process.wait_for_target()
    with grpc.insecure_channel(target) as channel:
        verify: Any = channel.unary_unary(METHOD + "VerifySignatures")
        accepted = [verify.future(work(), timeout=60) for _ in range(12)]
        accepted[0].result()
        process.signal()
        process.event("draining")
        process.signal()
        assert process.wait() == 0
        assert not all(future.code() is grpc.StatusCode.OK for future in accepted)


def test_background_drains_too() -> None:
    with background(ServiceConfig(address="127.0.0.1:0", workers=1, threads=1, drain_delay=0.2)) as server:
        channel = grpc.insecure_channel(server.target)
        verify: Any = channel.unary_unary(METHOD + "VerifySignatures")
        accepted = [verify.future(work(), timeout=60) for _ in range(4)]
        accepted[0].result()
    assert all(is_answered(future.result()) for future in accepted)
    channel.close()


def test_a_service_that_can_not_start_says_why(spawn: Spawn) -> None:
    first = spawn()
    port = first.wait_for_target().rpartition(":")[2]
    second = spawn("--address", f"127.0.0.1:{port}")
    assert second.wait() == 3
    assert "can not listen on" in "".join(second.lines)
    third = spawn("--address", "0.0.0.0:0")
    assert third.wait() == 2
    assert "can be reached from other machines" in "".join(third.lines)


def test_a_non_loopback_address_is_served_when_told_so(spawn: Spawn) -> None:
    process = spawn("--address", "0.0.0.0:0", "--insecure-non-loopback")
    with ValidationClient(process.wait_for_target()) as client:
        client.wait_until_ready(10)
        assert client.hash("sm3", b"abc") == pycore.hash("sm3", b"abc")


def test_the_start_line_is_json_with_what_an_operator_looks_for(spawn: Spawn) -> None:
    event = spawn(environment={"PYCORE_WORKERS": "2"}).event("serving on")
    assert event["tls"] == "none"
    assert event["workers"] == 2
    assert "portable" in event["backends"]
    assert {"time", "level", "version", "address"} <= event.keys()
