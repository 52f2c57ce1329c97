"""Transactions of Xinghuo: form, signatures, who may sign, nonces; every field changed, and by both rule sets."""

from __future__ import annotations

import hashlib

import pytest
from oracle import ed25519 as slow_ed25519
from oracle import sm2 as slow_sm2
from oracle import sm3 as slow_sm3
from oracle.weierstrass import SM2

import pycore
from pycore import InputError, InvalidSignature, Verdict, ledgers
from pycore._pb.ledgers.bif.v1 import ledger_pb2, transaction_pb2
from pycore.ledgers.bif import BifContext, base58, keys
from pycore.testing.bif import Signer, make_signers, make_transaction, read_private_key, seal, seal_all

LEDGER = ledgers.get("bif")
ALICE, BOB, CAROL = make_signers("ed25519", 3, seed=11)
SAM, TIM = make_signers("sm2", 2, seed=11)
RULES = ("strict", "compatible")
SINGLE = {"other_accounts": "single"}


def transfer(source: Signer = ALICE, nonce: int = 1, **fields):
    return make_transaction(source.address, nonce, dest=BOB.address, amount=5, **fields)


def judge(item: bytes, **context):
    return LEDGER.validate_transactions([item], context)[0]


# ---- keys and addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", [ALICE, SAM], ids=["ed25519", "sm2"])
def test_public_key_text_and_address(signer):
    """Recomputed without this library's hashes and base58."""
    letters, head, digest = (
        ("ef", "b06566", hashlib.sha256(signer.raw).digest())
        if signer.scheme == "ed25519"
        else ("zf", "b07a66", slow_sm3.sm3(signer.raw))
    )
    assert signer.text == head + signer.raw.hex()
    number, text = int.from_bytes(digest[10:], "big"), ""
    bitcoin = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    while number:
        number, digit = divmod(number, 58)
        text = bitcoin[digit] + text
    text = "1" * (len(digest[10:]) - len(digest[10:].lstrip(b"\0"))) + text
    assert signer.address == "did:bid:" + letters + text.translate(str.maketrans("BbUu", "bBuU"))
    assert keys.read_key(signer.text).address == signer.address


@pytest.mark.parametrize("signer", [ALICE, SAM], ids=["ed25519", "sm2"])
def test_private_key_text(signer):
    """The code's 18 9e 99, not the 18 93 99 of a document."""
    assert signer.private_text.startswith("priSPK" if signer.scheme == "ed25519" else "priSrr")
    assert base58.decode(signer.private_text)[:3].hex() == "189e99"
    assert read_private_key(signer.private_text) == signer
    with pytest.raises(InputError):
        read_private_key(signer.private_text[:-1])


def test_base58_alphabet_is_not_bitcoins():
    assert base58.ALPHABET.translate(str.maketrans("BbUu", "bBuU")) == (
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    )
    for data in (b"", b"\0", b"\0\0\1", b"\xff" * 22, bytes(22)):
        assert base58.decode(base58.encode(data)) == data


