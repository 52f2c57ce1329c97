"""Traces: what spans there are and how they hang together, and that a receiver, however bad, never hurts a call."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is absent")

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from pycore.client import ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.service.tracing import Sampling, Tracing
from pycore.testing import generate_ledger, generate_signatures
from pycore.wire.schema import METHODS, SERVICE_NAME, hash_pb2

from .conftest import METHOD, PATIENCE, Gate, wait_for_load

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = [("traceparent", f"00-{TRACE}-{PARENT}-01")]
UNSAMPLED = [("traceparent", f"00-{TRACE}-{PARENT}-00")]
HASH = hash_pb2.HashBatchRequest(algorithm="sha256", messages={"data": b"abcdef", "width": 3}).SerializeToString()
CONFIG = {"address": "127.0.0.1:0", "drain_delay": 0.0}


class Traced:
    """A service in this process whose spans stay here."""

    def __init__(self, share: float = 1.0, **settings: Any) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(Sampling(share), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._background = background(ServiceConfig(**CONFIG, **settings), tracing=Tracing(provider))

    def __enter__(self) -> Traced:
        self.server = self._background.__enter__()
        self.channel = grpc.insecure_channel(self.server.target)
        return self

    def __exit__(self, *exception: Any) -> None:
        self.channel.close()
        self._background.__exit__(*exception)

    def call(self, rpc: str, request: bytes, metadata: Any = ()) -> Any:
        return self.channel.unary_unary(METHOD + rpc)(request, metadata=metadata, timeout=PATIENCE)

    def spans(self, rpc: str, count: int = 1) -> list[ReadableSpan]:
        """The spans of so many ended calls; a span ends behind its call's status."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = list(self._exporter.get_finished_spans())
            if sum(one.name == f"{SERVICE_NAME}/{rpc}" for one in found) >= count:
                return found
            time.sleep(0.005)
        raise AssertionError(f"no {count} spans of {rpc}")


@pytest.fixture
def traced() -> Iterator[Traced]:
    with Traced() as one:
        yield one


def named(spans: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [one for one in spans if one.name == name]


def test_a_call_continues_its_callers_trace(traced: Traced) -> None:
    traced.call("HashBatch", HASH, [*SAMPLED, ("tracestate", "vendor=1"), ("x-request-id", "mine")])
    spans = traced.spans("HashBatch")
    assert {f"{one.context.trace_id:032x}" for one in spans} == {TRACE}
    (call,) = named(spans, f"{SERVICE_NAME}/HashBatch")
    assert call.parent is not None
    assert f"{call.parent.span_id:016x}" == PARENT
    assert call.context.trace_state.get("vendor") == "1"
    assert dict(call.attributes or {}) == {
        "rpc.system": "grpc",
        "rpc.service": SERVICE_NAME,
        "rpc.method": "HashBatch",
        "rpc.grpc.status_code": 0,
        "pycore.request_id": "mine",
    }
    (queue,), (kernel,) = named(spans, "queue"), named(spans, "kernel")
    for child in queue, kernel:
        assert child.parent is not None
        assert child.parent.span_id == call.context.span_id
        assert child.start_time is not None
        assert child.end_time is not None
        assert child.start_time <= child.end_time
    assert dict(kernel.attributes or {}) == {
        "pycore.kind": "HashBatch", "pycore.items": 2, "pycore.client": "anybody"
    }  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", "00-0-0-01")],
        [("traceparent", SAMPLED[0][1] + "-" + "0" * 500)],
        [("tracestate", "a=1,a=2")],
    ],
)
def test_a_call_without_a_parent_begins_a_trace(traced: Traced, headers: Any, caplog: pytest.LogCaptureFixture) -> None:
    traced.call("GetCapabilities", b"", headers)
    (call,) = named(traced.spans("GetCapabilities"), f"{SERVICE_NAME}/GetCapabilities")
    assert call.parent is None
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


