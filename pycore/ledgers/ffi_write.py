"""Records from pieces: the part of the C interface that ``csrc/wire/write.c`` is behind. As in ``pycore.base.ffi``,
nothing here judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pycore.base import parallel
from pycore.base.columns import Column, trusted_column
from pycore.base.ffi import ffi, lib

if TYPE_CHECKING:
    from numpy.typing import NDArray

LITERAL = int(lib.PC_WRITE_LITERAL)
BYTES = int(lib.PC_WRITE_BYTES)
BE32, BE64 = int(lib.PC_WRITE_BE32), int(lib.PC_WRITE_BE64)
LE32, LE64 = int(lib.PC_WRITE_LE32), int(lib.PC_WRITE_LE64)
DECIMAL, VARINT = int(lib.PC_WRITE_DECIMAL), int(lib.PC_WRITE_VARINT)
BE64_SIZED, VARINT_SIZED = int(lib.PC_WRITE_BE64_SIZED), int(lib.PC_WRITE_VARINT_SIZED)
HEX, BASE64, JSON_BASE64 = int(lib.PC_WRITE_HEX), int(lib.PC_WRITE_BASE64), int(lib.PC_WRITE_JSON_BASE64)
JSON, JSON_BF = int(lib.PC_WRITE_JSON), int(lib.PC_WRITE_JSON_BF)
NUMBERS = frozenset((BE32, BE64, LE32, LE64, DECIMAL, VARINT))

_PIECES = ffi.typeof("pc_pieces *")
_BYTES = ffi.typeof("uint8_t *")
_NUMBERS = ffi.typeof("int64_t *")
_COST = parallel.Cost(item_ns=60, byte_ns=1)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of n records, in the order in which they are written.

    Attributes:
        kind: uint8 (pieces,): the notation.
        a, b: int64 (pieces,): where the piece's bytes begin and end in `data`, or of LITERAL in `literals`; of NUMBERS
            `a` is the number.
        first: int64 (n + 1,): record i is the pieces first[i] up to first[i + 1].
        data: uint8 (size,), contiguous: what spans point into.
        literals: bytes that are the same in many records.
    """

    kind: NDArray[np.uint8]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    first: NDArray[np.int64]
    data: NDArray[np.uint8]
    literals: bytes = b""

    def __len__(self) -> int:
        return len(self.first) - 1

    def column(self, threads: int | None = 1) -> Column:
        """The records, written one after another into a new column; threads as in :mod:`pycore.base.parallel`."""
        n = len(self)
        for array, dtype in ((self.kind, np.uint8), (self.a, np.int64), (self.b, np.int64), (self.first, np.int64)):
            if array.dtype != dtype or not array.flags.c_contiguous or array.ndim != 1:
                raise RuntimeError(f"pieces in a {array.dtype} array of shape {array.shape}")
        if not len(self.kind) == len(self.a) == len(self.b):
            raise RuntimeError("pieces in arrays of different lengths")
        literals = np.frombuffer(self.literals, np.uint8)
        native = ffi.new(
            _PIECES,
            (
                ffi.from_buffer(_BYTES, self.kind), ffi.from_buffer(_NUMBERS, self.a),
                ffi.from_buffer(_NUMBERS, self.b), len(self.kind), ffi.from_buffer(_BYTES, self.data),
                ffi.from_buffer(_BYTES, literals), self.data.size, literals.size,
            ),
        )  # fmt: skip
        first = ffi.from_buffer(_NUMBERS, self.first)
        offsets = np.zeros(n + 1, np.int64)
        sizes, at = ffi.from_buffer(_NUMBERS, offsets) + 1, ffi.from_buffer(_NUMBERS, offsets)

        def measure(start: int, stop: int) -> None:
            _checked(lib.pc_write_sizes(native, first + start, stop - start, sizes + start))

        weight = _Weight(self.first)
        parallel.run(measure, n, threads, _COST, weight)
        np.cumsum(offsets, out=offsets)
        out = np.empty(int(offsets[-1]), np.uint8)
        to = ffi.from_buffer(_BYTES, out)

        def write(start: int, stop: int) -> None:
            _checked(lib.pc_write_records(native, first + start, stop - start, at + start, to, out.size))

        parallel.run(write, n, threads, _COST, weight)
        return trusted_column(out, offsets)


class _Weight:
    """What records cost by their pieces: some 16 ns each."""

    def __init__(self, first: NDArray[np.int64]) -> None:
        self.offsets = first * 16
        self.nbytes = int(self.offsets[-1] - self.offsets[0])


def _checked(code: int) -> None:
    """A negative result is a mistake of the caller in this package."""
    if code < 0:
        raise RuntimeError(f"pieces that do not fit their data (code {code})")
