"""Every form of a batch of bytes reaches the kernels as the same rows; anything else is refused by name."""

from __future__ import annotations

import array
import contextlib
import hashlib
import mmap
import random
from collections import UserList, deque
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.base.columns import Column, as_column, batch, index_array

ROWS = [bytes([17 * i % 256, i, 255 - i]) * 4 for i in range(9)]
WIDTH = 12
RAGGED = [b"", b"a", b"", b"bcd" * 30, b"\0" * 64, b"", b"x" * 1000, b"", b""]


def digests(rows: list[bytes]) -> bytes:
    return b"".join(hashlib.sha256(row).digest() for row in rows)


def matrix(rows: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1)


def pair(rows: list[bytes], dtype: Any = np.int64, lead: bytes = b"") -> tuple[bytes, np.ndarray]:
    ends = np.cumsum([len(lead)] + [len(row) for row in rows])
    return lead + b"".join(rows), ends.astype(dtype)


def padded(rows: list[bytes], pad: int) -> np.ndarray:
    wide = np.full((len(rows), len(rows[0]) + pad), 0xEE, dtype=np.uint8)
    wide[:, pad // 2 : pad // 2 + len(rows[0])] = matrix(rows)
    return wide[:, pad // 2 : pad // 2 + len(rows[0])]


def read_only(rows: list[bytes]) -> np.ndarray:
    copy = matrix(rows).copy()
    copy.flags.writeable = False
    return copy


UNIFORM = {
    "list of bytes": lambda rows: list(rows),
    "tuple of bytes": lambda rows: tuple(rows),
    "deque": lambda rows: deque(rows),
    "user list": lambda rows: UserList(rows),
    "bytearrays": lambda rows: [bytearray(row) for row in rows],
    "memoryviews": lambda rows: [memoryview(row) for row in rows],
    "signed memoryviews": lambda rows: [memoryview(row).cast("b") for row in rows],
    "numpy rows": lambda rows: list(matrix(rows)),
    "mixed": lambda rows: [
        kind(row) for kind, row in zip([bytes, bytearray, memoryview] * len(rows), rows, strict=False)
    ],
    "contiguous": matrix,
    "read-only": read_only,
    "row-strided": lambda rows: padded(rows, 5),
    "every second row": lambda rows: np.repeat(matrix(rows), 2, axis=0)[::2],
    "negative stride": lambda rows: matrix(rows)[::-1].copy()[::-1],
    "fortran single column": lambda rows: np.asfortranarray(padded(rows, 4)) if len(rows[0]) == 1 else matrix(rows),
    "2-D memoryview": lambda rows: memoryview(matrix(rows)),
    "flat bytes": lambda rows: batch(b"".join(rows), width=len(rows[0])),
    "flat bytearray": lambda rows: batch(bytearray(b"".join(rows)), width=len(rows[0])),
    "flat memoryview": lambda rows: batch(memoryview(b"".join(rows)), width=len(rows[0])),
    "flat array.array": lambda rows: batch(array.array("B", b"".join(rows)), width=len(rows[0])),
    "flat uint8 array": lambda rows: batch(matrix(rows).reshape(-1), width=np.int32(len(rows[0]))),
    "arrow fixed": lambda rows: pa.array(rows, pa.binary(len(rows[0]))),
    "arrow fixed sliced": lambda rows: pa.array([b"\1" * len(rows[0]), *rows, rows[0]], pa.binary(len(rows[0])))[1:-1],
}
ANY_LENGTH = {
    "list": lambda rows: list(rows),
    "pair int64": lambda rows: pair(rows),
    "pair int32": lambda rows: pair(rows, np.int32),
    "pair list of offsets": lambda rows: (pair(rows)[0], pair(rows)[1].tolist()),
    "pair array.array offsets": lambda rows: (pair(rows)[0], array.array("q", pair(rows)[1].tolist())),
    "pair not from 0": lambda rows: pair(rows, lead=b"lead"),
    "pair strided offsets": lambda rows: (pair(rows)[0], np.repeat(pair(rows)[1], 3)[::3]),
    "pair unaligned offsets": lambda rows: (
        pair(rows)[0],
        np.frombuffer(b"x" + pair(rows)[1].tobytes(), np.uint8)[1:].view(np.int64),
    ),
    "pair of arrays": lambda rows: (np.frombuffer(pair(rows)[0] + b"tail", np.uint8), pair(rows)[1]),
    "column": lambda rows: as_column(rows, "x"),
    "column slice": lambda rows: as_column([b"no", *rows, b"no"], "x")[1:-1],
    "batch with offsets": lambda rows: batch(pair(rows)[0], offsets=pair(rows)[1]),
    "arrow binary": lambda rows: pa.array(rows, pa.binary()),
    "arrow large": lambda rows: pa.array(rows, pa.large_binary()),
    "arrow sliced": lambda rows: pa.array([b"??", *rows, b"!"], pa.binary())[1:-1],
    "arrow large sliced": lambda rows: pa.array([b"??", *rows, b"!"], pa.large_binary())[1:-1],
}


@pytest.mark.parametrize("form", UNIFORM)
def test_uniform_forms(form: str) -> None:
    assert pycore.hash_batch("sha256", UNIFORM[form](ROWS)).tobytes() == digests(ROWS)


@pytest.mark.parametrize("form", ANY_LENGTH)
@pytest.mark.parametrize(
    "rows", [RAGGED, ROWS, [b""], [b"", b""], [b"x"]], ids=["ragged", "equal", "empty", "empties", "one"]
)
def test_ragged_forms(form: str, rows: list[bytes]) -> None:
    given_batch = ANY_LENGTH[form](rows)
    assert pycore.hash_batch("sha256", given_batch).tobytes() == digests(rows)
    assert list(as_column(given_batch, "x")) == rows


@pytest.mark.parametrize("form", ANY_LENGTH)
def test_no_rows(form: str) -> None:
    given_batch = ANY_LENGTH[form]([])
    assert as_column(given_batch, "x").n == 0
    assert pycore.hash_batch("sha256", given_batch).shape == (0, 32)
    assert len(pycore.verify_batch("ed25519", given_batch, given_batch, given_batch)) == 0


@pytest.mark.parametrize("empty", [np.empty((0, 12), np.uint8), batch(b"", width=12), pa.array([], pa.binary(12))])
def test_no_rows_uniform(empty: Any) -> None:
    assert pycore.hash_batch("sm3", empty).shape == (0, 32)


def test_rows_of_width_zero() -> None:
    assert pycore.hash_batch("sha256", np.empty((3, 0), np.uint8)).tobytes() == digests([b""] * 3)
    assert pycore.hash_batch("sha256", pa.array([b"", b""], pa.binary(0))).tobytes() == digests([b""] * 2)


def test_zero_stride_repeats_one_row() -> None:
    column = as_column(np.broadcast_to(np.frombuffer(ROWS[3], np.uint8), (1000, WIDTH)), "x")
    assert column.data.strides[0] == 0
    assert pycore.hash_batch("sha256", column).tobytes() == digests([ROWS[3]]) * 1000


def test_negative_stride_is_not_copied() -> None:
    data = matrix(ROWS)[::-1]
    column = as_column(data, "x")
    assert column.data is data
    assert column.data.strides[0] == -WIDTH
    assert pycore.hash_batch("sha256", column).tobytes() == digests(ROWS[::-1])
    assert pycore.hash_batch("sha256", column[2:5]).tobytes() == digests(ROWS[::-1][2:5])


@pytest.mark.parametrize(
    ("view", "owner"),
    [
        (lambda data: data, None),
        (lambda data: batch(data.reshape(-1), width=WIDTH).data, None),
        (lambda data: batch(data.reshape(-1), offsets=np.array([0, 5])).data, None),
        (lambda data: as_column(memoryview(data), "x").data, None),
        (
            lambda data: (
                as_column(
                    pa.FixedSizeBinaryArray.from_buffers(pa.binary(WIDTH), 9, [None, pa.py_buffer(data)]), "x"
                ).data
            ),
            None,
        ),
    ],
)
def test_views_share_memory(view: Any, owner: None) -> None:
    data = matrix(ROWS).copy()
    assert np.shares_memory(view(data), data)


def test_int64_offsets_are_viewed() -> None:
    data, offsets = pair(RAGGED)
    assert np.shares_memory(batch(data, offsets=offsets).offsets, offsets)


def test_mmap(tmp_path: Any) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"".join(ROWS))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert pycore.hash_batch("sha256", mapped, width=WIDTH).tobytes() == digests(ROWS)


def test_column_outlives_what_it_views() -> None:
    column = as_column(pa.array(RAGGED, pa.binary()), "x")
    rest = [as_column([bytes([i]) * 1000 for i in range(50)], "x") for _ in range(20)]
    assert list(column) == RAGGED
    assert len(rest) == 20


# ---- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column", [as_column(RAGGED, "x"), as_column(matrix(ROWS), "x"), as_column(padded(ROWS, 3), "x")]
)
def test_column_is_a_sequence(column: Column) -> None:
    rows = list(column)
    assert len(column) == column.n == 9
    for part in [
        slice(None),
        slice(2, 5),
        slice(5, 2),
        slice(-3, None),
        slice(0, 100),
        slice(9, 9),
        slice(None, None, 2),
        slice(None, None, -1),
    ]:
        assert list(column[part]) == rows[part], part
    assert column[-1] == rows[-1]
    assert column.lengths.tolist() == [len(row) for row in rows]
    assert column.nbytes == sum(map(len, rows))
    for outside in (9, -10):
        with pytest.raises(IndexError):
            column[outside]


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_slices_hash_alike(rows: list[bytes], start: int, stop: int) -> None:
    column = as_column(rows, "x").slice(start, stop)
    assert pycore.hash_batch("sha256", column).tobytes() == digests(rows[start:stop])


