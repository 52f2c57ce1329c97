"""Proofs that validators agreed on a block: PBFT's. XBFT's are in :mod:`pycore.ledgers.bif.xbft`.

A proof is over the hash of the block's consensus value: what goes in (transactions, time, the block before), not what
comes out of executing it (the header's other fields). The proof of block N arrives with block N + 1. The header of
block N is itself fixed by the consensus value of block N + 1, which names its hash, and which the proof in block N + 2
is about. So a proof makes a consensus value final, and the proof of the next value makes a header final.

The rule of a proof (bumo, Pbft::CheckProof and CheckMessageItem; certainty: read; the layout, the bytes that are signed
and the sequence were recomputed on a real proof): of every commit the chain id is the chain's, replica_id is the
signer's position among the validators, the type is COMMIT, value_digest is the header's consensus_value_hash, the
signer is a validator who has not signed before, and the signature holds over the serialised Pbft message. Any commit
that is otherwise refuses the proof. At least n - floor(n / 3) signers.

`strict` also asks for the block's height as the sequence, one view number in all commits, and bytes as a writer puts
them: what no signature covers would have more than one form.

Validators that change. Those that a header names sign from the next block on. A header that changes them is fixed by a
consensus value that only the new ones sign; whoever trusts the old ones alone learns nothing from that. So the proof
of the block after a change must also hold the signatures of a quorum of the old validators: `header_proof` of the block
that makes the change, or `handover` of the next one. Each member that stays has checked the header before it signs.
Where a change leaves no such quorum it cannot be proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.consensus import Decision, Electorate, Repeat, Rule, decide, tally
from pycore.errors import InputError
from pycore.ledgers.bif import keys
from pycore.ledgers.bif.context import BifContext, Validator
from pycore.ledgers.bif.messages import MAX_VALIDATORS, PbftProof, as_written, parse_counted, shorten
from pycore.signatures.batch import verify_batch

COMMIT = 2
"""Pbft.type of a commit."""
QUORUM = Rule.at_least(2, 3)
"""n - floor(n / 3) of n: 1, 2, 2, 3, 4, 4, 5, 6, 6 of 1 to 9."""
RULES = {"strict": "rfc8032", "compatible": "ref10"}


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature to check: the text of its key, the message, the signature."""

    key: str
    message: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judgement of a proof.

    Attributes:
        objection: the first thing that is wrong with it; "" where nothing is.
        decision: the count of its votes.
        signers: addresses whose votes count, in the proof's order.
    """

    objection: str
    decision: Decision
    signers: tuple[str, ...]


def verify_signed(items: Sequence[Signed], context: BifContext) -> list[tuple[keys.Key | None, int]]:
    """Key and verdict code of each signature."""
    found = keys.read_keys([one.key.encode() for one in items], variant=context.variant, strict=context.strict)
    codes = [int(Verdict.MALFORMED_KEY)] * len(items)
    for kind in keys.VARIANTS[context.variant]:
        own = [i for i, key in enumerate(found) if key is not None and key.kind == kind]
        if not own:
            continue
        raws = [key.raw for key in found if key is not None and key.kind == kind]
        rules = RULES[context.rules] if kind.scheme == "ed25519" else None
        signatures, messages = [items[i].signature for i in own], [items[i].message for i in own]
        verdicts = verify_batch(kind.scheme, raws, signatures, messages, rules=rules)
        for i, code in zip(own, verdicts.codes.tolist(), strict=True):
            codes[i] = code
    return list(zip(found, codes, strict=True))


class Members:
    """Finds validators by the keys of their signatures."""

    def __init__(self, validators: Sequence[Validator], context: BifContext) -> None:
        """validators: in the chain's order."""
        self.validators, self._context = validators, context
        self._places = {one.address: i for i, one in enumerate(validators)}
        bodies: dict[str, list[int]] = {}
        for i, one in enumerate(validators):
            bodies.setdefault(one.address.rpartition(":")[2][2:], []).append(i)
        self._bodies = bodies

    def place(self, key: keys.Key | None) -> int:
        """The position of a key's address; -1 where it is not there."""
        if key is None:
            return -1
        found = self._places.get(key.address)
        if found is not None:
            return found
        for i in self._bodies.get(key.address.rpartition(":")[2][2:], ()):
            address = self.validators[i].address
            if keys.owns(key, address, chain_code=self._context.chain_code, strict=self._context.strict):
                return i
        return -1


