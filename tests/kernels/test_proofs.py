"""The proof-order walk against plain Python, and how every kernel is compiled, cached and shared."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore._proofs import LEFT, SELF, walk
from pycore.kernels.proofs import walk_batch

TREES = sorted(name for name, tree in pycore.TREES.items() if not tree.pads)  # padded trees have one walk for all
BIG = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1), st.integers(2**63 - 3, 2**63 + 3))


def plain(index: int, count: int, tree: str) -> tuple[int, int, int]:
    if index >= count:
        return -1, 0, 0
    steps = walk(index, count, pycore.TREES[tree])
    left = sum(1 << k for k, step in enumerate(steps) if step == LEFT)
    own = sum(1 << k for k, step in enumerate(steps) if step == SELF)
    return len(steps), left, own


def check(pairs: list[tuple[int, int]], tree: str) -> None:
    index = np.array([pair[0] for pair in pairs], np.uint64)
    count = np.array([pair[1] for pair in pairs], np.uint64)
    steps, left, own = walk_batch(index, count, promotes=pycore.TREES[tree].promotes)
    found = list(zip(steps.tolist(), left.tolist(), own.tolist(), strict=True))
    assert found == [plain(i, n, tree) for i, n in pairs]


@pytest.mark.parametrize("tree", TREES)
def test_all_small_trees(tree: str) -> None:
    check([(i, n) for n in range(70) for i in range(n + 2)], tree)


@pytest.mark.parametrize("tree", TREES)
def test_edges(tree: str) -> None:
    top = 2**64 - 1
    check([(0, 0), (0, 1), (1, 1), (top, top), (top - 1, top), (0, top), (2**63, top), (2**63 - 1, 2**63)], tree)
    check([], tree)


@given(st.lists(st.tuples(BIG, BIG), max_size=30), st.sampled_from(TREES))
def test_random(pairs: list[tuple[int, int]], tree: str) -> None:
    check(pairs, tree)


def test_strided_and_read_only() -> None:
    index, count = np.arange(20, dtype=np.uint64)[::2], np.full(20, 11, np.uint64)[::-2]
    index.flags.writeable = False
    steps, _, _ = walk_batch(index, count, promotes=False)
    assert steps.tolist() == [4] * 6 + [-1] * 4


def test_threads() -> None:
    index, count = np.arange(4000, dtype=np.uint64), np.full(4000, 3999, np.uint64)
    wanted = walk_batch(index, count, promotes=True)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: walk_batch(index, count, promotes=True), range(40)):
            assert all((a == b).all() for a, b in zip(found, wanted, strict=True))


# ---- compiling ------------------------------------------------------------------------------------------------------

_USE_ALL = """
from pycore.kernels import dag, digests, native, proofs, sparse, tally, trees, trie, warm_up
warm_up()
from numba.core.registry import CPUDispatcher
# called by other kernels alone, whose cached code contains them
parts = {"_clash", "_copy", "_equal", "_settle", "_bit", "_same", "_shared_bits", "_new_inner", "_link", "_remove"}
parts |= {"_item", "_items", "_is_child", "_nibble", "_walk"}
hits = misses = 0
for module in (dag, digests, native, proofs, sparse, tally, trees, trie):
    for name, kernel in vars(module).items():
        if isinstance(kernel, CPUDispatcher):
            assert kernel.targetoptions.get("nogil") and not kernel.targetoptions.get("parallel"), name
            assert kernel.signatures or name in parts, name
            hits += sum(kernel.stats.cache_hits.values())
            misses += sum(kernel.stats.cache_misses.values())
print(hits, misses)
"""


def _run(cache: Path) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", _USE_ALL],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    hits, misses = done.stdout.split()
    return int(hits), int(misses)


def test_kernels_are_cached_between_runs(tmp_path: Path) -> None:
    hits, misses = _run(tmp_path)
    assert hits == 0
    assert misses >= 15
    hits, misses = _run(tmp_path)
    assert hits >= 15
    assert misses == 0


def test_no_folder_for_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled once per process then; the kernel works all the same."""
    import numba

    from pycore.kernels import _jit

    real = numba.njit

    def without_cache(*args: object, **options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(_jit.numba, "njit", without_cache)
    assert _jit.kernel(_add)(2, 3) == 5


def _add(a: int, b: int) -> int:
    return a + b
