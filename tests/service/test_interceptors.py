"""The seam for metrics, authentication and limits: what interceptors see and what becomes of what they raise."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from pycore.client import ServiceError, ValidationClient
from pycore.service.config import ServiceConfig
from pycore.service.server import background
from pycore.wire.refusals import OverloadedError

pytestmark = pytest.mark.network
CONFIG = ServiceConfig(address="127.0.0.1:0", drain_delay=0)


class Counter(grpc.aio.ServerInterceptor):
    """Counts calls by method."""

    def __init__(self) -> None:
        self.calls: collections.Counter[str] = collections.Counter()

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        self.calls[details.method.rpartition("/")[2]] += 1
        return await continuation(details)


class Gatekeeper(grpc.aio.ServerInterceptor):
    """Refuses calls without the word: by an exception, or by a status that it chose."""

    def __init__(self, *, aborts: bool) -> None:
        self._aborts = aborts

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        if ("word", "sesame") in details.invocation_metadata or "Health" in details.method:
            return await continuation(details)
        if not self._aborts:
            raise OverloadedError("calls", 1, 1, 1, 2.5)

        async def refuse(_: Any, context: Any) -> None:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no word")

        return grpc.unary_unary_rpc_method_handler(refuse)


def calls(client: ValidationClient) -> Iterator[Any]:
    """One call of each shape."""
    yield lambda: client.hash("sha256", b"abc")
    yield lambda: client.merkle_root([b"a", b"b"])
    yield lambda: list(client.verify_stream("ed25519", [([bytes(32)], [bytes(64)], [b""])]))


def test_an_interceptor_counts_calls() -> None:
    counter = Counter()
    with background(CONFIG, interceptors=[counter]) as server, ValidationClient(server.target) as client:
        client.wait_until_ready()
        for call in calls(client):
            assert call()
        client.hash("sha256", b"")
    assert counter.calls.pop("Check") >= 1
    assert counter.calls == {"HashBatch": 2, "AppendMerkleTree": 1, "VerifySignatureStream": 1}


@pytest.mark.parametrize("aborts", [False, True])
def test_an_interceptor_refuses_calls(aborts: bool) -> None:
    counter = Counter()
    chain = [Gatekeeper(aborts=aborts), counter]
    wanted = grpc.StatusCode.PERMISSION_DENIED if aborts else grpc.StatusCode.RESOURCE_EXHAUSTED
    with background(CONFIG, interceptors=chain) as server:
        with ValidationClient(server.target) as client:
            client.wait_until_ready()
            counter.calls.clear()
            for call in calls(client):
                with pytest.raises(ServiceError) as caught:
                    call()
                assert caught.value.code is wanted
                assert caught.value.retry_after == (None if aborts else 2.5)
        assert not counter.calls
        with grpc.insecure_channel(server.target) as channel:
            method = channel.unary_unary("/pycore.validation.v1.ValidationService/GetCapabilities")
            assert method(b"", metadata=[("word", "sesame")])
        assert counter.calls == {"GetCapabilities": 1}


def test_what_an_interceptor_raises_unexpectedly_is_internal_and_tells_nothing() -> None:
    class Broken(grpc.aio.ServerInterceptor):
        async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
            raise RuntimeError("a secret")

    with background(CONFIG, interceptors=[Broken()]) as server, ValidationClient(server.target) as client:
        for call in calls(client):
            with pytest.raises(ServiceError, match="internal error, reference") as caught:
                call()
            assert caught.value.code is grpc.StatusCode.INTERNAL
            assert "secret" not in str(caught.value)
