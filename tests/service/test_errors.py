"""What bad calls get: the same words as in process, in the details that gRPC libraries of all languages can read."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import pycore
from pycore import errors, hashing, testing
from pycore._pb.validation.v1 import (
    block_pb2,
    capability_pb2,
    column_pb2,
    hash_pb2,
    merkle_pb2,
    signature_pb2,
)
from pycore.base.deadline import ExpiredError
from pycore.client import ServiceError, ValidationClient
from pycore.errors import InputError
from pycore.service.server import Server
from pycore.wire import errors as status
from pycore.wire.errors import to_failure
from pycore.wire.refusals import OverloadedError, StalledError

from .conftest import PATIENCE, RawCaller, u64

Rows = Callable[..., column_pb2.Column]


def rows(*values: bytes) -> column_pb2.Column:
    return column_pb2.Column(rows=values)


KEY, SIGNATURE = bytes(32), bytes(64)


def verify_request(**changes: Any) -> signature_pb2.VerifySignaturesRequest:
    values: dict[str, Any] = {
        "scheme": "ecdsa-p256",
        "public_keys": rows(bytes(65)),
        "signatures": rows(SIGNATURE),
        "messages": rows(b"m"),
    }
    return signature_pb2.VerifySignaturesRequest(**{**values, **changes})


INVALID = [
    ("VerifySignatures", verify_request(scheme="rsa"), "scheme", "UnknownNameError"),
    ("VerifySignatures", verify_request(scheme=""), "scheme", "UnknownNameError"),
    ("VerifySignatures", verify_request(rules="zip215"), "rules", "UnknownNameError"),
    ("VerifySignatures", verify_request(hash="md5"), "hash", "UnknownNameError"),
    ("VerifySignatures", verify_request(hash="sha512"), "hash", "InputError"),
    ("VerifySignatures", verify_request(encoding="pem"), "encoding", "UnknownNameError"),
    ("VerifySignatures", verify_request(der_rules="trailing"), "der_rules", "InputError"),
    ("VerifySignatures", verify_request(encoding="der", der_rules="lax"), "der_rules", "UnknownNameError"),
    ("VerifySignatures", verify_request(user_id=b"x"), "user_id", "InputError"),
    ("VerifySignatures", verify_request(no_user_id=True), "user_id", "InputError"),
    ("VerifySignatures", verify_request(scheme="sm2", user_id=bytes(8192)), "user_id", "LengthError"),
    ("VerifySignatures", verify_request(prehashed=True), "messages[0]", "LengthError"),
    ("VerifySignatures", verify_request(signatures=rows()), "signatures", "LengthError"),
    ("VerifySignatures", verify_request(messages=rows(b"", b"")), "messages", "LengthError"),
    ("VerifySignatures", verify_request(public_keys=column_pb2.Column(data=bytes(7), width=7)), "public_keys", None),
    ("VerifySignatures", verify_request(messages=column_pb2.Column(data=b"m")), "messages.width", "InputError"),
    ("HashBatch", hash_pb2.HashBatchRequest(algorithm="sha-0", messages=rows(b"")), "algorithm", "UnknownNameError"),
    ("HashBatch", hash_pb2.HashBatchRequest(), "algorithm", "UnknownNameError"),
    ("BuildMerkleTree", merkle_pb2.BuildMerkleTreeRequest(tree="verkle"), "tree", "UnknownNameError"),
    ("BuildMerkleTree", merkle_pb2.BuildMerkleTreeRequest(hash="x"), "hash", "UnknownNameError"),
    (
        "BuildMerkleTree",
        merkle_pb2.BuildMerkleTreeRequest(leaves=rows(b"a"), indices=u64(1)),
        "indices[0]",
        "InputError",
    ),
    (
        "BuildMerkleTree",
        merkle_pb2.BuildMerkleTreeRequest(leaves=rows(b"a"), indices=u64((1 << 64) - 1)),
        "indices[0]",
        "InputError",
    ),
    ("BuildMerkleTree", merkle_pb2.BuildMerkleTreeRequest(indices=bytes(7)), "indices", "LengthError"),
    (
        "BuildMerkleTree",
        merkle_pb2.BuildMerkleTreeRequest(tree="bitcoin", leaves=rows(b"short")),
        "leaves[0]",
        "LengthError",
    ),
    (
        "VerifyInclusion",
        merkle_pb2.VerifyInclusionRequest(root=rows(bytes(31)), leaves=rows(b"a"), proofs=rows(b""), index=u64(0)),
        None,
        None,
    ),
    (
        "VerifyInclusion",
        merkle_pb2.VerifyInclusionRequest(
            root=rows(bytes(32)), leaves=rows(b"a", b"b"), proofs=rows(b"", b""), index=u64(0), leaf_count=u64(2)
        ),
        "index",
        "LengthError",
    ),
    ("ValidateBlock", block_pb2.ValidateBlockRequest(chain="dogecoin"), "chain", "InputError"),
    ("ValidateBlock", block_pb2.ValidateBlockRequest(chain="chainmaker", block=b"\xff"), None, None),
    (
        "ValidateBlock",
        block_pb2.ValidateBlockRequest(chain="chainmaker", context_json=b"{"),
        "context_json",
        "InputError",
    ),
    (
        "ValidateBlock",
        block_pb2.ValidateBlockRequest(chain="chainmaker", context_json=b'"/etc/passwd"'),
        "context_json",
        "InputError",
    ),
    (
        "ValidateBlock",
        block_pb2.ValidateBlockRequest(chain="chainmaker", context_json=b"[" * 100_000),
        "context_json",
        "InputError",
    ),
    (
        "ValidateBlock",
        block_pb2.ValidateBlockRequest(chain="chainmaker", context_json=b"\xff\xfe"),
        "context_json",
        "InputError",
    ),
    (
        "ValidateBlock",
        block_pb2.ValidateBlockRequest(chain="chainmaker", context_json=b'{"no_such_field": 1}'),
        "context.no_such_field",
        "InputError",
    ),
    (
        "ValidateBlock",
        block_pb2.ValidateBlockRequest(chain="chainmaker", context_json=b'{"\\ud800": 1}'),
        "context.\\ud800",
        "InputError",
    ),
]


@pytest.mark.parametrize(("method", "request_", "field", "kind"), INVALID)
def test_invalid_arguments(raw: RawCaller, method: str, request_: Any, field: str | None, kind: str | None) -> None:
    error: Any = raw.refused(method, request_.SerializeToString())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
    details = rpc_status.from_call(error)
    assert details is not None
    assert details.message == error.details()
    bad_request, info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
    assert [any_.Unpack(found) for any_, found in zip(details.details, (bad_request, info), strict=True)] == [True] * 2
    (violation,) = bad_request.field_violations
    words = info.metadata
    assert violation.field == words["field"]
    assert violation.description == f"got {words['got']}, wanted {words['wanted']}"
    assert error.details() == f"{words['field']}: got {words['got']}, wanted {words['wanted']}"
    assert words["got"]
    assert words["wanted"]
    if field is not None:
        assert words["field"] == field
    if kind is not None:
        assert info.reason == kind
    translated = status.from_rpc(error.code(), error.details(), error.trailing_metadata())
    assert type(translated) is getattr(errors, info.reason)
    assert str(translated) == error.details()


LOCAL = [
    lambda api: api.verify_batch("rsa", [b""], [b""], [b""]),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], [b""], rules="any-s"),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], [b""], hash="sha256"),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], [b""], prehashed=True),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], [b""], encoding="der"),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], [b""], user_id=None),
    lambda api: api.verify_batch("sm2", [KEY], [SIGNATURE], [b""], user_id=bytes(9000)),
    lambda api: api.verify_batch("sm2", [KEY], [SIGNATURE], [b""], user_id=bytes(8), prehashed=True),
    lambda api: api.verify_batch("sm2", [KEY], [SIGNATURE], [b""], prehashed=1),
    lambda api: api.verify_batch("ecdsa-p256", [KEY], [SIGNATURE], [bytes(31)], prehashed=True),
    lambda api: api.verify_batch("ed25519", [KEY, KEY], [SIGNATURE], [b""]),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], [b"", b""]),
    lambda api: api.verify_batch("ed25519", np.zeros((1, 33), np.uint8), [SIGNATURE], [b""]),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], b"abc"),
    lambda api: api.verify_batch("ed25519", [KEY], [SIGNATURE], ["text"]),
    lambda api: api.verify("ed25519", KEY, SIGNATURE, 5),
    lambda api: api.hash_batch("sha-0", [b""]),
    lambda api: api.hash_batch("sha256", b"abc", width=2),
    lambda api: api.hash_batch("sha256", (b"abc", np.array([0, 4]))),
    lambda api: api.merkle_root([b""], tree="verkle"),
    lambda api: api.merkle_root([b""], hash="md5"),
    lambda api: api.merkle_root([b"short"], tree="bitcoin"),
    lambda api: api.verify_inclusion_batch(bytes(31), [b""], [b""], index=[0], leaf_count=1),
    lambda api: api.verify_inclusion_batch(bytes(32), [b""], [b"", b""], index=[0], leaf_count=1),
    lambda api: api.verify_inclusion_batch(bytes(32), [b""], [b""], index=[0, 1], leaf_count=1),
    lambda api: api.verify_inclusion_batch(bytes(32), [b""], [b""], index=[-1], leaf_count=1),
    lambda api: api.verify_inclusion_batch(bytes(32), [b""], [b""], index=[0], leaf_count=-1),
    lambda api: api.verify_inclusion_batch(bytes(32), [b""], [b""], index=[0], leaf_count=[1, 1]),
    lambda api: api.verify_inclusion_batch([bytes(32)] * 2, [b""] * 3, [b""] * 3, index=[0] * 3, leaf_count=1),
]


@pytest.mark.parametrize("call", LOCAL)
def test_the_client_raises_what_the_call_in_process_raises(
    client: ValidationClient, call: Callable[[Any], object]
) -> None:
    with pytest.raises(pycore.InputError) as local:
        call(pycore)
    with pytest.raises(pycore.InputError) as remote:
        call(client)
    assert type(remote.value) is type(local.value)
    assert str(remote.value) == str(local.value)


def test_lone_surrogates_in_a_context_are_refused(raw: RawCaller) -> None:
    """JSON can write half of a surrogate pair, which neither UTF-8 nor protobuf can."""
    ledger = testing.generate_ledger("chainmaker", blocks=1, txs_per_block=2, suite="p256")
    good = ledger.context_for(0).to_dict()
    changes = {"chain_id": "\ud800", "trust_roots": {"org": "\ud800"}, "hash": ["\ud800"], "validators": ["\udfff"]}
    for name, value in changes.items():
        request = block_pb2.ValidateBlockRequest(
            chain="chainmaker", block=ledger.blocks[0], context_json=json.dumps({**good, name: value}).encode()
        )
        error = raw.refused("ValidateBlock", request.SerializeToString())
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, (name, error)
        assert (error.details() or "").startswith(f"context.{name}")


def test_words_are_cut_to_what_headers_can_carry(raw: RawCaller) -> None:
    request = hash_pb2.HashBatchRequest(algorithm="x" * 100_000)
    error: Any = raw.refused("HashBatch", request.SerializeToString())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(error.details()) < 1024
    for character in "\u4e2d\U0001f600":
        request.algorithm = character * 3000
        error = raw.refused("HashBatch", request.SerializeToString())
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error

    for long in ("x" * 3000, "\u4e2d" * 3000, "\U0001f600" * 3000):
        failure = to_failure(InputError(long, long, long), "ValidateBlock")
        ((_, details),) = failure.trailing_metadata
        assert 3 * len(failure.message.encode()) + len(base64.b64encode(details)) < 8192  # gRPC's soft limit


def test_an_exception_that_became_a_status_holds_no_frames() -> None:
    """They hold the request, which then stayed until the collector ran."""
    with pytest.raises(InputError) as caught:
        try:
            raise KeyError
        except KeyError as cause:
            raise InputError("a", "b", "c") from cause
    error = caught.value
    assert to_failure(error, "HashBatch").code is grpc.StatusCode.INVALID_ARGUMENT
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)


def test_an_unexpected_exception_is_internal_with_a_reference_that_is_in_the_log(
    raw: RawCaller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("secret of the house")

    monkeypatch.setattr(hashing, "hash_batch", broken)
    with caplog.at_level(logging.ERROR, "pycore.service"):
        error: Any = raw.refused("HashBatch", hash_pb2.HashBatchRequest(algorithm="sm3").SerializeToString())
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in error.details()
    reference = error.details().rpartition(" ")[2]
    (record,) = [record for record in caplog.records if getattr(record, "reference", "") == reference]
    assert record.exc_info is not None
    assert "secret of the house" in str(record.exc_info[1])


def test_an_unexpected_exception_in_a_stream_spares_its_neighbours(
    raw: RawCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pycore import signatures

    real = signatures.verify_batch

    def sometimes(scheme: str, *arguments: Any, **options: Any) -> Any:
        if options.get("rules") == "low-s":
            raise RuntimeError("unexpected")
        return real(scheme, *arguments, **options)

    monkeypatch.setattr(signatures, "verify_batch", sometimes)
    requests = [
        signature_pb2.VerifySignatureStreamRequest(id=7, batch=verify_request()),
        signature_pb2.VerifySignatureStreamRequest(id=8, batch=verify_request(rules="low-s")),
        signature_pb2.VerifySignatureStreamRequest(id=9, batch=verify_request(scheme="rsa")),
        signature_pb2.VerifySignatureStreamRequest(id=7, batch=verify_request()),
    ]
    answers = [
        signature_pb2.VerifySignatureStreamResponse.FromString(answer)
        for answer in raw.stream(iter([request.SerializeToString() for request in requests]))
    ]
    assert [answer.id for answer in answers] == [7, 8, 9, 7]
    assert [answer.WhichOneof("outcome") for answer in answers] == ["verdicts", "error", "error", "verdicts"]
    assert (answers[1].error.code, answers[1].error.field) == (13, "")
    assert (answers[2].error.code, answers[2].error.field, answers[2].error.got) == (3, "scheme", "'rsa'")
    assert isinstance(status.from_batch_error(answers[1].error), ServiceError)
    assert isinstance(status.from_batch_error(answers[2].error), errors.UnknownNameError)


def test_other_exceptions_have_their_status() -> None:
    overloaded = status.to_failure(OverloadedError("items", 5, 3, 6, 1.25), "X")
    assert overloaded.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    translated = status.from_rpc(overloaded.code, overloaded.message, overloaded.trailing_metadata)
    assert isinstance(translated, ServiceError)
    assert (translated.code, translated.retry_after) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 1.25)
    assert status.to_failure(ExpiredError("late"), "X").code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert status.to_failure(StalledError("stuck", 1.0), "X").code is grpc.StatusCode.UNAVAILABLE
    unavailable = status.to_failure(errors.BackendUnavailable("avx9", "no such CPU", ["portable"]), "X")
    assert unavailable.code is grpc.StatusCode.UNAVAILABLE


def test_a_service_that_is_not_there() -> None:
    with ValidationClient("127.0.0.1:1", timeout=PATIENCE) as client:
        with pytest.raises(ServiceError) as caught:
            client.hash("sha256", b"")
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(ServiceError, match="was not ready within"):
            client.wait_until_ready(0.3)


def test_unknown_methods_and_services(service: Server, raw: RawCaller) -> None:
    assert raw.refused("SignEverything", b"").code() is grpc.StatusCode.UNIMPLEMENTED
    call = raw.channel.unary_unary("/other.Service/Method")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_plans_refuse_before_a_round_trip() -> None:
    with ValidationClient("127.0.0.1:1") as client, pytest.raises(pycore.InputError):
        client.hash_batch("sha-0", [b""])
    with pytest.raises(pycore.InputError, match="max_message_bytes"):
        ValidationClient("127.0.0.1:1", max_message_bytes=10)
    assert ValidationClient.capabilities.plan(None).requests == [capability_pb2.GetCapabilitiesRequest()]
