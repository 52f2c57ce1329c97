"""Clients of the validation service: the calls of `pycore`, with the same arguments and the same results, over gRPC.

    >>> from pycore.service.config import ServiceConfig
    >>> from pycore.service.server import background
    >>> with background(ServiceConfig(address="127.0.0.1:0")) as server, ValidationClient(server.target) as client:
    ...     client.hash("sha256", b"abc").hex()[:16]
    'ba7816bf8f01cfea'

A malformed call raises the same `pycore.InputError` as in process. When the service itself does not answer - it can not
be reached, is full, runs out of time - a `ServiceError` with the gRPC status code is raised.

Batches larger than `max_message_bytes` are sent as several messages, so that there is no limit on their size. `threads`
is accepted so that a program can switch between in-process and remote calls; the service decides how many threads it
uses.

Needs the `service` extra: `pip install pycore-validation[service]`.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import grpc
import numpy as np
from google.protobuf import message_factory
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from numpy.typing import NDArray

from pycore._pb.validation.v1 import signature_pb2, validation_service_pb2
from pycore.base.columns import BatchOfBytes, BytesLike, single
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.client import requests as plans
from pycore.client.trees import AsyncTreeCalls, TreeCalls
from pycore.errors import InputError
from pycore.ledgers.report import BlockReport
from pycore.wire.errors import ServiceError, from_rpc
from pycore.wire.messages import ServiceCapabilities

__all__ = ["AsyncValidationClient", "ServiceCapabilities", "ServiceError", "Tls", "ValidationClient"]

R = TypeVar("R")

_SERVICE = validation_service_pb2.DESCRIPTOR.services_by_name["ValidationService"]
_STREAM = "VerifySignatureStream"
_APPEND = "AppendMerkleTree"
_ANSWERS: dict[str, Any] = {
    method.name: message_factory.GetMessageClass(method.output_type) for method in _SERVICE.methods
}
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_WINDOW = 4  # unary requests of one call that are under way at once


@dataclass(frozen=True)
class Tls:
    """How a client trusts the server and shows who it is. Paths of PEM files.

    Attributes:
        root_certificates: who may have signed the server's certificate; None takes the roots that gRPC ships.
        certificate, private_key: the client's own, for mutual TLS.
        server_name: the name to expect in the server's certificate, where it is not the target's.
    """

    root_certificates: Path | str | None = None
    certificate: Path | str | None = None
    private_key: Path | str | None = None
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """The files as gRPC credentials."""
        roots, chain, key = (
            Path(path).read_bytes() if path is not None else None
            for path in (self.root_certificates, self.certificate, self.private_key)
        )
        return grpc.ssl_channel_credentials(roots, key, chain)


class _Settings:
    """What both clients are told at construction."""

    def __init__(
        self,
        target: str,
        *,
        tls: Tls | bool | None = None,
        timeout: float | None = 60.0,
        max_message_bytes: int = 1 << 20,
        max_batch_items: int = 1 << 18,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """
        Args:
            target: "host:port" or "unix:/path".
            tls: True for TLS with gRPC's roots, a Tls for anything else, None for none.
            timeout: seconds that the service has for one message; None waits for ever.
            max_message_bytes: batches above it are sent as several messages. Around 1 MiB is the fastest.
            max_batch_items: the same for the number of items; a service that is set lower says so in its capabilities.
            options: further gRPC channel arguments.
        """
        if max_message_bytes < 1024:
            raise InputError("max_message_bytes", str(max_message_bytes), "at least 1024")
        if max_batch_items < 1:
            raise InputError("max_batch_items", str(max_batch_items), "at least 1")
        self.target = target
        self.timeout = timeout
        self._tls = Tls() if tls is True else tls or None
        self._budget = plans.Budget(max_batch_items, max_message_bytes)
        self._options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            *(
                [("grpc.ssl_target_name_override", self._tls.server_name)]
                if self._tls and self._tls.server_name
                else []
            ),
            *options,
        ]

    def _time_for(self, messages: int) -> float | None:
        return None if self.timeout is None else self.timeout * max(1, messages)


def _bind(channel: Any) -> tuple[dict[str, Any], Any, Any, Any]:
    """The unary methods by name, the two streams, and the health check of a channel of either kind."""

    def serialise(message: Message) -> bytes:
        return message.SerializeToString()

    def method(kind: Any, path: str, answer: Any) -> Any:
        return kind(path, request_serializer=serialise, response_deserializer=answer.FromString)

    unary = {
        name: method(channel.unary_unary, f"/{_SERVICE.full_name}/{name}", answer)
        for name, answer in _ANSWERS.items()
        if name not in (_STREAM, _APPEND)
    }
    stream = method(channel.stream_stream, f"/{_SERVICE.full_name}/{_STREAM}", _ANSWERS[_STREAM])
    append = method(channel.stream_unary, f"/{_SERVICE.full_name}/{_APPEND}", _ANSWERS[_APPEND])
    return unary, stream, append, method(channel.unary_unary, _HEALTH_CHECK, health_pb2.HealthCheckResponse)


def _translated(error: Any) -> Exception:
    """A grpc.RpcError as the exception that callers see."""
    return from_rpc(error.code(), error.details() or "", error.trailing_metadata())


def _serving(answer: health_pb2.HealthCheckResponse) -> bool:
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _not_ready(target: str, timeout: float, last: str) -> ServiceError:
    return ServiceError(grpc.StatusCode.UNAVAILABLE, f"{target} was not ready within {timeout:g} s: {last}")


# ---- the blocking client ---------------------------------------------------------------------------------------------


class ValidationClient(_Settings, TreeCalls):
    """A client for ordinary programs; safe to use from several threads. Close it, or use it in a `with` statement."""

    def __init__(self, target: str, **settings: Any) -> None:
        super().__init__(target, **settings)
        if self._tls is None:
            self._channel = grpc.insecure_channel(target, options=self._options)
        else:
            self._channel = grpc.secure_channel(target, self._tls.credentials(), options=self._options)
        self._unary, self._stream, self._append, self._health = _bind(self._channel)

    def close(self) -> None:
        """Closes the connection; calls in flight fail with CANCELLED."""
        self._channel.close()

    def __enter__(self) -> ValidationClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, plan: plans.Plan[R]) -> R:
        call = self._unary[plan.method]
        answers: list[Any] = []
        flying: collections.deque[Any] = collections.deque()
        try:
            for request in plan.requests:
                if plan.count == 1:  # a blocking call needs no thread of gRPC's: it costs half of a future
                    return plan.combine([call(request, timeout=self.timeout)])
                if len(flying) == _WINDOW:
                    answers.append(flying.popleft().result())
                flying.append(call.future(request, timeout=self.timeout))
            answers.extend(future.result() for future in flying)
        except grpc.RpcError as error:
            raise _translated(error) from None
        finally:
            for future in flying:
                future.cancel()
        return plan.combine(answers)

    def health(self, service: str = "") -> bool:
        """Whether the service says SERVING. ServiceError when it can not be asked."""
        try:
            return _serving(self._health(health_pb2.HealthCheckRequest(service=service), timeout=self.timeout))
        except grpc.RpcError as error:
            raise _translated(error) from None

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the service says SERVING; ServiceError(UNAVAILABLE) when it has not within `timeout` seconds."""
        end = time.monotonic() + timeout
        last = "no answer"
        while (left := end - time.monotonic()) > 0:
            try:
                if _serving(self._health(health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True)):
                    return
                last = "NOT_SERVING"
            except grpc.RpcError as error:
                last = str(_translated(error))
            time.sleep(min(0.05, max(0.0, end - time.monotonic())))
        raise _not_ready(self.target, timeout, last)

    def verify_batch(
        self,
        scheme: str,
        public_keys: BatchOfBytes,
        signatures: BatchOfBytes,
        messages: BatchOfBytes,
        *,
        threads: int | None = None,
        **options: Any,
    ) -> Verdicts:
        """`pycore.verify_batch` on the service. A batch too large for one message goes over a stream of its own."""
        checked = plans.VerifyOptions.check(self._budget, scheme, **options)
        plan = plans.verify_batch(checked, public_keys, signatures, messages)
        if plan.count == 1:
            return self._run(plan)
        requests = (plans.stream_request(i, request) for i, request in enumerate(plan.requests))
        parts = self._answers(requests, self._time_for(plan.count))
        return plans.join_verdicts([plans.stream_verdicts(answer) for answer in parts])

    def verify(
        self,
        scheme: str,
        public_key: BytesLike,
        signature: BytesLike,
        message: BytesLike,
        *,
        threads: int | None = None,
        **options: Any,
    ) -> None:
        """`pycore.verify` on the service. One round trip per signature: a batch of 256 costs hardly more."""
        columns = (single(public_key, "public_key"), single(signature, "signature"), single(message, "message"))
        verdicts = self.verify_batch(scheme, *columns, **options)
        if verdicts[0] is not Verdict.VALID:
            raise verdict_error(verdicts[0])

    def verify_stream(self, scheme: str, batches: Iterable[plans.Batch], **options: Any) -> Iterator[Verdicts]:
        """Verifies batch after batch over one stream: the fastest way for many.

        Args:
            scheme: as for `pycore.verify_batch`; `options`, too.
            batches: (public_keys, signatures, messages) tuples. Read ahead of the answers, from another thread.

        Yields:
            The verdicts of each batch, in order. Close the iterator to end the stream early.

        Raises:
            InputError: a batch is malformed; the ones before it were answered.
            ServiceError: the stream broke. It has no time limit of its own.
        """
        state = plans.StreamState(plans.VerifyOptions.check(self._budget, scheme, **options))

        def requests() -> Iterator[signature_pb2.VerifySignatureStreamRequest]:
            try:
                for batch in batches:
                    yield from state.messages(batch)
            except (
                Exception
            ) as error:  # gRPC would swallow it in its thread: end the stream, raise it behind the answers
                state.failure = error

        with contextlib.closing(self._answers(requests(), None)) as answers:
            parts = []
            for answer in answers:
                parts.append(plans.stream_verdicts(answer))
                if len(parts) == state.pieces[0]:
                    state.pieces.popleft()
                    yield plans.join_verdicts(parts)
                    parts = []
        if state.failure is not None:
            raise state.failure

    def _answers(self, requests: Iterator[Any], timeout: float | None) -> Generator[Any, None, None]:
        call = self._stream(requests, timeout=timeout)
        try:
            yield from call
        except grpc.RpcError as error:
            raise _translated(error) from None
        finally:
            call.cancel()

    def hash_batch(
        self, algorithm: str, messages: BatchOfBytes, *, width: int | None = None, threads: int | None = None
    ) -> NDArray[np.uint8]:
        """`pycore.hash_batch` on the service."""
        return self._run(plans.hash_batch(self._budget, algorithm, messages, width))

    def hash(self, algorithm: str, message: BytesLike) -> bytes:
        """`pycore.hash` on the service."""
        return self._run(plans.hash_batch(self._budget, algorithm, single(message, "message"), None)).tobytes()

    def validate_block(
        self, chain: str, block: BytesLike, context: Mapping[str, Any] | str | bytes | Any | None = None
    ) -> BlockReport:
        """`pycore.ledgers.get(chain).validate_block(block, context)` on the service.

        Args:
            chain: "chainmaker".
            block: the block in the chain's own encoding.
            context: the chain's context object, its JSON document as text, bytes or mapping, or None.
        """
        return self._run(plans.validate_block(chain, block, context))

    def capabilities(self) -> ServiceCapabilities:
        """What the service can do, and its limits."""
        return self._run(plans.capabilities())


