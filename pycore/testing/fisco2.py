"""Blocks of a FISCO BCOS 2.x chain, made from a seed: transactions, receipts, tree roots and the certificate.

Test data: anybody can compute the private keys.

>>> from pycore import ledgers
>>> chain = Fisco2Chain(seed=1, hash="sm3")
>>> block = chain.block([b"one", b"two"])
>>> ledgers.get("fisco-bcos").validate_block(block, chain.context(height=1)).valid
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pycore.base import rlp
from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch
from pycore.ledgers.fisco import v2_merkle
from pycore.ledgers.fisco.context import SCHEMES, FiscoContext
from pycore.ledgers.fisco.v2_records import pack
from pycore.merkle.patricia_tree import PatriciaTrie

from . import _deterministic
from ._sign import public_keys, sign, sign_recoverable

CHAIN_ID, GROUP_ID = 1, 1
_SIGNED = 10


class Fisco2Chain:
    """A chain that grows by :meth:`block`.

    Attributes:
        hash: "keccak256" (secp256k1) or "sm3" (SM2).
        sealers: node ids in the order of headers, which is that of their bytes.
        height, last: the last block's, 0 and a hash from the seed before the first.
    """

    def __init__(self, seed: int = 0, *, hash: str = "keccak256", sealers: int = 4) -> None:
        self.seed, self.hash = seed, hash
        secrets = _deterministic.rows(seed, "fisco2 sealer", hash, count=sealers, width=32)
        ids = [row.tobytes() for row in public_keys(SCHEMES[hash], secrets)[:, 1:]]
        order = sorted(range(sealers), key=lambda i: ids[i])
        self._secrets = secrets[order]
        self.sealers = [ids[i] for i in order]
        self.height = 0
        self.last = _deterministic.stream(seed, "fisco2 genesis", size=32)

    def context(self, **changes: Any) -> FiscoContext:
        """Everything that the chain tells, but no place."""
        values: dict[str, Any] = {
            "generation": 2, "hash": self.hash, "chain_id": str(CHAIN_ID), "group_id": str(GROUP_ID),
            "sealers": tuple(one.hex() for one in self.sealers),
        }  # fmt: skip
        return FiscoContext(**(values | changes))

    def transactions(
        self, payloads: Sequence[bytes], *, signers: int | None = None, to: bytes = b"\x11" * 20, label: str = "",
        **numbers: int,
    ) -> list[bytes]:  # fmt: skip
        """Signed transactions that carry these payloads, each from its own key unless `signers` says fewer.

        numbers    chain_id, group_id, block_limit in place of the chain's own
        """
        n = len(payloads)
        nonces = _deterministic.rows(self.seed, "fisco2 nonce", label, self.height, count=n, width=31)
        limit = numbers.get("block_limit", self.height + 500)
        chain, group = numbers.get("chain_id", CHAIN_ID), numbers.get("group_id", GROUP_ID)
        items = [
            [int.from_bytes(nonce.tobytes(), "big"), 30_000_000, 30_000_000, limit, to, 0, payload, chain, group, b""]
            for nonce, payload in zip(nonces, payloads, strict=True)
        ]
        distinct = min(n, signers) if signers else n
        secrets = _deterministic.rows(self.seed, "fisco2 signer", self.hash, label, count=distinct, width=32)
        return self.sign(items, secrets[np.arange(n) % max(distinct, 1)])

    def sign(self, items: Sequence[Sequence[Any]], secrets: npt.NDArray[np.uint8]) -> list[bytes]:
        """Transactions of these ten items each, signed."""
        bodies = [b"".join(map(rlp.encode, one)) for one in items]
        marks = self._marks([rlp.encode_list(body) for body in bodies], secrets)
        return [
            rlp.encode_list(body + b"".join(map(rlp.encode, mark))) for body, mark in zip(bodies, marks, strict=True)
        ]

    def _marks(self, texts: list[bytes], secrets: npt.NDArray[np.uint8]) -> list[tuple[Any, int, int]]:
        """The last three items: v, or the public key; r; s."""
        if not texts:
            return []
        if self.hash == "sm3":
            keys = public_keys("sm2", secrets)[:, 1:]
            found = sign("sm2", secrets, hash_batch("sm3", texts))
            firsts: list[Any] = [key.tobytes() for key in keys]
        else:
            found = sign_recoverable(secrets, texts)
            firsts = [27 + int(one[64]) for one in found]
        numbers = [
            (int.from_bytes(one[:32].tobytes(), "big"), int.from_bytes(one[32:64].tobytes(), "big")) for one in found
        ]
        return [(first, r, s) for first, (r, s) in zip(firsts, numbers, strict=True)]

    def certificate(self, digest: bytes, raw: bytes, signers: Sequence[int] | None = None) -> list[list[Any]]:
        """[index, signature] of these sealers, all by default, over a header."""
        chosen = list(range(len(self.sealers)) if signers is None else signers)
        secrets = self._secrets[chosen]
        if self.hash == "sm3":
            compact = sign("sm2", secrets, [digest] * len(chosen))
            made = [one.tobytes() + self.sealers[i] for one, i in zip(compact, chosen, strict=True)]
        else:
            made = [one.tobytes() for one in sign_recoverable(secrets, [raw] * len(chosen))]
        return [[i, one] for i, one in zip(chosen, made, strict=True)]

    def block(
        self, payloads: Sequence[bytes] = (), *, transactions: Sequence[bytes] | None = None,
        signers: Sequence[int] | None = None, release: str = "2.2", header: dict[int, Any] | None = None,
    ) -> bytes:  # fmt: skip
        """The next block, serialised.

        Args:
            payloads: of its transactions, where `transactions` does not give them ready.
            transactions: serialised.
            signers: sealers that sign, by index; all by default.
            release: "2.2" | "2.0" | "rc1": how the two roots are made.
            header: items of the header in place of the right ones, by position.
        """
        records = list(self.transactions(payloads) if transactions is None else transactions)
        receipts = [self._receipt(i) for i in range(len(records))]
        packed, listed = pack(records), rlp.encode_list(b"".join(receipts))
        items: list[Any] = [
            self.last, bytes(32), self._root(records, packed, release), self._root(receipts, listed, release),
            bytes(32), bytes(256), self.height + 1, 0, 0, 1_600_000_000_000 + 1000 * self.height, [],
            self.height % len(self.sealers), self.sealers,
        ]  # fmt: skip
        for place, value in (header or {}).items():
            items[place] = value
        raw = rlp.encode(items)
        digest = hash_one(self.hash, raw)
        votes = rlp.encode(self.certificate(digest, raw, signers))
        self.height, self.last = self.height + 1, digest
        return rlp.encode_list(raw + rlp.encode_bytes(packed) + rlp.encode_bytes(digest) + votes + listed)

    def _root(self, items: list[bytes], whole: bytes, release: str) -> bytes:
        if release == "2.2":
            return v2_merkle.root(self.hash, hash_batch(self.hash, items))
        if release == "2.0":
            return hash_one(self.hash, whole)
        return PatriciaTrie.of_list(items, hash=self.hash).root

    def _receipt(self, index: int) -> bytes:
        log = [b"\x11" * 20, [index.to_bytes(32, "big")], b"moved"]
        return rlp.encode([bytes(32), 21_000 + index, bytes(20), bytes(256), 0, b"", [log]])


def rpc_block(block: bytes, hash: str) -> dict[str, Any]:
    """A block as `getBlockByNumber` answers it."""
    items: Any = rlp.decode_list(block, name="block")
    header = items[0]
    names = ("parentHash", "stateRoot", "transactionsRoot", "receiptsRoot", "dbHash", "logsBloom")
    found: dict[str, Any] = {name: "0x" + header[i].hex() for i, name in enumerate(names)}
    for i, name in ((6, "number"), (7, "gasLimit"), (8, "gasUsed"), (9, "timestamp"), (11, "sealer")):
        found[name] = hex(int.from_bytes(header[i], "big"))
    found["extraData"], found["sealerList"] = [one.hex() for one in header[10]], [one.hex() for one in header[12]]
    found["hash"] = "0x" + items[2].hex()
    found["signatureList"] = [
        {"index": hex(int.from_bytes(index, "big")), "signature": "0x" + one.hex()} for index, one in items[3]
    ]
    packed = items[1]
    count = int.from_bytes(packed[:4], "little")
    offsets = np.frombuffer(packed, "<u4", count + 1 if count else 0, 4) + 4 * (count + 2)
    records = [packed[a:b] for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    found["transactions"] = [rpc_transaction(one, hash) for one in records]
    return found


def rpc_transaction(record: bytes, hash: str) -> dict[str, Any]:
    """A transaction as `getTransactionByHash` answers it."""
    items: Any = rlp.decode_list(record, name="transaction")
    names = ("nonce", "gasPrice", "gas", "blockLimit", "", "value", "", "chainId", "groupId")
    found: dict[str, Any] = {
        name: hex(int.from_bytes(items[i], "big")) for i, name in enumerate(names) if name
    }  # fmt: skip
    found |= {"to": "0x" + (items[4] or bytes(20)).hex(), "input": "0x" + items[6].hex()}
    v, r, s = items[_SIGNED:]
    found["extraData"], found["hash"] = "0x" + items[9].hex(), "0x" + hash_one(hash, record).hex()
    mark = "0x" + v.hex() if len(v) == 64 else hex(v[0] - 27)
    found["signature"] = {"v": mark, "r": "0x" + r.hex(), "s": "0x" + s.hex()}
    return found
