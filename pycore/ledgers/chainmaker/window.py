"""Blocks validated together: neighbours share a batch of signatures, and one group is opened while the one before is
verified."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

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
    opening: _Opening | None = None
    group: _Group | None = None
    count = parallel.resolve_threads(threads)
    try:
        for following in [*_groups(blocks), None]:
            if opening is not None:
                group, opening = opening.group(), None
                proposer = group.proposer
            if following is not None and (group is None or group.error is None):
                opening = _Opening(partial(_Group, following, context.after_proposer(proposer), form, threads), count)
            if group is not None:
                yield from group.reports()
                if group.error is not None:
                    yield group.error
                    return
    finally:
        if group is not None:
            group.abandon()
        if opening is not None:
            opening.abandon()


class _Opening:
    """A group that a helper opens, while the caller verifies the one before."""

    def __init__(self, make: Callable[[], _Group], threads: int) -> None:
        self._made: list[_Group] = []
        made = self._made
        self._work = parallel.start_tasks([lambda: made.append(make())], threads)

    def group(self) -> _Group:
        """The group, when it is open."""
        self._work.finish()
        return self._made[0]

    def abandon(self) -> None:
        """Waits for the helper, and for those that the group has."""
        with suppress(Exception):  # of a group that could not be opened
            self.group().abandon()


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

    def __init__(self, blocks: list[Buffer], context: ChainContext, form: str, threads: int | None) -> None:
        self.error: InputError | None = None
        self._again = blocks, form, threads
        self._works: list[Validation] = []
        self.proposer = context.previous_proposer
        batch = new_batch(context, threads)
        for block in blocks:
            work = Validation(context.after_proposer(self.proposer), threads, batch)
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
            self.proposer = work.proposer_node()
        self._batch = batch

    def reports(self) -> Iterator[BlockReport | InputError]:
        """The reports of the blocks that could be opened."""
        begin = time.perf_counter()
        try:
            codes = self._batch.run()
        except InputError:  # more signatures than are verified: of one block or of all together
            yield from self._one_by_one()
            return
        seconds = (time.perf_counter() - begin) / max(len(self._batch), 1)
        for work in self._works:
            work.timings["verify"] += seconds * work.signatures
            yield work.finish(codes)

    def _one_by_one(self) -> Iterator[BlockReport | InputError]:
        blocks, form, threads = self._again
        try:
            for block, work in zip(blocks, self._works, strict=False):
                yield Validation(work.context, threads).run(block, form)
        except InputError as error:
            self.error = error

    def abandon(self) -> None:
        """Waits for the helpers that read the blocks."""
        for work in self._works:
            work.abandon()
