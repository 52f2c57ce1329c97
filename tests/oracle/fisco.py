"""FISCO BCOS 3.x by its rules, slowly: what hashes are taken over, roots and proofs of its trees. Values are those that
the generator makes, keyed by the names of the records' fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .keccak import keccak256
from .sm3 import sm3

HASHES = {"keccak256": keccak256, "sm3": sm3}


def _text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def i32(value: int) -> bytes:
    return (value % (1 << 32)).to_bytes(4, "big")


def i64(value: int) -> bytes:
    return (value % (1 << 64)).to_bytes(8, "big")


def transaction(hash: str, data: Mapping[str, Any]) -> bytes:
    """The hash of a transaction's data."""
    version = data.get("version", 0)
    out = i32(version) + _text(data.get("chain_id", "")) + _text(data.get("group_id", ""))
    out += i64(data.get("block_limit", 0))
    for name in ("nonce", "to", "input", "abi"):
        out += _text(data.get(name, b""))
    if version >= 1:
        out += _text(data.get("value", b"")) + _text(data.get("gas_price", b"")) + i64(data.get("gas_limit", 0))
        out += _text(data.get("max_fee_per_gas", b"")) + _text(data.get("max_priority_fee_per_gas", b""))
    if version >= 2:
        out += _text(data.get("extension", b""))
    return HASHES[hash](out)


def receipt(hash: str, data: Mapping[str, Any]) -> bytes:
    """The hash of a receipt's data."""
    version = data.get("version", 0)
    out = i32(version) + _text(data.get("gas_used", "")) + _text(data.get("contract_address", ""))
    out += i32(data.get("status", 0)) + data.get("output", b"")
    if version >= 1:
        out += _text(data.get("effective_gas_price", ""))
    for log in data.get("logs", ()):
        out += _text(log["address"]) + b"".join(log["topics"]) + log["data"]
    return HASHES[hash](out + i64(data.get("block_number", 0)))


def header(hash: str, h: Any) -> bytes:
    """The hash of a header, an object with the fields' names."""
    if h.version == 4:
        n4 = n8 = lambda value: i32(value) + bytes(4)
    else:
        n4, n8 = i32, i64
    out = n4(h.version)
    for number, parent in h.parents:
        out += n8(number) + parent
    out += h.tx_root + h.receipt_root + h.state_root + n8(h.number) + h.gas_used + n8(h.timestamp) + n8(h.sealer)
    out += b"".join(h.sealers) + h.extra_data + b"".join(n8(weight) for weight in h.weights)
    return HASHES[hash](out)


def root(hash: str, leaves: Sequence[bytes]) -> bytes:
    """The root of a tree of width 2 whose odd nodes are hashed alone."""
    if not leaves:
        return bytes(32)
    nodes = list(leaves)
    while len(nodes) > 1:
        nodes = [HASHES[hash](b"".join(nodes[i : i + 2])) for i in range(0, len(nodes), 2)]
    return nodes[0]


def proof(hash: str, leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof of a leaf as nodes answer it."""
    if len(leaves) == 1:
        return [leaves[0]]
    nodes, found = list(leaves), []
    while len(nodes) > 1:
        first = index - index % 2
        group = nodes[first : first + 2]
        found += [len(group).to_bytes(4, "big") + bytes(28), *group]
        nodes = [HASHES[hash](b"".join(nodes[i : i + 2])) for i in range(0, len(nodes), 2)]
        index //= 2
    return found
