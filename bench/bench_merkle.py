"""Merkle trees: roots, proofs and their check per tree shape, logs that grow, maps; and the same work by peers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pycore
from bench import tree_peers
from bench.peers import PeerMissingError
from bench.tree_peers import GrowthTask, MultiproofTask, ProofTask, TreeTask, TrieTask
from bench.tries import Trie
from pycore.merkle import patricia
from pycore.testing import _deterministic

from .conftest import Measure

TREES = list(tree_peers.TREE_PEERS)
DEPTH = 16
LOG = 2048  # leaves of a log that grows


def leaves(n: int, width: int = 32) -> Any:
    return _deterministic.rows(1, "bench leaves", count=n, width=width)


def listed(rows: Any) -> list[bytes]:
    return [row.tobytes() for row in rows]


def prepared(make: Any, *task: Any) -> Any:
    try:
        return make(*task)
    except (PeerMissingError, ImportError) as error:
        pytest.skip(str(error))


# ---- roots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tree", "algorithm"), TREES)
def test_root(measure: Measure, backend: str, tree: str, algorithm: str, size: int) -> None:
    data = leaves(size)

    def run() -> Any:
        return pycore.merkle_root(data, tree=tree, hash=algorithm)

    root = measure(run, size, f"root {tree} {algorithm} n={size}", by="pycore", backend=backend)
    assert len(root) == 32


@pytest.mark.parametrize(
    ("tree", "algorithm", "peer"), [(*shape, peer) for shape in TREES for peer in tree_peers.TREE_PEERS[shape]]
)
def test_root_peer(measure: Measure, tree: str, algorithm: str, peer: str, size: int) -> None:
    data = leaves(size)
    theirs = prepared(tree_peers.TREE_PEERS[tree, algorithm][peer], TreeTask(tree, algorithm, listed(data)))
    root = measure(theirs.run, size, f"root {tree} {algorithm} n={size}", by=theirs.version)
    assert root == pycore.merkle_root(data, tree=tree, hash=algorithm)


# ---- proofs ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("peer", tree_peers.PROOF_PEERS)
def test_check_proofs_peer(measure: Measure, peer: str, size: int) -> None:
    """The same in trees of 2^k leaves, one proof after another."""
    depth = (size - 1).bit_length()
    data = leaves(1 << depth)
    built = pycore.MerkleTree(data)
    rows = [(row.tobytes(), i, built.proof(i)) for i, row in enumerate(data[:size])]
    theirs = prepared(tree_peers.PROOF_PEERS[peer], ProofTask(built.root, depth, rows))
    assert measure(theirs.run, size, f"inclusion rfc9162 sha256 n={size}", by=theirs.version) == size


def multiproof_of(size: int) -> tuple[Any, Any, Any, list[bytes]]:
    data = leaves(1 << DEPTH)
    built = pycore.MerkleTree(data)
    index = np.sort(np.arange(size, dtype=np.int64) * 40_503 % (1 << DEPTH))
    return built, data[index], index, built.multiproof(index)


def test_make_multiproof(measure: Measure, size: int) -> None:
    built, _, index, proof = multiproof_of(size)
    assert measure(lambda: built.multiproof(index), size, f"make multiproof n={size}", by="pycore") == proof


def test_multiproof(measure: Measure, backend: str, size: int) -> None:
    """Leaves spread over a tree of 65,536."""
    built, data, index, proof = multiproof_of(size)

    def run() -> None:
        pycore.verify_multiproof(built.root, data, proof, indices=index, leaf_count=1 << DEPTH)

    measure(run, size, f"multiproof n={size}", by="pycore", backend=backend)


def test_multiproof_hashlib(measure: Measure, size: int) -> None:
    built, data, index, proof = multiproof_of(size)
    task = MultiproofTask(built.root, DEPTH, index.tolist(), listed(data), proof)
    theirs = prepared(tree_peers.hashlib_multiproof, task)
    assert measure(theirs.run, size, f"multiproof n={size}", by=theirs.version) is True


# ---- logs that grow --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 10, 100, 1000])
def test_growth(measure: Measure, backend: str, step: int) -> None:
    """A log from nothing, some leaves at a time, with its root after each time."""
    data = leaves(LOG)

    def run() -> bytes:
        log, root = pycore.MerkleFrontier(), b""
        for start in range(0, LOG, step):
            log.append(data[start : start + step])
            root = log.root
        return root

    root = measure(run, LOG, f"growth, {step} at a time", by="pycore", backend=backend)
    assert root == pycore.merkle_root(data)


@pytest.mark.parametrize("peer", tree_peers.GROWTH_PEERS)
@pytest.mark.parametrize("step", [1, 10, 100, 1000])
def test_growth_peer(measure: Measure, step: int, peer: str) -> None:
    data = leaves(LOG)
    theirs = prepared(tree_peers.GROWTH_PEERS[peer], GrowthTask(listed(data), step))
    root = measure(theirs.run, LOG, f"growth, {step} at a time", by=theirs.version)
    assert root == pycore.merkle_root(data)


# ---- maps ------------------------------------------------------------------------------------------------------------


def test_sparse_update(measure: Measure, backend: str, size: int) -> None:
    """Random keys put into an empty tree in one batch."""
    keys, values = leaves(size), leaves(size, 40)

    def run() -> bytes:
        tree = pycore.SparseMerkleTree()
        tree.update(keys, values)
        return tree.root

    measure(run, size, f"sparse update n={size}", by="pycore", backend=backend)


def test_sparse_update_hashlib(measure: Measure, size: int) -> None:
    keys, values = leaves(size), leaves(size, 40)
    theirs = prepared(tree_peers.hashlib_sparse, listed(keys), listed(values))
    root = measure(theirs.run, size, f"sparse update n={size}", by=theirs.version)
    tree = pycore.SparseMerkleTree()
    tree.update(keys, values)
    assert root == tree.root


def test_sparse_proofs(measure: Measure, backend: str, size: int) -> None:
    """Proofs of every key, half of them of absence, checked as one batch."""
    keys, values = leaves(size), leaves(size, 40)
    tree = pycore.SparseMerkleTree()
    tree.update(keys[::2], values[::2])
    claimed = [value.tobytes() if i % 2 == 0 else None for i, value in enumerate(values)]
    proofs = tree.proofs(keys)

    def run() -> Any:
        return pycore.verify_sparse_batch(tree.root, keys, claimed, proofs)

    assert measure(run, size, f"sparse proofs n={size}", by="pycore", backend=backend).all_valid


def trie_of(size: int) -> tuple[Trie, list[bytes], list[bytes], list[list[bytes]]]:
    keys, values = listed(leaves(size)), listed(leaves(size, 70))
    trie = Trie(dict(zip(keys, values, strict=True)))
    return trie, keys, values, [trie.proof(key) for key in keys]


def test_trie_proofs(measure: Measure, backend: str, size: int) -> None:
    """Proofs of every key of an Ethereum trie, checked as one batch."""
    trie, keys, values, proofs = trie_of(size)

    def run() -> Any:
        return patricia.verify_trie_batch(trie.root, keys, proofs, threads=1)

    assert measure(run, size, f"trie proofs n={size}", by="pycore", backend=backend).values == values


@pytest.mark.parametrize("peer", tree_peers.TRIE_PEERS)
def test_trie_proofs_peer(measure: Measure, peer: str, size: int) -> None:
    trie, keys, values, proofs = trie_of(size)
    rows = list(zip(keys, values, proofs, strict=True))
    theirs = prepared(tree_peers.TRIE_PEERS[peer], TrieTask(trie.root, rows))
    assert measure(theirs.run, size, f"trie proofs n={size}", by=theirs.version) == size
