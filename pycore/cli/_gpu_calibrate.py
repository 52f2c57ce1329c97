"""This machine's GPU against its CPU over batch sizes: from which size on the GPU is faster."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base import backends, device
from pycore.base.device import DEVICE, HASHES, simulated
from pycore.errors import BackendUnavailable
from pycore.hashing.batch import hash_batch
from pycore.hashing.gpu import choice
from pycore.hashing.gpu._target import device_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

SIZES = tuple(1 << k for k in range(13, 21))
WIDTHS = (64, 1024)
HASH, ROOT = "hash", "Merkle root"


class Race(NamedTuple):
    """One batch on both, copies included.

    Attributes:
        work: HASH or ROOT.
        name: the hash, for roots after the tree's name.
        items: messages, or leaves.
        width: bytes of each.
        gpu_seconds, cpu_seconds: the best of several calls, in turn; the CPU's with all threads.
    """

    work: str
    name: str
    items: int
    width: int
    gpu_seconds: float
    cpu_seconds: float

    @property
    def ratio(self) -> float:
        """The CPU's time / the GPU's: above 1 the GPU is faster."""
        return self.cpu_seconds / self.gpu_seconds


def require_gpu() -> None:
    """BackendUnavailable where nothing can be measured: no GPU, or only the simulator."""
    device.require()
    if simulated():
        raise BackendUnavailable(DEVICE, "the simulator's speed says nothing about a GPU", [])


def hash_races(seconds: float, sizes: Sequence[int] | None = None) -> Iterator[Race]:
    """Every hash that has a kernel, at every width and size, each for about that long."""
    require_gpu()
    for name in HASHES:
        choice.require(name)
        for width in WIDTHS:
            for n in sizes or SIZES:
                messages = np.random.default_rng(n).integers(0, 256, (n, width), dtype=np.uint8)
                yield Race(HASH, name, n, width, *race(partial(hash_batch, name, messages), seconds))


def crossovers(races: Sequence[Race]) -> dict[str, int | None]:
    """By name the smallest size from which on the GPU won every race; None where it lost the largest."""
    found: dict[str, int | None] = {}
    for name in dict.fromkeys(race.name for race in races):
        own = [race for race in races if race.name == name]
        start = None
        for n in sorted({race.items for race in own}, reverse=True):
            if not all(race.ratio > 1 for race in own if race.items == n):
                break
            start = n
        found[name] = start
    return found


def keep(races: Sequence[Race], path: Path | None = None) -> Path:
    """Saves what the races over hashes showed for this GPU; returns the file."""
    target = path or choice.calibration_path()
    found = crossovers([race for race in races if race.work == HASH])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"device": device_name(), "from": found}, indent=1) + "\n", encoding="utf-8")
    choice._crossovers.cache_clear()
    return target


def measure(path: Path | None, seconds: float) -> dict[str, int | None]:
    """Measure from which batch size the GPU beats the CPU, and keep it for later processes of this machine.

    Args:
        path: where to keep the result; None: ``$PYCORE_CUDA_CALIBRATION``, or ``pycore/cuda.json`` in the user's cache
            folder, where later processes look for it.
        seconds: at most this long per measurement.

    Returns:
        For every hash, the number of messages from which the GPU was faster at every size tried, copies included, for
        messages of 64 and of 1,024 bytes, against all threads of the CPU; None where it never was.

    Raises:
        BackendUnavailable: no GPU, or only the simulator.
    """
    races = list(hash_races(seconds))
    keep(races, path)
    return crossovers(races)


def race(run: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Best seconds of one call on the GPU and on the CPU, whose answers must be equal bytes."""
    with backends.use_backend(DEVICE):
        on_device = run()  # the first call compiles
    if not np.array_equal(np.frombuffer(on_device, np.uint8), np.frombuffer(_on_cpu(run), np.uint8)):
        raise AssertionError("the GPU and the CPU disagree")
    on_gpu: list[float] = []
    on_cpu: list[float] = []
    end = time.perf_counter() + seconds
    while len(on_gpu) < 3 or time.perf_counter() < end:
        with backends.use_backend(DEVICE):
            on_gpu.append(_timed(run))
        on_cpu.append(_timed(partial(_on_cpu, run)))
    return min(on_gpu), min(on_cpu)


def _on_cpu(run: Callable[[], Any]) -> Any:
    """On the backend that this CPU would take without a GPU."""
    with backends.use_backend("auto"):
        variable = device.choice_variable()
        token = variable.set("cpu")
        try:
            return run()
        finally:
            variable.reset(token)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
