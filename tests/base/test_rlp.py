"""RLP: published encodings, published faults, bounds, and columns of it."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from fuzz.fuzz_rlp import by_columns
from oracle.trie import rlp as oracle

from pycore.base import rlp
from pycore.errors import InputError
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.rlp_columns import Fields, Items, lists, minimal, to_numbers, to_rows


def item(value):
    """A published case's value: text, a number ("#..." where it is large) or a list."""
    if isinstance(value, list):
        return [item(one) for one in value]
    if isinstance(value, str) and value.startswith("#"):
        return int(value[1:])
    return value.encode() if isinstance(value, str) else value


def plain(value):
    return [plain(one) for one in value] if isinstance(value, list) else (
        rlp.number_bytes(value) if isinstance(value, int) else value
    )  # fmt: skip


@pytest.mark.vectors
def test_published_encodings(require_vectors, count_cases):
    cases = json.loads((require_vectors("ethereum/RLPTests") / "rlptest.json").read_text())
    for case in cases.values():
        data = bytes.fromhex(case["out"].removeprefix("0x"))
        assert rlp.encode(item(case["in"])) == data
        assert rlp.decode(data) == plain(item(case["in"]))
        assert by_columns(Spans.joined([data]), 16) == [[plain(item(case["in"]))]]
    count_cases("ethereum/RLPTests: encodings", len(cases))


@pytest.mark.vectors
def test_published_faults(require_vectors, count_cases):
    cases = json.loads((require_vectors("ethereum/RLPTests") / "invalidRLPTest.json").read_text())
    for name, case in cases.items():
        data = bytes.fromhex(case["out"].removeprefix("0x"))
        with pytest.raises(InputError, match="rlp"):
            rlp.decode(data)
        columns = by_columns(Spans.joined([data]), 16)
        assert columns[0] is None or len(columns[0]) != 1, name
    count_cases("ethereum/RLPTests: faults", len(cases))


@pytest.mark.parametrize(
    "data",
    ["", "8100", "817f", "b80105", "f80105", "b90038" + "00" * 56, "f8", "b8", "83aabb", "c2", "c180c0", "8080",
     "c28100"],
)  # fmt: skip
def test_each_form_that_is_not_canonical(data):
    with pytest.raises(InputError, match="rlp"):
        rlp.decode(bytes.fromhex(data))


def test_depth_and_items_are_bounded():
    assert rlp.decode(oracle(nested(16)))
    with pytest.raises(InputError, match="lists in one another"):
        rlp.decode(oracle(nested(17)))
    with pytest.raises(InputError, match="more than 9 items"):
        rlp.decode(rlp.encode([b""] * 9), max_items=9)
    with pytest.raises(InputError, match="lists in one another"):
        rlp.decode(oracle(nested(200)))


def nested(depth):
    made: list = []
    for _ in range(depth - 1):
        made = [made]
    return made


def test_typed_items():
    assert rlp.number(b"\x01\x00", 2) == 256
    for bad in (b"\x00", b"\x00\x01", b"\x01\x02\x03", [b""]):
        with pytest.raises(InputError):
            rlp.number(bad, 2)
    assert rlp.octets(b"ab", 2) == rlp.octets(b"ab", (1, 2)) == rlp.octets(b"ab", None) == b"ab"
    for bad in (b"abc", [b""]):
        with pytest.raises(InputError):
            rlp.octets(bad, 2)
    assert rlp.items([b"", b""], 2) == [b"", b""]
    for bad in ([b""], b""):
        with pytest.raises(InputError):
            rlp.items(bad, 2)
    for bad in (-1, True, "a", None):
        with pytest.raises(InputError):
            rlp.encode(bad)


def test_fields_of_records(seed):
    rng = random.Random(seed)
    good = [[rng.randbytes(rng.randrange(40)) for _ in range(3)] for _ in range(20)]
    bad = [b"", b"\x80", oracle([b"a", b"b"]), oracle([b"a"] * 4), oracle(good[0]) + b"\x00", oracle(good[0])[:-1]]
    data = [oracle(one) for one in good]
    mixed = data[:5] + bad + data[5:]
    rows = Fields.of(Spans.joined(mixed), 3)
    assert rows.sound.tolist() == [True] * 5 + [False] * 6 + [True] * 15
    kept = np.flatnonzero(rows.sound)
    for field in range(3):
        column = rows.column(field).items()
        assert [column[i] for i in kept] == [one[field] for one in good]
        assert not any(column[i] for i in np.flatnonzero(~rows.sound))
        assert not rows.is_string(field)[~rows.sound].any()
    before = rows.before(2).items()
    assert [before[i] for i in kept] == [b"".join(map(oracle, one[:2])) for one in good]
    fewer = Fields.of(Spans.joined([oracle([b"a"]), oracle([b"a", b"b"]), oracle([])]), 2, fewest=1)
    assert fewer.sound.tolist() == [True, True, False]
    assert fewer.is_string(1).tolist() == [False, True, False]


def test_lists_and_numbers():
    pieces = Spans.joined([b"\x01\x02", b"", b"\x83abc" * 20])
    made = list(lists(pieces, heads=[b"", b"\x02", b"cfx"], tails=b"\x80"))
    assert made == [b"\xc3\x01\x02\x80", b"\x02\xc1\x80", b"cfx\xf8\x51" + b"\x83abc" * 20 + b"\x80"]
    spans = Spans.joined([b"", b"\x01", b"\x00", b"\x01\x00", b"\xff" * 8, b"\xff" * 9])
    assert to_numbers(spans).tolist() == [0, 1, 0, 256, (1 << 64) - 1, (1 << 64) - 1]
    assert minimal(spans, 8).tolist() == [True, True, False, True, True, False]
    assert to_rows(Spans.joined([b"ab", b"a", b"abc"]), 2).tobytes() == b"ab\0a\0\0"


def test_a_piece_that_leaves_the_data():
    with pytest.raises(RuntimeError):
        Items.of(Spans.of(np.zeros(3, np.uint8), np.array([0]), np.array([4])), most=1)
