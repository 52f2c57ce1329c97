"""Envelopes of Fabric that readers of protobuf do not agree on: Go's reading counts."""

from __future__ import annotations

import pytest
from fabric_parts import CHANNEL, ENTRIES, LEDGER, RULES, block_of, parts, report_of, varint

from pycore._pb.ledgers.fabric.v1 import block_pb2, transaction_pb2
from pycore.errors import InputError
from pycore.ledgers.fabric.codes import Code


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


class Raw:
    """Bytes in the place of a message."""

    def __init__(self, data: bytes) -> None:
        self.SerializeToString = lambda: data


LONG_ZERO = b"\x80" * 9 + b"\x00"
TOO_LONG = b"\x80" * 9 + b"\x02"


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    ("more", "code"),
    [
        (b"\x30" + LONG_ZERO, Code.VALID),  # an epoch of 0 in ten bytes
        (b"\x30" + TOO_LONG, Code.BAD_COMMON_HEADER),  # 2^64, of which some readers keep 64 bits
        (b"\x78" + TOO_LONG, Code.BAD_COMMON_HEADER),  # in a field that nobody knows
        (b"\xc2\x80\x80\x80\x80\x80\x00" + b"\x81\x80\x80\x80\x80\x80\x00" + b"a", Code.VALID),  # long tag and length
        (b"\x7b\x00\x00\x7c", Code.BAD_COMMON_HEADER),  # a group with a field 0
        (b"\x7b" * 200 + b"\x7c" * 200, Code.VALID),  # groups within one another
    ],
)
def test_numbers_and_groups_are_read_as_go_reads_them(more, code, rules):
    one = parts()
    one.channel = Raw(one.channel.SerializeToString() + more)
    report = report_of(block_of([ENTRIES[1], one.envelope()], codes=bytes([0, code])), rules=rules)
    assert list(report.codes) == [Code.VALID, code]
    assert report.valid, report.failed


def test_long_lengths_inside_of_messages_that_are_merged():
    """Python's parser takes neither; the merged message is one that Go reads."""
    one = parts()
    one.action.events = transaction_pb2.ChaincodeEvent(chaincode_id="ledger").SerializeToString()
    one.envelope()
    data = one.payload.data
    size = bytearray(varint(len(data)))
    size[-1] |= 0x80
    long = bytes(size) + b"\x80" * (8 - len(size)) + b"\x00"
    head = block_pb2.Payload(header=one.payload.header).SerializeToString()
    one.payload_bytes = head + block_pb2.Payload(data=b"\xff").SerializeToString() + b"\x12" + long + data
    report = LEDGER.validate_block(block_of([one.envelope()]), CHANNEL.context(1, CHANNEL.genesis_hash), events=True)
    assert report.transactions.all_valid
    assert len(report.events) == 1


def test_what_a_range_query_read_is_a_message():
    sets = transaction_pb2.TxReadWriteSet()
    good = transaction_pb2.KVRWSet()
    good.range_queries_info.add(start_key="a").raw_reads.kv_reads.add(key="k")
    for data, code in (
        (good.SerializeToString(), Code.VALID),
        (b"\x12\x04\x22\x02\x0a\x01", Code.BAD_RWSET),  # raw_reads that are cut off
        (b"\x12\x05\x2a\x03\x1a\x02\x01", Code.BAD_RWSET),  # hashes that are
        (b"\x12\x07\x22\x05\x0a\x03\x0a\x01\xff", Code.BAD_RWSET),  # a key that is not UTF-8
    ):
        one = parts()
        sets.Clear()
        sets.ns_rwset.add(namespace="ledger", rwset=data)
        one.action.results = sets.SerializeToString()
        assert list(report_of(block_of([one.envelope()], codes=b"")).codes) == [code], data.hex()
