"""What breaks a rule, where, and the report of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from pycore.base.report import Check, Report
from pycore.collectibles import documents, walk
from pycore.collectibles.columns import KIND_NAMES, NONE, Transfers
from pycore.collectibles.rules import Rules
from pycore.errors import InputError

if TYPE_CHECKING:
    from pycore.collectibles.history import History

_BITS = {
    "minted_once": walk.MINTED_ONCE,
    "minted_first": walk.MINTED_FIRST,
    "burnt": walk.BURNT,
    "owner": walk.OWNER,
    "currency": walk.CURRENCY | walk.UNPRICED,
    "resale": walk.RESALE,
    "holding_period": walk.HELD_SECONDS | walk.HELD_BLOCKS,
    "tokens_per_holder": walk.HOLDINGS,
    "accounts": walk.ACCOUNTS,
}
CONSISTENCY = ("minted_once", "minted_first", "burnt", "owner")
_EACH = tuple((name, bit) for name, bits in _BITS.items() for bit in (1 << k for k in range(16)) if bits & bit)
MAX_PLAIN = 4096
"""Rows for which compiling, or loading what was compiled, takes longer than the walk."""
_SHOWN = 1000
_SHOWN_TOPICS = 8


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a transfer breaks.

    Attributes:
        rule: the name of a rule, or of what is always checked: "minted_once", "minted_first", "burnt", "owner".
        token: which token.
        block, transaction, tx_id, event: where, as in :class:`pycore.collectibles.Transfers`.
        time: Unix milliseconds; -1 where it is not known.
        got, wanted: in words.
    """

    rule: str
    token: str
    block: int
    transaction: int
    tx_id: str
    event: int
    time: int
    got: str
    wanted: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        where = f"block {self.block}, transaction {self.transaction}"
        return f"{where}: token {documents.short(self.token)}: {self.rule}: got {self.got}, wanted {self.wanted}"


