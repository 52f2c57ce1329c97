"""Multiproofs: one proof for many leaves, without the nodes that the leaves themselves give.

The nodes of a multiproof stand in the order in which hashing asks for them: level by level from the leaves, and from
left to right on each. A level needs at most one for each parent: the child that does not follow from the leaves. What
follows from the shape alone (the twin of a last node, the root of an empty subtree) is never part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pycore._levels import depth_of, hash_pairs, zero_nodes
from pycore.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pycore.registry import Hash, Tree


class Step(NamedTuple):
    """One level of a multiproof: m parents of the k known nodes.

    Attributes:
        height: the known nodes' height.
        first: int64 (m,), place among the known nodes of each parent's first known child.
        both: bool (m,), both children are known.
        is_right: bool (m,), the only known child is the right one.
        asked: bool (m,), the other child is in the proof.
        sibling: int64 (m,), position of the other child on its level.
    """

    height: int
    first: NDArray[np.int64]
    both: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    asked: NDArray[np.bool_]
    sibling: NDArray[np.int64]


def schedule(indices: NDArray[np.int64], leaf_count: int, tree: Tree, limit: int | None) -> Iterator[Step]:
    """The steps for sorted, distinct leaf positions below leaf_count, from the leaves up."""
    known, width = indices, leaf_count
    for height in range(depth_of(tree, leaf_count, limit)):
        parents = known >> 1
        begins = np.ones(len(known), dtype=np.bool_)
        begins[1:] = parents[1:] != parents[:-1]
        first = np.flatnonzero(begins)
        both = np.append(first[1:], len(known)) - first == 2
        heads = known[first]
        is_right = (heads & 1 == 1) & ~both
        sibling = heads ^ 1
        asked = ~both & (sibling < width)
        yield Step(height, first, both, is_right, asked, sibling)
        known, width = parents[first], (width + 1) // 2


def collect(levels: list[NDArray[np.uint8]], indices: NDArray[np.int64], tree: Tree, limit: int | None) -> list[bytes]:
    """The nodes of the multiproof of a tree whose levels are all at hand."""
    proof: list[bytes] = []
    for step in schedule(indices, len(levels[0]), tree, limit):
        if step.asked.any():
            proof += [row.tobytes() for row in levels[step.height][step.sibling[step.asked]]]
    return proof


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
    size, used = row.digest_size, 0
    known, bad = nodes, False
    for step in schedule(indices, leaf_count, tree, limit):
        count = len(step.first)
        asked = int(step.asked.sum())
        if used + asked > len(proof):
            return Verdict.MALFORMED_PROOF
        one = known[step.first]
        other = np.empty_like(one)
        other[step.asked] = proof[used : used + asked]
        used += asked
        other[step.both] = known[step.first[step.both] + 1]
        alone = ~step.both & ~step.asked  # at most the last one
        if not tree.equal_siblings:
            bad |= bool(((one == other).all(axis=1) & ~alone).any())
        if tree.pads:
            other[alone] = zero_nodes(row.name)[step.height]
        else:
            other[alone] = one[alone]
        pairs = np.empty((count, 2, size), dtype=np.uint8)
        right = step.is_right[:, None]
        pairs[:, 0], pairs[:, 1] = np.where(right, other, one), np.where(right, one, other)
        known = np.empty((count, size), dtype=np.uint8)
        hash_pairs(row, tree.node_prefix, pairs.reshape(-1, size), known, threads)
        if tree.promotes:
            known[alone] = one[alone]
    if used != len(proof):
        return Verdict.MALFORMED_PROOF
    return Verdict.BAD_PROOF if bad or known.tobytes() != root else Verdict.VALID
