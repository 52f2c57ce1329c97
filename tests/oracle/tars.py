"""Tars, slowly: one record by a description of structs, with everything that is odd about its bytes.

Written from the encoding alone (head = number << 4 | type, numbers above 14 in a separate byte).
"""

from __future__ import annotations

from typing import Any

from pycore.ledgers.tars import Struct

MAX_LEVELS = 32
_SIZES = {0: 1, 1: 2, 2: 4, 3: 8, 12: 0}
_TAKES = {
    "bytes": {13}, "string": {6, 7}, "byte": {0, 12}, "int": {0, 1, 2, 12},
    "unsigned int": {0, 1, 2, 3, 12}, "long": {0, 1, 2, 3, 12},
}  # fmt: skip


class BadRecordError(ValueError):
    """Bytes that are no record of that struct."""


class _Reader:
    def __init__(self, data: bytes, odd: set[str]) -> None:
        self.data, self.at, self.odd = data, 0, odd

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise BadRecordError("ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        number = first >> 4
        if number == 15:
            number = self.take(1)[0]
            if number < 15:
                self.odd.add("not minimal")
        return number, first & 15

    def integer(self, kind: int) -> int:
        if kind not in _SIZES:
            raise BadRecordError("no integer")
        value = int.from_bytes(self.take(_SIZES[kind]), "big", signed=True)
        smallest = 12 if value == 0 else next(k for k in range(4) if -1 << (8 << k) - 1 <= value < 1 << (8 << k) - 1)
        if smallest != kind:
            self.odd.add("not minimal")
        return value

    def count(self) -> int:
        number, kind = self.head()
        if number or kind == 3:
            raise BadRecordError("no count")
        value = self.integer(kind)
        if value < 0:
            raise BadRecordError("a negative count")
        return value

    def simple(self, kind: int) -> Any:
        if kind in _SIZES:
            return self.integer(kind)
        if kind in (4, 5):
            return self.take(4 if kind == 4 else 8)
        if kind == 6:
            return self.take(self.take(1)[0])
        if kind == 7:
            length = int.from_bytes(self.take(4), "big")
            if length < 256:
                self.odd.add("not minimal")
            return self.take(length)
        if kind == 13:
            if self.take(1)[0]:
                raise BadRecordError("bytes of another type")
            return self.take(self.count())
        raise BadRecordError("no such type")

    def skip(self, kind: int, levels: int = MAX_LEVELS) -> None:
        if kind in (8, 9, 10):
            if levels == 0:
                raise BadRecordError("too deep")
            if kind == 10:
                while True:
                    _, inner = self.head()
                    if inner == 11:
                        return
                    self.skip(inner, levels - 1)
            for _ in range(self.count() * (2 if kind == 8 else 1)):
                _, inner = self.head()
                self.skip(inner, levels - 1)
        else:
            self.simple(kind)


def decode(struct: Struct, data: bytes) -> tuple[dict[str, Any], set[str]]:
    """(values, what is odd): fields by name, absent ones left out. BadRecordError where there is no record."""
    odd: set[str] = set()
    return _fields(struct, _Reader(data, odd), inside=False), odd


def _fields(struct: Struct, reader: _Reader, *, inside: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    last = 0
    while inside or reader.at < len(reader.data):
        number, kind = reader.head()
        if kind == 11:
            if not inside or number:
                raise BadRecordError("an end out of place")
            return found
        if number < last:
            reader.odd.add("unordered")
        last = number
        field = struct.fields_by_number.get(number)
        if field is None:
            reader.odd.add("unknown")
            unread = reader.odd
            reader.odd = set()  # nobody looks how it is written
            reader.skip(kind)
            reader.odd = unread
            continue
        if field.name in found:
            reader.odd.add("twice")
        if field.repeated:
            if kind != 9:
                raise BadRecordError("no list")
            count = reader.count()
            if count > len(reader.data) - reader.at:
                raise BadRecordError("ends early")
            if not count:
                reader.odd.add("default")
            items = []
            for _ in range(count):
                number, kind = reader.head()
                if number:
                    raise BadRecordError("a numbered item")
                items.append(_value(field.kind, kind, reader))
            found[field.name] = items
        else:
            found[field.name] = _value(field.kind, kind, reader)
            if not field.required and not isinstance(field.kind, Struct) and not found[field.name]:
                reader.odd.add("default")
    return found


def _value(kind: Any, given: int, reader: _Reader) -> Any:
    if isinstance(kind, Struct):
        if given != 10:
            raise BadRecordError("no struct")
        return _fields(kind, reader, inside=True)
    if given not in _TAKES[kind]:
        raise BadRecordError("another type")
    return reader.simple(given)
