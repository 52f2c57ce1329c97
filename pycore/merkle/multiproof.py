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
from pycore.merkle import loops
from pycore.merkle.levels import depth_of, node, zero_nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pycore.base.registry import Hash, Tree
    from pycore.merkle.plan_jit import Plan

    Hashed = Callable[[bytes, bytes], bytes]
    Supplied = Callable[[int, int], bytes]


def collect(levels: list[NDArray[np.uint8]], indices: NDArray[np.int64], tree: Tree, limit: int | None) -> list[bytes]:
    """The nodes of the multiproof of a tree whose levels are all at hand."""
    count = len(levels[0])
    depth, proof = depth_of(tree, count, limit), list[bytes]()
    if loops.compiled(len(indices) * depth) is None:

        def supplied(height: int, position: int) -> bytes:
            proof.append(levels[height][position].tobytes())
            return b""

        _climb_few(indices, [b""] * len(indices), count, tree, depth, supplied, lambda _left, _right: b"")
        return proof
    from pycore.merkle.plan_jit import multiproof_plan

    helpers = multiproof_plan(indices, count, tree, depth).helpers
    bounds = np.searchsorted(helpers[:, 0], np.arange(depth + 1)).tolist()
    for height in range(depth):
        rows = helpers[bounds[height] : bounds[height + 1], 1]
        if len(rows):
            joined, size = levels[height].take(rows, axis=0).tobytes(), levels[height].shape[1]
            proof += [joined[at : at + size] for at in range(0, len(joined), size)]
    return proof


def ancestors(indices: NDArray[np.int64], depth: int) -> int:
    """How many nodes `depth` levels up to the root lie above leaves at ascending distinct positions."""
    apart = indices[1:] ^ indices[:-1]  # never 0; its bit length is the level on which the two ways meet
    high = apart >> 32
    lengths = np.where(high > 0, np.frexp(high)[1] + 32, np.frexp(apart & 0xFFFFFFFF)[1])
    return depth + int((lengths - 1).sum())


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
    if ancestors(indices, depth) > len(indices) + len(proof) + depth:
        return Verdict.MALFORMED_PROOF
    if loops.compiled(len(indices) * depth) is None:
        return _check_few(tree, row, root, nodes, proof, indices, leaf_count, depth)
    from pycore.merkle.plan_jit import multiproof_plan

    plan = multiproof_plan(indices, leaf_count, tree, depth)
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
    from pycore.merkle import loops_jit

    filled = sum(map(len, known))
    slots = np.empty((filled + len(plan.left), row.digest_size), dtype=np.uint8)
    np.concatenate(known, out=slots[:filled])
    if (threads == 1 and not limited()) or parallel.is_small(len(plan.left), PAIR_COST):
        equal = loops_jit.climb(row, tree, plan, slots, plan.waves)
        return slots[plan.root].tobytes(), equal
    seen = []
    for first, last in zip(plan.waves[:-1].tolist(), plan.waves[1:].tolist(), strict=True):

        def work(start: int, stop: int, first: int = first) -> None:
            part = np.array([first + start, first + stop], dtype=np.int64)
            seen.append(loops_jit.climb(row, tree, plan, slots, part))

        parallel.run_pieces(work, parallel.cut(last - first, threads, PAIR_COST), threads)
    return slots[plan.root].tobytes(), any(seen)


# ---- in Python -----------------------------------------------------------------------------------------------------


def _check_few(
    tree: Tree,
    row: Hash,
    root: bytes,
    nodes: NDArray[np.uint8],
    proof: NDArray[np.uint8],
    indices: NDArray[np.int64],
    leaf_count: int,
    depth: int,
) -> Verdict:
    used, equal, zeros = 0, False, zero_nodes(row.name)

    def supplied(_height: int, _position: int) -> bytes:
        nonlocal used
        used += 1
        return proof[used - 1].tobytes() if used <= len(proof) else bytes(row.digest_size)

    def hashed(left: bytes, right: bytes) -> bytes:
        nonlocal equal
        equal = equal or (left is not right and left == right)
        return node(row, tree, left, right)

    listed = [one.tobytes() for one in nodes]
    found = _climb_few(indices, listed, leaf_count, tree, depth, supplied, hashed, [one.tobytes() for one in zeros])
    if used != len(proof):
        return Verdict.MALFORMED_PROOF
    return Verdict.BAD_PROOF if (equal and not tree.equal_siblings) or found != root else Verdict.VALID


def _climb_few(
    indices: NDArray[np.int64],
    nodes: list[bytes],
    leaf_count: int,
    tree: Tree,
    depth: int,
    supplied: Supplied,
    hashed: Hashed,
    zeros: list[bytes] | None = None,
) -> bytes:
    """What ``kernels.trees.multiproof_plan`` plans, done at once: asks for helpers, hashes, gives the root."""
    positions, width = indices.tolist(), leaf_count
    for height in range(depth):
        above: list[int] = []
        parents: list[bytes] = []
        at = 0
        while at < len(positions):
            position, mine = positions[at], nodes[at]
            other, at = position ^ 1, at + 1
            above.append(position >> 1)
            if at < len(positions) and positions[at] == other:
                parents.append(hashed(mine, nodes[at]))
                at += 1
            elif other < width:
                theirs = supplied(height, other)
                parents.append(hashed(theirs, mine) if position & 1 else hashed(mine, theirs))
            elif tree.promotes:
                parents.append(mine)
            else:
                parents.append(hashed(mine, zeros[height] if tree.pads and zeros else mine))
        positions, nodes, width = above, parents, (width + 1) // 2
    return nodes[0]
