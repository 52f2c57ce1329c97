"""Every published ChainMaker vector, under `compatible` as published, and under `strict` with the exact set of
differences."""

from __future__ import annotations

import pytest
from chainmaker_vectors import (
    HASHES,
    block_context,
    certificate_hash,
    load,
    real_context,
    transaction_context,
    with_extra,
)

import pycore
from pycore import ledgers
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import parse_public_key
from pycore.ledgers.chainmaker.signers import signing_hash

LEDGER = ledgers.get("chainmaker")
TRANSACTIONS = [
    "tx_cert_ecdsa_p256_sha256.json",
    "tx_cert_sm2_sm3.json",
    "tx_certhash_ecdsa_p256_sha256.json",
    "tx_pk_ecdsa_p256_sha256.json",
    "tx_pk_rsa2048_sha256.json",
    "tx_pk_sm2_sm3.json",
]
BLOCKS = ["blocks_cert_p256_sha256.json", "blocks_cert_sm2_sm3.json", "blocks_pk_sm2_sm3.json"]

# What `strict` refuses although the chain accepts it. Anything else that differs is a defect.
STRICT_TRANSACTIONS = {"sig_trailing_byte_after_der"}
STRICT_TBFT = {"prevote_type_voteset", "voter_not_signer", "one_signer_all_voters"}
STRICT_MAXBFT = {"dup_first_author", "mixed_epoch", "author_not_signer"}


# ---- transactions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRANSACTIONS)
@pytest.mark.parametrize("rules", ["compatible", "strict"])
def test_transactions(name, rules, require_vectors, count_cases):
    document = load(require_vectors(f"chainmaker/{name}"))
    vectors = document["vectors"]
    got = LEDGER.validate_transactions(
        [bytes.fromhex(v["tx_hex"]) for v in vectors], transaction_context(document, rules=rules)
    )
    published = [v["expected_valid"] for v in vectors]
    differing = {
        v["tamper"] for v, ours, theirs in zip(vectors, got.valid, published, strict=True) if bool(ours) != theirs
    }
    expected = (
        STRICT_TRANSACTIONS if rules == "strict" and any(v["tamper"] in STRICT_TRANSACTIONS for v in vectors) else set()
    )
    assert differing == expected
    for vector, valid in zip(vectors, got.valid, strict=True):
        assert valid == (vector["expected_valid"] and vector["tamper"] not in expected), vector["tamper"]
    count_cases(f"chainmaker/{name}", len(vectors))


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_transaction_hashes(name, require_vectors, count_cases):
    from pycore.ledgers.chainmaker.digests import Hashing
    from pycore.ledgers.chainmaker.messages import BlockHeader
    from pycore.ledgers.chainmaker.transactions import scan
    from pycore.ledgers.scan import Spans

    document = load(require_vectors(f"chainmaker/{name}"))
    hash_ = HASHES[document["chain_hash"]]
    tables = scan(Spans.joined([bytes.fromhex(v["tx_hex"]) for v in document["vectors"]]), None)
    got = Hashing(BlockHeader(block_version=2300), tables, hash_, None).finish()
    payloads = tables.span("tx", "payload").gather()
    for vector, row, payload in zip(document["vectors"], got, payloads, strict=True):
        assert row.tobytes().hex() == vector["tx_hash_hex"]
        assert payload.hex() == vector["payload_hex"]
    count_cases(f"chainmaker/{name}", len(document["vectors"]))


def test_signature_matrix(require_vectors, count_cases):
    """Key algorithm x chain hash: which hash a key signs with, and SM2 over a foreign hash without Z."""
    cases = load(require_vectors("chainmaker/pk_key_hash_matrix.json"))["cases"]
    for der_rules in ("trailing", "go", "strict"):
        for chain_hash, ours in HASHES.items():
            batch = SignatureBatch(der_rules=der_rules)
            tickets = []
            for case in cases:
                key = parse_public_key(case["public_key_pem"].encode())
                message, signature = bytes.fromhex(case["msg_hex"]), bytes.fromhex(case["sig_hex"])
                tickets.append(batch.add(key, signing_hash(key, ours) or "", message, signature))
            codes = batch.run()
            for case, ticket in zip(cases, tickets, strict=True):
                published = case.get(f"valid_under_{chain_hash}")
                assert published is not None
                assert (codes[ticket] == pycore.Verdict.VALID) == published, (case["key_algo"], chain_hash)
    count_cases("chainmaker/pk_key_hash_matrix.json", len(cases) * 3)


