"""The pycore command, run as a user runs it: help and every example that it shows, exit codes, over the wire."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Run, cli_fixture, good_ledger_fixture, ledger_fixture, process_fixture, run_in, write_signatures  # noqa: F401
from conftest import PACKAGE

import pycore
from pycore import testing
from pycore.base.extras import install_command
from pycore.bundle.report import BundleReport
from pycore.cli._output import note, print_table
from pycore.cli._trust import show_conditions
from pycore.cli.info import _show
from pycore.errors import PycoreError
from pycore.service.config import ServiceConfig
from pycore.service.server import background

COMMANDS = [
    "serve",
    "validate",
    "verify",
    "hash",
    "merkle root",
    "merkle prove",
    "merkle check",
    "merkle append",
    "bench",
    "loadtest",
    "size",
    "info",
    "demo",
]


# ---- help ------------------------------------------------------------------------------------------------------------


def test_help_lists_every_command(process: Run) -> None:
    done = process("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command.split()[0]} ", done.stdout, re.MULTILINE), command
    assert "Exit codes" in done.stdout


def test_version(process: Run) -> None:
    assert process("--version").stdout.strip() == f"pycore {pycore.__version__}"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_json(cli: Run, command: str) -> None:
    done = cli(*command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout.lower()
    assert examples(done.stdout)
    assert "--json" in done.stdout


def test_help_says_what_a_command_obeys(cli: Run) -> None:
    for command in ("verify", "info", "loadtest"):
        assert "PYCORE_TOKEN_FILE" in cli(command, "--help").stdout
    assert "--via" not in cli("loadtest", "--help").stdout
    assert "--json" in cli("serve", "--help").stdout


def examples(text: str) -> list[str]:
    """The command lines below "Examples:", with what the help's line width broke put together again."""
    part = re.split(r"examples:", text, flags=re.IGNORECASE)[1].split("\nArguments:")[0].split("\nOptions:")[0]
    found: list[str] = []
    for line in part.splitlines():
        words = line.strip()
        unfinished = bool(found) and found[-1].endswith(("&&", ">", "|"))
        if re.match(r"(PYCORE_\w+=\S+ )?pycore ", words) and not unfinished:
            found.append(words)
        elif not words or words.endswith(".") or words.startswith("Log "):
            found.append("")
        elif found and found[-1]:
            found[-1] += " " + words
    return [one for one in found if one]


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one not in ("serve", "demo", "bench", "loadtest", "size")]
)
def test_examples_of_the_help_run(command: str, tmp_path: Path, good_ledger: testing.GeneratedLedger) -> None:
    prepare_examples(tmp_path, good_ledger)
    lines = examples(run_in(tmp_path, *command.split(), "--help").stdout)
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        for line in lines:
            for one in line.replace("localhost:50051", server.target).split("&&"):
                run_example(one, tmp_path, good_ledger)


