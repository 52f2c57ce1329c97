"""Proof bundles of Xinghuo: every kind is proven, every flipped bit and changed number is refused, and states move."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from typing import Any

import pytest

from pycore import InputError, ledgers
from pycore._pb.ledgers.bif.v1 import ledger_pb2, transaction_pb2
from pycore.ledgers.bif import BifContext, headers
from pycore.ledgers.proof import Bundle, Inclusion, Statement, Trusted
from pycore.testing.bif import BifLedger, make_pbft_proof, make_signers

PROOFS = ledgers.get("bif").proofs
SHARE = int(os.environ.get("PYCORE_BIF_FLIPS", "29"))  # one flipped bit in so many is tried; 1: all
PLAIN = BifLedger(blocks=5, transactions=3, scheme="mixed", seed=7)
CHAINED = BifLedger(blocks=3, transactions=2, chain_id=5, consensus="xbft", seed=7)
MOVED = BifLedger(blocks=5, transactions=2, change_at=2, seed=7)


def trusted(made: BifLedger, index: int = -1) -> Trusted:
    """The state after a block; -1: after the first one of the chain, which is not generated."""
    header = made.genesis if index < 0 else made.headers[index]
    context = made.context.replace(validators=[one.address for one in made.validators[max(index, -1) + 1]], nonces=None)
    return Trusted("bif", "test", header.seq, header.hash, context)


def header_bundle(made: BifLedger, index: int, after: int = -1, **sources: Any) -> Bundle:
    state = trusted(made, after)
    return PROOFS.make({"block": made.blocks[index], **sources}, Statement("header"), state)


def transaction_bundle(made: BifLedger, index: int, place: int, after: int = -1, **sources: Any) -> Bundle:
    given = {"block": made.blocks[index], "index": place, **sources}
    return PROOFS.make(given, Statement("transaction"), trusted(made, after))


def kinds() -> dict[str, tuple[Bundle, Trusted]]:
    return {
        "header": (header_bundle(PLAIN, 1), trusted(PLAIN)),
        "transaction": (transaction_bundle(PLAIN, 1, 2), trusted(PLAIN)),
        "transaction by XBFT": (transaction_bundle(CHAINED, 1, 0), trusted(CHAINED)),
        "header that changes the validators": (header_bundle(MOVED, 2), trusted(MOVED)),
        "earlier header": (header_bundle(PLAIN, 1, 3, headers=PLAIN.blocks[2:4]), trusted(PLAIN, 3)),
        "earlier transaction": (
            transaction_bundle(PLAIN, 1, 0, 3, headers=PLAIN.blocks[2:4]),
            trusted(PLAIN, 3),
        ),
        "trusted header": (header_bundle(PLAIN, 3, 3), trusted(PLAIN, 3)),
    }


def refused(bundle: Bundle, state: Trusted) -> bool:
    """Whether a bundle is not proven; then it says why, and nothing else."""
    proven = PROOFS.check(bundle, state)
    if all(check.ok for check in proven.checks):
        return False
    assert proven.facts == {}
    assert proven.advanced is None
    assert proven.time is None
    return True


@pytest.mark.parametrize("name", kinds())
def test_bundles_of_every_kind_are_proven(name):
    bundle, state = kinds()[name]
    proven = PROOFS.check(bundle, state)
    assert all(check.ok for check in proven.checks), [str(c) for c in proven.checks if not c.ok]
    made = MOVED if "changes" in name else CHAINED if "XBFT" in name else PLAIN
    header = made.headers[proven.height - 2]
    assert proven.block_hash == header.hash
    assert proven.time == header.close_time / 1_000_000
    assert proven.advanced is None
    assert bool(proven.certified_by) == ("earlier" not in name and "trusted" not in name)
    if bundle.statement.kind == "transaction":
        value = ledger_pb2.ConsensusValue.FromString(made.values[proven.height - 2])
        item = value.txset.txs[bundle.inclusion.index]
        assert proven.facts["tx_id"] == ledgers.get("bif").transaction_hash(item.SerializeToString()).hex()
        assert proven.facts["sender"] == item.transaction.source_address
        assert proven.facts["signers"] == [item.transaction.source_address]
        assert proven.facts["operations"][0]["type"] == "PAY_COIN"


def flips(data: bytes) -> list[bytes]:
    return [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


def bytes_fields(bundle: Bundle) -> dict[str, tuple[bytes, Any]]:
    """Every field of bytes, and how to put another one in its place."""
    claim = bundle.statement

    def put(**fields: Any) -> Bundle:
        return dataclasses.replace(bundle, **fields)

    found: dict[str, tuple[bytes, Any]] = {
        "trusted_hash": (bundle.trusted_hash, lambda data: put(trusted_hash=data)),
        "certificate": (bundle.certificate, lambda data: put(certificate=data)),
        "item": (claim.item, lambda data: put(statement=dataclasses.replace(claim, item=data))),
        "key": (claim.key, lambda data: put(statement=dataclasses.replace(claim, key=data))),
    }
    for i, header in enumerate(bundle.headers):
        rest = bundle.headers[:i], bundle.headers[i + 1 :]
        found[f"headers[{i}]"] = (header, lambda data, rest=rest: put(headers=(*rest[0], data, *rest[1])))
    for i, node in enumerate(bundle.inclusion.nodes):
        found[f"nodes[{i}]"] = (
            node,
            lambda data: put(inclusion=dataclasses.replace(bundle.inclusion, nodes=(data,))),
        )
    return found


@pytest.mark.parametrize("name", kinds())
def test_every_bit_of_every_field_matters(name, seed):
    """All bits of the short fields, a share of the long ones that moves with the seed; lengths off by one; empty."""
    bundle, state = kinds()[name]
    tried = 0
    for field, (data, put) in bytes_fields(bundle).items():
        others = flips(data) if len(data) < 64 else flips(data)[seed % SHARE :: SHARE]
        others += [data[:-1], b"", data[1:]] if data else []
        others += [data + b"\0", data + b"\xf2\x01\x00"]
        for other in others:
            assert refused(put(other), state), field
        tried += len(others)
    assert tried > 100


@pytest.mark.parametrize("name", kinds())
def test_every_number_matters(name):
    bundle, state = kinds()[name]
    claim, way = bundle.statement, bundle.inclusion
    others = [dataclasses.replace(bundle, trusted_height=bundle.trusted_height + d) for d in (-1, 1)]
    others += [dataclasses.replace(bundle, headers=()), dataclasses.replace(bundle, headers=bundle.headers * 2)]
    for change in (
        {"index": way.index + 1}, {"index": -1}, {"count": way.count + 1}, {"count": way.count - 1},
        {"nodes": (*way.nodes, b"x")}, {"nodes": way.nodes * 2 if way.nodes else (b"",)},
    ):  # fmt: skip
        others.append(dataclasses.replace(bundle, inclusion=dataclasses.replace(way, **change)))
    others.append(dataclasses.replace(bundle, statement=dataclasses.replace(claim, event=1)))
    other_kind = "header" if claim.kind == "transaction" else "transaction"
    others.append(dataclasses.replace(bundle, statement=dataclasses.replace(claim, kind=other_kind)))
    for other in others:
        assert refused(other, state)


def test_other_states_are_not_this_ones():
    bundle, state = kinds()["transaction"]
    strangers = [one.address for one in make_signers("ed25519", 4, seed=70)]
    for change in (
        {"context": state.context.replace(validators=strangers)},
        {"context": state.context.replace(validators=())},
        {"context": state.context.replace(validators=state.context.validators[::-1])},
        {"context": state.context.replace(chain_id=1)},
        {"context": state.context.replace(variant="bumo", validators=(), nonces=None)},
        {"context": state.context.replace(consensus="xbft")},
        {"block_hash": b"\1" * 32},
        {"height": state.height + 1},
        {"height": 3, "block_hash": PLAIN.headers[1].hash},
    ):
        assert refused(bundle, dataclasses.replace(state, **change)), change
    assert refused(bundle, dataclasses.replace(state, context=ledgers.get("chainmaker").context({})))


def test_compatible_states_read_certificates_by_the_strict_rules():
    """Else bytes would be passed over."""
    bundle, state = kinds()["transaction by XBFT"]
    state = dataclasses.replace(state, context=state.context.replace(rules="compatible"))
    assert not refused(bundle, state)
    for data in flips(bundle.certificate)[3::40]:
        assert refused(dataclasses.replace(bundle, certificate=data), state)


def test_transaction_without_its_accounts_signature_is_not_proven():
    """Although the block has it: nodes leave such transactions out when they execute the block."""
    alice, bob = PLAIN.users[:2]
    value = ledger_pb2.ConsensusValue.FromString(PLAIN.values[1])
    value.txset.txs[0].signatures[0].public_key = bob.text
    item = value.txset.txs[0]
    item.signatures[0].sign_data = bob.sign(item.transaction.SerializeToString())
    bundle, state = agreed(PLAIN, value), trusted(PLAIN)
    proven = PROOFS.check(bundle, state)
    assert [check.name for check in proven.checks if not check.ok] == ["transaction"]
    listed = {alice.address: {"signers": {bob.address: 1}}}
    state = dataclasses.replace(state, context=state.context.replace(accounts=listed))
    assert PROOFS.check(bundle, state).facts["signers"] == [bob.address]


def agreed(made: BifLedger, value: Any, validators: Any = None) -> Bundle:
    """A bundle of the first transaction of another consensus value for block 1, which all validators agree on."""
    header = ledger_pb2.LedgerHeader.FromString(made.headers[1].SerializeToString())
    header.consensus_value_hash = hashlib.sha256(value.SerializeToString()).digest()
    header.ClearField("hash")
    header.ClearField("tx_count")
    header.ClearField("account_tree_hash")
    after = ledger_pb2.ConsensusValue.FromString(made.values[2])
    after.previous_ledger_hash = headers.block_hash(header)
    data = after.SerializeToString()
    voters = list(enumerate(made.validators[0] if validators is None else validators))
    proof = make_pbft_proof(hashlib.sha256(data).digest(), header.seq + 1, voters, chain_id=made.chain_id)
    node = value.SerializeToString()
    items = [one.SerializeToString() for one in value.txset.txs]
    state = trusted(made)
    certificate = ledger_pb2.Finality(next_value=data, proof=proof).SerializeToString()
    encoded = (header.SerializeToString(),)
    way, claim = Inclusion(0, len(items), (node,)), Statement("transaction", items[0])
    return Bundle("bif", "test", state.height, state.block_hash, encoded, certificate, way, claim)


def test_other_validators_than_the_trusted_prove_nothing():
    value = ledger_pb2.ConsensusValue.FromString(PLAIN.values[1])
    assert not refused(agreed(PLAIN, value), trusted(PLAIN))
    assert refused(agreed(PLAIN, value, make_signers("ed25519", 4, seed=71)), trusted(PLAIN))
    assert refused(agreed(PLAIN, value, PLAIN.validators[0][:2]), trusted(PLAIN))


# ---- states that move ------------------------------------------------------------------------------------------------


def test_advance_moves_the_place():
    state = trusted(PLAIN)
    for index in (0, 2, 4):
        bundle = PROOFS.make({"block": PLAIN.blocks[index]}, Statement("header"), state)
        proven = PROOFS.advance(bundle, state)
        assert all(check.ok for check in proven.checks)
        assert proven.advanced is not None
        assert (proven.advanced.height, proven.advanced.block_hash) == (2 + index, PLAIN.headers[index].hash)
        assert proven.advanced.context.validators == state.context.validators
        state = proven.advanced
    assert refused(PROOFS.make({"block": PLAIN.blocks[1]}, Statement("header"), trusted(PLAIN)), state)


def test_advance_moves_the_validators():
    """By a header that a quorum of the trusted ones has confirmed; what comes after is proven by the new ones alone."""
    state = trusted(MOVED)
    bundle = PROOFS.make({"block": MOVED.blocks[2]}, Statement("header"), state)
    proven = PROOFS.advance(bundle, state)
    assert all(check.ok for check in proven.checks)
    assert [check.name for check in proven.checks][-3:] == ["handover", "advances", "statement"]
    after = proven.advanced
    assert after is not None
    assert len(after.context.validators) == 5
    following = PROOFS.make({"block": MOVED.blocks[4]}, Statement("header"), after)
    assert ledger_pb2.Finality.FromString(following.certificate).validators == b""
    assert PROOFS.advance(following, after).advanced is not None


def test_advance_without_a_quorum_of_the_trusted():
    """A set that none of them is in signs for itself."""
    takers = make_signers("ed25519", 4, seed=72)
    value = ledger_pb2.ConsensusValue.FromString(PLAIN.values[1])
    bundle = agreed(PLAIN, value, takers)
    header = ledger_pb2.LedgerHeader.FromString(bundle.headers[0])
    listed = headers.write_validators((one.address, 0) for one in takers)
    header.validators_hash = headers.validators_hash((one.address, 0) for one in takers)
    after = ledger_pb2.ConsensusValue.FromString(PLAIN.values[2])
    after.previous_ledger_hash = headers.block_hash(header)
    data = after.SerializeToString()
    proof = make_pbft_proof(hashlib.sha256(data).digest(), header.seq + 1, list(enumerate(takers)))
    certificate = ledger_pb2.Finality(next_value=data, proof=proof, validators=listed).SerializeToString()
    bundle = dataclasses.replace(bundle, headers=(header.SerializeToString(),), certificate=certificate)
    proven = PROOFS.advance(bundle, trusted(PLAIN))
    assert [check.name for check in proven.checks if not check.ok] == ["handover"]
    assert proven.advanced is None


def test_advance_only_goes_up():
    for name in ("earlier header", "trusted header"):
        bundle, state = kinds()[name]
        proven = PROOFS.advance(bundle, state)
        assert [check.name for check in proven.checks if not check.ok] == ["advances"]
        assert proven.advanced is None


# ---- making ----------------------------------------------------------------------------------------------------------


def test_make_from_blocks_without_proofs():
    """From three blocks as they are in a run."""
    sources = {"block": PLAIN.bare[1], "next_block": PLAIN.bare[2], "after_next": PLAIN.bare[3]}
    assert PROOFS.make(sources, Statement("header"), trusted(PLAIN)) == header_bundle(PLAIN, 1)
    item = ledger_pb2.ConsensusValue.FromString(PLAIN.values[1]).txset.txs[2].SerializeToString()
    found = PROOFS.make(sources, Statement("transaction", item), trusted(PLAIN))
    assert found == transaction_bundle(PLAIN, 1, 2)


@pytest.mark.parametrize(
    ("sources", "claim", "named"),
    [
        ({}, Statement("header"), "sources.block"),
        ({"block": b"\xff"}, Statement("header"), "sources.block"),
        ({"block": PLAIN.bare[1]}, Statement("header"), "sources.next_block"),
        ({"block": PLAIN.bare[1], "next_block": PLAIN.bare[2]}, Statement("header"), "sources.after_next"),
        ({"block": PLAIN.blocks[1]}, Statement("transaction"), "sources.index"),
        ({"block": PLAIN.blocks[1], "index": 3}, Statement("transaction"), "sources.index"),
        ({"block": PLAIN.blocks[1]}, Statement("transaction", b"x"), "statement.item"),
        ({"block": PLAIN.blocks[1]}, Statement("event"), "statement.kind"),
        ({"block": PLAIN.blocks[1], "blocks": 1}, Statement("header"), "sources"),
    ],
)
def test_make_names_what_is_missing(sources, claim, named):
    with pytest.raises(InputError) as caught:
        PROOFS.make(sources, claim, trusted(PLAIN))
    assert caught.value.field == named


def test_make_needs_the_validators_that_sign():
    stripped = ledger_pb2.LedgerBundle.FromString(MOVED.blocks[2])
    stripped.ClearField("validators")
    with pytest.raises(InputError, match="ValidatorSet"):
        PROOFS.make({"block": stripped.SerializeToString()}, Statement("header"), trusted(MOVED))
    with pytest.raises(InputError, match="context"):
        PROOFS.make(
            {}, Statement("header"), dataclasses.replace(trusted(MOVED), context=ledgers.get("chainmaker").context({}))
        )


def test_facts_are_json():
    bundle, state = kinds()["transaction"]
    facts = PROOFS.check(bundle, state).facts
    assert json.loads(json.dumps(facts)) == facts
    assert "not proven" in facts["result"]
    assert isinstance(state.context, BifContext)
    env = transaction_pb2.TransactionEnv.FromString(bundle.statement.item)
    assert facts["operations"][0]["contract"] == env.transaction.operations[0].pay_coin.dest_address


def test_a_state_that_names_no_chain_proves_nothing() -> None:
    """Nodes of one chain may make another with the same keys."""
    for bundle, state in kinds().values():
        unnamed = dataclasses.replace(state, context=state.context.replace(chain_id=None))
        found = PROOFS.check(bundle, unnamed)
        assert [check.name for check in found.checks if not check.ok] == ["chain_id"]
        assert found.facts == {}
        assert PROOFS.advance(bundle, unnamed).advanced is None


def test_a_state_without_validators_certifies_nothing() -> None:
    bundle, state = kinds()["header"]
    for none in (None, ()):
        unknown = dataclasses.replace(state, context=state.context.replace(validators=none))
        assert PROOFS.check(bundle, unknown).checks[-1].name == "trusted_validators"
