"""FISCO BCOS 3.x and 2.x: validates blocks, transactions, certificates and proofs, without executing anything.

ledger = pycore.ledgers.get("fisco-bcos")
report = ledger.validate_block(block, FiscoContext(hash="sm3", sealers=(...), chain_id="chain0", group_id="group0"))
report.valid, report.complete, report.failed, report.transactions
"""

from __future__ import annotations

from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.ledger import LEDGER, Fisco

__all__ = ["LEDGER", "Fisco", "FiscoContext"]
