"""The walk over transfers, compiled."""

from __future__ import annotations

import numpy as np

from pycore.base.jit import kernel, warms
from pycore.collectibles import walk as plain

walk = kernel(plain.walk)


@warms
def _warm_up() -> None:
    """A walk over one row."""
    no, one, number = np.zeros(0, np.bool_), np.zeros(1, np.int32), np.zeros(1, np.int64)
    rows = plain.Rows(np.zeros(1, np.uint8), one, one - 1, one, number - 1, one - 1, number, number)
    found = plain.Found(np.zeros(1, np.uint16), one.copy(), number.copy(), number.copy(), one.copy())
    walk(rows, 1, 1, plain.Asked(no, 0, 0, 0, 0, 0, -1, no, no), found)
