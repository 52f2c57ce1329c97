"""Single records of ChainMaker: a transaction's hash and sender, a header's hash, a certificate, an inclusion proof."""

from __future__ import annotations

import hashlib

import pytest

import pycore
from pycore import InputError, InvalidSignature, ledgers
from pycore.errors import ProofError
from pycore.identities.x509 import parse_certificate
from pycore.ledgers.chainmaker.messages import Block, BlockInfo
from pycore.testing import generate_ledger

LEDGER = ledgers.get("chainmaker")


@pytest.fixture(scope="module")
def made():
    return generate_ledger(blocks=3, txs_per_block=5, seed=4, suite="sm2", signers=2)


@pytest.fixture(scope="module")
def block(made) -> Block:
    return Block.FromString(made.blocks[1])


def test_hashes_are_those_of_the_block(made, block):
    digests = LEDGER.block_digests(made.blocks[1])
    hashes = [LEDGER.transaction_hash(tx.SerializeToString(), block_version=block.header.block_version)
              for tx in block.txs]  # fmt: skip
    assert hashes == digests["tx_hashes"]
    assert LEDGER.header_hash(block.header.SerializeToString()) == digests["block_hash"] == block.header.block_hash
    assert LEDGER.header_hash(block.header.SerializeToString(), hash="sha256") != digests["block_hash"]


def test_inclusion_by_position(block):
    hashes = [LEDGER.transaction_hash(tx.SerializeToString(), block_version=block.header.block_version)
              for tx in block.txs]  # fmt: skip
    tree = pycore.MerkleTree(hashes, tree="chainmaker", hash="sm3")
    assert tree.root == block.header.tx_root
    for i, leaf in enumerate(hashes):
        proof = tree.proof(i)
        LEDGER.verify_inclusion(tree.root, leaf, [node.hex() for node in proof], index=i, count=5)
        LEDGER.verify_inclusion(tree.root, leaf, proof, form="wire", index=i, count=5)
        with pytest.raises(ProofError):
            LEDGER.verify_inclusion(tree.root, leaf, proof, index=(i + 1) % 5, count=5)
    with pytest.raises(InputError, match="proof"):
        LEDGER.verify_inclusion(tree.root, hashes[0], ["zz"], index=0, count=5)


@pytest.mark.parametrize(("suite", "authentication"), [("sm2", "certificate"), ("p256", "certificate"), ("sm2", "key")])
def test_the_sender_is_who_signed(suite, authentication):
    made = generate_ledger(blocks=1, txs_per_block=3, seed=6, suite=suite, signers=2, authentication=authentication)
    hash_ = made.context.hash
    for tx in Block.FromString(made.blocks[0]).txs:
        signer = tx.sender.signer
        if signer.member_type == 1:  # CERT_HASH names a certificate that is not here
            with pytest.raises(InputError, match="member_type"):
                LEDGER.transaction_sender(tx.SerializeToString(), hash=hash_)
            tx.sender.signer.member_type = 0
            tx.sender.signer.member_info = made.context.certificates[signer.member_info.hex()].encode()
        sender = LEDGER.transaction_sender(tx.SerializeToString(), hash=hash_)
        if authentication == "key":
            assert sender == signer.member_info.decode()
        else:
            der = parse_certificate(tx.sender.signer.member_info).der
            assert sender == pycore.hash(hash_, der).hex()
        tx.payload.method += "x"
        with pytest.raises(InvalidSignature):
            LEDGER.transaction_sender(tx.SerializeToString(), hash=hash_)


def test_a_certificate_is_judged_by_itself(made, block):
    context = made.context_for(1)
    report = LEDGER.verify_certificate(made.blocks[1], context)
    assert report.valid, [str(check) for check in report.failed]
    assert report.complete, [str(check) for check in report.skipped]
    assert report.check("quorum").ok
    with_sets = LEDGER.verify_certificate(made.block_info(1), context.to_dict())
    assert with_sets.to_dict() == report.to_dict()

    stranger = generate_ledger(blocks=3, txs_per_block=5, seed=5, suite="sm2", signers=2)
    assert not LEDGER.verify_certificate(made.blocks[1], stranger.context_for(1)).valid
    changed = Block()
    changed.CopyFrom(block)
    changed.header.block_timestamp += 1
    assert not LEDGER.verify_certificate(changed.SerializeToString(), context).valid
    changed.CopyFrom(block)
    changed.additional_data.extra_data.clear()
    report = LEDGER.verify_certificate(changed.SerializeToString(), context)
    assert not report.valid
    assert report.check("certificate").ok is False


def test_a_certificate_needs_to_know_the_consensus(made):
    for name in ("hash", "consensus"):
        report = LEDGER.verify_certificate(made.blocks[1], made.context_for(1).replace(**{name: None}))
        assert not report.complete
        assert name in report.check("certificate").detail


def test_other_forms_and_bytes_are_refused(made, block):
    tx = block.txs[0].SerializeToString()
    for call in (
        lambda: LEDGER.transaction_hash(tx, form="rpc"),
        lambda: LEDGER.transaction_sender(tx, form="rpc"),
        lambda: LEDGER.header_hash(block.header.SerializeToString(), form="rpc"),
        lambda: LEDGER.verify_certificate(made.blocks[1], made.context_for(1), form="rpc"),
    ):
        with pytest.raises(InputError, match="form"):
            call()
    noise = hashlib.sha256(b"noise").digest()
    for call in (
        lambda: LEDGER.transaction_hash(noise),
        lambda: LEDGER.transaction_sender(noise),
        lambda: LEDGER.header_hash(noise),
        lambda: LEDGER.verify_certificate(noise, made.context_for(1)),
        lambda: LEDGER.transaction_hash(tx, hash="md5"),
    ):
        with pytest.raises(InputError):
            call()
    assert BlockInfo.FromString(made.block_info(1)).block == block
