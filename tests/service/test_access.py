"""Who may call: certificates, tokens and signed tokens; rights by RPC and chain; quotas; a file that changes."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

import pycore
from pycore.client import AsyncValidationClient, ServiceError, Tls, ValidationClient
from pycore.service.access import AccessError, AccessFile, Clients, read_access
from pycore.service.callers import Caller, Meter, Quota, current, require_chain
from pycore.service.check import findings
from pycore.service.config import ServiceConfig
from pycore.service.guard import ABOUT_CHAINS, Guard, certificate_names
from pycore.service.handlers import RPCS
from pycore.service.metrics import Metrics
from pycore.service.server import Server, background
from pycore.testing import generate_ledger
from pycore.wire.errors import from_rpc
from pycore.wire.refusals import DeniedError, OverloadedError, ThrottledError
from pycore.wire.schema import METHODS

from .conftest import METHOD, PATIENCE, Authority, Clock, Gate, RawCaller, Spawn

A, B, C = "token-of-node-a-0001", "token-of-node-b-0002", "token-of-node-c-0003"
ALL_RIGHTS = {"rpcs": ["*"]}


def write(path: Path, *clients: dict[str, Any], **more: Any) -> Path:
    """An access file; replaced in one step, as an operator should."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"clients": list(clients), **more}), encoding="utf-8")
    stamp = time.time_ns() + next(_LATER)
    os.utime(fresh, ns=(stamp, stamp))
    fresh.replace(path)
    return path


_LATER = iter(range(10**9, 10**15, 10**9))


