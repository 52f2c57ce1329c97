"""Blocks validated together: neighbours share a batch of signatures, and one group is opened while the one before is
verified."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.errors import InputError
from pycore.ledgers.chainmaker.block import Buffer
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.validator import Validation, new_batch
from pycore.ledgers.report import BlockReport

GROUP_BYTES = 1 << 20
"""Bytes of blocks that share a batch: more signatures than these hold are not verified faster together."""


def validate_together(
    blocks: Sequence[Buffer], context: ChainContext, proposer: str | None, form: str, threads: int | None
) -> Iterator[BlockReport | InputError]:
    """The report of each block by itself, in order, all in one context; ends after the first that is no block, with the
    error that says so. `proposer`: node id of the proposer of the block before the first; None: not known."""
    waiting: _Group | None = None
    opened: _Group | None = None
    try:
        for group in _groups(blocks):
            opened = _Group(group, context.after_proposer(proposer), form, threads)
            proposer = opened.proposer
            if waiting is not None:
                yield from waiting.reports()
                if waiting.error is not None:
                    return
            waiting = opened
            if waiting.error is not None:
                break
        if waiting is not None:
            yield from waiting.reports()
    finally:
        for one in (waiting, opened):
            if one is not None:
                one.abandon()


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
    """Blocks that are open, and whose signatures a helper has begun to verify."""

    def __init__(self, blocks: list[Buffer], context: ChainContext, form: str, threads: int | None) -> None:
        self.error: InputError | None = None
        self._again = blocks, form, threads
        self._works: list[Validation] = []
        self._seconds = 0.0
        self.proposer = context.previous_proposer
        batch = new_batch(context, threads)
        self._verifying: parallel.Started | None = None
        for block in blocks:
            work = Validation(context.after_proposer(self.proposer), threads, batch)
            self._works.append(work)
            try:
                work.prepare(block, form)
                self.proposer = work.turn.got if work.turn is not None else None
            except InputError as error:
                self.error = error
                break
            except BaseException:
                self.abandon()
                raise
        if self.error is not None:
            self._works.pop().abandon()
        found: list[NDArray[np.uint8]] = []

        def verify(_: int, __: int) -> None:
            begin = time.perf_counter()
            found.append(batch.run())
            self._seconds = time.perf_counter() - begin

        self._found = found
        self._signatures = max(len(batch), 1)
        self._verifying = parallel.start_pieces(verify, [0, 1], parallel.resolve_threads(threads))

    def reports(self) -> Iterator[BlockReport | InputError]:
        """The reports of the blocks up to the first that has none, and the error that says why."""
        assert self._verifying is not None
        try:
            self._verifying.finish()
        except InputError:  # more signatures than are verified: of one block or of all together
            yield from self._one_by_one()
        else:
            for work in self._works:
                work.timings["verify"] += self._seconds * work.signatures / self._signatures
                yield work.finish(self._found[0])
        if self.error is not None:
            yield self.error

    def _one_by_one(self) -> Iterator[BlockReport]:
        blocks, form, threads = self._again
        try:
            for block, work in zip(blocks, self._works, strict=False):
                yield Validation(work.context, threads).run(block, form)
        except InputError as error:
            self.error = error

    def abandon(self) -> None:
        """Waits for the helpers that read the blocks; what they have not begun is left."""
        if self._verifying is not None:
            self._verifying.abandon()
        for work in self._works:
            work.abandon()
