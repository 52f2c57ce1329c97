"""Tree layout, proof positions and hashing schedules: the integer side of Merkle trees.

All nodes of a tree lie in one array, **level after level**, leaves first: level l is rows ``starts[l]`` up to
``starts[l + 1]``, and every level has half of the nodes below it, rounded up, whatever becomes of an odd last node.

A **plan** says in which order to hash from some known nodes up to a root. It names nodes by slots: first the known
nodes, then the nodes that a proof supplies (``helpers``), then every parent in the order in which it is computed. The
parents of one wave do not depend on each other, so a wave is one batch of hashes::

    slots = known + helpers
    for w in range(len(plan.waves) - 1):
        pairs = slice(plan.waves[w], plan.waves[w + 1])
        slots += [H(slots[l] + slots[r]) for l, r in zip(plan.left[pairs], plan.right[pairs])]
    root = slots[plan.root]

A plan follows from positions and sizes alone: no proof gets to say how it is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.buffers import describe, index_array
from pycore.errors import InputError, LengthError, ShapeError
from pycore.kernels._arrays import vector
from pycore.kernels._jit import kernel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "MAX_LEAVES",
    "Plan",
    "common_prefix_bits",
    "level_starts",
    "multiproof_plan",
    "proof_rows",
    "range_nodes",
    "ssz_helpers",
    "ssz_plan",
]

MAX_LEAVES = 1 << 62
"""Rows of the level-after-level array are int64, and a tree has little more than twice as many nodes as leaves."""


class Plan(NamedTuple):
    """How to hash from known nodes up to one root; see the module.

    Attributes:
        known: what the first slots hold, in order: leaf positions (int64), or generalized indices (uint64) as given.
        helpers: what the proof supplies, in the proof's order: rows of the level-after-level array (int64), or
            generalized indices (uint64).
        left, right: int64 (parents,), the slots of the children of every parent.
        waves: int64 (waves + 1,): wave w computes parents ``waves[w]`` up to ``waves[w + 1]``.
        root: the slot of the root.
    """

    known: NDArray[np.int64] | NDArray[np.uint64]
    helpers: NDArray[np.int64] | NDArray[np.uint64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    waves: NDArray[np.int64]
    root: int


# ---- layout ---------------------------------------------------------------------------------------------------------


def level_starts(leaf_count: int) -> NDArray[np.int64]:
    """Where the levels of a tree start in the level-after-level array.

    Args:
        leaf_count: number of leaves, up to ``MAX_LEAVES``.

    Returns:
        int64 (levels + 1,); the last entry is the number of nodes. A tree without leaves has no level.

    >>> level_starts(5)
    array([ 0,  5,  8, 10, 11])
    """
    _leaves(leaf_count, 0)
    starts, count = [0], leaf_count
    while count:
        starts.append(starts[-1] + count)
        count = 0 if count == 1 else (count + 1) >> 1
    return np.array(starts, dtype=np.int64)


def proof_rows(indices: ArrayLike, leaf_count: int, *, promotes: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the siblings that prove leaves, in the level-after-level array.

    Args:
        indices: k leaf positions, in any order, repeats allowed.
        leaf_count: number of leaves.
        promotes: True when an odd last node moves up as it is (RFC 9162) and adds no step; False when it is paired
            with itself (Bitcoin, ChainMaker): the proof carries the node itself then.

    Returns:
        ``(rows, offsets)``: int64 arrays; leaf ``indices[i]`` is proved by ``rows[offsets[i]:offsets[i + 1]]``, from
        the leaf up.

    Raises:
        InputError: a position outside the tree.

    >>> rows, offsets = proof_rows([4, 0], 5, promotes=True)
    >>> rows.tolist(), offsets.tolist()
    ([8, 1, 6, 9], [0, 1, 4])
    """
    _leaves(leaf_count, 1)
    return _proof_rows(index_array(indices, "indices", leaf_count), level_starts(leaf_count), promotes)


