"""The version is written once; an extension of another version is refused at import."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pycore


def test_one_version() -> None:
    assert pycore.__version__ == pycore.capabilities().version == version("pycore-validation")


def test_other_extension_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "pycore"
    shutil.copytree(Path(pycore.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    source = package / "_version.py"
    source.write_text(source.read_text(encoding="utf-8").replace(pycore.__version__, "99.0.0"), encoding="utf-8")
    command = [sys.executable, "-c", "import pycore"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"pycore 99.0.0 found the extension of pycore {pycore.__version__}" in done.stderr
