"""The sessions of the guides: in a page with blocks of `console` every command answers as is shown there.

Python blocks of the page run in between, in the order of the page, in one folder: they make the files.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import PACKAGE

ROOT = Path(__file__).resolve().parent.parent
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if "```console" in page.read_text(encoding="utf-8")]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def sessions(text: str) -> list[tuple[str, str]]:
    """Each command of a block, with what is shown after it."""
    found = [part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(command, answer) for command, _, answer in found]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which `pycore` is this one."""
    monkeypatch.chdir(tmp_path)
    commands = tmp_path.parent / f"{tmp_path.name}-bin"
    commands.mkdir()
    program = commands / "pycore"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pycore.cli "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "PYTHONUTF8": "1"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_answer_as_shown(page: Path, shell: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("typer")
    names: dict[str, Any] = {"__name__": "__main__"}
    compare = doctest.OutputChecker()
    tried = 0
    for language, code in re.findall(r"^```(python|console)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M):
        if language == "python":
            exec(compile(code, page.name, "exec"), names)
            continue
        for command, wanted in sessions(code):
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=shell, capture_output=True, text=True, encoding="utf-8",
                timeout=120, check=False,
            )  # fmt: skip
            assert compare.check_output(wanted, done.stdout, FLAGS), f"{command}\n{done.stdout}\n{done.stderr}"
            tried += 1
    assert tried
