"""Several service processes behind one port.

One process computes on as many cores as it has workers, but one event loop carries its calls: about 2,000 a second.
With ``processes = n`` this one starts n of them, which listen on the same port (SO_REUSEPORT: the kernel spreads
connections, not calls), starts a new one where one dies, hands SIGHUP on, and at the end drains them one after another,
`drain_delay` apart, so that clients find the others. A second signal ends all of them at once.

Limits and quotas are of each process; figures and the admin page too: the second process serves them one port above
`metrics_address` and `admin_address`, the third two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from pycore.service.config import ServiceConfig
from pycore.service.signals import HURRY, StopSignals, ignore_hangup

__all__ = ["Supervisor", "supervise"]

_log = logging.getLogger("pycore.service")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_HEALTHY_S = 10.0  # a process that lived so long is started again at once
_SETTINGS, _START = 2, 3  # exit statuses that another start seldom repairs
_LATE_S = 5.0  # after the grace; then it is killed


class Supervisor:
    """Starts service processes and keeps their number. Belongs to one event loop.

    Args:
        config: the settings; `processes` of them are started.
        arguments: the command line that gave these settings, for the processes.
        reread: gives the settings as they are now; SIGHUP takes the times of a drain from them.
    """

    def __init__(
        self, config: ServiceConfig, arguments: Sequence[str] = (), reread: Callable[[], ServiceConfig] | None = None
    ) -> None:
        self._config = config
        self._arguments = tuple(arguments)
        self._reread = reread
        self._signals: StopSignals
        self._children: dict[int, asyncio.subprocess.Process] = {}
        self._status = 0
        self._port = 0

    async def run(self) -> int:
        """Runs until SIGTERM or SIGINT; the exit status.

        Raises:
            OSError: the address cannot be bound.
        """
        self._signals = StopSignals()
        with _reserved(self._config.address) as self._port:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
            keepers = [asyncio.create_task(self._keep(i)) for i in range(self._config.processes)]
            told = asyncio.create_task(self._signals.drain.wait())
            await asyncio.wait({told, *keepers}, return_when=asyncio.FIRST_COMPLETED)  # a keeper only ends by a fault
            self._signals.drain.set()
            impatient = asyncio.create_task(self._hurry())
            await self._drain()
            await asyncio.gather(told, *keepers)
            impatient.cancel()
        return self._status

    def _command(self, index: int) -> list[str]:
        host = self._config.address.rpartition(":")[0]
        command = [sys.executable, "-m", "pycore.service", *self._arguments, "--processes", "1", "--share-port",
                   "--address", f"{host}:{self._port}"]  # fmt: skip
        command += ["--process", f"{index + 1}/{self._config.processes}", "--supervisor", str(os.getpid())]
        for name in ("metrics_address", "admin_address"):
            if (address := getattr(self._config, name)) is not None:
                own_host, _, port = address.rpartition(":")
                own = f"{own_host}:{int(port) + index if int(port) else 0}"
                command += [f"--{name.replace('_', '-')}", own]
        return command

    async def _keep(self, index: int) -> None:
        """Starts a process, and another one whenever it ends."""
        pause = _FIRST_PAUSE_S
        ever = False  # it has lived: then the settings were good, and may be again
        while not self._signals.drain.is_set():
            began = time.monotonic()
            child = await asyncio.create_subprocess_exec(*self._command(index), preexec_fn=ignore_hangup)
            self._children[index] = child
            _log.info("process started", extra={"index": index, "pid": child.pid})
            if self._signals.drain.is_set():  # it was told before it was there
                child.terminate()
            status = await child.wait()
            del self._children[index]
            if self._signals.drain.is_set():
                self._status = max(self._status, _exit_status(status))
                return
            _log.error("process ended", extra={"index": index, "pid": child.pid, "status": status})
            lived = time.monotonic() - began > _HEALTHY_S
            ever = ever or lived
            if status in (_SETTINGS, _START) and not ever:
                self._status = status
                self._signals.drain.set()
                return
            pause = _FIRST_PAUSE_S if lived else min(2 * pause, _LONGEST_PAUSE_S)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._signals.drain.wait(), pause)

    def _reload(self) -> None:
        self._hand_on(signal.SIGHUP)
        if self._reread is not None:
            with contextlib.suppress(OSError, ValueError, SystemExit):  # the processes say so, and keep theirs as well
                now = self._reread()
                times = {name: getattr(now, name) for name in ("drain_delay", "drain_grace")}
                self._config = self._config.model_copy(update=times)

    def _hand_on(self, number: signal.Signals) -> None:
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(number)

    async def _hurry(self) -> None:
        await self._signals.at_once.wait()
        _log.warning("second signal: ending all processes")
        self._hand_on(HURRY)

    async def _drain(self) -> None:
        children = list(self._children.values())
        if not children:
            return
        ends = [asyncio.ensure_future(child.wait()) for child in children]
        no_pause: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._signals.at_once.wait()),
            asyncio.gather(*ends),
        ]
        for i, child in enumerate(children):
            if i:
                await asyncio.wait(no_pause, timeout=self._config.drain_delay, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        no_pause[0].cancel()
        limit = self._config.drain_delay + self._config.drain_grace + _LATE_S
        _, late = await asyncio.wait(ends, timeout=limit)
        if late:
            _log.error("processes killed: they did not end in time", extra={"processes": len(late)})
            for child in children:
                if child.returncode is None:
                    child.kill()


def _exit_status(status: int) -> int:
    """Of the service, by that of a process: as shells say it where a signal ended it. One that was told to stop before
    it had a handler for that had nothing to drain."""
    if status >= 0:
        return status
    return 0 if -status in (signal.SIGTERM, HURRY) else 128 - status


class _reserved:  # noqa: N801 - read as a verb
    """Holds a port without listening on it, so that processes that come and go find it theirs."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._where = host.strip("[]"), int(port)

    def __enter__(self) -> int:
        host, port = self._where
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self._socket.bind(where)
        except OSError as error:
            self._socket.close()
            raise OSError(f"cannot listen on {host}:{port}: {error}") from error
        return int(self._socket.getsockname()[1])

    def __exit__(self, *exception: object) -> None:
        self._socket.close()


def supervise(
    config: ServiceConfig, arguments: Sequence[str] = (), reread: Callable[[], ServiceConfig] | None = None
) -> int:
    """Runs `config.processes` services until SIGTERM or SIGINT; the exit status."""
    try:
        return asyncio.run(_run(config, arguments, reread))
    except OSError as error:
        _log.error("the service could not start: %s", error)
        return _START


async def _run(config: ServiceConfig, arguments: Sequence[str], reread: Callable[[], ServiceConfig] | None) -> int:
    return await Supervisor(config, arguments, reread).run()
