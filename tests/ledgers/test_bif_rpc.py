"""Answers of a node's HTTP interface: the same hashes, verdicts and reports as from the bytes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from pycore import InputError, ledgers
from pycore._pb.ledgers.bif.v1 import ledger_pb2, transaction_pb2
from pycore.base.descriptors import is_repeated
from pycore.ledgers.bif import rpc
from pycore.testing.bif import BifLedger, make_signers, make_transaction, seal

LEDGER = ledgers.get("bif")
MADE = BifLedger(blocks=3, transactions=3, scheme="mixed", seed=21)
ALICE, BOB = make_signers("ed25519", 2, seed=21)


def shown(message: Any) -> Any:
    """A message as a node shows it: bytes in hexadecimal, enumerations as numbers, defaults left out."""
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        many = list(value) if is_repeated(field) else [value]
        if field.message_type is not None:
            many = [shown(one) for one in many]
        elif field.type == field.TYPE_BYTES:
            many = [bytes(one).hex() for one in many]
        found[field.name] = many if is_repeated(field) else many[0]
    return found


def answer(index: int, **more: Any) -> dict[str, Any]:
    """What `getLedger?seq=...&with_consvalue=true` answers, in BUMO's form."""
    value = ledger_pb2.ConsensusValue.FromString(MADE.values[index])
    result = {"header": shown(MADE.headers[index]), "consensus_value": shown(value), **more}
    return {"error_code": 0, "result": result}


def full() -> transaction_pb2.Transaction:
    """A transaction with every kind of operation, and bytes that are no text."""
    tx = make_transaction(ALICE.address, 3, dest=BOB.address, metadata=b"\0\xff", expr_condition="1 < 2", chain_id=4)
    tx.domain_id, tx.ceil_ledger_seq = 20, 1 << 40
    kinds = transaction_pb2.Operation.DESCRIPTOR.fields
    for field in kinds:
        if field.message_type is None:
            continue
        one = tx.operations.add(type=field.number - 3, metadata=b"\1")
        inside = getattr(one, field.name)
        inside.SetInParent()
        for part in field.message_type.fields:
            if is_repeated(part) and part.message_type is None:
                getattr(inside, part.name).append("x")
            elif is_repeated(part):
                getattr(inside, part.name).add()
            elif part.message_type is not None:
                getattr(inside, part.name).SetInParent()
            else:
                kind = {part.TYPE_STRING: "\u661f\u706b", part.TYPE_BYTES: b"\x80", part.TYPE_BOOL: True}
                setattr(inside, part.name, kind.get(part.type, 1))
    return tx


def test_every_field_of_a_transaction():
    tx = full()
    item = seal(tx, [ALICE])
    env = transaction_pb2.TransactionEnv.FromString(item)
    document = shown(env)
    around = {"hash": "00", "ledger_seq": 5, "close_time": 1, "error_code": 0, "actual_fee": 3, "tx_size": 1}
    for source in (document, {**document, **around}, json.dumps(document), json.dumps(document).encode()):
        assert rpc.transaction_env(source) == item
        assert LEDGER.transaction_hash(source, form="rpc") == LEDGER.transaction_hash(item)
    assert LEDGER.transaction_hash(document["transaction"], form="rpc") == LEDGER.transaction_hash(item)
    assert LEDGER.transaction_sender(document, form="rpc") == ALICE.address
    assert MessageToDict(env) != document, "a node's form is not protobuf's own"


def test_forms_of_enumerations_and_numbers():
    item = seal(make_transaction(ALICE.address, 3, dest=BOB.address), [ALICE])
    document = shown(transaction_pb2.TransactionEnv.FromString(item))
    for kind in (7, "7", "PAY_COIN", "OPERATION_TYPE_PAY_COIN"):
        document["transaction"]["operations"][0]["type"] = kind
        assert rpc.transaction_env(document) == item
    document["transaction"]["nonce"] = "3"
    assert rpc.transaction_env(document) == item


