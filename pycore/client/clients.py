"""Clients of the validation service: the calls of `pycore`, with the same arguments and the same results, over gRPC.

    >>> from pycore.service.config import ServiceConfig
    >>> from pycore.service.server import background
    >>> with background(ServiceConfig(address="127.0.0.1:0")) as server, ValidationClient(server.target) as client:
    ...     client.hash("sha256", b"abc").hex()[:16]
    'ba7816bf8f01cfea'

A malformed call raises the same `pycore.InputError` as in process. When the service itself does not answer -
it cannot be reached, is full, runs out of time - a `ServiceError` with the gRPC status code is raised.

Batches larger than `max_message_bytes` are sent as several messages, so that there is no limit on their
size. `threads` is accepted so that a program can switch between in-process and remote calls; the service
decides how many threads it uses.

Needs the `service` extra: `pip install pycore-validation[service]`.
"""

from __future__ import annotations

import asyncio
import collections
import queue
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2

from pycore.client.common import Connection, Readiness, cut_short, serving
from pycore.client.connection import Tls, left_until
from pycore.client.flow import AsyncGate, Gate
from pycore.client.requests import Awaiting, Blocking, Feed, Plan
from pycore.client.routes import Route, Routes, channels, state_of
from pycore.client.transport import pools
from pycore.errors import PycoreError
from pycore.wire.capabilities import ServiceCapabilities
from pycore.wire.errors import ServiceError
from pycore.wire.schema import METHODS

__all__ = ["AsyncValidationClient", "ServiceCapabilities", "ServiceError", "Tls", "ValidationClient"]

R = TypeVar("R")

_CLOSED = "the client was closed"
_WINDOW = 4  # unary requests of one call that are under way at once


# ---- the blocking client ---------------------------------------------------------------------------------------------


