"""Whole blocks of Xinghuo and runs of them: each check, what moves the context, and both rule sets."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pycore import InputError, ProofError, Verdict, ledgers
from pycore._pb.ledgers.bif.v1 import ledger_pb2, transaction_pb2
from pycore.ledgers.bif import BifContext, headers
from pycore.testing.bif import BifLedger, Signer, make_signers, make_transaction, seal

LEDGER = ledgers.get("bif")
RULES = ("strict", "compatible")
MADE = BifLedger(blocks=3, transactions=4, scheme="mixed", seed=2)
MOVED = BifLedger(blocks=6, transactions=2, change_at=2, seed=2)


def names(report: Any, status: str) -> set[str]:
    return {check.name for check in report if check.status == status}


def parts(made: BifLedger, index: int) -> tuple[Any, Any, Any]:
    """Bundle, header and consensus value of a block, to be changed."""
    bundle = ledger_pb2.LedgerBundle.FromString(made.blocks[index])
    header = ledger_pb2.LedgerHeader.FromString(bundle.header)
    return bundle, header, ledger_pb2.ConsensusValue.FromString(bundle.consensus_value)


def put(bundle: Any, header: Any = None, value: Any = None, *, rehash: bool = False) -> bytes:
    """The bundle with other parts; `rehash`: the header's hash made to fit."""
    if value is not None:
        bundle.consensus_value = value.SerializeToString()
    if header is not None:
        if rehash:
            header.hash = headers.block_hash(header)
        bundle.header = header.SerializeToString()
    return bundle.SerializeToString()


# ---- single blocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", RULES)
def test_every_check_of_a_good_block_passes(rules):
    for index in range(3):
        report = LEDGER.validate_block(MADE.blocks[index], MADE.context_for(index).replace(rules=rules))
        assert report.valid
        assert report.complete
        assert report.height == 2 + index
        assert report.block_hash == MADE.headers[index].hash == LEDGER.header_hash(MADE.hashed_header(index))
        assert report.counts["transactions"] == 4
        assert report.counts["signatures"] == 4
        json.dumps(report.to_dict())
        read = {check.name for check in report if check.certainty == "read"}
        assert read == {
            "consensus_value_hash", "consensus_value", "certificate", "quorum", "header_proof", "previous_proof",
            "accounts", "nonces", "domains",
        }  # fmt: skip


def test_checks_without_a_context_are_skipped_by_name():
    report = LEDGER.validate_block(MADE.blocks[1])
    assert report.valid
    assert names(report, "skipped") == {
        "chain_id", "height", "previous_hash", "accounts", "nonces", "validators", "certificate", "quorum",
        "header_proof", "previous_proof",
    }  # fmt: skip
    assert all(check.detail for check in report.skipped)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("threads", [1, 2])
def test_batch_and_single_verdicts(rules, threads):
    bundle, header, value = parts(MADE, 1)
    value.txset.txs[1].signatures[0].sign_data = bytes(64)
    value.txset.txs[2].transaction.nonce = 7
    report = LEDGER.validate_block(
        put(bundle, header, value), MADE.context_for(1).replace(rules=rules), threads=threads
    )
    assert [v == Verdict.VALID for v in report.transactions] == [True, False, False, True]
    assert [fault.index for fault in report.faults] == [1, 2]
    assert report.faults[0].tx_id == LEDGER.transaction_hash(value.txset.txs[1].SerializeToString()).hex()
    assert not report.valid
    assert {"transactions", "consensus_value_hash"} <= names(report, "failed")


