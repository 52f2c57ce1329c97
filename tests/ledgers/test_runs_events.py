"""Runs of a chain whose blocks are validated one by one: events on demand."""

from __future__ import annotations

import pytest

from pycore import InputError, ledgers, testing
from pycore.ledgers.chainmaker import ChainContext
from pycore.ledgers.face import LedgerFace
from pycore.ledgers.runs import Step

CHAINMAKER = ledgers.get("chainmaker")


class OneByOne(LedgerFace[ChainContext]):
    """ChainMaker's blocks, each by itself."""

    name = "chainmaker"
    context_type = ChainContext
    has_events = True

    def step(self, block, context, *, threads, events=False):
        report = CHAINMAKER.validate_block(block, context, threads=threads, events=events)
        return Step(report, context)


class Without(OneByOne):
    has_events = False

    def step(self, block, context, *, threads):
        return super().step(block, context, threads=threads)


@pytest.fixture(scope="module")
def made():
    return testing.generate_ledger(blocks=3, txs_per_block=3, suite="p256", seed=2, events=1, invalid_every=0)


def reports(ledger, made, **options):
    context = made.context_for(0).replace(rw_sets=None, previous_proposer=None, blocks_per_proposer=None)
    return list(ledger.validate_chain([made.block_info(i) for i in range(3)], context, **options))


def test_events_of_a_run(made):
    whole = reports(CHAINMAKER, made, events=True)
    assert [one.events for one in reports(OneByOne(), made, events=True)] == [one.events for one in whole]
    assert [len(one.events) for one in whole] == [3, 3, 3]
    assert [one.time for one in whole] == [1767225602.0, 1767225604.0, 1767225606.0]
    assert [one.events for one in reports(OneByOne(), made)] == [None] * 3


def test_a_chain_without_events_refuses_to_be_asked(made):
    assert all(one.valid for one in reports(Without(), made))
    with pytest.raises(InputError, match="events: got True"):
        reports(Without(), made, events=True)
