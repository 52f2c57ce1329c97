"""Hashing: every hash and backend over short and longer messages, and the same work by peers."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import pycore
from bench.peers import HASH_PEERS, HashTask, PeerMissingError
from pycore.testing import _deterministic

from .conftest import Measure

PEERS = [(algorithm, name) for algorithm, peers in HASH_PEERS.items() for name in peers]


@cache
def texts(n: int, width: int) -> Any:
    return _deterministic.rows(1, "bench", count=n, width=width)


@pytest.mark.parametrize("width", [64, 1024])
@pytest.mark.parametrize("algorithm", list(pycore.HASHES))
def test_hash(measure: Measure, backend: str, algorithm: str, width: int, size: int) -> None:
    messages = texts(size, width)

    def run() -> Any:
        return pycore.hash_batch(algorithm, messages)

    group = f"{algorithm} {width} B n={size}"
    digests = measure(run, size, group, by="pycore", backend=backend, message_bytes=width)
    assert digests.shape[0] == size


@pytest.mark.parametrize("width", [64, 1024])
@pytest.mark.parametrize(("algorithm", "peer"), PEERS)
def test_peer(measure: Measure, algorithm: str, peer: str, width: int, size: int) -> None:
    messages = texts(size, width)
    try:
        prepared = HASH_PEERS[algorithm][peer](HashTask(algorithm, [row.tobytes() for row in messages]))
    except (PeerMissingError, ImportError) as error:
        pytest.skip(str(error))
    group = f"{algorithm} {width} B n={size}"
    digests = measure(prepared.run, size, group, by=prepared.version, message_bytes=width)
    assert bytes(digests[-1]) == pycore.hash_batch(algorithm, messages)[-1].tobytes()
