"""Contract events in the reports of blocks: whose, in which order, and how many are read."""

from __future__ import annotations

import pytest
from chain_blocks import ConfiguredChain

from pycore import ledgers, testing
from pycore.ledgers import Event
from pycore.ledgers.chainmaker import events
from pycore.ledgers.chainmaker.messages import Block, Transaction
from pycore.ledgers.scan import Spans
from pycore.testing.chainmaker import CONTRACT

LEDGER = ledgers.get("chainmaker")


@pytest.fixture(scope="module")
def made():
    return testing.generate_ledger(blocks=3, txs_per_block=5, suite="p256", seed=21, events=2, invalid_every=0)


def as_protobuf_reads(block):
    """The events of a block, by protobuf's own parser."""
    return tuple(
        Event(i, tx.payload.tx_id, event.contract_name, event.topic, tuple(event.event_data))
        for i, tx in enumerate(block.txs)
        if tx.result.code == 0
        for event in tx.result.contract_result.contract_event
    )


def test_a_report_has_events_where_they_are_asked_for(made):
    report = LEDGER.validate_block(made.blocks[1], made.context_for(1), events=True)
    assert report.valid
    assert report.complete
    assert report.events == as_protobuf_reads(Block.FromString(made.blocks[1]))
    assert len(report.events) == 10
    assert {event.contract for event in report.events} == {CONTRACT}
    assert report.check("events").got == "10 events"
    without = LEDGER.validate_block(made.blocks[1], made.context_for(1))
    assert without.events is None
    assert "events" not in [check.name for check in without]


def test_the_reports_of_a_run_have_the_events_of_their_blocks(made):
    context = made.context_for(0).replace(rw_sets=None)
    run = LEDGER.validate_chain([made.block_info(i) for i in range(3)], context, events=True)
    found = [report.events for report in run]
    assert found == [as_protobuf_reads(Block.FromString(data)) for data in made.blocks]
    state = LEDGER.chain_state(context, events=True)
    assert [report.events for report in state.reports([made.block_info(0)])] == found[:1]


def test_a_transaction_without_success_puts_out_nothing(made):
    block = Block.FromString(made.blocks[0])
    block.txs[1].result.code = 4
    block.txs[3].ClearField("result")
    report = LEDGER.validate_block(block.SerializeToString(), made.context_for(0), events=True)
    assert {event.transaction for event in report.events} == {0, 2, 4}


def test_events_of_a_configuration_block_are_events():
    chain = ConfiguredChain()
    chain.add_configuration(5)
    (report,) = LEDGER.validate_chain(chain.blocks, chain.context, events=True)
    assert report.valid
    assert [(event.contract, event.topic) for event in report.events] == [("CHAIN_CONFIG", "1")]


def test_all_forms_of_values_are_read():
    tx = Transaction()
    result = tx.result.contract_result
    result.contract_event.add()
    result.contract_event.add(topic="\u957f\u5b89", contract_name="a", event_data=["", "\u94fe", "x" * 300])
    result.contract_event.add(event_data=[""])
    other = Transaction()
    other.result.contract_result.contract_event.add(topic="t")
    check, found = events.read_events(Spans.joined([one.SerializeToString() for one in (tx, Transaction(), other)]))
    assert check.ok
    assert [(event.transaction, event.contract, event.topic, event.data) for event in found] == [
        (0, "", "", ()),
        (0, "a", "\u957f\u5b89", ("", "\u94fe", "x" * 300)),
        (0, "", "", ("",)),
        (2, "", "t", ()),
    ]


@pytest.mark.parametrize(("limit", "most"), [("MAX_EVENTS", 9), ("MAX_DATA", 19)])
def test_beyond_the_limit_no_events_are_given_and_the_check_says_so(made, limit, most, monkeypatch):
    monkeypatch.setattr(events, limit, most)
    report = LEDGER.validate_block(made.blocks[0], made.context_for(0), events=True)
    assert report.events is None
    assert report.check("events").ok is None
    assert not report.complete
