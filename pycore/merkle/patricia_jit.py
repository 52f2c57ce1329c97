"""Walking Merkle-Patricia proofs whose nodes are hashed already: strict RLP, hex-prefix paths, embedded nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.base.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALID, BAD, MALFORMED = 0, 1, 2
ABSENT = -1
_STRING, _LIST, _WRONG = 0, 1, -1
_BRANCH = 17


@kernel
def _item(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int, int]:
    """Kind, begin and end of the payload of the RLP item at `at`; strict: one encoding per item (Yellow Paper, B)."""
    if at >= end:
        return _WRONG, 0, 0
    head = np.int64(data[at])
    if head < 0x80:
        return _STRING, at, at + 1
    kind = _STRING if head < 0xC0 else _LIST
    size = head - (0x80 if kind == _STRING else 0xC0)
    begin = at + 1
    if size > 55:
        width = size - 55
        if width > 4 or begin + width > end or data[begin] == 0:
            return _WRONG, 0, 0
        size = np.int64(0)
        for k in range(width):
            size = size << 8 | np.int64(data[begin + k])
        if size < 56:
            return _WRONG, 0, 0
        begin += width
    if begin + size > end or (kind == _STRING and size == 1 and data[begin] < 0x80):
        return _WRONG, 0, 0
    return kind, begin, begin + size


@kernel
def _items(data: NDArray[np.uint8], at: int, end: int, found: NDArray[np.int64]) -> int:
    """Items of the list that fills [at, end): rows of kind, payload bounds, item begin; -1 if it is not one."""
    kind, begin, stop = _item(data, at, end)
    if kind != _LIST or stop != end:
        return -1
    count, at = 0, begin
    while at < stop:
        if count == _BRANCH:
            return -1
        kind, begin, last = _item(data, at, stop)
        if kind == _WRONG:
            return -1
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = kind, begin, last, at
        at = last
        count += 1
    return count


@kernel
def _is_child(item: NDArray[np.int64]) -> bool:
    """A reference to a node: nothing, a hash, or the node itself in fewer than 32 bytes."""
    payload, whole = item[2] - item[1], item[2] - item[3]
    fits: bool = (payload == 0 or payload == 32) if item[0] == _STRING else whole < 32
    return fits


@kernel
def _nibble(key: NDArray[np.uint8], position: int) -> int:
    byte = np.int64(key[position >> 1])
    nibble: int = byte & 15 if position & 1 else byte >> 4
    return nibble


@kernel
def _same(data: NDArray[np.uint8], begin: int, end: int, other: int, stop: int) -> bool:
    """Whether the bytes of two ranges are the same."""
    same: bool = end - begin == stop - other
    for k in range(end - begin if same else 0):
        same &= data[begin + k] == data[other + k]
    return same


@kernel
def _walk(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    first: int,
    last: int,
    hashes: NDArray[np.uint8],
    root: NDArray[np.uint8],
    empty_root: NDArray[np.uint8],
    key: NDArray[np.uint8],
    items: NDArray[np.int64],
    wanted: NDArray[np.uint8],
    listed: bool,
) -> tuple[int, int, int]:
    """Outcome, and begin and end of the value in `data`, ABSENT where the trie has none."""
    nibbles = 2 * len(key)
    if first == last:
        same = True
        for k in range(32):
            same &= root[k] == empty_root[k]
        return (VALID if same else MALFORMED), ABSENT, ABSENT
    position, node = 0, first
    wanted[:] = root
    hashed = True
    begin = end = 0
    while True:
        if hashed:
            if node == last:
                return MALFORMED, ABSENT, ABSENT
            begin, end = bounds[node], bounds[node + 1]
            for k in range(32):
                if hashes[node, k] != wanted[k]:
                    return BAD, ABSENT, ABSENT
            node += 1
            if node - 1 == first and end - begin == 1 and data[begin] == 0x80:  # the empty trie, written out
                return (VALID if node == last else MALFORMED), ABSENT, ABSENT
            if node - 1 > first and end - begin < 32:
                return MALFORMED, ABSENT, ABSENT
        count = _items(data, begin, end, items)
        if count == _BRANCH:
            for k in range(16):
                if not _is_child(items[k]):
                    return MALFORMED, ABSENT, ABSENT
            if items[16, 0] != _STRING:
                return MALFORMED, ABSENT, ABSENT
            if position == nibbles:
                begin, end = items[16, 1], items[16, 2]
                if node != last:
                    return MALFORMED, ABSENT, ABSENT
                return VALID, (begin if end > begin else ABSENT), end
            child = items[_nibble(key, position)]
            position += 1
        elif count == 2:
            path, stop = items[0, 1], items[0, 2]
            if items[0, 0] != _STRING or stop == path:
                return MALFORMED, ABSENT, ABSENT
            flags = np.int64(data[path]) >> 4
            if flags > 3 or (flags & 1 == 0 and data[path] & 15):
                return MALFORMED, ABSENT, ABSENT
            at = 2 * path + (1 if flags & 1 else 2)  # in nibbles of `data`
            length = 2 * stop - at
            matches = length <= nibbles - position
            if matches:
                for k in range(length):
                    if _nibble(data, at + k) != _nibble(key, position + k):
                        matches = False
                        break
            child = items[1]
            if flags >= 2:
                if child[0] != _STRING or child[1] == child[2]:
                    return MALFORMED, ABSENT, ABSENT
                if node != last:
                    return MALFORMED, ABSENT, ABSENT
                if matches and length == nibbles - position:
                    return VALID, child[1], child[2]
                return VALID, ABSENT, ABSENT
            if length == 0 or not _is_child(child) or child[1] == child[2]:
                return MALFORMED, ABSENT, ABSENT
            if not matches:
                return (VALID if node == last else MALFORMED), ABSENT, ABSENT
            position += length
        else:
            return MALFORMED, ABSENT, ABSENT
        if child[0] == _LIST:
            hashed = False
            begin, end = child[3], child[2]
            if listed and node != last and _same(data, begin, end, bounds[node], bounds[node + 1]):
                node += 1
        elif child[1] == child[2]:
            return (VALID if node == last else MALFORMED), ABSENT, ABSENT
        else:
            hashed = True
            for k in range(32):
                wanted[k] = data[child[1] + k]


@kernel
def walk_proofs(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    firsts: NDArray[np.int64],
    hashes: NDArray[np.uint8],
    roots: NDArray[np.uint8],
    empty_root: NDArray[np.uint8],
    keys: NDArray[np.uint8],
    key_bounds: NDArray[np.int64],
    outcomes: NDArray[np.uint8],
    values: NDArray[np.int64],
    listed: bool,
) -> None:
    """Every proof from its root to its value.

    Args:
        data, bounds: all nodes one after another; node j is ``data[bounds[j]:bounds[j + 1]]``.
        firsts: int64 (n + 1,), proof i has nodes ``firsts[i]`` up to ``firsts[i + 1]``, from the root down.
        hashes: uint8 (nodes, 32), Keccak-256 of every node.
        roots: uint8 (n, 32). empty_root: the root of the empty trie.
        keys, key_bounds: as data and bounds.
        outcomes: uint8 (n,), filled with VALID, BAD or MALFORMED.
        values: int64 (n, 2), filled with begin and end of each value in `data`; begin is ABSENT where there is none.
        listed: whether a node of a proof may be, byte for byte, the one inside its parent that the way leads to.
    """
    items = np.empty((_BRANCH, 4), np.int64)
    wanted = np.empty(32, np.uint8)
    for i in range(len(outcomes)):
        key = keys[key_bounds[i] : key_bounds[i + 1]]
        outcome, begin, end = _walk(
            data, bounds, firsts[i], firsts[i + 1], hashes, roots[i], empty_root, key, items, wanted, listed
        )
        outcomes[i], values[i, 0], values[i, 1] = outcome, begin, end
