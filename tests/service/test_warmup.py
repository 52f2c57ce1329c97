"""The warm-up: health and readiness wait for it, calls do not, and what fails in it is no reason to stay away."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pycore.service import warmup
from pycore.service.config import ServiceConfig
from pycore.service.server import background

from .conftest import PATIENCE, RawCaller, Spawn
from .test_limits import hashing

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(autouse=True)
def _cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warmup, "_finished", threading.Event())


class Steps:
    """Steps of the test's own making."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.taken: list[str] = []
        monkeypatch.setattr(warmup.WarmUp, "_steps", staticmethod(self._steps))

    def _steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "wait", self._wait
        yield "fail", self._fail
        yield "last", lambda: self.taken.append("last")

    def _wait(self) -> None:
        self.taken.append("wait")
        self.begun.set()
        assert self.go_on.wait(PATIENCE)

    def _fail(self) -> None:
        self.taken.append("fail")
        raise ImportError("this call needs Numba")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    found = Steps(monkeypatch)
    yield found
    found.go_on.set()


def test_health_waits_and_calls_do_not(steps: Steps, caplog: pytest.LogCaptureFixture) -> None:
    config = ServiceConfig(address="127.0.0.1:0", metrics_address="127.0.0.1:0", warm_up=True, drain_delay=0)
    with background(config) as server:
        caller = RawCaller(server.target)
        watcher = health_pb2_grpc.HealthStub(caller.channel).Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        assert next(watcher).status == NOT_SERVING
        assert steps.begun.wait(PATIENCE)
        ready = f"http://127.0.0.1:{server.metrics_port}/readyz"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(ready, timeout=PATIENCE)
        assert caller("HashBatch", hashing(1, 10))
        steps.go_on.set()
        assert next(watcher).status == SERVING
        asyncio.run_coroutine_threadsafe(server.wait_until_warm(), server.loop).result(PATIENCE)
        with urllib.request.urlopen(ready, timeout=PATIENCE) as answer:
            assert answer.status == 200
        caller.channel.close()
    assert steps.taken == ["wait", "fail", "last"]
    assert "not warmed up: fail: this call needs Numba" in caplog.text
    with background(config) as server:  # once a process
        caller = RawCaller(server.target)
        health = health_pb2_grpc.HealthStub(caller.channel)
        asyncio.run_coroutine_threadsafe(server.wait_until_warm(), server.loop).result(PATIENCE)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status == SERVING
        caller.channel.close()
    assert steps.taken == ["wait", "fail", "last"]


def test_a_stop_ends_it_after_the_step(steps: Steps) -> None:
    with background(ServiceConfig(address="127.0.0.1:0", warm_up=True, drain_delay=0)) as server:
        assert steps.begun.wait(PATIENCE)
        assert server.is_compiling
    steps.go_on.set()
    thread = server._warm_up._thread
    assert thread is not None
    thread.join(PATIENCE)
    assert steps.taken == ["wait"]
    assert not warmup._finished.is_set()


def test_switched_off_it_serves_at_once() -> None:
    with background(ServiceConfig(address="127.0.0.1:0", warm_up=False, drain_delay=0)) as server:
        health = health_pb2_grpc.HealthStub(channel := grpc.insecure_channel(server.target))
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE).status == SERVING
        channel.close()


def test_the_steps_themselves() -> None:
    """All but the compilation, which other tests need as well."""
    names = []
    for name, step in warmup.WarmUp._steps():
        names.append(name)
        if name != "compiled kernels":
            step()
    assert {"sm2", "sm3", "chainmaker", "pycore.merkle.patricia", "compiled kernels"} <= set(names)


def test_a_process_that_is_not_warm_yet_ends_when_told(spawn: Spawn) -> None:
    process = spawn("--warm-up", "--drain-delay", "0")
    process.wait_for_target()
    process.signal()
    assert process.event("stopped")
    assert process.wait() == 0


def test_the_garbage_collector_leaves_alone_what_is_there() -> None:
    code = "from pycore.service.warmup import quiet_collector as q; import gc; q(); print(gc.get_freeze_count() > 1000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert gc.get_threshold()[0] < 10_000
