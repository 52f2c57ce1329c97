"""Whether evidence holds: every condition by itself, as a report (evidence/verify.go, types/evidence.go).

The other side of each comparison is trusted already: the validators and the time of the block at the evidence's
height, and for an attack on light clients the chain's own header and commit at the conflicting height. A conflicting
block whose validators are out of order, there twice or without power is refused here, though CometBFT takes its set as
listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pycore.base.report import Check, Report
from pycore.consensus.commits import verify_certificate
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.errors import InputError
from pycore.ledgers.cometbft import consensus, hashes, signbytes, structure
from pycore.ledgers.cometbft.evidence import byzantine_validators, is_lunatic, kind_of
from pycore.ledgers.cometbft.messages import DuplicateVote, Evidence, LightBlock, LightClientAttack, SignedHeader

NOBODY = "nobody is named: CometBFT refuses that, once the evidence has been through protobuf"
_NO_TIME = "the time of the block at the evidence's height is not known"


def height_of(value: Evidence) -> int:
    """The height that evidence is about: of the votes, or of the last block that both histories have."""
    return value.first.height if isinstance(value, DuplicateVote) else value.common_height


def is_expired(value: Evidence, *, height: int, time_ns: int, max_age_blocks: int, max_age_ns: int) -> bool:
    """Whether evidence is too old for a block after the one of this height and time: by blocks and by time, both."""
    return time_ns - value.time_ns > max_age_ns and height - height_of(value) > max_age_blocks


def check_duplicate_vote(
    value: DuplicateVote, validators: ValidatorSet, chain_id: str, *, time_ns: int | None = None, rules: str = "strict"
) -> Report:
    """Two votes of one validator.

    validators  of the votes' height         time_ns  of the block of that height; None: not known, and skipped

    The checks: structure, same_vote (height, round, type and validator), conflict (of the blocks), time, validator,
    power, total_power, signatures.
    """
    first, second = value.first, value.second
    checks = [_structure(structure.duplicate_vote_faults(value))]
    places = [(one.height, one.round, one.type, one.address.hex()) for one in (first, second)]
    checks.append(Check("same_vote", places[0] == places[1], str(places[1]), str(places[0])))
    checks.append(Check("conflict", first.block_id != second.block_id, second.block_id.hash, first.block_id.hash,
                        "" if first.block_id != second.block_id else "both votes are for one block"))  # fmt: skip
    checks.append(_time(value, time_ns))
    position = validators.index(first.address)
    checks.append(Check("validator", position is not None, first.address, None,
                        "" if position is not None else "not a validator at that height"))  # fmt: skip
    if position is not None:
        power = validators.validators[position].power
        checks.append(Check("power", value.power == power, value.power, power))
    checks.append(Check("total_power", value.total_power == validators.total, value.total_power, validators.total))
    checks.append(_signatures(value, validators, position, chain_id))
    return Report("cometbft", rules, tuple(checks))


def _signatures(value: DuplicateVote, validators: ValidatorSet, position: int | None, chain_id: str) -> Check:
    if position is None:
        return Check("signatures", False, None, None, "no key to verify them with")
    votes = (value.first, value.second)
    verdicts = validators.verify(
        [position] * 2, [one.signature for one in votes], [signbytes.vote(chain_id, one) for one in votes]
    )
    scheme = validators.validators[position].scheme
    if scheme in validators.unbuilt:
        return Check("signatures", None, None, 2, f"signatures of {scheme} are not checked here")
    good = int(verdicts.valid.sum())
    wrong = [f"vote_{'ab'[i]}: {one.name}" for i, one in enumerate(verdicts) if not verdicts.valid[i]]
    return Check("signatures", good == 2, good, 2, ", ".join(wrong))


def check_attack(
    value: LightClientAttack,
    common: LightBlock,
    trusted: SignedHeader,
    *,
    nil_counts: bool = False,
    rules: str = "strict",
) -> Report:
    """A block that light clients were shown.

    common      the chain's own light block at the common height
    trusted     the chain's own header and commit at the conflicting block's height, or its latest where it is not that
                high yet
    nil_counts  as for :func:`pycore.ledgers.cometbft.evidence.byzantine_validators`

    Rules "compatible" take evidence that names nobody, where nobody can be named: of every amnesia attack. CometBFT
    makes such evidence and refuses it where it arrives (evidence/verify.go, validateABCIEvidence, as read in public
    copies of the code and as it answers); so does "strict".

    The checks: structure, common_height, time, trust (more than a third of the common validators signed; where the
    heights differ) or header (what the state decides is the chain's own; where they do not), commit (more than two
    thirds of the validators that it lists signed, every signature for it holds), total_power, conflict, byzantine.
    """
    shown, own = value.conflicting.signed_header, common.signed_header.header
    faults = structure.attack_faults(value)
    checks = [_structure(faults)]
    checks.append(Check("common_height", value.common_height == own.height, value.common_height, own.height))
    checks.append(_time(value, own.time_ns))
    held = _held(common, "common")
    chain_id = trusted.header.chain_id
    if own.height != shown.header.height:
        checks.append(_signed("trust", held, shown, chain_id, "trusting-all"))
    else:
        lunatic = is_lunatic(shown.header, trusted.header)
        checks.append(Check("header", not lunatic, shown.header.app_hash, trusted.header.app_hash,
                            "another state than the chain's own at one height" if lunatic else ""))  # fmt: skip
    checks.append(_signed("commit", _held(value.conflicting, "conflicting_block"), shown, chain_id, "all"))
    total = sum(one.power for one in common.validators.validators)
    checks.append(Check("total_power", value.total_power == total, value.total_power, total))
    checks.append(_conflict(shown, trusted))
    checks.append(_byzantine(value, common, trusted, nil_counts, rules))
    return Report("cometbft", rules, tuple(checks))


def _structure(faults: list[str]) -> Check:
    return Check("structure", not faults, None, None, "; ".join(faults[: structure.MAX_FAULTS]))


def _time(value: Evidence, time_ns: int | None) -> Check:
    if time_ns is None:
        return Check("time", None, value.time_ns, None, _NO_TIME)
    return Check("time", value.time_ns == time_ns, value.time_ns, time_ns)


def _held(block: LightBlock, name: str) -> ValidatorSet | InputError:
    rows = block.validators.validators
    try:
        held = _set(rows)
    except InputError as error:
        return InputError(f"{name}.{error.field}", error.got, error.wanted)
    if held.addresses != tuple(one.address for one in rows):
        return InputError(f"{name}.validators", "another order", "by power, then by address")
    return held


@lru_cache(maxsize=4)
def _set(validators: tuple[Validator, ...]) -> ValidatorSet:
    """The set; that of the common block is asked for with every piece of evidence."""
    return ValidatorSet(validators)


def _signed(name: str, held: ValidatorSet | InputError, shown: SignedHeader, chain_id: str, mode: str) -> Check:
    """Whether enough of a set signed, by the name of the chain that the evidence is for."""
    if isinstance(held, InputError):
        return Check(name, False, None, None, str(held))
    report = verify_certificate(held, consensus.certificate(chain_id, shown.commit), mode=mode)
    wrong = [*report.failed, *report.skipped]
    got, needed = (report.decision.got, report.decision.needed) if report.decision else (None, None)
    ok = False if report.failed else None if wrong else True
    return Check(name, ok, got, needed, "; ".join(map(str, wrong)))


def _conflict(shown: SignedHeader, trusted: SignedHeader) -> Check:
    """Two headers of one height; or one above the chain's latest whose time is not after that one's."""
    heights = shown.header.height, trusted.header.height
    if heights[0] < heights[1]:  # two blocks of different heights contradict nothing
        return Check("conflict", False, *heights, "the trusted header is of a later height than the conflicting block")
    times = shown.header.time_ns, trusted.header.time_ns
    if shown.header.height > trusted.header.height and times[0] > times[1]:
        return Check("conflict", False, *times, "a block above the chain's latest, and its time is after that one's")
    ours, theirs = hashes.header_hash(trusted.header), hashes.header_hash(shown.header)
    return Check("conflict", ours != theirs, theirs, ours, "" if ours != theirs else "it is the chain's own block")


def _byzantine(
    value: LightClientAttack, common: LightBlock, trusted: SignedHeader, nil_counts: bool, rules: str
) -> Check:
    wanted = byzantine_validators(value.conflicting, common.validators.validators, trusted, nil_counts=nil_counts)
    got, right = _listed(value.byzantine), _listed(wanted)
    swapped = [fault for one in value.byzantine for fault in structure.address_faults(one)]
    if not wanted and not value.byzantine and rules == "strict":
        return Check("byzantine", False, got, right, NOBODY)
    if got == right and not swapped:
        return Check("byzantine", True, got, right)
    kind = kind_of(value.conflicting.signed_header, trusted)
    return Check("byzantine", False, got, right, swapped[0] if swapped else f"of an attack by {kind}")


def _listed(validators: Sequence[Validator]) -> str:
    return ", ".join(f"{one.address.hex()}: {one.power}" for one in validators)
