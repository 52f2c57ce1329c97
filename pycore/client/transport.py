"""Which transport the blocking calls of a client go over, and what forbids the direct one."""

from __future__ import annotations

import os
import ssl

from pycore.base.columns import quote
from pycore.client.connection import Endpoints, Tls, is_loopback
from pycore.client.direct import Direct, is_built
from pycore.client.direct_sockets import place_of, tls_context
from pycore.errors import InputError

TRANSPORTS = ("auto", "grpcio", "nghttp2")
VARIABLE = "PYCORE_TRANSPORT"
"""Says the meaning of "auto". "nghttp2" is then used where no setting forbids it."""
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")  # gRPC asks them in this order, and no others
_NO_PROXIES = ("no_grpc_proxy", "no_proxy")


def spoken(transport: str, known: tuple[str, ...] = TRANSPORTS) -> str:
    """The transport that a client is told, by its arguments or else by the environment.

    Args:
        known: the words that this kind of client takes.

    Raises:
        InputError: another word, or "nghttp2" where the extension module is absent.
    """
    if transport not in known:
        raise InputError("transport", quote(transport), f"one of {', '.join(map(repr, known))}")
    named, field = transport, "transport"
    if transport == "auto":
        named, field = os.environ.get(VARIABLE) or "auto", VARIABLE
        if named not in TRANSPORTS:
            raise InputError(VARIABLE, quote(named), f"one of {', '.join(map(repr, TRANSPORTS))}")
    if named == "nghttp2" and "nghttp2" in known and not is_built():
        raise InputError(field, "'nghttp2'", "'auto' or 'grpcio': pycore was built without libnghttp2")
    return "grpcio" if named == "grpcio" else transport


def pools(endpoints: Endpoints, transport: str) -> list[Direct | None]:
    """For each connection of a client its direct ones; None where calls go over grpcio.

    Args:
        transport: of `spoken`.

    Raises:
        InputError: "nghttp2", and a setting that forbids it.
    """
    if transport == "grpcio" or not is_built():
        return [None] * len(endpoints.targets)
    found: list[Direct | None] = []
    context: ssl.SSLContext | None = None
    for target in endpoints.targets:
        reason = hindrance(endpoints, target)
        if reason is None and endpoints.tls is not None and context is None:
            context, reason = _context(endpoints.tls)
        if reason is not None and transport == "nghttp2":
            raise InputError("transport", f"'nghttp2' with {reason}", "'auto' or 'grpcio' with it")
        found.append(None if reason is not None else _pool(endpoints.tls, target, context))
    return found


def hindrance(endpoints: Endpoints, target: str) -> str | None:
    """The setting that leaves a target to grpcio, in words; None where there is no such setting."""
    if endpoints.options:
        return "channel options"
    if endpoints.policy == "round_robin":
        return "balance='round_robin'"
    place = place_of(target)
    if place is None:
        return f"the target {quote(target)}, which is neither host:port, dns:///host:port nor unix:/path"
    if endpoints.tls is not None and endpoints.tls.root_certificates is None:
        return "TLS without root_certificates"
    if not is_loopback(target) and (variable := _proxied(place.host or "")):
        return f"the proxy of the environment variable {variable}"
    return None


def _proxied(host: str) -> str | None:
    """The variable whose proxy gRPC would go through to a host, so far as it is told here; in doubt there is one."""
    variable = next((name for name in _PROXIES if os.environ.get(name)), None)
    spared = next((found for name in _NO_PROXIES if (found := os.environ.get(name))), "")
    ends = [one.strip().lower() for one in spared.split(",")]
    return None if any(end and host.lower().endswith(end) for end in ends) else variable


def _context(tls: Tls) -> tuple[ssl.SSLContext | None, str | None]:
    """The context, or why there is none. A file that is not there was an OSError before."""
    try:
        return tls_context(tls), None
    except (OSError, ValueError) as error:
        return None, f"TLS files that Python's ssl does not take ({error})"


def _pool(tls: Tls | None, target: str, context: ssl.SSLContext | None) -> Direct:
    place = place_of(target)
    assert place is not None
    return Direct(place, context, tls.server_name if tls is not None else None)
