"""The connections of a client, and which of them a call takes."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from pycore.client.connection import CallSettings, Endpoints
from pycore.client.direct import Direct, DirectMethod
from pycore.client.memory import LARGE_BYTES, expect_copy
from pycore.wire.errors import ServiceError
from pycore.wire.schema import METHODS, Method

_HEALTH = Method("Check", health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse, False, False)
_HEALTH_PATH = "/grpc.health.v1.Health/Check"
# CANCELLED that the caller did not ask for is a service that stopped: what arrives in that moment, or is not done at
# the end of its grace, ends so. No call changes anything, so each may be made again.
_AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
_AGAIN = _AWAY | {grpc.StatusCode.RESOURCE_EXHAUSTED}
_TOO_LARGE = "message larger than max"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 5.0
_HEDGED_SHARE, _MOST_HEDGES = 0.1, 10.0

_RANKS = {
    grpc.ChannelConnectivity.READY: 0,
    grpc.ChannelConnectivity.IDLE: 2,
    grpc.ChannelConnectivity.CONNECTING: 2,
    grpc.ChannelConnectivity.TRANSIENT_FAILURE: 4,
    grpc.ChannelConnectivity.SHUTDOWN: 4,
}


_STATES = {state.value[0]: state for state in grpc.ChannelConnectivity}


class Route:
    """One connection and its methods by name.

    Args:
        channel: of either kind.
        state: what gRPC says of the channel now, without asking the network.
        pool: direct connections, over which calls of one message go while the caller waits; None for the channel.
    """

    def __init__(self, channel: Any, state: Callable[[], grpc.ChannelConnectivity], pool: Direct | None = None) -> None:
        self.channel = channel
        self.state = state
        self.pool = pool
        self.methods = {name: self._method(method.path, method) for name, method in METHODS.items()}
        self.health = self._method(_HEALTH_PATH, _HEALTH)

    def _method(self, path: str, method: Method) -> Any:
        found = _method(self.channel, path, method)
        if self.pool is None or method.many_requests or method.many_answers:
            return found
        return DirectMethod(self.pool, path, method, _serialised, found)

    def close(self) -> None:
        """Ends the calls that run, of a blocking client."""
        if self.pool is not None:
            self.pool.close()
        self.channel.close()


def state_of(channel: grpc.Channel) -> Callable[[], grpc.ChannelConnectivity]:
    """The state of a blocking channel, each time it is asked; asking makes an idle channel connect.

    grpc's public way is `subscribe`, which starts a thread per channel that looks five times a second, and writes a
    traceback when a channel is closed at the wrong moment. That thread reads the state from where it is read here. A
    version of grpc that has it elsewhere makes the state unknown: calls then take turns among all connections.
    """
    read = getattr(getattr(channel, "_channel", None), "check_connectivity_state", None)
    return unknown if read is None else lambda: _STATES.get(read(True), grpc.ChannelConnectivity.SHUTDOWN)


def unknown() -> grpc.ChannelConnectivity:
    """The state of a connection that is not asked."""
    return grpc.ChannelConnectivity.IDLE


class Routes:
    """Takes turns among the connections that are ready; the others have a turn where there is no such connection."""

    def __init__(self, routes: list[Route]) -> None:
        self.all = routes
        self._turn = itertools.count()
        self.hedges = HedgeBudget()
        self.closed = False

    def __len__(self) -> int:
        return len(self.all)

    def pick(self, avoid: Route | None = None) -> Route:
        """A connection, another one than `avoid` where one is as good."""
        count = len(self.all)
        if count == 1:
            return self.all[0]
        first = next(self._turn)
        turn = (self.all[(first + i) % count] for i in range(count))
        return min(turn, key=lambda route: _RANKS[route.state()] + (route is avoid))


class HedgeBudget:
    """Lets one call in ten be sent twice, so that a service that is slow for all is not asked twice for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 1.0

    def earn(self) -> None:
        """A call began."""
        with self._lock:
            self._left = min(_MOST_HEDGES, self._left + _HEDGED_SHARE)

    def take(self) -> bool:
        """Whether a call may be sent a second time."""
        with self._lock:
            if self._left < 1.0:
                return False
            self._left -= 1.0
            return True


def pause_before(settings: CallSettings, attempt: int, error: Exception, elsewhere: bool) -> float | None:
    """Seconds until a message is sent again after `attempt` attempts; None where it is not.

    Args:
        elsewhere: there are other connections, which may be asked at once where one is away.
    """
    if attempt >= settings.attempts or not isinstance(error, ServiceError) or error.code not in _AGAIN:
        return None
    if _TOO_LARGE in error.details:  # gRPC's words, with the code of a full service: it would say so again
        return None
    if elsewhere and attempt == 1 and error.code in _AWAY:
        return 0.0
    wait = max(error.retry_after or 0.0, _FIRST_PAUSE_S * 2.0 ** (attempt - 1))
    return min(wait, _LONGEST_PAUSE_S) * random.uniform(1.0, 1.5)


class Attempts:
    """The attempts of one message, for clients that wait in different ways: pause, take the route, call, and tell what
    failed; again until something has not.

    Args:
        settings: how many there are.
        routes: the connections of the client.
        end: time of the monotonic clock at which the message has had its time; None for never.
        route, failure: of an attempt that was made before.
    """

    def __init__(
        self,
        settings: CallSettings,
        routes: Routes,
        end: float | None = None,
        route: Route | None = None,
        failure: Exception | None = None,
    ) -> None:
        self._settings = settings
        self._routes = routes
        self._end = end
        self._route = route
        self._failure = failure
        self._made = int(failure is not None)

    def pause(self) -> float:
        """Seconds until the next attempt, 0 for the first. Raises the last failure where there is no further one."""
        failure, pause = self._failure, 0.0
        if failure is not None:
            elsewhere = len(self._routes) > 1
            found = None if self._routes.closed else pause_before(self._settings, self._made, failure, elsewhere)
            if found is None or (self._end is not None and time.monotonic() + found >= self._end):
                raise failure
            pause = found
        self._made += 1
        return pause

    def route(self) -> Route:
        """The connection for it, another one than that of the last attempt where one is as good."""
        self._route = self._routes.pick(avoid=self._route)
        return self._route

    def failed(self, failure: Exception) -> None:
        """The attempt ended with an error that a caller would see."""
        self._failure = failure


def _method(channel: Any, path: str, method: Method) -> Any:
    if method.many_requests:
        kind = channel.stream_stream if method.many_answers else channel.stream_unary
    else:
        kind = channel.unary_stream if method.many_answers else channel.unary_unary
    return kind(path, request_serializer=_serialised, response_deserializer=method.answer.FromString)


def _serialised(message: Message | bytes) -> bytes:
    data = message if isinstance(message, bytes) else message.SerializeToString()
    if len(data) >= LARGE_BYTES:
        expect_copy(len(data))
    return data


def channels(endpoints: Endpoints, module: Any) -> list[Any]:
    """A channel of `grpc` or `grpc.aio` for every connection."""
    tls = None if endpoints.tls is None else endpoints.tls.credentials()
    made = []
    for target in endpoints.targets:
        arguments = endpoints.arguments(target)
        if tls is None:
            made.append(module.insecure_channel(target, options=arguments))
        else:
            made.append(module.secure_channel(target, tls, options=arguments))
    return made
