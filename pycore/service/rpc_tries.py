"""VerifyTrie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import Column, as_column
from pycore.base.verdicts import Verdicts
from pycore.errors import LengthError
from pycore.merkle.patricia import walk_columns
from pycore.service.work import Unary, Work
from pycore.wire.columns import fill_column, from_column, numbers, to_verdicts
from pycore.wire.schema import merkle_pb2
from pycore.wire.settings import Settings

_NAME = "VerifyTrie"
_Result = tuple[Verdicts, Column]


def _decode(request: merkle_pb2.VerifyTrieRequest, settings: Settings) -> Work:
    root, keys, nodes = (from_column(getattr(request, name), name, settings) for name in ("root", "keys", "nodes"))
    counts = numbers(request.node_counts, "node_counts", settings)
    if len(counts) != keys.n:
        raise LengthError("node_counts", f"{len(counts)} numbers", f"{keys.n}, as many as keys")
    told = sum(counts.tolist())
    if told != nodes.n:
        raise LengthError("node_counts", f"{told} nodes in all", f"{nodes.n}, as many as there are")
    return Work(_NAME, request.hashed, (root, keys, nodes, counts), keys.n, keys.n + nodes.n)


def _run(work: Work, settings: Settings) -> _Result:
    root, keys, nodes, counts = work.columns
    firsts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)))
    codes, data, places = walk_columns(
        root[0] if root.n == 1 else root, keys, nodes, firsts, hashed=bool(work.options), threads=settings.threads
    )
    return Verdicts.of_kernel(codes), _cut_out(data, places)


def _cut_out(data: NDArray[np.uint8], places: NDArray[np.int64]) -> Column:
    """The values as rows; a row of no bytes where there is none. No larger than the nodes that they are from."""
    raw = data.tobytes()
    offsets = np.zeros(len(places) + 1, dtype=np.int64)
    np.cumsum(np.where(places[:, 0] >= 0, places[:, 1] - places[:, 0], 0), out=offsets[1:])
    found = places[places[:, 0] >= 0].tolist()
    return as_column((b"".join(raw[begin:end] for begin, end in found), offsets), "values")


def _encode(result: _Result) -> merkle_pb2.VerifyTrieResponse:
    verdicts, values = result
    answer = merkle_pb2.VerifyTrieResponse(verdicts=to_verdicts(verdicts))
    if values.n:
        fill_column(answer.values, values)
    return answer


RPCS = {_NAME: Unary(_decode, _encode)}
KINDS = {_NAME: _run}
