"""What nodes of FISCO BCOS 3.x answer over JSON-RPC, as the records that they made it from.

Every answer becomes a Tars record, so that there is one path behind both forms. Three things in the answers are not as
they were hashed, and the stated hash tells what was:

    nonce           of a transaction: the text that is hashed; or, in hexadecimal, that text (from 3.3 on) or the
                    number of which it is the decimal text (before)
    block 0         shows 32 zero bytes and "0" where its header has nothing
    contractAddress has "0x" in front of what is hashed

Ethereum's transactions (type 1) are answered without the payload that was signed, so they cannot be checked in this
form. Blocks have no receipts in it; a list of them may be added as "receipts".

Source: bcos-rpc/jsonrpc/JsonRpcImpl_2_0.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pycore.base.columns import one_bytes, quote
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers._json import load_object
from pycore.ledgers.fisco.context import HASHES
from pycore.ledgers.fisco.v3_header import Header
from pycore.ledgers.fisco.v3_merkle import MAX_NODES
from pycore.ledgers.fisco.v3_records import BLOCK, MAX_RECORDS, RECEIPT, TRANSACTION
from pycore.ledgers.tars import encode

MAX_VALUES = 1 << 22
"""Values and names of an answer: a block of 100,000 transactions has half as many."""
_INT32, _INT64 = (-(1 << 31), (1 << 31) - 1), (-(1 << 63), (1 << 63) - 1)


def document(record: Any, name: str) -> Mapping[str, Any]:
    """The answer as a mapping, without the envelope around it ("jsonrpc", "result").

    Raises:
        InputError: not a JSON object, or one of more than is read.
    """
    if isinstance(record, Mapping):
        found: Mapping[str, Any] = record
    else:
        text = record if isinstance(record, str) else one_bytes(record, name)
        found = load_object(text, name, values=MAX_VALUES)
    if "jsonrpc" in found:
        inner = found.get("result")
        if not isinstance(inner, Mapping):
            raise InputError(f"{name}.result", quote(inner), "a JSON object")
        found = inner
    return found


def block(record: Any, hash: str | None, name: str = "block") -> bytes:
    """A block's record, from what `getBlockByNumber` or `getBlockByHash` answers."""
    given = document(record, name)
    if given.get("transactions") is None:
        wanted = "the transactions or their hashes; a header alone is for verify_certificate"
        raise InputError(f"{name}.transactions", "nothing", wanted)
    values: dict[str, Any] = {"header": _header(given, hash, name).values()}
    transactions = _list(given, "transactions", name)
    if all(isinstance(one, str) for one in transactions):
        values["meta"] = [{"hash": _octets(one, f"{name}.transactions")} for one in transactions]
    else:
        inside = [(one, f"{name}.transactions[{i}]") for i, one in enumerate(transactions)]
        values["transactions"] = [_transaction(_object(one, at), hash, at) for one, at in inside]
    inside = [(one, f"{name}.receipts[{i}]") for i, one in enumerate(_list(given, "receipts", name))]
    values["receipts"] = [_receipt(_object(one, at), at) for one, at in inside]
    return encode(BLOCK, values)


def header(record: Any, hash: str | None, name: str = "header") -> bytes:
    """A header's record, from a block's answer."""
    return _header(document(record, name), hash, name).encode()


def transaction(record: Any, hash: str | None, name: str = "tx") -> bytes:
    """A transaction's record, from what `getTransaction` answers, or from the same fields as an SDK has them."""
    return encode(TRANSACTION, _transaction(document(record, name), hash, name))


def receipt(record: Any, name: str = "receipt") -> bytes:
    """A receipt's record, from what `getTransactionReceipt` answers."""
    return encode(RECEIPT, _receipt(document(record, name), name))


