"""The dependency graph of a block: its rule, and how the chain builds it from read and write sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pycore.errors import InputError
from pycore.ledgers.chainmaker.messages import TxRWSet

REBUILD_LIMIT = 1 << 14
"""Transactions up to which a DAG is rebuilt: for each it is kept which others run before it, one bit each."""

EDGE_LIMIT = 1 << 18
"""Edges up to which a DAG is rebuilt."""

_FOLD = 32


def fault(vertexes: int, owners: NDArray[np.int64], neighbors: NDArray[np.int64], count: int, *, exact: bool) -> str:
    """Why the DAG breaks the chain's rule for `count` transactions; "" when it does not.

    Every neighbour is smaller than its own index and they increase strictly (initSimulateDag).

    vertexes             how many there are
    owners, neighbors    int64 (edges,): the edges, by vertex
    exact                one vertex per transaction, as block version 2300 and later demand
    """
    if exact and vertexes != count:
        return f"{vertexes} vertexes for {count} transactions"
    if vertexes > count:
        return f"{vertexes} vertexes for only {count} transactions"
    degrees = np.bincount(owners, minlength=vertexes)
    many = np.flatnonzero(degrees > np.arange(vertexes))
    if len(many):
        index = int(many[0])
        return f"vertex {index}: {degrees[index]} neighbours, but only {index} transactions before it"
    wrong = neighbors >= owners
    wrong[1:] |= (owners[1:] == owners[:-1]) & (neighbors[1:] <= neighbors[:-1])
    if not wrong.any():
        return ""
    at = int(wrong.argmax())
    index, neighbor = int(owners[at]), int(neighbors[at])
    if neighbor >= index:
        return f"vertex {index}: neighbour {neighbor} is not before it"
    return f"vertex {index}: neighbour {neighbor} after {int(neighbors[at - 1])}"


def build(rw_sets: Sequence[TxRWSet], *, most: int = EDGE_LIMIT) -> list[list[int]]:
    """Direct predecessors of every transaction, as BuildDAG (module/snapshot) finds them.

    For transaction i, in the order of its reads and then its writes: a read depends on the last earlier writer of its
    key; a write on every earlier reader, newest first, and then on the last earlier writer. An edge that is implied by
    the ones before it is left out. Keys are compared without the name of their contract, as that function does.

    Raises:
        InputError: more than `most` edges. Half of n transactions may read what the other half writes, so that a small
            input can ask for n^2 / 4 of them.
    """
    last_writer: dict[bytes, int] = {}
    readers: dict[bytes, _Readers] = {}
    reach: list[int] = []
    edges: list[list[int]] = []
    total = 0
    for index, rw_set in enumerate(rw_sets):
        # A key that a transaction names again asks for nothing new: all it depends on is reached by then.
        reads = dict.fromkeys(item.key for item in rw_set.tx_reads)
        writes = dict.fromkeys(item.key for item in rw_set.tx_writes)
        mine = 1 << index  # bit j: transaction j runs before this one, or is it
        direct: list[int] = []
        for pending in _wanted(reads, writes, last_writer, readers):
            left = pending & ~mine
            while left:
                other = left.bit_length() - 1
                direct.append(other)
                total += 1
                if total > most:
                    raise InputError("block.dag", f"read and write sets with more than {most} edges", f"at most {most}")
                mine |= reach[other]
                left &= ~mine
        reach.append(mine)
        edges.append(sorted(direct))
        for key in reads:
            known = readers.get(key)
            writer = last_writer.get(key, -1)
            if known is None or known.after != writer:
                # Readers before that writer stand below this one already, and are never asked for separately again.
                readers[key] = known = _Readers(writer)
            known.add(index)
        for key in writes:
            last_writer[key] = index
    return edges


def _wanted(
    reads: Iterable[bytes], writes: Iterable[bytes], last_writer: Mapping[bytes, int], readers: Mapping[bytes, _Readers]
) -> Iterator[int]:
    """The dependencies of each transaction, in order, as sets of transactions: bit j stands for j, the
    highest comes first."""
    for key in reads:
        if key in last_writer:
            yield 1 << last_writer[key]
    for key in writes:
        known = readers.get(key)
        if known is not None:
            yield known.mask()
        if key in last_writer:
            yield 1 << last_writer[key]


class _Readers:
    """The transactions that read a key after the same writer. Few are a list: a mask takes n / 8 bytes, and one key per
    read would make that quadratic in memory; many are folded into a mask, so that asking for them is one operation."""

    __slots__ = ("_folded", "_listed", "after")

    def __init__(self, after: int) -> None:
        self.after = after
        self._folded = 0
        self._listed: list[int] = []

    def add(self, index: int) -> None:
        self._listed.append(index)
        if len(self._listed) == _FOLD:
            self._folded = self.mask()
            self._listed.clear()

    def mask(self) -> int:
        found = self._folded
        for index in self._listed:
            found |= 1 << index
        return found
