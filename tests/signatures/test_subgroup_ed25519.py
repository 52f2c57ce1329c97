"""Cofactorless equations in two parts (docs/design/0026): the part of prime order, and that of small order.

Over curves of a few bits everything is tried: every point, in all of its coordinates, and every equation."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from oracle import ed25519 as oracle

CURVE_FILE = Path(__file__).resolve().parents[2] / "csrc" / "curves" / "ed25519.inc.h"

# (p, d, points): -x^2 + y^2 = 1 + d x^2 y^2 with p = 5 mod 8, d no square, and eight times a prime of points.
TINY = [(29, 3, 24), (29, 27, 40), (37, 2, 40), (53, 3, 56), (53, 51, 40), (61, 38, 56), (101, 12, 88)]
Affine = tuple[int, int]


def root(a: int, p: int) -> int | None:
    """A square root modulo p = 5 mod 8."""
    for r in (pow(a, (p + 3) // 8, p), pow(a, (p + 3) // 8, p) * pow(2, (p - 1) // 4, p) % p):
        if r * r % p == a % p:
            return r
    return None


@dataclass(frozen=True)
class Constants:
    """What curves/ed25519.inc.h calls CV_SUBGROUP_*, for any of these curves."""

    p: int
    e: int
    c: int
    slope: int


def constants(p: int, d: int) -> Constants:
    e = 4 * pow(1 + d, -1, p) % p
    c, r = root(-e, p), root(e, p)
    assert c is not None
    assert r is not None
    roots = [r for r in (r, -r % p) if pow(-((r + 2) ** 2) * e, (p - 1) // 4, p) == 1]
    assert len(roots) == 1, "of the two points of order 4, the character of one is 1 at (0, 0)"
    return Constants(p, e, c, (roots[0] + 2) % p)


def in_subgroup(of: Constants, point: tuple[int, int, int], *, other_root: bool = False) -> bool:
    """The formulas of csrc/group/edwards_subgroup.inc.h."""
    p, (x, y, z) = of.p, point
    if x % p == 0 and (y - z) % p == 0:
        return True
    s = root(z * z - y * y, p)
    if s is None:
        return False
    s = -s if other_root else s
    m = z - y
    g = 2 * x * y - of.c * s * z
    h = s * (2 * g + of.e * m * x) - of.slope * g * m
    return pow(2 * h * h * (g * x) ** 3 * m, (p - 1) // 4, p) == 1


def points_of(p: int, d: int) -> list[Affine]:
    return [(x, y) for x in range(p) for y in range(p) if (y * y - x * x - 1 - d * x * x * y * y) % p == 0]


def add(left: Affine, right: Affine, p: int, d: int) -> Affine:
    t = d * left[0] * right[0] * left[1] * right[1] % p
    x = (left[0] * right[1] + right[0] * left[1]) * pow(1 + t, -1, p)
    return x % p, (left[1] * right[1] + left[0] * right[0]) * pow(1 - t, -1, p) % p


@pytest.mark.parametrize(("p", "d", "n"), TINY)
def test_every_point_of_a_tiny_curve(p: int, d: int, n: int) -> None:
    """Multiples of a generator, in all projective coordinates and by both roots: in the subgroup are every eighth."""
    points, of = points_of(p, d), constants(p, d)
    assert len(points) == n
    assert p % 8 == 5
    for generator in points:
        multiples = [(0, 1)]
        while (following := add(multiples[-1], generator, p, d)) != (0, 1):
            multiples.append(following)
        if len(multiples) == n:
            break
    assert set(multiples) == set(points), "a cyclic group"
    for i, (x, y) in enumerate(multiples):
        for z, other_root in itertools.product(range(1, p), (False, True)):
            assert in_subgroup(of, (x * z, y * z, z), other_root=other_root) == (i % 8 == 0), (i, z)


@pytest.mark.parametrize(("p", "d", "n"), TINY[:4])
def test_every_equation_of_a_tiny_group(p: int, d: int, n: int) -> None:
    """S B = R + k A if, and only if, eight times the difference is zero and R + (k mod 8) A is in the subgroup: for all
    points A and R, all k below the order of the whole group, and all S."""
    points, of = points_of(p, d), constants(p, d)
    number = {point: i for i, point in enumerate(points)}
    sums = [[number[add(a, b, p, d)] for b in points] for a in points]
    zero = number[(0, 1)]
    multiples = [[zero] for _ in points]
    for i, row in enumerate(multiples):
        for _ in range(n - 1):
            row.append(sums[row[-1]][i])
    within = [in_subgroup(of, (x, y, 1)) for x, y in points]
    base = next(i for i in range(n) if i != zero and within[i])
    assert multiples[base][n // 8] == zero
    true = 0
    for a, r, k in itertools.product(range(n), range(n), range(n)):
        right, q = sums[r][multiples[a][k]], sums[r][multiples[a][k % 8]]
        for s in range(n // 8):
            difference = sums[multiples[base][s]][multiples[right][n - 1]]
            assert (difference == zero) == (multiples[difference][8] == zero and within[q])
            true += difference == zero
    assert true == n * n * n // 8, "one R for every A, k and S"


def test_constants_of_edwards25519() -> None:
    text = CURVE_FILE.read_text()

    def read(name: str) -> int:
        found = re.search(rf"#define CV_SUBGROUP_{name} +{{(.*)}}", text)
        assert found is not None
        return sum(int(word.strip().removesuffix("ULL"), 0) << 64 * i for i, word in enumerate(found[1].split(",")))

    of = constants(oracle.P, oracle.D)
    assert read("E") == of.e == 486664
    assert read("LAMBDA") in (of.slope, -of.slope % oracle.P)
    assert read("C") in (of.c, -of.c % oracle.P)


def test_character_of_edwards25519() -> None:
    """On the real curve: 2 G / 8 G has an element of order 4 that the character tells from its square."""
    of = constants(oracle.P, oracle.D)
    for i, torsion in enumerate(oracle.torsion()):
        for k in (0, 1, 8, 12345, oracle.L - 1):
            point = oracle.add(torsion, oracle.mul(k, oracle.B))
            for other_root in (False, True):
                assert in_subgroup(of, point[:3], other_root=other_root) == (i == 0), (i, k)
