"""A call of the front end, which is also the context that its handler sees: what `grpc.aio.ServicerContext` has.

A call begins with its head (`Call.__init__`), is run as a task once its first message is there (or at once, where it
may have several), and is over when the extension says that its stream is closed: then everything has left, or the peer
has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import grpc

from pycore.service.front.bodies import ENCODINGS, BodyError, inflated
from pycore.service.front.fields import HEAD, OK_TAIL, Head, Metadata, pack, status_tail

if TYPE_CHECKING:
    from pycore.service.front.connection import Connection

__all__ = ["Call", "Method"]

_AIO: Any = grpc.aio  # its stubs know no EOF

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_OK = grpc.StatusCode.OK
_NEVER_NS = 1 << 60  # 36 years
_SMALL = 1 << 16  # bytes of messages that are never counted by the room


class Method:
    """A handler, taken apart once, and its door."""

    __slots__ = ("behaviour", "door", "many_answers", "many_requests", "read", "write")

    def __init__(self, handler: Any, door: Callable[[Any], bool] | None = None) -> None:
        self.door = door
        self.many_requests: bool = handler.request_streaming
        self.many_answers: bool = handler.response_streaming
        kind = ("stream_" if self.many_requests else "unary_") + ("stream" if self.many_answers else "unary")
        self.behaviour: Any = getattr(handler, kind)
        self.read: Callable[[bytes], Any] | None = handler.request_deserializer
        self.write: Callable[[Any], bytes] | None = handler.response_serializer


class RefusedCallError(Exception):
    """A call that ends with a status before, or instead of, its handler."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.code = code


