"""Callers of the same-host lane who break every rule, and memory that changes under a call."""

from __future__ import annotations

import array
import asyncio
import collections
import contextlib
import fcntl
import os
import select
import socket
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

import pycore
from pycore.client import ServiceError
from pycore.client.lane import LaneClient
from pycore.service.lane import Lane
from pycore.service.server import Server
from pycore.wire import frames
from pycore.wire.schema import signature_pb2

from .conftest import PATIENCE, Gate, wait_for_load
from .lane_callers import (  # noqa: F401
    Raw,
    batch,
    call,
    gate_fixture,
    lane_fixture,
    lane_of,
    lane_server_fixture,
    memfd,
    narrow_fixture,
    only_held,
    path_fixture,
    request,
    served,
    until,
    wait_until,
)

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="the lane needs Linux"),
]


def test_bytes_that_change_after_they_were_sent_change_nothing(narrow: Server, gate: Gate, tmp_path: Path) -> None:
    body = request(batch(64, spoiled=7))
    fd = memfd(1 << 16)
    with Raw(tmp_path / "lane") as raw:
        os.pwrite(fd, body, 0)
        raw.send(frames.write_call("VerifySignatures", (), 0, None, 0, len(body), region=True), fd)
        wait_for_load(narrow, lambda load: load.items == 64)  # read, and waiting for the worker
        os.pwrite(fd, request(batch(64)), 0)
        gate.open()
        answer = raw.answer()
        assert answer.body is not None
        verdicts = signature_pb2.VerifySignaturesResponse.FromString(answer.body).verdicts
        assert list(verdicts.codes) == [2 if i == 7 else 1 for i in range(64)]
    os.close(fd)


@pytest.mark.parametrize("goes", [False, True], ids=["calls again", "goes"])
def test_an_answer_is_sealed_and_its_memory_is_lent(narrow: Server, tmp_path: Path, goes: bool) -> None:
    """A caller who keeps descriptors of its answers keeps none of the service's memory."""
    path = tmp_path / "lane"
    offsets = bytes(4 * 3001)
    body = b"\n\x06sha256\x12" + b"\xe7\x5d" + b"\x1a\xe4\x5d" + offsets  # 3,000 empty messages
    with Raw(path) as raw:
        raw.send(frames.write_call("HashBatch", (), 0, body))
        packet, ancillary, _, _ = raw.socket.recvmsg(frames.MOST_PACKET, socket.CMSG_SPACE(4))
        answer = frames.read_answer(packet)
        assert (answer.status, answer.body) == (0, None)
        (fd,) = array.array("i", ancillary[0][2])
        with pytest.raises(OSError, match="not permitted"):
            os.pwrite(fd, b"x", 0)
        with pytest.raises(OSError, match="not permitted"):
            os.ftruncate(fd, answer.length + 1)
        with pytest.raises(OSError, match="not permitted"):
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)  # nor can it be kept from being cut
        assert pycore.hash("sha256", b"") * 3000 in os.pread(fd, answer.length, 0)
        assert lane_of(narrow).unread == answer.length
        if not goes:
            raw.send(frames.write_call("HashBatch", (), 0, body[:8] + b"\x12\x02" + body[11:13]))
            raw.answer()
    wait_until(lambda: not lane_of(narrow).unread, narrow)
    assert os.fstat(fd).st_size == 0
    os.close(fd)


# ---- callers who break the rules -------------------------------------------------------------------------------------


