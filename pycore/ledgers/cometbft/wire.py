"""Messages of CometBFT read from protobuf.

The bytes must be what the chain's software writes for the message that they hold: each field once and in order,
nothing unknown, nothing at its default. Nodes write, store and send nothing else, and every hash and signature is over
what they write; so what is shown, hashed and checked here is all that was given. Sizes and counts are bounded before
anything is built. InputError names the field by its path: ``commit.signatures[3].timestamp``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from pycore._pb.ledgers.cometbft.v1 import types_pb2 as pb
from pycore.base.columns import one_bytes
from pycore.base.descriptors import is_repeated
from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.messages import (
    SECOND,
    YEAR_1,
    YEAR_10000,
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
from pycore.ledgers.cometbft.schemes import BY_FIELD, BY_TYPE, check_key
from pycore.ledgers.scan import Plan, Spans

MAX_BYTES = 104857600
"""Bytes of a message: the largest block that a chain's parameters can allow."""
MAX_ROWS = 1 << 18
"""Transactions, slots, validators, evidence and path nodes of a message, together."""

_SMALL = 1 << 13  # bytes that cannot hold so much that it would have to be counted first
_KEYS = {pb.PublicKey.DESCRIPTOR.fields_by_number[number].name: one for number, one in BY_FIELD.items()}

T = TypeVar("T")


def header(data: bytes, field: str = "header") -> Header:
    """A Header."""
    return _read(pb.Header, data, field, _header, encoding.header)


def commit(data: bytes, field: str = "commit") -> Commit:
    """A Commit."""
    return _read(pb.Commit, data, field, _commit, encoding.commit)


def signed_header(data: bytes, field: str = "signed_header") -> SignedHeader:
    """A SignedHeader: both parts."""
    return _read(pb.SignedHeader, data, field, _signed_header, encoding.signed_header)


def validators(data: bytes, field: str = "validators") -> Validators:
    """A ValidatorSet."""
    return _read(pb.ValidatorSet, data, field, _validators, encoding.validators)


def simple_validators(data: bytes, field: str = "validators") -> tuple[Validator, ...]:
    """A SimpleValidatorSet: keys and powers."""
    return _read(pb.SimpleValidatorSet, data, field, _simple_validators, encoding.simple_validators)


def vote(data: bytes, field: str = "vote") -> Vote:
    """A Vote."""
    return _read(pb.Vote, data, field, _vote, encoding.vote)


def proposal(data: bytes, field: str = "proposal") -> Proposal:
    """A Proposal."""
    return _read(pb.Proposal, data, field, _proposal, encoding.proposal)


def light_block(data: bytes, field: str = "light_block") -> LightBlock:
    """A LightBlock: both parts."""
    return _read(pb.LightBlock, data, field, _light_block, encoding.light_block)


def evidence(data: bytes, field: str = "evidence") -> Evidence:
    """An Evidence: the union of both kinds, as blocks have it."""
    return _read(pb.Evidence, data, field, _evidence, encoding.evidence_union)


def duplicate_vote(data: bytes, field: str = "evidence") -> DuplicateVote:
    """A DuplicateVoteEvidence by itself."""
    return _read(pb.DuplicateVoteEvidence, data, field, _duplicate_vote, encoding.evidence)


def attack(data: bytes, field: str = "evidence") -> LightClientAttack:
    """A LightClientAttackEvidence by itself."""
    return _read(pb.LightClientAttackEvidence, data, field, _attack, encoding.attack)


def block(data: bytes, field: str = "block") -> Block:
    """A Block."""
    return _read(pb.Block, data, field, _block, encoding.block)


def tx_proof(data: bytes, field: str = "proof") -> TxProof:
    """A TxProof."""
    return _read(pb.TxProof, data, field, _tx_proof, encoding.tx_proof)


# ---- reading ---------------------------------------------------------------------------------------------------------


