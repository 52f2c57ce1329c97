"""SHA-256, its compression function (FIPS 180-4, sections 4.1.2, 4.2.2, 6.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.hashing.gpu._words import add8, rotr32, text, u32, u64

if TYPE_CHECKING:
    from pycore.hashing.gpu._words import Word, Words

IV = (
    u32(0x6A09E667),
    u32(0xBB67AE85),
    u32(0x3C6EF372),
    u32(0xA54FF53A),
    u32(0x510E527F),
    u32(0x9B05688C),
    u32(0x1F83D9AB),
    u32(0x5BE0CD19),
)
K = np.array(
    [
        0x428A2F98,
        0x71374491,
        0xB5C0FBCF,
        0xE9B5DBA5,
        0x3956C25B,
        0x59F111F1,
        0x923F82A4,
        0xAB1C5ED5,
        0xD807AA98,
        0x12835B01,
        0x243185BE,
        0x550C7DC3,
        0x72BE5D74,
        0x80DEB1FE,
        0x9BDC06A7,
        0xC19BF174,
        0xE49B69C1,
        0xEFBE4786,
        0x0FC19DC6,
        0x240CA1CC,
        0x2DE92C6F,
        0x4A7484AA,
        0x5CB0A9DC,
        0x76F988DA,
        0x983E5152,
        0xA831C66D,
        0xB00327C8,
        0xBF597FC7,
        0xC6E00BF3,
        0xD5A79147,
        0x06CA6351,
        0x14292967,
        0x27B70A85,
        0x2E1B2138,
        0x4D2C6DFC,
        0x53380D13,
        0x650A7354,
        0x766A0ABB,
        0x81C2C92E,
        0x92722C85,
        0xA2BFE8A1,
        0xA81A664B,
        0xC24B8B70,
        0xC76C51A3,
        0xD192E819,
        0xD6990624,
        0xF40E3585,
        0x106AA070,
        0x19A4C116,
        0x1E376C08,
        0x2748774C,
        0x34B0BCB5,
        0x391C0CB3,
        0x4ED8AA4A,
        0x5B9CCA4F,
        0x682E6FF3,
        0x748F82EE,
        0x78A5636F,
        0x84C87814,
        0x8CC70208,
        0x90BEFFFA,
        0xA4506CEB,
        0xBEF9A3F7,
        0xC67178F2,
    ],
    dtype=np.uint32,
)


@text
def compress(h: Words, w: Words) -> Words:
    """The state after one more block: eight words and sixteen words, big-endian."""
    s = h
    for t in range(0, 64, 16):
        if t:
            w = _expand(w)
        s = _sixteen(s, w, t)
    return add8(h, s)


@text
def again(h: Words) -> Words:
    """SHA-256 of a digest, both as eight big-endian words."""
    w = (
        h[0],
        h[1],
        h[2],
        h[3],
        h[4],
        h[5],
        h[6],
        h[7],
        u32(0x80000000),
        u32(0),
        u32(0),
        u32(0),
        u32(0),
        u32(0),
        u32(0),
        u32(256),
    )
    return compress(IV, w)


@text
def _sixteen(s: Words, w: Words, t: int) -> Words:
    """Rounds t up to t + 16."""
    s = _round(s, u32(u64(K[t]) + w[0]))
    s = _round(s, u32(u64(K[t + 1]) + w[1]))
    s = _round(s, u32(u64(K[t + 2]) + w[2]))
    s = _round(s, u32(u64(K[t + 3]) + w[3]))
    s = _round(s, u32(u64(K[t + 4]) + w[4]))
    s = _round(s, u32(u64(K[t + 5]) + w[5]))
    s = _round(s, u32(u64(K[t + 6]) + w[6]))
    s = _round(s, u32(u64(K[t + 7]) + w[7]))
    s = _round(s, u32(u64(K[t + 8]) + w[8]))
    s = _round(s, u32(u64(K[t + 9]) + w[9]))
    s = _round(s, u32(u64(K[t + 10]) + w[10]))
    s = _round(s, u32(u64(K[t + 11]) + w[11]))
    s = _round(s, u32(u64(K[t + 12]) + w[12]))
    s = _round(s, u32(u64(K[t + 13]) + w[13]))
    s = _round(s, u32(u64(K[t + 14]) + w[14]))
    return _round(s, u32(u64(K[t + 15]) + w[15]))


@text
def _round(s: Words, kw: Word) -> Words:
    a, b, c, d, e, f, g, h = s
    choose = g ^ (e & (f ^ g))
    majority = (a & b) | (c & (a | b))
    t1 = u64(h) + (rotr32(e, 6) ^ rotr32(e, 11) ^ rotr32(e, 25)) + choose + kw
    t2 = u64(rotr32(a, 2) ^ rotr32(a, 13) ^ rotr32(a, 22)) + majority
    return u32(t1 + t2), a, b, c, u32(d + t1), e, f, g


@text
def _expand(w: Words) -> Words:
    """The next sixteen words of the message schedule."""
    w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15 = w
    w0 = u32(u64(w0) + _sigma0(w1) + w9 + _sigma1(w14))
    w1 = u32(u64(w1) + _sigma0(w2) + w10 + _sigma1(w15))
    w2 = u32(u64(w2) + _sigma0(w3) + w11 + _sigma1(w0))
    w3 = u32(u64(w3) + _sigma0(w4) + w12 + _sigma1(w1))
    w4 = u32(u64(w4) + _sigma0(w5) + w13 + _sigma1(w2))
    w5 = u32(u64(w5) + _sigma0(w6) + w14 + _sigma1(w3))
    w6 = u32(u64(w6) + _sigma0(w7) + w15 + _sigma1(w4))
    w7 = u32(u64(w7) + _sigma0(w8) + w0 + _sigma1(w5))
    w8 = u32(u64(w8) + _sigma0(w9) + w1 + _sigma1(w6))
    w9 = u32(u64(w9) + _sigma0(w10) + w2 + _sigma1(w7))
    w10 = u32(u64(w10) + _sigma0(w11) + w3 + _sigma1(w8))
    w11 = u32(u64(w11) + _sigma0(w12) + w4 + _sigma1(w9))
    w12 = u32(u64(w12) + _sigma0(w13) + w5 + _sigma1(w10))
    w13 = u32(u64(w13) + _sigma0(w14) + w6 + _sigma1(w11))
    w14 = u32(u64(w14) + _sigma0(w15) + w7 + _sigma1(w12))
    w15 = u32(u64(w15) + _sigma0(w0) + w8 + _sigma1(w13))
    return w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15


@text
def _sigma0(x: Word) -> Word:
    return u32(rotr32(x, 7) ^ rotr32(x, 18) ^ (x >> u32(3)))


@text
def _sigma1(x: Word) -> Word:
    return u32(rotr32(x, 17) ^ rotr32(x, 19) ^ (x >> u32(10)))
