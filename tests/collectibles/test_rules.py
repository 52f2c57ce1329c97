"""Rules of trade: the walk against a slow judge on random histories, each rule broken and kept, and what cannot be
decided."""

from __future__ import annotations

import collections
import random

import numpy as np
import pytest
from token_blocks import SALE, TOKENS, A, B, C, burn, judged, mint, move, report, sale

from bench import collectibles as bench
from pycore import InputError
from pycore.collectibles import LAYOUTS, Rules, Transfers, check_rules, checks, transfers
from pycore.collectibles.columns import KIND_NAMES, Source

LAYOUT = LAYOUTS["cmnfa"].with_sales(SALE)


def read(*reports):
    return transfers(reports, LAYOUT, contract=TOKENS)


def rules(*given):
    return {"rules": list(given)}


def broken(rows, *given):
    """(block, transaction, rule) of every violation."""
    return [(one.block, one.transaction, one.rule) for one in check_rules(rows, rules(*given)).violations]


# ---- random histories ------------------------------------------------------------------------------------------------


def random_rows(rng, n):
    """Rows that are mostly consistent, so that every rule is met and broken."""
    tokens, accounts = [f"t{i}" for i in range(max(2, n // 12))], [f"a{i}" for i in range(7)]
    owners, rows, block, time = {}, [], 0, 100
    for _ in range(n):
        block += rng.random() < 0.4
        time += rng.randrange(-1, 8)
        token = rng.choice(tokens)
        owner = owners.get(token)
        kind = "mint" if owner is None else rng.choices(["transfer", "burn", "mint"], [20, 1, 1])[0]
        if rng.random() < 0.12:
            kind = rng.choice(KIND_NAMES)
        sender = None if kind == "mint" else owner if rng.random() < 0.93 else rng.choice(accounts)
        sender = rng.choice(accounts) if sender is None and kind == "transfer" else sender
        recipient = None if kind == "burn" else rng.choice(accounts)
        priced = kind != "burn" and rng.random() < 0.6
        rows.append({
            "kind": kind, "token": token, "sender": sender if rng.random() < 0.9 or kind != "burn" else None,
            "recipient": recipient, "price": rng.randrange(90, 100) if priced else None,
            "currency": rng.choices(["CNY", "USD"], [9, 1])[0] if priced else None, "block": block,
            "time": None if rng.random() < 0.05 else time,
        })  # fmt: skip
        owners[token] = recipient
    return rows


def random_rules(rng):
    accounts = [f"a{i}" for i in range(7)]
    all_rules = [
        {"rule": "currency", "allowed": ["CNY"], "unpriced": rng.choice(["allowed", "refused"])},
        {"rule": "resale"},
        {"rule": "holding_period", "seconds": rng.randrange(1, 12), "blocks": rng.randrange(1, 4),
         "after_mint": rng.random() < 0.5},
        {"rule": "tokens_per_holder", "most": rng.randrange(0, 5), "except": rng.sample(accounts, 2)},
        {"rule": "accounts", "listed": rng.sample(accounts, rng.randrange(4, 7))},
    ]  # fmt: skip
    return rng.sample(all_rules, rng.randrange(len(all_rules) + 1))


def columns(rows):
    names = {key: sorted({row[key] for row in rows} - {None}) for key in ("token", "currency")}
    accounts = sorted({row[key] for row in rows for key in ("sender", "recipient")} - {None})

    def codes(key, known):
        return np.array([-1 if row[key] is None else known.index(row[key]) for row in rows])

    return Transfers(
        block=np.array([row["block"] for row in rows]),
        transaction=np.arange(len(rows)),
        event=np.arange(len(rows)),
        time=np.array([-1 if row["time"] is None else 1000 * row["time"] for row in rows]),
        kind=np.array([KIND_NAMES.index(row["kind"]) for row in rows]),
        token=codes("token", names["token"]),
        sender=codes("sender", accounts),
        recipient=codes("recipient", accounts),
        price=np.array([-1 if row["price"] is None else row["price"] for row in rows]),
        currency=codes("currency", names["currency"]),
        tokens=names["token"],
        accounts=accounts,
        currencies=names["currency"],
    )


def found_in(given, asked):
    by_row = collections.defaultdict(list)
    for one in check_rules(columns(given), rules(*asked)).violations:
        by_row[one.transaction].append(one.rule)
    return [sorted(by_row[i]) for i in range(len(given))]


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_random_histories_against_a_slow_judge(compiled, monkeypatch, record_property):
    if compiled:
        pytest.importorskip("numba")
        monkeypatch.setattr(checks, "MAX_PLAIN", -1)
    seen = collections.Counter()
    rng = random.Random(8)
    for _ in range(60):
        given, asked = random_rows(rng, rng.randrange(0, 120)), random_rules(rng)
        wanted = judged(given, asked)
        assert found_in(given, asked) == wanted
        seen.update(name for row in wanted for name in row)
    record_property("violations", dict(seen))
    assert min(seen[name] for name in checks._BITS) > 10, seen


def test_random_histories_through_events():
    """The same through events: what a contract puts out and a market says."""
    rng = random.Random(9)
    blocks = collections.defaultdict(list)
    given = random_rows(rng, 300)
    for row in given:
        row["sender"], row["time"] = (row["sender"] if row["kind"] == "transfer" else None), 1000 + row["block"]
        token, sender, to = row["token"], row["sender"], row["recipient"]
        event = {"mint": mint(token, to), "burn": burn(token), "transfer": move(token, sender, to)}[row["kind"]]
        sold = [] if row["price"] is None else [sale(token, row["price"], row["currency"], sender or "shop", to)]
        blocks[row["block"]].append([event, *sold])
    last = given[-1]["block"]
    asked = [*random_rules(random.Random(3)), {"rule": "resale"}]
    asked = list({one["rule"]: one for one in asked}.values())
    rows = read(*(report(height, *blocks[height]) for height in range(last + 1)))
    assert len(rows) == len(given)
    assert not rows.source.unmatched
    found = check_rules(rows, rules(*asked)).violations
    at = [(height, tx) for height in range(last + 1) for tx in range(len(blocks[height]))]
    wanted = [(*at[i], name) for i, names in enumerate(judged(given, asked)) for name in names]
    assert sorted((one.block, one.transaction, one.rule) for one in found) == sorted(wanted)


def test_the_rows_of_the_benchmark_are_consistent_and_meet_every_rule():
    rows = bench.columns(3000)
    read_back = transfers(bench.reports(rows), "cmnfa", contract="nfa")
    assert read_back.block.tolist() == rows.block.tolist()
    found = check_rules(rows, bench.rules_for(rows))
    assert [found.counts[name] for name in checks.CONSISTENCY] == [0, 0, 0, 0]
    assert found.counts["holding_period"] > 0
    assert check_rules(read_back, {"rules": []}).valid


# ---- one rule at a time ----------------------------------------------------------------------------------------------


def test_minted_once():
    assert broken(read(report(1, [mint("1")], [mint("1", B)]))) == [(1, 1, "minted_once")]


def test_minted_first():
    rows = read(report(1, [move("1", A, B)], [burn("2")], [move("1", B, C)]))
    assert broken(rows) == [(1, 0, "minted_first"), (1, 1, "minted_first")]


def test_owner():
    rows = read(report(1, [mint("1")], [move("1", B, C)], [move("1", C, A)]))
    report_ = check_rules(rows, rules())
    (one,) = report_.violations
    assert (one.rule, one.block, one.transaction, one.tx_id, one.token) == ("owner", 1, 1, "tx-1-1", "1")
    assert (one.got, one.wanted) == (f"a transfer from {B} to {C}", f"one from {A}, who owns it")
    assert not report_.valid
    assert report_.check("owner").ok is False


def test_nothing_follows_a_burn():
    rows = read(report(1, [mint("1")], [burn("1")], [move("1", A, B)], [mint("1")], [burn("1")]))
    assert broken(rows) == [(1, 2, "burnt"), (1, 3, "burnt"), (1, 4, "burnt")]


def test_currency():
    rows = read(report(1, [mint("1")], [move("1", A, B), sale("1", 5, "USD")], [move("1", B, C)]))
    yuan = {"rule": "currency", "allowed": ["CNY"]}
    assert broken(rows, yuan) == [(1, 1, "currency")]
    assert broken(rows, {**yuan, "allowed": ["CNY", "USD"]}) == []
    assert broken(rows, {**yuan, "unpriced": "refused"}) == [(1, 1, "currency"), (1, 2, "currency")]
    assert broken(rows, {**yuan, "allowed": []}) == [(1, 1, "currency")]


@pytest.mark.parametrize(("second", "kept"), [(100, True), (99, True), (101, False)])
def test_resale(second, kept):
    rows = read(
        report(1, [mint("1")], [move("1", A, B), sale("1", 100)], [move("1", B, C), sale("1", second, "CNY", B, C)])
    )
    assert broken(rows, {"rule": "resale"}) == ([] if kept else [(1, 2, "resale")])


def test_a_gift_does_not_forget_the_price():
    gift = [move("1", B, C)]
    rows = read(
        report(1, [mint("1")], [move("1", A, B), sale("1", 100)], gift, [move("1", C, A), sale("1", 101, "CNY", C, A)])
    )
    (one,) = check_rules(rows, rules({"rule": "resale"})).violations
    assert (one.got, one.wanted) == ("101 CNY", "at most 100 CNY, as in block 1, transaction 1")


def test_prices_in_two_currencies_do_not_compare():
    rows = read(report(1, [mint("1")], [move("1", A, B), sale("1", 100)], [move("1", B, C), sale("1", 1, "USD", B, C)]))
    assert broken(rows, {"rule": "resale"}) == [(1, 2, "resale")]


def test_a_primary_sale_has_a_price_for_the_next():
    rows = read(
        report(1, [mint("1", B), sale("1", 10, "CNY", "issuer", B)], [move("1", B, C), sale("1", 11, "CNY", B, C)])
    )
    assert broken(rows, {"rule": "resale"}) == [(1, 1, "resale")]


def test_holding_period_in_blocks():
    blocks = [report(1, [mint("1")], [move("1", A, B)]), report(2), report(3, [move("1", B, C)])]
    assert broken(read(*blocks), {"rule": "holding_period", "blocks": 2}) == []
    assert broken(read(*blocks), {"rule": "holding_period", "blocks": 3}) == [(3, 0, "holding_period")]
    after_mint = {"rule": "holding_period", "blocks": 2, "after_mint": True}
    assert broken(read(*blocks), after_mint) == [(1, 1, "holding_period")]


def test_holding_period_in_seconds():
    blocks = [report(1, [mint("1")], [move("1", A, B)], time=0), report(2, [move("1", B, C)], time=8)]
    assert broken(read(*blocks), {"rule": "holding_period", "seconds": 9}) == []
    (one,) = check_rules(read(*blocks), rules({"rule": "holding_period", "seconds": 10})).violations
    assert (one.got, one.wanted) == ("9 seconds", "at least 10")


def test_clocks_that_run_backwards_hold_nothing():
    blocks = [report(1, [mint("1")], [move("1", A, B)], time=100), report(2, [move("1", B, C)], time=50)]
    (one,) = check_rules(read(*blocks), rules({"rule": "holding_period", "seconds": 1})).violations
    assert one.got == "-49 seconds"


def test_without_time_the_holding_period_is_not_decided():
    blocks = [report(1, [mint("1")], [move("1", A, B)], time=None), report(2, [move("1", B, C)], time=None)]
    found = check_rules(read(*blocks), rules({"rule": "holding_period", "seconds": 1}))
    assert found.check("holding_period").ok is None
    assert found.valid
    assert not found.complete
    assert check_rules(read(*blocks), rules({"rule": "holding_period", "blocks": 1})).complete


def test_burns_end_a_holding_period_at_any_time():
    rows = read(report(1, [mint("1")], [move("1", A, B)], [burn("1")]))
    assert broken(rows, {"rule": "holding_period", "blocks": 9}) == []


def test_tokens_per_holder():
    rows = read(report(1, [mint("1", B)], [mint("2", B)], [burn("1")], [mint("3", B)], [mint("4", B)]))
    assert broken(rows, {"rule": "tokens_per_holder", "most": 2}) == [(1, 4, "tokens_per_holder")]
    assert broken(rows, {"rule": "tokens_per_holder", "most": 2, "except": [B]}) == []
    (one, *_) = check_rules(rows, rules({"rule": "tokens_per_holder", "most": 0})).violations
    assert (one.got, one.wanted) == (f"1 tokens of {B}", "at most 0")


def test_a_transfer_to_oneself_counts_once():
    rows = read(report(1, [mint("1", B)], [move("1", B, B)], [move("1", B, B)]))
    assert broken(rows, {"rule": "tokens_per_holder", "most": 1}) == []


def test_accounts():
    rows = read(report(1, [mint("1", A)], [move("1", A, B)], [move("1", B, A)], [mint("2", C)], [burn("2")]))
    assert broken(rows, {"rule": "accounts", "listed": [A, C]}) == [(1, 1, "accounts"), (1, 2, "accounts")]
    assert broken(rows, {"rule": "accounts", "listed": []}) == [(1, i, "accounts") for i in range(4)]


def test_one_row_breaks_several_rules_in_a_fixed_order():
    rows = read(report(1, [mint("1")], [move("1", A, B), sale("1", 5)], [move("1", A, C), sale("1", 6, "USD", A, C)]))
    asked = [{"rule": "currency", "allowed": ["CNY"]}, {"rule": "resale"}, {"rule": "holding_period", "blocks": 1}]
    assert [rule for _, tx, rule in broken(rows, *asked) if tx == 2] == [
        "owner",
        "currency",
        "resale",
        "holding_period",
    ]
    assert broken(rows, *reversed(asked)) == broken(rows, *asked)


# ---- the report ------------------------------------------------------------------------------------------------------


def test_the_report_lists_what_was_asked_for():
    found = check_rules(read(report(1, [mint("1")])), rules({"rule": "resale"}))
    names = [check.name for check in found]
    assert names == ["blocks", "events", "sales", "minted_once", "minted_first", "burnt", "owner", "resale"]
    assert found.valid
    assert found.complete
    assert found.chain == "chainmaker"
    assert found.check("events").certainty == "read"
    assert found.counts == dict.fromkeys(names[3:], 0)
    assert len(found.violations) == 0
    with pytest.raises(IndexError):
        found.violations[0]


def test_violations_are_a_sequence():
    rows = read(report(1, *([move(str(i), A, B)] for i in range(5))))
    found = check_rules(rows, rules())
    listed = found.violations
    assert [one.token for one in listed] == ["0", "1", "2", "3", "4"]
    assert listed[-1] == listed[4]
    assert listed[1:3] == [listed[1], listed[2]]
    assert listed.of("minted_first") == list(listed)
    assert listed.of("owner") == []
    assert listed.first_of("owner") is None
    document = found.to_dict(most=2)
    assert len(document["violations"]) == 2
    assert document["violations_left_out"] == 3
    assert "block 1, transaction 3: token '3': minted_first" in str(listed[3])


def test_columns_from_nowhere_are_never_complete():
    rows = columns([])
    assert rows.source == Source()
    assert check_rules(rows, rules()).check("blocks").ok is None


@pytest.mark.parametrize("value", [None, [], "cmnfa", 3])
def test_what_is_no_history_is_refused(value):
    with pytest.raises(InputError, match="history"):
        check_rules(value, rules())


# ---- documents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "rules.rules"),
        ({"rules": {}}, "rules.rules"),
        ({"rules": [], "more": 1}, "rules.more"),
        ({"rules": [{}]}, "rules.rules[0].rule"),
        ({"rules": ["resale"]}, "rules.rules[0].rule"),
        ({"rules": [{"rule": "resales"}]}, "rules.rules[0].rule"),
        ({"rules": [{"rule": ["resale"]}]}, "rules.rules[0].rule"),
        ({"rules": [{"rule": "resale"}, {"rule": "resale"}]}, "rules.rules[1].rule"),
        ({"rules": [{"rule": "resale", "most": 1}]}, "rules.rules[0].most"),
        ({"rules": [{"rule": "currency"}]}, "rules.rules[0].allowed"),
        ({"rules": [{"rule": "currency", "allowed": "CNY"}]}, "rules.rules[0].allowed"),
        ({"rules": [{"rule": "currency", "allowed": [1]}]}, "rules.rules[0].allowed[0]"),
        ({"rules": [{"rule": "currency", "allowed": ["c"] * 65}]}, "rules.rules[0].allowed"),
        ({"rules": [{"rule": "currency", "allowed": ["c"], "unpriced": True}]}, "rules.rules[0].unpriced"),
        ({"rules": [{"rule": "holding_period"}]}, "rules.rules[0].seconds"),
        ({"rules": [{"rule": "holding_period", "seconds": 0}]}, "rules.rules[0].seconds"),
        ({"rules": [{"rule": "holding_period", "seconds": 1 << 53}]}, "rules.rules[0].seconds"),
        ({"rules": [{"rule": "holding_period", "blocks": 1.5}]}, "rules.rules[0].blocks"),
        ({"rules": [{"rule": "holding_period", "blocks": True}]}, "rules.rules[0].blocks"),
        ({"rules": [{"rule": "holding_period", "blocks": 1, "after_mint": 1}]}, "rules.rules[0].after_mint"),
        ({"rules": [{"rule": "tokens_per_holder"}]}, "rules.rules[0].most"),
        ({"rules": [{"rule": "tokens_per_holder", "most": -1}]}, "rules.rules[0].most"),
        ({"rules": [{"rule": "accounts"}]}, "rules.rules[0].listed"),
        ({"rules": [{"rule": "accounts", "listed": ["x" * 1025]}]}, "rules.rules[0].listed[0]"),
        ({"rules": [{"rule": "resale"}] * 17}, "rules.rules"),
        ({"name": 1, "rules": []}, "rules.name"),
        ("[]", "rules"),
        ("{", "rules"),
        (b"\xff", "rules"),
        (7, "rules"),
        ("no-such-file.json", "rules"),
        ('{"rules": [], "rules": []}', "rules"),
    ],
)
def test_rules_that_do_not_fit(given, field):
    with pytest.raises(InputError) as caught:
        Rules.load(given)
    assert caught.value.field == field


def test_rules_from_a_file(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text('{"name": "n", "rules": [{"rule": "tokens_per_holder", "most": 3}]}')
    assert Rules.load(path) == Rules.load(str(path)) == Rules(name="n", most_tokens=3)
    assert Rules.load(Rules(resale=True)).asked == ("resale",)
