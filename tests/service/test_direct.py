"""Blocking calls without grpcio: callers see the same as over its channels, and whatever a service does, an answer is
whole or an error."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import pycore
from pycore.client import ServiceError, Tls, ValidationClient, direct
from pycore.client.direct import MOST_CONNECTIONS, Direct, DirectMethod, is_built
from pycore.client.direct_answers import CallError
from pycore.client.direct_sockets import Place, connect, place_of
from pycore.errors import InputError
from pycore.service.config import ServiceConfig
from pycore.service.server import background
from pycore.wire.schema import Method

from .conftest import PACKAGE, PATIENCE, Authority, Gate, wait_for_load
from .fronts import MOST_MESSAGE, PATH, fronted
from .http2 import DATA, END_HEADERS, END_STREAM, HEADERS, frame, message
from .scripted import (
    DIGEST,
    HEAD,
    Answer,
    Listening,
    Scripted,
    dead,
    fields,
    going,
    good,
    half,
    ignored,
    refused,
    silent,
)

pytestmark = pytest.mark.skipif(not is_built(), reason="pycore._http2 was not built: libnghttp2 is absent")

UNAVAILABLE, CANCELLED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED


class _Bytes:
    """A message that is its bytes."""

    @staticmethod
    def FromString(data: bytes) -> bytes:  # noqa: N802 - protobuf's name
        return data


def method_of(pool: Direct, channel: Any, path: str) -> DirectMethod:
    raw: Any = _Bytes
    return DirectMethod(pool, path, Method("", raw, raw, False, False), bytes, channel.unary_unary(path))


def outcome(call: Callable[[], bytes]) -> tuple[Any, ...]:
    try:
        return (call(),)
    except grpc.RpcError as error:
        found: Any = error
        ends = [(key, value) for key, value in found.trailing_metadata() or ()]
        return None, found.code(), found.details(), sorted(ends)


def failure(call: Callable[[], object]) -> CallError:
    with pytest.raises(CallError) as caught:
        call()
    return caught.value


# ---- the same as over grpcio -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["grpcio", "nghttp2"])
def ways(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Direct]]:
    """A channel to a front end, and direct connections to it."""
    with fronted(request.param) as front, grpc.insecure_channel(front.target) as channel:
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        yield channel, pool
        pool.close()


CASES: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "one": ("one", b"abc", {}),
    "empty": ("one", b"", {}),
    "large": ("one", bytes(MOST_MESSAGE), {}),
    "too large": ("one", bytes(MOST_MESSAGE + 1), {}),
    "metadata": ("told", b"", {"metadata": (("my-a", "1"), ("my-b-bin", b"\0\1\xff"), ("my-a", "2"))}),
    "refused": ("refused", "é %41 100 % \n\t\x7f".encode(), {}),
    "broken": ("broken", b"", {}),
    "coded": ("coded", b"", {}),
    "no method": ("absent", b"", {}),
    "late": ("forever", b"", {"timeout": 0.1}),
    "less than no time": ("one", b"", {"timeout": -1.0}),
}


@pytest.mark.parametrize("name", CASES)
def test_calls_end_as_over_grpcio(ways: tuple[Any, Direct], name: str) -> None:
    channel, pool = ways
    way, body, more = CASES[name]
    arguments = {"timeout": PATIENCE, **more}
    expected = outcome(lambda: channel.unary_unary(PATH + way)(body, **arguments))
    found = outcome(lambda: method_of(pool, channel, PATH + way)(body, **arguments))
    if name == "too large":  # the words are the server's, and the rest is not always sent
        expected, found = expected[:2], found[:2]
    assert found == expected


def transported(**settings: Any) -> Iterator[ValidationClient]:
    for transport in ("grpcio", "nghttp2"):
        with ValidationClient(transport=transport, **settings) as client:
            yield client


def described(call: Callable[[], object]) -> object:
    """The answer, or the error with all that it says."""
    try:
        return call()
    except ServiceError as error:
        return "ServiceError", error.code, error.details, error.retry_after
    except InputError as error:
        return type(error), error.field, error.got, error.wanted


def asked_both_ways(call: Callable[[ValidationClient], object], **settings: Any) -> list[Any]:
    return [described(partial(call, client)) for client in transported(**settings)]


@pytest.mark.parametrize("front", ["grpcio", "nghttp2"])
def test_the_service_says_the_same(front: str) -> None:
    config = ServiceConfig(
        address="127.0.0.1:0", drain_delay=0, front=front, max_message_bytes=100_000, workers=1, max_inflight_items=2
    )
    with background(config) as server, ThreadPoolExecutor(2) as threads, ValidationClient(server.target) as other:
        for call in (
            lambda client: client.hash("sha256", b"abc"),
            lambda client: client.append_merkle_tree([[b"a"]], indices=[5]),
            lambda client: client.health("no.such.Service"),
        ):
            grpcios, directs = asked_both_ways(call, target=server.target)
            assert directs == grpcios
        grpcios, directs = asked_both_ways(lambda client: client.hash("sha256", bytes(200_000)), target=server.target)
        assert directs[:2] == grpcios[:2]
        gate = Gate(server)
        gate.hold()
        waiting = [threads.submit(other.hash, "sha256", b"abc") for _ in range(2)]
        wait_for_load(server, lambda load: load.requests == 3)
        grpcios, directs = asked_both_ways(lambda client: client.hash("sha256", b"abc"), target=server.target)
        assert directs[:3] == grpcios[:3]
        assert directs[1] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert directs[3] > 0
        gate.open()
        assert {one.result(PATIENCE) for one in waiting} == {DIGEST}


def test_a_service_under_a_unix_path(tmp_path: Path) -> None:
    with background(ServiceConfig(address=f"unix:{tmp_path}/s", drain_delay=0)) as server:
        for client in transported(target=f"unix:{tmp_path}/s"):
            assert client.hash("sha256", b"abc") == DIGEST
        del server


@pytest.mark.parametrize("front", ["grpcio", "nghttp2"])
@pytest.mark.parametrize("mutual", [False, True])
def test_tls(authority: Authority, front: str, mutual: bool) -> None:
    certificate, key = authority.issue("pycore.test")
    mine = authority.issue("node-1", ExtendedKeyUsageOID.CLIENT_AUTH)
    config = ServiceConfig(
        address="127.0.0.1:0", drain_delay=0, front=front, tls_certificate=certificate, tls_private_key=key,
        tls_client_ca=authority.path if mutual else None,
    )  # fmt: skip
    large = [bytes([i % 251]) * 5000 for i in range(300)]
    with background(config) as server:
        tls = Tls(authority.path, *mine)
        for client in transported(target=server.target, tls=tls, max_message_bytes=4 << 20):
            for _ in range(3):
                assert client.hash("sha256", b"abc") == DIGEST
            assert bytes(client.hash_batch("sha256", large)[299]) == pycore.hash("sha256", large[299])
        for wrong in (Tls(mine[0]), Tls(authority.path, *mine, server_name="elsewhere.test")):
            found = asked_both_ways(lambda client: client.hash("sha256", b""), target=server.target, tls=wrong)
            assert [one[1] for one in found] == [UNAVAILABLE, UNAVAILABLE]


@pytest.mark.parametrize("target", ["127.0.0.1:{}", "localhost:{}", "dns:///localhost:{}"])
def test_the_headers_are_those_of_grpcio(target: str) -> None:
    grpcios, directs = (headers_sent(target, transport) for transport in ("grpcio", "nghttp2"))
    assert directs.pop("user-agent").startswith("pycore-python/")
    for name in ("user-agent", "grpc-accept-encoding"):
        del grpcios[name]
    assert directs == grpcios


def headers_sent(target: str, transport: str) -> dict[str, str]:
    """The header list of a call, as nghttp2 reads it; `grpc-timeout` is not among it."""
    seen: list[bytes] = []

    def serve(one: socket.socket) -> None:
        module = direct._http2
        reading = module.Connection(module.Room(1 << 20), 1 << 20, 10, 1 << 14, 1 << 16, 1000)
        while not seen and (data := one.recv(1 << 16)):
            seen.extend(event[4] for event in reading.receive(data, len(data)) or () if event[4])
            while out := reading.collect(1 << 16):
                one.sendall(out)

    settings: dict[str, Any] = {"transport": transport, "token": "secret", "priority": "votes"}
    with (
        Listening(serve) as port,
        ValidationClient(target.format(port), **settings) as client,
        pytest.raises(ServiceError, match="UNAVAILABLE"),
    ):
        client.hash("sha256", b"", request_id="block 7")
    parts = seen[0].decode("latin-1").split("\0")
    return {key: value.replace(str(port), "PORT") for key, value in zip(parts[0:-1:2], parts[1::2], strict=True)}


# ---- connections that end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connections", "ends", "requests"),
    [
        ([[good, good, good]], "aaa", 3),
        ([[good, dead], [good]], "aa", 3),  # closed under a request, of a connection that was good
        ([[dead]], "u", 1),  # one that was never good
        ([[good, dead], [dead]], "au", 3),  # twice, no more
        ([[refused], [good]], "a", 2),  # not begun with, as it says
        ([[refused], [refused]], "u", 2),
        ([[going], [good]], "aa", 2),
        ([[ignored], [good]], "a", 2),
    ],
)
def test_a_call_is_sent_again_where_the_service_cannot_have_answered(
    connections: list[list[Answer]], ends: str, requests: int
) -> None:
    peer = Scripted(*connections)
    with peer as target, ValidationClient(target, transport="nghttp2") as client:
        for end in ends:
            if end == "a":
                assert client.hash("sha256", b"abc") == DIGEST
            else:
                with pytest.raises(ServiceError, match="UNAVAILABLE"):
                    client.hash("sha256", b"abc")
    assert peer.requests == requests


def test_half_an_answer_is_an_error_and_not_asked_for_again() -> None:
    peer = Scripted([good, half, good])
    with peer as target, ValidationClient(target, transport="nghttp2") as client:
        client.hash("sha256", b"abc")
        with pytest.raises(ServiceError, match="INTERNAL: the service reset the call with error code 2"):
            client.hash("sha256", b"abc")
        assert client.hash("sha256", b"abc") == DIGEST  # over the same connection
    assert peer.requests == 3


def test_a_call_without_an_answer_ends_in_time_and_takes_its_connection_along() -> None:
    peer = Scripted([silent], [good])
    with peer as target, ValidationClient(target, transport="nghttp2") as client:
        with pytest.raises(ServiceError, match="DEADLINE_EXCEEDED"):
            client.hash("sha256", b"abc", timeout=0.5)  # long enough to be sent on a busy machine
        assert client.hash("sha256", b"abc") == DIGEST


@pytest.mark.parametrize("kind", ["grpcio", "nghttp2"])
def test_the_service_hears_that_nobody_waits(kind: str) -> None:
    with fronted(kind) as front, grpc.insecure_channel(front.target) as channel:
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        error = failure(lambda: method_of(pool, channel, PATH + "forever")(b"", timeout=1.0))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert front.echo.left.wait(PATIENCE)
        assert front.echo.seen == ["cancelled"]
        pool.close()


def test_closing_ends_the_calls_that_run() -> None:
    with fronted("grpcio") as front, ThreadPoolExecutor(1) as threads:
        channel = grpc.insecure_channel(front.target)
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        running = threads.submit(failure, lambda: method_of(pool, channel, PATH + "forever")(b"", timeout=PATIENCE))
        assert front.echo.entered.wait(PATIENCE)
        pool.close()
        channel.close()
        assert running.result(PATIENCE).code() is CANCELLED
        with pytest.raises(ValueError, match="closed channel"):  # grpcio's own
            method_of(pool, channel, PATH + "one")(b"")
        assert not pool._all


def test_a_process_that_is_killed(spawn: Any) -> None:
    """Calls that run and those that come afterwards end with UNAVAILABLE, and nothing waits."""
    process = spawn("--workers=1", held="gate")
    with ValidationClient(process.wait_for_target(), transport="nghttp2") as client, ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(described, lambda: client.hash("sha256", b"abc")) for _ in range(3)]
        process.wait_for_load(4)
        process.signal(signal.SIGKILL)
        codes = {one.result(PATIENCE)[1] for one in waiting}  # type: ignore[index]
        assert codes == {UNAVAILABLE}
        assert process.wait() == -signal.SIGKILL  # until then its port may take a connection
        with pytest.raises(ServiceError, match=r"UNAVAILABLE: cannot connect to 127.0.0.1:[0-9]+: Connection refused"):
            client.hash("sha256", b"abc")


def test_more_calls_than_connections_go_over_the_channel() -> None:
    count = MOST_CONNECTIONS + 3
    with fronted("grpcio") as front, grpc.insecure_channel(front.target) as channel:
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        held = method_of(pool, channel, PATH + "forever")
        with ThreadPoolExecutor(count) as threads:
            running = [threads.submit(failure, lambda: held(b"", timeout=2.0)) for _ in range(MOST_CONNECTIONS)]
            wait_until(lambda: len(pool._all) == MOST_CONNECTIONS)
            assert method_of(pool, channel, PATH + "one")(b"abc", timeout=PATIENCE) == b"abc"
            assert len(pool._all) <= MOST_CONNECTIONS
            assert {one.result(PATIENCE).code() for one in running} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        pool.close()


def wait_until(reached: Callable[[], bool]) -> None:
    while not reached():
        threading.Event().wait(0.001)


def test_connections_that_were_idle_for_long_are_not_used() -> None:
    with fronted("grpcio") as front, grpc.insecure_channel(front.target) as channel:
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        ask = method_of(pool, channel, PATH + "one")
        ask(b"")
        (first,) = pool._idle
        ask(b"")
        assert pool._idle == [first]
        first.since -= 61.0
        ask(b"")
        (second,) = pool._idle
        assert second is not first
        assert first.socket.fileno() == -1
        older = pool.take(None, fresh=True)
        assert older is not None
        pool.give(older)
        second.since -= 61.0
        ask(b"")
        assert pool._idle == [older]
        assert second.socket.fileno() == -1
        pool.close()
        assert not pool._all


def test_a_child_takes_no_connection_of_its_parent() -> None:
    with fronted("nghttp2") as front, grpc.insecure_channel(front.target) as channel:
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        method_of(pool, channel, PATH + "one")(b"")
        before = list(pool._idle)
        direct._forked()
        one = pool.take(None)
        assert one is not None
        assert one not in before
        assert before[0].socket.fileno() == -1  # the child's copy of it
        pool.drop(one)
        pool.close()


def test_a_forgotten_pool_leaves_no_sockets() -> None:
    with fronted("nghttp2") as front, grpc.insecure_channel(front.target) as channel:
        place = place_of(front.target)
        assert place is not None
        pool = Direct(place)
        ask = method_of(pool, channel, PATH + "one")
        ask(b"")
        sockets = [one.socket for one in pool._idle]
        assert [one.fileno() >= 0 for one in sockets] == [True]
        del pool, ask
        end = time.monotonic() + PATIENCE
        while sockets[0].fileno() >= 0 and time.monotonic() < end:
            gc.collect()  # does nothing while the front end's thread is at it
        assert [one.fileno() for one in sockets] == [-1]


def test_an_answer_that_is_no_message_of_its_kind() -> None:
    def junk(stream: int) -> bytes:
        return (
            frame(HEADERS, END_HEADERS, stream, HEAD)
            + frame(DATA, 0, stream, message(b"\xff\xff"))
            + frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(("grpc-status", "0")))
        )

    with Scripted([junk, good]) as target, ValidationClient(target, transport="nghttp2") as client:
        with pytest.raises(ServiceError, match="INTERNAL: Exception deserializing response!"):
            client.hash("sha256", b"abc")
        assert client.hash("sha256", b"abc") == DIGEST


def test_a_peer_that_speaks_something_else() -> None:
    def http1(one: socket.socket) -> None:
        one.recv(1 << 16)
        one.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with (
        Listening(http1) as port,
        ValidationClient(f"127.0.0.1:{port}", transport="nghttp2") as client,
        pytest.raises(ServiceError, match="UNAVAILABLE"),
    ):
        client.hash("sha256", b"abc")


def test_a_service_without_http2_in_tls_is_not_spoken_to(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("pycore.test"))

    def serve(one: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(one, server_side=True) as wrapped:
            wrapped.recv(1)

    with (
        Listening(serve) as port,
        ValidationClient(f"127.0.0.1:{port}", transport="nghttp2", tls=Tls(authority.path)) as client,
        pytest.raises(ServiceError, match=r"UNAVAILABLE: .*does not speak HTTP/2"),
    ):
        client.hash("sha256", b"abc")


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

        def resolved(host: str, *_: Any, flags: int, **__: Any) -> Any:
            if flags:
                raise socket.gaierror(socket.EAI_NONAME, "a name")
            return found

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        seen: list[Any] = []
        one = connect(Place("node", port, None), None, None, None, lambda found: not seen.append(found))  # type: ignore[func-returns-value]
        assert one.getpeername() == ("127.0.0.1", port)
        assert len(seen) == 2
        one.close()


def test_a_name_that_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()

    def resolved(host: str, *_: Any, flags: int, **__: Any) -> Any:
        if not flags and host == "node":
            stuck.wait()
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    absent, node = (ValidationClient(target, transport="nghttp2") for target in ("absent:1", "node:1"))
    with absent, pytest.raises(ServiceError, match="UNAVAILABLE: cannot connect to absent:1: no such name"):
        absent.hash("sha256", b"")
    with node, pytest.raises(ServiceError, match="DEADLINE_EXCEEDED"):
        node.hash("sha256", b"", timeout=0.05)
    stuck.set()


def test_tls_calls_that_end_otherwise(authority: Authority) -> None:
    certificate, key = authority.issue("pycore.test")
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, tls_certificate=certificate, tls_private_key=key,
                           workers=1)  # fmt: skip
    with background(config) as server, ThreadPoolExecutor(1) as threads:
        gate = Gate(server)
        client = ValidationClient(server.target, tls=Tls(authority.path), transport="nghttp2")
        assert client.hash("sha256", b"abc") == DIGEST
        gate.hold()
        with pytest.raises(ServiceError, match="DEADLINE_EXCEEDED"):
            client.hash("sha256", b"abc", timeout=0.05)
        waiting = threads.submit(described, lambda: client.hash("sha256", b"abc", timeout=PATIENCE))
        wait_for_load(server, lambda load: load.requests >= 2)
        client.close()
        assert waiting.result(PATIENCE)[1] is CANCELLED  # type: ignore[index]
        gate.open()


def test_tls_connections_that_the_service_closed_are_noticed(authority: Authority) -> None:
    certificate, key = authority.issue("pycore.test")
    config = {"drain_delay": 0, "tls_certificate": certificate, "tls_private_key": key}
    with background(ServiceConfig(address="127.0.0.1:0", **config)) as server:
        target = server.target
        client = ValidationClient(target, tls=Tls(authority.path), transport="nghttp2")
        assert client.hash("sha256", b"abc") == DIGEST
    with background(ServiceConfig(address=target, **config)), client:
        assert client.hash("sha256", b"abc") == DIGEST


FORK = """
import os, sys
from pycore.client import ValidationClient
client = ValidationClient(sys.argv[1], transport="nghttp2")
digest = client.hash("sha256", b"abc")
child = os.fork()
same = client.hash("sha256", b"abc") == digest
if not child:
    os._exit(7 if same else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(0 if (same, code) == (True, 7) and client.hash("sha256", b"abc") == digest else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_parent_and_child_have_connections_of_their_own() -> None:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        done = subprocess.run([sys.executable, "-c", FORK, server.target], cwd=PACKAGE, timeout=PATIENCE, check=False)
    assert done.returncode == 0


def test_several_threads_have_answers_of_their_own() -> None:
    messages = [b"%d" % i for i in range(300)]
    with (
        background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server,
        ValidationClient(server.target, transport="nghttp2") as client,
        ThreadPoolExecutor(12) as threads,
    ):
        found = list(threads.map(lambda one: client.hash("sm3", one), messages))
    assert found == [pycore.hash("sm3", one) for one in messages]
