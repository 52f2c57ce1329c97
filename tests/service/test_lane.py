"""The same-host lane over real sockets: the same answers as in process, and callers who break every rule."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import status_pb2

import pycore
from pycore import ledgers, testing
from pycore.client import ServiceError
from pycore.client.lane import LaneClient
from pycore.service.config import ServiceConfig
from pycore.service.lane import Lane
from pycore.service.server import Server, background
from pycore.wire import frames
from pycore.wire.schema import column_pb2, signature_pb2

from .conftest import PATIENCE, Gate, wait_for_load

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="the lane needs Linux"),
]
TOKEN = "token-of-a-lane-client-0001"


@contextlib.contextmanager
def served(folder: Path, **settings: Any) -> Iterator[Server]:
    settings = {"address": "127.0.0.1:0", "lane": folder / "lane", "drain_delay": 0, "workers": 2, **settings}
    with background(ServiceConfig(**settings)) as server:
        yield server


@pytest.fixture(scope="module")
def lane_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("lane")) as server:
        yield server


@pytest.fixture
def path(lane_server: Server) -> Path:
    assert lane_server.config.lane is not None
    return lane_server.config.lane


@pytest.fixture
def lane(path: Path) -> Iterator[LaneClient]:
    with LaneClient(path, timeout=PATIENCE) as client:
        client.wait_until_ready(PATIENCE)
        yield client


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Server]:
    """A service with one worker."""
    with served(tmp_path, workers=1) as server:
        yield server


@pytest.fixture
def gate(narrow: Server) -> Iterator[Gate]:
    gate = Gate(narrow)
    gate.hold()
    yield gate
    gate.open()


def only_held(server: Server) -> None:
    wait_for_load(server, lambda load: load.requests == 1)


def batch(n: int, seed: int = 1, spoiled: int | None = None, scheme: str = "ed25519") -> tuple[Any, Any, Any]:
    keys, signatures, messages = testing.generate_signatures(scheme, n, message_size=24, seed=seed)
    if spoiled is not None:
        signatures = signatures.copy()
        signatures[spoiled, 3] ^= 1
    return keys, signatures, messages


def request(columns: tuple[Any, Any, Any]) -> bytes:
    keys, signatures, messages = (column_pb2.Column(data=one.tobytes(), width=one.shape[1]) for one in columns)
    return signature_pb2.VerifySignaturesRequest(
        scheme="ed25519", public_keys=keys, signatures=signatures, messages=messages
    ).SerializeToString()


def wait_until(reached: Callable[[], bool], server: Server) -> None:
    """Returns once something about the lane is so."""

    asyncio.run_coroutine_threadsafe(until(reached), server.loop).result(PATIENCE)


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - a number
        await asyncio.sleep(0.001)


def lane_of(server: Server) -> Lane:
    assert server.lane is not None
    return server.lane


class Raw:
    """A caller with packets of its own making."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))

    def send(self, packet: bytes, *fds: int) -> None:
        with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([packet], with_it)

    def answer(self) -> frames.Answer:
        return frames.read_answer(self.socket.recv(frames.MOST_PACKET))

    def refused(self) -> tuple[int, str]:
        """The status and the words of a refusal, after which the connection is closed."""
        answer = self.answer()
        assert answer.body is not None
        assert self.ended()
        return answer.status, status_pb2.Status.FromString(answer.body).message

    def ended(self) -> bool:
        return self.socket.recv(1) == b""

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def memfd(size: int, seals: int | None = None) -> int:
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.ftruncate(fd, size)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW if seals is None else seals)
    return fd


# ---- the same answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 64, 1024, 6000])
def test_verdicts_are_those_in_process(lane: LaneClient, n: int) -> None:
    columns = batch(n, spoiled=n - 1)
    for _ in range(2):  # also with the memory that is there already
        verdicts = lane.verify_batch("ed25519", *columns)
        assert verdicts.codes.tolist() == pycore.verify_batch("ed25519", *columns).codes.tolist()
        assert not verdicts.valid[n - 1]


