"""``pycore hash``: digests of files, as sha256sum prints them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import EXIT_INVALID
from ._output import JsonOption, hex_bytes, print_json, read_text


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
    names = list(files or []) + [f"hex:{text}" for text in hex_texts or []]
    messages = [_read(name) for name in files or []] + [hex_bytes(text, "--hex") for text in hex_texts or []]
    digests = [row.tobytes().hex() for row in pycore.hash_batch(algorithm, messages)]
    if as_json:
        rows = zip(names, messages, digests, strict=True)
        print_json(
            {
                "algorithm": algorithm,
                "digests": [{"name": name, "size": len(data), "digest": digest} for name, data, digest in rows],
            }
        )
        return
    for name, digest in zip(names, digests, strict=True):
        print(f"{digest}  {name}")


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _check(lists: list[str], algorithm: str, as_json: bool) -> None:
    import pycore
    from pycore.errors import InputError

    wanted: list[tuple[str, str]] = []
    for source in lists:
        for number, line in enumerate(read_text(source, "--check").splitlines(), 1):
            digest, gap, name = line.partition("  ")
            if not gap or not name:
                raise InputError(f"{source}, line {number}", repr(line[:60]), "a digest, two spaces and a file name")
            wanted.append((name, hex_bytes(digest, f"{source}, line {number}").hex()))
    results = []
    for name, digest in wanted:
        path = Path(name)
        got = pycore.hash(algorithm, path.read_bytes()).hex() if path.is_file() else None
        results.append({"name": name, "wanted": digest, "got": got, "valid": got == digest})
    if as_json:
        print_json({"algorithm": algorithm, "valid": all(row["valid"] for row in results), "files": results})
    else:
        for row in results:
            print(f"{row['name']}: {'OK' if row['valid'] else 'FAILED' if row['got'] else 'MISSING'}")
    if not all(row["valid"] for row in results):
        raise typer.Exit(EXIT_INVALID)
