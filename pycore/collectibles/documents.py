"""Small documents that say how to read a contract or what to hold it to: bounded, and nothing in them is ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pycore.base.columns import quote
from pycore.errors import InputError
from pycore.ledgers._json import load_object

MAX_BYTES = 1 << 24
MAX_TEXT = 1024
"""Characters of a name, a topic, an account or a token."""


def open_document(source: Any, name: str) -> Mapping[str, Any]:
    """A document from any of its forms: a mapping, JSON text, or the path of a file (a Path, or a string that is not a
    JSON object)."""
    if isinstance(source, Mapping):
        return source
    if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith("{")):
        try:
            with Path(source).open("rb") as file:
                source = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: text that no path can be
            raise InputError(name, str(error), "a JSON object or the path of a file that holds one") from error
    if not isinstance(source, (str, bytes)):
        raise InputError(name, type(source).__name__, "a mapping, JSON text or a path")
    if len(source) > MAX_BYTES:
        raise InputError(name, f"more than {MAX_BYTES} bytes", f"at most {MAX_BYTES}")
    return load_object(source, name)


def entries(value: Any, name: str, known: Sequence[str], needed: Sequence[str] = ()) -> Mapping[str, Any]:
    """An object without unknown names, and with the needed ones."""
    if not isinstance(value, Mapping):
        raise InputError(name, type(value).__name__, "an object")
    for key in value:
        if key not in known:
            raise InputError(f"{name}.{str(key)[:80]}", "an unknown name", "one of " + ", ".join(known))
    for key in needed:
        if key not in value:
            raise InputError(f"{name}.{key}", "nothing", "a value")
    return value


def short(value: str, most: int = 80) -> str:
    """Text from strangers in quotes, cut to a length that can be read.

    >>> short("abcdef", 3)
    "'abc'..."
    """
    return repr(value) if len(value) <= most else f"{value[:most]!r}..."


def text(value: Any, name: str, *, empty: bool = False) -> str:
    """Text of at most MAX_TEXT characters."""
    if not isinstance(value, str) or not (value or empty) or len(value) > MAX_TEXT:
        got = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
        raise InputError(name, got, f"text of {0 if empty else 1} to {MAX_TEXT} characters")
    return value


def sequence(value: Any, name: str, most: int) -> Sequence[Any]:
    """A list of at most so many entries."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InputError(name, type(value).__name__, "a list")
    if len(value) > most:
        raise InputError(name, f"{len(value)} entries", f"at most {most}")
    return value


def texts(value: Any, name: str, most: int, *, empty: bool = False) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(one, f"{name}[{i}]", empty=empty) for i, one in enumerate(sequence(value, name, most)))


def number(value: Any, name: str, least: int, most: int) -> int:
    """An integer between two bounds."""
    if type(value) is not int or not least <= value <= most:
        raise InputError(name, quote(value), f"an integer from {least} to {most}")
    return value


def one_of(value: Any, name: str, wanted: Sequence[str]) -> str:
    """One of the names."""
    if not isinstance(value, str) or value not in wanted:
        raise InputError(name, quote(value), "one of " + ", ".join(map(repr, wanted)))
    return value


def flag(value: Any, name: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InputError(name, quote(value), "true or false")
    return value
