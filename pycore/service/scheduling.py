"""The queue in front of the threads that compute: which piece of work comes next.

The rule:

1. Votes come before transactions, and transactions before audits.
2. Nothing starves: whatever waits behind more urgent work has its turn after `TURN` pieces of that.
3. Audits never hold the last thread, where there are two or more: a vote does not wait for an audit to end.
4. Within one priority clients take turns, so that one with a long queue is not in front of the others.

A thread of somebody else may do a piece itself, in the place of one of these threads, where one is free and nothing
waits (`Scheduler.enter`).

A piece that has more to do gives its thread back between two steps when others wait (`Scheduler.others_wait`,
`LATER`). Pieces whose callers have gone are taken out for nothing and count for nobody's turn.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any

from pycore.service.priorities import Priority

__all__ = ["LATER", "TURN", "Scheduler", "give_way"]

TURN = 7
_PRIORITIES = tuple(Priority)  # an enumeration itself is slow to go through
_NICER = 3  # 6 won nothing more
LATER: Any = object()
"""What a piece gives instead of a result, to be called again when its turn comes."""


class _Piece:
    """Something that waits for a thread, or is on one."""

    __slots__ = ("begun", "client", "function", "future", "priority")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self.function: Callable[[], Any] | None = function
        self.priority: Priority = getattr(function, "priority", Priority.TRANSACTIONS)
        self.client: str = getattr(function, "client", "")
        self.begun = False

    def is_left(self) -> bool:
        """Whether somebody still waits for it. Called once before each time that it is run."""
        if not self.begun:
            self.begun = self.future.set_running_or_notify_cancel()
        return self.begun

    def end(self, result: Any, error: BaseException | None) -> None:
        """Tells whoever waits, and lets go of what it held."""
        self.function = None
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _Queue:
    """Pieces of one priority: the clients take turns."""

    def __init__(self) -> None:
        self.count = 0
        self.passed = 0  # pieces of others that were taken while something waited here
        self._clients: OrderedDict[str, deque[_Piece]] = OrderedDict()

    def put(self, piece: _Piece) -> None:
        self._clients.setdefault(piece.client, deque()).append(piece)
        self.count += 1

    def remove(self, piece: _Piece) -> None:
        """Takes out one that was just put here."""
        pieces = self._clients[piece.client]
        pieces.remove(piece)
        if not pieces:
            del self._clients[piece.client]
        self.count -= 1

    def pop(self) -> _Piece:
        client, pieces = next(iter(self._clients.items()))
        piece = pieces.popleft()
        if pieces:
            self._clients.move_to_end(client)
        else:
            del self._clients[client]
        self.count -= 1
        return piece


def give_way() -> None:
    """Lets the threads that carry calls go before this one where CPUs are scarce: a service that gets too much has to
    be quick at saying so. On one CPU under five times its load refusals took 4 ms instead of a second, and as much was
    answered. Elsewhere than on Linux nice values belong to processes."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)


