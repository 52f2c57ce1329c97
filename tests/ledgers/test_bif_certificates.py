"""Proofs of Xinghuo's blocks: every condition of PBFT's and XBFT's, quorums, timeouts, both rule sets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from pycore import InputError, ledgers
from pycore._pb.ledgers.bif.v1 import consensus_pb2, ledger_pb2
from pycore.ledgers.bif import BifContext, certificate, headers, xbft
from pycore.testing.bif import (
    BifLedger,
    make_pbft_proof,
    make_signers,
    make_timeout_certificate,
    make_xbft_proof,
    quorum,
)

LEDGER = ledgers.get("bif")
VALUE = b"a consensus value"
DIGEST = hashlib.sha256(VALUE).digest()
SEQ = 9
FOUR = make_signers("ed25519", 3, seed=5) + make_signers("sm2", 1, seed=5)
STRANGER = make_signers("ed25519", 4, seed=5)[3]
RULES = ("strict", "compatible")


def context(rules: str = "strict", validators: Any = FOUR, **fields: Any) -> BifContext:
    return BifContext(rules=rules, validators=[one.address for one in validators], **fields)


def pbft(proof: bytes, rules: str = "strict", *, validators: Any = FOUR, seq: int = SEQ, chain_id: int = 0):
    known = context(rules, validators)
    return certificate.judge_pbft(proof, DIGEST, seq, chain_id, known.validators, known)


def voted(*places: int, **fields: Any) -> bytes:
    return make_pbft_proof(DIGEST, SEQ, [(i, FOUR[i]) for i in places], **fields)


# ---- PBFT ------------------------------------------------------------------------------------------------------------


def test_quorum_is_n_less_a_third():
    """1, 2, 2, 3, 4, 4, 5, 6, 6 of 1 to 9."""
    assert [certificate.QUORUM.needed(n) for n in range(1, 10)] == [1, 2, 2, 3, 4, 4, 5, 6, 6]
    assert all(certificate.QUORUM.needed(n) == n - n // 3 == quorum(n) for n in range(1, 500))
    assert certificate.QUORUM.needed(0) == 1


@pytest.mark.parametrize("count", range(1, 8))
def test_pbft_needs_a_quorum(count):
    voters = make_signers("ed25519", count, seed=6)
    for votes in range(count + 1):
        proof = make_pbft_proof(DIGEST, SEQ, list(enumerate(voters))[:votes])
        for rules in RULES:
            outcome = pbft(proof, rules, validators=voters)
            assert outcome.decision.reached == (votes >= count - count // 3)
            assert outcome.decision.got == votes


def test_pbft_signed_bytes_are_the_message():
    """Field by field: round, type, commit{view, sequence, replica, digest}."""
    env = consensus_pb2.PbftProof.FromString(voted(2, view=3)).commits[0]
    wanted = b"\x08\x01\x10\x02\x2a\x28\x08\x03\x10\x09\x18\x02\x22\x20" + DIGEST
    assert env.pbft.SerializeToString() == wanted
    assert FOUR[2].sign(wanted) == env.signature.sign_data


def changed(change: Callable[[Any], Any], places: tuple[int, ...] = (0, 1, 2, 3)) -> bytes:
    """A proof whose first commit is changed, and signed again as it then is."""
    proof = consensus_pb2.PbftProof.FromString(voted(*places))
    env = proof.commits[0]
    change(env.pbft)
    env.signature.sign_data = FOUR[0].sign(env.pbft.SerializeToString())
    return proof.SerializeToString()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("chain_id", lambda p: setattr(p, "chain_id", 1)),
        ("replica_id", lambda p: setattr(p.commit, "replica_id", 1)),
        ("replica_id", lambda p: setattr(p.commit, "replica_id", -1)),
        ("type", lambda p: setattr(p, "type", 1)),
        ("type", lambda p: p.ClearField("commit")),
        ("value_digest", lambda p: setattr(p.commit, "value_digest", b"\1" * 32)),
        ("value_digest", lambda p: setattr(p.commit, "value_digest", DIGEST[:-1])),
    ],
)
def test_pbft_any_commit_that_is_otherwise_refuses(name, change):
    """Although the other three would be enough."""
    for rules in RULES:
        outcome = pbft(changed(change), rules)
        assert not outcome.decision.reached
        assert outcome.objection.startswith(f"commit 0: {name}")


def test_pbft_bad_signatures_strangers_and_repeats_refuse():
    proof = consensus_pb2.PbftProof.FromString(voted(0, 1, 2, 3))
    proof.commits[3].signature.sign_data = proof.commits[2].signature.sign_data
    stranger = make_pbft_proof(DIGEST, SEQ, [(0, FOUR[0]), (1, FOUR[1]), (2, FOUR[2]), (3, STRANGER)])
    key = consensus_pb2.PbftProof.FromString(voted(0, 1, 2, 3))
    key.commits[3].signature.public_key = "b06566"
    cases = {
        "signature": proof.SerializeToString(),
        "not signed by a validator": stranger,
        "by one voter": voted(0, 1, 2, 2),
        "not signed by": key.SerializeToString(),
    }
    for said, data in cases.items():
        for rules in RULES:
            outcome = pbft(data, rules)
            assert not outcome.decision.reached
            assert said in outcome.objection
            assert outcome.signers == ()


def test_pbft_sequence_and_view_under_strict():
    """The chain's code compares neither with the block."""
    other_height = make_pbft_proof(DIGEST, SEQ + 1, [(i, FOUR[i]) for i in range(3)])
    assert pbft(other_height).objection.startswith("commit 0: sequence 10")
    assert pbft(other_height, "compatible").decision.reached
    mixed = consensus_pb2.PbftProof.FromString(voted(0, 1, view=2))
    mixed.commits.add().CopyFrom(consensus_pb2.PbftProof.FromString(voted(2, view=1)).commits[0])
    assert pbft(mixed.SerializeToString()).objection == "commit 2: view_number 1, another one is 2"
    assert pbft(mixed.SerializeToString(), "compatible").decision.reached


