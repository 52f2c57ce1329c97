"""Memory of large messages, which a client's process should not have to get from the system for each of them."""

from __future__ import annotations

import threading

import numpy as np

LARGE_BYTES = 1 << 18
_MOST = 31 << 20  # glibc learns from no larger block than 32 MiB

_lock = threading.Lock()
_learned = 0


def expect_copy(nbytes: int) -> None:
    """Says that a message of so many bytes is about to be copied, which gRPC does, and that others like it may follow.

    glibc keeps twice as much free memory as the largest block that it has mapped for this process and seen freed; what
    is more goes back to the system. A message and its copy are just above that where the message is that block: every
    call would then have all of their pages mapped, cleared and unmapped again, which takes about as long as sending
    them. A larger block, which is freed untouched, makes room for both. Other C libraries learn nothing from it.
    """
    global _learned
    if not _learned < nbytes <= _MOST:
        return
    with _lock:
        if nbytes > _learned:
            _learned = nbytes + nbytes // 4
            np.empty(min(nbytes + nbytes // 2, _MOST), np.uint8)
