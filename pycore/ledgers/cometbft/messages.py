"""Blocks, commits and votes of CometBFT as values, whatever form they came in: protobuf or the JSON of a node's RPC.

Byte strings are as the chain has them (a hash may be empty), times are Unix nanoseconds as Python integers: exact, and
of any year from 1 to 9999. The readers (:mod:`~pycore.ledgers.cometbft.wire`, :mod:`~pycore.ledgers.cometbft.rpc`)
refuse what these cannot hold; whether the values keep the chain's rules is told by
:mod:`~pycore.ledgers.cometbft.structure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pycore.consensus.validators import Validator

PREVOTE, PRECOMMIT, PROPOSAL = 1, 2, 32
"""Types of signed messages."""
ABSENT, COMMIT, NIL = 1, 2, 3
"""Flags of a commit's slots."""
KINDS = {PREVOTE: "prevote", PRECOMMIT: "precommit", PROPOSAL: "proposal"}

SECOND = 10**9
YEAR_1 = -62135596800 * SECOND
"""Go's zero time, which every slot without a vote has: midnight of January 1 of year 1."""
YEAR_10000 = 253402300800 * SECOND


@dataclass(frozen=True, slots=True)
class BlockId:
    """The block that a vote is for: its hash, and the parts that it travels in. All empty: no block (nil)."""

    hash: bytes = b""
    parts_total: int = 0
    parts_hash: bytes = b""

    @property
    def is_nil(self) -> bool:
        """Whether it names no block."""
        return not (self.hash or self.parts_total or self.parts_hash)

    @property
    def is_complete(self) -> bool:
        """Whether it names a block and its parts."""
        return len(self.hash) == len(self.parts_hash) == 32 and self.parts_total > 0


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header; the hash of its fields, in this order, is the block's."""

    block_version: int
    app_version: int
    chain_id: str
    height: int
    time_ns: int
    last_block_id: BlockId
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer_address: bytes


@dataclass(frozen=True, slots=True)
class CommitSig:
    """A slot of a commit: ABSENT, or a vote for the block (COMMIT) or for none (NIL)."""

    flag: int
    address: bytes = b""
    time_ns: int = YEAR_1
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Commit:
    """The precommits for a block, one slot for each validator."""

    height: int
    round: int
    block_id: BlockId
    signatures: tuple[CommitSig, ...]


@dataclass(frozen=True, slots=True)
class SignedHeader:
    """A header and the commit for its block."""

    header: Header
    commit: Commit


@dataclass(frozen=True, slots=True)
class Vote:
    """A prevote or a precommit."""

    type: int
    height: int
    round: int
    block_id: BlockId
    time_ns: int
    address: bytes
    position: int
    signature: bytes
    extension: bytes = b""
    extension_signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposer's signed message; `pol_round` is the round whose prevotes it relies on, -1 for none."""

    height: int
    round: int
    pol_round: int
    block_id: BlockId
    time_ns: int
    signature: bytes
    type: int = PROPOSAL


@dataclass(frozen=True, slots=True)
class Validators:
    """A validator set as a message has it, in its order.

    typed   whether keys are written as bytes and the name of their type (1.x), or as one of a union (before)
    """

    validators: tuple[Validator, ...]
    proposer: Validator | None = None
    typed: bool = False


@dataclass(frozen=True, slots=True)
class LightBlock:
    """A signed header and the validators who sign it."""

    signed_header: SignedHeader
    validators: Validators


@dataclass(frozen=True, slots=True)
class DuplicateVote:
    """Two votes of one validator that exclude each other; powers and time are those at the votes' height."""

    first: Vote
    second: Vote
    total_power: int
    power: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class LightClientAttack:
    """A block that light clients were shown and that the chain does not have. Powers and time are those at the common
    height, that of the last block in both histories; `typed` as in :class:`Validators`."""

    conflicting: LightBlock
    common_height: int
    byzantine: tuple[Validator, ...]
    total_power: int
    time_ns: int
    typed: bool = False


Evidence = DuplicateVote | LightClientAttack


@dataclass(frozen=True, slots=True)
class Block:
    """A block. `last_commit` is None where it is absent altogether; that of block 1 is there and empty."""

    header: Header
    transactions: tuple[bytes, ...]
    evidence: tuple[Evidence, ...] = ()
    last_commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class TxProof:
    """The path of one transaction to the `data_hash` of its block's header: `aunts` from the leaf up."""

    root: bytes
    data: bytes
    total: int
    index: int
    leaf_hash: bytes
    aunts: tuple[bytes, ...] = field(default=())


def vote_of(commit: Commit, position: int) -> Vote:
    """The vote that a commit has at a position; the time and the address as there."""
    slot = commit.signatures[position]
    block_id = commit.block_id if slot.flag == COMMIT else BlockId()
    return Vote(PRECOMMIT, commit.height, commit.round, block_id, slot.time_ns, slot.address, position, slot.signature)


def proposer_of(validators: Sequence[Validator]) -> Validator:
    """The one with the highest priority, the lower address among equals."""
    return min(validators, key=lambda one: (-one.priority, one.address))


def with_proposer(block: LightBlock) -> LightBlock:
    """A light block that names a proposer, as protobuf has one and /validators does not."""
    rows = block.validators.validators
    if block.validators.proposer is not None or not rows:
        return block
    return replace(block, validators=replace(block.validators, proposer=proposer_of(rows)))
