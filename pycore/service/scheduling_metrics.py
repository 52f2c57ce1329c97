"""Figures of the queue and of the cache of verdicts, for the registry of the service's metrics.

pycore_waiting_pieces{priority}     pieces of work that wait for a worker
pycore_taken_total{priority}        pieces of work that came to a worker
pycore_verdict_cache_hits_total     rows of signatures that were known to be valid
pycore_verdict_cache_misses_total   rows that were looked up and not known
pycore_verdict_cache_bytes          memory that the known ones take
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pycore.service.priorities import Priority
from pycore.service.scheduling import Scheduler
from pycore.service.verdict_cache import VerdictCache

__all__ = ["QueueFigures"]


class QueueFigures:
    """Read by the scraping thread: numbers of one moment each.

    Args:
        scheduler: whose queue.
        cache: the known verdicts; None without a cache.
    """

    def __init__(self, scheduler: Scheduler, cache: VerdictCache | None = None) -> None:
        self._cache = cache
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
        if self._cache is not None:
            name = "pycore_verdict_cache"
            yield CounterMetricFamily(f"{name}_hits", "Signatures known to be valid.", value=self._cache.hits)
            yield CounterMetricFamily(f"{name}_misses", "Signatures looked up, not known.", value=self._cache.misses)
            yield GaugeMetricFamily(f"{name}_bytes", "Memory of the known ones.", value=self._cache.nbytes)