# Field of the header -> checks that fail when it is changed, its hash left as it was and made to fit.
FIELDS: dict[str, tuple[Any, set[str], set[str]]] = {
    "seq": (99, {"block_hash", "height", "consensus_value"}, {"height", "consensus_value"}),
    "hash": (b"\1" * 32, {"block_hash"}, set()),
    "previous_hash": (b"\1" * 32, {"block_hash", "previous_hash", "consensus_value"}, {"previous_hash"}),
    "close_time": (1, {"block_hash", "consensus_value"}, {"consensus_value"}),
    "consensus_value_hash": (b"\1" * 32, {"block_hash", "consensus_value_hash", "certificate"}, {"certificate"}),
    "version": (5, {"block_hash"}, set()),
    "validators_hash": (b"\1" * 32, {"block_hash"}, set()),
    "reserve": ("r", {"block_hash"}, set()),
    "fees_hash": (b"\1" * 32, {"block_hash"}, set()),
    "chain_id": (5, {"block_hash", "chain_id"}, {"chain_id"}),
    "account_tree_hash": (b"\1" * 32, set(), set()),
    "tx_count": (5, set(), set()),
}


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_a_header(name):
    value, as_is, fitted = FIELDS[name]
    for rehash, wanted in ((False, as_is), (True, fitted)):
        bundle, header, _ = parts(MADE, 1)
        setattr(header, name, value)
        report = LEDGER.validate_block(put(bundle, header, rehash=rehash), MADE.context_for(1))
        assert wanted <= names(report, "failed")
        if wanted:
            assert not report.valid
        if name == "validators_hash":  # of validators that nobody knows: nothing is wrong, and nothing is complete
            assert "validators" in names(report, "skipped")
    assert {one.name for one in ledger_pb2.LedgerHeader.DESCRIPTOR.fields} == {*FIELDS, "domain_account_hashs"}


def test_domains_are_hashed_in_their_order():
    bundle, header, _ = parts(MADE, 1)
    header.domain_account_hashs.add(domain_id=3, account_tree_hash=b"\1" * 32)
    assert names(LEDGER.validate_block(put(bundle, header)), "failed") == {"block_hash"}
    first = headers.block_hash(header)
    header.domain_account_hashs.sort(key=lambda one: -one.domain_id)
    assert headers.block_hash(header) != first


@pytest.mark.parametrize("name", ["hash", "previous_hash", "consensus_value_hash", "validators_hash"])
def test_structure_asks_for_whole_hashes(name):
    for length in (0, 31, 33):
        bundle, header, _ = parts(MADE, 1)
        setattr(header, name, bytes(length))
        assert "structure" in names(LEDGER.validate_block(put(bundle, header)), "failed")


def test_bytes_that_a_writer_would_not_put():
    bundle, _, _ = parts(MADE, 1)
    for field, data in (("header", bundle.header + b"\xf0\x01\x01"), ("header", bundle.header[:2] + bundle.header)):
        other = ledger_pb2.LedgerBundle.FromString(MADE.blocks[1])
        setattr(other, field, data)
        assert "structure" in names(LEDGER.validate_block(other.SerializeToString()), "failed")
    assert "structure" in names(LEDGER.validate_block(MADE.blocks[1] + b"\xf0\x01\x01"), "failed")
    report = LEDGER.validate_block(MADE.blocks[1] + b"\xf0\x01\x01", {"rules": "compatible"})
    assert "structure" in names(report, "passed")


def test_consensus_value_names_the_same_block():
    for name, value in (("ledger_seq", 9), ("close_time", 9), ("previous_ledger_hash", b"\1" * 32)):
        bundle, header, consensus = parts(MADE, 1)
        setattr(consensus, name, value)
        header.consensus_value_hash = b""
        report = LEDGER.validate_block(put(bundle, header, consensus))
        assert {"consensus_value", "consensus_value_hash"} <= names(report, "failed")


def test_proof_of_the_block_before():
    """Part of what a node asks of a block."""
    bundle, header, value = parts(MADE, 1)
    report = LEDGER.validate_block(MADE.blocks[1], MADE.context_for(1).replace(previous_header=None))
    assert "previous_proof" in names(report, "skipped")
    value.previous_proof = MADE.proofs[1]
    assert "previous_proof" in names(LEDGER.validate_block(put(bundle, header, value), MADE.context_for(1)), "failed")
    bundle, header, value = parts(MADE, 0)
    assert "previous_proof" in names(LEDGER.validate_block(put(bundle, header, value)), "passed")
    value.previous_proof = b"x"
    assert "previous_proof" in names(LEDGER.validate_block(put(bundle, header, value)), "failed")


