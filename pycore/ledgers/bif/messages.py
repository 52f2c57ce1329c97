"""Parses bytes into the chain's messages, within bounds; nothing is judged here."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from pycore._pb.ledgers.bif.v1 import consensus_pb2, ledger_pb2, transaction_pb2
from pycore.errors import InputError

BumoLedger = ledger_pb2.BumoLedger
BumoLedgerHeader = ledger_pb2.BumoLedgerHeader
ConsensusValue = ledger_pb2.ConsensusValue
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
