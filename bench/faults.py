"""The service under what should not happen, for minutes: ``python -m bench.faults CAMPAIGN``. Own services only.

    overload     five times what it can carry: goodput as a share of the peak, how quick refusals are, who waits
    tenant       one client at ten times its limit, and one whose 16 callers come back at once when they are refused:
                 what that does to the 99th percentile of another, and to the service's CPU
    neighbours   peers with idle streams, unread answers and resets: the same question
    memory       saturation for ten minutes: slope of memory, descriptors, threads
    kills        processes that are killed under load: only errors that may be tried again, and how soon they are back

Where there is a second CPU the service has one and the generator the others, so that they do not take each other's
time; with `--together` they share all of them. Everything is printed as it was found; what depends on time is asserted
nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pycore.cli._output import print_table
from pycore.loadtest.engine import run_scenario
from pycore.loadtest.histogram import Histogram
from pycore.loadtest.process import Bounds, ServiceProcess, Usage
from pycore.loadtest.report import COLUMNS, Outcome, rows
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic

LOUD, QUIET = "loud-tenant-token-of-length", "quiet-tenant-token-of-length"
LIMIT = 2000  # items a second of the tenant that is too loud
ROUNDS = 5
TOGETHER = False
AFTER_US = ("nice", "-n", "19")  # what disturbs must not take the CPU from what measures, which shares it


@contextmanager
def service(*options: str, apart: bool = True) -> Iterator[ServiceProcess]:
    """A service; alone on a CPU where there are two, unless everything is together."""
    cpus = sorted(os.sched_getaffinity(0))
    alone = apart and not TOGETHER and len(cpus) > 1
    fresh = ("--verdict-cache-bytes", "0")  # signatures come again and again here
    process = ServiceProcess(options=(*options, *fresh), bounds=Bounds(1) if alone else None)
    with process:
        process.wait_ready()
        if alone:
            os.sched_setaffinity(0, cpus[:-1])
        try:
            yield process
        finally:
            os.sched_setaffinity(0, cpus)


def shown(title: str, outcome: Outcome) -> None:
    print(f"\n{title}")
    print_table(COLUMNS, rows(outcome))
    print(f"{outcome.items_per_second:,.0f} items/s; counts {dict(outcome.counts)}; {'; '.join(outcome.remarks())}")


def overload(seconds: float, scheme: str) -> None:
    with service("--workers", "1", "--threads", "1") as process:
        access = Access(process.target)
        settings: dict[str, Any] = {"scheme": scheme, "shape": "packed", "items": 256, "pool": 16_384, "timeout": 5.0}
        eight = Scenario(callers=8, seconds=min(10.0, seconds), connections=4, **settings)
        traffic = Traffic(eight)
        before = run_scenario(access, eight, traffic)
        shown("peak: 8 callers, one call after the other", before)
        rate = 5 * before.requests_per_second
        scenario = Scenario(
            callers=4000, rate=rate, seconds=seconds, connections=4,
            priorities=(("votes", 1.0), ("transactions", 4.0), ("audits", 5.0)), **settings,
        )  # fmt: skip
        found = run_scenario(access, scenario, traffic)
        shown(f"five times as much: {rate:,.0f} calls due a second", found)
        after = run_scenario(access, eight, traffic)
        peak = (before.items_per_second + after.items_per_second) / 2
        print(
            f"goodput: {found.items_per_second / peak:.1%} of the peak, {before.items_per_second:,.0f} items/s before "
            f"and {after.items_per_second:,.0f} after (goal: 80 %)"
        )
        p50, p99 = (found.refusal.percentile(percent) * 1e3 for percent in (50, 99))
        print(f"refusals: p50 {p50:.1f} ms, p99 {p99:.1f} ms (goal: 50 ms)")
        for name, latency in sorted(found.by_priority.items()):
            asked = found.due_by_priority[name]
            share, waited = latency.count / max(asked, 1), latency.percentile(99) * 1e3
            print(f"{name}: {share:.1%} of {asked:,} answered, p99 {waited:.0f} ms")


@contextmanager
def tenants() -> Iterator[Path]:
    """An access file with a loud tenant, which is limited, and a quiet one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clients = []
        for client, token, more in (("loud", LOUD, {"items_per_second": LIMIT}), ("quiet", QUIET, {})):
            (folder / client).write_text(token, encoding="ascii")
            clients.append({"name": client, "token_files": [str(folder / client)], "rpcs": ["*"], **more})
        access = folder / "access.json"
        access.write_text(json.dumps({"clients": clients}), encoding="utf-8")
        yield access


