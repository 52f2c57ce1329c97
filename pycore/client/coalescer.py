"""One-item calls from many tasks or threads, sent together.

A call per signature costs a round trip and some hundred microseconds of everybody's time, whatever is in it.
Here the first goes at once; those that come while it is under way wait in one list, and go together when an answer is
back. So nobody waits for a timer, and the busier it is the more go at once.

    AsyncCoalescer(client, "sm2")     for tasks of one event loop
    Coalescer(client, "sm2")          for threads; whoever comes first carries the others' items

Verdicts are those of `client.verify_batch` with the item alone: an item that makes a call malformed gets its error, the
others are asked about again without it. A batch is sent again where the service was full or away, to another
connection where the client has one: verifying twice changes nothing. With ``fallback="local"`` this process verifies
what the service does not answer; nothing is ever taken for valid because nobody looked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import grpc

from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.base.verdicts import Verdict, verdict_error
from pycore.client.clients import AsyncValidationClient, ValidationClient
from pycore.errors import InputError
from pycore.signatures.batch import verify_batch
from pycore.wire.errors import ServiceError

__all__ = ["AsyncCoalescer", "Coalescer"]

_Item = tuple[bytes, bytes, bytes]


class _Plan:
    """The settings of both kinds."""

    def __init__(
        self,
        client: Any,
        scheme: str,
        *,
        max_items: int = 1024,
        in_flight: int = 2,
        attempts: int = 3,
        fallback: str | None = None,
        priority: str | None = None,
        **options: Any,
    ) -> None:
        """
        Args:
            client: sends the batches, over its connections in turn, and hedges them where it is told to.
            scheme, options: as for `pycore.verify_batch`.
            max_items: most items of one message.
            in_flight: messages that may be under way at once; with several connections at least as many.
            attempts: how often a batch is sent at most, within the client's `timeout`; from 1 to 10.
            priority: as for the client, whose own it is without one.
            fallback: "local": what is not answered in the end is verified by this process. None: ServiceError.
        """
        for name, value in (("max_items", max_items), ("in_flight", in_flight)):
            if isinstance(value, bool) or value < 1:
                raise InputError(name, quote(value), "an integer of 1 or more")
        if fallback not in (None, "local"):
            raise InputError("fallback", quote(fallback), "None or 'local'")
        verify_batch(scheme, [], [], [], **options)  # InputError now, not with the first item
        told = {} if priority is None else {"priority": priority}
        self._client = client.using(attempts=attempts, **told)
        self._scheme = scheme
        self._options = options
        self._max_items = max_items
        self._in_flight = in_flight
        self._fallback = fallback

    def _local(self, items: Sequence[_Item], error: ServiceError) -> list[Verdict]:
        if self._fallback is None:
            raise error
        return list(verify_batch(self._scheme, *_columns(items), **self._options))


def _item(public_key: BytesLike, signature: BytesLike, message: BytesLike) -> _Item:
    return one_bytes(public_key, "public_key"), one_bytes(signature, "signature"), one_bytes(message, "message")


def _columns(items: Sequence[_Item]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    keys, signatures, messages = zip(*items, strict=True)
    return list(keys), list(signatures), list(messages)


# ---- asyncio ---------------------------------------------------------------------------------------------------------


class AsyncCoalescer(_Plan):
    """For the tasks of one event loop; see the module. Arguments: those of :class:`Coalescer`."""

    def __init__(self, client: AsyncValidationClient, scheme: str, **settings: Any) -> None:
        super().__init__(client, scheme, **settings)
        self._waiting: list[tuple[_Item, asyncio.Future[Verdict]]] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._called = False

    async def verdict(self, public_key: BytesLike, signature: BytesLike, message: BytesLike) -> Verdict:
        """The verdict on one signature. InputError where the item is malformed, ServiceError without an answer."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Verdict] = loop.create_future()
        self._waiting.append((_item(public_key, signature, message), answer))
        if not self._called and len(self._sending) < self._in_flight:
            self._called = True
            loop.call_soon(self._send)  # after the other tasks that are ready now
        return await answer

    async def verify(self, public_key: BytesLike, signature: BytesLike, message: BytesLike) -> None:
        """As `pycore.verify`: returns None, or raises InvalidSignature."""
        verdict = await self.verdict(public_key, signature, message)
        if verdict is not Verdict.VALID:
            raise verdict_error(verdict)

    def _send(self) -> None:
        self._called = False
        while self._waiting and len(self._sending) < self._in_flight:
            batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
            batch = [one for one in batch if not one[1].done()]  # their callers have gone
            if batch:
                task = asyncio.create_task(self._settle(batch))
                self._sending.add(task)
                task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._send()

    async def _settle(self, batch: list[tuple[_Item, asyncio.Future[Verdict]]]) -> None:
        try:
            verdicts = await self._ask([item for item, _ in batch])
        except InputError as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                for one in batch:
                    await self._settle([one])
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, answer), verdict in zip(batch, verdicts, strict=True):
                if not answer.done():
                    answer.set_result(verdict)

    async def _ask(self, items: list[_Item]) -> list[Verdict]:
        try:
            return list(await self._client.verify_batch(self._scheme, *_columns(items), **self._options))
        except ServiceError as error:
            return await asyncio.to_thread(self._local, items, error)


