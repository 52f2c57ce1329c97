"""The stateless checks of transactions and the signatures that they carry, by columns.

Nothing here walks over many transactions one by one: rules are masks over columns, each distinct member is looked up
once, and each distinct question to the access policies is asked once. Only what is wrong is looked at by itself, and
where there are a few, each of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycore.base.verdicts import Verdict
from pycore.identities.collector import SignatureBatch
from pycore.ledgers.chainmaker.access import AccessRules, Kind
from pycore.ledgers.chainmaker.block import OpenBlock
from pycore.ledgers.chainmaker.messages import Payload, Transaction, parse, scan_as_written, shorten
from pycore.ledgers.chainmaker.plans import ENDORSER, MAX_ENDORSERS, PAYER, SENDER, TRANSACTION
from pycore.ledgers.chainmaker.policy import Ruling, Voter
from pycore.ledgers.chainmaker.signers import MemberKey, Signer, TrustStore
from pycore.ledgers.scan import FAULT, FIRST_CELL, FLAGS, NUMBER, OVERFLOW, PARENT, Picked, Spans, Tables

MAX_TX_ID = 64
MAX_ENTRIES = 1 << 20
"""Signatures of a block, or of a list of transactions, that are read: four for each that a block may have."""

_INVOKE = 0
_WHITE = b"\t\n\f\r "
# Go's \S: anything but tab, newline, form feed, carriage return and space. The chain's error text promises less than
# this.
_TX_ID = re.compile(r"[^\t\n\f\r ]{1,64}").fullmatch
_CALLED = {SENDER: "sender", ENDORSER: "endorser", PAYER: "payer"}
_VALID = int(Verdict.VALID)
_MALFORMED = int(Verdict.MALFORMED_ITEM)
_POLICY_NOT_MET = int(Verdict.POLICY_NOT_MET)
_FEW = 32  # transactions or signatures that are done one by one sooner than sorted into groups
_ROOM = 5 / 4  # entries a transaction to make room for


class Entries(NamedTuple):
    """The signatures of transactions that are read, in the order of the transactions and of their fields.

    rows       int64 (n,): rows of the table "entry"
    parents    int64 (n,): the transaction of each
    kinds      int64 (n,): SENDER, ENDORSER or PAYER
    members    uint32 (n,): the signer of each, as an index into the names
    names      the distinct signers, in order of first appearance
    """

    rows: NDArray[np.int64]
    parents: NDArray[np.int64]
    kinds: NDArray[np.int64]
    members: NDArray[np.uint32]
    names: list[MemberKey]


@dataclass(slots=True, eq=False)
class Column:
    """Transactions on their way to verdicts.

    rules       the columns of the scan, and what the rules say of them
    codes       uint8 (n,): the verdict by the first fault found of each
    details     that fault in words, of those that have one
    entries     the signatures
    wrong       bool (n,): transactions that lack something, or have more signatures than are read
    held        int64 (n,): signatures before each, where they are more than are read
    duplicates  transactions whose tx_id another one before them has
    dropped     endorsements that do not count under "compatible"
    unjudged    transactions whose policy cannot be judged in this context
    """

    rules: Rules
    codes: NDArray[np.uint8]
    entries: Entries
    wrong: NDArray[np.bool_]
    held: NDArray[np.int64]
    details: dict[int, str] = field(default_factory=dict)
    duplicates: int = 0
    dropped: int = 0
    unjudged: int = 0

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def tables(self) -> Tables:
        """The columns of the scan."""
        return self.rules.tables

    def fault(self, index: int, code: int, detail: str) -> None:
        """Records the first fault of a transaction; later ones do not change its verdict."""
        if self.codes[index] == _VALID:
            self.codes[index] = code
            self.details[index] = detail

    def spans(self, path: str = "") -> Spans:
        """A field of every transaction; "" is the whole."""
        return self.tables.span("tx", path)

    def message(self, index: int) -> Transaction:
        """A transaction as a message: for what is wrong."""
        return parse(Transaction, self.spans()[index], "transactions")

    def tx_id(self, index: int) -> str:
        """The id of a transaction, which was found to be UTF-8; "" without one."""
        return self.spans("payload.tx_id")[index].decode()


# ---- scanning --------------------------------------------------------------------------------------------------------


def scan(transactions: Spans, threads: int | None) -> Tables:
    """The columns of transactions. One that a writer would have put otherwise is encoded again and read from there: the
    chain's nodes hash and sign what they encode themselves."""
    room = {"entry": int(_ROOM * len(transactions)) + 16}
    limits = {"entry": MAX_ENTRIES + MAX_ENDORSERS + 2}
    tables = scan_as_written(TRANSACTION, Transaction, transactions, room=room, limits=limits, threads=threads)
    if tables.faulty:  # what stands before the fault may be in any order and form: nothing of it is read
        tx = tables["tx"]
        tx[tx[:, FAULT] != 0, FIRST_CELL:] = 0
    return tables