def by_token(tmp_path: Path, name: str, token: str, **rights: Any) -> dict[str, Any]:
    """A client with one token in a file."""
    path = tmp_path / f"{name}.token"
    path.touch(0o600)
    path.write_text(f"# of {name}\n{token}\n", encoding="utf-8")
    return {"name": name, "token_files": [str(path)], **(rights or ALL_RIGHTS)}


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(access_file, clock=...)``: a service that knows these clients."""
    with contextlib.ExitStack() as stack:

        def start(access_file: Path | None, *, clock: Callable[[], float] = time.monotonic, **more: Any) -> Server:
            config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, access_file=access_file, **more)
            return stack.enter_context(background(config, clock=clock))

        yield start


def ask(server: Server, token: str | Path | None, **settings: Any) -> str:
    """ "" for an answer, else the status and the words."""
    with ValidationClient(server.target, token=token, timeout=PATIENCE, **settings) as client:
        try:
            assert client.hash("sha256", b"") == pycore.hash("sha256", b"")
        except ServiceError as error:
            return str(error)
    return ""


# ---- who -------------------------------------------------------------------------------------------------------------


def test_a_token_says_who_calls(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(write(tmp_path / "access.json", by_token(tmp_path, "node-a", A)))
    assert ask(server, A) == ""
    one_line = tmp_path / "one-line.token"
    one_line.write_text(f"{A}\n", encoding="utf-8")
    assert ask(server, one_line) == ""
    caplog.set_level(logging.WARNING, "pycore.service.access")
    assert ask(server, None).startswith("UNAUTHENTICATED: the caller is not known")
    assert ask(server, B) == "UNAUTHENTICATED: authorization: the token is no client's"
    with ValidationClient(server.target) as client:
        assert client.health()  # for load balancers, which have no token
    records = [record for record in caplog.records if record.name == "pycore.service.access"]
    assert [record.__dict__["reason"] for record in records] == ["UNKNOWN_CALLER", "UNKNOWN_TOKEN"]
    assert all(record.__dict__["rpc"] == "HashBatch" and A not in str(record.__dict__) for record in records)


async def test_the_asyncio_client_sends_it_as_well(serve: Serve, tmp_path: Path) -> None:
    server = serve(write(tmp_path / "access.json", by_token(tmp_path, "node-a", A)))
    batch = ("ed25519", *pycore.testing.generate_signatures("ed25519", 3, seed=1))
    async with AsyncValidationClient(server.target, token=A) as client:
        assert (await client.verify_batch(*batch)).all_valid
        assert [verdicts.all_valid async for verdicts in client.verify_stream("ed25519", [batch[1:]])] == [True]
    async with AsyncValidationClient(server.target, token=B) as client:
        with pytest.raises(ServiceError, match="UNAUTHENTICATED"):
            await client.verify_batch(*batch)
        with pytest.raises(ServiceError, match="UNAUTHENTICATED"):
            async for _ in client.verify_stream("ed25519", [batch[1:]]):
                pass


async def test_refused_streams_that_send_nothing_end_all_the_same(serve: Serve, tmp_path: Path) -> None:
    server = serve(write(tmp_path / "access.json", by_token(tmp_path, "node-a", A)))
    async with grpc.aio.insecure_channel(server.target) as channel:
        call = channel.stream_stream(METHOD + "VerifySignatureStream")
        streams = [call(timeout=PATIENCE) for _ in range(40)]
        codes = [await one.code() for one in streams]
    assert set(codes) == {grpc.StatusCode.UNAUTHENTICATED}
    assert server.guard._refusing == 0


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", "Bearer ", A, f"Bearer {A} ", "Bearer " + "x" * 9000])
def test_malformed_authorization(serve: Serve, tmp_path: Path, value: str) -> None:
    server = serve(write(tmp_path / "access.json", by_token(tmp_path, "node-a", A)))
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError) as caught:
        call = channel.unary_unary(METHOD + "GetCapabilities")
        call(b"", metadata=(("authorization", value),), timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError) as caught:
        call = channel.unary_unary(METHOD + "GetCapabilities")
        call(b"", metadata=(("authorization", f"Bearer {A}"),) * 2, timeout=PATIENCE)
    assert caught.value.details() == "authorization: given more than once"


@pytest.mark.parametrize("name", ["spiffe://example.org/node-1", "dns:node-1", "cn:node-1", "uri:https://node-1"])
def test_a_certificate_says_who_calls(serve: Serve, authority: Authority, tmp_path: Path, name: str) -> None:
    certificate, key = authority.issue("pycore.test")
    uri = name.removeprefix("uri:") if "://" in name else ""
    mine = authority.issue("node-1", ExtendedKeyUsageOID.CLIENT_AUTH, uri=uri)
    other = authority.issue("node-2", ExtendedKeyUsageOID.CLIENT_AUTH)
    client = {"name": "node-1", "certificates": [name], **ALL_RIGHTS}
    tls = {"tls_certificate": certificate, "tls_private_key": key, "tls_client_ca": authority.path}
    server = serve(write(tmp_path / "access.json", client, by_token(tmp_path, "node-b", B)), **tls)
    assert ask(server, None, tls=Tls(authority.path, *mine)) == ""
    assert ask(server, None, tls=Tls(authority.path, *other)).startswith("UNAUTHENTICATED")
    assert ask(server, B, tls=Tls(authority.path, *other)) == ""
    both = "UNAUTHENTICATED: the call comes from 'node-1' and 'node-b': wanted one client"
    assert ask(server, B, tls=Tls(authority.path, *mine)) == both
    assert ask(server, A, tls=Tls(authority.path, *mine)).startswith("UNAUTHENTICATED")  # a wrong token is not ignored


def test_names_cannot_pass_for_another_kind() -> None:
    properties = {"x509_common_name": [b"dns:a", b"spiffe://x/y"], "peer_dns": [b"cn:b", b"\xff"]}
    assert certificate_names(properties) == ["cn:dns:a", "cn:spiffe://x/y", "dns:cn:b", "dns:\\xff"]


def test_signed_tokens(serve: Serve, tmp_path: Path) -> None:
    jwt = pytest.importorskip("jwt")
    key, stranger = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public = tmp_path / "issuer.pem"
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    issuer = {"issuer": "https://i.example", "audience": "pycore", "keys_file": str(public), "algorithm": "ES256"}
    client = {"name": "node-a", "token_subjects": ["a"], **ALL_RIGHTS}
    server = serve(write(tmp_path / "access.json", client, issuers=[issuer]))

    def token(signer: Any = key, algorithm: str = "ES256", **changed: Any) -> str:
        claims = {"iss": "https://i.example", "aud": "pycore", "sub": "a", "exp": time.time() + 300, **changed}
        claims = {name: value for name, value in claims.items() if value is not None}
        made: str = jwt.PyJWS().encode(json.dumps(claims).encode(), signer, algorithm=algorithm)
        return made

    assert ask(server, token()) == ""
    assert ask(server, token(signer=stranger)).endswith("no issuer of the access file signed it")
    assert ask(server, token(sub="b")).endswith("the token is no client's")
    for changed in ({"iss": "https://j.example"}, {"aud": "other"}, {"exp": time.time() - 300}):
        assert ask(server, token(**changed)).startswith("UNAUTHENTICATED"), changed
    for missing in ("iss", "aud", "exp", "sub"):
        assert ask(server, token(**{missing: None})).startswith("UNAUTHENTICATED"), missing
    for odd in ({"exp": [1]}, {"exp": float("inf")}, {"nbf": {}}, {"aud": 5}, {"sub": ["a"]}, {"iss": 5}):
        assert ask(server, token(**odd)).startswith("UNAUTHENTICATED"), odd
    assert ask(server, token(signer=None, algorithm="none")).startswith("UNAUTHENTICATED")


# ---- may -------------------------------------------------------------------------------------------------------------


def test_rights_by_rpc(serve: Serve, tmp_path: Path) -> None:
    rights = {"rpcs": ["VerifySignature*", "GetCapabilities"]}
    server = serve(
        write(tmp_path / "access.json", by_token(tmp_path, "a", A, **rights), by_token(tmp_path, "b", B, chains=[]))
    )
    with ValidationClient(server.target, token=A) as client:
        assert client.verify_batch("ed25519", *pycore.testing.generate_signatures("ed25519", 2, seed=1)).all_valid
        with pytest.raises(ServiceError, match="PERMISSION_DENIED: a may not call HashBatch"):
            client.hash("sha256", b"")
    assert ask(server, B) == "PERMISSION_DENIED: b may not call HashBatch"  # no RPCs are no rights


def test_rights_by_chain(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ours = by_token(tmp_path, "a", A, rpcs=["*"], chains=["chainmaker"])
    others = by_token(tmp_path, "b", B, rpcs=["*"], chains=["fabric"])
    server = serve(write(tmp_path / "access.json", ours, others))
    ledger = generate_ledger(blocks=2, txs_per_block=2, seed=1)
    blocks = [ledger.block_info(height) for height in range(2)]
    with ValidationClient(server.target, token=A) as client:
        assert client.validate_block("chainmaker", blocks[0], ledger.context_for(0)).valid
        assert [one.report.height for one in client.validate_blocks("chainmaker", blocks)] == [1, 2]
        with pytest.raises(ServiceError, match="a may not ask about the chain 'fabric'"):
            client.validate_block("fabric", b"")
    caplog.clear()
    with ValidationClient(server.target, token=B) as client:
        assert client.hash("sha256", b"")  # about no chain
        with pytest.raises(ServiceError, match="PERMISSION_DENIED"):
            client.validate_block("chainmaker", blocks[0], ledger.context_for(0))
        with pytest.raises(ServiceError, match="PERMISSION_DENIED"):
            list(client.validate_blocks("chainmaker", blocks))
        with pytest.raises(ServiceError, match="PERMISSION_DENIED"):
            client.verify_bundle(*_bundle())
    assert [record.__dict__["rpc"] for record in caplog.records] == ["ValidateBlock", "ValidateBlocks", "VerifyBundle"]


def _bundle() -> tuple[bytes, Any]:
    folder = Path(__file__).parents[1] / "vectors" / "bundles"
    bundle = next(iter(sorted(folder.rglob("*chainmaker*.bundle"))), None)
    assert bundle is not None, sorted(folder.rglob("*"))[:5]
    trusted = next(iter(sorted(bundle.parent.rglob("*chainmaker*trusted*.json"))))
    return bundle.read_bytes(), trusted


def test_every_rpc_about_a_chain_asks_for_the_right_to_it() -> None:
    about = {name for name, rpc in RPCS.items() if "chain" in _fields(name) or "trusted_json" in _fields(name)}
    assert about == ABOUT_CHAINS


def _fields(name: str) -> set[str]:
    return {field.name for field in METHODS[name].request.DESCRIPTOR.fields}


def test_an_answer_about_a_chain_that_nobody_was_asked_about_does_not_leave(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(write(tmp_path / "access.json", by_token(tmp_path, "a", A, rpcs=["*"], chains=["chainmaker"])))
    ledger = generate_ledger(blocks=1, txs_per_block=1, seed=1)
    monkeypatch.setattr("pycore.service.rpc_blocks.require_chain", lambda chain: None)
    with ValidationClient(server.target, token=A) as client, pytest.raises(ServiceError, match="INTERNAL"):
        client.validate_block("chainmaker", ledger.block_info(0), ledger.context_for(0))


def test_outside_of_a_call_nothing_is_asked() -> None:
    assert current.get() is None
    require_chain("chainmaker")


# ---- how much --------------------------------------------------------------------------------------------------------


def test_a_meter_holds_its_rate() -> None:
    clock = Clock()
    meter = Meter(10, clock)
    passed = 0
    for _ in range(1000):
        clock.now += 0.01
        while not meter.wait():
            meter.take(3)
            passed += 3
    assert 100 <= passed <= 113  # ten seconds, the second kept before, and one overdrawn
    empty = Meter(10, clock)
    empty.take(10)
    assert empty.wait() > 0


def test_a_meter_changes_its_rate_without_forgetting() -> None:
    clock = Clock()
    meter = Meter(10, clock)
    meter.take(110)
    meter.change(100)
    assert meter.wait() == pytest.approx(1.0)
    meter.change(float("inf"))
    assert meter.wait() == 0
    meter.change(5)
    meter.take(5)
    assert meter.wait() > 0


def test_items_and_bytes_of_a_second(serve: Serve, tmp_path: Path) -> None:
    clock = Clock()
    limited = by_token(tmp_path, "a", A, rpcs=["*"], items_per_second=10, bytes_per_second=1000)
    server = serve(write(tmp_path / "access.json", limited, by_token(tmp_path, "b", B)), clock=clock)
    with ValidationClient(server.target, token=A) as client:
        client.hash_batch("sha256", [b"x"] * 25)  # overdrawn by 15 of 10 a second
        for wait, words in ((1.5, "items"), (0.5, "items")):
            with pytest.raises(
                ServiceError, match=f"RESOURCE_EXHAUSTED: a is limited to 10 {words} a second"
            ) as caught:
                client.hash_batch("sha256", [b"x"])
            assert caught.value.retry_after == pytest.approx(wait)
            assert ask(server, B) == ""  # nobody else is
            clock.now += 1.0
        client.hash_batch("sha256", [b"x"])
        clock.now += 10.0
        client.hash_batch("sha256", [b"x" * 5000])
        with pytest.raises(ServiceError, match="limited to 1000 bytes a second"):
            client.hash_batch("sha256", [b""])


def test_questions_without_a_word_count_as_well(serve: Serve, tmp_path: Path) -> None:
    limited = by_token(tmp_path, "a", A, rpcs=["*"], items_per_second=2)
    server = serve(write(tmp_path / "access.json", limited), clock=Clock())
    with grpc.insecure_channel(server.target) as channel:
        call, bearer = channel.unary_unary(METHOD + "GetCapabilities"), (("authorization", f"Bearer {A}"),)
        answered = 0
        with pytest.raises(grpc.RpcError, match="a is limited to 2 items a second"):
            for _ in range(9):
                assert call(b"", metadata=bearer, timeout=PATIENCE)
                answered += 1
    assert answered == 2


def test_a_stream_is_slowed_down_by_its_quota(serve: Serve, tmp_path: Path) -> None:
    batches = [pycore.testing.generate_signatures("ed25519", 4, seed=seed) for seed in range(4)]
    limited = by_token(tmp_path, "a", A, rpcs=["*"], items_per_second=40)
    server = serve(write(tmp_path / "access.json", limited))
    with ValidationClient(server.target, token=A, timeout=PATIENCE) as client:
        client.hash_batch("sha256", [b"x"] * 41)
        assert [verdicts.all_valid for verdicts in client.verify_stream("ed25519", batches)] == [True] * 4


def test_open_calls_of_a_client(serve: Serve, tmp_path: Path) -> None:
    limited = by_token(tmp_path, "a", A, rpcs=["*"], calls=2)
    server = serve(write(tmp_path / "access.json", limited, by_token(tmp_path, "b", B)), workers=1, stall_after=1e9)
    gate = Gate(server)
    gate.hold()
    sent = 5
    with grpc.insecure_channel(server.target) as channel:
        call = channel.unary_unary(METHOD + "HashBatch")
        request = b"\x0a\x06sha256\x12\x03\x22\x01x"
        futures = [
            call.future(request, metadata=(("authorization", f"Bearer {A}"),), timeout=PATIENCE) for _ in range(sent)
        ]
        refused = [_wait(futures) for _ in range(sent - 2)]
        assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert all("calls of a" in error.details() for error in refused)
        other = call.future(request, metadata=(("authorization", f"Bearer {B}"),), timeout=PATIENCE)
        gate.open()
        assert other.result()
        assert all(one.result() for one in futures)
    end = time.monotonic() + PATIENCE
    while server.guard.calls:  # a call is open until its answer has left
        assert time.monotonic() < end
        time.sleep(0.005)


def _wait(futures: list[Any]) -> Any:
    """The next of the calls that fails; it is taken from the list."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for one in futures:
            if one.done() and one.code() is not grpc.StatusCode.OK:
                futures.remove(one)
                return one
        time.sleep(0.005)
    raise AssertionError("no call failed")


