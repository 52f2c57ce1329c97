"""Whether a loop of hashes runs in compiled code or in Python.

Compiled loops (``pycore.merkle.loops_jit``) need Numba, which takes up to a second to load: longer than many
thousands of hashes take from Python. So short loops begin in Python, and once a process has had ``PATIENCE`` hashes of
them, or has loaded the compiled loops for another reason, all run compiled. Both give the same results.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

PATIENCE = 1 << 17
"""Hashes that a process does in Python loops, some tenths of a second of them, before it loads the compiled ones."""

_lock = threading.Lock()
_spent = 0
_module: ModuleType | None = None


def compiled(hashes: int) -> ModuleType | None:
    """``pycore.merkle.loops_jit``, or None: this loop, of about so many hashes, is to run in Python."""
    global _spent
    if _module is not None:
        return _module
    with _lock:
        _spent += hashes
        if _spent <= PATIENCE:
            return None
    return load()


def load() -> ModuleType:
    """``pycore.merkle.loops_jit``, for this loop and all later ones."""
    global _module
    from pycore.merkle import loops_jit

    _module = loops_jit
    return loops_jit
