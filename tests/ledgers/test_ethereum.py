"""Ethereum as a chain: published transactions and a real block, every type and fork, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from oracle.trie import rlp as oracle_rlp

import pycore
from pycore import Verdict, ledgers
from pycore.base import rlp
from pycore.errors import InputError, InvalidSignature, ProofError
from pycore.ledgers.ethereum.records import parse_receipt, read_receipts
from pycore.ledgers.ethereum.transactions import KINDS
from pycore.merkle import patricia
from pycore.merkle.patricia_tree import PatriciaTrie
from pycore.testing.ethereum import FORKS, EthereumChain, rpc_block, rpc_receipt, rpc_transaction

LEDGER = ledgers.get("ethereum")
TYPES = sorted(KINDS)
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
# What needs the state, the gas rules of a fork, or which types a fork has.
OF_EXECUTION = {"TransactionException.INTRINSIC_GAS_TOO_LOW", "TransactionException.TYPE_NOT_SUPPORTED"}


def failed(block, context):
    """Names of the checks that failed, and "transactions" for a fault."""
    try:
        report = LEDGER.validate_block(block, context)
    except InputError:
        return ["InputError"]
    return [check.name for check in report.failed]


def everything(made, **changes):
    """A context that knows all about a block."""
    known = {"chain_id": 1, "block_hash": made.hash, "receipts": made.receipts, "height": 1}
    return LEDGER.context({**known, **changes})


# ---- published data --------------------------------------------------------------------------------------------------


@pytest.mark.vectors
def test_published_transactions(require_vectors, count_cases):
    """Accepted: hash and sender are the published ones. Refused: unless only execution could tell."""
    accepted = refused = execution = 0
    for path in sorted(Path(require_vectors("ethereum/TransactionTests")).glob("*/*.json")):
        for name, case in json.loads(path.read_text()).items():
            raw = bytes.fromhex(case["txbytes"][2:])
            results = case["result"].values()
            good = next((one for one in results if "hash" in one), None)
            verdict = LEDGER.validate_transactions([raw], {"chain_id": 1})[0]
            if good is not None:
                assert verdict is Verdict.VALID or _homestead(case), name
                assert LEDGER.transaction_hash(raw).hex() == good["hash"][2:], name
                assert LEDGER.transaction_sender(raw) == good["sender"], name
                accepted += 1
            elif verdict is Verdict.VALID:
                assert {one["exception"] for one in results} <= OF_EXECUTION, name
                execution += 1
            else:
                refused += 1
    count_cases("ethereum/TransactionTests: accepted", accepted)
    count_cases("ethereum/TransactionTests: refused", refused)
    assert min(accepted, refused) > 50
    assert execution < 5


def _homestead(case):
    """Whether a later fork refuses it: s above half the order (EIP-2)."""
    return any("exception" in one for one in case["result"].values())


@pytest.mark.vectors
def test_a_real_block_with_its_receipts(require_vectors, count_cases):
    folder = require_vectors("ethereum/mainnet_header11408438.json").parent
    header, transactions, receipts = (
        json.loads((folder / f"mainnet_{name}11408438.json").read_text())
        for name in ("header", "transactions", "receipts")
    )  # fmt: skip
    block = {**header, "transactions": transactions}
    context = {
        "chain_id": 1, "block_hash": header["hash"], "height": 11408438, "previous_block_hash": header["parentHash"],
        "receipts": [one.hex() for one in read_receipts(receipts)],
    }  # fmt: skip
    report = LEDGER.validate_block(block, context, events=True)
    assert report.valid
    assert report.complete
    assert len(report.events) == sum(len(one["logs"]) for one in receipts)
    assert report.events[0].tx_id == next(one["transactionHash"] for one in receipts if one["logs"])
    for tx in transactions:
        assert LEDGER.transaction_sender(tx, form="rpc") == tx["from"]
        assert LEDGER.transaction_hash(tx, form="rpc").hex() == tx["hash"][2:]
    count_cases("ethereum: mainnet block 11408438", 2 * len(transactions) + 4)


# ---- transactions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", TYPES)
def test_rule_what_each_type_signs(number):
    """Written out again: the items before the signature, behind the type byte, or with EIP-155's tail."""
    record = EthereumChain(3, chain_id=5).transactions([number])[0]
    items = rlp.decode_list(record[1 if number else 0 :])
    *body, v, r, s = items
    head = bytes((number,)) if number else b""
    tail = [] if number else [b"\x05", b"", b""]
    digest = pycore.hash("keccak256", head + oracle_rlp([*body, *tail]))
    parity = int.from_bytes(v, "big") - (0 if number else 45)
    keys, verdicts = pycore.recover_batch(
        "ecdsa-secp256k1", [r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes((parity,))], [digest]
    )
    assert verdicts.all_valid
    assert LEDGER.transaction_sender(record) == "0x" + pycore.hash("keccak256", keys[0].tobytes())[12:].hex()
    assert LEDGER.transaction_hash(record) == pycore.hash("keccak256", record)
    answer = rpc_transaction(record)
    assert LEDGER.transaction_hash(answer, form="rpc") == LEDGER.transaction_hash(record)
    answer["hash"] = "0x" + "22" * 32
    with pytest.raises(InputError, match=r"transaction\.hash"):
        LEDGER.transaction_hash(answer, form="rpc")


