"""The history of one token: who got it from whom, when, and for how much."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pycore.base.report import BlockReport, Check, Report
from pycore.collectibles.checks import check_rules
from pycore.collectibles.columns import KIND_NAMES, NONE, Transfers
from pycore.collectibles.reading import transfers
from pycore.collectibles.rules import Rules


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of ownership.

    Attributes:
        block, transaction, tx_id, event: where, as in :class:`pycore.collectibles.Transfers`.
        time: Unix milliseconds; None where it is not known.
        kind: "mint", "transfer" or "burn".
        sender, recipient: accounts; None for nobody.
        price, currency: of the sale, in the currency's smallest unit; None without one.
    """

    block: int
    transaction: int
    tx_id: str
    event: int
    time: int | None
    kind: str
    sender: str | None
    recipient: str | None
    price: int | None
    currency: str | None


@dataclass(frozen=True, eq=False)
class History(Report):
    """The history of a token: a :class:`pycore.ledgers.Report` with the checks of the blocks, the events and the chain
    of ownership (:class:`pycore.collectibles.RulesReport`), and `found`, which fails where the token has no event.

    Attributes:
        token: whose history it is.
        contract: whose token it is.
        entries: in the order of the chain.
        owner: who owns it after the last one; None for nobody, or a token that is not there.
        transfers: the same as columns, for :func:`pycore.collectibles.check_rules`.
    """

    token: str
    contract: str
    entries: tuple[Entry, ...]
    owner: str | None
    transfers: Transfers

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **super().to_dict(),
            "contract": self.contract,
            "token": self.token,
            "owner": self.owner,
            "entries": [dataclasses.asdict(entry) for entry in self.entries],
        }


def history(
    reports: Iterable[BlockReport],
    token: str,
    *,
    contract: str | None = None,
    layout: Any = "cmnfa",
    require: str = "complete",
) -> History:
    """The history of one token, from the events of validated blocks.

    Args:
        reports: of blocks in a row from before the token's mint, made with ``events=True``.
        token: the token's id: of "cmnfa" the text as it is, of "erc-721" a decimal number.
        contract, layout, require: as for :func:`pycore.collectibles.transfers`.

    Returns:
        The history; accept it on ``valid and complete``. A token without events has none, and is not valid.

    Raises:
        InputError: as :func:`pycore.collectibles.transfers`.

    >>> history([], "1", contract="CMNFA").check("found").detail
    'no event is of this token'
    """
    rows = transfers(reports, layout, contract=contract, require=require).of(token)
    return of_rows(rows, token)


def of_rows(rows: Transfers, token: str) -> History:
    """The history in the rows of one token, as :meth:`Transfers.of` cuts them out."""
    report = check_rules(rows, Rules())
    entries = tuple(_entry(rows, row) for row in range(len(rows)))
    detail = "" if entries else "no event is of this token"
    found = Check("found", bool(entries), f"{len(entries)} events", "a mint and what followed", detail)
    return History(
        chain=report.chain,
        rules=report.rules,
        checks=(found, *report.checks),
        token=token,
        contract=rows.source.contract,
        entries=entries,
        owner=entries[-1].recipient if entries else None,
        transfers=rows,
    )


def _entry(rows: Transfers, row: int) -> Entry:
    time, price, currency = int(rows.time[row]), int(rows.price[row]), int(rows.currency[row])
    return Entry(
        block=int(rows.block[row]),
        transaction=int(rows.transaction[row]),
        tx_id=rows.tx_id(row),
        event=int(rows.event[row]),
        time=None if time == NONE else time,
        kind=KIND_NAMES[rows.kind[row]],
        sender=rows.account(int(rows.sender[row])),
        recipient=rows.account(int(rows.recipient[row])),
        price=None if price == NONE else price,
        currency=None if currency == NONE else rows.currencies[currency],
    )
