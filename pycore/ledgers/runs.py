"""Runs of blocks: each one validated, linked to the one before, and the context moved by what a block changes.

A chain whose blocks are validated one by one gives :class:`LinkedState` its :class:`Steps`; ChainMaker, which
validates neighbours together, has its own state. :class:`ChainRun` reads blocks in windows for either.

Links. From the second block on, each block is validated with the height and the previous hash that the run has seen:
the height of the block before plus one, and its hash as recomputed, not as it says. Nothing that follows a block with
a failed check or an invalid transaction is proven by such a link: where the values agree, the checks `height` and
`previous_hash` are skipped (`ok` is None) and name the first block that is not valid, in this run and in every one
that goes on from its checkpoint. Where they do not agree they fail.

Blocks ahead. What makes a block final may be in the blocks after it: the state of such a chain says how many it needs
(`ahead`), and holds the report of a block back until they are there, or until it is told that no more come.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.base.report import BlockReport, Check
from pycore.errors import InputError
from pycore.ledgers import fields
from pycore.ledgers.contexts import JsonContext

if TYPE_CHECKING:
    from pycore.ledgers import State

WINDOW_BLOCKS = 16
WINDOW_BYTES = 64 << 20
_FORMAT = 1
_LINKS = ("height", "previous_hash")


class Step(NamedTuple):
    """One block of a run.

    report    the block's own
    context   of the next block; its place in the chain is the run's to fill in
    unclear   why the context no longer follows the chain, in words; "" where it does
    """

    report: BlockReport
    context: JsonContext
    unclear: str = ""


class Steps(Protocol):
    """The part of a chain in a run."""

    name: str

    def context(self, document: Any) -> Any:
        """The chain's context from any of its forms."""
        ...

    def step(self, block: bytes, context: Any, *, threads: int | None) -> Step:
        """Validates a block in its context. InputError named `block` when the bytes are not one.

        The context may only move if the block is valid, and nothing that it needs was skipped; the report of a block
        that moves it has the check `context_change` with the names of the fields that changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a run is after a block: what another run needs to go on with the next one.

    Attributes:
        chain: name of the chain.
        height: of the last block.
        block_hash: its hash as recomputed, 32 bytes.
        context: of the next block, without its height and the hash before it.
        broken: height of the first block that was not valid, or None.
        unclear: why the context no longer follows the chain, in words; "" where it does.
    """

    chain: str
    height: int
    block_hash: bytes
    context: JsonContext
    broken: int | None = None
    unclear: str = ""

    def place(self) -> dict[str, Any]:
        """All but the context, JSON-ready: what changes with every block."""
        return {
            "format": _FORMAT,
            "chain": self.chain,
            "height": self.height,
            "block_hash": self.block_hash.hex(),
            "broken": self.broken,
            "unclear": self.unclear,
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the hash in hexadecimal, the context in its JSON form."""
        return {**self.place(), "context": self.context.to_dict()}

    @classmethod
    def from_dict(cls, document: Any, steps: Steps) -> Checkpoint:
        """The checkpoint of that chain that :meth:`to_dict` wrote. InputError names the field that does not fit."""
        height, digest, broken, unclear = read_place(document, steps.name)
        return cls(steps.name, height, digest, steps.context(document["context"]), broken, unclear)


def read_place(document: Any, chain: str, more: Iterable[str] = ()) -> tuple[int, bytes, int | None, str]:
    """Height, hash, `broken` and `unclear` of a checkpoint's JSON form. InputError names the field that does not fit.

    document   with the names that :meth:`Checkpoint.to_dict` writes, and `more`, which the chain reads itself
    """
    wanted = {"format", "chain", "height", "block_hash", "context", "broken", "unclear", *more}
    if not isinstance(document, Mapping) or document.keys() != wanted:
        got = ", ".join(sorted(map(str, document))) if isinstance(document, Mapping) else type(document).__name__
        raise InputError("checkpoint", got=got[:200], wanted="an object with " + ", ".join(sorted(wanted)))
    for name, value in (("format", _FORMAT), ("chain", chain)):
        if document[name] != value or type(document[name]) is not type(value):
            raise InputError(f"checkpoint.{name}", got=quote(document[name]), wanted=repr(value))
    if not isinstance(document["unclear"], str):
        raise InputError("checkpoint.unclear", got=type(document["unclear"]).__name__, wanted="text")
    broken = document["broken"]
    return (
        _number("height", document["height"]),
        fields.octets("block_hash", document["block_hash"], 32),
        None if broken is None else _number("broken", broken),
        document["unclear"],
    )


def _number(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise InputError(f"checkpoint.{name}", got=quote(value), wanted="an integer from 0 to 2^64 - 1")
    return value


class Place:
    """The place of a run in its chain: the base of the states of runs.

    Attributes:
        height, previous_hash: the next block's, where they are known.
        broken, unclear: as in :class:`Checkpoint`.
    """

    def __init__(self, height: int | None, previous_hash: bytes | None) -> None:
        self.height, self.previous_hash = height, previous_hash
        self.broken: int | None = None
        self.unclear = ""
        self._last: tuple[int, bytes] | None = None
        self._read = 0

    def _go_on(self, height: int, block_hash: bytes, broken: int | None, unclear: str) -> None:
        """After the block of a checkpoint. InputError where the context names another place."""
        place = {"height": height + 1, "previous_hash": block_hash}
        for name, value in place.items():
            given = getattr(self, name)
            if given is not None and given != value:
                shown = given.hex() if isinstance(given, bytes) else str(given)
                raise InputError(f"context.{name}", got=shown, wanted="what the checkpoint has, or none")
            setattr(self, name, value)
        self.broken, self.unclear = broken, unclear
        self._last = height, block_hash

    def _named(self, error: InputError) -> InputError:
        """The error of a block, which is named by its number in the run."""
        if error.field.split(".")[0].split("[")[0] != "block":
            return error
        return type(error)(f"blocks[{self._read - 1}]" + error.field.removeprefix("block"), error.got, error.wanted)

    def _proving(self, check: Check, what: str = "a link to it or to what follows it") -> Check:
        """The check of something that a block before this one proves; after one that is not valid it proves nothing."""
        if self.broken is None or not check.ok:
            return check
        return dataclasses.replace(check, ok=None, detail=f"block {self.broken} is not valid: {what} proves nothing")


class LinkedState(Place):
    """The knowledge of a run between two blocks, which are validated one by one. Not to be shared between threads.

    Attributes:
        context: of the next block, without its place.
        events: whether the next reports are to have events; only of a chain whose `step` takes ``events=True``.
        ahead: how many blocks after a block its report looks at; so many are held back.
    """

    ahead = 0

    def __init__(self, steps: Steps, context: Any, checkpoint: Any, *, threads: int | None) -> None:
        """`context` None with a checkpoint: the checkpoint's; with both, the context, from the checkpoint's place."""
        given = Checkpoint.from_dict(checkpoint, steps) if isinstance(checkpoint, Mapping) else checkpoint
        if given is not None and not (isinstance(given, Checkpoint) and given.chain == steps.name):
            raise InputError("checkpoint", quote(given), f"a Checkpoint of {steps.name!r}, its mapping or None")
        known: Any = given.context if given is not None and context is None else steps.context(context)
        self._steps, self._threads = steps, threads
        super().__init__(known.height, known.previous_block_hash)
        self.events = False
        self._held: deque[Any] = deque()
        if given is not None:
            unclear = given.unclear if context is None else ""
            self._go_on(given.height, given.block_hash, given.broken, unclear)
        self.context = known.replace(height=None, previous_block_hash=None)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The place after the last report; None before the first of a run without one."""
        if self._last is None:
            return None
        return Checkpoint(self._steps.name, *self._last, self.context, self.broken, self.unclear)

    def reports(self, blocks: Sequence[BytesLike], *, last: bool = True) -> Iterator[BlockReport]:
        """The reports of the next blocks, in order; `checkpoint` is that of the last one taken.

        last    whether these blocks are the last, as far as is known. If not, `ahead` blocks are held back: their
                reports come from the next call, which may be one without blocks

        Raises:
            InputError: bytes that are not a block, named blocks[i] by their number in this run; what was before them
                has its reports.
        """
        for block in blocks:
            self._held.append(self._opened(block))
            if len(self._held) > self.ahead:
                yield self._next()
        while last and self._held:
            yield self._next()

    def _opened(self, block: Any) -> Any:
        """A block as it is held. Nothing is raised here: what is no block has its error in its turn."""
        try:
            return one_bytes(block, "block")
        except InputError:
            return block

    def _with(self, held: Any, context: Any, after: Sequence[Any]) -> tuple[Any, Any]:
        """A held block and its context with what the blocks after it, as they are held, tell of it."""
        return held, context

    def _next(self) -> BlockReport:
        """The report of the first block that is held."""
        held = self._held.popleft()
        self._read += 1
        placed = self.context.replace(height=self.height, previous_block_hash=self.previous_hash)
        block, placed = self._with(held, placed, tuple(self._held))
        try:
            octets, more = one_bytes(block, "block"), {"events": True} if self.events else {}
            step = self._steps.step(octets, placed, threads=self._threads, **more)
        except InputError as error:
            raise self._named(error) from None
        return self._settled(step)

    def _settled(self, step: Step) -> BlockReport:
        """The report as the run's; the state is then the next block's."""
        report = step.report
        checks = tuple(self._proving(check) if check.name in _LINKS else check for check in report.checks)
        if self.broken is None and not report.valid:
            self.broken = report.height
        if self.broken is None and not self.unclear:
            self.unclear = step.unclear
            moved = step.context.replace(height=None, previous_block_hash=None)
            if moved != self.context:
                self.context = moved
        else:
            checks = tuple(check for check in checks if check.name != "context_change")
        if self.unclear:
            checks = (*checks, Check("context_change", None, detail=self.unclear))
        self._last = report.height, report.block_hash
        self.height, self.previous_hash = report.height + 1, report.block_hash
        return dataclasses.replace(report, checks=checks)


class ChainRun(Iterator[BlockReport]):
    """The reports of a run of blocks, made as they are asked for.

    Attributes:
        checkpoint: the place after the last report that was taken; None before the first of a run without one.
    """

    def __init__(
        self,
        blocks: Iterable[BytesLike],
        state: State,
        *,
        window_blocks: int = WINDOW_BLOCKS,
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        for name, value in (("window_blocks", window_blocks), ("window_bytes", window_bytes)):
            if type(value) is not int or value < 1:
                raise InputError(name, got=quote(value), wanted="an integer, 1 or more")
        self._state = state
        self._limits = window_blocks, window_bytes
        self._reports = self._all(iter(blocks))

    @property
    def checkpoint(self) -> Any:
        """See the class."""
        return self._state.checkpoint

    def __iter__(self) -> ChainRun:
        return self

    def __next__(self) -> BlockReport:
        return next(self._reports)

    def _all(self, blocks: Iterator[BytesLike]) -> Iterator[BlockReport]:
        while True:
            window, failure = self._window(blocks)
            yield from self._state.reports(window, last=failure is not None or not window)
            if failure is not None:
                raise failure
            if not window:
                return

    def _window(self, blocks: Iterator[BytesLike]) -> tuple[list[bytes], Exception | None]:
        """The next blocks, and what reading the one after them raised: it is for after their reports."""
        most, most_bytes = self._limits
        window: list[bytes] = []
        size = 0
        while len(window) < most and size < most_bytes:
            try:
                window.append(one_bytes(next(blocks), "block"))
            except StopIteration:
                break
            except Exception as error:
                return window, error
            size += len(window[-1])
        return window, None
