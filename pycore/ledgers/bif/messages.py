"""Parses bytes into the chain's messages, within bounds; nothing is judged here."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from pycore._pb.ledgers.bif.v1 import consensus_pb2, ledger_pb2, transaction_pb2
from pycore.errors import InputError
from pycore.ledgers.scan import Plan, Spans

BumoLedger = ledger_pb2.BumoLedger
BumoLedgerHeader = ledger_pb2.BumoLedgerHeader
ConsensusValue = ledger_pb2.ConsensusValue
LedgerUpgrade = ledger_pb2.LedgerUpgrade
FeeConfig = ledger_pb2.FeeConfig
Finality = ledger_pb2.Finality
LedgerBundle = ledger_pb2.LedgerBundle
LedgerHeader = ledger_pb2.LedgerHeader
Operation = transaction_pb2.Operation
PbftProof = consensus_pb2.PbftProof
Transaction = transaction_pb2.Transaction
TransactionEnv = transaction_pb2.TransactionEnv
ValidatorSet = ledger_pb2.ValidatorSet
XbftNode = consensus_pb2.XbftNode
XbftProof = consensus_pb2.XbftProof
XbftTc = consensus_pb2.XbftTc

MAX_HEADER = 1 << 16
"""Bytes of a header: it lists a hash for each domain."""
MAX_PROOF = 1 << 22
"""Bytes of a proof or of a set of validators: thousands of them."""
MAX_VALIDATORS = 1 << 12
"""Validators of a block, and signatures of a proof."""

_SMALL = 1 << 13  # bytes that cannot hold so much that it would have to be counted first

M = TypeVar("M", bound=Message)


def parse(kind: type[M], data: bytes, field: str, most: int | None = None) -> M:
    """A message from its bytes. InputError names `field` when they are not one, or more than `most`."""
    name = kind.DESCRIPTOR.name
    if most is not None and len(data) > most:
        raise InputError(field, got=f"{len(data)} bytes", wanted=f"a {name} of at most {most}")
    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        got = f"{len(data)} bytes that do not parse ({error})"
        raise InputError(field, got=got, wanted=f"a BIF {name}") from error
    return message


def parse_counted(kind: type[M], data: bytes, field: str, lists: tuple[str, ...]) -> M:
    """As :func:`parse`, at most MAX_PROOF bytes, for a message with at most MAX_VALIDATORS entries in each of these
    lists, by their paths. They are counted before any is built: two bytes of one would take a hundred of memory."""
    if len(data) <= _SMALL:
        return parse(kind, data, field)
    if len(data) > MAX_PROOF:
        raise InputError(field, got=f"{len(data)} bytes", wanted=f"a {kind.DESCRIPTOR.name} of at most {MAX_PROOF}")
    tables = _counting(kind.DESCRIPTOR, lists).scan(Spans.joined([data]), limits=dict.fromkeys(lists, 0))
    for name in lists:
        if tables.counts[name] > MAX_VALIDATORS:
            got = f"{tables.counts[name]} {name.rpartition('.')[2]}"
            raise InputError(field, got=got, wanted=f"at most {MAX_VALIDATORS}")
    return parse(kind, data, field)


@lru_cache(maxsize=8)
def _counting(descriptor: Any, lists: tuple[str, ...]) -> Plan:
    """Counts these lists, without a look into what they hold."""
    raw = [path for path in lists if _is_message(descriptor, path)]
    return Plan(descriptor, {"": "message", **{path: path for path in lists}}, {}, raw=raw)


def _is_message(descriptor: Any, path: str) -> bool:
    for name in path.split("."):
        found = descriptor.fields_by_name[name]
        descriptor = found.message_type
    return descriptor is not None


def as_written(message: Message, data: bytes) -> bool:
    """Whether bytes are what a writer would put for the message that they hold: each field once, in order, defaults
    left out, nothing unknown. Two byte strings of one meaning are never both as written."""
    bare = type(message)()
    bare.CopyFrom(message)
    bare.DiscardUnknownFields()
    return bare.SerializeToString(deterministic=True) == data


def shorten(text: str, most: int = 96) -> str:
    """Text of a block as reports quote it: at most `most` characters, since it may have millions."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
