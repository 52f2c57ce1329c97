"""The call that asks what a service can do."""

from __future__ import annotations

from pycore.client.requests import Caller, Plan, call
from pycore.wire.capabilities import ServiceCapabilities, from_capabilities
from pycore.wire.schema import capability_pb2


class CapabilityCalls(Caller):
    """`capabilities`."""

    @call
    def capabilities(self) -> Plan[ServiceCapabilities]:
        """The capabilities of the service, and its limits."""
        request = capability_pb2.GetCapabilitiesRequest()
        return Plan("GetCapabilities", 1, [request], lambda answers: from_capabilities(answers[0]))
