"""The collector of votes on CometBFT: from a node's bytes to quorums, and to evidence that the chain takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import CountCases

from pycore.base.columns import as_column
from pycore.consensus import (
    CollectorLimits,
    Equivocation,
    NilQuorum,
    Quorum,
    ValidatorSet,
    VoteCollector,
    chains,
)
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, rpc, structure, wire
from pycore.ledgers.cometbft.messages import (
    ABSENT,
    PRECOMMIT,
    PREVOTE,
    BlockId,
    DuplicateVote,
    LightBlock,
    Vote,
    vote_of,
)
from pycore.testing.cometbft import CHAIN_ID, START_NS, Signer, make_signers, make_votes

H = 12
BLOCK, OTHER = (BlockId(octet * 32, 1, b"p" * 32) for octet in (b"a", b"b"))
RULES = chains.rules("cometbft")


def votes_of(signers: Sequence[Signer], asked: Sequence[tuple[int, BlockId | None]], **place: Any) -> list[bytes]:
    """Votes in protobuf: (position, block) each; None is one for no block."""
    options = {"type": PRECOMMIT, "height": H, "round": 0} | place
    extension, chain_id = options.pop("extension", None), options.pop("chain_id", CHAIN_ID)
    votes = [
        Vote(
            block_id=block or BlockId(), time_ns=START_NS + i, address=signers[i].address, position=i, signature=b"",
            extension=extension or b"", extension_signature=b"" if extension is None else b"?", **options,
        )
        for i, block in asked
    ]  # fmt: skip
    return [encoding.vote(one) for one in make_votes([signers[i] for i, _ in asked], votes, chain_id)]


def collector_of(signers: Sequence[Signer], **options: Any) -> VoteCollector:
    validators = ValidatorSet([one.validator for one in signers])
    return VoteCollector(validators, **{"chain_id": CHAIN_ID, "height": H, "threads": 1} | options)


def told(collector: VoteCollector, raws: Sequence[bytes]) -> list[Any]:
    return collector.add_bytes(list(raws)) + collector.flush()


def counted(collector: VoteCollector) -> dict[str, int]:
    return {name: many for name, many in collector.counts.items() if many}


@pytest.fixture(scope="module")
def signers() -> list[Signer]:
    return make_signers(40, seed=3)


def test_prevotes_and_precommits(signers: list[Signer]) -> None:
    collector = collector_of(signers)
    everybody = [(i, BLOCK) for i in range(40)]
    events = told(collector, votes_of(signers, everybody, type=PREVOTE) + votes_of(signers, everybody))
    claim = encoding.block_id(BLOCK)
    assert [(one.kind, one.claim, one.got, one.needed, one.total) for one in events] == [
        ("prevote", claim, 270, 267, 400), ("precommit", claim, 270, 267, 400),
    ]  # fmt: skip
    assert isinstance(events[1], Quorum)
    assert counted(collector) == {"counted": 80}
    (nil,) = told(collector, votes_of(signers, [(i, None) for i in range(27)], round=1))
    assert isinstance(nil, NilQuorum)


def test_power_above_two_thirds() -> None:
    """267 of 400 is needed, not 266: got > total * 2 / 3."""
    signers = make_signers(4, seed=4, powers=[200, 66, 1, 133])
    assert [one.validator.power for one in signers] == [200, 133, 66, 1]
    assert not told(collector_of(signers), votes_of(signers, [(0, BLOCK), (2, BLOCK)]))
    assert told(collector_of(signers), votes_of(signers, [(0, BLOCK), (2, BLOCK), (3, BLOCK)]))
    assert told(collector_of(signers), votes_of(signers, [(0, BLOCK), (1, BLOCK)]))


def test_evidence_is_the_chains_own(signers: list[Signer]) -> None:
    """DuplicateVoteEvidence: the votes in the order of their blocks, powers and time of their height."""
    for first, second in [(BLOCK, OTHER), (OTHER, BLOCK), (None, BLOCK), (OTHER, None)]:
        for many in (True, False):  # read as columns, or one by one
            collector = collector_of(signers)
            raws = votes_of(signers, [(7, first), (7, second), *([(i, BLOCK) for i in range(20, 30)] if many else [])])
            (event,) = told(collector, raws)
            assert isinstance(event, Equivocation)
            report = event.verify()
            assert report.valid
            assert report.complete
            data = event.to_bytes(START_NS)
            found = wire.evidence(data)
            assert isinstance(found, DuplicateVote)
            assert structure.duplicate_vote_faults(found) == []
            assert (found.total_power, found.power, found.time_ns) == (400, 10, START_NS)
            assert {encoding.vote(one) for one in (found.first, found.second)} == set(raws[:2])
            again = RULES.read_equivocation(data, "wire", chain_id=CHAIN_ID)
            assert {*again} == {event.first, event.second}
            with pytest.raises(InputError):
                RULES.equivocation(event.first, event.first, event.validators, START_NS)


def test_the_time_of_a_vote_is_no_equivocation(signers: list[Signer]) -> None:
    """Two votes for one block prove nothing, whatever their times."""
    raws = votes_of(signers, [(5, BLOCK)])
    later = replace(wire.vote(raws[0]), time_ns=START_NS + 999)
    raws += [encoding.vote(one) for one in make_votes([signers[5]], [later])]
    collector = collector_of(signers)
    assert told(collector, raws) == []
    assert counted(collector) == {"counted": 1, "repeated": 1}


def test_different_parts_are_different_claims(signers: list[Signer]) -> None:
    collector = collector_of(signers)
    other = replace(BLOCK, parts_hash=b"q" * 32)
    assert len(told(collector, votes_of(signers, [(5, BLOCK), (5, other)]))) == 1


def test_every_flipped_bit_is_a_vote_that_does_not_count(signers: list[Signer]) -> None:
    """Each bit of a vote, read as columns: none counts, nobody is accused, and nothing is remembered."""
    (raw,) = votes_of(signers, [(3, BLOCK)], extension=b"ext")
    collector = collector_of(signers, extensions=True)
    flipped = [raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :] for at in range(len(raw)) for bit in range(8)]
    assert told(collector, flipped) == []
    assert (collector.counts["counted"], collector.kept) == (0, 0)
    counts = counted(collector)
    assert sum(counts.values()) == 8 * len(raw)
    assert {"malformed", "bad_signature", "bad_extension", "stranger", "late_height", "future_height"} == set(counts)
    told(collector, [raw])
    assert collector.counts["counted"] == 1


def test_lengths_off_by_one_and_other_data(signers: list[Signer]) -> None:
    (raw,) = votes_of(signers, [(3, BLOCK)])
    collector = collector_of(signers)
    wrong = [
        raw[:-1],
        raw[1:],
        raw + b"\0",
        raw + raw,
        b"",
        encoding.block_id(BLOCK),
        b"\x0a\x00" + raw,
        raw + b"\x78\x01",
    ]
    assert told(collector, wrong * 2) == []
    assert counted(collector) == {"malformed": 16}
    bad = [*votes_of(signers, [(3, BLOCK)], chain_id="another"), *votes_of(signers[::-1], [(3, BLOCK)])]
    bad.append(encoding.vote(replace(wire.vote(raw), position=4)))
    assert told(collector, bad * 4) == []
    assert counted(collector) == {"malformed": 16, "bad_signature": 4, "stranger": 8}


def test_extensions(signers: list[Signer]) -> None:
    """From 0.38 on: a precommit for a block has one, even an empty one; nothing else has."""
    everybody = [(i, BLOCK) for i in range(40)]
    for extension in (b"", b"prices", b"x" * 9000):
        raws = votes_of(signers, everybody, extension=extension)
        assert len(told(collector_of(signers, extensions=True), raws)) == 1
        collector = collector_of(signers, extensions=False)
        assert told(collector, raws) == []
        assert counted(collector) == {"bad_extension": 40}
    forged = [encoding.vote(replace(wire.vote(raw), extension=b"y" * 9000)) for raw in raws]
    collector = collector_of(signers)
    assert told(collector, forged) == []
    assert counted(collector) == {"bad_extension": 40}
    bare = votes_of(signers, everybody)
    collector = collector_of(signers, extensions=True)
    assert told(collector, bare) == []
    assert counted(collector) == {"bad_extension": 40}
    told(collector, votes_of(signers, everybody, type=PREVOTE) + votes_of(signers, [(i, None) for i in range(40)]))
    assert collector.counts["counted"] == 80


def test_secp256k1_and_ed25519_in_one_set() -> None:
    signers = make_signers(30, seed=5, schemes=("ed25519", "ecdsa-secp256k1"))
    collector = collector_of(signers)
    assert len(told(collector, votes_of(signers, [(i, BLOCK) for i in range(30)]))) == 1
    assert counted(collector) == {"counted": 30}


def test_the_largest_place(signers: list[Signer]) -> None:
    """Heights and rounds at the end of their range."""
    for height, round_ in [(2**63 - 1, 2**31 - 1), (1, 0)]:
        collector = collector_of(signers, height=height, round=round_)
        raws = votes_of(signers, [(i, BLOCK) for i in range(40)], height=height, round=round_)
        assert [(one.height, one.round) for one in told(collector, raws)] == [(height, round_)]


def test_columns_are_the_votes(signers: list[Signer]) -> None:
    """Every field of votes that are read many at a time, in rows of any form."""
    asked = [(i, (BLOCK, OTHER, None)[i % 3]) for i in range(40)]
    raws = votes_of(signers, asked, round=3) + votes_of(signers, asked, type=PREVOTE)
    raws += votes_of(signers, [(i, BLOCK) for i in range(40)], extension=b"e")
    column = as_column([b"skipped", *raws], "votes").slice(1, 121)
    found = RULES.read_votes(column, chain_id=CHAIN_ID)
    assert found.usual.all()
    assert found.extension_of.tolist() == list(range(80, 120))
    for i, raw in enumerate(raws):
        vote = RULES.read_vote(raw, "wire", chain_id=CHAIN_ID)
        assert (found.heights[i], found.rounds[i], found.kinds[i]) == (vote.height, vote.round, vote.kind)
        assert (found.claims[i], found.positions[i]) == (vote.claim, vote.position)
        assert bytes(found.addresses[i]) == vote.address
        assert (found.messages[i], found.signatures[i]) == (vote.message, vote.signature)
    claims = {id(one) for one in found.claims[:80] if one is not None}
    assert len(claims) == 2
    width = len(raws[0])
    same = [raw for raw in raws if len(raw) == width]
    rows = as_column(b"".join(same), "votes", width=width)
    assert RULES.read_votes(rows, chain_id=CHAIN_ID).usual.all()


def test_columns_of_nothing() -> None:
    for raws in ([], [b""], [b"no vote"] * 3):
        found = RULES.read_votes(as_column(raws, "votes"), chain_id=CHAIN_ID)
        assert found.usual.tolist() == [False] * len(raws)
        assert len(found.messages) == len(found.kinds) == len(found.claims) == len(raws)


def test_a_long_run_of_heights(signers: list[Signer]) -> None:
    """Votes of a hundred validators' worth of heights in batches that cross them: a quorum for each height and kind."""
    collector = collector_of(signers, height=1, limits=CollectorLimits(heights_behind=100, batch=300))
    heights = range(1, 21)
    for height in heights[1:]:
        collector.move_to(height, ValidatorSet([one.validator for one in signers]))
    everybody = [(i, BLOCK) for i in range(40)]
    raws = [raw for height in heights for raw in votes_of(signers, everybody, height=height)]
    events = told(collector, raws)
    assert [one.height for one in events] == list(heights)


