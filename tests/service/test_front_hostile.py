"""Peers of the second front end that lie, flood, and do not read."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from tests.service.fronts import MOST_MESSAGE, PATH, Front, fronted, needs_native
from tests.service.http2 import (
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
    Peer,
    frame,
    headers,
    message,
)

pytestmark = needs_native
PATIENCE = 60.0
PROTOCOL_ERROR, INTERNAL_ERROR, ENHANCE_YOUR_CALM = 1, 2, 11
CONTINUATION, PRIORITY = 9, 2


class Watcher(Peer):
    """Keeps what the service says. `said`: payloads of HEADERS by stream; `code`: of GOAWAY."""

    def __init__(self, target: str, *, window: int = 65_535) -> None:
        self.said: dict[int, list[bytes]] = {}
        self.code: int | None = None
        super().__init__(target, window=window)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == HEADERS:
            self.said.setdefault(stream, []).append(payload)
        if kind == GOAWAY:
            self.code = struct.unpack(">I", payload[4:8])[0]
        super()._take(kind, flags, stream, payload)

    def send_until_refused(self, stream: int, data: bytes) -> None:
        while data and stream not in self.ended:
            room = min(self._room, self._stream_room[stream], 16_384)
            if room <= 0:
                self._read()
                continue
            self.send(stream, data[:room], end=False)
            data = data[room:]

    def wait_until_gone(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self.gone:
            assert time.monotonic() < end
            self._read()


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with fronted("nghttp2") as one:
        yield one


@pytest.fixture
def peer(front: Front) -> Iterator[Watcher]:
    one = Watcher(front.target)
    yield one
    one.close()
    assert works(front)  # whatever it did, others are served


def works(front: Front) -> bool:
    with grpc.insecure_channel(front.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        answer: bytes = channel.unary_unary(PATH + "one")(b"x", timeout=PATIENCE)
        return answer == b"x"


def settles(front: Front, reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not asyncio.run_coroutine_threadsafe(_call(reached), front.loop).result(PATIENCE):
        assert time.monotonic() < end
        time.sleep(0.01)


async def _call(reached: Callable[[], bool]) -> bool:
    return reached()


def flooded(peer: Watcher, part: bytes, times: int) -> None:
    """Sends a frame again and again, until the service has had enough, or all were sent."""
    many = part * 200
    try:
        for _ in range(times // 200):
            peer.socket.sendall(many)
            peer.pump()
            if peer.gone:
                return
    except OSError:
        peer.gone = True


# ---- what is no call -------------------------------------------------------------------------------------------------


def test_a_call_is_answered(peer: Watcher) -> None:
    stream = peer.call(PATH + "one", message(b"abc"))
    peer.wait_for_end(stream)
    assert peer.received[stream] == 5 + 3


@pytest.mark.parametrize(
    ("swap", "status"),
    [(("content-type", "application/json"), b"415"), (("content-type", "application/grpcx"), b"415"),
     ((":method", "GET"), b"405")],
)  # fmt: skip
def test_what_is_no_grpc_gets_an_http_status(peer: Watcher, swap: tuple[str, str], status: bytes) -> None:
    block = headers(PATH + "one")
    name, value = swap
    old = {"content-type": "application/grpc", ":method": "POST"}[name]
    block = block.replace(
        bytes([len(name)]) + name.encode() + bytes([len(old)]) + old.encode(),
        bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode(),
    )
    peer.socket.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
    peer.wait_for_end(1)
    assert status in peer.said[1][0]


@pytest.mark.parametrize(
    "data",
    [b"", message(b"ab")[:-1], message(b"ab") + b"\0", message(b"ab") * 2, message(b"ab", compressed=True),
     message(b"", length=MOST_MESSAGE + 1), message(b"", length=0xFFFFFFFF)],
    ids=["nothing", "cut", "more", "two", "compressed", "too-large", "huge"],
)  # fmt: skip
def test_requests_that_are_not_one_message_are_refused(peer: Watcher, data: bytes) -> None:
    """In headers alone: the handler is not reached."""
    stream = peer.open(PATH + "one")
    peer.socket.sendall(frame(DATA, END_STREAM, stream, data))
    peer.wait_for_end(stream)
    assert not peer.received[stream]
    assert len(peer.said[stream]) == 1


@pytest.mark.parametrize(
    "more",
    [("grpc-timeout", "1"), ("grpc-timeout", "123456789S"), ("grpc-timeout", "-1S"), ("grpc-encoding", "snappy"),
     ("my-bin", "!!"), ("a", "\x80")],
    ids=str,
)  # fmt: skip
def test_heads_that_cannot_be_read_are_refused(peer: Watcher, more: tuple[str, str]) -> None:
    block = headers(PATH + "one") + b"\0" + bytes([len(more[0])]) + more[0].encode() + bytes([len(more[1])])
    block += more[1].encode("latin-1")
    peer.socket.sendall(frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, message(b"ab")))
    peer.wait_for_end(1)
    assert not peer.received[1]


@pytest.mark.parametrize("unit", "numSMH")
def test_every_unit_of_time(peer: Watcher, unit: str) -> None:
    stream = peer.call(PATH + "told", message(b""), ("grpc-timeout", f"99999999{unit}"))
    peer.wait_for_end(stream)
    assert (peer.received[stream] > 0) or unit == "n"


def test_no_time_at_all(peer: Watcher) -> None:
    stream = peer.call(PATH + "forever", message(b""), ("grpc-timeout", "0n"))
    peer.wait_for_end(stream)


# ---- floods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [frame(PING, 0, 0, bytes(8)), frame(SETTINGS, 0, 0), frame(PRIORITY, 0, 1, b"\0\0\0\3\0"),
     frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65_535) * 32)],
    ids=["pings", "settings", "priorities", "long-settings"],
)  # fmt: skip
def test_frames_that_bring_nothing_end_the_connection(peer: Watcher, part: bytes) -> None:
    flooded(peer, part, 60_000)
    peer.wait_until_gone()


@pytest.mark.parametrize(("flags", "padding"), [(0, b""), (8, b"\0")], ids=["empty", "padding"])
def test_data_without_a_byte_ends_the_connection(peer: Watcher, flags: int, padding: bytes) -> None:
    stream = peer.open(PATH + "sum")
    flooded(peer, frame(DATA, flags, stream, padding), 60_000)  # within the window
    peer.wait_until_gone()


def test_a_header_block_without_an_end_ends_the_connection(peer: Watcher) -> None:
    peer.socket.sendall(frame(HEADERS, 0, 1, headers(PATH + "one")))
    flooded(peer, frame(CONTINUATION, 0, 1, b"\0\1a\1b" * 100), 20_000)
    peer.wait_until_gone()


def test_resets_leave_nothing_behind(front: Front, peer: Watcher) -> None:
    block = headers(PATH + "forever")
    for i in range(1500):
        number = 2 * i + 1
        peer.socket.sendall(
            frame(HEADERS, END_HEADERS, number, block) + frame(DATA, END_STREAM, number, message(b"x"))
            + frame(RST_STREAM, 0, number, struct.pack(">I", 8))
        )  # fmt: skip
        if i % 100 == 0:
            peer.pump()
    settles(front, lambda: not any(one.calls for one in front.server.connections))


def test_too_much_metadata_is_refused_and_no_more(peer: Watcher) -> None:
    more = b"".join(b"\0\7my-key%d\x7f\x7c" % (i % 10) + b"v" * 251 for i in range(70))  # 17,000 bytes and more
    block = headers(PATH + "one") + more
    parts = [block[i : i + 16_000] for i in range(0, len(block), 16_000)]
    peer.socket.sendall(
        frame(HEADERS, END_STREAM, 1, parts[0])
        + b"".join(frame(CONTINUATION, END_HEADERS if one is parts[-1] else 0, 1, one) for one in parts[1:])
    )
    peer.wait_for_end(1)
    assert not peer.received[1]


# ---- memory ----------------------------------------------------------------------------------------------------------


def test_lengths_that_are_promised_take_no_memory(front: Front, peer: Watcher) -> None:
    for _ in range(200):
        stream = peer.open(PATH + "one")
        peer.send(stream, message(b"x", length=MOST_MESSAGE), end=False)
    assert works(front)
    assert front.server.room.held < 200 * 1024


def test_messages_that_never_end_are_bounded(front: Front) -> None:
    """Over all connections; who is refused had the last part of too much."""
    peers = [Watcher(front.target) for _ in range(3)]
    streams: list[tuple[Watcher, int]] = []
    for one in peers:
        for _ in range(10):
            stream = one.open(PATH + "one")
            parts = message(bytes(MOST_MESSAGE - 1), length=MOST_MESSAGE)
            one.send_until_refused(stream, parts)
            streams.append((one, stream))
    for one in peers:
        one.pump()
    settles(front, lambda: front.server.room.held <= (16 << 20) + MOST_MESSAGE)
    end = time.monotonic() + PATIENCE
    while not any(stream in one.ended for one, stream in streams):
        assert time.monotonic() < end
        for one in peers:
            one.pump()
    for one in peers:
        one.close()
    settles(front, lambda: front.server.room.held == 0)
    assert works(front)


def test_a_handler_that_does_not_read_stops_the_sender(front: Front) -> None:
    """By HTTP/2's flow control; everything arrives in the end."""
    with fronted("nghttp2") as own, grpc.insecure_channel(own.target) as channel:
        sent = 0

        def bodies() -> Iterator[bytes]:
            nonlocal sent
            for _ in range(100):
                sent += 1
                yield bytes(100_000)

        answers = channel.stream_stream(PATH + "unread")(bodies(), timeout=PATIENCE)
        assert own.echo.entered.wait(PATIENCE)
        time.sleep(0.5)
        assert sent < 60  # the windows of both sides, and what the client holds itself
        own.echo.left.set()
        assert [int(one) for one in answers] == [100_000] * 100


