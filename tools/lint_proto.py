"""Lints proto/ with buf (rules in proto/buf.yaml), checks its formatting, and checks that pycore/_pb is fresh.

    python tools/lint_proto.py              lint, format check, freshness
    python tools/lint_proto.py --fix        format in place and regenerate
    python tools/lint_proto.py --against DIR    also refuse changes that break the contract in DIR (an older proto/)

buf comes from PyPI (`pip install buf-bin`, in the dev extra).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"


def buf_path() -> str:
    """The buf program of this environment, else of the PATH."""
    beside = Path(sys.executable).parent / "buf"
    found = str(beside) if beside.exists() else shutil.which("buf")
    if found is None:
        raise SystemExit("buf not found: pip install buf-bin")
    return found


def run(*command: str) -> bool:
    print("+", " ".join((Path(command[0]).name, *command[1:])), flush=True)
    return subprocess.run(command, cwd=PROTO, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Lint proto/ and check the generated code.")
    parser.add_argument("--fix", action="store_true", help="format in place and regenerate")
    parser.add_argument("--against", metavar="DIR", help="an older proto/ that must still be understood")
    arguments = parser.parse_args()
    buf = buf_path()
    generate = [sys.executable, str(ROOT / "tools" / "gen_proto.py")]
    good = run(buf, "lint")
    if arguments.fix:
        good &= run(buf, "format", "-w") and run(*generate)
    else:
        good &= run(buf, "format", "-d", "--exit-code") and run(*generate, "--check")
    if arguments.against:
        good &= run(buf, "breaking", "--against", str(Path(arguments.against).resolve()))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
