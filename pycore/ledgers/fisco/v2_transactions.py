"""Transactions of FISCO BCOS 2.x: hashes, signatures and senders of many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pycore.base import parallel
from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.fisco.context import SCHEMES, FiscoContext
from pycore.ledgers.fisco.v2_records import ITEMS, SIGNED
from pycore.ledgers.recovery import recover
from pycore.ledgers.rlp_columns import Fields, lists, minimal, to_numbers, to_rows
from pycore.signatures.batch import verify_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]
    Marks = NDArray[np.bool_]

NONCE, GAS_PRICE, GAS_LIMIT, BLOCK_LIMIT, TO, VALUE, DATA, CHAIN_ID, GROUP_ID, EXTRA_DATA, V, R, S = range(ITEMS)
_NUMBERS = (NONCE, GAS_PRICE, GAS_LIMIT, BLOCK_LIMIT, VALUE, CHAIN_ID, GROUP_ID)
_PIECE = 1024  # transactions that one thread takes at a time
SHOWN = 1000
"""Transactions that a reason is kept for, of each reason."""
_CONTEXT_LIMIT, _LIMIT = 600, 1000
"""The context's default of `block_limit` is that of 3.x; left there, it stands for 2.x's."""


@dataclass(frozen=True)
class Checked:
    """The answer to n transactions.

    Attributes:
        codes: uint8 (n,), verdicts.
        details: why, in words, by the transaction's number; of those that break a rule.
        hashes: uint8 (n, 32).
        senders: uint8 (n, 20), zeros where the verdict is not VALID.
        nonces, targets: where these items stand; nothing in a record that is not a list of that many items.
    """

    codes: NDArray[np.uint8]
    details: dict[int, str]
    hashes: Rows
    senders: Rows
    nonces: Spans
    targets: Spans


def check(records: Spans, hash: str, context: FiscoContext | None, threads: int | None) -> Checked:
    """Every rule about a transaction alone.

    records    their RLP
    hash       the chain's: "keccak256" (secp256k1) | "sm3" (SM2)
    context    what else is known; None: only the form and the signature
    threads    as in :mod:`pycore.base.parallel`; each does everything for some neighbouring transactions
    """
    n, data = len(records), records.data
    places = [Spans(data, np.zeros((n, 2), np.int64)) for _ in range(2)]
    senders = np.zeros((n, 20), np.uint8)
    found = Checked(np.zeros(n, np.uint8), {}, np.empty((n, 32), np.uint8), senders, places[0], places[1])

    def work(first: int, last: int) -> None:
        _check_part(found, first, records.part(first, last), hash, context)

    parallel.run_pieces(work, [*range(0, n, _PIECE), n], parallel.resolve_threads(threads))
    return found


def _check_part(found: Checked, first: int, records: Spans, hash: str, context: FiscoContext | None) -> None:
    """The answer for neighbouring transactions, by one thread."""
    n = len(records)
    fields = Fields.of(records, ITEMS)
    part = slice(first, first + n)
    codes = found.codes[part]
    codes[:] = int(Verdict.VALID)

    def refuse(marks: Marks, verdict: Verdict, why: str) -> None:
        rows = np.flatnonzero(marks & (codes == int(Verdict.VALID)))
        found.details.update(dict.fromkeys((rows[:SHOWN] + first).tolist(), why))
        codes[rows] = int(verdict)

    refuse(~fields.sound, Verdict.MALFORMED_ITEM, f"not a canonical RLP list of {ITEMS} items")
    refuse(~_well_formed(fields), Verdict.MALFORMED_ITEM, "an item that is a list, or of a size that it cannot have")
    refuse(~_signature_form(fields, hash), Verdict.MALFORMED_SIGNATURE, f"not a signature of {SCHEMES[hash]}")
    if context is not None:
        for marks, why in _context_rules(fields, context):
            refuse(marks, Verdict.MALFORMED_ITEM, why)
    found.hashes[part] = hash_batch(hash, records.gather(), threads=1)
    for spans, field in ((found.nonces, NONCE), (found.targets, TO)):
        column = fields.column(field)
        spans.cells[part, 0], spans.cells[part, 1] = column.start, column.end
    good = np.flatnonzero(codes == int(Verdict.VALID))
    if len(good):
        codes[good], found.senders[first + good] = _signatures(fields, hash, good, 1)


def _well_formed(fields: Fields) -> Marks:
    marks: Marks = fields.sound & fields.strings.all(axis=0)
    for field in _NUMBERS:
        marks &= minimal(fields.column(field), 32)
    marks &= fields.is_bytes(TO, 0, 20)
    return marks


def _signature_form(fields: Fields, hash: str) -> Marks:
    marks = fields.is_number(R, 32) & fields.is_number(S, 32)
    if hash == "sm3":
        return marks & fields.is_bytes(V, 64)
    numbers = fields.numbers(V)
    found: Marks = marks & (fields.column(V).lengths == 1) & ((numbers == 27) | (numbers == 28))
    return found


def _context_rules(fields: Fields, context: FiscoContext) -> list[tuple[Marks, str]]:
    """The rules of a node's transaction pool that a context knows enough for; read in its code."""
    rules = []
    for field, name in ((CHAIN_ID, "chain_id"), (GROUP_ID, "group_id")):
        wanted = getattr(context, name)
        if wanted is not None:
            number = int(wanted) if wanted.isdecimal() else -1
            same = (to_numbers(fields.column(field)) == number) & (fields.column(field).lengths <= 8)
            rules.append((~same if 0 <= number < 1 << 64 else np.ones(len(fields), np.bool_), f"of another {name}"))
    if context.height is not None:
        limit = _LIMIT if context.block_limit == _CONTEXT_LIMIT else context.block_limit
        limits, long = to_numbers(fields.column(BLOCK_LIMIT)), fields.column(BLOCK_LIMIT).lengths > 7
        low, high = context.height, context.height - 1 + limit
        late = limits < np.uint64(low)
        early = (limits > np.uint64(min(high, (1 << 64) - 1))) | long
        rules.append((late & ~long, "its block limit is below this block"))
        rules.append((early, f"its block limit is more than {limit} blocks ahead"))
    return rules


def _signatures(
    fields: Fields, hash: str, rows: NDArray[np.intp], threads: int | None
) -> tuple[NDArray[np.uint8], Rows]:
    """Verdicts and senders, uint8 (rows, 20), of well-formed transactions."""
    signed = lists(fields.before(SIGNED).take(rows))
    digests = hash_batch(hash, signed, threads=threads)
    r, s, v = (fields.column(field).take(rows) for field in (R, S, V))
    if hash == "keccak256":
        parity = (to_numbers(v) - np.uint64(27)).astype(np.uint8)
        return recover(r, s, parity, digests, low_s=False, threads=threads)
    keys, signatures = to_rows(v, 64), np.concatenate([to_rows(r, 32), to_rows(s, 32)], axis=1)
    codes = np.array(verify_batch("sm2", keys, signatures, digests, threads=threads).codes)
    senders = np.ascontiguousarray(hash_batch(hash, keys, threads=threads)[:, 12:])
    senders[codes != int(Verdict.VALID)] = 0
    return codes, senders
