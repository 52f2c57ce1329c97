"""How requests reach the service: separate connections, and one way of sending for each shape."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import grpc

from pycore.client import Tls
from pycore.client.clients import AsyncValidationClient
from pycore.client.coalescer import AsyncCoalescer
from pycore.errors import InputError
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.traffic import Request, Traffic
from pycore.service.config import is_loopback
from pycore.wire.schema import SERVICE_NAME

__all__ = ["Access", "Sender", "check_target", "make_sender"]

PRIORITY_KEY = "pycore-priority"
_MOST_OPEN = 4  # messages of one stream whose answers have not come: what a service takes from one stream by default


class Access:
    """How to reach a service and say who calls.

    Args:
        target: "host:port" or "unix:/path".
        tls: None for none.
        token: a bearer token, or the path of a file that holds one; read once.
    """

    def __init__(self, target: str, tls: Tls | None = None, token: str | Path | None = None) -> None:
        self.target = target
        self.tls = tls
        self.token = token
        text = token
        if isinstance(token, Path):
            text = next(iter(token.read_text(encoding="utf-8").split()), "")
        self.metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {text}"),) if text else ()

    def channel(self) -> grpc.aio.Channel:
        """Another connection."""
        options: list[tuple[str, Any]] = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ]
        if _is_here(self.target):
            options.append(("grpc.enable_http_proxy", 0))
        if self.tls is None:
            return grpc.aio.insecure_channel(self.target, options=options)
        if self.tls.server_name:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return grpc.aio.secure_channel(self.target, self.tls.credentials(), options=options)

    def client(self, timeout: float) -> AsyncValidationClient:
        """A client on another connection, which waits so many seconds for an answer."""
        alone = [("grpc.use_local_subchannel_pool", 1)]
        return AsyncValidationClient(self.target, tls=self.tls, token=self.token, timeout=timeout, options=alone)


def _is_here(target: str) -> bool:
    try:
        return is_loopback(target)
    except ValueError as error:
        raise InputError("TARGET", repr(target), "host:port, [v6]:port or unix:/path") from error


def check_target(target: str, *, allow_remote: bool) -> None:
    """InputError where a target is on another machine and nobody said that load may be put on it."""
    if not _is_here(target) and not allow_remote:
        raise InputError("TARGET", repr(target), "a loopback address or Unix socket, or --allow-remote with it")


class Sender(Protocol):
    """Sends one request after the other, many at once."""

    async def send(self, number: int, priority: str | None) -> bool:
        """Whether the answer has the verdicts that it must have.

        Raises:
            grpc.RpcError, ServiceError: there was no answer.
        """
        ...

    async def close(self) -> None:
        """Ends the connections."""
        ...


def make_sender(access: Access, scenario: Scenario, traffic: Traffic) -> Sender:
    """The sender for a scenario's shape."""
    if scenario.shape == "coalesced":
        return _Coalesced(access, scenario, traffic)
    if scenario.shape == "stream":
        return _Streams(access, scenario, traffic)
    return _Calls(access, scenario, traffic)


def _with_priority(metadata: Sequence[tuple[str, str]], priority: str | None) -> tuple[tuple[str, str], ...]:
    return (*metadata, (PRIORITY_KEY, priority)) if priority else tuple(metadata)


class _Calls:
    """A call for each request, over the connections in turn."""

    def __init__(self, access: Access, scenario: Scenario, traffic: Traffic) -> None:
        self._traffic = traffic
        self._timeout = scenario.timeout
        self._channels = [access.channel() for _ in range(scenario.connections)]
        path = f"/{SERVICE_NAME}/{traffic.method}"
        self._calls = itertools.cycle([channel.unary_unary(path, None, None) for channel in self._channels])
        names = (None, *(name for name, _ in scenario.priorities))
        self._metadata = {name: _with_priority(access.metadata, name) for name in names}

    async def send(self, number: int, priority: str | None) -> bool:
        request = self._traffic[number]
        call: Any = next(self._calls)
        answer = await call(request.body, timeout=self._timeout, metadata=self._metadata[priority])
        return self._traffic.check(answer, request)

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close(None)


class _Stream:
    """One stream: messages go out in turn, answers come back in the same order."""

    def __init__(self, call: Any, traffic: Traffic) -> None:
        self._call = call
        self._traffic = traffic
        self._waiting: deque[tuple[Request, asyncio.Future[bool]]] = deque()
        self._room = asyncio.Semaphore(_MOST_OPEN)
        self._writing = asyncio.Lock()
        self._reader = asyncio.create_task(self._read())
        self.broken: BaseException | None = None

    async def send(self, request: Request) -> bool:
        async with self._room:
            async with self._writing:
                if self.broken is not None:
                    raise self.broken
                answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
                self._waiting.append((request, answer))
                try:
                    await self._call.write(request.body)
                except (grpc.RpcError, asyncio.InvalidStateError) as error:
                    self._break(error)
            return await answer

    async def _read(self) -> None:
        try:
            while raw := await self._call.read():  # the end is grpc.aio.EOF, which counts as false
                request, answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(self._traffic.check(raw, request))
            self._break(_EndedError("the service ended the stream"))
        except grpc.RpcError as error:
            self._break(error)

    def _break(self, error: BaseException) -> None:
        """Every message that is not answered fails with what ended the stream."""
        self.broken = self.broken or error
        while self._waiting:
            _, answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(self.broken)

    def close(self) -> None:
        self._reader.cancel()
        self._call.cancel()


class _EndedError(Exception):
    """A stream that ended before its last answer."""


class _Streams:
    """A stream for each connection and priority; one that broke is replaced by the next request."""

    def __init__(self, access: Access, scenario: Scenario, traffic: Traffic) -> None:
        self._access = access
        self._traffic = traffic
        self._channels = [access.channel() for _ in range(scenario.connections)]
        self._turn = itertools.cycle(range(scenario.connections))
        self._open: dict[tuple[int, str | None], _Stream] = {}

    async def send(self, number: int, priority: str | None) -> bool:
        key = next(self._turn), priority
        stream = self._open.get(key)
        if stream is None or stream.broken is not None:
            path = f"/{SERVICE_NAME}/{self._traffic.method}"
            method: Any = self._channels[key[0]].stream_stream(path, None, None)
            call = method(metadata=_with_priority(self._access.metadata, priority))
            stream = self._open[key] = _Stream(call, self._traffic)
        return await stream.send(self._traffic[number])

    async def close(self) -> None:
        for stream in self._open.values():
            stream.close()
        for channel in self._channels:
            await channel.close(None)


class _Coalesced:
    """A call for each signature, of clients that send together what comes together."""

    def __init__(self, access: Access, scenario: Scenario, traffic: Traffic) -> None:
        self._traffic = traffic
        self._clients = [access.client(scenario.timeout) for _ in range(scenario.connections)]
        coalescers = [AsyncCoalescer(client, scenario.scheme, attempts=1) for client in self._clients]
        self._coalescers = itertools.cycle(coalescers)

    async def send(self, number: int, priority: str | None) -> bool:
        request = self._traffic[number]
        assert request.row is not None, "the shape has one signature in each request"
        return (await next(self._coalescers).verdict(*request.row)).value == request.codes[0]

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
