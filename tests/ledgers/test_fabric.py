"""Fabric's blocks: published ones, made-up ones, and everything that can be wrong in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fabric_parts import (
    BFT,
    BLOCK,
    CHANNEL,
    ENTRIES,
    LEDGER,
    RULES,
    block_of,
    failed,
    parts,
    report_of,
    varint,
    with_metadata,
)

from pycore._pb.ledgers.fabric.v1 import block_pb2
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, InvalidSignature, ProofError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fabric.codes import Code
from pycore.ledgers.fabric.orderers import bft_quorum
from pycore.testing.fabric import FabricChannel

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


def test_more_entries_than_are_read_are_refused(monkeypatch):
    from pycore.ledgers.fabric import block as module

    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(InputError, match="4 of entry"):
        report_of(BLOCK)


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
        "an unknown field with a long tag": (ENTRIES[0] + b"\x9a\x80\x00\x00", set(RULES)),
        "an unknown field with a long length": (ENTRIES[0] + b"\x1a\x80\x00", {"strict"}),
        "a field twice": (ENTRIES[0] + b"\x12" + varint(len(envelope.signature)) + envelope.signature, set(RULES)),
        "another order": (swapped, set(RULES)),
        "no signature": (block_pb2.Envelope(payload=envelope.payload).SerializeToString(), set(RULES)),
        "no payload": (block_pb2.Envelope(signature=b"1").SerializeToString(), set(RULES)),
    }
    for name, (entry, refused) in cases.items():
        block = block_of([entry, *ENTRIES[1:]], codes=b"")
        for rules in RULES:
            assert ("envelopes" in failed(report_of(block, rules=rules))) == (rules in refused), name
            assert "envelopes" not in failed(report_of(block, rules=rules, release="2")), name


# ---- orderers --------------------------------------------------------------------------------------------------------


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
    good, other = (_last_config(index, metadata.signatures[0].signature_header, der) for index in (0, 7))
    unsigned = block_pb2.Metadata(value=good.value)
    for place, wanted in ((good, set()), (other, {"last_config"}), (unsigned, {"last_config"})):
        made.metadata.metadata[1] = place.SerializeToString()
        assert failed(report_of(made.SerializeToString())) == wanted
        assert failed(report_of(made.SerializeToString(), rules="compatible")) == set()


def test_a_signed_value_that_is_no_message():
    """Peers do not look into it; the strict rules ask it for the last configuration."""
    from pycore.ledgers.fabric.block import Header

    made = block_pb2.Block.FromString(BLOCK)
    metadata = CHANNEL.metadata(made, 0, [0], False)
    metadata.value = b"\xff"
    der = Header(made.header.number, made.header.previous_hash, made.header.data_hash).der()
    one = metadata.signatures[0]
    one.signature = CHANNEL.sign([CHANNEL.orderers[0]], [metadata.value + one.signature_header + der])[0]
    made.metadata.metadata[0] = metadata.SerializeToString()
    assert failed(report_of(made.SerializeToString())) == {"orderer_signatures"}
    assert failed(report_of(made.SerializeToString(), rules="compatible")) == set()


def _last_config(index: int, head: bytes, der: bytes) -> block_pb2.Metadata:
    found = block_pb2.Metadata(value=block_pb2.LastConfig(index=index).SerializeToString())
    signature = CHANNEL.sign([CHANNEL.orderers[0]], [found.value + head + der])[0]
    found.signatures.add(signature_header=head, signature=signature)
    return found


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


def test_capabilities_that_nobody_knows_are_refused():
    """Peers stop there: they cannot know the rules either."""
    for name in ("V3_0", "V2_0", "V1_1"):
        assert FabricChannel(seed=6, capability=name).context().channel() is not None
    with pytest.raises(InputError, match="V9_9"):
        FabricChannel(seed=6, capability="V9_9").context()


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
        return varint(len(data)) + data

    body = varint(made.header.number) + piece(made.header.data_hash) + piece(made.header.previous_hash)
    for group in (made.data.data, made.metadata.metadata):
        body += varint(len(group)) + b"".join(map(piece, group))
    return piece(body)


def test_block_files_and_streams():
    file = record(CHANNEL.genesis) + record(BLOCK)
    assert list(LEDGER.blocks_of_file(file)) == list(LEDGER.blocks_of_file(file + bytes(9))) == [CHANNEL.genesis, BLOCK]
    stream = b"".join(varint(len(one)) + one for one in (CHANNEL.genesis, BLOCK))
    assert list(LEDGER.blocks_of_stream(stream)) == [CHANNEL.genesis, BLOCK]
    for bad in (file[:-1], file + b"\0\1", b"\xff" * 11, record(BLOCK)[:40], b"\x80"):
        with pytest.raises(InputError, match="file"):
            list(LEDGER.blocks_of_file(bad))
    whole = record(BLOCK)
    inner = whole[len(varint(len(whole) - 2)) :] + b"\0"
    with pytest.raises(InputError, match="after the block"):
        list(LEDGER.blocks_of_file(varint(len(inner)) + inner))
