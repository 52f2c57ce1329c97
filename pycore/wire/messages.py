"""Protobuf messages on one side, columns, verdicts, trees and reports on the other.

The server's half decodes a request into a `Call`: how many items it has, and a function that computes the answer on a
worker. The client's half (`pycore.client`) builds the same requests and reads the same answers. Everything that one
half writes, the other reads, so both are here. Packed columns become numpy views of the received bytes; nothing is
copied per row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore import hashing, ledgers, merkle, signatures
from pycore._pb.validation.v1 import (
    block_pb2,
    capability_pb2,
    column_pb2,
    hash_pb2,
    merkle_pb2,
    signature_pb2,
    verdict_pb2,
)
from pycore.base.backends import Capabilities, capabilities
from pycore.base.columns import Column, as_column
from pycore.base.deadline import checkpoint
from pycore.base.ffi import BackendRow
from pycore.base.registry import HASHES, TREES, Hash, Rules, Scheme, lookup
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError, LengthError
from pycore.ledgers._json import load_object
from pycore.ledgers.report import BlockReport, Check, TransactionFault
from pycore.merkle.levels import depth_of
from pycore.signatures.keycache import KeyCacheStats

DEFAULT_ANSWER_BYTES = 16 << 20
"""As many as the largest request: the longest digests of as many messages as one request may have."""
MAX_CONSISTENCY_SIZES = 1 << 12
"""Consistency proofs of one request; each is made on its own, from up to 64 nodes."""
OFFSET_DTYPE = np.dtype("<u4")
_MAX_CACHED_CONTEXT_BYTES = 1 << 18  # read, a context takes up to a dozen times as much, and sixteen are kept
_BYTES_PER_TRANSACTION = (
    512  # about the least that a signed transaction of any chain takes; only to count a block's items
)


@dataclass(frozen=True)
class Limits:
    """What one request and all requests together may hold."""

    max_message_bytes: int
    max_batch_items: int
    max_inflight_items: int
    max_inflight_bytes: int


@dataclass(frozen=True)
class Settings:
    """What decoding needs to know of the service's configuration.

    Attributes:
        limits: what GetCapabilities tells of.
        threads: of one request; None: as in process.
        max_answer_bytes: most bytes of digests, proofs and words in one answer.
    """

    limits: Limits
    threads: int | None = None
    max_answer_bytes: int = DEFAULT_ANSWER_BYTES

    def check_answer(self, nbytes: int, field: str) -> None:
        """LengthError when an answer would be larger than an answer may be. Called before any of it is made."""
        if nbytes > self.max_answer_bytes:
            raise LengthError(field, f"{nbytes} bytes of answer", f"at most {self.max_answer_bytes} per request")

    def check_items(self, items: int, field: str) -> int:
        """`items` when a request may hold as many; LengthError otherwise."""
        if items > self.limits.max_batch_items:
            raise LengthError(field, f"{items} items", f"at most {self.limits.max_batch_items} per request")
        return items


@dataclass(frozen=True)
class Call:
    """A request that is well formed as far as decoding can tell.

    Attributes:
        items: how many items it holds.
        run: computes the serialised answer. Called on a worker; InputError for what only the kernels' callers can tell.
    """

    items: int
    run: Callable[[], bytes]


_UNLIMITED = Settings(Limits(*[1 << 62] * 4))


# ---- columns ---------------------------------------------------------------------------------------------------------


def received_column(message: column_pb2.Column, field: str) -> Column:
    """A column of an answer."""
    return from_column(message, field, _UNLIMITED)


def from_column(message: column_pb2.Column, field: str, settings: Settings) -> Column:
    """A column of a request. InputError names the member that does not fit."""
    data, width, offsets, rows = message.data, message.width, message.offsets, message.rows
    if rows:
        if data or width or offsets:
            raise InputError(field, "rows together with data, width or offsets", "one of the forms")
        settings.check_items(len(rows), field)
        return as_column(list(rows), field)
    if offsets:
        if width:
            raise InputError(f"{field}.width", f"{width} together with offsets", "0, or no offsets")
        if len(offsets) % OFFSET_DTYPE.itemsize:
            raise LengthError(f"{field}.offsets", f"{len(offsets)} bytes", "4 bytes per offset, n + 1 offsets")
        positions = np.frombuffer(offsets, OFFSET_DTYPE)
        settings.check_items(len(positions) - 1, field)
        return as_column((data, positions.astype(np.int64)), field)
    if width:
        settings.check_items(len(data) // width, field)
        return as_column(data, field, width=width)
    if data:
        raise InputError(f"{field}.width", f"0 with {len(data)} bytes of data", "the bytes per row, or offsets")
    return as_column([], field)


def fill_column(message: column_pb2.Column, column: Column) -> None:
    """Puts a column into an empty message for sending: packed, with one copy of the rows."""
    if column.offsets is None and column.width:
        message.data = column.data.tobytes()
        message.width = column.width
    elif column.offsets is None:  # rows of width 0 are counted by their offsets
        message.offsets = bytes(OFFSET_DTYPE.itemsize * (column.n + 1))
    else:
        first, last = int(column.offsets[0]), int(column.offsets[-1])
        message.data = column.data[first:last].tobytes()
        message.offsets = (column.offsets - first).astype(OFFSET_DTYPE).tobytes()


def to_column(column: Column) -> column_pb2.Column:
    """A column for sending."""
    message = column_pb2.Column()
    fill_column(message, column)
    return message


def to_verdicts(verdicts: Verdicts) -> verdict_pb2.Verdicts:
    """Verdicts for sending."""
    return verdict_pb2.Verdicts(
        codes=verdicts.codes.tobytes(),
        bitmap=verdicts.bitmap(),
        count=len(verdicts),
        valid_count=int(np.count_nonzero(verdicts.valid)),
    )


def from_verdicts(message: verdict_pb2.Verdicts) -> Verdicts:
    """Received verdicts."""
    return Verdicts(message.codes)


# ---- signatures ------------------------------------------------------------------------------------------------------


def decode_verify_signatures(request: signature_pb2.VerifySignaturesRequest, settings: Settings) -> Call:
    """VerifySignatures."""
    options: dict[str, Any] = {"prehashed": request.prehashed, "threads": settings.threads}
    for name in ("rules", "hash", "encoding", "der_rules"):
        if value := getattr(request, name):
            options[name] = value
    identity = request.WhichOneof("identity")
    if identity == "user_id":
        options["user_id"] = request.user_id
    elif identity == "no_user_id" and request.no_user_id:
        options["user_id"] = None
    keys = from_column(request.public_keys, "public_keys", settings)
    signature_column = from_column(request.signatures, "signatures", settings)
    messages = from_column(request.messages, "messages", settings)
    scheme = request.scheme

    def run() -> bytes:
        verdicts = signatures.verify_batch(scheme, keys, signature_column, messages, **options)
        return signature_pb2.VerifySignaturesResponse(verdicts=to_verdicts(verdicts)).SerializeToString()

    return Call(max(keys.n, signature_column.n, messages.n), run)


def verify_signatures_request(
    scheme: str, *, user_id: bytes | None = signatures.DEFAULT_USER_ID, **options: Any
) -> signature_pb2.VerifySignaturesRequest:
    """A request without its columns. `options`: rules, prehashed, hash, encoding, der_rules; None means the default."""
    request = signature_pb2.VerifySignaturesRequest(scheme=scheme)
    for name, value in options.items():
        if value is not None:
            setattr(request, name, value)
    if user_id is None:
        request.no_user_id = True
    elif bytes(user_id) != signatures.DEFAULT_USER_ID:
        request.user_id = bytes(user_id)
    return request


# ---- hashes ----------------------------------------------------------------------------------------------------------


def decode_hash_batch(request: hash_pb2.HashBatchRequest, settings: Settings) -> Call:
    """HashBatch."""
    messages = from_column(request.messages, "messages", settings)
    algorithm = request.algorithm
    settings.check_answer(messages.n * lookup(HASHES, algorithm, "algorithm").digest_size, "messages")

    def run() -> bytes:
        digests = hashing.hash_batch(algorithm, messages, threads=settings.threads)
        count, size = digests.shape
        return hash_pb2.HashBatchResponse(digests=digests.tobytes(), digest_size=size, count=count).SerializeToString()

    return Call(messages.n, run)


def from_hash_batch(message: hash_pb2.HashBatchResponse) -> NDArray[np.uint8]:
    """Received digests: uint8 (count, digest_size), writable as the in-process result is."""
    flat = np.frombuffer(message.digests, dtype=np.uint8)
    digests: NDArray[np.uint8] = flat.reshape(message.count, message.digest_size).copy()
    return digests


# ---- Merkle trees ----------------------------------------------------------------------------------------------------


def tree_options(request: Any) -> dict[str, Any]:
    """The members that say what tree a request is about, as keyword arguments."""
    options = {name: getattr(request, name) for name in ("tree", "hash") if getattr(request, name)}
    if request.HasField("limit"):
        options["limit"] = request.limit
    return {**options, "hashed": request.hashed}


def numbers(values: Sequence[int], field: str, settings: Settings) -> NDArray[np.uint64]:
    """A repeated field as an array."""
    settings.check_items(len(values), field)
    return np.fromiter(values, dtype=np.uint64, count=len(values))


def decode_build_merkle_tree(request: merkle_pb2.BuildMerkleTreeRequest, settings: Settings) -> Call:
    """BuildMerkleTree."""
    leaves = from_column(request.leaves, "leaves", settings)
    indices = numbers(request.indices, "indices", settings)
    together = numbers(request.multiproof_indices, "multiproof_indices", settings)
    sizes = numbers(request.consistency_sizes, "consistency_sizes", settings)
    options = tree_options(request)
    siblings = _count_siblings(leaves.n, request, settings)

    def run() -> bytes:
        answer = merkle_pb2.BuildMerkleTreeResponse(leaf_count=leaves.n)
        tree = merkle.MerkleTree(leaves, threads=settings.threads, **options)
        answer.root, answer.mutated = tree.root, tree.mutated
        if len(indices):
            fill_column(answer.proofs, tree.proofs(indices))
        if len(together):
            answer.multiproof = b"".join(tree.multiproof(together))
        if len(sizes):
            rows = []
            for size in sizes.tolist():
                checkpoint()
                rows.append(b"".join(tree.consistency_proof(size)))
            fill_column(answer.consistency_proofs, as_column(rows, "consistency_proofs"))
        return answer.SerializeToString()

    # A proof is as much to hold as the leaves that it is long: siblings, not proofs, are what is counted.
    return Call(leaves.n + siblings, run)


def _count_siblings(leaf_count: int, request: merkle_pb2.BuildMerkleTreeRequest, settings: Settings) -> int:
    """At most how many nodes the asked proofs have. LengthError when they would make too large an answer."""
    sizes = len(request.consistency_sizes)
    if sizes > MAX_CONSISTENCY_SIZES:
        raise LengthError("consistency_sizes", f"{sizes} sizes", f"at most {MAX_CONSISTENCY_SIZES} per request")
    shape = lookup(TREES, request.tree or "rfc9162", "tree")
    size = lookup(HASHES, request.hash or shape.default_hash, "hash").digest_size
    depth = depth_of(shape, leaf_count, request.limit if request.HasField("limit") else None)
    single = len(request.indices) * depth
    settings.check_answer(single * size, "indices")
    # Each helper of a multiproof joins the way of one leaf, and no level gives more of them than half its nodes.
    together = min(len(request.multiproof_indices) * depth, leaf_count + depth)
    growth = sizes * (depth + 1)
    settings.check_answer((single + together + growth) * size, "indices, multiproof_indices and consistency_sizes")
    return single + together + growth


def decode_verify_inclusion(request: merkle_pb2.VerifyInclusionRequest, settings: Settings) -> Call:
    """VerifyInclusion."""
    root, leaves, proofs = (
        from_column(getattr(request, name), name, settings) for name in ("root", "leaves", "proofs")
    )
    index = numbers(request.index, "index", settings)
    counts = numbers(request.leaf_count, "leaf_count", settings)
    options = tree_options(request)

    def run() -> bytes:
        verdicts = merkle.verify_inclusion_batch(
            root[0] if root.n == 1 else root,
            leaves,
            proofs,
            index=index,
            leaf_count=counts[0] if len(counts) == 1 else counts,
            threads=settings.threads,
            **options,
        )
        return merkle_pb2.VerifyInclusionResponse(verdicts=to_verdicts(verdicts)).SerializeToString()

    return Call(max(leaves.n, proofs.n, len(index)), run)


# ---- blocks ----------------------------------------------------------------------------------------------------------


def decode_validate_block(request: block_pb2.ValidateBlockRequest, settings: Settings) -> Call:
    """ValidateBlock."""
    ledger = ledgers.get(request.chain)
    block, document = request.block, request.context_json

    def run() -> bytes:
        cached = len(document) <= _MAX_CACHED_CONTEXT_BYTES
        context = (_context if cached else _read_context)(request.chain, document) if document else None
        report = ledger.validate_block(block, context)
        settings.check_answer(_words_of(report), "block")
        return block_pb2.ValidateBlockResponse(report=to_block_report(report)).SerializeToString()

    return Call(1 + len(block) // _BYTES_PER_TRANSACTION, run)


def _read_context(chain: str, document: bytes) -> Any:
    return ledgers.get(chain).context(load_object(document, "context_json"))


_context = functools.lru_cache(maxsize=16)(_read_context)  # clients send the same context with block after block


def _words_of(report: BlockReport) -> int:
    """About how many bytes a report takes to send."""
    checks = sum(len(str(each)) for check in report.checks for each in (check.got, check.wanted, check.detail))
    return checks + sum(len(fault.detail) + len(fault.tx_id) + 8 for fault in report.faults)


_STATUS = {
    True: block_pb2.CHECK_STATUS_PASSED,
    False: block_pb2.CHECK_STATUS_FAILED,
    None: block_pb2.CHECK_STATUS_SKIPPED,
}
_OK = {number: ok for ok, number in _STATUS.items()}


def to_block_report(report: BlockReport) -> block_pb2.BlockReport:
    """A report for sending."""
    return block_pb2.BlockReport(
        chain=report.chain,
        rules=report.rules,
        height=report.height,
        block_hash=report.block_hash,
        valid=report.valid,
        complete=report.complete,
        checks=[
            block_pb2.BlockCheck(
                name=check.name,
                status=_STATUS[check.ok],
                got=_to_value(check.got),
                wanted=_to_value(check.wanted),
                detail=_text(check.detail),
            )
            for check in report.checks
        ],
        transactions=to_verdicts(report.transactions),
        invalid_transactions=[
            block_pb2.TransactionFault(
                index=fault.index,
                verdict=int(fault.verdict),  # type: ignore[arg-type]
                tx_id=_text(fault.tx_id),
                detail=_text(fault.detail),
            )
            for fault in report.faults
        ],
        counts=dict(report.counts),
        timings=dict(report.timings),
    )


def from_block_report(message: block_pb2.BlockReport) -> BlockReport:
    """A received report; its to_dict equals the one of the report that was sent."""
    return BlockReport(
        chain=message.chain,
        rules=message.rules,
        height=message.height,
        block_hash=message.block_hash,
        checks=tuple(
            Check(check.name, _OK[check.status], _from_value(check, "got"), _from_value(check, "wanted"), check.detail)
            for check in message.checks
        ),
        transactions=from_verdicts(message.transactions),
        faults=tuple(
            TransactionFault(fault.index, Verdict(fault.verdict), fault.tx_id, fault.detail)
            for fault in message.invalid_transactions
        ),
        counts=dict(message.counts),
        timings=dict(message.timings),
    )


def _to_value(value: Any) -> block_pb2.CheckValue | None:
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return block_pb2.CheckValue(flag=bool(value))
    if isinstance(value, (int, np.integer)) and -(1 << 63) <= int(value) < 1 << 63:
        return block_pb2.CheckValue(number=int(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return block_pb2.CheckValue(data=bytes(value))
    if isinstance(value, float):
        return block_pb2.CheckValue(real=value)
    return block_pb2.CheckValue(text=_text(value))


def _text(value: object) -> str:
    """Text that protobuf takes: a lone surrogate, which JSON can smuggle into a context, is shown as its escape."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _from_value(check: block_pb2.BlockCheck, field: str) -> Any:
    value: block_pb2.CheckValue = getattr(check, field)
    kind = value.WhichOneof("kind") if check.HasField(field) else None
    return None if kind is None else getattr(value, kind)


