"""Clients of the gRPC validation service: the calls of `pycore`, with the same arguments and the same results.

    clients.py      the blocking and the asyncio client: how requests and answers move
    common.py       the part that both have; connection.py: targets, TLS, tokens, settings of calls
    routes.py       the connections, and which of them a call takes
    transport.py    whether blocking calls go over grpcio, or without it
    direct.py       those without: a pool of connections, a call; direct_answers.py: headers, statuses, errors;
                    direct_sockets.py: connecting, TLS
    flow.py         how far a stream may run ahead of its answers
    requests.py     what a call is before anything is sent; one method, two clients
    requests_*.py   the calls, family by family
    coalescer.py    calls of one item, from many tasks or threads, sent together
    lane.py         the client for programs on the service's host

It imports nothing of the service.
"""

from pycore.client.clients import AsyncValidationClient, ServiceCapabilities, ServiceError, Tls, ValidationClient
from pycore.client.coalescer import AsyncCoalescer, Coalescer
from pycore.client.lane import LaneClient
from pycore.wire.votes import CountedVotes, NextHeight, NextRound, VoteBatch

__all__ = [
    "AsyncCoalescer",
    "AsyncValidationClient",
    "Coalescer",
    "CountedVotes",
    "LaneClient",
    "NextHeight",
    "NextRound",
    "ServiceCapabilities",
    "ServiceError",
    "Tls",
    "ValidationClient",
    "VoteBatch",
]
