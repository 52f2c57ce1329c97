"""grpc.health.v1, with watchers that do not hold up a drain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_Response = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The standard health service.

    A Watch stream lives as long as its client, so a server that waits for its calls to end would wait for
    its watchers until the grace period is over. Here `close` ends them, after they were told the last
    status.

    Everything happens on the event loop: no call waits for a worker.

    Args:
        judge: awaited before a Check is answered, so that it can `set` what has become of the service.
    """

    def __init__(self, judge: Callable[[], Awaitable[None]]) -> None:
        self._judge = judge
        self._status: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._closed = False

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
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service[:256]!r} here")
        return _Response(status=status)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The current status, and every change of it."""
        sent = None
        while True:
            status = self._status.get(request.service, _Response.SERVICE_UNKNOWN)
            if status != sent:
                sent = status
                yield _Response(status=status)
                continue  # it may have changed while the message was sent
            if self._closed:
                return
            async with self._changed:
                if self._status.get(request.service, _Response.SERVICE_UNKNOWN) == sent and not self._closed:
                    await self._changed.wait()