@pytest.mark.parametrize("number", TYPES)
def test_every_item_of_a_transaction(number):
    record = EthereumChain(4).transactions([number, number])[1]
    sender, head = LEDGER.transaction_sender(record), record[:1] if number else b""
    items = rlp.decode_list(record[len(head) :])
    for i, item in enumerate(items):
        if isinstance(item, list):
            others = [
                b"",
                [b""],
                [[b""]],
                [*item, b"\x01"],
                [[b"\x01" * 19, []]],
                [[b"\x01" * 20, [b"\x01" * 31]]],
                [item],
            ]
        else:
            others = [b"\0" + item, bytes(33), [item], [], item + b"\x01" * 33]
            others += [bytes((item[0] ^ 0x40,)) + item[1:]] if item else [b"\x01"]
        for other in others:
            if other == item:
                continue
            changed = head + oracle_rlp([*items[:i], other, *items[i + 1 :]])
            verdict = LEDGER.validate_transactions([changed], {"chain_id": 1})[0]
            if verdict is Verdict.VALID:
                assert LEDGER.transaction_sender(changed) != sender, (i, other)
    for count in range(len(items)):
        assert LEDGER.validate_transactions([head + oracle_rlp(items[:count])])[0] is Verdict.MALFORMED_ITEM
    for bad in (
        head + oracle_rlp([*items, b""]),
        record + b"\0",
        record[:-1],
        head,
        b"",
        b"\0" + record,
        b"\x05" + record,
    ):
        assert LEDGER.validate_transactions([bad])[0] is Verdict.MALFORMED_ITEM


def test_rules_about_numbers():
    chain = EthereumChain(5)
    top = (1 << 64) - 1
    rows = [
        ("VALID", 2, {"nonce": top - 1}), ("MALFORMED_ITEM", 2, {"nonce": top}),
        ("MALFORMED_ITEM", 2, {"nonce": top + 1}),
        ("VALID", 2, {"tip": 7, "fee": 7}), ("MALFORMED_ITEM", 2, {"tip": 8, "fee": 7}),
        ("VALID", 2, {"tip": 255, "fee": 256}), ("MALFORMED_ITEM", 2, {"tip": 256, "fee": 255}),
        ("VALID", 2, {"tip": 1 << 100, "fee": 1 << 100}),
        ("MALFORMED_ITEM", 2, {"tip": (1 << 100) + 1, "fee": 1 << 100}),
        ("VALID", 2, {"tip": (1 << 99) + 1, "fee": 1 << 99 | 3}), ("VALID", 2, {"tip": 0, "fee": 0}),
        ("VALID", 0, {"fee": (1 << 240) - 1}), ("MALFORMED_ITEM", 0, {"fee": (1 << 256) - 1}),
        ("MALFORMED_ITEM", 3, {"blobs": []}), ("MALFORMED_ITEM", 3, {"blobs": [b"\x02" + bytes(31)]}),
        ("MALFORMED_ITEM", 3, {"blobs": [b"\x01" * 31]}), ("MALFORMED_ITEM", 3, {"to": b""}), ("VALID", 2, {"to": b""}),
        ("MALFORMED_ITEM", 4, {"authorizations": []}),
        ("MALFORMED_ITEM", 4, {"authorizations": [[1, bytes(20), 0, 0, 1]]}),
        ("MALFORMED_ITEM", 4, {"authorizations": [[1, bytes(19), 0, 0, 1, 1]]}),
        ("VALID", 4, {"authorizations": [[1 << 255, bytes(20), 0, 255, 1, 1]]}),
        ("MALFORMED_ITEM", 4, {"authorizations": [[1, bytes(20), 0, 256, 1, 1]]}),
        ("MALFORMED_ITEM", 1, {"access": [[bytes(20)]]}), ("MALFORMED_ITEM", 1, {"access": [[bytes(20), [bytes(33)]]]}),
        ("VALID", 1, {"access": [[bytes(20), []], [bytes(20), [bytes(32)] * 40]]}),
    ]  # fmt: skip
    records = [chain.transactions([number], label=str(i), **items)[0] for i, (_, number, items) in enumerate(rows)]
    verdicts = LEDGER.validate_transactions(records, {"chain_id": 1})
    assert [one.name for one in verdicts] == [wanted for wanted, _, _ in rows]
    assert list(verdicts) == [LEDGER.validate_transactions([one], {"chain_id": 1})[0] for one in records]


