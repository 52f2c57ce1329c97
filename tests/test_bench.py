"""The benchmarks run and measure what they say; they never run as part of the tests by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from oracle import trie as reference

import pycore
from bench import contests, peers, targets, tree_peers, tries
from bench.targets import COLUMNS, Result, Target, line
from pycore.cli import _measure
from pycore.cli._environment import describe_environment
from pycore.merkle import patricia

ROOT = Path(__file__).resolve().parent.parent


def process(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_environment_says_where() -> None:
    found = describe_environment()
    assert found["cpu"]
    assert found["compiler"].startswith(("gcc ", "clang "))
    assert "-O" in found["compiler"]
    assert "portable" in found["backends"]
    assert found["versions"]["numpy"]
    assert set(found["active"]) == {*pycore.SCHEMES, *pycore.HASHES}


def test_every_algorithm_has_rows() -> None:
    names = [name for name, _ in _measure.rows()]
    for algorithm in (*pycore.SCHEMES, *pycore.HASHES, *pycore.TREES):
        assert any(algorithm in name for name in names), algorithm


@pytest.mark.parametrize("part", ["hash: sha256, 64", "signature: ed25519, known", "merkle: ssz"])
def test_rows_name_the_backend(part: str) -> None:
    with pycore.use_backend("portable"):
        (row,) = _measure.measure(only=[part], batch=16, seconds=0.01)
    assert (row.backend, row.items, row.work[: len(part)]) == ("portable", 16, part)
    assert row.rounds >= 5
    assert row.items_per_second > 0


def test_threads_are_as_before() -> None:
    pycore.set_threads(2)
    try:
        list(_measure.measure(only=["hash: sm3, 64"], batch=8, seconds=0.01))
        assert pycore.get_threads() == 2
    finally:
        pycore.set_threads(None)


def test_a_wrong_result_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pycore, "merkle_root", lambda *_, **__: bytes(32))
    with pytest.raises(AssertionError, match="the result is wrong"):
        list(_measure.measure(only=["merkle: bitcoin"], batch=4, seconds=0.01))


def test_a_peer_that_disagrees_stops_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    def liar(task: peers.HashTask) -> peers.Prepared:
        return peers.Prepared(lambda: [b"\x00" * 32 for _ in task.messages], "liar 1.0")

    monkeypatch.setitem(peers.HASH_PEERS, "keccak256", {"pycryptodome": liar})
    with pytest.raises(AssertionError, match="pycryptodome is wrong"):
        list(targets.measure(quick=True, only=["keccak256"], seconds=0.01))


def test_command_prints_json_and_a_table(tmp_path: Path) -> None:
    words = ["-m", "pycore.cli", "bench", "signature: sm2", "merkle: bitcoin", "--seconds", "0.01", "--batch", "16"]
    done = process(*words, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["environment"]["cpu"]
    wanted = ["signature: sm2", "signature: sm2, known keys", "merkle: bitcoin, sha256d"]
    assert [row["work"] for row in document["rows"]] == wanted
    assert all(row["items_per_second"] > 0 for row in document["rows"])
    assert "signature: sm2" in process(*words, cwd=tmp_path).stdout


def test_targets_name_what_there_is() -> None:
    """Every target's group, contestants and needed backend exist; nothing is measured."""
    backends = {row.name for row in pycore.capabilities().backends}
    plan = contests.Plan(signatures=8, messages=65536, leaves=64, long_message=64)
    for group, prepare in contests.GROUPS.items():
        wanted = [one for one in targets.TARGETS if one.group == group]
        assert wanted, group
        assert all(one.needs in {"", *backends} for one in wanted)
        if not contests.known(group) or group in ("sha256", "sha512", "sm3", "keccak256", "blake3", "proofs"):
            continue  # prepared below, or much work
        entered = prepare(plan)
        for one in wanted:
            assert one.ours in entered, one
            assert one.peer in entered, one
    assert {one.group for one in targets.TARGETS} == set(contests.GROUPS)


