"""The name of a call, under which a client, the log and a trace tell the same story.

A client may give a call an identifier in the metadata `x-request-id`: 1 to 128 printable ASCII characters. Any other
call gets one that is made up here, and so does one whose identifier has another form or comes twice: what is not
printable is never repeated, neither to the log nor to the client. The identifier of a call is in its trailing metadata,
in every log line that is written on its behalf, and in its trace.

The call that is being served is a context variable, as :data:`pycore.service.callers.current` is: tasks inherit it, and
work takes it along to its thread.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

__all__ = ["KEY", "Request", "current_request", "request_id", "trailing"]

KEY = "x-request-id"
_FORM = re.compile(r"[ -~]{1,128}")


class Request:
    """A call from its first byte to its last.

    Attributes:
        id: its identifier; empty for requests that are done together.
        span: what traces it; None where nothing does.
        left: how many more spans may be made for it.
        began: when, by `time.perf_counter`.
    """

    __slots__ = ("began", "id", "left", "span")

    def __init__(self, id: str, span: Any = None, left: int = 0) -> None:
        self.id = id
        self.began = time.perf_counter()
        self.span = span
        self.left = left


current_request: ContextVar[Request | None] = ContextVar("pycore_request", default=None)
"""The call that is being served; None outside of one."""


def request_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The identifier that a call's metadata give it, or one that is made up.

    >>> request_id([("x-request-id", "block 17/3")])
    'block 17/3'
    >>> [len(request_id(given)) for given in ([], [("x-request-id", "two\\nlines")], [("x-request-id", "a")] * 2)]
    [16, 16, 16]
    """
    given = [value for key, value in metadata if key == KEY]
    if len(given) == 1 and isinstance(given[0], str) and _FORM.fullmatch(given[0]):
        return given[0]
    return f"{random.getrandbits(64):016x}"  # unlikely to come twice; it guards nothing


def trailing() -> tuple[tuple[str, str], ...]:
    """The metadata that tell the caller of the current call its identifier; empty outside of calls."""
    one = current_request.get()
    return ((KEY, one.id),) if one is not None and one.id else ()
