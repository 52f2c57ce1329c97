"""``pycore validate`` for several blocks: reports as they come, progress, and a checkpoint in a file."""

from __future__ import annotations

import collections
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.errors import InputError, PycoreError

from ._blocks import Block
from ._errors import explained
from ._output import note, plain, printable

if TYPE_CHECKING:
    from pycore.ledgers import BlockReport

_SAVE_EVERY_S = 5.0
_SHOWN_BLOCKS = 50
_SHOWN_CHECKS = 8


class CheckpointFile:
    """The file that a run goes on from and leaves its place in.

    It stays at the last block before the first that is not valid, so that the next run begins with that one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: dict[str, Any] | None = None
        self._saved_at = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The checkpoint; None where there is no such file yet. InputError where it is something else."""
        from pycore.ledgers._json import load_object

        if not self._path.parent.is_dir():
            raise InputError("--checkpoint", repr(str(self._path)), "a file in a folder that is there")
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        return dict(load_object(data, "--checkpoint"))

    def note(self, checkpoint: dict[str, Any]) -> None:
        """Takes the place after a block; writes it now and then."""
        if checkpoint.get("broken") is None:
            self._newest = checkpoint
        if time.monotonic() - self._saved_at >= _SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Writes the newest place, whole or not at all."""
        if self._newest is not None:
            beside = self._path.with_name(self._path.name + ".new")
            beside.write_text(json.dumps(self._newest, indent=1) + "\n", encoding="utf-8")
            beside.replace(self._path)
            self._newest = None
        self._saved_at = time.monotonic()


def check_overridden(given: dict[str, Any], context: Any, checkpoint: Path | None) -> None:
    """InputError for an option that has no effect, as a run that goes on takes all from its checkpoint. What says the
    same as the checkpoint is no error, so that the call that began a run also goes on with it."""
    for option in ("--height", "--previous-hash", "--previous-proposer"):
        if given[option] is not None:
            came = f"{option} and {str(checkpoint)!r}, which says where the run is"
            raise InputError("--checkpoint", came, "no other place")
    rules, certificates = given["--rules"], given["--certificate"]
    if rules not in (None, context.rules):
        wanted = f"{context.rules}, by which the run in {str(checkpoint)!r} began"
        raise InputError("--rules", repr(rules), wanted)
    if certificates.keys() - getattr(context, "certificates", {}).keys():
        raise InputError("--certificate", f"one that the run in {str(checkpoint)!r} began without", "none that is new")


class EndedError(Exception):
    """A run ended early, and all that there is to print was printed but this message."""

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(message)
        self.code = code


class Source:
    """Blocks for a run: hands out their bytes, and remembers names and sizes until they are reported."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._unreported: collections.deque[tuple[str, int]] = collections.deque()
        self._read = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self._unreported.append((block.name, len(block.data)))
            self._read += 1
            yield block.data

    def reported(self) -> tuple[str, int]:
        """Name and size of the next block to be reported."""
        return self._unreported.popleft()

    def named(self, error: InputError) -> InputError:
        """The error of a block by its file's name: an error that the service or the library counts by number."""
        prefix, _, rest = error.field.partition("]")
        if not prefix.startswith("blocks[") or not self._unreported:
            return error
        return type(error)(self._unreported[0][0] + rest, error.got, error.wanted)


def after(blocks: Iterator[Block], height: int, height_of: Callable[[bytes], int]) -> Iterator[Block]:
    """The blocks without those in front that a run has behind it."""
    skipped = 0
    for block in blocks:
        if height_of(block.data) > height:
            yield block
            break
        skipped += 1
    if skipped:
        note(f"{skipped} blocks up to height {height} are behind the checkpoint")
    yield from blocks


