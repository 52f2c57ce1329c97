"""Ethereum's transactions: legacy (EIP-155 or before), EIP-2930, 1559, 4844 and 7702, many at once.

A record is what the transactions trie has: the RLP of a legacy transaction, or a type byte and RLP (EIP-2718). Its
Keccak-256 is the transaction's hash; the sender is recovered from the signature over the items before it.

Checked are form and signature: canonical RLP, sizes (EIP-2681: a nonce is below 2^64 - 1), access and authorization
lists, a tip that is not above the fee, low s, the chain's number. Not checked is what needs the state or the fork:
balances, nonces' order, gas, whether a type exists at a height, whether authorizations hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pycore.base import rlp
from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.recovery import recover
from pycore.ledgers.rlp_columns import MAX_NUMBER, Fields, Items, lists, to_numbers
from pycore.ledgers.rlp_shapes import Rule, first_bytes, well_formed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]
    Marks = NDArray[np.bool_]

VALID = int(Verdict.VALID)
SHOWN = 1000
"""Transactions that a reason is kept for, of each reason."""
MAX_BLOBS = 128
"""Blob hashes of one transaction: far above what any fork allows."""


@dataclass(frozen=True)
class Kind:
    """A type of transaction: its items in order, each with its rule; the last three are the signature."""

    number: int
    names: tuple[str, ...]
    rules: tuple[Rule, ...]

    def place(self, name: str) -> int:
        """The position of an item."""
        return self.names.index(name)


_SIGNATURE: tuple[tuple[str, Rule], ...] = (("v", 1), ("r", 32), ("s", 32))
_FEES: tuple[tuple[str, Rule], ...] = (
    ("chain_id", 8), ("nonce", 8), ("tip", 32), ("fee", 32), ("gas", 8),
)  # fmt: skip
_CALL: tuple[tuple[str, Rule], ...] = (("to", "address"), ("value", 32), ("data", "data"), ("access", "access"))


def _kind(number: int, *items: tuple[str, Rule]) -> Kind:
    return Kind(number, tuple(name for name, _ in items), tuple(rule for _, rule in items))


KINDS = {
    0: _kind(
        0, ("nonce", 8), ("fee", 32), ("gas", 8), ("to", "to"), ("value", 32), ("data", "data"),
        ("v", 8), ("r", 32), ("s", 32),
    ),
    1: _kind(
        1, ("chain_id", 8), ("nonce", 8), ("fee", 32), ("gas", 8), ("to", "to"), *_CALL[1:], *_SIGNATURE,
    ),
    2: _kind(2, *_FEES, ("to", "to"), *_CALL[1:], *_SIGNATURE),
    3: _kind(3, *_FEES, *_CALL, ("blob_fee", 32), ("blobs", "hashes"), *_SIGNATURE),
    4: _kind(4, *_FEES, *_CALL, ("authorizations", "authorizations"), *_SIGNATURE),
}  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """The answer to n transactions.

    Attributes:
        codes: uint8 (n,), verdicts.
        details: why, in words, of those that break a rule, by their number.
        hashes: uint8 (n, 32).
        senders: uint8 (n, 20), zeros where the verdict is not VALID.
    """

    codes: NDArray[np.uint8]
    details: dict[int, str]
    hashes: Rows
    senders: Rows


@dataclass(frozen=True)
class Signed:
    """Transactions of one type that are well formed.

    Attributes:
        kind, rows: the type, and which of all transactions these are.
        fields: their items, in the order of `rows`.
        parity: uint8 (rows,), the recovery number, 0 or 1.
        tails: bytes behind the items that are signed, of each or one for all.
    """

    kind: Kind
    rows: NDArray[np.intp]
    fields: Fields
    parity: NDArray[np.uint8]
    tails: list[bytes] | bytes


def check(records: Spans, chain_id: int | None, *, low_s: bool, threads: int | None) -> Checked:
    """Form, hash, signature and sender of each. `chain_id`: of all that name one; None: any."""
    found, signed = read(records, chain_id, threads)
    recover_all(found, signed, low_s=low_s, threads=threads)
    return found


def read(records: Spans, chain_id: int | None, threads: int | None) -> tuple[Checked, list[Signed]]:
    """The first half of :func:`check`: the form and hash of each, and those that are well formed. They have the verdict
    UNCHECKED until :func:`recover_all`."""
    n = len(records)
    hashes = hash_batch("keccak256", records.gather(), threads=threads)
    found = Checked(np.zeros(n, np.uint8), {}, hashes, np.zeros((n, 20), np.uint8))
    firsts = first_bytes(records)
    numbers = np.where(firsts >= 0xC0, 0, np.where(firsts == 0, 0xFF, firsts))
    signed: list[Signed] = []
    for number in np.unique(numbers).tolist():
        rows = np.flatnonzero(numbers == number)
        if number not in KINDS:
            _refuse(found, rows, Verdict.MALFORMED_ITEM, "a type that no transaction has")
            continue
        part = records.take(rows)
        body = Spans.of(part.data, part.start + (1 if number else 0), part.end)
        signed.append(_open(found, KINDS[number], rows, body, chain_id))
    return found, signed


def recover_all(found: Checked, signed: list[Signed], *, low_s: bool, threads: int | None) -> None:
    """The second half: signatures and senders."""
    for one in signed:
        _recover(found, one, low_s, threads)


def _refuse(found: Checked, rows: NDArray[np.intp], verdict: Verdict, why: str) -> None:
    for i in rows[:SHOWN].tolist():
        found.details[i] = why
    found.codes[rows] = int(verdict)


def _open(found: Checked, kind: Kind, rows: NDArray[np.intp], body: Spans, chain_id: int | None) -> Signed:
    """The well-formed ones; the others get their verdict."""
    fields = Fields.of(body, len(kind.rules))
    left = np.ones(len(rows), np.bool_)

    def refuse(bad: Marks, verdict: Verdict, why: str) -> None:
        _refuse(found, rows[bad & left], verdict, why)
        left[bad] = False

    refuse(
        ~well_formed(fields, kind.rules), Verdict.MALFORMED_ITEM, f"not a canonical transaction of type {kind.number}"
    )
    nonce = to_numbers(fields.column(kind.place("nonce")))
    refuse(nonce == np.uint64((1 << 64) - 1), Verdict.MALFORMED_ITEM, "a nonce of 2^64 - 1")
    if "tip" in kind.names:
        tip, fee = (fields.column(kind.place(name)) for name in ("tip", "fee"))
        refuse(_above(tip, fee), Verdict.MALFORMED_ITEM, "a tip above the fee")
    refuse(_unpayable(fields, kind), Verdict.MALFORMED_ITEM, "gas times its price has more than 256 bits")
    if kind.number == 3:
        refuse(
            _bad_blobs(fields.column(kind.place("blobs"))),
            Verdict.MALFORMED_ITEM,
            "blob hashes: none, or not of version 1",
        )
    v = to_numbers(fields.column(kind.place("v")))
    if kind.number:
        chains = to_numbers(fields.column(kind.place("chain_id")))
        named = np.ones(len(rows), np.bool_)
        refuse(v > np.uint64(1), Verdict.MALFORMED_SIGNATURE, "a parity that is neither 0 nor 1")
    else:
        named = v >= np.uint64(35)
        refuse(~named & (v != 27) & (v != 28), Verdict.MALFORMED_SIGNATURE, "a v that is neither 27, 28 nor of EIP-155")
        chains = np.where(named, (v - np.uint64(35)) // np.uint64(2), np.uint64(0))
        v = np.where(named, (v - np.uint64(35)) % np.uint64(2), v - np.uint64(27))
    if chain_id is not None:
        refuse(named & (chains != np.uint64(chain_id)), Verdict.MALFORMED_ITEM, f"of another chain than {chain_id}")
    kept = np.flatnonzero(left)
    tails = b"" if kind.number else _tails(named[kept], chains[kept])
    part = fields.take(kept)
    return Signed(kind, rows[kept], part, v[kept].astype(np.uint8), tails)


def _tails(named: Marks, chains: NDArray[np.uint64]) -> list[bytes] | bytes:
    """EIP-155: what is signed behind a legacy transaction's own items."""
    known = {chain: rlp.encode(chain) + b"\x80\x80" for chain in np.unique(chains).tolist()}
    if len(known) == 1 and named.all():
        return next(iter(known.values()))
    return [known[chain] if has else b"" for has, chain in zip(named.tolist(), chains.tolist(), strict=True)]


