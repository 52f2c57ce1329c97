"""A client in Go verifies every bundle over gRPC. Skipped by name where Go or its modules cannot be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pycore import bundle
from pycore.service.config import ServiceConfig
from pycore.service.server import background

HERE = Path(__file__).resolve().parent
BUNDLES = HERE.parent / "vectors" / "bundles"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built; its modules are those of go.sum."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    program = tmp_path_factory.mktemp("go") / "client"
    for command in (
        [go, "mod", "download"],
        [go, "build", "-buildvcs=false", "-mod=readonly", "-o", str(program), "."],
    ):
        done = subprocess.run(
            command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode and command[1] == "mod":
            pytest.skip(f"go mod download: {done.stderr.strip()[-300:]}")
        assert done.returncode == 0, done.stderr
    return program


@pytest.mark.timeout(700)
def test_a_go_client_verifies_every_bundle(client: Path) -> None:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        command = [str(client), server.target, str(BUNDLES)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr
    answers: dict[str, Any] = json.loads(run.stdout)
    assert set(answers) == {path.stem for path in BUNDLES.glob("*.bundle")}
    for name, answer in answers.items():
        assert answer["proven"], name
        assert answer["facts"] == json.loads((BUNDLES / f"{name}.facts.json").read_text(encoding="utf-8"))
        data, trusted = (BUNDLES / f"{name}.bundle").read_bytes(), BUNDLES / f"{name}.trusted.json"
        report, moved = bundle.verify(data, trusted), bundle.advance(data, trusted)[1]
        assert (answer["height"], answer["voters"]) == (report.height, list(report.certified_by))
        assert answer["moved"] == (moved is not None)
        assert not answer["changed"]
        assert answer["refusals"] > 0
    assert any(answer["moved"] for answer in answers.values())
