"""Whatever a request holds, decoding and computing it gives an answer or an InputError - nothing else, for no bytes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore import bundle, testing
from pycore._pb.bundle.v1 import bundle_pb2 as frame_pb2
from pycore._pb.validation.v1 import (
    block_pb2,
    bundle_pb2,
    column_pb2,
    consensus_pb2,
    hash_pb2,
    ics23_pb2,
    merkle_pb2,
    signature_pb2,
)
from pycore.errors import InputError
from pycore.service import handlers
from pycore.service.work import Unary
from pycore.testing.cometbft_light import LightChain
from pycore.testing.ics23 import ProvenTree
from pycore.wire import columns as wire
from pycore.wire.settings import Limits, Settings

from .conftest import u64

SETTINGS = Settings(Limits(1 << 20, 64, 1 << 20, 1 << 28), threads=1)

small = st.integers(0, 70) | st.sampled_from([(1 << 31) - 1, (1 << 32) - 1])
names = st.sampled_from(
    ["", "sm3", "sha512", "rfc9162", "bitcoin", "chainmaker", "strict", "der", "trailing", "low-s", "?"]
)
packed_offsets = st.lists(st.integers(0, 12) | small, max_size=6).map(
    lambda values: b"".join(value.to_bytes(4, "little") for value in values)
)
columns = st.one_of(
    st.builds(column_pb2.Column, rows=st.lists(st.binary(max_size=70), max_size=5)),
    st.builds(column_pb2.Column, data=st.binary(max_size=12), offsets=packed_offsets),
    st.builds(
        lambda width, n, fill: column_pb2.Column(data=bytes([fill]) * (width * n), width=width),
        st.sampled_from([1, 31, 32, 33, 64, 65]),
        st.integers(0, 4),
        st.integers(0, 255),
    ),
    st.builds(
        column_pb2.Column, data=st.binary(max_size=40), width=small, offsets=packed_offsets | st.just(b""),
        rows=st.lists(st.binary(max_size=3), max_size=2),
    ),
)  # fmt: skip
numbers = st.binary(max_size=9) | st.lists(st.integers(0, 6) | st.integers(0, (1 << 64) - 1), max_size=6).map(
    lambda values: u64(*values)
)
verify_requests = st.builds(
    signature_pb2.VerifySignaturesRequest,
    scheme=st.sampled_from([*pycore.SCHEMES, "", "rsa"]),
    rules=names | st.sampled_from(["zip215", "any-s", "ref10"]),
    hash=names,
    prehashed=st.booleans(),
    encoding=st.sampled_from(["", "compact", "der", "x"]),
    der_rules=st.sampled_from(["", "strict", "trailing", "go"]),
    user_id=st.none() | st.binary(max_size=5) | st.just(bytes(8192)),
    public_keys=columns,
    signatures=columns,
    messages=columns,
)
inclusion_requests = st.builds(
    merkle_pb2.VerifyInclusionRequest,
    tree=names, hash=names, root=columns, leaves=columns, hashed=st.booleans(), proofs=columns, index=numbers,
    leaf_count=numbers,
)  # fmt: skip
limits = st.none() | st.sampled_from([0, 1, 8, 2**64 - 1])
tree_requests = st.builds(
    merkle_pb2.BuildMerkleTreeRequest, tree=names, hash=names, leaves=columns, hashed=st.booleans(), indices=numbers,
    limit=limits, multiproof_indices=numbers, consistency_sizes=numbers,
)  # fmt: skip
multiproof_requests = st.builds(
    merkle_pb2.VerifyMultiproofRequest,
    tree=names, hash=names, root=st.binary(max_size=3) | st.just(bytes(32)), leaves=columns, hashed=st.booleans(),
    proof=st.binary(max_size=3) | st.just(bytes(64)), indices=numbers, leaf_count=st.integers(0, 2**64 - 1),
    limit=limits,
)  # fmt: skip
consistency_requests = st.builds(
    merkle_pb2.VerifyConsistencyRequest,
    hash=names, root_m=st.binary(max_size=3) | st.just(bytes(32)), root_n=st.just(bytes(32)),
    proof=st.binary(max_size=3) | st.just(bytes(64)), m=st.integers(0, 2**64 - 1), n=st.integers(0, 2**64 - 1),
)  # fmt: skip
sparse_requests = st.builds(
    merkle_pb2.VerifySparseRequest,
    hash=names, root=columns, keys=columns, values=columns, absent=numbers, hashed=st.booleans(), proofs=columns,
)  # fmt: skip
trie_requests = st.builds(
    merkle_pb2.VerifyTrieRequest,
    root=columns, keys=columns, hashed=st.booleans(), nodes=columns, node_counts=numbers,
)  # fmt: skip
hash_requests = st.builds(
    hash_pb2.HashBatchRequest, algorithm=st.sampled_from([*pycore.HASHES, "", "md5"]), messages=columns
)
block_requests = st.builds(
    block_pb2.ValidateBlockRequest,
    chain=st.sampled_from(["chainmaker", "", "x"]),
    block=st.binary(max_size=80),
    context_json=st.binary(max_size=10) | st.sampled_from([b"{}", b"null", b"1e999", b'{"hash": 5}', b'{"rules": []}']),
)
TRUSTED = json.dumps(
    {"format": 1, "chain": "chainmaker", "chain_id": "", "height": 0, "block_hash": "00", "context": {"hash": "SM3"}}
).encode()
small_bytes = st.binary(max_size=5) | st.just(b"\0")
frames = st.builds(
    lambda **parts: frame_pb2.Bundle(format=1, **parts).SerializeToString(deterministic=True),
    chain=st.sampled_from(["chainmaker", "x"]),
    trusted_height=st.integers(0, 1),
    trusted_hash=st.just(b"\0"),
    headers=st.lists(small_bytes, max_size=2),
    certificate=small_bytes,
    inclusion=st.none()
    | st.builds(frame_pb2.Inclusion, index=small, count=small, nodes=st.lists(small_bytes, max_size=2)),
    statement=st.builds(
        frame_pb2.Statement, kind=st.sampled_from([*bundle.kinds()["chainmaker"], "", "receipt"]), item=small_bytes,
        key=small_bytes, event=small,
    ),
)  # fmt: skip
bundle_requests = st.builds(
    bundle_pb2.VerifyBundleRequest,
    trusted_json=st.just(TRUSTED) | st.binary(max_size=9) | st.sampled_from([b"{}", b"[]", b"1e999"]),
    bundle=st.binary(max_size=60) | frames | st.just(b"{}"),
)
LIGHT = LightChain(heights=3, validators=2, seed=1)
forms = st.sampled_from(["", "rpc", "wire", "?"])
levels = st.none() | st.builds(consensus_pb2.TrustLevel, numerator=small, denominator=small)
commit_requests = st.builds(
    consensus_pb2.VerifyCommitRequest,
    chain=st.sampled_from(["cometbft", "", "x"]), mode=st.sampled_from(["", "light", "trusting", "?"]), form=forms,
    trust_level=levels, validators_form=forms, chain_id=st.none() | st.just("pycore-test"),
    validators=st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", LIGHT.block(1).validators.to_bytes()]),
    signed_header=st.binary(max_size=60) | st.sampled_from([b"{}", LIGHT.block(2).signed_header.raw]),
)  # fmt: skip
light_blocks = st.binary(max_size=60) | st.sampled_from([b"{}", *map(LIGHT.wire, LIGHT.heights)])
light_requests = st.builds(
    consensus_pb2.LightVerifyRequest,
    chain=st.sampled_from(["cometbft", "", "x"]), form=forms, trusted=light_blocks,
    light_blocks=columns | st.builds(column_pb2.Column, rows=st.lists(light_blocks, max_size=3)),
    trusting_period_ns=st.integers(0, 2**64 - 1), trust_level=levels, sequential=st.booleans(),
    max_clock_drift_ns=st.none() | st.integers(0, 2**64 - 1),
    now_ns=st.none() | st.integers(-(2**63), 2**63 - 1) | st.just(LIGHT.now_ns),
)  # fmt: skip
TREE = ProvenTree("iavl", {b"a": b"1", b"b": b"2"})
proof_rows = st.binary(max_size=40) | st.sampled_from([TREE.membership(b"a"), TREE.non_membership(b"c"), b"{}"])
ics23_requests = st.builds(
    lambda spec, **parts: ics23_pb2.VerifyIcs23Request(**spec, **parts),
    st.sampled_from([{}, {"spec_name": "iavl"}, {"spec_name": "?"}, {"spec_bytes": b""}, {"spec_json": "{}"}]),
    rules=st.sampled_from(["", "strict", "compatible", "?"]),
    root=columns | st.just(column_pb2.Column(rows=[TREE.root])),
    proofs=columns | st.builds(column_pb2.Column, rows=st.lists(proof_rows, max_size=3)),
    json=st.booleans(),
    keys=columns | st.just(column_pb2.Column(rows=[b"a", b"c"])), values=columns, absent=numbers,
)  # fmt: skip
CASES = {
    "VerifyCommit": (commit_requests, consensus_pb2.VerifyCommitResponse),
    "LightVerify": (light_requests, consensus_pb2.LightVerifyResponse),
    "VerifyIcs23": (ics23_requests, ics23_pb2.VerifyIcs23Response),
    "VerifySignatures": (verify_requests, signature_pb2.VerifySignaturesResponse),
    "VerifyInclusion": (inclusion_requests, merkle_pb2.VerifyInclusionResponse),
    "BuildMerkleTree": (tree_requests, merkle_pb2.BuildMerkleTreeResponse),
    "VerifyMultiproof": (multiproof_requests, merkle_pb2.VerifyMultiproofResponse),
    "VerifyConsistency": (consistency_requests, merkle_pb2.VerifyConsistencyResponse),
    "VerifySparse": (sparse_requests, merkle_pb2.VerifySparseResponse),
    "VerifyTrie": (trie_requests, merkle_pb2.VerifyTrieResponse),
    "HashBatch": (hash_requests, hash_pb2.HashBatchResponse),
    "ValidateBlock": (block_requests, block_pb2.ValidateBlockResponse),
    "VerifyBundle": (bundle_requests, bundle_pb2.VerifyBundleResponse),
    "AdvanceTrust": (bundle_requests, bundle_pb2.AdvanceTrustResponse),
}


def answer(method: str, request: Message) -> Any:
    """The parsed answer, or the InputError."""
    try:
        rpc = handlers.RPCS[method]
        assert isinstance(rpc, Unary)
        work = rpc.decode(request, SETTINGS)
        assert 0 <= work.n <= work.cost
        hash(work.options)
        return CASES[method][1].FromString(rpc.encode(handlers.execute(work, SETTINGS)).SerializeToString())
    except InputError as error:
        found = error
    assert found.field
    assert found.got
    assert found.wanted
    return found


@pytest.mark.parametrize("method", CASES)
@given(data=st.data())
def test_any_request_is_answered_or_an_input_error(method: str, data: st.DataObject) -> None:
    answer(method, data.draw(CASES[method][0]))


@given(verify_requests)
def test_a_verified_batch_has_one_verdict_per_item_and_never_the_code_0(
    request: signature_pb2.VerifySignaturesRequest,
) -> None:
    found = answer("VerifySignatures", request)
    if not isinstance(found, InputError):
        codes = found.verdicts.codes
        rows = wire.from_column(request.messages, "messages", SETTINGS).n
        assert len(codes) == found.verdicts.count == rows
        assert 0 not in codes


REQUESTS = {
    "VerifyCommit": consensus_pb2.VerifyCommitRequest,
    "LightVerify": consensus_pb2.LightVerifyRequest,
    "VerifyIcs23": ics23_pb2.VerifyIcs23Request,
    "VerifySignatures": signature_pb2.VerifySignaturesRequest,
    "VerifyInclusion": merkle_pb2.VerifyInclusionRequest,
    "BuildMerkleTree": merkle_pb2.BuildMerkleTreeRequest,
    "VerifyMultiproof": merkle_pb2.VerifyMultiproofRequest,
    "VerifyConsistency": merkle_pb2.VerifyConsistencyRequest,
    "VerifySparse": merkle_pb2.VerifySparseRequest,
    "VerifyTrie": merkle_pb2.VerifyTrieRequest,
    "HashBatch": hash_pb2.HashBatchRequest,
    "ValidateBlock": block_pb2.ValidateBlockRequest,
    "VerifyBundle": bundle_pb2.VerifyBundleRequest,
    "AdvanceTrust": bundle_pb2.AdvanceTrustRequest,
}


@pytest.mark.parametrize("method", CASES)
@given(raw=st.binary(max_size=120))
def test_any_bytes_are_answered_or_an_input_error(method: str, raw: bytes) -> None:
    try:
        request = handlers._parse(raw, REQUESTS[method])
    except InputError:
        return
    answer(method, request)


@given(request=verify_requests, cut=st.integers(0, 400), flip=st.integers(0, 3200))
def test_damaged_requests(request: Message, cut: int, flip: int) -> None:
    raw = bytearray(request.SerializeToString())
    if flip // 8 < len(raw):
        raw[flip // 8] ^= 1 << (flip % 8)
    try:
        damaged = handlers._parse(bytes(raw[: len(raw) - cut] if cut < len(raw) else raw), type(request))
    except InputError:
        return
    answer("VerifySignatures", damaged)


NUMBERS: list[Any] = [None, True, 0, -1, 1 << 70, 1.5, float("inf"), float("nan")]
WEIRD: list[Any] = [*NUMBERS, "", "\ud800", "x" * 10, "\0", "1e9", "SM3", "zz", [], {}, [[]], [None], [1], {"a": 1}]


def mutated(value: Any, rng: random.Random) -> Any:
    """The document with one value somewhere in it replaced."""
    if isinstance(value, dict) and value and rng.random() < 0.7:
        name = rng.choice(list(value))
        return {**value, name: mutated(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], mutated(value[at], rng), *value[at + 1 :]]
    return rng.choice(WEIRD)


def test_damaged_blocks_in_damaged_contexts(rng: random.Random) -> None:
    ledger = testing.generate_ledger("chainmaker", blocks=1, txs_per_block=3, suite="p256", invalid_every=3)
    document = json.loads(ledger.context_for(0).to_json())
    reports = 0
    for _ in range(400):
        context = mutated(document, rng)
        block = bytearray(ledger.blocks[0])
        for _ in range(rng.choice([0, 0, 1, 3])):
            block[rng.randrange(len(block))] = rng.randrange(256)
        request = block_pb2.ValidateBlockRequest(
            chain="chainmaker", block=bytes(block), context_json=json.dumps(context).encode()
        )
        reports += not isinstance(answer("ValidateBlock", request), InputError)
    assert reports > 20
