"""The client's side of one connection (`pycore._http2.Caller`) against peers by hand: whatever comes, in whatever
parts, is one whole answer, or is said to be none."""

from __future__ import annotations

import errno
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from .http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    message,
)

_http2 = pytest.importorskip("pycore._http2", reason="pycore was built without libnghttp2")
OVER, LATE, GONE = _http2.OVER, _http2.LATE, _http2.GONE

PATIENCE = 60.0
HEAD = b":method\0POST\0:scheme\0http\0:path\0/service/Method\0:authority\0localhost\0te\0trailers\0"
LIMIT = 4096
HELLO = frame(SETTINGS, 0, 0)


def fields(*pairs: tuple[str, str]) -> bytes:
    return b"".join(b"\0" + bytes([len(k)]) + k.encode() + bytes([len(v)]) + v.encode() for k, v in pairs)


HEADERS_200 = fields((":status", "200"), ("content-type", "application/grpc"))
TRAILERS = fields(("grpc-status", "0"))


def head(stream: int, block: bytes = HEADERS_200, flags: int = END_HEADERS) -> bytes:
    return frame(HEADERS, flags, stream, block)


def tail(stream: int) -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)


def answer_to(stream: int, body: bytes = b"yes") -> bytes:
    return head(stream) + frame(DATA, 0, stream, message(body)) + tail(stream)


def opened(body: bytes = b"question", limit: int = LIMIT) -> _http2.Caller:
    caller = _http2.Caller(8192, limit)
    caller.begin(HEAD, body)
    return caller


def sent(caller: _http2.Caller) -> list[tuple[int, int, int, bytes]]:
    """The frames that it wants to send now: (kind, flags, stream, payload)."""
    data = b""
    while (more := caller.collect()) is not None:
        data += more
    data = data.removeprefix(PREFACE)
    found = []
    while data:
        length = int.from_bytes(data[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", data[3:9])
        found.append((kind, flags, stream, data[9 : 9 + length]))
        data = data[9 + length :]
    return found


def data_of(frames: list[tuple[int, int, int, bytes]]) -> bytes:
    return b"".join(payload for kind, _, _, payload in frames if kind == DATA)


def test_a_call_and_the_next_one() -> None:
    caller = opened()
    frames = sent(caller)
    assert [(kind, stream) for kind, _, stream, _ in frames][:2] == [(SETTINGS, 0), (WINDOW_UPDATE, 0)]
    assert data_of(frames) == message(b"question")
    assert not caller.over
    assert not caller.usable
    caller.receive(HELLO + answer_to(1))
    assert caller.over
    assert caller.answered
    assert not caller.unsent
    assert caller.answer() == (
        b":status\x00200\x00content-type\x00application/grpc\x00", b"yes", b"grpc-status\x000\x00", 0, 0,
    )  # fmt: skip
    assert caller.usable
    caller.begin(HEAD, b"")
    assert data_of(sent(caller)) == message(b"")
    caller.receive(answer_to(3, b""))
    assert caller.answer()[1] == b""


def test_whatever_the_cuts() -> None:
    whole = HELLO + answer_to(1, b"x" * 300)
    for size in (1, 2, 3, 5, 7, 64):
        caller = opened()
        sent(caller)
        for at in range(0, len(whole), size):
            assert not caller.over
            caller.receive(whole[at : at + size])
        assert caller.answer()[1:] == (b"x" * 300, b"grpc-status\x000\x00", 0, 0)


def test_messages_in_many_frames() -> None:
    caller = opened()
    sent(caller)
    body = message(bytes(range(256)) * 10)
    parts = b"".join(frame(DATA, 0, 1, body[at : at + 1]) for at in range(len(body)))
    caller.receive(HELLO + head(1) + parts + tail(1))
    assert caller.answer()[1] == bytes(range(256)) * 10


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        pytest.param(
            frame(HEADERS, END_HEADERS | END_STREAM, 1, HEADERS_200 + TRAILERS), (None, None, 0, 0), id="trailers only"
        ),
        pytest.param(head(1) + tail(1), (None, b"grpc-status\x000\x00", 0, 0), id="no message"),
        pytest.param(head(1) + frame(DATA, END_STREAM, 1, message(b"yes")), (b"yes", None, 0, 0), id="no trailers"),
        pytest.param(
            head(1) + frame(DATA, END_STREAM, 1, b"\0\0"), (None, None, _http2.CUT, 0), id="cut inside of the prefix"
        ),
        pytest.param(
            head(1) + frame(DATA, 0, 1, message(b"y", length=3)) + tail(1),
            (None, b"grpc-status\x000\x00", _http2.CUT, 0),
            id="cut",
        ),
        pytest.param(
            head(1) + frame(DATA, 0, 1, message(b"a") + message(b"b")) + tail(1), (None, None, _http2.MANY, 0), id="two"
        ),
        pytest.param(
            head(1) + frame(DATA, 0, 1, message(b"a", compressed=True)) + tail(1),
            (None, None, _http2.SQUEEZED, 0),
            id="compressed",
        ),
        pytest.param(
            head(1) + frame(DATA, 0, 1, b"\7" + message(b"a")[1:]) + tail(1), (None, None, _http2.ODD, 0), id="odd"
        ),
        pytest.param(
            head(1) + frame(DATA, 0, 1, message(b"", length=LIMIT + 1)) + tail(1),
            (None, None, _http2.LARGE, 0),
            id="large",
        ),
        pytest.param(frame(RST_STREAM, 0, 1, struct.pack(">I", 8)), (None, None, 0, 8), id="reset"),
        pytest.param(
            head(1) + frame(DATA, 0, 1, b"\0\0\0\0\5x") + frame(RST_STREAM, 0, 1, struct.pack(">I", 2)),
            (None, None, _http2.CUT, 2),
            id="reset inside of a message",
        ),
        pytest.param(
            head(1)
            + frame(HEADERS, END_HEADERS | END_STREAM, 1, fields(("grpc-status", "3"), ("grpc-message", "so "))),
            (None, b"grpc-status\x003\x00grpc-message\x00so \x00", 0, 0),
            id="a blank at the end of a value",
        ),
        pytest.param(
            head(1, fields((":status", "103"), ("x", "y"))) * 3 + answer_to(1),
            (b"yes", b"grpc-status\x000\x00", 0, 0),
            id="interim answers",
        ),
    ],
)
def test_answers(frames: bytes, found: tuple[object, ...]) -> None:
    caller = opened()
    sent(caller)
    caller.receive(HELLO + frames)
    assert caller.over
    assert caller.answer()[1:] == found
    assert caller.usable, "a bad answer to one call leaves the connection"
    sent(caller)
    caller.begin(HEAD, b"again")
    sent(caller)
    caller.receive(answer_to(3))
    assert caller.answer()[1] == b"yes"


