"""Verifying bundles: the frame's conditions, what a report says, and that nothing is believed without all of them."""

from __future__ import annotations

import dataclasses

import pytest
from chainmaker_bundles import AT, PROOFS, Chain

from pycore import bundle, ledgers
from pycore.base.report import Check
from pycore.bundle import Statement, checking
from pycore.errors import InputError
from pycore.ledgers.proof import Proven

FRAME = ("format", "chain", "chain_id", "trusted_height", "trusted_hash", "kind")


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.fixture(scope="module")
def made(chain):
    return bundle.make("chainmaker", chain.sources(), Statement("transaction"), chain.before)


def test_a_report_has_everything(chain, made):
    report = bundle.verify(bundle.to_bytes(made), bundle.trusted_to_json(chain.before))
    assert report.proven
    assert report.valid
    assert report.complete
    assert (report.chain, report.chain_id, report.kind) == ("chainmaker", chain.before.chain_id, "transaction")
    assert report.height == chain.block.header.block_height
    assert report.block_hash == chain.block.header.block_hash
    assert report.time == chain.block.header.block_timestamp
    assert len(report.certified_by) == 3
    assert report.facts["tx_id"] == chain.block.txs[2].payload.tx_id
    assert tuple(check.name for check in report)[: len(FRAME)] == FRAME
    names = [check.name for check in report]
    assert len(set(names)) == len(names)
    document = report.to_dict()
    assert document["proven"] is True
    assert document["block_hash"] == report.block_hash.hex()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"chain": "another"}, "chain"),
        ({"chain_id": "another"}, "chain_id"),
        ({"trusted_height": 9}, "trusted_height"),
        ({"trusted_hash": bytes(32)}, "trusted_hash"),
        ({"statement": Statement("receipt")}, "kind"),
        ({"statement": Statement("x" * 1000)}, "kind"),
    ],
)
def test_the_frame_is_looked_at_first(chain, made, change, name):
    report = bundle.verify(dataclasses.replace(made, **change), chain.before)
    assert [check.name for check in report.failed] == [name]
    assert [check.name for check in report] == list(FRAME)
    assert not report.proven
    assert not report.facts
    assert not report.certified_by
    assert max(len(str(check.got)) for check in report) < 200


def test_a_condition_that_was_not_checked_proves_nothing(chain, made):
    trusted = dataclasses.replace(chain.before, context=chain.context.replace(nodes={}))
    report = bundle.verify(made, trusted)
    assert report.valid
    assert not report.complete
    assert not report.proven
    assert not report.facts
    assert not report.certified_by


def test_rules_that_say_nothing_prove_nothing(chain, made, monkeypatch):
    monkeypatch.setattr(type(PROOFS), "check", lambda *_: Proven((), facts={"a": 1}, certified_by=("b",)))
    report = bundle.verify(made, chain.before)
    assert not report.facts
    assert not report.certified_by


def test_moving(chain):
    made = bundle.make("chainmaker", {"block": chain.ledger.blocks[AT]}, Statement("header"), chain.before)
    report, moved = bundle.advance(made, chain.before)
    assert report.proven
    assert moved == chain.trusted(AT)
    report, moved = bundle.advance(made, chain.trusted(2))
    assert not report.proven
    assert moved is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda state, proven: dataclasses.replace(proven, advanced=dataclasses.replace(state, chain_id="x", height=9)),
        lambda state, proven: dataclasses.replace(proven, advanced=state),
    ],
)
def test_rules_that_move_backwards_are_a_fault_of_ours(chain, monkeypatch, wrong):
    made = bundle.make("chainmaker", {"block": chain.ledger.blocks[AT]}, Statement("header"), chain.before)
    right = type(PROOFS).advance
    monkeypatch.setattr(type(PROOFS), "advance", lambda self, b, t: wrong(t, right(self, b, t)))
    with pytest.raises(RuntimeError, match="moved a state"):
        bundle.advance(made, chain.before)


def test_a_state_that_was_moved_without_proof_does_not_move(chain, monkeypatch):
    made = bundle.make("chainmaker", {"block": chain.ledger.blocks[AT]}, Statement("header"), chain.before)
    check = Check("votes", False, 0, 3)
    monkeypatch.setattr(type(PROOFS), "advance", lambda *_: Proven((check,), advanced=chain.after))
    report, moved = bundle.advance(made, chain.before)
    assert moved is None
    assert [one.name for one in report.failed] == ["votes"]


def test_making_names_what_does_not_fit(chain):
    for chain_name, statement, trusted, field in (
        ("nobody's", Statement("header"), chain.before, "chain"),
        ("chainmaker", Statement("receipt"), chain.before, "statement.kind"),
    ):
        with pytest.raises(InputError) as error:
            bundle.make(chain_name, chain.sources(), statement, trusted)
        assert error.value.field == field


def test_a_bundle_that_would_be_too_large_is_not_made(chain, monkeypatch):
    monkeypatch.setattr(checking.forms, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="at most 1000 bytes"):
        bundle.make("chainmaker", chain.sources(), Statement("transaction"), chain.before)


def test_kinds_are_those_of_the_chains():
    found = bundle.kinds()
    assert found["chainmaker"] == ("header", "transaction", "event", "state")
    assert set(found) <= set(ledgers.names())
    for name in found:
        assert ledgers.get(name).proofs.kinds == found[name]
