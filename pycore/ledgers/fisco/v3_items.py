"""Transactions and receipts of FISCO BCOS 3.x as items of a proof bundle: one byte string for each meaning.

Hashes are taken over fields without lengths, so a tree commits to a run of bytes and not to where its fields part. Who
carries a proof could move that border, with hash and signature unharmed. An item therefore has in one field what
nothing parts, and what is left has one reading only:

    transaction   chain and group as configured; the nonce hexadecimal digits; `to` nothing or 0x and 40 digits; in
                  `input` everything up to gasLimit (input, abi, value, gasPrice); in `maxFeePerGas` both fees. Versions
                  0 and 1: nothing bounds the extension of version 2
                  Without the signature, to which the tree does not commit either: whoever signs the same hash with
                  another key would be shown as its sender. So a bundle does not say who sent it
    Ethereum's    the payload and the signature, from which everything else is made again; its hash commits to both
    receipt       gasUsed of at most 20 digits, contractAddress nothing or 40 digits, a status below 2^24; in `output`
                  everything up to the block's number (output, price, logs)
    event         a receipt with its logs where it says they are. Nothing commits to that: what a contract returns can
                  be made to look like another contract's log. So an event is proven under `compatible` only
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.ledgers.fisco import v3_web3
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v3_hashes import receipt_messages, transaction_messages
from pycore.ledgers.fisco.v3_records import (
    RECEIPT,
    RECEIPT_DATA,
    RECEIPT_PLAN,
    TRANSACTION,
    TRANSACTION_DATA,
    TRANSACTION_PLAN,
    read,
)
from pycore.ledgers.fisco.v3_transactions import BCOS, WEB3
from pycore.ledgers.scan import PARENT, Tables
from pycore.ledgers.tars import encode

Values = dict[str, Any]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the group secp256k1 (SEC 2, section 2.4.1)."""
_NONCE = re.compile(rb"[0-9a-fA-F]{1,128}")
_ADDRESS = re.compile(rb"(0x[0-9a-fA-F]{40})?")
_PLAIN_ADDRESS = re.compile(rb"([0-9a-fA-F]{40})?")
_GAS = re.compile(rb"0|[1-9][0-9]{0,19}")
_FEES = re.compile(rb"(0x[0-9a-fA-F]*){0,2}")
_IN_NONCE_OR_ADDRESS = b"0123456789abcdefABCDEFx"
MAX_LOGS = 1 << 14
"""Logs of a receipt that is an item; four topics to a log on average."""
_SMALL_GAS = 1 << 56
_SMALL_STATUS = 1 << 24


@dataclass(frozen=True)
class Item:
    """An item that was looked at.

    Attributes:
        fault: why it is no such item, in words; "" where it is.
        leaf: its hash, 32 bytes; b"" where there is a fault.
        facts: what it says.
    """

    fault: str
    leaf: bytes = b""
    facts: Mapping[str, Any] = field(default_factory=dict)


# ---- looking at one --------------------------------------------------------------------------------------------------


def transaction(data: bytes, hash: str, context: FiscoContext) -> Item:
    """A transaction."""
    try:
        tables = read(TRANSACTION_PLAN, data, "item")
    except InputError as error:
        return Item(error.got)
    values = transaction_values(tables, 0)
    kept = ethereum_item(values) if values["type"] else bcos_item(values)
    if encode(TRANSACTION, kept) != data or values["type"] not in (BCOS, WEB3):
        return Item("a record that is not in the one form of an item")
    if values["type"]:
        return _ethereum(kept, context)
    inside = values["data"]
    fault = _ambiguity(inside)
    for name, wanted in (("chain_id", context.chain_id), ("group_id", context.group_id)):
        if inside[name] != (wanted or "").encode():
            fault = f"another {name.removesuffix('_id')}"
    if fault:
        return Item(fault)
    found = transaction_messages(tables).hashes(hash, 1)[0].tobytes()
    facts = {
        "transaction_id": "0x" + found.hex(),
        "contract": inside["to"].decode(),
        "method": inside["input"][:4].hex() if inside["to"] else "",
        "input": inside["input"].hex(),
        "nonce": inside["nonce"].decode(),
        "block_limit": inside["block_limit"],
    }
    return Item("", found, facts)


