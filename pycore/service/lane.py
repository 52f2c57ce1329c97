"""The same-host lane: calls of one request over a Unix socket, with the rows in memory that the caller shares.

    Lane(path, mode, ...)     binds the path and answers on the event loop; Linux only

docs/design/0023-same-host-lane.md says why it is so. A call goes through the handler that gRPC calls, so rights,
quotas, limits, joining, figures and errors are the same; only the way there is shorter. Who calls is known by the user
of the process that connected, as the kernel says, and by a token where the call has one.

Memory that a caller shares is read once, with `pread`, before anything looks at the bytes: writing to it afterwards
changes no answer, and cutting it off is an error of the call and no fault of this process. One call of a connection is
answered after the other; an answer that the caller has not taken is its last until it does. The memory of an answer is
the caller's until it sends the next call, or closes the connection.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import functools
import logging
import math
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from pycore.service.guard import ABOUT_CHAINS
from pycore.service.lane_memory import ROOM_FOR_DESCRIPTORS, Region, descriptors, memfd_with, taken_back, unsent
from pycore.wire.errors import DETAILS_KEY, Failure, plain_failure, to_failure
from pycore.wire.frames import (
    INLINE,
    MOST_PACKET,
    Call,
    FrameError,
    Metadata,
    VersionError,
    read_call,
    write_answer,
)

if TYPE_CHECKING:
    from pycore.service.config import ServiceConfig
    from pycore.service.handlers import Handlers
    from pycore.service.health import Health

__all__ = ["HEALTH_CHECK", "Lane", "LaneContext", "check_platform", "lane_of"]

Behaviour: TypeAlias = Callable[[bytes, Any], Awaitable[bytes]]

_log = logging.getLogger("pycore.service")
_CREDENTIALS = struct.Struct("3i")
_ACCEPTED_AT_ONCE = 16
_PAUSE_S = 0.5  # after the process has run out of descriptors
_READ_ON_LOOP = 1 << 20  # bytes: copied in well under a millisecond
_MOST_CONNECTIONS = 256
_BACKLOG = 64
HEALTH_CHECK = "Check"
"""The method of grpc.health.v1, which is always answered."""


def check_platform() -> None:
    """ValueError where the system has no lane."""
    if sys.platform != "linux":
        raise ValueError(f"the same-host lane needs Linux (memfd, SO_PEERCRED), this is {sys.platform}")


class LaneContext:
    """A call of the lane, as handlers see calls: what `grpc.aio.ServicerContext` has and they use.

    Args:
        call: the packet.
        uid: the user of the process that connected.
        clock: seconds, monotonic.
        deliver: sends an answer of this call; from any thread.

    Attributes:
        answered: the answer was sent.
        expired: the time is up.
        trailing: the metadata of the answer.
        failure: what the call was refused with.
        deliver: takes the answer as soon as there is one; None where it must wait for the end of the call.
    """

    def __init__(
        self, call: Call, uid: int, clock: Callable[[], float], deliver: Callable[[LaneContext, bytes], None]
    ) -> None:
        self._call = call
        self._uid = uid
        self._ends = clock() + call.timeout * 1e-6 if call.timeout else None
        self._clock = clock
        self.answered = False
        self.expired = False
        self.trailing: tuple[tuple[str, str | bytes], ...] = ()
        self.failure: tuple[grpc.StatusCode, str] | None = None
        self._callbacks: list[Callable[[Any], None]] = []
        self.deliver = None if call.method in ABOUT_CHAINS else functools.partial(deliver, self)

    def peer(self) -> str:
        """Who calls, for logs and for bounds where nobody says who callers are: all processes of one user."""
        return f"lane:uid:{self._uid}"

    def auth_context(self) -> dict[str, list[bytes]]:
        """The user, as the kernel says."""
        return {"unix_uid": [str(self._uid).encode()]}

    def invocation_metadata(self) -> Metadata:
        """The metadata that came with the call."""
        return self._call.metadata

    def time_remaining(self) -> float | None:
        """Seconds that are left; None for no limit."""
        return None if self._ends is None else max(0.0, self._ends - self._clock())

    def code(self) -> grpc.StatusCode | None:
        """The status, once there is one."""
        return None if self.failure is None else self.failure[0]

    def set_trailing_metadata(self, metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        """Sets the metadata of the answer."""
        self.trailing = tuple(metadata)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Has something done when the call has ended, on the event loop."""
        self._callbacks.append(callback)

    def end(self) -> None:
        """The call has ended."""
        for callback in self._callbacks:
            callback(self)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> None:
        """Ends the call with a status."""
        self.failure = code, details
        self.trailing = tuple(trailing_metadata)
        raise grpc.aio.AbortError(details)


