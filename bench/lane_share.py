"""The share of the in-process speed that a lone caller gets over the same-host lane, and over gRPC.

    python -m bench.lane_share                  about a minute
    python -m bench.lane_share sm2              one scheme
    python -m bench.lane_share --pin            service on the first CPU, caller on the second
    python -m bench.lane_share --burst 8        eight calls of each in a row

In process, lane and gRPC take turns with one worker and one thread. A share is in process over remote: of the fastest
calls, and of the median ones. `asleep` only sleeps while it waits, `spin` asks for its answer until it is there, and
`lane` is what a client does that is not told. Between its calls each of them rests while the others are served, so that
all have cold caches; in bursts each has warm ones. On a machine that does much else, only the fastest calls count.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycore
from bench.service_share import batch, service
from pycore.cli._environment import cpu_name
from pycore.client import LaneClient, ValidationClient

SIZES = (64, 256, 1024)
SCHEMES = ("ed25519", "sm2")
SPIN_S = 0.05
FRESH = ("--verdict-cache-bytes", "0")  # the batches are the same each time


def take_turns(calls: dict[str, Callable[[], Any]], seconds: float, burst: int) -> dict[str, list[float]]:
    """Seconds of each call of each."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call(), call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["in process"]) < 20:
        for name in random.sample(
            list(calls), len(calls)
        ):  # whoever comes first warms the service's caches for the next
            call = calls[name]
            for _ in range(burst):
                begin = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - begin)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description="The share of the in-process speed that the same-host lane gives.")
    parser.add_argument("schemes", nargs="*", default=SCHEMES)
    parser.add_argument("--seconds", type=float, default=5.0, help="per row, at least")
    parser.add_argument("--pin", action="store_true", help="service on the first CPU, caller on the second")
    parser.add_argument("--burst", type=int, default=1, help="calls of each in a row")
    arguments = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))
    pycore.set_key_cache(0)  # as in the service
    pinned = arguments.pin and len(cpus) > 1
    print(f"{cpu_name()}, {len(cpus)} CPUs, pycore {pycore.__version__}{', pinned' if pinned else ''}")
    print(f"{'fastest / median call':<24}{'lane':>16}{'asleep':>16}{'spin':>16}{'gRPC':>16}{'in process, us':>18}")
    with (
        tempfile.TemporaryDirectory() as folder,
        service("--lane", f"{folder}/lane", *FRESH, cpus={cpus[0]} if pinned else None) as target,
    ):
        if pinned:
            os.sched_setaffinity(0, {cpus[1]})
        path = Path(folder, "lane")
        with (
            LaneClient(path) as lane,
            LaneClient(path, spin=0.0) as asleep,
            LaneClient(path, spin=SPIN_S) as spin,
            ValidationClient(target) as plain,
        ):
            for scheme in arguments.schemes:
                for size in SIZES:
                    columns = batch(scheme, size)
                    calls: dict[str, Callable[[], Any]] = {
                        "in process": lambda: pycore.verify_batch(scheme, *columns, threads=1),  # noqa: B023
                        "lane": lambda: lane.verify_batch(scheme, *columns),  # noqa: B023
                        "asleep": lambda: asleep.verify_batch(scheme, *columns),  # noqa: B023
                        "spin": lambda: spin.verify_batch(scheme, *columns),  # noqa: B023
                        "gRPC": lambda: plain.verify_batch(scheme, *columns),  # noqa: B023
                    }
                    assert calls["lane"]() == calls["spin"]() == calls["in process"]()
                    times = take_turns(calls, arguments.seconds, max(1, arguments.burst))
                    base = times.pop("in process")
                    shares = "".join(
                        f"{min(base) / min(one):>8.1%}{statistics.median(base) / statistics.median(one):>8.1%}"
                        for one in times.values()
                    )
                    print(f"{scheme + ', ' + str(size):<24}{shares}{min(base) * 1e6:>18.0f}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
