"""A short run over connections of the second front end, and that it notices a reader that loses something."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pycore.service.front import is_built

sys.path.insert(0, str(Path(__file__).resolve().parent))

pytestmark = pytest.mark.skipif(not is_built(), reason="pycore._http2 was not built: libnghttp2 is absent")


def test_short_run(seed: int) -> None:
    import fuzz_http2

    counts = fuzz_http2.run(600, seed)
    assert counts.total() == 600
    assert min(counts["whole"], counts["ended"] + counts["open"]) > 200


def test_a_lost_byte_is_noticed(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    import fuzz_http2

    monkeypatch.setattr(fuzz_http2, "message", lambda body, **more: b"\0" + (len(body) + 1).to_bytes(4, "big") + body)
    with pytest.raises(fuzz_http2.DifferenceError):
        fuzz_http2.run(100, seed)
