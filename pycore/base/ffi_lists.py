"""Lists of bytes as one buffer, in one call that keeps the GIL.

The function is in the extension ``pycore._core`` (its text is in ``pycore/_core_build.py``) and takes Python objects,
so it is called by ctypes: cffi would let the GIL go, and another thread might keep it for milliseconds.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from pycore.base.ffi import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 8
"""Items from which the call is quicker than a few steps of Python."""


def _load() -> Callable[[list[Any]], tuple[bytes, bytes] | None]:
    function = ctypes.PyDLL(EXTENSION).pycore_list_rows
    function.argtypes = [ctypes.py_object]
    function.restype = ctypes.py_object
    return function


list_rows = _load()
"""``list_rows(items)``: the bytes of all items, and where each begins and the last ends as int64 in bytes; None where
an item is not of the type ``bytes`` itself."""
