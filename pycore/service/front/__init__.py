"""The second front end of the service: gRPC over libnghttp2, on the service's own event loop.

    NativeServer        what `grpc.aio.server` gives, as far as this service uses it
    is_built()          whether the extension is there

docs/design/0025-a-second-front-end.md says why. Handlers, interceptors and servicers are the same on both.

    fields              header lists: from bytes to metadata, and back
    bodies              compressed messages
    calls               a call, which is also the context that its handler sees
    accepting           who connects
    connection          one connection: events to calls, answers to bytes
    listening           ports, and the end; TLS comes as a context (pycore/service/native_tls.py)
"""

from __future__ import annotations

from pycore.service.front.listening import NativeServer, is_built, why_not

__all__ = ["NativeServer", "is_built", "speaks_native"]


def speaks_native(front: str) -> bool:
    """Whether a setting `front` means this front end: `auto` does where it was built.

    Raises:
        OSError: it is asked for, and is not there; with why.
    """
    if front == "nghttp2" and not is_built():
        raise OSError(
            f"front nghttp2: libnghttp2 is absent, or was when this pycore was built ({why_not()}): install "
            "libnghttp2-14 (Debian, Ubuntu), or libnghttp2-dev and build pycore again, or set front to grpcio"
        )
    return front != "grpcio" and is_built()
