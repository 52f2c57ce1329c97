"""Short Weierstrass curves y^2 = x^3 + a x + b over a prime field, and the SEC 1 encodings of their points.

Points are affine (x, y) tuples, None is the point at infinity. Sums go through Jacobian coordinates with every
exceptional case spelled out (P + P, P + (-P), infinity on either side), because those are the cases under test.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

Point = tuple[int, int] | None


@dataclass(frozen=True)
class Curve:
    name: str
    p: int
    a: int
    b: int
    n: int
    gx: int
    gy: int

    @property
    def g(self) -> Point:
        return (self.gx, self.gy)

    def contains(self, x: int, y: int) -> bool:
        return (y * y - (x * x * x + self.a * x + self.b)) % self.p == 0

    def neg(self, point: Point) -> Point:
        return None if point is None else (point[0], -point[1] % self.p)

    def _jac_double(self, point: tuple[int, int, int]) -> tuple[int, int, int]:
        x, y, z = point
        p = self.p
        if z == 0 or y == 0:
            return (1, 1, 0)
        yy = y * y % p
        s = 4 * x * yy % p
        m = (3 * x * x + self.a * pow(z, 4, p)) % p
        x3 = (m * m - 2 * s) % p
        return (x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p)

    def _jac_add(self, left: tuple[int, int, int], right: tuple[int, int, int]) -> tuple[int, int, int]:
        p = self.p
        if left[2] == 0:
            return right
        if right[2] == 0:
            return left
        z1z1, z2z2 = left[2] ** 2 % p, right[2] ** 2 % p
        u1, u2 = left[0] * z2z2 % p, right[0] * z1z1 % p
        s1, s2 = left[1] * z2z2 * right[2] % p, right[1] * z1z1 * left[2] % p
        if u1 == u2:
            return self._jac_double(left) if s1 == s2 else (1, 1, 0)
        h, r = (u2 - u1) % p, (s2 - s1) % p
        hh = h * h % p
        hhh, v = h * hh % p, u1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return (x3, (r * (v - x3) - s1 * hhh) % p, left[2] * right[2] * h % p)

    def _affine(self, point: tuple[int, int, int]) -> Point:
        x, y, z = point
        if z == 0:
            return None
        zi = pow(z, -1, self.p)
        return (x * zi * zi % self.p, y * zi * zi * zi % self.p)

    @staticmethod
    def _jac(point: Point) -> tuple[int, int, int]:
        return (1, 1, 0) if point is None else (*point, 1)

    def add(self, left: Point, right: Point) -> Point:
        return self._affine(self._jac_add(self._jac(left), self._jac(right)))

    def mul(self, k: int, point: Point) -> Point:
        return self.double_mul(k, point, 0, None)

    # curves are few, and every backend is tried with the same cases
    @functools.lru_cache(maxsize=1 << 15)  # noqa: B019
    def double_mul(self, u: int, left: Point, v: int, right: Point) -> Point:
        """u * left + v * right, most significant bit first; scalars are taken as given, at least 0."""
        table = [(1, 1, 0), self._jac(left), self._jac(right), self._jac_add(self._jac(left), self._jac(right))]
        total = (1, 1, 0)
        for bit in range(max(u.bit_length(), v.bit_length()) - 1, -1, -1):
            total = self._jac_add(self._jac_double(total), table[(u >> bit & 1) | (v >> bit & 1) << 1])
        return self._affine(total)

    def lift_x(self, x: int, odd: int) -> Point:
        """The point with this x and parity of y; None when there is none. All three primes are 3 mod 4."""
        if not 0 <= x < self.p:
            return None
        square = (x * x * x + self.a * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        if y * y % self.p != square:
            return None
        return (x, y if y & 1 == odd else self.p - y)

    def decode(self, key: bytes, *, raw: bool = False) -> Point:
        """SEC 1, section 2.3.4, without the encoding of infinity; raw: 64 bytes x || y too. None: not a key."""
        if raw and len(key) == 64:
            key = b"\x04" + key
        if len(key) == 65 and key[0] == 4:
            x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
            return (x, y) if x < self.p and y < self.p and self.contains(x, y) else None
        if len(key) == 33 and key[0] in (2, 3):
            return self.lift_x(int.from_bytes(key[1:], "big"), key[0] & 1)
        return None

    @staticmethod
    def encode(point: Point, *, compressed: bool = False) -> bytes:
        assert point is not None
        x, y = (value.to_bytes(32, "big") for value in point)
        return bytes([2 + (point[1] & 1)]) + x if compressed else b"\x04" + x + y


# SEC 2 version 2, section 2.4.1
SECP256K1 = Curve(
    "secp256k1",
    p=2**256 - 2**32 - 977,
    a=0,
    b=7,
    n=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    gx=0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    gy=0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
# NIST SP 800-186, section 3.2.1.3
P256 = Curve(
    "p256",
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    a=-3,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    gx=0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    gy=0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
# GB/T 32918.5-2017, section 2
SM2 = Curve(
    "sm2",
    p=2**256 - 2**224 - 2**96 + 2**64 - 1,
    a=-3,
    b=0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    n=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    gx=0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    gy=0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
