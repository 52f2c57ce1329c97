"""Hashes of a block, recomputed from its content.

    block_hash  = H(header without block_hash and signature)
    tx_hash     = H(transaction), gas_used cleared from block version 2300 on
    tx_root     = M(tx_hash ...)     rw_set_root = M(result.rw_set_hash ...)     dag_hash = H(dag)
    M           single hash, leaves as they are, an odd node paired with itself, M([]) = b"", M([x]) = x

Messages are encoded again, as the chain's own nodes do, so what is hashed does not depend on how the bytes
that came in were laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore.hashing.batch import hash_batch
from pycore.ledgers.chainmaker.messages import Block, BlockHeader, Transaction
from pycore.merkle.tree import merkle_root

GAS_CLEARED_FROM = 2300
"""Block version from which gas_used is left out of the transaction hash (CalcTxHashWithVersion)."""
HASH_ORDER = ("sha256", "sm3", "sha3-256")
"""The order in which hashes are tried when the context names none."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The hashes of one block. Roots are b"" for a block without transactions."""

    block_hash: bytes
    tx_hashes: NDArray[np.uint8]
    tx_root: bytes
    rw_set_root: bytes
    dag_hash: bytes
    rw_set_hashes: tuple[bytes, ...]  # as the transactions state them, of any length


def header_bytes(header: BlockHeader) -> bytes:
    """The bytes that block_hash is the hash of."""
    bare = BlockHeader()
    bare.CopyFrom(header)
    bare.ClearField("block_hash")
    bare.ClearField("signature")
    return bare.SerializeToString()


def transaction_bytes(transaction: Transaction, *, clear_gas: bool) -> bytes:
    """The bytes that the transaction's hash is taken over. The message itself is left as it was."""
    if clear_gas:
        outcome = transaction.result.contract_result  # reading creates nothing
        gas = outcome.gas_used
        if gas:
            outcome.gas_used = 0
            encoded = transaction.SerializeToString()
            outcome.gas_used = gas
            return encoded
    return transaction.SerializeToString()


def chain_root(hash: str, leaves: NDArray[np.uint8] | Sequence[bytes]) -> bytes:
    """The chain's Merkle root; b"" without leaves."""
    return merkle_root(leaves, tree="chainmaker", hash=hash) if len(leaves) else b""


def infer_hash(header: BlockHeader) -> str | None:
    """The hash under which the header's block_hash is right, or None."""
    encoded = header_bytes(header)
    for name in HASH_ORDER:
        if hash_batch(name, [encoded])[0].tobytes() == header.block_hash:
            return name
    return None


def block_digests(block: Block, hash: str, txs: Sequence[Transaction] | None = None) -> Digests:
    """All hashes of a block, in two batches: everything that is hashed once, and the trees. `txs`: block.txs
    as a list, if the caller has one."""
    txs = list(block.txs) if txs is None else txs
    clear = block.header.block_version >= GAS_CLEARED_FROM
    encoded = [transaction_bytes(transaction, clear_gas=clear) for transaction in txs]
    encoded.append(header_bytes(block.header))
    encoded.append(block.dag.SerializeToString())
    hashed = hash_batch(hash, encoded)
    count = len(txs)
    leaves = [transaction.result.rw_set_hash for transaction in txs]
    # A leaf of another length is a fault of its transaction; the root over it is not defined.
    sound = all(len(leaf) == 32 for leaf in leaves)
    return Digests(
        block_hash=hashed[count].tobytes(),
        tx_hashes=hashed[:count],
        tx_root=chain_root(hash, hashed[:count]),
        rw_set_root=chain_root(hash, leaves) if sound else b"",
        dag_hash=hashed[count + 1].tobytes(),
        rw_set_hashes=tuple(leaves),
    )
