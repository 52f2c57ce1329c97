"""The stateless checks of transactions, and the columns of signatures that they carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pycore.base.verdicts import Verdict
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import PublicKey
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.messages import EndorsementEntry, Payload, Transaction, shorten
from pycore.ledgers.chainmaker.policy import Ruling, Voter
from pycore.ledgers.chainmaker.signers import MemberKey, Signer, TrustStore

_INVOKE = 0
_MAX_TX_ID = 64
_MAX_ENDORSERS = 1 << 14  # of one transaction: bounds the work that two bytes on the wire can cause
_MAX_ENTRIES = 1 << 20  # signatures of a block, or of a list of transactions: four for each that a block may have
# Go's \S: anything but tab, newline, form feed, carriage return and space. The chain's error text promises less than
# this.
_TX_ID = re.compile(r"[^\t\n\f\r ]{1,64}").fullmatch
_SENDER, _ENDORSER, _PAYER = "sender", "endorser", "payer"
_VALID = int(Verdict.VALID)  # an enum's members are too slow for a loop over transactions
_MALFORMED = int(Verdict.MALFORMED_ITEM)
_POLICY_NOT_MET = int(Verdict.POLICY_NOT_MET)


Entry = tuple[int, str, MemberKey, bytes, bytes]
"""One signature: transaction, who it is of, signer, message, signature. A bare tuple: a block has thousands of them."""


@dataclass(slots=True)
class Column:
    """Transactions on their way to verdicts. `codes` and `details` hold the first fault found of each."""

    codes: NDArray[np.uint8]
    details: dict[int, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    tickets: list[int] = field(default_factory=list)  # per entry: its place in the batch, or -1
    refused: dict[int, tuple[int, str]] = field(default_factory=dict)  # per entry without a ticket: verdict and reason
    duplicates: int = 0
    dropped: int = 0  # endorsements that do not count under "compatible"
    unjudged: int = 0  # transactions whose policy cannot be judged in this context

    def fault(self, index: int, code: int, detail: str) -> None:
        """Records the first fault of a transaction; later ones do not change its verdict."""
        if self.codes[index] == _VALID:
            self.codes[index] = code
            self.details[index] = detail


def collect(transactions: Sequence[Transaction], chain_id: str | None, *, in_block: bool) -> Column:
    """Checks every transaction by itself and collects its signatures. `in_block`: it must carry the result of its
    execution."""
    column = Column(codes=np.full(len(transactions), _VALID, dtype=np.uint8))
    seen: set[str] = set()
    for index, transaction in enumerate(transactions):
        if not transaction.HasField("payload"):
            column.fault(index, _MALFORMED, "no payload")
            continue
        payload = transaction.payload
        tx_id = payload.tx_id
        wrong = _header_fault(payload, tx_id, chain_id)
        if wrong:
            column.fault(index, _MALFORMED, wrong)
        if in_block:
            if tx_id in seen:
                column.duplicates += 1
                column.fault(index, _MALFORMED, "tx_id occurs before in the block")
            seen.add(tx_id)
            if not transaction.HasField("result"):
                column.fault(index, _MALFORMED, "no result")
        if len(transaction.endorsers) > _MAX_ENDORSERS:
            column.fault(
                index, _MALFORMED, f"{len(transaction.endorsers)} endorsers, at most {_MAX_ENDORSERS} are read"
            )
            continue
        if len(column.entries) > _MAX_ENTRIES:
            column.fault(index, _MALFORMED, f"more than {_MAX_ENTRIES} signatures before it, the most that are read")
            continue
        message = payload.SerializeToString()
        if not transaction.HasField("sender"):
            column.fault(index, _MALFORMED, "no sender")
        else:
            _add(column, index, _SENDER, transaction.sender, message)
        for entry in transaction.endorsers:
            _add(column, index, _ENDORSER, entry, message)
        if transaction.HasField("payer"):
            _add(column, index, _PAYER, transaction.payer, message)
    return column


def _header_fault(payload: Payload, tx_id: str, chain_id: str | None) -> str:
    """verifyTxHeader, without the time window that a node's configuration adds."""
    if chain_id is not None and payload.chain_id != chain_id:
        return f"chain_id {shorten(payload.chain_id)!r}, not {shorten(chain_id)!r}"
    if len(tx_id) > _MAX_TX_ID or (not tx_id.isascii() and len(tx_id.encode()) > _MAX_TX_ID):
        return f"tx_id is longer than {_MAX_TX_ID} bytes"
    if payload.tx_type == _INVOKE and not _TX_ID(tx_id):
        return "tx_id is empty or has white space"
    expiration = payload.expiration_time
    if expiration and expiration <= payload.timestamp:
        return "expires before it is made"
    return ""


