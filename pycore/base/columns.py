"""Batches of bytes as columns: validated, zero-copy views that the kernels read.

Every public function that takes "a batch of bytes" takes any of these, and views it without a copy unless said
otherwise:

=============================================  ========================================================================
form                                           rows
=============================================  ========================================================================
a sequence of bytes-like objects               one per element, of any length each; gathered into one buffer (one copy)
a uint8 array of shape (n, width)              its rows; contiguous, or strided between rows (negative and zero strides
                                               too), with the bytes of a row next to each other
one bytes-like object and a width              consecutive rows of `width` bytes; also a 1-D uint8 array
a ``(data, offsets)`` pair                     row i is ``data[offsets[i]:offsets[i + 1]]``; offsets of shape (n + 1,)
                                               are int64 (viewed) or int32 (widened: a copy of the offsets only)
a pyarrow Binary, LargeBinary or               its values; sliced arrays too, nulls refused. pyarrow itself is never
FixedSizeBinary array                          imported: the array's buffers are read through the buffer protocol
a :class:`Column`                              itself; made by :func:`batch`, checked once and used often
=============================================  ========================================================================

Where a function cannot know the width of the rows in one bytes-like object, it takes ``width=``, or say
``pycore.batch(data, width=32)``. A width that only one value can have (a signature's, a 32-byte digest's) need not be
said.

Read-only buffers are fine. Everything is checked before C is entered; what is viewed must not change while a call runs.
Whatever does not fit raises :class:`pycore.InputError` naming the field, what it got and what it wanted.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from pycore.base import ffi
from pycore.base.ffi_lists import LEAST, list_rows
from pycore.errors import InputError, LengthError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BatchOfBytes", "Column", "as_column", "batch"]

BytesLike: TypeAlias = "bytes | bytearray | memoryview | NDArray[np.uint8]"
BatchOfBytes: TypeAlias = "Column | Sequence[BytesLike] | BytesLike | tuple[BytesLike, NDArray[Any]] | Any"
"""Any of the forms in the module's table. ``Any``: Arrow arrays have no type that can be named without pyarrow."""

