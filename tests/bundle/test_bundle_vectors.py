"""The bundles that come with the repository: each proves what it says, by every way, and has no bit to flip."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from pycore import bundle, ledgers
from pycore.client import ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import background

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "fuzz"))
import flip_bundles  # noqa: E402
from flip_bundles import FOLDER, NAMES  # noqa: E402

EVERY = 2000 if os.environ.get("PYCORE_FLIPS") != "all" else 0
"""Flips of each file at most; PYCORE_FLIPS=all tries all of them."""
ALL_OF_A_CHAIN = 300  # flips of one chain's files in an ordinary run


def facts(name):
    return json.loads((FOLDER / f"{name}.facts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


def test_every_chain_with_bundles_has_one_of_each_kind():
    found = {}
    for one in NAMES:
        data, _ = flip_bundles.load(one)
        made = bundle.from_bytes(data)
        assert one.startswith(f"{made.chain}-{made.statement.kind}")
        found.setdefault(made.chain, set()).add(made.statement.kind)
    assert {chain: set(kinds) for chain, kinds in bundle.kinds().items()} == found
    for chain in ledgers.names():
        assert (getattr(ledgers.get(chain), "proofs", None) is not None) == (chain in found)


def test_it_proves_what_it_says(name):
    data, trusted = flip_bundles.load(name)
    report = bundle.verify(data, trusted)
    assert report.proven, [str(check) for check in report if not check.ok]
    assert json.loads(json.dumps(report.facts)) == facts(name)
    made = bundle.from_bytes(data)
    assert bundle.verify(bundle.to_json(made), (FOLDER / f"{name}.trusted.json").read_text()) == report
    assert report.height <= trusted.height or report.certified_by


@pytest.fixture(scope="module")
def client():
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0)
    with background(config) as server, ValidationClient(server.target) as client:
        yield client


def test_it_proves_the_same_over_grpc(name, client):
    data, trusted = flip_bundles.load(name)
    assert client.verify_bundle(data, trusted).to_dict() == bundle.verify(data, trusted).to_dict()
    assert client.advance_trust(data, trusted) == bundle.advance(data, trusted)


def test_another_state_is_not_moved_by_it(name):
    data, trusted = flip_bundles.load(name)
    for other in NAMES:
        _, state = flip_bundles.load(other)
        if (state.chain_id, state.block_hash) != (trusted.chain_id, trusted.block_hash):
            report = bundle.verify(data, state)
            assert not report.proven
            assert not report.facts


def test_no_bit_can_be_flipped(name):
    data, _ = flip_bundles.load(name)
    of_the_chain = sum(len(flip_bundles.load(one)[0]) for one in NAMES if one.split("-")[0] == name.split("-")[0])
    share = EVERY and max(1, min(EVERY, ALL_OF_A_CHAIN * len(data) // of_the_chain))
    step = max(1, 8 * len(data) // share) if share else 1
    assert flip_bundles.accepted(name, range(step // 2, 8 * len(data), step)) == []


def test_no_byte_can_be_left_out_or_added(name):
    data, trusted = flip_bundles.load(name)
    step = max(1, len(data) // 10)
    for at in range(0, len(data), step):
        assert not flip_bundles.proves(data[:at] + data[at + 1 :], trusted)
        assert not flip_bundles.proves(data[:at] + b"\0" + data[at:], trusted)
        assert not flip_bundles.proves(data[:at], trusted)
    assert not flip_bundles.proves(data + b"\0", trusted)


def test_the_list_of_what_is_irrelevant_is_true():
    for (name, bit), reason in flip_bundles.IRRELEVANT.items():
        data, trusted = flip_bundles.load(name)
        assert flip_bundles.proves(flip_bundles.flipped(data, bit), trusted), reason


def test_other_changes_prove_nothing(seed):
    tried, found = flip_bundles.at_random(list(NAMES), 1.0, seed)
    assert tried > 0
    assert not found


def test_a_flip_that_proves_something_would_be_found(monkeypatch):
    monkeypatch.setattr(bundle, "verify", lambda data, trusted: type("R", (), {"proven": True})())
    assert flip_bundles.accepted(NAMES[0], range(3)) == [0, 1, 2]