def _add(column: Column, index: int, who: str, entry: EndorsementEntry, message: bytes) -> None:
    signer = entry.signer
    member = (signer.member_type, signer.org_id, signer.member_info)
    if not member[2] and not entry.HasField("signer"):
        column.fault(index, _MALFORMED, f"{who} without a signer")
        return
    column.entries.append((index, who, member, message, entry.signature))


def enlist(column: Column, signers: dict[MemberKey, Signer], batch: SignatureBatch, time: float | None) -> None:
    """Puts every signature whose signer is known into the batch; the others get their reason."""
    ready: dict[MemberKey, tuple[PublicKey, str] | None] = {}
    reasons: dict[MemberKey, tuple[int, str]] = {}
    for member, signer in signers.items():
        verdict = reasons[member] = signer.at(time)
        usable = verdict[0] == _VALID and signer.key is not None and signer.hash is not None
        ready[member] = (signer.key, signer.hash) if usable else None  # type: ignore[assignment]
    tickets, add = column.tickets, batch.add
    for place, (_, _, member, message, signature) in enumerate(column.entries):
        found = ready[member]
        if found is not None:
            tickets.append(add(found[0], found[1], message, signature))
        else:
            tickets.append(-1)
            column.refused[place] = reasons[member]


def decide(
    column: Column,
    transactions: Sequence[Transaction],
    signers: dict[MemberKey, Signer],
    codes: NDArray[np.uint8],
    store: TrustStore,
    rules: AccessRules | None,
    *,
    strict: bool,
) -> None:
    """Turns the verdicts of signatures into verdicts of transactions, and applies the policies of `rules`; None: there
    are none, as in a block that nobody signed."""
    tickets = np.array(column.tickets, dtype=np.int64)
    outcome = np.full(len(tickets), int(Verdict.UNCHECKED), dtype=np.uint8)
    if len(tickets):
        given = tickets >= 0
        outcome[given] = codes[tickets[given]]
    for place, (code, _) in column.refused.items():
        outcome[place] = code
    checks_payer = rules is None or rules.checks_payer
    for place in np.flatnonzero(outcome != _VALID).tolist():
        index, who, member, _, _ = column.entries[place]
        if who == _ENDORSER and not strict:
            column.dropped += 1  # the chain drops an endorsement that does not verify; a policy may miss it
            continue
        if who == _PAYER and not checks_payer:
            continue
        code = int(outcome[place])
        reason = column.refused.get(place, (code, ""))[1] or Verdict(code).meaning
        column.fault(index, code, f"{who} {shorten(member[1])}: {reason}".replace(" :", ":"))
    if rules is not None:
        _apply_policies(column, transactions, *_voters(column, signers, outcome, store), rules)


def _voters(
    column: Column, signers: dict[MemberKey, Signer], outcome: NDArray[np.uint8], store: TrustStore
) -> tuple[dict[int, Voter], dict[int, list[Voter]]]:
    """By transaction: the sender where its signature holds, and those endorsers whose signatures hold."""
    seen = {member: store.voter(signer) for member, signer in signers.items()}
    senders: dict[int, Voter] = {}
    endorsers: dict[int, list[Voter]] = {}
    for (index, who, member, _, _), valid in zip(column.entries, (outcome == _VALID).tolist(), strict=True):
        if who is _SENDER:
            if valid:
                senders[index] = seen[member]
        elif who is _ENDORSER:
            found = endorsers.setdefault(index, [])
            if valid:
                found.append(seen[member])
    return senders, endorsers


def _apply_policies(
    column: Column,
    transactions: Sequence[Transaction],
    senders: dict[int, Voter],
    endorsers: dict[int, list[Voter]],
    rules: AccessRules,
) -> None:
    """Judges every transaction. Most have no row for their contract and method, so type and sender decide:
    those questions repeat and are asked once."""
    answers: dict[tuple[int, str, str, int], Ruling] = {}
    for index, transaction in enumerate(transactions):
        payload = transaction.payload
        sender = senders.get(index)
        question = (payload.tx_type, payload.contract_name, payload.method, id(sender))  # `senders` keeps it alive
        ruling = answers.get(question)
        if ruling is None:
            given = endorsers.get(index)
            ruling = rules.transaction(payload, sender, given or (), endorsed=given is not None)
            if not rules.has_row(payload):
                answers[question] = ruling
        if ruling.ok is False:
            column.fault(index, _POLICY_NOT_MET, ruling.why)  # one without a payload has its fault already
        elif ruling.ok is None:
            column.unjudged += 1
