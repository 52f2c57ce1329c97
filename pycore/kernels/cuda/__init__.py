"""The hashes and Merkle roots of pycore on a GPU, as Numba CUDA kernels: one thread per message or node.

============  ==============================================================================================
module        what
============  ==============================================================================================
_words        the operations on words that the hashes are written in
sha256        SHA-256's compression function, and SHA-256 of a digest
sm3           SM3's compression function
keccak        Keccak-f[1600]
_messages     messages out of a column on the device: prefix, padding, blocks; a digest per message
_launch       host side: copies, kernels, Merkle levels, the test that a kernel passes before it is used
_calibrate    from which batch size on the GPU at hand wins, measured
_target       the one place that knows which package compiles for CUDA
============  ==============================================================================================

Importing this package imports neither Numba nor a driver; :mod:`pycore._device` decides when a call comes here.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HASHES", "calibrate", "simulated", "unusable"]

HASHES = ("sha256", "sha256d", "sm3", "keccak256", "sha3-256")
"""Names of the hashes that have a kernel; all have 32-byte digests."""


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
        return "the package numba-cuda is not installed: pip install 'pycore-validation[cuda12]' (or cuda13)"
    import ctypes

    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver: libcuda.so.1 is not found"
    try:
        management = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return ""  # some containers have the driver alone
    count = ctypes.c_uint(0)
    if management.nvmlInit_v2() != 0:
        return "the NVIDIA driver does not start"
    try:
        if management.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0 or not count.value:
            return "no NVIDIA GPU"
    finally:
        management.nvmlShutdown()
    return ""


def calibrate(path: Path | None = None, *, seconds: float = 0.2) -> dict[str, int | None]:
    """Measure from which batch size on the GPU beats the CPU, and remember it for this machine.

    Until this was done on a machine, a GPU is used only where it is asked for. Run it on a quiet machine.

    Args:
        path: where to keep the result; None: ``$PYCORE_CUDA_CALIBRATION``, or ``pycore/cuda.json`` in the user's cache
            folder, where later processes look for it.
        seconds: at most this long per measurement.

    Returns:
        For every hash, the number of messages from which on the GPU was faster at every size tried, copies included,
        for messages of 64 and of 1,024 bytes, against all threads of the CPU; None where it never was.

    Raises:
        BackendUnavailable: no GPU, or only the simulator.
    """
    from pycore.kernels.cuda._calibrate import measure

    return measure(path, seconds)
