"""The library from C: `batch.c` is compiled against pycore.h, linked with libpycore.a, run, and its output compared."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from oracle.keccak import keccak256
from oracle.sm3 import sm3

import pycore

ROOT = Path(__file__).resolve().parents[2]
COMPILERS = [name for name in ("gcc", "clang", "cc") if shutil.which(name)]

pytestmark = [
    pytest.mark.skipif(not COMPILERS or shutil.which("make") is None, reason="a C compiler and make are needed"),
    pytest.mark.timeout(1200),  # the library may have to be compiled while other tests run
]


@pytest.fixture(scope="module")
def library() -> Path:
    """libpycore.a, built by the C Makefile as a C user would, where the C tests build theirs: one build serves all."""
    folder = ROOT / "build" / "ctests" / COMPILERS[0]
    folder.mkdir(parents=True, exist_ok=True)
    command = ["make", "-s", "-C", str(ROOT / "csrc"), f"BUILD={folder}", f"CC={COMPILERS[0]}", "CFLAGS=-Werror -O2"]
    with (folder / "lock").open("w") as lock:  # another worker may want it at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True, env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})
    return folder / "libpycore.a"


@pytest.fixture(scope="module")
def program(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "batch"
    flags = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'csrc'}"]
    source = str(ROOT / "tests/c/batch.c")
    subprocess.run([COMPILERS[0], *flags, source, str(library), "-lpthread", "-o", str(path)], check=True)
    return path


def run(program: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program], capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_program_output(program: Path) -> None:
    done = run(program, PYCORE_BACKEND="")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert rows["sha256"] == [hashlib.sha256(b"abc").hexdigest()]
    assert rows["sha256d"] == [hashlib.sha256(hashlib.sha256(b"abc").digest()).hexdigest()]
    assert rows["sha512"] == [hashlib.sha512(b"abc").hexdigest()]
    assert rows["sha3-256"] == [hashlib.sha3_256(b"abc").hexdigest()]
    assert rows["keccak256"] == [keccak256(b"abc").hex()]
    assert rows["sm3"] == [sm3(b"abc").hex()]

    level = [b"\x07" * 32] * 6
    while len(level) > 1:
        level += level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    assert rows["merkle-root"] == [level[0].hex()]

    wanted = ["VALID"] * 5 + ["BAD_SIGNATURE"] + ["VALID"] * 2
    for scheme in ("ed25519", "ecdsa-secp256k1", "ecdsa-p256", "sm2", "schnorr-secp256k1"):
        assert rows[scheme] == wanted, scheme


def test_the_readme_example_runs_as_it_stands(library: Path, tmp_path: Path) -> None:
    code = re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    (tmp_path / "example.c").write_text(code[1])
    flags = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'csrc'}", "-lpthread"]
    out = str(tmp_path / "example")
    subprocess.run([COMPILERS[0], str(tmp_path / "example.c"), str(library), *flags, "-o", out], check=True)
    done = subprocess.run([out], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == re.findall(r"/\* (sm3 .*) \*/", code[1])[-1]


def test_version_is_the_package_version(program: Path) -> None:
    version = (ROOT / "pycore/_version.py").read_text(encoding="utf-8").split('"')[-2]
    assert run(program, PYCORE_BACKEND="").stdout.splitlines()[0] == f"pycore {version}"


def test_forced_backend(program: Path) -> None:
    assert run(program, PYCORE_BACKEND="portable").returncode == 0
    refused = run(program, PYCORE_BACKEND="abacus")
    assert refused.returncode == 1
    assert "abacus" in refused.stderr


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("objdump") is None, reason="nm and objdump are needed")
def test_symbols_and_instructions(library: Path) -> None:
    """Only pc_* is exported, one symbol per backend, and no backend uses instructions beyond its row."""
    command = [sys.executable, str(ROOT / "tools/check_objects.py"), str(library.parent)]
    extensions = sorted(str(path) for path in (ROOT / "pycore").glob("_core*.so"))
    done = subprocess.run([*command, *extensions], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("objdump") is None, reason="nm and objdump are needed")
def test_the_check_itself_finds_a_leak(library: Path, tmp_path: Path) -> None:
    """An object with AVX code and a second symbol, under the portable backend's name, is reported for both."""
    if os.uname().machine != "x86_64":
        pytest.skip("the leak is written in x86 intrinsics")
    leak = tmp_path / "leak.c"
    leak.write_text(
        "#include <immintrin.h>\nconst int pc_backend_portable = 1;\n"
        "void pc_f(float *a) { _mm256_storeu_ps(a, _mm256_loadu_ps(a + 8)); }\n"
    )
    shutil.copy(library, tmp_path)
    target = str(tmp_path / "backend_portable.o")
    subprocess.run([COMPILERS[0], "-mavx2", "-c", str(leak), "-o", target], check=True)
    command = [sys.executable, str(ROOT / "tools/check_objects.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "exports ['pc_backend_portable', 'pc_f']" in done.stdout
    assert "instruction beyond its row" in done.stdout


def test_cpp_programs_may_include_the_header(library: Path, tmp_path: Path) -> None:
    compiler = next((name for name in ("g++", "clang++", "c++") if shutil.which(name)), None)
    if compiler is None:
        pytest.skip("no C++ compiler")
    source = tmp_path / "version.cpp"
    source.write_text(
        '#include "pycore.h"\n#include <cstdio>\nint main() { std::puts(pc_version()); return pc_init(); }\n'
    )
    program = tmp_path / "version"
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'csrc'}"]
    subprocess.run([compiler, *flags, str(source), str(library), "-lpthread", "-o", str(program)], check=True)
    done = run(program, PYCORE_BACKEND="portable")
    assert (done.returncode, done.stdout.strip()) == (0, pycore.__version__)


def test_make_install_and_pkg_config(library: Path, tmp_path: Path) -> None:
    """As a packager does: install below a folder, then build by what pkg-config says (or would say)."""
    folder, compiler = library.parent, COMPILERS[0]
    command = [
        "make",
        "-s",
        "-C",
        str(ROOT / "csrc"),
        "install",
        f"BUILD={folder}",
        f"CC={compiler}",
        "CFLAGS=-Werror -O2",
    ]
    clean = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([*command, f"PREFIX={tmp_path}"], check=True, env=clean)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "include/pycore.h",
        "lib/libpycore.a",
        "lib/pkgconfig/pycore.pc",
    ]
    said = (tmp_path / "lib/pkgconfig/pycore.pc").read_text()
    assert f"Version: {pycore.__version__}" in said
    if shutil.which("pkg-config"):
        found = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "pycore"],
            env={**clean, "PKG_CONFIG_PATH": str(tmp_path / "lib/pkgconfig")},
            check=True,
            capture_output=True,
            text=True,
        )
        flags = found.stdout.split()
    else:
        flags = [f"-I{tmp_path}/include", f"-L{tmp_path}/lib", "-lpycore", "-lpthread"]
    program = tmp_path / "digests"
    subprocess.run([compiler, str(ROOT / "tests/c/batch.c"), *flags, "-o", str(program)], check=True)
    assert run(program, PYCORE_BACKEND="").returncode == 0
