"""What one proof bundle costs to verify, after a warm-up: every file of tests/vectors/bundles.

    python -m bench.bundles [--calls 200] [--json]

Bytes in, report out: the file is read, parsed and verified again in every call; the trusted state is kept, as a reader
of bundles keeps it, and with it what was resolved of members. The files take turns, so that a busy machine is busy for
all of them. Shown are the median and the least time of a call, the median of the process's own CPU time, which is what
a busy machine leaves of it, and what the same call takes the first time, when certificates and keys are new.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from pathlib import Path

from pycore import bundle
from pycore.bundle import Trusted
from pycore.cli._environment import describe_environment

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "bundles"
TARGET_MS = 2.0


def load() -> dict[str, tuple[bytes, Trusted]]:
    """Name -> a bundle's bytes and the state that trusts it."""
    paths = sorted(FOLDER.glob("*.bundle"))
    return {
        path.stem: (path.read_bytes(), bundle.read_trusted(path.with_name(f"{path.stem}.trusted.json")))
        for path in paths
    }


def measure(calls: int) -> dict[str, tuple[float, float, float, float, int]]:
    """Name -> median and least seconds of a call, median of its CPU seconds, seconds of the first, bytes."""
    files = load()
    first: dict[str, float] = {}
    times: dict[str, list[float]] = {name: [] for name in files}
    used: dict[str, list[float]] = {name: [] for name in files}
    for turn in range(calls + 1):
        for name, (data, trusted) in files.items():
            begin, busy = time.perf_counter(), time.process_time()
            report = bundle.verify(data, trusted)
            seconds, busy = time.perf_counter() - begin, time.process_time() - busy
            if not report.proven:
                raise RuntimeError(f"{name} is not proven")
            if turn:
                times[name].append(seconds)
                used[name].append(busy)
            else:
                first[name] = seconds
    return {
        name: (statistics.median(found), min(found), statistics.median(used[name]), first[name], len(files[name][0]))
        for name, found in times.items()
    }


def main() -> int:
    """The exit status: 1 where a bundle takes longer than the target."""
    parser = argparse.ArgumentParser(description="one bundle, verified")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    gc.disable()
    found = measure(options.calls)
    late = [name for name, (_, _, cpu, *_) in found.items() if 1e3 * cpu > TARGET_MS]
    if options.json:
        print(json.dumps({"cpu": describe_environment()["cpu"], "seconds": found}, indent=2))
        return bool(late)
    print(f"{describe_environment()['cpu']}, one thread, {options.calls} calls, the files in turn")
    print(f"{'bundle':40} {'bytes':>6} {'median ms':>10} {'least ms':>9} {'CPU ms':>7} {'first ms':>9}")
    for name, (median, least, cpu, once, size) in found.items():
        print(f"{name:40} {size:6} {1e3 * median:10.2f} {1e3 * least:9.2f} {1e3 * cpu:7.2f} {1e3 * once:9.2f}")
    print(f"target: {TARGET_MS:.0f} ms of CPU" + (f"; missed by {', '.join(late)}" if late else ", met by all"))
    return bool(late)


if __name__ == "__main__":
    raise SystemExit(main())
