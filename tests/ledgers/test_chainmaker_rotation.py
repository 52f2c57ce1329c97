"""Whose turn it was: the chain's rotation by hand, against a model of it, and in blocks that are otherwise valid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pki import TIME, identity
from sealed import LEDGER, ORG, certified_block

import pycore
from pycore.identities.x509 import parse_public_key
from pycore.ledgers.chainmaker import messages, quorum
from pycore.ledgers.chainmaker.ledger import ChainContext
from pycore.ledgers.chainmaker.node_id import node_id
from pycore.ledgers.chainmaker.rotation import BY_PREVIOUS_FROM, first_turn
from pycore.testing import generate_ledger

HEIGHT = 12
NAMES = ("node0", "node1", "node2", "node3")  # sorted


# ---- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "version", "blocks", "previous", "place"),
    [
        (12, 2030100, 1, "node1", 2),
        (12, 2030700, 1, "node3", 0),
        (12, 2030700, 10, "node1", 1),  # the chain's own unit test has such a row
        (20, 2030700, 10, "node1", 2),
        (12, 2030700, 1, "", 1),  # nobody known: the turn begins at the first
        (12, 2030700, 10, "", 0),
        (12, 2030700, 1, "removed", 1),
        (12, 2030099, 1, "node3", 1),  # (12 + 1) / 1 mod 4
        (12, 2300, 2, "node3", 2),
        (12, 220, 5, "node3", 2),
        (0, 220, 5, "", 0),
    ],
)
def test_first_turn_by_hand(height, version, blocks, previous, place):
    assert first_turn(NAMES, height, version, blocks, previous) == place


def as_read(names, height, version, blocks, previous, round_):
    """The chain's own code, step by step."""
    size = len(names)
    if version < 2030100:
        return names[((height + 1) // blocks + round_ % size) % size]
    offset = next((i for i, name in enumerate(names) if name == previous), 0)
    if height % blocks == 0:
        offset += 1
    return names[(round_ % size + offset) % size]


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8),
    st.integers(1, 10_000),
    st.sampled_from([220, 2300, BY_PREVIOUS_FROM - 1, BY_PREVIOUS_FROM, 2030700]),
    st.integers(1, 12),
    st.sampled_from([*"abcdefgh", "", "stranger"]),
    st.integers(0, 20),
)
def test_first_turn_is_the_chain_s(names, height, version, blocks, previous, round_):
    order = sorted(names)
    place = first_turn(order, height, version, blocks, previous)
    assert order[(place + round_) % len(order)] == as_read(order, height, version, blocks, previous, round_)


# ---- in blocks -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chain():
    root = identity(ORG, "root-cert", ca=True)
    nodes = [identity(ORG, "consensus", root) for _ in NAMES]
    context = ChainContext(
        chain_id="chain1", hash="sha256", trust_roots={ORG: (root.pem,)}, time=TIME, height=HEIGHT,
        previous_block_hash=bytes(32), validators=NAMES[::-1], blocks_per_proposer=1, previous_proposer="node1",
        nodes={name: who.pem for name, who in zip(NAMES, nodes, strict=True)},
    )  # fmt: skip
    return nodes, context


def block_of(nodes, proposer, *, round_=0, version=2030700, height=HEIGHT, **member):
    """A block by one of the nodes, with a certificate of all of them for the round."""
    names = map(node_name, nodes) if member else NAMES
    voters = dict(zip(names, nodes, strict=True))
    fields = {"block_version": version, "block_height": height}
    return certified_block(nodes[proposer], voters, round_=round_, **fields, **member)


def node_name(who):
    return node_id(parse_public_key(who.public_pem.encode()))


def turn(block, context, **changes):
    """The check; nothing else may fail."""
    report = LEDGER.validate_block(block, context.replace(**changes))
    assert {check.name for check in report.failed} <= {"proposer_turn"}, [str(check) for check in report.failed]
    return report.check("proposer_turn")


@pytest.mark.parametrize(
    ("changes", "round_", "version", "in_turn"),
    [
        ({}, 0, 2030700, {2}),
        ({}, 1, 2030700, {2, 3}),  # locked in round 0, or made in round 1
        ({}, 2, 2030700, {2, 3, 0}),
        ({}, 3, 2030700, {0, 1, 2, 3}),
        ({}, 2**31 - 1, 2030700, {0, 1, 2, 3}),
        ({"blocks_per_proposer": 5}, 0, 2030700, {1}),
        ({"blocks_per_proposer": 4}, 0, 2030700, {2}),
        ({"previous_proposer": "removed"}, 0, 2030700, {1}),
        ({"previous_proposer": ""}, 0, 2030700, {1}),
        ({"previous_proposer": None}, 0, 2030000, {1}),  # (12 + 1) mod 4: by the height alone
        ({"previous_proposer": "node3", "blocks_per_proposer": 2}, 1, 2030000, {2, 3}),
        ({"consensus": "dpos", "blocks_per_proposer": None}, 0, 2030700, {2}),
        ({"consensus": "dpos", "blocks_per_proposer": 5}, 0, 2030700, {2}),  # as read, DPoS takes no such setting
    ],
)
def test_who_may_propose(chain, changes, round_, version, in_turn):
    nodes, context = chain
    for proposer in range(4):
        found = turn(block_of(nodes, proposer, round_=round_, version=version), context, **changes)
        assert found.ok is (proposer in in_turn), (proposer, found)
        assert found.got == NAMES[proposer]
        assert found.ok or "not its turn" in found.detail


