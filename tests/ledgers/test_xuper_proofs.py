"""XuperChain in proof bundles: every kind, every bit flipped, every number changed."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pycore import ledgers
from pycore.errors import InputError
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.xuper import headers, proofs
from pycore.ledgers.xuper.messages import InternalBlock, Transaction
from pycore.testing.xuper import START_HEIGHT, XuperMaker, make_keys, set_ids, sign_drafts

LEDGER: Any = ledgers.get("xuperchain")
PROOFS = LEDGER.proofs
MAKER = XuperMaker(11, users=3)
CHAIN = MAKER.chain(5, 3)
STATE = Trusted("xuperchain", "xuper", START_HEIGHT, CHAIN[0].blockid, MAKER.context)
KEY = b"counter/visits"


def make(kind: str, place: int = 1, *, maker: Any = MAKER, chain: Any = CHAIN, trusted: Trusted = STATE, index: int = 2,
         key: bytes = b"", event: int = 0) -> Bundle:  # fmt: skip
    sources: dict[str, Any] = {"block": chain[place].SerializeToString(), "index": index}
    height = chain[place].height
    if height <= trusted.height:
        sources["headers"] = [
            block.SerializeToString() for block in chain[place + 1 : trusted.height - START_HEIGHT + 1]
        ]
    elif place + 1 < len(chain):
        sources["next_block"] = chain[place + 1].SerializeToString()
    return PROOFS.make(sources, Statement(kind, key=key, event=event), trusted)


def proven(bundle: Bundle, trusted: Trusted = STATE) -> Proven | None:
    """The answer, if the claim is proven by it."""
    found = PROOFS.check(bundle, trusted)
    sound = bool(found.checks) and all(check.ok for check in found.checks)
    assert sound == bool(found.facts or bundle.statement.kind == "header") or not sound
    if not sound:
        assert found.facts == {}
        assert found.certified_by == ()
    return found if sound else None


ALL = [
    ("header", b"", 0, ["block", "index"]),
    ("transaction", b"", 0, []),
    ("event", b"", 0, []),
    ("state", KEY, 0, []),
]


@pytest.mark.parametrize(("kind", "key", "event", "_"), ALL, ids=[one[0] for one in ALL])
@pytest.mark.parametrize("place", [1, 3])
def test_valid_bundles_above_the_trusted_block(kind: str, key: bytes, event: int, _: Any, place: int) -> None:
    found = proven(make(kind, place, key=key, event=event))
    assert found is not None
    assert found.height == START_HEIGHT + place
    assert found.block_hash == CHAIN[place].blockid
    assert found.time == CHAIN[place].timestamp / 1e9
    assert len(found.certified_by) == 4
    assert set(found.certified_by) == set(MAKER.context.validators)
    assert json.dumps(dict(found.facts))
    tx = CHAIN[place].transactions[2]
    if kind != "header":
        assert found.facts["tx_id"] == tx.txid.hex()
        assert found.facts["sender"] == tx.initiator
        assert found.facts["calls"][0]["contract"] == "counter"
    if kind == "event":
        assert found.facts["topic"] == "increase"
    if kind == "state":
        assert found.facts["value"] == "1"
        assert found.facts["deleted"] is False


@pytest.mark.parametrize("kind", ["header", "transaction"])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_valid_bundles_up_to_the_trusted_block(kind: str, place: int) -> None:
    trusted = dataclasses.replace(STATE, height=START_HEIGHT + 4, block_hash=CHAIN[4].blockid)
    bundle = make(kind, place, trusted=trusted)
    assert len(bundle.headers) == 5 - place
    found = proven(bundle, trusted)
    assert found is not None
    assert found.block_hash == CHAIN[place].blockid
    assert proven(dataclasses.replace(bundle, headers=bundle.headers[:-1]), trusted) is None
    assert proven(bundle, dataclasses.replace(trusted, block_hash=bytes(32))) is None


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("crypto", ["p-256", "sm2"])
def test_older_versions_prove_transactions_and_nothing_that_can_be_misread(version: int, crypto: str) -> None:
    maker = XuperMaker(12, version=version, users=2, crypto=crypto)
    chain = maker.chain(3, 2)
    trusted = Trusted("xuperchain", "", START_HEIGHT, chain[0].blockid, maker.context)
    good = make("transaction", maker=maker, chain=chain, trusted=trusted)
    found = proven(good, trusted)
    assert found is not None
    assert "inputs" not in found.facts
    for kind, key in (("state", KEY), ("event", b"")):
        bundle = make(kind, maker=maker, chain=chain, trusted=trusted, key=key)
        assert proven(bundle, trusted) is None
        assert PROOFS.check(bundle, trusted).checks[-1].name == "clear_version"


def flips(data: bytes, step: int = 1) -> Iterator[bytes]:
    for bit in range(0, 8 * len(data), step):
        made = bytearray(data)
        made[bit // 8] ^= 1 << bit % 8
        yield bytes(made)


def changed(bundle: Bundle, step: int) -> Iterator[tuple[str, Bundle]]:
    """Every bit of every bytes field flipped - each `step`-th of the long ones -, and every number changed."""
    statement, inclusion = bundle.statement, bundle.inclusion
    for i, header in enumerate(bundle.headers):
        for data in flips(header, step):
            yield (
                f"headers[{i}]",
                dataclasses.replace(bundle, headers=(*bundle.headers[:i], data, *bundle.headers[i + 1 :])),
            )
    for data in flips(bundle.certificate, step):
        yield "certificate", dataclasses.replace(bundle, certificate=data)
    for data in flips(bundle.trusted_hash, step):
        yield "trusted_hash", dataclasses.replace(bundle, trusted_hash=data)
    for i, node in enumerate(inclusion.nodes):
        for data in flips(node, step):
            nodes = (*inclusion.nodes[:i], data, *inclusion.nodes[i + 1 :])
            yield f"nodes[{i}]", dataclasses.replace(bundle, inclusion=dataclasses.replace(inclusion, nodes=nodes))
    for name in ("item", "key"):
        for data in flips(getattr(statement, name), step):
            yield name, dataclasses.replace(bundle, statement=dataclasses.replace(statement, **{name: data}))
    for by in (-1, 1, 1 << 40):
        yield "trusted_height", dataclasses.replace(bundle, trusted_height=bundle.trusted_height + by)
        for name in ("index", "count"):
            made = dataclasses.replace(inclusion, **{name: getattr(inclusion, name) + by})
            yield name, dataclasses.replace(bundle, inclusion=made)
        made_of = dataclasses.replace(statement, event=statement.event + by)
        yield "event", dataclasses.replace(bundle, statement=made_of)
    yield "chain_id", dataclasses.replace(bundle, chain_id=bundle.chain_id + "x")
    for kind in ("header", "transaction", "event", "state", "receipt", ""):
        if kind != statement.kind:
            yield "kind", dataclasses.replace(bundle, statement=dataclasses.replace(statement, kind=kind))
    yield "headers", dataclasses.replace(bundle, headers=())
    yield "headers", dataclasses.replace(bundle, headers=bundle.headers * 2)
    yield "nodes", dataclasses.replace(bundle, inclusion=dataclasses.replace(inclusion, nodes=(*inclusion.nodes, b"")))


# Kinds that say less than the claim that was made are proven as well: a state or an event is also a transaction.
LESS = {("event", "transaction")}


def require_every_change_refused(bundle: Bundle, trusted: Trusted, step: int) -> int:
    assert proven(bundle, trusted) is not None
    count = 0
    for name, made in changed(bundle, step):
        if name == "kind" and (bundle.statement.kind, made.statement.kind) in LESS:
            continue
        if made.statement.kind == "event" and bundle.statement.kind == "transaction":
            continue  # the transaction has an event 0
        count += 1
        assert proven(made, trusted) is None, name
    return count


@pytest.mark.parametrize(("kind", "key", "event", "_"), ALL, ids=[one[0] for one in ALL])
def test_every_bit_matters(kind: str, key: bytes, event: int, _: Any) -> None:
    """Every 151st bit; `step` 1, by hand, takes minutes."""
    bundle = make(kind, key=key, event=event)
    assert require_every_change_refused(bundle, STATE, 151) > 100


def test_every_bit_matters_of_version_1_and_of_linked_headers() -> None:
    maker = XuperMaker(12, version=1, users=2)
    chain = maker.chain(3, 2)
    trusted = Trusted("xuperchain", "", START_HEIGHT, chain[0].blockid, maker.context)
    require_every_change_refused(make("transaction", maker=maker, chain=chain, trusted=trusted), trusted, 211)
    below = dataclasses.replace(STATE, height=START_HEIGHT + 2, block_hash=CHAIN[2].blockid)
    require_every_change_refused(make("transaction", 1, trusted=below), below, 223)


def test_parts_that_nothing_commits_to_must_be_absent() -> None:
    bundle = make("transaction")
    header = InternalBlock.FromString(bundle.headers[0])
    for change in (
        lambda block: setattr(block, "in_trunk", True),
        lambda block: setattr(block, "next_hash", b"x"),
        lambda block: setattr(block, "blockid", CHAIN[1].blockid),
        lambda block: block.merkle_tree.append(bytes(32)),
        lambda block: block.transactions.add(),
        lambda block: block.failed_txs.__setitem__("a", ""),
    ):
        made = copy.deepcopy(header)
        change(made)
        spoilt = dataclasses.replace(bundle, headers=(made.SerializeToString(deterministic=True),))
        assert proven(spoilt) is None
    for data in (bundle.headers[0] + b"\xf8\x3f\x01", bundle.headers[0] + header.SerializeToString()):
        assert proven(dataclasses.replace(bundle, headers=(data,))) is None
    item = Transaction.FromString(bundle.statement.item)
    for change in (
        lambda tx: setattr(tx, "txid", bytes(32)),
        lambda tx: setattr(tx, "blockid", b"x"),
        lambda tx: setattr(tx, "received_timestamp", 1),
        lambda tx: tx.modify_block.SetInParent(),
        lambda tx: tx.xuper_sign.SetInParent(),
        lambda tx: tx.hd_info.SetInParent(),
    ):
        tx = copy.deepcopy(item)
        change(tx)
        statement = Statement("transaction", tx.SerializeToString(deterministic=True))
        assert proven(dataclasses.replace(bundle, statement=statement)) is None
    statement = Statement("transaction", bundle.statement.item + b"\xf8\x3f\x01")
    assert proven(dataclasses.replace(bundle, statement=statement)) is None


def test_failed_transactions_of_a_bundles_header_are_named_by_place() -> None:
    def fail(block: Any) -> None:
        block.failed_txs["1" * 64], block.failed_txs["2" * 64] = "first", "second"

    block = MAKER.block(
        START_HEIGHT + 1, CHAIN[0].blockid, CHAIN[1].transactions[1:], justify=CHAIN[1].justify, change=fail
    )
    following = MAKER.block(START_HEIGHT + 2, block.blockid, [], justify=MAKER.justify(block))
    bundle = PROOFS.make({"block": block.SerializeToString(), "next_block": following.SerializeToString()},
                         Statement("header"), STATE)  # fmt: skip
    assert dict(InternalBlock.FromString(bundle.headers[0]).failed_txs) == {"0": "first", "1": "second"}
    assert proven(bundle) is not None
    require_every_change_refused(bundle, STATE, 227)


def test_certificates_of_others_prove_nothing() -> None:
    bundle = make("header")
    strangers = tuple(key.address for key in make_keys(1, "strangers", 4))
    others = dataclasses.replace(STATE, context=MAKER.context.replace(validators=strangers))
    assert proven(bundle, others) is None
    unknown = dataclasses.replace(STATE, context=MAKER.context.replace(validators=()))
    assert proven(bundle, unknown) is None
    other_block = make("header", 2)
    assert proven(dataclasses.replace(bundle, certificate=other_block.certificate)) is None
    assert proven(dataclasses.replace(bundle, certificate=b"")) is None
    assert proven(dataclasses.replace(bundle, certificate=bundle.headers[0])) is None


def test_bundles_are_judged_by_the_strict_rules() -> None:
    voters = [MAKER.validators[0], MAKER.validators[0]]
    following = MAKER.block(START_HEIGHT + 2, CHAIN[1].blockid, [], justify=MAKER.justify(CHAIN[1], voters))
    lax = dataclasses.replace(STATE, context=MAKER.context.replace(rules="compatible"))
    bundle = PROOFS.make({"block": CHAIN[1].SerializeToString(), "next_block": following.SerializeToString()},
                         Statement("header"), lax)  # fmt: skip
    assert proven(bundle, lax) is None


def test_the_height_is_the_word_of_the_next_proposer() -> None:
    """No vote covers it: the view in the next block's header must be it, and a validator signed that header."""
    block = copy.deepcopy(CHAIN[1])
    block.height += 5
    following = copy.deepcopy(CHAIN[2])
    following.height += 5
    bundle = PROOFS.make({"block": block.SerializeToString(), "next_block": following.SerializeToString()},
                         Statement("header"), STATE)  # fmt: skip
    assert proven(bundle) is None


