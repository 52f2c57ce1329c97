"""Words: the few operations that the hashes below are written in.

The text of a hash is code over words and tuples of words. It touches no array, so on a GPU it lives in registers; where
the bytes come from is in ``_messages``. One text, three ways to run it: compiled into the kernels of a GPU, compiled
by ``njit`` for the CPU, and as plain Python over NumPy's scalars under the CUDA simulator.

All three must agree on types. Numba widens arithmetic on 32-bit words to 64 bits, NumPy does not: so a sum begins with
a word made 64 bits wide, and what is kept is cut to 32 bits by ``u32``, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numba
import numpy as np

from pycore.base.device import simulated

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Word: TypeAlias = Any  # np.uint32 or np.uint64
    Words: TypeAlias = tuple[Any, ...]
    Function = TypeVar("Function", bound=Callable[..., Any])

u32 = np.uint32
u64 = np.uint64


def text(function: Function) -> Function:
    """Code for any of the three."""
    return function if simulated() else cast("Function", numba.njit(function))


@text
def rotl32(x: Word, r: int) -> Word:
    """A 32-bit word rotated to the left by 0 < r < 32 bits."""
    return u32((u64(x) << u64(r)) | (u64(x) >> u64(32 - r)))


@text
def rotr32(x: Word, r: int) -> Word:
    """A 32-bit word rotated to the right by 0 < r < 32 bits."""
    return u32((u64(x) >> u64(r)) | (u64(x) << u64(32 - r)))


@text
def rotl64(x: Word, r: int) -> Word:
    """A 64-bit word rotated to the left by 0 < r < 64 bits."""
    return u64((x << u64(r)) | (x >> u64(64 - r)))


@text
def swap32(x: Word) -> Word:
    """The bytes of a 32-bit word in reverse: between big-endian words and memory."""
    y = u64(x)
    return u32((y >> u64(24)) | ((y >> u64(8)) & u64(0xFF00)) | ((y << u64(8)) & u64(0xFF0000)) | (y << u64(24)))


@text
def swap8(words: Words) -> Words:
    """Eight words, the bytes of each in reverse."""
    a, b, c, d, e, f, g, h = words
    return swap32(a), swap32(b), swap32(c), swap32(d), swap32(e), swap32(f), swap32(g), swap32(h)


@text
def add8(a: Words, b: Words) -> Words:
    """Word by word sums of two tuples of eight."""
    return (
        u32(u64(a[0]) + b[0]),
        u32(u64(a[1]) + b[1]),
        u32(u64(a[2]) + b[2]),
        u32(u64(a[3]) + b[3]),
        u32(u64(a[4]) + b[4]),
        u32(u64(a[5]) + b[5]),
        u32(u64(a[6]) + b[6]),
        u32(u64(a[7]) + b[7]),
    )


@text
def xor8(a: Words, b: Words) -> Words:
    """Word by word exclusive or of two tuples of eight."""
    return (
        u32(a[0] ^ b[0]),
        u32(a[1] ^ b[1]),
        u32(a[2] ^ b[2]),
        u32(a[3] ^ b[3]),
        u32(a[4] ^ b[4]),
        u32(a[5] ^ b[5]),
        u32(a[6] ^ b[6]),
        u32(a[7] ^ b[7]),
    )
