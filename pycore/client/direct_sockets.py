"""Where a direct connection goes, and the sockets of it: plain, on this host, or with TLS by Python's `ssl`."""

from __future__ import annotations

import contextlib
import math
import os
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycore.client.connection import Tls
from pycore.client.direct_answers import away, late

OVER, LATE, GONE = 0, 1, 2
"""How an exchange ended: the call is over; its time is up; the connection is."""

_LONGEST_CONNECT_S = 20.0  # gRPC's own
_LONGEST_POLL_MS = 1 << 30
_AT_ONCE = 1 << 16  # bytes of one read, of one write
_TARGET = re.compile(r"(?:dns:///)?(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_.-]+)):(?P<port>[0-9]{1,5})")
_SCHEMES = frozenset(("dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds"))


@dataclass(frozen=True)
class Place:
    """A target that one connection can be made to.

    Attributes:
        host: a name or a number; None where `path` is given.
        port: of TCP.
        path: of a Unix socket.
    """

    host: str | None
    port: int
    path: str | None

    @property
    def authority(self) -> str:
        """As gRPC names the target in each call."""
        if self.host is None:
            return "localhost"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path is not None else self.authority


def place_of(target: str) -> Place | None:
    """The place that a target names; None for one that only gRPC can read.

    >>> place_of("dns:///[::1]:50051")
    Place(host='::1', port=50051, path=None)
    >>> place_of("ipv4:10.0.0.1:50051,10.0.0.2:50051")
    """
    if target.startswith("unix:/"):
        path = target.removeprefix("unix:")
        path = path.removeprefix("//") if path.startswith("///") else path
        return Place(None, 0, path) if path[:2] != "//" and not set(path) & set("%?#\0") else None
    found = _TARGET.fullmatch(target)
    if found is None or found["name"] in _SCHEMES or not 0 < int(found["port"]) < 1 << 16:
        return None
    return Place(found["six"] or found["name"], int(found["port"]), None)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """For a `Tls` with root certificates. OSError, of which `ssl.SSLError` is one, for files that are no use for it."""
    assert tls.root_certificates is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the certificate and the name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as gRPC: a root is what was given as one
    context.load_verify_locations(cadata=Path(tls.root_certificates).read_text(encoding="ascii", errors="replace"))
    if tls.certificate is not None or tls.private_key is not None:
        if tls.certificate is None or tls.private_key is None:
            raise OSError("certificate and private_key: got one, wanted both or neither")
        context.load_cert_chain(tls.certificate, tls.private_key)
    context.set_alpn_protocols(["h2"])
    return context


# ---- connecting ------------------------------------------------------------------------------------------------------


def connect(
    place: Place, context: ssl.SSLContext | None, name: str | None, end: float | None, made: Callable[[Any], bool]
) -> Any:
    """A socket that is connected, does not wait, and has gone through TLS where `context` is given.

    Args:
        name: the one in the certificate; None for the place's own.
        end: time of the monotonic clock at which the caller has had its time.
        made: is told each socket before it connects; whether to go on.

    Raises:
        CallError: DEADLINE_EXCEEDED at `end`, UNAVAILABLE with the last reason otherwise.
    """
    longest = time.monotonic() + _LONGEST_CONNECT_S
    limit = longest if end is None else min(end, longest)
    try:
        addresses = _addresses(place, limit)
        reason: OSError = OSError("no address")
        for i, (family, address) in enumerate(addresses):
            left = limit - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            try:
                return _connected(family, address, left / (len(addresses) - i), context, name or place.host, made)
            except OSError as error:
                reason = error
        raise reason
    except OSError as error:
        if end is not None and time.monotonic() >= end:
            raise late() from None
        raise away(f"cannot connect to {place}: {said(error)}") from None


def said(error: OSError) -> str:
    """The reason in words."""
    return error.strerror or str(error) or type(error).__name__


