"""The budget of vector operations (tools/uops.py) notices a kernel that grew or vanished, and reads real objects."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("uops", ROOT / "tools/uops.py")
assert _SPEC is not None
assert _SPEC.loader is not None
uops: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(uops)

BUDGET = {"k256_dbl": 100, "k256_madd": 200}


@pytest.mark.parametrize(
    ("here", "problems"),
    [
        ({"k256_dbl": 100, "k256_madd": 200}, 0),
        ({"k256_dbl": 50, "k256_madd": 206}, 0),
        ({"k256_dbl": 104, "k256_madd": 200}, 1),
        ({"k256_dbl": 104, "k256_madd": 207}, 2),
        ({"k256_madd": 200}, 1),
        ({"k256_dbl": 100, "k256_madd": 200, "p256_dbl": 9}, 0),
    ],
)
def test_comparison(here: dict[str, int], problems: int) -> None:
    assert len(uops.compare("avx2", here, BUDGET)) == problems


def test_budget_names_known_kernels() -> None:
    budgets = json.loads((ROOT / "tools/uops.json").read_text(encoding="utf-8"))
    for of_compiler in budgets.values():
        assert set(of_compiler) == set(uops.REGISTERS)
        for kernels in of_compiler.values():
            assert set(kernels) <= set(uops.KERNELS)
            assert len(kernels) >= 15


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="counts x86-64 instructions")
@pytest.mark.skipif(not all(map(shutil.which, ("gcc", "objdump", "readelf", "ar"))), reason="needs gcc and binutils")
def test_counting(tmp_path: Path) -> None:
    """Two additions of a called function, its moves and its other registers not counted; a clone counts by its name."""
    (tmp_path / "one.s").write_text(
        "k256_dbl:\n vmovdqu (%rdi), %ymm0\n vpaddq %ymm1, %ymm0, %ymm0\n vpaddq %ymm2, %ymm0, %ymm0\n"
        " vpaddq %xmm1, %xmm0, %xmm0\n add %rax, %rax\n ret\n"
        "k256_madd.constprop.0:\n vpxor %ymm1, %ymm0, %ymm0\n ret\nother:\n vpaddq %ymm1, %ymm0, %ymm0\n ret\n"
    )
    subprocess.run(["gcc", "-c", "-o", tmp_path / "one.o", tmp_path / "one.s"], check=True)
    subprocess.run(["ar", "rcs", tmp_path / "libpc_avx2.a", tmp_path / "one.o"], check=True)
    assert uops.counts(tmp_path / "libpc_avx2.a", "%ymm") == {"k256_dbl": 2, "k256_madd": 1}
    done = subprocess.run(
        [sys.executable, ROOT / "tools/uops.py", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "no budget for another compiler" in done.stdout
