"""Fabric's transactions: every validation code, endorsements and their policies, and unusual envelopes."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fabric_slow
import pytest
from fabric_parts import (
    CHANNEL,
    ENTRIES,
    LEDGER,
    RULES,
    Parts,
    block_of,
    parts,
    report_of,
)

from pycore._pb.ledgers.fabric.v1 import block_pb2, configuration_pb2, membership_pb2, transaction_pb2
from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fabric.codes import Code
from pycore.ledgers.fabric.plans import MAX_ENDORSEMENTS, MAX_NAMESPACES
from pycore.testing.fabric import FabricChannel, role_principal, signature_policy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fuzz"))

import fuzz_fabric_block

# ---- transactions: each code -----------------------------------------------------------------------------------------


def set_to(place: str, value: Any) -> Callable[[Parts], None]:
    def change(one: Parts) -> None:
        *path, last = place.split(".")
        target: Any = one
        for step in path:
            target = getattr(target, step)
        setattr(target, last, value)

    return change


def clear(place: str) -> Callable[[Parts], None]:
    def change(one: Parts) -> None:
        *path, last = place.split(".")
        target: Any = one
        for step in path:
            target = getattr(target, step)
        target.ClearField(last)

    return change


def repeat_namespace(one: Parts) -> None:
    sets = transaction_pb2.TxReadWriteSet.FromString(one.action.results)
    sets.ns_rwset.add(namespace=sets.ns_rwset[0].namespace)
    one.action.results = sets.SerializeToString()


def two_actions(one: Parts) -> None:
    one.body.actions.add()


def broken_set(one: Parts) -> None:
    sets = transaction_pb2.TxReadWriteSet()
    sets.ns_rwset.add(namespace="ledger", rwset=b"\xff")
    one.action.results = sets.SerializeToString()


def broken_collection(one: Parts) -> None:
    sets = transaction_pb2.TxReadWriteSet()
    sets.ns_rwset.add(namespace="ledger").collection_hashed_rwset.add(collection_name="c", hashed_rwset=b"\xff")
    one.action.results = sets.SerializeToString()


def other_event(one: Parts) -> None:
    one.action.events = transaction_pb2.ChaincodeEvent(chaincode_id="other").SerializeToString()


def action_without(name: str) -> Callable[[Parts], None]:
    def change(one: Parts) -> None:
        head = block_pb2.SignatureHeader.FromString(one.body.actions[0].header)
        head.ClearField(name)
        one.body.actions[0].header = head.SerializeToString()

    return change


def empty_event(one: Parts) -> None:
    """An event of no bytes counts as no event, though it is written."""
    one.response.extension, one.action = one.action.SerializeToString() + b"\x12\x00", None


def action_bytes(data: bytes) -> Callable[[Parts], None]:
    def change(one: Parts) -> None:
        one.response.extension, one.action = data, None

    return change


CASES: dict[str, tuple[Callable[[Parts], None], Code]] = {
    "payload that is none": (set_to("payload_bytes", b"\xff"), Code.BAD_PAYLOAD),
    "payload without a header": (set_to("payload_bytes", b"\x12\x01a"), Code.BAD_COMMON_HEADER),
    "an epoch": (set_to("channel.epoch", 1), Code.BAD_COMMON_HEADER),
    "an unknown type": (set_to("channel.type", 4), Code.BAD_COMMON_HEADER),
    "type 0": (set_to("channel.type", 0), Code.BAD_COMMON_HEADER),
    "no nonce": (clear("signer.nonce"), Code.BAD_COMMON_HEADER),
    "no creator": (clear("signer.creator"), Code.BAD_COMMON_HEADER),
    "a creator that is nobody": (set_to("signer.creator", b"\x0a\x01x"), Code.BAD_CREATOR_SIGNATURE),
    "another id": (set_to("channel.tx_id", "0" * 64), Code.BAD_PROPOSAL_TXID),
    "an id in capitals": (lambda one: setattr(one.channel, "tx_id", one.channel.tx_id.upper()), Code.BAD_PROPOSAL_TXID),
    "no id": (clear("channel.tx_id"), Code.BAD_PROPOSAL_TXID),
    "a configuration update": (set_to("channel.type", 2), Code.UNSUPPORTED_TX_PAYLOAD),
    "two actions": (two_actions, Code.INVALID_ENDORSER_TRANSACTION),
    "no actions": (clear("body.actions"), Code.INVALID_ENDORSER_TRANSACTION),
    "an action without nonce": (action_without("nonce"), Code.INVALID_ENDORSER_TRANSACTION),
    "an action without creator": (action_without("creator"), Code.INVALID_ENDORSER_TRANSACTION),
    "no proposal": (set_to("inner.chaincode_proposal_payload", b""), Code.INVALID_ENDORSER_TRANSACTION),
    "another channel": (set_to("channel.channel_id", "other"), Code.TARGET_CHAIN_NOT_FOUND),
    "an extension that is none": (set_to("channel.extension", b"\xff"), Code.BAD_HEADER_EXTENSION),
    "no chaincode in the extension": (set_to("channel.extension", b""), Code.INVALID_OTHER_REASON),
    "an action that is none": (action_bytes(b"\xff"), Code.BAD_RESPONSE_PAYLOAD),
    "no action": (action_bytes(b""), Code.BAD_RESPONSE_PAYLOAD),
    "no chaincode in the action": (clear("action.chaincode_id"), Code.INVALID_OTHER_REASON),
    "another chaincode": (set_to("action.chaincode_id.name", "other"), Code.INVALID_CHAINCODE),
    "no version": (clear("action.chaincode_id.version"), Code.INVALID_CHAINCODE),
    "results that are none": (set_to("action.results", b"\xff"), Code.BAD_RWSET),
    "a set that is none": (broken_set, Code.BAD_RWSET),
    "a collection that is none": (broken_collection, Code.BAD_RWSET),
    "an event that is none": (set_to("action.events", b"\xff"), Code.INVALID_OTHER_REASON),
    "an event of another chaincode": (other_event, Code.INVALID_OTHER_REASON),
    "a namespace twice": (repeat_namespace, Code.ILLEGAL_WRITESET),
}


@pytest.mark.parametrize("rules", RULES)
def test_every_code(rules):
    entries, wanted = [], []
    for name, (change, code) in CASES.items():
        one = parts()
        # The id of another nonce, so that no two are duplicates; a new proposal hash for it.
        one.signer.nonce = name.encode()
        one.channel.tx_id = hash_one("sha256", one.signer.nonce + one.signer.creator).hex()
        one.body.actions[0].header = one.signer.SerializeToString()
        change(one)
        entries.append(one.envelope())
        wanted.append(code)
    report = report_of(block_of([ENTRIES[0], *entries], codes=bytes([0, *wanted])), rules=rules, release="2")
    found = dict(zip(CASES, map(Code, report.codes[1:]), strict=True))
    assert found == {name: code for name, (_, code) in CASES.items()}
    assert report.valid, report.failed
    assert [i for i, verdict in enumerate(report.transactions) if verdict is Verdict.VALID] == [0]
    assert len(report.faults) == len(CASES)


def test_nothing_wrong_passes_through_the_same_hands():
    assert report_of(block_of([parts().envelope()])).transactions.all_valid
    one = parts()
    empty_event(one)
    assert report_of(block_of([one.envelope()])).transactions.all_valid


def test_an_entry_that_is_no_envelope():
    report = report_of(block_of([b"\xff", *ENTRIES], codes=b""), release="2")
    assert list(report.codes) == [Code.INVALID_OTHER_REASON, 0, 0, 0, 0]


def test_a_proposal_hash_of_something_else():
    one = parts()
    one.rehash = False
    one.response.proposal_hash = b"\0" * 32
    report = report_of(block_of([one.envelope()], codes=b""))
    assert list(report.codes) == [Code.INVALID_ENDORSER_TRANSACTION]
    assert report.transactions[0] is Verdict.BAD_DIGEST


def creators_verdict(entry: bytes, rules: str) -> tuple[int, Verdict]:
    report = report_of(block_of([entry], codes=b""), rules=rules, release="2")
    return report.codes[0], report.transactions[0]


def test_the_creators_signature():
    envelope = block_pb2.Envelope.FromString(ENTRIES[0])

    def with_signature(signature: bytes) -> bytes:
        return block_pb2.Envelope(payload=envelope.payload, signature=signature).SerializeToString()

    from pycore.identities.collector import parse_der_scalars
    from pycore.testing._sign import der_signature

    order = CHANNEL.suite.order
    r, s = parse_der_scalars(envelope.signature)
    high = der_signature(r.to_bytes(32, "big") + (order - s).to_bytes(32, "big"))
    bad = Code.BAD_CREATOR_SIGNATURE
    for rules in RULES:
        assert creators_verdict(with_signature(high), rules) == (bad, Verdict.HIGH_S)
        assert creators_verdict(with_signature(b"1"), rules) == (bad, Verdict.MALFORMED_SIGNATURE)
        flipped = envelope.payload[:-1] + bytes([envelope.payload[-1] ^ 1])
        changed = block_pb2.Envelope(payload=flipped, signature=envelope.signature).SerializeToString()
        assert creators_verdict(changed, rules)[0] in (bad, Code.BAD_PAYLOAD)


def test_der_as_go_reads_it():
    envelope = block_pb2.Envelope.FromString(ENTRIES[0])
    lax = block_pb2.Envelope(payload=envelope.payload, signature=envelope.signature + b"\0").SerializeToString()
    assert creators_verdict(lax, "compatible") == (Code.VALID, Verdict.VALID)
    assert creators_verdict(lax, "strict")[0] == Code.BAD_CREATOR_SIGNATURE


def test_a_creators_fault_comes_before_those_of_the_content():
    """Content is judged while signatures are verified: what counts is not what is found first."""
    one = parts()
    one.rehash = False
    one.response.proposal_hash = bytes(32)
    held = block_pb2.Envelope.FromString(one.envelope())
    assert LEDGER.validate_transactions([held.SerializeToString()], CHANNEL.context())[0] is Verdict.BAD_DIGEST
    held.signature = CHANNEL.sign([CHANNEL.clients[0]], [b"another message"])[0]
    report = report_of(block_of([held.SerializeToString()], codes=b""))
    assert list(report.codes) == [Code.BAD_CREATOR_SIGNATURE]
    assert report.transactions[0] is Verdict.BAD_SIGNATURE
    assert "the creator" in report.faults[0].detail


def test_threads_do_not_change_a_report():
    entries = CHANNEL.transactions(1, 90)
    broken = block_pb2.Envelope.FromString(entries[40])
    broken.signature = broken.signature[:-1]
    entries[40] = broken.SerializeToString()
    block = block_of([*entries, entries[0]], codes=b"")
    assert len(block) > 1 << 17
    context = CHANNEL.context(1, CHANNEL.genesis_hash)
    alone, together = (LEDGER.validate_block(block, context, threads=threads) for threads in (1, 3))
    assert alone.to_dict() | {"timings": None} == together.to_dict() | {"timings": None}
    assert [fault.index for fault in alone.faults] == [40, 90]


def test_a_creator_who_is_not_valid():
    draft = CHANNEL.drafts(1, 1)[0]
    draft.creator = CHANNEL.people["ca.Org1MSP"]
    report = report_of(block_of(CHANNEL.envelopes([draft]), codes=b""))
    assert list(report.codes) == [Code.BAD_CREATOR_SIGNATURE]
    assert report.transactions[0] is Verdict.BAD_CERTIFICATE


def test_members_of_an_msp_that_is_not_read_are_not_judged():
    """Idemix: Fabric may know them."""
    made = block_pb2.Block.FromString(CHANNEL.genesis)
    envelope = block_pb2.Envelope.FromString(made.data.data[0])
    payload = block_pb2.Payload.FromString(envelope.payload)
    config = configuration_pb2.ConfigEnvelope.FromString(payload.data)
    inner = membership_pb2.FabricMSPConfig(name="IdemixMSP").SerializeToString()
    value = membership_pb2.MSPConfig(type=1, config=inner).SerializeToString()
    application = config.config.channel_group.groups["Application"]
    application.groups["IdemixMSP"].values["MSP"].value = value
    payload.data = config.SerializeToString()
    made.data.data[0] = block_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()
    one = parts()
    one.signer.creator = membership_pb2.SerializedIdentity(mspid="IdemixMSP", id_bytes=b"1").SerializeToString()
    one.channel.tx_id = hash_one("sha256", one.signer.nonce + one.signer.creator).hex()
    block = block_of([one.envelope(), *ENTRIES])
    report = report_of(block, config_block=made.SerializeToString())
    assert list(report.codes) == [Code.NOT_VALIDATED, 0, 0, 0, 0]
    assert report.transactions[0] is Verdict.UNSUPPORTED_ALGORITHM
    assert report.check("transactions").ok is None
    assert report.check("validation_codes").ok is None


def test_too_many_signatures_on_rare_curves_are_not_judged(monkeypatch):
    from pycore.identities import collector

    def refuse(batch: Any) -> Any:
        raise InputError("signatures", "5000", "at most 1024")

    monkeypatch.setattr(collector.SignatureBatch, "start", refuse)
    found = LEDGER.validate_transactions(ENTRIES, CHANNEL.context())
    assert {verdict.name for verdict in found} == {"UNCHECKED"}


def test_duplicates_count_among_valid_ones_only():
    broken = block_pb2.Envelope.FromString(ENTRIES[0])
    broken.signature = b"1"
    entries = [broken.SerializeToString(), ENTRIES[0], ENTRIES[0]]
    report = report_of(block_of(entries, codes=b""))
    assert list(report.codes) == [Code.BAD_CREATOR_SIGNATURE, Code.VALID, Code.DUPLICATE_TXID]


def test_an_id_behind_one_that_could_not_be_judged():
    """The first may be valid or not: only the state says whether the second is a duplicate."""
    first, second = (parts() for _ in range(2))
    first.action.results = transaction_pb2.TxReadWriteSet(
        ns_rwset=[{"namespace": "other", "rwset": b"\x1a\x03\x0a\x01k"}]
    ).SerializeToString()
    entries = [first.envelope(), second.envelope()]
    unknown = {"policies": {"other": "state"}}
    report = report_of(block_of(entries, codes=bytes([10, 0])), **unknown)
    assert list(report.codes) == [Code.NOT_VALIDATED, Code.NOT_VALIDATED]
    assert report.valid, report.failed
    third = parts().envelope()
    codes = report_of(block_of([*entries, ENTRIES[1], third, ENTRIES[1]], codes=b""), **unknown).codes
    unjudged = Code.NOT_VALIDATED
    assert list(codes) == [unjudged, unjudged, Code.VALID, unjudged, Code.DUPLICATE_TXID]


def test_codes_of_a_peer_behind_an_id():
    """Of a first one that the state made invalid, and of one with a conflict, which is found later."""
    entries = [parts().envelope(), parts().envelope()]
    for written, good in (((0, 9), True), ((0, 0), False), ((25, 0), True), ((25, 9), True), ((11, 0), False)):
        report = report_of(block_of(entries, codes=bytes(written)))
        assert list(report.codes) == [Code.VALID, Code.DUPLICATE_TXID]
        assert (report.check("validation_codes").ok is True) == good, written


def test_the_first_transaction_is_one_of_the_channel():
    other = parts()
    other.channel.channel_id = "other"
    other = other.envelope()
    for entries, good in (([ENTRIES[0], other], True), ([other, ENTRIES[0]], False)):
        # Peers look for the creator in the other channel, and mostly find nobody.
        codes = bytes(0 if entry == ENTRIES[0] else 4 for entry in entries)
        for changes, asked in (
            ({}, True),
            ({"release": "2", "rules": "compatible"}, True),
            ({"rules": "compatible"}, False),
        ):
            report = report_of(block_of(entries, codes=codes), **changes)
            assert report.valid == (good or not asked), report.failed
    other = parts()
    other.channel.channel_id, other.channel.tx_id = "other", "0"
    block = block_of([ENTRIES[0], other.envelope()], codes=bytes([0, 4]))  # the id comes after the creator
    assert report_of(block).valid
    other = parts()
    other.payload_bytes = b"\xff"
    report = report_of(block_of([other.envelope()], codes=bytes([2])))
    assert [check.name for check in report.failed] == ["channel_id"]


# ---- endorsements ----------------------------------------------------------------------------------------------------


def codes_of(drafts: list[Any], **changes: Any) -> list[int]:
    return list(report_of(block_of(CHANNEL.envelopes(drafts), codes=b""), **changes).codes)


def test_endorsement_policies():
    first, second = CHANNEL.drafts(1, 2)
    first.endorsers = [CHANNEL.people["peer0.Org1MSP"]]
    second.endorsers = [CHANNEL.people["peer0.Org2MSP"], CHANNEL.people["peer1.Org1MSP"]]
    bad = Code.ENDORSEMENT_POLICY_FAILURE
    assert codes_of([first, second]) == [bad, Code.VALID]
    first.endorsers = [CHANNEL.people["peer0.Org1MSP"]] * 2
    second.endorsers = [CHANNEL.people["client.Org1MSP"], CHANNEL.people["peer0.Org2MSP"]]
    assert codes_of([first, second]) == [bad, bad]


def test_policies_by_namespace():
    one = signature_policy([role_principal("Org1MSP", "PEER")], 1).SerializeToString()
    application = membership_pb2.ApplicationPolicy()
    application.signature_policy.ParseFromString(one)
    reference = membership_pb2.ApplicationPolicy(channel_config_policy_reference="/Channel/Application/Endorsement")
    draft = CHANNEL.drafts(1, 1)[0]
    draft.endorsers = [CHANNEL.people["peer0.Org1MSP"]]
    bad = [Code.ENDORSEMENT_POLICY_FAILURE]
    for text, wanted in (
        (one.hex(), [Code.VALID]),
        (application.SerializeToString().hex(), [Code.VALID]),
        (reference.SerializeToString().hex(), bad),
        ("/Channel/Application/Org1MSP/Endorsement", [Code.VALID]),
        ("/Channel/Application/Nothing", bad),
        ("state", [Code.NOT_VALIDATED]),
    ):
        assert codes_of([draft], policies={"ledger": text}) == wanted, text


def test_chaincodes_change_by_most_members_where_the_channel_does_not_say():
    """As in channels that were upgraded from 1.4 without such a policy."""
    channel = FabricChannel(seed=5, organisations=3, peers=1)
    made = block_pb2.Block.FromString(channel.genesis)
    envelope = block_pb2.Envelope.FromString(made.data.data[0])
    payload = block_pb2.Payload.FromString(envelope.payload)
    config = configuration_pb2.ConfigEnvelope.FromString(payload.data)
    del config.config.channel_group.groups["Application"].policies["LifecycleEndorsement"]
    payload.data = config.SerializeToString()
    envelope.payload = payload.SerializeToString()
    made.data.data[0] = envelope.SerializeToString()
    made.header.data_hash = hash_one("sha256", made.data.data[0])
    context = channel.context(1, channel.genesis_hash, config_block=made.SerializeToString())
    for organisations, code in (((1, 2), Code.VALID), ((2,), Code.ENDORSEMENT_POLICY_FAILURE)):
        draft = channel.drafts(1, 1)[0]
        draft.chaincode, draft.writes = "_lifecycle", {"_lifecycle": ("key",)}
        draft.endorsers = [channel.people[f"peer0.Org{number}MSP"] for number in organisations]
        verdicts = LEDGER.validate_transactions(channel.envelopes([draft]), context)
        wanted = Verdict.VALID if code == Code.VALID else Verdict.POLICY_NOT_MET
        assert list(verdicts) == [wanted]


def test_every_written_namespace_is_asked():
    only_first = {
        "other": "/Channel/Application/Org2MSP/Endorsement",
        "ledger": "/Channel/Application/Org1MSP/Endorsement",
    }
    draft = CHANNEL.drafts(1, 1)[0]
    draft.endorsers = [CHANNEL.people["peer0.Org1MSP"]]
    for writes, wanted in (
        ({"ledger": ("a",)}, Code.VALID),
        ({"ledger": ("a",), "other": ()}, Code.VALID),  # only read
        ({"ledger": ("a",), "other": ("b",)}, Code.ENDORSEMENT_POLICY_FAILURE),
        ({"other": ("b",)}, Code.ENDORSEMENT_POLICY_FAILURE),
        ({}, Code.VALID),  # the chaincode that was called is always asked
    ):
        draft.writes = writes
        assert codes_of([draft], policies=only_first) == [wanted]


def test_many_namespaces_take_time_by_their_number_only():
    """A thousand names in each of a few transactions, all different: nothing here takes the square of them."""
    drafts = CHANNEL.drafts(1, 4)
    for place, draft in enumerate(drafts):
        draft.writes = {f"name-{place}-{i}": ("k",) for i in range(1000)}
    entries = CHANNEL.envelopes(drafts)
    report = report_of(block_of(entries, codes=b""))
    assert report.transactions.all_valid
    report = report_of(block_of(entries, codes=b""), policies={"name-2-999": "/Channel/Nothing"})
    assert list(report.codes) == [0, 0, Code.ENDORSEMENT_POLICY_FAILURE, 0]
    report = report_of(block_of(entries, codes=b""), policies={"name-3-0": "state"})
    assert list(report.codes) == [0, 0, 0, Code.NOT_VALIDATED]
    assert "name-3-0" in report.check("endorsement_policies").detail
    drafts[0].writes = {f"name-{i}": ("k",) for i in range(1025)}
    report = report_of(block_of(CHANNEL.envelopes(drafts[:1]), codes=b""))
    assert list(report.codes) == [Code.NOT_VALIDATED], "more namespaces than are read"


def test_private_writes_and_metadata_ask_their_namespace():
    only_first = {
        "other": "/Channel/Application/Org2MSP/Endorsement",
        "ledger": "/Channel/Application/Org1MSP/Endorsement",
    }
    inner = transaction_pb2.HashedRWSet()
    inner.hashed_writes.add(key_hash=b"1")
    hashed = transaction_pb2.NsReadWriteSet(namespace="other")
    hashed.collection_hashed_rwset.add(hashed_rwset=inner.SerializeToString())
    marks = transaction_pb2.KVRWSet()
    marks.metadata_writes.add(key="k")
    metadata = transaction_pb2.NsReadWriteSet(namespace="other", rwset=marks.SerializeToString())
    for added in (hashed, metadata):
        one = Parts(CHANNEL.envelopes(CHANNEL.drafts(1, 1))[0])
        sets = transaction_pb2.TxReadWriteSet.FromString(one.action.results)
        sets.ns_rwset.append(added)
        one.action.results = sets.SerializeToString()
        del one.inner.action.endorsements[1:]
        report = report_of(block_of([one.envelope()], codes=b""), policies=only_first)
        assert list(report.codes) == [Code.ENDORSEMENT_POLICY_FAILURE]


def test_bad_endorsements_do_not_count_and_do_not_matter():
    one = parts()
    entry = one.envelope()
    body = Parts(entry)
    body.inner.action.endorsements.add(endorser=b"nobody", signature=b"1")
    report = report_of(block_of([body.envelope(endorse=False)]))
    assert report.valid
    assert report.counts["bad_endorsements"] == 1


@pytest.mark.parametrize("rules", RULES)
def test_more_endorsements_than_are_read_are_left_open(rules):
    """Fabric passes over those that count for nothing, however many; a client may add what it likes."""
    one = parts()
    for _ in range(MAX_ENDORSEMENTS):
        one.inner.action.endorsements.add(endorser=b"nobody")
    entry = one.envelope()
    for code in (0, 10):
        report = report_of(block_of([ENTRIES[1], entry], codes=bytes([0, code])), rules=rules)
        assert list(report.codes) == [Code.VALID, Code.NOT_VALIDATED]
        assert list(report.transactions) == [Verdict.VALID, Verdict.UNCHECKED]
        assert report.valid, report.failed
        assert not report.complete
        assert report.check("transactions").ok is None


def test_more_namespaces_than_are_read_are_left_open():
    one = parts()
    sets = transaction_pb2.TxReadWriteSet()
    for number in range(MAX_NAMESPACES + 1):
        sets.ns_rwset.add(namespace=f"n{number}")
    one.action.results = sets.SerializeToString()
    report = report_of(block_of([one.envelope()], codes=bytes([0])))
    assert list(report.codes) == [Code.NOT_VALIDATED]
    assert report.valid, report.failed


def test_a_text_before_the_certificate_of_a_creator():
    one = parts()
    creator = membership_pb2.SerializedIdentity.FromString(one.signer.creator)
    for size in (10, 100_000):
        creator.id_bytes = b"x" * size + b"\n" + creator.id_bytes.rpartition(b"x\n")[2]
        one.signer.creator = creator.SerializeToString()
        one.channel.tx_id = hash_one("sha256", one.signer.nonce + one.signer.creator).hex()
        entry = block_of([one.envelope()], codes=b"")
        assert list(report_of(entry, rules="compatible").codes) == [Code.VALID]
        assert list(report_of(entry, rules="strict").codes) == [Code.BAD_CREATOR_SIGNATURE]


def test_a_bad_endorsement_and_then_a_good_one_of_the_same_peer():
    body = Parts(ENTRIES[0])
    body.envelope()
    good = list(body.inner.action.endorsements)
    del body.inner.action.endorsements[:]
    body.inner.action.endorsements.add(endorser=good[0].endorser, signature=good[1].signature)
    body.inner.action.endorsements.extend(good)
    assert report_of(block_of([body.envelope(endorse=False)])).transactions.all_valid


# ---- the codes of a peer ---------------------------------------------------------------------------------------------


def test_codes_of_a_peer():
    broken = block_pb2.Envelope.FromString(ENTRIES[0])
    broken.signature = b"1"
    entries = [broken.SerializeToString(), *ENTRIES[1:]]
    for written, good in (
        (bytes([4, 0, 0, 0]), True),
        (bytes([4, 11, 12, 9]), True),  # what the state decides is the peer's to say
        (bytes([0, 0, 0, 0]), False),  # a transaction that is not valid, marked as valid
        (bytes([9, 0, 0, 0]), False),
        (bytes([4, 4, 0, 0]), False),  # nothing is wrong with that creator
        (bytes([4, 0, 0]), False),
    ):
        report = report_of(block_of(entries, codes=written))
        assert (report.check("validation_codes").ok is True) == good, written
    assert report_of(block_of(entries, codes=b"")).check("validation_codes").ok is None


def test_a_block_with_invalid_transactions_is_valid():
    broken = block_pb2.Envelope.FromString(ENTRIES[0])
    broken.signature = b"1"
    report = report_of(block_of([broken.SerializeToString(), *ENTRIES[1:]], codes=bytes([4, 0, 0, 0])))
    assert report.valid
    assert not report.transactions.all_valid
    assert report.faults[0].detail.startswith("BAD_CREATOR_SIGNATURE (4)")
    assert report.faults[0].tx_id == LEDGER.transaction_hash(ENTRIES[0]).hex()


# ---- the same codes as one by one ------------------------------------------------------------------------------------


def shaken(rng: random.Random) -> bytes:
    """An envelope with a change at some level, most of them signed again above it."""
    one = Parts(rng.choice(ENTRIES))
    change = rng.choice((fuzz_fabric_block.flip, fuzz_fabric_block.cut, fuzz_fabric_block.double))
    kind = rng.randrange(8)
    if kind == 0:
        return change(ENTRIES[0], rng)
    if kind == 1:
        one.envelope()
        one.payload_bytes = change(one.payload.SerializeToString(), rng)
    elif kind == 2:
        one.action.results = change(one.action.results, rng)
    elif kind == 3:
        one.body.actions[0].header = change(one.body.actions[0].header, rng)
    elif kind == 4:
        one.channel.extension = change(one.channel.extension, rng)
    elif kind == 5:
        one.response.extension, one.action = change(one.response.extension, rng), None
    elif kind == 6:
        place = rng.randrange(len(one.inner.action.endorsements))
        endorsement = one.inner.action.endorsements[place]
        endorsement.endorser = change(endorsement.endorser, rng)
    else:
        one.envelope()
        one.body.actions[0].payload = change(one.body.actions[0].payload, rng)
        one.payload.data = one.body.SerializeToString()
        one.payload_bytes = one.payload.SerializeToString()
    return one.envelope()


def test_the_same_codes_as_one_by_one(seed, count_cases):
    """Changed envelopes, against a validation on protobuf's own messages: merged fields, faults, everything."""
    rng = random.Random(seed)
    context = CHANNEL.context(1, CHANNEL.genesis_hash, rules="compatible", release="2")
    channel = context.channel()
    found: Counter[int] = Counter()
    rounds = int(os.environ.get("PYCORE_FABRIC_ROUNDS", "12"))
    for _ in range(rounds):
        entries = [shaken(rng) for _ in range(25)]
        ours = list(LEDGER.validate_block(block_of(entries, codes=b""), context).codes)
        theirs = fabric_slow.codes(entries, channel, context.default_policy)
        assert ours == theirs, [entry.hex() for entry, a, b in zip(entries, ours, theirs, strict=True) if a != b][:1]
        found.update(ours)
    assert len(found) >= 6
    count_cases("Fabric's codes, one by one on messages", 25 * rounds)
