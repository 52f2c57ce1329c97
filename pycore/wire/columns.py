"""Columns, numbers and verdicts as messages, and back. Packed columns become numpy views of the received
bytes; nothing is copied per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycore.base.columns import Column, as_column
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError, LengthError
from pycore.wire.schema import column_pb2, verdict_pb2
from pycore.wire.settings import UNLIMITED, Settings

OFFSET_DTYPE = np.dtype("<u4")
NUMBER_DTYPE = np.dtype("<u8")


def received_column(message: column_pb2.Column, field: str) -> Column:
    """A column of an answer."""
    return from_column(message, field, UNLIMITED)


class Columnar(Protocol):
    """Anything with the fields of the message `Column`."""

    @property
    def data(self) -> Any: ...  # noqa: D102 - column.proto says what it is
    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def offsets(self) -> Any: ...  # noqa: D102
    @property
    def rows(self) -> Sequence[bytes]: ...  # noqa: D102


def from_column(message: Columnar, field: str, settings: Settings) -> Column:
    """A column of a request. InputError names the member that does not fit."""
    data, width, offsets, rows = message.data, message.width, message.offsets, message.rows
    if rows:
        if data or width or offsets:
            raise InputError(field, "rows together with data, width or offsets", "one of the forms")
        settings.check_items(len(rows), field)
        return as_column(list(rows), field)
    if offsets:
        if width:
            raise InputError(f"{field}.width", f"{width} together with offsets", "0, or no offsets")
        if len(offsets) % OFFSET_DTYPE.itemsize:
            raise LengthError(f"{field}.offsets", f"{len(offsets)} bytes", "4 bytes per offset, n + 1 offsets")
        positions = np.frombuffer(offsets, OFFSET_DTYPE)
        settings.check_items(len(positions) - 1, field)
        return as_column((data, positions.astype(np.int64)), field)
    if width:
        settings.check_items(len(data) // width, field)
        return as_column(data, field, width=width)
    if data:
        raise InputError(f"{field}.width", f"0 with {len(data)} bytes of data", "the bytes per row, or offsets")
    return as_column([], field)


def fill_column(message: column_pb2.Column, column: Column) -> None:
    """Puts a column into an empty message for sending: packed, with one copy of the rows."""
    if column.offsets is None and column.width:
        message.data = column.data.tobytes()
        message.width = column.width
    elif column.offsets is None:  # rows of width 0 are counted by their offsets
        message.offsets = bytes(OFFSET_DTYPE.itemsize * (column.n + 1))
    else:
        first, last = int(column.offsets[0]), int(column.offsets[-1])
        message.data = column.data[first:last].tobytes()
        message.offsets = (column.offsets - first).astype(OFFSET_DTYPE).tobytes()


def to_column(column: Column) -> column_pb2.Column:
    """A column for sending."""
    message = column_pb2.Column()
    fill_column(message, column)
    return message


def numbers(data: bytes, field: str, settings: Settings) -> NDArray[np.uint64]:
    """A list of numbers of a request: unsigned 64-bit little-endian integers, one after another."""
    if len(data) % NUMBER_DTYPE.itemsize:
        raise LengthError(field, f"{len(data)} bytes", "8 bytes per number")
    settings.check_items(len(data) // NUMBER_DTYPE.itemsize, field)
    return np.frombuffer(data, NUMBER_DTYPE).astype(np.uint64, copy=False)


def to_numbers(values: ArrayLike) -> bytes:
    """Numbers from 0 to 2^64 - 1 for sending."""
    return np.asarray(values, dtype=NUMBER_DTYPE).tobytes()


def to_verdicts(verdicts: Verdicts) -> verdict_pb2.Verdicts:
    """Verdicts for sending."""
    return verdict_pb2.Verdicts(
        codes=verdicts.codes.tobytes(),
        bitmap=verdicts.bitmap(),
        count=len(verdicts),
        valid_count=int(np.count_nonzero(verdicts.valid)),
    )


def from_verdicts(message: verdict_pb2.Verdicts) -> Verdicts:
    """Received verdicts."""
    return Verdicts(message.codes)


def join_verdicts(parts: Iterable[verdict_pb2.Verdicts]) -> Verdicts:
    """The verdicts of the pieces of one batch as one."""
    return Verdicts(b"".join(part.codes for part in parts))


def split(columns: Sequence[Column], max_items: int, max_bytes: int) -> list[tuple[int, int]]:
    """Ranges of rows that cover columns of equal length, each with at most `max_items` rows and, beyond a
    single row, at most `max_bytes` bytes of rows and offsets. An empty batch is one empty range: it is still
    asked, so that its options are checked.
    """
    n = columns[0].n
    if n <= max_items and sum(one.nbytes for one in columns) + n * len(columns) * OFFSET_DTYPE.itemsize <= max_bytes:
        return [(0, n)]
    ends = np.zeros(n + 1, dtype=np.int64)
    for column in columns:
        np.add(ends[1:], np.cumsum(column.lengths + OFFSET_DTYPE.itemsize), out=ends[1:])
    ranges = []
    start = 0
    while start < n:
        fitting = int(np.searchsorted(ends, ends[start] + max_bytes, side="right")) - 1
        stop = min(n, start + max_items, max(fitting, start + 1))
        ranges.append((start, stop))
        start = stop
    return ranges or [(0, 0)]
