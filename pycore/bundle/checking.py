"""Makes bundles and verifies them: the frame's own conditions first, then the chain's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pycore import ledgers
from pycore.base.columns import BytesLike
from pycore.base.report import Check
from pycore.bundle import forms
from pycore.bundle.report import BundleReport
from pycore.bundle.trust import read_trusted, rules_of
from pycore.errors import InputError
from pycore.ledgers.proof import Bundle, Proven, Statement, Trusted

AnyBundle: TypeAlias = "Bundle | BytesLike | str | Mapping[str, Any]"
AnyTrusted: TypeAlias = "Trusted | str | bytes | Path | Mapping[str, Any]"
_SHOWN = 80


def kinds() -> dict[str, tuple[str, ...]]:
    """Chains that have bundles, and the kinds of statements that each can prove.

    >>> kinds()["chainmaker"]
    ('header', 'transaction', 'event', 'state')
    """
    found = ((name, getattr(ledgers.get(name), "proofs", None)) for name in ledgers.names())
    return {name: rules.kinds for name, rules in found if rules is not None}


def verify(bundle: AnyBundle, trusted: AnyTrusted) -> BundleReport:
    """Every condition under which a bundle's claim holds for those who trust a state.

    Args:
        bundle: a Bundle, or one of its forms: a file's bytes, JSON text, its objects.
        trusted: a Trusted state, its JSON text or objects, or the Path of a file that holds it.

    Raises:
        InputError: no bundle, or no trusted state. Whatever is wrong in a bundle is a check that failed.
    """
    return _examined(forms.read(bundle), read_trusted(trusted), moving=False)[0]


def advance(bundle: AnyBundle, trusted: AnyTrusted) -> tuple[BundleReport, Trusted | None]:
    """As :func:`verify`; and the trusted state after the bundle's block, None where the bundle does not move it.

    The report also has the conditions of moving. A state moves if, and only if, the report is `proven`.
    """
    report, moved = _examined(forms.read(bundle), state := read_trusted(trusted), moving=True)
    if moved is None:
        return report, None
    if not report.proven or (moved.chain, moved.chain_id) != (state.chain, state.chain_id):
        raise RuntimeError(f"the rules of {state.chain} moved a state by a bundle that does not allow it")
    if moved.height <= state.height:
        raise RuntimeError(f"the rules of {state.chain} moved a state from {state.height} to {moved.height}")
    return report, moved


def make(chain: str, sources: Mapping[str, Any], statement: Statement, trusted: AnyTrusted) -> Bundle:
    """A bundle from a node's files or answers; nothing is verified but that they are what they are called.

    Args:
        chain: as in :func:`pycore.ledgers.names`.
        sources: what the chain needs, by the names in ``pycore.ledgers.get(chain).proofs.sources``.
        statement: the claim; `item` may be left out where the sources name it.
        trusted: the state of those who are to verify it, as for :func:`verify`.

    Raises:
        InputError: a source that is missing or does not fit, or a kind that the chain has not.
    """
    rules, state = rules_of(chain, "chain"), read_trusted(trusted)
    if state.chain != chain:
        raise InputError("trusted.chain", repr(state.chain), repr(chain))
    if statement.kind not in rules.kinds:
        raise InputError("statement.kind", repr(statement.kind), "one of " + ", ".join(map(repr, rules.kinds)))
    bundle = rules.make(sources, statement, state)
    if len(forms.to_bytes(bundle)) > forms.MAX_BYTES or len(bundle.headers) > forms.MAX_HEADERS:
        wanted = f"at most {forms.MAX_BYTES} bytes and {forms.MAX_HEADERS} headers"
        raise InputError("bundle", f"{len(bundle.headers)} headers", wanted)
    return bundle


def _examined(bundle: Bundle, trusted: Trusted, *, moving: bool) -> tuple[BundleReport, Trusted | None]:
    rules = rules_of(trusted.chain, "trusted.chain")
    checks = tuple(_frame(bundle, trusted, rules.kinds))
    proven = Proven(())
    if all(check.ok for check in checks):
        proven = (rules.advance if moving else rules.check)(bundle, trusted)
    everything = (*checks, *proven.checks)
    holds = bool(proven.checks) and all(check.ok is True for check in everything)
    report = BundleReport(
        chain=trusted.chain,
        rules=str(getattr(trusted.context, "rules", "strict")),
        checks=everything,
        chain_id=trusted.chain_id,
        kind=_short(bundle.statement.kind),
        height=proven.height,
        block_hash=proven.block_hash,
        time=proven.time,
        certified_by=proven.certified_by if holds else (),
        facts=proven.facts if holds else {},
    )
    return report, proven.advanced if holds else None


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _frame(bundle: Bundle, trusted: Trusted, kinds: tuple[str, ...]) -> Iterator[Check]:
    """The conditions that are the same for every chain. That of the format was met when the bundle was read."""
    yield Check("format", True, forms.FORMAT, forms.FORMAT)
    yield Check("chain", bundle.chain == trusted.chain, _short(bundle.chain), trusted.chain)
    yield Check("chain_id", bundle.chain_id == trusted.chain_id, _short(bundle.chain_id), trusted.chain_id)
    same = bundle.trusted_height == trusted.height
    yield Check("trusted_height", same, bundle.trusted_height, trusted.height)
    same = bundle.trusted_hash == trusted.block_hash
    yield Check("trusted_hash", same, bundle.trusted_hash[:_SHOWN], trusted.block_hash)
    kind = bundle.statement.kind
    yield Check("kind", kind in kinds, _short(kind), ", ".join(kinds))
