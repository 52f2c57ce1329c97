"""Numba kernels: irregular integer work over arrays, arrays in and arrays out.

Field and hash arithmetic is in C; here are walks, tallies and searches. Rules that every kernel keeps: it is compiled
on its first call and cached on disk between runs; it releases the GIL and starts no threads of its own, so any number
of calls may run beside each other; and nothing imports this package at start-up, because Numba takes longer to import
than all the rest.

============  ==============================================================================================
module        what
============  ==============================================================================================
tally         weighted vote tallies that cannot overflow unnoticed, counting every voter once
digests       duplicates and conflicts among digests, exact
dag           transaction dependency lists: every neighbour smaller than its own index, strictly increasing
native        multiproofs and growing trees: loops that call the C level kernels
cuda          hashes and Merkle roots on a GPU
trees         proofs out of a tree's nodes, multiproof schedules, SSZ generalized indices
sparse        sparse Merkle trees: places, splits and joins of a batch of keys; writing and reading of proofs
trie          Ethereum's Merkle-Patricia proofs: strict RLP and the way of a key through hashed nodes
============  ==============================================================================================
"""

from __future__ import annotations


def warm_up() -> None:
    """Compile every kernel now, or load it from the cache, so that no later call has to wait for it.

    Takes a few seconds the first time on a machine, and some tenths of a second from the cache; call it on a thread
    where something else must go on meanwhile.

    >>> warm_up()
    """
    import numpy as np

    from pycore import _loops
    from pycore._levels import zero_nodes
    from pycore.base.registry import HASHES, TREES
    from pycore.kernels import dag, digests, native, sparse, tally, trees, trie

    numbers = np.zeros(2, dtype=np.uint64)
    rows = np.zeros((2, 32), dtype=np.uint8)
    row, shape = HASHES["sha256"], TREES["rfc9162"]
    first, zeros, frontier = np.zeros(1, dtype=np.int64), zero_nodes(row.name), np.zeros((64, 32), dtype=np.uint8)
    trees.proofs(rows, 1, first, shape, 0, zeros)
    trees.ssz_plan(np.full(1, 2, dtype=np.uint64))
    plan = trees.multiproof_plan(first, 2, shape, 1)
    native.climb(row, shape, plan, np.zeros((3, 32), dtype=np.uint8), plan.waves)
    native.grow(row, shape, frontier, 0, 0, rows, first)
    native.edge(row, shape, frontier, 2, zeros, 1)
    _loops.load()
    sparse.warm_up()
    trie.warm_up()
    tally.tally_mask([True, True], numbers)
    tally.tally_bitmap(b"\x03", numbers)
    tally.tally_votes([0, 1], [True, True], numbers)
    digests.find_conflicts(rows, rows)
    dag.dependency_levels([0, 0, 1], [0])
