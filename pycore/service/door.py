"""Calls that are turned away because there are too many others, before anything of them begins.

Under several times its load a service refuses most calls, and what refusals cost is what answers do not get. On the
usual way, through `watch`, `interceptors` and `guard`, a call that is refused has become a task, and an exception that
each of them handles. Here it is neither: the guard says what the call would be refused with, and that is sent and
counted as it would have been. Whatever is not turned away goes the usual way, and so does every call where calls have
spans, or where interceptors stand in front.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycore.service.guard import CROWD, Guard
from pycore.service.request_ids import Request, current_request, request_id, trailing
from pycore.service.watch import Watch
from pycore.wire.errors import to_failure

__all__ = ["Door", "door"]

Door = Callable[[Any], bool]
"""Is given the context of a call whose one request is there. Whether the call has ended."""


def door(guard: Guard, watch: Watch, rpc: str) -> Door | None:
    """The door of an RPC of one request; None where calls must go the usual way."""
    if watch.traces:
        return None

    def turned_away(context: Any) -> bool:
        if guard.calls <= CROWD:
            return False
        token = current_request.set(Request(request_id(context.invocation_metadata() or ())))
        try:
            error = guard.turns_away(context, rpc)
            if error is None:
                return False
            failure = to_failure(error, rpc)
            context.refuse(failure.code, failure.message, (*failure.trailing_metadata, *trailing()))
        finally:
            current_request.reset(token)
        watch.metrics.turned_away(rpc, failure.code.name)
        return True

    return turned_away
