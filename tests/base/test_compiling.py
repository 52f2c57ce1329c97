"""How every kernel is compiled, cached and shared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_USE_ALL = """
from pycore.base.jit import warm_up
from pycore.merkle import patricia, patricia_jit, sparse_jit
warm_up()
from numba.core.registry import CPUDispatcher
# called by other kernels alone, whose cached code contains them
parts = {"_bit", "_same", "_shared_bits", "_new_inner", "_link", "_remove"}
parts |= {"_item", "_items", "_is_child", "_nibble", "_walk"}
hits = misses = entries = 0
for module in (patricia_jit, sparse_jit):
    for name, kernel in vars(module).items():
        if isinstance(kernel, CPUDispatcher):
            assert kernel.targetoptions.get("nogil") and not kernel.targetoptions.get("parallel"), name
            assert kernel.signatures or name in parts, name
            entries += name not in parts
            hits += sum(kernel.stats.cache_hits.values())
            misses += sum(kernel.stats.cache_misses.values())
print(hits, misses, entries)
"""


def _run(cache: Path) -> tuple[int, int, int]:
    """Kernels found in the cache, kernels compiled, and kernels that Python calls."""
    done = subprocess.run(
        [sys.executable, "-c", _USE_ALL],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    hits, misses, entries = map(int, done.stdout.split())
    return hits, misses, entries


def test_kernels_are_cached_between_runs(tmp_path: Path) -> None:
    hits, misses, entries = _run(tmp_path)
    assert hits == 0
    assert misses >= max(entries, 11)
    hits, misses, entries = _run(tmp_path)
    assert hits == entries > 0
    assert misses == 0


def test_no_folder_for_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled once per process then; the kernel works all the same."""
    import numba

    from pycore.base import jit

    real = numba.njit

    def without_cache(*args: object, **options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", without_cache)
    assert jit.kernel(_add)(2, 3) == 5


def _add(a: int, b: int) -> int:
    return a + b