# ---- floods ----------------------------------------------------------------------------------------------------------


async def test_three_thousand_calls_at_once_are_answered_or_told_when_to_try_again(serve: Serve) -> None:
    server = serve(None, max_concurrent_rpcs=400, max_connection_rpcs=200)  # 350 are for transactions
    seen: collections.Counter[str] = collections.Counter()
    async with grpc.aio.insecure_channel(server.target) as channel:
        call = channel.unary_unary(METHOD + "GetCapabilities")
        assert await call(b"", timeout=PATIENCE)  # the first computes what the others are told

        async def one() -> None:
            try:
                assert await call(b"", timeout=PATIENCE)
                seen["answered"] += 1
            except grpc.aio.AioRpcError as error:
                found = from_rpc(error.code(), error.details() or "", error.trailing_metadata())
                assert isinstance(found, ServiceError)
                assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED, found
                assert found.retry_after
                seen["refused"] += 1

        await asyncio.gather(*(one() for _ in range(3000)))
    assert seen["answered"] >= 200
    assert seen.total() == 3000


def test_idle_streams_of_one_connection_leave_room_for_others(serve: Serve) -> None:
    server = serve(None, max_concurrent_rpcs=40, max_connection_rpcs=20)
    idle = grpc.insecure_channel(server.target, options=[("grpc.use_local_subchannel_pool", 1)])
    ended = threading.Event()

    def never() -> Iterator[bytes]:
        ended.wait(PATIENCE)
        yield from ()

    streams = [idle.stream_stream(METHOD + "VerifySignatureStream")(never()) for _ in range(60)]
    other = RawCaller(server.target)
    refused = 0
    for stream in streams[20:]:
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        refused += 1
    assert refused == 40
    assert other("GetCapabilities", b"")
    with ValidationClient(server.target) as client:
        assert client.health()
    for stream in streams:
        stream.cancel()
    other.channel.close()
    ended.set()
    idle.close()