class _Connection:
    """One caller. Everything happens on the event loop."""

    def __init__(self, lane: Lane, sock: socket.socket, uid: int) -> None:
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
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    @property
    def busy(self) -> asyncio.Task[None] | None:
        """The call that is being answered."""
        return self._task

    def close(self, *, drained: bool = False) -> None:
        """Ends it, and the call that it has open. `drained`: the caller may not have read the last answer yet."""
        if self._closed:
            return
        self._loop.remove_reader(self._socket.fileno())
        with self._sending:  # a worker must not write into whatever gets the number next
            self._closed = True
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

    def _readable(self) -> None:
        try:
            packet, ancillary, flags, _ = self._socket.recvmsg(
                MOST_PACKET, ROOM_FOR_DESCRIPTORS, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        fds = descriptors(ancillary) if ancillary else []
        try:
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
            for fd in fds:
                os.close(fd)

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
            region = Region(fds.pop())
            if self._region is not None:
                self._region.close()
            self._region = region
        if call.body is None and (self._region is None or call.begin + call.length > self._region.size):
            raise FrameError("body: it is not in the region")
        self._call = LaneContext(call, self.uid, self._lane.clock, self._deliver)
        self._task = self._loop.create_task(self._answer(call, self._call, before))
        self._task.add_done_callback(self._done)

    def _take_back(self) -> None:
        """The memory of the last answer has been read, or nobody will."""
        self._lane.unread -= self._unread
        self._unread = 0
        if self._memory is not None:
            taken_back(self._memory)
            self._memory = None

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None

    def _violated(self, error: FrameError) -> None:
        """A caller that breaks the rules is told, and left."""
        code = grpc.StatusCode.UNIMPLEMENTED if isinstance(error, VersionError) else grpc.StatusCode.INVALID_ARGUMENT
        self._lane.complain(str(error), self.uid)
        with contextlib.suppress(OSError):
            self._send(_refusal(plain_failure(code, f"lane: {error}")))
        self.close()

    async def _answer(self, call: Call, context: LaneContext, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))  # it gives back what its caller may have only so much of
        try:
            await self._answered(call, context)
        finally:
            context.end()

    async def _answered(self, call: Call, context: LaneContext) -> None:
        """The call is served, and its answer sent where it was not yet."""
        seconds = call.timeout * 1e-6
        late = self._loop.call_later(seconds, self._expire, asyncio.current_task(), context) if seconds else None
        try:
            status, body = await self._outcome(call, context)
        except asyncio.CancelledError:
            if self._closed or context.answered:
                raise
            if context.expired:
                status, body = _refused(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed")
            else:
                status, body = _refused(grpc.StatusCode.CANCELLED, "the service is shutting down")
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
                self._finish(context, write_answer(0, _words(context.trailing), body))

    def _expire(self, task: asyncio.Task[Any] | None, context: LaneContext) -> None:
        context.expired = True
        if task is not None:
            task.cancel()

    async def _outcome(self, call: Call, context: LaneContext) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        lane = self._lane
        behaviour = lane.behaviours.get(call.method)
        if behaviour is None:
            return _refused(grpc.StatusCode.UNIMPLEMENTED, f"the lane has no {call.method}: it takes single requests")
        if lane.draining and call.method != HEALTH_CHECK:
            return _refused(grpc.StatusCode.UNAVAILABLE, "the service is shutting down")
        if call.length > lane.max_message_bytes:
            words = f"request of {call.length} bytes, at most {lane.max_message_bytes} are taken"
            return _refused(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
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
            assert context.failure is not None
            code, words = context.failure
            found = [value for key, value in context.trailing if key == DETAILS_KEY and isinstance(value, bytes)]
            return (code.value[0], found[0]) if found else _refused(code, words)

    async def _reply(self, context: LaneContext, status: int, body: bytes) -> None:
        """OSError where the caller takes no answers."""
        metadata = _words(context.trailing)
        if len(body) <= INLINE:
            self._finish(context, write_answer(status, metadata, body))
            return
        if self._closed:
            return
        if self._lane.unread + len(body) > self._lane.max_unread_bytes:
            words = f"{self._lane.unread} bytes of answers were not taken yet"
            self._finish(context, _refusal(plain_failure(grpc.StatusCode.RESOURCE_EXHAUSTED, words)))
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
            context.answered = True
            self._send(packet, *fds)

    def _send(self, packet: bytes, *fds: int) -> None:
        """OSError where the caller takes no answers."""
        with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self._socket.sendmsg([packet], with_it, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


class Lane:
    """The listener. Belongs to one event loop.

    Args:
        path: of the socket. A socket that nobody listens on is replaced, anything else there is an error.
        mode: of the file; who may write to it may connect.
        behaviours: what answers the calls of each method.
        max_message_bytes: largest request.
        max_unread_bytes: answers, over all callers, that are too large for a packet and were not taken yet.
        max_connections: open at once; one user has at most half of them.
        clock: seconds, monotonic.

    Attributes:
        draining: calls are refused.
        unread: bytes of answers that were not taken.
    """

    def __init__(
        self,
        path: Path,
        mode: int,
        behaviours: Mapping[str, Behaviour],
        *,
        max_message_bytes: int,
        max_unread_bytes: int,
        max_connections: int = _MOST_CONNECTIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_platform()
        self.behaviours = behaviours
        self.max_message_bytes = max_message_bytes
        self.max_unread_bytes = max_unread_bytes
        self.clock = clock
        self.draining = False
        self.unread = 0
        self._path = path
        self._mode = mode
        self._max_connections = max_connections
        self._connections: set[_Connection] = set()
        self._of_users: Counter[int] = Counter()
        self._listener: socket.socket | None = None
        self._inode: tuple[int, int] | None = None
        self._complained = -math.inf

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def open(self) -> None:
        """Binds and listens.

        Raises:
            OSError: something else is at the path, or another process listens there.
        """
        _make_free(self._path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            listener.bind(str(self._path))
            self._path.chmod(self._mode)  # before it listens: nobody connects with the rights of the umask
            status = self._path.stat()
            self._inode = status.st_dev, status.st_ino
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise OSError(f"cannot listen on the lane {self._path}: {error}") from error
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener.fileno(), self._accept)

    def _accept(self) -> None:
        assert self._listener is not None
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                _log.warning("lane: a connection could not be accepted: %s", error)
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    self._pause()
                return
            self._begin(sock)

    def _pause(self) -> None:
        """Looks away from the listener for a moment, as it would stay readable."""
        loop = asyncio.get_running_loop()
        assert self._listener is not None
        loop.remove_reader(self._listener.fileno())
        loop.call_later(_PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)

    def _begin(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, uid, _ = _CREDENTIALS.unpack(raw)
        most = self._max_connections
        if len(self._connections) >= most or self._of_users[uid] >= max(1, most // 2):
            words = f"{self._of_users[uid]} connections of the user {uid}, {len(self._connections)} in all"
            with sock, contextlib.suppress(OSError):
                sock.send(_refusal(plain_failure(grpc.StatusCode.RESOURCE_EXHAUSTED, words)), socket.MSG_NOSIGNAL)
            return
        self._of_users[uid] += 1
        self._connections.add(_Connection(self, sock, uid))

    def complain(self, words: str, uid: int) -> None:
        """Logs what a caller did wrong, once a second at most."""
        now = self.clock()
        if now >= self._complained + 1.0:
            self._complained = now
            _log.warning("lane: %s", words, extra={"uid": uid})

    def forget(self, connection: _Connection) -> None:
        """A connection was closed."""
        self._connections.discard(connection)
        self._of_users[connection.uid] -= 1
        if not self._of_users[connection.uid]:
            del self._of_users[connection.uid]

    async def close(self, grace: float | None) -> None:
        """Takes no more connections and calls; calls in flight have `grace` seconds, then they are cancelled."""
        self.draining = True
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
            self._unlink()
        tasks = [task for one in self._connections if (task := one.busy) is not None]
        if tasks and grace:
            await asyncio.wait(tasks, timeout=grace)
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)
        for one in list(self._connections):
            one.close(drained=True)

    def _unlink(self) -> None:
        """Removes the file, where it is still ours."""
        with contextlib.suppress(OSError):
            status = self._path.stat()
            if (status.st_dev, status.st_ino) == self._inode:
                self._path.unlink()


def _make_free(path: Path) -> None:
    """Removes a socket that nobody listens on. OSError where there is anything else."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise FileExistsError(f"cannot listen on the lane {path}: there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:  # EPROTOTYPE: somebody listens for streams
            raise OSError(f"cannot listen on the lane {path}: {error}") from error
    raise OSError(f"cannot listen on the lane {path}: another process does")


def _words(trailing: tuple[tuple[str, str | bytes], ...]) -> Metadata:
    """What of an answer's metadata is text."""
    return tuple((key, value) for key, value in trailing if isinstance(value, str))


def _close_made(making: asyncio.Future[int]) -> None:
    """Closes what was made for a caller who has gone."""
    if not making.cancelled() and making.exception() is None:
        os.close(making.result())


def _refused(code: grpc.StatusCode, words: str) -> tuple[int, bytes]:
    return plain_failure(code, words).as_answer()


def _refusal(failure: Failure) -> bytes:
    status, body = failure.as_answer()
    return write_answer(status, (), body)


def lane_of(config: ServiceConfig, handlers: Handlers, health: Health, clock: Callable[[], float]) -> Lane | None:
    """The lane that the settings ask for; it answers what `handlers` answers, and health."""
    if config.lane is None:
        return None

    async def check(raw: bytes, context: Any) -> bytes:
        try:
            request = health_pb2.HealthCheckRequest.FromString(raw)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "request: wanted a HealthCheckRequest")
        answer: bytes = (await health.Check(request, context)).SerializeToString()
        return answer

    behaviours: dict[str, Behaviour] = {
        name: handler.unary_unary for name, handler in handlers.methods().items() if handler.unary_unary is not None
    }
    return Lane(
        config.lane,
        int(config.lane_mode, 8),
        {**behaviours, HEALTH_CHECK: check},
        max_message_bytes=config.max_message_bytes,
        max_unread_bytes=config.max_inflight_bytes,
        clock=clock,
    )
