"""Keccak-f[1600] (FIPS 202, section 3.3), lanes numbered x + 5 y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.hashing.gpu._words import rotl64, text, u64

if TYPE_CHECKING:
    from pycore.hashing.gpu._words import Word, Words

ZERO = (u64(0),) * 25
RC = np.array(
    [
        0x0000000000000001,
        0x0000000000008082,
        0x800000000000808A,
        0x8000000080008000,
        0x000000000000808B,
        0x0000000080000001,
        0x8000000080008081,
        0x8000000000008009,
        0x000000000000008A,
        0x0000000000000088,
        0x0000000080008009,
        0x000000008000000A,
        0x000000008000808B,
        0x800000000000008B,
        0x8000000000008089,
        0x8000000000008003,
        0x8000000000008002,
        0x8000000000000080,
        0x000000000000800A,
        0x800000008000000A,
        0x8000000080008081,
        0x8000000000008080,
        0x0000000080000001,
        0x8000000080008008,
    ],
    dtype=np.uint64,
)


@text
def permute(a: Words) -> Words:
    """The state, twenty-five lanes of 64 bits, after the 24 rounds."""
    for t in range(24):
        a = _round(a, RC[t])
    return a


@text
def absorb(a: Words, w: Words) -> Words:
    """The state with the seventeen lanes of a block (a rate of 1,088 bits) put in."""
    return (
        a[0] ^ w[0],
        a[1] ^ w[1],
        a[2] ^ w[2],
        a[3] ^ w[3],
        a[4] ^ w[4],
        a[5] ^ w[5],
        a[6] ^ w[6],
        a[7] ^ w[7],
        a[8] ^ w[8],
        a[9] ^ w[9],
        a[10] ^ w[10],
        a[11] ^ w[11],
        a[12] ^ w[12],
        a[13] ^ w[13],
        a[14] ^ w[14],
        a[15] ^ w[15],
        a[16] ^ w[16],
        a[17],
        a[18],
        a[19],
        a[20],
        a[21],
        a[22],
        a[23],
        a[24],
    )


@text
def digest(a: Words) -> Words:
    """The first 256 bits as eight words of 32, little-endian."""
    low = u64(0xFFFFFFFF)
    return (
        np.uint32(a[0] & low),
        np.uint32(a[0] >> u64(32)),
        np.uint32(a[1] & low),
        np.uint32(a[1] >> u64(32)),
        np.uint32(a[2] & low),
        np.uint32(a[2] >> u64(32)),
        np.uint32(a[3] & low),
        np.uint32(a[3] >> u64(32)),
    )


@text
def _round(a: Words, constant: Word) -> Words:
    # theta: c and d; rho and pi: b; chi and iota: what is returned
    (
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
        a6,
        a7,
        a8,
        a9,
        a10,
        a11,
        a12,
        a13,
        a14,
        a15,
        a16,
        a17,
        a18,
        a19,
        a20,
        a21,
        a22,
        a23,
        a24,
    ) = a
    c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
    c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
    c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
    c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
    c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
    d0 = c4 ^ rotl64(c1, 1)
    d1 = c0 ^ rotl64(c2, 1)
    d2 = c1 ^ rotl64(c3, 1)
    d3 = c2 ^ rotl64(c4, 1)
    d4 = c3 ^ rotl64(c0, 1)
    b0 = a0 ^ d0
    b10 = rotl64(a1 ^ d1, 1)
    b20 = rotl64(a2 ^ d2, 62)
    b5 = rotl64(a3 ^ d3, 28)
    b15 = rotl64(a4 ^ d4, 27)
    b16 = rotl64(a5 ^ d0, 36)
    b1 = rotl64(a6 ^ d1, 44)
    b11 = rotl64(a7 ^ d2, 6)
    b21 = rotl64(a8 ^ d3, 55)
    b6 = rotl64(a9 ^ d4, 20)
    b7 = rotl64(a10 ^ d0, 3)
    b17 = rotl64(a11 ^ d1, 10)
    b2 = rotl64(a12 ^ d2, 43)
    b12 = rotl64(a13 ^ d3, 25)
    b22 = rotl64(a14 ^ d4, 39)
    b23 = rotl64(a15 ^ d0, 41)
    b8 = rotl64(a16 ^ d1, 45)
    b18 = rotl64(a17 ^ d2, 15)
    b3 = rotl64(a18 ^ d3, 21)
    b13 = rotl64(a19 ^ d4, 8)
    b14 = rotl64(a20 ^ d0, 18)
    b24 = rotl64(a21 ^ d1, 2)
    b9 = rotl64(a22 ^ d2, 61)
    b19 = rotl64(a23 ^ d3, 56)
    b4 = rotl64(a24 ^ d4, 14)
    return (
        b0 ^ (~b1 & b2) ^ constant,
        b1 ^ (~b2 & b3),
        b2 ^ (~b3 & b4),
        b3 ^ (~b4 & b0),
        b4 ^ (~b0 & b1),
        b5 ^ (~b6 & b7),
        b6 ^ (~b7 & b8),
        b7 ^ (~b8 & b9),
        b8 ^ (~b9 & b5),
        b9 ^ (~b5 & b6),
        b10 ^ (~b11 & b12),
        b11 ^ (~b12 & b13),
        b12 ^ (~b13 & b14),
        b13 ^ (~b14 & b10),
        b14 ^ (~b10 & b11),
        b15 ^ (~b16 & b17),
        b16 ^ (~b17 & b18),
        b17 ^ (~b18 & b19),
        b18 ^ (~b19 & b15),
        b19 ^ (~b15 & b16),
        b20 ^ (~b21 & b22),
        b21 ^ (~b22 & b23),
        b22 ^ (~b23 & b24),
        b23 ^ (~b24 & b20),
        b24 ^ (~b20 & b21),
    )
