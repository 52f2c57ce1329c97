"""Calls of the same-host lane that are done on its own threads, where the event loop and the workers are left out: the
same bounds, callers who go, the end, and what must not be done there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

import pycore
from pycore.base.deadline import checkpoint
from pycore.client import ServiceError, ValidationClient
from pycore.client.lane import LaneClient
from pycore.service.lane_connection import Connection
from pycore.service.lane_threads import HAVE_THREADS
from pycore.service.priorities import Priority
from pycore.service.scheduling import Scheduler
from pycore.service.server import Server
from pycore.wire import frames
from pycore.wire.schema import column_pb2, hash_pb2, signature_pb2

from .conftest import PATIENCE, wait_for_load
from .lane_callers import Raw, batch, call, lane_of, memfd, request, served, wait_until

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(not HAVE_THREADS, reason="the lane's threads need Linux and Python 3.11"),
]


class Watched:
    """Sees the works of a service, on which threads they are done and how many at once, and may hold them."""

    def __init__(self, server: Server) -> None:
        self.threads: list[str] = []
        self.most = self._now = 0
        self.begun = threading.Semaphore(0)
        self.free = threading.Event()
        self.free.set()
        self.raises: Exception | None = None
        self._lock = threading.Lock()
        self._execute = server.admission._execute
        server.admission._execute = self.execute

    def execute(self, work: Any) -> Any:
        with self._lock:
            self.threads.append(threading.current_thread().name)
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.release()
        try:
            while not self.free.wait(0.001):
                checkpoint()
            if self.raises is not None:
                raise self.raises
            return self._execute(work)
        finally:
            with self._lock:
                self._now -= 1

    def has_begun(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE)

    @property
    def last(self) -> str:
        return self.threads[-1].partition("_")[0]


HERE, WORKER = "pycore-lane", "pycore-service"


@contextlib.contextmanager
def watched(folder: Path, **settings: Any) -> Iterator[tuple[Server, Watched]]:
    with served(folder, verdict_cache_bytes=0, **settings) as server:
        yield server, Watched(server)


def verify(n: int, spoiled: int | None = None, **changes: Any) -> bytes:
    return call(method="VerifySignatures", body=request(batch(n, spoiled=spoiled)), **changes)


def codes(answer: frames.Answer) -> list[int]:
    assert answer.status == 0
    assert answer.body is not None
    return list(signature_pb2.VerifySignaturesResponse.FromString(answer.body).verdicts.codes)


# ---- where a call is done --------------------------------------------------------------------------------------------


def test_short_calls_are_done_on_the_thread_that_reads_them(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1) as (server, works), LaneClient(tmp_path / "lane") as client:
        for n in (3, 500, 500):  # the second brings memory along, which the loop takes
            columns = batch(n, spoiled=1)
            assert client.verify_batch("ed25519", *columns) == pycore.verify_batch("ed25519", *columns)
        assert works.last == HERE
        assert (client.hash_batch("sha256", [b"a", b"b"]) == pycore.hash_batch("sha256", [b"a", b"b"])).all()
        assert works.last == HERE
        wait_for_load(server, lambda load: (load.requests, load.items, load.nbytes) == (0, 0, 0))
        wait_until(lambda: server.guard.calls == 0, server)


def test_what_is_no_short_work_goes_on_on_the_loop(tmp_path: Path) -> None:
    messages = [b"%d" % i for i in range(3000)]
    with watched(tmp_path, workers=1) as (server, works), LaneClient(tmp_path / "lane") as client:
        for _ in range(3):
            assert (client.hash_batch("sha256", messages) == pycore.hash_batch("sha256", messages)).all()
            assert works.last == WORKER
            assert client.build_merkle_tree(messages[:50]).root == pycore.merkle_root(messages[:50])
            assert works.last == WORKER
        wait_for_load(server, lambda load: load.requests == 0)
        wait_until(lambda: server.guard.calls == 0, server)


def test_an_answer_that_fits_in_no_packet(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1) as (server, works), LaneClient(tmp_path / "lane") as client:
        digests = pycore.hash_batch("sha512", bytes(2000), width=1)
        for wanted in (HERE, WORKER):  # memory that is still lent is taken back on the loop
            assert (client.hash_batch("sha512", bytes(2000), width=1) == digests).all()
            assert works.last == wanted
        assert client.health()
        wait_until(lambda: lane_of(server).unread == 0, server)


def test_no_more_works_at_once_than_workers(tmp_path: Path) -> None:
    columns = batch(300, spoiled=17)
    expected = pycore.verify_batch("ed25519", *columns)
    with watched(tmp_path, workers=2) as (server, works), LaneClient(tmp_path / "lane") as lane:
        with ValidationClient(server.target) as plain, ThreadPoolExecutor(8) as callers:
            plain.wait_until_ready(PATIENCE)
            assert [lane.verify_batch("ed25519", *batch(2)).all_valid, works.last] == [True, HERE]
            asked = [
                callers.submit(lambda client: client.verify_batch("ed25519", *columns), plain if i % 4 == 0 else lane)
                for i in range(80)
            ]
            assert all(one.result(PATIENCE) == expected for one in asked)
        assert works.most <= 2
        wait_for_load(server, lambda load: load.requests == 0)
        wait_until(lambda: server.guard.calls == 0, server)
        assert {name.partition("_")[0] for name in works.threads} == {HERE, WORKER}


def test_audits_leave_a_thread_to_votes(tmp_path: Path) -> None:
    with watched(tmp_path, workers=2) as (_, works), contextlib.ExitStack() as stack:
        works.free.clear()
        audits = [stack.enter_context(Raw(tmp_path / "lane")) for _ in range(2)]
        for raw in audits:
            raw.send(verify(200, metadata=(("pycore-priority", "audits"),)))
        works.has_begun()
        vote = stack.enter_context(Raw(tmp_path / "lane"))
        vote.send(verify(3, metadata=(("pycore-priority", "votes"),)))
        works.has_begun()
        assert not works.begun.acquire(timeout=0.02)  # the second audit waits
        works.free.set()
        assert codes(vote.answer()) == [1, 1, 1]
        assert [len(codes(raw.answer())) for raw in audits] == [200, 200]


# ---- callers who go, and who break the rules ------------------------------------------------------------------------


def test_a_caller_who_goes_stops_its_call(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1) as (server, works):
        works.free.clear()
        with Raw(tmp_path / "lane") as raw:
            raw.send(verify(64))
            works.has_begun()
            assert works.last == HERE
            assert server.admission.load.items == 64
        wait_until(lambda: lane_of(server).connections == 0, server)
        wait_for_load(server, lambda load: load.requests == 0)
        works.free.set()
        with LaneClient(tmp_path / "lane") as client:
            assert client.verify_batch("ed25519", *batch(4)).all_valid


def test_a_deadline_ends_a_call(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1) as (server, works), LaneClient(tmp_path / "lane", timeout=0.5) as client:
        works.free.clear()
        with pytest.raises(ServiceError) as caught:
            client.verify_batch("ed25519", *batch(2))
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert works.last == HERE
        wait_for_load(server, lambda load: load.requests == 0)


def test_a_second_call_before_the_answer(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1) as (server, works), Raw(tmp_path / "lane") as raw:
        works.free.clear()
        raw.send(verify(2))
        works.has_begun()
        assert works.last == HERE
        raw.send(verify(2))
        works.free.set()
        assert "the call before it has no answer yet" in raw.refused()[1]
        wait_for_load(server, lambda load: load.requests == 0)


@contextlib.contextmanager
def standing(server: Server) -> Iterator[None]:
    """The event loop does nothing inside the block."""
    stands, free = threading.Event(), threading.Event()

    def stand() -> None:
        stands.set()
        assert free.wait(PATIENCE)

    server.loop.call_soon_threadsafe(stand)
    assert stands.wait(PATIENCE)
    try:
        yield
    finally:
        free.set()


def noted(monkeypatch: pytest.MonkeyPatch, name: str) -> threading.Semaphore:
    """Released after each call of a method of connections."""
    after, method = threading.Semaphore(0), getattr(Connection, name)

    def called(self: Connection, *arguments: Any) -> Any:
        found = method(self, *arguments)
        after.release()
        return found

    monkeypatch.setattr(Connection, name, called)
    return after


@pytest.mark.parametrize("what", ["over its quota", "with a large answer"])
def test_a_caller_who_goes_on_the_way_to_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Nothing of the call is left: neither its place nor what it would have had in unread answers."""
    file = tmp_path / "access.json"
    mine: dict[str, Any] = {"name": "node", "uids": [os.getuid()], "rpcs": ["*"]}
    if what == "over its quota":
        mine["items_per_second"] = 1
    file.write_text(json.dumps({"clients": [mine]}), encoding="utf-8")
    handed = noted(monkeypatch, "_then")
    body = hash_pb2.HashBatchRequest(algorithm="sha512", messages=column_pb2.Column(data=bytes(2000), width=1))
    packet = verify(3) if what == "over its quota" else call(body=body.SerializeToString())
    with watched(tmp_path, workers=1, access_file=file) as (server, _), Raw(tmp_path / "lane") as raw:
        raw.send(verify(3))
        assert codes(raw.answer()) == [1, 1, 1]
        wait_until(lambda: server.guard.calls == 0, server)
        with standing(server):
            raw.send(packet)
            assert handed.acquire(timeout=PATIENCE)
            raw.socket.close()
        wait_until(lambda: lane_of(server).connections == 0, server)
        wait_until(lambda: server.guard.calls == 0, server)
        assert server.guard.unread.total == 0
        assert server.guard.clients is not None
        assert [one.usage.calls for one in server.guard.clients.callers.values()] == [0]
        wait_for_load(server, lambda load: load.requests == 0)