def test_header_before_must_be_the_block_before():
    known = MADE.context_for(2)
    other = known.replace(previous_header=MADE.genesis.SerializeToString())
    report = LEDGER.validate_block(MADE.blocks[2], other)
    assert {"previous_proof", "validators", "certificate", "quorum", "nonces"} <= names(report, "skipped")
    forged = ledger_pb2.LedgerHeader.FromString(known.previous_header)
    forged.consensus_value_hash = b"\1" * 32
    report = LEDGER.validate_block(MADE.blocks[2], known.replace(previous_header=forged.SerializeToString()))
    assert "previous_proof" in names(report, "skipped")


def test_block_without_its_consensus_value():
    bundle, header, _ = parts(MADE, 1)
    bundle.ClearField("consensus_value")
    report = LEDGER.validate_block(put(bundle, header), MADE.context_for(1))
    assert report.valid
    assert names(report, "skipped") == {"consensus_value_hash", "consensus_value", "transactions", "previous_proof"}
    assert "quorum" in names(report, "passed")
    bundle.previous_proof = MADE.proofs[0]
    report = LEDGER.validate_block(put(bundle, header), MADE.context_for(1))
    assert "previous_proof" in names(report, "passed")


def test_transactions_in_a_form_that_is_not_public_are_not_passed():
    bundle, header, value = parts(MADE, 1)
    value.txs = b"packed"
    header.consensus_value_hash = hashlib.sha256(value.SerializeToString()).digest()
    report = LEDGER.validate_block(put(bundle, header, value, rehash=True))
    assert report.check("transactions").ok is None
    assert not report.complete


def test_first_block_has_no_proof():
    header = ledger_pb2.LedgerHeader.FromString(MADE.genesis.SerializeToString())
    block = ledger_pb2.LedgerBundle(header=header.SerializeToString(), next_proof=MADE.proofs[0]).SerializeToString()
    report = LEDGER.validate_block(block, MADE.context)
    assert report.valid
    assert "trusted from elsewhere" in report.check("quorum").detail


def test_what_is_no_block():
    good = ledger_pb2.LedgerBundle.FromString(MADE.blocks[0])

    def other(**fields: bytes) -> bytes:
        return ledger_pb2.LedgerBundle(header=good.header, **fields).SerializeToString()

    for data, field in (
        (b"", "block"),
        (b"\xff", "block"),
        (b"\x0a\x00", "block.header"),
        (b"\x0a\x01\xff", "block.header"),
        (good.header, "block"),
        (MADE.blocks[0][:-1], "block"),
        (other(consensus_value=b"\xff"), "block.consensus_value"),
        (other(validators=b"\xff"), "block.validators"),
        (other(consensus_value=b"\x0a\x03\x12\x01\xff"), "block.consensus_value.txset.txs[0]"),
        (other(consensus_value=good.consensus_value, previous_proof=b"x"), "block.previous_proof"),
        (other(next_proof=bytes(5 << 20)), "block.next_proof"),
        *(
            (
                ledger_pb2.LedgerBundle(
                    header=ledger_pb2.LedgerHeader(seq=seq, version=1).SerializeToString()
                ).SerializeToString(),
                "block.header.seq",
            )
            for seq in (0, -1, 1 << 62, (1 << 63) - 1)
        ),
    ):
        with pytest.raises(InputError) as caught:
            LEDGER.validate_block(data)
        assert caught.value.field.startswith(field)
    for wrong in (None, 5, "text"):
        with pytest.raises(InputError):
            LEDGER.validate_block(wrong)


def test_many_small_transactions_are_refused_before_they_cost():
    value = ledger_pb2.ConsensusValue()
    for _ in range(5000):
        value.txset.txs.add()
    header = MADE.genesis.SerializeToString()
    block = ledger_pb2.LedgerBundle(header=header, consensus_value=value.SerializeToString()).SerializeToString()
    with pytest.raises(InputError, match="at least 64 bytes"):
        LEDGER.validate_block(block)


def test_heights_and_digests():
    assert LEDGER.block_height(MADE.blocks[1]) == 3
    found = LEDGER.block_digests(MOVED.blocks[2])
    header = MOVED.headers[2]
    assert found["block_hash"] == header.hash
    assert found["consensus_value_hash"] == header.consensus_value_hash
    assert found["validators_hash"] == header.validators_hash
    value = ledger_pb2.ConsensusValue.FromString(MOVED.values[2])
    assert found["tx_hashes"] == [LEDGER.transaction_hash(one.SerializeToString()) for one in value.txset.txs]
    with pytest.raises(InputError, match="hash"):
        LEDGER.block_digests(MOVED.blocks[2], "sm3")


