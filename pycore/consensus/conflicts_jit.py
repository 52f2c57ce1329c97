"""Duplicates and conflicts among digests, exact.

A hash table over whole rows: rows are compared byte by byte, so two different digests are never taken for one. The
table is keyed with fresh randomness per call, because identifiers are chosen by strangers who could otherwise make
every row collide.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np

from pycore.base.jit import kernel, warms
from pycore.base.jit_arrays import rows, same_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["find_conflicts", "find_duplicates"]


def find_duplicates(digests: NDArray[np.uint8]) -> NDArray[np.int64]:
    """For every row the first row that is equal to it.

    Args:
        digests: uint8 (n, width): digests, or identifiers of any other width.

    Returns:
        int64 (n,): the smallest j with ``digests[j] == digests[i]``; j == i where there is none before, so row i is a
        duplicate exactly where the result is not i.

    Raises:
        InputError: not a uint8 array of two dimensions.

    >>> import numpy as np
    >>> find_duplicates(np.array([[7] * 32, [8] * 32, [7] * 32], dtype=np.uint8))
    array([0, 1, 0])
    """
    words = rows(digests, "digests")
    return _first_equal(words, _seeds(words.shape[1]), _table_bits(len(words)))


def find_conflicts(keys: NDArray[np.uint8], values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """For every row an earlier row with the same key and another value: equivocation, double spending.

    Args:
        keys: uint8 (n, width): what may be claimed once, such as a voter with height and round.
        values: uint8 (n, width2): what is claimed, such as a block hash.

    Returns:
        int64 (n,): the smallest j < i with ``keys[j] == keys[i]`` and ``values[j] != values[i]``, or -1. Repeating a
        claim is no conflict.

    Raises:
        InputError: not uint8 arrays of two dimensions with the same n.

    >>> import numpy as np
    >>> keys = np.array([[1], [1], [2], [1]], dtype=np.uint8)
    >>> values = np.array([[5], [5], [6], [9]], dtype=np.uint8)
    >>> find_conflicts(keys, values)
    array([-1, -1, -1,  0])
    """
    words, claims = rows(keys, "keys"), rows(values, "values")
    same_length("values", claims, len(words), "keys")
    first = _first_equal(words, _seeds(words.shape[1]), _table_bits(len(words)))
    return _first_conflict(first, claims)


def _seeds(words: int) -> NDArray[np.uint64]:
    """Random odd multipliers, one per word, and a final one."""
    seeds: NDArray[np.uint64] = np.frombuffer(secrets.token_bytes(8 * (words + 1)), dtype=np.uint64) | np.uint64(1)
    return seeds


def _table_bits(n: int) -> int:
    """log2 of the table size: at most half full."""
    return max((2 * n - 1).bit_length(), 1)


@kernel
def _first_equal(words: NDArray[np.uint64], seeds: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    n, width = words.shape
    mask = (1 << bits) - 1
    shift = np.uint64(64 - bits)
    table = np.full(1 << bits, -1, np.int64)
    first = np.empty(n, np.int64)
    for i in range(n):
        mixed = np.uint64(0)
        for w in range(width):
            mixed = (mixed ^ words[i, w]) * seeds[w]
            mixed ^= mixed >> np.uint64(32)
        slot = np.int64((mixed * seeds[width]) >> shift)
        while True:
            j = table[slot]
            if j < 0:
                table[slot] = i
                first[i] = i
                break
            same = True
            for w in range(width):
                if words[j, w] != words[i, w]:
                    same = False
                    break
            if same:
                first[i] = j
                break
            slot = (slot + 1) & mask
    return first


@kernel
def _first_conflict(first: NDArray[np.int64], values: NDArray[np.uint64]) -> NDArray[np.int64]:
    n, width = values.shape
    other = np.full(n, -1, np.int64)  # at a key's first row: the first row that claims something else
    conflict = np.full(n, -1, np.int64)
    for i in range(n):
        j = first[i]
        same = True
        for w in range(width):
            if values[j, w] != values[i, w]:
                same = False
                break
        if same:
            conflict[i] = other[j]
        else:
            conflict[i] = j
            if other[j] < 0:
                other[j] = i
    return conflict


@warms
def _warm_up() -> None:
    rows = np.zeros((2, 32), dtype=np.uint8)
    find_conflicts(rows, rows)
