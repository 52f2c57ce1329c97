"""FISCO BCOS 3.x: every rule by name, published data, and blocks with one thing wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from oracle import fisco as oracle

import pycore
from pycore import ledgers
from pycore.errors import InputError, ProofError
from pycore.ledgers.fisco import v3_changes, v3_hashes, v3_merkle, v3_records, v3_rpc
from pycore.ledgers.fisco.v3_header import matrix
from pycore.ledgers.tars import encode
from pycore.testing.fisco import FiscoChain, rpc_block, rpc_header

LEDGER = ledgers.get("fisco-bcos")
HASHES = ["keccak256", "sm3"]
CPP, GO = "fisco-bcos/cpp_sdk_TransactionTest.json", "fisco-bcos/go_sdk_tars_txs.json"
JAVA, DOCS = "fisco-bcos/java_sdk_ResponseTest.json", "fisco-bcos/doc_rpc_samples.json"


def made(hash="sm3", *, version=0, weights=(), **options):
    """A chain, its first block, and the context that knows all about it."""
    chain = FiscoChain(7, hash=hash, version=version, weights=weights)
    return chain, chain.block(1, **options), chain.context(1, chain.genesis_hash)


def failed(block, context, **options):
    """Names of the checks that failed."""
    return [check.name for check in LEDGER.validate_block(block, context, **options).failed]


def rebuilt(chain, block, **values):
    """The block with other values, and a header that commits to what it now holds."""
    txs = values.pop("transactions", list(block.transactions))
    receipts = values.pop("receipts", list(block.receipts))
    leaves = [row.tobytes() for row in chain.hashes(txs)]
    hashes = [oracle.receipt(chain.hash, one["data"]) for one in receipts]
    roots = {"tx_root": oracle.root(chain.hash, leaves), "receipt_root": oracle.root(chain.hash, hashes)}
    header = chain.sign_header(replace(block.header, **(roots | values)))
    record = {"version": 1, "type": 1, "header": header.values(), "transactions": txs, "receipts": receipts}
    return encode(v3_records.BLOCK, record)


# ---- published data --------------------------------------------------------------------------------------------------


@pytest.mark.vectors
def test_published_transactions_in_tars(require_vectors, count_cases):
    cases = json.loads(require_vectors(GO).read_text())
    for case in cases["tars"]:
        data, hash = bytes.fromhex(case["tx_hex"]), "sm3" if case["gm"] else "keccak256"
        tables = v3_records.read(v3_records.TRANSACTION_PLAN, data, "tx")
        stated = tables.span("tx", "data_hash")[0]
        assert LEDGER.transaction_hash(data, hash=hash) == LEDGER.transaction_hash(data) == stated
        assert LEDGER.transaction_sender(data, hash=hash) == LEDGER.transaction_sender(data)
    published = cases["sm_address"]
    sender = pycore.hash("sm3", bytes.fromhex(published["pub"]))[12:].hex()
    assert sender == published["address"]
    for case in json.loads(require_vectors(CPP).read_text())["tars_tx"]:  # version 1, not signed
        assert LEDGER.transaction_hash(bytes.fromhex(case["hex"]), hash="keccak256").hex() == case["hash"]
    count_cases("FISCO BCOS 3.x: transactions in Tars", len(cases["tars"]) + 3)


@pytest.mark.vectors
def test_published_transactions_of_json_rpc(require_vectors, count_cases):
    documents = [
        json.loads(require_vectors(CPP).read_text())["v0_rpc_json"],  # the nonce is plain text
        json.loads(require_vectors(JAVA).read_text())[1]["result"],
        json.loads(require_vectors(DOCS).read_text())[4]["obj"],  # the nonce is text in hexadecimal
    ]
    for document in documents:
        assert LEDGER.transaction_hash(document, form="rpc").hex() == document["hash"][2:]
        assert LEDGER.transaction_sender(document, form="rpc", hash="keccak256") == document["from"]
    fields = json.loads(require_vectors(CPP).read_text())["v0_fields"]
    assert LEDGER.transaction_hash(fields, form="rpc", hash="keccak256").hex() == fields["hash"]
    count_cases("FISCO BCOS 3.x: transactions of JSON-RPC", len(documents) + 1)


@pytest.mark.vectors
def test_published_receipts(require_vectors, count_cases):
    cpp, docs = (json.loads(require_vectors(name).read_text()) for name in (CPP, DOCS))
    fields = {**cpp["receipts"][0]["fields"], "hash": cpp["receipts"][0]["hash"]}
    cases = [(fields, "keccak256"), (cpp["receipts"][1]["rpc_json"], "keccak256")]
    cases += [(docs[2]["obj"], "sm3"), (docs[3]["obj"], "keccak256")]
    for document, hash in cases:
        record = v3_records.read(v3_records.RECEIPT_PLAN, v3_rpc.receipt(document), "receipt")
        found = v3_hashes.receipt_messages(record).hashes(hash)[0].tobytes()
        assert found.hex() == document["hash"].removeprefix("0x")
    proof = docs[2]["obj"]["txReceiptProof"]  # one receipt: the root is its hash
    LEDGER.verify_inclusion(docs[1]["obj"]["receiptsRoot"], docs[2]["obj"]["hash"], proof, hash="sm3", index=0, count=1)
    count_cases("FISCO BCOS 3.x: receipts", len(cases) + 1)


@pytest.mark.vectors
def test_published_headers_and_certificates(require_vectors, count_cases):
    java, docs = (json.loads(require_vectors(name).read_text()) for name in (JAVA, DOCS))
    rc4, genesis, block = java[0]["result"], docs[0]["obj"], docs[1]["obj"]
    for header in (rc4, genesis, block):
        assert LEDGER.header_hash(header, form="rpc").hex() == header["hash"][2:]
    for header, signatures in ((rc4, 2), (block, 3)):
        weights = header["consensusWeights"]
        context = {"sealers": header["sealerList"], "weights": weights, "height": header["number"]}
        report = LEDGER.verify_certificate(header, context, form="rpc")
        assert report.valid, report.failed
        assert report.complete
        assert report.check("quorum").got == signatures
    assert [check.name for check in LEDGER.verify_certificate(genesis, {}, form="rpc").skipped] == [
        "sealer_list", "certificate", "quorum",
    ]  # fmt: skip
    count_cases("FISCO BCOS 3.x: headers, and 5 PBFT signatures", 8)


@pytest.mark.vectors
def test_published_proof_leads_to_its_root_from_one_position(require_vectors, count_cases):
    sample = json.loads(require_vectors(JAVA).read_text())[1]
    item, proof, root = sample["result"]["hash"], sample["result"]["txProof"], sample["tx_root"]
    LEDGER.verify_inclusion(root, item, proof, rules="compatible")
    held = []
    for count in range(129, 513):
        for index in (0, count - 1):
            try:
                LEDGER.verify_inclusion(root, item, proof, index=index, count=count)
            except ProofError:
                continue
            held.append((index, count))
    assert not held  # it is at neither end
    index = v3_merkle.position("keccak256", bytes.fromhex(item[2:]), [bytes.fromhex(one) for one in proof])
    found = [n for n in range(index + 1, 600) if _holds(root, item, proof, index, n)]
    assert found  # the one-child level says how many leaves there can be
    assert all(len(proof) == _nodes(index, n) for n in found)
    count_cases("FISCO BCOS 3.x: Merkle proof of nine levels", 1)


def _holds(root, item, proof, index, count):
    try:
        LEDGER.verify_inclusion(root, item, proof, index=index, count=count)
    except ProofError:
        return False
    return True


def _nodes(index, count):
    total = 0
    while count > 1:
        total += 1 + min(2, count - (index & ~1))
        index, count = index // 2, (count + 1) // 2
    return total


# ---- hashes and trees ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash", HASHES)
@pytest.mark.parametrize("version", [0, 1, 2])
def test_hashes_are_over_plain_concatenations(hash, version):
    chain, block, _ = made(hash, version=version, transactions=7)
    assert [row.tobytes() for row in block.tx_hashes] == [
        oracle.transaction(hash, tx["data"]) for tx in block.transactions
    ]
    assert [row.tobytes() for row in block.receipt_hashes] == [
        oracle.receipt(hash, receipt["data"]) for receipt in block.receipts
    ]
    assert block.hash == oracle.header(hash, block.header)
    digests = LEDGER.block_digests(block.data, hash)
    assert digests["block_hash"] == block.hash
    assert digests["tx_root"] == oracle.root(hash, digests["tx_hashes"])
    assert digests["receipt_root"] == oracle.root(hash, [row.tobytes() for row in block.receipt_hashes])
    assert chain.hash == hash


def test_integers_of_release_candidate_4_are_four_bytes_and_four_zeros():
    chain, block, _ = made()
    old = replace(block.header, version=4, timestamp=1_700_000_001_000)
    assert old.hash("sm3") == oracle.header("sm3", old)
    assert old.hash("sm3") != oracle.header("sm3", replace(old, version=5))
    assert chain.sign_header(old).data_hash == oracle.header("sm3", old)


def test_absent_roots_of_block_0_are_not_the_zeros_that_json_rpc_shows():
    chain, block, _ = made()
    bare = replace(block.header, number=0, parents=(), tx_root=b"", receipt_root=b"", state_root=b"", gas_used=b"",
                   sealers=(), weights=(), signatures=())  # fmt: skip
    bare = replace(bare, data_hash=bare.hash("sm3"))
    shown = rpc_header(bare) | {"txsRoot": "0x" + "00" * 32, "receiptsRoot": "0x" + "00" * 32, "gasUsed": "0"}
    shown["stateRoot"] = "0x" + "00" * 32
    assert LEDGER.header_hash(shown, form="rpc") == bare.data_hash
    assert LEDGER.header_hash({**shown, "gasUsed": "1"}, form="rpc", hash="sm3") != bare.data_hash
    assert chain.hash == "sm3"


@pytest.mark.parametrize("hash", HASHES)
def test_an_odd_node_is_hashed_alone_on_every_level(hash):
    for count in (*range(8), 11, 17):
        leaves = [bytes([count, i]) * 16 for i in range(count)]
        rows = matrix(leaves)
        assert v3_merkle.root(hash, rows) == oracle.root(hash, leaves)
        for index in range(count):
            proof = oracle.proof(hash, leaves, index)
            assert list(v3_merkle.prove(hash, rows, index)) == proof
            root = oracle.root(hash, leaves)
            LEDGER.verify_inclusion(root, leaves[index], proof, hash=hash, index=index, count=count, form="wire")
            v3_merkle.check_path(hash, root, leaves[index], proof, index)
            assert v3_merkle.position(hash, leaves[index], proof) == index


def test_positions_and_counts_of_a_proof_are_checked_under_strict():
    leaves = [bytes([i]) * 32 for i in range(5)]
    root, proof = oracle.root("sm3", leaves), oracle.proof("sm3", leaves, 2)

    def holds(item=leaves[2], nodes=proof, **place):
        place = {"index": 2, "count": 5} | place
        try:
            LEDGER.verify_inclusion(root, item, nodes, hash="sm3", **place)
        except ProofError as error:
            return error.verdict.name
        return "held"

    assert holds() == "held"
    for index in (0, 1, 3, 4):
        assert holds(index=index) != "held"
    assert holds(index=5) == "MALFORMED_PROOF"
    assert [holds(count=count) for count in (1, 2, 3, 4, 9)] != ["held"] * 5
    assert all(holds(count=count) == "MALFORMED_PROOF" for count in (1, 2, 3, 4, 9, 17))
    for i in range(len(proof)):
        for bit in (0, 255):
            wrong = list(proof)
            wrong[i] = (int.from_bytes(wrong[i], "big") ^ 1 << bit).to_bytes(32, "big")
            assert holds(nodes=wrong) != "held", i
    assert holds(nodes=[*proof, proof[0]]) == "MALFORMED_PROOF"
    assert holds(nodes=proof[:-1]) == "MALFORMED_PROOF"
    assert holds(nodes=[one[:31] for one in proof]) == "MALFORMED_PROOF"
    with pytest.raises(InputError, match="index"):
        LEDGER.verify_inclusion(root, leaves[2], proof, hash="sm3")


def test_compatible_only_looks_for_the_node_in_each_group():
    leaves = [bytes([i]) * 32 for i in range(4)]
    root, proof = oracle.root("sm3", leaves), oracle.proof("sm3", leaves, 2)
    inner = oracle.HASHES["sm3"](leaves[2] + leaves[3])
    LEDGER.verify_inclusion(root, inner, proof[3:], hash="sm3", rules="compatible")  # an inner node given out as a leaf
    for count in range(1, 6):
        for index in range(count):
            if (index, count) != (1, 2):
                with pytest.raises(ProofError):
                    LEDGER.verify_inclusion(root, inner, proof[3:], hash="sm3", index=index, count=count)
    with pytest.raises(ProofError):
        LEDGER.verify_inclusion(root, bytes(32), proof, hash="sm3", rules="compatible")
    with pytest.raises(InputError, match="rules"):
        LEDGER.verify_inclusion(root, leaves[2], proof, hash="sm3", rules="lax", index=2, count=4)


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash", HASHES)
@pytest.mark.parametrize("transactions", [0, 1, 2, 5])
def test_a_block_is_valid_and_complete_in_both_forms(hash, transactions):
    _, block, context = made(hash, transactions=transactions)
    for record in (block.data, rpc_block(block), json.dumps({"jsonrpc": "2.0", "result": rpc_block(block)})):
        report = LEDGER.validate_block(record, context)
        assert report.valid, report.failed
        assert report.complete, report.skipped
        assert (report.height, report.block_hash, len(report.transactions)) == (1, block.hash, transactions)
    assert LEDGER.validate_block(block.data, context.replace(hash=None)).valid  # the stated hash tells
    assert LEDGER.block_height(block.data) == LEDGER.block_height(rpc_block(block)) == 1


def test_what_is_not_known_is_skipped_by_name():
    _, block, _ = made()
    report = LEDGER.validate_block(block.data, None)
    assert report.valid
    names = [check.name for check in report.skipped]
    assert names == ["height", "previous_hash", "sealer_list", "chain_id", "group_id"]
    bare = made(receipts=False)[1]
    assert "receipt_root" in [check.name for check in LEDGER.validate_block(bare.data, None).skipped]


def test_a_block_of_hashes_only_skips_its_transactions():
    chain, block, context = made(transactions=3)
    meta = [{"hash": row.tobytes()} for row in block.tx_hashes]
    record = encode(v3_records.BLOCK, {"type": 2, "header": block.header.values(), "meta": meta})
    report = LEDGER.validate_block(record, context)
    assert report.valid
    assert [check.name for check in report.skipped] == ["transactions", "receipt_root"]
    shown = rpc_block(block, receipts=False) | {"transactions": ["0x" + row.tobytes().hex() for row in block.tx_hashes]}
    assert LEDGER.validate_block(shown, context).valid
    assert chain.hash == "sm3"
    wrong = encode(v3_records.BLOCK, {"type": 2, "header": block.header.values(), "meta": meta[::-1]})
    assert failed(wrong, context) == ["tx_root"]
    both = {"header": block.header.values(), "meta": meta[::-1], "transactions": list(block.transactions)}
    assert "listed_hashes" in failed(encode(v3_records.BLOCK, both), context)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 7), ("parents", ()), ("parents", ((5, bytes(32)),)), ("parents", ((0, bytes(31)),)),
        ("tx_root", bytes(31)), ("state_root", b""), ("gas_used", b""), ("gas_used", b"01"), ("gas_used", b"0x1"),
        ("gas_used", b"1" * 21), ("sealer", 4), ("sealer", -1), ("weights", (1, 1, 1)), ("weights", (1, 1, 1, 0)),
        ("number", -1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_structure_of_a_header(field, value):
    chain, block, context = made()
    assert "structure" in failed(rebuilt(chain, block, **{field: value}), context)


def test_sealers_are_in_order_and_there_once():
    chain, block, context = made()
    sealers = block.header.sealers
    for wrong in (sealers[::-1], (*sealers[:3], sealers[2]), (*sealers[:3], sealers[3][:63])):
        assert "structure" in failed(rebuilt_unsigned(chain, block, sealers=wrong), context)


def rebuilt_unsigned(chain, block, **values):
    header = replace(block.header, **values)
    header = replace(header, data_hash=header.hash(chain.hash))
    record = {"header": header.values(), "transactions": block.transactions, "receipts": block.receipts}
    return encode(v3_records.BLOCK, record)


def test_height_and_previous_hash():
    _, block, context = made()
    assert failed(block.data, context.replace(height=2)) == ["height"]
    assert failed(block.data, context.replace(previous_block_hash=bytes(32))) == ["previous_hash"]


def test_stated_hashes_are_compared_with_recomputed_ones():
    chain, block, context = made()
    header = replace(block.header, data_hash=bytes(32))
    record = {"header": header.values(), "transactions": block.transactions, "receipts": block.receipts}
    assert failed(encode(v3_records.BLOCK, record), context) == ["block_hash"]
    with pytest.raises(InputError, match=r"context\.hash"):
        LEDGER.validate_block(encode(v3_records.BLOCK, record), None)
    receipts = [dict(block.receipts[0]), {**block.receipts[1], "data_hash": bytes(32)}]
    assert failed(rebuilt(chain, block, receipts=receipts), context) == ["receipts"]


def test_roots_of_transactions_and_receipts():
    chain, block, context = made(transactions=3)
    for name, check in (("tx_root", "tx_root"), ("receipt_root", "receipt_root")):
        header = chain.sign_header(replace(block.header, **{name: bytes(32)}))
        record = {"header": header.values(), "transactions": block.transactions, "receipts": block.receipts}
        assert failed(encode(v3_records.BLOCK, record), context) == [check]
    fewer = rebuilt(chain, block, receipts=block.receipts[:2])
    assert failed(fewer, context) == ["receipts"]
    other = [{"data": {**receipt["data"], "block_number": 2}} for receipt in block.receipts]
    assert failed(rebuilt(chain, block, receipts=other), context) == ["receipts"]
    hashes = [row.tobytes() for row in block.receipt_hashes]
    record = {"header": block.header.values(), "transactions": block.transactions, "receipt_hashes": hashes}
    assert failed(encode(v3_records.BLOCK, record), context) == []
    record["receipt_hashes"] = hashes[::-1]
    assert failed(encode(v3_records.BLOCK, record), context) == ["receipt_root"]


def test_fields_out_of_order_or_twice_are_no_block():
    _, block, context = made()
    for wrong in (block.data + b"\x10\x01", b"\xbc" + block.data):
        with pytest.raises(InputError, match="block"):
            LEDGER.validate_block(wrong, context)


def test_events_are_those_of_receipts_that_are_under_the_root():
    chain, block, context = made(transactions=6)
    report = LEDGER.validate_block(block.data, context, events=True)
    wanted = [(i, log) for i, receipt in enumerate(block.receipts) for log in receipt["data"]["logs"]]
    assert [event.transaction for event in report.events] == [i for i, _ in wanted]
    for event, (_, log) in zip(report.events, wanted, strict=True):
        assert event.contract == log["address"]
        assert event.topic == log["topics"][0].hex()
        assert event.data == (*(topic.hex() for topic in log["topics"][1:]), log["data"].hex())
    unproven = LEDGER.validate_block(rebuilt(chain, block, receipts=block.receipts[:5]), context, events=True)
    assert unproven.events is None
    bad = [{"data": {**receipt["data"], "status": 16}} for receipt in block.receipts]
    assert LEDGER.validate_block(rebuilt(chain, block, receipts=bad), context, events=True).events == ()


# ---- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash", HASHES)
def test_quorum_is_by_weight(hash):
    chain = FiscoChain(7, hash=hash, weights=(1, 2, 3, 4))
    order = sorted(range(4), key=chain.node_ids.__getitem__)
    weights = [(1, 2, 3, 4)[i] for i in order]
    for mask in range(1, 16):
        signers = [i for i in range(4) if mask >> i & 1]
        block = chain.block(1, signers=signers)
        weight = sum(weights[i] for i in signers)
        report = LEDGER.validate_block(block.data, chain.context(1, chain.genesis_hash))
        assert report.check("quorum").ok == (weight >= 10 - (10 - 1) // 3)
        assert report.check("quorum").got == weight
        single = chain.context(1, chain.genesis_hash, single_sealer=True)
        assert LEDGER.validate_block(block.data, single).check("quorum").ok


@pytest.mark.parametrize("hash", HASHES)
def test_one_bad_signature_refuses_a_certificate(hash):
    _, block, context = made(hash)
    signatures = list(block.header.signatures)
    size = len(signatures[0][1])
    for wrong in (
        (3, bytes(size)), (3, signatures[2][1]), (3, signatures[3][1][:-1]), (3, signatures[3][1] + b"\0"),
        (4, signatures[3][1]), (-1, signatures[3][1]), (3, b""),
    ):  # fmt: skip
        header = replace(block.header, signatures=(*signatures[:3], wrong))
        context_ = context.replace(rules="compatible") if wrong[0] == 4 else context
        report = LEDGER.verify_certificate(header.encode(), context_)
        assert [check.name for check in report.failed] == ["certificate", "quorum"], wrong


def test_a_repeated_sealer_counts_once_and_is_refused_under_strict():
    chain, block, context = made()
    twice = replace(block.header, signatures=block.header.signatures[:2] + block.header.signatures[:1])
    report = LEDGER.verify_certificate(twice.encode(), context)
    assert [check.name for check in report.failed] == ["quorum"]
    assert LEDGER.verify_certificate(twice.encode(), context.replace(rules="compatible")).valid
    assert chain.hash == "sm3"


def test_a_block_without_transactions_is_certified_too_under_strict():
    chain = FiscoChain(7)
    block, context = chain.block(1, transactions=0, signers=[0]), chain.context(1, chain.genesis_hash)
    assert failed(block.data, context) == ["quorum"]
    lax = LEDGER.validate_block(block.data, context.replace(rules="compatible"))
    assert lax.valid
    assert not lax.complete  # what was not checked is not passed
    assert [check.name for check in lax.skipped] == ["quorum"]


def test_recovery_ids_and_long_signatures_of_certificates():
    chain, block, context = made("keccak256")
    at, signature = block.header.signatures[3]
    other = replace(
        block.header, signatures=(*block.header.signatures[:3], (at, signature[:64] + bytes([signature[64] ^ 1])))
    )
    assert not LEDGER.verify_certificate(other.encode(), context).valid
    assert LEDGER.verify_certificate(other.encode(), context.replace(rules="compatible")).valid
    assert chain.hash == "keccak256"
    _, block, context = made("sm3")
    long = replace(block.header, signatures=tuple((i, one + bytes(64)) for i, one in block.header.signatures))
    assert not LEDGER.verify_certificate(long.encode(), context).valid
    assert LEDGER.verify_certificate(long.encode(), context.replace(rules="compatible")).valid


def test_the_list_of_sealers_is_the_trusted_one_in_order_and_weight():
    chain, block, context = made()
    names = context.sealers
    for changed in (
        {"sealers": names[:3]}, {"sealers": names[::-1]}, {"weights": (1, 1, 1, 2)},
        {"sealers": (*names[:3], chain.node_ids[5].hex())},
    ):  # fmt: skip
        report = LEDGER.validate_block(block.data, context.replace(**changed))
        check = report.check("sealer_list")
        assert check.ok  # the trusted nodes signed the other list
        assert check.certainty == "read"
        assert "another list" in check.detail
        assert report.check("context_change").ok
    strangers = tuple(node.hex() for node in sorted(chain.node_ids[4:8]))
    assert failed(block.data, context.replace(sealers=strangers)) == ["sealer_list"]
    half = tuple(sorted((*names[:2], *strangers[:2])))
    assert failed(block.data, context.replace(sealers=half)) == ["sealer_list"]


def test_another_list_next_to_extra_data_is_not_vouched_for():
    chain = FiscoChain(7)
    block, context = chain.block(1, extra_data=b"note"), chain.context(1, chain.genesis_hash)
    assert failed(block.data, context) == []
    assert failed(block.data, context.replace(weights=(1, 1, 1, 2))) == ["sealer_list"]


# ---- runs ------------------------------------------------------------------------------------------------------------

CHANGES = {
    2: [("addSealer", 5, 3)], 3: [("remove", 0, 0), ("setWeight", 1, 9)], 4: [("addObserver", 2, 0)],
}  # fmt: skip


@pytest.mark.parametrize("hash", HASHES)
@pytest.mark.parametrize("receipts", [True, False])
def test_sealers_change_over_a_run(hash, receipts):
    """By successful calls of the consensus precompile; without receipts by the old nodes' signatures on a new list."""
    chain = FiscoChain(7, hash=hash, weights=(1, 2, 3, 4))
    context = chain.context(1, chain.genesis_hash)
    blocks = chain.run(6, changes=CHANGES, receipts=receipts)
    run = LEDGER.validate_chain([block.data for block in blocks], context)
    reports = list(run)
    assert all(report.valid for report in reports)
    assert all(report.complete for report in reports) == receipts
    moved = [report.height for report in reports if any(c.name == "context_change" and c.ok for c in report)]
    assert moved == ([2, 3, 4] if receipts else [3, 4, 5])
    kept = run.checkpoint.context
    wanted = chain.context()
    assert (kept.sealers, kept.weights) == (wanted.sealers, wanted.weights)
    again = LEDGER.validate_chain([blocks[5].data], checkpoint=checkpoint(blocks[:5], context).to_dict())
    assert next(again).valid


