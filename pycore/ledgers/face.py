"""The common part of the faces of the chains: contexts from any form, and runs of blocks validated one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pycore.base.columns import BytesLike
from pycore.base.report import BlockReport
from pycore.errors import InputError
from pycore.ledgers.contexts import JsonContext
from pycore.ledgers.runs import WINDOW_BLOCKS, WINDOW_BYTES, ChainRun, Checkpoint, LinkedState, Step

C = TypeVar("C", bound=JsonContext)
S = TypeVar("S", bound=LinkedState)


class LedgerFace(Generic[C]):
    """Base of a chain's ledger. A chain gives `name`, `context_type`, `step`, `validate_block`, and what is its own.

    Attributes:
        has_events: whether `step` and `validate_block` take ``events=True``.
    """

    name: str
    context_type: type[C]
    has_events = False

    def step(self, block: bytes, context: C, *, threads: int | None) -> Step:
        """One block of a run: :class:`pycore.ledgers.runs.Steps`."""
        raise NotImplementedError

    def validate_block(self, block: BytesLike, context: Any = None, *, threads: int | None = None) -> BlockReport:
        """Every check that the block and the context allow. InputError when the bytes are not a block of the chain."""
        raise NotImplementedError

    def validate_chain(
        self,
        blocks: Iterable[BytesLike],
        context: Any = None,
        *,
        threads: int | None = None,
        checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        window_blocks: int = WINDOW_BLOCKS,
        window_bytes: int = WINDOW_BYTES,
        events: bool = False,
    ) -> ChainRun:
        """Validates a run of blocks: each by itself, its link to the one before, and the context moved by changes.

        blocks        serialised blocks, each the successor of the one before; any iterable, read as reports are taken
        context       of the first block, as for :meth:`validate_block`
        threads       as for :meth:`validate_block`
        checkpoint    of an earlier run, or its `to_dict`: go on after it. Without a context it goes on in the
                      checkpoint's; with one, in that one, from the checkpoint's place
        window_blocks, window_bytes
                      at most so many blocks are read before their reports are taken, and none after so many bytes
        events        whether the reports are to have the events of their blocks; InputError where the chain's have none

        An iterator of reports in the order of the blocks, and after each its `checkpoint`: :mod:`pycore.ledgers.runs`.

        InputError, from the iterator, when bytes are not a block; `blocks[i]` counts from the first of this run.
        """
        state = self.asked(self.chain_state(context, checkpoint=checkpoint, threads=threads), events)
        return ChainRun(blocks, state, window_blocks=window_blocks, window_bytes=window_bytes)

    def chain_state(
        self, context: Any = None, *, checkpoint: Checkpoint | Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> LinkedState:  # fmt: skip
        """The state that :meth:`validate_chain` keeps, for callers that get blocks a few at a time."""
        return LinkedState(self, context, checkpoint, threads=threads)

    def asked(self, state: S, events: bool) -> S:
        """The state of a run, asked for events or not. InputError where the chain's reports have none."""
        if events and not self.has_events:
            raise InputError("events", got="True", wanted=f"False: reports of {self.name} have no events")
        state.events = events
        return state

    def context(self, document: Any) -> C:
        """The context from any of its forms: itself, JSON text, a path or a mapping; None is the empty one."""
        if isinstance(document, self.context_type):
            return document
        if document is None:
            return self.context_type()
        if isinstance(document, Mapping):
            return self.context_type.from_dict(document)
        if isinstance(document, (str, bytes, Path)):
            return self.context_type.from_json(document)
        wanted = f"a {self.context_type.__name__}, JSON text, a mapping or a path"
        raise InputError("context", got=type(document).__name__, wanted=wanted)
