"""A short run of the fuzzer of Fabric's blocks with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_fabric_block


def test_short_run(seed):
    counts = fuzz_fabric_block.run(seconds=30, seed=seed, limit=150)
    assert counts["refused"] > 0
    assert counts["invalid"] > 0
