"""Columns, verdicts and reports over the wire and back; counting before parsing; the contract's own promises."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import pycore
from pycore._pb.validation.v1 import column_pb2, hash_pb2, signature_pb2, verdict_pb2
from pycore.base.columns import Column, as_column
from pycore.base.deadline import Budget, ExpiredError
from pycore.base.report import BlockReport, Check, TransactionFault
from pycore.errors import InputError, LengthError
from pycore.wire import columns as wire
from pycore.wire.count import check_item_count
from pycore.wire.reports import from_block_report, to_block_report
from pycore.wire.settings import Limits, Settings

from .conftest import PACKAGE, ROOT, u32, u64

SETTINGS = Settings(Limits(1 << 24, 1000, 1 << 20, 1 << 28))
rows_strategy = st.lists(st.binary(max_size=40), max_size=30)


def over_the_wire(column: Column) -> Column:
    message = column_pb2.Column.FromString(wire.to_column(column).SerializeToString())
    return wire.from_column(message, "messages", SETTINGS)


@given(rows_strategy)
def test_ragged_columns_survive(rows: list[bytes]) -> None:
    column = as_column(rows, "messages")
    assert list(over_the_wire(column)) == rows
    assert list(over_the_wire(column[len(rows) // 3 :])) == rows[len(rows) // 3 :]


@given(st.integers(0, 20), st.integers(0, 40))
def test_fixed_width_columns_survive(n: int, width: int) -> None:
    matrix = np.arange(n * width, dtype=np.uint64).astype(np.uint8).reshape(n, width)
    assert list(over_the_wire(as_column(matrix, "messages"))) == [row.tobytes() for row in matrix]


def test_strided_and_reversed_columns_survive() -> None:
    matrix = np.arange(640, dtype=np.uint64).astype(np.uint8).reshape(10, 64)
    for view in (matrix[::2, 8:40], matrix[::-1], np.broadcast_to(matrix[0], (5, 64))):
        assert list(over_the_wire(as_column(view, "messages"))) == [row.tobytes() for row in view]


@given(rows_strategy)
def test_the_row_form_means_the_same(rows: list[bytes]) -> None:
    assert list(wire.from_column(column_pb2.Column(rows=rows), "messages", SETTINGS)) == rows


@pytest.mark.parametrize(
    ("column", "field"),
    [
        (column_pb2.Column(data=b"abc"), "messages.width"),
        (column_pb2.Column(data=b"abc", width=2), "messages"),
        (column_pb2.Column(data=b"abcd", width=2, offsets=u32(0, 4)), "messages.width"),
        (column_pb2.Column(data=b"abcd", width=2, rows=[b"a"]), "messages"),
        (column_pb2.Column(offsets=u32(0), rows=[b"a"]), "messages"),
        (column_pb2.Column(data=b"abcd", offsets=u32(0, 4)[:-1]), "messages.offsets"),
        (column_pb2.Column(data=b"abcd", offsets=u32(0, 5)), "messages.offsets"),
        (column_pb2.Column(data=b"abcd", offsets=u32(0, 3, 2, 4)), "messages.offsets"),
        (column_pb2.Column(data=b"abcd", offsets=u32(0, 0xFFFFFFFF)), "messages.offsets"),
        (column_pb2.Column(offsets=u32(0, 1)), "messages.offsets"),
        (column_pb2.Column(data=b"abcd", width=0xFFFFFFFF), "messages"),
        (column_pb2.Column(rows=[b""] * 1001), "messages"),
        (column_pb2.Column(offsets=u32(*[0] * 1002)), "messages"),
        (column_pb2.Column(data=bytes(1001), width=1), "messages"),
    ],
)
def test_malformed_columns_name_their_field(column: column_pb2.Column, field: str) -> None:
    with pytest.raises(InputError) as caught:
        wire.from_column(column, "messages", SETTINGS)
    assert caught.value.field.startswith(field)


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=40))
def test_numbers_survive(values: list[int]) -> None:
    assert wire.to_numbers(values) == u64(*values)
    found = wire.numbers(u64(*values), "indices", SETTINGS)
    assert found.tolist() == values
    assert found.dtype == np.uint64


def test_malformed_numbers_name_their_field() -> None:
    for raw in (b"\0", bytes(15), bytes(8 * 1001)):
        with pytest.raises(LengthError) as caught:
            wire.numbers(raw, "indices", SETTINGS)
        assert caught.value.field == "indices"


def test_received_columns_are_views() -> None:
    data = bytes(range(64))
    column = wire.from_column(column_pb2.Column(data=data, width=32), "messages", SETTINGS)
    assert column.data.base is not None
    assert not column.data.flags.owndata


@given(st.binary(max_size=40).map(lambda raw: bytes(code % 17 for code in raw)))
def test_verdicts_survive(codes: bytes) -> None:
    verdicts = pycore.Verdicts(codes)
    message = wire.to_verdicts(verdicts)
    assert wire.from_verdicts(message) == verdicts
    assert message.count == len(codes)
    assert message.valid_count == codes.count(1)
    bits = [message.bitmap[i // 8] >> (i % 8) & 1 for i in range(len(codes))]
    assert bits == [int(code == 1) for code in codes]


def test_verdict_numbers_equal_the_registry() -> None:
    wire = {value.name.removeprefix("VERDICT_"): value.number for value in verdict_pb2.Verdict.DESCRIPTOR.values}
    wire["UNCHECKED"] = wire.pop("UNSPECIFIED")
    assert wire == {verdict.name: int(verdict) for verdict in pycore.Verdict}


def test_reports_survive() -> None:
    report = BlockReport(
        chain="chainmaker",
        rules="strict",
        height=(1 << 64) - 1,
        block_hash=bytes(range(32)),
        checks=(
            Check("a", True, got=1, wanted=1),
            Check("b", False, got=b"\x01\x02", wanted=b"", detail="because"),
            Check("c", None, got=None, wanted="text", detail="no context"),
            Check("d", True, got=True, wanted=-5),
            Check("e", True, got=0.5, wanted=""),
        ),
        transactions=pycore.Verdicts(bytes([1, 2, 1])),
        faults=(TransactionFault(1, pycore.Verdict.BAD_SIGNATURE, "tx1", "sender"),),
        counts={"sm2": 3},
        timings={"parse": 0.25},
    )
    message = to_block_report(report)
    again = from_block_report(type(message).FromString(message.SerializeToString()))
    assert again.to_dict() == report.to_dict()
    assert message.valid == report.valid
    assert message.complete == report.complete


# ---- splitting -------------------------------------------------------------------------------------------------------


@given(rows_strategy, st.integers(1, 10), st.integers(1, 200))
def test_split_covers_every_row_once_within_the_bounds(rows: list[bytes], items: int, nbytes: int) -> None:
    column = as_column(rows, "messages")
    ranges = wire.split([column, column], items, nbytes)
    assert [i for start, stop in ranges for i in range(start, stop)] == list(range(len(rows)))
    for start, stop in ranges:
        assert stop - start <= items
        assert stop - start <= 1 or sum(2 * (len(row) + 4) for row in rows[start:stop]) <= nbytes
    assert len(ranges) == 1 or all(start < stop for start, stop in ranges)


# ---- counting before parsing -----------------------------------------------------------------------------------------


@given(rows_strategy, st.integers(0, 30))
def test_count_agrees_with_the_parser(rows: list[bytes], limit: int) -> None:
    raw = hash_pb2.HashBatchRequest(algorithm="sm3", messages=column_pb2.Column(rows=rows)).SerializeToString()
    if len(rows) > limit:
        with pytest.raises(LengthError) as caught:
            check_item_count(raw, hash_pb2.HashBatchRequest, limit)
        assert caught.value.field == "messages"
    else:
        check_item_count(raw, hash_pb2.HashBatchRequest, limit)


def test_count_sees_columns_that_come_in_pieces_and_inside_a_stream_message() -> None:
    piece = hash_pb2.HashBatchRequest(messages=column_pb2.Column(rows=[b""] * 6)).SerializeToString()
    assert len(hash_pb2.HashBatchRequest.FromString(piece + piece).messages.rows) == 12
    with pytest.raises(LengthError):
        check_item_count(piece + piece, hash_pb2.HashBatchRequest, 10)
    batch = signature_pb2.VerifySignaturesRequest(messages=column_pb2.Column(rows=[b""] * 6))
    raw = signature_pb2.VerifySignatureStreamRequest(id=1, batch=batch).SerializeToString()
    with pytest.raises(LengthError):
        check_item_count(raw, signature_pb2.VerifySignatureStreamRequest, 5)
    check_item_count(raw, signature_pb2.VerifySignatureStreamRequest, 6)


@pytest.mark.parametrize(
    "field", [b"\x12\x00", b"\x7a\x00", b"\x78\x01"], ids=["empty columns", "unknown texts", "unknown numbers"]
)
def test_count_ends_where_there_is_more_than_could_be_rows(field: bytes) -> None:
    check_item_count(field * 4000, hash_pb2.HashBatchRequest, 1)
    with pytest.raises(LengthError, match=r"request: got more than \d+ fields"):
        check_item_count(field * 20_000, hash_pb2.HashBatchRequest, 1)
    with Budget(deadline=5.0, clock=lambda: 5.0), pytest.raises(ExpiredError):
        check_item_count(field * 20_000, hash_pb2.HashBatchRequest, 10_000)


def test_count_goes_on_behind_a_group() -> None:
    """No message here has groups; parsers pass over them, and read the rows behind."""
    rows = column_pb2.Column(rows=[b""] * 6).SerializeToString()
    for group in ("7b7c", "7b08017c"):
        inside = bytes.fromhex(group) + rows
        message = hash_pb2.HashBatchRequest(algorithm="sm3").SerializeToString()
        tag = bytes([hash_pb2.HashBatchRequest.MESSAGES_FIELD_NUMBER << 3 | 2])
        for raw in (
            message + tag + bytes([len(inside)]) + inside,
            message + bytes.fromhex(group) + tag + bytes([len(rows)]) + rows,
        ):
            assert len(hash_pb2.HashBatchRequest.FromString(raw).messages.rows) == 6
            with pytest.raises(LengthError):
                check_item_count(raw, hash_pb2.HashBatchRequest, 5)
            check_item_count(raw, hash_pb2.HashBatchRequest, 6)


@given(st.binary(max_size=200))
@example(b"\r")  # a fixed32 that is cut off
@example(b"\x09" + bytes(7))
def test_count_never_fails_on_garbage(raw: bytes) -> None:
    check_item_count(raw, signature_pb2.VerifySignatureStreamRequest, 1000)


def test_admission_knows_nothing_of_grpc() -> None:
    code = "import sys, pycore.service.admission; sys.exit(any(name.split('.')[0] == 'grpc' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PACKAGE, check=False).returncode == 0


# ---- the contract ----------------------------------------------------------------------------------------------------


def test_generated_code_asks_for_no_runtime() -> None:
    """Compilers since 27.0 have modules refuse each protobuf that is older than the compiler."""
    modules = sorted((ROOT / "pycore" / "_pb").rglob("*_pb2.py"))
    assert len(modules) > 20
    assert [path.name for path in modules if "runtime_version" in path.read_text()] == []


def test_generated_code_is_fresh() -> None:
    pytest.importorskip("grpc_tools")
    run = subprocess.run(
        [sys.executable, "tools/gen_proto.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
