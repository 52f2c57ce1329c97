"""Proof bundles of FISCO BCOS 3.x: every kind, every bit, and what they do not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pycore import ledgers
from pycore.errors import InputError
from pycore.ledgers.fisco import FiscoContext, v3_items, v3_records
from pycore.ledgers.proof import Bundle, Inclusion, Statement, Trusted
from pycore.ledgers.tars import encode
from pycore.testing.fisco import FiscoChain, ethereum_transaction, rpc_block, rpc_header, rpc_receipt, rpc_transaction

LEDGER = ledgers.get("fisco-bcos")
RULES = LEDGER.proofs
HASHES = ["keccak256", "sm3"]
NAME = "chain0/group0"
KINDS = {"header": 0, "transaction": 2, "receipt": 4, "event": 1}


class World:
    """A chain of four blocks of which the second is trusted."""

    def __init__(self, hash, version=0, changes=None):
        self.chain = FiscoChain(13, hash=hash, version=version)
        more = [ethereum_transaction(i, kind=i, nonce=i) for i in range(4)]
        first = self.chain.context(rules="compatible")
        self.blocks = self.chain.run(4, transactions=3, extra=more, changes=changes)
        self.trusted = Trusted("fisco-bcos", NAME, 2, self.blocks[1].hash, first)

    def bundle(self, kind, block=3, index=None, **statement):
        sources = {"block": self.blocks[block - 1].data}
        if kind != "header":
            sources["index"] = KINDS[kind] if index is None else index
        if block < 2:
            sources["headers"] = [self.blocks[i].header.encode() for i in range(block, 2)]
        return RULES.make(sources, Statement(kind, **statement), self.trusted)


@pytest.fixture(scope="module", params=HASHES)
def world(request):
    return World(request.param)


def failures(bundle, trusted):
    """Names of the checks that did not pass."""
    return [check.name for check in RULES.check(bundle, trusted).checks if not check.ok]


def item(bundle, data):
    return replace(bundle, statement=replace(bundle.statement, item=data))


def octets(value):
    return value.encode() if isinstance(value, str) else value


def flips(data, step):
    """The bytes with one bit flipped, for every step-th bit."""
    for bit in range(0, 8 * len(data), step):
        yield bit, data[: bit // 8] + bytes((data[bit // 8] ^ 1 << bit % 8,)) + data[bit // 8 + 1 :]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_every_kind_is_proven_above_at_and_below_the_trusted_block(world, kind, block):
    bundle = world.bundle(kind, block)
    proven = RULES.check(bundle, world.trusted)
    assert all(check.ok for check in proven.checks), [str(check) for check in proven.checks]
    assert (proven.height, proven.block_hash) == (block, world.blocks[block - 1].hash)
    assert proven.time == world.blocks[block - 1].header.timestamp / 1000
    assert len(proven.certified_by) == (4 if block > 2 else 0)
    assert proven.facts


def test_what_the_facts_say(world):
    block = world.blocks[2]
    facts = RULES.check(world.bundle("transaction"), world.trusted).facts
    data = block.transactions[2]["data"]
    assert facts["transaction_id"] == "0x" + block.tx_hashes[2].tobytes().hex()
    assert (facts["contract"], facts["input"], facts["nonce"]) == (data["to"], data["input"].hex(), data["nonce"])
    assert "sender" not in facts  # no tree commits to a signature
    ethereum = RULES.check(world.bundle("transaction", index=5), world.trusted).facts
    assert ethereum["sender"] == LEDGER.transaction_sender(encode(v3_records.TRANSACTION, block.transactions[5]))
    log = block.receipts[1]["data"]["logs"][0]
    event = RULES.check(world.bundle("event"), world.trusted).facts
    assert event == {"contract": log["address"], "topic": log["topics"][0].hex(), "data": [log["data"].hex()]}
    receipt = RULES.check(world.bundle("receipt"), world.trusted).facts
    assert (receipt["status"], receipt["gas_used"], receipt["block_number"]) == (0, 21000, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_of_every_part_matters(world, kind):
    """One bit in eleven, so that each place in a byte comes; tests/fuzz/fuzz_fisco.py --bundles tries all of them."""
    bundle = world.bundle(kind)
    tried = 0
    wrong = [(f"header {bit}", replace(bundle, headers=(data,))) for bit, data in flips(bundle.headers[0], 11)]
    wrong += [(f"item {bit}", item(bundle, data)) for bit, data in flips(bundle.statement.item, 11)]
    for i, node in enumerate(bundle.inclusion.nodes):
        for bit, data in flips(node, 37):
            nodes = (*bundle.inclusion.nodes[:i], data, *bundle.inclusion.nodes[i + 1 :])
            wrong.append((f"node {i} {bit}", replace(bundle, inclusion=replace(bundle.inclusion, nodes=nodes))))
    for name, one in wrong:
        assert failures(one, world.trusted), name
        tried += 1
    assert tried > 500


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_and_parts_that_are_not_of_the_kind(world, kind):
    bundle = world.bundle(kind)
    for change in (1, 2, 4, 8, 1 << 20):
        if kind != "header":
            other = replace(bundle.inclusion, index=bundle.inclusion.index ^ change)
            assert failures(replace(bundle, inclusion=other), world.trusted)
        if kind != "event":
            other = replace(bundle.statement, event=change)
            assert "statement" in failures(replace(bundle, statement=other), world.trusted)
        counted = replace(bundle.inclusion, count=change)
        assert "statement" in failures(replace(bundle, inclusion=counted), world.trusted)
    keyed = replace(bundle.statement, key=b"k")
    assert failures(replace(bundle, statement=keyed), world.trusted) == ["statement"]
    assert failures(replace(bundle, certificate=b"c"), world.trusted) == ["form"]
    assert failures(replace(bundle, chain_id="chain0/group1"), world.trusted) == ["chain_id"]
    assert failures(replace(bundle, headers=()), world.trusted) == ["form"]
    assert failures(replace(bundle, headers=(b"",)), world.trusted) == ["headers"]
    assert failures(replace(bundle, headers=bundle.headers * 2), world.trusted) == ["links"]
    if kind == "header":
        assert failures(item(bundle, b"x"), world.trusted) == ["statement"]
        nodes = replace(bundle, inclusion=Inclusion(nodes=(bytes(32),)))
        assert failures(nodes, world.trusted) == ["statement"]
    else:
        nodes = bundle.inclusion.nodes
        for wrong in (nodes[:-1], (*nodes, bytes(32)), (), nodes[:3], nodes * 70):
            other = replace(bundle.inclusion, nodes=wrong)
            assert failures(replace(bundle, inclusion=other), world.trusted) == ["inclusion"]


def test_an_event_of_another_number_is_another_claim(world):
    first, second = (RULES.check(world.bundle("event", index=2, event=i), world.trusted) for i in (0, 1))
    assert first.facts != second.facts
    for number in (2, -1):
        bundle = world.bundle("event", index=2)
        other = replace(bundle, statement=replace(bundle.statement, event=number))
        assert failures(other, world.trusted) == ["item"]


def test_events_are_proven_under_compatible_only(world):
    bundle = world.bundle("event")
    strict = replace(world.trusted, context=world.trusted.context.replace(rules="strict"))
    proven = RULES.check(bundle, strict)
    assert [check.name for check in proven.checks if check.ok is not True] == ["log_bounds"]
    assert proven.checks[-1].ok is None
    assert not proven.facts
    for kind in ("header", "transaction", "receipt"):
        assert not failures(world.bundle(kind), strict)


def test_a_border_that_moves_between_fields_gives_no_second_item(world):
    bundle = world.bundle("transaction")
    values = {**world.blocks[2].transactions[2]["data"]}
    right = v3_items.transaction(bundle.statement.item, world.chain.hash, world.trusted.context)
    for front, back, size in (("nonce", "to", 1), ("to", "input", 1), ("to", "input", 42), ("input", "abi", 4)):
        for sign in (1, -1):
            moved = dict(values)
            one, two = (
                v.encode() if isinstance(v, str) else v for v in (values.get(front, b""), values.get(back, b""))
            )
            cut = len(one) - size if sign > 0 else min(size, len(two))
            joined = (one[:cut], one[cut:] + two) if sign > 0 else (one + two[:cut], two[cut:])
            moved |= dict(zip((front, back), joined, strict=True))
            data = encode(v3_records.TRANSACTION, {"data": moved})
            found = v3_items.transaction(data, world.chain.hash, world.trusted.context)
            assert found.fault or found == right, (front, back, sign)
    shifted = {**values, "chain_id": "chain0g", "group_id": "roup0"}
    data = encode(v3_records.TRANSACTION, {"data": shifted})
    assert v3_items.transaction(data, world.chain.hash, world.trusted.context).fault == "another group"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({}, ""),
        ({"to": "", "input": b"\x60\x80"}, ""),
        ({"to": "", "input": b"0x60"}, "goes on like"),
        ({"to": "", "input": b"xyz"}, "goes on like"),
        ({"to": "/apps/hello"}, "another form"),
        ({"nonce": "a-b"}, "another form"),
        ({"nonce": ""}, "another form"),
        ({"version": 2}, "extension"),
        ({"version": 1, "gas_limit": 5}, ""),
        ({"version": 1, "gas_limit": 5, "max_fee_per_gas": "0x5"}, ""),
        ({"version": 1, "gas_limit": 0x307835}, "goes on like the fees"),
        ({"version": 1, "gas_limit": 1 << 56}, "nothing parts"),
        ({"version": 1, "gas_limit": 5, "max_fee_per_gas": "5"}, "nothing parts"),
    ],
)
def test_items_that_could_be_read_in_another_way(data, fault):
    context = FiscoContext(hash="sm3", chain_id="c", group_id="g")
    values = {
        "chain_id": "c",
        "group_id": "g",
        "block_limit": 9,
        "nonce": "12",
        "to": "0x" + "ab" * 20,
        "input": b"\1",
    } | data
    found = v3_items.transaction(encode(v3_records.TRANSACTION, {"data": values}), "sm3", context)
    assert fault in found.fault
    assert bool(found.fault) == bool(fault)


@pytest.mark.parametrize(
    ("data", "good"),
    [
        ({}, True), ({"contract_address": "ab" * 20}, True), ({"contract_address": "ab" * 19}, False),
        ({"gas_used": "05"}, False), ({"gas_used": ""}, False), ({"gas_used": "1" * 21}, False),
        ({"status": -1}, False), ({"status": 1 << 24}, False), ({"version": 2}, False), ({"block_number": 8}, False),
        ({"logs": [{"address": "ab", "topics": [], "data": b""}]}, False),
    ],
)  # fmt: skip
def test_receipts_that_could_be_read_in_another_way(data, good):
    values = {"version": 0, "gas_used": "5", "output": b"x", "block_number": 7} | data
    found = v3_items.receipt(encode(v3_records.RECEIPT, {"data": values}), "sm3", 7)
    assert (not found.fault) == good


def test_a_higher_s_in_a_certificate_is_refused():
    world = World("keccak256")
    header = world.blocks[2].header
    order = v3_items.ORDER
    at, one = header.signatures[0]
    other = one[:32] + (order - int.from_bytes(one[32:64], "big")).to_bytes(32, "big") + bytes((one[64] ^ 1,))
    assert v3_items.low_s(other) == one
    high = replace(header, signatures=((at, other), *header.signatures[1:]))
    assert failures(Bundle("fisco-bcos", NAME, 2, b"", (high.encode(stated=False),)), world.trusted) == ["headers"]
    unordered = replace(header, signatures=header.signatures[::-1])
    assert failures(Bundle("fisco-bcos", NAME, 2, b"", (unordered.encode(stated=False),)), world.trusted) == ["headers"]
    assert not failures(RULES.make({"block": rpc_header(unordered)}, Statement("header"), world.trusted), world.trusted)


def test_bundles_are_made_from_answers_of_a_node(world):
    block = world.blocks[2]
    header = {**rpc_header(block.header), "transactions": []}
    for kind, key, answer in (
        ("transaction", "txProof", rpc_transaction(block.transactions[2])),
        ("receipt", "txReceiptProof", rpc_receipt(block.receipts[4])),
    ):
        wanted = world.bundle(kind)
        nodes = [node.hex() for node in wanted.inclusion.nodes]
        made = RULES.make({"block": header, kind: {**answer, key: nodes}}, Statement(kind), world.trusted)
        assert made == wanted
    whole = {"block": rpc_block(block), "index": 2}
    assert RULES.make(whole, Statement("header"), world.trusted).statement.kind == "header"
    for sources in ({}, {"block": block.data}, {"block": block.data, "index": 99}, {"block": block.data, "more": 1}):
        with pytest.raises(InputError, match="sources"):
            RULES.make(sources, Statement("transaction"), world.trusted)


def test_the_trusted_state_advances_and_takes_a_list_that_its_nodes_vouch_for():
    world = World("sm3", changes={3: [("addSealer", 5, 1)]})
    same = RULES.advance(world.bundle("header", 3), world.trusted).advanced
    assert (same.height, same.block_hash, same.context) == (3, world.blocks[2].hash, world.trusted.context)
    moved = RULES.advance(world.bundle("header", 4), world.trusted).advanced
    assert moved.height == 4
    assert set(moved.context.sealers) == {*world.trusted.context.sealers, world.chain.node_ids[5].hex()}
    assert moved.context.rules == "compatible"
    sources = {"block": world.blocks[2].data, "headers": [world.blocks[3].header.encode()]}
    both = RULES.make(sources, Statement("header"), world.trusted)
    assert RULES.advance(both, world.trusted).advanced == moved
    assert RULES.advance(world.bundle("header", 2), world.trusted).advanced is None
    strangers = replace(world.trusted, context=world.trusted.context.replace(
        sealers=tuple(sorted(node.hex() for node in world.chain.node_ids[4:8]))))  # fmt: skip
    assert RULES.advance(world.bundle("header", 4), strangers).advanced is None
    assert failures(world.bundle("header", 4), strangers) == ["sealer_list"]


def test_a_trusted_state_that_does_not_tell_enough(world):
    for missing in ({"hash": None}, {"chain_id": None}, {"sealers": ()}, {"generation": 2}):
        trusted = replace(world.trusted, context=world.trusted.context.replace(**missing))
        assert failures(world.bundle("header"), trusted) == ["context"]


def test_a_fork_of_the_trusted_block_is_refused(world):
    other = replace(world.trusted, block_hash=bytes(32))
    assert failures(world.bundle("header", 3), other) == ["trusted_block"]
    assert failures(world.bundle("header", 2), other) == ["trusted_block"]
    assert failures(world.bundle("header", 1), other) == ["trusted_block"]
    signed = replace(world.bundle("header", 2), headers=(world.blocks[1].header.encode(stated=False),))
    assert failures(signed, world.trusted) == ["headers"]


@pytest.mark.parametrize("hash", HASHES)
def test_headers_of_release_candidate_4_are_no_part_of_a_bundle(hash):
    """Their hash has the lower half of every number: heights, times and weights would be anybody's choice."""
    chain = FiscoChain(13, hash=hash)
    block = chain.block(1, version=4)
    trusted = Trusted("fisco-bcos", NAME, 0, chain.genesis_hash, chain.context())
    bundle = RULES.make({"block": block.data}, Statement("header"), trusted)
    high = 1 << 32
    header = replace(block.header, data_hash=b"", timestamp=block.header.timestamp + high)
    assert header.hash(hash) == block.hash
    for one in (bundle, replace(bundle, headers=(replace(header, timestamp=0).encode(),))):
        assert failures(one, trusted) == ["headers"]
    assert LEDGER.validate_block(block.data, chain.context(1, chain.genesis_hash)).valid
    for change in (
        {"number": 1 + high, "parents": ((high, chain.genesis_hash),)},
        {"weights": tuple(weight + high for weight in header.weights)},
        {"sealer": header.sealer + high},
    ):
        moved = replace(block.header, **change)
        assert moved.hash(hash) == block.hash
        values = {"version": 3, "type": 1, "header": moved.values()}
        report = LEDGER.validate_block(encode(v3_records.BLOCK, values), chain.context())
        assert "structure" in [check.name for check in report.failed]


def test_receipts_of_many_logs_are_refused_before_they_cost(world):
    """Logs and topics of whole words, so that the bound on rows, which small ones meet first, is not what refuses."""
    bundle = world.bundle("receipt")
    for kind in ("receipt", "event"):
        for logs, topics in ((1 << 14) + 1, 0), (1, 1 << 17):
            listed = [{"address": "", "topics": [bytes(32)] * topics, "data": bytes(32)}] * logs
            values = {"version": 0, "gas_used": "1", "block_number": 3, "logs": listed}
            data = encode(v3_records.RECEIPT, {"data": values})
            other = replace(bundle, statement=Statement(kind, data))
            check = RULES.check(other, world.trusted).checks[-1]
            assert (check.name, check.ok) == ("item", False)
            assert "logs that are read" in check.got
