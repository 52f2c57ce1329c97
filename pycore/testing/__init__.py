"""Test data: keys, signatures and whole ledgers that follow from a seed.

Everything made here is for tests, demonstrations and benchmarks. The private keys can be computed by anybody.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pycore.base.extras import explain

from .parameters import LedgerParameters
from .signatures import TAMPERINGS, generate_signatures, tamper
from .tampering import DEFAULT_KINDS, KINDS, Tampering

if TYPE_CHECKING:
    from .collectibles import GeneratedCollectibles, generate_collectibles
    from .evidence import GeneratedEvidence, generate_evidence, generate_log
    from .ledger import GeneratedLedger, generate_ledger

__all__ = [
    "DEFAULT_KINDS",
    "KINDS",
    "TAMPERINGS",
    "GeneratedCollectibles",
    "GeneratedEvidence",
    "GeneratedLedger",
    "LedgerParameters",
    "Tampering",
    "generate_collectibles",
    "generate_evidence",
    "generate_ledger",
    "generate_log",
    "generate_signatures",
    "tamper",
]


# Ledgers need the extra "ledgers", signatures nothing.
_LEDGERS = {
    "GeneratedCollectibles": "pycore.testing.collectibles",
    "GeneratedEvidence": "pycore.testing.evidence",
    "GeneratedLedger": "pycore.testing.ledger",
    "generate_collectibles": "pycore.testing.collectibles",
    "generate_evidence": "pycore.testing.evidence",
    "generate_ledger": "pycore.testing.ledger",
    "generate_log": "pycore.testing.evidence",
}


def __getattr__(name: str) -> Any:
    if name in _LEDGERS:
        try:
            return getattr(import_module(_LEDGERS[name]), name)
        except ImportError as error:
            raise ImportError(explain(error), name=error.name) from error
    raise AttributeError(f"module 'pycore.testing' has no attribute {name!r}")