def test_direct_columns_are_checked() -> None:
    data = np.zeros(4, np.uint8)
    with pytest.raises(pycore.ShapeError, match="offsets: got int32"):
        Column(data, np.array([0, 4], np.int32))  # type: ignore[arg-type]
    with pytest.raises(pycore.LengthError):
        Column(data, np.array([0, 5]))
    with pytest.raises(pycore.ShapeError):
        Column(data)
    with pytest.raises(pycore.ShapeError):
        Column(np.zeros(8, np.uint8)[::2], np.array([0, 4]))
    with pytest.raises(pycore.ShapeError):
        Column(data, np.array([0, 9, 4, 9])[::2])
    with pytest.raises(AttributeError):
        Column(data, np.array([0, 4])).data = data  # type: ignore[misc]


# ---- malformed batches -----------------------------------------------------------------------------------------------

I64 = np.iinfo(np.int64)
MALFORMED = [
    ("str", "abc", "messages", "str of 3 characters", "a batch of bytes"),
    ("none", None, "messages", "None", "a batch of bytes"),
    ("number", 7, "messages", "7", "a batch of bytes"),
    ("dict", {}, "messages", "dict", "a batch of bytes"),
    ("generator", (x for x in [b"a"]), "messages", "generator", "a batch of bytes"),
    ("set", {b"a"}, "messages", "set", "a batch of bytes"),
    ("flat without a width", b"abcd", "messages", "one bytes-like object (4 bytes)", "its width"),
    ("str among bytes", [b"a", "b"], "messages[1]", "str of 1 characters", "a contiguous bytes-like object"),
    ("none among bytes", [b"a", b"b", None], "messages[2]", "None", "a contiguous bytes-like object"),
    (
        "wide memoryview item",
        [memoryview(b"abcd").cast("I")],
        "messages[0]",
        "memoryview of format 'I' and shape (1,)",
        "contiguous",
    ),
    (
        "strided item",
        [memoryview(b"abcd")[::2]],
        "messages[0]",
        "memoryview of format 'B' and shape (2,)",
        "contiguous",
    ),
    ("strided array item", [np.zeros(4, np.uint8)[::2]], "messages[0]", "uint8 array of shape (2,)", "contiguous"),
    (
        "int8 matrix",
        np.zeros((2, 3), np.int8),
        "messages",
        "int8 array of shape (2, 3)",
        "uint8 array of shape (n, width)",
    ),
    ("float matrix", np.zeros((2, 3)), "messages", "float64 array of shape (2, 3)", "uint8 array of shape (n, width)"),
    ("3-D", np.zeros((2, 3, 4), np.uint8), "messages", "uint8 array of shape (2, 3, 4)", "a batch of bytes"),
    ("0-D", np.array(5, np.uint8), "messages", "uint8 array of shape ()", "a batch of bytes"),
    ("1-D uint8", np.zeros(6, np.uint8), "messages", "one bytes-like object (6 bytes)", "its width"),
    ("object array", np.array([b"a", b"bc"], object), "messages", "object array of shape (2,)", "a batch of bytes"),
    (
        "transposed",
        np.zeros((3, 4), np.uint8).T,
        "messages",
        "rows with 4 bytes from one byte to the next",
        "contiguous rows",
    ),
    ("every second byte", np.zeros((3, 8), np.uint8)[:, ::2], "messages", "rows with 2 bytes", "contiguous rows"),
    ("reversed bytes", np.zeros((3, 8), np.uint8)[:, ::-1], "messages", "rows with -1 bytes", "contiguous rows"),
    (
        "uint64 offsets",
        (b"ab", np.array([0, 2], np.uint64)),
        "messages.offsets",
        "uint64 array of shape (2,)",
        "int64 or int32",
    ),
    (
        "big-endian offsets",
        (b"ab", np.array([0, 2], ">i8")),
        "messages.offsets",
        ">i8 array of shape (2,)",
        "int64 or int32",
    ),
    (
        "float offsets",
        (b"ab", np.array([0.0, 2.0])),
        "messages.offsets",
        "float64 array of shape (2,)",
        "int64 or int32",
    ),
    ("2-D offsets", (b"ab", np.array([[0, 2]])), "messages.offsets", "int64 array of shape (1, 2)", "shape (n + 1,)"),
    ("no offsets", (b"ab", np.array([], np.int64)), "messages.offsets", "int64 array of shape (0,)", "shape (n + 1,)"),
    ("decreasing", (b"abc", np.array([0, 3, 2])), "messages.offsets[2]", "2 after 3", "offsets that never decrease"),
    ("negative", (b"abc", np.array([-1, 3])), "messages.offsets[0]", "-1", "0 or more"),
    ("beyond the data", (b"abc", np.array([0, 4])), "messages.offsets[1]", "4", "at most 3, the bytes of the data"),
    ("huge", (b"abc", np.array([0, I64.max])), "messages.offsets[1]", str(I64.max), "at most 3"),
    (
        "wrapping",
        (b"abc", np.array([I64.max, I64.min])),
        "messages.offsets[1]",
        f"{I64.min} after {I64.max}",
        "never decrease",
    ),
    (
        "wrapping back",
        (b"abc", np.array([0, I64.max, I64.min, 3])),
        "messages.offsets[2]",
        f"{I64.min} after",
        "never decrease",
    ),
    ("int32 beyond", (b"abc", np.array([0, 2**31 - 1], np.int32)), "messages.offsets[1]", str(2**31 - 1), "at most 3"),
    ("offsets into a list", ([b"abc"], np.array([0, 1])), "messages.data", "list", "one contiguous bytes-like object"),
    ("offsets into str", ("abc", np.array([0, 1])), "messages.data", "str of 3 characters", "bytes-like"),
    (
        "offsets into strided",
        (np.zeros(8, np.uint8)[::2], np.array([0, 1])),
        "messages.data",
        "uint8 array of shape (4,)",
        "contiguous",
    ),
    ("arrow nulls", pa.array([b"a", None]), "messages", "an Arrow array with 1 nulls", "no nulls"),
    ("arrow fixed nulls", pa.array([b"a", None], pa.binary(1)), "messages", "an Arrow array with 1 nulls", "no nulls"),
    (
        "arrow strings",
        pa.array(["a"]),
        "messages",
        "an Arrow array of string",
        "binary, large_binary or fixed_size_binary",
    ),
    ("arrow ints", pa.array([1, 2]), "messages", "an Arrow array of int64", "binary, large_binary"),
    ("arrow chunked", pa.chunked_array([[b"a"], [b"b"]]), "messages", "ChunkedArray of binary", "combine_chunks"),
]


