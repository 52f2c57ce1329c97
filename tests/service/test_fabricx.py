"""The Fabric-X verifier service: a coordinator's stream, faults of every kind, and what operators look at."""

from __future__ import annotations

import gzip
import json
import queue
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pycore.service.fabricx import METHOD, FabricXServer, Outbox, background
from pycore.service.fabricx_config import FabricXConfig, seconds
from pycore.testing import fabricx as made
from pycore.testing.fabricx import FabricXNetwork, batch, field

from .conftest import PACKAGE, PATIENCE, Authority

pytestmark = pytest.mark.network

NETWORK = FabricXNetwork()
OTHER = FabricXNetwork(seed=2)
Place = tuple[int, int]


def config(**changes: Any) -> FabricXConfig:
    values: dict[str, Any] = {"fabric_x": "127.0.0.1:0", "batch_time_cutoff": "10ms", "drain_delay": 0}
    return FabricXConfig(**(values | changes))


@pytest.fixture(scope="module")
def server() -> Iterator[FabricXServer]:
    with background(config(monitoring_endpoint="127.0.0.1:0")) as found:
        yield found


def fields_of(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            value |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
            if byte < 128:
                return value

    while at < len(data):
        tag = number()
        value: Any = number()
        if tag & 7 == 2:
            at += value
            yield tag >> 3, data[at - value : at]
        else:
            yield tag >> 3, value


def statuses_of(answer: bytes) -> list[tuple[Place, str, int]]:
    """((block, tx), transaction id, status) of a TxStatusBatch."""
    found = []
    for _, status in fields_of(answer):
        parts = dict(fields_of(status))
        ref = dict(fields_of(parts[1]))
        found.append(((ref.get(1, 0), ref.get(2, 0)), ref.get(3, b"").decode(), parts.get(2, 0)))
    return found


def places_of(message: bytes) -> list[Place]:
    found = []
    for number, request in fields_of(message):
        if number == 2:
            ref = dict(fields_of(dict(fields_of(request))[1]))
            found.append((ref.get(1, 0), ref.get(2, 0)))
    return found


class Caller:
    """One stream, from the coordinator's side."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None, options: Any = ()) -> None:
        limits = [("grpc.max_send_message_length", -1), *options]
        self.channel = (
            grpc.secure_channel(target, credentials, options=limits)
            if credentials
            else grpc.insecure_channel(target, options=limits)
        )
        self.out: queue.Queue[bytes | None] = queue.Queue()
        self.call = self.channel.stream_stream(METHOD)(iter(self.out.get, None), timeout=PATIENCE)

    def send(self, message: bytes) -> None:
        self.out.put(message)

    def answers(self, count: int) -> list[tuple[Place, str, int]]:
        found: list[tuple[Place, str, int]] = []
        while len(found) < count:
            found += statuses_of(next(self.call))
        return found

    def end(self) -> tuple[grpc.StatusCode, str]:
        """How the stream ends once nothing more is sent."""
        self.out.put(None)
        try:
            for _ in self.call:
                pass
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError("a stream always ends with a status")

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.out.put(None)
        self.call.cancel()
        self.channel.close()


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_every_request_is_answered_once(server: FabricXServer) -> None:
    with Caller(server.target) as caller:
        requests = [one for kind in made.KINDS for one in NETWORK.requests(kind, 40, block=3)]
        caller.send(batch(requests[:10], NETWORK.update()))
        for at in range(10, 200, 38):
            caller.send(batch(requests[at : at + 38]))
        found = caller.answers(200)
        assert {status for _, _, status in found} == {1}
        assert Counter(place for place, _, _ in found) == Counter((3, i) for i in range(40) for _ in made.KINDS)
        assert {name for _, name, _ in found} == {f"tx-3-{i}" for i in range(40)}
        assert caller.end() == (grpc.StatusCode.CANCELLED, "stream ended: EOF")


def test_an_update_or_nothing_is_not_answered(server: FabricXServer) -> None:
    with Caller(server.target) as caller:
        caller.send(b"")
        caller.send(batch([], NETWORK.update()))
        caller.send(batch(NETWORK.requests("ecdsa", 1)))
        assert [len(statuses_of(next(caller.call)))] == [1]


def test_answers_are_cut_by_number_and_time() -> None:
    now = [0.0]
    outbox = Outbox(50, 0.5, lambda: now[0])
    from pycore.ledgers.fabricx import Verifier
    from pycore.service.fabricx import Answers

    def put(count: int, flush: bool = False) -> None:
        (piece,) = Verifier().take(batch(NETWORK.requests("free", count)))
        outbox.put(Answers(piece.answers(), flush))

    assert outbox.due() == float("inf")
    put(30)
    assert outbox.due() == 0.5
    put(82)
    sizes = []
    while outbox.due() == 0:
        answer, count = outbox.cut()
        assert len(statuses_of(answer)) == count
        sizes.append(count)
    assert (sizes, outbox.count) == ([50, 50], 12)
    now[0] = 0.5
    assert outbox.due() == 0
    assert outbox.cut()[1] == 12
    put(3, flush=True)
    assert outbox.due() == 0
    assert (outbox.cut()[1], outbox.count, outbox.nbytes) == (3, 0, 0)


def test_a_configuration_alone_does_not_wait() -> None:
    with background(config(batch_time_cutoff=PATIENCE)) as server, Caller(server.target) as caller:
        caller.send(batch([field(1, b"\x08\x07") + field(2, field(1, field(1, b"_config")))]))
        assert caller.answers(1) == [((7, 0), "", 1)]


@pytest.mark.vectors
def test_recorded_stream_cut_at_every_message(
    server: FabricXServer, require_vectors: Callable[[str], Path], record_property: Callable[[str, object], None]
) -> None:
    """The messages of a real coordinator: on one stream, then cut after each of them and sent again on the next one."""
    document = json.loads(gzip.decompress(require_vectors("fabric-x/coordinator_stream.json.gz").read_bytes()))
    messages = [bytes.fromhex(one["hex"]) for one in document["events"] if one["what"] == "batch" and "hex" in one]
    first = messages[0]
    sent = {place for message in messages for place in places_of(message)}
    with Caller(server.target) as caller:
        for message in messages:
            caller.send(message)
        whole = caller.answers(sum(len(places_of(message)) for message in messages))
    verdicts = {place: status for place, _, status in whole}
    assert verdicts.keys() == sent
    update = dict(fields_of(first))[1]
    for cut in range(1, len(messages)):
        pending, found = set(sent), {}
        with Caller(server.target) as caller:
            for message in messages[:cut]:
                caller.send(message)
            for place, _, status in statuses_of(next(caller.call)):
                found[place] = status
                pending.discard(place)
        # A coordinator forgets no transaction: what has no status is sent again, on a stream that knows nothing.
        again = [message for message in messages if set(places_of(message)) & pending]
        with Caller(server.target) as caller:
            caller.send(batch([], update))
            for message in again:
                caller.send(message)
            count = sum(len(places_of(message)) for message in again)
            found |= {place: status for place, _, status in caller.answers(count)}
        assert found == verdicts, cut
    record_property("compared", f"{len(messages)} messages, {len(sent)} transactions")


# ---- state -----------------------------------------------------------------------------------------------------------


def test_coordinators_do_not_see_each_other(server: FabricXServer) -> None:
    with Caller(server.target) as one, Caller(server.target) as other, Caller(server.target) as bare:
        one.send(batch([], NETWORK.update()))
        other.send(batch([], OTHER.update()))
        for network, good, bad in ((NETWORK, one, other), (OTHER, other, one)):
            for kind in ("ecdsa", "certs"):
                data = batch(network.requests(kind, 5))
                for caller, wanted in ((good, 1), (bad, 2), (bare, 2)):
                    caller.send(data)
                    assert [status for _, _, status in caller.answers(5)] == [wanted] * 5


def test_coordinators_with_other_configurations_at_once(server: FabricXServer) -> None:
    """Both send all they have, and configurations in between, without waiting for each other or for answers."""
    sent = {network: [network.requests(kind, 4) for kind in ("ecdsa", "certs", "ids")] for network in (NETWORK, OTHER)}
    start = threading.Barrier(2)
    found: dict[str, Counter[int]] = {}

    def coordinate(name: str, mine: FabricXNetwork, theirs: FabricXNetwork) -> None:
        with Caller(server.target) as caller:
            start.wait(PATIENCE)
            for turn in range(30):
                requests = [one for kind in sent[mine] + sent[theirs] for one in kind]
                caller.send(batch(requests, mine.update() if turn % 10 == 0 else None))
            found[name] = Counter(status for _, _, status in caller.answers(30 * 24))

    threads = [
        threading.Thread(target=coordinate, args=given)
        for given in (("one", NETWORK, OTHER), ("other", OTHER, NETWORK))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == {"one": {1: 30 * 12, 2: 30 * 12}, "other": {1: 30 * 12, 2: 30 * 12}}


def test_a_policy_that_moves_in_mid_flight_is_old_or_new(server: FabricXServer) -> None:
    """Each transaction has two namespaces, and passes under one network's keys only: a mixture would refuse it."""

    def request(network: FabricXNetwork, block: int, place: int) -> bytes:
        name = f"tx-{block}-{place}".encode()
        parts = [field(1, kind.encode()) + field(5, field(1, name)) for kind in ("ecdsa", "eddsa")]
        return network.endorse(
            made.number(1, block) + made.number(2, place) + field(3, name), ("ecdsa", "eddsa"), parts
        )

    networks = (NETWORK, OTHER)
    updates = [network.update(config=False, policies=("ecdsa", "eddsa")) for network in networks]
    with Caller(server.target) as caller:
        expected: dict[Place, int] = {}
        for turn in range(40):
            requests = [request(networks[(turn + i) % 2], 100 + turn, i) for i in range(10)]
            caller.send(batch(requests, updates[turn % 2]))
            expected |= {(100 + turn, i): 1 + i % 2 for i in range(10)}
        found = {place: status for place, _, status in caller.answers(400)}
    assert found == expected


# ---- ends of streams -------------------------------------------------------------------------------------------------


def test_refused_updates_end_their_stream_alone(server: FabricXServer) -> None:
    with Caller(server.target) as other:
        other.send(batch([], NETWORK.update()))
        for update in (
            field(1, field(1, b"junk")),
            field(2, field(1, field(1, b"a") + field(2, made.threshold("RSA", b"")))),
        ):
            with Caller(server.target) as caller:
                caller.send(batch(NETWORK.requests("free", 1), NETWORK.update()))
                caller.send(batch(NETWORK.requests("free", 1), update))
                code, words = caller.end()
                assert code is grpc.StatusCode.INVALID_ARGUMENT
                assert words.startswith("failed to update policies")
        other.send(batch(NETWORK.requests("ecdsa", 3)))
        assert len(other.answers(3)) == 3


MALFORMED = {
    "no message": b"\xff",
    "cut": batch(NETWORK.requests("free", 1))[:-1],
    "text that is not UTF-8": field(2, field(1, field(3, b"\xff"))),
    "a group without an end": b"\x1b",
    "field 0": b"\x00\x00",
    "an update that is none": field(1, b"\x0a\x05"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_messages_end_their_stream_alone(server: FabricXServer, name: str) -> None:
    with Caller(server.target) as other, Caller(server.target) as caller:
        other.send(batch([], NETWORK.update()))
        caller.send(batch(NETWORK.requests("free", 2), NETWORK.update()))
        caller.send(MALFORMED[name])
        caller.send(batch(NETWORK.requests("free", 2)))
        code, _ = caller.end()
        assert code is grpc.StatusCode.UNAVAILABLE, "INVALID_ARGUMENT ends coordinators, INTERNAL makes them spin"
        other.send(batch(NETWORK.requests("ecdsa", 3)))
        assert [status for _, _, status in other.answers(3)] == [1, 1, 1]


def test_odd_streams_are_answered_or_end(server: FabricXServer) -> None:
    """Forms that no coordinator sends, and updates out of their order: the process lives."""
    oddities = [
        batch([b""]),
        batch([field(1, b"")]),
        batch([field(2, b"")]),
        batch([field(1, b"") + field(2, field(2, b""))]),
        batch(NETWORK.requests("certs", 1), NETWORK.update(config=False)),
        batch(NETWORK.requests("certs", 1), b""),
        batch(NETWORK.requests("certs", 1), field(2, b"")),
        batch([], NETWORK.update()) + batch([], NETWORK.update()),
        batch(NETWORK.requests("ecdsa", 1)) + batch([], NETWORK.update()),
    ]
    for data in oddities:
        with Caller(server.target) as caller:
            caller.send(data)
            assert len(caller.answers(len(places_of_any(data)))) == len(places_of_any(data))
            assert caller.end()[0] is grpc.StatusCode.CANCELLED


def places_of_any(data: bytes) -> list[int]:
    return [number for number, _ in fields_of(data) if number == 2]


def test_draining_answers_and_then_ends_streams() -> None:
    slow = config(batch_time_cutoff=PATIENCE, batch_size_cutoff=10_000)
    with background(slow) as server, Caller(server.target) as caller:
        caller.send(batch(NETWORK.requests("ecdsa", 100), NETWORK.update()))
        deadline = time.monotonic() + PATIENCE
        while server.metrics.received < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        stopping = threading.Thread(target=lambda: drain(server))
        stopping.start()
        assert len(caller.answers(100)) == 100, "what was read is answered"
        with pytest.raises(grpc.RpcError) as ended:
            next(caller.call)
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        stopping.join()


def drain(server: FabricXServer) -> None:
    import asyncio

    asyncio.run_coroutine_threadsafe(server.stop(), server.loop).result(PATIENCE)


def test_a_million_unanswered_requests_are_bounded() -> None:
    """Nobody reads the answers: the sender is held back long before all are in memory."""
    small = FabricXNetwork().requests("free", 1)[0]
    message = batch([small] * 5000)
    with (
        background(config(max_stream_bytes=1 << 20, batch_size_cutoff=5000)) as server,
        Caller(server.target) as caller,
    ):
        sent = threading.Event()

        def messages() -> Iterator[bytes]:
            yield batch([], NETWORK.update())
            for _ in range(200):
                yield message
            sent.set()

        call = caller.channel.stream_stream(METHOD)(messages(), timeout=PATIENCE)
        last, still = -1, 0
        while still < 20:
            still = still + 1 if server.metrics.received == last else 0
            last = server.metrics.received
            time.sleep(0.05)
        assert not sent.is_set()
        held = sum(len(one) for stream in server.streams for one in stream.held())
        assert held < 8 << 20
        assert last < 1_000_000
        found = 0
        for answer in call:
            found += sum(1 for _ in fields_of(answer))
            if found == 1_000_000:
                break
        assert found == 1_000_000


def test_streams_of_all_connections_are_counted() -> None:
    """Each may hold its share of memory, so that strangers must not open as many as they like."""
    with background(config(max_concurrent_streams=2)) as server:
        with Caller(server.target) as one, Caller(server.target) as other:
            for caller in (one, other):
                caller.send(batch(NETWORK.requests("free", 1), NETWORK.update()))
                assert len(caller.answers(1)) == 1
            with Caller(server.target, None, [("grpc.use_local_subchannel_pool", 1)]) as third:
                assert third.end()[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        deadline = time.monotonic() + PATIENCE
        while server.streams and time.monotonic() < deadline:
            time.sleep(0.01)
        with Caller(server.target) as again:
            again.send(batch(NETWORK.requests("free", 1), NETWORK.update()))
            assert len(again.answers(1)) == 1


# ---- operations ------------------------------------------------------------------------------------------------------


def test_health(server: FabricXServer) -> None:
    with grpc.insecure_channel(server.target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=PATIENCE)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_metrics_have_the_committers_names(server: FabricXServer) -> None:
    url = f"http://127.0.0.1:{server.metrics_port}"
    with Caller(server.target) as caller:
        caller.send(batch(NETWORK.requests("free", 3)))
        caller.answers(3)
        text = urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE).read().decode()
    values = dict(line.split(" ") for line in text.splitlines() if not line.startswith("#"))
    assert values.keys() == {
        "verifier_server_tx_input_throughput",
        "verifier_server_tx_output_throughput",
        "verifier_server_grpc_active_streams",
        "verifier_server_parallel_executor_active_requests",
    }
    assert int(values["verifier_server_tx_input_throughput"]) >= 3
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/other", timeout=PATIENCE)


@pytest.mark.parametrize("mode", ["tls", "mtls"])
def test_tls(mode: str, authority: Authority) -> None:
    certificate, key = authority.issue("localhost")
    ca = {"ca_cert_path": authority.path} if mode == "mtls" else {}
    with background(config(tls_mode=mode, cert_path=certificate, key_path=key, **ca)) as server:
        roots = authority.path.read_bytes()
        own_certificate, own_key = authority.issue("coordinator", ExtendedKeyUsageOID.CLIENT_AUTH)
        own = (own_key.read_bytes(), own_certificate.read_bytes()) if mode == "mtls" else (None, None)
        name = [("grpc.ssl_target_name_override", "localhost")]
        with Caller(server.target, grpc.ssl_channel_credentials(roots, *own), name) as caller:
            caller.send(batch(NETWORK.requests("free", 1)))
            assert len(caller.answers(1)) == 1
        for credentials in [None] + [grpc.ssl_channel_credentials(roots)] * (mode == "mtls"):
            with Caller(server.target, credentials, name) as caller:
                caller.send(b"")
                assert caller.end()[0] is grpc.StatusCode.UNAVAILABLE


def test_settings() -> None:
    assert [seconds(text) for text in ("10ms", "1m0.5s", "1.5h", "2us", "7", "ms")] == [
        0.01,
        60.5,
        5400,
        2e-6,
        "7",
        "ms",
    ]
    for changes, words in (
        ({"fabric_x": "0.0.0.0:1"}, "other machines"),
        ({"tls_mode": "mtls", "cert_path": "a", "key_path": "b"}, "ca_cert_path"),
        ({"tls_mode": "tls"}, "cert_path"),
        ({"batch_time_cutoff": "soon"}, "batch_time_cutoff"),
        ({"committer": "0.1"}, "committer"),
    ):
        with pytest.raises(ValueError, match=words):
            config(**changes)


def test_the_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "pycore.cli", "serve", "--fabric-x", "127.0.0.1:0", "--drain-delay", "0s"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=PACKAGE)
    assert process.stderr is not None
    try:
        row = json.loads(process.stderr.readline())
        with Caller(row["address"]) as caller:
            caller.send(batch(NETWORK.requests("ecdsa", 2), NETWORK.update()))
            assert [status for _, _, status in caller.answers(2)] == [1, 1]
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.stderr.close()
