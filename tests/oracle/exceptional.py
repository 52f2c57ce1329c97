"""Inputs of u G + v P on which addition formulas, window tables and comparisons go wrong.

With P = d G every partial sum of a double-base multiplication is a known multiple of G, so collisions can be arranged:
the two halves equal, opposite, or equal to a table entry. ECDSA and SM2 both let a verifier's (u, v) be chosen freely
when the digest may be chosen, so each triple (d, u, v) here becomes a signature that must be accepted, unless
u + v d = 0 mod n.
"""

from __future__ import annotations

from collections.abc import Iterator

from .weierstrass import Curve, Point


def triples(curve: Curve) -> Iterator[tuple[str, int, int, int]]:
    """(comment, d, u, v) with 0 <= u < n, 0 < v < n, 0 < d < n."""
    n = curve.n
    half = pow(2, -1, n)
    keys = [
        *((f"{d}", d) for d in (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33)),
        *((f"-{d}", n - d) for d in (1, 2, 3, 16)),
        ("1/2", half),
        ("-1/2", n - half),
        ("1/3", pow(3, -1, n)),
        ("2^128", 2**128),
        ("-2^128", n - 2**128),
        ("2^255", 2**255 % n),
    ]
    t = 0x1F2E3D4C5B6A79881F2E3D4C5B6A79881F2E3D4C5B6A79881F2E3D4C5B6A7988 % n
    for name, d in keys:
        for comment, u, v in (
            ("u G = v P", t * d % n, t),
            ("u G = v P, v = 1", d, 1),
            ("u G = 2 v P", 2 * t * d % n, t),
            ("2 u G = v P", t * d * half % n, t),
            ("u G = -2 v P", -2 * t * d % n, t),
            ("u G + v P = G", (1 - t * d) % n, t),
            ("u G + v P = -G", (-1 - t * d) % n, t),
            ("u G + v P = P", (1 - t) * d % n, t),
            ("u = v", t, t),
            ("u = -v", n - t, t),
            ("u = v = 1", 1, 1),
            ("u = 1, v = n - 1", 1, n - 1),
            ("u = v = n - 1", n - 1, n - 1),
            ("one bit each", 2**255 % n, 2**254),
        ):
            yield f"P = {name} G: {comment}", d, u, v
    d = t * t % n
    edges = (1, 2, 3, 15, 16, 17, 2**128, 2**255 % n, n // 2, n // 2 + 1, n - 3, n - 2, n - 1)
    for u in edges:
        for v in edges:
            yield f"u = {short(u, n)}, v = {short(v, n)}", d, u, v
    for width in (4, 5, 6, 7, 8):  # one digit repeated: the accumulator meets the table's entries again and again
        for digit in (1, 2**width - 1, 2 ** (width - 1)):
            scalar = sum(digit << i for i in range(0, 256 - width, width)) % n
            yield f"every {width}-bit window of u and v is {digit}", d, scalar, scalar
            yield f"P = -G, every {width}-bit window of u is {digit}, v = u + 1", n - 1, scalar, scalar + 1


def infinities(curve: Curve) -> Iterator[tuple[str, int, int, int]]:
    """Triples with u G + v P = infinity: never a valid signature."""
    n = curve.n
    t = 0x1F2E3D4C5B6A79881F2E3D4C5B6A79881F2E3D4C5B6A79881F2E3D4C5B6A7988 % n
    for name, d in (("1", 1), ("2", 2), ("-1", n - 1), ("1/2", pow(2, -1, n)), ("t", t), ("2^128", 2**128)):
        for v in (1, 2, t, n - 1):
            yield f"P = {name} G, v = {short(v, n)}: u G + v P = infinity", d, -v * d % n, v


def short(value: int, n: int) -> str:
    """A number as people write it: 17, n - 2, 2^128."""
    if value < 1000:
        return str(value)
    if n - value < 1000:
        return f"n - {n - value}"
    if value & (value - 1) == 0:
        return f"2^{value.bit_length() - 1}"
    return {n // 2: "(n - 1)/2", n // 2 + 1: "(n + 1)/2"}.get(value, "0x%08x.." % (value >> 224))


def key_for(curve: Curve, target: Point, u: int, v: int) -> Point:
    """The P with u G + v P = target."""
    return curve.mul(pow(v, -1, curve.n), curve.add(target, curve.neg(curve.mul(u, curve.g))))


def xs_near(curve: Curve, start: int, step: int, count: int) -> list[int]:
    """The first `count` x coordinates of points, walking from `start` in steps of +1 or -1."""
    found, x = [], start
    while len(found) < count:
        if curve.lift_x(x, 0) is not None:
            found.append(x)
        x += step
    return found


def x_with_y(curve: Curve, y: int) -> int | None:
    """Some x with (x, y) on the curve: a root of x^3 - 3 x + b - y^2, by gcd with x^p - x."""
    # polynomials modulo f = x^3 + a x + c, as three coefficients, lowest first
    a, c = curve.a % curve.p, (curve.b - y * y) % curve.p

    def times(left: list[int], right: list[int]) -> list[int]:
        wide = [0] * 5
        for i, one in enumerate(left):
            for j, two in enumerate(right):
                wide[i + j] += one * two
        for i in (4, 3):
            wide[i - 2] -= wide[i] * a
            wide[i - 3] -= wide[i] * c
        return [value % curve.p for value in wide[:3]]

    power, base = [1, 0, 0], [0, 1, 0]
    for bit in bin(curve.p)[2:]:
        power = times(power, power)
        if bit == "1":
            power = times(power, base)
    power[1] = (power[1] - 1) % curve.p  # x^p - x mod f
    if not any(power):
        return None  # three roots: not needed here
    # gcd(f, power): linear exactly when f has one root
    while power and power[-1] == 0:
        power.pop()
    f, g = [c, a, 0, 1], power
    while g:
        while len(f) >= len(g):
            factor, shift = f[-1] * pow(g[-1], -1, curve.p) % curve.p, len(f) - len(g)
            for i, value in enumerate(g):
                f[shift + i] = (f[shift + i] - factor * value) % curve.p
            while f and f[-1] == 0:
                f.pop()
        f, g = g, f
    return -f[0] * pow(f[1], -1, curve.p) % curve.p if len(f) == 2 else None
