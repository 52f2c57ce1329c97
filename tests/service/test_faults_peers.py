"""Peers that mean harm, or are broken: what they do is counted on both sides, and others are served all the while.

PYCORE_LONG_FAULTS=1 runs them at full length: 1,000 half-open connections, 10,000 dropped ones and so on; without it
each is a tenth or less. Nothing here depends on how fast anything is.
"""

from __future__ import annotations

import gzip
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

import pycore
from pycore._pb.validation.v1 import column_pb2, hash_pb2
from pycore.client import ValidationClient
from pycore.loadtest.process import ServiceProcess, Usage
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import METHOD, PATIENCE, RawCaller
from .http2 import DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, Peer, frame, headers, message

pytestmark = pytest.mark.network

LONG = os.environ.get("PYCORE_LONG_FAULTS") == "1"
MIB = 1 << 20
ALONE = [("grpc.use_local_subchannel_pool", 1)]
HASH = METHOD + "HashBatch"
SMALL = hash_pb2.HashBatchRequest(algorithm="sha256", messages=column_pb2.Column(rows=[b"x"])).SerializeToString()


def times(full: int, short: int) -> int:
    return full if LONG else short


def wide(rows: int) -> bytes:
    """A request of two bytes a row, whose answer has 64."""
    return hash_pb2.HashBatchRequest(
        algorithm="sha512", messages=column_pb2.Column(rows=[b""] * rows)
    ).SerializeToString()


@pytest.fixture(scope="module")
def process() -> Iterator[ServiceProcess]:
    """A service whose descriptors and memory are its own."""
    with ServiceProcess(options=("--workers", "1", "--threads", "1", "--drain-delay", "0")) as process:
        process.wait_ready()
        others_are_served(process.target)
        yield process


@pytest.fixture
def server() -> Iterator[Server]:
    config = ServiceConfig(address="127.0.0.1:0", workers=1, threads=1, drain_delay=0, max_unread_bytes=4 * MIB)
    with background(config) as server:
        yield server


def others_are_served(target: str, calls: int = 3) -> None:
    """Another client, on a connection that it makes now, gets right answers; health is SERVING."""
    with ValidationClient(target, timeout=PATIENCE, options=ALONE) as client:
        for i in range(calls):
            assert client.hash("sha256", b"%d" % i) == pycore.hash("sha256", b"%d" % i)
        assert client.health()


