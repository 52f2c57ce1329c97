"""X.509 certificates and public keys as the ledgers need them: the few fields that decide trust, read once.

asn1crypto reads the structure because it keeps unknown object identifiers, so that SM2 certificates (GM/T 0015: curve
1.2.156.10197.1.301, signature 1.2.156.10197.1.501) parse like any other. It never decides anything here: signatures are
the kernels' work (:mod:`pycore.ledgers.signing`) and trust is the chain's (`_chainmaker.signers`).

Sources: RFC 5280; RFC 5480; RFC 8017, appendix A.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asn1crypto import keys, pem, x509

CURVES = {
    "1.2.156.10197.1.301": "sm2",
    "1.2.840.10045.3.1.7": "ecdsa-p256",
    "1.3.132.0.10": "ecdsa-secp256k1",
    "1.3.132.0.34": "ecdsa-p384",
    "1.3.132.0.35": "ecdsa-p521",
}
"""Named curve -> kind of key."""

SIGNATURES = {
    "1.2.156.10197.1.501": ("sm2", "sm3"),  # sm2-with-sm3
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "2.16.840.1.101.3.4.3.10": ("ecdsa", "sha3-256"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "2.16.840.1.101.3.4.3.14": ("rsa", "sha3-256"),
}
"""signatureAlgorithm -> family of the issuer's key, hash."""

_ORGANISATION, _UNIT, _COMMON_NAME = "2.5.4.10", "2.5.4.11", "2.5.4.3"
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
_MAX_DER = 64 * 1024  # certificates and keys of real chains stay below 4 KiB


class CertificateError(ValueError):
    """Bytes that are no certificate or public key, or one that these readers can not use."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. `kind` is a value of CURVES or "rsa"; `data` the SEC1 point, or for RSA the DER of RSAPublicKey."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """The fields of a certificate that decide trust.

    `subject` and `issuer` are the DER of the names, to be compared byte by byte (RFC 5280, section 7.1, as Go does).
    `organisations` and `units` keep the order of the subject. Times are Unix seconds. `path_length` is None without a
    limit.
    """

    der: bytes
    tbs: bytes
    signature: bytes
    signature_oid: str
    hash: str | None
    key: PublicKey
    subject: bytes
    issuer: bytes
    serial: int
    organisations: tuple[str, ...]
    units: tuple[str, ...]
    common_name: str
    not_before: float
    not_after: float
    is_ca: bool
    path_length: int | None
    may_sign_certificates: bool
    key_id: bytes | None
    authority_key_id: bytes | None

    def signed_with(self, key: PublicKey) -> bool:
        """Whether a key of that kind can have made the signature: the algorithm names its family."""
        family, _ = SIGNATURES.get(self.signature_oid, ("", ""))
        return bool(family) and key.kind.split("-")[0] == family

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name (and key identifiers, where given, agree)."""
        return self.subject == self.issuer and self.authority_key_id in (None, self.key_id)


def parse_certificate(data: bytes) -> Certificate:
    """Reads a certificate from PEM (anything around the first block is ignored) or DER. Raises CertificateError."""
    der = _unarmor(data, "CERTIFICATE")
    try:
        return _read_certificate(der)
    except CertificateError:
        raise
    except _BROKEN as error:
        raise CertificateError(f"no X.509 certificate: {_first_line(error)}") from error


def parse_public_key(data: bytes) -> PublicKey:
    """Reads a public key from PEM or DER: a SubjectPublicKeyInfo, or a bare RSAPublicKey. Raises
    CertificateError."""
    der = _unarmor(data, "PUBLIC KEY")
    try:
        return _read_key(keys.PublicKeyInfo.load(der, strict=True))
    except CertificateError:
        raise
    except _BROKEN as first:
        try:
            bare = keys.RSAPublicKey.load(der, strict=True)
            int(bare["modulus"].native), int(bare["public_exponent"].native)
        except _BROKEN:
            raise CertificateError(f"no public key: {_first_line(first)}") from first
        return PublicKey("rsa", der)


def public_key_of(data: bytes) -> PublicKey:
    """The public key of a PEM certificate, or of a PEM public key."""
    return parse_certificate(data).key if b"BEGIN CERTIFICATE" in data else parse_public_key(data)


def _unarmor(data: bytes, label: str) -> bytes:
    if len(data) > _MAX_DER:
        raise CertificateError(f"{len(data)} bytes are more than the {_MAX_DER} that are read")
    if not pem.detect(data):
        if data[:1] == b"\x30":
            return data
        raise CertificateError(f"neither PEM nor DER of a {label.lower()}")
    try:
        found, _, der = pem.unarmor(data)
    except _BROKEN as error:
        raise CertificateError(f"broken PEM: {_first_line(error)}") from error
    if not found.endswith(label):
        raise CertificateError(f"PEM of a {found}, not of a {label}")
    return bytes(der)


def _read_certificate(der: bytes) -> Certificate:
    parsed = x509.Certificate.load(der, strict=True)
    body = parsed["tbs_certificate"]
    oid = parsed["signature_algorithm"]["algorithm"].dotted
    if body["signature"]["algorithm"].dotted != oid:
        raise CertificateError("the two signatureAlgorithm fields differ")
    names = _names(body["subject"])
    constraints = parsed.basic_constraints_value
    usage = parsed.key_usage_value
    path = None if constraints is None else constraints["path_len_constraint"].native
    return Certificate(
        der=der,
        tbs=body.dump(),
        signature=parsed["signature_value"].native,
        signature_oid=oid,
        hash=SIGNATURES.get(oid, ("", None))[1],
        key=_read_key(body["subject_public_key_info"]),
        subject=body["subject"].dump(),
        issuer=body["issuer"].dump(),
        serial=int(body["serial_number"].native),
        organisations=tuple(names[_ORGANISATION]),
        units=tuple(names[_UNIT]),
        common_name=names[_COMMON_NAME][0] if names[_COMMON_NAME] else "",
        not_before=body["validity"]["not_before"].native.timestamp(),
        not_after=body["validity"]["not_after"].native.timestamp(),
        is_ca=constraints is not None and bool(constraints["ca"].native),
        path_length=None if path is None else int(path),
        may_sign_certificates=usage is None or "key_cert_sign" in usage.native,
        key_id=parsed.key_identifier,
        authority_key_id=parsed.authority_key_identifier,
    )


def _names(name: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {_ORGANISATION: [], _UNIT: [], _COMMON_NAME: []}
    for relative in name.chosen:
        for attribute in relative:
            oid = attribute["type"].dotted
            if oid in found:
                found[oid].append(str(attribute["value"].native))
    return found


def _read_key(info: Any) -> PublicKey:
    algorithm = info["algorithm"]["algorithm"].native
    if algorithm == "rsa":
        der = info["public_key"].parsed.dump()
        return PublicKey("rsa", bytes(der))
    if algorithm != "ec":
        raise CertificateError(f"a key of an unknown kind ({algorithm})")
    parameters = info["algorithm"]["parameters"]
    if parameters.name != "named":
        raise CertificateError("an elliptic curve without a name")
    kind = CURVES.get(parameters.chosen.dotted)
    if kind is None:
        raise CertificateError(f"a key of an unknown curve ({parameters.chosen.dotted})")
    return PublicKey(kind, bytes(info["public_key"].native))


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:120]