# ---- capabilities ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TreeSummary:
    """A Merkle tree shape: its name, the hash that an unset hash means, and the document that defines it."""

    name: str
    default_hash: str
    source: str


@dataclass(frozen=True)
class ServiceCapabilities:
    """What a service can do: the attributes of `pycore.Capabilities`, and what only a service has.

    Attributes:
        trees: the Merkle tree shapes.
        chains: names of the ledgers of validate_block.
        limits: what a request may hold.
        Others: as in `pycore.Capabilities`.
    """

    version: str
    cpu_features: Mapping[str, bool]
    backends: tuple[BackendRow, ...]
    active: Mapping[str, str]
    active_single: Mapping[str, str]
    why: Mapping[str, str]
    why_single: Mapping[str, str]
    compiler: str
    schemes: tuple[Scheme, ...]
    hashes: tuple[Hash, ...]
    trees: tuple[TreeSummary, ...]
    chains: tuple[str, ...]
    threads: int
    key_cache: KeyCacheStats
    limits: Limits

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Names of all schemes and hashes."""
        return (*(row.name for row in self.schemes), *(row.name for row in self.hashes))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts, lists, strings and numbers, with the keys of `pycore.Capabilities.to_dict`."""
        shown = asdict(self)
        shown["backends"] = [row._asdict() for row in self.backends]
        shown["key_cache"] = self.key_cache._asdict()
        return {key: list(value) if isinstance(value, tuple) else value for key, value in shown.items()}


