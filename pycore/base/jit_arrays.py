"""Checks of kernel arguments: InputError naming the field, before compiled code without bounds checks is entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import describe, to_array
from pycore.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def vector(value: object, field: str, kinds: str, wanted: str) -> NDArray[Any]:
    """A 1-D array whose dtype kind is one of `kinds`; an empty list is one too."""
    array = to_array(value, field, wanted)
    if array.ndim == 1 and array.size == 0 and not isinstance(value, np.ndarray):
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in kinds:
        raise ShapeError(field, describe(array), wanted)
    return array


def positions(value: object, field: str) -> NDArray[np.int64]:
    """int64 (n,); values that only uint64 can hold become -1, a position that nothing has."""
    array = vector(value, field, "iu", "integers of shape (n,)")
    if array.dtype == np.uint64:
        array = np.where(array > np.uint64(np.iinfo(np.int64).max), np.uint64(np.iinfo(np.uint64).max), array)
    return np.ascontiguousarray(array, dtype=np.int64)