# ---- BUMO's kind -----------------------------------------------------------------------------------------------------


def test_bumo_headers_are_hashed_with_their_transactions():
    made = ledger_pb2.BumoLedgerHeader(seq=5, hash=bytes(32), tx_count=3, fees_hash=b"\2" * 32, reserve="r")
    bare = ledger_pb2.BumoLedgerHeader.FromString(made.SerializeToString())
    bare.ClearField("hash")
    inner = bare.SerializeToString()
    assert b"\x52\x20" + b"\2" * 32 + b"\x5a\x01r" in inner  # fees_hash is field 10, reserve 11
    wrapped = b"\x0a" + bytes([len(inner)]) + inner
    assert LEDGER.header_hash(made.SerializeToString(), variant="bumo") == hashlib.sha256(wrapped).digest()
    env = seal(make_transaction(MADE.users[0].address, 1, dest=MADE.users[1].address), [MADE.users[0]])
    whole = wrapped + b"\x12" + bytes([len(env) & 0x7F | 0x80, len(env) >> 7]) + env
    found = LEDGER.header_hash(made.SerializeToString(), variant="bumo", transactions=[env])
    assert found == hashlib.sha256(whole).digest()
    with pytest.raises(InputError, match="transactions"):
        LEDGER.header_hash(made.SerializeToString(), transactions=[env])


def test_bumo_blocks():
    value = ledger_pb2.ConsensusValue(ledger_seq=5, previous_ledger_hash=b"\4" * 32, close_time=8).SerializeToString()
    header = ledger_pb2.BumoLedgerHeader(
        seq=5, previous_hash=b"\4" * 32, close_time=8, validators_hash=b"\3" * 32, tx_count=3,
        consensus_value_hash=hashlib.sha256(value).digest(),
    )  # fmt: skip
    header.hash = headers.block_hash(header)
    block = ledger_pb2.LedgerBundle(header=header.SerializeToString(), consensus_value=value).SerializeToString()
    report = LEDGER.validate_block(block, {"variant": "bumo"})
    assert report.valid
    assert report.check("block_hash").ok
    assert report.check("block_hash").certainty == ""
    header.tx_count = 4  # hashed, unlike BIF's
    block = ledger_pb2.LedgerBundle(header=header.SerializeToString(), consensus_value=value).SerializeToString()
    assert names(LEDGER.validate_block(block, {"variant": "bumo"}), "failed") == {"block_hash"}


def test_bumo_transactions_are_not_read():
    """Their fields have other numbers; nothing is passed, and nothing is held against them."""
    value = ledger_pb2.ConsensusValue(ledger_seq=5, previous_ledger_hash=b"\4" * 32)
    env = value.txset.txs.add()
    env.transaction.source_address = "buQhmPKU1xTyC3n7zJ8zLQXtuDJmM2zTrJey"
    data = value.SerializeToString()
    header = ledger_pb2.BumoLedgerHeader(seq=5, hash=bytes(32), previous_hash=b"\4" * 32, validators_hash=bytes(32))
    header.consensus_value_hash = hashlib.sha256(data).digest()
    block = ledger_pb2.LedgerBundle(header=header.SerializeToString(), consensus_value=data).SerializeToString()
    report = LEDGER.validate_block(block, {"variant": "bumo"})
    assert report.valid
    assert {"transactions", "accounts", "nonces", "domains", "block_hash"} <= names(report, "skipped")
    assert (len(report.transactions), report.counts["unread"]) == (0, 1)
    assert LEDGER.block_digests(block, variant="bumo")["tx_hashes"] == []
    with pytest.raises(InputError, match="variant"):
        LEDGER.validate_transactions([b""], {"variant": "bumo"})


# ---- runs ------------------------------------------------------------------------------------------------------------


def run(made: BifLedger, blocks: Any = None, **changes: Any) -> tuple[list[Any], Any]:
    going = LEDGER.validate_chain(made.bare if blocks is None else blocks, made.context_for(0).replace(**changes))
    return list(going), going.checkpoint


