"""A short run of the fuzzer of Fabric's messages with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_fabric_messages


def test_short_run(seed):
    counts = fuzz_fabric_messages.run(seconds=30, seed=seed, limit=3000)
    assert counts["refused"] > 500
    assert counts["read"] > 500
