"""The hashes and Merkle roots of pycore on a GPU, as Numba CUDA kernels: one thread per message or node.

============  ==============================================================================================
module        what
============  ==============================================================================================
choice        when a call goes to the GPU
_words        the operations on words that the hashes are written in
sha256        SHA-256's compression function, and SHA-256 of a digest
sm3           SM3's compression function
keccak        Keccak-f[1600]
_messages     messages out of a column on the device: prefix, padding, blocks; a digest per message
_launch       host side: copies, kernels, Merkle levels, the test that a kernel passes before it is used
_calibrate    from which batch size on the GPU at hand wins, measured
_target       the one place that knows which package compiles for CUDA
============  ==============================================================================================

Importing this package imports neither Numba nor a driver; :mod:`pycore.hashing.gpu.choice` decides when a call comes
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycore.base.device import HASHES, simulated, unusable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HASHES", "calibrate", "simulated", "unusable"]


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
    from pycore.hashing.gpu._calibrate import measure

    return measure(path, seconds)