def test_a_peer_that_reads_nothing_is_waited_for_by_its_handler_alone(front: Front) -> None:
    peer = Watcher(front.target, window=0)
    stream = peer.call(PATH + "several", message(b"100000"))
    one = peer.call(PATH + "one", message(bytes(1000)))
    time.sleep(0.3)
    peer.pump()
    assert not peer.received[stream]
    assert not peer.received[one]
    assert works(front)
    peer.close()
    settles(front, lambda: not any(one.calls for one in front.server.connections))


# ---- connections -----------------------------------------------------------------------------------------------------


def test_who_never_says_anything_is_left(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pycore.service.front.connection._BEGIN_S", 0.2)
    host, _, port = front.target.rpartition(":")
    with (
        socket.create_connection((host, int(port)), 10) as silent,
        socket.create_connection((host, int(port)), 10) as half,
    ):
        half.sendall(PREFACE[:10])
        for one in (silent, half):
            one.settimeout(10)
            while one.recv(1000):
                pass


@pytest.mark.parametrize(
    "junk",
    [b"GET / HTTP/1.1\r\n\r\n", bytes(1000), PREFACE + bytes(100), PREFACE + frame(DATA, 0, 1, b"x"),
     PREFACE + frame(SETTINGS, 0, 0, b"x"), PREFACE + frame(SETTINGS, 0, 0) + frame(WINDOW_UPDATE, 0, 0, bytes(4)),
     PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 2, b"\x82"),
     PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff"),
     PREFACE + frame(SETTINGS, 0, 0) + b"\xff\xff\xff\0\0\0\0\0\1" + bytes(100)],
)  # fmt: skip
def test_what_is_no_http2_ends_the_connection(front: Front, junk: bytes) -> None:
    host, _, port = front.target.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as one:
        one.settimeout(10)
        one.sendall(junk)
        try:
            while one.recv(1000):
                pass
        except ConnectionResetError:
            pass
    assert works(front)


