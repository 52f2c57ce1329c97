"""Forms in which tools write keys, recognised in what is malformed as a key. Nothing here changes a verdict."""

from __future__ import annotations

from pycore.base.registry import SCHEMES

__all__ = ["is_private", "key_hint", "looks_wrapped"]

_READS = "pycore.identities.keys.load_public_key reads it"
_HEX = frozenset(b"0123456789abcdefABCDEF")
_SIZES = frozenset(size for scheme in SCHEMES.values() for size in scheme.key_sizes)


def key_hint(key: bytes) -> str:
    """The form of bytes that no scheme takes as a key, as the end of a sentence; "" where they tell nothing. The
    bytes themselves are never shown: they may be a private key.

    >>> key_hint(b"-----BEGIN PUBLIC KEY-----")
    'it is PEM: pycore.identities.keys.load_public_key reads it'
    >>> key_hint(b"ab" * 32)
    'it is hexadecimal text: bytes.fromhex reads it'
    >>> key_hint(bytes(31))
    ''
    """
    if is_private(key):
        return "it is a private key, and a public one is wanted"
    if b"-----BEGIN " in key[:4096]:
        return f"it is PEM: {_READS}"
    if looks_wrapped(key):
        return f"it is a SubjectPublicKeyInfo (SPKI) or another structure in DER: {_READS}"
    digits = key[2:] if key[:2] in (b"0x", b"0X") else key
    return "it is hexadecimal text: bytes.fromhex reads it" if len(digits) // 2 in _SIZES and {*digits} <= _HEX else ""


def looks_wrapped(key: bytes) -> bool:
    """Whether the bytes are one DER SEQUENCE, and of a length that no scheme's keys have."""
    return _content(key) is not None


def is_private(key: bytes) -> bool:
    """Whether the bytes are a private key: PEM with such a label, or PKCS #8, SEC 1 or PKCS #1 in DER."""
    if b"PRIVATE KEY-----" in key:
        return True
    content = _content(key)
    return content is not None and content[:3] in (b"\x02\x01\x00", b"\x02\x01\x01")


def _content(key: bytes) -> bytes | None:
    """The inside of a DER SEQUENCE that fills the bytes; None for other bytes, and for those that can be a key."""
    if len(key) < 2 or key[0] != 0x30 or len(key) in _SIZES:
        return None
    size, start = key[1], 2
    if size >= 0x80:
        start += size - 0x80
        size = int.from_bytes(key[2:start], "big") if 2 < start <= 6 else -1
    return key[start:] if len(key) - start == size else None
