"""Sparse Merkle trees as arrays: finding, splitting and joining places, and laying out what is to be hashed.

A place is a reference: ``EMPTY``, ``2 i + 1`` for leaf i, ``2 i`` for inner node i. Inner nodes have two references in
``children``; the subtree of a single key is its leaf, at whatever height. ``state`` holds the counters of a tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.base.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY = -1
_DEAD = -2  # in children[i, 0]: inner node i was given back in this batch

# state
ROOT, INNER_USED, INNER_FREE, INNER_FREED, LEAF_USED, LEAF_FREE, DIRTY, KEYS = range(8)
STATE_SIZE = 8

# kinds of proof
AT_NOTHING, AT_LEAF, AT_OTHER = 0, 1, 2
DEPTHS = 256
ROOM = DEPTHS + 1  # inner nodes that one key may add


@kernel
def _bit(key: NDArray[np.uint8], depth: int) -> int:
    bit: int = (np.int64(key[depth >> 3]) >> (7 - (depth & 7))) & 1
    return bit


@kernel
def _same(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    equal = True
    for k in range(len(a)):
        equal &= a[k] == b[k]
    return equal


@kernel
def _shared_bits(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    for k in range(len(a)):
        if a[k] != b[k]:
            bits = 8 * k
            different = np.int64(a[k] ^ b[k])
            while different < 128:
                different <<= 1
                bits += 1
            return bits
    return 8 * len(a)


@kernel
def _new_inner(
    depth: int,
    children: NDArray[np.int64],
    free_inner: NDArray[np.int64],
    state: NDArray[np.int64],
    dirty: NDArray[np.int64],
    dirty_depth: NDArray[np.int16],
    is_dirty: NDArray[np.bool_],
) -> int:
    node: int = state[INNER_USED]
    if state[INNER_FREE]:
        state[INNER_FREE] -= 1
        node = free_inner[state[INNER_FREE]]
    else:
        state[INNER_USED] += 1
    children[node, 0] = EMPTY
    children[node, 1] = EMPTY
    is_dirty[node] = True
    dirty[state[DIRTY]] = node
    dirty_depth[state[DIRTY]] = depth
    state[DIRTY] += 1
    return node


@kernel
def _link(parent: int, side: int, place: int, children: NDArray[np.int64], state: NDArray[np.int64]) -> None:
    if parent < 0:
        state[ROOT] = place
    else:
        children[parent, side] = place


@kernel
def apply(
    keys: NDArray[np.uint8],
    present: NDArray[np.bool_],
    first: int,
    slots: NDArray[np.int64],
    children: NDArray[np.int64],
    leaf_keys: NDArray[np.uint8],
    free_inner: NDArray[np.int64],
    freed_inner: NDArray[np.int64],
    free_leaf: NDArray[np.int64],
    state: NDArray[np.int64],
    dirty: NDArray[np.int64],
    dirty_depth: NDArray[np.int16],
    is_dirty: NDArray[np.bool_],
) -> int:
    """Put or remove keys from number `first` on; returns the first one that there was no room for, or their number.

    ``slots[k]`` becomes the leaf of key k, -1 for a removed one. Inner nodes above a change are listed in `dirty` with
    their depth, each once.
    """
    path = np.empty(DEPTHS + 1, np.int64)
    for k in range(first, len(keys)):
        if len(children) - state[INNER_USED] + state[INNER_FREE] < ROOM:
            return k
        if len(leaf_keys) - state[LEAF_USED] + state[LEAF_FREE] < 1:
            return k
        key = keys[k]
        depth, place, parent, side = 0, state[ROOT], -1, 0
        while place >= 0 and place & 1 == 0:
            parent = place >> 1
            path[depth] = parent
            side = _bit(key, depth)
            place = children[parent, side]
            depth += 1
        found = place >= 0 and _same(leaf_keys[place >> 1], key)
        if not present[k]:
            slots[k] = -1
            if not found:
                continue
        for level in range(depth):
            node = path[level]
            if not is_dirty[node]:
                is_dirty[node] = True
                dirty[state[DIRTY]] = node
                dirty_depth[state[DIRTY]] = level
                state[DIRTY] += 1
        if not present[k]:
            _remove(key, place, depth, path, children, freed_inner, free_leaf, state, is_dirty)
            continue
        if found:
            slots[k] = place >> 1
            continue
        if state[LEAF_FREE]:
            state[LEAF_FREE] -= 1
            leaf = free_leaf[state[LEAF_FREE]]
        else:
            leaf = state[LEAF_USED]
            state[LEAF_USED] += 1
        leaf_keys[leaf] = key
        slots[k] = leaf
        state[KEYS] += 1
        if place >= 0:  # another key's leaf: inner nodes down to where the two part
            other = leaf_keys[place >> 1]
            parting = _shared_bits(key, other)
            for level in range(depth, parting + 1):
                node = _new_inner(level, children, free_inner, state, dirty, dirty_depth, is_dirty)
                _link(parent, side, 2 * node, children, state)
                parent, side = node, _bit(key, level)
            children[parent, 1 - side] = place
        _link(parent, side, 2 * leaf + 1, children, state)
    return len(keys)


@kernel
def _remove(
    key: NDArray[np.uint8],
    place: int,
    depth: int,
    path: NDArray[np.int64],
    children: NDArray[np.int64],
    freed_inner: NDArray[np.int64],
    free_leaf: NDArray[np.int64],
    state: NDArray[np.int64],
    is_dirty: NDArray[np.bool_],
) -> None:
    free_leaf[state[LEAF_FREE]] = place >> 1
    state[LEAF_FREE] += 1
    state[KEYS] -= 1
    if depth == 0:
        state[ROOT] = EMPTY
        return
    parent = path[depth - 1]
    side = _bit(key, depth - 1)
    other = children[parent, 1 - side]
    children[parent, side] = EMPTY
    if other & 1 == 0:  # an inner node stays where it is
        return
    while depth > 0:  # a leaf that is alone below a node takes its place
        depth -= 1
        node = path[depth]
        children[node, 0] = _DEAD
        is_dirty[node] = False
        freed_inner[state[INNER_FREED]] = node
        state[INNER_FREED] += 1
        if depth == 0:
            state[ROOT] = other
            return
        parent = path[depth - 1]
        side = _bit(key, depth - 1)
        children[parent, side] = other
        if children[parent, 1 - side] != EMPTY:
            return


@kernel
def living(dirty: NDArray[np.int64], children: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the listed inner nodes were not given back later in the batch."""
    alive = np.empty(len(dirty), np.bool_)
    for i in range(len(dirty)):
        alive[i] = children[dirty[i], 0] != _DEAD
    return alive


