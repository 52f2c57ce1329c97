"""Which transactions of a generated ledger are spoilt, and how. The plan depends on the seed only, so it is known
beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pycore.errors import InputError

from . import _deterministic

# kind -> the verdict that a validator gives under strict rules
KINDS: dict[str, str] = {
    "signature-bit": "BAD_SIGNATURE",  # one bit of the sender's s
    "payload": "BAD_SIGNATURE",  # a parameter changed after signing
    "signer": "BAD_SIGNATURE",  # another member's key signed
    "s-out-of-range": "SCALAR_OUT_OF_RANGE",  # s = n
    "endorser-signature-bit": "BAD_SIGNATURE",  # the sender is good, one endorser is not
    "truncated-signature": "MALFORMED_SIGNATURE",  # the last byte of the DER form is missing
    "unknown-certificate-hash": "UNKNOWN_SIGNER",
    "foreign-certificate": "BAD_CERTIFICATE",  # a good signature under a certificate from an unknown authority
    "other-organisation": "UNKNOWN_SIGNER",  # the member names an organisation that is not its certificate's
    "trailing-bytes": "MALFORMED_SIGNATURE",  # a byte after the DER SEQUENCE: `compatible` rules accept it
}
# what `invalid_every` uses when nothing is said: invalid under both rule sets
DEFAULT_KINDS: tuple[str, ...] = tuple(kind for kind in KINDS if kind != "trailing-bytes")


@dataclass(frozen=True, slots=True)
class Tampering:
    """One spoilt transaction: `block` and `tx` count from 0; `verdict` is the name of the expected `pycore.Verdict`."""

    block: int
    tx: int
    kind: str
    verdict: str


def plan(
    *, blocks: int, txs_per_block: int, invalid_every: int, seed: int, kinds: Sequence[str] | None
) -> Iterator[Tampering]:
    """One transaction in each run of `invalid_every`, at a place the seed decides; the kinds take turns."""
    chosen = DEFAULT_KINDS if kinds is None else tuple(kinds)
    for kind in chosen:
        if kind not in KINDS:
            raise InputError("kinds", f"{kind!r}", f"some of {', '.join(KINDS)}")
    if not invalid_every or not chosen:
        return
    total = blocks * txs_per_block
    runs = -(-total // invalid_every)
    places = _deterministic.integers(seed, "tampered", count=runs, below=invalid_every)
    for run, place in enumerate(places):
        at = run * invalid_every + place
        if at < total:
            kind = chosen[run % len(chosen)]
            yield Tampering(at // txs_per_block, at % txs_per_block, kind, KINDS[kind])
