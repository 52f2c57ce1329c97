"""A request that several members sign one after the other: whether the votes so far decide it.

The chain keeps the request and its votes in the ledger, in one record of the contract MULTI_SIGN, which the block's
write sets and a query show. The record tells who signed what, so it can be judged without the ledger: by the row of the
contract and method that the request would call, from the votes alone - who sends the transactions does not count.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore._pb.ledgers.chainmaker.v1 import transaction_pb2
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError
from pycore.identities.collector import SignatureBatch
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.digests import HASH_ORDER
from pycore.ledgers.chainmaker.messages import parse_bounded, shorten
from pycore.ledgers.chainmaker.policy import Electorate, Voter, fits, judge
from pycore.ledgers.chainmaker.rows import SENDER_JOINS_FROM, Policy
from pycore.ledgers.chainmaker.signers import TrustStore, trust_store
from pycore.ledgers.chainmaker.votes import member_of

CONTRACTS = ("CONTRACT_MANAGE", "CHAIN_CONFIG", "CERT_MANAGE", "ACCOUNT_MANAGER")
"""System contracts that such a request may call."""
MAX_VOTES = 1 << 12
"""Votes of a record that are read."""
PASSED, REFUSED, PROCESSING, NOT_TAKEN = "PASSED", "REFUSED", "PROCESSING", "NOT_TAKEN"


@dataclass(frozen=True)
class MultiSign:
    """The state of a request by its votes.

    status      "PASSED": enough agree; "REFUSED": enough reject; "PROCESSING": neither; "NOT_TAKEN": the chain takes no
                such request; None: the context does not tell enough
    recorded    the status in the record, in the chain's spelling: there "ADOPTED" and "FAILED" follow on "PASSED"
    votes       one verdict per vote: VALID where it counts, POLICY_NOT_MET where its signer has voted before or is not
                one of the row's, else what is wrong with its signature or its signer
    details     why, per vote; "" where it counts
    why         of the status, in words
    """

    status: str | None
    recorded: str
    votes: Verdicts
    details: tuple[str, ...]
    why: str = ""


def judge_record(
    record: bytes, context: ChainContext, *, block_version: int | None = None, threads: int | None = None
) -> MultiSign:
    """Judges a MultiSignInfo by its votes, as nodes from release 2.3.3 on do in blocks of version 2030300 and later.

    record          the serialised record: a value that the contract MULTI_SIGN writes, or what a query answers
    context         hash, members and policies, as for transactions
    block_version   of the block whose write it is; None: the context's, else what the release writes

    Raises:
        InputError: the record does not parse or has more than MAX_VOTES votes; the rows of block version and release
            are those of before; a chain of public keys whose hash the context does not name; no time to judge by.

    A vote whose signature does not hold would not have been recorded, so it is not counted; `votes` says so.
    """
    info = parse_bounded(transaction_pb2.MultiSignInfo, record, "record", (5,), MAX_VOTES)
    if context.hash is None and not context.by_certificate:
        raise InputError("context.hash", got="None", wanted="the chain's hash: its public keys sign with it")
    if context.clock == "block_timestamp":
        raise InputError("context.clock", got="'block_timestamp'", wanted="'now' or 'none': a record has no time")
    store = trust_store(context, context.hash or HASH_ORDER[0])
    rules = AccessRules(context, block_version, admins=store.admins)
    if not rules.rows.staged:
        raise InputError(
            "block_version",
            got=f"rows of release {context.release}",
            wanted=f"{SENDER_JOINS_FROM} or later, from 2.3.3",
        )
    voters, codes, details = _voters(info, store, context, threads)
    row, why = _row(info, rules)
    if row is None:
        return MultiSign(NOT_TAKEN, _recorded(info), Verdicts(codes), tuple(details), why)
    counted: dict[bool, list[Voter]] = {True: [], False: []}
    seen: set[object] = set()
    roles = frozenset({"ADMIN"}) if row.rule == "MAJORITY" else row.role_set
    orgs = frozenset() if rules.electorate.public or row.rule == "MAJORITY" else row.org_set
    for place, (vote, voter) in enumerate(zip(info.vote_infos, voters, strict=True)):
        if voter is None:
            continue
        if voter.role is None and roles:
            return MultiSign(None, _recorded(info), Verdicts(codes), tuple(details), "a voter's role is not known")
        if voter.who in seen or not fits(voter, orgs, roles):
            codes[place] = Verdict.POLICY_NOT_MET
            details[place] = "has voted before" if voter.who in seen else "is not one of those who decide"
            continue
        seen.add(voter.who)
        counted[vote.vote == transaction_pb2.VOTE_STATUS_AGREE].append(voter)
    status, why = _decide(row, counted[True], counted[False], rules.electorate)
    return MultiSign(status, _recorded(info), Verdicts(codes), tuple(details), why)


def _voters(
    info: transaction_pb2.MultiSignInfo, store: TrustStore, context: ChainContext, threads: int | None
) -> tuple[list[Voter | None], NDArray[np.uint8], list[str]]:
    """Per vote: who signed it where that holds, its verdict, and why it does not."""
    strict = context.rules == "strict"
    at = time.time() if context.time is None and context.clock == "now" else context.time
    entries = [vote.endorsement for vote in info.vote_infos]
    signers = store.resolve({member_of(entry) for entry in entries}, at)
    batch = SignatureBatch(der_rules="strict" if strict else "go", threads=threads)
    message = info.payload.SerializeToString()
    codes = np.full(len(entries), Verdict.MALFORMED_ITEM, np.uint8)
    details = [""] * len(entries)
    tickets: dict[int, int] = {}
    for place, (vote, entry) in enumerate(zip(info.vote_infos, entries, strict=True)):
        signer = signers[member_of(entry)]
        code, details[place] = signer.at(at)
        if vote.vote not in (transaction_pb2.VOTE_STATUS_AGREE, transaction_pb2.VOTE_STATUS_REJECT):
            details[place] = f"neither agrees nor rejects: {vote.vote}"
        elif code == Verdict.VALID and signer.key is not None and signer.hash is not None:
            tickets[place] = batch.add(signer.key, signer.hash, message, entry.signature)
        else:
            codes[place] = code
    outcome = batch.run()
    for place, ticket in tickets.items():
        codes[place] = outcome[ticket]
        details[place] = "" if outcome[ticket] == Verdict.VALID else Verdict(int(outcome[ticket])).meaning
    found = [
        store.voter(signers[member_of(entry)]) if code == Verdict.VALID else None
        for entry, code in zip(entries, codes.tolist(), strict=True)
    ]
    return found, codes, details


def _row(info: transaction_pb2.MultiSignInfo, rules: AccessRules) -> tuple[Policy | None, str]:
    """The row that decides, or why the chain takes no such request."""
    if info.contract_name not in CONTRACTS:
        return None, f"a request to call {shorten(info.contract_name)!r}, not one of {', '.join(CONTRACTS)}"
    resource = f"{info.contract_name}-{info.method}"
    row = rules.rows.endorsement(resource)
    if row is None:
        return None, f"no row for {shorten(resource)}"
    if row.rule in ("SELF", "FORBIDDEN"):
        return None, f"the row of {shorten(resource)} is {row.rule}"
    return row, ""


def _decide(row: Policy, agreed: Sequence[Voter], rejected: Sequence[Voter], who: Electorate) -> tuple[str | None, str]:
    passed = judge(row, agreed, who)
    if passed.ok:
        return PASSED, ""
    # As read, rejections have to meet the same row; of a majority, half of all is enough, and there entries count.
    refused = judge(row, rejected, who)
    total = who.admins if who.public else len(who.organisations)
    half = len(rejected) if who.public or not who.strict else len({voter.org for voter in rejected})
    if refused.ok or (row.rule == "MAJORITY" and total and 2 * half == total):
        return REFUSED, "enough reject"
    if passed.ok is None or refused.ok is None:
        return None, passed.why or refused.why
    return PROCESSING, passed.why


def _recorded(info: transaction_pb2.MultiSignInfo) -> str:
    name = transaction_pb2.MultiSignStatus.DESCRIPTOR.values_by_number.get(info.status)
    return name.name.removeprefix("MULTI_SIGN_STATUS_") if name else str(info.status)