def _above(one: Spans, other: Spans) -> Marks:
    """Numbers without leading zeros that are above the other's: longer, or of one length and above it."""
    sizes, others = one.lengths, other.lengths
    marks: Marks = (sizes > others) | ((sizes == others) & (to_numbers(one) > to_numbers(other)))
    for i in np.flatnonzero((sizes == others) & (sizes > MAX_NUMBER)).tolist():
        marks[i] = one[i] > other[i]
    return marks


def _unpayable(fields: Fields, kind: Kind) -> Marks:
    """Gas times its price above 2^256 - 1: no balance reaches that."""
    price, gas = fields.column(kind.place("fee")), to_numbers(fields.column(kind.place("gas"))).tolist()
    marks = np.zeros(len(fields), np.bool_)
    for i in np.flatnonzero((price.lengths > 24) & (price.lengths <= 32)).tolist():
        marks[i] = (int.from_bytes(price[i], "big") * gas[i]).bit_length() > 256
    return marks


def _bad_blobs(content: Spans) -> Marks:
    items = Items.of(content, most=MAX_BLOBS, smallest=33)
    bad = first_bytes(items.spans) != 1
    found: Marks = (items.faults != 0) | (items.counts == 0) | items.any_of(bad, len(content))
    return found


def _recover(found: Checked, signed: Signed, low_s: bool, threads: int | None) -> None:
    if not len(signed.rows):
        return
    kind, fields = signed.kind, signed.fields
    head = bytes((kind.number,)) if kind.number else b""
    texts = lists(fields.before(kind.place("v")), heads=head, tails=signed.tails)
    digests = hash_batch("keccak256", texts, threads=threads)
    r, s = (fields.column(kind.place(name)) for name in ("r", "s"))
    codes, senders = recover(r, s, signed.parity, digests, low_s=low_s, threads=threads)
    found.codes[signed.rows], found.senders[signed.rows] = codes, senders
