"""Runs one `SignatureBatch` through an oracle, or through pycore in every way that pycore offers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from oracle import bip340, blake3, ecdsa, ed25519, keccak, sm2, sm3
from oracle.weierstrass import P256, SECP256K1
from readers.cases import SignatureBatch, SignatureCase

HASHES = {
    "sha256": lambda message: hashlib.sha256(message).digest(),
    "sha256d": lambda message: hashlib.sha256(hashlib.sha256(message).digest()).digest(),
    "sha3-256": keccak.sha3_256,
    "keccak256": keccak.keccak256,
    "sm3": sm3.sm3,
    "blake2b-256": lambda message: hashlib.blake2b(message, digest_size=32).digest(),
    "blake3": blake3.blake3,
}
_FACTS: dict[tuple[bytes, bytes, bytes, bytes], ed25519.Facts] = {}
_SEEN: dict[tuple[object, ...], str] = {}


def ed25519_facts(case: SignatureCase, domain: bytes = b"") -> ed25519.Facts:
    row = (case.public_key, case.signature, case.message, domain)
    if row not in _FACTS:
        _FACTS[row] = ed25519.facts(*row)
    return _FACTS[row]


def oracle_verdict(scheme: str, case: SignatureCase, options: dict[str, Any]) -> str:
    """The oracle's verdict name for one case under options of ``pycore.verify_batch``; remembered, for it is slow."""
    row = (scheme, case.public_key, case.signature, case.message, *sorted(options.items(), key=str))
    if row not in _SEEN:
        _SEEN[row] = _oracle_verdict(scheme, case, options)
    return _SEEN[row]


def _oracle_verdict(scheme: str, case: SignatureCase, options: dict[str, Any]) -> str:
    key, signature, message = case.public_key, case.signature, case.message
    if scheme == "ed25519":
        rules = ed25519.ALL_RULES[options.get("rules", "zip215")]
        return ed25519.judge(ed25519_facts(case, rules.domain), rules)
    if scheme == "schnorr-secp256k1":
        return bip340.verify(key, signature, message)
    encoding = {name: options[name] for name in ("encoding", "der_rules") if name in options}
    if scheme == "sm2":
        convention = {name: options[name] for name in ("user_id", "prehashed") if name in options}
        return sm2.verify(key, signature, message, **convention, **encoding)
    digest = message if options.get("prehashed") else HASHES[options.get("hash", "sha256")](message)
    curve = {"ecdsa-p256": P256, "ecdsa-secp256k1": SECP256K1}[scheme]
    return ecdsa.verify(curve, key, signature, digest, low_s=options.get("rules") == "low-s", **encoding)


def assert_published(batch: SignatureBatch, verdicts: Sequence[str], way: str) -> None:
    wrong = [
        f"{case.label}: published {'valid' if case.valid else 'invalid'}, got {verdict}"
        for case, verdict in zip(batch.cases, verdicts, strict=True)
        if case.valid != (verdict == "VALID")
    ]
    assert not wrong, f"{batch.source} {batch.options} {way}: {len(wrong)} of {len(batch.cases)}\n" + "\n".join(wrong)


def pycore_verdicts(batch: SignatureBatch) -> dict[str, list[str]]:
    """Verdict names of every case: called alone, in one batch, in the batch reversed, and through a KeySet."""
    import pycore

    def names(verdicts: Any) -> list[str]:
        return [pycore.Verdict(int(code)).name for code in verdicts.codes]

    keys, signatures, messages = batch.columns()
    call = {"rules": None, **batch.options}
    ways: dict[str, list[str]] = {"single": []}
    for key, signature, message in zip(keys, signatures, messages, strict=True):
        one = pycore.verify_batch(batch.scheme, [key], [signature], [message], **call)
        ways["single"] += names(one)
    ways["batch"] = names(pycore.verify_batch(batch.scheme, keys, signatures, messages, **call))
    back = pycore.verify_batch(batch.scheme, keys[::-1], signatures[::-1], messages[::-1], **call)
    ways["reversed batch"] = names(back)[::-1]
    distinct = list(dict.fromkeys(keys))
    position = {key: index for index, key in enumerate(distinct)}
    # room for narrow tables: wide ones take longer to build than these few signatures to verify
    keyset = pycore.KeySet(batch.scheme, distinct, memory_limit=60_000 * len(distinct))
    ways["keyset"] = names(keyset.verify_batch([position[key] for key in keys], signatures, messages, **call))
    return ways


def assert_verify_raises_exactly_when_invalid(batch: SignatureBatch) -> None:
    """``pycore.verify``, the call for one signature: None or InvalidSignature, case by case."""
    import pycore

    for case in batch.cases:
        try:
            assert pycore.verify(batch.scheme, case.public_key, case.signature, case.message, **batch.options) is None
            accepted = True
        except pycore.InvalidSignature:
            accepted = False
        assert accepted == case.valid, f"{batch.source} {case.label}: verify() {'accepts' if accepted else 'rejects'}"
