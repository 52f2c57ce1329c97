"""Callers of the same-host lane: whole ones, and one with packets that the test makes."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.rpc import status_pb2

from pycore import testing
from pycore.client.lane import LaneClient
from pycore.service.config import ServiceConfig
from pycore.service.lane import Lane
from pycore.service.server import Server, background
from pycore.wire import frames
from pycore.wire.schema import column_pb2, signature_pb2

from .conftest import PATIENCE, Gate, wait_for_load


@contextlib.contextmanager
def served(folder: Path, **settings: Any) -> Iterator[Server]:
    settings = {"address": "127.0.0.1:0", "lane": folder / "lane", "drain_delay": 0, "workers": 2, **settings}
    with background(ServiceConfig(**settings)) as server:
        yield server


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
    """A caller with packets that the test makes."""

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


def call(**changes: Any) -> bytes:
    given = {"method": "HashBatch", "metadata": (), "timeout": 0, "body": b"", **changes}
    return frames.write_call(**given)


# ---- fixtures, for the test modules that import them ----


@pytest.fixture(scope="module", name="lane_server")
def lane_server_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("lane")) as server:
        yield server


@pytest.fixture(name="path")
def path_fixture(lane_server: Server) -> Path:
    assert lane_server.config.lane is not None
    return lane_server.config.lane


@pytest.fixture(name="lane")
def lane_fixture(path: Path) -> Iterator[LaneClient]:
    with LaneClient(path, timeout=PATIENCE) as client:
        client.wait_until_ready(PATIENCE)
        yield client


@pytest.fixture(name="narrow")
def narrow_fixture(tmp_path: Path) -> Iterator[Server]:
    """A service with one worker."""
    with served(tmp_path, workers=1) as server:
        yield server


@pytest.fixture(name="gate")
def gate_fixture(narrow: Server) -> Iterator[Gate]:
    gate = Gate(narrow)
    gate.hold()
    yield gate
    gate.open()
