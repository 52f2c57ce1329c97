"""The messages of signatures and hashes: pieces of a block one after another, which are joined a few rows at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import Column, trusted_column
from pycore.hashing.batch import hash_batch
from pycore.ledgers.scan import Spans, running


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Rows that are the pieces of several spans one after another, put together when they are needed."""

    data: NDArray[np.uint8]
    cells: NDArray[np.int64]  # (n * parts, 2)
    parts: int

    @classmethod
    def of(cls, data: NDArray[np.uint8], *spans: Spans) -> Joined:
        """Row i is spans[0][i] || spans[1][i] || ..."""
        cells = np.empty((len(spans[0]), len(spans), 2), np.int64)
        for place, one in enumerate(spans):
            cells[:, place, 0], cells[:, place, 1] = one.start, one.end
        return cls(data, cells.reshape(-1, 2), len(spans))

    def slice(self, start: int, stop: int) -> Column:
        """Rows start up to stop in a new column."""
        column = Spans(self.data, self.cells[start * self.parts : stop * self.parts]).gather()
        assert column.offsets is not None
        return trusted_column(column.data, np.ascontiguousarray(column.offsets[:: self.parts]))

    def all(self) -> Column:
        """Every row."""
        return self.slice(0, len(self.cells) // self.parts)

    def offsets(self) -> NDArray[np.int64]:
        """int64 (n + 1,): bytes before each row, and of all."""
        return running(self.cells[:, 1] - self.cells[:, 0])[:: self.parts]


@dataclass(frozen=True, slots=True, eq=False)
class Hashed:
    """Rows that are the hashes of other rows."""

    rows: Joined
    name: str

    def slice(self, start: int, stop: int) -> Column:
        """Rows start up to stop."""
        return trusted_column(hash_batch(self.name, self.rows.slice(start, stop), threads=1), None)

    def offsets(self) -> NDArray[np.int64]:
        """int64 (n + 1,): bytes that are hashed before each row, and of all."""
        return self.rows.offsets()