@kernel
def gather_children(
    nodes: NDArray[np.int64],
    children: NDArray[np.int64],
    node_hash: NDArray[np.uint8],
    leaf_hash: NDArray[np.uint8],
    pairs: NDArray[np.uint8],
) -> None:
    """Digests of both children of every node; an empty place is zeros."""
    size = node_hash.shape[1]
    for i in range(len(nodes)):
        for side in range(2):
            place = children[nodes[i], side]
            row = pairs[i, side]
            if place < 0:
                for k in range(size):
                    row[k] = 0
                continue
            source = leaf_hash[place >> 1] if place & 1 else node_hash[place >> 1]
            for k in range(size):
                row[k] = source[k]


@kernel
def scatter(places: NDArray[np.int64], rows: NDArray[np.uint8], into: NDArray[np.uint8]) -> None:
    """``into[places[i]] = rows[i]``."""
    for i in range(len(places)):
        target, row = into[places[i]], rows[i]
        for k in range(len(row)):
            target[k] = row[k]


@kernel
def store(
    order: NDArray[np.int64],
    slots: NDArray[np.int64],
    value_hashes: NDArray[np.uint8],
    leaf_hashes: NDArray[np.uint8],
    kept_value_hash: NDArray[np.uint8],
    kept_leaf_hash: NDArray[np.uint8],
) -> None:
    """Digests of the keys that were put, row ``order[i]`` to leaf ``slots[i]``."""
    for i in range(len(order)):
        if slots[i] < 0:
            continue
        value, leaf = value_hashes[order[i]], leaf_hashes[order[i]]
        into_value, into_leaf = kept_value_hash[slots[i]], kept_leaf_hash[slots[i]]
        for k in range(len(value)):  # over rows, so that the copy is one of vectors
            into_value[k] = value[k]
            into_leaf[k] = leaf[k]


# ---- proofs ---------------------------------------------------------------------------------------------------------


@kernel
def find(
    keys: NDArray[np.uint8],
    state: NDArray[np.int64],
    children: NDArray[np.int64],
    leaf_keys: NDArray[np.uint8],
    places: NDArray[np.int64],
    depths: NDArray[np.int64],
    siblings: NDArray[np.int64],
) -> None:
    """Where the way of every key ends, how deep, and how many siblings on it are not empty."""
    for i in range(len(keys)):
        place, depth, count = state[ROOT], 0, 0
        while place >= 0 and place & 1 == 0:
            side = _bit(keys[i], depth)
            if children[place >> 1, 1 - side] != EMPTY:
                count += 1
            place = children[place >> 1, side]
            depth += 1
        places[i], depths[i], siblings[i] = place, depth, count


