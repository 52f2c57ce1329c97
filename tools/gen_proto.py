"""Generates pycore/_pb from proto/, or checks that the committed code is fresh.

    python tools/gen_proto.py            write pycore/_pb
    python tools/gen_proto.py --check    exit 1 and name the files that differ

The compiler is grpc_tools' own, so the result depends only on the pinned grpcio-tools. `package pycore.x.v1` lands in
`pycore._pb.x.v1`: the tree `proto/pycore/x/v1` is kept, the first part of its module path is replaced.

Compilers since 27.0 put a check into each module that refuses every protobuf runtime older than the compiler. It would
keep pycore out of environments where another package holds protobuf back. The check is left out; what remains is, byte
for byte, what the compiler of protobuf WRITTEN_AS writes, which runs with every newer one. tools/protobuf_range.py
compares with that compiler, and runs the tests of messages at both ends of the range that pyproject.toml gives.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
TARGET = ROOT / "pycore" / "_pb"
PACKAGE_INIT = '"""Generated from proto/ by tools/gen_proto.py. Do not edit."""\n'
IMPORT = re.compile(r"^(from|import) pycore\.", re.MULTILINE)

WRITTEN_AS = "5.26.1"
NEWER = (  # what newer compilers add
    re.compile(r"^# NO CHECKED-IN PROTOBUF GENCODE\n", re.MULTILINE),
    re.compile(r"^from google\.protobuf import runtime_version as _runtime_version\n", re.MULTILINE),
    re.compile(r"^_runtime_version\.ValidateProtobufRuntimeVersion\(\n(?:    .*\n)+\)\n", re.MULTILINE),
)
VERSION = re.compile(r"^(# Protobuf Python Version:) [0-9.]+$", re.MULTILINE)


def compile_protos(out: Path) -> None:
    """Runs protoc over every .proto file below PROTO, into `out`."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    well_known = str(files("grpc_tools") / "_proto")
    arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}", *sources]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed")


def without_check(text: str) -> str:
    """A generated module without the check of the runtime's version; SystemExit where that is written otherwise."""
    if "_runtime_version" in text:
        for piece in NEWER:
            text, count = piece.subn("", text)
            if count != 1:
                raise SystemExit(
                    f"protoc writes its check of the runtime's version otherwise: {count} of {piece.pattern}"
                )
    return VERSION.sub(rf"\1 {WRITTEN_AS}", text)


def relocated(text: str) -> str:
    """A generated module whose imports are from pycore._pb."""
    return IMPORT.sub(r"\1 pycore._pb.", text)


def generate() -> dict[Path, str]:
    """The wanted content of pycore/_pb: text by path relative to it."""
    wanted: dict[Path, str] = {Path("__init__.py"): PACKAGE_INIT}
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        compile_protos(out)
        for path in sorted((out / "pycore").rglob("*.py*")):
            relative = path.relative_to(out / "pycore")
            wanted[relative] = relocated(without_check(path.read_text(encoding="utf-8")))
            for parent in relative.parents:
                wanted[parent / "__init__.py"] = PACKAGE_INIT
    return wanted


def present() -> dict[Path, str]:
    """The committed content of pycore/_pb."""
    found = (path for path in TARGET.rglob("*") if path.suffix in {".py", ".pyi"})
    return {path.relative_to(TARGET): path.read_text(encoding="utf-8") for path in found}


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate pycore/_pb from proto/.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the committed code is stale")
    arguments = parser.parse_args()
    wanted, found = generate(), present()
    stale = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    if arguments.check:
        for path in stale:
            print(f"stale: pycore/_pb/{path}; run python tools/gen_proto.py")
        return 1 if stale else 0
    for path in stale:
        target = TARGET / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path], encoding="utf-8")
        else:
            target.unlink()
    print(f"pycore/_pb: {len(wanted)} files, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
