"""The dependency graph of a block: its rule, and how the chain builds it from read and write sets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain

import numpy as np

from pycore.ledgers._chainmaker.messages import DAG, TxRWSet

_KERNEL_FROM = 1 << 15
"""Neighbours from which the compiled check pays for the import of its compiler."""

REBUILD_LIMIT = 1 << 14
"""Transactions up to which a DAG is rebuilt: time and memory grow with the square of their number."""


def fault(dag: DAG, count: int, *, exact: bool) -> str:
    """Why the DAG breaks the chain's rule for `count` transactions; "" when it keeps it.

    Every neighbour is smaller than its own index and they increase strictly (initSimulateDag). `exact`: one vertex per
    transaction, as block version 2300 and later demand.
    """
    vertexes = dag.vertexes
    if exact and len(vertexes) != count:
        return f"{len(vertexes)} vertexes for {count} transactions"
    if len(vertexes) > count:
        return f"{len(vertexes)} vertexes for only {count} transactions"
    return neighbor_fault([vertex.neighbors for vertex in vertexes])


def neighbor_fault(lists: Sequence[Sequence[int]]) -> str:
    """The first neighbour that is not smaller than its index, or not larger than the one before it, in words."""
    total = 0
    for index, neighbors in enumerate(lists):
        if len(neighbors) > index:
            return f"vertex {index}: {len(neighbors)} neighbours, but only {index} transactions before it"
        total += len(neighbors)
    if total >= _KERNEL_FROM:
        from pycore.kernels.dag import check_dependencies

        flat = np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=total)
        first, codes = check_dependencies(list(accumulate(map(len, lists), initial=0)), flat)
        if first < 0:
            return ""
        index = int((codes != 0).argmax())
        return _describe(index, lists[index])
    for index, neighbors in enumerate(lists):
        last = -1
        for neighbor in neighbors:
            if neighbor <= last or neighbor >= index:
                return _describe(index, neighbors)
            last = neighbor
    return ""


def _describe(index: int, neighbors: Sequence[int]) -> str:
    last = -1
    for neighbor in neighbors:
        if neighbor >= index:
            return f"vertex {index}: neighbour {neighbor} is not before it"
        if neighbor <= last:
            return f"vertex {index}: neighbour {neighbor} after {last}"
        last = neighbor
    raise AssertionError("sound neighbours have no fault to describe")


def build(rw_sets: Sequence[TxRWSet]) -> list[list[int]]:
    """Direct predecessors of every transaction, as BuildDAG (module/snapshot) finds them.

    For transaction i, in the order of its reads and then its writes: a read depends on the last earlier writer of its
    key; a write on every earlier reader, newest first, and then on the last earlier writer. An edge that is implied by
    the ones before it is left out. Keys are compared without the name of their contract, as that function does.
    """
    last_writer: dict[bytes, int] = {}
    readers: dict[bytes, list[int]] = {}
    reach: list[int] = []
    edges: list[list[int]] = []
    for index, rw_set in enumerate(rw_sets):
        reads = [item.key for item in rw_set.tx_reads]
        writes = [item.key for item in rw_set.tx_writes]
        wanted = [last_writer[key] for key in reads if key in last_writer]
        for key in writes:
            wanted += reversed(readers.get(key, ()))
            if key in last_writer:
                wanted.append(last_writer[key])
        mine = 1 << index  # bit j: transaction j runs before this one, or is it
        direct = []
        for other in wanted:
            if not mine >> other & 1:
                direct.append(other)
                mine |= reach[other]
        reach.append(mine)
        edges.append(sorted(direct))
        for key in reads:
            known = readers.setdefault(key, [])
            if not known or known[-1] != index:
                known.append(index)
        for key in writes:
            last_writer[key] = index
    return edges
