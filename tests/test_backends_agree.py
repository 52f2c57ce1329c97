"""Every backend gives the portable backend's verdict for one item alone: whatever its neighbours are, in every lane, in
batches of every size up to four vectors and one more, from columns and from key sets."""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Sequence
from typing import Any

import adversarial
import numpy as np
import pytest
from adversarial import SCHEMES, Pool
from conftest import backend_rows, partial_backends
from hypothesis import given
from hypothesis import strategies as st
from readers.cases import SignatureCase

import pycore
from pycore.signatures.ffi_keys import FEW
from pycore.signatures.keycache import without_key_cache

CALLS = [(scheme, options) for scheme in SCHEMES for options in adversarial.options_of(scheme)]


def call_id(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(str(one) for one in value.values()) or "-"


@functools.cache
def lanes_of(backend: str) -> int:
    """Items in a vector of the curves."""
    return next(row.lanes for row in pycore.capabilities().backends if row.name == backend)


def sizes_of(backend: str) -> range:
    """Batch sizes to try: one item to four vectors and one more; the portable backend has chunks worth as much."""
    return range(1, 4 * max(4, lanes_of(backend)) + 2)


def cases_of(scheme: str, options: dict[str, Any]) -> list[SignatureCase]:
    """The pool; a part of it where the options only add a check of the scalars."""
    return list(adversarial.pool(scheme)[:: 5 if options.get("rules") == "low-s" else 1])


def codes(scheme: str, cases: Sequence[SignatureCase], options: dict[str, Any], *, tables: bool = False) -> list[int]:
    """Verdicts of one call; with `tables`, keys that came before may be recognised and verified by their tables."""
    columns = [[getattr(case, name) for case in cases] for name in ("public_key", "signature", "message")]
    with contextlib.nullcontext() if tables else without_key_cache():
        found = pycore.verify_batch(scheme, *columns, **options)
        if len(cases) <= FEW:  # lists of few items go a shorter way
            assert pycore.verify_batch(scheme, *map(tuple, columns), **options) == found
    return found.codes.tolist()


_ALONE: dict[tuple[object, ...], int] = {}


def alone(scheme: str, cases: Sequence[SignatureCase], options: dict[str, Any]) -> list[int]:
    """The portable backend's code for each case in a separate call; remembered."""
    found = []
    with pycore.use_backend("portable"):
        for case in cases:
            row = (scheme, *sorted(options.items()), case.public_key, case.signature, case.message)
            if row not in _ALONE:
                _ALONE[row] = codes(scheme, [case], options)[0]
            found.append(_ALONE[row])
    return found


def assert_same(cases: Sequence[SignatureCase], got: Sequence[int], want: Sequence[int], how: str) -> None:
    wrong = [
        f"item {i}, {case.label}: {pycore.Verdict(x).name}, alone {pycore.Verdict(y).name}"
        for i, (case, x, y) in enumerate(zip(cases, got, want, strict=True))
        if x != y
    ]
    assert not wrong, f"{how}: {len(wrong)} of {len(cases)} differ\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize(("scheme", "options"), CALLS, ids=call_id)
def test_alone(scheme: str, options: dict[str, Any], backend: str) -> None:
    cases = cases_of(scheme, options)
    assert_same(cases, [codes(scheme, [case], options)[0] for case in cases], alone(scheme, cases, options), backend)


@pytest.mark.parametrize(("scheme", "options"), CALLS, ids=call_id)
def test_every_lane(scheme: str, options: dict[str, Any], backend: str) -> None:
    """The whole pool, moved on by one lane each time: among its like, and each alone among ordinary signatures."""
    cases, common = cases_of(scheme, options), adversarial.ordinary(scheme)
    want, lanes = alone(scheme, cases, options), lanes_of(backend)
    usual = alone(scheme, common, options)
    for lane in range(lanes):
        got = codes(scheme, cases[lane:] + cases[:lane], options)
        assert_same(cases[lane:] + cases[:lane], got, want[lane:] + want[:lane], f"{backend}, lane {lane}")
        mixed, expected = [], []
        for i in range(lane % 2, len(cases), 2):  # one in every vector
            others = [(i * lanes + j) % len(common) for j in range(lanes)]
            row, codes_row = [common[j] for j in others], [usual[j] for j in others]
            row[lane], codes_row[lane] = cases[i], want[i]
            mixed += row
            expected += codes_row
        assert_same(mixed, codes(scheme, mixed, options), expected, f"{backend}, alone in lane {lane}")


@pytest.mark.parametrize(("scheme", "options"), CALLS, ids=call_id)
def test_every_size(scheme: str, options: dict[str, Any], backend: str, rng: random.Random) -> None:
    """From one item to four vectors and one item, from columns and by key set."""
    every = (*adversarial.pool(scheme), *adversarial.ordinary(scheme) * 10)
    keys = list(dict.fromkeys(case.public_key for case in every))
    known, place = pycore.KeySet(scheme, keys), {key: i for i, key in enumerate(keys)}
    for n in sizes_of(backend):
        for _ in range(4):
            cases = rng.sample(every, n)
            want = alone(scheme, cases, options)
            assert_same(cases, codes(scheme, cases, options), want, f"{backend}, {n} items")
            assert_same(cases, codes(scheme, cases, options, tables=True), want, f"{backend}, {n} items, returning")
            rows = [place[case.public_key] for case in cases]
            columns = [case.signature for case in cases], [case.message for case in cases]
            got = known.verify_batch(rows, *columns, **options).codes.tolist()
            assert_same(cases, got, want, f"{backend}, keyset, {n} items")


@pytest.mark.parametrize(("scheme", "options"), CALLS, ids=call_id)
def test_keyset_in_every_lane(scheme: str, options: dict[str, Any], backend: str) -> None:
    """Key sets may take another road to the same sum: the pool through one, moved on by one lane each time; and sorted,
    so that one key fills vectors."""
    cases = cases_of(scheme, options)
    want, lanes = alone(scheme, cases, options), lanes_of(backend)
    keys = list(dict.fromkeys(case.public_key for case in cases))
    known, place = pycore.KeySet(scheme, keys), {key: i for i, key in enumerate(keys)}
    rows = np.array([place[case.public_key] for case in cases])
    for lane in range(lanes):
        order = [*range(lane, len(cases)), *range(lane)]
        columns = [cases[i].signature for i in order], [cases[i].message for i in order]
        got = known.verify_batch(rows[order], *columns, **options).codes.tolist()
        assert_same([cases[i] for i in order], got, [want[i] for i in order], f"{backend}, keyset, lane {lane}")
    order = sorted(range(len(cases)), key=lambda i: rows[i])
    columns = [cases[i].signature for i in order], [cases[i].message for i in order]
    got = known.verify_batch(rows[order], *columns, **options).codes.tolist()
    assert_same([cases[i] for i in order], got, [want[i] for i in order], f"{backend}, keyset, by key")


@pytest.mark.parametrize(("scheme", "options"), CALLS, ids=call_id)
def test_bad_items_spoil_no_others(scheme: str, options: dict[str, Any], backend: str, rng: random.Random) -> None:
    """One, two, some and all bad among hundreds, anywhere: a batch equation that fails is taken apart correctly."""
    common, every = adversarial.ordinary(scheme), adversarial.pool(scheme)
    for bad in (0, 1, 2, 7, 60, 300):
        cases = [*rng.choices(every, k=bad), *(common[i % len(common)] for i in range(300 - bad))]
        rng.shuffle(cases)
        want = alone(scheme, cases, options)
        assert_same(cases, codes(scheme, cases, options), want, f"{backend}, {bad} of 300 drawn")


def test_recovery_in_every_lane(backend: str, rng: random.Random) -> None:
    """Keys and verdicts of recovery, at every size and in any order, against one at a time on the portable backend."""
    common = adversarial.ordinary("ecdsa-secp256k1")
    drawn = [case for case in adversarial.pool("ecdsa-secp256k1") if len(case.signature) == 64]
    ids = (0, 1, 2, 3, 27, 28, 4)
    rows = [(case.signature + bytes([v]), case.message) for case in (*common, *drawn[::5]) for v in ids]
    with pycore.use_backend("portable"):
        one_by_one = [pycore.recover_batch("ecdsa-secp256k1", [row[0]], [row[1]]) for row in rows]
    want = [(bytes(keys[0]), int(verdicts.codes[0])) for keys, verdicts in one_by_one]
    assert sum(code == pycore.Verdict.VALID for _, code in want) > 200
    sizes = [*sizes_of(backend), *[len(rows)] * lanes_of(backend)]
    for n in sizes:
        order = rng.sample(range(len(rows)), n)
        signatures, digests = [rows[i][0] for i in order], [rows[i][1] for i in order]
        keys, verdicts = pycore.recover_batch("ecdsa-secp256k1", signatures, digests)
        got = list(zip(map(bytes, keys), verdicts.codes.tolist(), strict=True))
        assert got == [want[i] for i in order], f"{backend}, {n} items"


# ---- drawn by hypothesis, so that a failure shrinks to few items ----------------------------------------------------

Change = tuple[int, int]  # field, bit


@st.composite
def batches(draw: st.DrawFn) -> tuple[str, dict[str, Any], Pool]:
    """A scheme, its options, and items from the pools, some with a bit changed."""
    scheme, options = draw(st.sampled_from(CALLS))
    source = st.sampled_from((*adversarial.ordinary(scheme), *adversarial.pool(scheme)))
    changes = st.none() | st.tuples(st.integers(0, 2), st.integers(0, 511))
    return scheme, options, tuple(_changed(*row) for row in draw(st.lists(st.tuples(source, changes), max_size=33)))


def _changed(case: SignatureCase, change: Change | None) -> SignatureCase:
    parts = [case.public_key, case.signature, case.message]
    if change is None or not parts[change[0]]:
        return case
    field, bit = change
    data = bytearray(parts[field])
    bit %= 8 * len(data)
    data[bit // 8] ^= 1 << bit % 8
    parts[field] = bytes(data)
    return SignatureCase(f"{case.label}, bit {bit} of field {field}", *parts, valid=False)


@given(batches())
def test_drawn_batches(drawn: tuple[str, dict[str, Any], Pool]) -> None:
    scheme, options, cases = drawn
    want = alone(scheme, cases, options)
    for name, usable, _ in backend_rows():
        if usable and name not in partial_backends():
            with pycore.use_backend(name):
                assert_same(cases, codes(scheme, cases, options), want, name)
                assert_same(cases, codes(scheme, cases, options, tables=True), want, f"{name}, returning keys")