def test_compatible_does_not_ask(chain):
    nodes, context = chain
    report = LEDGER.validate_block(block_of(nodes, 0), context.replace(rules="compatible"))
    assert report.valid
    assert "proposer_turn" not in {check.name for check in report}


def test_a_negative_round_is_nobody_s_turn(chain):
    nodes, context = chain
    found = turn(block_of(nodes, 2, round_=-1), context)
    assert found.ok is False
    assert "round -1" in found.detail


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"blocks_per_proposer": None}, "how many blocks"),
        ({"previous_proposer": None}, "who proposed the block before"),
        ({"validators": ()}, "no validators"),
        ({"nodes": {}}, "no key of the nodes whose turn"),
    ],
)
def test_what_the_context_lacks(chain, changes, why):
    nodes, context = chain
    for proposer in (0, 2):
        found = turn(block_of(nodes, proposer), context, **changes)
        assert found.ok is None
        assert why in found.detail
        assert found.got == (None if "nodes" in changes else NAMES[proposer])


def test_some_nodes_are_known(chain):
    """Only the keys of those whose turn it was matter."""
    nodes, context = chain
    binding = {"voter_binding"}  # a vote of a node that the context does not list is not bound
    for known, proposer, ok in (({2}, 2, True), ({2}, 0, False), ({0}, 0, False), ({0}, 2, None), ({0}, 3, None)):
        listed = {NAMES[i]: nodes[i].pem for i in known}
        report = LEDGER.validate_block(block_of(nodes, proposer), context.replace(nodes=listed))
        assert {check.name for check in report.failed} - binding == ({"proposer_turn"} if ok is False else set())
        assert report.check("proposer_turn").ok is ok


def test_the_first_block_follows_nobody(chain):
    nodes, context = chain
    for proposer in range(4):
        block = block_of(nodes, proposer, height=1)
        assert turn(block, context, height=1, previous_proposer=None).ok is (proposer == 1)


def test_contexts_that_share_a_trust_store(chain):
    """The turn depends on what is no part of the trust that members are cached under."""
    nodes, context = chain
    block = block_of(nodes, 2)
    for previous, ok in (("node1", True), ("node2", False), ("node1", True)):
        assert turn(block, context, previous_proposer=previous).ok is ok
    assert turn(block, context, blocks_per_proposer=5).ok is False
    assert turn(block, context, validators=NAMES).ok


def test_bare_keys_need_no_list_of_nodes(chain):
    nodes, _ = chain

    def by_key(who):
        return messages.Member(member_type=2, member_info=who.public_pem.encode())

    ids = sorted(map(node_name, nodes))
    context = ChainContext(
        chain_id="chain1", hash="sha256", auth_type="Public", height=HEIGHT, previous_block_hash=bytes(32),
        validators=tuple(ids), consensus_nodes={"public": tuple(ids)}, blocks_per_proposer=1, previous_proposer=ids[3],
    )  # fmt: skip
    for proposer, who in enumerate(nodes):
        found = turn(block_of(nodes, proposer, member=by_key), context)
        assert found.ok is (node_name(who) == ids[0])
        assert found.got == node_name(who)


def test_a_certificate_that_does_not_parse_tells_no_round(chain):
    nodes, context = chain
    block = messages.Block.FromString(block_of(nodes, 2))
    block.additional_data.extra_data[quorum.TBFT_KEY] = b"\xff"
    report = LEDGER.validate_block(block.SerializeToString(), context)
    assert report.check("quorum").ok is False
    assert report.check("proposer_turn").ok is None
    assert "no round" in report.check("proposer_turn").detail


def test_a_proposer_whose_key_is_not_known(chain):
    nodes, context = chain
    block = messages.Block.FromString(block_of(nodes, 2))
    block.header.proposer.member_info = b"no certificate"
    report = LEDGER.validate_block(block.SerializeToString(), context)
    assert report.check("proposer_signature").ok is False
    assert report.check("proposer_turn").ok is None


@pytest.mark.parametrize("blocks_per_proposer", [0, -1, 2**32, True, "1", 1.0])
def test_a_setting_that_no_chain_has(blocks_per_proposer):
    with pytest.raises(pycore.InputError) as caught:
        ChainContext(blocks_per_proposer=blocks_per_proposer)
    assert caught.value.field == "context.blocks_per_proposer"


@pytest.mark.parametrize("previous_proposer", [5, "a b", ["node1"]])
def test_a_proposer_that_is_no_node_id(previous_proposer):
    with pytest.raises(pycore.InputError) as caught:
        ChainContext(previous_proposer=previous_proposer)
    assert caught.value.field == "context.previous_proposer"


@pytest.mark.parametrize("authentication", ["certificate", "key"])
def test_generated_ledgers_take_turns(authentication):
    made = generate_ledger(blocks=6, txs_per_block=1, authentication=authentication, endorsed_every=0)
    before = ""
    for index in range(6):
        known = made.context_for(index)
        assert known.previous_proposer == before
        found = LEDGER.validate_block(made.blocks[index], known).check("proposer_turn")
        assert found.ok
        assert LEDGER.validate_block(made.blocks[index], known.replace(validators=known.validators[1:])).failed
        before = found.got
