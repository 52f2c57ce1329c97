"""Layouts: the built-in ones against their definitions, the forms of values, and documents that do not fit."""

from __future__ import annotations

import copy

import pytest
from token_blocks import SALE, TOKENS, A, B, mint, move, report, sale

import pycore
from pycore import InputError
from pycore.collectibles import LAYOUTS, Layout, check_rules, transfers
from pycore.testing.collectibles import LAYOUT

WORD = "0" * 24
ONE = "0" * 63 + "1"


@pytest.mark.parametrize(("name", "hash_name"), [("erc-721", "keccak256"), ("erc-721-sm3", "sm3")])
def test_topics_are_hashes_of_declarations(name, hash_name):
    declared = ("Transfer(address,address,uint256)", "Approval(address,address,uint256)",
                "ApprovalForAll(address,address,bool)")  # fmt: skip
    layout = LAYOUTS[name]
    topics = [layout.transfers[0].topic, *layout.other_topics]
    assert topics == [pycore.hash(hash_name, text.encode()).hex() for text in declared]


def test_erc_721_transfers():
    topic, largest = LAYOUTS["erc-721"].transfers[0].topic, "f" * 64
    rows = transfers(
        [
            report(
                1,
                [("c0de", topic, WORD + "0" * 40, WORD + A, largest, "")],
                [("c0de", topic, WORD + A, WORD + B, largest, "")],
                [("c0de", topic, WORD + B, WORD + "0" * 40, largest, "")],
                [("c0de", topic, WORD + "0" * 40, WORD + A.upper(), "0x" + ONE)],
            )
        ],
        "erc-721",
        contract="c0de",
    )
    assert rows.kind.tolist() == [0, 1, 2, 0]
    assert rows.tokens == (str(2**256 - 1), "1")
    assert rows.accounts == (A, B)
    assert check_rules(rows, {"rules": []}).valid
    assert check_rules(rows, {"rules": []}).check("events").certainty == ""


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ((WORD + A, WORD + B), "token"),
        (("1" + WORD[1:] + A, WORD + B, ONE), "from"),
        ((WORD + A, WORD + B, ONE[1:]), "token"),
        ((WORD + A, WORD + "x" * 40, ONE), "to"),
        ((A, WORD + B, ONE), "from"),
        ((WORD + "0" * 40, WORD + "0" * 40, ONE), "to"),
        ((), "token"),
    ],
)
def test_logs_that_are_no_transfer_are_named(data, field):
    topic = LAYOUTS["erc-721"].transfers[0].topic
    rows = transfers([report(4, [("c", "other")], [("c", topic, *data)])], "erc-721", contract="c")
    (unread,) = rows.source.unreadable
    assert (unread.block, unread.transaction, unread.event, unread.field) == (4, 1, 1, field)
    assert len(rows) == 0
    assert check_rules(rows, {"rules": []}).check("events").ok is False


def test_words_of_data():
    """A market's log with a price and a currency in one value of two words."""
    currency = b"CNY".hex().ljust(64, "0")
    sold = {
        "contract": "shop", "topic": "sold", "token": {"at": 0, "as": "uint256"},
        "price": {"at": 1, "as": "uint256", "word": 0}, "currency": {"at": 1, "as": "word-text", "word": 1},
        "to": {"at": 2, "as": "address"},
    }  # fmt: skip
    layout = LAYOUTS["erc-721"].with_sales(sold)
    topic = layout.transfers[0].topic
    event = ("c", topic, WORD + "0" * 40, WORD + B, ONE)
    data = (ONE, f"{700:064x}" + currency, WORD + B)
    rows = transfers([report(1, [event, ("shop", "sold", *data)])], layout, contract="c")
    assert (rows.price.tolist(), rows.currencies) == ([700], ("CNY",))
    for spoilt in (currency[:-2] + "ff", "0a" + currency[2:], currency[:-1]):
        bad = (ONE, f"{700:064x}" + spoilt, WORD + B)
        rows = transfers([report(1, [event, ("shop", "sold", *bad)])], layout, contract="c")
        assert [one.field for one in rows.source.unreadable] == ["currency"]


@pytest.mark.parametrize("text", ["", "01", "-1", "1.5", "1 ", "0x1", "\u0661", "1" * 2000])
def test_digits(text):
    place = {"at": 0, "as": "digits"}
    layout = {"name": "n", "contract": "c", "transfers": [{"topic": "t", "kind": "burn", "token": place}]}
    rows = transfers([report(1, [("c", "t", text)], [("c", "t", "10")])], layout)
    assert rows.tokens == ("10",)
    assert len(rows.source.unreadable) == 1


def test_an_empty_account_can_be_nobody():
    parties = {"from": {"at": 0}, "to": {"at": 1}, "token": {"at": 2}}
    layout = {"name": "n", "contract": "c", "transfers": [{"topic": "t", "kind": "parties", **parties}]}
    event = report(1, [("c", "t", "", A, "1")])
    assert [one.field for one in transfers([event], layout).source.unreadable] == ["from"]
    assert transfers([event], {**layout, "nobody": [""]}).kind.tolist() == [0]


