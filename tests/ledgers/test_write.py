"""Records written from columns, against the same written piece by piece in Python."""

from __future__ import annotations

import base64
import json
import random

import numpy as np
import pytest

from pycore.errors import InputError
from pycore.ledgers import write
from pycore.ledgers.scan import Spans
from pycore.ledgers.write import Records, counts, following

ODD = [
    b"",
    b"\x00",
    b'<&>"\\',
    b"\xe2\x80\xa8\xe2\x80\xa9",
    b"\xff\xed\xa0\x80",
    "\u00e4\U0001f600".encode(),
    b"\b\f\n\r\t\x1f",
]


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def go_json(data: bytes, *, short_names: bool = False) -> bytes:
    """A string as Go's encoding/json writes it."""
    out = []
    at = 0
    while at < len(data):
        size = next((n for n in (1, 2, 3, 4) if decodes(data[at : at + n])), 0)
        text = data[at : at + size].decode() if size else ""
        if not size:
            out.append("\\ufffd")
        elif text in "<>&\u2028\u2029" or (
            text < " " and text not in '"\\\n\r\t' and not (short_names and text in "\b\f")
        ):
            out.append(f"\\u{ord(text):04x}")
        else:
            out.append(json.dumps(text, ensure_ascii=False)[1:-1])
        at += size or 1
    return f'"{"".join(out)}"'.encode()


