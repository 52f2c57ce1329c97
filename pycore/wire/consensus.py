"""Answers about consensus as messages, and back."""

from __future__ import annotations

from pycore.base.report import Report
from pycore.wire.reports import from_checks, to_checks
from pycore.wire.schema import consensus_pb2


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
