"""Hostile bytes over real sockets: a clear status, bounded memory, and a service that goes on."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from chainmaker_bundles import Chain

import pycore
from pycore import bundle
from pycore._pb.validation.v1 import (
    block_pb2,
    bundle_pb2,
    column_pb2,
    consensus_pb2,
    hash_pb2,
    ics23_pb2,
    merkle_pb2,
    signature_pb2,
    validation_service_pb2,
)
from pycore.client import ValidationClient
from pycore.testing.cometbft_light import LightChain
from pycore.testing.ics23 import ProvenTree

from .conftest import RawCaller, u64

MIB = 1 << 20
SERVICE = validation_service_pb2.DESCRIPTOR.services_by_name["ValidationService"]
UNARY = [method.name for method in SERVICE.methods if not method.client_streaming]
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(autouse=True)
def _alive_and_not_grown(client: ValidationClient) -> Iterator[None]:
    """Around every test: the service answers afterwards, and its process did not grow by more than 512 MiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert client.hash("sha256", b"abc") == pycore.hash("sha256", b"abc")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, content: bytes, length: int | None = None) -> bytes:
    return varint(number << 3 | 2) + varint(len(content) if length is None else length) + content


@pytest.mark.parametrize("method", UNARY)
@pytest.mark.parametrize(
    "request_",
    [
        b"\xff",
        b"\x0a\x05abc",
        field(2, b"x", length=1 << 32),
        field(2, b"x", length=(1 << 63) - 1),
        b"\x0a" + b"\xff" * 11,
        b"\x0f\x00",
        b"\x0b" * 1000,
    ],
    ids=["tag", "truncated", "4GiB", "8EiB", "varint", "wire-type", "groups"],
)
def test_what_does_not_parse_is_an_invalid_argument(raw: RawCaller, method: str, request_: bytes) -> None:
    error = raw.refused(method, request_)
    assert error.code() is INVALID, error
    name = next(found.input_type.full_name for found in SERVICE.methods if found.name == method)
    assert error.details() == f"request: got {len(request_)} bytes that do not parse, wanted a serialised {name}"


def test_text_that_is_not_utf8(raw: RawCaller) -> None:
    for method, number in (("VerifySignatures", 1), ("HashBatch", 1), ("ValidateBlock", 1), ("BuildMerkleTree", 2)):
        assert raw.refused(method, field(number, b"\xff\xfe")).code() is INVALID


@pytest.mark.parametrize("method", UNARY)
def test_random_bytes(raw: RawCaller, method: str, rng: random.Random) -> None:
    for _ in range(60):
        request = rng.randbytes(rng.randrange(1, 200))
        try:
            raw(method, request)
        except grpc.RpcError as error:
            assert error.code() is INVALID, error  # noqa: PT017


@pytest.mark.parametrize("method", UNARY)
def test_mutated_requests(raw: RawCaller, method: str, rng: random.Random) -> None:
    good = bytearray(SAMPLES[method])
    for _ in range(80):
        request = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            if request:
                request[rng.randrange(len(request))] = rng.randrange(256)
        try:
            raw(method, bytes(request[: rng.randrange(len(request) + 1)] if rng.random() < 0.3 else request))
        except grpc.RpcError as error:
            assert error.code() is INVALID, error  # noqa: PT017


