"""Callers see the same of both front ends."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pycore.service.config import ServiceConfig
from pycore.service.front import is_built, speaks_native
from pycore.service.front.bodies import BodyError, inflated
from pycore.service.server import background
from tests.service.fronts import MOST_MESSAGE, PATH, fronted, needs_native

pytestmark = needs_native
PATIENCE = 60.0


def outcome(call: Any) -> tuple[Any, ...]:
    """The outcome of a call: answers, status, words, and metadata."""
    try:
        answers = call()
        code, words = grpc.StatusCode.OK, ""
        trailing = initial = ()
        if isinstance(answers, tuple):
            answers, done = answers
            trailing, initial = done.trailing_metadata(), done.initial_metadata()
        return answers, code, words, sorted(trailing), sorted(initial)
    except grpc.RpcError as error:
        found: Any = error
        return None, found.code(), found.details(), sorted(found.trailing_metadata() or ()), []


def unary(channel: Any, name: str, body: bytes, **more: Any) -> Any:
    return lambda: channel.unary_unary(PATH + name).with_call(body, timeout=more.pop("timeout", PATIENCE), **more)


def streamed(channel: Any, name: str, bodies: list[bytes]) -> Any:
    return lambda: list(channel.stream_stream(PATH + name)(iter(bodies), timeout=PATIENCE))


CASES: dict[str, Any] = {
    "one": lambda c: unary(c, "one", b"abc"),
    "empty": lambda c: unary(c, "one", b""),
    "large": lambda c: unary(c, "one", bytes(MOST_MESSAGE)),
    "too large": lambda c: unary(c, "one", bytes(MOST_MESSAGE + 1)),
    "metadata": lambda c: unary(c, "told", b"", metadata=(("my-a", "1"), ("my-b-bin", b"\0\1"), ("my-a", "2"))),
    "gzip": lambda c: unary(c, "one", b"x" * 100_000, compression=grpc.Compression.Gzip),
    "deflate": lambda c: unary(c, "one", b"x" * 100_000, compression=grpc.Compression.Deflate),
    "bomb": lambda c: unary(c, "one", bytes(MOST_MESSAGE + 5), compression=grpc.Compression.Gzip),
    "refused": lambda c: unary(c, "refused", "é %41 100 % \n\t\x7f".encode()),
    "broken": lambda c: unary(c, "broken", b""),
    "coded": lambda c: unary(c, "coded", b""),
    "no method": lambda c: unary(c, "absent", b""),
    "no service": lambda c: lambda: c.unary_unary("/no.Such/Thing").with_call(b""),
    "late": lambda c: unary(c, "forever", b"", timeout=0.1),
    "several": lambda c: lambda: list(c.unary_stream(PATH + "several")(b"100", timeout=PATIENCE)),
    "no answers": lambda c: lambda: list(c.unary_stream(PATH + "several")(b"0", timeout=PATIENCE)),
    "thirteen": lambda c: lambda: list(c.unary_stream(PATH + "several")(b"13", timeout=PATIENCE)),
    "sum": lambda c: lambda: c.stream_unary(PATH + "sum")(iter([b"ab", b"", b"c" * 300_000]), timeout=PATIENCE),
    "sum of none": lambda c: lambda: c.stream_unary(PATH + "sum")(iter([]), timeout=PATIENCE),
    "both": lambda c: streamed(c, "both", [b"1", b"", b"2" * 500_000, b"3"]),
    "by hand": lambda c: streamed(c, "by_hand", [b"1", b"2"]),
    "many": lambda c: streamed(c, "both", [b"%d" % i for i in range(300)]),
    "large ones": lambda c: streamed(c, "both", [bytes([i]) * 900_000 for i in range(10)]),
}


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Any, Any]]:
    """Channels to both."""
    with contextlib.ExitStack() as stack:
        fronts = [stack.enter_context(fronted(kind)) for kind in ("grpcio", "nghttp2")]
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        channels = [stack.enter_context(grpc.insecure_channel(one.target, options)) for one in fronts]
        yield channels[0], channels[1]


@pytest.mark.parametrize("name", CASES)
def test_both_fronts_say_the_same(two: tuple[Any, Any], name: str) -> None:
    expected, found = (outcome(CASES[name](channel)) for channel in two)
    if name in ("late", "bomb", "too large"):  # the words are the library's
        expected, found = expected[:2], found[:2]
    assert found == expected


def test_a_refusal_of_size_names_it(two: tuple[Any, Any]) -> None:
    for name in ("too large", "bomb"):
        assert "larger than max" in outcome(CASES[name](two[1]))[2]


@pytest.mark.parametrize("kind", ["grpcio", "nghttp2"])
def test_a_cancelled_call_ends_its_handler(kind: str) -> None:
    with fronted(kind) as front, grpc.insecure_channel(front.target) as channel:
        call = channel.unary_unary(PATH + "forever").future(b"")
        assert front.echo.entered.wait(PATIENCE)
        call.cancel()
        assert front.echo.left.wait(PATIENCE)
        assert front.echo.seen == ["cancelled"]


@pytest.mark.parametrize("kind", ["grpcio", "nghttp2"])
def test_a_deadline_ends_the_handler(kind: str) -> None:
    with fronted(kind) as front, grpc.insecure_channel(front.target) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(PATH + "forever")(b"", timeout=0.2)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert front.echo.left.wait(PATIENCE)
        assert front.echo.seen == ["cancelled"]


class Marked(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        if details.method.endswith("/coded"):
            raise ValueError("not this one")
        return None if details.method.endswith("/broken") else await continuation(details)


def test_interceptors_decide() -> None:
    for kind in ("grpcio", "nghttp2"):
        with fronted(kind, interceptors=[Marked()]) as front, grpc.insecure_channel(front.target) as channel:
            assert outcome(unary(channel, "one", b"x"))[:2] == (b"x", grpc.StatusCode.OK)
            assert outcome(unary(channel, "broken", b""))[1] is grpc.StatusCode.UNIMPLEMENTED
            assert outcome(unary(channel, "coded", b""))[1] is grpc.StatusCode.UNKNOWN
            assert outcome(streamed(channel, "both", [b"1", b"2"]))[0] == [b"1", b"2"]


def test_a_drain_loses_nothing_that_is_on_its_way() -> None:
    """Calls that were sent before the peer could know are answered; then the connection ends."""
    with fronted("nghttp2") as front, grpc.insecure_channel(front.target) as channel:
        stream = channel.stream_stream(PATH + "both")
        more: list[bytes] = [b"1", b"2", b"3"]

        def bodies() -> Iterator[bytes]:
            yield more[0]
            assert front.echo.left.wait(PATIENCE)
            yield from more[1:]

        answers = stream(bodies(), timeout=PATIENCE)
        assert next(answers) == b"1"
        stopped = front.stop(PATIENCE)
        front.echo.left.set()
        assert list(answers) == [b"2", b"3"]
        stopped.result(PATIENCE)
        assert not front.server.connections


def test_the_end_of_patience_ends_calls() -> None:
    with fronted("nghttp2") as front, grpc.insecure_channel(front.target) as channel:
        call = channel.unary_unary(PATH + "forever").future(b"")
        assert front.echo.entered.wait(PATIENCE)
        front.stop(None).result(PATIENCE)
        assert call.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
        assert front.echo.seen == ["cancelled"]


def test_a_connection_that_is_old_is_asked_to_come_again() -> None:
    with fronted("nghttp2", age=0.2) as front, grpc.insecure_channel(front.target) as channel:
        peers = set()
        for _ in range(40):
            peers |= {id(one) for one in front.server.connections}
            assert channel.unary_unary(PATH + "one")(b"x", timeout=PATIENCE) == b"x"
            time.sleep(0.05)
        assert len(peers) > 1


def test_a_unix_socket(tmp_path: Path) -> None:
    target = f"unix:{tmp_path}/s"
    for _ in range(2):  # the second takes over what the first left behind
        with fronted("nghttp2", target) as front, grpc.insecure_channel(front.target) as channel:
            assert channel.unary_unary(PATH + "one")(b"x", timeout=PATIENCE) == b"x"


def test_an_address_that_is_taken_is_an_error() -> None:
    with (
        fronted("nghttp2") as front,
        pytest.raises(OSError, match="cannot listen"),
        background(ServiceConfig(address=front.target, front="nghttp2", warm_up=False)),
    ):
        pass


def test_which_front_a_setting_means(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_built()
    assert [speaks_native(one) for one in ("auto", "nghttp2", "grpcio")] == [True, True, False]
    monkeypatch.setattr("pycore.service.front.is_built", lambda: False)
    assert [speaks_native(one) for one in ("auto", "grpcio")] == [False, False]
    with pytest.raises(OSError, match="libnghttp2-dev"):
        speaks_native("nghttp2")


def test_without_the_library_the_reason_is_said() -> None:
    """The module may lie there, in a wheel, and the library that it needs not."""
    code = (
        "import sys\nsys.modules['pycore._http2'] = None\n"
        "from pycore.service.front import is_built, speaks_native\n"
        "assert not is_built() and not speaks_native('auto')\nspeaks_native('nghttp2')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("OSError: front nghttp2: libnghttp2 is absent")
    assert "_http2" in last  # what the import said
    assert "libnghttp2-14" in last


def test_its_source_is_in_the_source_distribution() -> None:
    root = Path(__file__).resolve().parents[2]
    lines = (root / "MANIFEST.in").read_text(encoding="utf-8").split("\n")
    sources = {path.name for path in (root / "pycore").glob("*.c")} - {"_core.c"}  # cffi writes that
    assert sources == {"_http2module.c", "_http2caller.c"}
    assert {"graft csrc", *(f"include pycore/{name}" for name in sources)} <= set(lines)


def test_what_does_not_inflate_is_refused() -> None:
    def run(raw: bytes, encoding: str = "gzip", most: int = 1000) -> bytes:
        return asyncio.run(inflated(raw, encoding, most))

    whole = gzip.compress(b"a" * 1000)
    assert run(whole) == b"a" * 1000
    assert run(zlib.compress(b"b" * 1000), "deflate") == b"b" * 1000
    assert run(gzip.compress(b"c" * 5_000_000), most=5_000_000) == b"c" * 5_000_000
    for bad, words in ((whole[:-1], "does not end"), (whole + b"x", "does not end"), (b"junk", "gzip"),
                       (gzip.compress(b"a" * 1001), "larger than max")):  # fmt: skip
        with pytest.raises(BodyError, match=words):
            run(bad)
    with pytest.raises(BodyError, match="larger than max"):
        run(gzip.compress(bytes(10_000_001)), most=10_000_000)
