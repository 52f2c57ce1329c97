"""Loops of hashes without Python in between: Numba code that calls the C level kernels.

A tree that grows leaf by leaf is a loop whose every turn hashes a little: here such a loop is one compiled function
without the GIL, which calls ``pc_merkle_level`` as C code would.
Building a whole tree is not among them: its levels are long, and Python between them costs nothing that shows.

How compiled code finds C: every function of the core that is called here is entered into LLVM's symbol table when this
module is imported, under its own name, and declared as an external function. That way Numba can keep the compiled code
on disk (it refuses to keep code that holds an address), and a later process links the cached code against its own
core. Two rules make this safe:

- whatever calls C from compiled code is in **this file**, so that nothing cached can be loaded before the symbols are
  there, and a change of a declaration discards what was compiled with the old one;
- the declarations below are compared with the extension's own at import, and an extension that has others is refused.

Nothing here starts threads: the caller cuts the work (:mod:`pycore.parallel`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import llvmlite.binding
import numpy as np
from numba import types

from pycore import _native
from pycore.kernels._jit import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pycore.registry import Hash, Tree

__all__ = ["append", "empty_frontier", "frontier_root"]

BYTES: Any = types.CPointer(types.uint8)  # type: ignore[no-untyped-call]


def _declare(name: str, declaration: str, result: Any, *arguments: Any) -> Callable[..., int]:
    address, declared = _native.function_address(name)
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


def _prefix(tree: Tree) -> NDArray[np.uint8]:
    return np.frombuffer(tree.node_prefix, dtype=np.uint8)


def _input(array: NDArray[Any]) -> NDArray[Any]:
    """An array that is only read, of one type whatever the caller has: kernels are compiled once per type."""
    view: NDArray[Any] = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@kernel
def _copy(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    for k in range(len(source)):
        target[k] = source[k]


# ---- growing trees --------------------------------------------------------------------------------------------------


def empty_frontier(row: Hash) -> NDArray[np.uint8]:
    """Room for the frontier of any tree: uint8 (64, digest_size).

    The frontier of a tree of n leaves is the complete subtrees that it is made of: row l is the root of the one with
    2^l leaves where bit l of n is one, and means nothing where it is zero.
    """
    return np.zeros((64, row.digest_size), dtype=np.uint8)


def append(row: Hash, tree: Tree, frontier: NDArray[np.uint8], leaf_count: int, leaves: NDArray[np.uint8]) -> int:
    """Append leaves to a tree of which only the frontier is kept; costs O(new leaves + log leaf_count) hashes.

    Args:
        row, tree: the hash and the shape.
        frontier: uint8 (64, digest_size), changed in place.
        leaf_count: number of leaves before, below 2^62.
        leaves: C-contiguous uint8 (m, digest_size): leaf nodes, hashed already where the shape hashes leaves.

    Returns:
        The number of leaves now.
    """
    backend = _native.current_backend()
    _native.check(_append(backend, row.id, tree.odd, _prefix(tree), frontier, leaf_count, _input(leaves)), backend)
    return leaf_count + len(leaves)


@kernel
def _append(
    backend: int,
    hash_id: int,
    odd: int,
    prefix: NDArray[np.uint8],
    frontier: NDArray[np.uint8],
    leaf_count: int,
    leaves: NDArray[np.uint8],
) -> int:
    count, size = leaves.shape
    old, new = np.empty((count + 1, size), np.uint8), np.empty(((count >> 1) + 2, size), np.uint8)
    for i in range(count):
        _copy(leaves[i], old[1 + i])
    level = 0
    while count:
        first = 1  # row 0 is room for the node that waits on this level
        if leaf_count >> level & 1:
            _copy(frontier[level], old[0])
            first, count = 0, count + 1
        if count & 1:
            _copy(old[first + count - 1], frontier[level])
        count >>= 1
        if count:
            children, parents = old[first:], new[1:]
            code = _merkle_level(
                backend, hash_id, odd, prefix.ctypes, len(prefix), children.ctypes, 2 * count, parents.ctypes
            )
            if code != 0:
                return code
        old, new = new, old
        level += 1
    return 0


def frontier_root(row: Hash, tree: Tree, frontier: NDArray[np.uint8], leaf_count: int) -> bytes:
    """Root of the tree that a frontier stands for; leaf_count > 0.

    Args:
        row, tree: the hash and the shape.
        frontier: uint8 (64, digest_size), see :func:`empty_frontier`.
        leaf_count: number of leaves.
    """
    backend = _native.current_backend()
    pair = np.empty((2, row.digest_size), dtype=np.uint8)
    _native.check(_frontier_root(backend, row.id, tree.odd, _prefix(tree), frontier, leaf_count, pair), backend)
    return bytes(pair[1])


@kernel
def _frontier_root(
    backend: int,
    hash_id: int,
    odd: int,
    prefix: NDArray[np.uint8],
    frontier: NDArray[np.uint8],
    leaf_count: int,
    pair: NDArray[np.uint8],
) -> int:
    level = 0
    while not leaf_count >> level & 1:
        level += 1
    _copy(frontier[level], pair[1])
    last = (leaf_count >> level) - 1  # position of the node in pair[1], the last of its level
    while last:
        if last & 1:
            _copy(frontier[level], pair[0])
        else:
            _copy(pair[1], pair[0])
        if last & 1 or odd != 0:  # else it moves up as it is
            code = _merkle_level(backend, hash_id, odd, prefix.ctypes, len(prefix), pair.ctypes, 2, pair.ctypes)
            if code != 0:
                return code
            _copy(pair[0], pair[1])
        last >>= 1
        level += 1
    return 0
