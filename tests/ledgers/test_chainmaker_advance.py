"""ChainMaker's bundles: what moves a trusted state, what statements say, and what bundles are made of."""

from __future__ import annotations

import dataclasses

import pytest
from chain_blocks import CONFIG, ConfiguredChain
from chainmaker_bundles import AT, PROOFS, Chain, broken, configuring, holds, trusted_after

from pycore import testing
from pycore.errors import InputError
from pycore.ledgers.chainmaker import messages, proof_forms
from pycore.ledgers.proof import Bundle, Statement, Trusted
from pycore.testing.chainmaker import CHAIN_ID


@pytest.fixture(scope="module")
def chain():
    return Chain()


def votes_of(bundle):
    return messages.VoteSet.FromString(bundle.certificate)


def with_votes(bundle, votes):
    return dataclasses.replace(bundle, certificate=votes.SerializeToString(deterministic=True))


# ---- advancing -------------------------------------------------------------------------------------------------------


def test_a_header_moves_the_place(chain):
    bundle = PROOFS.make({"block": chain.ledger.blocks[3]}, Statement("header"), chain.before)
    moved = PROOFS.advance(bundle, chain.before)
    assert holds(moved)
    assert moved.advanced == chain.after


def test_nothing_moves_back_or_stays(chain):
    for trusted in (chain.after, chain.trusted(AT)):
        bundle = PROOFS.make(chain.sources(late=trusted is chain.after), Statement("header"), trusted)
        assert holds(PROOFS.check(bundle, trusted))
        moved = PROOFS.advance(bundle, trusted)
        assert broken(moved) == ["forward"]
        assert moved.advanced is None


def test_a_wrong_bundle_moves_nothing(chain):
    bundle = chain.bundle("header")
    votes = votes_of(bundle)
    del votes.votes[max(votes.votes)]
    assert PROOFS.advance(with_votes(bundle, votes), chain.before).advanced is None


@pytest.mark.parametrize("kind", ["event", "state"])
def test_other_statements_move_nothing(chain, kind):
    moved = PROOFS.advance(chain.bundle(kind), chain.before)
    assert broken(moved) == ["context_change"]
    assert moved.advanced is None


def test_an_ordinary_transaction_moves_nothing(chain):
    assert PROOFS.advance(chain.bundle("transaction"), chain.before).advanced is None


def test_the_header_of_a_configuration_block_moves_nothing():
    chain = ConfiguredChain()
    chain.add()
    chain.add_configuration(5)
    trusted = trusted_after(chain, 0)
    bundle = PROOFS.make({"block": chain.blocks[1]}, Statement("header"), trusted)
    assert holds(PROOFS.check(bundle, trusted))
    moved = PROOFS.advance(bundle, trusted)
    assert broken(moved) == ["context_change"]
    assert moved.advanced is None


def test_a_change_that_is_not_followed_moves_nothing():
    chain = ConfiguredChain()
    chain.add()
    config = chain.configuration(5)
    config.consensus.type = 5
    chain.add(lambda block, sets: chain.configure(block, sets, config))
    trusted = trusted_after(chain, 0)
    moved = PROOFS.advance(configuring(chain, 1, trusted), trusted)
    assert broken(moved) == ["context_change"]
    assert moved.checks[-1].ok is None
    assert moved.advanced is None


def test_a_change_that_the_policy_forbids_moves_nothing():
    chain = ConfiguredChain()
    chain.add()
    chain.add_configuration(5, signers=1)
    trusted = trusted_after(chain, 0)
    moved = PROOFS.advance(configuring(chain, 1, trusted), trusted)
    assert broken(moved) == ["transaction"]
    assert moved.advanced is None


def test_a_block_that_ends_an_epoch_moves_nothing():
    chain = ConfiguredChain(consensus="maxbft")
    chain.add()

    def end_epoch(block, sets):
        arguments = messages.BlockHeaderConsensusArgs.FromString(block.header.consensus_args)
        arguments.consensus_data.tx_writes.add(key=b"k", value=b"v", contract_name="GOVERNANCE")
        block.header.consensus_args = arguments.SerializeToString()

    chain.add(end_epoch)
    chain.add()
    trusted = trusted_after(chain, 0)
    bundle = PROOFS.make({"block": chain.blocks[1]}, Statement("header"), trusted)
    assert holds(PROOFS.check(bundle, trusted))
    assert broken(PROOFS.advance(bundle, trusted)) == ["context_change"]
    trusted = trusted_after(chain, 1)
    bundle = PROOFS.make({"block": chain.blocks[2]}, Statement("header"), trusted)
    assert PROOFS.advance(bundle, trusted).advanced is not None


def test_a_configuration_among_other_transactions_is_not_believed():
    """A block of two transactions, with the type of a configuration block."""
    chain = ConfiguredChain()
    chain.add()

    def two(block, sets):
        first = messages.Transaction.FromString(block.txs[0].SerializeToString())
        rw_set = messages.TxRWSet.FromString(sets[0].SerializeToString())
        chain.configure(block, sets, chain.configuration(5))
        block.txs.add().CopyFrom(first)
        sets.append(rw_set)
        block.txs[1].payload.tx_id = rw_set.tx_id = "other"
        chain.sign(block.txs[1], chain.builder.consortium.admins[0])
        block.dag.vertexes.add()

    chain.add(two)
    trusted = trusted_after(chain, 0)
    bundle = configuring(chain, 1, trusted)
    assert PROOFS.check(bundle, trusted).facts["contract"] == CONFIG
    assert broken(PROOFS.advance(bundle, trusted)) == ["context_change"]