# ---- blocks ----------------------------------------------------------------------------------------------------------


def every_block(document):
    yield from document["blocks"]


@pytest.mark.parametrize("name", BLOCKS)
def test_block_digests(name, require_vectors, count_cases):
    document = load(require_vectors(f"chainmaker/{name}"))
    for entry in document["blocks"]:
        got = LEDGER.block_digests(bytes.fromhex(entry["block_hex"]), hash=HASHES[entry["hash"]])
        shown = {key: value.hex() for key, value in got.items() if key != "tx_hashes"}
        assert shown == {key: entry[key] for key in ("block_hash", "tx_root", "dag_hash", "rw_set_root")}
        assert [item.hex() for item in got["tx_hashes"]] == (entry["tx_hashes"] or [])
    count_cases(f"chainmaker/{name}", len(document["blocks"]))


@pytest.mark.parametrize("rules", ["compatible", "strict"])
@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name, rules, require_vectors, count_cases):
    """Every block passes every check, and links to the one before it."""
    document = load(require_vectors(f"chainmaker/{name}"))
    previous = None
    for entry in document["blocks"]:
        changes = {} if previous is None else {"previous_block_hash": previous}
        block = bytes.fromhex(entry["block_hex"])
        report = LEDGER.validate_block(block, block_context(document, entry, rules=rules, rebuild_dag=True, **changes))
        assert not report.failed, [str(check) for check in report.failed]
        assert report.valid
        assert {check.name for check in report.skipped} <= {"height", "previous_hash", "proposer_turn"}
        assert len(report.transactions) == entry["tx_count"]
        assert report.block_hash.hex() == entry["block_hash"]
        previous = report.block_hash
    count_cases(f"chainmaker/{name}", len(document["blocks"]))


@pytest.mark.parametrize("rules", ["compatible", "strict"])
@pytest.mark.parametrize("name", BLOCKS)
def test_quorum_certificates(name, rules, require_vectors, count_cases):
    document = load(require_vectors(f"chainmaker/{name}"))
    differing, refused = set(), set()
    cases = 0
    for entry in document["blocks"]:
        refused |= {case["name"] for case in entry["qc_cases"]} & (
            STRICT_MAXBFT if any(c["extra_key"] == "maxbftQC" for c in entry["qc_cases"]) else STRICT_TBFT
        )
        context = block_context(document, entry, rules=rules)
        for case in entry["qc_cases"]:
            block = with_extra(bytes.fromhex(entry["block_hex"]), case["extra_key"], bytes.fromhex(case["extra_hex"]))
            report = LEDGER.validate_block(block, context)
            assert {check.name for check in report.failed} <= {"votes", "quorum", "voter_binding"}, case["name"]
            if report.valid != case["qc_accepted"]:
                differing.add(case["name"])
            cases += 1
    assert differing == (refused if rules == "strict" else set())
    count_cases(f"chainmaker/{name} certificates", cases)


def test_real_block_of_height_2(require_vectors, count_cases):
    document = load(require_vectors("chainmaker/real_blocks.json"))
    entry = document["blocks"][0]
    for rules in ("strict", "compatible"):
        report = LEDGER.validate_block(bytes.fromhex(entry["block_hex"]), real_context(document, entry, rules=rules))
        assert report.valid, [str(check) for check in report.failed]
        # An explorer's dump has no roots, and this one nothing of the block before: that, and only that, stays open.
        open_ = ["proposer_turn", "trust_roots"] if rules == "strict" else ["trust_roots"]
        assert [check.name for check in report.skipped] == open_
        assert report.block_hash.hex() == entry["block_hash"]
    checks = entry["checks"]
    assert all(value is True for value in checks.values() if isinstance(value, bool))
    count_cases("chainmaker/real_blocks.json height 2", len(checks))


