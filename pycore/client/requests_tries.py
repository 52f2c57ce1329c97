"""The calls for proofs of Ethereum's Merkle-Patricia tries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import BatchOfBytes, BytesLike, Column, as_column, describe
from pycore.client.requests import Budget, Caller, Plan, call, counted, only, root_column, root_slice
from pycore.errors import LengthError, ShapeError
from pycore.merkle.patricia import TrieValues
from pycore.wire.columns import OFFSET_DTYPE, received_column, to_numbers
from pycore.wire.errors import ServiceError
from pycore.wire.packing import packed
from pycore.wire.schema import merkle_pb2

_ROOT_SIZE = 32


class TrieCalls(Caller):
    """`verify_trie_batch` and `verify_trie`."""

    @call
    def verify_trie_batch(
        self,
        root: BatchOfBytes,
        keys: BatchOfBytes,
        proofs: Sequence[Sequence[BytesLike]],
        *,
        hashed: bool = False,
        threads: int | None = None,
    ) -> Plan[TrieValues]:
        """`pycore.merkle.patricia.verify_trie_batch` on the service."""
        return _plan(self._budget, root, keys, proofs, hashed=hashed)

    @call
    def verify_trie(
        self, /, root: BytesLike, key: BytesLike, proof: Sequence[BytesLike], **options: Any
    ) -> Plan[bytes | None]:
        """`pycore.merkle.patricia.verify_trie` on the service."""
        options.pop("threads", None)
        return _plan(self._budget, root, [key], [proof], **options).then(_only_value)


def _plan(
    budget: Budget,
    root: BatchOfBytes,
    keys: BatchOfBytes,
    proofs: Sequence[Sequence[BytesLike]],
    *,
    hashed: bool = False,
) -> Plan[TrieValues]:
    key_column = as_column(keys, "keys")
    n = key_column.n
    if not isinstance(proofs, (list, tuple)):
        raise ShapeError("proofs", describe(proofs), "a sequence of sequences of nodes")
    if len(proofs) != n:
        raise LengthError("proofs", f"{len(proofs)} items", f"{n}, as many as keys")
    roots = root_column(root, _ROOT_SIZE, n, "keys")
    nodes, firsts = _joined(proofs)
    ranges = _ranges(key_column, nodes, firsts, budget)

    def request(start: int, stop: int) -> bytes:
        first, last = int(firsts[start]), int(firsts[stop])
        bare = merkle_pb2.VerifyTrieRequest(hashed=hashed, node_counts=to_numbers(np.diff(firsts[start : stop + 1])))
        columns = [
            (bare.ROOT_FIELD_NUMBER, root_slice(roots, start, stop)),
            (bare.KEYS_FIELD_NUMBER, key_column.slice(start, stop)),
            (bare.NODES_FIELD_NUMBER, nodes.slice(first, last)),
        ]
        return packed(bare, columns)

    return Plan("VerifyTrie", len(ranges), (request(start, stop) for start, stop in ranges), partial(_values, n))


def _joined(proofs: Sequence[Sequence[BytesLike]]) -> tuple[Column, NDArray[np.int64]]:
    """All nodes, and n + 1 bounds in them."""
    flat: list[Any] = []
    firsts = [0]
    for i, proof in enumerate(proofs):
        if not isinstance(proof, (list, tuple)):
            raise ShapeError(f"proofs[{i}]", describe(proof), "a sequence of nodes")
        flat += proof
        firsts.append(len(flat))
    return as_column(flat, "proofs"), np.array(firsts, dtype=np.int64)


def _ranges(keys: Column, nodes: Column, firsts: NDArray[np.int64], budget: Budget) -> list[tuple[int, int]]:
    """Ranges of proofs, each with at most budget.items keys, as many nodes, and, beyond one proof, budget.nbytes."""
    heads = np.concatenate(([0], np.cumsum(nodes.lengths + OFFSET_DTYPE.itemsize, dtype=np.int64)))
    bulk = heads[firsts] + np.concatenate(([0], np.cumsum(keys.lengths + 2 * OFFSET_DTYPE.itemsize)))
    ranges, start = [], 0
    while start < keys.n:
        by_nodes = int(np.searchsorted(firsts, firsts[start] + budget.items, side="right")) - 1
        by_bytes = int(np.searchsorted(bulk, bulk[start] + budget.nbytes, side="right")) - 1
        stop = min(keys.n, start + budget.items, max(min(by_nodes, by_bytes), start + 1))
        ranges.append((start, stop))
        start = stop
    return ranges or [(0, 0)]


def _values(n: int, answers: Sequence[Any]) -> TrieValues:
    values: list[bytes | None] = []
    for answer in answers:
        values += [value or None for value in received_column(answer.values, "values")]
    if len(values) != n:
        raise ServiceError(grpc.StatusCode.UNKNOWN, f"{len(values)} values for {n} keys")
    return TrieValues(counted(n, [answer.verdicts for answer in answers]), values)


def _only_value(found: TrieValues) -> bytes | None:
    only(found.verdicts)
    return found.values[0]