def test_pbft_bytes_that_no_signature_covers():
    """Strict takes one form of a proof."""
    good = voted(0, 1, 2)
    first = consensus_pb2.PbftProof.FromString(good).commits[0].SerializeToString()
    low = len(first) & 0x7F | 0x80
    padded = good.replace(bytes([0x0A, low, 1]), bytes([0x0A, low, 0x81, 0]), 1)  # a length of three bytes
    upper = consensus_pb2.PbftProof.FromString(good)
    upper.commits[1].signature.public_key = upper.commits[1].signature.public_key.upper()
    for data in (good + b"\x10\x01", padded, upper.SerializeToString()):
        assert data != good
        assert not pbft(data).decision.reached
        assert pbft(data, "compatible").decision.reached


def test_pbft_every_bit_of_a_proof_matters():
    """Under strict; also of commits beyond a quorum."""
    good = voted(0, 1, 2, 3)
    known = context()
    for at in range(len(good)):
        data = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
        assert not certificate.judge_pbft(data, DIGEST, SEQ, 0, known.validators, known).decision.reached


def test_pbft_what_is_no_proof():
    for data in (b"", b"\xff", b"\x0a\x05abcde", bytes(100)):
        for rules in RULES:
            assert not pbft(data, rules).decision.reached
    for rules in RULES:
        assert not pbft(voted(0, 1, 2), rules, validators=[]).decision.reached


def test_too_many_votes_are_counted_before_they_are_built():
    many = b"\x0a\x00" * 4097
    assert "4097 commits" in pbft(many).objection
    assert "at most" in pbft(bytes(5 << 20)).objection
    signatures = b"\x12\x00" * 4097
    size = bytes([len(signatures) & 0x7F | 0x80, len(signatures) >> 7])
    assert "4097 signatures" in judge_xbft(b"\x12" + size + signatures).objection
    inside = b"\x2a" + size + signatures
    node = b"\x0a" + bytes([len(inside) & 0x7F | 0x80, len(inside) >> 7]) + inside
    assert "4097 signatures" in judge_xbft(node).objection
    for data in (b"\x1a\x00" * 4097, b"\x12" + bytes([0x81, 0x60]) + bytes(0x3001)):
        with pytest.raises(InputError, match="at most 4096"):
            xbft.verify_timeout_certificate(data, context())


# ---- XBFT ------------------------------------------------------------------------------------------------------------


