"""Both front ends with the same handlers, for tests of what a caller can see of them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from typing import Any

import grpc
import pytest

from pycore.service.front import NativeServer, is_built

NAME = "test.Echo"
PATH = f"/{NAME}/"
MOST_MESSAGE = 1 << 20
needs_native = pytest.mark.skipif(not is_built(), reason="pycore._http2 was not built: libnghttp2 is absent")


class Echo:
    """Handlers that do what callers ask for. `seen` has what they saw of calls that ended otherwise."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.entered = threading.Event()
        self.left = threading.Event()

    async def one(self, request: bytes, context: Any) -> bytes:
        return request

    async def told(self, request: bytes, context: Any) -> bytes:
        """Tells what the context knows."""
        metadata = [(key, value) for key, value in context.invocation_metadata() if key.startswith("my-")]
        remaining = context.time_remaining()
        await context.send_initial_metadata((("first", "1"), ("first-bin", b"\0\xff")))
        context.set_trailing_metadata((("last", "2"), ("last-bin", b"\xff\0")))
        return repr((metadata, remaining is not None, context.peer()[:5])).encode()

    async def refused(self, request: bytes, context: Any) -> bytes:
        details = (("grpc-status-details-bin", b"\x08\x03"), ("why", "so"))
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, request.decode(), details)
        raise AssertionError

    async def broken(self, request: bytes, context: Any) -> bytes:
        raise ValueError("words")

    async def coded(self, request: bytes, context: Any) -> bytes:
        context.set_code(grpc.StatusCode.DATA_LOSS)
        context.set_details("with words")
        return b""

    async def forever(self, request: bytes, context: Any) -> bytes:
        context.add_done_callback(lambda _: self.left.set())
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise
        return b""

    async def several(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(int(request)):
            yield b"%d" % number
        if int(request) == 13:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, "thirteen")

    async def sum(self, requests: Any, context: Any) -> bytes:
        return b"%d" % sum([len(one) async for one in requests])

    async def both(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for one in requests:
            yield one

    async def by_hand(self, requests: Any, context: Any) -> None:
        while (one := await context.read()) is not grpc.aio.EOF:
            await context.write(one + b"!")

    async def unread(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        """Reads nothing until it is told to."""
        self.entered.set()
        while not self.left.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)
        async for one in requests:
            yield b"%d" % len(one)

    def handler(self) -> Any:
        methods = {name: grpc.unary_unary_rpc_method_handler(getattr(self, name))
                   for name in ("one", "told", "refused", "broken", "coded", "forever")}  # fmt: skip
        methods["several"] = grpc.unary_stream_rpc_method_handler(self.several)
        methods["sum"] = grpc.stream_unary_rpc_method_handler(self.sum)
        for name in ("both", "by_hand", "unread"):
            methods[name] = grpc.stream_stream_rpc_method_handler(getattr(self, name))
        return grpc.method_handlers_generic_handler(NAME, methods)


class Front:
    """A running one. `target`: its address."""

    def __init__(self, server: Any, loop: asyncio.AbstractEventLoop, echo: Echo, target: str) -> None:
        self.server, self.loop, self.echo, self.target = server, loop, echo, target

    def stop(self, grace: float | None) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(self.server.stop(grace), self.loop)


def make_server(kind: str, **more: Any) -> Any:
    if kind == "grpcio":
        return grpc.aio.server(
            interceptors=more.get("interceptors", ()), options=[("grpc.max_receive_message_length", MOST_MESSAGE)]
        )
    bounds = {"message": MOST_MESSAGE, "streams": 1000, "headers": 16 << 10, "unfinished": 16 << 20, **more}
    return NativeServer(**bounds)


@contextlib.contextmanager
def fronted(kind: str, address: str = "127.0.0.1:0", **more: Any) -> Iterator[Front]:
    """A server of one kind, in a thread."""
    started: Future[Front] = Future()
    finish: Future[None] = Future()

    async def serve() -> None:
        echo = Echo()
        server = make_server(kind, **more)
        server.add_generic_rpc_handlers((echo.handler(),))
        port = server.add_insecure_port(address)
        await server.start()
        target = address if address.startswith("unix") else f"127.0.0.1:{port}"
        started.set_result(Front(server, asyncio.get_running_loop(), echo, target))
        await asyncio.wrap_future(finish)
        await server.stop(None)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield started.result(60)
    finally:
        finish.set_result(None)
        thread.join(60)
        assert not thread.is_alive()