def test_messages_that_are_there_and_empty():
    """As in the account that a contract's creation names: `priv` has no weight, and is there."""
    tx = transaction_pb2.Transaction(source_address=ALICE.address)
    tx.operations.add(type=1).create_account.priv.SetInParent()
    document = {"source_address": ALICE.address, "operations": [{"type": 1, "create_account": {"priv": {}}}]}
    assert rpc.transaction_blob(document) == tx.SerializeToString()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("transaction", "nonce"), 1 << 63, "transaction.nonce"),
        (("transaction", "nonce"), 1.0, "transaction.nonce"),
        (("transaction", "nonce"), True, "transaction.nonce"),
        (("transaction", "nonce"), "0x3", "transaction.nonce"),
        (("transaction", "domain_id"), 1 << 31, "transaction.domain_id"),
        (("transaction", "metadata"), "0", "transaction.metadata"),
        (("transaction", "metadata"), "zz", "transaction.metadata"),
        (("transaction", "metadata"), 5, "transaction.metadata"),
        (("transaction", "source_address"), 5, "transaction.source_address"),
        (("transaction", "source_address"), "\ud800", "transaction.source_address"),
        (("transaction", "unknown"), 5, "transaction.unknown"),
        (("transaction", "\ud800"), 5, "transaction.\ud800"),
        (("transaction", "operations", 0, "type"), "\ud800", "transaction.operations[0].type"),
        (("transaction", "operations"), {}, "transaction.operations"),
        (("transaction", "operations"), "x", "transaction.operations"),
        (("transaction", "operations", 0), 5, "transaction.operations[0]"),
        (("transaction", "operations", 0, "type"), "PAY", "transaction.operations[0].type"),
        (("transaction", "operations", 0, "pay_coin"), [], "transaction.operations[0].pay_coin"),
        (("signatures", 0, "sign_data"), "xyz", "signatures[0].sign_data"),
        (("signatures",), 5, "signatures"),
        (("transaction",), [], "transaction"),
        (("fee",), 1, "fee"),
    ],
)
def test_what_does_not_fit_is_named(path, value, named):
    item = seal(make_transaction(ALICE.address, 3, dest=BOB.address), [ALICE])
    document = copy.deepcopy(shown(transaction_pb2.TransactionEnv.FromString(item)))
    inside: Any = document
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    with pytest.raises(InputError) as caught:
        LEDGER.transaction_hash(document, form="rpc")
    assert caught.value.field == f"tx.{named}"


def test_what_is_no_answer():
    for source in (None, 5, [], "", "[]", "{", b"\xff", {"error_code": 4, "result": {}}):
        with pytest.raises(InputError):
            LEDGER.transaction_hash(source, form="rpc")
    with pytest.raises(InputError, match="form"):
        LEDGER.transaction_hash({}, form="json")
    two = {"result": {"transactions": [{}, {}]}}
    with pytest.raises(InputError, match="one transaction"):
        LEDGER.transaction_hash(two, form="rpc")
    deep: Any = {}
    for _ in range(50):
        deep = {"result": deep}
    with pytest.raises(InputError):
        LEDGER.header_hash({"header": {"domain_account_hashs": [deep]}}, form="rpc")


def test_headers():
    for index in range(3):
        header = MADE.headers[index]
        for source in (answer(index), shown(header), json.dumps(answer(index))):
            assert LEDGER.header_hash(source, form="rpc") == header.hash
    with pytest.raises(InputError, match="unknown"):
        LEDGER.header_hash({**shown(MADE.headers[0]), "new_field": 1}, form="rpc")


def test_blocks_give_the_reports_of_their_bytes():
    """The next two answers carry what makes a block final."""
    context = MADE.context_for(0)
    report = LEDGER.validate_block(answer(0), context, form="rpc", next_block=[answer(1), answer(2)])
    wanted = LEDGER.validate_block(MADE.blocks[0], context)
    assert report.valid
    assert report.complete
    assert report.checks == wanted.checks
    assert report.block_hash == wanted.block_hash
    one = LEDGER.validate_block(json.dumps(answer(0)), context, form="rpc", next_block=answer(1))
    assert {check.name for check in one.skipped} == {"header_proof"}
    none = LEDGER.validate_block(answer(0), context, form="rpc")
    assert {check.name for check in none.skipped} == {"certificate", "quorum", "header_proof"}
    assert LEDGER.block_height(answer(0), form="rpc") == 2
    assert LEDGER.block_digests(answer(0), form="rpc") == LEDGER.block_digests(MADE.bare[0])
    certificate = LEDGER.verify_certificate(answer(0), context, form="rpc", next_block=answer(1))
    assert certificate.valid
    assert certificate.complete
    with pytest.raises(InputError, match="next_block"):
        LEDGER.validate_block(MADE.blocks[0], context, next_block=answer(1))