@kernel
def write_proofs(
    keys: NDArray[np.uint8],
    state: NDArray[np.int64],
    children: NDArray[np.int64],
    node_hash: NDArray[np.uint8],
    leaf_hash: NDArray[np.uint8],
    leaf_keys: NDArray[np.uint8],
    value_hash: NDArray[np.uint8],
    kinds: NDArray[np.uint8],
    places: NDArray[np.int64],
    depths: NDArray[np.int64],
    offsets: NDArray[np.int64],
    data: NDArray[np.uint8],
) -> None:
    """The proofs that ``pycore.merkle.sparse`` describes, one after another; siblings are written back to front."""
    size = node_hash.shape[1]
    for i in range(len(keys)):
        at, end, depth = offsets[i], offsets[i + 1], depths[i]
        data[at] = kinds[i]
        data[at + 1] = depth & 255
        data[at + 2] = depth >> 8
        bitmap = at + 3
        for k in range(bitmap, bitmap + (depth + 7) // 8):
            data[k] = 0
        at = bitmap + (depth + 7) // 8
        if kinds[i] == AT_OTHER:
            leaf = places[i] >> 1
            data[at : at + 32] = leaf_keys[leaf]
            data[at + 32 : at + 32 + size] = value_hash[leaf]
        place = state[ROOT]
        for level in range(depth):
            side = _bit(keys[i], level)
            sibling = children[place >> 1, 1 - side]
            place = children[place >> 1, side]
            if sibling == EMPTY:
                continue
            step = depth - 1 - level
            data[bitmap + (step >> 3)] |= np.uint8(1 << (step & 7))
            source = leaf_hash[sibling >> 1] if sibling & 1 else node_hash[sibling >> 1]
            end -= size
            target = data[end : end + size]
            for k in range(size):
                target[k] = source[k]


@kernel
def read_proofs(
    keys: NDArray[np.uint8],
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    size: int,
    kinds: NDArray[np.uint8],
    depths: NDArray[np.int64],
    other: NDArray[np.uint8],
    cursors: NDArray[np.int64],
) -> None:
    """Take proofs apart; ``depths[i]`` is -1 where bytes are not a proof that the tree could have given for the key.

    other: uint8 (n, 32 + size), the key and value hash of another key's leaf. cursors: where the siblings begin.
    """
    for i in range(len(keys)):
        at, length = starts[i], lengths[i]
        depths[i] = -1
        if length < 3:
            continue
        kind = data[at]
        depth = np.int64(data[at + 1]) + 256 * np.int64(data[at + 2])
        width = (depth + 7) // 8
        fixed = 3 + width + (32 + size if kind == AT_OTHER else 0)
        if kind > AT_OTHER or depth > DEPTHS or length < fixed:
            continue
        bitmap = data[at + 3 : at + 3 + width]
        count = 0
        for k in range(width):
            bits = np.int64(bitmap[k])
            while bits:
                count += bits & 1
                bits >>= 1
        # The lowest sibling is never empty, and no bit stands for a level that is not there.
        if depth and (bitmap[0] & 1 == 0 or (depth & 7 and bitmap[width - 1] >> (depth & 7))):
            continue
        if length != fixed + count * size:
            continue
        if kind == AT_OTHER:
            part = data[at + 3 + width : at + fixed]
            shared = _shared_bits(keys[i], part[:32])
            if shared < depth or shared == 8 * keys.shape[1]:
                continue
            for k in range(32 + size):
                other[i, k] = part[k]
        zero = False
        for s in range(count):
            sibling = data[at + fixed + s * size : at + fixed + (s + 1) * size]
            any_bit = np.uint8(0)
            for k in range(size):
                any_bit |= sibling[k]
            zero |= any_bit == 0
        if zero:
            continue
        kinds[i] = kind
        depths[i] = depth
        cursors[i] = at + fixed


@kernel
def gather_step(
    keys: NDArray[np.uint8],
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    depths: NDArray[np.int64],
    cursors: NDArray[np.int64],
    current: NDArray[np.uint8],
    step: int,
    pairs: NDArray[np.uint8],
    active: NDArray[np.int64],
) -> int:
    """Node and sibling of every proof that is deeper than `step`, in hashing order; returns how many."""
    count = 0
    size = current.shape[1]
    for i in range(len(depths)):
        if depths[i] <= step:
            continue
        side = _bit(keys[i], depths[i] - 1 - step)
        mine, sibling, row = pairs[count, side], pairs[count, 1 - side], current[i]
        for k in range(size):
            mine[k] = row[k]
        if (data[starts[i] + 3 + (step >> 3)] >> (step & 7)) & 1:
            source = data[cursors[i] : cursors[i] + size]
            for k in range(size):
                sibling[k] = source[k]
            cursors[i] += size
        else:
            for k in range(size):
                sibling[k] = 0
        active[count] = i
        count += 1
    return count
