"""Reports of blocks with events of the test's choice, and a slow judge of transfers that shares no code with pycore."""

from __future__ import annotations

import numpy as np

from pycore.base.verdicts import Verdicts
from pycore.ledgers import BlockReport, Check, Event

ZERO = "0" * 40
A, B, C = ("a" * 40, "b" * 40, "c" * 40)
TOKENS, MARKET = "nfa", "market"


def report(height, *transactions, time=1000, ok=True, events=True, chain="chainmaker", named=None, valid=True):
    """A report of a block whose transactions put out these events, each a tuple (contract, topic, values...)."""
    found = [
        Event(i, f"tx-{height}-{i}", one[0], one[1], tuple(one[2:])) for i, tx in enumerate(transactions) for one in tx
    ]
    checks = [Check("structure", ok)]
    if named is not None:
        checks.append(Check("previous_hash", True, named, named))
    return BlockReport(
        chain=chain,
        rules="strict",
        checks=tuple(checks),
        height=height,
        block_hash=bytes([height % 251]) * 32,
        transactions=Verdicts(np.full(len(transactions), 1 if valid else 2, np.uint8)),
        events=tuple(found) if events else None,
        time=None if time is None else float(time + height),
    )


def mint(token, to=A, contract=TOKENS):
    return (contract, "Mint", ZERO, to, token, "category", "")


def move(token, sender, to, contract=TOKENS):
    return (contract, "TransferFrom", sender, to, token)


def burn(token, contract=TOKENS):
    return (contract, "Burn", token)


def sale(token, price, currency="CNY", sender=A, to=B):
    return (MARKET, "Sold", token, sender, to, str(price), currency)


SALE = {
    "contract": MARKET, "topic": "Sold", "values": 5, "token": {"at": 0}, "from": {"at": 1}, "to": {"at": 2},
    "price": {"at": 3, "as": "digits"}, "currency": {"at": 4},
}  # fmt: skip


def judged(rows, rules):
    """The names of what each row breaks. rows: mappings with kind, token, sender, recipient, price, currency, block and
    time (seconds, or None), names for codes, None for what is not there. rules: the document's list."""
    rules = {rule["rule"]: rule for rule in rules}
    histories, holders, verdicts = {}, {}, []
    for row in rows:
        past = histories.setdefault(row["token"], [])
        owner = past[-1]["recipient"] if past else None
        broken = []
        if any(one["kind"] == "burn" for one in past):
            broken.append("burnt")
        elif row["kind"] == "mint":
            broken += ["minted_once"] if past else []
        elif not past:
            broken.append("minted_first")
        elif row["sender"] is not None and row["sender"] != owner:
            broken.append("owner")
        paid = [one for one in past if one["price"] is not None]
        if "currency" in rules:
            if row["price"] is not None and row["currency"] not in rules["currency"]["allowed"]:
                broken.append("currency")
            unpriced = rules["currency"].get("unpriced") == "refused"
            if unpriced and row["price"] is None and row["kind"] == "transfer":
                broken.append("currency")
        if "resale" in rules and row["price"] is not None and paid:
            last = paid[-1]
            if row["currency"] != last["currency"] or row["price"] > last["price"]:
                broken.append("resale")
        if "holding_period" in rules and row["kind"] == "transfer" and past and past[-1]["kind"] != "burn":
            rule, since = rules["holding_period"], past[-1]
            if rule.get("after_mint") or since["kind"] == "transfer":
                if row["block"] - since["block"] < rule.get("blocks", 0):
                    broken.append("holding_period")
                known = row["time"] is not None and since["time"] is not None
                if "seconds" in rule and known and row["time"] - since["time"] < rule["seconds"]:
                    broken.append("holding_period")
        if owner is not None:
            holders[owner] = holders.get(owner, 0) - 1
        if row["recipient"] is not None:
            holders[row["recipient"]] = holders.get(row["recipient"], 0) + 1
            rule = rules.get("tokens_per_holder")
            if rule and row["recipient"] not in rule.get("except", ()) and holders[row["recipient"]] > rule["most"]:
                broken.append("tokens_per_holder")
        if "accounts" in rules and row["kind"] != "burn":
            parties = [row["recipient"]] + [row["sender"]] * (row["kind"] == "transfer")
            if any(one not in rules["accounts"]["listed"] for one in parties):
                broken.append("accounts")
        past.append(row)
        verdicts.append(sorted(broken))
    return verdicts
