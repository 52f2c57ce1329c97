"""Merkle trees that grow, in O(log n) memory: appending, streaming, and proofs picked up on the way.

A frontier (also: compact range) holds the roots of the perfect subtrees that n leaves fall into, one per set bit of n.
That is enough to append leaves and to give the root of any shape at any time; leaves are never kept, so that a tree of
10^8 leaves read from a file or made on the fly takes no more memory than one chunk of it.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import parallel
from pycore.base.columns import one_bytes
from pycore.base.deadline import checkpoint
from pycore.errors import InputError, LengthError
from pycore.hashing.batch import COST
from pycore.merkle.ffi_trees import Frontier
from pycore.merkle.levels import (
    RISE,
    check_limit,
    column_nodes,
    empty_root,
    leaf_column,
    names,
    subtree_roots,
    tree_params,
    zero_nodes,
)
from pycore.merkle.proofs import consistency_positions, count_argument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike, Column

__all__ = ["MerkleFrontier", "merkle_stream"]

_SMALL = 1 << 12  # leaves that are appended node by node; of more, threads make subtrees first
_BYTE = np.dtype(np.uint8)
_FEW_BYTES = 1 << 14  # of leaves that are appended as they come
_SUPER = 1 << 20  # leaves whose subtree roots are held together
_MAGIC = b"pcmf\x01"
_HEAD = struct.Struct("<BBBQQ")  # flags, lengths of the two names, limit, leaf_count


class MerkleFrontier:
    """A Merkle tree that only grows: O(log n) memory, O(log n) work per appended leaf, less in batches.

    Args:
        tree, hash, hashed, limit: as for :func:`pycore.merkle_root`.
        watch: positions of leaves whose proofs are wanted; name them before they are appended. Each costs at most
            2 log2(n) digests.

    Raises:
        InputError: an unknown name, a limit where none belongs, a position that is not one.

    Traps: those of :func:`pycore.merkle_root`. A frontier keeps no leaves, so it cannot say whether a list is `mutated`
    (CVE-2012-2459); :class:`pycore.MerkleTree` can. The saved state is trusted as it is.

    >>> import pycore
    >>> log = MerkleFrontier(watch=[1])
    >>> log.append([b"a", b"b"])
    >>> size = log.checkpoint()
    >>> log.append([b"c"])
    >>> log.root == pycore.merkle_root([b"a", b"b", b"c"])
    True
    >>> pycore.verify_inclusion(log.root, b"b", log.proof(1), index=1, leaf_count=3)
    >>> old = pycore.merkle_root([b"a", b"b"])
    >>> pycore.verify_consistency(old, log.root, log.consistency_proof(size), m=size, n=3)
    """

    __slots__ = (
        *("_hash", "_hashed", "_limit", "_raw", "_room", "_size", "_tree"),
        *("_kept", "_marks", "_state", "_wanted", "_watch"),
    )

    def __init__(
        self,
        *,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        limit: int | None = None,
        watch: Iterable[int] = (),
    ) -> None:
        self._tree, self._hash = names(tree, hash)
        self._hashed = bool(hashed)
        self._limit = check_limit(self._tree, limit)
        self._raw = self._tree.leaf_prefix is not None and not self._hashed  # whether leaves get hashed
        self._room = min((1 << 63) - 1, (1 << 64) if self._limit is None else self._limit)  # leaves in all
        self._size = self._hash.digest_size
        self._state = Frontier(tree_params(self._tree, self._hash, self._limit), self._size, raw=self._raw)
        self._watch = sorted({count_argument(index, f"watch[{i}]") for i, index in enumerate(watch)})
        self._marks: set[int] = set()  # sizes of checkpoints
        self._kept: dict[tuple[int, int], bytes] = {}  # (height, position) -> node
        self._wanted: NDArray[np.uint64] | None = None  # see _wanted_leaves; None: to be made

    @property
    def tree(self) -> str:
        """Name of the shape."""
        return self._tree.name

    @property
    def hash(self) -> str:
        """Name of the hash."""
        return self._hash.name

    @property
    def hashed(self) -> bool:
        """Whether appended leaves are leaf hashes already."""
        return self._hashed

    @property
    def limit(self) -> int | None:
        """The limit of an "ssz" list; None elsewhere."""
        return self._limit

    @property
    def leaf_count(self) -> int:
        """Number of leaves."""
        return self._state.leaf_count

    @property
    def watched_leaves(self) -> tuple[int, ...]:
        """Positions named in ``watch=``, ascending."""
        return tuple(self._watch)

    @property
    def watched(self) -> int:
        """How many positions and checkpoints nodes are kept for."""
        return len(self._watch) + len(self._marks)

    # ---- growing ---------------------------------------------------------------------------------------------------

    def append(self, leaves: BatchOfBytes, *, width: int | None = None, threads: int | None = None) -> None:
        """Append leaves at the end.

        Args:
            leaves: a batch of byte strings, as for :func:`pycore.merkle_root`.
            width: bytes per leaf, when `leaves` is one bytes-like object.
            threads: how many threads may work on this call; see ``pycore.base.parallel``.

        Raises:
            InputError: leaves in none of the forms, digests of a wrong length, or more leaves than the limit; the
                frontier is as it was before the call.
        """
        if threads is None and width is None and self._append_directly(leaves):
            return
        column = leaf_column(self._tree, self._hash, leaves, "leaves", hashed=self._hashed, width=width)
        base = self.leaf_count
        if base + column.n > self._room:
            raise InputError("leaves", f"{column.n} leaves after {base}", f"at most {self._room} in all")
        small = parallel.is_small(column.n, COST, column)
        count = 1 if small and threads is None else parallel.resolve_threads(threads)
        if column.n <= _SMALL:
            self._append_nodes(column, count)
            return
        head = min(column.n, -base % (1 << RISE))
        self._append_nodes(column.slice(0, head), count)
        whole = (column.n - head) >> RISE << RISE
        for start, stop in self._between_watched(head, head + whole, base):
            self._append_subtrees(column.slice(start, stop), count)
        self._append_nodes(column.slice(head + whole, column.n), count)

    def _append_directly(self, leaves: Any) -> bool:
        """Appends one leaf, or a small matrix, unless they are refused: a column would cost more than all the rest."""
        kind, one = type(leaves), None
        if kind is list:
            if len(leaves) != 1 or type(leaves[0]) is not bytes:
                return False
            one = leaves[0]
        elif kind is not np.ndarray or leaves.dtype != _BYTE or leaves.ndim != 2:
            return False
        elif len(leaves) == 1:
            one = leaves.tobytes()
        if one is not None and not (self._watch or self._marks):
            return self._state.append_leaf(one)
        rows = leaves if one is None else np.frombuffer(one, dtype=np.uint8).reshape(1, -1)
        few = rows.nbytes <= _FEW_BYTES and parallel.is_small(len(rows), COST)
        fits = (self._raw or rows.shape[1] == self._size) and self.leaf_count + len(rows) <= self._room
        if not few or not fits or not rows.flags.c_contiguous:
            return False
        self._add(rows, None if self._raw else 0)
        return True

    def _between_watched(self, start: int, stop: int, base: int) -> list[tuple[int, int]]:
        """Cuts [start, stop) of a column into aligned pieces; one with a watched leaf is 2^RISE leaves long.

        Row 0 of the column is leaf `base`.
        """
        bounds = {start, stop, *range(start, stop, _SUPER)}
        for index in self._watch:
            at = index - base
            if start <= at < stop:
                first = start + ((at - start) >> RISE << RISE)
                bounds |= {first, first + (1 << RISE)}
        ordered = sorted(bounds)
        return list(pairwise(ordered))

    def _append_nodes(self, column: Column, threads: int) -> None:
        self._add(column_nodes(self._tree, self._hash, column, hashed=self._hashed, threads=threads), 0)

    def _append_subtrees(self, column: Column, threads: int) -> None:
        """A multiple of 2^RISE leaves, at a multiple of 2^RISE."""
        if column.n == 1 << RISE:
            self._append_nodes(column, threads)
            return
        roots = subtree_roots(self._tree, self._hash, column, hashed=self._hashed, levels=RISE, threads=threads)
        self._add(roots, RISE)

    def _add(self, rows: NDArray[np.uint8], level: int | None) -> None:
        """Append leaves that get hashed (level None), or roots of complete subtrees of 2^level leaves, by one call.

        They are few enough: some thousands of hashes, less than a piece of work with a deadline has.
        """
        checkpoint()
        for height, position, node in self._state.append(rows, level, self._wanted_leaves()):
            self._kept[height, position] = node

    def _wanted_leaves(self) -> NDArray[np.uint64]:
        """Leaves whose siblings, on every level, are kept; ascending."""
        if self._wanted is None:
            self._wanted = np.array(sorted({*self._watch, *(size - 1 for size in self._marks)}), dtype=np.uint64)
        return self._wanted

    # ---- what it stands for ----------------------------------------------------------------------------------------

    @property
    def root(self) -> bytes:
        """The root of the leaves so far; of an empty tree as ``pycore.merkle`` says."""
        root = self._state.root()
        return empty_root(self._tree, self._hash, self._limit) if root is None else root

    def proof(self, i: int) -> list[bytes]:
        """Siblings of leaf i, which must be watched, from the leaf up: as :meth:`pycore.MerkleTree.proof`.

        Raises:
            InputError: i is not watched, or not appended yet.
        """
        index = count_argument(i, "i")
        at = bisect_left(self._watch, index)
        if at == len(self._watch) or self._watch[at] != index:
            raise InputError("i", str(index), "a position named in watch=")
        count = self.leaf_count
        if index >= count:
            raise InputError("i", str(index), f"an index below {count}, the number of leaves")
        positions, nodes = self._state.edge()
        siblings = []
        for level, last in enumerate(positions[:-1]):
            sibling = (index >> level) ^ 1
            if sibling < count >> level:
                siblings.append(self._kept[level, sibling])
            elif last == sibling:
                siblings.append(nodes[level])
            elif self._tree.pads:
                siblings.append(zero_nodes(self._hash.name)[level].tobytes())
            elif self._tree.duplicates:  # the leaf's own node is the last of its height
                siblings.append(nodes[level])
        return siblings

    def checkpoint(self) -> int:
        """Remember the present size, so that :meth:`consistency_proof` can prove later ones from it; returns the size.

        Costs at most 2 log2(n) digests until :meth:`forget`.

        Raises:
            InputError: the frontier is empty, or its shape has no consistency proofs.
        """
        if not self._tree.proves_consistency:
            raise InputError("tree", repr(self.tree), "'rfc9162': the others have no consistency proofs")
        count = self.leaf_count
        if not count:
            raise InputError("checkpoint", "an empty frontier", "at least one leaf")
        self._marks.add(count)
        self._wanted = None
        for level in self._heights():
            self._kept[level, (count >> level) - 1] = self._state.peak(level)
        return count

    def _heights(self) -> list[int]:
        """Heights of the perfect subtrees that the leaves fall into."""
        count = self.leaf_count
        return [level for level in range(count.bit_length()) if count >> level & 1]

    def forget(self, m: int) -> None:
        """Let go of the checkpoint at size m and of the nodes that only it needs."""
        self._marks.discard(count_argument(m, "m"))
        self._wanted = None
        leaves = [*self._watch, *(size - 1 for size in self._marks)]
        heights = range(self.leaf_count.bit_length() + 1)
        needed = {(level, index >> level >> 1) for index in leaves for level in heights}
        self._kept = {place: value for place, value in self._kept.items() if (place[0], place[1] >> 1) in needed}

    def consistency_proof(self, m: int) -> list[bytes]:
        """Proof that the present tree extends the one of the checkpoint at size m (RFC 9162, section 2.1.4.1).

        Raises:
            InputError: m is not the size of a checkpoint.
        """
        size = count_argument(m, "m")
        if size not in self._marks:
            raise InputError("m", str(size), "the size of a checkpoint")
        positions, nodes = self._state.edge()
        return [
            nodes[level] if positions[level] == position else self._kept[level, position]
            for level, position in consistency_positions(size, self.leaf_count)
        ]

    # ---- keeping it ------------------------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """The whole state; :meth:`from_bytes` goes on from it. Not authenticated: keep it where you keep your keys.

        ``"pcmf" 1 | flags | len(tree) | len(hash) | limit u64 | leaf_count u64 | tree | hash | peaks, lowest first |
        watch | checkpoints | kept nodes``, little-endian; the last three begin with their number as u32.
        """
        flags = self._hashed | (self._limit is not None) << 1
        tree, name = self.tree.encode(), self.hash.encode()
        parts = [_MAGIC, _HEAD.pack(flags, len(tree), len(name), self._limit or 0, self.leaf_count), tree, name]
        parts += [self._state.peak(level) for level in self._heights()]
        for numbers in (self._watch, sorted(self._marks)):
            parts.append(struct.pack(f"<I{len(numbers)}Q", len(numbers), *numbers))
        parts.append(struct.pack("<I", len(self._kept)))
        parts += [struct.pack("<BQ", *place) + self._kept[place] for place in sorted(self._kept)]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, state: BytesLike, *, max_watched: int | None = None) -> MerkleFrontier:
        """A frontier as :meth:`to_bytes` wrote it.

        Args:
            state: the bytes.
            max_watched: most positions and checkpoints that it may have; each is looked at once per level of the tree.
                None: any number.

        Raises:
            InputError: bytes that are no such state, or more positions and checkpoints.
        """
        reader = _Reader(one_bytes(state, "state"))
        if reader.take(len(_MAGIC)) != _MAGIC:
            raise reader.malformed()
        flags, tree_size, name_size, limit, count = _HEAD.unpack(reader.take(_HEAD.size))
        tree, name = (reader.take(size).decode("ascii", "replace") for size in (tree_size, name_size))
        bounded = bool(flags & 2)
        if flags > 3 or count >= 1 << 63 or (not bounded and limit) or (bounded and count > limit):
            raise reader.malformed()
        made = cls(tree=tree, hash=name, hashed=bool(flags & 1), limit=limit if bounded else None)
        size = made._hash.digest_size
        made._state.leaf_count = count
        for level in made._heights():
            made._state.set_peak(level, reader.take(size))
        made._watch = sorted(set(reader.numbers()))
        made._marks = set(reader.numbers())
        if max_watched is not None and made.watched > max_watched:
            raise LengthError("state", f"{made.watched} positions and checkpoints", f"at most {max_watched}")
        for _ in range(*struct.unpack("<I", reader.take(4))):
            level, position = struct.unpack("<BQ", reader.take(9))
            made._kept[level, position] = reader.take(size)
        if reader.rest() or not all(0 < mark <= count for mark in made._marks):
            raise reader.malformed()
        made._check_kept(reader)
        return made

    def _check_kept(self, reader: _Reader) -> None:
        """Every node that a watched leaf or a checkpoint will ask for is there."""
        count = self.leaf_count
        for index in self._watch:
            for level in range(count.bit_length()):
                sibling = (index >> level) ^ 1
                if sibling < count >> level and (level, sibling) not in self._kept:
                    raise reader.malformed()
        for mark in self._marks:
            for level in range(mark.bit_length()):
                if mark >> level & 1 and (level, (mark >> level) - 1) not in self._kept:
                    raise reader.malformed()
            for level in range(count.bit_length()):
                sibling = ((mark - 1) >> level) ^ 1
                above = level >= (mark & -mark).bit_length() - 1
                if above and sibling < count >> level and (level, sibling) not in self._kept:
                    raise reader.malformed()

    def __reduce__(self) -> tuple[Any, ...]:  # a copy goes on by itself
        return MerkleFrontier.from_bytes, (self.to_bytes(),)

    def __repr__(self) -> str:
        return (
            f"MerkleFrontier({self.leaf_count} leaves, tree={self.tree!r}, hash={self.hash!r}, root={self.root.hex()})"
        )


class _Reader:
    """Takes bytes from the front; InputError when there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def malformed(self) -> InputError:
        return LengthError("state", f"{len(self._data)} bytes", "what MerkleFrontier.to_bytes wrote")

    def take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise self.malformed()
        self._at += size
        return part

    def numbers(self) -> list[int]:
        (count,) = struct.unpack("<I", self.take(4))
        return list(struct.unpack(f"<{count}Q", self.take(8 * count)))

    def rest(self) -> int:
        return len(self._data) - self._at


