"""HTTP/2 by hand: peers that do what no gRPC library does, such as not reading, resetting, and lying.

RFC 9113 for frames, RFC 7541 for headers, of which literals without indexing and without Huffman codes are enough.
"""

from __future__ import annotations

import collections
import socket
import struct
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
_WINDOW = 65_535
_FRAME = 16_384
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def message(body: bytes, *, compressed: bool = False, length: int | None = None) -> bytes:
    """A gRPC message: flag, length (which may lie), body."""
    return struct.pack(">BI", compressed, len(body) if length is None else length) + body


def headers(path: str, *more: tuple[str, str]) -> bytes:
    fields = [
        (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
        ("te", "trailers"), ("content-type", "application/grpc"), *more,
    ]  # fmt: skip
    return b"".join(
        b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in fields
    )


class Peer:
    """One connection. `window`: bytes that the service may send on each stream before it is told to go on; 0 reads
    nothing of any answer.

    Attributes:
        received: bytes of DATA by stream. ended: streams that the service ended, by whatever frame.
        resets: RST_STREAM error codes by stream. gone: whether the service closed the connection, or said GOAWAY.
    """

    def __init__(self, target: str, *, window: int = _WINDOW) -> None:
        host, _, port = target.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 60)
        self.socket.settimeout(60)
        self._next = 1
        self._buffer = b""
        self._room = _WINDOW
        self._stream_room: collections.Counter[int] = collections.Counter()
        self._initial = _WINDOW
        self.received: collections.Counter[int] = collections.Counter()
        self.ended: set[int] = set()
        self.resets: dict[int, int] = {}
        self.gone = False
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)))
        while not self._room or not self._settled:
            self._read()

    _settled = False

    def open(self, path: str, *more: tuple[str, str]) -> int:
        """A new stream, with headers only; its number."""
        stream, self._next = self._next, self._next + 2
        self._stream_room[stream] = self._initial
        self.socket.sendall(frame(HEADERS, END_HEADERS, stream, headers(path, *more)))
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = True) -> None:
        """Data, as far as the service lets it."""
        while data and not self.gone:
            room = min(self._room, self._stream_room[stream], _FRAME)
            if room <= 0:
                self._read()
                continue
            part, data = data[:room], data[room:]
            self._room -= len(part)
            self._stream_room[stream] -= len(part)
            self.socket.sendall(frame(DATA, END_STREAM if end and not data else 0, stream, part))

    def call(self, path: str, data: bytes, *more: tuple[str, str]) -> int:
        stream = self.open(path, *more)
        self.send(stream, data)
        return stream

    def reset(self, stream: int, code: int = 8) -> None:
        self.socket.sendall(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))

    def wait_for_end(self, *streams: int, timeout: float = 60.0) -> None:
        """Reads until the service has ended these streams, or the connection."""
        end = time.monotonic() + timeout
        while not self.gone and not self.ended.issuperset(streams):
            assert time.monotonic() < end, f"streams that did not end: {set(streams) - self.ended}"
            self._read()

    def pump(self) -> None:
        """Reads what is there, without waiting."""
        self.socket.setblocking(False)
        try:
            while not self.gone:
                self._read()
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(60)

    def close(self) -> None:
        self.socket.close()

    def _read(self) -> None:
        """At least one byte more, and the frames that are whole then."""
        try:
            more = self.socket.recv(1 << 16)
        except ConnectionError:
            more = b""
        self.gone = self.gone or not more
        self._buffer += more
        while len(self._buffer) >= 9:
            length = int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < 9 + length:
                return
            kind, flags, stream = struct.unpack(">BBI", self._buffer[3:9])
            payload, self._buffer = self._buffer[9 : 9 + length], self._buffer[9 + length :]
            self._take(kind, flags, stream & 0x7FFFFFFF, payload)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == 4:
                    self._initial = value
            self._settled = True
            self.socket.sendall(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.socket.sendall(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            (more,) = struct.unpack(">I", payload)
            if stream:
                self._stream_room[stream] += more
            else:
                self._room += more
        elif kind == RST_STREAM:
            self.resets[stream] = struct.unpack(">I", payload)[0]
            self.ended.add(stream)
        elif kind == GOAWAY:
            self.gone = True
        elif kind in (DATA, HEADERS):
            if kind == DATA:
                self.received[stream] += len(payload)
                if payload:
                    self.socket.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload))))
            if flags & END_STREAM:
                self.ended.add(stream)
