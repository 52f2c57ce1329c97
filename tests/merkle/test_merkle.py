"""Merkle trees against the recursive definitions, proofs of every leaf, and forgeries."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import merkle as oracle

import pycore
from pycore import MerkleTree, Verdict

Hash = Callable[[bytes], bytes]
TREES = list(pycore.TREES)


def _h(name: str) -> Hash:
    return lambda data: pycore.hash(name, data)


def _rfc9162(leaves: list[bytes], h: Hash) -> bytes:
    return oracle.rfc9162_root(leaves, h)


def _duplicating(leaves: list[bytes], h: Hash) -> bytes:
    level = leaves
    while len(level) > 1:
        level = [h(level[i] + level[min(i + 1, len(level) - 1)]) for i in range(0, len(level), 2)]
    return level[0]


def _ssz(leaves: list[bytes], h: Hash) -> bytes:
    return oracle.ssz_root(leaves, h, size=len(leaves[0]))


def leaves_of(tree: str, n: int, rng: random.Random) -> list[bytes]:
    return [rng.randbytes(32 if tree != "rfc9162" else rng.randrange(90)) for _ in range(n)]


@pytest.mark.parametrize("hash_name", ["sha256", "sha256d", "sha512", "keccak256", "sm3"])
@pytest.mark.parametrize("tree", TREES)
def test_roots_follow_the_definition(tree: str, hash_name: str, backend: str, rng: random.Random) -> None:
    size = pycore.HASHES[hash_name].digest_size
    define = {"rfc9162": _rfc9162, "ssz": _ssz}.get(tree, _duplicating)
    for n in [*range(1, 20), 31, 32, 33, 63, 64, 65, 127, 128, 129, 257]:
        leaves = [rng.randbytes(size) for _ in range(n)]
        wanted = define(leaves, _h(hash_name))
        assert pycore.merkle_root(leaves, tree=tree, hash=hash_name) == wanted, n
        built = MerkleTree(leaves, tree=tree, hash=hash_name)
        assert (built.root, built.leaf_count, built.tree, built.hash) == (wanted, n, tree, hash_name)


def test_each_tree_has_its_own_hash() -> None:
    leaves = [bytes([i]) * 32 for i in range(5)]
    for tree, name in [("rfc9162", "sha256"), ("bitcoin", "sha256d"), ("chainmaker", "sha256")]:
        assert pycore.merkle_root(leaves, tree=tree) == pycore.merkle_root(leaves, tree=tree, hash=name)
        assert MerkleTree(leaves, tree=tree).hash == name


@pytest.mark.parametrize(
    ("tree", "hash_name", "root"),
    [
        ("rfc9162", None, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("rfc9162", "sm3", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"),
        ("bitcoin", None, "00" * 32),
        ("chainmaker", "sm3", ""),
    ],
)
def test_empty_trees(tree: str, hash_name: str | None, root: str) -> None:
    assert pycore.merkle_root([], tree=tree, hash=hash_name).hex() == root
    built = MerkleTree([], tree=tree, hash=hash_name)
    assert (built.root.hex(), built.leaf_count, built.mutated) == (root, 0, False)
    assert built.proofs([]).n == 0
    with pytest.raises(pycore.InputError):
        built.proof(0)


@pytest.mark.parametrize("tree", ["bitcoin", "chainmaker"])
def test_one_leaf_is_the_root(tree: str) -> None:
    assert pycore.merkle_root([b"\x07" * 32], tree=tree) == b"\x07" * 32
    pycore.verify_inclusion(b"\x07" * 32, b"\x07" * 32, [], index=0, leaf_count=1, tree=tree)


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("tree", TREES)
def test_threads_change_nothing(tree: str, threads: int, rng: random.Random) -> None:
    for n in (4095, 4096, 4097, 8193 + 64):
        leaves = np.frombuffer(rng.randbytes(32 * n), np.uint8).reshape(n, 32)
        one = pycore.merkle_root(leaves, tree=tree, threads=1)
        assert pycore.merkle_root(leaves, tree=tree, threads=threads) == one
        assert MerkleTree(leaves, tree=tree, threads=threads).root == one


def test_leaves_in_every_form(rng: random.Random) -> None:
    leaves = [rng.randbytes(32) for _ in range(11)]
    flat = b"".join(leaves)
    strided = np.zeros((11, 40), np.uint8)
    strided[:, 3:35] = np.frombuffer(flat, np.uint8).reshape(11, 32)
    for tree in TREES:
        wanted = pycore.merkle_root(leaves, tree=tree)
        forms: list[Any] = [strided[:, 3:35], strided[::-1, 3:35][::-1], (flat, np.arange(12) * 32)]
        for form in forms:
            assert pycore.merkle_root(form, tree=tree) == wanted
        assert pycore.merkle_root(flat, tree=tree, width=32) == wanted
    assert pycore.merkle_root(flat, tree="bitcoin") == pycore.merkle_root(leaves, tree="bitcoin")


def test_hashed_leaves(rng: random.Random) -> None:
    leaves = [rng.randbytes(9) for _ in range(7)]
    digests = [pycore.hash("sha256", b"\0" + leaf) for leaf in leaves]
    tree, same = MerkleTree(leaves), MerkleTree(digests, hashed=True)
    assert tree.root == same.root == pycore.merkle_root(digests, hashed=True)
    pycore.verify_inclusion(tree.root, digests[3], tree.proof(3), index=3, leaf_count=7, hashed=True)
    batch = pycore.verify_inclusion_batch(
        tree.root, digests, tree.proofs(range(7)), index=range(7), leaf_count=7, hashed=True
    )
    assert batch.all_valid


# ---- proofs ---------------------------------------------------------------------------------------------------------


def test_rfc9162_paths_follow_the_definition(rng: random.Random) -> None:
    for n in range(1, 34):
        leaves = leaves_of("rfc9162", n, rng)
        tree = MerkleTree(leaves)
        for i in range(n):
            assert tree.proof(i) == oracle.rfc9162_path(i, leaves)


@pytest.mark.parametrize("tree", TREES)
def test_every_leaf_proves(tree: str, backend: str, rng: random.Random) -> None:
    for n in [*range(1, 18), 33, 64, 100]:
        leaves = leaves_of(tree, n, rng)
        built = MerkleTree(leaves, tree=tree)
        proofs = built.proofs(range(n))
        for i, leaf in enumerate(leaves):
            proof = built.proof(i)
            assert proofs[i] == b"".join(proof)
            assert len(proof) == len(oracle.walk(i, n, tree))
            pycore.verify_inclusion(built.root, leaf, proof, index=i, leaf_count=n, tree=tree)
            pycore.verify_inclusion(built.root, leaf, proofs[i], index=i, leaf_count=n, tree=tree)
        parts = [built.proof(i) for i in range(n)]
        stacked = [np.array([list(x) for x in proof], np.uint8).reshape(-1, 32) for proof in parts]
        for form in (proofs, list(proofs), tuple(proofs), parts, tuple(parts), stacked, [proofs[0], *parts[1:]]):
            found = pycore.verify_inclusion_batch(built.root, leaves, form, index=range(n), leaf_count=n, tree=tree)
            assert found.all_valid


def test_proofs_of_any_order_and_repeats(rng: random.Random) -> None:
    for tree in TREES:
        built = MerkleTree(leaves_of(tree, 37, rng), tree=tree)
        order = [rng.randrange(37) for _ in range(100)]
        assert list(built.proofs(order)) == [b"".join(built.proof(i)) for i in order]


def _tampered(proof: bytes, rng: random.Random) -> bytes:
    kind = rng.randrange(6)
    if kind == 0 or not proof:
        return proof + bytes(32)
    if kind == 1:
        return proof[:-32]
    if kind == 2:
        return proof[:-1]
    at = rng.randrange(len(proof))
    return proof[:at] + bytes([proof[at] ^ 1 << rng.randrange(8)]) + proof[at + 1 :]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("threads", [1, 3])
def test_batches_agree_with_singles(tree: str, threads: int, backend: str, rng: random.Random) -> None:
    """Trees of many sizes in one batch, half of the items spoilt in every way; walked in C and in Python."""
    roots, leaves, proofs, index, counts = [], [], [], [], []
    for _ in range(60):
        n = rng.choice([1, 2, 3, 5, 8, 13, 64, 100])
        built = MerkleTree(given_leaves := leaves_of(tree, n, rng), tree=tree)
        for _ in range(6):
            i = rng.randrange(n)
            item = [built.root, given_leaves[i], b"".join(built.proof(i)), i, n]
            spoil = rng.randrange(12)
            if spoil == 0:
                item[0] = rng.randbytes(32)
            elif spoil == 1:
                item[1] = rng.randbytes(32)
            elif spoil == 2:
                item[2] = _tampered(item[2], rng)
            elif spoil == 3:
                item[3] = rng.choice([n, n + 1, i ^ 1, 2**63, 2**64 - 1])
            elif spoil == 4:
                item[4] = rng.choice([0, 1, n - 1, n + 1, 2 * n, 2**64 - 1])
            for column, value in zip((roots, leaves, proofs, index, counts), item, strict=True):
                column.append(value)
    positions, sizes = np.array(index, np.uint64), np.array(counts, np.uint64)
    found = pycore.verify_inclusion_batch(
        roots, leaves, proofs, index=positions, leaf_count=sizes, tree=tree, threads=threads
    )
    assert {Verdict.VALID, Verdict.BAD_PROOF, Verdict.MALFORMED_PROOF} == set(found)
    for k, verdict in enumerate(found):
        options = {"index": index[k], "leaf_count": counts[k], "tree": tree}
        if verdict is Verdict.VALID:
            assert pycore.verify_inclusion(roots[k], leaves[k], proofs[k], **options) is None
            continue
        with pytest.raises(pycore.ProofError) as caught:
            pycore.verify_inclusion(roots[k], leaves[k], proofs[k], **options)
        assert caught.value.verdict is verdict


def test_proof_forms(rng: random.Random) -> None:
    leaves = leaves_of("chainmaker", 8, rng)
    built = MerkleTree(leaves, tree="chainmaker")
    options: dict[str, Any] = {"index": 5, "leaf_count": 8, "tree": "chainmaker"}
    proof = built.proof(5)
    flat = np.frombuffer(b"".join(proof), np.uint8)
    for form in (
        proof,
        tuple(proof),
        flat,
        flat.reshape(3, 32),
        flat.tobytes(),
        bytearray(flat),
        [memoryview(x) for x in proof],
    ):
        pycore.verify_inclusion(built.root, leaves[5], form, **options)
    uniform = np.frombuffer(b"".join(built.proofs(range(8))), np.uint8).reshape(8, 96)
    for form in (uniform, uniform[::-1][::-1], pycore.batch(uniform.tobytes(), width=96)):
        assert pycore.verify_inclusion_batch(
            bytearray(built.root), leaves, form, index=range(8), leaf_count=8, tree="chainmaker"
        ).all_valid


def test_siblings_of_wrong_lengths_do_not_add_up(rng: random.Random) -> None:
    """31 and 33 bytes are as many as 32 and 32, and are no proof all the same."""
    leaves = leaves_of("rfc9162", 4, rng)
    tree = MerkleTree(leaves)
    joined = b"".join(tree.proof(0))
    split = [joined[:31], joined[31:]]
    with pytest.raises(pycore.ProofError) as caught:
        pycore.verify_inclusion(tree.root, leaves[0], split, index=0, leaf_count=4)
    assert caught.value.verdict is Verdict.MALFORMED_PROOF
    found = pycore.verify_inclusion_batch(tree.root, leaves[:2], [split, tree.proof(1)], index=[0, 1], leaf_count=4)
    assert list(found) == [Verdict.MALFORMED_PROOF, Verdict.VALID]


# ---- known traps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tree", ["bitcoin", "chainmaker"])
def test_cve_2012_2459(tree: str, rng: random.Random) -> None:
    a, b, c, d, e, f = leaves_of(tree, 6, rng)
    for short, long in [([a, b, c], [a, b, c, c]), ([a, b, c, d, e, f], [a, b, c, d, e, f, e, f])]:
        one, two = MerkleTree(short, tree=tree), MerkleTree(long, tree=tree)
        assert one.root == two.root
        assert (one.mutated, two.mutated) == (False, True)
    tree3 = MerkleTree([a, b, c], tree=tree)
    proof = tree3.proof(2)
    assert proof[0] == c
    pycore.verify_inclusion(tree3.root, c, proof, index=2, leaf_count=3, tree=tree)
    with pytest.raises(pycore.ProofError) as caught:
        pycore.verify_inclusion(tree3.root, c, proof, index=3, leaf_count=3, tree=tree)
    assert caught.value.verdict is Verdict.MALFORMED_PROOF


def test_equal_neighbours(rng: random.Random) -> None:
    """With leaf_count from the wrong source Bitcoin's rule still refuses the twin; ChainMaker's leaves may be equal."""
    a, b, c = leaves_of("bitcoin", 3, rng)
    for tree, verdict in [("bitcoin", Verdict.BAD_PROOF), ("chainmaker", Verdict.VALID)]:
        built = MerkleTree([a, b, c, c], tree=tree)
        proofs = built.proofs(range(4))
        found = pycore.verify_inclusion_batch(built.root, [a, b, c, c], proofs, index=range(4), leaf_count=4, tree=tree)
        assert list(found) == [Verdict.VALID, Verdict.VALID, verdict, verdict]


@pytest.mark.parametrize("tree", ["bitcoin", "chainmaker"])
def test_the_last_node_is_paired_with_itself_only(tree: str, rng: random.Random) -> None:
    """A proof that puts another node where the twin belongs is one of a larger tree."""
    leaves = leaves_of(tree, 4, rng)
    built = MerkleTree(leaves, tree=tree)
    with pytest.raises(pycore.ProofError) as caught:
        pycore.verify_inclusion(built.root, leaves[2], built.proof(2), index=2, leaf_count=3, tree=tree)
    assert caught.value.verdict is Verdict.BAD_PROOF
    found = pycore.verify_inclusion_batch(
        built.root, [leaves[2]], [built.proof(2)], index=[2], leaf_count=[3], tree=tree
    )
    assert list(found) == [Verdict.BAD_PROOF]


def test_inner_nodes_are_not_leaves(rng: random.Random) -> None:
    leaves = [rng.randbytes(32) for _ in range(4)]
    tree = MerkleTree(leaves)
    pair = b"".join(pycore.hash("sha256", b"\0" + leaf) for leaf in leaves[:2])
    with pytest.raises(pycore.ProofError):
        pycore.verify_inclusion(tree.root, pair, tree.proof(0)[1:], index=0, leaf_count=2)
    with pytest.raises(pycore.LengthError):
        pycore.verify_inclusion(tree.root, leaves[0] + leaves[1], [], index=0, leaf_count=2, tree="bitcoin")


def test_the_walk_by_hand() -> None:
    rfc, btc, walk = "rfc9162", "bitcoin", oracle.walk
    left, right, alone = oracle.LEFT, oracle.RIGHT, oracle.SELF
    assert walk(0, 1, rfc) == walk(0, 1, btc) == []
    assert walk(4, 5, rfc) == [left]
    assert walk(4, 5, btc) == [alone, alone, left]
    assert walk(2, 5, rfc) == walk(2, 5, btc) == [right, left, right]
    assert walk(6, 7, rfc) == [left, left]
    assert walk(6, 7, btc) == [alone, left, left]
    assert len(walk(2**64 - 2, 2**64 - 1, btc)) == 64


# ---- consistency ----------------------------------------------------------------------------------------------------


def test_every_prefix_is_consistent(rng: random.Random) -> None:
    leaves = leaves_of("rfc9162", 40, rng)
    for n in range(1, 41):
        tree = MerkleTree(leaves[:n])
        for m in range(1, n + 1):
            proof = tree.consistency_proof(m)
            old = pycore.merkle_root(leaves[:m])
            pycore.verify_consistency(old, tree.root, proof, m=m, n=n)
            pycore.verify_consistency(old, tree.root, b"".join(proof), m=m, n=n)
            for at in range(len(proof)):
                broken = [bytes(32) if k == at else node for k, node in enumerate(proof)]
                with pytest.raises(pycore.ProofError):
                    pycore.verify_consistency(old, tree.root, broken, m=m, n=n)
            for wrong in (proof[:-1] if proof else [bytes(32)], [*proof, bytes(32)]):
                with pytest.raises(pycore.ProofError) as caught:
                    pycore.verify_consistency(old, tree.root, wrong, m=m, n=n)
                assert caught.value.verdict is Verdict.MALFORMED_PROOF
            for one, two in ((bytes(32), tree.root), (old, bytes(32))):
                with pytest.raises(pycore.ProofError) as caught:
                    pycore.verify_consistency(one, two, proof, m=m, n=n)
                assert caught.value.verdict is Verdict.BAD_PROOF


@pytest.mark.parametrize(("m", "n"), [(0, 0), (0, 1), (0, 5), (6, 5), (2**64 - 1, 1)])
def test_no_consistency(m: int, n: int) -> None:
    with pytest.raises(pycore.ProofError) as caught:
        pycore.verify_consistency(bytes(32), bytes(32), [], m=m, n=n)
    assert caught.value.verdict is Verdict.MALFORMED_PROOF


@given(st.integers(1, 300), st.data())
def test_consistency_of_any_hash(n: int, data: st.DataObject) -> None:
    m = data.draw(st.integers(1, n))
    leaves = [i.to_bytes(2, "big") for i in range(n)]
    tree = MerkleTree(leaves, hash="sm3")
    proof = tree.consistency_proof(m)
    assert len(proof) <= 2 * n.bit_length()
    pycore.verify_consistency(pycore.merkle_root(leaves[:m], hash="sm3"), tree.root, proof, m=m, n=n, hash="sm3")


# ---- malformed calls ------------------------------------------------------------------------------------------------

R = bytes(32)


@pytest.mark.parametrize(
    ("call", "field", "got"),
    [
        (lambda: pycore.merkle_root([b""], tree="merkle"), "tree", "'merkle'"),
        (lambda: pycore.merkle_root([b""], tree="ssz"), "leaves[0]", "0 bytes"),
        (lambda: pycore.merkle_root([R], limit=4), "limit", "4"),
        (lambda: pycore.merkle_root([R] * 3, tree="ssz", limit=2), "limit", "2"),
        (lambda: pycore.merkle_root([R], tree="ssz", limit=-1), "limit", "-1"),
        (lambda: pycore.merkle_root([R], tree="ssz", limit="4"), "limit", "'4'"),  # type: ignore[arg-type]
        (lambda: MerkleTree([R], tree="ssz").extended([R], hashed=True).consistency_proof(1), "tree", "'ssz'"),
        (lambda: MerkleTree([R], tree="ssz", limit=1).extended([R]), "limit", "1"),
        (lambda: MerkleTree([R]).multiproof([]), "indices", "none"),
        (lambda: MerkleTree([R, R]).multiproof([1, 0, 1]), "indices", "1 twice"),
        (lambda: MerkleTree([R]).multiproof([1]), "indices[0]", "1"),
        (lambda: pycore.verify_inclusion(R, b"", [], index=0, leaf_count=1, limit=1), "limit", "1"),
        (lambda: pycore.verify_multiproof(R, [b""], [], indices=[0, 1], leaf_count=1), "indices", "2 items"),
        (lambda: pycore.verify_multiproof(R[1:], [b""], [], indices=[0], leaf_count=1), "root", "31 bytes"),
        (lambda: pycore.MerkleFrontier(watch=[-1]), "watch[0]", "-1"),
        (lambda: pycore.MerkleFrontier(tree="bitcoin").append([b"x"]), "leaves[0]", "1 bytes"),
        (lambda: pycore.MerkleFrontier().proof(0), "i", "0"),
        (lambda: pycore.MerkleFrontier(watch=[0]).proof(0), "i", "0"),
        (lambda: pycore.MerkleFrontier().checkpoint(), "checkpoint", "an empty frontier"),
        (lambda: pycore.MerkleFrontier(tree="bitcoin").checkpoint(), "tree", "'bitcoin'"),
        (lambda: pycore.MerkleFrontier().consistency_proof(3), "m", "3"),
        (lambda: pycore.MerkleFrontier(tree="ssz", limit=1).append([R, R]), "leaves", "2 leaves after 0"),
        (lambda: pycore.MerkleFrontier.from_bytes(b"pcm"), "state", "3 bytes"),
        (lambda: pycore.merkle_root([b""], hash="md5"), "hash", "'md5'"),
        (lambda: pycore.merkle_root(b"abc"), "leaves", "one bytes-like object (3 bytes)"),
        (lambda: pycore.merkle_root([R, b"x"], tree="bitcoin"), "leaves[1]", "1 bytes"),
        (lambda: pycore.merkle_root(np.zeros((2, 31), np.uint8), tree="bitcoin"), "leaves", "rows of 31 bytes"),
        (lambda: pycore.merkle_root([R], tree="bitcoin", hash="sha512"), "leaves[0]", "32 bytes"),
        (lambda: pycore.merkle_root([R, b""], hashed=True), "leaves[1]", "0 bytes"),
        (lambda: pycore.merkle_root([R], threads=0), "threads", "0"),
        (lambda: MerkleTree([R]).proof(1), "i", "1"),
        (lambda: MerkleTree([R]).proof(-1), "i", "-1"),
        (lambda: MerkleTree([R]).proof(True), "i", "True"),
        (lambda: MerkleTree([R]).proof("0"), "i", "str of 1 characters"),  # type: ignore[arg-type]
        (lambda: MerkleTree([R]).proofs([0, 1]), "indices[1]", "1"),
        (lambda: MerkleTree([R]).proofs([0.5]), "indices", "float64 array of shape (1,)"),
        (lambda: MerkleTree([R], tree="bitcoin").consistency_proof(1), "tree", "'bitcoin'"),
        (lambda: MerkleTree([R]).consistency_proof(0), "m", "0"),
        (lambda: MerkleTree([R]).consistency_proof(2), "m", "2"),
        (lambda: pycore.verify_inclusion(R[1:], b"", [], index=0, leaf_count=1), "root", "31 bytes"),
        (lambda: pycore.verify_inclusion("", b"", [], index=0, leaf_count=1), "root", "str of 0 characters"),
        (lambda: pycore.verify_inclusion(R, "", [], index=0, leaf_count=1), "leaf", "str of 0 characters"),
        (lambda: pycore.verify_inclusion(R, b"", None, index=0, leaf_count=1), "proof", "None"),
        (lambda: pycore.verify_inclusion(R, b"", [R, "x"], index=0, leaf_count=1), "proof[1]", "str of 1 characters"),
        (lambda: pycore.verify_inclusion(R, b"", [], index=-1, leaf_count=1), "index", "-1"),
        (lambda: pycore.verify_inclusion(R, b"", [], index=0, leaf_count=2**64), "leaf_count", str(2**64)),
        (lambda: pycore.verify_inclusion(R, b"", [], index=0.0, leaf_count=1), "index", "0.0"),
        (lambda: pycore.verify_inclusion_batch(R, [b""], [], index=[0], leaf_count=1), "proofs", "0 items"),
        (lambda: pycore.verify_inclusion_batch([R, R], [b""], [b""], index=[0], leaf_count=1), "root", "2 items"),
        (lambda: pycore.verify_inclusion_batch(R, [b""], [b""], index=[0, 1], leaf_count=1), "index", "2 items"),
        (lambda: pycore.verify_inclusion_batch(R, [b""], [b""], index=[-1], leaf_count=1), "index[0]", "-1"),
        (
            lambda: pycore.verify_inclusion_batch(R, [b""], [b""], index=0, leaf_count=1),
            "index",
            "int64 array of shape ()",
        ),
        (lambda: pycore.verify_inclusion_batch(R, [b""], [b""], index=[0], leaf_count=[1, 2]), "leaf_count", "2 items"),
        (lambda: pycore.verify_inclusion_batch(R, [b""], [b""], index=[0], leaf_count=-1), "leaf_count", "-1"),
        (
            lambda: pycore.verify_inclusion_batch(R, [b""], ["x"], index=[0], leaf_count=1),
            "proofs[0]",
            "str of 1 characters",
        ),
        (lambda: pycore.verify_consistency(b"", R, [], m=1, n=1), "root_m", "0 bytes"),
        (lambda: pycore.verify_consistency(R, b"", [], m=1, n=1), "root_n", "0 bytes"),
        (lambda: pycore.verify_consistency(R, R, [], m=-1, n=1), "m", "-1"),
    ],
)
def test_malformed_calls(call: Callable[[], object], field: str, got: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert (caught.value.field, caught.value.got) == (field, got)


def test_empty_batch_of_proofs() -> None:
    assert len(pycore.verify_inclusion_batch(R, [], [], index=[], leaf_count=5)) == 0
    assert len(pycore.verify_inclusion_batch([], [], [], index=[], leaf_count=[], tree="bitcoin")) == 0


def test_mutated_is_about_pairs_only(rng: random.Random) -> None:
    a, b = leaves_of("bitcoin", 2, rng)
    assert not MerkleTree([a, b, b, a], tree="bitcoin").mutated
    assert MerkleTree([b, a, a, a], tree="bitcoin").mutated
    assert not MerkleTree([a, a], tree="rfc9162").mutated
