"""VerifyIcs23 over a real server, both clients, against the library's own verdicts."""

from __future__ import annotations

import json
import random
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

from pycore import ics23
from pycore._pb.ledgers.ics23.v1 import proofs_pb2
from pycore._pb.validation.v1 import column_pb2, ics23_pb2
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.errors import InputError, LengthError
from pycore.ics23 import SPECS
from pycore.service import rpc_ics23
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.testing.ics23 import ProvenTree, compressed, items

from .conftest import METHOD, PATIENCE, Gate, u64

pytestmark = pytest.mark.network

KINDS = ("iavl", "tendermint", "smt")
CONTENT = items(40, seed=3)
KEYS = list(CONTENT)
ABSENT = [bytes([i]) + bytes(19) for i in range(1, 250, 12)]


@pytest.fixture(scope="module", params=KINDS)
def tree(request: pytest.FixtureRequest) -> ProvenTree:
    return ProvenTree(request.param, CONTENT)


def in_process(spec: Any, root: Any, proofs: Any, keys: list[bytes], values: list[bytes | None], **options: Any) -> Any:
    """Verdict by verdict."""
    codes = []
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        given: Any = proofs[i] if isinstance(proofs, list) else proofs
        mine = root[i] if isinstance(root, list) else root
        if value is None:
            found = ics23.verify_non_membership_batch(spec, mine, [given], [key], **options)
        else:
            found = ics23.verify_membership_batch(spec, mine, [given], [key], [value], **options)
        codes.append(int(found.codes[0]))
    return codes


def cases(tree: ProvenTree, rng: random.Random) -> tuple[list[bytes], list[bytes], list[bytes | None]]:
    """Keys that are there and keys that are not, many proofs spoilt."""
    keys = [*KEYS, *ABSENT]
    values: list[bytes | None] = [*CONTENT.values(), *[None] * len(ABSENT)]
    proofs = [*map(tree.membership, KEYS), *map(tree.non_membership, ABSENT)]
    order = rng.sample(range(len(keys)), len(keys))
    keys, values, proofs = [keys[i] for i in order], [values[i] for i in order], [proofs[i] for i in order]
    for i in range(0, len(keys), 3):
        data = bytearray(proofs[i])
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        proofs[i] = bytes(data)
    values[1], values[4], proofs[7], proofs[10] = b"other", None, b"", proofs[11]
    return keys, proofs, values


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_verdicts_are_those_of_the_library(
    client: ValidationClient, service: Server, tree: ProvenTree, rules: str
) -> None:
    keys, proofs, values = cases(tree, random.Random(tree.kind))
    wanted = in_process(tree.kind, tree.root, proofs, keys, values, rules=rules)
    assert wanted.count(1) > len(keys) // 2
    assert len(set(wanted)) == 3
    found = client.verify_ics23(tree.kind, tree.root, proofs, keys, values, rules=rules)
    assert found.codes.tolist() == wanted
    roots = [tree.root if i % 5 else bytes(32) for i in range(len(keys))]
    wanted = in_process(tree.kind, roots, proofs, keys, values, rules=rules)
    assert client.verify_ics23(tree.kind, roots, proofs, keys, values, rules=rules).codes.tolist() == wanted
    with ValidationClient(service.target, max_batch_items=7, max_message_bytes=4096) as pieces:
        assert pieces.verify_ics23(tree.kind, roots, proofs, keys, values, rules=rules).codes.tolist() == wanted


def test_one_proof_of_many_keys(client: ValidationClient, service: Server, tree: ProvenTree) -> None:
    keys = [*KEYS, *ABSENT]
    batch = tree.batch(keys)
    values: list[bytes | None] = [*CONTENT.values(), *[None] * len(ABSENT)]
    for proof in (batch, compressed(batch)):
        assert client.verify_ics23(tree.kind, tree.root, proof, keys, values).all_valid
        swapped = [None, *values[1:-1], b"x"]
        found = client.verify_ics23(tree.kind, tree.root, proof, keys, swapped)
        assert np.flatnonzero(found.codes != 1).tolist() == [0, len(keys) - 1]
        assert client.verify_ics23(tree.kind, tree.root, proof, ABSENT).all_valid
        with ValidationClient(service.target, max_batch_items=9) as pieces:
            assert (
                pieces.verify_ics23(tree.kind, tree.root, proof, keys, swapped).codes.tolist() == found.codes.tolist()
            )


def test_specs_and_proofs_in_every_form(client: ValidationClient, tree: ProvenTree) -> None:
    spec, key = SPECS[tree.kind], KEYS[5]
    proof = tree.membership(key)
    as_object = MessageToDict(proofs_pb2.CommitmentProof.FromString(proof), preserving_proto_field_name=True)
    wire = ValidationClient.verify_ics23.plan(client, spec, tree.root, [proof], [key])  # type: ignore[attr-defined]
    request = ics23_pb2.VerifyIcs23Request.FromString(next(iter(wire.requests)))
    text = json.dumps(
        MessageToDict(proofs_pb2.ProofSpec.FromString(request.spec_bytes), preserving_proto_field_name=True)
    )
    for given in (tree.kind, spec, request.spec_bytes, text, json.loads(text)):
        for proofs in (proof, [proof], as_object, [as_object], json.dumps(as_object)):
            assert client.verify_ics23(given, tree.root, proofs, [key], [CONTENT[key]]).all_valid
            assert not client.verify_ics23(given, tree.root, proofs, [key], [b"?"]).all_valid
    wrong = KINDS[KINDS.index(tree.kind) - 1]
    assert not client.verify_ics23(wrong, tree.root, proof, [key], [CONTENT[key]]).all_valid


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server, tree: ProvenTree) -> None:
    keys, proofs, values = cases(tree, random.Random(1))
    async with AsyncValidationClient(service.target) as client:
        found = await client.verify_ics23(tree.kind, tree.root, proofs, keys, values)
    assert found.codes.tolist() == in_process(tree.kind, tree.root, proofs, keys, values)


