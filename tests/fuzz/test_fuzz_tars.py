"""A short run of the comparison of Tars' readers, and that it notices a reader that is too kind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_tars


def test_short_run(seed):
    counts = fuzz_tars.run(4000, seed)
    assert sum(counts.values()) == 4000
    assert min(counts["read"], counts["odd"], counts["refused"]) > 200


def test_a_reader_that_takes_other_types_is_noticed(monkeypatch, seed):
    monkeypatch.setitem(fuzz_tars.oracle._TAKES, "int", {0, 1, 2, 3, 12})
    with pytest.raises(fuzz_tars.DifferenceError):
        fuzz_tars.run(20000, seed)


def test_a_reader_that_sees_nothing_odd_is_noticed(monkeypatch, seed):
    monkeypatch.setitem(fuzz_tars.ODD, "not minimal", 0)
    with pytest.raises(fuzz_tars.DifferenceError):
        fuzz_tars.run(4000, seed)
