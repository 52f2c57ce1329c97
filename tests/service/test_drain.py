"""A drain loses nothing that was accepted, and health says so first. Real processes, real signals.

Workers are held by work that the test lets go (`held_server.py`), and the test ends the drain delay: what comes first
and what comes second depends on nothing that takes time.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

import pycore
from pycore import testing
from pycore._pb.validation.v1 import column_pb2, signature_pb2
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import EXIT_STUCK, background

from .conftest import METHOD, PATIENCE, Clock, Gate, ServiceProcess, Spawn, wait_for_load

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING
ITEMS = 20

ONE = ("--workers", "1", "--threads", "1", "--stall-after", "36000")
NEVER = "36000"  # seconds: for a delay that the test ends, and a grace that must not be waited for


def work() -> bytes:
    """A serialised request."""
    keys, signatures, messages = (
        column_pb2.Column(data=column.tobytes(), width=column.shape[1])
        for column in testing.generate_signatures("ecdsa-p256", ITEMS, signers=4, seed=3)
    )
    return signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256", public_keys=keys, signatures=signatures, messages=messages
    ).SerializeToString()


def is_answered(answer: bytes) -> bool:
    return signature_pb2.VerifySignaturesResponse.FromString(answer).verdicts.valid_count == ITEMS


def watch(channel: grpc.Channel) -> Any:
    call: Any = channel.unary_stream(
        "/grpc.health.v1.Health/Watch", response_deserializer=health_pb2.HealthCheckResponse.FromString
    )
    return call(health_pb2.HealthCheckRequest().SerializeToString(), timeout=PATIENCE)


def send(channel: grpc.Channel, times: int) -> list[Any]:
    """Calls that are waiting for their answers."""
    verify: Any = channel.unary_unary(METHOD + "VerifySignatures")
    request = work()
    return [verify.future(request, timeout=PATIENCE) for _ in range(times)]


def logged(process: ServiceProcess, words: str) -> int:
    return sum(words in line for line in process.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_accepted_call_is_answered_and_health_flips_first(spawn: Spawn, number: int) -> None:
    process = spawn(*ONE, "--drain-delay", NEVER, "--drain-grace", NEVER, held="gate")
    with grpc.insecure_channel(process.wait_for_target()) as channel:
        watcher = watch(channel)
        assert next(watcher).status == SERVING
        accepted = send(channel, 12)
        process.wait_for_load(1 + 12)
        process.signal(number)
        assert next(watcher).status == NOT_SERVING
        accepted += send(channel, 1)  # inside the drain delay: still taken
        process.wait_for_load(1 + 13)
        assert not any(future.done() for future in accepted)
        process.tell("proceed")
        process.tell("open")
        assert all(is_answered(future.result()) for future in accepted)
        assert list(watcher) == []  # ended by the service, not by its grace period
    assert process.wait() == 0
    assert (logged(process, '"draining"'), logged(process, '"stopped"')) == (1, 1), process.lines
    assert logged(process, "stuck") == 0


def code_of_a_new_connection(target: str) -> grpc.StatusCode:
    with ValidationClient(target, timeout=PATIENCE, options=[("grpc.use_local_subchannel_pool", 1)]) as client:
        try:
            client.health()  # does not queue behind the work
        except ServiceError as error:
            return error.code
    return grpc.StatusCode.OK


def test_new_calls_are_refused_after_the_delay(spawn: Spawn) -> None:
    process = spawn(*ONE, "--drain-delay", NEVER, "--drain-grace", NEVER, held="gate")
    target = process.wait_for_target()
    with grpc.insecure_channel(target) as channel:
        accepted = send(channel, 5)
        process.wait_for_load(1 + 5)
        process.signal()
        process.event("draining")
        assert code_of_a_new_connection(target) is grpc.StatusCode.OK
        process.tell("proceed")
        while (code := code_of_a_new_connection(target)) is grpc.StatusCode.OK:
            pass  # the listener is about to close
        codes = {code, *(code_of_a_new_connection(target) for _ in range(5))}
        # CANCELLED: the connection was made in the very moment in which the listener closed.
        assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        assert not any(future.done() for future in accepted)
        process.tell("open")
        assert all(is_answered(future.result()) for future in accepted)
    assert process.wait() == 0


def test_open_streams_get_the_answers_to_what_was_read(spawn: Spawn) -> None:
    process = spawn("--workers", "1", "--drain-delay", "0", "--drain-grace", NEVER, "--stall-after", NEVER)
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

    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream(METHOD + "VerifySignatureStream")(requests(), timeout=PATIENCE)
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
    assert process.wait() == 0


def call_until_error(call: Any) -> Iterator[bytes]:
    try:
        yield from call
    except grpc.RpcError:
        return


def test_an_idle_stream_does_not_hold_up_a_drain(spawn: Spawn) -> None:
    process = spawn("--drain-delay", "0", "--drain-grace", NEVER)
    target = process.wait_for_target()
    stop = threading.Event()

    def silent() -> Iterator[bytes]:
        stop.wait(PATIENCE)
        yield from ()

    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream(METHOD + "VerifySignatureStream")(silent(), timeout=PATIENCE)
        watcher = watch(channel)
        assert next(watcher).status == SERVING
        process.signal()
        assert process.wait() == 0
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        stop.set()


STUCK = ["gate", pytest.param("c", marks=pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux mutex"))]


@pytest.mark.parametrize("kind", STUCK)
def test_a_stuck_worker_does_not_keep_the_process(spawn: Spawn, kind: str) -> None:
    process = spawn(*ONE, "--drain-delay", "0", "--drain-grace", "0.05", held=kind)
    with grpc.insecure_channel(process.wait_for_target()) as channel:
        process.event("holding")
        waiting = send(channel, 3)
        process.wait_for_load(1 + 3)
        process.signal()
        process.event("draining")
        process.event("stuck")
        left = process.event("still running")
        process.event("stopped")
        assert process.wait() == EXIT_STUCK == 4
        assert {future.code() for future in waiting} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert left["method"] == "held by the test"
    assert left["seconds"] >= 0
    assert ("_deadlock" if kind == "c" else "wait") in left["stack"]


def test_grace_is_an_end_for_work_that_hears_of_it(spawn: Spawn) -> None:
    process = spawn(*ONE, "--drain-delay", "0", "--drain-grace", "0.05", held="polite")
    with grpc.insecure_channel(process.wait_for_target()) as channel:
        process.event("holding")
        waiting = send(channel, 3)
        process.wait_for_load(1 + 3)
        process.signal()
        assert process.wait() == 0
        assert {future.code() for future in waiting} <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert logged(process, "stuck") == 0


@pytest.mark.parametrize(("held", "status"), [("gate", EXIT_STUCK), ("polite", 0)])
@pytest.mark.parametrize("delay", ["0", NEVER])
def test_a_second_signal_ends_what_is_left_at_once(spawn: Spawn, held: str, status: int, delay: str) -> None:
    process = spawn(*ONE, "--drain-delay", delay, "--drain-grace", NEVER, held=held)
    with grpc.insecure_channel(process.wait_for_target()) as channel:
        process.event("holding")
        waiting = send(channel, 3)
        process.wait_for_load(1 + 3)
        process.signal()
        process.event("draining")
        process.signal()
        process.event("second signal")
        assert process.wait() == status
        assert grpc.StatusCode.OK not in {future.code() for future in waiting}


def test_background_drains_too() -> None:
    config = ServiceConfig(address="127.0.0.1:0", workers=1, threads=1, drain_delay=0, drain_grace=float(NEVER))
    with background(config, clock=Clock()) as server:
        gate = Gate(server)
        gate.hold()
        channel = grpc.insecure_channel(server.target)
        watcher = watch(channel)
        assert next(watcher).status == SERVING
        accepted = send(channel, 4)
        wait_for_load(server, lambda load: load.requests == 1 + 4)

        def open_when_it_drains() -> None:
            assert next(watcher).status == NOT_SERVING
            assert not any(future.done() for future in accepted)
            gate.open()

        opener = threading.Thread(target=open_when_it_drains)
        opener.start()
    opener.join(PATIENCE)
    assert all(is_answered(future.result()) for future in accepted)
    assert server.stuck == []
    channel.close()


def test_background_names_what_is_stuck_and_ends() -> None:
    config = ServiceConfig(address="127.0.0.1:0", workers=2, drain_delay=0, drain_grace=0)
    with background(config) as server:
        gate = Gate(server)
        gate.hold(1)
    assert [row.what for row in server.stuck] == ["a gate"]
    assert "in hold" in server.stuck[0].stack() or "wait" in server.stuck[0].stack()
    gate._opened.set()  # its thread ends; its caller was cancelled with the loop


def test_a_service_that_can_not_start_says_why(spawn: Spawn) -> None:
    first = spawn()
    port = first.wait_for_target().rpartition(":")[2]
    second = spawn("--address", f"127.0.0.1:{port}")
    assert second.wait() == 3
    assert "cannot listen on" in "".join(second.lines)
    third = spawn("--address", "0.0.0.0:0")
    assert third.wait() == 2
    assert "can be reached from other machines" in "".join(third.lines)


def test_a_non_loopback_address_is_served_when_told_so(spawn: Spawn) -> None:
    process = spawn("--address", "0.0.0.0:0", "--insecure-non-loopback")
    with ValidationClient(process.wait_for_target()) as client:
        client.wait_until_ready(PATIENCE)
        assert client.hash("sm3", b"abc") == pycore.hash("sm3", b"abc")


def test_the_start_line_is_json_with_what_an_operator_looks_for(spawn: Spawn) -> None:
    event = spawn(environment={"PYCORE_WORKERS": "2"}).event("serving on")
    assert event["tls"] == "none"
    assert event["workers"] == 2
    assert "portable" in event["backends"]
    assert {"time", "level", "version", "address", "state"} <= event.keys()
