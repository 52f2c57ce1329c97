"""Dependency lists against plain Python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.ledgers.chainmaker.dag_jit import DependencyCode, check_dependencies, dependency_levels

Lists = list[list[int]]


def csr(lists: Lists) -> tuple[list[int], list[int]]:
    offsets = [0]
    for neighbors in lists:
        offsets.append(offsets[-1] + len(neighbors))
    return offsets, [neighbor for neighbors in lists for neighbor in neighbors]


def plain(lists: Lists) -> tuple[int, list[int]]:
    first, codes, at = -1, [], 0
    for i, neighbors in enumerate(lists):
        code, before = DependencyCode.SOUND, -1
        for k, neighbor in enumerate(neighbors):
            if not 0 <= neighbor < i:
                code = DependencyCode.NOT_EARLIER
            elif neighbor <= before:
                code = DependencyCode.NOT_INCREASING
            else:
                before = neighbor
                continue
            first = at + k if first < 0 else first
            break
        codes.append(int(code))
        at += len(neighbors)
    return first, codes


@st.composite
def sound(draw: st.DrawFn) -> Lists:
    n = draw(st.integers(0, 14))
    return [sorted(draw(st.sets(st.integers(0, i - 1), max_size=i))) if i else [] for i in range(n)]


@given(st.lists(st.lists(st.integers(-1, 12), max_size=6), max_size=12))
def test_any_lists(lists: Lists) -> None:
    first, codes = check_dependencies(*csr(lists))
    assert (first, codes.tolist()) == plain(lists)


@given(sound())
def test_sound_lists(lists: Lists) -> None:
    first, codes = check_dependencies(*csr(lists))
    assert first == -1
    assert not codes.any()
    levels: list[int] = []
    for neighbors in lists:
        levels.append(max((levels[neighbor] + 1 for neighbor in neighbors), default=0))
    assert dependency_levels(*csr(lists)).tolist() == levels


@given(sound(), st.data())
def test_one_change_is_found(lists: Lists, data: st.DataObject) -> None:
    offsets, neighbors = csr(lists)
    if not neighbors:
        return
    at = data.draw(st.integers(0, len(neighbors) - 1))
    owner = next(i for i in range(len(lists)) if offsets[i] <= at < offsets[i + 1])
    neighbors[at] = data.draw(st.sampled_from([owner, owner + 1, 10**6, 2**32]))
    first, codes = check_dependencies(offsets, neighbors)
    assert first == at
    assert codes.tolist() == [DependencyCode.NOT_EARLIER if i == owner else 0 for i in range(len(lists))]


@pytest.mark.parametrize(
    ("lists", "first", "codes"),
    [
        ([], -1, []),
        ([[]], -1, [0]),
        ([[0]], 0, [1]),
        ([[], [1]], 0, [0, 1]),
        ([[], [0, 0]], 1, [0, 2]),
        ([[], [], [1, 0]], 1, [0, 0, 2]),
        ([[], [5], [0, 0], [0, 1, 2]], 0, [0, 1, 2, 0]),
    ],
)
def test_by_hand(lists: Lists, first: int, codes: list[int]) -> None:
    found_first, found = check_dependencies(*csr(lists))
    assert (found_first, found.tolist()) == (first, codes)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64])
def test_dtypes_strides_and_read_only(dtype: Any) -> None:
    offsets, neighbors = np.array([0, 0, 1, 3], dtype), np.array([0, 9, 0, 9, 1, 9], dtype)[::2]
    offsets.flags.writeable = False
    assert check_dependencies(offsets, neighbors)[0] == -1


def test_numbers_beyond_int64_are_no_neighbors() -> None:
    first, codes = check_dependencies([0, 0, 1], np.array([2**64 - 1], np.uint64))
    assert (first, codes.tolist()) == (0, [0, 1])


@pytest.mark.parametrize(
    ("offsets", "neighbors", "field"),
    [
        ([], [], "offsets"),
        ([1], [], "offsets"),
        ([0, 1], [], "offsets"),
        ([0, 0], [1], "offsets"),
        ([0, 2, 1], [0], "offsets[2]"),
        ([0, -1, 1], [0], "offsets[1]"),
        ([0.0], [], "offsets"),
        ([[0]], [], "offsets"),
        ([0, 1], [0.5], "neighbors"),
    ],
)
def test_malformed(offsets: Any, neighbors: Any, field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        check_dependencies(offsets, neighbors)
    assert caught.value.field == field


def test_levels_want_sound_lists() -> None:
    with pytest.raises(pycore.InputError) as caught:
        dependency_levels([0, 0, 1], [1])
    assert (caught.value.field, caught.value.got) == ("neighbors[0]", "1")


def test_threads() -> None:
    lists = [list(range(max(i - 3, 0), i)) for i in range(5000)]
    offsets, neighbors = (np.array(column) for column in csr(lists))

    def call(turn: int) -> int:
        mine = neighbors.copy()
        mine[turn + 100] = 10**6
        return check_dependencies(offsets, mine)[0] - 100

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(64))) == list(range(64))
    assert dependency_levels(offsets, neighbors)[-1] == 4999
