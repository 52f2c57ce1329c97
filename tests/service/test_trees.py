"""Growing trees, multiproofs, consistency and sparse proofs over the wire: as in process."""

from __future__ import annotations

import random
from typing import Any

import grpc
import pytest

import pycore
from pycore._pb.validation.v1 import column_pb2, merkle_pb2
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.service.server import Server

from .conftest import PATIENCE, RawCaller

N = 3000
LEAVES = [i.to_bytes(4, "big") for i in range(N)]


def test_built_trees_have_every_kind_of_proof(client: ValidationClient) -> None:
    local = pycore.MerkleTree(LEAVES[:100])
    built = client.build_merkle_tree(LEAVES[:100], [3], multiproof=[5, 99, 7], consistency_sizes=[1, 64, 100])
    assert built.root == local.root
    assert built.multiproof == local.multiproof([5, 7, 99])
    assert built.consistency_proofs == [local.consistency_proof(m) for m in (1, 64, 100)]
    client.verify_multiproof(
        built.root, [LEAVES[i] for i in (5, 99, 7)], built.multiproof, indices=[5, 99, 7], leaf_count=100
    )
    client.verify_consistency(pycore.merkle_root(LEAVES[:64]), built.root, built.consistency_proofs[1], m=64, n=100)
    chunks = [bytes([i]) * 32 for i in range(5)]
    limited = client.build_merkle_tree(chunks, [4], tree="ssz", limit=1 << 20)
    assert limited.root == pycore.merkle_root(chunks, tree="ssz", limit=1 << 20)
    found = client.verify_inclusion_batch(
        limited.root, chunks[4:], limited.proofs, index=[4], leaf_count=5, tree="ssz", limit=1 << 20
    )
    assert found.all_valid


@pytest.mark.parametrize("tree", list(pycore.TREES))
def test_trees_in_pieces(service: Server, tree: str) -> None:
    """Messages of a kibibyte, chunks of any size: the root and the proofs of the tree built at once."""
    leaves = LEAVES if tree == "rfc9162" else [pycore.hash("sha256", leaf) for leaf in LEAVES]
    local = pycore.MerkleTree(leaves, tree=tree)
    with ValidationClient(service.target, max_message_bytes=1024) as client:
        chunks = [leaves[:1], [], leaves[1:2000], leaves[2000:]]
        grown = client.append_merkle_tree(chunks, indices=[0, 2999, 1234], tree=tree)
        assert (grown.root, grown.leaf_count) == (local.root, N)
        assert grown.proofs == [local.proof(i) for i in (0, 2999, 1234)]
        assert client.merkle_root(leaves, tree=tree) == local.root


def test_trees_that_grow_from_call_to_call(client: ValidationClient) -> None:
    state: bytes = b""
    sizes: list[int] = []
    for stop in (1, 2, 100, 101, 1000):
        grown = client.append_merkle_tree(
            [LEAVES[len(sizes) and sizes[-1] : stop]], state=state, indices=[0] if not state else [],
            consistency_sizes=sizes, checkpoint=True,
        )  # fmt: skip
        local = pycore.MerkleTree(LEAVES[:stop])
        assert (grown.root, grown.leaf_count) == (local.root, stop)
        assert grown.consistency_proofs == [local.consistency_proof(m) for m in sizes]
        state = grown.state
        sizes.append(stop)
    unchanged = client.append_merkle_tree([], state=state, indices=[0])
    assert (unchanged.root, unchanged.proofs) == (local.root, [local.proof(0)])
    assert client.append_merkle_tree([]).root == pycore.merkle_root([])


def test_malformed_appends(client: ValidationClient, raw: RawCaller) -> None:
    state = client.append_merkle_tree([LEAVES[:5]]).state
    calls: list[tuple[dict[str, Any], str]] = [
        ({"state": b"x"}, "state"),
        ({"state": state, "hash": "sm3"}, "hash"),
        ({"state": state, "tree": "bitcoin"}, "tree"),
        ({"state": state, "limit": 5}, "limit"),
        ({"state": state, "hashed": True}, "hashed"),
        ({"state": state, "indices": [3]}, "i"),
        ({"consistency_sizes": [3]}, "m"),
        ({"indices": range(300)}, "indices"),
        ({"tree": "verkle"}, "tree"),
        ({"limit": 3}, "limit"),
        ({"tree": "bitcoin"}, "leaves[0]"),
    ]
    for options, field in calls:
        with pytest.raises(pycore.InputError) as caught:
            client.append_merkle_tree([LEAVES[:5]], **options)
        assert caught.value.field == field, options
    with pytest.raises(pycore.InputError):
        client.append_merkle_tree([LEAVES, "not a batch"])
    with pytest.raises(pycore.InputError):
        client.append_merkle_tree(iter([LEAVES, [b"a", 5]]))


