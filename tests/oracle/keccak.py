"""Keccak-f[1600] and two 256-bit hashes: SHA3-256 (FIPS 202, padding 0x06) and the first submission (padding 0x01)."""

from __future__ import annotations

_M = 2**64 - 1


def _round_constants() -> list[int]:
    """FIPS 202, section 3.2.5: an 8-bit LFSR gives the bits."""
    lfsr, constants = 1, []
    for _ in range(24):
        value = 0
        for j in range(7):
            value |= (lfsr & 1) << ((1 << j) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        constants.append(value)
    return constants


_RC = _round_constants()


def _rotl(x: int, count: int) -> int:
    return ((x << count % 64) | (x >> (64 - count % 64))) & _M


def permute(lanes: list[list[int]]) -> list[list[int]]:
    for constant in _RC:
        c = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        lanes = [[lane ^ c[x - 1] ^ _rotl(c[(x + 1) % 5], 1) for lane in lanes[x]] for x in range(5)]  # theta
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):  # rho and pi
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _rotl(current, (t + 1) * (t + 2) // 2)
        lanes = [
            [lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & _M & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)
        ]  # chi
        lanes[0][0] ^= constant  # iota
    return lanes


def _sponge256(message: bytes, domain: int, rate: int = 136) -> bytes:
    padded = bytearray(message) + bytes([domain]) + bytes(-(len(message) + 1) % rate)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        lanes = permute(lanes)
    return b"".join(lanes[i][0].to_bytes(8, "little") for i in range(4))


def sha3_256(message: bytes) -> bytes:
    return _sponge256(message, 0x06)


def keccak256(message: bytes) -> bytes:
    return _sponge256(message, 0x01)
