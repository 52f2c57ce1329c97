"""SM2 signatures (GB/T 32918.2-2016, section 7.1) with every convention of Z_A that is met in practice."""

from __future__ import annotations

from .ecdsa import parse_signature
from .sm3 import sm3
from .weierstrass import SM2, Point

DEFAULT_ID = b"1234567812345678"  # GM/T 0009-2012, section 10


def z_a(user_id: bytes, point: Point) -> bytes:
    """Section 5.5: SM3(ENTL || ID || a || b || xG || yG || xA || yA), ENTL = length of ID in bits, two bytes."""
    assert point is not None
    numbers = (SM2.a % SM2.p, SM2.b, SM2.gx, SM2.gy, *point)
    return sm3((8 * len(user_id)).to_bytes(2, "big") + user_id + b"".join(x.to_bytes(32, "big") for x in numbers))


def digest(message: bytes, user_id: bytes | None, point: Point) -> bytes:
    """e. user_id None: no Z_A at all, e = SM3(message), which is not the same as the empty identifier."""
    return sm3((b"" if user_id is None else z_a(user_id, point)) + message)


def verify(
    key: bytes,
    signature: bytes,
    message: bytes,
    *,
    user_id: bytes | None = DEFAULT_ID,
    prehashed: bool = False,
    encoding: str = "compact",
    der_rules: str = "strict",
) -> str:
    point = SM2.decode(key, raw=True)
    if point is None:
        return "MALFORMED_KEY"
    scalars = parse_signature(signature, encoding, der_rules)
    if scalars is None:
        return "MALFORMED_SIGNATURE"
    e = message if prehashed else digest(message, user_id, point)
    return equation(point, *scalars, int.from_bytes(e, "big"))


def equation(point: Point, r: int, s: int, e: int) -> str:
    n = SM2.n
    t = (r + s) % n
    if not (0 < r < n and 0 < s < n) or t == 0:
        return "SCALAR_OUT_OF_RANGE"
    total = SM2.double_mul(s, SM2.g, t, point)
    return "VALID" if total is not None and (e + total[0]) % n == r else "BAD_SIGNATURE"


def sign(secret: int, e: int, nonce: int) -> tuple[int, int]:
    """(r, s) for a nonce that the caller picks: test data only."""
    n = SM2.n
    point = SM2.mul(nonce, SM2.g)
    assert point is not None
    r = (e + point[0]) % n
    s = pow(1 + secret, -1, n) * (nonce - r * secret) % n
    assert r * s * ((r + s) % n), "pick another nonce"
    return r, s