def _addresses(place: Place, limit: float) -> list[tuple[int, Any]]:
    if place.path is not None:
        return [(socket.AF_UNIX, place.path)]
    found = _looked_up(place.host, place.port, socket.AI_NUMERICHOST)
    if isinstance(found, list):
        return found
    answers: list[Any] = []
    # The system's resolver has no deadline: a thread waits for it, and the call for the thread.
    asker = threading.Thread(target=lambda: answers.append(_looked_up(place.host, place.port, 0)), daemon=True)
    asker.start()
    asker.join(max(0.0, limit - time.monotonic()))
    if not answers:
        raise TimeoutError("its name was not resolved in time")
    if isinstance(answers[0], OSError):
        raise answers[0]
    found = answers[0]
    assert isinstance(found, list)
    return found


def _looked_up(host: str | None, port: int, flags: int) -> list[tuple[int, Any]] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        return error if isinstance(error, OSError) else OSError(str(error))
    return [(family, address) for family, _, _, _, address in found]


def _connected(
    family: int,
    address: Any,
    left: float,
    context: ssl.SSLContext | None,
    name: str | None,
    made: Callable[[Any], bool],
) -> Any:
    end = time.monotonic() + left
    one: Any = socket.socket(family, socket.SOCK_STREAM)
    try:
        if not made(one):
            raise OSError("the client was closed")
        one.settimeout(left)
        one.connect(address)
        if family != socket.AF_UNIX:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            one = context.wrap_socket(one, server_hostname=name or "localhost", do_handshake_on_connect=False)
            if not made(one):
                raise OSError("the client was closed")
            one.settimeout(max(1e-3, end - time.monotonic()))
            one.do_handshake()
            if one.selected_alpn_protocol() != "h2":
                raise OSError("the service does not speak HTTP/2 over TLS (ALPN)")
        one.settimeout(0)
    except BaseException:
        one.close()
        raise
    return one


# ---- a call over TLS -------------------------------------------------------------------------------------------------


class Secured:
    """The bytes of a connection's calls through TLS; over a plain socket C moves them by itself.

    Attributes:
        reason: why the connection is at its end.
    """

    def __init__(self, caller: Any, one: ssl.SSLSocket) -> None:
        self._caller = caller
        self._socket = one
        self._poll = select.poll()
        self._rest: memoryview | None = None
        self.reason = ""

    def run(self, end: float | None) -> int:
        """As `pycore._http2.Caller.run`, until a time of the monotonic clock."""
        caller, polled = self._caller, self._socket.fileno()
        try:
            while True:
                events = self._send()
                read = self._receive()
                if caller.over:
                    self._send()
                    return OVER
                if read:
                    continue
                left = None if end is None else math.ceil((end - time.monotonic()) * 1000)
                if left is not None and left <= 0:
                    return LATE
                self._poll.register(polled, events | select.POLLIN)
                self._poll.poll(left if left is None else min(left, _LONGEST_POLL_MS))
        except (OSError, ValueError) as error:
            self.reason = said(error) if isinstance(error, OSError) else str(error)
            return OVER if caller.over else GONE

    def alive(self) -> bool:
        """Whether an idle connection can take a call; what has come is taken."""
        try:
            while self._receive():
                pass
            self._send()
        except (OSError, ValueError):
            return False
        return bool(self._caller.usable)

    def flush(self) -> None:
        """Sends what there is to say, as far as that goes at once."""
        with contextlib.suppress(OSError, ValueError):
            self._send()

    def _send(self) -> int:
        """Sends all that goes at once; the event to wait for before there is more, 0 where all has left."""
        while True:
            if self._rest is None:
                data = self._caller.collect()
                if not data:
                    return 0
                self._rest = memoryview(data)
            try:
                # After "not now", OpenSSL wants the same bytes again: a piece always begins where the last one ended.
                sent = self._socket.send(self._rest[:_AT_ONCE])
            except ssl.SSLWantWriteError:
                return select.POLLOUT
            except ssl.SSLWantReadError:
                return 0
            self._rest = self._rest[sent:] if sent < len(self._rest) else None

    def _receive(self) -> bool:
        """Takes what has come; whether something has. OSError at the end of the connection."""
        try:
            data = self._socket.recv(_AT_ONCE)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        if not data:
            raise OSError("the service closed the connection")
        self._caller.receive(data)
        return True


def plain_reason(number: int) -> str:
    """Why a plain connection is at its end, from an errno; 0 where the service ended it."""
    return os.strerror(number) if number else "the service ended it, or what it sent is no HTTP/2"