def test_header_lists_are_bounded() -> None:
    long = [("n" * 100, "v" * 100)] * 40  # 9,280 bytes as RFC 9113 counts them
    caller = opened()
    sent(caller)
    caller.receive(HELLO + head(1, HEADERS_200 + fields(*long)) + frame(DATA, 0, 1, message(b"yes")) + tail(1))
    assert caller.over
    assert caller.answer()[3] & _http2.HEADERS


def test_a_header_list_without_end_resets_the_call() -> None:
    block = HEADERS_200 + fields(*[("n" * 100, "v" * 100)] * 200)  # more than four times what may come
    caller = opened()
    sent(caller)
    caller.receive(HELLO + frame(HEADERS, 0, 1, block[:16_000]))
    for at in range(16_000, len(block), 16_000):
        rest = block[at : at + 16_000]
        caller.receive(frame(9, END_HEADERS if at + 16_000 >= len(block) else 0, 1, rest))
    assert [kind for kind, *_ in sent(caller)][-1] == RST_STREAM
    assert caller.over
    assert caller.answer()[3] & _http2.HEADERS
    assert caller.usable


def test_interim_answers_without_end() -> None:
    caller = opened()
    sent(caller)
    caller.receive(HELLO + head(1, fields((":status", "103"))) * 9)
    assert caller.over
    assert caller.answer()[3] & _http2.HEADERS


