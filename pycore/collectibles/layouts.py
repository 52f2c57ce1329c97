"""Layouts: where in a contract's events a token, its parties and its price are.

A layout is a JSON object::

    {"name": "cmnfa",
     "contract": "CMNFA",
     "nobody": ["0000000000000000000000000000000000000000"],
     "transfers": [{"topic": "Mint", "kind": "mint", "values": 5, "to": {"at": 1}, "token": {"at": 2}},
                   {"topic": "TransferFrom", "kind": "transfer", "values": 3,
                    "from": {"at": 0}, "to": {"at": 1}, "token": {"at": 2}},
                   {"topic": "Burn", "kind": "burn", "values": 1, "token": {"at": 0}}],
     "other_topics": ["SetApproval"],
     "sales": [{"contract": "exchange", "topic": "buyNow", "values": 5, "from": {"at": 0}, "to": {"at": 1},
                "token": {"at": 3}, "price": {"at": 4}, "currency": {"is": "CNY"}}]}

contract      whose events these are, as the chain writes it; None: the caller says
nobody        accounts that stand for nobody: a transfer from one is a mint, one to one is a burn
transfers     events that move tokens. `kind` is "mint", "transfer", "burn", or "parties": what `nobody` makes of it. A
              mint needs no `from`, a burn no `to`; a burn without `from` is by whoever owns the token
other_topics  the contract's other events. One that is neither here nor in `transfers` leaves every answer incomplete
sales         events of a market, of which each gives a transfer in the same transaction its price: that of the token,
              and from and to the same accounts where the event names them. The price is in the currency's smallest
              unit (fen): digits, below 2^63
values        how many values the event has; left out: any number

A value is at a position of the event's data (`at`, from 0) or fixed (`is`). `as` says how it is written: "text" (the
default), "digits" (an unsigned decimal number without leading zeros), and for chains whose events are bytes in
hexadecimal, each in words of 32 bytes, of which `word` (0) is the place: "address", "uint256", "word-text" (ASCII, with
zeros behind).

Sources: CMNFA in contract-utils/standard (interface and comments) and in the Go contract standard-nfa of
contracts-go, version 2 of the contract SDK, and its WebAssembly twin (whose README prints events of a running chain);
the market's `buyNow` in the contract exchange of the same collection. Facts read there, none of them recomputed on
published blocks. ERC-721: EIP-721.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pycore.base.columns import quote
from pycore.collectibles import documents
from pycore.errors import InputError
from pycore.hashing.batch import hash_batch

MAX_PATTERNS = 64
MAX_ACCOUNTS = 64
MAX_PLACES = 256
KINDS = ("mint", "transfer", "burn", "parties")
FORMS = ("text", "digits", "address", "uint256", "word-text")
_WORD = 64  # hexadecimal digits


class UnreadableError(Exception):
    """A value of an event that is not what the layout says."""

    def __init__(self, field: str, got: str, wanted: str) -> None:
        super().__init__(field, got, wanted)
        self.field, self.got, self.wanted = field, got, wanted


@dataclass(frozen=True, slots=True)
class Place:
    """A value of an event: at a position and in a form, or fixed."""

    at: int = 0
    form: str = "text"
    word: int = 0
    fixed: str | None = None

    def read(self, data: tuple[str, ...], field: str) -> str:
        """The value, in one spelling. UnreadableError where it is not there or not in that form."""
        if self.fixed is not None:
            return self.fixed
        if self.at >= len(data):
            raise UnreadableError(field, f"{len(data)} values", f"a value at position {self.at}")
        found = data[self.at]
        if self.form != "text":
            found = _formed(found, self.form, self.word, field)
        if not 0 < len(found) <= documents.MAX_TEXT:
            raise UnreadableError(field, f"{len(found)} characters", f"1 to {documents.MAX_TEXT}")
        return found


def _formed(text: str, form: str, word: int, field: str) -> str:
    if form == "digits":
        if len(text) > documents.MAX_TEXT or not re.fullmatch(r"0|[1-9][0-9]*", text):
            raise UnreadableError(field, documents.short(text, 40), "an unsigned decimal number without leading zeros")
        return text
    digits = text.removeprefix("0x")[word * _WORD : (word + 1) * _WORD].lower()
    if len(digits) != _WORD or not re.fullmatch(r"[0-9a-f]*", digits):
        raise UnreadableError(field, documents.short(text, 40), f"hexadecimal digits with a word of 32 bytes at {word}")
    if form == "uint256":
        return str(int(digits, 16))
    if form == "address":
        if digits[:24].strip("0"):
            raise UnreadableError(field, digits, "an address of 20 bytes behind 12 zeros")
        return digits[24:]
    shown = bytes.fromhex(digits).rstrip(b"\0")
    if not shown.isascii() or not shown.decode().isprintable():
        raise UnreadableError(field, digits, "ASCII with zeros behind")
    return shown.decode()


@dataclass(frozen=True, slots=True)
class Pattern:
    """An event that moves a token."""

    topic: str
    kind: str
    token: Place
    sender: Place | None = None
    recipient: Place | None = None
    values: int | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An event that gives a transfer its price."""

    contract: str
    topic: str
    token: Place
    price: Place
    currency: Place
    sender: Place | None = None
    recipient: Place | None = None
    values: int | None = None


