"""A block of FISCO BCOS 3.x: every check, in the report's order."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.report import BlockReport, Check, Event, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts
from pycore.ledgers.fisco import v3_changes, v3_header, v3_merkle
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v3_certificate import Certificate, certify
from pycore.ledgers.fisco.v3_hashes import (
    LOG_BOUNDS,
    RC4_VERSION,
    parted_receipts,
    receipt_messages,
    transaction_messages,
)
from pycore.ledgers.fisco.v3_header import Header, hash_name, header_of
from pycore.ledgers.fisco.v3_records import BLOCK_PLAN, read
from pycore.ledgers.fisco.v3_transactions import Judged, judge
from pycore.ledgers.runs import Step
from pycore.ledgers.scan import PARENT, Tables

Rows = NDArray[np.uint8]
MAX_FAULTS = 1 << 12
"""Transactions of which a report says in words what is wrong; verdicts are of all."""


@dataclass(eq=False)
class Receipts:
    """The receipts of a block.

    Attributes:
        count: receipts that the block has.
        hashes: uint8 (n, 32), recomputed, or as the block lists them where it has no receipts; None: nothing to
            check the root with.
        checks: `receipts`, `receipt_root`.
        proven: whether the receipts are there and the root is theirs.
    """

    count: int
    hashes: Rows | None
    checks: tuple[Check, ...]
    proven: bool


def validate(data: bytes, context: FiscoContext, threads: int | None, events: bool) -> tuple[BlockReport, FiscoContext]:
    """The report of a block, and the context of the next one."""
    begun = time.perf_counter()
    tables = read(BLOCK_PLAN, data, "block")
    header = header_of(tables, "block")
    hash = hash_name(header, context.hash, "context.hash")
    opened = time.perf_counter()
    block_hash = header.hash(hash)
    whole, listed = len(tables["tx"]), len(tables["meta"])
    receipts: list[Receipts] = []

    def look_at_receipts() -> None:  # while signatures are verified, which leaves the interpreter free
        receipts.append(_receipts(tables, header, hash, whole or listed, 1, strict=context.strict))

    beside = parallel.start_tasks([look_at_receipts], parallel.resolve_threads(threads))
    try:
        judged = judge(tables, hash, context, header.number, threads)
        verified = time.perf_counter()
        beside.finish()
    except BaseException:
        beside.abandon()
        raise
    certificate = certify(header, hash, block_hash, context, empty=not (whole or listed))
    checks = [
        v3_header.structure(header, present=bool(len(tables["header"])), strict=context.strict),
        *v3_header.place(header, context),
        v3_header.stated_hash(header, block_hash),
        *certificate.checks,
        *_configured(tables, context),
        *_transactions(tables, header, judged, hash, threads),
        *receipts[0].checks,
        *(_log_bounds(tables, receipts[0], context) if events else ()),
    ]
    verdicts, faults = _verdicts(tables, judged)
    report = BlockReport(
        chain="fisco-bcos",
        rules=context.rules,
        checks=tuple(checks),
        height=max(header.number, 0),
        block_hash=block_hash,
        transactions=verdicts,
        faults=faults,
        counts={"transactions": whole or listed, "signatures": whole + len(header.signatures)},
        timings={"open": opened - begun, "transactions": verified - opened, "all": time.perf_counter() - begun},
        events=_told(tables, judged, receipts[0], whole or listed) if events else None,
        time=None if header.version == RC4_VERSION else header.timestamp / 1000,
    )
    return _moved(report, context, tables, hash, header, certificate, receipts[0])


def step(data: bytes, context: FiscoContext, threads: int | None, events: bool = False) -> Step:
    """One block of a run."""
    report, following = validate(data, context, threads, events)
    return Step(report, following)


def _configured(tables: Tables, context: FiscoContext) -> list[Check]:
    """What of the rules for transactions is not configured; those that are count in the verdicts."""
    missing = [name for name in ("chain_id", "group_id") if len(tables["tx"]) and getattr(context, name) is None]
    return [Check(name, None, detail=f"context.{name} is not known") for name in missing]


def _transactions(
    tables: Tables, header: Header, judged: Judged, hash: str, threads: int | None
) -> list[Check]:  # fmt: skip
    """The verdicts together, the hashes that the block lists next to them, and the root over them."""
    n, meta = len(judged.codes), tables.span("meta", "hash")
    listed = meta.items() if len(meta) else []
    sound = all(len(one) == 32 for one in listed)
    bad = int(np.count_nonzero(judged.codes != int(Verdict.VALID)))
    certainty = "read" if judged.read_only else ""
    checks = []
    if n:
        checks.append(Check("transactions", not bad, got=f"{bad} of {n} not valid", wanted="0", certainty=certainty))
    elif listed:
        checks.append(Check("transactions", None, detail="the block has only the hashes of its transactions"))
    if n and listed:
        same = sound and len(listed) == n and (v3_header.matrix(listed) == judged.hashes).all()
        wanted = "the hashes of the transactions, in order"
        checks.append(Check("listed_hashes", bool(same), got=f"{len(listed)} hashes", wanted=wanted))
    elif listed:
        checks.append(Check("listed_hashes", sound, got=f"{len(listed)} hashes", wanted="32 bytes each"))
    leaves = judged.hashes if n or not sound else v3_header.matrix(listed)
    root = v3_merkle.root(hash, leaves, threads)
    right = v3_header.is_empty_root(header.tx_root) if not len(leaves) else header.tx_root == root
    checks.append(Check("tx_root", right, got=header.tx_root, wanted=root))
    return checks


def _receipts(
    tables: Tables, header: Header, hash: str, transactions: int, threads: int | None, *, strict: bool
) -> Receipts:  # fmt: skip
    """The receipts against their own hashes, the height, and the root."""
    n, listed = len(tables["receipt"]), tables.span("receipt_hash").items()
    if not n and not listed and transactions:
        detail = "the block has no receipts"
        return Receipts(0, None, (Check("receipt_root", None, got=header.receipt_root, detail=detail),), False)
    checks = []
    hashes = np.empty((0, 32), np.uint8)
    if n:
        hashes = receipt_messages(tables).hashes(hash, threads)
        stated = tables.span("receipt", "data_hash")
        ends = np.arange(1, n + 1, dtype=np.int64) * 32
        own = type(stated).of(hashes.reshape(-1), ends - 32, ends)
        wrong = (stated.lengths > 0) & ~stated.equal(own)
        if strict:
            wrong |= tables.number("receipt", "data.block_number") != header.number
        faults = [f"receipt {i}" for i in np.flatnonzero(wrong)[:4].tolist()]
        if n != transactions:
            faults.append(f"{n} receipts of {transactions} transactions")
        wanted = "one for each transaction, of this block, with its own hash"
        checks.append(Check("receipts", not faults, got=", ".join(faults) or f"{n} receipts", wanted=wanted))
    elif listed:
        if not all(len(one) == 32 for one in listed) or len(listed) != transactions:
            got = f"{len(listed)} hashes of receipts"
            return Receipts(0, None, (Check("receipt_root", False, got=got, wanted=f"{transactions}"),), False)
        hashes = v3_header.matrix(listed)
    root = v3_merkle.root(hash, hashes, threads)
    right = v3_header.is_empty_root(header.receipt_root) if not len(hashes) else header.receipt_root == root
    checks.append(Check("receipt_root", right, got=header.receipt_root, wanted=root))
    return Receipts(n, hashes, tuple(checks), bool(n) and all(check.ok for check in checks))


def _verdicts(tables: Tables, judged: Judged) -> tuple[Verdicts, tuple[TransactionFault, ...]]:
    faults = []
    for row in np.flatnonzero(judged.codes != int(Verdict.VALID))[:MAX_FAULTS].tolist():
        tx_id = "0x" + judged.hashes[row].tobytes().hex()
        faults.append(TransactionFault(row, Verdict(int(judged.codes[row])), tx_id, judged.details[row]))
    return Verdicts(judged.codes), tuple(faults)


def _log_bounds(tables: Tables, receipts: Receipts, context: FiscoContext) -> list[Check]:
    """Whether the logs are those that contracts put out. Whoever passes a block on may have moved bytes between a
    receipt's output and its logs, or into its status where gas and address do not bound that."""
    if not receipts.proven:
        return []
    plain = bool(parted_receipts(tables).all())
    detail = LOG_BOUNDS if plain else "gas or an address in a form from which nothing parts the status"
    return [Check("log_bounds", True if plain and not context.strict else None, detail=detail, certainty="read")]


