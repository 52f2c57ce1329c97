"""Loops of hashes without Python in between: Numba code that calls the C level kernels.

A multiproof and a tree that grows leaf by leaf are loops whose every turn hashes a little: here such a loop is one
compiled function without the GIL, which calls ``pc_merkle_level`` as C code would. Where such loops run in Python
instead, see ``pycore.merkle.loops``. Inclusion proofs that are checked each by itself climb in C.
Building a whole tree is not among them: its levels are long, and Python between them costs nothing that shows.

How compiled code finds C: every function of the core that is called here is entered into LLVM's symbol table when this
module is imported, under its own name, and declared as an external function. That way Numba can keep the compiled code
on disk (it refuses to keep code that holds an address), and a later process links the cached code against its own
core. Two rules make this safe:

- whatever calls C from compiled code is in **this file**, so that nothing cached can be loaded before the symbols are
  there, and a change of a declaration discards what was compiled with the old one;
- the declarations below are compared with the extension's own at import, and an extension that has others is refused.

Nothing here starts threads: the caller cuts the work (:mod:`pycore.base.parallel`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import llvmlite.binding
import numpy as np
from numba import types

from pycore.base import ffi
from pycore.base.jit import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pycore.base.registry import Hash, Tree
    from pycore.merkle.plan_jit import Plan

__all__ = ["climb", "edge", "grow"]

BYTES: Any = types.CPointer(types.uint8)  # type: ignore[no-untyped-call]
BLOCK = 512
"""Pairs hashed together: many vectors of every instruction set, and their nodes stay in the first-level cache."""


def _declare(name: str, declaration: str, result: Any, *arguments: Any) -> Callable[..., int]:
    address, declared = ffi.function_address(name)
    if declared != declaration:
        message = f"{name} of the extension is {declared}, and the kernels were written for {declaration}"
        raise ImportError(message)
    llvmlite.binding.add_symbol(name, address)
    function: Callable[..., int] = types.ExternalFunction(name, result(*arguments))
    return function


_merkle_level = _declare(
    "pc_merkle_level",
    "int(*)(int, int, int, uint8_t *, size_t, uint8_t *, size_t, uint8_t *)",
    types.int32,  # PC_OK, or an error that stands for a bug of the caller
    *(types.int32, types.int32, types.int32),  # backend, hash, what becomes of an odd node
    *(BYTES, types.uintp),  # prefix
    *(BYTES, types.uintp),  # children
    BYTES,  # parents
)


@cache
def _prefix(tree: Tree) -> NDArray[np.uint8]:
    return np.frombuffer(tree.node_prefix, dtype=np.uint8)


@cache
def _nothing(size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.empty((0, size), dtype=np.uint8), np.empty((0, 2), dtype=np.int64)


def _input(array: NDArray[Any]) -> NDArray[Any]:
    """An array that is only read, of one type whatever the caller has: kernels are compiled once per type."""
    view: NDArray[Any] = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@kernel
def _copy(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    for k in range(len(source)):
        target[k] = source[k]


@kernel
def _equal(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    different = np.uint8(0)
    for k in range(len(a)):
        different |= a[k] ^ b[k]
    return bool(different == 0)


_PROMOTE, _DUPLICATE = ffi.ODD_PROMOTE, ffi.ODD_DUPLICATE

# ---- growing trees --------------------------------------------------------------------------------------------------


def grow(
    row: Hash,
    tree: Tree,
    peaks: NDArray[np.uint8],
    leaf_count: int,
    level: int,
    nodes: NDArray[np.uint8],
    wanted: NDArray[np.int64],
) -> list[tuple[int, int, bytes]]:
    """Append complete subtrees to a tree of which only the frontier is kept.

    Args:
        row, tree: the hash and the shape.
        peaks: uint8 (64, digest_size), the frontier, changed in place: row l is the root of the complete subtree of 2^l
            leaves where bit l of the number of leaves is one, and means nothing where it is zero.
        leaf_count: number of leaves before, a multiple of 2^level; below 2^63 with the new ones.
        level: the height of the new nodes.
        nodes: C-contiguous uint8 (m, digest_size).
        wanted: int64, ascending: leaves whose proofs will be asked for.

    Returns:
        (height, position, node) of every new complete subtree that has a wanted leaf in it or in its sibling.
    """
    backend = ffi.current_backend()
    kept, places = _nothing(row.digest_size)
    if len(wanted):
        most = 2 * len(nodes) + 128
        kept, places = np.empty((most, row.digest_size), dtype=np.uint8), np.empty((most, 2), dtype=np.int64)
    found = _grow(backend, row.id, _prefix(tree), peaks, leaf_count, level, _input(nodes), wanted, kept, places)
    if found < 0:
        ffi.check(found, backend)
    return [(*places[i].tolist(), kept[i].tobytes()) for i in range(found)]


@kernel
def _is_wanted(wanted: NDArray[np.int64], height: int, position: int) -> bool:
    """Whether one of the ascending leaves lies below the parent of a node."""
    low, high = 0, len(wanted)
    while low < high:
        middle = (low + high) >> 1
        if (wanted[middle] >> height) >> 1 < position >> 1:
            low = middle + 1
        else:
            high = middle
    return bool(low < len(wanted) and (wanted[low] >> height) >> 1 == position >> 1)


@kernel
def _grow(
    backend: int,
    hash_id: int,
    prefix: NDArray[np.uint8],
    peaks: NDArray[np.uint8],
    leaf_count: int,
    level: int,
    nodes: NDArray[np.uint8],
    wanted: NDArray[np.int64],
    kept: NDArray[np.uint8],
    places: NDArray[np.int64],
) -> int:
    count, size = nodes.shape
    old, new = np.empty((count + 1, size), np.uint8), np.empty(((count >> 1) + 2, size), np.uint8)
    for i in range(count):
        _copy(nodes[i], old[1 + i])
    position, found = leaf_count >> level, 0
    while count:
        first = 1  # row 0 is room for the node that waits on this level
        if position & 1:
            _copy(peaks[level], old[0])
            first, count, position = 0, count + 1, position - 1
        if len(wanted):
            for i in range(count):
                if _is_wanted(wanted, level, position + i):
                    places[found, 0], places[found, 1] = level, position + i
                    _copy(old[first + i], kept[found])
                    found += 1
        if count & 1:
            _copy(old[first + count - 1], peaks[level])
        count >>= 1
        if count:
            children, parents = old[first:], new[1:]
            code = _merkle_level(
                backend, hash_id, 0, prefix.ctypes, len(prefix), children.ctypes, 2 * count, parents.ctypes
            )
            if code != 0:
                return code
        old, new = new, old
        level, position = level + 1, position >> 1
    return found


def edge(
    row: Hash, tree: Tree, peaks: NDArray[np.uint8], leaf_count: int, zeros: NDArray[np.uint8], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The right edge of the tree that a frontier stands for; leaf_count > 0.

    Args:
        row, tree, peaks, leaf_count: as for :func:`grow`.
        zeros: uint8 (65, digest_size), roots of empty subtrees; read where the tree pads.
        depth: levels above the leaves.

    Returns:
        int64 (depth + 1,) and uint8 (depth + 1, digest_size): per height the position of the last node and the node; -1
        where that is the right child of a complete subtree. The last one is the root.
    """
    backend = ffi.current_backend()
    positions, nodes = np.empty(depth + 1, dtype=np.int64), np.empty((depth + 1, row.digest_size), dtype=np.uint8)
    code = _edge(backend, row.id, tree.odd, _prefix(tree), peaks, leaf_count, zeros, positions, nodes)
    if code:
        ffi.check(code, backend)
    return positions, nodes


