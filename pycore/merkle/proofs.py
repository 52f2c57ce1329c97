"""Checking Merkle proofs. Inclusion is checked in C (csrc/trees/inclusion.c), where many proofs climb together.

Which side the sibling is on at every step, and how many steps there are, follows from the index and the number of
leaves alone: the proof does not get to say. In a tree that pairs odd nodes with themselves the proof carries the node
itself where it is the last of an odd level. A padded tree ("ssz") has a step for every level: where its leaves end,
siblings are roots of empty subtrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import ffi
from pycore.base.columns import Column, as_column, describe, looks_like_offsets, one_bytes, to_array
from pycore.base.parallel import Cost, cut, run_pieces
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, LengthError, ShapeError
from pycore.merkle import ffi_trees
from pycore.merkle.levels import node, tree_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pycore.base.registry import Hash, Tree

_COUNT_LIMIT = 1 << 64


def count_argument(value: object, field: str) -> int:
    """A single index or number of leaves: an int from 0 to 2^64 - 1."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(field, describe(value), "a whole number")
    if not 0 <= value < _COUNT_LIMIT:
        raise InputError(field, describe(int(value)), "a number from 0 to 2**64 - 1")
    return int(value)


def count_column(value: Any, field: str, n: int) -> NDArray[np.uint64]:
    """n indices or numbers of leaves as uint64 (n,)."""
    array = to_array(value, field, "integers from 0 to 2**64 - 1 of shape (n,)")
    if array.size == 0 and array.ndim == 1:
        array = array.astype(np.uint64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ShapeError(field, describe(array), "integers from 0 to 2**64 - 1 of shape (n,)")
    if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
        at = int((array < 0).argmax())
        raise InputError(f"{field}[{at}]", str(int(array[at])), "0 or more")
    if len(array) != n:
        raise LengthError(field, f"{len(array)} items", f"{n}, as many as leaves")
    return array.astype(np.uint64, copy=False)


def join_proof(proof: Any, digest_size: int, field: str) -> bytes | None:
    """A proof in either form as its siblings one after another; None when a sibling has a wrong length."""
    if isinstance(proof, (list, tuple)):
        if {*map(type, proof)} == {bytes}:  # a multiproof has thousands
            return b"".join(proof) if {*map(len, proof)} == {digest_size} else None
        siblings = [one_bytes(sibling, f"{field}[{i}]") for i, sibling in enumerate(proof)]
        return b"".join(siblings) if all(len(sibling) == digest_size for sibling in siblings) else None
    if isinstance(proof, np.ndarray) and proof.ndim == 2:
        return b"".join(as_column(proof, field)) if proof.shape[1] == digest_size or not len(proof) else None
    joined = one_bytes(proof, field)
    return joined if len(joined) % digest_size == 0 else None


def proof_column(proofs: Any, digest_size: int, field: str) -> Column:
    """Many proofs, each in either form, as one row of joined siblings each."""
    pair = isinstance(proofs, tuple) and len(proofs) == 2 and not _in_parts(proofs[0]) and looks_like_offsets(proofs[1])
    if isinstance(proofs, (list, tuple)) and not pair and any(map(_in_parts, proofs)):
        # A sibling of a wrong length makes its proof one byte long: no proof is, so it gets its verdict from its
        # length.
        rows = [join_proof(proof, digest_size, f"{field}[{i}]") for i, proof in enumerate(proofs)]
        return as_column([b"\x00" if row is None else row for row in rows], field)
    return as_column(proofs, field)


def _in_parts(proof: object) -> bool:
    return isinstance(proof, (list, tuple)) or (isinstance(proof, np.ndarray) and proof.ndim == 2)


def check_inclusion_one(
    tree: Tree,
    row: Hash,
    root: bytes,
    node_hash: bytes,
    proof: bytes | None,
    index: int,
    leaf_count: int,
    limit: int | None = None,
) -> Verdict:
    """Verdict on one proof, given the leaf's node; proof None: a sibling has a wrong length."""
    if proof is None:
        return Verdict.MALFORMED_PROOF
    params = tree_params(tree, row, limit)
    return Verdict(ffi_trees.verify_inclusion_one(params, root, node_hash, proof, index, leaf_count))


@dataclass(frozen=True)
class Claims:
    """n inclusion proofs to check.

    Attributes:
        roots, nodes: uint8 (n, digest_size); the leaves' nodes.
        proofs: the joined siblings of each.
        index, leaf_count: uint64 (n,).
        limit: of a padded tree.
    """

    roots: NDArray[np.uint8]
    nodes: NDArray[np.uint8]
    proofs: Column
    index: NDArray[np.uint64]
    leaf_count: NDArray[np.uint64]
    limit: int | None = None


def check_inclusion_batch(tree: Tree, row: Hash, claims: Claims, threads: int) -> NDArray[np.uint8]:
    """Codes that check_inclusion_one gives item by item."""
    n = len(claims.nodes)
    codes = np.empty(n, dtype=np.uint8)
    params = tree_params(tree, row, claims.limit)
    index, leaf_count = np.ascontiguousarray(claims.index), np.ascontiguousarray(claims.leaf_count)
    backend = ffi.current_backend()

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        proofs = claims.proofs.slice(start, stop)
        rows = (claims.roots[part], claims.nodes[part], proofs, index[part], leaf_count[part])
        ffi_trees.verify_inclusion(backend, params, rows, codes[part])

    # A level costs the same whether a thread brings many proofs to it or few, as long as they fill the lanes.
    run_pieces(work, cut(n, threads, Cost(item_ns=100, byte_ns=3), claims.proofs), threads)
    return codes


def flat_rows(column: Column) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One flat array, and where each row starts in it."""
    if column.offsets is not None:
        return column.data, column.offsets[:-1]
    return np.ascontiguousarray(column.data).reshape(-1), np.arange(column.n, dtype=np.int64) * column.data.shape[1]


def root_from_consistency(
    row: Hash, tree: Tree, root_m: bytes, proof: Sequence[bytes], m: int, n: int
) -> tuple[bytes, bytes] | None:
    """The two roots that a consistency proof leads to, 0 < m < n; None when its length is wrong (RFC 9162, 2.1.4.2)."""
    path = [root_m, *proof] if m & (m - 1) == 0 else list(proof)
    if not path:
        return None
    first, second = m - 1, n - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if second == 0:
            return None
        if first & 1 or first == second:
            old, new = node(row, tree, sibling, old), node(row, tree, sibling, new)
            while first and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            new = node(row, tree, new, sibling)
        first, second = first >> 1, second >> 1
    return (old, new) if second == 0 else None


def consistency_positions(m: int, n: int) -> list[tuple[int, int]]:
    """Positions (level, index) of the nodes that prove n leaves to extend m, 0 < m <= n (RFC 9162, 2.1.4.1)."""
    tail: list[tuple[int, int]] = []
    low, high, whole = 0, n, True
    while m != high - low:
        half = 1 << ((high - low - 1).bit_length() - 1)
        if m <= half:
            tail.append(_position(low + half, high))
            high = low + half
        else:
            tail.append(_position(low, low + half))
            low, m, whole = low + half, m - half, False
    head = [] if whole else [_position(low, high)]
    return head + tail[::-1]


def _position(low: int, high: int) -> tuple[int, int]:
    """Where the node over leaves low up to high stands; a promoted node stands on several levels."""
    level = (high - low - 1).bit_length()
    return level, low >> level