def test_other_calls(lane: LaneClient) -> None:
    messages = [b"%d" % i for i in range(300)]
    assert (lane.hash_batch("sm3", messages) == pycore.hash_batch("sm3", messages)).all()
    digests = pycore.hash_batch("sha256", bytes(60_000), width=1)
    assert (lane.hash_batch("sha256", bytes(60_000), width=1) == digests).all()  # an answer of 1.9 MB
    assert lane.build_merkle_tree(messages, [3]).root == pycore.merkle_root(messages)
    ledger = testing.generate_ledger("chainmaker", blocks=1, txs_per_block=5, seed=2)
    report = lane.validate_block("chainmaker", ledger.blocks[0], ledger.context_for(0))
    here = ledgers.get("chainmaker").validate_block(ledger.blocks[0], ledger.context_for(0))
    assert (report.block_hash, report.valid) == (here.block_hash, here.valid)
    assert lane.health()


def test_malformed_calls_raise_what_they_raise_in_process(lane: LaneClient, path: Path) -> None:
    keys, signatures, messages = batch(4)
    with pytest.raises(pycore.InputError, match="signatures"):
        lane.verify_batch("ed25519", keys, signatures[:3], messages)
    with Raw(path) as raw:
        body = signature_pb2.VerifySignaturesRequest(scheme="rsa").SerializeToString()
        raw.send(frames.write_call("VerifySignatures", (), 0, body))
        answer = raw.answer()
        assert answer.status == 3
        assert answer.body is not None
        status = status_pb2.Status.FromString(answer.body)
        assert status.message.startswith("scheme: got 'rsa'")
        assert len(status.details) == 2
        raw.send(frames.write_call("VerifySignatures", (), 0, b"\xff"))
        assert raw.answer().status == 3


