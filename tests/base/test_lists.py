"""Lists of bytes become columns in C from a few items on, with the same rows and the same refusals."""

from __future__ import annotations

import contextlib
import itertools
import sys
from typing import Any

import numpy as np
import pytest

import pycore
from pycore.base.columns import Column, batch
from pycore.base.ffi_lists import LEAST


class _Named(bytes):
    """Bytes that are not of the type bytes itself."""


@pytest.mark.parametrize("n", [0, 1, LEAST - 1, LEAST, LEAST + 1, 300])
@pytest.mark.parametrize("length", [lambda i: 32, lambda i: 0, lambda i: i * 7 % 70, lambda i: 1000 * (i == 5)])
def test_lists_of_every_size(n: int, length: Any) -> None:
    rows = [bytes([i % 251]) * length(i) for i in range(n)]
    column = batch(rows)
    assert list(column) == rows
    assert column.offsets is not None
    assert column.offsets.tolist() == [0, *itertools.accumulate(map(len, rows))]
    assert column.data.tobytes() == b"".join(rows)
    Column(column.data, column.offsets)  # what a caller's own arrays have to be
    assert list(batch(tuple(rows))) == rows


@pytest.mark.parametrize("at", [0, 7, LEAST])
@pytest.mark.parametrize("kind", [bytearray, memoryview, _Named, lambda row: np.frombuffer(row, np.uint8)])
def test_one_item_of_another_kind(at: int, kind: Any) -> None:
    rows = [bytes([i]) * (i % 5) for i in range(LEAST + 1)]
    mixed: list[Any] = list(rows)
    mixed[at] = kind(rows[at])
    assert list(batch(mixed)) == rows


@pytest.mark.parametrize("at", [0, 7, LEAST])
@pytest.mark.parametrize("item", [None, 5, "text", [1]])
def test_one_item_that_is_no_bytes(at: int, item: Any) -> None:
    rows: list[Any] = [b"abc"] * (LEAST + 1)
    rows[at] = item
    with pytest.raises(pycore.InputError) as caught:
        batch(rows)
    assert caught.value.field == f"data[{at}]"


def test_lists_are_copied_and_nothing_is_kept() -> None:
    rows = [bytes([i]) * 40 for i in range(100)]
    before = [sys.getrefcount(row) for row in rows]
    column = batch(rows)
    assert [sys.getrefcount(row) for row in rows] == before
    rows[3] = b""
    assert column[3] == bytes([3]) * 40
    rows.append(None)  # type: ignore[arg-type]
    with contextlib.suppress(pycore.InputError):
        batch(rows)
    assert [sys.getrefcount(row) for row in rows[:-1]][4:] == [count + 1 for count in before[4:]]  # the slice's own
