"""CometBFT's own collection of votes and ours, over the same votes; the campaign is :mod:`cometbft_votes_peer`."""

from __future__ import annotations

import pytest
from cometbft_votes_peer import SAME, DifferenceError, Peer, run
from conftest import CountCases

from bench.peers import PeerMissingError
from pycore.consensus import height_votes
from pycore.consensus.quorum import RunningTally

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def go() -> Peer:
    """CometBFT's code; built on first use."""
    try:
        return Peer()
    except PeerMissingError as error:
        pytest.skip(str(error))


def test_the_same_votes_count_and_the_same_blocks_have_a_quorum(go: Peer, count_cases: CountCases, seed: int) -> None:
    counts = run(go, 1500, seed)
    assert {theirs for theirs, _ in counts} >= {*SAME} - {"rewritten", "unwanted"}
    count_cases("CometBFT 0.38: votes", sum(counts.values()))


def test_another_rule_is_noticed(go: Peer, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Without the one vote that makes it more than two thirds."""

    class Lax(RunningTally):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            self.needed -= 1

    monkeypatch.setattr(height_votes, "RunningTally", Lax)
    with pytest.raises(DifferenceError):
        run(go, 5000, seed)