def test_what_the_lane_has_not(lane: LaneClient, path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        next(iter(lane.verify_stream("ed25519", [batch(2)])))
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED
    with Raw(path) as raw:
        for method in ("VerifySignatureStream", "Nothing"):
            raw.send(frames.write_call(method, (), 0, b""))
            assert raw.answer().status == grpc.StatusCode.UNIMPLEMENTED.value[0]
    with LaneClient(path.with_name("nobody")) as other, pytest.raises(ServiceError) as caught:
        other.health()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_callers_at_once_get_their_own_answers(lane: LaneClient) -> None:
    """Small requests are joined, and answers leave from workers while calls are tidied up: none gets another's."""
    columns = batch(64)
    spoiled = batch(64, spoiled=0)

    def ask(caller: int) -> bool:
        wanted = []
        for i in range(40):
            at = (caller + i) % 64
            source = spoiled if (caller ^ i) & 1 else columns
            verdicts = lane.verify_batch("ed25519", *(one[at : at + 1 + i % 3] for one in source))
            n = min(1 + i % 3, 64 - at)
            expected = np.ones(n, dtype=bool)
            if source is spoiled and at == 0:
                expected[0] = False
            wanted.append(verdicts.valid.tolist() == expected.tolist())
        return all(wanted)

    with ThreadPoolExecutor(8) as callers:
        assert all(callers.map(ask, range(8)))


def test_one_caller_gets_its_answers_in_order(lane: LaneClient) -> None:
    for i in range(300):
        n = 1 + i % 5
        spoiled = i % n if i & 1 else None
        verdicts = lane.verify_batch("ed25519", *batch(n, seed=i % 7, spoiled=spoiled))
        assert [bool(one) for one in verdicts.valid] == [at != spoiled for at in range(n)]


# ---- who calls -------------------------------------------------------------------------------------------------------


def access(folder: Path, *clients: dict[str, Any]) -> Path:
    file = folder / "access.json"
    file.write_text(json.dumps({"clients": list(clients)}))
    return file


def test_the_user_of_the_process_says_who_calls(tmp_path: Path) -> None:
    mine = {"name": "node", "uids": [os.getuid()], "rpcs": ["VerifySignatures", "ValidateBlock"], "chains": ["fabric"]}
    with served(tmp_path, access_file=access(tmp_path, mine)), LaneClient(tmp_path / "lane") as client:
        assert client.verify_batch("ed25519", *batch(2)).all_valid
        with pytest.raises(ServiceError, match="node may not call HashBatch") as caught:
            client.hash("sha256", b"")
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
        with pytest.raises(ServiceError, match="may not ask about the chain"):
            client.validate_block("chainmaker", b"", "{}")


def test_a_user_that_the_file_does_not_name_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    other = {"name": "other", "uids": [os.getuid() + 1], "rpcs": ["*"]}
    by_token = {"name": "teller", "token_files": [str(tmp_path / "token")], "rpcs": ["HashBatch"]}
    with served(tmp_path, access_file=access(tmp_path, other, by_token)):
        with LaneClient(tmp_path / "lane") as client:
            with pytest.raises(ServiceError) as caught:
                client.hash("sha256", b"")
            assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
            assert client.health()
        with LaneClient(tmp_path / "lane", token=tmp_path / "token") as client:
            assert client.hash("sha256", b"") == pycore.hash("sha256", b"")
        with LaneClient(tmp_path / "lane", token=TOKEN + "x") as client, pytest.raises(ServiceError) as caught:
            client.hash("sha256", b"")
        assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED


def test_quotas_hold_and_one_call_at_a_time_is_one(tmp_path: Path) -> None:
    mine = {"name": "node", "uids": [os.getuid()], "rpcs": ["VerifySignatures"], "items_per_second": 400, "calls": 1}
    with served(tmp_path, access_file=access(tmp_path, mine)), LaneClient(tmp_path / "lane") as client:
        for _ in range(20):
            client.verify_batch("ed25519", *batch(1))  # the call before has ended, also where it is tidied up yet
        with pytest.raises(ServiceError, match="items a second") as caught:
            for _ in range(100):
                client.verify_batch("ed25519", *batch(400))
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.retry_after


@pytest.mark.parametrize("uid", [-1, 65534, (1 << 32) - 1])
def test_users_who_are_no_one_user_are_refused(tmp_path: Path, uid: int) -> None:
    file = access(tmp_path, {"name": "x", "uids": [uid], "rpcs": ["*"]})
    with pytest.raises(ValueError, match="wanted the number of one user"):
        Server(ServiceConfig(address="127.0.0.1:0", lane=tmp_path / "lane", access_file=file))


# ---- deadlines, callers who go, memory that changes ------------------------------------------------------------------


def test_a_deadline_ends_a_call_that_waits(narrow: Server, gate: Gate, tmp_path: Path) -> None:
    with LaneClient(tmp_path / "lane", timeout=0.05) as client, pytest.raises(ServiceError) as caught:
        client.verify_batch("ed25519", *batch(2))
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    only_held(narrow)


def test_a_caller_who_goes_takes_its_work_along(narrow: Server, gate: Gate, tmp_path: Path) -> None:
    with Raw(tmp_path / "lane") as raw:
        raw.send(frames.write_call("VerifySignatures", (), 0, request(batch(64))))
        wait_for_load(narrow, lambda load: load.items == 64)
    wait_until(lambda: lane_of(narrow).connections == 0, narrow)
    only_held(narrow)


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


def test_an_answer_is_sealed(path: Path) -> None:
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
            os.ftruncate(fd, 1)
        assert pycore.hash("sha256", b"") * 3000 in os.pread(fd, answer.length, 0)
        os.close(fd)


# ---- callers who break the rules -------------------------------------------------------------------------------------


def call(**changes: Any) -> bytes:
    given = {"method": "HashBatch", "metadata": (), "timeout": 0, "body": b"", **changes}
    return frames.write_call(**given)


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


def region_cases() -> dict[str, Callable[[], list[int]]]:
    return {
        "it may shrink": lambda: [memfd(4096, fcntl.F_SEAL_GROW)],
        "it may grow": lambda: [memfd(4096, fcntl.F_SEAL_SHRINK)],
        "a pipe": pipe,
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
    def open_now() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

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
        assert open_now() == before


# ---- the file, and the end -------------------------------------------------------------------------------------------


def test_the_file_is_private_unless_told_otherwise(path: Path, tmp_path: Path) -> None:
    assert path.stat().st_mode & 0o7777 == 0o600
    with served(tmp_path, lane_mode="0666"):
        assert (tmp_path / "lane").stat().st_mode & 0o7777 == 0o666
    assert not (tmp_path / "lane").exists()


def test_a_path_that_is_taken(path: Path, tmp_path: Path) -> None:
    def refused(words: str, taken: Path) -> None:
        with pytest.raises(OSError, match=words), served(taken.parent, lane=taken):
            pass

    refused("another process does", path)
    (tmp_path / "file").write_text("precious")
    refused("no socket", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(tmp_path / "stream"))
        other.listen()
        refused("cannot listen", tmp_path / "stream")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(tmp_path / "lane"))
    with served(tmp_path), LaneClient(tmp_path / "lane") as client:  # left by a process that died
        assert client.health()


def test_a_drain_answers_what_was_taken(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(served(tmp_path, workers=1))
        gate = Gate(server)
        gate.hold()
        waiting, late = (stack.enter_context(Raw(tmp_path / "lane")) for _ in range(2))
        late.send(call(method="Check"))
        assert late.answer().status == 0
        waiting.send(call(method="VerifySignatures", body=request(batch(3))))
        wait_for_load(server, lambda load: load.items == 3)
        stopping = asyncio.run_coroutine_threadsafe(server.stop(), server.loop)
        wait_until(lambda: lane_of(server).draining, server)
        assert not (tmp_path / "lane").exists()
        late.send(call())
        assert late.answer().status == grpc.StatusCode.UNAVAILABLE.value[0]
        late.send(call(method="Check"))
        assert late.answer().body == b"\x08\x02"  # NOT_SERVING
        gate.open()
        assert waiting.answer().status == 0
        stopping.result(PATIENCE)
        assert waiting.ended()
        assert late.ended()


def test_what_is_left_after_the_grace_is_cancelled(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(served(tmp_path, workers=1, drain_grace=0.05))
        gate = Gate(server)
        gate.hold()
        raw = stack.enter_context(Raw(tmp_path / "lane"))
        raw.send(call(method="VerifySignatures", body=request(batch(3))))
        wait_for_load(server, lambda load: load.items == 3)
        stopping = asyncio.run_coroutine_threadsafe(server.stop(), server.loop)
        assert raw.answer().status == grpc.StatusCode.CANCELLED.value[0]
        gate.open()
        stopping.result(PATIENCE)


def test_a_client_finds_a_service_that_was_started_again(tmp_path: Path) -> None:
    with LaneClient(tmp_path / "lane") as client:
        for _ in range(2):
            with served(tmp_path):
                assert client.health()
        with pytest.raises(ServiceError) as caught:
            client.health()
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(ServiceError, match="closed"):
        client.health()


def test_a_service_that_dies_is_unavailable(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(tmp_path / "lane"))
    listener.listen()

    def die() -> None:
        sock, _ = listener.accept()
        sock.recv(frames.MOST_PACKET)
        sock.close()

    thread = threading.Thread(target=die)
    thread.start()
    with listener, LaneClient(tmp_path / "lane") as client, pytest.raises(ServiceError) as caught:
        client.hash("sha256", b"")
    thread.join()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_calls_are_counted(lane_server: Server, lane: LaneClient) -> None:
    def counted() -> float:
        labels = {"rpc": "GetCapabilities", "code": "OK"}
        return lane_server.metrics.registry.get_sample_value("pycore_calls_total", labels) or 0.0

    before = counted()
    lane.capabilities()
    wait_until(lambda: counted() == before + 1, lane_server)


def test_settings_of_calls(lane: LaneClient, path: Path) -> None:
    with pytest.raises(pycore.InputError) as caught:
        lane.using(request_id="call-1").validate_block("fabrik", b"", "{}")
    assert caught.value.request_id == "call-1"
    assert lane.hash("sha256", b"", priority="votes") == pycore.hash("sha256", b"")
    with pytest.raises(pycore.InputError, match="priority"):
        lane.using(priority="mine")
    with pytest.raises(pycore.InputError, match="hedge_after"):
        lane.using(hedge_after=0.1)
    with pytest.raises(pycore.InputError, match="spin"):
        LaneClient(path, spin=-1.0)
    with LaneClient(path, spin=0.001) as client:
        assert client.verify_batch("ed25519", *batch(3, spoiled=1)).valid.tolist() == [True, False, True]
    with LaneClient(path.with_name("nobody"), attempts=2) as client, pytest.raises(ServiceError):
        client.hash("sha256", b"")


def test_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot share the lane"):
        ServiceConfig(lane=tmp_path / "lane", processes=2)
    with pytest.raises(ValueError, match="lane_mode"):
        ServiceConfig(lane=tmp_path / "lane", lane_mode="rw")
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ValueError, match="needs Linux"):
        ServiceConfig(lane=tmp_path / "lane")
    with pytest.raises(OSError, match="needs Linux"):
        LaneClient(tmp_path / "lane")
