"""A short run of ICS-23's fuzzer with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_ics23


def test_short_run(seed):
    counts = fuzz_ics23.run(seconds=30, seed=seed, limit=300)
    assert counts["refused"] > 0
    assert counts["invalid"] > 0
    assert counts["valid"] > 0
