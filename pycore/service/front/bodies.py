"""Compressed messages: inflated as far as the limit, and no further."""

from __future__ import annotations

import asyncio
import zlib

__all__ = ["ENCODINGS", "BodyError", "inflated"]

ENCODINGS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Name -> window bits of zlib."""
_ON_LOOP = 256 << 10  # bytes of inflated text: a millisecond


class BodyError(ValueError):
    """A message that cannot be inflated. `large`: it is larger than the limit."""

    def __init__(self, words: str, *, large: bool = False) -> None:
        super().__init__(words)
        self.large = large


async def inflated(raw: bytes, encoding: str, most: int) -> bytes:
    """A message as it was before it was compressed.

    Args:
        raw: the compressed message.
        encoding: one of `ENCODINGS`.
        most: bytes that it may have.

    Raises:
        BodyError: it is larger, or no text of this encoding.
    """
    machine = zlib.decompressobj(ENCODINGS[encoding])
    try:
        first = machine.decompress(raw, min(_ON_LOOP, most + 1))
        if machine.eof or len(first) > most:
            rest = b""
        else:
            room = most + 1 - len(first)
            rest = await asyncio.to_thread(machine.decompress, machine.unconsumed_tail, room) if room else b""
    except zlib.error as error:
        raise BodyError(f"{encoding}: {error}") from None
    if len(first) + len(rest) > most:
        raise BodyError(f"Received message larger than max ({len(first) + len(rest)} vs. {most})", large=True)
    if not machine.eof or machine.unused_data:
        raise BodyError(f"{encoding}: it does not end where the message does")
    return first + rest
