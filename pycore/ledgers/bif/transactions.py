"""Transactions from bytes to verdicts, by columns.

The bytes of the `transaction` field are hashed (SHA-256) and signed as they are. Verdicts, by the first fault found:

    MALFORMED_ITEM   no transaction, source address, operation or signature; more of them than the chain allows; a
                     number out of range; another chain's, or one that came too late; a nonce out of turn
    MALFORMED_KEY, MALFORMED_SIGNATURE, BAD_SIGNATURE ...
                     `strict`: of any signature; `compatible`: of the first, where no valid one is left
    POLICY_NOT_MET   the valid signatures are not the account's, or of too little weight

Source: bumo, src/ledger/transaction_frm.cpp (Initialize, ValidForApply, ValidForParameter, SignerHashPriv).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.columns import Column
from pycore.base.verdicts import Verdict
from pycore.consensus import decide, tally
from pycore.errors import InputError
from pycore.hashing.batch import hash_batch
from pycore.ledgers.bif import keys
from pycore.ledgers.bif.context import MAX_SIGNERS, BifContext
from pycore.ledgers.bif.messages import TransactionEnv, parse, shorten
from pycore.ledgers.bif.plans import MAX_OPERATIONS, TRANSACTION
from pycore.ledgers.scan import FAULT, FIRST_CELL, FLAGS, OVERFLOW, PARENT, Spans, Tables
from pycore.signatures.batch import verify_batch

MAX_TRANSACTION = 1 << 20
"""Bytes from which a transaction is too large (bumo, General::TRANSACTION_LIMIT_SIZE)."""
MAX_SIGNATURES = 1 << 19
"""Signatures of a block, or of a list of transactions, that are read."""
MAX_SIGNED = 1 << 30
"""Bytes that signatures of one call are over, each counted by itself: a transaction may have a hundred."""
_PIECE = 32 << 20  # bytes of messages that are put together at once
_PIECE_ROWS = 1024  # signatures of a piece: equations are combined, and inversions shared, by about as many
_FEW = 64  # signatures that one thread verifies sooner than another could begin
_VALID = int(Verdict.VALID)
_MALFORMED = int(Verdict.MALFORMED_ITEM)
_SIGNER_TYPES = (1, 5, 6, 9)  # operations that may set who signs: create account, weight, threshold, privilege
_RULES = {"strict": "rfc8032", "compatible": "ref10"}  # of Ed25519, without cofactor, as the SDKs' libraries check
_SIGNATURE_BYTES = 64


@dataclass(slots=True, eq=False)
class Transactions:
    """Transactions on their way to verdicts.

    Attributes:
        tables: of the scan.
        context, seq: what they are judged by; seq is the block's height, None where it is not known.
        codes: uint8 (n,): verdicts by the first fault of each.
        called: what errors call the whole.
        details: that fault in words, of those that have one.
        parents, groups: int64, uint32 (signatures,): the transaction of each, and its key among `keys`.
        keys: the distinct keys.
        outcomes: uint8 (signatures,): the verdict of each.
        sources, source_groups: the distinct source addresses, and uint32 (n,): which one each transaction has.
        ignored: signatures that do not verify and were passed over, under `compatible`.
        unjudged: transactions of accounts of which the context does not say who may sign.
        unplaced: transactions whose nonce cannot be compared with the account's.
        elsewhere: transactions of other domains than 0, where the context names no domains.
    """

    tables: Tables
    context: BifContext
    seq: int | None
    chain_id: int | None
    codes: NDArray[np.uint8]
    called: str = "items"
    details: dict[int, str] = field(default_factory=dict)
    parents: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    groups: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    keys: keys.KeyColumn | None = None
    outcomes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    sources: list[str] = field(default_factory=list)
    source_groups: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    ignored: int = 0
    unjudged: int = 0
    unplaced: int = 0
    elsewhere: int = 0

    def __len__(self) -> int:
        return len(self.codes)

    def fault(self, index: int, code: int, detail: str) -> None:
        """Records the first fault of a transaction; later ones do not change its verdict."""
        if self.codes[index] == _VALID:
            self.codes[index] = code
            self.details[index] = detail

    def blobs(self) -> Spans:
        """The bytes of every transaction that are hashed and signed."""
        return self.tables.span("tx", "transaction")

    def number(self, name: str) -> NDArray[np.int64]:
        """A number of every transaction."""
        return self.tables.number("tx", f"transaction.{name}")

    def signatures_of(self, index: int) -> list[int]:
        """Places of a transaction's signatures."""
        first, last = np.searchsorted(self.parents, (index, index + 1)).tolist()
        return list(range(first, last))

    def address(self, place: int) -> str:
        """Address of a signature's key; "" where it is no key."""
        assert self.keys is not None
        return self.keys.addresses[int(self.groups[place])]


