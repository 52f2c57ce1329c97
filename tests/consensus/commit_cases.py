"""Signed headers and how they are judged, for the tests of commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pycore.consensus import CommitReport, ValidatorSet, verify_commit
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft import messages as m
from pycore.testing.cometbft import Chain, Signer

SET_MODES = ("light", "full", "all")
TRUSTING = ("trusting", "trusting-all")


def set_of(signers: Sequence[Signer]) -> ValidatorSet:
    return ValidatorSet([one.validator for one in signers])


def made(
    powers: Sequence[int] | int = 10,
    count: int = 6,
    *,
    absent: Sequence[int] = (),
    nil: Sequence[int] = (),
    schemes: Sequence[str] = ("ed25519",),
) -> tuple[list[Signer], m.SignedHeader]:
    chain = Chain(blocks=1, validators=count, powers=powers, absent=absent, nil=nil, schemes=schemes, seed=3)
    return chain.signers[0], chain.signed_header(0)


def wire(header: m.SignedHeader) -> bytes:
    return encoding.signed_header(header)


def judge(signers: Sequence[Signer], header: m.SignedHeader, mode: str = "light", **more: Any) -> CommitReport:
    return verify_commit(set_of(signers), wire(header), mode=mode, form="wire", **more)


def with_slot(header: m.SignedHeader, at: int, **changes: Any) -> m.SignedHeader:
    slots = list(header.commit.signatures)
    slots[at] = replace(slots[at], **changes)
    return replace(header, commit=replace(header.commit, signatures=tuple(slots)))


def forged(header: m.SignedHeader, at: int) -> m.SignedHeader:
    signature = header.commit.signatures[at].signature
    return with_slot(header, at, signature=signature[:40] + bytes([signature[40] ^ 1]) + signature[41:])


def names(report: CommitReport) -> list[str]:
    return [check.name for check in report.checks]


def failed(report: CommitReport) -> list[str]:
    return [check.name for check in report.failed]


def sound(report: CommitReport) -> bool:
    return report.valid and report.complete