def prepare_examples(folder: Path, ledger: testing.GeneratedLedger) -> None:
    """The files that the examples name."""
    (folder / "block.bin").write_bytes(ledger.block_info(6))
    (folder / "block.hex").write_text(ledger.blocks[0].hex() + "\n")
    (folder / "blocks").mkdir()
    for index in range(2):
        (folder / "blocks" / f"{index}.bin").write_bytes(ledger.block_info(index))
    (folder / "context.json").write_text(ledger.context.to_json())
    (folder / "leaves.txt").write_text("".join(f"{i:04x}\n" for i in range(9)))
    (folder / "leaves.bin").write_bytes(bytes(range(96)))
    (folder / "tx-hashes.txt").write_text("".join(hashlib.sha256(bytes([i])).hexdigest() + "\n" for i in range(5)))
    leaves = [i.to_bytes(2, "big") for i in range(9)]
    tree = pycore.MerkleTree(leaves)
    proof = {"tree": "rfc9162", "index": 5, "leaf_count": 9, "leaf": leaves[5].hex(), "root": tree.root.hex()}
    (folder / "proof.json").write_text(json.dumps(proof | {"proof": [bytes(step).hex() for step in tree.proof(5)]}))
    write_signatures(folder, "sm2", "signatures.jsonl")
    keys, signatures, messages = testing.generate_signatures("ecdsa-secp256k1", 10, seed=1)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    with (folder / "signatures.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["public_key", "signature", "message"])
        for key, signature, message in zip(keys, signatures, messages, strict=True):
            s = int.from_bytes(signature[32:].tobytes(), "big")
            low = signature[:32].tobytes().hex() + f"{min(s, order - s):064x}"
            writer.writerow([key.tobytes().hex(), low, message.tobytes().hex()])


def run_example(line: str, folder: Path, ledger: testing.GeneratedLedger) -> None:
    environment, words = {}, shlex.split(line.strip())
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    assert words.pop(0) == "pycore"
    if "HEX" in words and "verify" in words:
        scheme = words[words.index("--scheme") + 1] if "--scheme" in words else "ed25519"
        triple = [column[0].tobytes() for column in testing.generate_signatures(scheme, 1)]
        if "--public-key-file" in words:
            key = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + triple.pop(0)).decode()  # RFC 8410
            (folder / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
            (folder / "letter.txt").write_bytes(triple[1])
        words = [triple.pop(0).hex() if word == "HEX" else word for word in words]
    elif "HEX" in words:  # validate --height 7 --previous-hash HEX block.bin
        previous = ledger.context_for(6).previous_block_hash
        assert previous is not None
        words = [previous.hex() if word == "HEX" else word for word in words]
    redirected = None
    if ">" in words:
        redirected = folder / words[words.index(">") + 1]
        words = words[: words.index(">")]
    words = [name for word in words for name in (sorted(p.name for p in folder.glob(word)) if "*" in word else [word])]
    done = run_in(folder, *words, **environment)
    # a leaf that is not in the tree, and a block checked without knowing its chain, are examples of "no"
    refused = "--leaf" in words or ("validate" in words and "--context" not in words)
    assert done.returncode == (1 if refused else 0), (line, done.stdout, done.stderr)
    if redirected is not None:
        redirected.write_text(done.stdout)
    if "--json" in words:
        json.loads(done.stdout)


def test_examples_of_serve_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pycore.service.__main__ import parse

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pycore.toml").write_text("workers = 2\n")
    lines = examples(run_in(tmp_path, "serve", "--help").stdout)
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line)
        assert parse(words[words.index("serve") + 1 :]).address


