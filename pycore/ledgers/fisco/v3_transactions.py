"""The transactions of FISCO BCOS 3.x: hashes, senders, and the rules that need no state.

In the order in which a fault is told: the form; the chain and group that it names; versions from 1: numbers as "0x..."
text; the hash that it states; a nonce of an earlier block, its block limit (`strict`); its signature; the sender that
it states (`strict`; nodes drop it and never trust it); a nonce that is in the block twice (`strict`).

Signatures: secp256k1 over the transaction's hash, 65 bytes r || s || v with v from 0 to 3, any s; or SM2 with the usual
identifier over that hash as the message, 128 bytes r || s || public key. The sender is the last 20 bytes of the hash of
the 64-byte key.

Sources: bcos-tars-protocol/protocol/TransactionFactoryImpl.cpp, bcos-txpool/txpool/validator/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.fisco import v3_web3
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v3_hashes import transaction_messages
from pycore.ledgers.scan import Spans, Tables
from pycore.signatures.batch import recover_batch, verify_batch

Marks = NDArray[np.bool_]
BCOS, WEB3 = 0, 1
"""Types of a transaction."""
_VALID = int(Verdict.VALID)
_PIECE = 1024
"""Transactions that one thread takes at a time: their rows stay in its cache."""
_HEX = frozenset(b"0123456789abcdefABCDEF")
_NOT_HEX = bytes(sorted(set(range(256)) - _HEX))
_QUANTITIES = ("value", "gas_price", "max_fee_per_gas", "max_priority_fee_per_gas")


@dataclass(eq=False)
class Judged:
    """The outcome for n transactions.

    Attributes:
        codes: uint8 (n,), verdict codes.
        details: of those that are not valid, why.
        hashes: uint8 (n, 32).
        senders: uint8 (n, 20), zeros where the signature does not hold.
        read_only: whether a rule was used that no published data has confirmed.
    """

    codes: NDArray[np.uint8]
    hashes: NDArray[np.uint8]
    senders: NDArray[np.uint8]
    details: dict[int, str] = field(default_factory=dict)
    read_only: bool = False

    def fail(self, marks: Marks, verdict: Any, detail: str) -> None:
        """These transactions are not valid, but for those of which that is known already."""
        if not marks.any():
            return
        rows = np.flatnonzero(marks & (self.codes == _VALID))
        self.codes[rows] = int(verdict)
        self.details |= dict.fromkeys(rows.tolist(), detail)

    def fail_one(self, row: int, verdict: Any, detail: str) -> None:
        """The same of one; VALID changes nothing."""
        if verdict != _VALID and self.codes[row] == _VALID:
            self.codes[row] = int(verdict)
            self.details[row] = detail


def judge(
    tables: Tables, hash: str, context: FiscoContext, height: int | None, threads: int | None,
    sound: Marks | None = None,
) -> Judged:  # fmt: skip
    """Judges every transaction of the table "tx".

    Args:
        tables: of a block, or of loose transactions.
        hash: the chain's.
        context: chain_id, group_id and the rest of the chain's configuration.
        height: of the block that they are in or meant for; None: not known.
        threads: as in :mod:`pycore.base.parallel`; each does everything for some neighbouring transactions.
        sound: which of them are records at all.
    """
    rows = tables["tx"]
    n = len(rows)
    found = Judged(np.full(n, _VALID, np.uint8), np.zeros((n, 32), np.uint8), np.zeros((n, 20), np.uint8))

    known = frozenset(nonce.encode() for nonce in context.recent_nonces or ())

    def work(first: int, last: int) -> None:
        part = Tables(tables.plan, tables.data, {"tx": rows[first:last]}, {"tx": last - first}, 0, None)
        one = Judged(found.codes[first:last], found.hashes[first:last], found.senders[first:last])
        if sound is not None:
            one.fail(~sound[first:last], Verdict.MALFORMED_ITEM, "no transaction of FISCO BCOS 3.x")
        _judge(part, one, hash, context, height, known)
        found.details |= {first + row: detail for row, detail in one.details.items()}
        found.read_only |= one.read_only

    if not n:
        return found
    repeated: list[Marks] = []
    look = [lambda: repeated.append(_repeated(tables))] if context.strict else []
    beside = parallel.start_tasks(look, parallel.resolve_threads(threads))
    try:
        parallel.run_pieces(work, [*range(0, n, _PIECE), n], parallel.resolve_threads(threads))
    except BaseException:
        beside.abandon()
        raise
    beside.finish()
    for again in repeated:
        found.fail(again, Verdict.MALFORMED_ITEM, "a nonce that is in this block already")
    return found


def _judge(
    tables: Tables, found: Judged, hash: str, context: FiscoContext, height: int | None, known: frozenset[bytes]
) -> None:  # fmt: skip
    """Judges some neighbouring transactions, each by itself; `known`: nonces of earlier blocks."""
    kinds, versions = tables.number("tx", "type"), tables.number("tx", "data.version")
    bcos = kinds == BCOS
    found.fail((versions < 0) | (versions > 2), Verdict.MALFORMED_ITEM, "a version that is not 0, 1 or 2")
    found.fail(~bcos & (kinds != WEB3), Verdict.MALFORMED_ITEM, "a type that is not 0 or 1")
    found.read_only = bool(((versions == 2) | ~bcos).any())
    for name, wanted in (("chain_id", context.chain_id), ("group_id", context.group_id)):
        if wanted is not None:
            other = ~tables.span("tx", f"data.{name}").equal(wanted.encode())
            found.fail(bcos & other, Verdict.MALFORMED_ITEM, f"another {name.replace('_id', '')} than {wanted!r}")
    _check_quantities(tables, found, bcos & (versions >= 1))
    found.hashes[:] = transaction_messages(tables).hashes(hash, 1)
    web3 = np.flatnonzero((kinds == WEB3) & (found.codes == _VALID))
    if len(web3):
        _judge_web3(tables, found, web3, context)
    stated = tables.span("tx", "data_hash")
    other = (stated.lengths > 0) & ~stated.equal(_rows(found.hashes))
    found.fail(bcos & other, Verdict.BAD_DIGEST, "dataHash is not the hash of its content")
    if context.strict:
        _check_pool_rules(tables, found, bcos, context, height, known)
    _check_signatures(tables, found, hash, bcos)
    if context.strict:
        sender = tables.span("tx", "sender")
        given = sender.lengths > 0
        if given.any():
            other = given & ~sender.equal(_rows(found.senders))
            found.fail(other, Verdict.MALFORMED_ITEM, "it states another sender than its signature")


def _repeated(tables: Tables) -> Marks:
    """Which transactions have the nonce of an earlier one. Ethereum's nonces count per sender and are left out."""
    groups, firsts = tables.span("tx", "data.nonce").group()
    bcos = tables.number("tx", "type") == BCOS
    if bcos.all():
        return np.asarray(firsts[groups] != np.arange(len(groups)))
    again, seen = np.zeros(len(groups), np.bool_), np.zeros(len(firsts), np.bool_)
    for row in np.flatnonzero(bcos).tolist():
        again[row] = seen[groups[row]]
        seen[groups[row]] = True
    return again


