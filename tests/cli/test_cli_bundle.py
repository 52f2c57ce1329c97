"""``pycore bundle`` and ``pycore trust``: from files to answers, with every exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chainmaker_bundles import AT, TX, Chain
from cli_runs import Run, cli_fixture, run_in  # noqa: F401

from pycore import bundle
from pycore.cli import _trust
from pycore.service.config import ServiceConfig
from pycore.service.server import background

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "bundles"
MAKE = ["make", "--source", "block=block-1.bin", "--trusted", "before.json", "--json"]


@pytest.fixture(scope="module")
def chain() -> Any:
    return Chain()


@pytest.fixture
def files(chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a node's files, and a separate store."""
    monkeypatch.setenv("PYCORE_TRUST_STORE", str(tmp_path / "store.db"))
    (tmp_path / "before.json").write_text(bundle.trusted_to_json(chain.before))
    (tmp_path / "after.json").write_text(bundle.trusted_to_json(chain.after))
    for index, data in enumerate(chain.ledger.blocks):
        (tmp_path / f"block-{index}.bin").write_bytes(data)
    (tmp_path / "info.hex").write_text(chain.ledger.block_info(AT).hex() + "\n")
    (tmp_path / "context.json").write_text(chain.context.to_json())
    return tmp_path


def make(cli: Run, *words: str, file: str = "proof.bundle") -> Any:
    return cli("bundle", "make", "--trusted", "before.json", "-o", file, *words)


def header(cli: Run, index: int, trusted: str, file: str) -> None:
    done = cli(
        "bundle", "make", "--source", f"block=block-{index}.bin", "--kind", "header", "--trust", trusted, "-o", file
    )
    assert done.returncode == 0, done.stderr


