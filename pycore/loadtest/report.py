"""The outcome of a run: counts, latencies, and what goes into JSON and tables."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from typing import Any

from pycore.loadtest.histogram import Histogram
from pycore.loadtest.process import busy_remarks
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.traffic import Request

__all__ = ["COLUMNS", "Outcome", "Slice", "rows"]

_SLICES = 60
_EXAMPLES = 5
LATE_S = 0.005
"""Seconds that the generator may be late at the 99th percentile before its figures are doubted."""
COLUMNS = ("what", "requests", "a second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms")


class Slice:
    """A part of a run's time: what was answered and refused of the requests that were due in it."""

    def __init__(self) -> None:
        self.latency = Histogram()
        self.items = 0
        self.refused = 0
        self.failed = 0


class Outcome:
    """The findings of a run.

    Attributes:
        scenario: what was sent.
        counts: requests by what became of them: "answered" (with the right verdicts), "wrong", "refused" (with a time
            to come back), or the name of a gRPC status.
        items: signatures or transactions that were answered rightly; `invalid_items`: those of them that were spoilt.
        latency: of the answered, from when they were due. `service`: from when they were sent.
        refusal: of the refused, from when they were sent.
        late: how long requests waited for the generator, with a caller free.
        by_priority: latencies of the answered by priority; due_by_priority, refused_by_priority: how many were due and
            refused.
        slices: the run in equal parts of `slice_seconds`.
        elapsed: seconds from the end of the warm-up to the last answer.
        generator_cpu: CPU seconds of this process, warm-up included.
        service_use: what the service used, where it is ours, and `other_cpus`, those that the rest of the machine kept
            busy meanwhile.
        unanswered: callers that were given up.
        examples: numbers of requests with a wrong answer.
        first_message: the service's words for the first call that was refused or failed, warm-up included; "" without.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.counts: collections.Counter[str] = collections.Counter()
        self.items = 0
        self.invalid_items = 0
        self.latency, self.service, self.refusal, self.late = (Histogram() for _ in range(4))
        self.by_priority: dict[str, Histogram] = {}
        self.refused_by_priority: collections.Counter[str] = collections.Counter()
        self.due_by_priority: collections.Counter[str] = collections.Counter()
        self.slice_seconds = max(1.0, scenario.seconds / _SLICES)
        self.slices = [Slice() for _ in range(math.ceil(scenario.seconds / self.slice_seconds - 1e-9))]
        self.elapsed = 0.0
        self.generator_cpu = 0.0
        self.service_use: dict[str, float] | None = None
        self.unanswered = 0
        self.examples: list[str] = []
        self.first_message = ""

    def note(
        self, what: str, request: Request, priority: str | None, intended: float, sent: float, ended: float, late: float
    ) -> None:
        """Counts a request; times in seconds from the start of the run."""
        self.counts[what] += 1
        self.late.add(late)
        if priority is not None:
            self.due_by_priority[priority] += 1
        place = int((intended - self.scenario.warmup) / self.slice_seconds)
        part = self.slices[min(place, len(self.slices) - 1)]
        if what == "answered":
            self.items += request.items
            self.invalid_items += request.invalid
            self.latency.add(ended - intended)
            self.service.add(ended - sent)
            part.latency.add(ended - intended)
            part.items += request.items
            if priority is not None:
                self.by_priority.setdefault(priority, Histogram()).add(ended - intended)
        elif what == "refused":
            self.refusal.add(ended - sent)
            part.refused += 1
            if priority is not None:
                self.refused_by_priority[priority] += 1
        else:
            part.failed += 1
            if what == "wrong" and len(self.examples) < _EXAMPLES:
                self.examples.append(f"the request that was due after {intended:.6f} s")

    @property
    def requests(self) -> int:
        """All that were due after the warm-up."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """Requests without an answer and without a time to come back."""
        return self.requests - self.counts["answered"] - self.counts["refused"] - self.counts["wrong"]

    @property
    def seconds(self) -> float:
        """The time that rates are of: a run that is answered late took longer than it was planned."""
        return max(self.elapsed, 1e-9)

    @property
    def items_per_second(self) -> float:
        """Items that were answered rightly, a second."""
        return self.items / self.seconds

    @property
    def requests_per_second(self) -> float:
        """Requests that were answered rightly, a second."""
        return self.counts["answered"] / self.seconds

    def remarks(self) -> list[str]:
        """The reasons for which a reader should doubt the figures."""
        found = []
        if self.late.percentile(99) > LATE_S:
            found.append(
                f"the generator was late by {self.late.percentile(99) * 1e3:.1f} ms at the 99th percentile: it, or the "
                "machine that it shares with the service, is the limit"
            )
        found += busy_remarks(self.service_use)
        if self.scenario.rate is None:
            found.append("a closed loop: the latencies are those of callers that wait for each answer")
        times = self.items / max(1, self.scenario.pool)
        if self.service_use is None and times > 1:
            found.append(
                f"each signature came some {times:.1f} times: a service that remembers those that were valid "
                "(verdict_cache_bytes) did not verify them again; a larger pool or a cache of 0 shows what it verifies"
            )
        if self.unanswered:
            found.append(f"{self.unanswered} callers had no answer and no error long after their deadline")
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scenario": self.scenario.to_dict(),
            "seconds": round(self.elapsed, 3),
            "requests": self.requests,
            "counts": dict(sorted(self.counts.items())),
            "items": self.items,
            "invalid_items": self.invalid_items,
            "wrong_answers": self.counts["wrong"],
            "examples": self.examples,
            "first_message": self.first_message,
            "requests_per_second": round(self.requests_per_second, 1),
            "items_per_second": round(self.items_per_second, 1),
            "latency": self.latency.to_dict(),
            "from_sending": self.service.to_dict(),
            "refusals": self.refusal.to_dict(),
            "generator_late": self.late.to_dict(),
            "by_priority": {
                name: {
                    **self.by_priority.get(name, Histogram()).to_dict(),
                    "due": self.due_by_priority[name],
                    "refused": self.refused_by_priority[name],
                }
                for name in sorted(self.due_by_priority)
            },
            "slices": {
                "seconds": self.slice_seconds,
                "answered": [one.latency.count for one in self.slices],
                "items": [one.items for one in self.slices],
                "refused": [one.refused for one in self.slices],
                "failed": [one.failed for one in self.slices],
                "p50_ms": [round(one.latency.percentile(50) * 1e3, 3) for one in self.slices],
                "p99_ms": [round(one.latency.percentile(99) * 1e3, 3) for one in self.slices],
            },
            "generator_cpu_seconds": round(self.generator_cpu, 3),
            "service": self.service_use,
            "remarks": self.remarks(),
        }


def rows(outcome: Outcome) -> list[Sequence[str]]:
    """The lines of the table under `COLUMNS`."""
    found: list[Sequence[str]] = [_row("answered", outcome.latency, outcome.seconds)]
    if outcome.scenario.rate is not None:
        found.append(_row("  from sending on", outcome.service, outcome.seconds))
    found += [_row(f"  {name}", one, outcome.seconds) for name, one in sorted(outcome.by_priority.items())]
    if outcome.refusal.count:
        found.append(_row("refused", outcome.refusal, outcome.seconds))
    others = sorted(set(outcome.counts) - {"answered", "refused"})
    found += [(name, f"{outcome.counts[name]:,}", "", "", "", "", "", "") for name in others]
    return found


def _row(name: str, latency: Histogram, seconds: float) -> tuple[str, ...]:
    shown = [latency.percentile(percent) * 1e3 for percent in (50, 90, 99, 99.9)] + [latency.maximum * 1e3]
    return (name, f"{latency.count:,}", f"{latency.count / seconds:,.0f}", *(f"{one:,.2f}" for one in shown))
