"""Which transactions of a generated ledger are spoilt, and how. The plan depends on the seed only, so it is known
beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pycore.errors import InputError

from . import _deterministic
from .parameters import LedgerParameters

# kind -> the verdict that a validator gives under strict rules
KINDS: dict[str, str] = {
    "signature-bit": "BAD_SIGNATURE",  # one bit of the sender's s
    "payload": "BAD_SIGNATURE",  # a parameter changed after signing
    "signer": "BAD_SIGNATURE",  # another member's key signed
    "s-out-of-range": "SCALAR_OUT_OF_RANGE",  # s = n
    "endorser-signature-bit": "BAD_SIGNATURE",  # the sender is good, one endorser is not: `compatible` drops that one
    "truncated-signature": "MALFORMED_SIGNATURE",  # the last byte of the DER form is missing
    "unknown-certificate-hash": "UNKNOWN_SIGNER",
    "foreign-certificate": "BAD_CERTIFICATE",  # a good signature under a certificate from an unknown authority
    "other-organisation": "UNKNOWN_SIGNER",  # the member names an organisation that is not its certificate's
    "trailing-bytes": "MALFORMED_SIGNATURE",  # a byte after the DER SEQUENCE: `compatible` rules accept it
    "inner-bytes": "MALFORMED_SIGNATURE",  # bytes after s inside the SEQUENCE: `compatible` rules accept them as well
}
# the default of `invalid_every`, as far as it fits the ledger
DEFAULT_KINDS: tuple[str, ...] = tuple(kind for kind in KINDS if not kind.endswith("-bytes"))
# these need certificates; the last one also needs a second organisation
CERTIFICATE_KINDS = frozenset({"unknown-certificate-hash", "foreign-certificate", "other-organisation"})


@dataclass(frozen=True, slots=True)
class Tampering:
    """One spoilt transaction: `block` and `tx` count from 0; `verdict` is the name of the expected `pycore.Verdict`."""

    block: int
    tx: int
    kind: str
    verdict: str


def fitting_kinds(made: LedgerParameters, kinds: Sequence[str] | None) -> tuple[str, ...]:
    """`kinds`, or by default those of `DEFAULT_KINDS` that such a ledger can have. InputError for one that it
    cannot have."""
    unfit = set(CERTIFICATE_KINDS) if made.authentication == "key" else set()
    if made.organisations < 2:
        unfit.add("other-organisation")
    if kinds is None:
        return tuple(kind for kind in DEFAULT_KINDS if kind not in unfit)
    for kind in kinds:
        if kind not in KINDS:
            raise InputError("kinds", f"{kind!r}", f"some of {', '.join(KINDS)}")
        if kind in unfit:
            raise InputError(
                "kinds", f"{kind!r}", "kinds that this ledger can have: certificates, and two organisations"
            )
    return tuple(kinds)


def plan(made: LedgerParameters, kinds: Sequence[str] | None) -> Iterator[Tampering]:
    """One transaction in each run of `invalid_every`, at a place the seed decides; the kinds take turns."""
    chosen = fitting_kinds(made, kinds)
    if not made.invalid_every or not chosen:
        return
    total = made.blocks * made.txs_per_block
    runs = -(-total // made.invalid_every)
    places = _deterministic.integers(made.seed, "tampered", count=runs, below=made.invalid_every)
    for run, place in enumerate(places):
        at = run * made.invalid_every + place
        if at < total:
            kind = chosen[run % len(chosen)]
            yield Tampering(at // made.txs_per_block, at % made.txs_per_block, kind, KINDS[kind])
