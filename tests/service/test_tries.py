"""VerifyTrie over a real server, both clients, against the library's own answers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from oracle import trie as oracle

import pycore
from pycore._pb.validation.v1 import column_pb2, merkle_pb2
from pycore.client import AsyncValidationClient, ValidationClient
from pycore.client.requests import Budget
from pycore.client.requests_tries import _plan
from pycore.merkle import patricia
from pycore.service.server import Server
from pycore.wire import columns as wire

from .conftest import u64

pytestmark = pytest.mark.network


def keccak(data: bytes) -> bytes:
    return pycore.hash("keccak256", data)


def batch(rng: random.Random, n: int) -> tuple[bytes, list[bytes], list[list[bytes]]]:
    """A trie, keys with and without a value in it, and their proofs."""
    keys = [rng.randbytes(20) for _ in range(n)]
    items = {keccak(key): rng.randbytes(rng.choice([1, 3, 40, 110])) for key in keys[: 2 * n // 3]}
    root, seen = oracle.build(items, keccak)
    return root, keys, [oracle.proof(root, seen, keccak(key)) for key in keys]


@pytest.fixture
def spoilt(rng: random.Random) -> tuple[bytes, list[bytes], list[list[bytes]]]:
    """A batch with proofs of all verdicts."""
    root, keys, proofs = batch(rng, 150)
    proofs[3] = proofs[3][:-1]
    proofs[4] = [*proofs[4], b"\x80"]
    proofs[5] = [proofs[5][0], *proofs[5][2:]]
    proofs[6] = []
    proofs[120] = [proofs[120][0][:-1] + b"\x01", *proofs[120][1:]]
    return root, keys, proofs


def test_batches(service: Server, spoilt: tuple[bytes, list[bytes], list[list[bytes]]]) -> None:
    root, keys, proofs = spoilt
    expected = patricia.verify_trie_batch(root, keys, proofs, hashed=True)
    assert {verdict.name for verdict in expected.verdicts} == {"VALID", "BAD_PROOF", "MALFORMED_PROOF"}
    assert None in expected.values
    for size in (1 << 20, 4096, 1200):  # one message, and several
        with ValidationClient(service.target, max_message_bytes=size) as client:
            found = client.verify_trie_batch(root, keys, proofs, hashed=True)
            assert found.verdicts == expected.verdicts
            assert found.values == expected.values
            found = client.verify_trie_batch([root] * len(keys), [keccak(key) for key in keys], proofs)
            assert found.values == expected.values
    with ValidationClient(service.target) as client:
        assert client.verify_trie(root, keys[0], proofs[0], hashed=True) == expected.values[0]
        assert client.verify_trie(root, keys[-1], proofs[-1], hashed=True) is None
        with pytest.raises(pycore.ProofError, match="MALFORMED_PROOF"):
            client.verify_trie(root, keys[6], proofs[6], hashed=True)
        assert client.verify_trie_batch(root, [], []).values == []


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server, spoilt: tuple[bytes, list[bytes], list[list[bytes]]]) -> None:
    root, keys, proofs = spoilt
    expected = patricia.verify_trie_batch(root, keys, proofs, hashed=True)
    async with AsyncValidationClient(service.target, max_message_bytes=4096) as client:
        found = await client.verify_trie_batch(root, keys, proofs, hashed=True)
        assert (found.verdicts, found.values) == (expected.verdicts, expected.values)
        assert await client.verify_trie(root, keys[0], proofs[0], hashed=True) == expected.values[0]
        with pytest.raises(pycore.ProofError):
            await client.verify_trie(bytes(32), keys[0], proofs[0], hashed=True)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda client: client.verify_trie_batch(bytes(31), [b"k"], [[b"n"]]), "root"),
        (lambda client: client.verify_trie_batch([bytes(32)] * 2, [b"k"], [[b"n"]]), "root"),
        (lambda client: client.verify_trie_batch(bytes(32), [b"k"], []), "proofs"),
        (lambda client: client.verify_trie_batch(bytes(32), [b"k"], b"n"), "proofs"),
        (lambda client: client.verify_trie_batch(bytes(32), [b"k"], [b"n"]), "proofs[0]"),
    ],
)
def test_malformed_calls(service: Server, call: Callable[[Any], Any], field: str) -> None:
    with ValidationClient(service.target) as client, pytest.raises(pycore.InputError) as caught:
        call(client)
    assert caught.value.field == field


def test_node_counts_are_checked(service: Server) -> None:
    column = column_pb2.Column(rows=[b"ab", b"c", b"d"])
    root = column_pb2.Column(rows=[bytes(32)])
    with grpc.insecure_channel(service.target) as channel:
        for counts in ([], [1, 1], [1, 1, 2], [2**64 - 1, 1, 3], [1, 1, 1, 0]):
            request = merkle_pb2.VerifyTrieRequest(root=root, keys=column, nodes=column, node_counts=u64(*counts))
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary("/pycore.validation.v1.ValidationService/VerifyTrie")(request.SerializeToString())
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "node_counts" in caught.value.details()


def test_pieces_keep_to_the_budget(rng: random.Random) -> None:
    """No message has more keys, nodes or bytes than it may, unless one proof has; together they are the batch."""
    keys = [rng.randbytes(rng.randrange(40)) for _ in range(60)]
    proofs = [[rng.randbytes(rng.randrange(60)) for _ in range(rng.randrange(5))] for _ in range(60)]
    for items, nbytes in ((1, 1), (3, 10_000), (100, 150), (7, 300)):
        told: list[list[bytes]] = []
        asked: list[bytes] = []
        for raw in _plan(Budget(items, nbytes), bytes(32), keys, proofs).requests:
            request = merkle_pb2.VerifyTrieRequest.FromString(raw)
            rows = list(wire.received_column(request.keys, "keys"))
            nodes = list(wire.received_column(request.nodes, "nodes"))
            ends = np.cumsum(np.frombuffer(request.node_counts, "<u8")).astype(int).tolist()
            told += [nodes[a:b] for a, b in zip([0, *ends], ends, strict=False)]
            asked += rows
            if len(rows) > 1:
                assert len(rows) <= items
                assert len(nodes) <= items
                assert sum(map(len, [*rows, *nodes])) <= nbytes
        assert asked == keys
        assert told == proofs