def _fail(batch: list[tuple[_Item, asyncio.Future[Verdict]]], error: BaseException) -> None:
    for _, answer in batch:
        if answer.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            answer.cancel()
        else:
            answer.set_exception(error)


# ---- threads ---------------------------------------------------------------------------------------------------------


class _Entry:
    __slots__ = ("answer", "error", "item", "leads", "told")

    def __init__(self, item: _Item) -> None:
        self.item = item
        self.answer: Verdict | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.told = threading.Event()


class Coalescer(_Plan):
    """For threads; see the module.

    >>> from pycore.client import ValidationClient
    >>> from pycore.service.config import ServiceConfig
    >>> from pycore.service.server import background
    >>> with background(ServiceConfig(address="127.0.0.1:0")) as server, ValidationClient(server.target) as client:
    ...     Coalescer(client, "ed25519").verdict(bytes(32), bytes(63), b"message")
    <Verdict.MALFORMED_SIGNATURE: ...>
    """

    def __init__(self, client: ValidationClient, scheme: str, **settings: Any) -> None:
        super().__init__(client, scheme, **settings)
        self._lock = threading.Lock()
        self._waiting: list[_Entry] = []
        self._leaders = 0

    def verdict(self, public_key: BytesLike, signature: BytesLike, message: BytesLike) -> Verdict:
        """The verdict on one signature. InputError where the item is malformed, ServiceError without an answer."""
        mine = _Entry(_item(public_key, signature, message))
        with self._lock:
            self._waiting.append(mine)
            mine.leads = self._leaders < self._in_flight
            self._leaders += mine.leads
        if not mine.leads:
            try:
                mine.told.wait()  # until it is answered, or promoted
            except BaseException:  # such as KeyboardInterrupt in this thread: the others go on
                self._leave(mine)
                raise
        if mine.leads:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        assert mine.answer is not None
        return mine.answer

    def verify(self, public_key: BytesLike, signature: BytesLike, message: BytesLike) -> None:
        """As `pycore.verify`: returns None, or raises InvalidSignature."""
        verdict = self.verdict(public_key, signature, message)
        if verdict is not Verdict.VALID:
            raise verdict_error(verdict)

    def _lead(self, mine: _Entry) -> None:
        """Sends what waits, this item first, and hands over to one of those that came meanwhile."""
        with self._lock:
            self._waiting.remove(mine)
            others = [entry for entry in self._waiting if not entry.leads][: self._max_items - 1]
            taken = set(map(id, others))
            self._waiting = [entry for entry in self._waiting if id(entry) not in taken]
        batch = [mine, *others]
        try:
            self._settle(batch)
        except BaseException as error:  # such as KeyboardInterrupt in this thread: the others must not wait for ever
            for one in others:
                if one.answer is None and one.error is None:
                    words = f"the thread that sent it was interrupted: {type(error).__name__}"
                    cancelled = ServiceError(grpc.StatusCode.CANCELLED, words)
                    one.error = error if isinstance(error, Exception) else cancelled
            raise
        finally:
            self._hand_over()
            for one in others:
                one.told.set()

    def _hand_over(self) -> None:
        """Lets the first of those that wait lead, or nobody."""
        with self._lock:
            successor = next((entry for entry in self._waiting if not entry.leads), None)
            if successor is None:
                self._leaders -= 1
            else:
                successor.leads = True
        if successor is not None:
            successor.told.set()

    def _leave(self, mine: _Entry) -> None:
        """Takes an item back whose caller no longer waits, and the lead that it may have been given meanwhile."""
        with self._lock:
            waits = mine in self._waiting
            if waits:
                self._waiting.remove(mine)
        if waits and mine.leads:
            self._hand_over()

    def _settle(self, batch: list[_Entry]) -> None:
        try:
            verdicts = self._ask([one.item for one in batch])
        except InputError as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:
                self._settle([one])
        except Exception as error:
            for one in batch:
                one.error = error
        else:
            for one, verdict in zip(batch, verdicts, strict=True):
                one.answer = verdict

    def _ask(self, items: list[_Item]) -> list[Verdict]:
        try:
            return list(self._client.verify_batch(self._scheme, *_columns(items), **self._options))
        except ServiceError as error:
            return self._local(items, error)