def test_a_block_of_a_run_is_final_by_the_next_ones_proof():
    reports, place = run(MADE)
    assert [r.valid for r in reports] == [True] * 3
    assert [r.complete for r in reports] == [True, False, False]
    assert names(reports[1], "skipped") == {"header_proof"}
    assert names(reports[2], "skipped") == {"certificate", "quorum", "header_proof"}
    assert "comes with the next one" in reports[2].check("quorum").detail
    assert place.height == 4
    assert place.block_hash == MADE.headers[2].hash
    assert place.unclear == ""
    whole, _ = run(MADE, MADE.blocks)
    assert all(r.complete for r in whole)


def test_windows_do_not_change_reports():
    shown = []
    for window in (1, 2, 16):
        going = LEDGER.validate_chain(iter(MOVED.bare), MOVED.context_for(0), window_blocks=window)
        shown.append([{**r.to_dict(), "timings": None} for r in going])
    assert shown[0] == shown[1] == shown[2]


def test_nonces_move_with_a_run():
    reports, place = run(MADE)
    assert reports[0].check("context_change").got == "nonces"
    assert dict(place.context.nonces) == {user.address: 3 for user in MADE.users}
    again, _ = run(MADE, [MADE.bare[0], MADE.bare[0]])
    assert {"height", "previous_hash"} <= names(again[1], "failed")
    assert "nonces" in names(again[1], "skipped")  # of a block that is not the next one


def test_validators_change_by_the_header():
    """And those before confirm it: a quorum of them has signed the block after."""
    reports, place = run(MOVED)
    assert all(r.valid for r in reports)
    assert reports[2].check("context_change").got == "nonces, validators"
    assert "others from the next block on" in reports[2].check("validators").detail
    proof = reports[2].check("header_proof")
    assert (proof.ok, proof.got, proof.wanted) == (True, 4, 3)
    assert len(place.context.validators) == 5
    assert place.unclear == ""
    assert not place.context.handover


def test_validators_that_are_not_given():
    """Nothing is held against the blocks after a change to a set that nobody brought."""
    blocks = []
    for data in MOVED.bare:
        bundle = ledger_pb2.LedgerBundle.FromString(data)
        bundle.ClearField("validators")
        blocks.append(bundle.SerializeToString())
    reports, place = run(MOVED, blocks)
    assert all(r.valid for r in reports)
    assert reports[2].check("validators").ok is None
    assert reports[3].check("quorum").ok is None
    assert "block 4 names validators that are not given" in place.unclear
    known = [one.address for one in MOVED.validators[3]]
    reports, place = run(MOVED, blocks, next_validators=known)
    assert reports[2].check("header_proof").ok
    assert reports[5].check("validators").ok
    assert place.unclear == ""


def forged_takeover(*, members: int) -> list[bytes]:
    """A block's real consensus value and proof under a header that names somebody else's validators, and a block that
    these then sign, with so many of the old ones among them."""
    made = BifLedger(blocks=2, transactions=1, seed=4)
    own = made.validators[0][:members] + make_signers("ed25519", 4 - members, seed=99)
    bundle, header, _ = parts(made, 0)
    bundle.ClearField("finality")
    bundle.validators = headers.write_validators((one.address, 0) for one in own)
    header.validators_hash = headers.validators_hash((one.address, 0) for one in own)
    first = put(bundle, header, rehash=True)
    after, later, value = parts(made, 1)
    after.ClearField("finality")
    value.previous_ledger_hash = later.previous_hash = header.hash
    later.validators_hash = header.validators_hash
    later.consensus_value_hash = hashlib.sha256(value.SerializeToString()).digest()
    from pycore.testing.bif import make_pbft_proof

    after.next_proof = make_pbft_proof(later.consensus_value_hash, later.seq, list(enumerate(own)))
    return [first, put(after, later, value, rehash=True)]


def test_a_proof_does_not_cover_the_header_so_validators_confirm_their_successors():
    """Otherwise whoever serves a block could name the validators of the next one."""
    context = BifLedger(blocks=2, transactions=1, seed=4).context_for(0)
    for members, ok in ((0, None), (2, None), (3, True)):
        blocks = forged_takeover(members=members)
        state = LEDGER.chain_state(context)
        alone = [report for block in blocks for report in state.reports([block])]  # without a look ahead
        assert alone[1].check("quorum").ok, "the new validators did sign"
        assert alone[1].check("handover").ok is ok
        assert bool(state.checkpoint.unclear) is (ok is None)
        going = LEDGER.validate_chain(blocks, context)
        reports = list(going)
        assert reports[0].check("header_proof").ok is ok
        assert reports[0].complete is (ok is True)
        assert bool(going.checkpoint.unclear) is (ok is None)