def _rows(matrix: NDArray[np.uint8]) -> Spans:
    """The rows of a matrix as spans."""
    n, width = matrix.shape
    ends = np.arange(1, n + 1, dtype=np.int64) * width
    return Spans.of(np.ascontiguousarray(matrix).reshape(-1), ends - width, ends)


def _check_quantities(tables: Tables, found: Judged, marks: Marks) -> None:
    """Versions from 1 on: value and prices are empty or "0x" and hexadecimal digits."""
    if not marks.any():
        return
    for name in _QUANTITIES:
        span = tables.span("tx", f"data.{name}")
        lengths, data = span.lengths, tables.data
        long = lengths >= 2
        start = np.where(long, span.start, 0)
        prefixed = long & (data[start] == ord("0")) & (data[np.minimum(start + 1, data.size - 1)] == ord("x"))
        digits = Spans.of(data, np.where(prefixed, start + 2, 0), np.where(prefixed, span.end, 0))
        bad = (lengths > 0) & (~prefixed | digits.having(_NOT_HEX))
        found.fail(marks & bad, Verdict.MALFORMED_ITEM, f"{name} is not 0x and hexadecimal digits")


def _check_pool_rules(
    tables: Tables, found: Judged, bcos: Marks, context: FiscoContext, height: int | None, known: frozenset[bytes]
) -> None:  # fmt: skip
    """A pool's conditions for a transaction to wait in it: a nonce that is new, and a block limit in reach."""
    if known:
        nonces = tables.span("tx", "data.nonce").items()
        late = np.fromiter((nonce in known for nonce in nonces), np.bool_, len(nonces))
        found.fail(bcos & late, Verdict.MALFORMED_ITEM, "a nonce of an earlier block")
    if height is not None:
        limits = tables.number("tx", "data.block_limit")
        most = height - 1 + context.block_limit
        detail = f"a block limit that is not from {height} to {most}"
        found.fail(bcos & ((limits < height) | (limits > most)), Verdict.MALFORMED_ITEM, detail)


