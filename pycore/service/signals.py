"""Signals that end a service: the first one drains it, the second one ends what is left at once.

StopSignals       what has been asked for
end_with_parent   a service process drains when the one that looks after it ends
ignore_hangup     for the time before there is a handler
HURRY             what a supervisor sends its processes for "at once"

A process that has a supervisor drains at SIGTERM and SIGINT however often they come. They come more than once without
anybody being in a hurry: a terminal sends Ctrl-C to all processes in its foreground, systemd sends SIGTERM to all of a
unit, and the supervisor tells each of them as well; and the kernel tells a process of its parent's end once for
every thread that the parent had (`PR_SET_PDEATHSIG`, :manpage:`prctl(2)`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

__all__ = ["HURRY", "StopSignals", "end_with_parent", "ignore_hangup"]

HURRY = signal.SIGUSR1


class StopSignals:
    """Takes the signals on the running event loop, and keeps what they asked for.

    Args:
        supervised: this process has a supervisor: only `HURRY` means "at once".

    Attributes:
        drain: set by the first signal.
        at_once: set by the second, or by `HURRY`.
    """

    def __init__(self, supervised: bool = False) -> None:
        self._supervised = supervised
        self.drain = asyncio.Event()
        self.at_once = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain.set if supervised else self._next)
        if supervised:
            loop.add_signal_handler(HURRY, self._hurry)

    def ignore(self) -> None:
        """The service has stopped. One more signal must not cost it its last lines in the log and its exit status, as
        it would once the loop is closed. Without a supervisor SIGTERM and SIGINT still end what does not end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, *((signal.SIGTERM, signal.SIGINT, HURRY) if self._supervised else ())):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    def _next(self) -> None:
        (self.at_once if self.drain.is_set() else self.drain).set()

    def _hurry(self) -> None:
        self.drain.set()
        self.at_once.set()


def end_with_parent(parent: int) -> None:
    """Makes this process drain when the one that started it ends, however that ends. Linux only.

    Args:
        parent: its number. It may have ended already, and another be the parent now.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def ignore_hangup() -> None:
    """SIGHUP would end a process that has not come to its handler for it; with this it is passed over until then."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
