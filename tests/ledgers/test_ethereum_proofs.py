"""Bundles of Ethereum: every kind holds, and no bit and no number of one can be changed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest

from pycore import evidence, hash, ledgers
from pycore.base import rlp
from pycore.errors import InputError
from pycore.ledgers.proof import Bundle, Inclusion, Statement, Trusted
from pycore.testing.ethereum import EthereumChain, MadeBlock, rpc_block, rpc_receipt

LEDGER = ledgers.get("ethereum")
PROOFS = LEDGER.proofs


class World:
    """Three blocks, of which the last is trusted."""

    def __init__(self) -> None:
        self.chain = EthereumChain(21)
        self.blocks = [
            self.chain.block(self.chain.transactions([0, 1, 2, 3, 4] * 4)),
            self.chain.block(),
            self.chain.block(),
        ]
        first: MadeBlock = self.blocks[0]
        last = self.blocks[-1]
        self.trusted = Trusted("ethereum", "1", 3, last.hash, LEDGER.context({"chain_id": 1}))
        self.address = max(self.chain.state.storage, key=lambda one: len(self.chain.state.storage[one]))
        self.slot = next(iter(self.chain.state.storage[self.address]))
        self.sources = {
            "block": first.wire,
            "links": [one.header for one in self.blocks[1:]],
            "receipts": [rpc_receipt(one) for one in first.receipts],
            "index": 7,
            "proof": self.chain.state.answer(self.address, [self.slot, bytes(32)]),
        }

    def make(self, kind: str) -> Bundle:
        """A bundle of a kind: "account" and "slot" are states, "nothing" a slot without a value."""
        keys = {"account": self.address, "slot": self.address + self.slot, "nothing": self.address + bytes(32)}
        statement = Statement("state", key=keys[kind]) if kind in keys else Statement(kind)
        return PROOFS.make(self.sources, statement, self.trusted)


@pytest.fixture(scope="module")
def world():
    return World()


THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
KINDS = ["header", "transaction", "receipt", "event", "account", "slot", "nothing"]


def holds(bundle, trusted):
    """Whether the claim is proven; the answer never raises, and has facts only where it is."""
    found = PROOFS.check(bundle, trusted)
    proven = all(check.ok for check in found.checks)
    assert proven == bool(found.facts)
    return proven


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_of_each_kind(world, kind):
    bundle = world.make(kind)
    found = PROOFS.check(bundle, world.trusted)
    assert all(check.ok for check in found.checks), [str(one) for one in found.checks]
    assert (found.height, found.block_hash) == (1, world.blocks[0].hash)
    assert found.time == 1_700_000_000.0
    if kind == "transaction":
        assert found.facts["sender"] == LEDGER.transaction_sender(world.blocks[0].records[7])
        assert found.facts["index"] == 7
    elif kind == "event":
        assert found.facts["data"] == "0x" + (1007).to_bytes(32, "big").hex()
    elif kind == "account":
        nonce, balance = world.chain.state.accounts[world.address]
        assert (found.facts["nonce"], found.facts["balance"]) == (nonce, str(balance))
    elif kind == "slot":
        value = world.chain.state.storage[world.address][world.slot]
        assert found.facts["value"] == str(value)
        assert found.facts["value_hex"] == f"{value:064x}"
    elif kind == "nothing":
        assert found.facts["value"] == "0"


def parts_of(bundle):
    """Every byte string of a bundle: (what it is, its bytes, the bundle with others in its place)."""
    for i, one in enumerate(bundle.headers):
        yield (
            f"headers[{i}]",
            one,
            lambda x, i=i: replace(bundle, headers=(*bundle.headers[:i], x, *bundle.headers[i + 1 :])),
        )
    nodes = bundle.inclusion.nodes
    for i, one in enumerate(nodes):
        yield (
            f"nodes[{i}]", one,
            lambda x, i=i: replace(bundle, inclusion=replace(bundle.inclusion, nodes=(*nodes[:i], x, *nodes[i + 1 :]))),
        )  # fmt: skip
    yield "item", bundle.statement.item, lambda x: replace(bundle, statement=replace(bundle.statement, item=x))
    yield "key", bundle.statement.key, lambda x: replace(bundle, statement=replace(bundle.statement, key=x))
    yield "trusted_hash", bundle.trusted_hash, lambda x: replace(bundle, trusted_hash=x)
    yield "certificate", bundle.certificate, lambda x: replace(bundle, certificate=x)


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit(world, kind):
    """Under the profile "thorough"; else each ninth, which reaches every position in a byte."""
    bundle = world.make(kind)
    flips = 0
    for name, data, put in parts_of(bundle):
        for at in range(0 if THOROUGH else len(kind) % 8, 8 * len(data), 1 if THOROUGH else 9):
            changed = bytearray(data)
            changed[at // 8] ^= 1 << at % 8
            if kind == "nothing" and name == "key":  # a neighbour without a value: another claim, which is as true
                assert PROOFS.check(put(bytes(changed)), world.trusted).facts.get("slot") != "0x" + data[20:].hex()
                continue
            assert not holds(put(bytes(changed)), world.trusted), (name, at)
            flips += 1
        for other in (data + b"\0", data[:-1] if data else b"\x01"):
            assert not holds(put(other), world.trusted), name
    assert flips > (1000 if THOROUGH else 100)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_and_lists(world, kind):
    bundle = world.make(kind)
    inclusion, claim, headers = bundle.inclusion, bundle.statement, bundle.headers
    node = inclusion.nodes[-1:] or (b"\xc0",)
    others = [
        replace(bundle, trusted_height=4), replace(bundle, trusted_height=2), replace(bundle, headers=()),
        replace(bundle, headers=headers[:-1]),
        replace(bundle, headers=(*headers, headers[-1])), replace(bundle, headers=headers[::-1]),
        replace(bundle, headers=(headers[0], headers[2])),
        replace(bundle, inclusion=replace(inclusion, count=1)), replace(bundle, inclusion=replace(inclusion, count=-1)),
        replace(bundle, inclusion=replace(inclusion, nodes=(*inclusion.nodes, *node))),
        replace(bundle, inclusion=replace(inclusion, nodes=(*inclusion.nodes, b"\x80"))),
        *(
            replace(bundle, inclusion=replace(inclusion, index=inclusion.index + by))
            for by in (1, -1, 1 << 32, -(1 << 40))
        ),
        *(replace(bundle, statement=replace(claim, event=event)) for event in (1, -1, 1 << 40)),
    ]  # fmt: skip
    if inclusion.nodes:
        others.append(replace(bundle, inclusion=replace(inclusion, nodes=inclusion.nodes[:-1])))
        others.append(replace(bundle, inclusion=replace(inclusion, nodes=inclusion.nodes[::-1])))
    for other in others:
        if other != bundle:
            assert not holds(other, world.trusted)
    next_block = PROOFS.check(replace(bundle, headers=headers[1:]), world.trusted)
    if kind in ("transaction", "receipt", "event"):
        assert not next_block.facts
    else:  # the state did not change, so the claim about the next block is as true
        assert next_block.height == 2


def test_nothing_above_the_trusted_block_is_proven(world):
    later = world.chain.block(world.chain.transactions([2]))
    bundle = PROOFS.make({"block": later.wire}, Statement("transaction"), world.trusted)
    assert not holds(bundle, world.trusted)
    linked = replace(bundle, headers=(world.blocks[-1].header, later.header))
    assert not holds(linked, world.trusted)
    moved = PROOFS.advance(world.make("header"), world.trusted)
    assert moved.advanced is None
    assert not all(check.ok for check in moved.checks)


def test_the_trusted_block_itself_and_forms_of_sources(world):
    last = world.blocks[-1]
    assert holds(PROOFS.make({"block": rpc_block(last)}, Statement("header"), world.trusted), world.trusted)
    first = world.make("transaction")
    for links in (
        rlp.encode_list(b"".join(one.header for one in world.blocks[1:])), [rpc_block(one) for one in world.blocks[1:]],
    ):  # fmt: skip
        sources = world.sources | {"block": rpc_block(world.blocks[0]), "links": links}
        assert PROOFS.make(sources, Statement("transaction"), world.trusted) == first
    first_id = "0x" + hash("keccak256", world.blocks[0].records[7]).hex()
    by_hash = {name: one for name, one in world.sources.items() if name != "index"} | {"tx_id": first_id}
    for kind in ("transaction", "receipt", "event"):
        assert PROOFS.make(by_hash, Statement(kind), world.trusted) == world.make(kind)
    named = PROOFS.make(
        world.sources | {"index": 0}, Statement("transaction", item=first.statement.item), world.trusted
    )
    assert named == first


def test_sources_that_are_missing_or_do_not_fit(world):
    for change, kind, name in (
        ({"index": 20}, "transaction", "sources.index"), ({"index": -1}, "transaction", "sources.index"),
        ({"block": None}, "header", "block"), ({"links": 7}, "header", "sources.links"),
        ({"receipts": None}, "event", "receipts"),
        ({"more": 1}, "header", "sources"), ({"tx_id": "0x11", "index": 0}, "transaction", "sources.tx_id"),
        ({"block": b"\xc0"}, "header", "sources.block"),
    ):  # fmt: skip
        with pytest.raises(InputError) as error:
            PROOFS.make(world.sources | change, Statement(kind), world.trusted)
        assert name in str(error.value)
    with pytest.raises(InputError, match=r"statement\.key"):
        PROOFS.make(world.sources, Statement("state", key=bytes(20)), world.trusted)
    with pytest.raises(InputError, match="storageProof"):
        PROOFS.make(world.sources, Statement("state", key=world.address + b"\x07" * 32), world.trusted)
    assert isinstance(world.make("header").inclusion, Inclusion)


def test_a_chain_id_that_is_another(world):
    other = replace(world.trusted, chain_id="5")
    assert not holds(replace(world.make("transaction"), chain_id="5"), other)


def test_one_header_or_receipt_by_itself():
    chain = EthereumChain(22)
    first, last = chain.block(chain.transactions([2])), chain.block()
    trusted = Trusted("ethereum", "1", 2, last.hash, LEDGER.context({"chain_id": 1}))
    for links in (last.header, [last.header], rlp.encode_list(last.header), rpc_block(last), last.wire):
        for receipts in (first.receipts, first.receipts[0], rpc_receipt(first.receipts[0])):
            sources = {"block": first.wire, "links": links, "receipts": receipts}
            assert holds(PROOFS.make(sources, Statement("receipt"), trusted), trusted)


def test_a_digest_in_a_slot_is_evidence():
    """A slot is 32 bytes: the number's digits, which are decimal, are not read as hexadecimal."""
    chain, data = EthereumChain(21), b"A file."
    address = next(iter(chain.state.storage))
    digits = "1" * 64
    numbers = {bytes(31) + b"\1": int(hashlib.sha256(data).hexdigest(), 16), bytes(31) + b"\2": int(digits)}
    chain.state.storage[address] = numbers
    block = chain.block()
    trusted = Trusted("ethereum", "1", 1, block.hash, LEDGER.context({}))
    for slot in numbers:
        sources = {"block": block.wire, "proof": chain.state.answer(address, [slot])}
        bundle = PROOFS.make(sources, Statement("state", key=address + slot), trusted)
        report = evidence.check(data, bundle, trusted)
        assert report.complete
        assert report.valid == (slot[-1] == 1)
        assert not evidence.check(evidence.Digest("sha256", bytes.fromhex(digits)), bundle, trusted).valid
