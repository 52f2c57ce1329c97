"""Lists of messages that the chain keeps inside of values that a transaction writes: their number, and each with its
length, as varints (xupercore 56f3d1af20d7, bcs/ledger/xledger/state/xmodel/message.go; read only)."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from pycore.ledgers.xuper.messages import ContractEvent, Transaction, TxInput

TRANSIENT = "$transient"
"""The bucket of what is not kept in the state."""
EVENTS = b"contractEvent"
INPUTS = b"ContractUtxo.Inputs"

M = TypeVar("M", bound=Message)


def events(tx: Transaction) -> list[Any] | None:
    """The contract's events (ContractEvent) of a transaction; None where their list cannot be read."""
    value = next((one.value for one in tx.tx_outputs_ext if one.bucket == TRANSIENT and one.key == EVENTS), None)
    return [] if value is None else messages(ContractEvent, value)


def contract_inputs(tx: Transaction) -> set[tuple[bytes, bytes, int]] | None:
    """(payer, txid, offset) of the inputs that contracts pay; None where their list cannot be read."""
    values = [one.value for one in tx.tx_outputs_ext if one.bucket == TRANSIENT and one.key == INPUTS]
    if not values or not values[-1]:
        return set()
    found = messages(TxInput, values[-1])
    return None if found is None else {(one.from_addr, one.ref_txid, one.ref_offset) for one in found}


def messages(kind: type[M], data: bytes) -> list[M] | None:
    """The messages of a list, which must end with the data; None where it is no such list."""
    found: list[M] = []
    count, at = _varint(data, 0)
    if count < 0 or count > len(data):
        return None
    for _ in range(count):
        size, at = _varint(data, at)
        if size < 0 or at + size > len(data):
            return None
        message = kind()
        try:
            message.ParseFromString(data[at : at + size])
        except (DecodeError, ValueError, RecursionError):
            return None
        found.append(message)
        at += size
    return found if at == len(data) else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the place behind it; -1 where there is none of at most five bytes."""
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            return -1, at
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return -1, at


def write(items: list[Any]) -> bytes:
    """A list as the chain writes it."""
    out = bytearray(_number(len(items)))
    for one in items:
        data = one.SerializeToString(deterministic=True)
        out += _number(len(data)) + data
    return bytes(out)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
