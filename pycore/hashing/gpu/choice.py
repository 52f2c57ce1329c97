"""When a batch goes to a GPU instead of the C core: the backend "cuda".

It is a device next to the C core's backends, not one of them: it hashes messages and computes Merkle roots
(``pycore.base.device.HASHES``), and what it has no kernel for runs on the best CPU backend. A call goes there

- where it is asked for, by ``PYCORE_BACKEND=cuda`` or ``use_backend("cuda")``: a GPU that cannot be used is an error
  then, of every call that would have gone to it;
- by itself from the batch size on at which the GPU of this machine was measured to win
  (``pycore bench cuda --calibrate``). Without such a measurement: never.

Nothing here imports Numba until a call really goes to a GPU.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.base import device

if TYPE_CHECKING:
    from pycore.base.columns import Column
    from pycore.base.registry import Hash

__all__ = ["calibration_path", "require", "wanted"]

AUTO_FROM = 1 << 13
"""No batch below this is looked up: the copies alone take as long as the CPU's work."""
MAX_PREFIX = 8
"""Bytes that the kernels can put before a message."""
_MAX_WIDTH = 1024  # bytes per message, on average, up to which a crossover was measured


def wanted(algorithm: Hash, messages: Column) -> bool:
    """Whether a call over these messages, or leaves, goes to the GPU.

    Raises:
        BackendUnavailable: it was asked for, and cannot be used.
    """
    asked, n = device.current(), messages.n
    if asked == "cpu" or (asked == "auto" and n < AUTO_FROM) or algorithm.name not in device.HASHES:
        return False
    if asked == device.DEVICE:
        require(algorithm.name)
        return True
    start = _crossovers().get(algorithm.name)
    if start is None or n < start or messages.nbytes > n * _MAX_WIDTH or device.unusable():
        return False
    return not _failure(algorithm.name)


def require(name: str) -> None:
    """BackendUnavailable unless the GPU can be used and its kernels for this hash give known answers."""
    reason = device.unusable() or _failure(name)
    if reason:
        device.refuse(reason)


def _failure(name: str) -> str:
    from pycore.hashing.gpu import _launch

    return _launch.failure(name)


# ---- the measured crossover -----------------------------------------------------------------------------------------


def calibration_path() -> Path:
    """Where ``pycore bench cuda --calibrate`` keeps what it measured."""
    given = os.environ.get("PYCORE_CUDA_CALIBRATION")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pycore" / "cuda.json"


@cache
def _crossovers() -> dict[str, int]:
    """By hash the number of messages from which the GPU was measured to win; empty if another GPU was measured."""
    try:
        kept: Any = json.loads(calibration_path().read_text(encoding="utf-8"))
    except (OSError, RuntimeError, ValueError):  # never calibrated, no home folder, not JSON
        return {}
    if device.simulated() or device.unusable() or not isinstance(kept, dict):
        return {}
    from pycore.hashing.gpu._target import device_name

    found = kept.get("from")
    if not isinstance(found, dict) or kept.get("device") != device_name():
        return {}
    return {name: n for name, n in found.items() if isinstance(n, int) and n > 0}