def range_nodes(begin: int, end: int) -> list[tuple[int, int]]:
    """The fewest complete subtrees that cover leaves begin up to end: ``(level, index)`` from left to right.

    Node (level, index) covers leaves ``index << level`` up to ``(index + 1) << level``. The nodes of (0, n) are the
    frontier of a tree of n leaves: one for every one-bit of n, the largest first.

    >>> range_nodes(0, 11), range_nodes(3, 8)
    ([(3, 0), (1, 4), (0, 10)], [(0, 3), (2, 1)])
    """
    _leaves(end, 0, "end")
    _leaves(begin, 0, "begin", end)
    nodes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


# ---- multiproofs ----------------------------------------------------------------------------------------------------


def multiproof_plan(indices: ArrayLike, leaf_count: int, *, promotes: bool) -> Plan:
    """How to prove many leaves of a tree at once, and how to check it.

    Args:
        indices: leaf positions, in any order, repeats allowed.
        leaf_count: number of leaves, from a source you trust.
        promotes: as for :func:`proof_rows`; a node that is paired with itself is not in the proof.

    Returns:
        A plan whose ``known`` are the distinct positions in ascending order and whose ``helpers`` are rows of the
        level-after-level array: level by level from the leaves, from left to right within a level. No node that
        follows from others is among them.

    Raises:
        InputError: a position outside the tree, or none at all.

    >>> plan = multiproof_plan([1, 4], 5, promotes=True)
    >>> plan.helpers.tolist(), plan.left.tolist(), plan.right.tolist(), plan.waves.tolist(), plan.root
    ([0, 6], [2, 4, 5], [0, 3, 1], [0, 1, 2, 3], 6)
    """
    _leaves(leaf_count, 1)
    known = np.unique(index_array(indices, "indices", leaf_count))
    if not len(known):
        raise LengthError("indices", "none", "one position or more")
    helpers, left, right, waves, root = _multiproof(known, level_starts(leaf_count), promotes)
    return Plan(known, helpers, left, right, waves, int(root))


# ---- generalized indices --------------------------------------------------------------------------------------------


def ssz_helpers(indices: ArrayLike) -> NDArray[np.uint64]:
    """Generalized indices of the nodes that a multiproof of these nodes needs, in descending order.

    Args:
        indices: k generalized indices, 1 up to 2^64 - 1: the root is 1, the children of i are 2 i and 2 i + 1.

    Returns:
        uint64 (h,).

    Raises:
        InputError: no index, an index of 0 or twice, or one that lies below another: the upper one would make the
            lower one worth nothing.

    Source: Ethereum consensus specifications, ssz/merkle-proofs.md, get_helper_indices.

    >>> ssz_helpers([8, 9, 14]).tolist()
    [15, 6, 5]
    """
    helpers: NDArray[np.uint64] = ssz_plan(indices).helpers  # type: ignore[assignment]
    return helpers


def ssz_plan(indices: ArrayLike) -> Plan:
    """How to check an SSZ multiproof: plan over generalized indices, helpers in the order of :func:`ssz_helpers`.

    Args, Raises: as for :func:`ssz_helpers`; ``known`` are the indices in the order in which they are given.

    Source: Ethereum consensus specifications, ssz/merkle-proofs.md, calculate_multi_merkle_root.

    >>> plan = ssz_plan([9, 8])
    >>> plan.helpers.tolist(), plan.left.tolist(), plan.right.tolist(), plan.waves.tolist(), plan.root
    ([5, 3], [1, 4, 5], [0, 2, 3], [0, 1, 2, 3], 6)
    """
    known = _generalized(indices)
    order = np.argsort(known, kind="stable")[::-1].astype(np.int64)
    repeated = known[order[1:]] == known[order[:-1]]
    bad = int(order[repeated.argmax()]) if repeated.any() else -1
    if bad < 0:
        bad, helpers, left, right, waves, root = _ssz(known, order)
    if bad >= 0:
        wanted = "indices that are distinct, none below another"
        raise InputError(f"indices[{int(bad)}]", str(int(known[bad])), wanted)
    return Plan(known, helpers, left, right, waves, int(root))


# ---- sparse trees ---------------------------------------------------------------------------------------------------