def test_rule_the_chain_is_signed():
    chain = EthereumChain(6)
    for number in TYPES:
        record = chain.transactions([number], chain_id=2)[0]
        assert LEDGER.validate_transactions([record])[0] is Verdict.VALID
        assert LEDGER.validate_transactions([record], {"chain_id": 1})[0] is Verdict.MALFORMED_ITEM
    legacy = chain.transactions([0], protected=False)[0]
    assert LEDGER.validate_transactions([legacy], {"chain_id": 1})[0] is Verdict.VALID


def test_rule_low_s_unless_compatible():
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    record = EthereumChain(7).transactions([0], protected=False)[0]
    *body, v, r, s = rlp.decode_list(record)
    high = rlp.encode([*body, 55 - v[0], r, order - int.from_bytes(s, "big")])
    assert LEDGER.validate_transactions([high])[0] is Verdict.HIGH_S
    assert LEDGER.validate_transactions([high], {"rules": "compatible"})[0] is Verdict.VALID
    assert LEDGER.transaction_sender(high) == LEDGER.transaction_sender(record)
    for bad in (0, order):
        with pytest.raises(InvalidSignature):
            LEDGER.transaction_sender(rlp.encode([*body, v, r, bad]))


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", FORKS)
def test_blocks_of_every_fork_in_both_forms(fork):
    chain = EthereumChain(8, fork=fork)
    made = chain.block(chain.transactions([0, 1, 2, 3, 4, 2]))
    context = everything(made, previous_block_hash=rlp.decode_list(made.header)[0])
    for block in (made.wire, rpc_block(made), json.dumps({"jsonrpc": "2.0", "result": rpc_block(made)})):
        report = LEDGER.validate_block(block, context, events=True)
        assert report.valid, [str(one) for one in report.failed]
        assert report.complete, [str(one) for one in report.skipped]
        assert report.block_hash == made.hash == pycore.hash("keccak256", made.header)
        assert [event.data for event in report.events] == [
            ("0x" + i.to_bytes(32, "big").hex(), "0x" + (1000 + i).to_bytes(32, "big").hex()) for i in range(6)
        ]
    assert LEDGER.header_hash(made.header) == LEDGER.header_hash(rpc_block(made), form="rpc") == made.hash
    assert LEDGER.block_height(made.wire) == 1
    digests = LEDGER.block_digests(made.wire)
    assert digests["tx_hashes"] == [pycore.hash("keccak256", one) for one in made.records]
    assert digests["tx_root"] == PatriciaTrie.of_list(made.records).root


def test_a_block_is_not_complete_unless_its_hash_is_known():
    chain = EthereumChain(8)
    made = chain.block(chain.transactions([2]))
    report = LEDGER.validate_block(made.wire, everything(made, block_hash=None))
    assert report.valid
    assert not report.complete
    assert "no certificate" in report.check("trusted_block").detail
    assert failed(made.wire, everything(made, block_hash=bytes(32))) == ["trusted_block"]
    assert failed(made.wire, everything(made, receipts=made.receipts[:-1])) == ["receipt_root"]
    assert failed(made.wire, everything(made, receipts=[b"\xc0"])) == ["receipt_root"]
    assert LEDGER.validate_block(made.wire, everything(made, receipts=None), events=True).events == ()


def test_every_byte_of_a_block():
    chain = EthereumChain(9)
    made = chain.block(chain.transactions([0, 2]))
    context = everything(made, receipts=None)
    names = set()
    for at in range(0, len(made.wire), 1 if THOROUGH else 3):
        changed = bytearray(made.wire)
        changed[at] ^= 1 << at % 8
        found = failed(bytes(changed), context)
        assert found, at
        names.update(found)
    assert {"InputError", "trusted_block", "tx_root", "withdrawals_root"} <= names
    assert failed(made.wire + b"\0", context) == ["InputError"]


def test_parts_that_are_too_many_for_their_bytes():
    """A row of columns takes hundreds of bytes, so a list may not have more items than it can have."""
    chain = EthereumChain(14)
    made = chain.block(chain.transactions([2]))
    parts = rlp.decode_list(made.wire)
    assert failed(rlp.encode([parts[0], [b"\x01"] * 5000, *parts[2:]]), everything(made)) == ["InputError"]
    report = LEDGER.validate_block(rlp.encode([parts[0], [b"\x02" + bytes(40)] * 9, *parts[2:]]), everything(made))
    assert report.check("tx_root").ok is None
    assert report.transactions.counts() == {Verdict.MALFORMED_ITEM: 9}
    for name, items in (("access", [[]] * 5000), ("access", [[bytes(20), [b""] * 5000]])):
        record = chain.transactions([1], **{name: items})[0]
        assert LEDGER.validate_transactions([record])[0] is Verdict.MALFORMED_ITEM