def test_one_node_that_makes_all_blocks() -> None:
    maker = XuperMaker(13, validators=1, users=1)
    chain = maker.chain(3, 1)
    trusted = Trusted("xuperchain", "", START_HEIGHT, chain[0].blockid, maker.context.replace(consensus="single"))
    bundle = make("transaction", maker=maker, chain=chain, trusted=trusted, index=1)
    assert bundle.certificate == b""
    require_every_change_refused(bundle, trusted, 229)
    assert proven(dataclasses.replace(bundle, certificate=b"x"), trusted) is None
    assert (
        proven(make("header", 2, maker=maker, chain=chain, trusted=trusted), trusted) is None
    )  # its height is not proven


def test_state_proves_a_write_of_one_key_and_its_last_value() -> None:
    draft = MAKER.draft(1, height=START_HEIGHT + 1)
    for key, value in ((b"visits", b"first"), (b"visits", b"\0"), (b"other", b"x")):
        draft.tx.tx_outputs_ext.add(bucket="counter", key=key, value=value)
    draft.tx.tx_outputs_ext.add(bucket="a/b", key=b"c", value=b"1")
    draft.tx.tx_outputs_ext.add(bucket="a", key=b"b/c", value=b"2")
    (tx,) = sign_drafts([draft])
    block = MAKER.block(START_HEIGHT + 1, CHAIN[0].blockid, [tx], justify=CHAIN[1].justify)
    following = MAKER.block(START_HEIGHT + 2, block.blockid, [], justify=MAKER.justify(block))
    sources = {"block": block.SerializeToString(), "next_block": following.SerializeToString(), "index": 1}

    def claim(key: bytes) -> Proven | None:
        return proven(PROOFS.make(sources, Statement("state", key=key), STATE))

    found = claim(KEY)
    assert found is not None
    assert found.facts["deleted"] is True
    assert claim(b"counter/nothing") is None
    assert claim(b"$transient/contractEvent") is None
    assert claim(b"a/b/c") is None  # two buckets and keys are written so


