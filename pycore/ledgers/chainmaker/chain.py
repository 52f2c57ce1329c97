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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.errors import InputError
from pycore.ledgers.chainmaker import configuration, fields
from pycore.ledgers.chainmaker.block import open_block, parse_whole
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.digests import infer_hash
from pycore.ledgers.chainmaker.window import validate_together
from pycore.ledgers.report import BlockReport, Check

_FORMAT = 1
_FREE_MOVES = 64 << 20
_MOVES_PER_BYTE = 16
"""Bytes of contexts that a run may make: so many, and so many for each byte of its blocks. Each change costs a whole
context, which may be large where the block that makes it is small."""
_NOT_NEEDED = frozenset({"rw_sets"})
"""What a block that moves the context may lack: it commits to the hashes of the sets, and its result is in tx_root."""


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
        return {
            "format": _FORMAT,
            "chain": "chainmaker",
            "height": self.height,
            "block_hash": self.block_hash.hex(),
            "broken": self.broken,
            "unclear": self.unclear,
            "proposer": self.proposer,
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the hash in hexadecimal, the context in its JSON form."""
        return {**self.place(), "context": self.context.to_dict()}

    @classmethod
    def from_dict(cls, document: Any) -> Checkpoint:
        """The checkpoint that :meth:`to_dict` wrote. InputError names the field that does not fit."""
        wanted = {"format", "chain", "height", "block_hash", "context", "broken", "unclear", "proposer"}
        if not isinstance(document, Mapping) or document.keys() != wanted:
            got = ", ".join(sorted(map(str, document))) if isinstance(document, Mapping) else type(document).__name__
            raise InputError("checkpoint", got=got[:200], wanted="an object with " + ", ".join(sorted(wanted)))
        for name, value in (("format", _FORMAT), ("chain", "chainmaker")):
            if document[name] != value:
                raise InputError(f"checkpoint.{name}", got=quote(document[name]), wanted=repr(value))
        if not isinstance(document["unclear"], str):
            raise InputError("checkpoint.unclear", got=type(document["unclear"]).__name__, wanted="text")
        proposer = document["proposer"]
        if proposer is not None and not isinstance(proposer, str):
            raise InputError("checkpoint.proposer", got=type(proposer).__name__, wanted="a node id or null")
        numbers = [
            None if name == "broken" and document[name] is None else _number(name, document[name])
            for name in ("height", "broken")
        ]
        digest = fields.octets("block_hash", document["block_hash"], 32)
        context = ChainContext.from_dict(document["context"])
        assert numbers[0] is not None, "only `broken` may be null"
        return cls(numbers[0], digest, context, numbers[1], document["unclear"], proposer)


def _number(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise InputError(f"checkpoint.{name}", got=quote(value), wanted="an integer from 0 to 2^64 - 1")
    return value


class ChainState:
    """The knowledge of a run between two blocks. Not to be shared between threads.

    Attributes:
        context: of the next block, without its place.
        height, previous_hash: the next block's, where they are known.
        broken, unclear: as in :class:`Checkpoint`.
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
        self.height, self.previous_hash = context.height, context.previous_block_hash
        self.proposer = context.previous_proposer
        self.broken: int | None = None
        self.unclear = ""
        self._last: tuple[int, bytes] | None = None
        self._read = 0
        self._room = _FREE_MOVES
        self._form, self._threads, self._events = form, threads, events
        if checkpoint is not None:
            self._go_on(checkpoint)
        configuration.check_size(context)
        self.context = context.replace(height=None, previous_block_hash=None, previous_proposer=None)

    def _go_on(self, checkpoint: Checkpoint) -> None:
        place = {"height": checkpoint.height + 1, "previous_hash": checkpoint.block_hash}
        for name, value in place.items():
            given = getattr(self, name)
            if given is not None and given != value:
                shown = given.hex() if isinstance(given, bytes) else str(given)
                raise InputError(f"context.{name}", got=shown, wanted="what the checkpoint has, or none")
            setattr(self, name, value)
        self.broken, self.unclear = checkpoint.broken, checkpoint.unclear
        self.proposer = checkpoint.proposer
        self._last = checkpoint.height, checkpoint.block_hash

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
        window = [one_bytes(block, "block") for block in blocks]
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

    def _end_of_one_context(self, blocks: Sequence[bytes], start: int) -> tuple[int, bool]:
        """The end of the blocks from `start` on that the context of the first holds for, and whether the last of them
        mentions a contract that may change it."""
        for index in range(start, len(blocks)):
            mentioned = configuration.mentions(blocks[index]) is not None
            if mentioned or self.context.hash is None:  # the hash of the first valid block holds for the run
                return index + 1, mentioned
        return len(blocks), False

    def _validated(self, blocks: Sequence[bytes]) -> Iterator[BlockReport | InputError]:
        """The report of each block by itself, all in one context; ends after the first that is no block."""
        return validate_together(blocks, self.context, self.proposer, self._form, self._threads, events=self._events)

    def _named(self, error: InputError) -> InputError:
        if error.field.split(".")[0].split("[")[0] != "block":
            return error
        return type(error)(f"blocks[{self._read - 1}]" + error.field.removeprefix("block"), error.got, error.wanted)

    # ---- what follows from the block before --------------------------------------------------------------------------

    def _settled(self, report: BlockReport, data: bytes, *, mentioned: bool) -> BlockReport:
        """The report with its links, and with what the block does to the context; the state is then the next one.
        `mentioned`: whether the block mentions a contract that may change it."""
        self._room += _MOVES_PER_BYTE * len(data)
        links = {"height": self.height, "previous_hash": self.previous_hash}
        checks = [self._link(check, links[check.name]) if check.name in links else check for check in report.checks]
        # Only who is known to have proposed the block itself: not one of an earlier block.
        self.proposer = next((check.got for check in checks if check.name == "proposer_turn"), None)
        checks = [self._turn(check) if check.name == "proposer_turn" else check for check in checks]
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
        if self.broken is None:
            return Check(check.name, True, check.got, wanted)
        return Check(check.name, None, check.got, wanted, f"block {self.broken} is not valid: a link to it or to what "
                     "follows it proves nothing")  # fmt: skip

    def _turn(self, check: Check) -> Check:
        """The check of whose turn it was; after a block that is not valid it proves nothing."""
        if self.broken is None or not check.ok:
            return check
        detail = f"block {self.broken} is not valid: a turn that follows it proves nothing"
        return Check(check.name, None, check.got, check.wanted, detail)

    def _move(self, report: BlockReport, data: bytes, *, mentioned: bool) -> Check | None:
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
