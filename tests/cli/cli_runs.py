"""Shared by the tests of the pycore command: running it here and as a process, ledgers, files of signatures."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import PACKAGE

from pycore import testing

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_in(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, "-m", "pycore.cli", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


@pytest.fixture(name="process")
def process_fixture(tmp_path: Path) -> Run:
    """Runs pycore in an empty folder, as a separate process."""
    return lambda *arguments, **options: run_in(tmp_path, *arguments, **options)


@pytest.fixture(name="cli")
def cli_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The same within this process, for the many cases that differ in their arguments only."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        from pycore.cli._app import run as run_command

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["pycore", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfd.readouterr()
        code = run_command()
        written = capfd.readouterr()
        return subprocess.CompletedProcess(list(arguments), code, written.out, written.err)

    return run


@pytest.fixture(scope="session", name="ledger")
def ledger_fixture() -> testing.GeneratedLedger:
    return testing.generate_ledger(blocks=2, txs_per_block=12, seed=5, invalid_every=12, kinds=["signature-bit"])


@pytest.fixture(scope="session", name="good_ledger")
def good_ledger_fixture() -> testing.GeneratedLedger:
    return testing.generate_ledger(blocks=8, txs_per_block=6, seed=5)


def write_signatures(folder: Path, scheme: str, name: str, spoil: tuple[int, ...] = (), n: int = 10) -> None:
    """A file of signatures in the form that its name says."""
    columns = testing.tamper(*testing.generate_signatures(scheme, n, seed=1), spoil)
    rows = [
        dict(zip(("public_key", "signature", "message"), (x.tobytes().hex() for x in row), strict=True))
        for row in zip(*columns, strict=True)
    ]
    path = folder / name
    if path.suffix == ".npz":
        np.savez(path, public_key=columns[0], signature=columns[1], message=columns[2])
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["public_key", "signature", "message"])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
