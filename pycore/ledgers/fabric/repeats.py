"""Transactions of a block with one id: only the first of those that are valid counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycore.ledgers.fabric.codes import Code

_UNJUDGED = -1


def find(
    places: NDArray[np.int64], groups: NDArray[np.uint32], firsts: NDArray[np.uint32], codes: NDArray[np.uint8]
) -> tuple[dict[int, int], list[int]]:
    """Duplicates, each with the valid one before it; and those that come only behind ones that could not be judged.

    places           int64 (m,): transactions that are valid, or could not be judged, in their order
    groups, firsts   of equal ids among these, see :meth:`pycore.ledgers.scan.Spans.group`
    codes            uint8 (n,), of all
    """
    again = np.ones(len(places), np.bool_)
    again[firsts] = False
    if not again.any():
        return {}, []
    chosen = np.isin(groups, groups[again])
    before: dict[int, int] = {}
    duplicates: dict[int, int] = {}
    unjudged = []
    for index, group in zip(places[chosen].tolist(), groups[chosen].tolist(), strict=True):
        first = before.get(group)
        if first is not None and first != _UNJUDGED:
            duplicates[index] = first
        elif codes[index] == Code.NOT_VALIDATED:
            before[group] = _UNJUDGED
        elif first == _UNJUDGED:
            unjudged.append(index)
        else:
            before[group] = index
    return duplicates, unjudged
