"""Blocking calls of one message without grpcio: HTTP/2 by nghttp2, in the thread that calls.

A call takes a connection of a small pool for itself, writes its request and waits for the answer on the socket: no
other thread, no queue between two. What needs more than that goes over the channel of grpcio: streams, futures, and
calls that find every connection taken.

A call is sent a second time, over a new connection, where the service cannot have begun with it, or where a connection
that had carried calls before ended without a byte of an answer: it may have been closed while the request was on its
way. Every call of the service gives the same answer twice.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc

from pycore._version import __version__
from pycore.client.connection import left_until
from pycore.client.direct_answers import CallError, asked, away, gone, late, read, told
from pycore.client.direct_sockets import LATE, OVER, Place, Secured, connect, plain_reason
from pycore.wire.schema import Method

try:
    _http2: Any = importlib.import_module("pycore._http2")
except ImportError:  # libnghttp2 was absent when pycore was built
    _http2 = None

__all__ = ["Direct", "DirectMethod", "is_built"]

MOST_CONNECTIONS = 8
"""Connections of one route, and therefore calls that go at once without grpcio."""
_IDLE_S = 60.0  # a connection that had nothing to do for longer may be one that a firewall has forgotten
_HEADERS = 16 << 10  # bytes of a header list, as gRPC has it
_MESSAGE = (1 << 31) - 1  # bytes: where protobuf ends
_CANCEL = 8  # RFC 9113, 7
_NO_ROOM = "there is no memory for the answer"

_log = logging.getLogger("pycore.client")
_family = object()  # another one after each fork


def _forked() -> None:
    global _family
    _family = object()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def is_built() -> bool:
    """Whether the extension module is there."""
    return hasattr(_http2, "Caller")


def _faults() -> tuple[tuple[int, str], ...]:
    """Words for each flag of an answer that makes it none."""
    return (
        (_http2.LARGE, f"received message larger than max ({_MESSAGE} bytes)"),
        (_http2.HEADERS, f"the header list of the answer is larger than max ({_HEADERS} bytes)"),
        (_http2.SQUEEZED, "the answer is compressed, which was not offered"),
        (_http2.ODD, "the answer is no gRPC message: its first byte is neither 0 nor 1"),
        (_http2.CUT, "the answer ended inside of a message"),
        (_http2.MANY, "the answer has several messages, of one that was asked for"),
    )


class _Connection:
    """One connection with at most one call."""

    __slots__ = ("_secured", "caller", "carried", "fd", "since", "socket")

    def __init__(self) -> None:
        self.caller = _http2.Caller(_HEADERS, _MESSAGE)
        self.socket: Any = None
        self.fd = -1
        self.carried = False  # a call that was answered
        self.since = 0.0  # when that was
        self._secured: Secured | None = None

    def begin(self) -> None:
        """The socket is connected."""
        self.fd = self.socket.fileno()
        if isinstance(self.socket, ssl.SSLSocket):
            self._secured = Secured(self.caller, self.socket)

    def run(self, end: float | None) -> int:
        """Waits until the call is over, the time `end` has come, or the connection has gone."""
        if self._secured is not None:
            return self._secured.run(end)
        code: int = self.caller.run(self.fd, -1.0 if end is None else max(0.0, end - time.monotonic()))
        return code

    def alive(self) -> bool:
        """Whether it can take a call, after all that came while it was idle."""
        if self._secured is not None:
            return self._secured.alive()
        return bool(self.caller.peek(self.fd))

    def reason(self) -> str:
        """Why it is at its end."""
        return plain_reason(self.caller.error) if self._secured is None else self._secured.reason

    def give_up(self) -> None:
        """Tells the service that nobody waits for the call, as far as that goes at once."""
        self.caller.reset(_CANCEL)
        if self._secured is not None:
            self._secured.flush()
            return
        with contextlib.suppress(OSError):
            while data := self.caller.collect():
                self.socket.send(data)

    def wake(self) -> None:
        """Ends it for a thread that waits on it, which closes it then."""
        if self.socket is None:
            return
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # SSLSocket's own takes TLS away under that thread


class Direct:
    """The connections to one target. Safe to use from several threads.

    Args:
        place: where it is.
        context: of TLS; None without.
        name: the one to expect in the certificate; None for the place's own.
    """

    def __init__(self, place: Place, context: ssl.SSLContext | None = None, name: str | None = None) -> None:
        self.place = place
        self.context = context
        self.name = name
        self.closed = False
        self.faults = _faults()
        self._forget()

    def _forget(self) -> None:
        """Begins with nothing: the connections of a parent process are the parent's, which goes on using them."""
        for one in getattr(self, "_idle", ()):
            one.socket.close()
        self._family = _family
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []  # the one that was used last at the end
        self._all: set[_Connection] = set()

    @property
    def authority(self) -> str:
        """As calls name the service."""
        return self.name or self.place.authority

    def take(self, end: float | None, fresh: bool = False) -> _Connection | None:
        """A connection for one call; None where each is taken, or where the client was closed.

        Args:
            end: time of the monotonic clock at which the call has had its time.
            fresh: one that has carried no call.

        Raises:
            CallError: there is no connection to be had.
        """
        if self._family is not _family:
            self._forget()
        while not fresh:
            try:
                one = self._idle.pop()
            except IndexError:
                break
            if time.monotonic() - one.since < _IDLE_S and one.alive():
                return one
            self.drop(one)
        return self._made(end)

    def give(self, one: _Connection) -> None:
        """A call is over; another may follow."""
        if not one.caller.usable:
            self.drop(one)
            return
        one.carried = True
        one.since = now = time.monotonic()
        self._idle.append(one)
        oldest = self._idle[:1]
        if self.closed or (oldest and now - oldest[0].since > _IDLE_S):
            self._shrink()

    def drop(self, one: _Connection) -> None:
        """Closes a connection that a call has had."""
        with self._lock:  # `close` must not shut down a descriptor that is another file's by now
            self._all.discard(one)
            if one.socket is not None:
                one.socket.close()

    def reason(self, one: _Connection) -> str:
        """Why a connection is at its end, and a guess where it never worked."""
        reason = one.reason()
        if one.carried or self.place.path is not None:
            return reason
        guess = "TLS" if self.context is None else "a certificate of the client, or another one"
        return f"{reason}, before any answer: does it want {guess}?"

    def close(self) -> None:
        """Closes what is idle, and ends the calls that run."""
        self.closed = True
        with self._lock:
            for one in self._all:
                one.wake()
        self._shrink()

    def __del__(self) -> None:
        for one in getattr(self, "_idle", ()):
            one.socket.close()

    def _shrink(self) -> None:
        """Closes those that have been idle for long; all of them once the client is closed."""
        limit = time.monotonic() - _IDLE_S
        for one in list(self._idle):
            if not self.closed and one.since >= limit:
                continue
            try:
                self._idle.remove(one)
            except ValueError:
                continue  # a call has it
            self.drop(one)

    def _made(self, end: float | None) -> _Connection | None:
        with self._lock:
            if self.closed or len(self._all) >= MOST_CONNECTIONS:
                return None
            one = _Connection()
            self._all.add(one)

        def made(found: Any) -> bool:
            one.socket = found
            return not self.closed

        try:
            one.socket = connect(self.place, self.context, self.name, end, made)
            one.begin()
        except BaseException as error:
            self.drop(one)
            if isinstance(error, CallError) and self.closed:  # by another thread
                raise gone() from None
            raise
        return one


