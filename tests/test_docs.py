"""The docstrings' examples run and print what they say; the pages name what exists and show what was measured."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

import pycore

# The rooms whose modules need no optional package; the GPU's need a driver.
ROOMS = ("base", "hashing", "signatures", "merkle", "identities", "consensus", "ledgers")
MODULES = ["pycore"] + [
    module.name
    for room in ROOMS
    for module in pkgutil.walk_packages([f"{pycore.__path__[0]}/{room}"], f"pycore.{room}.")
    if ".gpu" not in module.name
]
WITH_EXAMPLES = {
    "pycore",
    "pycore.base.columns",
    "pycore.hashing.batch",
    "pycore.signatures.batch",
    "pycore.signatures.keyset",
    "pycore.merkle.tree",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, tried = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert failed == 0
    assert tried > 0 or name not in WITH_EXAMPLES


@pytest.mark.parametrize(
    "name",
    [
        "hash",
        "hash_batch",
        "verify",
        "verify_batch",
        "recover_batch",
        "KeySet",
        "merkle_root",
        "MerkleTree",
        "verify_inclusion",
        "verify_inclusion_batch",
        "verify_consistency",
        "capabilities",
        "use_backend",
        "set_threads",
        "batch",
        "Verdicts",
        "Column",
        "InputError",
    ],
)
def test_every_public_function_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(pycore, name).__doc__ or "")


@pytest.mark.parametrize(
    "name",
    [
        "hash",
        "hash_batch",
        "merkle_root",
        "merkle_stream",
        "MerkleTree",
        "MerkleTree.proof",
        "MerkleFrontier",
        "verify_inclusion",
        "verify_inclusion_batch",
        "verify_multiproof",
        "verify_consistency",
        "SparseMerkleTree",
        "verify_sparse",
        "verify_sparse_batch",
        "ssz.verify_branch",
        "ssz.verify_branches",
        "ledgers.ethereum_trie.verify_trie_batch",
    ],
)
def test_what_can_be_got_wrong_is_said_at_the_call(name: str) -> None:
    importlib.import_module("pycore.merkle.patricia")
    assert re.search(r"^ +Traps?: ", attrgetter(name)(pycore).__doc__ or "", re.MULTILINE)


# ---- pages -----------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def paths_in(page: Path) -> set[str]:
    """Files, folders and patterns of this repository that a page names in code; NAMES in capitals stand for any."""
    text = page.read_text(encoding="utf-8").replace("`pycore/validation/", "`proto/pycore/validation/")
    named = re.findall(r"`((?:pycore|csrc|docs|tests|tools|proto|bench|findings)/[\w./*-]*)`", text)
    return {name for name in named if not re.search(r"(?<![a-z])(?:NAME|FAMILY|FIELD|HASH|ID)(?![a-z])", name)}


def test_paths_in_the_pages_exist() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
    named = set().union(*map(paths_in, pages))
    missing = {name for name in named if not list(ROOT.glob(name.rstrip("/")))}
    assert missing == set()


def test_the_drawing_shows_every_room() -> None:
    drawing = re.search(r"```text\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert drawing is not None
    above, below = drawing[1].split("csrc/pycore.h")
    rooms = {path.parent.name for path in (ROOT / "pycore").glob("*/__init__.py")} - {"_pb"}
    folders = {path.name for path in (ROOT / "csrc").iterdir() if path.is_dir()} - {"gen", "tests"}
    assert set(re.findall(r"(\w+)/(?=\s)", above)) == rooms
    assert set(re.findall(r"(\w+)/(?=\s)", below)) == folders


def test_a_walk_visits_no_file_twice() -> None:
    walks = ARCHITECTURE.split("## Three walks")[1].split("\n## ")[0].split("\n### ")[1:]
    assert len(walks) == 3
    for walk in walks:
        files = re.findall(r"^\| \d+ \| `([^`]*)`", walk, re.MULTILINE)
        assert len(files) == len(set(files)) > 5, walk.splitlines()[0]


def test_readme_is_short_and_shows_eight_figures() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("\n") <= 130
    figures = readme.split("<!-- figures")[1].split("<!-- /figures -->")[0]
    assert len(re.findall(r"^\|.* x \|$", figures, re.MULTILINE)) == 8


@pytest.mark.parametrize("tool", ["bench/report.py", "tools/draw_speed.py"])
def test_figures_and_pictures_are_those_of_the_results(tool: str) -> None:
    done = subprocess.run([sys.executable, str(ROOT / tool), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_results_file_has_its_table() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for results in (ROOT / "bench" / "results").glob("*.json"):
        assert f"<!-- figures: {results.name} -->" in page
