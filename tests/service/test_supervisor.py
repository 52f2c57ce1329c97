"""Several processes behind one port: real ones, really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import pycore
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig

from .conftest import PACKAGE, PATIENCE, ServiceProcess, Spawn

TWO = ("--processes", "2", "--workers", "1", "--drain-delay", "0.01")
ALONE = [("grpc.use_local_subchannel_pool", 1)]


def started(process: ServiceProcess, count: int = 2) -> tuple[str, dict[int, int]]:
    """Where they listen, and the pid of each."""
    pids: dict[int, int] = {}
    targets = set()
    while len(pids) < count or len(targets) < 1 or process_serving(process) < count:
        event = process.next_event()
        if event["message"] == "process started":
            pids[event["index"]] = event["pid"]
        if event["message"].startswith("serving on"):
            targets.add(event["address"])
    assert len(targets) == 1
    return targets.pop(), pids


def process_serving(process: ServiceProcess) -> int:
    return sum('"serving on' in line for line in process.lines)


def test_a_process_that_is_killed_under_load_is_missed_by_retries_only(spawn: Spawn) -> None:
    process = spawn(*TWO)
    target, pids = started(process)
    wanted = pycore.hash_batch("sha256", [b"x"] * 50)
    stop = threading.Event()
    outcomes: list[str] = []

    def caller() -> None:
        while not stop.is_set():
            with ValidationClient(target, options=ALONE, timeout=PATIENCE) as client:
                for _ in range(5):
                    try:
                        assert (client.hash_batch("sha256", [b"x"] * 50) == wanted).all()
                        outcomes.append("answered")
                    except ServiceError as error:  # noqa: PERF203 - what is counted
                        outcomes.append(error.code.name)
                        break

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(outcomes) < 50:
        time.sleep(0.01)
    os.kill(pids[0], signal.SIGKILL)
    ended = process.event("process ended")
    assert ended["pid"] == pids[0]
    assert ended["status"] == -signal.SIGKILL
    assert process.event("process started")["index"] == 0
    process.event("serving on")
    before = len(outcomes)
    while len(outcomes) < before + 50:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert set(outcomes) <= {"answered", "UNAVAILABLE"}
    assert outcomes.count("answered") >= 100
    process.signal()
    assert process.wait() == 0


def test_signals_reach_all(spawn: Spawn) -> None:
    process = spawn(*TWO)
    target, pids = started(process)
    process.signal(signal.SIGHUP)
    for _ in range(2):
        process.event("settings reloaded")
    assert ValidationClient(target, timeout=PATIENCE).hash("sha256", b"") == pycore.hash("sha256", b"")
    process.signal()
    assert process.wait() == 0
    assert sum('"stopped"' in line for line in process.lines) == 2
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_only_a_second_signal_to_the_supervisor_ends_them_at_once(spawn: Spawn) -> None:
    process = spawn("--processes", "2", "--workers", "1", "--drain-delay", "36000")
    _, pids = started(process)
    process.signal()
    process.event("draining")  # the first; the second is told in ten hours
    os.kill(pids[1], signal.SIGINT)
    process.event("draining")
    for number in (signal.SIGTERM, signal.SIGINT):  # as a terminal or systemd does
        for pid in pids.values():
            os.kill(pid, number)
    for _ in range(2):  # once they have answered the second of these, they have seen what came before it
        process.signal(signal.SIGHUP)
        for _ in pids:
            process.event("settings reloaded")
    assert not [line for line in process.lines if "second signal" in line]
    process.signal()
    assert process.wait() == 0
    words = ("second signal: ending all processes", "second signal: ending calls in flight", '"stopped"')
    assert [sum(one in line for line in process.lines) for one in words] == [1, 2, 2]


def test_a_hangup_while_they_start_ends_nobody(spawn: Spawn) -> None:
    process = spawn(*TWO)
    for _ in range(2):
        process.event("process started")
    process.signal(signal.SIGHUP)
    while process_serving(process) < 2:
        assert process.next_event()["message"] != "process ended"
    process.signal()
    assert process.wait() == 0


def test_a_hangup_while_it_starts_ends_no_service(spawn: Spawn) -> None:
    process = spawn("--workers", "1", "--drain-delay", "0")
    while not _ignores(process.process.pid, signal.SIGHUP):
        time.sleep(0.001)
    process.signal(signal.SIGHUP)
    process.wait_for_target()
    process.signal()
    assert process.wait() == 0


def test_a_service_without_standard_error(tmp_path: Path) -> None:
    where = tmp_path / "socket"
    command = f"exec {sys.executable} -m pycore.service --no-warm-up --drain-delay 0 --address unix:{where} 2>&-"
    with subprocess.Popen(["/bin/sh", "-c", command], cwd=PACKAGE) as process:
        while not where.exists():
            assert process.poll() is None
            time.sleep(0.01)
        with ValidationClient(f"unix:{where}", timeout=PATIENCE) as client:
            client.wait_until_ready(PATIENCE)
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_they_end_when_the_supervisor_is_killed_while_they_start(spawn: Spawn) -> None:
    process = spawn(*TWO)
    pids = [process.event("process started")["pid"] for _ in range(2)]
    process.signal(signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_they_end_when_the_supervisor_is_killed(spawn: Spawn) -> None:
    process = spawn(*TWO)
    _, pids = started(process)
    process.signal(signal.SIGKILL)
    for _ in range(2):
        process.event("stopped")
    # The kernel tells them once for each thread of their parent: that is no second signal.
    assert not [line for line in process.lines if "second signal" in line]
    for pid in pids.values():
        end = time.monotonic() + PATIENCE
        while _lives(pid):
            assert time.monotonic() < end
            time.sleep(0.01)


def _ignores(pid: int, number: int) -> bool:
    ignored = Path(f"/proc/{pid}/status").read_text().partition("SigIgn:")[2].split()[0]
    return bool(int(ignored, 16) >> number - 1 & 1)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_start_that_cannot_work_is_not_tried_again(spawn: Spawn, tmp_path: Path) -> None:
    access = tmp_path / "access.json"
    access.write_text("{}", encoding="utf-8")
    process = spawn(*TWO, "--access-file", str(access))
    assert process.wait() == 3
    assert any("access.json" in line for line in process.lines)


def test_a_port_that_is_taken(spawn: Spawn, service: Any) -> None:
    process = spawn(*TWO, "--address", service.target)
    assert process.wait() == 3


def test_a_unix_socket_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match="cannot share"):
        ServiceConfig(processes=2, address="unix:/tmp/x.sock")
