"""Which fields of Fabric's messages become columns: see :mod:`pycore.ledgers.scan`.

Fabric nests messages as bytes in bytes, so each level has its own plan; :class:`Columns` goes down them with the same
rows, one for each transaction of a block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore._pb.ledgers.fabric.v1 import block_pb2, transaction_pb2
from pycore.base.go_protobuf import read
from pycore.ledgers.ffi_scan import TWICE, TWO_OF_ONE
from pycore.ledgers.scan import FAULT, FIRST_CELL, FLAGS, START, Plan, Spans, Tables

MAX_ENDORSEMENTS = 1 << 12
"""Endorsements of one transaction that are read."""
MAX_NAMESPACES = 1 << 10
"""Namespaces, and collections, of one transaction's read-write set that are read."""

BLOCK = Plan(
    block_pb2.Block.DESCRIPTOR,
    {"": "block", "data.data": "entry", "metadata.metadata": "metadata"},
    {"block": ["header", "header.number", "header.previous_hash", "header.data_hash", "data", "metadata"]},
    reader="go",
)
ENVELOPE = Plan(
    block_pb2.Envelope.DESCRIPTOR,
    {"": "row"},
    {"row": ["payload", "signature"]},
    reader="go",
)
PAYLOAD = Plan(
    block_pb2.Payload.DESCRIPTOR,
    {"": "row"},
    {"row": ["header", "header.channel_header", "header.signature_header", "data"]},
    reader="go",
)
CHANNEL_HEADER = Plan(
    block_pb2.ChannelHeader.DESCRIPTOR,
    {"": "row"},
    {"row": ["type", "channel_id", "tx_id", "epoch", "extension"]},
    reader="go",
)
SIGNATURE_HEADER = Plan(
    block_pb2.SignatureHeader.DESCRIPTOR,
    {"": "row"},
    {"row": ["creator", "nonce"]},
    reader="go",
)
TRANSACTION = Plan(
    transaction_pb2.Transaction.DESCRIPTOR,
    {"": "row", "actions": "action"},
    {"action": ["header", "payload"]},
    most={"action": 1 << 10},
    reader="go",
)
ACTION = Plan(
    transaction_pb2.ChaincodeActionPayload.DESCRIPTOR,
    {"": "row", "action.endorsements": "endorsement"},
    {
        "row": ["chaincode_proposal_payload", "action", "action.proposal_response_payload"],
        "endorsement": ["endorser", "signature"],
    },
    most={"endorsement": MAX_ENDORSEMENTS},
    reader="go",
)
RESPONSE = Plan(
    transaction_pb2.ProposalResponsePayload.DESCRIPTOR,
    {"": "row"},
    {"row": ["proposal_hash", "extension"]},
    reader="go",
)
CHAINCODE_ACTION = Plan(
    transaction_pb2.ChaincodeAction.DESCRIPTOR,
    {"": "row"},
    {"row": ["results", "events", "chaincode_id", "chaincode_id.name", "chaincode_id.version"]},
    reader="go",
)
EXTENSION = Plan(
    transaction_pb2.ChaincodeHeaderExtension.DESCRIPTOR,
    {"": "row"},
    {"row": ["chaincode_id", "chaincode_id.name"]},
    reader="go",
)
EVENT = Plan(
    transaction_pb2.ChaincodeEvent.DESCRIPTOR,
    {"": "row"},
    {"row": ["chaincode_id", "tx_id", "event_name", "payload"]},
    reader="go",
)
RW_SET = Plan(
    transaction_pb2.TxReadWriteSet.DESCRIPTOR,
    {"": "row", "ns_rwset": "namespace", "ns_rwset.collection_hashed_rwset": "collection"},
    {"namespace": ["namespace", "rwset"], "collection": ["hashed_rwset"]},
    most={"namespace": MAX_NAMESPACES, "collection": MAX_NAMESPACES},
    reader="go",
)
KV = Plan(
    transaction_pb2.KVRWSet.DESCRIPTOR,
    {"": "row", "writes": "write", "metadata_writes": "write"},
    {"write": ["key"]},
    reader="go",
)
HASHED = Plan(
    transaction_pb2.HashedRWSet.DESCRIPTOR,
    {"": "row", "hashed_writes": "write", "metadata_writes": "write"},
    {"write": ["key_hash"]},
    reader="go",
)

