"""Whether a light block follows from a trusted one: conditions as pure functions of their arguments.

Nothing here asks anybody, keeps anything or reads a clock: what is trusted, the new block and the time are arguments.
A report lists the conditions in the order in which they are looked at. Those that cost nothing come first, then whether
enough of the *trusted* validators signed, and the new block's own validators last: anybody can make up as many of those
as they please. A condition that is not reached is in the report all the same, skipped, with the reason.

The order decides the verdict where several conditions fail. With the trusted validators first, a block that lacks
their signatures and those of its validators is NOT_ENOUGH_TRUST, as in CometBFT's light package (0.34 to 1.0) and in
the model-based test data of tendermint-rs; the other way round it would be INVALID.

:func:`verify_adjacent`, for the next height:

    a  trusting_period     the trusted header is not older than the trusting period       EXPIRED
    b  chain_id            both are of one chain                                          INVALID, as all below
    c  height              the new height is the trusted one plus 1
    d  time                the new header is later than the trusted one
    e  clock_drift         the new header is not further in the future than clocks drift
    f  structure           header and commit are well-formed by themselves
    g  commit_height       the commit is for the header's height
    h  header_hash         the commit is for the header, whose hash is recomputed
    i  size                the commit has one slot for each validator
    j  validators_hash     the validators are those that the header names
    k  next_validators     they are those that the trusted header named as the next ones
    o  addresses           every signature that is needed has the address of its validator
    p  signatures          every signature that is needed verifies
    q  quorum              more than two thirds of the power signed

:func:`verify_skipping`, for a height further ahead, with a to j and o to q, and instead of k:

    l  double_votes        no trusted validator signed twice, among the signatures that are counted
    m  trust               trusted validators with more than the trust level of their power are said to have signed:
                           NOT_ENOUGH_TRUST where they are not. This is counting and costs next to nothing
    n  trust_signatures    and so they have: every signature that is needed verifies

:func:`verify_backwards`, for the height before, where a header's hash is named by the next header and no signature is
needed: b, `height` (the trusted one minus 1), `time` (earlier than the trusted one), f to j, and

    r  previous_hash       the trusted header names the new one as the block before

A trusted header does not grow too old for that: hashes do not expire.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pycore.base.columns import quote
from pycore.base.report import Check, Report
from pycore.consensus.commits import verify_commit
from pycore.consensus.quorum import Rule, decide, tally
from pycore.consensus.votes import FOR_CLAIM, LightBlock, SignedHeader
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pycore.consensus.validators import ValidatorSet

__all__ = [
    "LightOptions",
    "LightReport",
    "LightVerdict",
    "TrustedState",
    "advance",
    "verify_adjacent",
    "verify_backwards",
    "verify_light",
    "verify_root",
    "verify_skipping",
]

SECOND = 1_000_000_000
"""Nanoseconds."""
MAX_DENOMINATOR = 1000
"""Of a trust level."""
MAX_STEPS = 10_000
"""The most light blocks of one :func:`advance`."""
_OWN = ("addresses", "signatures", "quorum")


class LightVerdict(Enum):
    """What follows for the new block."""

    SUCCESS = "success"
    """It is to be trusted as the trusted one is."""
    NOT_ENOUGH_TRUST = "not enough trust"
    """It may be sound, but too few of the trusted validators signed it: a block between the two may bridge the gap."""
    EXPIRED = "expired"
    """The trusted header is too old to vouch for anything; this says nothing about the new one."""
    INVALID = "invalid"
    """No sound chain has it, or not after the trusted one."""


@dataclass(frozen=True, slots=True)
class LightOptions:
    """How much is asked of a new block. Durations are nanoseconds.

    trusting_period_ns   for how long after its time a header may vouch for others; well below the chain's unbonding
                         period
    trust_level          (numerator, denominator), from 1/3 up to 1: more than this share of the trusted power must have
                         signed a block that is not adjacent
    max_clock_drift_ns   how far a new header's time may be ahead of `now_ns`
    sequential           never skip: every block must be adjacent to the one before

    InputError: a period that is not positive, a level outside its range, a negative drift.
    """

    trusting_period_ns: int
    trust_level: tuple[int, int] = (1, 3)
    max_clock_drift_ns: int = 10 * SECOND
    sequential: bool = False

    def __post_init__(self) -> None:
        _whole("trusting_period_ns", self.trusting_period_ns, 1)
        _whole("max_clock_drift_ns", self.max_clock_drift_ns, 0)
        level: Any = self.trust_level
        if not isinstance(level, tuple) or len(level) != 2 or {type(level[0]), type(level[1])} != {int}:
            raise InputError("trust_level", quote(level), "two integers, numerator and denominator")
        numerator, denominator = level
        if not 0 < denominator <= MAX_DENOMINATOR or not denominator <= 3 * numerator <= 3 * denominator:
            wanted = f"a fraction from 1/3 up to 1, with a denominator of at most {MAX_DENOMINATOR}"
            raise InputError("trust_level", f"{numerator}/{denominator}", wanted)
        if not isinstance(self.sequential, bool):
            raise InputError("sequential", quote(self.sequential), "True or False")


@dataclass(frozen=True, eq=False)
class TrustedState:
    """A header that is trusted, and validators whose signatures count because of it.

    signed_header  the header; its commit may serve as evidence later
    validators     those of its height or those of the next, as the header names both; the next ones are the nearer
                   to any later block

    InputError: validators whose hash the header does not name.
    """

    signed_header: SignedHeader
    validators: ValidatorSet

    def __post_init__(self) -> None:
        header = self.signed_header
        _check_type("signed_header", header, SignedHeader)
        named = (header.validators_hash, header.next_validators_hash)
        if self.validators.hash not in named:
            wanted = f"{named[0].hex()} or {named[1].hex()}, which the trusted header names"
            raise InputError("validators", f"a set with the hash {self.validators.hash.hex()}", wanted)

    @classmethod
    def of(cls, block: LightBlock) -> TrustedState:
        """A light block as what is trusted."""
        return cls(block.signed_header, block.validators)

    @classmethod
    def read(cls, data: Any, *, chain: str = "cometbft", form: str = "wire") -> TrustedState:
        """From the chain's form of a light block. InputError: `data` is nothing of the kind."""
        return cls.of(LightBlock.read(data, chain=chain, form=form))

    def to_bytes(self) -> bytes:
        """The chain's protobuf form of a light block."""
        return LightBlock(self.signed_header, self.validators).to_bytes()

    @property
    def chain_id(self) -> str:
        """Of the header."""
        return self.signed_header.chain_id

    @property
    def height(self) -> int:
        """Of the header."""
        return self.signed_header.height

    @property
    def time_ns(self) -> int:
        """Of the header, Unix nanoseconds."""
        return self.signed_header.time_ns

    @property
    def hash(self) -> bytes:
        """Of the header."""
        return self.signed_header.hash


