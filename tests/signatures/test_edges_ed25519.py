"""Ed25519 at its edges, in all five rule sets: torsion in A and R, every odd encoding, S around the group order."""

from __future__ import annotations

import functools
import hashlib

import judge
import numpy as np
import pytest
from oracle import ed25519 as oracle
from oracle.ed25519 import B, L, P, add, encode, mul
from readers.cases import SignatureBatch, SignatureCase

RULES = list(oracle.RULES)
SEED_SCALAR, SEED_NONCE = 0x1234567890ABCDEF1234567890ABCDEF, 0xFEDCBA0987654321FEDCBA0987654321


def b32(value: int) -> bytes:
    return value.to_bytes(32, "little")


def encodings_at_the_edges() -> list[bytes]:
    """y from 0 to 20 and from p - 20 to 2^255 - 1, both signs: all odd encodings of all points are among them."""
    ys = (*range(21), *range(P - 20, 2**255))
    return [b32(y | sign << 255) for y in ys for sign in (0, 1)]


@functools.cache
def small_order_encodings() -> tuple[bytes, ...]:
    """Every encoding, canonical or not, of the eight points of small order."""
    named = {encode(point) for point in oracle.torsion()}
    for data in encodings_at_the_edges():
        point = oracle.decode(data)
        if point is not None and oracle.small_order(point):
            named.add(data)
    assert len(named) == 14
    return tuple(sorted(named))


@functools.cache
def torsion_cases() -> tuple[SignatureCase, ...]:
    """A = a B + T_i, R = r B + T_j for all i and j, S for the prime-order parts: messages that hit several residues."""
    torsion = oracle.torsion()
    cases = []
    for i, left in enumerate(torsion):
        key = encode(add(mul(SEED_SCALAR, B), left))
        for j, right in enumerate(torsion):
            for message in (b"0", b"1", b"2"):
                signature = oracle.forge(SEED_SCALAR, SEED_NONCE, message, key, add(mul(SEED_NONCE, B), right))
                cases.append(SignatureCase(f"A + T{i}, R + T{j}, {message!r}", key, signature, message, True))
    return tuple(cases)


@functools.cache
def small_order_cases() -> tuple[SignatureCase, ...]:
    """Small-order A with small-order R and S = 0, with R = r B and S = r, and honest A with small-order R."""
    cases = []
    honest = encode(mul(SEED_SCALAR, B))
    for a in small_order_encodings():
        for r in small_order_encodings():
            cases += [
                SignatureCase(f"A {a.hex()}, R {r.hex()}, S = 0", a, r + bytes(32), m, True) for m in (b"0", b"1")
            ]
        signature = encode(mul(SEED_NONCE, B)) + b32(SEED_NONCE)
        cases += [SignatureCase(f"A {a.hex()}, R = S B", a, signature, m, True) for m in (b"0", b"1", b"2", b"3")]
        k = int.from_bytes(hashlib.sha512(a + honest + b"m").digest(), "little") % L
        cases.append(SignatureCase(f"R {a.hex()}", honest, a + b32(k * SEED_SCALAR % L), b"m", True))
    return tuple(cases)


@functools.cache
def encoding_cases() -> tuple[SignatureCase, ...]:
    """Keys and R whose bytes are at the edges, points or not; with S = 0 and with an honest S."""
    honest = encode(mul(SEED_SCALAR, B))
    good = oracle.forge(SEED_SCALAR, SEED_NONCE, b"m", honest, mul(SEED_NONCE, B))
    cases = []
    for data in encodings_at_the_edges():
        cases.append(SignatureCase(f"A {data.hex()}, S = 0", data, b"\1" + bytes(63), b"m", False))
        cases.append(SignatureCase(f"A {data.hex()}", data, good, b"m", False))
        cases.append(SignatureCase(f"R {data.hex()}", honest, data + good[32:], b"m", False))
    return tuple(cases)