def decode_get_capabilities(_: capability_pb2.GetCapabilitiesRequest, settings: Settings) -> Call:
    """GetCapabilities."""
    return Call(0, lambda: to_capabilities(capabilities(), settings).SerializeToString())


def to_capabilities(found: Capabilities, settings: Settings) -> capability_pb2.GetCapabilitiesResponse:
    """Capabilities for sending."""
    return capability_pb2.GetCapabilitiesResponse(
        version=found.version,
        cpu_features=[
            capability_pb2.CpuFeature(name=name, usable=usable) for name, usable in found.cpu_features.items()
        ],
        backends=[capability_pb2.Backend(**row._asdict()) for row in found.backends],
        schemes=[
            capability_pb2.SchemeInfo(
                rules=[capability_pb2.RuleSet(name=rules.name, flags=rules.flags) for rules in row.rules],
                backend=found.active.get(row.name, ""),
                single_backend=found.active_single.get(row.name, ""),
                why=found.why.get(row.name, ""),
                single_why=found.why_single.get(row.name, ""),
                **{name: getattr(row, name) for name in Scheme.__slots__ if name != "rules"},
            )
            for row in found.schemes
        ],
        hashes=[
            capability_pb2.HashInfo(
                backend=found.active.get(row.name, ""),
                single_backend=found.active_single.get(row.name, ""),
                why=found.why.get(row.name, ""),
                single_why=found.why_single.get(row.name, ""),
                **{name: getattr(row, name) for name in Hash.__slots__},
            )
            for row in found.hashes
        ],
        trees=[
            capability_pb2.TreeInfo(name=tree.name, default_hash=tree.default_hash, source=tree.source)
            for tree in found.trees
        ],
        chains=ledgers.names(),
        limits=capability_pb2.Limits(**vars(settings.limits)),
        threads=settings.threads or found.threads,
        compiler=found.compiler,
        key_cache=capability_pb2.KeyCache(**found.key_cache._asdict()),
    )


