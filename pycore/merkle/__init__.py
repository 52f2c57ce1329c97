"""Merkle trees: roots, inclusion proofs, multiproofs and consistency proofs.

Four shapes (``pycore.TREES``), each with any hash of ``pycore.HASHES``:

============  ==============================  =======================  =========  ====================  ================
tree          leaf                            odd last node            hash=None  empty tree            one leaf
============  ==============================  =======================  =========  ====================  ================
"rfc9162"     H(0x00 || data), any length     moves up as it is        sha256     H of nothing          H(0x00 || data)
"bitcoin"     a digest, as it is              paired with itself       sha256d    a digest of zeros     the leaf itself
"chainmaker"  a digest, as it is              paired with itself       sha256     no bytes (``b""``)    the leaf itself
"ssz"         a chunk of a digest's size      paired with zero leaves  sha256     as many zero leaves   the leaf itself
============  ==============================  =======================  =========  ====================  ================

A node of "rfc9162" is H(0x01 || left || right); of the others H(left || right). "rfc9162" is also RFC 6962's tree and
CometBFT's (whose transaction leaf data is SHA-256 of the transaction). Bitcoin's leaves are transaction ids in
internal byte order, the reverse of how they are printed. "ssz" is Ethereum's SSZ ``merkleize``: leaves are filled up
with zero chunks to a power of two, or to that of ``limit=``; lengths, packing and generalized indices are in
:mod:`pycore.ssz`.

Traps, and what is done about them:

- Pairing the last node with itself gives different lists the same root: [a, b, c] and [a, b, c, c] (CVE-2012-2459).
  :attr:`MerkleTree.mutated` says whether a list has the tell-tale equal pair, and a block that has must be refused. A
  proof for the position of such a duplicate is refused, because a proof is checked against the number of leaves: an
  index must be below it, and the proof must have exactly the length that both demand.
- In "bitcoin" a proof that pairs a node with an equal neighbour is refused, as Bitcoin Core does; in "chainmaker" equal
  neighbours are normal (read-write sets of no content hash alike).
- Without prefixes a 64-byte inner node could pose as a leaf. Here leaves of those trees are digests, and are never
  hashed; and leaf_count fixes the depth. Take leaf_count from a source you trust (ChainMaker's header has tx_count;
  Bitcoin's has none).
- An "ssz" root says nothing of how many leaves it has: [a] and [a, zero chunk] have one root with the same limit. Mix
  the length in (:func:`pycore.ssz.mix_in_length`), as SSZ does for lists.

A **proof** is the list of siblings from the leaf up. Where many proofs travel together, each is one byte string: its
siblings one after another. Both forms are accepted everywhere. A **multiproof** proves many leaves at once, with every
node that they share or give left out: level by level from the leaves, from left to right, the children that do not
follow from the leaves.

Trees that do not fit into memory, or that grow, are in :mod:`pycore.merkle.frontier`.
"""

from __future__ import annotations

from pycore.merkle.frontier import MerkleFrontier, merkle_stream
from pycore.merkle.inclusion import (
    verify_consistency,
    verify_inclusion,
    verify_inclusion_batch,
    verify_multiproof,
)
from pycore.merkle.sparse import SparseMerkleTree, verify_sparse, verify_sparse_batch
from pycore.merkle.tree import MerkleTree, merkle_root

__all__ = [
    "MerkleFrontier",
    "MerkleTree",
    "SparseMerkleTree",
    "merkle_root",
    "merkle_stream",
    "verify_consistency",
    "verify_inclusion",
    "verify_inclusion_batch",
    "verify_multiproof",
    "verify_sparse",
    "verify_sparse_batch",
]
