"""Trees whose proofs are those of ICS-23: IAVL, the simple tree of Tendermint, and a sparse tree.

Test data: shapes, versions and hashes are those of the real trees, the content follows from a seed.

>>> from pycore import ics23
>>> tree = ProvenTree("iavl", {b"a": b"1", b"c": b"2", b"d": b"3"})
>>> ics23.verify_membership("iavl", tree.root, tree.membership(b"c"), b"c", b"2")
>>> ics23.verify_non_membership("iavl", tree.root, tree.non_membership(b"b"), b"b")
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb

from . import _deterministic

__all__ = ["ProvenTree", "compressed", "items", "proof_ops", "store_tree"]

_EMPTY = bytes(32)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def items(count: int, *, seed: int = 0, value_size: int = 32) -> dict[bytes, bytes]:
    """`count` keys of 20 bytes, in order, with values of `value_size` bytes."""
    keys = _deterministic.rows(seed, "ics23 key", count=count, width=20)
    values = _deterministic.rows(seed, "ics23 value", count=count, width=value_size)
    pairs = zip((row.tobytes() for row in keys), (row.tobytes() for row in values), strict=True)
    return dict(sorted(pairs))


class ProvenTree:
    """A tree over some items.

    Attributes:
        kind: "iavl", "tendermint" or "smt", also the name of its spec.
        root: its root, 32 bytes.
        keys: in the order of the leaves; in a sparse tree that is the order of their hashes.
    """

    def __init__(self, kind: str, content: Mapping[bytes, bytes], *, version: int = 7) -> None:
        """
        Args:
            kind: which tree.
            content: its items; at least one.
            version: IAVL: of every node.
        """
        self.kind, self._content, self._version = kind, dict(content), version
        order = (lambda key: _sha(key)) if kind == "smt" else (lambda key: key)
        self.keys = sorted(self._content, key=order)
        self._order = [order(key) for key in self.keys]
        self._rank = {key: place for place, key in enumerate(self.keys)}
        self._paths: list[list[tuple[bytes, bytes]]] = [[] for _ in self.keys]
        self._leaf = {
            "iavl": pb.LeafOp(
                hash=pb.SHA256, prehash_value=pb.SHA256, length=pb.VAR_PROTO, prefix=b"\x00\x02" + _varint(2 * version)
            ),
            "tendermint": pb.LeafOp(hash=pb.SHA256, prehash_value=pb.SHA256, length=pb.VAR_PROTO, prefix=b"\x00"),
            "smt": pb.LeafOp(hash=pb.SHA256, prehash_key=pb.SHA256, prehash_value=pb.SHA256, prefix=b"\x00"),
        }[kind]
        if kind == "smt":
            self.root = self._sparse(0, len(self.keys), 0)
        else:
            self.root = self._dense(0, len(self.keys))[0]

    def exist(self, key: bytes) -> pb.ExistenceProof:
        """The proof of one item."""
        path = [
            pb.InnerOp(hash=pb.SHA256, prefix=before, suffix=after) for before, after in self._paths[self._rank[key]]
        ]
        return pb.ExistenceProof(key=key, value=self._content[key], leaf=self._leaf, path=path)

    def nonexist(self, key: bytes) -> pb.NonExistenceProof:
        """The proof that a key is absent, which it must be."""
        assert key not in self._rank
        place = bisect.bisect(self._order, _sha(key) if self.kind == "smt" else key)
        made = pb.NonExistenceProof(key=key)
        if place:
            made.left.CopyFrom(self.exist(self.keys[place - 1]))
        if place < len(self.keys):
            made.right.CopyFrom(self.exist(self.keys[place]))
        return made

    def membership(self, key: bytes) -> bytes:
        """The proof of one item as a serialised CommitmentProof."""
        return pb.CommitmentProof(exist=self.exist(key)).SerializeToString()

    def non_membership(self, key: bytes) -> bytes:
        """The proof of an absent key as a serialised CommitmentProof."""
        return pb.CommitmentProof(nonexist=self.nonexist(key)).SerializeToString()

    def batch(self, keys: Iterable[bytes]) -> bytes:
        """One CommitmentProof of many keys, of those that are there and those that are absent."""
        entries = [
            pb.BatchEntry(exist=self.exist(key)) if key in self._rank else pb.BatchEntry(nonexist=self.nonexist(key))
            for key in keys
        ]
        return pb.CommitmentProof(batch=pb.BatchProof(entries=entries)).SerializeToString()

    # ---- the trees ---------------------------------------------------------------------------------------------------

    def _leaf_hash(self, place: int) -> bytes:
        key, value = self.keys[place], _sha(self._content[self.keys[place]])
        if self.kind == "smt":
            return _sha(self._leaf.prefix + _sha(key) + value)
        return _sha(self._leaf.prefix + _varint(len(key)) + key + b"\x20" + value)

    def _dense(self, first: int, last: int) -> tuple[bytes, int]:
        """Root and height of the leaves first up to last, and the steps of their paths up to it."""
        count = last - first
        if count == 1:
            return self._leaf_hash(first), 0
        iavl = self.kind == "iavl"
        middle = first + (-(-count // 2) if iavl else 1 << (count - 1).bit_length() - 1)
        (left, one), (right, other) = self._dense(first, middle), self._dense(middle, last)
        height = max(one, other) + 1
        head, size = b"\x01", b""
        if iavl:
            head, size = _varint(2 * height) + _varint(2 * count) + _varint(2 * self._version), b"\x20"
        for path in self._paths[first:middle]:
            path.append((head + size, size + right))
        for path in self._paths[middle:last]:
            path.append((head + size + left + size, b""))
        return _sha(head + size + left + size + right), height

    def _sparse(self, first: int, last: int, depth: int) -> bytes:
        """The same of a subtree of the sparse tree, whose keys agree in `depth` bits."""
        if first == last:
            return _EMPTY
        if last - first == 1:
            return self._leaf_hash(first)
        byte, bit = divmod(depth, 8)
        middle = first
        while middle < last and not self._order[middle][byte] >> 7 - bit & 1:
            middle += 1
        left, right = self._sparse(first, middle, depth + 1), self._sparse(middle, last, depth + 1)
        for path in self._paths[first:middle]:
            path.append((b"\x01", right))
        for path in self._paths[middle:last]:
            path.append((b"\x01" + left, b""))
        return _sha(b"\x01" + left + right)


def compressed(batch: bytes) -> bytes:
    """A batch proof in its compressed form: equal steps once, in the order of their first use."""
    proof = pb.CommitmentProof.FromString(batch)
    made = pb.CommitmentProof()
    known: dict[bytes, int] = {}

    def put(to: pb.CompressedExistenceProof, one: pb.ExistenceProof) -> None:
        to.key, to.value = one.key, one.value
        to.leaf.CopyFrom(one.leaf)
        for step in one.path:
            place = known.setdefault(step.SerializeToString(), len(known))
            if place == len(made.compressed.lookup_inners):
                made.compressed.lookup_inners.add().CopyFrom(step)
            to.path.append(place)

    for entry in proof.batch.entries:
        to = made.compressed.entries.add()
        if entry.HasField("exist"):
            put(to.exist, entry.exist)
            continue
        to.nonexist.key = entry.nonexist.key
        for side in ("left", "right"):
            if entry.nonexist.HasField(side):
                put(getattr(to.nonexist, side), getattr(entry.nonexist, side))
    return made.SerializeToString()


def store_tree(stores: Mapping[str, ProvenTree]) -> ProvenTree:
    """The tree over the roots of an application's stores; its root is the application hash."""
    return ProvenTree("tendermint", {name.encode(): tree.root for name, tree in stores.items()})


def proof_ops(stores: Mapping[str, ProvenTree], store: str, key: bytes) -> pb.ProofOps:
    """The proof that a node gives with the answer to a query for a key of one of its stores."""
    tree, above = stores[store], store_tree(stores)
    inner = tree.membership(key) if key in tree.keys else tree.non_membership(key)
    steps: Sequence[tuple[str, bytes, bytes]] = (
        (f"ics23:{tree.kind}", key, inner),
        ("ics23:simple", store.encode(), above.membership(store.encode())),
    )
    return pb.ProofOps(ops=[pb.ProofOp(type=kind, key=name, data=data) for kind, name, data in steps])
