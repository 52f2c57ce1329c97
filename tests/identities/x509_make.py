"""Certificates and revocation lists built element by element, so that each can be wrong in one place only."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import pem
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

TIME = 1_704_067_200.0  # 2024-01-01
BEFORE, AFTER = b"200101000000Z", b"400101000000Z"
ECDSA, ECDSA_384, RSA_SHA256 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.113549.1.1.11"
_serials = itertools.count(1000)


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    out = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return tlv(0x06, out)


def boolean(value: bool) -> bytes:
    return tlv(0x01, b"\xff" if value else b"\x00")


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    return tlv(0x03, bytes([unused]), content)


NULL = b"\x05\x00"


def attribute(kind: str, text: str, tag: int = 0x0C) -> bytes:
    return tlv(0x31, seq(oid(kind), tlv(tag, text.encode())))


def name(common: str, org: str = "org1", unit: str = "client", *more: bytes) -> bytes:
    parts = (("2.5.4.10", org), ("2.5.4.11", unit), ("2.5.4.3", common))
    return seq(*(attribute(kind, text) for kind, text in parts if text), *more)


def ext(number: int | str, value: bytes, critical: bool = False) -> bytes:
    return seq(oid(f"2.5.29.{number}" if isinstance(number, int) else number), boolean(True) if critical else b"",
               octets(value))  # fmt: skip


def basic(ca: bool = True, path: int | None = None, critical: bool = True) -> bytes:
    return ext(19, seq(boolean(True) if ca else b"", b"" if path is None else integer(path)), critical)


def usage(byte: int, critical: bool = True) -> bytes:
    unused = (byte & -byte).bit_length() - 1 if byte else 0
    return ext(15, bits(bytes([byte]) if byte else b"", unused), critical)


def dns(text: str) -> bytes:
    return tlv(0x82, text.encode())


def email(text: str) -> bytes:
    return tlv(0x81, text.encode())


def uri(text: str) -> bytes:
    return tlv(0x86, text.encode())


def address(content: bytes) -> bytes:
    return tlv(0x87, content)


def directory(name_: bytes) -> bytes:
    return tlv(0xA4, name_)


def alternatives(*names: bytes, critical: bool = False) -> bytes:
    return ext(17, seq(*names), critical)


def constraints(permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = (), critical: bool = True) -> bytes:
    sides = [tlv(tag, *(seq(item) for item in side)) for tag, side in ((0xA0, permitted), (0xA1, excluded)) if side]
    return ext(30, seq(*sides), critical)


KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(6)]
_RSA: list[Any] = []


def rsa_key() -> Any:
    if not _RSA:
        _RSA.append(rsa.generate_private_key(65537, 2048))
    return _RSA[0]


def spki(key: Any) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key: Any, message: bytes, algorithm: str) -> bytes:
    digest = hashes.SHA384() if algorithm == ECDSA_384 else hashes.SHA256()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), digest)
    return key.sign(message, ec.ECDSA(digest))


def algorithm_of(key: Any) -> tuple[str, bytes]:
    return (RSA_SHA256, NULL) if isinstance(key, rsa.RSAPrivateKey) else (ECDSA, b"")


@dataclass
class Made:
    """A certificate and the parts it was made of."""

    der: bytes
    key: Any
    name: bytes
    key_id: bytes | None
    tbs: bytes = field(repr=False, default=b"")

    @property
    def pem(self) -> bytes:
        return pem.armor("CERTIFICATE", self.der)


_key_ids = itertools.count(1)


def make(
    subject: str | bytes,
    issuer: Made | None = None,
    *,
    ca: bool = False,
    path: int | None = None,
    key: Any = None,
    signer: Any = None,
    extensions: Sequence[bytes] | None = None,
    more: Sequence[bytes] = (),
    key_id: bytes | None = b"",
    authority: bytes | None = b"",
    version: bytes | None = None,
    serial: bytes | None = None,
    validity: tuple[bytes, bytes] = (BEFORE, AFTER),
    issuer_name: bytes | None = None,
    inner: tuple[str, bytes] | None = None,
    outer: tuple[str, bytes] | None = None,
    tail: bytes = b"",
) -> Made:
    """A certificate; without an issuer it signs itself. `extensions` replaces all of them, `more` adds some.

    A key id of b"" stands for a fresh one (an authority's: the issuer's), None for none.
    """
    key = key or KEYS[next(_serials) % len(KEYS)]
    own_name = subject if isinstance(subject, bytes) else name(subject)
    if key_id == b"":
        key_id = b"\xff" + next(_key_ids).to_bytes(19, "big")
    if authority == b"":
        authority = issuer.key_id if issuer else key_id
    signer = signer or (issuer.key if issuer else key)
    if extensions is None:
        extensions = [basic(ca, path), usage(0x06 if ca else 0x80)] if ca or path is not None else [usage(0x80)]
        extensions += [ext(14, octets(key_id))] if key_id else []
        extensions += [ext(35, seq(tlv(0x80, authority)))] if authority else []
    extensions = [*extensions, *more]
    tbs = seq(
        tlv(0xA0, integer(2)) if version is None else version,
        serial or integer(next(_serials)),
        seq(*_encoded(inner or algorithm_of(signer))),
        issuer_name or (issuer.name if issuer else own_name),
        seq(*(tlv(0x18 if len(moment) == 15 and moment[-1:] == b"Z" else 0x17, moment) for moment in validity)),
        own_name,
        spki(key),
        tlv(0xA3, seq(*extensions)) if extensions else b"",
        tail,
    )
    return signed(tbs, signer, own_name, key, key_id, outer or inner)


def signed(tbs: bytes, signer: Any, own_name: bytes, key: Any, key_id: bytes | None, outer=None) -> Made:
    algorithm = outer or algorithm_of(signer)
    signature = bits(sign(signer, tbs, algorithm[0]))
    return Made(seq(tbs, seq(*_encoded(algorithm)), signature), key, own_name, key_id, tbs)


def _encoded(algorithm: tuple[str, bytes]) -> tuple[bytes, bytes]:
    return oid(algorithm[0]), algorithm[1]


def utc(seconds: float) -> bytes:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%y%m%d%H%M%SZ").encode()


def revoked(serial: int, *extensions: bytes) -> bytes:
    return seq(integer(serial), tlv(0x17, BEFORE), seq(*extensions) if extensions else b"")


def make_crl(
    issuer: Made,
    serials: Sequence[int] = (),
    *,
    entries: Sequence[bytes] | None = None,
    signer: Any = None,
    authority: bytes | None = b"",
    updates: tuple[bytes, ...] = (b"230101000000Z", b"250101000000Z"),
    number: int | None = 1,
    more: Sequence[bytes] = (),
    issuer_name: bytes | None = None,
    version: bytes = b"\x02\x01\x01",
) -> bytes:
    """A revocation list in DER."""
    signer = signer or issuer.key
    authority = issuer.key_id if authority == b"" else authority
    extensions = [ext(35, seq(tlv(0x80, authority)))] if authority else []
    extensions += [ext(20, integer(number))] if number is not None else []
    extensions += more
    items = [revoked(serial) for serial in serials] if entries is None else entries
    tbs = seq(
        version,
        seq(*_encoded(algorithm_of(signer))),
        issuer_name or issuer.name,
        *(tlv(0x17, moment) for moment in updates),
        seq(*items) if items else b"",
        tlv(0xA0, seq(*extensions)) if extensions else b"",
    )
    return signed(tbs, signer, issuer.name, signer, None).der
