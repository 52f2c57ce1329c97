"""Bytes that nobody honest sends: an InputError that names the field, or a report, in bounded time and memory."""

from __future__ import annotations

import random
import resource

import numpy as np
import pytest
from chainmaker_vectors import block_context, load
from google.protobuf.internal.encoder import _VarintBytes

import pycore
from pycore import InputError, Verdict, ledgers
from pycore.ledgers.chainmaker import block as block_module
from pycore.ledgers.chainmaker import dag, messages
from pycore.ledgers.chainmaker.block import open_block
from pycore.ledgers.chainmaker.ledger import ChainContext

LEDGER = ledgers.get("chainmaker")


@pytest.fixture(scope="module")
def published(request):
    """A block of 16 transactions with its context, both rule sets apart."""
    from conftest import vectors_path

    document = load(vectors_path("chainmaker/blocks_cert_p256_sha256.json"))
    entry = next(block for block in document["blocks"] if block["tx_count"] == 16)
    return bytes.fromhex(entry["block_hex"]), block_context(document, entry)


def field(number: int, payload: bytes) -> bytes:
    return _VarintBytes(number << 3 | 2) + _VarintBytes(len(payload)) + payload


# ---- bytes that are no block ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0a",
        b"\x0a\x05abc",  # a length beyond the end
        b"\x1a\xff\xff\xff\xff\x0f" + b"x" * 100,  # a length of 4 GiB
        b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a length of 2^63
        b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a number that does not end
        b"\x0b" * 1_000_000,  # groups in groups
        b"\x07\x07\x07",  # a wire type that does not exist
        b"\x00\x00",  # field 0
        b"not a block at all",
        field(1, field(3, b"\xff\xfe")),  # a chain id that is no UTF-8
        field(3, b"\xff"),
    ],
)
@pytest.mark.parametrize("form", ["auto", "block", "block-info"])
def test_bytes_that_do_not_parse(data, form):
    for call in (
        lambda: LEDGER.validate_block(data, form=form),
        lambda: LEDGER.block_digests(data, form=form),
    ):
        if form == "block-info" and data == field(3, b"\xff"):
            call()  # BlockInfo has no field 3: an unknown field, and no block
            continue
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field.startswith("block")


def test_every_truncation(published):
    """A prefix parses or does not; either way the call ends, and no prefix passes for the block."""
    block, context = published
    header = messages.Block.FromString(block).header
    context = context.replace(height=header.block_height, previous_block_hash=header.pre_block_hash)
    before = LEDGER.validate_block(block, context).check("proposer_turn").got  # makes eight blocks in a row
    context = context.replace(blocks_per_proposer=header.block_height + 1, previous_proposer=before)
    whole = LEDGER.validate_block(block, context)
    assert whole.valid
    assert whole.complete
    opened = open_block(block)
    boundaries = [*opened.txs.start.tolist(), *opened.txs.end.tolist()]
    sizes = [*range(0, 2000, 7), *range(2000, len(block), 997), len(block) - 1, *boundaries]
    reports = [report_or_error(block[:size], context) for size in sizes]
    assert None in reports
    assert any(report is not None for report in reports)


def test_nesting():
    """Messages inside messages a million deep: they are bytes of a field, so only the outer ones are ever opened."""
    data = b""
    for _ in range(2000):
        data = field(1, data)
    report_or_error(data)
    report_or_error(b"\x0b" * 500_000 + b"\x0c" * 500_000)


def report_or_error(data, context=None):
    """The report, which must not be that of a good block, or None for bytes that do not parse."""
    try:
        report = LEDGER.validate_block(data, context)
    except InputError as caught:
        error = caught
    else:
        assert not (report.valid and report.complete)
        assert len(report.transactions) <= len(data)
        return report
    assert error.field.startswith("block")
    return None


def test_many_records(monkeypatch):
    """Two bytes on the wire are a record in memory: their number is bounded before anything is built."""
    limit = 1000
    monkeypatch.setattr(block_module, "_LIMITS", dict.fromkeys(block_module._LIMITS, limit))
    for name, data in (
        ("block.txs", b"\x1a\x00" * (limit + 1)),
        ("block.dag.vertexes", field(2, b"\x12\x00" * (limit + 1))),
        ("block.txs", field(1, b"\x0a\x00" + b"\x1a\x00" * (limit + 1))),
        ("block.rwset_list", field(1, b"\x0a\x00") + b"\x12\x00" * (limit + 1)),
    ):
        form = "block-info" if data.startswith(b"\x0a") else "block"
        with pytest.raises(InputError) as caught:
            LEDGER.validate_block(data, form=form)
        assert caught.value.field == name


