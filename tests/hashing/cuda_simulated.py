"""The CUDA kernels in the simulator: ``test_cuda.py`` runs this file in a separate process, with the simulator on.

A simulated thread is a Python thread, so batches are tiny; every answer is compared with the C core's.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import pycore
from pycore import HASHES, TREES
from pycore.base import ffi, parallel
from pycore.cli import _gpu_calibrate as _calibrate
from pycore.cli import _gpu_races as gpu
from pycore.hashing import gpu as cuda
from pycore.hashing.batch import hash_column
from pycore.hashing.gpu import _launch, choice
from pycore.merkle.tree import merkle_root

NAMES = list(cuda.HASHES)
EDGES = [0, 1, 3, 4, 5, 54, 55, 56, 63, 64, 65, 119, 120, 127, 128, 135, 136, 137, 271, 272]


@pytest.fixture(autouse=True)
def _on_the_device() -> Iterator[None]:
    assert cuda.simulated()
    with pycore.use_backend("cuda"):
        yield


def _cpu(name: str, messages: object) -> np.ndarray:
    with pycore.use_backend("portable"):
        return pycore.hash_batch(name, messages)


def _launches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of threads of the launches to come: proof that a call went to the device."""
    counts: list[int] = []
    real = _launch._launch

    def counting(function: object, n: int, *arguments: object) -> None:
        counts.append(n)
        real(function, n, *arguments)

    monkeypatch.setattr(_launch, "_launch", counting)
    return counts


@pytest.mark.parametrize("name", NAMES)
def test_edges_of_blocks(name: str) -> None:
    rng = random.Random(name)
    for width in EDGES:
        messages = (
            np.frombuffer(rng.randbytes(2 * width), np.uint8).reshape(2, width) if width else np.empty((2, 0), np.uint8)
        )
        assert (pycore.hash_batch(name, messages) == _cpu(name, messages)).all(), width


