"""Methods of objects that several threads share: the event loop and the lane's (docs/design/0023-same-host-lane.md)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["locked"]

F = TypeVar("F", bound=Callable[..., Any])


def locked(method: F) -> F:
    """A method that holds its object's `lock`, a `threading.RLock`, from its beginning to its end."""

    @functools.wraps(method)
    def held(self: Any, *arguments: Any, **named: Any) -> Any:
        with self.lock:
            return method(self, *arguments, **named)

    return cast("F", held)