# ---- published data --------------------------------------------------------------------------------------------------


def real_blocks(folder: Path) -> Iterator[LightBlock]:
    """Signed blocks with their validators: Celestia's test net, two of another, and 256 headers in a row."""
    for path in sorted(folder.glob("celestia_mocha4/*/signed_block.json")):
        yield rpc.light_block(path.read_text())
    for path in sorted(folder.glob("sp1_small-*")):
        yield rpc.light_block([(path / f"{part}.json").read_text() for part in ("signed_header", "validators")])
    for row in json.loads((folder / "lumina_extended_headers_1_to_256.json").read_text()):
        yield rpc.light_block(row)


@pytest.mark.vectors
def test_the_votes_of_real_commits(require_vectors: Callable[[str], Path], count_cases: CountCases) -> None:
    """Each signature of a published commit, as the vote that it was: a quorum for the block, told once."""
    blocks = votes = 0
    for block in real_blocks(require_vectors("cometbft")):
        commit, header = block.signed_header.commit, block.signed_header.header
        present = [i for i, slot in enumerate(commit.signatures) if slot.flag != ABSENT]
        raws = [encoding.vote(vote_of(commit, i)) for i in present]
        collector = VoteCollector(
            ValidatorSet(block.validators.validators), chain_id=header.chain_id, height=header.height,
            round=commit.round,
        )  # fmt: skip
        (event,) = told(collector, raws + raws[::3])
        assert (event.kind, event.round, event.claim) == ("precommit", commit.round, encoding.block_id(commit.block_id))
        assert counted(collector) == {"counted": len(raws), "duplicate": len(raws[::3])}
        assert [encoding.vote(vote_of(commit, i)) for i in present] == [
            vote.raw for vote in collector.votes(header.height, commit.round, "precommit")
        ]
        blocks, votes = blocks + 1, votes + len(raws)
    print(f"blocks {blocks}, votes {votes}")
    count_cases("commits of Celestia, SP1 and Lumina as votes", votes)