class Call:
    """One call. Everything happens on the event loop.

    Args:
        connection: where it came from.
        stream: its number there.
        head: its header list.
        timeout: nanoseconds that it has; negative for no limit.
    """

    __slots__ = (
        "_begun", "_callbacks", "_code", "_connection", "_deadline", "_details", "_ended", "_finished", "_gone",
        "_head", "_initial", "_messages", "_method", "_sent", "_stream", "_task", "_timer", "_trailing", "_waiter",
    )  # fmt: skip

    def __init__(self, connection: Connection, stream: int, head: Head, timeout: int) -> None:
        self._connection = connection
        self._stream = stream
        self._head = head
        self._method: Method | None = None
        self._messages: deque[tuple[bytes, bool]] | None = None
        self._ended = self._begun = self._finished = self._gone = False
        self._trailing: Metadata = ()
        self._initial: Metadata = ()
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._callbacks: list[Callable[[Any], None]] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sent: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = connection.loop.time() + timeout * 1e-9 if 0 <= timeout < _NEVER_NS else None

    # ---- what the connection tells -----------------------------------------------------------------------------------

    def mind_deadline(self) -> None:
        """Ends the call at its deadline. Not done where it has ended by then: a timer for each would cost them much."""
        if self._deadline is not None and not self._finished:
            self._timer = self._connection.loop.call_at(self._deadline, self._expire)

    def arrived(self, message: bytes | None, squeezed: bool, ended: bool) -> None:
        """A message, the end of the requests, or both."""
        if self._finished:
            return
        method = self._method
        if ended:
            self._ended = True
        if method is None:  # interceptors look for it
            if message is not None:
                self._messages = self._messages or deque()
                self._messages.append((message, squeezed))
            return
        if not method.many_requests and self._task is None:
            messages = self._messages
            if message is not None and messages is None and ended:  # all of a call at once
                self._begin(message, squeezed)
                return
            if message is not None:
                if messages is None:
                    self._messages = messages = deque()
                messages.append((message, squeezed))
            if ended or (messages is not None and len(messages) > 1):
                self._complete(messages)
            return
        if message is not None:
            if self._messages is None:
                self._messages = deque()
            self._messages.append((message, squeezed))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _complete(self, messages: deque[tuple[bytes, bool]] | None) -> None:
        """A call of one request, whose messages did not come all at once."""
        if messages is None or len(messages) != 1:
            words = "no message" if messages is None else "several messages"
            self.refuse(grpc.StatusCode.UNIMPLEMENTED, f"a call of one request has {words}")
            return
        self._begin(*messages.popleft())

    def _begin(self, message: bytes, squeezed: bool) -> None:
        """The one request is here, and so is its end. Until now the room has counted it; what counts it from here on is
        whatever the handler is behind."""
        if len(message) > _SMALL:
            self._connection.taken(self._stream, len(message))
        method = self._method
        assert method is not None
        if method.door is None or not method.door(self):
            self._run(self._single(message, squeezed))
        else:
            self._connection.turned_away()

    def look_up(self, find: Callable[[Call, Head], Awaitable[None]]) -> None:
        """Has something done that ends with :meth:`start`, or with a status."""
        self._run(self._looking(find))

    async def _looking(self, find: Callable[[Call, Head], Awaitable[None]]) -> None:
        try:
            await find(self, self._head)
        except BaseException as error:
            self._failed(error)

    def start(self, method: Method) -> None:
        """The method is known: a call of many requests begins now."""
        self._task = None
        if self._finished:
            return
        self._method = method
        if method.many_requests:
            self._run(self._many())
        elif self._ended or (self._messages is not None and len(self._messages) > 1):
            self._complete(self._messages)

    def closed(self, code: int) -> None:
        """The stream is gone: everything has left, or nobody waits any more."""
        self._gone = True
        if not self._finished:
            self._finished = True
            self._code = grpc.StatusCode.CANCELLED
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._task.add_done_callback(self._call_back)
        else:
            self._call_back()

    def sent(self) -> None:
        """All messages that were given have left."""
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(None)

    def _call_back(self, _: object = None) -> None:
        callbacks, self._callbacks = self._callbacks, None
        for one in callbacks or ():
            self._tell(one)

    def _tell(self, callback: Callable[[Any], None]) -> None:
        try:
            callback(self)
        except Exception as error:
            self._connection.complain("a callback of a call failed", error)

    def refuse(self, code: grpc.StatusCode, words: str, metadata: Metadata = ()) -> None:
        """Ends the call with a status, whatever its handler does."""
        if self._finished:
            return
        self._code, self._details = code, words
        try:
            packed = pack(metadata)
        except ValueError as error:  # the status matters more
            self._connection.complain("metadata of a call", error)
            packed = b""
        self._finish(None, status_tail(code.value[0], words) + packed)
        if self._task is not None and not self._task.done():
            self._task.cancel()

    def _expire(self) -> None:
        """No time is left: the handler ends, and so does an answer that the peer has not let through."""
        self._timer = None
        unread = self._finished or (self._sent is not None and not self._sent.done())
        self.refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        if unread:
            self._connection.reset(self._stream)

    # ---- the handler -------------------------------------------------------------------------------------------------

    def _run(self, coroutine: Any) -> None:
        self._task = self._connection.loop.create_task(coroutine)

    async def _request(self, message: bytes, squeezed: bool) -> Any:
        method = self._method
        assert method is not None
        if squeezed:
            message = await self._inflated(message)
        if method.read is None:
            return message
        try:
            return method.read(message)
        except Exception as error:
            words = f"Exception deserializing request: {error}"
            raise RefusedCallError(grpc.StatusCode.INTERNAL, words) from error

    async def _inflated(self, message: bytes) -> bytes:
        encoding = self._head.encoding
        if encoding not in ENCODINGS:
            raise RefusedCallError(
                grpc.StatusCode.INTERNAL, f"a message is compressed, and grpc-encoding is {encoding[:32]}"
            )
        try:
            async with self._connection.inflating:
                return await inflated(message, encoding, self._connection.limits.message)
        except BodyError as error:
            code = grpc.StatusCode.RESOURCE_EXHAUSTED if error.large else grpc.StatusCode.INTERNAL
            raise RefusedCallError(code, str(error)) from None

    async def _single(self, message: bytes, squeezed: bool) -> None:
        """One request."""
        method = self._method
        assert method is not None
        try:
            if squeezed or method.read is not None:
                message = await self._request(message, squeezed)
            if method.many_answers:
                await self._answers(method.behaviour(message, self))
            else:
                self._answer(await method.behaviour(message, self))
        except BaseException as error:
            self._failed(error)

    async def _many(self) -> None:
        """Requests as they come."""
        method = self._method
        assert method is not None
        requests = _Requests(self)
        try:
            if method.many_answers:
                await self._answers(method.behaviour(requests, self))
            else:
                self._answer(await method.behaviour(requests, self))
        except BaseException as error:
            self._failed(error)

    def _answer(self, answer: Any) -> None:
        """The one answer of a call."""
        if self._finished:
            return
        method = self._method
        assert method is not None
        body: bytes = answer if method.write is None else method.write(answer)
        if self._code is None or self._code is _OK:
            tail = OK_TAIL if not self._trailing else OK_TAIL + pack(self._trailing)
        else:
            tail = status_tail(self._code.value[0], self._details) + pack(self._trailing)
        self._finish(body, tail)

    async def _answers(self, answers: Any) -> None:
        if hasattr(answers, "__aiter__"):
            async with contextlib.aclosing(answers):
                async for one in answers:
                    await self.write(one)
        else:
            await answers
        if not self._finished:
            code = self._code or _OK
            self._finish(None, status_tail(code.value[0], self._details) + pack(self._trailing))

    def _finish(self, body: bytes | None, tail: bytes) -> None:
        self._finished = True
        head = None if self._begun else self._head_bytes()
        self._begun = True
        self._connection.respond(self._stream, head, body, tail)

    def _head_bytes(self) -> bytes:
        return HEAD if not self._initial else HEAD + pack(self._initial)

    def _failed(self, error: BaseException) -> None:
        """Ends a call with the status for an exception of its handler."""
        if self._finished:
            if not isinstance(error, (Exception, asyncio.CancelledError)):
                raise error
            return
        if isinstance(error, grpc.aio.AbortError):
            code = self._code or grpc.StatusCode.UNKNOWN
            self.refuse(code, self._details, self._trailing)
        elif isinstance(error, RefusedCallError):
            self.refuse(error.code, str(error))
        elif isinstance(error, asyncio.CancelledError):
            self.refuse(grpc.StatusCode.CANCELLED, "the call was called off")
        else:
            self._connection.complain("a handler failed", error)
            code = self._code if self._code not in (None, _OK) else grpc.StatusCode.UNKNOWN
            self.refuse(code, self._details or f"Unexpected {type(error)}: {error}", self._trailing)
            if not isinstance(error, Exception):
                raise error

    async def next(self) -> Any:
        """The next request; StopAsyncIteration after the last."""
        while not self._messages:
            if self._gone or self._finished:
                raise asyncio.CancelledError
            if self._ended:
                raise StopAsyncIteration
            self._waiter = self._connection.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message, squeezed = self._messages.popleft()
        self._connection.taken(self._stream, len(message))
        method = self._method
        assert method is not None
        if squeezed or method.read is not None:
            return await self._request(message, squeezed)
        return message

    # ---- the context -------------------------------------------------------------------------------------------------

    async def read(self) -> Any:
        """The next request, or `grpc.aio.EOF`."""
        try:
            return await self.next()
        except StopAsyncIteration:
            return _AIO.EOF

    async def write(self, answer: Any) -> None:
        """Sends an answer, and waits until the peer has let it through."""
        if self._finished:
            raise asyncio.CancelledError
        method = self._method
        assert method is not None
        body: bytes = answer if method.write is None else method.write(answer)
        head = None if self._begun else self._head_bytes()
        self._begun = True
        self._sent = self._connection.loop.create_future()
        if not self._connection.respond(self._stream, head, body, None, True):
            raise asyncio.CancelledError
        await self._sent

    async def send_initial_metadata(self, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Sends the first headers before there is an answer."""
        if self._begun:
            raise grpc.aio.UsageError("initial metadata were sent already")
        self._initial = tuple(metadata)
        head = self._head_bytes()  # ValueError before anything has begun
        self._begun = True
        self._connection.respond(self._stream, head, None, None)

    def set_trailing_metadata(self, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Sets the metadata of the end."""
        self._trailing = tuple(metadata)

    def trailing_metadata(self) -> Metadata:
        """The metadata of the end, as they were set."""
        return self._trailing

    def invocation_metadata(self) -> Metadata:
        """The metadata that came with the call."""
        return self._head.metadata

    def peer(self) -> str:
        """The address of the caller, as gRPC writes it."""
        return self._connection.peer

    def auth_context(self) -> dict[str, list[bytes]]:
        """Who the caller's certificate says that it is."""
        return self._connection.auth_context

    def peer_identities(self) -> list[bytes] | None:
        """The values of the identity of :meth:`auth_context`; None without a certificate."""
        key = self.peer_identity_key()
        return None if key is None else self.auth_context().get(key)

    def peer_identity_key(self) -> str | None:
        """The name of the identity: subject alternative names before the common name."""
        return next(
            (key for key in ("x509_subject_alternative_name", "x509_common_name") if key in self.auth_context()), None
        )

    def time_remaining(self) -> float | None:
        """Seconds until the deadline; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - self._connection.loop.time())

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Iterable[tuple[str, str | bytes]] = ()
    ) -> None:
        """Ends the call with a status other than OK, by an exception."""
        if code is _OK:
            code, details = grpc.StatusCode.UNKNOWN, details
        self._code, self._details = code, details
        if trailing_metadata:
            self._trailing = tuple(trailing_metadata)
        raise grpc.aio.AbortError(details)

    async def abort_with_status(self, status: Any) -> None:
        """As :meth:`abort`."""
        await self.abort(status.code, status.details, status.trailing_metadata)

    def set_code(self, code: grpc.StatusCode | int) -> None:
        """Sets the status of the end."""
        self._code = _CODES[code] if isinstance(code, int) else code

    def set_details(self, details: str) -> None:
        """Sets the words of the status."""
        self._details = details

    def code(self) -> grpc.StatusCode | None:
        """The status, once there is one."""
        return self._code

    def details(self) -> str:
        """Its words."""
        return self._details

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Has something done when everything has left, or the peer has gone."""
        if self._gone:
            self._connection.loop.call_soon(callback, self)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def cancelled(self) -> bool:
        """Whether the peer has given the call up."""
        return self._code is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        """Whether there is nothing to do for it any more."""
        return self._finished

    def set_compression(self, compression: Any) -> None:
        """Answers are never compressed."""

    def disable_next_message_compression(self) -> None:
        """Answers are never compressed."""


class _Requests:
    """The requests of a call, in turn."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        return await self._call.next()
