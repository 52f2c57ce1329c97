"""`pycore loadtest` and `pycore size`, short, as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runs import Run, cli_fixture  # noqa: F401 - a fixture

from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

PATIENCE = 240.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        yield server


SHORT = ("--seconds", "0.3", "--warmup", "0", "--pool", "200", "--timeout", str(PATIENCE))


def test_the_command_writes_everything(cli: Run, server: Server, tmp_path: Path) -> None:
    plot, save = tmp_path / "p" / "run.svg", tmp_path / "s" / "run.json"
    done = cli("loadtest", server.target, *SHORT, "--rate", "80", "--json", "--plot", str(plot), "--save", str(save))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["counts"] == {"answered": document["requests"]}
    assert json.loads(save.read_text())["latency"] == document["latency"]
    assert plot.read_text().startswith("<svg")
    text = cli("loadtest", server.target, *SHORT, "--rate", "80")
    assert "0 wrong answers" in text.stdout


def test_exit_codes(cli: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("loadtest", server.target, *SHORT, "--max-p99-ms", "0.000001").returncode == 1
    assert cli("loadtest", "192.0.2.1:50051", *SHORT).returncode == 2
    assert cli("loadtest", server.target, "--seconds", "99999").returncode == 2
    assert cli("loadtest", server.target, "--service", "workers=1").returncode == 2
    assert cli("loadtest", "--tls").returncode == 2
    assert cli("size", "rsa").returncode == 2
    monkeypatch.setattr("pycore.cli.loadtest._ready", lambda access: None)
    assert cli("loadtest", "127.0.0.1:1", *SHORT).returncode == 3


def test_the_table_has_the_rows_that_were_asked_for(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCORE_STREAM_WINDOW", "3")
    only = ("--only", "empty", "--only", "LONE call of 256")
    done = cli("loadtest", "--table", *only, "--seconds", "0.05", "--service", "event_loop=asyncio", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["settings"].items() >= {"stream_window": "3", "event_loop": "asyncio"}.items()
    assert document["environment"]["cpu"]
    rate, wait, *shares = document["rows"]
    assert "64 callers" in rate["name"]
    assert "p50" in rate["note"]
    assert "p99" in wait["name"]
    assert [one["name"].partition(", ")[2] for one in shares] == ["lone call of 256", "lone call of 256 over the lane"]
    for row in document["rows"]:
        if "why_not" not in row:
            assert len(row["rounds"]) >= 5
            assert min(row["rounds"]) <= row["median"] <= max(row["rounds"])
            assert 0 < row["fastest"] < 50
            assert row["items_per_second"] > 0
    assert cli("loadtest", "--table", "--only", "nothing like it").returncode == 2
    assert cli("loadtest", "--only", "lone").returncode == 2
    assert cli("loadtest", "127.0.0.1:1", "--table").returncode == 2


def test_size_measures_models_and_checks_itself(cli: Run, tmp_path: Path) -> None:
    plot = tmp_path / "size.svg"
    arguments = ("sm2", "--items", "16", "--no-blocks", "--seconds", "0.1", "--edge", "--p99-ms", "60000")
    done = cli("size", *arguments, "--json", "--plot", str(plot))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (row,) = document["rows"]
    assert (row["scheme"], row["shape"], row["items"]) == ("sm2", "packed", 16)
    assert 0 < row["kernel"] < row["service"]
    assert row["items_per_second"] >= row["items_per_second_with_clients_here"] > 0
    assert document["cores"] == 1
    assert any("affinity" in words for words in document["bound"])
    run = document["validation"]["run"]
    assert run["counts"]["answered"] == run["requests"] > 0
    assert 0 < row["slow_rate"] <= row["busy_rate"] <= row["quick_rate"]
    checked = document["validation"]
    assert 0 < checked["least_p99_ms"] <= checked["predicted_p99_ms"]
    assert 0 < checked["cpus"] <= document["cores"]
    place = checked["measured_p99_ms"]
    wanted = (
        "below" if place < checked["least_p99_ms"] else "above" if place > checked["predicted_p99_ms"] else "inside"
    )
    assert checked["measured_is"] == wanted
    assert plot.read_text().startswith("<svg")
