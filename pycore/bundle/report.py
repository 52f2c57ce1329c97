"""The outcome of a bundle's verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pycore.base.report import Report


@dataclass(frozen=True, kw_only=True)
class BundleReport(Report):
    """Every condition of a bundle, and what it proves. Believe the facts on `proven`, and nothing without it.

    Attributes:
        chain_id: which chain of its kind.
        kind: of the statement.
        height, block_hash: of the statement's block; 0 and b"" where its header could not be read.
        time: that block's time stamp in Unix seconds, None where it has none.
        certified_by: those whose votes make the block final, as the chain names them; () where it is final because
            later blocks that are trusted follow it, or is not proven to be.
        facts: the statement in words that JSON can hold; empty where it is not proven.
    """

    chain_id: str
    kind: str
    height: int
    block_hash: bytes
    time: float | None = None
    certified_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def proven(self) -> bool:
        """Whether every condition was checked and holds."""
        return bool(self.checks) and self.valid and self.complete

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: bytes in hexadecimal."""
        return {
            "chain": self.chain,
            "chain_id": self.chain_id,
            "rules": self.rules,
            "kind": self.kind,
            "height": self.height,
            "block_hash": self.block_hash.hex(),
            "time": self.time,
            "proven": self.proven,
            "valid": self.valid,
            "complete": self.complete,
            "checks": [check.to_dict() for check in self.checks],
            "certified_by": list(self.certified_by),
            "facts": dict(self.facts),
        }