# ---- the file --------------------------------------------------------------------------------------------------------


def test_a_changed_file_counts_without_a_restart(serve: Serve, tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "access.json"
    server = serve(write(path, by_token(tmp_path, "a", A, rpcs=["*"], items_per_second=10)), clock=clock)
    with ValidationClient(server.target, token=A) as client:
        client.hash_batch("sha256", [b"x"] * 110)
    write(path, by_token(tmp_path, "a", A, rpcs=["*"], items_per_second=20), by_token(tmp_path, "b", B))
    assert ask(server, B).startswith("UNAUTHENTICATED")  # it is looked at once a second
    clock.now += 2.0
    assert ask(server, B) == ""
    assert "limited to 20 items" in ask(server, A)  # and what was used up before stays used up
    path.with_suffix(".new").write_text("{", encoding="utf-8")
    path.with_suffix(".new").replace(path)
    clock.now += 2.0
    assert ask(server, B) == ""  # a file that is wrong changes nothing
    (tmp_path / "b.token").write_text(C, encoding="utf-8")
    write(path, by_token(tmp_path, "b", C))
    clock.now += 2.0
    assert ask(server, C) == ""
    assert ask(server, B).startswith("UNAUTHENTICATED")
    assert ask(server, A).startswith("UNAUTHENTICATED")


def test_a_hangup_reads_settings_and_clients_again(spawn: Spawn, tmp_path: Path) -> None:
    path = write(tmp_path / "access.json", by_token(tmp_path, "a", A))
    settings = tmp_path / "pycore.toml"
    settings.write_text(f'access_file = "{path}"\nlog_level = "info"\n', encoding="utf-8")
    process = spawn("--config-file", str(settings))
    target = process.wait_for_target()
    write(path, by_token(tmp_path, "b", B))
    text = f'access_file = "{path}"\nlog_level = "debug"\nmax_inflight_items = 5\nmax_batch_items = 3\n'
    settings.write_text(text, encoding="utf-8")
    process.signal(signal.SIGHUP)
    assert process.event("settings reloaded")["changed"] == {"log_level": "debug", "max_inflight_items": 5}
    assert process.event("settings that need a restart")["settings"] == ["max_batch_items"]
    with ValidationClient(target, token=B) as client:
        assert client.hash("sha256", b"")
    settings.write_text("log_level = 7", encoding="utf-8")
    process.signal(signal.SIGHUP)
    assert "log_level: got 7, wanted debug, info, warning or error" in process.event("settings not reloaded")["message"]
    with ValidationClient(target, token=B) as client:
        assert client.hash("sha256", b"")
    process.signal()
    assert process.wait() == 0


CLIENT = {"name": "a", "certificates": ["cn:a"]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "clients: wanted a list of entries .*, and there is none"),
    ({"clients": []}, "clients: wanted a list of entries .*, and there is none"),
    ({"clients": CLIENT}, r"clients: got a table, wanted a list of entries \(in TOML \[\[clients\]\] above each\)$"),
    ({"clients": ["a"]}, "client 1: got 'a', wanted a table of settings"),
    ({"clients": [{"name": "a", "rpcs": ["*"]}]}, "client 'a': it has neither certificates, nor uids, nor tokens, so"),
    ({"clients": [{"name": "a", "certificates": ["node-1"]}]}, "wanted spiffe://"),
    ({"clients": [{"name": "a", "certificates": ["cn:"]}]}, "wanted spiffe://"),
    ({"clients": [{**CLIENT, "rpcs": ["HashBach"]}]}, "'HashBach' fits no RPC: there are .*; is HashBatch meant"),
    ({"clients": [{**CLIENT, "chains": ["chainmakr"]}]}, "'chainmakr' is no chain: there are .*; is chainmaker meant"),
    ({"clients": [{**CLIENT, "chains": ["nothing"]}]}, "client 'a': chains: 'nothing' is no chain: .*xuperchain$"),
    ({"clients": [{**CLIENT, "rpcs": "X"}]}, r"""client 'a': rpcs: got 'X', wanted a list, written rpcs = \["""),
    ({"clients": [{**CLIENT, "rpc": ["*"]}]}, r"json: client 'a': rpc: no such setting; is rpcs meant\?$"),
    ({"clients": [{**CLIENT, "chain": ["bif"]}]}, r"json: client 'a': chain: no such setting; is chains meant\?$"),
    ({"clients": [{**CLIENT, "token": "x"}]}, "is token_files, token_environment or token_subjects meant"),
    ({"clients": [{**CLIENT, "client": "x"}]}, "client: no such setting; there are name, certificates, uids, "),
    ({"client": [CLIENT]}, "client: no such setting; is clients meant"),
    ({"clients": [CLIENT, {"uids": [1]}]}, "json: client 2: name: wanted a value, and there is none$"),
    ({"clients": [{**CLIENT, "uids": ["x"]}]}, "client 'a': uids: got 'x', wanted a whole number$"),
    ({"clients": [{**CLIENT, "calls": 0}]}, "json: client 'a': calls: got 0, wanted at least 1$"),
    ({"clients": [CLIENT, {**CLIENT, "name": "b"}]}, "occurs twice"),
    ({"clients": [CLIENT, {"name": "a", "certificates": ["cn:b"]}]}, "occurs twice"),
    ({"clients": [{"name": "a", "token_subjects": ["x"]}]}, "need issuers"),
    ({"clients": [CLIENT], "issuers": [{"issuer": "x"}]}, "issuer 'x': audience: wanted a value"),
]


