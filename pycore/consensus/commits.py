"""Whether a signed header is final: named checks, one report for each header.

    mode            signatures that are looked at, in the order of the slots           whose set
    "full"          every one that is there, nil votes as well                         of the header
    "light"         for the block, up to the one that completes the quorum             of the header
    "all"           every one for the block                                            of the header
    "trusting"      as light, by the validators of another height, found by address    trusted before
    "trusting-all"  as all, by the validators of another height                        trusted before

The names are those of CometBFT's ``types/validation.go``: VerifyCommit, VerifyCommitLight, its AllSignatures form, and
VerifyCommitLightTrusting. One bad signature among those looked at refuses the commit, however much power the others
have. Signatures outside the mode's choice are not checked: "light" says nothing about them.

The checks, by name; those that a mode has no use for are not in its reports:

    structure        the record can be read, and keeps the chain's rules for a header and a commit by themselves
    chain_id         the header's is the one that was asked for; only where one was
    validators_hash  the header's is that of the set                                   not trusting
    header_hash      the block that the commit is for is this header
    commit_height    the commit's height is the header's
    size             one slot for every validator of the set                           not trusting
    addresses        every signature looked at has the address of its slot             not trusting
    double_votes     nobody signs twice among those looked at                          trusting alone
    signatures       those looked at are valid: how many, of how many
    quorum           the power behind the block, and what is needed; decided by pycore.consensus.decide

Signatures by schemes that cannot be checked here are named in `signatures`, which is then skipped, and give no power:
such a report is never complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import quote
from pycore.base.report import Check, Report
from pycore.base.verdicts import Verdict, Verdicts
from pycore.consensus.chains import rules
from pycore.consensus.commit_votes import MODES, TRUSTING, judged_votes
from pycore.consensus.quorum import INT64_MAX, Decision, Repeat, Rule, decide, tally_columns
from pycore.consensus.validators import ValidatorSet
from pycore.consensus.votes import (
    FOR_CLAIM,
    FOR_NOTHING,
    VOTE,
    CommitColumns,
    QuorumCertificate,
    SignedHeader,
    checked_form,
)
from pycore.errors import InputError, InvalidSignature, LengthError, QuorumNotReached, VerificationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.consensus.chains import ConsensusRules

__all__ = ["MODES", "CommitReport", "verify_certificate", "verify_commit", "verify_commits"]

_CHUNK, _CHUNK_BYTES = 2048, 64 << 20  # records, and their bytes, that are taken at a time
_REMARKED = 16  # signatures whose bytes are asked about when some do not hold: enough to tell
_VALID, _UNSUPPORTED = int(Verdict.VALID), int(Verdict.UNSUPPORTED_ALGORITHM)
_NOT_OURS = "the commit is not of this set"
_CHECKS = ("structure", "chain_id", "validators_hash", "header_hash", "commit_height", "size", "addresses",
           "double_votes", "signatures", "quorum")  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class CommitReport(Report):
    """The outcome for one signed header. Reports are equal when their checks are.

    mode                  as asked for
    chain_id, height      of the header; "" and 0 where it cannot be read
    block_hash            of the header, recomputed
    decision              of the quorum, None where the record cannot be read
    positions             int64 (k,): slots of the signatures that were looked at
    verdicts              k verdicts on them
    """

    mode: str
    chain_id: str = ""
    height: int = 0
    block_hash: bytes = b""
    decision: Decision | None = None
    positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    verdicts: Verdicts = field(default_factory=lambda: Verdicts(b""))

    def require(self) -> None:
        """Return if the report is valid and complete; else raise.

        Raises:
            InvalidSignature: the first bad signature; `index` is its slot.
            VerificationError: another check failed, or could not be made.
            QuorumNotReached: nothing else is wrong, and the power is too little.
        """
        if self.valid and self.complete:
            return
        codes = self.verdicts.codes
        bad = np.flatnonzero((codes != _VALID) & (codes != _UNSUPPORTED))
        if len(bad):
            raise InvalidSignature(self.verdicts[int(bad[0])], int(self.positions[bad[0]]))
        others = [check for check in self.checks if check.name != "quorum" and check.ok is False]
        if others or self.decision is None:
            raise VerificationError(Verdict.BAD_DIGEST if others[0].name.endswith("_hash") else Verdict.MALFORMED_ITEM)
        if not self.decision.reached:
            raise QuorumNotReached(self.decision.got, self.decision.needed)
        raise VerificationError(Verdict.UNSUPPORTED_ALGORITHM)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: bytes in hexadecimal."""
        return {
            **super().to_dict(),
            "mode": self.mode,
            "chain_id": self.chain_id,
            "height": self.height,
            "block_hash": self.block_hash.hex(),
        }


