"""Answers about consensus as messages, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from pycore.base.columns import quote
from pycore.base.report import Report
from pycore.consensus import CommitReport, Decision, Ignored
from pycore.consensus.light import LightReport, LightVerdict
from pycore.errors import InputError
from pycore.wire.columns import from_verdicts, to_verdicts
from pycore.wire.reports import from_checks, text_of, to_checks
from pycore.wire.schema import consensus_pb2

_UINT64 = 1 << 64
_VERDICTS = {
    LightVerdict.SUCCESS: consensus_pb2.LIGHT_VERDICT_SUCCESS,
    LightVerdict.NOT_ENOUGH_TRUST: consensus_pb2.LIGHT_VERDICT_NOT_ENOUGH_TRUST,
    LightVerdict.EXPIRED: consensus_pb2.LIGHT_VERDICT_EXPIRED,
    LightVerdict.INVALID: consensus_pb2.LIGHT_VERDICT_INVALID,
}
_VERDICT_OF = {number: verdict for verdict, number in _VERDICTS.items()}


def to_trust_level(level: object) -> consensus_pb2.TrustLevel:
    """A share for sending. InputError where a message cannot hold it."""
    if not isinstance(level, (tuple, list)) or len(level) != 2 or {*map(type, level)} != {int}:
        raise InputError("trust_level", quote(level), "two integers, numerator and denominator")
    numerator, denominator = level
    if not (0 <= numerator < _UINT64 and 0 <= denominator < _UINT64):
        raise InputError("trust_level", quote(level), "a share from 0 to 1")
    return consensus_pb2.TrustLevel(numerator=numerator, denominator=denominator)


def from_trust_level(message: consensus_pb2.TrustLevel | None) -> tuple[int, int]:
    """A share of a request; None: 1/3."""
    return (1, 3) if message is None else (message.numerator, message.denominator)


@contextmanager
def renamed(before: str, after: str) -> Iterator[None]:
    """InputErrors raised inside name their field by its path in the request, from `after` instead of `before` on."""
    try:
        yield
    except InputError as error:
        rest = error.field.removeprefix(before)
        path = rest if rest != error.field and rest[:1] in ("", ".", "[") else f".{error.field}"
        raise type(error)(after + path, error.got, error.wanted) from None


# ---- reports ---------------------------------------------------------------------------------------------------------


def to_report(report: Report) -> consensus_pb2.Report:
    """A report for sending."""
    return consensus_pb2.Report(
        chain=report.chain,
        rules=report.rules,
        valid=report.valid,
        complete=report.complete,
        checks=to_checks(report.checks),
    )


def from_report(message: consensus_pb2.Report) -> Report:
    """A received report; its to_dict equals the one of the report that was sent."""
    return Report(message.chain, message.rules, from_checks(message.checks))


def to_commit_report(report: CommitReport) -> consensus_pb2.CommitReport:
    """A report of a commit for sending."""
    return consensus_pb2.CommitReport(
        report=to_report(report),
        mode=report.mode,
        chain_id=text_of(report.chain_id),
        height=report.height,
        block_hash=report.block_hash,
        decision=None if report.decision is None else _to_decision(report.decision),
        positions=report.positions.tolist(),
        verdicts=to_verdicts(report.verdicts),
    )


def from_commit_report(message: consensus_pb2.CommitReport) -> CommitReport:
    """A received report of a commit; everything is as in the one that was sent."""
    return CommitReport(
        chain=message.report.chain,
        rules=message.report.rules,
        checks=from_checks(message.report.checks),
        mode=message.mode,
        chain_id=message.chain_id,
        height=message.height,
        block_hash=message.block_hash,
        decision=_from_decision(message.decision) if message.HasField("decision") else None,
        positions=np.array(message.positions, np.int64),
        verdicts=from_verdicts(message.verdicts),
    )


def _to_decision(decision: Decision) -> consensus_pb2.QuorumDecision:
    return consensus_pb2.QuorumDecision(
        got=decision.got,
        needed=decision.needed,
        total=decision.total,
        counted=decision.counted,  # type: ignore[arg-type]
        ignored=[
            consensus_pb2.IgnoredVote(index=one.position, position=one.voter, reason=one.reason)  # type: ignore[arg-type]
            for one in decision.ignored
        ],
        objections=decision.objections,
    )


def _from_decision(message: consensus_pb2.QuorumDecision) -> Decision:
    return Decision(
        message.got,
        message.needed,
        message.total,
        tuple(message.counted),
        tuple(Ignored(one.index, one.position, one.reason) for one in message.ignored),
        tuple(message.objections),
    )


def to_light_report(report: LightReport) -> consensus_pb2.LightReport:
    """A report of a light client's steps for sending."""
    return consensus_pb2.LightReport(
        report=to_report(report),
        verdict=_VERDICTS[report.verdict],
        trusted_height=report.trusted_height,
        height=report.height,
        steps=[to_light_report(step) for step in report.steps],
    )


def from_light_report(message: consensus_pb2.LightReport) -> LightReport:
    """A received report of a light client's steps."""
    return LightReport(
        chain=message.report.chain,
        rules=message.report.rules,
        checks=from_checks(message.report.checks),
        verdict=_VERDICT_OF.get(message.verdict, LightVerdict.INVALID),
        trusted_height=message.trusted_height,
        height=message.height,
        steps=tuple(from_light_report(step) for step in message.steps),
    )


def size_of(report: Report) -> int:
    """About how many bytes a report takes to send."""
    size = sum(
        len(str(each)) for check in report.checks for each in (check.name, check.got, check.wanted, check.detail)
    )
    if isinstance(report, CommitReport):
        size += 3 * len(report.positions)
        if report.decision is not None:
            size += 3 * len(report.decision.counted) + sum(map(len, report.decision.objections))
            size += sum(len(one.reason) + 8 for one in report.decision.ignored)
    if isinstance(report, LightReport):
        size += sum(map(size_of, report.steps))
    return size
