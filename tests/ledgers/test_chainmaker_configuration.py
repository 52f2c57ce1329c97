"""Configuration blocks in a run: what moves the context, when, and what does not."""

from __future__ import annotations

import pytest
from chain_blocks import CONFIG, ConfiguredChain

from pycore import ledgers
from pycore.ledgers.chainmaker import ChainContext, Policy, configuration
from pycore.ledgers.chainmaker.block import MAX_BLOCK_BYTES
from pycore.ledgers.chainmaker.messages import BlockInfo

LEDGER = ledgers.get("chainmaker")


def run_of(chain, context=None):
    run = LEDGER.validate_chain(chain.blocks, context or chain.context)
    return list(run), run.checkpoint


def change_of(report):
    found = [check for check in report if check.name == "context_change"]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("authentication", ["certificate", "key"])
def test_a_new_node_counts_from_the_next_height(authentication):
    chain = ConfiguredChain(authentication=authentication)
    chain.add()
    chain.add_configuration(5)
    chain.elect(5)
    chain.add()
    chain.add()
    reports, checkpoint = run_of(chain)
    assert all(report.valid and report.complete for report in reports)
    assert [report.check("quorum").wanted for report in reports] == [3, 3, 4, 4]
    assert [change_of(report) is not None for report in reports] == [False, True, False, False]
    change = change_of(reports[1])
    assert change.ok is True
    assert set(change.got.split(", ")) == {"validators", "consensus_nodes", "trust_roots"}
    assert checkpoint.context.validators == chain.ids(5)
    assert len(checkpoint.context.trust_roots) == 5


def test_its_votes_do_not_count_before():
    """Two old nodes and the new one vote for the configuration block itself: two of four."""
    chain = ConfiguredChain()
    chain.add()
    chain.vote(0, 1, 4)
    chain.add_configuration(5)
    chain.vote(0, 1, 2, 4)
    chain.add()
    reports, checkpoint = run_of(chain)
    assert (reports[1].check("quorum").ok, reports[1].check("quorum").got) == (False, 2)
    assert reports[2].check("quorum").wanted == 3
    assert checkpoint.context.validators == chain.ids(4)
    assert checkpoint.broken == 2


def test_its_vote_is_one_of_the_quorum_after_it():
    chain = ConfiguredChain()
    chain.add_configuration(5)
    chain.vote(0, 1, 2, 4)
    chain.add()
    reports, _ = run_of(chain)
    assert [report.valid for report in reports] == [True, True]
    assert (reports[1].check("quorum").got, reports[1].check("quorum").wanted) == (4, 4)


def test_old_quorums_are_none_after_it():
    chain = ConfiguredChain()
    chain.add_configuration(5)
    chain.add()  # by three of the four old nodes
    reports, _ = run_of(chain)
    assert reports[0].valid
    assert (reports[1].check("quorum").ok, reports[1].check("quorum").wanted) == (False, 4)


def test_a_node_that_leaves():
    chain = ConfiguredChain(nodes=5)
    chain.add_configuration(4, signers=5)
    chain.vote(0, 1, 4)
    chain.add()
    reports, checkpoint = run_of(chain)
    assert (reports[1].check("quorum").ok, reports[1].check("quorum").got) == (False, 2)
    assert checkpoint.context.validators == chain.ids(4)


@pytest.mark.parametrize("spoil", ["endorsements", "quorum", "payload"])
def test_a_configuration_block_that_is_not_valid_moves_nothing(spoil):
    chain = ConfiguredChain()
    chain.add()
    chain.add_configuration(5, signers=1 if spoil == "endorsements" else 4)
    if spoil != "endorsements":
        info = BlockInfo.FromString(chain.blocks[1])
        if spoil == "quorum":
            info.block.additional_data.extra_data.clear()
        else:
            info.block.txs[0].payload.timestamp += 1
        chain.blocks[1] = info.SerializeToString()
    chain.add()
    reports, checkpoint = run_of(chain)
    assert [report.valid for report in reports] == [True, False, True]
    assert checkpoint.context.validators == chain.ids(4)
    assert checkpoint.broken == 2
    assert [change_of(report) for report in reports] == [None] * 3
    assert reports[2].check("quorum").wanted == 3
    assert not reports[2].complete


def test_a_configuration_block_in_a_broken_run_moves_nothing():
    chain = ConfiguredChain()
    for _ in range(2):
        chain.add()
    chain.add_configuration(5)
    del chain.blocks[0]
    reports, checkpoint = run_of(chain)
    assert [report.valid for report in reports] == [False, True]
    assert checkpoint.context.validators == chain.ids(4)


