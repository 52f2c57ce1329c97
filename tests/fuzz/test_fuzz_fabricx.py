"""A short run of the fuzzer of Fabric-X's batches with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_fabricx


def test_short_run(seed):
    counts = fuzz_fabricx.run(seconds=30, seed=seed, limit=1500)
    assert counts["refused"] > 100
    assert counts["read"] > 100