_MERGED = TWICE | TWO_OF_ONE
_MESSAGES: dict[Plan, Any] = {
    ENVELOPE: block_pb2.Envelope,
    PAYLOAD: block_pb2.Payload,
    CHANNEL_HEADER: block_pb2.ChannelHeader,
    SIGNATURE_HEADER: block_pb2.SignatureHeader,
    TRANSACTION: transaction_pb2.Transaction,
    ACTION: transaction_pb2.ChaincodeActionPayload,
    RESPONSE: transaction_pb2.ProposalResponsePayload,
    CHAINCODE_ACTION: transaction_pb2.ChaincodeAction,
    EXTENSION: transaction_pb2.ChaincodeHeaderExtension,
    EVENT: transaction_pb2.ChaincodeEvent,
    RW_SET: transaction_pb2.TxReadWriteSet,
    KV: transaction_pb2.KVRWSet,
    HASHED: transaction_pb2.HashedRWSet,
}


class Columns:
    """Bytes, and messages in them as columns. `data`: uint8, all bytes that spans point into; it only grows."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data = data

    def scan(self, plan: Plan, records: Spans) -> Tables:
        """The columns of records; cells of one with a fault are zero.

        A field that comes twice is merged or replaced as protobuf's readers do: such records are encoded again behind
        the data, and read there. Nobody hashes or signs that encoding, only what is inside of `bytes` fields.
        """
        records = Spans(self.data, records.cells, records.column)
        room = {table: 4 * len(records) + 16 for table in plan.names[1:]}
        tables = plan.scan(records, room=room)
        odd = self._odd(plan, tables)
        if odd is not None:
            tables = plan.scan(self._encoded(plan, records, odd), room=room)
        if tables.faulty:
            top = tables[plan.names[0]]
            top[top[:, FAULT] != 0, FIRST_CELL:] = 0
        return tables

    def span(self, tables: Tables, table: str, path: str = "") -> Spans:
        """A field of each row, in the data as it is now."""
        return Spans(self.data, tables.rows[table], tables.plan.place(table, path) if path else START)

    def _odd(self, plan: Plan, tables: Tables) -> NDArray[np.int64] | None:
        """Records in which a field comes twice; None: no record does."""
        top, below = tables[plan.names[0]], plan.names[1:]
        twice = top[:, FLAGS] & _MERGED
        if not np.count_nonzero(twice) and not any(self._twice(tables, table).size for table in below):
            return None
        odd = twice != 0
        for table in below:
            odd[self._record_of(tables, table, self._twice(tables, table))] = True
        odd &= top[:, FAULT] == 0
        places = np.flatnonzero(odd)
        return places if len(places) else None

    @staticmethod
    def _twice(tables: Tables, table: str) -> NDArray[np.int64]:
        """The rows of a table in which a field comes twice."""
        rows = tables[table]
        if rows.shape[1] <= FLAGS or not len(rows):
            return rows[:0]
        found: NDArray[np.int64] = rows[(rows[:, FLAGS] & _MERGED) != 0]
        return found

    @staticmethod
    def _record_of(tables: Tables, table: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The records that rows of a table are in; a collection lies in a namespace."""
        found: NDArray[np.int64] = rows[:, 0]
        return tables["namespace"][found, 0] if table == "collection" else found

    def _encoded(self, plan: Plan, records: Spans, odd: NDArray[np.int64]) -> Spans:
        cells = records.cells[:, records.column : records.column + 2].copy()
        pieces, at = [self.data], self.data.size
        for i in odd.tolist():
            encoded = read(_MESSAGES[plan], records[i]).SerializeToString()
            pieces.append(np.frombuffer(encoded, np.uint8))
            cells[i] = at, at + len(encoded)
            at += len(encoded)
        self.data = np.concatenate(pieces)
        return Spans(self.data, cells)


def faults(tables: Tables) -> NDArray[np.bool_]:
    """bool (records,): which are no message."""
    found: NDArray[np.bool_] = tables[tables.plan.names[0]][:, FAULT] != 0
    return found
