"""The part of the same-host lane that is in C: ``csrc/wire/lane.c``, Linux only but for :func:`cut_columns`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base.ffi import ffi, lib

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Exchange", "Part", "Span", "cut_columns", "read_cut"]

_MOST_REST = 1024  # bytes of a request besides its columns
_CELLS: int = lib.PC_CUT_CELLS


class Span(NamedTuple):
    """Where a column of a request is: data and offsets as places in it, and the width; 0 for what is absent."""

    begin: int
    end: int
    offsets_begin: int
    offsets_end: int
    width: int

    @property
    def n(self) -> int:
        """The rows, where all have the width and the last is whole; else -1."""
        size = self.end - self.begin
        if not self.width or self.offsets_end != self.offsets_begin or size % self.width:
            return -1
        return size // self.width

    def matrix(self, raw: bytes) -> NDArray[np.uint8]:
        """uint8 (n, width), a view of the request."""
        rows = self.end - self.begin
        return np.frombuffer(raw, np.uint8, rows, self.begin).reshape(rows // self.width, self.width)


class Part(NamedTuple):
    """A column of a request with the fields of the message: views of the request's bytes."""

    data: memoryview
    width: int
    offsets: memoryview
    rows: tuple[bytes, ...] = ()  # a request with rows is not cut

    @classmethod
    def of(cls, raw: bytes, span: Span) -> Part:
        """The part at a span."""
        view = memoryview(raw)
        return cls(view[span.begin : span.end], span.width, view[span.offsets_begin : span.offsets_end])


def cut_columns(raw: bytes, first: int, n: int) -> bytes | None:
    """Where the columns of a request are, and its other fields, for :func:`read_cut`; equal for requests that differ in
    nothing but the bytes of their columns.

    Args:
        raw: a serialised request, perhaps malformed.
        first, n: the columns are the fields first to first + n - 1.

    Returns:
        None where protobuf is to be asked: a column is missing, comes twice or has rows, the other fields have more
        than 1,024 bytes, or anything is malformed or written otherwise than protobuf writes it.
    """
    if type(raw) is not bytes:  # memory that may change
        return None
    spans = n * _CELLS * 8
    room = ffi.new("int64_t[]", n * _CELLS + _MOST_REST // 8)
    rest = ffi.cast("uint8_t *", room + n * _CELLS)
    size = lib.pc_columns_cut(raw, len(raw), first, n, room, rest, _MOST_REST)
    return None if size < 0 else ffi.buffer(room, spans + size)[:]


def read_cut(cut: bytes, n: int) -> tuple[bytes, tuple[Span, ...]]:
    """The other fields of a request that was cut, and where its n columns are."""
    cells = struct.unpack_from(f"={n * _CELLS}q", cut)
    spans = tuple(Span(*cells[i : i + _CELLS]) for i in range(0, n * _CELLS, _CELLS))
    return cut[n * _CELLS * 8 :], spans


class Exchange:
    """Sends packets and takes the answers to them. Belongs to one connection.

    Args:
        most: bytes of a packet.
    """

    def __init__(self, most: int) -> None:
        self._room = ffi.new("uint8_t[]", most)
        self._most = most
        self._got = ffi.new("int[2]")
        self._buffer = ffi.buffer(self._room)

    def __call__(self, fd: int, packet: Any, sleep: int, spin: int, limit: int) -> tuple[bytes, int, bool]:
        """The answer, the descriptor that came with it or -1, and whether there was more than fits.

        Args:
            fd: a socket.
            packet: what is sent before; empty for nothing.
            sleep, spin: nanoseconds: asks again and again for `spin`, from `sleep` after the begin on. 0: sleeps only.
            limit: nanoseconds; -1 for no limit.

        Raises:
            OSError: with its number; TimeoutError at the limit.
        """
        n = lib.pc_lane_exchange(fd, packet, len(packet), sleep, spin, limit, self._room, self._most, self._got)
        if n < 0:
            raise OSError(-n, "")
        return self._buffer[:n], self._got[0], bool(self._got[1])