def verify_commit(
    validators: ValidatorSet | Any,
    signed_header: SignedHeader | Any,
    *,
    chain: str = "cometbft",
    mode: str = "light",
    trust_level: tuple[int, int] = (1, 3),
    form: str = "rpc",
    chain_id: str | None = None,
    threads: int | None = None,
) -> CommitReport:
    """Check one signed header; see the module for modes and checks.

    Args:
        validators: the set of the header's height, or with the trusting modes that of a height trusted before: a
            ValidatorSet, or what :meth:`ValidatorSet.read` takes.
        signed_header: a SignedHeader, or data in `form`.
        chain: whose rules; a ValidatorSet must be of the same chain.
        mode: one of :data:`MODES`.
        trust_level: numerator and denominator of the share of the trusted power that the trusting modes need more
            than.
        form: of data: "rpc" (JSON text or its dict) or "wire" (protobuf).
        chain_id: that the header must have; None: not asked.
        threads: that may work on this call.

    Returns:
        A report, also for data that is no signed header: then `structure` failed, and nothing else was checked.

    Raises:
        InputError: a malformed call: unknown names, a trust level outside 0 to 1, data that is no set of validators.
    """
    asked = _Asked.check(chain, mode, trust_level, chain_id, threads)
    sets = _sets(validators, 1, chain, checked_form(form))
    return _chunk(asked, sets, [signed_header], form)[0]


def verify_commits(
    validators: ValidatorSet | Sequence[ValidatorSet] | Any,
    signed_headers: Iterable[SignedHeader | Any],
    *,
    chain: str = "cometbft",
    mode: str = "light",
    trust_level: tuple[int, int] = (1, 3),
    form: str = "rpc",
    chain_id: str | None = None,
    threads: int | None = None,
) -> list[CommitReport]:
    """Check many signed headers, of any heights and in any order, with few kernel calls.

    Args:
        validators: one set for all, or a list of ValidatorSet, one for each header; sets made by
            :meth:`ValidatorSet.moved` from one another share their keys and are verified together.
        signed_headers: as for :func:`verify_commit`, as are the options.

    Returns:
        One report for each header, equal to that of :func:`verify_commit`: none depends on another one.

    Raises:
        InputError: as :func:`verify_commit`; lists of different lengths.
    """
    asked = _Asked.check(chain, mode, trust_level, chain_id, threads)
    items = list(signed_headers)
    sets = _sets(validators, len(items), chain, checked_form(form))
    reports: list[CommitReport] = []
    for first, last in _chunks(items):
        part = sets if len(sets) == 1 else sets[first:last]
        reports += _chunk(asked, part, items[first:last], form)
    return reports


def verify_certificate(
    validators: ValidatorSet,
    certificate: QuorumCertificate,
    *,
    mode: str = "full",
    trust_level: tuple[int, int] = (1, 3),
    threads: int | None = None,
) -> CommitReport:
    """Check a certificate without a header: the checks from `size` on. Its claim is the caller's to compare.

    Raises:
        InputError: as :func:`verify_commit`.
    """
    asked = _Asked.check(validators.chain, mode, trust_level, None, threads)
    _check_columns(certificate)
    header = SignedHeader(
        certificate.chain_id, certificate.height, 0, certificate.claimed_hash, b"", b"", b"", certificate
    )
    report = _judged(asked, [validators], CommitColumns.of([header], _width(validators)))[0]
    kept = [check for check in report.checks if _CHECKS.index(check.name) >= _CHECKS.index("size")]
    return CommitReport(**{**report.__dict__, "checks": tuple(kept)})


def _check_columns(certificate: QuorumCertificate) -> None:
    """InputError: a certificate that no reader makes."""
    n, slots, kinds = len(certificate.positions), np.asarray(certificate.positions), np.asarray(certificate.kinds)
    for name in ("kinds", "addresses", "messages", "signatures"):
        if len(getattr(certificate, name)) != n:
            wanted = f"{n}, as many as certificate.positions"
            raise LengthError(f"certificate.{name}", f"{len(getattr(certificate, name))} items", wanted)
    if n and (slots[0] < 0 or slots[-1] >= certificate.size or (np.diff(slots) <= 0).any()):
        wanted = f"slots from 0 to {certificate.size - 1}, ascending"
        raise InputError("certificate.positions", quote(slots.tolist()[:8]), wanted)
    if not np.isin(kinds, (FOR_CLAIM, FOR_NOTHING)).all():
        raise InputError("certificate.kinds", quote(kinds.tolist()[:8]), "FOR_CLAIM and FOR_NOTHING")