def test_proofs_are_verified_in_pieces_of_bounded_size(
    client: ValidationClient, tree: ProvenTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of a few bytes take a hundred while they are verified, and a deadline ends the work between two pieces."""
    most, sizes = 3000, []
    verify = ics23.verify_membership_batch

    def noted(spec: Any, root: Any, proofs: Any, *given: Any, **options: Any) -> Any:
        sizes.append((len(proofs), proofs.nbytes))
        return verify(spec, root, proofs, *given, **options)

    monkeypatch.setattr(rpc_ics23, "_BYTES_AT_ONCE", most)
    monkeypatch.setattr(ics23, "verify_membership_batch", noted)
    keys = tree.keys[:20]
    proofs, values = [tree.membership(key) for key in keys], [tree.exist(key).value for key in keys]
    proofs[3] += bytes(2 * most)
    found = client.verify_ics23(tree.kind, tree.root, proofs, keys, values)
    assert [one.name for one in found] == ["MALFORMED_PROOF" if i == 3 else "VALID" for i in range(20)]
    assert len(sizes) > 3
    assert all(nbytes <= most or count == 1 for count, nbytes in sizes)
    assert sum(count for count, _ in sizes) == 20


def test_no_keys(client: ValidationClient) -> None:
    assert len(client.verify_ics23("iavl", bytes(32), [], [])) == 0
    with pytest.raises(InputError, match="spec"):
        client.verify_ics23("oak", bytes(32), [], [])
    with pytest.raises(InputError, match="rules"):
        client.verify_ics23("iavl", bytes(32), [], [], rules="lax")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"spec": "oak"}, "spec"),
        ({"spec": 5}, "spec"),
        ({"spec": "{}"}, "spec"),
        ({"spec": b"\xff"}, "spec"),
        ({"rules": "lax"}, "rules"),
        ({"rules": None}, "rules"),
        ({"values": [b"1", b"2"]}, "values"),
        ({"proofs": [b"", b""]}, "proofs"),
        ({"root": [bytes(32)] * 2}, "root"),
        ({"proofs": ["{}", b""], "keys": [b"1", b"2"], "values": None}, "proofs[1]"),
        ({"proofs": {"exist": {1, 2}}}, "proofs"),
    ],
)
def test_malformed_calls(client: ValidationClient, changed: dict[str, Any], field: str) -> None:
    good: dict[str, Any] = {"spec": "iavl", "root": bytes(32), "proofs": [b""], "keys": [b"1"], "values": [b"1"]}
    with pytest.raises(InputError) as caught:
        client.verify_ics23(**good | changed)
    assert caught.value.field == field


def column(*rows: bytes) -> column_pb2.Column:
    return column_pb2.Column(rows=rows)


def test_requests_that_are_refused(service: Server) -> None:
    good: dict[str, Any] = {
        "spec_name": "iavl", "root": column(bytes(32)), "proofs": column(b"", b""), "keys": column(b"1", b"2"),
    }  # fmt: skip
    with grpc.insecure_channel(service.target) as channel:
        call = channel.unary_unary(METHOD + "VerifyIcs23")
        for changed, words in (
            ({"spec_name": None}, "spec: got nothing"),
            ({"spec_name": "oak"}, "spec"),
            ({"spec_name": None, "spec_json": "iavl"}, "spec: got text that is no JSON object"),
            ({"spec_name": None, "spec_bytes": b""}, "spec: got no leaf_spec"),
            ({"rules": "lax"}, "rules: got 'lax'"),
            ({"root": column(b"", b"", b"")}, "root: got 3 items, wanted 2"),
            ({"root": column()}, "root: got 0 items"),
            ({"proofs": column(b"", b"", b"")}, "proofs: got 3 proofs, wanted 2"),
            ({"values": column(b"")}, "values: got 1 items, wanted 2"),
            ({"absent": u64(2)}, "absent: got 2, wanted rows below 2"),
            ({"absent": b"123"}, "absent: got 3 bytes"),
            ({"json": True, "proofs": column(b"{}", b"\xff")}, "proofs[1]: got bytes that are no text"),
        ):
            request = ics23_pb2.VerifyIcs23Request(**good | changed)
            with pytest.raises(grpc.RpcError) as caught:
                call(request.SerializeToString(), timeout=PATIENCE)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, words
            assert words in caught.value.details()
        answer = call(ics23_pb2.VerifyIcs23Request(**good).SerializeToString(), timeout=PATIENCE)
    assert ics23_pb2.VerifyIcs23Response.FromString(answer).verdicts.valid_count == 0


def test_limits_and_deadlines(tree: ProvenTree) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_batch_items=8, workers=1)
    with background(config) as server, ValidationClient(server.target) as client:
        proofs = list(map(tree.membership, KEYS[:9]))
        with pytest.raises(LengthError, match="at most 8 per request"):
            client.verify_ics23(tree.kind, tree.root, proofs, KEYS[:9])
        gate = Gate(server)
        gate.hold()
        with pytest.raises(ServiceError) as caught:
            client.using(timeout=0.3).verify_ics23(tree.kind, tree.root, proofs[:1], KEYS[:1])
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        gate.open()
