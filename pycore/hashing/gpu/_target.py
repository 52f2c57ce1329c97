"""The one place that knows which package compiles for CUDA.

``numba.cuda`` comes from the package numba-cuda; else it is Numba's own older target, which is deprecated but
good enough for the simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba.cuda

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["cuda", "device", "device_name", "kernel"]

cuda: Any = numba.cuda


def device(function: Function) -> Function:
    """Code that kernels call on the device."""
    return cast("Function", cuda.jit(device=True)(function))


def kernel(function: Callable[..., Any]) -> Any:
    """Code that the host launches: one thread per message."""
    return cuda.jit(function)


def device_name() -> str:
    """Name and compute capability of the current GPU: a measurement holds for these; "" when there is none."""
    try:
        current = cuda.get_current_device()
        name = current.name.decode() if isinstance(current.name, bytes) else str(current.name)
        return f"{name} sm_{current.compute_capability[0]}{current.compute_capability[1]}"
    except Exception:  # whatever a broken driver raises
        return ""