_UINT8 = np.dtype(np.uint8)  # comparing with the type makes one of these every time
_BYTES_TYPES = {bytes, bytearray}
_MOST_WIDTH = 2**63 - 1  # numpy's dimensions are int64
_OFFSETS_WANTED = "int64 or int32 array of shape (n + 1,)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Column(Sequence[bytes]):
    """n byte strings that the kernels can read in place.

    Attributes:
        data: without offsets a uint8 array of shape (n, width) whose rows are contiguous; with offsets a contiguous
            uint8 array of shape (size,).
        offsets: None, or an int64 array of shape (n + 1,): row i is ``data[offsets[i]:offsets[i + 1]]``.

    A column is a read-only sequence of ``bytes``; taking a row out copies it, slicing does not.

    Raises:
        ShapeError: an array has the wrong dtype or shape.
        LengthError: the offsets decrease or leave the data.

    >>> import numpy as np
    >>> column = Column(np.frombuffer(b"abcde", np.uint8), np.array([0, 2, 2, 5]))
    >>> list(column)
    [b'ab', b'', b'cde']
    >>> column[1:]
    Column(n=2, ragged, 3 bytes)
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.offsets is None:
            _check_matrix(self.data, "data")
        else:
            _check_flat(self.data, "data")
            _check_offsets(self.offsets, self.data.size, "offsets")
            if self.offsets.dtype != np.int64:
                raise ShapeError("offsets", f"{self.offsets.dtype} array", "int64 array (pycore.batch widens int32)")
            if not (self.offsets.flags.c_contiguous and self.offsets.flags.aligned):
                raise ShapeError("offsets", "strided or unaligned array", "contiguous array (pycore.batch copies)")

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.data) if self.offsets is None else len(self.offsets) - 1

    @property
    def width(self) -> int | None:
        """Bytes of every row, or None when their lengths vary."""
        return int(self.data.shape[1]) if self.offsets is None else None

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64 array of shape (n,): bytes of each row."""
        if self.offsets is None:
            return np.full(self.n, self.data.shape[1], dtype=np.int64)
        return np.diff(self.offsets)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows together (a row that a zero stride repeats counts every time)."""
        if self.offsets is None:
            return int(self.data.size)
        return int(self.offsets[-1] - self.offsets[0])

    def slice(self, start: int, stop: int) -> Column:
        """Rows start up to stop, as a view; bounds as for a Python slice."""
        if start == 0 and stop == self.n:
            return self
        start, stop, _ = slice(start, stop).indices(self.n)
        stop = max(start, stop)
        if self.offsets is None:
            return trusted_column(self.data[start:stop], None)
        return trusted_column(self.data, self.offsets[start : stop + 1])

    def take(self, rows: NDArray[np.intp]) -> Column:
        """These rows, copied."""
        if self.offsets is None:
            return trusted_column(self.data[rows], None)
        return trusted_column(*ffi.gather_rows(self.data, self.offsets, rows.astype(np.uint32)))

    def to_native(self) -> Any:
        """The ``pc_column`` of the C interface. Points into this column: keep it alive while C reads."""
        return ffi.column_struct(self.data, self.offsets)

    def to_matrix(self, width: int, field: str) -> NDArray[np.uint8]:
        """uint8 (n, width), a view; InputError for a row of another length."""
        if self.offsets is None:
            _check_width(self, field, (width,), exact=True)
            return self.data
        _check_width(self, field, (width,), exact=True)
        first, last = int(self.offsets[0]), int(self.offsets[-1])
        return self.data[first:last].reshape(self.n, width)

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: builtins.slice) -> Column: ...
    def __getitem__(self, index: int | builtins.slice) -> bytes | Column:
        if isinstance(index, builtins.slice):
            start, stop, step = index.indices(self.n)
            if step == 1:
                return self.slice(start, stop)
            if self.offsets is None:
                return trusted_column(self.data[index], None)
            return _gather([self[i] for i in range(start, stop, step)], "rows")
        i = index + self.n if index < 0 else index
        if not 0 <= i < self.n:
            raise IndexError(f"row {index} of {self.n}")
        if self.offsets is None:
            return bytes(self.data[i])
        return bytes(self.data[self.offsets[i] : self.offsets[i + 1]])

    def __iter__(self) -> Iterator[bytes]:
        if self.offsets is None:
            return (row.tobytes() for row in self.data)
        view, places = self.data.data, self.offsets.tolist()
        return (bytes(view[start:stop]) for start, stop in pairwise(places))

    def __repr__(self) -> str:
        kind = "ragged" if self.width is None else f"width={self.width}"
        return f"Column(n={self.n}, {kind}, {self.nbytes} bytes)"


def batch(data: BatchOfBytes, *, width: int | None = None, offsets: NDArray[Any] | None = None) -> Column:
    """Make a column out of any form of a batch of bytes (see the module's table), checking it once.

    Args:
        data: the batch; with `width` or `offsets`, one bytes-like object.
        width: bytes per row of `data`.
        offsets: int64 or int32 array of shape (n + 1,), never decreasing, within `data`.

    Raises:
        InputError: the argument has none of these forms.

    >>> batch(b"aabbcc", width=2)
    Column(n=3, width=2, 6 bytes)
    >>> import numpy as np
    >>> list(batch(b"abbccc", offsets=np.array([0, 1, 3, 6], dtype=np.int32)))
    [b'a', b'bb', b'ccc']
    """
    if offsets is not None:
        if width is not None:
            raise InputError("width", f"{width} together with offsets", "one of the two")
        return _from_pair(data, offsets, "data")
    return as_column(data, "data", width=width)


def as_column(
    value: BatchOfBytes,
    field: str,
    *,
    width: int | None = None,
    widths: tuple[int, ...] | None = None,
    exact: bool = False,
) -> Column:
    """Any form of a batch of bytes as a column, or an InputError that names `field`.

    Args:
        value: the batch.
        field: the caller's name for it.
        width: bytes per row, for one bytes-like object.
        widths: the widths that make sense. A form with one width for all rows must have one of them; a single one also
            serves for `width`.
        exact: rows of varying length must also have one of `widths`; otherwise the kernel judges their
            length.
    """
    column = _convert(value, field, width, widths)
    if widths is not None:
        _check_width(column, field, widths, exact=exact)
    return column


def one_bytes(value: object, field: str) -> bytes:
    """A single bytes-like object as bytes."""
    if isinstance(value, bytes):
        return value
    flat = _flat_view(value)
    if flat is None:
        raise ShapeError(field, describe(value), "one bytes-like object")
    return flat.tobytes()


def bytes_view(value: object, field: str) -> NDArray[np.uint8]:
    """A single bytes-like object as uint8 (size,), a view."""
    flat = _flat_view(value)
    if flat is None:
        raise ShapeError(field, describe(value), "one bytes-like object")
    return flat


def single(value: object, field: str) -> Column:
    """A single bytes-like object as a column with one row of whatever length it has."""
    return _gather([one_bytes(value, field)], field)


def same_n(field: str, column: Column, n: int, reference: str) -> None:
    """LengthError unless `column` has n rows, as `reference` has."""
    if column.n != n:
        raise LengthError(field, f"{column.n} items", f"{n}, as many as {reference}")


def index_array(value: Any, field: str, limit: int | None = None) -> NDArray[np.int64]:
    """Integers as int64 (n,), all in [0, limit); InputError otherwise."""
    array = to_array(value, field, "integers of shape (n,)")
    if array.size == 0 and array.ndim == 1 and not isinstance(value, np.ndarray):
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ShapeError(field, f"{array.dtype} array of shape {array.shape}", "integers of shape (n,)")
    top = np.iinfo(np.int64).max + 1 if limit is None else limit
    if array.size:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= top:
            at = int(((array < 0) | (array >= top)).argmax())
            raise InputError(f"{field}[{at}]", str(int(array[at])), f"an index from 0 to {top - 1}")
    return array.astype(np.int64, copy=False)


def to_array(value: object, field: str, wanted: str) -> NDArray[Any]:
    """A value as an array of whatever it holds; ShapeError where numpy finds no shape in it."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        raise ShapeError(field, describe(value), wanted) from None


def describe(value: object) -> str:
    """A value in a few words, for InputError.got; never its content, which may be huge."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    if isinstance(value, (bytes, bytearray)):
        return f"{type(value).__name__} of {len(value)} bytes"
    if isinstance(value, memoryview):
        try:
            return f"memoryview of format {value.format!r} and shape {value.shape}"
        except ValueError:
            return "released memoryview"
    if isinstance(value, int) and value.bit_length() > 128:
        return "a very large int"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return f"str of {len(value)} characters"
    return type(value).__name__


def quote(name: object) -> str:
    """A name as it was passed, or what was passed instead of one."""
    return repr(name) if isinstance(name, str) and len(name) <= 40 else describe(name)


# ---- the forms -----------------------------------------------------------------------------------------------------


def _convert(value: Any, field: str, width: int | None, widths: tuple[int, ...] | None) -> Column:
    if width is not None:
        return _from_flat(value, field, _checked_width(width))
    if type(value) is list:  # the everyday form of few items
        return _gather(value, field)
    if isinstance(value, Column):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 2:
        _check_matrix(value, field)
        return trusted_column(value, None)
    if hasattr(value, "null_count") and hasattr(value, "type"):
        return _from_arrow(value, field)
    if isinstance(value, tuple) and len(value) == 2 and looks_like_offsets(value[1]):
        return _from_pair(value[0], value[1], field)
    if isinstance(value, (list, tuple)):
        return _gather(value, field)
    if isinstance(value, memoryview) and _dimensions(value) == 2:
        return _convert(_matrix_view(value, field), field, None, widths)
    flat = _flat_view(value)
    if flat is not None:
        if widths is not None and len(widths) == 1:
            return _from_flat(value, field, widths[0])
        wanted = "its width, as in pycore.batch(data, width=...), or one object per item"
        raise ShapeError(field, f"one bytes-like object ({flat.size} bytes)", wanted)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _gather(list(value), field)
    raise ShapeError(field, describe(value), "a batch of bytes")


def _from_flat(value: Any, field: str, width: int) -> Column:
    flat = _flat_view(value)
    if flat is None:
        raise ShapeError(field, f"{describe(value)} with a width", "one contiguous bytes-like object")
    if flat.size % width:
        raise LengthError(field, f"{flat.size} bytes", f"a multiple of the width, {width}")
    return trusted_column(flat.reshape(-1, width), None)


def _from_pair(data: Any, offsets: Any, field: str) -> Column:
    flat = _flat_view(data)
    if flat is None:
        raise ShapeError(f"{field}.data", describe(data), "one contiguous bytes-like object")
    positions = to_array(offsets, f"{field}.offsets" if field != "data" else "offsets", _OFFSETS_WANTED)
    _check_offsets(positions, flat.size, f"{field}.offsets" if field != "data" else "offsets")
    return trusted_column(flat, np.require(positions, np.int64, ["C", "A"]))


def _gather(items: Sequence[Any], field: str) -> Column:
    if type(items) is list and len(items) >= LEAST and (rows := list_rows(items)) is not None:
        return trusted_column(np.frombuffer(rows[0], dtype=_UINT8), np.frombuffer(rows[1], dtype=np.int64))
    if not {*map(type, items)} <= _BYTES_TYPES:
        items = [_item_view(item, field, i) for i, item in enumerate(items)]
    lengths = list(map(len, items))
    if len(set(lengths)) == 1 and lengths[0]:  # twice as fast as adding up
        offsets = np.arange(0, lengths[0] * len(items) + 1, lengths[0], dtype=np.int64)
    else:
        offsets = np.zeros(len(items) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
    joined = b"".join(items)
    if len(joined) != offsets[-1]:  # a bytearray that another thread resized between the two lines above
        raise LengthError(field, "items that change their length during the call", "items left alone")
    return trusted_column(np.frombuffer(joined, dtype=_UINT8), offsets)


def _item_view(item: object, field: str, i: int) -> bytes | memoryview:
    if isinstance(item, bytes):
        return item
    flat = _flat_view(item)
    if flat is None:
        raise ShapeError(f"{field}[{i}]", describe(item), "a contiguous bytes-like object")
    return flat.data


def _from_arrow(array: Any, field: str) -> Column:
    kind = str(array.type)
    if not hasattr(array, "buffers"):
        raise ShapeError(field, f"{type(array).__name__} of {kind}", "one Arrow array (combine_chunks() makes one)")
    n, start = len(array), int(array.offset)
    if array.null_count:
        raise InputError(field, f"an Arrow array with {array.null_count} nulls", "no nulls")
    buffers = [None if buffer is None else np.frombuffer(buffer, dtype=np.uint8) for buffer in array.buffers()]
    empty = np.empty(0, dtype=np.uint8)
    if kind.startswith("fixed_size_binary["):
        width = int(array.type.byte_width)
        data = empty if len(buffers) < 2 or buffers[1] is None else buffers[1]
        if data.size < (start + n) * width:
            raise LengthError(field, f"an Arrow buffer of {data.size} bytes", f"at least {(start + n) * width}")
        return trusted_column(data[start * width : (start + n) * width].reshape(n, width), None)
    if kind not in ("binary", "large_binary"):
        raise ShapeError(field, f"an Arrow array of {kind}", "binary, large_binary or fixed_size_binary")
    if n == 0:
        return trusted_column(empty, np.zeros(1, dtype=np.int64))
    raw, values = buffers[1], buffers[2]
    offset_type = np.dtype(np.int32 if kind == "binary" else np.int64)
    if raw is None or raw.size < (start + n + 1) * offset_type.itemsize:
        raise LengthError(field, "an Arrow array with too few offsets", f"{start + n + 1} offsets")
    positions = raw[: raw.size // offset_type.itemsize * offset_type.itemsize].view(offset_type)[start : start + n + 1]
    return _from_pair(empty if values is None else values, positions, field)


# ---- checks --------------------------------------------------------------------------------------------------------


def trusted_column(data: NDArray[np.uint8], offsets: NDArray[np.int64] | None) -> Column:
    """A column whose arrays were checked already: skips the O(n) walk over the offsets."""
    column = object.__new__(Column)
    object.__setattr__(column, "data", data)
    object.__setattr__(column, "offsets", offsets)
    return column


def join_columns(columns: Sequence[Column]) -> Column:
    """The rows of several columns, one after another, copied; a single one as it is."""
    if len(columns) == 1:
        return columns[0]
    widths = {column.width for column in columns}
    if len(widths) == 1 and None not in widths:
        return trusted_column(np.concatenate([column.data for column in columns]), None)
    data, offsets, size = [], [np.zeros(1, dtype=np.int64)], 0
    for column in columns:
        if column.offsets is None:
            data.append(column.data.reshape(-1))
            offsets.append(size + np.arange(1, column.n + 1, dtype=np.int64) * (column.width or 0))
        else:
            first, last = int(column.offsets[0]), int(column.offsets[-1])
            data.append(column.data[first:last])
            offsets.append(column.offsets[1:] - first + size)
        size += column.nbytes
    return trusted_column(np.concatenate(data), np.concatenate(offsets))


def looks_like_offsets(value: object) -> bool:
    """Tells ``(data, offsets)`` from a tuple of two byte strings: offsets are wider than a byte, or a list of ints."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype != _UINT8)
    if isinstance(value, (list, tuple)):
        return not value or isinstance(value[0], int)
    try:
        return memoryview(value).itemsize > 1  # type: ignore[arg-type]
    except TypeError:
        return False


def _flat_view(value: object) -> NDArray[np.uint8] | None:
    """One contiguous run of bytes as a 1-D uint8 view, or None when the object is not that."""
    if isinstance(value, np.ndarray):
        ok = value.ndim == 1 and value.dtype == _UINT8 and (value.size < 2 or value.strides[0] == 1)
        return value if ok else None
    try:
        view = memoryview(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):
        return None
    if view.ndim != 1 or view.itemsize != 1 or not view.c_contiguous:
        return None
    return np.frombuffer(view, dtype=np.uint8)


def _dimensions(view: memoryview) -> int:
    try:
        return view.ndim
    except ValueError:  # released
        return 0


def _matrix_view(view: memoryview, field: str) -> NDArray[np.uint8]:
    if view.itemsize != 1:
        raise ShapeError(field, describe(view), "bytes: format 'B'")
    array: NDArray[np.uint8] = np.asarray(view).view(np.uint8)
    return array


def _checked_width(width: object) -> int:
    if isinstance(width, (bool, np.bool_)) or not isinstance(width, (int, np.integer)) or width < 1:
        raise InputError("width", describe(width), "a positive number of bytes")
    if width > _MOST_WIDTH:
        raise InputError("width", describe(width), f"at most {_MOST_WIDTH} bytes")
    return int(width)


def _check_matrix(array: object, field: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != _UINT8 or array.ndim != 2:
        raise ShapeError(field, describe(array), "uint8 array of shape (n, width)")
    if array.shape[1] > 1 and array.shape[0] > 0 and array.strides[1] != 1:
        raise ShapeError(field, f"rows with {array.strides[1]} bytes from one byte to the next", "contiguous rows")


def _check_flat(array: object, field: str) -> None:
    if not isinstance(array, np.ndarray) or _flat_view(array) is None:
        raise ShapeError(field, describe(array), "contiguous uint8 array of shape (size,)")


def _check_offsets(offsets: Any, size: int, field: str) -> None:
    if not isinstance(offsets, np.ndarray) or offsets.ndim != 1 or offsets.size == 0:
        raise ShapeError(field, describe(offsets), _OFFSETS_WANTED)
    if offsets.dtype != np.int64 and offsets.dtype != np.int32:
        raise ShapeError(field, describe(offsets), _OFFSETS_WANTED)
    # Compared, not subtracted: the difference of two hostile offsets can wrap around to something positive.
    down = offsets[1:] < offsets[:-1]
    if down.any():
        at = int(down.argmax()) + 1
        raise LengthError(f"{field}[{at}]", f"{offsets[at]} after {offsets[at - 1]}", "offsets that never decrease")
    first, last = int(offsets[0]), int(offsets[-1])
    if first < 0:
        raise LengthError(f"{field}[0]", str(first), "0 or more")
    if last > size:
        raise LengthError(f"{field}[{len(offsets) - 1}]", str(last), f"at most {size}, the bytes of the data")


def _check_width(column: Column, field: str, widths: tuple[int, ...], *, exact: bool) -> None:
    if column.offsets is None:
        if column.n and column.width not in widths:
            wanted = " or ".join(str(width) for width in widths)
            raise ShapeError(field, f"rows of {column.width} bytes", f"rows of {wanted} bytes")
    elif exact and column.n:
        lengths = column.lengths
        fits = lengths == widths[0] if len(widths) == 1 else np.isin(lengths, widths)
        if not fits.all():
            wanted = " or ".join(str(width) for width in widths)
            at = int((~fits).argmax())
            raise LengthError(f"{field}[{at}]", f"{int(lengths[at])} bytes", f"{wanted} bytes")
