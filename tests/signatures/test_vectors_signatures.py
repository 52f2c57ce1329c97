"""Published signature cases against the oracles, and against pycore: alone, in a batch, and through a KeySet.

The oracle is judged by the same published verdicts, so what the differential tests lean on has been checked itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import judge
import pytest
from readers import ed25519, wycheproof
from readers.cases import SignatureBatch

Require = Callable[[str], Path]
Count = Callable[..., None]
Load = Callable[[Require], SignatureBatch]

ED25519_RULES = list(ed25519.SPECCHECK)


def _wycheproof(source: str) -> Load:
    return lambda require: wycheproof.signatures(require(source), source)


def _wycheproof_zip215(require: Require) -> SignatureBatch:
    """The file assumes strict decoding. Under ZIP-215 exactly one verdict changes: tcId 151 is accepted."""
    source = "wycheproof/ed25519_test.json"
    batch = wycheproof.signatures(require(source), source)
    batch.options = {"rules": "zip215"}
    turned = [i for i, case in enumerate(batch.cases) if case.label.startswith("tcId 151 ")]
    assert len(turned) == 1
    case = batch.cases[turned[0]]
    assert not case.valid
    batch.cases[turned[0]] = type(case)(case.label, case.public_key, case.signature, case.message, True)
    return batch


def _speccheck(rules: str) -> Load:
    source = "ed25519/speccheck_cases.json"
    return lambda require: ed25519.speccheck(require(source), source, rules)


def _cctv(rules: str) -> Load:
    source = "ed25519/cctv_ed25519vectors_public.json"
    return lambda require: ed25519.cctv(require(source), source, rules)


def _djb(require: Require) -> SignatureBatch:
    source = "ed25519/djb_sign_input_1024.txt"
    return ed25519.djb(require(source), source)


def _botan(source: str) -> Load:
    return lambda require: ed25519.botan(require(source), source)


def _botan_verify(require: Require) -> SignatureBatch:
    """Botan refuses identity keys whatever the signature; that is its own policy, here the rules "strict"."""
    source = "ed25519/botan_ed25519_verify.vec"
    batch = ed25519.botan(require(source), source)
    batch.options = {"rules": "strict"}
    return batch


def _precompile(require: Require) -> SignatureBatch:
    source = "ethereum/precompile_p256Verify.json"
    return wycheproof.p256_precompile(require(source), source)


def _bip340(require: Require) -> SignatureBatch:
    source = "bitcoin/bip340_test-vectors.csv"
    return wycheproof.bip340(require(source), source)


def _bip341(require: Require) -> SignatureBatch:
    source = "bitcoin/bip341_wallet-test-vectors.json"
    return wycheproof.bip341(require(source), source)


BATCHES: dict[str, Load] = {
    **{source: _wycheproof(source) for source in wycheproof.SIGNATURE_FILES},
    "wycheproof/ed25519 under zip215": _wycheproof_zip215,
    **{f"speccheck {rules}": _speccheck(rules) for rules in ED25519_RULES},
    **{f"cctv {rules}": _cctv(rules) for rules in ED25519_RULES},
    "ed25519/djb": _djb,
    "ed25519/botan_ed25519.vec": _botan("ed25519/botan_ed25519.vec"),
    "ed25519/botan_ed25519_verify.vec": _botan_verify,
    "ethereum/precompile_p256Verify": _precompile,
    "bitcoin/bip340": _bip340,
    "bitcoin/bip341": _bip341,
}


@pytest.mark.vectors
@pytest.mark.parametrize("name", BATCHES)
def test_oracle_agrees_with_published(name: str, require_vectors: Require) -> None:
    batch = BATCHES[name](require_vectors)
    verdicts = [judge.oracle_verdict(batch.scheme, case, batch.options) for case in batch.cases]
    judge.assert_published(batch, verdicts, "oracle")


@pytest.mark.vectors
@pytest.mark.parametrize("name", BATCHES)
def test_published(name: str, backend: str, require_vectors: Require, count_cases: Count) -> None:
    batch = BATCHES[name](require_vectors)
    ways = judge.pycore_verdicts(batch)
    for way, verdicts in ways.items():
        judge.assert_published(batch, verdicts, way)
        assert verdicts == ways["single"], f"{name}: {way} gives other codes than single calls"
    judge.assert_verify_raises_exactly_when_invalid(batch)
    count_cases(batch.source, len(batch.cases), ways=len(ways) + 1)


@pytest.mark.vectors
def test_botan_keys(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Keys only: under "strict" a KeySet refuses what Botan refuses, at the latest when a signature is verified."""
    import pycore

    source = "ed25519/botan_ed25519_key_valid.vec"
    keys = ed25519.botan_keys(require_vectors(source))
    signature = b"\x01" + bytes(63)  # R = identity, S = 0: the forgery that such keys allow
    for key, valid, comment in keys:
        verdicts = pycore.verify_batch("ed25519", [key], [signature], [b"any"], rules="strict")
        assert not verdicts.all_valid
        parsed = pycore.KeySet("ed25519", [key]).verdicts.all_valid
        assert parsed or not valid, comment
        if "dentity" in comment:
            assert parsed, "the identity is a point; refusing it is a rule"
            assert pycore.verify_batch("ed25519", [key], [signature], [b"any"], rules="zip215").all_valid
    count_cases(source, len(keys))