def test_base58_of_rows_is_that_of_each(rng):
    import numpy as np

    for width in (1, 4, 22, 27):
        rows = np.frombuffer(rng.randbytes(64 * width), np.uint8).reshape(64, width).copy()
        rows[:8, : width // 2 + 1] = 0
        rows[8] = 0
        assert base58.encode_rows(rows) == [base58.encode(row.tobytes()) for row in rows]


def test_addresses_have_22_bytes():
    good = ALICE.address
    assert keys.is_address(good)
    assert keys.is_address(good.replace("did:bid:", "did:bid:by01:"))
    body = base58.decode(good[10:])
    for size in (0, 1, 21, 23, 44):
        other = "did:bid:ef" + base58.encode((body + body)[:size])
        assert not keys.is_address(other), size
    for other in (
        good[8:], good[:-1] + "0", good[:-1] + "I", good.replace("ef", "EF", 1), good.replace("did", "DID"),
        good.replace("did:bid:", "did:bid::"), good.replace("did:bid:", "did:bid:a:b:"), good + "\n", "", "did:bid:",
    ):  # fmt: skip
        assert not keys.is_address(other), other


def test_keys_that_are_not_keys():
    good = ALICE.text
    for text in (
        "", "b0", good[:-2], good + "00", "b1" + good[2:], good[:2] + "66" + good[4:], good[:4] + "65" + good[6:],
        good[:-1] + "g", SAM.text[:-2], "b07a6602" + SAM.text[8:], "b07a66" + ALICE.raw.hex(),
        good.upper() + " ", "0x" + good[2:],
    ):  # fmt: skip
        assert keys.read_key(text) is None, text
        assert keys.read_key(text, strict=False) is None, text
    spaced = good[:8] + "  " + good[10:]  # which a lenient reader of hexadecimal passes over
    assert keys.read_keys([good.encode(), spaced.encode()])[1] is None
    assert keys.read_keys([spaced.encode(), good.encode()], strict=False)[0] is None
    assert keys.read_key(good.upper()) is None
    assert keys.read_key(good.upper(), strict=False).address == ALICE.address


# ---- hash and signature ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", [ALICE, SAM], ids=["ed25519", "sm2"])
def test_hash_and_signature_are_over_the_bytes(signer):
    """Checked with the oracles: SHA-256 of the blob, the signature over the blob itself, whoever signs."""
    tx = transfer(signer)
    blob = tx.SerializeToString()
    env = transaction_pb2.TransactionEnv.FromString(seal(tx, [signer]))
    signature = env.signatures[0].sign_data
    if signer.scheme == "ed25519":
        assert slow_ed25519.verify(signer.raw, signature, blob, "rfc8032") == "VALID"
    else:
        point = SM2.decode(signer.raw)
        digest = int.from_bytes(slow_sm2.digest(blob, slow_sm2.DEFAULT_ID, point), "big")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        assert slow_sm2.equation(point, r, s, digest) == "VALID"
    wanted = hashlib.sha256(blob).digest()
    for item in (blob, seal(tx, [signer]), seal(tx, [signer, BOB]), seal(tx, [])):
        assert LEDGER.transaction_hash(item) == wanted
    assert LEDGER.transaction_sender(seal(tx, [signer])) == signer.address
    assert judge(seal(tx, [signer])) == Verdict.VALID


def test_signature_over_the_hash_or_the_hex_text_is_none():
    tx = transfer()
    blob = tx.SerializeToString()
    for message in (hashlib.sha256(blob).digest(), blob.hex().encode()):
        env = transaction_pb2.TransactionEnv(transaction=tx)
        env.signatures.add(public_key=ALICE.text, sign_data=ALICE.sign(message))
        assert judge(env.SerializeToString()) == Verdict.BAD_SIGNATURE
        with pytest.raises(InvalidSignature):
            LEDGER.transaction_sender(env.SerializeToString())


def test_short_sm2_scalars_are_padded_in_front(rng):
    """A short r or s that is written at the left of its half makes another number of it."""
    tx, wide = transfer(SAM), None
    for nonce in range(1, 3000):
        tx.nonce = nonce
        signature = SAM.sign(tx.SerializeToString())
        if signature[0] == 0 or signature[32] == 0:
            wide = signature
            break
    assert wide is not None
    env = transaction_pb2.TransactionEnv(transaction=tx)
    env.signatures.add(public_key=SAM.text, sign_data=wide)
    assert judge(env.SerializeToString()) == Verdict.VALID
    halves = wide[:32].lstrip(b"\0"), wide[32:].lstrip(b"\0")
    env.signatures[0].sign_data = b"".join(half.ljust(32, b"\0") for half in halves)
    for rules in RULES:
        assert judge(env.SerializeToString(), rules=rules) != Verdict.VALID


def test_wrong_lengths_of_signatures():
    env = transaction_pb2.TransactionEnv.FromString(seal(transfer(), [ALICE]))
    good = env.signatures[0].sign_data
    for data in (b"", good[:-1], good + b"\0", good * 2):
        env.signatures[0].sign_data = data
        for rules in RULES:
            assert judge(env.SerializeToString(), rules=rules) == Verdict.MALFORMED_SIGNATURE


def test_wrong_hash_name_is_refused():
    with pytest.raises(InputError, match="hash"):
        LEDGER.transaction_hash(seal(transfer(), [ALICE]), hash="sm3")
    for data in (b"", b"\xff", b"\x0a\x02ab\x10"):
        with pytest.raises(InputError, match="tx"):
            LEDGER.transaction_hash(data)


# ---- every field -----------------------------------------------------------------------------------------------------


def test_every_bit_of_an_envelope_matters():
    """Each flipped bit of a signed transaction is refused, or leaves the bytes that are signed as they are and is not
    as a writer puts it."""
    good = seal(transfer(), [ALICE])
    items = [good[:i] + bytes([good[i] ^ 1 << bit]) + good[i + 1 :] for i in range(len(good)) for bit in range(8)]
    for rules in RULES:
        verdicts = LEDGER.validate_transactions(items, {"rules": rules})
        passed = [items[i] for i in range(len(items)) if verdicts[i] == Verdict.VALID]
        for item in passed:  # the compatible rules take a key in upper case, and fields that nobody knows
            assert rules == "compatible"
            assert LEDGER.transaction_hash(item) == LEDGER.transaction_hash(good)
        if rules == "strict":
            assert not passed


def test_every_field_is_signed():
    """Each field of a transaction set to something else breaks its signature or its form."""
    tx = transfer(metadata=b"m", expr_condition="c", chain_id=3, address_prefix="p", raw_source_address=b"r")
    tx.domain_id = 2
    tx.ceil_ledger_seq = 9
    context = {"chain_id": 3, "domains": [2, 3]}
    env = transaction_pb2.TransactionEnv.FromString(seal(tx, [ALICE]))
    assert judge(env.SerializeToString(), **context) == Verdict.VALID
    fields = [one for one in transaction_pb2.Transaction.DESCRIPTOR.fields if one.name != "operations"]
    assert len(fields) == 11
    for one in fields:
        other = transaction_pb2.TransactionEnv.FromString(env.SerializeToString())
        value = getattr(other.transaction, one.name)
        more = {int: 1, str: "x", bytes: b"x"}[type(value)]
        setattr(other.transaction, one.name, value + more)
        verdict = judge(other.SerializeToString(), **context)
        assert verdict in (Verdict.BAD_SIGNATURE, Verdict.MALFORMED_ITEM), one.name
    for change in (
        lambda o: setattr(o, "type", 8), lambda o: setattr(o, "metadata", b"x"),
        lambda o: setattr(o, "source_address", BOB.address),
        lambda o: setattr(o.pay_coin, "amount", 6), lambda o: setattr(o.pay_coin, "dest_address", CAROL.address),
        lambda o: setattr(o.pay_coin, "input", "{}"), lambda o: o.ClearField("pay_coin"),
    ):  # fmt: skip
        other = transaction_pb2.TransactionEnv.FromString(env.SerializeToString())
        change(other.transaction.operations[0])
        assert judge(other.SerializeToString(), **context) == Verdict.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("change", "context", "detail"),
    [
        (lambda t: setattr(t, "nonce", 0), {}, "nonce 0"),
        (lambda t: setattr(t, "nonce", -1), {}, "nonce -1"),
        (lambda t: setattr(t, "fee_limit", -1), {}, "fee_limit -1"),
        (lambda t: setattr(t, "gas_price", -1), {}, "gas_price -1"),
        (lambda t: setattr(t, "ceil_ledger_seq", -1), {}, "ceil_ledger_seq -1"),
        (lambda t: setattr(t, "ceil_ledger_seq", 6), {"height": 7}, "ceil_ledger_seq 6, before block 7"),
        (lambda t: setattr(t, "chain_id", 4), {"chain_id": 3}, "chain_id 4, not 3"),
        (lambda t: setattr(t, "domain_id", 4), {"domains": [1]}, "domain_id 4"),
        (lambda t: t.ClearField("operations"), {}, "no operation"),
        (lambda t: setattr(t, "source_address", "did:bid:efabc"), {}, "source_address"),
        (lambda t: setattr(t, "source_address", ""), {}, "source_address"),
        (lambda t: setattr(t, "source_address", ALICE.address[8:]), {}, "source_address"),
    ],
)
def test_form(change, context, detail):
    from pycore.ledgers.bif import transactions
    from pycore.ledgers.scan import Spans

    tx = transfer()
    change(tx)
    item = seal(tx, [ALICE])
    for rules in RULES:
        known = BifContext(rules=rules, **context)
        found = transactions.judge(Spans.joined([item]), known, seq=known.height, chain_id=known.chain_id)
        assert Verdict(int(found.codes[0])) == Verdict.MALFORMED_ITEM
        assert detail in found.details[0]


