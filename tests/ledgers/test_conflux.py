"""Conflux: published transactions and headers, addresses, every type of core transaction, and what is refused."""

from __future__ import annotations

import json
import random

import pytest
from oracle.trie import rlp as oracle_rlp

import pycore
from pycore import Verdict, ledgers
from pycore.base import rlp
from pycore.errors import InputError, InvalidSignature
from pycore.ledgers.conflux.addresses import decode, encode, type_of
from pycore.ledgers.conflux.transactions import KINDS
from pycore.testing.conflux import header, rpc_transaction, transactions

LEDGER = ledgers.get("conflux")
TYPES = sorted(KINDS)
PUBLISHED = "cfx:aasr6u88dezbsya1y3ea8wkx08592e4pjy2mt07m8y"


@pytest.mark.vectors
def test_published_transactions(require_vectors, count_cases):
    cases = json.loads(require_vectors("conflux/cfx_account_1.2.2.json").read_text())
    for case in cases:
        raw = bytes.fromhex(case["raw"])
        assert LEDGER.transaction_hash(raw).hex() == case["hash"]
        assert LEDGER.transaction_sender(raw) == case["from"]
        assert decode(case["from"])[0].hex() == case["from_hex"][2:].lower()
        context = {"chain_id": case["tx"]["chainId"], "height": case["tx"]["epochHeight"]}
        assert LEDGER.validate_transactions([raw], context).all_valid
    count_cases("conflux: transactions of cfx-account", len(cases))


@pytest.mark.vectors
def test_published_headers(require_vectors, count_cases):
    cases = json.loads(require_vectors("conflux/headers.json").read_text())
    for case in cases:
        assert LEDGER.header_hash(case, form="rpc").hex() == case["hash"][2:]
        for name in ("height", "timestamp", "blame", "difficulty", "gasLimit", "nonce"):
            with pytest.raises(InputError, match=r"header\.hash"):
                LEDGER.header_hash(case | {name: hex(int(str(case[name]), 0) + 1)}, form="rpc")
    count_cases("conflux: headers", len(cases))


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_published_address_in_its_forms():
    data = bytes.fromhex("1cde43de192a175017a6480f4933b7b7fc134c45")
    assert encode(data, 1029) == PUBLISHED
    for text in (PUBLISHED, PUBLISHED.upper(), f"CFX:TYPE.USER:{PUBLISHED[4:].upper()}"):
        assert decode(text) == (data, 1029)
    assert type_of(data) == "user"
    assert type_of(bytes(20)) == "null"


def test_an_address_with_anything_changed():
    for at in range(len(PUBLISHED)):
        for letter in "abz0:l1":
            changed = PUBLISHED[:at] + letter + PUBLISHED[at + 1 :]
            if changed != PUBLISHED:
                with pytest.raises(InputError):
                    decode(changed)
    body = PUBLISHED[4:]
    for bad in (
        "", ":", body, f"cfx{body}", f"cfxtest:{body}", f"net1029:{body}", f"cfx:type.contract:{body}", PUBLISHED[:-1],
        f"{PUBLISHED}a", f"Cfx:{body}", f"cfx:type.user:type.user:{body}", f"net0:{body}", f"net01:{body}", "é" * 46,
    ):  # fmt: skip
        with pytest.raises(InputError, match="address"):
            decode(bad)


def test_addresses_there_and_back(seed):
    rng = random.Random(seed)
    for network in (1, 1029, 8888, (1 << 32) - 1):
        for _ in range(30):
            data = rng.randbytes(20)
            assert decode(encode(data, network)) == (data, network)
    for bad in (0, -1, 1 << 32):
        with pytest.raises(InputError, match="network"):
            encode(bytes(20), bad)


