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
from pycore import HASHES, TREES, _native
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
