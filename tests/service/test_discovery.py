"""Health and reflection, as generic tools use them."""

from __future__ import annotations

import contextlib

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

from .conftest import PATIENCE

NAME = "pycore.validation.v1.ValidationService"
HEALTH = "/grpc.health.v1.Health/"


@pytest.fixture
def channel(service: Server) -> grpc.Channel:
    return grpc.insecure_channel(service.target)


def test_health_of_the_whole_and_of_the_service(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", NAME):
        assert stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE).status == 1
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="x" * 5000), timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_watching_a_service_that_is_not_there(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    call = stub.Watch(health_pb2.HealthCheckRequest(service="none"), timeout=PATIENCE)
    assert next(call).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    call.cancel()


LONG = [health_pb2.HealthCheckRequest(service="x" * 257).SerializeToString(), b"\x0a\0" + b"\x12\x80\x10" + bytes(2048)]
"""A long name, and one that is known in a long message."""


@pytest.mark.parametrize("raw", LONG, ids=["name", "message"])
def test_nobody_watches_with_a_long_request(channel: grpc.Channel, raw: bytes) -> None:
    """gRPC would keep it as long as the stream is open."""
    watch, check = channel.unary_stream(f"{HEALTH}Watch"), channel.unary_unary(f"{HEALTH}Check")
    for call in (lambda: list(watch(raw, timeout=PATIENCE)), lambda: check(raw, timeout=PATIENCE)):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("most", "held", "words"), [(3, 3, "3 watchers are there"), (99, 64, "64 watchers of this conn")]
)
def test_watchers_are_bounded(most: int, held: int, words: str) -> None:
    """A connection has no more than its share, and all together no more than calls may be open."""
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_concurrent_rpcs=most)
    with background(config) as server, grpc.insecure_channel(server.target) as channel:
        watch = channel.unary_stream(f"{HEALTH}Watch")
        calls = [watch(b"", timeout=PATIENCE) for _ in range(held)]
        assert all(next(call) for call in calls)
        with pytest.raises(grpc.RpcError, match=words) as caught:
            next(watch(b"", timeout=PATIENCE))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for call in calls:
            call.cancel()
        while True:  # until the service has heard of one
            with contextlib.suppress(grpc.RpcError):
                assert next(watch(b"", timeout=PATIENCE))
                break


def ask(channel: grpc.Channel, **request: str) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    message = reflection_pb2.ServerReflectionRequest(**request)
    return next(iter(stub.ServerReflectionInfo(iter([message]), timeout=PATIENCE)))


def test_reflection_lists_the_services(channel: grpc.Channel) -> None:
    listed = {one.name for one in ask(channel, list_services="").list_services_response.service}
    assert listed == {NAME, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def test_reflection_gives_every_file_of_the_contract(channel: grpc.Channel) -> None:
    """Rebuilds the service's descriptor from reflection alone, the way a generic client does."""
    files: dict[str, FileDescriptorProto] = {}
    first = ask(channel, file_containing_symbol=NAME).file_descriptor_response.file_descriptor_proto
    wanted = [FileDescriptorProto.FromString(one) for one in first]
    while wanted:
        file = wanted.pop()
        if file.name in files:
            continue
        files[file.name] = file
        for name in file.dependency:
            found = ask(channel, file_by_filename=name).file_descriptor_response.file_descriptor_proto
            wanted.extend(FileDescriptorProto.FromString(one) for one in found)
    pool = DescriptorPool()

    def add(name: str) -> None:
        for dependency in files[name].dependency:
            add(dependency)
        pool.Add(files[name])

    add("pycore/validation/v1/validation_service.proto")
    methods = [method.name for method in pool.FindServiceByName(NAME).methods]
    assert methods == [
        "VerifySignatures",
        "VerifySignatureStream",
        "HashBatch",
        "BuildMerkleTree",
        "AppendMerkleTree",
        "VerifyInclusion",
        "VerifyMultiproof",
        "VerifyConsistency",
        "VerifySparse",
        "VerifyTrie",
        "VerifyIcs23",
        "ValidateBlock",
        "ValidateBlocks",
        "VerifyBundle",
        "AdvanceTrust",
        "VerifyCommit",
        "VerifyCommits",
        "VerifyVotes",
        "LightVerify",
        "GetCapabilities",
    ]
