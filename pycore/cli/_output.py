"""How every command prints: one JSON document, or a table (drawn on a terminal, plain columns in a pipe)."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


_WORTH_A_BAR = 64 << 20


def print_json(document: Any) -> None:
    """`document` as indented JSON on standard output."""
    print(json.dumps(document, indent=2, default=plain))


def plain(value: Any) -> Any:
    """A value for JSON: bytes in hexadecimal, arrays as lists, anything else as text."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    return str(value)


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """A table. Cells that start with a digit are set flush right. In a pipe: a header line and aligned columns, no
    colour, no wrapping, so that `awk` and `grep` work. Cells are shown as by :func:`printable`."""
    texts = [[printable(cell) for cell in row] for row in rows]
    if is_terminal():
        from rich.console import Console
        from rich.table import Table

        drawn = Table(title=title or None, title_justify="left", header_style="bold")
        for place, name in enumerate(columns):
            numeric = bool(texts) and all(_numeric(row[place]) for row in texts)
            drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in texts:
            drawn.add_row(*(_escape(cell) for cell in row))
        Console().print(drawn)
        return
    if title:
        print(title)
    widths = [max(len(name), *(len(row[place]) for row in texts), 0) for place, name in enumerate(columns)]
    for row in [list(columns), *texts]:
        cells = (
            cell.rjust(width) if _numeric(cell) else cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())


def _numeric(cell: str) -> bool:
    return cell[:1].isdigit() and cell.replace(",", "").replace(".", "").rstrip("%x ").isdigit()


def _escape(cell: str) -> str:
    from rich.markup import escape

    return escape(cell)


def printable(text: object) -> str:
    r"""Text from strangers as it may be shown on a terminal: what does not print is written as an escape.

    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(text))


def note(text: str) -> None:
    """A remark for the reader, on standard error, so that standard output stays machine-readable. Shown as by
    :func:`printable`: much of it repeats files and services."""
    print(printable(text), file=sys.stderr)


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of bytes on standard error while a large piece of work is done; gives the function that moves it on.

    Nothing is drawn where standard error is no terminal, nor for less than 64 MiB: that is done before it can be read.
    """
    if total < _WORTH_A_BAR or not sys.stderr.isatty():
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(True), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.advance(task, size)


def read_text(name: str, field: str) -> str:
    """A file's text ('-' is standard input), which must be UTF-8. InputError otherwise."""
    from pycore.errors import InputError

    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return data.decode("utf-8-sig")  # editors of Windows put a byte-order mark first
    except UnicodeDecodeError as error:
        raise InputError(field, f"{name!r}, not text (byte {error.start})", "UTF-8 text") from error


def hex_bytes(text: object, field: str) -> bytes:
    """Bytes from hexadecimal text; an optional 0x in front, spaces allowed. InputError otherwise."""
    from pycore.errors import InputError

    if not isinstance(text, str):
        raise InputError(field, f"a {type(text).__name__}", "hexadecimal text")
    cleaned = "".join(text.split())
    cleaned = cleaned[2:] if cleaned[:2] in ("0x", "0X") else cleaned
    try:
        return bytes.fromhex(cleaned)
    except ValueError as error:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise InputError(field, repr(shown), "hexadecimal digits, two per byte") from error
