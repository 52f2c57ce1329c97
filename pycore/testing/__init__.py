"""Test data: keys, signatures and whole ledgers that follow from a seed.

Everything made here is for tests, demonstrations and benchmarks. The private keys can be computed by anybody.
"""

from __future__ import annotations

from .ledger import GeneratedLedger, generate_ledger
from .parameters import LedgerParameters
from .signatures import TAMPERINGS, generate_signatures, tamper
from .tampering import DEFAULT_KINDS, KINDS, Tampering

__all__ = [
    "DEFAULT_KINDS",
    "KINDS",
    "TAMPERINGS",
    "GeneratedLedger",
    "LedgerParameters",
    "Tampering",
    "generate_ledger",
    "generate_signatures",
    "tamper",
]