@pytest.mark.parametrize("missing", [{"previous_block_hash": None}, {"validators": (), "nodes": {}}])
def test_one_that_cannot_be_checked_completely_stops_the_context(missing):
    chain = ConfiguredChain()
    chain.add_configuration(5)
    chain.elect(5)
    chain.add()
    reports, checkpoint = run_of(chain, chain.context.replace(**missing))
    for report in reports:
        change = change_of(report)
        assert change.ok is None
        assert change.detail.startswith("block 1: it is not known to be sound: skipped ")
        assert not report.complete
    assert checkpoint.unclear == change.detail
    assert checkpoint.context.trust_roots == chain.context.trust_roots


def test_blocks_without_read_and_write_sets_move_it_too():
    chain = ConfiguredChain()
    chain.add_configuration(5)
    chain.elect(5)
    chain.add()
    chain.blocks = [BlockInfo.FromString(one).block.SerializeToString() for one in chain.blocks]
    reports, checkpoint = run_of(chain)
    assert all(report.valid for report in reports)
    assert [check.name for report in reports for check in report.skipped] == ["rw_sets"] * 2
    assert change_of(reports[0]).ok is True
    assert checkpoint.context.validators == chain.ids(5)


def test_everything_else_that_a_configuration_says():
    chain = ConfiguredChain()
    context = chain.context.replace(block_version=2030700)
    config = chain.configuration(4)
    config.version = "2030600"
    row = config.resource_policies.add(resource_name="C-m")
    row.policy.rule, row.policy.org_list[:] = "2", [chain.everybody[0].organisation]
    row.policy.role_list.append("admin")
    stranger = chain.builder.consortium.stranger
    config.trust_members.add(
        member_info=stranger.certificate_pem.decode(), org_id="org9", role="client", node_id="QmStranger"
    )
    chain.add(lambda block, sets: chain.configure(block, sets, config, method="PERMISSION_ADD"))
    chain.add()
    reports, checkpoint = run_of(chain, context)
    assert change_of(reports[0]).got == "block_version, trust_members, policies"
    assert checkpoint.context.policies == {"C-m": Policy("2", (chain.everybody[0].organisation,), ("ADMIN",))}
    assert checkpoint.context.trust_members[0].node_id == "QmStranger"
    assert reports[1].check("block_version").ok is False


@pytest.mark.parametrize("method", ["BLOCK_UPDATE", "GET_CHAIN_CONFIG"])
def test_a_configuration_that_is_the_same_in_all_that_a_context_holds(method):
    chain = ConfiguredChain()

    def change(block, sets):
        chain.configure(block, sets, chain.configuration(4), method=method)
        if method == "GET_CHAIN_CONFIG":
            sets[0].ClearField("tx_writes")
            del block.txs[0].result.contract_result.contract_event[:]

    chain.add(change)
    chain.add()
    reports, checkpoint = run_of(chain)
    assert all(report.valid and report.complete for report in reports)
    assert [change_of(report) for report in reports] == [None, None]
    assert not checkpoint.unclear


# ---- what is not followed --------------------------------------------------------------------------------------------


def renamed(contract, method):
    def change(chain, block, sets):
        chain.configure(block, sets, chain.configuration(4))
        tx = block.txs[0]
        tx.payload.contract_name, tx.payload.method = contract, method
        del tx.endorsers[:], tx.result.contract_result.contract_event[:]
        sets[0].ClearField("tx_writes")
        chain.sign(tx, *chain.builder.consortium.admins[:4])

    return change


def config_with(**values):
    def change(chain, block, sets):
        config = chain.configuration(4)
        for name, value in values.items():
            target, _, last = name.rpartition("__")
            setattr(getattr(config, target) if target else config, last, value)
        chain.configure(block, sets, config)

    return change


def beside(chain, block, sets):
    """The change is not alone in its block."""
    other, rw_set = block.txs[1].SerializeToString(), sets[1]
    chain.configure(block, sets, chain.configuration(4))
    block.txs.add().ParseFromString(other)
    block.dag.vertexes.add()
    sets.append(rw_set)


def twice(chain, block, sets):
    config = chain.configuration(4)
    config.trust_roots.append(config.trust_roots[0])
    chain.configure(block, sets, config)


def by_address(chain, block, sets):
    config = chain.configuration(4)
    config.consensus.nodes[0].address.append("/ip4/127.0.0.1")
    config.consensus.nodes[0].ClearField("node_id")
    chain.configure(block, sets, config)


def another_event(chain, block, sets):
    chain.configure(block, sets, chain.configuration(4))
    block.txs[0].result.contract_result.contract_event[0].event_data[0] += "00"


def another_write(chain, block, sets):
    chain.configure(block, sets, chain.configuration(4))
    sets[0].tx_writes[0].value += b"\x00"


def no_result(chain, block, sets):
    chain.configure(block, sets, chain.configuration(4))
    block.txs[0].result.contract_result.result = b""


