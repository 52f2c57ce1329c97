"""Memory of large messages, which a client's process should not get anew from the system for each of them."""

from __future__ import annotations

import threading

import numpy as np

_LARGE = 1 << 20
_MOST = 32 << 20  # glibc learns from no larger block

_lock = threading.Lock()
_learned = 0


def expect_message(nbytes: int) -> None:
    """Says that a message of so many bytes is about to be made.

    glibc keeps twice as much free memory as the largest block that it has mapped for this process and seen freed; what
    is more goes back to the system. A message and gRPC's copy of it are just above that where the message is that
    block: every call would then have all of its pages mapped, cleared and unmapped again, which takes about as long as
    sending it. A larger block, which is freed untouched, makes room for both. Other C libraries learn nothing from it.
    """
    global _learned
    if not max(_LARGE, _learned) < nbytes <= _MOST:
        return
    with _lock:
        if nbytes > _learned:
            _learned = nbytes
            np.empty(min(nbytes + nbytes // 2, _MOST - _LARGE), np.uint8)
