"""Checking Merkle proofs: of one leaf, of many leaves each by itself, of many leaves at once, of growth."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pycore.base import parallel
from pycore.base.columns import as_column, same_n, to_array
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import ProofError
from pycore.merkle.levels import check_limit, digest, leaf_node, leaf_nodes, names
from pycore.merkle.multiproof import check as check_multiproof
from pycore.merkle.proofs import (
    Claims,
    check_inclusion_batch,
    check_inclusion_one,
    count_argument,
    count_column,
    join_proof,
    proof_column,
    root_from_consistency,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike
    from pycore.base.registry import Hash

    Proof: TypeAlias = Sequence[BytesLike] | BytesLike

__all__ = ["verify_consistency", "verify_inclusion", "verify_inclusion_batch", "verify_multiproof"]

_MAX_NODES = 65
"""Nodes of the longest consistency proof: one for each level of a tree of 2^64 - 1 leaves, and the first."""


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
    limit: int | None = None,
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
        limit: "ssz": the limit that the tree was made with. There, leaf_count and limit say how deep the tree is, and
            no more.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (index not below leaf_count, wrong length) or BAD_PROOF (another
            root).
        InputError: a malformed call: an unknown name, or a root or digest of a wrong length.

    Traps: the depth and every side follow from index and leaf_count, so leaf_count must come from a source you trust (a
    header that counts its transactions), never from the prover. In a tree without prefixes a smaller one makes an inner
    node a leaf, and a larger one a transaction of 64 bytes an inner node: nothing but the depth tells them apart. An
    index that is not below leaf_count, such as that of the twin of a last node (CVE-2012-2459), and a proof of any
    other length than both demand are MALFORMED_PROOF.

    Sources: RFC 9162, section 2.1.3.2; Bitcoin Core, merkleblock.cpp.

    >>> from pycore import MerkleTree
    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> verify_inclusion(tree.root, b"a", tree.proof(0), index=1, leaf_count=3)
    Traceback (most recent call last):
        ...
    pycore.errors.ProofError: proof: BAD_PROOF: a Merkle proof leads to another root
    """
    shape, row = names(tree, hash)
    wanted = digest(root, row, "root")
    node = leaf_node(shape, row, leaf, hashed=hashed)
    joined = join_proof(proof, row.digest_size, "proof")
    position, count = count_argument(index, "index"), count_argument(leaf_count, "leaf_count")
    room = check_limit(shape, limit)
    verdict = check_inclusion_one(shape, row, wanted, node, joined, position, count, room)
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
    limit: int | None = None,
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
        tree, hash, hashed, limit: as for :func:`verify_inclusion`; one limit for all.
        width: bytes per leaf, when `leaves` is one bytes-like object.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        n verdicts: VALID, BAD_PROOF or MALFORMED_PROOF, as :func:`verify_inclusion` finds for each alone.

    Raises:
        InputError: a malformed call: counts that differ, an unknown name, a root or digest of a wrong length.

    Traps: those of :func:`verify_inclusion`, above all that leaf_count and index are yours, not the prover's. Two
    proofs may be of the same leaf; nothing here says that they are of different ones.

    >>> from pycore import MerkleTree
    >>> tree = MerkleTree([b"a", b"b", b"c"])
    >>> proofs = tree.proofs([0, 1, 2])
    >>> verify_inclusion_batch(tree.root, [b"a", b"b", b"?"], proofs, index=[0, 1, 2], leaf_count=3)
    Verdicts(n=3, valid=2, BAD_PROOF=1)
    """
    shape, row = names(tree, hash)
    count = parallel.resolve_threads(threads)
    nodes = leaf_nodes(shape, row, leaves, "leaves", hashed=hashed, width=width, threads=count)
    n = len(nodes)
    columns = proof_column(proofs, row.digest_size, "proofs")
    same_n("proofs", columns, n, "leaves")
    positions = count_column(index, "index", n)
    counts = to_array(leaf_count, "leaf_count", "a number of leaves, or n of them")
    if counts.ndim == 0:
        counts = np.full(n, count_argument(counts[()], "leaf_count"), dtype=np.uint64)
    claims = Claims(
        root_rows(root, row, n),
        nodes,
        columns,
        positions,
        count_column(counts, "leaf_count", n),
        check_limit(shape, limit),
    )
    codes = check_inclusion_batch(shape, row, claims, count)
    return Verdicts.of_kernel(codes)


def verify_multiproof(
    root: BytesLike,
    leaves: BatchOfBytes,
    proof: Proof,
    *,
    indices: ArrayLike,
    leaf_count: int,
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
    width: int | None = None,
    limit: int | None = None,
    threads: int | None = None,
) -> None:
    """Check that many leaves are at their positions of one tree; returns None, or raises.

    Args:
        root: the tree's root.
        leaves: k leaves, as for :func:`verify_inclusion`.
        proof: what :meth:`pycore.MerkleTree.multiproof` gives, as a sequence or one after another in one bytes-like
            object.
        indices: k distinct positions, in the order of the leaves; at least one.
        leaf_count: number of leaves of the tree, from a source you trust.
        tree, hash, hashed, width, limit, threads: as for :func:`verify_inclusion_batch`.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (no index, one not below leaf_count or there twice, wrong length) or
            BAD_PROOF (another root). All leaves stand and fall together.
        InputError: a malformed call: counts that differ, an unknown name, a root or digest of a wrong length.

    Traps: those of :func:`verify_inclusion`. Positions that repeat are refused, so k leaves are k places of the tree.

    >>> from pycore import MerkleTree
    >>> tree = MerkleTree([b"a", b"b", b"c", b"d", b"e"])
    >>> proof = tree.multiproof([4, 1, 0])
    >>> len(proof)
    1
    >>> verify_multiproof(tree.root, [b"e", b"b", b"a"], proof, indices=[4, 1, 0], leaf_count=5)
    """
    shape, row = names(tree, hash)
    wanted, size = digest(root, row, "root"), row.digest_size
    count = parallel.resolve_threads(threads)
    nodes = leaf_nodes(shape, row, leaves, "leaves", hashed=hashed, width=width, threads=count)
    positions = count_column(indices, "indices", len(nodes))
    total, room = count_argument(leaf_count, "leaf_count"), check_limit(shape, limit)
    joined = join_proof(proof, size, "proof")
    order = np.argsort(positions, kind="stable")
    positions = positions[order]
    well_formed = (
        joined is not None
        and len(positions) > 0
        and int(positions[-1]) < total < 1 << 63
        and (room is None or total <= room)
        and not (positions[1:] == positions[:-1]).any()
    )
    if joined is None or not well_formed:
        raise ProofError(Verdict.MALFORMED_PROOF)
    siblings = np.frombuffer(joined, dtype=np.uint8).reshape(-1, size)
    verdict = check_multiproof(
        shape, row, wanted, nodes[order], siblings, positions.astype(np.int64), total, room, count
    )
    if verdict is not Verdict.VALID:
        raise verdict_error(verdict)


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

    Traps: it says that the first m leaves are the same, nothing of what was appended; m and n belong to the roots, so
    take each pair from one signed tree head. "rfc9162" alone has such proofs.

    Source: RFC 9162, section 2.1.4.2.

    >>> from pycore import MerkleTree
    >>> small, large = MerkleTree([b"a", b"b"]), MerkleTree([b"a", b"b", b"c"])
    >>> verify_consistency(small.root, large.root, large.consistency_proof(2), m=2, n=3)
    """
    shape, row = names("rfc9162", hash)
    old, new = digest(root_m, row, "root_m"), digest(root_n, row, "root_n")
    small, large = count_argument(m, "m"), count_argument(n, "n")
    joined, size = join_proof(proof, row.digest_size, "proof"), row.digest_size
    too_long = joined is not None and len(joined) > _MAX_NODES * size  # not cut into nodes: there may be millions
    if joined is None or too_long or not 0 < small <= large or (small == large and joined):
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


def root_rows(root: BatchOfBytes, row: Hash, n: int) -> NDArray[np.uint8]:
    """uint8 (n, digest_size): a batch of roots, or one root repeated without copies."""
    if isinstance(root, (bytes, bytearray, memoryview)) and len(root) == row.digest_size:
        return np.broadcast_to(np.frombuffer(root, dtype=np.uint8), (n, row.digest_size))
    column = as_column(root, "root", widths=(row.digest_size,), exact=True)
    same_n("root", column, n, "leaves")
    return column.to_matrix(row.digest_size, "root") if n else np.empty((0, row.digest_size), dtype=np.uint8)
