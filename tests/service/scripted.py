"""A service by hand, which does with each request as it is told."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pycore
from pycore.wire.schema import METHODS

from .conftest import PATIENCE
from .http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    frame,
    message,
)

DIGEST = pycore.hash("sha256", b"abc")


class Listening:
    """Gives each connection to `serve`, in a thread; entered, it is the port."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._serve = serve
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(one,), daemon=True).start()

    def _talk(self, one: socket.socket) -> None:
        one.settimeout(PATIENCE)
        with one, contextlib.suppress(ConnectionError):
            self._serve(one)

    def __enter__(self) -> int:
        self._thread.start()
        port: int = self._listener.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)


def fields(*pairs: tuple[str, str]) -> bytes:
    return b"".join(b"\0" + bytes([len(k)]) + k.encode() + bytes([len(v)]) + v.encode() for k, v in pairs)


HEAD = fields((":status", "200"), ("content-type", "application/grpc"))
Answer = Callable[[int], "bytes | None"]
"""The bytes for a request with that stream's number; None: none, and the end of the connection."""


def good(stream: int) -> bytes:
    body = METHODS["HashBatch"].answer(digests=DIGEST, digest_size=32, count=1).SerializeToString()
    return (
        frame(HEADERS, END_HEADERS, stream, HEAD)
        + frame(DATA, 0, stream, message(body))
        + frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(("grpc-status", "0")))
    )


def silent(stream: int) -> bytes:
    return b""


def dead(stream: int) -> None:
    return None


def refused(stream: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", 7))


def going(stream: int) -> bytes:
    """An answer, and no more on this connection."""
    return good(stream) + frame(GOAWAY, 0, 0, struct.pack(">II", stream, 0))


def ignored(stream: int) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", stream - 2 if stream > 1 else 0, 0))


def half(stream: int) -> bytes:
    return frame(HEADERS, END_HEADERS, stream, HEAD) + frame(RST_STREAM, 0, stream, struct.pack(">I", 2))


class Scripted(Listening):
    """A service that does with each request of each connection as it is told; entered, it is the target."""

    def __init__(self, *connections: Sequence[Answer]) -> None:
        self._scripts = iter(connections)
        self.requests = 0
        super().__init__(self._answer)

    def _answer(self, one: socket.socket) -> None:
        script = iter(next(self._scripts))
        data = b""
        one.sendall(frame(SETTINGS, 0, 0))
        while more := one.recv(1 << 16):
            data = (data + more).removeprefix(PREFACE)
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                size = int.from_bytes(data[:3], "big")
                kind, flags, stream = struct.unpack(">BBI", data[3:9])
                data = data[9 + size :]
                if kind == SETTINGS and not flags & ACK:
                    one.sendall(frame(SETTINGS, ACK, 0))
                if kind in (HEADERS, DATA) and flags & END_STREAM:
                    self.requests += 1
                    answer = next(script)(stream)
                    if answer is None:
                        return
                    one.sendall(answer)

    def __enter__(self) -> Any:
        return f"127.0.0.1:{super().__enter__()}"