def compared(
    process: ServiceProcess, quiet: Access, disturb: Callable[[], Sequence[subprocess.Popen[Any]]], seconds: float
) -> None:
    """The 99th percentile of a quiet client, and the CPU time of the service, alone and disturbed, in turn."""
    scenario = Scenario(scheme="sm2", shape="packed", items=32, rate=100.0, callers=500, connections=2, seconds=seconds)
    traffic = Traffic(scenario)
    ratios = []
    whole = Histogram(), Histogram()
    for _ in range(ROUNDS):
        found, cpu = [], []
        for others in ((), disturb):
            disturbing = others() if callable(others) else ()
            try:
                if disturbing:
                    time.sleep(2.0)  # it starts
                before = process.usage().cpu
                found.append(run_scenario(quiet, scenario, traffic))
                cpu.append((process.usage().cpu - before) / (scenario.seconds + scenario.warmup))
            finally:
                for other in disturbing:
                    other.kill()
                    other.wait()
        for one, every in zip(found, whole, strict=True):
            every.merge(one.latency)
        p99 = [one.latency.percentile(99) * 1e3 for one in found]
        ratios.append(p99[1] / p99[0])
        print(
            f"p99 alone {p99[0]:8.2f} ms, disturbed {p99[1]:8.2f} ms: {ratios[-1]:.2f} x; CPUs {cpu[0]:.2f} and "
            f"{cpu[1]:.2f}; {dict(found[1].counts)}",
            flush=True,
        )
    alone, disturbed = (one.percentile(99) * 1e3 for one in whole)
    print(
        f"p99 of all rounds {alone:.2f} and {disturbed:.2f} ms: {disturbed / alone:.2f} x; median of the rounds "
        f"{statistics.median(ratios):.2f} x (goal: 1.20 x)"
    )


def tenant(seconds: float, scheme: str) -> None:
    kinds = {
        "ten times its limit": ("--rate", str(10 * LIMIT / 32)),
        "16 callers that come back at once": ("--callers", "16"),
    }
    for name, load in kinds.items():
        print(f"\n{name}:")
        with tenants() as access, service("--workers", "1", "--threads", "1", "--access-file", str(access)) as process:

            def loud(target: str = process.target, load: Sequence[str] = load) -> list[subprocess.Popen[Any]]:
                command = [
                    *AFTER_US, sys.executable, "-m", "pycore.cli", "loadtest", target, "--shape", "packed", "--items",
                    "32", *load, "--seconds", str(seconds + 60), "--scheme", scheme, "--json",
                ]  # fmt: skip
                return [subprocess.Popen(command, env={**os.environ, "PYCORE_TOKEN": LOUD}, stdout=-3, stderr=-3)]

            compared(process, Access(process.target, token=QUIET), loud, seconds)


def neighbours(seconds: float, scheme: str) -> None:
    del scheme
    for kind in ("idle", "unread", "resets"):
        print(f"\n{kind}:")
        with service("--workers", "1", "--threads", "1") as process:

            def bad(kind: str = kind, target: str = process.target) -> list[subprocess.Popen[Any]]:
                return [
                    subprocess.Popen(
                        [*AFTER_US, sys.executable, "-m", "bench.faults", "peer", "--kind", kind, "--target", target],
                        stdout=-3,
                    )
                ]

            compared(process, Access(process.target), bad, seconds)
            print(f"afterwards: {process.usage()}")


def peer(kind: str, target: str) -> None:
    """A neighbour of one kind, until it is killed."""
    from tests.service.http2 import Peer, message

    base = "/pycore.validation.v1.ValidationService/"
    hashing = message(b"\x0a\x06sha512\x12" + b"\xe0\xd4\x03" + b"\x22\x00" * 30_000)  # 1.9 MB of digests for 60 kB
    while True:
        one = Peer(target, window=0 if kind == "unread" else 65_535)
        if kind == "resets":
            while not one.gone:
                for _ in range(20):
                    one.reset(one.call(base + "HashBatch", message(b"\x0a\x06sha256\x12\x03\x22\x01x")))
                one.pump()
                time.sleep(0.01)  # 2,000 a second
        for _ in range(500):
            if kind == "idle":
                one.open(base + "VerifySignatureStream")
            else:
                one.call(base + "HashBatch", hashing)
        time.sleep(5.0 if kind == "unread" else 3600.0)
        one.close()


