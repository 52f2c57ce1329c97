"""The answers of a ledger's validator: named checks; of a block also one verdict per transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pycore.base.verdicts import Verdict, Verdicts


@dataclass(frozen=True, slots=True)
class Check:
    """One named check.

    name     constant, for example "tx_root"
    ok       True passed, False failed, None skipped
    got      what the block holds: text, a number, bytes, or None
    wanted   what was recomputed or is required
    detail   in words: why it failed or was skipped; else ""
    certainty
             "read" where the rule was only read in the source of the chain's software: no published data has confirmed
             it; else ""
    """

    name: str
    ok: bool | None
    got: Any = None
    wanted: Any = None
    detail: str = ""
    certainty: str = ""

    @property
    def status(self) -> str:
        """ "passed", "failed" or "skipped"."""
        return "skipped" if self.ok is None else "passed" if self.ok else "failed"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; bytes in hexadecimal."""
        got, wanted = shown(self.got), shown(self.wanted)
        found = {"name": self.name, "status": self.status, "got": got, "wanted": wanted, "detail": self.detail}
        return {**found, "certainty": self.certainty} if self.certainty else found

    def __str__(self) -> str:
        if self.ok:
            return f"{self.name}: passed"
        if self.ok is None:
            return f"{self.name}: skipped, {self.detail}"
        why = f" ({self.detail})" if self.detail else ""
        return f"{self.name}: failed, got {shown(self.got)}, wanted {shown(self.wanted)}{why}"


@dataclass(frozen=True, slots=True)
class TransactionFault:
    """Why one transaction is not valid."""

    index: int
    verdict: Verdict
    tx_id: str
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"index": self.index, "verdict": self.verdict.name, "tx_id": self.tx_id, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Event:
    """One event that a transaction with a successful result put out.

    transaction  its position in the block      tx_id     as the chain writes it
    contract     name or address, as the chain writes it
    topic        name or hexadecimal, as the chain writes it
    data         the event's values in order: text, or bytes in hexadecimal where the chain has no text
    """

    transaction: int
    tx_id: str
    contract: str
    topic: str
    data: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """The outcome of a validation.

    ``valid``      no check failed: "nothing wrong was found in what could be checked".
    ``complete``   no check was skipped because something is not known. Accept on ``valid and complete``.
    """

    chain: str
    rules: str
    checks: tuple[Check, ...]

    @property
    def valid(self) -> bool:
        """Whether no executed check failed."""
        return all(check.ok is not False for check in self.checks)

    @property
    def complete(self) -> bool:
        """Whether every check was executed."""
        return all(check.ok is not None for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.ok is False)

    @property
    def skipped(self) -> tuple[Check, ...]:
        """The checks that were not executed."""
        return tuple(check for check in self.checks if check.ok is None)

    def check(self, name: str) -> Check:
        """The check of that name; KeyError when it was not part of the validation."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: bytes in hexadecimal."""
        return {
            "chain": self.chain,
            "rules": self.rules,
            "valid": self.valid,
            "complete": self.complete,
            "checks": [check.to_dict() for check in self.checks],
        }


@dataclass(frozen=True, kw_only=True)
class BlockReport(Report):
    """The outcome of one block's validation; `valid` also means that every transaction is.

    ``events``     of its transactions, in order, where the validator was asked for them; they are not sent over gRPC.
    ``time``       the time stamp of its header in Unix seconds, None where the chain's validator does not give it; not
                   sent over gRPC either.
    """

    height: int
    block_hash: bytes
    transactions: Verdicts
    faults: tuple[TransactionFault, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    events: tuple[Event, ...] | None = None
    time: float | None = None

    @property
    def valid(self) -> bool:
        """Whether no executed check failed, and every transaction is valid."""
        return super().valid and self.transactions.all_valid

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: bytes in hexadecimal, verdicts by name."""
        return {
            "chain": self.chain,
            "rules": self.rules,
            "height": self.height,
            "block_hash": self.block_hash.hex(),
            "valid": self.valid,
            "complete": self.complete,
            "checks": [check.to_dict() for check in self.checks],
            "transactions": len(self.transactions),
            "invalid_transactions": [fault.to_dict() for fault in self.faults],
            "counts": dict(self.counts),
            "timings": dict(self.timings),
        }


@dataclass(frozen=True, kw_only=True)
class FabricReport(BlockReport):
    """The outcome of a Fabric block.

    A block holds invalid transactions as well: they are marked, not left out, and the block stands. So `valid` means
    that no check failed; which transactions count is in `transactions` and `codes`. A transaction that is marked as
    valid and is not fails the check `validation_codes`.

    ``codes``  Fabric's validation codes, a byte for each transaction, as far as block and context decide them: 254
               for those that could not be judged
    """

    codes: bytes = b""

    @property
    def valid(self) -> bool:
        """Whether no executed check failed."""
        return Report.valid.fget(self)  # type: ignore[attr-defined,no-any-return]


def shown(value: Any) -> Any:
    """A value of a check as text, number or None; bytes in hexadecimal."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
