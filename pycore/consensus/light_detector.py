"""Whether witnesses know the same chain as the primary; where one knows another that verifies as well, evidence.

A header that enough of the trusted validators signed is what a light client believes. If more than a third of them are
dishonest they can sign two. So the last header of a verified trace is compared with what witnesses have. One that has
another must show how it follows from what both have: then there is proof of an attack, for whoever punishes it. If it
cannot, it is dropped.

Proposer priorities, which no header commits to, are not compared: nothing here uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pycore.consensus.chains import rules
from pycore.consensus.light_providers import ProviderFault, Source
from pycore.consensus.light_rules import LightOptions
from pycore.consensus.light_walk import Allowance, walk
from pycore.consensus.votes import LightBlock
from pycore.errors import AttackDetected, LightClientError

__all__ = ["Comparison", "compare", "compare_root"]


@dataclass
class Comparison:
    """The witnesses' answers about a block.

    agreed  witnesses that have the same one
    silent  faults of those that have none, or are late, or fail
    lied    faults of those that gave something that no honest node gives
    """

    agreed: list[Source] = field(default_factory=list)
    silent: list[ProviderFault] = field(default_factory=list)
    lied: list[ProviderFault] = field(default_factory=list)


def compare(
    trace: Sequence[LightBlock],
    primary: Source,
    witnesses: Sequence[Source],
    options: LightOptions,
    now_ns: int,
    allowance: Callable[[], Allowance],
    *,
    threads: int | None = None,
) -> Comparison:
    """Compare the last block of a verified trace with what witnesses have.

    Args:
        trace: from :func:`pycore.consensus.light_walk.walk`: a trusted block, then at least one more.
        primary: where the trace is from.
        witnesses: others; all are asked at the same time.
        options, now_ns, threads: as for the walk.
        allowance: makes one for every further walk.

    Raises:
        AttackDetected: two chains verify; each side is told of the evidence against the other.
        LightClientError: "conflict", a witness has another block and became silent when asked how it follows.
    """
    target, found = trace[-1], Comparison()
    for witness, answer in [(witness, witness.ask_later(target.height)) for witness in witnesses]:
        try:
            block = _answer_or_latest(witness, answer, target)
        except ProviderFault as fault:
            (found.lied if fault.lied else found.silent).append(fault)
            continue
        if block.hash == target.hash:
            found.agreed.append(witness)
            continue
        try:
            theirs, ours = _fork(trace, block, witness, options, now_ns, allowance(), threads)
        except ProviderFault as fault:
            if not fault.lied:
                text = f"{witness.name} has another block, {block.hash.hex()}, and then: {fault}"
                raise Unresolved(witness, text, block.height) from fault
            found.lied.append(fault)
            continue
        except LightClientError as error:  # it leads further than anybody has to follow
            found.lied.append(ProviderFault(witness.name, "invalid", str(error), height=block.height))
            continue
        raise _attack(primary, witness, theirs, ours, options, now_ns, allowance(), threads)
    return found


class Unresolved(LightClientError):  # noqa: N818 - a named outcome
    """A witness contradicts the primary and does not answer any more: its name is `witness`."""

    def __init__(self, witness: Source, detail: str, height: int) -> None:
        super().__init__("conflict", detail, height=height)
        self.witness = witness.name


def compare_root(block: LightBlock, witnesses: Sequence[Source]) -> Comparison:
    """Compare a block that its owner vouches for. LightClientError("conflict"): a witness has another one."""
    found = Comparison()
    for witness, answer in [(witness, witness.ask_later(block.height)) for witness in witnesses]:
        try:
            theirs = answer()
        except ProviderFault as fault:
            (found.lied if fault.lied else found.silent).append(fault)
            continue
        if theirs.hash != block.hash:
            text = f"{witness.name} has {theirs.hash.hex()}, not {block.hash.hex()}"
            raise LightClientError("conflict", text, height=block.height)
        found.agreed.append(witness)
    return found


def _answer_or_latest(witness: Source, answer: Callable[[], LightBlock], target: LightBlock) -> LightBlock:
    """The witness's block of the target's height, or a lower one that contradicts the target by its time.

    Where a chain's last block is later than a block said to come after it, one of the two is made up.
    """
    try:
        return answer()
    except ProviderFault as fault:
        if fault.kind != "missing":
            raise
    latest = witness.ask(0)
    if latest.height >= target.height:
        return latest if latest.height == target.height else witness.ask(target.height)
    if latest.signed_header.time_ns < target.signed_header.time_ns:
        raise ProviderFault(witness.name, "missing", f"its last block is {latest.height}", height=target.height)
    return latest


def _fork(
    trace: Sequence[LightBlock],
    claimed: LightBlock,
    source: Source,
    options: LightOptions,
    now_ns: int,
    allowance: Allowance,
    threads: int | None,
) -> tuple[list[LightBlock], LightBlock]:
    """Where a source's chain leaves a trace: its own trace from the last block that both have, and the trace's block
    that it contradicts. ProviderFault: its chain does not verify, or does not leave the trace.
    """
    if claimed.height < trace[0].height:
        raise ProviderFault(source.name, "invalid", "its block is below what both trust", height=claimed.height)
    shared = trace[0] if claimed.height == trace[0].height else source.ask(trace[0].height)
    if shared.hash != trace[0].hash:
        raise ProviderFault(source.name, "invalid", "it does not have the trusted block", height=shared.height)
    path = [shared]
    for block in trace[1:]:
        ends = block.height > claimed.height  # its chain ends here, although later in time
        theirs = claimed if ends or block.height == claimed.height else source.ask(block.height)
        if theirs.height > shared.height:
            path = walk(source, shared, theirs, options, now_ns, allowance, threads=threads)
        if ends or theirs.hash != block.hash:
            return path, block
        shared = theirs
    raise ProviderFault(source.name, "invalid", "its chain is that of the others after all", height=claimed.height)


def _attack(
    primary: Source,
    witness: Source,
    theirs: Sequence[LightBlock],
    ours: LightBlock,
    options: LightOptions,
    now_ns: int,
    allowance: Allowance,
    threads: int | None,
) -> AttackDetected:
    """Evidence against either side, given to the other. Who is right is not for a light client to say."""
    evidence = {primary.name: _evidence(ours, theirs[-1], theirs[0])}
    witness.report(evidence[primary.name])
    try:
        back, block = _fork(theirs, ours, primary, options, now_ns, allowance, threads)
        evidence[witness.name] = _evidence(block, back[-1], back[0])
        primary.report(evidence[witness.name])
    except (ProviderFault, LightClientError):
        pass  # the primary does not defend itself; the evidence against it stands
    error = AttackDetected(
        "attack",
        f"{primary.name} has the block {ours.hash.hex()} and {witness.name} has {theirs[-1].hash.hex()}",
        height=ours.height,
    )
    error.evidence = evidence
    return error


def _evidence(conflicting: LightBlock, trusted: LightBlock, common: LightBlock) -> bytes:
    """In the chain's own form."""
    return rules(conflicting.validators.chain).attack_evidence(conflicting, common, trusted)
