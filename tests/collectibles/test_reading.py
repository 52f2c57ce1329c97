"""From reports to columns: which reports are taken, how sales find their transfers, and what is no transfer."""

from __future__ import annotations

import numpy as np
import pytest
from token_blocks import SALE, TOKENS, A, B, C, burn, mint, move, report, sale

from pycore import InputError
from pycore.collectibles import LAYOUTS, Transfers, check_rules, transfers

LAYOUT = LAYOUTS["cmnfa"].with_sales(SALE)


def read(*reports, **options):
    return transfers(reports, LAYOUT, contract=TOKENS, **options)


# ---- reports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reports", "field"),
    [
        ([report(1), report(3)], "reports[1].height"),
        ([report(2), report(2)], "reports[1].height"),
        ([report(2), report(1)], "reports[1].height"),
        ([report(1), report(2, chain="fisco-bcos")], "reports[1].chain"),
        ([report(1), report(2, named=bytes(32))], "reports[1].previous_hash"),
        ([report(1), report(2, events=False)], "reports[1].events"),
        ([report(1, ok=None)], "reports[0]"),
        ([report(1, ok=False)], "reports[0]"),
        ([report(1, [mint("1")], valid=False)], "reports[0]"),
        ([report(1), b"block"], "reports[1]"),
        ([report(1 << 62)], "reports[0].height"),
    ],
)
def test_reports_that_are_refused(reports, field):
    with pytest.raises(InputError) as caught:
        read(*reports)
    assert caught.value.field == field


def test_blocks_that_name_each_other_are_a_row():
    assert len(read(report(1, [mint("1")]), report(2, [move("1", A, B)], named=bytes([1]) * 32))) == 2


def test_less_may_be_required_and_is_said():
    doubtful = [report(1, [mint("1")]), report(2, ok=None), report(3, ok=False), report(4, [move("1", A, B)], ok=None)]
    with pytest.raises(InputError, match="not valid"):
        read(*doubtful, require="valid")
    rows = read(*doubtful, require="nothing")
    assert (rows.source.invalid, rows.source.incomplete) == (1, 2)
    found = check_rules(rows, {"rules": []})
    assert found.check("blocks").ok is False
    assert not found.valid
    found = check_rules(read(*doubtful[:2], require="valid"), {"rules": []})
    assert found.check("blocks").ok is None
    assert found.valid
    assert not found.complete


@pytest.mark.parametrize("given", ["all", None, 1])
def test_what_is_required_has_a_name(given):
    with pytest.raises(InputError, match="require"):
        read(require=given)


def test_a_contract_that_nobody_names_is_the_only_one():
    blocks = [report(1, [("other", "Note"), (TOKENS, "More"), (TOKENS, "SetApproval")]), report(2, [mint("1")])]
    rows = transfers(blocks, LAYOUT)
    assert (rows.source.contract, len(rows)) == (TOKENS, 1)
    assert rows.source.unknown_topics == {"More": 1}
    with pytest.raises(InputError, match="contract: got 'nfa' and 'other', which both have tokens"):
        transfers([*blocks, report(3, [mint("1", contract="other")])], LAYOUT)
    assert len(transfers([*blocks, report(3, [mint("1", contract="other")])], LAYOUT, contract=TOKENS)) == 1
    assert transfers([], "cmnfa").source.contract == ""
    with pytest.raises(InputError, match="contract"):
        transfers([], "cmnfa", contract="")


def test_the_columns():
    rows = read(report(7, [mint("x")], [move("x", A, B), sale("x", 12)]), report(8, [burn("x")], time=None))
    assert len(rows) == 3
    assert rows.block.tolist() == [7, 7, 8]
    assert rows.transaction.tolist() == [0, 1, 0]
    assert rows.event.tolist() == [0, 1, 0]
    assert rows.time.tolist() == [1_007_000, 1_007_000, -1]
    assert rows.kind.tolist() == [0, 1, 2]
    assert rows.sender.tolist() == [-1, 0, -1]
    assert rows.recipient.tolist() == [0, 1, -1]
    assert rows.price.tolist() == [-1, 12, -1]
    assert rows.currency.tolist() == [-1, 0, -1]
    assert (rows.tokens, rows.accounts, rows.currencies) == (("x",), (A, B), ("CNY",))
    assert rows.tx_ids == ("tx-7-0", "tx-7-1", "tx-8-0")
    assert (rows.source.first, rows.source.last) == (7, 8)


