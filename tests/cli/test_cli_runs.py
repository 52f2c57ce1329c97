"""``pycore validate`` of several blocks, run as a user runs it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from chain_blocks import ConfiguredChain
from cli_runs import Run, cli_fixture, good_ledger_fixture, ledger_fixture, process_fixture  # noqa: F401
from conftest import PACKAGE

from pycore.cli._blocks import MOST_BLOCK_BYTES, Block, block_files, read_blocks
from pycore.cli._runs import progress
from pycore.errors import InputError
from pycore.ledgers.chainmaker import Checkpoint
from pycore.service.config import ServiceConfig
from pycore.service.server import background
from pycore.testing import GeneratedLedger

COUNT = 6


def delimited(blocks: list[bytes]) -> bytes:
    """Each block behind its length, as protobuf writes messages one after another."""

    def varint(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)

    return b"".join(varint(len(block)) + block for block in blocks)


@pytest.fixture(scope="module")
def chain() -> ConfiguredChain:
    """Six blocks; the third adds a node."""
    made = ConfiguredChain()
    for index in range(COUNT):
        if index == 2:
            made.add_configuration(5)
            made.elect(5)
        else:
            made.add()
    return made


@pytest.fixture
def folder(tmp_path: Path, chain: ConfiguredChain) -> Path:
    """``chain`` with a file for each block, ``all`` with all of them, ``context.json``."""
    inside = tmp_path / "chain"
    inside.mkdir()
    for index, block in enumerate(chain.blocks):
        (inside / f"block-{index + 8}.bin").write_bytes(block)  # 9 comes before 10
    (inside / "ledger.json").write_text("{}")
    (inside / ".hidden").write_text("no block")
    (tmp_path / "all").write_bytes(delimited(chain.blocks))
    (tmp_path / "context.json").write_text(chain.context.to_json())
    return tmp_path


CONTEXT = ("--context", "context.json", "--require-complete")


@pytest.mark.parametrize("names", [["chain"], ["--delimited", "all"], [f"chain/block-{i + 8}.bin" for i in range(6)]])
def test_a_run(cli: Run, folder: Path, names: list[str]) -> None:
    done = cli("validate", *CONTEXT, *names)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.splitlines() == [
        "VALID: 6 blocks, heights 1 to 6, 0 not valid, 0 not complete; 16 transactions, 0 invalid"
    ]
    assert done.stderr == ""


def test_a_run_as_json(cli: Run, folder: Path, chain: ConfiguredChain) -> None:
    done = cli("validate", *CONTEXT, "chain", "--json")
    shown = json.loads(done.stdout)
    assert (shown["valid"], shown["complete"], shown["count"]) == (True, True, 6)
    assert [block["height"] for block in shown["blocks"]] == [1, 2, 3, 4, 5, 6]
    assert shown["blocks"][0]["file"] == "chain/block-8.bin"
    assert shown["checkpoint"]["context"]["validators"] == list(chain.ids(5))
    assert Checkpoint.from_dict(shown["checkpoint"]).height == 6


def test_standard_input_of_many_blocks(folder: Path, chain: ConfiguredChain) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pycore.cli", "validate", *CONTEXT, "--delimited", "-"],
        cwd=folder, input=delimited(chain.blocks), capture_output=True, timeout=240, check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"VALID: 6 blocks")


def test_a_block_that_is_missing(cli: Run, folder: Path) -> None:
    (folder / "chain" / "block-9.bin").unlink()
    done = cli("validate", *CONTEXT, "chain")
    assert done.returncode == 1
    first, *lines = done.stdout.splitlines()
    assert first == "chain/block-10.bin: block 3 is not valid"
    assert any(line.startswith("  height: failed, got 3, wanted 2") for line in lines)
    assert lines[-1].startswith("INVALID: 5 blocks, heights 1 to 6,")


def test_a_run_that_is_valid_and_not_complete(cli: Run, folder: Path) -> None:
    for index in (4, 5):  # made by the new node
        (folder / "chain" / f"block-{index + 8}.bin").unlink()
    (folder / "open.json").write_text(json.dumps(json.loads((folder / "context.json").read_text()) | {"nodes": {}}))
    done = cli("validate", "--context", "open.json", "chain")
    assert done.returncode == 0, done.stdout
    assert "the context was not moved on: block 3: " in done.stdout
    assert cli("validate", "--context", "open.json", "chain", "--require-complete").returncode == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_no_block(cli: Run, folder: Path, as_json: bool) -> None:
    (folder / "chain" / "block-10.bin").write_bytes(b"\xff" * 50)
    done = cli("validate", *CONTEXT, "chain", *(["--json"] * as_json))
    assert done.returncode == 2
    assert "chain/block-10.bin: got 50 bytes that " in done.stderr
    assert "Traceback" not in done.stderr
    if as_json:
        shown = json.loads(done.stdout)
        assert [block["height"] for block in shown["blocks"]] == [1, 2]
        assert shown["error"]["field"] == "chain/block-10.bin"
        assert (shown["valid"], shown["complete"], shown["checkpoint"]["height"]) == (False, False, 2)
    else:
        assert done.stdout.startswith("ENDED EARLY: 2 blocks, heights 1 to 2")


@pytest.mark.parametrize("how", [[], ["--json"], ["--checkpoint", "place.json"]])
def test_a_run_without_a_block_is_no_success(cli: Run, folder: Path, how: list[str]) -> None:
    (folder / "none").write_bytes(b"")
    done = cli("validate", *CONTEXT, "--delimited", "none", *how)
    assert done.returncode == 2
    assert done.stderr == "pycore: FILE: got no block in 'none', wanted at least one block\n"
    assert "VALID" not in done.stdout
    assert not (folder / "place.json").exists()
    if "--json" in how:
        assert json.loads(done.stdout)["error"]["field"] == "FILE"


def test_an_export_with_nothing_new_after_a_checkpoint(cli: Run, folder: Path) -> None:
    (folder / "none").write_bytes(b"")
    run = ("validate", *CONTEXT, "--checkpoint", "place.json", "--delimited")
    assert cli(*run, "all").returncode == 0
    done = cli(*run, "none")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("VALID: 0 blocks")
    assert "going on after block 6" in done.stderr


def test_one_block_is_reported_as_before(cli: Run, folder: Path) -> None:
    shown = json.loads(cli("validate", *CONTEXT, "chain/block-8.bin", "--json").stdout)
    assert (shown["height"], shown["valid"]) == (1, True)
    assert "blocks" not in shown


HOSTILE = b"\x1b[2J\x1b[31mVALID: \n\x07"


def test_text_of_a_block_does_not_steer_the_terminal(
    cli: Run, tmp_path: Path, ledger: GeneratedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = ledger.block_info(0)
    found = re.search(rb"[0-9a-f]{64}", raw)
    assert found is not None
    (tmp_path / "block.bin").write_bytes(raw.replace(found.group(), HOSTILE.ljust(64, b"0")))
    for drawn in (False, True):
        monkeypatch.setattr("pycore.cli._output.is_terminal", lambda drawn=drawn: drawn)
        monkeypatch.setenv("COLUMNS", "400")
        for arguments in (["block.bin"], ["block.bin", "block.bin"]):
            done = cli("validate", *arguments)
            assert done.returncode == 1, done.stderr
            assert "\\x1b[2J\\x1b[31mVALID: \\n\\x07" in done.stdout
            assert "\x07" not in done.stdout
            assert "\x1b[2J" not in done.stdout + done.stderr
            assert not any(line.startswith("VALID") for line in done.stdout.splitlines())


# ---- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_run_goes_on_where_it_was(cli: Run, folder: Path) -> None:
    names = [f"chain/block-{i + 8}.bin" for i in range(6)]
    place = ("--checkpoint", "place.json")
    done = cli("validate", *CONTEXT, *place, *names[:2])
    assert done.returncode == 0
    assert json.loads((folder / "place.json").read_text())["height"] == 2
    for files, first in ((names[2:4], 3), (["chain"], 5)):
        done = cli("validate", *CONTEXT, *place, *files)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert f"heights {first} to " in done.stdout
        assert f"going on after block {first - 1}" in done.stderr
    done = cli("validate", *CONTEXT, *place, "chain")
    assert done.returncode == 0
    assert done.stdout.startswith("VALID: 0 blocks, ")
    assert "6 blocks up to height 6 are behind the checkpoint" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["all", "chain", "context.json", "place.json"]


def test_a_checkpoint_stays_before_the_first_block_that_is_not_valid(cli: Run, folder: Path) -> None:
    good = (folder / "chain" / "block-11.bin").read_bytes()
    spoilt = good[:-1] + bytes([good[-1] ^ 1])
    (folder / "chain" / "block-11.bin").write_bytes(spoilt)
    run = ("validate", *CONTEXT, "--checkpoint", "place.json", "chain")
    for _ in range(2):
        assert cli(*run).returncode == 1
        assert json.loads((folder / "place.json").read_text())["height"] == 3
    (folder / "chain" / "block-11.bin").write_bytes(good)
    done = cli(*run)
    assert done.returncode == 0
    assert "heights 4 to 6" in done.stdout


def test_checkpoints_that_cannot_be_used(cli: Run, folder: Path) -> None:
    for text in ("", "[]", "{}", "{", '{"format": 1}'):
        (folder / "place.json").write_text(text)
        done = cli("validate", *CONTEXT, "--checkpoint", "place.json", "chain")
        assert done.returncode == 2, text
        assert "checkpoint" in done.stderr
        assert (folder / "place.json").read_text() == text
    (folder / "place.json").unlink()
    assert cli("validate", *CONTEXT, "--checkpoint", "place.json", "chain").returncode == 0
    assert cli("validate", "--height", "7", "--checkpoint", "place.json", "chain").returncode == 2
    assert cli("validate", "--checkpoint", "absent/place.json", "chain/block-8.bin").returncode == 2


def test_options_that_a_checkpoint_overrides(cli: Run, folder: Path, good_ledger: GeneratedLedger) -> None:
    known, other, *_ = good_ledger.context.certificates.values()
    (folder / "known.pem").write_text(known)
    (folder / "other.pem").write_text(other)
    run = ("validate", *CONTEXT, "--checkpoint", "place.json", "chain/block-8.bin")
    first = ("--rules", "strict", "--certificate", "known.pem")
    assert cli(*run, *first).returncode == 0
    kept = (folder / "place.json").read_text()
    assert cli(*run, *first).returncode == 0
    for option, value, field, words in (
        ("--rules", "compatible", "--rules", "'compatible', wanted strict"),
        ("--certificate", "other.pem", "--certificate", "began without"),
        ("--previous-proposer", "node", "--checkpoint", "--previous-proposer"),
        ("--previous-hash", "00" * 32, "--checkpoint", "--previous-hash"),
        ("--height", "2", "--checkpoint", "--height"),
    ):
        done = cli(*run, option, value)
        assert done.returncode == 2, option
        assert done.stderr.startswith(f"pycore: {field}: got ")
        assert words in done.stderr
        assert (folder / "place.json").read_text() == kept


def test_a_run_over_the_service(cli: Run, folder: Path) -> None:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        via = ("--via", server.target, "--checkpoint", "place.json")
        done = cli("validate", *CONTEXT, *via, "chain/block-8.bin", "chain/block-9.bin")
        assert done.returncode == 0, (done.stdout, done.stderr)
        done = cli("validate", *CONTEXT, *via, "chain")
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert "heights 3 to 6" in done.stdout
        (folder / "place.json").unlink()
        (folder / "chain" / "block-10.bin").write_bytes(b"\xff" * 50)
        done = cli("validate", *CONTEXT, *via, "chain")
        assert done.returncode == 2
        assert "chain/block-10.bin: got 50 bytes" in done.stderr
        assert json.loads((folder / "place.json").read_text())["height"] == 2


# ---- files -----------------------------------------------------------------------------------------------------------


def test_the_order_of_a_folder(tmp_path: Path) -> None:
    names = ["b10", "b9", "b9a", "a", "10", "9", "b009.bin"]
    for name in (*names, ".x", "c.json", "c.PEM"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "sub").mkdir()
    found = [Path(one).name for one in block_files([str(tmp_path), "-", "x.json"])]
    assert found == ["9", "10", "a", "b9", "b009.bin", "b9a", "b10", "-", "x.json"]


def test_a_folder_without_blocks(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = cli("validate", "empty")
    assert done.returncode == 2
    assert "a folder without blocks" in done.stderr


def test_blocks_behind_their_lengths(tmp_path: Path) -> None:
    blocks = [b"", b"a", bytes(127), bytes(128), bytes(300)]
    path = tmp_path / "many"
    path.write_bytes(delimited(blocks))
    found = list(read_blocks([str(path)], delimited=True))
    assert found == [Block(f"{path}, block {i + 1}", block) for i, block in enumerate(blocks)]
    path.write_bytes(b"")
    assert list(read_blocks([str(path)], delimited=True)) == []


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (b"\x80", "cut off"), (b"\x05abc", "3 of 5 bytes"), (b"\x80" * 5 + b"\x01", "more than five bytes"),
        (b"\xff\xff\xff\xff\x0f", f"at most {MOST_BLOCK_BYTES}"),
    ],
)  # fmt: skip
def test_lengths_that_are_wrong(tmp_path: Path, tail: bytes, words: str) -> None:
    path = tmp_path / "many"
    path.write_bytes(b"\x01a" + tail)
    blocks = read_blocks([str(path)], delimited=True)
    assert next(blocks).data == b"a"
    with pytest.raises(InputError, match=words) as caught:
        next(blocks)
    assert caught.value.field.endswith("many, block 2")


# ---- progress --------------------------------------------------------------------------------------------------------


def test_no_line_where_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    with progress(1000, quiet=False) as advance:
        advance(500, 20)
    assert heard.getvalue() == ""


def test_a_line_on_a_terminal(folder: Path) -> None:
    """Standard error is a terminal, standard output is not: blocks, transactions a second and the time left."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", "pycore.cli", "validate", *CONTEXT, "chain"],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=follower, timeout=240, check=False,
        env=environment,
    )  # fmt: skip
    os.close(follower)
    heard = b""
    while True:
        try:
            piece = os.read(leader, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        heard += piece
    os.close(leader)
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "VALID: 6 blocks, heights 1 to 6, 0 not valid, 0 not complete; 16 transactions, 0 invalid"
    ]
    for words in (b"validating", b"blocks", b"tx/s", b"ETA"):
        assert words in heard