@dataclass(frozen=True)
class Layout:
    """How to read a contract's events; see the module.

    Attributes:
        certainty: "read" for a built-in layout that no published block has confirmed, as in
            :class:`pycore.ledgers.Check`; else "".
    """

    name: str
    contract: str | None
    transfers: tuple[Pattern, ...]
    nobody: tuple[str, ...] = ()
    other_topics: tuple[str, ...] = ()
    sales: tuple[Sale, ...] = ()
    certainty: str = ""

    @classmethod
    def load(cls, source: Any) -> Layout:
        """A layout from itself, the name of a built-in one, a mapping, JSON text or a path.

        Raises:
            InputError: names the entry that does not fit.

        >>> Layout.load("cmnfa").transfers[1].topic
        'TransferFrom'
        """
        if isinstance(source, cls):
            return source
        if isinstance(source, str) and source in LAYOUTS:
            return LAYOUTS[source]
        return _layout(documents.open_document(source, "layout"))

    def with_sales(self, *sales: Mapping[str, Any]) -> Layout:
        """The layout with a market's events added, each as in the JSON form.

        >>> Layout.load("cmnfa").with_sales({"contract": "shop", "topic": "sold", "token": {"at": 0},
        ...     "price": {"at": 1}, "currency": {"is": "CNY"}}).sales[0].contract
        'shop'
        """
        added = tuple(_sale(one, f"sales[{i}]") for i, one in enumerate(documents.sequence(sales, "sales", 64)))
        return dataclasses.replace(self, sales=self.sales + added)


def _layout(document: Mapping[str, Any]) -> Layout:
    known = ("name", "contract", "nobody", "transfers", "other_topics", "sales")
    given = documents.entries(document, "layout", known, ("name", "transfers"))
    patterns = documents.sequence(given["transfers"], "layout.transfers", MAX_PATTERNS)
    if not patterns:
        raise InputError("layout.transfers", "no entries", "the events that move tokens")
    sales = documents.sequence(given.get("sales", ()), "layout.sales", MAX_PATTERNS)
    contract = given.get("contract")
    layout = Layout(
        name=documents.text(given["name"], "layout.name"),
        contract=None if contract is None else documents.text(contract, "layout.contract"),
        transfers=tuple(_pattern(one, f"layout.transfers[{i}]") for i, one in enumerate(patterns)),
        nobody=documents.texts(given.get("nobody", ()), "layout.nobody", MAX_ACCOUNTS, empty=True),
        other_topics=documents.texts(given.get("other_topics", ()), "layout.other_topics", MAX_PLACES),
        sales=tuple(_sale(one, f"layout.sales[{i}]") for i, one in enumerate(sales)),
    )
    topics = [one.topic for one in layout.transfers] + list(layout.other_topics)
    if len(set(topics)) != len(topics):
        raise InputError("layout", "a topic twice", "each topic once, in transfers or in other_topics")
    markets = [(one.contract, one.topic) for one in layout.sales]
    if len(set(markets)) != len(markets):
        raise InputError("layout.sales", "a contract's topic twice", "each once")
    return layout