def from_capabilities(message: capability_pb2.GetCapabilitiesResponse) -> ServiceCapabilities:
    """Received capabilities."""
    rows: list[Any] = [*message.schemes, *message.hashes]
    return ServiceCapabilities(
        version=message.version,
        cpu_features={feature.name: feature.usable for feature in message.cpu_features},
        backends=tuple(BackendRow(*(getattr(row, name) for name in BackendRow._fields)) for row in message.backends),
        active={row.name: row.backend for row in rows if row.backend},
        active_single={row.name: row.single_backend for row in rows if row.single_backend},
        why={row.name: row.why for row in rows if row.backend},
        why_single={row.name: row.single_why for row in rows if row.single_backend},
        compiler=message.compiler,
        schemes=tuple(_scheme(row) for row in message.schemes),
        hashes=tuple(Hash(*(getattr(row, name) for name in Hash.__slots__)) for row in message.hashes),
        trees=tuple(TreeSummary(tree.name, tree.default_hash, tree.source) for tree in message.trees),
        chains=tuple(message.chains),
        threads=message.threads,
        key_cache=KeyCacheStats(*(getattr(message.key_cache, name) for name in KeyCacheStats._fields)),
        limits=Limits(**{name: getattr(message.limits, name) for name in Limits.__dataclass_fields__}),
    )


def _scheme(row: capability_pb2.SchemeInfo) -> Scheme:
    values = {name: getattr(row, name) for name in Scheme.__slots__}
    values["rules"] = tuple(Rules(rules.name, rules.flags) for rules in row.rules)
    values["key_sizes"] = tuple(row.key_sizes)
    return Scheme(**values)


# ---- splitting -------------------------------------------------------------------------------------------------------


def split(columns: Sequence[Column], max_items: int, max_bytes: int) -> list[tuple[int, int]]:
    """Ranges of rows that cover columns of equal length, each with at most `max_items` rows and, beyond a single row,
    at most `max_bytes` bytes of rows and offsets. An empty batch is one empty range: it is still asked, so that its
    options are checked.
    """
    n = columns[0].n
    ends = np.zeros(n + 1, dtype=np.int64)
    for column in columns:
        np.add(ends[1:], np.cumsum(column.lengths + OFFSET_DTYPE.itemsize), out=ends[1:])
    ranges = []
    start = 0
    while start < n:
        fitting = int(np.searchsorted(ends, ends[start] + max_bytes, side="right")) - 1
        stop = min(n, start + max_items, max(fitting, start + 1))
        ranges.append((start, stop))
        start = stop
    return ranges or [(0, 0)]
