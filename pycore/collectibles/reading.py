"""From the events of validated blocks to columns of transfers."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from pycore.base.columns import quote
from pycore.base.report import BlockReport, Event
from pycore.collectibles import documents
from pycore.collectibles.columns import BURN, KIND_NAMES, MINT, NOBODY, NONE, TRANSFER, Source, Transfers, Unread
from pycore.collectibles.layouts import Layout, Pattern, Place, Sale, UnreadableError
from pycore.errors import InputError

REQUIRE = ("complete", "valid", "nothing")
MOST_TIME = 1 << 62
MOST_HEIGHT = (1 << 62) - 1
_MOST_PRICE = (1 << 63) - 1
_DIGITS = 19
"""Of the largest price; a longer number is refused before it is one."""
_ANY, _MINTED, _NEVER = -2, -3, -4
"""Accounts in a sale: one that it does not name, whoever a mint is from, one that no transfer has."""


def transfers(
    reports: Iterable[BlockReport],
    layout: Any = "cmnfa",
    *,
    contract: str | None = None,
    require: str = "complete",
) -> Transfers:
    """The mints, transfers and burns of a contract in the events of validated blocks.

    Args:
        reports: of blocks in a row, lowest first, made with ``events=True``. Taken one at a time.
        layout: how to read the contract's events: a name in :data:`LAYOUTS`, or a layout as
            :meth:`Layout.load` takes it.
        contract: whose events, as the chain writes it; None: the layout's, and where that names none the one contract
            in these blocks that puts out such events.
        require: "complete": each report must be valid and complete; "valid": checks may have been skipped; "nothing".
            Reports that are not so are counted in the result's `source`, and judged by :func:`check_rules`.

    Returns:
        The columns, in the order of the chain. An event that is not as the layout says is no row: `source.unreadable`
        has it. A price that 64 bits with a sign do not hold is such a case.

    Raises:
        InputError: a layout or a name that does not fit; no `contract`, and more than one that puts out such events; or
            `reports[i]`: not a report, without events, not valid or not complete where that is required, not of the
            chain of the first one, or not of the block after the one before (its height, and the hash that it names as
            the one before where its report has it).
    """
    known = Layout.load(layout)
    named = known.contract if contract is None else documents.text(contract, "contract")
    reader = _Reader(known, named, documents.one_of(require, "require", REQUIRE))
    for number, report in enumerate(reports):
        reader.add(number, report)
    return reader.columns()


class _Names:
    """A dictionary of names: each gets the next code."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def code(self, name: str) -> int:
        return self.codes.setdefault(name, len(self.codes))


class _Waiting:
    """The transfers of one transaction that have no price yet, by what sales say of them."""

    def __init__(self, rows: dict[str, array[int]], begins: int, by_sender: bool, by_recipient: bool) -> None:
        self.prices, self.by_sender = rows["price"], by_sender
        self.found: dict[tuple[int, int, int], deque[int]] = {}
        for row in range(begins, len(self.prices)):
            kind = rows["kind"][row]
            if kind != BURN:
                # A sale at a mint names the issuer as the seller, whom the mint does not name.
                sender = (_MINTED if kind == MINT else rows["sender"][row]) if by_sender else _ANY
                key = rows["token"][row], sender, rows["recipient"][row] if by_recipient else _ANY
                self.found.setdefault(key, deque()).append(row)

    def take(self, token: int, sender: int, recipient: int) -> int | None:
        """The first transfer that fits."""
        first: tuple[int, deque[int]] | None = None
        for one in (sender, _MINTED) if self.by_sender else (sender,):
            rows = self.found.get((token, one, recipient))
            while rows and self.prices[rows[0]] != NONE:  # another market's sale took it
                rows.popleft()
            if rows and (first is None or rows[0] < first[0]):
                first = rows[0], rows
        return None if first is None else first[1].popleft()