def common_prefix_bits(keys: ArrayLike) -> NDArray[np.int64]:
    """How many leading bits every key shares with the one before it: where the two part in a sparse tree.

    Args:
        keys: uint8 (n, width), big-endian: bit 0 is the highest bit of byte 0.

    Returns:
        int64 (n,); the first entry is -1, and ``8 * width`` where two keys are equal.

    >>> import numpy as np
    >>> common_prefix_bits(np.array([[0x00, 0], [0x01, 0], [0x01, 0], [0x81, 0]], dtype=np.uint8)).tolist()
    [-1, 7, 16, 0]
    """
    if not isinstance(keys, np.ndarray) or keys.ndim != 2 or keys.dtype != np.uint8:
        raise ShapeError("keys", describe(keys), "uint8 array of shape (n, width)")
    return _common_prefix_bits(np.ascontiguousarray(keys))


# ---- kernels --------------------------------------------------------------------------------------------------------


def _generalized(indices: ArrayLike) -> NDArray[np.uint64]:
    wanted = "generalized indices from 1 to 2**64 - 1 of shape (n,)"
    if isinstance(indices, (list, tuple)) and all(isinstance(i, int) and 0 < i < 1 << 64 for i in indices):
        array: NDArray[Any] = np.array(indices, dtype=np.uint64)  # numpy's own choice for mixed sizes is float64
    else:
        array = vector(indices, "indices", "iu", wanted)
    if not array.size:
        raise LengthError("indices", "none", "one generalized index or more")
    low = array <= 0
    if low.any():
        at = int(low.argmax())
        raise InputError(f"indices[{at}]", str(int(array[at])), "1 or more: the root is 1")
    return np.ascontiguousarray(array, dtype=np.uint64)


def _leaves(value: object, smallest: int, field: str = "leaf_count", largest: int = MAX_LEAVES) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        raise InputError(field, describe(value), f"a number of leaves from {smallest} to {largest}")


