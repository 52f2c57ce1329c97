"""Reports of blocks as messages, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pycore.base.report import BlockReport, Check, FabricReport, TransactionFault
from pycore.base.verdicts import Verdict
from pycore.wire.columns import from_verdicts, to_verdicts
from pycore.wire.schema import block_pb2


@dataclass(frozen=True)
class ReportedBlock:
    """A block of a run as the service reports it.

    Attributes:
        report: what was checked and what came out.
        checkpoint: where the run is after it, JSON-ready; another run may go on from there, here or in process.
    """

    report: BlockReport
    checkpoint: Mapping[str, Any]


_STATUS = {
    True: block_pb2.CHECK_STATUS_PASSED,
    False: block_pb2.CHECK_STATUS_FAILED,
    None: block_pb2.CHECK_STATUS_SKIPPED,
}
_OK = {number: ok for ok, number in _STATUS.items()}


def to_block_report(report: BlockReport) -> block_pb2.BlockReport:
    """A report for sending."""
    return block_pb2.BlockReport(
        chain=report.chain,
        rules=report.rules,
        height=report.height,
        block_hash=report.block_hash,
        valid=report.valid,
        complete=report.complete,
        checks=to_checks(report.checks),
        transactions=to_verdicts(report.transactions),
        invalid_transactions=[
            block_pb2.TransactionFault(
                index=fault.index,
                verdict=int(fault.verdict),  # type: ignore[arg-type]
                tx_id=text_of(fault.tx_id),
                detail=text_of(fault.detail),
            )
            for fault in report.faults
        ],
        counts=dict(report.counts),
        timings=dict(report.timings),
        codes=report.codes if isinstance(report, FabricReport) else None,
    )


def from_block_report(message: block_pb2.BlockReport) -> BlockReport:
    """A received report; its to_dict equals the one of the report that was sent."""
    fields: dict[str, Any] = {
        "chain": message.chain,
        "rules": message.rules,
        "height": message.height,
        "block_hash": message.block_hash,
        "checks": from_checks(message.checks),
        "transactions": from_verdicts(message.transactions),
        "faults": tuple(
            TransactionFault(fault.index, Verdict(fault.verdict), fault.tx_id, fault.detail)
            for fault in message.invalid_transactions
        ),
        "counts": dict(message.counts),
        "timings": dict(message.timings),
    }
    return FabricReport(**fields, codes=message.codes) if message.HasField("codes") else BlockReport(**fields)


def to_checks(checks: Iterable[Check]) -> list[block_pb2.BlockCheck]:
    """Checks for sending."""
    return [
        block_pb2.BlockCheck(
            name=check.name,
            status=_STATUS[check.ok],
            got=_to_value(check.got),
            wanted=_to_value(check.wanted),
            detail=text_of(check.detail),
            certainty=check.certainty,
        )
        for check in checks
    ]


def from_checks(messages: Iterable[block_pb2.BlockCheck]) -> tuple[Check, ...]:
    """Received checks."""
    return tuple(
        Check(one.name, _OK[one.status], _from_value(one, "got"), _from_value(one, "wanted"), one.detail, one.certainty)
        for one in messages
    )


def _to_value(value: Any) -> block_pb2.CheckValue | None:
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return block_pb2.CheckValue(flag=bool(value))
    if isinstance(value, (int, np.integer)):
        number = int(value)
        fits = -(1 << 63) <= number < 1 << 63
        return block_pb2.CheckValue(number=number) if fits else block_pb2.CheckValue(large=f"{number:d}")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return block_pb2.CheckValue(data=bytes(value))
    if isinstance(value, float):
        return block_pb2.CheckValue(real=value)
    return block_pb2.CheckValue(text=text_of(value))


def text_of(value: object) -> str:
    """Text that protobuf takes: a lone surrogate, which JSON can smuggle into a context, is shown as its escape."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def _from_value(check: block_pb2.BlockCheck, field: str) -> Any:
    value: block_pb2.CheckValue = getattr(check, field)
    kind = value.WhichOneof("kind") if check.HasField(field) else None
    if kind == "large":
        return int(value.large)
    return None if kind is None else getattr(value, kind)
