"""What one call costs on this machine: measured, each part by itself, with a service over loopback."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pycore.loadtest.engine import run_scenario
from pycore.loadtest.process import ServiceProcess
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import BLOCK, Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic
from pycore.signatures.keycache import without_key_cache

__all__ = ["Cost", "Load", "loads", "measure_cost", "run_answered"]

PACKED = (64, 256, 1024)
TRANSACTIONS = 1000
_LEAST_CALLS = 5
_TRIES = 5
_PARTS = 3  # of the busy time: how far it goes up and down is part of the answer


@dataclass(frozen=True)
class Load:
    """What callers send.

    Attributes:
        scheme: the signature scheme.
        shape, items: as in `Scenario`.
    """

    scheme: str
    shape: str
    items: int

    @property
    def name(self) -> str:
        """In words."""
        if self.shape == BLOCK:
            return f"block of {self.items:,} transactions"
        return "1 a call" if self.items == 1 else f"{self.items:,} a call"


def loads(schemes: Sequence[str], items: Sequence[int] | None = None, *, blocks: bool = True) -> list[Load]:
    """The loads that are measured: for each scheme one signature a call, packed calls, and blocks where a ledger has
    the scheme."""
    found = []
    for scheme in schemes:
        found += [Load(scheme, "single" if n == 1 else "packed", n) for n in items or (1, *PACKED)]
        if blocks and scheme in ("sm2", "ecdsa-p256"):
            found.append(Load(scheme, BLOCK, TRANSACTIONS))
    return found


@dataclass(frozen=True)
class Cost:
    """What one call of a load costs. Seconds.

    Attributes:
        load: the load.
        kernel: in this process, with one thread: the median, of CPU time.
        service: CPU time of the service, kernel included, while it is as busy as it can be.
        client: CPU time of the generator: what callers on the same machine would take, less what serialising costs.
        lone_p50, lone_p99: latency of a caller who is alone.
        slow_rate, busy_rate, quick_rate: calls a second while it was as busy as it could be, with the callers on this
            machine: in the slowest, the middle and the quickest part of that time.
    """

    load: Load
    kernel: float
    service: float
    client: float
    lone_p50: float
    lone_p99: float
    slow_rate: float
    busy_rate: float
    quick_rate: float

    @property
    def transport(self) -> float:
        """Seconds of the service that are not the kernel's: at least a microsecond."""
        return max(self.service - self.kernel, 1e-6)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found = asdict(self)
        return {**found.pop("load"), **{name: round(value, 9) for name, value in found.items()}}


def measure_cost(load: Load, service: ServiceProcess, *, seconds: float = 1.0, seed: int = 1) -> Cost:
    """Measures a load's cost.

    Args:
        load: what is sent.
        service: runs, and has nothing else to do.
        seconds: of the busy part; the others take a part of it.
        seed: of the data.

    Raises:
        AssertionError: an answer was wrong, or there were none.
    """
    most = {"single": 4096, "packed": max(8192, 8 * load.items), BLOCK: load.items}[load.shape]
    callers = {"single": 64, "packed": 8, BLOCK: 4}[load.shape]
    scenario = Scenario(
        scheme=load.scheme, shape=load.shape, items=load.items, callers=1, pool=most, seed=seed, timeout=60.0,
    )  # fmt: skip
    traffic = Traffic(scenario)
    access = Access(service.target)
    kernel = _kernel(traffic, seconds / 4)
    # Long enough for some calls, however large they are.
    scenario = replace(scenario, seconds=max(seconds / 2, 20 * kernel), warmup=max(seconds / 10, 2 * kernel))
    alone = run_answered(access, scenario, traffic)
    before = service.usage().cpu
    part = replace(scenario, callers=callers, seconds=max(seconds, 20 * kernel) / _PARTS, warmup=0.0)
    busy = [run_answered(access, part, traffic) for _ in range(_PARTS)]
    spent = service.usage().cpu - before
    calls = sum(one.counts["answered"] for one in busy)
    slow, middle, quick = sorted(one.requests_per_second for one in busy)
    return Cost(
        load, kernel, spent / calls, sum(one.generator_cpu for one in busy) / calls, alone.latency.percentile(50),
        alone.latency.percentile(99), slow, middle, quick,
    )  # fmt: skip


def run_answered(access: Access, scenario: Scenario, traffic: Traffic) -> Outcome:
    """The outcome of a run that has answers, all of them right: where none came in its time, the next try takes twice
    as long. AssertionError where that does not help."""
    for _ in range(_TRIES):
        outcome = run_scenario(access, scenario, traffic)
        if outcome.counts["answered"] and not outcome.counts["wrong"]:
            return outcome
        if outcome.counts:
            break
        scenario = replace(scenario, seconds=2 * scenario.seconds)
    raise AssertionError(f"{scenario.shape}, {scenario.scheme}: {dict(outcome.counts) or 'nothing was answered'}")


def _kernel(traffic: Traffic, seconds: float) -> float:
    """The median CPU time of a request's work in this process, by one thread, with keys that are new: as in the
    service."""
    times: list[float] = []
    with without_key_cache():
        traffic.work(0)
        while len(times) < _LEAST_CALLS or sum(times) < seconds:
            begun = time.thread_time()
            traffic.work(len(times))
            times.append(time.thread_time() - begun)
    return statistics.median(times)
