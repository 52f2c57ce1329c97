"""How much a machine carries while 99 of 100 callers wait no longer than they may: measured costs, and a model.

The model, for a load of which a call costs the service `service` CPU seconds (its kernel and its transport):

    capacity    the smaller of cores / service (all cores busy) and processes / transport (an event loop takes the
                calls of its process one by one); where callers are on the same machine, their CPU time is added
    waiting     of calls that come by themselves (Poisson) at a share r of the capacity: Erlang's C says how many wait
                at all, and they wait longer than t with the probability exp(-t * cores * (1 - r) / service)
    p99         the 99th percentile of a caller who is alone, plus that of the waiting

The most that is carried is the largest r whose p99 is within the bound. Kernels take nearly the same time each, so the
waiting is on the safe side; what a machine does besides is not in it. One run at the predicted rate shows how far off
the model is here and now.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pycore.loadtest.engine import run_scenario
from pycore.loadtest.measuring import Cost
from pycore.loadtest.plot import Line, Panel, draw
from pycore.loadtest.process import ServiceProcess, measured_use
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import BLOCK, CEILINGS, Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic

__all__ = ["COLUMNS", "Answer", "Machine", "Validation", "chart", "validate"]

COLUMNS = ("scheme", "sent", "kernel us", "service us", "alone p99 ms", "items/s", "with clients here", "limit")
_MOST_SHARE = 0.98  # nothing is planned closer to its capacity


@dataclass(frozen=True)
class Machine:
    """What there is.

    Attributes:
        cores: CPUs of the service.
        processes: service processes.
        shared: clients run on the same CPUs.
    """

    cores: int
    processes: int = 1
    shared: bool = False

    def capacity(self, cost: Cost) -> float:
        """Calls a second that keep it wholly busy."""
        each = cost.service + (cost.client if self.shared else 0.0)
        return min(self.cores / each, self.processes / cost.transport)

    def limit(self, cost: Cost) -> str:
        """The resource that is used up first."""
        each = cost.service + (cost.client if self.shared else 0.0)
        return "cores" if self.cores / each <= self.processes / cost.transport else "event loop"

    def p99(self, cost: Cost, rate: float) -> float:
        """The predicted 99th percentile at a rate of calls a second; infinite at the capacity and above."""
        share = rate / self.capacity(cost)
        if share >= 1:
            return math.inf
        each = self.cores / self.capacity(cost)
        waits = erlang_c(self.cores, share * self.cores)
        waiting = max(0.0, math.log(100 * waits)) * each / (self.cores * (1 - share)) if waits > 0 else 0.0
        return cost.lone_p99 + waiting

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
        here = Machine(machine.cores, machine.processes, shared=True)
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
        predicted: seconds, the model's 99th percentile.
        outcome: of the run.
    """

    cost: Cost
    rate: float
    predicted: float
    outcome: Outcome

    @property
    def measured(self) -> float:
        """Seconds, the run's 99th percentile."""
        return self.outcome.latency.percentile(99)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scheme": self.cost.load.scheme, "sent": self.cost.load.name, "calls_per_second_due": round(self.rate, 1),
            "calls_per_second_answered": round(self.outcome.requests_per_second, 1),
            "predicted_p99_ms": round(self.predicted * 1e3, 3), "measured_p99_ms": round(self.measured * 1e3, 3),
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
    rate = machine.most(cost, bound)
    if not rate:
        return None
    load = cost.load
    pool = load.items if load.shape == BLOCK else max(8192, 8 * load.items)
    scenario = Scenario(
        scheme=load.scheme, shape=load.shape, items=load.items, rate=min(rate, CEILINGS["rate"]), callers=1000,
        connections=4, seconds=seconds, warmup=min(1.0, seconds / 4), pool=pool, seed=seed, timeout=30.0,
    )  # fmt: skip
    traffic = Traffic(scenario)
    with measured_use(service) as use:
        outcome = run_scenario(Access(service.target), scenario, traffic)
    outcome.service_use = use
    return Validation(cost, rate, machine.p99(cost, rate), outcome)


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
        here = Machine(machine.cores, machine.processes, shared=True)
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
