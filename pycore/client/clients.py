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
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from pycore.client.requests import Awaiting, Blocking, Budget, Feed, Plan
from pycore.client.requests_blocks import BlockCalls
from pycore.client.requests_bundles import BundleCalls
from pycore.client.requests_capabilities import CapabilityCalls
from pycore.client.requests_consensus import ConsensusCalls
from pycore.client.requests_hashes import HashCalls
from pycore.client.requests_ics23 import Ics23Calls
from pycore.client.requests_runs import RunCalls
from pycore.client.requests_signatures import SignatureCalls
from pycore.client.requests_trees import TreeCalls
from pycore.client.requests_tries import TrieCalls
from pycore.client.requests_votes import VoteCalls
from pycore.errors import InputError
from pycore.wire.capabilities import ServiceCapabilities
from pycore.wire.errors import ServiceError, from_rpc
from pycore.wire.schema import METHODS, Method

__all__ = ["AsyncValidationClient", "ServiceCapabilities", "ServiceError", "Tls", "ValidationClient"]

R = TypeVar("R")

_HEALTH = Method("Check", health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse, False, False)
_HEALTH_PATH = "/grpc.health.v1.Health/Check"
_WINDOW = 4  # unary requests of one call that are under way at once
_PAUSE_S = 0.05  # between two looks at a service that is not ready


class Calls(
    SignatureCalls,
    HashCalls,
    TreeCalls,
    TrieCalls,
    Ics23Calls,
    BlockCalls,
    RunCalls,
    BundleCalls,
    ConsensusCalls,
    VoteCalls,
    CapabilityCalls,
):
    """Every call that the clients have."""


@dataclass(frozen=True)
class Tls:
    """How a client trusts the server and shows who it is. Paths of PEM files.

    Attributes:
        root_certificates: who may have signed the server's certificate; None takes the roots that gRPC ships.
        certificate, private_key: the client's own, for mutual TLS.
        server_name: the name to expect in the server's certificate, where it is not the target's.
    """

    root_certificates: Path | str | None = None
    certificate: Path | str | None = None
    private_key: Path | str | None = None
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """The files as gRPC credentials."""
        roots, chain, key = (
            Path(path).read_bytes() if path is not None else None
            for path in (self.root_certificates, self.certificate, self.private_key)
        )
        return grpc.ssl_channel_credentials(roots, key, chain)


class _Connection(Calls):
    """What both clients are told at construction."""

    def __init__(
        self,
        target: str,
        *,
        tls: Tls | bool | None = None,
        token: str | Path | None = None,
        timeout: float | None = 60.0,
        max_message_bytes: int = 1 << 20,
        max_batch_items: int = 1 << 18,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """
        Args:
            target: "host:port" or "unix:/path".
            tls: True for TLS with gRPC's roots, a Tls for anything else, None for none.
            token: a bearer token, where the service knows its callers by one; a Path for the file that holds it, which
                is read again when it changes. Tokens go to whoever answers: use TLS with them.
            timeout: seconds that the service has for one message; None waits for ever.
            max_message_bytes: batches above it are sent as several messages. Around 1 MiB is the fastest.
            max_batch_items: the same for the number of items; a service that is set lower says so in its capabilities.
            options: further gRPC channel arguments.
        """
        if max_message_bytes < 1024:
            raise InputError("max_message_bytes", str(max_message_bytes), "at least 1024")
        if max_batch_items < 1:
            raise InputError("max_batch_items", str(max_batch_items), "at least 1")
        self.target = target
        self.timeout = timeout
        self._tls = Tls() if tls is True else tls or None
        self._token = None if token is None else _Token(token)
        self._budget = Budget(max_batch_items, max_message_bytes)
        self._options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            *([("grpc.enable_http_proxy", 0)] if _is_loopback(target) else []),
            *(
                [("grpc.ssl_target_name_override", self._tls.server_name)]
                if self._tls and self._tls.server_name
                else []
            ),
            *options,
        ]

    def _time_for(self, messages: int | None) -> float | None:
        return None if self.timeout is None or messages is None else self.timeout * max(1, messages)

    def _bind(self, channel: Any) -> None:
        """The methods of a channel of either kind, by name."""
        self._methods = {name: self._method(channel, method) for name, method in METHODS.items()}
        self._health = _method(channel, _HEALTH_PATH, _HEALTH)

    def _method(self, channel: Any, method: Method) -> Any:
        called = _method(channel, method.path, method)
        return called if self._token is None else _WithToken(called, self._token)


