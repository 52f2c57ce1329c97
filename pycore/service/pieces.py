"""Large requests piece by piece, so that others come in between.

A request of many independent rows is done in pieces of about `_PIECE_S` each. Between two of them its thread is given
back where others wait; where nobody does it goes on, and pays nothing but shorter calls of the kernel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from pycore.base.columns import Column
from pycore.base.deadline import checkpoint
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.service.priorities import Priority
from pycore.service.scheduling import LATER
from pycore.service.work import Work
from pycore.service.workers import Workers

__all__ = ["in_pieces", "is_short"]

T = TypeVar("T")

_PIECE_S = 0.02
_FIRST, _LEAST, _MOST = 2048, 1024, 1 << 16  # rows: the kernels lose nothing above the least
_PIECE_BYTES = 4 << 20
_ROW_BY_ROW = {"VerifySignatures", "HashBatch"}


def in_pieces(
    work: Work, answer: Callable[[Any], T], do: Callable[[Work], Any], workers: Workers, priority: Priority
) -> Callable[[], T]:
    """What does a work and makes its answer; it may give `scheduling.LATER` instead, to be called again."""
    if not _is_row_by_row(work) or _is_small(work):
        return lambda: answer(do(work))
    nbytes = sum(one.nbytes for one in work.columns)
    return _Pieces(work, answer, do, lambda: workers.others_wait(priority), nbytes)


def is_short(work: Work) -> bool:
    """Whether a work is one of rows, and so few that it is done in one piece."""
    return _is_row_by_row(work) and _is_small(work)


def _is_small(work: Work) -> bool:
    return work.n <= _FIRST and sum([one.nbytes for one in work.columns]) <= _PIECE_BYTES


def _is_row_by_row(work: Work) -> bool:
    if work.kind not in _ROW_BY_ROW:
        return False
    return all(not (not isinstance(one, Column) or one.n != work.n) for one in work.columns)


class _Pieces(Generic[T]):
    """A work of which some rows are done. Belongs to one thread at a time."""

    def __init__(
        self,
        work: Work,
        answer: Callable[[Any], T],
        do: Callable[[Work], Any],
        others_wait: Callable[[], bool],
        nbytes: int,
    ) -> None:
        self._work = work
        self._answer = answer
        self._do = do
        self._others_wait = others_wait
        self._most = max(1, min(_MOST, _PIECE_BYTES * work.n // max(1, nbytes)))
        self._rows = min(_FIRST, self._most)
        self._done = 0
        self._results: list[Any] = []

    def __call__(self) -> T:
        work = self._work
        while self._done < work.n:
            checkpoint()
            end = min(work.n, self._done + self._rows)
            began = time.perf_counter()
            try:
                self._results.append(self._do(_rows_of(work, self._done, end)))
            except InputError:
                return self._answer(self._do(work))  # its words count rows from the first
            self._adapt(time.perf_counter() - began)
            self._done = end
            if self._done < work.n and self._others_wait():
                return LATER  # type: ignore[no-any-return]
        return self._answer(_merged(self._results))

    def _adapt(self, seconds: float) -> None:
        """Rows of the next piece: half or twice as many as of the last one, where that took too long or too short."""
        if seconds > 1.5 * _PIECE_S:
            self._rows = max(self._rows // 2, min(_LEAST, self._most))
        elif seconds < 0.5 * _PIECE_S:
            self._rows = min(self._rows * 2, self._most)


def _rows_of(work: Work, start: int, stop: int) -> Work:
    columns = tuple(column.slice(start, stop) for column in work.columns)
    return Work(work.kind, work.options, columns, stop - start, stop - start)


def _merged(results: list[Any]) -> Any:
    if isinstance(results[0], Verdicts):
        return Verdicts.of_kernel(np.concatenate([one.codes for one in results]))
    return np.concatenate(results)
