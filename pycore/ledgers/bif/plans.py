"""Which fields of the chain's messages become columns: see :mod:`pycore.ledgers.scan`."""

from __future__ import annotations

from pycore.ledgers.bif.context import MAX_SIGNERS
from pycore.ledgers.bif.messages import ConsensusValue, LedgerBundle, TransactionEnv
from pycore.ledgers.scan import Plan

MAX_OPERATIONS = 1000
"""Operations of a transaction (chain.proto, Transaction.Limit)."""

BUNDLE = Plan(
    LedgerBundle.DESCRIPTOR,
    {"": "bundle"},
    {
        "bundle": [
            "header",
            "consensus_value",
            "next_proof",
            "validators",
            "previous_proof",
            "finality.next_value",
            "finality.proof",
            "finality.validators",
        ]
    },
)
"""A block's parts."""

CONSENSUS_VALUE = Plan(
    ConsensusValue.DESCRIPTOR,
    {"": "value", "txset.txs": "txs"},
    {"value": ["close_time", "previous_proof", "ledger_seq", "previous_ledger_hash", "ledger_upgrade", "txs"]},
    raw=("txset.txs", "ledger_upgrade", "validation"),
)
"""A consensus value without a look into its transactions."""

TRANSACTION = Plan(
    TransactionEnv.DESCRIPTOR,
    {"": "tx", "signatures": "signature", "transaction.operations": "operation"},
    {
        "tx": [
            "transaction",
            "transaction.source_address",
            "transaction.nonce",
            "transaction.fee_limit",
            "transaction.gas_price",
            "transaction.ceil_ledger_seq",
            "transaction.chain_id",
            "transaction.domain_id",
            "trigger",
        ],
        "signature": ["public_key", "sign_data"],
        "operation": ["type", "source_address"],
    },
    most={"signature": MAX_SIGNERS, "operation": MAX_OPERATIONS},
)
"""A transaction with its signatures and operations."""
