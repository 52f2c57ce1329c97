"""The chain that every call passes on its way to its handler: the seam for metrics, authentication and limits.

`chain` is the one place that says which interceptors there are and in which order. Handlers and interceptors
simply raise: `pycore.InputError`, `RefusedError`, whatever `pycore.wire.errors` knows; it becomes the status
of the call, and gRPC's bare UNKNOWN never leaves this service. A call that was aborted with another status
is left alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import grpc

from pycore.service.request_ids import trailing
from pycore.wire.errors import to_failure
from pycore.wire.schema import SERVICE_NAME

Interceptor: TypeAlias = "grpc.aio.ServerInterceptor[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler]]"


def chain(*others: Interceptor) -> Sequence[Interceptor]:
    """The interceptors of a server, outermost first; `others` stand next to the handlers. The list is empty
    without them: handlers are `translated` already, and gRPC takes a shorter path where nothing intercepts.
    """
    return (Statuses(), *others) if others else ()


def translated(handler: Handler, name: str) -> Handler:
    """A handler of the RPC `name`, with what it raises as the status of the call."""
    if handler.stream_stream:
        return like(handler, _streaming(handler.stream_stream, name))
    return like(handler, _single(handler.unary_unary or handler.stream_unary, name))


class Statuses(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Translates what other interceptors raise. Health and reflection are outside it."""

    def __init__(self) -> None:
        self._prefix = f"/{SERVICE_NAME}/"

    async def intercept_service(self, continuation: Continuation, details: grpc.HandlerCallDetails) -> Handler:
        """The handler, with what it raises translated."""
        method: str = details.method
        if not method.startswith(self._prefix):
            return await continuation(details)
        name = method.removeprefix(self._prefix)
        try:
            handler: Any = await continuation(details)
        except Exception as error:
            return _refusal(error, name)
        if handler is None:  # which the stubs forget: there is no such method, and gRPC says UNIMPLEMENTED
            return None  # type: ignore[return-value]
        return translated(handler, name)


def _single(behaviour: Any, name: str) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        try:
            return await behaviour(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _abort(context, error, name)

    return answer


def _streaming(behaviour: Any, name: str) -> Any:
    async def answer(requests: Any, context: Any) -> AsyncIterator[Any]:
        try:
            async with contextlib.aclosing(behaviour(requests, context)) as answers:
                async for one in answers:
                    yield one
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _abort(context, error, name)

    return answer


def _refusal(error: Exception, name: str) -> Handler:
    async def answer(_: Any, context: Any) -> None:
        await _abort(context, error, name)

    return grpc.unary_unary_rpc_method_handler(answer)  # a stream is refused at its first message, or its end


async def _abort(context: Any, error: Exception, name: str) -> None:
    failure = to_failure(error, name)
    await context.abort(failure.code, failure.message, (*failure.trailing_metadata, *trailing()))


def like(handler: Any, behaviour: Any) -> Handler:
    """A handler of the same kind with another behaviour."""
    if handler.stream_stream:
        make: Any = grpc.stream_stream_rpc_method_handler
    elif handler.stream_unary:
        make = grpc.stream_unary_rpc_method_handler
    else:
        make = grpc.unary_unary_rpc_method_handler
    made: Handler = make(behaviour, handler.request_deserializer, handler.response_serializer)
    return made
