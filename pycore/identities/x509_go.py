"""What readers of certificates in newer versions of Go refuse, and :mod:`pycore.identities.x509` takes.

That module's lenient rules are those of Go 1.14. Fabric 3.x is built with newer versions, whose reader also refuses:

    a key that is no point of its curve        a curve that Go has not
    a negative serial number                   two signature algorithms that differ
    a name with a text of an unusual type, or with characters that its type has not
    CRL distribution points, policies, policy mappings or authority information that are no lists

Source: Go's `crypto/x509`, ``parser.go``; certificates with changed bytes, signed again, get one answer from both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from pycore.identities.der import SEQUENCE, SET, Cursor, DerError
from pycore.identities.x509 import Certificate, PublicKey
from pycore.identities.x509_chains import extension

# Prime and b of y^2 = x^3 - 3 x + b (SP 800-186, section 3.2.1).
_CURVES = {
    "ecdsa-p256": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "ecdsa-p384": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "ecdsa-p521": (
        2**521 - 1,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    ),
}
_LISTS = ("2.5.29.31", "2.5.29.32", "2.5.29.33", "1.3.6.1.5.5.7.1.1")
_PRINTABLE = re.compile(rb"[A-Za-z0-9 '()+,\-./:=?*&]*")
_NUMERIC = re.compile(rb"[0-9 ]*")


def _utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


_TEXTS: dict[int, Callable[[bytes], bool]] = {
    0x0C: _utf8,
    0x12: lambda content: _NUMERIC.fullmatch(content) is not None,
    0x13: lambda content: _PRINTABLE.fullmatch(content) is not None,
    0x14: lambda content: True,  # T61String: any bytes
    0x16: lambda content: content.isascii(),
    0x1E: lambda content: len(content) % 2 == 0,
}


def refusal(certificate: Certificate) -> str:
    """Why newer Go versions do not read the certificate, in words; "" where they do. SM2 keys, which Go has not, are
    left to the caller."""
    if certificate.serial < 0:
        return "a negative serial number"
    if not on_curve(certificate.key):
        return "a key that is no point of a curve that Go has"
    try:
        if _algorithms_differ(certificate):
            return "two signature algorithms that differ"
        for name in (certificate.subject, certificate.issuer):
            why = _name_problem(name)
            if why:
                return why
        for oid in _LISTS:
            if oid in certificate.extensions and not _is_list(extension(certificate, oid) or b""):
                return f"the extension {oid} is no list"
    except DerError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1024)
def on_curve(key: PublicKey) -> bool:
    """Whether an ECDSA key is a point of P-256, P-384 or P-521, uncompressed; true for keys of other families."""
    if not key.kind.startswith("ecdsa-"):
        return True
    if key.kind not in _CURVES:
        return False
    p, b = _CURVES[key.kind]
    size = (p.bit_length() + 7) // 8
    if len(key.data) != 1 + 2 * size or key.data[0] != 4:
        return False
    x, y = int.from_bytes(key.data[1 : 1 + size], "big"), int.from_bytes(key.data[1 + size :], "big")
    return x < p and y < p and (y * y - (x * x - 3) * x - b) % p == 0


def _algorithms_differ(certificate: Certificate) -> bool:
    outer = Cursor(certificate.der, strict=False).enter(SEQUENCE, "the certificate")
    outer.any()
    algorithm = outer.any()[1]
    body = Cursor(certificate.tbs, strict=False).enter(SEQUENCE, "tbsCertificate")
    if body.peek() == 0xA0:
        body.any()
    body.any()  # the serial number
    return body.any()[1] != algorithm


def _is_list(value: bytes) -> bool:
    """Whether it is a SEQUENCE of SEQUENCEs."""
    try:
        items = Cursor(value, strict=False).enter(SEQUENCE, "a list")
        while items.more:
            items.take(SEQUENCE, "an element")
    except DerError:
        return False
    return True


def _name_problem(der: bytes) -> str:
    parts = Cursor(der, strict=False).enter(SEQUENCE, "a name")
    while parts.more:
        attributes = parts.enter(SET, "a part of a name")
        while attributes.more:
            attribute = attributes.enter(SEQUENCE, "an attribute")
            attribute.oid("the type of an attribute")
            tag, _, content = attribute.any()
            if tag not in _TEXTS:
                return f"a name with a value of type {tag:#04x}"
            if not _TEXTS[tag](content):
                return f"a name with a value that is no text of type {tag:#04x}"
    return ""
