"""Certificates of chained BFT (TDPoS, XPoS and XPoA): the justify of a block certifies the block before it.

A vote is a signature over the voted block's id, in the form in which the proposer signs it; the view is not signed.
Votes of strangers are passed over, a bad vote of a validator refuses the certificate. Of n validators, f = (n - 1) / 3
may be faulty, and n - f must stand behind a block. In the block there may be one fewer: its proposer collected the
votes, and counts without a vote.

    compatible   as the chain's code counts: valid signatures + 1 >= n - f, a validator counts as often as it signed,
                 and one is added for the proposer whoever it is. Of four validators two signatures suffice
    strict       n - f distinct validators: those who signed, and the proposer of the block that carries the
                 certificate, if it is a validator, once. The former rule takes whatever this one takes

Both demand that the certificate names the block, and strict that its view is the block's height. Nothing in the id of
the block that carries the certificate parts its fields, so that whoever passes it on could move bytes from the message
into the type and the view, and what they push out into the first address. strict therefore takes a type that the chain
has, a message as protobuf writes it, and addresses without zero bytes: then the view has one reading. Read in xupercore
56f3d1af20d7, kernel/consensus/base/driver/chained-bft/saftyrules.go; no published data has confirmed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.consensus.quorum import Decision, Electorate, Repeat, Rule, decide, tally
from pycore.ledgers.xuper.messages import QCState, QuorumCert, is_canonical, shorten
from pycore.ledgers.xuper.signatures import Claims

CERTAINTY = "read"


class _Collector:
    """A voter whom no vote can name: votes name voters by text, and those of strangers are not verified."""

    def __repr__(self) -> str:
        return "the collector of the votes"


COLLECTOR = _Collector()


def needed(validators: int) -> int:
    """How many of so many validators must stand behind a block.

    >>> [needed(n) for n in (1, 2, 3, 4, 7, 10)]
    [1, 2, 3, 3, 5, 7]
    """
    return validators - (validators - 1) // 3


@dataclass(slots=True)
class Votes:
    """The votes of a certificate, whose signatures are being verified.

    Attributes:
        justify: the certificate.
        block_id: of the block that it is to certify, recomputed.
        validators: addresses.
        tickets: place of each vote's signature among the claims; -1 of strangers, which are not verified.
    """

    justify: Any
    block_id: bytes
    validators: tuple[str, ...]
    tickets: list[int]

    @classmethod
    def enlist(cls, justify: Any, block_id: bytes, validators: Sequence[str], claims: Claims) -> Votes:
        """Puts the signatures of validators among the claims."""
        members = set(validators)
        tickets = [
            claims.add(sign.public_key.encode(), sign.address, sign.sign, block_id) if sign.address in members else -1
            for sign in justify.sign_infos.qc_sign_infos
        ]
        return cls(justify, block_id, tuple(validators), tickets)

    def decide(self, verdicts: Sequence[Verdict], *, strict: bool, proposer: tuple[str, str]) -> Decision:
        """proposer: of the block that carries the certificate, and why it does not count, in words."""
        signs = self.justify.sign_infos.qc_sign_infos
        ballots: list[Any] = [(sign.address, self.block_id, "") for sign in signs]
        objections = []
        for sign, ticket in zip(signs, self.tickets, strict=True):
            if ticket >= 0 and verdicts[ticket] != Verdict.VALID:
                who = shorten(sign.address, 64)
                objections.append(f"the signature of validator {who!r} does not hold: {verdicts[ticket].name}")
        rule = Rule.at_least(needed(len(self.validators)))
        if strict:
            ballots.append((proposer[0], self.block_id, proposer[1]))
            count = tally(ballots, Electorate.equal(self.validators), repeats=Repeat.IGNORED)
        else:
            ballots.append((COLLECTOR, self.block_id, ""))
            count = tally(ballots, Electorate.equal([*self.validators, COLLECTOR]), repeats=Repeat.COUNTED)
        return decide(count, rule, self.block_id, objections=[*objections[:4], *self.faults(None)])

    def faults(self, height: int | None) -> list[str]:
        """Everything wrong with the certificate but for its votes. height: of the block, if its view must be that and
        have one reading."""
        found = []
        if self.justify.proposal_id != self.block_id:
            found.append(f"it is for block {shorten(self.justify.proposal_id.hex(), 64)}")
        if height is not None and self.justify.view_number != height:
            found.append(f"its view is {self.justify.view_number}, not {height}")
        try:
            before = QuorumCert.FromString(self.justify.proposal_msg)
        except (DecodeError, ValueError):
            return [*found, "its proposal_msg is no certificate"]
        return found if height is None else [*found, *self._blurred(before)]

    def _blurred(self, before: Any) -> list[str]:
        """Why its view could be read in another way."""
        found = []
        if self.justify.type not in QCState.values():
            found.append(f"its type is {self.justify.type}, which the chain does not have")
        if not is_canonical(before, self.justify.proposal_msg):
            found.append("its proposal_msg is not as protobuf writes it")
        if any("\0" in sign.address for sign in self.justify.sign_infos.qc_sign_infos):
            found.append("a zero byte in an address")
        return found


def check(
    name: str, votes: Votes, verdicts: Sequence[Verdict], *, strict: bool, height: int, proposer: tuple[str, str]
) -> tuple[Check, tuple[str, ...]]:
    """The check of a certificate, and those behind the block."""
    decision = votes.decide(verdicts, strict=strict, proposer=proposer)
    views = votes.faults(height)[: 1 if strict else 0] if not decision.objections else []
    faults = [*decision.objections, *views]
    behind = tuple(str(voter) for voter in decision.counted) if not faults else ()
    shown = "; ".join(faults) or "; ".join(f"{shorten(str(v.voter), 64)!r}: {v.reason}" for v in decision.ignored[:4])
    total = len(votes.validators)
    got, wanted = f"{0 if faults else decision.got} of {total}", f"{decision.needed} of {total}"
    return Check(name, decision.reached and not faults, got, wanted, shown, CERTAINTY), behind
