"""Reports of bundles as messages, and back."""

from __future__ import annotations

import json

from pycore.bundle.report import BundleReport
from pycore.wire.reports import from_checks, to_checks
from pycore.wire.schema import bundle_pb2


def to_bundle_report(report: BundleReport) -> bundle_pb2.BundleReport:
    """A report for sending."""
    return bundle_pb2.BundleReport(
        chain=report.chain,
        chain_id=report.chain_id,
        rules=report.rules,
        kind=report.kind,
        height=report.height,
        block_hash=report.block_hash,
        time=report.time,
        proven=report.proven,
        valid=report.valid,
        complete=report.complete,
        checks=to_checks(report.checks),
        certified_by=report.certified_by,
        facts_json=facts_json(report),
    )


def from_bundle_report(message: bundle_pb2.BundleReport) -> BundleReport:
    """A received report; its to_dict equals the one of the report that was sent."""
    return BundleReport(
        chain=message.chain,
        rules=message.rules,
        checks=from_checks(message.checks),
        chain_id=message.chain_id,
        kind=message.kind,
        height=message.height,
        block_hash=message.block_hash,
        time=message.time if message.HasField("time") else None,
        certified_by=tuple(message.certified_by),
        facts=json.loads(message.facts_json) if message.facts_json else {},
    )


def facts_json(report: BundleReport) -> bytes:
    """The facts as they are sent; b"" where nothing is proven."""
    return json.dumps(report.facts).encode() if report.proven else b""