class Summary:
    """The count of a run, and how it is printed: text at the end, or one JSON document piece by piece."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bad: list[str] = []
        self._heights: list[int] = []
        self.blocks = self.transactions = self.invalid = 0
        self.bad = self.incomplete = 0

    def add(self, name: str, report: BlockReport) -> None:
        """A report."""
        self._heights = [*self._heights[:1], report.height]
        if self._as_json:
            shown = json.dumps({"file": name, **report.to_dict()}, default=plain)
            print(("," if self.blocks else '{"blocks": [') + "\n" + shown, end="")
        self.blocks += 1
        self.transactions += len(report.transactions)
        self.invalid += len(report.faults)
        self.incomplete += not report.complete
        if not report.valid:
            self.bad += 1
            if len(self._bad) < _SHOWN_BLOCKS and not self._as_json:
                self._bad.append(_faults(name, report))

    def finish(self, checkpoint: dict[str, Any] | None, error: dict[str, Any] | None = None) -> None:
        """Prints what there is to say of the whole."""
        valid = not self.bad and error is None
        if self._as_json:
            rest: dict[str, Any] = {
                "valid": valid, "complete": not self.incomplete and error is None, "count": self.blocks,
                "transactions": self.transactions, "invalid_transactions": self.invalid, "checkpoint": checkpoint,
            }  # fmt: skip
            rest |= {"error": error} if error else {}
            print(("" if self.blocks else '{"blocks": [') + "\n], " + json.dumps(rest, default=plain)[1:])
            return
        for text in self._bad:
            print(text)
        if self.bad > len(self._bad):
            print(f"... and {self.bad - len(self._bad)} more (--json lists all)")
        heights = f", heights {self._heights[0]} to {self._heights[-1]}" if self._heights else ""
        unclear = (checkpoint or {}).get("unclear")
        if unclear:
            print(f"the context was not moved on: {printable(unclear)}")
        word = "ENDED EARLY" if error else "VALID" if valid else "INVALID"
        print(
            f"{word}: {self.blocks} blocks{heights}, {self.bad} not valid, "
            f"{self.incomplete} not complete; {self.transactions} transactions, {self.invalid} invalid"
        )


def _faults(name: str, report: BlockReport) -> str:
    lines = [f"{name}: block {report.height} is not valid"]
    lines += [f"  {check}" for check in report.failed[:_SHOWN_CHECKS]]
    lines += [
        f"  transaction {fault.index} {fault.verdict.name} {fault.tx_id} {fault.detail}".rstrip()
        for fault in report.faults[:_SHOWN_CHECKS]
    ]
    return "\n".join(map(printable, lines))


def follow(
    reported: Iterator[tuple[BlockReport, dict[str, Any]]],
    source: Source,
    summary: Summary,
    file: CheckpointFile | None,
    advance: Callable[[int, int], None],
) -> dict[str, Any] | None:
    """Takes report after report; the last checkpoint. What ends the run early leaves file and document whole."""
    last: dict[str, Any] | None = None
    try:
        for report, checkpoint in reported:
            name, size = source.reported()
            last = checkpoint
            summary.add(name, report)
            if file is not None:
                file.note(checkpoint)
            advance(size, len(report.transactions))
    except (PycoreError, OSError) as error:
        told = source.named(error) if isinstance(error, InputError) else error
        code, details = explained(told)
        summary.finish(last, details)
        raise EndedError(code, details["message"]) from error
    finally:
        if file is not None:
            file.save()
    return last


@contextlib.contextmanager
def progress(total: int | None, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A line on standard error: blocks, transactions a second, time left. Gives the function that moves it on, by the
    bytes and the transactions of a block. Nothing is drawn where standard error is no terminal, or if `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield lambda size, transactions: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.fields[blocks]} blocks, {task.fields[rate]} tx/s")
    began = time.monotonic()
    blocks = done = 0
    console = Console(stderr=True)
    columns = (TextColumn("validating"), BarColumn(), text, TextColumn("ETA"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("", total=total, blocks=0, rate="-")

        def advance(size: int, transactions: int) -> None:
            nonlocal blocks, done
            blocks, done = blocks + 1, done + transactions
            rate = done / max(time.monotonic() - began, 1e-9)
            bar.update(task, advance=size, blocks=f"{blocks:,}", rate=f"{rate:,.0f}")

        yield advance