def test_verdicts_and_chains_are_attributes(traced: Traced) -> None:
    keys, signatures, messages = generate_signatures("sm2", 5, seed=1)
    ledger = generate_ledger(blocks=1, txs_per_block=3, seed=1)
    with ValidationClient(traced.server.target) as client:
        client.verify_batch("sm2", keys, [*signatures[:4], bytes(64)], messages)
        client.validate_block("chainmaker", ledger.block_info(0), ledger.context_for(0))
    traced.spans("VerifySignatures")
    one, two = (dict(span.attributes or {}) for span in named(traced.spans("ValidateBlock"), "kernel"))
    assert one["pycore.what"] == "sm2"
    assert one["pycore.items"] == 5
    assert one["pycore.verdicts.VALID"] == 4
    assert sum(count for name, count in one.items() if name.startswith("pycore.verdicts.")) == 5
    assert two["pycore.what"] == "chainmaker block"
    assert two["pycore.verdicts.chainmaker transaction.VALID"] == 3


def test_no_payload_leaves(traced: Traced) -> None:
    secret = b"a message that nobody else may see"
    request = hash_pb2.HashBatchRequest(algorithm="sha256", messages={"data": secret, "width": len(secret)})
    traced.call("HashBatch", request.SerializeToString())
    with pytest.raises(grpc.RpcError):
        traced.call("HashBatch", secret)
    text = "".join(one.to_json() for one in traced.spans("HashBatch", 2))
    assert secret.decode() not in text
    assert secret.hex() not in text


def test_errors_are_statuses_and_only_faults_are_marked(traced: Traced) -> None:
    with pytest.raises(grpc.RpcError):
        traced.call("HashBatch", b"\xff")
    (refused,) = named(traced.spans("HashBatch"), f"{SERVICE_NAME}/HashBatch")
    assert (refused.attributes or {})["rpc.grpc.status_code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert refused.status.status_code is StatusCode.UNSET

    def fail(work: Any) -> Any:
        raise RuntimeError("a fault")

    traced.server.admission._execute = fail
    with pytest.raises(grpc.RpcError, match="reference"):
        traced.call("HashBatch", HASH)
    failed = named(traced.spans("HashBatch", 2), f"{SERVICE_NAME}/HashBatch")[1]
    assert failed.status.status_code is StatusCode.ERROR
    assert not failed.events  # words of an exception may hold what was sent


def test_joined_requests_and_their_batch_link_to_each_other() -> None:
    with Traced(workers=1, max_queue_delay_us=1_000_000, max_joined_items=6) as traced:
        gate = Gate(traced.server)
        gate.hold()
        with ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(traced.call, "HashBatch", HASH) for _ in range(4)]
            wait_for_load(traced.server, lambda load: load.requests == 5)
            gate.open()
            for one in calls:
                one.result(PATIENCE)
        spans = traced.spans("HashBatch", 4)
        asked = {one.context.span_id: one for one in named(spans, f"{SERVICE_NAME}/HashBatch")}
        batches = named(spans, "joined requests")
        assert batches
        linked = [link.context.span_id for batch in batches for link in batch.links]
        assert len(linked) == len(set(linked)) >= 1  # on a machine that dawdles they come one by one
        for batch in batches:
            assert batch.parent is None
            assert batch.context.trace_id not in {one.context.trace_id for one in asked.values()}
            mine = [asked[link.context.span_id] for link in batch.links]
            assert (batch.attributes or {})["pycore.requests"] == len(mine)
            for one in mine:
                assert [link.context.span_id for link in one.links] == [batch.context.span_id]
                attributes = dict(one.attributes or {})
                assert attributes["pycore.joined"] == len(mine)
                assert (attributes["pycore.kind"], attributes["pycore.items"]) == ("HashBatch", 2)
            (kernel,) = [
                one for one in named(spans, "kernel") if one.parent and one.parent.span_id == batch.context.span_id
            ]
            assert (kernel.attributes or {})["pycore.items"] == 2 * len(mine)
        waits = [one.parent.span_id for one in named(spans, "queue") if one.parent is not None]
        assert set(waits) >= set(linked)