@pytest.mark.parametrize(
    ("one", "count"),
    [
        pytest.param(frame(PING, ACK, 0, bytes(8)), 3000, id="pings"),
        pytest.param(frame(SETTINGS, ACK, 0), 3000, id="settings"),
        pytest.param(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"), 200_000, id="windows"),
        pytest.param(frame(DATA, 0, 1), 20_000, id="empty data"),
        pytest.param(frame(DATA, 8, 1, b"\3\0\0\0"), 20_000, id="padding"),
    ],
)
def test_frames_that_bring_nothing_end_the_connection(one: bytes, count: int) -> None:
    caller = opened()
    sent(caller)
    caller.receive(HELLO + head(1))
    sent(caller)
    with pytest.raises(ValueError, match=r"HTTP/2 of a server: (too many frames|SETTINGS|unexpected)"):
        caller.receive(one * count)
    assert not caller.usable
    assert sent(caller)[-1][0] == GOAWAY


def test_pings_are_answered() -> None:
    caller = opened()
    sent(caller)
    caller.receive(HELLO + frame(PING, 0, 0, b"12345678"))
    assert (PING, ACK, 0, b"12345678") in sent(caller)


def test_nobody_is_pushed() -> None:
    promise = struct.pack(">I", 2) + fields(
        (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")
    )
    caller = opened()
    sent(caller)
    caller.receive(HELLO + frame(5, END_HEADERS, 1, promise))
    assert (RST_STREAM, 0, 2, struct.pack(">I", 8)) in sent(caller)
    caller.receive(answer_to(1))
    assert caller.answer()[1] == b"yes"
    sent(caller)
    caller.begin(HEAD, b"")
    sent(caller)
    caller.receive(frame(SETTINGS, ACK, 0))
    with pytest.raises(ValueError, match="HTTP/2"):
        caller.receive(frame(5, END_HEADERS, 3, promise))  # it knows by now
    assert not caller.usable


def test_no_http2() -> None:
    caller = opened()
    with pytest.raises(ValueError, match="HTTP/2"):
        caller.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert not caller.usable
    assert not caller.answered


def test_the_window_of_the_peer() -> None:
    caller = opened(bytes(200))
    caller.receive(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 7)))
    got = data_of(sent(caller))
    assert got == message(bytes(200))[:7]
    while len(got) < 205:
        assert not sent(caller)
        caller.receive(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 9)))
        more = sent(caller)
        got += data_of(more)
    assert got == message(bytes(200))
    assert more[-1][1] & END_STREAM


def test_an_answer_before_the_call_was_sent() -> None:
    caller = opened(bytes(5000))
    caller.receive(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 100)))
    sent(caller)
    caller.receive(answer_to(1))
    assert caller.over
    assert caller.answer()[1] == b"yes"
    assert (RST_STREAM, 0, 1, struct.pack(">I", 8)) in sent(caller), "the rest will not be sent"
    caller.receive(frame(RST_STREAM, 0, 1, bytes(4)))
    assert caller.usable


def test_goodbye() -> None:
    goodbye = frame(GOAWAY, 0, 0, struct.pack(">II", 1, 0))
    caller = opened()
    sent(caller)
    caller.receive(HELLO + goodbye)
    assert not caller.over, "the peer goes on with what it has"
    caller.receive(answer_to(1))
    assert caller.answer()[1] == b"yes"
    assert not caller.usable
    with pytest.raises(RuntimeError, match="carries no more"):
        caller.begin(HEAD, b"")


def test_an_error_after_goodbye_ends_the_connection() -> None:
    """Or the call would wait for ever: after its own GOAWAY nghttp2 reads nothing more."""
    caller = opened()
    sent(caller)
    caller.receive(HELLO + frame(GOAWAY, 0, 0, struct.pack(">II", 1, 0)))
    with pytest.raises(ValueError, match="DATA: stream_id == 0"):
        caller.receive(frame(DATA, 0, 0, b"x"))
    assert [kind for kind, *_ in sent(caller)] == [SETTINGS, GOAWAY]
    assert not caller.over
    caller.reset(8)
    assert caller.answer() == (None, None, None, 0, 8)


