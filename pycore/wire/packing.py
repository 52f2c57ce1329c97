"""Requests whose large parts are columns, encoded with one copy of them.

protobuf copies a column twice: into a message, and out of it when the message is serialised. Here the small fields are
protobuf's and the columns are written after them, as protobuf writes fields of bytes (tag, length, bytes): the same
bytes where the columns have the highest numbers of the message, else the same fields in another order, which parses to
the same message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycore.base.columns import Column
from pycore.errors import LengthError
from pycore.wire.columns import OFFSET_DTYPE
from pycore.wire.views import encoded_varint

if TYPE_CHECKING:
    from google.protobuf.message import Message

MOST_BYTES = (1 << 31) - 1
"""Most bytes of a message, as protobuf's implementations agree."""
_BYTES = 2  # wire type: a length and so many bytes
_DATA, _WIDTH, _OFFSETS = b"\x0a", b"\x10", b"\x1a"  # the tags of Column's fields 1, 2 and 3

Parts: TypeAlias = "list[Any]"
"""Pieces of an encoding, each something that `bytes.join` takes."""


def packed(message: Message | bytes, columns: Iterable[tuple[int, Column]]) -> bytes:
    """The encoding of a message with columns that it lacks.

    Args:
        message: the other fields, or their encoding.
        columns: the field number and the column of each, which is present even where it is empty.

    Raises:
        LengthError: protobuf has no messages of that size.
    """
    return b"".join(packed_parts(message, columns)[1])


class Packed:
    """The encoding of a message in pieces, for whoever has a place for it. They are views of the caller's arrays.

    Attributes:
        size: bytes of all of them.
    """

    def __init__(self, size: int, parts: Parts) -> None:
        self.size = size
        self._parts = parts

    def __len__(self) -> int:
        return self.size

    def SerializeToString(self) -> bytes:  # noqa: N802 - as messages have it
        """The encoding as one."""
        return b"".join(self._parts)

    def write(self, memory: Any) -> None:
        """Puts the encoding at the begin of a writable buffer."""
        at = 0
        for part in self._parts:
            view = part if type(part) is bytes else memoryview(part).cast("B")
            end = at + len(view)
            memory[at:end] = view
            at = end


def packed_rows(message: Message, number: int, rows: Sequence[bytes]) -> bytes:
    """The encoding of a message with a repeated field of bytes that it lacks. Raises as `packed`."""
    parts: Parts = [message.SerializeToString()]
    tag = encoded_varint(number << 3 | _BYTES)
    for row in rows:
        parts += (tag, encoded_varint(len(row)), row)
    _check(sum(map(len, parts)))
    return b"".join(parts)


def packed_parts(message: Message | bytes, columns: Iterable[tuple[int, Column]]) -> tuple[int, Parts]:
    """As `packed`, the number of bytes and the pieces, for a message that is a part of another."""
    head = message if isinstance(message, bytes) else message.SerializeToString()
    parts: Parts = [head]
    size = len(head)
    for number, column in columns:
        size += _add_column(parts, number, column)
    _check(size)
    return size, parts


def nested(head: bytes, number: int, size: int, parts: Parts) -> bytes:
    """The encoding of a message with a message in it, which `packed_parts` gave, after its other fields."""
    return b"".join([head, encoded_varint(number << 3 | _BYTES), encoded_varint(size), *parts])


def _check(size: int) -> None:
    if size > MOST_BYTES:
        raise LengthError("request", f"{size} bytes", f"at most {MOST_BYTES}, the most that a message may have")


def _add_column(parts: Parts, number: int, column: Column) -> int:
    """Appends a field and gives its size."""
    inner: Parts = []
    if column.offsets is None and column.width:
        size = column.data.size
        if size:
            length = encoded_varint(size)
            inner = [_DATA, length, column.data if column.data.flags.c_contiguous else column.data.tobytes()]
            size += 1 + len(length)
        width = encoded_varint(column.width)
        inner += (_WIDTH, width)
        size += 1 + len(width)
    else:
        size, offsets = 0, np.zeros(column.n + 1, OFFSET_DTYPE)  # rows of width 0 are counted by their offsets
        if column.offsets is not None:
            first, last = int(column.offsets[0]), int(column.offsets[-1])
            _check(last - first)  # before offsets are cut to 32 bits
            np.subtract(column.offsets, first, out=offsets, casting="unsafe")
            if last > first:
                length = encoded_varint(last - first)
                inner = [_DATA, length, column.data[first:last]]
                size = 1 + len(length) + last - first
        length = encoded_varint(offsets.nbytes)
        inner += (_OFFSETS, length, offsets)
        size += 1 + len(length) + offsets.nbytes
    tag, length = encoded_varint(number << 3 | _BYTES), encoded_varint(size)
    parts += (tag, length, *inner)
    return len(tag) + len(length) + size