def _ambiguity(data: Values) -> str:
    """Why the bytes under the hash could be read in another way; "" where they cannot."""
    if data["version"] not in (0, 1):
        return f"version {data['version']}: nothing bounds its extension"
    if not _NONCE.fullmatch(data["nonce"]) or not _ADDRESS.fullmatch(data["to"]):
        return "a nonce or an address in another form, so that nothing parts the two"
    if not data["to"] and data["input"][:1] in {bytes((one,)) for one in _IN_NONCE_OR_ADDRESS}:
        return "no address, and an input that goes on like a nonce or an address"
    if data["version"] == 0:
        return ""
    fees, gas = data["max_fee_per_gas"], data["gas_limit"]
    if not _FEES.fullmatch(fees) or not 0 <= gas < _SMALL_GAS:
        return "fees or a gas limit from which nothing parts the input"
    octets = gas.to_bytes(8, "big")
    if any(_FEES.fullmatch(octets[at:] + fees) for at in range(8)):
        return "a gas limit that goes on like the fees"
    return ""


def _ethereum(values: Values, context: FiscoContext) -> Item:
    pair = values["extra_bytes"], values["signature"]
    found = v3_web3.derive([pair], context.web3_chain_id, strict=True)[0]
    if found.verdict != Verdict.VALID:
        return Item(found.detail)
    inside = found.inside
    facts = {
        "transaction_id": "0x" + found.hash.hex(),
        "sender": "0x" + found.sender.hex(),
        "contract": inside["to"].decode(),
        "method": inside["input"][:4].hex() if inside["to"] else "",
        "input": inside["input"].hex(),
        "nonce": inside["nonce"].decode(),
        "value": inside["value"].decode(),
        "ethereum_chain_id": inside["chain"],
    }
    return Item("", found.hash, facts)


def receipt(data: bytes, hash: str, height: int) -> Item:
    """A receipt whose output has everything up to the number of its block."""
    return _receipt(data, hash, height, joined=True)


def event(data: bytes, hash: str, height: int, number: int) -> Item:
    """A receipt with its logs, of which one is meant."""
    found = _receipt(data, hash, height, joined=False)
    if found.fault:
        return found
    logs = found.facts["logs"]
    if found.facts["status"] != 0:
        return Item("the transaction failed")
    if not 0 <= number < len(logs):
        return Item(f"log {number} of {len(logs)}")
    log = logs[number]
    topics = [one.hex() for one in log["topics"]]
    facts = {"contract": log["address"].decode("latin-1"), "topic": topics[0] if topics else "",
             "data": [*topics[1:], log["data"].hex()]}  # fmt: skip
    return Item("", found.leaf, facts)


def _receipt(data: bytes, hash: str, height: int, *, joined: bool) -> Item:
    try:
        tables = read(RECEIPT_PLAN, data, "item")
    except InputError as error:
        return Item(error.got)
    if len(tables["log"]) > MAX_LOGS or len(tables["topic"]) > 4 * MAX_LOGS:
        return Item(f"{len(tables['log'])} logs with {len(tables['topic'])} topics, of {MAX_LOGS} logs that are read")
    values = receipt_values(tables, 0)
    kept = {"data": joined_receipt(values) if joined else values["data"]}
    if encode(RECEIPT, kept) != data:
        return Item("a record that is not in the one form of an item")
    inside = values["data"]
    if not _GAS.fullmatch(inside["gas_used"]) or not _PLAIN_ADDRESS.fullmatch(inside["contract_address"]):
        return Item("gas or an address in another form, so that nothing parts the two")
    if not 0 <= inside["status"] < _SMALL_STATUS or inside["version"] not in (0, 1):
        return Item(f"version {inside['version']} or status {inside['status']}")
    if inside["block_number"] != height:
        return Item(f"of block {inside['block_number']}")
    if not joined and any(len(topic) != 32 for log in inside["logs"] for topic in log["topics"]):
        return Item("a topic that is not 32 bytes")
    facts = {
        "status": inside["status"],
        "contract_address": inside["contract_address"].decode(),
        "gas_used": int(inside["gas_used"]),
        "block_number": height,
    }
    facts |= {"output_and_logs": inside["output"].hex()} if joined else {"logs": inside["logs"]}
    return Item("", receipt_messages(tables).hashes(hash, 1)[0].tobytes(), facts)