def test_limits_of_signatures_and_operations():
    tx = transfer()
    many = seal(tx, [ALICE] * 101)
    assert judge(seal(tx, [ALICE] * 100)) == Verdict.VALID
    assert judge(many) == Verdict.MALFORMED_ITEM
    assert judge(seal(tx, [])) == Verdict.MALFORMED_ITEM
    for _ in range(999):
        tx.operations.add().CopyFrom(tx.operations[0])
    assert judge(seal(tx, [ALICE])) == Verdict.VALID
    tx.operations.add().CopyFrom(tx.operations[0])
    assert judge(seal(tx, [ALICE])) == Verdict.MALFORMED_ITEM
    large = transfer(metadata=b"\0" * (1 << 20))
    assert judge(seal(large, [ALICE])) == Verdict.MALFORMED_ITEM


def test_what_is_not_a_transaction():
    for item in (b"", b"\x0a", b"\xff" * 40, b"\x12\x00"):
        for rules in RULES:
            assert judge(item, rules=rules) == Verdict.MALFORMED_ITEM


def test_bytes_that_a_writer_would_not_put():
    """Strict: refused. Compatible: the bytes that a node would encode again are what is signed."""
    good = seal(transfer(), [ALICE])
    env = transaction_pb2.TransactionEnv.FromString(good)
    blob = env.transaction.SerializeToString()
    twisted = transaction_pb2.TransactionEnv(signatures=env.signatures).SerializeToString() + (
        b"\x0a" + bytes([len(blob) & 0x7F | 0x80, len(blob) >> 7]) + blob
    )
    assert judge(twisted) == Verdict.MALFORMED_ITEM
    assert judge(twisted, rules="compatible") == Verdict.VALID
    assert LEDGER.transaction_hash(twisted) == LEDGER.transaction_hash(good)


