"""Proof positions and hashing schedules: the integer side of Merkle trees, which C works out (csrc/trees/plan.c).

A **plan** says in which order to hash from some known nodes up to a root. It names nodes by slots: first the known
nodes, then the nodes that a proof supplies (``helpers``), then, where the shape pads, the ``ZEROS`` roots of empty
subtrees by height, then every parent in the order in which it is computed. The parents of one wave do not depend on
each other, so a wave is one batch of hashes::

    slots = known + helpers + zeros
    for w in range(len(plan.waves) - 1):
        pairs = slice(plan.waves[w], plan.waves[w + 1])
        slots += [H(slots[l] + slots[r]) for l, r in zip(plan.left[pairs], plan.right[pairs])]
    root = slots[plan.root]

A plan follows from positions and sizes alone: no proof gets to say how it is checked.
``pycore.merkle.multiproof.climb`` hashes what a plan says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pycore.merkle import ffi_trees
from pycore.merkle.levels import tree_params

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.registry import Hash, Tree

__all__ = ["ZEROS", "Plan", "ancestors", "multiproof_plan", "proofs", "ssz_plan"]

ZEROS = 65
"""Slots for the roots of empty subtrees: heights 0 to 64."""


class Plan(NamedTuple):
    """How to hash from known nodes up to one root; see the module.

    Attributes:
        helpers: what the proof supplies, in the proof's order: heights and positions, uint64 (h, 2), or generalized
            indices, uint64 (h,).
        left, right: int64 (parents,), the slots of the children of every parent; the same slot twice where a node is
            paired with itself.
        waves: int64 (waves + 1,): wave w computes parents ``waves[w]`` up to ``waves[w + 1]``.
        root: the slot of the root.
    """

    helpers: NDArray[np.uint64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    waves: NDArray[np.int64]
    root: int


def proofs(
    row: Hash, tree: Tree, nodes: NDArray[np.uint8], leaf_count: int, indices: NDArray[np.int64], limit: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The inclusion proofs of many leaves, one after another.

    Args:
        row, tree: the hash and the shape.
        nodes: C-contiguous uint8 (nodes, digest_size), a tree level after level, leaves first.
        leaf_count: number of leaves.
        indices: int64 (k,), positions below leaf_count.
        limit: of a padded tree.

    Returns:
        uint8 and int64 (k + 1,): the siblings of leaf ``indices[i]``, from the leaf up, are the bytes from
        ``offsets[i]`` up to ``offsets[i + 1]``.

    >>> import numpy as np, pycore
    >>> nodes = np.arange(6, dtype=np.uint8).repeat(32).reshape(6, 32)  # of 3 leaves: 0 1 2, 3 4, 5
    >>> sha256, shape = pycore.HASHES["sha256"], pycore.TREES["rfc9162"]
    >>> data, offsets = proofs(sha256, shape, nodes, 3, np.array([2, 0]), None)
    >>> data[::32].tolist(), offsets.tolist()
    ([3, 1, 4], [0, 32, 96])
    """
    return ffi_trees.proofs(tree_params(tree, row, limit), nodes, leaf_count, np.ascontiguousarray(indices))


def ancestors(row: Hash, tree: Tree, indices: NDArray[np.int64], leaf_count: int, limit: int | None) -> int:
    """How many nodes lie above leaves at ascending distinct positions, up to the root."""
    return ffi_trees.plan_room(tree_params(tree, row, limit), indices, leaf_count)


def multiproof_plan(
    row: Hash, tree: Tree, indices: NDArray[np.int64], leaf_count: int, limit: int | None, room: int | None = None
) -> Plan:
    """How to prove many leaves of a tree at once, and how to check it.

    Args:
        row, tree: the hash and the shape.
        indices: int64 (k,), ascending distinct positions below leaf_count, k > 0.
        leaf_count: number of leaves, below 2^63.
        limit: of a padded tree.
        room: what :func:`ancestors` says, if it was asked.

    Returns:
        A plan for leaves in the order of `indices`; its helpers stand level by level from the leaves, from left to
        right within a level. No node that follows from others or from the shape is among them.

    >>> import numpy as np, pycore
    >>> sha256, shape = pycore.HASHES["sha256"], pycore.TREES["rfc9162"]
    >>> plan = multiproof_plan(sha256, shape, np.array([1, 4]), 5, None)
    >>> plan.helpers.tolist(), plan.left.tolist(), plan.right.tolist(), plan.waves.tolist(), plan.root
    ([[0, 0], [1, 1]], [2, 4, 5], [0, 3, 1], [0, 1, 2, 3], 6)
    """
    params = tree_params(tree, row, limit)
    most = ffi_trees.plan_room(params, indices, leaf_count) if room is None else room
    plan = Plan(*ffi_trees.plan_multiproof(params, indices, leaf_count, most))
    return plan._replace(helpers=plan.helpers.reshape(-1, 2))


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
    deepest = int(indices[order[0]]).bit_length() - 1
    made = ffi_trees.plan_ssz(indices, order, deepest * len(indices))
    return None if made is None else Plan(*made)
