"""Before the first request: what would otherwise be compiled, imported or built inside of it.

Numba's kernels (sparse trees, Ethereum's tries) take some ten seconds the first time on a machine, and about a second
from their cache on disk; the modules of the chains some tenths of a second; threads and first tables some milliseconds.
All of it happens here, once a process, on a separate thread, while the service takes calls already; health says
NOT_SERVING until it is done.

A step that fails is logged and left out: the call that needs it says what is missing.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

from pycore import ledgers
from pycore.base.backends import capabilities
from pycore.base.jit import warm_up
from pycore.hashing import hash_batch
from pycore.signatures import verify_batch

__all__ = ["WarmUp", "quiet_collector"]

_log = logging.getLogger("pycore.service")

_MODULES = ("pycore.merkle.sparse", "pycore.merkle.patricia", "pycore.consensus", "pycore.ics23", "pycore.bundle")
_MANY = 2048  # rows: starts the threads of the kernels
_THRESHOLDS = (10_000, 20, 50)
_finished = threading.Event()  # kernels and modules are the process's, not a server's


class WarmUp:
    """Runs the steps once, on a thread."""

    def __init__(self) -> None:
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether its thread is at a step, which cannot be interrupted."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Ends it after the step that is under way."""
        self._stopped = True

    async def run(self) -> None:
        """Returns when everything is warm, or was stopped."""
        if _finished.is_set():
            return
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, args=(loop, done), name="pycore-warm-up")
        self._thread.start()
        await done.wait()

    def _work(self, loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
        began = time.monotonic()
        try:
            for name, step in self._steps():
                if self._stopped:
                    return
                self._take(name, step)
            _finished.set()
            _log.info("warm", extra={"seconds": round(time.monotonic() - began, 3)})
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

    def _take(self, name: str, step: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            step()
        except Exception as error:
            _log.warning("not warmed up: %s: %s", name, error)
        _log.debug("warm: %s", name, extra={"seconds": round(time.monotonic() - began, 3)})

    @staticmethod
    def _steps() -> Iterator[tuple[str, Callable[[], object]]]:
        """Quick ones first."""
        found = capabilities()
        for scheme in found.schemes:
            yield scheme.name, partial(_verify, scheme.name, scheme.key_sizes[-1])
        for algorithm in found.hashes:
            yield algorithm.name, partial(hash_batch, algorithm.name, [b"warm"] * _MANY)
        for chain in ledgers.names():
            yield chain, partial(ledgers.get, chain)
        for module in _MODULES:
            yield module, partial(import_module, module)
        yield "compiled kernels", warm_up


def _verify(scheme: str, key_size: int) -> None:
    for n in (1, _MANY):
        verify_batch(scheme, [bytes(key_size)] * n, [bytes(64)] * n, [b"warm"] * n)


def quiet_collector() -> None:
    """For a process that only serves: what is there now is never looked at again by the garbage collector, and the rest
    more rarely. Answers hold no circles, so there is little to find, and each search stops every call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