# ---- making one ------------------------------------------------------------------------------------------------------


def transaction_item(values: Values) -> bytes:
    """The item of a transaction of a block."""
    if values["type"]:
        return encode(TRANSACTION, ethereum_item(values))
    return encode(TRANSACTION, bcos_item(values))


def receipt_item(values: Values, *, joined: bool) -> bytes:
    """The item of a receipt of a block; not `joined`: of an event."""
    return encode(RECEIPT, {"data": joined_receipt(values) if joined else values["data"]})


def bcos_item(values: Values) -> Values:
    """A transaction with what nothing parts joined, and without what nothing commits to."""
    data = values["data"]
    made = {name: data[name] for name in ("version", "chain_id", "group_id", "block_limit", "nonce", "to")}
    made["input"] = data["input"] + data["abi"]
    if data["version"] >= 1:
        made["input"] += data["value"] + data["gas_price"]
        made["gas_limit"] = data["gas_limit"]
        made["max_fee_per_gas"] = data["max_fee_per_gas"] + data["max_priority_fee_per_gas"]
    return {"data": made}


def ethereum_item(values: Values) -> Values:
    """The payload and the signature of an Ethereum transaction."""
    return {name: values[name] for name in ("signature", "type", "extra_bytes")}


def joined_receipt(values: Values) -> Values:
    """A receipt with what nothing parts in its output."""
    data = values["data"]
    names = ("version", "gas_used", "contract_address", "status", "block_number")
    output = data["output"] + (data["effective_gas_price"] if data["version"] >= 1 else b"")
    for log in data["logs"]:
        output += log["address"] + b"".join(log["topics"]) + log["data"]
    return {name: data[name] for name in names} | {"output": output}


def low_s(signature: bytes) -> bytes:
    """The signature r || s || v with the lower s; anything else as it is."""
    if len(signature) != 65 or signature[64] > 3:
        return signature
    s = int.from_bytes(signature[32:64], "big")
    if not ORDER // 2 < s < ORDER:
        return signature
    return signature[:32] + (ORDER - s).to_bytes(32, "big") + bytes((signature[64] ^ 1,))


# ---- values from tables ----------------------------------------------------------------------------------------------


def transaction_values(tables: Tables, row: int) -> Values:
    """The values of a row of the table "tx"; text as bytes."""
    values = {name: tables.span("tx", name)[row] for name in ("signature", "extra_bytes")}
    data = {one.name: _value(tables, "tx", one, row) for one in TRANSACTION_DATA.fields}
    return {**values, "type": int(tables.number("tx", "type")[row]), "data": data}


def receipt_values(tables: Tables, row: int) -> Values:
    """The values of a row of the table "receipt"."""
    data = {one.name: _value(tables, "receipt", one, row) for one in RECEIPT_DATA.fields if one.name != "logs"}
    data["logs"] = []
    addresses, contents, topics = tables.span("log", "address"), tables.span("log", "data"), tables.span("topic")
    # rows of logs and topics are in the order of their owners
    first, last = np.searchsorted(tables["log"][:, PARENT], [row, row + 1]).tolist()
    bounds = np.searchsorted(tables["topic"][:, PARENT], np.arange(first, last + 1)).tolist()
    for log, begin, end in zip(range(first, last), bounds, bounds[1:], strict=False):
        listed = [topics[i] for i in range(begin, end)]
        data["logs"].append({"address": addresses[log], "topics": listed, "data": contents[log]})
    return {"data": data}


def _value(tables: Tables, table: str, one: Any, row: int) -> Any:
    if one.kind in ("bytes", "string"):
        return tables.span(table, f"data.{one.name}")[row]
    return int(tables.number(table, f"data.{one.name}")[row])
