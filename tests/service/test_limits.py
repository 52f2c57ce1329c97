"""Bounded queues, deadlines, cancellation, and a loop that answers health while kernels are busy."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import pycore
from pycore import testing
from pycore._pb.validation.v1 import column_pb2, hash_pb2, signature_pb2
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import RawCaller

MIB = 1 << 20


def hashing(items: int, size: int, algorithm: str = "keccak256") -> bytes:
    """A serialised request that keeps a worker busy: about 4 ns per byte and more."""
    column = column_pb2.Column(data=bytes(items * size), width=size)
    return hash_pb2.HashBatchRequest(algorithm=algorithm, messages=column).SerializeToString()


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """One worker, 1,000 items and 8 MiB in flight, 500 items and 4 MiB per request."""
    config = ServiceConfig(
        address="127.0.0.1:0",
        workers=1,
        threads=1,
        max_batch_items=500,
        max_inflight_items=1000,
        max_inflight_bytes=8 * MIB,
        max_message_bytes=4 * MIB,
        drain_delay=0,
    )
    with background(config) as server:
        yield server


@pytest.fixture
def calls(narrow: Server) -> Iterator[RawCaller]:
    caller = RawCaller(narrow.target)
    yield caller
    caller.channel.close()


def signatures(items: int) -> bytes:
    """A serialised request that is small for the work it makes."""
    columns = testing.generate_signatures("ecdsa-p256", items, signers=4, seed=3)
    keys, signed, messages = (column_pb2.Column(data=one.tobytes(), width=one.shape[1]) for one in columns)
    return signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256", public_keys=keys, signatures=signed, messages=messages
    ).SerializeToString()


def outcomes(caller: RawCaller, method: str, request: bytes, times: int) -> list[Any]:
    """The answers, or errors, of the same call made many times at once."""

    def one(_: int) -> Any:
        try:
            return caller(method, request)
        except grpc.RpcError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


FULL = [("VerifySignatures", signatures(400), "items"), ("HashBatch", hashing(40, 90_000), "bytes")]


@pytest.mark.parametrize(("method", "request_", "what"), FULL, ids=["items", "bytes"])
def test_a_full_queue_refuses_with_a_time_to_retry(calls: RawCaller, method: str, request_: bytes, what: str) -> None:
    found = outcomes(calls, method, request_, 16)
    errors = [one for one in found if isinstance(one, grpc.RpcError)]
    assert 1 <= len(errors) < 16
    for error in errors:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
        assert f"{what} in flight" in (error.details() or "")
        details = rpc_status.from_call(error)  # type: ignore[arg-type]
        assert details is not None
        retry = error_details_pb2.RetryInfo()
        assert details.details[0].Unpack(retry)
        assert 0 < retry.retry_delay.ToNanoseconds() <= 5e9
    answers = {one for one in found if isinstance(one, bytes)}
    assert answers == {calls(method, request_)}


def time_to_wait(client: ValidationClient) -> float | None:
    """None after an answer; else the seconds that the service asks for."""
    try:
        client.hash_batch("keccak256", bytes(400 * 4000), width=4000)
    except ServiceError as error:
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017
        return error.retry_after
    return None


def test_a_refused_client_gets_through_when_it_waits_as_told(narrow: Server) -> None:
    def patient(_: int) -> int:
        refused = 0
        with ValidationClient(narrow.target, max_message_bytes=4 * MIB) as client:
            while (wait := time_to_wait(client)) is not None:
                refused += 1
                time.sleep(wait)
        return refused

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(patient, range(8))) > 0


def test_streams_are_slowed_down_instead_of_refused(narrow: Server) -> None:
    keys, signatures, messages = [bytes(33)] * 450, [bytes(64)] * 450, [bytes(2000)] * 450
    expected = pycore.verify_batch("ecdsa-p256", keys, signatures, messages)

    def stream(_: int) -> int:
        with ValidationClient(narrow.target, max_message_bytes=4 * MIB) as client:
            answers = list(client.verify_stream("ecdsa-p256", [(keys, signatures, messages)] * 6))
        assert answers == [expected] * 6
        return len(answers)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(stream, range(4))) == 24
    assert load_returns_to_zero(narrow)


def test_the_item_limit_of_a_request(calls: RawCaller) -> None:
    assert calls("HashBatch", hashing(500, 1))
    for size in (1, 1000):  # parsed on the loop, and on a worker
        error = calls.refused("HashBatch", hashing(501, size))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details() == "messages: got 501 items, wanted at most 500 per request"


def test_a_client_that_knows_the_limit_cuts_its_batches(narrow: Server) -> None:
    with ValidationClient(narrow.target) as client:
        limit = client.capabilities().limits.max_batch_items
    with ValidationClient(narrow.target, max_batch_items=limit) as client:
        assert limit == 500
        assert client.hash_batch("sha256", [b""] * 900).tobytes() == pycore.hash("sha256", b"") * 900


def load_returns_to_zero(server: Server, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        load = server.batcher.load
        if (load.requests, load.items, load.nbytes) == (0, 0, 0):
            return True
        time.sleep(0.02)
    return False


def test_expired_requests_are_dropped_before_the_kernel(narrow: Server, calls: RawCaller) -> None:
    busy = calls.channel.unary_unary("/pycore.validation.v1.ValidationService/HashBatch")
    working = [busy.future(hashing(300, 9000)) for _ in range(2)]
    started = time.monotonic()
    error = calls.refused("HashBatch", hashing(1, 1), timeout=0.001)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
    assert time.monotonic() - started < 5
    for future in working:
        future.result(60)
    assert load_returns_to_zero(narrow)


def test_cancelled_requests_leave_nothing_behind(narrow: Server, calls: RawCaller) -> None:
    call = calls.channel.unary_unary("/pycore.validation.v1.ValidationService/HashBatch")
    for delay in (0, 0.001, 0.005, 0.02):
        futures = [call.future(hashing(100, 9000)) for _ in range(4)]
        time.sleep(delay)
        for future in futures:
            future.cancel()
    assert load_returns_to_zero(narrow)
    assert calls("HashBatch", hashing(1, 1))


def test_abandoned_streams_leave_nothing_behind(narrow: Server, calls: RawCaller) -> None:
    batch = signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256",
        public_keys=column_pb2.Column(data=bytes(33 * 400), width=33),
        signatures=column_pb2.Column(data=bytes(64 * 400), width=64),
        messages=column_pb2.Column(data=bytes(1000 * 400), width=1000),
    )
    request = signature_pb2.VerifySignatureStreamRequest(batch=batch).SerializeToString()
    for delay in (0.0, 0.01, 0.05):
        stop = threading.Event()

        def endless(stop: threading.Event = stop) -> Iterator[bytes]:
            while not stop.is_set():
                yield request

        streams = [calls.stream(endless()) for _ in range(3)]
        if delay:
            next(streams[0])
        time.sleep(delay)
        for stream in streams:
            stream.cancel()
        stop.set()
    assert load_returns_to_zero(narrow)


def test_too_many_calls_at_once() -> None:
    config = ServiceConfig(address="127.0.0.1:0", workers=1, max_concurrent_rpcs=2, drain_delay=0)
    with background(config) as server:
        caller = RawCaller(server.target)
        found = outcomes(caller, "HashBatch", hashing(4, MIB), 12)
        errors = [one for one in found if isinstance(one, grpc.RpcError)]
        assert 1 <= len(errors) < 12
        assert {error.code() for error in errors} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        caller.channel.close()


@pytest.mark.asyncio
async def test_health_answers_while_every_worker_is_busy() -> None:
    config = ServiceConfig(address="127.0.0.1:0", workers=2, threads=1, drain_delay=0)
    with background(config) as server:
        channel = grpc.aio.insecure_channel(server.target, options=[("grpc.max_send_message_length", -1)])
        hash_batch: Any = channel.unary_unary("/pycore.validation.v1.ValidationService/HashBatch")
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        request = hashing(1, 12 * MIB)  # one message: no lanes make it quicker
        work = [asyncio.ensure_future(hash_batch(request, timeout=120)) for _ in range(8)]
        await asyncio.sleep(0.05)
        waits = []
        while not all(one.done() for one in work):
            began = time.perf_counter()
            await check(b"", timeout=10)
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.005)
        await asyncio.gather(*work)
        await channel.close()
    assert len(waits) > 10
    # A loop that ran the kernels itself would answer once per request: every 50 ms at the very best.
    assert statistics.median(waits) < 0.03, waits
