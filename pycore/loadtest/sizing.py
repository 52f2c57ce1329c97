"""How much a machine carries while 99 of 100 callers wait no longer than they may: measured costs, and a model.

The model, for a load of which a call costs the service `service` CPU seconds (its kernel and its transport), and its
caller `client`:

    CPUs        those that the service, and callers on the same machine, really had while it was as busy as it could
                be: `slow_rate` times what a call costs both, and no more than there are. Schedulers leave threads of a
                process on one CPU, other programs take some, and a vCPU is not always a CPU
    capacity    the smaller of CPUs / service (all of them busy; with callers on the same machine, their CPU time is
                added) and processes / transport (an event loop takes the calls of its process one by one)
    waiting     of calls that come by themselves (Poisson) at a share r of the capacity: Erlang's C says how many wait
                at all, and they wait longer than t with the probability exp(-t * servers * (1 - r) / service)
    p99         the 99th percentile of a caller who is alone, plus that of the waiting

The most that is carried is the largest r whose p99 is within the bound. Kernels take nearly the same time each, so the
waiting is on the safe side. One run at the predicted rate shows how good the model is here and now. Its 99th percentile
is to lie between what the model gives for the slowest part of the measurement, which is the bound at most, and what the
same arrivals wait in a queue whose calls take equal times, as long as in the quickest part.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.loadtest.arrivals import due_times
from pycore.loadtest.engine import run_scenario
from pycore.loadtest.measuring import Cost
from pycore.loadtest.plot import Line, Panel, draw
from pycore.loadtest.process import ServiceProcess, measured_use
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import BLOCK, CEILINGS, Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic

__all__ = ["COLUMNS", "Answer", "Machine", "Validation", "chart", "erlang_c", "queued", "validate"]

COLUMNS = ("scheme", "sent", "kernel us", "service us", "alone p99 ms", "items/s", "with clients here", "limit")
_MOST_SHARE = 0.98  # nothing is planned closer to its capacity


@dataclass(frozen=True)
class Machine:
    """What there is.

    Attributes:
        cores: CPUs of the service.
        processes: service processes.
        shared: clients run on the same CPUs.
        apart: when costs were measured, clients did not.
    """

    cores: int
    processes: int = 1
    shared: bool = False
    apart: bool = False

    def cpus(self, cost: Cost, rate: float | None = None) -> float:
        """CPUs that it really has, from calls a second while it was as busy as can be: by default in the slowest part
        of that time."""
        busy = cost.slow_rate if rate is None else rate
        return min(float(self.cores), busy * (cost.service + (0.0 if self.apart else cost.client)))

    def capacity(self, cost: Cost, rate: float | None = None) -> float:
        """Calls a second that keep it wholly busy. `rate` as for `cpus`."""
        return min(self.cpus(cost, rate) / self._each(cost), self.processes / cost.transport)

    def _each(self, cost: Cost) -> float:
        return cost.service + (cost.client if self.shared else 0.0)

    def limit(self, cost: Cost) -> str:
        """The resource that is used up first."""
        return "cores" if self.cpus(cost) / self._each(cost) <= self.processes / cost.transport else "event loop"

    def servers(self, cost: Cost) -> int:
        """Calls that are served at once where all are busy."""
        return self.cores if self.limit(cost) == "cores" else self.processes

    def p99(self, cost: Cost, rate: float) -> float:
        """The predicted 99th percentile at a rate of calls a second; infinite at the capacity and above."""
        share = rate / self.capacity(cost)
        if share >= 1:
            return math.inf
        servers = self.servers(cost)
        each = servers / self.capacity(cost)
        waits = erlang_c(servers, share * servers)
        waiting = max(0.0, math.log(100 * waits)) * each / (servers * (1 - share)) if waits > 0 else 0.0
        return cost.lone_p99 + waiting

    def least_p99(self, cost: Cost, due: NDArray[np.float64], after: float = 0.0) -> float:
        """The 99th percentile of calls that are due at these times, in ascending order, those before `after` aside,
        where each takes equally long, and the machine is as quick as it was at best. 0 without calls."""
        servers = self.servers(cost)
        each = servers / self.capacity(cost, cost.quick_rate)
        waits = queued(due, servers, each)[due >= after]
        return cost.lone_p50 + float(np.percentile(waits, 99, method="higher")) if len(waits) else 0.0

    def most(self, cost: Cost, bound: float) -> float:
        """The largest rate of calls whose predicted 99th percentile is within `bound` seconds; 0 where none is."""
        low, high = 0.0, _MOST_SHARE * self.capacity(cost)
        if self.p99(cost, low) > bound:
            return 0.0
        if self.p99(cost, high) <= bound:
            return high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.p99(cost, middle) <= bound else (low, middle)
        return low


def queued(due: NDArray[np.float64], servers: int, each: float) -> NDArray[np.float64]:
    """How long calls wait that are due at these times, in ascending order, for one of so many servers, which takes
    `each` seconds for a call.

    >>> queued(np.array([0.0, 0.0, 1.0, 5.0]), 1, 2.0).tolist()
    [0.0, 2.0, 3.0, 1.0]
    """
    free = [0.0] * servers  # when each has done what it has: always a heap
    waits = np.zeros(len(due))
    for i, at in enumerate(due.tolist()):
        begun = max(at, free[0])
        heapq.heapreplace(free, begun + each)
        waits[i] = begun - at
    return waits


def erlang_c(servers: int, load: float) -> float:
    """The probability that a call finds all of `servers` busy (Erlang's C formula), for a load below their number.

    >>> round(erlang_c(1, 0.5), 6), round(erlang_c(2, 1.0), 6), erlang_c(4, 0.0)
    (0.5, 0.333333, 0.0)
    """
    if load <= 0:
        return 0.0
    blocked = 1.0  # Erlang's B, by its recursion
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    share = load / servers
    return blocked / (1 - share * (1 - blocked))


@dataclass(frozen=True)
class Answer:
    """How much of a load a machine carries.

    Attributes:
        cost: of the load.
        rate: items a second with the clients elsewhere. shared: with the clients on the same machine.
        limit: what is used up first.
    """

    cost: Cost
    rate: float
    shared: float
    limit: str

    @classmethod
    def of(cls, cost: Cost, machine: Machine, bound: float) -> Answer:
        """Of a load under a bound for the 99th percentile, in seconds."""
        here = replace(machine, shared=True)
        n = cost.load.items
        return cls(cost, n * machine.most(cost, bound), n * here.most(cost, bound), machine.limit(cost))

    def cells(self) -> tuple[str, ...]:
        """The line under `COLUMNS`."""
        cost = self.cost
        rates = [f"{rate:,.0f}" if rate else "none" for rate in (self.rate, self.shared)]
        return (
            cost.load.scheme, cost.load.name, f"{cost.kernel * 1e6:,.0f}", f"{cost.service * 1e6:,.0f}",
            f"{cost.lone_p99 * 1e3:,.2f}", *rates, self.limit,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **self.cost.to_dict(), "items_per_second": round(self.rate), "limit": self.limit,
            "items_per_second_with_clients_here": round(self.shared),
        }  # fmt: skip


@dataclass(frozen=True)
class Validation:
    """One run at the rate that the model gives, with the clients where they are: on this machine.

    Attributes:
        cost: of the load.
        rate: calls a second that were due.
        low, predicted: seconds, between which the 99th percentile is to lie; the second is the model's.
        cpus: those that the model says the service had, with callers on the same CPUs theirs as well.
        outcome: of the run.
    """

    cost: Cost
    rate: float
    low: float
    predicted: float
    cpus: float
    outcome: Outcome

    @property
    def measured(self) -> float:
        """Seconds, the run's 99th percentile."""
        return self.outcome.latency.percentile(99)

    @property
    def verdict(self) -> str:
        """Where the measured one lies: "inside", "below" or "above"."""
        return "below" if self.measured < self.low else "inside" if self.measured <= self.predicted else "above"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scheme": self.cost.load.scheme, "sent": self.cost.load.name, "calls_per_second_due": round(self.rate, 1),
            "calls_per_second_answered": round(self.outcome.requests_per_second, 1),
            "least_p99_ms": round(self.low * 1e3, 3), "predicted_p99_ms": round(self.predicted * 1e3, 3),
            "cpus": round(self.cpus, 2), "measured_is": self.verdict, "measured_p99_ms": round(self.measured * 1e3, 3),
            "measured_to_predicted": round(self.measured / self.predicted, 3),
            "run": self.outcome.to_dict(),
        }  # fmt: skip


