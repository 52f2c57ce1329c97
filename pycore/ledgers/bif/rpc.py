"""Answers of a node's HTTP interface as messages.

A node writes messages as JSON objects with the names of their fields, byte fields in hexadecimal, enumerations as
numbers (SDKs also write their names), and leaves defaults out. Objects around them have fields that nothing hashes:
those are known by name and passed over; any other unknown name is refused, because a hash over the rest would be of
something else than what the node showed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from pycore.base.columns import quote
from pycore.base.descriptors import is_repeated
from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.bif.headers import write_validators
from pycore.ledgers.bif.messages import (
    BumoLedgerHeader,
    ConsensusValue,
    LedgerBundle,
    LedgerHeader,
    Transaction,
    TransactionEnv,
)

MAX_DEPTH = 12
_F = FieldDescriptor
_NUMBERS = {_F.TYPE_INT64: 64, _F.TYPE_INT32: 32, _F.TYPE_ENUM: 32}
_DIGITS = re.compile(r"-?[0-9]{1,19}").fullmatch
_AROUND_TRANSACTION = frozenset(
    {"actual_fee", "close_time", "error_code", "error_desc", "hash", "ledger_seq", "tx_size"}
    | {"contract_tx_hashes", "incoming_time", "status"}
)
"""Fields of a transaction's answer that are a node's word, not part of it."""
_AROUND_VALUE = frozenset({"previous_proof_plain"})


def document(source: Any, field: str) -> Mapping[str, Any]:
    """An object from JSON text, or as it is."""
    if isinstance(source, (str, bytes)):
        return load_object(source, field)
    if not isinstance(source, Mapping):
        raise InputError(field, type(source).__name__, "a JSON object or its text")
    return source


def _result(source: Any, field: str) -> Mapping[str, Any]:
    """The answer's `result`; the object itself where it has none."""
    found = document(source, field)
    if "error_code" in found and "transaction" not in found and found["error_code"] != 0:
        raise InputError(field, f"the answer of a failed call, error_code {quote(found['error_code'])}", "a result")
    return document(found["result"], f"{field}.result") if "result" in found else found


# ---- messages --------------------------------------------------------------------------------------------------------


def fill(message: Message, source: Any, field: str, skip: frozenset[str] = frozenset(), depth: int = 0) -> None:
    """Sets a message's fields from an object. InputError names the field that does not fit."""
    if not isinstance(source, Mapping):
        raise InputError(field, type(source).__name__, "a JSON object")
    if depth > MAX_DEPTH:
        raise InputError(field, f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH}")
    kind: Any = message.DESCRIPTOR
    for name, value in source.items():
        if name in skip:
            continue
        found = kind.fields_by_name.get(name) if isinstance(name, str) and name.isascii() else None
        where = f"{field}.{name}" if isinstance(name, str) else field
        if found is None:
            raise InputError(where[:200], "an unknown field", f"fields of a {kind.name}")
        if not is_repeated(found):
            _set(message, found, value, where, depth)
            continue
        if isinstance(value, (str, bytes)) or not isinstance(value, (list, tuple)):
            raise InputError(where, type(value).__name__, "a JSON array")
        entries = getattr(message, name)
        for i, entry in enumerate(value):
            if found.message_type is not None:
                fill(entries.add(), entry, f"{where}[{i}]", depth=depth + 1)
            else:
                entries.append(_scalar(found, entry, f"{where}[{i}]"))


def _set(message: Message, found: FieldDescriptor, value: Any, where: str, depth: int) -> None:
    if found.message_type is None:
        setattr(message, found.name, _scalar(found, value, where))
        return
    inside = getattr(message, found.name)
    inside.SetInParent()  # an empty object is a message that is there
    fill(inside, value, where, depth=depth + 1)


def _scalar(found: FieldDescriptor, value: Any, where: str) -> Any:
    if found.type == _F.TYPE_BYTES:
        return _octets(value, where)
    if found.type == _F.TYPE_STRING:
        if not isinstance(value, str):
            raise InputError(where, type(value).__name__, "text")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(where, quote(value), "text that UTF-8 can write") from error
        return value
    if found.type == _F.TYPE_BOOL:
        if type(value) is not bool:
            raise InputError(where, quote(value), "true or false")
        return value
    if found.type == _F.TYPE_ENUM and isinstance(value, str) and not _DIGITS(value):
        return _named(found, value, where)
    return _number(value, _NUMBERS[found.type], where)


def _octets(value: Any, where: str) -> bytes:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]*", value):
            return bytes.fromhex(value)
    except ValueError:  # an odd number of digits
        pass
    raise InputError(where, quote(value)[:80], "bytes in hexadecimal")


def _named(found: FieldDescriptor, value: str, where: str) -> int:
    """An enumeration's number from its name, with or without the name of the enumeration before it."""
    kind: Any = found.enum_type
    names = kind.values_by_name
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.name).upper()
    for name in (value, f"{prefix}_{value}"):
        if name.isascii() and name in names:  # protobuf's maps of names do not take half of a surrogate pair
            return int(names[name].number)
    raise InputError(where, quote(value)[:80], f"a number or a name of {kind.name}")


def _number(value: Any, bits: int, where: str) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS(value) else value
    if type(number) is not int or not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise InputError(where, quote(value)[:80], f"a signed integer of {bits} bits")
    return number


# ---- transactions ----------------------------------------------------------------------------------------------------


