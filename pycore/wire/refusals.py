"""Why a service does not take a call that is well formed. Imports no gRPC: `errors.py` gives each its status."""

from __future__ import annotations


class RefusedError(Exception):
    """The work is not taken now. `retry_after`: seconds after which trying again makes sense."""

    def __init__(self, words: str, retry_after: float) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class OverloadedError(RefusedError):
    """There is no room for it."""

    def __init__(self, what: str, held: int, asked: int, limit: int, retry_after: float) -> None:
        words = f"the service is full: {held} {what} in flight, {asked} more asked for, limit {limit}"
        super().__init__(words, retry_after)


class ThrottledError(RefusedError):
    """The caller has used up what it may use in this time."""

    def __init__(self, caller: str, what: str, limit: float, retry_after: float) -> None:
        words = f"{caller} is limited to {limit:g} {what}"
        super().__init__(words, retry_after)


class StalledError(RefusedError):
    """No worker has come free for so long that it would only wait."""


class DeniedError(Exception):
    """The caller may not do this, or is not known: `known` says which. `reason`: constant, for the log."""

    def __init__(self, words: str, reason: str, *, known: bool) -> None:
        super().__init__(words)
        self.reason = reason
        self.known = known


class DrainingError(Exception):
    """The service is shutting down."""
