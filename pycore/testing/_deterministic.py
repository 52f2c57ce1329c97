"""Bytes that depend on a seed and a label only: the same on every machine, backend, Python and numpy."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

_DOMAIN = b"pycore.testing v1"


def stream(seed: int, *labels: str | int, size: int) -> bytes:
    """`size` bytes for a seed and a label: SHAKE-256 of both, so that streams of different labels are unrelated."""
    text = "\x1f".join(str(part) for part in (seed, *labels)).encode()
    return hashlib.shake_256(_DOMAIN + len(text).to_bytes(4, "big") + text).digest(size)


def rows(seed: int, *labels: str | int, count: int, width: int) -> npt.NDArray[np.uint8]:
    """uint8[count, width] of :func:`stream`; writable."""
    data = stream(seed, *labels, size=count * width)
    matrix = np.empty((count, width), dtype=np.uint8)
    matrix.reshape(-1)[:] = np.frombuffer(data, dtype=np.uint8)
    return matrix


def integers(seed: int, *labels: str | int, count: int, below: int) -> list[int]:
    """`count` integers in [0, below). 64 bits each are reduced, so the bias is below 2^-32 for any `below` of 32
    bits."""
    words = np.frombuffer(stream(seed, *labels, size=8 * count), dtype="<u8")
    return [int(word) % below for word in words]
