"""Merkle inclusion proofs, many at once: sides and number of their steps, and the pairs of one level of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.kernels._jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gather_pairs", "walk_batch"]


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


def gather_pairs(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    steps: NDArray[np.int64],
    left: NDArray[np.uint64],
    own: NDArray[np.uint64],
    current: NDArray[np.uint8],
    step: int,
    pairs: NDArray[np.uint8],
    active: NDArray[np.int64],
    bad: NDArray[np.bool_],
    equal_siblings: bool,
) -> int:
    """Node and sibling of every proof that has a step number `step`, in hashing order.

    Args:
        data: uint8, the siblings of all proofs; those of proof i begin at ``starts[i]``.
        starts, steps, left, own: (n,); steps, left and own as of :func:`walk_batch`, 0 steps for proofs left out.
        current: uint8 (n, size), the node that each proof has reached.
        step: which level, from the leaf.
        pairs: uint8 (n, 2, size), filled from the front.
        active: int64 (n,), filled with the proof of each pair.
        bad: bool (n,), set where a node and its sibling must be equal and are not, or the other way round.
        equal_siblings: whether a node may have an equal sibling that is not itself.

    Returns:
        The number of pairs.
    """
    return int(_gather(data, starts, steps, left, own, current, step, pairs, active, bad, equal_siblings))


@kernel
def _gather(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    steps: NDArray[np.int64],
    left: NDArray[np.uint64],
    own: NDArray[np.uint64],
    current: NDArray[np.uint8],
    step: int,
    pairs: NDArray[np.uint8],
    active: NDArray[np.int64],
    bad: NDArray[np.bool_],
    equal_siblings: bool,
) -> int:
    count = 0
    size = current.shape[1]
    shift, one = np.uint64(step), np.uint64(1)
    compares = not equal_siblings
    for i in range(len(steps)):
        if steps[i] <= step:
            continue
        sibling = data[starts[i] + step * size : starts[i] + (step + 1) * size]
        mine = current[i]
        left_side = np.int64((left[i] >> shift) & one)
        to_sibling, to_mine = pairs[count, 1 - left_side], pairs[count, left_side]
        for k in range(size):
            to_sibling[k] = sibling[k]
            to_mine[k] = mine[k]
        is_self = (own[i] >> shift) & one != 0
        if is_self or compares:
            equal = True
            for k in range(size):
                equal &= sibling[k] == mine[k]
            if equal != is_self:
                bad[i] = True
        active[count] = i
        count += 1
    return count