def bad_result(chain, block, sets):
    chain.configure(block, sets, chain.configuration(4))
    result = block.txs[0].result.contract_result
    result.result = b"\x0a\xff"
    result.contract_event[0].event_data[0] = result.result.hex()
    sets[0].tx_writes[0].value = result.result


def failed_and_writes(chain, block, sets):
    chain.configure(block, sets, chain.configuration(4))
    block.txs[0].result.code = 4


def written_by_another(chain, block, sets):
    """A contract of a user that writes the configuration."""
    sets[1].tx_writes.add(key=CONFIG.encode(), value=b"x", contract_name=CONFIG)


def bad_policy(chain, block, sets):
    config = chain.configuration(4)
    config.resource_policies.add(resource_name="C-m").policy.rule = "SOMEBODY"
    chain.configure(block, sets, config)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (renamed("CERT_MANAGE", "CERTS_FREEZE"), "CERT_MANAGE-CERTS_FREEZE may change"),
        (renamed("CERT_MANAGE", "CERT_ALIAS_ADD"), "CERT_MANAGE-CERT_ALIAS_ADD may change"),
        (renamed(CONFIG, "GET_CHAIN_CONFIG_AT"), "is not the configuration"),
        (config_with(chain_id="chain2"), "chain_id 'chain2'"),
        (config_with(auth_type="public"), "auth_type"),
        (config_with(crypto__hash="SM3"), "hash 'SM3'"),
        (config_with(consensus__type=5), "consensus '5'"),
        (lambda *given: given[0].configure(*given[1:], given[0].configuration(4), block_type=0), "block of type 0"),
        (beside, "not alone"),
        (failed_and_writes, "was not successful"),
        (twice, "twice in trust_roots"),
        (by_address, "by address"),
        (another_event, "event has another result"),
        (another_write, "is not its result"),
        (no_result, "has no result"),
        (bad_result, "do not parse"),
        (bad_policy, "SOMEBODY"),
        (written_by_another, "by another contract"),
    ],
)
def test_what_cannot_be_followed_is_told_from_then_on(change, words):
    chain = ConfiguredChain()
    chain.add()
    chain.add(lambda block, sets: change(chain, block, sets))
    chain.add()
    chain.add_configuration(5)
    reports, checkpoint = run_of(chain)
    assert [report.valid for report in reports] == [True] * 4, [str(check) for check in reports[1].failed]
    assert change_of(reports[0]) is None
    for report in reports[1:]:
        assert change_of(report).ok is None
        assert words in change_of(report).detail
        assert change_of(report).detail.startswith("block 2: ")
        assert not report.complete
    assert checkpoint.context.validators == chain.ids(4)


def test_a_node_whose_certificate_is_not_known():
    chain = ConfiguredChain()
    chain.add_configuration(5)
    context = chain.context
    known = {node: context.nodes[node] for node in chain.ids(4)}
    reports, _ = run_of(chain, context.replace(nodes=known))
    assert f"`nodes`: {chain.ids(5)[4]}" in change_of(reports[0]).detail
    reports, _ = run_of(chain, context.replace(nodes=known, rules="compatible"))
    assert change_of(reports[0]).ok is True


def test_maxbft_chooses_its_validators_by_epoch():
    chain = ConfiguredChain(consensus="maxbft")
    chain.add()
    chain.add_configuration(5)
    reports, _ = run_of(chain)
    assert change_of(reports[0]) is None
    assert "consensus '3'" in change_of(reports[1]).detail


def test_state_of_the_consensus_in_a_header():
    from pycore.ledgers.chainmaker.messages import BlockHeaderConsensusArgs

    chain = ConfiguredChain(consensus="maxbft")

    def change(block, sets):
        arguments = BlockHeaderConsensusArgs.FromString(block.header.consensus_args)
        arguments.consensus_data.tx_writes.add(key=b"k", contract_name="GOVERNANCE")
        block.header.consensus_args = arguments.SerializeToString()

    chain.add(change)
    reports, _ = run_of(chain)
    assert reports[0].valid
    assert "validators may change" in change_of(reports[0]).detail


# ---- other system contracts ------------------------------------------------------------------------------------------


def call(chain, contract, method, *, sender, writes=()):
    """A block whose first transaction calls a system contract."""

    def change(block, sets):
        tx = block.txs[0]
        tx.payload.contract_name, tx.payload.method = contract, method
        del tx.endorsers[:]
        tx.ClearField("payer")
        sets[0].ClearField("tx_writes")
        for name in writes:
            sets[0].tx_writes.add(key=b"k", value=b"v", contract_name=name)
        chain.sign(tx, sender)

    chain.add(change)


