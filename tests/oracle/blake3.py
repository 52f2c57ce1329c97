"""BLAKE3 in plain Python, 32-byte output, no key: "BLAKE3: one function, fast everywhere" (2021), section 2."""

from __future__ import annotations

_M = 2**32 - 1
_IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
_PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
_START, _END, _PARENT, _ROOT = 1, 2, 4, 8
_MIX = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13)]
_MIX += [(3, 4, 9, 14)]


def _rotr(x: int, n: int) -> int:
    return (x >> n | x << (32 - n)) & _M


def _compress(chain: list[int], block: bytes, counter: int, flags: int) -> list[int]:
    padded = block + bytes(64 - len(block))
    words = [int.from_bytes(padded[i : i + 4], "little") for i in range(0, 64, 4)]
    v = [*chain, *_IV[:4], counter & _M, counter >> 32, len(block), flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(_MIX):
            v[a] = (v[a] + v[b] + words[2 * i]) & _M
            v[d] = _rotr(v[d] ^ v[a], 16)
            v[c] = (v[c] + v[d]) & _M
            v[b] = _rotr(v[b] ^ v[c], 12)
            v[a] = (v[a] + v[b] + words[2 * i + 1]) & _M
            v[d] = _rotr(v[d] ^ v[a], 8)
            v[c] = (v[c] + v[d]) & _M
            v[b] = _rotr(v[b] ^ v[c], 7)
        words = [words[i] for i in _PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def _chunk(data: bytes, counter: int, root: int) -> list[int]:
    chain = _IV
    last = max(len(data) - 1, 0) // 64
    for i in range(last + 1):
        flags = (_START if i == 0 else 0) | (_END | root if i == last else 0)
        chain = _compress(chain, data[64 * i : 64 * i + 64], counter, flags)
    return chain


def _tree(data: bytes, counter: int, root: int) -> list[int]:
    if len(data) <= 1024:
        return _chunk(data, counter, root)
    left = 1024
    while 2 * left < len(data):
        left *= 2
    pair = _tree(data[:left], counter, 0) + _tree(data[left:], counter + left // 1024, 0)
    return _compress(_IV, b"".join(word.to_bytes(4, "little") for word in pair), 0, _PARENT | root)


def blake3(message: bytes) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in _tree(message, 0, _ROOT))
