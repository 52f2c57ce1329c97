"""Clients in Go, Java, Rust and Node with stubs from proto/, against a service with mutual TLS and bearer tokens.

Node runs always; the others, whose first build takes minutes, where PYCORE_TEST_CLIENTS names them (`all` for all of
them). Each is skipped by name where its tools or its packages cannot be had. Nothing that is generated, fetched or
built stays in the repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from node.node_packages import HERE as NODE_PACKAGES
from node.node_packages import node_with_packages
from service.conftest import Authority

import pycore
from pycore import testing
from pycore.service.config import ServiceConfig
from pycore.service.server import background

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto"
PATIENCE = 280.0
TOKEN, SLOW_TOKEN = "token-of-a-client-in-another-language", "token-of-a-client-with-a-quota"
ITEMS, SPOILED = 64, 5


@dataclass(frozen=True)
class Setting:
    """A service, the folder that its clients are given, and the verdicts that they should see."""

    target: str
    folder: Path
    codes: list[int]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("clients")
    authority = Authority(folder, "roots")
    certificate, key = authority.issue("pycore.test")
    authority.issue("client", ExtendedKeyUsageOID.CLIENT_AUTH)
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "slow-token").write_text(SLOW_TOKEN + "\n")
    access = {
        "clients": [
            {"name": "quick", "token_files": [str(folder / "token")], "rpcs": ["VerifySignature*", "HashBatch"]},
            {
                "name": "slow",
                "token_files": [str(folder / "slow-token")],
                "rpcs": ["VerifySignatures"],
                "items_per_second": ITEMS / 2,
            },
        ]
    }
    (folder / "access.json").write_text(json.dumps(access))
    keys, signatures, messages = testing.generate_signatures("ed25519", ITEMS, message_size=24, seed=15)
    signatures = signatures.copy()
    signatures[SPOILED, 3] ^= 1
    for name, column in (("keys", keys), ("signatures", signatures), ("messages", messages)):
        (folder / name).write_bytes(column.tobytes())
    config = ServiceConfig(
        address="127.0.0.1:0",
        tls_certificate=certificate,
        tls_private_key=key,
        tls_client_ca=authority.path,
        access_file=folder / "access.json",
        drain_delay=0,
    )
    expected = pycore.verify_batch("ed25519", keys, signatures, messages).codes.tolist()
    with background(config) as server:
        yield Setting(server.target, folder, expected)


def compare(setting: Setting, command: list[str], *, deadline: str = "4", large: str = "8", **environment: str) -> None:
    """Runs a client, whose every line must be what the service should have answered; `deadline`, `large`: the statuses
    that this client has for a deadline that passed, and for an answer above its own limit of 4 MiB."""
    done = subprocess.run(
        [*command, setting.target, str(setting.folder)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert dict(line.partition(" ")[::2] for line in done.stdout.splitlines()) == {
        "health": "SERVING",
        "verdicts": " ".join(f"{code}/{int(code == 1)}" for code in setting.codes),
        "nobody": "16",
        "refused": "3 scheme",
        "throttled": "8 true",
        "waited": "0",
        "stream": f"7:{ITEMS - 1} 8:3:scheme 9:{ITEMS - 1}",
        "deadline": deadline,
        "large": f"{large} 0",
    }
    assert setting.codes.count(1) == ITEMS - 1


def tool(name: str) -> str:
    """The path of a program, or a skip by its name."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(command: list[str], folder: Path, *, or_skip: bool = False, **environment: str) -> str:
    """The output of a command that must succeed; with `or_skip`, one that fetches, and may be unable to."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode and or_skip:
        pytest.skip(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-300:]}")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def asked_for(language: str) -> None:
    """Skips the test unless PYCORE_TEST_CLIENTS names the language."""
    given = os.environ.get("PYCORE_TEST_CLIENTS", "")
    if given != "all" and language not in given.split(","):
        pytest.skip(f"takes minutes: set PYCORE_TEST_CLIENTS={language}")


def protoc(*arguments: str) -> None:
    """Runs protoc on the service's files."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("pycore/validation/v1/*.proto"))
    run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *arguments, *sources], PROTO)


@pytest.mark.timeout(400)
def test_node(setting: Setting) -> None:
    node = node_with_packages()
    packages = str(NODE_PACKAGES / "node_modules")
    compare(setting, [node, str(HERE / "node" / "client.js")], NODE_PATH=packages, PYCORE_PROTO=str(PROTO))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_go(setting: Setting, tmp_path: Path) -> None:
    asked_for("go")
    go = tool("go")
    for name in ("main.go", "go.mod", "go.sum"):
        shutil.copy(HERE / "go" / name, tmp_path)
    plugins = ("google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc")
    run([go, "mod", "download"], tmp_path, or_skip=True, GOTOOLCHAIN="local")
    run([go, "build", "-o", f"{tmp_path}/", *plugins], tmp_path, GOTOOLCHAIN="local")
    names = [path.name for path in PROTO.glob("pycore/validation/v1/*.proto")]
    package = "pycore.invalid/client/pb"
    options = [f"M{Path('pycore/validation/v1', name)}={package}" for name in names]
    (tmp_path / "pb").mkdir()
    protoc(
        *(f"--plugin={tmp_path}/protoc-gen-{plugin}" for plugin in ("go", "go-grpc")),
        *(f"--{plugin}_out={tmp_path}" for plugin in ("go", "go-grpc")),
        *(f"--{plugin}_opt={','.join(['module=pycore.invalid/client', *options])}" for plugin in ("go", "go-grpc")),
    )
    run([go, "build", "-buildvcs=false", "-mod=readonly", "-o", "client", "."], tmp_path, GOTOOLCHAIN="local")
    compare(setting, [str(tmp_path / "client")])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_rust(setting: Setting, tmp_path: Path) -> None:
    asked_for("rust")
    cargo = tool("cargo")
    for name in ("Cargo.toml", "build.rs", "src"):
        source = HERE / "rust" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    compiler = tmp_path / "protoc"
    compiler.write_text(f'#!/bin/sh\nexec {sys.executable} -m grpc_tools.protoc "$@"\n')
    compiler.chmod(0o755)
    run([cargo, "fetch", "-q"], tmp_path, or_skip=True)
    run([cargo, "build", "-q", "--offline"], tmp_path, PROTOC=str(compiler), PYCORE_PROTO=str(PROTO))
    target = os.environ.get("CARGO_TARGET_DIR", str(tmp_path / "target"))
    compare(setting, [f"{target}/debug/pycore-client"], deadline="1", large="11")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_java(setting: Setting, tmp_path: Path) -> None:
    asked_for("java")
    java, maven = tool("java"), tool("mvn")
    shutil.copy(HERE / "java" / "pom.xml", tmp_path)
    shutil.copytree(HERE / "java" / "src", tmp_path / "src")
    given = f"-Dpycore.proto={PROTO}"
    run([maven, "-q", "-B", given, "dependency:resolve", "protobuf:compile-custom"], tmp_path, or_skip=True)
    run([maven, "-q", "-B", given, "compile"], tmp_path)
    packages = (tmp_path / "target" / "classpath").read_text()
    compare(setting, [java, "-cp", f"{tmp_path}/target/classes:{packages}", "Client"])
