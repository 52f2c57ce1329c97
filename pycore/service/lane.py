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

import asyncio
import contextlib
import errno
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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from pycore.service.lane_connection import HEALTH_CHECK, Behaviour, Connection
from pycore.service.lane_context import refusal
from pycore.service.lane_threads import HAVE_THREADS, Threads
from pycore.wire.errors import plain_failure

if TYPE_CHECKING:
    from pycore.service.config import ServiceConfig
    from pycore.service.handlers import Handlers
    from pycore.service.health import Health
    from pycore.service.workers import Workers

__all__ = ["Lane", "check_platform", "lane_of"]

_log = logging.getLogger("pycore.service")
_CREDENTIALS = struct.Struct("3i")
_ACCEPTED_AT_ONCE = 16
_PAUSE_S = 0.5  # after the process has run out of descriptors
_MOST_CONNECTIONS = 256
_BACKLOG = 64


def check_platform() -> None:
    """ValueError where the system has no lane."""
    if sys.platform != "linux":
        raise ValueError(f"the same-host lane needs Linux (memfd, SO_PEERCRED), this is {sys.platform}")


class Lane:
    """The listener. Belongs to one event loop.

    Args:
        path: of the socket. A socket that nobody listens on is replaced, anything else there is an error.
        mode: of the file; who may write to it may connect.
        behaviours: what answers the calls of each method.
        max_message_bytes: largest request.
        max_unread_bytes: answers, over all callers, that are too large for a packet and were not taken yet.
        max_connections: open at once; one user has at most half of them.
        workers: short calls are done on threads of the lane where one of these is free; None for all on the loop.
        clock: seconds, monotonic.

    Attributes:
        draining: calls are refused.
        unread: bytes of answers that were not taken.
        threads: take calls; None where all come to the loop.
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
        workers: Workers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_platform()
        self.behaviours = behaviours
        self.max_message_bytes = max_message_bytes
        self.max_unread_bytes = max_unread_bytes
        self.clock = clock
        self.draining = False
        self.unread = 0
        self.threads: Threads | None = None
        self._workers = workers
        self._lock = threading.Lock()
        self._here = 0  # calls on threads
        self._none_here = asyncio.Event()
        self._path = path
        self._mode = mode
        self._max_connections = max_connections
        self._connections: set[Connection] = set()
        self._of_users: Counter[int] = Counter()
        self._listener: socket.socket | None = None
        self._inode: tuple[int, int] | None = None
        self._complained = -math.inf

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    @property
    def users(self) -> dict[int, int]:
        """How many each user has, with those whose descriptors are being closed."""
        return dict(self._of_users)

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
        self._loop = asyncio.get_running_loop()
        if self._workers is not None and HAVE_THREADS:
            self.threads = Threads(self._workers.size + 1)
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
                sock.send(refusal(plain_failure(grpc.StatusCode.RESOURCE_EXHAUSTED, words)), socket.MSG_NOSIGNAL)
            return
        self._of_users[uid] += 1
        self._connections.add(Connection(self, sock, uid))

    def is_free(self) -> bool:
        """Whether a call may be done at once. Any thread may ask."""
        return self._workers is not None and not self.draining and self._workers.is_idle

    def begin_here(self) -> bool:
        """Counts a call on a thread; :meth:`end_here` must follow. False where none may begin."""
        with self._lock:
            if not self.draining:
                self._here += 1
            return not self.draining

    def end_here(self) -> None:
        """It has ended, or goes on on the loop."""
        with self._lock:
            self._here -= 1
            if self.draining and not self._here and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._none_here.set)

    def complain(self, words: str, uid: int) -> None:
        """Logs what a caller did wrong, once a second at most."""
        now = self.clock()
        if now >= self._complained + 1.0:
            self._complained = now
            _log.warning("lane: %s", words, extra={"uid": uid})

    def forget(self, connection: Connection) -> None:
        """A connection was closed."""
        self._connections.discard(connection)
        self._one_less(connection.uid)

    def _one_less(self, uid: int) -> None:
        self._of_users[uid] -= 1
        if not self._of_users[uid]:
            del self._of_users[uid]

    def let_go(self, fds: list[int], uid: int) -> None:
        """Closes descriptors that came from a caller. That can take as long as the caller likes - a socket may linger,
        the caller may serve the file - so it is done on a thread, which counts as a connection of the user."""
        if not fds:
            return
        self._of_users[uid] += 1

        def closing() -> None:
            for fd in fds:
                with contextlib.suppress(OSError):
                    os.close(fd)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(self._one_less, uid)

        threading.Thread(target=closing, name="pycore-lane-closing", daemon=True).start()

    async def close(self, grace: float | None) -> None:
        """Takes no more connections and calls; calls in flight have `grace` seconds, then they are cancelled."""
        with self._lock:
            self.draining = True
            if not self._here:
                self._none_here.set()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
            self._unlink()
        if grace:
            await self._ended(grace)
        for one in list(self._connections):
            one.stop_here()
            if one.busy is not None:
                one.busy.cancel()
        await self._ended(1.0)
        for one in list(self._connections):
            one.close(drained=True)
        if self.threads is not None:
            self.threads.stop()
            self.threads = None

    async def _ended(self, seconds: float) -> None:
        """Waits for the calls in flight; from threads they may have come to the loop in the meantime."""
        end = self._loop.time() + seconds
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._none_here.wait(), seconds)
        tasks = [task for one in self._connections if (task := one.busy) is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, end - self._loop.time()))

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


def lane_of(
    config: ServiceConfig, handlers: Handlers, health: Health, workers: Workers, clock: Callable[[], float]
) -> Lane | None:
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
        workers=workers,
    )
