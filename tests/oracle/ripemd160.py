"""RIPEMD-160 in plain Python: Dobbertin, Bosselaers, Preneel, 1996, appendix A."""

from __future__ import annotations

_M = 2**32 - 1
_RHO = [7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8]
_SHIFTS = [
    [11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8],
    [12, 13, 11, 15, 6, 9, 9, 7, 12, 15, 11, 13, 7, 8, 7, 7],
    [13, 15, 14, 11, 7, 7, 6, 8, 13, 14, 13, 12, 5, 5, 6, 9],
    [14, 11, 12, 14, 8, 6, 5, 5, 15, 12, 15, 14, 9, 9, 8, 6],
    [15, 12, 13, 13, 9, 5, 8, 6, 14, 11, 12, 11, 8, 6, 5, 5],
]  # by round and message word: the paper's table of shifts
_LEFT = [0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E]
_RIGHT = [0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0]


def _rotl(x: int, n: int) -> int:
    return (x << n | x >> (32 - n)) & _M


def _f(number: int, x: int, y: int, z: int) -> int:
    n = _M
    return [x ^ y ^ z, x & y | (x ^ n) & z, (x | y ^ n) ^ z, x & z | y & (z ^ n), x ^ (y | z ^ n)][number]


def _line(
    state: list[int], words: list[int], order: list[int], constants: list[int], functions: list[int]
) -> list[int]:
    a, b, c, d, e = state
    for r in range(5):
        for word in order:
            t = a + _f(functions[r], b, c, d) + words[word] + constants[r]
            a, b, c, d, e = e, (_rotl(t & _M, _SHIFTS[r][word]) + e) & _M, b, _rotl(c, 10), d
        order = [_RHO[word] for word in order]
    return [a, b, c, d, e]


def ripemd160(message: bytes) -> bytes:
    padded = message + b"\x80" + bytes(-(len(message) + 9) % 64) + (8 * len(message)).to_bytes(8, "little")
    h = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]
    for start in range(0, len(padded), 64):
        words = [int.from_bytes(padded[i : i + 4], "little") for i in range(start, start + 64, 4)]
        left = _line(h, words, list(range(16)), _LEFT, [0, 1, 2, 3, 4])
        right = _line(h, words, [(9 * i + 5) % 16 for i in range(16)], _RIGHT, [4, 3, 2, 1, 0])
        h = [(h[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & _M for i in range(5)]
    return b"".join(word.to_bytes(4, "little") for word in h)
