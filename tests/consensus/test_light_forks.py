"""Forks: witnesses that know another chain, and the evidence."""

from __future__ import annotations

import pytest
from light_nodes import MOVING, SECOND, STEADY, Node, client, refused, unsigned

from pycore.consensus.light import (
    AttackDetected,
)
from pycore.consensus.votes import LightBlock
from pycore.ledgers.cometbft import encoding, evidence, wire
from pycore.ledgers.cometbft import messages as cometbft
from pycore.testing.cometbft_light import LightChain, resigned

# ---- forks -----------------------------------------------------------------------------------------------------------


def attack_of(data: bytes) -> cometbft.LightClientAttack:
    found = wire.evidence(data)
    assert isinstance(found, cometbft.LightClientAttack)
    return found


@pytest.mark.parametrize("chain", [STEADY, MOVING], ids=["steady", "moving"])
@pytest.mark.parametrize("kind", ["equivocation", "amnesia", "lunatic"])
def test_forks(chain: LightChain, kind: str) -> None:
    """Whoever is right: nothing is trusted, and each side is told of the evidence against the other."""
    fork = chain.forked(30, kind)
    for ours, theirs in ((chain, fork), (fork, chain)):
        primary, witness = Node(ours), Node(theirs)
        made = client(chain, primary, witness, root=28)
        with pytest.raises(AttackDetected) as error:
            made.verify(40, chain.now_ns)
        assert error.value.reason == "attack"
        assert made.heights() == [28]
        found = error.value.evidence
        assert set(found) == {"primary", "witness 0"}
        assert witness.evidence == [found["primary"]]
        assert primary.evidence == [found["witness 0"]]
        against = attack_of(found["primary"])
        height = against.conflicting.signed_header.header.height
        assert against.conflicting == ours.blocks[height]
        assert evidence.kind_of(against.conflicting.signed_header, theirs.blocks[height].signed_header) == kind
        if kind == "lunatic":
            assert 28 <= against.common_height < 30
        else:
            assert against.common_height == height
        voters = {slot.address for slot in against.conflicting.signed_header.commit.signatures}
        named = {one.address for one in against.byzantine}
        assert named <= voters
        assert bool(named) == (kind != "amnesia")


def test_a_fork_between_witnesses() -> None:
    """One of three witnesses is on another chain: that is enough."""
    made = client(STEADY, Node(STEADY), Node(STEADY), Node(STEADY.forked(30)), Node(STEADY))
    with pytest.raises(AttackDetected) as error:
        made.verify(40, STEADY.now_ns)
    assert set(error.value.evidence) == {"primary", "witness 1"}
    assert made.verify(29, STEADY.now_ns).height == 29  # below the fork all agree


def test_a_witness_that_contradicts_and_falls_silent() -> None:
    """Nothing is trusted in this call; the witness is dropped, so that it holds up no other."""
    witness = Node(STEADY)
    fork = STEADY.forked(30)
    witness.answer = lambda height: fork.block(height) if height == 40 else None
    made = client(STEADY, Node(STEADY), witness, Node(STEADY))
    assert "witness 0" in str(refused(made, 40, "conflict", STEADY.now_ns))
    assert [fault.name for fault in made.dropped] == ["witness 0"]
    assert made.verify(40, STEADY.now_ns).height == 40


def test_a_primary_that_does_not_defend_itself() -> None:
    fork = STEADY.forked(30)
    primary = Node(fork)
    primary.answer = lambda height: fork.block(height) if height == 40 else None
    made = client(STEADY, primary, Node(STEADY))
    with pytest.raises(AttackDetected) as error:
        made.verify(40, STEADY.now_ns)
    assert set(error.value.evidence) == {"primary"}


def test_a_header_of_the_future_of_the_chain() -> None:
    """A block above all that witnesses have, at a time at which they would have it: made up (forward lunatic)."""
    fork = STEADY.forked(31, "lunatic")
    witness = Node(STEADY)
    for height in range(33, 41):
        del witness.blocks[height]
    late = resigned(
        STEADY.blocks[32].signed_header.header, STEADY.signers[32],
        changes={"time_ns": fork.blocks[40].signed_header.header.time_ns + SECOND},
    )  # fmt: skip
    witness.blocks[32] = encoding.light_block(late)
    primary = Node(fork)
    made = client(STEADY, primary, witness)
    with pytest.raises(AttackDetected) as error:
        made.verify(40, STEADY.now_ns)
    against = attack_of(error.value.evidence["primary"])
    assert against.conflicting == fork.blocks[40]
    assert against.common_height == 1
    # A witness that is merely behind is silent.
    behind = Node(STEADY)
    for height in range(33, 41):
        del behind.blocks[height]
    made = client(STEADY, Node(STEADY), behind)
    assert "its last block is 32" in str(refused(made, 40, "witness", STEADY.now_ns))
    assert made.dropped == ()
    made = client(STEADY, Node(STEADY), behind, Node(STEADY))
    assert made.verify(40, STEADY.now_ns).height == 40


def test_a_witness_that_catches_up() -> None:
    """It does not have the block at first, and its latest one is that or a later one when it is asked."""
    for latest in (38, 40):
        witness, asked = Node(STEADY), []

        def answer(height: int, latest: int = latest, asked: list[int] = asked) -> LightBlock | None:
            asked.append(height)
            return None if asked == [38] else STEADY.block(height or latest)

        witness.answer = answer
        made = client(STEADY, Node(STEADY), witness)
        assert made.verify(38, STEADY.now_ns).height == 38


def test_backwards_a_fork_is_no_match_for_hashes() -> None:
    made = client(STEADY, Node(STEADY.forked(5)), Node(STEADY), root=20)
    assert made.verify(10, STEADY.now_ns).hash == STEADY.hash(10)
    assert [(fault.name, fault.kind) for fault in made.dropped] == [("primary", "invalid")]
    alone = client(STEADY, Node(STEADY.forked(5)), root=20)
    refused(alone, 10, "provider", STEADY.now_ns)


def test_backwards_the_commit_is_verified_as_well() -> None:
    """The header is proven by its hash; what is stored with it must be right too."""
    bad = Node(STEADY)
    bad.answer = lambda height: unsigned(height) if height == 10 else STEADY.block(height)
    made = client(STEADY, bad, root=20)
    assert "its commit" in str(refused(made, 10, "provider", STEADY.now_ns))