# ---- the call --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """The arguments of a call, checked."""

    rules: ConsensusRules
    mode: str
    quorum: Rule
    numerator: int
    chain_id: str | None
    threads: int | None

    @classmethod
    def check(cls, chain: str, mode: str, trust_level: Any, chain_id: str | None, threads: int | None) -> _Asked:
        """InputError for what is malformed."""
        of_chain = rules(chain)
        if mode not in MODES:
            raise InputError("mode", quote(mode), "one of " + ", ".join(map(repr, MODES)))
        if chain_id is not None and not isinstance(chain_id, str):
            raise InputError("chain_id", quote(chain_id), "text or None")
        if mode not in TRUSTING:
            return cls(of_chain, mode, of_chain.quorum, 1, chain_id, threads)
        try:
            numerator, denominator = trust_level
            quorum = Rule.more_than(numerator, denominator)
        except (TypeError, ValueError):
            raise InputError("trust_level", quote(trust_level), "two integers, a share from 0 to 1") from None
        if denominator is None or denominator > INT64_MAX:
            raise InputError("trust_level", quote(trust_level), "two integers of 64 bits, a share from 0 to 1")
        return cls(of_chain, mode, quorum, int(numerator), chain_id, threads)

    def needed(self, validators: ValidatorSet) -> int:
        """Power that a quorum of this set has; InputError where the product has no place in the chain's integers."""
        if self.numerator * validators.total > INT64_MAX:
            raise InputError("trust_level", f"a numerator of {self.numerator}", "one that the total power fits with")
        return self.quorum.needed(validators.total)


def _sets(validators: Any, n: int, chain: str, form: str) -> list[ValidatorSet]:
    """One set for all headers, or one for each."""
    if isinstance(validators, (list, tuple)) and validators and all(isinstance(v, ValidatorSet) for v in validators):
        if len(validators) != n:
            raise LengthError("validators", f"{len(validators)} sets", f"one, or {n}, as many as signed_headers")
        sets = list(validators)
    else:
        sets = [
            validators
            if isinstance(validators, ValidatorSet)
            else ValidatorSet.read(validators, chain=chain, form=form)
        ]
    for one in sets:
        if one.chain != chain:
            raise InputError("validators", f"a set of {one.chain!r}", f"one of {chain!r}")
        if not len(one):
            raise InputError("validators", "an empty set", "at least one validator")
    return sets


def _chunks(items: Sequence[Any]) -> list[tuple[int, int]]:
    """Ranges of items that are judged together: memory stays bounded, and calls stay large."""
    found, first, size = [], 0, 0
    for i, item in enumerate(items):
        size += len(item) if isinstance(item, (bytes, bytearray, memoryview, str)) else 0
        if i + 1 - first >= _CHUNK or size >= _CHUNK_BYTES:
            found.append((first, i + 1))
            first, size = i + 1, 0
    if first < len(items):
        found.append((first, len(items)))
    return found


def _width(validators: ValidatorSet) -> int:
    return int(validators.address_rows.shape[1])


def _chunk(asked: _Asked, sets: Sequence[ValidatorSet], items: Sequence[Any], form: str) -> list[CommitReport]:
    """Reads and judges some headers: those in protobuf together, what is odd among them and all others one by one."""
    reports: list[CommitReport | None] = [None] * len(items)
    wire = [i for i, item in enumerate(items) if form == "wire" and isinstance(item, (bytes, bytearray, memoryview))]
    if wire:
        columns = asked.rules.read_commits([bytes(items[i]) for i in wire], asked.threads)
        part = sets if len(sets) == 1 else [sets[i] for i in wire]
        for i, usual, found in zip(wire, columns.usual.tolist(), _judged(asked, part, columns), strict=True):
            reports[i] = found if usual else None
    read: dict[int, SignedHeader] = {}
    for i, report in enumerate(reports):
        if report is None:
            try:
                item = items[i]
                read[i] = item if isinstance(item, SignedHeader) else asked.rules.read_signed_header(item, form)
            except InputError as error:
                reports[i] = _unreadable(asked, error)
    if read:
        part = sets if len(sets) == 1 else [sets[i] for i in read]
        headers = list(read.values())
        columns = CommitColumns.of(headers, _width(sets[0]))
        for i, report in zip(read, _judged(asked, part, columns, [one.faults for one in headers]), strict=True):
            reports[i] = report
    return reports  # type: ignore[return-value]


