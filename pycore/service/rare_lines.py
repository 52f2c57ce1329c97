"""Lines of the log that strangers can cause: one a second of each kind, so that nobody fills a disk with them."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass

from pycore.service.locked import locked

__all__ = ["RareLines"]

_EVERY_S = 1.0


@dataclass
class _Line:
    """When a line may come again, and how often it has not come since."""

    next: float = 0.0
    silent: int = 0


class RareLines:
    """Says which lines to write. Any thread may ask.

    Args:
        most: kinds that are told apart, where strangers choose them; the others count as one.

    >>> lines = RareLines(2)
    >>> [lines.more("a", 10.0), lines.more("b", 10.0), lines.more("a", 10.5), lines.more("a", 11.0)]
    [0, 0, None, 1]
    >>> lines.more("c", 11.0), lines.more("d", 11.0)
    (0, None)
    """

    def __init__(self, most: int) -> None:
        self.lock = threading.RLock()
        self._most = most
        self._seen: dict[Hashable, _Line] = {}

    @locked
    def more(self, kind: Hashable, now: float) -> int | None:
        """How many lines of this kind were left out before this one; None where this one is left out."""
        known = kind in self._seen or len(self._seen) < self._most
        line = self._seen.setdefault(kind if known else None, _Line())
        if now < line.next:
            line.silent += 1
            return None
        silent, line.next, line.silent = line.silent, now + _EVERY_S, 0
        return silent
