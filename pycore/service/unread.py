"""Answers that were given and have not left: what a peer that does not read keeps in memory. No gRPC in here.

A handler is done when it has its answer; the answer stays until the peer has let all of it through its flow-control
window, and a peer that never does so keeps it for as long as its connection lives. So the bytes are counted from the
handler's end to the call's, for each client (each connection, where nobody says who calls): a client with too many
gets a refusal instead of the next answer. The bound over all clients only touches those that have something unread, so
that those who read are answered whatever others do.
"""

from __future__ import annotations

import threading

from pycore.service.locked import locked
from pycore.wire.refusals import OverloadedError

__all__ = ["Unread"]

_RETRY_S = 1.0


class Unread:
    """Bytes of answers by client. Any thread may call.

    Args:
        most_each: of one client.
        most: of all.

    >>> unread = Unread(100, 1000)
    >>> unread.hold("a", 300), unread.each["a"]  # the only answer of a client is always given
    (None, 300)
    >>> unread.hold("a", 1)
    Traceback (most recent call last):
    pycore.wire.refusals.OverloadedError: the service is full: 300 bytes of unread answers in flight, ...
    >>> unread.give_back("a", 300)
    >>> unread.total
    0
    """

    def __init__(self, most_each: int, most: int) -> None:
        self.lock = threading.RLock()
        self.most_each = most_each
        self.most = most
        self.total = 0
        self.each: dict[str, int] = {}

    @locked
    def hold(self, client: str, nbytes: int) -> None:
        """Counts an answer.

        Raises:
            OverloadedError: the client has others that it has not read, and this would be too much.
        """
        held = self.each.get(client, 0)
        for have, most in ((held, self.most_each), (self.total, self.most)):
            if held and have + nbytes > most:
                raise OverloadedError("bytes of unread answers", have, nbytes, most, _RETRY_S)
        if nbytes:
            self.each[client] = held + nbytes
        self.total += nbytes

    @locked
    def give_back(self, client: str, nbytes: int) -> None:
        """An answer has left, or its call has ended."""
        self.total -= nbytes
        left = self.each.get(client, 0) - nbytes  # an answer may be empty, and its client gone from the table
        if left:
            self.each[client] = left
        else:
            self.each.pop(client, None)
