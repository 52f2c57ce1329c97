"""The levels of a Merkle tree, whatever its shape: leaves to nodes, a level to the next, subtrees to their roots.

Level 0 holds the leaves' nodes; level l of n leaves holds ceil(n / 2^l) nodes, the last of which may stand over fewer
than 2^l leaves. What becomes of a last node without a neighbour is the shape's (``Tree.odd``).

Large levels are worked off in blocks of ``BLOCK`` nodes that go ``RISE`` levels up before the next block is touched:
a block stays in the cache, and blocks are what threads share. ``RISE`` levels above a block that starts at a multiple
of 2^RISE nothing of its neighbours is needed, so the pieces fit whatever they hold.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pycore.base import ffi, parallel
from pycore.base.columns import as_column, one_bytes, quote, single
from pycore.base.deadline import checkpoint
from pycore.base.registry import HASHES, TREES, Hash, Tree, lookup
from pycore.errors import InputError, LengthError
from pycore.hashing.batch import COST, PAIR_COST, hash_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike, Column

RISE = 7
BLOCK = 1 << 13
_MAX_DEPTH = 64
_LONG = 1 << 16  # bytes


def names(tree: str, hash_name: str | None) -> tuple[Tree, Hash]:
    """Rows of a tree and of a hash by name; None is the tree's own hash."""
    shape = lookup(TREES, tree, "tree")
    return shape, lookup(HASHES, shape.default_hash if hash_name is None else hash_name, "hash")


def digest(value: BytesLike, row: Hash, field: str) -> bytes:
    """One digest as bytes; LengthError when its length is not the hash's."""
    data: bytes = one_bytes(value, field)
    if len(data) != row.digest_size:
        raise LengthError(field, f"{len(data)} bytes", f"{row.digest_size} bytes, a {row.name} digest")
    return data


def depth_of(shape: Tree, leaf_count: int, limit: int | None) -> int:
    """Levels above the leaves of a tree of leaf_count leaves: ceil(log2) of their number, or of the limit."""
    room = leaf_count if limit is None or not shape.pads else limit
    return max(room - 1, 0).bit_length()


def check_limit(shape: Tree, limit: object, leaf_count: int | None = None) -> int | None:
    """The ``limit=`` argument; InputError when it is not a number, has no meaning, or is below leaf_count."""
    if limit is None:
        return None
    if not shape.pads:
        raise InputError("limit", quote(limit), f"None: the {shape.name!r} tree is as deep as its leaves make it")
    if isinstance(limit, (bool, np.bool_)) or not isinstance(limit, (int, np.integer)) or not 0 <= limit < 1 << 64:
        raise InputError("limit", quote(limit), "a number of chunks from 0 to 2**64 - 1")
    if leaf_count is not None and leaf_count > limit:
        raise InputError("limit", str(limit), f"at least {leaf_count}, the number of leaves")
    return int(limit)


@cache
def zero_nodes(hash_name: str) -> NDArray[np.uint8]:
    """Roots of perfect subtrees of zero leaves: row l is the one of height l; uint8 (65, digest_size)."""
    row = HASHES[hash_name]
    nodes = np.zeros((_MAX_DEPTH + 1, row.digest_size), dtype=np.uint8)
    for level in range(_MAX_DEPTH):
        twice = nodes[level].tobytes() * 2
        nodes[level + 1] = hash_column(row, as_column([twice], "node"), threads=1)[0]
    nodes.flags.writeable = False
    return nodes


def tree_params(shape: Tree, row: Hash, limit: int | None = None) -> ffi.TreeParams:
    """The parameters of a tree as C takes them."""
    return _params(shape.name, row.name) if limit is None else _made_params(shape, row, limit)


@cache
def _params(tree_name: str, hash_name: str) -> ffi.TreeParams:
    return _made_params(TREES[tree_name], HASHES[hash_name], None)


def _made_params(shape: Tree, row: Hash, limit: int | None) -> ffi.TreeParams:
    return ffi.TreeParams(
        hash_id=row.id,
        odd=shape.odd,
        equal_siblings=shape.equal_siblings,
        limit=limit,
        prefix=shape.node_prefix,
        leaf_prefix=shape.leaf_prefix or b"",
        zeros=zero_nodes(row.name) if shape.pads else None,
    )


def empty_root(shape: Tree, row: Hash, limit: int | None = None) -> bytes:
    """Root of a tree without leaves."""
    if shape.empty == "hash":
        return hash_column(row, as_column([b""], "leaves"), threads=1).tobytes()
    if shape.empty == "pad":
        return bytes(zero_nodes(row.name)[depth_of(shape, 0, limit)])
    return bytes(row.digest_size) if shape.empty == "zero" else b""


# ---- leaves --------------------------------------------------------------------------------------------------------