def memory(seconds: float, scheme: str) -> None:
    with service("--workers", "1", "--threads", "1") as process:
        access = Access(process.target)
        samples: list[tuple[float, Usage]] = []
        ended = threading.Event()

        def watch() -> None:
            begun = time.monotonic()
            while not ended.wait(5.0):
                samples.append((time.monotonic() - begun, process.usage()))
                if len(samples) % 12 == 0:
                    print(f"{samples[-1][0]:6.0f} s {samples[-1][1]}", flush=True)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for shape, items, callers in (("packed", 256, 16), ("single", 1, 200), ("stream", 1024, 8)):
            part = Scenario(
                scheme=scheme,
                shape=shape,
                items=items,
                callers=callers,
                connections=4,
                seconds=seconds / 3,
                pool=16_384,
            )
            shown(f"{shape}, {callers} callers", run_scenario(access, part))
        ended.set()
        watcher.join()
    times = np.array([at for at, _ in samples])
    for stage, name in enumerate(("packed", "single", "stream")):
        begin = stage * seconds / 3
        kept = (times > begin + seconds / 12) & (times < begin + seconds / 3)  # without the first quarter of each
        if kept.sum() > 2:
            rss = np.array([usage.rss / 2**20 for _, usage in samples])[kept]
            slope = np.polyfit(times[kept] / 60, rss, 1)[0]
            print(f"{name}: {slope:+.2f} MiB a minute (goal: below 1), {rss[0]:.0f} -> {rss[-1]:.0f} MiB")
    first, last = samples[0][1], samples[-1][1]
    print(f"descriptors {first.files} -> {last.files}, threads {first.threads} -> {last.threads}")


def kills(seconds: float, scheme: str) -> None:
    with service("--processes", "2", "--workers", "1", apart=False) as process:
        ended = threading.Event()
        killed: list[int] = []
        back: list[float] = []

        def children() -> list[int]:
            return [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]

        def kill() -> None:
            while not ended.wait(5.0):
                victims = children()
                if len(victims) < 2:
                    continue
                killed.append(victims[0])
                os.kill(victims[0], signal.SIGKILL)
                begun = time.monotonic()
                while not ended.is_set() and not set(children()) - set(victims):
                    time.sleep(0.01)
                back.append(time.monotonic() - begun)

        killer = threading.Thread(target=kill)
        killer.start()
        scenario = Scenario(
            scheme=scheme, shape="packed", items=64, rate=100.0, connections=8, callers=500, seconds=seconds
        )
        found = run_scenario(Access(process.target), scenario)
        ended.set()
        killer.join()
        shown(f"{len(killed)} processes killed", found)
        print(
            f"new processes after {', '.join(f'{one:.2f}' for one in back)} s; wrong answers: {found.counts['wrong']}"
        )


CAMPAIGNS: dict[str, tuple[Callable[[float, str], None], float]] = {
    "overload": (overload, 60.0), "tenant": (tenant, 10.0), "neighbours": (neighbours, 5.0), "memory": (memory, 600.0),
    "kills": (kills, 30.0),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("campaign", choices=[*CAMPAIGNS, "peer"])
    parser.add_argument("--seconds", type=float, help="of each run")
    parser.add_argument("--scheme", default="sm2")
    parser.add_argument("--kind", default="idle", help=argparse.SUPPRESS)
    parser.add_argument("--target", default="", help=argparse.SUPPRESS)
    parser.add_argument("--together", action="store_true", help="the service and the generator share all CPUs")
    global TOGETHER
    wanted = parser.parse_args()
    TOGETHER = wanted.together
    if wanted.campaign == "peer":
        peer(wanted.kind, wanted.target)
        return 0
    campaign, seconds = CAMPAIGNS[wanted.campaign]
    campaign(wanted.seconds or seconds, wanted.scheme)
    return 0


if __name__ == "__main__":
    sys.exit(main())
