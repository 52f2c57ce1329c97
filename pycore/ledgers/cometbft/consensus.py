"""CometBFT's part in :mod:`pycore.consensus`: its rules for votes, commits and validator sets, as :data:`RULES`.

More than two thirds of the power make a block final. Ed25519 is verified by ZIP-215 (so does CometBFT from 0.34.20 on,
through curve25519-voi), secp256k1 with low s. Times of signatures that 64 bits of nanoseconds do not hold (before 1677
and after 2262) are refused here, though CometBFT has no such rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pycore.base.columns import Column
from pycore.consensus.quorum import INT64_MAX, Rule
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.consensus.vote_columns import VoteColumns
from pycore.consensus.votes import (
    FOR_CLAIM,
    FOR_NOTHING,
    CommitColumns,
    LightBlock,
    QuorumCertificate,
    SignedHeader,
    Vote,
    checked_form,
)
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, evidence, hashes, messages, rpc, signbytes, structure, wire
from pycore.ledgers.cometbft.columns import read_commits
from pycore.ledgers.cometbft.messages import COMMIT, KINDS, NIL, PRECOMMIT, proposer_of
from pycore.ledgers.cometbft.schemes import SCHEMES, address
from pycore.ledgers.cometbft.vote_columns import read_votes

_INT64_MIN = -INT64_MAX - 1


class CometbftRules:
    """See :class:`pycore.consensus.chains.ConsensusRules`."""

    chain = "cometbft"
    quorum = Rule.more_than(2, 3)
    power_limit = INT64_MAX // 8
    lowest_power = 1
    size_limit = structure.MAX_SLOTS
    chain_id_limit = structure.MAX_CHAIN_ID
    schemes = frozenset(SCHEMES)
    options: Mapping[str, Mapping[str, Any]] = {
        one.name: one.options for one in SCHEMES.values() if one.options is not None
    }

    def remark(self, messages: Sequence[bytes]) -> str:
        """Times in whole milliseconds: libraries for JavaScript that keep times as dates cut the other digits, and with
        them bytes that were signed."""
        times = [signbytes.nanoseconds(one) for one in messages]
        if times and all(one is not None and one % 1_000_000 == 0 for one in times):
            return (
                "all votes' nanoseconds end in 000000: a library that keeps times as milliseconds has changed what was"
                " signed; take the node's own answer, or protobuf"
            )
        return ""

    # ---- validators --------------------------------------------------------------------------------------------------

    def address(self, scheme: str, public_key: bytes) -> bytes:
        """20 bytes: :func:`pycore.ledgers.cometbft.schemes.address`."""
        return address(scheme, public_key)

    def order(self, validators: Sequence[Validator]) -> list[Validator]:
        """By power, the greatest first, then by address."""
        named = [
            one if one.address else replace(one, address=address(one.scheme, one.public_key)) for one in validators
        ]
        return evidence.in_order(named)

    def set_hash(self, validators: Sequence[Validator]) -> bytes:
        """As headers carry it: :func:`pycore.ledgers.cometbft.hashes.validators_hash`."""
        return hashes.validators_hash(validators)

    def read_validators(self, data: Any, form: str) -> list[Validator]:
        """From answers of /validators, or a ValidatorSet."""
        return list(_reader(form).validators(data).validators)

    def write_validators(self, validators: ValidatorSet) -> bytes:
        """A ValidatorSet, its proposer the one with the highest priority."""
        return encoding.validators(_listed(validators))

    # ---- headers and commits -----------------------------------------------------------------------------------------

    def read_signed_header(self, data: Any, form: str) -> SignedHeader:
        """From the answer of /commit, or a SignedHeader."""
        return signed_header(_reader(form).signed_header(data))

    def write_signed_header(self, signed_header: SignedHeader) -> bytes:
        """A SignedHeader."""
        return signed_header.raw

    def read_commits(self, records: Sequence[bytes], threads: int | None = 1) -> CommitColumns:
        """Signed headers in protobuf as columns."""
        return read_commits(records, threads)

    def read_light_block(self, data: Any, form: str) -> LightBlock:
        """From a LightBlock, an object with "signed_header" and "validator_set", or the pair of the answers of /commit
        and /validators."""
        found = _reader(form).light_block(data)
        return LightBlock(signed_header(found.signed_header), ValidatorSet(found.validators.validators))

    def write_light_block(self, block: LightBlock) -> bytes:
        """A LightBlock; see :meth:`write_validators`."""
        return encoding.message(1, block.signed_header.raw) + encoding.message(
            2, self.write_validators(block.validators)
        )

    # ---- votes -------------------------------------------------------------------------------------------------------

    def read_vote(self, data: Any, form: str, *, chain_id: str, extensions: bool | None = None) -> Vote:
        """From a Vote.

        extensions  whether the chain has vote extensions at that height: then a precommit for a block must have a
                    signature for one, else it must have none; None: whatever is there must hold

        InputError also where the vote breaks a rule of the chain that needs no key.
        """
        return vote(chain_id, _reader(form).vote(data), extensions)

    def read_votes(self, records: Column, *, chain_id: str, threads: int | None = 1) -> VoteColumns:
        """Many votes in protobuf as columns."""
        return read_votes(records, chain_id=chain_id, threads=threads)

    def read_proposal(self, data: Any, form: str, *, chain_id: str) -> Vote:
        """From a Proposal: a Vote of the kind "proposal", without address and position, which it does not say."""
        found = _reader(form).proposal(data)
        return Vote(
            chain_id, "proposal", found.height, found.round, _claim(found.block_id), b"", -1,
            signbytes.proposal(chain_id, found), found.signature, found.time_ns, (), encoding.proposal(found),
        )  # fmt: skip

    def write_vote(self, vote: Vote) -> bytes:
        """A Vote."""
        if not vote.raw:
            raise InputError("vote.raw", "nothing", "the vote in protobuf, as `read_vote` keeps it")
        return vote.raw

    # ---- evidence ----------------------------------------------------------------------------------------------------

    def equivocation(self, first: Vote, second: Vote, validators: ValidatorSet, time_ns: int) -> bytes:
        """An Evidence with a DuplicateVoteEvidence."""
        made = evidence.duplicate_vote(
            wire.vote(first.raw, "first"), wire.vote(second.raw, "second"), validators.validators, time_ns
        )
        return encoding.evidence_union(made)

    def read_equivocation(self, data: Any, form: str, *, chain_id: str) -> tuple[Vote, Vote]:
        """From an Evidence with a DuplicateVoteEvidence; what the votes extend is left out, since no evidence is about
        it."""
        found = _reader(form).evidence(data)
        if not isinstance(found, messages.DuplicateVote):
            raise InputError("evidence", "of an attack on light clients", "of two votes")
        faults = structure.duplicate_vote_faults(found)
        if faults:
            raise InputError("evidence", faults[0], "two votes in order that keep CometBFT's rules")
        first, second = vote(chain_id, found.first, None), vote(chain_id, found.second, None)
        return replace(first, extensions=()), replace(second, extensions=())

    def attack_evidence(
        self,
        conflicting: LightBlock,
        common: LightBlock,
        trusted: LightBlock,
        *,
        byzantine: Sequence[Validator] | None = None,
    ) -> bytes:
        """An Evidence with a LightClientAttackEvidence; `byzantine` None: those who are, as far as can be told."""
        made = evidence.light_client_attack(_message(conflicting), _message(common), _message(trusted), byzantine)
        return encoding.evidence_union(made)


def _reader(form: str) -> Any:
    """The module that reads a form."""
    return wire if checked_form(form) == "wire" else rpc


def _listed(validators: ValidatorSet) -> messages.Validators:
    rows = validators.validators
    for i, one in enumerate(rows):
        if not SCHEMES[one.scheme].field:
            raise InputError(f"validators[{i}].scheme", repr(one.scheme), "a scheme whose keys CometBFT writes")
    return messages.Validators(rows, proposer_of(rows) if rows else None)


def _message(block: LightBlock) -> messages.LightBlock:
    return messages.LightBlock(wire.signed_header(block.signed_header.raw), _listed(block.validators))


def _claim(value: messages.BlockId) -> bytes | None:
    """The signed form of a block id; None for no block."""
    return None if value.is_nil else encoding.block_id(value)


def vote(chain_id: str, found: messages.Vote, extensions: bool | None = None) -> Vote:
    """The chain-neutral form of a vote. See :meth:`CometbftRules.read_vote`."""
    faults = structure.vote_faults(found)
    extended = found.type == PRECOMMIT and not found.block_id.is_nil
    if not faults and extensions and extended and not found.extension_signature:
        faults = ["no signature for a vote extension, which this height has"]
    if not faults and extensions is False and (found.extension or found.extension_signature):
        faults = ["a vote extension, which this height has not"]
    if faults:
        raise InputError("vote", faults[0], "a vote that keeps CometBFT's rules")
    signed = signbytes.extension(chain_id, found) if found.extension_signature else b""
    return Vote(
        chain_id, KINDS[found.type], found.height, found.round, _claim(found.block_id), found.address, found.position,
        signbytes.vote(chain_id, found), found.signature, found.time_ns,
        ((signed, found.extension_signature),) if signed else (), encoding.vote(found),
    )  # fmt: skip


def signed_header(found: messages.SignedHeader) -> SignedHeader:
    """The chain-neutral form of a signed header."""
    header, faults = found.header, structure.signed_header_faults(found)
    slots = [(i, slot) for i, slot in enumerate(found.commit.signatures) if slot.flag in (COMMIT, NIL)]
    late = [i for i, slot in slots if not _INT64_MIN <= slot.time_ns <= INT64_MAX]
    if late:
        faults.append(f"commit: signatures[{late[0]}]: a time that 64 bits of nanoseconds do not hold")
    return SignedHeader(
        chain_id=header.chain_id,
        height=header.height,
        time_ns=header.time_ns,
        hash=hashes.header_hash(header),
        validators_hash=header.validators_hash,
        next_validators_hash=header.next_validators_hash,
        previous_hash=header.last_block_id.hash,
        certificate=certificate(header.chain_id, found.commit),
        header=header,
        raw=encoding.signed_header(found),
        faults=tuple(faults),
    )


def certificate(chain_id: str, commit: messages.Commit) -> QuorumCertificate:
    """The chain-neutral form of a commit: its slots for the block and for none; all others left out."""
    slots = [(i, slot) for i, slot in enumerate(commit.signatures) if slot.flag in (COMMIT, NIL)]
    signed = signbytes.commit(chain_id, commit)
    return QuorumCertificate(
        chain_id=chain_id,
        height=commit.height,
        round=commit.round,
        claim=encoding.block_id(commit.block_id),
        claimed_hash=commit.block_id.hash,
        size=len(commit.signatures),
        positions=np.array([i for i, _ in slots], np.int32),
        kinds=np.array([FOR_CLAIM if slot.flag == COMMIT else FOR_NOTHING for _, slot in slots], np.uint8),
        addresses=[slot.address for _, slot in slots],
        times_ns=np.array([min(max(slot.time_ns, _INT64_MIN), INT64_MAX) for _, slot in slots], np.int64),
        messages=[signed[i] for i, _ in slots],
        signatures=[slot.signature for _, slot in slots],
    )


RULES = CometbftRules()
