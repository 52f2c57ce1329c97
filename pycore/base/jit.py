"""The one way to compile Numba kernels, and how to compile all of them ahead of time.

Field and hash arithmetic is in C; Numba has the walks, tallies and searches: irregular integer work, arrays
in and arrays out. A kernel is compiled on its first call and cached on disk between runs; it releases the GIL
and starts no threads, so any number of calls may run at the same time. Kernels stand in modules named
``*_jit``, which nothing imports at start-up, because Numba takes longer to import than all the rest.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pycore.base.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

_warmers: list[Callable[[], None]] = []
_said: list[str] = []


def kernel(function: Function) -> Function:
    """Compile on first call, without the GIL, cached on disk.

    A cache needs a folder that can be written: NUMBA_CACHE_DIR, the module's own, or the user's cache folder
    (XDG_CACHE_HOME, ~/.cache), in Numba's order; else one below the folder for temporary files that belongs to this
    user alone. Where there is none (a read-only container) kernels are compiled once per process instead, which is said
    once, in the log.
    """
    try:
        import numba
    except ImportError as error:
        raise ImportError(f"this call needs Numba: {install_command('jit')}", name="numba") from error
    try:
        return cast("Function", numba.njit(function, cache=True, nogil=True))
    except RuntimeError:
        pass
    folder = _own_folder()
    if folder is not None:
        config: Any = numba.config
        given, config.CACHE_DIR = config.CACHE_DIR, folder
        try:
            made = cast("Function", numba.njit(function, cache=True, nogil=True))
        except RuntimeError:
            pass
        else:
            _say_once(
                logging.INFO, "compiled kernels are kept in %s: no other folder for a cache can be written", folder
            )
            return made
        finally:
            config.CACHE_DIR = given
    _say_once(
        logging.WARNING,
        "no folder for a cache can be written: this process compiles its kernels itself, some 20 seconds in all. "
        "Name a writable folder in NUMBA_CACHE_DIR or XDG_CACHE_HOME%s",
        "",
    )
    return cast("Function", numba.njit(function, nogil=True))


def _own_folder() -> str | None:
    """A folder for temporary files that only this user can write; None where there is none. What Numba finds there it
    runs, so a folder that another user owns or may write to, or could put in place of this one, is not taken."""
    if not hasattr(os, "geteuid"):
        return None
    above = Path(tempfile.gettempdir())
    folder = above / f"pycore-cache-{os.geteuid()}"
    try:
        outer = above.stat()
        if outer.st_uid not in (0, os.geteuid()) or (outer.st_mode & 0o022 and not outer.st_mode & stat.S_ISVTX):
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return str(folder) if own else None


def _say_once(level: int, text: str, folder: str) -> None:
    if not _said:
        _said.append(text)
        logging.getLogger("pycore").log(level, text, folder)


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
