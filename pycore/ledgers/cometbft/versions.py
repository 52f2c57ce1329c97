"""The releases of CometBFT, and where they differ: :data:`RELEASES`.

Hashes, signed bytes and protobuf of headers, commits and votes are the same from 0.34 on; keys, evidence and times are
not. Whatever is not named here was compared with the sources of the releases in `seen` and found equal.

>>> RELEASES["0.38"].extensions, RELEASES["0.37"].extensions
(True, False)
>>> release("1.0.1").name
'1.0'
"""

from __future__ import annotations

from dataclasses import dataclass

from pycore.base.columns import quote
from pycore.errors import InputError


@dataclass(frozen=True, slots=True)
class Release:
    """A line of releases.

    name           of the line             seen   the release that was compared
    schemes        of validators' keys in headers' hashes
    max_signature  bytes of the longest signature in a commit or a vote
    extensions     whether precommits may have extensions
    typed_keys     whether validators in protobuf have their key's bytes and type, instead of a union
    words          whether evidence in JSON has names such as total_voting_power, instead of TotalVotingPower
    nil_counts     whether an equivocation's byzantine validators include those who voted for no block
    proposer_time  whether a chain may take a block's time from its proposer, instead of the median of the votes
    """

    name: str
    seen: str
    schemes: tuple[str, ...]
    max_signature: int
    extensions: bool = True
    typed_keys: bool = False
    words: bool = False
    nil_counts: bool = False
    proposer_time: bool = False


_OLD = ("ed25519", "ecdsa-secp256k1")
RELEASES = {
    one.name: one
    for one in (
        Release("0.34", "0.34.35", _OLD, 64, extensions=False, nil_counts=True),
        Release("0.37", "0.37.18", _OLD, 64, extensions=False, nil_counts=True),
        Release("0.38", "0.38.26", (*_OLD, "ml-dsa-65"), 3309),
        Release("0.39", "0.39.4", (*_OLD, "bls12-381"), 96),
        Release("0.40", "0.40.0", (*_OLD, "bls12-381", "ml-dsa-65", "secp256k1eth"), 3309),
        Release("1.0", "1.0.1", (*_OLD, "bls12-381"), 96, typed_keys=True, words=True, proposer_time=True),
    )
}
"""Name of a line -> what it has."""


def release(name: str) -> Release:
    """The line of a release, by its name or by that of one of its releases ("v0.38.12"). InputError: none that is known
    here."""
    given: object = name
    parts = given.removeprefix("v").split(".") if isinstance(given, str) else []
    found = RELEASES.get(".".join(parts[:2]))
    if found is None or not all(part.isascii() and part.isalnum() for part in parts):
        raise InputError("release", quote(name), "one of " + ", ".join(map(repr, RELEASES)))
    return found
