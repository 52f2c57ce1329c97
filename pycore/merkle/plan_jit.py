"""Proof positions and hashing schedules: the integer side of Merkle trees.

A **plan** says in which order to hash from some known nodes up to a root. It names nodes by slots: first the known
nodes, then the nodes that a proof supplies (``helpers``), then, where the shape pads, the ``ZEROS`` roots of empty
subtrees by height, then every parent in the order in which it is computed. The parents of one wave do not depend on
each other, so a wave is one batch of hashes::

    slots = known + helpers + zeros
    for w in range(len(plan.waves) - 1):
        pairs = slice(plan.waves[w], plan.waves[w + 1])
        slots += [H(slots[l] + slots[r]) for l, r in zip(plan.left[pairs], plan.right[pairs])]
    root = slots[plan.root]

A plan follows from positions and sizes alone: no proof gets to say how it is checked. ``pycore.merkle.loops_jit``
hashes what a plan says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pycore.base.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.registry import Tree

__all__ = ["ZEROS", "Plan", "multiproof_plan", "proofs", "ssz_plan"]

ZEROS = 65
"""Slots for the roots of empty subtrees: heights 0 to 64."""


class Plan(NamedTuple):
    """How to hash from known nodes up to one root; see the module.

    Attributes:
        helpers: what the proof supplies, in the proof's order: heights and positions, int64 (h, 2), or generalized
            indices, uint64 (h,).
        left, right: int64 (parents,), the slots of the children of every parent; the same slot twice where a node is
            paired with itself.
        waves: int64 (waves + 1,): wave w computes parents ``waves[w]`` up to ``waves[w + 1]``.
        root: the slot of the root.
    """

    helpers: NDArray[np.int64] | NDArray[np.uint64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    waves: NDArray[np.int64]
    root: int


# ---- proofs of single leaves ----------------------------------------------------------------------------------------


def proofs(
    nodes: NDArray[np.uint8],
    leaf_count: int,
    indices: NDArray[np.int64],
    tree: Tree,
    depth: int,
    zeros: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The inclusion proofs of many leaves, one after another.

    Args:
        nodes: C-contiguous uint8 (nodes, digest_size), a tree level after level, leaves first.
        leaf_count: number of leaves.
        indices: int64 (k,), positions below leaf_count.
        tree: the shape.
        depth: levels above the leaves; a padded tree may have more than `nodes` holds.
        zeros: uint8 (65, digest_size), roots of empty subtrees; read where the tree pads.

    Returns:
        uint8 and int64 (k + 1,): the siblings of leaf ``indices[i]``, from the leaf up, are the bytes from
        ``offsets[i]`` up to ``offsets[i + 1]``.

    >>> import numpy as np, pycore
    >>> nodes = np.arange(6, dtype=np.uint8).repeat(32).reshape(6, 32)  # of 3 leaves: 0 1 2, 3 4, 5
    >>> data, offsets = proofs(nodes, 3, np.array([2, 0]), pycore.TREES["rfc9162"], 2, nodes)
    >>> data[::32].tolist(), offsets.tolist()
    ([3, 1, 4], [0, 32, 96])
    """
    return _proofs(nodes, leaf_count, np.ascontiguousarray(indices), tree.promotes, tree.pads, depth, zeros)


# ---- multiproofs ----------------------------------------------------------------------------------------------------


def multiproof_plan(indices: NDArray[np.int64], leaf_count: int, tree: Tree, depth: int) -> Plan:
    """How to prove many leaves of a tree at once, and how to check it.

    Args:
        indices: int64 (k,), ascending distinct positions below leaf_count, k > 0.
        leaf_count: number of leaves, below 2^63.
        tree: the shape.
        depth: levels above the leaves, up to 64; more than the leaves need only where the tree pads.

    Returns:
        A plan for leaves in the order of `indices`; its helpers stand level by level from the leaves, from left to
        right within a level. No node that follows from others or from the shape is among them.

    >>> import numpy as np, pycore
    >>> plan = multiproof_plan(np.array([1, 4]), 5, pycore.TREES["rfc9162"], 3)
    >>> plan.helpers.tolist(), plan.left.tolist(), plan.right.tolist(), plan.waves.tolist(), plan.root
    ([[0, 0], [1, 1]], [2, 4, 5], [0, 3, 1], [0, 1, 2, 3], 6)
    """
    helpers, left, right, waves, root = _multiproof(indices, leaf_count, tree.promotes, tree.pads, depth)
    return Plan(helpers, left, right, waves, int(root))


