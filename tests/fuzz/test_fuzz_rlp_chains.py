"""A short run over the chains that write RLP, and that it notices a verdict that is too kind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_rlp_chains

from pycore.ledgers import rlp_columns


def test_short_run(seed):
    counts = fuzz_rlp_chains.run(8, seed)
    assert min(counts[name] for name in ("VALID", "MALFORMED_ITEM", "block", "no block")) > 5


def test_numbers_that_are_not_minimal_are_noticed(monkeypatch, seed):
    """Without the rule a number with zeros in front would be another encoding of the same meaning; the signature covers
    the bytes, so only items outside it can show it: r and s."""
    lax = lambda spans, size: spans.lengths <= size  # noqa: E731
    monkeypatch.setattr(rlp_columns, "minimal", lax)
    case = fuzz_rlp_chains.cases(seed % 1000)[0]
    record = case.transactions[0]
    items = fuzz_rlp_chains.rlp.decode_list(record)
    longer = fuzz_rlp_chains.rlp.encode([*items[:6], b"\0" + items[6], *items[7:]])
    case.transactions = [record]
    monkeypatch.setattr(fuzz_rlp_chains, "mutated", lambda rng, one: longer)
    with pytest.raises(fuzz_rlp_chains.DifferenceError):
        for _ in range(20):
            fuzz_rlp_chains.check_transactions(case, fuzz_rlp_chains.random.Random(seed), fuzz_rlp_chains.Counter())
