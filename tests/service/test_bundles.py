"""VerifyBundle and AdvanceTrust over a real server, both clients, against the library's own answers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from chainmaker_bundles import PROOFS, Chain

import pycore
from pycore import bundle
from pycore._pb.validation.v1 import bundle_pb2
from pycore.bundle import Statement
from pycore.client import AsyncValidationClient, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import METHOD

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def chain() -> Any:
    return Chain()


@pytest.mark.parametrize("kind", PROOFS.kinds)
def test_reports_are_those_of_the_library(client: ValidationClient, chain: Any, kind: str) -> None:
    made = chain.bundle(kind)
    wrong = dataclasses.replace(made, certificate=made.certificate[:-1])
    other = dataclasses.replace(made, chain_id="another")
    for one in (made, wrong, other):
        expected = bundle.verify(one, chain.before)
        assert client.verify_bundle(one, chain.before).to_dict() == expected.to_dict()
        assert expected.proven is (one is made)
    late = chain.bundle(kind, late=True)
    assert client.verify_bundle(late, chain.after) == bundle.verify(late, chain.after)


def test_every_form_is_taken(client: ValidationClient, chain: Any, tmp_path: Path) -> None:
    made, trusted = chain.bundle("event"), chain.before
    path = tmp_path / "trusted.json"
    path.write_text(bundle.trusted_to_json(trusted))
    expected = bundle.verify(made, trusted)
    for form in (made, bundle.to_bytes(made), bundle.to_json(made), bundle.to_dict(made)):
        assert client.verify_bundle(form, trusted) == expected
    for state in (bundle.trusted_to_json(trusted), path.read_bytes(), bundle.trusted_to_dict(trusted), path):
        assert client.verify_bundle(made, state) == expected


def test_a_state_moves_as_in_the_library(client: ValidationClient, chain: Any) -> None:
    made = bundle.make("chainmaker", {"block": chain.ledger.blocks[1]}, Statement("header"), chain.before)
    report, moved = client.advance_trust(made, chain.before)
    assert (report, moved) == bundle.advance(made, chain.before)
    assert moved == chain.trusted(1)
    report, moved = client.advance_trust(chain.bundle("event"), chain.before)
    assert moved is None
    assert not report.proven
    assert report == bundle.advance(chain.bundle("event"), chain.before)[0]


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server, chain: Any) -> None:
    made = chain.bundle("header")
    async with AsyncValidationClient(service.target) as client:
        assert await client.verify_bundle(made, chain.before) == bundle.verify(made, chain.before)
        assert await client.advance_trust(made, chain.before) == bundle.advance(made, chain.before)


def test_a_moved_state_without_a_proof_is_not_believed(chain: Any) -> None:
    made = chain.bundle("header")
    plan = ValidationClient.advance_trust.plan(None, made, chain.before)  # type: ignore[attr-defined]
    text = bundle.trusted_to_json(chain.after).encode()
    answer = bundle_pb2.AdvanceTrustResponse(report=bundle_pb2.BundleReport(chain="chainmaker"), trusted_json=text)
    assert plan.combine([answer])[1] is None


def test_capabilities_list_the_kinds(client: ValidationClient) -> None:
    assert client.capabilities().bundles == bundle.kinds()


@pytest.mark.parametrize(
    ("trusted", "made", "field"),
    [
        (b"", b"", "trusted"),
        (b"{}", b"", "trusted"),
        (b"\xff", b"", "trusted"),
        (None, b"", "bundle"),
        (None, b"\xff", "bundle"),
        (None, b"{}", "bundle"),
        (b'{"format": 1, "format": 1}', b"", "trusted"),
    ],
)
@pytest.mark.parametrize("method", ["VerifyBundle", "AdvanceTrust"])
def test_malformed_requests_are_named(
    service: Server, chain: Any, method: str, trusted: bytes | None, made: bytes, field: str
) -> None:
    text = bundle.trusted_to_json(chain.before).encode() if trusted is None else trusted
    request = bundle_pb2.VerifyBundleRequest(trusted_json=text, bundle=made)
    with grpc.insecure_channel(service.target) as channel:
        call = channel.unary_unary(METHOD + method)
        with pytest.raises(grpc.RpcError) as caught:
            call(request.SerializeToString())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith(field)


def test_the_clients_raise_what_the_library_raises(client: ValidationClient, chain: Any) -> None:
    document = bundle.trusted_to_dict(chain.before)
    for call in (bundle.verify, client.verify_bundle):
        with pytest.raises(pycore.InputError) as caught:
            call(chain.bundle("header"), json.dumps({**document, "height": -1}))
        assert (caught.value.field, caught.value.got) == ("trusted.height", "-1")


def test_answers_are_bounded(chain: Any) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_answer_bytes=1024)
    with background(config) as server, ValidationClient(server.target) as client:
        assert client.verify_bundle(chain.bundle("state"), chain.before).proven
        for call in (client.verify_bundle, client.advance_trust):
            given = chain.bundle("transaction" if call == client.verify_bundle else "header")
            with pytest.raises(pycore.InputError, match="at most 1024 per request"):
                call(given, chain.before)
