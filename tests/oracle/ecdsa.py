"""ECDSA: verification (SEC 1, section 4.1.4), public key recovery (section 4.1.6), and signing for test data."""

from __future__ import annotations

from . import der
from .weierstrass import Curve, Point


def parse_signature(signature: bytes, encoding: str, der_rules: str) -> tuple[int, int] | None:
    if encoding == "der":
        return der.decode(signature, der_rules)
    if len(signature) != 64:
        return None
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def verify(
    curve: Curve,
    key: bytes,
    signature: bytes,
    digest: bytes,
    *,
    encoding: str = "compact",
    der_rules: str = "strict",
    low_s: bool = False,
) -> str:
    """Verdict on a signature over a 32-byte digest."""
    point = curve.decode(key)
    if point is None:
        return "MALFORMED_KEY"
    scalars = parse_signature(signature, encoding, der_rules)
    if scalars is None:
        return "MALFORMED_SIGNATURE"
    return equation(curve, point, *scalars, int.from_bytes(digest, "big"), low_s=low_s)


def equation(curve: Curve, point: Point, r: int, s: int, e: int, *, low_s: bool = False) -> str:
    n = curve.n
    if not (0 < r < n and 0 < s < n):
        return "SCALAR_OUT_OF_RANGE"
    if low_s and s > n // 2:
        return "HIGH_S"
    w = pow(s, -1, n)
    total = curve.double_mul(e * w % n, curve.g, r * w % n, point)
    return "VALID" if total is not None and total[0] % n == r else "BAD_SIGNATURE"


def recover(curve: Curve, signature65: bytes, digest: bytes, *, low_s: bool = False) -> tuple[str, Point]:
    """Verdict and key from r || s || v, v in 0..3 or 27..30: bit 0 is the parity of R's y, bit 1 that x is r + n."""
    if len(signature65) != 65 or signature65[64] not in (0, 1, 2, 3, 27, 28, 29, 30):
        return "MALFORMED_SIGNATURE", None
    v = signature65[64] % 27
    r, s = int.from_bytes(signature65[:32], "big"), int.from_bytes(signature65[32:64], "big")
    n = curve.n
    if not (0 < r < n and 0 < s < n):
        return "SCALAR_OUT_OF_RANGE", None
    if low_s and s > n // 2:
        return "HIGH_S", None
    big_r = curve.lift_x(r + (v >> 1) * n, v & 1)
    if big_r is None:
        return "BAD_SIGNATURE", None
    w = pow(r, -1, n)
    key = curve.double_mul(-int.from_bytes(digest, "big") * w % n, curve.g, s * w % n, big_r)
    return ("BAD_SIGNATURE", None) if key is None else ("VALID", key)


def sign(curve: Curve, secret: int, digest: bytes, nonce: int) -> tuple[int, int, int]:
    """(r, s, recovery id) for a nonce that the caller picks: test data only."""
    n = curve.n
    point = curve.mul(nonce, curve.g)
    assert point is not None
    r = point[0] % n
    s = pow(nonce, -1, n) * (int.from_bytes(digest, "big") + r * secret) % n
    assert r * s, "pick another nonce"
    return r, s, (point[1] & 1) | (2 if point[0] >= n else 0)
