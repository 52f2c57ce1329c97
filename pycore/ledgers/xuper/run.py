"""Runs of blocks in which each block's certificate comes with the next block.

Between the reports of a run nothing is held back: the block after the last one of a window is read first. Only the last
block of a run has no next one; its certificate is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from pycore.base.columns import BytesLike, one_bytes
from pycore.ledgers.report import BlockReport
from pycore.ledgers.runs import ChainRun, LinkedState


class XuperState(LinkedState):
    """The knowledge of a run between two blocks.

    Attributes:
        following: the block after the next ones that :meth:`reports` gets, where it is known.
    """

    def __init__(self, steps: Any, context: Any, checkpoint: Any, *, threads: int | None) -> None:
        super().__init__(steps, context, checkpoint, threads=threads)
        self.following: bytes | None = self.context.next_block
        self.context = self.context.replace(next_block=None)

    def reports(self, blocks: Sequence[BytesLike]) -> Iterator[BlockReport]:
        """See :meth:`pycore.ledgers.runs.LinkedState.reports`. The last block is certified by `following`."""
        window = [one_bytes(block, "block") for block in blocks]
        last, self.following = self.following, None
        for block, after in zip(window, [*window[1:], last], strict=False):
            self.context = self.context.replace(next_block=after)
            for report in super().reports([block]):
                self.context = self.context.replace(next_block=None)  # no checkpoint needs it
                yield report


class XuperRun(ChainRun):
    """The reports of a run; one more block than a window has is read."""

    _state: XuperState
    _held: bytes | None = None
    _late: Exception | None = None

    def _window(self, blocks: Iterator[BytesLike]) -> tuple[list[bytes], Exception | None]:
        late, self._late = self._late, None
        held = [] if self._held is None else [self._held]
        self._held = None
        if late is not None:
            return held, late
        window, failure = super()._window(chain(held, blocks))
        if window and failure is None:
            try:
                self._held = one_bytes(next(blocks), "block")
            except StopIteration:
                pass
            except Exception as error:
                self._late = error
        self._state.following = self._held
        return window, failure