def proof(record: Mapping[str, Any], key: str, name: str) -> list[bytes]:
    """The nodes of a proof that an answer has next to its record."""
    nodes = _list(record, key, name)
    if not nodes or len(nodes) > MAX_NODES:
        raise InputError(f"{name}.{key}", f"{len(nodes)} nodes", f"a proof of 1 to {MAX_NODES} nodes")
    return [_octets(one, f"{name}.{key}") for one in nodes]


# ---- the records -----------------------------------------------------------------------------------------------------


def _header(given: Mapping[str, Any], hash: str | None, name: str) -> Header:
    parents = [(_object(one, f"{name}.parentInfo")) for one in _list(given, "parentInfo", name)]
    signatures = [(_object(one, f"{name}.signatureList")) for one in _list(given, "signatureList", name)]
    found = Header(
        version=_integer(given, "version", name, _INT32),
        parents=tuple(
            (_integer(one, "blockNumber", f"{name}.parentInfo"), _hex(one, "blockHash", f"{name}.parentInfo"))
            for one in parents
        ),
        tx_root=_hex(given, "txsRoot", name),
        receipt_root=_hex(given, "receiptsRoot", name),
        state_root=_hex(given, "stateRoot", name),
        number=_integer(given, "number", name),
        gas_used=_text(given, "gasUsed", name),
        timestamp=_integer(given, "timestamp", name),
        sealer=_integer(given, "sealer", name),
        sealers=tuple(_octets(one, f"{name}.sealerList") for one in _list(given, "sealerList", name)),
        extra_data=_hex(given, "extraData", name),
        weights=tuple(_whole(one, f"{name}.consensusWeights") for one in _list(given, "consensusWeights", name)),
        signatures=tuple(
            (_integer(one, "sealerIndex", f"{name}.signatureList"), _hex(one, "signature", f"{name}.signatureList"))
            for one in signatures
        ),
        data_hash=_hex(given, "hash", name),
    )
    if found.number == 0 and found.data_hash:
        bare = found.bare()
        if any(bare.hash(one) == found.data_hash for one in _hashes(hash)):
            return bare
    return found


def _transaction(given: Mapping[str, Any], hash: str | None, name: str) -> dict[str, Any]:
    stated = _hex(given, "hash", name)
    data: dict[str, Any] = {
        "version": _integer(given, "version", name, _INT32),
        "chain_id": _text(given, "chainID", name),
        "group_id": _text(given, "groupID", name),
        "block_limit": _integer(given, "blockLimit", name),
        "to": _text(given, "to", name),
        "input": _hex(given, "input", name),
        "abi": _text(given, "abi", name),
        "value": _text(given, "value", name),
        "gas_price": _text(given, "gasPrice", name),
        "gas_limit": _integer(given, "gasLimit", name),
        "max_fee_per_gas": _text(given, "maxFeePerGas", name),
        "max_priority_fee_per_gas": _text(given, "maxPriorityFeePerGas", name),
        "extension": _extension(given, name),
    }
    nonces = list(_nonces(_text(given, "nonce", name)))
    data["nonce"] = nonces[0]
    if len(nonces) > 1 and stated:
        front, back = _around_nonce(data)
        matching = (one for one in nonces for h in _hashes(hash) if hash_one(h, front + one + back) == stated)
        data["nonce"] = next(matching, nonces[0])
    return {
        "data": data,
        "data_hash": stated,
        "signature": _hex(given, "signature", name),
        "sender": _hex(given, "from", name),
    }


def _nonces(text: bytes) -> Iterator[bytes]:
    """The texts that a nonce may have been: itself, the text in hexadecimal, the number in hexadecimal."""
    yield text
    digits = text.removeprefix(b"0x").decode("latin-1")
    if len(digits) > 512 or not digits or any(one not in "0123456789abcdefABCDEF" for one in digits):
        return
    if len(digits) % 2 == 0:
        yield bytes.fromhex(digits)
    if len(digits) <= 64:
        yield str(int(digits, 16)).encode()


