"""Who connects, for those that cannot see a connection: asyncio tells TLS nothing about the socket beneath it.

asyncio takes each connection in a separate task, which inherits what was set when it was accepted; the callbacks of its
transport do as well. uvloop accepts below Python, so there nobody knows the peer until the handshake is done.
"""

from __future__ import annotations

import socket
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

__all__ = ["Listening", "accepted_peer", "peer_name"]

accepted_peer: ContextVar[str] = ContextVar("pycore_accepted_peer", default="")
"""The peer of the connection that is being taken, as gRPC writes it; empty where nobody knows."""


class Listening(socket.socket):
    """A socket that listens, and says who was accepted."""

    def accept(self) -> tuple[socket.socket, Any]:
        """As that of every socket."""
        one, where = super().accept()
        accepted_peer.set(peer_name(where))
        return one, where


def peer_name(address: Any) -> str:
    """The address of a peer, as gRPC writes it.

    >>> peer_name(("127.0.0.1", 80)), peer_name(("::1", 80, 0, 0)), peer_name("")
    ('ipv4:127.0.0.1:80', 'ipv6:%5B::1%5D:80', 'unix:')
    >>> peer_name(("::ffff:127.0.0.1", 80, 0, 0))
    'ipv4:127.0.0.1:80'
    """
    if isinstance(address, tuple):
        mapped = address[0].removeprefix("::ffff:")
        if len(address) == 2 or (mapped != address[0] and "." in mapped):
            address = (mapped, address[1])
            return f"ipv4:{address[0]}:{address[1]}"
        return f"ipv6:%5B{quote(address[0], safe=':')}%5D:{address[1]}"
    return "unix:" + (address if isinstance(address, str) else "")
