"""CometBFT's own code and pycore agree on mutated messages, commits, evidence and JSON, in two lines of releases.

The campaign is :mod:`cometbft_peers`; here it is short. A program that cannot be built is skipped by name.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cometbft_peers import Outcome, Peer, commits, evidence, json_forms, messages
from conftest import CountCases

from bench.peers import PeerMissingError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", params=["0.38", "1.0"])
def go(request: pytest.FixtureRequest) -> Iterator[Peer]:
    """CometBFT's code; built on first use."""
    try:
        peer = Peer(request.param)
    except PeerMissingError as error:
        pytest.skip(str(error))
    yield peer
    peer.close()


def settled(outcome: Outcome, go: Peer, what: str, count_cases: CountCases) -> None:
    """No difference, and some of every kind were valid in both, some in neither."""
    assert not outcome.differences, [one[:500] for one in outcome.differences[:3]]
    count_cases(f"CometBFT {go.release}: {what}", sum(outcome.items.values()))


def test_messages_are_read_hashed_and_signed_alike(go: Peer, count_cases: CountCases, rng) -> None:
    outcome = Outcome()
    messages(500, go, rng, outcome)
    assert all(0 < outcome.valid[name] < count for name, count in outcome.items.items())
    settled(outcome, go, "messages", count_cases)


def test_commits_are_judged_alike(go: Peer, count_cases: CountCases, rng) -> None:
    outcome = Outcome()
    commits(250, go, rng, outcome)
    assert outcome.valid["commit trusting/1/3"]
    settled(outcome, go, "commits", count_cases)


def test_evidence_is_judged_alike(go: Peer, count_cases: CountCases, rng) -> None:
    if go.release == "1.0":
        pytest.skip("what verifies evidence is internal to CometBFT 1.0")
    outcome = Outcome()
    evidence(300, go, rng, outcome)
    assert all(outcome.valid[name] for name in outcome.items)
    settled(outcome, go, "evidence", count_cases)


def test_json_is_read_as_it_is_written_there(go: Peer, count_cases: CountCases, rng) -> None:
    outcome = Outcome()
    json_forms(200, go, rng, outcome)
    settled(outcome, go, "JSON", count_cases)