def test_a_thread_that_is_slow_to_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next packet may be there before the thread that handed the last one to the loop has let go of it."""
    free, looked = threading.Event(), noted(monkeypatch, "_begins")
    hand_over = Connection._then

    def slow(self: Connection, *arguments: Any) -> bool:
        found = hand_over(self, *arguments)
        assert free.wait(PATIENCE)
        return found

    monkeypatch.setattr(Connection, "_then", slow)
    body = request(batch(3))
    fd = memfd(1 << 16)
    os.pwrite(fd, body, 0)
    with watched(tmp_path, workers=1), Raw(tmp_path / "lane") as raw:
        raw.send(frames.write_call("VerifySignatures", (), 0, None, 0, len(body), region=True), fd)
        assert codes(raw.answer()) == [1, 1, 1]
        raw.send(verify(3))
        for _ in range(2):
            assert looked.acquire(timeout=PATIENCE)
        free.set()
        assert codes(raw.answer()) == [1, 1, 1]
    os.close(fd)


def test_bytes_that_change_while_they_are_verified(tmp_path: Path) -> None:
    body, other = request(batch(64, spoiled=7)), request(batch(64))
    fd = memfd(1 << 16)
    with watched(tmp_path, workers=1) as (_, works), Raw(tmp_path / "lane") as raw:
        for region in (True, False):
            works.free.clear()
            os.pwrite(fd, body, 0)
            packet = frames.write_call("VerifySignatures", (), 0, None, 0, len(body), region=region)
            raw.send(packet, *([fd] if region else []))
            works.has_begun()
            os.pwrite(fd, other, 0)
            works.free.set()
            assert codes(raw.answer()) == [2 if i == 7 else 1 for i in range(64)]
        assert works.last == HERE
    os.close(fd)


def test_a_region_is_looked_at_anew(tmp_path: Path) -> None:
    """A check of one memory says nothing about the next, which is smaller."""
    body = request(batch(64))
    large, small = memfd(1 << 16), memfd(4096)
    with watched(tmp_path, workers=1), Raw(tmp_path / "lane") as raw:
        os.pwrite(large, body, 0)
        again = frames.write_call("VerifySignatures", (), 0, None, 0, len(body))
        raw.send(frames.write_call("VerifySignatures", (), 0, None, 0, len(body), region=True), large)
        assert codes(raw.answer()) == [1] * 64
        for _ in range(2):
            raw.send(again)
            assert codes(raw.answer()) == [1] * 64
        raw.send(frames.write_call("HashBatch", (), 0, None, 0, 0, region=True), small)
        raw.answer()
        raw.send(again)
        assert "it is not in the region" in raw.refused()[1]
    os.close(large)
    os.close(small)


def test_a_work_that_raises(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1) as (server, works), LaneClient(tmp_path / "lane") as client:
        works.raises = ZeroDivisionError("kernel")
        with pytest.raises(ServiceError, match="internal error, reference") as caught:
            client.verify_batch("ed25519", *batch(2))
        assert caught.value.code is grpc.StatusCode.INTERNAL
        assert works.last == HERE
        works.raises = None
        assert client.verify_batch("ed25519", *batch(2)).all_valid
        wait_for_load(server, lambda load: load.requests == 0)


def test_bounds_are_those_of_every_call(tmp_path: Path) -> None:
    with watched(tmp_path, workers=2, max_inflight_items=100) as (server, works), contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(Raw(tmp_path / "lane")) for _ in range(2))
        works.free.clear()
        first.send(verify(90))
        works.has_begun()
        second.send(verify(20))
        answer = second.answer()
        assert answer.status == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
        works.free.set()
        assert codes(first.answer()) == [1] * 90
        wait_for_load(server, lambda load: load.requests == 0)
        second.send(verify(20))
        assert codes(second.answer()) == [1] * 20
        assert works.last == HERE


# ---- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grace", [PATIENCE, 0.01], ids=["answered", "called off"])
def test_a_drain_waits_for_calls_on_threads(tmp_path: Path, grace: float) -> None:
    with watched(tmp_path, workers=1, drain_grace=grace) as (server, works), Raw(tmp_path / "lane") as raw:
        works.free.clear()
        raw.send(verify(3))
        works.has_begun()
        assert works.last == HERE
        stopping = asyncio.run_coroutine_threadsafe(server.stop(), server.loop)
        wait_until(lambda: lane_of(server).draining, server)
        if grace == PATIENCE:
            works.free.set()
            assert codes(raw.answer()) == [1, 1, 1]
        else:
            assert raw.answer().status == grpc.StatusCode.CANCELLED.value[0]
        stopping.result(PATIENCE)
        assert not server.stuck
        assert raw.ended()
    left = [one.name for one in threading.enumerate() if one.name.startswith(HERE)]
    for one in threading.enumerate():
        if one.name in left:
            one.join(PATIENCE)
            assert not one.is_alive()


# ---- the places ------------------------------------------------------------------------------------------------------


def held(scheduler: Scheduler) -> tuple[Callable[[], None], Any]:
    """Work on a separate thread, once it has begun, and what ends it."""
    begun, free = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert free.wait(PATIENCE)

    future = scheduler.submit(work)
    assert begun.wait(PATIENCE)
    return free.set, future


def test_a_place_is_one_of_the_threads() -> None:
    with contextlib.closing(_Ended(Scheduler(2))) as ended:
        scheduler = ended.scheduler
        end, first = held(scheduler)
        assert scheduler.enter(Priority.TRANSACTIONS)
        assert not scheduler.enter(Priority.VOTES)
        waiting = scheduler.submit(lambda: 7)  # a thread is free, its place is not
        assert not waiting.done()
        end()
        assert waiting.result(PATIENCE) == 7  # in the place of the first
        first.result(PATIENCE)
        scheduler.leave(Priority.TRANSACTIONS)
        assert scheduler.is_idle


def test_what_waits_for_a_place_begins_when_it_is_given_back() -> None:
    with contextlib.closing(_Ended(Scheduler(1))) as ended:
        scheduler = ended.scheduler
        for _ in range(50):
            assert scheduler.enter(Priority.VOTES)
            waiting = [scheduler.submit(lambda: threading.current_thread().name) for _ in range(3)]
            assert not scheduler.enter(Priority.VOTES)
            scheduler.leave(Priority.VOTES)
            assert {one.result(PATIENCE) for one in waiting} == {"pycore-service_0"}
            while not scheduler.is_idle:
                pass


def test_audits_take_no_last_place() -> None:
    with contextlib.closing(_Ended(Scheduler(2))) as ended:
        scheduler = ended.scheduler
        assert scheduler.enter(Priority.AUDITS)
        assert not scheduler.enter(Priority.AUDITS)
        assert scheduler.enter(Priority.VOTES)
        scheduler.leave(Priority.AUDITS)
        assert scheduler.enter(Priority.AUDITS)
        scheduler.leave(Priority.AUDITS)
        scheduler.leave(Priority.VOTES)
        scheduler.shutdown()
        assert not scheduler.enter(Priority.VOTES)


class _Ended:
    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def close(self) -> None:
        self.scheduler.shutdown(wait=True)
