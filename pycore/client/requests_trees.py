"""The calls for Merkle trees: roots, growing trees, proofs of all kinds, maps."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pycore.base.columns import BatchOfBytes, BytesLike, Column, as_column, index_array, one_bytes, same_n, single
from pycore.base.registry import HASHES, TREES, Hash, lookup
from pycore.base.verdicts import Verdict, Verdicts
from pycore.client.requests import (
    Budget,
    Caller,
    Feed,
    Plan,
    call,
    only,
    raise_unless_valid,
    root_column,
    root_slice,
    verdicts_of,
)
from pycore.errors import LengthError
from pycore.merkle import sparse
from pycore.merkle.frontier import MerkleFrontier
from pycore.merkle.proofs import count_argument, count_column, join_proof, proof_column
from pycore.wire.columns import received_column, split, to_numbers
from pycore.wire.packing import packed
from pycore.wire.schema import merkle_pb2


@dataclass(frozen=True)
class BuiltTree:
    """A Merkle tree that a service computed.

    Attributes:
        root: the root.
        leaf_count: number of leaves.
        proofs: one row per asked index: its siblings from the leaf up, one after another.
        mutated: "bitcoin": equal neighbours, so that another list of leaves has the same root.
        multiproof: one proof of the leaves asked for together.
        consistency_proofs: one proof per asked size.
    """

    root: bytes
    leaf_count: int
    proofs: Column
    mutated: bool
    multiproof: list[bytes]
    consistency_proofs: list[list[bytes]]


@dataclass(frozen=True)
class GrownTree:
    """A Merkle tree that a service appended to.

    Attributes:
        root: the root.
        leaf_count: number of leaves.
        state: hand it to the next call to go on.
        proofs: the inclusion proof of each asked index.
        consistency_proofs: the proof from each asked size to the present one.
    """

    root: bytes
    leaf_count: int
    state: bytes
    proofs: list[list[bytes]]
    consistency_proofs: list[list[bytes]]


class TreeCalls(Caller):
    """Roots of trees, and proofs."""

    @call
    def append_merkle_tree(
        self, /, chunks: Iterable[BatchOfBytes] | AsyncIterable[BatchOfBytes], **options: Any
    ) -> Feed[GrownTree]:
        """Root of a tree of any size, its leaves sent in pieces; or a tree that grows from call to call.

        Args:
            chunks: batches of leaves, in order. Read ahead of the service: by a blocking client from another thread.
                The iterable may be an asynchronous one where the client is.
            state: where to go on: `.state` of an earlier result. Default: a new tree.
            indices: positions of leaves to prove, at most 256; a growing tree must know all at its first call.
            consistency_sizes: sizes that were checkpoints, to be proved extended.
            checkpoint: True makes the size at the end one.
            tree, hash, hashed, limit, width: as for `pycore.merkle_stream`; with `state` they are the state's.

        Returns:
            A `GrownTree`: `.root`, `.leaf_count`, `.state`, `.proofs`, `.consistency_proofs`.

        Raises:
            InputError: a malformed call. ServiceError: the stream broke. It has no time limit.
        """
        return _append(self._budget, chunks, options)

    @call
    def merkle_root(self, /, leaves: BatchOfBytes, *, threads: int | None = None, **options: Any) -> Feed[bytes]:
        """`pycore.merkle_root` on the service; leaves of any number, sent in pieces."""

        def feed() -> Feed[GrownTree]:
            return replace(_append(self._budget, [leaves], options), again=feed)

        return feed().then(lambda tree: tree.root)

    @call
    def build_merkle_tree(self, /, leaves: BatchOfBytes, indices: ArrayLike = (), **options: Any) -> Plan[BuiltTree]:
        """Root of a Merkle tree, and proofs, as `pycore.MerkleTree` gives them.

        Args:
            leaves: they must fit into one message of the service's limit; `append_merkle_tree` has no limit.
            indices: positions to prove one by one.
            options: tree, hash, hashed, width, limit as for `pycore.merkle_root`; `multiproof`: positions to prove
                together; `consistency_sizes`: smaller sizes to prove consistent.
        """
        return _build(leaves, indices, **options)

    @call
    def verify_inclusion_batch(
        self,
        root: BatchOfBytes,
        leaves: BatchOfBytes,
        proofs: Any,
        *,
        index: ArrayLike,
        leaf_count: ArrayLike,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        width: int | None = None,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Plan[Verdicts]:
        """`pycore.verify_inclusion_batch` on the service."""
        row = _hash_of(tree, hash)
        column = as_column(leaves, "leaves", width=width)
        n = column.n
        rows = proof_column(proofs, row.digest_size, "proofs")
        same_n("proofs", rows, n, "leaves")
        positions = count_column(index, "index", n)
        one_count = np.ndim(leaf_count) == 0
        counts = (
            np.array([count_argument(leaf_count, "leaf_count")], dtype=np.uint64)
            if one_count
            else count_column(leaf_count, "leaf_count", n)
        )
        roots = root_column(root, row.digest_size, n, "leaves")
        template = merkle_pb2.VerifyInclusionRequest(tree=tree, limit=_limit(limit), hash=hash, hashed=hashed)

        def request(start: int, stop: int) -> bytes:
            bare = merkle_pb2.VerifyInclusionRequest()
            bare.CopyFrom(template)
            bare.index = to_numbers(positions[start:stop])
            bare.leaf_count = to_numbers(counts if one_count else counts[start:stop])
            filled = [
                (bare.ROOT_FIELD_NUMBER, root_slice(roots, start, stop)),
                (bare.LEAVES_FIELD_NUMBER, column.slice(start, stop)),
                (bare.PROOFS_FIELD_NUMBER, rows.slice(start, stop)),
            ]
            return packed(bare, filled)

        ranges = split([column, rows, *([roots] if roots.n != 1 else [])], self._budget.items, self._budget.nbytes)
        requests = (request(start, stop) for start, stop in ranges)
        return Plan("VerifyInclusion", len(ranges), requests, verdicts_of(n))

    @call
    def verify_inclusion(
        self, /, root: BytesLike, leaf: BytesLike, proof: Any, *, index: int, leaf_count: int, **options: Any
    ) -> Plan[None]:
        """`pycore.verify_inclusion` on the service."""
        plan: Plan[Verdicts] = TreeCalls.verify_inclusion_batch.plan(
            self, root, single(leaf, "leaf"), [proof], index=[index], leaf_count=leaf_count, **options
        )
        return plan.then(only)

    @call
    def verify_multiproof(
        self,
        root: BytesLike,
        leaves: BatchOfBytes,
        proof: Any,
        *,
        indices: ArrayLike,
        leaf_count: int,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        width: int | None = None,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Plan[None]:
        """`pycore.verify_multiproof` on the service: always one message."""
        row = _hash_of(tree, hash)
        column = as_column(leaves, "leaves", width=width)
        positions = index_array(indices, "indices")
        if len(positions) != column.n:
            raise LengthError("indices", f"{len(positions)} items", f"{column.n}, as many as leaves")
        request = merkle_pb2.VerifyMultiproofRequest(
            tree=tree, hash=hash, root=one_bytes(root, "root"), hashed=hashed,
            proof=_joined(proof, row.digest_size), indices=to_numbers(positions),
            leaf_count=count_argument(leaf_count, "leaf_count"), limit=_limit(limit),
        )  # fmt: skip
        filled = packed(request, [(request.LEAVES_FIELD_NUMBER, column)])
        return Plan("VerifyMultiproof", 1, [filled], _one_verdict)

    @call
    def verify_consistency(
        self, root_m: BytesLike, root_n: BytesLike, proof: Any, *, m: int, n: int, hash: str = "sha256"
    ) -> Plan[None]:
        """`pycore.verify_consistency` on the service."""
        row = lookup(HASHES, hash, "hash")
        request = merkle_pb2.VerifyConsistencyRequest(
            hash=hash, root_m=one_bytes(root_m, "root_m"), root_n=one_bytes(root_n, "root_n"),
            proof=_joined(proof, row.digest_size), m=count_argument(m, "m"), n=count_argument(n, "n"),
        )  # fmt: skip
        return Plan("VerifyConsistency", 1, [request], _one_verdict)

    @call
    def verify_sparse_batch(
        self,
        root: BatchOfBytes,
        keys: BatchOfBytes,
        values: BatchOfBytes | Sequence[BytesLike | None] | None,
        proofs: BatchOfBytes,
        *,
        hash: str = "sha256",
        hashed: bool = False,
        threads: int | None = None,
    ) -> Plan[Verdicts]:
        """`pycore.verify_sparse_batch` on the service."""
        row = lookup(HASHES, hash, "hash")
        key_column = as_column(keys, "keys", widths=(sparse.KEY_SIZE,), exact=True)
        n = key_column.n
        rows = as_column(proofs, "proofs")
        same_n("proofs", rows, n, "keys")
        given: Any = [None] * n if values is None else values
        value_column, present = sparse.optional_values(given, "values", row.digest_size if hashed else None)
        same_n("values", value_column, n, "keys")
        roots = root_column(root, row.digest_size, n, "keys")

        def request(start: int, stop: int) -> bytes:
            absent = to_numbers(np.flatnonzero(~present[start:stop]))
            bare = merkle_pb2.VerifySparseRequest(hash=hash, hashed=hashed, absent=absent)
            filled = [
                (bare.ROOT_FIELD_NUMBER, root_slice(roots, start, stop)),
                (bare.KEYS_FIELD_NUMBER, key_column.slice(start, stop)),
                (bare.VALUES_FIELD_NUMBER, value_column.slice(start, stop)),
                (bare.PROOFS_FIELD_NUMBER, rows.slice(start, stop)),
            ]
            return packed(bare, filled)

        columns = [key_column, value_column, rows, *([roots] if roots.n != 1 else [])]
        ranges = split(columns, self._budget.items, self._budget.nbytes)
        requests = (request(start, stop) for start, stop in ranges)
        return Plan("VerifySparse", len(ranges), requests, verdicts_of(n))

    @call
    def verify_sparse(
        self, /, root: BytesLike, key: BytesLike, value: BytesLike | None, proof: BytesLike, **options: Any
    ) -> Plan[None]:
        """`pycore.verify_sparse` on the service."""
        plan: Plan[Verdicts] = TreeCalls.verify_sparse_batch.plan(self, root, [key], [value], [proof], **options)
        return plan.then(only)


def _hash_of(tree: str, hash_name: str | None) -> Hash:
    shape = lookup(TREES, tree, "tree")
    return lookup(HASHES, shape.default_hash if hash_name is None else hash_name, "hash")


def _limit(limit: int | None) -> int | None:
    return None if limit is None else count_argument(limit, "limit")


def _joined(proof: Any, size: int) -> bytes:
    """The nodes one after another; for nodes of a wrong length something that no proof is."""
    joined = join_proof(proof, size, "proof")
    return b"\0" if joined is None else joined


def _nodes(joined: bytes, size: int) -> list[bytes]:
    return [joined[i : i + size] for i in range(0, len(joined), size)]


def _one_verdict(answers: Sequence[Any]) -> None:
    raise_unless_valid(Verdict(answers[0].verdict))


def _build(
    leaves: BatchOfBytes,
    indices: ArrayLike,
    *,
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
    width: int | None = None,
    limit: int | None = None,
    multiproof: ArrayLike = (),
    consistency_sizes: Sequence[int] = (),
) -> Plan[BuiltTree]:
    """Always one request: a tree cannot be cut."""
    size = _hash_of(tree, hash).digest_size
    request = merkle_pb2.BuildMerkleTreeRequest(
        tree=tree,
        hash=hash,
        hashed=hashed,
        indices=to_numbers(index_array(indices, "indices")),
        multiproof_indices=to_numbers(index_array(multiproof, "multiproof")),
        consistency_sizes=to_numbers([count_argument(m, "consistency_sizes") for m in consistency_sizes]),
        limit=_limit(limit),
    )

    def combine(answers: Sequence[merkle_pb2.BuildMerkleTreeResponse]) -> BuiltTree:
        answer = answers[0]
        return BuiltTree(
            answer.root,
            answer.leaf_count,
            received_column(answer.proofs, "proofs"),
            answer.mutated,
            _nodes(answer.multiproof, size),
            [_nodes(row, size) for row in received_column(answer.consistency_proofs, "consistency_proofs")],
        )

    filled = packed(request, [(request.LEAVES_FIELD_NUMBER, as_column(leaves, "leaves", width=width))])
    return Plan("BuildMerkleTree", 1, [filled], combine)


def _append(
    budget: Budget, chunks: Iterable[BatchOfBytes] | AsyncIterable[BatchOfBytes], options: dict[str, Any]
) -> Feed[GrownTree]:
    growth = _Growth(budget, **options)
    return Feed("AppendMerkleTree", chunks, growth.messages, growth.result, growth.rest)


class _Growth:
    """Cuts chunks of leaves into messages, and reads the answer."""

    def __init__(
        self,
        budget: Budget,
        *,
        state: BytesLike = b"",
        indices: Iterable[int] = (),
        consistency_sizes: Iterable[int] = (),
        checkpoint: bool = False,
        tree: str | None = None,
        hash: str | None = None,
        hashed: bool = False,
        limit: int | None = None,
        width: int | None = None,
    ) -> None:
        self._budget = budget
        self._width = width
        first = merkle_pb2.AppendMerkleTreeRequest(
            state=one_bytes(state, "state"),
            tree=tree,
            hash=hash,
            hashed=hashed,
            indices=to_numbers([count_argument(index, "indices") for index in indices]),
            consistency_sizes=to_numbers([count_argument(size, "consistency_sizes") for size in consistency_sizes]),
            checkpoint=checkpoint,
            limit=_limit(limit),
        )
        start = MerkleFrontier.from_bytes(state) if first.state else MerkleFrontier(tree=tree or "rfc9162", hash=hash)
        self._digest_size = HASHES[start.hash].digest_size
        self._first: merkle_pb2.AppendMerkleTreeRequest | None = first

    def messages(self, chunk: BatchOfBytes) -> Iterator[bytes]:
        """The messages of one chunk; the very first carries the options."""
        column = as_column(chunk, "leaves", width=self._width)
        for start, stop in split([column], self._budget.items, self._budget.nbytes):
            request = self._first or merkle_pb2.AppendMerkleTreeRequest()
            self._first = None
            yield packed(request, [(request.LEAVES_FIELD_NUMBER, column.slice(start, stop))])

    def rest(self) -> Iterator[merkle_pb2.AppendMerkleTreeRequest]:
        """The options, when no chunk has carried them."""
        if self._first is not None:
            yield self._first
            self._first = None

    def result(self, answer: merkle_pb2.AppendMerkleTreeResponse) -> GrownTree:
        """The answer as the caller sees it."""
        size = self._digest_size
        return GrownTree(
            answer.root,
            answer.leaf_count,
            answer.state,
            [_nodes(row, size) for row in received_column(answer.proofs, "proofs")],
            [_nodes(row, size) for row in received_column(answer.consistency_proofs, "consistency_proofs")],
        )