class _Token:
    """A bearer token as the metadata of a call."""

    def __init__(self, token: str | Path) -> None:
        self._path = token if isinstance(token, Path) else None
        self._state: object = None
        self._metadata: tuple[tuple[str, str], ...] = ()
        if isinstance(token, str):
            self._set(token)
        self.metadata()

    def _set(self, token: str) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InputError("token", f"{len(token)} characters", "ASCII without spaces, the first line of a file")
        self._metadata = (("authorization", f"Bearer {token}"),)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The token as it is now. OSError where its file cannot be read."""
        if self._path is not None:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_size, status.st_ino
            if state != self._state:
                self._set(next(iter(self._path.read_text(encoding="utf-8").split()), ""))
                self._state = state
        return self._metadata


class _WithToken:
    """A method of a channel that sends the token along."""

    def __init__(self, called: Any, token: _Token) -> None:
        self._called = called
        self._token = token

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return self._called(*arguments, metadata=self._token.metadata(), **settings)

    def future(self, *arguments: Any, **settings: Any) -> Any:
        """As the blocking channel's method has it."""
        return self._called.future(*arguments, metadata=self._token.metadata(), **settings)


def _is_loopback(target: str) -> bool:
    """Whether a target is on this machine; a proxy that the environment names must never be asked for it."""
    host = target.removeprefix("dns:").lstrip("/").rpartition(":")[0].strip("[]")
    return target.startswith("unix") or host in ("localhost", "::1") or host.startswith("127.")


def _method(channel: Any, path: str, method: Method) -> Any:
    if method.many_requests:
        kind = channel.stream_stream if method.many_answers else channel.stream_unary
    else:
        kind = channel.unary_stream if method.many_answers else channel.unary_unary
    return kind(path, request_serializer=_serialised, response_deserializer=method.answer.FromString)


