"""The structs of FISCO BCOS 3.x and which of their fields become columns.

Source: bcos-tars-protocol/tars/*.tars. Field names are ours where the chain's have another spelling.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pycore.base.columns import BytesLike, one_bytes
from pycore.errors import InputError
from pycore.ledgers.scan import FAULT, FLAGS, Spans, Tables
from pycore.ledgers.tars import Field, Struct, TarsPlan

MAX_BLOCK_BYTES = 256 << 20
MAX_RECORDS = 1 << 18
"""Transactions, receipts, sealers ... of one block that are read; more is no block that a node makes."""
MAX_LOGS = 1 << 20
"""Log entries of a block, and their topics, that are read."""

TRANSACTION_DATA = Struct(
    "TransactionData",
    Field(1, "version", "int"),
    Field(2, "chain_id", "string"),
    Field(3, "group_id", "string"),
    Field(4, "block_limit", "long"),
    Field(5, "nonce", "string"),
    Field(6, "to", "string"),
    Field(7, "input", "bytes"),
    Field(8, "abi", "string"),
    Field(9, "value", "string"),
    Field(10, "gas_price", "string"),
    Field(11, "gas_limit", "long"),
    Field(12, "max_fee_per_gas", "string"),
    Field(13, "max_priority_fee_per_gas", "string"),
    Field(14, "extension", "bytes"),
)
TRANSACTION = Struct(
    "Transaction",
    Field(1, "data", TRANSACTION_DATA),
    Field(2, "data_hash", "bytes"),
    Field(3, "signature", "bytes"),
    Field(4, "import_time", "long"),
    Field(5, "attribute", "int"),
    Field(7, "sender", "bytes"),
    Field(8, "extra_data", "string"),
    Field(9, "type", "byte"),
    Field(10, "extra_bytes", "bytes"),
    Field(11, "extra_hash", "bytes"),
)
LOG_ENTRY = Struct(
    "LogEntry", Field(1, "address", "string"), Field(2, "topics", "bytes", repeated=True), Field(3, "data", "bytes")
)
RECEIPT_DATA = Struct(
    "TransactionReceiptData",
    Field(1, "version", "int", required=True),
    Field(2, "gas_used", "string"),
    Field(3, "contract_address", "string"),
    Field(4, "status", "int"),
    Field(5, "output", "bytes"),
    Field(6, "logs", LOG_ENTRY, repeated=True),
    Field(7, "block_number", "long"),
    Field(8, "effective_gas_price", "string"),
)
RECEIPT = Struct(
    "TransactionReceipt",
    Field(1, "data", RECEIPT_DATA),
    Field(2, "data_hash", "bytes"),
    Field(3, "message", "string"),
    Field(4, "cumulative_gas_used", "string"),
    Field(5, "logs_bloom", "bytes"),
    Field(6, "transaction_index", "unsigned int"),
    Field(7, "log_index", "unsigned int"),
)
PARENT_INFO = Struct("ParentInfo", Field(1, "number", "long"), Field(2, "hash", "bytes"))
SIGNATURE = Struct("Signature", Field(1, "index", "long"), Field(2, "signature", "bytes"))
HEADER_DATA = Struct(
    "BlockHeaderData",
    Field(2, "version", "int"),
    Field(3, "parents", PARENT_INFO, repeated=True),
    Field(4, "tx_root", "bytes"),
    Field(5, "receipt_root", "bytes"),
    Field(6, "state_root", "bytes"),
    Field(7, "number", "long"),
    Field(8, "gas_used", "string"),
    Field(9, "timestamp", "long"),
    Field(10, "sealer", "long"),
    Field(11, "sealers", "bytes", repeated=True),
    Field(12, "extra_data", "bytes"),
    Field(13, "weights", "long", repeated=True),
)
HEADER = Struct(
    "BlockHeader",
    Field(1, "data", HEADER_DATA),
    Field(2, "data_hash", "bytes"),
    Field(3, "signatures", SIGNATURE, repeated=True),
)
META_DATA = Struct(
    "TransactionMetaData",
    Field(1, "hash", "bytes"),
    Field(2, "to", "string"),
    Field(3, "source", "string"),
    Field(4, "attribute", "unsigned int"),
)
BLOCK = Struct(
    "Block",
    Field(1, "version", "int"),
    Field(2, "type", "int"),
    Field(3, "header", HEADER),
    Field(4, "transactions", TRANSACTION, repeated=True),
    Field(5, "receipts", RECEIPT, repeated=True),
    Field(6, "meta", META_DATA, repeated=True),
    Field(7, "receipt_hashes", "bytes", repeated=True),
    Field(8, "nonces", "string", repeated=True),
)

_TX = [f"data.{f.name}" for f in TRANSACTION_DATA.fields]
_TX_CELLS = ["data", *_TX, "data_hash", "signature", "sender", "type", "extra_bytes", "extra_hash"]
_RECEIPT_CELLS = [f"data.{f.name}" for f in RECEIPT_DATA.fields if f.name != "logs"] + ["data", "data_hash"]
_HEADER_CELLS = [f"data.{f.name}" for f in HEADER_DATA.fields if not f.repeated] + ["data", "data_hash"]
_HEADER_TABLES = {
    "data.parents": "parent", "data.sealers": "sealer", "data.weights": "weight", "signatures": "signature",
}  # fmt: skip
_RECEIPT_TABLES = {"data.logs": "log", "data.logs.topics": "topic"}
_INNER_CELLS = {"parent": ["number", "hash"], "signature": ["index", "signature"]}
_LOG_CELLS = {"log": ["address", "data"]}


def _under(path: str, tables: dict[str, str]) -> dict[str, str]:
    return {f"{path}.{inner}": table for inner, table in tables.items()}


TRANSACTION_PLAN = TarsPlan(TRANSACTION, {"": "tx"}, {"tx": _TX_CELLS})
RECEIPT_PLAN = TarsPlan(RECEIPT, {"": "receipt", **_RECEIPT_TABLES}, {"receipt": _RECEIPT_CELLS, **_LOG_CELLS})
HEADER_PLAN = TarsPlan(HEADER, {"": "header", **_HEADER_TABLES}, {"header": _HEADER_CELLS, **_INNER_CELLS})
BLOCK_PLAN = TarsPlan(
    BLOCK,
    {
        "": "block", "header": "header", **_under("header", _HEADER_TABLES), "transactions": "tx",
        "receipts": "receipt", **_under("receipts", _RECEIPT_TABLES), "meta": "meta", "receipt_hashes": "receipt_hash",
    },
    {
        "block": ["version", "type"], "header": _HEADER_CELLS, **_INNER_CELLS, "tx": _TX_CELLS,
        "receipt": _RECEIPT_CELLS, **_LOG_CELLS, "meta": ["hash"],
    },
)  # fmt: skip
"""All that is read of a block, in one walk."""

FEW_RECORDS = 1 << 12
# Bytes that records have on average where there are more than FEW_RECORDS of them. A row takes up to 500 bytes, so that
# records of two bytes would take a hundred times as much memory as they are long.
_LEAST = {"tx": 64, "receipt": 16, "log": 32, "topic": 32, "meta": 32, "receipt_hash": 32}
# Bytes of a block for each row that room is made for: real blocks never need more, and pages are taken when touched.
_SIZES = {"tx": 128, "receipt": 96, "log": 96, "topic": 48, "meta": 48, "receipt_hash": 48}
_TWICE, _UNORDERED = 8, 1  # PC_SCAN_*


def read(plan: TarsPlan, data: BytesLike, name: str) -> Tables:
    """The tables of one record.

    Raises:
        InputError: no record of that kind; fields out of order or twice, which decoders of the chain read only in
            part; or more records than are read.
    """
    view = np.frombuffer(one_bytes(data, name), np.uint8)
    if not 0 < view.size <= MAX_BLOCK_BYTES:
        raise InputError(name, f"{view.size} bytes", f"1 to {MAX_BLOCK_BYTES}")
    ends = np.array([view.size], np.int64)
    most = {table: FEW_RECORDS + view.size // _LEAST.get(table, view.size) for table in plan.names[1:]}
    limits = {table: min(rows, MAX_LOGS if table in ("log", "topic") else MAX_RECORDS) for table, rows in most.items()}
    room = {table: view.size // _SIZES.get(table, view.size) + 256 for table in plan.names}
    tables = plan.scan(Spans.of(view, np.zeros(1, np.int64), ends), limits=limits, room=room)
    kind = plan.full_name
    if tables.fault is not None:
        raise tables.refusal(name, f"a {kind} of FISCO BCOS 3.x", view.size)
    if int(tables[plan.names[0]][0, FLAGS]) & (_TWICE | _UNORDERED):
        raise InputError(name, "fields out of order or twice", f"a {kind} as its encoders write it")
    for table, rows in limits.items():
        if tables.counts[table] > rows:
            raise InputError(name, f"{tables.counts[table]} rows of {table!r}", f"at most {rows}")
    return tables


def read_many(plan: TarsPlan, items: list[bytes]) -> tuple[Tables, Any]:
    """The tables of loose records, and bool (n,): which of them are sound."""
    tables = plan.scan(Spans.joined(items))
    top = tables[plan.names[0]]
    sound = (top[:, FAULT] == 0) & ((top[:, FLAGS] & (_TWICE | _UNORDERED)) == 0)
    return tables, sound
