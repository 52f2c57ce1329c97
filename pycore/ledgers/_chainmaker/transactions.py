"""The stateless checks of transactions, and the columns of signatures that they carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pycore.ledgers._chainmaker.context import ChainContext, Policy
from pycore.ledgers._chainmaker.messages import EndorsementEntry, Transaction
from pycore.ledgers._chainmaker.signers import MemberKey, Signer
from pycore.ledgers.signing import SignatureBatch
from pycore.verdict import Verdict

_INVOKE = 0
_MAX_TX_ID = 64
# Go's \S: anything but tab, newline, form feed, carriage return and space. The chain's error text promises less than this.
_TX_ID = re.compile(r"[^\t\n\f\r ]{1,64}")
_SENDER, _ENDORSER, _PAYER = "sender", "endorser", "payer"


@dataclass(slots=True)
class Entry:
    """One signature of a transaction."""

    index: int
    who: str
    member: MemberKey
    message: bytes
    signature: bytes


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

    def fault(self, index: int, code: int, detail: str) -> None:
        """Records the first fault of a transaction; later ones do not change its verdict."""
        if self.codes[index] == Verdict.VALID:
            self.codes[index] = code
            self.details[index] = detail


def collect(transactions: Sequence[Transaction], chain_id: str | None, *, in_block: bool) -> Column:
    """Checks every transaction by itself and collects its signatures. `in_block`: it must carry the result of its execution."""
    column = Column(codes=np.full(len(transactions), int(Verdict.VALID), dtype=np.uint8))
    entries = column.entries
    seen: set[str] = set()
    for index, transaction in enumerate(transactions):
        if not transaction.HasField("payload"):
            column.fault(index, Verdict.MALFORMED_ITEM, "no payload")
            continue
        payload = transaction.payload
        tx_id = payload.tx_id
        wrong = _header_fault(payload.chain_id, payload.tx_type, tx_id, payload.timestamp, payload.expiration_time, chain_id)
        if wrong:
            column.fault(index, Verdict.MALFORMED_ITEM, wrong)
        if in_block:
            if tx_id in seen:
                column.duplicates += 1
                column.fault(index, Verdict.MALFORMED_ITEM, "tx_id occurs before in the block")
            seen.add(tx_id)
            _result_fault(column, index, transaction)
        message = payload.SerializeToString()
        if not transaction.HasField("sender"):
            column.fault(index, Verdict.MALFORMED_ITEM, "no sender")
        else:
            _add(column, entries, index, _SENDER, transaction.sender, message)
        for entry in transaction.endorsers:
            _add(column, entries, index, _ENDORSER, entry, message)
        if transaction.HasField("payer"):
            _add(column, entries, index, _PAYER, transaction.payer, message)
    return column


def _header_fault(chain: str, kind: int, tx_id: str, timestamp: int, expiration: int, wanted: str | None) -> str:
    """verifyTxHeader, without the time window that a node's configuration adds."""
    if wanted is not None and chain != wanted:
        return f"chain_id {chain!r}, not {wanted!r}"
    if len(tx_id) > _MAX_TX_ID or (not tx_id.isascii() and len(tx_id.encode()) > _MAX_TX_ID):
        return f"tx_id is longer than {_MAX_TX_ID} bytes"
    if kind == _INVOKE and not _TX_ID.fullmatch(tx_id):
        return "tx_id is empty or has white space"
    if expiration and expiration <= timestamp:
        return "expires before it is made"
    return ""


def _result_fault(column: Column, index: int, transaction: Transaction) -> None:
    if not transaction.HasField("result"):
        column.fault(index, Verdict.MALFORMED_ITEM, "no result")
    elif len(transaction.result.rw_set_hash) != 32:
        length = len(transaction.result.rw_set_hash)
        column.fault(index, Verdict.MALFORMED_ITEM, f"rw_set_hash has {length} bytes, not 32")


def _add(column: Column, entries: list[Entry], index: int, who: str, entry: EndorsementEntry, message: bytes) -> None:
    signer = entry.signer
    if not entry.HasField("signer"):
        column.fault(index, Verdict.MALFORMED_ITEM, f"{who} without a signer")
        return
    member = (signer.member_type, signer.org_id, signer.member_info)
    entries.append(Entry(index, who, member, message, entry.signature))


