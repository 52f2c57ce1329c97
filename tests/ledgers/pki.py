"""Certificates and signed transactions for tests, made with another library than the one under test."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from pycore.ledgers.chainmaker import messages

EPOCH = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
TIME = 1_704_067_200  # 2024-01-01
_serial = iter(range(1000, 1_000_000))


@dataclass
class Identity:
    key: object
    certificate: x509.Certificate
    org: str

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def public_pem(self) -> str:
        return public_pem(self.key)

    def sign(self, message: bytes) -> bytes:
        return sign(self.key, message)


def public_pem(key) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def sign(key, message: bytes, algorithm=None) -> bytes:
    algorithm = algorithm or hashes.SHA256()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), algorithm)
    return key.sign(message, ec.ECDSA(algorithm))


def new_key(kind: str = "p256"):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "k1": ec.SECP256K1()}
    return ec.generate_private_key(curves[kind])


def identity(
    org: str,
    unit: str,
    issuer: Identity | None = None,
    *,
    ca: bool = False,
    path: int | None = None,
    kind: str = "p256",
    years: tuple[int, int] = (0, 20),
    signs: bool = True,
    issuer_key=None,
    algorithm=None,
) -> Identity:
    """A certificate; without an issuer it signs itself."""
    key = new_key(kind)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, org),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{unit}{next(_serial)}.{org}"),
        ]
    )
    public = key.public_key()
    signer = issuer_key or (issuer.key if issuer else key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(public)
        .serial_number(next(_serial))
        .not_valid_before(EPOCH.replace(year=EPOCH.year + years[0]))
        .not_valid_after(EPOCH.replace(year=EPOCH.year + years[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if ca or path is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
        usage = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=signs, crl_sign=True, **usage), critical=True
        )
    if issuer:
        parent = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(parent), critical=False
        )
    return Identity(key, builder.sign(signer, algorithm or hashes.SHA256()), org)


def member(who: Identity, *, org: str | None = None, kind: int = 0, info: bytes | None = None) -> messages.Member:
    return messages.Member(
        org_id=who.org if org is None else org, member_type=kind, member_info=who.pem.encode() if info is None else info
    )


def transaction(
    sender: Identity,
    *endorsers: Identity,
    signer: messages.Member | None = None,
    payer: Identity | None = None,
    **payload,
) -> messages.Transaction:
    """A signed transaction outside a block."""
    values = {
        "chain_id": "chain1",
        "tx_id": f"tx{next(_serial)}",
        "contract_name": "C",
        "method": "m",
        "timestamp": 5,
    } | payload
    made = messages.Transaction(payload=messages.Payload(**values))
    message = made.payload.SerializeToString()
    made.sender.CopyFrom(messages.EndorsementEntry(signer=signer or member(sender), signature=sender.sign(message)))
    for who in endorsers:
        made.endorsers.append(messages.EndorsementEntry(signer=member(who), signature=who.sign(message)))
    if payer is not None:
        made.payer.CopyFrom(messages.EndorsementEntry(signer=member(payer), signature=payer.sign(message)))
    return made