def _names(asked: _Asked) -> list[str]:
    """Checks of the mode."""
    trusting = asked.mode in TRUSTING
    without = {"validators_hash", "size", "addresses"} if trusting else {"double_votes"}
    if asked.chain_id is None:
        without = without | {"chain_id"}
    return [name for name in _CHECKS if name not in without]


def _unreadable(asked: _Asked, error: InputError) -> CommitReport:
    first = Check("structure", False, error.got, error.wanted, f"{error.field} cannot be read")
    others = (Check(name, None, detail="the record cannot be read") for name in _names(asked)[1:])
    return CommitReport(chain=asked.rules.chain, rules="strict", checks=(first, *others), mode=asked.mode)


# ---- judging ---------------------------------------------------------------------------------------------------------


def _judged(
    asked: _Asked,
    sets: Sequence[ValidatorSet],
    columns: CommitColumns,
    faults: Sequence[tuple[str, ...]] | None = None,
) -> list[CommitReport]:
    """A report for every record; of those that are not usual it means nothing.

    Most commits of a chain are signed alike: what was decided for the same votes of a set is not decided again.
    """
    votes, starts = judged_votes(asked.mode, sets, [asked.needed(one) for one in sets], columns, asked.threads)
    octets, width, bounds = votes.tobytes(), VOTE.itemsize, starts.tolist()
    question = f"{asked.mode}, {asked.quorum}"
    heights, commit_heights, sizes = columns.heights.tolist(), columns.commit_heights.tolist(), columns.sizes.tolist()
    found = []
    for i, height in enumerate(heights):
        validators, first, last = sets[0] if len(sets) == 1 else sets[i], bounds[i], bounds[i + 1]
        key = (question, sizes[i], octets[first * width : last * width])
        ruling = validators.rulings.get(key)
        if ruling is None:
            ruling = _ruling(asked, validators, sizes[i], votes[first:last])
            validators.rulings.put(key, ruling)
        checks = [_structure(faults[i]) if faults else _SOUND]
        if asked.chain_id is not None:
            checks.append(_same("chain_id", columns.chain_ids[i], asked.chain_id))
        if asked.mode not in TRUSTING:
            checks.append(_validators_hash(columns.validators_hashes[i], validators))
        checks.append(_same("header_hash", columns.claimed_hashes[i], columns.hashes[i]))
        checks.append(_same("commit_height", commit_heights[i], height))
        checks += _remarked(asked.rules, columns, i, ruling.checks)
        found.append(
            CommitReport(
                chain=asked.rules.chain, rules="strict", checks=tuple(checks), mode=asked.mode,
                chain_id=columns.chain_ids[i], height=height, block_hash=columns.hashes[i], decision=ruling.decision,
                positions=ruling.positions, verdicts=ruling.verdicts,
            )
        )  # fmt: skip
    return found


# ---- reporting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What follows from the votes of a commit: the checks from `size` or `double_votes` on."""

    checks: tuple[Check, ...]
    decision: Decision
    positions: NDArray[np.int64]
    verdicts: Verdicts


_SOUND = Check("structure", True)


def _structure(faults: Sequence[str]) -> Check:
    if not faults:
        return _SOUND
    return Check("structure", False, f"{len(faults)} faults", "none", "; ".join(faults[:4]))


def _validators_hash(got: bytes, validators: ValidatorSet) -> Check:
    try:
        return _same("validators_hash", got, validators.hash)
    except InputError as error:
        return Check("validators_hash", None, got, detail=f"no hash of this set: {error.got}")


