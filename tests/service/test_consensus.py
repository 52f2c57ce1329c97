"""Commits, votes and light clients over a real server, both clients, against the library's own answers."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from pycore import ics23
from pycore._pb.validation.v1 import column_pb2, consensus_pb2
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.consensus import (
    CommitReport,
    SignedHeader,
    Validator,
    ValidatorSet,
    chains,
    verify_commit,
    verify_commits,
)
from pycore.consensus.light import LightOptions, LightVerdict, TrustedState, advance
from pycore.errors import InputError, InvalidSignature, LengthError, QuorumNotReached
from pycore.ledgers.cometbft import encoding, hashes, messages
from pycore.ledgers.cometbft.messages import COMMIT, BlockId, CommitSig
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.testing import cometbft, cometbft_json
from pycore.testing.cometbft_light import LightChain

from .conftest import METHOD, PATIENCE, Gate, wait_for_load

pytestmark = pytest.mark.network

OPTIONS = LightOptions(trusting_period_ns=10**15)


@pytest.fixture(scope="module")
def chain() -> cometbft.Chain:
    return cometbft.Chain(blocks=6, validators=7, seed=3, nil=(5,), absent=(6,), powers=[9, 8, 7, 6, 5, 4, 3])


@pytest.fixture(scope="module")
def validators(chain: cometbft.Chain) -> ValidatorSet:
    return ValidatorSet(chain.validators(0))


@pytest.fixture(scope="module")
def headers(chain: cometbft.Chain) -> list[bytes]:
    return [encoding.signed_header(chain.signed_header(i)) for i in range(6)]


def same(got: CommitReport, wanted: CommitReport) -> None:
    """Two reports are equal in every part."""
    assert got.to_dict() == wanted.to_dict()
    assert got.decision == wanted.decision
    assert np.array_equal(got.positions, wanted.positions)
    assert np.array_equal(got.verdicts.codes, wanted.verdicts.codes)


def mutated(chain: cometbft.Chain) -> list[bytes]:
    """Headers of which something is wrong, and bytes that hold no header."""
    signed = chain.signed_header(2)
    commit, slots = signed.commit, list(signed.commit.signatures)

    def with_slots(*changed: Any) -> Any:
        return replace(signed, commit=replace(commit, signatures=(*changed, *slots[len(changed) :])))

    spoilt = replace(slots[0], signature=slots[0].signature[:-1] + bytes([slots[0].signature[-1] ^ 1]))
    strange = replace(slots[1], address=bytes(20))
    messages = [
        with_slots(spoilt),
        with_slots(slots[0], strange),
        with_slots(replace(slots[0], signature=b"")),
        replace(signed, commit=replace(commit, height=commit.height + 1)),
        replace(signed, commit=replace(commit, signatures=tuple(slots[:-1]))),
        replace(signed, commit=replace(commit, round=1)),
        replace(signed, header=replace(signed.header, app_hash=b"other")),
        replace(signed, header=replace(signed.header, chain_id="other")),
    ]
    return [*map(encoding.signed_header, messages), b"", b"\xff", b"\x0a\x01"]


# ---- commits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["light", "full", "all", "trusting", "trusting-all"])
def test_reports_are_those_of_the_library(
    client: ValidationClient, chain: cometbft.Chain, validators: ValidatorSet, headers: list[bytes], mode: str
) -> None:
    given = [*headers, *mutated(chain)]
    options: Any = {"mode": mode, "form": "wire", "trust_level": (1, 2), "chain_id": cometbft.CHAIN_ID}
    wanted = verify_commits(validators, given, **options)
    assert [one.valid for one in wanted[: len(headers)]] == [True] * len(headers)
    assert sum(one.valid for one in wanted) < len(wanted) - 6
    for data, report in zip(given, wanted, strict=True):
        same(client.verify_commit(validators, data, **options), report)
    for window in (1, 4, 256):
        found = list(client.verify_commits(validators, iter(given), window_headers=window, **options))
        for got, report in zip(found, wanted, strict=True):
            same(got, report)


def test_flipped_bits(client: ValidationClient, validators: ValidatorSet, headers: list[bytes]) -> None:
    rng = random.Random(8)
    given = []
    for _ in range(300):
        data = bytearray(rng.choice(headers))
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        given.append(bytes(data))
    options: Any = {"mode": "full", "form": "wire"}
    wanted = verify_commits(validators, given, **options)
    for got, report in zip(client.verify_commits(validators, given, **options), wanted, strict=True):
        same(got, report)
    assert not any(report.valid for report in wanted)


def test_every_form_is_taken(client: ValidationClient, chain: cometbft.Chain, validators: ValidatorSet) -> None:
    import json

    signed = chain.signed_header(1)
    wire, text = encoding.signed_header(signed), cometbft_json.commit_answer(signed)
    pages = cometbft_json.validators_answers(chain.validators(1), 2, per_page=3)
    assert len(pages) == 3
    wanted = verify_commit(validators, wire, form="wire")
    assert wanted.valid
    assert wanted.complete
    parsed = [json.loads(page) for page in pages]
    one = cometbft_json.validators_answers(chain.validators(1), 2)[0]
    for given in (validators, one, one.encode(), json.loads(one), parsed, "[" + ",".join(pages) + "]"):
        for header in (text, text.encode(), json.loads(text), SignedHeader.read(wire, form="wire")):
            same(client.verify_commit(given, header), wanted)
    same(client.verify_commit(validators.to_bytes(), wire, form="wire"), wanted)
    mixed = [text, SignedHeader.read(wire, form="wire"), text]
    for got in client.verify_commits(validators, mixed):
        same(got, wanted)


def test_commits_of_a_real_chain(
    client: ValidationClient, require_vectors: Callable[[str], Path], count_cases: Any
) -> None:
    seen = 0
    for path in sorted(require_vectors("cometbft/celestia_mocha4").glob("*/commit.json")):
        header, validators = path.read_text(), (path.parent / "validators_1.json").read_text()
        for mode in ("light", "full"):
            report = client.verify_commit(validators, header, mode=mode, chain_id="mocha-4")
            same(report, verify_commit(validators, header, mode=mode, chain_id="mocha-4"))
            report.require()
        seen += 1
    count_cases("celestia mocha-4: commits over gRPC", seen, ways=2)


def test_sets_that_move(client: ValidationClient) -> None:
    chain = cometbft.Chain(blocks=8, validators=6, seed=5, replaced=1)
    sets = [ValidatorSet(chain.validators(i)) for i in range(8)]
    headers = [encoding.signed_header(chain.signed_header(i)) for i in range(8)]
    wanted = verify_commits(sets, headers, form="wire")
    assert all(report.valid for report in wanted)
    for got, report in zip(client.verify_commits(sets, headers, form="wire"), wanted, strict=True):
        same(got, report)
    wrong = [sets[0], *sets[:7]]
    reports = list(client.verify_commits(wrong, headers, form="wire"))
    assert [one.valid for one in reports] == [True] + [False] * 7
    for got, report in zip(reports, verify_commits(wrong, headers, form="wire"), strict=True):
        same(got, report)
    for given in (sets[:7], [*sets, sets[0]]):
        with pytest.raises(LengthError, match="validators"):
            list(client.verify_commits(given, headers, form="wire"))


def test_received_reports_raise_as_in_process(
    client: ValidationClient, chain: cometbft.Chain, validators: ValidatorSet, headers: list[bytes]
) -> None:
    client.verify_commit(validators, headers[0], form="wire").require()
    with pytest.raises(InvalidSignature) as caught:
        client.verify_commit(validators, mutated(chain)[0], form="wire").require()
    assert caught.value.index == 0
    few = cometbft.Chain(blocks=1, validators=7, seed=3, absent=(0, 1, 2))
    report = client.verify_commit(
        ValidatorSet(few.validators(0)), encoding.signed_header(few.signed_header(0)), form="wire"
    )
    with pytest.raises(QuorumNotReached) as short:
        report.require()
    assert (short.value.got, short.value.needed) == (40, 47)


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server, validators: ValidatorSet, headers: list[bytes]) -> None:
    async def source() -> AsyncIterator[bytes]:
        for header in headers:
            yield header

    wanted = verify_commits(validators, headers, form="wire")
    async with AsyncValidationClient(service.target) as client:
        same(await client.verify_commit(validators, headers[0], form="wire"), wanted[0])
        for given in (source(), headers):
            found = [one async for one in client.verify_commits(validators, given, form="wire", window_headers=2)]
            for got, report in zip(found, wanted, strict=True):
                same(got, report)
        chain = LightChain(heights=4, seed=2)
        trusted, blocks = TrustedState.of(chain.block(1)), [chain.block(3), chain.block(4)]
        state, report = await client.light_verify(trusted, blocks, OPTIONS, chain.now_ns)
        assert report == advance(trusted, blocks, OPTIONS, chain.now_ns)[1]
        assert state.hash == chain.hash(4)


def test_headers_one_at_a_time(client: ValidationClient, validators: ValidatorSet, headers: list[bytes]) -> None:
    """With windows of one header each report comes before the next header is there."""
    taken = threading.Semaphore(1)

    def source() -> Iterator[bytes]:
        for header in headers:
            assert taken.acquire(timeout=PATIENCE)
            yield header

    count = 0
    for report in client.verify_commits(validators, source(), form="wire", window_headers=1):
        assert report.valid
        count += 1
        taken.release()
    assert count == len(headers)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"chain": "bitcoin"}, "chain"),
        ({"mode": "heavy"}, "mode"),
        ({"form": "xml"}, "form"),
        ({"chain_id": 5}, "chain_id"),
        ({"mode": "trusting", "trust_level": (2, 1)}, "trust_level"),
        ({"mode": "trusting", "trust_level": "1/3"}, "trust_level"),
        ({"mode": "trusting", "trust_level": (1, 1 << 63)}, "trust_level"),
    ],
)
def test_malformed_calls_are_those_of_the_library(
    client: ValidationClient, validators: ValidatorSet, headers: list[bytes], options: dict[str, Any], field: str
) -> None:
    given: Any = {"form": "wire"} | options
    for call in (verify_commit, client.verify_commit):
        with pytest.raises(InputError) as caught:
            call(validators, headers[0], **given)
        assert caught.value.field == field
    with pytest.raises(InputError) as caught:
        list(client.verify_commits(validators, headers, **given))
    assert caught.value.field == field


@pytest.mark.parametrize("given", [b"\xff", "{}", "[]", b"", {"validators": []}, 5, {"validators": {1, 2}}])
def test_what_is_no_set(client: ValidationClient, headers: list[bytes], given: Any) -> None:
    for call in (client.verify_commit, lambda one, header: list(client.verify_commits(one, [header]))):
        with pytest.raises(InputError) as caught:
            call(given, headers[0])
        assert caught.value.field.startswith("validators")


def test_windows_that_a_message_cannot_be(client: ValidationClient, validators: ValidatorSet) -> None:
    for window in (0, 4097, True, None):
        with pytest.raises(InputError, match="window_headers"):
            next(client.verify_commits(validators, [], window_headers=window))  # type: ignore[arg-type]


def test_a_stream_without_headers(client: ValidationClient, validators: ValidatorSet) -> None:
    assert list(client.verify_commits(validators, [])) == []
    with pytest.raises(InputError, match="validators"):
        list(client.verify_commits("{}", []))


# ---- messages that a client of ours does not send --------------------------------------------------------------------


def refusal(service: Server, name: str, *requests: bytes) -> tuple[Any, str, int]:
    """Status, words and the number of answers before."""
    with grpc.insecure_channel(service.target) as channel:
        call = channel.stream_stream(METHOD + name)(iter(requests), timeout=PATIENCE)
        answers = 0
        try:
            for _ in call:
                answers += 1
        except grpc.RpcError:
            pass
        return call.code(), call.details() or "", answers


def column(*rows: bytes) -> column_pb2.Column:
    return column_pb2.Column(rows=rows)


def test_streams_of_commits_that_are_refused(service: Server, validators: ValidatorSet, headers: list[bytes]) -> None:
    def message(**fields: Any) -> bytes:
        return consensus_pb2.VerifyCommitsRequest(**fields).SerializeToString()

    options: dict[str, Any] = {"form": "wire", "signed_headers": column(headers[0])}
    good = message(chain="cometbft", validators=validators.to_bytes(), **options)
    level = consensus_pb2.TrustLevel(numerator=1, denominator=3)
    for requests, words, answered in (
        ([], "request: got no message", 0),
        ([b"\xff"], "do not parse", 0),
        ([message(**options)], "chain: got ''", 0),
        ([message(chain="cometbft", **options)], "validators", 0),
        ([message(chain="cometbft", mode="x", validators=validators.to_bytes(), **options)], "mode: got 'x'", 0),
        ([good, message(chain="cometbft", **options)], "chain: got 8 bytes, wanted nothing", 1),
        ([good, message(mode="light", **options)], "mode: got 5 bytes, wanted nothing", 1),
        ([good, message(chain_id="x", **options)], "chain_id: got 1 bytes, wanted nothing", 1),
        ([good, message(trust_level=level, **options)], "trust_level: got a share, wanted nothing", 1),
        ([good, message(validators=b"\xff", **options)], "validators", 1),
        ([good, message(validators_form="xml", **options)], "form: got 'xml'", 1),
        ([good, message(signed_headers=column(*[b""] * 4097))], "signed_headers: got 4097 items", 1),
        ([good, b"\xff"], "do not parse", 1),
    ):
        code, told, count = refusal(service, "VerifyCommits", *requests)
        assert code is grpc.StatusCode.INVALID_ARGUMENT, told
        assert words in told
        assert count == answered, told


def test_too_many_headers_are_counted_before_they_are_parsed(validators: ValidatorSet) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_batch_items=8)
    request = consensus_pb2.VerifyCommitsRequest(chain="cometbft", signed_headers=column(*[b"x" * 40] * 7000))
    assert request.ByteSize() > 256 * 1024
    with background(config) as server:
        code, told, _ = refusal(server, "VerifyCommits", request.SerializeToString())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "more than 8 items" in told


def test_answers_are_bounded(validators: ValidatorSet, headers: list[bytes]) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_answer_bytes=1024)
    with background(config) as server, ValidationClient(server.target) as client:
        client.verify_commit(validators, headers[0], form="wire").require()
        with pytest.raises(InputError, match="at most 1024 per request"):
            list(client.verify_commits(validators, headers * 2, form="wire"))
        assert len(list(client.verify_commits(validators, headers * 2, form="wire", window_headers=1))) == 12


def test_a_deadline_ends_the_call(validators: ValidatorSet, headers: list[bytes]) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, workers=1)
    with background(config) as server, ValidationClient(server.target, timeout=0.2) as client:
        gate = Gate(server)
        gate.hold()
        with pytest.raises(ServiceError) as caught:
            client.verify_commit(validators, headers[0], form="wire")
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        gate.open()
        wait_for_load(server, lambda load: load.requests == 0)
        with ValidationClient(server.target) as patient:
            patient.verify_commit(validators, headers[0], form="wire").require()


def test_a_stream_that_is_cut_ends_alone(service: Server, validators: ValidatorSet, headers: list[bytes]) -> None:
    with ValidationClient(service.target) as client:
        held = client.verify_commits(validators, iter(headers * 50), form="wire", window_headers=1)
        other = client.verify_commits(validators, iter(headers), form="wire", window_headers=1)
        next(held)
        next(other)
        held.close()  # type: ignore[attr-defined]
        assert len(list(other)) == len(headers) - 1
    wait_for_load(service, lambda load: load.requests == 0)
    assert service.admission.load.items == service.admission.load.nbytes == 0


# ---- light clients ---------------------------------------------------------------------------------------------------


def light_cases() -> Iterator[tuple[TrustedState, list[Any], LightOptions, int]]:
    chain = LightChain(heights=12, validators=6, seed=4, replaced=1)
    state = TrustedState.of(chain.block(1))
    blocks = {height: chain.block(height) for height in chain.heights}
    now = chain.now_ns
    yield state, [blocks[2]], OPTIONS, now
    yield state, [blocks[height] for height in range(2, 13)], OPTIONS, now
    yield state, [blocks[3], blocks[6], blocks[9]], OPTIONS, now
    yield state, [blocks[12]], OPTIONS, now  # too few are left
    yield state, [blocks[2], blocks[11], blocks[12]], OPTIONS, now
    yield state, [blocks[3]], replace(OPTIONS, sequential=True), now
    yield state, [blocks[3]], replace(OPTIONS, trust_level=(1, 1)), now
    yield state, [blocks[2], blocks[3]], replace(OPTIONS, trusting_period_ns=1), now
    yield state, [blocks[2]], replace(OPTIONS, max_clock_drift_ns=0), state.time_ns + 1
    yield state, [blocks[1]], OPTIONS, now
    for kind in ("lunatic", "equivocation", "amnesia"):
        fork = chain.forked(4, kind, liars=[0] if kind == "lunatic" else None)
        yield TrustedState.of(blocks[3]), [fork.block(4), fork.block(5)], OPTIONS, now


@pytest.mark.parametrize("case", range(13))
def test_light_clients_are_told_what_the_library_tells(client: ValidationClient, case: int) -> None:
    trusted, blocks, options, now = list(light_cases())[case]
    wanted_state, wanted = advance(trusted, blocks, options, now)
    state, report = client.light_verify(trusted, blocks, options, now)
    assert report == wanted
    assert report.to_dict() == wanted.to_dict()
    assert (state.hash, state.to_bytes()) == (wanted_state.hash, wanted_state.to_bytes())


def test_the_cases_have_every_verdict() -> None:
    found = {advance(*case)[1].verdict for case in light_cases()}
    assert found == set(LightVerdict)


def test_many_blocks_go_in_pieces(service: Server) -> None:
    chain = LightChain(heights=20, seed=6)
    trusted = TrustedState.of(chain.block(1))
    blocks = [chain.block(height) for height in range(2, 21)]
    broken = [*blocks[:9], *blocks[10:]]
    tight = replace(OPTIONS, sequential=True)
    with ValidationClient(service.target, max_batch_items=4) as client:
        for given, options in ((blocks, OPTIONS), (broken, tight)):
            wanted_state, wanted = advance(trusted, given, options, chain.now_ns)
            state, report = client.light_verify(trusted, iter(given), options, chain.now_ns)
            assert report == wanted
            assert state.hash == wanted_state.hash
        assert report.verdict is LightVerdict.INVALID
        assert len(report.steps) == 10


def test_light_calls_that_are_malformed(client: ValidationClient) -> None:
    chain = LightChain(heights=3, seed=6)
    trusted, block = TrustedState.of(chain.block(1)), chain.block(2)
    for given, field in (
        ((None, [block], OPTIONS, 0), "trusted"),
        ((trusted, [], OPTIONS, 0), "blocks"),
        ((trusted, [block], OPTIONS, 0.5), "now_ns"),
    ):
        for call in (advance, client.light_verify):
            with pytest.raises(InputError) as caught:
                call(*given)  # type: ignore[arg-type]
            assert caught.value.field == field
    for given, field in (
        ((trusted, [b"x"], OPTIONS, 0), "blocks[0]"),
        ((trusted, [block], OPTIONS, 1 << 63), "now_ns"),
        ((trusted, [block], None, 0), "options"),
    ):
        with pytest.raises(InputError) as caught:
            client.light_verify(*given)  # type: ignore[arg-type]
        assert caught.value.field == field


def test_light_requests_that_are_refused(service: Server) -> None:
    chain = LightChain(heights=3, seed=6)
    first, second = chain.wire(1), chain.wire(2)
    good: dict[str, Any] = {
        "chain": "cometbft", "trusted": first, "light_blocks": column(second), "trusting_period_ns": 10**15,
        "now_ns": chain.now_ns,
    }  # fmt: skip
    level = consensus_pb2.TrustLevel(numerator=1, denominator=4)
    with grpc.insecure_channel(service.target) as channel:
        call = channel.unary_unary(METHOD + "LightVerify")
        for changed, words in (
            ({"chain": ""}, "chain: got ''"),
            ({"form": "xml"}, "form: got 'xml'"),
            ({"trusted": b""}, "trusted"),
            ({"trusted": second[:-1]}, "trusted"),
            ({"light_blocks": column()}, "light_blocks: got 0 items, wanted from 1 to 1024"),
            ({"light_blocks": column(*[b""] * 1025)}, "light_blocks: got 1025 items"),
            ({"light_blocks": column(second, b"\xff")}, "light_blocks[1]"),
            ({"trusting_period_ns": 0}, "trusting_period_ns: got 0"),
            ({"trust_level": level}, "trust_level: got 1/4"),
            ({"now_ns": None}, "now_ns: got nothing"),
        ):
            request = consensus_pb2.LightVerifyRequest(**good | changed)
            with pytest.raises(grpc.RpcError) as caught:
                call(request.SerializeToString(), timeout=PATIENCE)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, words
            assert words in caught.value.details()
        answer = call(consensus_pb2.LightVerifyRequest(**good).SerializeToString(), timeout=PATIENCE)
    found = consensus_pb2.LightVerifyResponse.FromString(answer)
    assert found.report.verdict == consensus_pb2.LIGHT_VERDICT_SUCCESS
    assert found.trusted == second


def test_light_blocks_in_json(service: Server) -> None:
    import json

    chain = LightChain(heights=3, seed=6)
    texts = [json.dumps(cometbft_json.light_block(chain.blocks[height])).encode() for height in (1, 3)]
    request = consensus_pb2.LightVerifyRequest(
        chain="cometbft", form="rpc", trusted=texts[0], light_blocks=column(texts[1]), trusting_period_ns=10**15,
        now_ns=chain.now_ns,
    )  # fmt: skip
    with grpc.insecure_channel(service.target) as channel:
        answer = channel.unary_unary(METHOD + "LightVerify")(request.SerializeToString(), timeout=PATIENCE)
    assert consensus_pb2.LightVerifyResponse.FromString(answer).trusted == chain.wire(3)


def test_capabilities_say_which_votes_and_proofs_are_verified(client: ValidationClient) -> None:
    found = client.capabilities()
    rules = chains.rules("cometbft")
    assert found.consensus == {"cometbft": ("ecdsa-secp256k1", "ed25519")}
    assert set(found.other_schemes["cometbft"]) == rules.schemes - set(rules.options) > {"bls12-381"}
    assert found.proof_specs == tuple(ics23.SPECS)


def test_a_vote_that_cannot_be_verified_is_not_complete(client: ValidationClient, chain: cometbft.Chain) -> None:
    """Keys of a scheme that is read and hashed, and not built."""
    (one, *_), key = chain.validators(0), bytes(96)
    strange = ValidatorSet([one, Validator(key, 1000, "bls12-381")])
    header = chain.signed_header(0).header
    header = replace(header, validators_hash=strange.hash)
    claim = BlockId(hashes.header_hash(header), 1, bytes(32))
    slots = [CommitSig(COMMIT, each.address, header.time_ns, bytes(96)) for each in strange.validators]
    data = encoding.signed_header(messages.SignedHeader(header, messages.Commit(1, 0, claim, tuple(slots))))
    report = client.verify_commit(strange, data, form="wire")
    same(report, verify_commit(strange, data, form="wire"))
    assert not report.complete
