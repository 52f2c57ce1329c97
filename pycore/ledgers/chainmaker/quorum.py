"""Quorum certificates of ChainMaker: which votes count, and whether they are enough.

Verification has two halves around the one signature batch of the block. `read_*` chooses the votes that matter and says
what each of
them signed; once signatures are known, `decide` says whether the certificate stands.

Where `strict` and `compatible` differ is listed in docs/guides/chainmaker.md; each place is marked here with
``strict``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.chainmaker.messages import (
    BlockHeader,
    BlockHeaderConsensusArgs,
    EndorsementEntry,
    QuorumCert,
    Vote,
    VoteData,
    VoteSet,
    parse,
    parse_bounded,
    shorten,
)

TBFT_KEY = "TBFTAddtionalDataKey"  # the chain's spelling
MAXBFT_KEY = "maxbftQC"
RAFT_KEY = "RAFTAddtionalDataKey"
PRECOMMIT = 1
MAX_VOTES = 1 << 12
"""Votes of a certificate that are read: more than any chain has validators, few enough to verify."""


@dataclass(slots=True)
class CountedVote:
    """A vote whose signature decides: who, what was signed, by whom."""

    voter: str
    message: bytes
    endorsement: EndorsementEntry


@dataclass(slots=True)
class Certificate:
    """A quorum certificate before its signatures are verified.

    `faults` are reasons that no signature can mend; the first one is reported. `count` of `needed` votes are for the
    block.
    """

    kind: str
    votes: list[CountedVote] = field(default_factory=list)
    count: int = 0
    needed: int | None = None
    faults: list[str] = field(default_factory=list)


def quorum_of(validators: int) -> int:
    """floor(2 n / 3) + 1"""
    return 2 * validators // 3 + 1


def consensus_of(extra: Mapping[str, bytes]) -> str | None:
    """The consensus whose certificate a block's extra data carries, or None."""
    for key, name in ((TBFT_KEY, "tbft"), (MAXBFT_KEY, "maxbft"), (RAFT_KEY, "raft")):
        if key in extra:
            return name
    return None


def read(
    kind: str, extra: Mapping[str, bytes], header: BlockHeader, validators: tuple[str, ...], *, strict: bool
) -> Certificate:
    """The certificate of that consensus from a block's extra data. Without validators `needed` stays None."""
    if kind in ("tbft", "dpos"):
        return _read_tbft(extra.get(TBFT_KEY), header, validators, strict)
    if kind == "maxbft":
        return _read_maxbft(extra.get(MAXBFT_KEY), header, validators, strict)
    return _read_raft(extra.get(RAFT_KEY), header)


# ---- TBFT (and DPoS) -------------------------------------------------------------------------------------------------


def vote_bytes(vote: Vote) -> bytes:
    """What a TBFT vote signs: the vote without its endorsement."""
    bare = Vote()
    bare.CopyFrom(vote)
    bare.ClearField("endorsement")
    return bare.SerializeToString()


def _read_tbft(data: bytes | None, header: BlockHeader, validators: tuple[str, ...], strict: bool) -> Certificate:
    certificate = Certificate("tbft", needed=quorum_of(len(set(validators))) if validators else None)
    if data is None:
        certificate.faults.append(f"the block has no {TBFT_KEY}")
        return certificate
    try:
        votes = parse_bounded(VoteSet, data, TBFT_KEY, (6, 7), MAX_VOTES)
    except InputError as error:
        certificate.faults.append(str(error))
        return certificate
    if strict:
        certificate.faults += _tbft_strict(votes, header)
    counted: dict[str, Vote] = {}
    known = frozenset(validators)
    for name in sorted(votes.votes):  # the map has no order of its own
        vote = votes.votes[name]
        if (vote.type, vote.height, vote.round) != (votes.type, votes.height, votes.round):
            continue
        if (known and vote.voter not in known) or vote.voter in counted:
            continue
        counted[vote.voter] = vote
    winner = _majority(counted.values(), certificate.needed, header.block_hash)
    if winner is None:
        certificate.faults.append("no hash has a majority of the votes")
    elif winner != header.block_hash:
        certificate.faults.append(f"the majority voted for {shorten(winner.hex()) or 'no block'}")
    for vote in counted.values():
        if vote.hash == header.block_hash and vote.hash:
            certificate.votes.append(CountedVote(vote.voter, vote_bytes(vote), vote.endorsement))
    certificate.count = len(certificate.votes)
    return certificate


