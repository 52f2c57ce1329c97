"""ChainMaker's bundles: what proves what, and that nothing in them can be changed."""

from __future__ import annotations

import dataclasses
import functools

import pytest
from chain_blocks import ConfiguredChain
from chainmaker_bundles import AT, PROOFS, TX, Chain, broken, configuring, holds, trusted_after

from pycore.ledgers.chainmaker import messages
from pycore.ledgers.proof import Inclusion, Statement
from pycore.testing.chainmaker import CONTRACT

MODES = [
    ("certificate", "tbft", "p256"),
    ("certificate", "maxbft", "sm2"),
    ("key", "tbft", "sm2"),
    ("key", "maxbft", "p256"),
]


chain_of = functools.cache(Chain)


@pytest.fixture(scope="module")
def chain():
    return chain_of()


# ---- what is proven --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", PROOFS.kinds)
@pytest.mark.parametrize("mode", MODES)
def test_every_kind_is_proven_in_every_mode(mode, kind, late):
    chain = chain_of(*mode)
    proven = PROOFS.check(chain.bundle(kind, late=late), chain.after if late else chain.before)
    assert holds(proven), [str(check) for check in proven.checks if not check.ok]
    assert proven.height == chain.block.header.block_height
    assert proven.block_hash == chain.block.header.block_hash
    assert proven.time == chain.block.header.block_timestamp
    assert len(proven.certified_by) == (0 if late else 3)
    assert set(proven.certified_by) <= set(chain.context.validators)
    assert proven.advanced is None


def test_the_facts_of_each_kind(chain):
    facts = {kind: PROOFS.check(chain.bundle(kind), chain.before).facts for kind in PROOFS.kinds}
    header, tx = chain.block.header, chain.block.txs[TX]
    assert facts["header"]["block_hash"] == header.block_hash.hex()
    assert facts["header"]["transactions"] == 5
    found = facts["transaction"]
    assert (found["tx_id"], found["contract"], found["method"]) == (tx.payload.tx_id, CONTRACT, tx.payload.method)
    assert found["successful"]
    assert found["sender"]["org_id"] == tx.sender.signer.org_id
    assert found["parameters"][1]["text"] == f"test-document-{AT}-{TX}.txt"
    assert bytes.fromhex(found["parameters"][1]["value"]).decode() == found["parameters"][1]["text"]
    assert facts["event"]["data"] == [f"test-document-{AT}-{TX}.txt", "1"]
    assert (facts["event"]["contract"], facts["event"]["topic"]) == (CONTRACT, tx.payload.method)
    assert facts["state"]["value"] == chain.value.hex()
    assert facts["state"]["contract"] == CONTRACT


def test_a_sender_has_one_id_by_certificate_and_by_hash(chain):
    ids = {}
    for index, tx in enumerate(chain.block.txs):
        bundle = PROOFS.make(chain.sources(index=index), Statement("transaction"), chain.before)
        ids.setdefault(tx.sender.signer.member_type, set()).add(
            PROOFS.check(bundle, chain.before).facts["sender"]["id"]
        )
    known = chain.context.certificates.keys()
    assert len(ids) == 2
    assert all(found <= known for found in ids.values())


def test_every_transaction_of_a_block_has_its_bundle(chain):
    for index, tx in enumerate(chain.block.txs):
        sources = chain.sources(tx_id=tx.payload.tx_id)
        del sources["index"]
        bundle = PROOFS.make(sources, Statement("transaction"), chain.before)
        assert bundle.inclusion.index == index
        assert PROOFS.check(bundle, chain.before).facts["tx_id"] == tx.payload.tx_id


def test_the_statements_block_may_be_the_trusted_one(chain):
    here = chain.trusted(AT)
    bundle = PROOFS.make(chain.sources(), Statement("transaction"), here)
    assert not bundle.certificate
    assert holds(PROOFS.check(bundle, here))


def test_gas_is_no_part_of_a_transaction(chain):
    bundle = chain.bundle("transaction")
    assert chain.block.txs[TX].result.contract_result.gas_used > 0
    assert messages.Transaction.FromString(bundle.statement.item).result.contract_result.gas_used == 0


# ---- nothing can be changed ------------------------------------------------------------------------------------------


def with_item(bundle, item):
    return dataclasses.replace(bundle, statement=dataclasses.replace(bundle.statement, item=item))