GARBAGE = {
    "nothing of the lane": b"GET / HTTP/1.1\r\n\r\n",
    "one byte": b"p",
    "half a head": call()[:20],
    "a body that is missing": call(body=b"abc")[:-1],
    "more than there should be": call() + b"x",
    "another version": call()[:3] + b"\x02" + call()[4:],
    "flags that are none": call()[:4] + b"\x80" + call()[5:],
    "metadata that are none": call(metadata=(("a", "b"),)).replace(b"ab", b"\x00b"),
    "a method that is no name": call(method="../Hash"),
    "a packet that is too large": bytes(frames.MOST_PACKET + 1),
    "a body in a region that there is not": call(body=None, length=10),
    "a region that did not come": call(region=True),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_told_and_left(lane: LaneClient, path: Path, name: str) -> None:
    with Raw(path) as raw:
        raw.send(GARBAGE[name])
        status, words = raw.refused()
    assert words.startswith("lane: ")
    wanted = grpc.StatusCode.UNIMPLEMENTED if "version" in name else grpc.StatusCode.INVALID_ARGUMENT
    assert status == wanted.value[0]
    assert lane.health()


def pipe() -> list[int]:
    """A descriptor that would make a reader wait for ever."""
    reading, writing = os.pipe()
    os.close(writing)
    return [reading]


def written_only() -> list[int]:
    fd = memfd(4096)
    try:
        return [os.open(f"/proc/self/fd/{fd}", os.O_WRONLY)]
    finally:
        os.close(fd)


def region_cases() -> dict[str, Callable[[], list[int]]]:
    return {
        "it may shrink": lambda: [memfd(4096, fcntl.F_SEAL_GROW)],
        "it may grow": lambda: [memfd(4096, fcntl.F_SEAL_SHRINK)],
        "a pipe": pipe,
        "for writing only": written_only,
        "a file": lambda: [os.open(__file__, os.O_RDONLY)],
        "two of them": lambda: [memfd(4096), memfd(4096)],
        "many of them": lambda: [memfd(4096) for _ in range(40)],
        "too small": lambda: [memfd(4095)],
    }


@pytest.mark.parametrize("name", region_cases())
def test_regions_that_are_none(lane: LaneClient, path: Path, name: str) -> None:
    fds = region_cases()[name]()
    try:
        with Raw(path) as raw:
            raw.send(frames.write_call("HashBatch", (), 0, None, 0, 4096, region=True), *fds)
            assert raw.refused()[0] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    finally:
        for fd in fds:
            os.close(fd)
    assert lane.health()


@pytest.mark.parametrize("asked", [True, False], ids=["as memory", "unasked"])
def test_descriptors_that_take_long_to_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    """As a socket that lingers does, or a file that the caller serves: nobody but their sender waits."""
    free, closing, close = threading.Event(), threading.Event(), os.close

    def slow(fd: int) -> None:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            closing.set()
            free.wait(2 * PATIENCE)
        close(fd)

    with served(tmp_path) as server, LaneClient(tmp_path / "lane", timeout=PATIENCE) as client, Raw(client.path) as raw:
        client.health()
        (fd,) = pipe()
        raw.send(call(body=None, length=1, region=True) if asked else call(), fd)
        close(fd)
        monkeypatch.setattr(os, "close", slow)
        assert raw.refused()[0] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert closing.wait(PATIENCE)
        assert client.health()
        assert lane_of(server).users == {os.getuid(): 2}  # the client, and what is closed
        free.set()
        wait_until(lambda: lane_of(server).users == {os.getuid(): 1}, server)


def test_a_descriptor_that_nobody_asked_for(path: Path) -> None:
    fd = memfd(10)
    with Raw(path) as raw:
        raw.send(call(), fd)
        assert "descriptors: got 1, wanted 0" in raw.refused()[1]
    os.close(fd)


@pytest.mark.parametrize(("begin", "length"), [(1, 4096), (1 << 63, 1 << 63), ((1 << 64) - 1, 1), (0, (1 << 64) - 1)])
def test_a_body_beyond_its_region(path: Path, begin: int, length: int) -> None:
    fd = memfd(4096)
    with Raw(path) as raw:
        raw.send(frames.write_call("HashBatch", (), 0, None, begin, length, region=True), fd)
        assert "it is not in the region" in raw.refused()[1]
    os.close(fd)


def test_a_request_above_the_limit(tmp_path: Path) -> None:
    with served(tmp_path, max_message_bytes=4096), LaneClient(tmp_path / "lane") as client:
        with pytest.raises(ServiceError, match="at most 4096 are taken") as caught:
            client.hash("sha256", bytes(5000))
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert client.hash("sha256", b"") == pycore.hash("sha256", b"")


def test_a_second_call_before_the_answer(narrow: Server, gate: Gate, tmp_path: Path) -> None:
    with Raw(tmp_path / "lane") as raw:
        raw.send(call(method="VerifySignatures", body=request(batch(2))))
        raw.send(call(method="VerifySignatures", body=request(batch(2))))
        assert "the call before it has no answer yet" in raw.refused()[1]
    only_held(narrow)


def test_answers_that_nobody_takes(lane_server: Server, path: Path) -> None:
    body = b"\n\x06sha256\x12\xe7\x5d\x1a\xe4\x5d" + bytes(4 * 3001)
    lane = lane_of(lane_server)
    wait_until(lambda: lane.unread == 0, lane_server)
    with Raw(path) as raw:
        raw.send(call(body=body))
        assert select.select([raw.socket], [], [], PATIENCE)[0]
        assert lane.unread > 96_000
        raw.send(call(body=body))
        wait_until(lambda: lane.unread == 0, lane_server)  # it was left
        answer = raw.answer()
        assert answer.body is None
        assert "the answer before it was not taken" in raw.refused()[1]


def test_answers_that_nobody_takes_are_bounded_over_all(tmp_path: Path) -> None:
    body = b"\n\x06sha256\x12\xe7\x5d\x1a\xe4\x5d" + bytes(4 * 3001)
    with served(tmp_path, max_inflight_bytes=150_000), contextlib.ExitStack() as callers:
        first, second = (callers.enter_context(Raw(tmp_path / "lane")) for _ in range(2))
        first.send(call(body=body))
        assert select.select([first.socket], [], [], PATIENCE)[0]
        second.send(call(body=body))
        assert second.answer().status == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
        assert first.answer().status == 0
        first.send(call(body=body[:9]))  # its answer was taken
        first.answer()
        second.send(call(body=body))
        assert second.answer().status == 0


def test_connections_of_a_user_are_bounded(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "lane", 0o600, {}, max_message_bytes=4096, max_unread_bytes=4096, max_connections=4)

    async def run() -> None:
        lane.open()
        with contextlib.ExitStack() as callers:
            for wanted in (1, 2, 2):
                raw = callers.enter_context(Raw(tmp_path / "lane"))
                await until(lambda: lane.connections >= wanted)  # noqa: B023
            answer = await asyncio.to_thread(raw.answer)
            assert answer.status == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
            assert lane.connections == 2
        await until(lambda: lane.connections == 0)
        await lane.close(0)

    asyncio.run(run())


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    def open_now() -> collections.Counter[str]:
        found: collections.Counter[str] = collections.Counter()
        for one in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):  # that of the directory itself
                found[str(one.readlink())] += 1
        return found

    body = b"\n\x06sha256\x12\xe7\x5d\x1a\xe4\x5d" + bytes(4 * 3001)
    with served(tmp_path) as server:
        lane = lane_of(server)
        with LaneClient(tmp_path / "lane") as client:
            client.health()
        wait_until(lambda: lane.connections == 0, server)
        before = open_now()
        for round_ in range(8):
            with LaneClient(tmp_path / "lane") as client:
                client.verify_batch("ed25519", *batch(64 << round_ // 2))
                client.hash_batch("sha256", bytes(4000), width=1)
                client.verify_batch("ed25519", *batch(2000))  # more memory
            for name in ("two of them", "many of them", "it may shrink", "a pipe"):
                fds = region_cases()[name]()
                with Raw(tmp_path / "lane") as raw:
                    raw.send(call(body=None, length=1, region=True), *fds)
                    raw.refused()
                for fd in fds:
                    os.close(fd)
            with Raw(tmp_path / "lane") as raw:
                raw.send(call(body=body))  # and goes without its answer
        wait_until(lambda: lane.connections == 0 and lane.unread == 0, server)
        wait_until(lambda: not open_now() - before, server)  # those of a service before it may have gone meanwhile
