"""One caller of the same-host lane (:mod:`pycore.service.lane`)."""

from __future__ import annotations

import array
import asyncio
import contextlib
import contextvars
import functools
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias

import grpc

from pycore.service.lane_context import LaneContext, aborted, refusal, refused, words_of
from pycore.service.lane_memory import ROOM_FOR_DESCRIPTORS, Region, descriptors, memfd_with, taken_back, unread, unsent
from pycore.service.lane_threads import Rest, Threads
from pycore.service.stream import PARSE_HERE_BYTES
from pycore.wire.errors import plain_failure, to_failure
from pycore.wire.frames import (
    INLINE,
    MOST_PACKET,
    Call,
    FrameError,
    VersionError,
    read_call,
    write_answer,
)

__all__ = ["HEALTH_CHECK", "Behaviour", "Connection"]

Behaviour: TypeAlias = Callable[[bytes, Any], Awaitable[bytes]]
Ancillary: TypeAlias = "list[tuple[int, int, bytes]]"
Outcome: TypeAlias = "Rest | tuple[int, bytes]"

_log = logging.getLogger("pycore.service")
_READ_ON_LOOP = 1 << 20  # bytes: copied in well under a millisecond
_SHORT = frozenset({"HashBatch", "VerifySignatures"})
HEALTH_CHECK = "Check"
"""The method of grpc.health.v1, which is always answered."""


class Home(Protocol):
    """The lane, as its connections see it."""

    behaviours: Mapping[str, Behaviour]
    max_message_bytes: int
    max_unread_bytes: int
    clock: Callable[[], float]
    draining: bool
    unread: int
    threads: Threads | None

    def complain(self, words: str, uid: int) -> None:
        """Logs what a caller did wrong."""
        ...

    def forget(self, connection: Connection) -> None:
        """A connection was closed."""
        ...

    def let_go(self, fds: list[int], uid: int) -> None:
        """Closes descriptors that came from a caller. Called on the loop."""
        ...

    def is_free(self) -> bool:
        """Whether a call may be done at once. Any thread may ask."""
        ...

    def begin_here(self) -> bool:
        """Counts a call on a thread; :meth:`end_here` must follow. False where none may begin."""
        ...

    def end_here(self) -> None:
        """It has ended, or goes on on the loop."""
        ...


