"""FISCO BCOS 2.x: every rule by name, published data, and blocks with every byte changed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from oracle.trie import build
from oracle.trie import rlp as oracle_rlp

import pycore
from pycore import Verdict, ledgers
from pycore.base import rlp
from pycore.errors import InputError, InvalidSignature, ProofError
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.fisco import v2_merkle
from pycore.ledgers.fisco.v2_records import pack, read_block, unpack
from pycore.ledgers.fisco.v2_transactions import NONCE, R, S, V
from pycore.testing.fisco2 import Fisco2Chain, rpc_block, rpc_transaction

LEDGER = ledgers.get("fisco-bcos")
HASHES = ["keccak256", "sm3"]
DOCS, SDK = "fisco-bcos/doc2x_rpc_samples.json", "fisco-bcos/python_sdk_2x_{}.json"


def made(hash, count=3, **options):
    """A chain, its first block, and the context that knows all about it."""
    chain = Fisco2Chain(7, hash=hash)
    before = chain.last
    block = chain.block([b"payload %d" % i for i in range(count)], **options)
    return chain, block, chain.context(height=1, previous_block_hash=before)


def failed(block, context):
    """Names of the checks that failed; ["InputError"] for bytes that are no block."""
    try:
        report = LEDGER.validate_block(block, context)
    except InputError:
        return ["InputError"]
    return [check.name for check in report.failed]


# ---- published data --------------------------------------------------------------------------------------------------


@pytest.mark.vectors
def test_published_block_transaction_and_header(require_vectors, count_cases):
    samples = [one["obj"] for one in json.loads(require_vectors(DOCS).read_text())]
    block, tx = samples[0], samples[1]
    context = {"generation": 2, "sealers": block["sealerList"], "chain_id": "1", "group_id": "1", "height": 1}
    report = LEDGER.validate_block(block, context)
    assert report.valid, [str(one) for one in report.failed]
    assert {one.name for one in report.skipped} == {"previous_hash", "tx_count", "receipt_root"}
    assert LEDGER.verify_certificate(block, context, form="rpc").valid
    assert LEDGER.transaction_hash(tx, form="rpc", generation=2).hex() == tx["hash"][2:]
    assert LEDGER.transaction_sender(tx, form="rpc", generation=2) == tx["from"]
    for header in (samples[0], samples[4]):
        stated = header.get("hash") or header["blockHash"]
        assert LEDGER.header_hash(header, form="rpc", generation=2).hex() == stated[2:]
    count_cases("FISCO BCOS 2.x: RPC samples", 6)


@pytest.mark.vectors
def test_published_proof_leads_to_one_root_from_its_position_only(require_vectors):
    sample = next(one["obj"] for one in json.loads(require_vectors(DOCS).read_text()) if "txProof" in one["obj"])
    item, index = sample["transaction"]["hash"], int(sample["transaction"]["transactionIndex"], 16)
    root = "9975e011bc3ae3639cb0c9c66f8e3f8ea360d3215a1d16a3b5acb1476b1d2f9e"
    LEDGER.verify_inclusion(root, item, sample, generation=2, index=index)
    for other in (0, index - 1, index + 1):
        with pytest.raises(ProofError):
            LEDGER.verify_inclusion(root, item, sample, generation=2, index=other)


@pytest.mark.vectors
@pytest.mark.parametrize(("kind", "hash"), [("ecdsa", "keccak256"), ("gm", "sm3")])
def test_published_signed_transactions(kind, hash, require_vectors, count_cases):
    cases = json.loads(require_vectors(SDK.format(kind)).read_text())
    for case in cases:
        raw = bytes.fromhex(case["raw"][2:])
        assert LEDGER.transaction_hash(raw, generation=2, hash=hash).hex() == case["hash"][2:]
        assert LEDGER.transaction_sender(raw, generation=2) == case["address"].lower()
        assert LEDGER.validate_transactions([raw], {"generation": 2, "hash": hash}).all_valid
    count_cases(f"FISCO BCOS 2.x: transactions of its Python SDK, {kind}", len(cases))


# ---- rules, by name --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash", HASHES)
def test_rule_hash_of_thirteen_items_and_signature_over_ten(hash):
    chain, block, _ = made(hash)
    record = read_block(block, "wire").transactions[0]
    items = rlp.decode_list(record)
    assert LEDGER.transaction_hash(record, generation=2) == pycore.hash(hash, oracle_rlp(items))
    digest = pycore.hash(hash, oracle_rlp(items[:10]))
    r, s = (items[i].rjust(32, b"\0") for i in (R, S))
    if hash == "sm3":
        pycore.verify("sm2", items[V], r + s, digest)
        key = items[V]
    else:
        keys, _ = pycore.recover_batch("ecdsa-secp256k1", [r + s + bytes((items[V][0] - 27,))], [digest])
        key = keys[0].tobytes()
    sender = "0x" + pycore.hash(hash, key)[12:].hex()
    assert LEDGER.transaction_sender(record, generation=2) == sender
    assert LEDGER.transaction_sender(rpc_transaction(record, hash), form="rpc", generation=2) == sender
    assert chain.height == 1


def test_rule_v_is_27_or_28_in_rlp_and_0_or_1_in_rpc():
    _, block, context = made("keccak256")
    record = read_block(block, "wire").transactions[0]
    items = rlp.decode_list(record)
    assert items[V] in (b"\x1b", b"\x1c")
    answer = rpc_transaction(record, "keccak256")
    assert answer["signature"]["v"] in ("0x0", "0x1")
    for v in (0, 1, 26, 29, 30, 35, 1 << 40):
        changed = rlp.encode([*items[:V], v, *items[R:]])
        assert [one.name for one in LEDGER.validate_transactions([changed], context)] == ["MALFORMED_SIGNATURE"]


def test_rule_sm2_has_the_public_key_in_place_of_v():
    _, block, context = made("sm3")
    items = rlp.decode_list(read_block(block, "wire").transactions[0])
    assert len(items[V]) == 64
    for key in (b"\x04" + items[V], items[V][1:], b"\x1b", b""):
        changed = rlp.encode([*items[:V], key, *items[R:]])
        assert [one.name for one in LEDGER.validate_transactions([changed], context)] == ["MALFORMED_SIGNATURE"]
    other = made("keccak256")[1]
    foreign = read_block(other, "wire").transactions[0]
    assert [one.name for one in LEDGER.validate_transactions([foreign], context)] == ["MALFORMED_SIGNATURE"]


@pytest.mark.parametrize("hash", HASHES)
def test_rule_header_hash_without_the_signature_list(hash):
    chain, block, context = made(hash)
    items = rlp.decode_list(block)
    assert LEDGER.header_hash(block, generation=2) == pycore.hash(hash, oracle_rlp(items[0])) == chain.last
    assert LEDGER.header_hash(oracle_rlp(items[0]), generation=2, hash=hash) == chain.last
    with pytest.raises(InputError, match="keccak256 or sm3"):
        LEDGER.header_hash(oracle_rlp(items[0]), generation=2)
    fewer = rlp.encode([*items[:3], items[3][1:], items[4]])
    assert LEDGER.header_hash(fewer, generation=2) == chain.last
    assert LEDGER.validate_block(fewer, context).valid


@pytest.mark.parametrize("hash", HASHES)
def test_rule_n_minus_a_third_of_n_minus_one_signatures(hash):
    for n, needed in ((1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (7, 5), (10, 7)):
        for count in (needed - 1, needed):
            chain = Fisco2Chain(n, hash=hash, sealers=n)
            block = chain.block([b"x"], signers=range(count))
            report = LEDGER.verify_certificate(block, chain.context())
            assert report.check("quorum").ok == (count >= needed)
            assert (report.check("quorum").got, report.check("quorum").wanted) == (count, needed)
            assert report.check("quorum").certainty == "read"


@pytest.mark.parametrize("hash", HASHES)
def test_rule_a_sealer_who_signs_twice(hash):
    """Counted once more by the code as read; refused under strict."""
    chain = Fisco2Chain(1, hash=hash)
    block = chain.block([b"x"], signers=[0, 1, 1])
    assert failed(block, chain.context()) == ["quorum"]
    assert failed(block, chain.context(rules="compatible")) == []


@pytest.mark.parametrize("hash", HASHES)
def test_rule_the_list_of_sealers_is_the_known_one_in_its_order(hash):
    chain, block, context = made(hash)
    ids = context.sealers
    assert failed(block, context.replace(sealers=ids[::-1])) == ["sealers"]
    assert failed(block, context.replace(sealers=ids[:3])) == ["sealers"]
    assert LEDGER.validate_block(block, context.replace(sealers=())).check("sealers").ok is None
    assert chain.height == 1


def naive_root(hash, hashes):
    """The tree as the rules say it."""
    level = [oracle_rlp(i.to_bytes((i.bit_length() + 7) // 8, "big")) + one for i, one in enumerate(hashes)]
    while len(level) > 1:
        level = [pycore.hash(hash, b"".join(level[i : i + 16])) for i in range(0, len(level), 16)]
    return pycore.hash(hash, level[0] if level else b"")


@pytest.mark.parametrize("hash", HASHES)
def test_rule_groups_of_sixteen_and_the_last_hash_once_more(hash):
    for n in (0, 1, 2, 15, 16, 17, 127, 128, 129, 255, 256, 257, 300):
        rows = np.frombuffer(b"".join(pycore.hash(hash, b"%d" % i) for i in range(n)), np.uint8).reshape(n, 32)
        root = v2_merkle.root(hash, rows)
        assert root == naive_root(hash, [row.tobytes() for row in rows])
        for index in {0, n // 2, n - 1} if n else ():
            proof = v2_merkle.proof(hash, rows, index)
            LEDGER.verify_inclusion(
                root, rows[index].tobytes(), proof, form="wire", hash=hash, generation=2, index=index, count=n
            )
            for position, count in ((index + 1, n), (index ^ 1, n), (index, index), (index, 272 * n)):
                if count:
                    with pytest.raises(ProofError):
                        LEDGER.verify_inclusion(
                            root, rows[index].tobytes(), proof, form="wire", hash=hash, generation=2, index=position,
                            count=count,
                        )  # fmt: skip


def test_rule_proofs_as_rpc_answers_them_and_every_bit_of_them():
    hash, n, index = "sm3", 40, 17
    rows = np.frombuffer(b"".join(pycore.hash(hash, b"%d" % i) for i in range(n)), np.uint8).reshape(n, 32)
    root, item = v2_merkle.root(hash, rows), rows[index].tobytes()
    levels = v2_merkle.proof(hash, rows, index)

    def check(levels, root=root, item=item):
        answer = {"txProof": [{"left": [x.hex() for x in a], "right": [x.hex() for x in b]} for a, b in levels]}
        LEDGER.verify_inclusion(root, item, answer, hash=hash, generation=2, index=index)

    check(levels)
    for k, (left, right) in enumerate(levels):
        for side, nodes in enumerate((left, right)):
            for j, node in enumerate(nodes):
                for at in range(len(node)):
                    changed = [[list(a), list(b)] for a, b in levels]
                    changed[k][side][j] = node[:at] + bytes((node[at] ^ 1,)) + node[at + 1 :]
                    with pytest.raises(ProofError):
                        check(changed)
            for shorter in range(len(nodes)):
                changed = [[list(a), list(b)] for a, b in levels]
                del changed[k][side][shorter]
                with pytest.raises(ProofError):
                    check(changed)
    for changed in (levels[:-1], [*levels, ([], [])], []):
        with pytest.raises(ProofError):
            check(changed)
    with pytest.raises(ProofError):
        check(levels, item=bytes(32))


@pytest.mark.parametrize("hash", HASHES)
@pytest.mark.parametrize("release", ["2.2", "2.0", "rc1"])
def test_rule_roots_before_2_2_0_are_read_in_the_code(hash, release):
    chain, block, context = made(hash, 20, release=release)
    report = LEDGER.validate_block(block, context)
    assert report.valid, [str(one) for one in report.failed]
    assert report.complete
    assert report.check("tx_root").certainty == ("" if release == "2.2" else "read")
    records = read_block(block, "wire").transactions.items()
    wanted = {
        "2.2": naive_root(hash, [pycore.hash(hash, one) for one in records]),
        "2.0": pycore.hash(hash, pack(records)),
        "rc1": build(
            {oracle_rlp(rlp.number_bytes(i)): one for i, one in enumerate(records)},
            lambda data: pycore.hash(hash, data),
        )[0],
    }[release]  # fmt: skip
    assert report.check("tx_root").got == wanted
    assert chain.height == 1


def test_rule_block_limit_chain_and_group():
    chain = Fisco2Chain(3)
    rows = {
        "": {}, "of another chain_id": {"chain_id": 2}, "of another group_id": {"group_id": 2},
        "its block limit is below this block": {"block_limit": 0},
        "its block limit is more than 1000 blocks ahead": {"block_limit": 1001},
    }  # fmt: skip
    records = [chain.transactions([b"x"], label=why, **numbers)[0] for why, numbers in rows.items()]
    report = LEDGER.validate_block(chain.block(transactions=records), chain.context(height=1))
    assert [fault.detail for fault in report.faults] == list(rows)[1:]
    assert {fault.verdict.name for fault in report.faults} == {"MALFORMED_ITEM"}
    edge = [chain.transactions([b"x"], block_limit=limit)[0] for limit in (2, 1001, 1, 1002)]
    codes = LEDGER.validate_transactions(edge, chain.context(height=2)).valid.tolist()
    assert codes == [True, True, False, False]


def test_rule_a_nonce_is_there_once():
    chain = Fisco2Chain(3)
    record = chain.transactions([b"x"])[0]
    nonce = str(int.from_bytes(rlp.decode_list(record)[NONCE], "big"))
    assert failed(chain.block(transactions=[record, record]), chain.context()) == ["nonces"]
    chain = Fisco2Chain(3)
    assert failed(chain.block(transactions=[record]), chain.context(recent_nonces=(nonce,))) == ["nonces"]


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash", HASHES)
def test_a_run_of_blocks(hash):
    chain = Fisco2Chain(2, hash=hash)
    context = chain.context(height=1, previous_block_hash=chain.last)
    blocks = [chain.block([b"%d" % i for i in range(n)]) for n in (2, 0, 17)]
    reports = list(LEDGER.validate_chain(blocks, context))
    assert all(one.valid and one.complete for one in reports)
    broken = list(LEDGER.validate_chain([blocks[0], blocks[2]], context))
    assert [one.name for one in broken[1].failed] == ["height", "previous_hash"]
    assert LEDGER.block_height(blocks[2], generation=2) == 3
    digests = LEDGER.block_digests(blocks[0], hash, generation=2)
    assert digests["block_hash"] == reports[0].block_hash
    assert len(digests["tx_hashes"]) == 2


def test_a_call_of_the_consensus_contract_leaves_the_sealers_unknown():
    chain = Fisco2Chain(2)
    context = chain.context(height=1, previous_block_hash=chain.last)
    call = chain.transactions([b"addSealer"], to=(0x1003).to_bytes(20, "big"))
    blocks = [chain.block(transactions=call), chain.block([b"x"])]
    first, second = LEDGER.validate_chain(blocks, context)
    assert first.valid
    assert "0x1003" in first.check("context_change").detail
    assert second.valid
    assert second.check("sealers").ok is None


@pytest.mark.parametrize("hash", HASHES)
def test_rpc_form(hash):
    _, block, context = made(hash, 5)
    answer = rpc_block(block, hash)
    for given in (answer, json.dumps(answer), json.dumps({"jsonrpc": "2.0", "id": 1, "result": answer})):
        report = LEDGER.validate_block(given, context)
        assert report.valid
        assert {one.name for one in report.skipped} == {"tx_count", "receipt_root"}
    answer["transactions"][2]["hash"] = "0x" + "11" * 32
    report = LEDGER.validate_block(answer, context)
    assert [(fault.index, fault.verdict.name) for fault in report.faults] == [(2, "BAD_DIGEST")]
    del answer["transactions"][1]["signature"]
    with pytest.raises(InputError, match=r"block.transactions\[1\].signature"):
        LEDGER.validate_block(answer, context)


@pytest.mark.parametrize("hash", HASHES)
def test_a_creation_has_no_receiver_and_rpc_shows_zeros(hash):
    chain = Fisco2Chain(4, hash=hash)
    for to in (b"", bytes(20)):
        record = chain.transactions([b"code"], to=to, label=str(len(to)))[0]
        answer = rpc_transaction(record, hash)
        assert answer["to"] == "0x" + "00" * 20
        assert LEDGER.transaction_hash(answer, form="rpc", generation=2) == pycore.hash(hash, record)


@pytest.mark.parametrize("hash", HASHES)
def test_every_byte_of_a_block(hash):
    """No byte of a block can be changed: whatever becomes of it, the block is refused."""
    chain = Fisco2Chain(7, hash=hash, sealers=2)
    context = chain.context(height=1, previous_block_hash=chain.last)
    block = chain.block([b"payload"])
    names = set()
    for at in range(len(block)):
        changed = bytearray(block)
        changed[at] ^= 1 << at % 8
        found = failed(bytes(changed), context)
        report_faults = not found and LEDGER.validate_block(bytes(changed), context).faults
        assert found or report_faults, at
        names.update(found)
    assert {"InputError", "block_hash", "tx_root", "receipt_root", "signatures"} <= names
    for short in range(0, len(block), 7):
        assert failed(block[:short], context) == ["InputError"]
    assert failed(block + b"\0", context) == ["InputError"]


@pytest.mark.parametrize("hash", HASHES)
def test_every_item_of_a_transaction(hash):
    chain = Fisco2Chain(5, hash=hash)
    record = chain.transactions([b"payload"])[0]
    context = chain.context()
    sender = LEDGER.transaction_sender(record, generation=2, hash=hash)
    items = rlp.decode_list(record)
    for i, item in enumerate(items):
        others = [item[:-1], item + b"\x01", b"\0" + item, bytes(33), [item], []]
        if item:
            others += [bytes((item[0] ^ 0x40,)) + item[1:]]
        for other in others:
            if other == item:
                continue
            changed = rlp.encode([*items[:i], other, *items[i + 1 :]])
            verdict = LEDGER.validate_transactions([changed], context)[0]
            if verdict is Verdict.VALID:  # another transaction, by somebody else
                assert hash == "keccak256"
                assert LEDGER.transaction_sender(changed, generation=2) != sender
            else:
                with pytest.raises((InvalidSignature, InputError)):
                    LEDGER.transaction_sender(changed, generation=2, hash=hash)
                    raise InputError("context", "valid alone", "refused by the context alone")
    for count in (0, 10, 12):
        assert LEDGER.validate_transactions([rlp.encode(items[:count])], context)[0] is Verdict.MALFORMED_ITEM
    assert LEDGER.validate_transactions([rlp.encode([*items, b""])], context)[0] is Verdict.MALFORMED_ITEM


def test_packed_transactions_have_one_form():
    records = [rlp.encode_list(b"\x01" * 39), rlp.encode_list(b"\x02" * 40)]
    packed = pack(records)
    assert unpack(Spans.joined([packed])).items() == records
    assert pack([]) == b""
    gap = packed.replace(b"\x28\0\0\0", b"\x51\0\0\0")
    for bad in (packed[:-1], packed + b"\0", bytes(8), packed[:4], b"\xff" * 40, gap, pack([b"\xc1\x01"] * 9)):
        with pytest.raises(InputError, match=r"block\.transactions"):
            unpack(Spans.joined([bad]))


@pytest.mark.parametrize("hash", HASHES)
def test_a_batch_is_what_each_alone_is(hash):
    chain = Fisco2Chain(6, hash=hash)
    records = chain.transactions([b"%d" % i for i in range(12)], signers=5)
    records[3] = records[3][:-1] + bytes((records[3][-1] ^ 1,))
    records[5], records[7] = b"", b"\xc0"
    context = chain.context(height=1)
    together = LEDGER.validate_transactions(records, context)
    assert list(together) == [LEDGER.validate_transactions([one], context)[0] for one in records]
    assert not together.all_valid


def test_blocks_of_tiny_parts_are_refused_before_they_cost():
    """A row of columns takes hundreds of bytes, so a block may not have more parts than it can have."""
    _, block, context = made("sm3", 1)
    items = rlp.decode_list(block)
    for place, tiny in ((1, pack([b"\xc0"] * 5000)), (4, [[]] * 5000), (4, [[*items[4][0][:-1], [[]] * 5000]])):
        assert failed(rlp.encode([*items[:place], tiny, *items[place + 1 :]]), context) == ["InputError"]
