"""Requests whose columns are cut out in C, without protobuf: wherever they are cut protobuf reads the same."""

from __future__ import annotations

import random

import pytest
from google.protobuf.message import DecodeError

from pycore.base.columns import as_column
from pycore.base.ffi_lane import Part, cut_columns, read_cut
from pycore.errors import InputError
from pycore.service import rpc_signatures
from pycore.service.work import Work
from pycore.wire.packing import Packed, packed, packed_parts
from pycore.wire.schema import column_pb2, signature_pb2
from pycore.wire.settings import UNLIMITED

Request = signature_pb2.VerifySignaturesRequest
FIRST = Request.PUBLIC_KEYS_FIELD_NUMBER


def request(rng: random.Random) -> Request:
    def column() -> column_pb2.Column:
        form = rng.randrange(5)
        if form == 0:
            return column_pb2.Column(data=rng.randbytes(rng.choice((0, 12))), width=rng.choice((1, 4, 5, 12, 2**31)))
        if form == 1:
            offsets = b"".join(i.to_bytes(4, "little") for i in sorted(rng.randrange(10) for _ in range(3)))
            return column_pb2.Column(data=rng.randbytes(9), offsets=offsets[: rng.choice((12, 12, 11))])
        if form == 2:
            return column_pb2.Column(rows=[rng.randbytes(i) for i in range(rng.randrange(3))])
        if form == 3:
            return column_pb2.Column(data=rng.randbytes(3), width=3, offsets=rng.randbytes(4))
        return column_pb2.Column()

    found = Request(
        scheme=rng.choice(("ed25519", "sm2", "")), rules=rng.choice(("", "strict")), prehashed=rng.random() < 0.2
    )
    for name in ("public_keys", "signatures", "messages"):
        if rng.random() < 0.95:
            getattr(found, name).CopyFrom(column())
    if rng.random() < 0.3:
        found.user_id = rng.randbytes(rng.choice((0, 3, 1100)))
    return found


def outcome(raw: bytes, by: object) -> object:
    """The work that a request is read as, or why there is none."""
    try:
        read = by(raw)  # type: ignore[operator]
        work: Work = rpc_signatures._decode(read, UNLIMITED)
    except DecodeError:
        return DecodeError
    except InputError as error:
        return str(error)
    return work.kind, work.options, work.n, [list(column) for column in work.columns]


def test_what_is_cut_is_what_protobuf_reads() -> None:
    rng = random.Random(7)
    cut = refused = 0
    for i in range(4000):
        message = request(rng)
        raw = bytearray(message.SerializeToString())
        for _ in range(0 if i % 3 == 0 else rng.randrange(4)):  # and what a hostile caller sends
            at = rng.randrange(len(raw) + 1)
            raw[at : at + rng.randrange(2)] = rng.randbytes(rng.randrange(3))
        given = bytes(raw)
        if i % 10 == 0:
            given += message.SerializeToString()  # columns that come twice are merged
        found = cut_columns(given, FIRST, 3)
        assert outcome(given, rpc_signatures._parse) == outcome(given, Request.FromString)
        cut += found is not None
        refused += found is None
    assert cut > 800
    assert refused > 800


def test_the_rest_is_what_is_left() -> None:
    message = Request(scheme="sm2", user_id=b"me")
    for name in ("public_keys", "signatures", "messages"):
        getattr(message, name).CopyFrom(column_pb2.Column(data=b"abcd", width=2))
    found = cut_columns(message.SerializeToString(), FIRST, 3)
    assert found is not None
    rest, spans = read_cut(found, 3)
    assert Request.FromString(rest) == Request(scheme="sm2", user_id=b"me")
    raw = message.SerializeToString()
    for span in spans:
        part = Part.of(raw, span)
        assert (bytes(part.data), part.width, bytes(part.offsets), part.rows) == (b"abcd", 2, b"", ())
        assert span.matrix(raw).tolist() == [[97, 98], [99, 100]]
        assert span.n == 2
    assert cut_columns(raw.replace(b"abcd", b"efgh"), FIRST, 3) == found
    assert cut_columns(raw + b"\x12\x01x", FIRST, 3) != found
    assert cut_columns(b"", FIRST, 3) is None
    assert cut_columns(b"", FIRST, 0) is None
    assert cut_columns(b"", FIRST, 40) is None


@pytest.mark.parametrize("width", [1, 32])
def test_an_encoding_in_pieces(width: int) -> None:
    columns = [(9, as_column(bytes(range(96)), "x", width=width)), (10, as_column([b"a", b"", b"bcd"], "y"))]
    whole = packed(b"\n\x07ed25519", columns)
    pieces = Packed(*packed_parts(b"\n\x07ed25519", columns))
    assert pieces.SerializeToString() == whole
    assert len(pieces) == len(whole)
    memory = bytearray(len(whole) + 3)
    pieces.write(memory)
    assert memory == whole + bytes(3)
