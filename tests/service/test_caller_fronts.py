"""The client's side of one connection (`pycore._http2.Caller`) with servers of both front ends."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from .fronts import PATH, Front, fronted, needs_native

_http2 = pytest.importorskip("pycore._http2", reason="pycore was built without libnghttp2")
OVER, LATE, GONE = _http2.OVER, _http2.LATE, _http2.GONE

PATIENCE = 60.0
CANCEL = 8
LIMIT = 4 << 20


@pytest.fixture(params=["grpcio", pytest.param("nghttp2", marks=needs_native)])
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    with fronted(request.param) as one:
        yield one


def connected(front: Front) -> socket.socket:
    host, _, port = front.target.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE)


def asked(method: str, *more: tuple[str, str]) -> bytes:
    fields = [
        (":method", "POST"), (":scheme", "http"), (":path", PATH + method), (":authority", "localhost"),
        ("te", "trailers"), ("content-type", "application/grpc"), *more,
    ]  # fmt: skip
    return b"".join(b"%s\0%s\0" % (name.encode(), value.encode()) for name, value in fields)


def listed(block: bytes | None) -> dict[str, str]:
    """A header list of an answer."""
    assert block is not None
    parts = block.decode().split("\0")
    return dict(zip(parts[:-1:2], parts[1:-1:2], strict=True))


def test_calls_one_after_another(front: Front) -> None:
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        for size in (0, 1, 100_000, 16_379, 16_384, 1_000_000, 5, 65_530):
            body = bytes(range(256)) * (size // 256) + bytes(size % 256)
            caller.begin(asked("one"), body)
            assert caller.run(link.fileno(), PATIENCE) == OVER
            head, message, tail, flags, code = caller.answer()
            assert (message, flags, code) == (body, 0, 0)
            assert listed(head)[":status"] == "200"
            assert listed(tail)["grpc-status"] == "0"
            assert caller.peek(link.fileno())


def test_without_a_socket_of_its_own(front: Front) -> None:
    """As over TLS: bytes in and bytes out, here in small pieces."""
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        link.settimeout(PATIENCE)
        for _ in range(2):
            caller.begin(asked("one"), b"ab" * 5000)
            while not caller.over:
                while (data := caller.collect()) is not None:
                    link.sendall(data)
                caller.receive(link.recv(100))
            assert caller.answer()[1] == b"ab" * 5000


def test_headers_go_there_and_back(front: Front) -> None:
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        caller.begin(asked("told", ("my-key", "value"), ("grpc-timeout", "60S")), b"")
        assert caller.run(link.fileno(), PATIENCE) == OVER
        head, message, tail, _, _ = caller.answer()
        assert message is not None
        assert message.startswith(b"([('my-key', 'value')], True, ")
        assert listed(head)["first"] == "1"
        assert listed(tail)["last"] == "2"


def test_refusals(front: Front) -> None:
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        for words in ("so", "a blank at the end ", ""):
            caller.begin(asked("refused"), words.encode())
            assert caller.run(link.fileno(), PATIENCE) == OVER
            head, message, tail, flags, code = caller.answer()
            assert (message, flags, code) == (None, 0, 0)
            last = listed(head if tail is None else tail)
            assert last["grpc-status"] == "3"
            assert last.get("grpc-message", "").strip() == words.strip()
            assert last["why"] == "so"
        caller.begin(asked("absent"), b"x" * 300_000)
        assert caller.run(link.fileno(), PATIENCE) == OVER
        head, _, tail, _, _ = caller.answer()
        assert listed(head if tail is None else tail)["grpc-status"] == "12"


def test_a_request_that_is_too_large_for_the_service(front: Front) -> None:
    """It is refused before all of it was sent; the connection goes on."""
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        caller.begin(asked("one"), bytes(16 << 20))
        assert caller.run(link.fileno(), PATIENCE) == OVER
        head, message, tail, _, _ = caller.answer()
        assert message is None
        assert listed(head if tail is None else tail)["grpc-status"] == "8"
        assert caller.peek(link.fileno())
        caller.begin(asked("one"), b"small")
        assert caller.run(link.fileno(), PATIENCE) == OVER
        assert caller.answer()[1] == b"small"


def test_an_answer_that_is_too_large_for_the_client(front: Front) -> None:
    caller = _http2.Caller(8192, 1000)
    with connected(front) as link:
        for size, flags in ((1001, _http2.LARGE), (1 << 19, _http2.LARGE), (1000, 0)):
            caller.begin(asked("one"), bytes(size))
            assert caller.run(link.fileno(), PATIENCE) == OVER
            assert caller.answer()[3] == flags
            assert caller.peek(link.fileno())


def test_several_messages_are_no_answer_to_one_call(front: Front) -> None:
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        caller.begin(asked("several"), b"3")
        assert caller.run(link.fileno(), PATIENCE) == OVER
        answer = caller.answer()
        assert (answer[1], answer[3]) == (None, _http2.MANY)


def test_a_call_that_is_given_up_ends_at_the_service(front: Front) -> None:
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        caller.begin(asked("forever"), b"")
        while not front.echo.entered.is_set():
            assert caller.run(link.fileno(), 0.01) == LATE
        caller.reset(CANCEL)
        assert caller.run(link.fileno(), PATIENCE) == OVER
        assert front.echo.left.wait(PATIENCE)
        assert caller.answer() == (None, None, None, 0, CANCEL)
        caller.begin(asked("one"), b"next")
        assert caller.run(link.fileno(), PATIENCE) == OVER
        assert caller.answer()[1] == b"next"


def test_a_service_that_stops(front: Front) -> None:
    """It says so on idle connections, which carry no call then, and waits for them to be closed."""
    caller = _http2.Caller(8192, LIMIT)
    with connected(front) as link:
        caller.begin(asked("one"), b"x")
        assert caller.run(link.fileno(), PATIENCE) == OVER
        caller.answer()
        stopped = front.stop(PATIENCE)
        end = time.monotonic() + PATIENCE
        while caller.peek(link.fileno()):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert not caller.usable
        with pytest.raises(RuntimeError, match="carries no more"):
            caller.begin(asked("one"), b"x")
    stopped.result(PATIENCE)


def test_a_connection_that_is_reset() -> None:
    caller = _http2.Caller(8192, LIMIT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as link:
            other, _ = listener.accept()
            caller.begin(asked("one"), bytes(1 << 20))
            assert caller.run(link.fileno(), 0.01) == LATE
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            other.close()
            assert caller.run(link.fileno(), PATIENCE) == GONE
            assert caller.error == errno.ECONNRESET
            assert not caller.unsent
