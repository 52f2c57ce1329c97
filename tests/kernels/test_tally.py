"""Tallies against plain Python, at and beyond the limits."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.consensus.tally_jit import (
    INT64_MAX,
    UINT64_MAX,
    Tally,
    VoteCode,
    tally_bitmap,
    tally_groups,
    tally_mask,
    tally_votes,
)

POWERS = st.lists(st.one_of(st.integers(0, 50), st.integers(0, UINT64_MAX)), max_size=40)


def plain_votes(voter: list[int], valid: list[bool], power: list[int]) -> tuple[Tally, list[int]]:
    counted: set[int] = set()
    codes = []
    for who, good in zip(voter, valid, strict=True):
        if not 0 <= who < len(power):
            codes.append(VoteCode.UNKNOWN_VOTER)
        elif not good:
            codes.append(VoteCode.NOT_VALID)
        elif who in counted:
            codes.append(VoteCode.DUPLICATE)
        else:
            counted.add(who)
            codes.append(VoteCode.COUNTED)
    return Tally(sum(power[who] for who in counted), len(counted)), [int(code) for code in codes]


@given(POWERS, st.data(), st.sampled_from([INT64_MAX, UINT64_MAX, 100]))
def test_masks_and_bitmaps(power: list[int], data: st.DataObject, limit: int) -> None:
    mask = data.draw(st.lists(st.booleans(), min_size=len(power), max_size=len(power)))
    weights = np.array(power, np.uint64)
    total = sum(p for p, m in zip(power, mask, strict=True) if m)
    bitmap = np.packbits(np.array(mask, np.bool_), bitorder="little").tobytes()
    for call, selection in [(tally_mask, mask), (tally_mask, np.array(mask, np.uint8) * 7), (tally_bitmap, bitmap)]:
        if total > limit:
            with pytest.raises(pycore.InputError) as caught:
                call(selection, weights, limit=limit)  # type: ignore[operator]
            assert (caught.value.field, caught.value.wanted) == ("power", f"at most {limit}")
        else:
            assert call(selection, weights, limit=limit) == Tally(total, sum(mask))  # type: ignore[operator]


@given(st.lists(st.integers(0, 1000), max_size=12), st.data())
def test_votes(power: list[int], data: st.DataObject) -> None:
    voter = data.draw(st.lists(st.integers(-2, len(power) + 1), max_size=60))
    valid = data.draw(st.lists(st.booleans(), min_size=len(voter), max_size=len(voter)))
    found, codes = tally_votes(voter, valid, power)
    wanted, wanted_codes = plain_votes(voter, valid, power)
    assert found == wanted
    assert codes.tolist() == wanted_codes


@given(st.lists(st.integers(0, 1000), max_size=12), st.integers(1, 5), st.data())
def test_groups_are_tallies_side_by_side(power: list[int], groups: int, data: st.DataObject) -> None:
    votes = data.draw(
        st.lists(st.tuples(st.integers(0, groups - 1), st.integers(-1, len(power)), st.booleans()), max_size=60)
    )
    group, voter, valid = ([vote[k] for vote in votes] for k in range(3))
    totals, counts, codes = tally_groups(group, groups, voter, valid, power)
    for g in range(groups):
        mine = [k for k, of in enumerate(group) if of == g]
        wanted, wanted_codes = plain_votes([voter[k] for k in mine], [valid[k] for k in mine], power)
        assert (int(totals[g]), int(counts[g])) == wanted
        assert codes[mine].tolist() == wanted_codes


def test_an_invalid_vote_does_not_use_up_the_voter() -> None:
    found, codes = tally_votes([0, 0, 0], [False, True, True], [5])
    assert found == (5, 1)
    assert codes.tolist() == [VoteCode.NOT_VALID, VoteCode.COUNTED, VoteCode.DUPLICATE]


@pytest.mark.parametrize("limit", [INT64_MAX, UINT64_MAX])
def test_exactly_at_the_limit(limit: int) -> None:
    power = np.array([limit - 5, 5, 1, 0], np.uint64)
    flags = np.array([True, True, False, True])
    assert tally_mask(flags, power, limit=limit) == Tally(limit, 3)
    assert tally_votes([0, 1, 3], [True] * 3, power, limit=limit)[0] == Tally(limit, 3)
    for more in ([True, True, True, False], [True, True, True, True]):
        with pytest.raises(pycore.InputError, match=f"got a sum above {limit}, wanted at most {limit}"):
            tally_mask(more, power, limit=limit)
    with pytest.raises(pycore.InputError):
        tally_votes([0, 1, 2], [True] * 3, power, limit=limit)


def test_sums_do_not_wrap() -> None:
    power = np.full(4, 2**63, np.uint64)
    for limit in (INT64_MAX, UINT64_MAX):
        with pytest.raises(pycore.InputError):
            tally_mask(np.ones(4, np.uint8), power, limit=limit)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64, np.uint8])
def test_dtypes_strides_and_read_only(dtype: Any) -> None:
    power = np.arange(20).astype(dtype)[::2]
    power.flags.writeable = False
    voter = np.arange(10).astype(dtype)[::-1]
    assert tally_votes(voter, np.ones(10, np.bool_), power)[0] == Tally(90, 10)
    assert tally_mask(np.ones(20, np.uint8)[::2], power) == Tally(90, 10)


def test_empty() -> None:
    assert tally_mask([], []) == tally_bitmap(b"", []) == Tally(0, 0)
    assert tally_votes([], [], [])[0] == Tally(0, 0)
    assert tally_votes([], [], [5])[0] == Tally(0, 0)
    totals, counts, codes = tally_groups([], 0, [], [], [1])
    assert (len(totals), len(counts), len(codes)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: tally_mask([True], [1, 2]), "power"),
        (lambda: tally_mask([0.5], [1]), "mask"),
        (lambda: tally_mask(np.array([1], np.uint16), [1]), "mask"),
        (lambda: tally_mask([[True]], [1]), "mask"),
        (lambda: tally_mask([True, True], [1, -1]), "power[1]"),
        (lambda: tally_mask([True], [1.0]), "power"),
        (lambda: tally_mask([True], [1], limit=-1), "limit"),
        (lambda: tally_mask([True], [1], limit=2**64), "limit"),
        (lambda: tally_mask([True], [1], limit=1.0), "limit"),  # type: ignore[arg-type]
        (lambda: tally_bitmap(b"\x01\x00", [1]), "bitmap"),
        (lambda: tally_bitmap(b"", [1]), "bitmap"),
        (lambda: tally_bitmap(b"\x02", [1]), "bitmap"),
        (lambda: tally_votes([0, 0], [True], [1]), "valid"),
        (lambda: tally_votes([0.0], [True], [1]), "voter"),
        (lambda: tally_groups([0], 1, [0, 0], [True, True], [1]), "voter"),
        (lambda: tally_groups([1], 1, [0], [True], [1]), "group[0]"),
        (lambda: tally_groups([-1], 1, [0], [True], [1]), "group[0]"),
    ],
)
def test_malformed(call: Any, field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert caught.value.field == field


def test_threads(rng: random.Random) -> None:
    power = [rng.randrange(1000) for _ in range(200)]
    jobs = [[rng.randrange(-1, 201) for _ in range(2000)] for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda voter: tally_votes(voter, np.ones(2000, np.bool_), power)[0], jobs))
    assert found == [plain_votes(voter, [True] * 2000, power)[0] for voter in jobs]
