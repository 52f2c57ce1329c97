"""ECDSA and SM2 signatures as DER: SEQUENCE { r INTEGER, s INTEGER } (SEC 1, appendix C.8).

Strict means what BIP-66 means by it: one byte per length, minimal and non-negative integers, nothing before, between
or after.
"""

from __future__ import annotations


def decode(data: bytes, *, trailing: bool = False) -> tuple[int, int] | None:
    """(r, s), any size, or None when the bytes are not strict DER. trailing: bytes after the SEQUENCE are ignored."""
    if len(data) < 2 or data[0] != 0x30 or data[1] >= 0x80:
        return None
    end = 2 + data[1]
    if end > len(data) or (end < len(data) and not trailing):
        return None
    r, rest = _integer(data[2:end])
    s, rest = _integer(rest)
    return None if r is None or s is None or rest else (r, s)


def _integer(data: bytes) -> tuple[int | None, bytes]:
    if len(data) < 3 or data[0] != 0x02 or not 1 <= data[1] < 0x80:
        return None, b""
    content, rest = data[2 : 2 + data[1]], data[2 + data[1] :]
    if len(content) != data[1] or content[0] & 0x80:
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
