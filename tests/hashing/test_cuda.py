"""The backend "cuda" without a GPU, its hashes compiled for the CPU, and the tests in the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

import pycore
from pycore.cli._gpu_calibrate import HASH, Race, crossovers, hash_races
from pycore.hashing import gpu as cuda
from pycore.hashing.gpu import _words, choice, keccak, sha256, sm3

HERE = Path(__file__).resolve().parent
without_gpu = pytest.mark.skipif(not cuda.unusable(), reason="there is a GPU")


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYCORE_BACKEND", "NUMBA_ENABLE_CUDASIM")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_in_the_simulator() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            str(HERE / "cuda_simulated.py"),
        ],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        cwd=Path(pycore.__file__).parent.parent,  # where Python looks for pycore first
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


# ---- the texts, compiled: the types that a GPU's compiler sees -------------------------------------------------------


@njit
def _merkle_damgard(compress, iv, blocks, digest):  # type: ignore[no-untyped-def]
    h = iv
    for b in range(len(blocks)):
        w = blocks[b]
        h = compress(
            h,
            (w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11], w[12], w[13], w[14], w[15]),
        )
    for k in range(8):
        digest[k] = h[k]


@pytest.mark.parametrize(("name", "module"), [("sha256", sha256), ("sm3", sm3)], ids=["sha256", "sm3"])
def test_compression(name: str, module: object) -> None:
    rng = np.random.default_rng(3)
    for size in (0, 3, 55, 56, 64, 1000):
        message = rng.bytes(size)
        padded = message + b"\x80" + bytes(-(size + 9) % 64) + (8 * size).to_bytes(8, "big")
        digest = np.empty(8, np.uint32)
        _merkle_damgard(
            module.compress, module.IV, np.frombuffer(padded, ">u4").astype(np.uint32).reshape(-1, 16), digest
        )
        assert digest.astype(">u4").tobytes() == pycore.hash(name, message)


@njit
def _keccak(lanes, digest):  # type: ignore[no-untyped-def]
    a = keccak.ZERO
    for b in range(len(lanes)):
        w = lanes[b]
        a = keccak.permute(
            keccak.absorb(
                a,
                (
                    w[0],
                    w[1],
                    w[2],
                    w[3],
                    w[4],
                    w[5],
                    w[6],
                    w[7],
                    w[8],
                    w[9],
                    w[10],
                    w[11],
                    w[12],
                    w[13],
                    w[14],
                    w[15],
                    w[16],
                ),
            )
        )
    words = keccak.digest(a)
    for k in range(8):
        digest[k] = words[k]


@pytest.mark.parametrize(("name", "pad"), [("keccak256", 1), ("sha3-256", 6)])
def test_permutation(name: str, pad: int) -> None:
    rng = np.random.default_rng(4)
    for size in (0, 3, 134, 136, 1000):
        message = rng.bytes(size)
        padded = bytearray(message + bytes([pad]) + bytes(-(size + 1) % 136))
        padded[-1] |= 0x80
        digest = np.empty(8, np.uint32)
        _keccak(np.frombuffer(bytes(padded), "<u8").reshape(-1, 17), digest)
        assert digest.astype("<u4").tobytes() == pycore.hash(name, message)


def test_words() -> None:
    assert _words.swap32(np.uint32(0x01020384)) == 0x84030201
    assert _words.rotl32(np.uint32(0x80000001), 4) == 0x18
    assert _words.rotr32(np.uint32(0x80000001), 4) == 0x18000000
    assert _words.rotl64(np.uint64(0x8000000000000001), 63) == 0xC000000000000000


# ---- without a GPU --------------------------------------------------------------------------------------------------


def test_nothing_is_imported_before_it_is_needed() -> None:
    done = _python(
        "import sys, pycore, pycore.hashing.gpu; pycore.hash_batch('sha256', [b'a'] * 20000); pycore.capabilities();"
        "print([name for name in sys.modules if name.split('.')[0] in ('numba', 'llvmlite', 'numba_cuda')])"
    )
    assert done.stdout.strip() == "[]", done.stderr


@without_gpu
def test_asking_for_it() -> None:
    with pytest.raises(pycore.BackendUnavailable) as caught:
        pycore.use_backend("cuda")
    assert caught.value.name == "cuda"
    assert caught.value.reason == cuda.unusable()
    assert "portable" in caught.value.usable
    with pytest.raises(pycore.BackendUnavailable):
        next(hash_races(0))


@without_gpu
def test_it_is_listed_with_the_reason() -> None:
    row = pycore.capabilities().backends[0]
    assert (row.name, row.usable, row.reason) == ("cuda", False, cuda.unusable())
    assert pycore.capabilities().active["sha256"] != "cuda"


_EVERY_CALL = """
import json, os
import pycore
def said(call):
    try:
        call()
    except pycore.BackendUnavailable as error:
        return error.name
    return ""
