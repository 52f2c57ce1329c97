"""Build of the C core: one static library per instruction set, all linked into the extension ``pycore._core``.

Everything declarative is in pyproject.toml. The rest is here: which backends this compiler can build. Each
row of csrc/backend/backends.def is tried with a real compile; a row that fails is left out and the library says so at
run time (pc_backend_at), the build goes on.
"""

from __future__ import annotations

import os
import platform
import re
import runpy
import shlex
import shutil
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

try:
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.errors import CompileError
    from setuptools._distutils.sysconfig import customize_compiler
except ImportError:  # a setuptools that gave its private copy another name
    from distutils.ccompiler import new_compiler
    from distutils.errors import CompileError
    from distutils.sysconfig import customize_compiler

ROOT = Path(__file__).resolve().parent
CSRC = Path("csrc")
# -g0 undoes the -g that many Pythons were built with (four times the size); PYCORE_CFLAGS="-g -O1" comes last and wins
COMMON_FLAGS = ["-std=gnu11", "-O3", "-g0", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wshadow"]
EXTRA_FLAGS = os.environ.get("PYCORE_CFLAGS", "").split()
HEADERS = sorted(str(p.relative_to(ROOT)) for p in (ROOT / CSRC).rglob("*") if p.suffix in {".h", ".def"})
VERSION = re.search(r'__version__ = "([^"]+)"', (ROOT / "pycore/_version.py").read_text(encoding="utf-8")).group(1)
MACHINE = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
PROBE = {
    "x86_64": "#include <immintrin.h>\nint probe(void) { return 0; }\n",
    "aarch64": "#include <arm_neon.h>\nint probe(void) { return 0; }\n",
    "any": "#include <stdint.h>\nint probe(void) { return 0; }\n",
}


def require_compiler() -> None:
    """End with one plain sentence where there is no C compiler, instead of a page of failed probes."""
    compiler = new_compiler()
    customize_compiler(compiler)
    name = shlex.split(os.environ.get("CC", "") or " ".join(getattr(compiler, "compiler", None) or ["cc"]))[0]
    if shutil.which(name) is None:
        sys.exit(
            f"pycore needs a C compiler to build its core, and {name!r} was not found. Install one (Debian, Ubuntu: "
            "apt install gcc; Fedora: dnf install gcc; macOS: xcode-select --install), or name another with CC=..."
        )


def backend_rows() -> list[tuple[str, str, list[str]]]:
    """Rows (name, machine, flags) of backends.def.

    PYCORE_CFLAGS=-DPC_EMULATE_AVX512 (tests) compiles the rows for AVX-512 for any CPU, emulated and slow, and next
    to them the portable one alone.
    """
    text = (ROOT / CSRC / "backend/backends.def").read_text(encoding="utf-8")
    rows = re.findall(r'^PC_BACKEND\((\w+),\s*(\w+),\s*"([^"]*)"', text, flags=re.MULTILINE)
    if "-DPC_EMULATE_AVX512" in EXTRA_FLAGS:
        slow = "-Wno-psabi -Wno-maybe-uninitialized -fno-inline"  # to inline costs minutes here and gains little
        rows = [(n, "any", slow if flags else "") for n, m, flags in rows if "avx512" in flags or m == "any"]
    return [(name, machine, flags.split()) for name, machine, flags in rows]


def compiles(flags: list[str], source: str) -> bool:
    """Whether the compiler takes these flags."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.c"
        path.write_text(source, encoding="utf-8")
        try:
            compiler.compile([str(path)], output_dir=folder, extra_postargs=[*flags, "-Werror"])
        except CompileError:
            return False
    return True


def libraries() -> list[tuple[str, dict[str, Any]]]:
    """What build_clib builds: the dispatcher, then one library per backend that compiles here."""
    backends = []
    for name, machine, flags in backend_rows():
        if machine not in (MACHINE, "any"):
            continue
        if not flags or compiles(flags, PROBE[machine]):
            backends.append((name, flags))
        else:
            print(f"backend {name}: not built for {MACHINE} with this compiler", file=sys.stderr)

    def library(sources: list[str], flags: list[str], macros: list[tuple[str, str | None]]) -> dict[str, Any]:
        return {
            "sources": sources,
            "include_dirs": [str(CSRC)],
            "cflags": [*COMMON_FLAGS, *flags, *EXTRA_FLAGS],
            "macros": macros,
            "obj_deps": {"": HEADERS},
        }

    shared = " ".join([*COMMON_FLAGS[1:3], *os.environ.get("PYCORE_CFLAGS", "").split()])  # what bears on speed
    macros: list[tuple[str, str | None]] = [("PC_VERSION", f'"{VERSION}"'), ("PC_CFLAGS", f'"{shared}"')]
    macros += [(f"PC_HAVE_{name}", "1") for name, _ in backends]
    rooms = ("core", "trees", "wire")
    core = sorted(str(p.relative_to(ROOT)) for room in rooms for p in (ROOT / CSRC / room).glob("*.c"))
    rows = [("pc_core", library(core, [], macros))]
    rows += [(f"pc_{name}", library([f"csrc/backend/backend_{name}.c"], flags, [])) for name, flags in backends]
    return rows


class BuildClib(build_clib):
    """As many libraries at a time as there are processors: a backend is one file, and takes the compiler a minute.

    Says on standard error which ones are done, since all of them take a minute or two.
    """

    def build_libraries(self, libraries: list[tuple[str, dict[str, Any]]]) -> None:
        """Each library by itself."""
        begin, done = time.monotonic(), 0

        def build(library: tuple[str, dict[str, Any]]) -> None:
            nonlocal done
            # an archive keeps members whose sources are gone
            Path(self.build_clib, f"lib{library[0]}.a").unlink(missing_ok=True)
            super(BuildClib, self).build_libraries([library])
            done += 1
            name = library[0].removeprefix("pc_")
            print(f"C core: {name} ({done} of {len(libraries)}, {time.monotonic() - begin:.0f} s)", file=sys.stderr)

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(build, reversed(libraries)))  # the portable backend takes longest


class BuildPy(build_py):
    """Puts the .proto files into the wheel, as pycore/proto, so that clients in other languages find them."""

    def run(self) -> None:
        """The package, then the API's definition below it."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                ROOT / "proto" / "pycore", Path(self.build_lib) / "pycore" / "proto" / "pycore", dirs_exist_ok=True
            )


