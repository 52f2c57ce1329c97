"""Figures of the service for Prometheus, through `prometheus-client`; the service answers them on another address.

Every name begins with `pycore_`, except those of the process itself (`process_resident_memory_bytes` and the like, as
everywhere). Labels have few values, whatever is sent: RPCs and kinds of work are this service's, clients are those of
the access file, schemes, hashes and chains are recorded once work of theirs was done.

    pycore_calls_total{rpc, code}                       calls that ended, by gRPC status
    pycore_call_seconds{rpc}                            histogram: a call from its first byte to its last
    pycore_calls_open                                   calls and streams open now
    pycore_work_items{kind}                             histogram: items of one piece of work
    pycore_queue_seconds, pycore_work_seconds{kind}     histograms: waiting for a worker; computing
    pycore_hold_seconds, pycore_joined_requests         histograms: small requests waiting for others; done together
    pycore_verdicts_total{what, verdict}                signatures by scheme, blocks and transactions by chain
    pycore_kernel_seconds_total{what}                   seconds of that work
    pycore_refusals_total{reason, client}               calls that were not taken
    pycore_inflight_requests, _items, _bytes            admitted, waiting or running
    pycore_workers, pycore_workers_busy                 threads that compute
    pycore_key_cache_hits_total, _misses_total, _bytes  the cache of keys
    pycore_certificate_expiry_timestamp_seconds         when the certificate ends, in seconds since 1970
    pycore_backend_usable{backend}                      whether a backend runs here
    pycore_backend_active{algorithm, backend}           1 for the one that batches of 1,024 take
    pycore_build_info{version, backend}                 1
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from pycore.base.backends import capabilities
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdict, Verdicts
from pycore.service.http import Answer, HttpServer, Route
from pycore.service.request_ids import current_request
from pycore.service.tls import validity
from pycore.service.work import Work
from pycore.signatures.keycache import key_cache_stats

if TYPE_CHECKING:
    from pycore.service.admission import Admission

__all__ = ["BOUNDS_S", "Metrics", "Refusal", "Totals", "certificate_expiry", "judged", "serve_metrics"]

BOUNDS_S: tuple[float, ...] = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the buckets of seconds; one without a bound follows."""
_ITEMS = tuple(4**power for power in range(11))
_REQUESTS = tuple(2**power for power in range(11))
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_MOST_RECENT = 50


@dataclass(frozen=True)
class Refusal:
    """A call that was not taken: when (seconds since 1970), why, whose, and which."""

    time: float
    reason: str
    client: str
    rpc: str
    peer: str
    request_id: str


@dataclass
class Totals:
    """Counters of one moment, by the values of their labels, and the cumulative buckets of histograms."""

    calls: dict[tuple[str, ...], float] = field(default_factory=dict)
    verdicts: dict[tuple[str, ...], float] = field(default_factory=dict)
    refusals: dict[tuple[str, ...], float] = field(default_factory=dict)
    kernel_seconds: dict[tuple[str, ...], float] = field(default_factory=dict)
    work_seconds: dict[tuple[str, ...], float] = field(default_factory=dict)
    call_seconds: dict[tuple[str, ...], list[float]] = field(default_factory=dict)
    queue_seconds: dict[tuple[str, ...], list[float]] = field(default_factory=dict)