def parts_of(bundle):
    """Every string of bytes in a bundle, each with how to put another in its place."""
    for i, header in enumerate(bundle.headers):
        yield (
            f"headers[{i}]",
            header,
            lambda data, i=i: dataclasses.replace(
                bundle, headers=(*bundle.headers[:i], data, *bundle.headers[i + 1 :])
            ),
        )
    yield "certificate", bundle.certificate, lambda data: dataclasses.replace(bundle, certificate=data)
    nodes = bundle.inclusion.nodes
    for i, node in enumerate(nodes):
        yield (
            f"nodes[{i}]",
            node,
            lambda data, i=i: dataclasses.replace(
                bundle, inclusion=dataclasses.replace(bundle.inclusion, nodes=(*nodes[:i], data, *nodes[i + 1 :]))
            ),
        )
    yield "item", bundle.statement.item, lambda data: with_item(bundle, data)
    statement = bundle.statement
    yield (
        "key",
        statement.key,
        lambda data: dataclasses.replace(bundle, statement=dataclasses.replace(statement, key=data)),
    )


@pytest.mark.parametrize("rules", ["strict", "compatible"])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", ["transaction", "state"])
@pytest.mark.parametrize("mode", MODES)
def test_no_bit_can_be_flipped(mode, kind, late, rules):
    """One bit in 1601; tests/fuzz/flip_bundles.py flips all of those in tests/vectors/bundles."""
    chain = chain_of(*mode, rules=rules)
    bundle, trusted = chain.bundle(kind, late=late), chain.after if late else chain.before
    assert holds(PROOFS.check(bundle, trusted))
    accepted = []
    for name, data, put in parts_of(bundle):
        for bit in range(0, 8 * len(data), 1601):
            changed = bytearray(data)
            changed[bit >> 3] ^= 1 << (bit & 7)
            if holds(PROOFS.check(put(bytes(changed)), trusted)):
                accepted.append((name, bit))
    assert not accepted


def test_no_part_can_be_longer_or_shorter(chain):
    for kind in ("transaction", "state"):
        for late in (False, True):
            bundle, trusted = chain.bundle(kind, late=late), chain.after if late else chain.before
            for _, data, put in parts_of(bundle):
                for changed in (data[:-1], data[1:], data + b"\0", b"\0" + data, data + data, b""):
                    if changed != data:
                        broken(PROOFS.check(put(changed), trusted))


@pytest.mark.parametrize("late", [False, True])
def test_no_number_can_be_changed(chain, late):
    bundle, trusted = chain.bundle("event", late=late), chain.after if late else chain.before
    where, statement = bundle.inclusion, bundle.statement
    for index in (*range(9), -1, 1 << 64):
        if index != where.index:
            changed = dataclasses.replace(bundle, inclusion=dataclasses.replace(where, index=index))
            assert {"index", "inclusion"} & {*broken(PROOFS.check(changed, trusted))}
    for count in (0, 1, 2, 3, 4, 6, 8, 1 << 32):
        changed = dataclasses.replace(bundle, inclusion=dataclasses.replace(where, count=count))
        assert broken(PROOFS.check(changed, trusted)) == ["tx_count"]
    for event in (2, 3, -1):
        changed = dataclasses.replace(bundle, statement=dataclasses.replace(statement, event=event))
        assert broken(PROOFS.check(changed, trusted)) == ["event"]


def test_the_twin_of_an_odd_leaf_has_no_place(chain):
    last = len(chain.block.txs) - 1
    bundle = PROOFS.make(chain.sources(index=last), Statement("transaction"), chain.before)
    twin = dataclasses.replace(bundle.inclusion, index=last + 1)
    assert broken(PROOFS.check(dataclasses.replace(bundle, inclusion=twin), chain.before)) == ["index"]


def test_nodes_cannot_be_more_or_fewer_or_in_another_order(chain):
    bundle = chain.bundle("transaction")
    nodes = bundle.inclusion.nodes
    for changed in ((), nodes[:-1], (*nodes, nodes[0]), nodes[::-1]):
        where = dataclasses.replace(bundle.inclusion, nodes=changed)
        broken(PROOFS.check(dataclasses.replace(bundle, inclusion=where), chain.before))


def test_nodes_are_one_digest_each(chain):
    bundle = chain.bundle("transaction")
    nodes = bundle.inclusion.nodes
    for changed in ((b"".join(nodes),), (*nodes, b""), (nodes[0][:16], nodes[0][16:], *nodes[1:])):
        where = dataclasses.replace(bundle.inclusion, nodes=changed)
        assert broken(PROOFS.check(dataclasses.replace(bundle, inclusion=where), chain.before)) == ["inclusion"]


