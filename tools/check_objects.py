"""Looks into the compiled library: which symbols it exports, and which instructions each backend uses.

    python tools/check_objects.py build/c [pycore/_core.abi3.so]

* the static library defines no global symbol but ``pc_*``; each backend object exactly one, ``pc_backend_<name>``
* the dispatcher and the portable backend use no vector extension beyond the machine's baseline, and a backend none
  beyond its row of backends.def: code for a newer CPU cannot leak into what an older one runs
* the extension exports its init function and what ctypes calls (pycore/_core_build.py), and nothing else

Exits 1 and prints each finding. Needs nm and objdump (binutils); Linux only. ``CROSS=aarch64-linux-gnu-`` looks into
objects for another machine, with the tools of that prefix.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
YMM = re.compile(r"%ymm\d|\bvzeroupper\b|\bv[a-z0-9]+\s+.*%xmm\d")  # VEX-encoded instructions need AVX, on xmm too
ZMM = re.compile(r"%zmm\d|%k[0-7]\b|%[xyz]mm(?:1[6-9]|2\d|3[01])\b")
SPECIAL = {  # mnemonics that a row has to name in its flags
    "-msha": re.compile(r"\bsha(?:1|256)(?:rnds|msg|next)"),
    "-mbmi2": re.compile(r"\b(?:mulx|pdep|pext|rorx|sarx|shlx|shrx|bzhi)\b"),
    "-madx": re.compile(r"\bad[co]x\b"),
    "-maes": re.compile(r"\baes(?:enc|dec)"),
}
ARM_SPECIAL = {  # the same for aarch64, by what the row's -march names
    "+crypto": re.compile(r"\t(?:sha1|sha256|aes|pmull2?\t.*\.1q)"),
    "+sha3": re.compile(r"\t(?:sha512|eor3|bcax|rax1|xar)"),
    "+sm4": re.compile(r"\t(?:sm3|sm4)"),
    "armv8.2": re.compile(r"\t(?:cas|swp|ldadd|ldclr|ldeor|ldset|stadd|stclr|steor|stset|sqrdml[as]h)"),
}
CROSS = os.environ.get("CROSS", "")


def run(tool: str, *arguments: str) -> str:
    command = [CROSS + tool, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def backend_flags() -> dict[str, str]:
    text = (ROOT / "csrc/backend/backends.def").read_text(encoding="utf-8")
    return dict(re.findall(r'^PC_BACKEND\((\w+),\s*\w+,\s*"([^"]*)"', text, flags=re.MULTILINE))


def global_symbols(path: Path, *options: str) -> list[str]:
    lines = run("nm", "--defined-only", "-g", *options, str(path)).splitlines()
    return [line.split()[-1] for line in lines if len(line.split()) == 3]


def check_symbols(folder: Path) -> list[str]:
    found = [
        f"{folder / 'libpycore.a'}: exports {name}"
        for name in global_symbols(folder / "libpycore.a")
        if not name.startswith("pc_")
    ]
    for path in sorted(folder.glob("backend_*.o")):
        wanted = "pc_" + path.stem
        if (names := global_symbols(path)) != [wanted]:
            found.append(f"{path}: exports {names}, wanted only {wanted}")
    return found


def banned_instructions(row: str, machine: str) -> list[re.Pattern[str]]:
    """The instructions that an object compiled with these flags must not contain."""
    if machine == "aarch64":
        return [pattern for flag, pattern in ARM_SPECIAL.items() if flag not in row]
    banned = [pattern for flag, pattern in SPECIAL.items() if flag not in row]
    if "-mavx512" not in row:
        banned.append(ZMM)
    if "-mavx" not in row:
        banned.append(YMM)
    return banned


def check_instructions(folder: Path, machine: str) -> list[str]:
    found = []
    flags = backend_flags()
    for path in sorted(folder.glob("*.o")):
        row = flags.get(path.stem.removeprefix("backend_"), "") if path.stem.startswith("backend_") else ""
        banned = banned_instructions(row, machine)
        for line in run("objdump", "-d", "--no-show-raw-insn", str(path)).splitlines():
            if any(pattern.search(line) for pattern in banned):
                found.append(f"{path}: instruction beyond its row: {line.strip()}")
                break
    return found


def check_extension(path: Path) -> list[str]:
    names = [
        name
        for name in global_symbols(path, "-D")
        if not name.startswith(("PyInit_", "_cffi_pypyinit_", "pycore_list_rows"))
    ]
    return [f"{path}: exports {name}" for name in names]


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    if not (folder / "libpycore.a").exists():
        print(f"{folder}/libpycore.a is missing: make -C csrc", file=sys.stderr)
        return 2
    found = check_symbols(folder)
    about = run("objdump", "-f", str(folder / "backend_portable.o"))
    for machine in ("x86-64", "aarch64"):
        if machine in about:
            found += check_instructions(folder, machine)
    for extension in arguments[1:]:
        found += check_extension(Path(extension))
    print("\n".join(found or [f"{len(list(folder.glob('*.o')))} objects: symbols and instructions as they should be"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
