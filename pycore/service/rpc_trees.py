"""Merkle trees and their proofs: built at once, grown over many messages, checked."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from pycore.base.columns import Column, as_column
from pycore.base.deadline import checkpoint
from pycore.base.registry import HASHES, TREES, lookup
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError, LengthError, ProofError
from pycore.merkle import inclusion, sparse
from pycore.merkle.frontier import MerkleFrontier
from pycore.merkle.levels import depth_of
from pycore.merkle.tree import MerkleTree
from pycore.service.work import Pieces, Unary, Work
from pycore.wire.columns import fill_column, from_column, numbers, to_column, to_verdicts
from pycore.wire.schema import merkle_pb2
from pycore.wire.settings import Settings

MAX_CONSISTENCY_SIZES = 1 << 12
"""Consistency proofs of one request; each is made on its own, from up to 64 nodes."""
_MAX_WATCHED = 256
_MAX_STATE_BYTES = 1 << 20


class Options(NamedTuple):
    """Which tree: the keyword arguments of `pycore.MerkleTree` that a request sets."""

    words: tuple[tuple[str, Any], ...]
    more: Hashable = None

    @classmethod
    def of(cls, request: Any, more: Hashable = None) -> Options:
        """From the members that every request about a tree has; `more` is the request's own."""
        words = {name: getattr(request, name) for name in ("tree", "hash") if getattr(request, name)}
        if request.HasField("limit"):
            words["limit"] = request.limit
        return cls((*words.items(), ("hashed", request.hashed)), more)


def _tree(work: Work) -> dict[str, Any]:
    assert isinstance(work.options, Options)
    return dict(work.options.words)


def _one_or_many(column: Column) -> Any:
    return column[0] if column.n == 1 else column


# ---- BuildMerkleTree -------------------------------------------------------------------------------------------------


class _Built(NamedTuple):
    tree: MerkleTree
    proofs: Column | None
    multiproof: bytes
    consistency_proofs: Column | None


def _decode_build(request: merkle_pb2.BuildMerkleTreeRequest, settings: Settings) -> Work:
    leaves = from_column(request.leaves, "leaves", settings)
    indices = numbers(request.indices, "indices", settings)
    together = numbers(request.multiproof_indices, "multiproof_indices", settings)
    sizes = numbers(request.consistency_sizes, "consistency_sizes", settings)
    siblings = _count_siblings(request, leaves.n, (len(indices), len(together), len(sizes)), settings)
    # A proof is as much to hold as the leaves that it is long: siblings, not proofs, are what is counted.
    cost = leaves.n + siblings
    return Work("BuildMerkleTree", Options.of(request), (leaves, indices, together, sizes), leaves.n, cost)


def _count_siblings(
    request: merkle_pb2.BuildMerkleTreeRequest, leaf_count: int, asked: tuple[int, int, int], settings: Settings
) -> int:
    """At most how many nodes the asked proofs have. LengthError when they would make too large an answer."""
    alone, together, sizes = asked
    if sizes > MAX_CONSISTENCY_SIZES:
        raise LengthError("consistency_sizes", f"{sizes} sizes", f"at most {MAX_CONSISTENCY_SIZES} per request")
    shape = lookup(TREES, request.tree or "rfc9162", "tree")
    size = lookup(HASHES, request.hash or shape.default_hash, "hash").digest_size
    depth = depth_of(shape, leaf_count, request.limit if request.HasField("limit") else None)
    single = alone * depth
    settings.check_answer(single * size, "indices")
    # Each helper of a multiproof joins the way of one leaf, and no level gives more of them than half its nodes.
    shared = min(together * depth, leaf_count + depth)
    growth = sizes * (depth + 1)
    settings.check_answer((single + shared + growth) * size, "indices, multiproof_indices and consistency_sizes")
    return single + shared + growth


def _run_build(work: Work, settings: Settings) -> _Built:
    leaves, indices, together, sizes = work.columns
    tree = MerkleTree(leaves, threads=settings.threads, **_tree(work))
    proofs = tree.proofs(indices) if len(indices) else None
    multiproof = b"".join(tree.multiproof(together)) if len(together) else b""
    rows = []
    for size in sizes.tolist():
        checkpoint()
        rows.append(b"".join(tree.consistency_proof(size)))
    return _Built(tree, proofs, multiproof, as_column(rows, "consistency_proofs") if rows else None)


