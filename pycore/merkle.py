"""Merkle trees: roots, inclusion proofs and consistency proofs.

Three shapes (``pycore.TREES``):

============  ==============================  =======================  =========  ====================  ================
tree          leaf                            odd last node            hash=None  empty tree            one leaf
============  ==============================  =======================  =========  ====================  ================
"rfc9162"     H(0x00 || data), any length     moves up as it is        sha256     H of nothing          H(0x00 || data)
"bitcoin"     a digest, as it is              paired with itself       sha256d    a digest of zeros     the leaf itself
"chainmaker"  a digest, as it is              paired with itself       sha256     no bytes (``b""``)    the leaf itself
============  ==============================  =======================  =========  ====================  ================

A node of "rfc9162" is H(0x01 || left || right); of the others H(left || right). "rfc9162" is also RFC 6962's tree and
CometBFT's (whose transaction leaf data is SHA-256 of the transaction). Bitcoin's leaves are transaction ids in
internal byte order, the reverse of how they are printed.

Traps, and what is done about them:

- Pairing the last node with itself gives different lists the same root: [a, b, c] and [a, b, c, c] (CVE-2012-2459).
  :attr:`MerkleTree.mutated` says whether a list has the tell-tale equal pair, and a block that has must be refused. A
  proof for the position of such a duplicate is refused, because a proof is checked against the number of leaves: an
  index must be below it, and the proof must have exactly the length that both demand.
- In "bitcoin" a proof that pairs a node with an equal neighbour is refused, as Bitcoin Core does; in "chainmaker" equal
  neighbours are normal (read-write sets of no content hash alike).
- Without prefixes a 64-byte inner node could pose as a leaf. Here leaves of those trees are digests, and are never
  hashed; and leaf_count fixes the depth. Take leaf_count from a source you trust (ChainMaker's header has tx_count;
  Bitcoin's has none).

A **proof** is the list of siblings from the leaf up. Where many proofs travel together, each is one byte string: its
siblings one after another. Both forms are accepted everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pycore import parallel
from pycore._proofs import (
    check_inclusion_batch,
    check_inclusion_one,
    consistency_positions,
    count_argument,
    count_column,
    join_proof,
    proof_column,
    root_from_consistency,
)
from pycore.buffers import as_column, index_array, one_bytes, same_n, single, to_array
from pycore.errors import InputError, LengthError, ProofError
from pycore.hashing import hash_column, hash_level
from pycore.registry import HASHES, TREES, lookup
from pycore.verdict import Verdict, Verdicts, verdict_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from pycore.buffers import BatchOfBytes, BytesLike, Column
    from pycore.registry import Hash, Tree

    Proof: TypeAlias = Sequence[BytesLike] | BytesLike

__all__ = ["MerkleTree", "merkle_root", "verify_consistency", "verify_inclusion", "verify_inclusion_batch"]


def merkle_root(
    leaves: BatchOfBytes,
    *,
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
    width: int | None = None,
    threads: int | None = None,
) -> bytes:
    """Root of a Merkle tree.

    Args:
        leaves: a batch of n byte strings; for "bitcoin" and "chainmaker" digests.
        tree: "rfc9162", "bitcoin" or "chainmaker".
        hash: a name in ``pycore.HASHES``; None means the tree's own: "sha256", for "bitcoin" "sha256d".
        hashed: "rfc9162": `leaves` are leaf hashes, H(0x00 || data), already. Means nothing for the other trees.
        width: bytes per leaf, when `leaves` is one bytes-like object.
        threads: how many threads may work on this call; see ``pycore.parallel``.

    Returns:
        The root. For an empty tree see the module's table.

    Raises:
        InputError: an unknown name, leaves in none of the forms, or digests of a wrong length.

    >>> merkle_root([]).hex()[:16]
    'e3b0c44298fc1c14'
    >>> merkle_root([b"", b"\\x00"]).hex()[:16]
    'fac54203e7cc696c'
    >>> merkle_root([b"a" * 32], tree="chainmaker", hash="sm3") == b"a" * 32
    True
    """
    shape, row = _names(tree, hash)
    count = parallel.resolve_threads(threads)
    level = _leaf_nodes(shape, row, leaves, "leaves", hashed=hashed, width=width, threads=count)
    if not len(level):
        return _empty_root(shape, row)
    while len(level) > 1:
        level = hash_level(row, level, odd=shape.odd, prefix=shape.node_prefix, threads=count)
    return level.tobytes()


class MerkleTree:
    """A Merkle tree that gives proofs. Immutable; keeps every node: about 2 n digests.

    Args:
        leaves, tree, hash, hashed, width, threads: as for :func:`merkle_root`.

    Raises:
        InputError: as for :func:`merkle_root`.

    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> tree.leaf_count, len(tree.proof(0)), len(tree.proof(2))
    (3, 2, 1)
    >>> verify_inclusion(tree.root, b"c", tree.proof(2), index=2, leaf_count=3)
    """

    __slots__ = ("_hash", "_levels", "_root", "_tree")

    def __init__(
        self,
        leaves: BatchOfBytes,
        *,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        width: int | None = None,
        threads: int | None = None,
    ) -> None:
        self._tree, self._hash = _names(tree, hash)
        count = parallel.resolve_threads(threads)
        first = _leaf_nodes(self._tree, self._hash, leaves, "leaves", hashed=hashed, width=width, threads=count)
        self._levels: list[NDArray[np.uint8]] = [first]
        while len(self._levels[-1]) > 1:
            level = hash_level(
                self._hash, self._levels[-1], odd=self._tree.odd, prefix=self._tree.node_prefix, threads=count
            )
            self._levels.append(level)
        self._root = self._levels[-1].tobytes() if len(first) else _empty_root(self._tree, self._hash)

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
    def mutated(self) -> bool:
        """True when two neighbours that would be paired are equal, on any level, in a tree that pairs odd nodes with
        themselves.

        Then a shorter list has the same root (CVE-2012-2459): Bitcoin refuses such a block as a mutation of another.
        Always False for "rfc9162".
        """
        if self._tree.promotes:
            return False
        pairs = (level[: len(level) // 2 * 2].reshape(-1, 2, level.shape[1]) for level in self._levels)
        return any(bool((pair[:, 0] == pair[:, 1]).all(axis=1).any()) for pair in pairs)

    def proof(self, i: int) -> list[bytes]:
        """Siblings of leaf i from the leaf up, one digest each.

        Where the last node of an odd level is paired with itself the proof carries that node, so that every proof of
        such a tree has ceil(log2(leaf_count)) siblings; where it moves up as it is, the level adds none.

        Raises:
            InputError: i is not a position in the tree.
        """
        index = count_argument(i, "i")
        if index >= self.leaf_count:
            raise InputError("i", str(index), f"an index below {self.leaf_count}, the number of leaves")
        siblings = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                siblings.append(level[sibling].tobytes())
            elif not self._tree.promotes:
                siblings.append(level[index].tobytes())
            index >>= 1
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
        depth, size = len(self._levels) - 1, self._hash.digest_size
        siblings = np.empty((len(index), depth, size), dtype=np.uint8)
        present = np.ones((len(index), depth), dtype=np.bool_)
        for step, level in enumerate(self._levels[:-1]):
            sibling = index ^ 1
            if self._tree.promotes:
                present[:, step] = sibling < len(level)
            siblings[:, step] = level[np.minimum(sibling, len(level) - 1)]
            index = index >> 1
        offsets = np.zeros(len(index) + 1, dtype=np.int64)
        np.cumsum(present.sum(axis=1, dtype=np.int64) * size, out=offsets[1:])
        return as_column((siblings[present].reshape(-1), offsets), "proofs")

    def consistency_proof(self, m: int) -> list[bytes]:
        """Proof that this tree extends the tree of its first m leaves; "rfc9162" only (RFC 9162, section 2.1.4.1).

        Args:
            m: from 1 to leaf_count; for leaf_count itself the proof is empty.

        Raises:
            InputError: m out of range, or another tree.
        """
        if not self._tree.promotes:
            raise InputError("tree", repr(self.tree), "'rfc9162': the others have no consistency proofs")
        size = count_argument(m, "m")
        if not 1 <= size <= self.leaf_count:
            raise InputError("m", str(size), f"a number of leaves from 1 to {self.leaf_count}")
        return [self._levels[level][i].tobytes() for level, i in consistency_positions(size, self.leaf_count)]

    def __repr__(self) -> str:
        return f"MerkleTree({self.leaf_count} leaves, tree={self.tree!r}, hash={self.hash!r}, root={self.root.hex()})"


def verify_inclusion(
    root: BytesLike,
    leaf: BytesLike,
    proof: Proof,
    *,
    index: int,
    leaf_count: int,
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
) -> None:
    """Check that a leaf is at a position of a tree; returns None, or raises.

    Args:
        root: the tree's root.
        leaf: as in the tree's leaves: the data for "rfc9162", a digest for the others.
        proof: siblings from the leaf up, as a sequence or one after another in one bytes-like object.
        index: position of the leaf, from 0.
        leaf_count: number of leaves of the tree, from a source you trust.
        tree, hash: as for :func:`merkle_root`.
        hashed: "rfc9162": `leaf` is the leaf hash, H(0x00 || data), already.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (index not below leaf_count, wrong length) or BAD_PROOF (another
            root).
        InputError: a malformed call: an unknown name, or a root or digest of a wrong length.

    Sources: RFC 9162, section 2.1.3.2; Bitcoin Core, merkleblock.cpp.

    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> verify_inclusion(tree.root, b"a", tree.proof(0), index=1, leaf_count=3)
    Traceback (most recent call last):
        ...
    pycore.errors.ProofError: proof: BAD_PROOF: a Merkle proof leads to another root
    """
    shape, row = _names(tree, hash)
    wanted = _digest(root, row, "root")
    node = _leaf_node(shape, row, leaf, hashed=hashed)
    joined = join_proof(proof, row.digest_size, "proof")
    position, count = count_argument(index, "index"), count_argument(leaf_count, "leaf_count")
    verdict = check_inclusion_one(shape, row, wanted, node, joined, position, count)
    if verdict is not Verdict.VALID:
        raise verdict_error(verdict)


def verify_inclusion_batch(
    root: BatchOfBytes,
    leaves: BatchOfBytes,
    proofs: Sequence[Proof] | BatchOfBytes,
    *,
    index: ArrayLike,
    leaf_count: ArrayLike,
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
    width: int | None = None,
    threads: int | None = None,
) -> Verdicts:
    """Check n inclusion proofs.

    Args:
        root: one root for all of them, or a batch of n.
        leaves: n leaves, as for :func:`verify_inclusion`.
        proofs: n proofs: a list of sequences of siblings, or a batch of byte strings, each its siblings one after
            another (what :meth:`MerkleTree.proofs` gives).
        index: n positions, from 0.
        leaf_count: one number of leaves for all, or n of them.
        tree, hash, hashed: as for :func:`verify_inclusion`.
        width: bytes per leaf, when `leaves` is one bytes-like object.
        threads: how many threads may work on this call; see ``pycore.parallel``.

    Returns:
        n verdicts: VALID, BAD_PROOF or MALFORMED_PROOF, as :func:`verify_inclusion` finds for each alone.

    Raises:
        InputError: a malformed call: counts that differ, an unknown name, a root or digest of a wrong length.

    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> proofs = tree.proofs([0, 1, 2])
    >>> verify_inclusion_batch(tree.root, [b"a", b"b", b"?"], proofs, index=[0, 1, 2], leaf_count=3)
    Verdicts(n=3, valid=2, BAD_PROOF=1)
    """
    shape, row = _names(tree, hash)
    count = parallel.resolve_threads(threads)
    nodes = _leaf_nodes(shape, row, leaves, "leaves", hashed=hashed, width=width, threads=count)
    n = len(nodes)
    columns = proof_column(proofs, row.digest_size, "proofs")
    same_n("proofs", columns, n, "leaves")
    positions = count_column(index, "index", n)
    counts = to_array(leaf_count, "leaf_count", "a number of leaves, or n of them")
    if counts.ndim == 0:
        counts = np.full(n, count_argument(counts[()], "leaf_count"), dtype=np.uint64)
    codes = check_inclusion_batch(
        shape, row, _roots(root, row, n), nodes, columns, positions, count_column(counts, "leaf_count", n), count
    )
    return Verdicts.of_kernel(codes)


def verify_consistency(
    root_m: BytesLike,
    root_n: BytesLike,
    proof: Proof,
    *,
    m: int,
    n: int,
    hash: str = "sha256",
) -> None:
    """Check that the "rfc9162" tree of n leaves extends the one of m leaves; returns None, or raises.

    Args:
        root_m, root_n: the two roots.
        proof: the nodes in the order of RFC 9162, as a sequence or one after another in one bytes-like object.
        m, n: the numbers of leaves. Nothing can be said of m = 0, so it is refused; for m = n the proof is empty.
        hash: a name in ``pycore.HASHES``.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (m = 0, m > n, wrong length) or BAD_PROOF (another root).
        InputError: a malformed call: an unknown name, or a root of a wrong length.

    Source: RFC 9162, section 2.1.4.2.

    >>> small, large = MerkleTree([b"a", b"b"]), MerkleTree([b"a", b"b", b"c"])
    >>> verify_consistency(small.root, large.root, large.consistency_proof(2), m=2, n=3)
    """
    shape, row = _names("rfc9162", hash)
    old, new = _digest(root_m, row, "root_m"), _digest(root_n, row, "root_n")
    small, large = count_argument(m, "m"), count_argument(n, "n")
    joined, size = join_proof(proof, row.digest_size, "proof"), row.digest_size
    if joined is None or not 0 < small <= large or (small == large and joined):
        raise ProofError(Verdict.MALFORMED_PROOF)
    if small == large:
        roots: tuple[bytes, bytes] | None = (new, old)
    else:
        nodes = [joined[i : i + size] for i in range(0, len(joined), size)]
        roots = root_from_consistency(row, shape, old, nodes, small, large)
    if roots is None:
        raise ProofError(Verdict.MALFORMED_PROOF)
    if roots != (old, new):
        raise ProofError(Verdict.BAD_PROOF)


def _names(tree: str, hash_name: str | None) -> tuple[Tree, Hash]:
    shape = lookup(TREES, tree, "tree")
    return shape, lookup(HASHES, shape.default_hash if hash_name is None else hash_name, "hash")


def _leaf_nodes(
    shape: Tree, row: Hash, leaves: BatchOfBytes, field: str, *, hashed: bool, width: int | None, threads: int
) -> NDArray[np.uint8]:
    """The lowest level: C-contiguous uint8 (n, digest_size)."""
    if shape.leaf_prefix is not None and not hashed:
        column = as_column(leaves, field, width=width)
        return hash_column(row, column, threads=threads, prefix=shape.leaf_prefix)
    column = as_column(leaves, field, width=width, widths=(row.digest_size,), exact=True)
    if not column.n:
        return np.empty((0, row.digest_size), dtype=np.uint8)
    return np.ascontiguousarray(column.to_matrix(row.digest_size, field))


def _leaf_node(shape: Tree, row: Hash, leaf: BytesLike, *, hashed: bool) -> bytes:
    if shape.leaf_prefix is None or hashed:
        return _digest(leaf, row, "leaf")
    return hash_column(row, single(leaf, "leaf"), threads=1, prefix=shape.leaf_prefix).tobytes()


def _empty_root(shape: Tree, row: Hash) -> bytes:
    if shape.empty == "hash":
        return hash_column(row, as_column([b""], "leaves"), threads=1).tobytes()
    return bytes(row.digest_size) if shape.empty == "zero" else b""


def _digest(value: BytesLike, row: Hash, field: str) -> bytes:
    digest = one_bytes(value, field)
    if len(digest) != row.digest_size:
        raise LengthError(field, f"{len(digest)} bytes", f"{row.digest_size} bytes, a {row.name} digest")
    return digest


def _roots(root: BatchOfBytes, row: Hash, n: int) -> NDArray[np.uint8]:
    """uint8 (n, digest_size): a batch of roots, or one root repeated without copies."""
    if isinstance(root, (bytes, bytearray, memoryview)) and len(root) == row.digest_size:
        return np.broadcast_to(np.frombuffer(root, dtype=np.uint8), (n, row.digest_size))
    column = as_column(root, "root", widths=(row.digest_size,), exact=True)
    same_n("root", column, n, "leaves")
    return column.to_matrix(row.digest_size, "root") if n else np.empty((0, row.digest_size), dtype=np.uint8)
