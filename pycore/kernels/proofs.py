"""Merkle inclusion proofs, many at once: sides and number of their steps, and the pairs of one level of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.kernels._jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["walk_batch"]


def walk_batch(
    index: NDArray[np.uint64], leaf_count: NDArray[np.uint64], *, promotes: bool
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
    """For every (index, leaf_count) the way from the leaf to the root.

    Args:
        index: uint64 (n,), position of the leaf.
        leaf_count: uint64 (n,), number of leaves of the tree.
        promotes: True when an odd last node moves up as it is (RFC 9162) and adds no step; False when it is paired
            with itself (Bitcoin, ChainMaker).

    Returns:
        ``(steps, left, self)``: int64 (n,) number of siblings that a proof must have, -1 where index >= leaf_count;
        uint64 (n,), bit s of which is 1 when the sibling of step s (from the leaf) is on the left; uint64 (n,), bit s
        of which is 1 when step s pairs the node with itself.

    >>> import numpy as np
    >>> u64 = lambda *values: np.array(values, dtype=np.uint64)
    >>> steps, left, own = walk_batch(u64(0, 2, 3), u64(3, 3, 3), promotes=True)
    >>> steps.tolist(), left.tolist()
    ([2, 1, -1], [0, 1, 0])
    """
    return _walk(np.ascontiguousarray(index, np.uint64), np.ascontiguousarray(leaf_count, np.uint64), promotes)


@kernel
def _walk(
    index: NDArray[np.uint64], leaf_count: NDArray[np.uint64], promotes: bool
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
    one = np.uint64(1)  # uint64 with a signed integer would become a float
    n = len(index)
    steps = np.empty(n, np.int64)
    left = np.zeros(n, np.uint64)
    own = np.zeros(n, np.uint64)
    for i in range(n):
        if index[i] >= leaf_count[i]:
            steps[i] = -1
            continue
        position = index[i]
        last = leaf_count[i] - one
        bit = one
        count = 0
        while last:
            if position & one:
                left[i] |= bit
                count += 1
                bit <<= one
            elif position < last or not promotes:
                if position == last:
                    own[i] |= bit
                count += 1
                bit <<= one
            position >>= one
            last >>= one
        steps[i] = count
    return steps, left, own
