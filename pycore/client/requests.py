"""What a client sends for each call, and what it makes of the answers. The blocking and the asyncio client only move
bytes.

A plan is a list of requests of one RPC - more than one when the batch is larger than a message should be - and a
function that puts their answers together. Arguments are checked here as the in-process functions check them, so a
malformed call raises the same InputError without a round trip.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycore._pb.validation.v1 import block_pb2, capability_pb2, hash_pb2, merkle_pb2, signature_pb2, verdict_pb2
from pycore.base.columns import BatchOfBytes, BytesLike, Column, as_column, index_array, one_bytes, same_n
from pycore.base.registry import HASHES, SCHEMES, TREES, Hash, lookup
from pycore.base.verdicts import Verdicts
from pycore.ledgers.report import BlockReport
from pycore.merkle.proofs import count_argument, count_column, proof_column
from pycore.signatures.batch import DEFAULT_USER_ID, Options
from pycore.wire import messages as wire
from pycore.wire.errors import from_batch_error

R = TypeVar("R")
Batch: TypeAlias = "tuple[BatchOfBytes, BatchOfBytes, BatchOfBytes]"
"""Public keys, signatures and messages."""


@dataclass(frozen=True)
class Budget:
    """How much one message may carry before a batch is sent as several."""

    items: int
    nbytes: int


@dataclass(frozen=True)
class Plan(Generic[R]):
    """Requests of one unary RPC, made when they are sent, and how their answers become the result."""

    method: str
    count: int
    requests: Iterable[Any]
    combine: Callable[[Sequence[Any]], R]


@dataclass(frozen=True)
class VerifyOptions:
    """The options of verify_batch, checked against the scheme, ready to be put on requests."""

    template: signature_pb2.VerifySignaturesRequest
    checked: Options
    width: int | None
    budget: Budget

    @classmethod
    def check(
        cls,
        budget: Budget,
        scheme: str,
        *,
        rules: str | None = None,
        prehashed: bool = False,
        user_id: BytesLike | None = DEFAULT_USER_ID,
        hash: str | None = None,
        encoding: str = "compact",
        der_rules: str = "strict",
        width: int | None = None,
    ) -> VerifyOptions:
        """InputError as verify_batch raises it."""
        words: dict[str, Any] = {
            "rules": rules, "prehashed": prehashed, "hash": hash, "encoding": encoding, "der_rules": der_rules,
        }  # fmt: skip
        checked = Options.check(lookup(SCHEMES, scheme, "scheme"), user_id=user_id, **words)
        identifier = None if user_id is None else one_bytes(user_id, "user_id")
        template = wire.verify_signatures_request(scheme, user_id=identifier, **{**words, "prehashed": bool(prehashed)})
        return cls(template, checked, width, budget)

    def pieces(
        self, public_keys: BatchOfBytes, signatures: BatchOfBytes, messages: BatchOfBytes
    ) -> tuple[int, Iterator[signature_pb2.VerifySignaturesRequest]]:
        """How many requests a batch takes, and the requests."""
        columns = (
            as_column(public_keys, "public_keys", widths=self.checked.scheme.key_sizes),
            self.checked.signature_column(signatures),
            self.checked.message_column(messages, self.width),
        )
        same_n("signatures", columns[1], columns[0].n, "public_keys")
        same_n("messages", columns[2], columns[0].n, "public_keys")
        ranges = wire.split(columns, self.budget.items, self.budget.nbytes)
        return len(ranges), (self._request(columns, start, stop) for start, stop in ranges)

    def _request(self, columns: Sequence[Column], start: int, stop: int) -> signature_pb2.VerifySignaturesRequest:
        request = signature_pb2.VerifySignaturesRequest()
        request.CopyFrom(self.template)
        names = ("public_keys", "signatures", "messages")
        for name, column in zip(names, columns, strict=True):
            wire.fill_column(getattr(request, name), column.slice(start, stop))
        return request


def join_verdicts(parts: Sequence[verdict_pb2.Verdicts]) -> Verdicts:
    """The verdicts of the pieces of one batch as one."""
    return Verdicts(b"".join(part.codes for part in parts))


def verify_batch(
    options: VerifyOptions, public_keys: BatchOfBytes, signatures: BatchOfBytes, messages: BatchOfBytes
) -> Plan[Verdicts]:
    """VerifySignatures."""
    count, requests = options.pieces(public_keys, signatures, messages)
    return Plan(
        "VerifySignatures", count, requests, lambda answers: join_verdicts([answer.verdicts for answer in answers])
    )


def stream_request(
    number: int, batch: signature_pb2.VerifySignaturesRequest
) -> signature_pb2.VerifySignatureStreamRequest:
    """One message of a VerifySignatureStream."""
    return signature_pb2.VerifySignatureStreamRequest(id=number, batch=batch)


class StreamState:
    """Cuts the batches of a stream into messages, and says how many of them each batch took."""

    def __init__(self, options: VerifyOptions) -> None:
        self._options = options
        self._sent = 0
        self.pieces: collections.deque[int] = collections.deque()
        self.failure: BaseException | None = None

    def messages(self, batch: Batch) -> Iterator[signature_pb2.VerifySignatureStreamRequest]:
        """The messages of one batch; `pieces` is extended before the first is made."""
        count, requests = self._options.pieces(*batch)
        self.pieces.append(count)
        for request in requests:
            self._sent += 1
            yield stream_request(self._sent, request)


def stream_verdicts(answer: signature_pb2.VerifySignatureStreamResponse) -> verdict_pb2.Verdicts:
    """The verdicts of one answer of a stream; raises what the in-process call would have raised."""
    if answer.WhichOneof("outcome") == "error":
        raise from_batch_error(answer.error)
    return answer.verdicts


def hash_batch(budget: Budget, algorithm: str, messages: BatchOfBytes, width: int | None) -> Plan[NDArray[np.uint8]]:
    """HashBatch."""
    lookup(HASHES, algorithm, "algorithm")
    column = as_column(messages, "messages", width=width)
    ranges = wire.split([column], budget.items, budget.nbytes)
    requests = (
        hash_pb2.HashBatchRequest(algorithm=algorithm, messages=wire.to_column(column.slice(start, stop)))
        for start, stop in ranges
    )

    def combine(answers: Sequence[hash_pb2.HashBatchResponse]) -> NDArray[np.uint8]:
        parts = [wire.from_hash_batch(answer) for answer in answers]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return Plan("HashBatch", len(ranges), requests, combine)


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


def build_merkle_tree(
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
    """BuildMerkleTree: always one request, a tree can not be cut."""
    size = _check_tree(tree, hash).digest_size
    request = merkle_pb2.BuildMerkleTreeRequest(
        tree=tree,
        hash=hash or "",
        hashed=hashed,
        leaves=wire.to_column(as_column(leaves, "leaves", width=width)),
        indices=index_array(indices, "indices").tolist(),
        multiproof_indices=index_array(multiproof, "multiproof").tolist(),
        consistency_sizes=[count_argument(m, "consistency_sizes") for m in consistency_sizes],
    )
    if limit is not None:
        request.limit = count_argument(limit, "limit")

    def nodes(joined: bytes) -> list[bytes]:
        return [joined[i : i + size] for i in range(0, len(joined), size)]

    def combine(answers: Sequence[merkle_pb2.BuildMerkleTreeResponse]) -> BuiltTree:
        answer = answers[0]
        return BuiltTree(
            answer.root,
            answer.leaf_count,
            wire.received_column(answer.proofs, "proofs"),
            answer.mutated,
            nodes(answer.multiproof),
            [nodes(row) for row in wire.received_column(answer.consistency_proofs, "consistency_proofs")],
        )

    return Plan("BuildMerkleTree", 1, [request], combine)


def verify_inclusion_batch(
    budget: Budget,
    root: BatchOfBytes,
    leaves: BatchOfBytes,
    proofs: Any,
    *,
    index: ArrayLike,
    leaf_count: ArrayLike,
    tree: str,
    hash: str | None,
    hashed: bool,
    width: int | None,
    limit: int | None = None,
) -> Plan[Verdicts]:
    """VerifyInclusion."""
    row = _check_tree(tree, hash)
    leaf_column = as_column(leaves, "leaves", width=width)
    n = leaf_column.n
    proof_rows = proof_column(proofs, row.digest_size, "proofs")
    same_n("proofs", proof_rows, n, "leaves")
    positions = count_column(index, "index", n)
    one_count = np.ndim(leaf_count) == 0
    counts = (
        np.array([count_argument(leaf_count, "leaf_count")], dtype=np.uint64)
        if one_count
        else count_column(leaf_count, "leaf_count", n)
    )
    roots = as_column(
        [root] if isinstance(root, (bytes, bytearray, memoryview)) else root, "root", widths=(row.digest_size,)
    )
    if roots.n != 1:
        same_n("root", roots, n, "leaves")
    columns = [leaf_column, proof_rows] + ([roots] if roots.n != 1 else [])
    ranges = wire.split(columns, budget.items, budget.nbytes)

    def request(start: int, stop: int) -> merkle_pb2.VerifyInclusionRequest:
        return merkle_pb2.VerifyInclusionRequest(
            tree=tree,
            limit=None if limit is None else count_argument(limit, "limit"),
            hash=hash or "",
            hashed=hashed,
            root=wire.to_column(roots if roots.n == 1 else roots.slice(start, stop)),
            leaves=wire.to_column(leaf_column.slice(start, stop)),
            proofs=wire.to_column(proof_rows.slice(start, stop)),
            index=positions[start:stop].tolist(),
            leaf_count=(counts if one_count else counts[start:stop]).tolist(),
        )

    return Plan(
        "VerifyInclusion",
        len(ranges),
        (request(start, stop) for start, stop in ranges),
        lambda answers: join_verdicts([answer.verdicts for answer in answers]),
    )


def _check_tree(tree: str, hash_name: str | None) -> Hash:
    shape = lookup(TREES, tree, "tree")
    return lookup(HASHES, shape.default_hash if hash_name is None else hash_name, "hash")


def validate_block(chain: str, block: BytesLike, context: Any) -> Plan[BlockReport]:
    """ValidateBlock."""
    request = block_pb2.ValidateBlockRequest(
        chain=chain, block=one_bytes(block, "block"), context_json=_context_json(context)
    )
    return Plan("ValidateBlock", 1, [request], lambda answers: wire.from_block_report(answers[0].report))


def _context_json(context: Any) -> bytes:
    if context is None:
        return b""
    if hasattr(context, "to_json"):
        context = context.to_json()
    if isinstance(context, Mapping):
        context = json.dumps(context)
    return context.encode() if isinstance(context, str) else one_bytes(context, "context")


def capabilities() -> Plan[wire.ServiceCapabilities]:
    """GetCapabilities."""
    request = capability_pb2.GetCapabilitiesRequest()
    return Plan("GetCapabilities", 1, [request], lambda answers: wire.from_capabilities(answers[0]))
