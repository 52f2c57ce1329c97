"""A short run of the scanner's comparison with protobuf, and that it notices what it is there for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from google.protobuf.internal import api_implementation

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_scan

from pycore.ledgers import ffi_scan
from pycore.ledgers.scan import FLAGS, Tables

pytestmark = pytest.mark.skipif(
    api_implementation.Type() != "upb", reason="protobuf is not upb here, but another parser"
)


def test_short_run(seed):
    counts = fuzz_scan.run(records=30_000, seed=seed)
    assert sum(counts.values()) == 30_000
    assert min(counts[what] for what in ("refused", "kept", "written again")) > 3000


@pytest.mark.parametrize("flag", ["UNORDERED", "TWICE", "UNKNOWN"])
def test_a_flag_that_is_lost_is_noticed(flag, monkeypatch, seed):
    bit = int(getattr(ffi_scan.lib, f"PC_SCAN_{flag}"))
    scan = fuzz_scan.Checker.scan

    def forgetful(self: fuzz_scan.Checker, records: list[bytes]) -> Tables:
        tables = scan(self, records)
        tables[self.top][:, FLAGS] &= ~bit
        return tables

    monkeypatch.setattr(fuzz_scan.Checker, "scan", forgetful)
    with pytest.raises(fuzz_scan.DifferenceError):
        fuzz_scan.run(records=30_000, seed=seed)
