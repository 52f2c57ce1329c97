"""Published and real data of Xinghuo and BUMO give their published values: hashes, addresses, signatures, a proof."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import CountCases

import pycore
from pycore import ledgers
from pycore._pb.ledgers.bif.v1 import transaction_pb2
from pycore.ledgers.bif import BifContext, certificate, headers, keys

Require = Callable[[str], Path]

LEDGER = ledgers.get("bif")

pytestmark = pytest.mark.vectors


@pytest.fixture
def load(require_vectors: Require) -> Callable[[str], Any]:
    def read(name: str) -> Any:
        return json.loads(require_vectors(f"bif/{name}").read_text(encoding="utf-8"))

    return read


def sealed(blob: str, key: str, signature: str) -> bytes:
    """A TransactionEnv of a transaction's bytes and one signature."""
    env = transaction_pb2.TransactionEnv()
    env.transaction.ParseFromString(bytes.fromhex(blob))
    env.signatures.add(public_key=key, sign_data=bytes.fromhex(signature))
    return env.SerializeToString()


def test_block_hashes_of_real_headers(load, count_cases: CountCases):
    """Headers of BIF's test net, with one domain and with several, and of BUMO's genesis block."""
    found = load("rpc_samples.json")["headers"]
    for entry in found:
        header = entry["header"]
        variant = "bumo" if header["version"] < 1004 else "bif"
        made = LEDGER.header_hash({"error_code": 0, "result": {"header": header}}, form="rpc", variant=variant)
        assert made.hex() == header["hash"]
        if not header.get("domain_account_hashs"):  # which BUMO's header has no field for
            other = "bif" if variant == "bumo" else "bumo"
            assert LEDGER.header_hash(header, form="rpc", variant=other).hex() != header["hash"]
    assert {entry["header"]["version"] for entry in found} >= {1000, 1004, 1006}
    count_cases("bif/rpc_samples.json headers", len(found))


def test_what_the_rpc_adds_is_not_hashed(load):
    """account_tree_hash and tx_count depend on the domain that was asked for."""
    header = load("rpc_samples.json")["headers"][1]["header"]
    for name, value in (("account_tree_hash", "00" * 32), ("tx_count", 7)):
        assert LEDGER.header_hash({**header, name: value}, form="rpc").hex() == header["hash"]
    moved = list(reversed(header["domain_account_hashs"]))
    assert LEDGER.header_hash({**header, "domain_account_hashs": moved}, form="rpc").hex() != header["hash"]


def test_fees_hash_of_a_ledger_without_fees(load):
    for entry in load("rpc_samples.json")["headers"]:
        if entry["header"]["version"] >= 1004:
            assert headers.fees_hash().hex() == entry["header"]["fees_hash"]


def test_transactions_of_real_blocks(load, count_cases: CountCases):
    """As the RPC shows them: hash, signature, sender; the signature covers the bytes themselves."""
    found = load("rpc_samples.json")["transactions"]
    for entry in found:
        tx = entry["tx"]
        assert LEDGER.transaction_hash(tx, form="rpc").hex() == tx["hash"]
        assert LEDGER.transaction_sender(tx, form="rpc") == tx["transaction"]["source_address"]
        wrapped = {"error_code": 0, "result": {"total_count": 1, "transactions": [tx]}}
        assert LEDGER.transaction_hash(wrapped, form="rpc").hex() == tx["hash"]
        assert LEDGER.validate_transactions([tx], form="rpc").all_valid
    count_cases("bif/rpc_samples.json transactions", 2 * len(found))


def test_submitted_blob(load, count_cases: CountCases):
    found = load("rpc_samples.json")["submitted_blob"]
    blob = bytes.fromhex(found["blob"])
    assert LEDGER.transaction_hash(blob).hex() == found["hash"]
    env = sealed(found["blob"], found["public_key"], found["sign_data"])
    assert LEDGER.transaction_hash(env).hex() == found["hash"]
    assert LEDGER.validate_transactions([env]).all_valid
    assert LEDGER.transaction_sender(env) == "did:bid:ef2AuAJid1dB22rk3M6vB6cUc1ENnpfEe"
    count_cases("bif/rpc_samples.json submitted_blob", 4)