def test_more_streams_than_allowed_are_refused_one_by_one(front: Front, peer: Watcher) -> None:
    block = headers(PATH + "one")
    for i in range(1100):
        peer.socket.sendall(frame(HEADERS, END_HEADERS, 2 * i + 1, block))
    end = time.monotonic() + PATIENCE
    while len(peer.resets) < 100:
        assert time.monotonic() < end
        peer.pump()
    assert set(peer.resets.values()) == {7}  # REFUSED_STREAM
    assert not peer.gone


def test_an_answer_before_the_request_is_whole_stops_the_sender(peer: Watcher) -> None:
    stream = peer.open("/no.Such/Thing")
    peer.wait_for_end(stream)
    peer.send(stream, message(bytes(100)), end=False)
    second = peer.call(PATH + "one", message(b"x"))
    peer.wait_for_end(second)
    assert peer.resets.get(stream) == 0


def test_a_second_notice_comes_after_the_first_was_read(front: Front) -> None:
    with fronted("nghttp2") as own:
        peer = Watcher(own.target)
        stream = peer.call(PATH + "one", message(b"x"))
        peer.wait_for_end(stream)
        stopped: Any = own.stop(PATIENCE)
        peer.wait_until_gone()
        assert peer.code == 0
        peer.close()
        stopped.result(PATIENCE)
