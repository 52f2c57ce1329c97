"""A collector of votes with somebody who calls it in time: a thread, or asyncio.

with FlushThread(collector, handle):                       # votes never wait longer than the collector's delay
    for event in collector.add(vote): handle(event)

async with AsyncVoteCollector(collector) as votes:
    await votes.add(vote, peer="node-3")
    async for event in votes: ...
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING

from pycore.base.columns import quote
from pycore.consensus.votes import Vote
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Iterable
    from types import TracebackType

    from pycore.base.columns import BatchOfBytes
    from pycore.consensus.collector import VoteCollector
    from pycore.consensus.events import VoteEvent

__all__ = ["AsyncVoteCollector", "FlushThread"]


class FlushThread:
    """A daemon thread that flushes a collector when votes waited for its delay, while the `with` block runs.

    Events that the thread decides go to `handle`, in its thread; those that a call to the collector decides are
    returned by that call. Leaving the block flushes what waits. An exception that `handle` or a flush raises ends the
    thread, and leaving the block raises it.
    """

    def __init__(self, collector: VoteCollector, handle: Callable[[VoteEvent], object]) -> None:
        self._collector, self._handle = collector, handle
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="pycore-votes", daemon=True)

    def _run(self) -> None:
        try:
            while self._collector.wait_until_due(self._stopped):
                for event in self._collector.poll():
                    self._handle(event)
        except BaseException as error:
            self._error = error

    def __enter__(self) -> FlushThread:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._collector.wake()
        self._thread.join()
        if self._error is not None:
            raise self._error
        for event in self._collector.flush():
            self._handle(event)


class AsyncVoteCollector:
    """A collector in an event loop: adding never blocks the loop for a verification, and events are iterated.

    Verifications run in the loop's default executor. `most_events`: how many events may wait to be read; when so many
    do, adding waits for the reader. All calls must come from one event loop. Leaving the `async with` block, or
    :meth:`aclose`, flushes what waits and ends the iteration once its events are read. An exception of a flush that
    nobody called is raised by the iteration.
    """

    def __init__(self, collector: VoteCollector, *, most_events: int = 1024) -> None:
        if type(most_events) is not int or most_events < 1:
            raise InputError("most_events", quote(most_events), "an integer of 1 or more")
        self.collector = collector
        self._events: asyncio.Queue[VoteEvent | Exception | None] = asyncio.Queue(most_events)
        self._timer: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._closed = False

    async def add(self, votes: Vote | Iterable[Vote], *, peer: Hashable = None) -> None:
        """As :meth:`VoteCollector.add`; what is decided comes as events."""
        self._require_open()
        if not isinstance(votes, Vote):
            await self._call(partial(self.collector.add, list(votes), peer=peer))
        elif self.collector.offer(votes, peer=peer):
            await self._call(self.collector.flush)
        self._arrange()

    async def add_bytes(self, votes: BatchOfBytes, *, peer: Hashable = None) -> None:
        """As :meth:`VoteCollector.add_bytes`; `votes` must not change until this returns."""
        self._require_open()
        if type(votes) is not bytes:
            await self._call(partial(self.collector.add_bytes, votes, peer=peer))
        elif self.collector.offer(votes, peer=peer):
            await self._call(self.collector.flush)
        self._arrange()

    async def flush(self) -> None:
        """As :meth:`VoteCollector.flush`: when it returns, the events of all votes added before can be read."""
        await self._call(self.collector.flush)

    async def move_to(self, *place: object, **options: object) -> None:
        """As :meth:`VoteCollector.move_to`."""
        await self._call(partial(self.collector.move_to, *place, **options))  # type: ignore[arg-type]

    async def move_to_round(self, round: int) -> None:
        """As :meth:`VoteCollector.move_to_round`."""
        await self._call(partial(self.collector.move_to_round, round))

    async def aclose(self) -> None:
        """Flush, and end the iteration. Adding afterwards is a RuntimeError."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()
        await asyncio.gather(*self._telling)  # of callers who were cancelled
        await self._events.put(None)

    async def _call(self, call: Callable[[], list[VoteEvent]]) -> None:
        # Shielded: a caller who is cancelled must not lose events that are decided already.
        task = asyncio.ensure_future(self._tell(call))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        await asyncio.shield(task)

    async def _tell(self, call: Callable[[], list[VoteEvent]]) -> None:
        for event in await asyncio.get_running_loop().run_in_executor(None, call):
            await self._events.put(event)

    def _arrange(self) -> None:
        """Sees to it that votes that wait are flushed in time."""
        if self.collector.waiting and not self._closed and (self._timer is None or self._timer.done()):
            self._timer = asyncio.ensure_future(self._flush_in_time())

    async def _flush_in_time(self) -> None:
        try:
            while self.collector.waiting:
                await asyncio.sleep(max(0.0, self.collector.time_left))
                await self._call(self.collector.poll)
        except Exception as error:  # nobody awaits this task: whoever reads the events is told
            await self._events.put(error)

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("the collector of votes is closed")

    async def __aenter__(self) -> AsyncVoteCollector:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[VoteEvent]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event
        self._events.put_nowait(None)  # for others who iterate
