"""A short run over CometBFT's votes, and that it notices a reader that is too kind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_cometbft_votes

from pycore.ledgers.cometbft import vote_columns


def test_short_run(seed):
    counts = fuzz_cometbft_votes.run(30, seed)
    assert min(counts[name] for name in ("usual", "read by one", "refused", "extended")) > 5


@pytest.mark.parametrize(("name", "value"), [("_HASH", 33), ("PREVOTE", 3), ("_YEARS", 10**9)])
def test_a_rule_that_is_another_is_noticed(monkeypatch, seed, name, value):
    monkeypatch.setattr(vote_columns, name, value)
    with pytest.raises(fuzz_cometbft_votes.DifferenceError):
        fuzz_cometbft_votes.run(60, seed)
