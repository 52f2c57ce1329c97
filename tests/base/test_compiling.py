"""How every kernel is compiled, cached and shared."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
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


@pytest.fixture(name="no_locator")
def no_locator_fixture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Numba finds a folder only where its setting names one; returns the folder for temporary files."""
    import numba

    from pycore.base import jit

    real = numba.njit

    def only_by_setting(*args: object, **options: object) -> object:
        if options.get("cache") and not numba.config.CACHE_DIR:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", only_by_setting)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(jit, "_said", [])
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_of_the_users_own(no_locator: Path, caplog: pytest.LogCaptureFixture) -> None:
    import numba

    from pycore.base import jit

    with caplog.at_level(logging.INFO, "pycore"):
        assert jit.kernel(_add)(2, 3) == 5
        assert jit.kernel(_add)(2, 4) == 6
    folder = no_locator / f"pycore-cache-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.rglob("*.nbi"))
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert numba.config.CACHE_DIR == ""


@pytest.mark.parametrize("fault", ["open", "a link", "a file", "open above", "another's above"])
def test_no_folder_for_a_cache(
    no_locator: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Compiled once per process then, which is said once; nothing is kept where others may write."""
    from pycore.base import jit

    folder = no_locator / f"pycore-cache-{os.geteuid()}"
    if fault == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif fault == "a link":
        (no_locator / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(no_locator / "elsewhere")
    elif fault == "a file":
        folder.write_bytes(b"")
    elif fault == "open above":
        no_locator.chmod(0o777)
    else:
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
        if not user:  # root's folders are trusted
            os.chown(no_locator, 4242, 4242)
    assert jit.kernel(_add)(2, 3) == 5
    assert jit.kernel(_add)(2, 4) == 6
    assert [(record.levelname, "compiles its kernels itself" in record.message) for record in caplog.records] == [
        ("WARNING", True)
    ]
    assert not list(no_locator.rglob("*.nbi"))


def _add(a: int, b: int) -> int:
    return a + b
