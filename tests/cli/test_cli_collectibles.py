"""``pycore collectibles``: histories and rules of generated ledgers, exit codes, and what strangers write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import Run, cli_fixture  # noqa: F401

from pycore import testing
from pycore.cli.collectibles import _clock, _row
from pycore.collectibles import Entry

TOKEN = str(10**23 + 2)


@pytest.fixture(scope="module")
def made():
    return testing.generate_collectibles(blocks=4, txs_per_block=12, broken_every=7, suite="p256", seed=1)


@pytest.fixture
def place(made, tmp_path: Path) -> list[str]:
    made.ledger.save(tmp_path / "chain")
    (tmp_path / "layout.json").write_text(json.dumps(made.layout))
    (tmp_path / "rules.json").write_text(json.dumps(made.rules))
    before = json.loads((tmp_path / "chain" / "ledger.json").read_text())["previous_hashes"][0]
    known = ["--context", "chain/context.json", "--height", "1", "--previous-hash", before, "--layout", "layout.json"]
    return [*known, "chain"]


def test_history(cli: Run, made, place):
    done = cli("collectibles", "history", "--token", TOKEN, *place)
    assert done.returncode == 0, done.stderr
    assert f"token {TOKEN} of pycore_test_nfa, 3 changes of ownership" in done.stdout
    assert f"owner: {made.owners[TOKEN]}" in done.stdout
    document = json.loads(cli("collectibles", "history", "--token", TOKEN, "--json", *place).stdout)
    assert (document["valid"], document["complete"], document["owner"]) == (True, True, made.owners[TOKEN])
    assert [entry["kind"] for entry in document["entries"]] == ["mint", "transfer", "transfer"]


def test_a_token_that_is_not_there(cli: Run, place):
    done = cli("collectibles", "history", "--token", "7", *place)
    assert done.returncode == 1
    assert "no event is of this token" in done.stdout


def test_check(cli: Run, made, place):
    done = cli("collectibles", "check", "--rules", "rules.json", *place)
    assert done.returncode == 1
    assert f"{len(made.broken)} violations" in done.stdout.splitlines()[-1]
    document = json.loads(cli("collectibles", "check", "--rules", "rules.json", "--json", *place).stdout)
    wanted = [(one.block + 1, one.tx, one.rule, one.token) for one in made.broken]
    assert [(one["block"], one["transaction"], one["rule"], one["token"]) for one in document["violations"]] == wanted


def test_rules_that_are_kept(cli: Run, place, tmp_path: Path):
    (tmp_path / "none.json").write_text('{"rules": []}')
    done = cli("collectibles", "check", "--rules", "none.json", *place)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "VALID: 46 transfers, 0 violations")


def test_blocks_whose_place_is_not_known_are_refused_or_leave_it_open(cli: Run, place):
    unplaced = ["--context", "chain/context.json", "--layout", "layout.json", "chain"]
    done = cli("collectibles", "history", "--token", TOKEN, *unplaced)
    assert done.returncode == 2
    assert "not checked: height, previous_hash" in done.stderr
    done = cli("collectibles", "history", "--token", TOKEN, "--require", "valid", *unplaced)
    assert done.returncode == 1
    assert "1 of 4 blocks were not checked completely" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["check", "--rules", "layout.json"], "rules.contract"),
        (["history", "--token", "1", "--require", "all"], "require"),
        (["history", "--token", "1", "--layout", "rules.json"], "layout.rules"),
        (["history", "--token", "1", "--chain", "nothing"], "chain"),
    ],
)
def test_wrong_calls(cli: Run, place, arguments, field):
    done = cli("collectibles", *arguments[:1], *place, *arguments[1:])
    assert done.returncode == 2
    assert field in done.stderr


def test_what_strangers_write_cannot_steer_a_terminal():
    entry = Entry(1, 0, "tx", 0, None, "mint", None, "a\x1b[2J\n", 5, "C\u202eNY")
    assert _row(entry) == (1, 0, "", "mint", "", "a\\x1b[2J\\n", "5 C\\u202eNY")


def test_times_beyond_the_calendar():
    assert _clock(0) == "1970-01-01 00:00:00"
    assert _clock(1 << 61) == f"{1 << 61} ms"
