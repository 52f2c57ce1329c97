"""Both clients have every call, from one table, and show it as a method of their own kind."""

from __future__ import annotations

import inspect
import pydoc

import numpy as np
import pytest

import pycore
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.service.server import Server

CALLS = [
    "append_merkle_tree", "build_merkle_tree", "capabilities", "hash", "hash_batch", "merkle_root", "validate_block",
    "verify", "verify_batch", "verify_consistency", "verify_inclusion", "verify_inclusion_batch", "verify_multiproof",
    "verify_sparse", "verify_sparse_batch", "verify_stream", "verify_trie", "verify_trie_batch",
]  # fmt: skip
REST = ["close", "health", "wait_until_ready"]


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
    if name == "verify_stream":
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