def test_goodbye_before_the_call_was_sent() -> None:
    caller = opened()
    caller.receive(HELLO + frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
    assert not data_of(sent(caller))
    assert caller.over
    assert caller.unsent


def test_a_refusal_after_the_answer_began_is_none() -> None:
    refused = frame(RST_STREAM, 0, 1, struct.pack(">I", 7))
    caller = opened()
    sent(caller)
    caller.receive(HELLO + refused)
    assert caller.unsent
    caller = opened()
    sent(caller)
    caller.receive(HELLO + head(1) + refused)
    assert caller.over
    assert not caller.unsent


def test_the_data_of_a_call_that_was_given_up_leaves_room_for_the_next() -> None:
    """Bytes that are thrown away count for the window of the connection, which is 4 MiB."""
    caller = opened()
    sent(caller)
    caller.receive(HELLO + head(1) + frame(DATA, 0, 1, message(b"", length=LIMIT + 1)))
    assert caller.answer()[3] == _http2.LARGE
    part, more = frame(DATA, 0, 1, bytes(16_384)), 0
    for _ in range(300):
        caller.receive(part)
        more += sum(int.from_bytes(data, "big") for kind, _, stream, data in sent(caller) if kind == WINDOW_UPDATE)
    assert more > 1 << 21
    caller.begin(HEAD, b"")
    sent(caller)
    caller.receive(answer_to(3))
    assert caller.answer()[1] == b"yes"


def test_goodbye_to_a_call_that_had_not_begun() -> None:
    caller = opened()
    sent(caller)
    caller.receive(HELLO + frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)))
    assert caller.over
    assert caller.unsent
    assert not caller.answered


def test_a_call_that_is_given_up() -> None:
    caller = opened(bytes(1 << 20))
    caller.receive(HELLO)
    sent(caller)
    caller.reset(8)
    assert caller.over
    assert (RST_STREAM, 0, 1, struct.pack(">I", 8)) in sent(caller)
    assert caller.answer() == (None, None, None, 0, 8)
    caller.receive(answer_to(1))  # was on its way
    assert caller.usable


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"a",
        b"a\0b",
        b"a\0b\0c\0",
        b"\0b\0",
        pytest.param(b"a\0b\0" * 65, id="many"),
        pytest.param(HEAD + b"a\0" + b"b" * 60_000 + b"\0", id="long"),
    ],
)
def test_headers_without_form(broken: bytes) -> None:
    with pytest.raises(ValueError, match="form"):
        _http2.Caller(8192, LIMIT).begin(broken, b"")


def test_one_call_at_a_time() -> None:
    caller = opened()
    with pytest.raises(RuntimeError, match="a call is open"):
        caller.begin(HEAD, b"")
    with pytest.raises(RuntimeError, match="no call is over"):
        caller.answer()
    with pytest.raises(RuntimeError, match="no call is over"):
        _http2.Caller(8192, LIMIT).answer()


# ---- over sockets ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    mine, other = socket.socketpair()
    other.settimeout(PATIENCE)
    with mine, other:
        yield mine, other


def test_run_waits_for_what_comes_late(ends: tuple[socket.socket, socket.socket]) -> None:
    mine, other = ends
    caller = opened()

    def answer() -> None:
        assert other.recv(1 << 16).startswith(PREFACE)
        for part in (HELLO, head(1), frame(DATA, 0, 1, message(b"yes")), tail(1)):
            time.sleep(0.01)
            other.sendall(part)

    thread = threading.Thread(target=answer)
    thread.start()
    assert caller.run(mine.fileno(), PATIENCE) == OVER
    thread.join()
    assert caller.answer()[1] == b"yes"
    assert caller.peek(mine.fileno())
    other.close()
    assert not caller.peek(mine.fileno())


def test_run_ends_in_time(ends: tuple[socket.socket, socket.socket]) -> None:
    caller = opened()
    assert caller.run(ends[0].fileno(), 0.02) == LATE
    assert caller.run(ends[0].fileno(), 0.0) == LATE
    assert not caller.over
    assert not caller.unsent


