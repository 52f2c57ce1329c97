"""Figures of the service for Prometheus, through `prometheus-client`; the service answers them on another address.

Every name begins with `pycore_`. Labels have few values, whatever is sent: RPCs and kinds of work are this service's,
clients are those of the access file, schemes, hashes and chains are recorded once work of theirs was done.

    pycore_calls_total{rpc, code}                       calls that ended, by gRPC status
    pycore_call_seconds{rpc}                            histogram: a call from its first byte to its last
    pycore_calls_open                                   calls and streams open now
    pycore_work_items{kind}                             histogram: items of one piece of work
    pycore_queue_seconds, pycore_work_seconds{kind}     histograms: waiting for a worker; computing
    pycore_verdicts_total{what, verdict}                signatures by scheme, blocks and transactions by chain
    pycore_refusals_total{reason, client}               calls that were not taken
    pycore_inflight_requests, _items, _bytes            admitted, waiting or running
    pycore_workers, pycore_workers_busy                 threads that compute
    pycore_key_cache_hits_total, _misses_total, _bytes  the cache of keys
    pycore_build_info{version, backend}                 1
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pycore.base.backends import capabilities
from pycore.base.report import BlockReport, Report
from pycore.base.verdicts import Verdict, Verdicts
from pycore.service.interceptors import Handler, like
from pycore.service.work import Work
from pycore.signatures.keycache import key_cache_stats
from pycore.wire.errors import to_code

if TYPE_CHECKING:
    from pycore.service.admission import Admission

__all__ = ["Metrics", "serve_metrics"]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ITEMS = tuple(4**power for power in range(11))


class Metrics:
    """The counters. Any thread may count.

    Args:
        registry: where the figures are registered; a fresh one for each server of a process.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()
        self._calls = Counter("pycore_calls", "Calls that ended, by status.", ("rpc", "code"), registry=registry)
        self._seconds = Histogram(
            "pycore_call_seconds", "A call, from its start to its end.", ("rpc",), buckets=_SECONDS, registry=registry
        )
        self._open = Gauge("pycore_calls_open", "Calls and streams open now.", registry=registry)
        self._items = Histogram(
            "pycore_work_items", "Items of a piece of work.", ("kind",), buckets=_ITEMS, registry=registry
        )
        self._queue = Histogram(
            "pycore_queue_seconds", "Work waiting for a worker.", buckets=_SECONDS, registry=registry
        )
        self._work = Histogram(
            "pycore_work_seconds", "Work on a worker.", ("kind",), buckets=_SECONDS, registry=registry
        )
        self._verdicts = Counter(
            "pycore_verdicts", "Items that were judged, by scheme or chain.", ("what", "verdict"), registry=registry
        )
        self._refusals = Counter(
            "pycore_refusals", "Calls that were not taken.", ("reason", "client"), registry=registry
        )
        build = Gauge(
            "pycore_build_info", "The build and its fastest backend.", ("version", "backend"), registry=registry
        )
        found = capabilities()
        build.labels(found.version, next((row.name for row in found.backends if row.usable), "none")).set(1)

    def watch(self, admission: Admission) -> None:
        """Shows what is in flight as well. Read by the scraping thread: numbers of one moment each."""
        self.registry.register(_Moment(admission))

    # ---- calls -------------------------------------------------------------------------------------------------------

    def around(self, handler: Handler, rpc: str) -> Handler:
        """The handler of an RPC, counted. It must be the outermost: what is raised here has a status already."""
        if handler.stream_stream:
            return like(handler, self._streaming(handler.stream_stream, rpc))
        return like(handler, self._single(handler.unary_unary or handler.stream_unary, rpc))

    def _single(self, behaviour: Any, rpc: str) -> Any:
        async def answer(request: Any, context: Any) -> Any:
            with self._counted(context, rpc):
                return await behaviour(request, context)

        return answer

    def _streaming(self, behaviour: Any, rpc: str) -> Any:
        async def answer(requests: Any, context: Any) -> AsyncIterator[Any]:
            with self._counted(context, rpc):
                async with aclosing(behaviour(requests, context)) as answers:
                    async for one in answers:
                        yield one

        return answer

    @contextmanager
    def _counted(self, context: Any, rpc: str) -> Iterator[None]:
        began = time.perf_counter()
        self._open.inc()
        code = "CANCELLED"  # the only end that is neither an answer nor a status
        try:
            yield
            code = "OK"
        except Exception:
            code = to_code(context.code()).name
            raise
        finally:
            self._open.dec()
            self._seconds.labels(rpc).observe(time.perf_counter() - began)
            self._calls.labels(rpc, code).inc()

    def refused(self, reason: str, client: str) -> None:
        """A call of a client was not taken; "" where nobody knows whose it was."""
        self._refusals.labels(reason, client).inc()

    # ---- work --------------------------------------------------------------------------------------------------------

    def waited(self, seconds: float) -> None:
        """Work has come to a worker."""
        self._queue.observe(seconds)

    def worked(self, work: Work, result: Any, seconds: float) -> None:
        """Work is done."""
        self._work.labels(work.kind).observe(seconds)
        self._items.labels(work.kind).observe(work.n)
        for what, verdicts in _judged(work, result):
            for verdict, count in verdicts:
                self._verdicts.labels(what, verdict).inc(count)


