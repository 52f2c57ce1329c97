"""Batches of inclusion proofs against the plain statement, one by one: every shape, broken proofs, every block size."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import merkle as oracle

import pycore
from pycore import HASHES, TREES, Verdict
from pycore.merkle.plans import ancestors

SHAPES = sorted(TREES)
DIGESTS = ["sha256", "sha512", "sm3", "ripemd160", "blake3"]  # digests of 20, 32 and 64 bytes
BLOCK = 128  # proofs that csrc/trees/inclusion.c lets climb together


def _leaves(n: int, name: str, seed: int = 7) -> NDArray[np.uint8]:
    return np.random.default_rng(seed + n).integers(0, 256, (n, HASHES[name].digest_size), dtype=np.uint8)


Claim = tuple[bytes, bytes, bytes, int, int]  # root, leaf, proof, index, number of leaves


def _codes(shape: str, name: str, claims: list[Claim]) -> list[int]:
    roots, leaves, proofs, index, leaf_count = zip(*claims, strict=True)
    found = pycore.verify_inclusion_batch(
        list(roots),
        list(leaves),
        list(proofs),
        index=np.array(index, np.uint64),
        leaf_count=np.array(leaf_count, np.uint64),
        tree=shape,
        hash=name,
        hashed=True,
    )
    codes: list[int] = found.codes.tolist()
    return codes


def _claims(leaves: NDArray[np.uint8], shape: str, name: str) -> list[Claim]:
    n = len(leaves)
    tree = pycore.MerkleTree(leaves, tree=shape, hash=name, hashed=True)
    proofs = tree.proofs(range(n))
    return [(tree.root, leaves[i].tobytes(), proofs[i], i, n) for i in range(n)]


def _defined(claim: Claim, shape: str, name: str) -> Verdict:
    root, leaf, proof, i, n = claim
    steps = oracle.walk(i, n, shape) if i < n else []
    if i >= n or len(proof) != len(steps) * HASHES[name].digest_size:
        return Verdict.MALFORMED_PROOF
    tree = TREES[shape]
    holds = oracle.inclusion(
        root, leaf, proof, steps, lambda data: pycore.hash(name, data), tree.node_prefix, tree.equal_siblings
    )
    return Verdict.VALID if holds else Verdict.BAD_PROOF


def _alone(claim: Claim, shape: str, name: str) -> Verdict:
    root, leaf, proof, i, n = claim
    try:
        pycore.verify_inclusion(root, leaf, proof, index=i, leaf_count=n, tree=shape, hash=name, hashed=True)
    except pycore.ProofError as error:
        return error.verdict
    return Verdict.VALID


@given(st.data())
def test_proofs_and_broken_proofs(data: st.DataObject) -> None:
    """Proofs of several trees in one call, some of them broken: the codes of the plain statement, one by one."""
    shape, name = data.draw(st.sampled_from(SHAPES)), data.draw(st.sampled_from(DIGESTS))
    size = HASHES[name].digest_size
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    claims: list[Claim] = []
    while len(claims) <= BLOCK:
        leaves = _leaves(rng.randrange(1, 60), name, rng.randrange(1000))
        if rng.random() < 0.3:
            leaves[rng.randrange(len(leaves))] = leaves[0]  # equal neighbours, perhaps
        claims += [_perhaps_broken(claim, size, rng) for claim in _claims(leaves, shape, name)]
    wanted = [_defined(claim, shape, name) for claim in claims]
    assert _codes(shape, name, claims) == wanted
    assert [_alone(claim, shape, name) for claim in claims] == wanted


def _perhaps_broken(claim: Claim, size: int, rng: random.Random) -> Claim:
    root, leaf, proof, i, n = claim
    match rng.randrange(9):
        case 0:
            root = _flipped(root, rng)
        case 1:
            leaf = _flipped(leaf, rng)
        case 2 if proof:
            proof = _flipped(proof, rng)
        case 3:
            proof = rng.choice([proof + bytes(size), proof[:-1], proof[size:], b"", proof + b"\0"])
        case 4:
            i = rng.choice([i ^ 1, n, n + 1, 2**64 - 1, rng.randrange(n)])
        case 5:
            n = rng.choice([n + 1, n - 1, 0, 2 * n, 2**64 - 1])
    return root, leaf, proof, i, n


def _flipped(value: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 2, 3, 9, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK - 7])
def test_blocks(shape: str, n: int) -> None:
    claims = _claims(_leaves(n, "sha256"), shape, "sha256")
    random.Random(n).shuffle(claims)
    assert _codes(shape, "sha256", claims) == [Verdict.VALID] * n
    bad = {0, 5, BLOCK - 1, n - 1} & set(range(n))
    broken = [(r, bytes(32), p, i, c) if at in bad else (r, a, p, i, c) for at, (r, a, p, i, c) in enumerate(claims)]
    assert [at for at, code in enumerate(_codes(shape, "sha256", broken)) if code != Verdict.VALID] == sorted(bad)


def test_every_backend(backend: str) -> None:
    claims = _claims(_leaves(200, "sm3"), "chainmaker", "sm3")
    assert _codes("chainmaker", "sm3", claims) == [Verdict.VALID] * 200


def test_threads() -> None:
    claims = _claims(_leaves(300, "sm3"), "rfc9162", "sm3")
    with ThreadPoolExecutor(6) as pool:
        for codes in pool.map(lambda _: _codes("rfc9162", "sm3", claims), range(20)):
            assert codes == [Verdict.VALID] * 300


def test_ancestors_of_leaves_are_counted_exactly() -> None:
    """The bound by which short multiproofs are refused: one too many would refuse proofs that hold."""
    rng = random.Random(11)
    for _ in range(300):
        depth = rng.randrange(1, 63)
        leaves = sorted({rng.randrange(1 << depth) for _ in range(rng.randrange(1, 9))})
        above = {(level, leaf >> level) for leaf in leaves for level in range(1, depth + 1)}
        row, tree = HASHES["sha256"], TREES["ssz"]
        assert ancestors(row, tree, np.array(leaves, dtype=np.int64), 1 << depth, None) == len(above)