def validate(
    cost: Cost, machine: Machine, bound: float, service: ServiceProcess, *, seconds: float = 5.0, seed: int = 1
) -> Validation | None:
    """Runs a load at the rate that the model gives for a bound, and measures. None where the model says that no rate
    keeps the bound.

    Args:
        cost: of the load.
        machine: as the clients' process finds it: `shared` where they have the same CPUs.
        bound: seconds, for the 99th percentile.
        service: ours.
        seconds: length of the run.
        seed: of data and arrivals.
    """
    rate = min(machine.most(cost, bound), CEILINGS["rate"])
    if not rate:
        return None
    load = cost.load
    pool = load.items if load.shape == BLOCK else max(8192, 8 * load.items)
    scenario = Scenario(
        scheme=load.scheme, shape=load.shape, items=load.items, rate=rate, callers=1000,
        connections=4, seconds=seconds, warmup=min(1.0, seconds / 4), pool=pool, seed=seed, timeout=30.0,
    )  # fmt: skip
    traffic = Traffic(scenario)
    with measured_use(service) as use:
        outcome = run_scenario(Access(service.target), scenario, traffic)
    outcome.service_use = use
    due = due_times(scenario.arrivals, rate, scenario.seconds + scenario.warmup, seed)
    predicted = machine.p99(cost, rate)
    low = min(machine.least_p99(cost, due, scenario.warmup), predicted)
    return Validation(cost, rate, low, predicted, machine.cpus(cost), outcome)


