"""Votes and certificates as values, whatever the chain: what was signed, by whom, for which claim.

A chain's readers make them (:class:`pycore.consensus.chains.ConsensusRules`); nothing here parses, hashes or verifies.
Times are Unix nanoseconds as Python's or 64-bit integers, exact; before 1970 they are negative. A time of year 1, as
absent votes of CometBFT carry it, does not fit in 64 bits of nanoseconds: certificates hold no absent votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import as_column, quote
from pycore.consensus.chains import rules
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.consensus.validators import ValidatorSet

__all__ = [
    "FORMS",
    "FOR_CLAIM",
    "FOR_NOTHING",
    "VOTE",
    "CommitColumns",
    "LightBlock",
    "QuorumCertificate",
    "SignedHeader",
    "Vote",
    "checked_form",
]

FORMS = ("rpc", "wire")
"""How data is given: the JSON text (or its dict) that a node's RPC answers; the chain's protobuf bytes."""

FOR_CLAIM, FOR_NOTHING = 1, 2
"""Kinds of a signature in a certificate: for its claim, and a nil vote."""


VOTE = np.dtype([("slot", "<i4"), ("voter", "<i4"), ("kind", "u1"), ("code", "u1"), ("fits", "?"), ("none", "u1")])
"""A signature that was looked at: its slot, who it is by, its kind, its verdict, and whether it has its slot's address.
`none` is 0: equal votes have equal bytes."""


def checked_form(form: str) -> str:
    """The form, or InputError."""
    if form not in FORMS:
        raise InputError("form", quote(form), " or ".join(map(repr, FORMS)))
    return form


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote.

    chain_id    of the chain that it is for
    kind        "prevote" | "precommit" | "proposal", where a chain has it
    height      of the block               round   of the voting, from 0 up
    claim       canonical bytes of what is voted for (CometBFT: block hash and parts header); None: nil
    address     of the validator, as the vote says it
    position    of the validator in its set, as the vote says it
    message     the bytes that are signed
    signature   in the scheme's compact form
    time_ns     Unix nanoseconds
    extensions  (signed bytes, signature) of whatever must hold as well: CometBFT's vote extension
    raw         the vote in the chain's protobuf form, for evidence
    """

    chain_id: str
    kind: str
    height: int
    round: int
    claim: bytes | None
    address: bytes
    position: int
    message: bytes
    signature: bytes
    time_ns: int
    extensions: tuple[tuple[bytes, bytes], ...] = ()
    raw: bytes = b""


@dataclass(frozen=True, eq=False)
class QuorumCertificate:
    """The votes that make a block final, as columns. n signatures are there, of `size` slots.

    chain_id      of the chain, as its header says it
    height        of the block             round   of the voting
    claim         canonical bytes of what the votes for it are for
    claimed_hash  the block's hash in it
    size          slots: one for every validator, absent ones as well
    positions     int32 (n,), ascending: slots of the signatures that are there
    kinds         uint8 (n,): FOR_CLAIM or FOR_NOTHING
    addresses     n times bytes, as written
    times_ns      int64 (n,)
    messages      n messages that are signed
    signatures    n signatures
    """

    chain_id: str
    height: int
    round: int
    claim: bytes
    claimed_hash: bytes
    size: int
    positions: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    addresses: Sequence[bytes]
    times_ns: NDArray[np.int64]
    messages: Column | Sequence[bytes]
    signatures: Column | Sequence[bytes]

    def __len__(self) -> int:
        """Signatures that are there."""
        return len(self.positions)


@dataclass(frozen=True, eq=False)
class SignedHeader:
    """A header and the certificate for it.

    chain_id              as the header says it
    height, time_ns       of the header
    hash                  of the header, recomputed
    validators_hash       of the validators who sign this block, as the header says it
    next_validators_hash  of those of the next block
    previous_hash         of the block before; empty for the first
    certificate           the votes
    header                the chain's object
    raw                   header and certificate in the chain's protobuf form
    faults                in words: rules for headers and commits by themselves that are broken here (an absent vote
                          with a signature, a negative round). It can be read all the same; it is never valid.
    """

    chain_id: str
    height: int
    time_ns: int
    hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    previous_hash: bytes
    certificate: QuorumCertificate
    header: Any = None
    raw: bytes = b""
    faults: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Any, *, chain: str = "cometbft", form: str = "rpc") -> SignedHeader:
        """From what a node answers. InputError: `data` is nothing of the kind."""
        return rules(chain).read_signed_header(data, checked_form(form))


