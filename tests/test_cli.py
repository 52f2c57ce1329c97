"""The pycore command, run as a user runs it: exit codes, JSON, and every example that --help shows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import testing
from pycore.service.config import ServiceConfig
from pycore.service.server import background

ROOT = Path(__file__).resolve().parent.parent
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
    "info",
    "demo",
]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run_in(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
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


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """Runs pycore in an empty folder, as a process of its own."""
    return lambda *arguments, **options: run_in(tmp_path, *arguments, **options)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
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


@pytest.fixture(scope="module")
def ledger() -> testing.GeneratedLedger:
    return testing.generate_ledger(blocks=2, txs_per_block=12, seed=5, invalid_every=12, kinds=["signature-bit"])


@pytest.fixture(scope="module")
def good_ledger() -> testing.GeneratedLedger:
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
    assert "--json" in done.stdout or command == "serve"  # its log is JSON already


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


@pytest.mark.parametrize("command", [one for one in COMMANDS if one not in ("serve", "demo", "bench")])
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
        triple = [column[0].tobytes().hex() for column in testing.generate_signatures("ed25519", 1)]
        words = [triple.pop(0) if word == "HEX" else word for word in words]
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
    """What the cases above see in process is what a shell sees."""
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
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 3, (module, done.stdout, done.stderr)
        assert f"pycore-validation[{extra}]" in done.stderr
        assert "Traceback" not in done.stderr


def test_json_errors_name_field_got_wanted(cli: Run) -> None:
    done = cli("hash", "--algorithm", "md5", "--hex", "00", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert (error["field"], error["got"]) == ("algorithm", "'md5'")
    assert "sm3" in error["wanted"]


# ---- hash ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", list(pycore.HASHES))
def test_hash_of_files_text_and_stdin(cli: Run, tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"")
    done = cli("hash", "-a", algorithm, "a", "b", "--hex", "61 6263", "--json")
    assert done.returncode == 0
    digests = [row["digest"] for row in json.loads(done.stdout)["digests"]]
    abc = pycore.hash(algorithm, b"abc").hex()
    assert digests == [abc, pycore.hash(algorithm, b"").hex(), abc]
    assert cli("hash", "-a", algorithm, stdin="abc").stdout == f"{abc}  -\n"


def test_hash_agrees_with_sha256sum_form(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert cli("hash", "a").stdout == f"{hashlib.sha256(b'abc').hexdigest()}  a\n"


def test_hash_check(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"def")
    (tmp_path / "SUMS").write_text(cli("hash", "-a", "sm3", "a", "b").stdout)
    assert cli("hash", "-a", "sm3", "--check", "SUMS").returncode == 0
    (tmp_path / "b").write_bytes(b"deg")
    (tmp_path / "a").unlink()
    done = cli("hash", "-a", "sm3", "--check", "SUMS")
    assert done.returncode == 1
    assert done.stdout == "a: MISSING\nb: FAILED\n"
    files = json.loads(cli("hash", "-a", "sm3", "--check", "SUMS", "--json").stdout)["files"]
    assert [row["valid"] for row in files] == [False, False]
    (tmp_path / "SUMS").write_text("rubbish\n")
    assert cli("hash", "--check", "SUMS").returncode == 2


# ---- merkle
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tree", "algorithm"), [("rfc9162", None), ("bitcoin", None), ("chainmaker", "sm3")])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_merkle_root_prove_check(cli: Run, tmp_path: Path, tree: str, algorithm: str | None, count: int) -> None:
    leaves = [hashlib.sha256(bytes([i])).digest() for i in range(count)]
    (tmp_path / "leaves").write_text("".join(leaf.hex() + "\n" for leaf in leaves))
    options = ["--tree", tree] + (["--hash", algorithm] if algorithm else [])
    wanted = pycore.merkle_root(leaves, tree=tree, hash=algorithm)
    assert cli("merkle", "root", "--leaves", "leaves", *options).stdout.strip() == wanted.hex()
    index = count - 1
    done = cli("merkle", "prove", "--leaves", "leaves", "--index", str(index), *options, "--json")
    proof = json.loads(done.stdout)
    assert proof["root"] == wanted.hex()
    assert cli("merkle", "check", "--from", "-", stdin=done.stdout).returncode == 0
    for change in ({"leaf": "00" * 32}, {"root": "00" * 32}, {"index": count}, {"leaf_count": 2 * count + 1}):
        refused = cli("merkle", "check", "--from", "-", "--json", stdin=json.dumps(proof | change))
        assert refused.returncode == 1, change
        assert json.loads(refused.stdout)["valid"] is False


@pytest.mark.parametrize(
    "document",
    [
        "not JSON",
        "[]",
        "[" * 100_000,
        '{"root": 5, "leaf": "00", "index": 0, "leaf_count": 1}',
        '{"root": "00", "leaf": "00", "index": "0", "leaf_count": 1}',
        '{"root": "00", "leaf": "00", "index": true, "leaf_count": 1}',
        '{"root": "00", "leaf": "00", "index": -1, "leaf_count": 1}',
        '{"root": "00", "leaf": "00", "index": 0, "leaf_count": 1, "proof": "00"}',
        '{"root": "00", "leaf": "00", "index": 0, "leaf_count": 1, "proof": [1]}',
        '{"root": "00", "leaf": "00", "index": 0, "leaf_count": 1, "tree": "oak"}',
        '{"root": "00", "leaf": "00", "index": 0, "leaf_count": 1, "tree": [5]}',
        '{"root": "00", "leaf": "00", "index": 0, "leaf_count": 1, "hash": {"a": 1}}',
    ],
    ids=lambda text: text[:60],
)
def test_merkle_malformed_proofs_exit_2(cli: Run, document: str) -> None:
    done = cli("merkle", "check", "--from", "-", stdin=document)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_not_an_error(tmp_path: Path) -> None:
    write_signatures(tmp_path, "sm2", "s.jsonl", n=2000)
    command = f"{shlex.quote(sys.executable)} -m pycore.cli verify -s sm2 s.jsonl --all | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("item")
    assert done.stderr == ""
    assert done.returncode == 141


def test_merkle_packed_leaves(cli: Run, tmp_path: Path) -> None:
    """A file of fixed-width leaves, larger than what is mapped at a time."""
    data = np.random.default_rng(3).integers(0, 256, (300_000, 16), dtype=np.uint8)
    (tmp_path / "leaves.bin").write_bytes(data.tobytes())
    wanted = pycore.MerkleTree(data, hash="sm3")
    options = ["--packed", "leaves.bin", "--width", "16", "--hash", "sm3"]
    assert cli("merkle", "root", *options).stdout.strip() == wanted.root.hex()
    done = cli("merkle", "prove", "--index", "299999", *options, "--json")
    assert json.loads(done.stdout)["proof"] == [step.hex() for step in wanted.proof(299_999)]
    assert cli("merkle", "check", "--from", "-", stdin=done.stdout).returncode == 0
    assert cli("merkle", "root", "--packed", "leaves.bin", "--width", "7").returncode == 2
    assert cli("merkle", "root", "--packed", "leaves.bin", "--leaves", "leaves.bin").returncode == 2


def test_merkle_append(cli: Run, tmp_path: Path) -> None:
    """A log in four calls: each tree extends the one before, and the watched leaf is proved in each that has it."""
    texts = [f"{i:04x}\n" for i in range(40)]
    leaves = [bytes.fromhex(text) for text in texts]
    start = 0
    for stop in (1, 5, 17, 40):
        (tmp_path / "leaves").write_text("".join(texts[start:stop]))
        new = ["--watch", "4", "--hash", "sm3"] if not start else []
        done = cli("merkle", "append", "--state", "log", "--leaves", "leaves", "--json", *new)
        grown = json.loads(done.stdout)
        built = pycore.MerkleTree(leaves[:stop], hash="sm3")
        assert (grown["root"], grown["leaf_count"]) == (built.root.hex(), stop)
        assert grown["proofs"] == ({"4": [step.hex() for step in built.proof(4)]} if stop > 4 else {})
        if start:
            assert grown["proof"] == [step.hex() for step in built.consistency_proof(start)]
            assert cli("merkle", "check", "--from", "-", stdin=done.stdout).returncode == 0
            spoilt = json.dumps({**grown, "old_root": "00" * 32})
            assert cli("merkle", "check", "--from", "-", stdin=spoilt).returncode == 1
            missing = json.dumps({**grown, "old_leaf_count": None})
            assert cli("merkle", "check", "--from", "-", stdin=missing).returncode == 2
        start = stop
    state = (tmp_path / "log").read_bytes()
    for wrong in (["--watch", "3"], ["--hash", "sha256"], ["--tree", "bitcoin"]):
        assert cli("merkle", "append", "--state", "log", "--leaves", "leaves", *wrong).returncode == 2
    (tmp_path / "bad").write_bytes(b"no state")
    assert cli("merkle", "append", "--state", "bad", "--leaves", "leaves").returncode == 2
    assert (tmp_path / "log").read_bytes() == state
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "leaves", "log"]


def test_merkle_ssz_limits(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "leaves").write_text("".join(f"{i:064x}\n" for i in range(3)))
    options = ["--leaves", "leaves", "--tree", "ssz", "--limit", "1000"]
    wanted = pycore.merkle_root([i.to_bytes(32, "big") for i in range(3)], tree="ssz", limit=1000)
    assert cli("merkle", "root", *options).stdout.strip() == wanted.hex()
    done = cli("merkle", "prove", "--index", "2", *options, "--json")
    assert cli("merkle", "check", "--from", "-", stdin=done.stdout).returncode == 0
    assert cli("merkle", "check", "--from", "-", "--limit", "5", stdin=done.stdout).returncode == 1


def test_hash_of_large_files(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mapped, batched and empty files give the same digests."""
    monkeypatch.setattr("pycore.cli.hash._LARGE", 100)
    for name, size in [("a", 5000), ("b", 99), ("c", 60), ("d", 0), ("e", 101)]:
        (tmp_path / name).write_bytes(os.urandom(size))
    done = cli("hash", "a", "b", "c", "d", "e", "--json")
    for row in json.loads(done.stdout)["digests"]:
        data = (tmp_path / row["name"]).read_bytes()
        assert (row["size"], row["digest"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_merkle_leaves_from_files(cli: Run, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    root = json.loads(cli("merkle", "root", "a", "b", "c", "--json").stdout)
    assert root["root"] == pycore.merkle_root([b"a", b"b", b"c"]).hex()
    assert root["leaf_count"] == 3
    assert cli("merkle", "prove", "--index", "3", "a", "b", "c").returncode == 2


# ---- verify
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".npz"])
@pytest.mark.parametrize("scheme", list(pycore.SCHEMES))
def test_verify_files(cli: Run, tmp_path: Path, scheme: str, suffix: str) -> None:
    write_signatures(tmp_path, scheme, f"good{suffix}")
    write_signatures(tmp_path, scheme, f"bad{suffix}", spoil=(2, 9))
    good = cli("verify", "--scheme", scheme, f"good{suffix}")
    assert good.returncode == 0, good.stderr
    assert good.stdout == "10 items, 10 valid, 0 invalid\n"
    bad = cli("verify", "--scheme", scheme, f"bad{suffix}", "--json")
    assert bad.returncode == 1
    answer = json.loads(bad.stdout)
    assert [i for i, name in enumerate(answer["verdicts"]) if name != "VALID"] == [2, 9]
    assert answer["verdicts"][2] == "BAD_SIGNATURE"
    assert answer["bitmap"] == "fb01"


def test_verify_options_reach_the_kernel(cli: Run, tmp_path: Path) -> None:
    key, signature, message = (
        column[0].tobytes().hex() for column in testing.generate_signatures("sm2", 1, user_id=b"node-7")
    )
    single = ["verify", "--scheme", "sm2", "--public-key", key, "--signature", signature]
    assert cli(*single, "--message", message, "--user-id", "node-7").returncode == 0
    assert cli(*single, "--message", message).returncode == 1
    assert cli(*single, "--message", message, "--no-user-id").returncode == 1
    (tmp_path / "text").write_bytes(bytes.fromhex(message))
    assert cli(*single, "--message-file", "text", "--user-id", "node-7").returncode == 0
    assert "MALFORMED_SIGNATURE" in cli(*single, "--message", message, "--encoding", "der").stdout


def test_verify_lists_all_when_asked(cli: Run, tmp_path: Path) -> None:
    write_signatures(tmp_path, "ecdsa-p256", "s.jsonl", spoil=(1,), n=3)
    listed = cli("verify", "-s", "ecdsa-p256", "s.jsonl").stdout.splitlines()
    assert len(listed) == 3  # header, the invalid one, the sum
    assert listed[1].split()[:2] == ["1", "BAD_SIGNATURE"]
    assert len(cli("verify", "-s", "ecdsa-p256", "s.jsonl", "--all").stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", "not json\n"),
        ("x.jsonl", "[1]\n"),
        ("x.jsonl", '{"public_key": "00", "signature": "00"}\n'),
        ("x.jsonl", '{"public_key": "00", "signature": "0", "message": ""}\n'),
        ("x.jsonl", '{"public_key": 5, "signature": "00", "message": ""}\n'),
        ("x.csv", "key,sig\n00,00\n"),
        ("x.npz", "not an archive"),
        ("x.txt", ""),
        ("x.jsonl", b"\xff\xfe"),
        ("x.csv", b"\xff\xfe"),
        ("x.npz", b""),
        ("x.npz", b"PK\x03\x04 and then nothing"),
        (
            "x.npz",
            b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b"\n1",
        ),
    ],
)
def test_verify_malformed_files_exit_2(cli: Run, tmp_path: Path, name: str, content: str | bytes) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = cli("verify", name)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr


def test_verify_nothing_is_valid(cli: Run) -> None:
    done = cli("verify", "-", stdin="")
    assert (done.returncode, done.stdout) == (0, "0 items, 0 valid, 0 invalid\n")


# ---- validate
# ------------------------------------------------------------------------------------------------------------


def test_validate(
    cli: Run, tmp_path: Path, ledger: testing.GeneratedLedger, good_ledger: testing.GeneratedLedger
) -> None:
    (tmp_path / "good.bin").write_bytes(good_ledger.block_info(0))
    (tmp_path / "good.hex").write_text("0x" + good_ledger.block_info(0).hex())
    (tmp_path / "bad.bin").write_bytes(ledger.block_info(0))
    (tmp_path / "good.json").write_text(good_ledger.context_for(0).to_json())
    (tmp_path / "bad.json").write_text(ledger.context_for(0).to_json())
    for name in ("good.bin", "good.hex"):
        done = cli("validate", name, "--context", "good.json", "--require-complete")
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert done.stdout.splitlines()[-1].startswith("VALID: ")
    done = cli("validate", "bad.bin", "--context", "bad.json", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    (spoilt,) = ledger.invalid_in(0).values()
    assert [(row["index"], row["verdict"]) for row in report["invalid_transactions"]] == [(spoilt.tx, spoilt.verdict)]
    assert {check["status"] for check in report["checks"] if check["name"] != "transactions"} == {"passed"}
    shown = cli("validate", "bad.bin", "--context", "bad.json").stdout
    assert "INVALID" in shown
    assert re.search(rf"^ *{spoilt.tx} +BAD_SIGNATURE", shown, re.MULTILINE)
    assert cli("validate", "good.bin", "--context", "bad.json").returncode == 1


def test_validate_options(cli: Run, tmp_path: Path, good_ledger: testing.GeneratedLedger) -> None:
    (tmp_path / "block").write_bytes(good_ledger.block_info(1))
    (tmp_path / "context").write_text(good_ledger.context.to_json())
    previous = good_ledger.blocks.previous_hash(1).hex()
    place = ["--height", "2", "--previous-hash", previous, "--require-complete"]
    assert cli("validate", "block", "--context", "context", *place).returncode == 0
    assert cli("validate", "block", "--context", "context", "--require-complete").returncode == 1
    assert cli("validate", "block", "--context", "context", "--height", "3").returncode == 1
    assert cli("validate", "block", "--context", "context", "--previous-hash", "00" * 32).returncode == 1
    assert cli("validate", "block", "--rules", "generous").returncode == 2
    known = json.loads((tmp_path / "context").read_text()) | {"certificates": {}}
    (tmp_path / "unknowing").write_text(json.dumps(known))
    assert cli("validate", "block", "--context", "unknowing").returncode == 1
    (tmp_path / "all.pem").write_text("".join(good_ledger.context.certificates.values()))
    assert cli("validate", "block", "--context", "unknowing", "--certificate", "all.pem").returncode == 0
    (tmp_path / "all.pem").write_text("no PEM here")
    assert cli("validate", "block", "--certificate", "all.pem").returncode == 2
    (tmp_path / "context").write_text('{"no_such_field": 1}')
    assert cli("validate", "block", "--context", "context").returncode == 2


def test_validate_rubbish_exits_2(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_bytes(b"\xff" * 100)
    done = cli("validate", "rubbish")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_validate_the_real_block(cli: Run, tmp_path: Path, require_vectors: Callable[[str], Path]) -> None:
    from pycore.cli._vectors import read_real_block

    path = require_vectors("chainmaker/real_blocks.json")
    real = read_real_block(path)
    (tmp_path / "block.bin").write_bytes(real.data)
    (tmp_path / "context.json").write_text(real.context.to_json())
    done = cli("validate", "--chain", "chainmaker", "block.bin", "--context", "context.json", "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["height"] == 2
    # the file holds no root certificates, so that one check can not be made
    assert {c["name"] for c in report["checks"] if c["status"] != "passed"} == {"trust_roots"}
    bare = json.loads(path.read_text())["blocks"][0]
    (tmp_path / "block.hex").write_text(bare["block_hex"])
    (tmp_path / "sender.pem").write_text(bare["sender_cert_pem"])
    assert cli("validate", "block.hex", "--certificate", "sender.pem").returncode == 0


# ---- over the wire, info, and the rest
# -------------------------------------------------------------------------------------


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