def _serialised(message: Message | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()


def _translated(error: Any) -> Exception:
    """A grpc.RpcError as the exception that callers see."""
    return from_rpc(error.code(), error.details() or "", error.trailing_metadata())


def _cut_short(target: str) -> ServiceError:
    return ServiceError(grpc.StatusCode.UNAVAILABLE, f"{target} ended the stream before the last answer")


def _serving(answer: health_pb2.HealthCheckResponse) -> bool:
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class _Readiness:
    """How long to wait for a service, and what it said last."""

    def __init__(self, target: str, timeout: float) -> None:
        self._target = target
        self._timeout = timeout
        self._end = time.monotonic() + timeout
        self.last = "no answer"

    def left(self) -> float:
        """Seconds that there are left; ServiceError where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            words = f"{self._target} was not ready within {self._timeout:g} s: {self.last}"
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, words)
        return left

    def pause(self) -> float:
        """Seconds until the next look."""
        return min(_PAUSE_S, max(0.0, self._end - time.monotonic()))


# ---- the blocking client ---------------------------------------------------------------------------------------------


class ValidationClient(_Connection, Blocking):
    """A client for ordinary programs; safe to use from several threads. Close it, or use it in a `with` statement."""

    def __init__(self, target: str, **settings: Any) -> None:
        super().__init__(target, **settings)
        if self._tls is None:
            self._channel = grpc.insecure_channel(target, options=self._options)
        else:
            self._channel = grpc.secure_channel(target, self._tls.credentials(), options=self._options)
        self._bind(self._channel)

    def close(self) -> None:
        """Closes the connection; calls in flight fail with CANCELLED."""
        self._channel.close()

    def __enter__(self) -> ValidationClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def health(self, service: str = "") -> bool:
        """Whether the service says SERVING. ServiceError when it cannot be asked."""
        try:
            return _serving(self._health(health_pb2.HealthCheckRequest(service=service), timeout=self.timeout))
        except grpc.RpcError as error:
            raise _translated(error) from None

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the service says SERVING; ServiceError(UNAVAILABLE) when it has not within `timeout` seconds."""
        waiting = _Readiness(self.target, timeout)
        while True:
            left = waiting.left()
            try:
                if _serving(self._health(health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True)):
                    return
                waiting.last = "NOT_SERVING"
            except grpc.RpcError as error:
                waiting.last = str(_translated(error))
            time.sleep(waiting.pause())

    def _run(self, plan: Plan[R] | Feed[R]) -> R:
        if isinstance(plan, Feed):
            return self._run_feed(plan)
        method = self._methods[plan.method]
        answers: list[Any] = []
        flying: collections.deque[Any] = collections.deque()
        try:
            for request in plan.requests:
                if plan.count == 1:  # a blocking call needs no thread of gRPC's: it costs half of a future
                    return plan.combine([method(request, timeout=self.timeout)])
                if len(flying) == _WINDOW:
                    answers.append(flying.popleft().result())
                flying.append(method.future(request, timeout=self.timeout))
            answers.extend(future.result() for future in flying)
        except grpc.RpcError as error:
            raise _translated(error) from None
        finally:
            for future in flying:
                future.cancel()
        return plan.combine(answers)

    def _run_feed(self, feed: Feed[R]) -> R:
        if METHODS[feed.method].many_answers:
            (result,) = list(self._stream(feed))  # to the end of the stream: ending it before would cancel the call
            return result
        try:
            answer = self._methods[feed.method](feed.requests(), timeout=self._time_for(feed.count))
        except grpc.RpcError as error:
            raise feed.failure or _translated(error) from None
        feed.end()
        return feed.only(answer)

    def _stream(self, feed: Feed[R]) -> Generator[R, None, None]:
        call = self._methods[feed.method](feed.requests(), timeout=self._time_for(feed.count))
        with closing(self._answers(call, feed)) as answers:
            for answer in answers:
                yield from feed.results(answer)
        feed.end()
        if feed.waiting():
            raise _cut_short(self.target)

    def _answers(self, call: Any, feed: Feed[R]) -> Generator[Any, None, None]:
        try:
            yield from call
        except grpc.RpcError as error:
            raise feed.failure or _translated(error) from None
        finally:
            call.cancel()


# ---- the asyncio client ----------------------------------------------------------------------------------------------


class AsyncValidationClient(_Connection, Awaiting):
    """The same calls for asyncio programs. Make, use and close it on one event loop, or use it in `async with`."""

    def __init__(self, target: str, **settings: Any) -> None:
        super().__init__(target, **settings)
        if self._tls is None:
            self._channel = grpc.aio.insecure_channel(target, options=self._options)
        else:
            self._channel = grpc.aio.secure_channel(target, self._tls.credentials(), options=self._options)
        self._bind(self._channel)

    async def close(self) -> None:
        """Closes the connection; calls in flight fail with CANCELLED."""
        await self._channel.close(None)

    async def __aenter__(self) -> AsyncValidationClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def health(self, service: str = "") -> bool:
        """As `ValidationClient.health`."""
        try:
            return _serving(await self._health(health_pb2.HealthCheckRequest(service=service), timeout=self.timeout))
        except grpc.RpcError as error:
            raise _translated(error) from None

    async def wait_until_ready(self, timeout: float = 30.0) -> None:
        """As `ValidationClient.wait_until_ready`."""
        waiting = _Readiness(self.target, timeout)
        while True:
            left = waiting.left()
            try:
                if _serving(await self._health(health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True)):
                    return
                waiting.last = "NOT_SERVING"
            except grpc.RpcError as error:
                waiting.last = str(_translated(error))
            await asyncio.sleep(waiting.pause())

    async def _run(self, plan: Plan[R] | Feed[R]) -> R:
        if isinstance(plan, Feed):
            return await self._run_feed(plan)
        method = self._methods[plan.method]
        answers: list[Any] = []
        flying: collections.deque[Any] = collections.deque()
        try:
            for request in plan.requests:
                if len(flying) == _WINDOW:
                    answers.append(await flying.popleft())
                flying.append(method(request, timeout=self.timeout))
            while flying:
                answers.append(await flying.popleft())
        except grpc.RpcError as error:
            raise _translated(error) from None
        finally:
            for future in flying:
                future.cancel()
        return plan.combine(answers)

    async def _run_feed(self, feed: Feed[R]) -> R:
        if METHODS[feed.method].many_answers:
            (result,) = [result async for result in self._stream(feed)]
            return result
        try:
            answer = await self._methods[feed.method](feed.requests_async(), timeout=self._time_for(feed.count))
        except grpc.RpcError as error:
            raise feed.failure or _translated(error) from None
        feed.end()
        return feed.only(answer)

    async def _stream(self, feed: Feed[R]) -> AsyncGenerator[R, None]:
        call = self._methods[feed.method](feed.requests_async(), timeout=self._time_for(feed.count))
        async with aclosing(self._answers(call, feed)) as answers:
            async for answer in answers:
                for result in feed.results(answer):
                    yield result
        feed.end()
        if feed.waiting():
            raise _cut_short(self.target)

    async def _answers(self, call: Any, feed: Feed[R]) -> AsyncGenerator[Any, None]:
        try:
            async for answer in call:
                yield answer
        except grpc.RpcError as error:
            raise feed.failure or _translated(error) from None
        finally:
            call.cancel()
