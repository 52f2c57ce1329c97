"""Requests that are recognised by their shape: they are read as protobuf would read them, or not recognised."""

from __future__ import annotations

import random
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from pycore import testing
from pycore.service import shapes
from pycore.service.batching import cut, join, joint
from pycore.service.handlers import RPCS, execute
from pycore.service.rpc_signatures import _ROWS
from pycore.service.shapes import Shaped, Shapes
from pycore.service.work import Unary, Work
from pycore.wire.schema import column_pb2, signature_pb2

from .conftest import RawCaller
from .test_work import SETTINGS

RPC = RPCS["VerifySignatures"]
assert isinstance(RPC, Unary)


def read(raw: bytes) -> Work:
    assert isinstance(RPC, Unary)
    return RPC.decode(signature_pb2.VerifySignaturesRequest.FromString(raw), SETTINGS)


def requests(scheme: str, n: int, form: str = "data", **options: Any) -> list[bytes]:
    """Serialised requests of one row each."""

    def column(row: Any) -> column_pb2.Column:
        data = bytes(row)
        return column_pb2.Column(data=data, width=len(data)) if form == "data" else column_pb2.Column(rows=[data])

    rows = zip(*testing.generate_signatures(scheme, n, seed=n), strict=True)
    return [
        signature_pb2.VerifySignaturesRequest(
            scheme=scheme, public_keys=column(key), signatures=column(sig), messages=column(message), **options
        ).SerializeToString()
        for key, sig, message in rows
    ]


def learnt(*raws: bytes) -> Shapes:
    found = Shapes(_ROWS)
    for raw in raws:
        work = read(raw)
        found.learn(raw, work, joint(work))
    return found


def same(given: Work, wanted: Work) -> bool:
    columns = [[list(column), column.width] for column in given.columns]
    return (
        (given.kind, given.options, given.n, given.cost) == (wanted.kind, wanted.options, wanted.n, wanted.cost)
        and columns == [[list(column), column.width] for column in wanted.columns]
        and joint(given) == joint(wanted)
    )


@pytest.mark.parametrize("form", ["data", "rows"])
@pytest.mark.parametrize("options", [{}, {"user_id": b"alice"}, {"no_user_id": True}, {"encoding": "compact"}], ids=str)
def test_a_request_of_a_known_shape_is_the_same_work(form: str, options: dict[str, Any]) -> None:
    first, *others = requests("sm2", 5, form, **options)
    known = learnt(first)
    for raw in others:
        found = known.recognise(raw)
        assert type(found) is Shaped
        assert same(found, read(raw))
        assert execute(found, SETTINGS) == execute(read(raw), SETTINGS)


@pytest.mark.parametrize("inside", [False, True], ids=["after the columns", "in a column"])
@pytest.mark.parametrize("odd", ["7b7c", "7b08017c", "7a8180808080808080800278"], ids=["group", "full group", "length"])
def test_a_request_that_is_not_walked_to_its_end_has_no_shape(odd: str, inside: bool) -> None:
    """Of a column that is there twice protobuf merges both, also where a group, or a length that some of its
    implementations cut to 64 bits, lies in between: the key is the second one, whatever the first one is."""
    first, second = (read(raw).columns[0][0] for raw in requests("ed25519", 2))

    def written(one: bytes) -> bytes:
        request = signature_pb2.VerifySignaturesRequest.FromString(requests("ed25519", 2)[0])
        again = b"\x0a" + bytes([len(first)]) + first  # Column.data
        request.public_keys.data = one
        column = request.public_keys.SerializeToString() + (bytes.fromhex(odd) + again if inside else b"")
        request.ClearField("public_keys")
        tag = bytes([_ROWS[0] << 3 | 2])
        raw = tag + bytes([len(column)]) + column + request.SerializeToString()
        return raw if inside else raw + bytes.fromhex(odd) + tag + bytes([len(again)]) + again

    try:
        known = learnt(written(first))
    except DecodeError:
        return  # it is no message for this protobuf
    assert read(written(second)).columns[0][0] == first
    assert known.recognise(written(second)) is None