def open_transactions(block: OpenBlock, threads: int | None) -> Tables:
    """The columns of a block's transactions; InputError where bytes are not one."""
    tables = scan(block.txs, threads)
    if tables.faulty:
        at = int(np.flatnonzero(tables["tx"][:, FAULT])[0])
        raise tables.refusal(f"block.txs[{at}]", "a ChainMaker Transaction", int(block.txs.lengths[at]))
    return tables


# ---- rules -----------------------------------------------------------------------------------------------------------


class Rules:
    """The rules that ask for no signature. :meth:`apply` takes its time and may run on a helper, while the caller
    collects signatures."""

    def __init__(self, tables: Tables, chain_id: str | None, *, in_block: bool) -> None:
        """in_block: a transaction must carry the result of its execution, and no other may have its id."""
        self.tables, self.chain_id, self.in_block = tables, chain_id, in_block
        self.no_payload = tables.span("tx", "payload").absent  # also where bytes are no transaction
        self.again = self.faulty = np.zeros(len(self.no_payload), np.bool_)
        self.names: tuple[Spans, NDArray[np.uint32], NDArray[np.uint32]] | None = None

    def apply(self) -> None:
        """Finds the transactions that break a rule (`faulty`), among them repeated ids (`again`), and those that call
        one method of one contract (`names`: these, their groups, and the first of each)."""
        self.faulty = _header_faults(self.tables, self.chain_id)
        if self.in_block:
            self.again = _repeated_ids(self.tables, self.no_payload)
        names = _names_of(self.tables)
        groups = firsts = np.arange(len(names), dtype=np.uint32)
        if len(groups) > _FEW:
            groups, firsts = names.group()
        self.names = names, groups, firsts


def collect(rules: Rules) -> Column:
    """Collects the signatures of transactions."""
    tables, no_payload = rules.tables, rules.no_payload
    tx, entry = tables["tx"], tables["entry"]
    unread, held = _unread(tables)
    signed = ~tables.span("entry", "signer").absent
    sent = np.zeros(len(tx), np.bool_)
    sent[entry[signed & (entry[:, NUMBER] == SENDER), PARENT]] = True
    wrong = no_payload | unread | ~sent
    if rules.in_block:
        wrong |= tables.span("tx", "result").absent
    wrong[entry[~signed, PARENT]] = True
    rows = np.arange(len(entry))
    if wrong.any():
        rows = np.flatnonzero(signed & ~(no_payload | unread)[entry[:, PARENT]])
    return Column(rules, np.full(len(tx), _VALID, np.uint8), _entries(tables, rows), wrong, held)


def _judge_rules(column: Column) -> None:
    """The faults that ask for no signature: a transaction's first, before those of its signatures."""
    rules = column.rules
    assert rules.names is not None, "the rules were applied"
    column.duplicates = int(rules.again.sum())
    wrong = column.wrong | rules.again | rules.faulty
    if wrong.any():
        for index in np.flatnonzero(wrong).tolist():
            column.fault(index, _MALFORMED, _describe(column, index))


def _entries(tables: Tables, rows: NDArray[np.int64]) -> Entries:
    entry = tables["entry"]
    signers = tables.span("entry", "signer")
    groups, firsts = (signers if len(rows) == len(entry) else signers.take(rows)).group()
    first = rows[firsts]
    orgs = tables.span("entry", "signer.org_id").take(first)
    infos = tables.span("entry", "signer.member_info").take(first)
    kinds = tables.number("entry", "signer.member_type")[first].tolist()
    found = [(kind, org.decode(), info) for kind, org, info in zip(kinds, orgs.items(), infos.items(), strict=True)]
    names = {name: i for i, name in enumerate(dict.fromkeys(found))}
    if len(names) < len(found):  # one member in two encodings
        groups = np.array([names[name] for name in found], np.uint32)[groups]
    return Entries(rows, entry[rows, PARENT], entry[rows, NUMBER], groups, list(names))