class Metrics:
    """The counters. Any thread may count.

    Args:
        registry: where the figures are registered; a fresh one for each server of a process.

    Attributes:
        registry: the same.
        recent: the last calls that were not taken, oldest first.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()
        self._calls = Counter("pycore_calls", "Calls that ended, by status.", ("rpc", "code"), registry=registry)
        self._seconds = Histogram(
            "pycore_call_seconds", "A call, from its start to its end.", ("rpc",), buckets=BOUNDS_S, registry=registry
        )
        self._ended: dict[tuple[str, str], tuple[Any, Any]] = {}  # what to count for each way to end
        self._open = Gauge("pycore_calls_open", "Calls and streams open now.", registry=registry)
        self._items = Histogram(
            "pycore_work_items", "Items of a piece of work.", ("kind",), buckets=_ITEMS, registry=registry
        )
        self._queue = Histogram(
            "pycore_queue_seconds", "Work waiting for a worker.", buckets=BOUNDS_S, registry=registry
        )
        self._work = Histogram(
            "pycore_work_seconds", "Work on a worker.", ("kind",), buckets=BOUNDS_S, registry=registry
        )
        self._verdicts = Counter(
            "pycore_verdicts", "Items that were judged, by scheme or chain.", ("what", "verdict"), registry=registry
        )
        self._kernel = Counter(
            "pycore_kernel_seconds", "Seconds of work, by scheme or chain.", ("what",), registry=registry
        )
        self._hold = Histogram(
            "pycore_hold_seconds", "Small requests waiting for others.", buckets=BOUNDS_S, registry=registry
        )
        self._joined = Histogram(
            "pycore_joined_requests", "Small requests done together.", buckets=_REQUESTS, registry=registry
        )
        # Found by their labels at each piece of work; `labels` itself would check them and take a lock each time.
        self._work_of, self._items_of = cache(self._work.labels), cache(self._items.labels)
        self._kernel_of, self._verdicts_of = cache(self._kernel.labels), cache(self._verdicts.labels)
        self._refusals = Counter(
            "pycore_refusals", "Calls that were not taken.", ("reason", "client"), registry=registry
        )
        self._refusals_of = cache(self._refusals.labels)
        build = Gauge(
            "pycore_build_info", "The build and its fastest backend.", ("version", "backend"), registry=registry
        )
        found = capabilities()
        build.labels(found.version, next((row.name for row in found.backends if row.usable), "none")).set(1)
        usable = Gauge("pycore_backend_usable", "Whether a backend runs here.", ("backend",), registry=registry)
        for row in found.backends:
            usable.labels(row.name).set(row.usable)
        active = Gauge(
            "pycore_backend_active", "The backend that large batches take.", ("algorithm", "backend"), registry=registry
        )
        for algorithm, name in found.active.items():
            active.labels(algorithm, name).set(1)
        ProcessCollector(registry=registry)
        self.recent: deque[Refusal] = deque(maxlen=_MOST_RECENT)

    def watch(self, admission: Admission) -> None:
        """Shows what is in flight as well. Read by the scraping thread: numbers of one moment each."""
        self.show(lambda: _moment(admission))

    def show(self, figures: Callable[[], Iterable[Metric]]) -> None:
        """Shows figures that are asked for when they are scraped, by another thread than the service's."""
        self.registry.register(_Asked(figures))

    # ---- calls -------------------------------------------------------------------------------------------------------

    def began(self) -> None:
        """A call has begun."""
        self._open.inc()

    def ended(self, rpc: str, code: str, seconds: float) -> None:
        """A call that began has ended, with a status."""
        self._open.dec()
        self._count(rpc, code, seconds)

    def turned_away(self, rpc: str, code: str) -> None:
        """A call has ended before it began."""
        self._count(rpc, code, 0.0)

    def _count(self, rpc: str, code: str, seconds: float) -> None:
        found = self._ended.get((rpc, code))
        if found is None:
            found = self._ended[rpc, code] = self._seconds.labels(rpc), self._calls.labels(rpc, code)
        found[0].observe(seconds)
        found[1].inc()

    def refused(self, reason: str, client: str, rpc: str = "", peer: str = "") -> None:
        """A call of a client was not taken; "" where nobody knows whose it was. `peer`: where it came from."""
        self._refusals_of(reason, client).inc()
        one = current_request.get()
        self.recent.append(Refusal(time.time(), reason, client, rpc, peer, one.id if one else ""))

    def totals(self) -> Totals:
        """The counters now."""
        found = Totals()
        for sample in next(iter(self._work.collect())).samples:
            if sample.name.endswith("_sum"):
                found.work_seconds[tuple(sample.labels.values())] = sample.value
        for family in (*self._calls.collect(), *self._verdicts.collect(), *self._refusals.collect(),
                       *self._kernel.collect(), *self._seconds.collect(), *self._queue.collect()):  # fmt: skip
            for sample in family.samples:
                values = tuple(sample.labels.values())
                if sample.name.endswith("_total"):
                    getattr(found, family.name.removeprefix("pycore_"))[values] = sample.value
                elif sample.name.endswith("_bucket"):
                    rows = found.call_seconds if len(values) == 2 else found.queue_seconds
                    rows.setdefault(values[:-1], []).append(sample.value)
        return found

    # ---- work --------------------------------------------------------------------------------------------------------

    def waited(self, seconds: float) -> None:
        """Work has come to a worker."""
        self._queue.observe(seconds)

    def held(self, seconds: float) -> None:
        """A small request has waited for others before its work went to the workers."""
        self._hold.observe(seconds)

    def joined(self, requests: int) -> None:
        """Small requests are done together; also where it is one."""
        self._joined.observe(requests)

    def worked(self, work: Work, seconds: float, judgements: Sequence[Judged]) -> None:
        """Work is done, and this is what was judged."""
        self._work_of(work.kind).observe(seconds)
        self._items_of(work.kind).observe(work.n)
        if judgements:
            self._kernel_of(judgements[0][0]).inc(seconds)
        for what, verdicts in judgements:
            for verdict, count in verdicts:
                self._verdicts_of(what, verdict).inc(count)