class Connection:
    """One caller. Its calls come either to the event loop or to a thread of the lane, never to both at once.

    A thread takes a call that it may be able to do at once, and everything else to the loop, as it came. From there the
    connection comes back to the threads after a call that they might have done.
    """

    def __init__(self, lane: Home, sock: socket.socket, uid: int) -> None:
        self._lane = lane
        self._socket = sock
        self.uid = uid
        self._region: Region | None = None
        self._task: asyncio.Task[None] | None = None
        self._call: LaneContext | None = None  # the last; where it was answered it may have to be tidied up after
        self._unread = 0  # bytes of an answer outside of its packet
        self._memory: int | None = None  # where these are, until the next call
        self._closed = False
        self._sending = threading.Lock()
        self._on_thread = False
        self._awaited = lane.threads is not None  # the next packet is a thread's
        self._last: tuple[bytes, Call | None] = (b"", None)  # a packet about this region, and what it says
        self._too_early = False  # the next call came before the answer
        self._loop = asyncio.get_running_loop()
        self._listens = False
        if lane.threads is not None:
            lane.threads.add(self)
        else:
            self._listen(True)

    def fileno(self) -> int:
        """The descriptor of the socket; -1 once it is closed."""
        return self._socket.fileno()

    @property
    def busy(self) -> asyncio.Task[None] | None:
        """The call that is being answered."""
        return self._task

    def close(self, *, drained: bool = False) -> None:
        """Ends it, and the call that it has open. `drained`: the caller may not have read the last answer yet."""
        if self._closed:
            return
        self._listen(False)
        with self._sending:  # no other thread may use the number when it is another file's
            self._closed = True
            if self._lane.threads is not None:
                self._lane.threads.remove(self)
            if not self._on_thread:  # else it closes it
                self._socket.close()
        if self._region is not None:
            self._region.close()
        if drained and self._memory is not None:
            os.close(self._memory)
            self._memory = None
        self._take_back()
        self._lane.forget(self)
        if self._task is not None:
            self._task.cancel()
        self.stop_here()

    def stop_here(self) -> None:
        """Stops the call that is on a thread."""
        if self._call is not None:
            self._call.stop()

    def _readable(self) -> None:
        answered = self._call is not None and self._call.answered
        if self._task is not None and answered and self._lane.threads is not None:
            self._listen(False)  # where the next call is read is decided when this one is done
            return
        try:
            packet, ancillary, flags, _ = self._socket.recvmsg(
                MOST_PACKET, ROOM_FOR_DESCRIPTORS, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        self._came(packet, ancillary, flags)

    def _came(self, packet: bytes, ancillary: Ancillary, flags: int) -> None:
        """Something was read."""
        fds = descriptors(ancillary) if ancillary else []
        try:
            if self._closed:
                return
            self._listen(True)
            if not packet:  # the caller has gone
                raise ConnectionResetError
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise FrameError(f"packet: wanted at most {MOST_PACKET} bytes and one descriptor")
            self._take(packet, fds)
        except ConnectionResetError:
            self.close()
        except FrameError as error:
            self._violated(error)
        finally:
            self._lane.let_go(fds, self.uid)

    def _take(self, packet: bytes, fds: list[int]) -> None:
        """A packet; of its descriptors those that are kept are taken out of the list."""
        before = self._task
        if before is not None and not (self._call is not None and self._call.answered):
            raise FrameError("packet: the call before it has no answer yet")
        if self._unread:
            if unsent(self._socket):
                raise FrameError("packet: the answer before it was not taken")
            self._take_back()
        call = read_call(packet)
        if len(fds) != int(call.region):
            raise FrameError(f"descriptors: got {len(fds)}, wanted {int(call.region)}")
        if call.region:
            region = Region(fds[0])
            fds.clear()
            if self._region is not None:
                self._region.close()
            self._region = region
            self._last = b"", None
        if call.body is None and (self._region is None or call.begin + call.length > self._region.size):
            raise FrameError("body: it is not in the region")
        self._call = LaneContext(call, self.uid, self._lane.clock, self._deliver)
        self._task = self._loop.create_task(self._answer(call, self._call, before))
        self._task.add_done_callback(functools.partial(self._done, call))

    def _take_back(self) -> None:
        """The memory of the last answer has been read, or nobody will."""
        self._lane.unread -= self._unread
        self._unread = 0
        if self._memory is not None:
            taken_back(self._memory)
            self._memory = None

    def _done(self, call: Call, task: asyncio.Task[None]) -> None:
        if self._task is not task:
            return
        self._task = None
        threads = self._lane.threads
        if self._closed:
            return
        if threads is not None and _for_threads(call) and self._lane.is_free():
            self._listen(False)
            with self._sending:
                self._wait_for_thread()
        else:
            self._listen(True)

    def _listen(self, wanted: bool) -> None:
        """Whether packets come to the loop."""
        if wanted and not self._listens:
            self._loop.add_reader(self._socket.fileno(), self._readable)
        elif self._listens and not wanted:
            self._loop.remove_reader(self._socket.fileno())
        self._listens = wanted

    def _violated(self, error: FrameError) -> None:
        """A caller that breaks the rules is told, and left."""
        code = grpc.StatusCode.UNIMPLEMENTED if isinstance(error, VersionError) else grpc.StatusCode.INVALID_ARGUMENT
        self._lane.complain(str(error), self.uid)
        with contextlib.suppress(OSError):
            self._send(refusal(plain_failure(code, f"lane: {error}")))
        self.close()

    async def _answer(
        self, call: Call, context: LaneContext, before: asyncio.Task[None] | None, outcome: Outcome | None = None
    ) -> None:
        """Serves a call. `outcome`: its status and body, or what they come from, where it was begun already."""
        if before is not None:
            await asyncio.wait((before,))  # it gives back what its caller may have only so much of
        try:
            await self._answered(call, context, outcome)
        finally:
            context.end()

    async def _answered(self, call: Call, context: LaneContext, outcome: Outcome | None) -> None:
        """The call is served, and its answer sent where it was not yet."""
        seconds = call.timeout * 1e-6
        late = self._loop.call_later(seconds, self._expire, asyncio.current_task(), context) if seconds else None
        try:
            status, body = outcome if isinstance(outcome, tuple) else await self._outcome(call, context, outcome)
        except asyncio.CancelledError:
            if self._closed or context.answered:
                raise
            if context.expired:
                status, body = refused(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed")
            else:
                status, body = refused(grpc.StatusCode.CANCELLED, "the service is shutting down")
        except FrameError as error:
            self._violated(error)
            return
        except Exception as error:
            status, body = to_failure(error, call.method).as_answer()
        finally:
            if late is not None:
                late.cancel()
        if context.answered:
            return
        try:
            await self._reply(context, status, body)
        except (OSError, ValueError) as error:
            self._lane.complain(f"an answer could not be sent: {error}", self.uid)
            self.close()

    def _deliver(self, context: LaneContext, body: bytes) -> None:
        """Sends an answer from a worker, where it fits into a packet. A caller who has gone is seen by the loop."""
        if len(body) <= INLINE:
            with contextlib.suppress(OSError):
                self._finish(context, write_answer(0, words_of(context.trailing), body))

    def _expire(self, task: asyncio.Task[Any] | None, context: LaneContext) -> None:
        context.expired = True
        if task is not None:
            task.cancel()

    async def _outcome(self, call: Call, context: LaneContext, rest: Rest | None) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        lane = self._lane
        if rest is not None:
            try:
                return 0, await rest
            except grpc.aio.AbortError:
                return aborted(context)
        behaviour = lane.behaviours.get(call.method)
        if behaviour is None:
            return refused(grpc.StatusCode.UNIMPLEMENTED, f"the lane has no {call.method}: it takes single requests")
        if lane.draining and call.method != HEALTH_CHECK:
            return refused(grpc.StatusCode.UNAVAILABLE, "the service is shutting down")
        if call.length > lane.max_message_bytes:
            words = f"request of {call.length} bytes, at most {lane.max_message_bytes} are taken"
            return refused(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
        body = call.body
        if body is None:
            assert self._region is not None
            if call.length <= _READ_ON_LOOP:
                body = self._region.read(call.begin, call.length)
            else:
                body = await asyncio.to_thread(self._region.read, call.begin, call.length)
        try:
            return 0, await behaviour(body, context)
        except grpc.aio.AbortError:
            return aborted(context)

    async def _reply(self, context: LaneContext, status: int, body: bytes) -> None:
        """OSError where the caller takes no answers."""
        metadata = words_of(context.trailing)
        if len(body) <= INLINE:
            self._finish(context, write_answer(status, metadata, body))
            return
        if self._closed:
            return
        if self._lane.unread + len(body) > self._lane.max_unread_bytes:
            words = f"{self._lane.unread} bytes of answers were not taken yet"
            self._finish(context, refusal(plain_failure(grpc.StatusCode.RESOURCE_EXHAUSTED, words)))
            return
        self._unread = len(body)
        self._lane.unread += self._unread
        making = self._loop.run_in_executor(None, memfd_with, body)
        try:
            fd = await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_close_made)
            raise
        if self._socket.fileno() < 0:  # closed in the meantime
            os.close(fd)
            return
        self._memory = fd
        self._finish(context, write_answer(status, metadata, None, len(body)), fd)

    def _finish(self, context: LaneContext, packet: bytes, *fds: int) -> None:
        """Sends the answer of a call, once; from here on the next call may come."""
        with self._sending:
            if self._closed or context.answered:
                return
            if self._on_thread and unread(self._socket):
                self._too_early = True
                return
            context.answered = True
            self._send(packet, *fds)

    # ---- on a thread of the lane -------------------------------------------------------------------------------------

    def on_thread(self) -> None:
        """Reads a packet, and answers it where that can be done at once."""
        if not self._begins():
            return
        stays = False
        try:
            stays = self._took()
        except Exception:
            _log.exception("lane: a connection failed")
            self._then(self.close)
        finally:
            with self._sending:
                self._on_thread = False
                if self._closed:
                    self._socket.close()
                elif stays or self._awaited:
                    self._wait_for_thread()

    def _begins(self) -> bool:
        """False where it is not for this thread: another one has not let go of it yet and will look again, or the
        number of its socket was another connection's when the thread was woken."""
        with self._sending:
            begins = self._awaited and not self._closed and not self._on_thread
            if begins:
                self._on_thread, self._awaited = True, False
        return begins

    def _wait_for_thread(self) -> None:
        """The next packet comes to a thread. Called with `_sending` held."""
        if self._lane.threads is not None:
            self._awaited = True
            self._lane.threads.wait_for(self)

    def _then(self, function: Callable[..., None], *arguments: Any) -> bool:
        """Goes on on the loop. False: no more on this thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(function, *arguments)
        return False

    def _took(self) -> bool:
        """Whether the connection goes on waiting for a thread; else it is the loop's."""
        try:
            packet, ancillary, flags, _ = self._socket.recvmsg(
                MOST_PACKET, ROOM_FOR_DESCRIPTORS, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return self._then(self.close)
        call = self._short_call(packet, ancillary, flags)
        if call is None or not self._lane.begin_here():
            return self._then(self._came, packet, ancillary, flags)
        try:
            return self._serve(call)
        finally:
            self._lane.end_here()

    def _short_call(self, packet: bytes, ancillary: Ancillary, flags: int) -> Call | None:
        """A call that might be done at once; None for whatever is not one, and for what breaks a rule."""
        if not packet or ancillary or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or self._unread:
            return None
        if not self._lane.is_free():
            return None
        if packet == self._last[0]:  # callers say the same again and again
            return self._last[1]
        try:
            call = read_call(packet)
        except FrameError:
            return None
        if call.region or not _for_threads(call) or call.length > self._lane.max_message_bytes:
            return None
        if call.body is None:
            if self._region is None or call.begin + call.length > self._region.size:
                return None
            self._last = packet, call
        return call

    def _serve(self, call: Call) -> bool:
        context = self._call = LaneContext(call, self.uid, self._lane.clock, self._deliver, on_thread=True)
        body, region = call.body, self._region
        try:
            if body is None:
                assert region is not None
                body = region.read(call.begin, call.length)
        except FrameError as error:
            return self._then(self._violated, error)
        coroutine: Any = self._lane.behaviours[call.method](body, context)
        kept = contextvars.copy_context()
        status = 0
        try:
            kept.run(coroutine.send, None)
            context.begun = None
            return self._then(self._go_on, call, context, Rest(coroutine, kept))
        except StopIteration as end:
            body = end.value
        except asyncio.CancelledError:
            status, body = refused(grpc.StatusCode.CANCELLED, "the service is shutting down")
        except grpc.aio.AbortError:
            status, body = aborted(context)
        except Exception as error:
            status, body = to_failure(error, call.method).as_answer()
        if not context.answered and len(body) > INLINE:
            return self._then(self._go_on, call, context, (status, body))
        try:
            if not context.answered:
                self._finish(context, write_answer(status, words_of(context.trailing), body))
        except OSError as error:
            self._lane.complain(f"an answer could not be sent: {error}", self.uid)
            self._then(self.close)
        context.end()
        if self._too_early:
            return self._then(self._came_too_early)
        return True

    def _came_too_early(self) -> None:
        """On the loop: a call came before the answer to the one before it."""
        if self._closed:
            return
        with contextlib.suppress(OSError):  # what is left unread would take the caller its refusal
            _, ancillary, _, _ = self._socket.recvmsg(1, ROOM_FOR_DESCRIPTORS, socket.MSG_DONTWAIT)
            self._lane.let_go(descriptors(ancillary), self.uid)
        self._violated(FrameError("packet: the call before it has no answer yet"))

    def _go_on(self, call: Call, context: LaneContext, outcome: Outcome) -> None:
        """On the loop: what a thread has begun."""
        if self._closed:
            if isinstance(outcome, Rest):
                outcome.close()
            context.end()
            return
        self._listen(True)
        answer = self._answer(call, context, None, outcome)
        if isinstance(outcome, Rest):
            create: Any = self._loop.create_task  # type checkers know the one of Python 3.10
            self._task = create(answer, context=outcome.context)
            self._task.add_done_callback(lambda _: outcome.close())  # it may have been cancelled before it began
        else:
            self._task = self._loop.create_task(answer)
        self._task.add_done_callback(lambda _: context.end())  # likewise
        self._task.add_done_callback(functools.partial(self._done, call))

    def _send(self, packet: bytes, *fds: int) -> None:
        """OSError where the caller takes no answers."""
        if not fds:
            self._socket.send(packet, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            return
        with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self._socket.sendmsg([packet], with_it, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _close_made(making: asyncio.Future[int]) -> None:
    """Closes what was made for a caller who has gone."""
    if not making.cancelled() and making.exception() is None:
        os.close(making.result())


def _for_threads(call: Call) -> bool:
    """Whether calls of this kind and size are short."""
    return call.method in _SHORT and call.length <= PARSE_HERE_BYTES