@dataclass(frozen=True, eq=False)
class LightBlock:
    """A signed header and the validators who sign it. That they are those of the header is not checked here."""

    signed_header: SignedHeader
    validators: ValidatorSet

    @property
    def height(self) -> int:
        """Of the header."""
        return self.signed_header.height

    @property
    def hash(self) -> bytes:
        """Of the header, recomputed."""
        return self.signed_header.hash

    @classmethod
    def read(cls, data: Any, *, chain: str = "cometbft", form: str = "wire") -> LightBlock:
        """From the chain's form. InputError: `data` is nothing of the kind."""
        return rules(chain).read_light_block(data, checked_form(form))

    def to_bytes(self) -> bytes:
        """In the chain's protobuf form."""
        return rules(self.validators.chain).write_light_block(self)


@dataclass(frozen=True, eq=False)
class CommitColumns:
    """Signed headers read many at a time: n records with m signatures together, absent ones left out.

    A record that is not as its writer puts it, or breaks a rule of the chain, is left to
    ``ConsensusRules.read_signed_header``: `usual` is False, and it has no signatures here.

    usual              bool (n,)
    chain_ids          n texts. This and the next columns hold anything where a record is not usual.
    heights            int64 (n,): of the headers
    commit_heights     int64 (n,): of the commits
    hashes             n times bytes: of the headers, recomputed
    claimed_hashes     n times bytes: of the block that the commit is for
    validators_hashes  n times bytes: as the headers say them
    sizes              int64 (n,): slots
    starts             int64 (n + 1,): record i has the signatures starts[i] up to starts[i + 1]
    positions          int64 (m,): slots
    kinds              uint8 (m,): FOR_CLAIM or FOR_NOTHING
    addresses          uint8 (m, width): as written
    signed             from rows, int64 (k,), of these signatures to the k messages and the k signatures
    choose             None, or how to do at once what :func:`pycore.consensus.commit_votes.judged_votes` says: from a
                       set, the power that is needed, whether nil votes are looked at and whether to stop at that power,
                       to the rows looked at, their votes without verdicts, and where each record's begin
    """

    usual: NDArray[np.bool_]
    chain_ids: Sequence[str]
    heights: NDArray[np.int64]
    commit_heights: NDArray[np.int64]
    hashes: Sequence[bytes]
    claimed_hashes: Sequence[bytes]
    validators_hashes: Sequence[bytes]
    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    positions: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    addresses: NDArray[np.uint8]
    signed: Callable[[NDArray[np.int64]], tuple[Column, Column]]
    choose: (
        Callable[[ValidatorSet, int, bool, bool], tuple[NDArray[np.int64], NDArray[Any], NDArray[np.int64]]] | None
    ) = None

    @classmethod
    def of(cls, headers: Sequence[SignedHeader], width: int) -> CommitColumns:
        """Of signed headers that were read one by one; `width` bytes of an address, others are put as zeros."""
        votes = [one.certificate for one in headers]
        starts = np.zeros(len(votes) + 1, np.int64)
        starts[1:] = np.cumsum([len(one) for one in votes], dtype=np.int64)
        addresses = [bytes(address) for one in votes for address in one.addresses]
        rows = b"".join(address if len(address) == width else bytes(width) for address in addresses)
        messages = as_column([bytes(row) for one in votes for row in one.messages], "messages")
        signatures = as_column([bytes(row) for one in votes for row in one.signatures], "signatures")
        return cls(
            usual=np.ones(len(votes), np.bool_),
            chain_ids=[one.chain_id for one in headers],
            heights=np.array([one.height for one in headers], np.int64),
            commit_heights=np.array([one.height for one in votes], np.int64),
            hashes=[one.hash for one in headers],
            claimed_hashes=[one.claimed_hash for one in votes],
            validators_hashes=[one.validators_hash for one in headers],
            sizes=np.array([one.size for one in votes], np.int64),
            starts=starts,
            positions=_joined([one.positions for one in votes], np.int64),
            kinds=_joined([one.kinds for one in votes], np.uint8),
            addresses=np.frombuffer(rows, np.uint8).reshape(len(addresses), width),
            signed=lambda chosen: (messages.take(chosen), signatures.take(chosen)),
        )


def _joined(parts: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(0, dtype)
