"""Events of a collector of votes: a quorum, a quorum for nothing, a validator who votes twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pycore.base.report import Check, Report
from pycore.consensus.votes import Vote
from pycore.errors import InputError

if TYPE_CHECKING:
    from pycore.consensus.validators import Validator, ValidatorSet

__all__ = ["Equivocation", "NilQuorum", "Quorum", "VoteEvent"]


@dataclass(frozen=True, slots=True)
class Quorum:
    """Enough power is behind one claim. Told once for each height, round, kind and claim.

    Only a kind that decides makes a block final: CometBFT's "precommit" does, its "prevote" does not.

    chain_id, height, round, kind   of the votes
    claim                           canonical bytes of what they are for
    got, needed, total              power behind the claim when it became enough, the least that is, and of all
    positions                       validators behind it at that time, in the order of their votes
    """

    chain_id: str
    height: int
    round: int
    kind: str
    claim: bytes
    got: int
    needed: int
    total: int
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NilQuorum:
    """Enough power voted for nothing: this round decides no block. Never a proof of one; fields as of Quorum."""

    chain_id: str
    height: int
    round: int
    kind: str
    got: int
    needed: int
    total: int
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Equivocation:
    """One validator cast two valid votes of one height, round and kind for different claims.

    first, second   the votes, in the order in which they were taken
    validator       who cast them
    validators      the set of that height
    """

    first: Vote
    second: Vote
    validator: Validator
    validators: ValidatorSet = field(repr=False)

    def to_bytes(self, time_ns: int) -> bytes:
        """Evidence in the chain's own form. `time_ns`: Unix nanoseconds of the block of that height, which the chain
        puts into the evidence, and which a collector of votes cannot know."""
        return self.validators.rules.equivocation(self.first, self.second, self.validators, time_ns)

    def verify(self) -> Report:
        """The proof, checked from nothing but the two votes as they were sent and the set of validators.

        Checks: "read" (the bytes of both are the votes here), "same_place" (chain, height, round, kind), "validator"
        (both name this one), "claims" (they differ), "signatures".
        """
        return equivocation_report(self.first, self.second, self.validators, self.validator)


def equivocation_report(
    first: Vote, second: Vote, validators: ValidatorSet, validator: Validator | None = None
) -> Report:
    """Whether two votes prove that one validator of a set voted twice. Checks as :meth:`Equivocation.verify`."""
    votes = (first, second)
    places = [(vote.chain_id, vote.height, vote.round, vote.kind) for vote in votes]
    who = [validators.index(vote.address) for vote in votes]
    expected = who[0] if validator is None else validators.index(validator.address)
    known = who[0] is not None and who == [expected, expected] and all(vote.position == who[0] for vote in votes)
    claims = ["nil" if vote.claim is None else vote.claim.hex() for vote in votes]
    checks = (
        _read_again(votes, validators),
        Check("same_place", places[0] == places[1], _place(places[1]), _place(places[0])),
        Check("validator", known, f"positions {first.position} and {second.position}", "one validator of the set"),
        Check("claims", first.claim != second.claim, claims[1], f"another one than {claims[0]}"),
        _signatures(votes, validators, known),
    )
    return Report(validators.chain, "strict", checks)


def _signatures(votes: tuple[Vote, Vote], validators: ValidatorSet, known: bool) -> Check:
    if not known:
        return Check("signatures", None, detail="no validator to check them with")
    columns = zip(*((vote.position, vote.signature, vote.message) for vote in votes), strict=True)
    positions, signatures, messages = map(list, columns)
    verdicts = validators.verify(positions, signatures, messages, threads=1)
    return Check("signatures", verdicts.all_valid, " and ".join(one.name for one in verdicts), "VALID and VALID")


def _place(place: tuple[str, int, int, str]) -> str:
    return f"{place[3]} of {place[0]}, height {place[1]}, round {place[2]}"


def _read_again(votes: tuple[Vote, Vote], validators: ValidatorSet) -> Check:
    """Whether both are what their bytes say: so that no field of a value is believed that nobody signed."""
    for which, vote in zip(("first", "second"), votes, strict=True):
        if not vote.raw:
            return Check("read", None, detail=f"the {which} vote comes without its bytes")
        try:
            again = validators.rules.read_vote(vote.raw, "wire", chain_id=vote.chain_id)
        except InputError as error:
            return Check("read", False, str(error), f"the bytes of a vote, the {which}")
        if again != vote:
            return Check("read", False, f"a {which} vote that differs from its bytes", "the same")
    return Check("read", True)


VoteEvent: TypeAlias = Quorum | NilQuorum | Equivocation
"""Whatever a collector tells."""
