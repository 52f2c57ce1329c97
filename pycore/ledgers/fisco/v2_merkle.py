"""The trees of FISCO BCOS 2.x: roots of transactions and receipts, and the proofs that nodes answer with.

Since 2.2.0 a leaf is rlp(index) || hash. Sixteen neighbours, or as many as are left, are hashed together, level by
level until one is left, and that one is hashed once more. Proofs of two levels and a root are confirmed by published
data.

Before: 2.0 and 2.1 (from rc2 on) hash all transactions as the block holds them, and the list of receipts; rc1 has
Merkle-Patricia tries. Both are read in the code only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import rlp
from pycore.base.columns import Column, one_bytes, trusted_column
from pycore.base.verdicts import Verdict, verdict_error
from pycore.errors import InputError, LengthError
from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch
from pycore.ledgers.rpc_json import Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 16
MAX_LEVELS = 16
"""Of a proof: 16^8 leaves are more than any block has."""


def root(hash: str, hashes: NDArray[np.uint8], threads: int | None = None) -> bytes:
    """The root over n hashes, uint8 (n, 32); without leaves the hash of nothing, as read in the code.

    >>> import pycore
    >>> one = bytes(range(32))
    >>> root("sm3", np.frombuffer(one, np.uint8)[None]) == pycore.hash("sm3", b"\\x80" + one)
    True
    """
    if not len(hashes):
        return hash_one(hash, b"")
    level: Column | NDArray[np.uint8] = _leaves(hashes)
    if len(level) == 1:
        return hash_one(hash, bytes(level[0]))
    while len(level) > 1:
        level = hash_batch(hash, _groups(level), threads=threads)
    return hash_one(hash, bytes(level[0]))


def leaf(index: int, item_hash: bytes) -> bytes:
    """A leaf: the RLP of its position, and the hash of the item."""
    return rlp.encode(index) + item_hash


def _leaves(hashes: NDArray[np.uint8]) -> Column:
    """Every leaf, as :func:`leaf` makes it."""
    index = np.arange(len(hashes))
    size = (index > 0).astype(np.int64) + (index >= 1 << 8) + (index >= 1 << 16)  # bytes of the number
    widths = np.where(index < 0x80, 1, 1 + size)
    offsets = np.zeros(len(index) + 1, np.int64)
    np.cumsum(widths + 32, out=offsets[1:])
    data = np.empty(int(offsets[-1]), np.uint8)
    data[offsets[:-1]] = np.where(index < 0x80, np.where(index > 0, index, 0x80), 0x80 + size)
    for place in range(3):
        long = np.flatnonzero((index >= 0x80) & (size > place))
        data[offsets[long] + size[long] - place] = index[long] >> 8 * place & 0xFF
    data[offsets[1:, None] - 32 + np.arange(32)] = hashes
    return trusted_column(data, offsets)


def _groups(level: Column | NDArray[np.uint8]) -> Column:
    if isinstance(level, Column):
        assert level.offsets is not None
        return trusted_column(level.data, _every(level.offsets))
    rows = np.ascontiguousarray(level)
    return trusted_column(rows.reshape(-1), _every(np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]))


def _every(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each 16th offset, and the last."""
    last = offsets[-1:]
    return np.ascontiguousarray(np.concatenate([offsets[:-1:WIDTH], last]))


def proof(hash: str, hashes: NDArray[np.uint8], index: int) -> list[tuple[list[bytes], list[bytes]]]:
    """The siblings left and right of item `index` on each level, as nodes answer; the last level has none."""
    level = [bytes(one) for one in _leaves(hashes)]
    found = []
    while len(level) > 1:
        first = index - index % WIDTH
        group = level[first : first + WIDTH]
        found.append((group[: index - first], group[index - first + 1 :]))
        level = [hash_one(hash, b"".join(level[i : i + WIDTH])) for i in range(0, len(level), WIDTH)]
        index //= WIDTH
    return [*found, ([], [])]


def verify(
    hash: str, wanted: bytes, item_hash: bytes, levels: Sequence[tuple[Sequence[bytes], Sequence[bytes]]],
    index: int, count: int | None,
) -> None:  # fmt: skip
    """Checks a proof; returns None, or raises ProofError.

    index    the leaf is made of it, so a proof for another position leads to another root
    count    leaves of the tree: the number of levels and of siblings on each is then checked; None: not
    """
    if not 1 <= len(levels) <= MAX_LEVELS:
        raise verdict_error(Verdict.MALFORMED_PROOF)
    place, left_over, current = index, count, leaf(index, item_hash)
    for number, (left, right) in enumerate(levels):
        if not _fits(number, left, right, current):
            raise verdict_error(Verdict.MALFORMED_PROOF)
        if left_over is not None:
            group = min(WIDTH, left_over - (place - place % WIDTH))
            if place >= left_over or (len(left), len(left) + 1 + len(right)) != (place % WIDTH, group):
                raise verdict_error(Verdict.MALFORMED_PROOF)
            if (left_over == 1) != (number == len(levels) - 1):
                raise verdict_error(Verdict.MALFORMED_PROOF)
            place, left_over = place // WIDTH, -(-left_over // WIDTH)
        current = hash_one(hash, b"".join([*left, current, *right]))
    if current != wanted:
        raise verdict_error(Verdict.BAD_PROOF)


def _fits(number: int, left: Sequence[bytes], right: Sequence[bytes], current: bytes) -> bool:
    """Whether siblings have the sizes of their level: leaves end in a hash, nodes are one."""
    if len(left) + 1 + len(right) > WIDTH:
        return False
    if number:
        return all(len(one) == 32 for one in (*left, *right))
    return all(33 <= len(one) <= 32 + 5 for one in (*left, *right)) and len(current) > 32


def read_proof(given: Any, form: str) -> list[tuple[list[bytes], list[bytes]]]:
    """The levels of a proof. "rpc": the list of a node's answer, or the answer that has it as `txProof` or
    `receiptProof`; "wire": pairs of lists of bytes. InputError where it is neither."""
    if form == "rpc" and not isinstance(given, (list, tuple)):
        answer = Answer.of(given, "proof")
        given = answer.raw("txProof" if answer.has("txProof") else "receiptProof")
    if not isinstance(given, (list, tuple)):
        raise InputError("proof", type(given).__name__, "a list of levels")
    if len(given) > MAX_LEVELS:
        raise LengthError("proof", f"{len(given)} levels", f"at most {MAX_LEVELS}")
    levels = []
    for i, one in enumerate(given):
        if form == "rpc":
            level = Answer.of(one, f"proof[{i}]")
            levels.append((level.octet_list("left"), level.octet_list("right")))
            continue
        if not isinstance(one, (list, tuple)) or len(one) != 2 or not all(isinstance(x, (list, tuple)) for x in one):
            raise InputError(f"proof[{i}]", type(one).__name__, "a pair of lists of bytes")
        left, right = ([one_bytes(item, f"proof[{i}]") for item in side] for side in one)
        levels.append((left, right))
    return levels
