"""Transaction dependency lists.

A block may say which earlier transactions each of its transactions must follow. Written as neighbour lists, the lists
are sound when every neighbour is smaller than the transaction's own index (so there is no cycle, and nothing waits
for the future) and they are strictly increasing (so there is one way to write a list down, and no repeats).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from pycore.base.jit import kernel, warms
from pycore.base.jit_arrays import positions, vector
from pycore.errors import LengthError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DependencyCode", "check_dependencies", "dependency_levels"]


class DependencyCode(IntEnum):
    """The fault of one transaction's neighbour list, judged by its first wrong neighbour."""

    SOUND = 0
    NOT_EARLIER = 1
    """A neighbour is not smaller than the transaction's own index."""
    NOT_INCREASING = 2
    """A neighbour is not larger than the one before it."""


def check_dependencies(offsets: ArrayLike, neighbors: ArrayLike) -> tuple[int, NDArray[np.uint8]]:
    """Check the neighbour lists of n transactions.

    Args:
        offsets: n + 1 integers that never decrease, from 0 to the number of neighbours: transaction i's list is
            ``neighbors[offsets[i]:offsets[i + 1]]``.
        neighbors: all lists, one after another.

    Returns:
        ``(first, codes)``: position in `neighbors` of the first one that breaks the rule, or -1; and uint8 (n,) of
        :class:`DependencyCode`.

    Raises:
        InputError: the offsets do not describe lists within `neighbors`.

    Source: ChainMaker's simulated execution of a block's DAG, which refuses exactly these.

    >>> first, codes = check_dependencies([0, 0, 1, 3, 5], [0, 0, 1, 2, 2])
    >>> first, codes.tolist()
    (4, [0, 0, 0, 2])
    """
    bounds, lists = _csr(offsets, neighbors)
    first, codes = _check(bounds, lists)
    return int(first), codes


def dependency_levels(offsets: ArrayLike, neighbors: ArrayLike) -> NDArray[np.int64]:
    """How early every transaction can run: 0 without neighbours, else one more than the latest of them.

    Args:
        offsets, neighbors: as for :func:`check_dependencies`, and sound by it.

    Returns:
        int64 (n,). Transactions of the same level do not depend on each other; the largest level plus one is the
        number of rounds that the block takes on any number of workers.

    Raises:
        InputError: the lists are not sound.

    >>> dependency_levels([0, 0, 1, 2, 4], [0, 0, 1, 2])
    array([0, 1, 1, 2])
    """
    bounds, lists = _csr(offsets, neighbors)
    first, _ = _check(bounds, lists)
    if first >= 0:
        raise LengthError(f"neighbors[{int(first)}]", str(int(lists[first])), "sound lists: see check_dependencies")
    return _levels(bounds, lists)


def _csr(offsets: ArrayLike, neighbors: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    bounds = np.ascontiguousarray(vector(offsets, "offsets", "iu", "n + 1 integers"), dtype=np.int64)
    lists = positions(neighbors, "neighbors")
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != len(lists):
        got = "none" if not len(bounds) else f"{int(bounds[0])} to {int(bounds[-1])}"
        raise LengthError("offsets", got, f"0 to {len(lists)}, the number of neighbors")
    down = bounds[1:] < bounds[:-1]
    if down.any():
        at = int(down.argmax()) + 1
        raise LengthError(f"offsets[{at}]", f"{bounds[at]} after {bounds[at - 1]}", "offsets that never decrease")
    return bounds, lists


@kernel
def _check(bounds: NDArray[np.int64], lists: NDArray[np.int64]) -> tuple[int, NDArray[np.uint8]]:
    n = len(bounds) - 1
    codes = np.zeros(n, np.uint8)
    first = -1
    for i in range(n):
        before = -1
        for k in range(bounds[i], bounds[i + 1]):
            neighbor = lists[k]
            if neighbor < 0 or neighbor >= i:
                codes[i] = 1
            elif neighbor <= before:
                codes[i] = 2
            else:
                before = neighbor
                continue
            if first < 0:
                first = k
            break
    return first, codes


@kernel
def _levels(bounds: NDArray[np.int64], lists: NDArray[np.int64]) -> NDArray[np.int64]:
    n = len(bounds) - 1
    levels = np.zeros(n, np.int64)
    for i in range(n):
        for k in range(bounds[i], bounds[i + 1]):
            levels[i] = max(levels[i], levels[lists[k]] + 1)
    return levels


@warms
def _warm_up() -> None:
    dependency_levels([0, 0, 1], [0])
