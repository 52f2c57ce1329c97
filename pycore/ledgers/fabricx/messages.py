"""Protobuf messages field by field, read as Go reads them: updates and identities, which are few."""

from __future__ import annotations

from pycore.base.go_protobuf import BYTES, MalformedError, fields

__all__ = ["Fields", "MalformedError"]


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
        for number, wire, value in fields(data):
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
            for _ in fields(part):
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
