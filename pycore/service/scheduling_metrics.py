"""Figures of the queue and of the cache of verdicts, for the registry of the service's metrics.

pycore_waiting_pieces{priority}     pieces of work that wait for a worker
pycore_taken_total{priority}        pieces of work that came to a worker
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pycore.service.priorities import Priority
from pycore.service.scheduling import Scheduler

__all__ = ["QueueFigures"]


class QueueFigures:
    """Read by the scraping thread: numbers of one moment each.

    Args:
        scheduler: whose queue.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """As `prometheus_client` asks."""
        waiting = GaugeMetricFamily("pycore_waiting_pieces", "Work waiting for a worker.", labels=["priority"])
        taken = CounterMetricFamily("pycore_taken", "Work that came to a worker.", labels=["priority"])
        for priority in Priority:
            waiting.add_metric([priority.word], self._scheduler.waiting(priority))
            taken.add_metric([priority.word], self._scheduler.taken[priority])
        yield waiting
        yield taken
