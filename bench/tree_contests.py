"""Who competes for the targets about Merkle trees, proofs, logs and maps; groups as in ``contests.py``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import pycore
from pycore.merkle import patricia
from pycore.testing import _deterministic

from . import tree_peers
from .entrants import Contestant, Entries, Entry, Plan, picked_backend, same, timed_peer
from .peers import PeerMissingError, Prepared
from .tree_peers import GrowthTask, MultiproofTask, ProofTask, TreeTask, TrieTask
from .tries import Trie

GROWTH_STEPS = (1, 10, 100, 1000)  # leaves appended at a time
_DEPTH = 20
_SMALL = 1 << 12  # leaves for peers: per leaf a loop costs the same in a smaller tree


def _whole(name: str, items: int, wanted: object, make: Callable[[], Prepared]) -> Entry:
    """A peer that does all of its work in one run; the reason when it is absent."""
    try:
        prepared = make()
    except (PeerMissingError, ImportError) as error:
        return f"{name}: {error}"
    return Contestant(name, items, prepared.run, lambda got: bool(got == wanted), prepared.version, own=False)


def _ours(name: str, items: int, algorithm: str, run: Callable[[], Any], check: Callable[[Any], bool]) -> Contestant:
    return Contestant(name, items, run, check, picked_backend(algorithm))


def _merkle(plan: Plan) -> Entries:
    leaves = _deterministic.rows(1, "bench", "merkle", count=plan.leaves, width=32)
    found: Entries = {}
    for (tree, algorithm), peers in tree_peers.TREE_PEERS.items():
        run = partial(pycore.merkle_root, leaves, tree=tree, hash=algorithm)
        called = f"{tree} {algorithm}"
        found[called] = _ours(called, plan.leaves, algorithm, run, partial(same, run()))
        for name, make in peers.items():
            part = leaves if name == "hashtree" else leaves[:_SMALL]
            task = TreeTask(tree, algorithm, [row.tobytes() for row in part])
            answer = pycore.merkle_root(part, tree=tree, hash=algorithm)
            found[f"{name} {called}"] = _whole(name, len(part), answer, partial(make, task))
    return found


def _proofs(plan: Plan) -> Entries:
    """Inclusion proofs in a tree of 2^20 leaves, whatever the plan: the depth is what is asked for."""
    count = 1 << _DEPTH
    leaves = _deterministic.rows(1, "bench", "proofs", count=count, width=32)
    tree = pycore.MerkleTree(leaves, tree="rfc9162", hash="sha256")
    n = 10_000 if plan.leaves == count else 1_000
    index = (np.arange(n, dtype=np.int64) * 104_729) % count
    proofs, chosen = tree.proofs(index), leaves[index]
    run = partial(pycore.verify_inclusion_batch, tree.root, chosen, proofs, index=index, leaf_count=count)
    rows = [(chosen[i].tobytes(), int(index[i]), tree.proof(int(index[i]))) for i in range(64)]
    found: Entries = {"proofs": _ours("proofs", n, "sha256", run, lambda got: bool(got.all_valid))}
    for name, make in tree_peers.PROOF_PEERS.items():
        task = ProofTask(tree.root, _DEPTH, rows)
        found[f"{name} proofs"] = _whole(name, len(rows), len(rows), partial(make, task))
    several = np.sort(index[:1_000])
    shared = tree.multiproof(several)
    together = partial(pycore.verify_multiproof, tree.root, leaves[several], shared, indices=several, leaf_count=count)
    found["multiproof"] = _ours("multiproof", len(several), "sha256", together, lambda got: got is None)
    listed = [row.tobytes() for row in leaves[several]]
    all_of_it = MultiproofTask(tree.root, _DEPTH, several.tolist(), listed, shared)
    found["hashlib multiproof"] = _whole(
        "hashlib", len(several), True, partial(tree_peers.hashlib_multiproof, all_of_it)
    )
    return found


def _growth(plan: Plan) -> Entries:
    """A log that grows from nothing, some leaves at a time, with its root after each time."""
    found: Entries = {}
    for step in GROWTH_STEPS:
        n = min(plan.leaves, _SMALL if step < 100 else 1 << 14)
        leaves = _deterministic.rows(1, "bench", "growth", count=n, width=32)
        root = pycore.merkle_root(leaves)

        def grown(leaves: Any = leaves, step: int = step) -> bytes:
            log, root = pycore.MerkleFrontier(), b""
            for start in range(0, len(leaves), step):
                log.append(leaves[start : start + step])
                root = log.root
            return root

        name = f"{step} at a time"
        found[name] = _ours(name, n, "sha256", grown, partial(same, root))
        task = GrowthTask([row.tobytes() for row in leaves], step)
        for peer, make in tree_peers.GROWTH_PEERS.items():
            found[f"{peer} {name}"] = _whole(peer, n, root, partial(make, task))
    return found


def _sparse(plan: Plan) -> Entries:
    """Random keys put into an empty sparse tree in one batch, and a part of them one by one.

    A key costs a loop more in a deeper tree, so the ratio is the least that a loop over all would show.
    """
    n, part = min(plan.leaves, 100_000), 2_000
    keys = _deterministic.rows(1, "bench", "sparse keys", count=n, width=32)
    values = _deterministic.rows(1, "bench", "sparse values", count=n, width=32)

    def build(count: int) -> bytes:
        tree = pycore.SparseMerkleTree()
        tree.update(keys[:count], values[:count])
        return tree.root

    listed = [[row.tobytes() for row in column[:part]] for column in (keys, values)]
    run = partial(build, n)
    return {
        "sparse": _ours("sparse", n, "sha256", run, partial(same, run())),
        "hashlib sparse": _whole("hashlib", len(listed[0]), build(part), partial(tree_peers.hashlib_sparse, *listed)),
    }


def _trie(plan: Plan) -> Entries:
    """Proofs of accounts, 70 bytes each, in an Ethereum trie of 20,000."""
    count, n = 20_000, 4_096 if plan.leaves == 1 << 20 else 1_024
    addresses = _deterministic.rows(1, "bench", "addresses", count=count, width=20)
    keys = [row.tobytes() for row in pycore.hash_batch("keccak256", addresses)]
    values = [row.tobytes() for row in _deterministic.rows(1, "bench", "accounts", count=count, width=70)]
    trie = Trie(dict(zip(keys, values, strict=True)))
    chosen, wanted = keys[:n], values[:n]
    proofs = [trie.proof(key) for key in chosen]

    def run() -> list[bytes | None]:
        return patricia.verify_trie_batch(trie.root, chosen, proofs, threads=1).values

    found: Entries = {"trie": _ours("trie", n, "keccak256", run, lambda got: bool(got == wanted))}
    rows = list(zip(chosen, wanted, proofs, strict=True))
    for name, make in tree_peers.TRIE_PEERS.items():
        part = partial(_first_rows, make, TrieTask(trie.root, rows))
        found[f"{name} trie"] = timed_peer(name, n, part, lambda got, m: bool(got == m))
    return found


def _first_rows(make: Callable[[TrieTask], Prepared], task: TrieTask, n: int) -> Prepared:
    return make(TrieTask(task.root, task.rows[:n]))


GROUPS: dict[str, Callable[[Plan], Entries]] = {
    "merkle": _merkle,
    "proofs": _proofs,
    "growth": _growth,
    "sparse": _sparse,
    "trie": _trie,
}
