"""A real service in a separate process, all of whose workers are held by work that the test put there.

    python held_server.py KIND [options of the service]

KIND says how: ``gate`` waits in Python until it is let go, ``c`` never comes back from a call of the C library,
``polite`` runs for ever but for its checkpoints. Lines on standard input: ``load N`` logs "load reached" once N
requests are in flight, the held ones included; ``proceed`` ends the drain delay; ``open`` lets the gates go.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import sys
import threading
import time
from collections.abc import Callable

from pycore.base.deadline import checkpoint
from pycore.service.config import ServiceConfig, parse
from pycore.service.server import Server, run_until_signal

_log = logging.getLogger("held_server")


def _deadlock() -> None:
    library = ctypes.CDLL(None)
    mutex = ctypes.create_string_buffer(128)  # zeros are an open mutex on Linux
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)


def _until_told() -> None:
    while True:
        checkpoint()
        time.sleep(0.001)


class HeldServer(Server):
    def __init__(self, config: ServiceConfig, kind: str, clock: Callable[[], float]) -> None:
        super().__init__(config, clock=clock)
        self._opened = threading.Event()
        self._work = {"gate": self._opened.wait, "c": _deadlock, "polite": _until_told}[kind]
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await super().start()
        for _ in range(self.config.workers):
            self._tasks.add(asyncio.create_task(self._hold()))
        while len(self.admission.running()) < self.config.workers:  # noqa: ASYNC110 - threads set no asyncio.Event
            await asyncio.sleep(0.001)
        _log.info("holding")
        threading.Thread(target=self._listen, daemon=True).start()

    async def _hold(self) -> None:
        with self.admission.admit(0) as ticket:
            await ticket.call(self._work, what="held by the test")

    async def _report_load(self, requests: int) -> None:
        while self.admission.load.requests < requests:  # noqa: ASYNC110 - the load is a number
            await asyncio.sleep(0.001)
        _log.info("load reached")

    def _listen(self) -> None:
        for line in sys.stdin:
            word, _, number = line.strip().partition(" ")
            if word == "load":
                asyncio.run_coroutine_threadsafe(self._report_load(int(number)), self.loop)
            elif word == "proceed":
                self.loop.call_soon_threadsafe(self._hurry.set)
            elif word == "open":
                self._opened.set()


def main() -> int:
    kind, *options = sys.argv[1:]
    config = parse(options)
    # A clock that stands still: however slow the machine, the service waits for work that does hear.
    clock = (lambda: 0.0) if kind == "polite" else time.monotonic
    return run_until_signal(lambda: HeldServer(config, kind, clock), config.log_level)


if __name__ == "__main__":
    sys.exit(main())
