"""Conflux's transactions and headers in their two forms.

A header is the RLP list [parentHash height timestamp author transactionsRoot deferredStateRoot deferredReceiptsRoot
deferredLogsBloomHash blame difficulty adaptive gasLimit [referee ...] nonce], and behind it, where it has them,
[posReference], [basePrice ...] and custom items as they are. Its Keccak-256 is the block's hash. The fourteen are
confirmed by published headers, the others read in the code.
"""

from __future__ import annotations

from typing import Any

from pycore.base import rlp
from pycore.base.columns import one_bytes
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.conflux.addresses import decode
from pycore.ledgers.conflux.transactions import KINDS
from pycore.ledgers.rpc_json import Answer

ITEMS, MAX_ITEMS = 14, 64
MAX_REFEREES = 1 << 12
_HASHES = ("transactionsRoot", "deferredStateRoot", "deferredReceiptsRoot", "deferredLogsBloomHash")
_RPC_NAMES = {
    "nonce": "nonce", "gas_price": "gasPrice", "tip": "maxPriorityFeePerGas", "fee": "maxFeePerGas", "gas": "gas",
    "value": "value", "storage_limit": "storageLimit", "epoch_height": "epochHeight", "chain_id": "chainId",
}  # fmt: skip


def read_transaction(tx: Any, form: str, name: str = "transaction") -> tuple[bytes, bytes | None]:
    """A transaction's bytes, and the hash that it states (RPC only). It is not parsed here."""
    if form == "wire":
        return one_bytes(tx, name), None
    answer = Answer.of(tx, name)
    number = answer.number("type", 1) if answer.has("type") else 0
    if number not in KINDS:
        raise InputError(f"{name}.type", f"{number}", "one of " + ", ".join(map(str, KINDS)))
    kind = KINDS[number]
    items: list[Any] = []
    for key, rule in zip(kind.names, kind.rules, strict=True):
        if key == "to":
            items.append(_address(answer, "to") if answer.has("to") else b"")
        elif key == "data":
            items.append(answer.octets("data"))
        elif key == "access":
            entries = answer.objects("accessList") if answer.has("accessList") else ()
            items.append([[_address(one, "address"), one.octet_list("storageKeys", 32)] for one in entries])
        else:
            assert isinstance(rule, int)
            items.append(answer.number(_RPC_NAMES[key], rule))
    signature = [answer.number("v", 1), answer.number("r", 32), answer.number("s", 32)]
    stated = answer.octets("hash", 32) if answer.has("hash") else None
    return kind.head + rlp.encode([items, *signature]), stated


def _address(answer: Answer, field: str) -> bytes:
    """An address in base32 or, as early answers have it, in hexadecimal."""
    value = answer.raw(field)
    if isinstance(value, str) and ":" in value:
        return decode(value)[0]
    return answer.octets(field, 20)


def header_hash(header: Any, form: str) -> bytes:
    """The hash of a header. InputError where it is not one, or what it states cannot be made of what is there."""
    if form == "wire":
        data = one_bytes(header, "header")
        _check_header(rlp.decode_list(data, max_depth=4, max_items=2 * MAX_REFEREES, name="header"))
        return hash_one("keccak256", data)
    answer = Answer.of(header, "header")
    found = [hash_one("keccak256", one) for one in _rpc_headers(answer)]
    if not answer.has("hash"):
        return found[0]
    stated = answer.octets("hash", 32)
    if stated not in found:
        why = (
            "" if not answer.has("baseFeePerGas") else "; since CIP-1559 answers lack the base price of the other space"
        )
        raise InputError("header.hash", stated.hex(), f"{found[0].hex()}, the hash of what the answer has{why}")
    return stated


def _check_header(items: list[rlp.Item]) -> None:
    if not ITEMS <= len(items) <= MAX_ITEMS:
        raise InputError("header", f"a list of {len(items)}", f"a list of {ITEMS} to {MAX_ITEMS}")
    for i, size in ((0, 32), (3, 20), (4, 32), (5, 32), (6, 32), (7, 32)):
        rlp.octets(items[i], size, f"header[{i}]")
    for i, size in ((1, 8), (2, 8), (8, 4), (9, 32), (10, 1), (11, 32), (13, 32)):
        number = rlp.number(items[i], size, f"header[{i}]")
        if i == 10 and number > 1:
            raise InputError("header[10]", f"{number}", "0 or 1")
    referees = rlp.items(items[12], None, "header[12]")
    if len(referees) > MAX_REFEREES:
        raise InputError("header[12]", f"{len(referees)} referees", f"at most {MAX_REFEREES}")
    for one in referees:
        rlp.octets(one, 32, "header[12]")


def _rpc_headers(answer: Answer) -> list[bytes]:
    """The encodings that an answer may stand for: custom items as strings, or as the items that they encode."""
    items: list[Any] = [answer.octets("parentHash", 32), answer.number("height", 8), answer.number("timestamp", 8)]
    items.append(_address(answer, "miner"))
    items += [answer.octets(name, 32) for name in _HASHES]
    adaptive = answer.raw("adaptive")
    items += [answer.number("blame", 4), answer.number("difficulty", 32), int(adaptive is True)]
    if not isinstance(adaptive, bool):
        raise InputError("header.adaptive", repr(adaptive)[:40], "true or false")
    items += [answer.number("gasLimit", 32), answer.octet_list("refereeHashes", 32), answer.number("nonce", 32)]
    if answer.has("posReference"):
        items.append([answer.octets("posReference", 32)])
    custom = answer.octet_list("custom") if answer.has("custom") else []
    body = b"".join(map(rlp.encode, items))
    made = [rlp.encode_list(body + b"".join(map(rlp.encode_bytes, custom)))]
    if custom:
        made.insert(0, rlp.encode_list(body + b"".join(custom)))
    found = [one for one in made if _is_header(one)]
    if not found:
        raise InputError("header", "items that no header has", f"a list of {ITEMS} to {MAX_ITEMS}")
    return found


def _is_header(data: bytes) -> bool:
    try:
        _check_header(rlp.decode_list(data, max_depth=4, max_items=2 * MAX_REFEREES, name="header"))
    except InputError:
        return False
    return True
