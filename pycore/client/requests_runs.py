"""The call for runs of blocks."""

from __future__ import annotations

import collections
import json
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from typing import Any

from pycore.base.columns import BytesLike, one_bytes
from pycore.client.requests import Budget, Caller, Feed, stream
from pycore.client.requests_blocks import context_document
from pycore.errors import InputError
from pycore.wire.packing import packed_rows
from pycore.wire.reports import ReportedBlock, from_block_report
from pycore.wire.schema import block_pb2
from pycore.wire.settings import MOST_RUN_BLOCKS


class RunCalls(Caller):
    """`validate_blocks`."""

    @stream
    def validate_blocks(
        self,
        chain: str,
        blocks: Iterable[BytesLike] | AsyncIterable[BytesLike],
        context: Mapping[str, Any] | str | bytes | Any | None = None,
        *,
        checkpoint: Mapping[str, Any] | Any | None = None,
        window_blocks: int = 16,
    ) -> Feed[ReportedBlock]:
        """`pycore.ledgers.get(chain).validate_chain(blocks, context)` on the service.

        Args:
            chain: one of `pycore.ledgers.names()`.
            blocks: the blocks in the chain's own encoding, each the successor of the one before. Read ahead of the
                reports: by a blocking client from another thread. The iterable may be an asynchronous one where the
                client is. One that waits for reports must not wait for those of the last blocks that it gave: a
                XuperChain block is reported when the next one is there, a BIF block when the next two are.
            context: of the first block, as for `validate_block`. None with a checkpoint: the checkpoint's.
            checkpoint: go on after it: that of a report of an earlier run, or a `Checkpoint` of one in process.
            window_blocks: so many blocks are sent, and validated, together, or fewer where they have
                `max_message_bytes`; 1 where blocks come one at a time and are not to wait for others.

        Yields:
            `ReportedBlock` with the report of each block, in order, and the checkpoint after it. Close the iterator to
            end the run early.

        Raises:
            InputError: bytes that are no block; the blocks before it were reported.
            ServiceError: the stream broke. It has no time limit.
        """
        if type(window_blocks) is not int or not 1 <= window_blocks <= MOST_RUN_BLOCKS:
            raise InputError("window_blocks", repr(window_blocks), f"an integer from 1 to {MOST_RUN_BLOCKS}")
        first = block_pb2.ValidateBlocksRequest(
            chain=chain, context_json=context_document(context), checkpoint_json=_checkpoint_document(checkpoint)
        )
        run = _Run(first, Budget(window_blocks, self._budget.nbytes))
        return Feed(
            "ValidateBlocks", blocks, run.messages, run.take, rest=run.rest, waiting=run.waiting, pending=run.pending
        )


def _checkpoint_document(checkpoint: Any) -> bytes:
    if checkpoint is None:
        return b""
    if hasattr(checkpoint, "to_dict"):
        checkpoint = checkpoint.to_dict()
    if not isinstance(checkpoint, Mapping):
        raise InputError("checkpoint", type(checkpoint).__name__, "a Checkpoint, its mapping or None")
    return json.dumps(dict(checkpoint)).encode()


class _Run:
    """Puts blocks into messages, and answers together."""

    def __init__(self, first: block_pb2.ValidateBlocksRequest, budget: Budget) -> None:
        self._budget = budget
        self._next = first
        self._blocks: list[bytes] = []
        self._begun = False
        self._size = 0
        self._sent = self._answered = 0
        self._ends: collections.deque[int] = collections.deque()  # blocks up to the end of each message
        self._context: Any = None

    def messages(self, block: BytesLike) -> Iterator[bytes]:
        """The message that this block fills, if it does."""
        data = one_bytes(block, "block")
        self._blocks.append(data)
        self._size += len(data)
        if len(self._blocks) >= self._budget.items or self._size >= self._budget.nbytes:
            yield self._take_next()

    def rest(self) -> Iterator[bytes]:
        """The last blocks; a run without any has a message all the same, for its context."""
        if self._blocks or not self._begun:
            yield self._take_next()

    def _take_next(self) -> bytes:
        taken = packed_rows(self._next, self._next.BLOCKS_FIELD_NUMBER, self._blocks)
        self._sent += len(self._blocks)
        if self._blocks:
            self._ends.append(self._sent)
        self._next, self._blocks = block_pb2.ValidateBlocksRequest(), []
        self._begun, self._size = True, 0
        return taken

    def waiting(self) -> bool:
        """Whether a block that was sent has no report yet."""
        return self._answered < self._sent

    def pending(self) -> int:
        """Messages of which a block has no report."""
        return len(self._ends)

    def take(self, answer: block_pb2.ValidateBlocksResponse) -> ReportedBlock:
        """The report of a block, and the checkpoint after it."""
        self._answered += 1
        while self._ends and self._ends[0] <= self._answered:
            self._ends.popleft()
        if answer.context_json:
            self._context = json.loads(answer.context_json)
        checkpoint = {**json.loads(answer.checkpoint_json), "context": self._context}
        return ReportedBlock(from_block_report(answer.report), checkpoint)