def test_header_that_validators_did_not_agree_on():
    """Another state after the block, with the value that they did agree on: its own proof does not tell."""
    for name in ("validators_hash", "fees_hash", "version", "reserve"):
        bundle, header, _ = parts(MADE, 1)
        value = getattr(header, name)
        setattr(header, name, 5 if isinstance(value, int) else "x" if isinstance(value, str) else b"\1" * 32)
        block = put(bundle, header, rehash=True)
        report = LEDGER.validate_block(block, MADE.context_for(1))
        assert report.check("quorum").ok
        assert report.check("header_proof").ok is (None if name == "validators_hash" else False)
        assert not (report.valid and report.complete)
    bundle, header, _ = parts(MADE, 1)
    for field, data in (("next_value", MADE.values[1]), ("proof", MADE.proofs[0]), ("proof", b"\xff")):
        other = ledger_pb2.LedgerBundle.FromString(MADE.blocks[1])
        setattr(other.finality, field, data)
        assert LEDGER.validate_block(other.SerializeToString(), MADE.context_for(1)).check("header_proof").ok is None


def test_a_broken_block_breaks_the_run():
    bundle, header, value = parts(MADE, 1)
    value.txset.txs[0].signatures[0].sign_data = bytes(64)
    reports, place = run(MADE, [MADE.bare[0], put(bundle, header, value), MADE.bare[2]])
    assert [r.valid for r in reports] == [True, False, True]
    assert place.broken == 3
    assert {"height", "previous_hash", "nonces", "validators"} <= names(reports[2], "skipped")


def test_checkpoints_go_on():
    whole, end = run(MOVED)
    for stop in range(1, 6):
        going = LEDGER.validate_chain(MOVED.blocks[:stop], MOVED.context_for(0))
        first = list(going)
        document = json.loads(json.dumps(going.checkpoint.to_dict()))
        rest = LEDGER.validate_chain(MOVED.bare[stop:], checkpoint=document)
        reports = first + list(rest)
        assert [r.valid for r in reports] == [r.valid for r in whole]
        assert rest.checkpoint.to_dict() == end.to_dict()


def test_bytes_that_are_no_block_end_a_run_in_their_place():
    going = LEDGER.validate_chain([MADE.bare[0], b"\xff", MADE.bare[1]], MADE.context_for(0))
    assert next(going).valid
    with pytest.raises(InputError) as caught:
        next(going)
    assert caught.value.field == "blocks[1]"


def block_with(operation: Any, signer: Signer, context: BifContext) -> Any:
    """The next context after a block with one transaction."""
    tx = transaction_pb2.Transaction(source_address=signer.address, nonce=1)
    tx.operations.add().CopyFrom(operation)
    value = ledger_pb2.ConsensusValue(ledger_seq=7)
    value.txset.txs.add().ParseFromString(seal(tx, [signer]))
    header = ledger_pb2.LedgerHeader(seq=7, previous_hash=bytes(32), validators_hash=bytes(32))
    value.previous_ledger_hash = header.previous_hash
    header.consensus_value_hash = hashlib.sha256(value.SerializeToString()).digest()
    block = put(ledger_pb2.LedgerBundle(), header, value, rehash=True)
    step = LEDGER.step(block, context, threads=1)
    assert step.report.valid
    return step.context


