"""Merkle trees: roots, proofs and their check per tree shape, and a loop over hashlib."""

from __future__ import annotations

from typing import Any

import pytest

import pycore
from pycore.benchmark.peers import HashTask, PeerMissingError, merkle_loop
from pycore.testing import _deterministic

from .conftest import Measure

TREES = [("rfc9162", "sha256"), ("bitcoin", "sha256d"), ("chainmaker", "sm3"), ("chainmaker", "sha256")]


def leaves(n: int) -> Any:
    return _deterministic.rows(1, "bench leaves", count=n, width=32)


@pytest.mark.parametrize(("tree", "algorithm"), TREES)
def test_root(measure: Measure, backend: str, tree: str, algorithm: str, size: int) -> None:
    data = leaves(size)

    def run() -> Any:
        return pycore.merkle_root(data, tree=tree, hash=algorithm)

    root = measure(run, size, f"root {tree} {algorithm} n={size}", by="pycore", backend=backend)
    assert len(root) == 32


@pytest.mark.parametrize(("tree", "algorithm"), TREES)
def test_root_hashlib(measure: Measure, tree: str, algorithm: str, size: int) -> None:
    data = leaves(size)
    try:
        prepared = merkle_loop(HashTask(f"{tree}:{algorithm}", [row.tobytes() for row in data]))
    except PeerMissingError as error:
        pytest.skip(str(error))
    root = measure(prepared.run, size, f"root {tree} {algorithm} n={size}", by=prepared.version)
    assert root == pycore.merkle_root(data, tree=tree, hash=algorithm)


@pytest.mark.parametrize(("tree", "algorithm"), TREES)
def test_all_proofs(measure: Measure, backend: str, tree: str, algorithm: str, size: int) -> None:
    """The tree and the proof of every leaf."""
    data = leaves(size)

    def run() -> Any:
        return pycore.MerkleTree(data, tree=tree, hash=algorithm).proofs(range(size))

    measure(run, size, f"proofs {tree} {algorithm} n={size}", by="pycore", backend=backend)


@pytest.mark.parametrize(("tree", "algorithm"), TREES)
def test_check_proofs(measure: Measure, backend: str, tree: str, algorithm: str, size: int) -> None:
    """Inclusion of every leaf, as one batch."""
    data = leaves(size)
    built = pycore.MerkleTree(data, tree=tree, hash=algorithm)
    proofs = built.proofs(range(size))

    def run() -> Any:
        return pycore.verify_inclusion_batch(
            built.root, data, proofs, index=range(size), leaf_count=size, tree=tree, hash=algorithm
        )

    verdicts = measure(run, size, f"inclusion {tree} {algorithm} n={size}", by="pycore", backend=backend)
    assert verdicts.all_valid
