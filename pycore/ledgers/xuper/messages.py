"""The chain's messages, and records of them as columns; nothing is judged here.

No hash of this chain covers the bytes of a message, so it does not matter how they are encoded, with one exception: a
field that is there twice. The last one counts, and messages are merged, which is left to protobuf.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from pycore._pb.ledgers.xuper.v1 import block_pb2, transaction_pb2
from pycore.errors import InputError
from pycore.ledgers.ffi_scan import TWICE, TWO_OF_ONE
from pycore.ledgers.scan import FAULT, FLAGS, Plan, Spans, Tables

ContractEvent = transaction_pb2.ContractEvent
InternalBlock = block_pb2.InternalBlock
InvokeRequest = transaction_pb2.InvokeRequest
QCState = block_pb2.QCState
QuorumCert = block_pb2.QuorumCert
Transaction = transaction_pb2.Transaction
TxInput = transaction_pb2.TxInput
XuperSignature = transaction_pb2.XuperSignature
Argument = GetMessageClass(cast(Any, InvokeRequest.DESCRIPTOR.nested_types_by_name["ArgsEntry"]))
"""An entry of the arguments of a call: protobuf's map entry, key 1 and value 2."""

M = TypeVar("M", bound=Message)
_UNPARSED = 1  # any fault: the bytes end early


def parse(kind: type[M], data: bytes, field: str) -> M:
    """A message from its bytes; InputError names `field` when they are not one."""
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        got = f"{len(data)} bytes that do not parse ({error})"
        raise InputError(field, got=got, wanted=f"a XuperChain {kind.DESCRIPTOR.name}") from error
    return message


def is_canonical(message: Message, data: bytes) -> bool:
    """Whether protobuf writes these bytes for the message, with maps by key, and nothing in them is unknown."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return known.SerializeToString(deterministic=True) == data


def scan_merged(plan: Plan, kind: type[Message], records: Spans, **options: Any) -> Tables:
    """The columns of records. Those in which a field is there twice are encoded again behind the data, and read there;
    the data of the tables then begins with the data of the records. options: of :meth:`Plan.scan`."""
    tables, name = plan.scan(records, **options), plan.names[0]
    rows = tables[name]
    twice = rows[:, FLAGS] & (TWICE | TWO_OF_ONE)
    odd = np.flatnonzero((twice != 0) & (rows[:, FAULT] == 0)).tolist() if twice.any() else []
    if not odd:
        return tables
    cells = records.cells[:, records.column : records.column + 2].copy()
    pieces, at = [records.data], records.data.size
    broken = []
    for i in odd:
        try:
            encoded = parse(kind, records[i], "record").SerializeToString()
        except InputError:  # in something that the plan takes as bytes
            broken.append(i)
            continue
        pieces.append(np.frombuffer(encoded, np.uint8))
        cells[i] = at, at + len(encoded)
        at += len(encoded)
    tables = plan.scan(Spans(np.concatenate(pieces), cells), **options)
    tables[name][broken, FAULT] = _UNPARSED
    return tables


def shorten(text: str, most: int = 128) -> str:
    """Text of a block as reports quote it: at most `most` characters, since it may have millions."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
