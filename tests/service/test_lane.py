"""The same-host lane over real sockets: the same answers as in process, and callers who break every rule."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import status_pb2

import pycore
from pycore import ledgers, testing
from pycore.client import ServiceError, ValidationClient
from pycore.client.lane import LaneClient, _Waits
from pycore.service.check import findings
from pycore.service.config import ServiceConfig
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
    narrow_fixture,
    only_held,
    path_fixture,
    request,
    served,
    wait_until,
)

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="the lane needs Linux"),
]
TOKEN = "token-of-a-lane-client-0001"


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
    labels = {"rpc": "VerifySignatures", "code": "DEADLINE_EXCEEDED"}
    wait_until(lambda: narrow.metrics.registry.get_sample_value("pycore_calls_total", labels) == 1, narrow)


def test_a_caller_who_goes_takes_its_work_along(narrow: Server, gate: Gate, tmp_path: Path) -> None:
    with Raw(tmp_path / "lane") as raw:
        raw.send(frames.write_call("VerifySignatures", (), 0, request(batch(64))))
        wait_for_load(narrow, lambda load: load.items == 64)
    wait_until(lambda: lane_of(narrow).connections == 0, narrow)
    only_held(narrow)


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


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 1e10, None])
def test_times_that_never_come(lane: LaneClient, lane_server: Server, timeout: float | None) -> None:
    messages = [bytes(1000)] * 200
    wanted = pycore.hash_batch("sm3", messages)
    assert (lane.using(timeout=timeout).hash_batch("sm3", messages) == wanted).all()
    for transport in ("auto", "grpcio"):
        for more in ({}, {"max_message_bytes": 1 << 16}, {"hedge_after": timeout}, {"attempts": 2}):
            settings: dict[str, Any] = {"transport": transport, **more}
            with ValidationClient(lane_server.target, timeout=timeout, **settings) as client:
                assert (client.hash_batch("sm3", messages) == wanted).all()


def test_settings_of_calls(lane: LaneClient, path: Path) -> None:
    with pytest.raises(pycore.InputError) as caught:
        lane.using(request_id="call-1").validate_block("fabrik", b"", "{}")
    assert caught.value.request_id == "call-1"
    with pytest.raises(pycore.InputError) as caught:
        lane.validate_block("fabrik", b"", "{}")
    assert caught.value.request_id  # made by the service
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


def test_what_is_found_before_a_start(tmp_path: Path) -> None:
    def found(**settings: Any) -> str:
        errors, warnings = findings(ServiceConfig(address="127.0.0.1:0", **settings))
        return " ".join(errors + warnings)

    assert "is no folder" in found(lane=tmp_path / "nowhere" / "lane")
    assert "a Unix socket at most" in found(lane=tmp_path / ("x" * 300))
    (tmp_path / "file").write_text("")
    assert "no socket" in found(lane=tmp_path / "file")
    assert found(lane=tmp_path / "lane") == ""
    assert "set access_file with uids" in found(lane=tmp_path / "lane", lane_mode="0660")
    file = access(tmp_path, {"name": "x", "uids": [0], "rpcs": ["*"]})
    assert found(lane=tmp_path / "lane", lane_mode="0666", access_file=file) == ""
    assert "on the lane only" in found(access_file=file)


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


# ---- when a client asks for its answer -------------------------------------------------------------------------------


def test_a_signal_while_a_caller_waits(narrow: Server, gate: Gate, tmp_path: Path) -> None:
    """Its handler runs, and the answer is taken all the same."""
    came: list[int] = []

    def on_signal(number: int, _: object) -> None:
        came.append(number)
        if len(came) == 3:
            threading.Thread(target=gate.open).start()

    before = signal.signal(signal.SIGALRM, on_signal)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        with LaneClient(tmp_path / "lane", timeout=PATIENCE) as client:
            assert client.verify_batch("ed25519", *batch(500)).all_valid
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(came) >= 3


def test_waits_that_are_not_as_expected_are_not_asked_for() -> None:
    waits = _Waits()
    waits.learn(100, 1_000_000, (0, 0))
    assert waits.expect(99) == (0, 0)
    for _ in range(3):
        expected = waits.expect(100)
        assert sum(expected) > 0
        waits.learn(100, 50_000_000, expected)  # far too late
    assert [waits.expect(100) for _ in range(32)] == [(0, 0)] * 32
    assert sum(waits.expect(100)) > 0
    waits.learn(100, 200_000, waits.expect(100))  # far quicker: believed at once
    assert waits.expect(100) == (100_000, 150_000)
    for _ in range(1000):
        waits.learn(100, 400_000, (0, 0))
    assert waits.expect(100) == (300_000, 200_000)
    for i in range(4000):
        waits.learn(100, 300_000 + i * 37 % 100 * 1000, (0, 0))
    assert 310_000 < waits.expect(100)[0] + 100_000 < 340_000  # what three of four take longer than
    for length in range(1000):
        waits.learn(length, 1, (0, 0))
    assert len(waits._usual) <= 64


def test_a_closed_client_does_not_try_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = LaneClient(path, attempts=5)
    assert client.health()
    client.close()
    monkeypatch.setattr("pycore.client.lane.time.sleep", lambda _: pytest.fail("it waits"))
    with pytest.raises(ServiceError, match="the client is closed") as caught:
        client.hash("sha256", b"")
    assert caught.value.code is grpc.StatusCode.CANCELLED