def test_many_transactions_of_next_to_nothing(monkeypatch):
    """Each gets a verdict with its reason, which costs far more than two bytes. A few are worth it."""
    monkeypatch.setattr(block_module, "FEW_RECORDS", 100)
    assert len(LEDGER.validate_block(b"\x1a\x00" * 100).transactions) == 100
    for data in (b"\x1a\x00" * 101, field(1, b"\x0a\x00" + b"\x1a\x00" * 101)):
        with pytest.raises(InputError, match="101 transactions in") as caught:
            LEDGER.validate_block(data, form="block-info" if data.startswith(b"\x0a") else "block")
        assert caught.value.field == "block.txs"
    filled = field(3, field(1, bytes(62))) * 101
    with pytest.raises(InputError) as caught:  # 64 bytes each are enough; zeros are then no payload
        LEDGER.validate_block(filled, form="block")
    assert caught.value.field == "block.txs[0]"


def test_a_block_too_large(monkeypatch):
    monkeypatch.setattr(block_module, "MAX_BLOCK_BYTES", 1000)
    with pytest.raises(InputError, match="1001 bytes"):
        LEDGER.validate_block(bytes(1001))


def test_memory_is_bounded():
    """A few megabytes of nearly empty transactions must not take gigabytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = report_or_error(field(3, field(1, field(3, b"x" * 60))) * 50_000)
    assert report is not None
    assert set(report.transactions.codes.tolist()) == {int(Verdict.MALFORMED_ITEM)}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024  # kilobytes


def test_floods_inside_a_block(published):
    """Records inside a transaction, a vertex or a certificate: work and memory stay in proportion to the bytes."""
    block, context = published
    parsed = messages.Block.FromString(block)
    parsed.txs[3].MergeFromString(b"\x1a\x00" * 200_000)
    report = LEDGER.validate_block(parsed.SerializeToString(), context)
    assert report.transactions[3] == Verdict.MALFORMED_ITEM
    parsed = messages.Block.FromString(block)
    parsed.dag.vertexes[3].MergeFromString(field(1, b"\x00" * 1_000_000))
    report = LEDGER.validate_block(parsed.SerializeToString(), context.replace(rebuild_dag=True))
    assert "only 3 transactions before it" in report.check("dag").got
    assert report.check("dag_rebuilt").ok is False
    votes = b"".join(field(6, field(1, b"%d" % i) + b"\x12\x00") for i in range(20_000))
    for key, extra in (("TBFTAddtionalDataKey", votes), ("maxbftQC", b"\x0a\x00" * 200_000)):
        parsed = messages.Block.FromString(block)
        parsed.additional_data.extra_data.clear()
        parsed.additional_data.extra_data[key] = extra
        report = LEDGER.validate_block(parsed.SerializeToString(), context)
        assert "are read" in report.check("quorum").detail or "does not parse" in report.check("quorum").detail
        assert report.counts["votes"] == 0


@pytest.mark.parametrize("argument", ["text", 5, None, [1, 2]])
def test_other_objects(argument):
    with pytest.raises(InputError, match="block"):
        LEDGER.validate_block(argument)


def test_bytes_like(published):
    block, context = published
    want = LEDGER.validate_block(block, context).to_dict()["block_hash"]
    for same in (bytearray(block), memoryview(block), memoryview(block + b"x")[:-1]):
        assert LEDGER.validate_block(same, context).to_dict()["block_hash"] == want


def test_unknown_names():
    with pytest.raises(InputError, match="form"):
        LEDGER.validate_block(b"\x0a\x00", form="json")
    with pytest.raises(InputError, match="hash"):
        LEDGER.block_digests(b"\x0a\x00", hash="md5")


# ---- Block or BlockInfo ----------------------------------------------------------------------------------------------


def test_block_info_is_told_from_block(published):
    block, context = published
    rw_sets = context.rw_sets
    info = messages.BlockInfo(block=messages.Block.FromString(block))
    for item in rw_sets:
        info.rwset_list.append(messages.TxRWSet.FromString(item))
    bare = context.replace(rw_sets=None)
    for data, form in ((info.SerializeToString(), "auto"), (info.SerializeToString(), "block-info"), (block, "block")):
        report = LEDGER.validate_block(data, bare, form=form)
        assert report.valid
        assert report.check("rw_sets").ok is (None if data is block else True)
    without_sets = messages.BlockInfo(block=info.block).SerializeToString()
    assert LEDGER.validate_block(without_sets, bare).check("block_hash").ok


# ---- blocks that are wrong in one place ------------------------------------------------------------------------------


def resign(block):
    """Recomputes what covers the content, so that one wrong thing stays one wrong thing (the signature aside)."""
    got = LEDGER.block_digests(block.SerializeToString(), hash="sha256")
    block.header.tx_root, block.header.dag_hash = got["tx_root"], got["dag_hash"]
    block.header.rw_set_root = got["rw_set_root"]
    block.header.block_hash = LEDGER.block_digests(block.SerializeToString(), hash="sha256")["block_hash"]
    return block.SerializeToString()


HASHED = {"proposer_signature", "quorum", "votes"}  # fail whenever the header is another one


def changed(published, change, *, seal=True):
    block, context = published
    parsed = messages.Block.FromString(block)
    change(parsed)
    report = LEDGER.validate_block(resign(parsed) if seal else parsed.SerializeToString(), context)
    return {check.name for check in report.failed}, report


def test_every_header_field_is_covered(published):
    def flip(value):
        return bytes([value[0] ^ 1]) + value[1:]

    changes = {
        "block_version": 1,
        "block_type": 1,
        "chain_id": "chain2",
        "block_height": 1,
        "pre_block_hash": flip,
        "pre_conf_height": 1,
        "tx_count": 1,
        "tx_root": flip,
        "dag_hash": flip,
        "rw_set_root": flip,
        "block_timestamp": 1,
        "consensus_args": b"x",
    }
    for name, change in changes.items():

        def apply(block, name=name, change=change):
            old = getattr(block.header, name)
            new = change(old) if callable(change) else change if isinstance(change, (str, bytes)) else old + change
            setattr(block.header, name, new)

        failed, _ = changed(published, apply, seal=False)
        assert "block_hash" in failed, name
    failed, _ = changed(published, lambda b: b.header.proposer.ClearField("org_id"), seal=False)
    assert {"block_hash", "proposer_signature"} <= failed


def test_a_wrong_previous_hash_and_height(published):
    block, context = published
    height = messages.Block.FromString(block).header.block_height
    wrong = context.replace(previous_block_hash=bytes(32), height=height + 1, chain_id="chain2")
    report = LEDGER.validate_block(block, wrong)
    assert {check.name for check in report.failed} == {"previous_hash", "height", "chain_id", "transactions"}
    assert not report.valid


def test_counts_and_duplicates(published):
    failed, _ = changed(published, lambda b: setattr(b.header, "tx_count", 17))
    assert failed == HASHED | {"tx_count"}

    def twice(block):
        block.txs[3].CopyFrom(block.txs[2])

    failed, report = changed(published, twice)
    assert {"tx_ids", "transactions", "rw_sets"} <= failed
    assert report.transactions[3] == Verdict.MALFORMED_ITEM
    assert "before in the block" in report.faults[0].detail


def test_the_duplicated_last_leaf(published):
    """[a, b, c] and [a, b, c, c] have one root: the count and the identifiers tell them apart."""
    block, context = published
    parsed = messages.Block.FromString(block)
    del parsed.txs[15]
    del parsed.dag.vertexes[15]
    short = parsed.SerializeToString()
    parsed.txs.add().CopyFrom(parsed.txs[14])
    root = LEDGER.block_digests(parsed.SerializeToString(), hash="sha256")["tx_root"]
    assert root == LEDGER.block_digests(short, hash="sha256")["tx_root"]
    report = LEDGER.validate_block(parsed.SerializeToString(), context)
    assert {"tx_ids", "dag"} <= {check.name for check in report.failed}


def test_rw_set_hashes(published):
    def spoil(block):
        block.txs[5].result.rw_set_hash = bytes(32)

    failed, report = changed(published, spoil)
    assert failed == HASHED | {"rw_sets", "transactions"}
    assert report.transactions[5] == Verdict.BAD_DIGEST
    for value in (b"", bytes(31), bytes(33)):

        def shorten(block, value=value):
            block.txs[5].result.rw_set_hash = value

        failed, report = changed(published, shorten)
        assert {"rw_set_root", "transactions"} <= failed
        assert report.transactions[5] == Verdict.MALFORMED_ITEM
    failed, report = changed(published, lambda b: b.txs[5].ClearField("result"))
    assert report.transactions[5] == Verdict.MALFORMED_ITEM


def test_gas_is_left_out_of_the_hash_from_2300_on(published):
    block, _ = published
    parsed = messages.Block.FromString(block)
    assert parsed.header.block_version >= 2300
    before = LEDGER.block_digests(block, hash="sha256")
    parsed.txs[0].result.contract_result.gas_used += 77
    after = LEDGER.block_digests(parsed.SerializeToString(), hash="sha256")
    assert after["tx_hashes"] == before["tx_hashes"]
    parsed.header.block_version = 2299
    old = LEDGER.block_digests(parsed.SerializeToString(), hash="sha256")
    assert old["tx_hashes"][0] != before["tx_hashes"][0]
    encoded = parsed.SerializeToString()
    LEDGER.block_digests(encoded, hash="sha256")
    assert parsed.SerializeToString() == encoded


def test_a_tampered_transaction(published):
    def method(block):
        block.txs[7].payload.method += "x"

    failed, report = changed(published, method)
    assert failed == HASHED | {"transactions"}
    assert [fault.index for fault in report.faults] == [7]
    assert report.transactions[7] == Verdict.BAD_SIGNATURE
    assert report.faults[0].tx_id == messages.Block.FromString(published[0]).txs[7].payload.tx_id


# ---- the DAG --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("neighbors", "sound"),
    [
        ([[], [0], [0, 1]], True),
        ([[0]], False),
        ([[], [1]], False),
        ([[], [2], []], False),
        ([[], [], [1, 0]], False),
        ([[], [], [0, 0]], False),
        ([[], [4_294_967_295]], False),
        ([], True),
    ],
)
def test_the_rule_of_the_dag(neighbors, sound):
    assert (dag_fault(neighbors) == "") == sound


def dag_fault(lists, count=None, *, exact=False):
    owners = [i for i, neighbors in enumerate(lists) for _ in neighbors]
    edges = [neighbor for neighbors in lists for neighbor in neighbors]
    count = len(lists) if count is None else count
    return dag.fault(len(lists), np.array(owners, np.int64), np.array(edges, np.int64), count, exact=exact)


def plain_dag_fault(lists):
    """The rule in words, one list after another."""
    for index, neighbors in enumerate(lists):
        if len(neighbors) > index:
            return f"vertex {index}: {len(neighbors)} neighbours, but only {index} transactions before it"
    for index, neighbors in enumerate(lists):
        last = -1
        for neighbor in neighbors:
            if neighbor >= index:
                return f"vertex {index}: neighbour {neighbor} is not before it"
            if neighbor <= last:
                return f"vertex {index}: neighbour {neighbor} after {last}"
            last = neighbor
    return ""


def test_dags_of_every_kind(rng):
    found = []
    for _ in range(2000):
        rows = [sorted(rng.sample(range(i), rng.randint(0, min(i, 5)))) for i in range(rng.randint(1, 40))]
        for _ in range(rng.randint(0, 3)):
            row = rng.choice(rows)
            row.insert(rng.randint(0, len(row)), rng.randint(0, 40))
        found.append(dag_fault(rows))
        assert found[-1] == plain_dag_fault(rows)
    assert "" in found
    assert len(set(found)) > 20
    assert dag_fault([[], [0]], 1) == "2 vertexes for only 1 transactions"
    assert dag_fault([[]], 2) == ""
    assert dag_fault([[]], 2, exact=True) == "1 vertexes for 2 transactions"


def test_dags_in_blocks(published):
    failed, report = changed(published, lambda b: b.dag.vertexes.add())
    assert failed == HASHED | {"dag"}
    assert "17 vertexes" in report.check("dag").got
    failed, report = changed(published, lambda b: b.dag.vertexes[4].neighbors.extend([9]))
    assert failed == HASHED | {"dag"}
    failed, _ = changed(published, lambda b: b.ClearField("dag"))
    assert {"structure", "dag"} <= failed
    block, context = published
    parsed = messages.Block.FromString(block)
    for vertex in parsed.dag.vertexes:
        del vertex.neighbors[:]
    report = LEDGER.validate_block(resign(parsed), context.replace(rebuild_dag=True))
    assert {check.name for check in report.failed} == HASHED | {"dag_rebuilt"}


# ---- quorum certificates that do not parse ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "extra"),
    [
        ("TBFTAddtionalDataKey", b"\xff\xff"),
        ("TBFTAddtionalDataKey", b""),
        ("TBFTAddtionalDataKey", field(6, b"")),
        ("maxbftQC", b"\xff"),
        ("maxbftQC", b""),
        ("maxbftQC", field(1, b"")),
        ("RAFTAddtionalDataKey", b"[" * 100_000),
        ("RAFTAddtionalDataKey", b"{}"),
        ("RAFTAddtionalDataKey", b'{"Signature": 5}'),
        ("RAFTAddtionalDataKey", b'{"Signature": "/w=="}'),
        ("RAFTAddtionalDataKey", b'{"Signature": ""}'),
    ],
)
@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_broken_quorum_certificates(key, extra, rules, published):
    block, context = published
    parsed = messages.Block.FromString(block)
    parsed.additional_data.extra_data.clear()
    parsed.additional_data.extra_data[key] = extra
    report = LEDGER.validate_block(parsed.SerializeToString(), context.replace(rules=rules))
    assert report.check("quorum").ok is False
    assert {check.name for check in report.failed} <= {"quorum", "votes", "voter_binding"}


def test_raft(published):
    import base64
    import json

    block, context = published
    parsed = messages.Block.FromString(block)
    entry = messages.EndorsementEntry(signer=parsed.header.proposer, signature=parsed.header.signature)
    for signature, ok in ((parsed.header.signature, True), (b"other", False)):
        entry.signature = signature
        document = json.dumps({"Signature": base64.b64encode(entry.SerializeToString()).decode()})
        parsed.additional_data.extra_data.clear()
        parsed.additional_data.extra_data["RAFTAddtionalDataKey"] = document.encode()
        report = LEDGER.validate_block(parsed.SerializeToString(), context)
        assert report.check("quorum").ok is ok


def test_a_missing_certificate(published):
    block, context = published
    parsed = messages.Block.FromString(block)
    parsed.ClearField("additional_data")
    bare = parsed.SerializeToString()
    assert LEDGER.validate_block(bare, context).check("quorum").ok is None
    for consensus in ("tbft", "dpos", "maxbft", "raft"):
        assert LEDGER.validate_block(bare, context.replace(consensus=consensus)).check("quorum").ok is False
    report = LEDGER.validate_block(bare, context.replace(consensus="solo"))
    assert "quorum" not in {check.name for check in report}
    assert report.valid


def test_broken_trust_roots_fail_the_report(published):
    block, context = published
    report = LEDGER.validate_block(block, context.replace(trust_roots={**context.trust_roots, "orgX": ("no PEM",)}))
    assert report.check("trust_roots").ok is False
    assert "orgX" in report.check("trust_roots").detail


def test_nothing_is_skipped_in_silence(published):
    """Without context every check that needs one is there, by name, as skipped - and the report is not complete."""
    block, _ = published
    report = LEDGER.validate_block(block)
    names = {check.name for check in report.skipped}
    assert names == {
        "chain_id", "height", "previous_hash", "rw_sets", "quorum", "voter_binding", "proposer_turn",
        "trust_roots",
    }  # fmt: skip
    assert all(check.detail for check in report.skipped)
    assert not report.complete


def test_the_report_is_json(published):
    import json

    block, context = published
    document = json.loads(json.dumps(LEDGER.validate_block(block, context).to_dict()))
    assert document["chain"] == "chainmaker"
    assert document["valid"] is True
    assert {check["status"] for check in document["checks"]} == {"passed", "skipped"}
    assert set(document["timings"]) == {"parse", "hash", "collect", "members", "verify", "decide"}


def test_no_hash_fits(published):
    block, _ = published
    parsed = messages.Block.FromString(block)
    parsed.header.block_hash = bytes(32)
    report = LEDGER.validate_block(parsed.SerializeToString())
    assert report.check("block_hash").ok is False
    assert "no hash" in report.check("block_hash").detail


def test_mutations_never_crash(published, rng: random.Random):
    block, context = published
    for _ in range(150):
        data = bytearray(block)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 3)] = bytes(rng.randrange(256) for _ in range(rng.randint(0, 3)))
        try:
            report = LEDGER.validate_block(bytes(data), context)
        except InputError:
            continue
        assert isinstance(report.valid, bool)
        report.to_dict()


def test_genesis_blocks_are_not_signed():
    header = messages.BlockHeader(block_version=2030700, chain_id="c", block_height=0)
    block = messages.Block(header=header)
    digest = LEDGER.block_digests(block.SerializeToString(), hash="sha256")
    block.header.dag_hash = digest["dag_hash"]
    block.header.block_hash = LEDGER.block_digests(block.SerializeToString(), hash="sha256")["block_hash"]
    report = LEDGER.validate_block(block.SerializeToString(), ChainContext(chain_id="c", height=0))
    assert not report.failed, [str(check) for check in report.failed]
    assert report.check("proposer_signature").ok is None
    assert digest["dag_hash"] == pycore.hash("sha256", b"")
