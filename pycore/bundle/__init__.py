"""Proof bundles: one claim about a chain, and everything that proves it to those who trust a state of that chain.

    bundle = pycore.bundle.make("chainmaker", {"block": block, "index": 0}, Statement("transaction"), trusted)
    report = pycore.bundle.verify(bundle, trusted)
    report.proven, report.facts, report.failed

A bundle is one file for any chain that has ``proofs``: headers, what makes the block final, the path from the item to a
root, the claim (docs/guides/bundles.md). A reader needs the file and a :class:`Trusted` state: the validators or the
checkpoint that it trusts, from wherever that trust comes. Nothing else is asked, and nobody.

States move forward by bundles alone (:func:`advance`); :class:`TrustStore` keeps them, with how each came about.

The parts are :mod:`pycore.ledgers.proof`'s; each chain's rules are ``pycore.ledgers.get(name).proofs``.
"""

from __future__ import annotations

from pycore.bundle.checking import advance, kinds, make, verify
from pycore.bundle.forms import (
    MAX_BYTES,
    from_bytes,
    from_dict,
    from_json,
    read,
    to_bytes,
    to_dict,
    to_json,
)
from pycore.bundle.report import BundleReport
from pycore.bundle.store import Entry, Step, TrustStore
from pycore.bundle.trust import read_trusted, trusted_to_dict, trusted_to_json
from pycore.ledgers.proof import Bundle, Inclusion, Statement, Trusted

__all__ = [
    "MAX_BYTES",
    "Bundle",
    "BundleReport",
    "Entry",
    "Inclusion",
    "Statement",
    "Step",
    "TrustStore",
    "Trusted",
    "advance",
    "from_bytes",
    "from_dict",
    "from_json",
    "kinds",
    "make",
    "read",
    "read_trusted",
    "to_bytes",
    "to_dict",
    "to_json",
    "trusted_to_dict",
    "trusted_to_json",
    "verify",
]
