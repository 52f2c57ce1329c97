"""A call before anything is sent: a plan of requests, and what becomes of the answers.

Each call is written once, as a method that gives a `Plan` (or a `Feed`, where requests are made from items
as they come) and is marked with `call` or `stream`. A client that blocks and one that awaits make of it the
method that their callers use: they differ in how bytes move, and in nothing else. Arguments are checked
while the plan is made, as the in-process functions check them, so a malformed call raises the same
InputError without a round trip.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import grpc

from pycore.base.columns import BatchOfBytes, Column, as_column, same_n
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.client.flow import AsyncGate, Gate
from pycore.wire.columns import from_verdicts, join_verdicts
from pycore.wire.errors import ServiceError

CALL_SETTINGS = ("priority", "request_id", "timeout")
"""Settings of a client that each of its calls takes as well, as keywords."""

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


@dataclass(frozen=True)
class Budget:
    """How much one message may carry before a batch is sent as several."""

    items: int
    nbytes: int


@dataclass(frozen=True)
class Plan(Generic[R]):
    """The requests of one call, made when they are sent, and how their answers become the result.

    Attributes:
        method: the RPC, which is called once per request.
        count: how many requests there are: more than one when the batch is larger than a message should be.
        requests: the requests.
        combine: the result of all answers, in the order of the requests.
    """

    method: str
    count: int
    requests: Iterable[Any]
    combine: Callable[[Sequence[Any]], R]

    def then(self, change: Callable[[R], S]) -> Plan[S]:
        """The same requests, another result."""
        combine = self.combine
        return Plan(self.method, self.count, self.requests, lambda answers: change(combine(answers)))


@dataclass
class Feed(Generic[R]):
    """A stream whose requests are made of what a caller gives, while it goes on.

    Attributes:
        method: the RPC.
        items: what the caller gives; read ahead of the answers. Asynchronous ones are for clients that await.
        messages: the requests of an item.
        rest: the requests after the last item.
        take: the result of an answer; None where it takes more answers.
        spread: `take` gives a list of results, each a result of the stream.
        waiting: whether answers are still to come.
        count: how many requests there will be, where that is known: time is allowed for each.
        pending: how many requests have no answer that was taken; 0 where requests are not answered one by one.
        again: the same feed from its beginning, where that can be had: what is not answered may be sent again.
        failure: what reading the items or making requests of them raised; the stream ends before it.
    """

    method: str
    items: Iterable[Any] | AsyncIterable[Any]
    messages: Callable[[Any], Iterable[Any]]
    take: Callable[[Any], Any]
    rest: Callable[[], Iterable[Any]] = tuple
    waiting: Callable[[], bool] = bool
    count: int | None = None
    failure: Exception | None = None
    spread: bool = False
    pending: Callable[[], int] = int
    again: Callable[[], Feed[R]] | None = None

    def results(self, answer: Any) -> Sequence[R]:
        """The results that an answer completes."""
        found = self.take(answer)
        if self.spread:
            results: Sequence[R] = found
            return results
        return () if found is None else (found,)

    def then(self, change: Callable[[R], S]) -> Feed[S]:
        """The same requests, other results."""
        take = self.take

        def changed(answer: Any) -> S | None:
            result = take(answer)
            return None if result is None else change(result)

        again = None if self.again is None else lambda: self.again().then(change)  # type: ignore[misc]
        return replace(self, take=changed, again=again)  # type: ignore[arg-type, return-value]

    def end(self) -> None:
        """After the last answer: raises what making the requests raised, as the service knows nothing of it."""
        if self.failure is not None:
            raise self.failure

    def only(self, answer: Any) -> R:
        """The result of the one answer that a stream of requests has."""
        result: R | None = self.take(answer)
        assert result is not None, "one answer has its result"
        return result

    def requests(self, gate: Gate) -> Iterator[Any]:
        """The requests. gRPC would swallow what this raises in another thread, so it ends and keeps it."""
        try:
            for item in gate.paced(self.items):  # type: ignore[arg-type]
                yield from gate.paced(self.messages(item))
            yield from gate.paced(self.rest())
        except Exception as error:
            self.failure = error

    async def requests_async(self, gate: AsyncGate) -> AsyncIterator[Any]:
        """As `requests`, of items of either kind."""
        try:
            async for item in gate.paced(self.items):
                async for request in gate.paced(self.messages(item)):
                    yield request
            async for request in gate.paced(self.rest()):
                yield request
        except Exception as error:
            self.failure = error


# ---- one method, two clients -----------------------------------------------------------------------------------------


class Caller:
    """The part of a client that its calls may know."""

    _budget: Budget
    _takes_parts = False  # requests may be views of what the caller gave: they are sent before the call returns

    def using(self, **changes: Any) -> Any:
        """The client with other settings of calls."""
        raise NotImplementedError


class Blocking(Caller):
    """A client whose calls return when they are answered."""

    def _run(self, plan: Plan[R] | Feed[R]) -> R:
        raise NotImplementedError

    def _stream(self, feed: Feed[R]) -> Generator[R, None, None]:
        raise NotImplementedError


class Awaiting(Caller):
    """A client whose calls are awaited."""

    async def _run(self, plan: Plan[R] | Feed[R]) -> R:
        raise NotImplementedError

    def _stream(self, feed: Feed[R]) -> AsyncGenerator[R, None]:
        raise NotImplementedError


class _Either:
    """A method that a class has in one of two forms: for `Blocking`, or for `Awaiting` clients. `.plan` of
    either is the function that was marked."""

    def __init__(self, plan: Callable[..., Any], blocking: Any, awaiting: Any) -> None:
        self._forms = blocking, awaiting
        shown = inspect.signature(plan)
        result = str(shown.return_annotation).partition("[")[2].rpartition("]")[0]  # Plan[Verdicts] -> Verdicts
        for form in self._forms:
            functools.update_wrapper(form, plan)
            del form.__wrapped__
            form.plan = plan
            form.__signature__ = shown.replace(return_annotation=result)

    def _bound(self, client: Any, owner: Any) -> Any:
        form = self._forms[issubclass(owner or type(client), Awaiting)]
        return form if client is None else MethodType(form, client)


def _told(client: Any, options: dict[str, Any]) -> Any:
    """The client with the settings among the arguments of a call, which are taken out of them."""
    told = {name: options.pop(name) for name in CALL_SETTINGS if name in options}
    return client.using(**told) if told else client


class call(_Either, Generic[P, R]):  # noqa: N801 - a decorator
    """Marks a method that gives the plan of a call with one result."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[R] | Feed[R]]) -> None:
        def blocking(client: Any, *arguments: Any, **options: Any) -> Any:
            client = _told(client, options)
            return client._run(plan(client, *arguments, **options))

        async def awaiting(client: Any, *arguments: Any, **options: Any) -> Any:
            client = _told(client, options)
            return await client._run(plan(client, *arguments, **options))

        super().__init__(plan, blocking, awaiting)

    @overload
    def __get__(self, client: None, owner: Any = None) -> Any: ...
    @overload
    def __get__(self, client: Blocking, owner: Any = None) -> Callable[P, R]: ...
    @overload
    def __get__(self, client: Awaiting, owner: Any = None) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        return self._bound(client, owner)