def test_a_run_of_blocks():
    chain = EthereumChain(10)
    context = LEDGER.context({"chain_id": 1, "height": 1, "previous_block_hash": chain.last})
    made = [chain.block(chain.transactions([2] * n)) for n in (2, 0, 3)]
    reports = list(LEDGER.validate_chain([one.wire for one in made], context))
    assert all(one.valid for one in reports)
    assert [one.name for one in reports[2].skipped] == ["trusted_block", "receipt_root"]
    broken = list(LEDGER.validate_chain([made[0].wire, made[2].wire], context))
    assert [one.name for one in broken[1].failed] == ["height", "previous_hash"]


def test_withdrawals_and_ommers_belong_to_their_roots():
    chain = EthereumChain(11)
    made = chain.block(chain.transactions([2]))
    parts = rlp.decode_list(made.wire)
    assert failed(rlp.encode(parts[:3]), everything(made)) == ["withdrawals_root"]
    assert failed(rlp.encode([*parts[:3], parts[3][:2]]), everything(made)) == ["withdrawals_root"]
    old = EthereumChain(11, fork="london")
    block = old.block(old.transactions([2]))
    listed = rlp.decode_list(block.wire)
    assert failed(rlp.encode([*listed, []]), everything(block)) == ["withdrawals_root"]
    ommer = rlp.decode_list(old.block().header)
    assert failed(rlp.encode([*listed[:2], [ommer]]), everything(block)) == ["ommers_hash"]
    uncles = rpc_block(block) | {"uncles": ["0x" + "11" * 32]}
    assert LEDGER.validate_block(uncles, everything(block)).check("ommers_hash").ok is None


# ---- receipts, proofs, refusals --------------------------------------------------------------------------------------


def test_receipts_in_both_forms():
    chain = EthereumChain(12)
    made = chain.block(chain.transactions([0, 1, 2, 3, 4]))
    answers = [rpc_receipt(one) for one in made.receipts]
    assert read_receipts(answers) == read_receipts({"result": answers}) == made.receipts
    assert [parse_receipt(one).outcome for one in made.receipts] == [1, 1, 1, 1, 0]
    old = rlp.encode([bytes(32), 21_000, bytes(256), []])
    assert parse_receipt(old).outcome == bytes(32)
    good = made.receipts[1]
    for bad in (
        b"",
        b"\0" + good,
        b"\x05" + good[1:],
        good + b"\0",
        rlp.encode([2, 1, bytes(256), []]),
        rlp.encode([1, 1]),
    ):
        with pytest.raises(InputError, match="receipt"):
            parse_receipt(bad)


def test_inclusion_of_a_transaction():
    chain = EthereumChain(13)
    made = chain.block(chain.transactions([2] * 20))
    trie = PatriciaTrie.of_list(made.records)
    for i in (0, 1, 19):
        proof = trie.proof(patricia.index_keys([i])[0])
        item = LEDGER.transaction_hash(made.records[i])
        LEDGER.verify_inclusion(trie.root, item, ["0x" + one.hex() for one in proof], index=i)
        LEDGER.verify_inclusion(trie.root.hex(), item.hex(), proof, form="wire", index=i)
        for wrong in ({"index": i + 1}, {"item_hash": bytes(32)}, {"root": bytes(32)}, {"proof": proof[:-1]}):
            call = {"root": trie.root, "item_hash": item, "proof": proof, "form": "wire", "index": i} | wrong
            with pytest.raises(ProofError):
                LEDGER.verify_inclusion(**call)
        with pytest.raises(InputError, match="index"):
            LEDGER.verify_inclusion(trie.root, item, proof, form="wire")


def test_what_is_not_offered_says_why():
    made = EthereumChain(1).block()
    with pytest.raises(InputError, match="no certificate"):
        LEDGER.verify_certificate(made.header)
    with pytest.raises(InputError, match="hash"):
        LEDGER.header_hash(made.header, hash="sm3")
    with pytest.raises(InputError, match="form"):
        LEDGER.header_hash(made.header, form="json")
    items = rlp.decode_list(made.header)
    for count in (14, 18, 19, 22):
        with pytest.raises(InputError, match="header"):
            LEDGER.header_hash(rlp.encode([*items, b""][:count]))
    for bad in (b"", b"\xc0", made.wire[:-1], {"number": "0x1"}, "{}", 7, None):
        with pytest.raises(InputError):
            LEDGER.validate_block(bad)


@pytest.mark.parametrize(("name", "reason"), [("hyperchain", "quorum certificate"), ("antchain", "SDK is closed")])
def test_chains_that_are_refused_by_name(name, reason):
    assert name not in ledgers.names()
    with pytest.raises(InputError, match=reason):
        ledgers.get(name)