def enlist(column: Column, signers: dict[MemberKey, Signer], batch: SignatureBatch, time: float) -> None:
    """Puts every signature whose signer is known into the batch; the others get their reason."""
    judged: dict[MemberKey, tuple[int, str]] = {}
    tickets = column.tickets
    for place, entry in enumerate(column.entries):
        member = entry.member
        signer = signers[member]
        verdict = judged.get(member)
        if verdict is None:
            verdict = judged[member] = signer.at(time)
        if verdict[0] == Verdict.VALID and signer.key is not None and signer.hash is not None:
            tickets.append(batch.add(signer.key, signer.hash, entry.message, entry.signature))
        else:
            tickets.append(-1)
            column.refused[place] = verdict


def decide(
    column: Column, transactions: Sequence[Transaction], signers: dict[MemberKey, Signer], codes: NDArray[np.uint8], context: ChainContext
) -> None:
    """Turns the verdicts of signatures into verdicts of transactions, and applies the endorsement policies."""
    strict = context.rules == "strict"
    tickets = np.array(column.tickets, dtype=np.int64)
    outcome = np.full(len(tickets), int(Verdict.UNCHECKED), dtype=np.uint8)
    if len(tickets):
        given = tickets >= 0
        outcome[given] = codes[tickets[given]]
    for place, (code, _) in column.refused.items():
        outcome[place] = code
    for place in np.flatnonzero(outcome != Verdict.VALID).tolist():
        entry = column.entries[place]
        if entry.who == _ENDORSER and not strict:
            column.dropped += 1  # the chain drops an endorsement that does not verify; a policy may miss it
            continue
        code = int(outcome[place])
        reason = column.refused.get(place, (code, ""))[1] or Verdict(code).meaning
        column.fault(entry.index, code, f"{entry.who} {entry.member[1]}: {reason}".replace(" :", ":"))
    if context.policies:
        _apply_policies(column, transactions, signers, outcome, context)


# ---- endorsement policies ---------------------------------------------------------------------------------------------


def _apply_policies(
    column: Column, transactions: Sequence[Transaction], signers: dict[MemberKey, Signer], outcome: NDArray[np.uint8], context: ChainContext
) -> None:
    """Endorsers and sender count together, each member once."""
    valid: dict[int, dict[bytes, Signer]] = {}
    for place, entry in enumerate(column.entries):
        if outcome[place] == Verdict.VALID and entry.who != _PAYER:
            valid.setdefault(entry.index, {}).setdefault(entry.member[2], signers[entry.member])
    organisations = len(context.trust_roots)
    for index, transaction in enumerate(transactions):
        payload = transaction.payload
        policy = context.policies.get(f"{payload.contract_name}-{payload.method}")
        if policy is not None:
            why = unmet(policy, list(valid.get(index, {}).values()), organisations)
            if why:
                column.fault(index, Verdict.POLICY_NOT_MET, why)


def unmet(policy: Policy, signers: Sequence[Signer], organisations: int) -> str:
    """Why a policy is not satisfied by these signers; "" when it is. `organisations`: how many the chain has."""
    rule = policy.rule.upper()
    if rule == "FORBIDDEN":
        return "policy: the resource is forbidden"
    roles = {role.upper() for role in policy.roles} or ({"ADMIN"} if rule == "MAJORITY" else set())
    orgs = set(policy.orgs)
    fit = [s for s in signers if (not roles or s.role in roles) and (not orgs or s.org in orgs)]
    if rule == "ANY":
        return "" if fit else "policy ANY: no signer fits"
    total = len(orgs) or organisations
    present = len({signer.org for signer in fit})
    if rule == "MAJORITY":
        needed, got = total // 2 + 1, present
    elif rule == "ALL":
        needed, got = total, present
    elif "/" in rule:
        share = _fraction(rule)
        if share is None:
            return f"policy: a rule that is not known ({policy.rule})"
        needed, got = -(-(total * share.numerator) // share.denominator), present
    elif rule.isascii() and rule.isdigit():
        needed, got = int(rule), len(fit)
    else:
        return f"policy: a rule that is not known ({policy.rule})"
    return "" if got >= max(needed, 1) else f"policy {policy.rule}: {got} of {needed}"


def _fraction(rule: str) -> Fraction | None:
    try:
        share = Fraction(rule)
    except (ValueError, ZeroDivisionError):
        return None
    return share if 0 < share <= 1 else None
