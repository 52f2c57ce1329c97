"""Roots and trees in memory; shapes, traps and the form of proofs are told in :mod:`pycore.merkle`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.base import parallel
from pycore.base.columns import as_column, index_array
from pycore.errors import InputError
from pycore.hashing.gpu import choice
from pycore.merkle.ffi_trees import Frontier
from pycore.merkle.inclusion import (
    verify_consistency,
    verify_inclusion,
    verify_inclusion_batch,
    verify_multiproof,
)
from pycore.merkle.levels import (
    BLOCK,
    RISE,
    build_levels,
    check_limit,
    depth_of,
    empty_root,
    extend_levels,
    leaf_column,
    leaf_nodes,
    names,
    nodes_of,
    pad_up,
    raise_shared,
    subtree_roots,
    tree_params,
    zero_nodes,
)
from pycore.merkle.multiproof import collect
from pycore.merkle.plans import proofs
from pycore.merkle.proofs import consistency_positions, count_argument

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pycore.base.columns import BatchOfBytes, Column
    from pycore.base.registry import Hash, Tree

__all__ = [
    "MerkleTree",
    "merkle_root",
    "verify_consistency",
    "verify_inclusion",
    "verify_inclusion_batch",
    "verify_multiproof",
]

_SMALL = 512  # leaves up to which one call makes the root
_NOTHING = np.empty(0, dtype=np.uint64)


def merkle_root(
    leaves: BatchOfBytes,
    *,
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
    width: int | None = None,
    limit: int | None = None,
    threads: int | None = None,
) -> bytes:
    """Root of a Merkle tree.

    Needs, besides the leaves, memory for their number / 128 digests; :func:`pycore.merkle_stream` needs less.

    Args:
        leaves: a batch of n byte strings; for all but "rfc9162" of a digest's length.
        tree: "rfc9162", "bitcoin", "chainmaker" or "ssz".
        hash: a name in ``pycore.HASHES``; None means the tree's own: "sha256", for "bitcoin" "sha256d".
        hashed: "rfc9162": `leaves` are leaf hashes, H(0x00 || data), already. Means nothing for the other trees.
        width: bytes per leaf, when `leaves` is one bytes-like object.
        limit: "ssz": how many chunks there is room for; the tree is as deep as that many leaves make it. None: as deep
            as the leaves make it.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        The root. For an empty tree see the module's table.

    Traps: a tree that pairs odd nodes with themselves has one root for [a, b, c] and [a, b, c, c] (CVE-2012-2459):
    refuse a list whose :attr:`MerkleTree.mutated` is true. Without prefixes ("bitcoin", "chainmaker", "ssz") a leaf
    must be a digest of something that is no pair of nodes: a 64-byte transaction that is hashed the same way can pose
    as an inner node. An "ssz" root does not say how many leaves it has.

    Raises:
        InputError: an unknown name, leaves in none of the forms, digests of a wrong length, or more leaves than limit.

    >>> merkle_root([]).hex()[:16]
    'e3b0c44298fc1c14'
    >>> merkle_root([b"", b"\\x00"]).hex()[:16]
    'fac54203e7cc696c'
    >>> merkle_root([b"a" * 32], tree="chainmaker", hash="sm3") == b"a" * 32
    True
    >>> merkle_root([], tree="ssz", limit=4).hex()[:16]
    'db56114e00fdd4c1'
    """
    shape, row = names(tree, hash)
    count = parallel.resolve_threads(threads)
    column = leaf_column(shape, row, leaves, "leaves", hashed=hashed, width=width)
    room = check_limit(shape, limit, column.n)
    if not column.n:
        return empty_root(shape, row, room)
    natural, height = depth_of(shape, column.n, None), 0
    if choice.wanted(row, column):
        height, level = natural, _root_on_device(shape, row, column, hashed=hashed)
    elif column.n > BLOCK:
        height = RISE
        level = subtree_roots(shape, row, column, hashed=hashed, levels=RISE, threads=count)
    else:
        level = leaf_nodes(shape, row, column, "leaves", hashed=hashed, width=None, threads=count)
        if column.n <= _SMALL and not shape.pads:
            return _small_root(shape, row, level)
    for at in range(height, natural):
        parents = np.empty(((len(level) + 1) // 2, row.digest_size), dtype=np.uint8)
        raise_shared(shape, row, level, parents, at, count)
        level = parents
    root = level.tobytes()
    return pad_up(row, shape, root, natural, depth_of(shape, column.n, room)) if shape.pads else root


def _small_root(shape: Tree, row: Hash, level: NDArray[np.uint8]) -> bytes:
    """The root over nodes so few that a call for each level would take longer than hashing them does."""
    grown = Frontier(tree_params(shape, row), row.digest_size, raw=False)
    grown.append(np.ascontiguousarray(level), 0, _NOTHING)
    root = grown.root()
    assert root is not None
    return root


def _root_on_device(shape: Tree, row: Hash, column: Column, *, hashed: bool) -> NDArray[np.uint8]:
    from pycore.hashing.gpu import _launch

    raw = shape.leaf_prefix is not None and not hashed
    root = _launch.merkle_root(row, shape, column, raw=raw, zeros=lambda: zero_nodes(row.name))
    return np.frombuffer(root, dtype=np.uint8).reshape(1, -1)


class MerkleTree:
    """A Merkle tree that gives proofs. Immutable; keeps every node, about 2 n digests, in one buffer.

    Args:
        leaves, tree, hash, hashed, width, limit, threads: as for :func:`merkle_root`.

    Traps: those of :func:`merkle_root`. A proof says neither where its leaf is nor how many there are: whoever checks
    it must have index and leaf_count from elsewhere.

    Raises:
        InputError: as for :func:`merkle_root`.

    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> tree.leaf_count, len(tree.proof(0)), len(tree.proof(2))
    (3, 2, 1)
    >>> verify_inclusion(tree.root, b"c", tree.proof(2), index=2, leaf_count=3)
    """

    __slots__ = ("_hash", "_levels", "_limit", "_root", "_tree")

    def __init__(
        self,
        leaves: BatchOfBytes,
        *,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        width: int | None = None,
        limit: int | None = None,
        threads: int | None = None,
    ) -> None:
        self._tree, self._hash = names(tree, hash)
        count = parallel.resolve_threads(threads)
        column = leaf_column(self._tree, self._hash, leaves, "leaves", hashed=hashed, width=width)
        self._limit = check_limit(self._tree, limit, column.n)
        self._levels: list[NDArray[np.uint8]] = build_levels(
            self._tree, self._hash, column, hashed=hashed, threads=count
        )
        if not column.n:
            self._root = empty_root(self._tree, self._hash, self._limit)
        else:
            self._root = self._levels[-1].tobytes()
        if self._tree.pads and column.n:
            self._root = pad_up(self._hash, self._tree, self._root, len(self._levels) - 1, self._depth)

    @property
    def _depth(self) -> int:
        return depth_of(self._tree, self.leaf_count, self._limit)

    @property
    def tree(self) -> str:
        """Name of the shape."""
        return self._tree.name

    @property
    def hash(self) -> str:
        """Name of the hash."""
        return self._hash.name

    @property
    def root(self) -> bytes:
        """The root; of an empty tree as the module's table says."""
        return self._root

    @property
    def leaf_count(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    @property
    def limit(self) -> int | None:
        """The limit of an "ssz" list; None elsewhere."""
        return self._limit

    @property
    def mutated(self) -> bool:
        """True when two neighbours that would be paired are equal, on any level, in a tree that pairs odd nodes with
        themselves.

        Then a shorter list has the same root (CVE-2012-2459): Bitcoin refuses such a block as a mutation of another.
        Always False for "rfc9162" and "ssz".
        """
        if not self._tree.duplicates:
            return False
        pairs = (level[: len(level) // 2 * 2].reshape(-1, 2, level.shape[1]) for level in self._levels)
        return any(bool((pair[:, 0] == pair[:, 1]).all(axis=1).any()) for pair in pairs)

    def proof(self, i: int) -> list[bytes]:
        """Siblings of leaf i from the leaf up, one digest each.

        Trap: the proof is as long as index and leaf_count demand, and is checked against both; leaf_count must reach
        the verifier by a way that it trusts.

        Where the last node of an odd level is paired with itself the proof carries that node, so that every proof of
        such a tree has ceil(log2(leaf_count)) siblings, and so has one of "ssz", which carries the roots of empty
        subtrees; where a last node moves up as it is, the level adds none.

        Raises:
            InputError: i is not a position in the tree.
        """
        index = count_argument(i, "i")
        if index >= self.leaf_count:
            raise InputError("i", str(index), f"an index below {self.leaf_count}, the number of leaves")
        siblings = []
        for height, level in enumerate(self._levels[:-1]):
            sibling = index ^ 1
            if sibling < len(level):
                siblings.append(level[sibling].tobytes())
            elif self._tree.duplicates:
                siblings.append(level[index].tobytes())
            elif self._tree.pads:
                siblings.append(zero_nodes(self.hash)[height].tobytes())
            index >>= 1
        siblings += [zero_nodes(self.hash)[at].tobytes() for at in range(len(self._levels) - 1, self._depth)]
        return siblings

    def proofs(self, indices: ArrayLike) -> Column:
        """Proofs of many leaves as a column: row k is the siblings of leaf ``indices[k]``, one after another.

        Args:
            indices: k integers, in any order, repeats allowed.

        Raises:
            InputError: an index outside the tree.

        >>> tree = MerkleTree([b"a", b"b", b"c"])
        >>> tree.proofs([2, 0])
        Column(n=2, ragged, 96 bytes)
        >>> tree.proofs([2, 0])[0] == b"".join(tree.proof(2))
        True
        """
        index = index_array(indices, "indices", self.leaf_count)
        nodes = nodes_of(self._levels)
        return as_column(proofs(self._hash, self._tree, nodes, self.leaf_count, index, self._limit), "proofs")

    def multiproof(self, indices: ArrayLike) -> list[bytes]:
        """One proof of many leaves: the nodes that :func:`verify_multiproof` needs besides them.

        Args:
            indices: distinct positions, in any order, at least one.

        Raises:
            InputError: an index outside the tree, one that repeats, or none at all.

        >>> tree = MerkleTree([b"a", b"b", b"c", b"d"])
        >>> len(tree.multiproof([0, 1])), len(tree.multiproof([3, 0]))
        (1, 2)
        """
        index = np.sort(index_array(indices, "indices", self.leaf_count))
        if not len(index):
            raise InputError("indices", "none", "at least one position")
        if len(index) > 1 and (index[1:] == index[:-1]).any():
            again = int(index[1:][index[1:] == index[:-1]][0])
            raise InputError("indices", f"{again} twice", "distinct positions")
        return collect(self._tree, self._hash, self._levels, index, self._limit)

    def extended(
        self, leaves: BatchOfBytes, *, hashed: bool = False, width: int | None = None, threads: int | None = None
    ) -> MerkleTree:
        """The tree of these leaves and more after them. Hashes the new nodes only; copies the others.

        Args:
            leaves, hashed, width, threads: as for :func:`merkle_root`.

        Raises:
            InputError: as for :func:`merkle_root`.

        >>> MerkleTree([b"a", b"b"]).extended([b"c"]).root == merkle_root([b"a", b"b", b"c"])
        True
        """
        count = parallel.resolve_threads(threads)
        column = leaf_column(self._tree, self._hash, leaves, "leaves", hashed=hashed, width=width)
        check_limit(self._tree, self._limit, self.leaf_count + column.n)
        made = object.__new__(MerkleTree)
        made._tree, made._hash, made._limit = self._tree, self._hash, self._limit
        made._levels = extend_levels(self._tree, self._hash, self._levels, column, hashed=hashed, threads=count)
        made._root = self._root
        if made.leaf_count:
            made._root = made._levels[-1].tobytes()
            if made._tree.pads:
                made._root = pad_up(made._hash, made._tree, made._root, len(made._levels) - 1, made._depth)
        return made

    def consistency_proof(self, m: int) -> list[bytes]:
        """Proof that this tree extends the tree of its first m leaves; "rfc9162" only (RFC 9162, section 2.1.4.1).

        Args:
            m: from 1 to leaf_count; for leaf_count itself the proof is empty.

        Raises:
            InputError: m out of range, or another tree.
        """
        if not self._tree.proves_consistency:
            raise InputError("tree", repr(self.tree), "'rfc9162': the others have no consistency proofs")
        size = count_argument(m, "m")
        if not 1 <= size <= self.leaf_count:
            raise InputError("m", str(size), f"a number of leaves from 1 to {self.leaf_count}")
        return [self._levels[level][i].tobytes() for level, i in consistency_positions(size, self.leaf_count)]

    def __repr__(self) -> str:
        return f"MerkleTree({self.leaf_count} leaves, tree={self.tree!r}, hash={self.hash!r}, root={self.root.hex()})"
