"""Who is calling: what a caller may do, how much of it, and the call that is being served. No gRPC in here.

A call is opened by the guard (:mod:`pycore.service.guard`) before its handler runs, and found again by whoever needs
it: :func:`current` is a context variable, which tasks inherit and which work takes along to its thread.

    require_chain(name)     called by every RPC that is about a chain, as soon as the chain is known
    take(nbytes, items)     called by the admission, for what the call is about to hold

Without an access file everybody is the caller `ANYBODY`, who may do everything.
"""

from __future__ import annotations

import fnmatch
import math
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from pycore.service.impatience import Impatience
from pycore.service.priorities import Priority
from pycore.wire.refusals import DeniedError, OverloadedError, ThrottledError

__all__ = ["ANYBODY", "Call", "Caller", "Meter", "Quota", "current", "require_chain", "take"]

_BURST_S = 1.0  # what a caller did not use is kept for so long
_MIN_RETRY_S, _MAX_RETRY_S = 0.01, 5.0
_RETRY_CALLS_S = 0.05
_BYTES, _ITEMS = "bytes a second", "items a second"
_LEAST_WAIT_S = 1e-6  # an empty bucket is not an open one


def _rate(given: float | None) -> float:
    return math.inf if given is None else given


class Meter:
    """A token bucket that may be overdrawn once: who has anything left gets all that is asked, and waits it off later.

    So no request is too large to pass, and the rate holds over time. Belongs to one thread.

    Args:
        rate: units a second; infinite for no limit.
        clock: seconds, monotonic.

    >>> now = [0.0]
    >>> meter = Meter(100, lambda: now[0])
    >>> meter.wait(), meter.take(250), meter.wait()
    (0.0, None, 1.5)
    >>> now[0] = 1.6
    >>> meter.wait()
    0.0
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._left = rate * _BURST_S
        self._seen = clock()

    def wait(self) -> float:
        """Seconds until there is something left; 0 where there is now."""
        if math.isinf(self.rate):
            return 0.0
        now = self._clock()
        self._left = min(self.rate * _BURST_S, self._left + (now - self._seen) * self.rate)
        self._seen = now
        return 0.0 if self._left > 0 else max(-self._left / self.rate, _LEAST_WAIT_S)

    def take(self, amount: float) -> None:
        """Uses up an amount."""
        self._left -= amount

    def change(self, rate: float) -> None:
        """Goes on at another rate; what is overdrawn stays so."""
        self.wait()
        self._left = min(self._left, rate * _BURST_S)
        if math.isinf(self.rate) or math.isinf(rate):
            self._left, self._seen = rate * _BURST_S, self._clock()
        self.rate = rate


@dataclass(frozen=True)
class Quota:
    """How much a caller may use. None is no limit.

    items_per_second, bytes_per_second   over a second or more
    calls                                open at once, streams included
    """

    items_per_second: float | None = None
    bytes_per_second: float | None = None
    calls: int | None = None


_NO_QUOTA = Quota()


class Usage:
    """Calls that a caller has open, and the rest of its quota. It outlives a change of the access file."""

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        self.calls = 0
        self.items = Meter(_rate(quota.items_per_second), clock)
        self.nbytes = Meter(_rate(quota.bytes_per_second), clock)
        self.impatience = Impatience(clock)


class Caller:
    """One client, over all its connections. Belongs to the event loop.

    Args:
        name: as the access file has it.
        rpcs: names or patterns of the RPCs that it may call.
        chains: the chains that it may ask about; None for all.
        quota: how much it may use.
        clock: seconds, monotonic.
        highest: the most urgent priority of its calls.
    """

    def __init__(
        self,
        name: str,
        rpcs: tuple[str, ...] = ("*",),
        chains: frozenset[str] | None = None,
        quota: Quota = _NO_QUOTA,
        clock: Callable[[], float] = time.monotonic,
        highest: Priority = Priority.VOTES,
    ) -> None:
        self.highest = highest
        self.name = name
        self.rpcs = rpcs
        self._allowed: dict[str, bool] = {}  # by RPC, of which there are few
        self.chains = chains
        self.quota = quota
        self.usage = Usage(quota, clock)

    def go_on_from(self, before: Caller) -> None:
        """Takes over what the same client has open and has used up."""
        self.usage = before.usage
        self.usage.items.change(_rate(self.quota.items_per_second))
        self.usage.nbytes.change(_rate(self.quota.bytes_per_second))

    def _may_call(self, rpc: str) -> bool:
        found = self._allowed.get(rpc)
        if found is None:
            found = self._allowed[rpc] = any(fnmatch.fnmatchcase(rpc, pattern) for pattern in self.rpcs)
        return found

    def enter(self, rpc: str) -> Call:
        """Opens a call; :meth:`Call.leave` must follow.

        Raises:
            DeniedError: it may not call this RPC.
            OverloadedError: it has as many calls open as it may.
        """
        if not self._may_call(rpc):
            raise DeniedError(f"{self.name} may not call {rpc}", "RPC_NOT_ALLOWED", known=True)
        most = self.quota.calls
        if most is not None and self.usage.calls >= most:
            raise OverloadedError(f"calls of {self.name}", self.usage.calls, 1, most, _RETRY_CALLS_S)
        self.usage.calls += 1
        return Call(self, rpc)

    def is_welcome(self, rpc: str) -> bool:
        """Whether neither :meth:`enter` nor :meth:`must_wait` would raise."""
        usage, most = self.usage, self.quota.calls
        if not self._may_call(rpc) or (most is not None and usage.calls >= most):
            return False
        return not usage.nbytes.wait() and not usage.items.wait()

    def take(self, nbytes: int, items: int) -> None:
        """Uses up bytes and items, or neither.

        Raises:
            ThrottledError: of one of them nothing is left.
        """
        usage = self.usage
        if nbytes:
            self._have(usage.nbytes, _BYTES)
        if items:
            self._have(usage.items, _ITEMS)
        usage.nbytes.take(nbytes)
        usage.items.take(items)

    def must_wait(self) -> None:
        """ThrottledError where of bytes or items nothing is left, before anybody looks at a request."""
        self._have(self.usage.nbytes, _BYTES)
        self._have(self.usage.items, _ITEMS)

    def _have(self, meter: Meter, what: str) -> None:
        wait = meter.wait()
        if wait:
            raise ThrottledError(self.name, what, meter.rate, min(max(wait, _MIN_RETRY_S), _MAX_RETRY_S))


@dataclass
class Call:
    """One call of a caller.

    Attributes:
        caller: who calls.
        rpc: what is called.
        asked: the chains that :func:`require_chain` was asked about.
        answered: its handler is done; the call is open until its answer has left.
        priority: how urgent it is.
        client: whose room it takes: a name of the access file, or a connection.
        peer: the connection, as gRPC names it.
        counted: its answers that have not left are counted already (`Guard.leaving`).
    """

    caller: Caller
    rpc: str
    asked: set[str] = field(default_factory=set)
    answered: bool = False
    priority: Priority = Priority.TRANSACTIONS
    client: str = ""
    peer: str = ""
    counted: bool = False

    def require_chain(self, chain: str) -> None:
        """Nothing, or DeniedError where the caller may not ask about the chain."""
        allowed = self.caller.chains
        if allowed is not None and chain not in allowed:
            words = f"{self.caller.name} may not ask about the chain {chain[:64]!r}"
            raise DeniedError(words, "CHAIN_NOT_ALLOWED", known=True)
        self.asked.add(chain)

    def leave(self) -> None:
        """Closes the call."""
        self.caller.usage.calls -= 1


ANYBODY = Caller("anybody")
"""The caller where no access file says who there is."""

current: ContextVar[Call | None] = ContextVar("pycore_call", default=None)
"""The call that is being served; None outside of one."""


def require_chain(chain: str) -> None:
    """DeniedError where the current call's caller may not ask about a chain; nothing outside of calls."""
    call = current.get()
    if call is not None:
        call.require_chain(chain)


def take(nbytes: int, items: int) -> None:
    """Uses up bytes and items of the current call's caller. ThrottledError where nothing is left."""
    call = current.get()
    if call is not None:
        call.caller.take(nbytes, items)
