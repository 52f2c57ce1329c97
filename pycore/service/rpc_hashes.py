"""HashBatch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycore import hashing
from pycore.base.registry import HASHES, lookup
from pycore.service.work import Unary, Work
from pycore.wire.columns import from_column
from pycore.wire.schema import hash_pb2
from pycore.wire.settings import Settings

_NAME = "HashBatch"


def _decode(request: hash_pb2.HashBatchRequest, settings: Settings) -> Work:
    messages = from_column(request.messages, "messages", settings)
    algorithm = lookup(HASHES, request.algorithm, "algorithm")
    settings.check_answer(messages.n * algorithm.digest_size, "messages")
    return Work(_NAME, algorithm.name, (messages,), messages.n, messages.n)


def _run(work: Work, settings: Settings) -> NDArray[np.uint8]:
    return hashing.hash_batch(str(work.options), *work.columns, threads=settings.threads)


def _encode(digests: NDArray[np.uint8]) -> hash_pb2.HashBatchResponse:
    count, size = digests.shape
    return hash_pb2.HashBatchResponse(digests=digests.tobytes(), digest_size=size, count=count)


RPCS = {_NAME: Unary(_decode, _encode)}
KINDS = {_NAME: _run}
