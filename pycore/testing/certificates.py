"""Self-made X.509 certificates of a test consortium: SM2 with SM3, or ECDSA P-256 with SHA-256.

Test data only. The private keys come from a seed that anybody can read, so a certificate made here proves nothing
about anybody; every organisation is under ``.pycore-test.invalid`` (RFC 2606 keeps that top-level domain free) to
make that plain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from asn1crypto import algos, keys, pem, x509

from . import _deterministic
from ._sign import der_signature, public_keys, sign

NOT_BEFORE = datetime(2020, 1, 1, tzinfo=timezone.utc)
NOT_AFTER = datetime(2120, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Suite:
    """The algorithms with which a consortium signs and hashes."""

    name: str
    scheme: str  # of pycore.verify_batch
    hash: str  # of pycore.hash_batch: block hashes, Merkle trees
    chain_hash: str  # the chain's own word for it
    curve_oid: str
    signature_oid: str
    order: int  # of the group that r and s are taken modulo


SUITES = {
    "sm2": Suite(
        name="sm2",
        scheme="sm2",
        hash="sm3",
        chain_hash="SM3",
        curve_oid="1.2.156.10197.1.301",
        signature_oid="1.2.156.10197.1.501",
        order=0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    ),
    "p256": Suite(
        name="p256",
        scheme="ecdsa-p256",
        hash="sha256",
        chain_hash="SHA256",
        curve_oid="1.2.840.10045.3.1.7",
        signature_oid="1.2.840.10045.4.3.2",
        order=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """One key with its certificate. `secret` is 32 bytes, `public_key` 65 bytes (SEC1, uncompressed)."""

    name: str
    organisation: str
    role: str
    secret: bytes
    public_key: bytes
    certificate: bytes  # DER
    certificate_pem: bytes
    public_key_pem: bytes  # SubjectPublicKeyInfo
    issuer: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """An identity to make. `issuer` names another of the same call; its own name makes it self-signed."""

    name: str
    organisation: str
    role: str
    issuer: str


def make_identities(suite: Suite, wanted: Sequence[Wanted], seed: int) -> dict[str, Identity]:
    """Keys and certificates for all of `wanted`, signed in one batch. Role "root-cert" makes a certification
    authority."""
    secrets = _deterministic.rows(seed, "identity", suite.name, count=len(wanted), width=32)
    publics = [row.tobytes() for row in public_keys(suite.scheme, secrets)]
    place = {who.name: index for index, who in enumerate(wanted)}
    bodies = [_body(suite, who, wanted[place[who.issuer]], publics[i], publics[place[who.issuer]], seed)
              for i, who in enumerate(wanted)]  # fmt: skip
    signers = secrets[[place[who.issuer] for who in wanted]]
    signatures = sign(suite.scheme, signers, [body.dump() for body in bodies])
    made: dict[str, Identity] = {}
    for who, body, secret, public, signature in zip(wanted, bodies, secrets, publics, signatures, strict=True):
        certificate = x509.Certificate(
            {
                "tbs_certificate": body,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": suite.signature_oid}),
                "signature_value": der_signature(signature.tobytes()),
            }
        ).dump()
        made[who.name] = Identity(
            name=who.name,
            organisation=who.organisation,
            role=who.role,
            secret=secret.tobytes(),
            public_key=public,
            certificate=certificate,
            certificate_pem=pem.armor("CERTIFICATE", certificate),
            public_key_pem=pem.armor("PUBLIC KEY", body["subject_public_key_info"].dump()),
            issuer=who.issuer,
        )
    return made


def _name(who: Wanted) -> x509.Name:
    return x509.Name.build(
        {
            "country_name": "CN",
            "organization_name": who.organisation,
            "organizational_unit_name": who.role,
            "common_name": who.name,
        }
    )


def _body(
    suite: Suite, who: Wanted, issuer: Wanted, public: bytes, issuer_public: bytes, seed: int
) -> x509.TbsCertificate:
    authority = who.role == "root-cert"
    usage = {"key_cert_sign", "crl_sign"} if authority else {"digital_signature", "non_repudiation"}
    curve = keys.ECDomainParameters(name="named", value=suite.curve_oid)
    # RFC 5280, 4.1.2.2: at most 20 octets and positive.
    serial = int.from_bytes(_deterministic.stream(seed, "serial", suite.name, who.name, size=8), "big") | 1
    return x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": algos.SignedDigestAlgorithm({"algorithm": suite.signature_oid}),
            "issuer": _name(issuer),
            # RFC 5280, 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050.
            "validity": {
                "not_before": x509.Time("utc_time", NOT_BEFORE),
                "not_after": x509.Time("general_time", NOT_AFTER),
            },
            "subject": _name(who),
            "subject_public_key_info": keys.PublicKeyInfo(
                {"algorithm": {"algorithm": "ec", "parameters": curve}, "public_key": keys.ECPointBitString(public)}
            ),
            "extensions": [
                {"extn_id": "key_usage", "critical": True, "extn_value": usage},
                {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": authority}},
                {"extn_id": "key_identifier", "extn_value": _key_identifier(public)},
                {
                    "extn_id": "authority_key_identifier",
                    "extn_value": {"key_identifier": _key_identifier(issuer_public)},
                },
            ],
        }
    )


def _key_identifier(public: bytes) -> bytes:
    """RFC 7093, section 2, method 1: the leftmost 160 bits of SHA-256 of the key."""
    return hashlib.sha256(public).digest()[:20]