def _pattern(value: Any, name: str) -> Pattern:
    known = ("topic", "kind", "values", "from", "to", "token")
    given = documents.entries(value, name, known, ("topic", "kind", "token"))
    kind = documents.one_of(given["kind"], f"{name}.kind", KINDS)
    needed = {"mint": ("to",), "burn": ()}.get(kind, ("from", "to"))
    documents.entries(value, name, known, needed)
    for party, without in (("from", "mint"), ("to", "burn")):
        if party in given and kind == without:
            raise InputError(f"{name}.{party}", "a value", f"nothing: a {kind} has none, or its kind is 'parties'")
    return Pattern(
        documents.text(given["topic"], f"{name}.topic"), kind, _place(given["token"], f"{name}.token"),
        *_parties(given, name), _values(given, name),
    )  # fmt: skip


def _sale(value: Any, name: str) -> Sale:
    known = ("contract", "topic", "values", "from", "to", "token", "price", "currency")
    given = documents.entries(value, name, known, ("contract", "topic", "token", "price", "currency"))
    places = {key: _place(given[key], f"{name}.{key}") for key in ("token", "price", "currency")}
    if places["price"].fixed is not None or places["price"].form not in ("text", "digits", "uint256"):
        raise InputError(f"{name}.price", quote(given["price"]), "a position, as digits or uint256")
    sender, recipient = _parties(given, name)
    return Sale(
        documents.text(given["contract"], f"{name}.contract"), documents.text(given["topic"], f"{name}.topic"),
        sender=sender, recipient=recipient, values=_values(given, name), **places,
    )  # fmt: skip


def _parties(given: Mapping[str, Any], name: str) -> tuple[Place | None, Place | None]:
    sender, recipient = (_place(given[key], f"{name}.{key}") if key in given else None for key in ("from", "to"))
    return sender, recipient


def _values(given: Mapping[str, Any], name: str) -> int | None:
    return documents.number(given["values"], f"{name}.values", 0, MAX_PLACES) if "values" in given else None


def _place(value: Any, name: str) -> Place:
    given = documents.entries(value, name, ("at", "as", "word", "is"))
    if "is" in given:
        documents.entries(value, name, ("is",))
        return Place(fixed=documents.text(given["is"], f"{name}.is"))
    documents.entries(value, name, ("at", "as", "word"), ("at",))
    form = documents.one_of(given.get("as", "text"), f"{name}.as", FORMS)
    if "word" in given and form in ("text", "digits"):
        raise InputError(f"{name}.word", quote(given["word"]), "nothing: text has no words")
    word = documents.number(given.get("word", 0), f"{name}.word", 0, MAX_PLACES - 1)
    return Place(documents.number(given["at"], f"{name}.at", 0, MAX_PLACES - 1), form, word)


_ZERO = "0" * 40
_CMNFA = Layout(
    name="cmnfa",
    contract=None,
    nobody=(_ZERO,),
    transfers=(
        Pattern("Mint", "mint", Place(2), None, Place(1), 5),
        Pattern("TransferFrom", "transfer", Place(2), Place(0), Place(1), 3),
        Pattern("Burn", "burn", Place(0), None, None, 1),
    ),
    other_topics=("SetApproval", "SetApprovalForAll", "SetApprovalByCategory", "CreateOrSetCategory"),
    certainty="read",
)


def _erc_721(name: str, hash_name: str) -> Layout:
    """The events of EIP-721, whose topics are hashes of how they are declared."""
    transfer, approval, approval_for_all = (
        hash_batch(hash_name, [text])[0].tobytes().hex()
        for text in (
            b"Transfer(address,address,uint256)",
            b"Approval(address,address,uint256)",
            b"ApprovalForAll(address,address,bool)",
        )
    )
    parties = (Place(2, "uint256"), Place(0, "address"), Place(1, "address"))
    return Layout(
        name=name,
        contract=None,
        nobody=(_ZERO,),
        transfers=(Pattern(transfer, "parties", *parties),),
        other_topics=(approval, approval_for_all),
    )


LAYOUTS: Mapping[str, Layout] = {
    "cmnfa": _CMNFA,
    "erc-721": _erc_721("erc-721", "keccak256"),
    "erc-721-sm3": _erc_721("erc-721-sm3", "sm3"),
}
"""Layouts by name."""
