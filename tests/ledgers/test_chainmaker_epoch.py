"""Consensus arguments of a header: of the chain's consensus, and for DPoS one whole epoch or none."""

from __future__ import annotations

import pytest
from pki import TIME, identity
from sealed import LEDGER, ORG, certified_block

import pycore
from pycore._pb.ledgers.chainmaker.v1 import config_pb2, consensus_pb2, transaction_pb2
from pycore.ledgers.chainmaker import epoch, messages
from pycore.ledgers.chainmaker.ledger import ChainContext
from pycore.testing import generate_ledger

HEIGHT = 12
ADDRESSES, NODES = ("addrA", "addrB", "addrC"), ("nodeX", "nodeY", "nodeZ")


def write(contract, key, value):
    return transaction_pb2.TxWrite(contract_name=contract, key=key, value=value)


def new_epoch(*, number=6, until=112, proposers=ADDRESSES, nodes=NODES, copy=None):
    """The writes of a new epoch as the chain makes them; payments that end a stake come first."""
    made = consensus_pb2.Epoch(epoch_id=number, proposer_vector=proposers, next_epoch_create_height=until)
    config = config_pb2.ChainConfig(chain_id="chain1")
    config.consensus.type = 5
    config.consensus.nodes.add(org_id="dpos_org_id", node_id=nodes)
    data = made.SerializeToString()
    return [
        write("DPOS_ERC20", b"B/someone", b"100"),
        write("DPOS_ERC20", b"B/stake", b"900"),
        write("DPOS_ERC20", b"B/stake", b"800"),
        write("DPOS_STAKE", b"CE", data),
        write("DPOS_STAKE", b"E/%d" % number, data if copy is None else copy),
        write("CHAIN_CONFIG", b"CHAIN_CONFIG", config.SerializeToString()),
    ]


def arguments(writes=None, *, kind=5, **fields):
    made = messages.BlockHeaderConsensusArgs(consensus_type=kind, **fields)
    if writes is not None:
        made.consensus_data.tx_id = "dpos_module"
        made.consensus_data.tx_writes.extend(writes)
    return made.SerializeToString()


def header(data):
    return messages.BlockHeader(block_height=HEIGHT, consensus_args=data)


def judged(data, *consensus):
    return list(epoch.checks(header(data), consensus or ("dpos",)))


def test_a_block_that_makes_an_epoch():
    data = arguments(new_epoch())
    assert epoch.new_epoch(header(data)) == epoch.NewEpoch(6, 112, ADDRESSES, NODES)
    for consensus in (("dpos",), ("tbft", "dpos"), ()):  # a certificate does not tell TBFT from DPoS
        (check,) = epoch.checks(header(data), consensus)
        assert check.ok
        assert check.got == "epoch 6 of 3 validators, until height 112"


def test_a_block_that_makes_none():
    assert epoch.new_epoch(header(b"")) is None
    (check,) = judged(b"")
    assert (check.ok, check.got) == (True, "no new epoch")
    for consensus in (("tbft",), ("tbft", "dpos"), ("raft",), ("solo",), ("maxbft",), ()):
        assert list(epoch.checks(header(b""), consensus)) == []


def test_an_epoch_without_the_configuration_tells_no_nodes():
    data = arguments(new_epoch()[:-1])
    assert epoch.new_epoch(header(data)).nodes == ()
    assert judged(data)[0].ok


@pytest.mark.parametrize(
    ("writes", "why"),
    [
        (None, "no epoch"),
        ([], "no epoch"),
        (new_epoch()[:3], "no epoch"),
        (new_epoch()[:4], "under its number"),
        (new_epoch(copy=b"\x08\x06"), "under its number"),
        (new_epoch() + new_epoch()[3:4], "'CE' twice"),
        (new_epoch() + new_epoch()[5:], "'CHAIN_CONFIG' twice"),
        (new_epoch(until=HEIGHT), "ends at height 12"),
        (new_epoch(until=0), "ends at height 0"),
        (new_epoch(proposers=(), nodes=()), "0 proposers"),
        (new_epoch(proposers=("addrA", "addrA", "addrC")), "2 distinct"),
        (new_epoch(nodes=NODES[:2]), "2 nodes"),
        (new_epoch(nodes=("nodeX", "nodeY", "nodeX")), "3 nodes, 2 distinct"),
        ([*new_epoch(), write("CERT_MANAGE", b"x", b"y")], "a write to 'CERT_MANAGE'"),
        ([*new_epoch(), write("", b"", b"")], "a write to ''"),
        ([write("DPOS_STAKE", b"CE", b"\xff")], "does not parse|do not parse"),
        ([*new_epoch()[:5], write("CHAIN_CONFIG", b"CHAIN_CONFIG", b"\xff")], "do not parse"),
    ],
)
def test_an_epoch_that_contradicts_itself(writes, why):
    data = arguments(writes)
    (check,) = judged(data)
    assert check.ok is False
    with pytest.raises(pycore.InputError, match=why) as caught:
        epoch.new_epoch(header(data))
    assert caught.value.field.startswith("consensus_args")
    assert check.detail == f"strict: {caught.value}"


