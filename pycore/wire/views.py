"""Large fields of messages without a copy: a block of ten megabytes is neither parsed into a message nor copied out of
one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.message import Message

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_SHORT = [bytes([value]) for value in range(0x80)]
_MOST_FIELDS = 64  # of a message that has large fields; with more of them it is parsed as any other


def split_field(raw: bytes, number: int) -> tuple[bytes, memoryview] | None:
    """The message without a field of bytes, and that field, empty where it is absent; the last one counts.

    None where the walk finds anything that it does not know: let protobuf parse the whole.
    """
    found = split_fields(raw, number)
    return None if found is None else (found[0], found[1][-1] if found[1] else memoryview(b""))


def split_fields(raw: bytes, number: int) -> tuple[bytes, list[memoryview]] | None:
    """As `split_field`, for a repeated field of bytes: all of them, in order."""
    view, at = memoryview(raw), 0
    rest: list[bytes] = []
    found: list[memoryview] = []
    for _ in range(_MOST_FIELDS):
        if at == len(raw):
            return b"".join(rest), found
        tag, start = _varint(raw, at)
        kind = tag & 7
        if kind == _BYTES:
            size, start = _varint(raw, start)
        elif kind == _VARINT:
            size = _varint(raw, start)[1] - start
        else:
            size = {_EIGHT: 8, _FOUR: 4}.get(kind, -1)
        end = start + size
        if start < 0 or size < 0 or end > len(raw) or tag >> 3 == 0:
            return None
        if tag >> 3 == number and kind == _BYTES:
            found.append(view[start:end])
        else:
            rest.append(raw[at:end])
        at = end
    return None


def join_field(message: Message, number: int, data: bytes) -> bytes:
    """The encoding of a message with a field of bytes that it lacks, behind the others."""
    return b"".join(
        [message.SerializeToString(), encoded_varint(number << 3 | _BYTES), encoded_varint(len(data)), data]
    )


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, of at most five bytes, and the place behind it; -1 where there is none."""
    value = 0
    if at < 0:
        return 0, -1
    for shift in range(0, 35, 7):
        if at >= len(raw):
            break
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, -1


def encoded_varint(value: int) -> bytes:
    """A number of 0 or more as protobuf writes it: seven bits a byte, the lowest first."""
    if value < 0x80:
        return _SHORT[value]
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