class _Reader:
    """The columns as they grow."""

    def __init__(self, layout: Layout, contract: str | None, require: str) -> None:
        self.layout, self.contract, self.require = layout, contract, require
        self.undecided: dict[str, Counter[str]] | None = {} if contract is None else None
        self.patterns = {one.topic: one for one in layout.transfers}
        self.sales = {(one.contract, one.topic): one for one in layout.sales}
        self.others, self.nobody = frozenset(layout.other_topics), frozenset(layout.nobody)
        self.tokens, self.accounts, self.currencies = _Names(), _Names(), _Names()
        self.rows = {name: array("q") for name in ("block", "transaction", "event", "time", "kind", "token", "sender",
                                                   "recipient", "price", "currency")}  # fmt: skip
        self.tx_ids: list[str] = []
        self.unreadable: list[Unread] = []
        self.unmatched: list[Unread] = []
        self.unknown: Counter[str] = Counter()
        self.before: BlockReport | None = None
        self.first, self.invalid, self.incomplete = 0, 0, 0
        self.report: BlockReport
        self.time = NONE
        self.sold: list[tuple[int, Event, Sale]] = []
        self.sold_in = -1
        self.begins = 0  # the first row of the transaction that is being read

    # ---- reports -----------------------------------------------------------------------------------------------------

    def add(self, number: int, report: BlockReport) -> None:
        """The next block."""
        events = self._checked(f"reports[{number}]", report)
        self.report, self.before, self.sold_in = report, report, -1
        time = NONE if report.time is None else round(report.time * 1000)
        self.time = time if 0 <= time < MOST_TIME else NONE
        sales, patterns = self.sales, self.patterns
        for at, event in enumerate(events):
            if sales and event.transaction != self.sold_in:
                self._settle()
                self.sold_in, self.begins = event.transaction, len(self.tx_ids)
            if self.undecided is not None:
                self._decide(event, self.undecided)
            if event.contract == self.contract:
                pattern = patterns.get(event.topic)
                if pattern is not None:
                    self._read(at, event, pattern)
                elif event.topic not in self.others and (event.contract, event.topic) not in sales:
                    self.unknown[event.topic] += 1
            if sales and (sale := sales.get((event.contract, event.topic))) is not None:
                self.sold.append((at, event, sale))
        self._settle()

    def _decide(self, event: Event, topics: dict[str, Counter[str]]) -> None:
        """Whose tokens they are, where nobody says: whose events move any. Topics that came before count for it."""
        moves = event.topic in self.patterns
        if moves and self.contract is None:
            self.contract = event.contract
            self.unknown = topics.pop(event.contract, Counter())
            topics.clear()
        elif moves and event.contract != self.contract:
            got = f"{documents.short(str(self.contract))} and {documents.short(event.contract)}, which both have tokens"
            raise InputError("contract", got, "the name of one")
        elif (
            self.contract is None and event.topic not in self.others and (event.contract, event.topic) not in self.sales
        ):
            topics.setdefault(event.contract, Counter())[event.topic] += 1

    def _checked(self, name: str, report: BlockReport) -> tuple[Event, ...]:
        """The events of a report that follows the one before."""
        if not isinstance(report, BlockReport):
            raise InputError(name, type(report).__name__, "a BlockReport")
        if self.require != "nothing" and not report.valid:
            raise InputError(name, f"block {report.height}, which is not valid", "a valid block")
        if self.require == "complete" and not report.complete:
            skipped = ", ".join(check.name for check in report.skipped[:4])
            raise InputError(name, f"block {report.height}, not checked: {skipped}", "a block with every check made")
        if report.events is None:
            raise InputError(f"{name}.events", "None", "the block's events: validate it with events=True")
        if report.height > MOST_HEIGHT:
            raise InputError(f"{name}.height", str(report.height), f"at most {MOST_HEIGHT}")
        self.invalid += not report.valid
        self.incomplete += report.valid and not report.complete
        before = self.before
        if before is None:
            self.first = report.height
            return report.events
        for field, got, wanted in (("chain", report.chain, before.chain), ("height", report.height, before.height + 1)):
            if got != wanted:
                raise InputError(f"{name}.{field}", quote(got), f"{wanted!r}, after block {before.height}")
        named = next((check.got for check in report if check.name == "previous_hash"), None)
        if isinstance(named, bytes) and named != before.block_hash:
            raise InputError(f"{name}.previous_hash", named.hex(), f"{before.block_hash.hex()}, of the block before")
        return report.events

    # ---- events ------------------------------------------------------------------------------------------------------

    def _unread(self, at: int, event: Event, error: UnreadableError) -> Unread:
        return Unread(self.report.height, event.transaction, event.tx_id, at, error.field, error.got, error.wanted)

    def _read(self, at: int, event: Event, pattern: Pattern) -> None:
        """A row, or an entry of what could not be read."""
        data = event.data
        try:
            _count(data, pattern.values)
            token = pattern.token.read(data, "token")
            sender = self._party(pattern.sender, data, "from")
            recipient = self._party(pattern.recipient, data, "to")
            kind = self._kind(pattern.kind, sender, recipient)
        except UnreadableError as error:
            self.unreadable.append(self._unread(at, event, error))
            return
        rows = self.rows
        rows["block"].append(self.report.height)
        rows["transaction"].append(event.transaction)
        rows["event"].append(at)
        rows["time"].append(self.time)
        rows["kind"].append(kind)
        rows["token"].append(self.tokens.code(token))
        rows["sender"].append(NOBODY if sender is None else self.accounts.code(sender))
        rows["recipient"].append(NOBODY if recipient is None else self.accounts.code(recipient))
        rows["price"].append(NONE)
        rows["currency"].append(NONE)
        self.tx_ids.append(event.tx_id)

    def _party(self, place: Place | None, data: tuple[str, ...], field: str) -> str | None:
        """An account; None where the event has none, or names nobody."""
        if place is None:
            return None
        if "" in self.nobody and place.form == "text" and place.at < len(data) and not data[place.at]:
            return None
        found = place.read(data, field)
        return None if found in self.nobody else found

    @staticmethod
    def _kind(kind: str, sender: str | None, recipient: str | None) -> int:
        """The kind of an event, by its layout and its parties."""
        if kind == "parties":
            if sender is None and recipient is None:
                raise UnreadableError("to", "nobody, from nobody", "an account on one side at least")
            return MINT if sender is None else BURN if recipient is None else TRANSFER
        if kind != "mint" and kind != "burn" and sender is None:
            raise UnreadableError("from", "nobody", "an account: the event is no mint")
        if kind != "burn" and recipient is None:
            raise UnreadableError("to", "nobody", "an account: the event is no burn")
        return KIND_NAMES.index(kind)

    # ---- sales -------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Gives the transfers of the transaction that was read the prices of its sales, in the order of the sales: each
        takes the first transfer that it fits and that has no price yet."""
        if not self.sold:
            return
        waiting: dict[tuple[bool, bool], _Waiting] = {}
        for at, event, sale in self.sold:
            self._sell(at, event, sale, waiting)
        self.sold.clear()

    def _sell(self, at: int, event: Event, sale: Sale, waiting: dict[tuple[bool, bool], _Waiting]) -> None:
        try:
            self._price(event.data, sale, waiting)
        except UnreadableError as error:
            kept = self.unmatched if error.field == "transfer" else self.unreadable
            kept.append(self._unread(at, event, error))

    def _price(self, data: tuple[str, ...], sale: Sale, waiting: dict[tuple[bool, bool], _Waiting]) -> None:
        _count(data, sale.values)
        token = sale.token.read(data, "token")
        price = _price(sale.price.read(data, "price"))
        currency = sale.currency.read(data, "currency")
        sender = None if sale.sender is None else sale.sender.read(data, "from")
        recipient = None if sale.recipient is None else sale.recipient.read(data, "to")
        named = sender is not None, recipient is not None
        if named not in waiting:
            waiting[named] = _Waiting(self.rows, self.begins, *named)
        account = self.accounts.codes
        row = waiting[named].take(
            self.tokens.codes.get(token, NONE), account.get(sender, _NEVER) if sender is not None else _ANY,
            account.get(recipient, _NEVER) if recipient is not None else _ANY,
        )  # fmt: skip
        if row is None:
            parties = f" from {sender} to {recipient}" if any(named) else ""
            raise UnreadableError(
                "transfer", f"a sale of {documents.short(token)} without one", f"a transfer{parties[:160]}"
            )
        self.rows["price"][row], self.rows["currency"][row] = price, self.currencies.code(currency)

    # ---- the whole ---------------------------------------------------------------------------------------------------

    def columns(self) -> Transfers:
        """All that was read."""
        before = self.before
        source = Source(
            chain=before.chain if before else "",
            contract=self.contract or "",
            layout=self.layout.name,
            certainty=self.layout.certainty,
            first=self.first,
            last=before.height if before else -1,
            invalid=self.invalid,
            incomplete=self.incomplete,
            unreadable=tuple(self.unreadable),
            unmatched=tuple(self.unmatched),
            unknown_topics=dict(self.unknown),
        )
        columns: dict[str, Any] = {name: np.array(values, np.int64) for name, values in self.rows.items()}
        return Transfers(
            **columns,
            tokens=tuple(self.tokens.codes),
            accounts=tuple(self.accounts.codes),
            currencies=tuple(self.currencies.codes),
            tx_ids=tuple(self.tx_ids),
            source=source,
        )


def _count(data: tuple[str, ...], wanted: int | None) -> None:
    if wanted is not None and len(data) != wanted:
        raise UnreadableError("values", f"{len(data)} values", f"{wanted} values")


def _price(text: str) -> int:
    """A price in the smallest unit."""
    if not (text.isascii() and text.isdigit()):
        raise UnreadableError("price", documents.short(text, 40), "digits")
    if len(text) > _DIGITS or int(text) > _MOST_PRICE:
        raise UnreadableError("price", text[:40], "a number below 2^63")
    return int(text)