def test_accounts_whose_signers_a_transaction_sets_are_no_longer_sure():
    alice, bob = make_signers("ed25519", 2, seed=8)
    operation = transaction_pb2.Operation
    priv = transaction_pb2.AccountPrivilege
    plain = priv(master_weight=1, thresholds=transaction_pb2.AccountThreshold(tx_threshold=1))
    other = priv(master_weight=1, signers=[{"address": alice.address, "weight": 1}])
    start = BifContext(other_accounts="single")
    made = transaction_pb2.OperationCreateAccount
    for one, wanted in (
        (operation(type=5, set_signer_weight={}), (alice.address,)),
        (operation(type=6, set_threshold={}), (alice.address,)),
        (operation(type=9, set_privilege={}, source_address=bob.address), (bob.address,)),
        (operation(type=1, create_account=made(dest_address=bob.address, priv=plain)), ()),
        (operation(type=1, create_account=made(dest_address=bob.address, priv=other)), (bob.address,)),
        (operation(type=1, create_account=made(dest_address=bob.address)), (bob.address,)),
        (operation(type=1, create_account=made()), ()),
        (operation(type=7, pay_coin={}), ()),
    ):
        assert tuple(block_with(one, alice, start).changed_accounts) == wanted
    sure = seal(make_transaction(alice.address, 2, dest=bob.address), [alice])
    value = ledger_pb2.ConsensusValue(ledger_seq=8)
    value.txset.txs.add().ParseFromString(sure)
    block = ledger_pb2.LedgerBundle(
        header=ledger_pb2.LedgerHeader(seq=8).SerializeToString(), consensus_value=value.SerializeToString()
    ).SerializeToString()
    assert LEDGER.validate_block(block, start).check("accounts").ok
    later = start.replace(changed_accounts=[alice.address])
    assert LEDGER.validate_block(block, later).check("accounts").ok is None


# ---- inclusion -------------------------------------------------------------------------------------------------------


def test_inclusion_is_the_whole_consensus_value():
    root, value = MADE.headers[1].consensus_value_hash, MADE.values[1]
    hashes = LEDGER.block_digests(MADE.blocks[1])["tx_hashes"]
    for i, item in enumerate(hashes):
        LEDGER.verify_inclusion(root, item, value, form="wire")
        LEDGER.verify_inclusion(root, item, value, form="wire", index=i)
        for bad in (i - 1, i + 1, len(hashes)):
            with pytest.raises(ProofError):
                LEDGER.verify_inclusion(root, item, value, form="wire", index=bad)
    for broken in (
        (b"\0" * 32, hashes[0], value),
        (root, b"\0" * 32, value),
        (root, hashes[0], value + b"\xf0\x01\x01"),
    ):
        with pytest.raises(ProofError) as caught:
            LEDGER.verify_inclusion(*broken, form="wire")
        assert caught.value.verdict == Verdict.BAD_PROOF
    for broken in (b"", b"\xff", value[:-1]):
        with pytest.raises(ProofError):
            LEDGER.verify_inclusion(root, hashes[0], broken, form="wire")
    with pytest.raises(InputError, match="root"):
        LEDGER.verify_inclusion(root[:-1], hashes[0], value, form="wire")


# ---- contexts --------------------------------------------------------------------------------------------------------


def test_contexts_survive_json():
    full = MOVED.context_for(3).replace(
        accounts={MADE.users[0].address: {"threshold": 2, "signers": {MADE.users[1].address: 1}}},
        changed_accounts=[MADE.users[0].address], domains=[3, 1], chain_code="by01",
        next_validators=[{"address": MADE.users[1].address, "pledge": 7}],
    )  # fmt: skip
    assert BifContext.from_json(full.to_json()) == full
    assert LEDGER.context(full.to_dict()) == full


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("variant", "xyz"), ("rules", "lax"), ("consensus", "raft"), ("chain_id", -1), ("validators", "did:bid:ef"),
        ("validators", ["did:bid:ef"]), ("validators", [MADE.users[0].address] * 2), ("accounts", {"x": {}}),
        ("accounts", {MADE.users[0].address: {"weight": 1}}), ("nonces", {MADE.users[0].address: -1}),
        ("accounts", {MADE.users[0].address: {"signers": {str(i): 1 for i in range(101)}}}), ("handover", 1),
        ("previous_header", b"\xff"), ("previous_block_hash", b"\0"), ("height", 0), ("domains", [-1]),
        ("other_accounts", "all"), ("validator", []), ("next_validators", [{"pledge": 1}]),
    ],
)  # fmt: skip
def test_contexts_name_what_does_not_fit(field, value):
    with pytest.raises(InputError, match=field):
        LEDGER.context({field: value})


def test_the_ledger_is_registered():
    assert "bif" in ledgers.names()
    assert ledgers.get("bif") is LEDGER
