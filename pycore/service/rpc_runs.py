"""ValidateBlocks: runs of blocks.

A chain's state may need the blocks after a block for its report (`State.ahead`). So many are held back until the next
message is there, or the end of the stream: how a run is cut into messages changes no report. A stream that the service
ends leaves them without an answer, so that the last checkpoint is never past a block that its successor was to certify.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pycore import ledgers
from pycore.base.report import BlockReport
from pycore.errors import InputError, LengthError
from pycore.ledgers import State
from pycore.ledgers._json import load_object
from pycore.service.callers import require_chain
from pycore.service.rpc_blocks import context_of, cost_of, words_of
from pycore.service.work import Chained, Work
from pycore.wire.reports import to_block_report
from pycore.wire.schema import block_pb2
from pycore.wire.settings import MOST_RUN_BLOCKS, Settings
from pycore.wire.views import split_fields

_NAME = "ValidateBlocks"
_FIRST_ONLY = ("chain", "context_json", "checkpoint_json")


class _Request(NamedTuple):
    """A ValidateBlocksRequest whose blocks are views of the bytes that were received, or copies where it has many."""

    chain: str
    context_json: bytes
    checkpoint_json: bytes
    blocks: list[Any]


class _Run:
    """A run of blocks, from its first message on."""

    def __init__(self, request: _Request, _: Settings) -> None:
        ledgers.get(request.chain)
        require_chain(request.chain)
        self.chain = request.chain
        self.read = False
        self._documents = request.context_json, request.checkpoint_json
        self._state: State | None = None
        self._sent: Any = None
        self._held: list[tuple[int, int]] = []  # of each block without an answer: bytes, items

    @property
    def holds(self) -> bool:
        """Whether a block waits for the next ones."""
        return bool(self._held)

    @property
    def held_bytes(self) -> int:
        """Of the blocks that wait for the next ones."""
        return sum(size for size, _ in self._held)

    @property
    def held_cost(self) -> int:
        """As how many items they count."""
        return sum(cost for _, cost in self._held)

    def hold(self, blocks: Sequence[bytes | memoryview], ahead: int) -> None:
        """Remembers which blocks have no answer after these."""
        waiting = [*self._held, *((len(block), cost_of(block)) for block in blocks[-ahead:])] if ahead else []
        self._held = waiting[-ahead:]

    def state(self, threads: int | None) -> State:
        """Where the run is. Made by the first work: documents may take long to read."""
        if self._state is None:
            context, checkpoint = self._documents
            self._documents = b"", b""
            self._state = ledgers.get(self.chain).chain_state(
                context_of(self.chain, context),
                checkpoint=load_object(checkpoint, "checkpoint_json") if checkpoint else None,
                threads=threads,
            )
        return self._state

    def context_to_send(self, context: Any) -> bytes:
        """A context's JSON; nothing where the peer has it."""
        if context is self._sent:
            return b""
        self._sent = context
        text: str = context.to_json(indent=None)
        return text.encode()


class _Answer(NamedTuple):
    report: BlockReport
    checkpoint: bytes
    context: bytes


def _parse(raw: bytes) -> _Request:
    found = split_fields(raw, block_pb2.ValidateBlocksRequest.BLOCKS_FIELD_NUMBER)
    rest, blocks = found if found is not None else (raw, None)
    message = block_pb2.ValidateBlocksRequest.FromString(rest)
    given = list(message.blocks) if blocks is None else blocks
    return _Request(message.chain, message.context_json, message.checkpoint_json, given)


def _decode(whole: _Run, request: _Request, settings: Settings) -> Work:
    for name in _FIRST_ONLY if whole.read else ():
        if value := getattr(request, name):
            raise InputError(name, f"{len(value)} bytes", "nothing: the first message has it")
    whole.read = True
    if len(request.blocks) > MOST_RUN_BLOCKS:
        raise LengthError("blocks", f"{len(request.blocks)} blocks", f"at most {MOST_RUN_BLOCKS} in a message")
    blocks = request.blocks
    return Work(_NAME, whole, (blocks, False), len(blocks), sum(map(cost_of, blocks)) + whole.held_cost)


def _end(whole: _Run) -> Work | None:
    """The blocks that were held back have no successor."""
    return Work(_NAME, whole, ([], True), 0, whole.held_cost) if whole.holds else None


def _run(work: Work, settings: Settings) -> tuple[list[_Answer], Exception | None]:
    whole: Any = work.options
    blocks, last = work.columns
    state = whole.state(settings.threads)
    whole.hold(blocks, 0 if last else state.ahead)
    answers: list[_Answer] = []
    size = 0
    try:
        for report in state.reports(blocks, last=last):
            checkpoint = state.checkpoint
            place = json.dumps(checkpoint.place()).encode()
            answer = _Answer(report, place, whole.context_to_send(checkpoint.context))
            size += words_of(report) + len(answer.checkpoint) + len(answer.context)
            settings.check_answer(size, "blocks")
            answers.append(answer)
    except InputError as error:
        return answers, error
    return answers, None


def _encode(
    result: tuple[list[_Answer], Exception | None],
) -> tuple[list[block_pb2.ValidateBlocksResponse], Exception | None]:
    answers, failure = result
    messages = [
        block_pb2.ValidateBlocksResponse(
            report=to_block_report(answer.report), checkpoint_json=answer.checkpoint, context_json=answer.context
        )
        for answer in answers
    ]
    return messages, failure


RPCS = {_NAME: Chained(_Run, _decode, _encode, lambda whole: whole.held_bytes, _end, _parse)}
KINDS = {_NAME: _run}
