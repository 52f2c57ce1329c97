"""Votes of a certificate that nobody has verified."""

from __future__ import annotations

from typing import Any

import pytest
from test_xuper_blocks import REST, certified


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_no_vote_is_the_collector_s(rules: str) -> None:
    """Votes of strangers are not verified, so no name that a vote can have may count."""

    def forged(justify: Any) -> None:
        for _ in range(9):
            justify.sign_infos.qc_sign_infos.add(address="the collector of the votes", public_key="x", sign=b"none")

    assert certified([], rules=rules, change=forged).ok is False
    assert certified(REST[:1], rules=rules, change=forged).ok is False
    assert certified(REST[:2], rules=rules, change=forged).ok
