"""The service: the share of the in-process speed that one client gets over loopback, and the same work as benchmarks.

    python bench/bench_service.py                 a table of shares, for every scheme and both kinds of call
    python bench/bench_service.py --scheme sm2 --size 256 --seconds 5
    pytest bench/bench_service.py                 the same calls as one of the suites

Client and service are separate processes; both use one thread for the kernels. A share is the quotient of the
fastest of many rounds that alternate between in process and remote, so that what else the machine does counts little;
(cpu) is the same by CPU time of client and service together. The goal is 85 % for packed batches of 1,024.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

import pycore
from pycore.client import ValidationClient
from pycore.testing import generate_signatures

GOAL = 0.85
SIZES = (64, 256, 1024, 8192)
MESSAGE_SIZE = 32
STREAMED = 8  # batches of one stream
ROUNDS_AT_LEAST = 25  # the fastest of few rounds is what noise lets through


@contextmanager
def service() -> Iterator[tuple[str, int]]:
    """Target and process id of a service with one worker and one thread."""
    command = [sys.executable, "-m", "pycore.service", "--address", "127.0.0.1:0", "--workers", "1", "--threads", "1"]
    command += ["--verdict-cache-bytes", "0"]  # the batches are the same each time
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            record = json.loads(line) if line.startswith("{") else {}
            if "address" in record:
                yield record["address"], process.pid
                return
        raise RuntimeError("the service did not start")
    finally:
        process.terminate()
        process.stderr.read()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time of this process and of the service so far; not a number where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return time.process_time() + (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@cache
def batch(scheme: str, n: int) -> tuple[Any, Any, Any]:
    """Distinct keys."""
    return generate_signatures(scheme, n, message_size=MESSAGE_SIZE, seed=1)


def shares(client: ValidationClient, pid: int, scheme: str, n: int, seconds: float) -> dict[str, float]:
    """Items per second in process, and the shares of it that both kinds of call reach, by clock and by CPU time."""
    columns = batch(scheme, n)
    expected = pycore.verify_batch(scheme, *columns, threads=1)
    assert expected.all_valid
    assert client.verify_batch(scheme, *columns) == expected
    assert list(client.verify_stream(scheme, [columns] * 2)) == [expected] * 2
    calls: dict[str, tuple[int, Callable[[], object]]] = {
        "in process": (1, lambda: pycore.verify_batch(scheme, *columns, threads=1)),
        "unary": (1, lambda: client.verify_batch(scheme, *columns)),
        "stream": (STREAMED, lambda: list(client.verify_stream(scheme, repeat(columns, STREAMED)))),
    }
    clock: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(clock["stream"]) < ROUNDS_AT_LEAST:
        for name, (batches, call) in calls.items():
            begin, spent = time.perf_counter(), cpu_seconds(pid)
            call()
            clock[name].append((time.perf_counter() - begin) / batches)
            cpu[name].append((cpu_seconds(pid) - spent) / batches)
    fastest = {name: min(times) for name, times in clock.items()}
    typical = {name: statistics.fmean(times) for name, times in cpu.items()}  # the kernel counts in ticks of 10 ms
    found = {"items/s": n / fastest["in process"]}
    for name in ("unary", "stream"):
        found[name] = fastest["in process"] / fastest[name]
        found[f"{name} cpu"] = typical["in process"] / typical[name]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="The share of the in-process speed that a client of the service gets.")
    parser.add_argument("--scheme", choices=list(pycore.SCHEMES), action="append", help="default: all")
    parser.add_argument("--size", type=int, action="append", help=f"signatures per batch; default: {SIZES}")
    parser.add_argument("--seconds", type=float, default=6.0, help="per row, at least")
    arguments = parser.parse_args()
    good = True
    print(f"{'scheme':<20}{'batch':>7}{'in process/s':>15}{'unary':>9}{'(cpu)':>9}{'stream':>9}{'(cpu)':>9}")
    with service() as (target, pid), ValidationClient(target) as client:
        for scheme in arguments.scheme or pycore.SCHEMES:
            for n in arguments.size or SIZES:
                row = shares(client, pid, scheme, n, arguments.seconds)
                parts = "".join(f"{row[name]:>9.1%}" for name in ("unary", "unary cpu", "stream", "stream cpu"))
                print(f"{scheme:<20}{n:>7}{row['items/s']:>15,.0f}{parts}", flush=True)
                good &= n != 1024 or max(row["unary"], row["stream"]) >= GOAL
    print(f"goal: {GOAL:.0%} at 1,024: {'reached' if good else 'MISSED'}")
    return 0 if good else 1


# ---- as one of the suites -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def remote() -> Iterator[ValidationClient]:
    with service() as (target, _), ValidationClient(target) as client:
        yield client


@pytest.mark.parametrize("scheme", list(pycore.SCHEMES))
def test_verify_over_grpc(measure: Any, remote: ValidationClient, scheme: str, size: int) -> None:
    columns = batch(scheme, size)
    group = f"{scheme} n={size}"
    verdicts = measure(lambda: remote.verify_batch(scheme, *columns), size, group, by="pycore over gRPC")
    assert verdicts.all_valid


@pytest.mark.parametrize("name", list(pycore.HASHES))
def test_hash_over_grpc(measure: Any, remote: ValidationClient, name: str, size: int) -> None:
    messages = batch("ed25519", size)[1]
    digests = measure(lambda: remote.hash_batch(name, messages), size, f"{name} 64 B n={size}", by="pycore over gRPC")
    assert len(digests) == size


if __name__ == "__main__":
    sys.exit(main())
