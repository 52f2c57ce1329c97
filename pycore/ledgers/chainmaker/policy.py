"""Whether the signers of a transaction satisfy a policy.

Chains with certificates or registered keys count distinct *organisations*, never signers; public chains count
administrators' entries. The entries themselves - valid signatures, each signer once - are decided beforehand.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pycore.ledgers.chainmaker.messages import shorten
from pycore.ledgers.chainmaker.rows import COUNT, SHARE, Policy

_ADMIN = "ADMIN"


class Ruling(NamedTuple):
    """ok: True met, False not met, None: the context does not tell enough. why: the reason, "" when met."""

    ok: bool | None
    why: str = ""


MET = Ruling(True)


@dataclass(frozen=True, slots=True)
class Voter:
    """A signer whose signature holds, as a policy sees it.

    org        the organisation that the entry claims
    role       in upper case; "" is a member without one; None: the context does not tell
    confirmed  whether the claimed organisation is the member's own; without that it counts for no row with roles
    who        tells signers apart: equal for two entries of one signer. None: a separate entry
    """

    org: str
    role: str | None
    confirmed: bool = True
    who: Hashable = None


@dataclass(frozen=True, slots=True)
class Electorate:
    """The organisations and administrators that a policy counts against.

    organisations   those of the trust roots; empty: not known
    admins          administrators' keys of a public chain; 0: not known
    public          whether the chain is public, so that entries are counted and not organisations
    reads_all       public: whether the node knows more than ANY, MAJORITY and FORBIDDEN
    strict          integer arithmetic, no rule that asks for nobody, and only organisations of the trust roots counted
    """

    organisations: frozenset[str] = frozenset()
    admins: int = 0
    public: bool = False
    reads_all: bool = True
    strict: bool = True


def distinct(voters: Iterable[Voter]) -> list[Voter]:
    """Each signer once, its first entry kept."""
    found: dict[Hashable, Voter] = {}
    for place, voter in enumerate(voters):
        found.setdefault(place if voter.who is None else (voter.who,), voter)
    return list(found.values())


def judge(policy: Policy, voters: Sequence[Voter], who: Electorate, target: str | None = None) -> Ruling:
    """Whether `voters` satisfy `policy`. `target`: for SELF, the organisation that the transaction is about."""
    if policy.rule == "FORBIDDEN":
        return Ruling(False, "policy: the resource is forbidden")
    if not voters:
        return Ruling(False, f"policy {policy.rule}: no valid signer")
    known = [voter for voter in voters if voter.role is not None]
    if len(known) == len(voters):
        return _decide(policy, known, who, target)
    found = _decide(policy, known, who, target) if known else Ruling(False)
    if found.ok and policy.rule != "ALL":  # one more signer never spoils another rule
        return found
    return Ruling(None, f"policy {policy.rule}: the context does not tell the role of every signer")


def _decide(policy: Policy, voters: Sequence[Voter], who: Electorate, target: str | None) -> Ruling:
    return _decide_public(policy, voters, who) if who.public else _decide_members(policy, voters, who, target)


def fits(voter: Voter, orgs: frozenset[str], roles: frozenset[str]) -> bool:
    """Whether a signer is of these organisations and roles; empty: of any."""
    return (not orgs or voter.org in orgs) and (not roles or (voter.confirmed and voter.role in roles))


def _decide_members(policy: Policy, voters: Sequence[Voter], who: Electorate, target: str | None) -> Ruling:
    rule, orgs, roles = policy.rule, policy.org_set, policy.role_set
    if rule == "ANY":
        met = any(fits(voter, orgs, roles) for voter in voters)
        return MET if met else Ruling(False, "policy ANY: no signer fits")
    if rule == "SELF":
        met = bool(target) and any(fits(voter, frozenset({target or ""}), frozenset({_ADMIN})) for voter in voters)
        return (
            MET
            if met
            else Ruling(False, f"policy SELF: no administrator of {shorten(target or 'a named organisation')}")
        )
    if rule == "MAJORITY":
        orgs, roles = frozenset(), frozenset({_ADMIN})
    present = {voter.org for voter in voters if fits(voter, orgs, roles)}
    return _measure(rule, present, orgs, who)


def _measure(rule: str, present: set[str], orgs: frozenset[str], who: Electorate) -> Ruling:
    """Counts organisations. A trust member's organisation may have no root: the chain counts it all the same."""
    count = COUNT(rule)
    if count:
        return _enough(rule, len(present), int(rule), who.strict)
    if rule not in ("MAJORITY", "ALL") and not SHARE(rule):
        return Ruling(False, f"policy: a rule that is not known ({rule})")
    base = orgs or who.organisations
    if not base:
        return Ruling(None, f"policy {rule}: the context has no trust roots, so the organisations are not known")
    if who.strict and not orgs:
        present = present & base if rule != "ALL" else present
    got, total = len(present), len(base)
    if rule == "MAJORITY":
        met, needed = 2 * got > total, f"more than half of {total}"
    elif rule == "ALL":
        # One of an organisation without a root does not stand in for one that is missing.
        met, needed = got == total and (present == base or not who.strict), str(total)
    else:
        met, needed = _share_met(rule, got, total, who.strict), f"{rule} of {total}"
    return MET if met else Ruling(False, f"policy {rule}: {got} organisations, {needed} needed")


def _decide_public(policy: Policy, voters: Sequence[Voter], who: Electorate) -> Ruling:
    rule, roles = policy.rule, policy.role_set
    if rule == "ANY":
        # From release 2.3.3 on a key without a role is read as a client.
        met = any(not roles or (voter.role or ("CLIENT" if who.reads_all else "")) in roles for voter in voters)
        return MET if met else Ruling(False, "policy ANY: no signer fits")
    got = sum(voter.role == _ADMIN for voter in voters)
    count = COUNT(rule)
    if rule != "MAJORITY" and not (who.reads_all and (rule == "ALL" or count or SHARE(rule))):
        return Ruling(False, f"policy: a rule that public chains do not have ({rule})")
    if count:
        return _enough(rule, got, int(rule), who.strict)
    if not who.admins:
        return Ruling(None, f"policy {rule}: the context has no administrators' keys")
    if rule == "MAJORITY":
        met = 2 * got > who.admins
    elif rule == "ALL":
        met = got >= who.admins
    else:
        met = _share_met(rule, got, who.admins, who.strict)
    return MET if met else Ruling(False, f"policy {rule}: {got} of {who.admins} administrators")


def _enough(rule: str, got: int, needed: int, strict: bool) -> Ruling:
    if strict and needed < 1:
        return Ruling(False, f"policy {rule}: strict: a rule that asks for nobody")
    return MET if got >= needed else Ruling(False, f"policy {rule}: {got} of {needed}")


def _share_met(rule: str, got: int, total: int, strict: bool) -> bool:
    share = SHARE(rule)
    if share is None or not int(share[1]) or not int(share[2]):
        return False
    n, m = int(share[1]), int(share[2])
    return got * m >= total * n if strict else float(got) >= float(total) * float(n) / float(m)
