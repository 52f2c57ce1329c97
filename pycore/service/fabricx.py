"""The verifier service of Fabric-X: what a stock coordinator connects to in place of the committer's own verifier.

    FabricXServer(config)    the parts, for a program that has an event loop
    background(config)       a context manager that serves from a thread, for programs and tests

One method, `/servicepb.Verifier/StartStream`, on raw bytes, and grpc.health.v1 for "". Every stream has its own
state. Messages are verified in the order in which they came; whatever has come while others were verified is taken
up together.

A stream ends with

    INVALID_ARGUMENT    an update that upstream refuses as well; a coordinator ends its process then, as with upstream
    CANCELLED           the coordinator has closed its side; what it had sent has been answered first
    RESOURCE_EXHAUSTED  more streams than `max_concurrent_streams`, as upstream
    UNAVAILABLE         a drain; bytes that are no message; members that cannot be read here; a fault of ours.
                        Coordinators come back after half a second, then more. INTERNAL, which gRPC in Go gives for
                        bytes that are no message, makes them come back at once, hundreds of times a second

and never over a transaction. When more waits than `max_stream_bytes`, nothing more is read, so HTTP/2 holds the
sender back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from pycore.base.backends import capabilities
from pycore.base.columns import Column
from pycore.ledgers.fabricx import MalformedError, PolicyUpdateError, UnsupportedError, Verifier
from pycore.service.ending import Ends
from pycore.service.fabricx_config import FabricXConfig
from pycore.service.fabricx_metrics import Metrics
from pycore.service.health import Health
from pycore.service.http import HttpServer
from pycore.service.tls import server_credentials
from pycore.service.workers import Running

__all__ = ["METHOD", "FabricXServer", "background"]

METHOD = "/servicepb.Verifier/StartStream"

_log = logging.getLogger("pycore.service.fabricx")
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_WINDOW = 16 << 20  # bytes that a sender may be ahead of us in one stream
_TOGETHER = 4 << 20  # bytes of messages that are verified together
_EARLY = 0.001  # seconds before the cutoff: a loop wakes up to one late, and an answer has to be sent
_LINE = 200  # characters of a refusal that go into the status


@dataclass(frozen=True, slots=True)
class Answers:
    """Statuses that are ready; `flush`: they must not wait for others."""

    column: Column
    flush: bool


class Outbox:
    """Statuses between the verification and the stream, cut into answers by number and time."""

    def __init__(self, size: int, wait: float, clock: Callable[[], float]) -> None:
        self._size, self._wait, self._clock = size, wait, clock
        self._parts: deque[tuple[bytes, list[int], int]] = deque()
        self._last = clock()
        self._flush = 0  # statuses that must leave at once
        self.count = 0
        self.nbytes = 0

    def put(self, answers: Answers) -> None:
        """Takes statuses in."""
        column = answers.column
        if not column.n:
            return
        assert column.offsets is not None
        self._parts.append((column.data.tobytes(), column.offsets.tolist(), 0))
        self.count += column.n
        self.nbytes += column.nbytes
        if answers.flush:
            self._flush = self.count

    def parts(self) -> list[bytes]:
        """The statuses that are in it."""
        return [data for data, _, _ in self._parts]

    def flush(self) -> None:
        """Lets whatever is in leave at once."""
        self._flush = self.count

    def due(self) -> float:
        """Seconds until an answer is due; 0 where one is, infinity where there is nothing."""
        if not self.count:
            return float("inf")
        if self.count >= self._size or self._flush:
            return 0.0
        return max(0.0, self._last + self._wait - self._clock())

    def cut(self) -> tuple[bytes, int]:
        """The next TxStatusBatch and how many statuses it has."""
        wanted = n = min(self._size, self.count)
        found = []
        while n:
            data, offsets, first = self._parts[0]
            last = min(first + n, len(offsets) - 1)
            found.append(data[offsets[first] : offsets[last]])
            n -= last - first
            if last == len(offsets) - 1:
                self._parts.popleft()
            else:
                self._parts[0] = (data, offsets, last)
        answer = found[0] if len(found) == 1 else b"".join(found)
        self.count -= wanted
        self.nbytes -= len(answer)
        self._flush = max(0, self._flush - wanted)
        self._last = self._clock()
        return answer, wanted


class Stream:
    """One stream: three tasks that read, verify and write, and what waits between them."""

    def __init__(self, server: FabricXServer, context: Any) -> None:
        config = server.config
        self._server, self._context = server, context
        self._metrics = server.metrics
        self._verifier = Verifier(release=config.committer, threads=config.parallelism)
        self._inbox: deque[bytes] = deque()
        self._waiting = 0  # bytes in the inbox
        self._closed = False  # no more is read
        self._unanswered = 0
        self._changed = asyncio.Event()
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox(config.batch_size_cutoff, config.batch_time_cutoff, self._loop.time)
        self._finished = False
        self._outcome: tuple[grpc.StatusCode, str] = (grpc.StatusCode.CANCELLED, "stream ended: EOF")

    async def run(self) -> None:
        """Serves it to the end, which is always a status."""
        self._metrics.streams += 1
        tasks = [asyncio.create_task(one) for one in (self._read(), self._verify(), self._write())]
        others = tasks[1:]
        try:
            await asyncio.gather(*others)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._metrics.streams -= 1
            self._metrics.active -= self._unanswered
        await self._context.abort(*self._outcome)

    def held(self) -> list[bytes]:
        """What waits in it: messages that were read, and answers that were not written."""
        return [*self._inbox, *self._outbox.parts()]

    def end(self, code: grpc.StatusCode, words: str) -> None:
        """Reads no more; what was read is answered first."""
        if not self._closed:
            self._closed = True
            self._outcome = (code, words)
        self._changed.set()

    # ---- reading -----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        config = self._server.config
        while True:
            while self._waiting + self._outbox.nbytes > config.max_stream_bytes or (
                len(self._inbox) >= config.channel_buffer_size
            ):
                self._changed.clear()
                await self._changed.wait()
            message = await self._context.read()
            if message is grpc.aio.EOF:  # type: ignore[attr-defined] # the stubs lack it
                self.end(grpc.StatusCode.CANCELLED, "stream ended: EOF")
                return
            if self._closed:
                return
            self._inbox.append(message)
            self._waiting += len(message)
            self._changed.set()

    # ---- verifying ---------------------------------------------------------------------------------------------------

    async def _verify(self) -> None:
        try:
            while True:
                while not self._inbox and not self._closed:
                    self._changed.clear()
                    await self._changed.wait()
                if not self._inbox:
                    break
                batches = self._taken()
                pieces = self._pieces(batches)
                while (
                    piece := await self._loop.run_in_executor(self._server.executor, next, pieces, None)
                ) is not None:
                    self._outbox.put(piece)
                    self._ready.set()
                    while self._outbox.nbytes > self._server.config.max_stream_bytes:
                        self._changed.clear()
                        await self._changed.wait()
        except PolicyUpdateError as error:
            self._refuse(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except (MalformedError, UnsupportedError) as error:
            self._refuse(grpc.StatusCode.UNAVAILABLE, str(error))
        except Exception:
            _log.exception("a batch could not be verified")
            self._refuse(grpc.StatusCode.UNAVAILABLE, "the verifier failed")
        self._outbox.flush()
        self._finished = True
        self._ready.set()

    def _refuse(self, code: grpc.StatusCode, words: str) -> None:
        _log.error("a stream ends: %s", words, extra={"code": code.name})
        self._closed = True
        self._outcome = (code, words[:_LINE])
        self._inbox.clear()

    def _taken(self) -> list[bytes]:
        """Messages off the inbox that are verified together."""
        batches: list[bytes] = []
        size = 0
        while self._inbox and (not batches or size + len(self._inbox[0]) <= _TOGETHER):
            batches.append(self._inbox.popleft())
            size += len(batches[-1])
        self._waiting -= size
        self._changed.set()
        return batches

    def _pieces(self, batches: list[bytes]) -> Iterator[Answers]:
        """Runs on a worker."""
        for count, pieces in self._verifier.take_all(batches):
            self._loop.call_soon_threadsafe(self._arrived, count)
            for piece in pieces:
                yield Answers(piece.answers(), piece.config)

    def _arrived(self, count: int) -> None:
        self._metrics.received += count
        self._metrics.active += count
        self._unanswered += count

    # ---- writing -----------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        early = min(_EARLY, self._server.config.batch_time_cutoff / 4)
        while True:
            due = self._outbox.due()
            if due <= early:
                answer, count = self._outbox.cut()
                await self._context.write(answer)
                self._metrics.answered += count
                self._metrics.active -= count
                self._unanswered -= count
                self._changed.set()
                continue
            if self._finished:
                return
            self._ready.clear()
            timer = None if due == float("inf") else self._loop.call_later(due - early, self._ready.set)
            await self._ready.wait()
            if timer is not None:
                timer.cancel()


class FabricXServer:
    """The verifier on one address. Start and stop it on the same event loop.

    Attributes:
        config: its settings.
        port, metrics_port: the bound TCP ports after `start`; 0 for one that is off.
        metrics: its figures.
        streams: those that are open.
        loop: the event loop that it was started on.
        executor: where streams verify.
        ends: whether gRPC's loop has ended by itself.
        stuck: always empty; what runs at the end of a drain is called off.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(self, config: FabricXConfig) -> None:
        self.config = config
        self.port = 0
        self.metrics_port = 0
        self.metrics = Metrics()
        self.executor = ThreadPoolExecutor(min(32, config.max_concurrent_streams), thread_name_prefix="pycore-fabricx")
        self.ends = Ends()
        self.stuck: list[Running] = []
        self._health = Health(_nothing, lambda: self.config.max_concurrent_streams)
        self.streams: set[Stream] = set()
        self._draining = False
        self._server: grpc.aio.Server | None = None
        self._endpoint: HttpServer | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def target(self) -> str:
        """The address that a client on this machine connects to."""
        host = self.config.address.rpartition(":")[0]
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
        return f"{host}:{self.port}"

    async def start(self) -> None:
        """Binds the addresses and begins to serve. Raises OSError; SelfTestFailed."""
        self.loop = asyncio.get_running_loop()
        capabilities()
        config = self.config
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", config.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_concurrent_streams", config.max_concurrent_streams),
                ("grpc.http2.lookahead_bytes", _WINDOW),
                ("grpc.http2.max_frame_size", 1 << 20),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.so_reuseport", 0),
            ],
        )
        handler = grpc.stream_stream_rpc_method_handler(self._start_stream)
        service, name = METHOD[1:].split("/")
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
        server.add_generic_rpc_handlers((self._health.generic(),))
        try:
            if config.tls:
                self.port = server.add_secure_port(config.address, server_credentials(config))
            else:
                self.port = server.add_insecure_port(config.address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {config.address}: {error}") from error
        if config.monitoring_endpoint is not None:
            host, _, port = config.monitoring_endpoint.rpartition(":")
            routes = {"/metrics": self.metrics.page}
            self._endpoint = HttpServer(f"{host or '0.0.0.0'}:{port}", routes, "pycore-metrics", "monitoring_endpoint")
            self.metrics_port = self._endpoint.port
        await self.ends.start(server)
        self._server = server
        await self._health.set(_SERVING, "")
        _log.info(
            "serving Fabric-X on %s",
            self.target,
            extra={"address": self.target, "tls": config.tls_mode, "metrics": self.metrics_port},
        )

    async def _start_stream(self, _: object, context: Any) -> None:
        if self._draining:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "draining")
        if len(self.streams) >= self.config.max_concurrent_streams:  # gRPC counts those of one connection only
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "max concurrent streams limit reached")
        stream = Stream(self, context)
        self.streams.add(stream)
        try:
            await stream.run()
        finally:
            self.streams.discard(stream)

    async def stop(self) -> None:
        """Drains and stops: what was read is answered, then every stream ends with UNAVAILABLE; idempotent."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._drain())
        await asyncio.shield(self._stopping)

    async def _drain(self) -> None:
        _log.info("draining", extra={"streams": len(self.streams)})
        await self._health.set(_NOT_SERVING, "")
        await asyncio.sleep(self.config.drain_delay)
        self._draining = True
        for stream in tuple(self.streams):
            stream.end(grpc.StatusCode.UNAVAILABLE, "draining")
        self._health.close()
        if self._server is not None:
            self.ends.expect()
            await self._server.stop(self.config.drain_grace)
        if self._endpoint is not None:
            await asyncio.to_thread(self._endpoint.stop)
        self.executor.shutdown(wait=False, cancel_futures=True)
        _log.info("stopped")

    async def stop_now(self) -> None:
        """Ends streams without waiting for what they have read."""
        if self._server is not None:
            self.ends.expect()
            await self._server.stop(None)


async def _nothing() -> None:
    """Health is told, not asked for."""


@contextlib.contextmanager
def background(config: FabricXConfig) -> Iterator[FabricXServer]:
    """Serves from a thread with another event loop while the `with` block runs; drains at its end."""
    started: Future[FabricXServer] = Future()
    finish: Future[None] = Future()

    async def serve() -> None:
        server = FabricXServer(config)
        try:
            await server.start()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(server)
        await asyncio.wrap_future(finish)
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="pycore-fabricx", daemon=True)
    thread.start()
    try:
        yield started.result()
    finally:
        if not finish.done():
            finish.set_result(None)
        thread.join()