@pytest.mark.parametrize("name", NAMES)
def test_ragged(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(name)
    messages = [rng.randbytes(size) for size in rng.sample(EDGES, 8) + [rng.randrange(300) for _ in range(6)]]
    wanted = _cpu(name, messages)
    counts = _launches(monkeypatch)
    assert (pycore.hash_batch(name, messages) == wanted).all()
    assert counts == [14]
    column = pycore.batch(messages)[3:9]  # offsets that do not begin at zero
    assert (pycore.hash_batch(name, column) == wanted[3:9]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prefix", [b"", b"\x00", b"\x01", b"abc", b"12345678"])
def test_prefixes(name: str, prefix: bytes) -> None:
    for size in (0, 1, 2, 6, 51, 56, 64, 128, 133):
        messages = [bytes(range(size)), bytes(size)]
        wanted = _cpu(name, [prefix + message for message in messages])
        found = hash_column(HASHES[name], pycore.batch(messages), threads=1, prefix=prefix)
        assert (found == wanted).all(), size


def test_strides_and_empty_batches() -> None:
    data = np.arange(6 * 40, dtype=np.uint8).reshape(6, 40)
    for messages in (data[::-2, :33], np.broadcast_to(data[1], (3, 40)), data[:0], []):
        assert (pycore.hash_batch("sm3", messages) == _cpu("sm3", messages)).all()


def test_more_than_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    ragged = [bytes([i]) * (7 * i % 50) for i in range(13)]
    fixed = np.arange(11 * 20, dtype=np.uint8).reshape(11, 20)
    wanted = _cpu("sha256", ragged), _cpu("sha256", fixed)
    monkeypatch.setattr(_launch, "PIECE_ROWS", 4)
    for limit in (1, 30, 45, 1 << 20):
        monkeypatch.setattr(_launch, "PIECE_BYTES", limit)
        assert (pycore.hash_batch("sha256", ragged) == wanted[0]).all()
        assert (pycore.hash_batch("sha256", fixed) == wanted[1]).all()


@pytest.mark.parametrize("shape", sorted(TREES))
@pytest.mark.parametrize("pieces", ["one", "many"])
def test_merkle_roots(shape: str, pieces: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if pieces == "many":
        monkeypatch.setattr(_launch, "PIECE_ROWS", 4)
        monkeypatch.setattr(_launch, "PIECE_BYTES", 70)
    counts = _launches(monkeypatch)
    for n in (0, 1, 2, 3, 5, 6, 9):
        name = ("sha256", "sm3", "keccak256")[n % 3]
        leaves = np.random.default_rng(n).integers(0, 256, (n, 32), dtype=np.uint8)
        for hashed in (False, True):
            with pycore.use_backend("portable"):
                wanted = merkle_root(leaves, tree=shape, hash=name, hashed=hashed)
            counts.clear()
            assert merkle_root(leaves, tree=shape, hash=name, hashed=hashed) == wanted, n
            assert bool(counts) == (
                n > 1 or (n == 1 and shape == "rfc9162" and not hashed) or (not n and shape == "rfc9162")
            )
    if TREES[shape].pads:
        with pycore.use_backend("portable"):
            wanted = merkle_root([b"\x05" * 32] * 3, tree=shape, limit=20)
        assert merkle_root([b"\x05" * 32] * 3, tree=shape, limit=20) == wanted


def test_ragged_leaves() -> None:
    leaves = [b"", b"a", b"b" * 100, b"c" * 64, b"d"]
    with pycore.use_backend("portable"):
        wanted = merkle_root(leaves)
    assert merkle_root(leaves) == wanted


def test_what_has_no_kernel_runs_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = _launches(monkeypatch)
    assert (pycore.hash_batch("sha512", [b"abc"]) == _cpu("sha512", [b"abc"])).all()
    assert len(merkle_root([bytes(64)] * 2, tree="chainmaker", hash="sha512")) == 64
    assert not counts
    found = pycore.capabilities()
    assert {name: found.active[name] == "cuda" for name in HASHES} == {name: name in NAMES for name in HASHES}
    assert "cuda" not in {found.active[name] for name in pycore.SCHEMES}


def test_a_cpu_backend_is_never_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = _launches(monkeypatch)
    monkeypatch.setattr(choice, "_crossovers", lambda: {"sha256": 2})
    monkeypatch.setattr(choice, "AUTO_FROM", 2)
    for name in ("portable", "auto"):
        with pycore.use_backend(name):
            pycore.hash_batch("sha256", [b"a", b"bb", b"c"], threads=1)  # with threads= few messages have no short way
            assert bool(counts) == (name == "auto")
            counts.clear()
            pycore.hash_batch("sha256", [b"a"])  # below the crossover
            pycore.hash_batch("sha256", [bytes(2000), bytes(2001), b""])  # longer than what it was measured for
            pycore.hash_batch("sm3", [b"a", b"bb", b"c"])  # no crossover
            assert not counts


def test_never_by_itself_without_a_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = _launches(monkeypatch)
    monkeypatch.setattr(choice, "AUTO_FROM", 1)
    with pycore.use_backend("auto"):
        pycore.hash_batch("sha256", [b"a", b"bb"] * 5)
    assert not counts


def test_kernels_that_give_wrong_answers_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = _launch.kernels("sm3")
    monkeypatch.setattr(_launch, "kernels", lambda name: wrong)
    _launch.failure.cache_clear()
    try:
        with pytest.raises(pycore.BackendUnavailable, match="the kernels of sha256 give wrong digests"):
            pycore.hash_batch("sha256", [b"abc"])
        monkeypatch.setattr(choice, "_crossovers", lambda: {"sha256": 1})
        monkeypatch.setattr(choice, "AUTO_FROM", 1)
        with pycore.use_backend("auto"):  # not asked for: the CPU does it
            messages = [b"abc", b"abcd"]
            assert (pycore.hash_batch("sha256", messages) == _cpu("sha256", messages)).all()
    finally:
        _launch.failure.cache_clear()


def test_the_simulator_cannot_be_calibrated() -> None:
    with pytest.raises(pycore.BackendUnavailable, match="says nothing"):
        _calibrate.measure(None, 0)


def _seconds_by_device(work: Callable[[], object]) -> float:
    """Runs the work and gives a time that no machine's speed decides: the GPU takes twice as long."""
    work()
    on_cpu = isinstance(work, functools.partial) and work.func is _calibrate._on_cpu
    return 1.0 if on_cpu else 2.0


def test_races_and_what_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The whole measurement on tiny batches, as if the simulator were a GPU that loses every race."""
    monkeypatch.setattr(_calibrate, "simulated", lambda: False)
    monkeypatch.setattr(_calibrate, "SIZES", (1, 2, 4))
    monkeypatch.setattr(_calibrate, "WIDTHS", (3,))
    monkeypatch.setattr(_calibrate, "HASHES", ("sha256", "sm3"))
    monkeypatch.setattr(_calibrate, "_timed", _seconds_by_device)
    counts = _launches(monkeypatch)
    found = [*_calibrate.hash_races(0, (1, 4)), *gpu.root_races(0, (2,))]
    assert [(race.work, race.name, race.items) for race in found] == [
        ("hash", "sha256", 1),
        ("hash", "sha256", 4),
        ("hash", "sm3", 1),
        ("hash", "sm3", 4),
        ("Merkle root", "rfc9162, sha256", 2),
        ("Merkle root", "chainmaker, sm3", 2),
    ]
    assert len(counts) >= 4 * len(found)  # one call to compile, and three at least
    assert all(race.gpu_seconds > race.cpu_seconds > 0 and race.ratio < 1 for race in found)
    assert set(_calibrate.crossovers(found).values()) == {None}
    assert len(gpu.line(found[0])) == len(gpu.COLUMNS)
    assert [row["items"] for row in gpu.document(found)["races"]] == [1, 4, 1, 4, 2, 2]
    monkeypatch.setenv("PYCORE_CUDA_CALIBRATION", str(tmp_path / "deep" / "cuda.json"))
    won = [race._replace(cpu_seconds=1e9) for race in found]
    kept = json.loads(_calibrate.keep(won).read_text())
    assert kept["from"] == {"sha256": 1, "sm3": 1}  # roots are not hashes
    assert _calibrate.measure(tmp_path / "other.json", 0) == {"sha256": None, "sm3": None}
    assert json.loads((tmp_path / "other.json").read_text())["from"] == {"sha256": None, "sm3": None}


def test_a_gpu_that_is_wrong_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_calibrate, "simulated", lambda: False)
    answers = iter([np.zeros((1, 32), np.uint8), np.ones((1, 32), np.uint8)])
    monkeypatch.setattr(_calibrate, "hash_batch", lambda name, messages: next(answers))
    with pytest.raises(AssertionError, match="disagree"):
        next(_calibrate.hash_races(0, (1,)))


def test_threads_argument() -> None:
    assert parallel.get_threads() >= 1
    assert (pycore.hash_batch("sha256", [b"a", b"b"], threads=2) == _cpu("sha256", [b"a", b"b"])).all()
    assert ffi.current_backend() == ffi.AUTO
