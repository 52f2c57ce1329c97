"""Hashes of a block, recomputed from its content.

    block_hash  = H(header without block_hash and signature)
    tx_hash     = H(transaction), gas_used cleared from block version 2300 on
    tx_root     = M(tx_hash ...)     rw_set_root = M(result.rw_set_hash ...)     dag_hash = H(dag)
    M           single hash, leaves as they are, an odd node paired with itself, M([]) = b"", M([x]) = x

Hashes are taken over the bytes that the chain's own nodes would encode, whatever those that came in looked like: see
:func:`pycore.ledgers.chainmaker.transactions.scan`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.hashing.batch import hash_batch
from pycore.ledgers.chainmaker.block import OpenBlock
from pycore.ledgers.chainmaker.messages import BlockHeader
from pycore.ledgers.scan import Spans, Tables
from pycore.merkle.tree import merkle_root

GAS_CLEARED_FROM = 2300
"""Block version from which gas_used is left out of the transaction hash (CalcTxHashWithVersion)."""
DIGEST_SIZE = 32
_AROUND_GAS, _GAS = ("result", "result.contract_result"), "result.contract_result.gas_used"
_PIECE_BYTES = 1 << 18
_LEAST = 64  # transactions of a piece: full vectors of the hash on every instruction set
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
    rw_set_hashes: Spans  # as the transactions state them, of any length
    unsound: NDArray[np.intp]  # transactions whose rw_set_hash is of another length than a hash


def header_bytes(header: BlockHeader) -> bytes:
    """The bytes that block_hash is the hash of."""
    bare = BlockHeader()
    bare.CopyFrom(header)
    bare.ClearField("block_hash")
    bare.ClearField("signature")
    return bare.SerializeToString()


def chain_root(hash: str, leaves: NDArray[np.uint8] | Sequence[bytes], threads: int | None = None) -> bytes:
    """The chain's Merkle root; b"" without leaves."""
    return merkle_root(leaves, tree="chainmaker", hash=hash, threads=threads) if len(leaves) else b""


def infer_hash(header: BlockHeader) -> str | None:
    """The hash under which the header's block_hash is right, or None."""
    encoded = header_bytes(header)
    for name in HASH_ORDER:
        if hash_batch(name, [encoded])[0].tobytes() == header.block_hash:
            return name
    return None


class Hashing:
    """The hashes of a block's transactions and the root over their read and write sets, found by helpers while the
    caller does something else.

    Attributes:
        rw_set_hashes: as the transactions state them, of any length.
        unsound: transactions whose rw_set_hash is of another length than a hash.
        rw_set_root: b"" where there are such: a fault of theirs, and the root is not defined.
    """

    def __init__(
        self, header: BlockHeader, tables: Tables, hash: str, threads: int | None,
        others: Sequence[Callable[[], None]] = (),
    ) -> None:  # fmt: skip
        """others: further work for the helpers."""
        spans, n = tables.span("tx"), len(tables["tx"])
        hashes = np.empty((n, DIGEST_SIZE), np.uint8)
        without_gas = header.block_version >= GAS_CLEARED_FROM and bool(tables.tag("tx", _GAS).any())

        def work(first: int, last: int) -> None:
            part = tables.cut(_AROUND_GAS, _GAS, first, last) if without_gas else spans.part(first, last).gather()
            hashes[first:last] = hash_batch(hash, part, threads=1)

        def root() -> None:
            if not len(self.unsound):
                leaves = self.rw_set_hashes.gather().to_matrix(DIGEST_SIZE, "rw_set_hash")
                self.rw_set_root = chain_root(hash, leaves, 1)

        # Pieces that stay in a core's cache between being put together and being hashed.
        size = int(spans.lengths.sum())
        each = max(_LEAST, _PIECE_BYTES * n // max(size, 1))
        self._hashes = hashes
        self.rw_set_root = b""
        self.rw_set_hashes: Spans = tables.span("tx", "result.rw_set_hash")
        self.unsound: NDArray[np.intp] = np.flatnonzero(self.rw_set_hashes.lengths != DIGEST_SIZE)
        pieces = [partial(work, first, min(first + each, n)) for first in range(0, n, each)]
        count = parallel.resolve_threads(threads) if size >= _PIECE_BYTES else 1
        self._work = parallel.start_tasks([*pieces, root, *others], count)

    def finish(self) -> NDArray[np.uint8]:
        """uint8 (n, 32): the hash of every transaction."""
        self._work.finish()
        return self._hashes

    def abandon(self) -> None:
        """Waits for the helpers; what they have not begun is left. Nothing after :meth:`finish`."""
        self._work.abandon()


def block_digests(block: OpenBlock, hash: str, hashing: Hashing, threads: int | None) -> Digests:
    """All hashes of a block; waits for those of its transactions."""
    small = hash_batch(hash, [header_bytes(block.header), block.graph.encoded])
    tx_hashes = hashing.finish()
    return Digests(
        block_hash=small[0].tobytes(),
        tx_hashes=tx_hashes,
        tx_root=chain_root(hash, tx_hashes, threads),
        rw_set_root=hashing.rw_set_root,
        dag_hash=small[1].tobytes(),
        rw_set_hashes=hashing.rw_set_hashes,
        unsound=hashing.unsound,
    )
