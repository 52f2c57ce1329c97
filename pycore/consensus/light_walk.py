"""From a trusted block to a later one: by bisection, or height by height; and back by hashes.

The blocks on the way come from one source. Each walk spends from an :class:`Allowance`, so that no provider keeps a
client busy for longer than its owner allows.
"""

from __future__ import annotations

from pycore.consensus.light_providers import ProviderFault, Source
from pycore.consensus.light_rules import (
    LightOptions,
    LightReport,
    LightVerdict,
    TrustedState,
    verify_backwards,
    verify_light,
)
from pycore.consensus.votes import LightBlock
from pycore.errors import LightClientError

__all__ = ["Allowance", "walk", "walk_back"]

_NEAR, _FAR = 9, 16
"""Where the next block is asked for: at 9/16 of the way. Past the middle, because the middle of what is left after a
success is often known already."""


class Allowance:
    """How many blocks may still be asked for and verified."""

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def spend(self) -> None:
        """One block. LightClientError("allowance") where nothing is left."""
        self._left -= 1
        if self._left < 0:
            raise LightClientError("allowance", f"more than {self._most} blocks would be needed")


def walk(
    source: Source,
    trusted: LightBlock,
    target: LightBlock,
    options: LightOptions,
    now_ns: int,
    allowance: Allowance,
    *,
    threads: int | None = None,
) -> list[LightBlock]:
    """Blocks that lead from the trusted one to the target, both included; each is verified by the one before.

    Raises:
        ProviderFault: the source does not give a block that is needed, or one that does not follow.
        LightClientError: "expired", a trusted header is too old; "allowance".
    """
    trace = [trusted]
    ahead = [target]  # not verified yet, the furthest first
    at = 0
    while True:
        if options.sequential and ahead[at].height > trace[-1].height + 1:
            allowance.spend()
            ahead.append(source.ask(trace[-1].height + 1))
            at = len(ahead) - 1
        allowance.spend()
        block = ahead[at]
        report = verify_light(TrustedState.of(trace[-1]), block, options, now_ns, threads=threads)
        if report.verdict is LightVerdict.SUCCESS:
            trace.append(block)
            if at == 0:
                return trace
            del ahead[at:]
            at = 0
        elif report.verdict is LightVerdict.NOT_ENOUGH_TRUST:
            at += 1
            if at == len(ahead):
                low, high = trace[-1].height, block.height
                ahead.append(source.ask(low + (high - low) * _NEAR // _FAR))
        else:
            raise refusal(source, report)


def walk_back(source: Source, trusted: LightBlock, target: LightBlock, allowance: Allowance) -> None:
    """Return if the target is on the chain of the trusted block, which is higher: by every header between the two.

    Raises as :func:`walk`, never "expired".
    """
    after = trusted.signed_header
    while after.height > target.height:
        allowance.spend()
        block = target if after.height == target.height + 1 else source.ask(after.height - 1)
        report = verify_backwards(after, block)
        if report.verdict is not LightVerdict.SUCCESS:
            raise refusal(source, report)
        after = block.signed_header


def refusal(source: Source, report: LightReport) -> Exception:
    """The error for a step that failed."""
    if report.verdict is LightVerdict.EXPIRED:
        return LightClientError("expired", report.reason, height=report.trusted_height, report=report)
    kind = "future" if report.failed[0].name == "clock_drift" else "invalid"
    return ProviderFault(source.name, kind, report.reason, height=report.height, report=report)