def test_advance_moves_the_place_and_no_validators() -> None:
    moved = PROOFS.advance(make("header", 2), STATE)
    assert all(check.ok for check in moved.checks)
    assert moved.advanced == dataclasses.replace(STATE, height=START_HEIGHT + 2, block_hash=CHAIN[2].blockid)
    assert PROOFS.check(make("header", 2), STATE).advanced is None
    assert PROOFS.advance(make("transaction", 2), STATE).advanced is None
    old = dataclasses.replace(STATE, height=START_HEIGHT + 3, block_hash=CHAIN[3].blockid)
    assert PROOFS.advance(make("header", 2, trusted=old), old).advanced is None
    terms = {1: MAKER.context.validators}
    by_terms = dataclasses.replace(STATE, context=MAKER.context.replace(validators=(), terms=terms))
    bundle = make("header", 1, trusted=by_terms)
    assert PROOFS.advance(bundle, by_terms).advanced.context.previous_term == 1
    unknown = dataclasses.replace(STATE, context=MAKER.context.replace(validators=(), terms={2: terms[1]}))
    refused = PROOFS.advance(bundle, unknown)
    assert refused.advanced is None
    assert refused.checks[-1].name == "validators"
    assert "term" in refused.checks[-1].detail


def test_sources_that_are_missing_or_do_not_fit() -> None:
    block, following = CHAIN[1].SerializeToString(), CHAIN[2].SerializeToString()
    for sources, kind, field in (
        ({}, "header", "block"),
        ({"block": block}, "header", "next_block"),
        ({"block": b"\xff", "next_block": following}, "header", "block"),
        ({"block": 5, "next_block": following}, "header", "block"),
        ({"block": block, "next_block": following}, "transaction", "index"),
        ({"block": block, "next_block": following, "index": 4}, "transaction", "index"),
    ):
        with pytest.raises(InputError, match=field):
            PROOFS.make(sources, Statement(kind), STATE)
    item = proofs.bare_transaction(CHAIN[1].transactions[1])
    made = PROOFS.make({"block": block, "next_block": following}, Statement("transaction", item), STATE)
    assert made.inclusion == dataclasses.replace(made.inclusion, index=1, count=4)
    assert Inclusion() != made.inclusion
    tx = copy.deepcopy(CHAIN[1].transactions[1])
    set_ids([tx])
    assert tx.txid == CHAIN[1].transactions[1].txid


