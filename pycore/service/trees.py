"""Trees that grow over many messages, proofs of many leaves, of growth and of maps: both halves of their calls.

As in `wire`, what the server reads and the client writes is side by side here, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pycore._pb.validation.v1 import merkle_pb2
from pycore.base.columns import BatchOfBytes, BytesLike, as_column, index_array, one_bytes, same_n
from pycore.base.registry import HASHES, TREES, lookup
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.client.requests import Budget, Plan, join_verdicts
from pycore.errors import InputError, LengthError, ProofError
from pycore.merkle import inclusion, sparse
from pycore.merkle.frontier import MerkleFrontier
from pycore.merkle.proofs import count_argument, join_proof
from pycore.wire import messages as wire

_MAX_WATCHED = 256
_MAX_STATE_BYTES = 1 << 20


# ---- the server's half ---------------------------------------------------------------------------------------------


class Growth:
    """The tree of one AppendMerkleTree call, between its messages."""

    def __init__(self, first: merkle_pb2.AppendMerkleTreeRequest, settings: wire.Settings) -> None:
        """InputError for options that do not fit."""
        self._settings = settings
        self._indices = list(first.indices)
        self._sizes = list(first.consistency_sizes)
        self._checkpoint = first.checkpoint
        for field, numbers in (("indices", self._indices), ("consistency_sizes", self._sizes)):
            if len(numbers) > _MAX_WATCHED:
                raise LengthError(field, f"{len(numbers)} numbers", f"at most {_MAX_WATCHED}")
        if first.state:
            if len(first.state) > _MAX_STATE_BYTES:
                raise LengthError("state", f"{len(first.state)} bytes", f"at most {_MAX_STATE_BYTES} bytes")
            self._frontier = MerkleFrontier.from_bytes(first.state, max_watched=4 * _MAX_WATCHED)
            self._agree(first)
        else:
            self._frontier = MerkleFrontier(**wire.tree_options(first), watch=self._indices)

    def _agree(self, first: merkle_pb2.AppendMerkleTreeRequest) -> None:
        for field in ("tree", "hash"):
            got, held = getattr(first, field), getattr(self._frontier, field)
            if got and got != held:
                raise InputError(field, repr(got), f"{held!r}, as in the state, or nothing")
        limited = first.HasField("limit") and first.limit != self._frontier.limit
        if limited or (first.hashed and not self._frontier.hashed):
            raise InputError("limit" if limited else "hashed", "another value than the state's", "the same, or nothing")

    def call(self, request: merkle_pb2.AppendMerkleTreeRequest) -> wire.Call:
        """The leaves of one message as work; answers with nothing."""
        leaves = wire.from_column(request.leaves, "leaves", self._settings)

        def run() -> bytes:
            self._frontier.append(leaves, threads=self._settings.threads)
            return b""

        return wire.Call(leaves.n, run)

    def finish(self) -> bytes:
        """The serialised answer."""
        frontier = self._frontier
        proofs = [b"".join(frontier.proof(index)) for index in self._indices]
        consistency = [b"".join(frontier.consistency_proof(size)) for size in self._sizes]
        if self._checkpoint:
            frontier.checkpoint()
        return merkle_pb2.AppendMerkleTreeResponse(
            root=frontier.root,
            leaf_count=frontier.leaf_count,
            state=frontier.to_bytes(),
            proofs=wire.to_column(as_column(proofs, "proofs")),
            consistency_proofs=wire.to_column(as_column(consistency, "consistency_proofs")),
        ).SerializeToString()


def decode_verify_multiproof(request: merkle_pb2.VerifyMultiproofRequest, settings: wire.Settings) -> wire.Call:
    """VerifyMultiproof."""
    leaves = wire.from_column(request.leaves, "leaves", settings)
    indices = wire.numbers(request.indices, "indices", settings)
    options = wire.tree_options(request)

    def run() -> bytes:
        verdict = Verdict.VALID
        try:
            inclusion.verify_multiproof(
                request.root, leaves, request.proof, indices=indices, leaf_count=request.leaf_count,
                threads=settings.threads, **options,
            )  # fmt: skip
        except ProofError as error:
            verdict = error.verdict
        return merkle_pb2.VerifyMultiproofResponse(verdict=int(verdict)).SerializeToString()  # type: ignore[arg-type]

    return wire.Call(leaves.n * 2, run)


def decode_verify_consistency(request: merkle_pb2.VerifyConsistencyRequest, settings: wire.Settings) -> wire.Call:
    """VerifyConsistency."""

    def run() -> bytes:
        verdict = Verdict.VALID
        try:
            inclusion.verify_consistency(
                request.root_m, request.root_n, request.proof, m=request.m, n=request.n, hash=request.hash or "sha256"
            )
        except ProofError as error:
            verdict = error.verdict
        return merkle_pb2.VerifyConsistencyResponse(verdict=int(verdict)).SerializeToString()  # type: ignore[arg-type]

    return wire.Call(1 + settings.check_items(len(request.proof) // 32, "proof"), run)


def decode_verify_sparse(request: merkle_pb2.VerifySparseRequest, settings: wire.Settings) -> wire.Call:
    """VerifySparse."""
    root, keys, values, proofs = (
        wire.from_column(getattr(request, name), name, settings) for name in ("root", "keys", "values", "proofs")
    )
    absent = wire.numbers(request.absent, "absent", settings)
    if len(absent) and int(absent.max()) >= keys.n:
        raise InputError("absent", str(int(absent.max())), f"rows below {keys.n}")

    def run() -> bytes:
        given: Any = None
        if values.n:
            given = values
            if len(absent):
                rows: list[bytes | None] = list(values)
                for row in absent.tolist():
                    if row < len(rows):
                        rows[row] = None
                given = rows
        verdicts = sparse.verify_sparse_batch(
            root[0] if root.n == 1 else root, keys, given, proofs, hash=request.hash or "sha256",
            hashed=request.hashed, threads=settings.threads,
        )  # fmt: skip
        return merkle_pb2.VerifySparseResponse(verdicts=wire.to_verdicts(verdicts)).SerializeToString()

    return wire.Call(max(keys.n, proofs.n), run)


# ---- the client's half ---------------------------------------------------------------------------------------------


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


class Appending:
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
            tree=tree or "",
            hash=hash or "",
            hashed=hashed,
            indices=[count_argument(index, "indices") for index in indices],
            consistency_sizes=[count_argument(size, "consistency_sizes") for size in consistency_sizes],
            checkpoint=checkpoint,
        )
        if limit is not None:
            first.limit = count_argument(limit, "limit")
        start = MerkleFrontier.from_bytes(state) if first.state else MerkleFrontier(tree=tree or "rfc9162", hash=hash)
        self._digest_size = HASHES[start.hash].digest_size
        self._first: merkle_pb2.AppendMerkleTreeRequest | None = first
        self.failure: BaseException | None = None

    def messages(self, chunk: BatchOfBytes) -> Iterator[merkle_pb2.AppendMerkleTreeRequest]:
        """The messages of one chunk; the very first carries the options."""
        column = as_column(chunk, "leaves", width=self._width)
        for start, stop in wire.split([column], self._budget.items, self._budget.nbytes):
            request = self._first or merkle_pb2.AppendMerkleTreeRequest()
            self._first = None
            wire.fill_column(request.leaves, column.slice(start, stop))
            yield request

    def rest(self) -> Iterator[merkle_pb2.AppendMerkleTreeRequest]:
        """The options, when no chunk has carried them."""
        if self._first is not None:
            yield self._first
            self._first = None

    def result(self, answer: merkle_pb2.AppendMerkleTreeResponse) -> GrownTree:
        """The answer as the caller sees it."""
        return GrownTree(
            answer.root,
            answer.leaf_count,
            answer.state,
            [self._nodes(row) for row in wire.received_column(answer.proofs, "proofs")],
            [self._nodes(row) for row in wire.received_column(answer.consistency_proofs, "consistency_proofs")],
        )

    def _nodes(self, joined: bytes) -> list[bytes]:
        return [joined[i : i + self._digest_size] for i in range(0, len(joined), self._digest_size)]


def verify_multiproof(
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
) -> Plan[None]:
    """VerifyMultiproof: always one request."""
    shape = lookup(TREES, tree, "tree")
    row = lookup(HASHES, shape.default_hash if hash is None else hash, "hash")
    column = as_column(leaves, "leaves", width=width)
    positions = index_array(indices, "indices")
    if len(positions) != column.n:
        raise LengthError("indices", f"{len(positions)} items", f"{column.n}, as many as leaves")
    request = merkle_pb2.VerifyMultiproofRequest(
        tree=tree, hash=hash or "", root=one_bytes(root, "root"), leaves=wire.to_column(column), hashed=hashed,
        proof=_joined(proof, row.digest_size), indices=positions.tolist(),
        leaf_count=count_argument(leaf_count, "leaf_count"),
    )  # fmt: skip
    if limit is not None:
        request.limit = count_argument(limit, "limit")
    return Plan("VerifyMultiproof", 1, [request], _raise_unless_valid)


def verify_consistency(
    root_m: BytesLike, root_n: BytesLike, proof: Any, *, m: int, n: int, hash: str = "sha256"
) -> Plan[None]:
    """VerifyConsistency."""
    row = lookup(HASHES, hash, "hash")
    request = merkle_pb2.VerifyConsistencyRequest(
        hash=hash, root_m=one_bytes(root_m, "root_m"), root_n=one_bytes(root_n, "root_n"),
        proof=_joined(proof, row.digest_size), m=count_argument(m, "m"), n=count_argument(n, "n"),
    )  # fmt: skip
    return Plan("VerifyConsistency", 1, [request], _raise_unless_valid)


def verify_sparse_batch(
    budget: Budget,
    root: BatchOfBytes,
    keys: BatchOfBytes,
    values: BatchOfBytes | Sequence[BytesLike | None] | None,
    proofs: BatchOfBytes,
    *,
    hash: str = "sha256",
    hashed: bool = False,
) -> Plan[Verdicts]:
    """VerifySparse."""
    row = lookup(HASHES, hash, "hash")
    key_column = as_column(keys, "keys", widths=(sparse.KEY_SIZE,), exact=True)
    n = key_column.n
    proof_column = as_column(proofs, "proofs")
    same_n("proofs", proof_column, n, "keys")
    given: Any = [None] * n if values is None else values
    value_column, present = sparse.optional_values(given, "values", row.digest_size if hashed else None)
    same_n("values", value_column, n, "keys")
    roots = as_column(
        [root] if isinstance(root, (bytes, bytearray, memoryview)) else root, "root", widths=(row.digest_size,)
    )
    if roots.n != 1:
        same_n("root", roots, n, "keys")
    columns = [key_column, value_column, proof_column] + ([roots] if roots.n != 1 else [])
    ranges = wire.split(columns, budget.items, budget.nbytes)

    def request(start: int, stop: int) -> merkle_pb2.VerifySparseRequest:
        return merkle_pb2.VerifySparseRequest(
            hash=hash, hashed=hashed, root=wire.to_column(roots if roots.n == 1 else roots.slice(start, stop)),
            keys=wire.to_column(key_column.slice(start, stop)),
            values=wire.to_column(value_column.slice(start, stop)),
            absent=np.flatnonzero(~present[start:stop]).tolist(),
            proofs=wire.to_column(proof_column.slice(start, stop)),
        )  # fmt: skip

    return Plan(
        "VerifySparse",
        len(ranges),
        (request(start, stop) for start, stop in ranges),
        lambda answers: join_verdicts([answer.verdicts for answer in answers]),
    )


def _joined(proof: Any, size: int) -> bytes:
    """The nodes one after another; for nodes of a wrong length something that no proof is."""
    joined = join_proof(proof, size, "proof")
    return b"\0" if joined is None else joined


def _raise_unless_valid(answers: Sequence[Any]) -> None:
    verdict = Verdict(answers[0].verdict)
    if verdict is not Verdict.VALID:
        raise verdict_error(verdict)
