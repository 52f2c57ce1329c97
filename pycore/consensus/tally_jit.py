"""Weighted vote tallies that cannot overflow unnoticed.

Sums are exact or refused: every tally takes a `limit`, the largest total that the caller's chain allows (2^63 - 1
where power is a signed 64-bit integer), and raises when a sum would pass it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore.base.columns import quote
from pycore.base.jit import kernel, warms
from pycore.base.jit_arrays import flags, positions, same_length, vector, weights
from pycore.errors import InputError, LengthError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["INT64_MAX", "UINT64_MAX", "Tally", "VoteCode", "tally_bitmap", "tally_groups", "tally_mask", "tally_votes"]

INT64_MAX = (1 << 63) - 1
UINT64_MAX = (1 << 64) - 1


class Tally(NamedTuple):
    """Power and number of the voters that count."""

    power: int
    voters: int


class VoteCode(IntEnum):
    """What became of one vote."""

    COUNTED = 0
    NOT_VALID = 1
    DUPLICATE = 2
    """The voter has been counted already."""
    UNKNOWN_VOTER = 3


def tally_mask(mask: ArrayLike, power: ArrayLike, *, limit: int = INT64_MAX) -> Tally:
    """Sum the power of the validators that a mask selects.

    Args:
        mask: bool or uint8 (n,): not zero selects.
        power: n integers from 0 to 2^64 - 1.
        limit: the largest sum allowed, at most 2^64 - 1.

    Raises:
        InputError: wrong shapes, negative power, or a sum above `limit`.

    >>> tally_mask([True, False, True], [10, 20, 30])
    Tally(power=40, voters=2)
    """
    selected, each = flags(mask, "mask"), weights(power, "power")
    same_length("power", each, len(selected), "mask")
    return _checked(_sum_mask(selected, each, _limit(limit)), limit)


def tally_bitmap(bitmap: bytes | NDArray[np.uint8], power: ArrayLike, *, limit: int = INT64_MAX) -> Tally:
    """Sum the power of the validators that a bitmap selects.

    Args:
        bitmap: ceil(n / 8) bytes; bit i of the whole, least significant bit of each byte first, selects validator i (as
            ``Verdicts.bitmap()`` gives). Bits from n on must be 0.
        power, limit: as for :func:`tally_mask`.

    Raises:
        InputError: as for :func:`tally_mask`, or a bitmap of another length or with spare bits set.

    >>> tally_bitmap(b"\\x05", [10, 20, 30])
    Tally(power=40, voters=2)
    """
    each = weights(power, "power")
    given = np.frombuffer(bitmap, dtype=np.uint8) if isinstance(bitmap, bytes) else bitmap
    packed = np.ascontiguousarray(vector(given, "bitmap", "u", "uint8 array of shape (size,)"), dtype=np.uint8)
    if len(packed) != (len(each) + 7) // 8:
        raise LengthError("bitmap", f"{len(packed)} bytes", f"{(len(each) + 7) // 8} bytes, for {len(each)} of power")
    if len(each) % 8 and packed[-1] >> (len(each) % 8):
        raise InputError("bitmap", f"bits set from bit {len(each)} on", "spare bits that are 0")
    return _checked(_sum_bitmap(packed, each, _limit(limit)), limit)


def tally_votes(
    voter: ArrayLike, valid: ArrayLike, power: ArrayLike, *, limit: int = INT64_MAX
) -> tuple[Tally, NDArray[np.uint8]]:
    """Sum the power of everybody who voted, each voter once.

    Args:
        voter: k integers: position of the voter in `power`; any other number is an unknown voter.
        valid: bool or uint8 (k,): whether the vote's own checks passed.
        power, limit: as for :func:`tally_mask`.

    Returns:
        The tally, and uint8 (k,) of :class:`VoteCode`. A voter's first valid vote counts; an invalid one does not use
        it up.

    Raises:
        InputError: as for :func:`tally_mask`.

    >>> total, codes = tally_votes([2, 0, 2, 9], [True, True, True, True], [10, 20, 30])
    >>> total, [VoteCode(code).name for code in codes]
    (Tally(power=40, voters=2), ['COUNTED', 'COUNTED', 'DUPLICATE', 'UNKNOWN_VOTER'])
    """
    everybody = np.zeros(len(positions(voter, "voter")), dtype=np.int64)
    totals, counts, codes = tally_groups(everybody, 1, voter, valid, power, limit=limit)
    return Tally(int(totals[0]), int(counts[0])), codes


def tally_groups(
    group: ArrayLike, groups: int, voter: ArrayLike, valid: ArrayLike, power: ArrayLike, *, limit: int = INT64_MAX
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8]]:
    """Tally votes for several candidates (blocks) in one pass; a voter counts once for each of them.

    Args:
        group: k integers from 0 to ``groups - 1``: what the vote is for.
        groups: number of candidates.
        voter, valid: as for :func:`tally_votes`.
        power, limit: as for :func:`tally_mask`; the limit is for each candidate.

    Returns:
        ``(power, count, codes)``: uint64 (groups,), int64 (groups,) and uint8 (k,) of :class:`VoteCode`.

    Raises:
        InputError: as for :func:`tally_mask`, or a group out of range.
    """
    target, who = positions(group, "group"), positions(voter, "voter")
    good, each = flags(valid, "valid"), weights(power, "power")
    same_length("voter", who, len(target), "group")
    same_length("valid", good, len(target), "voter")
    outside = (target < 0) | (target >= groups)
    if outside.any():
        at = int(outside.argmax())
        raise InputError(f"group[{at}]", str(int(target[at])), f"a group from 0 to {groups - 1}")
    order = np.argsort(target, kind="stable")  # so that one row of "has voted" marks serves every candidate in turn
    totals, counts, codes, over = _sum_groups(order, target, groups, who, good, each, _limit(limit))
    if over >= 0:
        raise InputError("power", f"a sum above {limit}", f"at most {limit}")
    return totals, counts, codes


def _limit(limit: Any) -> np.uint64:
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)) or not 0 <= limit <= UINT64_MAX:
        raise InputError("limit", quote(limit), "a number from 0 to 2**64 - 1")
    bound: np.uint64 = np.uint64(limit)
    return bound


def _checked(result: tuple[int, int, bool], limit: int) -> Tally:
    total, voters, over = result
    if over:
        raise InputError("power", f"a sum above {limit}", f"at most {limit}")
    return Tally(int(total), int(voters))


@kernel
def _sum_mask(mask: NDArray[np.bool_], power: NDArray[np.uint64], limit: np.uint64) -> Any:
    total = np.uint64(0)
    count = 0
    for i in range(len(mask)):
        if mask[i]:
            if power[i] > limit - total:  # total <= limit always, so this cannot wrap
                return total, count, True
            total += power[i]
            count += 1
    return total, count, False


@kernel
def _sum_bitmap(bitmap: NDArray[np.uint8], power: NDArray[np.uint64], limit: np.uint64) -> Any:
    total = np.uint64(0)
    count = 0
    for i in range(len(power)):
        if bitmap[i >> 3] >> (i & 7) & 1:
            if power[i] > limit - total:
                return total, count, True
            total += power[i]
            count += 1
    return total, count, False


@kernel
def _sum_groups(
    order: NDArray[np.int64],
    group: NDArray[np.int64],
    groups: int,
    voter: NDArray[np.int64],
    valid: NDArray[np.bool_],
    power: NDArray[np.uint64],
    limit: np.uint64,
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8], int]:
    totals = np.zeros(groups, np.uint64)
    counts = np.zeros(groups, np.int64)
    codes = np.empty(len(order), np.uint8)
    voted = np.full(len(power), -1, np.int64)  # the group that a voter was last counted for
    for k in range(len(order)):
        i = order[k]
        g = group[i]
        v = voter[i]
        if v < 0 or v >= len(power):
            codes[i] = 3
        elif not valid[i]:
            codes[i] = 1
        elif voted[v] == g:
            codes[i] = 2
        elif power[v] > limit - totals[g]:
            return totals, counts, codes, g
        else:
            voted[v] = g
            totals[g] += power[v]
            counts[g] += 1
            codes[i] = 0
    return totals, counts, codes, -1


@warms
def _warm_up() -> None:
    numbers = np.zeros(2, dtype=np.uint64)
    tally_mask([True, True], numbers)
    tally_bitmap(b"\x03", numbers)
    tally_votes([0, 1], [True, True], numbers)
