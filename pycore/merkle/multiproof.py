"""Multiproofs: one proof for many leaves, without the nodes that the leaves themselves give.

The nodes of a multiproof stand in the order in which hashing asks for them: level by level from the leaves, and from
left to right on each. A level needs at most one for each parent: the child that does not follow from the leaves. What
follows from the shape alone (the twin of a last node, the root of an empty subtree) is never part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.base import parallel
from pycore.base.deadline import limited
from pycore.base.verdicts import Verdict
from pycore.hashing.batch import PAIR_COST
from pycore.merkle import ffi_trees
from pycore.merkle.levels import depth_of, nodes_of, tree_params, zero_nodes
from pycore.merkle.plans import ancestors, multiproof_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.registry import Hash, Tree
    from pycore.merkle.plans import Plan


def collect(
    tree: Tree, row: Hash, levels: list[NDArray[np.uint8]], indices: NDArray[np.int64], limit: int | None
) -> list[bytes]:
    """The nodes of the multiproof of a tree that has all its levels."""
    helpers = multiproof_plan(row, tree, indices, len(levels[0]), limit).helpers
    starts = np.cumsum([0, *map(len, levels)], dtype=np.int64)
    places = starts[helpers[:, 0].astype(np.int64)] + helpers[:, 1].astype(np.int64)
    joined, size = nodes_of(levels).take(places, axis=0).tobytes(), row.digest_size
    return [joined[at : at + size] for at in range(0, len(joined), size)]


def check(
    tree: Tree,
    row: Hash,
    root: bytes,
    nodes: NDArray[np.uint8],
    proof: NDArray[np.uint8],
    indices: NDArray[np.int64],
    leaf_count: int,
    limit: int | None,
    threads: int,
) -> Verdict:
    """Verdict on one multiproof.

    Args:
        nodes: uint8 (k, digest_size), the leaves' nodes in the order of `indices`.
        proof: uint8 (any, digest_size).
        indices: int64 (k,), sorted and distinct, all below leaf_count, k > 0.
    """
    depth = depth_of(tree, leaf_count, limit)
    # A parent has two known children, which happens once less than there are leaves, or a node of the proof, or what
    # follows from the shape, once on a level. Leaves far apart in a tree said to be huge have millions of ancestors: a
    # proof that is too short for them is refused before they are planned.
    room = ancestors(row, tree, indices, leaf_count, limit)
    if room > len(indices) + len(proof) + depth:
        return Verdict.MALFORMED_PROOF
    plan = multiproof_plan(row, tree, indices, leaf_count, limit, room)
    if len(proof) != len(plan.helpers):
        return Verdict.MALFORMED_PROOF
    known = [nodes, proof, zero_nodes(row.name)] if tree.pads else [nodes, proof]
    found, equal = climb(row, tree, plan, known, threads)
    return Verdict.BAD_PROOF if equal or found != root else Verdict.VALID


def climb(row: Hash, tree: Tree, plan: Plan, known: list[NDArray[np.uint8]], threads: int) -> tuple[bytes, bool]:
    """The root that a plan leads to, and whether two different nodes of one pair were equal, where the shape minds.

    Args:
        known: what the plan's slots before its parents hold, each uint8 (any, digest_size).
    """
    params, filled = tree_params(tree, row), sum(map(len, known))
    slots = np.empty((filled + len(plan.left), row.digest_size), dtype=np.uint8)
    np.concatenate(known, out=slots[:filled])
    if (threads == 1 and not limited()) or parallel.is_small(len(plan.left), PAIR_COST):
        equal = ffi_trees.multiproof(params, slots, plan.left, plan.right, plan.waves)
        return slots[plan.root].tobytes(), equal
    seen = []
    for first, last in zip(plan.waves[:-1].tolist(), plan.waves[1:].tolist(), strict=True):

        def work(start: int, stop: int, first: int = first) -> None:
            part = np.array([first + start, first + stop], dtype=np.int64)
            seen.append(ffi_trees.multiproof(params, slots, plan.left, plan.right, part))

        parallel.run_pieces(work, parallel.cut(last - first, threads, PAIR_COST), threads)
    return slots[plan.root].tobytes(), any(seen)
