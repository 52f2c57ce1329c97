"""Signed core transactions of Conflux and headers, made from a seed.

Test data: anybody can compute the private keys.

>>> from pycore import ledgers
>>> ledgers.get("conflux").validate_transactions(transactions([0, 1, 2]), {"chain_id": 1029}).all_valid
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycore.base import rlp
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.conflux.addresses import encode
from pycore.ledgers.conflux.transactions import KINDS

from . import _deterministic
from ._sign import sign_recoverable


def transactions(
    types: Sequence[int], *, seed: int = 0, chain_id: int = 1029, epoch: int = 1000, payload: int = 36, **changed: Any
) -> list[bytes]:
    """Signed transactions of these types (0, 1: CIP-2930, 2: CIP-1559), each from its own key.

    changed    items in place of the made ones, by name
    """
    n = len(types)
    if not n:
        return []
    secrets = _deterministic.rows(seed, "conflux signer", count=n, width=32)
    data = _deterministic.rows(seed, "conflux data", count=n, width=max(payload, 1))
    bodies = []
    for i, number in enumerate(types):
        to = b"\x81" + _deterministic.stream(seed, "conflux to", i % 5, size=19)
        items: dict[str, Any] = {
            "nonce": i, "gas_price": 10**9, "tip": 10**9, "fee": 2 * 10**9, "gas": 21_000 + 68 * payload, "to": to,
            "value": 10**18 * i, "storage_limit": 64, "epoch_height": epoch, "chain_id": chain_id,
            "data": data[i].tobytes()[:payload], "access": [[to, [i.to_bytes(32, "big")] * (i % 3)]],
        }  # fmt: skip
        items |= changed
        bodies.append(rlp.encode([items[name] for name in KINDS[number].names]))
    heads = [KINDS[number].head for number in types]
    found = sign_recoverable(secrets, [head + body for head, body in zip(heads, bodies, strict=True)])
    made = []
    for head, body, one in zip(heads, bodies, found, strict=True):
        r, s = (int.from_bytes(one[k : k + 32].tobytes(), "big") for k in (0, 32))
        made.append(head + rlp.encode_list(body + b"".join(map(rlp.encode, (int(one[64]), r, s)))))
    return made


def rpc_transaction(record: bytes) -> dict[str, Any]:
    """A transaction as `cfx_getTransactionByHash` answers it."""
    number = record[3] if record[0] < 0xC0 else 0
    kind = KINDS[number]
    decoded: Any = rlp.decode_list(record[len(kind.head) :], name="transaction")
    items, (v, r, s) = dict(zip(kind.names, decoded[0], strict=True)), decoded[1:]
    network = int.from_bytes(items["chain_id"], "big")
    names = {
        "gas_price": "gasPrice", "tip": "maxPriorityFeePerGas", "fee": "maxFeePerGas", "storage_limit": "storageLimit",
        "epoch_height": "epochHeight", "chain_id": "chainId",
    }  # fmt: skip
    answer: dict[str, Any] = {"type": hex(number), "hash": "0x" + hash_one("keccak256", record).hex()}
    for name, value in items.items():
        if name == "to":
            answer["to"] = encode(value, network) if value else None
        elif name == "data":
            answer["data"] = "0x" + value.hex()
        elif name == "access":
            answer["accessList"] = [
                {"address": encode(one[0], network), "storageKeys": ["0x" + key.hex() for key in one[1]]}
                for one in value
            ]
        else:
            answer[names.get(name, name)] = hex(int.from_bytes(value, "big"))
    return answer | {"v": hex(int.from_bytes(v, "big")), "r": "0x" + r.hex(), "s": "0x" + s.hex()}


def header(*, seed: int = 0, height: int = 7, referees: int = 2, pos: bool = False) -> list[Any]:
    """The items of a header; `pos`: with a reference to proof of stake behind them."""
    hashes = [_deterministic.stream(seed, "conflux header", height, i, size=32) for i in range(6 + referees)]
    items: list[Any] = [
        hashes[0], height, 1_600_000_000 + height, b"\x10" + bytes(19), *hashes[1:5], 0, 4, height % 2, 30_000_000,
        hashes[6:], 0x1234,
    ]  # fmt: skip
    return [*items, [hashes[5]]] if pos else items