def test_addresses_in_other_letters():
    """Next to one of each kind, whose texts are read together."""
    strange = seal(make_transaction("did:bid:ef\u661f\u706b", 1, dest=BOB.address), [ALICE])
    items = [seal(transfer(), [ALICE]), strange, seal(transfer(SAM), [SAM])]
    verdicts = LEDGER.validate_transactions(items)
    assert [v.name for v in verdicts] == ["VALID", "MALFORMED_ITEM", "VALID"]


def test_trigger_is_for_transactions_of_contracts():
    env = transaction_pb2.TransactionEnv.FromString(seal(transfer(), [ALICE]))
    env.trigger.ledger_seq = 5
    assert judge(env.SerializeToString()) == Verdict.MALFORMED_ITEM
    assert judge(env.SerializeToString(), rules="compatible") == Verdict.VALID


# ---- which signatures count ------------------------------------------------------------------------------------------


def with_bad(good: list[Signer], bad: list[Signer]) -> bytes:
    """A transaction of Alice's with valid signatures, and after them some that do not hold."""
    env = transaction_pb2.TransactionEnv.FromString(seal(transfer(), [*good, *bad]))
    for one in env.signatures[len(good) :]:
        one.sign_data = one.sign_data[:40] + bytes([one.sign_data[40] ^ 1]) + one.sign_data[41:]
    return env.SerializeToString()