def decodes(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False


NUMBERS = {
    write.BE32: lambda v: (v & 0xFFFFFFFF).to_bytes(4, "big"),
    write.BE64: lambda v: v.to_bytes(8, "big", signed=True),
    write.LE32: lambda v: (v & 0xFFFFFFFF).to_bytes(4, "little"),
    write.LE64: lambda v: v.to_bytes(8, "little", signed=True),
    write.DECIMAL: lambda v: str(v).encode(),
    write.VARINT: varint,
}
SPANS = {
    write.BYTES: bytes,
    write.BE64_SIZED: lambda data: len(data).to_bytes(8, "big") + data,
    write.VARINT_SIZED: lambda data: varint(len(data)) + data,
    write.HEX: lambda data: data.hex().encode(),
    write.BASE64: base64.b64encode,
    write.JSON_BASE64: lambda data: b'"' + base64.b64encode(data) + b'"',
    write.JSON: go_json,
    write.JSON_BF: lambda data: go_json(data, short_names=True),
}


class Maker:
    """Random records, and what they are by the definitions above."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        texts = [*ODD, *(self.random.randbytes(self.random.randrange(60)) for _ in range(40)), b"plain text " * 9]
        self.texts = Spans.joined(texts)

    def records(self, n: int, depth: int = 0) -> tuple[Records, list[bytes]]:
        made, wanted = Records(n, self.texts.data), [b""] * n
        for _ in range(self.random.randrange(1, 6)):
            mask = None if self.random.random() < 0.5 else np.array(self.random.choices([True, False], k=n), np.bool_)
            shown = [True] * n if mask is None else mask.tolist()
            choice = self.random.randrange(4 if depth < 2 else 3)
            if choice == 0:
                text = self.random.choice([b",", b"[", b"", b"null"])
                made.literal(text, mask)
                wanted = [have + text * yes for have, yes in zip(wanted, shown, strict=True)]
            elif choice == 1:
                kind = self.random.choice(list(NUMBERS))
                values = [
                    self.random.choice([0, -1, 5, 1 << 62, -(1 << 63), self.random.getrandbits(31)]) for _ in range(n)
                ]
                made.number(kind, np.array(values, np.int64), mask)
                wanted = [w + NUMBERS[kind](v) * y for w, v, y in zip(wanted, values, shown, strict=True)]
            elif choice == 2:
                kind = self.random.choice(list(SPANS))
                rows = [self.random.randrange(len(self.texts)) for _ in range(n)]
                made.span(kind, self.texts.take(np.array(rows, np.intp)), mask)
                wanted = [w + SPANS[kind](self.texts[r]) * y for w, r, y in zip(wanted, rows, shown, strict=True)]
            else:
                m = self.random.randrange(3 * n + 1)
                parents = sorted(self.random.randrange(n) for _ in range(m))
                inner, inside = self.records(m, depth + 1) if m else (Records(0, self.texts.data), [])
                made.rows(inner, np.array(parents, np.int64))
                for parent, text in zip(parents, inside, strict=True):
                    wanted[parent] += text
        return made, wanted


@pytest.mark.parametrize("seed", range(40))
def test_records_are_what_their_parts_say(seed: int) -> None:
    maker = Maker(seed)
    records, wanted = maker.records(maker.random.choice([1, 2, 7, 60]))
    assert list(records.column()) == wanted


def test_threads_change_nothing() -> None:
    maker = Maker(1000)
    records, wanted = maker.records(5000)
    assert list(records.column(threads=1)) == list(records.column(threads=3)) == wanted


def test_split_records_are_rows_one_after_another() -> None:
    data = Spans.joined([b"ab", b"c"])
    records = Records(2, data.data)
    records.literal(b"(")
    records.split()
    records.span(write.BYTES, data)
    records.split()
    records.literal(b")")
    assert list(records.column()) == [b"(", b"ab", b")", b"(", b"c", b")"]
    outer = Records(1, data.data)
    outer.rows(records, np.array([0, 0]))
    with pytest.raises(InputError, match="split"):
        outer.column()


def test_rows_of_a_table_are_written_from_its_cells_and_counted() -> None:
    names = Spans.joined([b"ab", b"", b"cde"])
    table = np.zeros((3, 5), np.int64)
    table[:, 1], table[:, 2:4] = [7, -1, 1 << 40], names.cells
    inner = Records(3, names.data)
    inner.cells(write.DECIMAL, table, 1)
    inner.cells(write.BE64_SIZED, table, 2)
    outer = Records(3, names.data)
    outer.literal(b"(")
    outer.rows(inner, np.array([0, 2, 2]), counted=True)
    number = [count.to_bytes(8, "big") for count in range(4)]
    assert list(outer.column()) == [
        b"(" + number[1] + b"7" + number[2] + b"ab",
        b"(" + number[0],
        b"(" + number[2] + b"-1" + number[0] + b"%d" % (1 << 40) + number[3] + b"cde",
    ]
    assert list(outer.writing().column(1, 3)) == list(outer.column())[1:]
    for kind, rows, column, field in (
        (write.BYTES, table, 4, "rows"),
        (write.BE64, table, 5, "rows"),
        (write.BE64, table, -1, "rows"),
        (write.BE64, table[:2], 1, "rows"),
        (write.BE64, table[:, :3], 1, "rows"),
        (0, table, 1, "kind"),
        (99, table, 1, "kind"),
    ):
        with pytest.raises(InputError) as caught:
            inner.cells(kind, rows, column)
        assert caught.value.field == field


def test_columns_with_any_step_are_written() -> None:
    values = np.arange(12).reshape(4, 3)
    for given in (values[:, 1], values[::-1, 2], values[:, 0].copy(), np.broadcast_to(np.int64(5), (4,))):
        records = Records(4, np.empty(0, np.uint8))
        records.number(write.DECIMAL, given)
        assert list(records.column()) == [b"%d" % value for value in given.tolist()]


def test_no_records() -> None:
    records = Records(0, np.empty(0, np.uint8))
    records.literal(b"x")
    assert list(records.column()) == []
    assert list(Records(2, np.empty(0, np.uint8)).column()) == [b"", b""]


def test_following_and_counts() -> None:
    parents = np.array([0, 0, 2, 2, 2])
    assert following(parents).tolist() == [False, True, False, True, True]
    assert following(parents[:0]).tolist() == []
    assert counts(parents, 4).tolist() == [2, 0, 3, 0]


def test_parts_that_do_not_fit_are_refused() -> None:
    spans = Spans.joined([b"ab", b"c"])
    records = Records(2, spans.data)
    other = Spans.joined([b"ab", b"c"])
    for call, field in (
        (lambda: records.number(write.HEX, 1), "kind"),
        (lambda: records.span(write.BE32, spans), "kind"),
        (lambda: records.span(write.BYTES, other), "spans"),
        (lambda: records.span(write.BYTES, spans.part(0, 1)), "spans"),
        (lambda: records.literal(b"", np.array([True])), "where"),
        (lambda: records.literal(b"", np.array([1, 0])), "where"),
        (lambda: records.rows(Records(1, other.data), np.array([0])), "inner"),
        (lambda: records.rows(Records(2, spans.data), np.array([0])), "inner"),
        (lambda: records.rows(Records(2, spans.data), np.array([1, 0])), "parents"),
        (lambda: records.rows(Records(1, spans.data), np.array([2])), "parents"),
        (lambda: records.rows(Records(1, spans.data), np.array([-1])), "parents"),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.field == field
    records.span(write.BYTES, Spans(spans.data, np.array([[0, 9], [0, 1]])))
    with pytest.raises(RuntimeError, match="do not fit"):
        records.column()