def _check_signatures(tables: Tables, found: Judged, hash: str, bcos: Marks) -> None:
    span = tables.span("tx", "signature")
    size = 65 if hash == "keccak256" else 128
    right = span.lengths == size
    found.fail(bcos & ~right, Verdict.MALFORMED_SIGNATURE, f"a signature that is not {size} bytes")
    rows = np.flatnonzero(bcos & right & (found.codes == _VALID))
    if not len(rows):
        return
    whole = len(rows) == len(span)
    signatures = span.gather(None if whole else rows.astype(np.uint32)).to_matrix(size, "signature")
    codes, keys = _verified(hash, signatures, found.hashes if whole else found.hashes[rows])
    senders = hash_batch(hash, keys, threads=1)[:, 12:]
    good = codes == _VALID
    if whole and good.all():
        found.senders[:] = senders
        return
    found.senders[rows] = np.where(good[:, None], senders, np.uint8(0))
    for at in np.flatnonzero(~good).tolist():
        found.fail_one(int(rows[at]), codes[at], Verdict(int(codes[at])).meaning)


def _verified(
    hash: str, signatures: NDArray[np.uint8], messages: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(codes uint8 (n,), keys uint8 (n, 64)) of n signatures in the form of the chain with that hash, 65 or 128 bytes
    each, over n digests of 32 bytes."""
    if hash == "sm3":
        keys = signatures[:, 64:]
        return verify_batch("sm2", keys, signatures[:, :64], messages, threads=1).codes, keys
    recovered, verdicts = recover_batch("ecdsa-secp256k1", signatures, messages, threads=1)
    return np.where(signatures[:, 64] > 3, np.uint8(Verdict.MALFORMED_SIGNATURE), verdicts.codes), recovered


def _judge_web3(tables: Tables, found: Judged, rows: NDArray[np.intp], context: FiscoContext) -> None:
    """Ethereum's transactions: everything that the record says is made again from the payload and the signature."""
    spans = {name: tables.span("tx", name) for name in ("extra_bytes", "extra_hash", "signature", "data_hash")}
    data = {name: tables.span("tx", f"data.{name}") for name in v3_web3.FIELDS}
    places = rows.tolist()
    given = [{name: span[row] for name, span in spans.items()} for row in places]
    stated = [{name: span[row] for name, span in data.items()} for row in places]
    outcomes = v3_web3.judge(given, stated, context.web3_chain_id, strict=context.strict)
    for row, one in zip(places, outcomes, strict=True):
        found.hashes[row] = np.frombuffer(one.hash, np.uint8)
        found.senders[row] = np.frombuffer(one.sender, np.uint8)
        found.fail_one(row, one.verdict, one.detail)
