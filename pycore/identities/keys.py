"""Public keys as tools write them - PEM, SubjectPublicKeyInfo - as the schemes of ``verify_batch`` take them.

>>> lines = "-----BEGIN PUBLIC KEY-----", "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
>>> key = load_public_key("\\n".join([*lines, "-----END PUBLIC KEY-----"]))
>>> key.scheme, key.data.hex()[:16]
('ed25519', 'd75a980182b10ab7')
"""

from __future__ import annotations

from typing import NamedTuple

from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.base.registry import SCHEMES, lookup
from pycore.errors import InputError
from pycore.identities import pem
from pycore.identities.x509 import CertificateError, parse_public_key
from pycore.signatures.key_forms import is_private

__all__ = ["LoadedKey", "load_public_key"]

_SCHNORR, _SECP256K1 = "schnorr-secp256k1", "ecdsa-secp256k1"
_WHOLE = 65
_FORMS = {33: b"\x02\x03", _WHOLE: b"\x04"}
"""Bytes of a point -> how it may begin (SEC 1, section 2.3.3; RFC 5480, section 2.2, has no hybrid form)."""
_P = 2**256 - 2**32 - 977  # secp256k1: y^2 = x^3 + 7 modulo p


class LoadedKey(NamedTuple):
    """A public key. `scheme`: whose key it is; `data`: its bytes, as the scheme takes them."""

    scheme: str
    data: bytes


def load_public_key(data: BytesLike | str, *, scheme: str | None = None, field: str = "public_key") -> LoadedKey:
    """A public key from PEM text, or from the DER of a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).

    Ed25519 (RFC 8410), and the curves of SM2, P-256 and secp256k1 (RFC 5480); SM2 also with 1.2.156.10197.1.301 as the
    algorithm, as some national tools write it. One encoding only: DER, and one PEM block labelled PUBLIC KEY, which may
    stand between other text.

    Args:
        data: text or bytes.
        scheme: whose key it must be; None: whichever it is. "schnorr-secp256k1" takes a key of secp256k1 and gives the
            32 bytes of its x coordinate (BIP-340).
        field: what errors call the argument.

    Raises:
        InputError: no such key, a key of another scheme, or a private key, whose bytes are in no message.
    """
    if scheme is not None:
        lookup(SCHEMES, scheme, "scheme")
    octets = data.encode("utf-8", "replace") if isinstance(data, str) else one_bytes(data, field)
    wanted = f"a public key of {scheme or ', '.join(SCHEMES)} in PEM or SubjectPublicKeyInfo"
    if is_private(octets):
        raise InputError(field, "a private key", f"{wanted} (openssl pkey -in FILE -pubout)")
    blocks = list(pem.blocks(octets[: 1 << 17]))
    if blocks and blocks[0].label.endswith("CERTIFICATE"):
        raise InputError(field, "a certificate", f"{wanted} (openssl x509 -in FILE -pubkey -noout)")
    if len(blocks) > 1:
        raise InputError(field, f"{len(blocks)} PEM blocks", "one")
    try:
        found = parse_public_key(octets, ed25519=True, sm2_algorithm=True)
    except CertificateError as error:
        raise InputError(field, f"{len(octets)} bytes that hold no key ({error})", wanted) from None
    named = found.kind if found.kind in SCHEMES else ""
    if not named:
        raise InputError(field, f"a key of {quote(found.kind)}", wanted)
    if len(found.data) not in SCHEMES[named].key_sizes:
        raise InputError(field, f"a key of {named} with {len(found.data)} bytes", wanted)
    if named != "ed25519" and found.data[0] not in _FORMS.get(len(found.data), b""):
        raise InputError(field, f"a point of {named} in another form", f"{wanted}, a point that begins with 2, 3 or 4")
    if scheme == _SCHNORR and named == _SECP256K1:
        _check_y(found.data, field)
        return LoadedKey(_SCHNORR, found.data[1:33])
    if scheme is not None and scheme != named:
        raise InputError(field, f"a key of {named}", f"one of {scheme}")
    return LoadedKey(named, found.data)


def _check_y(point: bytes, field: str) -> None:
    """InputError where y, of which BIP-340 keeps nothing, makes no point of secp256k1 with x."""
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    if len(point) == _WHOLE and (y >= _P or (y * y - x * x * x - 7) % _P):
        raise InputError(field, "a point that is not on secp256k1", "one that is")