def test_target_lines_tell_what_was_found() -> None:
    def result(ratio: float | None, backend: str, **more: Any) -> Result:
        target = Target("sm2", "work", "distinct", "OpenSSL", 30, "avx512ifma")
        return Result(target, backend, 8, ours_per_second=100.0, ratio=ratio, **more)

    assert result(31.0, "avx2").verdict == "reached"
    assert result(29.0, "avx2").verdict == "needs avx512ifma: this CPU runs avx2"
    assert result(29.0, "avx512ifma").verdict == "not reached"
    assert result(None, "avx2", missing="OpenSSL: none").verdict == "not measured: OpenSSL: none"
    call = Target("sha256", "work", "1 x 64", "hashlib", at_most=3e-6)
    assert Result(call, "avx2", 1, ours_per_second=1e6).verdict == "reached"
    assert Result(call, "avx2", 1, ours_per_second=1e5).verdict == "not reached: 10.0 us"
    assert len(line(result(1.5, "avx2"))) == len(COLUMNS)


def test_targets_are_measured_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {one.target.work: one for one in targets.measure(quick=True, only=["keccak256"], seconds=0.01)}
    (first,) = found
    assert found[first].ratio is not None
    assert found[first].rounds >= 3
    assert found[first].low <= found[first].ratio <= found[first].high
    absent = {"pycryptodome": lambda task: peers.peer_version("no such thing")}
    monkeypatch.setitem(peers.HASH_PEERS, "keccak256", absent)
    lines = list(targets.measure(quick=True, only=["keccak256"], seconds=0.01))
    assert [one.missing for one in lines if one.target.peer.startswith("pycryptodome")] == [
        "pycryptodome: no such thing is not installed"
    ]
    document = tmp_path / "deep" / "targets.json"
    words = ["-m", "bench", "keccak256", "--quick", "--seconds", "0.01"]
    done = process(*words, "--save", str(document))
    assert done.returncode == 0, done.stderr
    saved = json.loads(document.read_text())
    assert [row["work"] for row in saved["targets"]] == [one.target.work for one in lines]
    assert all(row["milestone"] and row["ratio"] > 0 for row in saved["targets"])
    assert "needs avx512ifma" in done.stdout or "reached" in done.stdout
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: here -->\n<!-- /figures -->\n")
    assert process(str(ROOT / "bench" / "report.py"), str(document), "--into", str(page)).returncode == 0
    assert "| keccak256, messages of 64 B |" in page.read_text()


def tree_task(tree: str, name: str, n: int) -> tree_peers.TreeTask:
    return tree_peers.TreeTask(tree, name, [bytes([i]) * 32 for i in range(n)])


@pytest.mark.parametrize("n", [1, 2, 5, 8, 13, 16])
@pytest.mark.parametrize(
    ("shape", "peer"), [(shape, peer) for shape, peers in tree_peers.TREE_PEERS.items() for peer in peers]
)
def test_peers_of_trees_have_the_same_roots(shape: tuple[str, str], peer: str, n: int) -> None:
    task = tree_task(*shape, n)
    theirs: peers.Prepared | None = None
    why = ""
    try:
        theirs = tree_peers.TREE_PEERS[shape][peer](task)
    except peers.PeerMissingError as error:
        why = str(error)
    assert (peer in why) == (theirs is None)  # absent ones are named
    if peer == "merkly" and n & (n - 1):
        assert theirs is None
    if theirs is None:
        pytest.skip(why)
    assert theirs.run() == pycore.merkle_root(task.leaves, tree=shape[0], hash=shape[1])


def test_growing_and_sparse_loops_have_the_same_roots() -> None:
    leaves = [bytes([i]) * 32 for i in range(37)]
    for step in (1, 5, 64):
        task = tree_peers.GrowthTask(leaves, step)
        assert tree_peers.hashlib_growth(task).run() == pycore.merkle_root(leaves)
    tree = pycore.SparseMerkleTree()
    tree.update(leaves, leaves)
    assert tree_peers.hashlib_sparse(leaves, leaves).run() == tree.root


def test_peers_refuse_proofs_that_do_not_hold() -> None:
    """A peer that said yes to everything would be quick."""
    leaves = [bytes([i]) * 32 for i in range(16)]
    tree = pycore.MerkleTree(leaves)
    rows = [(leaf, i, tree.proof(i)) for i, leaf in enumerate(leaves)]
    bad = [(leaves[0], 1, tree.proof(1)), *rows[1:]]
    assert tree_peers.hashlib_proofs(tree_peers.ProofTask(tree.root, 4, rows)).run() == 16
    assert tree_peers.hashlib_proofs(tree_peers.ProofTask(tree.root, 4, bad)).run() == 15
    index = [1, 4, 5, 11]
    shared = tree.multiproof(index)
    for chosen, good in ((index, True), ([0, *index[1:]], False)):
        task = tree_peers.MultiproofTask(tree.root, 4, index, [leaves[i] for i in chosen], shared)
        assert tree_peers.hashlib_multiproof(task).run() is good
    pymerkle = pytest.importorskip("pymerkle")
    assert tree_peers.pymerkle_proofs(tree_peers.ProofTask(tree.root, 4, rows)).run() == 16
    with pytest.raises(pymerkle.InvalidProof):
        tree_peers.pymerkle_proofs(tree_peers.ProofTask(tree.root, 4, bad)).run()