# ---- the asyncio client ----------------------------------------------------------------------------------------------


class AsyncValidationClient(_Settings, AsyncTreeCalls):
    """The same calls for asyncio programs. Make, use and close it on one event loop, or use it in `async with`."""

    def __init__(self, target: str, **settings: Any) -> None:
        super().__init__(target, **settings)
        if self._tls is None:
            self._channel = grpc.aio.insecure_channel(target, options=self._options)
        else:
            self._channel = grpc.aio.secure_channel(target, self._tls.credentials(), options=self._options)
        self._unary, self._stream, self._append, self._health = _bind(self._channel)

    async def close(self) -> None:
        """Closes the connection; calls in flight fail with CANCELLED."""
        await self._channel.close(None)

    async def __aenter__(self) -> AsyncValidationClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, plan: plans.Plan[R]) -> R:
        call = self._unary[plan.method]
        answers: list[Any] = []
        flying: collections.deque[Any] = collections.deque()
        try:
            for request in plan.requests:
                if len(flying) == _WINDOW:
                    answers.append(await flying.popleft())
                flying.append(call(request, timeout=self.timeout))
            while flying:
                answers.append(await flying.popleft())
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from None
        finally:
            for future in flying:
                future.cancel()
        return plan.combine(answers)

    async def health(self, service: str = "") -> bool:
        """Whether the service says SERVING. ServiceError when it can not be asked."""
        try:
            return _serving(await self._health(health_pb2.HealthCheckRequest(service=service), timeout=self.timeout))
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from None

    async def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the service says SERVING; ServiceError(UNAVAILABLE) when it has not within `timeout` seconds."""
        end = time.monotonic() + timeout
        last = "no answer"
        while (left := end - time.monotonic()) > 0:
            try:
                if _serving(await self._health(health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True)):
                    return
                last = "NOT_SERVING"
            except grpc.aio.AioRpcError as error:
                last = str(_translated(error))
            await asyncio.sleep(min(0.05, max(0.0, end - time.monotonic())))
        raise _not_ready(self.target, timeout, last)

    async def verify_batch(
        self,
        scheme: str,
        public_keys: BatchOfBytes,
        signatures: BatchOfBytes,
        messages: BatchOfBytes,
        *,
        threads: int | None = None,
        **options: Any,
    ) -> Verdicts:
        """As `ValidationClient.verify_batch`."""
        checked = plans.VerifyOptions.check(self._budget, scheme, **options)
        plan = plans.verify_batch(checked, public_keys, signatures, messages)
        if plan.count == 1:
            return await self._run(plan)
        requests = (plans.stream_request(i, request) for i, request in enumerate(plan.requests))
        parts = self._answers(requests, self._time_for(plan.count))
        return plans.join_verdicts([plans.stream_verdicts(answer) async for answer in parts])

    async def verify(
        self,
        scheme: str,
        public_key: BytesLike,
        signature: BytesLike,
        message: BytesLike,
        *,
        threads: int | None = None,
        **options: Any,
    ) -> None:
        """As `ValidationClient.verify`."""
        columns = (single(public_key, "public_key"), single(signature, "signature"), single(message, "message"))
        verdicts = await self.verify_batch(scheme, *columns, **options)
        if verdicts[0] is not Verdict.VALID:
            raise verdict_error(verdicts[0])

    async def verify_stream(
        self, scheme: str, batches: AsyncIterable[plans.Batch] | Iterable[plans.Batch], **options: Any
    ) -> AsyncIterator[Verdicts]:
        """As `ValidationClient.verify_stream`; `batches` may be an asynchronous iterable, too."""
        state = plans.StreamState(plans.VerifyOptions.check(self._budget, scheme, **options))

        async def requests() -> AsyncIterator[signature_pb2.VerifySignatureStreamRequest]:
            try:
                async for batch in _asynchronous(batches):
                    for message in state.messages(batch):
                        yield message
            except Exception as error:
                state.failure = error

        async with contextlib.aclosing(self._answers(requests(), None)) as answers:
            parts = []
            async for answer in answers:
                parts.append(plans.stream_verdicts(answer))
                if len(parts) == state.pieces[0]:
                    state.pieces.popleft()
                    yield plans.join_verdicts(parts)
                    parts = []
        if state.failure is not None:
            raise state.failure

    async def _answers(self, requests: Any, timeout: float | None) -> AsyncGenerator[Any, None]:
        call = self._stream(requests, timeout=timeout)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from None
        finally:
            call.cancel()

    async def hash_batch(
        self, algorithm: str, messages: BatchOfBytes, *, width: int | None = None, threads: int | None = None
    ) -> NDArray[np.uint8]:
        """`pycore.hash_batch` on the service."""
        return await self._run(plans.hash_batch(self._budget, algorithm, messages, width))

    async def hash(self, algorithm: str, message: BytesLike) -> bytes:
        """`pycore.hash` on the service."""
        return (await self._run(plans.hash_batch(self._budget, algorithm, single(message, "message"), None))).tobytes()

    async def validate_block(
        self, chain: str, block: BytesLike, context: Mapping[str, Any] | str | bytes | Any | None = None
    ) -> BlockReport:
        """As `ValidationClient.validate_block`."""
        return await self._run(plans.validate_block(chain, block, context))

    async def capabilities(self) -> ServiceCapabilities:
        """As `ValidationClient.capabilities`."""
        return await self._run(plans.capabilities())


async def _asynchronous(batches: AsyncIterable[plans.Batch] | Iterable[plans.Batch]) -> AsyncIterator[plans.Batch]:
    if isinstance(batches, AsyncIterable):
        async for batch in batches:
            yield batch
    else:
        for batch in batches:
            yield batch
