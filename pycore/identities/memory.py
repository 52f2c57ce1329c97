"""Remembers what was read of short pieces of certificates.

The certificates of a consortium are mostly the same bytes: names of organisations and authorities, algorithms,
validity, usual extensions. A reader that looks only at the bytes of one element gives the same answer for the same
bytes, so it is asked once. Failures are not remembered: a reader that raises says where in its input it did.

Every memory is bounded: short pieces only, and a full one starts again from nothing, so that no input costs more than a
constant factor above reading everything. Any number of threads may share them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pycore.identities.der import Cursor

LONGEST = 258
"""Bytes of the longest piece that is remembered: an element whose length takes two bytes at most."""
ENTRIES = 1024
"""Pieces in one memory."""

T = TypeVar("T")
_ALL: list[dict[bytes, Any]] = []


def new() -> dict[bytes, Any]:
    """An empty memory."""
    memory: dict[bytes, Any] = {}
    _ALL.append(memory)
    return memory


def keep(memory: dict[bytes, Any], piece: bytes, value: object) -> None:
    """Remembers the value of a piece; a full memory forgets everything else first."""
    if len(memory) >= ENTRIES:
        memory.clear()
    memory[piece] = value


def forget() -> None:
    """Empties every memory."""
    for memory in _ALL:
        memory.clear()


def by_element(read: Callable[[Cursor, str], T]) -> Callable[[Cursor, str], T]:
    """A reader that takes exactly the next element of a cursor, and remembers what it made of it.

    Its second argument says in errors what is read; the result must not depend on it. None is not remembered.
    """
    memories = new(), new()

    def remembered(cursor: Cursor, what: str) -> T:
        data, at, limit = cursor.data, cursor.at, cursor.end
        if limit - at >= 3:
            length = data[at + 1]
            end = at + 2 + length if length < 0x80 else at + 3 + data[at + 2] if length == 0x81 else limit + 1
            if end <= limit:
                memory = memories[cursor.strict]
                piece = data[at:end]
                known: T | None = memory.get(piece)
                if known is not None:
                    cursor.at = end
                    return known
                known = read(cursor, what)
                if cursor.at == end:
                    keep(memory, piece, known)
                return known
        return read(cursor, what)

    return remembered


def by_value(read: Callable[[bytes, bool], T]) -> Callable[[bytes, bool], T]:
    """A reader of a complete value, by strict rules or not, that remembers what it made of short ones. None is not
    remembered."""
    memories = new(), new()

    def remembered(value: bytes, strict: bool) -> T:
        if len(value) > LONGEST:
            return read(value, strict)
        memory = memories[strict]
        known: T | None = memory.get(value)
        if known is None:
            known = read(value, strict)
            keep(memory, value, known)
        return known

    return remembered