def test_garbage_in_the_stream(service: Server) -> None:
    path = "/pycore.validation.v1.ValidationService/AppendMerkleTree"
    good = merkle_pb2.AppendMerkleTreeRequest(leaves=column_pb2.Column(rows=[b"a"])).SerializeToString()
    with grpc.insecure_channel(service.target) as channel:
        append = channel.stream_unary(path)
        answer = merkle_pb2.AppendMerkleTreeResponse.FromString(append(iter([good, good]), timeout=PATIENCE))
        assert answer.leaf_count == 2
        for messages in ([good, b"\xff\xff"], [], [good, b"\x4a\x02\x08"]):
            with pytest.raises(grpc.RpcError) as caught:
                append(iter(messages), timeout=PATIENCE)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_multiproofs_and_consistency_that_do_not_hold(client: ValidationClient) -> None:
    tree = pycore.MerkleTree(LEAVES[:9])
    proof = tree.multiproof([2, 8])
    for changed, verdict in [
        ({"leaf_count": 8}, "MALFORMED_PROOF"),
        ({"indices": [2, 2]}, "MALFORMED_PROOF"),
        ({"leaves": [LEAVES[2], LEAVES[7]]}, "BAD_PROOF"),
        ({"proof": proof[:-1]}, "MALFORMED_PROOF"),
        ({"proof": [proof[0][:-1], *proof[1:]]}, "MALFORMED_PROOF"),
    ]:
        call: dict[str, Any] = {
            "root": tree.root, "leaves": [LEAVES[2], LEAVES[8]], "proof": proof, "indices": [2, 8], "leaf_count": 9,
            **changed,
        }  # fmt: skip
        with pytest.raises(pycore.ProofError) as caught:
            client.verify_multiproof(**call)
        assert caught.value.verdict.name == verdict
    with pytest.raises(pycore.ProofError):
        client.verify_consistency(bytes(32), tree.root, tree.consistency_proof(5), m=5, n=9)
    with pytest.raises(pycore.InputError):
        client.verify_consistency(bytes(31), tree.root, tree.consistency_proof(5), m=5, n=9)


def test_sparse_proofs(service: Server, rng: random.Random) -> None:
    keys = [rng.randbytes(32) for _ in range(300)]
    tree = pycore.SparseMerkleTree()
    tree.update(keys[:200], keys[:200])
    values = [*keys[:200], *[None] * 100]
    proofs = [bytes(proof) for proof in tree.proofs(keys)]
    proofs[7] = proofs[7][:-1]
    values[150] = b"?"
    values[210] = b"there"
    expected = pycore.verify_sparse_batch(tree.root, keys, values, proofs)
    assert int(expected.valid.sum()) == 297
    with ValidationClient(service.target, max_message_bytes=4096) as client:
        assert client.verify_sparse_batch(tree.root, keys, values, proofs) == expected
        assert client.verify_sparse_batch([tree.root] * 300, keys, values, proofs) == expected
        assert client.verify_sparse_batch(tree.root, keys[211:], None, proofs[211:]).all_valid
        assert client.verify_sparse_batch(tree.root, keys[:5], keys[:5], proofs[:5]).all_valid
        client.verify_sparse(tree.root, keys[0], keys[0], proofs[0])
        with pytest.raises(pycore.ProofError):
            client.verify_sparse(tree.root, keys[0], None, proofs[0])
        with pytest.raises(pycore.InputError):
            client.verify_sparse(tree.root, keys[0][1:], None, proofs[0])


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server) -> None:
    local = pycore.MerkleTree(LEAVES)
    sparse = pycore.SparseMerkleTree()
    sparse.update([bytes(32)], [b"v"])

    async def produced() -> Any:
        yield LEAVES[:1000]
        yield LEAVES[1000:]

    async with AsyncValidationClient(service.target, max_message_bytes=1024) as client:
        for chunks in (produced(), [LEAVES[:7], LEAVES[7:]]):
            grown = await client.append_merkle_tree(chunks, indices=[2])
            assert (grown.root, grown.proofs) == (local.root, [local.proof(2)])
        await client.verify_multiproof(local.root, [LEAVES[0]], local.multiproof([0]), indices=[0], leaf_count=N)
        old = pycore.merkle_root(LEAVES[:5])
        await client.verify_consistency(old, local.root, local.consistency_proof(5), m=5, n=N)
        await client.verify_sparse(sparse.root, bytes(32), b"v", sparse.proof(bytes(32)))
        with pytest.raises(pycore.InputError):
            await client.append_merkle_tree([LEAVES, [5]])


def test_a_service_that_is_not_there() -> None:
    with ValidationClient("127.0.0.1:1", timeout=PATIENCE) as client, pytest.raises(ServiceError):
        client.append_merkle_tree([LEAVES])