Judged = tuple[str, "list[tuple[str, int]]"]
"""What was judged, a scheme or a chain, and how many got each verdict."""


def judged(work: Work, result: Any) -> Iterator[Judged]:
    """Schemes and chains that were judged, and how many of each verdict. The names are those of the registry."""
    if isinstance(result, Verdicts):
        yield str(getattr(work.options, "scheme", work.kind)), _counts(result)
    elif isinstance(result, BlockReport):
        yield f"{result.chain} block", [("VALID" if result.valid else "INVALID", 1)]
        yield f"{result.chain} transaction", _counts(result.transactions)
    elif isinstance(result, Report):
        yield result.chain, [("VALID" if result.valid else "INVALID", 1)]
    elif isinstance(result, tuple):
        for part in result:
            yield from judged(work, part)
    elif isinstance(result, list) and result and hasattr(result[0], "report"):
        for one in result:
            yield from judged(work, one.report)


def _counts(verdicts: Verdicts) -> list[tuple[str, int]]:
    found: dict[Verdict, int] = verdicts.counts()
    return [(verdict.name, count) for verdict, count in found.items()]


class _Asked:
    """A collector as `prometheus_client` asks it."""

    def __init__(self, figures: Callable[[], Iterable[Metric]]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """The figures now."""
        return self._figures()


def _moment(admission: Admission) -> Iterator[Metric]:
    load, workers = admission.load, admission.workers
    cache = key_cache_stats()
    for name, words, value in (
        ("pycore_inflight_requests", "Requests waiting or running.", load.requests),
        ("pycore_inflight_items", "Items waiting or running.", load.items),
        ("pycore_inflight_bytes", "Request bytes waiting or running.", load.nbytes),
        ("pycore_workers", "Threads that compute.", workers.size),
        ("pycore_workers_busy", "Threads that compute now.", len(workers.running())),
        ("pycore_key_cache_bytes", "Bytes of the tables of keys.", cache.nbytes),
    ):
        yield GaugeMetricFamily(name, words, value=value)
    for name, words, value in (
        ("pycore_key_cache_hits", "Items verified by a table of their key.", cache.hits),
        ("pycore_key_cache_misses", "Items whose key had no table.", cache.misses),
    ):
        yield CounterMetricFamily(name, words, value=value)


def certificate_expiry(certificate: Path) -> Callable[[], Iterator[Metric]]:
    """A figure: when the first certificate of a PEM file ends, as seconds since 1970. Read again at each scrape, as the
    service does before each handshake; absent while the file cannot be read."""

    def figures() -> Iterator[Metric]:
        with contextlib.suppress(OSError, ValueError):
            end = validity(certificate)[1].timestamp()
            name = "pycore_certificate_expiry_timestamp_seconds"
            yield GaugeMetricFamily(name, "When the certificate ends, in seconds since 1970.", value=end)

    return figures


def serve_metrics(metrics: Metrics, address: str, ready: Callable[[], bool]) -> HttpServer:
    """Serves over HTTP, from a thread: the figures at ``/metrics``; ``/healthz``, 200 while the process answers; and
    ``/readyz``, 200 or 503 as `ready` says.

    Raises:
        OSError: the address cannot be bound.
    """

    def probe(status: bool) -> Answer:
        return Answer(200, b"200 OK\n") if status else Answer(503, b"503 Service Unavailable\n")

    routes: dict[str, Route] = {
        "/metrics": lambda _: Answer(200, generate_latest(metrics.registry), _TEXT),
        "/healthz": lambda _: probe(True),
        "/readyz": lambda _: probe(ready()),
    }
    return HttpServer(address, routes, "pycore-metrics", "metrics_address")
