"""Blocks of FISCO BCOS 3.x from a seed: transactions each with its own key, receipts, headers with PBFT signatures,
runs in which the sealers change. Test data only: anybody can compute the private keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pycore.base import rlp
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fisco import FiscoContext, v3_changes, v3_hashes, v3_merkle, v3_records
from pycore.ledgers.fisco.context import SCHEMES
from pycore.ledgers.fisco.v3_header import Header
from pycore.ledgers.tars import encode

from . import _deterministic
from ._sign import public_keys, sign, sign_recoverable

Values = dict[str, Any]
VERSION = 0x03030000
TIME = 1_700_000_000_000
"""Time stamp of block 0, milliseconds; a block takes a second."""
Change = tuple[str, int, int]
"""A call of the consensus precompile: (method's name, number of the node, weight)."""


@dataclass(frozen=True)
class BuiltBlock:
    """A block and what it was made of.

    Attributes:
        data: the serialised block.
        header: with its hash and signatures.
        transactions, receipts: the values of the records.
        tx_hashes, receipt_hashes: uint8 (n, 32).
    """

    data: bytes
    header: Header
    transactions: tuple[Values, ...]
    receipts: tuple[Values, ...]
    tx_hashes: npt.NDArray[np.uint8]
    receipt_hashes: npt.NDArray[np.uint8]

    @property
    def hash(self) -> bytes:
        """The block's hash."""
        return self.header.data_hash


class FiscoChain:
    """A chain that makes its blocks as they are asked for.

    >>> chain = FiscoChain(seed=1, hash="sm3")
    >>> first = chain.block(1, transactions=2)
    >>> from pycore import ledgers
    >>> report = ledgers.get("fisco-bcos").validate_block(first.data, chain.context(1, chain.genesis_hash))
    >>> report.valid, report.complete
    (True, True)
    """

    def __init__(
        self, seed: int = 0, *, hash: str = "sm3", sealers: int = 4, weights: Sequence[int] = (), nodes: int = 8,
        chain_id: str = "chain0", group_id: str = "group0", version: int = 0,
    ) -> None:  # fmt: skip
        """Makes the nodes' keys.

        seed      any integer; the same arguments give the same bytes everywhere
        hash      "sm3": a national-crypto chain; "keccak256": a standard one
        sealers   nodes that are sealers at first, of all `nodes`
        weights   of the sealers by their number; (): 1 each
        version   of the transactions: 0, 1 or 2
        """
        self.seed, self.hash, self.chain_id, self.group_id, self.version = seed, hash, chain_id, group_id, version
        self._secrets = _deterministic.rows(seed, "fisco-node", hash, count=nodes, width=32)
        keys = public_keys(SCHEMES[hash], self._secrets)[:, 1:]
        self.node_ids = [key.tobytes() for key in keys]
        self.genesis_hash = _deterministic.stream(seed, "fisco-genesis", size=32)
        self.powers = {i: (weights[i] if weights else 1) for i in range(sealers)}

    def context(self, height: int | None = None, previous: bytes | None = None, **more: Any) -> FiscoContext:
        """The context of the block at a height behind the one with hash `previous`, for the sealers as they are now."""
        names, weights = self._listed()
        plain = set(weights) <= {1}
        return FiscoContext(
            hash=self.hash, chain_id=self.chain_id, group_id=self.group_id, sealers=tuple(name.hex() for name in names),
            weights=() if plain else weights, height=height, previous_block_hash=previous, **more,
        )  # fmt: skip

    def _listed(self) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
        order = sorted(self.powers, key=self.node_ids.__getitem__)
        return tuple(self.node_ids[i] for i in order), tuple(self.powers[i] for i in order)

    # ---- blocks --------------------------------------------------------------------------------------------------

    def run(
        self, count: int, *, transactions: int = 2, changes: Mapping[int, Sequence[Change]] | None = None,
        **options: Any,
    ) -> list[BuiltBlock]:  # fmt: skip
        """Blocks 1 to `count`; `changes`: height -> calls that are in that block and hold from the next one on."""
        found: list[BuiltBlock] = []
        previous = self.genesis_hash
        for number in range(1, count + 1):
            calls = (changes or {}).get(number, ())
            found.append(self.block(number, previous, transactions=transactions, changes=calls, **options))
            previous = found[-1].hash
            self.apply(calls)
        return found

    def apply(self, changes: Sequence[Change]) -> None:
        """The sealers after these calls."""
        for method, node, weight in changes:
            if method in ("addSealer", "setWeight"):
                self.powers[node] = weight
            else:
                self.powers.pop(node, None)

    def block(
        self, number: int, previous: bytes | None = None, *, transactions: int = 2, changes: Sequence[Change] = (),
        receipts: bool = True, signers: Sequence[int] | None = None, extra: Sequence[Values] = (), **header: Any,
    ) -> BuiltBlock:  # fmt: skip
        """One block.

        number, previous   height, and the hash of the block before; None: the genesis block's
        transactions       ordinary ones, each signed by another key
        changes            calls of the consensus precompile, behind those
        receipts           whether the block has them
        signers            numbers of the sealers in the header's list that sign; None: all
        extra              further transactions, as values of the record
        header             fields that the header has in place of the right ones
        """
        txs = [*self.transactions(number, transactions), *self.calls(number, changes), *extra]
        tx_hashes = self.hashes(txs)
        found = [self.receipt(number, i, tx) for i, tx in enumerate(txs)]
        receipt_hashes = self.receipt_hashes(found)
        names, weights = self._listed()
        made = Header(
            version=VERSION,
            parents=((number - 1, previous or self.genesis_hash),),
            tx_root=v3_merkle.root(self.hash, tx_hashes),
            receipt_root=v3_merkle.root(self.hash, receipt_hashes),
            state_root=_deterministic.stream(self.seed, "fisco-state", number, size=32),
            number=number,
            gas_used=str(21_000 * len(txs)).encode(),
            timestamp=TIME + 1000 * number,
            sealer=number % len(names),
            sealers=names,
            weights=weights,
        )
        made = self.sign_header(replace(made, **header), signers)
        values: Values = {"version": VERSION, "type": 1, "header": made.values(), "transactions": txs}
        if receipts:
            values["receipts"] = found
        data = encode(v3_records.BLOCK, values)
        return BuiltBlock(data, made, tuple(txs), tuple(found), tx_hashes, receipt_hashes)

    def sign_header(self, header: Header, signers: Sequence[int] | None = None) -> Header:
        """The header with its hash and the signatures of these of its sealers; None: all."""
        block_hash = header.hash(self.hash)
        places = list(range(len(header.sealers))) if signers is None else list(signers)
        rows = [self.node_ids.index(header.sealers[place]) for place in places]
        signatures = self._signed(self._secrets[rows], [block_hash] * len(rows)) if rows else []
        pairs = tuple(zip(places, signatures, strict=True))
        return replace(header, data_hash=block_hash, signatures=pairs)

    def _signed(self, secrets: npt.NDArray[np.uint8], hashes: Sequence[bytes]) -> list[bytes]:
        """Signatures over hashes as they are, in the chain's form without a key behind them."""
        if self.hash == "sm3":
            return [row.tobytes() for row in sign("sm2", secrets, hashes)]
        return [row.tobytes() for row in sign_digests(secrets, hashes)]

    # ---- transactions --------------------------------------------------------------------------------------------

    def transactions(self, number: int, count: int) -> list[Values]:
        """Calls of a contract, each signed by another key."""
        inputs = _deterministic.rows(self.seed, "fisco-input", number, count=count, width=68)
        texts = [{"input": row.tobytes(), "to": "0x" + _deterministic.stream(self.seed, i, size=20).hex()}
                 for i, row in enumerate(inputs)]  # fmt: skip
        return self.sign_transactions([self.data(number, i, **text) for i, text in enumerate(texts)], number)

    def data(self, number: int, index: int, **fields: Any) -> Values:
        """The fields of a transaction that are hashed."""
        made: Values = {
            "version": self.version,
            "chain_id": self.chain_id,
            "group_id": self.group_id,
            "block_limit": number + 500,
            "nonce": str(
                int.from_bytes(_deterministic.stream(self.seed, "fisco-nonce", number, index, size=16), "big")
            ),
        }
        if self.version >= 1:
            made |= {"value": "0x0", "gas_price": "0x", "gas_limit": 300_000, "max_fee_per_gas": "0x5"}
        if self.version >= 2:
            made |= {"extension": b"more"}
        return made | fields

    def sign_transactions(self, datas: Sequence[Values], *labels: int) -> list[Values]:
        """The transactions with these contents, each signed by another key."""
        if not datas:
            return []
        secrets = _deterministic.rows(self.seed, "fisco-sender", *labels, count=len(datas), width=32)
        hashes = self.hashes([{"data": data} for data in datas])
        signatures = self._signed(secrets, [row.tobytes() for row in hashes])
        if self.hash == "sm3":
            keys = public_keys("sm2", secrets)[:, 1:]
            signatures = [one + key.tobytes() for one, key in zip(signatures, keys, strict=True)]
        return [
            {"data": data, "data_hash": hash_.tobytes(), "signature": signature, "import_time": TIME}
            for data, hash_, signature in zip(datas, hashes, signatures, strict=True)
        ]

    def calls(self, number: int, changes: Sequence[Change]) -> list[Values]:
        """Calls of the consensus precompile."""
        datas = []
        for i, (name, node, weight) in enumerate(changes):
            method = next(one for one in v3_changes.METHODS if one.startswith(name))
            selector = hash_one(self.hash, method.encode())[:4]
            weighed = weight.to_bytes(32, "big") if "uint256" in method else b""
            head = (64 if weighed else 32).to_bytes(32, "big") + weighed
            digits = self.node_ids[node].hex().encode()
            inside = selector + head + len(digits).to_bytes(32, "big") + digits
            datas.append(self.data(number, 1_000_000 + i, to="0x" + v3_changes.ADDRESS, input=inside))
        return self.sign_transactions(datas, number, 1)

    def hashes(self, transactions: Sequence[Values]) -> npt.NDArray[np.uint8]:
        """uint8 (n, 32): the hashes of transactions; of an Ethereum one what the record states."""
        if not transactions:
            return np.empty((0, 32), np.uint8)
        records = [encode(v3_records.TRANSACTION, tx) for tx in transactions]
        tables, _ = v3_records.read_many(v3_records.TRANSACTION_PLAN, records)
        found = v3_hashes.transaction_messages(tables).hashes(self.hash)
        for i, tx in enumerate(transactions):
            if tx.get("type"):
                found[i] = np.frombuffer(tx["extra_hash"], np.uint8)
        return found

    # ---- receipts ------------------------------------------------------------------------------------------------

    def receipt(self, number: int, index: int, transaction: Values) -> Values:
        """The receipt of a transaction that succeeded, with index % 3 log entries."""
        to = transaction["data"].get("to", "").removeprefix("0x")
        called = to == v3_changes.ADDRESS
        logs = []
        for i in range(0 if called else index % 3):
            topics = _deterministic.rows(self.seed, "fisco-topic", number, index, i, count=1 + i, width=32)
            content = _deterministic.stream(self.seed, "fisco-log", number, index, i, size=64)
            logs.append({"address": to or "00" * 20, "topics": [row.tobytes() for row in topics], "data": content})
        data: Values = {
            "version": min(self.version, 1),
            "gas_used": "21000",
            "output": bytes(32) if called else b"",
            "logs": logs,
            "block_number": number,
        }
        if self.version >= 1:
            data["effective_gas_price"] = "0x1"
        return {"data": data, "data_hash": self.receipt_hashes([{"data": data}])[0].tobytes()}

    def receipt_hashes(self, receipts: Sequence[Values]) -> npt.NDArray[np.uint8]:
        """uint8 (n, 32)."""
        if not receipts:
            return np.empty((0, 32), np.uint8)
        records = [encode(v3_records.RECEIPT, receipt) for receipt in receipts]
        tables, _ = v3_records.read_many(v3_records.RECEIPT_PLAN, records)
        return v3_hashes.receipt_messages(tables).hashes(self.hash)


def sign_digests(secrets: npt.NDArray[np.uint8], digests: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    """secp256k1 signatures over digests as they are: uint8 (n, 65), r || s || v, v in 0..1."""
    return sign_recoverable(secrets, list(digests), hash=None)


def ethereum_transaction(
    seed: int, *, kind: int = 2, chain_id: int = 20200, nonce: int = 7, to: bytes = b"\x11" * 20, value: int = 0,
    data: bytes = b"\x01\x02", limit: int = 300_000,
) -> Values:  # fmt: skip
    """An Ethereum transaction in FISCO's wrapper; kind 0 (legacy, EIP-155), 1, 2 or 3."""
    if kind == 0:
        fields: list[Any] = [nonce, 10, limit, to, value, data]
        payload = rlp.encode([*fields, chain_id, 0, 0])
    else:
        prices = [1, 10] if kind > 1 else [10]
        fields = [chain_id, nonce, *prices, limit, to, value, data, []]
        fields += [5, [bytes(32)]] if kind == 3 else []
        payload = bytes((kind,)) + rlp.encode(fields)
    secrets = _deterministic.rows(seed, "ethereum-sender", count=1, width=32)
    digest = hash_one("keccak256", payload)
    signature = sign_digests(secrets, [digest])[0].tobytes()
    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    if kind == 0:
        whole = rlp.encode([*fields, 35 + 2 * chain_id + signature[64], r, s])
    else:
        whole = bytes((kind,)) + rlp.encode([*fields, signature[64], r, s])
    return {
        "data": {
            "chain_id": str(chain_id), "nonce": hex(nonce), "to": "0x" + to.hex() if to else "", "input": data,
            "value": hex(value), "gas_limit": limit,
        },
        "data_hash": digest, "signature": signature, "type": 1, "extra_bytes": payload,
        "extra_hash": hash_one("keccak256", whole),
    }  # fmt: skip


def rpc_block(block: BuiltBlock, *, receipts: bool = True) -> Values:
    """The block as a node answers `getBlockByNumber`, and with its receipts if they are asked for."""
    found = rpc_header(block.header)
    found["transactions"] = [rpc_transaction(tx) for tx in block.transactions]
    if receipts:
        found["receipts"] = [rpc_receipt(one) for one in block.receipts]
    return found


def rpc_header(header: Header) -> Values:
    """A header as a node answers it."""
    return {
        "version": header.version,
        "number": header.number,
        "parentInfo": [{"blockNumber": number, "blockHash": "0x" + hash_.hex()} for number, hash_ in header.parents],
        "txsRoot": "0x" + header.tx_root.hex(),
        "receiptsRoot": "0x" + header.receipt_root.hex(),
        "stateRoot": "0x" + header.state_root.hex(),
        "gasUsed": header.gas_used.decode(),
        "timestamp": header.timestamp,
        "sealer": header.sealer,
        "sealerList": ["0x" + sealer.hex() for sealer in header.sealers],
        "extraData": "0x" + header.extra_data.hex(),
        "consensusWeights": list(header.weights),
        "signatureList": [{"sealerIndex": i, "signature": "0x" + one.hex()} for i, one in header.signatures],
        "hash": "0x" + header.data_hash.hex(),
    }


def rpc_transaction(tx: Values) -> Values:
    """A transaction as a node from version 3.3 on answers it: the nonce is the text in hexadecimal."""
    data = tx["data"]
    names = {"chain_id": "chainID", "group_id": "groupID", "block_limit": "blockLimit", "to": "to", "abi": "abi",
             "version": "version", "value": "value", "gas_price": "gasPrice", "gas_limit": "gasLimit",
             "max_fee_per_gas": "maxFeePerGas", "max_priority_fee_per_gas": "maxPriorityFeePerGas"}  # fmt: skip
    found = {names[name]: value for name, value in data.items() if name in names}
    found["nonce"] = data["nonce"].encode().hex()
    found["input"] = "0x" + data.get("input", b"").hex()
    found["extension"] = list(data.get("extension", b""))
    found |= {"hash": "0x" + tx["data_hash"].hex(), "signature": "0x" + tx["signature"].hex()}
    return found


def rpc_receipt(receipt: Values) -> Values:
    """A receipt as a node answers it."""
    data = receipt["data"]
    address = data.get("contract_address", "")
    return {
        "version": data["version"],
        "gasUsed": data["gas_used"],
        "contractAddress": "0x" + address if address else "",
        "status": data.get("status", 0),
        "output": "0x" + data["output"].hex(),
        "logEntries": [
            {
                "address": log["address"],
                "topics": ["0x" + topic.hex() for topic in log["topics"]],
                "data": "0x" + log["data"].hex(),
            }
            for log in data["logs"]
        ],
        "blockNumber": data["block_number"],
        "effectiveGasPrice": data.get("effective_gas_price", ""),
        "hash": "0x" + receipt["data_hash"].hex(),
    }