@pytest.mark.parametrize(
    ("consensus", "kind", "ok"),
    [
        ("tbft", 1, True), ("tbft", 3, False), ("tbft", 0, False), ("tbft", -1, False), ("tbft", 5, False),
        ("raft", 4, True), ("raft", 1, False), ("solo", 0, True), ("maxbft", 3, True), ("maxbft", 1, False),
        ("dpos", 1, False), ("", 1, True), ("", 77, True), ("tbft dpos", 1, True), ("tbft dpos", 4, False),
    ],
)  # fmt: skip
def test_the_consensus_that_wrote_them(consensus, kind, ok):
    (check,) = epoch.checks(header(arguments(kind=kind, view=1)), consensus.split())
    assert check.ok is ok


def test_only_dpos_and_maxbft_write():
    writes = [write("GOVERNANCE", b"GOVERNANCE", b"x")]
    for consensus, kind, ok in (("tbft", 1, False), ("raft", 4, False), ("maxbft", 3, True), ("solo", 0, False)):
        assert judged(arguments(writes, kind=kind, view=1), consensus)[0].ok is ok


@pytest.mark.parametrize("data", [b"\xff", b"\x22\x02\xff\xff", b"\x08"])
def test_arguments_that_do_not_parse(data):
    for consensus in ("dpos", "tbft", "maxbft"):
        assert judged(data, consensus)[0].ok is False


def test_records_are_counted_before_they_are_built(monkeypatch):
    monkeypatch.setattr(epoch, "MAX_WRITES", 6)
    assert judged(arguments(new_epoch()))[0].ok
    data = arguments([*new_epoch(), write("DPOS_ERC20", b"B/x", b"1")])
    assert "more than 6" in judged(data)[0].detail
    split = arguments(new_epoch()) + arguments([write("DPOS_ERC20", b"B/x", b"1")])  # one message in two parts
    assert "more than 6" in judged(split)[0].detail


# ---- in blocks -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chain():
    root = identity(ORG, "root-cert", ca=True)
    nodes = {f"node{i}": identity(ORG, "consensus", root) for i in range(4)}
    context = ChainContext(
        chain_id="chain1", hash="sha256", trust_roots={ORG: (root.pem,)}, time=TIME, height=HEIGHT,
        previous_block_hash=bytes(32), validators=tuple(nodes), blocks_per_proposer=1, previous_proposer="node1",
        nodes={name: who.pem for name, who in nodes.items()},
    )  # fmt: skip
    return nodes, context


@pytest.mark.parametrize(
    ("data", "consensus", "ok"),
    [
        (b"", "dpos", True),
        (arguments(new_epoch()), "dpos", True),
        (arguments(new_epoch(until=3)), "dpos", False),
        (arguments(new_epoch()), "tbft", False),
        (arguments(kind=3, view=5), "tbft", False),
        (arguments(new_epoch()), None, True),
        (arguments(kind=4), None, False),  # the block carries a certificate of TBFT
    ],
)
def test_strict_asks_and_compatible_does_not(chain, data, consensus, ok):
    nodes, context = chain
    block = certified_block(nodes["node2"], nodes, consensus_args=data)
    report = LEDGER.validate_block(block, context.replace(consensus=consensus))
    assert report.check("consensus_args").ok is ok
    assert {check.name for check in report.failed} == (set() if ok else {"consensus_args"})
    lax = LEDGER.validate_block(block, context.replace(consensus=consensus, rules="compatible"))
    assert lax.valid
    assert "consensus_args" not in {check.name for check in lax}


def test_the_votes_of_an_epoch_are_its_validators(chain):
    """DPoS: the nodes that an epoch names vote from the next height on, and those of before no more."""
    nodes, context = chain
    made = epoch.new_epoch(header(arguments(new_epoch(nodes=("node0", "node1", "node2")))))
    then = context.replace(consensus="dpos", height=HEIGHT + 1, validators=made.nodes, previous_proposer="node2")
    block = certified_block(nodes["node0"], {n: nodes[n] for n in made.nodes}, block_height=HEIGHT + 1)
    assert LEDGER.validate_block(block, then).valid
    assert LEDGER.validate_block(block, then.replace(validators=NODES)).check("quorum").ok is False


def test_maxbft_blocks_have_theirs():
    made = generate_ledger(blocks=1, txs_per_block=1, consensus="maxbft", endorsed_every=0)
    report = LEDGER.validate_block(made.blocks[0], made.context_for(0))
    assert report.check("consensus_args").ok
    assert "proposer_turn" not in {check.name for check in report}
