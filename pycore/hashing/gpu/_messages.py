"""Messages on a device: blocks of words out of a column of bytes, padded; and one digest per message.

A message is ``prefix || data[start:start + length]``. The bytes of a column lie in 32-bit little-endian words, with at
least eight bytes of room after the last one; a prefix of up to eight bytes is the number that its bytes make up,
little-endian. This module is imported where there is a CUDA target or its simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.hashing.gpu import keccak, sha256, sm3
from pycore.hashing.gpu._target import device
from pycore.hashing.gpu._words import swap8, swap32, text, u32, u64

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pycore.hashing.gpu._words import Word, Words


@text
def _join(low: Word, high: Word, bits: int) -> Word:
    """32 bits out of two neighbouring words, from bit `bits` of the low one on."""
    return u32((u64(low) | (u64(high) << u64(32))) >> u64(bits))


@text
def _put(word: Word, byte: int, k: int) -> Word:
    """A word with byte k, which is zero, set."""
    return u32(u64(word) | (u64(byte) << u64(8 * k)))


@text
def _byte_of(word: Word, k: int) -> Word:
    return np.int64((u64(word) >> u64(8 * k)) & u64(0xFF))


@device
def little(data: Any, start: int, length: int, prefix: Word, prefix_length: int, pad: int, j: int) -> Word:
    """Word j of a padded message, little-endian: the message, the byte `pad`, zeros."""
    at = 4 * j - prefix_length  # in the data
    if at >= 0 and at + 4 <= length:
        q, r = (start + at) >> 2, (start + at) & 3
        if r == 0:
            return u32(data[q])
        return _join(data[q], data[q + 1], 8 * r)
    word = u32(0)
    for k in range(4):
        if at + k < 0:
            word = _put(word, _byte_of(prefix, at + k + prefix_length), k)
        elif at + k < length:
            word = _put(word, _byte_of(data[(start + at + k) >> 2], (start + at + k) & 3), k)
        elif at + k == length:
            word = _put(word, pad, k)
    return word


@device
def _block(data: Any, start: int, length: int, prefix: Word, prefix_length: int, b: int, blocks: int) -> Words:
    """Block b of a message of SHA-256 or SM3: sixteen big-endian words, the last two of the last the length in bits."""
    j = 16 * b
    w0 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j))
    w1 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 1))
    w2 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 2))
    w3 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 3))
    w4 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 4))
    w5 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 5))
    w6 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 6))
    w7 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 7))
    w8 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 8))
    w9 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 9))
    w10 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 10))
    w11 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 11))
    w12 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 12))
    w13 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 13))
    if b == blocks - 1:
        bits = u64(8 * (length + prefix_length))
        w14, w15 = u32(bits >> u64(32)), u32(bits & u64(0xFFFFFFFF))
    else:
        w14 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 14))
        w15 = swap32(little(data, start, length, prefix, prefix_length, 0x80, j + 15))
    return w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15


@device
def sha256_state(data: Any, start: int, length: int, prefix: Word, prefix_length: int) -> Words:
    """SHA-256 of a message as big-endian words."""
    blocks = (length + prefix_length + 72) >> 6
    h = sha256.IV
    for b in range(blocks):
        h = sha256.compress(h, _block(data, start, length, prefix, prefix_length, b, blocks))
    return h


@device
def sha256_of(data: Any, start: int, length: int, prefix: Word, prefix_length: int) -> Words:
    """SHA-256 of a message: eight words as they lie in memory, like all that follow."""
    return swap8(sha256_state(data, start, length, prefix, prefix_length))


@device
def sha256d_of(data: Any, start: int, length: int, prefix: Word, prefix_length: int) -> Words:
    """SHA-256 of the SHA-256 of a message."""
    return swap8(sha256.again(sha256_state(data, start, length, prefix, prefix_length)))


@device
def sm3_of(data: Any, start: int, length: int, prefix: Word, prefix_length: int) -> Words:
    """SM3 of a message."""
    blocks = (length + prefix_length + 72) >> 6
    h = sm3.IV
    for b in range(blocks):
        h = sm3.compress(h, _block(data, start, length, prefix, prefix_length, b, blocks))
    return swap8(h)


@device
def _lane(data: Any, start: int, length: int, prefix: Word, prefix_length: int, pad: int, j: int) -> Word:
    low = little(data, start, length, prefix, prefix_length, pad, 2 * j)
    high = little(data, start, length, prefix, prefix_length, pad, 2 * j + 1)
    return u64(low) | (u64(high) << u64(32))


@device
def _sponge(data: Any, start: int, length: int, prefix: Word, prefix_length: int, pad: int) -> Words:
    """Keccak with a rate of 136 bytes and the first byte of its padding."""
    blocks = (length + prefix_length) // 136 + 1
    a = keccak.ZERO
    for b in range(blocks):
        j = 17 * b
        last = _lane(data, start, length, prefix, prefix_length, pad, j + 16)
        if b == blocks - 1:
            last = last | u64(0x8000000000000000)
        w = (
            _lane(data, start, length, prefix, prefix_length, pad, j),
            _lane(data, start, length, prefix, prefix_length, pad, j + 1),
            _lane(data, start, length, prefix, prefix_length, pad, j + 2),
            _lane(data, start, length, prefix, prefix_length, pad, j + 3),
            _lane(data, start, length, prefix, prefix_length, pad, j + 4),
            _lane(data, start, length, prefix, prefix_length, pad, j + 5),
            _lane(data, start, length, prefix, prefix_length, pad, j + 6),
            _lane(data, start, length, prefix, prefix_length, pad, j + 7),
            _lane(data, start, length, prefix, prefix_length, pad, j + 8),
            _lane(data, start, length, prefix, prefix_length, pad, j + 9),
            _lane(data, start, length, prefix, prefix_length, pad, j + 10),
            _lane(data, start, length, prefix, prefix_length, pad, j + 11),
            _lane(data, start, length, prefix, prefix_length, pad, j + 12),
            _lane(data, start, length, prefix, prefix_length, pad, j + 13),
            _lane(data, start, length, prefix, prefix_length, pad, j + 14),
            _lane(data, start, length, prefix, prefix_length, pad, j + 15),
            last,
        )
        a = keccak.permute(keccak.absorb(a, w))
    return keccak.digest(a)


@device
def keccak256_of(data: Any, start: int, length: int, prefix: Word, prefix_length: int) -> Words:
    """Keccak-256 of a message, as Ethereum has it."""
    return _sponge(data, start, length, prefix, prefix_length, 0x01)


@device
def sha3_256_of(data: Any, start: int, length: int, prefix: Word, prefix_length: int) -> Words:
    """SHA3-256 of a message (FIPS 202)."""
    return _sponge(data, start, length, prefix, prefix_length, 0x06)


DIGESTS: dict[str, Callable[..., Words]] = {
    "sha256": sha256_of,
    "sha256d": sha256d_of,
    "sm3": sm3_of,
    "keccak256": keccak256_of,
    "sha3-256": sha3_256_of,
}
"""The digest of one message, by the hash's name in the registry."""
