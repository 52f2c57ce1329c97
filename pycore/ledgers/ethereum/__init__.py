"""Ethereum's execution blocks: headers, transactions, receipts and tries, without executing anything.

    ledger = pycore.ledgers.get("ethereum")
    report = ledger.validate_block(block, {"chain_id": 1, "block_hash": "0x..."})
    report.valid, report.complete, report.failed, report.transactions

The checks of a block, in the report's order (guide: docs/guides/ethereum.md):

    height previous_hash  against the context
    block_hash            of an RPC answer: the hash that it states
    trusted_block         the hash that the context knows from elsewhere
    transactions          form and signature of each, and its sender
    chain_id              whether the chain's number was known to compare with
    tx_root ommers_hash withdrawals_root
                          recomputed from the content
    receipt_root          from the context's receipts, where it has them

A block is final only by hash links from a block that is trusted: an execution block carries no certificate, and neither
proof of work nor the beacon chain's votes are checked. So `trusted_block` is skipped, and the report not complete,
unless the context says which hash the block has to have. Not checked either: state and receipts as outcomes of
execution, gas, fees, logs blooms, blobs, requests.

Rules. `strict` demands low s (EIP-2); `compatible` also takes the signatures of blocks before Homestead.
"""

from __future__ import annotations

from pycore.ledgers.ethereum.context import EthereumContext
from pycore.ledgers.ethereum.ledger import LEDGER, Ethereum

__all__ = ["LEDGER", "Ethereum", "EthereumContext"]
