"""Ed25519 files: speccheck, CCTV, the 1,024 of ed25519.cr.yp.to, Botan's .vec."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .cases import SignatureBatch, SignatureCase

# Cases 0..11 of novifinancial/ed25519-speccheck: what each rule set says (docs/design/0001-verification-semantics.md)
SPECCHECK = {
    "zip215": "VVVVVVXXXVVV",
    "rfc8032-cofactored": "VVVVVVXXXXXX",
    "rfc8032": "VVVVXXXXXXXX",
    "ref10": "VVVVXXXXXXXV",
    "strict": "XXXVXXXXXXXX",
}


def speccheck(path: Path, source: str, rules: str) -> SignatureBatch:
    cases = [
        SignatureCase(
            f"case {i}",
            *(bytes.fromhex(row[key]) for key in ("pub_key", "signature", "message")),
            valid=SPECCHECK[rules][i] == "V",
        )
        for i, row in enumerate(json.loads(path.read_text()))
    ]
    return SignatureBatch(source, "ed25519", cases, {"rules": rules})


def cctv_accepts(flags: set[str], rules: str) -> bool:
    """The published flags, read under a rule set (the file's README, section "Ecosystem behaviors")."""
    if "reencoded_k" in flags and "low_order_A" not in flags:
        return False  # k was taken over other bytes than those received
    non_canonical = flags & {"non_canonical_A", "non_canonical_R"}
    residue = "low_order_residue" in flags
    return {
        "zip215": True,
        "rfc8032-cofactored": not non_canonical,
        "rfc8032": not non_canonical and not residue,
        "ref10": "non_canonical_R" not in flags and not residue,
        "strict": not non_canonical and not residue and not flags & {"low_order_A", "low_order_R"},
    }[rules]


def cctv(path: Path, source: str, rules: str) -> SignatureBatch:
    cases = [
        SignatureCase(
            f"number {row['number']}",
            bytes.fromhex(row["key"]),
            bytes.fromhex(row["sig"]),
            row["msg"].encode(),
            cctv_accepts(set(row["flags"] or ()), rules),
        )
        for row in json.loads(path.read_text())
    ]
    return SignatureBatch(source, "ed25519", cases, {"rules": rules})


def djb(path: Path, source: str) -> SignatureBatch:
    """Lines of secret || public : public : message : signature || message."""
    batch = SignatureBatch(source, "ed25519")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        _, key, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        batch.cases.append(SignatureCase(f"line {number}", key, signed[:64], message, True))
    return batch


def botan(path: Path, source: str) -> SignatureBatch:
    """Blocks of ``Name = value``; a name that a block leaves out keeps its value, ``Valid = 0`` holds from there on.

    Under ``[SHA-256]`` the signed message is the digest. ``[Ed25519ph]`` is another scheme (RFC 8032, section 5.1: with
    dom2), so its signature must not pass for a pure one.
    """
    batch = SignatureBatch(source, "ed25519")
    now: dict[str, str] = {"Valid": "1", "Msg": ""}
    section = "[Pure]"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        name, found, value = (part.strip() for part in line.partition("="))
        section = line.strip() if line.startswith("[") else section
        if line.startswith("#") or not found:
            continue
        now[name] = value
        if name == "Signature":
            key, signature, message = (bytes.fromhex(now[part]) for part in ("Pubkey", "Signature", "Msg"))
            if section == "[SHA-256]":
                message = hashlib.sha256(message).digest()
            valid = now["Valid"] == "1" and section != "[Ed25519ph]"
            batch.cases.append(SignatureCase(f"line {number}", key, signature, message, valid))
    return batch


def botan_keys(path: Path) -> list[tuple[bytes, bool, str]]:
    """(key, valid, nearest comment) of Botan's key check, which also refuses the identity."""
    keys, valid, comment = [], True, ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            valid = line.strip() == "[Valid]"
        elif line.startswith("#"):
            comment = line[1:].strip()
        elif line.startswith("Pubkey"):
            keys.append((bytes.fromhex(line.partition("=")[2].strip()), valid, comment))
    return keys