class Violations(Sequence[Violation]):
    """All violations in the order of the chain, each put into words when it is asked for."""

    def __init__(self, rows: Transfers, found: walk.Found, rules: Rules) -> None:
        self._rows, self._found, self._rules = rows, found, rules
        flags = found.flags
        places = [np.flatnonzero(flags & bit) for _, bit in _EACH]
        kinds = [np.full(len(at), number) for number, at in enumerate(places)]
        at, kind = np.concatenate(places), np.concatenate(kinds)
        order = np.lexsort((kind, at))
        self._at: NDArray[np.int64] = at[order]
        self._kind: NDArray[np.int64] = kind[order]

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, index: int) -> Violation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Violation]: ...
    def __getitem__(self, index: int | slice) -> Violation | list[Violation]:
        if isinstance(index, slice):
            return [self._one(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"violation {index} of {len(self)}")
        return self._one(index % len(self))

    def __iter__(self) -> Iterator[Violation]:
        return (self._one(i) for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} violations>"

    def of(self, rule: str) -> list[Violation]:
        """Those of one rule."""
        return [self._one(i) for i in np.flatnonzero(self._is(rule)).tolist()]

    def first_of(self, rule: str) -> Violation | None:
        """The first of one rule."""
        mask = self._is(rule)
        return self._one(int(mask.argmax())) if mask.any() else None

    def _is(self, rule: str) -> NDArray[np.bool_]:
        return np.isin(self._kind, [number for number, (name, _) in enumerate(_EACH) if name == rule])

    def _one(self, index: int) -> Violation:
        row, (rule, bit) = int(self._at[index]), _EACH[int(self._kind[index])]
        rows = self._rows
        got, wanted = self._words(row, bit)
        block, transaction, event, time = (
            int(column[row]) for column in (rows.block, rows.transaction, rows.event, rows.time)
        )
        token = rows.tokens[rows.token[row]]
        return Violation(rule, token, block, transaction, rows.tx_id(row), event, time, got, wanted)

    def _words(self, row: int, bit: int) -> tuple[str, str]:
        """Got and wanted, in words."""
        rows, found, rules = self._rows, self._found, self._rules
        kind = KIND_NAMES[rows.kind[row]]
        sender, recipient = (self._called(column[row]) for column in (rows.sender, rows.recipient))
        owner = self._called(found.owner[row])
        moved = {"mint": f"a mint to {recipient}", "transfer": f"a transfer from {sender} to {recipient}"}.get(
            kind, "a burn"
        )
        if bit == walk.MINTED_ONCE:
            return moved, f"none: {owner} owns it since {self._where(int(found.acquired[row]))}"
        if bit == walk.MINTED_FIRST:
            return f"{moved} of a token that was not minted", "a mint before"
        if bit == walk.BURNT:
            return moved, "nothing after the burn"
        if bit == walk.OWNER:
            return moved, f"one from {owner}, who owns it"
        if bit == walk.CURRENCY:
            return self._priced(row), "a price in " + " or ".join(rules.currencies or ())
        if bit == walk.UNPRICED:
            return f"{moved} without a sale", "a sale in " + " or ".join(rules.currencies or ())
        if bit == walk.RESALE:
            last = int(found.paid[row])
            return self._priced(row), f"at most {self._priced(last)}, as in {self._where(last)}"
        since = int(found.acquired[row])
        if bit == walk.HELD_BLOCKS:
            return f"{rows.block[row] - rows.block[since]} blocks", f"at least {rules.held_blocks}"
        if bit == walk.HELD_SECONDS:
            got = int(rows.time[row] - rows.time[since])
            return f"{_seconds(got)} seconds", f"at least {rules.held_seconds}"
        if bit == walk.HOLDINGS:
            return f"{found.held[row]} tokens of {recipient}", f"at most {rules.most_tokens}"
        return moved, "listed accounts on both sides" if kind == "transfer" else "a listed account"

    def _called(self, code: int) -> str:
        name = self._rows.account(int(code))
        return "nobody" if name is None else name

    def _priced(self, row: int) -> str:
        price, currency = self._rows.price[row], self._rows.currency[row]
        return f"{price} {self._rows.currencies[currency]}"

    def _where(self, row: int) -> str:
        return f"block {self._rows.block[row]}, transaction {self._rows.transaction[row]}"


def _seconds(milliseconds: int) -> str:
    whole, rest = divmod(abs(milliseconds), 1000)
    return f"{'-' if milliseconds < 0 else ''}{whole}" + (f".{rest:03}" if rest else "")


@dataclass(frozen=True, eq=False)
class RulesReport(Report):
    """Whether transfers keep the rules: a :class:`pycore.ledgers.Report` with these checks, where they apply.

    ============  =====================================================================================================
    blocks        every report is valid (else failed) and complete (else skipped)
    events        every event of the contract is read as the layout says; skipped where one has an unknown topic
    sales         every sale is that of a transfer
    minted_once, minted_first, burnt, owner
                  the chain of ownership, always
    currency, resale, holding_period, tokens_per_holder, accounts
                  the rules that were asked for
    ============  =====================================================================================================

    Attributes:
        transfers: what was judged.
        violations: all of them, in the order of the chain.
        counts: rule -> how many.
    """

    transfers: Transfers
    violations: Violations
    counts: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self, most: int = _SHOWN) -> dict[str, Any]:
        """JSON-ready; the first `most` violations."""
        return {
            **super().to_dict(),
            "transfers": len(self.transfers),
            "counts": dict(self.counts),
            "violations": [one.to_dict() for one in self.violations[:most]],
            "violations_left_out": max(0, len(self.violations) - most),
            "unreadable": [dataclasses.asdict(one) for one in self.transfers.source.unreadable[:most]],
            "unmatched": [dataclasses.asdict(one) for one in self.transfers.source.unmatched[:most]],
        }


def check_rules(history: History | Transfers, rules: Any) -> RulesReport:
    """Holds transfers against rules, and against what must be so whatever the rules are.

    Args:
        history: of one token (:func:`pycore.collectibles.history`), or the transfers of all
            (:func:`pycore.collectibles.transfers`). They begin with the contract: a token whose mint was before the
            first block counts as never minted.
        rules: :class:`Rules`, or what :meth:`Rules.load` reads.

    Returns:
        The report; accept on ``valid and complete``.

    Raises:
        InputError: what is not transfers, or rules that do not fit.
        ImportError: thousands of rows, and Numba is not installed.

    Many rows are walked by compiled code: :func:`pycore.base.jit.warm_up` compiles it before it is needed.

    >>> from pycore.collectibles import transfers
    >>> report = check_rules(transfers([], contract="CMNFA"), {"rules": [{"rule": "resale"}]})
    >>> report.valid, [check.name for check in report][-2:]
    (True, ['owner', 'resale'])
    """
    rows = history if isinstance(history, Transfers) else getattr(history, "transfers", None)
    if not isinstance(rows, Transfers):
        raise InputError("history", type(history).__name__, "a History or Transfers")
    known = Rules.load(rules)
    return _judged(rows, _walked(rows, known), known)


