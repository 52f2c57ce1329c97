"""BLS signatures on BN254, with signatures in G1, as gnark-crypto encodes and hashes them.

Pairings are py_ecc's (PyPI, MIT licence; the extra ``fabricx``). It is written in Python: a signature takes about a
quarter of a second, so this is for networks that have few of them.

Encodings (gnark-crypto, ``ecc/bn254/marshal.go``): coordinates big-endian, the imaginary part first; the two highest bits
say 00 uncompressed, 10 and 11 compressed with the smaller or larger y, 01 infinity. Bytes after a complete encoding are
ignored. Points of keys must lie in the subgroup of order r. Hashing is RFC 9380, expand_message_xmd with SHA-256, SVDW
with Z = 1, both maps added, domain "BLS".
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from pycore.errors import BackendUnavailable

__all__ = ["EncodingError", "read_key", "verify"]

P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_B = 3
_DOMAIN = b"BLS"
_COORDINATE = 32

Pair = tuple[int, int]  # c0 + c1 i


class EncodingError(ValueError):
    """Bytes that are no point of the group."""


def _library() -> Any:
    try:
        from py_ecc import optimized_bn128
    except ImportError:
        raise BackendUnavailable("BLS on BN254 needs py_ecc: pip install 'pycore-validation[fabricx]'") from None
    return optimized_bn128


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


def read_signature(data: bytes) -> tuple[int, int] | None:
    """A point of G1; None is infinity."""
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


# ---- the twist -------------------------------------------------------------------------------------------------------


def _mul2(a: Pair, b: Pair) -> Pair:
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def _inverse2(a: Pair) -> Pair:
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, P)
    return a[0] * norm % P, -a[1] * norm % P


def _power2(a: Pair, n: int) -> Pair:
    found: Pair = (1, 0)
    for bit in bin(n)[2:]:
        found = _mul2(found, found)
        if bit == "1":
            found = _mul2(found, a)
    return found


_TWIST_B = _mul2((3, 0), _inverse2((9, 1)))


def _sqrt2(a: Pair) -> Pair | None:
    """Algorithm 9 of Adj and Rodriguez-Henriquez (2012), p = 3 mod 4."""
    if a == (0, 0):
        return a
    first = _power2(a, (P - 3) // 4)
    alpha = _mul2(_mul2(first, first), a)
    start = _mul2(first, a)
    if alpha == (P - 1, 0):
        found = (-start[1] % P, start[0])
    else:
        found = _mul2(_power2(((1 + alpha[0]) % P, alpha[1]), (P - 1) // 2), start)
    return found if _mul2(found, found) == (a[0] % P, a[1] % P) else None


def _right_side(x: Pair) -> Pair:
    cube = _mul2(_mul2(x, x), x)
    return (cube[0] + _TWIST_B[0]) % P, (cube[1] + _TWIST_B[1]) % P


def _is_larger(y: Pair) -> bool:
    """Whether y comes after -y in gnark's order: the imaginary part decides, then the real one."""
    return y[1] > (P - 1) // 2 if y[1] else y[0] > (P - 1) // 2


def read_key(data: bytes) -> Any:
    """A point of G2 in py_ecc's coordinates. Raises EncodingError; BackendUnavailable without py_ecc."""
    return _read_key(bytes(data))


@lru_cache(maxsize=256)
def _read_key(data: bytes) -> Any:
    library = _library()
    form = _form(data, 64)
    if form == 1:
        return library.Z2
    if form == 0:
        parts = [_coordinate(data[at : at + 32]) for at in range(0, 128, 32)]
        x, y = (parts[1], parts[0]), (parts[3], parts[2])
        if x == y == (0, 0):
            return library.Z2
        if _mul2(y, y) != _right_side(x):
            raise EncodingError("a point that is not on the curve")
    else:
        x = (_coordinate(data[32:64]), _coordinate(bytes([data[0] & 0x3F]) + data[1:32]))
        root = _sqrt2(_right_side(x))
        if root is None:
            raise EncodingError("an x that no point has")
        y = root if _is_larger(root) == (form == 3) else (-root[0] % P, -root[1] % P)
    point = (library.FQ2(x), library.FQ2(y), library.FQ2.one())
    if not library.is_inf(library.multiply(point, library.curve_order)):
        raise EncodingError("a point outside of the subgroup")
    return point


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


def hash_to_point(message: bytes) -> Any:
    """The point of G1 for a message, in py_ecc's coordinates."""
    library = _library()
    expanded = _expand(message, 96)
    points = []
    for at in (0, 48):
        x, y = _map(int.from_bytes(expanded[at : at + 48], "big") % P)
        points.append((library.FQ(x), library.FQ(y), library.FQ(1)))
    return library.add(*points)


def verify(key: Any, digest: bytes, signature: bytes) -> bool:
    """Whether e(signature, g2) = e(H(digest), key)."""
    library = _library()
    try:
        affine = read_signature(signature)
    except EncodingError:
        return False
    point = library.Z1 if affine is None else (library.FQ(affine[0]), library.FQ(affine[1]), library.FQ(1))
    left = library.pairing(library.G2, library.neg(point), final_exponentiate=False)
    right = library.pairing(key, hash_to_point(digest), final_exponentiate=False)
    return bool(library.final_exponentiate(left * right) == library.FQ12.one())
