"""The server of the second front end: its handlers, its ports, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from pycore.service.front.accepting import Listening
from pycore.service.front.calls import Call, Method
from pycore.service.front.fields import Head, Heads

try:
    from pycore import _http2
except ImportError as error:  # libnghttp2 is absent, or was when this was built
    _http2 = None  # type: ignore[assignment]
    _WHY_NOT = str(error)
else:
    _WHY_NOT = ""
if TYPE_CHECKING or _http2 is not None:
    from pycore.service.front.connection import Connection, Limits

__all__ = ["NativeServer", "is_built", "is_listened_to", "why_not"]

_BACKLOG = 1024
_HANDSHAKE_S = 20.0
_SHUTDOWN_S = 2.0
_JITTER = 0.1  # of a connection's age, so that not all come again at once
_MOST_METHODS = 1024
_INFLATED_AT_ONCE = 4  # messages of all connections: their text is not admitted yet
_READ_AT_ONCE = 256 << 10
_GATHER_S = 0.002


def is_built() -> bool:
    """Whether the extension is there, and the library that it was built with."""
    return _http2 is not None


def why_not() -> str:
    """The words of the failed import; empty where it did not fail."""
    return _WHY_NOT


class NativeServer:
    """What `grpc.aio.server` gives, as far as this service uses it. Belongs to one event loop.

    Args:
        interceptors: what calls pass, outermost first.
        doors: by the path of a method, what is asked before a call of one request begins, and may end it instead;
            not where there are interceptors.
        message: bytes of one request message.
        streams: calls of one connection that are open at once.
        headers: bytes of a call's header list.
        unfinished: bytes of requests that are not whole yet, over all connections.
        share_port: other processes may listen on the port.
        age: seconds until a connection is asked to come again; None for never.
        age_grace: seconds that its calls have then.
    """

    def __init__(
        self,
        *,
        interceptors: Sequence[Any] = (),
        doors: Mapping[str, Callable[[Call], bool]] | None = None,
        message: int,
        streams: int,
        headers: int,
        unfinished: int,
        share_port: bool = False,
        age: float | None = None,
        age_grace: float = 30.0,
    ) -> None:
        if _http2 is None:
            raise OSError(f"pycore._http2 is absent: {why_not()}")
        self.limits = Limits(message, streams, headers)
        self.unfinished = unfinished + message
        self.room = _http2.Room(self.unfinished)
        self.heads = Heads()
        self.buffer = bytearray(_READ_AT_ONCE)  # what was read is taken at once, so one is enough for all connections
        self.view = memoryview(self.buffer)
        self.age = age
        self.age_grace = age_grace
        self.connections: set[Connection] = set()
        self.inflating = asyncio.Semaphore(_INFLATED_AT_ONCE)
        self.is_stopping = self._gathering = False
        self._share_port = share_port
        self._interceptors = list(interceptors)
        self._doors = dict(doors or {})
        self._generic: list[Any] = []
        self._registered: dict[str, Any] = {}
        self._methods: dict[str, Method] = {}
        self._sockets: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self._listeners: list[asyncio.Server] = []
        self._idle = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()

    # ---- what grpc.aio.Server has ------------------------------------------------------------------------------------

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Handlers that are asked for a method."""
        self._generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Handlers by the name of their method."""
        self._registered.update({f"/{service}/{name}": handler for name, handler in handlers.items()})

    def add_insecure_port(self, address: str) -> int:
        """Binds an address; the TCP port, or 1 for a Unix socket. OSError where it cannot be bound."""
        return self._bind(address, None)

    def add_secure_port(self, address: str, context: ssl.SSLContext) -> int:
        """As :meth:`add_insecure_port`, with TLS."""
        return self._bind(address, context)

    def _bind(self, address: str, context: ssl.SSLContext | None) -> int:
        if address.startswith(("unix:", "unix-abstract:")):
            one = _unix_socket(address)
            self._sockets.append((one, context))
            return 1
        found = _tcp_sockets(address, self._share_port)
        self._sockets.extend((one, context) for one in found)
        port: int = found[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Takes connections."""
        for one, context in self._sockets:
            options: dict[str, Any] = {}
            if context is not None:
                options = {"ssl_handshake_timeout": _HANDSHAKE_S}
                if sys.version_info >= (3, 11):
                    options["ssl_shutdown_timeout"] = _SHUTDOWN_S
            make = self.loop.create_unix_server if one.family == socket.AF_UNIX else self.loop.create_server
            self._listeners.append(
                await make(lambda: Connection(self), sock=one, ssl=context, backlog=_BACKLOG, **options)
            )

    async def stop(self, grace: float | None) -> None:
        """Takes no more connections and calls; calls in flight have so many seconds. None ends them at once."""
        if not self.is_stopping:
            self.is_stopping = True
            for listener in self._listeners:
                listener.close()
            for connection in list(self.connections):
                connection.drain()
        if grace:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._until_idle(), grace)
        for connection in list(self.connections):
            connection.abort()
        try:
            await asyncio.wait_for(self._until_idle(), 1.0)
        except asyncio.TimeoutError:
            for connection in list(self.connections):
                connection._transport.abort()

    async def _until_idle(self) -> None:
        while self.connections:
            self._idle.clear()
            await self._idle.wait()

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._idle.set()

    def next_age(self) -> float:
        """Seconds after which a connection is asked to come again."""
        assert self.age is not None
        return self.age * (1 + random.uniform(-_JITTER, _JITTER))

    # ---- calls -------------------------------------------------------------------------------------------------------

    def gather_soon(self) -> None:
        """Lets calls gather before the next are looked at, as network cards do with packets: where they come faster
        than they can be answered, to wake up for each costs CPU that answers need. Answers wait for it as well."""
        if not self._gathering:
            self._gathering = True
            self.loop.call_soon(self._gather)

    def _gather(self) -> None:
        self._gathering = False
        time.sleep(_GATHER_S)

    def begin(self, call: Call, head: Head) -> None:
        """A call has come: finds its handler."""
        if self._interceptors:
            call.look_up(self._intercepted)
            return
        method = self._methods.get(head.path)
        if method is None:
            found = self._handler(_Details(head.path, head.metadata))
            if found is None:
                call.refuse(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
                return
            method = Method(found, self._doors.get(head.path))
            if len(self._methods) < _MOST_METHODS:
                self._methods[head.path] = method
        call.start(method)

    def _handler(self, details: Any) -> Any:
        found = self._registered.get(details.method)
        for generic in self._generic:
            if found is not None:
                break
            found = generic.service(details)
        return found

    async def _intercepted(self, call: Call, head: Head) -> None:
        async def at(index: int, details: Any) -> Any:
            if index == len(self._interceptors):
                return self._handler(details)
            return await self._interceptors[index].intercept_service(_next(at, index), details)

        handler = await at(0, _Details(head.path, head.metadata))
        if handler is None:
            call.refuse(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        else:
            call.start(Method(handler))


def _next(at: Callable[[int, Any], Any], index: int) -> Callable[[Any], Any]:
    return lambda details: at(index + 1, details)


class _Details(grpc.HandlerCallDetails):
    """What handlers are found by."""

    def __init__(self, method: str, metadata: Any) -> None:
        self.method = method
        self.invocation_metadata = metadata


def _unix_socket(address: str) -> socket.socket:
    path = "\0" + address.removeprefix("unix-abstract:")
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        path = path.removeprefix("//") if path.startswith("//") else path
        _remove_stale(path)
    one = Listening(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        one.bind(path)
    except OSError:
        one.close()
        raise
    one.setblocking(False)
    return one


def _remove_stale(path: str) -> None:
    """Removes a socket that another process left behind. The caller has made sure that nobody listens."""
    with contextlib.suppress(FileNotFoundError):
        if Path(path).is_socket():
            Path(path).unlink()


def is_listened_to(path: str) -> bool:
    """Whether a process accepts connections on a Unix socket; a path that one left behind is free."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path.removeprefix("//"))
        except OSError as error:
            return isinstance(error, (TimeoutError, BlockingIOError))
    return True


def _tcp_sockets(address: str, share_port: bool) -> list[socket.socket]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    rows = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    found: list[socket.socket] = []
    number = int(port)
    try:
        for family, kind, protocol, _, where in dict.fromkeys(rows):
            one: socket.socket = Listening(family, kind, protocol)
            found.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # of connections: hosts vanish without a word
            if share_port:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:  # `[::]` is every address, as gRPC has it
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(len(rows) > 1))
            one.bind((where[0], number, *where[2:]))
            number = one.getsockname()[1]
            one.listen(_BACKLOG)
            one.setblocking(False)
    except OSError:
        for one in found:
            one.close()
        raise
    return found
