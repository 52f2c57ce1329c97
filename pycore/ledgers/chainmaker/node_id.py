"""The identifier of a node from its public key: a libp2p peer id in base58, as the chain's configuration lists it.

A peer id is the multihash of the key's protobuf form: SHA-256 of it, or the form itself where it is as short as that of
a compressed secp256k1 key. Key types: RSA 0, secp256k1 2, ECDSA 3; the chain adds SM2 as 4.
"""

from __future__ import annotations

import hashlib

from pycore.identities.x509 import CURVES, PublicKey

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RSA, _SECP256K1, _ECDSA, _SM2 = 0, 2, 3, 4
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption, NULL
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
_CURVES = {kind: oid for oid, kind in CURVES.items()}


def node_id(key: PublicKey) -> str:
    """The node id of a key.

    >>> node_id(PublicKey("sm2", b"\\x04" + bytes(64)))[:2]
    'Qm'
    """
    if key.kind == "ecdsa-secp256k1":
        x, y = key.data[1:33], key.data[33:65]
        form = _form(_SECP256K1, bytes([2 + (y[-1] & 1 if y else 0)]) + x)
        return base58(b"\x00" + bytes([len(form)]) + form)
    kind = {"rsa": _RSA, "sm2": _SM2}.get(key.kind, _ECDSA)
    return base58(b"\x12\x20" + hashlib.sha256(_form(kind, key_info(key))).digest())


def key_info(key: PublicKey) -> bytes:
    """The DER of the key's SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7; RFC 5480)."""
    if key.kind == "rsa":
        algorithm = _RSA_ALGORITHM
    else:
        algorithm = _tagged(0x30, _EC_PUBLIC_KEY + _tagged(0x06, _object_identifier(_CURVES[key.kind])))
    return _tagged(0x30, algorithm + _tagged(0x03, b"\x00" + key.data))


def _form(kind: int, data: bytes) -> bytes:
    return b"\x08" + bytes([kind]) + b"\x12" + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def _object_identifier(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    found = bytearray([40 * first + second])
    for part in rest:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(part & 0x7F | 0x80)
        found += bytes(reversed(groups))
    return bytes(found)


def base58(data: bytes) -> str:
    """Base58 with the alphabet of Bitcoin."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\x00"))) + text