@kernel
def _proof_rows(
    indices: NDArray[np.int64], starts: NDArray[np.int64], promotes: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n, depth = len(indices), len(starts) - 2
    rows = np.empty(n * depth, np.int64)
    offsets = np.zeros(n + 1, np.int64)
    end = 0
    for i in range(n):
        position = indices[i]
        for level in range(depth):
            sibling = position ^ 1
            if sibling < starts[level + 1] - starts[level]:
                rows[end] = starts[level] + sibling
                end += 1
            elif not promotes:
                rows[end] = starts[level] + position
                end += 1
            position >>= 1
        offsets[i + 1] = end
    return rows[:end], offsets


@kernel
def _multiproof(
    known: NDArray[np.int64], starts: NDArray[np.int64], promotes: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    n, depth = len(known), len(starts) - 2
    positions, slots = known.copy(), np.arange(n)  # of the nodes known on the current level, ascending
    helpers = np.empty(n * depth, np.int64)
    left, right = np.empty(n * depth, np.int64), np.empty(n * depth, np.int64)
    waves = np.zeros(depth + 1, np.int64)
    helper_count = parent_count = wave_count = 0
    # A slot of a helper is written as -1 - its number, one of a parent as n + its number: how many helpers there are,
    # and so where the parents start, is known at the end only.
    for level in range(depth):
        width = starts[level + 1] - starts[level]
        read = write = 0
        while read < n:
            position, slot = positions[read], slots[read]
            read += 1
            other = position ^ 1
            if other >= width and promotes:
                positions[write], slots[write] = position >> 1, slot
                write += 1
                continue
            if other >= width:
                partner = slot
            elif read < n and positions[read] == other:
                partner = slots[read]
                read += 1
            else:
                partner = -1 - helper_count
                helpers[helper_count] = starts[level] + other
                helper_count += 1
            swap = position & 1
            left[parent_count] = partner if swap else slot
            right[parent_count] = slot if swap else partner
            positions[write], slots[write] = position >> 1, len(known) + parent_count
            write += 1
            parent_count += 1
        n = write
        if parent_count > waves[wave_count]:
            wave_count += 1
            waves[wave_count] = parent_count
    left, right = left[:parent_count].copy(), right[:parent_count].copy()
    _settle(left, len(known), helper_count)
    _settle(right, len(known), helper_count)
    root = slots[0] if slots[0] < len(known) else slots[0] + helper_count
    return helpers[:helper_count].copy(), left, right, waves[: wave_count + 1].copy(), root


@kernel
def _settle(slots: NDArray[np.int64], known: int, helpers: int) -> None:
    """Provisional slots to final ones: known nodes, helpers, parents."""
    for i in range(len(slots)):
        if slots[i] < 0:
            slots[i] = known - 1 - slots[i]
        elif slots[i] >= known:
            slots[i] += helpers


@kernel
def _ssz(
    known: NDArray[np.uint64], order: NDArray[np.int64]
) -> tuple[int, NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    one = np.uint64(1)
    n = len(known)
    deepest = 0
    top = known[order[0]]
    while top > one:
        top >>= one
        deepest += 1
    # Two descending queues, merged: what is given, and the parents found so far. A parent is smaller than all that was
    # taken before it was made, so both stay sorted.
    queue = np.empty(n * deepest + 1, np.uint64)
    queue_slots = np.empty(n * deepest + 1, np.int64)
    helpers = np.empty(n * deepest, np.uint64)
    left, right = np.empty(n * deepest, np.int64), np.empty(n * deepest, np.int64)
    waves = np.zeros(deepest + 1, np.int64)
    given = head = tail = helper_count = parent_count = wave_count = 0
    floor = one << np.uint64(deepest)  # the first index of the level at hand
    while True:
        if _clash(known, order, given, queue, head, tail):
            return order[given], helpers, left, right, waves, 0
        from_given = given < n and (head == tail or known[order[given]] > queue[head])
        node = known[order[given]] if from_given else queue[head]
        slot = order[given] if from_given else queue_slots[head]
        if from_given:
            given += 1
        else:
            head += 1
        if node == one:
            break
        while node < floor:
            floor >>= one
            if parent_count > waves[wave_count]:
                wave_count += 1
                waves[wave_count] = parent_count
        # The sibling of an odd index comes next, if it is known; that of an even one was before it, so is not.
        other = node ^ one
        if _clash(known, order, given, queue, head, tail):
            return order[given], helpers, left, right, waves, 0
        if node & one and given < n and known[order[given]] == other:
            partner = order[given]
            given += 1
        elif node & one and head < tail and queue[head] == other:
            partner = queue_slots[head]
            head += 1
        else:
            partner = -1 - helper_count
            helpers[helper_count] = other
            helper_count += 1
        left[parent_count] = partner if node & one else slot
        right[parent_count] = slot if node & one else partner
        queue[tail], queue_slots[tail] = node >> one, n + parent_count
        tail += 1
        parent_count += 1
    if given < n:
        return order[given], helpers, left, right, waves, 0
    if parent_count > waves[wave_count]:
        wave_count += 1
        waves[wave_count] = parent_count
    left, right = left[:parent_count].copy(), right[:parent_count].copy()
    _settle(left, n, helper_count)
    _settle(right, n, helper_count)
    root = slot if slot < n else slot + helper_count
    return -1, helpers[:helper_count].copy(), left, right, waves[: wave_count + 1].copy(), root


@kernel
def _clash(
    known: NDArray[np.uint64],
    order: NDArray[np.int64],
    given: int,
    queue: NDArray[np.uint64],
    head: int,
    tail: int,
) -> bool:
    """Whether the next given index is also the next parent: it lies above another given one."""
    return given < len(known) and head < tail and known[order[given]] == queue[head]


@kernel
def _common_prefix_bits(keys: NDArray[np.uint8]) -> NDArray[np.int64]:
    n, width = keys.shape
    shared = np.empty(n, np.int64)
    if n:
        shared[0] = -1
    for i in range(1, n):
        bits = 0
        for k in range(width):
            different = keys[i, k] ^ keys[i - 1, k]
            if different == 0:
                bits += 8
                continue
            while different < 128:
                different = different << 1
                bits += 1
            break
        shared[i] = bits
    return shared
