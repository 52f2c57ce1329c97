"""Runs of blocks in which each block's certificate comes with the next block.

Only the last block of a run has no next one; its certificate is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pycore.errors import InputError
from pycore.ledgers.runs import LinkedState
from pycore.ledgers.xuper.block import open_header


class XuperState(LinkedState):
    """The knowledge of a run between two blocks. The `next_block` of the context is for the first block of the run, if
    none follows it."""

    ahead = 1

    def __init__(self, steps: Any, context: Any, checkpoint: Any, *, threads: int | None) -> None:
        super().__init__(steps, context, checkpoint, threads=threads)
        self._second = self.context.next_block
        self.context = self.context.replace(next_block=None)  # no checkpoint needs it

    def _opened(self, block: Any) -> Any:
        """The block, and its header, which has the certificate; None where it does not open."""
        data = super()._opened(block)
        try:
            header = open_header(data, "block").SerializeToString() if isinstance(data, bytes) else None
        except InputError:
            header = None
        return data, header

    def _with(self, held: Any, context: Any, after: Sequence[Any]) -> tuple[Any, Any]:
        second, self._second = self._second, None
        return held[0], context.replace(next_block=after[0][1] if after else second)
