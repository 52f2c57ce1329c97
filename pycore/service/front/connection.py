"""One connection of the front end: what the peer sends becomes calls, what handlers answer becomes bytes."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import grpc

from pycore import _http2
from pycore.service.front.accepting import peer_name
from pycore.service.front.bodies import ENCODINGS
from pycore.service.front.calls import Call
from pycore.service.front.fields import HEAD, HeadError, status_tail
from pycore.wire.errors import to_failure
from pycore.wire.refusals import OverloadedError

if TYPE_CHECKING:
    from pycore.service.front.listening import NativeServer

__all__ = ["Connection", "Limits"]

_log = logging.getLogger("pycore.service")
_audit = logging.getLogger("pycore.service.access")

_CALL, _MESSAGE, _END, _CLOSED = _http2.CALL, _http2.MESSAGE, _http2.END, _http2.CLOSED
_SENT, _LARGE, _FULL, _HEADERS = _http2.SENT, _http2.LARGE, _http2.FULL, _http2.HEADERS
_PONG, _SQUEEZED, _CUT, _ODD = _http2.PONG, _http2.SQUEEZED, _http2.CUT, _http2.ODD
_AT_ONCE = 256 << 10  # bytes that are collected before the transport is asked whether it takes more
_MOST_QUEUED = 50_000  # frames for a peer that reads nothing
_BEGIN_S = 20.0  # for a peer to say that it speaks HTTP/2
_NOTICE_S = 1.0  # for a peer to learn that it should begin no more calls
_LAST_BYTES_S = 5.0  # for a peer to read what was written
_RETRY_S = 1.0
_PREFACE = 24 + 9
_CALLS_AT_ONCE = 16
_NO_ERROR, _INTERNAL_ERROR, _CANCEL = 0, 2, 8

Event: TypeAlias = "tuple[int, int, int, int, bytes | None, bytes | None]"


class Limits(NamedTuple):
    """Bounds of a connection, as csrc/http2/http2.h has them."""

    message: int
    streams: int
    headers: int
    window: int = 256 << 10
    idle: int = 10_000


class Connection(asyncio.BufferedProtocol):
    """One connection.

    Args:
        server: whose it is.
    """

    def __init__(self, server: NativeServer) -> None:
        self._server = server
        self.limits = server.limits
        self.inflating = server.inflating
        self.loop = server.loop
        self.peer = ""
        self.auth_context: dict[str, list[bytes]] = {}
        self.calls: dict[int, Call] = {}
        self._h2 = _http2.Connection(server.room, *server.limits)
        self._transport: Any = None
        self._flushing = self._paused = self._lost = self._closing = False
        self._bytes = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._waiting: list[Event] | None = None

    # ---- the transport -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """A peer has connected; its certificate was verified, where there is one."""
        self._transport = transport
        self.peer = peer_name(transport.get_extra_info("peername"))
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            ended = _is_over(tls)
            if ended:
                _audit.warning("denied: a certificate that has ended", extra={"reason": "HANDSHAKE", "peer": self.peer})
            if ended or tls.selected_alpn_protocol() != "h2":
                transport.abort()
                return
            self.auth_context = auth_context(tls)
        self._server.connections.add(self)
        self._timers.append(self.loop.call_later(_BEGIN_S, self._must_have_begun))
        if self._server.age is not None:
            self._timers.append(self.loop.call_later(self._server.next_age(), self._aged))
        self._flush_soon()
        if self._server.is_stopping:
            self.drain()

    def _must_have_begun(self) -> None:
        if self._bytes < _PREFACE:
            self._transport.abort()

    def _aged(self) -> None:
        self.drain()
        self._timers.append(self.loop.call_later(self._server.age_grace, self.abort))

    def connection_lost(self, error: Exception | None) -> None:
        """The peer has gone."""
        self._lost = True
        for timer in self._timers:
            timer.cancel()
        calls, self.calls = self.calls, {}
        for call in calls.values():
            call.closed(_CANCEL)
        self._server.forget(self)

    def eof_received(self) -> None:
        """The peer sends no more: its calls are given up, as gRPC does."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self._server.view

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        self._bytes += nbytes
        events = self._h2.receive(self._server.buffer, nbytes)
        if events is not None:
            self._take(events)
        self._flush_soon()

    def pause_writing(self) -> None:
        """The peer reads slowly: what it was given waits, each answer at its call."""
        self._paused = True

    def resume_writing(self) -> None:
        """The peer has read."""
        self._paused = False
        self._flush_soon()

    # ---- out ---------------------------------------------------------------------------------------------------------

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._lost:
            return
        h2, transport = self._h2, self._transport
        while not self._paused:
            data = h2.collect(_AT_ONCE)
            if data is None:
                break
            transport.write(data)
        events = h2.events()
        if events is not None:
            self._left(events)
        if h2.done:
            self._end()
        elif self._paused and h2.queued > _MOST_QUEUED:
            transport.abort()

    def _end(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._transport.close()
        self._timers.append(self.loop.call_later(_LAST_BYTES_S, self._transport.abort))

    def respond(
        self, stream: int, head: bytes | None, body: bytes | None, tail: bytes | None, watched: bool = False
    ) -> bool:
        """A part of an answer; False where the stream is gone."""
        found: bool = self._h2.respond(stream, head, body, tail, watched)
        if not found and stream in self.calls:  # what cannot be sent, such as too many fields
            self._h2.reset(stream, _INTERNAL_ERROR)
        if not self._flushing:
            self._flushing = True
            self.loop.call_soon(self._flush)
        return found

    def reset(self, stream: int) -> None:
        """Ends a call of which the peer lets nothing through."""
        self._h2.reset(stream, _CANCEL)
        self._flush_soon()

    def turned_away(self) -> None:
        """A call has ended because there are too many others."""
        self._server.gather_soon()

    def taken(self, stream: int, nbytes: int) -> None:
        """A message was taken: the peer may send more."""
        self._h2.taken(stream, nbytes)
        self._flush_soon()

    # ---- in ----------------------------------------------------------------------------------------------------------

    def _take(self, events: list[Event]) -> None:
        """Calls begin as many as `_CALLS_AT_ONCE` in a turn of the loop, so that those before them can be answered, and
        other connections' too: what comes after them waits, and the peer with it."""
        if self._waiting is not None:
            self._waiting.extend(events)
            return
        begun = 0
        for at, event in enumerate(events):
            begun += event[0] & _CALL
            if begun > _CALLS_AT_ONCE * _CALL:
                self._waiting = events[at:]
                self._transport.pause_reading()
                self.loop.call_soon(self._go_on)
                return
            self._take_one(*event)

    def _left(self, events: list[Event]) -> None:
        """What writing has brought: of calls that have begun, it need not wait for those that have not."""
        if self._waiting is None:
            self._take(events)
            return
        for event in events:
            if event[1] in self.calls:
                self._take_one(*event)
            else:
                self._waiting.append(event)

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, None
        if self._lost or waiting is None:
            return
        self._take(waiting)
        if self._waiting is None:
            self._transport.resume_reading()
        self._flush_soon()

    def _take_one(
        self, flags: int, stream: int, code: int, timeout: int, head: bytes | None, message: bytes | None
    ) -> None:
        calls = self.calls
        if flags & _CALL:
            assert head is not None
            call = self._begin(flags, stream, timeout, head)
        else:
            call = calls.get(stream)
        if call is not None:
            if flags & (_MESSAGE | _END):
                if flags & _CUT:
                    call.refuse(grpc.StatusCode.INTERNAL, "the requests end inside of a message")
                else:
                    call.arrived(message, bool(flags & _SQUEEZED), bool(flags & _END))
            if flags & _SENT:
                call.sent()
            if flags & _ODD:
                call.refuse(grpc.StatusCode.INTERNAL, f"a message begins with the byte {code}, wanted 0 or 1")
            if flags & (_LARGE | _FULL):
                self._too_much(call, flags, code)
            if flags & _CALL:
                call.mind_deadline()
        if flags & _CLOSED:
            call = calls.pop(stream, None)
            if call is not None:
                call.closed(code)
        if flags & _PONG:
            self._goaway()

    def _begin(self, flags: int, stream: int, timeout: int, raw: bytes) -> Call | None:
        """A call, unless its head is no head of one."""
        server = self._server
        if flags & _HEADERS:
            self._refuse(stream, grpc.StatusCode.RESOURCE_EXHAUSTED, "received metadata size exceeds the limit")
            return None
        try:
            head = server.heads.read(raw)
        except HeadError as error:
            if error.http:
                self._h2.refuse_http(stream, error.http)
            else:
                self._refuse(stream, grpc.StatusCode.INTERNAL, str(error))
            return None
        if timeout == -2:
            self._refuse(stream, grpc.StatusCode.INTERNAL, "grpc-timeout cannot be read")
            return None
        if timeout == 0:
            self._refuse(stream, grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
            return None
        if head.encoding != "identity" and head.encoding not in ENCODINGS:
            self._refuse(stream, grpc.StatusCode.UNIMPLEMENTED, f"grpc-encoding {head.encoding[:32]} is not known here")
            return None
        call = self.calls[stream] = Call(self, stream, head, timeout)
        server.begin(call, head)
        return call

    def _refuse(self, stream: int, code: grpc.StatusCode, words: str) -> None:
        self._h2.respond(stream, HEAD, None, status_tail(code.value[0], words))

    def _too_much(self, call: Call, flags: int, size: int) -> None:
        if flags & _LARGE:
            words = f"Received message larger than max ({size} vs. {self.limits.message})"
            call.refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
            return
        server = self._server
        failure = to_failure(OverloadedError("bytes", server.room.held, size, server.unfinished, _RETRY_S), "")
        call.refuse(failure.code, failure.message, tuple(failure.trailing_metadata))

    def complain(self, words: str, error: BaseException) -> None:
        """A line in the log."""
        _log.error("%s: %s", words, error, exc_info=error)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Tells the peer to begin no more calls; takes those that are on their way, and closes after the last."""
        if not self._lost:
            self._h2.notice()
            self._timers.append(self.loop.call_later(_NOTICE_S, self._goaway))
            self._flush_soon()

    def _goaway(self) -> None:
        if not self._lost:
            self._h2.goaway(_NO_ERROR)
            self._flush_soon()

    def abort(self) -> None:
        """Ends what is in flight, and the connection."""
        if self._lost:
            return
        for call in list(self.calls.values()):
            call.refuse(grpc.StatusCode.CANCELLED, "the service is shutting down")
        self._goaway()
        self._flush()
        if not self._lost:
            self._end()


def _is_over(tls: Any) -> bool:
    """Whether a certificate has ended since it was verified: a session that is resumed verifies nothing again."""
    until = (tls.getpeercert() or {}).get("notAfter")
    return until is not None and ssl.cert_time_to_seconds(until) < time.time()


def auth_context(tls: Any) -> dict[str, list[bytes]]:
    """The names of a verified certificate, by the names that gRPC gives them."""
    found: dict[str, list[bytes]] = {"transport_security_type": [b"ssl"]}
    certificate = tls.getpeercert() or {}
    for row in certificate.get("subject", ()):
        for key, value in row:
            if key == "commonName":
                found.setdefault("x509_common_name", [value.encode()])  # the first, as gRPC has it
    names = {"DNS": "peer_dns", "URI": "peer_uri", "email": "peer_email", "IP Address": "peer_ip"}
    for kind, value in certificate.get("subjectAltName", ()):
        if kind in names:
            found.setdefault(names[kind], []).append(value.encode())
            found.setdefault("x509_subject_alternative_name", []).append(value.encode())
    return found
