"""Certificates before their signatures are verified: faults word by word, counts and decisions."""

from __future__ import annotations

import base64
import json

import pytest

from pycore.ledgers.chainmaker import messages, quorum

HASH, OTHER = b"h" * 32, b"o" * 32
NAMES = ("a", "b", "c", "d")


def header(hash_: bytes = HASH) -> messages.BlockHeader:
    arguments = messages.BlockHeaderConsensusArgs(consensus_type=3, view=5).SerializeToString()
    return messages.BlockHeader(block_height=7, block_hash=hash_, consensus_args=arguments)


def tbft(votes: list[tuple[str, bytes]], *, strict: bool, names=NAMES, block_hash=HASH) -> quorum.Certificate:
    found = messages.VoteSet(type=1, height=7)
    for place, (voter, hash_) in enumerate(votes):
        found.votes[f"{place:02d}"].CopyFrom(messages.Vote(type=1, height=7, voter=voter, hash=hash_))
    extra = {quorum.TBFT_KEY: found.SerializeToString()}
    return quorum.read("tbft", extra, header(block_hash), names, strict=strict)


def maxbft(authors: str, *, strict: bool, names=NAMES, block_id=HASH) -> quorum.Certificate:
    votes = [messages.VoteData(block_id=block_id, height=7, view=5, author=author.encode()) for author in authors]
    extra = {quorum.MAXBFT_KEY: messages.QuorumCert(votes=votes).SerializeToString()}
    return quorum.read("maxbft", extra, header(), names, strict=strict)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("votes", "faults", "count"),
    [
        ("aH bH cH", [], 3),
        ("aH bH cH dO", [], 3),
        ("aH bH cH zH", [], 3),  # a stranger's vote is passed over
        ("aH bH zH", ["no hash has a majority of the votes"], 2),
        ("a- b- c-", ["no hash has a majority of the votes"], 0),  # nil votes are for no block
        ("aO bO cO", [f"the majority voted for {OTHER.hex()}"], 0),
        ("aO bO cO dH", [f"the majority voted for {OTHER.hex()}"], 1),
    ],
)
def test_tbft(votes: str, faults: list[str], count: int, strict: bool) -> None:
    hashes = {"H": HASH, "O": OTHER, "-": b""}
    found = tbft([(vote[0], hashes[vote[1]]) for vote in votes.split()], strict=strict)
    assert (found.faults, found.count, len(found.votes), found.needed) == (faults, count, count, 3)
    assert found.decide([]).reached == (not faults)
    assert not found.decide(["not every vote is valid"]).reached


@pytest.mark.parametrize("again", [HASH, OTHER, b""])
def test_tbft_counts_the_first_vote_of_a_voter(again: bytes) -> None:
    """In the order of the map's keys; a nil vote uses up its voter."""
    votes = [("a", HASH), ("b", HASH), ("c", HASH), ("c", again)]
    for strict in (False, True):
        found = tbft(votes, strict=strict)
        assert found.count == 3
        assert found.faults == (["strict: a voter occurs twice"] if strict else [])
        assert found.decide([]).reached == (not strict)
    votes = [("a", HASH), ("b", HASH), ("c", b""), ("c", HASH)]
    assert tbft(votes, strict=False).faults == ["no hash has a majority of the votes"]


def test_tbft_of_a_block_without_a_hash() -> None:
    found = tbft([(name, b"") for name in NAMES], strict=False, block_hash=b"")
    assert (found.count, found.faults) == (0, ["no hash has a majority of the votes"])
    assert not found.decide([]).reached


@pytest.mark.parametrize(
    ("authors", "compatible", "strict"),
    [
        ("abc", [], []),
        ("abcd", [], []),
        ("aba", [], ["an author occurs twice"]),  # the chain looks for repeats from the second vote on
        ("aab", [], ["an author occurs twice"]),
        ("abb", ["an author occurs twice"], ["an author occurs twice"]),
        ("abaa", ["an author occurs twice"], ["an author occurs twice"]),
        ("abcb", ["an author occurs twice"], ["an author occurs twice"]),
        ("ab", ["not enough votes"], ["not enough votes"]),
        ("abcz", ["z is no validator"], ["z is no validator"]),
        ("abzy", ["z is no validator"], ["z is no validator"]),
        ("zyx", ["z is no validator"], ["z is no validator"]),
        ("z", ["z is no validator", "not enough votes"], ["z is no validator", "not enough votes"]),
    ],
)
def test_maxbft(authors: str, compatible: list[str], strict: list[str]) -> None:
    for rules, faults in ((False, compatible), (True, strict)):
        found = maxbft(authors, strict=rules)
        assert found.faults == faults
        assert (found.count, len(found.votes), found.needed) == (len(authors), len(authors), 3)
        assert found.decide(found.faults).reached == (not faults)


