"""Host side of the CUDA kernels: copies, launches, Merkle levels, and the test before first use.

A Merkle level needs no kernel: it is a batch of 64-byte messages with the shape's prefix, read where the
level below was written. Leaves are copied to the device once and one root comes back.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base import ffi
from pycore.hashing.gpu._messages import DIGESTS
from pycore.hashing.gpu._target import cuda, device, kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pycore.base.columns import Column
    from pycore.base.registry import Hash, Tree
    from pycore.hashing.gpu._words import Word, Words

__all__ = ["failure", "hash_column", "merkle_root"]

THREADS = 128
PIECE_BYTES = 1 << 28
PIECE_ROWS = 1 << 22
"""Bytes, and messages or leaves, that are on the device at a time; the second a power of two: whole subtrees."""
_ROOM = 2  # words after the last: a message is read two words at a time


class Kernels(NamedTuple):
    """The kernels of one hash: for rows of one width, and for rows between offsets."""

    fixed: Any
    ragged: Any


@device
def _store(digests: Any, i: int, words: Words) -> None:
    a, b, c, d, e, f, g, h = words
    digests[8 * i] = a
    digests[8 * i + 1] = b
    digests[8 * i + 2] = c
    digests[8 * i + 3] = d
    digests[8 * i + 4] = e
    digests[8 * i + 5] = f
    digests[8 * i + 6] = g
    digests[8 * i + 7] = h


@cache
def kernels(name: str) -> Kernels:
    """Kernels of a hash by name, compiled on their first launch."""
    digest = DIGESTS[name]

    def fixed(data: Any, width: int, n: int, prefix: Word, prefix_length: int, digests: Any) -> None:
        i = cuda.grid(1)
        if i < n:
            _store(digests, i, digest(data, i * width, width, prefix, prefix_length))

    def ragged(data: Any, offsets: Any, n: int, prefix: Word, prefix_length: int, digests: Any) -> None:
        i = cuda.grid(1)
        if i < n:
            start = offsets[i]
            _store(digests, i, digest(data, start, offsets[i + 1] - start, prefix, prefix_length))

    return Kernels(kernel(fixed), kernel(ragged))


def _launch(function: Any, n: int, *arguments: Any) -> None:
    threads = min(n, THREADS)
    function[-(-n // threads), threads](*arguments)


def _prefix(prefix: bytes) -> tuple[np.uint64, int]:
    return np.uint64(int.from_bytes(prefix, "little")), len(prefix)


def _words(size: int) -> Any:
    """Room for `size` bytes on the device."""
    return cuda.device_array(-(-size // 4) + _ROOM, dtype=np.uint32)


def _upload(data: NDArray[np.uint8]) -> Any:
    words = _words(data.size)
    if data.size:
        words.view(np.uint8)[: data.size].copy_to_device(np.ascontiguousarray(data).reshape(-1))
    return words


# ---- batches --------------------------------------------------------------------------------------------------------


def _pieces(messages: Column) -> list[int]:
    """Where to cut a column: PIECE_ROWS rows at most, and no more than PIECE_BYTES unless one row is longer."""
    bounds = [0]
    while bounds[-1] < messages.n:
        start = bounds[-1]
        if messages.offsets is None:
            rows = max(PIECE_BYTES // max(messages.data.shape[1], 1), 1)
        else:
            limit = messages.offsets[start] + PIECE_BYTES
            rows = max(int(np.searchsorted(messages.offsets, limit, side="right")) - 1 - start, 1)
        bounds.append(min(start + min(rows, PIECE_ROWS), messages.n))
    return bounds


def _digests(row: Hash, messages: Column, prefix: bytes) -> Any:
    """Digests of one piece, left on the device: room for messages.n + 1 of them."""
    n, packed = messages.n, _prefix(prefix)
    digests = _words(32 * (n + 1))
    if not n:
        return digests
    if messages.offsets is None:
        width = messages.data.shape[1]
        _launch(kernels(row.name).fixed, n, _upload(messages.data), width, n, *packed, digests)
        return digests
    first, last = int(messages.offsets[0]), int(messages.offsets[-1])
    offsets = cuda.to_device(messages.offsets - first)
    _launch(kernels(row.name).ragged, n, _upload(messages.data[first:last]), offsets, n, *packed, digests)
    return digests


def hash_column(row: Hash, messages: Column, prefix: bytes = b"") -> NDArray[np.uint8]:
    """``H(prefix || message)`` of every message as uint8 (n, 32); the prefix has at most eight bytes."""
    found = np.empty((messages.n, 32), dtype=np.uint8)
    bounds = _pieces(messages)
    for start, stop in pairwise(bounds):
        digests = _digests(row, messages.slice(start, stop), prefix)
        words = digests[: 8 * (stop - start)].copy_to_host()
        found[start:stop] = words.view(np.uint8).reshape(-1, 32)
    return found


# ---- Merkle trees ---------------------------------------------------------------------------------------------------


def merkle_root(row: Hash, shape: Tree, leaves: Column, *, raw: bool, zeros: Callable[[], NDArray[np.uint8]]) -> bytes:
    """Root of a tree of one leaf or more, as deep as the leaves make it.

    Args:
        row, shape: the hash, one of 32 bytes, and the shape.
        leaves: data to be hashed with the shape's leaf prefix, or digests.
        raw: which of the two.
        zeros: gives the roots of subtrees of zero leaves by height, for shapes that pad.
    """
    pads = zeros() if shape.pads else None
    rise = PIECE_ROWS.bit_length() - 1
    if leaves.n <= PIECE_ROWS:
        nodes = _leaves(row, shape, leaves, raw=raw)
        return _climb(row, shape, nodes, leaves.n, range((leaves.n - 1).bit_length()), pads)
    tops = []
    for start in range(0, leaves.n, PIECE_ROWS):
        part = leaves.slice(start, min(start + PIECE_ROWS, leaves.n))
        tops.append(_climb(row, shape, _leaves(row, shape, part, raw=raw), part.n, range(rise), pads))
    nodes = _words(32 * (len(tops) + 1))
    nodes.view(np.uint8)[: 32 * len(tops)].copy_to_device(np.frombuffer(b"".join(tops), dtype=np.uint8))
    return _climb(row, shape, nodes, len(tops), range(rise, (leaves.n - 1).bit_length()), pads)


def _leaves(row: Hash, shape: Tree, leaves: Column, *, raw: bool) -> Any:
    """Level 0 of a piece on the device, with room for one node more."""
    nodes = _words(32 * (leaves.n + 1))
    if not raw:
        data = np.ascontiguousarray(leaves.to_matrix(32, "leaves")).reshape(-1)
        nodes.view(np.uint8)[: data.size].copy_to_device(data)
        return nodes
    bounds = _pieces(leaves)
    if len(bounds) == 2:
        return _digests(row, leaves, shape.leaf_prefix or b"")
    for start, stop in pairwise(bounds):  # long leaves
        part = _digests(row, leaves.slice(start, stop), shape.leaf_prefix or b"")
        nodes[8 * start : 8 * stop].copy_to_device(part[: 8 * (stop - start)])
    return nodes


def _climb(row: Hash, shape: Tree, nodes: Any, count: int, levels: range, pads: NDArray[np.uint8] | None) -> bytes:
    """The node that `count` nodes of height levels.start lead to at height levels.stop."""
    function, prefix = kernels(row.name).fixed, _prefix(shape.node_prefix)
    for level in levels:
        pairs, odd = divmod(count, 2)
        parents = _words(32 * (pairs + odd + 1))
        last = slice(8 * (count - 1), 8 * count)
        if odd and shape.promotes:
            parents[8 * pairs : 8 * (pairs + 1)].copy_to_device(nodes[last])
        elif odd:
            beside = nodes[8 * count : 8 * (count + 1)]
            beside.copy_to_device(nodes[last] if pads is None else pads[level].view(np.uint32))
            pairs += 1
        if pairs:
            _launch(function, pairs, nodes, 64, pairs, *prefix, parents)
        nodes, count = parents, (count + 1) // 2
    root: bytes = nodes[:8].copy_to_host().tobytes()
    return root


# ---- known answers --------------------------------------------------------------------------------------------------


@cache
def failure(name: str) -> str:
    """Why the kernels of a hash cannot be used; "" when they give the CPU's answers. Once per process."""
    from pycore.base.columns import as_column
    from pycore.base.registry import HASHES

    row = HASHES[name]
    messages = [bytes(range(k)) for k in (0, 1, 55, 64, 137)]
    columns = [as_column(messages, "messages"), as_column(bytes(range(198)), "messages", width=66)]
    try:
        for column, prefix in ((columns[0], b""), (columns[1], b""), (columns[1], b"\x01")):
            wanted = np.empty((column.n, 32), dtype=np.uint8)
            ffi.hash_batch(ffi.AUTO, row.id, prefix, column, wanted)
            if not (hash_column(row, column, prefix) == wanted).all():
                return f"the kernels of {name} give wrong digests"
    except Exception as error:  # whatever a broken driver, compiler or device raises
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
    return ""