class ValidationClient(Connection, Blocking):
    """A client for ordinary programs; safe to use from several threads. Close it, or use it in a `with` statement."""

    def __init__(self, target: str | Sequence[str], **settings: Any) -> None:
        super().__init__(target, **settings)
        made = channels(self._endpoints, grpc)
        direct = pools(self._endpoints, self._transport)
        self._routes = Routes([Route(one, state_of(one), pool) for one, pool in zip(made, direct, strict=True)])

    def close(self) -> None:
        """Closes the connections; calls in flight fail with CANCELLED."""
        self._routes.closed = True
        for route in self._routes.all:
            route.close()

    def __enter__(self) -> ValidationClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def health(self, service: str = "") -> bool:
        """Whether the service says SERVING. ServiceError when it cannot be asked."""
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            return serving(self._routes.pick().health(request, timeout=self.timeout, metadata=self._metadata()))
        except grpc.RpcError as error:
            raise self._translated(error) from None

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the service says SERVING, of several targets the first; ServiceError(UNAVAILABLE) with the last
        reason when it has not within `timeout` seconds, or at once where its certificate is not trusted."""
        waiting = Readiness(self.target, timeout, len(self._routes) > 1)
        while True:
            left = waiting.left()
            try:
                asked = self._routes.pick().health
                if serving(asked(health_pb2.HealthCheckRequest(), timeout=left)):
                    return
                waiting.not_serving()
            except grpc.RpcError as error:
                waiting.failed(self._translated(error))
            time.sleep(waiting.pause())

    def _run(self, plan: Plan[R] | Feed[R]) -> R:
        try:
            return self._run_open(plan)
        except ValueError as error:  # by grpcio, for a call of a channel that has been closed
            if not self._routes.closed or isinstance(error, PycoreError):
                raise
            raise ServiceError(grpc.StatusCode.CANCELLED, _CLOSED) from None

    def _run_open(self, plan: Plan[R] | Feed[R]) -> R:
        if isinstance(plan, Feed):
            return self._run_feed(plan)
        if plan.count == 1:  # a blocking call needs no thread of gRPC's: it costs half of a future
            return plan.combine([self._unary(plan.method, request) for request in plan.requests])
        answers: list[Any] = []
        flying: collections.deque[tuple[Any, Any, Route, float | None]] = collections.deque()
        try:
            for request in plan.requests:
                if len(flying) == _WINDOW:
                    answers.append(self._landed(plan.method, *flying.popleft()))
                route, end = self._routes.pick(), self._end()
                called = route.methods[plan.method].future
                future = called(request, timeout=left_until(end), metadata=self._metadata())
                flying.append((future, request, route, end))
            while flying:
                answers.append(self._landed(plan.method, *flying.popleft()))
        finally:
            for future, *_ in flying:
                future.cancel()
        return plan.combine(answers)

    def _unary(self, name: str, request: Any) -> Any:
        """The answer to a message of a call."""
        settings = self._settings
        if settings.attempts > 1 or settings.hedge_after is not None:
            return self._persistent(name, request, self._end())
        try:
            return self._routes.pick().methods[name](request, timeout=self._time_for(), metadata=self._metadata())
        except grpc.RpcError as error:
            raise self._translated(error) from None

    def _landed(self, name: str, future: Any, request: Any, route: Route, end: float | None) -> Any:
        try:
            return future.result()
        except grpc.RpcError as error:
            failure = self._translated(error)
        return self._persistent(name, request, end, route, failure)

    def _persistent(
        self, name: str, request: Any, end: float | None, route: Route | None = None, failure: Exception | None = None
    ) -> Any:
        """The answer of one attempt or several; with a failure, that of the first over `route`."""
        attempts = self._attempts(end, route, failure)
        while True:
            if pause := attempts.pause():
                time.sleep(pause)
            try:
                return self._hedged(attempts.route(), name, request, end)
            except grpc.RpcError as error:
                attempts.failed(self._translated(error))

    def _hedged(self, route: Route, name: str, request: Any, end: float | None) -> Any:
        """One attempt: a call, and a second one where the answer takes long."""
        hedge_after = self._settings.hedge_after
        if hedge_after is None:
            return route.methods[name](request, timeout=left_until(end), metadata=self._metadata())
        self._routes.hedges.earn()
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        flying: list[Any] = []

        def begin(over: Route) -> None:
            flying.append(over.methods[name].future(request, timeout=left_until(end), metadata=self._metadata()))
            flying[-1].add_done_callback(done.put)

        try:
            begin(route)
            try:
                first = done.get(timeout=hedge_after)
            except queue.Empty:
                if self._routes.hedges.take():
                    begin(self._routes.pick(avoid=route))
                first = done.get()
            if first.exception() is not None and len(flying) == 2:
                second = done.get()
                first = first if second.exception() is not None else second
            return first.result()
        finally:
            for future in flying:
                future.cancel()

    def _run_feed(self, feed: Feed[R]) -> R:
        attempts = self._attempts()
        while True:
            if pause := attempts.pause():
                time.sleep(pause)
            try:
                return self._fed(feed)
            except ServiceError as error:
                if feed.again is None:
                    raise
                attempts.failed(error)
                feed = feed.again()

    def _fed(self, feed: Feed[R]) -> R:
        if METHODS[feed.method].many_answers:
            (result,) = list(self._stream(feed))  # to the end of the stream: ending it before would cancel the call
            return result
        gate = Gate(self._window, feed.pending)
        try:
            answer = self._begin(feed, gate)
        except grpc.RpcError as error:
            raise feed.failure or self._translated(error) from None
        finally:
            gate.close()
        feed.end()
        return feed.only(answer)

    def _begin(self, feed: Feed[R], gate: Gate) -> Any:
        called = self._routes.pick().methods[feed.method]
        return called(feed.requests(gate), timeout=self._time_for(feed.count), metadata=self._metadata())

    def _stream(self, feed: Feed[R]) -> Generator[R, None, None]:
        gate = Gate(self._window, feed.pending)
        with closing(self._answers(self._begin(feed, gate), feed, gate)) as answers:
            for answer in answers:
                results = feed.results(answer)
                gate.tell()
                yield from results
        feed.end()
        if feed.waiting():
            raise cut_short(self.target)

    def _answers(self, call: Any, feed: Feed[R], gate: Gate) -> Generator[Any, None, None]:
        try:
            yield from call
        except grpc.RpcError as error:
            raise feed.failure or self._translated(error) from None
        finally:
            gate.close()
            call.cancel()


# ---- the asyncio client ----------------------------------------------------------------------------------------------


class AsyncValidationClient(Connection, Awaiting):
    """The same calls for asyncio programs. Make, use and close it on one event loop, or use it in `async with`."""

    _transports = ("auto", "grpcio")

    def __init__(self, target: str | Sequence[str], **settings: Any) -> None:
        super().__init__(target, **settings)
        made = channels(self._endpoints, grpc.aio)
        self._routes = Routes([Route(one, partial(one.get_state, try_to_connect=True)) for one in made])

    async def close(self) -> None:
        """Closes the connections; calls in flight fail with CANCELLED."""
        self._routes.closed = True
        for route in self._routes.all:
            await route.channel.close(None)

    async def __aenter__(self) -> AsyncValidationClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def health(self, service: str = "") -> bool:
        """As `ValidationClient.health`."""
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            return serving(await self._routes.pick().health(request, timeout=self.timeout, metadata=self._metadata()))
        except grpc.RpcError as error:
            raise self._translated(error) from None

    async def wait_until_ready(self, timeout: float = 30.0) -> None:
        """As `ValidationClient.wait_until_ready`."""
        waiting = Readiness(self.target, timeout, len(self._routes) > 1)
        while True:
            left = waiting.left()
            try:
                asked = self._routes.pick().health
                if serving(await asked(health_pb2.HealthCheckRequest(), timeout=left)):
                    return
                waiting.not_serving()
            except grpc.RpcError as error:
                waiting.failed(self._translated(error))
            await asyncio.sleep(waiting.pause())

    async def _run(self, plan: Plan[R] | Feed[R]) -> R:
        try:
            return await self._run_open(plan)
        except (asyncio.CancelledError, grpc.aio.UsageError):
            # A closed channel cancels its calls, and a task that is cancelled does; before Python 3.11 nobody can tell.
            asked = getattr(asyncio.current_task(), "cancelling", lambda: 1)()
            if not self._routes.closed or asked:
                raise
            raise ServiceError(grpc.StatusCode.CANCELLED, _CLOSED) from None

    async def _run_open(self, plan: Plan[R] | Feed[R]) -> R:
        if isinstance(plan, Feed):
            return await self._run_feed(plan)
        if plan.count == 1:
            return plan.combine([await self._unary(plan.method, request) for request in plan.requests])
        answers: list[Any] = []
        flying: collections.deque[tuple[Any, Any, Route, float | None]] = collections.deque()
        try:
            for request in plan.requests:
                if len(flying) == _WINDOW:
                    answers.append(await self._landed(plan.method, *flying.popleft()))
                route, end = self._routes.pick(), self._end()
                method = route.methods[plan.method]
                called = method(request, timeout=left_until(end), metadata=self._metadata())
                flying.append((called, request, route, end))
            while flying:
                answers.append(await self._landed(plan.method, *flying.popleft()))
        finally:
            for called, *_ in flying:
                called.cancel()
        return plan.combine(answers)

    async def _unary(self, name: str, request: Any) -> Any:
        settings = self._settings
        if settings.attempts > 1 or settings.hedge_after is not None:
            return await self._persistent(name, request, self._end())
        try:
            method = self._routes.pick().methods[name]
            return await method(request, timeout=self._time_for(), metadata=self._metadata())
        except grpc.RpcError as error:
            raise self._translated(error) from None

    async def _landed(self, name: str, called: Any, request: Any, route: Route, end: float | None) -> Any:
        try:
            return await called
        except grpc.RpcError as error:
            failure = self._translated(error)
        return await self._persistent(name, request, end, route, failure)

    async def _persistent(
        self, name: str, request: Any, end: float | None, route: Route | None = None, failure: Exception | None = None
    ) -> Any:
        attempts = self._attempts(end, route, failure)
        while True:
            if pause := attempts.pause():
                await asyncio.sleep(pause)
            try:
                return await self._hedged(attempts.route(), name, request, end)
            except grpc.RpcError as error:
                attempts.failed(self._translated(error))

    async def _hedged(self, route: Route, name: str, request: Any, end: float | None) -> Any:
        hedge_after = self._settings.hedge_after
        if hedge_after is None:
            return await route.methods[name](request, timeout=left_until(end), metadata=self._metadata())
        self._routes.hedges.earn()
        flying: list[asyncio.Future[Any]] = []

        async def begin(over: Route) -> Any:
            return await over.methods[name](request, timeout=left_until(end), metadata=self._metadata())

        try:
            flying.append(asyncio.ensure_future(begin(route)))
            done, _ = await asyncio.wait(flying, timeout=hedge_after)
            if not done and self._routes.hedges.take():
                flying.append(asyncio.ensure_future(begin(self._routes.pick(avoid=route))))
            if not done:
                await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            if all(one.exception() is not None for one in flying if one.done()):
                await asyncio.wait(flying)
            good = [one for one in flying if one.done() and one.exception() is None]
            return (good or flying)[0].result()
        finally:
            for one in flying:
                one.cancel()

    async def _run_feed(self, feed: Feed[R]) -> R:
        attempts = self._attempts()
        while True:
            if pause := attempts.pause():
                await asyncio.sleep(pause)
            try:
                return await self._fed(feed)
            except ServiceError as error:
                if feed.again is None:
                    raise
                attempts.failed(error)
                feed = feed.again()

    async def _fed(self, feed: Feed[R]) -> R:
        if METHODS[feed.method].many_answers:
            (result,) = [result async for result in self._stream(feed)]
            return result
        gate = AsyncGate(self._window, feed.pending)
        try:
            answer = await self._begin(feed, gate)
        except grpc.RpcError as error:
            raise feed.failure or self._translated(error) from None
        finally:
            gate.close()
        feed.end()
        return feed.only(answer)

    def _begin(self, feed: Feed[R], gate: AsyncGate) -> Any:
        called = self._routes.pick().methods[feed.method]
        return called(feed.requests_async(gate), timeout=self._time_for(feed.count), metadata=self._metadata())

    async def _stream(self, feed: Feed[R]) -> AsyncGenerator[R, None]:
        gate = AsyncGate(self._window, feed.pending)
        async with aclosing(self._answers(self._begin(feed, gate), feed, gate)) as answers:
            async for answer in answers:
                results = feed.results(answer)
                gate.tell()
                for result in results:
                    yield result
        feed.end()
        if feed.waiting():
            raise cut_short(self.target)

    async def _answers(self, call: Any, feed: Feed[R], gate: AsyncGate) -> AsyncGenerator[Any, None]:
        try:
            async for answer in call:
                yield answer
        except grpc.RpcError as error:
            raise feed.failure or self._translated(error) from None
        finally:
            gate.close()
            call.cancel()
