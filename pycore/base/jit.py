"""The one way in which kernels are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile on first call, without the GIL, cached on disk.

    A cache needs a folder that can be written: the module's own, or the user's cache folder. Where there is neither
    (a read-only container without a home) the kernel is compiled once per process instead.
    """
    try:
        return cast("Function", numba.njit(function, cache=True, nogil=True))
    except RuntimeError:
        return cast("Function", numba.njit(function, nogil=True))
