"""Sparse Merkle trees: authenticated maps from 256-bit keys to values, with proofs of presence and of absence.

The tree of a map is a binary tree over all 2^256 keys, the first bit of a key (the highest of its first byte) choosing
the half at the root, of which only what is not empty exists. With a hash H whose digests have d bytes::

    empty subtree        d zero bytes, at every height
    one key, any height  H(0x00 || key || H(value))       a leaf: 32 + d bytes after the prefix
    two keys and more    H(0x01 || left || right)         the halves by the next bit: 2 d bytes after the prefix

So a subtree of a single key is its leaf, not a chain of nodes down to height 0, as in the trees of Diem and Celestia: a
map of n random keys has paths of about log2(n) nodes instead of 256. The digest of an empty subtree is one constant, so
the table of default subtrees that other sparse trees keep has one entry; empty siblings are one bit of a proof.

Why a proof cannot lie: the first byte tells leaves from inner nodes, so neither can pose as the other whatever its
bytes; a leaf holds the whole key, so it can stand for no other key below the same prefix; no input is known whose hash
is zeros, so an empty subtree can pose as nothing else; and values are hashed, so their length needs no encoding. A
proof of absence ends at an empty place or at the leaf of another key with the same leading bits, and both exclude the
key. Unlike a list's, the root of a map does not depend on the order in which it came about.

Keys that others choose should be hashed before they come here: whoever finds two keys with k leading bits in common
makes a path of k nodes. The tree keeps to the rules whatever the keys; it only gets slower, up to 256 nodes a key.

A **proof** is one byte string::

    kind          1 byte        0: ends at an empty place; 1: at the key's leaf; 2: at another key's leaf
    depth         2 bytes       little-endian, 0 to 256: levels from that place to the root
    bitmap        depth bits    in whole bytes, least significant bit first: bit i is 1 when the sibling i levels above
                                the place is not empty; bit 0 always is, and bits beyond depth are 0
    other leaf    32 + d bytes  kind 2 only: key and value hash
    siblings      d bytes each  those that are not empty, from the place up

Every proof has one form: what the tree could not have written is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import parallel
from pycore.base.columns import as_column, one_bytes, same_n, single
from pycore.base.jit import warms
from pycore.base.registry import HASHES, lookup
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError
from pycore.hashing.batch import COST, hash_column
from pycore.merkle.inclusion import root_rows
from pycore.merkle.levels import digest, hash_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike, Column
    from pycore.base.registry import Hash

__all__ = ["SparseMerkleTree", "verify_sparse", "verify_sparse_batch"]

KEY_SIZE = 32
_LEAF, _INNER = b"\x00", b"\x01"
_CHUNK = 1 << 12


class SparseMerkleTree:
    """A map from 32-byte keys to values, and its root. Keeps value hashes, not values.

    Batches are what it is fast at: `update` walks the sorted keys once and then hashes level by level, all nodes of a
    level at once. Not to be changed by two threads at a time.

    Args:
        hash: a name in ``pycore.HASHES``.

    Raises:
        InputError: an unknown name.

    Traps: those of :func:`verify_sparse`. The root says nothing of how many keys there are.

    >>> tree = SparseMerkleTree()
    >>> tree.update([b"a" * 32, b"b" * 32], [b"1", b"2"])
    >>> len(tree), b"a" * 32 in tree
    (2, True)
    >>> verify_sparse(tree.root, b"a" * 32, b"1", tree.proof(b"a" * 32))
    >>> verify_sparse(tree.root, b"c" * 32, None, tree.proof(b"c" * 32))
    """

    def __init__(self, *, hash: str = "sha256") -> None:
        from pycore.merkle import sparse_jit as kernels

        self._k = kernels
        self._hash = lookup(HASHES, hash, "hash")
        self._state = np.zeros(kernels.STATE_SIZE, dtype=np.int64)
        self._state[kernels.ROOT] = kernels.EMPTY
        size = self._hash.digest_size
        self._children = np.empty((0, 2), dtype=np.int64)
        self._node_hash = np.empty((0, size), dtype=np.uint8)
        self._free_inner = np.empty(0, dtype=np.int64)
        self._freed_inner = np.empty(0, dtype=np.int64)
        self._dirty = np.empty(0, dtype=np.int64)
        self._dirty_depth = np.empty(0, dtype=np.int16)
        self._is_dirty = np.empty(0, dtype=np.bool_)
        self._leaf_keys = np.empty((0, KEY_SIZE), dtype=np.uint8)
        self._leaf_hash = np.empty((0, size), dtype=np.uint8)
        self._value_hash = np.empty((0, size), dtype=np.uint8)
        self._free_leaf = np.empty(0, dtype=np.int64)

    @property
    def hash(self) -> str:
        """Name of the hash."""
        return self._hash.name

    @property
    def root(self) -> bytes:
        """The root; zeros for an empty map."""
        place = int(self._state[self._k.ROOT])
        if place < 0:
            return bytes(self._hash.digest_size)
        return bytes((self._leaf_hash if place & 1 else self._node_hash)[place >> 1])

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the tree keeps."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))

    def __len__(self) -> int:
        return int(self._state[self._k.KEYS])

    def __contains__(self, key: BytesLike) -> bool:
        return self.value_hash(key) is not None

    def value_hash(self, key: BytesLike) -> bytes | None:
        """H(value) of a key; None when the key is absent."""
        keys = _keys([one_bytes(key, "key")], "key")
        kinds, places, _, _ = self._find(keys)
        return bytes(self._value_hash[places[0] >> 1]) if kinds[0] == self._k.AT_LEAF else None

    # ---- changing --------------------------------------------------------------------------------------------------

    def update(
        self,
        keys: BatchOfBytes,
        values: BatchOfBytes | Sequence[BytesLike | None],
        *,
        hashed: bool = False,
        threads: int | None = None,
    ) -> None:
        """Put values under keys, all or none.

        Args:
            keys: n distinct keys of 32 bytes, in any order.
            values: n values of any length; in a list, None removes the key if it is there.
            hashed: the values are value hashes, H(value), already.
            threads: how many threads may work on this call; see ``pycore.base.parallel``.

        Raises:
            InputError: keys of another length or twice, or counts that differ; nothing is changed then.
        """
        rows = _keys(keys, "keys")
        order = _sorted_order(rows)
        column, present = optional_values(values, "values", self._hash.digest_size if hashed else None)
        same_n("values", column, len(rows), "keys")
        count = parallel.resolve_threads(threads)
        if hashed:
            value_hashes = np.array(column.to_matrix(self._hash.digest_size, "values"))
        else:
            value_hashes = hash_column(self._hash, column, threads=count)
        if not len(rows):
            return
        leaf_hashes = _leaf_hashes(self._hash, rows, value_hashes, count)
        rows, present = rows.take(order, axis=0), present[order]
        slots = np.empty(len(rows), dtype=np.int64)
        self._state[[self._k.DIRTY, self._k.INNER_FREED]] = 0
        done = 0
        while True:
            done = self._k.apply(
                rows, present, done, slots, self._children, self._leaf_keys, self._free_inner, self._freed_inner,
                self._free_leaf, self._state, self._dirty, self._dirty_depth, self._is_dirty,
            )  # fmt: skip
            if done == len(rows):
                break
            self._grow(len(rows) - done)
        self._k.store(order, slots, value_hashes, leaf_hashes, self._value_hash, self._leaf_hash)
        self._rehash(count)

    def delete(self, keys: BatchOfBytes, *, threads: int | None = None) -> None:
        """Remove keys; those that are absent stay so. Errors as of :meth:`update`."""
        rows = _keys(keys, "keys")
        self.update(rows, [None] * len(rows), threads=threads)

    def _grow(self, wanted: int) -> None:
        inner, leaves = len(self._children), len(self._leaf_keys)
        self._resize(
            max(2 * inner, int(self._state[self._k.INNER_USED]) + wanted * 3 // 2 + self._k.ROOM, 1024),
            ("_children", "_node_hash", "_free_inner", "_freed_inner", "_dirty", "_dirty_depth", "_is_dirty"),
        )
        if leaves - self._state[self._k.LEAF_USED] + self._state[self._k.LEAF_FREE] < wanted:
            most = max(2 * leaves, leaves + wanted, 256)
            self._resize(most, ("_leaf_keys", "_leaf_hash", "_value_hash", "_free_leaf"))

    def _resize(self, capacity: int, names: Sequence[str]) -> None:
        for name in names:
            old = getattr(self, name)
            new = np.zeros((capacity, *old.shape[1:]), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _rehash(self, threads: int) -> None:
        """New digests of the changed inner nodes, from the deepest level up; then the given-back nodes are free."""
        listed = int(self._state[self._k.DIRTY])
        alive = self._k.living(self._dirty[:listed], self._children)
        nodes, depths = self._dirty[:listed][alive], self._dirty_depth[:listed][alive]
        self._is_dirty[nodes] = False
        order = np.argsort(depths, kind="stable")
        nodes = nodes[order]
        ends = np.cumsum(np.bincount(depths)).tolist()
        starts = [0, *ends][: len(ends)]
        size = self._hash.digest_size
        pairs = np.empty((len(nodes), 2, size), dtype=np.uint8)
        parents = np.empty((len(nodes), size), dtype=np.uint8)
        for start, end in zip(reversed(starts), reversed(ends), strict=True):
            level, count = nodes[start:end], end - start
            self._k.gather_children(level, self._children, self._node_hash, self._leaf_hash, pairs[:count])
            hash_pairs(self._hash, _INNER, pairs[:count].reshape(-1, size), parents[:count], threads)
            self._k.scatter(level, parents, self._node_hash)
        free, freed = int(self._state[self._k.INNER_FREE]), int(self._state[self._k.INNER_FREED])
        self._free_inner[free : free + freed] = self._freed_inner[:freed]
        self._state[self._k.INNER_FREE] += freed

    # ---- proving ---------------------------------------------------------------------------------------------------

    def proof(self, key: BytesLike) -> bytes:
        """Proof that a key has its value, or that it is absent. LengthError for a key of another length."""
        return self.proofs(_keys([one_bytes(key, "key")], "key"))[0]

    def proofs(self, keys: BatchOfBytes) -> Column:
        """Proofs of many keys, in their order, as a column of byte strings.

        Raises:
            InputError: a key of another length.
        """
        rows = _keys(keys, "keys")
        kinds, places, depths, siblings = self._find(rows)
        size = self._hash.digest_size
        lengths = 3 + (depths + 7) // 8 + (kinds == self._k.AT_OTHER) * (KEY_SIZE + size) + siblings * size
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        data = np.empty(int(offsets[-1]), dtype=np.uint8)
        self._k.write_proofs(
            rows, self._state, self._children, self._node_hash, self._leaf_hash, self._leaf_keys, self._value_hash,
            kinds, places, depths, offsets, data,
        )  # fmt: skip
        return as_column((data, offsets), "proofs")

    def _find(
        self, rows: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        places, depths, siblings = (np.empty(len(rows), dtype=np.int64) for _ in range(3))
        self._k.find(rows, self._state, self._children, self._leaf_keys, places, depths, siblings)
        at_leaf = places >= 0
        own = np.zeros(len(rows), dtype=np.bool_)
        own[at_leaf] = (self._leaf_keys[places[at_leaf] >> 1] == rows[at_leaf]).all(axis=1)
        kinds = np.where(own, self._k.AT_LEAF, np.where(at_leaf, self._k.AT_OTHER, self._k.AT_NOTHING))
        return kinds.astype(np.uint8), places, depths, siblings

    def __repr__(self) -> str:
        return f"SparseMerkleTree({len(self)} keys, hash={self.hash!r}, root={self.root.hex()})"


# ---- checking ------------------------------------------------------------------------------------------------------


def verify_sparse(
    root: BytesLike, key: BytesLike, value: BytesLike | None, proof: BytesLike, *, hash: str = "sha256"
) -> None:
    """Check that a map has a value under a key, or that the key is absent; returns None, or raises.

    Args:
        root: the map's root.
        key: 32 bytes.
        value: the value; None claims that the key is absent.
        proof: what :meth:`SparseMerkleTree.proof` gives.
        hash: a name in ``pycore.HASHES``.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (bytes that are no proof for this key) or BAD_PROOF (another root, a
            proof of presence for a claim of absence, or the other way round).
        InputError: a malformed call.

    Traps: an empty value is a value; absence is None. Keys that others choose should be hashed first, else they can
    make paths of 256 nodes. A proof has one form and one length: whatever else comes is refused.
    """
    values = [None if value is None else one_bytes(value, "value")]
    row = lookup(HASHES, hash, "hash")
    found = verify_sparse_batch(
        digest(root, row, "root"), [one_bytes(key, "key")], values, single(proof, "proof"), hash=hash
    )
    if found[0] is not Verdict.VALID:
        raise verdict_error(found[0])


def verify_sparse_batch(
    root: BatchOfBytes,
    keys: BatchOfBytes,
    values: BatchOfBytes | Sequence[BytesLike | None] | None,
    proofs: BatchOfBytes,
    *,
    hash: str = "sha256",
    hashed: bool = False,
    threads: int | None = None,
) -> Verdicts:
    """Check n proofs of presence or absence, level by level over all of them.

    Args:
        root: one root for all of them, or a batch of n.
        keys: n keys of 32 bytes; they may repeat.
        values: n values; in a list, None claims absence. None instead of a batch claims it for all.
        proofs: n byte strings, what :meth:`SparseMerkleTree.proofs` gives.
        hash: a name in ``pycore.HASHES``.
        hashed: the values are value hashes, H(value), already.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        n verdicts: VALID, BAD_PROOF or MALFORMED_PROOF, as :func:`verify_sparse` finds for each alone.

    Traps: those of :func:`verify_sparse`.

    Raises:
        InputError: a malformed call: counts that differ, an unknown name, a key or root of a wrong length.
    """
    row = lookup(HASHES, hash, "hash")
    count = parallel.resolve_threads(threads)
    rows = _keys(keys, "keys")
    n = len(rows)
    given: Any = [None] * n if values is None else values
    column, present = optional_values(given, "values", row.digest_size if hashed else None)
    same_n("values", column, n, "keys")
    proof_rows = as_column(proofs, "proofs")
    same_n("proofs", proof_rows, n, "keys")
    roots = root_rows(root, row, n)
    codes = np.empty(n, dtype=np.uint8)

    def work(start: int, stop: int) -> None:
        for first in range(start, stop, _CHUNK):
            last = min(first + _CHUNK, stop)
            part = column.slice(first, last)
            hashes = part.to_matrix(row.digest_size, "values") if hashed else hash_column(row, part, threads=1)
            codes[first:last] = _check_chunk(
                row, roots[first:last], rows[first:last], hashes, present[first:last], proof_rows.slice(first, last)
            )

    cost = parallel.Cost(item_ns=COST.item_ns, byte_ns=10)
    parallel.run_pieces(work, parallel.cut(n, count, cost, proof_rows), count)
    return Verdicts.of_kernel(codes)


def _check_chunk(
    row: Hash,
    roots: NDArray[np.uint8],
    keys: NDArray[np.uint8],
    value_hashes: NDArray[np.uint8],
    present: NDArray[np.bool_],
    proofs: Column,
) -> NDArray[np.uint8]:
    from pycore.merkle import sparse_jit as kernels
    from pycore.merkle.proofs import flat_rows

    n, size = len(keys), row.digest_size
    data, starts = flat_rows(proofs)
    data, starts = np.require(data, requirements=["C", "W"]), np.require(starts, requirements=["C", "W"])
    kinds, depths = np.zeros(n, dtype=np.uint8), np.empty(n, dtype=np.int64)
    other, cursors = np.zeros((n, KEY_SIZE + size), dtype=np.uint8), np.zeros(n, dtype=np.int64)
    lengths = np.ascontiguousarray(proofs.lengths, dtype=np.int64)
    kernels.read_proofs(keys, data, starts, lengths, size, kinds, depths, other, cursors)
    well_formed = depths >= 0
    fits = (kinds == kernels.AT_LEAF) == present
    depths[~fits] = -1
    leaf = np.concatenate((keys, value_hashes), axis=1)
    leaf[kinds == kernels.AT_OTHER] = other[kinds == kernels.AT_OTHER]
    current = hash_column(row, as_column(leaf, "leaves"), threads=1, prefix=_LEAF)
    current[kinds == kernels.AT_NOTHING] = 0
    pairs, active = np.empty((n, 2, size), dtype=np.uint8), np.empty(n, dtype=np.int64)
    parents = np.empty((n, size), dtype=np.uint8)
    for step in range(int(depths.max(initial=0))):
        count = kernels.gather_step(keys, data, starts, depths, cursors, current, step, pairs, active)
        hash_pairs(row, _INNER, pairs[:count].reshape(-1, size), parents[:count], 1)
        kernels.scatter(active[:count], parents, current)
    codes = np.where(well_formed, int(Verdict.BAD_PROOF), int(Verdict.MALFORMED_PROOF)).astype(np.uint8)
    codes[(depths >= 0) & (current == roots).all(axis=1)] = int(Verdict.VALID)
    return codes


# ---- columns -------------------------------------------------------------------------------------------------------


def _keys(keys: BatchOfBytes, field: str) -> NDArray[np.uint8]:
    """C-contiguous and writable uint8 (n, 32): kernels are compiled for one kind of array."""
    column = as_column(keys, field, widths=(KEY_SIZE,), exact=True)
    if not column.n:
        return np.empty((0, KEY_SIZE), dtype=np.uint8)
    return np.require(column.to_matrix(KEY_SIZE, field), requirements=["C", "W"])


def optional_values(
    values: BatchOfBytes | Sequence[BytesLike | None], field: str, size: int | None
) -> tuple[Column, NDArray[np.bool_]]:
    """Values, and which of them are there; None stands for a value of zeros, or of no bytes."""
    widths = None if size is None else (size,)
    if isinstance(values, (list, tuple)) and any(value is None for value in values):
        present = np.array([value is not None for value in values], dtype=np.bool_)
        values = [bytes(size or 0) if value is None else value for value in values]
        return as_column(values, field, widths=widths, exact=size is not None), present
    column = as_column(values, field, widths=widths, exact=size is not None)
    return column, np.ones(column.n, dtype=np.bool_)


def _sorted_order(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The ascending order of the keys; InputError when two are equal."""
    words = rows.view(">u8").astype(np.uint64)
    order = np.argsort(words[:, 0])
    first = words[:, 0].take(order)
    if (first[1:] == first[:-1]).any():  # rare where keys are hashes: only then are the other words looked at
        order = np.lexsort((words[:, 3], words[:, 2], words[:, 1], words[:, 0]))
        ordered = words[order]
        equal = (ordered[1:] == ordered[:-1]).all(axis=1)
        if equal.any():
            at = int(equal.argmax())
            raise InputError(
                f"keys[{max(int(order[at]), int(order[at + 1]))}]",
                f"the same as keys[{min(int(order[at]), int(order[at + 1]))}]",
                "distinct keys",
            )
    return order


def _leaf_hashes(
    row: Hash, keys: NDArray[np.uint8], value_hashes: NDArray[np.uint8], threads: int
) -> NDArray[np.uint8]:
    joined = np.concatenate((keys, value_hashes), axis=1)
    return hash_column(row, as_column(joined, "leaves"), threads=threads, prefix=_LEAF)


@warms
def _warm_up() -> None:
    tree = SparseMerkleTree()
    keys = [bytes(31) + b"\x01", bytes(32)]
    tree.update(keys, keys)
    verify_sparse_batch(tree.root, keys, keys, tree.proofs(keys))
    tree.delete(keys)
