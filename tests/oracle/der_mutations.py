"""Bytes that are almost the DER of a signature: what a strict parser must refuse, and what it must take."""

from __future__ import annotations

from collections.abc import Iterator

from . import der


def integer(value: int) -> bytes:
    """An INTEGER, at least 0."""
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(content)]) + content


def mutations(r: int, s: int, order: int) -> Iterator[tuple[str, bytes, str | None]]:
    """(comment, bytes, verdict) around one valid signature; None: some verdict other than VALID.

    r and s have their top bit set, so that each takes 33 bytes and its leading zero can be dropped.
    """
    assert min(r, s) >> 255
    good = der.encode(r, s)
    ri, si = integer(r), integer(s)
    malformed = "MALFORMED_SIGNATURE"

    def seq(*parts: bytes) -> bytes:
        body = b"".join(parts)
        return bytes([0x30, len(body)]) + body

    def raw(content: bytes) -> bytes:
        return bytes([2, len(content)]) + content

    yield "as signed", good, "VALID"
    for i in range(len(good)):
        if i % 6 == 0 or i < 8 or i > len(good) - 4:
            yield f"truncated to {i} bytes", good[:i], malformed
    for tag in (0x00, 0x02, 0x04, 0x10, 0x20, 0x31, 0x70, 0xB0, 0xFF):
        yield f"SEQUENCE tag {tag:02x}", bytes([tag]) + good[1:], malformed
    for tag in (0x00, 0x01, 0x03, 0x04, 0x22, 0x82, 0xFF):
        yield f"tag of r {tag:02x}", seq(bytes([tag]) + ri[1:], si), malformed
        yield f"tag of s {tag:02x}", seq(ri, bytes([tag]) + si[1:]), malformed
    n = len(good) - 2
    for comment, length in (
        ("81 xx", bytes([0x81, n])),
        ("82 00 xx", bytes([0x82, 0, n])),
        ("84 00 00 00 xx", bytes([0x84, 0, 0, 0, n])),
        ("85 00 00 00 00 xx", bytes([0x85, 0, 0, 0, 0, n])),
        ("80, indefinite", b"\x80"),
        ("ff", b"\xff"),
        ("00", b"\0"),
        ("one less", bytes([n - 1])),
        ("one more", bytes([n + 1])),
        ("84 ff ff ff ff", b"\x84\xff\xff\xff\xff"),
        ("89 and nine bytes", b"\x89" + bytes(8) + bytes([n])),
    ):
        yield f"SEQUENCE length {comment}", b"\x30" + length + good[2:], malformed
    yield "indefinite length with its end", b"\x30\x80" + good[2:] + b"\0\0", malformed
    for name, one, other, first in (("r", ri, si, True), ("s", si, ri, False)):
        content = one[2:]

        def pair(changed: bytes, other: bytes = other, first: bool = first) -> bytes:
            return seq(changed, other) if first else seq(other, changed)

        yield f"length of {name} 81 xx", pair(bytes([2, 0x81, len(content)]) + content), malformed
        yield f"length of {name} 82 00 xx", pair(bytes([2, 0x82, 0, len(content)]) + content), malformed
        yield f"length of {name} one less", pair(bytes([2, len(content) - 1]) + content), malformed
        yield f"length of {name} one more", pair(bytes([2, len(content) + 1]) + content), malformed
        yield f"length of {name} 7f", pair(b"\x02\x7f" + content), malformed
        yield f"length of {name} 80", pair(b"\x02\x80" + content), malformed
        yield f"{name} with a leading zero too many", pair(raw(b"\0" + content)), malformed
        yield f"{name} with eight leading zeros", pair(raw(bytes(8) + content)), malformed
        yield f"{name} without its leading zero: negative", pair(raw(content[1:])), malformed
        yield f"{name} of no bytes", pair(b"\x02\x00"), malformed
        yield f"{name} absent", pair(b""), malformed
        yield f"{name} = 0", pair(b"\x02\x01\x00"), "SCALAR_OUT_OF_RANGE"
        yield f"{name} = 0 in 32 bytes", pair(raw(bytes(32))), malformed
        yield f"{name} = -1", pair(b"\x02\x01\xff"), malformed
        yield f"{name} = -1 in 32 bytes", pair(raw(b"\xff" * 32)), malformed
        value = int.from_bytes(content, "big")
        for comment, wrong in (
            ("+ n", value + order),
            ("+ 2^256", value + 2**256),
            ("* 2^8", value << 8),
            ("+ 2^320", value + 2**320),
            ("+ 2^504", value + 2**504),
        ):
            yield f"{name} {comment}", pair(integer(wrong)), None
        yield f"{name} = n", pair(integer(order)), "SCALAR_OUT_OF_RANGE"
        yield f"{name} negated", pair(raw(((-value) % 2 ** (8 * len(content))).to_bytes(len(content), "big"))), None
        yield f"{name} as NULL", pair(b"\x05\x00"), malformed
        yield f"{name} as BOOLEAN", pair(b"\x01\x01\xff"), malformed
        yield f"{name} as REAL zero", pair(b"\x09\x00"), malformed
        yield f"{name} constructed", pair(b"\x22" + bytes([len(one)]) + one), malformed
    yield "only r", seq(ri), malformed
    yield "three integers", seq(ri, si, si), malformed
    yield "NULL inside, after s", seq(ri, si, b"\x05\x00"), malformed
    yield "zero byte inside, after s", seq(ri, si, b"\0"), malformed
    yield "zero byte between r and s", seq(ri, b"\0", si), malformed
    yield "zero byte before r", seq(b"\0", ri, si), malformed
    yield "nested SEQUENCE", seq(good), malformed
    yield "SEQUENCE in an OCTET STRING", b"\x04" + bytes([len(good)]) + good, malformed
    yield "BIT STRING content 00", b"\0" + good, malformed
    yield "empty SEQUENCE", b"\x30\x00", malformed
    yield "empty", b"", malformed
    yield "one byte 30", b"\x30", malformed
    yield "s, r", seq(si, ri), "BAD_SIGNATURE"
    for comment, tail in (
        ("00", b"\0"),
        ("0000", b"\0\0"),
        ("0500", b"\x05\x00"),
        ("itself", good),
        ("01", b"\1"),
        ("100 bytes", b"x" * 100),
    ):
        yield f"followed by {comment}", good + tail, malformed
