"""The size of a JSON text, before anything is built of it.

A few megabytes of brackets are a hundred megabytes of empty lists, and the parser holds the GIL while it makes them.
"""

from __future__ import annotations

import re

from pycore.errors import InputError

__all__ = ["check_size"]

_SKELETON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
"""Texts and brackets. A text that does not end is one, too: tried again from each of its quotes it would take the
square of its length."""


def check_size(document: str, name: str, values: int, levels: int) -> None:
    """Refuses too many values and too many levels, from the punctuation alone.

    Args:
        document: JSON text, or something else.
        name: as errors call it.
        values: values and names that it may have, those inside of others counted.
        levels: objects and arrays that may be inside one another.

    Raises:
        InputError: it has more.
    """
    opened = document.count("{") + document.count("[")
    # Each value but the first follows one of these marks. Those inside of texts count as well: PEM and hexadecimal have
    # none, and counting too many errs to the safe side.
    if document.count(",") + document.count(":") + opened > values:
        raise InputError(name, f"more than {values} values and names", f"at most {values}")
    if opened <= levels:
        return
    depth = 0
    for mark in _SKELETON.finditer(document):
        first = document[mark.start()]
        if first in "[{":
            depth += 1
            if depth > levels:
                raise InputError(name, f"more than {levels} levels of objects and arrays", f"at most {levels}")
        elif first in "]}":
            depth -= 1