# ---- exit codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["hash", "--nonsense"],
        ["hash", "--algorithm", "md5"],
        ["hash", "--hex", "0g"],
        ["hash", "absent.bin"],
        ["validate"],
        ["validate", "absent.bin"],
        ["validate", "--chain", "nochain", "."],
        ["verify"],
        ["verify", "--scheme", "rsa", "--public-key", "00", "--signature", "00", "--message", "00"],
        ["verify", "--public-key", "00"],
        ["verify", "absent.jsonl"],
        ["merkle", "root"],
        ["merkle", "root", "--leaves", "absent"],
        ["merkle", "check"],
        ["bench", "nothing-of-that-name"],
        ["bench", "--batch", "0"],
        ["serve", "--nonsense", "1"],
        ["serve", "--address", "0.0.0.0:1"],
        ["demo", "--blocks", "0"],
        ["demo", "--suite", "rsa", "--once"],
    ],
    ids=" ".join,
)
def test_wrong_calls_exit_2(cli: Run, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr


def test_environment_exits_3(cli: Run, process: Run) -> None:
    for arguments in (["info", "--via", "127.0.0.1:1"], ["bench", "hash", "--backend", "abacus"]):
        done = cli(*arguments)
        assert done.returncode == 3, (done.stdout, done.stderr)
        assert done.stderr.startswith("pycore: ")
    done = process("info", PYCORE_BACKEND="abacus")
    assert done.returncode == 3
    assert "abacus" in done.stderr


def test_processes_end_with_the_same_codes(process: Run, tmp_path: Path) -> None:
    """A shell sees what the cases above see in process."""
    (tmp_path / "SUMS").write_text(f"{'00' * 32}  SUMS\n")
    for arguments, code in ((["hash", "SUMS"], 0), (["hash", "--check", "SUMS"], 1), (["hash", "absent"], 2)):
        done = process(*arguments)
        assert done.returncode == code
        assert "Traceback" not in done.stderr


def test_missing_extra_is_named(tmp_path: Path) -> None:
    """With typer, rich or grpc absent the message says what to install."""
    program = "import sys; sys.modules[{!r}] = None; sys.argv[1:] = {!r}; from pycore.cli import main; main()"
    for module, arguments, extra in (
        ("typer", ["info"], "cli"),
        ("rich", ["info"], "cli"),
        ("grpc", ["info", "--via", "localhost:1"], "service"),
        ("pydantic_settings", ["serve"], "service"),
        ("grpc", ["demo", "--once"], "service"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program.format(module, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 3, (module, done.stdout, done.stderr)
        assert install_command(extra) in done.stderr
        assert "Traceback" not in done.stderr


def test_json_errors_name_field_got_wanted(cli: Run) -> None:
    done = cli("hash", "--algorithm", "md5", "--hex", "00", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert (error["field"], error["got"]) == ("algorithm", "'md5'")
    assert "sm3" in error["wanted"]


# ---- over the wire, info, and the rest -------------------------------------------------------------------------------


def test_via_gives_the_same_answers(cli: Run, tmp_path: Path, ledger: testing.GeneratedLedger) -> None:
    write_signatures(tmp_path, "sm2", "s.jsonl", spoil=(4,))
    (tmp_path / "block").write_bytes(ledger.block_info(0))
    (tmp_path / "context").write_text(ledger.context_for(0).replace(rw_sets=None).to_json())
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        for arguments in (["verify", "-s", "sm2", "s.jsonl"], ["validate", "block", "--context", "context"]):
            here, there = cli(*arguments, "--json"), cli(*arguments, "--json", "--via", server.target)
            assert here.returncode == there.returncode == 1, there.stderr
            mine, theirs = json.loads(here.stdout), json.loads(there.stdout)
            for volatile in ("timings",):
                mine.pop(volatile, None)
                theirs.pop(volatile, None)
            assert theirs == mine
        remote: dict[str, Any] = json.loads(cli("info", "--json", "--via", server.target).stdout)
    local: dict[str, Any] = json.loads(cli("info", "--json").stdout)
    assert remote["version"] == local["version"] == pycore.__version__
    assert [one["name"] for one in remote["schemes"]] == [one["name"] for one in local["schemes"]]


def test_info_shows_what_runs_and_why(cli: Run, process: Run) -> None:
    shown = cli("info").stdout
    for name in (*pycore.SCHEMES, *pycore.HASHES, "portable", "chainmaker"):
        assert name in shown
    assert json.loads(process("info", "--json", PYCORE_BACKEND="portable").stdout)["active"]["sm2"] == "portable"


def test_a_list_of_choices_is_not_saved(tmp_path: Path) -> None:
    done = run_in(tmp_path, "tune", "--list", "--output", "choices.json")
    assert done.returncode == 2
    assert "--output" in done.stderr
    assert not list(tmp_path.iterdir())


def test_text_from_strangers_is_escaped_wherever_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    hostile, shown = "\x1b[2J\nVALID", "\\x1b[2J\\nVALID"
    print_table(("part",), [(hostile,)])
    note(hostile)
    report = BundleReport(
        chain="chainmaker", rules="strict", checks=(), chain_id=hostile, kind="transaction", height=1, block_hash=b"",
        certified_by=(hostile,), facts={"name": hostile},
    )  # fmt: skip
    show_conditions(report)
    _show({**pycore.capabilities().to_dict(), "chains": [hostile], "trees": [hostile], "cpu_features": [hostile]})
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert "\nVALID" not in written.out + written.err
    assert (written.out.count(shown), written.err.count(shown)) == (7, 1)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_message_that_repeats_a_stranger_is_escaped(cli: Run, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    def refuse(chain: str) -> None:
        raise PycoreError("\x1b[2J\nVALID")

    monkeypatch.setattr("pycore.ledgers.get", refuse)
    done = cli("validate", "block.bin", *(["--json"] * as_json))
    assert (done.returncode, done.stderr) == (3, "pycore: \\x1b[2J\\nVALID\n")
