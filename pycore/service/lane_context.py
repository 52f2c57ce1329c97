"""A call of the same-host lane as handlers see it, and how its outcome is answered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import grpc

from pycore.service.guard import ABOUT_CHAINS
from pycore.wire.errors import DETAILS_KEY, Failure, plain_failure
from pycore.wire.frames import Call, Metadata, write_answer

__all__ = ["LaneContext", "aborted", "refusal", "refused", "words_of"]


class LaneContext:
    """A call of the lane, as handlers see calls: what `grpc.aio.ServicerContext` has and they use.

    Args:
        call: the packet.
        uid: the user of the process that connected.
        clock: seconds, monotonic.
        deliver: sends an answer of this call; from any thread.
        on_thread: the call begins on a thread of the lane.

    Attributes:
        answered: the answer was sent.
        expired: the time is up.
        trailing: the metadata of the answer.
        failure: what the call was refused with.
        deliver: takes the answer as soon as there is one; None where it must wait for the end of the call.
        begun: is given what stops the work of a call that is on a thread of the lane; None on the event loop.
    """

    def __init__(
        self,
        call: Call,
        uid: int,
        clock: Callable[[], float],
        deliver: Callable[[LaneContext, bytes], None],
        *,
        on_thread: bool = False,
    ) -> None:
        self._call = call
        self._uid = uid
        self._ends = clock() + call.timeout * 1e-6 if call.timeout else None
        self._clock = clock
        self.answered = False
        self.expired = False
        self.trailing: tuple[tuple[str, str | bytes], ...] = ()
        self.failure: tuple[grpc.StatusCode, str] | None = None
        self._callbacks: list[Callable[[Any], None]] = []
        self.deliver = None if call.method in ABOUT_CHAINS else functools.partial(deliver, self)
        self.begun = self._begun if on_thread else None
        self._stopped = False
        self._stop: Callable[[], None] | None = None

    def _begun(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        if self._stopped:
            stop()

    def stop(self) -> None:
        """Stops the work, now or as soon as it begins. Any thread may call."""
        self._stopped = True
        if self._stop is not None:
            self._stop()

    def peer(self) -> str:
        """Who calls, for logs and for bounds where nobody says who callers are: all processes of one user."""
        return f"lane:uid:{self._uid}"

    def auth_context(self) -> dict[str, list[bytes]]:
        """The user, as the kernel says."""
        return {"unix_uid": [str(self._uid).encode()]}

    def invocation_metadata(self) -> Metadata:
        """The metadata that came with the call."""
        return self._call.metadata

    def time_remaining(self) -> float | None:
        """Seconds that are left; None for no limit."""
        return None if self._ends is None else max(0.0, self._ends - self._clock())

    def code(self) -> grpc.StatusCode | None:
        """The status, once there is one."""
        if self.failure is None:
            return grpc.StatusCode.DEADLINE_EXCEEDED if self.expired else None
        return self.failure[0]

    def set_trailing_metadata(self, metadata: tuple[tuple[str, str | bytes], ...]) -> None:
        """Sets the metadata of the answer."""
        self.trailing = tuple(metadata)

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Has something done when the call has ended."""
        self._callbacks.append(callback)

    def end(self) -> None:
        """The call has ended. Callbacks are called once, however often this is said."""
        while self._callbacks:
            self._callbacks.pop(0)(self)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> None:
        """Ends the call with a status."""
        self.failure = code, details
        self.trailing = tuple(trailing_metadata)
        raise grpc.aio.AbortError(details)


def words_of(trailing: tuple[tuple[str, str | bytes], ...]) -> Metadata:
    """What of an answer's metadata is text."""
    return tuple((key, value) for key, value in trailing if isinstance(value, str))


def refused(code: grpc.StatusCode, words: str) -> tuple[int, bytes]:
    """The status and the body of a refusal."""
    return plain_failure(code, words).as_answer()


def aborted(context: LaneContext) -> tuple[int, bytes]:
    """The answer to a call that its context was told to end."""
    assert context.failure is not None
    code, words = context.failure
    found = [value for key, value in context.trailing if key == DETAILS_KEY and isinstance(value, bytes)]
    return (code.value[0], found[0]) if found else refused(code, words)


def refusal(failure: Failure) -> bytes:
    """The packet of an answer that there is not."""
    status, body = failure.as_answer()
    return write_answer(status, (), body)
