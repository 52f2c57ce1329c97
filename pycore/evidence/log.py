"""Logs: a Merkle tree that only grows, whose operator signs its head, and the proof that an entry is in it.

Two profiles, for what is signed and how a signature is written:

===========  ========================================================================================================
"rfc9162"    RFC 9162, sections 4.9 to 4.11: the signature is over TreeHeadDataV2: time stamp (64 bits, milliseconds),
             tree size (64 bits), root (behind its length in 8 bits), extensions (behind their length in 16 bits)
"rfc6962"    RFC 6962, section 3.5: over version 0, type 1, time stamp, tree size, root; the signature is a
             digitally-signed structure of TLS 1.2: two bytes for the algorithms, the length in 16 bits, the signature
===========  ========================================================================================================

Keys are ECDSA on P-256 with SHA-256 or Ed25519, as RFC 9162 has them, or SM2 with SM3, for logs of the national
algorithms: the same structures with the code point 0x0708 of RFC 8998 (a profile of this project; the two RFCs have no
SM2). The tree is RFC 9162's, which is RFC 6962's, with the log's hash; leaf and node hashes are of
:mod:`pycore.merkle`.

The evidence is a JSON object; byte strings are hexadecimal::

    {"pycore": "log-evidence", "format": 1, "profile": "rfc9162", "log_id": "...",
     "tree_head": {"timestamp": 1767225600000, "tree_size": 5, "root_hash": "...", "extensions": ""},
     "signature": "...", "index": 3, "path": ["...", "..."], "leaf": "..."}

and so is the trusted log, which must come from elsewhere::

    {"pycore": "trusted-log", "format": 1, "profile": "rfc9162", "log_id": "...", "scheme": "ecdsa-p256",
     "public_key": "-----BEGIN PUBLIC KEY-----...", "hash": "sha256"}

`leaf` is the entry's data, before it is hashed: the digest of a file, a JSON object with the name "hash" as
ChainMaker's evidence contract has it, or the file itself. `log_id` is for "rfc6962" SHA-256 of the key's
SubjectPublicKeyInfo, for "rfc9162" the DER of the log's object identifier without tag and length; this reader compares
it with the trusted one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycore.base.registry import HASHES
from pycore.base.report import Check
from pycore.errors import InputError, InvalidSignature, ProofError
from pycore.identities.x509 import CertificateError, parse_public_key, unarmor_all
from pycore.ledgers._json import load_object
from pycore.merkle.inclusion import verify_inclusion
from pycore.signatures.batch import DEFAULT_USER_ID, verify

PROFILES = ("rfc9162", "rfc6962")
SCHEMES = {"ecdsa-p256": (b"\x04\x03", "sha256"), "ed25519": (b"\x08\x07", "sha256"), "sm2": (b"\x07\x08", "sm3")}
"""Scheme -> its code point in TLS, and the hash of the tree unless the log says otherwise."""
MAX_DOCUMENT = 4 << 20
MAX_LEAF = 1 << 20
MAX_PATH = 64
MAX_SHORT = (1 << 16) - 1
_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, section 4: SubjectPublicKeyInfo up to the key


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The head of a log: the time in Unix milliseconds, the number of entries, the root, and extensions as encoded."""

    timestamp: int
    tree_size: int
    root_hash: bytes
    extensions: bytes = b""