def _read(kind: type[Any], data: Any, field: str, make: Callable[[Any, str], T], write: Callable[[T], bytes]) -> T:
    octets, name = one_bytes(data, field), kind.DESCRIPTOR.name
    if len(octets) > MAX_BYTES:
        raise InputError(field, f"{len(octets)} bytes", f"a {name} of at most {MAX_BYTES}")
    if len(octets) > _SMALL:
        rows = _counting(kind.DESCRIPTOR).scan(Spans.joined([octets]), limits={"row": 0}).counts["row"]
        if rows > MAX_ROWS:
            raise InputError(field, f"{rows} entries of lists", f"at most {MAX_ROWS}")
    message: Message = kind()
    try:
        message.ParseFromString(octets)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(field, f"{len(octets)} bytes that do not parse ({error})", f"a CometBFT {name}") from None
    found = make(message, field)
    if write(found) != octets:
        wanted = f"a {name} as CometBFT writes it: every field once, in order, none unknown"
        raise InputError(field, f"{len(octets)} bytes that a writer would put otherwise", wanted)
    return found


@lru_cache(maxsize=16)
def _counting(descriptor: Any) -> Plan:
    """Counts every entry of every list, without keeping any."""
    tables = {"": "message"}

    def visit(kind: Any, path: str) -> None:
        for one in kind.fields:
            here = f"{path}.{one.name}".lstrip(".")
            if is_repeated(one):
                tables[here] = "row"
            if one.message_type is not None:
                visit(one.message_type, here)

    visit(descriptor, "")
    if len(tables) == 1:
        return Plan(descriptor, {"": "row"}, {})
    return Plan(descriptor, tables, {})


def _time(message: Any, path: str) -> int:
    if not 0 <= message.nanos < SECOND:
        raise InputError(f"{path}.nanos", str(message.nanos), "nanoseconds from 0 to 999999999")
    if not YEAR_1 <= message.seconds * SECOND < YEAR_10000:
        raise InputError(f"{path}.seconds", str(message.seconds), "seconds of the years from 1 to 9999")
    return int(message.seconds * SECOND + message.nanos)


def _block_id(message: Any) -> BlockId:
    parts = message.part_set_header
    return BlockId(message.hash, parts.total, parts.hash)


def _header(message: Any, path: str) -> Header:
    return Header(
        message.version.block,
        message.version.app,
        message.chain_id,
        message.height,
        _time(message.time, f"{path}.time"),
        _block_id(message.last_block_id),
        message.last_commit_hash,
        message.data_hash,
        message.validators_hash,
        message.next_validators_hash,
        message.consensus_hash,
        message.app_hash,
        message.last_results_hash,
        message.evidence_hash,
        message.proposer_address,
    )


def _commit(message: Any, path: str) -> Commit:
    slots = tuple(
        CommitSig(
            slot.block_id_flag,
            slot.validator_address,
            _time(slot.timestamp, f"{path}.signatures[{i}].timestamp"),
            slot.signature,
        )
        for i, slot in enumerate(message.signatures)
    )
    return Commit(message.height, message.round, _block_id(message.block_id), slots)


def _part(message: Any, name: str, path: str) -> Any:
    if not message.HasField(name):
        raise InputError(f"{path}.{name}", "nothing", f"a {message.DESCRIPTOR.fields_by_name[name].message_type.name}")
    return getattr(message, name)


def _signed_header(message: Any, path: str) -> SignedHeader:
    return SignedHeader(
        _header(_part(message, "header", path), f"{path}.header"),
        _commit(_part(message, "commit", path), f"{path}.commit"),
    )


def _key(message: Any, path: str) -> tuple[bytes, str]:
    """A key of the union, and its scheme."""
    name = message.WhichOneof("sum")
    if name is None:
        raise InputError(path, "nothing", "one of " + ", ".join(_KEYS))
    key, scheme = getattr(message, name), _KEYS[name].name
    check_key(scheme, key, f"{path}.{name}")
    return key, scheme


