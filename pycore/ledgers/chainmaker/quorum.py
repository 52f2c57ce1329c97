"""Quorum certificates of ChainMaker: what is read from a block, and the rules by which it is counted.

Verification has two halves around the one signature batch of the block. :func:`read` tallies the votes,
chooses those whose signatures matter and says what each of them signed;
:mod:`pycore.ledgers.chainmaker.votes` looks at the verified signatures and asks :meth:`Certificate.decide`.
Counting and deciding belong to :mod:`pycore.consensus.quorum`. What belongs to the chain is here: its rule,
what `strict` and `compatible` do with a voter who occurs twice, and the faults for which a certificate
falls whatever its votes say.

Where `strict` and `compatible` differ is listed in docs/guides/chainmaker.md; each place is marked here with
``strict``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pycore.consensus import (
    UNKNOWN_VOTER,
    Ballot,
    Decision,
    Electorate,
    Repeat,
    Repeats,
    Rule,
    Tally,
    decide,
    tally,
)
from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.chainmaker.epoch import read_arguments
from pycore.ledgers.chainmaker.messages import (
    BlockHeader,
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


RULE = Rule.more_than(2, 3)
"""Of the validators, one vote each: floor(2 n / 3) + 1 of n."""


@dataclass(slots=True)
class Certificate:
    """A quorum certificate before its signatures are verified.

    Attributes:
        kind: "tbft" (DPoS included), "maxbft" or "raft".
        block_hash: what a quorum is asked for.
        electorate: the validators; None where the context names none.
        votes: those whose signatures decide.
        tally: who votes for what, as the certificate says.
        count: the number of votes that a report shows: TBFT's for the block, all of MaxBFT's.
        round: TBFT: the round in which the votes were given; None where there is none to read.
        faults: why the certificate falls whatever its signatures say; in words, the first one first.
    """

    kind: str
    block_hash: bytes
    electorate: Electorate | None = None
    votes: list[CountedVote] = field(default_factory=list)
    tally: Tally | None = None
    count: int = 0
    round: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def needed(self) -> int | None:
        """The smallest number of votes that is enough; None without validators."""
        return None if self.electorate is None else RULE.needed(self.electorate.total)

    def cast(self, ballots: list[Ballot], repeats: Repeat | Repeats) -> Tally:
        """Tally the votes; without validators whoever votes may."""
        electorate = self.electorate or Electorate.equal(voter for voter, _, _ in ballots)
        self.tally = tally(ballots, electorate, repeats=repeats)
        return self.tally

    def decide(self, objections: Iterable[str]) -> Decision:
        """Whether the block has its quorum, given all that was found wrong with the certificate.

        Only for a certificate whose validators are known.
        """
        assert self.electorate is not None, "without validators there is no quorum to decide on"
        count = self.tally or tally((), self.electorate)
        return decide(count, RULE, self.block_hash, objections=objections)


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
    """The bytes that a TBFT vote signs: the vote without its endorsement."""
    bare = Vote()
    bare.CopyFrom(vote)
    bare.ClearField("endorsement")
    return bare.SerializeToString()


def _read_tbft(data: bytes | None, header: BlockHeader, validators: tuple[str, ...], strict: bool) -> Certificate:
    certificate = Certificate("tbft", header.block_hash, Electorate.equal(validators) if validators else None)
    if data is None:
        certificate.faults.append(f"the block has no {TBFT_KEY}")
        return certificate
    try:
        found = parse_bounded(VoteSet, data, TBFT_KEY, (6, 7), MAX_VOTES)
    except InputError as error:
        certificate.faults.append(str(error))
        return certificate
    certificate.round = found.round
    votes = [found.votes[name] for name in sorted(found.votes)]  # the map has no order
    count = certificate.cast(
        [(vote.voter, vote.hash or None, _tbft_flaw(vote, found)) for vote in votes],
        Repeat.REFUSED if strict else Repeat.IGNORED,
    )
    if strict:
        certificate.faults += _tbft_strict(found, header, count)
    # Without known validators nothing has a quorum: signatures of the votes for the block are still checked.
    winner = count.winner(RULE) if certificate.electorate else header.block_hash
    if winner is None:
        certificate.faults.append("no hash has a majority of the votes")
    elif winner != header.block_hash:
        certificate.faults.append(f"the majority voted for {shorten(winner.hex())}")
    for vote in (votes[position] for position in count.counted):
        if vote.hash == header.block_hash:
            certificate.votes.append(CountedVote(vote.voter, vote_bytes(vote), vote.endorsement))
    certificate.count = len(certificate.votes)
    return certificate


def _tbft_flaw(vote: Vote, votes: VoteSet) -> str:
    same = (vote.type, vote.height, vote.round) == (votes.type, votes.height, votes.round)
    return "" if same else "a vote of another type, height or round than the set's"


def _tbft_strict(votes: VoteSet, header: BlockHeader, count: Tally) -> Iterable[str]:
    if votes.type != PRECOMMIT:
        yield f"strict: a set of votes of type {votes.type}, not of precommits"
    if votes.height != header.block_height:
        yield f"strict: votes for height {votes.height}"
    if count.refused:
        yield "strict: a voter occurs twice"


# ---- MaxBFT ----------------------------------------------------------------------------------------------------------


def vote_data_bytes(vote: VoteData) -> bytes:
    """The bytes that a MaxBFT vote signs: the vote without its signature."""
    bare = VoteData()
    bare.CopyFrom(vote)
    bare.ClearField("signature")
    return bare.SerializeToString()


def _read_maxbft(data: bytes | None, header: BlockHeader, validators: tuple[str, ...], strict: bool) -> Certificate:
    electorate = Electorate.equal(name.encode() for name in validators) if validators else None
    certificate = Certificate("maxbft", header.block_hash, electorate)
    faults = certificate.faults
    if data is None:
        faults.append(f"the block has no {MAXBFT_KEY}")
        return certificate
    try:
        votes = list(parse_bounded(QuorumCert, data, MAXBFT_KEY, (1,), MAX_VOTES).votes)
        arguments = read_arguments(header)
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
    subjects = [(vote.height, vote.view, vote.block_id) for vote in votes]
    if len(set(subjects)) != 1:
        faults.append("votes differ in height, view or block")
    count = certificate.cast(
        [(vote.author, block_id, "") for vote, (_, _, block_id) in zip(votes, subjects, strict=True)],
        Repeat.REFUSED if strict else _first_author_once_more,
    )
    if count.refused:
        faults.append("an author occurs twice")
    if strict:
        faults += _maxbft_strict(votes, header)
    stranger = next((vote.position for vote in count.ignored if vote.reason == UNKNOWN_VOTER), None)
    if stranger is not None:
        faults.append(f"{shorten(votes[stranger].author.decode('utf-8', 'replace'))} is no validator")
    certificate.count = len(votes)  # every one of them is for this block, or there is a fault
    if certificate.needed is not None and certificate.count < certificate.needed:
        faults.append("not enough votes")
    certificate.votes = [
        CountedVote(vote.author.decode("utf-8", "replace"), vote_data_bytes(vote), vote.signature) for vote in votes
    ]
    return certificate


def _first_author_once_more(previous: int, _: int) -> Repeat:
    """compatible: the chain's loop starts at the second vote, so the first author counts once more."""
    return Repeat.COUNTED if previous == 0 else Repeat.REFUSED


def _maxbft_strict(votes: list[VoteData], header: BlockHeader) -> Iterable[str]:
    if votes[0].height != header.block_height:
        yield f"strict: votes for height {votes[0].height}"
    if len({vote.epoch_id for vote in votes}) != 1:
        yield "strict: votes of several epochs"


# ---- Raft ------------------------------------------------------------------------------------------------------------


def _read_raft(data: bytes | None, header: BlockHeader) -> Certificate:
    """The block's additional data repeats the proposer's signature; the signature itself is checked with the header."""
    certificate = Certificate("raft", header.block_hash)
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
