"""`pycore loadtest` and `pycore size`, short, as a user runs them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_runs import Run, cli_fixture  # noqa: F401 - a fixture

from pycore.cli.loadtest import _judge, service_options
from pycore.loadtest.process import busy_remarks, measured_others
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.targets import Row
from pycore.service.config import ServiceConfig, parse
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


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("worker=2", ("'worker', which is no setting", "is workers meant?")),
        ("nothing-like-it=2", ("'nothing-like-it', which is no setting", "pycore serve --help")),
        ("workers", ("'workers'", "SETTING=VALUE")),
        ("front=http", ("'front=http'", "front: got 'http', wanted auto")),
        ("workers=--two", ("workers: ",)),
        ("warm_up=perhaps", ("warm_up=true or warm_up=false",)),
        ("tls_certificate=absent.pem", ("belong together",)),
    ],
)
@pytest.mark.parametrize("command", [("loadtest",), ("loadtest", "--table"), ("size",)], ids=" ".join)
def test_settings_of_a_service_are_checked_before_it_starts(
    cli: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], setting: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr("pycore.loadtest.process.ServiceProcess.start", lambda process: pytest.fail("started"))
    done = cli(*command, "--service", setting)
    assert done.returncode == 2
    assert done.stderr.startswith("pycore: --service: ")
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        *(("--max-p99-ms", value, "--max-p99-ms") for value in ("nan", "inf", "-1", "0")),
        *(("--max-unanswered", value, "--max-unanswered") for value in ("nan", "inf", "-0.1", "1.1")),
        *(("--callers", value, "callers") for value in ("0", "-1")),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    cli: Run, monkeypatch: pytest.MonkeyPatch, option: str, value: str, field: str
) -> None:
    monkeypatch.setattr("pycore.loadtest.process.ServiceProcess.start", lambda process: pytest.fail("started"))
    done = cli("loadtest", option, value)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"pycore: {field}: got {value}, wanted ")


def test_settings_become_options_that_the_service_reads() -> None:
    options = service_options(["workers=3", "warm-up=false", "share_port=true", "front=grpcio"])
    config = parse(options, exits=False)
    assert (config.workers, config.warm_up, config.share_port, config.front) == (3, False, True, "grpcio")


def test_blocks_without_a_scheme_are_of_sm2(cli: Run, server: Server) -> None:
    done = cli("loadtest", server.target, *SHORT, "--shape", "block", "--items", "10", "--rate", "20", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scenario"]["scheme"] == "sm2"
    refused = cli("loadtest", server.target, *SHORT, "--shape", "block", "--scheme", "ed25519")
    assert refused.returncode == 2


def test_a_run_that_is_refused_shows_the_first_message(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.token").write_text("token-of-node-a-0001\n")
    access = tmp_path / "access.json"
    access.write_text(
        json.dumps({"clients": [{"name": "a", "token_files": [str(tmp_path / "a.token")], "rpcs": ["*"]}]})
    )
    with background(ServiceConfig(address="127.0.0.1:0", access_file=access, drain_delay=0)) as closed:
        done = cli("loadtest", closed.target, *SHORT, "--rate", "20", "--json")
    assert done.returncode == 3
    assert "nothing was answered: {'UNAUTHENTICATED'" in done.stderr
    assert "the first message: the caller is not known" in done.stderr
    assert json.loads(done.stdout)["first_message"].startswith("the caller is not known")


def test_a_message_of_a_stranger_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(Scenario())
    outcome.first_message = "no\x1b[2J"
    assert _judge(outcome, None, None) == 3
    assert "the first message: no\\x1b[2J" in capsys.readouterr().err


@pytest.mark.parametrize("busy", [False, True])
def test_the_table_says_whose_goals_and_how_busy(cli: Run, monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    clock = itertools.count(1000.0, 1000.0) if busy else itertools.repeat(0.0)
    monkeypatch.setattr("pycore.loadtest.process.machine_cpu", lambda: next(clock))
    monkeypatch.setattr("pycore.loadtest.targets.measure", lambda *_, **__: iter([Row("a row", ">= 9 %", [0.5])]))
    done = cli("loadtest", "--table")
    assert done.returncode == 0, done.stderr
    _, after = done.stdout.split(">= 9 %")
    assert "goals: those of the pycore project, on an otherwise idle machine" in after
    assert ("note: other processes took" in after) == busy
    assert bool(json.loads(cli("loadtest", "--table", "--json").stdout)["remarks"]) == busy


@pytest.mark.parametrize("busy", [False, True])
def test_tune_says_how_busy_it_was(cli: Run, monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    clock = itertools.count(1000.0, 1000.0) if busy else itertools.repeat(0.0)
    monkeypatch.setattr("pycore.loadtest.process.machine_cpu", lambda: next(clock))
    for part in ("tune_streams", "tune_backends"):
        monkeypatch.setattr(f"pycore.cli._tuning.{part}", lambda rounds: [])
    assert ("note: other processes took" in cli("tune").stdout) == busy
    assert bool(json.loads(cli("tune", "--json").stdout)["remarks"]) == busy


def test_others_are_not_the_processes_that_ran_here(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([(0.0,) * 5, (2.0, 1.0, 3.0, 1.0, 0.0)])
    whole, clock = iter([100.0, 117.0]), iter([0.0, 5.0])
    monkeypatch.setattr("pycore.loadtest.process.os", SimpleNamespace(times=lambda: next(moments)))
    monkeypatch.setattr("pycore.loadtest.process.time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr("pycore.loadtest.process.machine_cpu", lambda: next(whole))
    with measured_others() as use:
        pass
    assert use == {"other_cpus": 2.0}
    assert busy_remarks(use)
    assert not busy_remarks({"other_cpus": 0.2})
    assert not busy_remarks(None)


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
