"""FISCO BCOS 3.x and 2.x: validates blocks, transactions, certificates and proofs, without executing anything.

    ledger = pycore.ledgers.get("fisco-bcos")
    report = ledger.validate_block(block, FiscoContext(hash="sm3", sealers=(...), chain_id="chain0", group_id="group0"))
    report.valid, report.complete, report.failed, report.transactions

Guides: docs/guides/fisco.md; of 2.x docs/guides/fisco-2.md. The generation is a field of the context, and an argument
of calls without one. A block is serialised (Tars; 2.x: RLP), or what a node answers over JSON-RPC. The checks of 3.x,
in the report's order:

    structure            the header has every part, in the lengths that make its hash mean one thing
    height previous_hash as the context says
    block_hash           the stated hash against H(header)
    sealer_list          the trusted sealers, in order, with their weights; or another list that they vouch for
    certificate quorum   every signature over the block hash; weights of more than two thirds
    chain_id group_id    only where the context lacks them; else they count in the verdicts
    transactions         every transaction by itself: :mod:`pycore.ledgers.fisco.v3_transactions`
    listed_hashes        where the block lists hashes of transactions
    tx_root              Merkle root over the transactions' hashes
    receipts             one for each transaction, of this block, with its stated hash
    receipt_root         Merkle root over the receipts' hashes
    log_bounds           with events: passes under `compatible` alone, as no hash says where a log begins
    context_change       in runs and blocks: the list of sealers for the next block is another one

Rules. `compatible` accepts what the chain's code (3.x, as read in public copies) accepts; `strict`, the default, also
refuses: a header of another form; a certificate with a sealer twice, with a recovery id that is not right, or SM2
signatures of more than 64 bytes; a block without transactions whose certificate does not hold (`compatible`: skipped);
transactions beyond their block limit, with a nonce that is in the block already or among `recent_nonces`, or with a
stated sender that is not their signature's; receipts of another block; Ethereum transactions with a high s or with
fields next to the payload that do not agree with it; Merkle proofs without position and count, or of another shape.

Not checked, because it takes state or execution: state roots, results of receipts, gas, balances, permissions, nonces
of earlier blocks that the context does not list, whose turn it was. Nothing in a block commits to the signatures of its
transactions: each is checked, but a copy of the block may hold another one over the same hash.
"""

from __future__ import annotations

from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.ledger import LEDGER, Fisco

__all__ = ["LEDGER", "Fisco", "FiscoContext"]
