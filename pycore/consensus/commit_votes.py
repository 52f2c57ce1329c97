"""Which signatures of many commits are looked at, by whom they are, and whether they are valid: columns all along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.consensus.keyrings import verify_places
from pycore.consensus.quorum import INT64_MAX
from pycore.consensus.votes import FOR_CLAIM, VOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.consensus.keyrings import Keyring
    from pycore.consensus.validators import ValidatorSet
    from pycore.consensus.votes import CommitColumns

__all__ = ["BRIEF", "MODES", "TRUSTING", "judged_votes"]

MODES = ("light", "full", "all", "trusting", "trusting-all")
"""See :mod:`pycore.consensus.commits`."""
TRUSTING = frozenset({"trusting", "trusting-all"})
"""Modes in which validators are found by address, in a set that need not be the commit's."""
BRIEF = frozenset({"light", "trusting"})
"""Modes that stop at the signature which completes the quorum."""


def judged_votes(
    mode: str,
    sets: Sequence[ValidatorSet],
    needed: Sequence[int],
    columns: CommitColumns,
    threads: int | None,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The signatures that are looked at, verified.

    sets    one for all records, or one for each
    needed  power of a quorum, for each of `sets`

    Returns (votes, starts): VOTE (k,), and int64 (n + 1,): record i has the votes starts[i] up to starts[i + 1].
    """
    if columns.choose is not None and len(sets) == 1 and mode not in TRUSTING:
        picked, votes, starts = columns.choose(sets[0], needed[0], mode == "full", mode in BRIEF)
        places: list[tuple[Keyring, Any]] = [(sets[0].keyring, slice(None))]
        voters = votes["voter"].astype(np.int64)
    else:
        record = np.repeat(np.arange(len(columns.usual)), np.diff(columns.starts))
        chosen, voters, fits = _chosen(mode, sets, needed, columns, record)
        picked = np.flatnonzero(chosen)
        starts, voters = np.searchsorted(picked, columns.starts), voters[picked]
        votes = np.zeros(len(picked), VOTE)
        votes["slot"], votes["voter"], votes["kind"] = columns.positions[picked], voters, columns.kinds[picked]
        votes["fits"] = fits[picked]
        places = [(validators.keyring, rows) for validators, rows in _groups(sets, record[picked])]
    if len(picked):
        messages, signatures = columns.signed(picked)
        votes["code"] = verify_places(places, voters, signatures, messages, threads)
    return votes, starts


def _chosen(
    mode: str, sets: Sequence[ValidatorSet], needed: Sequence[int], columns: CommitColumns, record: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]:
    """Of every signature: whether it is looked at, its position in the set, whether it has the address of its slot."""
    if len(sets) == 1:
        return _choose(mode, sets[0], needed[0], columns, record, slice(None))
    m = len(record)
    chosen, voters, fits = np.zeros(m, np.bool_), np.zeros(m, np.int64), np.zeros(m, np.bool_)
    for validators, rows in _groups(sets, record):
        power = needed[int(record[rows[0]])]
        chosen[rows], voters[rows], fits[rows] = _choose(mode, validators, power, columns, record, rows)
    return chosen, voters, fits


def _groups(sets: Sequence[ValidatorSet], record: NDArray[np.int64]) -> Iterator[tuple[ValidatorSet, Any]]:
    """The different sets of some rows, each with its rows. record: int64 (k,), ascending, the record of each row."""
    if len(sets) == 1:
        yield sets[0], slice(None)
        return
    bounds = np.searchsorted(record, np.arange(len(sets) + 1)).tolist()
    members: dict[int, list[int]] = {}
    for i, one in enumerate(sets):
        if bounds[i + 1] > bounds[i]:
            members.setdefault(id(one), []).append(i)
    for found in members.values():
        yield sets[found[0]], np.concatenate([np.arange(bounds[i], bounds[i + 1]) for i in found])


def _choose(
    mode: str, validators: ValidatorSet, needed: int, columns: CommitColumns, record: NDArray[np.int64], at: Any
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]:
    """Of the signatures in rows `at`: whether each is looked at, its position in the set (any number where it is not),
    and whether it has the address of its slot."""
    of, positions, kinds, addresses = record[at], columns.positions[at], columns.kinds[at], columns.addresses[at]
    n = len(validators)
    if mode in TRUSTING:
        voter = _found(validators, positions, addresses)
        candidate = (kinds == FOR_CLAIM) & (voter >= 0)
        fits = candidate
    else:
        ours = (columns.sizes == n)[of]
        candidate = ours if mode == "full" else ours & (kinds == FOR_CLAIM)
        all_ours = ours.all()
        voter = positions if all_ours else np.where(ours, positions, 0)
        complete = all_ours and len(of) == n * len(columns.usual)  # nobody is absent anywhere
        if complete and addresses.tobytes() == validators.octets * len(columns.usual):
            fits = ours
        else:
            fits = _equal_rows(addresses, validators.address_rows[voter])
    if mode in BRIEF:
        weights = np.where(candidate, validators.powers[voter], 0)
        if mode in TRUSTING:  # a validator who occurs again adds no power
            rows = np.flatnonzero(candidate)
            _, first = np.unique(of[rows] * n + voter[rows], return_index=True)
            again = np.ones(len(rows), np.bool_)
            again[first] = False
            weights[rows[again]] = 0
        candidate = candidate & (_before(weights, of, validators.total) < needed)
    return candidate, voter, fits


def _found(validators: ValidatorSet, positions: NDArray[np.int64], addresses: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions in the set of the validators with these addresses, -1 for strangers. Most are where they were."""
    guess = np.minimum(positions, len(validators) - 1)
    for row in np.flatnonzero(~_equal_rows(addresses, validators.address_rows[guess])).tolist():
        place = validators.index(addresses[row].tobytes())
        guess[row] = -1 if place is None else place
    return guess


def _equal_rows(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool (n,): whether the rows are equal; both are contiguous."""
    if one.shape[1] % 4 or one.shape[1] == 0:
        found: NDArray[np.bool_] = (one == other).all(axis=1)
        return found
    words, others = np.ascontiguousarray(one).view(np.uint32), np.ascontiguousarray(other).view(np.uint32)
    found = words[:, 0] == others[:, 0]
    for i in range(1, words.shape[1]):
        found &= words[:, i] == others[:, i]
    return found


def _before(weights: NDArray[np.int64], record: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """int64 (k,): sum of the weights that come before in the same record. record: int64 (k,), ascending; most: that
    the weights of one record come to."""
    if not len(record):
        return weights
    starts = np.flatnonzero(record[1:] != record[:-1]) + 1
    if (len(starts) + 1) * most <= INT64_MAX:
        sums: NDArray[np.int64] = np.cumsum(weights) - weights
        if len(starts):
            counts = np.diff(starts, prepend=0, append=len(record))
            sums -= np.repeat(sums[np.concatenate([[0], starts])], counts)
        return sums
    sums = np.empty_like(weights)
    bounds = [0, *starts.tolist(), len(record)]
    for first, last in pairwise(bounds):
        sums[first:last] = np.cumsum(weights[first:last]) - weights[first:last]
    return sums
