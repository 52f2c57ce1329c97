"""How long a call may go on: work that nobody waits for any more ends between two of its pieces.

A caller that has given up cannot be seen from inside a kernel. So the service, which runs work for others, makes
a :class:`Budget` and runs the work inside ``with budget:``; the loops below it (pieces of a batch, levels of
a tree, stages of a block) call :func:`checkpoint` between two steps, which raises once the budget is used up.
For that, batches are cut into pieces even where one thread does them all (:func:`pycore.base.parallel.cut`).
Without a budget `checkpoint` reads one variable, and nothing is cut that would not be cut anyway.

Whatever was being changed when a checkpoint raised, such as a growing tree, is half done: throw it away.
"""

from __future__ import annotations

import time
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class StoppedError(Exception):
    """Work ended before it was done because nobody waits for it. There is no result."""


class ExpiredError(StoppedError):
    """The deadline passed."""


class AbandonedError(StoppedError):
    """The caller has gone, or the service ends."""


class Budget:
    """Until when, and for whom, work may go on. A context manager: it applies to the code inside.

    Any number of threads may check one budget; each `with` belongs to one thread, and a budget is entered once.

    Args:
        deadline: a time of `clock` in seconds, or None for no deadline.
        clock: seconds, monotonic.

    >>> with Budget(deadline=5.0, clock=lambda: 4.9):
    ...     checkpoint()
    >>> with Budget(deadline=5.0, clock=lambda: 5.0):
    ...     checkpoint()
    Traceback (most recent call last):
        ...
    pycore.base.deadline.ExpiredError: the deadline passed
    """

    __slots__ = ("_cancelled", "_clock", "_token", "deadline")

    def __init__(self, deadline: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.deadline = deadline
        self._clock = clock
        self._cancelled = False
        self._token: Token[Budget | None] | None = None

    def cancel(self) -> None:
        """Makes every later check raise. May be called from any thread."""
        self._cancelled = True

    def check(self) -> None:
        """Nothing while the work may go on.

        Raises:
            AbandonedError: it was cancelled.
            ExpiredError: the deadline has passed.
        """
        if self._cancelled:
            raise AbandonedError("the caller has gone")
        if self.deadline is not None and self._clock() >= self.deadline:
            raise ExpiredError("the deadline passed")

    def left(self) -> float | None:
        """Seconds until the deadline, or None without one. Raises as `check`."""
        self.check()
        return None if self.deadline is None else max(0.0, self.deadline - self._clock())

    def __enter__(self) -> Budget:
        self._token = _current.set(self)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


_current: ContextVar[Budget | None] = ContextVar("pycore_budget", default=None)


def checkpoint() -> None:
    """A place where work may end early.

    Raises:
        StoppedError: the budget of this context is used up.
    """
    budget = _current.get()
    if budget is not None:
        budget.check()


def time_left() -> float | None:
    """Seconds that the budget of this context leaves to somebody who is asked; None without a deadline.

    Raises:
        StoppedError: it is used up.
    """
    budget = _current.get()
    return None if budget is None else budget.left()


def limited() -> bool:
    """Whether a budget applies, so that work is worth cutting into pieces."""
    return _current.get() is not None