@pytest.mark.parametrize(
    ("value", "field", "got", "wanted"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_malformed(value: Any, field: str, got: str, wanted: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.hash_batch("sha256", value)
    assert caught.value.field == field
    assert caught.value.got.startswith(got)
    assert wanted in caught.value.wanted


@pytest.mark.parametrize(
    ("data", "width", "field"),
    [
        (b"abc", 2, "messages"),
        (b"abc", 0, "width"),
        (b"abc", -1, "width"),
        (b"", 2**63, "width"),
        (b"", np.uint64(2**63), "width"),
        (b"", 1 << 200, "width"),
        (b"abc", 2**63 - 1, "messages"),
        (b"abc", True, "width"),
        (b"abc", 1.0, "width"),
        (b"abc", "1", "width"),
        ([b"abc"], 3, "messages"),
        (np.zeros((2, 3), np.uint8), 3, "messages"),
        ("abc", 1, "messages"),
        (memoryview(b"abcd")[::2], 1, "messages"),
    ],
)
def test_malformed_width(data: Any, width: Any, field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.hash_batch("sha256", data, width=width)
    assert caught.value.field == field


def test_width_and_offsets_exclude_each_other() -> None:
    with pytest.raises(pycore.InputError, match="width: got 1 together with offsets, wanted one of the two"):
        batch(b"ab", width=1, offsets=np.array([0, 2]))


def test_released_memoryview() -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(pycore.InputError):
        pycore.hash_batch("sha256", [view])
    with pytest.raises(pycore.InputError):
        pycore.hash_batch("sha256", view, width=1)


def test_arrow_with_lying_offsets() -> None:
    offsets = pa.py_buffer(np.array([0, 900, 3], np.int32))
    lying = pa.Array.from_buffers(pa.binary(), 2, [None, offsets, pa.py_buffer(b"abc")])
    with pytest.raises(pycore.LengthError) as caught:
        pycore.hash_batch("sha256", lying)
    assert (caught.value.field, caught.value.got) == ("messages.offsets[2]", "3 after 900")


class LooksLikeArrow:
    """The parts of an Arrow array that a column needs, without pyarrow and without its checks."""

    null_count = 0

    def __init__(self, kind: str, n: int, offset: int, *buffers: bytes | None) -> None:
        self.type, self.n, self.offset, self._buffers = LooksLikeType(kind), n, offset, buffers

    def __len__(self) -> int:
        return self.n

    def buffers(self) -> list[bytes | None]:
        return list(self._buffers)


class LooksLikeType:
    byte_width = 3

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __str__(self) -> str:
        return self.kind


@pytest.mark.parametrize(
    ("lying", "field"),
    [
        (LooksLikeArrow("binary", 1, 0, None, np.array([0, 4], np.int32).tobytes(), b"abc"), "messages.offsets[1]"),
        (LooksLikeArrow("binary", 2, 0, None, np.array([0, 3], np.int32).tobytes(), b"abc"), "messages"),
        (LooksLikeArrow("large_binary", 1, 1, None, np.array([0, 3], np.int64).tobytes(), b"abc"), "messages"),
        (LooksLikeArrow("binary", 1, 0, None, None, b"abc"), "messages"),
        (LooksLikeArrow("binary", 1, 0, None, np.array([0, 1], np.int32).tobytes(), None), "messages.offsets[1]"),
        (LooksLikeArrow("fixed_size_binary[3]", 2, 0, None, b"abcde"), "messages"),
        (LooksLikeArrow("fixed_size_binary[3]", 1, 1, None, b"abcde"), "messages"),
        (LooksLikeArrow("fixed_size_binary[3]", 1, 0, None, None), "messages"),
    ],
)
def test_arrow_with_short_buffers(lying: Any, field: str) -> None:
    with pytest.raises(pycore.LengthError) as caught:
        pycore.hash_batch("sha256", lying)
    assert caught.value.field == field


def test_arrow_is_duck_typed() -> None:
    offsets = np.array([9, 1, 1, 3], np.int32).tobytes()
    assert list(as_column(LooksLikeArrow("binary", 2, 1, None, offsets, b"abc"), "x")) == [b"", b"bc"]
    assert list(as_column(LooksLikeArrow("fixed_size_binary[3]", 1, 1, None, b"abcdef"), "x")) == [b"def"]


def test_two_byte_strings_are_not_a_pair() -> None:
    two = (b"ab", b"cd")
    assert pycore.hash_batch("sha256", two).tobytes() == digests(list(two))
    arrays = tuple(np.frombuffer(row, np.uint8) for row in two)
    assert pycore.hash_batch("sha256", arrays).tobytes() == digests(list(two))


def test_error_texts_never_carry_the_data() -> None:
    for value in (b"x" * 10**6, "x" * 10**6, [10**5000], 10**5000):
        with pytest.raises(pycore.InputError) as caught:
            pycore.hash_batch("sha256", value)
        assert len(str(caught.value)) < 300


# ---- indices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.uint32, np.uint64])
def test_index_dtypes(dtype: Any) -> None:
    assert index_array(np.array([0, 3, 2], dtype), "i", 4).tolist() == [0, 3, 2]


@pytest.mark.parametrize(
    ("value", "field", "got"),
    [
        ([0, 4], "i[1]", "4"),
        ([-1], "i[0]", "-1"),
        ([1.0], "i", "float64 array of shape (1,)"),
        ([True], "i", "bool array of shape (1,)"),
        ([[0]], "i", "int64 array of shape (1, 1)"),
        (np.array([2**64 - 1], np.uint64), "i[0]", str(2**64 - 1)),
        ([2**70], "i", "object array of shape (1,)"),
        (2, "i", "int64 array of shape ()"),
    ],
)
def test_bad_indices(value: Any, field: str, got: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        index_array(value, "i", 4)
    assert (caught.value.field, caught.value.got) == (field, got)


def test_random_forms_agree(rng: random.Random) -> None:
    for _ in range(50):
        width = rng.randrange(1, 70)
        rows = [rng.randbytes(width) for _ in range(rng.randrange(1, 40))]
        wanted = digests(rows)
        form = rng.choice(list(UNIFORM))
        assert pycore.hash_batch("sha256", UNIFORM[form](rows)).tobytes() == wanted, form


# ---- anything at all ------------------------------------------------------------------------------------------------

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.binary(max_size=5).map(bytearray),
    st.binary(max_size=8).map(memoryview),
    st.sampled_from(
        [
            np.zeros(3, np.uint8),
            np.zeros((2, 2), np.uint8),
            np.array([0, 2]),
            np.array([5, 1], np.int32),
            np.array([]),
            pa.array([b"a", b"bc"]),
            pa.array([1, 2]),
            pa.scalar(b"a"),
            array.array("q", [0, 1]),
            range(3),
            object(),
            int,
            Column,
        ]
    ),
)
ANYTHING = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_anything_is_taken_or_refused(one: Any, two: Any, three: Any, four: Any) -> None:
    """Whatever is passed: a result or an InputError, and never another exception."""
    keys = pycore.KeySet("sm2", [])
    calls = [
        lambda: pycore.hash_batch("sha256", one, width=two, threads=three),
        lambda: pycore.hash_batch("sha256", one),
        lambda: pycore.hash(one, two),
        lambda: pycore.verify_batch("ecdsa-p256", one, two, three),
        lambda: pycore.verify_batch("sm2", [], [], [], rules=one, prehashed=two, user_id=three, encoding=four),
        lambda: pycore.verify_batch("ecdsa-p256", [], [], [], hash=one, der_rules=two, width=three, threads=four),
        lambda: pycore.recover_batch("ecdsa-secp256k1", one, two, rules=three),
        lambda: keys.verify_batch(one, two, three),
        lambda: pycore.KeySet(one, two),
        lambda: pycore.merkle_root(one, tree=two, hash=three),
        lambda: pycore.merkle_root(one, tree="bitcoin", width=two),
        lambda: pycore.MerkleTree([b"", b""]).proof(one),
        lambda: pycore.MerkleTree([b"", b""]).proofs(one),
        lambda: pycore.verify_inclusion(one, two, three, index=0, leaf_count=1),
        lambda: pycore.verify_inclusion(bytes(32), b"", one, index=two, leaf_count=three),
        lambda: pycore.verify_inclusion_batch(one, two, three, index=[0], leaf_count=1),
        lambda: pycore.verify_inclusion_batch(bytes(32), [b"", b""], one, index=two, leaf_count=three),
        lambda: pycore.verify_consistency(bytes(32), bytes(32), one, m=two, n=three),
        lambda: batch(one, width=two, offsets=three),
        lambda: pycore.Verdicts(one),
        lambda: pycore.set_threads(one),
        lambda: pycore.use_backend(one),
    ]
    for call in calls:
        with contextlib.suppress(pycore.InputError, pycore.ProofError, pycore.BackendUnavailable):
            call()
    pycore.set_threads(None)


def test_take_copies_rows_in_any_order() -> None:
    ragged = pycore.batch([b"a", b"", b"bcd", b"ef"])
    rows = np.array([3, 0, 0, 1, 2])
    assert list(ragged.take(rows)) == [b"ef", b"a", b"a", b"", b"bcd"]
    assert list(ragged[1:].take(np.array([2, 1]))) == [b"ef", b"bcd"]
    assert list(ragged.take(rows[:0])) == []
    square = pycore.batch(b"aabbcc", width=2)
    assert list(square.take(np.array([2, 0]))) == [b"cc", b"aa"]
    assert square.take(np.array([1])).width == 2
