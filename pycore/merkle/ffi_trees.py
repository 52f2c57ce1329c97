"""Proofs, trees that grow, and hashing by a plan: the part of the C interface that ``csrc/trees/`` is behind. As in
``pycore.base.ffi``, nothing here judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.base.ffi import (
    _BYTES,
    _COLUMN,
    _COUNTS,
    _DIGEST,
    _NULL,
    _OFFSETS,
    _backend,
    _bytes_pointer,
    _check,
    column_struct,
    ffi,
    lib,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.base.ffi import TreeParams

_LEAVES: int = lib.PC_LEAVES
_FRONTIER = ffi.typeof("pc_frontier *")
_WATCH = ffi.typeof("pc_watch *")
_NODES = ffi.typeof("pc_tree_node[]")
_EDGE = ffi.typeof("pc_edge *")
_PLAN = ffi.typeof("pc_merkle_plan *")
_MEMORY = ffi.typeof("pc_plan_memory *")
_VERDICT = ffi.typeof("uint8_t[1]")
_ONE = ffi.typeof("uint64_t[1]")
_INT = ffi.typeof("int *")
_ROW = 64  # bytes of a row of digests inside C's structs, whatever the hash
_HEIGHTS = 64
_ERR_ARGUMENT: int = lib.PC_ERR_ARGUMENT

_grow = lib.pc_merkle_grow
_edge = lib.pc_merkle_edge
_new = ffi.new
_buffer = ffi.buffer


class Frontier:
    """A ``pc_frontier``: the peaks of a tree that only grows, and how many leaves it has. Not to be changed by two
    threads at once.

    Args:
        params: the tree's parameters, with its limit.
        digest_size: of the tree's hash.
        raw: whether leaves get hashed; else they are nodes.
    """

    __slots__ = ("_level", "_params", "_root", "_root_bytes", "_size", "_state", "_tree")

    def __init__(self, params: TreeParams, digest_size: int, *, raw: bool) -> None:
        self._params = params
        self._tree = params.struct
        self._size = digest_size
        self._level = _LEAVES if raw else 0
        self._state = _new(_FRONTIER)
        # Made once: a root takes C about as long as making them. Threads that ask at once write the same bytes.
        self._root = _new(_DIGEST)
        self._root_bytes = _buffer(self._root, digest_size)

    @property
    def leaf_count(self) -> int:
        """Number of leaves."""
        return int(self._state.leaf_count)

    @leaf_count.setter
    def leaf_count(self, count: int) -> None:
        self._state.leaf_count = count

    def peak(self, level: int) -> bytes:
        """The root of the complete subtree of 2^level leaves; of a meaning where that bit of the number is one."""
        return bytes(_buffer(self._state.peaks[level], self._size))

    def set_peak(self, level: int, node: bytes) -> None:
        """What :meth:`peak` gives from now on."""
        ffi.memmove(self._state.peaks[level], node, self._size)

    def append_leaf(self, leaf: bytes) -> bool:
        """One leaf, of which nothing is watched. False: it has a wrong length, or the tree has no room for it."""
        backend = _backend.get()
        code = _grow(backend, self._tree, self._state, self._level, leaf, len(leaf), 1, _NULL)
        if code == 0:
            return True
        if code != _ERR_ARGUMENT:
            _check(code, backend)
        return False

    def append(
        self, rows: NDArray[np.uint8], level: int | None, watched: NDArray[np.uint64]
    ) -> list[tuple[int, int, bytes]]:
        """Append many rows: C-contiguous uint8 (n, width).

        Args:
            rows: leaves, which get hashed, or roots of complete subtrees.
            level: None: leaves; else the height of the roots.
            watched: ascending: leaves whose proofs will be asked for.

        Returns:
            (height, position, node) of every new complete subtree that has a watched leaf in it or in its sibling.
        """
        watch, nodes, room = _NULL, None, 0
        if len(watched):
            room = 2 * len(rows) + _HEIGHTS
            nodes = _new(_NODES, room)
            watch = _new(_WATCH, (ffi.from_buffer(_COUNTS, watched), len(watched), nodes, room, 0))
        height, backend = _LEAVES if level is None else level, _backend.get()
        count, width = rows.shape
        code = _grow(backend, self._tree, self._state, height, _bytes_pointer(rows), width, count, watch)
        if code:
            _check(code, backend)
        if nodes is None:
            return []
        found = (nodes[i] for i in range(watch.found))
        return [(one.height, one.position, bytes(_buffer(one.digest, self._size))) for one in found]

    def root(self) -> bytes | None:
        """The root; None without leaves."""
        backend = _backend.get()
        code = _edge(backend, self._tree, self._state, _NULL, self._root)
        if code == 0:
            return self._root_bytes[:]  # type: ignore[no-any-return]
        if self._state.leaf_count:
            _check(code, backend)
        return None

    def edge(self) -> tuple[list[int], list[bytes]]:
        """The right edge, of at least one leaf: per height the position of the last node and the node; -1 where that is
        the right child of a complete subtree. The last one is the root.
        """
        backend, edge, root = _backend.get(), _new(_EDGE), _new(_DIGEST)
        _check(_edge(backend, self._tree, self._state, edge, root), backend)
        count = edge.depth + 1
        rows, size = _buffer(edge.nodes, count * _ROW)[:], self._size
        return list(edge.positions[0:count]), [rows[at : at + size] for at in range(0, count * _ROW, _ROW)]


def verify_inclusion(
    backend: int,
    tree: TreeParams,
    claims: tuple[NDArray[np.uint8], NDArray[np.uint8], Column, NDArray[np.uint64], NDArray[np.uint64]],
    verdicts: NDArray[np.uint8],
) -> None:
    """Write one verdict per proof.

    claims: roots and nodes, uint8 (n, digest_size); the siblings of each proof; index and leaf_count, C-contiguous
    uint64 (n,).
    """
    roots, nodes, proofs, index, leaf_count = claims
    _check(
        lib.pc_verify_inclusion(
            backend,
            tree.struct,
            column_struct(roots, None),
            column_struct(nodes, None),
            column_struct(proofs.data, proofs.offsets),
            ffi.from_buffer(_COUNTS, index),
            ffi.from_buffer(_COUNTS, leaf_count),
            len(verdicts),
            _bytes_pointer(verdicts),
        ),
        backend,
    )


def verify_inclusion_one(tree: TreeParams, root: bytes, node: bytes, proof: bytes, index: int, leaf_count: int) -> int:
    """The verdict on one proof."""
    backend, verdict = _backend.get(), _new(_VERDICT)
    roots, nodes, proofs = (
        _new(_COLUMN, (ffi.from_buffer(_BYTES, row), _NULL, len(row), 0)) for row in (root, node, proof)
    )
    at, count = _new(_ONE, (index,)), _new(_ONE, (leaf_count,))
    code = lib.pc_verify_inclusion(backend, tree.struct, roots, nodes, proofs, at, count, 1, verdict)
    if code:
        _check(code, backend)
    return int(verdict[0])


def multiproof(
    tree: TreeParams,
    slots: NDArray[np.uint8],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    waves: NDArray[np.int64],
) -> bool:
    """Hash what a plan (``pycore.merkle.plans``) says.

    Args:
        slots: C-contiguous uint8 (slots, digest_size): the plan's slots, those before its parents filled in.
        left, right: the plan's.
        waves: int64 (w + 1,): bounds of parents that do not depend on each other: the plan's, or a part of one wave
            between two bounds.

    Returns:
        Whether two different nodes that are paired are equal; looked at only where the shape refuses them.
    """
    backend, equal = _backend.get(), _new(_INT)
    first, second, bounds = (ffi.from_buffer(_OFFSETS, array) for array in (left, right, waves))
    plan = _new(_PLAN, (first, second, len(left), bounds, len(waves) - 1))
    _check(
        lib.pc_merkle_multiproof(backend, tree.struct, plan, _bytes_pointer(slots), len(slots), equal),
        backend,
    )
    return bool(equal[0])


# ---- plans ---------------------------------------------------------------------------------------------------------

_Parts = tuple["NDArray[np.uint64]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]", int]


_NO_HELPERS: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)


class _PlanMemory:
    """A ``pc_plan_memory`` with room for so many parents, and `wide` numbers per helper: all in one block."""

    __slots__ = ("_block", "_bounds", "struct")

    def __init__(self, n: int, room: int, wide: int) -> None:
        first, second, third = self._bounds = wide * room, (wide + 1) * room, (wide + 2) * room
        self._block = np.empty(third + 2 * max(n, room), dtype=np.int64)
        slots = ffi.from_buffer(_OFFSETS, self._block)
        numbers = ffi.cast(_COUNTS, slots)
        self.struct = _new(_MEMORY, (numbers, slots + first, slots + second, numbers + third, room))

    def parts(self) -> _Parts:
        """Helpers, left, right, waves and the root's slot."""
        plan, block, (first, second, _) = self.struct, self._block, self._bounds
        waves = np.frombuffer(_buffer(plan.waves)[:], dtype=np.int64, count=plan.n_waves + 1)
        parents = plan.n_parents
        helpers = block[: first // plan.room * plan.n_helpers].view(np.uint64) if parents else _NO_HELPERS
        return helpers, block[first : first + parents], block[second : second + parents], waves, plan.root


def plan_room(tree: TreeParams, indices: NDArray[np.int64], leaf_count: int) -> int:
    """How many nodes lie above leaves at ascending distinct positions below leaf_count."""
    room = int(lib.pc_plan_room(tree.struct, ffi.from_buffer(_COUNTS, indices), len(indices), leaf_count))
    if room < 0:
        _check(room)
    return room


def plan_multiproof(tree: TreeParams, indices: NDArray[np.int64], leaf_count: int, room: int) -> _Parts:
    """A multiproof's plan: helpers (height and position of each, one after the other), left, right, waves, root."""
    memory = _PlanMemory(len(indices), room, 2)
    positions = ffi.from_buffer(_COUNTS, indices)
    _check(lib.pc_plan_multiproof(tree.struct, positions, len(indices), leaf_count, memory.struct))
    return memory.parts()


def plan_ssz(indices: NDArray[np.uint64], order: NDArray[np.int64], room: int) -> _Parts | None:
    """The plan of nodes at generalized indices; None when one is there twice or below another.

    order: positions in `indices` from the largest index down. room: at least the sum of the indices' depths.
    """
    memory = _PlanMemory(len(indices), room, 1)
    pointers = ffi.from_buffer(_COUNTS, indices), ffi.from_buffer(_OFFSETS, order)
    code = lib.pc_plan_ssz(*pointers, len(indices), memory.struct)
    if code == lib.PC_PLAN_CLASH:
        return None
    _check(code)
    return memory.parts()


def proofs(
    tree: TreeParams, nodes: NDArray[np.uint8], leaf_count: int, indices: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Proofs of many leaves out of C-contiguous nodes, level after level: joined siblings, and where each begins."""
    offsets = np.empty(len(indices) + 1, dtype=np.int64)
    positions = ffi.from_buffer(_COUNTS, indices)
    given = (tree.struct, _bytes_pointer(nodes), len(nodes), leaf_count, positions, len(indices))
    starts = ffi.from_buffer(_OFFSETS, offsets)
    _check(lib.pc_merkle_proofs(*given, starts, _NULL))
    data = np.empty(int(offsets[-1]), dtype=np.uint8)
    if data.size:
        _check(lib.pc_merkle_proofs(*given, starts, _bytes_pointer(data)))
    return data, offsets
