"""The server: port, health, reflection, and a drain that loses nothing it accepted.

    run(config)          serve until SIGTERM or SIGINT; what `pycore serve` and `python -m pycore.service` call
    background(config)   a context manager that serves from a thread of this process, for programs and tests
    Server               the parts, for a program that has an event loop

Drain, in this order: health says NOT_SERVING and its watchers are told; for `drain_delay` seconds new calls
are still taken, so that load balancers can turn away; then new calls are refused, streams end after the
batches that they have read, and calls in flight have `drain_grace` seconds to finish. The rest is called
off; a worker that does not hear of it is named in the log, and does not keep the process alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

from pycore.base.backends import capabilities
from pycore.service.access import AccessError
from pycore.service.admin import Admin, serve_admin
from pycore.service.admission import Admission
from pycore.service.batching import AT_ONCE, ONE_BY_ONE, Joiner
from pycore.service.config import ServiceConfig, misspelt_variables
from pycore.service.ending import EXIT_ENDED, EXIT_STUCK, Ends, leave, log_running
from pycore.service.event_loop import EventLoopError, run_loop
from pycore.service.front import NativeServer, is_built, speaks_native
from pycore.service.front.listening import is_listened_to
from pycore.service.guard import Guard
from pycore.service.handlers import Handlers, execute
from pycore.service.health import Health
from pycore.service.history import History
from pycore.service.http import HttpServer
from pycore.service.interceptors import Interceptor, chain
from pycore.service.lane import lane_of
from pycore.service.logs import log_to_stderr
from pycore.service.memory import give_back_when_idle, keep_memory
from pycore.service.metrics import Metrics, certificate_expiry, serve_metrics
from pycore.service.native_tls import server_context
from pycore.service.scheduling import Scheduler
from pycore.service.scheduling_metrics import QueueFigures
from pycore.service.signals import StopSignals, end_with_parent
from pycore.service.supervisor import supervise
from pycore.service.tls import TlsError, server_credentials, warn_of_files
from pycore.service.unread import Unread
from pycore.service.verdict_cache import VerdictCache
from pycore.service.warmup import WarmUp, quiet_collector
from pycore.service.watch import Watch, tracing_of
from pycore.service.work import Work
from pycore.service.workers import Running
from pycore.wire.schema import SERVICE_NAME
from pycore.wire.settings import Limits, Settings

if TYPE_CHECKING:
    from pycore.service.tracing import Tracing

__all__ = ["RELOADABLE", "Server", "background", "run"]

_log = logging.getLogger("pycore.service")
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_NAMES = ("", SERVICE_NAME)
_LOOK_EVERY_S = 1.0  # for a stall, to tell those who watch health
_MOST_PENDING = 1 << 20
_PARSERS = 2
_MOST_MORE_STREAMS = 4096  # what comes at once on a new connection, before its peer has read the bound
_MOST_METADATA = 16 << 10  # bytes: room for a signed token
_LAST_SPANS_S = 2.0  # for traces to leave
_LAST_PIECE_S = 1.0  # for work that was called off to come to its next checkpoint, some ten milliseconds away
RELOADABLE = frozenset(
    {"drain_delay", "drain_grace", "log_level", "max_audits_bytes", "max_audits_items", "max_client_bytes",
     "max_client_items", "max_concurrent_rpcs", "max_connection_rpcs", "max_inflight_bytes", "max_inflight_items",
     "max_transactions_bytes", "max_transactions_items", "max_unread_bytes", "max_votes_bytes", "max_votes_items"}
)  # fmt: skip
"""Settings that :meth:`Server.reload` changes."""


class Server:
    """A validation service on one address. Start and stop it on the same event loop.

    Args:
        config: its settings.
        clock: seconds, monotonic: for deadlines and for stalls.
        interceptors: what calls pass on their way to the handlers, outermost first (see `interceptors.chain`).
        tracing: what traces calls; None for what the settings say.

    Attributes:
        config: its settings.
        port: the bound TCP port after `start`; 0 for a Unix socket.
        admission: what is in flight; what waits there belongs to `loop`.
        guard: who may call; any thread may bring a call, streams belong to `loop`.
        ends: whether the front end has ended by itself. Belongs to `loop`.
        lane: the same-host lane; None where the settings have none. Belongs to `loop`.
        verdicts: the signatures that are known to be valid; None without a cache.
        metrics: what is counted; `metrics_port`: where it is served, 0 for nowhere.
        admin_port: where the admin page is served, 0 for nowhere.
        loop: the event loop that it was started on.
        stuck: after `stop`, the work that could not be stopped. Its threads keep the process from ending.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        config: ServiceConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
        interceptors: Sequence[Interceptor] = (),
        tracing: Tracing | None = None,
    ) -> None:
        """AccessError, a ValueError, where the access file cannot be used."""
        self.config = config
        self._interceptors = chain(*interceptors)
        self.port = 0
        self.stuck: list[Running] = []
        limits = Limits(
            config.max_message_bytes, config.max_batch_items, config.max_inflight_items, config.max_inflight_bytes
        )
        settings = Settings(limits, config.threads, config.max_answer_bytes)
        self.metrics = Metrics()
        self._tracing = tracing if tracing is not None else tracing_of(config)
        watch = Watch(self.metrics, self._tracing)
        self.metrics_port = self.admin_port = 0
        self._pages: list[HttpServer] = []
        self.verdicts = VerdictCache(config.verdict_cache_bytes) if config.verdict_cache_bytes else None
        self._executor = Scheduler(config.workers)
        self.admission = Admission(
            self._executor,
            config.bounds,
            self._executes(settings),
            workers=config.workers,
            stall_after=config.stall_after,
            clock=clock,
            metrics=watch,
        )
        self.metrics.watch(self.admission)
        self.metrics.registry.register(QueueFigures(self._executor, self.verdicts))
        if config.tls_certificate is not None:
            self.metrics.show(certificate_expiry(config.tls_certificate))
        # Few threads: what is parsed before it is known to be within the limits is in memory as often.
        self._parsers = Scheduler(_PARSERS, "pycore-parser")
        parsers = self.admission.add_workers(self._parsers, _PARSERS)
        self.guard = Guard(
            config.max_concurrent_rpcs, config.max_connection_rpcs, config.access_file, self.metrics, clock,
            Unread(config.max_unread_bytes, config.max_inflight_bytes), self.admission.lock,
        )  # fmt: skip
        self._history = History(self.metrics, self.admission, self._executor, lambda: self.guard.calls)
        delay, known = config.max_queue_delay_us * 1e-6, None if self.verdicts is None else self.verdicts.known
        holding = AT_ONCE if config.front != "grpcio" and is_built() else ONE_BY_ONE
        joiner = Joiner(self.admission, config.max_joined_items, delay, known=known, holding=holding)
        self._handlers = Handlers(self.admission, parsers, settings, self.guard, watch, joiner, config.stream_window)
        self._health = Health(self._judge, lambda: self.config.max_concurrent_rpcs)
        self.lane = lane_of(config, self._handlers, self._health, self.admission.workers, clock)
        self._warm_up = WarmUp()
        self._warming: asyncio.Task[None] | None = None
        self._status = _SERVING
        self._server: Any = None  # grpc.aio.Server or NativeServer
        self.ends = Ends()
        self._watcher: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._warmed = asyncio.Event()

    def _executes(self, settings: Settings) -> Callable[[Work], Any]:
        cache = self.verdicts
        if cache is None:
            return lambda work: execute(work, settings)
        return lambda work: cache.run(work, lambda rest: execute(rest, settings))

    @property
    def target(self) -> str:
        """The address that a client on this machine connects to."""
        if self.config.address.startswith("unix"):
            return self.config.address
        host = self.config.address.rpartition(":")[0]
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
        return f"{host}:{self.port}"

    async def start(self) -> None:
        """Binds the address and begins to serve. The kernels' self-test has passed before the first call is taken.

        Raises:
            OSError: the address cannot be bound.
            SelfTestFailed: no backend gives the known answers.
        """
        try:
            await self._start()
        except BaseException:
            while self._pages:
                self._pages.pop().stop()
            raise

    async def _start(self) -> None:
        self.loop = asyncio.get_running_loop()
        found = capabilities()
        server = self._front()
        server.add_generic_rpc_handlers((self._handlers.generic(), self._health.generic()))
        if self.config.reflects:
            names = (SERVICE_NAME, HEALTH_NAME, reflection.SERVICE_NAME)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(ReflectionServicer(names), server)
        self.port = self._bind(server)
        if self.config.metrics_address is not None:
            self._pages.append(serve_metrics(self.metrics, self.config.metrics_address, self._is_ready))
            self.metrics_port = self._pages[-1].port
        if self.config.admin_address is not None:
            self._history.start(self.loop)
            admin = Admin(
                lambda: self.config, self.metrics, self.admission, self.guard, self._history, self._state, self.verdicts
            )
            self._pages.append(serve_admin(admin, self.config.admin_address))
            self.admin_port = self._pages[-1].port
        if self.lane is not None:
            self.lane.open()
        await self.ends.start(server)
        self._server = server
        if self.config.warm_up:
            self._status = _NOT_SERVING
            self._warming = asyncio.create_task(self._get_warm())
        else:
            self._warmed.set()
        await self._health.set(self._status, *_NAMES)
        self._watcher = asyncio.create_task(self._watch())
        _log.info(
            "serving on %s",
            self.target,
            extra={
                "address": self.target,
                "tls": "mutual" if self.config.tls_client_ca else "server" if self.config.tls else "none",
                "front": "nghttp2" if isinstance(server, NativeServer) else "grpcio",
                "version": found.version,
                "backends": [row.name for row in found.backends if row.usable],
                "workers": self.config.workers,
                "state": self._state(),  # `starting` until a record `serving: warm ...` comes
                **({"metrics": self.metrics_port} if self.metrics_port else {}),
                **({"admin": self.admin_port} if self.admin_port else {}),
            },
        )

    async def _get_warm(self) -> None:
        await self._warm_up.run()
        self._warmed.set()
        await self._judge()

    async def wait_until_warm(self) -> None:
        """Returns when the first request would meet compiled kernels; at once without `warm_up`."""
        await self._warmed.wait()

    @property
    def is_compiling(self) -> bool:
        """Whether a thread is at a step of the warm-up, which keeps the process until it ends."""
        return self._warm_up.running

    def _is_ready(self) -> bool:
        """Whether health says SERVING. Called by other threads."""
        return self._server is not None and self._stopping is None and self._status == _SERVING

    def _state(self) -> str:
        """For people. Called by other threads."""
        if self._stopping is not None:
            return "draining"
        if self._server is None or not self._warmed.is_set():
            return "starting"
        return "serving" if self._status == _SERVING else "stalled"

    def _front(self) -> Any:
        """What speaks gRPC."""
        config = self.config
        if not speaks_native(config.front):
            return grpc.aio.server(interceptors=self._interceptors, options=self._channel_arguments())
        return NativeServer(
            interceptors=self._interceptors,
            doors=self._handlers.doors(),
            message=config.max_message_bytes,
            streams=config.max_concurrent_rpcs + _MOST_MORE_STREAMS,
            headers=_MOST_METADATA,
            unfinished=config.max_inflight_bytes,
            share_port=config.share_port,
            age=config.max_connection_age,
            age_grace=config.drain_grace,
        )

    def _channel_arguments(self) -> list[tuple[str, int]]:
        found = [
            ("grpc.max_receive_message_length", self.config.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", int(self.config.share_port)),  # a second service is an error, not a lottery
            # Calls that the loop has not taken yet. gRPC's own bounds answer a bare CANCELLED; the guard's, which
            # come next, say RESOURCE_EXHAUSTED and when to try again.
            ("grpc.server.max_pending_requests", _MOST_PENDING),
            ("grpc.server.max_pending_requests_hard_limit", _MOST_PENDING),
            # Streams of one connection, those included that never send their request, which the guard does not see. Far
            # enough above its bounds for refusals with words, and for health.
            ("grpc.max_concurrent_streams", self.config.max_concurrent_rpcs + _MOST_MORE_STREAMS),
            # gRPC refuses calls with more metadata than the first at random, and with more than the second always.
            ("grpc.max_metadata_size", _MOST_METADATA),
            ("grpc.absolute_max_metadata_size", _MOST_METADATA),
        ]
        if self.config.max_connection_age is not None:
            found.append(("grpc.max_connection_age_ms", int(self.config.max_connection_age * 1000)))
            found.append(("grpc.max_connection_age_grace_ms", int(self.config.drain_grace * 1000)))
        return found

    def _bind(self, server: Any) -> int:
        if self.config.address.startswith("unix:") and is_listened_to(self.config.address.removeprefix("unix:")):
            # gRPC would take the path over, and the other service would go on without a caller.
            raise OSError(f"cannot listen on {self.config.address}: another process does")
        credentials: Any = None
        if self.config.tls:
            credentials = (server_context if isinstance(server, NativeServer) else server_credentials)(self.config)
        try:
            if credentials is not None:
                port = server.add_secure_port(self.config.address, credentials)
            else:
                port = server.add_insecure_port(self.config.address)
        except (RuntimeError, OSError) as error:
            raise OSError(f"cannot listen on {self.config.address}: {error}") from error
        return 0 if self.config.address.startswith("unix") else port

    def reload(self, fresh: ServiceConfig) -> None:
        """Takes from other settings what can change while it runs: `RELOADABLE`, and the access file's content. What
        else is different needs a restart; the log names it."""
        changed = {name for name in ServiceConfig.model_fields if getattr(fresh, name) != getattr(self.config, name)}
        taken = {name: getattr(fresh, name) for name in sorted(changed & RELOADABLE)}
        self.config = self.config.model_copy(update=taken)
        self.admission.bounds = self.config.bounds
        self.guard.most_calls = self.config.max_concurrent_rpcs
        self.guard.most_calls_each = self.config.max_connection_rpcs
        self.guard.unread.most_each = self.config.max_unread_bytes
        self.guard.unread.most = self.config.max_inflight_bytes
        if "log_level" in taken:
            logging.getLogger().setLevel(self.config.log_level.upper())
        self.guard.reload()
        warn_of_files(self.config)
        _log.info("settings reloaded", extra={"changed": taken})
        if changed - RELOADABLE:
            _log.warning("settings that need a restart", extra={"settings": sorted(changed - RELOADABLE)})

    # ---- stalls ------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await self._judge()
            await asyncio.sleep(min(_LOOK_EVERY_S, self.config.stall_after / 4))

    async def _judge(self) -> None:
        """Health follows the workers: NOT_SERVING while none has come free for `stall_after` seconds, and before it is
        warm."""
        stalled = self.admission.stalled_for()
        status = _SERVING if not stalled and self._warmed.is_set() else _NOT_SERVING
        if self._stopping is not None or status == self._status:
            return
        self._status = status
        await self._health.set(status, *_NAMES)
        if stalled:
            _log.error("stalled: no worker has come free for %.0f seconds", stalled, extra={"seconds": stalled})
            log_running(self.admission.running())
        elif status == _SERVING:
            _log.info("serving: warm, and a worker is free")

    # ---- the end -----------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Drains and stops; idempotent, every caller waits for the end."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._drain())
        await asyncio.shield(self._stopping)

    async def _drain(self) -> None:
        server = self._server
        if server is not None:
            load = self.admission.load
            _log.info("draining", extra={"requests": load.requests, "items": load.items})
            await self._health.set(_NOT_SERVING, *_NAMES)
            await self._delay()
            self._handlers.drain()
            self._health.close()
            self.ends.expect()
            lane = [self.lane.close(self.config.drain_grace)] if self.lane is not None else []
            await asyncio.gather(server.stop(self.config.drain_grace), *lane)
        self._warm_up.stop()
        for task in (self._watcher, self._warming):
            if task is not None:
                task.cancel()
        if self._tracing is not None and not await asyncio.to_thread(self._tracing.stop, _LAST_SPANS_S):
            _log.warning("traces were left unsent")
        self._history.stop()
        for pages in self._pages:
            await asyncio.to_thread(pages.stop)
        self.admission.call_off()  # gRPC has cancelled its handlers; this is for work that others put there
        for executor in (self._executor, self._parsers):
            executor.shutdown(wait=False, cancel_futures=True)
        self.stuck = await self._last_pieces()
        if self.stuck:
            _log.error("stuck: %d pieces of work cannot be stopped", len(self.stuck))
            log_running(self.stuck)
        _log.info("stopped")

    async def _delay(self) -> None:
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({hurry}, timeout=self.config.drain_delay)
        hurry.cancel()

    async def _last_pieces(self) -> list[Running]:
        """Waits a little for work that was called off; what is still running then."""
        clock = self.admission.clock
        end = clock() + _LAST_PIECE_S
        while (running := self.admission.running()) and clock() < end:  # noqa: ASYNC110 - threads set no asyncio.Event
            await asyncio.sleep(0.01)
        return running

    async def stop_now(self) -> None:
        """Ends calls in flight with CANCELLED, without waiting for them."""
        self._hurry.set()
        self.ends.expect()
        if self._server is not None:
            lane = [self.lane.close(None)] if self.lane is not None else []
            await asyncio.gather(self._server.stop(None), *lane)

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class Drained(Protocol):
    """A server that is started and drained on one event loop."""

    ends: Ends
    stuck: list[Running]

    async def start(self) -> None:
        """Binds and serves."""
        ...

    async def stop(self) -> None:
        """Drains and stops."""
        ...

    async def stop_now(self) -> None:
        """Ends what is in flight."""
        ...


async def _serve_until_signal(
    make: Callable[[], Drained], reread: Callable[[], ServiceConfig] | None, supervised: bool
) -> None:
    server = make()
    for words in misspelt_variables(os.environ):
        _log.warning("%s", words)
    signals = StopSignals(supervised)
    if isinstance(server, Server):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, server, reread)
    await server.start()
    more = [_when_warm(server), give_back_when_idle(server.admission)] if isinstance(server, Server) else []
    tasks = [asyncio.create_task(one) for one in more]
    waits = [asyncio.create_task(one.wait()) for one in (signals.drain, server.ends.seen)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if server.ends.seen.is_set():
        leave(EXIT_ENDED)
    stopping = asyncio.create_task(server.stop())
    impatient = asyncio.create_task(signals.at_once.wait())
    await asyncio.wait({stopping, impatient}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        _log.warning("second signal: ending calls in flight")
        await server.stop_now()
    impatient.cancel()
    await stopping
    signals.ignore()
    for task in (*tasks, *waits):
        task.cancel()
    if server.stuck:
        leave(EXIT_STUCK)
    if isinstance(server, Server) and server.is_compiling:
        leave(0)


async def _when_warm(server: Server) -> None:
    await server.wait_until_warm()
    quiet_collector()


def _reload(server: Server, reread: Callable[[], ServiceConfig] | None) -> None:
    try:
        server.reload(reread() if reread is not None else server.config)
    except (OSError, ValueError, SystemExit) as error:
        _log.error("settings not reloaded, keeping those in use: %s", error)


def run(config: ServiceConfig, reread: Callable[[], ServiceConfig] | None = None, arguments: Sequence[str] = ()) -> int:
    """Serves until SIGTERM or SIGINT, then drains; a second signal ends what is left at once. Logs JSON
    lines to stderr. SIGHUP takes the settings that `reread` gives (:meth:`Server.reload`), and the access file.

    With `processes` above 1 it starts so many and looks after them (:mod:`pycore.service.supervisor`); `arguments` is
    the command line that gave these settings.

    Where work is stuck on a worker at the end of the drain, the process ends here, with status 4
    (`EXIT_STUCK`), and the log says what was running; where the front end has ended by itself, with status 5.

    Returns:
        The exit status: 0 after a drain, 3 when the service could not start.
    """
    if config.processes > 1:
        log_to_stderr(config.log_level, config.log_format)
        return supervise(config, arguments, reread)
    if config.supervisor is not None:
        end_with_parent(config.supervisor)
    keep_memory(config.max_message_bytes)
    supervised = config.supervisor is not None
    return run_until_signal(
        lambda: Server(config), config.log_level, reread, config.event_loop, config.log_format, supervised
    )


def run_until_signal(
    make: Callable[[], Drained],
    log_level: str,
    reread: Callable[[], ServiceConfig] | None = None,
    event_loop: str = "asyncio",
    log_format: str = "auto",
    supervised: bool = False,
) -> int:
    """As :func:`run`, for a server of any kind. `supervised` is that of :class:`StopSignals`."""
    log_to_stderr(log_level, log_format)
    try:
        run_loop(event_loop, _serve_until_signal(make, reread, supervised))
    except Exception as error:
        plain = isinstance(error, (OSError, AccessError, TlsError, EventLoopError))
        _log.error("the service could not start: %s", error, exc_info=not plain)
        return 3
    return 0


@contextlib.contextmanager
def background(
    config: ServiceConfig,
    *,
    clock: Callable[[], float] = time.monotonic,
    interceptors: Sequence[Interceptor] = (),
    tracing: Tracing | None = None,
) -> Iterator[Server]:
    """Serves from a thread with another event loop while the `with` block runs; drains at its end.

    `clock`, `interceptors`, `tracing`: those of :class:`Server`.

    >>> from pycore.client import ValidationClient
    >>> with background(ServiceConfig(address="127.0.0.1:0")) as server, ValidationClient(server.target) as client:
    ...     client.hash_batch("sha256", [b"abc"]).shape
    (1, 32)
    """
    started: Future[Server] = Future()
    finish: Future[None] = Future()

    async def serve() -> None:
        try:
            server = Server(config, clock=clock, interceptors=interceptors, tracing=tracing)
            await server.start()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(server)
        await asyncio.wrap_future(finish)
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="pycore-server", daemon=True)
    thread.start()
    try:
        yield started.result()
    finally:
        if not finish.done():
            finish.set_result(None)
        thread.join()
