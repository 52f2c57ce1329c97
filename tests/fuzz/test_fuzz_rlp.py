"""A short run of the readers' comparison, and that it notices a reader that is too kind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_rlp


def test_short_run(seed):
    counts = fuzz_rlp.run(6000, seed)
    assert sum(counts.values()) == 6000
    assert min(counts["read"], counts["refused"]) > 1500


def test_a_reader_that_takes_long_forms_is_noticed(monkeypatch, seed):
    monkeypatch.setattr(fuzz_rlp.records, "decode", lambda data: fuzz_rlp.oracle.lenient(data)[0] if data else None)
    with pytest.raises((fuzz_rlp.DifferenceError, ValueError)):
        fuzz_rlp.run(6000, seed)
