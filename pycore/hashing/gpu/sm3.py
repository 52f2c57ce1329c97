"""SM3, its compression function (GB/T 32905-2016, section 5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.hashing.gpu._words import rotl32, text, u32, u64, xor8

if TYPE_CHECKING:
    from pycore.hashing.gpu._words import Word, Words

IV = (
    u32(0x7380166F),
    u32(0x4914B2B9),
    u32(0x172442D7),
    u32(0xDA8A0600),
    u32(0xA96F30BC),
    u32(0x163138AA),
    u32(0xE38DEE4D),
    u32(0xB0FB0E4E),
)
# T of every round, rotated by the number of the round already
T = np.array(
    [
        0x79CC4519,
        0xF3988A32,
        0xE7311465,
        0xCE6228CB,
        0x9CC45197,
        0x3988A32F,
        0x7311465E,
        0xE6228CBC,
        0xCC451979,
        0x988A32F3,
        0x311465E7,
        0x6228CBCE,
        0xC451979C,
        0x88A32F39,
        0x11465E73,
        0x228CBCE6,
        0x9D8A7A87,
        0x3B14F50F,
        0x7629EA1E,
        0xEC53D43C,
        0xD8A7A879,
        0xB14F50F3,
        0x629EA1E7,
        0xC53D43CE,
        0x8A7A879D,
        0x14F50F3B,
        0x29EA1E76,
        0x53D43CEC,
        0xA7A879D8,
        0x4F50F3B1,
        0x9EA1E762,
        0x3D43CEC5,
        0x7A879D8A,
        0xF50F3B14,
        0xEA1E7629,
        0xD43CEC53,
        0xA879D8A7,
        0x50F3B14F,
        0xA1E7629E,
        0x43CEC53D,
        0x879D8A7A,
        0x0F3B14F5,
        0x1E7629EA,
        0x3CEC53D4,
        0x79D8A7A8,
        0xF3B14F50,
        0xE7629EA1,
        0xCEC53D43,
        0x9D8A7A87,
        0x3B14F50F,
        0x7629EA1E,
        0xEC53D43C,
        0xD8A7A879,
        0xB14F50F3,
        0x629EA1E7,
        0xC53D43CE,
        0x8A7A879D,
        0x14F50F3B,
        0x29EA1E76,
        0x53D43CEC,
        0xA7A879D8,
        0x4F50F3B1,
        0x9EA1E762,
        0x3D43CEC5,
    ],
    dtype=np.uint32,
)


@text
def compress(h: Words, w: Words) -> Words:
    """The state after one more block: eight words and sixteen words, big-endian."""
    s = h
    for t in range(0, 64, 16):
        ahead = _expand(w)
        s = _sixteen(s, w, ahead, t)
        w = ahead
    return xor8(h, s)


@text
def _sixteen(s: Words, w: Words, ahead: Words, t: int) -> Words:
    """Rounds t up to t + 16; `ahead` are the sixteen words after w."""
    s = _round(s, T[t], w[0], u32(w[0] ^ w[4]), t)
    s = _round(s, T[t + 1], w[1], u32(w[1] ^ w[5]), t)
    s = _round(s, T[t + 2], w[2], u32(w[2] ^ w[6]), t)
    s = _round(s, T[t + 3], w[3], u32(w[3] ^ w[7]), t)
    s = _round(s, T[t + 4], w[4], u32(w[4] ^ w[8]), t)
    s = _round(s, T[t + 5], w[5], u32(w[5] ^ w[9]), t)
    s = _round(s, T[t + 6], w[6], u32(w[6] ^ w[10]), t)
    s = _round(s, T[t + 7], w[7], u32(w[7] ^ w[11]), t)
    s = _round(s, T[t + 8], w[8], u32(w[8] ^ w[12]), t)
    s = _round(s, T[t + 9], w[9], u32(w[9] ^ w[13]), t)
    s = _round(s, T[t + 10], w[10], u32(w[10] ^ w[14]), t)
    s = _round(s, T[t + 11], w[11], u32(w[11] ^ w[15]), t)
    s = _round(s, T[t + 12], w[12], u32(w[12] ^ ahead[0]), t)
    s = _round(s, T[t + 13], w[13], u32(w[13] ^ ahead[1]), t)
    s = _round(s, T[t + 14], w[14], u32(w[14] ^ ahead[2]), t)
    return _round(s, T[t + 15], w[15], u32(w[15] ^ ahead[3]), t)


@text
def _round(s: Words, constant: Word, w: Word, w_prime: Word, t: int) -> Words:
    a, b, c, d, e, f, g, h = s
    a12 = rotl32(a, 12)
    ss1 = rotl32(u32(u64(a12) + e + constant), 7)
    if t == 0:
        ff, gg = u32(a ^ b ^ c), u32(e ^ f ^ g)
    else:
        ff, gg = u32((a & b) | (c & (a | b))), u32(g ^ (e & (f ^ g)))
    tt1 = u32(u64(ff) + d + (ss1 ^ a12) + w_prime)
    tt2 = u32(u64(gg) + h + ss1 + w)
    return tt1, a, rotl32(b, 9), c, u32(tt2 ^ rotl32(tt2, 9) ^ rotl32(tt2, 17)), e, rotl32(f, 19), g


@text
def _expand(w: Words) -> Words:
    """The next sixteen words of the message expansion."""
    w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15 = w
    w0 = _next(w0, w7, w13, w3, w10)
    w1 = _next(w1, w8, w14, w4, w11)
    w2 = _next(w2, w9, w15, w5, w12)
    w3 = _next(w3, w10, w0, w6, w13)
    w4 = _next(w4, w11, w1, w7, w14)
    w5 = _next(w5, w12, w2, w8, w15)
    w6 = _next(w6, w13, w3, w9, w0)
    w7 = _next(w7, w14, w4, w10, w1)
    w8 = _next(w8, w15, w5, w11, w2)
    w9 = _next(w9, w0, w6, w12, w3)
    w10 = _next(w10, w1, w7, w13, w4)
    w11 = _next(w11, w2, w8, w14, w5)
    w12 = _next(w12, w3, w9, w15, w6)
    w13 = _next(w13, w4, w10, w0, w7)
    w14 = _next(w14, w5, w11, w1, w8)
    w15 = _next(w15, w6, w12, w2, w9)
    return w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15


@text
def _next(w16: Word, w9: Word, w3: Word, w13: Word, w6: Word) -> Word:
    """W[j] of W[j - 16], W[j - 9], W[j - 3], W[j - 13] and W[j - 6]."""
    x = u32(w16 ^ w9 ^ rotl32(w3, 15))
    return u32(x ^ rotl32(x, 15) ^ rotl32(x, 23) ^ rotl32(w13, 7) ^ w6)