def test_real_block_of_height_3(require_vectors, count_cases):
    """The explorer replaced a parameter, so everything that covers the transaction is wrong, and only that."""
    document = load(require_vectors("chainmaker/real_blocks.json"))
    entry = document["blocks"][1]
    first = document["blocks"][0]
    before = LEDGER.validate_block(bytes.fromhex(first["block_hex"]), real_context(document, first))
    changes = {
        "previous_block_hash": before.block_hash,
        "blocks_per_proposer": 1,
        "previous_proposer": before.check("proposer_turn").got,
    }
    report = LEDGER.validate_block(bytes.fromhex(entry["block_hex"]), real_context(document, entry, **changes))
    assert report.check("proposer_turn").ok  # the real chain passes the turn on as the rule says
    assert report.check("proposer_turn").got not in (None, changes["previous_proposer"])
    assert {check.name for check in report.failed} == {"transactions", "tx_root"}
    assert report.transactions[0] == pycore.Verdict.BAD_SIGNATURE
    assert {check.name for check in report.skipped} == {"trust_roots", "rw_sets"}
    count_cases("chainmaker/real_blocks.json height 3", len(entry["checks"]))


def test_real_votes(require_vectors, count_cases):
    from pycore.ledgers.chainmaker import messages, quorum

    document = load(require_vectors("chainmaker/real_blocks.json"))
    compared = 0
    for entry in document["blocks"]:
        block = messages.parse(messages.Block, bytes.fromhex(entry["block_hex"]), "block")
        stored = messages.parse(messages.VoteSet, block.additional_data.extra_data[quorum.TBFT_KEY], "qc").votes
        for vote in entry["votes"]:
            assert quorum.vote_bytes(stored[vote["voter"]]).hex() == vote["signed_bytes_hex"]
            compared += 1
    count_cases("chainmaker/real_blocks.json votes", compared)


def test_real_block_without_context(require_vectors):
    """The hash is inferred and the rest is skipped by name; the sender, known by a hash, stays unknown."""
    entry = load(require_vectors("chainmaker/real_blocks.json"))["blocks"][0]
    report = LEDGER.validate_block(bytes.fromhex(entry["block_hex"]))
    assert report.check("block_hash").ok
    assert "sha256" in report.check("block_hash").detail
    assert not report.complete
    assert report.transactions[0] == pycore.Verdict.UNKNOWN_SIGNER
    assert certificate_hash(entry["sender_cert_pem"], "SHA256") in report.faults[0].detail


# ---- Merkle trees ----------------------------------------------------------------------------------------------------


def leaves_of(case):
    if case.get("leaves") is not None:
        return [bytes.fromhex(leaf) for leaf in case["leaves"]]
    return [
        row.tobytes() for row in pycore.hash_batch(HASHES[case["hash"]], [b"leaf-%d" % i for i in range(case["n"])])
    ]


def test_merkle_roots(require_vectors, count_cases):
    from pycore.ledgers.chainmaker.digests import chain_root

    cases = load(require_vectors("chainmaker/merkle.json"))["cases"]
    for case in cases:
        leaves = leaves_of(case)
        assert len(leaves) == case["n"]
        assert chain_root(HASHES[case["hash"]], leaves).hex() == case["root"]
    count_cases("chainmaker/merkle.json", len(cases))


def test_merkle_proofs(require_vectors, count_cases):
    cases = load(require_vectors("chainmaker/merkle_proofs.json"))["cases"]
    for case in cases:
        options = {"leaf_count": case["n"], "tree": "chainmaker", "hash": HASHES[case["hash"]]}
        root, leaf = bytes.fromhex(case["root"]), bytes.fromhex(case["leaf"])
        proof = [bytes.fromhex(item) for item in case["path"]]
        assert case["proves"]
        pycore.verify_inclusion(root, leaf, proof, index=case["index"], **options)
        assert not case["tampered_leaf_proves"]
        with pytest.raises(pycore.PycoreError):
            pycore.verify_inclusion(root, bytes([leaf[0] ^ 1]) + leaf[1:], proof, index=case["index"], **options)
        # The chain's own Prove() also takes index + 1 for a duplicated last leaf; an index beyond the leaves never
        # proves here.
        if case["index"] + 1 >= case["n"]:
            with pytest.raises(pycore.PycoreError):
                pycore.verify_inclusion(root, leaf, proof, index=case["index"] + 1, **options)
    count_cases("chainmaker/merkle_proofs.json", len(cases))