def test_strict_one_bad_signature_refuses_compatible_ignores_it():
    for bad in ([ALICE], [BOB], [SAM]):
        assert judge(with_bad([ALICE], bad)) == Verdict.BAD_SIGNATURE
        assert judge(with_bad([ALICE], bad), rules="compatible") == Verdict.VALID
    assert judge(with_bad([], [ALICE]), rules="compatible") == Verdict.BAD_SIGNATURE
    assert judge(with_bad([BOB], [ALICE]), rules="compatible") == Verdict.POLICY_NOT_MET
    env = transaction_pb2.TransactionEnv.FromString(seal(transfer(), [ALICE]))
    env.signatures.add(public_key="b0", sign_data=b"\0" * 64)
    assert judge(env.SerializeToString()) == Verdict.MALFORMED_KEY
    assert judge(env.SerializeToString(), rules="compatible") == Verdict.VALID


def test_somebody_elses_signature_is_not_the_accounts():
    for rules in RULES:
        assert judge(seal(transfer(), [BOB]), rules=rules) == Verdict.POLICY_NOT_MET
        assert judge(seal(transfer(), [SAM]), rules=rules) == Verdict.POLICY_NOT_MET
        assert judge(seal(transfer(), [BOB, ALICE]), rules=rules) == Verdict.VALID


def test_signer_weights_and_threshold():
    account = {"master_weight": 2, "threshold": 4, "signers": {BOB.address: 1, SAM.address: 2, CAROL.address: 1}}
    for signers, ok in (
        ([ALICE], False), ([ALICE, BOB], False), ([ALICE, SAM], True), ([ALICE, BOB, CAROL], True),
        ([BOB, CAROL, SAM], True), ([BOB, CAROL], False), ([SAM, SAM, SAM], False), ([ALICE, ALICE], False),
        ([ALICE, TIM, TIM], False),
    ):  # fmt: skip
        for rules in RULES:
            verdict = judge(seal(transfer(), signers), accounts={ALICE.address: account}, rules=rules)
            assert verdict == (Verdict.VALID if ok else Verdict.POLICY_NOT_MET), signers
    nobody = {"master_weight": 0, "threshold": 0, "signers": {}}
    assert judge(seal(transfer(), [ALICE]), accounts={ALICE.address: nobody}) == Verdict.POLICY_NOT_MET
    with_flaw = with_bad([ALICE, BOB], [SAM])
    assert judge(with_flaw, accounts={ALICE.address: account}, rules="compatible") == Verdict.POLICY_NOT_MET


def test_chain_code_in_front_of_an_address():
    """The key's address has none: the same account on a named ledger."""
    source = ALICE.address.replace("did:bid:", "did:bid:by01:")
    item = seal(make_transaction(source, 1, dest=BOB.address), [ALICE])
    for rules in RULES:
        assert judge(item, rules=rules) == Verdict.VALID
        assert judge(item, rules=rules, chain_code="by01") == Verdict.VALID
        assert judge(item, rules=rules, chain_code="by02") == Verdict.POLICY_NOT_MET
        assert judge(item, rules=rules, chain_code="") == Verdict.POLICY_NOT_MET


def test_ef_addresses_of_sm2_keys_under_compatible_alone():
    """BIF-Core-SDK-Go writes "ef" for SM2 keys where a chain code is given (read)."""
    source = SAM.address.replace("did:bid:zf", "did:bid:by01:ef")
    item = seal(make_transaction(source, 1, dest=BOB.address), [SAM])
    assert judge(item) == Verdict.POLICY_NOT_MET
    assert judge(item, rules="compatible") == Verdict.VALID
    bare = seal(make_transaction(SAM.address.replace("zf", "ef", 1), 1, dest=BOB.address), [SAM])
    assert judge(bare, rules="compatible") == Verdict.POLICY_NOT_MET


