"""The messages and methods of `pycore.validation.v1`. The generated code is imported here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from pycore._pb.validation.v1 import (
    block_pb2,
    bundle_pb2,
    capability_pb2,
    column_pb2,
    consensus_pb2,
    hash_pb2,
    ics23_pb2,
    merkle_pb2,
    signature_pb2,
    validation_service_pb2,
    verdict_pb2,
    votes_pb2,
)

__all__ = [
    "METHODS",
    "SERVICE_NAME",
    "Method",
    "block_pb2",
    "bundle_pb2",
    "capability_pb2",
    "column_pb2",
    "consensus_pb2",
    "hash_pb2",
    "ics23_pb2",
    "merkle_pb2",
    "signature_pb2",
    "verdict_pb2",
    "votes_pb2",
]


@dataclass(frozen=True)
class Method:
    """One RPC of the service.

    Attributes:
        name: without the service's name.
        request, answer: classes of its messages.
        many_requests, many_answers: whether the client, whether the service sends a stream of them.
    """

    name: str
    request: type[Message]
    answer: type[Message]
    many_requests: bool
    many_answers: bool

    @property
    def path(self) -> str:
        """As gRPC names it."""
        return f"/{SERVICE_NAME}/{self.name}"


_SERVICE: Any = validation_service_pb2.DESCRIPTOR.services_by_name["ValidationService"]
SERVICE_NAME: str = _SERVICE.full_name
METHODS = {
    method.name: Method(
        method.name,
        message_factory.GetMessageClass(method.input_type),
        message_factory.GetMessageClass(method.output_type),
        method.client_streaming,
        method.server_streaming,
    )
    for method in _SERVICE.methods
}
"""Every RPC by its name, as the descriptor says it."""
