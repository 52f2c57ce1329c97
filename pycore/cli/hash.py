"""``pycore hash``: digests of files, as sha256sum prints them."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, note, print_json, progress
from ._sums import Entry, OddLine, checked_line, line_of, read_list, write_line

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
        bool, typer.Option("--check", help="Read digests from FILEs and check the files they name.")
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

    if check:
        _check(files or ["-"], algorithm, as_json)
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
        write_line(line_of(name, digest))


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


def _check(lists: list[str], algorithm: str, as_json: bool) -> None:
    from pycore.base.registry import HASHES, lookup

    size = lookup(HASHES, algorithm, "algorithm").digest_size
    lines = [line for source in lists for line in read_list(source, algorithm, size)]
    entries = [line for line in lines if isinstance(line, Entry)]
    odd = [line for line in lines if isinstance(line, OddLine)]
    results = []
    for entry in entries:
        try:
            got = _files(algorithm, [entry.name])[1][0]
        except OSError:  # not there, or not to be read
            got = None
        results.append({"name": entry.name, "wanted": entry.digest, "got": got, "valid": got == entry.digest})
    valid = bool(results) and all(row["valid"] for row in results)
    if as_json:
        words = [str(line) for line in odd]
        print_json({"algorithm": algorithm, "valid": valid, "files": results, "odd_lines": words})
    else:
        for row in results:
            outcome = "OK" if row["valid"] else "FAILED" if row["got"] else "MISSING"
            write_line(checked_line(str(row["name"]), outcome))
    for line in odd:
        note(f"pycore: {line}")
    if not results:
        note("pycore: no line with a digest and a file name")
    if not valid:
        raise typer.Exit(EXIT_INVALID)
