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
_target       the one place that knows which package compiles for CUDA
============  ==============================================================================================

Importing this package imports neither Numba nor a driver; :mod:`pycore.hashing.gpu.choice` decides when a call comes
here.
"""

from __future__ import annotations

from pycore.base.device import HASHES, simulated, unusable

__all__ = ["HASHES", "simulated", "unusable"]
