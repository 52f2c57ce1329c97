"""Protobuf messages one by one, read as Go reads them: updates and identities, which are few.

Numbers, tags and lengths may take ten bytes; of a number the last one counts, a message that comes twice is merged,
and a field with another wire type than its own is unknown. Groups are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Fields", "MalformedError"]

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)
_MAX_NUMBER, _MAX_NUMBER_IN_GROUP, _MAX_GROUPS = (1 << 29) - 1, (1 << 31) - 1, 10001


class MalformedError(ValueError):
    """Bytes that Go's protobuf takes for no message of the kind."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        if at + i >= len(data):
            raise MalformedError("a number that does not end")
        byte = data[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            if value >> 64:
                break
            return value, at + i + 1
    raise MalformedError("a number of more than 64 bits")


def _value(data: bytes, at: int, wire: int) -> tuple[int | bytes, int]:
    if wire == VARINT:
        return _varint(data, at)
    if wire == BYTES:
        length, at = _varint(data, at)
        if length > len(data) - at:
            raise MalformedError("a length that leaves the message")
        return data[at : at + length], at + length
    size = {FIXED64: 8, FIXED32: 4}.get(wire)
    if size is None or size > len(data) - at:
        raise MalformedError("a field that is cut off, or of no wire type")
    return data[at : at + size], at + size


def _skip_group(data: bytes, at: int, number: int) -> int:
    open_groups = [number]
    while open_groups:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number <= _MAX_NUMBER_IN_GROUP:
            raise MalformedError("a field with a number that none has")
        if wire == GROUP:
            if len(open_groups) == _MAX_GROUPS:
                raise MalformedError("groups that lie too deep")
            open_groups.append(number)
        elif wire == END_GROUP:
            if open_groups.pop() != number:
                raise MalformedError("a group that ends under another number")
        else:
            _, at = _value(data, at, wire)
    return at


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number <= _MAX_NUMBER:
            raise MalformedError("a field with a number that none has")
        if wire == GROUP:
            at = _skip_group(data, at, number)
            continue
        value, at = _value(data, at, wire)
        yield number, wire, value


class Fields:
    """The fields of one message that have bytes, by number.

    >>> Fields(bytes.fromhex("0a0141" "0a0142" "1005")).last(1)
    b'B'
    """

    __slots__ = ("_values", "order")

    def __init__(self, data: bytes) -> None:
        """Raises MalformedError."""
        self._values: dict[int, list[bytes]] = {}
        self.order: list[int] = []
        for number, wire, value in _fields(data):
            if wire == BYTES:
                assert isinstance(value, bytes)
                self._values.setdefault(number, []).append(value)
                self.order.append(number)

    def every(self, number: int) -> list[bytes]:
        """The values of a repeated field."""
        return self._values.get(number, [])

    def merged(self, number: int) -> bytes | None:
        """The content of a message field, None where it is absent: messages are merged by putting them together."""
        found = self._values.get(number)
        if found is None:
            return None
        for part in found:  # each has to be sound by itself
            for _ in _fields(part):
                pass
        return b"".join(found)

    def last(self, number: int) -> bytes:
        """The value of a field of bytes; empty where it is absent."""
        found = self._values.get(number)
        return found[-1] if found else b""

    def text(self, number: int) -> str:
        """The value of a string. Every occurrence must be UTF-8, or MalformedError is raised."""
        try:
            return [value.decode("utf-8") for value in [b"", *self.every(number)]][-1]
        except UnicodeDecodeError:
            raise MalformedError("a string that is not UTF-8") from None
