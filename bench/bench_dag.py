"""A block's DAG rebuilt from read and write sets, by how much its transactions conflict: `rebuild_dag` of a context."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest

from pycore.ledgers.chainmaker import dag
from pycore.ledgers.chainmaker.messages import TxRWSet

from .conftest import Measure

Keys = tuple[list[bytes], list[bytes]]
"""What one transaction reads, and what it writes."""


def own(i: int, n: int, rng: random.Random) -> Keys:
    return [b"own%d" % i], [b"own%d" % i]


def transfer(i: int, n: int, rng: random.Random) -> Keys:
    """From one of n / 4 accounts to another."""
    keys = [b"account%d" % rng.randrange(max(2, n // 4)) for _ in range(2)]
    return keys, keys


def quarter(i: int, n: int, rng: random.Random) -> Keys:
    """One in four is a transfer: the blocks of pycore.testing."""
    return (own, transfer)[rng.random() < 0.25](i, n, rng)


def one_key(i: int, n: int, rng: random.Random) -> Keys:
    return [b"counter"], [b"counter"]


def wide(i: int, n: int, rng: random.Random) -> Keys:
    """Eight keys of n read and eight written."""
    return [b"key%d" % rng.randrange(n) for _ in range(8)], [b"key%d" % rng.randrange(n) for _ in range(8)]


def hot_key(i: int, n: int, rng: random.Random) -> Keys:
    """The first 512 read one key and the next 511 write it, each after all of the readers: nearly as many edges as are
    built; the others have separate keys."""
    return ([b"hot"], []) if i < 512 else ([], [b"hot"]) if i < 1023 else own(i, n, rng)


@cache
def sets(shape: Callable[[int, int, random.Random], Keys], n: int) -> list[TxRWSet]:
    rng = random.Random(1)
    found = []
    for i in range(n):
        one = TxRWSet()
        reads, writes = shape(i, n, rng)
        for key in reads:
            one.tx_reads.add(key=key)
        for key in writes:
            one.tx_writes.add(key=key)
        found.append(one)
    return found


@pytest.mark.parametrize("n", [64, 1024, 4096, dag.REBUILD_LIMIT])
@pytest.mark.parametrize("shape", [own, quarter, transfer, one_key, wide, hot_key])
def test_rebuild(measure: Measure, shape: Callable[[int, int, random.Random], Keys], n: int) -> None:
    given = sets(shape, n)
    built = measure(lambda: dag.build(given), n, f"dag n={n}", by=shape.__name__)
    assert len(built) == n