def test_parts_that_a_kind_has_not_are_refused(chain):
    header = chain.bundle("header")
    for changed in (
        dataclasses.replace(header, statement=Statement("header", item=b"\0")),
        dataclasses.replace(header, statement=Statement("header", key=b"a#b")),
        dataclasses.replace(header, statement=Statement("header", event=1)),
        dataclasses.replace(header, inclusion=Inclusion(count=5)),
        dataclasses.replace(header, inclusion=Inclusion(nodes=(bytes(32),))),
        dataclasses.replace(header, headers=()),
        dataclasses.replace(chain.bundle("transaction"), statement=Statement("transaction")),
        dataclasses.replace(header, statement=Statement("state", item=b"\0", key=b"no separator")),
    ):
        assert broken(PROOFS.check(changed, chain.before)) == ["parts"]
    bundle = chain.bundle("header", late=True)
    voted = dataclasses.replace(bundle, certificate=chain.bundle("header").certificate)
    assert broken(PROOFS.check(voted, chain.after)) == ["certificate"]
    signed = dataclasses.replace(bundle, headers=(chain.bundle("header").headers[0], *bundle.headers[1:]))
    assert broken(PROOFS.check(signed, chain.after)) == ["signatures"]


def test_one_kind_does_not_pass_for_another(chain):
    for late in (False, True):
        trusted = chain.after if late else chain.before
        for kind in PROOFS.kinds:
            bundle = chain.bundle(kind, late=late)
            for other in {*PROOFS.kinds} - {kind}:
                statement = dataclasses.replace(bundle.statement, kind=other)
                if other == "event":  # its first would be a sound statement
                    statement = dataclasses.replace(statement, event=5)
                changed = dataclasses.replace(bundle, statement=statement)
                broken(PROOFS.check(changed, trusted))


# ---- certificates ----------------------------------------------------------------------------------------------------


def votes_of(bundle):
    return messages.VoteSet.FromString(bundle.certificate)


def with_votes(bundle, votes):
    return dataclasses.replace(bundle, certificate=votes.SerializeToString(deterministic=True))


def test_a_certificate_has_one_form(chain):
    bundle = chain.bundle("header")

    def repeat(votes):
        votes.maj23 = chain.block.header.block_hash

    def count(votes):
        votes.sum = 3

    def by_block(votes):
        votes.votes_by_block["x"].sum = 1

    def other_name(votes):
        name = min(votes.votes)
        votes.votes["a"].CopyFrom(votes.votes[name])
        del votes.votes[name]

    def lines(votes):
        signer = votes.votes[min(votes.votes)].endorsement.signer
        signer.member_info = signer.member_info.replace(b"\n", b"\r\n")

    def end(votes):
        signer = votes.votes[min(votes.votes)].endorsement.signer
        signer.member_info = signer.member_info.rstrip()

    def stranger(votes):
        votes.votes["a"].CopyFrom(votes.votes[min(votes.votes)])
        votes.votes["a"].voter = "a"

    def other_block(votes):
        votes.votes["a"].CopyFrom(votes.votes[min(votes.votes)])
        votes.votes["a"].hash = bytes(32)

    for change in (repeat, count, by_block, other_name, lines, end, stranger, other_block):
        votes = votes_of(bundle)
        change(votes)
        changed = with_votes(bundle, votes)
        assert broken(PROOFS.check(changed, chain.before)) == ["certificate"], change.__name__
    unknown = votes_of(bundle)
    first = unknown.votes[min(unknown.votes)].endorsement
    first.MergeFromString(b"\x7a\x01\x00")  # field 15
    assert broken(PROOFS.check(with_votes(bundle, unknown), chain.before)) == ["certificate"]


def test_what_a_node_stores_with_the_votes_is_left_out(chain):
    block = messages.Block.FromString(chain.ledger.blocks[AT])
    key = "TBFTAddtionalDataKey"
    votes = messages.VoteSet.FromString(block.additional_data.extra_data[key])
    assert votes.maj23
    votes.votes_by_block["x"].sum = 3
    signer = votes.votes[min(votes.votes)].endorsement.signer
    signer.member_info = b"\r\n".join(signer.member_info.splitlines())
    block.additional_data.extra_data[key] = votes.SerializeToString()
    made = PROOFS.make({"block": block.SerializeToString()}, Statement("header"), chain.before)
    assert made == chain.bundle("header")