KNOWN = Chain()
TREE, LIGHT = ProvenTree("iavl", {b"a": b"1", b"b": b"2"}), LightChain(heights=3, seed=1)
ROWS = column_pb2.Column(rows=[b"abc", b"", b"z"])
SAMPLES = {
    "VerifySignatures": signature_pb2.VerifySignaturesRequest(
        scheme="sm2",
        user_id=b"id",
        public_keys=column_pb2.Column(data=bytes(99), width=33),
        signatures=column_pb2.Column(data=bytes(192), width=64),
        messages=ROWS,
    ).SerializeToString(),
    "HashBatch": hash_pb2.HashBatchRequest(
        algorithm="sm3", messages=column_pb2.Column(data=b"abcdef", offsets=bytes([0, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0]))
    ).SerializeToString(),
    "BuildMerkleTree": merkle_pb2.BuildMerkleTreeRequest(leaves=ROWS, indices=u64(0, 2)).SerializeToString(),
    "VerifyInclusion": merkle_pb2.VerifyInclusionRequest(
        root=column_pb2.Column(rows=[bytes(32)]), leaves=ROWS, proofs=ROWS, index=u64(0, 1, 2), leaf_count=u64(3)
    ).SerializeToString(),
    "VerifyMultiproof": merkle_pb2.VerifyMultiproofRequest(
        root=bytes(32), leaves=ROWS, proof=bytes(64), indices=u64(0, 1, 3), leaf_count=4
    ).SerializeToString(),
    "VerifyConsistency": merkle_pb2.VerifyConsistencyRequest(
        root_m=bytes(32), root_n=bytes(32), proof=bytes(96), m=3, n=7
    ).SerializeToString(),
    "VerifySparse": merkle_pb2.VerifySparseRequest(
        root=column_pb2.Column(rows=[bytes(32)]),
        keys=column_pb2.Column(data=bytes(96), width=32),
        values=ROWS,
        absent=u64(1),
        proofs=ROWS,
    ).SerializeToString(),
    "VerifyTrie": merkle_pb2.VerifyTrieRequest(
        root=column_pb2.Column(rows=[bytes(32)]), keys=ROWS, nodes=ROWS, node_counts=u64(1, 0, 2)
    ).SerializeToString(),
    "ValidateBlock": block_pb2.ValidateBlockRequest(
        chain="chainmaker", block=field(1, field(5, bytes(32)) + b"\x20\x02"), context_json=b'{"hash": "SM3"}'
    ).SerializeToString(),
    **{
        name: bundle_pb2.VerifyBundleRequest(
            trusted_json=bundle.trusted_to_json(KNOWN.before).encode(), bundle=bundle.to_bytes(KNOWN.bundle("event"))
        ).SerializeToString()
        for name in ("VerifyBundle", "AdvanceTrust")
    },
    "VerifyIcs23": ics23_pb2.VerifyIcs23Request(
        spec_name="iavl",
        root=column_pb2.Column(rows=[TREE.root]),
        proofs=column_pb2.Column(rows=[TREE.membership(b"a")]),
        keys=column_pb2.Column(rows=[b"a"]),
        values=column_pb2.Column(rows=[b"1"]),
    ).SerializeToString(),
    "VerifyCommit": consensus_pb2.VerifyCommitRequest(
        chain="cometbft",
        form="wire",
        validators=LIGHT.block(1).validators.to_bytes(),
        signed_header=LIGHT.block(1).signed_header.raw,
    ).SerializeToString(),
    "LightVerify": consensus_pb2.LightVerifyRequest(
        chain="cometbft",
        trusted=LIGHT.wire(1),
        light_blocks=column_pb2.Column(rows=[LIGHT.wire(2), LIGHT.wire(3)]),
        trusting_period_ns=1 << 50,
        now_ns=LIGHT.now_ns,
    ).SerializeToString(),
    "GetCapabilities": b"",
}


def test_deep_nesting_in_the_request(raw: RawCaller) -> None:
    nested = b""
    for _ in range(5_000):
        nested = field(9, nested)
    assert raw.refused("VerifySignatures", nested).code() is INVALID
    groups = b"\x9b\x06" * 1_000_000  # a million groups, one inside the other
    assert raw.refused("VerifySignatures", groups).code() is INVALID


def test_deep_nesting_in_a_block(raw: RawCaller) -> None:
    """A million fields 1, each inside the one before; every length is a varint of four bytes."""
    inside = np.arange(1_000_000 - 1, -1, -1, dtype=np.uint32) * 5
    levels = np.empty((len(inside), 5), dtype=np.uint8)
    levels[:, 0] = 0x0A
    for i in range(4):
        levels[:, 1 + i] = (inside >> np.uint32(7 * i) & 0x7F) | (0x80 if i < 3 else 0)
    block = levels.tobytes()
    request = block_pb2.ValidateBlockRequest(chain="chainmaker", block=block)
    expect_report_or_invalid(raw, request)


@pytest.mark.parametrize("length", [1 << 32, (1 << 32) - 1, (1 << 64) - 1, 1 << 31])
def test_a_length_prefix_of_gigabytes_inside_a_block(raw: RawCaller, length: int) -> None:
    for inside in (field(1, b"abc", length=length), field(3, field(1, b"abc", length=length))):
        expect_report_or_invalid(raw, block_pb2.ValidateBlockRequest(chain="chainmaker", block=inside))


def expect_report_or_invalid(raw: RawCaller, request: block_pb2.ValidateBlockRequest) -> None:
    try:
        answer = raw("ValidateBlock", request.SerializeToString())
    except grpc.RpcError as error:
        assert error.code() is INVALID, error  # noqa: PT017
    else:
        assert not block_pb2.ValidateBlockResponse.FromString(answer).report.valid


def test_offsets_that_lie(raw: RawCaller) -> None:
    for offsets in (b"\0\0\0\0\xff\xff\xff\xff", b"\1\0\0\0\0\0\0\0", b"\xff" * 400, b"\0", b"\0\0\0\0\4\0\0\0"):
        column = column_pb2.Column(data=b"abc", offsets=offsets)
        request = hash_pb2.HashBatchRequest(algorithm="sha256", messages=column)
        assert raw.refused("HashBatch", request.SerializeToString()).code() is INVALID


