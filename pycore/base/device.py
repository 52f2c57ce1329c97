"""The slot for a GPU next to the C core's backends: its name, whether there is one, and what a context asks for.

The device hashes messages and computes Merkle roots (:data:`HASHES`); what it has no kernel for runs on the best CPU
backend. :mod:`pycore.hashing.gpu` fills the slot; nothing here imports Numba or starts a driver.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from importlib.util import find_spec
from typing import NoReturn

from pycore.base.extras import install_command
from pycore.base.ffi import DEVICE, BackendRow, backend_rows
from pycore.errors import BackendUnavailable

__all__ = ["DEVICE", "HASHES", "choice_variable", "current", "refuse", "require", "row", "simulated", "unusable"]

HASHES = ("sha256", "sha256d", "sm3", "keccak256", "sha3-256")
"""Names of the hashes that have a kernel; all have 32-byte digests."""

_variable: ContextVar[str | None] = ContextVar("pycore_device", default=None)
_environment = os.environ.get("PYCORE_BACKEND", "")
_default = _environment if _environment == DEVICE else ("auto" if _environment in ("", "auto") else "cpu")


def choice_variable() -> ContextVar[str | None]:
    """What :func:`pycore.use_backend` sets: "cuda", "auto", "cpu" (a CPU backend), or None outside of it."""
    return _variable


def current() -> str:
    """ "cuda", "auto" or "cpu": what this context asks for."""
    return _variable.get() or _default


def simulated() -> bool:
    """Whether kernels run in Numba's simulator (``NUMBA_ENABLE_CUDASIM=1``): for tests of a few messages."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


def unusable() -> str:
    """Why there is no GPU to use here, in words; "" when there seems to be one.

    Looks for the package, the driver and a device, and starts nothing: the kernels themselves are tested before their
    first use.
    """
    if simulated():
        return ""
    if find_spec("numba_cuda") is None:
        return f"the package numba-cuda is not installed: {install_command('cuda12')} (or cuda13)"
    import ctypes

    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver: libcuda.so.1 is not found"
    try:
        management = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return ""  # some containers have only the driver
    count = ctypes.c_uint(0)
    if management.nvmlInit_v2() != 0:
        return "the NVIDIA driver does not start"
    try:
        if management.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0 or not count.value:
            return "no NVIDIA GPU"
    finally:
        management.nvmlShutdown()
    return ""


def require() -> None:
    """BackendUnavailable unless there is a GPU that seems usable."""
    reason = unusable()
    if reason:
        refuse(reason)


def refuse(reason: str) -> NoReturn:
    """The error of a call that asked for the device, and of a device that cannot be used."""
    raise BackendUnavailable(DEVICE, reason, [row.name for row in backend_rows() if row.usable])


def row() -> BackendRow:
    """The device as a backend among the others. ``compiled``: the package that compiles its kernels is installed."""
    reason = unusable()
    return BackendRow(DEVICE, not reason or not reason.startswith("the package"), not reason, 0, reason)