_Judged = tuple[str, "list[tuple[str, int]]"]


def _judged(work: Work, result: Any) -> Iterator[_Judged]:
    """Who or what was judged, and how many of each verdict."""
    if isinstance(result, Verdicts):
        yield str(getattr(work.options, "scheme", work.kind)), _counts(result)
    elif isinstance(result, BlockReport):
        yield f"{result.chain} block", [("VALID" if result.valid else "INVALID", 1)]
        yield f"{result.chain} transaction", _counts(result.transactions)
    elif isinstance(result, Report):
        yield result.chain, [("VALID" if result.valid else "INVALID", 1)]
    elif isinstance(result, tuple):
        for part in result:
            yield from _judged(work, part)
    elif isinstance(result, list) and result and hasattr(result[0], "report"):
        for one in result:
            yield from _judged(work, one.report)


def _counts(verdicts: Verdicts) -> list[tuple[str, int]]:
    found: dict[Verdict, int] = verdicts.counts()
    return [(verdict.name, count) for verdict, count in found.items()]


class _Moment:
    """Figures that are asked for when they are scraped."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """As `prometheus_client` asks."""
        load, workers = self._admission.load, self._admission.workers
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


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16


class _Quiet(WSGIRequestHandler):
    timeout = 5  # seconds, for whoever connects and says nothing

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a scrape is no event."""


def serve_metrics(metrics: Metrics, address: str, ready: Callable[[], bool]) -> tuple[int, Callable[[], None]]:
    """Serves from a thread, over HTTP: the figures at ``/metrics``; ``/healthz``, 200 while the process answers; and
    ``/readyz``, 200 or 503 as `ready` says.

    Returns:
        The port, and what ends it.

    Raises:
        OSError: the address cannot be bound.
    """
    figures = make_wsgi_app(metrics.registry, disable_compression=True)

    def application(environment: dict[str, Any], start: Any) -> Any:
        path = environment["PATH_INFO"]
        if path == "/metrics":
            return figures(environment, start)
        status = {"/healthz": True, "/readyz": path == "/readyz" and ready()}.get(path)
        words = "404 Not Found" if status is None else "200 OK" if status else "503 Service Unavailable"
        start(words, [("Content-Type", "text/plain")])
        return [words.encode() + b"\n"]

    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    kind = type("_Server", (_Threading,), {"address_family": socket.AF_INET6 if ":" in host else socket.AF_INET})
    server: WSGIServer = make_server(host, int(port), application, kind, _Quiet)
    thread = threading.Thread(target=server.serve_forever, name="pycore-metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return int(server.server_address[1]), stop