def merkle_stream(
    chunks: Iterable[BatchOfBytes],
    *,
    indices: Iterable[int] = (),
    tree: str = "rfc9162",
    hash: str | None = None,
    hashed: bool = False,
    limit: int | None = None,
    width: int | None = None,
    threads: int | None = None,
) -> MerkleFrontier:
    """A Merkle tree of any size in bounded memory, from chunks of its leaves.

    Args:
        chunks: batches of leaves, in order, each in any form that :func:`pycore.merkle_root` takes: an iterator over a
            file, slices of a memory-mapped array, a generator. One chunk is held at a time; 2^16 leaves and more are
            as fast as one batch of all.
        indices: positions of leaves to prove.
        tree, hash, hashed, limit, width, threads: as for :func:`pycore.merkle_root`.

    Returns:
        A :class:`MerkleFrontier`: ``.root``, ``.leaf_count``, ``.proof(i)`` for each of the indices.

    Traps: those of :class:`MerkleFrontier`.

    Raises:
        InputError: as for :func:`pycore.merkle_root`.

    >>> import pycore
    >>> done = merkle_stream(([bytes([i])] for i in range(5)), indices=[3])
    >>> done.leaf_count, done.root == pycore.merkle_root([bytes([i]) for i in range(5)])
    (5, True)
    >>> pycore.verify_inclusion(done.root, bytes([3]), done.proof(3), index=3, leaf_count=5)
    """
    frontier = MerkleFrontier(tree=tree, hash=hash, hashed=hashed, limit=limit, watch=indices)
    for chunk in chunks:
        frontier.append(chunk, width=width, threads=threads)
    return frontier
