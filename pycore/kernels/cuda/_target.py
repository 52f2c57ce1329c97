"""The one place that knows which package compiles for CUDA.

``numba.cuda`` is what the package numba-cuda puts there, or Numba's own older target, which is deprecated and good
enough for the simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba.cuda

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["cuda", "device", "kernel"]

cuda: Any = numba.cuda


def device(function: Function) -> Function:
    """Code that kernels call on the device."""
    return cast("Function", cuda.jit(device=True)(function))


def kernel(function: Callable[..., Any]) -> Any:
    """Code that the host launches: one thread per message."""
    return cuda.jit(function)
