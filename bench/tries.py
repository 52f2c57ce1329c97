"""Ethereum tries to measure with: built whole, as a node builds them, from 32-byte keys and values of 32 bytes and
more (so that no node is short enough to be embedded in its parent)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pycore


class Trie:
    """A Merkle-Patricia trie (Yellow Paper, appendix D) and its proofs.

    Args:
        items: at least one 32-byte key, with a value of at least 32 bytes each.
    """

    def __init__(self, items: Mapping[bytes, bytes]) -> None:
        self._nodes: dict[str, bytes] = {}  # by the nibbles that lead to a node
        self.root = self._build([(key.hex(), items[key]) for key in sorted(items)], 0)

    def proof(self, key: bytes) -> list[bytes]:
        """The nodes on the way of a key, from the root down."""
        way = key.hex()
        return [self._nodes[way[:depth]] for depth in range(len(way) + 1) if way[:depth] in self._nodes]

    def _build(self, pairs: Sequence[tuple[str, bytes]], depth: int) -> bytes:
        first, last = pairs[0][0], pairs[-1][0]
        if len(pairs) == 1:
            node = _list([_path(first[depth:], 0x20), pairs[0][1]])
        else:
            shared = next(at for at in range(depth, len(first)) if first[at] != last[at])
            if shared > depth:
                node = _list([_path(first[depth:shared], 0), self._build(pairs, shared)])
            else:
                children = ([pair for pair in pairs if pair[0][depth] == digit] for digit in "0123456789abcdef")
                node = _list([self._build(child, depth + 1) if child else b"" for child in children] + [b""])
        self._nodes[first[:depth]] = node
        return pycore.hash("keccak256", node)


def _path(nibbles: str, flag: int) -> bytes:
    """Hex-prefix encoding; flag is 0x20 for leaves."""
    odd = len(nibbles) & 1
    head = bytes([flag | 0x10 | int(nibbles[0], 16)]) if odd else bytes([flag])
    return head + bytes.fromhex(nibbles[odd:])


def _list(items: Sequence[bytes]) -> bytes:
    body = b"".join(one if len(one) == 1 and one[0] < 0x80 else _head(0x80, len(one)) + one for one in items)
    return _head(0xC0, len(body)) + body


def _head(base: int, size: int) -> bytes:
    if size < 56:
        return bytes([base + size])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length
