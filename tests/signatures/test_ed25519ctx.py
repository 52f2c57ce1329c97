"""The rule set "fabric-x": Ed25519ctx with the context of Fabric-X, by the oracle, with torsion and odd encodings."""

from __future__ import annotations

import random

import judge
import pytest
from oracle import ed25519 as oracle
from readers.cases import SignatureBatch, SignatureCase

import pycore
from pycore.testing._sign import public_keys, sign

RULES = {"rules": "fabric-x"}


def case_of(label: str, key: bytes, signature: bytes, message: bytes) -> SignatureCase:
    return SignatureCase(label, key, signature, message, valid=False)  # the oracle says


def cases(rng: random.Random) -> list[SignatureCase]:
    """Keys and nonces with every torsion, over both challenges; bits flipped; S out of range."""
    found = []
    torsion = oracle.torsion()
    for i, small_a in enumerate(torsion):
        for j, small_r in enumerate(torsion):
            scalar, nonce = rng.randrange(oracle.L), rng.randrange(oracle.L)
            key = oracle.encode(oracle.add(oracle.mul(scalar, oracle.B), small_a))
            r_point = oracle.add(oracle.mul(nonce, oracle.B), small_r)
            message = rng.randbytes(rng.choice([0, 32, 32, 100]))
            domain = oracle.FABRIC_X if (i + j) % 4 else b""
            signature = oracle.forge(scalar, nonce, message, key, r_point, domain)
            found.append(case_of(f"{i} {j}", key, signature, message))
    good = next(case for case in found if judge.oracle_verdict("ed25519", case, RULES) == "VALID")
    for bit in rng.sample(range(512), 24):
        flipped = bytearray(good.signature)
        flipped[bit // 8] ^= 1 << bit % 8
        found.append(case_of(f"bit {bit}", good.public_key, bytes(flipped), good.message))
    s = int.from_bytes(good.signature[32:], "little") + oracle.L
    found.append(case_of("S + L", good.public_key, good.signature[:32] + s.to_bytes(32, "little"), good.message))
    minus_zero = (1 | 1 << 255).to_bytes(32, "little")  # the identity with its sign bit set, as a key and as R
    for key, r in ((minus_zero, good.signature[:32]), (good.public_key, minus_zero)):
        found.append(case_of("minus zero", key, r + good.signature[32:], good.message))
    zeros = minus_zero[:31] + b"\0" + bytes(32)  # R = identity, S = 0 under A = minus zero: Go accepts that key
    return [*found, case_of("small", minus_zero, zeros, b"")]


def test_codes_are_the_oracles(backend: str) -> None:
    rows = cases(random.Random(1))
    wanted = [judge.oracle_verdict("ed25519", case, RULES) for case in rows]
    assert {"VALID", "BAD_SIGNATURE", "NON_CANONICAL"} <= set(wanted)
    for way, got in judge.pycore_verdicts(SignatureBatch("", "ed25519", rows, RULES)).items():
        wrong = [f"{c.label}: {x}, want {y}" for c, x, y in zip(rows, got, wanted, strict=True) if x != y]
        assert not wrong, f"{way}: {wrong[:20]}"


@pytest.mark.parametrize("count", [1, 3, 200, 1500])
def test_signatures_hold_under_their_own_rules_only(count: int, backend: str) -> None:
    import numpy as np

    secrets = np.frombuffer(random.Random(2).randbytes(32 * count), np.uint8).reshape(count, 32)
    keys = public_keys("ed25519", secrets)
    messages = [bytes([i % 251]) * (i % 70) for i in range(count)]
    signatures = sign("ed25519", secrets, messages, rules="fabric-x")
    assert pycore.verify_batch("ed25519", keys, signatures, messages, rules="fabric-x").all_valid
    for rules in oracle.RULES:
        assert not pycore.verify_batch("ed25519", keys, signatures, messages, rules=rules).valid.any()
    first = case_of("", keys[0].tobytes(), signatures[0].tobytes(), messages[0])
    assert judge.oracle_verdict("ed25519", first, RULES) == "VALID"