def _encode_build(built: _Built) -> merkle_pb2.BuildMerkleTreeResponse:
    tree = built.tree
    answer = merkle_pb2.BuildMerkleTreeResponse(
        root=tree.root, leaf_count=tree.leaf_count, mutated=tree.mutated, multiproof=built.multiproof
    )
    if built.proofs is not None:
        fill_column(answer.proofs, built.proofs)
    if built.consistency_proofs is not None:
        fill_column(answer.consistency_proofs, built.consistency_proofs)
    return answer


# ---- AppendMerkleTree ------------------------------------------------------------------------------------------------


class _Growth:
    """The tree of one call, between its messages. As the option of a work it equals no other."""

    def __init__(self, first: merkle_pb2.AppendMerkleTreeRequest, settings: Settings) -> None:
        """InputError for options that do not fit."""
        self.indices = numbers(first.indices, "indices", settings).tolist()
        self.sizes = numbers(first.consistency_sizes, "consistency_sizes", settings).tolist()
        self.checkpoint = first.checkpoint
        for field, given in (("indices", self.indices), ("consistency_sizes", self.sizes)):
            if len(given) > _MAX_WATCHED:
                raise LengthError(field, f"{len(given)} numbers", f"at most {_MAX_WATCHED}")
        if first.state:
            if len(first.state) > _MAX_STATE_BYTES:
                raise LengthError("state", f"{len(first.state)} bytes", f"at most {_MAX_STATE_BYTES} bytes")
            self.frontier = MerkleFrontier.from_bytes(first.state, max_watched=4 * _MAX_WATCHED)
            self._agree(first)
        else:
            self.frontier = MerkleFrontier(**dict(Options.of(first).words), watch=self.indices)

    def _agree(self, first: merkle_pb2.AppendMerkleTreeRequest) -> None:
        for field in ("tree", "hash"):
            got, held = getattr(first, field), getattr(self.frontier, field)
            if got and got != held:
                raise InputError(field, repr(got), f"{held!r}, as in the state, or nothing")
        limited = first.HasField("limit") and first.limit != self.frontier.limit
        if limited or (first.hashed and not self.frontier.hashed):
            raise InputError("limit" if limited else "hashed", "another value than the state's", "the same, or nothing")


def _decode_append(growth: _Growth, request: merkle_pb2.AppendMerkleTreeRequest, settings: Settings) -> Work:
    leaves = from_column(request.leaves, "leaves", settings)
    return Work("AppendMerkleTree", growth, (leaves,), leaves.n, leaves.n)


def _run_append(work: Work, settings: Settings) -> None:
    assert isinstance(work.options, _Growth)
    work.options.frontier.append(*work.columns, threads=settings.threads)


def _encode_append(growth: _Growth) -> merkle_pb2.AppendMerkleTreeResponse:
    frontier = growth.frontier
    proofs = [b"".join(frontier.proof(index)) for index in growth.indices]
    consistency = [b"".join(frontier.consistency_proof(size)) for size in growth.sizes]
    if growth.checkpoint:
        frontier.checkpoint()
    return merkle_pb2.AppendMerkleTreeResponse(
        root=frontier.root,
        leaf_count=frontier.leaf_count,
        state=frontier.to_bytes(),
        proofs=to_column(as_column(proofs, "proofs")),
        consistency_proofs=to_column(as_column(consistency, "consistency_proofs")),
    )


# ---- VerifyInclusion -------------------------------------------------------------------------------------------------


def _decode_inclusion(request: merkle_pb2.VerifyInclusionRequest, settings: Settings) -> Work:
    root, leaves, proofs = (
        from_column(getattr(request, name), name, settings) for name in ("root", "leaves", "proofs")
    )
    index = numbers(request.index, "index", settings)
    counts = numbers(request.leaf_count, "leaf_count", settings)
    n = max(leaves.n, proofs.n, len(index))
    return Work("VerifyInclusion", Options.of(request), (root, leaves, proofs, index, counts), n, n)


def _run_inclusion(work: Work, settings: Settings) -> Verdicts:
    root, leaves, proofs, index, counts = work.columns
    return inclusion.verify_inclusion_batch(
        _one_or_many(root),
        leaves,
        proofs,
        index=index,
        leaf_count=counts[0] if len(counts) == 1 else counts,
        threads=settings.threads,
        **_tree(work),
    )


def _encode_inclusion(verdicts: Verdicts) -> merkle_pb2.VerifyInclusionResponse:
    return merkle_pb2.VerifyInclusionResponse(verdicts=to_verdicts(verdicts))


