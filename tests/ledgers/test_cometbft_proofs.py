"""CometBFT's proof bundles: every kind, every condition by itself, and that no number or byte can change."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import pytest

from pycore import bundle, ledgers
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, hashes, wire
from pycore.ledgers.cometbft import messages as m
from pycore.ledgers.cometbft.context import CometbftContext
from pycore.ledgers.cometbft.proofs import turns
from pycore.ledgers.proof import Bundle, Inclusion, Statement, Trusted
from pycore.merkle.inclusion import verify_inclusion
from pycore.merkle.tree import MerkleTree
from pycore.testing import cometbft_json as answers
from pycore.testing.bundles import BundleSample, cometbft_bundles
from pycore.testing.cometbft import CHAIN_ID, Chain, make_commit, ordered

RULES: Any = ledgers.get("cometbft").proofs
SAMPLES = {sample.name: sample for sample in cometbft_bundles()}
CHAIN = Chain(blocks=5, validators=4, seed=2, transactions=5, absent=(3,), powers=[40, 30, 20, 10])


def made(name: str) -> tuple[Bundle, Trusted]:
    sample: BundleSample = SAMPLES[name]
    return bundle.make("cometbft", sample.sources, sample.statement, sample.trusted), sample.trusted


def failed(found: Bundle, trusted: Trusted) -> set[str]:
    """Conditions that do not hold, those of the frame among them."""
    report = bundle.verify(found, trusted)
    assert not report.proven or not report.failed
    return {check.name for check in report if check.ok is not True}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_is_proven(name: str) -> None:
    found, trusted = made(name)
    report = bundle.verify(found, trusted)
    assert report.proven
    assert report.facts
    assert bool(report.certified_by) is bool(found.certificate)
    assert report.time is not None


@pytest.mark.parametrize("name", SAMPLES)
def test_no_bit_can_change(name: str) -> None:
    """In any part: samples of them here, all of them in tests/fuzz/flip_bundles.py."""
    found, trusted = made(name)
    rng = random.Random(name)

    def flipped(data: bytes) -> bytes:
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]

    for _ in range(60):
        part = rng.choice(["headers", "certificate", "nodes", "item"])
        if part == "headers":
            i = rng.randrange(len(found.headers))
            changed = replace(found, headers=(*found.headers[:i], flipped(found.headers[i]), *found.headers[i + 1 :]))
        elif part == "certificate" and found.certificate:
            changed = replace(found, certificate=flipped(found.certificate))
        elif part == "nodes" and found.inclusion.nodes:
            i, nodes = rng.randrange(len(found.inclusion.nodes)), list(found.inclusion.nodes)
            nodes[i] = flipped(nodes[i])
            changed = replace(found, inclusion=replace(found.inclusion, nodes=tuple(nodes)))
        elif part == "item" and found.statement.item:
            changed = replace(found, statement=replace(found.statement, item=flipped(found.statement.item)))
        else:
            continue
        assert failed(changed, trusted)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_number_can_change(name: str) -> None:
    found, trusted = made(name)
    for number in (1, 2, 3, 4, 7, 8, 16, 1 << 40):
        for what in ("index", "count"):
            value = getattr(found.inclusion, what) ^ number
            assert failed(replace(found, inclusion=replace(found.inclusion, **{what: value})), trusted)
    statement = found.statement
    for change in ({"event": 1}, {"key": b"k"}, {"item": statement.item + b"\0"}, {"kind": "state"}):
        assert failed(replace(found, statement=replace(statement, **change)), trusted)
    inclusion = found.inclusion
    for nodes in ((*inclusion.nodes, bytes(32)), inclusion.nodes[:-1] if inclusion.nodes else (b"",)):
        assert failed(replace(found, inclusion=replace(inclusion, nodes=nodes)), trusted)


@pytest.mark.parametrize(
    ("name", "change", "names"),
    [
        ("transaction", {"headers": ()}, {"headers"}),
        ("transaction", {"certificate": b""}, {"certificate"}),
        ("transaction", {"certificate": encoding.commit(CHAIN.commits[2])}, {"commit_height", "commit_block"}),
        ("transaction", {"headers": (encoding.header(CHAIN.blocks[1].header),) * 2}, {"one_header"}),
        ("transaction-earlier", {"certificate": b"\0"}, {"no_certificate"}),
        ("transaction-earlier", {"headers": (encoding.header(CHAIN.blocks[1].header),)},
         {"trusted_block", "height_of_trusted_block"}),
        ("header", {"statement": Statement("header", item=b"x")}, {"absent_parts"}),
        ("header", {"inclusion": Inclusion(0, 0, (bytes(32),))}, {"absent_parts"}),
        ("validators", {"statement": Statement("validators", item=b"\0")}, {"validators"}),
    ],
)  # fmt: skip
def test_conditions_by_themselves(name: str, change: dict[str, Any], names: set[str]) -> None:
    found, trusted = made(name)
    assert failed(replace(found, **change), trusted) == names


def test_votes_decide_whose_power_is_trusted() -> None:
    """Others than the trusted validators, too few of them, one bad signature, another chain."""
    found, trusted = made("header")
    block_id = CHAIN.block_ids[1]
    few = make_commit(CHAIN.signers[1], block_id, 2, absent=(0, 1))
    assert failed(replace(found, certificate=encoding.commit(few)), trusted) == {"quorum"}
    slots = list(CHAIN.commits[1].signatures)
    slots[2] = replace(slots[2], signature=bytes(64))
    bad = encoding.commit(replace(CHAIN.commits[1], signatures=tuple(slots)))
    assert {"signatures"} <= failed(replace(found, certificate=bad), trusted)
    assert isinstance(trusted.context, CometbftContext)
    for rows in (trusted.context.validators[1:], ordered_rows([50, 30, 20, 10])):
        other = replace(trusted, context=trusted.context.replace(validators=rows))
        assert "validators_hash" in failed(found, other)
    nobody = replace(trusted, context=trusted.context.replace(validators=None))
    assert failed(found, nobody) == {"certificate"}
    named = replace(trusted, chain_id="other")
    assert "chain_id" in failed(found, named)
    assert "chain_id_of_header" in failed(replace(found, chain_id="other"), named)


def ordered_rows(powers: list[int]) -> tuple[Any, ...]:
    return tuple(
        one.validator for one in ordered([s.with_power(p) for s, p in zip(CHAIN.signers[0], powers, strict=True)])
    )


def test_a_path_does_not_tell_a_position() -> None:
    """The same nodes prove one leaf at several positions, so a bundle holds turns: the one form of all of them."""
    for count in range(1, 18):
        leaves = [bytes([i]) for i in range(count)]
        tree = MerkleTree(leaves, tree="rfc9162")
        for index in range(count):
            nodes = tree.proof(index)
            verify_inclusion(
                tree.root, leaves[index], nodes, index=turns(index, count), leaf_count=1 << len(nodes), tree="rfc9162"
            )
    five, two = turns(4, 5), turns(1, 2)
    assert five == two == 1


def test_trust_moves_with_a_header_and_with_validators() -> None:
    found, trusted = made("header")
    report, state = bundle.advance(found, trusted)
    assert report.proven
    assert state is not None
    assert (state.height, state.block_hash) == (2, CHAIN.block_ids[1].hash)
    again = bundle.make(
        "cometbft",
        {"block": CHAIN.block_bytes[3], "commit": encoding.commit(CHAIN.commits[3])},
        Statement("header"),
        state,
    )
    assert bundle.verify(again, state).proven
    found, trusted = made("validators")
    report, state = bundle.advance(found, trusted)
    assert report.proven
    assert state is not None
    mixed = Chain(
        blocks=3, validators=4, seed=3, transactions=1, nil=(3,), replaced=1, schemes=("ed25519", "ecdsa-secp256k1")
    )
    assert list(state.context.validators) == mixed.validators(2)  # type: ignore[attr-defined]
    last = {"block": mixed.block_bytes[2], "commit": encoding.commit(mixed.commits[2])}
    assert bundle.verify(bundle.make("cometbft", last, Statement("header"), state), state).proven


def test_trust_does_not_move_to_unknown_validators_or_back() -> None:
    found, trusted = made("transaction-secp256k1")
    report, state = bundle.advance(found, trusted)
    assert state is None
    assert {check.name for check in report if not check.ok} == {"next_validators"}
    found, trusted = made("transaction-earlier")
    report, state = bundle.advance(found, trusted)
    assert state is None
    assert {check.name for check in report if not check.ok} == {"advance"}


def test_bundles_from_answers() -> None:
    """What nodes answer makes the same bundles as protobuf."""
    found, trusted = made("transaction")
    block = answers.block_answer(CHAIN.blocks[1], CHAIN.block_ids[1])
    commit = answers.commit_answer(CHAIN.signed_header(1))
    digest = hashes.transaction_hash(CHAIN.blocks[1].transactions[4]).hex().upper()
    for more in ({"index": 4}, {"tx_id": digest}):
        same = bundle.make("cometbft", {"block": block, "commit": commit, **more}, Statement("transaction"), trusted)
        assert same == found
    item = CHAIN.blocks[1].transactions[4]
    assert bundle.make("cometbft", {"block": block, "commit": commit}, Statement("transaction", item), trusted) == found
    assert (
        bundle.make("cometbft", {"block": commit, "commit": commit}, Statement("header"), trusted) == made("header")[0]
    )
    earlier, later = made("transaction-earlier")
    headers = [answers.header_answer(CHAIN.blocks[2].header), encoding.header(CHAIN.blocks[3].header)]
    sources = {"block": block, "headers": headers, "index": 2}
    assert bundle.make("cometbft", sources, Statement("transaction"), later) == earlier


@pytest.mark.parametrize(
    ("kind", "sources", "field"),
    [
        ("header", {}, "sources"),
        ("header", {"block": CHAIN.block_bytes[1], "other": 1}, "sources"),
        ("header", {"block": CHAIN.block_bytes[1]}, "sources.commit"),
        ("header", {"block": b"\xff"}, "sources.block"),
        ("transaction", {"block": CHAIN.block_bytes[1], "commit": encoding.commit(CHAIN.commits[1])}, "sources.index"),
        ("transaction", {"block": CHAIN.block_bytes[1], "commit": encoding.commit(CHAIN.commits[1]), "index": 5},
         "sources.index"),
        ("transaction", {"block": CHAIN.block_bytes[1], "commit": encoding.commit(CHAIN.commits[1]), "tx_id": "00"},
         "sources.tx_id"),
        ("validators", {"block": CHAIN.block_bytes[1], "commit": encoding.commit(CHAIN.commits[1])},
         "sources.validators"),
    ],
)  # fmt: skip
def test_sources_that_do_not_fit(kind: str, sources: dict[str, Any], field: str) -> None:
    _, trusted = made("header")
    with pytest.raises(InputError) as caught:
        bundle.make("cometbft", sources, Statement(kind), trusted)
    assert caught.value.field == field


def test_headers_below_the_trusted_block_are_linked() -> None:
    found, trusted = made("transaction-earlier")
    headers = list(found.headers)
    other = replace(wire.header(headers[1]), app_hash=b"x")
    turned = [headers[0], encoding.header(other), headers[2]]
    assert "links" in failed(replace(found, headers=tuple(turned)), trusted)
    assert "links" in failed(replace(found, headers=(headers[0], headers[2])), trusted)
    assert trusted.chain_id == CHAIN_ID
    assert {one.name for one in fields(m.Header)} >= {"last_block_id"}
