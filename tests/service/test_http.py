"""The small HTTP server: what it answers, and what callers that misbehave cost."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from pycore.service import http
from pycore.service.http import Answer, Asked, HttpServer

from .conftest import PATIENCE

pytestmark = pytest.mark.network


def fail(_: Asked) -> Answer:
    raise RuntimeError("a secret")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    routes = {
        "/": lambda asked: Answer(200, f"{asked.query} {asked.host}".encode()),
        "/large": lambda _: Answer(200, bytes(32 << 20)),
        "/broken": fail,
    }
    server = HttpServer("127.0.0.1:0", routes, "a-test")
    yield server
    server.stop()


def raw(server: HttpServer, request: bytes) -> bytes:
    """The answer to some bytes, until the connection ends."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as one:
        one.sendall(request)
        found = b""
        while part := one.recv(1 << 20):
            found += part
        return found


def test_pages_and_statuses(server: HttpServer) -> None:
    def status(request: str) -> int:
        return int(raw(server, f"{request}\r\nHost: a.example:1\r\n\r\n".encode()).split(b" ")[1])

    assert raw(server, b"GET /?a=1 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").endswith(b"\r\n\r\na=1 [::1]")
    assert raw(server, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").endswith(b"\r\n\r\n ")
    assert raw(server, b"HEAD / HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\n")
    assert status("GET /other HTTP/1.1") == 404
    assert status("POST / HTTP/1.1") == 405
    assert [status(line) for line in ("GET", "GET / HTTP/2", "GET x HTTP/1.1", "\x00 / HTTP/1.1 x")] == [400] * 4
    broken = raw(server, b"GET /broken HTTP/1.1\r\n\r\n")
    assert b" 500 " in broken
    assert b"secret" not in broken


def test_long_and_half_requests_are_cut_off(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PATIENCE_S", 0.2)
    for request in b"GET / HTTP/1.1\r\nX: " + bytes(9000), b"GET / HT", b"":
        with contextlib.suppress(ConnectionError):  # cut off with a reset
            assert raw(server, request) == b""
    urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=PATIENCE).close()


def test_slow_readers_are_cut_off_and_others_are_served(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PATIENCE_S", 0.5)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as slow:
        slow.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=PATIENCE).close()
        time.sleep(1.0)
        received = 0
        try:
            while part := slow.recv(1 << 20):
                received += len(part)
        except ConnectionError:
            pass
        assert received < 32 << 20


def test_connections_are_bounded(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(3)]
    with pytest.raises((OSError, AssertionError)):  # the fourth is closed without a word
        assert raw(server, b"GET / HTTP/1.1\r\n\r\n")
    for one in held:
        one.close()
    while True:  # the server hears of it a little later
        try:
            if raw(server, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200"):
                break
        except ConnectionError:
            time.sleep(0.01)


@pytest.mark.parametrize("address", ["[::]:0", "localhost:0", "0.0.0.0:0", "127.0.0.1:0"])
def test_addresses_of_this_machine_are_reached_over_ipv4(address: str) -> None:
    server = HttpServer(address, {"/": lambda _: Answer(200, b"here")}, "a-test")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=PATIENCE) as answer:
        assert answer.read() == b"here"
    server.stop()


def test_a_stopped_server_is_gone() -> None:
    server = HttpServer("[::1]:0", {}, "a-test")
    with socket.create_connection(("::1", server.port), timeout=PATIENCE):
        server.stop()
        server.stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://[::1]:{server.port}/", timeout=PATIENCE)
    with pytest.raises(OSError, match="assign"):
        HttpServer("203.0.113.1:0", {}, "a-test")
