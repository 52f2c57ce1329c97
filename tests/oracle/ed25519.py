"""Ed25519 (RFC 8032, section 5.1.7) under six rule sets, each a row of independent flags.

`facts` does the arithmetic once and says everything that any rule set asks; `judge` applies a rule set to the facts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
_SQRT_M1 = pow(2, (P - 1) // 4, P)

Extended = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, x y = T/Z
IDENTITY: Extended = (0, 1, 1, 0)


@dataclass(frozen=True)
class Rules:
    canonical_a: bool = False
    canonical_r: bool = False
    no_small_a: bool = False
    no_small_r: bool = False
    cofactored: bool = False
    domain: bytes = b""  # what stands before R || A || M where k is hashed


RULES = {
    "zip215": Rules(cofactored=True),
    "rfc8032-cofactored": Rules(canonical_a=True, canonical_r=True, cofactored=True),
    "rfc8032": Rules(canonical_a=True, canonical_r=True),
    "ref10": Rules(canonical_r=True),
    "strict": Rules(canonical_a=True, canonical_r=True, no_small_a=True, no_small_r=True),
}

# RFC 8032, section 2: dom2(x, y) = "SigEd25519 no Ed25519 collisions" || octet(x) || octet(OLEN(y)) || y
FABRIC_X = b"SigEd25519 no Ed25519 collisions" + bytes([0, 18]) + b"Example_ed25519ctx"
ALL_RULES = RULES | {"fabric-x": Rules(canonical_r=True, domain=FABRIC_X)}


def add(left: Extended, right: Extended) -> Extended:
    """The complete addition law for a = -1 (RFC 8032, section 5.1.4): no exceptional cases."""
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c = 2 * left[3] * right[3] * D % P
    d = 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def neg(point: Extended) -> Extended:
    return (-point[0] % P, point[1], point[2], -point[3] % P)


def mul(k: int, point: Extended) -> Extended:
    total = IDENTITY
    for bit in bin(k)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def equal(left: Extended, right: Extended) -> bool:
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def decode(data: bytes) -> Extended | None:
    """Any point, in any of its encodings: y may be >= p, and x = 0 may carry either sign."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, (number & (2**255 - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * _SQRT_M1 % P
        if (v * x * x - u) % P:
            return None
    if x & 1 != sign:
        x = -x % P
    return (x, y, 1, x * y % P)


def encode(point: Extended) -> bytes:
    zi = pow(point[2], -1, P)
    x, y = point[0] * zi % P, point[1] * zi % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def small_order(point: Extended) -> bool:
    return equal(mul(8, point), IDENTITY)


_base = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
assert _base is not None
B: Extended = _base


@dataclass(frozen=True)
class Facts:
    """The parts of a signature, before any rule."""

    malformed: str = ""  # verdict that no rule set can change: lengths, A not a point, S >= L
    canonical_a: bool = True
    canonical_r: bool = True
    small_a: bool = False
    small_r: bool = False
    exact: bool = False  # [S]B = R + [k]A
    times8: bool = False  # [8][S]B = [8]R + [8][k]A


def facts(key: bytes, signature: bytes, message: bytes, domain: bytes = b"") -> Facts:
    if len(key) != 32:
        return Facts("MALFORMED_KEY")
    if len(signature) != 64:
        return Facts("MALFORMED_SIGNATURE")
    a, r = decode(key), decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None:
        return Facts("MALFORMED_KEY")
    if s >= L:
        return Facts("NON_CANONICAL")
    found = {"canonical_a": encode(a) == key, "small_a": small_order(a)}
    if r is None:  # what can be said of its bytes alone comes before the equation
        return Facts(**found, canonical_r=int.from_bytes(signature[:32], "little") & (2**255 - 1) < P)
    k = int.from_bytes(hashlib.sha512(domain + signature[:32] + key + message).digest(), "little") % L
    residue = add(mul(s, B), neg(add(r, mul(k, a))))
    return Facts(
        **found,
        canonical_r=encode(r) == signature[:32],
        small_r=small_order(r),
        exact=equal(residue, IDENTITY),
        times8=small_order(residue),
    )


def judge(found: Facts, rules: Rules) -> str:
    if found.malformed:
        return found.malformed
    if (rules.canonical_a and not found.canonical_a) or (rules.canonical_r and not found.canonical_r):
        return "NON_CANONICAL"
    if (rules.no_small_a and found.small_a) or (rules.no_small_r and found.small_r):
        return "SMALL_ORDER"
    return "VALID" if (found.times8 if rules.cofactored else found.exact) else "BAD_SIGNATURE"


def verify(key: bytes, signature: bytes, message: bytes, rules: str = "zip215") -> str:
    return judge(facts(key, signature, message, ALL_RULES[rules].domain), ALL_RULES[rules])


def secret_scalar(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    return (int.from_bytes(digest[:32], "little") & (2**254 - 8)) | 2**254, digest[32:]


def torsion() -> list[Extended]:
    """The eight points of order 1, 2, 4 and 8."""
    y = 2
    while True:
        point = decode(y.to_bytes(32, "little"))
        if point is not None:
            candidate = mul(L, point)
            if not equal(mul(4, candidate), IDENTITY):
                return [mul(i, candidate) for i in range(8)]
        y += 1


def forge(scalar: int, nonce: int, message: bytes, key: bytes, r_point: Extended, domain: bytes = b"") -> bytes:
    """R || S with S = nonce + k * scalar, R and A as given (they may carry torsion): test data only."""
    r = encode(r_point)
    k = int.from_bytes(hashlib.sha512(domain + r + key + message).digest(), "little") % L
    return r + ((nonce + k * scalar) % L).to_bytes(32, "little")