def _tbft_strict(votes: VoteSet, header: BlockHeader) -> Iterable[str]:
    if votes.type != PRECOMMIT:
        yield f"strict: a set of votes of type {votes.type}, not of precommits"
    if votes.height != header.block_height:
        yield f"strict: votes for height {votes.height}"
    voters = [vote.voter for vote in votes.votes.values()]
    if len(set(voters)) != len(voters):
        yield "strict: a voter occurs twice"


def _majority(votes: Iterable[Vote], needed: int | None, wanted: bytes) -> bytes | None:
    """The hash with a quorum; without a known quorum the block's own, so that the signatures of its votes are still
    checked."""
    if needed is None:
        return wanted
    tally: dict[bytes, int] = {}
    for vote in votes:
        if vote.hash:
            tally[vote.hash] = tally.get(vote.hash, 0) + 1
    return next((hash_ for hash_, count in tally.items() if count >= needed), None)


# ---- MaxBFT ----------------------------------------------------------------------------------------------------------


def vote_data_bytes(vote: VoteData) -> bytes:
    """What a MaxBFT vote signs: the vote without its signature."""
    bare = VoteData()
    bare.CopyFrom(vote)
    bare.ClearField("signature")
    return bare.SerializeToString()


def _read_maxbft(data: bytes | None, header: BlockHeader, validators: tuple[str, ...], strict: bool) -> Certificate:
    certificate = Certificate("maxbft", needed=quorum_of(len(set(validators))) if validators else None)
    faults = certificate.faults
    if data is None:
        faults.append(f"the block has no {MAXBFT_KEY}")
        return certificate
    try:
        votes = list(parse_bounded(QuorumCert, data, MAXBFT_KEY, (1,), MAX_VOTES).votes)
        arguments = parse(BlockHeaderConsensusArgs, header.consensus_args, "consensus_args")
    except InputError as error:
        faults.append(str(error))
        return certificate
    if not header.consensus_args:
        faults.append("the header has no consensus_args")
    if not votes:
        faults.append("the certificate has no votes")
        return certificate
    first = votes[0]
    if first.view != arguments.view:
        faults.append(f"votes for view {first.view}, the header says {arguments.view}")
    if first.block_id != header.block_hash:
        faults.append(f"votes for block {shorten(first.block_id.hex())}")
    if any((v.height, v.view, v.block_id) != (first.height, first.view, first.block_id) for v in votes):
        faults.append("votes differ in height, view or block")
    # The chain's own loop starts at the second vote, so the first author may come once more; strict counts all.
    authors = [vote.author for vote in (votes if strict else votes[1:])]
    if len(set(authors)) != len(authors):
        faults.append("an author occurs twice")
    if strict:
        faults += _maxbft_strict(votes, header)
    known = frozenset(name.encode() for name in validators)
    unknown = next((vote.author for vote in votes if known and vote.author not in known), None)
    if unknown is not None:
        faults.append(f"{shorten(unknown.decode('utf-8', 'replace'))} is no validator")
    if certificate.needed is not None and len(votes) < certificate.needed:
        faults.append("not enough votes")
    certificate.count = len(votes)
    certificate.votes = [
        CountedVote(vote.author.decode("utf-8", "replace"), vote_data_bytes(vote), vote.signature) for vote in votes
    ]
    return certificate


def _maxbft_strict(votes: list[VoteData], header: BlockHeader) -> Iterable[str]:
    if votes[0].height != header.block_height:
        yield f"strict: votes for height {votes[0].height}"
    if len({vote.epoch_id for vote in votes}) != 1:
        yield "strict: votes of several epochs"


# ---- Raft ------------------------------------------------------------------------------------------------------------


def _read_raft(data: bytes | None, header: BlockHeader) -> Certificate:
    """The block's additional data repeats the proposer's signature; the signature itself is checked with the header."""
    certificate = Certificate("raft")
    if data is None:
        certificate.faults.append(f"the block has no {RAFT_KEY}")
        return certificate
    try:
        document = load_object(data, RAFT_KEY)
        entry = parse(EndorsementEntry, base64.b64decode(document["Signature"], validate=True), RAFT_KEY)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        certificate.faults.append(f"{RAFT_KEY} does not parse: {error}")
        return certificate
    if entry.signature != header.signature:
        certificate.faults.append("the signature in it is not the header's")
    return certificate
