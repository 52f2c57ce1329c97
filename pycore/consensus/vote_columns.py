"""Votes read many at a time, as columns: what a chain's reader gives a collector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pycore.base.columns import Column

__all__ = ["VoteColumns"]


@dataclass(frozen=True, eq=False)
class VoteColumns:
    """n votes, each in the chain's own form when it was read.

    A record that is not as its writer puts it, or breaks a rule of the chain, is left to
    ``ConsensusRules.read_vote``: `usual` is False, and the other columns hold anything for it.

    usual          bool (n,)
    heights        int64 (n,)               rounds       int64 (n,)
    kinds          n names, as of :class:`pycore.consensus.Vote`
    claims         n claims; None: nil. Equal ones should be one object, since thousands are remembered
    positions      int64 (n,): of the validators, as the votes say, of any value
    addresses      uint8 (n, width): of the validators, as the votes say
    messages       n messages that are signed
    signatures     n signatures
    extension_of   int64 (k,), ascending: the vote that each extension belongs to
    extension_messages, extension_signatures
                   k rows each; what must hold as well
    """

    usual: NDArray[np.bool_]
    heights: NDArray[np.int64]
    rounds: NDArray[np.int64]
    kinds: Sequence[str]
    claims: Sequence[bytes | None]
    positions: NDArray[np.int64]
    addresses: NDArray[np.uint8]
    messages: Column
    signatures: Column
    extension_of: NDArray[np.int64]
    extension_messages: Column
    extension_signatures: Column
