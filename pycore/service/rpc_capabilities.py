"""GetCapabilities."""

from __future__ import annotations

from pycore.base.backends import capabilities
from pycore.service.work import Unary, Work
from pycore.wire.capabilities import to_capabilities
from pycore.wire.schema import capability_pb2
from pycore.wire.settings import Settings

_NAME = "GetCapabilities"


def _decode(_request: capability_pb2.GetCapabilitiesRequest, _: Settings) -> Work:
    return Work(_NAME, None, (), 0, 1)  # or no quota would bound these calls


def _run(_: Work, settings: Settings) -> capability_pb2.GetCapabilitiesResponse:
    return to_capabilities(capabilities(), settings)


def _encode(answer: capability_pb2.GetCapabilitiesResponse) -> capability_pb2.GetCapabilitiesResponse:
    return answer


RPCS = {_NAME: Unary(_decode, _encode)}
KINDS = {_NAME: _run}
