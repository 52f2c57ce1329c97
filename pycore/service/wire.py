"""Counts the rows of a request before it is parsed.

A row of a `Column` in row form takes two bytes on the wire and sixteen and more in memory, and protobuf's parser holds the
GIL until it is done: 16 MiB of empty rows would stop the event loop for most of a second. This walk stops at the limit and
lets other threads run. It looks at the shape alone; whatever is malformed is left for the parser to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor

from pycore._pb.validation.v1 import column_pb2
from pycore.errors import LengthError

_ROWS = column_pb2.Column.ROWS_FIELD_NUMBER
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check_row_count(raw: bytes, message: Descriptor, limit: int) -> None:
    """Raises LengthError when a column of the serialised `message` holds more than `limit` rows in row form."""
    columns = {
        field.number: field.name
        for field in message.fields
        if field.message_type is not None and field.message_type.full_name == column_pb2.Column.DESCRIPTOR.full_name
    }
    rows = dict.fromkeys(columns, 0)
    for number, start, end in _length_delimited(raw, 0, len(raw)):
        if number not in columns:
            continue
        for inner, _, _ in _length_delimited(raw, start, end):
            if inner == _ROWS:
                rows[number] += 1
                if rows[number] > limit:
                    raise LengthError(columns[number], f"more than {limit} rows", f"at most {limit}")


def _length_delimited(raw: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of every length-delimited field; stops quietly where the bytes are malformed."""
    while at < end:
        key, at = _varint(raw, at, end)
        kind = key & 7
        if kind == _BYTES:
            size, at = _varint(raw, at, end)
            if size > end - at:
                return
            yield key >> 3, at, at + size
            at += size
        elif kind == _VARINT:
            _, at = _varint(raw, at, end)
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            return


def _varint(raw: bytes, at: int, end: int) -> tuple[int, int]:
    """A base-128 varint and the position after it; a truncated one ends the walk by giving the position `end`."""
    value = shift = 0
    while at < end:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            break
    return 0, end