def chart(answers: Sequence[Answer], machine: Machine, bound: float, validation: Validation | None) -> str:
    """The answers as an SVG."""
    packed = [one for one in answers if one.cost.load.shape != BLOCK]
    schemes = list(dict.fromkeys(one.cost.load.scheme for one in packed))[:5]
    lines = [
        Line(
            scheme,
            [(one.cost.load.items, max(one.rate, 1.0)) for one in packed if one.cost.load.scheme == scheme],
            dots=True,
        )
        for scheme in schemes
    ]
    sizes = sorted({one.cost.load.items for one in packed})
    ticks = [(float(n), f"{n:,}") for n in sizes]
    panels = [
        Panel(
            f"Signatures a second with p99 within {bound * 1e3:g} ms, clients elsewhere", "signatures of a call",
            "a second", lines, x_log=len(sizes) > 1, y_log=True, x_ticks=ticks,
        )
    ]  # fmt: skip
    words = f"{machine.cores} cores. " + "; ".join(
        f"{one.cost.load.scheme}, {one.cost.load.name}: {one.rate:,.0f} a second" for one in answers
    )
    if validation is not None:
        here = replace(machine, shared=not machine.apart)
        capacity = here.capacity(validation.cost)
        shares = [0.02 * i for i in range(1, 49)]
        model = [(100 * share, here.p99(validation.cost, share * capacity) * 1e3) for share in shares]
        dot = (100 * validation.rate / capacity, validation.measured * 1e3)
        title = f"The model and one run: {validation.cost.load.scheme}, {validation.cost.load.name}, clients here"
        panels.append(
            Panel(
                title, "% of the capacity", "p99, ms", [Line("model", model), Line("run", [dot], dots=True)], y_log=True
            )
        )
        words += f". One run at {dot[0]:.0f} % of the capacity had a 99th percentile of {dot[1]:.1f} ms."
    return draw(f"pycore size: p99 within {bound * 1e3:g} ms", words, panels)
