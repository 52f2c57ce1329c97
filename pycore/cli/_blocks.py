"""Blocks from files: one to a file, or many in one, each behind its length."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pycore.errors import InputError

MOST_BLOCK_BYTES = 1 << 30
_NO_BLOCKS = {".json", ".pem", ".crt", ".md", ".txt"}


class Block(NamedTuple):
    """A block, and what to call it: its file, with its number where the file has several."""

    name: str
    data: bytes


def block_bytes(data: bytes) -> bytes:
    """A file's content as block bytes: hexadecimal text, with white space anywhere, is decoded; anything else is
    taken as it is.

    >>> block_bytes(b"0a0b\\n"), block_bytes(b"\\x0a\\x0b")
    (b'\\n\\x0b', b'\\n\\x0b')
    """
    text = data.strip()
    if text and re.fullmatch(rb"(?:0[xX])?[0-9a-fA-F\s]+", text):
        digits = b"".join(text.split()).removeprefix(b"0x").removeprefix(b"0X")
        if len(digits) % 2 == 0:
            return bytes.fromhex(digits.decode())
    return data


def block_files(names: Sequence[str]) -> list[str]:
    """The files to read: of a folder its files, numbers in their names in order of size, without hidden ones and those
    whose endings say that they hold something else. InputError where a folder has none."""
    found: list[str] = []
    for name in names:
        path = Path(name)
        if name == "-" or not path.is_dir():
            found.append(name)
            continue
        inside = [one for one in path.iterdir() if one.is_file() and one.suffix.lower() not in _NO_BLOCKS]
        inside = [one for one in inside if not one.name.startswith(".")]
        if not inside:
            raise InputError("FILE", f"{name!r}, a folder without blocks", "a folder with a file for each block")
        found += map(str, sorted(inside, key=lambda one: _natural(one.name)))
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts block-9 before block-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def total_bytes(files: Sequence[str]) -> int | None:
    """The size of all files; None where standard input or another pipe is one of them."""
    paths = [Path(name) for name in files]
    if "-" in files or not all(path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)


def read_blocks(files: Sequence[str], *, delimited: bool) -> Iterator[Block]:
    """The blocks of all files, one at a time."""
    for name in files:
        if not delimited:
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            yield Block(name, block_bytes(data))
        elif name == "-":
            yield from _delimited(name, sys.stdin.buffer)
        else:
            with Path(name).open("rb") as file:
                yield from _delimited(name, file)


def _delimited(name: str, file: BinaryIO) -> Iterator[Block]:
    """Each block behind its length: an unsigned LEB128 number, as protobuf writes messages one after another."""
    count = 0
    while (size := _length(file, f"{name}, block {count + 1}")) is not None:
        count += 1
        data = file.read(size)
        if len(data) < size:
            raise InputError(f"{name}, block {count}", f"{len(data)} of {size} bytes, then the end", _WANTED)
        yield Block(f"{name}, block {count}", data)


_WANTED = "blocks, each behind its length as a varint"


def _length(file: BinaryIO, where: str) -> int | None:
    value = 0
    for place in range(5):
        byte = file.read(1)
        if not byte:
            if place:
                raise InputError(where, "a length that is cut off", _WANTED)
            return None
        value |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            if value > MOST_BLOCK_BYTES:
                raise InputError(where, f"a length of {value} bytes", f"at most {MOST_BLOCK_BYTES}")
            return value
    raise InputError(where, "a length of more than five bytes", _WANTED)
