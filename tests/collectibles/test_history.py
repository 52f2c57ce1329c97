"""Histories of tokens from generated ChainMaker ledgers, whose every block is validated."""

from __future__ import annotations

import pytest
from token_blocks import TOKENS, A, B, burn, mint, move, report

import pycore
from pycore import ledgers, testing
from pycore.collectibles import check_rules, history, transfers
from pycore.testing.collectibles import BROKEN


def reports_of(made):
    ledger = ledgers.get("chainmaker")
    blocks = [made.ledger.block_info(i) for i in range(len(made.ledger.blocks))]
    return list(ledger.validate_chain(blocks, made.ledger.context_for(0).replace(rw_sets=None), events=True))


@pytest.fixture(scope="module", params=["sm2", "p256"])
def made(request):
    return testing.generate_collectibles(blocks=6, txs_per_block=30, broken_every=5, suite=request.param, seed=4)


@pytest.fixture(scope="module")
def reports(made):
    return reports_of(made)


def test_a_ledger_keeps_the_rules_but_for_what_breaks_them_on_purpose(made, reports):
    found = check_rules(transfers(reports, made.layout), made.rules)
    wanted = [(one.block + 1, one.tx, one.rule, one.token) for one in made.broken]
    assert [(one.block, one.transaction, one.rule, one.token) for one in found.violations] == wanted
    assert {one.rule for one in made.broken} == set(BROKEN)
    assert found.complete
    assert [check.name for check in found.failed] == [name for name in found.counts if name in BROKEN]


def test_a_ledger_that_breaks_nothing():
    made = testing.generate_collectibles(blocks=4, txs_per_block=25, suite="p256", seed=5)
    found = check_rules(transfers(reports_of(made), made.layout), made.rules)
    assert found.valid
    assert found.complete
    assert len(found.transfers) > 50


def test_every_token_ends_where_it_should(made, reports):
    rows = transfers(reports, made.layout)
    assert set(rows.tokens) == set(made.owners)
    for token, owner in made.owners.items():
        found = history(reports, token, layout=made.layout)
        assert (found.owner, found.valid, found.complete) == (owner, True, True)
        assert found.entries[0].kind == "mint"
        for before, after in zip(found.entries, found.entries[1:], strict=False):
            assert after.sender in (before.recipient, None)
            assert (before.block, before.event) < (after.block, after.event)


def test_the_rules_of_one_token(made, reports):
    token = next(one.token for one in made.broken if one.rule == "resale")
    found = check_rules(history(reports, token, layout=made.layout), made.rules)
    assert [one.rule for one in found.violations] == [one.rule for one in made.broken if one.token == token]
    assert found.check("tokens_per_holder").ok is None


def test_a_report_without_events_is_refused(made):
    report_ = ledgers.get("chainmaker").validate_block(made.ledger.blocks[0], made.ledger.context_for(0))
    with pytest.raises(pycore.InputError, match="events=True"):
        history([report_], "1", layout=made.layout)


def test_a_block_that_was_changed_is_refused(made):
    data = bytearray(made.ledger.blocks[0])
    data[bytes(data).rindex(b"1000000000000000000000")] ^= 1
    report_ = ledgers.get("chainmaker").validate_block(bytes(data), made.ledger.context_for(0), events=True)
    with pytest.raises(pycore.InputError, match="not valid"):
        history([report_], "1", layout=made.layout)


def test_a_token_that_is_not_there(made, reports):
    found = history(reports, "nothing", layout=made.layout)
    assert (found.entries, found.owner, found.valid) == ((), None, False)
    assert found.check("found").ok is False


def test_a_history_with_a_gap_is_not_valid():
    found = history([report(1, [mint("1")], [move("1", B, A)], [burn("1")])], "1", contract=TOKENS)
    assert found.owner is None
    assert not found.valid
    assert [check.name for check in found.failed] == ["owner"]
    document = found.to_dict()
    assert [entry["kind"] for entry in document["entries"]] == ["mint", "transfer", "burn"]
    assert document["entries"][0] == {
        "block": 1, "transaction": 0, "tx_id": "tx-1-0", "event": 0, "time": 1_001_000, "kind": "mint", "sender": None,
        "recipient": A, "price": None, "currency": None,
    }  # fmt: skip
