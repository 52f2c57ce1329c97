"""BLS signatures on BN254, with signatures in G1, as gnark-crypto encodes and hashes them.

Encodings (gnark-crypto, ``ecc/bn254/marshal.go``): coordinates big-endian, the imaginary part first; the two
highest bits say 00 uncompressed, 10 and 11 compressed with the smaller or larger y, 01 infinity. Bytes after a
complete encoding are ignored. Points of keys must lie in the subgroup of order r. Hashing is RFC 9380,
expand_message_xmd with SHA-256, SVDW with Z = 1, both maps added, domain "BLS".

The pairing is :mod:`pycore.ledgers.fabricx.pairing`, slow and plain: a signature takes some twenty milliseconds.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from pycore.ledgers.fabricx.pairing import (
    GENERATOR,
    ORDER,
    TWIST_B,
    P,
    Pair,
    Point,
    Point2,
    add,
    is_one,
    mul2,
    multiply2,
    power2,
)

__all__ = ["EncodingError", "hash_to_point", "read_key", "read_signature", "verify"]

_B = 3
_DOMAIN = b"BLS"


class EncodingError(ValueError):
    """Bytes that are no point of the group."""


def _coordinate(data: bytes) -> int:
    value = int.from_bytes(data, "big")
    if value >= P:
        raise EncodingError("a coordinate that is not below the modulus")
    return value


def _form(data: bytes, size: int) -> int:
    """The two highest bits; checks the length. `size`: bytes of a compressed point."""
    if len(data) < size or (data[0] >> 6 == 0 and len(data) < 2 * size):
        raise EncodingError(f"{len(data)} bytes are too few")
    if data[0] >> 6 == 1 and (data[0] & 0x3F or any(data[1:size])):
        raise EncodingError("a point at infinity with other bits")
    return data[0] >> 6


def _sqrt(value: int) -> int | None:
    root = pow(value, (P + 1) // 4, P)
    return root if root * root % P == value % P else None


def read_signature(data: bytes) -> Point:
    """A point of G1; None is infinity. Raises EncodingError."""
    form = _form(data, 32)
    if form == 1:
        return None
    if form == 0:
        x, y = _coordinate(data[:32]), _coordinate(data[32:64])
        if (x, y) == (0, 0):
            return None
        if (y * y - x * x * x - _B) % P:
            raise EncodingError("a point that is not on the curve")
        return x, y
    x = _coordinate(bytes([data[0] & 0x3F]) + data[1:32])
    root = _sqrt(x * x * x + _B)
    if root is None:
        raise EncodingError("an x that no point has")
    larger = root > (P - 1) // 2
    return x, (root if larger == (form == 3) else -root % P)


# ---- keys ------------------------------------------------------------------------------------------------------------


def _sqrt2(a: Pair) -> Pair | None:
    """Algorithm 9 of Adj and Rodriguez-Henriquez (2012), p = 3 mod 4."""
    if a == (0, 0):
        return a
    first = power2(a, (P - 3) // 4)
    alpha = mul2(mul2(first, first), a)
    start = mul2(first, a)
    if alpha == (P - 1, 0):
        found = (-start[1] % P, start[0])
    else:
        found = mul2(power2(((1 + alpha[0]) % P, alpha[1]), (P - 1) // 2), start)
    return found if mul2(found, found) == (a[0] % P, a[1] % P) else None


def _right_side(x: Pair) -> Pair:
    cube = mul2(mul2(x, x), x)
    return (cube[0] + TWIST_B[0]) % P, (cube[1] + TWIST_B[1]) % P


def _is_larger(y: Pair) -> bool:
    """Whether y comes after -y in gnark's order: the imaginary part decides, then the real one."""
    return y[1] > (P - 1) // 2 if y[1] else y[0] > (P - 1) // 2


@lru_cache(maxsize=256)
def read_key(data: bytes) -> Point2:
    """A point of G2; None is infinity. Raises EncodingError."""
    form = _form(data, 64)
    if form == 1:
        return None
    if form == 0:
        parts = [_coordinate(data[at : at + 32]) for at in range(0, 128, 32)]
        x, y = (parts[1], parts[0]), (parts[3], parts[2])
        if x == y == (0, 0):
            return None
        if mul2(y, y) != _right_side(x):
            raise EncodingError("a point that is not on the curve")
    else:
        x = (_coordinate(data[32:64]), _coordinate(bytes([data[0] & 0x3F]) + data[1:32]))
        root = _sqrt2(_right_side(x))
        if root is None:
            raise EncodingError("an x that no point has")
        y = root if _is_larger(root) == (form == 3) else (-root[0] % P, -root[1] % P)
    if multiply2(ORDER, (x, y)) is not None:
        raise EncodingError("a point outside of the subgroup")
    return x, y


# ---- hashing to G1 ---------------------------------------------------------------------------------------------------


def _expand(message: bytes, size: int) -> bytes:
    """expand_message_xmd (RFC 9380, section 5.3.1)."""
    suffix = _DOMAIN + bytes([len(_DOMAIN)])
    first = hashlib.sha256(bytes(64) + message + size.to_bytes(2, "big") + b"\0" + suffix).digest()
    block = hashlib.sha256(first + b"\1" + suffix).digest()
    found = block
    for i in range(2, -(-size // 32) + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha256(mixed + bytes([i]) + suffix).digest()
        found += block
    return found[:size]


def _curve(x: int) -> int:
    return (x * x * x + _B) % P


def _constants() -> tuple[int, int, int, int]:
    """c1 .. c4 of RFC 9380, section F.1, for Z = 1 and A = 0."""
    g = _curve(1)
    root = _sqrt(-g * 3)
    assert root is not None
    return g, -pow(2, -1, P) % P, -root % P if root & 1 else root, -4 * g * pow(3, -1, P) % P


_C1, _C2, _C3, _C4 = _constants()


def _map(u: int) -> tuple[int, int]:
    """map_to_curve_svdw (RFC 9380, section 6.6.1)."""
    t1 = u * u % P * _C1 % P
    t2, t1 = (1 + t1) % P, (1 - t1) % P
    product = t1 * t2 % P
    t3 = pow(product, -1, P) if product else 0
    t4 = u * t1 % P * t3 % P * _C3 % P
    x3 = (pow(t2 * t2 % P * t3 % P, 2, P) * _C4 + 1) % P
    for x in ((_C2 - t4) % P, (_C2 + t4) % P, x3):
        y = _sqrt(_curve(x))
        if y is not None:
            return x, y if (u & 1) == (y & 1) else -y % P
    raise AssertionError("one of three is always on the curve")


def hash_to_point(message: bytes) -> Point:
    """The point of G1 for a message."""
    expanded = _expand(message, 96)
    first, second = (_map(int.from_bytes(expanded[at : at + 48], "big") % P) for at in (0, 48))
    return add(first, second)


def verify(key: Point2, digest: bytes, signature: bytes) -> bool:
    """Whether e(signature, g2) = e(H(digest), key)."""
    try:
        point = read_signature(signature)
    except EncodingError:
        return False
    negative = None if point is None else (point[0], -point[1] % P)
    return is_one([(negative, GENERATOR), (hash_to_point(digest), key)])
