"""grpc.health.v1, with watchers that do not hold up a drain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import SERVICE_NAME

_Request = health_pb2.HealthCheckRequest
_Response = health_pb2.HealthCheckResponse
_MOST_NAME = 256  # characters: no service here has a longer name
_MOST_BYTES = 2048  # of a request: such a name in any encoding, and a little that is not read
_MOST_WATCHERS_EACH = 64  # of one connection
_TOO_LONG = _Request(service="?" * (_MOST_NAME + 1))


class Health:
    """The standard health service.

    A Watch stream lives as long as its client, so a server that waits for its calls to end would wait for
    its watchers until the grace period is over. Here `close` ends them, after they were told the last
    status.

    Everything happens on the event loop: no call waits for a worker. Strangers may call, so nothing of a long request
    is kept, and watchers are bounded.

    Args:
        judge: awaited before a Check is answered, so that it can `set` what has become of the service.
        most_watchers: how many may watch at once; asked for each, as settings change.
    """

    def __init__(self, judge: Callable[[], Awaitable[None]], most_watchers: Callable[[], int]) -> None:
        self._judge = judge
        self._most_watchers = most_watchers
        self._watchers: dict[str, int] = {}  # peer -> streams
        self._status: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._closed = False

    def generic(self) -> grpc.GenericRpcHandler[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]:
        """The service for gRPC."""
        make = {"Check": grpc.unary_unary_rpc_method_handler, "Watch": grpc.unary_stream_rpc_method_handler}
        methods = {name: one(getattr(self, name), _read, _Response.SerializeToString) for name, one in make.items()}
        return grpc.method_handlers_generic_handler(SERVICE_NAME, methods)

    async def set(self, status: int, *services: str) -> None:
        """Sets the status of services and tells their watchers."""
        for service in services:  # before anything is awaited: an older status must not overwrite a newer one
            self._status[service] = status
        await self._wake()

    def close(self) -> None:
        """Ends every Watch stream."""
        self._closed = True
        self._closing = asyncio.create_task(self._wake())

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def Check(  # noqa: N802 - the name is the RPC's
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> health_pb2.HealthCheckResponse:
        """The current status; NOT_FOUND for a service that this server does not have."""
        await self._judge()
        status = self._status.get(request.service)
        if status is None:
            await _abort_unknown(request.service, context)
        return _Response(status=status)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The current status, and every change of it.

        A name that is too long ends the stream, where another unknown one waits for its service: gRPC keeps the bytes
        of a request as long as its call.
        """
        name = request.service
        if len(name) > _MOST_NAME:
            await _abort_unknown(name, context)
        peer = context.peer() or ""
        for held, most, whose in (
            (self._watchers.get(peer, 0), _MOST_WATCHERS_EACH, "of this connection "),
            (sum(self._watchers.values()), self._most_watchers(), ""),
        ):
            if held >= most:
                words = f"the service is full: {held} watchers {whose}are there, the bound is {most}"
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
        with self._counted(peer):
            async with contextlib.aclosing(self._changes(name)) as changes:
                async for status in changes:
                    yield _Response(status=status)

    @contextlib.contextmanager
    def _counted(self, peer: str) -> Iterator[None]:
        self._watchers[peer] = self._watchers.get(peer, 0) + 1
        try:
            yield
        finally:
            self._watchers[peer] -= 1
            if not self._watchers[peer]:
                del self._watchers[peer]

    async def _changes(self, name: str) -> AsyncGenerator[int, None]:
        sent = None
        while True:
            status = self._status.get(name, _Response.SERVICE_UNKNOWN)
            if status != sent:
                sent = status
                yield status
                continue  # it may have changed while the message was sent
            if self._closed:
                return
            async with self._changed:
                if self._status.get(name, _Response.SERVICE_UNKNOWN) == sent and not self._closed:
                    await self._changed.wait()


def _read(raw: bytes) -> health_pb2.HealthCheckRequest:
    """A request of at most `_MOST_BYTES`: a parsed one keeps all that it was made of, also what no field shows."""
    return _Request.FromString(raw) if len(raw) <= _MOST_BYTES else _TOO_LONG


async def _abort_unknown(name: str, context: grpc.aio.ServicerContext[object, object]) -> None:
    await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {name[:_MOST_NAME]!r} here")