def test_runs_of_answers():
    """Turned into bytes; the run finds by itself what makes each final."""
    blocks = [LEDGER.from_answers(answer(index)) for index in range(3)]
    assert blocks == MADE.bare
    assert all(report.valid for report in LEDGER.validate_chain(blocks, MADE.context_for(0)))
    assert LEDGER.from_answers(answer(0), [answer(1), answer(2)]) == MADE.blocks[0]
    with pytest.raises(InputError, match="variant"):
        LEDGER.from_answers(answer(0), variant="other")


def test_proofs_shown_in_plain_are_passed_over():
    document = answer(1)
    document["result"]["consensus_value"]["previous_proof_plain"] = {"commits": []}
    report = LEDGER.validate_block(document, MADE.context_for(1), form="rpc")
    assert report.check("consensus_value_hash").ok


def test_bifs_own_form_of_a_consensus_value():
    """Its encoding is not public: the proof is taken, and checks that need the rest are skipped."""

    def own(index: int) -> dict[str, Any]:
        document = answer(index)
        value = document["result"]["consensus_value"]
        proof = value.pop("previous_proof", "")
        document["result"]["consensus_value"] = {"consensus_header": {"previous_proof": proof, "other": 1}, "body": {}}
        return document

    report = LEDGER.validate_block(own(1), MADE.context_for(1), form="rpc", next_block=own(2))
    assert report.valid
    assert report.check("quorum").ok
    assert report.check("previous_proof").ok
    assert {check.name for check in report.skipped} == {
        "consensus_value_hash", "consensus_value", "transactions", "header_proof",
    }  # fmt: skip
    with pytest.raises(InputError, match="not public"):
        LEDGER.verify_inclusion(bytes(32), bytes(32), own(1)["result"]["consensus_value"])


def test_bumo_answers():
    """The value of an empty block is taken; of one with transactions, which have other fields, the proof alone."""
    value = {"close_time": 5, "ledger_seq": 6, "previous_ledger_hash": "04" * 32, "previous_proof": "0a00"}
    header = {"seq": 6, "hash": "00" * 32, "fees_hash": "05" * 32, "tx_count": 1}
    document = {"error_code": 0, "result": {"header": header, "consensus_value": value}}
    made = ledger_pb2.LedgerBundle.FromString(LEDGER.from_answers(document, variant="bumo"))
    assert ledger_pb2.ConsensusValue.FromString(made.consensus_value).previous_proof == b"\x0a\x00"
    assert ledger_pb2.BumoLedgerHeader.FromString(made.header).fees_hash == b"\5" * 32
    value["txset"] = {"txs": [{"transaction": {"fee_limit": 5, "operations": [{"type": 2, "issue_asset": {}}]}}]}
    made = ledger_pb2.LedgerBundle.FromString(LEDGER.from_answers(document, document, variant="bumo"))
    assert made.consensus_value == b""
    assert made.previous_proof == made.next_proof == b"\x0a\x00"


def test_validators_of_an_answer():
    addresses = [one.address for one in MADE.validators[0]]
    made = ledger_pb2.LedgerBundle.FromString(rpc.bundle(answer(0, validators=addresses), "bif"))
    listed = ledger_pb2.ValidatorSet.FromString(made.validators)
    assert [one.address for one in listed.validators] == addresses
    pledged = [{"address": addresses[0], "pledge_coin_amount": 5}]
    made = ledger_pb2.LedgerBundle.FromString(rpc.bundle(answer(0, validators=pledged), "bif"))
    assert ledger_pb2.ValidatorSet.FromString(made.validators).validators[0].pledge_coin_amount == 5
    for wrong in ("x", [5], [{"pledge_coin_amount": 1}]):
        with pytest.raises(InputError, match="validators"):
            rpc.bundle(answer(0, validators=wrong), "bif")


def test_inclusion_in_an_answer():
    root = MADE.headers[1].consensus_value_hash
    item = LEDGER.block_digests(MADE.blocks[1])["tx_hashes"][1]
    LEDGER.verify_inclusion(root, item, answer(1))
    LEDGER.verify_inclusion(root, item, answer(1)["result"]["consensus_value"], index=1)


def test_bundles_from_answers():
    from pycore.ledgers.proof import Statement, Trusted

    proofs, state = LEDGER.proofs, Trusted("bif", "", 1, MADE.genesis.hash, MADE.context.replace(nonces=None))
    sources = {"block": answer(0), "next_block": answer(1), "after_next": answer(2), "index": 1}
    bundle = proofs.make(sources, Statement("transaction"), state)
    assert all(check.ok for check in proofs.check(bundle, state).checks)
