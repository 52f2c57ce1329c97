"""Evidence of misbehaviour: two votes that exclude each other, and attacks on light clients. Made, and checked.

As in types/evidence.go, evidence/verify.go and light/detector.go of CometBFT. The other side of each comparison comes
from the caller, who trusts it already: the validators and the time of the block at the evidence's height, the block
that the chain has.
"""

from __future__ import annotations

from collections.abc import Sequence

from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers.cometbft.messages import (
    COMMIT,
    DuplicateVote,
    Header,
    LightBlock,
    LightClientAttack,
    SignedHeader,
    Vote,
)
from pycore.ledgers.cometbft.structure import block_key, vote_faults


def in_order(validators: Sequence[Validator]) -> list[Validator]:
    """In the canonical order of a set: by power, the greatest first, then by address."""
    return sorted(validators, key=lambda one: (-one.power, one.address))


def duplicate_vote(first: Vote, second: Vote, validators: Sequence[Validator], time_ns: int) -> DuplicateVote:
    """The evidence of two votes, in their order.

    validators  those of the votes' height
    time_ns     of the block of that height

    InputError: votes that break a rule, that are not of one validator, or that do not exclude each other.
    """
    for name, one in (("first", first), ("second", second)):
        faults = vote_faults(one)
        if faults:
            raise InputError(name, faults[0], "a vote that keeps CometBFT's rules")
    for name in ("type", "height", "round", "address"):
        if getattr(first, name) != getattr(second, name):
            raise InputError(
                f"second.{name}", _shown(getattr(second, name)), f"{_shown(getattr(first, name))}, as first"
            )
    if first.block_id == second.block_id:
        raise InputError("second.block_id", "the same", "another block's: votes for one block exclude nothing")
    power = next((one.power for one in validators if one.address == first.address), None)
    if power is None:
        raise InputError("first.address", first.address.hex(), "a validator's")
    if block_key(first.block_id) > block_key(second.block_id):
        first, second = second, first
    return DuplicateVote(first, second, sum(one.power for one in validators), power, time_ns)


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def is_lunatic(conflicting: Header, trusted: Header) -> bool:
    """Whether a header could not have followed from the chain's state: it differs from the chain's own header of that
    height in what the state decides."""
    names = ("validators_hash", "next_validators_hash", "consensus_hash", "app_hash", "last_results_hash")
    return any(getattr(conflicting, name) != getattr(trusted, name) for name in names)


def kind_of(conflicting: SignedHeader, trusted: SignedHeader) -> str:
    """ "lunatic": the conflicting header is not one of this chain; "equivocation": both were decided in one round;
    "amnesia": in different ones."""
    if is_lunatic(conflicting.header, trusted.header):
        return "lunatic"
    return "equivocation" if conflicting.commit.round == trusted.commit.round else "amnesia"


def byzantine_validators(
    conflicting: LightBlock, common: Sequence[Validator], trusted: SignedHeader, *, nil_counts: bool = False
) -> list[Validator]:
    """Who misbehaved so that the conflicting block has its commit, in canonical order.

    Of a lunatic attack those of the common validators who voted for the block; of an equivocation those who voted for
    both blocks; of an amnesia attack nobody can be told.

    common      validators at the common height
    trusted     the chain's own header and commit at the conflicting block's height
    nil_counts  as 0.34 and 0.37 have it: of an equivocation whoever is not absent in both
    """
    signed = conflicting.signed_header
    kind = kind_of(signed, trusted)
    if kind == "lunatic":
        known = {one.address: one for one in common}
        slots = [slot.address for slot in signed.commit.signatures if slot.flag == COMMIT]
        return in_order([known[address] for address in slots if address in known])
    if kind == "amnesia":
        return []
    known = {one.address: one for one in conflicting.validators.validators}
    flags = (COMMIT, 3) if nil_counts else (COMMIT,)
    pairs = zip(signed.commit.signatures, trusted.commit.signatures, strict=False)
    both = [ours.address for ours, theirs in pairs if ours.flag in flags and theirs.flag in flags]
    return in_order([known[address] for address in both if address in known])


def light_client_attack(
    conflicting: LightBlock, common: LightBlock, trusted: LightBlock, byzantine: Sequence[Validator] | None = None
) -> LightClientAttack:
    """The evidence of a conflicting block. `common` is the last light block of both histories, `trusted` the chain's
    own at the conflicting height; which of them is named tells the kind of attack (light/detector.go)."""
    lunatic = is_lunatic(conflicting.signed_header.header, trusted.signed_header.header)
    base = common if lunatic else trusted
    if byzantine is None:
        byzantine = byzantine_validators(conflicting, common.validators.validators, trusted.signed_header)
    header = base.signed_header.header
    total = sum(one.power for one in base.validators.validators)
    typed = conflicting.validators.typed
    return LightClientAttack(conflicting, header.height, tuple(byzantine), total, header.time_ns, typed)