def settles(reached: Callable[[], bool], what: Callable[[], object]) -> None:
    """Returns once it is so, however long that takes."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, what()
        time.sleep(0.02)


def back_to(process: ServiceProcess, before: Usage) -> None:
    """Descriptors and threads are what they were."""
    settles(
        lambda: process.usage().files <= before.files and process.usage().threads <= before.threads + 2,
        lambda: (before, process.usage()),
    )


def ended(server: Server, rpc: str, code: str) -> float:
    """How many calls the service counts that ended so."""
    return server.metrics.registry.get_sample_value("pycore_calls_total", {"rpc": rpc, "code": code}) or 0.0


def connect(target: str) -> socket.socket:
    host, _, port = target.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE)


# ---- connections -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", PREFACE[:10], PREFACE], ids=["nothing", "half a preface", "a preface"])
def test_half_open_connections(process: ServiceProcess, said: bytes) -> None:
    before, count = process.usage(), times(1000, 60)
    held = []
    for _ in range(count):
        held.append(connect(process.target))
        held[-1].sendall(said)
    settles(lambda: process.usage().files > before.files + count - 5, process.usage)  # some of before may go
    others_are_served(process.target)
    for one in held:
        one.close()
    back_to(process, before)


@pytest.mark.parametrize("how", ["closed", "reset", "after a call"])
def test_connections_that_are_opened_and_dropped(process: ServiceProcess, how: str) -> None:
    before = process.usage()
    for i in range(times(10_000, 300)):
        if how == "after a call":
            peer = Peer(process.target)
            peer.call(HASH, message(SMALL))
            peer.close()
            continue
        one = connect(process.target)
        one.sendall(PREFACE[: i % (len(PREFACE) + 1)])
        if how == "reset":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
    others_are_served(process.target)
    back_to(process, before)


# ---- messages --------------------------------------------------------------------------------------------------------

BOMB = gzip.compress(bytes(times(1024, 128) * MIB), 6)
ENDED = {
    "oversize": message(b"abc", length=(1 << 31) - 1),
    "more than 32 bits say": message(b"abc", length=(1 << 32) - 1),
    "compressed without a name": message(gzip.compress(SMALL), compressed=True),
}


@pytest.mark.parametrize("name", ENDED)
def test_messages_that_lie(process: ServiceProcess, name: str) -> None:
    peer = Peer(process.target)
    peer.wait_for_end(peer.call(HASH, ENDED[name]))
    others_are_served(process.target)
    peer.close()


@pytest.mark.parametrize("body", [b"garbage that is no gzip", BOMB], ids=["garbage", "a bomb"])
def test_compressed_messages(process: ServiceProcess, body: bytes) -> None:
    before = process.usage()
    peer = Peer(process.target)
    stream = peer.call(HASH, message(body, compressed=True), ("grpc-encoding", "gzip"))
    peer.wait_for_end(stream)
    assert not peer.received[stream]
    others_are_served(process.target)
    peer.close()
    assert process.usage().rss_peak - before.rss_peak < 64 * MIB  # the bomb is larger


CUT = {"short": message(b"abc", length=100), "none": b"", "an unknown flag": b"\x07" + message(SMALL)[1:]}


@pytest.mark.parametrize("name", CUT)
def test_truncated_messages_cost_their_own_connection_alone(process: ServiceProcess, name: str) -> None:
    """gRPC may leave such a stream without an end; it ends with its connection, which has a bound for streams."""
    before = process.usage()
    peer = Peer(process.target)
    for _ in range(times(2000, 100)):
        stream = peer.open(HASH)
        peer.socket.sendall(frame(DATA, END_STREAM, stream, CUT[name]))
    peer.pump()
    others_are_served(process.target)
    peer.close()
    back_to(process, before)


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", bytes(4096), b"\xff" * 4096], ids=["http1", "zeros", "ones"]
)
def test_garbage_instead_of_http2(process: ServiceProcess, garbage: bytes) -> None:
    before = process.usage()
    with connect(process.target) as one:
        one.sendall(garbage)
        others_are_served(process.target)
    after_preface = Peer(process.target)
    after_preface.socket.sendall(garbage)
    after_preface.pump()
    others_are_served(process.target)
    after_preface.close()
    back_to(process, before)


# ---- streams ---------------------------------------------------------------------------------------------------------


def test_streams_that_never_send_their_request_are_bounded(process: ServiceProcess) -> None:
    """The guard sees a call with its request; before that HTTP/2 has the bound."""
    most, more = 1024 + 4096, times(20_000, 300)
    peer = Peer(process.target)
    block = headers(HASH)
    for i in range(most + more):
        peer.socket.sendall(frame(HEADERS, END_HEADERS, 2 * i + 1, block))
        if i % 100 == 0:
            peer.pump()
    settles(lambda: peer.pump() or len(peer.resets) >= more, lambda: len(peer.resets))
    assert len(peer.resets) == more
    assert set(peer.resets.values()) == {7}  # REFUSED_STREAM: nothing was done, try again
    others_are_served(process.target)
    peer.close()


def test_rapid_resets(process: ServiceProcess) -> None:
    before = process.usage()
    peer = Peer(process.target)
    sent = 0
    for i in range(times(20_000, 500)):
        peer.reset(peer.call(HASH, message(SMALL)))
        sent += 1
        if i % 50 == 0:
            peer.pump()
            others_are_served(process.target, 1)
    assert sent == times(20_000, 500)
    peer.close()
    others_are_served(process.target)
    back_to(process, before)


def test_resets_leave_nothing_open(server: Server) -> None:
    peer = Peer(server.target)
    for _ in range(200):
        peer.reset(peer.call(HASH, message(wide(100))))
    others_are_served(server.target)
    settles(lambda: server.guard.calls == 0, lambda: server.guard.calls)
    settles(lambda: server.admission.load.requests == 0, lambda: server.admission.load)
    assert (server.guard.unread.total, server.guard.unread.each) == (0, {})
    peer.close()


# ---- answers that nobody reads ---------------------------------------------------------------------------------------


def test_unread_answers_are_bounded_and_spare_others(server: Server) -> None:
    calls, rows = times(500, 60), 20_000  # an answer of 1.2 MiB for 40 KiB
    peer = Peer(server.target, window=0)
    streams = [peer.call(HASH, message(wide(rows))) for _ in range(calls)]
    kept = 3  # of 4 MiB
    settles(lambda: ended(server, "HashBatch", "RESOURCE_EXHAUSTED") >= calls - kept, lambda: server.guard.unread.each)
    peer.pump()
    assert ended(server, "HashBatch", "RESOURCE_EXHAUSTED") == calls - kept
    assert kept * 64 * rows <= server.guard.unread.total <= 4 * MIB
    assert server.guard.calls == kept
    assert len(peer.ended & set(streams)) == calls - kept  # refusals have no message, and pass a closed window
    others_are_served(server.target)
    peer.close()
    settles(lambda: server.guard.unread.total == 0 and server.guard.calls == 0, lambda: server.guard.unread.each)


def test_an_answer_that_is_read_is_whole_whatever_its_size(server: Server) -> None:
    raw = RawCaller(server.target)
    answers = [raw("HashBatch", wide(100_000)) for _ in range(3)]  # each 6.1 MiB, above the bound
    assert all(len(answer) > 100_000 * 64 for answer in answers)
    settles(lambda: server.guard.unread.total == 0, lambda: server.guard.unread.each)
    raw.channel.close()


def test_a_reader_that_is_slow_gets_everything(server: Server) -> None:
    peer = Peer(server.target, window=20_000)
    stream = peer.call(HASH, message(wide(1000)))  # 64 kB
    settles(lambda: peer.pump() or peer.received[stream] >= 20_000, lambda: peer.received)
    others_are_served(server.target)
    assert server.guard.unread.total >= 64_000
    while stream not in peer.ended:
        peer.socket.sendall(frame(8, 0, stream, struct.pack(">I", 5000)))
        peer._read()
    assert peer.received[stream] > 64_000
    settles(lambda: server.guard.unread.total == 0, lambda: server.guard.unread.each)
    peer.close()


def test_a_stream_whose_answers_are_not_read_is_not_read_further(server: Server) -> None:
    peer = Peer(server.target, window=0)
    stream = peer.open(METHOD + "VerifySignatureStream")
    for _ in range(50):
        peer.send(stream, message(b"\x08\x01\x12\x00"), end=False)
    others_are_served(server.target)
    window = ServiceConfig.model_fields["stream_window"].default
    settles(lambda: server.guard.unread.total > 0, lambda: server.guard.unread.each)
    assert server.admission.load.requests <= window + 2
    assert server.guard.calls == 1
    peer.reset(stream)
    settles(lambda: server.guard.calls == 0, lambda: server.guard.calls)
    settles(lambda: server.admission.load.requests == 0, lambda: server.admission.load)
    peer.close()


def test_a_client_that_reads_is_never_refused_for_those_that_do_not(server: Server) -> None:
    """Many connections that do not read, together above the bound over all: who reads is answered."""
    server.guard.unread.most = 4 * MIB
    peers = [Peer(server.target, window=0) for _ in range(6)]
    for peer in peers:
        peer.call(HASH, message(wide(20_000)))
    settles(lambda: server.guard.unread.total >= 6 * 64 * 20_000, lambda: server.guard.unread.each)
    others_are_served(server.target)
    raw = RawCaller(server.target)
    assert len(raw("HashBatch", wide(20_000))) > 64 * 20_000
    second = peers[0].call(HASH, message(wide(20_000)))
    peers[0].wait_for_end(second)  # refused: it has one unread
    settles(lambda: ended(server, "HashBatch", "RESOURCE_EXHAUSTED") == 1, lambda: server.guard.unread.each)
    raw.channel.close()
    for peer in peers:
        peer.close()
