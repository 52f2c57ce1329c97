"""A client for programs on the service's host: the same calls over a Unix socket, with the rows in shared memory.

    with LaneClient("/run/pycore/lane.sock") as client:
        verdicts = client.verify_batch("ed25519", public_keys, signatures, messages)

The service must have `lane` set to the path. A lone caller of some hundred signatures gets more of the speed in process
than over gRPC (docs/guides/service.md). Calls of one request are here; streams are not. Linux only.

To be woken takes a caller and its service some 60 us where CPUs sleep: as long as forty Ed25519 signatures. So a
connection learns how long answers to requests of one length take, sleeps until shortly before, and then asks again and
again for a moment.
"""

from __future__ import annotations

import array
import copy
import errno
import fcntl
import math
import mmap
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2

from pycore.base.ffi_lane import Exchange
from pycore.client.common import Calls, Readiness, serving
from pycore.client.connection import REQUEST_ID_KEY, CallSettings, Metadata, Token, left_until
from pycore.client.requests import Blocking, Budget, Feed, Plan
from pycore.client.routes import pause_before
from pycore.errors import InputError, PycoreError
from pycore.wire.errors import DETAILS_KEY, ServiceError, from_rpc, to_code
from pycore.wire.frames import INLINE, MOST_PACKET, Answer, FrameError, read_answer, write_call
from pycore.wire.packing import Packed
from pycore.wire.schema import METHODS

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LaneClient"]

R = TypeVar("R")

_LEAST_REGION = 256 << 10
_PATIENCE_S = 0.1  # beyond the time that the service has: its own words for that are better
_MOST_IDLE = 16
_TIME = struct.Struct("ll")
_EARLY_NS = 100_000  # before the answer: timers are late by 50 us, and a CPU takes as long to wake up
_MOST_LATE_NS = 500_000
_MOST_MISSED, _PAUSE = 3, 32  # calls
_MOST_LENGTHS = 64
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


class _GoneError(Exception):
    """The service has closed the connection."""


