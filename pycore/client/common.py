"""The common part of the blocking and the asyncio client: the calls, their settings, how errors are read."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2

from pycore.base.columns import quote
from pycore.base.deadline import time_left
from pycore.client.connection import REQUEST_ID_KEY, CallSettings, Endpoints, Metadata, Tls, Token
from pycore.client.requests import Budget
from pycore.client.requests_blocks import BlockCalls
from pycore.client.requests_bundles import BundleCalls
from pycore.client.requests_capabilities import CapabilityCalls
from pycore.client.requests_consensus import ConsensusCalls
from pycore.client.requests_hashes import HashCalls
from pycore.client.requests_ics23 import Ics23Calls
from pycore.client.requests_runs import RunCalls
from pycore.client.requests_signatures import SignatureCalls
from pycore.client.requests_trees import TreeCalls
from pycore.client.requests_tries import TrieCalls
from pycore.client.requests_votes import VoteCalls
from pycore.client.routes import Attempts, Route, Routes
from pycore.client.transport import TRANSPORTS, spoken
from pycore.errors import InputError, PycoreError
from pycore.wire.errors import ServiceError, from_rpc, to_code

if TYPE_CHECKING:
    from typing_extensions import Self

_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5  # between two looks at a service that is not ready
_DISTRUST = re.compile("certificate.verify.failed|hostname verification|certificate is not valid for", re.IGNORECASE)
_ONE_LOOK_S = 1.0  # at one of several connections, of which another may be ready
MIN_STREAM_WINDOW, MAX_STREAM_WINDOW = 4, 1024  # a BIF block is answered when the two after it are there


class Calls(
    SignatureCalls,
    HashCalls,
    TreeCalls,
    TrieCalls,
    Ics23Calls,
    BlockCalls,
    RunCalls,
    BundleCalls,
    ConsensusCalls,
    VoteCalls,
    CapabilityCalls,
):
    """Every call that the clients have."""


class Connection(Calls):
    """The settings of both clients, at construction and later."""

    _routes: Routes
    _transports: tuple[str, ...] = TRANSPORTS

    def __init__(
        self,
        target: str | Sequence[str],
        *,
        tls: Tls | bool | None = None,
        token: str | Path | None = None,
        timeout: float | None = 60.0,
        priority: str | None = None,
        request_id: str | None = None,
        attempts: int = 1,
        hedge_after: float | None = None,
        connections: int = 1,
        balance: str | None = None,
        health_checks: bool | None = None,
        stream_window: int = 16,
        max_message_bytes: int = 1 << 20,
        max_batch_items: int = 1 << 18,
        options: Sequence[tuple[str, Any]] = (),
        transport: str = "auto",
    ) -> None:
        """
        Args:
            target: "host:port", "dns:///name:port" or "unix:/path"; several with commas between them, or a list. Of
                several, calls take turns among those that can be reached and say SERVING.
            tls: True for TLS with gRPC's roots, a Tls for anything else, None for none.
            token: a bearer token, where the service knows its callers by one; a Path for the file that holds it, which
                is read again when it changes. Tokens go to whoever answers: use TLS with them.
            timeout: seconds that the service has for one message, further attempts included; None waits for ever.
                Inside a `pycore.base.deadline.Budget` a call has no more time than that leaves.
            priority: "votes", "transactions" or "audits": what the service does first when it is busy. None: by RPC.
            request_id: the name of calls in the service's logs and traces, 1 to 128 printable ASCII characters; more
                use in `using`. None: the service makes one for each call.
            attempts: how often a message is sent at most where the service is full, away or stops, with growing pauses,
                or with those that the service asks for. Every call gives the same answer twice. Of streams only those
                that carry one large batch are sent again.
            hedge_after: seconds without an answer after which a call of one message is sent a second time, to another
                connection if there is one; the first answer is taken, the other call cancelled. At most one call in ten
                is. None: never.
            connections: connections to each target, which calls take in turn.
            balance: "round_robin": each connection is one to every address of its target's name, in turn;
                "pick_first": to the first that answers. None: "round_robin" where there are several targets.
            health_checks: with "round_robin": whether addresses whose health is not SERVING get no calls. None: yes.
            stream_window: most messages of a stream that have no answer that the caller has taken.
            max_message_bytes: batches above it are sent as several messages. Around 1 MiB is the fastest.
            max_batch_items: the same for the number of items; a service that is set lower says so in its capabilities.
            options: further gRPC channel arguments.
            transport: of blocking calls that are one message. "nghttp2": HTTP/2 in the thread that calls, for less
                than half of the client's CPU; "grpcio"; "auto": the former where pycore was built with it and no other
                setting forbids it. All else goes over grpcio, and so do all calls of the asyncio client.

        `priority`, `request_id` and `timeout` are keywords of every call as well; `using` gives a client with other
        ones of these and of `attempts` and `hedge_after`.
        """
        if max_message_bytes < 1024:
            raise InputError("max_message_bytes", str(max_message_bytes), "at least 1024")
        if max_batch_items < 1:
            raise InputError("max_batch_items", str(max_batch_items), "at least 1")
        if type(stream_window) is not int or not MIN_STREAM_WINDOW <= stream_window <= MAX_STREAM_WINDOW:
            wanted = f"an integer from {MIN_STREAM_WINDOW} to {MAX_STREAM_WINDOW}"
            raise InputError("stream_window", quote(stream_window), wanted)
        self._endpoints = Endpoints.of(target, tls, connections, balance, health_checks, options)
        self._transport = spoken(transport, self._transports)
        self.target = target if isinstance(target, str) else ",".join(target)
        self._token = None if token is None else Token(token)
        self._budget = Budget(max_batch_items, max_message_bytes)
        self._window = stream_window
        self._set(CallSettings(timeout, priority, request_id, attempts, hedge_after))

    def _set(self, settings: CallSettings) -> None:
        self._settings = settings
        self._told = settings.metadata

    def using(self, **changes: Any) -> Self:
        """The client with other settings of calls, over the same connections: closing one closes both.

        Args:
            changes: `timeout`, `priority`, `request_id`, `attempts`, `hedge_after`, as at construction.

        Raises:
            InputError: a value that a setting cannot have, or another name.
        """
        changed = copy.copy(self)
        changed._set(self._settings.changed(changes))
        return changed

    @property
    def timeout(self) -> float | None:
        """Seconds that the service has for one message."""
        return self._settings.timeout

    def _time_for(self, messages: int | None = 1) -> float | None:
        """Seconds for so many messages, or for an open end, that a budget around the call does not cut short."""
        own = None if self.timeout is None or messages is None else self.timeout * max(1, messages)
        left = time_left()
        return own if left is None else left if own is None else min(own, left)

    def _metadata(self) -> Metadata | None:
        told = self._told if self._token is None else self._told + self._token.metadata()
        return told or None

    def _translated(self, error: Any) -> PycoreError:
        """A grpc.RpcError as the exception that callers see."""
        ends = error.trailing_metadata() or ()
        return from_rpc(to_code(error.code()), error.details() or "", ends, self._request_id(error, ends))

    def _request_id(self, error: Any, ends: Any) -> str | None:
        for key, value in (*ends, *(error.initial_metadata() or ())):
            if key == REQUEST_ID_KEY:
                return str(value)
        return self._settings.request_id

    def _attempts(
        self, end: float | None = None, route: Route | None = None, failure: Exception | None = None
    ) -> Attempts:
        return Attempts(self._settings, self._routes, end, route, failure)

    def _end(self) -> float | None:
        seconds = self._time_for()
        return None if seconds is None else time.monotonic() + seconds


def cut_short(target: str) -> ServiceError:
    """A stream that ended well, and too early."""
    return ServiceError(grpc.StatusCode.UNAVAILABLE, f"{target} ended the stream before the last answer")


def serving(answer: health_pb2.HealthCheckResponse) -> bool:
    """Whether health says so."""
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class Readiness:
    """How long to wait for a service, and what it said last."""

    def __init__(self, target: str, timeout: float, several: bool) -> None:
        self._target = target
        self._several = several
        self._longest = _ONE_LOOK_S if several else timeout
        self._timeout = timeout
        self._end = time.monotonic() + timeout
        self._pause = _PAUSE_S
        self._last = ""

    def left(self) -> float:
        """Seconds that one look may take; ServiceError where there are none left."""
        left = self._end - time.monotonic()
        if left <= 0:
            words = f"{self._target} was not ready within {self._timeout:g} s: {self._last or 'no answer'}"
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, words)
        return min(left, self._longest)

    def not_serving(self) -> None:
        """It answered, and is not ready."""
        self._last = "NOT_SERVING"

    def failed(self, error: Exception) -> None:
        """It could not be asked. ServiceError where it is the only target and waiting does not help: its certificate
        is not trusted, or of another name."""
        late = isinstance(error, ServiceError) and error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        if not late or not self._last:  # the last look may have been short
            self._last = str(error)
        if not self._several and _DISTRUST.search(self._last):
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, f"{self._target} was not ready: {self._last}")

    def pause(self) -> float:
        """Seconds until the next look."""
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE_S)
        return min(pause, max(0.0, self._end - time.monotonic()))