# ---- scanning --------------------------------------------------------------------------------------------------------


def scan(records: Spans, context: BifContext, *, seq: int | None, chain_id: int | None,
         called: str = "items") -> Transactions:  # fmt: skip
    """The columns of serialised TransactionEnv records; errors name the whole as it is called.

    One that is not as a writer puts it is refused under `strict`; `compatible` reads what a writer would put, as a node
    does, which parses and encodes again.
    """
    room = {"signature": len(records) + len(records) // 4 + 16, "operation": len(records) + len(records) // 4 + 16}
    limits = {"signature": MAX_SIGNATURES + MAX_SIGNERS, "operation": MAX_SIGNATURES + MAX_OPERATIONS}
    # By one thread: several would each keep as many rows as the limits allow.
    tables = TRANSACTION.scan(records, room=room, limits=limits, threads=1)
    odd: list[int] = []
    if context.strict:  # also what the chain's message has no field for: nobody could say what it means
        tx = tables["tx"]
        odd = np.flatnonzero(((tx[:, FLAGS] & ~OVERFLOW) != 0) & (tx[:, FAULT] == 0)).tolist()
    else:
        # Those that are refused for their size anyway are left as they are: they could hold millions of parts.
        open_ = (tables["tx"][:, FAULT] == 0) & ((tables["tx"][:, FLAGS] & OVERFLOW) == 0)
        open_ &= tables.span("tx").lengths < MAX_TRANSACTION
        again = [i for i in tables.rewritten("tx").tolist() if open_[i]]
        if again:
            tables = TRANSACTION.scan(_encoded(records, again), room=room, limits=limits, threads=1)
    tx = tables["tx"]
    if tables.faulty:  # what stands before a fault may be in any form: nothing of it is read
        tx[tx[:, FAULT] != 0, FIRST_CELL:] = 0
    for name in ("signature", "operation"):
        if tables.counts[name] > MAX_SIGNATURES:
            raise InputError(called, f"more than {MAX_SIGNATURES} {name}s", f"at most {MAX_SIGNATURES}")
    found = Transactions(tables, context, seq, chain_id, np.full(len(tx), _VALID, np.uint8), called)
    for index in odd:
        found.fault(index, _MALFORMED, "unknown fields, or not encoded as a writer encodes it")
    return found


def require_records(found: Transactions) -> None:
    """InputError where bytes are not a transaction."""
    if found.tables.faulty:
        at = int(found.tables["tx"][:, FAULT].nonzero()[0][0])
        size = int(found.tables.span("tx").lengths[at])
        raise found.tables.refusal(f"{found.called}[{at}]", "a TransactionEnv", size)


def hashes(records: Spans, called: str) -> NDArray[np.uint8]:
    """uint8 (n, 32): the hash of each serialised TransactionEnv. InputError where bytes are not one."""
    found = scan(records, BifContext(rules="compatible"), seq=None, chain_id=None, called=called)
    require_records(found)
    return hash_batch("sha256", found.blobs().gather()) if len(found) else np.zeros((0, 32), np.uint8)


def _encoded(records: Spans, odd: list[int]) -> Spans:
    """The records, those at `odd` as protobuf writes them, behind the others' data."""
    cells = records.cells[:, records.column : records.column + 2].copy()
    pieces, at = [records.data], records.data.size
    for i in odd:
        encoded = parse(TransactionEnv, records[i], f"record {i}").SerializeToString()
        pieces.append(np.frombuffer(encoded, np.uint8))
        cells[i] = at, at + len(encoded)
        at += len(encoded)
    return Spans(np.concatenate(pieces), cells)


# ---- rules without signatures ----------------------------------------------------------------------------------------


def judge_form(found: Transactions) -> None:
    """The faults that ask for no signature."""
    tx, context = found.tables["tx"], found.context
    wrong = found.blobs().absent | ((tx[:, FLAGS] & OVERFLOW) != 0)
    wrong |= found.tables.span("tx").lengths >= MAX_TRANSACTION
    for name, least in (("nonce", 1), ("fee_limit", 0), ("gas_price", 0), ("ceil_ledger_seq", 0)):
        wrong |= found.number(name) < least
    ceiling = found.number("ceil_ledger_seq")
    if found.seq is not None:
        wrong |= (ceiling > 0) & (ceiling < found.seq)
    if found.chain_id is not None:
        wrong |= found.number("chain_id") != found.chain_id
    domains = found.number("domain_id")
    if context.domains is not None:
        wrong |= (domains != 0) & ~np.isin(domains, context.domains)
    else:
        found.elsewhere = int((domains != 0).sum())
    n = len(tx)
    for name in ("signature", "operation"):
        wrong |= np.bincount(found.tables[name][:, PARENT], minlength=n) == 0
    if context.strict:
        wrong |= ~found.tables.span("tx", "trigger").absent
    for index in np.flatnonzero(wrong).tolist():
        found.fault(index, _MALFORMED, _form_fault(found, index))


def _form_fault(found: Transactions, index: int) -> str:
    """The first fault of a transaction's form in words."""
    tables, row = found.tables, found.tables["tx"][index]
    if row[FAULT]:
        return "not a transaction"
    if tables.span("tx").lengths[index] >= MAX_TRANSACTION:
        return f"{int(tables.span('tx').lengths[index])} bytes, less than {MAX_TRANSACTION} are allowed"
    if row[FLAGS] & OVERFLOW:
        return f"more than {MAX_SIGNERS} signatures or {MAX_OPERATIONS} operations"
    if found.blobs().absent[index]:
        return "no transaction"
    values = {name: int(found.number(name)[index]) for name in ("nonce", "fee_limit", "gas_price", "ceil_ledger_seq")}
    for name, value in values.items():
        if value < (1 if name == "nonce" else 0):
            return f"{name} {value}"
    if found.seq is not None and 0 < values["ceil_ledger_seq"] < found.seq:
        return f"ceil_ledger_seq {values['ceil_ledger_seq']}, before block {found.seq}"
    if found.chain_id is not None and found.number("chain_id")[index] != found.chain_id:
        return f"chain_id {int(found.number('chain_id')[index])}, not {found.chain_id}"
    for name in ("signature", "operation"):
        if not (tables[name][:, PARENT] == index).any():
            return f"no {name}"
    if found.context.strict and not tables.span("tx", "trigger").absent[index]:
        return "a trigger, which only transactions of contracts have"
    return f"domain_id {int(found.number('domain_id')[index])}, which the context does not name"


# ---- signatures ------------------------------------------------------------------------------------------------------


def verify(found: Transactions, threads: int | None, others: Sequence[Callable[[], None]] = ()) -> None:
    """The verdict of every signature of the transactions whose form is right, and everybody's address.

    others: further work for the threads that verify.
    """
    table = found.tables["signature"]
    rows = np.flatnonzero((found.codes == _VALID)[table[:, PARENT]])
    parents = table[rows, PARENT]
    blobs = found.blobs()
    if int(blobs.lengths[parents].sum()) > MAX_SIGNED:
        raise InputError(found.called, f"signatures over more than {MAX_SIGNED} bytes", f"at most {MAX_SIGNED}")
    texts = found.tables.span("signature", "public_key").take(rows)
    groups, firsts = texts.group()
    context = found.context
    found.parents, found.groups = parents, groups
    known = found.keys = keys.KeyColumn(texts.take(firsts), variant=context.variant, strict=context.strict)
    found.outcomes = np.full(len(rows), int(Verdict.MALFORMED_KEY), np.uint8)
    signatures = found.tables.span("signature", "sign_data").take(rows)
    kinds, places = known.kinds[groups], known.places[groups]
    count = 1 if len(rows) <= _FEW else parallel.resolve_threads(threads)

    def work(place: int, kind: keys.Kind, piece: NDArray[np.intp]) -> None:
        raws = known.raws[place][places[piece]]
        messages = blobs.take(parents[piece]).gather()
        found.outcomes[piece] = _verified(kind, raws, _column(signatures.take(piece)), messages, context, 1)

    tasks: list[Callable[[], None]] = [*others, partial(_name_sources, found), known.make_addresses]
    for place, kind in enumerate(keys.VARIANTS[context.variant]):
        chosen = np.flatnonzero(kinds == place)
        tasks += [partial(work, place, kind, piece) for piece in _pieces(chosen, blobs.lengths[parents[chosen]])]
    parallel.start_tasks(tasks, count).finish()


def _name_sources(found: Transactions) -> None:
    groups, firsts = found.tables.span("tx", "transaction.source_address").group()
    column = found.tables.span("tx", "transaction.source_address").take(firsts).gather()
    found.sources, found.source_groups = _texts(column), groups


def _texts(column: Column) -> list[str]:
    """The rows of a column as texts; they are known to be UTF-8."""
    whole = column.data.tobytes().decode()
    assert column.offsets is not None
    if not whole.isascii():
        return [row.decode() for row in column]
    places = column.offsets.tolist()
    return [whole[start:stop] for start, stop in pairwise(places)]


def _pieces(rows: NDArray[np.intp], sizes: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Rows in runs of at most _PIECE_ROWS, and of about _PIECE bytes at most where they are more than one."""
    if not len(rows):
        return []
    weight = np.maximum(sizes, _PIECE // _PIECE_ROWS)
    runs = (np.cumsum(weight) - weight) // _PIECE
    return np.split(rows, np.flatnonzero(np.diff(runs)) + 1)


def _column(signatures: Spans) -> Column:
    gathered = signatures.gather()
    if (signatures.lengths == _SIGNATURE_BYTES).all():
        return Column(gathered.to_matrix(_SIGNATURE_BYTES, "signatures"))
    return gathered


def _verified(kind: keys.Kind, raws: NDArray[np.uint8], signatures: Column, messages: Column, context: BifContext,
              threads: int | None) -> NDArray[np.uint8]:  # fmt: skip
    rules = _RULES[context.rules] if kind.scheme == "ed25519" else None
    return verify_batch(kind.scheme, raws, signatures, messages, rules=rules, threads=threads).codes


# ---- who signed ------------------------------------------------------------------------------------------------------


def decide_signers(found: Transactions) -> None:
    """Turns the verdicts of signatures into those of transactions, by who may sign."""
    good = found.outcomes == _VALID
    if found.context.strict:
        for place in np.flatnonzero(~good).tolist():
            found.fault(int(found.parents[place]), int(found.outcomes[place]), _said(found, place))
    else:
        found.ignored = int((~good).sum())
    by_owner = _by_owner(found, good)
    listed = [source in found.context.accounts for source in found.sources]
    asked = np.array(listed, np.bool_)[found.source_groups] if any(listed) else np.zeros(len(found), np.bool_)
    for index in np.flatnonzero((found.codes == _VALID) & (asked | ~by_owner)).tolist():
        _decide_one(found, index, good)
    _count_unjudged(found, asked)


def _said(found: Transactions, place: int) -> str:
    who = found.address(place) or "a key"
    return f"signature by {shorten(who)}: {Verdict(int(found.outcomes[place])).meaning}"


def _by_owner(found: Transactions, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool (n,): whether a valid signature is by the source address's key."""
    assert found.keys is not None
    own = np.zeros(len(found), np.bool_)
    places = np.flatnonzero(good)
    parents, groups = found.parents[places], found.groups[places]
    sources = found.source_groups[parents]
    named = {source: i for i, source in enumerate(found.sources)}
    by_key = np.array([named.get(address, -1) for address in found.keys.addresses], np.int64)
    equal = by_key[groups] == sources
    own[parents[equal]] = True
    memory: dict[tuple[int, int], bool] = {}
    rest = np.flatnonzero(~equal & ~own[parents])
    for parent, key, source in zip(*(column[rest].tolist() for column in (parents, groups, sources)), strict=True):
        if (key, source) not in memory:
            memory[key, source] = _owns(found, key, found.sources[source])
        own[parent] |= memory[key, source]
    return own


def _owns(found: Transactions, key: int, address: str) -> bool:
    assert found.keys is not None
    known, context = found.keys[key], found.context
    return known is not None and keys.owns(known, address, chain_code=context.chain_code, strict=context.strict)


def _decide_one(found: Transactions, index: int, good: NDArray[np.bool_]) -> None:
    """One transaction whose account the context lists, or that its owner did not sign."""
    source = found.sources[int(found.source_groups[index])]
    if not keys.is_address(source, variant=found.context.variant):
        found.fault(index, _MALFORMED, f"source_address {shorten(source)!r}")
        return
    places = found.signatures_of(index)
    bad = next((place for place in places if not good[place]), None)
    if not any(good[place] for place in places):
        found.fault(index, int(found.outcomes[places[0]]), _said(found, places[0]))
        return
    account = found.context.accounts.get(source)
    if account is None:
        also = "" if bad is None else f"; {_said(found, bad)}"
        found.fault(index, int(Verdict.POLICY_NOT_MET), f"no valid signature by {shorten(source)}{also}")
        return
    electorate = account.electorate(source)
    ballots = []
    for place in places:
        voter = next((a for a in electorate.powers if _owns(found, int(found.groups[place]), str(a))), None)
        flaw = "" if good[place] else Verdict(int(found.outcomes[place])).meaning
        ballots.append((voter if voter is not None else found.address(place), "sign", flaw))
    decision = decide(tally(ballots, electorate), account.rule, "sign")
    if not decision.reached:
        detail = f"weight {decision.got} of {decision.needed} for {shorten(source)}"
        found.fault(index, int(Verdict.POLICY_NOT_MET), detail)


def _count_unjudged(found: Transactions, asked: NDArray[np.bool_]) -> None:
    """Accounts that the context does not know, or that a transaction has changed since it was made."""
    unsure = np.zeros(len(found), np.bool_) if found.context.other_accounts == "single" else ~asked
    changed = set(found.context.changed_accounts)
    if changed:
        unsure = unsure | np.array([source in changed for source in found.sources], np.bool_)[found.source_groups]
    found.unjudged = int((unsure & (found.codes == _VALID)).sum())


# ---- nonces ----------------------------------------------------------------------------------------------------------


def judge_nonces(found: Transactions) -> None:
    """Transactions of one account follow each other by nonce; the first follows the account's, where it is known.

    Each domain has its own accounts, so it is counted by itself; the context's nonces are of domain 0. A
    transaction that is not valid uses up no nonce.
    """
    rows = np.flatnonzero(found.codes == _VALID)
    if not len(rows):
        return
    sources, domains = found.source_groups[rows], found.number("domain_id")[rows]
    order = np.lexsort((np.arange(len(rows)), domains, sources))
    rows, sources, domains = rows[order], sources[order], domains[order]
    nonces = found.number("nonce")[rows]
    first = np.ones(len(rows), np.bool_)
    first[1:] = (sources[1:] != sources[:-1]) | (domains[1:] != domains[:-1])
    starts = np.flatnonzero(first)
    jumps = np.zeros(len(rows), np.bool_)
    jumps[1:] = ~first[1:] & (np.diff(nonces) != 1)
    known = found.context.nonces or {}
    last = np.array([known.get(source, -1) for source in found.sources], np.int64)[sources[starts]]
    last[domains[starts] != 0] = -1
    stops = np.append(starts[1:], len(rows))
    found.unplaced = int((stops - starts)[last < 0].sum())
    wrong = (np.add.reduceat(jumps, starts) > 0) | ((last >= 0) & (nonces[starts] != last + 1))
    for group in np.flatnonzero(wrong).tolist():
        part = slice(int(starts[group]), int(stops[group]))
        wanted = int(nonces[starts[group]] if last[group] < 0 else last[group] + 1)
        _walk(found, rows[part], nonces[part], wanted)


def _walk(found: Transactions, rows: NDArray[np.intp], nonces: NDArray[np.int64], wanted: int) -> None:
    for index, nonce in zip(rows.tolist(), nonces.tolist(), strict=True):
        if nonce == wanted:
            wanted += 1
        else:
            found.fault(index, _MALFORMED, f"nonce {nonce}, {wanted} is next")


def judge_loose_nonces(found: Transactions) -> None:
    """Outside a block, where others may come before it, a nonce is above that of the account's last transaction."""
    known = found.context.nonces
    if not known:
        return
    last = np.array([known.get(source, -1) for source in found.sources], np.int64)[found.source_groups]
    late = (found.number("domain_id") == 0) & (found.number("nonce") <= last)
    for index in np.flatnonzero(late).tolist():
        found.fault(
            index, _MALFORMED, f"nonce {int(found.number('nonce')[index])}, the account is at {int(last[index])}"
        )


def last_nonces(found: Transactions) -> dict[str, int]:
    """Address -> nonce after these transactions, of the valid ones in domain 0."""
    rows = np.flatnonzero((found.codes == _VALID) & (found.number("domain_id") == 0))
    pairs = zip(found.source_groups[rows].tolist(), found.number("nonce")[rows].tolist(), strict=True)
    latest = dict(pairs)
    return {found.sources[source]: nonce for source, nonce in latest.items()}


# ---- accounts that change --------------------------------------------------------------------------------------------


def changed_accounts(found: Transactions) -> list[str]:
    """Addresses for which a transaction sets who may sign. Whether it succeeds is not in a block, so that afterwards
    the context's word for them is no longer sure. An account made with one key of weight and threshold 1 is what an
    account is that nobody lists."""
    table = found.tables["operation"]
    kinds = found.tables.number("operation", "type")
    rows = np.flatnonzero(np.isin(kinds, _SIGNER_TYPES) & (found.codes == _VALID)[table[:, PARENT]])
    named: dict[str, None] = {}
    last, env = -1, TransactionEnv()
    first = np.searchsorted(table[:, PARENT], np.arange(len(found)))
    for row in rows.tolist():
        index = int(table[row, PARENT])
        if index != last:
            env, last = parse(TransactionEnv, found.tables.span("tx")[index], "transaction"), index
        operation = env.transaction.operations[row - int(first[index])]
        if operation.type != 1:
            named[operation.source_address or env.transaction.source_address] = None
            continue
        made = operation.create_account
        plain = made.priv.master_weight == 1 and not made.priv.signers and made.priv.thresholds.tx_threshold == 1
        if made.dest_address and not (plain and not made.priv.thresholds.type_thresholds):
            named[made.dest_address] = None
    return list(named)


def judge(records: Spans, context: BifContext, *, seq: int | None, chain_id: int | None,
          threads: int | None = None) -> Transactions:  # fmt: skip
    """The verdicts of serialised transactions that are not in a block yet, each by itself."""
    found = scan(records, context, seq=seq, chain_id=chain_id)
    judge_form(found)
    verify(found, threads)
    decide_signers(found)
    judge_loose_nonces(found)
    return found
