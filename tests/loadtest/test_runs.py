"""Runs against real services: counts on both sides, wrong verdicts found, latencies from when requests were due."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pycore.client import Tls
from pycore.loadtest.certificates import make_certificate
from pycore.loadtest.engine import run_scenario
from pycore.loadtest.process import Bounds, ServiceProcess, ServiceProcessError
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic
from pycore.service import rpc_signatures
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.wire.errors import ServiceError

pytestmark = pytest.mark.network
PATIENCE = 240.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with background(ServiceConfig(address="127.0.0.1:0", verdict_cache_bytes=0, drain_delay=0)) as server:
        yield server


def scenario(**settings: Any) -> Scenario:
    return Scenario(**{"seconds": 0.4, "warmup": 0.0, "pool": 200, "timeout": PATIENCE, "callers": 8, **settings})


def served(server: Server, rpc: str, code: str = "OK") -> float:
    return server.metrics.registry.get_sample_value("pycore_calls_total", {"rpc": rpc, "code": code}) or 0.0


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ("single", {"rate": 100.0}),
        ("single", {"priorities": (("votes", 1.0), ("audits", 1.0))}),
        ("packed", {"items": 20, "rate": 50.0, "arrivals": "constant"}),
        ("stream", {"items": 20, "connections": 2}),
        ("coalesced", {"rate": 200.0, "connections": 2}),
        ("block", {"scheme": "sm2", "items": 10, "pool": 20, "invalid": 0.1}),
    ],
)
def test_every_shape_is_answered_and_compared(server: Server, shape: str, settings: dict[str, Any]) -> None:
    before = served(server, "VerifySignatures") + served(server, "ValidateBlock")
    one = scenario(shape=shape, **{"scheme": "ed25519", "invalid": 0.1, **settings})
    found = run_scenario(Access(server.target), one)
    assert set(found.counts) == {"answered"}
    assert found.items == found.counts["answered"] * one.items
    assert found.latency.count == found.counts["answered"]
    assert 0 < found.invalid_items < found.items or shape == "block"
    if one.rate is not None and one.arrivals == "constant":
        assert found.requests == 20
    if shape in ("single", "packed", "block"):
        assert served(server, "VerifySignatures") + served(server, "ValidateBlock") - before == found.requests
    assert set(found.by_priority) == {name for name, _ in one.priorities}


def test_a_wrong_verdict_is_found(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rpc_signatures.signatures.verify_batch
    one = scenario(shape="packed", items=20, rate=50.0, arrivals="constant", invalid=0.2)
    traffic = Traffic(one)

    def lax(*arguments: Any, **options: Any) -> Any:
        verdicts = real(*arguments, **options)
        codes = verdicts.codes.copy()
        codes[0] = 1  # "valid", whatever was found
        return type(verdicts)(codes)

    monkeypatch.setattr(rpc_signatures.signatures, "verify_batch", lax)
    found = run_scenario(Access(server.target), one, traffic)
    lies = sum(traffic[i].codes[0] != 1 for i in range(20))
    assert lies
    assert found.counts == {"wrong": lies, "answered": 20 - lies}
    assert len(found.examples) == min(lies, 5)


def test_latency_counts_from_when_a_request_was_due(server: Server) -> None:
    """The service stands still for a while. Requests that were due meanwhile waited, though nobody could send them."""
    one = scenario(rate=100.0, arrivals="constant", seconds=1.0, callers=2)
    traffic = Traffic(one)
    workers = server.config.workers
    opened, held = threading.Event(), threading.Barrier(workers + 1)

    async def hold() -> None:
        def stand_still() -> None:
            held.wait()
            opened.wait(PATIENCE)

        with server.admission.admit(0) as ticket:
            await ticket.call(stand_still)

    holding = [asyncio.run_coroutine_threadsafe(hold(), server.loop) for _ in range(workers)]
    held.wait(PATIENCE)
    timer = threading.Timer(0.5, opened.set)
    timer.start()
    found = run_scenario(Access(server.target), one, traffic)
    timer.join()
    for future in holding:
        future.result(PATIENCE)
    assert found.counts == {"answered": 100}
    # 50 were due in the half second of standstill, and two could be sent: a closed loop would have seen two slow ones.
    slow = sum(count for end, count in found.latency.buckets() if end >= 0.1)
    assert slow >= 35
    assert found.latency.percentile(50) >= found.service.percentile(50)


def test_refusals_and_failures_are_told_apart() -> None:
    config = ServiceConfig(address="127.0.0.1:0", workers=1, drain_delay=0, max_connection_rpcs=2, max_joined_items=1)
    with background(config) as server:
        found = run_scenario(Access(server.target), scenario(callers=40, shape="packed", items=100, seconds=0.3))
        assert found.counts["refused"] == served(server, "VerifySignatures", "RESOURCE_EXHAUSTED")
        assert found.counts["answered"] == served(server, "VerifySignatures")
    assert found.counts["refused"] > 0
    assert found.failed == found.counts["wrong"] == 0
    assert found.refusal.count == found.counts["refused"]
    gone = run_scenario(Access(server.target), scenario(rate=50.0, seconds=0.2))
    assert gone.counts == {"UNAVAILABLE": gone.requests}


def test_the_first_message_is_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        """A sender whose calls are refused, each with other words."""

        async def send(self, number: int, priority: str | None) -> bool:
            raise ServiceError(grpc.StatusCode.UNAUTHENTICATED, f"call {number}: " + "x" * 10_000)

        async def close(self) -> None:
            pass

    monkeypatch.setattr("pycore.loadtest.engine.make_sender", lambda *_: Refusing())
    found = run_scenario(Access("nobody"), scenario(rate=50.0, seconds=0.2, callers=1))
    assert found.counts == {"UNAUTHENTICATED": found.requests}
    assert found.to_dict()["first_message"] == ("call 0: " + "x" * 300)[:300]


def test_over_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    config = ServiceConfig(address="127.0.0.1:0", tls_certificate=certificate, tls_private_key=key, drain_delay=0)
    with background(config) as server:
        found = run_scenario(Access(server.target, Tls(certificate, server_name="localhost")), scenario(rate=50.0))
        assert set(found.counts) == {"answered"}


def test_a_service_with_bounds_says_which_hold() -> None:
    with ServiceProcess(options=("--workers", "1", "--drain-delay", "0"), bounds=Bounds(1, 512 << 20)) as process:
        found: Outcome = run_scenario(Access(process.wait_ready()), scenario(rate=50.0, seconds=0.2))
        assert set(found.counts) == {"answered"}
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        (allowed,) = [line.split()[1] for line in status.splitlines() if line.startswith("Cpus_allowed_list")]
        assert allowed.isdecimal()
        limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")
        bound = " ".join(process.bound)
        assert "affinity" in bound
        assert "control group" in bound or str(512 << 20) in limits
        assert process.usage().threads > 1


RECORDS = """
import json, pathlib, sys, time
def tell(**record): print(json.dumps(record), file=sys.stderr, flush=True)
tell(message="serving on 127.0.0.1:9", address="127.0.0.1:9", state="starting")
while not pathlib.Path({go!r}).exists(): time.sleep(0.01)
if {serves}: tell(message="serving: warm, and a worker is free"); time.sleep(60)
"""


@pytest.mark.parametrize("serves", [True, False])
def test_a_process_is_ready_when_it_is_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serves: bool) -> None:
    """Nothing is measured while kernels are compiled, and who dies over that was never ready."""
    go = tmp_path / "go"
    (tmp_path / "records.py").write_text(RECORDS.format(go=str(go), serves=serves), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ServiceProcess(module="records") as process:
        while not process.target:
            threading.Event().wait(0.01)
        threading.Timer(0.2, go.touch).start()
        with contextlib.nullcontext() if serves else pytest.raises(ServiceProcessError, match="did not start"):
            process.wait_ready()
            assert go.exists()


def test_what_is_measured_is_verified_each_time() -> None:
    """The pool is small and comes many times: a service started for the run looks none of it up, another is noted."""
    many = scenario(shape="packed", items=32, pool=64, rate=None, seconds=0.3)
    with ServiceProcess(options=("--metrics-address", "127.0.0.1:0", "--drain-delay", "0")) as process:
        found: Outcome = run_scenario(Access(process.wait_ready()), many)
        assert found.items > many.pool
        (port,) = [json.loads(line)["metrics"] for line in process.records if '"metrics"' in line]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            figures = answer.read().decode()
    hits = re.findall(r"^pycore_verdict_cache_hits_total (.*)$", figures, re.MULTILINE)
    assert [float(one) for one in hits] in ([], [0.0])
    assert f'pycore_verdicts_total{{verdict="VALID",what="{many.scheme}"}}' in figures
    assert any("came some" in remark for remark in found.remarks())
    found.service_use = {}
    assert not any("came some" in remark for remark in found.remarks())
