"""Parses bytes into the chain's messages, within bounds; nothing is judged here.

protobuf itself refuses truncated input, lengths beyond the input and deep nesting. It does not bound how many
small records a hostile input expands into, so the records of a block are counted on the wire before anything
is built from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from pycore._pb.ledgers.chainmaker.v1 import block_pb2, consensus_pb2, transaction_pb2
from pycore.errors import InputError

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
Vote = consensus_pb2.Vote
VoteData = consensus_pb2.VoteData
VoteSet = consensus_pb2.VoteSet

FORMS = ("auto", "block", "block-info")
MAX_BLOCK_BYTES = 256 << 20
MAX_RECORDS = 1 << 18
"""Transactions, DAG vertexes, read and write sets: more of one of them than this is no block that a node makes."""
FEW_RECORDS = 1 << 12
MIN_TRANSACTION_BYTES = 64
"""Bytes that transactions have on average where there are more than FEW_RECORDS: a signature alone is as long."""

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


def parse_bounded(kind: type[M], data: bytes, field: str, numbers: Collection[int], most: int) -> M:
    """As :func:`parse`, for a message with at most `most` records in each of its fields `numbers`; they are counted
    before any is built, two bytes of which would take a hundred of memory."""
    counts = dict.fromkeys(numbers, 0)
    for number, _, _, _ in fields(data):
        if number in counts:
            counts[number] += 1
            if counts[number] > most:
                raise InputError(field, got=f"more than {most} votes", wanted=f"at most {most}, which are read")
    return parse(kind, data, field)


def shorten(text: str, most: int = 128) -> str:
    """Text of the block as reports quote it: at most `most` characters, since it may have millions."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def parse_block(data: bytes, form: str = "auto") -> tuple[Block, list[TxRWSet] | None]:
    """A block, and its read and write sets when the bytes are a BlockInfo that has them.

    "auto" tells the two apart by their content: a BlockInfo has a Block in field 1, whose own field 1 is a header; a
    Block has the header there, whose field 1 is a number.
    """
    if form not in FORMS:
        raise InputError("form", got=repr(form), wanted="one of " + ", ".join(map(repr, FORMS)))
    if len(data) > MAX_BLOCK_BYTES:
        raise InputError("block", got=f"{len(data)} bytes", wanted=f"at most {MAX_BLOCK_BYTES}")
    if not data:
        raise InputError("block", got="0 bytes", wanted="a ChainMaker Block or BlockInfo")
    if form == "block-info" or (form == "auto" and _is_block_info(data)):
        _bound(data, "rwset_list", 2)
        for start, end in _spans(data, 1):
            _bound_block(data, start, end)
        info = parse(BlockInfo, data, "block")
        _bound_empty(info.block, len(data))
        return info.block, list(info.rwset_list) or None
    _bound_block(data, 0, len(data))
    block = parse(Block, data, "block")
    _bound_empty(block, len(data))
    return block, None


def _bound_empty(block: Block, size: int) -> None:
    """Refuses blocks of nearly empty records: a verdict for each of many empty records costs far more than
    sending them."""
    count = len(block.txs)
    if count > FEW_RECORDS and size < MIN_TRANSACTION_BYTES * count:
        wanted = f"at least {MIN_TRANSACTION_BYTES} bytes for each of more than {FEW_RECORDS} transactions"
        raise InputError("block.txs", got=f"{count} transactions in {size} bytes", wanted=wanted)


def _is_block_info(data: bytes) -> bool:
    for number, kind, start, end in fields(data):
        if number in (3, 4):  # transactions or additional data: only a Block has them
            return False
        if number == 1 and kind == 2:
            return any(n == 1 and k == 2 for n, k, _, _ in fields(data, start, end))
    return False


def _bound_block(data: bytes, start: int, end: int) -> None:
    if end - start <= 2 * MAX_RECORDS:  # a record takes two bytes at least
        return
    _bound(data, "txs", 3, start, end)
    for dag_start, dag_end in _spans(data, 2, start, end):
        _bound(data, "dag.vertexes", 2, dag_start, dag_end)


def _bound(data: bytes, name: str, number: int, start: int = 0, end: int | None = None) -> None:
    stop = len(data) if end is None else end
    if stop - start <= 2 * MAX_RECORDS:  # a record takes two bytes at least
        return
    for count, _ in enumerate(_spans(data, number, start, stop), 1):
        if count > MAX_RECORDS:
            raise InputError(f"block.{name}", got=f"more than {MAX_RECORDS} records", wanted=f"at most {MAX_RECORDS}")


def _spans(data: bytes, number: int, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    return ((s, e) for n, kind, s, e in fields(data, start, end) if n == number and kind == 2)


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """(number, wire type, start, end) of every field of a message; stops where the bytes stop making sense.

    Values are located, not decoded. Wire types: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes; groups end
    the walk.
    """
    stop = len(data) if end is None else end
    while start < stop:
        tag, start = _varint(data, start, stop)
        kind = tag & 7
        if start < 0:
            return
        if kind == 2:
            length, start = _varint(data, start, stop)
            after = start + length
        elif kind == 0:
            after = _varint(data, start, stop)[1]
        elif kind in (1, 5):
            after = start + (8 if kind == 1 else 4)
        else:
            return
        if start < 0 or after < 0 or after > stop:
            return
        yield tag >> 3, kind, start, after
        start = after


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at` and the place after it, or -1 for the place when there is none."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, -1
