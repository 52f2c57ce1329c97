"""Conflux's core transactions, many at once: form, hash, signature, sender.

    legacy      rlp[body, v, r, s]           body = [nonce gasPrice gas to value storageLimit epochHeight chainId data]
    CIP-2930    "cfx" 01 rlp[body, v, r, s]  body = [..., data, accessList]
    CIP-1559    "cfx" 02 rlp[body, v, r, s]  body = [nonce tip fee gas to value storageLimit epochHeight chainId data
                                             accessList]

Signed is the Keccak-256 of the body's encoding, behind the prefix where there is one; the hash is that of the whole.
The sender is the last 20 bytes of the key's Keccak-256, the highest four bits of them 1. The first form is confirmed by
published data; the other two are read in the chain's code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.conflux.addresses import TYPES
from pycore.ledgers.conflux.context import ConfluxContext
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.recovery import recover
from pycore.ledgers.rlp_columns import Fields, lists, to_numbers
from pycore.ledgers.rlp_shapes import Rule, first_bytes, well_formed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]
    Marks = NDArray[np.bool_]

VALID = int(Verdict.VALID)
PREFIX = b"cfx"
SHOWN = 1000
"""Transactions that a reason is kept for, of each reason."""
EPOCHS = 100_000
"""Epochs that a transaction's epoch height may be away from the block's."""


@dataclass(frozen=True)
class Kind:
    """A type of transaction: the items of its body in order, each with its rule."""

    number: int
    names: tuple[str, ...]
    rules: tuple[Rule, ...]

    def place(self, name: str) -> int:
        """The position of an item."""
        return self.names.index(name)

    @property
    def head(self) -> bytes:
        """The bytes before the list."""
        return PREFIX + bytes((self.number,)) if self.number else b""


_REST: tuple[tuple[str, Rule], ...] = (
    ("gas", 32), ("to", "to"), ("value", 32), ("storage_limit", 8), ("epoch_height", 8), ("chain_id", 4),
    ("data", "data"),
)  # fmt: skip


def _kind(number: int, *items: tuple[str, Rule]) -> Kind:
    return Kind(number, tuple(name for name, _ in items), tuple(rule for _, rule in items))


KINDS = {
    0: _kind(0, ("nonce", 32), ("gas_price", 32), *_REST),
    1: _kind(1, ("nonce", 32), ("gas_price", 32), *_REST, ("access", "access")),
    2: _kind(2, ("nonce", 32), ("tip", 32), ("fee", 32), *_REST, ("access", "access")),
}


@dataclass(frozen=True)
class Checked:
    """The answer to n transactions.

    Attributes:
        codes: uint8 (n,), verdicts.
        details: why, in words, of those that break a rule, by their number.
        hashes: uint8 (n, 32).
        senders: uint8 (n, 20), zeros where the verdict is not VALID.
        chain_ids: int64 (n,), 0 where a transaction is not well formed.
    """

    codes: NDArray[np.uint8]
    details: dict[int, str]
    hashes: Rows
    senders: Rows
    chain_ids: NDArray[np.int64]


def check(records: Spans, context: ConfluxContext, threads: int | None) -> Checked:
    """Every rule about a transaction alone that the context knows enough for."""
    n = len(records)
    hashes = hash_batch("keccak256", records.gather(), threads=threads)
    found = Checked(np.zeros(n, np.uint8), {}, hashes, np.zeros((n, 20), np.uint8), np.zeros(n, np.int64))
    numbers = _numbers(records)
    for number in np.unique(numbers).tolist():
        rows = np.flatnonzero(numbers == number)
        if number not in KINDS:
            _refuse(found, rows, Verdict.MALFORMED_ITEM, "neither a list nor behind a prefix that is known")
            continue
        kind, part = KINDS[number], records.take(rows)
        body = Spans.of(part.data, part.start + len(kind.head), part.end)
        _check(found, kind, rows, Fields.of(body, 4), context, threads)
    return found


def _numbers(records: Spans) -> NDArray[np.uint8]:
    """uint8 (n,): the type of each, 255 for none."""
    numbers = np.full(len(records), 255, np.uint8)
    numbers[first_bytes(records) >= 0xC0] = 0
    long = np.flatnonzero(records.lengths > len(PREFIX) + 1)
    heads = records.data[records.start[long, None] + np.arange(len(PREFIX) + 1)]
    prefixed = (heads[:, :-1] == np.frombuffer(PREFIX, np.uint8)).all(axis=1) & (heads[:, -1] > 0)
    numbers[long[prefixed]] = heads[prefixed, -1]
    return numbers


def _refuse(found: Checked, rows: NDArray[np.intp], verdict: Verdict, why: str) -> None:
    for i in rows[:SHOWN].tolist():
        found.details[i] = why
    found.codes[rows] = int(verdict)


def _check(
    found: Checked, kind: Kind, rows: NDArray[np.intp], outer: Fields, context: ConfluxContext, threads: int | None
) -> None:
    fields = Fields.inside(outer.column(0), len(kind.rules), sound=outer.sound & outer.is_list(0))
    left = np.ones(len(rows), np.bool_)

    def refuse(bad: Marks, verdict: Verdict, why: str) -> None:
        _refuse(found, rows[bad & left], verdict, why)
        left[bad] = False

    refuse(
        ~well_formed(fields, kind.rules), Verdict.MALFORMED_ITEM, f"not a canonical transaction of type {kind.number}"
    )
    bad = ~(outer.is_number(1, 1) & outer.is_number(2, 32) & outer.is_number(3, 32))
    refuse(bad | (outer.numbers(1) > 1), Verdict.MALFORMED_SIGNATURE, "not v of 0 or 1, r and s")
    chains = to_numbers(fields.column(kind.place("chain_id"))).astype(np.int64)
    found.chain_ids[rows[left]] = chains[left]
    if context.chain_id is not None:
        refuse(chains != context.chain_id, Verdict.MALFORMED_ITEM, f"of another chain than {context.chain_id}")
    if context.height is not None:
        epochs = to_numbers(fields.column(kind.place("epoch_height"))).astype(np.float64)
        refuse(np.abs(epochs - context.height) > EPOCHS, Verdict.MALFORMED_ITEM, f"its epoch is over {EPOCHS} away")
    if context.strict:
        to = fields.column(kind.place("to"))
        refuse(
            (to.lengths > 0) & ~np.isin(first_bytes(to) >> 4, list(TYPES)),
            Verdict.MALFORMED_ITEM,
            "a receiver of no type",
        )
    kept = np.flatnonzero(left)
    if not len(kept):
        return
    digests = hash_batch("keccak256", lists(outer.column(0).take(kept), heads=kind.head), threads=threads)
    r, s, parity = outer.column(2).take(kept), outer.column(3).take(kept), outer.numbers(1)[kept].astype(np.uint8)
    codes, senders = recover(r, s, parity, digests, low_s=context.strict, threads=threads)
    senders[codes == VALID, 0] = senders[codes == VALID, 0] & 0x0F | 0x10
    found.codes[rows[kept]], found.senders[rows[kept]] = codes, senders
