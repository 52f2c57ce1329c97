"""Blocks, transactions and receipts of Ethereum in their two forms, as the tries have them.

A block is the RLP list [header, transactions, ommers] and since Shanghai [..., withdrawals]; a typed transaction stands
in it as a string. "rpc" is what `eth_getBlockByNumber` answers with whole transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pycore.base import rlp
from pycore.base.columns import one_bytes
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.ethereum.headers import MAX_ITEMS, Header, header_of, rpc_header
from pycore.ledgers.ethereum.transactions import KINDS
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.rlp_columns import END, ITEM, LIST, START, Fields, Items
from pycore.ledgers.rpc_json import Answer

MAX_TRANSACTIONS = 1 << 20
SMALLEST = 32
"""Bytes of a transaction: with a signature it has more, and a row of columns takes five hundred."""
MAX_LISTED = 1 << 12
"""Items of the lists of ommers (2 at most) or withdrawals (16), those inside counted."""
_RECEIPT_TYPES = frozenset(KINDS)
_RPC_NAMES = {
    "nonce": "nonce", "fee": "maxFeePerGas", "tip": "maxPriorityFeePerGas", "gas": "gas", "to": "to", "value": "value",
    "data": "input", "chain_id": "chainId", "blob_fee": "maxFeePerBlobGas", "r": "r", "s": "s",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        header: with the stated hash of an answer.
        transactions: records as the trie has them, one piece each.
        ommers: RLP of their list; None for an answer, which has only their hashes.
        withdrawals: RLP of each; None where the block has no such list.
        wrong: what a transaction of an answer says of itself that is not so, by its index.
    """

    header: Header
    transactions: Spans
    ommers: bytes | None
    withdrawals: tuple[bytes, ...] | None
    wrong: tuple[tuple[int, str], ...] = ()


# ---- blocks ----------------------------------------------------------------------------------------------------------


def read_block(block: Any, form: str) -> Block:
    """A block of either form. InputError where it is not one."""
    if form == "rpc":
        return _rpc_block(Answer.of(block, "block"))
    data = one_bytes(block, "block")
    parts = Fields.of(Spans.joined([data]), 4, fewest=3)
    count = int((parts.cells[0, :, END] > 0).sum())
    if not parts.sound[0] or not all(parts.is_list(i)[0] for i in range(count)):
        raise InputError(
            "block", f"{len(data)} bytes", "canonical RLP of 3 or 4 lists: header, transactions, ommers ..."
        )
    whole = [data[parts.cells[0, i, ITEM] : parts.cells[0, i, END]] for i in range(count)]
    header = header_of(
        rlp.decode_list(whole[0], max_depth=1, max_items=MAX_ITEMS, name="block.header"), whole[0], "block.header"
    )
    for i, one in enumerate(rlp.decode_list(whole[2], max_depth=2, max_items=MAX_LISTED, name="block.ommers")):
        header_of(rlp.items(one, None, f"block.ommers[{i}]"), rlp.encode(one), f"block.ommers[{i}]")
    withdrawals = None
    if count == 4:
        listed = rlp.decode_list(whole[3], max_depth=2, max_items=MAX_LISTED, name="block.withdrawals")
        withdrawals = tuple(_withdrawal(one, f"block.withdrawals[{i}]") for i, one in enumerate(listed))
    return Block(header, _transactions(parts.column(1)), whole[2], withdrawals)


def _transactions(content: Spans) -> Spans:
    """Lists are legacy transactions with their headers; strings hold typed ones."""
    items = Items.of(content, most=MAX_TRANSACTIONS, smallest=SMALLEST)
    if items.faults[0]:
        raise InputError(
            "block.transactions", "a list that is not canonical RLP", f"at most {MAX_TRANSACTIONS} of {SMALLEST} bytes"
        )
    cells = items.cells
    starts = np.where(cells[:, LIST] == 1, cells[:, ITEM], cells[:, START])
    return Spans.of(items.data, starts, cells[:, END])


def _withdrawal(item: rlp.Item, name: str) -> bytes:
    """[index, validator, address, amount] (EIP-4895)."""
    parts = rlp.items(item, 4, name)
    for i in (0, 1, 3):
        rlp.number(parts[i], 8, name)
    rlp.octets(parts[2], 20, name)
    return rlp.encode(item)


def _rpc_block(answer: Answer) -> Block:
    header = rpc_header(answer)
    records, wrong = [], []
    for i, one in enumerate(answer.objects("transactions")):
        record, stated = rpc_transaction(one)
        records.append(record)
        if stated is not None and stated != hash_one("keccak256", record):
            wrong.append((i, f"states the hash {stated.hex()}, and has another"))
    withdrawals = None
    if answer.has("withdrawals"):
        names = (("index", 8), ("validatorIndex", 8), ("address", 0), ("amount", 8))
        withdrawals = tuple(
            rlp.encode([one.number(name, size) if size else one.octets(name, 20) for name, size in names])
            for one in answer.objects("withdrawals")
        )
    ommers = b"\xc0" if answer.has("uncles") and not answer.raw("uncles") else None
    return Block(header, Spans.joined(records), ommers, withdrawals, tuple(wrong))


# ---- transactions ----------------------------------------------------------------------------------------------------