class DirectMethod:
    """One method: called like those of a grpcio channel, with the same errors. `future` is the channel's own.

    Args:
        pool: the connections.
        path: of the method, as gRPC names it.
        method: its messages.
        serialised: makes the bytes of a request.
        channels: the same method of a grpcio channel.
    """

    def __init__(
        self, pool: Direct, path: str, method: Method, serialised: Callable[[Any], bytes], channels: Any
    ) -> None:
        self.future = channels.future
        self._channels = channels
        self._pool = pool
        self._serialised = serialised
        self._answer = method.answer.FromString
        self._head = asked(path, pool.authority, pool.context is not None, f"pycore-python/{__version__} {_library()}")
        self._told: tuple[object, bytes] = (None, self._head)

    def __call__(self, request: Any, timeout: float | None = None, metadata: Any = None) -> Any:
        """The answer. CallError, a grpc.RpcError, where there is no good one."""
        end = None
        if timeout is not None and timeout != math.inf:
            if timeout <= 0:
                raise late()
            end = time.monotonic() + timeout
        body = self._bytes(request)
        pool, fresh = self._pool, False
        while True:
            one = pool.take(end, fresh)
            if one is None:
                return self._channels(request, timeout=left_until(end), metadata=metadata)
            caller = one.caller
            try:
                caller.begin(self._headers(timeout, metadata), body)
                outcome = one.run(end)
                if outcome == LATE:
                    one.give_up()
                    raise late()
                unsent = caller.unsent
                answer = caller.answer() if outcome == OVER else None
                unheard = answer is None and not caller.answered
            except BaseException:
                pool.drop(one)
                raise
            if answer is None:
                pool.drop(one)
            else:
                pool.give(one)
            if not fresh and not pool.closed and (unsent or (unheard and one.carried)):
                fresh, timeout = True, left_until(end)
                if timeout == 0.0:
                    raise late()
            elif answer is not None:
                return self._read(*answer)
            else:
                raise gone() if pool.closed else away(f"the connection to {pool.place} was lost: {pool.reason(one)}")

    def _headers(self, timeout: float | None, metadata: Any) -> bytes:
        """The header list of a call, which is most often that of the last one."""
        key = timeout, metadata
        known, head = self._told
        if known != key:
            head = self._head + told(timeout, metadata)
            if metadata is None or type(metadata) is tuple:
                self._told = key, head
        return head

    def _bytes(self, request: Any) -> bytes:
        try:
            return self._serialised(request)
        except Exception as error:  # as grpc, whatever it is
            _log.exception("a request cannot be written")
            raise CallError(grpc.StatusCode.INTERNAL, "Exception serializing request!") from error

    def _read(self, head: bytes | None, message: bytes | None, tail: bytes | None, flags: int, code: int) -> Any:
        fault = "" if not flags else next((words for flag, words in self._pool.faults if flags & flag), _NO_ROOM)
        data = read(head, message, tail, fault, code)
        try:
            return self._answer(data)
        except Exception as error:
            _log.exception("an answer cannot be read")
            raise CallError(grpc.StatusCode.INTERNAL, "Exception deserializing response!") from error


def _library() -> str:
    return f"nghttp2/{_http2.NGHTTP2}"
