"""Bounded queues, deadlines and cancellation, with workers that the test holds: nothing depends on what takes long."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import pycore
from pycore import testing
from pycore._pb.validation.v1 import block_pb2, column_pb2, hash_pb2, merkle_pb2, signature_pb2
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import METHOD, PATIENCE, Clock, Gate, RawCaller, wait_for_load

MIB = 1 << 20


def hashing(items: int, size: int, algorithm: str = "keccak256") -> bytes:
    """A serialised request."""
    column = column_pb2.Column(data=bytes(items * size), width=size)
    return hash_pb2.HashBatchRequest(algorithm=algorithm, messages=column).SerializeToString()


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def narrow(clock: Clock) -> Iterator[Server]:
    """One worker, 1,000 items and 8 MiB in flight, 500 items and 4 MiB per request; its clock stands still."""
    config = ServiceConfig(
        address="127.0.0.1:0",
        workers=1,
        threads=1,
        max_batch_items=500,
        max_inflight_items=1000,
        max_inflight_bytes=8 * MIB,
        max_transactions_items=1000,
        max_transactions_bytes=8 * MIB,
        max_client_items=1000,
        max_client_bytes=8 * MIB,
        max_message_bytes=4 * MIB,
        drain_delay=0,
    )
    with background(config, clock=clock) as server:
        yield server


@pytest.fixture
def gate(narrow: Server) -> Iterator[Gate]:
    """The worker of `narrow` is held."""
    gate = Gate(narrow)
    gate.hold()
    yield gate
    gate.open()


@pytest.fixture
def calls(narrow: Server) -> Iterator[RawCaller]:
    caller = RawCaller(narrow.target)
    yield caller
    caller.channel.close()


def signatures(items: int) -> bytes:
    """A serialised request that is small for its items."""
    columns = testing.generate_signatures("ecdsa-p256", items, signers=4, seed=3)
    keys, signed, messages = (column_pb2.Column(data=one.tobytes(), width=one.shape[1]) for one in columns)
    return signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256", public_keys=keys, signatures=signed, messages=messages
    ).SerializeToString()


class Sent:
    """Calls that are under way, and those that have ended, in the order in which they do."""

    def __init__(self, caller: RawCaller, method: str, request: bytes, times: int) -> None:
        call = caller.channel.unary_unary(METHOD + method)
        self._ended: queue.Queue[Any] = queue.Queue()
        self.futures = [call.future(request, timeout=PATIENCE) for _ in range(times)]
        for future in self.futures:
            future.add_done_callback(self._ended.put)

    def next(self, count: int) -> list[Any]:
        """The next ones to end."""
        return [self._ended.get(timeout=PATIENCE) for _ in range(count)]

    def still_waiting(self) -> bool:
        return self._ended.empty()


def only_held(server: Server) -> None:
    """Waits until nothing but the gate is in flight."""
    wait_for_load(server, lambda load: (load.requests, load.items, load.nbytes) == (1, 0, 0))


def nothing_left(server: Server) -> None:
    wait_for_load(server, lambda load: (load.requests, load.items, load.nbytes) == (0, 0, 0))


# Two of each fit.
FULL = [("VerifySignatures", signatures(400), "items"), ("HashBatch", hashing(40, 90_000), "bytes")]


@pytest.mark.parametrize(("method", "request_", "what"), FULL, ids=["items", "bytes"])
def test_a_full_queue_refuses_with_a_time_to_retry(
    calls: RawCaller, gate: Gate, method: str, request_: bytes, what: str
) -> None:
    sent = Sent(calls, method, request_, 16)
    for error in sent.next(14):
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
        assert f"{what} in flight" in (error.details() or "")
        details = rpc_status.from_call(error)
        assert details is not None
        retry = error_details_pb2.RetryInfo()
        assert details.details[0].Unpack(retry)
        assert 0 < retry.retry_delay.ToNanoseconds() <= 5e9
    assert sent.still_waiting()
    gate.open()
    answers = {one.result() for one in sent.next(2)}
    assert answers == {calls(method, request_)}


def time_to_wait(client: ValidationClient) -> float | None:
    """None after an answer; else the seconds that the service asks for."""
    try:
        client.hash_batch("keccak256", bytes(400 * 4000), width=4000)
    except ServiceError as error:
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017
        return error.retry_after
    return None


def test_a_refused_client_gets_through_when_it_waits_as_told(narrow: Server, gate: Gate) -> None:
    refusals: queue.Queue[float] = queue.Queue()

    def patient(_: int) -> None:
        with ValidationClient(narrow.target, max_message_bytes=4 * MIB, timeout=PATIENCE) as client:
            while (wait := time_to_wait(client)) is not None:
                refusals.put(wait)
                time.sleep(wait)

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(patient, number) for number in range(8)]
        for _ in range(6):  # two of the eight can be in flight
            assert refusals.get(timeout=PATIENCE) > 0
        gate.open()
        for one in clients:
            one.result(PATIENCE)
    nothing_left(narrow)


def test_streams_are_slowed_down_instead_of_refused(narrow: Server, gate: Gate) -> None:
    keys, signatures, messages = [bytes(33)] * 450, [bytes(64)] * 450, [bytes(2000)] * 450
    expected = pycore.verify_batch("ecdsa-p256", keys, signatures, messages)

    def stream(_: int) -> int:
        with ValidationClient(narrow.target, max_message_bytes=4 * MIB, timeout=PATIENCE) as client:
            answers = list(client.verify_stream("ecdsa-p256", [(keys, signatures, messages)] * 6))
        assert answers == [expected] * 6
        return len(answers)

    with ThreadPoolExecutor(4) as pool:
        streams = [pool.submit(stream, number) for number in range(4)]
        wait_for_load(narrow, lambda load: load.items == 900)  # no third batch fits
        gate.open()
        assert sum(one.result(PATIENCE) for one in streams) == 24
    nothing_left(narrow)


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


# ---- callers that go -------------------------------------------------------------------------------------------------


def test_requests_that_expired_in_the_queue_never_run(
    narrow: Server, calls: RawCaller, gate: Gate, clock: Clock
) -> None:
    sent = Sent(calls, "HashBatch", hashing(1, 1), 3)
    wait_for_load(narrow, lambda load: load.requests == 1 + 3)
    clock.now += 2 * PATIENCE  # the callers' deadlines, by the service's clock
    gate.open()
    for error in sent.next(3):
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
        assert error.details() == "the deadline passed"  # the service's words, not gRPC's
    nothing_left(narrow)


def test_the_queue_forgets_callers_whose_deadline_passes_while_no_worker_is_free(
    narrow: Server, calls: RawCaller, gate: Gate
) -> None:
    for request in (hashing(1, 1), hashing(40, 90_000)):
        error = calls.refused("HashBatch", request, timeout=0.5)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
        only_held(narrow)


@pytest.mark.parametrize("admitted", [0, 1, 4])
def test_cancelled_requests_leave_nothing_behind(narrow: Server, calls: RawCaller, gate: Gate, admitted: int) -> None:
    sent = Sent(calls, "HashBatch", hashing(100, 9000), 4)
    wait_for_load(narrow, lambda load: load.requests >= 1 + admitted)
    for future in sent.futures:
        future.cancel()
    sent.next(4)
    only_held(narrow)
    gate.open()
    assert calls("HashBatch", hashing(1, 1))


@pytest.mark.parametrize("answers", [0, 1])
def test_abandoned_streams_leave_nothing_behind(narrow: Server, calls: RawCaller, answers: int) -> None:
    batch = signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256",
        public_keys=column_pb2.Column(data=bytes(33 * 400), width=33),
        signatures=column_pb2.Column(data=bytes(64 * 400), width=64),
        messages=column_pb2.Column(data=bytes(1000 * 400), width=1000),
    )
    request = signature_pb2.VerifySignatureStreamRequest(batch=batch).SerializeToString()
    stop = threading.Event()

    def endless() -> Iterator[bytes]:
        while not stop.is_set():
            yield request

    streams = [calls.stream(endless()) for _ in range(3)]
    for _ in range(answers):
        next(streams[0])
    gate = Gate(narrow)
    gate.hold()
    if not answers:
        wait_for_load(narrow, lambda load: load.items == 800)  # as many as fit
    for stream in streams:
        stream.cancel()
    stop.set()
    only_held(narrow)
    gate.open()
    nothing_left(narrow)


# ---- deadlines of work that runs -------------------------------------------------------------------------------------


class Ticking:
    """A clock that goes on by `step` seconds each time a worker looks at it."""

    def __init__(self) -> None:
        self.step = 0.0
        self.looks = 0
        self.now = 0.0

    def __call__(self) -> float:
        if threading.current_thread().name.startswith("pycore-service"):
            self.looks += 1
            self.now += self.step
        return self.now


def tree() -> bytes:
    leaves = column_pb2.Column(data=bytes(32 * 100_000), width=32)
    return merkle_pb2.BuildMerkleTreeRequest(leaves=leaves).SerializeToString()


def many_signatures() -> bytes:
    keys, signed, messages = (
        column_pb2.Column(data=bytes([5]) * (30_000 * width), width=width) for width in (33, 64, 1)
    )
    return signature_pb2.VerifySignaturesRequest(
        scheme="ecdsa-p256", public_keys=keys, signatures=signed, messages=messages
    ).SerializeToString()


def block() -> bytes:
    ledger = testing.generate_ledger(blocks=1, txs_per_block=20, seed=5)
    return block_pb2.ValidateBlockRequest(chain="chainmaker", block=ledger.block_info(0)).SerializeToString()


@pytest.mark.parametrize(
    ("method", "request_"),
    [("BuildMerkleTree", tree), ("VerifySignatures", many_signatures), ("ValidateBlock", block)],
    ids=["tree", "signatures", "block"],
)
def test_work_of_many_pieces_stops_between_them(method: str, request_: Callable[[], bytes]) -> None:
    clock = Ticking()
    config = ServiceConfig(address="127.0.0.1:0", workers=1, threads=1, drain_delay=0, stall_after=1e9)
    with background(config, clock=clock) as server:
        caller = RawCaller(server.target)
        request = request_()
        assert caller(method, request)
        whole, clock.looks = clock.looks, 0
        assert whole >= 12
        clock.step = PATIENCE / (whole // 2)  # the deadline passes when half of the work is done
        error = caller.refused(method, request)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert error.details() == "the deadline passed"  # the service's words, not gRPC's
        nothing_left(server)
        assert clock.looks < whole // 2 + 8  # some are made after the last piece, to count what it took
        clock.step = 0.0
        assert caller(method, request)
        caller.channel.close()


def test_too_many_calls_at_once() -> None:
    config = ServiceConfig(address="127.0.0.1:0", workers=1, max_concurrent_rpcs=2, drain_delay=0)
    with background(config, clock=Clock()) as server:
        gate = Gate(server)
        gate.hold()
        caller = RawCaller(server.target)
        sent = Sent(caller, "HashBatch", hashing(4, 10), 12)
        assert {error.code() for error in sent.next(10)} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert sent.still_waiting()
        gate.open()
        assert all(one.result() for one in sent.next(2))
        caller.channel.close()
