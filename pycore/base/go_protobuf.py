"""Protobuf as its reader in Go reads it, for chains whose nodes are written in Go.

Numbers, tags and lengths may take ten bytes and 64 bits; of a number the last one counts, a message that comes twice is
merged, and a field with another wire type than its own is unknown. Groups are skipped. Python's parser differs: it
refuses tags and lengths of more than five bytes, takes numbers of more than 64 bits, and drops the entries of maps that
have an unknown field.

Source: ``internal/impl/decode.go`` and ``encoding/protowire`` of google.golang.org/protobuf, as read in public copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from pycore.base.descriptors import is_repeated

__all__ = ["MalformedError", "fields", "read"]

M = TypeVar("M", bound=Message)

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)
_MAX_NUMBER, _MAX_NUMBER_IN_GROUP, _MAX_GROUPS = (1 << 29) - 1, (1 << 31) - 1, 10001


class MalformedError(ValueError):
    """Bytes that Go takes for no message of the kind."""


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


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of every field but groups, in their order. Raises MalformedError."""
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


def read(kind: type[M], data: bytes) -> M:
    """A message of proto3, without its unknown fields. Raises DecodeError; also where messages of one kind lie in each
    other more than MAX_DEPTH deep, of which Go takes ten thousand.

    >>> from google.protobuf.wrappers_pb2 import UInt64Value
    >>> read(UInt64Value, bytes.fromhex("88808080808000" "05")).value
    5
    """
    try:
        found = kind.FromString(data)
        found.DiscardUnknownFields()
        if found.SerializeToString(deterministic=True) == data:
            return found
    except DecodeError:
        pass  # which Go may take
    try:
        return kind.FromString(_written(data, kind.DESCRIPTOR, MAX_DEPTH))
    except MalformedError as error:
        raise DecodeError(str(error)) from None


MAX_DEPTH = 96
"""Messages within one another that are read: Python's parser takes a hundred."""

_F = FieldDescriptor
_WIRE = {
    _F.TYPE_BYTES: BYTES, _F.TYPE_STRING: BYTES, _F.TYPE_MESSAGE: BYTES,
    _F.TYPE_FIXED64: FIXED64, _F.TYPE_SFIXED64: FIXED64, _F.TYPE_DOUBLE: FIXED64,
    _F.TYPE_FIXED32: FIXED32, _F.TYPE_SFIXED32: FIXED32, _F.TYPE_FLOAT: FIXED32,
}  # fmt: skip


def _written(data: bytes, kind: Any, depth: int) -> bytes:
    """The known fields in their order, as writers encode them. Raises MalformedError."""
    if depth < 0:
        raise MalformedError(f"messages more than {MAX_DEPTH} deep")
    found = bytearray()
    known = kind.fields_by_number
    for number, wire, value in fields(data):
        field = known.get(number)
        if field is None:
            continue
        wanted = _WIRE.get(field.type, VARINT)
        if isinstance(value, int):
            if wanted == VARINT:
                found += _number(number << 3) + _number(value)
            continue
        if wire == BYTES and wanted != BYTES and is_repeated(field):
            value = _packed(value, wanted)
        elif wire != wanted:
            continue
        elif field.type == _F.TYPE_MESSAGE:
            assert field.message_type is not None
            value = _written(value, field.message_type, depth - 1)
        elif field.type == _F.TYPE_STRING:
            _check_text(value)
        found += _number(number << 3 | wire)
        found += _number(len(value)) + value if wire == BYTES else value
    return bytes(found)


def _packed(data: bytes, wire: int) -> bytes:
    at, found = 0, bytearray()
    while at < len(data):
        value, at = _value(data, at, wire)
        found += _number(value) if isinstance(value, int) else value
    return bytes(found)


def _check_text(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise MalformedError("a string that is not UTF-8") from None


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
