"""Requests that are written without protobuf's copies are the messages that protobuf writes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message

import pycore
from pycore.base.columns import Column, as_column
from pycore.errors import LengthError
from pycore.wire import packing
from pycore.wire.columns import fill_column, from_column
from pycore.wire.packing import nested, packed, packed_parts, packed_rows
from pycore.wire.schema import METHODS, block_pb2, column_pb2, signature_pb2
from pycore.wire.settings import UNLIMITED


def column_fields(kind: type[Message]) -> list[Any]:
    return [
        field
        for field in kind.DESCRIPTOR.fields
        if field.message_type is not None and field.message_type.full_name == column_pb2.Column.DESCRIPTOR.full_name
    ]


REQUESTS = sorted(
    {method.request for method in METHODS.values() if column_fields(method.request)},
    key=lambda kind: kind.DESCRIPTOR.name,
)


def random_column(rng: random.Random) -> Column:
    n = rng.choice([0, 1, 2, 5, 127, 128, 300])
    width = rng.choice([0, 1, 32, 64, 127, 128, 129])
    data = np.frombuffer(rng.randbytes((n + 1) * (width + 1)), np.uint8)
    form = rng.randrange(4)
    if form == 0:
        return Column(data[: n * width].reshape(n, width))
    if form == 1:  # strided between its rows
        return Column(data.reshape(n + 1, width + 1)[:n, :width])
    if form == 2:
        return as_column([rng.randbytes(rng.randrange(40)) for _ in range(n)], "rows")
    whole = as_column([rng.randbytes(rng.randrange(40)) for _ in range(n + 3)], "rows")
    return whole.slice(2, n + 2)  # its offsets do not begin at 0


def fill(message: Message, rng: random.Random) -> None:
    """Something in the fields that are neither columns nor messages."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None or field.is_repeated or rng.random() < 0.3:
            continue
        kinds = {
            field.CPPTYPE_STRING: lambda field=field: (
                rng.randbytes(rng.choice([0, 3, 200])) if field.type == field.TYPE_BYTES else "x" * rng.randrange(140)
            ),
            field.CPPTYPE_BOOL: lambda: True,
            field.CPPTYPE_INT64: lambda: rng.randrange(1 << 40),
            field.CPPTYPE_UINT64: lambda: rng.randrange(1 << 60),
            field.CPPTYPE_UINT32: lambda: rng.randrange(1 << 30),
            field.CPPTYPE_ENUM: lambda: 1,
        }
        setattr(message, field.name, kinds[field.cpp_type]())


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_requests_with_columns_are_those_of_protobuf(kind: type[Message], rng: random.Random) -> None:
    fields = column_fields(kind)
    behind = max(field.number for field in kind.DESCRIPTOR.fields if field not in fields) < fields[0].number
    for _ in range(60):
        bare = kind()
        fill(bare, rng)
        wanted = kind()
        wanted.CopyFrom(bare)
        columns = {field: random_column(rng) for field in fields if rng.random() < 0.9}
        for field, column in columns.items():
            fill_column(getattr(wanted, field.name), column)
            getattr(wanted, field.name).SetInParent()
        found = packed(bare, [(field.number, column) for field, column in columns.items()])
        read = kind.FromString(found)
        assert read == wanted
        assert len(found) == wanted.ByteSize()
        if behind or not columns:
            assert found == wanted.SerializeToString()
        for field, column in columns.items():
            assert list(from_column(getattr(read, field.name), field.name, UNLIMITED)) == list(column)


def test_there_are_such_requests() -> None:
    assert len(REQUESTS) >= 10


def test_messages_of_a_stream_are_those_of_protobuf(rng: random.Random) -> None:
    for number in (1, 127, 128, 1 << 20, (1 << 64) - 1):
        columns = [random_column(rng) for _ in range(3)]
        wanted = signature_pb2.VerifySignatureStreamRequest(id=number)
        wanted.batch.scheme = "sm2"
        for name, column in zip(("public_keys", "signatures", "messages"), columns, strict=True):
            fill_column(getattr(wanted.batch, name), column)
            getattr(wanted.batch, name).SetInParent()
        head = signature_pb2.VerifySignatureStreamRequest(id=number).SerializeToString()
        bare = signature_pb2.VerifySignaturesRequest(scheme="sm2")
        size, parts = packed_parts(bare, zip((9, 10, 11), columns, strict=True))
        assert nested(head, 2, size, parts) == wanted.SerializeToString()


def test_rows_are_those_of_protobuf(rng: random.Random) -> None:
    for count in (0, 1, 5):
        rows = [rng.randbytes(rng.choice([0, 1, 127, 128, 70000])) for _ in range(count)]
        wanted = block_pb2.ValidateBlocksRequest(chain="fabric", context_json=b"{}", blocks=rows)
        bare = block_pb2.ValidateBlocksRequest(chain="fabric", context_json=b"{}")
        assert packed_rows(bare, 4, rows) == wanted.SerializeToString()


def test_what_no_message_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MOST_BYTES", 1000)
    column = as_column([bytes(500)] * 2, "rows")
    with pytest.raises(LengthError, match="at most 1000"):
        packed(signature_pb2.VerifySignaturesRequest(), [(9, column)])
    with pytest.raises(LengthError, match="at most 1000"):
        packed(b"x" * 10, [(9, as_column(bytes(1000), "rows", width=10))])
    with pytest.raises(LengthError, match="at most 1000"):
        packed_rows(block_pb2.ValidateBlocksRequest(), 4, [bytes(999)])


def test_a_stride_of_zero_is_sent_as_often_as_it_says() -> None:
    repeated = Column(np.broadcast_to(np.frombuffer(b"key!", np.uint8), (3, 4)))
    message = pycore.wire.schema.hash_pb2.HashBatchRequest.FromString(packed(b"", [(2, repeated)]))
    assert message.messages.data == b"key!" * 3
