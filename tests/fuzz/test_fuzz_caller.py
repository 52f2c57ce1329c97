"""A short run over answers to clients, and that it notices a reader that loses something."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pycore.service.front import is_built

sys.path.insert(0, str(Path(__file__).resolve().parent))

pytestmark = pytest.mark.skipif(not is_built(), reason="pycore._http2 was not built: libnghttp2 is absent")


def test_short_run(seed: int) -> None:
    import fuzz_caller

    counts = fuzz_caller.run(2000, seed)
    assert min(counts["good"], counts["bad"]) > 1000
    assert counts["ended"] > 50


def test_a_lost_byte_is_noticed(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    import fuzz_caller

    monkeypatch.setattr(fuzz_caller, "message", lambda body: b"\0" + (len(body) + 1).to_bytes(4, "big") + body)
    with pytest.raises(fuzz_caller.DifferenceError):
        fuzz_caller.run(100, seed)