def checkpoint(blocks, context):
    run = LEDGER.validate_chain([block.data for block in blocks], context)
    list(run)
    return run.checkpoint


def test_a_list_that_nothing_explains_fails():
    chain = FiscoChain(7)
    context = chain.context(1, chain.genesis_hash)
    first = chain.block(1)
    chain.powers = {4: 1, 5: 1, 6: 1, 7: 1}
    reports = list(LEDGER.validate_chain([first.data, chain.block(2, first.hash).data], context))
    assert [report.valid for report in reports] == [True, False]
    assert [check.name for check in reports[1].failed] == ["sealer_list"]


def test_a_call_that_failed_changes_nothing():
    chain = FiscoChain(7)
    context = chain.context(1, chain.genesis_hash)
    block = chain.block(1, changes=[("remove", 3, 0)])
    for fields in ({"status": 16}, {"output": (1).to_bytes(32, "big")}):
        receipts = [{"data": {**one["data"], **(fields if i == 2 else {})}} for i, one in enumerate(block.receipts)]
        report = LEDGER.validate_block(rebuilt(chain, block, receipts=receipts), context)
        assert report.valid
        assert "context_change" not in [check.name for check in report]


def test_calls_that_are_not_understood_leave_the_list():
    good = (64).to_bytes(32, "big") + (3).to_bytes(32, "big") + (128).to_bytes(32, "big") + b"ab" * 64
    assert v3_changes.arguments(good, weighed=True) == ("ab" * 64, 3)
    for wrong in (good[:-1], good[:95] + b"\x7f" + good[96:], good.replace(b"ab", b"xy"), b"\1" + good[1:]):
        assert v3_changes.arguments(wrong, weighed=True) is None
    assert v3_changes.arguments(b"", weighed=False) is None


