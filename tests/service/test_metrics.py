"""Figures for Prometheus: what is counted, and that a real scrape reads it."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from prometheus_client.parser import text_string_to_metric_families

import pycore
from pycore._pb.validation.v1 import block_pb2, hash_pb2, signature_pb2
from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.front import is_built
from pycore.service.metrics import Metrics
from pycore.service.server import Server, background
from pycore.testing import generate_ledger, generate_signatures

from .conftest import METHOD, PATIENCE, ROOT, Authority, Clock, Gate, wait_for_load
from .test_access import A, by_token, write


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    clients = by_token(tmp_path, "node-a", A, rpcs=["*"], chains=["chainmaker"])
    config = ServiceConfig(
        address="127.0.0.1:0",
        metrics_address="127.0.0.1:0",
        drain_delay=0,
        workers=1,
        access_file=write(tmp_path / "access.json", clients),
    )
    with background(config) as server:
        yield server


def scrape(server: Server) -> dict[tuple[str, frozenset[str]], float]:
    """(name, values of the labels) -> value, as a scraper reads them."""
    url = f"http://127.0.0.1:{server.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(name: str, *labels: str) -> tuple[str, frozenset[str]]:
    return name, frozenset(labels)


def test_calls_work_and_verdicts_are_counted(server: Server) -> None:
    keys, signatures, messages = generate_signatures("sm2", 20, seed=1)
    signatures = [*signatures[:17], *(bytes(64),) * 3]
    ledger = generate_ledger(blocks=1, txs_per_block=5, seed=1)
    with ValidationClient(server.target, token=A) as client:
        for _ in range(2):
            verdicts = client.verify_batch("sm2", keys, signatures, messages)
        assert client.validate_block("chainmaker", ledger.block_info(0), ledger.context_for(0)).valid
        assert client.hash_batch("sm3", messages).shape == (20, 32)
        with pytest.raises(ServiceError, match="PERMISSION_DENIED"):
            client.validate_block("bif", b"")
    with ValidationClient(server.target) as stranger, pytest.raises(ServiceError, match="UNAUTHENTICATED"):
        stranger.hash("sm3", b"")
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(METHOD + "HashBatch")(
            b"\xff", metadata=(("authorization", f"Bearer {A}"),), timeout=PATIENCE
        )
    found = scrape(server)
    end = time.monotonic() + PATIENCE
    while sum(value for (name, _), value in found.items() if name == "pycore_calls_total") < 7:
        assert time.monotonic() < end  # a status may be there before it is counted
        found = scrape(server)
    for verdict, count in verdicts.counts().items():
        assert found[of("pycore_verdicts_total", "sm2", verdict.name)] == 2 * count
    assert found[of("pycore_verdicts_total", "chainmaker block", "VALID")] == 1
    assert found[of("pycore_verdicts_total", "chainmaker transaction", "VALID")] == 5
    assert found[of("pycore_calls_total", "VerifySignatures", "OK")] == 2
    assert found[of("pycore_calls_total", "HashBatch", "OK")] == 1
    assert found[of("pycore_calls_total", "HashBatch", "INVALID_ARGUMENT")] == 1
    assert found[of("pycore_calls_total", "HashBatch", "UNAUTHENTICATED")] == 1
    assert found[of("pycore_calls_total", "ValidateBlock", "PERMISSION_DENIED")] == 1
    assert found[of("pycore_refusals_total", "CHAIN_NOT_ALLOWED", "node-a")] == 1
    assert found[of("pycore_refusals_total", "UNKNOWN_CALLER", "")] == 1
    assert found[of("pycore_work_items_sum", "VerifySignatures")] == 40
    assert found[of("pycore_work_seconds_count", "VerifySignatures")] == 2
    assert found[of("pycore_kernel_seconds_total", "sm2")] > 0
    assert found[of("pycore_kernel_seconds_total", "chainmaker block")] > 0
    assert found[of("pycore_queue_seconds_count")] == 4
    assert found[of("pycore_call_seconds_count", "VerifySignatures")] == 2
    assert found[of("pycore_workers")] == 1
    assert found[of("pycore_calls_open")] == found[of("pycore_inflight_requests")] == 0
    best = next(row.name for row in pycore.capabilities().backends if row.usable)
    assert found[of("pycore_build_info", pycore.__version__, best)] == 1


def test_the_moment_is_shown(server: Server) -> None:
    gate = Gate(server)
    gate.hold()
    found = scrape(server)
    assert found[of("pycore_workers_busy")] == found[of("pycore_inflight_requests")] == 1
    gate.open()


def test_a_stream_is_one_call_and_many_pieces_of_work(server: Server) -> None:
    batch = generate_signatures("ed25519", 3, seed=1)
    with ValidationClient(server.target, token=A) as client:
        assert len(list(client.verify_stream("ed25519", [batch] * 4))) == 4
    found = scrape(server)
    assert found[of("pycore_calls_total", "VerifySignatureStream", "OK")] == 1
    assert found[of("pycore_verdicts_total", "ed25519", "VALID")] == 12


def test_probes_say_what_health_says(tmp_path: Path) -> None:
    config = ServiceConfig(address="127.0.0.1:0", metrics_address="127.0.0.1:0", drain_delay=0, workers=1)

    def status(path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}{path}", timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    clock = Clock()
    with background(config, clock=clock) as server:
        assert [status(path) for path in ("/healthz", "/readyz", "/other")] == [200, 200, 404]
        gate = Gate(server)
        gate.hold()
        clock.now += 1000.0
        with ValidationClient(server.target) as client:
            assert not client.health()
        assert [status(path) for path in ("/healthz", "/readyz")] == [200, 503]
        gate.open()


def test_what_strangers_send_makes_no_new_series(server: Server) -> None:
    def series() -> set[tuple[str, frozenset[str]]]:
        return set(scrape(server))

    def send(number: int) -> None:
        metadata = [
            ("authorization", f"Bearer {A}" if number % 2 else f"Bearer {number}"),
            ("x-request-id", f"{number}"),
        ]
        for rpc, request in (
            ("HashBatch", hash_pb2.HashBatchRequest(algorithm=f"hash-{number}")),
            ("VerifySignatures", signature_pb2.VerifySignaturesRequest(scheme=f"scheme-{number}")),
            ("ValidateBlock", block_pb2.ValidateBlockRequest(chain=f"chain-{number}")),
            (f"Method{number}", block_pb2.ValidateBlockRequest()),
        ):
            with pytest.raises(grpc.RpcError):
                channel.unary_unary(METHOD + rpc)(request.SerializeToString(), metadata=metadata, timeout=PATIENCE)

    with grpc.insecure_channel(server.target) as channel:
        for number in range(4):
            send(number)
        time.sleep(0.05)  # a status may be there before it is counted
        before = series()
        for number in range(4, 40):
            send(number)
    assert series() == before


def test_joined_requests_are_counted() -> None:
    config = ServiceConfig(address="127.0.0.1:0", metrics_address="127.0.0.1:0", drain_delay=0, workers=1)
    with background(config) as server:
        gate = Gate(server)
        gate.hold()
        with ValidationClient(server.target) as client, ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(client.hash, "sm3", b"abc") for _ in range(4)]
            wait_for_load(server, lambda load: load.requests == 5)
            gate.open()
            assert len({call.result(PATIENCE) for call in calls}) == 1
        found = scrape(server)
    together = found[of("pycore_joined_requests_sum")]
    assert 1 <= together <= 4
    assert found[of("pycore_hold_seconds_count")] == together
    assert found[of("pycore_work_items_sum", "HashBatch")] == 4


def test_the_certificate_and_the_process(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.issue("localhost")
    ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
    config = ServiceConfig(
        address="127.0.0.1:0",
        metrics_address="127.0.0.1:0",
        drain_delay=0,
        tls_certificate=certificate,
        tls_private_key=key,
    )
    name = of("pycore_certificate_expiry_timestamp_seconds")
    with background(config) as server:
        found = scrape(server)
        assert found[name] == ends
        certificate.write_bytes(b"half of a new one")
        assert name not in scrape(server)
    assert found[of("process_open_fds")] > 2
    assert found[of("process_resident_memory_bytes")] > 1 << 20
    assert {name for name, _ in found if name.startswith("pycore_backend_usable")}


def test_two_servers_count_for_themselves() -> None:
    assert Metrics().registry is not Metrics().registry


def test_every_figure_is_in_the_guide() -> None:
    text = (ROOT / "docs" / "guides" / "service.md").read_text(encoding="utf-8").split("### Figures")[1].split("###")[0]
    shown = set(re.findall(r"(?:pycore|process)_\w+", text))
    registered = {family.name for family in Metrics().registry.collect()}
    assert {name for name in registered if not ({name, f"{name}_total"} & shown)} == set()


@pytest.mark.parametrize("address", ["127.0.0.1", "unix:/tmp/x", "127.0.0.1:99999999"])
def test_malformed_addresses(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ServiceConfig(metrics_address=address)


@pytest.mark.skipif(not is_built(), reason="built without libnghttp2")
def test_a_call_whose_time_is_up_is_counted_as_such() -> None:
    config = ServiceConfig(address="127.0.0.1:0", front="nghttp2", workers=1, warm_up=False, drain_delay=0)
    with background(config) as server:
        gate = Gate(server)
        gate.hold()
        with ValidationClient(server.target, timeout=0.2) as client:
            labels = {"rpc": "HashBatch", "code": "DEADLINE_EXCEEDED"}
            while not server.metrics.registry.get_sample_value("pycore_calls_total", labels):
                with pytest.raises(ServiceError) as caught:  # one may not even have come to the service in that time
                    client.hash("sm3", b"")
                assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        gate.open()
