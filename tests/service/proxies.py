"""A gRPC server that stands before a real service: passes bytes on, after whatever a test wants to happen first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from .conftest import PATIENCE

Before = Callable[[str, Any], None]
"""Is told the method and the context of a call before it is passed on, and may abort it."""


class Proxy(grpc.GenericRpcHandler):
    """Used in a `with` statement. `calls`: method, metadata and peer of each call; `target`: where it listens."""

    def __init__(self, upstream: str, before: Before = lambda _method, _context: None, *, unary: bool = True) -> None:
        self.before = before
        self.calls: list[tuple[str, dict[str, Any], str]] = []
        self.cancelled = threading.Semaphore(0)
        self._unary = unary
        self._channel = grpc.insecure_channel(upstream, options=[("grpc.max_receive_message_length", -1)])
        self._server = grpc.server(
            ThreadPoolExecutor(32), handlers=[self], options=[("grpc.max_receive_message_length", -1)]
        )
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Proxy:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None)
        self._channel.close()

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        def begun(context: grpc.ServicerContext) -> None:
            metadata = dict(context.invocation_metadata())
            self.calls.append((details.method.rpartition("/")[2], metadata, context.peer()))
            context.add_callback(self.cancelled.release)
            self.before(details.method, context)

        def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
            begun(context)
            answer: bytes = b""
            try:
                answer = self._channel.unary_unary(details.method)(request, timeout=PATIENCE)
            except grpc.RpcError as error:
                context.set_trailing_metadata(error.trailing_metadata())  # type: ignore[attr-defined]
                context.abort(error.code(), error.details())  # type: ignore[attr-defined]
            return answer

        def streamed(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            begun(context)
            yield from self._channel.stream_stream(details.method)(requests, timeout=PATIENCE)

        if details.method.endswith(("Stream", "Watch")) or not self._unary:
            return grpc.stream_stream_rpc_method_handler(streamed)
        return grpc.unary_unary_rpc_method_handler(unary)
