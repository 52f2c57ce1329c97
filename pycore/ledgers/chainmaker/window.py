"""Blocks validated together: neighbours share a batch of signatures.

Opening the next group on a helper while one is verified was tried: on two threads it took 46 ms a block of 10,000
transactions in place of 39, since verification keeps both busy already.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from pycore.base.report import BlockReport
from pycore.errors import InputError
from pycore.ledgers.chainmaker.block import Buffer
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.validator import Validation, new_batch

GROUP_BYTES = 1 << 20
"""Bytes of blocks that share a batch: more signatures than these hold are not verified faster together."""


def validate_together(
    blocks: Sequence[Buffer], context: ChainContext, proposer: str | None, form: str, threads: int | None,
    *, events: bool = False,
) -> Iterator[BlockReport | InputError]:  # fmt: skip
    """The report of each block by itself, in order, all in one context; ends after the first that is no block, with the
    error that says so. `proposer`: node id of the proposer of the block before the first; None: not known.
    events: as for :class:`Validation`."""
    for blocks_of_group in _groups(blocks):
        group = _Group(blocks_of_group, context.after_proposer(proposer), form, threads, events=events)
        proposer = group.proposer
        try:
            yield from group.reports()
        finally:
            group.abandon()
        failed = group.error is not None
        del group  # its memory is the next one's
        if failed:
            return


def _groups(blocks: Sequence[Buffer]) -> Iterator[list[Buffer]]:
    group: list[Buffer] = []
    size = 0
    for block in blocks:
        group.append(block)
        size += len(block)
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


class _Group:
    """Blocks that are open, and share a batch of signatures."""

    def __init__(
        self, blocks: list[Buffer], context: ChainContext, form: str, threads: int | None, *, events: bool
    ) -> None:
        self.error: InputError | None = None
        self._again = blocks, form, threads, events
        self._works: list[Validation] = []
        self.proposer = context.previous_proposer
        batch = new_batch(context, threads)
        for block in blocks:
            work = Validation(context.after_proposer(self.proposer), threads, batch, events=events)
            self._works.append(work)
            try:
                work.prepare(block, form)
            except InputError as error:
                self.error = error
                self._works.pop().abandon()
                break
            except BaseException:
                self.abandon()
                raise
            self.proposer = work.turn.got if work.turn is not None else None
        self._batch = batch

    def reports(self) -> Iterator[BlockReport | InputError]:
        """The reports of the blocks up to the first that has none, and the error that says why."""
        begin = time.perf_counter()
        try:
            codes = self._batch.run()
        except InputError:  # more signatures than are verified: of one block or of all together
            yield from self._one_by_one()
        else:
            seconds = (time.perf_counter() - begin) / max(len(self._batch), 1)
            for work in self._works:
                work.timings["verify"] += seconds * work.signatures
                yield work.finish(codes)
        if self.error is not None:
            yield self.error

    def _one_by_one(self) -> Iterator[BlockReport]:
        blocks, form, threads, events = self._again
        try:
            for block, work in zip(blocks, self._works, strict=False):
                yield Validation(work.context, threads, events=events).run(block, form)
        except InputError as error:
            self.error = error

    def abandon(self) -> None:
        """Waits for the helpers that read the blocks; what they have not begun is left."""
        for work in self._works:
            work.abandon()