class stream(_Either, Generic[P, R]):  # noqa: N801 - a decorator
    """Marks a method that gives the feed of a call with a result now and then: an iterator for the caller."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Feed[R]]) -> None:
        def blocking(client: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
            client = _told(client, options)
            yield from client._stream(plan(client, *arguments, **options))

        async def awaiting(client: Any, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
            client = _told(client, options)
            async with aclosing(client._stream(plan(client, *arguments, **options))) as results:
                async for result in results:
                    yield result

        super().__init__(plan, blocking, awaiting)

    @overload
    def __get__(self, client: None, owner: Any = None) -> Any: ...
    @overload
    def __get__(self, client: Blocking, owner: Any = None) -> Callable[P, Iterator[R]]: ...
    @overload
    def __get__(self, client: Awaiting, owner: Any = None) -> Callable[P, AsyncIterator[R]]: ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        return self._bound(client, owner)


# ---- what several families share -------------------------------------------------------------------------------------


def verdicts_of(n: int) -> Callable[[Sequence[Any]], Verdicts]:
    """How answers become the verdicts of a batch of n items."""

    def combined(answers: Sequence[Any]) -> Verdicts:
        return counted(n, [answer.verdicts for answer in answers])

    return combined


def counted(n: int, parts: Sequence[Any]) -> Verdicts:
    """The verdicts of the parts of a batch of n items. ServiceError where there are more or fewer: none is taken."""
    verdicts = from_verdicts(parts[0]) if len(parts) == 1 else join_verdicts(parts)
    if len(verdicts) != n:
        raise ServiceError(grpc.StatusCode.UNKNOWN, f"{len(verdicts)} verdicts for {n} items")
    return verdicts


def raise_unless_valid(verdict: Verdict) -> None:
    """What calls for one item raise."""
    if verdict is not Verdict.VALID:
        raise verdict_error(verdict)


def only(verdicts: Verdicts) -> None:
    """As `raise_unless_valid`, for a batch of one."""
    raise_unless_valid(verdicts[0])


def root_column(root: BatchOfBytes, size: int, n: int, reference: str) -> Column:
    """One root for a batch of n items, or one per item."""
    one = isinstance(root, (bytes, bytearray, memoryview))
    roots = as_column([root] if one else root, "root", widths=(size,))
    if roots.n != 1:
        same_n("root", roots, n, reference)
    return roots


def root_slice(roots: Column, start: int, stop: int) -> Column:
    """The roots of a part of the batch."""
    return roots if roots.n == 1 else roots.slice(start, stop)
