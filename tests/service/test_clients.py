"""Both clients have every call, from one table, and show it as a method of their kind."""

from __future__ import annotations

import inspect
import pydoc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

import pycore
from pycore import testing
from pycore.base.deadline import Budget, ExpiredError
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.wire.columns import to_verdicts
from pycore.wire.schema import signature_pb2

CALLS = [
    "advance_trust", "append_merkle_tree", "build_merkle_tree", "capabilities", "hash", "hash_batch", "light_verify",
    "merkle_root", "validate_block", "validate_blocks", "verify", "verify_batch", "verify_bundle", "verify_commit",
    "verify_commits", "verify_consistency", "verify_ics23", "verify_inclusion", "verify_inclusion_batch",
    "verify_multiproof", "verify_sparse", "verify_sparse_batch", "verify_stream", "verify_trie", "verify_trie_batch",
    "verify_votes",
]  # fmt: skip
REST = ["close", "health", "timeout", "using", "wait_until_ready"]


def public(client: type) -> list[str]:
    return sorted(name for name in dir(client) if not name.startswith("_"))


def test_both_have_the_same_calls() -> None:
    assert public(ValidationClient) == public(AsyncValidationClient) == sorted(CALLS + REST)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_a_method_of_the_clients_kind(name: str) -> None:
    blocking, awaiting = getattr(ValidationClient, name), getattr(AsyncValidationClient, name)
    assert inspect.signature(blocking) == inspect.signature(awaiting)
    assert next(iter(inspect.signature(blocking).parameters)) == "self"
    assert not str(inspect.signature(blocking).return_annotation).startswith(("Plan", "Feed"))
    assert blocking.__doc__
    assert blocking.__doc__ == awaiting.__doc__
    if name in ("verify_stream", "validate_blocks", "verify_commits", "verify_votes"):
        assert inspect.isgeneratorfunction(blocking)
        assert inspect.isasyncgenfunction(awaiting)
    else:
        assert not inspect.iscoroutinefunction(blocking)
        assert inspect.iscoroutinefunction(awaiting)
    assert f" {name}(" in pydoc.render_doc(ValidationClient, renderer=pydoc.plaintext)


def test_calls_can_be_taken_from_the_class_and_from_the_client(client: ValidationClient) -> None:
    assert ValidationClient.hash(client, "sha256", b"abc") == client.hash("sha256", b"abc")
    held = client.hash_batch
    assert np.array_equal(held("sm3", [b"a"]), pycore.hash_batch("sm3", [b"a"]))


@pytest.mark.asyncio
async def test_readiness_of_what_is_not_there() -> None:
    async with AsyncValidationClient("127.0.0.1:1") as client:
        with pytest.raises(ServiceError, match="was not ready within"):
            await client.wait_until_ready(0.3)


@pytest.mark.asyncio
async def test_streams_of_either_kind_of_iterable(service: Server) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        yield [b"a"]
        yield [b"b", b"c"]

    async with AsyncValidationClient(service.target) as client:
        one = await client.append_merkle_tree(chunks())
        other = await client.append_merkle_tree([[b"a"], [b"b", b"c"]])
    assert one.root == other.root == pycore.merkle_root([b"a", b"b", b"c"])


def test_a_large_batch_ends_at_the_first_part_that_is_refused() -> None:
    """A service that takes smaller messages than the client sends: the rest of the batch is not sent for nothing."""
    small = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_batch_items=10)
    keys, signatures, messages = testing.generate_signatures("ed25519", 100, seed=3)
    with background(small) as server:
        with ValidationClient(server.target, max_batch_items=20) as client, pytest.raises(pycore.LengthError):
            client.verify_batch("ed25519", keys, signatures, messages)
        with ValidationClient(server.target, max_batch_items=10) as client:
            assert client.verify_batch("ed25519", keys, signatures, messages).all_valid