def _around_nonce(data: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The hashed bytes of a transaction in front of its nonce, and behind it."""
    version = data["version"]
    front = version.to_bytes(4, "big", signed=True) + data["chain_id"] + data["group_id"]
    front += data["block_limit"].to_bytes(8, "big", signed=True)
    back = data["to"] + data["input"] + data["abi"]
    if version & 0xFFFFFFFF >= 1:
        back += data["value"] + data["gas_price"] + data["gas_limit"].to_bytes(8, "big", signed=True)
        back += data["max_fee_per_gas"] + data["max_priority_fee_per_gas"]
    return front, back + (data["extension"] if version & 0xFFFFFFFF >= 2 else b"")


def _receipt(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    logs = []
    for i, one in enumerate(_list(given, "logEntries", name)):
        at = f"{name}.logEntries[{i}]"
        log = _object(one, at)
        topics = [_octets(topic, f"{at}.topics") for topic in _list(log, "topics", at)]
        address = _text(log, "address", at).removeprefix(b"0x")
        logs.append({"address": address, "topics": topics, "data": _hex(log, "data", at)})
    data = {
        "version": _integer(given, "version", name, _INT32),
        "gas_used": _text(given, "gasUsed", name),
        "contract_address": _text(given, "contractAddress", name).removeprefix(b"0x"),
        "status": _integer(given, "status", name, _INT32),
        "output": _hex(given, "output", name),
        "logs": logs,
        "block_number": _integer(given, "blockNumber", name),
        "effective_gas_price": _text(given, "effectiveGasPrice", name),
    }
    return {"data": data, "data_hash": _hex(given, "hash", name)}


# ---- values ----------------------------------------------------------------------------------------------------------


def _hashes(hash: str | None) -> Sequence[str]:
    return HASHES if hash is None else (hash,)


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(name, quote(value), "a JSON object")
    return value


def _list(given: Mapping[str, Any], key: str, name: str) -> Sequence[Any]:
    value = given.get(key)
    if value is None:
        return ()
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or len(value) > MAX_RECORDS:
        raise InputError(f"{name}.{key}", quote(value)[:60], f"a JSON array of at most {MAX_RECORDS}")
    return value


def _text(given: Mapping[str, Any], key: str, name: str) -> bytes:
    """Text as UTF-8; a missing one is empty."""
    value = given.get(key)
    if value is None:
        return b""
    try:
        return value.encode()  # type: ignore[no-any-return]
    except (AttributeError, UnicodeEncodeError):
        raise InputError(f"{name}.{key}", quote(value)[:60], "text") from None


def _hex(given: Mapping[str, Any], key: str, name: str) -> bytes:
    value = given.get(key)
    return b"" if value is None else _octets(value, f"{name}.{key}")


def _octets(value: Any, name: str) -> bytes:
    try:
        digits = value.removeprefix("0x")
        found = bytes.fromhex(digits)
        if len(found) * 2 == len(digits):  # fromhex skips spaces
            return found
    except (AttributeError, ValueError, TypeError):
        pass
    raise InputError(name, quote(value)[:60], "bytes in hexadecimal")


def _integer(given: Mapping[str, Any], key: str, name: str, bounds: tuple[int, int] = _INT64) -> int:
    value = given.get(key)
    return 0 if value is None else _whole(value, f"{name}.{key}", bounds)


def _whole(value: Any, name: str, bounds: tuple[int, int] = _INT64) -> int:
    low, high = bounds
    if type(value) is not int or not low <= value <= high:
        raise InputError(name, quote(value)[:60], f"an integer from {low} to {high}")
    return value


def _extension(given: Mapping[str, Any], name: str) -> bytes:
    """Answers have it as a list of characters, with or without a sign."""
    value = given.get("extension")
    if isinstance(value, str):
        return _octets(value, f"{name}.extension")
    return bytes(_whole(one, f"{name}.extension", (-128, 255)) & 0xFF for one in _list(given, "extension", name))