@kernel
def _edge(
    backend: int,
    hash_id: int,
    odd: int,
    prefix: NDArray[np.uint8],
    peaks: NDArray[np.uint8],
    leaf_count: int,
    zeros: NDArray[np.uint8],
    positions: NDArray[np.int64],
    nodes: NDArray[np.uint8],
) -> int:
    pair = np.empty((2, nodes.shape[1]), np.uint8)
    promotes, duplicates = odd == _PROMOTE, odd == _DUPLICATE
    partial = False  # whether the last node stands over fewer leaves than the others of its height
    whole = leaf_count
    for level in range(len(positions)):
        last, joins = nodes[level], whole & 1 == 1
        if not partial and not joins:
            positions[level] = -1
        else:
            positions[level] = whole if partial else whole - 1
            if not partial:
                _copy(peaks[level], last)
            if level == len(positions) - 1:
                break
            _copy(last, pair[1])
            if partial and joins:
                _copy(peaks[level], pair[0])
            else:
                _copy(last, pair[0])
                if not duplicates:
                    _copy(zeros[level], pair[1])
            above = nodes[level + 1]
            if promotes and not (partial and joins):
                _copy(last, above)
            else:
                code = _merkle_level(backend, hash_id, 0, prefix.ctypes, len(prefix), pair.ctypes, 2, above.ctypes)
                if code != 0:
                    return code
            partial = True
        whole >>= 1
    return 0


# ---- plans ----------------------------------------------------------------------------------------------------------


def climb(
    row: Hash,
    tree: Tree,
    plan: Plan,
    slots: NDArray[np.uint8],
    waves: NDArray[np.int64],
) -> bool:
    """Hash what a plan says.

    Args:
        row, tree: the hash and the shape.
        plan: see ``pycore.merkle.plan_jit``.
        slots: C-contiguous uint8 (slots, digest_size): the plan's slots, those before its parents filled in.
        waves: int64 (w + 1,): bounds of parents that do not depend on each other: ``plan.waves``, or a part of one wave
            between two bounds.

    Returns:
        Whether two different nodes that are paired are equal; looked at only where the shape refuses them.
    """
    backend = ffi.current_backend()
    first, equal, compare = len(slots) - len(plan.left), np.zeros(1, dtype=np.uint8), not tree.equal_siblings
    code = _climb(backend, row.id, _prefix(tree), compare, slots, first, plan.left, plan.right, waves, equal)
    ffi.check(code, backend)
    return bool(equal[0])


@kernel
def _climb(
    backend: int,
    hash_id: int,
    prefix: NDArray[np.uint8],
    compare: bool,
    slots: NDArray[np.uint8],
    first: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    waves: NDArray[np.int64],
    equal: NDArray[np.uint8],
) -> int:
    pairs = np.empty((2 * BLOCK, slots.shape[1]), np.uint8)
    for wave in range(len(waves) - 1):
        for begin in range(waves[wave], waves[wave + 1], BLOCK):
            count = min(BLOCK, waves[wave + 1] - begin)
            for i in range(count):
                a, b = left[begin + i], right[begin + i]
                _copy(slots[a], pairs[2 * i])
                _copy(slots[b], pairs[2 * i + 1])
                if compare and a != b and _equal(slots[a], slots[b]):
                    equal[0] = 1
            parents = slots[first + begin :]
            code = _merkle_level(
                backend, hash_id, 0, prefix.ctypes, len(prefix), pairs.ctypes, 2 * count, parents.ctypes
            )
            if code != 0:
                return code
    return 0
