"""Wycheproof JSON (ECDSA and EdDSA verification, HMAC), go-ethereum's P256VERIFY cases, and BIP-340's CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from .cases import SignatureBatch, SignatureCase

# file -> scheme and options of the rule that the file was made for
SIGNATURE_FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "wycheproof/ed25519_test.json": ("ed25519", {"rules": "rfc8032"}),
    "wycheproof/ecdsa_secp256r1_sha256_test.json": ("ecdsa-p256", {"encoding": "der"}),
    "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json": ("ecdsa-p256", {}),
    "wycheproof/ecdsa_secp256k1_sha256_test.json": ("ecdsa-secp256k1", {"encoding": "der"}),
    "wycheproof/ecdsa_secp256k1_sha256_p1363_test.json": ("ecdsa-secp256k1", {}),
    "wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json": ("ecdsa-secp256k1", {"encoding": "der", "rules": "low-s"}),
    "wycheproof/ecdsa_secp256k1_sha3_256_test.json": ("ecdsa-secp256k1", {"encoding": "der", "hash": "sha3-256"}),
}


def signatures(path: Path, source: str) -> SignatureBatch:
    scheme, options = SIGNATURE_FILES[source]
    batch = SignatureBatch(source, scheme, options=dict(options))
    data = json.loads(path.read_text())
    for group in data["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk" if scheme == "ed25519" else "uncompressed"])
        for test in group["tests"]:
            assert test["result"] in ("valid", "invalid"), test
            signature, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
            label = f"tcId {test['tcId']} ({test['comment']})"
            batch.cases.append(SignatureCase(label, key, signature, message, test["result"] == "valid"))
    assert len(batch.cases) == data["numberOfTests"]
    return batch


def hmac(path: Path) -> list[tuple[str, bytes, bytes, bytes, bool]]:
    """(label, key, message, tag, valid); tags may be truncated."""
    return [
        (str(test["tcId"]), *(bytes.fromhex(test[part]) for part in ("key", "msg", "tag")), test["result"] == "valid")
        for group in json.loads(path.read_text())["testGroups"]
        for test in group["tests"]
    ]


def p256_precompile(path: Path, source: str) -> SignatureBatch:
    """160 bytes of input: digest, r, s, x, y; the output is 1 or nothing (EIP-7951)."""
    batch = SignatureBatch(source, "ecdsa-p256", options={"prehashed": True})
    for row in json.loads(path.read_text()):
        data = bytes.fromhex(row["Input"])
        assert len(data) == 160, row["Name"]
        case = SignatureCase(row["Name"], b"\x04" + data[96:], data[32:96], data[:32], row["Expected"] != "")
        batch.cases.append(case)
    return batch


def bip341(path: Path, source: str) -> SignatureBatch:
    """BIP-341's wallet cases, spending by key: the output's key, the signature hash, the signature of the witness."""
    batch = SignatureBatch(source, "schnorr-secp256k1")
    for number, spending in enumerate(json.loads(path.read_text())["keyPathSpending"]):
        for row in spending["inputSpending"]:
            index = row["given"]["txinIndex"]
            script = bytes.fromhex(spending["given"]["utxosSpent"][index]["scriptPubKey"])
            (witness,) = row["expected"]["witness"]
            signature, sighash = bytes.fromhex(witness)[:64], bytes.fromhex(row["intermediary"]["sigHash"])
            batch.cases.append(SignatureCase(f"{number} input {index}", script[2:], signature, sighash, True))
    return batch


def bip340(path: Path, source: str) -> SignatureBatch:
    batch = SignatureBatch(source, "schnorr-secp256k1")
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            key, signature, message = (bytes.fromhex(row[part]) for part in ("public key", "signature", "message"))
            valid = {"TRUE": True, "FALSE": False}[row["verification result"]]
            label = f"index {row['index']} ({row['comment']})"
            batch.cases.append(SignatureCase(label, key, signature, message, valid))
    return batch