class BuildExt(build_ext):
    """``build_ext`` alone (in-place builds) has to build the static libraries first, as ``build`` does."""

    def run(self) -> None:
        """Libraries first, then the extension that links them."""
        if self.distribution.has_c_libraries():
            self.run_command("build_clib")
        super().run()


def extensions() -> list[Any]:
    """pycore._http2, where its library is."""
    scope = runpy.run_path(str(ROOT / "pycore" / "_http2_build.py"))
    found = scope["http2_extension"]([*COMMON_FLAGS, *EXTRA_FLAGS], not FREE_THREADED)
    return [] if found is None else [found]


FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # no limited API there

# PYCORE_PREBUILT=1 (the Makefile): the extension lies in place already, built by build_ext --inplace.
PREBUILT = os.environ.get("PYCORE_PREBUILT", "") not in ("", "0")
if not PREBUILT and not {"sdist", "egg_info", "clean"} & set(sys.argv[1:]):
    require_compiler()

setup(
    libraries=[] if PREBUILT else libraries(),
    ext_modules=[] if PREBUILT or {"sdist", "egg_info", "clean"} & set(sys.argv[1:]) else extensions(),
    cffi_modules=[] if PREBUILT else ["pycore/_core_build.py:ffi"],
    cmdclass={"build_clib": BuildClib, "build_ext": BuildExt, "build_py": BuildPy},
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp310"}},
)