def _walked(rows: Transfers, rules: Rules) -> walk.Found:
    """The walk over all rows: compiled where there are many. ImportError where Numba is not installed then."""
    n = len(rows)
    found = walk.Found(
        np.zeros(n, np.uint16), np.full(n, -1, np.int32), np.full(n, -1, np.int64), np.full(n, -1, np.int64),
        np.full(n, -1, np.int32),
    )  # fmt: skip
    columns = walk.Rows(*(getattr(rows, name) for name in walk.Rows._fields))
    if n <= MAX_PLAIN:
        run = walk.walk
    else:
        from pycore.collectibles import walk_jit

        run = walk_jit.walk
    run(columns, len(rows.tokens), len(rows.accounts), _asked(rows, rules), found)
    return found


def _judged(rows: Transfers, found: walk.Found, rules: Rules) -> RulesReport:
    """The report of a walk."""
    violations = Violations(rows, found, rules)
    counts = {
        name: sum(int(np.count_nonzero(found.flags & bit)) for one, bit in _EACH if one == name)
        for name in (*CONSISTENCY, *rules.asked)
    }
    undecided = int(np.count_nonzero(found.flags & walk.UNDECIDED))
    checks = [*source_checks(rows)]
    for name, count in counts.items():
        certain: bool | None = count == 0
        detail = "" if certain else f"the first: {violations.first_of(name)}"
        if certain and name == "holding_period" and undecided:
            certain, detail = None, f"the time of {undecided} transfers, or of what came before them, is not known"
        if certain and name == "tokens_per_holder" and rows.source.token is not None:
            certain, detail = None, "transfers of one token do not say how many an account has"
        checks.append(Check(name, certain, f"{count} violations", "0 violations", detail))
    return RulesReport(rows.source.chain, rules.name, tuple(checks), rows, violations, counts)


def source_checks(rows: Transfers) -> list[Check]:
    """The checks of what the transfers were read from."""
    source = rows.source
    if not source.layout:
        return [Check("blocks", None, "columns", "reports of blocks", "the transfers were not read from reports")]
    reports = f"{source.last - source.first + 1} blocks"
    checks = []
    if source.invalid:
        got = f"{source.invalid} of {reports} not valid"
        checks.append(Check("blocks", False, got, "valid blocks"))
    elif source.incomplete:
        detail = f"{source.incomplete} of {reports} were not checked completely"
        checks.append(Check("blocks", None, reports, "valid and complete reports", detail))
    else:
        checks.append(Check("blocks", True, reports, "valid and complete reports"))
    topics = ", ".join(documents.short(topic) for topic in list(source.unknown_topics)[:_SHOWN_TOPICS])
    checks += [
        _all_read("events", source.unreadable, "events that are not as the layout says", source.certainty, topics),
        _all_read("sales", source.unmatched, "sales without a transfer", source.certainty, ""),
    ]
    return checks


def _all_read(name: str, unread: Sequence[Any], what: str, certainty: str, topics: str) -> Check:
    detail = ""
    ok: bool | None = not unread
    if unread:
        one = unread[0]
        where = f"block {one.block}, transaction {one.transaction}, event {one.event}"
        detail = f"the first: {where}: {one.field}: got {one.got}, wanted {one.wanted}"
    elif topics:
        ok, detail = None, f"topics that the layout does not name: {topics}"
    return Check(name, ok, f"{len(unread)} {what}", f"0 {what}", detail, certainty)


def _asked(rows: Transfers, rules: Rules) -> walk.Asked:
    """The rules in numbers, for these dictionaries."""

    def marks(names: Sequence[str], chosen: Sequence[str] | None) -> NDArray[np.bool_]:
        """One entry at least where something is chosen: none at all means any."""
        wanted = frozenset(chosen or ())
        found = np.fromiter((name in wanted for name in names), np.bool_, len(names))
        return found if len(names) or chosen is None else np.zeros(1, np.bool_)

    none = np.zeros(0, np.bool_)
    return walk.Asked(
        currencies=none if rules.currencies is None else marks(rows.currencies, rules.currencies),
        priced=int(rules.priced),
        resale=int(rules.resale),
        milliseconds=1000 * (rules.held_seconds or 0),
        blocks=rules.held_blocks or 0,
        after_mint=int(rules.held_after_mint),
        most=NONE if rules.most_tokens is None else rules.most_tokens,
        unlimited=marks(rows.accounts, rules.unlimited),
        listed=none if rules.accounts is None else marks(rows.accounts, rules.accounts),
    )