def test_without_validators_nothing_is_decided() -> None:
    for found in (tbft([("x", HASH), ("y", OTHER)], strict=True, names=()), maxbft("xy", strict=True, names=())):
        assert (found.needed, found.faults) == (None, [])
        with pytest.raises(AssertionError):
            found.decide([])
    assert tbft([("x", HASH), ("y", OTHER)], strict=True, names=()).count == 1


# ---- MaxBFT, rule by rule --------------------------------------------------------------------------------------------


def maxbft_votes(changes: dict[int, dict[str, object]], *, arguments: bytes | None = None) -> list[list[str]]:
    """Faults under compatible and under strict of three votes for the block, some of them changed."""
    usual = {"block_id": HASH, "height": 7, "view": 5, "epoch_id": 1}
    votes = [messages.VoteData(**usual | {"author": b"abc"[i : i + 1]} | changes.get(i, {})) for i in range(3)]
    extra = {quorum.MAXBFT_KEY: messages.QuorumCert(votes=votes).SerializeToString()}
    head = header()
    if arguments is not None:
        head.consensus_args = arguments
    return [quorum.read("maxbft", extra, head, NAMES, strict=strict).faults for strict in (False, True)]


def every(**fields: object) -> dict[int, dict[str, object]]:
    return dict.fromkeys(range(3), fields)


@pytest.mark.parametrize(
    ("changes", "compatible", "strict"),
    [
        ({}, "", ""),
        (every(view=6), "votes for view 6, the header says 5", ""),
        (every(block_id=OTHER), "votes for block", ""),
        (every(block_id=b""), "votes for block", ""),
        (every(height=8), "", "strict: votes for height 8"),
        (every(epoch_id=9), "", ""),
        ({0: {"view": 6}}, "votes for view 6, the header says 5", ""),
        ({1: {"view": 6}}, "votes differ", ""),
        ({2: {"block_id": OTHER}}, "votes differ", ""),
        ({2: {"height": 8}}, "votes differ", ""),
        ({2: {"epoch_id": 2}}, "", "strict: votes of several epochs"),
        ({2: {"author": b"a"}}, "", "an author occurs twice"),
        ({2: {"author": b"b"}}, "an author occurs twice", ""),
        ({2: {"author": b""}}, " is no validator", ""),
        ({2: {"author": b"\xff"}}, "is no validator", ""),
    ],
)
def test_maxbft_votes_agree_with_the_header_and_each_other(changes, compatible: str, strict: str) -> None:
    lax, tight = maxbft_votes(changes)
    assert bool(lax) == bool(compatible)
    assert compatible in "; ".join(lax)
    assert set(lax) <= set(tight)
    assert bool(tight) == bool(compatible or strict)
    assert strict in "; ".join(tight)


def test_maxbft_needs_consensus_arguments() -> None:
    """An absent view reads as 0, which votes of view 0 must not pass for."""
    for faults in maxbft_votes(every(view=0), arguments=b""):
        assert faults == ["the header has no consensus_args"]
    for faults in maxbft_votes({}, arguments=b"\xff"):
        assert "consensus_args" in faults[0]
    other = messages.BlockHeaderConsensusArgs(consensus_type=1, view=5).SerializeToString()
    assert maxbft_votes({}, arguments=other) == [[], []]  # its type is for the check consensus_args


# ---- Raft ------------------------------------------------------------------------------------------------------------


def raft(document: bytes) -> list[str]:
    head = header()
    head.signature = b"signature"
    found = [quorum.read("raft", {quorum.RAFT_KEY: document}, head, (), strict=strict) for strict in (False, True)]
    assert found[0].faults == found[1].faults
    assert not found[0].votes
    return found[0].faults


def raft_document(signature: bytes, signer: bytes = b"me") -> str:
    entry = messages.EndorsementEntry(signer=messages.Member(member_info=signer), signature=signature)
    return base64.b64encode(entry.SerializeToString()).decode()


def test_raft_repeats_the_header_s_signature() -> None:
    """Who it says has signed is not compared: the header's own proposer is verified by that signature."""
    for signer in (b"me", b"somebody else", b""):
        assert raft(json.dumps({"Signature": raft_document(b"signature", signer)}).encode()) == []
    for signature in (b"signatur", b"signature ", b""):
        document = json.dumps({"Signature": raft_document(signature)}).encode()
        assert raft(document) == ["the signature in it is not the header's"]
    more = {"AppliedIndex": 7, "Signature": raft_document(b"signature")}
    assert raft(json.dumps(more).encode()) == []


@pytest.mark.parametrize(
    "document",
    [
        b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"Signature": null}', b'{"Signature": ["c2ln"]}',
        b'{"Signature": "not base64"}', b'{"Signature": "c2ln", "Signature": "c2ln"}', b'{"AppliedIndex": 7}',
    ],
)  # fmt: skip
def test_raft_documents_that_say_nothing(document: bytes) -> None:
    (fault,) = raft(document)
    assert "does not parse" in fault


def test_raft_without_a_document() -> None:
    assert quorum.read("raft", {}, header(), (), strict=True).faults == [f"the block has no {quorum.RAFT_KEY}"]
