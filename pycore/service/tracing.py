"""OpenTelemetry traces of calls and work: the extra `otel`.

    pycore.validation.v1.ValidationService/VerifySignatures   a call: continues the `traceparent` of its metadata
      queue                                                    its work waiting for a worker
      kernel                                                   its work: kind, items, scheme or chain, verdicts
    joined requests                                            small requests done together: links to their calls
      kernel

Only names and numbers of this service leave it, the name of the client, and the identifier of the call: never keys,
signatures, messages or blocks. A receiver that is slow or absent costs spans, never a call: they wait in a bounded
queue and are sent by another thread. Of one call, stream or batch at most 256 spans are made.

Where `trace_endpoint` is not set nothing of this is loaded.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pycore._version import __version__
from pycore.service.callers import current
from pycore.service.request_ids import Request, current_request
from pycore.service.work import Work
from pycore.wire.schema import SERVICE_NAME

if TYPE_CHECKING:
    from pycore.service.metrics import Judged

__all__ = ["Sampling", "Tracing", "to_receiver"]

_MOST_SPANS = 256
_PARENTS = ("traceparent", "tracestate")
_LONGEST_PARENT = 512  # characters, of either header
_FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}


class Sampling(Sampler):  # type: ignore[misc, unused-ignore] # Any where the extra is absent
    """As the caller decided; where it did not, a share of the calls; and always work that is linked to such a call."""

    def __init__(self, share: float) -> None:
        self._calls = ParentBased(TraceIdRatioBased(share))

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        """As the interface asks."""
        chosen = ALWAYS_ON if links else self._calls
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """As the interface asks."""
        return "Sampling"


class Tracing:
    """Makes spans. Any thread may call.

    Args:
        provider: where they go. It is shut down by :meth:`stop`.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("pycore.service", __version__)
        self._propagator = TraceContextTextMapPropagator()
        logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)  # it warns of what strangers send, each time

    # ---- calls -------------------------------------------------------------------------------------------------------

    def begin(self, one: Request, rpc: str, metadata: Iterable[tuple[str, Any]]) -> None:
        """Begins the span of a call, unless it is one that is not to be traced."""
        parent = self._propagator.extract(_carrier(metadata), Context())
        attributes = {"rpc.system": "grpc", "rpc.service": SERVICE_NAME, "rpc.method": rpc, "pycore.request_id": one.id}
        span = self._tracer.start_span(f"{SERVICE_NAME}/{rpc}", parent, SpanKind.SERVER, attributes)
        if span.is_recording():
            one.span, one.left = span, _MOST_SPANS

    def end(self, one: Request, code: str) -> None:
        """Ends it with the status of the call."""
        one.span.set_attribute("rpc.grpc.status_code", grpc.StatusCode[code].value[0])
        if one.left < 0:
            one.span.set_attribute("pycore.spans_left_out", -one.left)
        if code in _FAULTS:
            one.span.set_status(Status(StatusCode.ERROR, code))
        one.span.end()

    # ---- work --------------------------------------------------------------------------------------------------------

    def past(self, name: str, seconds: float, work: Work | None = None, judgements: Sequence[Judged] = ()) -> None:
        """A span, under that of the current call or batch, of what has just ended."""
        one = current_request.get()
        if one is not None and one.span is not None:
            self._past(one, name, seconds, _attributes(work, judgements) if work is not None else {})

    def _past(self, one: Request, name: str, seconds: float, attributes: dict[str, Any]) -> None:
        one.left -= 1
        if one.left < 0:
            return
        now = time.time_ns()
        began = now - max(0, int(seconds * 1e9))
        context = set_span_in_context(one.span, Context())
        self._tracer.start_span(name, context, attributes=attributes, start_time=began).end(now)

    @contextmanager
    def joined(self, requests: Sequence[tuple[Request | None, float]]) -> Iterator[None]:
        """The span of requests that are done together, if any of them is traced; their calls link to it, and it to
        them."""
        traced = [(one, waited) for one, waited in requests if one is not None and one.span is not None]
        if not traced:
            yield
            return
        links = [Link(one.span.get_span_context()) for one, _ in traced[:_MOST_SPANS]]
        span = self._tracer.start_span(
            "joined requests", Context(), attributes={"pycore.requests": len(requests)}, links=links
        )
        for one, waited in traced:
            self._past(one, "queue", waited, {})
            one.span.add_link(span.get_span_context())
            call = one.span
            call.set_attribute("pycore.joined", len(requests))
        batch = Request("", span, _MOST_SPANS)
        token = current_request.set(batch)
        try:
            yield
        finally:
            current_request.reset(token)
            span.end()

    def describe(self, work: Work, judgements: Sequence[Judged]) -> None:
        """Puts on the current call's span what its part of joined work was."""
        one = current_request.get()
        if one is not None and one.span is not None:
            one.span.set_attributes(_attributes(work, judgements))

    # ---- the end -----------------------------------------------------------------------------------------------------

    def stop(self, patience: float) -> bool:
        """Sends what waits, for so many seconds at most; whether that was enough."""
        thread = threading.Thread(target=self._provider.shutdown, name="pycore-traces", daemon=True)
        thread.start()
        thread.join(patience)
        return not thread.is_alive()


def _carrier(metadata: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """The headers of W3C Trace Context. Longer ones than theirs may be are left out: the library would log each."""
    return {
        key: value
        for key, value in metadata
        if key in _PARENTS and isinstance(value, str) and len(value) <= _LONGEST_PARENT
    }


def _attributes(work: Work, judgements: Sequence[Judged]) -> dict[str, Any]:
    found: dict[str, Any] = {"pycore.kind": work.kind, "pycore.items": work.n}
    call = current.get()
    if call is not None:
        found["pycore.client"] = call.caller.name
    if judgements:
        found["pycore.what"] = judgements[0][0]
    for what, verdicts in judgements:
        for verdict, count in verdicts:
            name = f"pycore.verdicts.{what}.{verdict}" if len(judgements) > 1 else f"pycore.verdicts.{verdict}"
            found[name] = found.get(name, 0) + count
    return found


def to_receiver(endpoint: str, share: float) -> Tracing:
    """Traces that go to an OTLP receiver over gRPC.

    The variables of OpenTelemetry's specification hold for what is not said here: OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_CERTIFICATE, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, OTEL_BSP_MAX_QUEUE_SIZE and so on.

    Args:
        endpoint: http://host:port, or https://host:port for TLS.
        share: of the calls whose caller has not decided, from 0 to 1.
    """
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "pycore"}
    resource = Resource.create({**named, "service.version": __version__, "process.pid": os.getpid()})
    provider = TracerProvider(Sampling(share), resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return Tracing(provider)
