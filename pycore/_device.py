"""When a batch goes to a GPU instead of the C core: the backend "cuda".

It is a device beside the C core's backends, not one of them: it hashes messages and computes Merkle roots
(``pycore.kernels.cuda.HASHES``), and what it has no kernel for runs on the best CPU backend. A call goes there

- where it is asked for, by ``PYCORE_BACKEND=cuda`` or ``use_backend("cuda")``: a GPU that cannot be used is an error
  then, of every call that would have gone to it;
- by itself from the batch size on at which the GPU of this machine was measured to win
  (:func:`pycore.kernels.cuda.calibrate`). Without such a measurement: never.

Nothing here imports Numba until a call really goes to a GPU.
"""

from __future__ import annotations

import json
import os
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.base.ffi import DEVICE, BackendRow, backend_rows
from pycore.errors import BackendUnavailable
from pycore.kernels import cuda

if TYPE_CHECKING:
    from pycore.base.columns import Column
    from pycore.base.registry import Hash

__all__ = ["DEVICE", "HASHES", "calibration_path", "choice_variable", "require", "row", "wanted"]

HASHES = cuda.HASHES
AUTO_FROM = 1 << 13
"""No batch below this is looked up: the copies alone take as long as the CPU's work."""
MAX_PREFIX = 8
"""Bytes that the kernels can put before a message."""
_MAX_WIDTH = 1024  # bytes per message, on average, up to which a crossover was measured

_variable: ContextVar[str | None] = ContextVar("pycore_device", default=None)
_environment = os.environ.get("PYCORE_BACKEND", "")
_default = _environment if _environment == DEVICE else ("auto" if _environment in ("", "auto") else "cpu")


def choice_variable() -> ContextVar[str | None]:
    """What :func:`pycore.use_backend` sets: "cuda", "auto", "cpu" (a CPU backend), or None outside of it."""
    return _variable


def current() -> str:
    """ "cuda", "auto" or "cpu": what this context asks for."""
    return _variable.get() or _default


def wanted(algorithm: Hash, messages: Column) -> bool:
    """Whether a call over these messages, or leaves, goes to the GPU.

    Raises:
        BackendUnavailable: it was asked for, and cannot be used.
    """
    asked, n = _variable.get() or _default, messages.n
    if asked == "cpu" or (asked == "auto" and n < AUTO_FROM) or algorithm.name not in cuda.HASHES:
        return False
    if asked == DEVICE:
        require(algorithm.name)
        return True
    start = _crossovers().get(algorithm.name)
    if start is None or n < start or messages.nbytes > n * _MAX_WIDTH or cuda.unusable():
        return False
    return not _failure(algorithm.name)


def require(name: str | None = None) -> None:
    """BackendUnavailable unless the GPU can be used; with a hash's name, only if its kernels give known answers."""
    reason = cuda.unusable() or (_failure(name) if name else "")
    if reason:
        raise BackendUnavailable(DEVICE, reason, [row.name for row in backend_rows() if row.usable])


def _failure(name: str) -> str:
    from pycore.kernels.cuda import _launch

    return _launch.failure(name)


def row() -> BackendRow:
    """The device as a backend among the others. ``compiled``: what compiles its kernels is installed."""
    reason = cuda.unusable()
    return BackendRow(DEVICE, not reason or not reason.startswith("the package"), not reason, 0, reason)


# ---- the measured crossover -----------------------------------------------------------------------------------------


def calibration_path() -> Path:
    """Where :func:`pycore.kernels.cuda.calibrate` keeps what it measured."""
    given = os.environ.get("PYCORE_CUDA_CALIBRATION")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pycore" / "cuda.json"


@cache
def _crossovers() -> dict[str, int]:
    """From how many messages on the GPU was measured to win, by hash; empty for another GPU than the one measured."""
    try:
        kept: Any = json.loads(calibration_path().read_text(encoding="utf-8"))
    except (OSError, RuntimeError, ValueError):  # never calibrated, no home folder, not JSON
        return {}
    if cuda.simulated() or cuda.unusable() or not isinstance(kept, dict):
        return {}
    from pycore.kernels.cuda._calibrate import device_name

    found = kept.get("from")
    if not isinstance(found, dict) or kept.get("device") != device_name():
        return {}
    return {name: n for name, n in found.items() if isinstance(n, int) and n > 0}