@dataclass(frozen=True, kw_only=True)
class LightReport(Report):
    """The conditions of one step, in order; of :func:`advance` those of its last step.

    verdict         what follows
    trusted_height  of the header that was trusted before
    height          of the new one
    steps           of :func:`advance`: the report of every step
    """

    verdict: LightVerdict
    trusted_height: int
    height: int
    steps: tuple[LightReport, ...] = ()

    @property
    def reason(self) -> str:
        """The first condition that failed, in words; "" where none did."""
        return str(self.failed[0]) if self.failed else ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found = {**super().to_dict(), "verdict": self.verdict.value}
        found |= {"trusted_height": self.trusted_height, "height": self.height}
        return {**found, "steps": [step.to_dict() for step in self.steps]} if self.steps else found


# ---- one step --------------------------------------------------------------------------------------------------------


def verify_adjacent(
    trusted: TrustedState, block: LightBlock, options: LightOptions, now_ns: int, *, threads: int | None = None
) -> LightReport:
    """Whether `block` is the one after the trusted one: conditions a to k and o to q of the module.

    Args:
        trusted: what is trusted; its validators are not needed.
        block: the new block, from anybody.
        options: periods; the trust level is not needed.
        now_ns: the present time, Unix nanoseconds.
        threads: for signatures; None: as :func:`pycore.set_threads` says.

    Returns:
        The report. Trust the block where its verdict is SUCCESS, and only there.

    Raises:
        InputError: an argument of another type.
    """
    checks = _forward(trusted, block, options, now_ns, adjacent=True)
    named, own = trusted.signed_header.next_validators_hash, block.signed_header.validators_hash
    checks.append(Check("next_validators", own == named, own, named))
    _own_quorum(checks, block, threads)
    return _report(checks, trusted, block)