@pytest.mark.parametrize("time", [-5.0, 2.0**70])
def test_times_that_are_none(time):
    assert read(report(1, [mint("1")], time=time - 1)).time.tolist() == [-1]


def test_other_contracts_do_not_count():
    rows = read(report(1, [mint("1", contract="other"), mint("1")], [move("1", A, B, contract="nfa ")]))
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ((TOKENS, "Mint", "0", A, "1", "category"), "values"),
        ((TOKENS, "Mint", "0", A, "", "category", ""), "token"),
        ((TOKENS, "Mint", "0", "0" * 40, "1", "category", ""), "to"),
        ((TOKENS, "Mint", "0", A, "t" * 1025, "category", ""), "token"),
        ((TOKENS, "TransferFrom", "0" * 40, A, "1"), "from"),
        ((TOKENS, "TransferFrom", A, "", "1"), "to"),
        ((TOKENS, "Burn"), "values"),
    ],
)
def test_events_that_are_not_as_the_layout_says(event, field):
    rows = read(report(3, [mint("0")], [mint("2"), event]))
    (unread,) = rows.source.unreadable
    assert (unread.block, unread.transaction, unread.tx_id, unread.event) == (3, 1, "tx-3-1", 2)
    assert unread.field == field
    assert len(rows) == 2
    found = check_rules(rows, {"rules": []})
    assert found.check("events").ok is False
    assert found.to_dict()["unreadable"][0]["field"] == field


def test_a_topic_that_nobody_explains_leaves_the_answer_open():
    rows = read(report(1, [mint("1"), (TOKENS, "TransferFromBatch", A, B, '["1"]')], [(TOKENS, "SetApproval", A)]))
    assert rows.source.unknown_topics == {"TransferFromBatch": 1}
    found = check_rules(rows, {"rules": []})
    assert found.check("events").ok is None
    assert "'TransferFromBatch'" in found.check("events").detail
    assert found.valid
    assert not found.complete


# ---- sales -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_sale_stands_before_or_after_its_transfer(first):
    events = [sale("1", 5), move("1", A, B)]
    rows = read(report(1, [mint("1")], events if first else events[::-1]))
    assert rows.price.tolist() == [-1, 5]


def test_two_sales_in_one_transaction_go_by_their_parties():
    """And by their order, where the market does not name parties."""
    moved = [move("1", A, B), move("1", B, C)]
    rows = read(report(1, [mint("1")], [*moved, sale("1", 9, sender=B, to=C), sale("1", 10)]))
    assert rows.price.tolist() == [-1, 10, 9]
    plain = {key: value for key, value in SALE.items() if key not in ("from", "to")}
    rows = transfers(
        [report(1, [mint("1")], [*moved, sale("1", 9), sale("1", 10)])],
        LAYOUTS["cmnfa"].with_sales(plain),
        contract=TOKENS,
    )
    assert rows.price.tolist() == [-1, 9, 10]


def test_two_markets_do_not_sell_one_transfer_twice():
    other = {key: value for key, value in SALE.items() if key != "from"} | {"contract": "other"}
    layout = LAYOUT.with_sales(other)
    second = ("other", *sale("1", 6)[1:])
    rows = transfers([report(1, [mint("1")], [move("1", A, B), sale("1", 5), second])], layout, contract=TOKENS)
    assert rows.price.tolist() == [-1, 5]
    (unmatched,) = rows.source.unmatched
    assert unmatched.event == 3


