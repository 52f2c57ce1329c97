"""A short run over mutated blocks, and that it notices a validator that looks away."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_fisco


def test_short_run(seed):
    counts = fuzz_fisco.run(400, seed)
    assert min(counts["no block"], counts["not valid"]) > 50


def test_a_validator_that_looks_away_is_noticed(monkeypatch, seed):
    right = fuzz_fisco.LEDGER.validate_block

    def kind(block, context, **options):
        report = right(block, context, **options)
        return dataclasses.replace(report, checks=(), transactions=type(report.transactions)(b""))

    monkeypatch.setattr(
        type(fuzz_fisco.LEDGER), "validate_block", lambda _, block, context, **options: kind(block, context, **options)
    )
    with pytest.raises(fuzz_fisco.DifferenceError):
        fuzz_fisco.run(400, seed)