keys, signatures, messages = pycore.testing.generate_signatures("ed25519", 3)
print(json.dumps([
    said(lambda: pycore.hash_batch("sha256", [b"a"])),
    said(lambda: pycore.merkle_root([b"a"])),
    said(lambda: pycore.hash_batch("sha512", [b"a"])),
    said(lambda: pycore.verify_batch("ed25519", keys, signatures, messages).raise_if_invalid()),
    said(pycore.capabilities),
    os.environ["PYCORE_BACKEND"],
]))
"""


@without_gpu
def test_the_environment_asks_for_it() -> None:
    done = _python(_EVERY_CALL, PYCORE_BACKEND="cuda")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["cuda", "cuda", "", "", "cuda", "cuda"]


def test_the_environment_asks_for_it_and_the_simulator_is_on() -> None:
    done = _python(_EVERY_CALL, PYCORE_BACKEND="cuda", NUMBA_ENABLE_CUDASIM="1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["", "", "", "", "", "cuda"]


# ---- the crossover --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "long", "start"),
    [("++++", "++++", 1), ("++++", "--++", 4), ("+++-", "++++", None), ("---+", "++++", 8), ("-+-+", "++++", 8)],
)
def test_crossover(short: str, long: str, start: int | None) -> None:
    """Won (+) or lost at 1, 2, 4 and 8 messages, of two widths; races of another hash do not count."""
    found = [
        Race(HASH, "sha256", 1 << k, width, 1.0, 2.0 if won == "+" else 1.0)
        for width, row in ((64, short), (1024, long))
        for k, won in enumerate(row)
    ]
    other = [Race(HASH, "sm3", 1 << k, 64, 2.0, 1.0) for k in range(5)]
    assert crossovers([*other, *found]) == {"sm3": None, "sha256": start}


@without_gpu
def test_bench_names_what_is_missing(tmp_path: Path) -> None:
    """No GPU: exit code 3 and the reason; in the simulator nothing is timed either."""
    code = "import sys; from pycore.cli import main; sys.argv = ['pycore', 'bench', 'cuda', '--json']; sys.exit(main())"
    done = _python(code)
    assert done.returncode == 3, done.stderr
    assert cuda.unusable() in json.loads(done.stdout)["error"]["message"]
    done = _python(code, NUMBA_ENABLE_CUDASIM="1")
    assert done.returncode == 3, done.stderr
    assert "the simulator's speed says nothing" in done.stderr


@pytest.mark.parametrize("words", ["cuda sm2", "cuda --backend portable", "sm2 --calibrate"])
def test_bench_takes_cuda_alone(words: str) -> None:
    code = (
        f"import sys; from pycore.cli import main; sys.argv = ['pycore', 'bench', *{words.split()}]; sys.exit(main())"
    )
    assert _python(code).returncode == 2


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"device": "x", "from": {"sha256": 1}}', '{"from": 3}'])
def test_a_measurement_of_another_machine(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cuda.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv("PYCORE_CUDA_CALIBRATION", str(path))
    assert choice.calibration_path() == path
    choice._crossovers.cache_clear()
    try:
        assert choice._crossovers() == {}
    finally:
        choice._crossovers.cache_clear()
