"""Clients that go on when they have used up their quota: what they are told, and how long their refusals are held back.

A refusal takes the event loop nearly as long as an answer, so a client that calls again at once takes from the others
what its quota was to leave them. Three things keep that small:

- It is refused before its request is parsed (`callers.Caller.must_wait`).
- `RetryInfo` grows with its refusals of late: callers who come back one after the other find room, those who all come
  back after the same moment do not.
- After `PATIENCE` refusals the next ones are answered later, by up to a second: a program that has so many calls under
  way makes so many a second at most. Bounded: few calls of one client and of all, with small requests, and none beyond
  its deadline. The others, and whatever does not fit, are refused at once. Held calls are not counted as open.

Refusals of late are forgotten at `FORGOTTEN` a second. Connections stay open: gRPC's clients come again at once, and a
handshake costs more than a refusal. Health passes no quota.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["FORGOTTEN", "PATIENCE", "Impatience", "Waiting"]

PATIENCE = 64
"""Refusals of late after which further ones are held back."""
FORGOTTEN = 16.0
"""Refusals of late that are forgotten in a second."""
_MOST = 4 * PATIENCE  # refusals that are remembered
_LONGEST_S = 1.0
_LONGEST_RETRY_S = 5.0
_MOST_HELD_EACH, _MOST_HELD = 64, 512  # calls
_LARGEST = 64 << 10  # bytes of a request that is kept meanwhile
_BEFORE_DEADLINE_S = 0.05


class Impatience:
    """The refusals of one client of late. Belongs to the event loop.

    >>> now = [0.0]
    >>> one = Impatience(lambda: now[0])
    >>> one.refused(0.01), one.refused(0.01), one.pause()
    (0.01, 0.02, 0.0)
    >>> now[0] = 1.0
    >>> one.refused(0.01)
    0.01
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._late = 0.0
        self._seen = clock()
        self.held = 0

    def refused(self, retry_after: float) -> float:
        """Counts a refusal; seconds after which to come back: those after which something is left, as often as there
        were refusals of late."""
        now = self._clock()
        self._late = min(max(0.0, self._late - (now - self._seen) * FORGOTTEN) + 1, _MOST)
        self._seen = now
        return min(retry_after * self._late, _LONGEST_RETRY_S)

    def pause(self) -> float:
        """Seconds by which the refusal that was counted last is held back: from 0 to a second, the more the more there
        were of late."""
        return min(max(0.0, self._late - PATIENCE) / PATIENCE, 1.0) * _LONGEST_S


class Waiting:
    """The refusals of all clients that are held back. Belongs to the event loop."""

    def __init__(self) -> None:
        self.held = 0

    async def hold(self, whose: Impatience, nbytes: int, left: float | None) -> None:
        """Returns when a refusal may leave: at once where it must not be held back.

        Args:
            whose: of the client.
            nbytes: of its request.
            left: seconds until its deadline; None without one.
        """
        pause = whose.pause()
        if left is not None:
            pause = min(pause, left - _BEFORE_DEADLINE_S)
        if pause <= 0 or nbytes > _LARGEST or whose.held >= _MOST_HELD_EACH or self.held >= _MOST_HELD:
            return
        whose.held += 1
        self.held += 1
        try:
            await asyncio.sleep(pause)
        finally:
            whose.held -= 1
            self.held -= 1