def test_from_files_to_an_answer(cli: Run, files: Path, chain: Any) -> None:
    done = make(cli, "--source", f"block=block-{AT}.bin", "--index", str(TX))
    assert done.returncode == 0, done.stderr
    assert (files / "proof.bundle").read_bytes() == bundle.to_bytes(chain.bundle("transaction"))
    done = cli("bundle", "verify", "proof.bundle", "--trusted", "before.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("PROVEN: transaction of chainmaker")
    assert "inclusion" in done.stdout
    assert f"tx_id: {chain.block.txs[TX].payload.tx_id}" in done.stdout
    done = cli("bundle", "verify", "proof.bundle", "--trusted", "before.json", "--json")
    assert json.loads(done.stdout) == bundle.verify(chain.bundle("transaction"), chain.before).to_dict()


@pytest.mark.parametrize("kind", ["header", "event", "state"])
def test_other_kinds(cli: Run, files: Path, chain: Any, kind: str) -> None:
    words = ["--source", "block=info.hex", "--kind", kind]
    if kind != "header":
        words += ["--tx-id", chain.block.txs[TX].payload.tx_id]
    words += {"header": [], "event": ["--event", "1"], "state": ["--key", chain.key.decode()]}[kind]
    assert make(cli, *words).returncode == 0
    assert (files / "proof.bundle").read_bytes() == bundle.to_bytes(chain.bundle(kind))
    assert cli("bundle", "verify", "proof.bundle", "--trusted", "before.json").returncode == 0


def test_a_block_below_the_trusted_one(cli: Run, files: Path, chain: Any) -> None:
    following = [word for i in range(AT + 1, 4) for word in ("--source", f"following=block-{i}.bin")]
    words = ["--source", f"block=block-{AT}.bin", *following, "--index", str(TX), "--trusted", "after.json"]
    done = cli("bundle", "make", *words, "-o", "late.bundle")
    assert done.returncode == 0, done.stderr
    assert cli("bundle", "verify", "late.bundle", "--trusted", "after.json").returncode == 0
    done = cli("bundle", "verify", "late.bundle", "--trusted", "before.json", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["proven"] is False


def test_the_json_form_is_a_bundle(cli: Run, files: Path, chain: Any) -> None:
    done = cli(
        "bundle", "make", "--trusted", "before.json", "--source", f"block=block-{AT}.bin", "--index", str(TX), "--json"
    )
    assert json.loads(done.stdout) == bundle.to_dict(chain.bundle("transaction"))
    (files / "proof.json").write_text(done.stdout)
    assert cli("bundle", "verify", "proof.json", "--trusted", "before.json").returncode == 0
    assert cli("bundle", "verify", "-", "--trusted", "before.json", stdin=done.stdout).returncode == 0
    shown = cli("bundle", "show", "proof.json")
    assert shown.returncode == 0
    assert "not" in shown.stderr
    assert f"{TX} of 5, 3 nodes" in shown.stdout
    assert json.loads(cli("bundle", "show", "proof.json", "--json").stdout) == bundle.to_dict(
        chain.bundle("transaction")
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in VECTORS.glob("*.bundle")))
def test_the_bundles_of_every_chain(cli: Run, name: str) -> None:
    words = [str(VECTORS / f"{name}.bundle"), "--trusted", str(VECTORS / f"{name}.trusted.json"), "--json"]
    done = cli("bundle", "verify", *words)
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    assert found["proven"] is True
    assert found["facts"] == json.loads((VECTORS / f"{name}.facts.json").read_text(encoding="utf-8"))


def test_a_changed_bundle_is_not_proven(cli: Run, files: Path, chain: Any) -> None:
    document = bundle.to_dict(chain.bundle("event"))
    document["statement"]["event"] = 9
    (files / "wrong.json").write_text(json.dumps(document))
    done = cli("bundle", "verify", "wrong.json", "--trusted", "before.json")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("NOT PROVEN: event")
    assert "tx_id" not in done.stdout
    (files / "broken.bundle").write_bytes(bundle.to_bytes(chain.bundle("event"))[:-1])
    assert cli("bundle", "verify", "broken.bundle", "--trusted", "before.json").returncode == 2


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["verify", "proof.bundle"], "--trusted"),
        (["verify", "proof.bundle", "--trusted", "before.json", "--trust", "a"], "--trusted"),
        (["verify", "absent.bundle", "--trusted", "before.json"], "absent.bundle"),
        (["verify", "proof.bundle", "--trusted", "context.json"], "trusted"),
        (["verify", "proof.bundle", "--trust", "nobody"], "name"),
        (["verify", "context.json", "--trusted", "before.json"], "bundle"),
        (["make", "--source", "block", "--trusted", "before.json", "--json"], "--source"),
        (["make", "--source", "block=block-1.bin", "--trusted", "before.json", "--json"], "sources.index"),
        (["make", "--source", "block=block-1.bin", "--trusted", "before.json"], "sources.index"),
        (["make", "--source", "block=block-1.bin", "--kind", "header", "--trusted", "before.json"], "--output"),
        (["make", "--source", "x=block-1.bin", "--kind", "header", "--trusted", "before.json", "--json"], "sources.x"),
        ([*MAKE, "--kind", "receipt"], "statement.kind"),
        ([*MAKE, "--key", "a", "--key-hex", "00"], "--key"),
        ([*MAKE, "--value", "a"], "--value"),
        ([*MAKE, "--chain", "x"], "chain"),
    ],
)  # fmt: skip
def test_wrong_calls_are_named(cli: Run, files: Path, chain: Any, words: list[str], named: str) -> None:
    (files / "proof.bundle").write_bytes(bundle.to_bytes(chain.bundle("header")))
    done = cli("bundle", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert named in done.stderr


def test_a_service_is_asked(cli: Run, files: Path, chain: Any) -> None:
    make(cli, "--source", f"block=block-{AT}.bin", "--kind", "header")
    here = json.loads(cli("bundle", "verify", "proof.bundle", "--trusted", "before.json", "--json").stdout)
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        words = ["--via", server.target, "--json"]
        done = cli("bundle", "verify", "proof.bundle", "--trusted", "before.json", *words)
        assert (done.returncode, json.loads(done.stdout)) == (0, here)
        assert cli("trust", "add", "a", "before.json").returncode == 0
        done = cli("trust", "advance", "a", "proof.bundle", *words)
        assert done.returncode == 0
        assert [entry["moved"] for entry in json.loads(done.stdout)] == [True]
        assert cli("trust", "advance", "a", "proof.bundle", *words).returncode == 1
    assert cli("bundle", "verify", "proof.bundle", "--trusted", "before.json", *words).returncode == 3


# ---- trust -----------------------------------------------------------------------------------------------------------


def test_a_state_is_added_moved_and_forgotten(cli: Run, files: Path, chain: Any) -> None:
    done = cli("trust", "list", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    done = cli("trust", "add", "mine", "before.json", "--note", "by phone", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, bundle.trusted_to_dict(chain.before))
    for index in (1, 2, 3):
        header(cli, index, "mine", f"header-{index}.bundle")
        done = cli("trust", "advance", "mine", f"header-{index}.bundle")
        assert done.returncode == 0, done.stdout
        assert f"mine is trusted at block {index + 1}" in done.stderr
    (entry,) = json.loads(cli("trust", "list", "--json").stdout)
    assert (entry["name"], entry["height"], entry["steps"]) == ("mine", 4, 3)
    assert "pycore-test-chain" in cli("trust", "list").stdout
    assert json.loads(cli("trust", "show", "mine", "--json").stdout) == bundle.trusted_to_dict(chain.after)
    assert f"block 4 {chain.after.block_hash.hex()}" in cli("trust", "show", "mine").stdout
    found = json.loads(cli("trust", "show", "mine", "--height", "1", "--json").stdout)
    assert found == bundle.trusted_to_dict(chain.before)
    done = cli("trust", "show", "mine", "--history", "--json")
    assert done.returncode == 0
    assert [(step["how"], step["note"]) for step in json.loads(done.stdout)] == [("added", "by phone")] + [
        ("proven", "")
    ] * 3
    assert json.loads(cli("trust", "remove", "mine", "--json").stdout) == {"name": "mine", "states": 4}
    assert cli("trust", "show", "mine").returncode == 2


def test_an_older_bundle_is_judged_by_the_state_that_it_names(cli: Run, files: Path, chain: Any) -> None:
    cli("trust", "add", "mine", "before.json")
    header(cli, 1, "mine", "header.bundle")
    make(cli, "--source", f"block=block-{AT}.bin", "--index", "0")
    assert cli("trust", "advance", "mine", "header.bundle").returncode == 0
    assert cli("bundle", "verify", "proof.bundle", "--trust", "mine").returncode == 0
    assert cli("trust", "advance", "mine", "header.bundle").returncode == 1
    assert cli("trust", "show", "mine").stdout.startswith("mine: chainmaker pycore-test-chain, block 2 ")


def test_moving_stops_at_the_first_that_does_not(cli: Run, files: Path, chain: Any) -> None:
    cli("trust", "add", "mine", "before.json")
    header(cli, 1, "mine", "one.bundle")
    header(cli, 2, "mine", "skips.bundle")
    done = cli("trust", "advance", "mine", "one.bundle", "skips.bundle", "one.bundle", "--json")
    assert done.returncode == 1
    assert [(entry["file"], entry["moved"]) for entry in json.loads(done.stdout)] == [
        ("one.bundle", True),
        ("skips.bundle", False),
    ]


def test_a_state_from_its_parts(cli: Run, files: Path, chain: Any) -> None:
    words = ["--chain", "chainmaker", "--chain-id", chain.before.chain_id, "--height", "1"]
    words += ["--hash", "0x" + chain.before.block_hash.hex(), "--context", "context.json"]
    done = cli("trust", "add", "mine", *words, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, bundle.trusted_to_dict(chain.before))
    for wrong, named in (
        (["b"], "--chain"),
        (["b", *words[:-2]], "--context"),
        (["b", "before.json", "--height", "1"], "--height"),
        (["mine", "before.json"], "name"),
        (["b", *words[:6], "--hash", "zz", "--context", "context.json"], "trusted.block_hash"),
    ):
        done = cli("trust", "add", *wrong)
        assert done.returncode == 2, wrong
        assert named in done.stderr


def test_a_store_that_cannot_be_read_is_the_environments(cli: Run, files: Path) -> None:
    (files / "store.db").write_bytes(b"no database")
    done = cli("trust", "list", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["type"] == "StoreError"


def test_the_store_is_in_the_users_data(tmp_path: Path, chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "before.json").write_text(bundle.trusted_to_json(chain.before))
    folder = tmp_path / "data"
    done = run_in(tmp_path, "trust", "add", "a", "before.json", XDG_DATA_HOME=str(folder), PYCORE_TRUST_STORE="")
    assert done.returncode == 0, done.stderr
    assert (folder / "pycore" / "trust.db").is_file()
    monkeypatch.setattr(_trust.Path, "home", lambda: tmp_path)
    for system, variable, place in (
        ("linux", "XDG_DATA_HOME", ".local/share"),
        ("darwin", "", "Library/Application Support"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ):
        monkeypatch.setattr(_trust.sys, "platform", system)
        monkeypatch.delenv(variable or "NOTHING", raising=False)
        assert _trust.store_path(None) == tmp_path / place / "pycore" / "trust.db"
        if variable:
            monkeypatch.setenv(variable, str(tmp_path / "set"))
            assert _trust.store_path(None) == tmp_path / "set" / "pycore" / "trust.db"
    assert _trust.store_path(tmp_path / "x") == tmp_path / "x"


@pytest.mark.parametrize("command", [["bundle", name] for name in ("make", "verify", "show")] + [
    ["trust", name] for name in ("add", "list", "show", "advance", "remove")
])  # fmt: skip
def test_help_has_examples(cli: Run, command: list[str]) -> None:
    done = cli(*command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert f"pycore {' '.join(command)} " in done.stdout.replace("PYCORE_TRUST_STORE=/srv/trust.db ", "") + " "
