"""The commands of docs/guides/consensus.md, run in order on the answers that come with the repository."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runs import Run, cli_fixture  # noqa: F401

from pycore.service.config import ServiceConfig
from pycore.service.server import background

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = ROOT / "tests" / "vectors" / "cometbft"
PAGE = ROOT / "docs" / "guides" / "consensus.md"


@pytest.fixture
def target() -> Iterator[str]:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        yield server.target


def examples() -> list[tuple[list[list[str]], str | None]]:
    """The pycore commands of each shell block, and the text that the block after it shows."""
    found = []
    text = PAGE.read_text(encoding="utf-8")
    for block, shown in re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.DOTALL | re.MULTILINE):
        lines = block.replace("\\\n", " ").splitlines()
        commands = [shlex.split(line, comments=True) for line in lines if line.startswith("pycore ")]
        if commands:
            found.append((commands, shown or None))
    return found


@pytest.mark.network
def test_commands_print_what_the_page_shows(cli: Run, tmp_path: Path, target: str) -> None:
    shutil.copytree(ANSWERS, tmp_path, dirs_exist_ok=True)
    shutil.copytree(ANSWERS, tmp_path / "other-node")
    compared = 0
    for commands, shown in examples():
        printed = ""
        for words in commands:
            done = cli(*(target if word == "localhost:50051" else word for word in words[1:]))
            assert done.returncode == 0, (words, done.stdout, done.stderr)
            printed += done.stdout
        if shown is not None:
            same = doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS)
            assert same, f"{words}\n{printed}"
            compared += 1
    assert compared == 5


def test_the_answers_are_those_of_the_tool() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "make_answers.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
