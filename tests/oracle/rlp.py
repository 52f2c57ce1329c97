"""RLP by the Yellow Paper's appendix B: a writer, and a reader that takes any encoding.

An encoding is canonical where writing what was read gives its bytes again.
"""

from __future__ import annotations

from oracle.trie import Item, rlp


def lenient(data: bytes) -> tuple[Item, bytes]:
    """The first item and the bytes behind it; ValueError where there is no item. Recursion as deep as the input."""
    if not data:
        raise ValueError("nothing")
    head = data[0]
    if head < 0x80:
        return data[:1], data[1:]
    base = 0x80 if head < 0xC0 else 0xC0
    size, at = head - base, 1
    if size > 55:
        width = size - 55
        if len(data) < 1 + width:
            raise ValueError("a length that is cut off")
        size, at = int.from_bytes(data[1 : 1 + width], "big"), 1 + width
    if len(data) < at + size:
        raise ValueError("content that is cut off")
    body, rest = data[at : at + size], data[at + size :]
    if base == 0x80:
        return body, rest
    items: list[Item] = []
    while body:
        item, body = lenient(body)
        items.append(item)
    return items, rest


def read(data: bytes) -> Item | None:
    """The item that the bytes are the canonical encoding of, or None."""
    try:
        item, rest = lenient(data)
    except ValueError:
        return None
    return item if not rest and rlp(item) == data else None