def test_huge_widths(raw: RawCaller) -> None:
    for data in (b"abc", b"\0" * 1000):
        column = column_pb2.Column(data=data, width=(1 << 32) - 1)
        request = hash_pb2.HashBatchRequest(algorithm="sha256", messages=column)
        assert raw.refused("HashBatch", request.SerializeToString()).code() is INVALID
    empty = hash_pb2.HashBatchRequest(algorithm="sha256", messages=column_pb2.Column(width=(1 << 32) - 1))
    assert hash_pb2.HashBatchResponse.FromString(raw("HashBatch", empty.SerializeToString())).count == 0


def test_millions_of_rows_are_refused_before_they_are_built(raw: RawCaller) -> None:
    rows = field(4, b"") * (7 * MIB)
    error = raw.refused("HashBatch", field(1, b"sha256") + field(2, rows))
    assert error.code() is INVALID
    assert "messages: got more than 262144 items, wanted at most 262144 per request" in (error.details() or "")
    pieces = (field(2, field(4, b"")) * MIB)[: 12 * MIB]
    error = raw.refused("HashBatch", field(1, b"sha256") + pieces)
    assert error.code() is INVALID


def test_millions_of_numbers_are_refused(raw: RawCaller) -> None:
    for numbers, got in ((bytes(8 * MIB), "1048576 items"), (bytes(8 * MIB - 1), f"{8 * MIB - 1} bytes")):
        error = raw.refused("VerifyInclusion", field(7, numbers))
        assert error.code() is INVALID
        assert f"index: got {got}" in (error.details() or "")


def test_numbers_as_varints_are_no_list_of_numbers(raw: RawCaller) -> None:
    """Their first form. What takes it for the present one finds more or fewer numbers than there are leaves."""
    request = merkle_pb2.VerifyInclusionRequest(
        root=column_pb2.Column(rows=[bytes(32)]), leaves=column_pb2.Column(rows=[b""] * 8),
        proofs=column_pb2.Column(rows=[b""] * 8), leaf_count=u64(8),
    ).SerializeToString()  # fmt: skip
    assert merkle_pb2.VerifyInclusionResponse.FromString(
        raw("VerifyInclusion", request + field(7, u64(*range(8))))
    ).verdicts.count == 8  # fmt: skip
    error = raw.refused("VerifyInclusion", request + field(7, bytes(range(8))))
    assert error.code() is INVALID
    assert "index" in (error.details() or "")


def test_unknown_fields_are_ignored(raw: RawCaller) -> None:
    request = hash_pb2.HashBatchRequest(algorithm="sha256", messages=ROWS).SerializeToString()
    plain = raw("HashBatch", request)
    assert raw("HashBatch", request + b"\xf8\x07\x01" * 100_000) == plain


def test_a_message_above_the_limit(raw: RawCaller) -> None:
    request = hash_pb2.HashBatchRequest(algorithm="sha256", messages=column_pb2.Column(data=bytes(17 * MIB), width=MIB))
    error = raw.refused("HashBatch", request.SerializeToString())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in (error.details() or "")


def test_zero_byte_requests(raw: RawCaller) -> None:
    for method in UNARY:
        if method == "VerifyInclusion":
            assert merkle_pb2.VerifyInclusionResponse.FromString(raw(method, b"")).verdicts.count == 0
        elif method == "VerifyTrie":
            assert merkle_pb2.VerifyTrieResponse.FromString(raw(method, b"")).verdicts.count == 0
        elif method == "VerifySparse":
            assert merkle_pb2.VerifySparseResponse.FromString(raw(method, b"")).verdicts.count == 0
        elif method == "BuildMerkleTree":
            answer = merkle_pb2.BuildMerkleTreeResponse.FromString(raw(method, b""))
            assert (answer.root, answer.leaf_count) == (pycore.merkle_root([]), 0)
        elif method == "GetCapabilities":
            assert raw(method, b"")
        else:
            error = raw.refused(method, b"")
            assert error.code() is INVALID, (method, error)


def test_a_stream_of_garbage_ends_with_a_status(raw: RawCaller) -> None:
    good = signature_pb2.VerifySignatureStreamRequest(
        id=5, batch=signature_pb2.VerifySignaturesRequest(scheme="ed25519")
    ).SerializeToString()
    call = raw.stream(iter([good, b"\xff\xff", good]))
    answers = []
    with pytest.raises(grpc.RpcError) as caught:
        answers.extend(call)
        answers.extend(call)
    assert caught.value.code() is INVALID
    first = signature_pb2.VerifySignatureStreamResponse.FromString(next(iter(answers), b""))
    assert (len(answers), first.id) == (1, 5)
