"""Clients of the gRPC validation service: the calls of `pycore`, with the same arguments and the same results.

clients.py   the blocking and the asyncio client
"""

from pycore.client.clients import AsyncValidationClient, ServiceCapabilities, ServiceError, Tls, ValidationClient

__all__ = ["AsyncValidationClient", "ServiceCapabilities", "ServiceError", "Tls", "ValidationClient"]
