"""Checks of kernel arguments: InputError naming the field, before compiled code without bounds checks is entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import describe, to_array
from pycore.errors import InputError, LengthError, ShapeError

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


def flags(value: object, field: str) -> NDArray[np.bool_]:
    """bool (n,); uint8 is taken as zero or not."""
    array = vector(value, field, "bu", "bool or uint8 array of shape (n,)")
    if array.dtype.kind == "u" and array.dtype != np.uint8:
        raise ShapeError(field, describe(array), "bool or uint8 array of shape (n,)")
    return np.ascontiguousarray(array, dtype=np.bool_)


def positions(value: object, field: str) -> NDArray[np.int64]:
    """int64 (n,); values that only uint64 can hold become -1, a position that nothing has."""
    array = vector(value, field, "iu", "integers of shape (n,)")
    if array.dtype == np.uint64:
        array = np.where(array > np.uint64(np.iinfo(np.int64).max), np.uint64(np.iinfo(np.uint64).max), array)
    return np.ascontiguousarray(array, dtype=np.int64)


def weights(value: object, field: str = "weights") -> NDArray[np.uint64]:
    """uint64 (n,) from integers that are not negative."""
    array = vector(value, field, "iu", "integers from 0 to 2**64 - 1 of shape (n,)")
    if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
        at = int((array < 0).argmax())
        raise InputError(f"{field}[{at}]", str(int(array[at])), "0 or more")
    return np.ascontiguousarray(array, dtype=np.uint64)


def same_length(field: str, array: NDArray[Any], n: int, reference: str) -> None:
    """LengthError unless the array has n items, as `reference` has."""
    if len(array) != n:
        raise LengthError(field, f"{len(array)} items", f"{n}, as many as {reference}")


def rows(value: object, field: str) -> NDArray[np.uint64]:
    """A uint8 (n, width) array as C-contiguous uint64 (n, words), padded with zeros: made to be compared."""
    array = to_array(value, field, "uint8 array of shape (n, width)")
    if array.ndim != 2 or array.dtype != np.uint8:
        raise ShapeError(field, describe(array), "uint8 array of shape (n, width)")
    width = array.shape[1]
    words = max(-(-width // 8), 1)
    if width == 8 * words:
        return np.ascontiguousarray(array).view(np.uint64)
    padded = np.zeros((len(array), 8 * words), dtype=np.uint8)
    padded[:, :width] = array
    return padded.view(np.uint64)
