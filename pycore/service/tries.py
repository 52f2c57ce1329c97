"""Proofs of Ethereum's tries: both halves of VerifyTrie. As in `wire`, what one side writes and the other reads is
side by side here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore._pb.validation.v1 import merkle_pb2
from pycore.base.columns import BatchOfBytes, BytesLike, Column, as_column, describe, same_n
from pycore.base.verdicts import Verdicts
from pycore.client.requests import Budget, Plan, join_verdicts
from pycore.errors import LengthError, ShapeError
from pycore.merkle.patricia import TrieValues, walk_columns
from pycore.wire import messages as wire

_ROOT_SIZE = 32


def decode_verify_trie(request: merkle_pb2.VerifyTrieRequest, settings: wire.Settings) -> wire.Call:
    """VerifyTrie."""
    root, keys, nodes = (wire.from_column(getattr(request, name), name, settings) for name in ("root", "keys", "nodes"))
    counts = wire.numbers(request.node_counts, "node_counts", settings)
    if len(counts) != keys.n:
        raise LengthError("node_counts", f"{len(counts)} numbers", f"{keys.n}, as many as keys")
    told = sum(counts.tolist())
    if told != nodes.n:
        raise LengthError("node_counts", f"{told} nodes in all", f"{nodes.n}, as many as there are")

    def run() -> bytes:
        firsts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)))
        codes, data, places = walk_columns(
            root[0] if root.n == 1 else root, keys, nodes, firsts, hashed=request.hashed, threads=settings.threads
        )
        answer = merkle_pb2.VerifyTrieResponse(verdicts=wire.to_verdicts(Verdicts.of_kernel(codes)))
        if keys.n:
            wire.fill_column(answer.values, _cut_out(data, places))
        return answer.SerializeToString()

    return wire.Call(keys.n + nodes.n, run)


def _cut_out(data: NDArray[np.uint8], places: NDArray[np.int64]) -> Column:
    """The values as rows; a row of no bytes where there is none. No larger than the nodes that they are from."""
    raw = data.tobytes()
    offsets = np.zeros(len(places) + 1, dtype=np.int64)
    np.cumsum(np.where(places[:, 0] >= 0, places[:, 1] - places[:, 0], 0), out=offsets[1:])
    found = places[places[:, 0] >= 0].tolist()
    return as_column((b"".join(raw[begin:end] for begin, end in found), offsets), "values")


def plan_verify_trie(
    budget: Budget,
    root: BatchOfBytes,
    keys: BatchOfBytes,
    proofs: Sequence[Sequence[BytesLike]],
    *,
    hashed: bool = False,
) -> Plan[TrieValues]:
    """VerifyTrie."""
    key_column = as_column(keys, "keys")
    n = key_column.n
    if not isinstance(proofs, (list, tuple)):
        raise ShapeError("proofs", describe(proofs), "a sequence of sequences of nodes")
    if len(proofs) != n:
        raise LengthError("proofs", f"{len(proofs)} items", f"{n}, as many as keys")
    roots = as_column(
        [root] if isinstance(root, (bytes, bytearray, memoryview)) else root, "root", widths=(_ROOT_SIZE,)
    )
    if roots.n != 1:
        same_n("root", roots, n, "keys")
    nodes, firsts = _joined(proofs)
    ranges = _ranges(key_column, nodes, firsts, budget)

    def request(start: int, stop: int) -> merkle_pb2.VerifyTrieRequest:
        first, last = int(firsts[start]), int(firsts[stop])
        return merkle_pb2.VerifyTrieRequest(
            root=wire.to_column(roots if roots.n == 1 else roots.slice(start, stop)),
            keys=wire.to_column(key_column.slice(start, stop)),
            hashed=hashed,
            nodes=wire.to_column(nodes.slice(first, last)),
            node_counts=np.diff(firsts[start : stop + 1]).tolist(),
        )

    return Plan("VerifyTrie", len(ranges), (request(start, stop) for start, stop in ranges), _values)


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
    heads = np.concatenate(([0], np.cumsum(nodes.lengths + wire.OFFSET_DTYPE.itemsize, dtype=np.int64)))
    bulk = heads[firsts] + np.concatenate(([0], np.cumsum(keys.lengths + 2 * wire.OFFSET_DTYPE.itemsize)))
    ranges, start = [], 0
    while start < keys.n:
        by_nodes = int(np.searchsorted(firsts, firsts[start] + budget.items, side="right")) - 1
        by_bytes = int(np.searchsorted(bulk, bulk[start] + budget.nbytes, side="right")) - 1
        stop = min(keys.n, start + budget.items, max(min(by_nodes, by_bytes), start + 1))
        ranges.append((start, stop))
        start = stop
    return ranges or [(0, 0)]


def _values(answers: Sequence[Any]) -> TrieValues:
    values: list[bytes | None] = []
    for answer in answers:
        values += [value or None for value in wire.received_column(answer.values, "values")]
    return TrieValues(join_verdicts([answer.verdicts for answer in answers]), values)
