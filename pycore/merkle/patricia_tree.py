"""Merkle-Patricia tries made of all their keys: roots, and proofs that :mod:`pycore.merkle.patricia` checks.

>>> trie = PatriciaTrie([b"do", b"dog"], [b"verb", b"puppy"])
>>> from pycore.merkle.patricia import verify_trie
>>> verify_trie(trie.root, b"dog", trie.proof(b"dog"))
b'puppy'
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from pycore.base import rlp
from pycore.errors import InputError, LengthError
from pycore.hashing.batch import hash_batch

_FLAGS = (("00", "1"), ("20", "3"))  # of extensions and leaves, for paths of even and odd length
_SHORT = 32  # an encoded node of fewer bytes stands in its parent as it is


@dataclass(slots=True)
class _Node:
    """A node over the keys first up to last, which agree in their first `depth` nibbles."""

    first: int
    last: int
    depth: int
    shared: int  # nibbles in which they all agree
    children: list[int] = field(default_factory=list)  # of a branch: 16 numbers of nodes, -1 for nothing
    value: bytes = b""
    encoded: bytes = b""
    reference: bytes = b""  # as it stands in its parent


class PatriciaTrie:
    """A trie that does not change.

    Attributes:
        root: 32 bytes.
    """

    def __init__(self, keys: Sequence[bytes], values: Sequence[bytes], *, hash: str = "keccak256") -> None:
        """Makes the trie.

        Args:
            keys: distinct, each in the trie's own form ("secure" tries: hashed by the caller).
            values: as many, none empty: a trie has no key with an empty value.
            hash: with digests of 32 bytes.

        Raises:
            InputError: a key twice, an empty value, or counts that differ.
        """
        if len(keys) != len(values):
            raise LengthError("values", f"{len(values)} items", f"{len(keys)}, as many as keys")
        pairs = sorted(zip(keys, values, strict=True))
        if any(not value for _, value in pairs):
            raise InputError("values", "an empty value", "no key for it")
        if any(one[0] == other[0] for one, other in itertools.pairwise(pairs)):
            raise InputError("keys", "a key twice", "distinct keys")
        self._paths = [key.hex() for key, _ in pairs]
        self._values = [value for _, value in pairs]
        self._hash = hash
        self._nodes: list[_Node] = []
        if pairs:
            self._plan()
            self._encode()
        top = self._nodes[0].encoded if pairs else b"\x80"
        self.root: bytes = hash_batch(hash, [top])[0].tobytes()

    @classmethod
    def of_list(cls, values: Sequence[bytes], *, hash: str = "keccak256") -> PatriciaTrie:
        """The trie of a block's transactions, receipts or withdrawals, whose keys are their numbers."""
        return cls([rlp.encode(i) for i in range(len(values))], values, hash=hash)

    def proof(self, key: bytes) -> list[bytes]:
        """The encoded nodes from the root to where the key's way ends, whether the trie has the key or not."""
        path, nodes = key.hex(), []
        at = 0 if self._nodes else -1
        inside = False  # whether the node stands in its parent, which is in the proof
        while at >= 0:
            node = self._nodes[at]
            if not inside:
                nodes.append(node.encoded)
            way = self._paths[node.first][node.depth : node.shared]
            if not node.children or path[node.depth : node.shared] != way:
                break
            if way:  # the extension's branch is a node by itself
                branch = self._branch(node)
                if len(branch) >= _SHORT:
                    nodes.append(branch)
            if len(path) == node.shared:
                break
            at = node.children[int(path[node.shared], 16)]
            inside = at >= 0 and len(self._nodes[at].encoded) < _SHORT
        return nodes

    def _plan(self) -> None:
        """The nodes, each behind its parent."""
        self._nodes.append(self._node(0, len(self._paths), 0))
        at = 0
        while at < len(self._nodes):
            node = self._nodes[at]
            at += 1
            if node.last - node.first == 1:
                continue
            first, place = node.first, node.shared
            if len(self._paths[first]) == place:
                node.value = self._values[first]
                first += 1
            node.children = [-1] * 16
            while first < node.last:
                nibble, last = self._paths[first][place], first + 1
                while last < node.last and self._paths[last][place] == nibble:
                    last += 1
                node.children[int(nibble, 16)] = len(self._nodes)
                self._nodes.append(self._node(first, last, place + 1))
                first = last

    def _node(self, first: int, last: int, depth: int) -> _Node:
        one, other = self._paths[first], self._paths[last - 1]  # sorted: the others lie between them
        if last - first == 1:
            return _Node(first, last, depth, len(one))
        shared, most = depth, min(len(one), len(other))
        while shared < most and one[shared] == other[shared]:
            shared += 1
        return _Node(first, last, depth, shared)

    def _encode(self) -> None:
        """From the deepest nodes up, those of one level hashed together; children are behind their parents."""
        levels: dict[int, list[_Node]] = {}
        depths = [0] * len(self._nodes)
        for at, node in enumerate(self._nodes):
            levels.setdefault(depths[at], []).append(node)
            for child in node.children:
                if child >= 0:
                    depths[child] = depths[at] + 1
        for level in sorted(levels, reverse=True):
            nodes = levels[level]
            branches = [node for node in nodes if node.children]
            inner = self._references([self._branch(node) for node in branches])
            for node, reference in zip(branches, inner, strict=True):
                way = self._paths[node.first][node.depth : node.shared]
                node.encoded = rlp.encode_list(_compact(way, leaf=False) + reference) if way else self._branch(node)
            for node in nodes:
                if not node.children:
                    way = self._paths[node.first][node.depth :]
                    value = rlp.encode_bytes(self._values[node.first])
                    node.encoded = rlp.encode_list(_compact(way, leaf=True) + value)
            for node, reference in zip(nodes, self._references([node.encoded for node in nodes]), strict=True):
                node.reference = reference

    def _branch(self, node: _Node) -> bytes:
        nodes = self._nodes
        parts = [b"\x80" if child < 0 else nodes[child].reference for child in node.children]
        return rlp.encode_list(b"".join(parts) + rlp.encode_bytes(node.value))

    def _references(self, encoded: list[bytes]) -> list[bytes]:
        found = list(encoded)
        long = [i for i, one in enumerate(encoded) if len(one) >= _SHORT]
        if long:
            digests = hash_batch(self._hash, [encoded[i] for i in long])
            for i, digest in zip(long, digests, strict=True):
                found[i] = b"\xa0" + digest.tobytes()
        return found


def _compact(way: str, *, leaf: bool) -> bytes:
    """A path of nibbles in hex-prefix encoding (Yellow Paper, appendix C), encoded as an item."""
    return rlp.encode_bytes(bytes.fromhex(_FLAGS[leaf][len(way) % 2] + way))
