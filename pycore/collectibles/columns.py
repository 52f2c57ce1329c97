"""Transfers as columns: one row for each mint, transfer and burn, with codes into dictionaries of names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import describe
from pycore.errors import InputError

MINT, TRANSFER, BURN = 0, 1, 2
KIND_NAMES = ("mint", "transfer", "burn")
NOBODY = -1
"""Code of an account that is not there: before a mint, after a burn."""
NONE = -1
"""A price, a currency or a time that is not there."""
_CODES = {"token": np.int32, "sender": np.int32, "recipient": np.int32, "currency": np.int32}
_NUMBERS = {"block": np.int64, "transaction": np.int64, "event": np.int64, "time": np.int64, "price": np.int64}


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that could not be read as its layout says, or a sale without its transfer.

    Attributes:
        block, transaction, tx_id, event: where it is; `event` counts the events of the block's report.
        field: which of its values.
        got, wanted: in words.
    """

    block: int
    transaction: int
    tx_id: str
    event: int
    field: str
    got: str
    wanted: str


@dataclass(frozen=True)
class Source:
    """Where transfers come from, and what of it was not read.

    Attributes:
        chain: the name of the blocks' chain; "" where they come from no blocks.
        contract, layout, certainty: whose events, how they were read, and the layout's certainty.
        first, last: heights of the blocks; 0 and -1 where there are none.
        invalid, incomplete: how many of the reports are not valid, and how many more are not complete.
        unreadable: events of the contract, or of a market, that are not as the layout says.
        unmatched: sales for which there is no transfer in the same transaction.
        unknown_topics: topics of the contract's events that the layout does not name, and how many events have them.
        token: the one token whose transfers these are; None: those of all.
    """

    chain: str = ""
    contract: str = ""
    layout: str = ""
    certainty: str = ""
    first: int = 0
    last: int = -1
    invalid: int = 0
    incomplete: int = 0
    unreadable: tuple[Unread, ...] = ()
    unmatched: tuple[Unread, ...] = ()
    unknown_topics: Mapping[str, int] = field(default_factory=dict)
    token: str | None = None


@dataclass(frozen=True, eq=False)
class Transfers:
    """n mints, transfers and burns in the order of the chain.

    Attributes:
        block, transaction, event: int64[n]: the block's height, the transaction's position in it, and the event's
            among the events of the block's report.
        time: int64[n]: the block's time stamp in Unix milliseconds, -1 where it is not known.
        kind: uint8[n]: 0 mint, 1 transfer, 2 burn.
        token: int32[n]: which of `tokens`.
        sender, recipient: int32[n]: which of `accounts`; -1 before a mint and after a burn, and for the sender of a
            burn whose event does not name the owner.
        price: int64[n]: in the smallest unit of the currency; -1 without a sale.
        currency: int32[n]: which of `currencies`; -1 without a sale.
        tokens, accounts, currencies: the names, each once.
        tx_ids: the transactions' ids, n of them, or none.
        source: where they come from.

    Raises:
        InputError: names a column that has another length, other numbers than its kind has, or codes without a name.
    """

    block: NDArray[np.int64]
    transaction: NDArray[np.int64]
    event: NDArray[np.int64]
    time: NDArray[np.int64]
    kind: NDArray[np.uint8]
    token: NDArray[np.int32]
    sender: NDArray[np.int32]
    recipient: NDArray[np.int32]
    price: NDArray[np.int64]
    currency: NDArray[np.int32]
    tokens: Sequence[str]
    accounts: Sequence[str]
    currencies: Sequence[str]
    tx_ids: Sequence[str] = ()
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        kinds: dict[str, type[np.integer[Any]]] = {**_NUMBERS, "kind": np.uint8, **_CODES}
        for name, kind in kinds.items():
            object.__setattr__(self, name, _column(getattr(self, name), name, kind, len(self.block)))
        if len(self.kind) and self.kind.max() > BURN:
            raise InputError("kind", str(self.kind.max()), "0, 1 or 2")
        lists = {"token": self.tokens, "sender": self.accounts, "recipient": self.accounts, "currency": self.currencies}
        for name, names in lists.items():
            codes, least = getattr(self, name), 0 if name == "token" else NONE
            if len(codes) and not (least <= codes.min() and codes.max() < len(names)):
                raise InputError(name, f"codes from {codes.min()} to {codes.max()}", f"{least} to {len(names) - 1}")
        for name in ("price", "time"):
            if len(self.block) and getattr(self, name).min() < NONE:
                raise InputError(name, str(getattr(self, name).min()), "0 or more, or -1")
        if ((self.price == NONE) != (self.currency == NONE)).any():
            raise InputError("currency", "a price without a currency, or the reverse", "both or neither")
        movers = (self.recipient == NOBODY) & (self.kind != BURN), (self.sender == NOBODY) & (self.kind == TRANSFER)
        if movers[0].any() or movers[1].any():
            raise InputError("recipient" if movers[0].any() else "sender", "-1", "an account")
        if len(self.tx_ids) not in (0, len(self.block)):
            raise InputError("tx_ids", f"{len(self.tx_ids)} of them", f"{len(self.block)}, or none")

    def __len__(self) -> int:
        return len(self.block)

    def tx_id(self, row: int) -> str:
        """The id of the transaction of a row; "" where it is not known."""
        return self.tx_ids[row] if self.tx_ids else ""

    def account(self, code: int) -> str | None:
        """The name of an account; None for nobody."""
        return None if code == NOBODY else self.accounts[code]

    def of(self, token: str) -> Transfers:
        """The rows of one token, with the names of all."""
        code = self.tokens.index(token) if token in self.tokens else None
        rows = np.flatnonzero(self.token == code) if code is not None else np.zeros(0, np.int64)
        cut = {name: getattr(self, name)[rows] for name in (*_NUMBERS, "kind", *_CODES)}
        ids = tuple(self.tx_ids[row] for row in rows.tolist()) if self.tx_ids else ()
        return dataclasses.replace(self, **cut, tx_ids=ids, source=dataclasses.replace(self.source, token=token))


def _column(values: object, name: str, kind: type[np.integer[Any]], n: int) -> NDArray[np.integer[Any]]:
    """A contiguous column of that kind; a number that it cannot hold is refused, not cut."""
    given = np.asarray(values)
    if given.ndim != 1 or len(given) != n or (given.dtype.kind not in "iu" and n):
        raise InputError(name, describe(values), f"a column of {n} integers")
    if n and (int(given.min()) < int(np.iinfo(kind).min) or int(given.max()) > int(np.iinfo(kind).max)):
        raise InputError(name, f"numbers from {given.min()} to {given.max()}", f"what {np.dtype(kind)} holds")
    return np.ascontiguousarray(given, kind)