# ---- nonces ----------------------------------------------------------------------------------------------------------


def in_block(items: list[bytes], **context) -> list[Verdict]:
    """Verdicts of transactions as those of one block."""
    header = ledger_pb2.LedgerHeader(seq=7, hash=bytes(32)).SerializeToString()
    value = ledger_pb2.ConsensusValue()
    for item in items:
        value.txset.txs.add().ParseFromString(item)
    block = ledger_pb2.LedgerBundle(header=header, consensus_value=value.SerializeToString())
    return list(LEDGER.validate_block(block.SerializeToString(), context).transactions)


def test_nonces_follow_each_other():
    def codes(given, **context):
        items = seal_all([transfer(nonce=n) for n in given], [[ALICE]] * len(given))
        return [v == Verdict.VALID for v in in_block(items, **context)]

    assert codes([5, 6, 7]) == [True] * 3
    assert codes([5, 5, 6]) == [True, False, True]
    assert codes([5, 7, 6]) == [True, False, True]
    assert codes([5, 4, 6, 7]) == [True, False, True, True]
    known = {"nonces": {ALICE.address: 4}}
    assert codes([5, 6], **known) == [True, True]
    assert codes([6, 5, 6], **known) == [False, True, True]
    assert codes([4], **known) == [False]


def test_nonces_of_accounts_and_domains_are_apart():
    txs = [transfer(), transfer(BOB), transfer(domain_id=2), transfer(nonce=2), transfer(SAM, nonce=9)]
    items = seal_all(txs, [[ALICE], [BOB], [ALICE], [ALICE], [SAM]])
    assert set(in_block(items, nonces={ALICE.address: 0}, domains=[2])) == {Verdict.VALID}


def test_invalid_transactions_use_up_no_nonce():
    items = [seal(transfer(nonce=1), [BOB]), seal(transfer(nonce=1), [ALICE]), seal(transfer(nonce=2), [ALICE])]
    verdicts = in_block(items, nonces={ALICE.address: 0})
    assert [v.name for v in verdicts] == ["POLICY_NOT_MET", "VALID", "VALID"]


def test_nonces_outside_a_block_are_above_the_accounts():
    """Each by itself: others may come before it."""
    items = seal_all([transfer(nonce=n) for n in (4, 9, 5, 5)], [[ALICE]] * 4)
    verdicts = LEDGER.validate_transactions(items, {"nonces": {ALICE.address: 4}})
    assert [v == Verdict.VALID for v in verdicts] == [False, True, True, True]


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_a_batch_verdict_equals_the_single_verdict(rng):
    good = seal_all([transfer(one) for one in (ALICE, BOB, SAM, TIM)], [[ALICE], [BOB], [SAM], [TIM]])
    items = list(good)
    for _ in range(120):
        data = bytearray(rng.choice(good))
        for _ in range(rng.choice((1, 1, 3))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        items.append(bytes(data[: rng.choice((len(data), rng.randrange(len(data))))]))
    rng.shuffle(items)
    for rules in RULES:
        context = BifContext(rules=rules, other_accounts="single")
        together = LEDGER.validate_transactions(items, context, threads=2)
        assert list(together) == [LEDGER.validate_transactions([item], context)[0] for item in items]
    assert len(LEDGER.validate_transactions([])) == 0


def test_another_chains_data_is_refused():
    from pycore.testing import generate_ledger

    block = bytes(generate_ledger(blocks=1, txs_per_block=1).blocks[0])
    for rules in RULES:
        assert judge(block, rules=rules) == Verdict.MALFORMED_ITEM
    with pytest.raises(InputError, match="block"):
        LEDGER.validate_block(block)
    assert pycore.ledgers.get("bif").name == "bif"
