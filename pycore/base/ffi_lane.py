"""The part of the same-host lane that is in C: ``csrc/wire/lane.c``, Linux only but for :func:`cut_columns`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base.ffi import ffi, lib

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Exchange", "Part", "cut_columns"]

_MOST_REST = 1024  # bytes of a request besides its columns
_CELLS: int = lib.PC_CUT_CELLS
_NONE = memoryview(b"")


class Part(NamedTuple):
    """A column of a request, with the fields of the message and views of the request's bytes."""

    raw: bytes
    begin: int
    end: int
    offsets: memoryview
    width: int

    @property
    def data(self) -> memoryview:
        """As the message has it."""
        return memoryview(self.raw)[self.begin : self.end]

    @property
    def rows(self) -> tuple[bytes, ...]:
        """None: such a request is not cut."""
        return ()

    def matrix(self) -> NDArray[np.uint8] | None:
        """uint8 (n, width), a view; None where rows have no width, or the last is not whole."""
        size, width = self.end - self.begin, self.width
        if not width or len(self.offsets) or size % width:
            return None
        return np.frombuffer(self.raw, np.uint8, size, self.begin).reshape(size // width, width)


def cut_columns(raw: bytes, first: int, n: int) -> tuple[bytes, list[Part]] | None:
    """The columns of a request, without a copy of them, and its other fields as they are.

    Args:
        raw: a serialised request, perhaps malformed.
        first, n: the columns are the fields first to first + n - 1.

    Returns:
        None where protobuf is to be asked: a column is missing, comes twice or has rows, the other fields have more
        than 1,024 bytes, or anything is malformed or written otherwise than protobuf writes it.
    """
    cells = ffi.new("int64_t[]", n * _CELLS)
    rest = ffi.new("uint8_t[]", _MOST_REST)
    size = lib.pc_columns_cut(raw, len(raw), first, n, cells, rest, _MOST_REST)
    if size < 0:
        return None
    found = ffi.unpack(cells, n * _CELLS)
    parts = []
    for i in range(0, n * _CELLS, _CELLS):
        begin, end, first, last, width = found[i : i + _CELLS]
        parts.append(Part(raw, begin, end, memoryview(raw)[first:last] if last else _NONE, width))
    return ffi.buffer(rest, size)[:], parts


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