def judge_pbft(
    data: bytes, digest: bytes, seq: int, chain_id: int, validators: Sequence[Validator], context: BifContext
) -> Outcome:
    """A PBFT proof of a consensus value.

    Args:
        data: serialised PbftProof.
        digest: the value's hash.
        seq: height of its block.
        chain_id: that messages must name.
        validators: that may sign, in the chain's order.
        context: variant and rules.
    """
    try:
        proof = parse_counted(PbftProof, data, "proof", ("commits",))
    except InputError as error:
        return refused(str(error), validators)
    if len(proof.commits) > MAX_VALIDATORS:
        return refused(f"{len(proof.commits)} commits, at most {MAX_VALIDATORS} are read", validators)
    against = []
    if context.strict and not as_written(proof, data):
        against.append("not encoded as a writer encodes it")
    signed = [
        Signed(env.signature.public_key, env.pbft.SerializeToString(), env.signature.sign_data) for env in proof.commits
    ]
    ballots, members = [], Members(validators, context)
    for i, (env, (key, code)) in enumerate(zip(proof.commits, verify_signed(signed, context), strict=True)):
        place = members.place(key)
        flaw = _flaw(env.pbft, place, digest, chain_id)
        if not flaw and context.strict:
            flaw = _lax(env.pbft, seq, proof.commits[0].pbft.commit.view_number)
        if not flaw and code != Verdict.VALID:
            flaw = f"signature: {Verdict(code).meaning}"
        if flaw:
            against.append(f"commit {i}: {flaw}")
        voter = validators[place].address if place >= 0 else shorten(env.signature.public_key)
        ballots.append((voter, env.pbft.commit.value_digest, flaw))
    return concluded(ballots, digest, against, validators, Repeat.REFUSED)


def _flaw(pbft: Any, place: int, digest: bytes, chain_id: int) -> str:
    """Why a commit does not count, in the order of the chain's code."""
    commit = pbft.commit
    if pbft.chain_id != chain_id:
        return f"chain_id {pbft.chain_id}, not {chain_id}"
    if place < 0:
        return "not signed by a validator"
    if pbft.type != COMMIT or not pbft.HasField("commit"):
        return f"type {pbft.type}, not a commit"
    if commit.replica_id != place:
        return f"replica_id {commit.replica_id}, the signer is {place}"
    if commit.value_digest != digest:
        return f"value_digest {commit.value_digest[:32].hex()}, not {digest.hex()}"
    return ""


def _lax(pbft: Any, seq: int, view: int) -> str:
    """Faults that the chain's code lets pass."""
    commit = pbft.commit
    if commit.sequence != seq:
        return f"sequence {commit.sequence}, the block is {seq}"
    if commit.view_number != view:
        return f"view_number {commit.view_number}, another one is {view}"
    return ""


def refused(why: str, validators: Sequence[Validator]) -> Outcome:
    """The outcome of a proof that says nothing."""
    return concluded([], b"", [why], validators, Repeat.IGNORED)


def concluded(
    ballots: list[tuple[str, bytes, str]], claim: bytes, against: list[str], validators: Sequence[Validator],
    repeats: Repeat,
) -> Outcome:  # fmt: skip
    """Counts the votes."""
    electorate = Electorate.equal([one.address for one in validators])
    decision = decide(tally(ballots, electorate, repeats=repeats), QUORUM, claim, objections=against)
    return Outcome(
        objection=decision.objections[0] if decision.objections else "",
        decision=decision,
        signers=tuple(str(voter) for voter in decision.counted),
    )


def handed_over(outcome: Outcome, before: Sequence[Validator]) -> Decision:
    """Whether a proof's signers are a quorum of another set as well."""
    count = tally([(address, True, "") for address in outcome.signers], Electorate.equal([v.address for v in before]))
    return decide(count, QUORUM, True)


def outcome_checks(outcome: Outcome, names: tuple[str, str] = ("certificate", "quorum")) -> tuple[Check, Check]:
    """Two checks: whether every part of a proof is sound, and whether its votes are enough. Certainty: read."""
    decision = outcome.decision
    ignored = "; ".join(f"{shorten(str(vote.voter))}: {vote.reason}" for vote in decision.ignored[:4])
    sound = Check(names[0], not outcome.objection, outcome.objection or "sound", "sound", certainty="read")
    detail = outcome.objection or ignored
    return sound, Check(names[1], decision.reached, decision.got, decision.needed, detail, "read")
