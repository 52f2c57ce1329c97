"""Whether a call can be answered before its deadline, going by how long calls have been taking. No gRPC in here.

A service that takes more than it can do finishes each call just too late, and nothing in time. So where calls have been
waiting, and those that are open take longer than a new one has, the new one is refused at once: its caller learns in a
millisecond what it would have learned at its deadline, and the work goes to calls that can still be answered.

Three signs are needed. Many calls are open. They, divided by how many a second are answered (Little's law), last longer
than the caller waits. And even the quickest of the last second took a good part of that time, which a burst that the
service is about to swallow does not cause (the sign that CoDel uses for queues, RFC 8289). Calls without a deadline
wait.

One call of each window is let in all the same. The calls that are open may be large ones of a few clients, behind which
others do not wait; how quick these are is only seen where one of them is answered.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from pycore.service.locked import locked
from pycore.wire.refusals import OverloadedError

__all__ = ["Pace"]

_WINDOW_S = 0.5
_MANY = 32  # calls; a few slow ones say nothing about the next
_STANDING = 0.2  # of a caller's time: what the quickest call may take
_FILLED = 0.5  # of a caller's time: what the calls before it may take; the rest is for what is not seen from here
_MIN_RETRY_S, _MAX_RETRY_S = 0.05, 5.0


class Pace:
    """The calls of one kind: those that are as urgent as each other. Any thread may call.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._open = 0
        self._since = 0.0  # some are open
        self._quickest = math.inf, math.inf  # of the window before and of this one
        self._window = 0
        self._tried = 0  # the window in which a call was let in that seemed too late
        self._answered = 0
        self._busy, self._counted_to = 0.0, 0.0
        self._rate = math.inf  # until it is known

    @locked
    def enter(self, remaining: float | None) -> float:
        """Counts a call; when it began, for :meth:`leave`.

        Args:
            remaining: seconds until its deadline; None for no deadline.

        Raises:
            OverloadedError: it cannot be answered in time.
        """
        now = self._clock()
        self._turn(now)
        late = self._late(now, remaining)
        if late is not None:
            if self._tried == self._window:
                raise late
            self._tried = self._window
        if not self._open:
            self._since = self._counted_to = now
        self._open += 1
        return now

    @locked
    def would_refuse(self, remaining: float | None) -> OverloadedError | None:
        """What :meth:`enter` would raise now; None where it would count the call."""
        now = self._clock()
        self._turn(now)
        return self._late(now, remaining) if self._tried == self._window else None

    def _late(self, now: float, remaining: float | None) -> OverloadedError | None:
        if remaining is None or self._open <= _MANY:
            return None
        quickest = min(self._quickest)
        waited = quickest if quickest < math.inf else now - self._since
        expected = self._open / self._rate if self._rate else math.inf
        if waited <= _STANDING * remaining or expected <= _FILLED * remaining:
            return None
        wait = min(max(expected - _FILLED * remaining, _MIN_RETRY_S), _MAX_RETRY_S)
        in_time = int(_FILLED * remaining * self._rate)
        return OverloadedError("calls to answer first", self._open, 1, in_time, wait)

    @locked
    def leave(self, began: float, *, answered: bool = True) -> None:
        """A call has ended. `answered`: it counts for the rate; one that was refused or given up does not."""
        now = self._clock()
        self._turn(now)
        self._open -= 1
        if answered:
            self._answered += 1
            before, current = self._quickest
            self._quickest = before, min(current, now - began)
        if not self._open:
            self._busy += now - self._counted_to

    def _turn(self, now: float) -> None:
        """Begins another window where the last has passed: the rate is that of the time in which calls were open."""
        window = math.floor(now / _WINDOW_S)
        if window == self._window:
            return
        if self._open:
            self._busy += now - self._counted_to
            self._counted_to = now
        if self._busy >= _WINDOW_S / 2:
            self._rate = self._answered / self._busy
            self._answered, self._busy = 0, 0.0
        self._quickest = (self._quickest[1] if window == self._window + 1 else math.inf), math.inf
        self._window = window
