"""Loops of hashes in compiled code against pycore's own trees and proofs, and how they find the C core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import pycore
from pycore import HASHES, TREES
from pycore.base import ffi
from pycore.merkle import loops, loops_jit
from pycore.merkle.levels import zero_nodes

SHAPES = sorted(TREES)
DIGESTS = ["sha256", "sha256d", "sha512", "sm3"]  # 32 and 64 bytes


def _leaves(n: int, name: str, seed: int = 7) -> NDArray[np.uint8]:
    return np.random.default_rng(seed + n).integers(0, 256, (n, HASHES[name].digest_size), dtype=np.uint8)


def _root(leaves: NDArray[np.uint8], shape: str, name: str) -> bytes:
    return pycore.merkle_root(leaves, tree=shape, hash=name, hashed=True)


# ---- growing trees --------------------------------------------------------------------------------------------------


def _frontier(row: pycore.base.registry.Hash) -> NDArray[np.uint8]:
    return np.zeros((64, row.digest_size), dtype=np.uint8)


def _edge_root(
    row: pycore.base.registry.Hash, tree: pycore.base.registry.Tree, peaks: NDArray[np.uint8], n: int
) -> bytes:
    positions, nodes = loops_jit.edge(row, tree, peaks, n, zero_nodes(row.name), (n - 1).bit_length())
    assert positions[-1] == 0
    return nodes[-1].tobytes()


@given(st.data())
def test_growing(data: st.DataObject) -> None:
    """Roots after every step, the edge, the complete subtrees, and the nodes that watched leaves need."""
    shape, name = data.draw(st.sampled_from(SHAPES)), data.draw(st.sampled_from(DIGESTS))
    parts = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=6))
    row, tree, total = HASHES[name], TREES[shape], sum(parts)
    leaves = _leaves(total, name)
    wanted = np.array(sorted(data.draw(st.sets(st.integers(0, 250), max_size=4))), dtype=np.int64)
    peaks, count, kept = _frontier(row), 0, {}
    for part in parts:
        new = loops_jit.grow(row, tree, peaks, count, 0, leaves[count : count + part], wanted) if part else []
        kept.update({(height, position): node for height, position, node in new})
        count += part
        if count:
            assert _edge_root(row, tree, peaks, count) == _root(leaves[:count], shape, name)
    for level in range(count.bit_length()):
        if count >> level & 1:
            index = (count >> level) - 1
            assert peaks[level].tobytes() == _root(leaves[index << level : (index + 1) << level], shape, name)
    for (height, position), node in kept.items():
        assert node == _root(leaves[position << height : (position + 1) << height], shape, name)
    needed = {
        (height, leaf >> height ^ 1)
        for leaf in wanted.tolist()
        for height in range(9)
        if ((leaf >> height ^ 1) + 1) << height <= count
    }
    assert needed <= set(kept)


@pytest.mark.parametrize("shape", SHAPES)
def test_growing_by_subtrees(shape: str) -> None:
    """Roots of 8 leaves at a time, after 24 leaves one by one."""
    row, tree, leaves = HASHES["sha256"], TREES[shape], _leaves(72, "sha256")
    peaks, nothing = _frontier(row), np.empty(0, np.int64)
    for n in range(24):
        loops_jit.grow(row, tree, peaks, n, 0, leaves[n : n + 1], nothing)
    roots = [_root(leaves[at : at + 8], shape, "sha256") for at in range(24, 72, 8)]
    subtrees = np.frombuffer(b"".join(roots), np.uint8).reshape(-1, 32)
    loops_jit.grow(row, tree, peaks, 24, 3, subtrees, nothing)
    assert _edge_root(row, tree, peaks, 72) == _root(leaves, shape, "sha256")


@pytest.mark.parametrize("patience", [-1, 1 << 60], ids=["compiled", "python"])
@pytest.mark.parametrize("shape", SHAPES)
def test_frontiers_either_way(shape: str, patience: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_module", None)
    monkeypatch.setattr(loops, "PATIENCE", patience)
    limit = 2**50 if shape == "ssz" else None
    options = {"tree": shape, "hash": "sha256", "hashed": True, "limit": limit}
    leaves = _leaves(150, "sha256")
    log, at = pycore.MerkleFrontier(watch=[0, 70, 149, 2**63], **options), 0
    sizes = []
    for part in (1, 1, 1, 5, 64, 0, 50, 28):
        log.append(leaves[at : at + part])
        at += part
        tree = pycore.MerkleTree(leaves[:at], **options)
        assert log.root == tree.root
        assert pycore.MerkleFrontier.from_bytes(log.to_bytes()).root == tree.root
        if shape == "rfc9162":
            sizes.append(log.checkpoint())
    assert [log.proof(i) for i in (0, 70, 149)] == [tree.proof(i) for i in (0, 70, 149)]
    for size in sizes:
        assert log.consistency_proof(size) == tree.consistency_proof(size)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_module", None)
    monkeypatch.setattr(loops, "_spent", 0)
    monkeypatch.setattr(loops, "PATIENCE", 100)
    assert loops.compiled(60) is None
    assert loops.compiled(40) is None
    assert loops.compiled(1) is loops_jit
    assert loops.compiled(0) is loops_jit


# ---- the way to C ---------------------------------------------------------------------------------------------------

_FRESH = """
import numpy as np, pycore
from pycore.merkle import loops_jit
leaves = np.arange(5 * 32, dtype=np.uint8).reshape(5, 32)
row, shape = pycore.HASHES["sha256"], pycore.TREES["rfc9162"]
peaks = np.zeros((64, 32), dtype=np.uint8)
loops_jit.grow(row, shape, peaks, 0, 0, leaves, np.empty(0, np.int64))
assert loops_jit.edge(row, shape, peaks, 5, peaks, 3)[1][-1].tobytes() == pycore.merkle_root(leaves, hashed=True)
stats = loops_jit._grow.stats
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
        loops_jit._declare("pc_merkle_level", "int(*)(int)", None)


def test_an_error_of_the_core_is_raised() -> None:
    """Not entered through the public functions, which cannot cause one."""
    rows, nothing = np.zeros((2, 32), np.uint8), np.empty(0, np.int64)
    code = loops_jit._grow(
        -1, 999, np.zeros(0, np.uint8), np.zeros((64, 32), np.uint8), 0, 0, rows, nothing, rows, np.empty((0, 2), int)
    )
    with pytest.raises(pycore.PycoreError, match="PC_ERR_ARGUMENT"):
        ffi.check(code)
