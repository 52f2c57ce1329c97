"""Node with the packages of package.json, installed on first use. Skipped by name where it or they cannot be had."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def _installed_version(name: str) -> str | None:
    manifest = HERE / "node_modules" / name / "package.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else None


def node_with_packages() -> str:
    """Path of a node; its packages are in tests/node/node_modules."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("node and npm are not installed")
    with (HERE / "package.json").open() as manifest:
        fcntl.flock(manifest, fcntl.LOCK_EX)  # one test process installs, the others wait for it
        wanted = json.load(manifest)["dependencies"]
        if {name: _installed_version(name) for name in wanted} != wanted:
            command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
            found = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300, check=False)
            if found.returncode != 0:
                pytest.skip(f"npm install failed: {found.stderr.strip()[-300:]}")
    return program
