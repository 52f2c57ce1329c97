"""Transactions of FISCO BCOS 3.x: every rule by name, every field changed, every length off by one."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import fisco as oracle
from oracle.keccak import keccak256

from pycore import ledgers
from pycore.base import rlp
from pycore.errors import InputError, InvalidSignature
from pycore.ledgers.fisco import v3_records, v3_web3
from pycore.ledgers.tars import encode
from pycore.testing.fisco import FiscoChain, ethereum_transaction, rpc_block, rpc_transaction

LEDGER = ledgers.get("fisco-bcos")
HASHES = ["keccak256", "sm3"]


def record(tx):
    return encode(v3_records.TRANSACTION, tx)


def verdicts(chain, txs, **context):
    """Names of the verdicts of loose transactions for block 1, given as values."""
    found = LEDGER.validate_transactions([record(tx) for tx in txs], chain.context(1, **context))
    return [verdict.name for verdict in found]


def changed(tx, **data):
    """The transaction with other content, its signature and hash as they were."""
    return {**tx, "data": {**tx["data"], **data}}


@pytest.fixture(scope="module", params=HASHES)
def chain(request):
    return FiscoChain(11, hash=request.param, version=1)


@pytest.fixture(scope="module")
def tx(chain):
    return chain.transactions(1, 1)[0]


def test_a_transaction_is_valid_in_both_forms(chain, tx):
    assert verdicts(chain, [tx]) == ["VALID"]
    found = LEDGER.validate_transactions([rpc_transaction(tx)], chain.context(1), form="rpc")
    assert found.all_valid
    hash_ = oracle.transaction(chain.hash, tx["data"])
    for form, one in (("wire", record(tx)), ("rpc", rpc_transaction(tx))):
        assert LEDGER.transaction_hash(one, form=form, hash=chain.hash) == hash_
        assert LEDGER.transaction_hash(one, form=form) == hash_  # the stated hash tells which
        assert LEDGER.transaction_sender(one, form=form) == LEDGER.transaction_sender(one, form=form, hash=chain.hash)


def test_the_sender_is_the_end_of_the_hash_of_the_key():
    chain = FiscoChain(11, hash="sm3")
    tx = chain.transactions(1, 1)[0]
    key = tx["signature"][64:]
    assert LEDGER.transaction_sender(record(tx), hash="sm3") == "0x" + oracle.HASHES["sm3"](key)[12:].hex()


def test_every_field_that_is_hashed_changes_the_verdict(chain, tx):
    other = {
        "version": 0, "chain_id": "chain1", "group_id": "group1", "block_limit": 7, "nonce": "1", "to": "0x",
        "input": b"", "abi": "[]", "value": "0x1", "gas_price": "0x1", "gas_limit": 1, "max_fee_per_gas": "0x6",
        "max_priority_fee_per_gas": "0x6",
    }  # fmt: skip
    txs = [changed(tx, **{name: value}) for name, value in other.items()]
    wrong_chain = [name in ("chain_id", "group_id") for name in other]
    assert verdicts(chain, txs) == ["MALFORMED_ITEM" if wrong else "BAD_DIGEST" for wrong in wrong_chain]
    unstated = verdicts(chain, [{**one, "data_hash": b""} for one in txs])
    recovered = {"VALID"} if chain.hash == "keccak256" else {"BAD_SIGNATURE"}  # a signature of somebody else then
    assert {name for name, wrong in zip(unstated, wrong_chain, strict=True) if not wrong} <= recovered | {
        "MALFORMED_ITEM"
    }
    names = ["data_hash", "signature"]
    assert verdicts(chain, [{**tx, name: b"\1" * len(tx[name])} for name in names])[0] == "BAD_DIGEST"


def test_what_is_not_hashed_changes_nothing(chain, tx):
    more = {"import_time": 5, "attribute": 9, "extra_data": "x"}
    assert verdicts(chain, [{**tx, **more}, {**tx, "data_hash": b""}]) == ["VALID", "MALFORMED_ITEM"]  # the nonce again
    assert verdicts(chain, [{**tx, "data_hash": b""}]) == ["VALID"]


def test_fields_that_shift_have_one_hash_so_chain_and_group_are_compared(chain, tx):
    shifted = changed(tx, chain_id="chain0g", group_id="roup0")
    assert oracle.transaction(chain.hash, shifted["data"]) == oracle.transaction(chain.hash, tx["data"])
    assert verdicts(chain, [shifted]) == ["MALFORMED_ITEM"]
    inside = tx["data"]["input"]
    assert verdicts(chain, [changed(tx, input=inside[:-1], abi=inside[-1:])]) == ["VALID"]  # nothing tells those apart


def test_lengths_of_signatures(chain, tx):
    signature = tx["signature"]
    for wrong in (b"", signature[:-1], signature + b"\0", signature[:64], signature * 2):
        assert verdicts(chain, [{**tx, "signature": wrong}]) == ["MALFORMED_SIGNATURE"], len(wrong)
    zero = bytes(64) + signature[64:]
    assert verdicts(chain, [{**tx, "signature": zero}]) == ["SCALAR_OUT_OF_RANGE"]
    high = b"\xff" * 64 + signature[64:]
    assert verdicts(chain, [{**tx, "signature": high}]) == ["SCALAR_OUT_OF_RANGE"]


def test_recovery_ids_are_0_to_3():
    chain = FiscoChain(11, hash="keccak256")
    tx = chain.transactions(1, 1)[0]
    for v in (4, 27, 28, 255):
        assert verdicts(chain, [{**tx, "signature": tx["signature"][:64] + bytes((v,))}]) == ["MALFORMED_SIGNATURE"]


def test_high_s_is_accepted():
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    chain = FiscoChain(11, hash="keccak256")
    tx = chain.transactions(1, 1)[0]
    r, s, v = tx["signature"][:32], int.from_bytes(tx["signature"][32:64], "big"), tx["signature"][64]
    other = {**tx, "signature": r + (order - s).to_bytes(32, "big") + bytes((v ^ 1,))}
    assert verdicts(chain, [other]) == ["VALID"]
    assert LEDGER.transaction_sender(record(other)) == LEDGER.transaction_sender(record(tx))


def test_the_key_behind_an_sm2_signature_is_the_one_that_verifies():
    chain = FiscoChain(11, hash="sm3")
    one, two = chain.transactions(1, 2)
    swapped = {**one, "signature": one["signature"][:64] + two["signature"][64:]}
    no_point = {**two, "signature": two["signature"][:64] + b"\1" * 64}
    assert verdicts(chain, [swapped, no_point]) == ["BAD_SIGNATURE", "MALFORMED_KEY"]
    with pytest.raises(InvalidSignature):
        LEDGER.transaction_sender(record(swapped))


def test_the_transported_sender_is_never_believed(chain, tx):
    right = bytes.fromhex(LEDGER.transaction_sender(record(tx))[2:])
    stated = [{**tx, "sender": sender} for sender in (right, bytes(20), right[:19], b"\1")]
    assert [verdicts(chain, [one])[0] for one in stated] == ["VALID", *["MALFORMED_ITEM"] * 3]
    assert [verdicts(chain, [one], rules="compatible")[0] for one in stated] == ["VALID"] * 4
    assert LEDGER.transaction_sender(record(stated[0])) == "0x" + right.hex()


def test_numbers_from_version_1_on_are_hexadecimal_text():
    chain = FiscoChain(11, version=1)
    for name in ("value", "gas_price", "max_fee_per_gas", "max_priority_fee_per_gas"):
        texts = dict.fromkeys(["", "0x", "0xAbc09", "0x" + "f" * 70], True)
        texts |= dict.fromkeys(["0", "x", "0xg", "1x0", "0X1", " 0x1", "0x1 ", "0x\0"], False)
        for text, good in texts.items():
            tx = chain.sign_transactions([chain.data(1, 0, **{name: text})])
            assert verdicts(chain, tx) == ["VALID" if good else "MALFORMED_ITEM"], (name, text)
    older = FiscoChain(11, version=0)
    assert verdicts(older, older.sign_transactions([older.data(1, 0, value="zero")])) == ["VALID"]


def test_versions_and_types_that_do_not_exist(chain, tx):
    for wrong in ({**tx, "type": 2}, {**tx, "type": -1}, changed(tx, version=3), changed(tx, version=-1)):
        assert verdicts(chain, [wrong]) == ["MALFORMED_ITEM"]


def test_block_limits_are_in_reach_under_strict():
    chain = FiscoChain(11)
    limits = [99, 100, 101, 699, 700]
    txs = chain.sign_transactions([chain.data(100, i, block_limit=limit) for i, limit in enumerate(limits)])
    context = chain.context(100)
    found = [v.name for v in LEDGER.validate_transactions([record(tx) for tx in txs], context)]
    assert found == ["MALFORMED_ITEM", "VALID", "VALID", "VALID", "MALFORMED_ITEM"]
    wider = LEDGER.validate_transactions([record(txs[4])], context.replace(block_limit=601))
    lax = LEDGER.validate_transactions([record(tx) for tx in txs], context.replace(rules="compatible"))
    assert wider.all_valid
    assert lax.all_valid


def test_nonces_are_new_under_strict():
    chain = FiscoChain(11)
    txs = chain.sign_transactions([chain.data(1, i, nonce=nonce) for i, nonce in enumerate(["1", "2", "1", "01", "2"])])
    assert verdicts(chain, txs) == ["VALID", "VALID", "MALFORMED_ITEM", "VALID", "MALFORMED_ITEM"]
    assert verdicts(chain, txs, recent_nonces=("2",))[:2] == ["VALID", "MALFORMED_ITEM"]
    assert verdicts(chain, txs, rules="compatible") == ["VALID"] * 5


def test_records_that_are_none(chain, tx):
    good = record(tx)
    items = [good, b"", b"\xff", good[:-1], good + b"\x0b", good + b"\x10\x01", good + b"\xbc"]
    found = [verdict.name for verdict in LEDGER.validate_transactions(items, chain.context(1))]
    assert found == ["VALID", *["MALFORMED_ITEM"] * 6]
    with pytest.raises(InputError, match="transactions"):
        LEDGER.validate_transactions("text", chain.context(1))
    with pytest.raises(InputError, match=r"context\.hash"):
        LEDGER.validate_transactions([good], {})
    with pytest.raises(InputError, match="tx"):
        LEDGER.transaction_hash(b"\xff")


def test_a_batch_gives_every_transaction_its_own_verdict(chain):
    rng = np.random.default_rng(5)
    txs = chain.transactions(1, 40)
    wrong = sorted(rng.choice(40, 12, replace=False).tolist())
    for i in wrong:
        txs[i] = {**txs[i], "signature": txs[(i + 1) % 40]["signature"]} if i % 2 else changed(txs[i], abi="x")
    whole = verdicts(chain, txs)
    assert whole == [verdicts(chain, [tx])[0] for tx in txs]
    if chain.hash == "sm3":
        assert [i for i, name in enumerate(whole) if name != "VALID"] == wrong


def test_faults_of_a_block_name_their_transactions():
    chain = FiscoChain(11)
    block = chain.block(1, transactions=2, extra=[changed(chain.transactions(2, 1)[0], abi="x")])
    report = LEDGER.validate_block(block.data, chain.context(1, chain.genesis_hash))
    assert [check.name for check in report.failed] == ["transactions"]
    fault = report.faults[0]
    assert (fault.index, fault.verdict.name, fault.detail) == (
        2,
        "BAD_DIGEST",
        "dataHash is not the hash of its content",
    )
    assert not report.valid


# ---- Ethereum's ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
@pytest.mark.parametrize("hash", HASHES)
def test_ethereum_transactions_are_made_again_from_their_payload(kind, hash):
    chain, tx = FiscoChain(11, hash=hash), ethereum_transaction(5, kind=kind)
    assert verdicts(chain, [tx]) == ["VALID"]
    assert LEDGER.transaction_hash(record(tx)) == tx["extra_hash"]
    assert verdicts(chain, [tx], web3_chain_id=20200) == ["VALID"]
    assert verdicts(chain, [tx], web3_chain_id=1) == ["MALFORMED_ITEM"]
    payload, signature = tx["extra_bytes"], tx["signature"]
    wrong = {
        "extra_hash": bytes(32), "data_hash": bytes(32), "extra_bytes": payload[:-1],
        "signature": signature[:64] + b"\2",
    }  # fmt: skip
    names = ["BAD_DIGEST", "BAD_DIGEST", "MALFORMED_ITEM", "MALFORMED_SIGNATURE"]
    assert [verdicts(chain, [{**tx, name: value}])[0] for name, value in wrong.items()] == names
    for name, value in {"to": "0x" + "22" * 20, "input": b"", "nonce": "0x8", "value": "0x1", "chain_id": "1"}.items():
        assert verdicts(chain, [changed(tx, **{name: value})]) == ["MALFORMED_ITEM"]
        assert verdicts(chain, [changed(tx, **{name: value})], rules="compatible") == ["VALID"]
    assert verdicts(chain, [{**tx, "extra_bytes": payload[:1] + b"\xb8" + payload[1:]}]) == ["MALFORMED_ITEM"]
    flipped = {**tx, "signature": signature[:40] + bytes((signature[40] ^ 1,)) + signature[41:]}
    assert verdicts(chain, [flipped])[0] != "VALID"


def test_ethereum_transactions_make_a_block_read_only_in_part():
    chain = FiscoChain(11, hash="keccak256")
    block = chain.block(1, extra=[ethereum_transaction(i, kind=i) for i in range(4)])
    report = LEDGER.validate_block(block.data, chain.context(1, chain.genesis_hash))
    assert report.valid
    assert report.check("transactions").certainty == "read"
    shown = LEDGER.validate_block(rpc_block(block), chain.context(1, chain.genesis_hash))
    assert [fault.index for fault in shown.faults] == [2, 3, 4, 5]  # answers lack the payload


def test_payloads_that_are_none():
    fields = [b"\7", b"\x0a", b"\x05", b"\1" * 20, b"", b"data"]
    assert v3_web3.parse(rlp.encode(fields))[0] == 0
    for wrong in (
        [], fields[:5], [*fields, b"\1"], [*fields, b"\1", b"\1", b""], [b"\0", *fields[1:]],
        [*fields[:3], b"\1" * 19, *fields[4:]], [[], *fields[1:]], [*fields[:5], []],
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            v3_web3.parse(rlp.encode(wrong))
    with pytest.raises(ValueError, match="bytes"):
        v3_web3.parse(b"")
    assert keccak256(b"")[:2].hex() == "c5d2"


# ---- JSON-RPC --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["plain", "text in hexadecimal", "number in hexadecimal"])
def test_nonces_of_json_rpc_are_what_the_stated_hash_says(form):
    chain = FiscoChain(11)
    tx = chain.transactions(1, 1)[0]
    nonce = tx["data"]["nonce"]
    shown = {"plain": nonce, "text in hexadecimal": nonce.encode().hex(), "number in hexadecimal": hex(int(nonce))}
    answer = rpc_transaction(tx) | {"nonce": shown[form]}
    assert LEDGER.transaction_hash(answer, form="rpc") == tx["data_hash"]
    assert LEDGER.validate_transactions([answer], chain.context(1), form="rpc").all_valid


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "0"), ("version", 1 << 31), ("blockLimit", 1.5), ("blockLimit", 1 << 63), ("nonce", 5),
        ("to", b"x"), ("input", "0x1"), ("input", "zz"), ("input", "0x 00"), ("signature", 7), ("hash", "0x\ud800"),
        ("chainID", "\ud800"), ("extension", [256]), ("abi", ["x"]),
    ],
)  # fmt: skip
def test_answers_of_another_form_name_their_field(field, value):
    chain = FiscoChain(11)
    answer = rpc_transaction(chain.transactions(1, 1)[0]) | {field: value}
    with pytest.raises(InputError, match=rf"tx\.{field}"):
        LEDGER.transaction_hash(answer, form="rpc")
    assert [v.name for v in LEDGER.validate_transactions([answer], chain.context(1), form="rpc")] == ["MALFORMED_ITEM"]


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_ethereum_transactions_are_those_of_ethereum(kind):
    """The wrapper's parts, put together, are a transaction to the ledger of Ethereum, with the same hash and sender."""
    tx = ethereum_transaction(5, kind=kind)
    payload, signature = tx["extra_bytes"], tx["signature"]
    kind_, fields = v3_web3.parse(payload)
    v = signature[64] if kind else 35 + 2 * 20200 + signature[64]
    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    whole = payload[: 1 if kind else 0] + rlp.encode([*(fields if kind else fields[:6]), v, r, s])
    ethereum = ledgers.get("ethereum")
    assert kind_ == kind
    assert ethereum.transaction_hash(whole) == tx["extra_hash"] == LEDGER.transaction_hash(record(tx))
    assert ethereum.transaction_sender(whole).lower() == LEDGER.transaction_sender(record(tx))
