"""SM2 files: the transcribed JSON, OpenSSL-style evp text, openHiTLS .data, and certificates in PEM."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from . import certificates
from .cases import SignatureBatch, SignatureCase
from .hashes import evp_blocks

DEFAULT_ID = b"1234567812345678"


def _group(source: str, rows: list[tuple[SignatureCase, dict[str, Any]]]) -> list[SignatureBatch]:
    """One batch per convention: user_id and prehashed are options of a call, not of a case."""
    batches: dict[str, SignatureBatch] = {}
    for case, options in rows:
        batch = batches.setdefault(repr(options), SignatureBatch(source, "sm2", options={"encoding": "der", **options}))
        batch.cases.append(case)
    return list(batches.values())


def transcribed(path: Path, source: str) -> list[SignatureBatch]:
    rows = []
    for row in json.loads(path.read_text())["cases"]:
        direct = "digest_e" in row
        options = {"prehashed": True} if direct else {"user_id": bytes.fromhex(row["uid"])}
        key, signature = bytes.fromhex(row["pubkey"]), bytes.fromhex(row["sig_der"])
        message = bytes.fromhex(row["digest_e" if direct else "msg"])
        rows.append((SignatureCase(row["comment"], key, signature, message, row["result"] == "valid"), options))
    return _group(source, rows)


def tongsuo_evp(path: Path, source: str) -> list[SignatureBatch]:
    """``Verify`` with SM3: Input is e itself."""
    text = path.read_text()
    (pem,) = re.findall(r"PrivateKey=SM2_key1\n(-----BEGIN.*?-----END PRIVATE KEY-----)", text, re.DOTALL)
    key = certificates.private_key_point(pem)
    rows = []
    for number, block in enumerate(map(dict, evp_blocks(path))):
        if block.get("Verify") == "SM2_key1" and block["Ctrl"] == "digest:SM3":
            signature, e = bytes.fromhex(block["Output"]), bytes.fromhex(block["Input"])
            rows.append(
                (SignatureCase(f"block {number}", key, signature, e, "Result" not in block), {"prehashed": True})
            )
    return _group(source, rows)


def openhitls(path: Path, source: str) -> list[SignatureBatch]:
    """Lines ``TEST:"hex":"hex":...``; what the values are depends on the test."""
    rows: list[tuple[SignatureCase, dict[str, Any]]] = []
    public = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        name, _, arguments = line.partition(":")
        values = re.findall(r'"([0-9A-Fa-f]+)"', arguments)
        valid = True
        if re.fullmatch(r"SDV_CRYPTO_SM2_VERIFY_(API_TC001|FUNC_TC00[123])", name) and len(values) >= 4:
            key, uid, message, signature = (bytes.fromhex(value) for value in values[-4:])
            valid = not name.endswith("TC003")
            options: dict[str, Any] = {"user_id": uid}
        elif name.startswith("SDV_CRYPTO_SM2_VERIFY_DATA") and len(values) == 3:
            key, message, signature = (bytes.fromhex(value) for value in values)
            valid, options = False, {"prehashed": True}
        elif re.fullmatch(r"SDV_CRYPTO_SM2_SIGN_FUNC_TC00[123]", name) and len(values) >= 5:
            # [..., secret, identifier, nonce, message, signature]: what signing must give
            key, uid, message, signature = (bytes.fromhex(x) for x in (public, values[-4], values[-2], values[-1]))
            options = {"user_id": uid}
        else:
            if name == "SDV_CRYPTO_SM2_GET_PUB_API_TC001" and values:
                public = values[0]  # GB/T 32918.5-2017, appendix A: the key of the secret that the file signs with
            continue
        rows.append((SignatureCase(f"line {number} {name}", key, signature, message, valid), options))
    return _group(source, rows)


def tongsuo_certificates(folder: Path, source: str) -> list[SignatureBatch]:
    """Each certificate against the key of its issuer, each request against its own, under all three conventions.

    The "noza" files sign SM3(tbs) without Z_A, all others use the default identifier: under any other convention the
    same signature must fail.
    """
    objects = [item for path in sorted(folder.iterdir()) for item in certificates.read(path)]
    authorities = {item.subject: item.public_key for item in objects if "root" in item.name or "chain-ca" in item.name}
    rows = []
    for item in objects:
        assert item.algorithm == certificates.SM2_WITH_SM3, item.name
        key = item.public_key if "csr" in item.name else authorities[item.issuer]
        for user_id in (DEFAULT_ID, b"", None):
            valid = user_id == (None if "noza" in item.name else DEFAULT_ID)
            label = f"{item.name}, user_id {user_id!r}"
            rows.append((SignatureCase(label, key, item.signature, item.tbs, valid), {"user_id": user_id}))
    return _group(source, rows)
