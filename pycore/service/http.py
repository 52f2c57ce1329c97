"""A small HTTP server for figures and the admin page: its own thread, GET and HEAD only, one request a connection.

What strangers may cost is bounded: at most 8 KiB of a request are read, whoever takes longer than five seconds to send
it or to read the answer is cut off, and of more than 64 connections at once the newest are closed. Pages are made on
the server's thread, so they are answered while the service's event loop is busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

__all__ = ["Answer", "Asked", "HttpServer", "Route"]

_log = logging.getLogger("pycore.service")
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]*)?")
_PATIENCE_S = 5.0
_MOST_REQUEST = 8192  # bytes
_MOST_CONNECTIONS = 64


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        path: without the query.
        query: behind the question mark, as it was sent.
        host: the `Host` header without its port; empty where there is none, or more than one, or what is no host.
    """

    path: str
    query: str
    host: str


@dataclass(frozen=True)
class Answer:
    """A response: status, body, content type and further headers."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


Route = Callable[[Asked], Answer]


class HttpServer:
    """Serves pages from a thread.

    Args:
        address: host:port or [v6]:port; port 0 picks a free one.
        routes: what makes the page of each path. Called on the server's thread; what it raises is logged and answered
            with 500.
        name: of the thread.
        setting: whose value the address is, for the message of an error.

    Raises:
        OSError: the address cannot be bound.

    Attributes:
        port: the bound port.
    """

    def __init__(self, address: str, routes: Mapping[str, Route], name: str, setting: str = "address") -> None:
        try:
            self._socket = _bound(address)
        except OSError as error:
            raise OSError(f"{setting}: cannot listen on {address}: {error}") from error
        self.port = int(self._socket.getsockname()[1])
        self._routes = dict(routes)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes the address, and connections with it; waits for the thread."""
        with contextlib.suppress(RuntimeError):  # it was stopped before
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, sock=self._socket, limit=_MOST_REQUEST)
        await self._ended.wait()
        server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writer.transport.set_write_buffer_limits(0)  # so that an answer counts as read when it has left
        done = False
        try:
            if len(self._tasks) <= _MOST_CONNECTIONS:
                await asyncio.wait_for(self._answer(reader, writer), _PATIENCE_S)
                done = True
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it went, was too slow, or sent too much
        finally:
            self._tasks.discard(task)
            writer.close() if done else writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, asked = _parse(await reader.readuntil(b"\r\n\r\n"))
        if asked is None:
            answer = Answer(400, b"malformed request\n")
        elif method not in ("GET", "HEAD"):
            answer = Answer(405, b"wanted GET or HEAD\n", headers=(("Allow", "GET, HEAD"),))
        elif asked.path not in self._routes:
            answer = Answer(404, b"no such page\n")
        else:
            answer = self._page(asked)
        head = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}",
            "Connection: close",
            "X-Content-Type-Options: nosniff",
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        writer.write("\r\n".join(head).encode("ascii") + b"\r\n\r\n" + (b"" if method == "HEAD" else answer.body))
        await writer.drain()

    def _page(self, asked: Asked) -> Answer:
        try:
            return self._routes[asked.path](asked)
        except Exception:
            _log.exception("the page %s could not be made", asked.path)
            return Answer(500, b"the page could not be made; the log says why\n")


def _bound(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    family, *_, where = min(found, key=lambda one: one[0] != socket.AF_INET)  # names mean IPv4 where they can
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # [::] is every address
    return socket.create_server(where, family=family, backlog=_MOST_CONNECTIONS, dualstack_ipv6=both)


def _parse(head: bytes) -> tuple[str, Asked | None]:
    """The method and the rest of a request's head; None where it is no HTTP/1 request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        return "", None
    path, _, query = parts[1].partition("?")
    hosts = [line[5:].strip() for line in lines if line[:5].lower() == "host:"]
    host = hosts[0] if len(hosts) == 1 else ""
    named = _HOST.fullmatch(host)
    return parts[0], Asked(path, query, named[1] if named else "")