# ---- statements ------------------------------------------------------------------------------------------------------


def test_a_failed_transaction_has_no_events_and_says_that_it_failed():
    chain = ConfiguredChain()
    chain.add()

    def fail(block, sets):
        block.txs[0].result.code = 4
        block.txs[0].result.contract_result.contract_event.add(topic="t", contract_name="c")

    chain.add(fail)
    trusted = trusted_after(chain, 0)
    sources = {"block": chain.blocks[1], "index": 0}
    proven = PROOFS.check(PROOFS.make(sources, Statement("transaction"), trusted), trusted)
    assert proven.facts["successful"] is False
    event = PROOFS.make(sources, Statement("event"), trusted)
    assert broken(PROOFS.check(event, trusted)) == ["result"]


def test_records_of_an_item_are_counted_before_they_are_built(monkeypatch):
    chain = ConfiguredChain()
    chain.add()

    def many(block, sets):
        for _ in range(30):
            block.txs[0].result.contract_result.contract_event.add(topic="t")
            sets[0].tx_writes.add(key=b"k", contract_name="c")

    chain.add(many)
    trusted = trusted_after(chain, 0)
    sources = {"block": chain.blocks[1], "index": 0}
    bundles = [
        PROOFS.make(sources, statement, trusted)
        for statement in (Statement("transaction"), Statement("event", event=29), Statement("state", key=b"c#other"))
    ]
    assert [holds(PROOFS.check(bundle, trusted)) for bundle in bundles] == [True, True, False]
    monkeypatch.setattr(proof_forms, "MAX_RECORDS", 29)
    for bundle in bundles:
        assert broken(PROOFS.check(bundle, trusted)) == ["item"]


def test_a_key_is_written_once():
    chain = ConfiguredChain()
    chain.add()

    def twice(block, sets):
        sets[0].tx_writes.add(key=b"k", value=b"1", contract_name="c")
        sets[0].tx_writes.add(key=b"k", value=b"2", contract_name="c")

    chain.add(twice)
    trusted = trusted_after(chain, 0)
    for key in (b"c#k", b"c#other"):
        bundle = PROOFS.make({"block": chain.blocks[1], "index": 0}, Statement("state", key=key), trusted)
        assert broken(PROOFS.check(bundle, trusted)) == ["write"]


def test_a_transaction_with_a_bad_signature_is_not_proven():
    made = testing.generate_ledger(blocks=2, txs_per_block=2, suite="p256", seed=5, invalid_every=2)
    bad = made.invalid_in(1)
    trusted = Trusted("chainmaker", CHAIN_ID, 1, made.blocks.previous_hash(1), made.context)
    for index in range(2):
        bundle = PROOFS.make({"block": made.blocks[1], "index": index}, Statement("transaction"), trusted)
        assert holds(PROOFS.check(bundle, trusted)) is (index not in bad)
    assert bad


# ---- making ----------------------------------------------------------------------------------------------------------


def test_an_item_finds_its_place(chain):
    bundle = chain.bundle("transaction")
    again = PROOFS.make({"block": chain.ledger.blocks[AT]}, bundle.statement, chain.before)
    assert again == bundle


@pytest.mark.parametrize(
    ("sources", "statement", "field"),
    [
        ({"block": None}, Statement("header"), "sources.block"),
        ({"block": "text"}, Statement("header"), "sources.block"),
        ({"block": b"\xff"}, Statement("header"), "block"),
        ({"blocks": b""}, Statement("header"), "sources.blocks"),
        ({"index": 5}, Statement("transaction"), "sources.index"),
        ({"index": True}, Statement("transaction"), "sources.index"),
        ({"index": None}, Statement("transaction"), "sources.index"),
        ({"index": None, "tx_id": "nobody's"}, Statement("transaction"), "sources.tx_id"),
        ({}, Statement("transaction", item=b"\x0a\x00"), "statement.item"),
        ({"rw_set": b"\xff"}, Statement("state", key=b"c#k"), "sources.rw_set"),
    ],
)
def test_a_source_that_does_not_fit_is_named(chain, sources, statement, field):
    given = {key: value for key, value in chain.sources(**sources).items() if value is not None}
    with pytest.raises(InputError) as error:
        PROOFS.make(given, statement, chain.before)
    assert error.value.field == field


def test_what_making_cannot_do_without_is_named(chain):
    block = {"block": chain.ledger.blocks[AT]}
    for sources, trusted, field in (
        ({**block, "index": 0}, chain.before, "sources.rw_set"),
        (block, chain.after, "sources.following"),
    ):
        with pytest.raises(InputError) as error:
            PROOFS.make(sources, chain.statement("state"), trusted)
        assert error.value.field == field
    for name in ("hash", "consensus"):
        trusted = dataclasses.replace(chain.before, context=chain.context.replace(**{name: None}))
        with pytest.raises(InputError) as error:
            PROOFS.make(block, Statement("header"), trusted)
        assert error.value.field == f"trusted.context.{name}"
    bare = messages.Block.FromString(chain.ledger.blocks[AT])
    bare.additional_data.Clear()
    with pytest.raises(InputError) as error:
        PROOFS.make({"block": bare.SerializeToString()}, Statement("header"), chain.before)
    assert error.value.field == "sources.block"


def test_making_is_the_same_from_headers_and_from_blocks(chain):
    headers = [messages.Block.FromString(data).header.SerializeToString() for data in chain.ledger.blocks[AT + 1 :]]
    made = PROOFS.make(chain.sources(following=headers), Statement("transaction"), chain.after)
    assert made == chain.bundle("transaction", late=True)
    assert isinstance(made, Bundle)