def _told(tables: Tables, judged: Judged, receipts: Receipts, transactions: int) -> tuple[Event, ...] | None:
    """The events; None where the receipts do not say them."""
    if not transactions and not len(tables["receipt"]):
        return ()
    return tuple(_events(tables, judged)) if receipts.proven else None


def _events(tables: Tables, judged: Judged) -> list[Event]:
    """The logs of transactions that succeeded. Topics and data are hexadecimal."""
    found = []
    status = tables.number("receipt", "data.status").tolist()
    owners, of = tables["log"][:, PARENT].tolist(), tables["topic"][:, PARENT]
    addresses, data = tables.span("log", "address").items(), tables.span("log", "data").items()
    bounds = np.searchsorted(of, np.arange(len(owners) + 1)).tolist()
    topics = tables.span("topic").items()
    for log, owner in enumerate(owners):
        if status[owner] != 0 or owner >= len(judged.hashes):
            continue
        first, *others = [one.hex() for one in topics[bounds[log] : bounds[log + 1]]] or [""]
        tx_id = "0x" + judged.hashes[owner].tobytes().hex()
        contract = addresses[log].decode("latin-1")
        found.append(Event(owner, tx_id, contract, first, (*others, data[log].hex())))
    return found


def _moved(
    report: BlockReport, context: FiscoContext, tables: Tables, hash: str, header: Header, certificate: Certificate,
    receipts: Receipts,
) -> tuple[BlockReport, FiscoContext]:  # fmt: skip
    """The context of the next block: by a list that the trusted nodes vouch for, and by the transactions of this block
    that change the list."""
    if not report.valid or not context.sealers:
        return report, context
    following = context
    if certificate.changed:
        names = tuple(sealer.hex() for sealer in header.sealers)
        following = context.replace(sealers=names, weights=header.weights)
    change = v3_changes.of_block(tables, hash, following, proven=receipts.proven)
    following = change.context
    checks = []
    if following != context:
        moved = [name for name in ("sealers", "weights") if getattr(following, name) != getattr(context, name)]
        checks.append(Check("context_change", True, got=", ".join(moved), detail=change.detail, certainty="read"))
    elif change.detail:
        checks.append(Check("context_change", None, detail=change.detail, certainty="read"))
    return dataclasses.replace(report, checks=(*report.checks, *checks)), following


def digests(data: bytes, hash: str | None) -> dict[str, Any]:
    """A block's hashes, recomputed; "receipt_root" b"" where it has no receipts."""
    tables = read(BLOCK_PLAN, data, "block")
    header = header_of(tables, "block")
    name = hash_name(header, hash, "hash")
    hashes = transaction_messages(tables).hashes(name)
    receipts = receipt_messages(tables).hashes(name) if len(tables["receipt"]) else None
    return {
        "block_hash": header.hash(name),
        "tx_root": v3_merkle.root(name, hashes),
        "receipt_root": b"" if receipts is None else v3_merkle.root(name, receipts),
        "tx_hashes": [row.tobytes() for row in hashes],
    }