def test_run_where_both_sides_are_full(ends: tuple[socket.socket, socket.socket]) -> None:
    """The peer reads nothing before it has said a lot: whoever only writes then waits for ever."""
    mine, other = ends
    body, long = bytes(1 << 22), bytes(1 << 21)
    caller = opened(body, 1 << 22)
    caller.receive(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 23)) + frame(WINDOW_UPDATE, 0, 0, b"\0\x7f\0\0"))
    received = bytearray()

    def answer() -> None:
        other.sendall(frame(SETTINGS, ACK, 0))
        whole = head(1) + b"".join(
            frame(DATA, 0, 1, message(long)[at : at + 16_384]) for at in range(0, len(long) + 5, 16_384)
        )
        other.sendall(whole)
        while len(received) < len(body):
            received.extend(other.recv(1 << 20))
        other.sendall(tail(1))

    thread = threading.Thread(target=answer)
    thread.start()
    assert caller.run(mine.fileno(), PATIENCE) == OVER
    thread.join()
    assert caller.answer()[1:] == (long, b"grpc-status\x000\x00", 0, 0)


def test_run_reads_what_came_before_the_end(ends: tuple[socket.socket, socket.socket]) -> None:
    mine, other = ends
    other.sendall(HELLO + answer_to(1))
    other.close()
    caller = opened()
    assert caller.run(mine.fileno(), PATIENCE) in (OVER, GONE)
    if caller.over:  # the peer closed before it had read, so the kernel may have thrown its answer away
        assert caller.answer()[1] == b"yes"
    assert not caller.peek(mine.fileno())


def test_run_sees_that_the_peer_has_gone(ends: tuple[socket.socket, socket.socket]) -> None:
    mine, other = ends
    caller = opened()
    other.close()
    assert caller.run(mine.fileno(), PATIENCE) == GONE
    assert not caller.usable
    assert not caller.answered
    with socket.socket() as closed:
        fd = closed.fileno()
    again = opened()
    assert again.run(fd, PATIENCE) == GONE
    assert again.error == errno.EBADF
    assert again.unsent


def test_run_names_the_error_of_sending(ends: tuple[socket.socket, socket.socket]) -> None:
    mine, _ = ends
    mine.shutdown(socket.SHUT_WR)
    caller = opened()
    assert caller.run(mine.fileno(), PATIENCE) == GONE
    assert caller.error == errno.EPIPE
    assert caller.unsent


def test_run_tells_a_peer_that_speaks_something_else(ends: tuple[socket.socket, socket.socket]) -> None:
    mine, other = ends
    other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    caller = opened()
    assert caller.run(mine.fileno(), PATIENCE) == GONE
    assert caller.error == 0
    mine.shutdown(socket.SHUT_WR)
    said = b""
    while more := other.recv(1 << 16):
        said += more
    assert said.endswith(b"SETTINGS expected")


def test_run_does_not_wait_to_send_once_the_call_is_over(ends: tuple[socket.socket, socket.socket]) -> None:
    """The peer reads nothing and has answered: what is left of the call goes with the next one."""
    mine, other = ends
    caller = opened(bytes(1 << 24))
    caller.receive(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 25)) + frame(WINDOW_UPDATE, 0, 0, b"\1\0\0\0"))
    assert caller.run(mine.fileno(), 0.02) == LATE  # by now the socket is full
    other.sendall(frame(SETTINGS, ACK, 0) + answer_to(1))
    assert caller.run(mine.fileno(), PATIENCE) == OVER
    assert caller.answer()[1] == b"yes"
    assert caller.usable


def test_run_can_be_interrupted(ends: tuple[socket.socket, socket.socket]) -> None:
    caller = opened()

    done = threading.Event()
    main = threading.main_thread().ident
    assert main is not None

    def handler(*_: object) -> None:
        if not done.is_set():
            done.set()
            raise InterruptedError("by a signal")

    def signals() -> None:
        ends[1].recv(1)  # by now `run` has begun
        while not done.wait(0.01):
            signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=signals)
    try:
        thread.start()
        with pytest.raises(InterruptedError, match="by a signal"):
            caller.run(ends[0].fileno(), PATIENCE)
    finally:
        done.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert not caller.over
    caller.reset(8)
    assert caller.over


def test_one_thread_at_a_time(ends: tuple[socket.socket, socket.socket]) -> None:
    mine, other = ends
    caller = opened()
    outcome: list[int] = []
    thread = threading.Thread(target=lambda: outcome.append(caller.run(mine.fileno(), PATIENCE)))
    thread.start()
    other.recv(1)
    with pytest.raises(RuntimeError, match="another thread"):
        while True:  # until the thread waits
            assert not caller.over
            time.sleep(0)
    mine.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert outcome == [GONE]
