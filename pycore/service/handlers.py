"""A handler per RPC: bytes in, bytes out. The families of RPCs say what is in them; here is how they are carried.

Requests arrive as bytes and are parsed here, not by gRPC: the bytes are counted against the bounds before
anything is built from them, large ones are parsed off the loop, and what does not parse is INVALID_ARGUMENT
with words instead of a bare INTERNAL. An answer is serialised once, on the worker that computed it. Whatever
a handler raises becomes a status in `interceptors.translated`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, closing
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.service import (
    rpc_blocks,
    rpc_bundles,
    rpc_capabilities,
    rpc_consensus,
    rpc_hashes,
    rpc_ics23,
    rpc_runs,
    rpc_signatures,
    rpc_trees,
    rpc_tries,
    rpc_votes,
)
from pycore.service.admission import Admission, Ticket
from pycore.service.batching import Joiner, joint
from pycore.service.door import Door, door
from pycore.service.guard import Guard
from pycore.service.interceptors import translated
from pycore.service.lane_threads import on_the_loop
from pycore.service.pieces import is_short
from pycore.service.priorities import Priority
from pycore.service.shapes import MOST_BYTES, Shapes
from pycore.service.stream import PARSE_HERE_BYTES, Stream, Ways
from pycore.service.watch import Watch
from pycore.service.work import Batches, Chained, Pieces, Rpc, Run, Unary, Work
from pycore.service.workers import Workers
from pycore.wire.count import check_item_count
from pycore.wire.refusals import DrainingError
from pycore.wire.schema import METHODS, SERVICE_NAME, Method
from pycore.wire.settings import Settings

M = TypeVar("M", bound=Message)
D = TypeVar("D")
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"

_HALTED = "the service is shutting down; blocks after the last answer have none: go on from its checkpoint"
_CUT_OFF = "the service is shutting down; the requests after the last were not read, and there is no answer"
_LARGE_BYTES = 2 << 20
_MOST_KNOWN, _MOST_KNOWN_VERDICTS = 64, 2048  # answers of each RPC that are kept, and their size

_FAMILIES = (
    rpc_signatures, rpc_hashes, rpc_trees, rpc_tries, rpc_ics23, rpc_blocks, rpc_runs, rpc_bundles, rpc_consensus,
    rpc_votes, rpc_capabilities,
)  # fmt: skip
RPCS: dict[str, Rpc] = {name: rpc for family in _FAMILIES for name, rpc in family.RPCS.items()}
KINDS: dict[str, Run] = {name: run for family in _FAMILIES for name, run in family.KINDS.items()}
"""How each kind of work is done."""


def execute(work: Work, settings: Settings) -> Any:
    """The result of a work."""
    return KINDS[work.kind](work, settings)


class Handlers:
    """The RPCs of pycore.validation.v1.ValidationService.

    Args:
        admission: admits and runs the work.
        parsers: where large requests are parsed, so that they need not queue behind the work twice.
        settings: limits per request, and what GetCapabilities tells of them.
        guard: what calls pass first.
        watch: what sees them.
        joiner: runs the work of single requests.
        stream_window: batches of one stream that are in progress at once.
    """

    def __init__(
        self,
        admission: Admission,
        parsers: Workers,
        settings: Settings,
        guard: Guard,
        watch: Watch,
        joiner: Joiner,
        stream_window: int = 4,
    ) -> None:
        self._watch = watch
        self._joiner = joiner
        self._guard = guard
        self._admission = admission
        self._parsers = parsers
        self._settings = settings
        self._stream_window = stream_window
        self._draining = asyncio.Event()
        self._streams: set[Stream] = set()

    def drain(self) -> None:
        """Makes every open stream answer what it has read and then end with UNAVAILABLE."""
        self._draining.set()
        for stream in self._streams:
            stream.drain()

    def generic(self) -> grpc.GenericRpcHandler[bytes, bytes]:
        """What gRPC serves."""
        return grpc.method_handlers_generic_handler(SERVICE_NAME, self.methods())

    def methods(self) -> dict[str, Any]:
        """The handlers of every method of the service descriptor."""
        guard, watch = self._guard, self._watch
        return {
            name: watch.around(translated(guard.around(self._handler(method, RPCS[name]), name), name), name)
            for name, method in METHODS.items()
        }

    def doors(self) -> dict[str, Door]:
        """What turns calls away, by their path: for a front end that can ask before it begins a call."""
        found = {name: door(self._guard, self._watch, name) for name in METHODS if isinstance(RPCS[name], Unary)}
        return {f"/{SERVICE_NAME}/{name}": one for name, one in found.items() if one is not None}

    def _handler(self, method: Method, rpc: Rpc) -> grpc.RpcMethodHandler[bytes, bytes]:
        if isinstance(rpc, Batches):
            return grpc.stream_stream_rpc_method_handler(self._batches(method, rpc))
        if isinstance(rpc, Chained):
            return grpc.stream_stream_rpc_method_handler(_Chain(self, method, rpc).answer)
        if isinstance(rpc, Pieces):
            return grpc.stream_unary_rpc_method_handler(self._pieces(method, rpc))
        return grpc.unary_unary_rpc_method_handler(self._unary(method, rpc))

    def _unary(self, method: Method, rpc: Unary) -> Callable[[bytes, Context], Awaitable[bytes]]:
        """Where a context can `deliver`, the answer leaves from the worker, before the call has ended here."""
        known: dict[bytes, bytes] = {}  # answers by their verdicts: mostly all are VALID

        def serialised(result: Any) -> bytes:
            if type(result) is not Verdicts or len(result) > _MOST_KNOWN_VERDICTS:
                return rpc.encode(result).SerializeToString()
            codes = result.codes.tobytes()
            found = known.get(codes)
            if found is None:
                found = rpc.encode(result).SerializeToString()
                if len(known) >= _MOST_KNOWN:
                    known.clear()
                known[codes] = found
            return found

        shapes = Shapes(rpc.rows) if rpc.rows else None

        async def answer(raw: bytes, context: Context) -> bytes:
            deliver = getattr(context, "deliver", None)
            made = serialised if deliver is None else _delivered(serialised, deliver)
            deadline = self._deadline(context)
            begun = getattr(context, "begun", None)
            if begun is not None and len(raw) <= PARSE_HERE_BYTES:
                return await self._here(method, rpc, raw, made, deadline, begun)
            with self._admission.admit(len(raw)) as ticket:
                shaped = shapes.recognise(raw) if shapes is not None else None
                if shaped is not None:
                    work: Work = shaped
                else:
                    work = await self._decoded(ticket, raw, method.request, rpc.decode, deadline, rpc.parse)
                    if shapes is not None and len(raw) <= MOST_BYTES:
                        shapes.learn(raw, work, joint(work))
                ticket.add_items(work.cost)
                return await self._joiner.run(ticket, work, made, deadline=deadline, what=method.name)

        return answer

    async def _here(
        self, method: Method, rpc: Unary, raw: bytes, made: Callable[[Any], bytes], deadline: float | None,
        begun: Callable[[Callable[[], None]], None],
    ) -> bytes:  # fmt: skip
        """The answer to a call that is on another thread than the loop's, and stays there where nothing waits and a
        worker's place is free."""
        workers, what = self._admission.workers, method.name
        with self._admission.admit(len(raw)) as ticket:
            work = self._parsed_here(raw, method.request, rpc.decode, rpc.parse)
            ticket.add_items(work.cost)
            if is_short(work) and self._joiner.begins_alone(work) and workers.enter(ticket.priority):
                try:
                    return self._joiner.run_here(ticket, work, made, deadline=deadline, what=what, begun=begun)
                finally:
                    workers.leave(ticket.priority)
            await on_the_loop()
            return await self._joiner.run(ticket, work, made, deadline=deadline, what=what)

    def _pieces(self, method: Method, rpc: Pieces) -> Callable[[AsyncIterator[bytes], Context], Awaitable[bytes]]:
        """Reads request by request; the next when the work of the one before is done, so the peer is slowed down."""

        async def answer(requests: AsyncIterator[bytes], context: Context) -> bytes:
            draining = asyncio.create_task(self._draining.wait())
            deadline = self._deadline(context)
            whole: Any = None

            def decode(request: Any, settings: Settings) -> tuple[Any, Work]:
                begun = rpc.begin(request, settings) if whole is None else whole
                return begun, rpc.decode(begun, request, settings)

            try:
                while (raw := await _next_unless(draining, requests)) is not None:
                    with await self._admission.admit_when_free(len(raw)) as ticket:
                        whole, work = await self._decoded(ticket, raw, method.request, decode, deadline)
                        await ticket.add_items_when_free(work.cost)
                        await ticket.run(work, _nothing, deadline=deadline, what=method.name)
                if draining.done():
                    raise DrainingError(_CUT_OFF)
                if whole is None:
                    raise InputError("request", "no message", "at least one")
                return rpc.encode(whole).SerializeToString()
            finally:
                draining.cancel()

        return answer

    def _batches(self, method: Method, rpc: Batches) -> Callable[[AsyncIterator[bytes], Context], AsyncIterator[bytes]]:
        def ways(deadline: float | None) -> Ways:
            return Ways(self._admission, rpc, method, deadline, self._parsed_here, self._decoded)

        async def answer(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            stream = Stream(ways(self._deadline(context)), self._stream_window)
            self._streams.add(stream)
            if self._draining.is_set():
                stream.drain()
            try:
                async with aclosing(stream.answers(requests)) as answers:
                    async for one in answers:
                        yield one
            finally:
                self._streams.discard(stream)

        return answer

    def _deadline(self, context: Context) -> float | None:
        remaining: float | None = context.time_remaining()  # None without a deadline, whatever the stubs say
        return None if remaining is None else self._admission.clock() + remaining

    def _parsed_here(
        self,
        raw: bytes,
        request_type: type[M],
        decode: Callable[[M, Settings], D],
        parse_as: Callable[[bytes], M] | None = None,
    ) -> D:
        """What `_decoded` gives for a request that is small enough to be parsed on the loop."""
        return decode(_parse(raw, request_type, parse_as), self._settings)

    async def _decoded(
        self,
        ticket: Ticket,
        raw: bytes,
        request_type: type[M],
        decode: Callable[[M, Settings], D],
        deadline: float | None,
        parse_as: Callable[[bytes], M] | None = None,
    ) -> D:
        def parse() -> D:
            check_item_count(raw, request_type, self._settings.limits.max_batch_items)
            return decode(_parse(raw, request_type, parse_as), self._settings)

        if len(raw) <= PARSE_HERE_BYTES:
            return self._parsed_here(raw, request_type, decode, parse_as)
        what = f"parsing a {request_type.DESCRIPTOR.name}"
        # Large ones parse as audits compute: they never hold the last thread, so the others do not wait for them.
        priority = Priority.AUDITS if len(raw) > _LARGE_BYTES else None
        return await ticket.call(parse, deadline=deadline, workers=self._parsers, what=what, priority=priority)


class _Chain:
    """The handler of a stream of requests that go on from each other: works and answers in order.

    While a request is worked on the next one may arrive. It is admitted when its turn comes, so a peer that does not
    read its answers holds no room that others could use. Earlier requests of which something is kept are admitted with
    it, and hold no room in between: streams that did would wait for each other.
    """

    def __init__(self, handlers: Handlers, method: Method, rpc: Chained) -> None:
        self._handlers = handlers
        self._method = method
        self._rpc = rpc

    async def answer(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        draining = asyncio.create_task(self._handlers._draining.wait())
        following = asyncio.create_task(_next_unless(draining, requests))
        deadline = self._handlers._deadline(context)
        whole: Any = None
        try:
            while (raw := await following) is not None:
                following = asyncio.create_task(_next_unless(draining, requests))
                held = self._rpc.held(whole) if whole is not None else 0
                with await self._handlers._admission.admit_when_free(len(raw) + held) as ticket:
                    whole, answers, failure = await self._work(ticket, raw, whole, deadline)
                raw = b""  # the peer may be slow to read its answers
                with closing(self._handlers._guard.leaving(answers)) as leaving:
                    for one in leaving:
                        yield one
                if failure is not None:
                    raise failure
            if draining.done():
                raise DrainingError(_HALTED)
            if whole is None:
                raise InputError("request", "no message", "at least one")
            if (rest := self._rpc.end(whole)) is not None:
                with await self._handlers._admission.admit_when_free(self._rpc.held(whole)) as ticket:
                    answers, failure = await self._done(ticket, rest, deadline)
                with closing(self._handlers._guard.leaving(answers)) as leaving:
                    for one in leaving:
                        yield one
                if failure is not None:
                    raise failure
        finally:
            following.cancel()
            draining.cancel()

    async def _work(
        self, ticket: Ticket, raw: bytes, whole: Any, deadline: float | None
    ) -> tuple[Any, list[bytes], Exception | None]:
        """What goes on, the answers to a request, and what ends the stream behind them."""
        rpc, method = self._rpc, self._method

        def decode(request: Any, settings: Settings) -> tuple[Any, Work]:
            begun = rpc.begin(request, settings) if whole is None else whole
            return begun, rpc.decode(begun, request, settings)

        begun, work = await self._handlers._decoded(ticket, raw, method.request, decode, deadline, rpc.parse)
        return begun, *await self._done(ticket, work, deadline)

    async def _done(self, ticket: Ticket, work: Work, deadline: float | None) -> tuple[list[bytes], Exception | None]:
        """The answers that a work has, and what ends the stream behind them."""

        def serialised(result: Any) -> tuple[list[bytes], Exception | None]:
            answers, failure = self._rpc.encode(result)
            return [answer.SerializeToString() for answer in answers], failure

        await ticket.add_items_when_free(work.cost)
        return await ticket.run(work, serialised, deadline=deadline, what=self._method.name)


async def _next_unless(draining: asyncio.Task[Any], requests: AsyncIterator[bytes]) -> bytes | None:
    """The next request; None at the end of the stream or when the service drains."""
    following = asyncio.ensure_future(anext(requests, None))
    try:
        await asyncio.wait({following, draining}, return_when=asyncio.FIRST_COMPLETED)
        return following.result() if following.done() else None
    finally:
        following.cancel()


def _delivered(serialised: Callable[[Any], bytes], deliver: Callable[[bytes], None]) -> Callable[[Any], bytes]:
    """Also hands the answer to its caller, on the thread that made it."""

    def answer(result: Any) -> bytes:
        found = serialised(result)
        deliver(found)
        return found

    return answer


def _nothing(_: Any) -> None:
    """The answer to a request that is not the last."""


def _parse(raw: bytes, request_type: type[M], parse_as: Callable[[bytes], M] | None = None) -> M:
    try:
        return (parse_as or request_type.FromString)(raw)
    except DecodeError:
        name = request_type.DESCRIPTOR.full_name
        raise InputError("request", f"{len(raw)} bytes that do not parse", f"a serialised {name}") from None
