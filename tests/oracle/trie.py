"""Merkle-Patricia tries by the Yellow Paper's appendices B to D: roots of dictionaries, and proofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Hash = Callable[[bytes], bytes]
Item = bytes | list["Item"]
Pairs = list[tuple[tuple[int, ...], bytes]]


def rlp(item: Item) -> bytes:
    if isinstance(item, list):
        body, base = b"".join(map(rlp, item)), 0xC0
    else:
        body, base = item, 0x80
        if len(body) == 1 and body[0] < 0x80:
            return body
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length + body


def nibbles(key: bytes) -> tuple[int, ...]:
    return tuple(part for byte in key for part in (byte >> 4, byte & 15))


def hex_prefix(path: tuple[int, ...], leaf: bool) -> bytes:
    flags = 2 * leaf + len(path) % 2
    whole = (flags, *path) if len(path) % 2 else (flags, 0, *path)
    return bytes(whole[i] << 4 | whole[i + 1] for i in range(0, len(whole), 2))


def node(pairs: Pairs, h: Hash, seen: dict[bytes, bytes]) -> Item:
    """The node over pairs of distinct paths; encoded nodes that stand for themselves by hash go to `seen`."""
    if not pairs:
        return b""
    if len(pairs) == 1:
        return [hex_prefix(pairs[0][0], True), pairs[0][1]]
    shared = 0
    while all(len(path) > shared and path[shared] == pairs[0][0][shared] for path, _ in pairs):
        shared += 1
    if shared:
        below = [(path[shared:], value) for path, value in pairs]
        return [hex_prefix(pairs[0][0][:shared], False), reference(below, h, seen)]
    branch: list[Item] = [
        reference([(path[1:], value) for path, value in pairs if path and path[0] == nibble], h, seen)
        for nibble in range(16)
    ]
    return [*branch, next((value for path, value in pairs if not path), b"")]


def reference(pairs: Pairs, h: Hash, seen: dict[bytes, bytes]) -> Item:
    if not pairs:
        return b""
    made = node(pairs, h, seen)
    encoded = rlp(made)
    if len(encoded) < 32:
        return made
    seen[h(encoded)] = encoded
    return h(encoded)


def build(items: Mapping[bytes, bytes], h: Hash) -> tuple[bytes, dict[bytes, bytes]]:
    """The root, and every node that is named by its hash."""
    seen: dict[bytes, bytes] = {}
    encoded = rlp(node([(nibbles(key), value) for key, value in items.items()], h, seen))
    seen[h(encoded)] = encoded
    return h(encoded), seen


def parse(data: bytes) -> Item:
    """One RLP item; trusts its input."""
    item, rest = _parse(data)
    assert not rest
    return item


def _parse(data: bytes) -> tuple[Item, bytes]:
    head = data[0]
    if head < 0x80:
        return data[:1], data[1:]
    base = 0x80 if head < 0xC0 else 0xC0
    size, at = head - base, 1
    if size > 55:
        width = size - 55
        size, at = int.from_bytes(data[1 : 1 + width], "big"), 1 + width
    body, rest = data[at : at + size], data[at + size :]
    if base == 0x80:
        return body, rest
    items: list[Item] = []
    while body:
        item, body = _parse(body)
        items.append(item)
    return items, rest


def proof(root: bytes, seen: Mapping[bytes, bytes], key: bytes) -> list[bytes]:
    """The nodes on the way of a key, the root's first."""
    path, nodes = nibbles(key), [seen[root]]
    here = parse(seen[root])
    while isinstance(here, list):
        if len(here) == 17:
            if not path:
                break
            child, path = here[path[0]], path[1:]
        else:
            assert isinstance(here[0], bytes)
            flags = here[0][0] >> 4
            part = nibbles(here[0])[2 - flags % 2 :]
            if flags >= 2 or path[: len(part)] != part:
                break
            child, path = here[1], path[len(part) :]
        if isinstance(child, bytes) and len(child) == 32:
            nodes.append(seen[child])
            child = parse(seen[child])
        here = child
    return nodes
