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
native        growing trees: loops that call the C level kernels
cuda          hashes and Merkle roots on a GPU
trees         node layout, rows of proofs, multiproof schedules, SSZ generalized indices, ranges of a growing tree
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

    from pycore.kernels import dag, digests, native, sparse, tally, trees, trie
    from pycore.registry import HASHES, TREES

    numbers = np.zeros(2, dtype=np.uint64)
    rows = np.zeros((2, 32), dtype=np.uint8)
    trees.proof_rows([0], 2, promotes=True)
    trees.multiproof_plan([0], 2, promotes=True)
    trees.ssz_plan([2])
    trees.common_prefix_bits(rows)
    row, shape = HASHES["sha256"], TREES["rfc9162"]
    frontier = native.empty_frontier(row)
    native.append(row, shape, frontier, 0, rows)
    native.frontier_root(row, shape, frontier, 2)
    sparse.warm_up()
    trie.warm_up()
    tally.tally_mask([True, True], numbers)
    tally.tally_bitmap(b"\x03", numbers)
    tally.tally_votes([0, 1], [True, True], numbers)
    digests.find_conflicts(rows, rows)
    dag.dependency_levels([0, 0, 1], [0])