# ---- VerifyMultiproof, VerifyConsistency -----------------------------------------------------------------------------


def _decode_multiproof(request: merkle_pb2.VerifyMultiproofRequest, settings: Settings) -> Work:
    leaves = from_column(request.leaves, "leaves", settings)
    indices = numbers(request.indices, "indices", settings)
    options = Options.of(request, (request.root, request.proof, request.leaf_count))
    return Work("VerifyMultiproof", options, (leaves, indices), leaves.n, leaves.n * 2)


def _run_multiproof(work: Work, settings: Settings) -> Verdict:
    leaves, indices = work.columns
    root, proof, leaf_count = work.options.more  # type: ignore[attr-defined]
    try:
        inclusion.verify_multiproof(
            root, leaves, proof, indices=indices, leaf_count=leaf_count, threads=settings.threads, **_tree(work)
        )
    except ProofError as error:
        return error.verdict
    return Verdict.VALID


def _encode_multiproof(verdict: Verdict) -> merkle_pb2.VerifyMultiproofResponse:
    return merkle_pb2.VerifyMultiproofResponse(verdict=int(verdict))  # type: ignore[arg-type]


def _decode_consistency(request: merkle_pb2.VerifyConsistencyRequest, settings: Settings) -> Work:
    options = (request.root_m, request.root_n, request.proof, request.m, request.n, request.hash or "sha256")
    return Work("VerifyConsistency", options, (), 1, 1 + settings.check_items(len(request.proof) // 32, "proof"))


def _run_consistency(work: Work, _: Settings) -> Verdict:
    assert isinstance(work.options, tuple)
    root_m, root_n, proof, m, n, hash_name = work.options
    try:
        inclusion.verify_consistency(root_m, root_n, proof, m=m, n=n, hash=hash_name)
    except ProofError as error:
        return error.verdict
    return Verdict.VALID


def _encode_consistency(verdict: Verdict) -> merkle_pb2.VerifyConsistencyResponse:
    return merkle_pb2.VerifyConsistencyResponse(verdict=int(verdict))  # type: ignore[arg-type]


# ---- VerifySparse ----------------------------------------------------------------------------------------------------


def _decode_sparse(request: merkle_pb2.VerifySparseRequest, settings: Settings) -> Work:
    root, keys, values, proofs = (
        from_column(getattr(request, name), name, settings) for name in ("root", "keys", "values", "proofs")
    )
    absent = numbers(request.absent, "absent", settings)
    if len(absent) and int(absent.max()) >= keys.n:
        raise InputError("absent", str(int(absent.max())), f"rows below {keys.n}")
    present = np.ones(keys.n, dtype=bool)
    present[absent.astype(np.intp)] = False
    n = max(keys.n, proofs.n)
    options = (request.hash or "sha256", request.hashed)
    return Work("VerifySparse", options, (root, keys, values, present, proofs), n, n)


def _run_sparse(work: Work, settings: Settings) -> Verdicts:
    root, keys, values, present, proofs = work.columns
    assert isinstance(work.options, tuple)
    hash_name, hashed = work.options
    given: Any = None
    if values.n:
        given = values
        if not present.all():
            rows: list[bytes | None] = list(values)
            for row in np.flatnonzero(~present).tolist():
                if row < len(rows):
                    rows[row] = None
            given = rows
    return sparse.verify_sparse_batch(
        _one_or_many(root), keys, given, proofs, hash=hash_name, hashed=hashed, threads=settings.threads
    )


def _encode_sparse(verdicts: Verdicts) -> merkle_pb2.VerifySparseResponse:
    return merkle_pb2.VerifySparseResponse(verdicts=to_verdicts(verdicts))


RPCS = {
    "BuildMerkleTree": Unary(_decode_build, _encode_build),
    "AppendMerkleTree": Pieces(_Growth, _decode_append, _encode_append),
    "VerifyInclusion": Unary(_decode_inclusion, _encode_inclusion),
    "VerifyMultiproof": Unary(_decode_multiproof, _encode_multiproof),
    "VerifyConsistency": Unary(_decode_consistency, _encode_consistency),
    "VerifySparse": Unary(_decode_sparse, _encode_sparse),
}
KINDS = {
    "BuildMerkleTree": _run_build,
    "AppendMerkleTree": _run_append,
    "VerifyInclusion": _run_inclusion,
    "VerifyMultiproof": _run_multiproof,
    "VerifyConsistency": _run_consistency,
    "VerifySparse": _run_sparse,
}
