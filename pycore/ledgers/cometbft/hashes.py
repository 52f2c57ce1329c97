"""Hashes of CometBFT: of headers, validator sets, commits, transactions, evidence, results, parameters and parts.

Trees have the shape of RFC 9162 (crypto/merkle/tree.go): SHA-256, leaves after a byte 0, nodes after a byte 1, the left
side the largest power of two; an empty list has SHA-256 of nothing. The leaves differ:

=====================  =================================================================================================
of                     leaves
=====================  =================================================================================================
a header               its 14 fields, each as a protobuf message by itself (types/block.go, Header.Hash)
a validator set        key and power of each, in the set's order (types/validator.go, Bytes)
a commit               its slots in protobuf, the absent ones too, with the time of year 1 (types/block.go, Commit.Hash)
transactions           SHA-256 of each (types/tx.go, Txs.Hash)
evidence               each in protobuf, without the union around it (types/evidence.go, EvidenceList.Hash)
results                code, data, gas wanted and used of each, in protobuf (types/results.go)
a block's parts        64 KiB of its protobuf each (types/part_set.go)
=====================  =================================================================================================

From 0.34 on these are the same in every release. Versions before hashed another encoding (Amino) in places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pycore.consensus.validators import Validator
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.encoding import number, octets
from pycore.ledgers.cometbft.messages import BlockId, Commit, DuplicateVote, Evidence, Header
from pycore.merkle.tree import merkle_root

PART_SIZE = 65536
"""Bytes of a part of a block."""
EMPTY = hashlib.sha256(b"").digest()
"""Root of an empty list."""


def tree(leaves: Sequence[bytes]) -> bytes:
    """Root over byte strings."""
    return merkle_root(leaves, tree="rfc9162") if leaves else EMPTY


def header_hash(header: Header) -> bytes:
    """A block's hash; empty where the header has no hash of validators, as CometBFT answers."""
    return tree(encoding.header_leaves(header)) if header.validators_hash else b""


def validators_hash(validators: Iterable[Validator]) -> bytes:
    """Of a set in canonical order. InputError: a scheme whose keys have no form in protobuf (sr25519)."""
    return tree([encoding.simple_validator(one) for one in validators])


def commit_hash(commit: Commit) -> bytes:
    """The `last_commit_hash` of the next header."""
    return tree([encoding.commit_sig(slot) for slot in commit.signatures])


def transaction_hash(transaction: bytes) -> bytes:
    """SHA-256: a transaction's hash, and what the tree of transactions has as a leaf."""
    return hashlib.sha256(transaction).digest()


def data_hash(transactions: Iterable[bytes]) -> bytes:
    """The `data_hash` of a header. Chains that lay transactions out in squares (Celestia) have another one."""
    return tree([transaction_hash(one) for one in transactions])


def evidence_hash(evidence: Iterable[Evidence]) -> bytes:
    """The `evidence_hash` of a header."""
    return tree([encoding.evidence(one) for one in evidence])


def evidence_id(evidence: Evidence) -> bytes:
    """The hash by which nodes know one piece of evidence (types/evidence.go, Hash). That of an attack on light clients
    leaves the last byte of the conflicting block's hash out: a zero is in its place."""
    if isinstance(evidence, DuplicateVote):
        return hashlib.sha256(encoding.evidence(evidence)).digest()
    block = header_hash(evidence.conflicting.signed_header.header)
    zigzag = evidence.common_height << 1 ^ evidence.common_height >> 63
    return hashlib.sha256(block[:31].ljust(32, b"\0") + encoding.varint(zigzag)).digest()


@dataclass(frozen=True, slots=True)
class Result:
    """The part of a transaction's result that every node computes alike: without logs and events."""

    code: int = 0
    data: bytes = b""
    gas_wanted: int = 0
    gas_used: int = 0


def results_hash(results: Iterable[Result]) -> bytes:
    """The `last_results_hash` of the next header."""
    return tree(
        [number(1, r.code) + octets(2, r.data) + number(5, r.gas_wanted) + number(6, r.gas_used) for r in results]
    )


def params_hash(max_bytes: int, max_gas: int) -> bytes:
    """The `consensus_hash` of a header: of two of the parameters of consensus, the limits of blocks in bytes and gas
    (types/params.go, HashConsensusParams)."""
    return hashlib.sha256(number(1, max_bytes) + number(2, max_gas)).digest()


def parts_of(block: bytes, size: int = PART_SIZE) -> tuple[int, bytes]:
    """Number and hash of the parts of a block in protobuf."""
    parts = [block[at : at + size] for at in range(0, len(block), size)]
    return len(parts), tree(parts)


def block_id_of(header: Header, block: bytes) -> BlockId:
    """The block id that votes for a block are for; `block` is it in protobuf."""
    return BlockId(header_hash(header), *parts_of(block))
