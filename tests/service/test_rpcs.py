"""Every call over loopback gives what the call in process gives."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import ledgers, testing
from pycore.client import AsyncValidationClient, ValidationClient
from pycore.service.server import Server

from .conftest import PATIENCE

HASHES = sorted(pycore.HASHES)
SCHEMES = sorted(pycore.SCHEMES)
MESSAGES = [b"", b"a", bytes(1000), b"abc" * 50]
N = 12


def signed(scheme: str, **options: Any) -> tuple[Any, Any, Any]:
    """N signatures, every third one broken in its own way."""
    keys, signatures, messages = testing.generate_signatures(scheme, N, signers=5, message_size=40, seed=7, **options)
    signatures, keys = signatures.copy(), keys.copy()
    signatures[2, 40] ^= 1
    signatures[5] = 0
    keys[8, 3] ^= 0x55
    signatures[11, 32:] = 0xFF
    return keys, signatures, messages


@pytest.mark.parametrize("scheme", SCHEMES)
def test_verify_batch_under_every_rule_set(client: ValidationClient, scheme: str) -> None:
    for rules in [None, *(row.name for row in pycore.SCHEMES[scheme].rules)]:
        batch = signed(scheme, rules=rules)
        expected = pycore.verify_batch(scheme, *batch, rules=rules)
        assert 0 < int(expected.valid.sum()) < N
        assert client.verify_batch(scheme, *batch, rules=rules) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_forms_of_a_batch_do_not_matter(client: ValidationClient, scheme: str) -> None:
    keys, signatures, messages = signed(scheme)
    expected = pycore.verify_batch(scheme, keys, signatures, messages)
    as_lists = tuple([row.tobytes() for row in column] for column in (keys, signatures, messages))
    reversed_twice = tuple(column[::-1].copy()[::-1] for column in (keys, signatures, messages))
    assert client.verify_batch(scheme, *as_lists) == expected
    assert client.verify_batch(scheme, *reversed_twice) == expected
    assert client.verify_batch(scheme, keys, signatures.tobytes(), messages.tobytes(), width=40) == expected


@pytest.mark.parametrize("scheme", ["ecdsa-p256", "ecdsa-secp256k1"])
@pytest.mark.parametrize("hash_name", [name for name in HASHES if pycore.HASHES[name].digest_size == 32])
def test_ecdsa_with_every_hash(client: ValidationClient, scheme: str, hash_name: str) -> None:
    batch = signed(scheme, hash=hash_name)
    expected = pycore.verify_batch(scheme, *batch, hash=hash_name)
    assert expected.valid.any()
    assert client.verify_batch(scheme, *batch, hash=hash_name) == expected
    digests = pycore.hash_batch(hash_name, batch[2])
    assert client.verify_batch(scheme, batch[0], batch[1], digests, prehashed=True) == expected


def der(signature: bytes, tail: bytes = b"") -> bytes:
    def integer(part: bytes) -> bytes:
        body = part.lstrip(b"\0") or b"\0"
        body = b"\0" + body if body[0] > 127 else body
        return bytes([2, len(body)]) + body

    content = integer(signature[:32]) + integer(signature[32:])
    return bytes([0x30, len(content)]) + content + tail


@pytest.mark.parametrize("scheme", ["ecdsa-p256", "ecdsa-secp256k1", "sm2"])
def test_der_and_its_rules(client: ValidationClient, scheme: str) -> None:
    keys, signatures, messages = signed(scheme)
    encoded = [der(row.tobytes(), b"\x00" if i % 2 else b"") for i, row in enumerate(signatures)]
    encoded[0] = bytes([0x30, encoded[0][1] + 1]) + encoded[0][2:] + b"\x00"
    results = []
    for der_rules in ("strict", "trailing", "go"):
        expected = pycore.verify_batch(scheme, keys, encoded, messages, encoding="der", der_rules=der_rules)
        assert client.verify_batch(scheme, keys, encoded, messages, encoding="der", der_rules=der_rules) == expected
        results.append(int(expected.valid.sum()))
    assert results[0] < results[1] < results[2]


@pytest.mark.parametrize("user_id", [b"1234567812345678", b"", b"ALICE123@YAHOO.COM", None])
def test_sm2_identities_are_kept_apart(client: ValidationClient, user_id: bytes | None) -> None:
    batch = signed("sm2", user_id=user_id)
    for checked in (b"1234567812345678", b"", b"ALICE123@YAHOO.COM", None):
        expected = pycore.verify_batch("sm2", *batch, user_id=checked)
        assert expected.valid.any() == (checked == user_id)
        assert client.verify_batch("sm2", *batch, user_id=checked) == expected


def test_sm2_messages_that_are_numbers(client: ValidationClient) -> None:
    keys, signatures, messages = testing.generate_signatures("sm2", 6, seed=6, user_id=None)
    digests = [bytes(one) for one in pycore.hash_batch("sm3", list(messages))]
    order = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
    longer = [(int.from_bytes(one, "big") + order * 2**500).to_bytes(100, "big") for one in digests]
    for form in (digests, longer):
        assert client.verify_batch("sm2", keys, signatures, form, hash="none").all_valid
    assert not client.verify_batch("sm2", keys, signatures, messages, hash="none").valid.any()


def test_verify_of_one(client: ValidationClient) -> None:
    keys, signatures, messages = (column[0].tobytes() for column in signed("ed25519"))
    client.verify("ed25519", keys, signatures, messages)
    with pytest.raises(pycore.InvalidSignature) as caught:
        client.verify("ed25519", keys, signatures, messages + b"!")
    assert caught.value.verdict is pycore.Verdict.BAD_SIGNATURE


def test_empty_batches(client: ValidationClient) -> None:
    assert len(client.verify_batch("ed25519", [], [], [])) == 0
    assert client.hash_batch("sha512", []).shape == (0, 64)
    assert client.merkle_root([]) == pycore.merkle_root([])
    assert len(client.verify_inclusion_batch(bytes(32), [], [], index=[], leaf_count=5)) == 0
    assert list(client.verify_stream("ed25519", [])) == []
    assert [len(one) for one in client.verify_stream("ed25519", [([], [], [])] * 2)] == [0, 0]


# ---- hashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HASHES)
def test_hash_batch(client: ValidationClient, name: str) -> None:
    expected = pycore.hash_batch(name, MESSAGES)
    assert np.array_equal(client.hash_batch(name, MESSAGES), expected)
    assert client.hash(name, MESSAGES[3]) == expected[3].tobytes()
    wide = np.arange(4096, dtype=np.uint64).astype(np.uint8).reshape(64, 64)
    assert np.array_equal(client.hash_batch(name, wide[::3]), pycore.hash_batch(name, wide[::3]))


def test_large_batches_are_sent_in_pieces(service: Server) -> None:
    rng = np.random.default_rng(3)
    messages = [rng.bytes(int(size)) for size in rng.integers(0, 300, 500)]
    batch = signed("ed25519")
    many = tuple(np.tile(column, (40, 1)) for column in batch)
    with ValidationClient(service.target, max_message_bytes=4096) as small:
        assert np.array_equal(small.hash_batch("sm3", messages), pycore.hash_batch("sm3", messages))
        assert small.verify_batch("ed25519", *many) == pycore.verify_batch("ed25519", *many)
        streamed = list(small.verify_stream("ed25519", [many, batch, many]))
        assert streamed == [pycore.verify_batch("ed25519", *one) for one in (many, batch, many)]
        tree = pycore.MerkleTree(messages)
        indices = list(range(0, 500, 3))
        leaves = [messages[i] for i in indices]
        verdicts = small.verify_inclusion_batch(tree.root, leaves, tree.proofs(indices), index=indices, leaf_count=500)
        assert verdicts.all_valid


def test_a_single_row_above_the_message_size_is_sent_whole(service: Server) -> None:
    with ValidationClient(service.target, max_message_bytes=1024) as small:
        assert small.hash("sha256", bytes(100_000)) == pycore.hash("sha256", bytes(100_000))


# ---- streams ---------------------------------------------------------------------------------------------------------


def test_stream_answers_in_order(client: ValidationClient) -> None:
    batch = signed("ed25519")
    batches = [tuple(np.roll(column, i, axis=0) for column in batch)[:3] for i in range(20)]
    expected = [pycore.verify_batch("ed25519", *one) for one in batches]
    assert list(client.verify_stream("ed25519", iter(batches))) == expected
    assert len({tuple(one.codes.tolist()) for one in expected}) > 5


def test_a_stream_can_be_left_early(client: ValidationClient) -> None:
    batch = signed("ed25519")

    def endless() -> Iterator[Any]:
        while True:
            yield batch

    stream = client.verify_stream("ed25519", endless())
    assert next(stream) == next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert client.hash("sha256", b"") == pycore.hash("sha256", b"")


def test_a_malformed_batch_of_a_stream_raises_behind_the_answers_before_it(client: ValidationClient) -> None:
    batch = signed("ed25519")
    stream = client.verify_stream("ed25519", [batch, (batch[0], batch[1][:3], batch[2])])
    assert next(stream) == pycore.verify_batch("ed25519", *batch)
    with pytest.raises(pycore.LengthError) as caught:
        next(stream)
    assert caught.value.field == "signatures"


# ---- Merkle trees ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tree", sorted(pycore.TREES))
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 33])
def test_merkle_trees(client: ValidationClient, tree: str, n: int) -> None:
    leaves = pycore.hash_batch("sha256", [bytes([i]) for i in range(n)])
    local = pycore.MerkleTree(leaves, tree=tree)
    indices = [*range(n), 0]
    built = client.build_merkle_tree(leaves, indices, tree=tree)
    assert (built.root, built.leaf_count, built.mutated) == (local.root, n, local.mutated)
    assert list(built.proofs) == list(local.proofs(indices))
    assert client.merkle_root(leaves, tree=tree, hash="sm3") == pycore.merkle_root(leaves, tree=tree, hash="sm3")
    arguments = {"index": indices, "leaf_count": n, "tree": tree}
    rows = [leaves[i].tobytes() for i in indices]
    rows[-1] = bytes(32)
    remote = client.verify_inclusion_batch(built.root, rows, built.proofs, **arguments)
    assert remote == pycore.verify_inclusion_batch(local.root, rows, local.proofs(indices), **arguments)
    assert remote.codes.tolist() == [1] * n + [int(pycore.Verdict.BAD_PROOF)]


def test_inclusion_with_roots_and_counts_of_their_own(client: ValidationClient) -> None:
    trees = [pycore.MerkleTree([bytes([i, j]) for j in range(i + 1)]) for i in range(9)]
    arguments: dict[str, Any] = {"index": np.arange(9), "leaf_count": np.arange(1, 10)}
    roots = [tree.root for tree in trees]
    leaves = [bytes([i, i]) for i in range(9)]
    proofs = [tree.proof(i) for i, tree in enumerate(trees)]
    assert client.verify_inclusion_batch(roots, leaves, proofs, **arguments).all_valid
    arguments["leaf_count"] = np.arange(9)
    expected = pycore.verify_inclusion_batch(roots, leaves, proofs, **arguments)
    assert client.verify_inclusion_batch(roots, leaves, proofs, **arguments) == expected
    assert not expected.valid.any()


def test_verify_inclusion_of_one(client: ValidationClient) -> None:
    tree = pycore.MerkleTree([b"a", b"b", b"c"])
    client.verify_inclusion(tree.root, b"b", tree.proof(1), index=1, leaf_count=3)
    with pytest.raises(pycore.ProofError) as caught:
        client.verify_inclusion(tree.root, b"b", tree.proof(1), index=3, leaf_count=3)
    assert caught.value.verdict is pycore.Verdict.MALFORMED_PROOF


def test_mutated_bitcoin_trees_are_told(client: ValidationClient) -> None:
    leaf = bytes(32)
    assert client.build_merkle_tree([leaf, leaf], tree="bitcoin").mutated


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ledger() -> testing.GeneratedLedger:
    return testing.generate_ledger("chainmaker", blocks=2, txs_per_block=20, suite="p256", seed=5, invalid_every=7)


def without_timings(report: Any) -> dict[str, Any]:
    shown: dict[str, Any] = report.to_dict()
    assert shown.pop("timings").keys() >= set()
    return shown


def test_validate_block(client: ValidationClient, ledger: testing.GeneratedLedger) -> None:
    chain = ledgers.get("chainmaker")
    seen_faults = 0
    for block, context in blocks_of(ledger):
        local = chain.validate_block(block, context)
        seen_faults += len(local.faults)
        for form in (context, context.to_json(), context.to_dict(), context.to_json().encode()):
            assert without_timings(client.validate_block("chainmaker", block, form)) == without_timings(local)
        assert client.validate_block("chainmaker", block).complete is False
        remote = client.validate_block("chainmaker", block, context)
        assert remote.timings.keys() == local.timings.keys()
    assert seen_faults > 0


def blocks_of(ledger: testing.GeneratedLedger) -> Iterator[tuple[bytes, Any]]:
    for position in range(len(ledger.blocks)):
        yield ledger.blocks[position], ledger.context_for(position)


# ---- capabilities, health, the clients themselves --------------------------------------------------------------------


def test_capabilities(client: ValidationClient, service: Server) -> None:
    found, local = client.capabilities(), pycore.capabilities()
    assert found.chains == ledgers.names()
    assert found.limits.max_message_bytes == service.config.max_message_bytes
    assert found.algorithms == local.algorithms
    same = (
        "version",
        "cpu_features",
        "backends",
        "active",
        "active_single",
        "why",
        "why_single",
        "compiler",
        "schemes",
    )
    for name in (*same, "hashes", "threads"):
        assert getattr(found, name) == getattr(local, name), name
    assert found.key_cache.memory_limit == local.key_cache.memory_limit
    shown = found.to_dict()
    assert shown.keys() >= local.to_dict().keys()
    assert [tree["name"] for tree in shown["trees"]] == list(pycore.TREES)


def test_health(client: ValidationClient) -> None:
    assert client.health()
    assert client.health("pycore.validation.v1.ValidationService")
    with pytest.raises(Exception, match="NOT_FOUND"):
        client.health("another.Service")


def test_the_asyncio_client_has_the_same_calls() -> None:
    def calls(kind: type) -> dict[str, list[tuple[str, Any]]]:
        return {
            name: [(one.name, one.default) for one in inspect.signature(member).parameters.values()]
            for name, member in vars(kind).items()
            if callable(member) and not name.startswith("_")
        }

    assert calls(ValidationClient) == calls(AsyncValidationClient)
    in_process = inspect.signature(pycore.verify_inclusion_batch).parameters
    assert list(inspect.signature(ValidationClient.verify_inclusion_batch).parameters)[1:] == list(in_process)


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server, ledger: testing.GeneratedLedger) -> None:
    batch = signed("ecdsa-p256")
    expected = pycore.verify_batch("ecdsa-p256", *batch)
    async with AsyncValidationClient(service.target, max_message_bytes=1024) as client:
        await client.wait_until_ready(PATIENCE)
        assert await client.health()
        assert await client.verify_batch("ecdsa-p256", *batch) == expected
        await client.verify("ecdsa-p256", *(column[0].tobytes() for column in batch))
        with pytest.raises(pycore.InvalidSignature):
            await client.verify("ecdsa-p256", *(column[2].tobytes() for column in batch))
        assert [one async for one in client.verify_stream("ecdsa-p256", [batch] * 3)] == [expected] * 3

        async def produced() -> Any:
            for _ in range(2):
                yield batch

        assert [one async for one in client.verify_stream("ecdsa-p256", produced())] == [expected] * 2
        assert np.array_equal(await client.hash_batch("sm3", MESSAGES * 30), pycore.hash_batch("sm3", MESSAGES * 30))
        assert await client.hash("sm3", b"abc") == pycore.hash("sm3", b"abc")
        tree = await client.build_merkle_tree(MESSAGES, [1])
        assert (tree.root, await client.merkle_root(MESSAGES)) == (pycore.merkle_root(MESSAGES),) * 2
        verdicts = await client.verify_inclusion_batch(tree.root, [b"a"], tree.proofs, index=[1], leaf_count=4)
        assert verdicts.all_valid
        block, context = next(blocks_of(ledger))
        local = ledgers.get("chainmaker").validate_block(block, context)
        assert without_timings(await client.validate_block("chainmaker", block, context)) == without_timings(local)
        assert (await client.capabilities()).algorithms == pycore.capabilities().algorithms
