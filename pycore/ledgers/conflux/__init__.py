"""Conflux: core transactions, their senders and hashes, addresses, and the hashes of headers.

    ledger = pycore.ledgers.get("conflux")
    ledger.validate_transactions(transactions, {"chain_id": 1029})
    ledger.transaction_sender(transaction)        # 'cfx:aasr6u88dezbsya1y3ea8wkx08592e4pjy2mt07m8y'

Blocks are not validated: their order comes from a graph of proofs of work and their finality from proof of stake, and
nothing here checks either. `validate_block`, `validate_chain`, `verify_certificate` and `verify_inclusion` say so with
InputError. Transactions of eSpace are Ethereum's: use "ethereum" with eSpace's chain id.

Rules. `strict` demands low s and a receiver whose address has a type (user, contract, builtin); `compatible` neither.
The form of legacy transactions, their hashes and senders, and headers of fourteen items are confirmed by published
data; CIP-2930 and CIP-1559 transactions and what newer headers have behind those items are read in public copies of the
code.
"""

from __future__ import annotations

from pycore.ledgers.conflux.context import ConfluxContext
from pycore.ledgers.conflux.ledger import LEDGER, Conflux

__all__ = ["LEDGER", "Conflux", "ConfluxContext"]