@pytest.mark.parametrize(
    "sold",
    [
        sale("2", 5),
        sale("1", 5, sender=C),
        sale("1", 5, to=C),
        sale("1", 5, sender=B, to=A),
    ],
)
def test_a_sale_without_its_transfer(sold):
    rows = read(report(1, [mint("1")], [move("1", A, B), sold]))
    assert rows.price.tolist() == [-1, -1]
    (unmatched,) = rows.source.unmatched
    assert (unmatched.field, unmatched.transaction, unmatched.event) == ("transfer", 1, 2)
    assert check_rules(rows, {"rules": []}).check("sales").ok is False


def test_nobody_buys_a_burn():
    assert len(read(report(1, [mint("1")], [burn("1"), sale("1", 5)])).source.unmatched) == 1


@pytest.mark.parametrize("price", ["9223372036854775808", "1" * 30, "-1", "1.5", "", "01", "1e3", " 1"])
def test_prices_that_64_bits_do_not_hold(price):
    rows = read(report(1, [mint("1")], [move("1", A, B), sale("1", price)]))
    assert rows.price.tolist() == [-1, -1]
    assert [one.field for one in rows.source.unreadable] == ["price"]


def test_the_largest_price():
    rows = read(report(1, [mint("1")], [move("1", A, B), sale("1", 2**63 - 1)]))
    assert rows.price.tolist() == [-1, 2**63 - 1]


def test_many_sales_that_fit_nothing_cost_no_more_than_their_number():
    """Of one token in one transaction: each is looked up, none is compared with every transfer."""
    n = 20_000
    rows = read(report(1, [mint("1", B)], [move("1", B, B)] * n + [sale("1", 1, sender=C, to=C)] * n))
    assert len(rows.source.unmatched) == n


# ---- columns ---------------------------------------------------------------------------------------------------------

GOOD = {
    "block": [1, 1], "transaction": [0, 1], "event": [0, 1], "time": [5, 5], "kind": [0, 1], "token": [0, 0],
    "sender": [-1, 0], "recipient": [0, 1], "price": [-1, 7], "currency": [-1, 0], "tokens": ["t"],
    "accounts": ["a", "b"], "currencies": ["CNY"],
}  # fmt: skip


def built(**changes):
    given = {**GOOD, **changes}
    return Transfers(**{key: np.array(value) if isinstance(value[0], int) else value for key, value in given.items()})


def test_columns_are_taken_in_any_integer_form():
    rows = built(kind=np.array([0, 1], np.int64), token=np.array([0, 0], np.uint8))
    assert rows.kind.dtype == np.uint8
    assert rows.token.dtype == np.int32
    assert rows.of("t").source.token == "t"
    assert len(rows.of("t")) == 2
    assert len(rows.of("u")) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time": [5]}, "time"),
        ({"time": [5, -2]}, "time"),
        ({"price": [-1, -2]}, "price"),
        ({"price": [0.5, 1.0]}, "price"),
        ({"kind": [0, 3]}, "kind"),
        ({"kind": [0, 256]}, "kind"),
        ({"kind": [0, -1]}, "kind"),
        ({"token": [0, 1]}, "token"),
        ({"token": [0, -1]}, "token"),
        ({"sender": [-1, 2]}, "sender"),
        ({"sender": [-1, -1]}, "sender"),
        ({"recipient": [0, -1]}, "recipient"),
        ({"recipient": [-1, 1]}, "recipient"),
        ({"recipient": [0, 1 << 40]}, "recipient"),
        ({"currency": [-1, 1]}, "currency"),
        ({"currency": [-1, -1]}, "currency"),
        ({"price": [-1, -1]}, "currency"),
        ({"tx_ids": ["one"]}, "tx_ids"),
    ],
)
def test_columns_that_do_not_fit(changes, field):
    with pytest.raises(InputError) as caught:
        built(**{key: np.array(value) if isinstance(value[0], float) else value for key, value in changes.items()})
    assert caught.value.field == field
