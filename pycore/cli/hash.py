"""``pycore hash``: digests of files, as sha256sum prints them."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, is_terminal, note, print_json, printable, progress
from ._sums import Entry, OddLine, Reader, checked_line, line_of, tag_of, write_line

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGE, _PIECE = 16 << 20, 1 << 20


def hash_command(
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Files; '-' is standard input.")] = None,
    algorithm: Annotated[str, typer.Option("--algorithm", "-a", help="Hash; `pycore info` lists them.")] = "sha256",
    hex_texts: Annotated[
        list[str] | None, typer.Option("--hex", metavar="HEX", help="A message in hexadecimal; may be repeated.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", "-c", help="Read digests from FILEs and check the files they name.")
    ] = False,
    tag: Annotated[bool, typer.Option("--tag", help="Write lines that name the algorithm.")] = False,
    zero: Annotated[bool, typer.Option("--zero", "-z", help="End lines with a zero byte, names as they are.")] = False,
    ignore_missing: Annotated[
        bool, typer.Option("--ignore-missing", help="--check: pass over files that are not there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="--check: do not print OK.")] = False,
    status: Annotated[bool, typer.Option("--status", help="--check: the exit code alone says the result.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="--check: a line of no form is a failure.")] = False,
    warn: Annotated[
        bool, typer.Option("--warn", "-w", help="--check: as without; such lines are always named.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hash files or hexadecimal messages.

    Examples:

      pycore hash -a sm3 block.bin

      pycore hash -a keccak256 --hex 68656c6c6f

      pycore hash -a sm3 *.bin > SUMS && pycore hash -a sm3 --check SUMS
    """
    import pycore

    how = {"--ignore-missing": ignore_missing, "--quiet": quiet, "--status": status, "--strict": strict, "--warn": warn}
    _refuse(check, {"--tag": tag, "--zero": zero, "--hex": bool(hex_texts)}, how)
    if check:
        _check(files or ["-"], algorithm, {name for name, given in how.items() if given}, as_json)
        return
    if not files and not hex_texts:
        files = ["-"]
    texts = [hex_bytes(text, "--hex") for text in hex_texts or []]
    names = list(files or []) + [f"hex:{text}" for text in hex_texts or []]
    sizes, digests = _files(algorithm, files or [])
    sizes += [len(text) for text in texts]
    digests += [row.tobytes().hex() for row in pycore.hash_batch(algorithm, texts)]
    if as_json:
        rows = zip(names, sizes, digests, strict=True)
        print_json(
            {
                "algorithm": algorithm,
                "digests": [{"name": name, "size": size, "digest": digest} for name, size, digest in rows],
            }
        )
        return
    for name, digest in zip(names, digests, strict=True):
        write_line(
            line_of(name, digest, tag=tag_of(algorithm) if tag else "", escapes=not zero), "\0" if zero else "\n"
        )


def _refuse(check: bool, writing: dict[str, bool], checking: dict[str, bool]) -> None:
    """InputError where an option would say nothing."""
    from pycore.errors import InputError

    for name, given in (writing if check else checking).items():
        if given:
            raise InputError(name, "--check" if check else "no --check", f"{name} {'without' if check else 'with'} it")


def _files(algorithm: str, names: list[str]) -> tuple[list[int], list[str]]:
    """Sizes and digests of files: small ones a batch at a time, large ones and what has no size piece by piece."""
    import pycore

    paths = [None if name == "-" else Path(name) for name in names]
    sizes = [0 if path is None else path.stat().st_size for path in paths]
    digests = [""] * len(names)
    waiting: list[int] = []

    with progress("hashing", sum(sizes)) as advance:

        def flush() -> None:
            read = [Path(names[at]).read_bytes() for at in waiting]
            for at, data, row in zip(waiting, read, pycore.hash_batch(algorithm, read), strict=True):
                sizes[at], digests[at] = len(data), row.tobytes().hex()
                advance(len(data))
            waiting.clear()

        for at, path in enumerate(paths):
            if path is None or not path.is_file() or sizes[at] > _LARGE:
                sizes[at], digests[at] = _in_pieces(algorithm, path, advance)
                continue
            waiting.append(at)
            if sum(sizes[one] for one in waiting) > _LARGE:
                flush()
        flush()
    return sizes, digests


def _in_pieces(algorithm: str, path: Path | None, advance: Callable[[int], None]) -> tuple[int, str]:
    """Size and digest of a file of any size, or of standard input, in the memory of one piece."""
    import pycore

    hasher, size = pycore.Hasher(algorithm), 0
    piece = memoryview(bytearray(_PIECE))
    source: Any = nullcontext(sys.stdin.buffer) if path is None else path.open("rb", buffering=0)
    with source as file:
        while read := file.readinto(piece):
            hasher.update(piece[:read])
            size += read
            advance(read)
    return size, hasher.hexdigest()


def _check(lists: list[str], algorithm: str, how: set[str], as_json: bool) -> None:
    """Checks the files of all lists; each list must name one."""
    from pycore.base.registry import HASHES, lookup

    reader = Reader(algorithm, lookup(HASHES, algorithm, "algorithm").digest_size)
    talks, passes_over = "--status" not in how, "--ignore-missing" in how
    valid = True
    results: list[dict[str, Any]] = []
    odd: list[OddLine] = []
    for source in lists:
        lines = reader.read(source)
        unread = [line for line in lines if isinstance(line, OddLine)]
        rows = [_checked(line, algorithm) for line in lines if isinstance(line, Entry)]
        kept = [row for row in rows if not (row["missing"] and passes_over)]
        if talks and not as_json:
            for row in kept:
                if not (row["valid"] and "--quiet" in how):
                    outcome = "OK" if row["valid"] else "FAILED" if row["got"] else "FAILED open or read"
                    shown = checked_line(str(row["name"]), outcome)
                    # a pipe gets the name's own bytes, as of sha256sum; a terminal must not obey them
                    write_line(printable(shown) if is_terminal() else shown)
        for line in unread if talks else ():
            note(f"pycore: {line}")
        if not rows:
            note(f"pycore: {source}: no line with a digest and a file name")
        elif not kept and talks:
            note(f"pycore: {source}: no file was checked")
        valid &= bool(kept) and all(row["valid"] for row in kept) and not ("--strict" in how and unread)
        results, odd = results + kept, odd + unread
    if as_json:
        files = [{name: row[name] for name in ("name", "wanted", "got", "valid")} for row in results]
        words = [str(line) for line in odd]
        print_json({"algorithm": algorithm, "valid": valid, "files": files, "odd_lines": words})
    if not valid:
        raise typer.Exit(EXIT_INVALID)


def _checked(entry: Entry, algorithm: str) -> dict[str, Any]:
    """How a file did. got: its digest; None where it cannot be read; missing: it is not there."""
    got, missing = None, False
    try:
        got = _files(algorithm, [entry.name])[1][0]
    except FileNotFoundError:
        missing = True
    except OSError:
        pass
    valid = got == entry.digest
    return {"name": entry.name, "wanted": entry.digest, "got": got, "valid": valid, "missing": missing}
