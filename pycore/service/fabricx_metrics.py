"""Figures of the Fabric-X verifier under the names that the committer gives them, over HTTP for Prometheus.

Text exposition format 0.0.4 at /metrics, from the standard library: one request a connection, at most 8 KiB of it
are read, and whoever takes longer than five seconds is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

__all__ = ["Metrics", "MetricsEndpoint"]

_PATIENCE_S = 5.0
_MOST_REQUEST = 8192
_ROWS = (
    ("verifier_server_tx_input_throughput", "counter", "Incoming requests for a component", "received"),
    ("verifier_server_tx_output_throughput", "counter", "Outgoing responses for a component", "answered"),
    ("verifier_server_grpc_active_streams", "gauge", "The total number of started streams", "streams"),
    ("verifier_server_parallel_executor_active_requests", "gauge", "The total number of active requests", "active"),
)


@dataclass(slots=True)
class Metrics:
    """Counts since the start: requests read and answered; and of this moment: streams, requests without an answer."""

    received: int = 0
    answered: int = 0
    streams: int = 0
    active: int = 0

    def text(self) -> str:
        """All of them.

        >>> Metrics(received=2).text().splitlines()[2]
        'verifier_server_tx_input_throughput 2'
        """
        rows = (
            f"# HELP {name} {words}\n# TYPE {name} {kind}\n{name} {getattr(self, field)}\n"
            for name, kind, words, field in _ROWS
        )
        return "".join(rows)


class MetricsEndpoint:
    """Serves the text of some metrics. Start and stop it on one event loop."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        self._metrics = metrics
        self._where = (host, port)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Binds the address. Raises OSError."""
        self._server = await asyncio.start_server(self._answer, *self._where, limit=_MOST_REQUEST)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Closes the address."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_S)
            method, _, rest = head.partition(b" ")
            path = rest.split(b" ", 1)[0].split(b"?", 1)[0]
            if method not in (b"GET", b"HEAD"):
                status, body = "405 Method Not Allowed", b""
            elif path != b"/metrics":
                status, body = "404 Not Found", b""
            else:
                status, body = "200 OK", self._metrics.text().encode()
            lines = (
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(lines.encode() + (b"" if method == b"HEAD" else body))
            await asyncio.wait_for(writer.drain(), _PATIENCE_S)
        with contextlib.suppress(OSError):
            writer.close()
