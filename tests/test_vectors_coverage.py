"""Nothing is left out by oversight: every published file is named by a test, or here with a reason."""

from __future__ import annotations

import ast
import fnmatch
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

FOLDERS = ("ed25519", "wycheproof", "sm", "hash", "merkle", "bitcoin", "ethereum", "fabric", "solana")

PATTERNS = ("hmac_*_test.json", "transaction[123].bin", "testnet_block_*.raw")

# file or folder -> why no test of this folder reads it
NOT_USED = {
    "wycheproof/bls_hash_to_g2_test.json": "BLS12-381 is not a scheme of this version",
    "wycheproof/bls_sig_g2_pop_verify_test.json": "BLS12-381 is not a scheme of this version",
    "ed25519/cctv_README.md": "text",
    "ed25519/speccheck_results.md": "text: the table of what libraries say; the rows are in readers/ed25519.py",
    "merkle/rfc6962_transparency-dev/subtreeconsistency": "consistency of sub-trees: not in the API",
    "bitcoin/core_script_tests.json": "needs a script interpreter",
    "bitcoin/core_sighash.json": "needs a script interpreter",
    "bitcoin/core_tx_valid.json": "needs a script interpreter",
    "bitcoin/core_tx_invalid.json": "needs a script interpreter",
    "bitcoin/merkle_block_13b8a.hex": "partial Merkle tree of many leaves (BIP-37): not in the API",
    "bitcoin/blockheaders-mainnet-1-11.txt": "headers only: nothing is signed, nothing is a tree",
    "ethereum/RLPTests": "Ethereum's own encodings: a later ledger",
    "ethereum/TrieTests/trietestnextprev.json": "neighbouring keys: a proof has no use for them",
    "ethereum/TransactionTests": "rules per fork: a later ledger",
    "ethereum/beacon_block_capella.json": "whole SSZ containers: the API has lists, vectors and branches",
    "ethereum/ssz_fastssz_fixtures": "whole SSZ containers: the API has lists, vectors and branches",
    "ethereum/zk_light_clients_committee_change": "BLS12-381 is not a scheme of this version",
}


@functools.cache
def _named() -> frozenset[str]:
    """Every string in the tests' and readers' code."""
    found: set[str] = set()
    for path in (*TESTS.rglob("test_vectors_*.py"), *TESTS.glob("readers/*.py")):
        if path.name == Path(__file__).name:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return frozenset(found)


def _is_named(relative: str) -> bool:
    parts = relative.split("/")
    shortest = 1 if parts[0] == "fabric" else 2  # read as a whole; the others' names are also names of schemes
    if any("/".join(parts[:i]) in _named() for i in range(shortest, len(parts) + 1)):
        return True
    name = parts[-1]  # files of one kind are named by their pattern
    return name in _named() or any(fnmatch.fnmatch(name, pattern) for pattern in PATTERNS)


@pytest.mark.vectors
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_used(folder: str, vectors_dir: Path) -> None:
    root = vectors_dir / folder
    if not root.is_dir():
        pytest.skip(f"vectors absent: {folder}")
    forgotten = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        relative = str(path.relative_to(vectors_dir))
        excused = any(relative == name or relative.startswith(name + "/") for name in NOT_USED)
        if not excused and not _is_named(relative):
            forgotten.append(relative)
    assert not forgotten


@pytest.mark.vectors
def test_excuses_are_of_files_that_exist(vectors_dir: Path) -> None:
    assert [name for name in NOT_USED if not (vectors_dir / name).exists()] == []


def test_no_file_is_excused_that_a_test_reads() -> None:
    assert [name for name in NOT_USED if name in _named()] == []
