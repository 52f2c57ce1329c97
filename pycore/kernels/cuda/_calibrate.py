"""From which batch size on the GPU at hand is faster than the CPU."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np

from pycore import _device, cpu, hashing
from pycore._native import DEVICE
from pycore.errors import BackendUnavailable
from pycore.kernels.cuda import HASHES, simulated
from pycore.kernels.cuda._target import cuda

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZES = tuple(1 << k for k in range(13, 21))
WIDTHS = (64, 1024)


def device_name() -> str:
    """Name and compute capability of the current GPU: a measurement holds for these; "" when there is none."""
    try:
        current = cuda.get_current_device()
        name = current.name.decode() if isinstance(current.name, bytes) else str(current.name)
        return f"{name} sm_{current.compute_capability[0]}{current.compute_capability[1]}"
    except Exception:  # whatever a driver raises that does not work
        return ""


def measure(path: Path | None, seconds: float) -> dict[str, int | None]:
    """See :func:`pycore.kernels.cuda.calibrate`."""
    _device.require()
    if simulated():
        raise BackendUnavailable(DEVICE, "the simulator's speed says nothing about a GPU", [])
    found: dict[str, int | None] = {}
    for name in HASHES:
        _device.require(name)
        found[name] = crossover([[_race(name, n, width, seconds) for n in SIZES] for width in WIDTHS])
    target = path or _device.calibration_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"device": device_name(), "from": found}, indent=1) + "\n", encoding="utf-8")
    _device._crossovers.cache_clear()
    return found


def crossover(wins: list[list[bool]]) -> int | None:
    """The smallest of SIZES from which on every width won at every size; None when there is none."""
    start = None
    for n, column in reversed(list(zip(SIZES, zip(*wins, strict=True), strict=True))):
        if not all(column):
            break
        start = n
    return start


def _race(name: str, n: int, width: int, seconds: float) -> bool:
    """Whether n messages are hashed faster on the GPU, copies included: best of several, alternately."""
    messages = np.random.default_rng(n).integers(0, 256, (n, width), dtype=np.uint8)
    with cpu.use_backend(DEVICE):
        on_gpu = [_timed(lambda: hashing.hash_batch(name, messages))]  # the first call compiles
    on_gpu, on_cpu = [], []
    end = time.perf_counter() + seconds
    while len(on_gpu) < 3 or time.perf_counter() < end:
        with cpu.use_backend(DEVICE):
            on_gpu.append(_timed(lambda: hashing.hash_batch(name, messages)))
        with cpu.use_backend("auto"):
            variable = _device.choice_variable()
            token = variable.set("cpu")
            try:
                on_cpu.append(_timed(lambda: hashing.hash_batch(name, messages)))
            finally:
                variable.reset(token)
    return min(on_gpu) < min(on_cpu)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
