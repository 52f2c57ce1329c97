"""Runs the tests of messages with the oldest and the newest protobuf that pycore takes, each in a separate environment.

    python tools/protobuf_range.py                       both ends, all tests of messages: ten minutes or so
    python tools/protobuf_range.py --quick               both ends, a part of the tests
    python tools/protobuf_range.py --here                that part here, under the oldest protobuf: CI's piece
    python tools/protobuf_range.py --with PACKAGE ...    pycore next to these packages, and a call of a service

The oldest is what pyproject.toml gives as lower bounds, of protobuf and of the gRPC packages. The first two show as
well that pycore/_pb is what the compiler of protobuf 26.1 writes. Environments are made below build/protobuf-range; a
package index and the C core in place (make) are needed. CI's own environment has the newest protobuf. Run the rest
after a change of proto/, of dependencies, or of tools/gen_proto.py.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

import gen_proto

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "protobuf-range"
MADE_WITH_IT = ("grpcio-health-checking", "grpcio-reflection", "grpcio-status", "googleapis-common-protos")
OLD_COMPILER = ("grpcio-tools==1.63.2", "protobuf==5.26.1", "setuptools<81")  # of protobuf 26.1
TEST_TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist", "hypothesis", "cryptography")
QUICK = (
    *("tests/service/test_wire.py", "tests/service/test_views.py", "tests/service/test_rpcs.py"),
    *("tests/service/test_errors.py", "tests/service/test_discovery.py", "tests/ledgers/test_scan.py"),
    *("tests/ledgers/test_bif_rpc.py", "tests/ics23/test_rules_ics23.py", "tests/bundle/test_bundle_forms.py"),
)
MESSAGES = ("tests/service", "tests/ledgers", "tests/ics23", "tests/bundle", "tests/identities", "tests/fuzz")
CALL = """
import importlib, sys
import google.protobuf, grpc
import pycore.ledgers
from pycore.client import ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import background
from pycore.testing import generate_signatures

for name in sys.argv[1:]:
    importlib.import_module(name)
for name in ("chainmaker", "fabric", "cometbft", "xuperchain", "bif"):
    pycore.ledgers.get(name)
columns = generate_signatures("sm2", 8)
with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
    with ValidationClient(server.target) as client:
        client.wait_until_ready(60)
        verdicts = client.verify_batch("sm2", *columns)
assert verdicts.all_valid, verdicts
print(f"protobuf {google.protobuf.__version__}, grpcio {grpc.__version__}: {sys.argv[1:]} imported, "
      f"{len(verdicts)} signatures verified by a service")
"""
IMPORTS = {  # of packages whose modules are not called as they are
    "cosmpy": ("cosmpy.aerial.client", "cosmpy.protos.cosmos.tx.v1beta1.tx_pb2"),
    "hyperledger-fabric-protos": ("fabric_protos.common.common_pb2", "fabric_protos.peer.transaction_pb2"),
}


def lower_bound(package: str) -> str:
    """The package, pinned to the oldest version that pyproject.toml takes."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = sorted(re.findall(rf'"{re.escape(package)}>=([0-9.]+)"', text))
    if len(found) != 1:
        raise SystemExit(f"pyproject.toml has {len(found)} lower bounds for {package}")
    return f"{package}=={found[0]}"


def run(command: Sequence[object], **environment: str) -> None:
    """A command, from the root of the checkout; SystemExit where it fails."""
    words = [str(part) for part in command]
    print("+", *(word if len(word) < 200 else "..." for word in words), flush=True)
    if subprocess.run(words, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode:
        raise SystemExit(f"failed: {words[0]}")


def environment(name: str, packages: Sequence[str]) -> Path:
    """The interpreter of a fresh environment with pycore, its extras but for Arrow, and these packages."""
    venv.EnvBuilder(clear=True, with_pip=True).create(BUILD / name)
    python = BUILD / name / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run([*pip, "setuptools>=77", "cffi>=1.17"])
    extras = ("--no-build-isolation", "-e", ".[ledgers,service,cli]")
    run([*pip, *extras, *TEST_TOOLS, *packages], PYCORE_PREBUILT="1")
    return python


def here() -> None:
    """The quick part in this environment, with the oldest packages before it on the path."""
    folder = BUILD / "here"
    shutil.rmtree(folder, ignore_errors=True)
    packages = [lower_bound(name) for name in ("protobuf", *MADE_WITH_IT)]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "--target", folder, *packages])
    path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run([sys.executable, "-c", CALL], PYTHONPATH=path)
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *QUICK], PYTHONPATH=path)


def compare_with_old_compiler() -> None:
    """SystemExit where pycore/_pb is not what protobuf 26.1 writes."""
    folder = BUILD / "compiler"
    venv.EnvBuilder(clear=True, with_pip=True).create(folder)
    run([folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *OLD_COMPILER])
    sources = sorted(str(path.relative_to(gen_proto.PROTO)) for path in gen_proto.PROTO.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as name:
        command = [folder / "bin" / "python", "-m", "grpc_tools.protoc", f"-I{gen_proto.PROTO}", f"--python_out={name}"]
        run([*command, *sources])
        for path in sorted(Path(name, "pycore").rglob("*_pb2.py")):
            committed = gen_proto.TARGET / path.relative_to(Path(name, "pycore"))
            if gen_proto.relocated(path.read_text(encoding="utf-8")) != committed.read_text(encoding="utf-8"):
                raise SystemExit(f"the compiler of protobuf 26.1 writes another {committed.relative_to(ROOT)}")
    print(f"pycore/_pb: {len(sources)} modules, as the compiler of protobuf 26.1 writes them")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--with", dest="others", nargs="+", metavar="PACKAGE")
    arguments = parser.parse_args()
    if arguments.here:
        here()
        return 0
    if arguments.others:
        python = environment("others", arguments.others)
        modules = [name for one in arguments.others for name in IMPORTS.get(one, (one,))]
        run([python, "-c", CALL, *modules])
        return 0
    compare_with_old_compiler()
    oldest = [lower_bound(name) for name in ("protobuf", "grpcio", *MADE_WITH_IT)]
    for name, packages in (("oldest", oldest), ("newest", ["protobuf"])):
        begin = time.monotonic()
        python = environment(name, packages)
        run([python, "-c", CALL])
        run([python, "-m", "pytest", "-q", "-n", "auto", *(QUICK if arguments.quick else MESSAGES)])
        print(f"{name}: {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