def test_a_view_that_was_moved_into_the_message_before_it() -> None:
    """The id has no lengths: the last field of the message becomes the type, the view gets bytes of the type, and what
    is left over stands before the first address, whose vote is then a stranger's. The id and all signatures hold."""
    maker = XuperMaker(11, users=3, validators=7)
    chain = maker.chain(3, 1)
    state = Trusted("xuperchain", "xuper", 1, bytes(32), maker.context)
    bundle = make("header", 1, maker=maker, chain=chain, trusted=state)
    assert proven(bundle, state)
    header, following = InternalBlock.FromString(bundle.headers[0]), InternalBlock.FromString(bundle.certificate)
    wanted, justify = headers.block_id(following), following.justify
    first = justify.sign_infos.qc_sign_infos[0]
    message, size = justify.proposal_msg, 2
    rest = message[-size:] + bytes(4) + justify.view_number.to_bytes(8, "little") + first.address.encode()
    justify.proposal_msg = message[:-size]
    justify.type = int.from_bytes(rest[:4], "little")
    justify.view_number = header.height = int.from_bytes(rest[4:12], "little")
    first.address = rest[12:].decode()
    following.height = header.height + 1
    assert headers.block_id(following) == wanted
    assert header.height == (START_HEIGHT + 1) << 16
    data = [one.SerializeToString(deterministic=True) for one in (header, following)]
    forged = dataclasses.replace(bundle, headers=(data[0],), certificate=data[1])
    assert proven(forged, state) is None
    assert "type" in PROOFS.check(forged, state).checks[-1].detail


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda justify: setattr(justify, "type", 5), "its type is 5"),
        (lambda justify: setattr(justify, "proposal_msg", justify.proposal_msg + b"\x28\0"), "protobuf writes"),
        (lambda justify: setattr(justify.sign_infos.qc_sign_infos[0], "address", "\0x"), "a zero byte"),
    ],
)  # fmt: skip
def test_certificates_that_can_be_read_in_two_ways(change: Any, why: str) -> None:
    maker = XuperMaker(11, users=3, validators=7)
    chain = maker.chain(2, 1)
    justify = maker.justify(chain[1])
    change(justify)
    chain.append(maker.block(START_HEIGHT + 2, chain[1].blockid, [], justify=justify))
    state = Trusted("xuperchain", "xuper", START_HEIGHT, chain[0].blockid, maker.context)
    bundle = make("header", 1, maker=maker, chain=chain, trusted=state)
    assert proven(bundle, state) is None
    assert why in PROOFS.check(bundle, state).checks[-1].detail


def test_whoever_an_award_names_did_not_send_it() -> None:
    """Nobody signs the chain's own transactions."""

    class Naming(XuperMaker):
        def award(self, height: int, proposer: Any) -> Any:
            tx = super().award(height, proposer)
            tx.initiator = self.users[0].address
            tx.auth_require.append(self.users[1].address)
            set_ids([tx])
            return tx

    maker = Naming(11, users=3)
    chain = maker.chain(3, 1)
    state = Trusted("xuperchain", "xuper", START_HEIGHT, chain[0].blockid, maker.context)
    found = proven(make("transaction", 1, maker=maker, chain=chain, trusted=state, index=0), state)
    assert found is not None
    assert found.facts["made_by"] == "the chain"
    assert "sender" not in found.facts
    assert "signers" not in found.facts
