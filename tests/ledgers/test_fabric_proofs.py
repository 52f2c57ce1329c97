"""Bundles about Fabric: valid ones of every kind, and every bit of their bytes flipped."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from pycore import ledgers
from pycore._pb.ledgers.fabric.v1 import block_pb2
from pycore.errors import InputError
from pycore.ledgers.proof import Bundle, Inclusion, Statement, Trusted
from pycore.testing.fabric import FabricChannel

LEDGER = ledgers.get("fabric")
PROOFS = LEDGER.proofs


class Story:
    """A channel of five blocks, the third of them a configuration."""

    def __init__(self, **options: Any) -> None:
        channel = self.channel = FabricChannel(seed=11, organisations=1, peers=1, **options)
        self.entries = channel.transactions(1, 2, endorsements=1)
        first = channel.block(1, channel.genesis_hash, self.entries)
        second = channel.config_block(2, channel.block_hash(first))
        third = channel.block(3, channel.block_hash(second), channel.transactions(3, 1, endorsements=1), last_config=2)
        self.blocks = [channel.genesis, first, second, third]
        self.trusted = self.state(0)

    def state(self, height: int, context: Any = None) -> Trusted:
        known = context or self.channel.context()
        return Trusted("fabric", "channel", height, self.channel.block_hash(self.blocks[height]), known)

    def bundle(self, height: int, kind: str, trusted: Trusted | None = None, index: int = 0, **sources: Any) -> Bundle:
        given = {"block": self.blocks[height], "index": index, **sources}
        return PROOFS.make(given, Statement(kind), trusted or self.trusted)


STORIES = {"one orderer": Story(), "four orderers": Story(bft=True, orderers=4)}


@pytest.fixture(params=list(STORIES))
def story(request: Any) -> Story:
    return STORIES[request.param]


def proven(found: Any) -> bool:
    assert found.checks
    return all(check.ok for check in found.checks)


def test_kinds(story):
    assert PROOFS.kinds == ("header", "transaction")
    found = PROOFS.check(story.bundle(1, "header"), story.trusted)
    assert proven(found), found.checks
    assert (found.height, found.block_hash) == (1, story.channel.block_hash(story.blocks[1]))
    assert found.certified_by
    found = PROOFS.check(story.bundle(1, "transaction", index=1), story.trusted)
    assert proven(found), found.checks
    assert found.facts["tx_id"] == LEDGER.transaction_hash(story.entries[1]).hex()
    assert found.facts["chaincode"] == "ledger"


def test_below_the_trusted_block(story):
    context = story.channel.context(config_block=story.blocks[2])
    trusted = story.state(3, context)
    bundle = story.bundle(1, "header", trusted, following=story.blocks[2:])
    assert not bundle.certificate
    assert proven(PROOFS.check(bundle, trusted))
    assert proven(PROOFS.check(story.bundle(3, "transaction", trusted), trusted))
    for headers in (bundle.headers[:2], bundle.headers[1:], (*bundle.headers, bundle.headers[-1]), ()):
        found = PROOFS.check(dataclasses.replace(bundle, headers=headers), trusted)
        assert not proven(found) or found.height != 1


def test_advancing(story):
    found = PROOFS.advance(story.bundle(1, "header"), story.trusted)
    assert proven(found)
    first = found.advanced
    assert (first.height, first.context) == (1, story.trusted.context)
    bundle = story.bundle(2, "header", first)
    found = PROOFS.advance(bundle, first)
    assert found.advanced is None, "a configuration block moves nothing without its content"
    found = PROOFS.advance(story.bundle(2, "transaction", first), first)
    assert proven(found), found.checks
    second = found.advanced
    assert second.height == 2
    found = PROOFS.advance(story.bundle(3, "header", second), second)
    assert proven(found), found.checks
    assert found.advanced.height == 3
    skipping = story.bundle(3, "header", first)
    assert not proven(PROOFS.check(skipping, first)), "signed under a configuration that is not known"


FIELDS = {
    "headers": lambda bundle, data: dataclasses.replace(bundle, headers=(data,)),
    "certificate": lambda bundle, data: dataclasses.replace(bundle, certificate=data),
    "node": lambda bundle, data: dataclasses.replace(
        bundle, inclusion=dataclasses.replace(bundle.inclusion, nodes=(data,))
    ),
    "item": lambda bundle, data: dataclasses.replace(
        bundle, statement=dataclasses.replace(bundle.statement, item=data)
    ),
    "trusted_hash": lambda bundle, data: dataclasses.replace(bundle, trusted_hash=data),
}


def values(bundle: Bundle) -> dict[str, bytes]:
    return {
        "headers": bundle.headers[0],
        "certificate": bundle.certificate,
        "node": bundle.inclusion.nodes[0],
        "item": bundle.statement.item,
        "trusted_hash": bundle.trusted_hash,
    }


@pytest.mark.parametrize("name", list(FIELDS))
def test_flipped_bits_are_refused(name):
    """Every bit of short fields; of long ones some 400 in every run, each time others."""
    refuse_flips(name, most=400)


def refuse_flips(name: str, most: int) -> None:
    story = STORIES["four orderers"]
    bundle = story.bundle(1, "transaction")
    assert proven(PROOFS.check(bundle, story.trusted))
    data = values(bundle)[name]
    step = max(1, 8 * len(data) // most)
    for place in range(random.randrange(step), 8 * len(data), step):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        found = PROOFS.check(FIELDS[name](bundle, bytes(flipped)), story.trusted)
        assert not proven(found), (name, place)
        assert found.facts == {}
    for other in (data + b"\0", data[:-1], b"", data + b"\x7a\x00"):
        assert not proven(PROOFS.check(FIELDS[name](bundle, other), story.trusted))


def test_changed_numbers_and_parts_are_refused(story):
    bundle = story.bundle(1, "transaction")
    replace = dataclasses.replace
    for other in (
        replace(bundle, trusted_height=1),
        replace(bundle, chain_id="other"),
        replace(bundle, inclusion=replace(bundle.inclusion, index=1)),
        replace(bundle, inclusion=replace(bundle.inclusion, count=3)),
        replace(bundle, inclusion=replace(bundle.inclusion, nodes=())),
        replace(bundle, inclusion=replace(bundle.inclusion, nodes=bundle.inclusion.nodes * 2)),
        replace(bundle, statement=replace(bundle.statement, key=b"1")),
        replace(bundle, statement=replace(bundle.statement, event=1)),
        replace(bundle, statement=replace(bundle.statement, kind="header")),
        replace(bundle, headers=bundle.headers * 2),
    ):
        assert not proven(PROOFS.check(other, story.trusted)), other
    header = story.bundle(1, "header")
    for other in (replace(header, statement=Statement("header", b"1")), replace(header, inclusion=Inclusion(1))):
        assert not proven(PROOFS.check(other, story.trusted))


def test_another_channel_and_its_orderers():
    other = FabricChannel(seed=12, organisations=1, peers=1)
    story = STORIES["one orderer"]
    trusted = dataclasses.replace(story.trusted, context=other.context())
    assert not proven(PROOFS.check(story.bundle(1, "header"), trusted))
    trusted = dataclasses.replace(story.trusted, context=LEDGER.context(None))
    assert not proven(PROOFS.check(story.bundle(1, "header"), trusted))


def test_a_transaction_that_is_not_valid():
    story = STORIES["one orderer"]
    draft = story.channel.drafts(1, 1, endorsements=1)[0]
    draft.endorsers = [story.channel.clients[0]]
    block = story.channel.block(1, story.channel.genesis_hash, story.channel.envelopes([draft]))
    bundle = PROOFS.make({"block": block, "index": 0}, Statement("transaction"), story.trusted)
    found = PROOFS.check(bundle, story.trusted)
    assert [check.name for check in found.checks if not check.ok] == ["transaction"]


def test_a_transaction_whose_id_occurs_before_it():
    """Peers mark the second one as a duplicate, whatever it does; the first one stands."""
    story = STORIES["one orderer"]
    first, second = story.channel.drafts(1, 2)
    second.nonce, second.creator = first.nonce, first.creator
    second.writes = {second.chaincode: ("another",)}
    entries = story.channel.envelopes([first, second])
    assert entries[0] != entries[1]
    block = story.channel.block(1, story.channel.genesis_hash, entries)
    found = [
        PROOFS.check(
            PROOFS.make({"block": block, "index": place}, Statement("transaction"), story.trusted), story.trusted
        )
        for place in (0, 1)
    ]
    assert all(check.ok for check in found[0].checks)
    assert [check.name for check in found[1].checks if not check.ok] == ["transaction"]


def test_before_1_4_1_nothing_signed_names_the_configuration():
    story = STORIES["one orderer"]
    bundle = story.bundle(1, "header")
    metadata = block_pb2.Metadata.FromString(bundle.certificate)
    metadata.value = b""
    from pycore.ledgers.fabric.block import Header

    header = block_pb2.BlockHeader.FromString(bundle.headers[0])
    der = Header(header.number, header.previous_hash, header.data_hash).der()
    one = metadata.signatures[0]
    one.signature = story.channel.sign([story.channel.orderers[0]], [one.signature_header + der])[0]
    found = PROOFS.check(dataclasses.replace(bundle, certificate=metadata.SerializeToString()), story.trusted)
    assert [check.name for check in found.checks if not check.ok] == ["configuration"]


def test_sources_that_do_not_fit():
    story = STORIES["one orderer"]
    known = PROOFS.make(
        {"block": story.blocks[1], "tx_id": LEDGER.transaction_hash(story.entries[1]).hex()},
        Statement("transaction"),
        story.trusted,
    )
    assert known.inclusion.index == 1
    whole = {"block": story.blocks[1]}
    for sources in (
        {}, {"block": b"\xff"}, {"block": b""}, whole, {**whole, "index": 9}, {**whole, "tx_id": "0"}, {**whole, "x": 1}
    ):  # fmt: skip
        with pytest.raises(InputError):
            PROOFS.make(sources, Statement("transaction"), story.trusted)
