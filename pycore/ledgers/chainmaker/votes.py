"""Checks of a quorum certificate with verified signatures: who signed, in which role, whether it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.messages import EndorsementEntry
from pycore.ledgers.chainmaker.quorum import Certificate, CountedVote
from pycore.ledgers.chainmaker.rotation import belongs
from pycore.ledgers.chainmaker.signers import MemberKey, Signer, TrustStore

Place = tuple[int, int, str]
"""(ticket, verdict, reason) of a signature; the ticket is -1 where its signer cannot sign, for that reason."""


def member_of(entry: EndorsementEntry) -> MemberKey:
    """Who signed an endorsement, as its signer is looked up."""
    signer = entry.signer
    return signer.member_type, signer.org_id, signer.member_info


@dataclass(frozen=True, slots=True)
class SignedVotes:
    """The votes of a certificate with their verified signatures.

    Attributes:
        certificate: the certificate that was read.
        places: one per vote of it.
        codes: verdicts of the batch, by ticket.
        signers: every signer in the block.
        store, rules, context: what the chain's configuration says of them.
    """

    certificate: Certificate
    places: list[Place]
    codes: NDArray[np.uint8]
    signers: Mapping[MemberKey, Signer]
    store: TrustStore
    rules: AccessRules
    context: ChainContext

    def checks(self) -> Iterator[Check]:
        """Signatures of the votes, whether they are a quorum, and under strict who may have given them."""
        certificate, strict = self.certificate, self.context.rules == "strict"
        if certificate.kind == "raft":
            said = "; ".join(certificate.faults) or "the proposer's signature"
            yield Check("quorum", not certificate.faults, said, "the proposer's signature")
            return
        bad, open_roles = self._faults()
        votes = certificate.votes
        checked = f"{len(votes) - len(bad)} of {len(votes)} valid"
        yield Check("votes", not bad and bool(votes), checked, "all valid", "; ".join(bad[:4]))
        if open_roles:
            yield Check("voter_roles", None, f"{open_roles} roles not known", "0 roles not known",
                        "the context does not tell who is a consensus node")  # fmt: skip
        faults = list(certificate.faults)
        if strict and self._one_key_twice():
            faults.append("strict: one key signed for several voters")
        yield self._quorum(faults, bad)
        if strict:
            yield self._binding()

    def _faults(self) -> tuple[list[str], int]:
        """The faults of the votes, and the number of those whose signer's role the context does not tell."""
        bad, unknown = [], 0
        for vote, (ticket, code, reason) in zip(self.certificate.votes, self.places, strict=True):
            verdict = Verdict(int(self.codes[ticket])) if ticket >= 0 else Verdict(code)
            if verdict != Verdict.VALID:
                bad.append(f"{vote.voter}: {reason or verdict.name}")
                continue
            signer = self._signer(vote)
            ruling = self.rules.consensus(self.store.voter(signer))
            if ruling.ok is False:
                bad.append(f"{vote.voter}: signed in the role {signer.role or 'of nobody'}")
            elif ruling.ok is None:
                unknown += 1
        return bad, unknown

    def _quorum(self, faults: list[str], bad: list[str]) -> Check:
        certificate = self.certificate
        if certificate.electorate is None:
            detail = "; ".join(faults) or "the context names no validators"
            return Check("quorum", False if faults else None, certificate.count, None, detail)
        objections = faults or (["not every vote is valid"] if bad else [])
        decision = certificate.decide(objections)
        return Check("quorum", decision.reached, certificate.count, decision.needed, "; ".join(objections))

    def _one_key_twice(self) -> bool:
        keys = [self._signer(vote).key for vote in self.certificate.votes]
        return len(set(keys)) != len(keys)

    def _binding(self) -> Check:
        """strict: each vote is signed with the key of the node that it names, which in the key modes tells it."""
        if not self.store.node_keys and self.context.by_certificate:
            reason = "the context has no nodes: which key is whose is not known"
            return Check("voter_binding", None, None, None, reason)
        wrong = [vote.voter for vote in self.certificate.votes if not self._bound(vote)]
        return Check("voter_binding", not wrong, f"{len(wrong)} votes by another key", "0 votes by another key",
                     ", ".join(wrong[:4]))  # fmt: skip

    def _bound(self, vote: CountedVote) -> bool:
        key = self._signer(vote).key
        return key is not None and belongs(key, vote.voter, self.store) is True

    def _signer(self, vote: CountedVote) -> Signer:
        return self.signers[member_of(vote.endorsement)]