def read_transaction(tx: Any, form: str, name: str = "transaction") -> tuple[bytes, bytes | None]:
    """A record, and the hash that it states (RPC only). It is not parsed here."""
    if form == "wire":
        return one_bytes(tx, name), None
    return rpc_transaction(Answer.of(tx, name))


def rpc_transaction(answer: Answer) -> tuple[bytes, bytes | None]:
    """A record from what `eth_getTransactionByHash` answers."""
    number = answer.number("type", 1) if answer.has("type") else 0
    if number not in KINDS:
        raise InputError(f"{answer.name}.type", f"{number}", "one of " + ", ".join(map(str, KINDS)))
    kind, items = KINDS[number], []
    for name, rule in zip(kind.names, kind.rules, strict=True):
        items.append(_rpc_item(answer, name, rule, number))
    encoded = rlp.encode(items)
    stated = answer.octets("hash", 32) if answer.has("hash") else None
    return (bytes((number,)) if number else b"") + encoded, stated


def _rpc_item(answer: Answer, name: str, rule: Any, number: int) -> Any:
    if name == "v":
        return answer.number("yParity" if number and not answer.has("v") else "v", 8)
    if name == "access":
        return [[one.octets("address", 20), one.octet_list("storageKeys", 32)] for one in answer.objects("accessList")]
    if name == "blobs":
        return answer.octet_list("blobVersionedHashes", 32)
    if name == "authorizations":
        return [_authorization(one) for one in answer.objects("authorizationList")]
    key = "gasPrice" if name == "fee" and number < 2 else _RPC_NAMES[name]
    if rule in ("to", "address"):
        return answer.optional_octets(key, 20)
    if rule == "data":
        return answer.octets(key)
    return answer.number(key, rule)


def _authorization(one: Answer) -> list[Any]:
    parity = one.number("yParity" if one.has("yParity") else "v", 1)
    numbers = [one.number(name, 32) for name in ("r", "s")]
    return [one.number("chainId", 32), one.octets("address", 20), one.number("nonce", 8), parity, *numbers]


# ---- receipts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receipt:
    """A receipt.

    Attributes:
        type: of its transaction.
        outcome: 1, or 0 for a transaction that failed; the 32 bytes of a state root before Byzantium.
        cumulative_gas: gas of the block up to and with this transaction.
        logs: (address, topics, data) of each.
    """

    type: int
    outcome: int | bytes
    cumulative_gas: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]


def parse_receipt(record: bytes, name: str = "receipt") -> Receipt:
    """A receipt as the trie has it: RLP [outcome, gas, bloom, logs], behind a type byte for typed transactions
    (EIP-658, EIP-2718). InputError where it is not one."""
    number = record[0] if record and record[0] < 0xC0 else 0
    if (number and number not in _RECEIPT_TYPES) or (record[:1] == b"\0"):
        raise InputError(name, f"type {number}", "one of " + ", ".join(map(str, sorted(_RECEIPT_TYPES))))
    items = rlp.items(rlp.decode(record[1 if number else 0 :], max_depth=4, name=name), 4, name)
    first = items[0]
    if not isinstance(first, bytes) or not (len(first) == 32 or first in (b"", b"\x01")):
        raise InputError(name, "its first item", "a status of 0 or 1, or a state root")
    rlp.octets(items[2], 256, f"{name}.bloom")
    logs = []
    for i, log in enumerate(rlp.items(items[3], None, f"{name}.logs")):
        where = f"{name}.logs[{i}]"
        address, topics, data = rlp.items(log, 3, where)
        listed = rlp.items(topics, None, where)
        if len(listed) > 4:
            raise InputError(where, f"{len(listed)} topics", "at most 4")
        hashes = tuple(rlp.octets(topic, 32, where) for topic in listed)
        logs.append((rlp.octets(address, 20, where), hashes, rlp.octets(data, None, where)))
    outcome = first if len(first) == 32 else len(first)
    return Receipt(number, outcome, rlp.number(items[1], 8, name), tuple(logs))


def rpc_receipt(answer: Answer) -> bytes:
    """A receipt as the trie has it, from what `eth_getTransactionReceipt` answers."""
    number = answer.number("type", 1) if answer.has("type") else 0
    outcome: Any = answer.number("status", 1) if answer.has("status") else answer.octets("root", 32)
    logs = [
        [log.octets("address", 20), log.octet_list("topics", 32), log.octets("data")] for log in answer.objects("logs")
    ]
    items = [outcome, answer.number("cumulativeGasUsed", 8), answer.octets("logsBloom", 256), logs]
    return (bytes((number,)) if number else b"") + rlp.encode(items)


def read_receipts(given: Any, name: str = "receipts") -> list[bytes]:
    """The receipts of a block: the list that `eth_getBlockReceipts` answers, the object around it, or records. One
    answer or record by itself is a list of one."""
    if isinstance(given, dict):
        given = given["result"] if isinstance(given.get("result"), (list, tuple)) else [given]
    elif isinstance(given, (bytes, bytearray, memoryview)):
        given = [given]
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(name, type(given).__name__, "a list of receipts")
    if len(given) > MAX_TRANSACTIONS:
        raise InputError(name, f"{len(given)} of them", f"at most {MAX_TRANSACTIONS}")
    found = []
    for i, one in enumerate(given):
        found.append(rpc_receipt(Answer.of(one, f"{name}[{i}]")) if isinstance(one, dict) else one_bytes(one, name))
    return found
