"""``pycore demo`` with small ledgers: a real service process, real blocks over gRPC, and an exact comparison."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pycore.cli._environment import program
from pycore.cli.demo import BlockResult, Summary, _stay
from pycore.client import ValidationClient

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240  # seconds; a limit for what hangs, on a machine that may be busy with much else
COMMAND = [sys.executable, "-m", "pycore.cli", "demo"]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **changes}


def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def alive(pid: int) -> bool:
    """Whether a process that is not a zombie has this id."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_finds_exactly_the_tampered(suite: str) -> None:
    options = ["--blocks", "3", "--txs", "60", "--invalid-every", "20", "--signers", "5", "--suite", suite]
    done = run("--once", *options, "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["as_expected"] is True
    assert (outcome["blocks"], outcome["transactions"], outcome["tampered"], outcome["found"]) == (3, 180, 9, 9)
    for key in ("missed", "false_alarms", "other_verdict", "failed_checks", "skipped_checks"):
        assert outcome[key] == []
    assert outcome["stage_seconds"]["verify"] > 0


def test_plain_output_in_a_pipe(tmp_path: Path) -> None:
    done = run("--once", "--blocks", "2", "--txs", "10", "--invalid-every", "5", PYCORE_VECTORS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "real block: not found" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines() if line.endswith("exact")]
    assert [line[:4] for line in lines] == [["1", "10", "2", "2"], ["2", "10", "2", "2"]]
    assert "tampered with: 4; reported invalid: 4" in done.stdout
    assert "RESULT: exactly the tampered transactions were found" in done.stdout


def test_live_table_on_a_terminal() -> None:
    """On a pseudo-terminal the table is drawn, 80 columns wide, and every block ends up in it."""
    pty = pytest.importorskip("pty")
    controller, terminal = pty.openpty()
    demo = subprocess.Popen(
        [*COMMAND, "--once", "--blocks", "3", "--txs", "10", "--invalid-every", "5"],
        cwd=ROOT,
        env=environment(TERM="xterm", COLUMNS="80"),
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the demo ends
        while piece := os.read(controller, 4096):
            shown += piece
    os.close(controller)
    assert demo.wait(PATIENCE) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    for height in (1, 2, 3):
        assert re.search(rf"│ *{height}│ *10│ *2│ *2│.*exact│", text), text[-3000:]
    assert "exactly the tampered transactions were found" in text


def test_the_real_block_comes_first(require_vectors: object) -> None:
    require_vectors("chainmaker/real_blocks.json")  # type: ignore[operator]
    done = run("--once", "--blocks", "1", "--txs", "5", "--json")
    real = json.loads(done.stdout)["real_block"]
    assert real["height"] == 2
    assert real["valid"] is True
    assert sorted(real["checks"].values()).count("passed") >= 18
    assert "failed" not in real["checks"].values()


def _hear_interrupts() -> None:
    """A shell starts its background jobs with SIGINT ignored, and children inherit that: undone for the demo."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def started(until: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A demo that has printed a line with `until`: the process, the service's target and its process id."""
    demo = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,
    )
    try:
        assert demo.stdout is not None
        text = ""
        for line in demo.stdout:
            text += line
            if until in line:
                break
        found = re.search(r"^service: (\S+) \(process (\d+)\)$", text, re.MULTILINE)
        assert found, text
        yield demo, found[1], int(found[2])
    finally:
        if demo.poll() is None:
            demo.terminate()
        demo.communicate(timeout=PATIENCE)


def wait_until_gone(pid: int) -> None:
    """Returns when the process has ended; the suite's limit ends the wait for one that never does."""
    while alive(pid):
        time.sleep(0.05)


def status_of(demo: subprocess.Popen[str]) -> int:
    """Reads to the end, so that a demo that writes can end, and gives its exit status."""
    demo.communicate(timeout=PATIENCE)
    return demo.returncode


# However quick it is, the demo is in the middle of this ledger: it cannot write a line for each block before
# somebody reads them.
LONGER_THAN_A_PIPE = ["--blocks", "5000", "--txs", "50"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_service_stays_up_until_told(end: signal.Signals) -> None:
    with started("stays up", "--blocks", "1", "--txs", "5", "--invalid-every", "0") as (demo, target, service):
        with ValidationClient(target) as client:
            assert client.health()
        demo.send_signal(end)
        assert status_of(demo) == 0
        wait_until_gone(service)


def test_the_hints_name_programs_that_another_terminal_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = tmp_path / "a checkout" / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "pycore").touch(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(scripts))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(scripts.parent.parent)
    assert program("pycore") == ".venv/bin/pycore"
    with pytest.raises(RuntimeError):
        _stay(SimpleNamespace(target="127.0.0.1:1", running=False, failure=RuntimeError))  # type: ignore[arg-type]
    shown = capsys.readouterr().out
    assert "  .venv/bin/pycore info --via 127.0.0.1:1\n" in shown
    assert "  .venv/bin/python -c 'from pycore.client" in shown
    monkeypatch.chdir(scripts.parent)
    assert program("pycore") == "bin/pycore"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert program("pycore") == f"'{scripts / 'pycore'}'"
    monkeypatch.setenv("PATH", str(scripts))
    assert program("pycore") == "pycore"


def test_ctrl_c_amid_the_ledger_is_not_invalid() -> None:
    with started("exact", *LONGER_THAN_A_PIPE) as (demo, _, service):
        demo.send_signal(signal.SIGINT)
        assert status_of(demo) == 130
        wait_until_gone(service)


def test_a_service_that_dies_is_noticed() -> None:
    with started("stays up", "--blocks", "1", "--txs", "5") as (demo, _, service):
        os.kill(service, signal.SIGKILL)
        assert status_of(demo) == 3
    with started("exact", *LONGER_THAN_A_PIPE) as (demo, _, service):
        os.kill(service, signal.SIGKILL)
        assert status_of(demo) == 3


def test_a_taken_port_is_the_environments_fault() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--once", "--blocks", "1", "--txs", "1", "--address", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 3
    assert "did not start" in done.stderr


# ---- the comparison notices every way to be wrong
# ------------------------------------------------------------------------


def result(**changes: object) -> BlockResult:
    values: dict[str, object] = {
        "block": 0,
        "height": 1,
        "transactions": 10,
        "signatures": 12,
        "seconds": 0.5,
        "found": {3: "BAD_SIGNATURE"},
        "wanted": {3: "BAD_SIGNATURE"},
        "failed_checks": [],
        "skipped_checks": [],
        "timings": {"verify": 0.25},
    }
    return BlockResult(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"found": {}}, "missed"),
        ({"found": {3: "BAD_SIGNATURE", 4: "BAD_SIGNATURE"}}, "false_alarms"),
        ({"found": {3: "MALFORMED_KEY"}}, "other_verdict"),
        ({"failed_checks": ["tx_root"]}, "failed_checks"),
        ({"skipped_checks": ["quorum"]}, "skipped_checks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_unexpected_shows(changes: dict[str, object], key: str) -> None:
    right = Summary([result()]).to_dict()
    assert right["as_expected"] is True
    assert right["transactions_per_second"] == 20.0
    wrong = Summary([result(), result(block=1, **changes)]).to_dict()
    assert wrong["as_expected"] is False
    assert wrong[key]


def test_no_blocks_is_not_a_success() -> None:
    assert Summary().to_dict()["as_expected"] is False
