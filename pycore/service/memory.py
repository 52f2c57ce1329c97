"""Memory of large messages: kept from one call to the next while there are calls, given back when there are none.

A request of ten megabytes is in memory three times while gRPC puts it together. glibc gives most of that back to the
system when the call is over, and the next call has every page mapped and cleared again: on a virtual machine that can
take as long as a tenth of the work itself. Both functions do nothing where the C library is another one.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycore.service.admission import Admission

__all__ = ["give_back_when_idle", "keep_memory"]

_log = logging.getLogger("pycore.service")

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # M_* of malloc.h
_MOST_MMAP_THRESHOLD = 32 << 20  # glibc takes no more
_MESSAGES = 8  # three of them while a message is put together, and a block's columns take as much again
_LEAST, _MOST = 32 << 20, 512 << 20
_IDLE_S = 10.0


def keep_memory(max_message_bytes: int) -> None:
    """For a process that only serves: what a message of that size needs stays with the process after a call."""
    mallopt = _of_c_library("mallopt")
    if mallopt is not None:
        # One heap for all threads: those of further ones are unmapped from 64 MiB on, whatever the threshold.
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _MOST_MMAP_THRESHOLD)
        mallopt(_TRIM_THRESHOLD, min(max(_MESSAGES * max_message_bytes, _LEAST), _MOST))


async def give_back_when_idle(admission: Admission, seconds: float = _IDLE_S) -> None:
    """Gives free memory back to the system each time there has been no work for so long, or up to twice as long."""
    trim = _of_c_library("malloc_trim")
    seen = given_back = admission.ended
    while trim is not None:
        await asyncio.sleep(seconds)
        ended = admission.ended
        if ended == seen and ended != given_back and not admission.load.requests:
            await asyncio.to_thread(trim, 0)
            given_back = ended
            _log.debug("idle: free memory given back")
        seen = ended


def _of_c_library(name: str) -> Callable[..., Any] | None:
    """A function of the C library of this process; None where it has none of that name."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):  # no such library to open, as on Windows
        return None
