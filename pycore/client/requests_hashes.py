"""The calls for hashes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import BatchOfBytes, BytesLike, as_column, single
from pycore.base.registry import HASHES, lookup
from pycore.client.requests import Budget, Caller, Plan, call
from pycore.wire.columns import split
from pycore.wire.packing import packed
from pycore.wire.schema import hash_pb2


class HashCalls(Caller):
    """`hash_batch` and `hash`."""

    @call
    def hash_batch(
        self, algorithm: str, messages: BatchOfBytes, *, width: int | None = None, threads: int | None = None
    ) -> Plan[NDArray[np.uint8]]:
        """`pycore.hash_batch` on the service."""
        return _plan(self._budget, algorithm, messages, width)

    @call
    def hash(self, algorithm: str, message: BytesLike) -> Plan[bytes]:
        """`pycore.hash` on the service."""
        return _plan(self._budget, algorithm, single(message, "message"), None).then(lambda row: row.tobytes())


def _plan(budget: Budget, algorithm: str, messages: BatchOfBytes, width: int | None) -> Plan[NDArray[np.uint8]]:
    lookup(HASHES, algorithm, "algorithm")
    column = as_column(messages, "messages", width=width)
    ranges = split([column], budget.items, budget.nbytes)
    bare = hash_pb2.HashBatchRequest(algorithm=algorithm).SerializeToString()
    number = hash_pb2.HashBatchRequest.MESSAGES_FIELD_NUMBER
    requests = (packed(bare, [(number, column.slice(start, stop))]) for start, stop in ranges)
    return Plan("HashBatch", len(ranges), requests, _combine)


def _combine(answers: Sequence[hash_pb2.HashBatchResponse]) -> NDArray[np.uint8]:
    parts = [_digests(answer) for answer in answers]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _digests(message: hash_pb2.HashBatchResponse) -> NDArray[np.uint8]:
    """uint8 (count, digest_size), writable as the in-process result is."""
    flat = np.frombuffer(message.digests, dtype=np.uint8)
    digests: NDArray[np.uint8] = flat.reshape(message.count, message.digest_size).copy()
    return digests