def test_whatever_is_recognised_is_read_as_protobuf_reads_it(rng: random.Random) -> None:
    """Every byte of a request is changed: where it is still recognised, the work is that of the parser."""
    known = learnt(*(raw for scheme in ("sm2", "ed25519") for raw in requests(scheme, 2)))
    recognised = 0
    for raw in (requests("sm2", 3)[1], requests("ed25519", 3)[1]):
        for at in range(len(raw)):
            changed = raw[:at] + bytes([raw[at] ^ rng.randrange(1, 256)]) + raw[at + 1 :]
            found = known.recognise(changed)
            if found is not None:
                recognised += 1
                assert same(found, read(changed))
        assert known.recognise(raw[:-1]) is None
        assert known.recognise(raw + b"\0") is None
    assert recognised == sum(len(cell) for raw in (requests("sm2", 3)[1], requests("ed25519", 3)[1])
                             for column in read(raw).columns for cell in column)  # fmt: skip


def test_what_is_no_single_row_is_not_learnt() -> None:
    (raw,) = requests("ed25519", 1)
    twice = (
        raw
        + signature_pb2.VerifySignaturesRequest(messages=column_pb2.Column(data=b"other", width=5)).SerializeToString()
    )
    ragged = signature_pb2.VerifySignaturesRequest.FromString(raw)
    ragged.messages.Clear()
    ragged.messages.data, ragged.messages.offsets = b"abc", b"\0\0\0\0\3\0\0\0"
    two = signature_pb2.VerifySignaturesRequest.FromString(raw)
    for column in (two.public_keys, two.signatures, two.messages):
        column.data *= 2
    empty = signature_pb2.VerifySignaturesRequest.FromString(raw)
    empty.messages.Clear()
    data = ragged.SerializeToString()  # a single row all the same
    found = learnt(data).recognise(data)
    assert found is not None
    assert same(found, read(data))
    for given in (two, empty):
        known = learnt(given.SerializeToString())
        assert known.recognise(given.SerializeToString()) is None
    try:
        known = learnt(twice)
    except ValueError:  # protobuf joins the two, which do not fit each other
        known = Shapes(_ROWS)
    assert known.recognise(twice) is None


def test_joined_they_are_what_each_is_alone(rng: random.Random) -> None:
    raws = requests("sm2", 12)
    long = signature_pb2.VerifySignaturesRequest.FromString(raws[0])
    long.messages.data, long.messages.width = b"a longer message than the others have", 37
    known = learnt(raws[0], long.SerializeToString())
    works: list[Work] = []
    for raw in [*raws, long.SerializeToString()]:
        found = known.recognise(raw)
        works.append(found if found is not None and rng.random() < 0.9 else read(raw))
    assert len({joint(one) for one in works}) == 1
    for some in (works[:5], works[:1], works):
        for part, one in zip(cut(execute(join(some), SETTINGS), some), some, strict=True):
            assert part == execute(one, SETTINGS)


def test_shapes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "_MOST_SHAPES", 8)
    known = Shapes(_ROWS)
    (raw,) = requests("ed25519", 1)
    for length in range(1, 40):
        request = signature_pb2.VerifySignaturesRequest.FromString(raw)
        request.messages.data, request.messages.width = bytes(length), length
        data = request.SerializeToString()
        known.learn(data, work := read(data), joint(work))
        assert known.recognise(data) is not None
        assert sum(map(len, known._known.values())) <= 8


def test_memory_that_others_may_write_to_is_copied() -> None:
    first, second = requests("sm2", 2)
    known = Shapes(_ROWS)
    view: Any = memoryview(bytearray(first))
    known.learn(view, read(first), joint(read(first)))
    assert known.recognise(first) is None
    known = learnt(first)
    memory = bytearray(second)
    found = known.recognise(memoryview(memory))  # type: ignore[arg-type]
    memory[:] = bytes(len(memory))
    assert found is not None
    assert same(found, read(second))


def spoilt(raw: bytes) -> bytes:
    """A request with one bit of the signature changed."""
    request = signature_pb2.VerifySignaturesRequest.FromString(raw)
    data = request.signatures.data
    request.signatures.data = data[:40] + bytes([data[40] ^ 1]) + data[41:]
    return request.SerializeToString()


def test_the_service_answers_alike(raw: RawCaller) -> None:
    for scheme in ("sm2", "ed25519", "ecdsa-secp256k1"):
        good = requests(scheme, 4)
        bad = [spoilt(one) for one in good]
        for request in [*good, *bad, *good]:
            wanted = RPC.encode(execute(read(request), SETTINGS)).SerializeToString()
            assert raw("VerifySignatures", request) == wanted