def _remarked(rules: ConsensusRules, columns: CommitColumns, i: int, checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks; where signatures of record i do not hold, with what its chain has to tell about what they sign."""
    failed = [k for k, check in enumerate(checks) if check.name == "signatures" and check.ok is False]
    tell = getattr(rules, "remark", None)
    if not failed or tell is None:
        return checks
    first, last = columns.starts[i : i + 2].tolist()
    messages, _ = columns.signed(np.arange(first, min(last, first + _REMARKED), dtype=np.int64))
    remark = tell(list(messages))
    return tuple(
        replace(check, detail=f"{check.detail}; {remark}") if remark and k in failed else check
        for k, check in enumerate(checks)
    )


def _same(name: str, got: Any, wanted: Any) -> Check:
    return Check(name, got == wanted, got, wanted)


def _ruling(asked: _Asked, validators: ValidatorSet, size: int, votes: NDArray[Any]) -> _Ruling:
    """Of one commit with so many slots; votes: VOTE (k,)."""
    trusting, looked_at = asked.mode in TRUSTING, len(votes)
    slots, voters, codes = votes["slot"].astype(np.int64), votes["voter"].tolist(), votes["code"].tolist()
    claims = [True if kind == FOR_CLAIM else None for kind in votes["kind"].tobytes()]
    bad, unknown, flaws, lost = _blemishes(validators, votes, voters, codes)
    objections = [f"the signature in slot {slots[i]}: {flaws[i]}" for i in bad] + lost
    ours = trusting or size == len(validators)
    if not ours:
        objections.append(_NOT_OURS)
    repeats = Repeat.REFUSED if trusting else Repeat.IGNORED
    count = tally_columns(voters, claims, flaws, validators.electorate, repeats=repeats)
    decision = decide(count, asked.quorum, True, objections=objections)
    if trusting:
        doubled = [f"slots {slots[a]} and {slots[b]} are by one validator" for a, b in count.refused]
        checks = [_compared("double_votes", len(doubled), 0, _some(doubled))]
    else:
        checks = [_compared("size", size, len(validators))]
    if ours:
        if not trusting:
            checks.append(_compared("addresses", looked_at - len(lost), looked_at, _some(lost)))
        detail = _some([f"slot {slots[i]}: {flaws[i]}" for i in bad or unknown])
        if unknown and not bad:
            checks.append(Check("signatures", None, looked_at - len(unknown), looked_at, detail))
        else:
            checks.append(_compared("signatures", looked_at - len(bad) - len(unknown), looked_at, detail))
    else:
        checks += [Check(name, None, detail=_NOT_OURS) for name in ("addresses", "signatures")]
    more = sum(validators.validators[voter].power for voter in {voters[i] for i in unknown if claims[i]})
    checks.append(_quorum(more, decision))
    verdicts = Verdicts.of_kernel(votes["code"].astype(np.uint8))
    slots.flags.writeable = False  # commits that are signed alike share it
    return _Ruling(tuple(checks), decision, slots, verdicts)


def _blemishes(
    validators: ValidatorSet, votes: NDArray[Any], voters: list[int], codes: list[int]
) -> tuple[list[int], list[int], list[str], list[str]]:
    """Bad signatures and those that cannot be checked, as rows of votes; what is wrong with each vote, "" for nothing;
    and in words those with another address than their slot's."""
    if codes.count(_VALID) == len(codes):
        bad, unknown, flaws = [], [], [""] * len(codes)
    else:
        bad = [i for i, code in enumerate(codes) if code not in (_VALID, _UNSUPPORTED)]
        unknown = [i for i, code in enumerate(codes) if code == _UNSUPPORTED]
        flaws = [_flaw(validators, voter, code) for voter, code in zip(voters, codes, strict=True)]
    fits = votes["fits"]
    lost = (
        []
        if fits.all()
        else [f"slot {slot} has the address of somebody else" for slot in votes["slot"][~fits].tolist()]
    )
    return bad, unknown, flaws, lost


@lru_cache(maxsize=1024)
def _compared(name: str, got: int, wanted: int, detail: str = "") -> Check:
    """Checks are values: commits that are signed alike share them."""
    return Check(name, got == wanted, got, wanted, detail)


def _quorum(more: int, decision: Decision) -> Check:
    """Open where signatures that cannot be checked, with a power of `more`, would make the difference."""
    if more and not decision.reached and not decision.objections and decision.got + more >= decision.needed:
        detail = f"a power of {more} behind signatures that cannot be checked"
        return Check("quorum", None, decision.got, decision.needed, detail)
    return Check("quorum", decision.reached, decision.got, decision.needed, _some(decision.objections))


def _flaw(validators: ValidatorSet, voter: int, code: int) -> str:
    if code == _VALID:
        return ""
    if code == _UNSUPPORTED:
        return f"{validators.validators[voter].scheme} cannot be checked here"
    return Verdict(code).name


def _some(texts: Sequence[str]) -> str:
    """The first few."""
    if not texts:
        return ""
    return "; ".join(texts[:3]) + (f"; and {len(texts) - 3} more" if len(texts) > 3 else "")