@functools.cache
def scalar_cases() -> tuple[SignatureCase, ...]:
    honest = encode(mul(SEED_SCALAR, B))
    good = oracle.forge(SEED_SCALAR, SEED_NONCE, b"m", honest, mul(SEED_NONCE, B))
    s = int.from_bytes(good[32:], "little")
    values = {
        "S": s,
        "S + L": s + L,
        "S + 2 L": s + 2 * L,
        "S + 8 L": s + 8 * L,
        "L - S": L - s,
        "0": 0,
        "1": 1,
        "L - 1": L - 1,
        "L": L,
        "L + 1": L + 1,
        "2^252": 2**252,
        "2^253": 2**253,
        "2^255": 2**255,
        "2^256 - 1": 2**256 - 1,
        "L with its top byte wrong": L | 1 << 255,
    }
    cases = [SignatureCase(name, honest, good[:32] + b32(value), b"m", False) for name, value in values.items()]
    for a_name, a in (("1", 1), ("L - 1", L - 1), ("2^252", 2**252), ("8", 8)):
        key = encode(mul(a, B))
        for nonce in (0, 1, L - 1):
            signature = oracle.forge(a, nonce, b"m", key, mul(nonce, B))
            cases.append(SignatureCase(f"A = {a_name} B, R = {nonce} B", key, signature, b"m", True))
    for length in (0, 1, 31, 32, 63, 65, 96, 128):
        cases.append(SignatureCase(f"{length}-byte signature", honest, (good * 2)[:length], b"m", False))
        cases.append(SignatureCase(f"{length}-byte key", (honest * 4)[:length], good, b"m", length == 32))
    return tuple(cases)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    "make", [torsion_cases, small_order_cases, encoding_cases, scalar_cases], ids=lambda f: f.__name__
)
def test_codes_are_the_oracles(
    make: functools._lru_cache_wrapper[tuple[SignatureCase, ...]], rules: str, backend: str
) -> None:
    cases, options = list(make()), {"rules": rules}
    verdicts = [judge.oracle_verdict("ed25519", case, options) for case in cases]
    for way, got in judge.pycore_verdicts(SignatureBatch("", "ed25519", cases, options)).items():
        wrong = [f"{c.label}: {x}, want {y}" for c, x, y in zip(cases, got, verdicts, strict=True) if x != y]
        assert not wrong, f"{rules} {way}: {len(wrong)} of {len(cases)}\n" + "\n".join(wrong[:30])


def test_rules_differ_where_they_should() -> None:
    """The cases above tell every pair of rule sets apart, and the oracle accepts some of each kind."""
    cases = (*torsion_cases(), *small_order_cases(), *encoding_cases(), *scalar_cases())
    accepted = {
        rules: {i for i, c in enumerate(cases) if judge.oracle_verdict("ed25519", c, {"rules": rules}) == "VALID"}
        for rules in RULES
    }
    assert len({frozenset(rows) for rows in accepted.values()}) == len(RULES)
    for rules in RULES:
        assert accepted[rules] <= accepted["zip215"], "every other rule set accepts less"
    assert accepted["strict"] <= accepted["rfc8032"] <= accepted["rfc8032-cofactored"]
    assert accepted["rfc8032"] <= accepted["ref10"]
    torsion = len(torsion_cases())
    assert {i for i in accepted["zip215"] if i < torsion} == set(range(torsion))
    assert 0 < sum(i < torsion for i in accepted["rfc8032"]) < torsion


@pytest.mark.parametrize("rules", RULES)
def test_batches_do_not_let_torsion_cancel(rules: str, backend: str) -> None:
    """Pairs of signatures whose torsion defects cancel in a sum: each keeps its own verdict, in every order."""
    import pycore

    cases = [case for case in torsion_cases() if case.message == b"0"]
    want = [judge.oracle_verdict("ed25519", case, {"rules": rules}) for case in cases]
    order = [(7 * i + j) % len(cases) for j in range(4) for i in range(len(cases))]
    columns = SignatureBatch("", "ed25519", [cases[i] for i in order]).columns()
    for _ in range(8):  # batch coefficients may be random: repeat
        got = [verdict.name for verdict in pycore.verify_batch("ed25519", *columns, rules=rules)]
        assert got == [want[i] for i in order]


@pytest.mark.parametrize("flags", range(32))
def test_flags_are_independent(flags: int, backend: str) -> None:
    """Every combination of the flags, not only the five rows that have names: the next rule set is one of them."""
    from pycore.base import ffi
    from pycore.base.columns import as_column
    from pycore.base.registry import SCHEMES
    from pycore.base.verdicts import Verdict
    from pycore.signatures import ffi_keys

    rules = oracle.Rules(*(bool(flags >> bit & 1) for bit in range(5)))  # in the order of PC_RULE_*
    cases = (*torsion_cases()[::3], *small_order_cases()[::2], *encoding_cases()[::5])
    params = ffi.VerifyParams(
        scheme=SCHEMES["ed25519"].id, rules=flags, hash_id=0, prehashed=False, encoding=0, der_rules=0, user_id=None
    )
    columns = SignatureBatch("", "ed25519", list(cases)).columns()
    codes = np.zeros(len(cases), np.uint8)
    items = ffi_keys.Items(*(as_column(x, "column") for x in columns))
    ffi_keys.verify_keys(ffi.current_backend(), params, items, codes, 0, items.n)
    wrong = [
        f"{case.label}: {Verdict(int(code)).name}, want {want}"
        for case, code in zip(cases, codes, strict=True)
        if Verdict(int(code)).name != (want := oracle.judge(judge.ed25519_facts(case), rules))
    ]
    assert not wrong, f"{rules}: {len(wrong)} of {len(cases)}\n" + "\n".join(wrong[:20])
