"""What sees every call from its first byte to its last, and every piece of work: identifiers, figures and traces.

It is the outermost part of every handler, so a call has its identifier before anything can go wrong with it, and its
status when it is counted. Work is reported by the admission, on the worker's thread; small requests that are done
together by the joiner.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import grpc

from pycore.service.config import ServiceConfig
from pycore.service.interceptors import Handler, like
from pycore.service.metrics import Metrics, judged
from pycore.service.request_ids import KEY, Request, current_request, request_id
from pycore.service.work import Work
from pycore.wire.errors import to_code

if TYPE_CHECKING:
    from pycore.service.tracing import Tracing

__all__ = ["Watch", "tracing_of"]


class Watch:
    """The observer of a service. Work may be reported by any thread.

    Args:
        metrics: what counts.
        tracing: what traces; None for nothing.
    """

    def __init__(self, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self.metrics = metrics
        self._tracing = tracing

    # ---- calls -------------------------------------------------------------------------------------------------------

    @property
    def traces(self) -> bool:
        """Whether calls have spans."""
        return self._tracing is not None

    def around(self, handler: Handler, rpc: str) -> Handler:
        """The handler of an RPC, watched. It must be the outermost: what is raised here has a status already."""
        if handler.stream_stream:
            return like(handler, self._streaming(handler.stream_stream, rpc))
        return like(handler, self._single(handler.unary_unary or handler.stream_unary, rpc))

    def _single(self, behaviour: Any, rpc: str) -> Any:
        async def answer(request: Any, context: Any) -> Any:
            one = self._begin(context, rpc)
            token = current_request.set(one)
            code = "CANCELLED"  # the only end that is neither an answer nor a status
            try:
                found = await behaviour(request, context)
                code = "OK"
                return found
            except (Exception, asyncio.CancelledError) as error:
                code = _code_of(context, error)
                raise
            finally:
                current_request.reset(token)
                self._end(one, rpc, code)

        return answer

    def _streaming(self, behaviour: Any, rpc: str) -> Any:
        async def answer(requests: Any, context: Any) -> AsyncIterator[Any]:
            with self._watched(context, rpc):
                async with aclosing(behaviour(requests, context)) as answers:
                    async for one in answers:
                        yield one

        return answer

    def _begin(self, context: Any, rpc: str) -> Request:
        metadata = context.invocation_metadata() or ()
        one = Request(request_id(metadata))
        if self._tracing is not None:
            self._tracing.begin(one, rpc, metadata)
        context.set_trailing_metadata(((KEY, one.id),))
        self.metrics.began()
        return one

    def _end(self, one: Request, rpc: str, code: str) -> None:
        self.metrics.ended(rpc, code, time.perf_counter() - one.began)
        if one.span is not None and self._tracing is not None:
            self._tracing.end(one, code)

    @contextmanager
    def _watched(self, context: Any, rpc: str) -> Iterator[None]:
        """As `_single` does, for streams."""
        one = self._begin(context, rpc)
        token = current_request.set(one)
        code = "CANCELLED"
        try:
            yield
            code = "OK"
        except (Exception, asyncio.CancelledError) as error:
            code = _code_of(context, error)
            raise
        finally:
            with contextlib.suppress(ValueError):  # a stream may be closed from another context than it began in
                current_request.reset(token)
            self._end(one, rpc, code)

    # ---- work --------------------------------------------------------------------------------------------------------

    def waited(self, seconds: float) -> None:
        """Work of the current call has come to a worker."""
        self.metrics.waited(seconds)
        if self._tracing is not None:
            self._tracing.past("queue", seconds)

    def worked(self, work: Work, result: Any, seconds: float) -> None:
        """Work of the current call is done."""
        judgements = list(judged(work, result))
        self.metrics.worked(work, seconds, judgements)
        if self._tracing is not None:
            self._tracing.past("kernel", seconds, work, judgements)

    def joined(self, requests: Sequence[tuple[Request | None, float]]) -> contextlib.AbstractContextManager[None]:
        """Small requests are done together inside the block: each with how long it has waited, in seconds."""
        for _, waited in requests:
            self.metrics.held(waited)
        self.metrics.joined(len(requests))
        return contextlib.nullcontext() if self._tracing is None else self._tracing.joined(requests)

    def answered(self, work: Work, result: Any) -> None:
        """The current call's part of what was done together."""
        if self._tracing is not None:
            self._tracing.describe(work, list(judged(work, result)))


def _code_of(context: Any, error: BaseException) -> str:
    """The status of a call that has no answer. Where the front end ended it, its deadline for one, that has said so."""
    found = context.code()
    if isinstance(error, asyncio.CancelledError) and found in (None, 0, grpc.StatusCode.OK):
        return "CANCELLED"
    return to_code(found).name


def tracing_of(config: ServiceConfig) -> Tracing | None:
    """Traces as the settings have them. The libraries are loaded only where they are needed.

    Raises:
        OSError: they are not installed.
    """
    if config.trace_endpoint is None:
        return None
    try:
        from pycore.service.tracing import to_receiver
    except ImportError as error:
        words = f"trace_endpoint needs the extra: pip install 'pycore-validation[otel]' ({error})"
        raise OSError(words) from None
    return to_receiver(config.trace_endpoint, config.trace_share)