def nodes_of(levels: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The one buffer in which levels lie, level after level, leaves first."""
    nodes = levels[0].base
    assert nodes is not None
    return nodes


def leaf_column(shape: Tree, row: Hash, leaves: BatchOfBytes, field: str, *, hashed: bool, width: int | None) -> Column:
    """The leaves as they are given: of any length where the shape hashes them, digests elsewhere."""
    if shape.leaf_prefix is not None and not hashed:
        return as_column(leaves, field, width=width)
    return as_column(leaves, field, width=width, widths=(row.digest_size,), exact=True)


def column_nodes(shape: Tree, row: Hash, column: Column, *, hashed: bool, threads: int) -> NDArray[np.uint8]:
    """Level 0 of a column of :func:`leaf_column`: C-contiguous uint8 (n, digest_size), a view if it can be."""
    if shape.leaf_prefix is not None and not hashed:
        return hash_column(row, column, threads=threads, prefix=shape.leaf_prefix)
    if not column.n:
        return np.empty((0, row.digest_size), dtype=np.uint8)
    return np.ascontiguousarray(column.to_matrix(row.digest_size, "leaves"))


def leaf_nodes(
    shape: Tree, row: Hash, leaves: BatchOfBytes, field: str, *, hashed: bool, width: int | None, threads: int
) -> NDArray[np.uint8]:
    """Level 0 of a batch of leaves."""
    column = leaf_column(shape, row, leaves, field, hashed=hashed, width=width)
    return column_nodes(shape, row, column, hashed=hashed, threads=threads)


def leaf_node(shape: Tree, row: Hash, leaf: BytesLike, *, hashed: bool) -> bytes:
    """The node of one leaf."""
    if shape.leaf_prefix is None or hashed:
        return digest(leaf, row, "leaf")
    data = one_bytes(leaf, "leaf")
    if len(data) > _LONG:  # not copied behind the prefix
        return hash_column(row, single(data, "leaf"), threads=1, prefix=shape.leaf_prefix).tobytes()
    return ffi.hash_one(ffi.current_backend(), row.id, shape.leaf_prefix + data, row.digest_size)


def node(row: Hash, shape: Tree, left: bytes, right: bytes) -> bytes:
    """The parent of two nodes."""
    return ffi.hash_one(ffi.current_backend(), row.id, shape.node_prefix + left + right, row.digest_size)


# ---- levels --------------------------------------------------------------------------------------------------------


def raise_level(
    shape: Tree, row: Hash, children: NDArray[np.uint8], parents: NDArray[np.uint8], level: int, backend: int
) -> None:
    """Parents of C-contiguous (count, d) children of height `level`; parents may be the same memory as children.

    A single child is an odd last child.
    """
    count = len(children)
    even = count - count % 2
    if even and (shape.pads or count == even):
        ffi.merkle_level(backend, row.id, ffi.ODD_PROMOTE, shape.node_prefix, children[:even], parents)
    elif even:
        ffi.merkle_level(backend, row.id, shape.odd, shape.node_prefix, children, parents)
        return
    if count == even:
        return
    if shape.promotes:
        parents[even // 2] = children[even]
        return
    pair = np.empty((2, row.digest_size), dtype=np.uint8)
    pair[0] = children[even]
    pair[1] = zero_nodes(row.name)[level] if shape.pads else children[even]
    ffi.merkle_level(backend, row.id, ffi.ODD_PROMOTE, shape.node_prefix, pair, parents[even // 2 :])


def hash_pairs(row: Hash, prefix: bytes, pairs: NDArray[np.uint8], parents: NDArray[np.uint8], threads: int) -> None:
    """``parents[i] = H(prefix || pairs[2 i] || pairs[2 i + 1])``: C-contiguous (2 m, d) to (m, d)."""
    backend = ffi.current_backend()

    def work(start: int, stop: int) -> None:
        ffi.merkle_level(backend, row.id, ffi.ODD_PROMOTE, prefix, pairs[2 * start : 2 * stop], parents[start:stop])

    if len(parents):
        parallel.run_pieces(work, parallel.cut(len(parents), threads, PAIR_COST), threads)


def subtree_roots(
    shape: Tree,
    row: Hash,
    column: Column,
    *,
    hashed: bool,
    levels: int,
    threads: int,
) -> NDArray[np.uint8]:
    """The nodes `levels` up (at most RISE) from leaves that start at a multiple of 2^levels.

    Extra memory: one block of digests per thread, and the result.
    """
    out = np.empty((-(-column.n >> levels), row.digest_size), dtype=np.uint8)
    backend = ffi.current_backend()
    raw = shape.leaf_prefix is not None and not hashed

    def block(start: int, stop: int, scratch: NDArray[np.uint8]) -> None:
        count = stop - start
        part = column.slice(start, stop)
        nodes = scratch[:count]
        if raw:
            ffi.hash_batch(backend, row.id, shape.leaf_prefix or b"", part, nodes)
        else:
            nodes = np.ascontiguousarray(part.to_matrix(row.digest_size, "leaves"))
        for level in range(levels):
            above = (count + 1) // 2
            parents = scratch[:above] if level < levels - 1 else out[start >> levels : (start >> levels) + above]
            raise_level(shape, row, nodes[:count], parents, level, backend)
            nodes, count = parents, above
        if not levels:
            out[start:stop] = nodes

    def work(start: int, stop: int) -> None:
        scratch = np.empty((min(BLOCK, stop - start), row.digest_size), dtype=np.uint8)
        for first in range(start, stop, BLOCK):
            checkpoint()
            block(first, min(first + BLOCK, stop), scratch)

    parallel.run_pieces(work, _aligned(column, threads, raw=raw), threads)
    return out


def _aligned(column: Column, threads: int, *, raw: bool) -> list[int]:
    """Pieces for the threads, each of which starts at a multiple of BLOCK."""
    if column.n <= BLOCK or threads == 1:
        return [0, column.n]
    cost = parallel.Cost(PAIR_COST.item_ns + (COST.item_ns if raw else 0), COST.byte_ns if raw else 0)
    inner = {-(-bound // BLOCK) * BLOCK for bound in parallel.cut(column.n, threads, cost, column if raw else None)}
    return sorted({0, column.n, *(bound for bound in inner if bound < column.n)})


def build_levels(shape: Tree, row: Hash, column: Column, *, hashed: bool, threads: int) -> list[NDArray[np.uint8]]:
    """Every level up to the one of a single node, all in one buffer, leaves first; level 0 is a copy of digests."""
    sizes = [column.n]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    buffer = np.empty((sum(sizes), row.digest_size), dtype=np.uint8)
    bounds = np.cumsum([0, *sizes]).tolist()
    levels = [buffer[bounds[i] : bounds[i + 1]] for i in range(len(sizes))]
    backend = ffi.current_backend()
    raw = shape.leaf_prefix is not None and not hashed
    low = min(RISE, len(sizes) - 1)

    def leaf_part(start: int, stop: int) -> None:
        for first in range(start, stop, BLOCK):
            checkpoint()
            last = min(first + BLOCK, stop)
            part = column.slice(first, last)
            if raw:
                ffi.hash_batch(backend, row.id, shape.leaf_prefix or b"", part, levels[0][first:last])
            else:
                levels[0][first:last] = part.to_matrix(row.digest_size, "leaves")
            for level in range(low):
                begin, end = first >> level, -(-last >> level)
                parents = levels[level + 1][begin >> 1 : (end + 1) >> 1]
                raise_level(shape, row, levels[level][begin:end], parents, level, backend)

    if column.n:
        parallel.run_pieces(leaf_part, _aligned(column, threads, raw=raw), threads)
    for level in range(low, len(sizes) - 1):
        raise_shared(shape, row, levels[level], levels[level + 1], level, threads)
    return levels


def extend_levels(
    shape: Tree, row: Hash, old: list[NDArray[np.uint8]], column: Column, *, hashed: bool, threads: int
) -> list[NDArray[np.uint8]]:
    """Every level of the old leaves and a column's after them; nodes over old leaves alone are copied."""
    sizes = [len(old[0]) + column.n]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    buffer = np.empty((sum(sizes), row.digest_size), dtype=np.uint8)
    bounds = np.cumsum([0, *sizes]).tolist()
    levels = [buffer[bounds[i] : bounds[i + 1]] for i in range(len(sizes))]
    kept = len(old[0])
    levels[0][:kept] = old[0]
    levels[0][kept:] = column_nodes(shape, row, column, hashed=hashed, threads=threads)
    for level in range(len(sizes) - 1):
        kept //= 2  # parents of two old nodes that stand over as many leaves as any
        if kept:
            levels[level + 1][:kept] = old[level + 1][:kept]
        raise_shared(shape, row, levels[level][2 * kept :], levels[level + 1][kept:], level, threads)
    return levels


def raise_shared(
    shape: Tree, row: Hash, children: NDArray[np.uint8], parents: NDArray[np.uint8], level: int, threads: int
) -> None:
    """One whole level, shared among threads."""
    backend = ffi.current_backend()

    def work(start: int, stop: int) -> None:
        raise_level(shape, row, children[2 * start : 2 * stop], parents[start:stop], level, backend)

    parallel.run_pieces(work, parallel.cut(len(parents), threads, PAIR_COST), threads)


def pad_up(row: Hash, shape: Tree, top: bytes, level: int, depth: int) -> bytes:
    """A node of height `level` raised to `depth` with the roots of empty subtrees at its right."""
    zero = zero_nodes(row.name)
    for height in range(level, depth):
        top = node(row, shape, top, zero[height].tobytes())
    return top
