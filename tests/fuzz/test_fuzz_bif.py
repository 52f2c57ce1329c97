"""A short run of BIF's fuzzer with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_bif


def test_short_run(seed):
    counts = fuzz_bif.run(seconds=30, seed=seed, limit=400)
    assert counts["refused"] > 0
    assert counts["invalid"] > 0
