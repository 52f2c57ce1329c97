"""One handler per RPC: bytes in, bytes out.

Requests arrive as bytes and are parsed here, not by gRPC: the bytes are counted against the bounds before anything is
built from them, large ones are parsed off the loop, and what does not parse is INVALID_ARGUMENT with words instead of a
bare INTERNAL. Every handler ends in an answer or in a status of `status.to_failure`; gRPC's UNKNOWN never leaves this
service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message

from pycore._pb.validation.v1 import merkle_pb2, signature_pb2, validation_service_pb2
from pycore.errors import InputError
from pycore.service import trees, tries
from pycore.service.admission import Admission, Ticket
from pycore.service.workers import Workers
from pycore.wire import errors as status
from pycore.wire import messages as wire
from pycore.wire.count import check_item_count

_log = logging.getLogger("pycore.service")

M = TypeVar("M", bound=Message)
D = TypeVar("D")
_Answers: TypeAlias = "asyncio.Queue[asyncio.Task[bytes] | status.Failure | None]"

SERVICE = validation_service_pb2.DESCRIPTOR.services_by_name["ValidationService"]
_STREAM = "VerifySignatureStream"
_APPEND = "AppendMerkleTree"
_DRAINED = "the service is shutting down; batches after the last answer were not read"
_CUT_OFF = "the service is shutting down; the tree was not finished"
_PARSE_ON_LOOP_BYTES = 256 * 1024  # parses in well under a millisecond, or some milliseconds at the hostile worst

_DECODERS: dict[str, Callable[[Any, wire.Settings], wire.Call]] = {
    "VerifySignatures": wire.decode_verify_signatures,
    "HashBatch": wire.decode_hash_batch,
    "BuildMerkleTree": wire.decode_build_merkle_tree,
    "VerifyInclusion": wire.decode_verify_inclusion,
    "VerifyMultiproof": trees.decode_verify_multiproof,
    "VerifyConsistency": trees.decode_verify_consistency,
    "VerifySparse": trees.decode_verify_sparse,
    "VerifyTrie": tries.decode_verify_trie,
    "ValidateBlock": wire.decode_validate_block,
    "GetCapabilities": wire.decode_get_capabilities,
}

Context = grpc.aio.ServicerContext[bytes, bytes]


class ValidationServicer:
    """The RPCs of pycore.validation.v1.ValidationService.

    Args:
        admission: admits and runs the work.
        parsers: where large requests are parsed, so that they need not queue behind the work twice.
        settings: limits per request, and what GetCapabilities tells of them.
        stream_window: batches of one stream that are in progress at once.
    """

    def __init__(self, admission: Admission, parsers: Workers, settings: wire.Settings, stream_window: int = 4) -> None:
        self._admission = admission
        self._parsers = parsers
        self._settings = settings
        self._stream_window = stream_window
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Makes every open stream answer what it has read and then end with UNAVAILABLE."""
        self._draining.set()

    def handlers(self) -> grpc.GenericRpcHandler[bytes, bytes]:
        """The handlers of every method of the service descriptor."""
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
        for method in SERVICE.methods:
            if method.name == _STREAM:
                methods[method.name] = grpc.stream_stream_rpc_method_handler(self._verify_signature_stream)
            elif method.name == _APPEND:
                methods[method.name] = grpc.stream_unary_rpc_method_handler(self._append_merkle_tree)
            else:
                request_type = message_factory.GetMessageClass(method.input_type)
                methods[method.name] = grpc.unary_unary_rpc_method_handler(
                    self._unary(method.name, request_type, _DECODERS[method.name])
                )
        return grpc.method_handlers_generic_handler(SERVICE.full_name, methods)

    def _unary(
        self, name: str, request_type: type[M], decode: Callable[[M, wire.Settings], wire.Call]
    ) -> Callable[[bytes, Context], Awaitable[bytes]]:
        async def answer(raw: bytes, context: Context) -> bytes:
            try:
                deadline = self._deadline(context)
                with self._admission.admit(len(raw)) as ticket:
                    call = await self._decoded(ticket, raw, request_type, decode, deadline)
                    ticket.add_items(call.items)
                    return await ticket.run(call.run, deadline=deadline, what=name)
            except Exception as error:
                failure = status.to_failure(error, name)
            await context.abort(failure.code, failure.message, failure.trailing_metadata)
            raise AssertionError("abort always raises")

        return answer

    def _deadline(self, context: Context) -> float | None:
        remaining: float | None = context.time_remaining()  # None without a deadline, whatever the stubs say
        return None if remaining is None else self._admission.clock() + remaining

    async def _decoded(
        self,
        ticket: Ticket,
        raw: bytes,
        request_type: type[M],
        decode: Callable[[M, wire.Settings], D],
        deadline: float | None,
    ) -> D:
        def work() -> D:
            check_item_count(raw, request_type, self._settings.limits.max_batch_items)
            return decode(_parse(raw, request_type), self._settings)

        if len(raw) <= _PARSE_ON_LOOP_BYTES:
            return decode(_parse(raw, request_type), self._settings)
        what = f"parsing a {request_type.DESCRIPTOR.name}"
        return await ticket.run(work, deadline=deadline, workers=self._parsers, what=what)

    # ---- trees in pieces ---------------------------------------------------------------------------------------------

    async def _append_merkle_tree(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        """Appends message by message; the next is read when the one before is hashed, so the peer is slowed down."""
        draining = asyncio.create_task(self._draining.wait())
        deadline = self._deadline(context)
        growth: trees.Growth | None = None

        def decode(
            request: merkle_pb2.AppendMerkleTreeRequest, settings: wire.Settings
        ) -> tuple[trees.Growth, wire.Call]:
            tree = growth or trees.Growth(request, settings)
            return tree, tree.call(request)

        try:
            while (raw := await _next_unless(draining, requests)) is not None:
                ticket = await self._admission.admit_when_free(len(raw))
                with ticket:
                    request_type = merkle_pb2.AppendMerkleTreeRequest
                    growth, call = await self._decoded(ticket, raw, request_type, decode, deadline)
                    await ticket.add_items_when_free(call.items)
                    await ticket.run(call.run, deadline=deadline, what=_APPEND)
            if draining.done():
                failure = status.unavailable(_CUT_OFF)
            elif growth is None:
                raise InputError("request", "no message", "at least one")
            else:
                return growth.finish()
        except Exception as error:
            failure = status.to_failure(error, _APPEND)
        finally:
            draining.cancel()
        await context.abort(failure.code, failure.message, failure.trailing_metadata)
        raise AssertionError("abort always raises")

    # ---- the stream --------------------------------------------------------------------------------------------------

    async def _verify_signature_stream(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        answers: _Answers = asyncio.Queue(self._stream_window)
        tasks: set[asyncio.Task[Any]] = set()
        reader = asyncio.create_task(self._read_stream(requests, answers, tasks, self._deadline(context)))
        failure = None
        try:
            while (answer := await answers.get()) is not None:
                if isinstance(answer, status.Failure):
                    failure = answer
                    break
                try:
                    message = await answer
                except Exception as error:  # it did not even parse: there is no id to answer to
                    failure = status.to_failure(error, _STREAM)
                    break
                yield message
        finally:
            reader.cancel()
            for task in tasks:
                task.cancel()
        if failure is not None:
            await context.abort(failure.code, failure.message, failure.trailing_metadata)

    async def _read_stream(
        self, requests: AsyncIterator[bytes], answers: _Answers, tasks: set[asyncio.Task[Any]], deadline: float | None
    ) -> None:
        """Reads batches while there is room for them; the peer is slowed down by HTTP/2 flow control, not refused."""
        draining = asyncio.create_task(self._draining.wait())
        try:
            while (raw := await _next_unless(draining, requests)) is not None:
                ticket = await self._admission.admit_when_free(len(raw))
                task = asyncio.create_task(self._stream_answer(ticket, raw, deadline))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                task.add_done_callback(_releaser(ticket))  # also when it is cancelled before its first step
                await answers.put(task)
            await answers.put(status.unavailable(_DRAINED) if draining.done() else None)
        except Exception as error:
            await answers.put(status.to_failure(error, _STREAM))
        finally:
            draining.cancel()

    async def _stream_answer(self, ticket: Ticket, raw: bytes, deadline: float | None) -> bytes:
        request_type = signature_pb2.VerifySignatureStreamRequest
        number, call = await self._decoded(ticket, raw, request_type, _decode_stream, deadline)
        answer = signature_pb2.VerifySignatureStreamResponse(id=number)
        try:
            if isinstance(call, Exception):
                raise call
            await ticket.add_items_when_free(call.items)
            response = await ticket.run(call.run, deadline=deadline, what=_STREAM)
            answer.verdicts.CopyFrom(signature_pb2.VerifySignaturesResponse.FromString(response).verdicts)
        except Exception as error:
            answer.error.CopyFrom(status.to_batch_error(status.to_failure(error, _STREAM)))
        return answer.SerializeToString()


async def _next_unless(draining: asyncio.Task[Any], requests: AsyncIterator[bytes]) -> bytes | None:
    """The next batch; None at the end of the stream or when the service drains."""
    following = asyncio.ensure_future(anext(requests, None))
    try:
        await asyncio.wait({following, draining}, return_when=asyncio.FIRST_COMPLETED)
        return following.result() if following.done() else None
    finally:
        following.cancel()


def _decode_stream(
    request: signature_pb2.VerifySignatureStreamRequest, settings: wire.Settings
) -> tuple[int, wire.Call | Exception]:
    """The id, and the batch or what is wrong with it: a malformed batch is answered under its id."""
    try:
        return request.id, wire.decode_verify_signatures(request.batch, settings)
    except InputError as error:
        return request.id, error


def _releaser(ticket: Ticket) -> Callable[[object], None]:
    return lambda _: ticket.release()


def _parse(raw: bytes, request_type: type[M]) -> M:
    try:
        return request_type.FromString(raw)
    except DecodeError:
        name = request_type.DESCRIPTOR.full_name
        raise InputError("request", f"{len(raw)} bytes that do not parse", f"a serialised {name}") from None
