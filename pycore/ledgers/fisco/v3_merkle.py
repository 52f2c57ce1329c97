"""The Merkle trees over transactions and receipts of FISCO BCOS 3.x.

Two children to a node, leaves as they are, no prefixes: node = H(left || right). A last node without a neighbour is
hashed alone, on every level: H(node). One leaf is its own root, no leaves have 32 zero bytes.

A proof is one list from the leaf to the root of groups: a count - four bytes big-endian and 28 zero bytes - and that
many nodes, the one that is climbed among them. The proof of a tree of one leaf is that leaf.

Source: bcos-crypto/merkle/Merkle.h, as ``Merkle<Hasher, 2>``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pycore.base.verdicts import Verdict, verdict_error
from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch

SIZE = 32
NO_LEAVES = bytes(SIZE)
MAX_NODES = 3 * 64
"""Items of a proof: three to a level."""


def levels(hash: str, leaves: NDArray[np.uint8], threads: int | None = None) -> list[NDArray[np.uint8]]:
    """Every level, uint8 (nodes, 32), the leaves first; the last one is the root."""
    found = [leaves]
    while len(found[-1]) > 1:
        nodes = found[-1]
        pairs = len(nodes) // 2
        above = hash_batch(hash, np.ascontiguousarray(nodes[: 2 * pairs]).reshape(pairs, 2 * SIZE), threads=threads)
        if len(nodes) % 2:
            above = np.concatenate([above, hash_batch(hash, np.ascontiguousarray(nodes[-1:]))])
        found.append(above)
    return found


def root(hash: str, leaves: NDArray[np.uint8], threads: int | None = None) -> bytes:
    """The root over leaves of shape (n, 32)."""
    return levels(hash, leaves, threads)[-1][0].tobytes() if len(leaves) else NO_LEAVES


def prove(hash: str, leaves: NDArray[np.uint8], index: int) -> tuple[bytes, ...]:
    """The proof of a leaf, as a node answers it but in bytes."""
    if len(leaves) == 1:
        return (leaves[0].tobytes(),)
    found: list[bytes] = []
    for nodes in levels(hash, leaves)[:-1]:
        group = nodes[index & ~1 : (index & ~1) + 2]
        found += [_count(len(group)), *(node.tobytes() for node in group)]
        index //= 2
    return tuple(found)


def check(hash: str, wanted: bytes, leaf: bytes, proof: Sequence[bytes], index: int, count: int) -> None:
    """Returns if the leaf is at that position of a tree of `count` leaves with that root; else raises ProofError.

    Every count item, the place of the climbed node in its group, and the length of the proof must be what the position
    says: the chain's own check looks at none of them, and is met by an inner node that is given out as a leaf.
    """
    if not 0 <= index < count or any(len(node) != SIZE for node in proof):
        raise verdict_error(Verdict.MALFORMED_PROOF)
    if count == 1:
        if len(proof) != 1:
            raise verdict_error(Verdict.MALFORMED_PROOF)
        if not proof[0] == leaf == wanted:
            raise verdict_error(Verdict.BAD_PROOF)
        return
    at, node = 0, leaf
    while count > 1:
        size = min(2, count - (index & ~1))
        group = proof[at + 1 : at + 1 + size]
        if len(group) != size or proof[at] != _count(size):
            raise verdict_error(Verdict.MALFORMED_PROOF)
        if group[index & 1] != node:
            raise verdict_error(Verdict.BAD_PROOF)
        node = hash_one(hash, b"".join(group))
        at += 1 + size
        index, count = index // 2, (count + 1) // 2
    if at != len(proof):
        raise verdict_error(Verdict.MALFORMED_PROOF)
    if node != wanted:
        raise verdict_error(Verdict.BAD_PROOF)


def check_path(hash: str, wanted: bytes, leaf: bytes, proof: Sequence[bytes], index: int) -> None:
    """As :func:`check` where nobody knows how many leaves there are, as no header says it.

    The shape is checked as far as it is known: a group of one is the last of its level, so from there on every group
    is, and the index says how many are left. A group of two equal nodes is refused, as both sides of it would do.
    """
    if not proof or len(proof) > MAX_NODES or any(len(node) != SIZE for node in proof) or index < 0:
        raise verdict_error(Verdict.MALFORMED_PROOF)
    if len(proof) == 1:
        check(hash, wanted, leaf, proof, index, 1)
        return
    at, node, last = 0, leaf, False
    while at < len(proof) and not (last and index == 0):
        size = int.from_bytes(proof[at][:4], "big")
        group = proof[at + 1 : at + 1 + size]
        fits = size in ((1 + (index & 1),) if last else (1, 2)) and (size == 2 or not index & 1)
        if not fits or len(group) != size or proof[at] != _count(size) or (size == 2 and group[0] == group[1]):
            raise verdict_error(Verdict.MALFORMED_PROOF)
        if group[index & 1] != node:
            raise verdict_error(Verdict.BAD_PROOF)
        node = hash_one(hash, b"".join(group))
        at += 1 + size
        last, index = last or size == 1, index // 2
    if at != len(proof) or index:
        raise verdict_error(Verdict.MALFORMED_PROOF)
    if node != wanted:
        raise verdict_error(Verdict.BAD_PROOF)


def position(hash: str, leaf: bytes, proof: Sequence[bytes]) -> int:
    """The index of a leaf by its places in the groups of a proof, which is not checked. ProofError where it is missing
    in one of them."""
    if len(proof) == 1:
        return 0
    index, at, level, node = 0, 0, 0, leaf
    while at < len(proof):
        size = int.from_bytes(proof[at][:4], "big")
        group = list(proof[at + 1 : at + 1 + size])
        if node not in group[:2]:
            raise verdict_error(Verdict.BAD_PROOF)
        index |= group.index(node) << level
        node = hash_one(hash, b"".join(group))
        at, level = at + 1 + size, level + 1
    return index


def check_membership(hash: str, wanted: bytes, leaf: bytes, proof: Sequence[bytes]) -> None:
    """As :func:`check`, but as the chain's own code does: every group holds the climbed node, wherever."""
    if not proof or any(len(node) != SIZE for node in proof) or len(proof) > MAX_NODES:
        raise verdict_error(Verdict.MALFORMED_PROOF)
    node, at = leaf, 0
    while len(proof) > 1 and at < len(proof):
        size = int.from_bytes(proof[at][:4], "big")
        group = proof[at + 1 : at + 1 + size]
        if len(group) != size:
            raise verdict_error(Verdict.MALFORMED_PROOF)
        if node not in group:
            raise verdict_error(Verdict.BAD_PROOF)
        node = hash_one(hash, b"".join(group))
        at += 1 + size
    if node != wanted:
        raise verdict_error(Verdict.BAD_PROOF)


def _count(number: int) -> bytes:
    return number.to_bytes(4, "big") + bytes(SIZE - 4)