def test_two_of_four_votes_are_no_quorum(chain):
    bundle = chain.bundle("header")
    votes = votes_of(bundle)
    del votes.votes[max(votes.votes)]
    assert broken(PROOFS.check(with_votes(bundle, votes), chain.before)) == ["quorum"]


def test_without_validators_or_nodes_nothing_is_proven(chain):
    for changes, missing in (
        ({"validators": ()}, "quorum"),
        ({"nodes": {}}, "voter_binding"),
        ({"trust_roots": {}}, "trust_roots"),
        ({"consensus": None}, "quorum"),
        ({"hash": None}, "hash"),
    ):
        trusted = dataclasses.replace(chain.before, context=chain.context.replace(**changes))
        proven = PROOFS.check(chain.bundle("header"), trusted)
        assert missing in broken(proven)
        assert all(check.ok is not False for check in proven.checks), "nothing is wrong, it is only not known"


@pytest.mark.parametrize("consensus", ["raft", "solo"])
def test_the_proposer_alone_makes_a_block_final_where_there_are_no_votes(consensus):
    chain = Chain(consensus="tbft")
    context = chain.context.replace(consensus=consensus)
    trusted = dataclasses.replace(chain.before, context=context)
    bundle = PROOFS.make(chain.sources(), Statement("transaction"), trusted)
    assert not bundle.certificate
    proven = PROOFS.check(bundle, trusted)
    assert holds(proven)
    voted = dataclasses.replace(bundle, certificate=chain.bundle("header").certificate)
    assert broken(PROOFS.check(voted, trusted)) == ["certificate"]


# ---- the trusted state -----------------------------------------------------------------------------------------------


def test_another_trusted_block_proves_nothing(chain):
    other = dataclasses.replace(chain.before, block_hash=bytes(32))
    assert broken(PROOFS.check(chain.bundle("header"), other)) == ["previous_hash"]
    other = dataclasses.replace(chain.after, block_hash=bytes(32))
    assert broken(PROOFS.check(chain.bundle("header", late=True), other)) == ["last_hash"]
    other = dataclasses.replace(chain.after, height=chain.after.height + 1)
    assert broken(PROOFS.check(chain.bundle("header", late=True), other)) == ["last_height"]
    other = dataclasses.replace(chain.before, chain_id="another")
    assert broken(PROOFS.check(chain.bundle("header"), other)) == ["header_chain_id"]


def test_headers_follow_each_other(chain):
    bundle = chain.bundle("header", late=True)
    first, second, third = bundle.headers
    for headers, name in (
        ((first, third), "height"),
        ((second, third), None),
        ((first, second), "last_height"),
        ((first, second, second), "height"),
        ((first, first, second, third), "height"),
    ):
        proven = PROOFS.check(dataclasses.replace(bundle, headers=headers), chain.after)
        if name is None:
            assert holds(proven)  # a sound bundle of the next block
        else:
            assert broken(proven) == [name]


def test_epochs_are_known_of_the_next_block_only():
    chain = Chain("certificate", "maxbft")
    bundle = PROOFS.make({"block": chain.ledger.blocks[2]}, Statement("header"), chain.before)
    assert broken(PROOFS.check(bundle, chain.before)) == ["configuration"]
    assert holds(PROOFS.check(bundle, chain.trusted(1)))


def test_a_configuration_between_moves_the_validators():
    """Block 0 is trusted, block 1 changes the configuration, block 2 says so."""
    chain = ConfiguredChain()
    chain.add()
    chain.add_configuration(5)
    chain.elect(5)
    chain.add(lambda block, sets: setattr(block.header, "pre_conf_height", block.header.block_height - 1))
    trusted = trusted_after(chain, 0)
    bundle = PROOFS.make({"block": chain.blocks[2]}, Statement("header"), trusted)
    assert broken(PROOFS.check(bundle, trusted)) == ["configuration"]
    moved = PROOFS.advance(configuring(chain, 1, trusted), trusted)
    assert holds(moved), [str(check) for check in moved.checks if not check.ok]
    assert moved.advanced.context.validators == chain.ids(5)
    assert moved.advanced.block_hash == chain.hashes[2]
    assert moved.checks[-1].got == "trust_roots, validators, consensus_nodes"
    after = PROOFS.check(PROOFS.make({"block": chain.blocks[2]}, Statement("header"), moved.advanced), moved.advanced)
    assert holds(after)
    assert after.checks[[check.name for check in after.checks].index("quorum")].wanted == 4
