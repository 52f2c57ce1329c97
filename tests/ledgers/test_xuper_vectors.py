"""XuperChain: published transactions and blocks give their published values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from conftest import vectors_path
from oracle import xuper as oracle

import pycore
from pycore import ledgers
from pycore.ledgers.scan import Spans
from pycore.ledgers.xuper import keys, rpc
from pycore.ledgers.xuper.messages import InternalBlock, Transaction

LEDGER: Any = ledgers.get("xuperchain")
TXIDS = {
    1: "1dadd16344d1dd18f10ae63006feeac0c961e63336984d8bac7f16271bb0b2af",
    2: "852da114b2c7f8f2cd71df01f89f12e6a04a9282aeab1990d3f70b0cedea6a02",
    3: "30190490f724ed4b9ef68afc7d691c5c62a7c1e8acce04bf655d2adc75167b05",
}

pytestmark = pytest.mark.vectors


def load(name: str) -> Any:
    return json.loads(vectors_path(f"xuperchain/{name}").read_text(encoding="utf-8"))


def test_txid_of_versions_1_2_and_3(count_cases: Any) -> None:
    data = vectors_path("xuperchain/tx.pb").read_bytes()
    for version, wanted in TXIDS.items():
        tx = Transaction.FromString(data)
        tx.version = version
        assert LEDGER.transaction_hash(tx.SerializeToString()).hex() == wanted
        assert oracle.txid(tx).hex() == wanted
    count_cases("xuperchain/tx.pb", 3)


def test_transactions_of_the_documentation(count_cases: Any) -> None:
    """Version 3, as the command line prints them: ids and signatures."""
    entries = [entry["tx"] for entry in load("docs_code_explanation_txs.json")]
    held = 0
    for tx in entries:
        assert LEDGER.transaction_hash(tx, form="rpc").hex() == tx["txid"]
        verdict = LEDGER.validate_transactions([tx], form="rpc")
        if verdict.all_valid:
            assert LEDGER.transaction_sender(json.dumps(tx), form="rpc") == tx["initiator"]
            held += 1
    assert held == len(entries) == 2
    count_cases("xuperchain/docs_code_explanation_txs.json", len(entries))


def test_transactions_of_the_python_library(count_cases: Any) -> None:
    """Version 1, as the gateway has them."""
    entries = load("pypi_xuper_0.05_txs.json")
    for tx in entries:
        message = rpc.transaction(tx)
        assert LEDGER.transaction_hash(tx, form="rpc") == message.txid == oracle.txid(message)
        verdicts = LEDGER.validate_transactions([tx], form="rpc")
        assert verdicts.all_valid
    count_cases("xuperchain/pypi_xuper_0.05_txs.json", len(entries))


def test_block_of_the_documentation(count_cases: Any) -> None:
    """Its id cannot be recomputed, for fields are left out: its signature, the address and the tree are checked."""
    given = load("docs_block.json")
    given.pop("source")
    block = rpc.block(given)
    report = LEDGER.verify_certificate(block.SerializeToString())
    assert report.check("proposer").ok
    key = keys.read_keys(Spans.joined([block.pubkey]), strict=True)
    digest = np.frombuffer(block.blockid, np.uint8).reshape(1, 32)
    assert pycore.verify_batch("ecdsa-p256", key.points, [block.sign], digest, prehashed=True, encoding="der").all_valid
    leaves = list(block.merkle_tree[:2])
    assert pycore.merkle_root(leaves, tree="bitcoin", hash="sha256d") == block.merkle_root
    assert oracle.merkle_tree(leaves) == list(block.merkle_tree)
    count_cases("xuperchain/docs_block.json", 3)


def test_real_headers(count_cases: Any) -> None:
    """Block ids, signatures and addresses of four consecutive blocks."""
    given = load("relay_blocks.json")
    headers = [bytes.fromhex(text) for text in given["block_headers_pb_hex"]]
    blocks = [InternalBlock.FromString(header) for header in headers]
    for before, block, header in zip([None, *blocks], blocks, headers, strict=False):
        assert LEDGER.header_hash(header) == block.blockid == oracle.block_id(block)
        report = LEDGER.verify_certificate(header)
        for name in ("structure", "block_hash", "proposer", "proposer_signature"):
            assert report.check(name).ok, name
        if before is not None and block.pre_hash == before.blockid:
            assert block.height == before.height + 1
        tree = list(block.merkle_tree)
        leaves = [leaf for leaf in tree[: block.tx_count] if leaf]
        assert oracle.merkle_tree(leaves) == tree
    count_cases("xuperchain/relay_blocks.json", len(headers))


def test_real_transaction_and_its_proof(count_cases: Any) -> None:
    given = load("relay_blocks.json")
    data = bytes.fromhex(given["tx_pb_hex"])
    tx = Transaction.FromString(data)
    assert LEDGER.transaction_hash(data) == tx.txid
    assert LEDGER.transaction_sender(data) == tx.initiator
    proof = given["merkle_proof"]
    block = next(
        block
        for block in map(InternalBlock.FromString, map(bytes.fromhex, given["block_headers_pb_hex"]))
        if block.blockid.hex() == proof["blockid"]
    )
    LEDGER.verify_inclusion(block.merkle_root, tx.txid, proof, leaf_count=block.tx_count)
    with pytest.raises(pycore.ProofError):
        LEDGER.verify_inclusion(block.merkle_root, tx.txid, proof["path"], index=1, leaf_count=block.tx_count)
    count_cases("xuperchain/relay_blocks.json: proof", 1)
