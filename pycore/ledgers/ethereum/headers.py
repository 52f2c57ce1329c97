"""Headers of Ethereum's execution blocks, of every fork, and what their hashes cover.

A header is the RLP list of the Yellow Paper's fifteen items, and of those that forks added: baseFeePerGas (London,
EIP-1559), withdrawalsRoot (Shanghai, EIP-4895), blobGasUsed, excessBlobGas (EIP-4844) and parentBeaconBlockRoot
(EIP-4788; Cancun), requestsHash (Prague, EIP-7685). Its Keccak-256 is the block's hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pycore.base import rlp
from pycore.base.columns import one_bytes
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.rpc_json import Answer

MAX_EXTRA_DATA = 1 << 12
"""Bytes of extraData: mainnet has 32 at most, networks with signers in it some hundred."""
MAX_ITEMS = 64
COUNTS = (15, 16, 17, 20, 21)
"""Items of a header, by fork."""

# Name by RPC, and bytes: (n,) exactly n; n: a number of at most n.
HEADER_ITEMS: tuple[tuple[str, int | tuple[int, ...] | None], ...] = (
    ("parentHash", (32,)),
    ("sha3Uncles", (32,)),
    ("miner", (20,)),
    ("stateRoot", (32,)),
    ("transactionsRoot", (32,)),
    ("receiptsRoot", (32,)),
    ("logsBloom", (256,)),
    ("difficulty", 32),
    ("number", 8),
    ("gasLimit", 8),
    ("gasUsed", 8),
    ("timestamp", 8),
    ("extraData", None),
    ("mixHash", (32,)),
    ("nonce", (8,)),
    ("baseFeePerGas", 32),
    ("withdrawalsRoot", (32,)),
    ("blobGasUsed", 8),
    ("excessBlobGas", 8),
    ("parentBeaconBlockRoot", (32,)),
    ("requestsHash", (32,)),
)


@dataclass(frozen=True)
class Header:
    """A header.

    Attributes:
        raw: its RLP.
        hash: Keccak-256 of that, the block's hash.
        parent_hash, ommers_hash, state_root, tx_root, receipt_root: 32 bytes each.
        number, gas_used, timestamp: the latter in Unix seconds.
        withdrawals_root: None before Shanghai.
        stated: the hash that an RPC answer has next to it, or None.
    """

    raw: bytes
    hash: bytes
    parent_hash: bytes
    ommers_hash: bytes
    state_root: bytes
    tx_root: bytes
    receipt_root: bytes
    number: int
    gas_used: int
    timestamp: int
    withdrawals_root: bytes | None = None
    stated: bytes | None = None


def read_header(header: Any, form: str, name: str = "header") -> Header:
    """A header. "wire": its RLP; "rpc": a block as `eth_getBlockByNumber` answers. InputError where it is not one."""
    if form == "rpc":
        return rpc_header(Answer.of(header, name))
    data = one_bytes(header, name)
    return header_of(rlp.decode_list(data, max_depth=1, max_items=MAX_ITEMS, name=name), data, name)


def header_of(items: list[rlp.Item], raw: bytes, name: str, stated: bytes | None = None) -> Header:
    """A header from its items."""
    if len(items) not in COUNTS:
        raise InputError(name, f"a list of {len(items)}", "a list of " + ", ".join(map(str, COUNTS)))
    values: dict[str, Any] = {}
    for item, (key, size) in zip(items, HEADER_ITEMS, strict=False):
        where = f"{name}.{key}"
        values[key] = rlp.number(item, size, where) if isinstance(size, int) else rlp.octets(item, size, where)
    if len(values["extraData"]) > MAX_EXTRA_DATA:
        raise InputError(f"{name}.extraData", f"{len(values['extraData'])} bytes", f"at most {MAX_EXTRA_DATA}")
    return Header(
        raw, hash_one("keccak256", raw), values["parentHash"], values["sha3Uncles"], values["stateRoot"],
        values["transactionsRoot"], values["receiptsRoot"], values["number"], values["gasUsed"], values["timestamp"],
        values.get("withdrawalsRoot"), stated,
    )  # fmt: skip


def rpc_header(answer: Answer) -> Header:
    """A header from an answer. Items of later forks are there up to the first that is absent."""
    items: list[Any] = []
    for name, size in HEADER_ITEMS:
        if len(items) >= COUNTS[0] and not answer.has(name):
            break
        items.append(answer.number(name, size) if isinstance(size, int) else answer.octets(name, *(size or ())))
    raw = rlp.encode(items)
    stated = answer.octets("hash", 32) if answer.has("hash") else None
    return header_of(rlp.decode_list(raw, max_depth=1, name=answer.name), raw, answer.name, stated)