def ssz_plan(indices: NDArray[np.uint64]) -> Plan | None:
    """How to check an SSZ multiproof.

    Args:
        indices: uint64 (k,), k > 0: generalized indices, none of them 0.

    Returns:
        A plan for nodes in the order of `indices`; its helpers are generalized indices from the largest down. None when
        an index is there twice or lies below another: what is above would be overwritten by what is hashed from below.

    Source: Ethereum consensus specifications, ssz/merkle-proofs.md: get_helper_indices, calculate_multi_merkle_root.

    >>> import numpy as np
    >>> plan = ssz_plan(np.array([9, 8], dtype=np.uint64))
    >>> plan.helpers.tolist(), plan.left.tolist(), plan.right.tolist(), plan.waves.tolist(), plan.root
    ([5, 3], [1, 4, 5], [0, 2, 3], [0, 1, 2, 3], 6)
    """
    order = np.argsort(indices, kind="stable")[::-1].astype(np.int64)
    if (indices[order[1:]] == indices[order[:-1]]).any():
        return None
    bad, helpers, left, right, waves, root = _ssz(indices, order)
    return Plan(helpers, left, right, waves, int(root)) if bad < 0 else None


# ---- kernels --------------------------------------------------------------------------------------------------------


@kernel
def _put(row: NDArray[np.uint8], data: NDArray[np.uint8], at: int) -> int:
    for k in range(len(row)):
        data[at + k] = row[k]
    return at + len(row)


@kernel
def _proofs(
    nodes: NDArray[np.uint8],
    leaf_count: int,
    indices: NDArray[np.int64],
    promotes: bool,
    pads: bool,
    depth: int,
    zeros: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    size = nodes.shape[1]
    offsets = np.zeros(len(indices) + 1, np.int64)
    for i in range(len(indices)):
        steps, index, last = depth, indices[i], leaf_count - 1
        while last and promotes:
            if index == last and not index & 1:
                steps -= 1
            index, last = index >> 1, last >> 1
        offsets[i + 1] = offsets[i] + steps * size
    data = np.empty(offsets[-1], np.uint8)
    for i in range(len(indices)):
        at, index, start, width = offsets[i], indices[i], 0, leaf_count
        for height in range(depth):
            sibling = index ^ 1
            if sibling < width:
                at = _put(nodes[start + sibling], data, at)
            elif pads:
                at = _put(zeros[height], data, at)
            elif not promotes:
                at = _put(nodes[start + index], data, at)
            index, start, width = index >> 1, start + width, (width + 1) >> 1
    return data, offsets


@kernel
def _multiproof(
    known: NDArray[np.int64], leaf_count: int, promotes: bool, pads: bool, depth: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    n = count = len(known)
    positions, slots = known.copy(), np.arange(n)  # of the nodes known on the current level, ascending
    most = _room(known, depth)
    helpers = np.empty((most, 2), np.int64)
    left, right = np.empty(most, np.int64), np.empty(most, np.int64)
    waves = np.zeros(depth + 1, np.int64)
    helper_count = parent_count = wave_count = 0
    width = leaf_count
    # Where helpers and parents start in the slots is known at the end only. Until then a helper is -1 - its number, the
    # root of an empty subtree NOTHING + its height, a parent n + its number.
    for level in range(depth):
        read = write = 0
        while read < count:
            position, slot = positions[read], slots[read]
            read += 1
            other = position ^ 1
            if other >= width and promotes:
                positions[write], slots[write] = position >> 1, slot
                write += 1
                continue
            if other >= width:
                partner = _NOTHING + level if pads else slot
            elif read < count and positions[read] == other:
                partner = slots[read]
                read += 1
            else:
                partner = -1 - helper_count
                helpers[helper_count, 0], helpers[helper_count, 1] = level, other
                helper_count += 1
            swap = position & 1
            left[parent_count] = partner if swap else slot
            right[parent_count] = slot if swap else partner
            positions[write], slots[write] = position >> 1, n + parent_count
            write += 1
            parent_count += 1
        count = write
        width = (width >> 1) + (width & 1)
        if parent_count > waves[wave_count]:
            wave_count += 1
            waves[wave_count] = parent_count
    left, right = left[:parent_count].copy(), right[:parent_count].copy()
    zeros = ZEROS if pads else 0
    _settle(left, n, helper_count, zeros)
    _settle(right, n, helper_count, zeros)
    root = slots[0] if slots[0] < n else slots[0] + helper_count + zeros
    return helpers[:helper_count].copy(), left, right, waves[: wave_count + 1].copy(), root


_NOTHING = -(1 << 62)


@kernel
def _room(known: NDArray[np.int64], depth: int) -> int:
    """The number of distinct ancestors, which is that of the parents, and no smaller than that of the helpers."""
    nodes = depth
    for i in range(1, len(known)):
        apart = known[i] ^ known[i - 1]
        height = 0
        while apart:
            apart >>= 1
            height += 1
        nodes += height - 1
    return nodes


@kernel
def _settle(slots: NDArray[np.int64], known: int, helpers: int, zeros: int) -> None:
    """Provisional slots to final ones: known nodes, helpers, zeros, parents."""
    for i in range(len(slots)):
        if slots[i] < _NOTHING >> 1:
            slots[i] += known + helpers - _NOTHING
        elif slots[i] < 0:
            slots[i] = known - 1 - slots[i]
        elif slots[i] >= known:
            slots[i] += helpers + zeros


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
    _settle(left, n, helper_count, 0)
    _settle(right, n, helper_count, 0)
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