def verify_skipping(
    trusted: TrustedState, block: LightBlock, options: LightOptions, now_ns: int, *, threads: int | None = None
) -> LightReport:
    """Whether enough of those who are trusted signed `block`, which is two heights ahead or more.

    Conditions a to j and l to q of the module; arguments and answer as :func:`verify_adjacent`.
    """
    checks = _forward(trusted, block, options, now_ns, adjacent=False)
    if _all_hold(checks):
        checks += _claimed_trust(trusted, block, options)
    if _all_hold(checks):
        found = verify_commit(
            trusted.validators,
            block.signed_header,
            chain=trusted.validators.chain,
            mode="trusting",
            trust_level=options.trust_level,
            threads=threads,
        )
        checks.append(_whole_commit("trust_signatures", found))
    checks += _skipped(checks, ("double_votes", "trust", "trust_signatures"))
    _own_quorum(checks, block, threads)
    return _report(checks, trusted, block)


def verify_light(
    trusted: TrustedState, block: LightBlock, options: LightOptions, now_ns: int, *, threads: int | None = None
) -> LightReport:
    """:func:`verify_adjacent` for the next height and where the options say `sequential`, else :func:`verify_skipping`.

    A height that is not above the trusted one fails the condition `height` in either.
    """
    _check_call(trusted, block, options)
    adjacent = options.sequential or block.height == trusted.height + 1
    return (verify_adjacent if adjacent else verify_skipping)(trusted, block, options, now_ns, threads=threads)


def verify_backwards(trusted: TrustedState | SignedHeader, block: LightBlock) -> LightReport:
    """Whether `block` is the one before the trusted one, by its hash: conditions b, f to j and r of the module.

    The commit of `block` is not verified: nothing hangs on it.
    """
    after = trusted.signed_header if isinstance(trusted, TrustedState) else trusted
    _check_type("trusted", after, SignedHeader)
    _check_type("block", block, LightBlock)
    header = block.signed_header
    checks = [
        Check("chain_id", header.chain_id == after.chain_id, header.chain_id, after.chain_id),
        Check("height", header.height == after.height - 1, header.height, after.height - 1),
        Check("time", header.time_ns < after.time_ns, header.time_ns, f"before {after.time_ns}"),
        *structure_checks(block),
        Check("previous_hash", header.hash == after.previous_hash, header.hash, after.previous_hash),
    ]
    return _report(checks, after, block)


def verify_root(
    block: LightBlock, hash: bytes, options: LightOptions, now_ns: int, *, threads: int | None = None
) -> LightReport:
    """Whether `block` may be the first that is trusted: it has the hash that somebody vouches for.

    Its own validators must have signed it, it must not be older than the trusting period, nor from the future.
    """
    _check_type("block", block, LightBlock)
    _check_type("hash", hash, bytes)
    _check_type("options", options, LightOptions)
    header = block.signed_header
    checks = [
        Check("root_hash", header.hash == hash, header.hash, hash),
        *_times(header, header, options, now_ns),
        *structure_checks(block),
    ]
    _own_quorum(checks, block, threads)
    return _report(checks, header, block)


