"""ECDSA, recovery and BIP-340 where arithmetic is exceptional: judged by the oracle, compared code by code."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import judge
import pytest
from oracle import bip340, der, der_mutations, ecdsa, exceptional
from oracle.weierstrass import P256, SECP256K1, Curve
from readers.cases import SignatureBatch, SignatureCase

CURVES = {"ecdsa-secp256k1": SECP256K1, "ecdsa-p256": P256}
LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72  # secp256k1: lambda (x, y) = (beta x, y)


def b32(value: int) -> bytes:
    return value.to_bytes(32, "big")


def compact(r: int, s: int) -> bytes:
    return b32(r) + b32(s)


@functools.cache
def public_key(curve: Curve, d: int) -> bytes:
    return curve.encode(curve.mul(d, curve.g))


def chosen(curve: Curve, comment: str, d: int, u: int, v: int) -> SignatureCase | None:
    """The signature whose verification computes u G + v (d G); the digest is the chosen one."""
    total = curve.mul((u + v * d) % curve.n, curve.g)
    if total is None or total[0] % curve.n == 0:
        return None
    r = total[0] % curve.n
    s = r * pow(v, -1, curve.n) % curve.n
    return SignatureCase(comment, public_key(curve, d), compact(r, s), b32(u * s % curve.n), True)


def endomorphism_triples() -> Iterator[tuple[str, int, int, int]]:
    """Scalars around secp256k1's lambda: halves that are zero, one, equal or opposite after the split."""
    n, some = SECP256K1.n, 0x1F2E3D4C5B6A79881F2E3D4C5B6A7988
    scalars = {
        "lambda": LAMBDA,
        "lambda + 1": LAMBDA + 1,
        "lambda - 1": LAMBDA - 1,
        "-lambda": n - LAMBDA,
        "lambda^2": LAMBDA * LAMBDA % n,
        "2 lambda": 2 * LAMBDA % n,
        "a lambda": some * LAMBDA % n,
        "a + a lambda": some * (LAMBDA + 1) % n,
        "a - a lambda": some * (1 - LAMBDA) % n,
        "a": some,
        "2^128": 2**128,
        "2^129": 2**129,
        "2^127 lambda": 2**127 * LAMBDA % n,
    }
    for key in ("lambda", "-lambda", "lambda^2", "lambda + 1", "2 lambda", "a"):
        for v_name, v in scalars.items():
            for u_name, u in (("1", 1), ("n - 1", n - 1), (v_name, v), (f"v d, d = {key}", v * scalars[key] % n)):
                yield f"P = {key} G, u = {u_name}, v = {v_name}", scalars[key], u, v


@functools.cache
def exceptional_cases(scheme: str) -> list[SignatureCase]:
    curve = CURVES[scheme]
    n = curve.n
    rows = list(exceptional.triples(curve))
    rows += [(f"e = 0: {comment}", d, 0, v) for comment, d, _, v in rows if comment.endswith(("u = v", "u = v = 1"))]
    if scheme == "ecdsa-secp256k1":
        rows += endomorphism_triples()
    cases = [case for row in rows if (case := chosen(curve, *row)) is not None]
    for comment, d, u, v in exceptional.infinities(curve):
        for s in (1, 0x1234567, n - 1):  # any s: R is infinity whatever r pretends
            r, key = v * s % n, public_key(curve, d)
            cases.append(SignatureCase(comment, key, compact(r, s), b32(u * s % n), False))
    return cases


def large_x_cases(curve: Curve) -> list[SignatureCase]:
    """x(R) at n and above, where r = x - n, and where r + n is not below p, so that only x(R) = r counts."""
    n, p = curve.n, curve.p
    u, v = 0xABCDEF123456789, 0x987654321FEDCBA
    cases = []
    for where, xs in (
        ("n + small", exceptional.xs_near(curve, n + 1, 1, 4)),
        ("p - small", exceptional.xs_near(curve, p - 1, -1, 4)),
        ("n - small", exceptional.xs_near(curve, n - 1, -1, 4)),
        ("p - n + small", exceptional.xs_near(curve, p - n, 1, 3)),
        ("p - n - small", exceptional.xs_near(curve, p - n - 1, -1, 3)),
        ("small", exceptional.xs_near(curve, 1, 1, 4)),
    ):
        for x in xs:
            for odd in (0, 1):
                key = curve.encode(exceptional.key_for(curve, curve.lift_x(x, odd), u, v))
                r = x % n
                s = r * pow(v, -1, n) % n
                comment = f"x(R) = {where}, y {'odd' if odd else 'even'}"
                cases.append(SignatureCase(comment, key, compact(r, s), b32(u * s % n), True))
                wrong = (r + 1) % n
                s = wrong * pow(v, -1, n) % n
                row = SignatureCase(comment + ", r + 1", key, compact(wrong, s), b32(u * s % n), False)
                cases.append(row)
    for x in exceptional.xs_near(curve, 1, 1, 4):  # x(R) = r + n - p, which is r + n modulo p
        r = x + p - n
        key = curve.encode(exceptional.key_for(curve, curve.lift_x(x, 0), u, v))
        s = r * pow(v, -1, n) % n
        cases.append(SignatureCase("x(R) = r + n - p", key, compact(r, s), b32(u * s % n), False))
    return cases


