"""RLP, Ethereum's encoding of byte strings and lists of them, one record at a time (Yellow Paper, appendix B).

Only the one shortest encoding of an item is read. Depth and number of items are bounded before they cost. Many records
are read level by level into columns, in C: ``pycore.ledgers.rlp_columns``. The walk of tries
(``pycore.merkle.patricia_jit``) has the reader once more, compiled, inside of its loop.

>>> encode([b"cat", [b"", 1024]]).hex()
'c983636174c480820400'
>>> decode(bytes.fromhex("c983636174c480820400"))
[b'cat', [b'', b'\\x04\\x00']]
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from pycore.errors import InputError

Item: TypeAlias = "bytes | list[Item]"
Encodable: TypeAlias = "bytes | int | Sequence[Any]"
"""A byte string, a number, or a sequence of such."""

MAX_DEPTH = 16
"""Lists inside one another."""
MAX_ITEMS = 1 << 18
"""Strings and lists of a record."""


def encode(item: Encodable) -> bytes:
    """The encoding of a byte string, a number (big-endian without leading zeros; 0 is the empty string) or a sequence
    of such. InputError on a number below 0 and on other types."""
    if isinstance(item, int) and not isinstance(item, bool):
        if item < 0:
            raise InputError("item", f"{item}", "a number of 0 or more")
        return encode_bytes(number_bytes(item))
    if isinstance(item, (bytes, bytearray, memoryview)):
        return encode_bytes(bytes(item))
    if isinstance(item, (list, tuple)):
        return encode_list(b"".join([encode(one) for one in item]))
    raise InputError("item", type(item).__name__, "bytes, a number or a sequence of such")


def encode_bytes(data: bytes) -> bytes:
    """The encoding of one byte string."""
    size = len(data)
    if size == 1 and data[0] < 0x80:
        return data
    return _header(0x80, size) + data


def encode_list(content: bytes) -> bytes:
    """The encoding of a list whose items are encoded already, one after another."""
    return _header(0xC0, len(content)) + content


def number_bytes(number: int) -> bytes:
    """A number of 0 or more, big-endian without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def decode(data: bytes, *, max_depth: int = MAX_DEPTH, max_items: int = MAX_ITEMS, name: str = "rlp") -> Item:
    """The item that the bytes encode: bytes, or a list of items.

    Raises:
        InputError: named `name`: bytes that are not the shortest encoding of one item, or exceed a limit.
    """
    return _Reader(data, max_depth, max_items, name).whole()


def decode_list(
    data: bytes, *, max_depth: int = MAX_DEPTH, max_items: int = MAX_ITEMS, name: str = "rlp"
) -> list[Item]:
    """As :func:`decode`, of a list."""
    found = decode(data, max_depth=max_depth, max_items=max_items, name=name)
    if not isinstance(found, list):
        raise InputError(name, "an RLP string", "an RLP list")
    return found


def number(item: Item, size: int, name: str = "rlp") -> int:
    """The number that an item holds: at most `size` bytes, no leading zeros. InputError named `name` otherwise."""
    if not isinstance(item, bytes) or len(item) > size or item[:1] == b"\0":
        got = "a list" if isinstance(item, list) else f"{len(item)} bytes, the first {item[:1].hex()}"
        raise InputError(name, got, f"a number of at most {size} bytes without leading zeros")
    return int.from_bytes(item, "big")


def octets(item: Item, size: int | tuple[int, ...] | None, name: str = "rlp") -> bytes:
    """The bytes of an item that has this size, or one of these; None: any. InputError named `name` otherwise."""
    sizes = (size,) if isinstance(size, int) else size
    if not isinstance(item, bytes) or (sizes is not None and len(item) not in sizes):
        got = "a list" if isinstance(item, list) else f"{len(item)} bytes"
        raise InputError(name, got, "bytes" if sizes is None else " or ".join(f"{one} bytes" for one in sizes))
    return item


def items(item: Item, count: int | None, name: str = "rlp") -> list[Item]:
    """The items of a list that has so many; None: any number. InputError named `name` otherwise."""
    if not isinstance(item, list) or (count is not None and len(item) != count):
        got = f"a list of {len(item)}" if isinstance(item, list) else f"a string of {len(item)} bytes"
        raise InputError(name, got, "a list" if count is None else f"a list of {count} items")
    return item


@lru_cache(maxsize=4096)
def _header(base: int, size: int) -> bytes:
    if size < 56:
        return bytes((base + size,))
    width = (size.bit_length() + 7) // 8
    return bytes((base + 55 + width,)) + size.to_bytes(width, "big")


class _Reader:
    def __init__(self, data: bytes, depth: int, most: int, name: str) -> None:
        self._data, self._depth, self._left, self._most, self._name = data, depth, most, most, name

    def whole(self) -> Item:
        found, end = self._item(0, len(self._data), 0)
        if end != len(self._data):
            raise self._refusal(end, "bytes after the item")
        return found

    def _item(self, at: int, end: int, depth: int) -> tuple[Item, int]:
        is_list, begin, stop = self._header(at, end)
        if self._left == 0:
            raise InputError(self._name, f"more than {self._most} items", f"at most {self._most}")
        self._left -= 1
        if not is_list:
            return self._data[begin:stop], stop
        if depth == self._depth:
            raise InputError(self._name, f"more than {self._depth} lists in one another", f"at most {self._depth}")
        found: list[Item] = []
        while begin < stop:
            one, begin = self._item(begin, stop, depth + 1)
            found.append(one)
        return found, stop

    def _header(self, at: int, end: int) -> tuple[bool, int, int]:
        data = self._data
        if at >= end:
            raise self._refusal(at, "an item that is not there")
        head = data[at]
        if head < 0x80:
            return False, at, at + 1
        is_list = head >= 0xC0
        size, begin = head - (0xC0 if is_list else 0x80), at + 1
        if size > 55:
            width = size - 55
            if begin + width > end:
                raise self._refusal(at, "a length that is cut off")
            size = int.from_bytes(data[begin : begin + width], "big")
            if data[begin] == 0 or size < 56:
                raise self._refusal(at, "a length in more bytes than it needs")
            begin += width
        if size > end - begin:
            raise self._refusal(at, "content that is cut off")
        if size == 1 and not is_list and data[begin] < 0x80:
            raise self._refusal(at, "a byte below 80 with a header")
        return is_list, begin, begin + size

    def _refusal(self, at: int, reason: str) -> InputError:
        return InputError(self._name, f"{reason}, at byte {at} of {len(self._data)}", "one item in canonical RLP")