class Scheduler(Executor):
    """Threads for pieces of work, by the rule above.

    A submitted callable is called without arguments. Its attribute `priority` is a `Priority` (transactions without
    one), its attribute `client` says whose it is.

    Args:
        size: how many threads.
        name: how they are named in the log.
    """

    def __init__(self, size: int, name: str = "pycore-service") -> None:
        self._size = size
        self._most_audits = max(1, size - 1)
        self._name = name
        self._lock = threading.Lock()
        self._queues = [_Queue() for _ in Priority]
        self._signals: SimpleQueue[None] = SimpleQueue()  # one for each piece, and for each thread at the end
        self._threads: list[threading.Thread] = []
        self._audits = 0
        self._taken_places = 0  # pieces that run now, on these threads or on others'
        self._put_off = 0  # signals of pieces that nobody might take then
        self._closed = False
        self.taken = [0] * len(Priority)

    def waiting(self, priority: Priority) -> int:
        """How many pieces of a priority wait."""
        return self._queues[priority].count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Puts a piece into its queue. RuntimeError after `shutdown`."""
        piece = _Piece(fn)
        if args or kwargs:
            piece.function = lambda: fn(*args, **kwargs)
        with self._lock:
            if self._closed:
                raise RuntimeError("the scheduler was shut down")
            self._put(piece)
            if len(self._threads) < self._size:
                # Work that hangs does not keep the process: a service that stops says what is still running.
                name = f"{self._name}_{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # The system has no more: those that are there do it, and the next piece tries again.
                    if not self._threads:
                        self._queues[piece.priority].remove(piece)
                        raise
                else:
                    self._threads.append(thread)
        return piece.future

    @property
    def is_idle(self) -> bool:
        """Whether a thread is free and nothing waits, as far as can be seen without a lock."""
        return self._taken_places < self._size and not any(queue.count for queue in self._queues)

    def enter(self, priority: Priority) -> bool:
        """Takes the place of a thread for the calling one, which does a piece itself; :meth:`leave` must follow. False
        where no thread is free, or something waits that might come first."""
        with self._lock:
            if self._closed or not self.is_idle:
                return False
            if priority is Priority.AUDITS and self._audits >= self._most_audits:
                return False
            self._begun(priority)
            return True

    def leave(self, priority: Priority) -> None:
        """Gives the place back."""
        if self._ended(priority):
            self._signals.put(None)

    def _begun(self, priority: Priority) -> None:
        self._taken_places += 1
        self._audits += priority is Priority.AUDITS
        self.taken[priority] += 1

    def _put(self, piece: _Piece) -> None:
        self._queues[piece.priority].put(piece)
        self._signals.put(None)

    def others_wait(self, priority: Priority) -> bool:
        """Whether a piece of this priority that is between two steps should let others go first. Counts as one piece
        for whoever waits behind it."""
        with self._lock:
            found = any(queue.count for queue in self._queues[: priority + 1])
            for behind in self._behind(priority):
                behind.passed += 1
                found = found or behind.passed >= TURN
            return found

    def _behind(self, priority: Priority) -> list[_Queue]:
        return [queue for other in _PRIORITIES if other > priority and (queue := self._open(other))]

    def _open(self, priority: Priority) -> _Queue | None:
        """The queue, if something waits in it that may run now."""
        queue = self._queues[priority]
        if not queue.count or (priority is Priority.AUDITS and self._audits >= self._most_audits):
            return None
        return queue

    def _take(self) -> _Piece | None:
        """The next piece; None where all that waits has to wait for another to end, or nothing does."""
        with self._lock:
            while self._taken_places < self._size and (
                found := [priority for priority in _PRIORITIES if self._open(priority)]
            ):
                chosen = found[0]
                for priority in found[1:]:
                    passed = self._queues[priority].passed
                    if passed >= TURN and passed > self._queues[chosen].passed:
                        chosen = priority
                piece = self._queues[chosen].pop()
                if not piece.is_left():
                    continue
                for behind in self._behind(chosen):
                    behind.passed += 1
                self._queues[chosen].passed = 0
                self._begun(chosen)
                return piece
            self._put_off += any(queue.count for queue in self._queues)
            return None

    def _work(self) -> None:
        give_way()
        again = False
        while True:
            if not again:
                self._signals.get()
            again = False
            piece = self._take()
            if piece is not None:
                again = self._run(piece)
            elif self._is_over():
                self._signals.put(None)  # those that were put off may have been the other threads' last
                return
            piece = None

    def _is_over(self) -> bool:
        with self._lock:  # `shutdown` takes everything out for a moment
            return self._closed and not any(queue.count for queue in self._queues)

    def _run(self, piece: _Piece) -> bool:
        """Whether the thread has a signal already. The place is free before anybody hears of the end: it may be what
        they ask for next."""
        assert piece.function is not None
        result, failure = None, None
        try:
            result = piece.function()
        except BaseException as error:
            failure = error
        again = self._ended(piece.priority)
        if result is not LATER:
            piece.end(result, failure)
        else:
            with self._lock:
                self._put(piece)
        # This frame is in the traceback of a failure, which must not hold itself and the request.
        result = failure = None
        del piece
        return again

    def _ended(self, priority: Priority) -> bool:
        """Whether the thread has a signal already: a piece has ended for which others waited."""
        with self._lock:
            self._taken_places -= 1
            self._audits -= priority is Priority.AUDITS
            if not self._put_off:
                return False
            self._put_off -= 1
            return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes nothing more; with `cancel_futures` what has not begun never will. The threads end after the last
        piece."""
        with self._lock:
            self._closed = True
            pieces = [queue.pop() for queue in self._queues for _ in range(queue.count)]
            for piece in pieces:
                if piece.begun or not cancel_futures:
                    self._queues[piece.priority].put(piece)
        for piece in pieces if cancel_futures else ():
            piece.future.cancel()  # nothing to one that has begun
        for _ in range(self._size):
            self._signals.put(None)
        for thread in self._threads if wait else ():
            thread.join()