def test_a_stream_makes_a_bounded_number_of_spans(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pycore.service.tracing._MOST_SPANS", 10)
    batch = generate_signatures("ed25519", 1, seed=1)
    with ValidationClient(traced.server.target, max_batch_items=1) as client:
        assert len(list(client.verify_stream("ed25519", [batch] * 20))) == 20
    spans = traced.spans("VerifySignatureStream")
    (stream,) = named(spans, f"{SERVICE_NAME}/VerifySignatureStream")
    assert len(spans) == 11
    assert (stream.attributes or {})["pycore.spans_left_out"] == 30


def test_callers_decide_and_the_share_is_for_the_others() -> None:
    with Traced(share=0.0) as traced:
        for metadata in [], UNSAMPLED:
            traced.call("HashBatch", HASH, metadata)
        traced.call("GetCapabilities", b"", SAMPLED)
        assert not named(traced.spans("GetCapabilities"), f"{SERVICE_NAME}/HashBatch")
    with Traced() as traced:
        traced.call("HashBatch", HASH, UNSAMPLED)
        traced.call("GetCapabilities", b"")
        assert not named(traced.spans("GetCapabilities"), f"{SERVICE_NAME}/HashBatch")


class Receiver:
    """An OTLP receiver over gRPC that keeps what it gets; or that does not answer."""

    def __init__(self, answers: bool = True) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self._answers = answers
        self._ended = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(
            self._export,
            trace_service_pb2.ExportTraceServiceRequest.FromString,
            trace_service_pb2.ExportTraceServiceResponse.SerializeToString,
        )
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _export(self, request: Any, context: Any) -> Any:
        if not self._answers:
            self._ended.wait(PATIENCE)
        self.metadata.append(dict(context.invocation_metadata()))
        self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def close(self) -> None:
        self._ended.set()
        self._server.stop(None)


def send_hashes(server: Server, count: int) -> None:
    with grpc.insecure_channel(server.target) as channel:
        for _ in range(count):
            channel.unary_unary(METHOD + "HashBatch")(HASH, metadata=SAMPLED, timeout=PATIENCE)


def test_a_real_receiver_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=a-token")
    receiver = Receiver()
    with background(ServiceConfig(**CONFIG, trace_endpoint=receiver.endpoint)) as server:
        send_hashes(server, 3)
    receiver.close()
    spans = [
        span
        for request in receiver.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(span.name for span in spans) == ["kernel"] * 3 + [f"{SERVICE_NAME}/HashBatch"] * 3 + ["queue"] * 3
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    said = {one.key: one.value for one in receiver.requests[0].resource_spans[0].resource.attributes}
    assert said["service.name"].string_value == "pycore"
    assert receiver.metadata[0]["authorization"] == "a-token"


def test_receivers_that_are_away_or_mute_hurt_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pycore.service.server._LAST_SPANS_S", 0.1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, and nobody listens
        mute = Receiver(answers=False)
        for endpoint in f"http://127.0.0.1:{closed.getsockname()[1]}", mute.endpoint:
            with background(ServiceConfig(**CONFIG, trace_endpoint=endpoint)) as server:
                send_hashes(server, 200)  # more than one export
                assert server.admission.load.requests == 0
        mute.close()


def test_nothing_is_loaded_where_it_is_off() -> None:
    with background(ServiceConfig(**CONFIG)) as server:
        assert server._tracing is None
    assert set(METHODS)  # the endpoint's form is checked with the other settings
    for endpoint in "127.0.0.1:4317", "http://127.0.0.1", "ftp://127.0.0.1:1", "http://a b:1":
        with pytest.raises(ValueError, match="trace_endpoint"):
            ServiceConfig(trace_endpoint=endpoint)