def transaction_env(source: Any, field: str = "tx") -> bytes:
    """A TransactionEnv from what a node answers about a transaction, or an SDK sends: {"transaction", "signatures"}; or
    from a bare Transaction, which then has no signatures."""
    found = _result(source, field)
    if "transactions" in found:
        listed = found["transactions"]
        if not isinstance(listed, (list, tuple)) or len(listed) != 1:
            raise InputError(f"{field}.transactions", quote(listed)[:80], "one transaction")
        found = document(listed[0], f"{field}.transactions[0]")
    env = TransactionEnv()
    if "transaction" in found:
        fill(env, found, field, _AROUND_TRANSACTION)
    else:
        env.transaction.SetInParent()
        fill(env.transaction, found, field)
    return bytes(env.SerializeToString(deterministic=True))


def transaction_blob(source: Any, field: str = "tx") -> bytes:
    """The Transaction of such an answer: the bytes that are hashed and signed."""
    env = TransactionEnv.FromString(transaction_env(source, field))
    blob: Transaction = env.transaction
    return bytes(blob.SerializeToString(deterministic=True))


# ---- blocks ----------------------------------------------------------------------------------------------------------


def header(source: Any, variant: str, field: str = "header") -> bytes:
    """A header from the answer of `getLedger`, or from its `header` alone."""
    found = _result(source, field)
    inner = found.get("header", found)
    message = LedgerHeader() if variant == "bif" else BumoLedgerHeader()
    fill(message, inner, f"{field}.header" if "header" in found else field)
    return bytes(message.SerializeToString(deterministic=True))


def bundle(source: Any, variant: str, next_source: Any = None, field: str = "block") -> bytes:
    """A LedgerBundle from the answer of `getLedger?seq=N&with_consvalue=true`, and the one for N + 1, which carries the
    proof of block N, or both that and the one for N + 2, which carries the proof of N + 1 and so of N's header.

    BIF shows a consensus value as {"consensus_header": {"previous_proof": ...}, ...}, whose encoding is not public. Of
    such a value the proof is taken and nothing else: checks that need the value are skipped. BUMO's form is taken
    whole; of a BUMO ledger where it has no transactions.
    """
    found = _result(source, field)
    if "header" not in found:
        raise InputError(field, "no header", "the answer of getLedger")
    made = LedgerBundle(header=header(found, variant, field))
    value = found.get("consensus_value")
    if value is not None:
        where = f"{field}.consensus_value"
        if not _readable(value, variant):
            made.previous_proof = _proof(value, where)
        else:
            made.consensus_value = consensus_value(value, where)
    if "validators" in found:
        made.validators = _validators(found["validators"], f"{field}.validators")
    following = next_source if isinstance(next_source, (list, tuple)) else [next_source]
    later = [_value_of(one, f"next_block[{i}]") for i, one in enumerate(following) if one is not None]
    if len(later) > 2:
        raise InputError("next_block", f"{len(later)} answers", "one or two: of the next block and the one after")
    if later:
        made.next_proof = _proof(later[0], "next_block[0].consensus_value")
    if len(later) == 2 and _readable(later[0], variant):
        made.finality.next_value = consensus_value(later[0], "next_block[0].consensus_value")
        made.finality.proof = _proof(later[1], "next_block[1].consensus_value")
    return bytes(made.SerializeToString(deterministic=True))


def _value_of(source: Any, field: str) -> Mapping[str, Any]:
    found = _result(source, field).get("consensus_value")
    if found is None:
        raise InputError(field, "no consensus_value", "the answer of getLedger with with_consvalue=true")
    return document(found, f"{field}.consensus_value")


def consensus_value(source: Any, field: str = "consensus_value") -> bytes:
    """A ConsensusValue from its form in an answer, BUMO's; the answer itself will do."""
    found = _result(source, field)
    value = document(found.get("consensus_value", found), field)
    if _enveloped(value):
        raise InputError(field, "BIF's consensus_header", "BUMO's form: the encoding of the other is not public")
    message = ConsensusValue()
    fill(message, value, field, _AROUND_VALUE)
    return bytes(message.SerializeToString(deterministic=True))


def _readable(value: Any, variant: str) -> bool:
    """Whether the bytes of a consensus value can be made of its form in an answer. BUMO's transactions and upgrades
    have other fields than BIF's."""
    if variant != "bif":
        inner = document(value, "consensus_value")
        return not inner.get("txset") and "ledger_upgrade" not in inner
    return not _enveloped(value)


def _enveloped(value: Any) -> bool:
    return isinstance(value, Mapping) and "consensus_header" in value


def _proof(value: Any, where: str) -> bytes:
    inner = value["consensus_header"] if _enveloped(value) else value
    proof = document(inner, where).get("previous_proof", "")
    return _octets(proof, f"{where}.previous_proof")


def _validators(listed: Any, where: str) -> bytes:
    """A ValidatorSet from the addresses that `with_validator=true` adds."""
    if isinstance(listed, (str, bytes)) or not isinstance(listed, (list, tuple)):
        raise InputError(where, type(listed).__name__, "a JSON array of addresses")
    pairs = []
    for i, entry in enumerate(listed):
        if isinstance(entry, Mapping):
            address, pledge = entry.get("address"), entry.get("pledge_coin_amount", 0)
        else:
            address, pledge = entry, 0
        if not isinstance(address, str):
            raise InputError(f"{where}[{i}]", quote(address)[:80], "an address")
        pairs.append((address, _number(pledge, 64, f"{where}[{i}].pledge_coin_amount")))
    return write_validators(pairs)
