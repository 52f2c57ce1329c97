"""A run of blocks: each one validated, linked to the one before, and the context moved by configuration blocks.

Blocks are read in windows (:mod:`pycore.ledgers.runs`): at most WINDOW_BLOCKS blocks and WINDOW_BYTES bytes (the last
block read may go beyond the bytes), and no further window is read before every report of one has been taken. Reports
come in the order of the blocks. A window is cut after a block that may change the configuration, so that all blocks
that are validated together have one context; `_validated` is the one place where they are.

Links. From the second block on the checks `height` and `previous_hash` compare with the block before: its height plus
one, and its hash as it was recomputed, not as it says. Nothing that follows a block with a failed check or an invalid
transaction is proven by such a link: where the values agree these two checks are skipped (`ok` is None) and name the
first block that is not valid, in this run and in every one that goes on from its checkpoint. Where they do not agree
they fail.

Configuration. A configuration block moves the context for the heights after it, if it is itself valid and complete
but for `rw_sets`; its report then has the check `context_change`, with the fields that changed. Where a change cannot
be followed the context stays, and from that block on every report has `context_change` as a skipped check with the
reason (:mod:`~pycore.ledgers.chainmaker.configuration`). A block that is not valid moves nothing, and nor does any
block after it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

from pycore.base.columns import BytesLike, one_bytes
from pycore.base.report import BlockReport, Check
from pycore.errors import InputError
from pycore.ledgers import runs
from pycore.ledgers.chainmaker import configuration
from pycore.ledgers.chainmaker.block import open_block, parse_whole
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.digests import infer_hash
from pycore.ledgers.chainmaker.window import validate_together
from pycore.ledgers.runs import read_place

_FREE_MOVES = 64 << 20
_MOVES_PER_BYTE = 16
"""Bytes of contexts that a run may make: so many, and so many for each byte of its blocks. Each change costs a whole
context, which may be large where the block that makes it is small."""
_NOT_NEEDED = frozenset({"rw_sets"})
"""What a block that moves the context may lack: it commits to the hashes of the sets, and its result is in tx_root."""


Octets: TypeAlias = "bytes | memoryview"


def _is_lasting(block: object) -> TypeGuard[memoryview]:
    """Whether it is a view of bytes, which nobody can change while it is read, so that it need not be copied."""
    if not isinstance(block, memoryview) or type(block.obj) is not bytes:
        return False
    return block.c_contiguous and (block.ndim, block.format) == (1, "B")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a run is after a block: what another run needs to go on with the next one.

    Attributes:
        height: of the last block.
        block_hash: its hash as recomputed, 32 bytes.
        context: of the next block, without its height and the hash before it.
        broken: height of the first block that was not valid, or None.
        unclear: why the context no longer follows the chain's configuration, in words; "" where it does.
        proposer: node id of that block's proposer, whose turn the next one's follows; None: not known.
    """

    height: int
    block_hash: bytes
    context: ChainContext
    broken: int | None = None
    unclear: str = ""
    proposer: str | None = None

    def place(self) -> dict[str, Any]:
        """All but the context, JSON-ready: what changes with every block."""
        place = runs.Checkpoint("chainmaker", self.height, self.block_hash, self.context, self.broken, self.unclear)
        return {**place.place(), "proposer": self.proposer}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the hash in hexadecimal, the context in its JSON form."""
        return {**self.place(), "context": self.context.to_dict()}

    @classmethod
    def from_dict(cls, document: Any) -> Checkpoint:
        """The checkpoint that :meth:`to_dict` wrote. InputError names the field that does not fit."""
        height, digest, broken, unclear = read_place(document, "chainmaker", ["proposer"])
        proposer = document["proposer"]
        if proposer is not None and not isinstance(proposer, str):
            raise InputError("checkpoint.proposer", got=type(proposer).__name__, wanted="a node id or null")
        return cls(height, digest, ChainContext.from_dict(document["context"]), broken, unclear, proposer)


class ChainState(runs.Place):
    """The knowledge of a run between two blocks. Not to be shared between threads.

    Attributes:
        context: of the next block, without its place.
        ahead: 0: a block holds the votes for it.
    """

    ahead = 0

    def __init__(
        self,
        context: ChainContext,
        checkpoint: Checkpoint | None,
        *,
        form: str,
        threads: int | None,
        events: bool = False,
    ) -> None:
        if context.rw_sets is not None:
            raise InputError("context.rw_sets", got="the sets of one block", wanted="none: give BlockInfo messages")
        super().__init__(context.height, context.previous_block_hash)
        self.proposer = context.previous_proposer
        self._room = _FREE_MOVES
        self._form, self._threads, self._events = form, threads, events
        if checkpoint is not None:
            self._go_on(checkpoint.height, checkpoint.block_hash, checkpoint.broken, checkpoint.unclear)
            self.proposer = checkpoint.proposer
        configuration.check_size(context)
        self.context = context.replace(height=None, previous_block_hash=None, previous_proposer=None)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The place after the last report; None before the first of a run without one."""
        if self._last is None:
            return None
        return Checkpoint(*self._last, self.context, self.broken, self.unclear, self.proposer)

    def reports(self, blocks: Sequence[BytesLike], *, last: bool = True) -> Iterator[BlockReport]:
        """The reports of a window of blocks, in order; `checkpoint` is that of the last one taken. None is held
        back, whether or not they are the last.

        Raises:
            InputError: bytes that are not a block, named blocks[i] by their number in this run; what was before them
                has its reports.
        """
        window = [block if _is_lasting(block) else one_bytes(block, "block") for block in blocks]
        start = 0
        while start < len(window):
            stop, mentioned = self._end_of_one_context(window, start)
            segment = window[start:stop]
            for index, (data, result) in enumerate(zip(segment, self._validated(segment), strict=False), start + 1):
                self._read += 1
                if isinstance(result, InputError):
                    raise self._named(result)
                yield self._settled(result, data, mentioned=mentioned and index == stop)
            start = stop

    def _end_of_one_context(self, blocks: Sequence[Octets], start: int) -> tuple[int, bool]:
        """The end of the blocks from `start` on that the context of the first holds for, and whether the last of them
        mentions a contract that may change it."""
        for index in range(start, len(blocks)):
            mentioned = configuration.mentions(blocks[index]) is not None
            if mentioned or self.context.hash is None:  # the hash of the first valid block holds for the run
                return index + 1, mentioned
        return len(blocks), False

    def _validated(self, blocks: Sequence[Octets]) -> Iterator[BlockReport | InputError]:
        """The report of each block by itself, all in one context; ends after the first that is no block."""
        return validate_together(blocks, self.context, self.proposer, self._form, self._threads, events=self._events)

    # ---- what follows from the block before --------------------------------------------------------------------------

    def _settled(self, report: BlockReport, data: Octets, *, mentioned: bool) -> BlockReport:
        """The report with its links, and with what the block does to the context; the state is then the next one.
        `mentioned`: whether the block mentions a contract that may change it."""
        self._room += _MOVES_PER_BYTE * len(data)
        links = {"height": self.height, "previous_hash": self.previous_hash}
        checks = [self._link(check, links[check.name]) if check.name in links else check for check in report.checks]
        # Only who is known to have proposed the block itself: not one of an earlier block.
        self.proposer = next((check.got for check in checks if check.name == "proposer_turn"), None)
        turn = "a turn that follows it"
        checks = [self._proving(check, turn) if check.name == "proposer_turn" else check for check in checks]
        report = dataclasses.replace(report, checks=tuple(checks))
        if self.broken is None and not report.valid:
            self.broken = report.height
        change = self._move(report, data, mentioned=mentioned) if self.broken is None else None
        if self.unclear:
            change = Check("context_change", None, None, None, self.unclear)
        self._last = report.height, report.block_hash
        self.height, self.previous_hash = report.height + 1, report.block_hash
        return report if change is None else dataclasses.replace(report, checks=(*report.checks, change))

    def _link(self, check: Check, wanted: Any) -> Check:
        """The check of one link. Without a value to compare with it is the one that was made."""
        if wanted is None:
            return check
        if check.got != wanted:
            return Check(check.name, False, check.got, wanted)
        return self._proving(Check(check.name, True, check.got, wanted))

    def _move(self, report: BlockReport, data: Octets, *, mentioned: bool) -> Check | None:
        """Moves the context past a valid block; the check that says so, where it changed."""
        if self.context.hash is None:
            self.context = self.context.replace(hash=infer_hash(open_block(data, self._form).header))
        if self.unclear or report.height == 0:  # nobody signs a genesis block: the context is what it is given
            return None
        if self.context.consensus in configuration.BY_CONFIGURATION and not mentioned:
            return None
        block, rw_sets = parse_whole(data, self._form)
        try:
            moved = configuration.next_context(block, rw_sets, self.context)
            if moved is None:
                return None
            skipped = [check.name for check in report.skipped if check.name not in _NOT_NEEDED]
            if skipped:
                raise configuration.UnclearError(f"it is not known to be sound: skipped {', '.join(skipped)}")
            self._room -= moved.trust_size // 4  # about its JSON form
            if self._room < 0:
                raise configuration.UnclearError("the run has changed its large context too often")
        except configuration.UnclearError as error:
            self.unclear = f"block {report.height}: {error}; the context is that of before"
            return None
        names = [item.name for item in dataclasses.fields(moved)]
        changed = [name for name in names if getattr(moved, name) != getattr(self.context, name)]
        self.context = moved
        return Check("context_change", True, ", ".join(changed), None, f"from height {report.height + 1} on")
