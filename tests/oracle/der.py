"""ECDSA and SM2 signatures as DER: SEQUENCE { r INTEGER, s INTEGER } (SEC 1, appendix C.8).

Strict means what BIP-66 means by it: one byte per length, minimal and non-negative integers, nothing before, between
or after. Go's encoding/asn1 reads lengths of several bytes, and into a struct of two integers whatever follows them.
"""

from __future__ import annotations


def decode(data: bytes, rules: str = "strict") -> tuple[int, int] | None:
    """(r, s), any size, or None when the bytes are not DER by these rules: "strict", "trailing" or "go"."""
    most = 4 if rules == "go" else 0
    content, rest = _value(data, 0x30, most)
    if content is None or (rest and rules == "strict"):
        return None
    r, rest = _integer(content, most)
    s, rest = _integer(rest, most)
    return None if r is None or s is None or (rest and rules != "go") else (r, s)


def _value(data: bytes, tag: int, most: int) -> tuple[bytes | None, bytes]:
    """Contents and what follows; a length of 128 or more takes that many bytes more, `most` at most."""
    if len(data) < 2 or data[0] != tag:
        return None, b""
    length, start = data[1], 2
    if length >= 0x80:
        start += length - 0x80
        digits = data[2:start]
        length = int.from_bytes(digits, "big")
        if not digits or start - 2 > most or len(digits) < start - 2 or digits[0] == 0 or not 0x80 <= length < 1 << 31:
            return None, b""
    if length > len(data) - start:
        return None, b""
    return data[start : start + length], data[start + length :]


def _integer(data: bytes, most: int) -> tuple[int | None, bytes]:
    content, rest = _value(data, 0x02, most)
    if not content or content[0] & 0x80:
        return None, b""
    if len(content) > 1 and content[0] == 0 and not content[1] & 0x80:
        return None, b""
    return int.from_bytes(content, "big"), rest


def encode(r: int, s: int) -> bytes:
    def integer(value: int) -> bytes:
        content = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return bytes([2, len(content)]) + content

    body = integer(r) + integer(s)
    return bytes([0x30, len(body)]) + body
