"""Rules of trade as data.

A document is a JSON object, in which each rule is there once or not at all::

    {"name": "trade rules of 2026",
     "rules": [{"rule": "currency", "allowed": ["CNY"], "unpriced": "allowed"},
               {"rule": "resale"},
               {"rule": "holding_period", "seconds": 15552000, "after_mint": false},
               {"rule": "tokens_per_holder", "most": 20, "except": ["the issuer's account"]},
               {"rule": "accounts", "listed": ["...", "..."]}]}

currency           every sale is in one of the `allowed` currencies. `unpriced`: "refused" also refuses transfers
                   without a sale; "allowed" (the default) takes them as gifts. Mints and burns need no sale
resale             a sale's price is at most what was last paid for the token, in the same currency. A gift hands on
                   what its giver paid, so that no gift makes a price forgotten; a token that nobody has paid for yet
                   has no limit
holding_period     whoever passes a token on has had it for at least so many `seconds` of block time, `blocks`, or both.
                   Not asked of burns, nor of whoever got it by its mint unless `after_mint`
tokens_per_holder  no account has more than `most` tokens after any mint or transfer to it, those in `except` aside
accounts           both sides of a transfer and the receiver of a mint are `listed`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pycore.collectibles import documents
from pycore.errors import InputError

MAX_RULES = 16
MAX_CURRENCIES = 64
MAX_ACCOUNTS = 1 << 17
NAMES = ("currency", "resale", "holding_period", "tokens_per_holder", "accounts")
_MOST = (1 << 53) - 1


@dataclass(frozen=True, slots=True)
class Rules:
    """What trades are held to; see the module. Every rule that is not None applies.

    Attributes:
        name: the document's; "" where it has none.
        currencies: the allowed ones.
        priced: whether a transfer without a sale breaks the rule of currencies.
        resale: whether resale above the price paid is refused.
        held_seconds, held_blocks: the holding period.
        held_after_mint: whether it also applies to whoever a token was minted to.
        most_tokens: what one account may hold.
        unlimited: accounts that may hold more.
        accounts: those between which tokens may move.
    """

    name: str = ""
    currencies: tuple[str, ...] | None = None
    priced: bool = False
    resale: bool = False
    held_seconds: int | None = None
    held_blocks: int | None = None
    held_after_mint: bool = False
    most_tokens: int | None = None
    unlimited: tuple[str, ...] = ()
    accounts: tuple[str, ...] | None = None

    @classmethod
    def load(cls, source: Any) -> Rules:
        """Rules from themselves, a mapping, JSON text or a path.

        Raises:
            InputError: names the rule or the parameter that does not fit, or is unknown.

        >>> Rules.load({"rules": [{"rule": "holding_period", "blocks": 10}]}).held_blocks
        10
        """
        if isinstance(source, cls):
            return source
        document = documents.entries(documents.open_document(source, "rules"), "rules", ("name", "rules"), ("rules",))
        found: dict[str, Any] = {"name": documents.text(document.get("name", ""), "rules.name", empty=True)}
        named: set[str] = set()
        for number, rule in enumerate(documents.sequence(document["rules"], "rules.rules", MAX_RULES)):
            where = f"rules.rules[{number}]"
            if not isinstance(rule, Mapping) or "rule" not in rule:
                raise InputError(f"{where}.rule", "nothing", "one of " + ", ".join(NAMES))
            name = documents.one_of(rule["rule"], f"{where}.rule", NAMES)
            if name in named:
                raise InputError(f"{where}.rule", f"{name!r} again", "each rule once")
            named.add(name)
            found |= _READERS[name](rule, where)
        return cls(**found)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the rules that apply."""
        given = {
            "currency": self.currencies is not None,
            "resale": self.resale,
            "holding_period": self.held_seconds is not None or self.held_blocks is not None,
            "tokens_per_holder": self.most_tokens is not None,
            "accounts": self.accounts is not None,
        }
        return tuple(name for name in NAMES if given[name])


def _currency(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    documents.entries(rule, where, ("rule", "allowed", "unpriced"), ("allowed",))
    unpriced = documents.one_of(rule.get("unpriced", "allowed"), f"{where}.unpriced", ("allowed", "refused"))
    allowed = documents.texts(rule["allowed"], f"{where}.allowed", MAX_CURRENCIES)
    return {"currencies": allowed, "priced": unpriced == "refused"}


def _resale(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    documents.entries(rule, where, ("rule",))
    return {"resale": True}


def _holding_period(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    documents.entries(rule, where, ("rule", "seconds", "blocks", "after_mint"))
    if "seconds" not in rule and "blocks" not in rule:
        raise InputError(f"{where}.seconds", "nothing", "seconds, blocks, or both")
    found: dict[str, Any] = {"held_after_mint": documents.flag(rule.get("after_mint", False), f"{where}.after_mint")}
    for unit in ("seconds", "blocks"):
        if unit in rule:
            # in milliseconds it must still be below 2^63
            found[f"held_{unit}"] = documents.number(rule[unit], f"{where}.{unit}", 1, _MOST)
    return found


def _tokens_per_holder(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    documents.entries(rule, where, ("rule", "most", "except"), ("most",))
    unlimited = documents.texts(rule.get("except", ()), f"{where}.except", MAX_ACCOUNTS)
    return {"most_tokens": documents.number(rule["most"], f"{where}.most", 0, _MOST), "unlimited": unlimited}


def _accounts(rule: Mapping[str, Any], where: str) -> dict[str, Any]:
    documents.entries(rule, where, ("rule", "listed"), ("listed",))
    return {"accounts": documents.texts(rule["listed"], f"{where}.listed", MAX_ACCOUNTS)}


_READERS = {
    "currency": _currency,
    "resale": _resale,
    "holding_period": _holding_period,
    "tokens_per_holder": _tokens_per_holder,
    "accounts": _accounts,
}