def test_a_member_that_adds_its_certificate():
    chain = ConfiguredChain()
    client = chain.builder.consortium.clients[0]
    digest = chain.builder.consortium.certificate_hashes[client.name].hex()
    without = {name: pem for name, pem in chain.context.certificates.items() if name != digest}
    call(chain, "CERT_MANAGE", "CERT_ADD", sender=client, writes=["CERT_MANAGE"])

    def by_hash(block, sets):
        tx = block.txs[0]
        tx.ClearField("payer")
        chain.sign(tx, client)
        tx.sender.signer.CopyFrom(chain.builder.consortium.member(client, by_hash=True))

    chain.add(by_hash)
    context = chain.context.replace(certificates=without)
    reports, checkpoint = run_of(chain, context)
    assert reports[0].valid
    assert (change_of(reports[0]).ok, change_of(reports[0]).got) == (True, "certificates")
    assert 0 not in {fault.index for fault in reports[1].faults}
    assert checkpoint.context.certificates[digest] == chain.context.certificates[digest]
    assert 0 in {fault.index for fault in LEDGER.validate_block(chain.blocks[1], context).faults}


def test_any_bytes_as_a_configuration_move_the_context_or_are_unclear(rng):
    """Mutated configurations in a block that is otherwise as it should be."""
    chain = ConfiguredChain()
    chain.add_configuration(5)
    info = BlockInfo.FromString(chain.blocks[0])
    result = info.block.txs[0].result.contract_result
    good = result.result
    outcomes, longest = set(), 0
    for _ in range(600):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(len(data))
            if rng.random() < 0.3:
                del data[place : place + rng.randrange(1, 40)]
            else:
                data[place] = rng.randrange(256)
        result.result = bytes(data)
        result.contract_event[0].event_data[0] = data.hex()
        info.rwset_list[0].tx_writes[0].value = bytes(data)
        try:
            moved = configuration.next_context(info.block, info.rwset_list, chain.context)
            outcomes.add(type(moved))
        except configuration.UnclearError as error:
            outcomes.add(type(error))
            longest = max(longest, len(str(error)))
    assert longest < 600
    assert outcomes == {ChainContext, configuration.UnclearError}


def test_a_large_context_is_not_changed_for_ever(monkeypatch):
    chain = ConfiguredChain()
    chain.add_configuration(5)
    chain.elect(5)
    chain.add_configuration(4, signers=5)
    size = len(chain.whole.to_json(indent=None))
    for given, told in ((2 * size, [True, True]), (size, [True, None])):
        run = LEDGER.validate_chain(chain.blocks, chain.context)
        monkeypatch.setattr("pycore.ledgers.chainmaker.chain._MOVES_PER_BYTE", 0)
        run._state._room = given
        changes = [change_of(report) for report in run]
        assert [change.ok for change in changes] == told
    assert "too often" in changes[1].detail


@pytest.mark.parametrize(("writes", "sets", "unclear"), [((), True, False), ((CONFIG,), True, True), ((), False, True)])
def test_votes_of_several_signers_may_execute_anything(writes, sets, unclear):
    chain = ConfiguredChain()
    call(chain, "MULTI_SIGN", "VOTE", sender=chain.builder.consortium.admins[0], writes=writes)
    if not sets:
        chain.blocks = [BlockInfo.FromString(one).block.SerializeToString() for one in chain.blocks]
    reports, checkpoint = run_of(chain)
    assert reports[0].valid
    assert bool(checkpoint.unclear) is unclear


def test_a_genesis_block_moves_nothing():
    chain = ConfiguredChain()
    chain.add_configuration(5)
    info = BlockInfo.FromString(chain.blocks[0])
    header = info.block.header
    header.block_height = 0
    for name in ("block_hash", "signature", "proposer"):
        header.ClearField(name)
    header.block_hash = LEDGER.block_digests(info.SerializeToString(), hash="sha256")["block_hash"]
    context = chain.context.replace(height=0)
    run = LEDGER.validate_chain([info.SerializeToString()], context)
    report = next(run)
    assert report.valid
    assert change_of(report) is None
    assert run.checkpoint.context.validators == chain.ids(4)


def test_the_name_of_a_contract_elsewhere_changes_nothing():
    chain = ConfiguredChain()

    def change(block, sets):
        tx = block.txs[0]
        tx.payload.parameters[0].value = b"CHAIN_CONFIG CERT_MANAGE MULTI_SIGN"
        tx.ClearField("payer")
        chain.sign(tx, chain.builder.consortium.clients[0])

    chain.add(change)
    chain.add()
    reports, checkpoint = run_of(chain)
    assert all(report.valid and report.complete for report in reports)
    assert not checkpoint.unclear
    assert len(chain.blocks[0]) < MAX_BLOCK_BYTES
