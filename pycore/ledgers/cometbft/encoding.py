"""Messages of CometBFT in protobuf, byte for byte as the chain's software writes them, and what it hashes and signs.

That software writes fields in the order of their numbers, leaves out those at their defaults, and writes inner messages
that it holds as values even where they are empty (a version, a block id, its parts, times). Read in types/*.pb.go of
CometBFT 0.34 to 1.0, whose messages are the same except where a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers.cometbft.messages import (
    SECOND,
    Block,
    BlockId,
    Commit,
    CommitSig,
    DuplicateVote,
    Evidence,
    Header,
    LightBlock,
    LightClientAttack,
    Proposal,
    SignedHeader,
    TxProof,
    Validators,
    Vote,
)
from pycore.ledgers.cometbft.schemes import SCHEMES

_WORD = (1 << 64) - 1
_SHORT = [bytes([value]) for value in range(128)]


def varint(value: int) -> bytes:
    """A number of 64 bits; negative ones as their two's complement."""
    if 0 <= value < 128:
        return _SHORT[value]
    value &= _WORD
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field with a number; nothing for 0."""
    return _SHORT[field << 3] + varint(value) if value else b""


def fixed(field: int, value: int) -> bytes:
    """A field with a signed number of eight bytes, little-endian; nothing for 0."""
    return _SHORT[field << 3 | 1] + value.to_bytes(8, "little", signed=True) if value else b""


def octets(field: int, value: bytes) -> bytes:
    """A field with bytes; nothing for none."""
    return message(field, value) if value else b""


def message(field: int, value: bytes) -> bytes:
    """A field with bytes or an inner message, also an empty one."""
    return _SHORT[field << 3 | 2] + varint(len(value)) + value


def delimited(value: bytes) -> bytes:
    """A message after its length, as messages are signed."""
    return varint(len(value)) + value


def timestamp(time_ns: int) -> bytes:
    """An instant: seconds, and nanoseconds from 0 up."""
    seconds, nanos = divmod(time_ns, SECOND)
    return number(1, seconds) + number(2, nanos)


def block_id(value: BlockId) -> bytes:
    """A BlockID. A CanonicalBlockID has the same bytes."""
    parts = number(1, value.parts_total) + octets(2, value.parts_hash)
    return octets(1, value.hash) + message(2, parts)


# ---- headers and commits ---------------------------------------------------------------------------------------------


def version(value: Header) -> bytes:
    """The versions of a header."""
    return number(1, value.block_version) + number(2, value.app_version)


def header(value: Header) -> bytes:
    """A Header."""
    return b"".join(
        (
            message(1, version(value)),
            octets(2, value.chain_id.encode()),
            number(3, value.height),
            message(4, timestamp(value.time_ns)),
            message(5, block_id(value.last_block_id)),
            octets(6, value.last_commit_hash),
            octets(7, value.data_hash),
            octets(8, value.validators_hash),
            octets(9, value.next_validators_hash),
            octets(10, value.consensus_hash),
            octets(11, value.app_hash),
            octets(12, value.last_results_hash),
            octets(13, value.evidence_hash),
            octets(14, value.proposer_address),
        )
    )


def header_leaves(value: Header) -> list[bytes]:
    """The 14 leaves of the tree of a header's hash: each field as a message by itself, nothing where the field is empty
    (types/block.go, Header.Hash)."""
    hashes = (
        value.last_commit_hash, value.data_hash, value.validators_hash, value.next_validators_hash,
        value.consensus_hash, value.app_hash, value.last_results_hash, value.evidence_hash, value.proposer_address,
    )  # fmt: skip
    return [
        version(value),
        octets(1, value.chain_id.encode()),
        number(1, value.height),
        timestamp(value.time_ns),
        block_id(value.last_block_id),
        *(octets(1, one) for one in hashes),
    ]


def commit_sig(value: CommitSig) -> bytes:
    """A CommitSig: also a leaf of the tree of a commit's hash."""
    return (
        number(1, value.flag)
        + octets(2, value.address)
        + message(3, timestamp(value.time_ns))
        + octets(4, value.signature)
    )


def commit(value: Commit) -> bytes:
    """A Commit."""
    slots = b"".join(message(4, commit_sig(slot)) for slot in value.signatures)
    return number(1, value.height) + number(2, value.round) + message(3, block_id(value.block_id)) + slots


def signed_header(value: SignedHeader) -> bytes:
    """A SignedHeader."""
    return message(1, header(value.header)) + message(2, commit(value.commit))


