"""Which fields of ChainMaker's messages become columns: see :mod:`pycore.ledgers.scan`."""

from __future__ import annotations

from pycore.ledgers.chainmaker.messages import Block, BlockInfo, Transaction, TxRWSet
from pycore.ledgers.scan import Plan

MAX_ENDORSERS = 1 << 14
"""Endorsers of one transaction that are read: bounds the work that two bytes on the wire can cause."""

_IN_BLOCK = {"txs": "txs", "dag.vertexes": "vertexes", "dag.vertexes.neighbors": "edges"}
_OPAQUE = ("header", "txs", "additional_data")

BLOCK = Plan(
    Block.DESCRIPTOR,
    {"": "block", **_IN_BLOCK},
    {"block": ["header", "dag", "additional_data"]},
    raw=_OPAQUE,
)
"""A block without a look into header, transactions and additional data."""

BLOCK_INFO = Plan(
    BlockInfo.DESCRIPTOR,
    {"": "info", "block": "block", "rwset_list": "rw_sets", **{f"block.{path}": t for path, t in _IN_BLOCK.items()}},
    {"block": ["header", "dag", "additional_data"]},
    raw=(*(f"block.{name}" for name in _OPAQUE), "rwset_list"),
)
"""A block with the read and write sets of its transactions."""

TRANSACTION = Plan(
    Transaction.DESCRIPTOR,
    {"": "tx", "sender": "entry", "endorsers": "entry", "payer": "entry"},
    {
        "tx": [
            "payload",
            "payload.chain_id",
            "payload.tx_type",
            "payload.tx_id",
            "payload.timestamp",
            "payload.expiration_time",
            "payload.contract_name!",
            "payload.method!",
            "result",
            "result.rw_set_hash",
            "result.contract_result",
            "result.contract_result.gas_used!",
        ],
        "entry": ["signer", "signer.org_id", "signer.member_type", "signer.member_info", "signature"],
    },
    most={"entry": MAX_ENDORSERS + 2},
)
"""A transaction; sender, endorsers and payer share a table, in which NUMBER tells them apart."""

SENDER, ENDORSER, PAYER = 2, 3, 5
"""Numbers of the fields by which rows of "entry" come."""

EVENT = Plan(
    Transaction.DESCRIPTOR,
    {
        "": "tx",
        "result.contract_result.contract_event": "event",
        "result.contract_result.contract_event.event_data": "data",
    },
    {"tx": ["result.code", "payload.tx_id"], "event": ["contract_name", "topic"]},
    raw=("sender", "endorsers", "payer"),
)
"""The events of a transaction, each with its data."""

ITEMS = {
    Transaction: Plan(
        Transaction.DESCRIPTOR,
        {
            "": "tx",
            "payload.parameters": "parameters",
            "endorsers": "endorsers",
            "result.contract_result.contract_event": "events",
            "result.contract_result.contract_event.event_data": "values of events",
        },
        {},
        raw=("sender", "payer"),
    ),
    TxRWSet: Plan(TxRWSet.DESCRIPTOR, {"": "rw_set", "tx_reads": "reads", "tx_writes": "writes"}, {}),
}
"""The records in what a bundle's statement may be about, to be counted before they are built."""

RW_SET = Plan(TxRWSet.DESCRIPTOR, {"": "rw_set"}, {"rw_set": ["tx_id"]})
"""The read and write set of a transaction."""
