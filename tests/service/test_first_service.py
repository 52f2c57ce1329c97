"""The page that leads to a service from nothing: its blocks, run as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pycore.service.check import check
from pycore.service.config import parse
from pycore.service.server import background

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "first-service.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.network
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_the_page_leads_to_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["sh", "-eu", "-c", blocks("sh")[0]], check=True, capture_output=True, timeout=60)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (*tmp_path.glob("*.key"), tmp_path / "explorer.token"))
    for text in blocks("toml") + blocks("py"):
        Path(text.split()[1]).write_text(text, encoding="utf-8")
    assert blocks("sh")[1].split() == ["pycore", "serve", "--check-config", "--config-file", "pycore.toml"]
    assert check(lambda: parse(["--config-file", "pycore.toml"], exits=False)) == 0
    said = capsys.readouterr()
    assert said.out.endswith("the settings are good\n")
    assert said.err == ""
    free = ["--address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0"]
    with background(parse(["--config-file", "pycore.toml", "--no-warm-up", *free])) as running:
        program = Path("first.py")
        program.write_text(program.read_text(encoding="utf-8").replace(":50051", f":{running.port}"), encoding="utf-8")
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == (blocks("text")[0], 0), done.stderr