class _Hasty(grpc.GenericRpcHandler):
    """A service that answers a stream's first request and calls it a day."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def first(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
            numbers = [next(requests), next(requests)]  # read, so that the client has noted both
            assert len(numbers) == 2
            yield signature_pb2.VerifySignatureStreamResponse(
                id=1, verdicts=to_verdicts(pycore.Verdicts(bytes([1])))
            ).SerializeToString()

        return grpc.stream_stream_rpc_method_handler(first)


def test_too_few_answers_are_no_verdicts() -> None:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Hasty()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        batch = ([bytes(32)], [bytes(64)], [b""])
        with ValidationClient(f"127.0.0.1:{port}", max_batch_items=1) as client:
            with pytest.raises(ServiceError, match="ended the stream before the last answer"):
                client.verify_batch("ed25519", *(column * 3 for column in batch))
            stream = client.verify_stream("ed25519", [batch, batch])
            assert next(stream).all_valid
            with pytest.raises(ServiceError, match="ended the stream before the last answer"):
                next(stream)
    finally:
        server.stop(None)


def test_options_that_change_are_read_again(client: ValidationClient) -> None:
    """A user id in a buffer is not remembered as it was."""
    user_id = bytearray(b"alice")
    batch = testing.generate_signatures("sm2", 2, seed=3, user_id=b"alice")
    for given in (user_id, memoryview(user_id).toreadonly()):
        user_id[:] = b"alice"
        assert client.verify_batch("sm2", *batch, user_id=given).all_valid
        user_id[:] = b"malli"
        assert not client.verify_batch("sm2", *batch, user_id=given).valid.any()
    with pytest.raises(pycore.InputError, match="rules"):
        client.verify_batch("sm2", *batch, rules=["low-s"])  # type: ignore[arg-type]
    with pytest.raises(pycore.InputError, match="prehashed"):
        client.verify_batch("sm2", *batch, prehashed=1)  # type: ignore[arg-type]


class _Wrong(grpc.GenericRpcHandler):
    """A service that answers with so many verdicts, whatever the batch."""

    def __init__(self, count: int, number: int = 1) -> None:
        self._verdicts = to_verdicts(pycore.Verdicts(bytes([1] * count)))
        self._number = number

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def unary(_: bytes, __: grpc.ServicerContext) -> bytes:
            return signature_pb2.VerifySignaturesResponse(verdicts=self._verdicts).SerializeToString()

        def streamed(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
            for number, _raw in enumerate(requests, self._number):
                answer = signature_pb2.VerifySignatureStreamResponse(id=number, verdicts=self._verdicts)
                yield answer.SerializeToString()

        if str(details.method).endswith("Stream"):
            return grpc.stream_stream_rpc_method_handler(streamed)
        return grpc.unary_unary_rpc_method_handler(unary)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_verdicts_is_taken_for_none(count: int) -> None:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Wrong(count)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    batch = ([bytes(32)] * 2, [bytes(64)] * 2, [b""] * 2)
    try:
        with ValidationClient(f"127.0.0.1:{port}") as client:
            with pytest.raises(ServiceError, match=f"{count} verdicts for 2 items"):
                client.verify_batch("ed25519", *batch)
            with pytest.raises(ServiceError, match=f"{count} verdicts for 2 items"):
                list(client.verify_stream("ed25519", [batch]))
    finally:
        server.stop(None)


def test_answers_to_other_batches_are_not_taken() -> None:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Wrong(1, number=2)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with ValidationClient(f"127.0.0.1:{port}") as client, pytest.raises(ServiceError, match="in the place of 1"):
            list(client.verify_stream("ed25519", [([bytes(32)], [bytes(64)], [b""])]))
    finally:
        server.stop(None)


async def test_a_budget_around_a_call_is_its_deadline(service: Server) -> None:
    """Work that has little time left leaves no more of it to the service."""
    with ValidationClient(service.target) as client:
        with Budget(deadline=time.monotonic() + 1000):
            assert client._time_for() == 60.0
            assert 900 < (client._time_for(None) or 0) <= 1000
            assert 900 < (client.using(timeout=None)._time_for() or 0) <= 1000
        with Budget(deadline=time.monotonic() + 5):
            assert 0 < (client._time_for() or 0) <= 5
            assert client.hash("sm3", b"abc") == pycore.hash("sm3", b"abc")
        with Budget(deadline=time.monotonic()), pytest.raises(ExpiredError):
            client.hash("sm3", b"abc")
    async with AsyncValidationClient(service.target) as other:
        with Budget(deadline=time.monotonic()), pytest.raises(ExpiredError):
            await other.hash("sm3", b"abc")
