"""A short run of the fuzzer of CometBFT's messages with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_cometbft


def test_short_run(seed):
    counts = fuzz_cometbft.run(seconds=30, seed=seed, limit=250)
    assert counts["refused"] > 0
    assert counts["read"] > 0
    assert counts["invalid"] > 0
