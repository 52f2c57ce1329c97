"""Fabric's blocks: published ones, made-up ones, and everything that can be wrong in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pycore import ledgers
from pycore._pb.ledgers.fabric.v1 import block_pb2, membership_pb2, transaction_pb2
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, InvalidSignature, ProofError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fabric.codes import Code
from pycore.ledgers.fabric.orderers import bft_quorum
from pycore.testing.fabric import FabricChannel, role_principal, signature_policy

LEDGER = ledgers.get("fabric")
CHANNEL = FabricChannel(seed=3, organisations=2, peers=2)
BFT = FabricChannel(seed=4, organisations=1, peers=1, orderers=4, bft=True)
ENTRIES = CHANNEL.transactions(1, 4, endorsements=2)
BLOCK = CHANNEL.block(1, CHANNEL.genesis_hash, ENTRIES)
RULES = ("strict", "compatible")


def report_of(block: bytes, channel: FabricChannel = CHANNEL, **changes: Any) -> Any:
    return LEDGER.validate_block(block, channel.context(1, channel.genesis_hash, **changes))


def failed(report: Any) -> set[str]:
    return {check.name for check in report.failed}


def block_of(entries: list[bytes], channel: FabricChannel = CHANNEL, **options: Any) -> bytes:
    return channel.block(1, channel.genesis_hash, entries, **options)


# ---- published blocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", RULES)
def test_a_published_block_file(rules, require_vectors, count_cases):
    """Eight blocks: their chain, data hashes, 7 endorsements, 8 creators' and 7 orderers' signatures, ids and
    proposal hashes."""
    name = "fabric/sample_prod_blockfile_000000"
    blocks = list(LEDGER.blocks_of_file(require_vectors(name).read_bytes()))
    reports = list(LEDGER.validate_chain(blocks, {"config_block": blocks[0].hex(), "rules": rules}))
    assert [report.height for report in reports] == list(range(8))
    signatures = 0
    for report in reports:
        assert report.valid, report.failed
        assert report.transactions.all_valid
        assert report.check("data_hash").ok
        assert report.check("orderer_signatures").ok
        assert report.check("validation_codes").ok
        signatures += report.counts["signatures"] + (report.height > 0)
    assert signatures == 22
    count_cases(name, len(blocks) + signatures)


def test_published_configuration_blocks(require_vectors, count_cases):
    for name in ("etcdraft_mychannel", "sdkjava_v1.0_orderer", "sdkjava_v2.1_orderer"):
        path = f"fabric/{name}.block"
        block = require_vectors(path).read_bytes()
        for rules in RULES:
            report = LEDGER.validate_block(block, {"config_block": block.hex(), "rules": rules})
            assert report.valid, report.failed
            assert report.check("data_hash").ok
        count_cases(path, 1, 1)


@pytest.mark.parametrize("name", ["etcdraft_mychannel"])
def test_the_signature_of_a_published_configuration(name, require_vectors):
    block = require_vectors(f"fabric/{name}.block").read_bytes()
    entry = block_pb2.Block.FromString(block).data.data[0]
    assert ":" in LEDGER.transaction_sender(entry)


# ---- made-up blocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bft": True, "orderers": 4},
        {"form": "fabric-x", "bft": True, "orderers": 4},
        {"form": "fabric-x"},
        {"suite": "sm2"},
        {"node_units": False, "capability": ""},
    ],
)
def test_a_chain(options, rules):
    channel = FabricChannel(seed=5, organisations=1, peers=2, **options)
    first = channel.block(1, channel.genesis_hash, channel.transactions(1, 3))
    moved = channel.config_block(2, channel.block_hash(first))
    last = channel.block(3, channel.block_hash(moved), channel.transactions(3, 2), last_config=2)
    run = LEDGER.validate_chain([channel.genesis, first, moved, last], channel.context(rules=rules))
    reports = list(run)
    for report in reports:
        assert report.valid, report.failed
        assert report.transactions.all_valid
    assert run.checkpoint.context.config_block == moved
    assert reports[2].check("context_change").ok
    shorter = LEDGER.validate_chain([channel.genesis, first, moved], channel.context(rules=rules))
    list(shorter)
    assert next(LEDGER.validate_chain([last], checkpoint=shorter.checkpoint.to_dict())).valid


def test_the_report_says_that_the_state_is_not_checked():
    report = report_of(BLOCK)
    assert report.valid
    assert not report.complete
    assert "state not checked" in report.check("state").detail


def test_nothing_is_valid_without_a_context():
    report = LEDGER.validate_block(BLOCK)
    assert not any(verdict is Verdict.VALID for verdict in report.transactions)
    assert set(report.codes) == {Code.NOT_VALIDATED}
    skipped = {check.name for check in report.skipped}
    assert {"transactions", "orderer_signatures", "previous_hash", "height"} <= skipped


def test_the_first_block_needs_trust():
    report = LEDGER.validate_block(CHANNEL.genesis)
    assert report.check("orderer_signatures").ok is None
    other = FabricChannel(seed=99, organisations=1, peers=1)
    report = LEDGER.validate_block(other.genesis, CHANNEL.context())
    assert report.check("orderer_signatures").ok is None
    assert not report.transactions.all_valid


def test_events():
    drafts = CHANNEL.drafts(1, 3)
    drafts[1].event = "moved"
    report = LEDGER.validate_block(block_of(CHANNEL.envelopes(drafts)), CHANNEL.context(), events=True)
    assert [(one.transaction, one.contract, one.topic, one.data) for one in report.events] == [
        (1, "ledger", "moved", (b"payload".hex(),))
    ]


# ---- header, data, metadata ------------------------------------------------------------------------------------------


def test_wrong_places_and_hashes():
    assert failed(LEDGER.validate_block(BLOCK, CHANNEL.context(2, CHANNEL.genesis_hash))) == {"height"}
    assert failed(LEDGER.validate_block(BLOCK, CHANNEL.context(1, b"\1" * 32))) == {"previous_hash"}
    for change in (b"\0" * 32, b"", b"\0" * 31):
        made = block_pb2.Block.FromString(BLOCK)
        made.header.data_hash = change
        assert {"data_hash", "orderer_signatures"} <= failed(report_of(made.SerializeToString()))
    made = block_pb2.Block.FromString(BLOCK)
    made.header.number = 2
    assert {"height", "orderer_signatures"} <= failed(report_of(made.SerializeToString()))


def test_block_numbers_are_unsigned_64_bits():
    number = (1 << 64) - 1
    block = CHANNEL.block(number, b"\2" * 32, ENTRIES)
    report = LEDGER.validate_block(block, CHANNEL.context(number, b"\2" * 32))
    assert report.valid, report.failed
    assert report.height == number
    assert LEDGER.block_height(block) == number


def test_structures():
    for name in ("header", "data", "metadata"):
        made = block_pb2.Block.FromString(BLOCK)
        made.ClearField(name)
        assert "structure" in failed(report_of(made.SerializeToString()))
    for data in (b"\xff", b"\x0a\x05", BLOCK[:-1]):
        with pytest.raises(InputError, match="block"):
            report_of(data)


def test_data_hash_with_lengths():
    made = block_pb2.Block.FromString(BLOCK)
    joined = b"".join(len(one).to_bytes(4, "big") + one for one in ENTRIES)
    made.header.data_hash = hash_one("sha256", joined)
    report = report_of(made.SerializeToString(), data_lengths=True)
    assert report.check("data_hash").ok
    assert report.check("data_hash").certainty == "read"


def test_entries_must_be_as_protobuf_writes_them():
    envelope = block_pb2.Envelope.FromString(ENTRIES[0])
    swapped = b"\x12" + ENTRIES[0].split(envelope.payload)[1][1:] + ENTRIES[0][: len(ENTRIES[0])]
    cases = {
        "an unknown field": (ENTRIES[0] + b"\x1a\x00", {"strict"}),
        "a field twice": (ENTRIES[0] + b"\x12" + _varint(len(envelope.signature)) + envelope.signature, set(RULES)),
        "another order": (swapped, set(RULES)),
        "no signature": (block_pb2.Envelope(payload=envelope.payload).SerializeToString(), set(RULES)),
        "no payload": (block_pb2.Envelope(signature=b"1").SerializeToString(), set(RULES)),
    }
    for name, (entry, refused) in cases.items():
        block = block_of([entry, *ENTRIES[1:]], codes=b"")
        for rules in RULES:
            assert ("envelopes" in failed(report_of(block, rules=rules))) == (rules in refused), name
            assert "envelopes" not in failed(report_of(block, rules=rules, release="2")), name


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


# ---- orderers --------------------------------------------------------------------------------------------------------


def with_metadata(block: bytes, change: Callable[[Any], None]) -> bytes:
    made = block_pb2.Block.FromString(block)
    metadata = block_pb2.Metadata.FromString(made.metadata.metadata[0])
    change(metadata)
    made.metadata.metadata[0] = metadata.SerializeToString()
    return made.SerializeToString()


def test_orderers_signatures():
    def flip(metadata: Any) -> None:
        one = metadata.signatures[0]
        one.signature = one.signature[:-1] + bytes([one.signature[-1] ^ 1])

    changes: dict[str, Callable[[Any], Any]] = {
        "no signature": lambda metadata: metadata.ClearField("signatures"),
        "another value": lambda metadata: setattr(metadata, "value", metadata.value + b"\x12\x00"),
        "no header": lambda metadata: metadata.signatures[0].ClearField("signature_header"),
        "a header that is none": lambda metadata: setattr(metadata.signatures[0], "signature_header", b"\xff"),
        "a flipped bit": flip,
    }
    for name, change in changes.items():
        for rules in RULES:
            assert "orderer_signatures" in failed(report_of(with_metadata(BLOCK, change), rules=rules)), name


def test_somebody_else_signs_the_block():
    other = FabricChannel(seed=77, organisations=1, peers=1)
    made = block_pb2.Block.FromString(BLOCK)
    header = other.metadata(made, 0, [0], False)
    made.metadata.metadata[0] = header.SerializeToString()
    assert "orderer_signatures" in failed(report_of(made.SerializeToString()))


def test_the_last_configuration_is_named():
    block = CHANNEL.block(1, CHANNEL.genesis_hash, ENTRIES, last_config=1)
    assert failed(report_of(block)) == {"last_config"}
    assert failed(report_of(block, rules="compatible")) == set()
    strange = FabricChannel(seed=5, organisations=1, peers=1, form="fabric-x")
    block = strange.block(1, strange.genesis_hash, strange.transactions(1, 1), last_config=1)
    assert failed(report_of(block, strange, rules="compatible")) == {"last_config"}


def test_before_1_4_1_the_last_configuration_has_its_own_place():
    made = block_pb2.Block.FromString(BLOCK)
    metadata = CHANNEL.metadata(made, 0, [0], False)
    metadata.value = b""
    header = LEDGER.header_hash(made.header.SerializeToString())
    from pycore.ledgers.fabric.block import Header

    der = Header(made.header.number, made.header.previous_hash, made.header.data_hash).der()
    assert hash_one("sha256", der) == header
    metadata.signatures[0].signature = CHANNEL.sign(
        [CHANNEL.orderers[0]], [metadata.signatures[0].signature_header + der]
    )[0]
    made.metadata.metadata[0] = metadata.SerializeToString()
    place = block_pb2.Metadata(value=block_pb2.LastConfig(index=0).SerializeToString())
    made.metadata.metadata[1] = place.SerializeToString()
    assert report_of(made.SerializeToString()).valid
    place.value = block_pb2.LastConfig(index=7).SerializeToString()
    made.metadata.metadata[1] = place.SerializeToString()
    assert failed(report_of(made.SerializeToString())) == {"last_config"}


def test_a_quorum_of_bft_orderers():
    entries = BFT.transactions(1, 1, endorsements=1)
    assert [bft_quorum(n) for n in (4, 7)] == [3, 5]
    for by_number in (True, False):
        for count in range(5):
            block = BFT.block(1, BFT.genesis_hash, entries, signers=range(count), by_number=by_number)
            report = report_of(block, BFT)
            assert report.check("orderer_signatures").ok == (count >= 3)
            assert report.check("quorum").ok == (count >= 3)
        block = BFT.block(1, BFT.genesis_hash, entries, signers=[0, 0, 0, 1], by_number=by_number)
        assert "orderer_signatures" in failed(report_of(block, BFT))


def test_identifiers_of_nobody_are_skipped():
    block = BFT.block(1, BFT.genesis_hash, BFT.transactions(1, 1, endorsements=1))

    def stranger(metadata: Any) -> None:
        made = block_pb2.IdentifierHeader(identifier=9, nonce=b"1").SerializeToString()
        metadata.signatures.add(identifier_header=made, signature=b"1")

    def broken(metadata: Any) -> None:
        metadata.signatures.add(identifier_header=b"\xff", signature=b"1")

    assert report_of(with_metadata(block, stranger), BFT).valid
    assert "orderer_signatures" in failed(report_of(with_metadata(block, broken), BFT))
    strange = FabricChannel(seed=6, organisations=1, peers=1, orderers=4, bft=True, form="fabric-x")
    block = strange.block(1, strange.genesis_hash, strange.transactions(1, 1, endorsements=1))
    assert report_of(with_metadata(block, broken), strange).valid, "Fabric-X skips it"


def test_identifiers_without_the_capability_name_nobody():
    channel = FabricChannel(seed=7, organisations=1, peers=1, orderers=4, bft=True, capability="V2_0")
    block = channel.block(1, channel.genesis_hash, channel.transactions(1, 1, endorsements=1))
    assert "orderer_signatures" in failed(report_of(block, channel))


def test_each_form_signs_its_own_bytes():
    strange = FabricChannel(seed=8, organisations=1, peers=1, form="fabric-x")
    block = strange.block(1, strange.genesis_hash, strange.transactions(1, 1, endorsements=1))
    assert report_of(block, strange).valid
    assert "orderer_signatures" in failed(report_of(block, strange, form="fabric"))
    assert "orderer_signatures" in failed(report_of(BLOCK, form="fabric-x"))


# ---- transactions: each code -----------------------------------------------------------------------------------------


class Parts:
    """An envelope taken apart; :meth:`envelope` signs it again."""

    def __init__(self, entry: bytes) -> None:
        self.payload = block_pb2.Payload.FromString(block_pb2.Envelope.FromString(entry).payload)
        self.channel = block_pb2.ChannelHeader.FromString(self.payload.header.channel_header)
        self.signer = block_pb2.SignatureHeader.FromString(self.payload.header.signature_header)
        self.body = transaction_pb2.Transaction.FromString(self.payload.data)
        self.inner = transaction_pb2.ChaincodeActionPayload.FromString(self.body.actions[0].payload)
        self.response = transaction_pb2.ProposalResponsePayload.FromString(self.inner.action.proposal_response_payload)
        self.action = transaction_pb2.ChaincodeAction.FromString(self.response.extension)
        self.rehash = True
        self.payload_bytes: bytes | None = None

    def envelope(self, *, endorse: bool = True) -> bytes:
        header = self.payload.header
        header.channel_header, header.signature_header = (
            self.channel.SerializeToString(), self.signer.SerializeToString()
        )  # fmt: skip
        if self.body.actions:
            head = self.body.actions[0].header
            covered = header.channel_header + head + self.inner.chaincode_proposal_payload
            if self.rehash:
                self.response.proposal_hash = hash_one("sha256", covered)
            if self.action is not None:
                self.response.extension = self.action.SerializeToString()
            self.inner.action.proposal_response_payload = self.response.SerializeToString()
            who = [CHANNEL.peers[0], CHANNEL.peers[1]]
            if endorse:
                response = self.inner.action.proposal_response_payload
                signed = CHANNEL.sign(who, [response + CHANNEL.serialized(one) for one in who])
                for one, signature in zip(self.inner.action.endorsements, signed, strict=False):
                    one.signature = signature
            self.body.actions[0].payload = self.inner.SerializeToString()
            self.payload.data = self.body.SerializeToString()
        payload = self.payload.SerializeToString() if self.payload_bytes is None else self.payload_bytes
        signature = CHANNEL.sign([CHANNEL.clients[0]], [payload])[0]
        return block_pb2.Envelope(payload=payload, signature=signature).SerializeToString()


def parts() -> Parts:
    return Parts(ENTRIES[0])


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
    "another channel": (set_to("channel.channel_id", "other"), Code.TARGET_CHAIN_NOT_FOUND),
    "an extension that is none": (set_to("channel.extension", b"\xff"), Code.BAD_HEADER_EXTENSION),
    "no chaincode in the extension": (set_to("channel.extension", b""), Code.INVALID_OTHER_REASON),
    "an action that is none": (action_bytes(b"\xff"), Code.BAD_RESPONSE_PAYLOAD),
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
    report = report_of(block_of(entries, codes=bytes(wanted)), rules=rules, release="2")
    found = dict(zip(CASES, map(Code, report.codes), strict=True))
    assert found == {name: code for name, (_, code) in CASES.items()}
    assert report.valid, report.failed
    assert not any(verdict is Verdict.VALID for verdict in report.transactions)
    assert len(report.faults) == len(CASES)


def test_nothing_wrong_passes_through_the_same_hands():
    assert report_of(block_of([parts().envelope()])).transactions.all_valid


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


def test_a_creator_who_is_not_valid():
    draft = CHANNEL.drafts(1, 1)[0]
    draft.creator = CHANNEL.people["ca.Org1MSP"]
    report = report_of(block_of(CHANNEL.envelopes([draft]), codes=b""))
    assert list(report.codes) == [Code.BAD_CREATOR_SIGNATURE]
    assert report.transactions[0] is Verdict.BAD_CERTIFICATE


def test_duplicates_count_among_valid_ones_only():
    broken = block_pb2.Envelope.FromString(ENTRIES[0])
    broken.signature = b"1"
    entries = [broken.SerializeToString(), ENTRIES[0], ENTRIES[0]]
    report = report_of(block_of(entries, codes=b""))
    assert list(report.codes) == [Code.BAD_CREATOR_SIGNATURE, Code.VALID, Code.DUPLICATE_TXID]


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


# ---- two readers of one envelope -------------------------------------------------------------------------------------


def test_a_header_that_comes_twice_is_merged_and_not_replaced():
    """Go merges a message that comes twice; other readers put the second in the place of the first."""
    one = parts()
    one.envelope()
    header = one.payload.header
    channel = block_pb2.Payload(header={"channel_header": header.channel_header}).SerializeToString()
    signer = block_pb2.Payload(header={"signature_header": header.signature_header}).SerializeToString()
    one.payload_bytes = channel + signer + block_pb2.Payload(data=one.payload.data).SerializeToString()
    assert report_of(block_of([one.envelope()])).transactions.all_valid
    # A reader that replaces would see this one's second header only, in which the id is another.
    other = block_pb2.ChannelHeader(type=3, channel_id="channel", tx_id="0" * 64).SerializeToString()
    second = block_pb2.Payload(header={"channel_header": other}).SerializeToString()
    one.payload_bytes = channel + signer + second + block_pb2.Payload(data=one.payload.data).SerializeToString()
    assert list(report_of(block_of([one.envelope()], codes=b"")).codes) == [Code.BAD_PROPOSAL_TXID]


def test_the_last_of_a_field_counts():
    one = parts()
    one.envelope()
    whole = one.payload.SerializeToString()
    one.payload_bytes = whole + block_pb2.Payload(data=b"\xff").SerializeToString()
    assert list(report_of(block_of([one.envelope()], codes=b"")).codes) == [Code.INVALID_ENDORSER_TRANSACTION]
    one.payload_bytes = block_pb2.Payload(data=b"\xff").SerializeToString() + whole
    assert report_of(block_of([one.envelope()])).transactions.all_valid


def test_texts_that_are_no_utf_8_are_refused_and_not_cut():
    one = parts()
    one.envelope()
    broken = one.channel.SerializeToString().replace(b"channel", b"chann\xffl")
    one.payload.header.channel_header = broken
    one.payload_bytes = one.payload.SerializeToString()
    assert list(report_of(block_of([one.envelope()], codes=b"")).codes) == [Code.BAD_COMMON_HEADER]
    with pytest.raises(InputError):
        LEDGER.header_hash(b"\x08")


# ---- the face --------------------------------------------------------------------------------------------------------


def test_hashes_and_senders():
    one = parts()
    entry = ENTRIES[0]
    assert LEDGER.transaction_hash(entry).hex() == one.channel.tx_id
    who = LEDGER.transaction_sender(entry)
    assert who.startswith("Org1MSP:")
    envelope = block_pb2.Envelope.FromString(entry)
    envelope.signature = block_pb2.Envelope.FromString(ENTRIES[1]).signature
    with pytest.raises(InvalidSignature):
        LEDGER.transaction_sender(envelope.SerializeToString())
    for call in (LEDGER.transaction_hash, LEDGER.transaction_sender):
        with pytest.raises(InputError, match="form"):
            call(entry, form="rpc")
        with pytest.raises(InputError, match="tx"):
            call(b"\xff")
    digests = LEDGER.block_digests(BLOCK)
    assert digests["block_hash"] == CHANNEL.block_hash(BLOCK)
    assert digests["tx_hashes"] == [LEDGER.transaction_hash(one) for one in ENTRIES]
    assert LEDGER.block_height(BLOCK) == 1
    header = block_pb2.Block.FromString(BLOCK).header
    assert LEDGER.header_hash(header.SerializeToString()) == digests["block_hash"]
    gm = FabricChannel(seed=5, organisations=1, peers=1, suite="sm2")
    assert LEDGER.transaction_sender(gm.transactions(1, 1)[0], hash="sm3").startswith("Org1MSP:")


def test_transactions_that_are_in_no_block():
    found = LEDGER.validate_transactions([*ENTRIES, b"\xff"], CHANNEL.context())
    assert [verdict.name for verdict in found] == ["VALID"] * 4 + ["MALFORMED_ITEM"]
    assert {verdict.name for verdict in LEDGER.validate_transactions(ENTRIES)} == {"UNCHECKED"}
    assert len(LEDGER.validate_transactions([], CHANNEL.context())) == 0


def test_certificates_of_blocks():
    made = block_pb2.Block.FromString(BLOCK)
    made.ClearField("data")
    assert LEDGER.verify_certificate(made.SerializeToString(), CHANNEL.context()).valid
    made.header.number += 1
    assert not LEDGER.verify_certificate(made.SerializeToString(), CHANNEL.context()).valid


def test_inclusion():
    root = block_pb2.Block.FromString(BLOCK).header.data_hash
    proof = block_pb2.BlockData(data=ENTRIES).SerializeToString()
    item = hash_one("sha256", ENTRIES[2])
    LEDGER.verify_inclusion(root, item, proof)
    LEDGER.verify_inclusion(root, item, proof, index=2)
    cut = [ENTRIES[0] + ENTRIES[1], *ENTRIES[2:]]
    for bad in (
        (root, item, proof, 1),
        (root, b"\0" * 32, proof, None),
        (b"\0" * 32, item, proof, None),
        (root, item, block_pb2.BlockData(data=cut).SerializeToString(), None),
        (root, item, b"", None),
        (root, item, b"\xff", None),
    ):
        with pytest.raises(ProofError):
            LEDGER.verify_inclusion(*bad[:3], index=bad[3])


def test_contexts():
    context = CHANNEL.context(3, b"\1" * 32, policies={"a": "state"})
    assert LEDGER.context(context.to_json()) == context
    for name, value in (
        ("config_block", b"junk"), ("config_block", BLOCK), ("policies", {"a": "zz"}), ("policies", {"a": "0a00"}),
        ("channel_id", "other"), ("form", "x"), ("hash", "md5"), ("prehash", 1), ("rules", "lax"), ("height", -1),
        ("previous_block_hash", b"1"), ("release", "4"), ("default_policy", "00"), ("scheme", "rsa"),
    ):  # fmt: skip
        with pytest.raises(InputError, match="context"):
            CHANNEL.context(**{name: value})


def test_configurations_move_the_context_only_when_they_are_signed():
    moved = CHANNEL.config_block(1, CHANNEL.genesis_hash)
    for block in (
        with_metadata(moved, lambda metadata: metadata.ClearField("signatures")),
        CHANNEL.config_block(1, CHANNEL.genesis_hash, sequence_number=2),
    ):
        run = LEDGER.validate_chain([CHANNEL.genesis, block], CHANNEL.context())
        reports = list(run)
        assert not reports[1].valid
        assert run.checkpoint.context.config_block == CHANNEL.genesis
    entries = [*ENTRIES, block_pb2.Block.FromString(moved).data.data[0]]
    assert "configuration" in failed(report_of(block_of(entries, codes=b""), release="2"))


def test_new_orderers_take_over_with_their_configuration():
    moved = BFT.config_block(1, BFT.genesis_hash, orderers=[0, 1, 2])
    entries = BFT.transactions(2, 1, endorsements=1)
    good = BFT.block(2, BFT.block_hash(moved), entries, last_config=1, signers=[0, 1])
    bad = BFT.block(2, BFT.block_hash(moved), entries, last_config=1, signers=[0, 3])
    for block, wanted in ((good, True), (bad, False)):
        reports = list(LEDGER.validate_chain([BFT.genesis, moved, block], BFT.context()))
        assert reports[1].valid, reports[1].failed
        assert reports[2].valid == wanted


# ---- files -----------------------------------------------------------------------------------------------------------


def record(block: bytes) -> bytes:
    made = block_pb2.Block.FromString(block)

    def piece(data: bytes) -> bytes:
        return _varint(len(data)) + data

    body = _varint(made.header.number) + piece(made.header.data_hash) + piece(made.header.previous_hash)
    for group in (made.data.data, made.metadata.metadata):
        body += _varint(len(group)) + b"".join(map(piece, group))
    return piece(body)


def test_block_files_and_streams():
    file = record(CHANNEL.genesis) + record(BLOCK)
    assert list(LEDGER.blocks_of_file(file)) == list(LEDGER.blocks_of_file(file + bytes(9))) == [CHANNEL.genesis, BLOCK]
    stream = b"".join(_varint(len(one)) + one for one in (CHANNEL.genesis, BLOCK))
    assert list(LEDGER.blocks_of_stream(stream)) == [CHANNEL.genesis, BLOCK]
    for bad in (file[:-1], file + b"\0\1", b"\xff" * 11, record(BLOCK)[:40], b"\x80"):
        with pytest.raises(InputError, match="file"):
            list(LEDGER.blocks_of_file(bad))
    whole = record(BLOCK)
    inner = whole[len(_varint(len(whole) - 2)) :] + b"\0"
    with pytest.raises(InputError, match="after the block"):
        list(LEDGER.blocks_of_file(_varint(len(inner)) + inner))