def test_a_fixed_currency():
    """The market of ChainMaker's examples: its event has no currency, the contract that is paid with has one."""
    bought = {
        "contract": "exchange", "topic": "buyNow", "values": 5, "from": {"at": 0}, "to": {"at": 1}, "token": {"at": 3},
        "price": {"at": 4}, "currency": {"is": "CNY"},
    }  # fmt: skip
    layout = LAYOUTS["cmnfa"].with_sales(bought)
    event = ("exchange", "buyNow", A, B, "spender", "1", "10")
    rows = transfers([report(1, [mint("1")], [move("1", A, B), event])], layout, contract=TOKENS)
    assert (rows.price.tolist(), rows.currencies) == ([-1, 10], ("CNY",))


# ---- documents -------------------------------------------------------------------------------------------------------

WHOLE = {**copy.deepcopy(dict(LAYOUT)), "sales": [SALE]}


def changed(path, value):
    """The layout with one entry set, or, for None, left out."""
    whole = copy.deepcopy(WHOLE)
    *way, last = path
    inside = whole
    for step in way:
        inside = inside[step]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return whole


def test_the_document_as_it_is():
    layout = Layout.load(WHOLE)
    assert [one.kind for one in layout.transfers] == ["mint", "transfer", "burn"]
    assert layout.sales[0].price.at == 3
    assert Layout.load(layout) is layout


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["name"], None, "layout.name"),
        (["name"], "", "layout.name"),
        (["contract"], 5, "layout.contract"),
        (["extra"], 5, "layout.extra"),
        (["transfers"], [], "layout.transfers"),
        (["transfers"], [WHOLE["transfers"][2]] * 65, "layout.transfers"),
        (["transfers", 1], WHOLE["transfers"][0], "layout"),
        (["transfers", 0], "Mint", "layout.transfers[0]"),
        (["transfers", 0, "topic"], None, "layout.transfers[0].topic"),
        (["transfers", 0, "kind"], "gift", "layout.transfers[0].kind"),
        (["transfers", 0, "to"], None, "layout.transfers[0].to"),
        (["transfers", 0, "from"], {"at": 0}, "layout.transfers[0].from"),
        (["transfers", 1, "from"], None, "layout.transfers[1].from"),
        (["transfers", 1, "to"], None, "layout.transfers[1].to"),
        (["transfers", 2, "to"], {"at": 0}, "layout.transfers[2].to"),
        (["transfers", 2, "token"], None, "layout.transfers[2].token"),
        (["transfers", 2, "token"], 1, "layout.transfers[2].token"),
        (["transfers", 2, "token"], {}, "layout.transfers[2].token.at"),
        (["transfers", 2, "token", "at"], -1, "layout.transfers[2].token.at"),
        (["transfers", 2, "token", "at"], 256, "layout.transfers[2].token.at"),
        (["transfers", 2, "token", "at"], True, "layout.transfers[2].token.at"),
        (["transfers", 2, "token", "as"], "hex", "layout.transfers[2].token.as"),
        (["transfers", 2, "token", "word"], 1, "layout.transfers[2].token.word"),
        (["transfers", 2, "token", "is"], "x", "layout.transfers[2].token.at"),
        (["transfers", 2, "token"], {"is": ""}, "layout.transfers[2].token.is"),
        (["transfers", 2, "token"], {"at": 0, "as": "uint256", "word": 256}, "layout.transfers[2].token.word"),
        (["transfers", 2, "values"], -1, "layout.transfers[2].values"),
        (["other_topics"], ["Mint"], "layout"),
        (["other_topics"], "SetApproval", "layout.other_topics"),
        (["nobody"], [0], "layout.nobody[0]"),
        (["sales"], {}, "layout.sales"),
        (["sales"], [SALE, SALE], "layout.sales"),
        (["sales", 0, "contract"], None, "layout.sales[0].contract"),
        (["sales", 0, "currency"], None, "layout.sales[0].currency"),
        (["sales", 0, "price"], {"is": "5"}, "layout.sales[0].price"),
        (["sales", 0, "price"], {"at": 1, "as": "address"}, "layout.sales[0].price"),
    ],
)
def test_documents_that_do_not_fit(path, value, field):
    with pytest.raises(InputError) as caught:
        Layout.load(changed(path, value))
    assert caught.value.field == field


def test_unknown_names_are_no_layout():
    with pytest.raises(InputError, match="layout"):
        Layout.load("erc-1155")


def test_a_document_is_bounded(tmp_path):
    path = tmp_path / "layout.json"
    path.write_bytes(b" " * ((1 << 24) + 1))
    with pytest.raises(InputError, match="at most 16777216"):
        Layout.load(path)


def test_sales_of_one_transaction_only():
    layout = LAYOUTS["cmnfa"].with_sales(SALE)
    rows = transfers([report(1, [mint("1")], [move("1", A, B)], [sale("1", 5)])], layout, contract=TOKENS)
    assert rows.price.tolist() == [-1, -1]
    assert len(rows.source.unmatched) == 1
