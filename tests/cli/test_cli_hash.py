"""``pycore hash`` and ``pycore merkle``, run as a user runs them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from cli_runs import (
    Run,
    cli_fixture,  # noqa: F401
)

import pycore

PACKAGE = str(Path(pycore.__file__).parents[1])

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


def test_hash_of_a_large_file(cli: Run, tmp_path: Path) -> None:
    """Read piece by piece, like standard input and other files without a size."""
    data = bytes(range(256)) * (17 << 12) + b"end"
    (tmp_path / "large").write_bytes(data)
    (tmp_path / "small").write_bytes(b"abc")
    for algorithm in ("sha256", "blake3"):
        wanted = pycore.hash(algorithm, data).hex()
        done = cli("hash", "-a", algorithm, "large", "small", "--json")
        found = json.loads(done.stdout)["digests"]
        assert [(row["size"], row["digest"]) for row in found] == [
            (len(data), wanted),
            (3, pycore.hash(algorithm, b"abc").hex()),
        ]
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    assert cli("hash", "pipe").stdout == f"{hashlib.sha256(data).hexdigest()}  pipe\n"
    writer.join()


def test_the_bar_moves_within_a_file(tmp_path: Path) -> None:
    from pycore.cli.hash import _in_pieces

    (tmp_path / "large").write_bytes(bytes(3_500_000))
    steps: list[int] = []
    size, digest = _in_pieces("keccak256", tmp_path / "large", steps.append)
    assert (size, digest) == (3_500_000, pycore.hash("keccak256", bytes(3_500_000)).hex())
    assert sum(steps) == size
    assert len(steps) == 4


def test_hash_check(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"def")
    (tmp_path / "SUMS").write_text(cli("hash", "-a", "sm3", "a", "b").stdout)
    assert cli("hash", "-a", "sm3", "--check", "SUMS").returncode == 0
    (tmp_path / "b").write_bytes(b"deg")
    (tmp_path / "a").unlink()
    done = cli("hash", "-a", "sm3", "--check", "SUMS")
    assert done.returncode == 1
    assert done.stdout == "a: FAILED open or read\nb: FAILED\n"
    files = json.loads(cli("hash", "-a", "sm3", "--check", "SUMS", "--json").stdout)["files"]
    assert [row["valid"] for row in files] == [False, False]


SUMS = shutil.which("sha256sum")
ABC, EMPTY = hashlib.sha256(b"abc").hexdigest(), hashlib.sha256(b"").hexdigest()
LISTS = {
    "plain": f"{ABC}  abc\n{EMPTY}  empty\n",
    "binary": f"{ABC} *abc\n",
    "upper case": f"{ABC.upper()}  abc\n",
    "tagged": f"SHA256 (abc) = {ABC}\n",
    "another tag": f"SM3 (abc) = {ABC}\n",
    "a comment and an odd line": f"# comment\nnonsense\n{ABC}  abc\n",
    "no end of line": f"{ABC}  abc",
    "escaped": f"\\{ABC}  line\\nfeed\n\\{ABC}  back\\\\slash\n\\SHA256 (line\\nfeed) = {ABC}\n",
    "a wrong escape": f"\\{ABC}  line\\qfeed\n{ABC}  abc\n",
    "spaces first": f"  {ABC}  abc\n",
    "spaces in the name": f"{ABC}   two spaces\n{ABC}  a  b\n",
    "wrong digest": f"{EMPTY}  abc\n{EMPTY}  empty\n",
    "missing": f"{ABC}  missing\n{ABC}  abc\n",
    "a folder": f"{ABC}  folder\n{ABC}  abc\n",
    "empty": "",
    "only comments": "# nothing\n",
    "only nonsense": "nonsense\n",
    "blank lines": f"\n{ABC}  abc\n\n",
    "short digest": f"{ABC[:-2]}  abc\n",
    "long digest": f"{ABC}0  abc\n",
    "only a digest": f"{ABC}\n",
    "no name": f"{ABC}  \n{ABC}  abc\n",
    "carriage returns": f"{ABC}  abc\r\n\r\nSHA256 (abc) = {ABC}\r\n",
    "space after the name": f"{ABC}  abc \n",
    "single space": f"{ABC} abc\n",
    "a tab": f"{ABC}\tabc\n",
    "single space first": f"{ABC} abc\n{ABC}  abc\n{ABC} *abc\n",
    "single space later": f"{ABC}  abc\n{ABC} abc\nSHA256 (abc) = {ABC}\n",
    "single space after a tag": f"SHA256 (abc) = {ABC}\n{ABC} abc\n",
    "two asterisks": f"{ABC} **abc\n",
    "openssl 1": f"SHA256(abc)= {ABC}\n",
    "openssl 3": f"SHA2-256(abc)= {ABC}\n",
    "small tag": f"sha256 (abc) = {ABC}\n",
    "white space in a tag": f"SHA256 (abc)\t=\t {ABC}\n SHA256 (abc)={ABC}\n",
    "two spaces in a tag": f"SHA256  (abc) = {ABC}\n",
    "space after a tag": f"SHA256 (abc) = {ABC} \n",
    "brackets": f"SHA256 (a (b) = {ABC}\nSHA256 () = {ABC}\nSHA256 (abc = {ABC}\n",
    "a mark without escapes": f"\\{ABC}  abc\n\\ {ABC}  abc\n\\\\{ABC}  abc\n",
    "an escape cut off": f"\\{ABC}  back\\slash\\\n{ABC}  back\\slash\n",
    "standard input": f"{ABC}  -\n",
    "comment with a space first": f" # comment\n{ABC}  abc\n",
}
OPTIONS = (
    "--strict",
    "--quiet",
    "--status",
    "--warn",
    "--ignore-missing",
    "--ignore-missing --quiet",
    "--strict --status",
)
WITH_OPTIONS = (
    *("plain", "a comment and an odd line", "wrong digest", "missing", "a folder", "empty", "only nonsense"),
    *("blank lines", "carriage returns", "single space first"),
)


def sum_files(folder: Path) -> None:
    for name in ("abc", "line\nfeed", "back\\slash", " two spaces", "a  b"):
        (folder / name).write_bytes(b"abc")
    (folder / "empty").write_bytes(b"")
    (folder / "folder").mkdir()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_name_in_a_list_does_not_steer_the_terminal(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    (tmp_path / "list").write_text(f"{64 * '0'}  a\x1b[2Jb\n")
    monkeypatch.setattr("pycore.cli.hash.is_terminal", lambda: terminal)
    done = cli("hash", "-a", "sha256", "--check", "list")
    shown = "a\\x1b[2Jb" if terminal else "a\x1b[2Jb"
    assert done.stdout == f"{shown}: FAILED open or read\n"


@pytest.mark.skipif(SUMS is None, reason="sha256sum is absent")
@pytest.mark.parametrize("name", list(LISTS))
def test_lists_are_read_as_sha256sum_reads_them(cli: Run, tmp_path: Path, name: str) -> None:
    sum_files(tmp_path)
    (tmp_path / "SUMS").write_bytes(LISTS[name].encode())
    agree(cli, tmp_path, "SUMS")


def agree(cli: Run, folder: Path, *words: str) -> None:
    """Both commands say the same about some lists."""
    assert SUMS is not None
    command = [SUMS, "--check", *words]
    theirs = subprocess.run(command, cwd=folder, capture_output=True, env={"LC_ALL": "C"}, input=b"")
    ours = cli("hash", "--check", *words)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout.decode()), words


@pytest.mark.skipif(SUMS is None, reason="sha256sum is absent")
def test_options_do_as_in_sha256sum(cli: Run, tmp_path: Path) -> None:
    sum_files(tmp_path)
    for at, name in enumerate(WITH_OPTIONS):
        (tmp_path / f"S{at}").write_bytes(LISTS[name].encode())
        for options in OPTIONS:
            agree(cli, tmp_path, *options.split(), f"S{at}")
    (tmp_path / "gone").write_text(f"{ABC}  missing\n")
    agree(cli, tmp_path, "--ignore-missing", "gone")
    for lists in (["S0", "S5"], ["S5", "S0"], ["S0", "S0"], ["S0", "S2"], ["gone", "S0"]):
        agree(cli, tmp_path, *lists)


@pytest.mark.skipif(SUMS is None, reason="sha256sum is absent")
def test_tags_and_zero_bytes_as_in_sha256sum(cli: Run, tmp_path: Path) -> None:
    sum_files(tmp_path)
    names = ["abc", "line\nfeed", "back\\slash", " two spaces"]
    (tmp_path / "carriage\rreturn").write_bytes(b"abc")
    for options in (["--tag"], ["-z"], ["--zero", "--tag"], []):
        command = [SUMS, *options, *names, "carriage\rreturn"]
        theirs = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
        assert cli("hash", *command[1:]).stdout.encode() == theirs.stdout
    (tmp_path / "SM3SUMS").write_text(cli("hash", "-a", "sm3", "--tag", *names).stdout)
    assert (tmp_path / "SM3SUMS").read_text().startswith("SM3 (abc) = ")
    assert cli("hash", "-a", "sm3", "-c", "SM3SUMS", "--strict").returncode == 0
    assert cli("hash", "-a", "sha256", "-c", "SM3SUMS").returncode == 1
    for wrong in (["--tag", "-c", "SM3SUMS"], ["-z", "-c", "SM3SUMS"], ["--quiet", "abc"], ["-c", "--hex", "00"]):
        assert cli("hash", *wrong).returncode == 2


def test_a_line_with_a_zero_byte_is_odd(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "SUMS").write_bytes(f"{ABC}  abc\0/../other\n{ABC}  abc\n".encode())
    done = cli("hash", "--check", "SUMS")
    assert (done.returncode, done.stdout) == (0, "abc: OK\n")
    assert cli("hash", "--check", "--strict", "SUMS").returncode == 1


@pytest.mark.skipif(SUMS is None, reason="sha256sum is absent")
def test_lists_are_written_as_sha256sum_writes_them(tmp_path: Path) -> None:
    sum_files(tmp_path)
    names = [b"abc", b"line\nfeed", b"back\\slash", b" two spaces", b"a  b", b"not \xff utf-8", b"\xc3\xbc"]
    for name in names[5:]:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"abc")
    command = [sys.executable, "-m", "pycore.cli", "hash"]
    assert SUMS is not None
    for locale in ("C.UTF-8", "C"):
        environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONPATH": PACKAGE, "PYTHONIOENCODING": ""}
        ours = subprocess.run([*command, *names], cwd=tmp_path, capture_output=True, env=environment)
        theirs = subprocess.run([SUMS, *names], cwd=tmp_path, capture_output=True)
        assert (ours.returncode, ours.stdout) == (0, theirs.stdout), ours.stderr
        (tmp_path / "SUMS").write_bytes(ours.stdout)
        checked = subprocess.run([*command, "--check", "SUMS"], cwd=tmp_path, capture_output=True, env=environment)
        assert checked.returncode == 0, checked.stderr
        assert checked.stdout == subprocess.run([SUMS, "-c", "SUMS"], cwd=tmp_path, capture_output=True).stdout


def test_a_standard_output_that_is_closed_or_ascii(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "naïve.txt").write_bytes(b"abc")
    program = f"{sys.executable} -m pycore.cli"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONPATH": PACKAGE, "PYTHONIOENCODING": "ascii"}
    closed = subprocess.run(
        ["sh", "-c", f"{program} hash abc >&-"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (closed.returncode, closed.stderr) == (3, "pycore: standard output is closed\n")
    for words in ("hash *.txt", "hash --json *.txt", "hash --check *.txt"):
        done = subprocess.run(
            ["sh", "-c", f"{program} {words}"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == (1 if "check" in words else 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is absent")
@pytest.mark.parametrize(
    "words", ["hash abc", "hash --json abc", "hash --check SUMS", "info --json", "merkle root abc"]
)
def test_a_standard_output_that_is_full(tmp_path: Path, words: str) -> None:
    """Exit status 1 would say that something is invalid."""
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "SUMS").write_text(f"{ABC}  abc\n")
    command = f"{sys.executable} -m pycore.cli {words} > /dev/full"
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr.startswith("pycore: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_odd_in_a_list_is_named(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "SUMS").write_text(f"nonsense\n{ABC}  a\n")
    done = cli("hash", "--check", "SUMS")
    assert (done.returncode, done.stdout) == (0, "a: OK\n")
    assert done.stderr == "pycore: SUMS: line 1: wanted 64 hexadecimal digits, two spaces and a file name\n"
    document = json.loads(cli("hash", "--check", "SUMS", "--json").stdout)
    assert document["valid"] is True
    assert len(document["odd_lines"]) == 1
    (tmp_path / "SUMS").write_text("")
    done = cli("hash", "--check", "SUMS")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no line with a digest" in done.stderr
    assert json.loads(cli("hash", "--check", "SUMS", "--json").stdout)["valid"] is False
    (tmp_path / "SUMS").write_bytes(b"\xef\xbb\xbf" + f"{ABC}  a\n".encode())
    assert cli("hash", "--check", "SUMS").returncode == 0


# ---- merkle ----------------------------------------------------------------------------------------------------------


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


def test_merkle_root_says_what_is_mutated(cli: Run, tmp_path: Path) -> None:
    leaves = [bytes([i]) * 32 for i in range(3)]
    for name, rows in (("three", leaves), ("four", [*leaves, leaves[2]])):
        (tmp_path / name).write_text("".join(row.hex() + "\n" for row in rows))
    three, four = (cli("merkle", "root", "--tree", "bitcoin", "--leaves", name) for name in ("three", "four"))
    assert three.stdout == four.stdout
    assert three.stderr == ""
    assert "mutated" in four.stderr
    answers = [
        json.loads(cli("merkle", "root", "--tree", tree, "--leaves", name, "--json").stdout)["mutated"]
        for tree in ("bitcoin", "rfc9162")
        for name in ("three", "four")
    ]
    assert answers == [False, True, False, False]
    (tmp_path / "packed").write_bytes(b"".join([*leaves, leaves[2]]))
    packed = cli("merkle", "root", "--tree", "bitcoin", "--packed", "packed", "--json")
    assert json.loads(packed.stdout)["mutated"] is None


def test_merkle_leaves_that_are_blank_or_marked(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("00\n01\n")
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf00\r\n01\r\n")
    (tmp_path / "empty leaf").write_text("00\n0x\n")
    assert cli("merkle", "root", "--leaves", "plain").stdout == cli("merkle", "root", "--leaves", "marked").stdout
    assert cli("merkle", "root", "--leaves", "empty leaf").stdout.strip() == pycore.merkle_root([b"\0", b""]).hex()
    for text, line in (("00\n01\n\n", 3), ("\n00\n", 1), ("00\n  \n01\n", 2)):
        (tmp_path / "blank").write_text(text)
        done = cli("merkle", "root", "--leaves", "blank")
        assert done.returncode == 2
        assert f"--leaves, line {line}: got a blank line, wanted hexadecimal; 0x for an empty leaf" in done.stderr


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
