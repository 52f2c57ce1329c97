"""A short run of the fuzzer of evidence and collectibles with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_assets


def test_short_run(seed):
    counts = fuzz_assets.run(seconds=30, seed=seed, limit=800)
    for answer in ("check_log refused", "check_log invalid", "check_document refused", "check_document read",
                   "check_facts found", "check_events violated"):  # fmt: skip
        assert counts[answer] > 0, counts
