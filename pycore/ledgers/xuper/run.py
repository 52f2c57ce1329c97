"""Runs of blocks in which each block's certificate comes with the next block.

Only the last block of a run has no next one; its certificate is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycore.ledgers.runs import LinkedState


class XuperState(LinkedState):
    """The knowledge of a run between two blocks. The `next_block` of the context is for the first block of the run, if
    none follows it."""

    ahead = 1

    def __init__(self, steps: Any, context: Any, checkpoint: Any, *, threads: int | None) -> None:
        super().__init__(steps, context, checkpoint, threads=threads)
        self._second = self.context.next_block
        self.context = self.context.replace(next_block=None)  # no checkpoint needs it

    def _with(self, held: Any, context: Any, after: Sequence[Any]) -> tuple[Any, Any]:
        second, self._second = self._second, None
        following = after[0] if after else second
        return held, context.replace(next_block=following if isinstance(following, bytes) else None)
