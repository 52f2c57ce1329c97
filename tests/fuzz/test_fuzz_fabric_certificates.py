"""A short run of the fuzzer of Fabric's members with every test run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_fabric_certificates


def test_short_run(seed):
    counts = fuzz_fabric_certificates.run(seconds=30, seed=seed, limit=120)
    assert counts["refused"] > 10
    assert counts["valid"] > 20
    assert counts["unknown"] > 20
