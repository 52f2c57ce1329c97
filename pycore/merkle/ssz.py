"""SSZ: packing, mixing in, generalized indices, and proofs by them (Ethereum's consensus specifications,
``ssz/simple-serialize.md`` and ``ssz/merkle-proofs.md``).

A **generalized index** names a node of a binary tree: the root is 1, the children of k are 2 k and 2 k + 1; so leaf i
of a tree of depth d is 2^d + i. The trees themselves are the shape "ssz" of :mod:`pycore.merkle`.

>>> import pycore
>>> chunks = pack(bytes(range(40)))
>>> pycore.merkle_root(chunks, tree="ssz") == merkleize(chunks)
True
>>> root = list_root(chunks, length=40, limit=8)
>>> tree = pycore.MerkleTree(chunks, tree="ssz", limit=8)
>>> branch = [*tree.proof(1), (40).to_bytes(32, "little")]
>>> verify_branch(root, chunks[1].tobytes(), branch, index=concat_indices(2, generalized_index(1, depth=3)))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.base import parallel
from pycore.base.columns import as_column, describe, one_bytes
from pycore.base.registry import HASHES, TREES, lookup
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, LengthError, ProofError
from pycore.merkle.levels import check_limit, digest, node
from pycore.merkle.multiproof import climb
from pycore.merkle.plans import ssz_plan
from pycore.merkle.proofs import count_argument, join_proof
from pycore.merkle.tree import merkle_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike
    from pycore.merkle.plans import Plan

__all__ = [
    "branch_indices",
    "concat_indices",
    "generalized_index",
    "helper_indices",
    "list_root",
    "merkleize",
    "mix_in_length",
    "mix_in_selector",
    "pack",
    "verify_branch",
    "verify_branches",
]

_CHUNK = 32
_MAX_DEPTH = 256
_SSZ = TREES["ssz"]


# ---- roots ---------------------------------------------------------------------------------------------------------


def pack(data: BytesLike) -> NDArray[np.uint8]:
    """Serialised basic values as 32-byte chunks, the last filled up with zeros: uint8 (n, 32)."""
    raw = np.frombuffer(one_bytes(data, "data"), dtype=np.uint8)
    chunks = np.zeros((-(-raw.size // _CHUNK), _CHUNK), dtype=np.uint8)
    chunks.reshape(-1)[: raw.size] = raw
    return chunks


def merkleize(
    chunks: BatchOfBytes, *, limit: int | None = None, hash: str = "sha256", threads: int | None = None
) -> bytes:
    """Root over chunks, filled up with zero chunks to a power of two: `merkle_root` with ``tree="ssz"``."""
    return merkle_root(chunks, tree="ssz", limit=limit, hash=hash, threads=threads)


def mix_in_length(root: BytesLike, length: int, *, hash: str = "sha256") -> bytes:
    """H(root || length as a chunk, little-endian): the root of a list of `length` elements."""
    row = lookup(HASHES, hash, "hash")
    return node(row, _SSZ, digest(root, row, "root"), _number(length, "length", row.digest_size))


def mix_in_selector(root: BytesLike, selector: int, *, hash: str = "sha256") -> bytes:
    """H(root || selector as a chunk, little-endian): the root of a union; selector 0 to 127."""
    row = lookup(HASHES, hash, "hash")
    if count_argument(selector, "selector") > 127:
        raise InputError("selector", str(selector), "0 to 127")
    return node(row, _SSZ, digest(root, row, "root"), _number(selector, "selector", row.digest_size))


def list_root(
    chunks: BatchOfBytes, *, length: int, limit: int, hash: str = "sha256", threads: int | None = None
) -> bytes:
    """hash_tree_root of a list: its chunks merkleized with the limit of the type in chunks, its length mixed in."""
    check_limit(_SSZ, limit)
    return mix_in_length(merkleize(chunks, limit=limit, hash=hash, threads=threads), length, hash=hash)


def _number(value: int, field: str, size: int) -> bytes:
    return count_argument(value, field).to_bytes(size, "little")


# ---- generalized indices -------------------------------------------------------------------------------------------


def generalized_index(index: int, *, depth: int) -> int:
    """2^depth + index: the generalized index of leaf `index` of a tree of that depth."""
    place, levels = count_argument(index, "index"), count_argument(depth, "depth")
    if levels > _MAX_DEPTH:
        raise InputError("depth", str(levels), f"0 to {_MAX_DEPTH}")
    if place >> levels:
        raise InputError("index", str(place), f"below {1 << levels}, the leaves of depth {levels}")
    return (1 << levels) + place


def concat_indices(*indices: int) -> int:
    """The generalized index of a node below a node below ...: each is relative to the one before.

    >>> concat_indices(2, 3, 5)
    21
    """
    whole = 1
    for position, index in enumerate(indices):
        checked = _checked(index, f"indices[{position}]")
        depth = checked.bit_length() - 1
        whole = (whole << depth) | (checked ^ (1 << depth))
    return _checked(whole, "indices")


def branch_indices(index: int) -> list[int]:
    """Generalized indices of the siblings on the way from a node to the root, the lowest first.

    >>> branch_indices(9)
    [8, 5, 3]
    """
    at, siblings = _checked(index, "index"), []
    while at > 1:
        siblings.append(at ^ 1)
        at >>= 1
    return siblings


def helper_indices(indices: Iterable[int]) -> list[int]:
    """Generalized indices of the nodes that prove all of `indices` together, from the largest down
    (``get_helper_indices`` of the specification).

    >>> helper_indices([8, 9, 14])
    [15, 6, 5]
    """
    places = [_checked(index, f"indices[{position}]") for position, index in enumerate(indices)]
    plan = _plan(places) if places else None
    return _helpers(places) if plan is None else plan.helpers.tolist()


def _helpers(places: list[int]) -> list[int]:
    siblings = {sibling for index in places for sibling in branch_indices(index)}
    path = {index >> height for index in places for height in range(index.bit_length())}
    return sorted(siblings - path, reverse=True)


def _checked(index: object, field: str) -> int:
    if isinstance(index, (bool, np.bool_)) or not isinstance(index, (int, np.integer)):
        raise InputError(field, describe(index), "a generalized index")
    if not 1 <= index < 1 << _MAX_DEPTH + 1:
        raise InputError(field, describe(int(index)), f"1 to 2**{_MAX_DEPTH + 1} - 1")
    return int(index)


# ---- proofs --------------------------------------------------------------------------------------------------------


def verify_branch(
    root: BytesLike,
    leaf: BytesLike,
    branch: Sequence[BytesLike] | BytesLike,
    *,
    index: int,
    hash: str = "sha256",
) -> None:
    """Check that a node is at a generalized index below a root (``is_valid_merkle_branch``); returns None, or raises.

    The index says where the node is and how deep: take it from the type, never from the prover.

    Args:
        root, leaf: digests.
        branch: siblings from the node up, as a sequence or one after another in one bytes-like object.
        index: the generalized index.
        hash: a name in ``pycore.HASHES``.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (not one sibling per level) or BAD_PROOF (another root).
        InputError: a malformed call.

    Traps: a prover who picks the index picks which node is proved, and leaves and inner nodes look alike. Indices of a
    container change when a fork adds fields: from Electra on Ethereum's light clients have others.
    """
    row = lookup(HASHES, hash, "hash")
    wanted, current = digest(root, row, "root"), digest(leaf, row, "leaf")
    at, joined = _checked(index, "index"), join_proof(branch, row.digest_size, "branch")
    if joined is None or len(joined) != (at.bit_length() - 1) * row.digest_size:
        raise ProofError(Verdict.MALFORMED_PROOF)
    for start in range(0, len(joined), row.digest_size):
        sibling = joined[start : start + row.digest_size]
        current = node(row, _SSZ, sibling, current) if at & 1 else node(row, _SSZ, current, sibling)
        at >>= 1
    if current != wanted:
        raise ProofError(Verdict.BAD_PROOF)


def verify_branches(
    root: BytesLike,
    leaves: BatchOfBytes,
    proof: Sequence[BytesLike] | BytesLike,
    *,
    indices: Sequence[int],
    hash: str = "sha256",
    threads: int | None = None,
) -> None:
    """Check that many nodes are at their generalized indices below one root (``verify_merkle_multiproof``).

    Args:
        root: a digest.
        leaves: k digests.
        proof: the nodes at :func:`helper_indices` of the indices, in that order, as a sequence or one after another.
        indices: k generalized indices, none of them above another; of any depths.
        hash: a name in ``pycore.HASHES``.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (wrong number of nodes) or BAD_PROOF (another root).
        InputError: a malformed call: counts that differ, an index that repeats or is above another.

    Traps: those of :func:`verify_branch`.
    """
    row = lookup(HASHES, hash, "hash")
    count, size = parallel.resolve_threads(threads), row.digest_size
    wanted = digest(root, row, "root")
    column = as_column(leaves, "leaves", widths=(size,), exact=True)
    places = [_checked(index, f"indices[{position}]") for position, index in enumerate(indices)]
    if len(places) != column.n or not places:
        raise LengthError("indices", f"{len(places)} indices", f"{column.n}, as many as leaves, and at least one")
    joined = join_proof(proof, size, "proof")
    plan = _plan(places)
    if plan is not None:
        if joined is None or len(joined) != len(plan.helpers) * size:
            raise ProofError(Verdict.MALFORMED_PROOF)
        given = np.frombuffer(joined, dtype=np.uint8).reshape(-1, size)
        at = column.offsets  # all rows have a digest's length: that was checked
        nodes = column.to_matrix(size, "leaves") if at is None else column.data[at[0] : at[-1]].reshape(-1, size)
        if climb(row, _SSZ, plan, [nodes, given], count)[0] != wanted:
            raise ProofError(Verdict.BAD_PROOF)
        return
    _check_apart(places)
    helpers = _helpers(places)
    if joined is None or len(joined) != len(helpers) * size:
        raise ProofError(Verdict.MALFORMED_PROOF)
    levels: list[dict[int, bytes]] = [{} for _ in range(max(places).bit_length())]  # by depth: position -> node
    known = [*zip(places, column, strict=True)]
    known += [(place, joined[k * size : (k + 1) * size]) for k, place in enumerate(helpers)]
    for place, value in known:
        levels[place.bit_length() - 1][place] = value
    for below, above in zip(levels[:0:-1], levels[-2::-1], strict=True):
        for left, value in below.items():
            if not left & 1:
                above[left >> 1] = node(row, _SSZ, value, below[left + 1])
    if levels[0][1] != wanted:
        raise ProofError(Verdict.BAD_PROOF)


def _plan(places: list[int]) -> Plan | None:
    """The plan for these indices; None when they have more than 64 bits, or are not apart from each other."""
    return None if max(places) >> 64 else ssz_plan(np.array(places, dtype=np.uint64))


def _check_apart(places: list[int]) -> None:
    """A node above another would be overwritten by what is hashed from below."""
    seen = set(places)
    if len(seen) != len(places):
        raise InputError("indices", "an index twice", "distinct indices")
    for place in places:
        if any(place >> height in seen for height in range(1, place.bit_length())):
            raise InputError("indices", f"{place} and one above it", "indices of which none is above another")