def edge_scalar_cases(curve: Curve) -> list[SignatureCase]:
    n, p = curve.n, curve.p
    edges = (0, 1, 2, 2**128, n // 2, n // 2 + 1, 2**255, n - 2, n - 1, n, n + 1, p - 1, p, p + 1, 2**256 - 1)
    key = curve.encode(curve.mul(0xDEADBEEF, curve.g))
    rows = [SignatureCase(f"r = {r:#x}, s = {s:#x}", key, compact(r, s), b32(1), False) for r in edges for s in edges]
    for e in edges:  # valid under a digest at the edge: e is reduced modulo n
        r, s, _ = ecdsa.sign(curve, 0xDEADBEEF, b32(e), 0xC0FFEE)
        rows.append(SignatureCase(f"e = {e:#x}", key, compact(r, s), b32(e), True))
        rows.append(SignatureCase(f"e = {e:#x}, n - s", key, compact(r, n - s), b32(e), True))
        rows.append(SignatureCase(f"e = {e:#x}, n - r", key, compact(n - r, s), b32(e), False))
        rows.append(SignatureCase(f"e = {e:#x} + 1", key, compact(r, s), b32((e + 1) % 2**256), False))
    return rows


def key_cases(curve: Curve) -> list[SignatureCase]:
    digest, secret = b32(0x55AA), 0xFEED
    r, s, _ = ecdsa.sign(curve, secret, digest, 0xC0FFEE)
    point = curve.mul(secret, curve.g)
    assert point
    full, small = curve.encode(point), curve.encode(point, compressed=True)
    no_point = next(x for x in range(1, 100) if curve.lift_x(x, 0) is None)
    keys = [
        full,
        small,
        full[1:],
        b"",
        b"\0",
        full[:64],
        full + b"\0",
        small + b"\0",
        small[:32],
        b"\6" + full[1:],
        b"\7" + full[1:],
        b"\2" + full[1:],
        b"\4" + small[1:],
        b"\0" + small[1:],
        b"\5" + small[1:],
        bytes([small[0] ^ 1]) + small[1:],
        bytes(65),
        bytes(33),
        full[:-1] + bytes([full[-1] ^ 1]),
        b"\4" + full[33:] + full[1:33],
        b"\4" + bytes(64),
        b"\2" + bytes(32),
        b"\2" + b32(no_point),
        b"\2" + b32(curve.p),
        b"\2" + b"\xff" * 32,
        b"\4" + b32(curve.p) + full[33:],
        b"\4" + full[1:33] + b32(curve.p),
        curve.encode(curve.neg(point)),
    ]
    if curve.p + 100 < 2**256:
        x = exceptional.xs_near(curve, 1, 1, 1)[0]
        lifted = curve.lift_x(x, 0)
        assert lifted
        keys += [b"\4" + b32(x + curve.p) + b32(lifted[1]), b"\2" + b32(x + curve.p), b"\4" + b32(x) + b32(lifted[1])]
    good = {full, small}
    return [SignatureCase(f"key {key.hex()}", key, compact(r, s), digest, key in good) for key in keys]


def assert_matches_oracle(scheme: str, cases: list[SignatureCase], options: dict[str, Any]) -> None:
    """Codes equal the oracle's in every way of calling, and the oracle says what the case's author meant."""
    batch = SignatureBatch(scheme, scheme, cases, options)
    verdicts = [judge.oracle_verdict(scheme, case, options) for case in cases]
    judge.assert_published(batch, verdicts, "oracle")
    for way, got in judge.pycore_verdicts(batch).items():
        wrong = [f"{c.label}: {x}, want {y}" for c, x, y in zip(cases, got, verdicts, strict=True) if x != y]
        assert not wrong, f"{scheme} {options} {way}: {len(wrong)}\n" + "\n".join(wrong[:30])


@pytest.mark.parametrize("scheme", CURVES)
def test_exceptional_sums(scheme: str, backend: str) -> None:
    cases = exceptional_cases(scheme)
    assert sum(case.valid for case in cases) > 400
    assert_matches_oracle(scheme, cases, {"prehashed": True})


@pytest.mark.parametrize("scheme", CURVES)
def test_large_x(scheme: str, backend: str) -> None:
    assert_matches_oracle(scheme, large_x_cases(CURVES[scheme]), {"prehashed": True})


@pytest.mark.parametrize("scheme", CURVES)
def test_edge_scalars_and_digests(scheme: str, backend: str) -> None:
    curve = CURVES[scheme]
    cases = edge_scalar_cases(curve)
    assert_matches_oracle(scheme, cases, {"prehashed": True})
    low = []
    for case in cases:
        high = int.from_bytes(case.signature[32:], "big") > curve.n // 2
        low.append(SignatureCase(case.label, case.public_key, case.signature, case.message, case.valid and not high))
    assert_matches_oracle(scheme, low, {"prehashed": True, "rules": "low-s"})


@pytest.mark.parametrize("scheme", CURVES)
def test_keys(scheme: str, backend: str) -> None:
    assert_matches_oracle(scheme, key_cases(CURVES[scheme]), {"prehashed": True})


@pytest.mark.parametrize("scheme", CURVES)
def test_der(scheme: str, backend: str) -> None:
    curve, digest = CURVES[scheme], b32(0xD0E)
    pairs = (ecdsa.sign(curve, 0xFEED, digest, nonce)[:2] for nonce in range(0xC0FFEE, 0xC0FFEE + 1000))
    r, s = next(pair for pair in pairs if min(pair) >> 255)
    key = curve.encode(curve.mul(0xFEED, curve.g))
    rows = list(der_mutations.mutations(r, s, curve.n))
    assert len(rows) > 100
    strict = [SignatureCase(comment, key, data, digest, verdict == "VALID") for comment, data, verdict in rows]
    assert_matches_oracle(scheme, strict, {"prehashed": True, "encoding": "der"})
    for case, (comment, _, verdict) in zip(strict, rows, strict=True):
        got = judge.oracle_verdict(scheme, case, {"prehashed": True, "encoding": "der"})
        assert verdict in (None, got), comment
    trailing = [
        SignatureCase(case.label, key, case.signature, digest, case.valid or case.label.startswith("followed by"))
        for case in strict
    ]
    # one mutation becomes the signature followed by a byte: its SEQUENCE is as signed, a truncated one is not
    assert_matches_oracle(scheme, trailing, {"prehashed": True, "encoding": "der", "der_rules": "trailing"})
    for case in strict:
        options = {"prehashed": True, "encoding": "der", "der_rules": "go"}
        valid = judge.oracle_verdict(scheme, case, options) == "VALID"
        assert valid or not case.valid
        assert_matches_oracle(scheme, [SignatureCase(case.label, key, case.signature, digest, valid)], options)
    short = [(1, 1), (127, 128), (2**8, 2**15), (curve.n - 1, 1)]
    rows2 = [SignatureCase(f"r, s = {pair}", key, der.encode(*pair), digest, False) for pair in short]
    assert_matches_oracle(scheme, rows2, {"prehashed": True, "encoding": "der"})


def test_recovery_at_the_edges(backend: str) -> None:
    """All ids, r with r + n below and above p, digests and scalars at the edges: verdict and key as the oracle's."""
    import pycore

    curve, n = SECP256K1, SECP256K1.n
    edges = (0, 1, 2, n // 2, n // 2 + 1, n - 1, n, n + 1, curve.p, 2**256 - 1)
    rows: list[tuple[bytes, bytes]] = []
    for v in (0, 1, 2, 3, 4, 26, 27, 28, 29, 30, 31, 255):
        rows += [(compact(r, s) + bytes([v]), b32(0x77)) for r in edges for s in (*edges, 0x123456789)]
    for x in (*exceptional.xs_near(curve, n + 1, 1, 3), *exceptional.xs_near(curve, curve.p - 1, -1, 3)):
        rows += [
            (compact(x - n, 0xABCDEF) + bytes([v]), b32(e)) for v in range(4) for e in (0, 1, n - 1, n, 2**256 - 1)
        ]
    for x in (curve.p - n - 1, curve.p - n, curve.p - n + 1):
        rows += [(compact(x, 0xABCDEF) + bytes([v]), b32(9)) for v in range(4)]
    for nonce in (1, 2, n - 1):  # R = k G, e chosen so that the key is infinity: s k = e
        point = curve.mul(nonce, curve.g)
        assert point
        for s in (1, 0x55555):
            rows.append((compact(point[0] % n, s) + bytes([point[1] & 1]), b32(s * nonce % n)))
    rows += [(row[0][:length], row[1]) for row in rows[:1] for length in (0, 64)]
    for rules in ("any-s", "low-s"):
        keys, verdicts = pycore.recover_batch(
            "ecdsa-secp256k1", [row[0] for row in rows], [row[1] for row in rows], rules=rules
        )
        for (signature, digest), key, verdict in zip(rows, keys, verdicts, strict=True):
            want, point = ecdsa.recover(curve, signature, digest, low_s=rules == "low-s")
            label = f"{signature.hex()} {digest.hex()} {rules}"
            assert verdict.name == want, label
            assert key.tobytes() == (bytes(64) if point is None else curve.encode(point)[1:]), label
    assert sum(verdict.name == "VALID" for verdict in verdicts) > 20


@functools.cache
def bip340_cases() -> tuple[SignatureCase, ...]:
    curve, n, p = SECP256K1, SECP256K1.n, SECP256K1.p
    message = b"edges"
    cases = []
    for secret in (1, 2, 3, n - 1, n // 2, LAMBDA, 0x1234):
        for nonce in (1, 2, n - 1, LAMBDA, secret, n - secret, 0x5678):
            key, signature = bip340.sign(secret, message, nonce)
            label = f"d = {secret:#x}, k = {nonce:#x}"
            s = int.from_bytes(signature[32:], "big")
            cases.append(SignatureCase(label, key, signature, message, True))
            cases.append(SignatureCase(label + ", n - s", key, signature[:32] + b32(n - s), message, False))
            if s + n < 2**256:
                cases.append(SignatureCase(label + ", s + n", key, signature[:32] + b32(s + n), message, False))
            odd = flipped_nonce(secret, nonce, message)
            cases.append(SignatureCase(label + ", y(R) odd", key, odd, message, False))
    public = curve.mul(0x1234, curve.g)
    assert public
    d = 0x1234 if public[1] % 2 == 0 else n - 0x1234
    key = b32(public[0])
    for r in (0, 1, 2, p - 1, p, p + 1, n, 2**256 - 1, exceptional.xs_near(curve, 1, 1, 1)[0]):
        e = int.from_bytes(bip340.tagged_hash("BIP0340/challenge", b32(r) + key + message), "big") % n
        for name, s in (("e d, so R is infinity", e * d % n), ("0", 0), ("1", 1), ("n", n), ("2^256 - 1", 2**256 - 1)):
            cases.append(SignatureCase(f"r = {r:#x}, s = {name}", key, b32(r) + b32(s), message, False))
    _, good = bip340.sign(0x1234, message, 0x99)
    no_point = next(x for x in range(1, 100) if curve.lift_x(x, 0) is None)
    small = exceptional.xs_near(curve, 1, 1, 1)[0]
    bad = [
        b"",
        key[:31],
        key + b"\0",
        b"\2" + key,
        bytes(32),
        b32(no_point),
        b32(p),
        b32(p + small),
        b"\xff" * 32,
    ]
    cases += [SignatureCase(f"key {data.hex()}", data, good, message, False) for data in bad]
    wrong = [b"", good[:63], good + b"\0", bytes(64)]
    cases += [SignatureCase(f"signature {data.hex()}", key, data, message, False) for data in wrong]
    return tuple(cases)


def test_bip340_at_the_edges(backend: str) -> None:
    assert_matches_oracle("schnorr-secp256k1", list(bip340_cases()), {})


def flipped_nonce(secret: int, nonce: int, message: bytes) -> bytes:
    """The same x(R) with the nonce of the wrong sign: s G - e P = -R, whose y is odd."""
    curve = SECP256K1
    public, big_r = curve.mul(secret, curve.g), curve.mul(nonce, curve.g)
    assert public
    assert big_r
    d = secret if public[1] % 2 == 0 else curve.n - secret
    k = nonce if big_r[1] % 2 == 1 else curve.n - nonce
    r, key = b32(big_r[0]), b32(public[0])
    e = int.from_bytes(bip340.tagged_hash("BIP0340/challenge", r + key + message), "big") % curve.n
    return r + b32((k + e * d) % curve.n)
