"""Counts the items of a large request before it is parsed.

A row of a `Column` in row form takes two bytes on the wire and sixteen and more in memory, and protobuf's
parser holds the GIL until it is done: 16 MiB of empty rows would stop the event loop for most of a second.
This walk stops at the limit and lets other threads run. It looks at the shape alone; whatever is malformed
is left for the parser to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from pycore.base.deadline import checkpoint
from pycore.errors import LengthError
from pycore.wire.schema import column_pb2

_ROWS = column_pb2.Column.ROWS_FIELD_NUMBER
_COLUMN = column_pb2.Column.DESCRIPTOR.full_name
_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END, _FIXED32 = range(6)
_MASK = (1 << 64) - 1
_FIELDS_PER_ITEM = 8  # more columns of so many rows are larger than a message may be
_AT_A_TIME = 4096  # fields between two looks at the clock


def check_item_count(raw: bytes, message: type[Message], limit: int) -> None:
    """Raises LengthError when a column in row form has more than `limit` rows, or all of it far more fields than that
    could be. A checkpoint of its caller's work (:mod:`pycore.base.deadline`).

    Args:
        raw: a serialised `message`, perhaps malformed.
        message: a request of the validation service.
        limit: the most rows of one column.
    """
    _check(raw, 0, len(raw), message.DESCRIPTOR, limit, _Count(_FIELDS_PER_ITEM * limit + _AT_A_TIME))


class _Count:
    """The fields of a request that were looked at."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = 0

    def add(self) -> None:
        """One more. LengthError above the most; StoppedError where nobody waits any more."""
        self._seen += 1
        if self._seen % _AT_A_TIME == 0:
            checkpoint()
            if self._seen > self._most:
                raise LengthError("request", f"more than {self._most} fields", "fewer: one for each row of its columns")


def _check(raw: bytes, start: int, end: int, descriptor: Any, limit: int, count: _Count) -> None:
    fields = {field.number: field for field in descriptor.fields}
    found = dict.fromkeys(fields, 0)
    for number, kind, first, last in walk(raw, start, end):
        count.add()
        field = fields.get(number)
        if field is None or kind != _BYTES or field.message_type is None:
            continue
        if field.message_type.full_name == _COLUMN:
            for inner, _, _, _ in walk(raw, first, last):
                count.add()
                found[number] += inner == _ROWS
                if found[number] > limit:
                    break
        else:
            _check(raw, first, last, field.message_type, limit, count)
        if found[number] > limit:
            raise LengthError(field.name, f"more than {limit} items", f"at most {limit} per request")


def walk(raw: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) of every field; stops quietly where the bytes are malformed.

    Parsers pass over groups, which no message here has, and read what is behind them. Their begin and end are fields
    without content here, and the fields inside are yielded as if there were no group.
    """
    while at < end:
        key, at = _varint(raw, at, end)
        kind = key & 7
        start = at
        if kind == _BYTES:
            size, start = _varint(raw, at, end)
            if size > end - start:
                return
            at = start + size
        elif kind == _VARINT:
            _, at = _varint(raw, at, end)
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
            if at > end:
                return
        elif kind not in (_GROUP, _GROUP_END):
            return
        yield key >> 3, kind, start, at


def _varint(raw: bytes, at: int, end: int) -> tuple[int, int]:
    """A base-128 varint and the position after it; a malformed one ends the walk by giving the position `end`."""
    value = shift = 0
    while at < end and shift < 64:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK, at
        shift += 7
    return 0, end
