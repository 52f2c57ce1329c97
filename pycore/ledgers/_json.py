"""JSON objects from strangers: bounded before they are built, and with one meaning only.

A document of a chain's context says what to trust, so it must not mean one thing to the person who reads its first
lines and another to the program: names that occur twice are refused, not merged. And a few megabytes of brackets, of
one-letter texts or of one number must not take more time or memory than their length explains.
"""

from __future__ import annotations

import json
from typing import Any

from pycore.base.json_size import check_size
from pycore.errors import InputError

MAX_BYTES = 64 << 20
"""Bytes of a document."""
MAX_VALUES = 1 << 18
"""Values and names of a document, those inside of others counted: as many as a block has records."""
MAX_DEPTH = 16
"""Objects and arrays inside one another; a context has three."""
MAX_DIGITS = 64
"""Characters of a number. Turning digits into a number takes the square of their count."""


def load_object(text: str | bytes, name: str, *, values: int = MAX_VALUES) -> dict[str, Any]:
    """The object that a JSON document holds.

    Args:
        text: the document; bytes are UTF-8.
        name: what errors call it.
        values: values and names that it may have.

    Raises:
        InputError: not a JSON object; a name twice in one object; or more than MAX_BYTES bytes,
            `values` values, MAX_DEPTH levels or MAX_DIGITS characters in one number.

    >>> load_object('{"height": 7}', "context")
    {'height': 7}
    >>> load_object('{"height": 7, "height": 8}', "context")
    Traceback (most recent call last):
    ...
    pycore.errors.InputError: context: got the name 'height' twice in one object, wanted each name once
    """
    if len(text) > MAX_BYTES:
        raise InputError(name, f"{len(text)} bytes", f"at most {MAX_BYTES}")
    try:
        document = text if isinstance(text, str) else text.decode("utf-8")
        check_size(document, name, values, MAX_DEPTH)
        found = json.loads(
            document,
            object_pairs_hook=lambda pairs: _distinct(pairs, name),
            parse_int=lambda digits: int(_short(digits, name)),
            parse_float=lambda digits: float(_short(digits, name)),
        )
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(name, f"{len(text)} bytes that are not JSON ({error})", "a JSON object") from None
    if not isinstance(found, dict):
        raise InputError(name, f"a JSON {type(found).__name__}", "a JSON object")
    return found


def _distinct(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        shown = repr(again) if len(again) <= 40 else f"{again[:40]!r}..."
        raise InputError(name, f"the name {shown} twice in one object", "each name once")
    return found


def _short(digits: str, name: str) -> str:
    if len(digits) > MAX_DIGITS:
        raise InputError(name, f"a number of {len(digits)} characters", f"at most {MAX_DIGITS}")
    return digits