def _repeated_ids(tables: Tables, no_payload: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ids, again = tables.span("tx", "payload.tx_id"), ~no_payload
    if no_payload.any():
        here = np.flatnonzero(again)
        again[here[ids.take(here).group()[1]]] = False
    else:
        again[ids.group()[1]] = False
    return again


def _unread(tables: Tables) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Transactions whose signatures are too many to be read, and how many signatures those before each have."""
    entry, n = tables["entry"], len(tables["tx"])
    many = (tables["tx"][:, FLAGS] & OVERFLOW) != 0
    if len(entry) > MAX_ENDORSERS:
        many |= np.bincount(entry[entry[:, NUMBER] == ENDORSER, PARENT], minlength=n) > MAX_ENDORSERS
    held = np.zeros(n, np.int64)
    if tables.counts["entry"] <= MAX_ENTRIES:
        return many, held
    # The last rows that were kept may be part of a transaction's; those before it are more than MAX_ENTRIES then.
    held[1:] = np.cumsum(np.bincount(entry[:, PARENT], minlength=n))[:-1]
    return many | (held > MAX_ENTRIES), held


def _header_faults(tables: Tables, chain_id: str | None) -> NDArray[np.bool_]:
    """verifyTxHeader, without the time window that a node's configuration adds; see :func:`_header_fault`."""
    ids = tables.span("tx", "payload.tx_id")
    length = ids.lengths
    wrong = length > MAX_TX_ID
    if chain_id is not None:
        wrong |= ~tables.span("tx", "payload.chain_id").equal(chain_id.encode())
    invoked = tables.number("tx", "payload.tx_type") == _INVOKE
    wrong |= invoked & ((length == 0) | ids.having(_WHITE))
    expires = tables.number("tx", "payload.expiration_time")
    wrong |= (expires != 0) & (expires <= tables.number("tx", "payload.timestamp"))
    return wrong


def _describe(column: Column, index: int) -> str:
    """The first fault of one transaction in words, in the order of its fields."""
    rules = column.rules
    if column.tables["tx"][index, FAULT]:
        return "no payload"
    transaction = column.message(index)
    if not transaction.HasField("payload"):
        return "no payload"
    found = _header_fault(transaction.payload, rules.chain_id)
    if found:
        return found
    if rules.again[index]:
        return "tx_id occurs before in the block"
    if rules.in_block and not transaction.HasField("result"):
        return "no result"
    if len(transaction.endorsers) > MAX_ENDORSERS:
        return f"{len(transaction.endorsers)} endorsers, at most {MAX_ENDORSERS} are read"
    if column.held[index] > MAX_ENTRIES:
        return f"more than {MAX_ENTRIES} signatures before it, the most that are read"
    if not transaction.HasField("sender"):
        return "no sender"
    if not transaction.sender.HasField("signer"):
        return "sender without a signer"
    endorsed = all(entry.HasField("signer") for entry in transaction.endorsers)
    return "payer without a signer" if endorsed else "endorser without a signer"


def _header_fault(payload: Payload, chain_id: str | None) -> str:
    tx_id = payload.tx_id
    if chain_id is not None and payload.chain_id != chain_id:
        return f"chain_id {shorten(payload.chain_id)!r}, not {shorten(chain_id)!r}"
    if len(tx_id) > MAX_TX_ID or (not tx_id.isascii() and len(tx_id.encode()) > MAX_TX_ID):
        return f"tx_id is longer than {MAX_TX_ID} bytes"
    if payload.tx_type == _INVOKE and not _TX_ID(tx_id):
        return "tx_id is empty or has white space"
    expiration = payload.expiration_time
    if expiration and expiration <= payload.timestamp:
        return "expires before it is made"
    return ""


# ---- signatures ------------------------------------------------------------------------------------------------------


class Enlisted(NamedTuple):
    """Where the signatures of transactions went.

    tickets    int64 (entries,): place in the batch, or -1 where the signer cannot sign
    reasons    per distinct member: verdict and reason
    """

    tickets: NDArray[np.int64]
    reasons: list[tuple[int, str]]


def enlist(column: Column, signers: Mapping[MemberKey, Signer], batch: SignatureBatch, time: float | None) -> Enlisted:
    """Puts every signature whose signer is known into the batch."""
    entries, tables = column.entries, column.tables
    reasons, keys = [], []
    kinds: dict[tuple[str, str], list[int]] = {}
    for i, name in enumerate(entries.names):
        signer = signers[name]
        reason = signer.at(time)
        reasons.append(reason)
        keys.append(b"")
        if reason[0] == _VALID and signer.key is not None and signer.hash is not None:
            keys[i] = signer.key.data
            kinds.setdefault((signer.key.kind, signer.hash), []).append(i)
    tickets = np.full(len(entries.rows), -1, np.int64)
    signatures, payloads = tables.span("entry", "signature"), tables.span("tx", "payload")
    if len(tickets) <= _FEW:
        given, messages = signatures.items(), payloads.items()
        of_entries = zip(entries.rows.tolist(), entries.parents.tolist(), entries.members.tolist(), strict=True)
        for i, (row, parent, member) in enumerate(of_entries):
            signer = signers[entries.names[member]]
            if reasons[member][0] == _VALID and signer.key is not None and signer.hash is not None:
                tickets[i] = batch.add(signer.key, signer.hash, messages[parent], given[row])
        return Enlisted(tickets, reasons)
    for (kind, hash_), own in kinds.items():
        place = np.full(len(keys), -1, np.intp)
        place[own] = np.arange(len(own))
        which = place[entries.members]
        chosen = np.flatnonzero(which >= 0)
        rows, parents = entries.rows[chosen].astype(np.uint32), entries.parents[chosen].astype(np.uint32)
        first = batch.add_rows(
            kind, hash_, [keys[i] for i in own], which[chosen], Picked(payloads, parents), Picked(signatures, rows)
        )
        tickets[chosen] = np.arange(first, first + len(chosen))
    return Enlisted(tickets, reasons)


# ---- verdicts --------------------------------------------------------------------------------------------------------


def decide(
    column: Column,
    enlisted: Enlisted,
    signers: Mapping[MemberKey, Signer],
    codes: NDArray[np.uint8],
    store: TrustStore,
    rules: AccessRules | None,
    *,
    strict: bool,
) -> None:
    """Turns the verdicts of signatures into verdicts of transactions, and applies the policies of `rules`; None: there
    are none, as in a block that nobody signed."""
    _judge_rules(column)
    entries = column.entries
    given = enlisted.tickets >= 0
    outcome = np.array([reason[0] for reason in enlisted.reasons], np.uint8)[entries.members]
    outcome[~given & (outcome == _VALID)] = Verdict.UNCHECKED  # nothing is valid that was not in the batch
    outcome[given] = codes[enlisted.tickets[given]]
    valid = outcome == _VALID
    checks_payer = rules is None or rules.checks_payer
    for place in () if valid.all() else np.flatnonzero(~valid).tolist():
        kind = int(entries.kinds[place])
        if kind == ENDORSER and not strict:
            column.dropped += 1  # the chain drops an endorsement that does not verify; a policy may miss it
            continue
        if kind == PAYER and not checks_payer:
            continue
        code, member = int(outcome[place]), int(entries.members[place])
        reason = "" if given[place] else enlisted.reasons[member][1]
        said = f"{_CALLED[kind]} {shorten(entries.names[member][1])}: {reason or Verdict(code).meaning}"
        column.fault(int(entries.parents[place]), code, said.replace(" :", ":"))
    if rules is not None:
        voters = [store.voter(signers[name]) for name in entries.names]
        _apply_policies(column, valid, voters, rules)


def _apply_policies(column: Column, valid: NDArray[np.bool_], voters: Sequence[Voter], rules: AccessRules) -> None:
    """Judges every transaction. Questions repeat - the same type, contract, method and signers - and are asked once."""
    kinds, known = _kinds(column, rules)
    endorsed = np.array([kind.reads_endorsers for kind in known], np.bool_)[kinds]
    alone = np.array([kind.reads_parameters for kind in known], np.bool_)[kinds]
    n = len(column)
    groups = firsts = np.arange(n, dtype=np.uint32)  # of a few, each is asked: sorting them out would take longer
    if n > _FEW:
        groups, firsts = _questions(column, valid, voters, kinds, endorsed)
    asking = _Asking(column, valid, voters, rules)
    rulings = [asking(index, known[kinds[index]]) for index in firsts.tolist()]
    if not any(ruling.ok is not True for ruling in rulings) and not alone.any():
        return
    shared = ~alone
    column.unjudged += int((np.array([ruling.ok is None for ruling in rulings], np.bool_)[groups] & shared).sum())
    refused = np.array([ruling.ok is False for ruling in rulings], np.bool_)[groups] & shared
    for index in np.flatnonzero(refused).tolist():
        column.fault(index, _POLICY_NOT_MET, rulings[groups[index]].why)  # one without a payload has its fault already
    for index in np.flatnonzero(alone).tolist():
        ruling = asking(index, None)
        if ruling.ok is False:
            column.fault(index, _POLICY_NOT_MET, ruling.why)
        column.unjudged += ruling.ok is None


class _Signers(NamedTuple):
    """The field of each entry, whether its signature holds, and its signer: arrays, or lists."""

    kinds: Any
    valid: Any
    members: Any


class _Asking:
    """Asks the policies about single transactions."""

    def __init__(self, column: Column, valid: NDArray[np.bool_], voters: Sequence[Voter], rules: AccessRules) -> None:
        self._voters, self._rules = voters, rules
        self._payloads = column.spans("payload")
        entries, self._signers = column.entries, _Signers(column.entries.kinds, valid, column.entries.members)
        self._bounds = np.searchsorted(entries.parents, np.arange(len(column) + 1)).tolist()
        if len(column) <= _FEW:  # all are asked about, and lists are read faster than arrays
            self._signers = _Signers(*(part.tolist() for part in self._signers))

    def __call__(self, index: int, kind: Kind | None) -> Ruling:
        """The ruling on a transaction; without a kind it is judged by its own parameters."""
        sender, endorsers, endorsed = None, [], False
        part = slice(self._bounds[index], self._bounds[index + 1])
        for field_, valid, member in zip(*(column[part] for column in self._signers), strict=True):
            voter = self._voters[member]
            if field_ == SENDER:
                sender = voter if valid else None
            elif field_ == ENDORSER:
                endorsed = True
                if valid:
                    endorsers.append(voter)
        if kind is not None and not kind.reads_endorsers:
            return self._rules.by_sender(kind, sender)
        payload = parse(Payload, self._payloads[index], "payload") if kind is None else kind.payload
        return self._rules.transaction(payload, sender, endorsers, endorsed=endorsed)


def _kinds(column: Column, rules: AccessRules) -> tuple[NDArray[np.uint32], list[Kind]]:
    """Groups of transactions with equal type, contract and method, and what the rows ask about each."""
    assert column.rules.names is not None
    names, groups, firsts = column.rules.names
    types = column.tables.number("tx", "payload.tx_type")
    if len(types) > _FEW and (types != types[0]).any():
        words = np.stack([groups, types.astype(np.uint32)], axis=1)
        places = words.itemsize * 2 * np.arange(len(words) + 1, dtype=np.int64)
        groups, firsts = Spans.of(words.reshape(-1).view(np.uint8), places[:-1], places[1:]).group()
    payloads = column.spans("payload")
    each = zip(firsts.tolist(), types[firsts].tolist(), names.take(firsts).items(), strict=True)
    known = [rules.kind(tx_type, name, partial(payloads.__getitem__, i)) for i, tx_type, name in each]
    return groups, known


def _names_of(tables: Tables) -> Spans:
    """Contract and method of every transaction as they are encoded. They stand next to each other, and with their tags
    they are equal exactly where the names are."""
    contract, method = tables.tag("tx", "payload.contract_name"), tables.tag("tx", "payload.method")
    first, last = tables.span("tx", "payload.contract_name"), tables.span("tx", "payload.method")
    return Spans.of(tables.data, np.where(contract > 0, contract, method), np.where(method > 0, last.end, first.end))


def _questions(
    column: Column, valid: NDArray[np.bool_], voters: Sequence[Voter], kinds: NDArray[np.uint32],
    endorsed: NDArray[np.bool_],
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:  # fmt: skip
    """Groups of transactions on which the ruling is the same, and the first of each: of one kind, with the same
    signers, whose signatures hold or not; where endorsers do not matter, senders of one organisation and role."""
    n, entries = len(column), column.entries
    looks: dict[tuple[str, str | None, bool], int] = {}
    alike = [looks.setdefault((voter.org, voter.role, voter.confirmed), len(looks)) for voter in voters]
    matters = endorsed[entries.parents]
    asked = np.flatnonzero((entries.kinds == SENDER) | ((entries.kinds == ENDORSER) & matters))
    parents, members = entries.parents[asked], entries.members[asked]
    who = np.where(matters[asked], members, np.array(alike, np.uint32)[members])
    signers = np.bincount(parents, minlength=n)
    ends = np.arange(1, n + 1) + np.cumsum(signers)
    starts = ends - signers - 1
    words = np.empty(n + len(asked), np.uint32)
    words[starts] = kinds
    words[np.arange(len(asked)) + parents + 1] = who * 4 + (entries.kinds[asked] == ENDORSER) * 2 + valid[asked]
    return Spans.of(words.view(np.uint8), 4 * starts, 4 * ends).group()