def _validator(message: Any, path: str) -> Validator:
    if message.pub_key_type or message.pub_key_bytes:
        known, key = BY_TYPE.get(message.pub_key_type), message.pub_key_bytes
        if known is None:
            raise InputError(f"{path}.pub_key_type", repr(message.pub_key_type)[:80], "one of " + ", ".join(BY_TYPE))
        scheme = check_key(known.name, key, f"{path}.pub_key_bytes").name
    else:
        key, scheme = _key(message.pub_key, f"{path}.pub_key")
    return Validator(key, message.voting_power, scheme, message.address, message.proposer_priority)


def _simple_validators(message: Any, path: str) -> tuple[Validator, ...]:
    found = []
    for i, one in enumerate(message.validators):
        key, scheme = _key(one.pub_key, f"{path}[{i}].pub_key")
        found.append(Validator(key, one.voting_power, scheme))
    return tuple(found)


def _typed(message: Any) -> bool:
    return bool(message.pub_key_type)


def _validators(message: Any, path: str) -> Validators:
    found = tuple(_validator(one, f"{path}.validators[{i}]") for i, one in enumerate(message.validators))
    proposer = _validator(message.proposer, f"{path}.proposer") if message.HasField("proposer") else None
    first = message.validators[0] if found else message.proposer
    return Validators(found, proposer, _typed(first))


def _light_block(message: Any, path: str) -> LightBlock:
    return LightBlock(
        _signed_header(_part(message, "signed_header", path), f"{path}.signed_header"),
        _validators(_part(message, "validator_set", path), f"{path}.validator_set"),
    )


def _vote(message: Any, path: str) -> Vote:
    return Vote(
        message.type,
        message.height,
        message.round,
        _block_id(message.block_id),
        _time(message.timestamp, f"{path}.timestamp"),
        message.validator_address,
        message.validator_index,
        message.signature,
        message.extension,
        message.extension_signature,
    )


def _proposal(message: Any, path: str) -> Proposal:
    return Proposal(
        message.height,
        message.round,
        message.pol_round,
        _block_id(message.block_id),
        _time(message.timestamp, f"{path}.timestamp"),
        message.signature,
        message.type,
    )


def _duplicate_vote(message: Any, path: str) -> DuplicateVote:
    return DuplicateVote(
        _vote(_part(message, "vote_a", path), f"{path}.vote_a"),
        _vote(_part(message, "vote_b", path), f"{path}.vote_b"),
        message.total_voting_power,
        message.validator_power,
        _time(message.timestamp, f"{path}.timestamp"),
    )


def _attack(message: Any, path: str) -> LightClientAttack:
    rows = message.byzantine_validators
    conflicting = _light_block(_part(message, "conflicting_block", path), f"{path}.conflicting_block")
    return LightClientAttack(
        conflicting,
        message.common_height,
        tuple(_validator(one, f"{path}.byzantine_validators[{i}]") for i, one in enumerate(rows)),
        message.total_voting_power,
        _time(message.timestamp, f"{path}.timestamp"),
        _typed(rows[0]) if rows else conflicting.validators.typed,
    )


def _evidence(message: Any, path: str) -> Evidence:
    name = message.WhichOneof("sum")
    if name == "duplicate_vote_evidence":
        return _duplicate_vote(message.duplicate_vote_evidence, path)
    if name == "light_client_attack_evidence":
        return _attack(message.light_client_attack_evidence, path)
    raise InputError(path, "nothing", "duplicate_vote_evidence or light_client_attack_evidence")


def _block(message: Any, path: str) -> Block:
    rows = message.evidence.evidence
    return Block(
        _header(message.header, f"{path}.header"),
        tuple(message.data.txs),
        tuple(_evidence(one, f"{path}.evidence[{i}]") for i, one in enumerate(rows)),
        _commit(message.last_commit, f"{path}.last_commit") if message.HasField("last_commit") else None,
    )


def _tx_proof(message: Any, path: str) -> TxProof:
    proof = message.proof
    return TxProof(message.root_hash, message.data, proof.total, proof.index, proof.leaf_hash, tuple(proof.aunts))