# ---- transactions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", TYPES)
def test_rule_the_body_is_signed_and_the_whole_is_hashed(number):
    record = transactions([number])[0]
    head = b"cfx" + bytes((number,)) if number else b""
    assert record.startswith(head)
    body, v, r, s = rlp.decode_list(record[len(head) :])
    digest = pycore.hash("keccak256", head + oracle_rlp(body))
    compact = r.rjust(32, b"\0") + s.rjust(32, b"\0") + (v or b"\0")
    keys, verdicts = pycore.recover_batch("ecdsa-secp256k1", [compact], [digest])
    assert verdicts.all_valid
    address = bytearray(pycore.hash("keccak256", keys[0].tobytes())[12:])
    address[0] = address[0] & 0x0F | 0x10
    assert LEDGER.transaction_sender(record) == encode(bytes(address), 1029)
    assert LEDGER.transaction_hash(record) == pycore.hash("keccak256", record)
    answer = rpc_transaction(record)
    assert LEDGER.transaction_hash(answer, form="rpc") == LEDGER.transaction_hash(record)
    assert LEDGER.transaction_sender(json.dumps(answer), form="rpc") == LEDGER.transaction_sender(record)
    with pytest.raises(InputError, match=r"transaction\.hash"):
        LEDGER.transaction_hash(answer | {"hash": "0x" + "11" * 32}, form="rpc")


@pytest.mark.parametrize("number", TYPES)
def test_every_item_of_a_transaction(number):
    record = transactions([number], seed=3)[0]
    sender, head = LEDGER.transaction_sender(record), record[:4] if number else b""
    body, *signature = rlp.decode_list(record[len(head) :])

    def verdict(items, marks=signature):
        changed = head + oracle_rlp([items, *marks])
        found = LEDGER.validate_transactions([changed], {"chain_id": 1029, "height": 1000})[0]
        if found is Verdict.VALID:
            assert LEDGER.transaction_sender(changed) != sender
        return found

    for i, item in enumerate(body):
        others = (
            [b"", [b""], [[b""]], [[bytes(20), [b""]]]] if isinstance(item, list) else [b"\0" + item, bytes(33), [item]]
        )
        if item and isinstance(item, bytes):
            others.append(bytes((item[0] ^ 0x40,)) + item[1:])
        for other in others:
            verdict([*body[:i], other, *body[i + 1 :]])
        assert verdict([*body[:i], [[]], *body[i + 1 :]]) is Verdict.MALFORMED_ITEM
    for items in (body[:-1], [*body, b""], []):
        assert verdict(items) is Verdict.MALFORMED_ITEM
    for i, other in ((0, b"\x02"), (0, b"\x1b"), (1, bytes(33)), (2, b"\0\1"), (0, [])):
        marks = [*signature[:i], other, *signature[i + 1 :]]
        assert verdict(body, marks) is Verdict.MALFORMED_SIGNATURE
    for bad in (b"", record[:-1], record + b"\0", b"cfx", b"cfx\x01", b"cfx\x03" + record, b"cfx\0" + record, b"\xc0"):
        assert LEDGER.validate_transactions([bad])[0] is Verdict.MALFORMED_ITEM


def test_rules_of_the_context():
    records = transactions(TYPES, chain_id=1, epoch=500)
    assert LEDGER.validate_transactions(records, {"chain_id": 1, "height": 500}).all_valid
    assert LEDGER.transaction_sender(records[0]).startswith("cfxtest:")
    for context in ({"chain_id": 1029}, {"height": 100_501}):
        assert {one.name for one in LEDGER.validate_transactions(records, context)} == {"MALFORMED_ITEM"}
    assert LEDGER.validate_transactions(records, {"height": 100_500}).all_valid
    for to, good in (
        (b"\x10" + bytes(19), True),
        (b"\x80" + bytes(19), True),
        (bytes(20), True),
        (b"\x20" + bytes(19), False),
    ):
        record = transactions([0], to=to)[0]
        assert LEDGER.validate_transactions([record]).all_valid == good
        assert LEDGER.validate_transactions([record], {"rules": "compatible"}).all_valid
    assert LEDGER.validate_transactions(transactions([0], to=b"")).all_valid


def test_rule_low_s_unless_compatible():
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    body, v, r, s = rlp.decode_list(transactions([0])[0])
    high = rlp.encode([body, 1 - len(v), r, order - int.from_bytes(s, "big")])
    assert LEDGER.validate_transactions([high])[0] is Verdict.HIGH_S
    assert LEDGER.validate_transactions([high], {"rules": "compatible"}).all_valid
    with pytest.raises(InvalidSignature):
        LEDGER.transaction_sender(rlp.encode([body, v, 0, s]))