# ---- many steps ------------------------------------------------------------------------------------------------------


def advance(
    trusted: TrustedState,
    blocks: Iterable[LightBlock],
    options: LightOptions,
    now_ns: int,
    *,
    threads: int | None = None,
) -> tuple[TrustedState, LightReport]:
    """Move what is trusted by blocks in ascending order, each from the one before. Keeps nothing.

    Witnesses have no part in this: whoever calls it compares headers with other nodes, or trusts its validators.

    Args:
        trusted: what is trusted at first.
        blocks: from 1 to MAX_STEPS of them; the first failure ends the walk.
        options, now_ns, threads: as :func:`verify_adjacent`.

    Returns:
        The state that is trusted afterwards and the report of the last step. Where the report is not valid the state
        is that after the steps before it: a bridge can be tried from there.

    Raises:
        InputError: an argument of another type, no blocks, or too many.

    >>> advance(None, [], LightOptions(1), 0)
    Traceback (most recent call last):
    pycore.errors.InputError: trusted: got None, wanted a value of the type TrustedState
    """
    _check_type("trusted", trusted, TrustedState)
    steps: list[LightReport] = []
    for block in blocks:
        if len(steps) == MAX_STEPS:
            raise InputError("blocks", f"more than {MAX_STEPS}", f"at most {MAX_STEPS}")
        steps.append(verify_light(trusted, block, options, now_ns, threads=threads))
        if steps[-1].verdict is not LightVerdict.SUCCESS:
            break
        trusted = TrustedState.of(block)
    if not steps:
        raise InputError("blocks", "none", f"from 1 to {MAX_STEPS} light blocks")
    last = steps[-1]
    report = LightReport(
        chain=last.chain,
        rules=last.rules,
        checks=last.checks,
        verdict=last.verdict,
        trusted_height=last.trusted_height,
        height=last.height,
        steps=tuple(steps),
    )
    return trusted, report


# ---- conditions ------------------------------------------------------------------------------------------------------


def _forward(
    trusted: TrustedState, block: LightBlock, options: LightOptions, now_ns: int, *, adjacent: bool
) -> list[Check]:
    """Conditions a to j."""
    _check_call(trusted, block, options)
    before, header = trusted.signed_header, block.signed_header
    after = before.height + 1
    right = header.height == after if adjacent else header.height > after
    period, drift = _times(before, header, options, now_ns)
    return [
        period,
        Check("chain_id", header.chain_id == before.chain_id, header.chain_id, before.chain_id),
        Check("height", right, header.height, after if adjacent else f"above {after}"),
        Check("time", header.time_ns > before.time_ns, header.time_ns, f"after {before.time_ns}"),
        drift,
        *structure_checks(block),
    ]


def _times(trusted: SignedHeader, header: SignedHeader, options: LightOptions, now_ns: int) -> tuple[Check, Check]:
    """Neither is the trusted header too old, nor the new one from the future."""
    now = _whole("now_ns", now_ns, None)
    expires, latest = trusted.time_ns + options.trusting_period_ns, now + options.max_clock_drift_ns
    return (
        Check("trusting_period", expires > now, now, f"before {expires}"),
        Check("clock_drift", header.time_ns < latest, header.time_ns, f"before {latest}"),
    )


def structure_checks(block: LightBlock) -> list[Check]:
    """Conditions f to j: what a block says about itself."""
    header, validators = block.signed_header, block.validators
    certificate = header.certificate
    return [
        Check("structure", not header.faults, len(header.faults), 0, "; ".join(header.faults[:10])),
        Check("commit_height", certificate.height == header.height, certificate.height, header.height),
        Check("header_hash", b"" != header.hash == certificate.claimed_hash, certificate.claimed_hash, header.hash),
        Check("size", certificate.size == len(validators), certificate.size, len(validators)),
        Check("validators_hash", validators.hash == header.validators_hash, validators.hash, header.validators_hash),
    ]