def test_blobs_signed_by_the_offline_api(load, count_cases: CountCases):
    """Two are signed as they are; one is signed as hexadecimal text, which is no signature of the transaction."""
    found = load("offline_api_readme.json")
    for entry in found["signed_blobs"]:
        env = sealed(entry["serialization"], entry["publicKey"], entry["signData"])
        verdict = LEDGER.validate_transactions([env])[0]
        over_text = "hex text" in entry["note"]
        assert verdict == (pycore.Verdict.BAD_SIGNATURE if over_text else pycore.Verdict.VALID), entry["line"]
        if over_text:
            raw = bytes.fromhex(entry["publicKey"])[3:]
            pycore.verify("ed25519", raw, bytes.fromhex(entry["signData"]), entry["serialization"].encode())
    for entry in found["keys"]:
        key = keys.read_key(entry["encPublicKey"])
        assert key is not None
        assert key.address == entry["encAddress"]
    count_cases("bif/offline_api_readme.json", len(found["signed_blobs"]) + len(found["keys"]))


def test_sm2_signatures(load, count_cases: CountCases):
    """SM2 with Z over the raw message, 04 || x || y as the key, SM3 for its address."""
    found = load("sm2_vectors.json")
    for entry in found:
        key = keys.read_key(entry["publicKey"])
        assert key is not None
        pycore.verify("sm2", key.raw, bytes.fromhex(entry["signature"]), bytes.fromhex(entry["message_hex"]))
        assert key.address == entry.get("address", key.address)
    count_cases("bif/sm2_vectors.json", len(found) + 1)


def test_sm2_blobs_of_the_javascript_library(load, count_cases: CountCases):
    """Their source address is an Ed25519 account's: the signature holds, and is not the account's."""
    found = load("sm2_generated_brdc-sm-crypto-0.3.7.json")
    for entry in found:
        key = keys.read_key(entry["publicKey"])
        assert key is not None
        blob = bytes.fromhex(entry["serialization"])
        pycore.verify("sm2", key.raw, bytes.fromhex(entry["signData"]), blob)
        env = sealed(entry["serialization"], entry["publicKey"], entry["signData"])
        assert LEDGER.validate_transactions([env])[0] == pycore.Verdict.POLICY_NOT_MET
        source = transaction_pb2.Transaction.FromString(blob).source_address
        account = {source: {"signers": {key.address: 1}}}
        assert LEDGER.validate_transactions([env], {"accounts": account}).all_valid
    count_cases("bif/sm2_generated_brdc-sm-crypto-0.3.7.json", 3 * len(found))


def test_pbft_proof_of_a_real_block(load, count_cases: CountCases):
    """BUMO's block 6 carries the proof of block 5: its bytes, what is signed, the sequence, key and address."""
    found = load("bumo_pbft_proof.json")
    validators = (found["validator_of_block_6"],)
    context = BifContext(variant="bumo", validators=validators)
    commit, proof = found["commit"], bytes.fromhex(found["previous_proof"])
    digest = bytes.fromhex(commit["value_digest"])
    key = keys.read_key(found["public_key"], variant="bumo")
    assert key is not None
    assert key.address == validators[0]
    outcome = certificate.judge_pbft(proof, digest, commit["sequence"], 0, context.validators, context)
    assert outcome.objection == ""
    assert outcome.decision.reached
    assert outcome.signers == validators
    for other in (
        (b"\0" * 32, commit["sequence"], 0),
        (digest, commit["sequence"] + 1, 0),
        (digest, commit["sequence"], 1),
    ):
        assert not certificate.judge_pbft(proof, *other, context.validators, context).decision.reached
    count_cases("bif/bumo_pbft_proof.json", 4)
