"""Holds the hot loops of the wide backends to a budget of vector operations.

    python tools/uops.py build/temp.*            compare the archives of setup.py with tools/uops.json
    python tools/uops.py build/temp.* --write    take what is there as the budget of this compiler

On the chips that these backends are made for, the ports for vector operations bind: what counts is how many operations
a point doubling or a compression has, and that can be read off the objects on any machine, also one that cannot run
them. Counted are the instructions of a function on the vector registers of its backend, whichever path runs them,
except moves, which take other ports or none; a loop's body counts once, and what is called counts by itself. A kernel
may exceed its budget by SLACK, since a compiler's release moves a few instructions; an edit that costs more has to say
so by changing the budget.

Compilers differ: a budget belongs to a compiler and its major version, read from the objects, with the flags of
setup.py. Others are not held to it. Exits 1 and prints each kernel above its budget, or that is gone. Needs objdump and
readelf; x86-64 only.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

BUDGET = Path(__file__).resolve().parent / "uops.json"
SLACK = 0.03
REGISTERS = {"avx512ifma": "%zmm", "avx2": "%ymm"}
KERNELS = (
    "fe25519_mul", "fe25519_sqr", "fe_k256_mul", "fe_k256_sqr",
    "fe_p256_mul", "fe_p256_sqr", "fe_sm2_mul", "fe_sm2_sqr",
    "k256_dbl", "k256_madd", "k256_known_add_all", "p256_dbl", "p256_madd", "p256_known_add_all",
    "sm2c_dbl", "sm2c_madd", "sm2c_known_add_all",
    "k256_dbl_side", "k256_madd_side", "p256_dbl_side", "p256_madd_side", "sm2c_dbl_side", "sm2c_madd_side",
    "ed25519_bucket_add", "ed25519_known_sum", "ed25519_double_base", "ed25519_decompress",
    "sha256_blocks_one", "sha256_rows_64_one", "sha256_rows_1_64_one", "sha256_rows_32_one",
    "sha512_blocks_one", "sm3_blocks_one", "ripemd160_blocks_one",
    "sha256_blocks_all", "sm3_blocks_all", "keccak_blocks", "blake2b_blocks", "blake3_blocks", "blake3_direct",
)  # fmt: skip
_FUNCTION = re.compile(r"^[0-9a-f]+ <([^>.]+)[^>]*>:$")
_INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+(\S+)\s+(.*)$")


def run(*command: str) -> str:
    """The output of a tool."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compiler_of(path: Path) -> str:
    """The compiler that the object names, as in "gcc 12" or "clang 14"."""
    text = run("readelf", "-p", ".comment", str(path))
    for name, pattern in (("clang", r"clang version (\d+)"), ("gcc", r"GCC:.* (\d+)\.\d+\.\d+")):
        if found := re.search(pattern, text):
            return f"{name} {found.group(1)}"
    return "another compiler"


def counts(path: Path, register: str) -> dict[str, int]:
    """Vector operations of each kernel that is a separate function; of several clones of one, the longest."""
    found: dict[str, int] = {}
    name, count = "", 0
    for line in [*run("objdump", "-d", "--no-show-raw-insn", str(path)).splitlines(), "0 <>:"]:
        if line.endswith(">:"):
            if name in KERNELS:
                found[name] = max(found.get(name, 0), count)
            function = _FUNCTION.match(line)
            name, count = function.group(1) if function else "", 0
        elif name in KERNELS and register in line:
            instruction = _INSTRUCTION.match(line)
            count += bool(instruction and not instruction.group(1).startswith("vmov"))
    return {kernel: value for kernel, value in found.items() if value}


def compare(backend: str, here: dict[str, int], budget: dict[str, int]) -> list[str]:
    """Kernels above their budget, and those that are gone."""
    found = [f"{backend}: {name} is no function any more" for name in budget if name not in here]
    return found + [
        f"{backend}: {name} has {here[name]} vector operations, {budget[name]} are its budget"
        for name in budget
        if here.get(name, 0) > budget[name] * (1 + SLACK)
    ]


def main() -> int:
    """Compares, or writes the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    budgets = json.loads(BUDGET.read_text(encoding="utf-8")) if BUDGET.exists() else {}
    problems, held = [], 0
    for backend, register in REGISTERS.items():
        path = given.folder / f"libpc_{backend}.a"
        if not path.exists():
            continue
        compiler, here = compiler_of(path), counts(path, register)
        if given.write:
            budgets.setdefault(compiler, {})[backend] = dict(sorted(here.items()))
        budget = budgets.get(compiler, {}).get(backend)
        if budget is None:
            print(f"{backend}: no budget for {compiler}, so none is held")
            continue
        held += len(budget)
        problems += compare(backend, here, budget)
    if given.write:
        BUDGET.write_text(json.dumps(budgets, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join(problems or [f"{held} kernels within their budgets of vector operations"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
