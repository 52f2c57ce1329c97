"""Public keys as certificates hold them: which kinds are read, and in which forms.

Sources: RFC 5280, section 4.1.2.7; RFC 5480; RFC 8017, appendix A.1.1; RFC 8410.
"""

from __future__ import annotations

from dataclasses import dataclass

from pycore.identities.der import OID, SEQUENCE, Cursor, DerError, whole
from pycore.identities.memory import by_element, by_value

CURVES = {
    "1.2.156.10197.1.301": "sm2",
    "1.2.840.10045.3.1.7": "ecdsa-p256",
    "1.3.132.0.10": "ecdsa-secp256k1",
    "1.3.132.0.34": "ecdsa-p384",
    "1.3.132.0.35": "ecdsa-p521",
}
"""Named curve -> kind of key."""

ED25519 = "1.3.101.112"
"""Object identifier of Ed25519 keys and signatures (RFC 8410, section 3); read only where a chain has such keys."""

_EC, _RSA, _SM2_ALGORITHM = "1.2.840.10045.2.1", "1.2.840.113549.1.1.1", "1.2.156.10197.1.301.1"
NULL_PARAMETERS = b"\x05\x00"
_SM2_CURVE = "1.2.156.10197.1.301"
_SM2_PARAMETERS = (b"", NULL_PARAMETERS, bytes.fromhex("06082a811ccf5501822d"))
_WHAT_IT_IS = {
    _SM2_CURVE: ", SM2's curve: the algorithm should be id-ecPublicKey, 1.2.840.10045.2.1, with it as the parameter",
    _SM2_ALGORITHM: ", SM2's signature algorithm: the key's should be id-ecPublicKey, 1.2.840.10045.2.1",
    ED25519: ", Ed25519, which is not read here",
}
_ED25519_SIZE = 32


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which rarer keys are read, as :func:`parse_public_key` names them."""

    ed25519: bool = False
    sm2_algorithm: bool = False


USUAL = Kinds()


class CertificateError(ValueError):
    """Bytes that are not a certificate or public key, or not one that these readers can use."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. `kind` is a value of CURVES or "rsa"; `data` the SEC1 point, or for RSA the DER of RSAPublicKey."""

    kind: str
    data: bytes


def read_key(info: Cursor, kinds: Kinds = USUAL) -> PublicKey:
    """A SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), given the cursor inside it."""
    oid, tag, parameters, content = _read_key_algorithm(info, "the algorithm of a key")
    data, unused = info.bits("the bits of a key")
    info.close("subjectPublicKeyInfo")
    if unused:
        raise DerError("a key that is no whole number of bytes")
    if oid == _RSA:
        if parameters != NULL_PARAMETERS:
            raise DerError("an RSA key whose parameters are not NULL")
        read_rsa(data, info.strict)
        return PublicKey("rsa", data)
    if oid == _SM2_ALGORITHM and not info.strict:
        return PublicKey("sm2", data)
    if oid == _SM2_CURVE and kinds.sm2_algorithm and parameters in _SM2_PARAMETERS:
        return PublicKey("sm2", data)
    if oid == ED25519 and kinds.ed25519 and tag == -1 and len(data) == _ED25519_SIZE:
        return PublicKey("ed25519", data)
    if oid != _EC:
        raise CertificateError(f"a key of an unknown kind ({oid}{_WHAT_IT_IS.get(oid, '')})")
    if tag != OID:
        raise CertificateError("an elliptic curve without a name")
    curve = _read_curve(parameters, info.strict) if content else ""
    kind = CURVES.get(curve)
    if kind is None:
        raise CertificateError(f"a key of an unknown curve ({curve})")
    return PublicKey(kind, data)


@by_element
def _read_key_algorithm(info: Cursor, what: str) -> tuple[str, int, bytes, bytes]:
    """Object identifier and parameters: their tag, encoding and content; without any -1 and nothing."""
    algorithm = info.enter(SEQUENCE, what)
    oid = algorithm.oid(what)
    tag, parameters, content = algorithm.any() if algorithm.more else (-1, b"", b"")
    algorithm.close(what)
    return oid, tag, parameters, content


@by_value
def _read_curve(parameters: bytes, strict: bool) -> str:
    return Cursor(parameters, strict=strict).oid("the curve of a key")


def read_rsa(der: bytes, strict: bool) -> None:
    """An RSAPublicKey (RFC 8017, appendix A.1.1)."""
    fields = whole(der, "RSAPublicKey", strict=strict)
    if any(fields.integer(what) <= 0 for what in ("the modulus", "the exponent")):
        raise DerError("an RSA key that is not positive")
    fields.close("RSAPublicKey")