def test_a_batch_is_what_each_alone_is():
    records = [*transactions([0, 1, 2] * 4, seed=5), b"", b"cfx\x09", b"\xc0"]
    records[4] = records[4][:-1] + bytes((records[4][-1] ^ 1,))
    together = LEDGER.validate_transactions(records, {"chain_id": 1029})
    assert list(together) == [LEDGER.validate_transactions([one], {"chain_id": 1029})[0] for one in records]


# ---- headers and refusals --------------------------------------------------------------------------------------------


def rpc_header(items):
    names = ("transactionsRoot", "deferredStateRoot", "deferredReceiptsRoot", "deferredLogsBloomHash")
    answer = {name: "0x" + items[4 + i].hex() for i, name in enumerate(names)}
    answer |= {"parentHash": "0x" + items[0].hex(), "miner": encode(items[3], 1029), "adaptive": bool(items[10])}
    answer |= {"height": hex(items[1]), "timestamp": hex(items[2]), "blame": hex(items[8]), "difficulty": hex(items[9])}
    answer |= {"gasLimit": hex(items[11]), "nonce": hex(items[13])}
    return answer | {"refereeHashes": ["0x" + one.hex() for one in items[12]]}


@pytest.mark.parametrize("pos", [False, True])
def test_headers_in_both_forms(pos):
    items = header(pos=pos)
    raw = rlp.encode(items)
    digest = pycore.hash("keccak256", oracle_rlp(rlp.decode(raw)))
    assert LEDGER.header_hash(raw) == digest
    answer = rpc_header(items) | ({"posReference": "0x" + items[14][0].hex()} if pos else {})
    assert LEDGER.header_hash(answer, form="rpc") == digest
    for custom in ([b"\x01"], [b"\xc1\x05", b"\x85hello"]):  # as strings, or as the items that they encode
        wire = rlp.encode_list(b"".join(map(rlp.encode, items)) + b"".join(custom))
        given = answer | {
            "custom": ["0x" + one.hex() for one in custom],
            "hash": "0x" + pycore.hash("keccak256", wire).hex(),
        }
        assert LEDGER.header_hash(given, form="rpc") == LEDGER.header_hash(wire)
    lacking = answer | {"baseFeePerGas": "0x1", "hash": "0x" + "11" * 32}
    with pytest.raises(InputError, match="base price of the other space"):
        LEDGER.header_hash(lacking, form="rpc")


def test_headers_that_are_none():
    items = header()
    for i in range(14):
        for bad in (bytes(33), [[b""]]):
            with pytest.raises(InputError, match="header"):
                LEDGER.header_hash(rlp.encode([*items[:i], bad, *items[i + 1 :]]))
    for bad in (rlp.encode(items[:13]), rlp.encode([*items, *[b""] * 60]), rlp.encode(items)[:-1], b"", b"\xc0"):
        with pytest.raises(InputError, match="header"):
            LEDGER.header_hash(bad)
    with pytest.raises(InputError, match="header"):
        LEDGER.header_hash(rlp.encode([*items[:10], 2, *items[11:]]))


def test_what_is_not_offered_says_why():
    for call in (
        lambda: LEDGER.validate_block(b""), lambda: LEDGER.verify_certificate(b""), lambda: LEDGER.block_height(b""),
        lambda: LEDGER.block_digests(b""), lambda: LEDGER.verify_inclusion(b"", b"", []),
        lambda: next(LEDGER.validate_chain([b""])),
    ):  # fmt: skip
        with pytest.raises(InputError, match="proof of stake"):
            call()
    for options in ({"hash": "sm3"}, {"form": "json"}):
        with pytest.raises(InputError):
            LEDGER.transaction_hash(transactions([0])[0], **options)
    with pytest.raises(InputError, match="type"):
        LEDGER.transaction_hash({"type": "0x7"}, form="rpc")
