"""PEM (RFC 7468): the blocks of a text, in time linear in its length."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEGIN = re.compile(rb"-----BEGIN ([ -,.-~]*(?:-[ -,.-~]+)*)-----[ \t]*")
_HEADER = re.compile(rb"[A-Za-z0-9-]+: ?.*")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its label, and its bytes or what is wrong with it."""

    label: str
    der: bytes = b""
    error: str = ""


def plain(data: bytes, label: bytes) -> bytes | None:
    """The bytes of a text that starts with a block of that label in the usual form: lines of base64 between two lines
    without anything else in them. None for any other text, sound or not; :func:`blocks` reads those."""
    begin, end = b"-----BEGIN %b-----\n" % label, b"\n-----END %b-----" % label
    stop = data.find(end) if data.startswith(begin) else -1
    if stop < len(begin) or data[stop + len(end) : stop + len(end) + 1] not in (b"", b"\n"):
        return None
    text = data[len(begin) : stop].replace(b"\n", b"")
    if len(text) % 4:  # Python takes padding that is too long
        return None
    try:  # whatever is neither base64 nor a line's end fails here
        return base64.b64decode(text, validate=True) or None
    except binascii.Error:
        return None


def blocks(data: bytes) -> Iterator[Block]:
    """Every block in order; text outside of blocks is skipped. A block that is broken has an `error`."""
    if b"-----BEGIN " not in data:
        return
    label: bytes | None = None
    body: list[bytes] = []
    for line in data.splitlines():
        begins = _BEGIN.fullmatch(line) if line.startswith(b"-----BEGIN ") else None
        if begins is not None:
            if label is not None:
                yield Block(_text(label), error="a block without an end")
            label, body = begins[1], []
        elif label is not None and line.startswith(b"-----END "):
            matches = line.rstrip() == b"-----END " + label + b"-----"
            yield _decoded(label, body) if matches else Block(_text(label), error="another label at its end")
            label = None
        elif label is not None:
            body.append(line.strip())
    if label is not None:
        yield Block(_text(label), error="a block without an end")


def _decoded(label: bytes, lines: list[bytes]) -> Block:
    first = 0
    while first < len(lines) and _HEADER.fullmatch(lines[first]):
        first += 1  # headers of RFC 1421, as encrypted keys have them
    try:
        der = base64.b64decode(b"".join(lines[first:]), validate=True)
    except binascii.Error as error:
        return Block(_text(label), error=f"base64: {error}")
    return Block(_text(label), der) if der else Block(_text(label), error="nothing between its lines")


def _text(label: bytes) -> str:
    return label.decode("ascii", "replace")[:64]
