"""The one way to compile Numba kernels, and how to compile all of them ahead of time.

Field and hash arithmetic is in C; Numba has the walks, tallies and searches: irregular integer work, arrays
in and arrays out. A kernel is compiled on its first call and cached on disk between runs; it releases the GIL
and starts no threads, so any number of calls may run at the same time. Kernels stand in modules named
``*_jit``, which nothing imports at start-up, because Numba takes longer to import than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from pycore.base.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Function = TypeVar("Function", bound=Callable[..., Any])

_warmers: list[Callable[[], None]] = []


def kernel(function: Function) -> Function:
    """Compile on first call, without the GIL, cached on disk.

    A cache needs a folder that can be written: the module's own, or the user's cache folder. Where there is neither
    (a read-only container without a home) the kernel is compiled once per process instead.
    """
    try:
        import numba
    except ImportError as error:
        raise ImportError(f"this call needs Numba: {install_command('jit')}", name="numba") from error
    try:
        return cast("Function", numba.njit(function, cache=True, nogil=True))
    except RuntimeError:
        return cast("Function", numba.njit(function, nogil=True))


def warms(function: Callable[[], None]) -> Callable[[], None]:
    """Decorates what :func:`warm_up` is to run: a small call of every kernel that the module's functions use."""
    _warmers.append(function)
    return function


def warm_up() -> None:
    """Compile every kernel of the modules imported so far, or load it from the cache, so that no later call waits.

    Takes a few seconds the first time on a machine, and some tenths of a second from the cache; call it on a thread
    where something else must go on meanwhile.

    >>> warm_up()
    """
    for warm in _warmers:
        warm()
