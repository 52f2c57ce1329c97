"""Builds the cffi module ``pycore._core`` (API mode, limited API). Used by ``setup.py`` alone, never at run time.

``csrc/pycore.h`` is the only declaration of the C interface: the compiler includes it and cffi reads the same text
without its preprocessor lines.
"""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

# setuptools runs this file with exec(), with __file__ set to the path given in setup.py
CSRC = Path(__file__).resolve().parent.parent / "csrc"


def cdef_text(header: str) -> str:
    """The header without what is for C++ and without preprocessor lines: what cffi may read."""
    header = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", header, flags=re.MULTILINE | re.DOTALL)
    return "".join(line for line in header.splitlines(keepends=True) if not line.startswith("#"))


ffi = FFI()
ffi.cdef(cdef_text((CSRC / "pycore.h").read_text(encoding="utf-8")))
ffi.set_source(
    "pycore._core",
    '#include "pycore.h"\n',
    include_dirs=["csrc"],
    py_limited_api=True,
    # the libraries are relinked whenever anything below csrc changes
    depends=[str(p.relative_to(CSRC.parent)) for p in sorted(CSRC.rglob("*")) if p.suffix in {".h", ".c", ".def"}],
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