@dataclass(frozen=True, slots=True)
class LogEvidence:
    """The evidence that an entry is in a log; see the module."""

    profile: str
    log_id: bytes
    tree_head: TreeHead
    signature: bytes
    index: int
    path: tuple[bytes, ...]
    leaf: bytes

    @classmethod
    def load(cls, source: Any) -> LogEvidence:
        """From itself, a mapping, JSON text or a path. InputError names the entry that does not fit."""
        if isinstance(source, cls):
            return source
        names = ("pycore", "format", "profile", "log_id", "tree_head", "signature", "index", "path", "leaf")
        given = _document(source, "evidence", "log-evidence", names)
        head = _entries(given["tree_head"], "evidence.tree_head", ("timestamp", "tree_size", "root_hash", "extensions"))
        path = given["path"]
        if not isinstance(path, (list, tuple)) or len(path) > MAX_PATH:
            raise InputError("evidence.path", f"{type(path).__name__}", f"a list of at most {MAX_PATH} digests")
        return cls(
            profile=_one_of(given["profile"], "evidence.profile", PROFILES),
            log_id=_octets(given["log_id"], "evidence.log_id", 127),
            tree_head=TreeHead(
                _number(head["timestamp"], "evidence.tree_head.timestamp"),
                _number(head["tree_size"], "evidence.tree_head.tree_size"),
                _octets(head["root_hash"], "evidence.tree_head.root_hash", 255),
                _octets(head["extensions"], "evidence.tree_head.extensions", MAX_SHORT),
            ),
            signature=_octets(given["signature"], "evidence.signature", MAX_SHORT),
            index=_number(given["index"], "evidence.index"),
            path=tuple(_octets(node, f"evidence.path[{i}]", 64) for i, node in enumerate(path)),
            leaf=_octets(given["leaf"], "evidence.leaf", MAX_LEAF),
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        head = self.tree_head
        return {
            "pycore": "log-evidence",
            "format": 1,
            "profile": self.profile,
            "log_id": self.log_id.hex(),
            "tree_head": {
                "timestamp": head.timestamp,
                "tree_size": head.tree_size,
                "root_hash": head.root_hash.hex(),
                "extensions": head.extensions.hex(),
            },
            "signature": self.signature.hex(),
            "index": self.index,
            "path": [node.hex() for node in self.path],
            "leaf": self.leaf.hex(),
        }


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log that the reader trusts.

    Attributes:
        profile: "rfc9162" or "rfc6962".
        log_id: its id.
        scheme: "ecdsa-p256", "ed25519" or "sm2".
        public_key: as :func:`pycore.verify` takes it.
        hash: of the tree: a name in ``pycore.HASHES`` with digests of 32 bytes or more.
        user_id: of SM2.
    """

    profile: str
    log_id: bytes
    scheme: str
    public_key: bytes
    hash: str
    user_id: bytes = DEFAULT_USER_ID

    @classmethod
    def load(cls, source: Any) -> TrustedLog:
        """From itself, a mapping, JSON text or a path. InputError names the entry that does not fit."""
        if isinstance(source, cls):
            return source
        names = ("pycore", "format", "profile", "log_id", "scheme", "public_key", "hash", "user_id")
        given = _document(source, "trusted", "trusted-log", names, {"log_id", "hash", "user_id"})
        profile = _one_of(given["profile"], "trusted.profile", PROFILES)
        scheme = _one_of(given["scheme"], "trusted.scheme", tuple(SCHEMES))
        key, info = _key(given["public_key"], scheme)
        hash_name = given.get("hash", SCHEMES[scheme][1])
        row = HASHES.get(hash_name) if isinstance(hash_name, str) else None
        if row is None or row.digest_size < 32:
            raise InputError("trusted.hash", repr(hash_name)[:80], "a hash with digests of 32 bytes or more")
        own_id = hashlib.sha256(info).digest() if profile == "rfc6962" and info else b""
        if "log_id" not in given and not own_id:
            raise InputError("trusted.log_id", "nothing", "the log's id")
        log_id = _octets(given["log_id"], "trusted.log_id", 127) if "log_id" in given else own_id
        if own_id and log_id != own_id:
            raise InputError("trusted.log_id", log_id.hex(), f"{own_id.hex()}, SHA-256 of the key")
        user_id = given.get("user_id")
        if user_id is not None and scheme != "sm2":
            raise InputError("trusted.user_id", repr(user_id)[:80], "nothing: SM2 alone has one")
        octets = DEFAULT_USER_ID if user_id is None else _octets(user_id, "trusted.user_id", 8191)
        return cls(profile, log_id, scheme, key, row.name, octets)


# ---- checks ----------------------------------------------------------------------------------------------------------


def checks(evidence: LogEvidence, trusted: TrustedLog) -> list[Check]:
    """Every condition: that the log is the trusted one, that it signed the head, that the leaf is below the head.
    All are made, whatever the others say."""
    head = evidence.tree_head
    size = HASHES[trusted.hash].digest_size
    found = [
        Check("profile", evidence.profile == trusted.profile, evidence.profile, trusted.profile),
        Check("log_id", evidence.log_id == trusted.log_id, evidence.log_id, trusted.log_id),
        Check("root_size", len(head.root_hash) == size, len(head.root_hash), size, f"bytes of {trusted.hash}"),
        _extensions(evidence.profile, head.extensions),
        _signature(evidence, trusted),
        Check("index", evidence.index < head.tree_size, evidence.index, f"below {head.tree_size}"),
    ]
    wrong = [len(node) for node in evidence.path if len(node) != size]
    if wrong or len(head.root_hash) != size or evidence.index >= 1 << 63 or head.tree_size >= 1 << 63:
        detail = "a node of another length than the hash's" if wrong else "no tree has such a root or size"
        return [*found, Check("inclusion", False, "not a proof", "a proof to the root", detail)]
    try:
        verify_inclusion(
            head.root_hash, evidence.leaf, evidence.path, index=evidence.index, leaf_count=head.tree_size,
            tree="rfc9162", hash=trusted.hash,
        )  # fmt: skip
    except ProofError as error:
        return [*found, Check("inclusion", False, error.verdict.name, "VALID", "from the leaf to the root of the head")]
    return [*found, Check("inclusion", True, "VALID", "VALID", "from the leaf to the root of the head")]


def signed_bytes(profile: str, head: TreeHead) -> bytes:
    """The bytes that a log signs; the parts are as long as their lengths say."""
    numbers = head.timestamp.to_bytes(8, "big") + head.tree_size.to_bytes(8, "big")
    if profile == "rfc6962":
        return b"\x00\x01" + numbers + head.root_hash
    root = len(head.root_hash).to_bytes(1, "big") + head.root_hash
    return numbers + root + len(head.extensions).to_bytes(2, "big") + head.extensions


def _extensions(profile: str, extensions: bytes) -> Check:
    """RFC 6962 has none; in RFC 9162 they are a list, each of a type and data, in the order of the types."""
    if profile == "rfc6962":
        return Check("extensions", not extensions, len(extensions), 0, "bytes that no signature covers")
    at, last = 0, -1
    while at + 4 <= len(extensions):
        kind = int.from_bytes(extensions[at : at + 2], "big")
        if kind <= last:
            break
        last, at = kind, at + 4 + int.from_bytes(extensions[at + 2 : at + 4], "big")
    whole = at == len(extensions)
    return Check("extensions", whole, f"{len(extensions)} bytes", "a list in the order of types, each once")


def _signature(evidence: LogEvidence, trusted: TrustedLog) -> Check:
    signature, code = evidence.signature, SCHEMES[trusted.scheme][0]
    if trusted.profile == "rfc6962":
        head, body = signature[:4], signature[4:]
        if head[:2] != code or len(head) < 4 or int.from_bytes(head[2:], "big") != len(body):
            wanted = f"algorithms {code.hex()} and the length of what follows"
            return Check("signature", False, head.hex(), wanted)
        signature = body
    options: dict[str, Any] = {"encoding": "compact" if trusted.scheme == "ed25519" else "der"}
    if trusted.scheme == "sm2":
        options["user_id"] = trusted.user_id
    if trusted.scheme == "ed25519":
        options["rules"] = "rfc8032"
        if len(signature) != 64:
            return Check("signature", False, f"{len(signature)} bytes", "64 bytes")
    try:
        message = signed_bytes(trusted.profile, evidence.tree_head)
        verify(trusted.scheme, trusted.public_key, signature, message, **options)
    except InvalidSignature as error:
        return Check("signature", False, error.verdict.name, "VALID", "of the tree head, by the trusted key")
    return Check("signature", True, "VALID", "VALID", "of the tree head, by the trusted key")


# ---- documents -------------------------------------------------------------------------------------------------------


def _key(value: Any, scheme: str) -> tuple[bytes, bytes]:
    """The key as :func:`verify` takes it, and its SubjectPublicKeyInfo where that was given."""
    name = "trusted.public_key"
    if not isinstance(value, str) or len(value) > MAX_SHORT:
        raise InputError(name, type(value).__name__, "PEM, or the key in hexadecimal")
    if "-----" not in value:
        key = _octets(value, name, 65)
        if len(key) not in ((32,) if scheme == "ed25519" else (33, 65)):
            raise InputError(name, f"{len(key)} bytes", f"a key of {scheme}")
        return key, b""
    try:
        ((_, info),) = unarmor_all(value.encode(), ("PUBLIC KEY",), strict=True)
        if scheme == "ed25519":
            if not info.startswith(_ED25519) or len(info) != len(_ED25519) + 32:
                raise InputError(name, "another key", "a key of ed25519")
            return info[len(_ED25519) :], info
        found = parse_public_key(info)
    except InputError:
        raise
    except (CertificateError, ValueError) as error:
        raise InputError(name, str(error)[:200], "a SubjectPublicKeyInfo in PEM") from error
    if found.kind != scheme:
        raise InputError(name, f"a key of {found.kind}", f"a key of {scheme}")
    return found.data, info


def _document(
    source: Any, name: str, kind: str, known: tuple[str, ...], optional: frozenset[str] | set[str] = frozenset()
) -> Mapping[str, Any]:
    if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith("{")):
        try:
            with Path(source).open("rb") as stream:
                source = stream.read(MAX_DOCUMENT + 1)
        except ValueError as error:  # text that no path can be
            raise InputError(name, str(error), "a JSON object or the path of a file that holds one") from error
    if isinstance(source, (str, bytes)):
        if len(source) > MAX_DOCUMENT:
            raise InputError(name, f"more than {MAX_DOCUMENT} bytes", f"at most {MAX_DOCUMENT}")
        source = load_object(source, name)
    given = _entries(source, name, known, optional)
    if given["pycore"] != kind or given["format"] != 1 or type(given["format"]) is not int:
        raise InputError(f"{name}.pycore", repr(given["pycore"])[:80], f"{kind!r}, format 1")
    return given


def _entries(
    value: Any, name: str, known: tuple[str, ...], optional: frozenset[str] | set[str] = frozenset()
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(name, type(value).__name__, "an object")
    for key in value:
        if key not in known:
            raise InputError(f"{name}.{str(key)[:80]}", "an unknown name", "one of " + ", ".join(known))
    for key in known:
        if key not in value and key not in optional:
            raise InputError(f"{name}.{key}", "nothing", "a value")
    return value


def _one_of(value: Any, name: str, wanted: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in wanted:
        raise InputError(name, repr(value)[:80], "one of " + ", ".join(wanted))
    return value


def _number(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise InputError(name, repr(value)[:80], "a number below 2^64")
    return value


def _octets(value: Any, name: str, most: int) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * most or value != value.lower():
        got = f"{len(value)} digits" if isinstance(value, str) else type(value).__name__
        raise InputError(name, got, f"at most {most} bytes in small hexadecimal digits")
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if found.hex() != value:
        raise InputError(name, repr(value[:40]), "hexadecimal digits, two per byte")
    return found