def judge_xbft(proof: bytes, rules: str = "strict", value: bytes | None = VALUE, validators: Any = FOUR):
    known = context(rules, validators)
    return xbft.judge_xbft(proof, DIGEST, SEQ, known.validators, known, value)


def test_xbft_vote_is_over_the_serialised_content():
    proof = consensus_pb2.XbftProof.FromString(make_xbft_proof(VALUE, SEQ, FOUR[:3], view=4))
    node = b"\x12" + bytes([len(VALUE)]) + VALUE + b"\x18\x04\x20\x09"
    wanted = b"\x0a\x20" + DIGEST + b"\x12\x20" + hashlib.sha256(node).digest() + b"\x18\x04\x20\x09"
    assert proof.qc.qc_content.SerializeToString() == wanted
    assert FOUR[1].sign(wanted) == proof.qc.signatures[1].sign_data
    assert proof.node.node_value == b""


@pytest.mark.parametrize("count", range(1, 8))
def test_xbft_needs_a_quorum(count):
    voters = make_signers("ed25519", count, seed=6)
    for votes in range(count + 1):
        for rules in RULES:
            outcome = judge_xbft(make_xbft_proof(VALUE, SEQ, voters[:votes]), rules, validators=voters)
            assert outcome.decision.reached == (votes >= count - count // 3)


def test_xbft_compatible_passes_over_what_does_not_count():
    """Strangers, repeats, bad signatures: strict refuses the proof, the engine counts the rest."""
    proof = consensus_pb2.XbftProof.FromString(make_xbft_proof(VALUE, SEQ, FOUR))
    proof.qc.signatures[3].sign_data = proof.qc.signatures[2].sign_data
    for data in (
        proof.SerializeToString(),
        make_xbft_proof(VALUE, SEQ, [*FOUR[:3], STRANGER]),
        make_xbft_proof(VALUE, SEQ, [*FOUR[:3], FOUR[0]]),
    ):
        assert not judge_xbft(data).decision.reached
        outcome = judge_xbft(data, "compatible")
        assert outcome.decision.reached
        assert outcome.decision.got == 3
    assert not judge_xbft(make_xbft_proof(VALUE, SEQ, [FOUR[0]] * 4), "compatible").decision.reached


def test_xbft_node_agrees_with_the_vote_under_strict():
    good = make_xbft_proof(VALUE, SEQ, FOUR[:3], parent=b"\7" * 32)
    assert judge_xbft(good).decision.reached
    for change in (
        lambda p: setattr(p.node, "sequence", SEQ + 1),
        lambda p: setattr(p.node, "view_number", 7),
        lambda p: setattr(p.node, "parent_node_hash", b"\6" * 32),
        lambda p: setattr(p.node, "node_value", VALUE),
        lambda p: setattr(p.node.previous_qc.qc_content, "sequence", 1),
    ):
        proof = consensus_pb2.XbftProof.FromString(good)
        change(proof)
        data = proof.SerializeToString()
        assert not judge_xbft(data).decision.reached
        assert judge_xbft(data, "compatible").decision.reached
    for rules in RULES:
        other = make_xbft_proof(VALUE + b"x", SEQ, FOUR[:3])
        assert "node_value_hash" in judge_xbft(other, rules).objection
    assert judge_xbft(make_xbft_proof(VALUE, SEQ + 1, FOUR[:3])).objection.startswith("sequence")


def test_xbft_every_bit_of_a_proof_matters():
    good = make_xbft_proof(VALUE, SEQ, FOUR, parent=b"\7" * 32)
    known = context()
    for at in range(len(good)):
        data = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
        assert not xbft.judge_xbft(data, DIGEST, SEQ, known.validators, known, VALUE).decision.reached


def test_xbft_without_validators_is_no_quorum():
    """The engine accepts anything then."""
    for rules in RULES:
        assert not judge_xbft(make_xbft_proof(VALUE, SEQ, FOUR), rules, validators=[]).decision.reached


def test_xbft_signature_as_text_is_none():
    proof = consensus_pb2.XbftProof.FromString(make_xbft_proof(VALUE, SEQ, FOUR[:3]))
    proof.qc.signatures[0].sign_data_str = "x" * 64
    for rules in RULES:
        assert not judge_xbft(proof.SerializeToString(), rules).decision.reached


# ---- timeouts --------------------------------------------------------------------------------------------------------


def test_timeout_signs_both_numbers_or_what_a_c_string_leaves():
    """View 1 signs "01" alone under compatible, as the engine is read to do."""
    assert xbft.timeout_message(1, 9, strict=False) == b"\1"
    assert xbft.timeout_message(256, 9, strict=False) == b""
    assert xbft.timeout_message(1, 9, strict=True) == b"\1" + bytes(7) + b"\x09" + bytes(7)
    full = (1 << 63) - 1 - 0x0101
    assert xbft.timeout_message(full, full, strict=False) is None
    votes = [(7, FOUR[0]), (8, FOUR[1]), (7, FOUR[2])]
    whole, cut = make_timeout_certificate(1, votes), make_timeout_certificate(1, votes, whole=False)
    for data, rules, ok in ((whole, "strict", True), (cut, "strict", False), (cut, "compatible", True)):
        report = xbft.verify_timeout_certificate(data, context(rules))
        assert report.check("quorum").ok is ok
        assert {check.certainty for check in report} == {"read"}
    assert xbft.verify_timeout_certificate(whole, context("compatible")).check("quorum").ok is False


def test_timeout_faults():
    votes = [(7, FOUR[0]), (8, FOUR[1]), (7, FOUR[2])]
    good = make_timeout_certificate(300, votes)
    assert xbft.verify_timeout_certificate(good, context()).valid
    other = consensus_pb2.XbftTc.FromString(good)
    other.high_qc_view_number.append(3)
    few = make_timeout_certificate(300, votes[:2])
    twice = make_timeout_certificate(300, [*votes, votes[0]])
    changed_view = consensus_pb2.XbftTc.FromString(good)
    changed_view.high_qc_view_number[1] = 9
    for data in (other.SerializeToString(), few, twice, changed_view.SerializeToString(), b""):
        assert not xbft.verify_timeout_certificate(data, context()).valid


# ---- the ledger's calls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("consensus", ["pbft", "xbft"])
def test_verify_certificate(consensus):
    made = BifLedger(blocks=2, transactions=1, consensus=consensus, seed=3)
    report = LEDGER.verify_certificate(made.blocks[0], made.context_for(0))
    assert report.valid
    assert report.complete
    assert [check.name for check in report] == ["certificate", "quorum"]
    assert {check.certainty for check in report} == {"read"}
    assert (report.check("quorum").got, report.check("quorum").wanted) == (3, 3)
    bare = LEDGER.verify_certificate(made.bare[0], made.context_for(0))
    assert bare.valid
    assert not bare.complete
    assert "comes with the next one" in bare.check("quorum").detail
    unknown = LEDGER.verify_certificate(made.blocks[0], {})
    assert not unknown.complete
    swapped = ledger_pb2.LedgerBundle.FromString(made.blocks[1])
    swapped.next_proof = made.proofs[0]
    assert not LEDGER.verify_certificate(swapped.SerializeToString(), made.context_for(1)).valid
    other = "xbft" if consensus == "pbft" else "pbft"
    assert not LEDGER.verify_certificate(made.blocks[0], made.context_for(0).replace(consensus=other)).valid


def test_validators_hash_is_of_their_addresses_in_order():
    made = BifLedger(blocks=1, transactions=1)
    addresses = [one.address for one in made.validators[0]]
    inner = [b"\x0a" + bytes([len(a)]) + a.encode() for a in addresses]
    whole = b"".join(b"\x0a" + bytes([len(one)]) + one for one in inner)
    assert made.headers[0].validators_hash == hashlib.sha256(whole).digest()
    assert headers.validators_hash([(a, 0) for a in reversed(addresses)]) != made.headers[0].validators_hash
    pledged = b"\x0a" + bytes([len(inner[0]) + 2]) + inner[0] + b"\x10\x05"
    assert headers.validators_hash([(addresses[0], 5)]) == hashlib.sha256(pledged).digest()


def test_fees_hash_rule():
    assert headers.fees_hash(1000, 10) == hashlib.sha256(b"\x08\xe8\x07\x10\x0a").digest()
    assert headers.fees_hash() == hashlib.sha256(b"").digest()
