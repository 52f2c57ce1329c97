"""A ChainMaker ledger with a contract of collectibles and a market, made from a seed. Test data only."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .chainmaker import BlockBuilder, Call, Event
from .ledger import BlockSequence, GeneratedLedger
from .parameters import LedgerParameters

TOKENS = "pycore_test_nfa"
MARKET = "pycore_test_market"
HELD_BLOCKS = 2
CURRENCY = "CNY"
BROKEN = ("currency", "resale", "holding_period", "accounts")
"""Rules that a generated trade can break."""
_NOBODY = "0" * 40
_FAILED = 4  # TxStatusCode: the contract failed

LAYOUT: Mapping[str, Any] = {
    "name": "pycore test collectibles",
    "contract": TOKENS,
    "nobody": [_NOBODY],
    "transfers": [
        {"topic": "Mint", "kind": "mint", "values": 5, "to": {"at": 1}, "token": {"at": 2}},
        {
            "topic": "TransferFrom", "kind": "transfer", "values": 3, "from": {"at": 0}, "to": {"at": 1},
            "token": {"at": 2},
        },
        {"topic": "Burn", "kind": "burn", "values": 1, "token": {"at": 0}},
    ],
    "other_topics": ["SetApproval"],
    "sales": [
        {
            "contract": MARKET, "topic": "Sold", "values": 5, "token": {"at": 0}, "from": {"at": 1}, "to": {"at": 2},
            "price": {"at": 3, "as": "digits"}, "currency": {"at": 4},
        },
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """A trade that breaks a rule on purpose: which block and transaction, counted from 0, and which rule."""

    block: int
    tx: int
    rule: str
    token: str


@dataclass(frozen=True)
class GeneratedCollectibles:
    """A ledger of collectibles.

    Attributes:
        ledger: the blocks; its validator reads them with ``events=True``.
        layout, rules: documents for :mod:`pycore.collectibles`.
        broken: the trades that break a rule; all others keep all of them.
        owners: token -> who owns it at the end; None after a burn.
    """

    ledger: GeneratedLedger
    layout: Mapping[str, Any]
    rules: Mapping[str, Any]
    broken: tuple[Broken, ...]
    owners: Mapping[str, str | None]


def generate_collectibles(
    *,
    blocks: int = 6,
    txs_per_block: int = 20,
    accounts: int = 8,
    broken_every: int = 0,
    suite: str = "sm2",
    signers: int = 4,
    organisations: int = 4,
    seed: int = 0,
) -> GeneratedCollectibles:
    """A chain whose transactions mint, sell, give away and burn tokens of a CMNFA contract.

    Args:
        blocks, txs_per_block, suite, signers, organisations, seed: as for :func:`pycore.testing.generate_ledger`.
        accounts: who trades, the issuer aside; 3 or more.
        broken_every: one trade in so many breaks one of the rules in BROKEN, in turn; 0 for none.

    >>> made = generate_collectibles(blocks=5, broken_every=5, suite="p256")
    >>> len(made.ledger.blocks), len({one.rule for one in made.broken})
    (5, 4)
    """
    parameters = LedgerParameters(
        chain="chainmaker", blocks=blocks, txs_per_block=txs_per_block, suite=suite, signers=signers, seed=seed,
        invalid_every=0, organisations=organisations, endorsed_every=0,
    )  # fmt: skip
    parameters.check()
    trade = _Trade(random.Random(f"collectibles {seed}"), accounts, broken_every)
    calls = [[trade.call(block, tx) for tx in range(txs_per_block)] for block in range(blocks)]
    builder = BlockBuilder(parameters, lambda block, tx: calls[block][tx])
    ledger = GeneratedLedger(
        parameters, BlockSequence(builder, blocks, {}), builder.consortium.context(parameters.consensus), ()
    )
    rules = {
        "name": "pycore test rules",
        "rules": [
            {"rule": "currency", "allowed": [CURRENCY]},
            {"rule": "resale"},
            {"rule": "holding_period", "blocks": HELD_BLOCKS},
            {"rule": "tokens_per_holder", "most": trade.most, "except": [trade.issuer]},
            {"rule": "accounts", "listed": [trade.issuer, *trade.accounts]},
        ],
    }
    return GeneratedCollectibles(ledger, LAYOUT, rules, tuple(trade.broken), dict(trade.owners))


@dataclass(slots=True)
class _Token:
    """A token that can still move. `since`: the block in which its owner got it; None: by its mint."""

    name: str
    owner: str
    since: int | None = None
    paid: int | None = None


class _Trade:
    """Decides on one transaction after another."""

    def __init__(self, rng: random.Random, accounts: int, broken_every: int) -> None:
        self.rng, self.broken_every = rng, broken_every
        self.accounts = [_account(f"holder {i}") for i in range(max(3, accounts))]
        self.issuer, self.stranger = _account("issuer"), _account("stranger")
        self.tokens: list[_Token] = []
        self.owners: dict[str, str | None] = {}
        self.broken: list[Broken] = []
        self.trades = self.minted = 0
        self.most = 1 << 20

    def call(self, block: int, tx: int) -> Call:
        """The next transaction."""
        ready = [one for one in self.tokens if one.since is None or block - one.since >= HELD_BLOCKS]
        pick = self.rng.random()
        if not ready or pick < 0.25:
            return self._mint()
        one = self.rng.choice(ready)
        if pick < 0.30:
            return self._burn(one)
        if pick < 0.35:
            data = (one.owner, self.rng.choice(self.accounts), one.name, "true")
            return Call(TOKENS, "SetApproval", _parameters(to=data[1], tokenId=one.name), (Event("SetApproval", data),))
        if pick < 0.40:  # nothing comes of it
            return self._transfer(one, self.rng.choice(self.accounts), code=_FAILED)
        self.trades += 1
        if self.broken_every and self.trades % self.broken_every == 0:
            return self._break(block, tx, ready)
        buyer = self.rng.choice([who for who in self.accounts if who != one.owner])
        if pick < 0.55:
            return self._move(block, one, buyer)
        highest = one.paid if one.paid is not None else 1_000_000
        return self._move(block, one, buyer, self.rng.randint(highest // 2, highest), CURRENCY)

    def _break(self, block: int, tx: int, ready: Sequence[_Token]) -> Call:
        """A trade that breaks one rule, and no other."""
        rule = BROKEN[len(self.broken) % len(BROKEN)]
        chosen = {
            "currency": [one for one in ready if one.paid is None],
            "resale": [one for one in ready if one.paid is not None],
            "holding_period": [one for one in self.tokens if one not in ready],
        }.get(rule, [])
        if not chosen:
            rule, chosen = "accounts", list(ready)
        one = self.rng.choice(chosen)
        buyer = self.rng.choice([who for who in self.accounts if who != one.owner])
        self.broken.append(Broken(block, tx, rule, one.name))
        if rule == "resale":
            return self._move(block, one, buyer, (one.paid or 0) + 1, CURRENCY)
        if rule == "holding_period":
            return self._move(block, one, buyer)
        self.tokens.remove(one)  # whatever followed would break a rule as well
        if rule == "currency":
            return self._move(block, one, buyer, 5, "USD")
        return self._move(block, one, self.stranger)

    def _mint(self) -> Call:
        name = str(10**23 + self.minted)
        self.minted += 1
        self.tokens.append(_Token(name, self.issuer))
        self.owners[name] = self.issuer
        data = (_NOBODY, self.issuer, name, "paintings", "made by pycore.testing")
        given = _parameters(to=self.issuer, tokenId=name, categoryName=data[3], metadata=data[4])
        return Call(TOKENS, "Mint", given, (Event("Mint", data),))

    def _burn(self, one: _Token) -> Call:
        self.tokens.remove(one)
        self.owners[one.name] = None
        return Call(TOKENS, "Burn", _parameters(tokenId=one.name), (Event("Burn", (one.name,)),))

    def _transfer(self, one: _Token, buyer: str, code: int = 0) -> Call:
        given = _parameters(**{"from": one.owner, "to": buyer, "tokenId": one.name})
        return Call(TOKENS, "TransferFrom", given, (Event("TransferFrom", (one.owner, buyer, one.name)),), code)

    def _move(self, block: int, one: _Token, buyer: str, price: int | None = None, currency: str = "") -> Call:
        """A gift, or a sale on the market, which moves the token and tells the price."""
        call, seller = self._transfer(one, buyer), one.owner
        one.owner, one.since = buyer, block
        self.owners[one.name] = buyer
        if price is None:
            return call
        one.paid = price
        moved = Event("TransferFrom", call.events[0].data, TOKENS)
        sold = Event("Sold", (one.name, seller, buyer, str(price), currency))
        given = _parameters(tokenId=one.name, buyer=buyer, price=str(price), currency=currency)
        return Call(MARKET, "Buy", given, (moved, sold))


def _account(name: str) -> str:
    """An address of 20 bytes in hexadecimal, as ChainMaker writes them."""
    return hashlib.sha256(f"pycore test account: {name}".encode()).hexdigest()[:40]


def _parameters(**given: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((key, value.encode()) for key, value in given.items())