# ---- votes -----------------------------------------------------------------------------------------------------------


def vote(value: Vote) -> bytes:
    """A Vote. Extensions exist from 0.38 on."""
    return b"".join(
        (
            number(1, value.type),
            number(2, value.height),
            number(3, value.round),
            message(4, block_id(value.block_id)),
            message(5, timestamp(value.time_ns)),
            octets(6, value.address),
            number(7, value.position),
            octets(8, value.signature),
            octets(9, value.extension),
            octets(10, value.extension_signature),
        )
    )


def proposal(value: Proposal) -> bytes:
    """A Proposal."""
    return b"".join(
        (
            number(1, value.type),
            number(2, value.height),
            number(3, value.round),
            number(4, value.pol_round),
            message(5, block_id(value.block_id)),
            message(6, timestamp(value.time_ns)),
            octets(7, value.signature),
        )
    )


# ---- validators ------------------------------------------------------------------------------------------------------


def public_key(value: Validator) -> bytes:
    """A PublicKey: the key as one of a union. InputError: a scheme that has no place in it (sr25519)."""
    field = SCHEMES[value.scheme].field
    if not field:
        raise InputError("scheme", repr(value.scheme), "a scheme whose keys CometBFT writes and hashes")
    return message(field, value.public_key)


def simple_validator(value: Validator) -> bytes:
    """A SimpleValidator: key and power, a leaf of the tree of a set's hash. The address follows from the key, and the
    priority changes in every round: neither is hashed."""
    return message(1, public_key(value)) + number(2, value.power)


def simple_validators(values: Sequence[Validator]) -> bytes:
    """Validators as they are hashed, one after another: a SimpleValidatorSet."""
    return b"".join(message(1, simple_validator(one)) for one in values)


def validator(value: Validator, typed: bool) -> bytes:
    """A Validator; `typed`: with the key as 1.x writes it."""
    return b"".join(
        (
            octets(1, value.address),
            b"" if typed else message(2, public_key(value)),
            number(3, value.power),
            number(4, value.priority),
            octets(5, value.public_key) if typed else b"",
            octets(6, SCHEMES[value.scheme].type.encode()) if typed else b"",
        )
    )


def validators(value: Validators) -> bytes:
    """A ValidatorSet. Its total power is not written: every release has 0 there (types/validator_set.go, ToProto)."""
    rows = b"".join(message(1, validator(one, value.typed)) for one in value.validators)
    proposer = b"" if value.proposer is None else message(2, validator(value.proposer, value.typed))
    return rows + proposer


def light_block(value: LightBlock) -> bytes:
    """A LightBlock."""
    return message(1, signed_header(value.signed_header)) + message(2, validators(value.validators))


# ---- evidence and blocks ---------------------------------------------------------------------------------------------


def evidence(value: Evidence) -> bytes:
    """The evidence by itself, without the union around it: what is hashed."""
    if isinstance(value, DuplicateVote):
        votes = message(1, vote(value.first)) + message(2, vote(value.second))
        powers = number(3, value.total_power) + number(4, value.power)
        return votes + powers + message(5, timestamp(value.time_ns))
    return attack(value)


def attack(value: LightClientAttack) -> bytes:
    """A LightClientAttackEvidence."""
    byzantine = b"".join(message(3, validator(one, value.typed)) for one in value.byzantine)
    return b"".join(
        (
            message(1, light_block(value.conflicting)),
            number(2, value.common_height),
            byzantine,
            number(4, value.total_power),
            message(5, timestamp(value.time_ns)),
        )
    )


def evidence_union(value: Evidence) -> bytes:
    """An Evidence: one of two kinds."""
    return message(1 if isinstance(value, DuplicateVote) else 2, evidence(value))


def block(value: Block) -> bytes:
    """A Block."""
    return b"".join(
        (
            message(1, header(value.header)),
            message(2, b"".join(message(1, one) for one in value.transactions)),
            message(3, b"".join(message(1, evidence_union(one)) for one in value.evidence)),
            b"" if value.last_commit is None else message(4, commit(value.last_commit)),
        )
    )


def tx_proof(value: TxProof) -> bytes:
    """A TxProof."""
    aunts = b"".join(message(4, one) for one in value.aunts)
    proof = number(1, value.total) + number(2, value.index) + octets(3, value.leaf_hash) + aunts
    return octets(1, value.root) + octets(2, value.data) + message(3, proof)
