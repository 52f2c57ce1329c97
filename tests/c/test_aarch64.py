"""The hashes of aarch64 against published digests: cross-compiled, run under an emulator that has every extension.

Skipped, by name, where the cross compiler or the emulator is absent. `make -C csrc/tests check-aarch64` compares the
same kernels with plain C.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from readers import hashes
from test_vectors_hashes import FILES, IDS

ROOT = Path(__file__).resolve().parents[2]
COMPILER = "aarch64-linux-gnu-gcc"
EMULATOR = next((name for name in ("qemu-aarch64", "qemu-aarch64-static") if shutil.which(name)), None)
ABSENT = [name for name in (COMPILER, "make") if not shutil.which(name)] + ([] if EMULATOR else ["qemu-aarch64"])

LANES = {"neonsha3", "neon", "portable"}
OWN = {"sha256": "armsha2", "sha256d": "armsha2", "sha512": "armsha512", "sm3": "armsm3"}  # instructions for one hash

pytestmark = [
    pytest.mark.skipif(bool(ABSENT), reason=f"absent: {', '.join(ABSENT)}"),
    pytest.mark.xdist_group("c"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`digests.c` with the library, hashes alone, for aarch64: built as the C tests build it, once for both."""
    folder = ROOT / "build" / "ctests" / "aarch64"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    flags = ["CFLAGS=-Werror -O2 -DPC_HASHES_ONLY=1", f"CC={COMPILER}", f"BUILD={folder}"]
    with (folder / "lock").open("w") as lock:  # another worker may want it at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", str(ROOT / "csrc"), *flags], check=True, env=environment)
    path = tmp_path_factory.mktemp("aarch64") / "digests"
    source = [
        "-std=c11",
        "-pedantic",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{ROOT / 'csrc'}",
        str(ROOT / "tests/c/digests.c"),
    ]
    library = [str(folder / "libpycore.a"), "-lpthread"]
    subprocess.run([COMPILER, "-static", *source, *library, "-o", str(path)], check=True)
    return path


def digests(program: Path, algorithm: str, messages: list[bytes]) -> dict[str, list[bytes]]:
    """The digests of `messages` by every backend that has a kernel."""
    assert EMULATOR
    text = "".join(message.hex() + "\n" for message in messages)
    command = [EMULATOR, "-cpu", "max", str(program), algorithm]
    environment = {**os.environ, "PYCORE_BACKEND": ""}  # what is forced here is no backend there
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[bytes]] = {}
    for line in done.stdout.splitlines():
        backend, index, digest = line.split()
        rows = found.setdefault(backend, [])
        assert int(index) == len(rows)
        rows.append(bytes.fromhex(digest))
    return found


@pytest.mark.vectors
@pytest.mark.parametrize(("source", "algorithm", "read", "cases"), FILES, ids=IDS)
def test_published(
    source: str,
    algorithm: str,
    read: Callable[[Path], hashes.Digests],
    cases: int,
    program: Path,
    require_vectors: Callable[[str], Path],
    count_cases: Callable[..., None],
) -> None:
    rows = read(require_vectors(source))
    assert len(rows) == cases
    found = digests(program, algorithm, [message for _, message, _ in rows])
    assert set(found) == LANES | ({OWN[algorithm]} if algorithm in OWN else set())
    for backend, got in found.items():
        assert len(got) == cases
        for (label, _, digest), row in zip(rows, got, strict=True):
            assert row == digest, f"{source} {label} on {backend}"
    count_cases(f"{source} {algorithm}", cases, ways=2 * len(found))