class _Waits:
    """How long answers take, by the length of the request, and so when to ask for them.

    >>> waits = _Waits()
    >>> waits.expect(1000)
    (0, 0)
    >>> waits.learn(1000, 400_000, (0, 0)); waits.expect(1000)
    (300000, 200000)
    """

    def __init__(self) -> None:
        self._usual: dict[int, int] = {}  # nanoseconds
        self._missed = self._paused = 0

    def expect(self, length: int) -> tuple[int, int]:
        """Nanoseconds to sleep, and then to ask; (0, 0) where it is not known, or has not helped lately."""
        usual = self._usual.get(length)
        if usual is None or self._paused:
            self._paused = max(0, self._paused - 1)
            return 0, 0
        sleep = max(0, usual - _EARLY_NS)
        return sleep, usual + min(usual // 4, _MOST_LATE_NS) - sleep

    def learn(self, length: int, took: int, expected: tuple[int, int]) -> None:
        """Notes how long an answer took."""
        if sum(expected):
            self._missed = self._missed + 1 if took > sum(expected) else 0
            if self._missed >= _MOST_MISSED:
                self._missed, self._paused = 0, _PAUSE
        usual = self._usual.get(length, took)
        if len(self._usual) >= _MOST_LENGTHS and length not in self._usual:
            self._usual.clear()
        if took < usual // 2:
            usual = took
        elif took < usual:
            usual = max(took, usual - usual // 16)
        else:
            usual = min(took, usual + usual // 48)
        self._usual[length] = usual  # three of four take longer


class _Connection:
    """One connection, which carries one call at a time, and the memory that it shares."""

    def __init__(self, path: str, spin: float | None) -> None:
        self.pid = os.getpid()
        self._spin = None if spin is None else int(spin * 1e9)
        self._waits = _Waits()
        self._exchange = Exchange(MOST_PACKET)
        self.used = False
        self._memory: mmap.mmap | None = None
        self._wait: float | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        self._socket.close()
        if self._memory is not None:
            self._memory.close()

    def call(
        self, method: str, metadata: Metadata, body: bytes | Packed, timeout: float | None
    ) -> tuple[Answer, bytes]:
        """The answer and its body.

        Raises:
            _GoneError: the connection was closed.
            TimeoutError: there was no answer in time.
            FrameError: the answer cannot be read.
        """
        limit = 0 if timeout is None else max(1, int(timeout * 1e6))
        fds: list[int] = []
        try:
            if len(body) <= INLINE:
                whole = body if isinstance(body, bytes) else body.SerializeToString()
                packet = write_call(method, metadata, limit, whole)
            else:
                fds = self._share(body)
                packet = write_call(method, metadata, limit, None, 0, len(body), region=bool(fds))
            self._set_wait(None if timeout is None else timeout + _PATIENCE_S)
            try:
                if fds:
                    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
                    self._socket.sendmsg([packet], ancillary, socket.MSG_NOSIGNAL)
                    packet = b""
                return self._answer(packet, len(body))
            except BlockingIOError:
                raise TimeoutError from None
            except OSError as error:
                if error.errno in _GONE:
                    raise _GoneError from None
                raise
        finally:
            for fd in fds:
                os.close(fd)

    def _share(self, body: bytes | Packed) -> list[int]:
        """Puts a body into the shared memory; its descriptor where the service has not seen that yet."""
        fds = []
        if self._memory is None or len(self._memory) < len(body):
            if self._memory is not None:
                self._memory.close()
                self._memory = None
            size = max(_LEAST_REGION, 1 << (len(body) - 1).bit_length())
            fd = os.memfd_create("pycore-lane", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            fds.append(fd)
            try:
                os.ftruncate(fd, size)
                fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
                self._memory = mmap.mmap(fd, size)
            except BaseException:
                os.close(fd)
                raise
        if isinstance(body, bytes):
            self._memory[: len(body)] = body
        else:
            body.write(self._memory)
        return fds

    def _set_wait(self, seconds: float | None) -> None:
        if seconds != self._wait:
            whole = 0 if seconds is None else int(seconds)
            rest = 0 if seconds is None else int((seconds - whole) * 1e6)
            value = _TIME.pack(whole, rest)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
            self._wait = seconds

    def _answer(self, packet: bytes, length: int) -> tuple[Answer, bytes]:
        """Sends a packet, where there is one, for a request of so many bytes, and takes the answer."""
        found, fd, more = self._exchanged(packet, length)
        try:
            if not found:
                raise _GoneError
            if more:
                raise FrameError("answer: more than a packet")
            answer = read_answer(found)
            if answer.body is not None:
                return answer, answer.body
            if fd < 0:
                raise FrameError("answer: it came without its memory")
            return answer, _read(fd, answer.length)
        finally:
            if fd >= 0:
                os.close(fd)

    def _exchanged(self, packet: bytes, length: int) -> tuple[bytes, int, bool]:
        limit = -1 if self._wait is None else int(self._wait * 1e9)
        expected = self._waits.expect(length) if self._spin is None else (0, self._spin)
        begin = time.perf_counter_ns()
        sleep, spin = expected
        while True:
            took = time.perf_counter_ns() - begin
            try:
                found = self._exchange(
                    self._socket.fileno(), packet, sleep, spin, limit if limit < 0 else max(0, limit - took)
                )
                break
            except InterruptedError:  # by a signal, whose handler has run by now
                packet, sleep, spin = b"", 0, 0
        if self._spin is None:
            self._waits.learn(length, time.perf_counter_ns() - begin, expected)
        return found


def _read(fd: int, length: int) -> bytes:
    """The bytes of a memfd."""
    found = os.pread(fd, length, 0)
    while len(found) < length:
        part = os.pread(fd, length - len(found), len(found))
        if not part:
            raise FrameError("answer: its memory ended early")
        found += part
    return found


class _Pool:
    """Connections that no call uses now."""

    def __init__(self, path: str, spin: float | None) -> None:
        self._path = path
        self._spin = spin
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self.closed = False

    def take(self) -> _Connection:
        """A connection. ServiceError where there can be none."""
        with self._lock:
            if self.closed:
                raise ServiceError(grpc.StatusCode.CANCELLED, "the client is closed")
            if self._idle and self._idle[-1].pid != os.getpid():  # after a fork they are the parent's
                self._idle.clear()
            if self._idle:
                return self._idle.pop()
        try:
            return _Connection(self._path, self._spin)
        except OSError as error:
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, f"{self._path}: {error.strerror or error}") from None

    def give_back(self, connection: _Connection, whole: bool) -> None:
        """Keeps a connection for the next call, unless something went wrong with it."""
        with self._lock:
            if whole and not self.closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Closes the connections; those of calls under way when these end."""
        with self._lock:
            self.closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


class LaneClient(Calls, Blocking):
    """A client for threads of programs on the service's host. Close it, or use it in a `with` statement.

    Each call that is under way has a connection; up to 16 are kept for the next calls. Programs with an event loop call
    it from threads.
    """

    _takes_parts = True

    def __init__(
        self,
        path: str | Path,
        *,
        token: str | Path | None = None,
        timeout: float | None = 60.0,
        priority: str | None = None,
        request_id: str | None = None,
        attempts: int = 1,
        max_message_bytes: int = 16 << 20,
        max_batch_items: int = 1 << 18,
        spin: float | None = None,
    ) -> None:
        """
        Args:
            path: the service's setting `lane`.
            token, timeout, priority, request_id, attempts: as for `ValidationClient`.
            max_message_bytes, max_batch_items: most of one call, at most the service's own limits. Larger batches are
                refused here: send them in pieces, or over gRPC.
            spin: seconds that a call asks for its answer before it sleeps. That takes a CPU, which is not to be the
                service's, and saves the time to wake up. None: for some 100 us around the time when the answer to a
                request of that length is to be expected, as long as that helps. 0: never.

        Raises:
            OSError: this system has no lane.
        """
        if sys.platform != "linux":
            raise OSError(errno.EOPNOTSUPP, f"the same-host lane needs Linux, this is {sys.platform}")
        if max_message_bytes < 1024:
            raise InputError("max_message_bytes", str(max_message_bytes), "at least 1024")
        if max_batch_items < 1:
            raise InputError("max_batch_items", str(max_batch_items), "at least 1")
        if spin is not None and not 0 <= spin < math.inf:
            raise InputError("spin", str(spin), "seconds, 0 or more")
        self.path = str(path)
        self._token = None if token is None else Token(token)
        self._budget = Budget(max_batch_items, max_message_bytes)
        self._pool = _Pool(self.path, spin)
        self._settings = CallSettings(timeout, priority, request_id, attempts)

    def using(self, **changes: Any) -> Self:
        """The client with other settings of calls, over the same connections: closing one closes both.

        Args:
            changes: `timeout`, `priority`, `request_id`, `attempts`, as at construction.

        Raises:
            InputError: a value that a setting cannot have, or another name.
        """
        if changes.get("hedge_after") is not None:
            raise InputError("hedge_after", str(changes["hedge_after"]), "None: the lane leads to one service")
        changed = copy.copy(self)
        changed._settings = self._settings.changed(changes)
        return changed

    @property
    def timeout(self) -> float | None:
        """Seconds that the service has for one call."""
        return self._settings.timeout

    def close(self) -> None:
        """Closes the connections; those of calls under way when these end."""
        self._pool.close()

    def __enter__(self) -> LaneClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def health(self, service: str = "") -> bool:
        """Whether the service says SERVING. ServiceError when it cannot be asked."""
        request = health_pb2.HealthCheckRequest(service=service)
        raw = self._call("Check", request.SerializeToString(), self._metadata(), self.timeout)
        return serving(health_pb2.HealthCheckResponse.FromString(raw))

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the service says SERVING; ServiceError(UNAVAILABLE) when it has not within `timeout` seconds."""
        waiting = Readiness(self.path, timeout, several=False)
        while True:
            left = waiting.left()
            try:
                if self.using(timeout=left).health():
                    return
                waiting.not_serving()
            except ServiceError as error:
                waiting.failed(error)
            time.sleep(waiting.pause())

    def _metadata(self) -> Metadata:
        told = self._settings.metadata
        return told if self._token is None else told + self._token.metadata()

    def _run(self, plan: Plan[R] | Feed[R]) -> R:
        if isinstance(plan, Feed):
            raise _no_streams(plan)
        answer = METHODS[plan.method].answer
        return plan.combine([answer.FromString(self._persistent(plan.method, one)) for one in plan.requests])

    def _stream(self, feed: Feed[R]) -> Generator[R, None, None]:
        raise _no_streams(feed)

    def _persistent(self, method: str, request: Any) -> bytes:
        """The answer of one attempt or several."""
        body = request if isinstance(request, (bytes, Packed)) else request.SerializeToString()
        end = None if self.timeout is None else time.monotonic() + self.timeout
        attempt = 0
        while True:
            try:
                return self._call(method, body, self._metadata(), self.timeout if not attempt else left_until(end))
            except ServiceError as error:
                attempt += 1
                pause = None if self._pool.closed else pause_before(self._settings, attempt, error, False)
                if pause is None or (end is not None and time.monotonic() + pause >= end):
                    raise
            time.sleep(pause)

    def _call(self, method: str, body: bytes | Packed, metadata: Metadata, timeout: float | None) -> bytes:
        while True:
            connection = self._pool.take()
            again = connection.used  # it may have been closed long ago, with nobody here to notice
            connection.used = True
            whole = False
            try:
                answer, found = connection.call(method, metadata, body, timeout)
                whole = True
                break
            except _GoneError:
                if not again:
                    words = f"{self.path} closed the connection"
                    raise ServiceError(grpc.StatusCode.UNAVAILABLE, words) from None
            except TimeoutError:
                words = f"{self.path} gave no answer within {timeout:g} s"
                raise ServiceError(grpc.StatusCode.DEADLINE_EXCEEDED, words) from None
            except FrameError as error:
                raise ServiceError(grpc.StatusCode.INTERNAL, str(error)) from None
            finally:
                self._pool.give_back(connection, whole)
        if answer.status:
            given = next((value for key, value in answer.metadata if key == REQUEST_ID_KEY), None)
            raise _failure(answer.status, found, given or self._settings.request_id)
        return found


def _no_streams(feed: Feed[Any]) -> ServiceError:
    words = f"the lane takes single requests, no {feed.method}: send the batch in pieces, or use ValidationClient"
    return ServiceError(grpc.StatusCode.UNIMPLEMENTED, words)


def _failure(status: int, body: bytes, request_id: str | None) -> PycoreError:
    """The error that the in-process call would have raised, else a ServiceError."""
    try:
        words = status_pb2.Status.FromString(body).message
    except DecodeError:
        return from_rpc(to_code(status), "", (), request_id)
    return from_rpc(to_code(status), words, ((DETAILS_KEY, body),), request_id)
