"""Parses bytes into the chain's messages, within bounds; nothing is judged here.

protobuf itself refuses truncated input, lengths beyond the input and deep nesting. It does not bound how many
small records a hostile input expands into, so records are counted on the wire before anything is built from them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from pycore._pb.ledgers.chainmaker.v1 import block_pb2, consensus_pb2, transaction_pb2
from pycore.errors import InputError
from pycore.ledgers.scan import FAULT, Plan, Spans, Tables

AdditionalData = block_pb2.AdditionalData
Block = block_pb2.Block
BlockHeader = block_pb2.BlockHeader
BlockHeaderConsensusArgs = consensus_pb2.BlockHeaderConsensusArgs
BlockInfo = block_pb2.BlockInfo
DAG = block_pb2.DAG
EndorsementEntry = transaction_pb2.EndorsementEntry
Member = transaction_pb2.Member
Payload = transaction_pb2.Payload
QuorumCert = consensus_pb2.QuorumCert
Transaction = transaction_pb2.Transaction
TxRWSet = transaction_pb2.TxRWSet
TxWrite = transaction_pb2.TxWrite
Vote = consensus_pb2.Vote
VoteData = consensus_pb2.VoteData
VoteSet = consensus_pb2.VoteSet

_SMALL = 1 << 14  # bytes that cannot hold so much that it would have to be counted first

M = TypeVar("M", bound=Message)


def parse(kind: type[M], data: bytes, field: str) -> M:
    """A message from its bytes; InputError names `field` when they are not one."""
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        name = kind.DESCRIPTOR.name
        raise InputError(
            field, got=f"{len(data)} bytes that do not parse ({error})", wanted=f"a ChainMaker {name}"
        ) from error
    return message


@lru_cache(maxsize=8)
def _records_of(descriptor: Any, numbers: tuple[int, ...]) -> Plan:
    """Counts what these repeated fields hold, without a look into it."""
    inside = [f.name for f in descriptor.fields if f.message_type is not None]
    counted = {descriptor.fields_by_number[number].name: str(number) for number in numbers}
    return Plan(descriptor, {"": "message", **counted}, {}, raw=inside)


def parse_bounded(kind: type[M], data: bytes, field: str, numbers: tuple[int, ...], most: int) -> M:
    """As :func:`parse`, for a message with at most `most` records in each of its fields `numbers`; they are counted
    before any is built, two bytes of which would take a hundred of memory."""
    if len(data) <= _SMALL:
        message = parse(kind, data, field)
        fields = (message.DESCRIPTOR.fields_by_number[number].name for number in numbers)
        if any(len(getattr(message, name)) > most for name in fields):
            raise InputError(field, got=f"more than {most} votes", wanted=f"at most {most}, which are read")
        return message
    names = [str(number) for number in numbers]
    counts = _records_of(kind.DESCRIPTOR, numbers).scan(Spans.joined([data]), limits=dict.fromkeys(names, 0)).counts
    if any(counts[name] > most for name in names):
        raise InputError(field, got=f"more than {most} votes", wanted=f"at most {most}, which are read")
    return parse(kind, data, field)


def scan_as_written(plan: Plan, kind: type[Message], records: Spans, **options: Any) -> Tables:
    """The columns of records, as the chain's nodes would encode them: those that a writer would have put otherwise are
    encoded again behind the data, and scanned there. Records with a fault are left as they are. options: of
    :meth:`Plan.scan`."""
    tables, name = plan.scan(records, **options), plan.names[0]
    odd = [i for i in tables.rewritten(name).tolist() if not tables[name][i, FAULT]]
    if not odd:
        return tables
    cells = records.cells[:, records.column : records.column + 2].copy()
    pieces, at = [records.data], records.data.size
    for i in odd:
        encoded = parse(kind, records[i], f"record {i}").SerializeToString()
        pieces.append(np.frombuffer(encoded, np.uint8))
        cells[i] = at, at + len(encoded)
        at += len(encoded)
    tables = plan.scan(Spans(np.concatenate(pieces), cells), **options)
    left = tables.rewritten(name)
    if not tables[name][left, FAULT].all():  # their bytes would be hashed and verified as they are
        raise RuntimeError(f"protobuf writes a {kind.DESCRIPTOR.name} as the scan says that no writer does")
    return tables


def shorten(text: str, most: int = 128) -> str:
    """Text of the block as reports quote it: at most `most` characters, since it may have millions."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
