"""The parameters of a generated ledger."""

from __future__ import annotations

from dataclasses import dataclass

from pycore.errors import InputError

_NAMES = {
    "chain": ("chainmaker",),
    "suite": ("sm2", "p256"),
    "authentication": ("certificate", "key"),
    "consensus": ("tbft", "maxbft"),
}
_LEAST = {
    "blocks": 1,
    "txs_per_block": 1,
    "signers": 1,
    "organisations": 1,
    "invalid_every": 0,
    "endorsed_every": 0,
    "events": 0,
}


@dataclass(frozen=True, slots=True)
class LedgerParameters:
    """The parameters of a generated ledger; two ledgers with equal parameters are equal byte for byte."""

    chain: str
    blocks: int
    txs_per_block: int
    suite: str
    signers: int
    seed: int
    invalid_every: int
    organisations: int
    endorsed_every: int
    authentication: str = "certificate"
    consensus: str = "tbft"
    events: int = 0

    def check(self) -> None:
        """InputError that names the first field with an unknown name or a number that is too small."""
        for field, known in _NAMES.items():
            if getattr(self, field) not in known:
                raise InputError(field, repr(getattr(self, field)), f"one of {', '.join(known)}")
        for field, least in _LEAST.items():
            if getattr(self, field) < least:
                raise InputError(field, str(getattr(self, field)), f"{least} or more")