def _claimed_trust(trusted: TrustedState, block: LightBlock, options: LightOptions) -> tuple[Check, Check]:
    """Conditions l and m: what the commit says, whether or not its signatures verify."""
    validators, certificate = trusted.validators, block.signed_header.certificate
    places = (validators.index(bytes(address)) for address in certificate.addresses)
    votes = [
        (place, certificate.claim, "")
        for place, kind in zip(places, certificate.kinds.tolist(), strict=True)
        if kind == FOR_CLAIM and place is not None
    ]
    count = tally(votes, validators.electorate)
    decision = decide(count, Rule.more_than(*options.trust_level), certificate.claim)
    # Where it is reached, the signatures are verified up to there, and so is that nobody occurs twice up to there.
    again = () if decision.reached else count.ignored
    return (
        Check(
            "double_votes", not again, len(again), 0, "" if not again else f"validator {again[0].voter} signed twice"
        ),
        Check("trust", decision.reached, decision.got, decision.needed, f"of {decision.total} trusted power"),
    )


def _own_quorum(checks: list[Check], block: LightBlock, threads: int | None) -> None:
    """Conditions o to q, where all before them hold."""
    if _all_hold(checks):
        validators = block.validators
        found = verify_commit(validators, block.signed_header, chain=validators.chain, mode="light", threads=threads)
        if {check.name for check in found.failed} <= set(_OWN):
            checks += (found.check(name) for name in _OWN)
        else:  # what was looked at before, which cannot be otherwise now
            checks.append(_whole_commit("signatures", found))
    checks += _skipped(checks, _OWN)


def _whole_commit(name: str, found: Report) -> Check:
    """The report of a commit as one check."""
    signatures = found.check("signatures")
    first = next((check for check in found if not check.ok), None)
    if first is None:
        return Check(name, True, signatures.got, signatures.wanted)
    return Check(name, first.ok, signatures.got, signatures.wanted, str(first))


def _all_hold(checks: list[Check]) -> bool:
    return all(check.ok for check in checks)


def _skipped(checks: list[Check], names: tuple[str, ...]) -> list[Check]:
    """Those of the conditions that were not reached."""
    there = {check.name for check in checks}
    first = next((check.name for check in checks if not check.ok), "")
    return [Check(name, None, detail=f"not reached: {first} does not hold") for name in names if name not in there]


def _report(checks: list[Check], trusted: TrustedState | SignedHeader, block: LightBlock) -> LightReport:
    """The verdict by the first condition that does not hold."""
    first = next((check.name for check in checks if not check.ok), "")
    verdict = {
        "": LightVerdict.SUCCESS,
        "trusting_period": LightVerdict.EXPIRED,
        "trust": LightVerdict.NOT_ENOUGH_TRUST,
    }.get(first, LightVerdict.INVALID)
    return LightReport(
        chain=block.validators.chain,
        rules="light",
        checks=tuple(checks),
        verdict=verdict,
        trusted_height=trusted.height,
        height=block.height,
    )


def _check_call(trusted: object, block: object, options: object) -> None:
    _check_type("trusted", trusted, TrustedState)
    _check_type("block", block, LightBlock)
    _check_type("options", options, LightOptions)


def _check_type(name: str, value: object, wanted: type) -> None:
    if not isinstance(value, wanted):
        raise InputError(name, quote(value), f"a value of the type {wanted.__name__}")


def _whole(name: str, value: object, lowest: int | None) -> int:
    if type(value) is not int or (lowest is not None and value < lowest):
        wanted = "an integer" if lowest is None else f"an integer of {lowest} or more"
        raise InputError(name, quote(value), wanted)
    return value
