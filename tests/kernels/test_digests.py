"""Duplicates and conflicts against dictionaries."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.consensus.conflicts_jit import find_conflicts, find_duplicates


def plain_duplicates(rows: list[bytes]) -> list[int]:
    first: dict[bytes, int] = {}
    return [first.setdefault(row, i) for i, row in enumerate(rows)]


def plain_conflicts(keys: list[bytes], values: list[bytes]) -> list[int]:
    return [next((j for j in range(i) if keys[j] == keys[i] and values[j] != values[i]), -1) for i in range(len(keys))]


def matrix(rows: list[bytes], width: int) -> np.ndarray:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), width)


@given(st.integers(1, 70), st.data())
def test_duplicates(width: int, data: st.DataObject) -> None:
    few = data.draw(st.lists(st.binary(min_size=width, max_size=width), min_size=1, max_size=6))
    rows = data.draw(st.lists(st.sampled_from(few), max_size=40))
    assert find_duplicates(matrix(rows, width)).tolist() == plain_duplicates(rows)


@given(st.integers(1, 20), st.integers(1, 20), st.data())
def test_conflicts(width: int, width2: int, data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.binary(min_size=width, max_size=width), min_size=1, max_size=3))
    values = data.draw(st.lists(st.binary(min_size=width2, max_size=width2), min_size=1, max_size=3))
    claims = data.draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(values)), max_size=40))
    mine, theirs = [claim[0] for claim in claims], [claim[1] for claim in claims]
    found = find_conflicts(matrix(mine, width), matrix(theirs, width2))
    assert found.tolist() == plain_conflicts(mine, theirs)


def test_rows_that_differ_in_one_byte_only() -> None:
    base = bytes(range(32))
    rows = [base] + [base[:i] + bytes([base[i] ^ 0x80]) + base[i + 1 :] for i in range(32)]
    assert find_duplicates(matrix(rows, 32)).tolist() == list(range(33))
    assert find_duplicates(matrix(rows + rows, 32)).tolist() == list(range(33)) * 2


def test_many(rng: random.Random) -> None:
    rows = [rng.randbytes(32) for _ in range(20_000)]
    rows += rng.choices(rows, k=5_000)
    rng.shuffle(rows)
    assert find_duplicates(matrix(rows, 32)).tolist() == plain_duplicates(rows)


def test_structured_rows_stay_fast() -> None:
    """Counters in any byte, as identifiers often are: every one soon lands in its own slot."""
    for at in (0, 7, 8, 24, 28):
        rows = np.zeros((60_000, 32), np.uint8)
        rows[:, at : at + 4] = np.arange(60_000, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
        assert (find_duplicates(rows) == np.arange(60_000)).all()


def test_edges() -> None:
    assert find_duplicates(np.empty((0, 32), np.uint8)).tolist() == []
    assert find_duplicates(np.zeros((1, 32), np.uint8)).tolist() == [0]
    assert find_duplicates(np.zeros((5, 32), np.uint8)).tolist() == [0] * 5
    assert find_duplicates(np.zeros((3, 0), np.uint8)).tolist() == [0] * 3
    assert find_conflicts(np.empty((0, 4), np.uint8), np.empty((0, 4), np.uint8)).tolist() == []
    assert find_conflicts(np.zeros((3, 4), np.uint8), np.zeros((3, 0), np.uint8)).tolist() == [-1] * 3


def test_strided_and_read_only_rows(rng: random.Random) -> None:
    wide = np.frombuffer(rng.randbytes(64 * 40), np.uint8).reshape(40, 64).copy()
    wide[20:] = wide[:20]
    wide.flags.writeable = False
    for rows in (wide[:, 7:39], wide[::-1, :32], wide[::2, :5]):
        assert find_duplicates(rows).tolist() == plain_duplicates([bytes(row) for row in rows])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: find_duplicates(np.zeros(32, np.uint8)), "digests"),
        (lambda: find_duplicates(np.zeros((2, 4), np.int64)), "digests"),
        (lambda: find_duplicates([b"a"]), "digests"),  # type: ignore[arg-type]
        (lambda: find_conflicts(np.zeros((2, 4), np.uint8), np.zeros((3, 4), np.uint8)), "values"),
        (lambda: find_conflicts(np.zeros((2, 4), np.uint8), np.zeros((2, 4))), "values"),
        (lambda: find_conflicts(np.zeros((2, 4)), np.zeros((2, 4), np.uint8)), "keys"),
    ],
)
def test_malformed(call: Any, field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert caught.value.field == field


def test_threads(rng: random.Random) -> None:
    jobs = [[rng.choice([b"a", b"b", rng.randbytes(1)]) * 32 for _ in range(3000)] for _ in range(12)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda rows: find_duplicates(matrix(rows, 32)).tolist(), jobs))
    assert found == [plain_duplicates(rows) for rows in jobs]