def test_a_run_names_its_first_broken_link():
    chain = FiscoChain(7)
    context = chain.context(1, chain.genesis_hash)
    blocks = chain.run(3)
    reports = list(LEDGER.validate_chain([blocks[0].data, blocks[2].data], context))
    assert [check.name for check in reports[1].failed] == ["height", "previous_hash"]


def test_many_small_records_are_no_block():
    """Rows take memory: records of a few bytes each are refused before they get any."""
    header = made()[1].header.values()
    for name, record in (("transactions", {}), ("receipts", {}), ("meta", {}), ("receipt_hashes", b"")):
        with pytest.raises(InputError, match="rows of"):
            LEDGER.validate_block(encode(v3_records.BLOCK, {"header": header, name: [record] * 10_000}), None)


def test_a_deployment_that_is_shown_as_a_change_of_the_sealers_moves_nothing():
    """A nonce that ends like an address, and no address, have the same hash as a nonce and an address."""

    class Deploying(FiscoChain):
        def receipt(self, number, index, transaction):
            made = super().receipt(number, index, transaction)
            made["data"] |= {"output": bytes(32), "logs": [], "contract_address": "ab" * 20}
            return {"data": made["data"]}

    chain = Deploying(seed=3)
    selector = next(key for key, name in v3_changes.selectors(chain.hash).items() if name.startswith("addSealer"))
    words = [number.to_bytes(32, "big") for number in (64, 10**9, 128)]
    call = selector + b"".join(words) + chain.node_ids[6].hex().encode()
    (signed,) = chain.sign_transactions([chain.data(1, 0, nonce=f"ab0x{v3_changes.ADDRESS}", to="", input=call)], 5)
    block = chain.block(1, transactions=0, extra=[signed])
    moved = signed | {"data": signed["data"] | {"nonce": "ab", "to": f"0x{v3_changes.ADDRESS}"}}
    values = {"version": 3, "type": 1, "header": block.header.values(), "receipts": block.receipts}
    data = encode(v3_records.BLOCK, values | {"transactions": [moved]})
    report = LEDGER.validate_block(data, chain.context(1, chain.genesis_hash))
    assert report.valid
    assert report.check("context_change").ok is None
    assert LEDGER.validate_block(block.data, chain.context(1, chain.genesis_hash)).complete
