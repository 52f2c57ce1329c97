"""Verdicts of transactions: their ids, who signed them, and for whom.

Nothing here walks over many transactions one by one: rules are masks over columns, and only accounts, and what is
wrong, are looked at by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycore.base.verdicts import Verdict
from pycore.ledgers.scan import NUMBER, Spans
from pycore.ledgers.write import counts, following
from pycore.ledgers.xuper import owners
from pycore.ledgers.xuper.acl import is_account
from pycore.ledgers.xuper.columns import Columns
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.encoding import Digests, digests
from pycore.ledgers.xuper.keys import ADDRESS_WIDTH, CURVES, P256, SM2, Keys, read_keys
from pycore.ledgers.xuper.messages import shorten
from pycore.ledgers.xuper.plans import AUTH_SIGN, INITIATOR_SIGN
from pycore.ledgers.xuper.signatures import verify_rows

MAX_VERSION = 3
_VALID = int(Verdict.VALID)
_MALFORMED = int(Verdict.MALFORMED_ITEM)
_UNSUPPORTED = int(Verdict.UNSUPPORTED_ALGORITHM)
_BAD_DIGEST = int(Verdict.BAD_DIGEST)
_UNKNOWN_SIGNER = int(Verdict.UNKNOWN_SIGNER)


@dataclass(slots=True, eq=False)
class Judged:
    """Transactions and what was found.

    Attributes:
        columns: the transactions.
        digests: recomputed.
        codes: uint8 (n,): the verdict by the first fault of each.
        details: that fault in words, of those that have one.
        users: bool (n,): transactions of users, which have signatures.
        signatures, sm2: signatures that were verified, and those of them by SM2 keys.
        unjudged: transactions for which the access list of an account is not known.
        by_contracts: inputs that contracts pay.
    """

    columns: Columns
    digests: Digests
    codes: NDArray[np.uint8]
    users: NDArray[np.bool_]
    details: dict[int, str] = field(default_factory=dict)
    signatures: int = 0
    sm2: int = 0
    unjudged: set[int] = field(default_factory=set)
    by_contracts: int = 0

    def fault(self, index: int, code: int, detail: str) -> None:
        """Records the first fault of a transaction; later ones do not change its verdict."""
        if self.codes[index] == _VALID:
            self.codes[index] = code
            self.details[index] = detail

    def faults(self, chosen: NDArray[np.bool_], code: int, detail: str) -> None:
        """The same fault of several."""
        for index in np.flatnonzero(chosen).tolist():
            self.fault(index, code, detail)


def judge(
    columns: Columns, context: XuperContext, threads: int | None, *, genesis: bool | None, known: Digests | None = None
) -> Judged:
    """Verdicts of transactions. genesis: whether they are those of a first block; None: they are in no block. known:
    their digests, of transactions that have no ids to be compared with them."""
    n = len(columns)
    made = digests(columns, threads) if known is None else known
    found = Judged(columns, made, np.full(n, _VALID, np.uint8), np.ones(n, np.bool_))
    found.faults(columns.faulty, _MALFORMED, "no transaction")
    _structure(found, context, genesis)
    if known is None:
        _ids(found)
    _signatures(found, context, threads)
    return found


# ---- rules without signatures ----------------------------------------------------------------------------------------


def _structure(found: Judged, context: XuperContext, genesis: bool | None) -> None:
    columns, version = found.columns, found.columns.number("version")
    root = version == 0
    if genesis:
        found.users &= ~root
    else:
        found.faults(root, _MALFORMED, "version 0, which only a first block has")
    found.faults((version < 0) | (version > MAX_VERSION), _MALFORMED, f"a version that is not from 0 to {MAX_VERSION}")
    made = (columns.number("coinbase") != 0) | (columns.number("autogen") != 0)
    if made.any():
        _made_by_the_chain(found, made, context.strict, genesis)
    if context.strict:
        _full(found)
    signed = ~columns.span("xuper_sign").absent & found.users
    found.faults(signed, _UNSUPPORTED, "xuper_sign: multi-, ring, Schnorr and BLS signatures are not verified here")


def _made_by_the_chain(found: Judged, made: NDArray[np.bool_], strict: bool, genesis: bool | None) -> None:
    """Awards and transactions of timers: nobody signs them, so they may spend nothing."""
    columns, n = found.columns, len(found.codes)
    if genesis is None:
        found.faults(made, _MALFORMED, "an award or a timer's transaction, which only a block can have")
        return
    found.users &= ~made
    if genesis or not strict:
        return
    spends = counts(columns.parents("input"), n) > 0
    found.faults(made & spends, _MALFORMED, "an award or a timer's transaction that spends outputs")
    award = columns.number("coinbase") != 0
    calls = (counts(columns.parents("output_ext"), n) > 0) | (counts(columns.parents("request"), n) > 0)
    found.faults(award & calls, _MALFORMED, "an award that calls contracts or writes values")
    later = award & (np.cumsum(award) > 1)
    found.faults(later, _MALFORMED, "a second award in the block")


def _full(found: Judged) -> None:
    """In versions 1 and 2 fields that are left out make two readings of one id: nothing that a node makes is so."""
    columns, n = found.columns, len(found.codes)
    old = columns.number("version") < MAX_VERSION
    if not old.any():
        return
    bad = np.zeros(n, np.bool_)
    for table, names in (("input", ("from_addr", "amount")), ("input_ext", ("key",)), ("output_ext", ("key",))):
        parents = columns.parents(table)
        for name in names:
            bad[parents[columns.tx.span(table, name).lengths == 0]] = True
    for table in ("input", "input_ext"):
        length = columns.tx.span(table, "ref_txid").lengths
        wrong = (length != 32) if table == "input" else (length != 32) & (length != 0)
        bad[columns.parents(table)[wrong]] = True
    found.faults(
        bad & old & (columns.number("version") != 0),
        _MALFORMED,
        "an input or output without a field that the id needs to be clear",
    )


def _ids(found: Judged) -> None:
    stored = found.columns.span("txid")
    wrong = ~stored.equal(rows_of(found.digests.txid)) & (found.columns.number("version") != 0)
    for index in np.flatnonzero(wrong & ~found.columns.faulty).tolist():
        recomputed = found.digests.txid[index].tobytes().hex()
        found.fault(index, _BAD_DIGEST, f"txid {shorten(stored[index].hex(), 64)}, recomputed {recomputed}")


def rows_of(matrix: NDArray[np.uint8]) -> Spans:
    """The rows of uint8 (n, width), contiguous, as pieces."""
    n, width = matrix.shape
    starts = np.arange(n) * width
    return Spans.of(matrix.reshape(-1), starts, starts + width)


# ---- signatures ------------------------------------------------------------------------------------------------------


class _Entries(NamedTuple):
    """Signatures that have to hold, by transaction and in the order in which the chain looks at them.

    tx       int64 (m,): the transaction
    sign     int64 (m,): row of the table "sign"
    claims   Spans of m: the address that the key must have
    derived  bool (m,): nothing is claimed: a signature of an account, whose key says the address
    always   bool (m,): also where the address was verified before
    """

    tx: NDArray[np.int64]
    sign: NDArray[np.int64]
    claims: Spans
    derived: NDArray[np.bool_]
    always: NDArray[np.bool_]


def _signatures(found: Judged, context: XuperContext, threads: int | None) -> None:
    columns = found.columns
    open_ = found.users & (found.codes == _VALID)
    accounts = _accounts(columns) & open_
    _signature_counts(found, open_, accounts, context.strict)
    open_ &= found.codes == _VALID
    accounts &= open_
    entries = _entries(columns, open_, accounts)
    signs = columns.tx["sign"]
    texts = Spans(columns.data, signs, columns.tx.span("sign", "public_key").column).take(entries.sign)
    groups, firsts = texts.group()
    distinct = texts if len(firsts) == len(texts) else texts.take(firsts)
    keys = read_keys(distinct, strict=context.strict, threads=threads)
    entries, groups = _once(entries, groups, keys)
    signatures = Spans(columns.data, signs, columns.tx.span("sign", "sign").column).take(entries.sign).gather()
    which = groups.astype(np.intp)
    codes = keys.codes[which]
    if context.crypto is not None and context.strict:
        wanted = P256 if context.crypto == "p-256" else SM2
        codes[(codes == _VALID) & (keys.kinds[which] != wanted)] = _UNSUPPORTED
    other = ~entries.derived & ~entries.claims.equal(_address_spans(keys, groups))
    codes[(codes == _VALID) & other] = _UNKNOWN_SIGNER
    sound = np.flatnonzero(codes == _VALID)
    chosen = signatures if len(sound) == len(codes) else signatures.take(sound)
    codes[sound] = verify_rows(
        keys, which[sound], chosen, found.digests.signed[entries.tx[sound]], strict=context.strict, threads=threads
    )
    found.signatures, found.sm2 = len(sound), int((keys.kinds[which[sound]] == SM2).sum())
    for place in np.flatnonzero(codes != _VALID).tolist():
        code = int(codes[place])
        found.fault(int(entries.tx[place]), code, _describe(entries, place, code, keys, groups))
    addresses = [keys.address(group) for group in groups.tolist()] if accounts.any() else None
    owners.judge(found, context, accounts, entries.tx, addresses)


def _accounts(columns: Columns) -> NDArray[np.bool_]:
    """Transactions whose initiator is an account."""
    names = columns.span("initiator")
    maybe = np.flatnonzero(names.lengths >= 18)
    maybe = maybe[(columns.data[names.start[maybe]] == ord("X")) & (columns.data[names.start[maybe] + 1] == ord("C"))]
    found = np.zeros(len(columns), np.bool_)
    for index in maybe.tolist():
        found[index] = is_account(names[index].decode()) is not None
    return found


def _signature_counts(found: Judged, open_: NDArray[np.bool_], accounts: NDArray[np.bool_], strict: bool) -> None:
    columns, n = found.columns, len(found.codes)
    numbers, parents = columns.tx["sign"][:, NUMBER], columns.parents("sign")
    initiator = counts(parents[numbers == INITIATOR_SIGN], n)
    found.faults(open_ & (columns.span("initiator").lengths == 0), _MALFORMED, "no initiator")
    found.faults(open_ & (initiator == 0), _MALFORMED, "no signature of the initiator")
    differ = counts(columns.parents("auth"), n) != counts(parents[numbers == AUTH_SIGN], n)
    found.faults(open_ & differ, _MALFORMED, "auth_require and auth_require_signs differ in number")
    if strict:
        more = open_ & ~accounts & (initiator > 1)
        found.faults(more, _MALFORMED, "further signatures of an initiator that is one address, which nobody verifies")


def _entries(columns: Columns, open_: NDArray[np.bool_], accounts: NDArray[np.bool_]) -> _Entries:
    signs, parents = columns.tx["sign"], columns.parents("sign")
    of_initiator = np.flatnonzero((signs[:, NUMBER] == INITIATOR_SIGN) & open_[parents])
    first = of_initiator[~following(parents[of_initiator]) | accounts[parents[of_initiator]]]
    of_auth = np.flatnonzero((signs[:, NUMBER] == AUTH_SIGN) & open_[parents])
    auth = np.flatnonzero(open_[columns.parents("auth")])  # as many, in the same order
    if len(auth):  # most name the initiator once more, who is verified already
        whose = columns.parents("auth")[auth]
        same = columns.tx.span("auth").take(auth).equal(columns.span("initiator").take(whose)) & ~accounts[whose]
        of_auth, auth = of_auth[~same], auth[~same]
    claims = np.empty((len(first) + len(of_auth), 2), np.int64)
    who = columns.span("initiator").take(parents[first])
    claims[: len(first), 0], claims[: len(first), 1] = who.start, who.end
    derived = np.zeros(len(claims), np.bool_)
    derived[: len(first)] = accounts[parents[first]]
    claims[len(first) :] = _addressed(columns, auth)
    sign = np.concatenate([first, of_auth])
    always = np.zeros(len(sign), np.bool_)
    always[: len(first)] = True
    order = np.argsort(parents[sign], kind="stable")
    spans = Spans(columns.data, claims[order])
    return _Entries(parents[sign][order], sign[order], spans, derived[order], always[order])


def _addressed(columns: Columns, auth: NDArray[np.intp]) -> NDArray[np.int64]:
    """int64 (m, 2): the address in each of these rows of auth_require, which is what stands behind the last "/"."""
    spans = columns.tx.span("auth").take(auth)
    cells = spans.cells
    for row in np.flatnonzero(spans.having(b"/")).tolist():
        cells[row, 0] += spans[row].rindex(b"/") + 1
    return cells


def _once(entries: _Entries, groups: NDArray[np.uint32], keys: Keys) -> tuple[_Entries, NDArray[np.uint32]]:
    """Without signatures for an address that one before them in the transaction verifies."""
    if entries.always.all():
        return entries, groups
    names = entries.claims
    own = entries.derived
    if own.any():  # an account's signature verifies the address of its key
        letters = _address_spans(keys, groups)
        cells = names.cells[:, names.column : names.column + 2].copy()
        cells[own] = letters.cells[own] + names.data.size
        names = Spans(np.concatenate([names.data, letters.data]), cells)
    ids, _ = names.group()
    place = entries.tx * (int(ids.max()) + 1) + ids
    first = np.zeros(len(place), np.bool_)
    first[np.unique(place, return_index=True)[1]] = True
    kept = np.flatnonzero(first | entries.always)
    parts = entries.tx[kept], entries.sign[kept], entries.claims.take(kept), entries.derived[kept], entries.always[kept]
    return _Entries(*parts), groups[kept]


def _address_spans(keys: Keys, groups: NDArray[np.uint32]) -> Spans:
    """The address of each entry's key."""
    rows = groups.astype(np.int64) * ADDRESS_WIDTH
    return Spans.of(keys.letters.reshape(-1), rows + keys.starts[groups], rows + ADDRESS_WIDTH)


def _describe(entries: _Entries, place: int, code: int, keys: Keys, groups: NDArray[np.uint32]) -> str:
    claimed = "an account" if entries.derived[place] else shorten(entries.claims[place].decode("utf-8", "replace"), 64)
    key = int(groups[place])
    if code == _UNKNOWN_SIGNER:
        return f"signed for {claimed!r} by the key of {keys.address(key)!r}"
    if code == _UNSUPPORTED:
        return f"a key of {claimed!r} on a curve that is not the chain's: {CURVES.get(int(keys.kinds[key]), 'unknown')}"
    return f"the signature for {claimed!r}: {Verdict(code).name}"


def validate(columns: Columns, context: XuperContext, threads: int | None) -> Judged:
    """Verdicts of transactions that are in no block yet."""
    found = judge(columns, context, threads, genesis=None)
    owners.settle(found)
    return found
