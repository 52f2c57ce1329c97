"""The one shape into which every file of signature cases is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SignatureCase:
    label: str  # the source's own number or name for the case
    public_key: bytes
    signature: bytes
    message: bytes
    valid: bool


@dataclass
class SignatureBatch:
    """Cases that go into one call: one scheme, one set of options of ``pycore.verify_batch``."""

    source: str  # path inside the vectors folder
    scheme: str
    cases: list[SignatureCase] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def columns(self) -> tuple[list[bytes], list[bytes], list[bytes]]:
        return (
            [case.public_key for case in self.cases],
            [case.signature for case in self.cases],
            [case.message for case in self.cases],
        )
