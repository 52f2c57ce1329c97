"""Blocks of an Ethereum chain, made from a seed: transactions of every type, receipts, withdrawals, state.

Test data: anybody can compute the private keys, and nothing is executed: gas, state and receipts are made up.

>>> from pycore import ledgers
>>> chain = EthereumChain(seed=1)
>>> made = chain.block(chain.transactions([0, 1, 2, 3, 4]))
>>> report = ledgers.get("ethereum").validate_block(made.wire, {"chain_id": 1, "block_hash": made.hash})
>>> report.valid, len(report.transactions)
(True, 5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pycore.base import rlp
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.ethereum.block import encode_block
from pycore.ledgers.ethereum.transactions import KINDS
from pycore.merkle.patricia_tree import PatriciaTrie

from . import _deterministic
from ._sign import sign_recoverable

FORKS = {"frontier": 15, "london": 16, "shanghai": 17, "cancun": 20, "prague": 21}
_SIGNATURE_ITEMS = 3


@dataclass(frozen=True)
class MadeBlock:
    """A block, and what it was made of."""

    wire: bytes
    header: bytes
    hash: bytes
    records: list[bytes]
    receipts: list[bytes]
    withdrawals: list[bytes] | None


@dataclass
class State:
    """Accounts and their storage.

    Attributes:
        accounts: address -> (nonce, balance).
        storage: address -> slot -> number.
    """

    accounts: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    storage: dict[bytes, dict[bytes, int]] = field(default_factory=dict)

    def trie(self) -> PatriciaTrie:
        """The state trie."""
        keys, values = [], []
        for address, (nonce, balance) in self.accounts.items():
            keys.append(hash_one("keccak256", address))
            code = hash_one("keccak256", address if address in self.storage else b"")
            values.append(rlp.encode([nonce, balance, self.slots(address).root, code]))
        return PatriciaTrie(keys, values)

    def slots(self, address: bytes) -> PatriciaTrie:
        """The storage trie of an account."""
        held = self.storage.get(address, {})
        return PatriciaTrie([hash_one("keccak256", slot) for slot in held], [rlp.encode(one) for one in held.values()])

    def answer(self, address: bytes, slots: Sequence[bytes] = ()) -> dict[str, Any]:
        """What `eth_getProof` answers."""
        storage, trie = self.slots(address), self.trie()
        return {
            "address": "0x" + address.hex(),
            "accountProof": ["0x" + one.hex() for one in trie.proof(hash_one("keccak256", address))],
            "storageProof": [
                {
                    "key": "0x" + slot.hex(),
                    "value": hex(self.storage.get(address, {}).get(slot, 0)),
                    "proof": ["0x" + one.hex() for one in storage.proof(hash_one("keccak256", slot))],
                }
                for slot in slots
            ],
        }


class EthereumChain:
    """A chain that grows by :meth:`block`.

    Attributes:
        chain_id, fork: the fork decides which items headers have.
        height, last: of the last block.
        state: which the next block's header has the root of.
    """

    def __init__(self, seed: int = 0, *, chain_id: int = 1, fork: str = "prague") -> None:
        self.seed, self.chain_id, self.fork = seed, chain_id, fork
        self.height, self.last = 0, _deterministic.stream(seed, "ethereum genesis", size=32)
        self.state = State()
        for i in range(20):
            address = _deterministic.stream(seed, "ethereum account", i, size=20)
            self.state.accounts[address] = (i, 10**18 + i)
            if i % 2:
                slots = [_deterministic.stream(seed, "ethereum slot", i, k, size=32) for k in range(i)]
                self.state.storage[address] = {slot: k * k + 1 for k, slot in enumerate(slots)}

    def transactions(
        self, types: Sequence[int], *, chain_id: int | None = None, payload: int = 68, signers: int | None = None,
        label: str = "", protected: bool = True, **changed: Any,
    ) -> list[bytes]:  # fmt: skip
        """Signed transactions of these types, each from its own key unless `signers` says fewer.

        Args:
            types: 0 (legacy) to 4.
            chain_id: in place of the chain's.
            payload: bytes of data.
            label: another one gives other keys and contents.
            protected: legacy ones as EIP-155 has them.
            changed: items in place of the made ones, by name.
        """
        n, chain = len(types), self.chain_id if chain_id is None else chain_id
        data = _deterministic.rows(self.seed, "ethereum data", label, self.height, count=n, width=max(payload, 1))
        distinct = min(n, signers) if signers else n
        secrets = _deterministic.rows(self.seed, "ethereum signer", label, count=distinct, width=32)
        texts, bodies = [], []
        for i, number in enumerate(types):
            items = self._items(number, i, chain, data[i].tobytes()[:payload]) | changed
            body = b"".join(rlp.encode(items[name]) for name in KINDS[number].names[:-_SIGNATURE_ITEMS])
            tail = rlp.encode(chain) + b"\x80\x80" if number == 0 and protected else b""
            head = bytes((number,)) if number else b""
            bodies.append((head, body))
            texts.append(head + rlp.encode_list(body + tail))
        if not n:
            return []
        found = sign_recoverable(secrets[np.arange(n) % distinct], texts)
        made = []
        for number, (head, body), one in zip(types, bodies, found, strict=True):
            v = int(one[64]) if number else int(one[64]) + (35 + 2 * chain if protected else 27)
            r, s = (int.from_bytes(one[k : k + 32].tobytes(), "big") for k in (0, 32))
            made.append(head + rlp.encode_list(body + b"".join(map(rlp.encode, (v, r, s)))))
        return made

    def _items(self, number: int, i: int, chain: int, data: bytes) -> dict[str, Any]:
        to = _deterministic.stream(self.seed, "ethereum to", i % 7, size=20)
        keys = [i.to_bytes(32, "big"), bytes(32)]
        authority = [chain, to, i, i % 2, i + 1, i + 2]
        return {
            "chain_id": chain, "nonce": i, "tip": 10**9, "fee": 30 * 10**9 + i, "gas": 21_000 + 16 * len(data),
            "to": to, "value": 10**15 * i, "data": data, "access": [[to, keys[: i % 3]]] if i % 2 else [],
            "blob_fee": 1 + i, "blobs": [b"\x01" + bytes(30) + bytes((i % 256,))], "authorizations": [authority],
        }  # fmt: skip

    def receipts(self, records: Sequence[bytes]) -> list[bytes]:
        """Receipts with a log each that says who moved what."""
        made = []
        for i, record in enumerate(records):
            number = record[0] if record[0] < 0xC0 else 0
            token = _deterministic.stream(self.seed, "ethereum token", i % 3, size=20)
            topics = [hash_one("keccak256", b"Transfer(address,address,uint256)"), i.to_bytes(32, "big")]
            items = [int(i % 5 != 4), 21_000 * (i + 1), bytes(256), [[token, topics, (1000 + i).to_bytes(32, "big")]]]
            made.append((bytes((number,)) if number else b"") + rlp.encode(items))
        return made

    def block(self, records: Sequence[bytes] = (), *, header: dict[int, Any] | None = None) -> MadeBlock:
        """The next block. `header`: items in place of the right ones, by position."""
        receipts = self.receipts(records)
        count = FORKS[self.fork]
        withdrawals = None
        if count >= FORKS["shanghai"]:
            withdrawals = [rlp.encode([self.height + k, k, bytes(19) + bytes((k,)), 10**9]) for k in range(3)]
        items: list[Any] = [
            self.last, hash_one("keccak256", b"\xc0"), bytes(20), self.state.trie().root,
            PatriciaTrie.of_list(list(records)).root, PatriciaTrie.of_list(receipts).root, bytes(256), 0,
            self.height + 1, 30_000_000, 21_000 * len(receipts), 1_700_000_000 + 12 * self.height, b"made", bytes(32),
            bytes(8), 7 * 10**9, PatriciaTrie.of_list(withdrawals or []).root, 131_072, 0, bytes(32),
            hash_one("sha256", b""),
        ]  # fmt: skip
        for place, value in (header or {}).items():
            items[place] = value
        raw = rlp.encode(items[:count])
        self.height, self.last = self.height + 1, hash_one("keccak256", raw)
        wire = encode_block(raw, list(records), [], withdrawals)
        return MadeBlock(wire, raw, self.last, list(records), receipts, withdrawals)


def rpc_block(made: MadeBlock) -> dict[str, Any]:
    """A block as `eth_getBlockByNumber` answers it."""
    from pycore.ledgers.ethereum.headers import HEADER_ITEMS

    answer: dict[str, Any] = {"hash": "0x" + made.hash.hex(), "uncles": []}
    for (name, size), value in zip(HEADER_ITEMS, rlp.decode_list(made.header, name="header"), strict=False):
        assert isinstance(value, bytes)
        answer[name] = hex(int.from_bytes(value, "big")) if isinstance(size, int) else "0x" + value.hex()
    answer["transactions"] = [rpc_transaction(one) for one in made.records]
    if made.withdrawals is not None:
        names = ("index", "validatorIndex", "address", "amount")
        answer["withdrawals"] = [
            {name: "0x" + part.hex() if name == "address" else hex(int.from_bytes(part, "big"))
             for name, part in zip(names, rlp.decode_list(one, name="withdrawal"), strict=True)
             if isinstance(part, bytes)}
            for one in made.withdrawals
        ]  # fmt: skip
    return answer


def rpc_transaction(record: bytes) -> dict[str, Any]:
    """A transaction as `eth_getTransactionByHash` answers it."""
    number = record[0] if record[0] < 0xC0 else 0
    items: Any = rlp.decode_list(record[1 if number else 0 :], name="transaction")
    answer: dict[str, Any] = {"type": hex(number), "hash": "0x" + hash_one("keccak256", record).hex()}
    keys = {
        "fee": "maxFeePerGas" if number > 1 else "gasPrice", "tip": "maxPriorityFeePerGas", "data": "input",
        "chain_id": "chainId", "blob_fee": "maxFeePerBlobGas",
    }  # fmt: skip
    for name, value in zip(KINDS[number].names, items, strict=True):
        if name == "access":
            answer["accessList"] = [
                {"address": "0x" + one[0].hex(), "storageKeys": ["0x" + key.hex() for key in one[1]]} for one in value
            ]
        elif name == "blobs":
            answer["blobVersionedHashes"] = ["0x" + one.hex() for one in value]
        elif name == "authorizations":
            parts = ("chainId", "address", "nonce", "yParity", "r", "s")
            answer["authorizationList"] = [
                {key: "0x" + part.hex() if key == "address" else hex(int.from_bytes(part, "big"))
                 for key, part in zip(parts, one, strict=True)}
                for one in value
            ]  # fmt: skip
        elif name in ("to", "data"):
            answer[keys.get(name, name)] = "0x" + value.hex() if value or name == "data" else None
        else:
            answer[keys.get(name, name)] = hex(int.from_bytes(value, "big"))
    return answer


def rpc_receipt(record: bytes) -> dict[str, Any]:
    """A receipt as `eth_getTransactionReceipt` answers it, without what is not in its trie."""
    number = record[0] if record[0] < 0xC0 else 0
    status, gas, bloom, logs = rlp.decode_list(record[1 if number else 0 :], name="receipt")
    assert isinstance(status, bytes)
    assert isinstance(gas, bytes)
    assert isinstance(bloom, bytes)
    listed: Any = logs
    return {
        "type": hex(number),
        "status": hex(int.from_bytes(status, "big")),
        "cumulativeGasUsed": hex(int.from_bytes(gas, "big")),
        "logsBloom": "0x" + bloom.hex(),
        "logs": [
            {
                "address": "0x" + address.hex(),
                "topics": ["0x" + topic.hex() for topic in topics],
                "data": "0x" + data.hex(),
            }
            for address, topics, data in listed
        ],
    }
