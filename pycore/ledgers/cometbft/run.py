"""Runs of blocks in which each block's commit comes with the next block.

Only the last block of a run has no next one; its certificate is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, wire
from pycore.ledgers.runs import LinkedState


class CometbftState(LinkedState):
    """The knowledge of a run between two blocks. The `commit` of the context is for the first block of the run, if none
    follows it."""

    ahead = 1

    def __init__(self, steps: Any, context: Any, checkpoint: Any, *, threads: int | None) -> None:
        super().__init__(steps, context, checkpoint, threads=threads)
        self._second = self.context.commit
        self.context = self.context.replace(commit=None)  # no checkpoint needs it

    def _opened(self, block: Any) -> Any:
        """The block, and the commit that it has for the one before; None where it does not open."""
        data = super()._opened(block)
        try:
            last = wire.block(data).last_commit if isinstance(data, bytes) else None
        except InputError:
            last = None
        return data, None if last is None else encoding.commit(last)

    def _with(self, held: Any, context: Any, after: Sequence[Any]) -> tuple[Any, Any]:
        second, self._second = self._second, None
        return held[0], context.replace(commit=after[0][1] if after else second)