def test_tries_to_measure_with() -> None:
    """The builder against the reference, keys with long common beginnings among them."""
    keys = [pycore.hash("keccak256", bytes([i])) for i in range(60)]
    keys += [keys[0][:9] + bytes(23), keys[0][:31] + bytes([keys[0][31] ^ 1]), keys[1][:2] + bytes(30)]
    items = {key: bytes([i]) * (32 + i * 5) for i, key in enumerate(keys)}
    trie = tries.Trie(items)
    root, seen = reference.build(items, lambda data: pycore.hash("keccak256", data))
    assert trie.root == root
    for key, value in items.items():
        assert trie.proof(key) == reference.proof(root, seen, key)
        assert patricia.verify_trie(root, key, trie.proof(key)) == value
    rows = [(key, items[key], trie.proof(key)) for key in keys]
    short = [row for row in rows if len(row[1]) < 200]  # what the loop reads
    assert tree_peers.pycryptodome_trie(tree_peers.TrieTask(root, short)).run() == len(short)
    wrong = [(key, b"?", nodes) for key, _, nodes in short]
    assert tree_peers.pycryptodome_trie(tree_peers.TrieTask(root, wrong)).run() == 0
    pytest.importorskip("trie")
    assert tree_peers.trie_package(tree_peers.TrieTask(root, rows)).run() == len(rows)


@pytest.mark.slow
def test_every_suite_runs() -> None:
    """Each benchmark once, for small batches, without timing it."""
    pytest.importorskip("pytest_benchmark")
    small = "not 1024 and not 4096 and not 8192 and not 16384"
    done = process("-m", "pytest", "bench", "-q", "--benchmark-disable", "-k", small, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "failed" not in done.stdout


def test_plain_pytest_leaves_them_alone() -> None:
    """The configured test paths do not lead to bench/, and its files are not named like tests."""
    configuration = (ROOT / "pyproject.toml").read_text()
    assert 'testpaths = ["tests", "pycore"]' in configuration
    assert not list((ROOT / "bench").glob("test_*.py"))


def test_report_writes_the_table_between_the_marks(tmp_path: Path) -> None:
    results = sorted((ROOT / "bench" / "results").glob("*.json"))[0]
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: here -->\nold\n<!-- /figures -->\nafter\n")
    report = [str(ROOT / "bench" / "report.py"), str(results)]
    for _ in range(2):  # writing it again changes nothing
        assert process(*report, "--into", str(page)).returncode == 0
        text = page.read_text()
        assert text.startswith("before\n<!-- figures: here -->\n| work")
        assert text.endswith("\n<!-- /figures -->\nafter\n")
        assert "old" not in text
    page.write_text("no marks\n")
    assert process(*report, "--into", str(page)).returncode != 0
    assert page.read_text() == "no marks\n"


@pytest.mark.slow
def test_the_path_of_a_block() -> None:
    """Work of each kind, by this build and another: itself."""
    works = ["sm2", "small", "first", "grpc"]
    small = ["--transactions", "40", "--rounds", "1"]
    done = process("-m", "bench.block_path", "--base", str(ROOT), *small, "--only", *works)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()[1:]
    assert len(rows) == len(works)
    for row in rows:
        assert " before " in row
        assert float(row.rpartition("ratio ")[2]) > 0


@pytest.mark.parametrize(("chain", "nodes"), [("bif", 1), ("xuperchain", 0)])
def test_chains_name_the_peers_that_are_missing(
    chain: str, nodes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = process("-m", "bench.chains", chain, "-n", "4", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert not [row for row in rows if "x slower" in row]
    reasons = sorted(row.partition("not measured: ")[2] for row in rows if "not measured" in row)
    wanted = ["node and npm are not installed"] * nodes + ["the Go toolchain is not installed"] * (3 - nodes)
    assert reasons == sorted(wanted)
