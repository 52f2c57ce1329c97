"""Sparse Merkle trees against a recursive model: roots, proofs byte by byte, forgeries, hostile keys."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import sparse as oracle

import pycore
from pycore import SparseMerkleTree, Verdict, verify_sparse, verify_sparse_batch

A, B = b"a" * 32, b"b" * 32


def h(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def near(key: bytes, shared: int) -> bytes:
    """The key with bit `shared` turned over: the first `shared` bits are common."""
    at = bytearray(key)
    at[shared >> 3] ^= 128 >> (shared & 7)
    return bytes(at)


def some_keys(rng: random.Random, n: int) -> list[bytes]:
    """Random keys and keys that part late, also at the last bit."""
    keys = {rng.randbytes(32) for _ in range(n)}
    for key in list(keys)[: n // 3]:
        keys.add(near(key, rng.choice([1, 7, 8, 63, 64, 200, 254, 255])))
    return sorted(keys)


def check_all(tree: SparseMerkleTree, model: dict[bytes, bytes], others: list[bytes]) -> None:
    assert (tree.root, len(tree)) == (oracle.root(model, h), len(model))
    asked = [*model, *others]
    proofs = tree.proofs(asked)
    for key, proof in zip(asked, proofs, strict=True):
        assert proof == oracle.proof(model, key, h)
        verify_sparse(tree.root, key, model.get(key), proof)
        assert (key in tree) == (key in model)
        assert tree.value_hash(key) == (h(model[key]) if key in model else None)
    found = verify_sparse_batch(tree.root, asked, [model.get(key) for key in asked], proofs)
    assert found.all_valid


def test_empty() -> None:
    tree = SparseMerkleTree()
    assert (tree.root, len(tree), tree.hash) == (bytes(32), 0, "sha256")
    assert tree.proof(A) == b"\0\0\0"
    verify_sparse(tree.root, A, None, tree.proof(A))
    tree.update([], [])
    tree.delete([A])
    assert tree.root == bytes(32)
    assert tree.proofs([]).n == 0
    assert len(verify_sparse_batch(tree.root, [], None, [])) == 0


def test_grows_and_shrinks(backend: str, rng: random.Random) -> None:
    """Batches of puts and removals, new and old keys mixed, until nothing is left; every state is checked whole."""
    tree, model = SparseMerkleTree(), dict[bytes, bytes]()
    keys = some_keys(rng, 40)
    for _ in range(12):
        batch: dict[bytes, bytes | None] = {}
        for key in rng.sample(keys, rng.randrange(1, 30)):
            batch[key] = None if rng.random() < 0.45 else rng.randbytes(rng.randrange(50))
        order = rng.sample(list(batch), len(batch))
        tree.update(order, [batch[key] for key in order])
        for key, value in batch.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        check_all(tree, model, [*rng.sample(keys, 10), rng.randbytes(32), near(keys[0], 255)])
    tree.delete(keys)
    assert (tree.root, len(tree)) == (bytes(32), 0)
    tree.update([A], [b""])
    check_all(tree, {A: b""}, [B])


def test_order_and_batches_change_nothing(rng: random.Random) -> None:
    keys = some_keys(rng, 300)
    values = [rng.randbytes(8) for _ in keys]
    whole, pieces, detour = SparseMerkleTree(), SparseMerkleTree(), SparseMerkleTree()
    whole.update(np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32), values, threads=3)
    order = rng.sample(range(len(keys)), len(keys))
    for start in range(0, len(order), 37):
        part = order[start : start + 37]
        pieces.update([keys[i] for i in part], [values[i] for i in part])
    extra = [rng.randbytes(32) for _ in range(500)]
    detour.update([*keys, *extra], [*values, *extra])
    detour.delete(extra)
    assert whole.root == pieces.root == detour.root == oracle.root(dict(zip(keys, values, strict=True)), h)
    assert list(whole.proofs(keys)) == list(detour.proofs(keys))
    hashed = SparseMerkleTree()
    hashed.update(keys, pycore.hash_batch("sha256", values), hashed=True)
    assert hashed.root == whole.root


@pytest.mark.parametrize("hash_name", ["keccak256", "sm3", "sha512", "sha256d"])
def test_other_hashes(hash_name: str, rng: random.Random) -> None:
    def other(data: bytes) -> bytes:
        return pycore.hash(hash_name, data)

    size = pycore.HASHES[hash_name].digest_size
    model = {key: rng.randbytes(3) for key in some_keys(rng, 20)}
    tree = SparseMerkleTree(hash=hash_name)
    tree.update(list(model), list(model.values()))
    assert tree.root == oracle.root(model, other, size)
    absent = rng.randbytes(32)
    for key in [*model, absent]:
        assert tree.proof(key) == oracle.proof(model, key, other, size)
        verify_sparse(tree.root, key, model.get(key), tree.proof(key), hash=hash_name)


def test_a_chain_as_long_as_can_be(rng: random.Random) -> None:
    """Two keys that differ in the last bit only, and one next to each of their levels."""
    keys = [A, near(A, 255)]
    tree = SparseMerkleTree()
    tree.update(keys, [b"1", b"2"])
    check_all(tree, {keys[0]: b"1", keys[1]: b"2"}, [near(A, 100), near(A, 0), near(A, 254)])
    more = [near(A, shared) for shared in range(255)]
    tree.update(more, more)
    model = {keys[0]: b"1", keys[1]: b"2", **{key: key for key in more}}
    assert tree.root == oracle.root(model, h)
    verify_sparse(tree.root, A, b"1", tree.proof(A))
    assert len(tree.proof(A)) == 3 + 32 + 256 * 32
    tree.delete(keys)
    assert tree.root == oracle.root({key: key for key in more}, h)


@given(st.integers(0, 40), st.data())
def test_any_bit_flipped_breaks_a_proof(n: int, data: st.DataObject) -> None:
    model = {h(bytes([i])): bytes([i]) for i in range(n)}
    tree = SparseMerkleTree()
    tree.update(list(model), list(model.values()))
    key = data.draw(
        st.one_of(st.sampled_from(sorted(model)) if model else st.nothing(), st.binary(min_size=32, max_size=32))
    )
    value = model.get(key)
    proof = bytearray(tree.proof(key))
    at = data.draw(st.integers(0, 8 * len(proof) - 1))
    proof[at // 8] ^= 1 << at % 8
    assert not verify_sparse_batch(tree.root, [key], [value], [proof]).valid[0]
    spoilt = bytearray(tree.root)
    spoilt[at // 8 % 32] ^= 1 << at % 8
    assert not verify_sparse_batch(spoilt, [key], [value], [tree.proof(key)]).valid[0]
    for wrong in (None if value is not None else b"", b"another"):
        assert not verify_sparse_batch(tree.root, [key], [wrong], [tree.proof(key)]).valid[0]


def test_batches_find_the_spoilt_ones(rng: random.Random) -> None:
    """More than a chunk, present and absent mixed, roots of two trees; threads change nothing."""
    keys = [rng.randbytes(32) for _ in range(3000)]
    trees = [SparseMerkleTree(), SparseMerkleTree()]
    for k, tree in enumerate(trees):
        tree.update(keys[k::2], keys[k::2])
    roots = [trees[i % 3 % 2].root for i in range(6000)]
    asked = [rng.choice(keys) for _ in range(6000)]
    own = [dict.fromkeys(keys[k::2], True) for k in (0, 1)]
    values = [key if key in own[i % 3 % 2] else None for i, key in enumerate(asked)]
    proofs = [b""] * 6000
    for k, tree in enumerate(trees):
        rows = [i for i in range(6000) if i % 3 % 2 == k]
        for i, proof in zip(rows, tree.proofs([asked[i] for i in rows]), strict=True):
            proofs[i] = proof
    wanted = np.full(6000, int(Verdict.VALID))
    for i in range(0, 6000, 7):
        proofs[i] = proofs[i][:-1]
        wanted[i] = int(Verdict.MALFORMED_PROOF)
    for i in range(3, 6000, 7):
        values[i] = b"?"
        wanted[i] = int(Verdict.BAD_PROOF)
    for threads in (1, 3):
        found = verify_sparse_batch(roots, asked, values, proofs, threads=threads)
        assert (found.codes == wanted).all()


def test_a_proof_has_one_form() -> None:
    """Each of these leads to the right root, or ends where it could; the tree would not have written it."""
    tree = SparseMerkleTree()
    left, right = bytes(32), b"\x80" + bytes(31)
    tree.update([left, right], [b"l", b"r"])
    sibling = h(b"\0" + right + h(b"r"))
    good = b"\x01\x01\x00\x01" + sibling
    assert tree.proof(left) == good
    other = b"\x02\x01\x00\x01" + left + h(b"l") + sibling
    absent = near(left, 5)
    assert tree.proof(absent) == other
    for key, value, proof in [
        (left, b"l", b"\x01\x01\x00\x03" + sibling),  # a bit beyond the depth
        (left, b"l", b"\x01\x01\x00\x03" + sibling + sibling),
        (left, b"l", b"\x01\x01\x00\x00"),  # an empty lowest sibling
        (left, b"l", b"\x01\x01\x00\x01" + bytes(32)),  # an empty sibling written out
        (left, b"l", b"\x03\x01\x00\x01" + sibling),
        (left, b"l", b"\x01\x01\x01" + bytes([1] + [0] * 32) + sibling),  # depth 257
        (left, b"l", good + b"\0"),
        (left, b"l", good[:-1]),
        (left, b"l", b""),
        (left, b"l", b"\x01\x01"),
        (left, None, b"\x02\x01\x00\x01" + left + h(b"l") + sibling),  # absent because present
        (right, None, other),  # a leaf of the other half
        (absent, None, other[:-32]),
    ]:
        found = verify_sparse_batch(tree.root, [key], [value], [proof])
        assert list(found) == [Verdict.MALFORMED_PROOF], proof.hex()
    assert list(verify_sparse_batch(tree.root, [left], None, [good])) == [Verdict.BAD_PROOF]
    assert list(verify_sparse_batch(tree.root, [absent], [b"l"], [other])) == [Verdict.BAD_PROOF]


def test_inner_nodes_are_not_leaves(rng: random.Random) -> None:
    """H(1 || left || right) cannot be shown as a leaf with the key `left`: the prefixes differ."""
    model = {rng.randbytes(32): rng.randbytes(4) for _ in range(2)}
    tree = SparseMerkleTree()
    tree.update(list(model), list(model.values()))
    (k0, v0), (k1, v1) = sorted(model.items())
    halves = h(b"\0" + k0 + h(v0)), h(b"\0" + k1 + h(v1))
    claimed = verify_sparse_batch(tree.root, [halves[0]], [halves[1]], [b"\x01\0\0"], hashed=True)
    assert list(claimed) == [Verdict.BAD_PROOF]


@pytest.mark.parametrize(
    ("call", "field", "got"),
    [
        (lambda: SparseMerkleTree(hash="md5"), "hash", "'md5'"),
        (lambda: SparseMerkleTree().update([A, A], [b"", b""]), "keys[1]", "the same as keys[0]"),
        (lambda: SparseMerkleTree().update([B, A, B], [b""] * 3), "keys[2]", "the same as keys[0]"),
        (lambda: SparseMerkleTree().update([A], []), "values", "0 items"),
        (lambda: SparseMerkleTree().update([A[1:]], [b""]), "keys[0]", "31 bytes"),
        (lambda: SparseMerkleTree().update([A], [b"x"], hashed=True), "values[0]", "1 bytes"),
        (lambda: SparseMerkleTree().proof(b""), "key[0]", "0 bytes"),
        (lambda: SparseMerkleTree().proofs([A, b""]), "keys[1]", "0 bytes"),
        (lambda: verify_sparse(b"", A, None, b""), "root", "0 bytes"),
        (lambda: verify_sparse(A, b"", None, b""), "keys[0]", "0 bytes"),
        (lambda: verify_sparse(A, A, "x", b""), "value", "str of 1 characters"),
        (lambda: verify_sparse_batch(A, [A], None, []), "proofs", "0 items"),
        (lambda: verify_sparse_batch(A, [A], [], [b""]), "values", "0 items"),
        (lambda: verify_sparse_batch([A, A], [A], None, [b""]), "root", "2 items"),
    ],
)
def test_malformed_calls(call: Callable[[], Any], field: str, got: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert (caught.value.field, caught.value.got) == (field, got)


def test_a_refused_batch_changes_nothing() -> None:
    tree = SparseMerkleTree()
    tree.update([A], [b"1"])
    before = tree.root
    with pytest.raises(pycore.InputError):
        tree.update([B, B], [b"", b""])
    assert (tree.root, len(tree)) == (before, 1)
    assert tree.nbytes > 0
    assert repr(tree).startswith("SparseMerkleTree(1 keys, hash='sha256', root=")
