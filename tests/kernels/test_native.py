"""Loops of hashes in compiled code against pycore's own trees and proofs, and how they find the C core."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import pycore
from pycore import HASHES, TREES, Verdict, _native
from pycore._proofs import _FEW as FEW
from pycore._proofs import check_inclusion_one
from pycore.kernels import native, trees

SHAPES = sorted(TREES)
GROWING = [name for name in SHAPES if not TREES[name].pads]
DIGESTS = ["sha256", "sha256d", "sha512", "sm3"]  # 32 and 64 bytes


def _leaves(n: int, name: str, seed: int = 7) -> NDArray[np.uint8]:
    return np.random.default_rng(seed + n).integers(0, 256, (n, HASHES[name].digest_size), dtype=np.uint8)


def _root(leaves: NDArray[np.uint8], shape: str, name: str) -> bytes:
    return pycore.merkle_root(leaves, tree=shape, hash=name, hashed=True)


# ---- growing trees --------------------------------------------------------------------------------------------------


@given(st.sampled_from(GROWING), st.sampled_from(DIGESTS), st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_append(shape: str, name: str, parts: list[int]) -> None:
    row, tree = HASHES[name], TREES[shape]
    leaves = _leaves(sum(parts), name)
    frontier, count = native.empty_frontier(row), 0
    for part in parts:
        count = native.append(row, tree, frontier, count, leaves[count : count + part])
        if count:
            assert native.frontier_root(row, tree, frontier, count) == _root(leaves[:count], shape, name)
    assert count == len(leaves)
    for level, index in trees.range_nodes(0, count):
        span = leaves[index << level : (index + 1) << level]
        assert frontier[level].tobytes() == _root(span, shape, name)


@pytest.mark.parametrize("shape", GROWING)
def test_append_one_by_one(shape: str) -> None:
    row, tree, leaves = HASHES["sha256"], TREES[shape], _leaves(70, "sha256")
    frontier = native.empty_frontier(row)
    for n in range(70):
        assert native.append(row, tree, frontier, n, leaves[n : n + 1]) == n + 1
        assert native.frontier_root(row, tree, frontier, n + 1) == _root(leaves[: n + 1], shape, "sha256")


# ---- proofs ---------------------------------------------------------------------------------------------------------

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


@given(st.data())
def test_proofs_and_broken_proofs(data: st.DataObject) -> None:
    """Proofs of several trees in one call, some of them broken: the codes of the plain statement, one by one."""
    shape, name = data.draw(st.sampled_from(SHAPES)), data.draw(st.sampled_from(DIGESTS))
    size = HASHES[name].digest_size
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    claims = []
    while len(claims) <= FEW:
        leaves = _leaves(rng.randrange(1, 60), name, rng.randrange(1000))
        if rng.random() < 0.3:
            leaves[rng.randrange(len(leaves))] = leaves[0]  # equal neighbours, perhaps
        claims += [_perhaps_broken(claim, size, rng) for claim in _claims(leaves, shape, name)]
    wanted = [
        check_inclusion_one(TREES[shape], HASHES[name], root, leaf, proof if len(proof) % size == 0 else None, i, n)
        for root, leaf, proof, i, n in claims
    ]
    assert _codes(shape, name, claims) == wanted


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
@pytest.mark.parametrize("n", [FEW + 1, native.BLOCK - 1, native.BLOCK, native.BLOCK + 1, 3 * native.BLOCK - 7])
def test_blocks(shape: str, n: int) -> None:
    claims = _claims(_leaves(n, "sha256"), shape, "sha256")
    random.Random(n).shuffle(claims)
    assert _codes(shape, "sha256", claims) == [Verdict.VALID] * n
    bad = {0, 5, native.BLOCK - 1, n - 1} & set(range(n))
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


# ---- the way to C ---------------------------------------------------------------------------------------------------

_FRESH = """
import numpy as np, pycore
from pycore.kernels import native
leaves = np.arange(5 * 32, dtype=np.uint8).reshape(5, 32)
row, shape = pycore.HASHES["sha256"], pycore.TREES["rfc9162"]
frontier = native.empty_frontier(row)
assert native.append(row, shape, frontier, 0, leaves) == 5
assert native.frontier_root(row, shape, frontier, 5) == pycore.merkle_root(leaves, hashed=True)
stats = native._append.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def test_code_from_the_cache_finds_the_core(tmp_path: Path) -> None:
    """A fresh process runs what an earlier one compiled, linked against its own copy of the core."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    found = [
        subprocess.run(
            [sys.executable, "-c", _FRESH], env=environment, capture_output=True, text=True, timeout=200, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert found == [["0", "1"], ["1", "0"]]


def test_another_declaration_is_refused() -> None:
    with pytest.raises(ImportError, match="pc_merkle_level of the extension is int"):
        native._declare("pc_merkle_level", "int(*)(int)", None)


def test_an_error_of_the_core_is_raised() -> None:
    """Not entered through the public functions, which cannot cause one."""
    rows = np.zeros((2, 32), np.uint8)
    code = native._append(-1, 999, 0, np.zeros(0, np.uint8), np.zeros((64, 32), np.uint8), 0, rows)
    with pytest.raises(pycore.PycoreError, match="PC_ERR_ARGUMENT"):
        _native.check(code)
