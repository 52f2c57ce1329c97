"""Every example in the docstrings of the library runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
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


def test_the_guide_runs() -> None:
    guide = Path(__file__).parent.parent / "docs" / "guides" / "python.md"
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(guide), module_relative=False, optionflags=flags, encoding="utf-8")
    assert failed == 0
    assert tried > 20
