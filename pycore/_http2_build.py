"""The extension module ``pycore._http2``, where libnghttp2 is. Used by ``setup.py`` alone, never at run time.

It is optional: without it the service has one front end, grpcio's.
"""

# mypy: ignore-errors
# setuptools has no types, and its copy of distutils other ones than distutils.

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from setuptools import Extension

try:
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.errors import CompileError, LinkError
    from setuptools._distutils.sysconfig import customize_compiler
except ImportError:  # a setuptools that gave its private copy another name
    from distutils.ccompiler import new_compiler
    from distutils.errors import CompileError, LinkError
    from distutils.sysconfig import customize_compiler

_ROOT = Path(__file__).resolve().parents[1]
_SOURCES = [
    "pycore/_http2module.c",
    "pycore/_http2caller.c",
    *sorted(str(p.relative_to(_ROOT)) for p in _ROOT.glob("csrc/http2/*.c")),
]
_HEADERS = sorted(str(p.relative_to(_ROOT)) for p in _ROOT.glob("csrc/http2/*.h"))
_NEEDED = (
    "#include <nghttp2/nghttp2.h>\nint main(void) { nghttp2_option *o = 0; "
    "nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(o, 1); "
    "return NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES; }\n"
)
_RESET_LIMIT = (
    "#include <nghttp2/nghttp2.h>\nint main(void) { nghttp2_option *o = 0; "
    "nghttp2_option_set_stream_reset_rate_limit(o, 1, 1); return 0; }\n"
)


def http2_extension(flags: Sequence[str], limited_api: bool) -> Extension | None:
    """The extension; None, and a line on standard error, where libnghttp2 or its header is absent.

    Args:
        flags: of the compiler.
        limited_api: one module for all Pythons from 3.10.
    """
    compile_flags, link_flags = _pkg_config("--cflags"), _pkg_config("--libs") or ["-lnghttp2"]
    if not _links(_NEEDED, compile_flags, link_flags):
        print("pycore._http2: not built, libnghttp2 is absent (Debian: libnghttp2-dev)", file=sys.stderr)
        return None
    macros: list[tuple[str, str | None]] = [("Py_LIMITED_API", "0x030A0000")] if limited_api else []
    if _links(_RESET_LIMIT, compile_flags, link_flags):
        macros.append(("H2_RESET_LIMIT", None))
    return Extension(
        "pycore._http2",
        _SOURCES,
        include_dirs=["csrc/http2"],
        define_macros=macros,
        extra_compile_args=[*flags, *compile_flags],
        extra_link_args=link_flags,
        depends=_HEADERS,
        py_limited_api=limited_api,
    )


def _pkg_config(what: str) -> list[str]:
    """Flags as pkg-config has them; none where it is absent or does not know the library."""
    if shutil.which("pkg-config") is None:
        return []
    done = subprocess.run(["pkg-config", what, "libnghttp2"], capture_output=True, text=True, check=False)
    return shlex.split(done.stdout) if done.returncode == 0 else []


def _links(source: str, compile_flags: list[str], link_flags: list[str]) -> bool:
    """Whether a program can be made."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.c"
        path.write_text(source, encoding="utf-8")
        strict = ["-Werror=implicit-function-declaration"]
        try:
            objects = compiler.compile([str(path)], output_dir=folder, extra_postargs=[*compile_flags, *strict])
            compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=link_flags)
        except (CompileError, LinkError):
            return False
    return True
