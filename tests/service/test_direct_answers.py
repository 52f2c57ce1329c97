"""Answers of a service as blocking calls without grpcio read them, and the clients that make such calls."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pycore.client import AsyncValidationClient, Tls, ValidationClient, direct
from pycore.client.direct import is_built
from pycore.client.direct_answers import CallError, read, told
from pycore.errors import InputError

from .conftest import Authority

pytestmark = pytest.mark.skipif(not is_built(), reason="pycore._http2 was not built: libnghttp2 is absent")


def failure(call: Callable[[], object]) -> CallError:
    with pytest.raises(CallError) as caught:
        call()
    return caught.value


# ---- answers that are no good --------------------------------------------------------------------------------------


def lists(**pairs: str) -> bytes:
    return b"".join(f"{key.replace('_', '-')}\0{value}\0".encode() for key, value in pairs.items())


OK = b":status\0" + b"200\0" + lists(content_type="application/grpc+proto")
PLAIN = b":status\0" + b"200\0"
ZERO = lists(grpc_status="0")


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ((OK, None, ZERO, "", 0), "INTERNAL", "no message"),
        ((OK + ZERO, None, None, "", 0), "INTERNAL", "no message"),
        ((OK + ZERO, b"x", None, "", 0), "UNKNOWN", "no grpc-status"),
        ((OK, b"x", None, "", 0), "UNKNOWN", "no grpc-status"),
        ((OK, b"x", b"", "", 0), "UNKNOWN", "no grpc-status"),
        ((OK, b"x", ZERO + ZERO, "", 0), "UNKNOWN", "several"),
        ((OK, b"x", lists(grpc_status="00"), "", 0), "UNKNOWN", ""),
        ((OK, b"x", lists(grpc_status=""), "", 0), "UNKNOWN", ""),
        ((OK, b"x", lists(grpc_status="17"), "", 0), "UNKNOWN", ""),
        ((OK, b"x", lists(grpc_status="-1"), "", 0), "UNKNOWN", ""),
        ((OK, b"x", lists(grpc_status="5", grpc_message="a%20b%ff"), "", 0), "NOT_FOUND", "a b\xff"),
        ((OK + lists(grpc_status="16", grpc_message="%E2%82%AC%"), None, None, "", 0), "UNAUTHENTICATED", "€%"),
        ((OK, b"x", ZERO, "cut", 0), "INTERNAL", "cut"),
        ((OK, None, None, "received message larger than max (1 bytes)", 8), "RESOURCE_EXHAUSTED", "larger than max"),
        ((PLAIN, b"x", ZERO, "", 0), "UNKNOWN", "content-type"),
        ((PLAIN + lists(content_type="text/html"), b"x", ZERO, "", 0), "UNKNOWN", "text/html"),
        ((PLAIN + lists(content_type="application/grpcx"), b"x", ZERO, "", 0), "UNKNOWN", "application/grpcx"),
        ((b":status\0" + b"500\0" + lists(content_type="application/grpc"), b"x", ZERO, "", 0), "UNKNOWN", "500"),
        ((None, None, None, "", 0), "INTERNAL", "error code 0"),
        ((None, None, None, "", 1), "INTERNAL", "error code 1"),
        ((None, None, None, "", 5), "UNKNOWN", "error code 5"),
        ((None, None, None, "", 7), "UNAVAILABLE", "error code 7"),
        ((None, None, None, "", 8), "CANCELLED", "error code 8"),
        ((None, None, None, "", 11), "RESOURCE_EXHAUSTED", "error code 11"),
        ((OK, b"x", None, "", 12), "PERMISSION_DENIED", "error code 12"),
        ((OK, b"x", None, "", 99), "INTERNAL", "error code 99"),
    ],
)
def test_an_answer_that_is_not_good_is_an_error(answer: Any, code: str, words: str) -> None:
    error = failure(lambda: read(*answer))
    assert error.code().name == code
    assert words in error.details()


@pytest.mark.parametrize(
    ("status", "code"),
    [("400", "INTERNAL"), ("401", "UNAUTHENTICATED"), ("403", "PERMISSION_DENIED"), ("404", "UNIMPLEMENTED"),
     ("429", "UNAVAILABLE"), ("502", "UNAVAILABLE"), ("503", "UNAVAILABLE"), ("504", "UNAVAILABLE"),
     ("418", "UNKNOWN")],
)  # fmt: skip
def test_a_status_of_http_is_mapped(status: str, code: str) -> None:
    head = f":status\0{status}\0".encode() + lists(content_type="text/plain")
    assert failure(lambda: read(head, None, None, "", 0)).code().name == code


def test_metadata_of_an_error() -> None:
    bare = base64.b64encode(b"\1\2").decode().rstrip("=")
    tail = lists(grpc_status="3", a="1", b_bin=f"{bare}, {bare}==", c_bin="!", content_type="application/grpc")
    error = failure(lambda: read(OK + lists(x_request_id="me"), None, tail, "", 0))
    assert error.trailing_metadata() == (("a", "1"), ("b-bin", b"\1\2"), ("b-bin", b"\1\2"))
    assert error.initial_metadata() == (("x-request-id", "me"),)
    only = failure(lambda: read(OK + lists(grpc_status="3", a="1"), None, None, "", 0))
    assert (only.initial_metadata(), only.trailing_metadata()) == ((), (("a", "1"),))


def test_a_good_answer_is_its_message() -> None:
    assert read(OK, b"", ZERO, "", 0) == b""
    assert read(PLAIN + lists(content_type="Application/gRPC"), b"x", lists(a="0", grpc_status="0"), "", 0) == b"x"


def test_metadata_that_no_header_can_carry() -> None:
    for pair in (("", "x"), ("a", "x\0y"), ("a\0", "x")):
        with pytest.raises(ValueError, match="metadata"):
            told(None, (pair,))
    assert told(1.5, (("My-A", "x"), ("b-bin", b"\0"))) == b"grpc-timeout\x001500000u\0my-a\0x\0b-bin\0AA\0"


# ---- where it is used ------------------------------------------------------------------------------------------------


def goes_direct(target: Any = "127.0.0.1:1", **settings: Any) -> bool:
    with ValidationClient(target, **settings) as client:
        return all(route.pool is not None for route in client._routes.all)


def test_what_it_is_used_for(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy", "PYCORE_TRANSPORT"):
        monkeypatch.delenv(name, raising=False)
    roots = Tls(authority.path)
    for target in ("localhost:1", "dns:///node:1", "[::1]:1", "unix:/run/pycore", "node.example.org:65535"):
        assert goes_direct(target)
    assert goes_direct(tls=roots)
    assert goes_direct(["a:1", "b:1"], balance="pick_first", connections=2)
    forbidden: list[tuple[str, dict[str, Any]]] = [
        ("options", {"options": [("grpc.keepalive_time_ms", 1000)]}),
        ("balance", {"balance": "round_robin"}),
        ("balance", {"target": "a:1,b:1"}),
        ("target", {"target": "ipv4:127.0.0.1:1"}),
        ("target", {"target": "xds:///node:1"}),
        ("target", {"target": "unix:relative"}),
        ("root_certificates", {"tls": True}),
    ]
    for words, settings in forbidden:
        assert not goes_direct(**settings)
        with pytest.raises(InputError, match=words):
            goes_direct(transport="nghttp2", **settings)
    assert not goes_direct(transport="grpcio")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert goes_direct("127.0.0.1:1")
    assert not goes_direct("node:1")
    with pytest.raises(InputError, match="http_proxy"):
        goes_direct("node:1", transport="nghttp2")
    monkeypatch.setenv("no_proxy", "other, .example.org")
    assert goes_direct("node.example.org:1")
    assert not goes_direct("node:1")


def test_the_environment_says_what_auto_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCORE_TRANSPORT", "grpcio")
    assert not goes_direct()
    assert goes_direct(transport="nghttp2")
    monkeypatch.setenv("PYCORE_TRANSPORT", "nghttp2")
    assert goes_direct()
    assert not goes_direct(balance="round_robin")
    assert not goes_direct(transport="grpcio")
    monkeypatch.setenv("PYCORE_TRANSPORT", "quic")
    with pytest.raises(InputError, match="PYCORE_TRANSPORT"):
        goes_direct()
    monkeypatch.delenv("PYCORE_TRANSPORT")
    monkeypatch.setattr(direct, "_http2", None)
    assert not goes_direct()
    with pytest.raises(InputError, match="libnghttp2"):
        goes_direct(transport="nghttp2")
    with pytest.raises(InputError, match="transport"):
        goes_direct(transport="http3")


async def test_the_asyncio_client_has_grpcio_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCORE_TRANSPORT", "nghttp2")
    for transport in ("auto", "grpcio"):
        async with AsyncValidationClient("127.0.0.1:1", transport=transport):
            pass
    with pytest.raises(InputError, match="transport"):
        AsyncValidationClient("127.0.0.1:1", transport="nghttp2")


def test_files_of_tls_are_read_at_once(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        goes_direct(tls=Tls(tmp_path / "absent"))
    (tmp_path / "broken").write_text("no PEM", encoding="utf-8")
    assert not goes_direct(tls=Tls(tmp_path / "broken"))  # grpcio says what it thinks of it, as ever
    with pytest.raises(InputError, match="TLS files"):
        goes_direct(tls=Tls(tmp_path / "broken"), transport="nghttp2")