@pytest.mark.parametrize(("document", "words"), WRONG)
def test_wrong_files_are_refused(tmp_path: Path, document: dict[str, Any], words: str) -> None:
    path = tmp_path / "access.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(AccessError, match=words):
        read_access(path)
    with pytest.raises(AccessError, match=r"access\.toml"):
        read_access(tmp_path / "access.toml")


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    path = write(tmp_path / "access.json", {**CLIENT, "token_files": A, "token": B})
    with pytest.raises(AccessError, match="token_files: got a text, wanted a list") as caught:
        read_access(path)
    assert A not in str(caught.value)
    assert B not in str(caught.value)


def test_entries_that_are_hardly_meant_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By the check of settings, and in the log when the file is read."""
    path = write(tmp_path / "access.json", {**by_token(tmp_path, "a", A), "rpcs": []}, by_token(tmp_path, "b", B))
    warned = ["access_file: client 'a' has no rpcs, so it may call nothing"]
    config = ServiceConfig(access_file=path)
    assert findings(config)[1] == warned
    token = tmp_path / "b.token"
    token.chmod(0o604)
    warned.append(f"access_file: token file {token} of client 'b' can be read by everybody: take that right away")
    assert findings(config) == ([], warned)
    guard = Guard(1, 1, path, Metrics())
    assert [one.getMessage() for one in caplog.records] == warned
    caplog.clear()
    token.chmod(0o640)
    guard.reload()
    assert [one.getMessage() for one in caplog.records if one.levelname == "WARNING"] == warned[:1]


def test_wrong_tokens_are_refused(tmp_path: Path) -> None:
    def clients(*given: dict[str, Any], environment: dict[str, str] | None = None) -> Clients:
        return Clients(AccessFile.model_validate({"clients": given}), environment=environment or {})

    with pytest.raises(AccessError, match="the same token"):
        clients(by_token(tmp_path, "a", A), by_token(tmp_path, "b", A))
    with pytest.raises(AccessError, match="has 5 characters"):
        clients(by_token(tmp_path, "a", "short"))
    with pytest.raises(AccessError, match="has no token"):
        clients(by_token(tmp_path, "a", "# nothing"))
    with pytest.raises(AccessError, match="TOKEN_OF_A is not set"):
        clients({"name": "a", "token_environment": ["TOKEN_OF_A"]})
    with pytest.raises(AccessError, match="token file of 'a'"):
        clients({"name": "a", "token_files": [str(tmp_path / "missing")]})
    found = clients({"name": "a", "token_environment": ["TOKEN_OF_A"]}, environment={"TOKEN_OF_A": A})
    assert found.identify([], f"bearer {A}").name == "a"


def test_rights_and_quotas_of_a_caller() -> None:
    caller = Caller("a", ("Verify*",), frozenset({"fabric"}), Quota(calls=1))
    call = caller.enter("VerifyBundle")
    with pytest.raises(OverloadedError):
        caller.enter("VerifyBundle")
    call.leave()
    caller.enter("VerifyBundle").require_chain("fabric")
    with pytest.raises(DeniedError, match="'bif'"):
        call.require_chain("bif")
    with pytest.raises(DeniedError):
        caller.enter("HashBatch")
    with pytest.raises(ThrottledError):
        limited = Caller("a", quota=Quota(items_per_second=1), clock=Clock())
        limited.take(0, 5)
        limited.take(0, 1)


def test_proxies_are_not_asked_for_this_machine(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(None)
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask(server, None) == ""
    plain = grpc.insecure_channel(server.target)  # what happens otherwise, or the test would show nothing
    with pytest.raises(grpc.RpcError):
        plain.unary_unary(METHOD + "GetCapabilities")(b"", timeout=2)
    plain.close()


def test_metadata_up_to_its_bound_always_pass(serve: Serve) -> None:
    server = serve(None)
    with grpc.insecure_channel(server.target) as channel:
        call = channel.unary_unary(METHOD + "GetCapabilities")
        for size in (8 << 10, 12 << 10, 15 << 10):
            for _ in range(8):
                assert call(b"", metadata=(("x-trace", "a" * size),), timeout=PATIENCE)
